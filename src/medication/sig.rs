//! The sig table: words of `vocabularies/sig_words.tsv` compiled to patterns.

use std::collections::{HashMap, HashSet};

use regex::Regex;

use crate::{
    domain::table::{self, TableError},
    text::pattern::compile,
};

/// Kinds of rows, as in the table's first column.
const KINDS: [&str; 14] = [
    "number",
    "strength_unit",
    "dose_unit",
    "dose_form",
    "dose",
    "form",
    "route",
    "frequency",
    "period",
    "weekday",
    "prn",
    "duration",
    "site",
    "instruction",
];

/// Compiled words of a sig; build one per process.
#[derive(Debug)]
pub struct SigTable {
    /// Value of each word, by kind and lower-case term without full stops and white space.
    values: HashMap<(&'static str, String), String>,
    /// SNOMED CT code and name of each route that has one.
    route_codes: HashMap<String, (String, String)>,
    /// Words that may stand between a drug and its attributes.
    gap: HashSet<String>,
    /// One pattern per token kind, tried in this order.
    pub(super) patterns: Patterns,
}

/// The compiled patterns of [`SigTable`].
#[derive(Debug)]
pub(super) struct Patterns {
    pub strength: Regex,
    pub combination: Regex,
    pub dose: Regex,
    pub spoken_dose: Regex,
    pub frequency: Regex,
    pub frequency_words: Regex,
    pub duration: Regex,
    pub duration_words: Regex,
    pub route: Regex,
    pub form: Regex,
    pub prn: Regex,
    pub number: Regex,
    pub clock: Regex,
    pub maximum: Regex,
    pub quantity: Regex,
    pub refills: Regex,
    pub site: Regex,
    pub instruction: Regex,
}

impl SigTable {
    /// Reads the table (columns `kind`, `term`, `value`).
    ///
    /// # Errors
    /// An unknown kind, or a term that is empty.
    pub fn parse(sig_words: &str) -> Result<Self, TableError> {
        let mut route_codes = HashMap::new();
        let mut terms: HashMap<&'static str, Vec<String>> = HashMap::new();
        let mut values = HashMap::new();
        let mut gap = HashSet::new();
        table::read("sig_words", sig_words, |row| {
            let (kind, term, value) = (row.get("kind")?, row.get("term")?, row.get("value")?);
            if term.is_empty() {
                return Err(row.error("the term is empty"));
            }
            if kind == "gap" {
                gap.insert(term.to_lowercase());
                return Ok(());
            }
            if kind == "route_code" {
                let (code, display) =
                    value.split_once(' ').ok_or_else(|| row.error("a route code's value is a code, a space and a name"))?;
                route_codes.insert(term.to_owned(), (code.to_owned(), display.to_owned()));
                return Ok(());
            }
            let known = KINDS
                .iter()
                .find(|known| **known == kind)
                .ok_or_else(|| row.error(format!("unknown kind {kind:?}; known are {KINDS:?}, \"gap\" and \"route_code\"")))?;
            terms.entry(known).or_default().push(term.to_owned());
            values.insert((*known, key(term)), value.to_owned());
            Ok(())
        })?;
        let patterns = Patterns::compile(&terms).map_err(|error| TableError {
            table: "sig_words".to_owned(),
            line: 1,
            message: format!("its terms do not make a pattern: {error}"),
        })?;
        Ok(Self { values, route_codes, gap, patterns })
    }

