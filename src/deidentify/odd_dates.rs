//! Dates in odd forms: ranges, several days of a month, Roman months, holidays, months with a short year, times in words.

use regex::Regex;

use super::{Identifier, IdentifierClass, dates};
use crate::domain::Span;

const MONTH: &str = r"(?:jan(?:uary)?|feb(?:r?uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const HOUR: &str = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)";

pattern!(
    HOLIDAY,
    r"(?i)\b(?:christmas(?:\s+(?:eve|day))?|x-?mas(?:\s+(?:eve|day))?|boxing day|thanksgiving(?:\s+(?:day|eve))?|halloween|all\s+(?:saints|souls|hallows)'?(?:\s+day)?|easter(?:\s+(?:sunday|monday))?|(?:palm|mothering)\s+sunday|ash\s+wednesday|shrove\s+tuesday|mardi\s+gras|maundy\s+thursday|good friday|new\s+year'?s?(?:\s+(?:eve|day))?|chinese\s+new\s+year|lunar\s+new\s+year|fourth of july|4th of july|july\s+(?:4th|fourth)|(?:labou?r|memorial|veterans?'?|valentine'?s?|independence|groundhog|columbus|presidents?'?|flag|election|canada|australia|anzac|bastille|remembrance|mother'?s|father'?s|st\.? patrick'?s|st\.? pat'?s|st\.? nicholas|mlk|martin luther king(?:\s+jr\.?)?|leap|april fools?'?|earth|patriots?'?|pi|juneteenth|indigenous peoples'?) day|juneteenth|hogmanay|twelfth night|epiphany|candlemas|michaelmas|pentecost|ascension day|cinco de mayo|bonfire night|guy fawkes(?:\s+night)?|super bowl(?:\s+sunday)?|black friday|cyber monday|passover|pesach|purim|rosh hashan[ah]+|yom kippur|hanukkah|chanukah|sukkot|ramadan|diwali|holi|navratri|eid(?:[\s\-](?:al|ul)[\s\-]\w+)?|nowruz|tet|vesak|kwanzaa|dia de los muertos|burns night)\b"
);
pattern!(
    RANGE,
    r"(?:\b|[~(\[])(?P<a>\d{1,2}[/.]\d{1,2}(?:[/.](?:\d{4}|\d{2}))?)\s?[-–—]\s?(?P<b>\d{1,2}[/.]\d{1,2}(?:[/.](?:\d{4}|\d{2}))?)\b"
);
static SEVERAL: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| {
    let pattern = format!(
        r"(?i)\b{MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?(?:(?:,?\s?(?:and|&|-|–|to|thru|through|or)|,)\s?(?P<last>\d{{1,2}})(?:st|nd|rd|th)?)+(?P<year>,\s?(?:19|20)\d\d)?\b"
    );
    Regex::new(&pattern).expect("the pattern of several days, which a test compiles")
});
static FORMS: std::sync::LazyLock<Vec<Regex>> = std::sync::LazyLock::new(|| {
    let days = super::date_words::DAYS;
    [
        // 2024 Mar 09
        format!(r"(?i)\b((?:19|20)\d\d[\s\-/.]{MONTH}[\s\-/.]\d{{1,2}})\b"),
        // 26.II.2026
        r"\b(\d{1,2}\.\s?(?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})\.\s?(?:(?:19|20)\d\d|\d\d))\b".to_owned(),
        // Nov '24, Nov-24, NOV24
        format!(r"(?i)\b({MONTH}\.?\s?['\u{{2018}}\u{{2019}}]\s?\d\d)\b"),
        // October the 15th
        format!(r"(?i)\b({MONTH}\.?\sthe\s\d{{1,2}}(?:st|nd|rd|th))\b"),
        // second day of March, 2026
        format!(r"(?i)\b((?:{days}|\d{{1,2}}(?:st|nd|rd|th)?)\sday\sof\s{MONTH}(?:,?\s(?:in the year\s)?(?:19|20)\d\d)?)\b"),
        // wk of 3/9, w/c 9 March
        r"(?i)\b(?:exp(?:ires|iry|\.)?|renew(?:s|al)?|valid(?:\s(?:thru|until|to))?|good thru|dob|d\.o\.b\.|born|b\.)\s?:?\s{0,3}(\d{1,2}[/\-](?:\d{2}|(?:19|20)\d\d))\b".to_owned(),
        // 2026 03 04, 04 03 2026
        r"\b((?:19|20)\d\d\s(?:0\d|1[0-2])\s(?:[0-2]\d|3[01])|(?:[0-2]\d|3[01])\s(?:0\d|1[0-2])\s(?:19|20)\d\d)\b".to_owned(),
        // 04MAR, 4-Mar, Mar-4: with a month in letters that stands beside a number without a blank
        format!(r"(?i)\b(\d{{1,2}}[\-/.]?{MONTH}(?:[\-/.]?(?:(?:19|20)\d\d|\d\d))?)\b"),
        // 3/4/'26
        r"\b(\d{1,2}[/\-.]\d{1,2}[/\-.]['\u{2019}]\d\d)\b".to_owned(),
        // first of march, 3rd of Feb
        format!(r"(?i)\b((?:the\s)?(?:{days}|\d{{1,2}}(?:st|nd|rd|th))\s(?:of\s)?{MONTH})\b"),
        // 19470822
        r"(?i)\b(?:dob|born|birth|birthdate|d\.o\.b\.?|date of birth|date|d/t|dt|coll|rec)\s?[:#]?\s{0,3}((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))\b".to_owned(),
        // 030426 behind a label
        r"(?i)\b(?:dob|d\.o\.b\.?|born|date of birth)\s?[:#]?\s{0,3}(\d{6}|\d{1,2} \d{1,2} (?:\d{4}|\d{2}))\b".to_owned(),
        // Mon 3-9, Tues 12-2
        r"(?i)\b(?:mon|tues?|wed|weds|thurs?|fri|sat|sun)(?:day)?\.?,?\s(\d{1,2}[\-/.]\d{1,2}|(?:the\s)?\d{1,2}(?:st|nd|rd|th))\b".to_owned(),
        // on 14th, until 3rd
        r"(?i)\b(?:on|since|until|till|by|from)\s(\d{1,2}(?:st|nd|rd|th))(?:[.,;)]|\s(?:and|at|with|for|to)\b|$|\n)".to_owned(),
        // the 18th behind a word of a plan
        r"(?i)\b(?:due|labs?|visit|appt|appointment|back|again|recheck|surgery|home|seen|was|is|it|week|weekend|night|morning|evening|afternoon|starting|beginning|effective|fell|admitted|discharged?|through|thru|between|and|court|hearing|meeting|scheduled|for)\s(the\s\d{1,2}(?:st|nd|rd|th))(?:[.,;)]|\s(?:and|at|with|for|to|but|if|or|when|in)\b|$|\n)".to_owned(),
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("a pattern of odd dates, which a test compiles"))
    .collect()
});
static TIMES: std::sync::LazyLock<Vec<Regex>> = std::sync::LazyLock::new(|| {
    [
        format!(r"(?i)\b(?:at|around|about|by|@)\s((?:half|quarter|twenty|ten|five)\s(?:past|to|after|before|till|of)\s{HOUR})\b"),
        format!(r"(?i)\b(?:at|around|about|by|@)\s({HOUR}\s(?:o'?clock|(?:fif|thir|for)t(?:een|y)(?:[\s\-]five)?|oh\s\w+)(?:\s(?:a\.?m|p\.?m)\b\.?)?)"),
        r"(?i)\b(?:time|arrival|arrived|seen at|called at|time of (?:call|death|birth|arrival))\s?[:@]\s{0,3}(\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b\.?)?|(?:[01]\d|2[0-3])[0-5]\d\b(?:\s?(?:hrs?|h)\b)?)".to_owned(),
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("a pattern of times, which a test compiles"))
    .collect()
});
pattern!(NO_RANGE, r"(?i)\b(?:bp|ratio|ref(?:erence)?|range|normal|ph|sg|score|grade|strength|pain)\s*:?\s*$");

