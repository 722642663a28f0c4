//! Normalised values of sig words: numbers and ranges with UCUM units, FHIR-like timing.

use regex::Captures;
use serde_json::{Map, Number, Value, json};

use super::{scan::TokenKind, sig::SigTable};

/// The value of a token's words, if they are understood.
pub(super) fn of(sig: &SigTable, kind: TokenKind, written: &str) -> Option<Value> {
    match kind {
        TokenKind::Strength => quantity(sig, written, "strength_unit"),
        TokenKind::Dose => quantity(sig, written, "dose_unit"),
        TokenKind::Duration => british(written).or_else(|| quantity(sig, written, "period")),
        TokenKind::Number => amount(sig, written).map(Value::Object),
        TokenKind::Route => sig.value("route", written).map(Value::from),
        TokenKind::Form => sig.value("form", written).map(Value::from),
        TokenKind::Frequency => timing(sig, written),
        TokenKind::Clock => clock(written),
        TokenKind::Combination => parts(sig, written),
        TokenKind::Prn
        | TokenKind::Maximum
        | TokenKind::Quantity
        | TokenKind::Refills
        | TokenKind::Site
        | TokenKind::Instruction => None,
    }
}

/// "5/7", "4/52", "3/12": days, weeks and months as British prescribers write them.
fn british(written: &str) -> Option<Value> {
    let (count, of) = written.split_once('/')?;
    let unit = match of {
        "7" => "d",
        "52" => "wk",
        "12" => "mo",
        _ => return None,
    };
    Some(json!({"value": count.parse::<u32>().ok()?, "unit": unit}))
}

/// `{"amount", "period"}` of "not to exceed 8 tablets in 24 hours".
pub(super) fn maximum(sig: &SigTable, captures: &Captures<'_>) -> Option<Value> {
    let most = captures.name("most")?.as_str().trim();
    let amount = quantity(sig, most, "strength_unit")
        .or_else(|| quantity(sig, most, "dose_unit"))
        .or_else(|| amount(sig, most).map(Value::Object))?;
    let period = match captures.name("long") {
        Some(long) => quantity(sig, long.as_str(), "period")
            .or_else(|| sig.value("period", long.as_str()).map(|unit| json!({"value": 1, "unit": unit})))?,
        None => json!({"value": 1, "unit": "d"}),
    };
    Some(json!({"amount": amount, "period": period}))
}

/// `{"value", "unit"}` of "#30", "dispense 200 mL".
pub(super) fn handed_out(sig: &SigTable, captures: &Captures<'_>) -> Option<Value> {
    let mut value = json!({"value": sig.number(captures.name("count")?.as_str()).map(figure)?});
    let unit = captures.name("unit").map(|unit| unit.as_str().to_lowercase());
    if let Some(unit) = unit.as_deref().and_then(|unit| {
        sig.value("dose_unit", unit).or_else(|| sig.value("dose_form", unit)).or_else(|| sig.value("strength_unit", unit))
    }) {
        value["unit"] = json!(unit);
    }
    Some(value)
}

/// The number of "2 refills", "no refills".
pub(super) fn count(sig: &SigTable, captures: &Captures<'_>) -> Option<Value> {
    let written = captures.name("count").or_else(|| captures.name("times"))?.as_str().to_lowercase();
    match written.as_str() {
        "no" | "zero" | "none" => Some(json!(0)),
        "once" => Some(json!(1)),
        "twice" => Some(json!(2)),
        _ => sig.number(&written).map(figure),
    }
}