    /// Value of a word as written, if the table has it and gives one.
    pub(super) fn value(&self, kind: &'static str, written: &str) -> Option<&str> {
        self.values.get(&(kind, key(written))).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// At most seven words, all of them of the kind `gap`: they say nothing.
    pub(super) fn is_light(&self, words: &str) -> bool {
        let mut words = words
            .split(|character: char| !character.is_alphanumeric() && character != '-')
            .filter(|word| !word.is_empty() && *word != "-");
        words.clone().count() <= 7 && words.all(|word| self.gap.contains(&word.to_lowercase()))
    }

    /// SNOMED CT code and name of a route in the table's words, where the free set has it.
    pub(super) fn route_code(&self, route: &str) -> Option<(&str, &str)> {
        self.route_codes.get(route).map(|(code, display)| (code.as_str(), display.as_str()))
    }

    /// The number that a word or figure says: "5", "1,000", "1/2", "1-1/2", "one-half".
    pub(super) fn number(&self, written: &str) -> Option<f64> {
        let written = written.trim();
        if let Some(value) = self.value("number", written) {
            return value.parse().ok();
        }
        let plain = written.replace(',', "");
        if let Some((top, bottom)) = plain.split_once('/') {
            let (whole, top) = top.trim().rsplit_once(['-', ' ']).unwrap_or(("0", top.trim()));
            let parse = |part: &str| part.trim().parse::<f64>().ok();
            let bottom = parse(bottom).filter(|bottom| *bottom != 0.0)?;
            return Some(parse(whole)? + parse(top)? / bottom);
        }
        plain.parse().ok()
    }
}

/// Form in which words are compared: lower case, no full stops, no white space.
fn key(term: &str) -> String {
    term.chars().filter(|character| *character != '.' && !character.is_whitespace()).flat_map(char::to_lowercase).collect()
}

impl Patterns {
    fn compile(terms: &HashMap<&'static str, Vec<String>>) -> Result<Self, regex::Error> {
        let any = |kinds: &[&str]| {
            let mut all: Vec<&String> = kinds.iter().filter_map(|kind| terms.get(kind)).flatten().collect();
            all.sort_by_key(|term| std::cmp::Reverse(term.len()));
            let all: Vec<String> = all.into_iter().map(|term| term_pattern(term)).collect();
            if all.is_empty() { "[^\\s\\S]".to_owned() } else { format!("(?:{})", all.join("|")) }
        };
        let words = any(&["number"]);
        let figure = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\s?-\s?\d/\d|\d+ \d/\d|\d/\d|\d*\.\d+|\d*[½¼¾]|\d+)";
        let number = format!("(?:{figure}|\\b{words})");
        let range = format!(r"(?:{number}(?:\s?(?:-|–|to|or)\s?{number})?(?:\s?\((?:{words}|\d+)\))?)");
        // a unit follows its number without a word boundary: "40mg", "q6h"
        let after_number =
            |kinds: &[&str]| any(kinds).replace("(?-i:\\b", "(?-i:").replace("(?:\\b", "(?:").replace("|\\b", "|");
        let period = after_number(&["period"]);
        let weekday = any(&["weekday"]);
        let unit = after_number(&["strength_unit"]);
        let rate = r"(?:\s?/\s?(?:\d+(?:\.\d+)?\s?)?(?:kg|mL|cc|L|dL|hours?|hr|h|minutes?|min|m2|days?|d|tablet|tab|actuation|spray|puff)\b|\s?\bper\s(?:\d+(?:\.\d+)?\s?)?(?:kg|mL|cc|kilogram|minute|actuation)\b)*";
        let build = |pattern: String| compile(&format!("(?i){pattern}"));
        Ok(Self {
            strength: build(format!(
                r"\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)+\s?{unit}|{range}[\s-]?{unit}{rate}|{range}\s?(?:%|percent\b)|\b1:\d[\d,]*"
            ))?,
            combination: build(r"\b\d+(?:\.\d+)?(?:\s?[/-]\s?\d+(?:\.\d+)?){1,2}\b".to_owned())?,
            dose: build(format!(
                r"(?P<amount>{range}|\ban?)[\s-]*(?:{}|(?P<form>{}))(?:(?:/(?:hr|h|hour|min|minute|kg|m2|day|mL)\b)+|\s(?:an|per) hour)?",
                after_number(&["dose_unit"]),
                after_number(&["dose_form"])
            ))?,
            spoken_dose: build(any(&["dose"]))?,
            frequency: build(format!(
                r"\bq\.?\s?{range}\s?-?{period}\.?|\bq\.?\s?\d+(?:\s?-\s?\d+)?\b|\b(?:every|each)\s(?:{range}|other|few|third)(?:[\s-]*){period}|\b(?:up to )?(?:once|twice|thrice|{range}\s?-?(?:times?|x))(?:[\s-]*(?:a|per|each|every|in a|/))?[\s-]*(?:day|daily|weekly|week|monthly|month|hour|nightly|night|year)\b|\b(?:on |every |each )?{weekday}(?:(?:,\s?and\s|,\s?|/|-|\sand\s|\s&\s|\s){weekday})*|\b(?:x\s?|for\s){number}\sdoses?\b|\bx\s?\d\b|(?-i:\b(?:on )?{SHORT_DAY}(?:(?:,\s?(?:and )?|/|-|\sand\s|\s&\s){SHORT_DAY})+\b|\b(?:on )?{SHORT_DAY}\s(?:thru|through|to)\s{SHORT_DAY}\b)"
            ))?,
            frequency_words: build(any(&["frequency"]))?,
            duration: build(format!(
                r"(?:\bfor|\bx|\btimes|\bover|\bduring)\s*(?:a total of\s|another\s|an additional\s|the next\s|up to\s|about\s|approximately\s|at least\s)*(?P<span>(?:{range}|several|a few|a couple of|an?)[\s-]*{period})|\b(?P<course>{range}[\s-]?{period})\s(?:course|supply|taper|total|trial|burst|regimen)\b|(?:\bfor|\bx)\s?(?P<british>\d{{1,2}}/(?:7|52|12))\b"
            ))?,
            duration_words: build(any(&["duration"]))?,
            route: build(any(&["route"]))?,
            form: build(any(&["form"]))?,
            prn: build(any(&["prn"]))?,
            clock: build(format!(r"(?:\b(?:at|by)\s|@\s?){CLOCK}(?:(?:,?\s(?:and|&)\s|,\s?|/){CLOCK})*"))?,
            maximum: build(format!(
                r"\b(?:not to exceed|(?:do not|don't|never|should not) exceed|no more than|up to a max(?:imum)? of|max(?:imum)?\.?(?: daily)?(?: dose)?(?: of| is|:)?)\s(?P<most>{range}\s?-?(?:{}|{}|{unit})?)\s?(?:\b(?:in|per|each|every|within)\b|\ba\b|/|\bin (?:a|any)\b)?\s?-?(?:(?P<long>{range}[\s-]?{period}|{period})\b(?:\speriod)?|(?P<daily>daily))",
                after_number(&["dose_unit"]),
                after_number(&["dose_form"])
            ))?,
            quantity: build(
                r"(?:#\s?|\bdisp(?:ense[d]?)?\.?:?\s*#?\s?|\b(?:qty|quantity)\.?:?\s*(?:of\s|#\s?)?)(?P<count>\d{1,4})(?:\s?(?P<unit>tablets?|tabs?|capsules?|caps?|pills?|patches|mL|cc|grams?|gm|g)\b)?(?:\s?\(\w+(?:[ -]\w+)?\))?".to_owned(),
            )?,
            refills: build(format!(
                r"\b(?:(?P<count>{number}|no|zero)\srefills?|(?:refills?|(?-i:RF))[.:]?\s*(?:x\s?|#\s?)?(?P<times>\d+|none|zero|once|twice)(?:\stimes)?)\b"
            ))?,
            site: build(format!(
                r"(?P<ear>\bbehind (?:the |each |one |left |right )?ears?\b)|(?P<bare>\b(?:left|right)\s{site})|\b(?:to|on|onto|in|into|over|inside|under)\s(?:(?:the|her|his|your|each|affected|area|areas|of|around|both sides of|skin)\s)*(?P<span>(?:(?:left|right|upper|lower|both|bilateral|outer|inner|affected|l|r)\s)*{site}(?:\s(?:and|or|&)\s(?:(?:left|right|upper|lower|both)\s)*{site})?)",
                site = any(&["site"])
            ))?,
            instruction: build(format!(r"{}|{OPEN_INSTRUCTION}", any(&["instruction"])))?,
            number: build(range)?,
        })
    }
}

/// A day of the week in short, as lists have it.
const SHORT_DAY: &str = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun|Tu|Th|Sa|Su|M|T|W|F|S)";

