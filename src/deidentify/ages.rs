//! Ages over 89, in digits and in words.

use super::{Identifier, IdentifierClass, date_words};
use crate::domain::Span;

/// An age in digits.
const OLD: &str = r"(?P<a>9\d|1[0-2]\d)";
/// Who may be of an age, behind it.
const WHOSE: &str = r"(?:[MF](?:/[A-Z]{1,2})?|(?i:male|female|man|woman|lady|gentleman|gent|veteran|widow|widower|resident|wm|wf|bm|bf|hm|hf|aam|aaf|w/[mf]|b/[mf]|w[mf]|white|black|hispanic|asian|caucasian))";

pattern!(
    AGE,
    &format!(
        r"\b{OLD}(?:(?i:\s?-?\s?(?:years?|yrs?|yr|y)\b\.?(?:[\s\-]*(?:old\b|of\sage\b|o\b))?|\s?-?y[/\-.]?\s?o\.?(?:/?[mf])?\b|\s?-?(?:year|yr)s?-?old|\s?ans\b)|[\s/]?{WHOSE}\b)"
    )
);
pattern!(
    TEMPERATURE,
    r"(?i)(?:\b(?:t|tm|tmax|tc|temp(?:erature)?|fever|febrile|to|of|hr|pulse|p|sats?|spo2|o2|bp|rr|wt|weight|map|fio2)\b[\s:=]*|[<>@/.]\s?)$"
);
pattern!(
    AGE_LABEL,
    &format!(
        r"(?i)\b(?:age|aged|ages|at age|age of|turn(?:s|ed|ing)|age/sex|sex/age|(?:lived|lives|live) to(?: be)?|died (?:at|aged)|dec(?:'|ease)d at|passed (?:away )?at|will be|would be|was nearly|nearly|almost|now)\s?[:=]?\s{{0,3}}(?:the age of\s)?{OLD}\b|\b(?P<b>9\d|1[0-2]\d)(?:st|nd|rd|th)\s+(?:birthday|year)"
    )
);
pattern!(AGE_SEX, r"\((?P<a>9\d|1[0-2]\d)\s?[MF]?\)?|\b[MF][,/\s]\s?(?P<b>9\d|1[0-2]\d)\b");
pattern!(
    AGE_OF,
    &format!(
        r"(?i)\b(?:(?:s?he|pt|patient|mother|father|mom|mum|dad|wife|husband|sister|brother|aunt|uncle|grandmother|grandfather|grandma|grandpa|spouse|veteran|resident|mgm|mgf|pgm|pgf|who)(?:'s|\u{{2019}}s|\sis|\swas)?(?:\snow|\salready|\sonly)?,?\s(?:\()?){OLD}(?:[.,;)]|\s(?:and|but|with|years?|who|lives?|living|w/)\b|$)"
    )
);
const TENS: &str = r"(?:ninety(?:[\s\-](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one[\s\-]|a[\s\-])?hundred(?:[\s\-](?:and[\s\-])?(?:one|two|three|four|five|six|seven|eight|nine|ten))?)";
pattern!(
    AGE_WORDS,
    &format!(
        r"(?i)\b(?:(?P<a>{TENS})[\s\-](?:years?[\s\-](?:old|of\sage)|y/?o\b|yr)|(?:age|aged|age\sof|turn(?:ed|s|ing)|died\sat|lived\sto)\s(?P<b>{TENS}))"
    )
);

pattern!(NINETIES, r"(?i)\b(?:(?:early|mid|late|upper|high)[\s\-]*)?(?P<a>90'?s|nineties|nonagenarian|centenarian)\b");
pattern!(NINETY, r"(?i)\b(?P<a>ninety[\s\-](?:one|two|three|four|five|six|seven|eight|nine))\b");
// What follows that makes a number no age.
pattern!(
    AMOUNT_BEHIND,
    r"(?i)^\s?(?:%|mg|mcg|ml|kg|lbs?|cm|mm|bpm|units?|/|days?|hours?|weeks?|months?|pack|percent|degrees|minutes|on\sra|ra\b)"
);