/// `{"timeOfDay"}` of "at 8 a.m. and 2000".
fn clock(written: &str) -> Option<Value> {
    let lower = written.to_lowercase();
    let mut times = Vec::new();
    for found in CLOCK.captures_iter(&lower) {
        let part = |name| found.name(name).map(|part: regex::Match<'_>| part.as_str());
        let (hour, minute) = match (part("military"), part("hour")) {
            (Some(four), _) => (four[..2].parse::<u32>().ok()?, four[2..].parse::<u32>().ok()?),
            (None, Some(hour)) => (hour.parse().ok()?, part("minute").map_or(Some(0), |minute| minute.parse().ok())?),
            (None, None) => return None,
        };
        let hour = match part("half") {
            Some(half) if half.starts_with('p') => hour % 12 + 12,
            Some(_) => hour % 12,
            None => hour,
        };
        times.push(format!("{hour:02}:{minute:02}"));
    }
    (!times.is_empty()).then(|| json!({"timeOfDay": times}))
}

pattern!(CLOCK, r"(?P<military>\b[0-9]{4})\b|(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9][0-9]))?(?:\s?(?P<half>[ap])\.?m)?");

/// A number without a superfluous fraction.
pub(super) fn figure(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        // the guard above makes this exact
        #[expect(clippy::cast_possible_truncation, reason = "integral and far below 2^63")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// `{"value"}` or `{"low","high"}` of the words of a number or a range.
fn amount(sig: &SigTable, written: &str) -> Option<Map<String, Value>> {
    // "2 (two)"
    let written = written.split('(').next().unwrap_or_default().trim().to_lowercase();
    let mut map = Map::new();
    if let Some(number) = sig.number(&written) {
        map.insert("value".to_owned(), figure(number));
        return Some(map);
    }
    for separator in [" to ", " or ", "to", "–", " - ", "-"] {
        for (at, _) in written.match_indices(separator) {
            let (low, high) = (sig.number(&written[..at]), sig.number(&written[at + separator.len()..]));
            if let (Some(low), Some(high)) = (low, high) {
                // "3-2 tablets" is no range
                if low > high {
                    return None;
                }
                map.insert("low".to_owned(), figure(low));
                map.insert("high".to_owned(), figure(high));
                return Some(map);
            }
        }
    }
    None
}

/// Where the number ends and the unit begins: the longest head that is a number or a range.
fn split_amount(sig: &SigTable, written: &str) -> Option<(Map<String, Value>, String)> {
    let mut ends: Vec<usize> = written.char_indices().map(|(index, _)| index).skip(1).collect();
    ends.push(written.len());
    ends.into_iter().rev().find_map(|end| {
        let head = written[..end].trim_end_matches(['-', ' ']);
        amount(sig, head).map(|map| (map, written[end..].trim_matches(['-', ' ']).to_owned()))
    })
}

fn quantity(sig: &SigTable, written: &str, kind: &'static str) -> Option<Value> {
    if kind == "strength_unit" && is_combination(written) {
        return parts(sig, written);
    }
    if let Some(parts) = written.strip_prefix("1:") {
        return Some(json!({"value": 1, "per": sig.number(parts).map(figure)?}));
    }
    let lower = written.to_lowercase();
    let (mut map, unit) = split_amount(sig, written).or_else(|| {
        let rest = lower.strip_prefix("an ").or_else(|| lower.strip_prefix("a "))?;
        Some((Map::from_iter([("value".to_owned(), json!(1))]), rest.to_owned()))
    })?;
    let (head, rate) = unit.split_once('/').map_or((unit.as_str(), None), |(head, rate)| (head, Some(rate)));
    let (head, rate) =
        head.split_once(" per ").or_else(|| head.split_once(" an ")).map_or((head, rate), |(head, rate)| (head, Some(rate)));
    let head = head.trim();
    let mut code = match head {
        "%" | "percent" => "%".to_owned(),
        _ => sig.value(kind, head).or_else(|| sig.value("dose_form", head))?.to_owned(),
    };
    if let Some(rate) = rate {
        for part in rate.split('/') {
            code.push('/');
            let part = part.trim();
            code.push_str(sig.value("period", part).or_else(|| sig.value("dose_unit", part)).unwrap_or(part));
        }
    }
    map.insert("unit".to_owned(), Value::from(code));
    Some(Value::Object(map))
}

/// `{"parts", "unit"}` of "5/325", "800/160 mg": the strengths of several ingredients in the order written, the unit where it is.
fn parts(sig: &SigTable, written: &str) -> Option<Value> {
    let number = written.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = written[number.len()..].trim_matches([' ', '-']).to_lowercase();
    let strengths: Option<Vec<Value>> =
        number.split(['/', '-']).map(|part| part.trim().parse::<f64>().ok().map(figure)).collect();
    let mut value = json!({"parts": strengths?});
    if let Some(unit) = sig.value("strength_unit", &unit) {
        value["unit"] = json!(unit);
    }
    Some(value)
}

/// "800/160 mg", "20-12.5 mg": the strengths of several ingredients, no fraction and no range.
fn is_combination(written: &str) -> bool {
    let number = written.trim_end_matches(|character: char| !character.is_ascii_digit());
    let parts = |separator: char| -> Option<(f64, f64)> {
        let (left, right) = number.split_once(separator)?;
        Some((left.trim().parse().ok()?, right.trim().parse().ok()?))
    };
    let fraction = |top: f64, bottom: f64| top < bottom && [2.0, 3.0, 4.0, 8.0, 150.0].contains(&bottom);
    number.matches('/').count() > 1
        || parts('/').is_some_and(|(top, bottom)| !fraction(top, bottom))
        || parts('-').is_some_and(|(low, high)| low >= high)
}

/// FHIR `Timing.repeat`-like value of a frequency.
fn timing(sig: &SigTable, written: &str) -> Option<Value> {
    if let Some(value) = sig.value("frequency", written) {
        return serde_json::from_str(value).ok();
    }
    let lower = written.to_lowercase();
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let days = weekdays(sig, &words, &lower);
    if !days.is_empty() {
        return Some(json!({"dayOfWeek": days}));
    }
    let doses = lower.strip_suffix("doses").or_else(|| lower.strip_suffix("dose"));
    let times = lower.strip_prefix('x').or_else(|| doses.map(|_| lower.strip_prefix("for").unwrap_or(&lower)));
    if let Some(times) = times
        && let Some(Value::Object(count)) =
            amount(sig, times.trim().trim_end_matches("doses").trim_end_matches("dose")).map(Value::Object)
    {
        return Some(json!({"count": count.get("value").or_else(|| count.get("high"))?}));
    }
    let interval = lower.strip_prefix("every").or_else(|| lower.strip_prefix("each")).or_else(|| lower.strip_prefix('q'));
    if let Some(rest) = interval {
        return every(sig, rest.trim_start_matches(['.', ' ']));
    }
    let unit = ["hour", "week", "month", "year"].into_iter().find(|unit| lower.contains(unit)).unwrap_or("day");
    let code = sig.value("period", unit)?;
    let lower = lower.strip_prefix("up to ").unwrap_or(&lower);
    let mut value = if lower.starts_with("once") {
        json!({"frequency": 1})
    } else if lower.starts_with("twice") {
        json!({"frequency": 2})
    } else if lower.starts_with("thrice") {
        json!({"frequency": 3})
    } else {
        let (map, _) = split_amount(sig, lower)?;
        match (map.get("value"), map.get("low"), map.get("high")) {
            (Some(value), ..) => json!({"frequency": value}),
            (_, Some(low), Some(high)) => json!({"frequency": low, "frequencyMax": high}),
            _ => return None,
        }
    };
    value["period"] = json!(1);
    value["periodUnit"] = json!(code);
    Some(value)
}

/// The days named, in full, by their first letters, or as a range ("Mon thru Sat").
fn weekdays<'a>(sig: &'a SigTable, words: &[&str], written: &str) -> Vec<&'a str> {
    let day = |word: &str| -> Option<&'a str> {
        sig.value("weekday", word).or(match word {
            "m" | "mon" => Some("mon"),
            "t" | "tu" | "tue" | "tues" => Some("tue"),
            "w" | "wed" => Some("wed"),
            "th" | "thu" | "thur" | "thurs" => Some("thu"),
            "f" | "fri" => Some("fri"),
            "s" | "sa" | "sat" => Some("sat"),
            "su" | "sun" => Some("sun"),
            _ => None,
        })
    };
    let named: Vec<&str> = words.iter().filter_map(|word| day(word)).collect();
    let range = ["thru", "through", " to "].iter().any(|word| written.contains(word));
    if let ([first, last], true) = (named.as_slice(), range) {
        let place = |day: &str| WEEK.iter().position(|known| *known == day);
        if let (Some(from), Some(to)) = (place(first), place(last))
            && from < to
        {
            return WEEK[from..=to].to_vec();
        }
    }
    named
}