/// Directions that go on to the next punctuation: "hold for SBP < 100", "15 minutes before exercise".
const OPEN_INSTRUCTION: &str = r"\b(?:titrate (?:to|per|by)|hold (?:for|if)|may (?:repeat|take|use|increase)|mix(?:ed)? (?:in|with)|dissolved? in|diluted? in|wash off|taper(?:ing)? by|(?:on days? \d+)|(?:\d+|one|two|half an|an) (?:minutes?|min|hours?|hrs?|days?|weeks?) (?:before|prior to|after)|\d+ (?:hours|days|weeks) on,? (?:and )?\d+ (?:hours|days|weeks) off)\b[^.,;:\n()]*|\b(?:per|every) \d+ (?:g|grams) (?:of )?carb\w*|\bfrom (?:midnight|noon|\d+ ?[ap]m) to (?:midnight|noon|\d+ ?[ap]m)";

/// A time of the clock: "8:00 a.m.", "0800", "9 PM", "20:00".
const CLOCK: &str = r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?:\s?[ap]\.?m\b\.?)?|(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?|(?:[01][0-9]|2[0-3])[0-5][0-9](?:\s?(?:hours|hrs|h)\b)?)";

/// A term as a pattern: full stops optional and perhaps followed by a space, white space flexible, whole words only.
/// Short upper-case abbreviations ("OS", "U") keep their case.
fn term_pattern(term: &str) -> String {
    // "A.S." is the left ear, "as" is not
    if let [b'A', b'.', letter @ (b'D' | b'S' | b'U'), b'.'] = term.as_bytes() {
        return format!(r"(?-i:\bA\.\s?{}\.)", char::from(*letter));
    }
    let mut out = String::from("\\b");
    if !term.starts_with(|character: char| character.is_alphanumeric()) {
        out.clear();
    }
    let mut characters = term.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '.' if characters.peek().is_none() => out.push_str("\\b\\.?"),
            '.' => out.push_str("\\.?\\s?"),
            ' ' => out.push_str("\\s+"),
            '-' => out.push_str("[-\\s]"),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    if term.ends_with(|character: char| character.is_alphanumeric()) {
        out.push_str("\\b");
    }
    let abbreviation = term.len() <= 4 && !term.contains('.') && term.chars().all(|character| character.is_ascii_uppercase());
    if abbreviation { format!("(?-i:{out})") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        let table = SigTable::parse(include_str!("../../vocabularies/sig_words.tsv")).expect("our own table");
        for (written, number) in
            [("5", 5.0), ("1,000", 1000.0), ("1/2", 0.5), ("1-1/2", 1.5), ("one-half", 0.5), (".5", 0.5), ("twelve", 12.0)]
        {
            assert_eq!(table.number(written), Some(number), "{written}");
        }
        assert_eq!(table.number("1/0"), None);
    }

    #[test]
    fn a_small_word_is_no_ear() {
        let table = SigTable::parse(include_str!("../../vocabularies/sig_words.tsv")).expect("our own table");
        for words in ["as directed", "ad lib", "as one of au pair"] {
            assert!(!table.patterns.route.is_match(words), "{words}");
        }
        for words in ["4 drops A.S.", "4 drops AU", "1 drop OD"] {
            assert!(table.patterns.route.is_match(words), "{words}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let error = SigTable::parse("kind\tterm\tvalue\nfrequence\tbid\t").expect_err("a wrong kind");
        assert_eq!(error.line, 2);
    }
}