/// Ages of a text, the number alone.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    let before = |at: usize| Span::new(at, at).around(text, 48, 0).of(text);
    for rule in [&*AGE, &*AGE_LABEL, &*AGE_SEX, &*AGE_OF] {
        for captures in rule.captures_iter(text) {
            let Some(age) = captures.name("a").or(captures.name("b")) else { continue };
            let left = &text[..age.start()];
            let is_number = left.ends_with(|one: char| matches!(one, '.' | '-') || one.is_alphanumeric())
                || left.ends_with('/') && !left.ends_with("F/") && !left.ends_with("M/");
            let is_bracket = left.ends_with('(');
            let unit = text[age.end()..].trim_start();
            if TEMPERATURE.is_match(before(age.start())) && !left.ends_with("F/") && !left.ends_with("M/")
                || AMOUNT_BEHIND.is_match(&text[age.end()..]) && !text[age.end()..].starts_with("/")
                || text[age.end()..].starts_with('.') && text[age.end() + 1..].starts_with(|one: char| one.is_ascii_digit())
            {
                continue;
            }
            if !is_number && (!is_bracket || unit.starts_with(['M', 'F', ')', 'y', 'Y'])) {
                out.push(Identifier::new(Span::new(age.start(), age.end()), IdentifierClass::Age));
            }
        }
    }
    for captures in NINETIES.captures_iter(text).chain(NINETY.captures_iter(text)) {
        let Some(age) = captures.name("a") else { continue };
        let left = before(age.start()).to_lowercase();
        let is_age = age.as_str().len() > 4
            || ["her ", "his ", "their ", "the ", "early ", "mid ", "late ", "mid-"].iter().any(|cue| left.ends_with(cue));
        let is_amount = AMOUNT_BEHIND.is_match(&text[age.end()..])
            || ["in the ", "sats ", "sat ", "nineteen ", "sbp "].iter().any(|cue| left.ends_with(cue));
        let is_year = left.trim_end().ends_with("nineteen") || left.trim_end().ends_with("hundred");
        if is_age && !is_amount && !is_year {
            out.push(Identifier::new(Span::new(age.start(), age.end()), IdentifierClass::Age));
        }
    }
    for captures in AGE_WORDS.captures_iter(text) {
        let Some(age) = captures.name("a").or(captures.name("b")) else { continue };
        if date_words::age(age.as_str()).is_none_or(|years| years > 89) {
            out.push(Identifier::new(Span::new(age.start(), age.end()), IdentifierClass::Age));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_however_they_are_written() {
        for (text, age) in [
            ("this 94yo woman", "94"),
            ("a 92 y/o male", "92"),
            ("91yoF s/p fall", "91"),
            ("101 y.o. here", "101"),
            ("90-y-o man", "90"),
            ("93F with cough", "93"),
            ("F/96 from home", "96"),
            ("93 W/F admitted", "93"),
            ("aged 92.", "92"),
            ("Turned 93 on", "93"),
            ("in her 97th year", "97"),
            ("her 95th birthday", "95"),
            ("she is 95 and well", "95"),
            ("mother died at 91 of", "91"),
            ("father, 93, lives", "93"),
            ("a ninety-three-year-old", "ninety-three"),
            ("ninety one years of age", "ninety one"),
            ("age ninety-two", "ninety-two"),
            ("AGE: 95  SEX", "95"),
            ("is a 102 year old", "102"),
        ] {
            let found = find(text);
            assert!(found.iter().any(|one| one.span.of(text) == age), "{text}");
            assert!(found.iter().all(|one| one.span.of(text) == age), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_no_ages() {
        for text in [
            "T 98.6 F",
            "HR 98",
            "sat 94 on RA",
            "BP 98/54",
            "a 67-year-old",
            "spiked to 101 F",
            "glucose 95, stable",
            "O2 94 F",
            "weight 98 kg",
            "seen 92 days ago",
            "sixty four year old",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text).iter().map(|one| one.span.of(text)).collect::<Vec<_>>());
        }
    }
}