/// The days of the week as FHIR has them.
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// "4-6h", "other day", "12 hours": one time in so much.
fn every(sig: &SigTable, rest: &str) -> Option<Value> {
    for (word, period) in [("other", 2), ("third", 3)] {
        if let Some(unit) = rest.strip_prefix(word) {
            return Some(json!({"frequency": 1, "period": period, "periodUnit": sig.value("period", unit.trim())?}));
        }
    }
    let (map, unit) = split_amount(sig, rest)?;
    let unit = unit.trim_matches(['.', ' ', '-']);
    let code = if unit.is_empty() { "h" } else { sig.value("period", unit)? };
    let mut value = json!({"frequency": 1, "periodUnit": code});
    match (map.get("value"), map.get("low"), map.get("high")) {
        (Some(period), ..) => value["period"] = period.clone(),
        (_, Some(low), Some(high)) => {
            value["period"] = low.clone();
            value["periodMax"] = high.clone();
        }
        _ => return None,
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands() {
        let sig = SigTable::parse(include_str!("../../vocabularies/sig_words.tsv")).expect("our own table");
        for (kind, written, value) in [
            (TokenKind::Strength, "500 mg", json!({"value": 500, "unit": "mg"})),
            (TokenKind::Strength, "0.5%", json!({"value": 0.5, "unit": "%"})),
            (TokenKind::Strength, "1,000 mcg", json!({"value": 1000, "unit": "ug"})),
            (TokenKind::Strength, "40 mg/mL", json!({"value": 40, "unit": "mg/mL"})),
            (TokenKind::Strength, "800/160 mg", json!({"parts": [800, 160], "unit": "mg"})),
            (TokenKind::Combination, "5/325", json!({"parts": [5, 325]})),
            (TokenKind::Dose, "1-2 tabs", json!({"low": 1, "high": 2, "unit": "{tablet}"})),
            (TokenKind::Dose, "one to two tablets", json!({"low": 1, "high": 2, "unit": "{tablet}"})),
            (TokenKind::Dose, "one-half tablet", json!({"value": 0.5, "unit": "{tablet}"})),
            (TokenKind::Dose, "3.5 cc", json!({"value": 3.5, "unit": "mL"})),
            (TokenKind::Duration, "10-day", json!({"value": 10, "unit": "d"})),
            (TokenKind::Frequency, "b.i.d.", json!({"frequency": 2, "period": 1, "periodUnit": "d"})),
            (TokenKind::Frequency, "q4-6h", json!({"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"})),
            (TokenKind::Frequency, "q.72h.", json!({"frequency": 1, "period": 72, "periodUnit": "h"})),
            (TokenKind::Frequency, "three times a day", json!({"frequency": 3, "period": 1, "periodUnit": "d"})),
            (TokenKind::Frequency, "every other day", json!({"frequency": 1, "period": 2, "periodUnit": "d"})),
            (TokenKind::Frequency, "Mondays and Fridays", json!({"dayOfWeek": ["mon", "fri"]})),
            (TokenKind::Frequency, "qhs", json!({"when": ["HS"]})),
            (TokenKind::Route, "p.o.", json!("oral")),
        ] {
            assert_eq!(of(&sig, kind, written), Some(value), "{written}");
        }
    }
}