/// Dates and times in odd forms. What is also in a usual form is found there with its parts.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    let mut push = |place: regex::Match<'_>, class| {
        out.push(Identifier::new(Span::new(place.start(), place.end()), class));
    };
    for captures in SEVERAL.captures_iter(text) {
        let Some(last) = captures.name("last") else { continue };
        let whole = captures.get(0).map_or(last.end(), |whole| whole.end());
        let is_day = last.as_str().parse::<u8>().is_ok_and(|day| (1..=31).contains(&day));
        let is_amount =
            text[whole..].starts_with(['.', ':', '/', '%']) && text[whole + 1..].starts_with(|one: char| one.is_ascii_digit());
        if is_day && !is_amount {
            push(last, IdentifierClass::Date);
            if let Some(year) = captures.name("year") {
                push(year, IdentifierClass::Date);
            }
        }
    }
    for found in HOLIDAY.find_iter(text) {
        push(found, IdentifierClass::Date);
    }
    for rule in FORMS.iter() {
        for captures in rule.captures_iter(text) {
            let Some(found) = captures.get(1) else { continue };
            let word = found.as_str().trim_start_matches(|one: char| !one.is_alphabetic());
            // "1 may", "2 mar": a verb or a measure
            if !(word.eq_ignore_ascii_case("may") && word.starts_with('m')) {
                push(found, IdentifierClass::Date);
            }
        }
    }
    for rule in TIMES.iter() {
        for captures in rule.captures_iter(text) {
            if let Some(found) = captures.get(1) {
                push(found, IdentifierClass::Time);
            }
        }
    }
    out.iter_mut().for_each(trim(text));
    out
}

/// Takes blanks and joints from the ends.
fn trim(text: &str) -> impl Fn(&mut Identifier) + '_ {
    move |one| {
        let words = one.span.of(text);
        let start = words.len() - words.trim_start_matches(|letter: char| !letter.is_alphanumeric()).len();
        let plain = words.trim_matches(|letter: char| !letter.is_alphanumeric());
        one.span = Span::new(one.span.start + start, one.span.start + start + plain.len());
    }
}

/// Two dates with a dash between them.
pub(super) fn ranges(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    for captures in RANGE.captures_iter(text) {
        let (Some(first), Some(second)) = (captures.name("a"), captures.name("b")) else { continue };
        let left = Span::new(first.start(), first.start()).around(text, 16, 0).of(text);
        let with_slash = first.as_str().contains('/') && second.as_str().contains('/');
        let parts = |words: &str| words.split(['/', '.']).count();
        if !(with_slash || parts(first.as_str()) == 3 && parts(second.as_str()) == 3) || NO_RANGE.is_match(left) {
            continue;
        }
        // "3/4-4/5": two fractions
        let is_scale = |words: &str| {
            let numbers: Vec<u8> = words.split('/').filter_map(|part| part.parse().ok()).collect();
            matches!(numbers[..], [above, below] if above <= below && below <= 12)
        };
        if is_scale(first.as_str()) && is_scale(second.as_str()) {
            continue;
        }
        for place in [first, second] {
            let span = Span::new(place.start(), place.end());
            // read by itself, so that its parts are known
            let read = dates::written(&format!("on {}", place.as_str()));
            if let Some((_, date)) = read.into_iter().next() {
                let moved = date.moved(span.start, 3);
                out.push(Identifier { date: Some(moved), ..Identifier::new(span, IdentifierClass::Date) });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).iter().chain(&ranges(text)).map(|one| one.span.of(text)).collect()
    }

    #[test]
    fn odd_dates() {
        for (text, date) in [
            ("born 2024 Mar 09 in", "2024 Mar 09"),
            ("b. 26.II.2026 at", "26.II.2026"),
            ("in Nov '24.", "Nov '24"),
            ("on October the 15th at", "October the 15th"),
            ("this second day of March, 2026.", "second day of March, 2026"),
            ("turned 93 on Groundhog Day.", "Groundhog Day"),
            ("since Hogmanay. ", "Hogmanay"),
            ("labs Tues the 18th. ", "the 18th"),
            ("valid 02/01/26-01/31/27.", "02/01/26"),
            ("valid 02/01/26-01/31/27.", "01/31/27"),
            ("on November 12 and 13, 2025.", "13"),
            ("at half past nine.", "half past nine"),
            ("TIME: 11:50 ", "11:50"),
            ("exp 07/27 ", "07/27"),
        ] {
            assert!(found(text).contains(&date), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn dates_of_a_range_have_parts() {
        let text = "seen 1/22/26-1/23/26 here";
        let read = ranges(text);
        let days: Vec<Option<i8>> = read.iter().filter_map(|one| one.date.as_ref()).map(|date| date.day).collect();
        assert_eq!(days, [Some(22), Some(23)]);
        let parts = &read[1].date.as_ref().expect("a date").parts;
        assert!(parts.iter().all(|(span, _)| read[1].span.contains(*span)), "{parts:?}");
    }

    #[test]
    fn what_is_no_date() {
        for text in
            ["reference 3.5-5.1", "BP 120/80-130/90", "2 may follow", "ratio 1/2-3/4", "march on", "in the 14th percentile"]
        {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
