//! Clinical sentences: abbreviations, decimals and initials do not end one; list items do; soft-wrapped lines do not.

use super::{Section, Sentence};
use crate::domain::Span;

/// Never end a sentence, whatever follows.
const NEVER: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "vs", "e.g", "i.e", "eg", "ie", "approx", "cf", "fig", "st", "ft", "mt", "viz", "ca",
    "resp",
];
/// End a sentence only when a word with a capital and no further abbreviation follows; never before a digit.
const SELDOM: &[&str] =
    &["no", "nos", "gr", "vol", "sec", "art", "dept", "ext", "wk", "yr", "yrs", "hr", "hrs", "min", "mos", "q"];
/// Words after which a single capital letter is part of a name of the field, so that its full stop ends the sentence.
const LETTERED: &[&str] = &[
    "hepatitis",
    "vitamin",
    "type",
    "grade",
    "group",
    "factor",
    "influenza",
    "class",
    "protein",
    "stage",
    "plan",
    "child",
    "strep",
    "streptococcus",
    "hemophilia",
    "level",
    "category",
];
/// Words that begin a sentence rather than a surname.
const OPENERS: &[&str] = &[
    "He", "She", "The", "It", "This", "There", "No", "Patient", "In", "On", "At", "We", "I", "They", "His", "Her", "Denies",
    "Has", "Also", "Will", "Plan", "Continue", "A", "An", "Status", "History", "With", "Please", "Her", "These",
];

/// Splits the bodies of `sections` into sentences and list items, in order; spans are trimmed of white space and list markers.
#[must_use]
pub fn split_sentences(text: &str, sections: &[Section]) -> Vec<Sentence> {
    let mut out = Vec::new();
    for (section, Section { body, .. }) in sections.iter().enumerate() {
        let mut splitter = Splitter { text, end: body.end, section, number: None, out: &mut out };
        for block in blocks(text, *body) {
            splitter.split(block);
        }
    }
    out
}

/// Paragraphs and list items: lines joined where the break is only a soft wrap.
fn blocks(text: &str, body: Span) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut start = body.start;
    let mut previous = "";
    for line in body.of(text).split_inclusive('\n') {
        let trimmed = line.trim();
        let end = start + line.len();
        match out.last_mut() {
            Some(block) if is_wrap(previous, trimmed) => block.end = end,
            _ => out.push(Span::new(start, end)),
        }
        (start, previous) = (end, trimmed);
    }
    out
}

/// True when `next` goes on with the sentence of `line`.
fn is_wrap(line: &str, next: &str) -> bool {
    if line.is_empty() || next.is_empty() || marker(next) > 0 || line.ends_with(['.', '!', '?', ':']) {
        return false;
    }
    if next.starts_with(char::is_lowercase) || line.ends_with([',', '-', '/']) || next.starts_with(['(', ')', ',']) {
        return true;
    }
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    [
        "and", "or", "of", "with", "the", "a", "an", "for", "to", "in", "on", "no", "is", "was", "has", "by", "from", "his",
        "her", "Dr.",
    ]
    .contains(&last)
}

/// Length of the list marker at the start of `line` ("1.", "2)", "a.", "-", "•"), white space after it included; 0 when there is none.
fn marker(line: &str) -> usize {
    let spaces = |from: usize| line.len() - line[from..].trim_start().len();
    let mut characters = line.chars();
    let first = characters.next().unwrap_or_default();
    let second = characters.next();
    let gap = |c: Option<char>| c.is_none_or(char::is_whitespace);
    if matches!(first, '\u{2022}' | '\u{25CF}' | '\u{25E6}' | '\u{2023}' | '\u{B7}' | '\u{25AA}' | '\u{2013}' | '\u{2014}')
        || (matches!(first, '-' | '*' | '>') && gap(second))
        || (matches!(first, '-' | '*' | '>') && second.is_some_and(char::is_alphabetic))
    {
        return spaces(first.len_utf8());
    }
    if first == '(' {
        return 0;
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits) {
        let mut rest = line[digits..].chars();
        return match (rest.next(), rest.next()) {
            (Some('.'), next) if next.is_none_or(|c| !c.is_ascii_digit()) => spaces(digits + 1),
            (Some(')'), _) => spaces(digits + 1),
            _ => 0,
        };
    }
    if first.is_ascii_alphabetic() && matches!(second, Some('.' | ')')) && gap(characters.next()) {
        return spaces(2);
    }
    0
}

/// Splits one block; remembers the number of the last list item for lists that run on in one line.
struct Splitter<'a> {
    text: &'a str,
    end: usize,
    section: usize,
    number: Option<u32>,
    out: &'a mut Vec<Sentence>,
}

impl Splitter<'_> {
    fn split(&mut self, block: Span) {
        let mut start = self.open(block.start, block.end);
        let mut position = start;
        while let Some(character) = self.text[position..block.end].chars().next() {
            let next = position + character.len_utf8();
            let ends = match character {
                '.' | '!' | '?' => self.ends_at(start, position, block.end),
                ' ' | '\t' | '\n' => self.item_at(next, block.end),
                _ => false,
            };
            if ends {
                self.push(start, next);
                start = self.open(next, block.end);
                position = start.max(next);
            } else {
                position = next;
            }
        }
        self.push(start, block.end);
    }

    /// Skips white space and a list marker at `from`.
    fn open(&mut self, from: usize, end: usize) -> usize {
        let rest = &self.text[from..end];
        let start = from + rest.len() - rest.trim_start().len();
        let near = boundary(self.text, (start + 160).min(end)).max(start);
        let line = self.text[start..near].split('\n').next().unwrap_or_default();
        let length = marker(line);
        if length == 0 || length >= line.trim_end().len() && start + line.len() < end {
            return start;
        }
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        self.number = line[..digits].parse().ok();
        start + length
    }

    fn push(&mut self, start: usize, end: usize) {
        let words = &self.text[start..end];
        let trimmed = words.trim();
        if trimmed.chars().any(char::is_alphanumeric) {
            let from = start + words.len() - words.trim_start().len();
            self.out.push(Sentence { span: Span::new(from, from + trimmed.len()), section: self.section });
        }
    }

    /// True when the next number of a running list, or a bullet, stands at `position`.
    fn item_at(&self, position: usize, end: usize) -> bool {
        let window_end = boundary(self.text, (position + 8).min(end.min(self.end)));
        let Some(rest) = self.text.get(position..window_end) else { return false };
        if rest.starts_with("\u{2022} ") {
            return true;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let expected = self.number.map(|number| number + 1);
        (1..=2).contains(&digits)
            && rest[..digits].parse().ok() == expected
            && matches!(rest.as_bytes().get(digits), Some(b'.' | b')'))
            && rest[digits + 1..].trim_start().starts_with(|c: char| c.is_uppercase() || c == '?')
            && (rest.as_bytes()[digits] == b')' || rest[digits + 1..].starts_with(char::is_whitespace))
    }

    /// True when the full stop, question or exclamation mark at `position` ends the sentence that began at `start`.
    fn ends_at(&self, start: usize, position: usize, end: usize) -> bool {
        let before = &self.text[start..position];
        let after = &self.text[position + 1..end];
        let closing = after.trim_start_matches(['"', '\u{201D}', ')', '\'', '\u{2019}', '*', ']']);
        let Some(next) = closing.chars().next() else { return true };
        if !next.is_whitespace() {
            // "obesity.The": a space was forgotten
            let word = before.len() - before.trim_end_matches(|c: char| c.is_ascii_lowercase()).len();
            let mut letters = closing.chars();
            return word >= 3
                && closing.len() == after.len()
                && letters.next().is_some_and(char::is_uppercase)
                && letters.next().is_some_and(char::is_lowercase);
        }
        let follows = closing.trim_start();
        let Some(first) = follows.chars().next() else { return true };
        if first.is_lowercase() || matches!(first, ',' | ';' | ':' | ')') {
            return false;
        }
        !self.text[position..].starts_with('.') || !abbreviates(before, follows)
    }
}

/// The nearest character boundary at or before `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|offset| text.is_char_boundary(*offset)).unwrap_or(0)
}

/// True when the full stop after `before` belongs to an abbreviation or an initial and `follows` goes on with the sentence.
fn abbreviates(before: &str, follows: &str) -> bool {
    let mut words = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '/' | ','));
    let word = words.next().unwrap_or_default();
    let lower = word.to_lowercase();
    if NEVER.contains(&lower.as_str()) {
        return true;
    }
    let next = follows.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
    if SELDOM.contains(&lower.as_str()) && next.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    // "p.o. b.i.d. P.R.N.": one abbreviation of a sig after another
    let sig = |word: &str| {
        let letters = word.trim_end_matches(['.', ',']);
        letters.contains('.') && letters.split('.').all(|part| part.chars().count() == 1)
    };
    if sig(&lower) && (sig(next) || next.starts_with(|c: char| c.is_ascii_digit())) {
        return true;
    }
    // an initial: "John A. Smith"
    let mut letters = word.chars();
    if let (Some(letter), None) = (letters.next(), letters.next())
        && letter.is_uppercase()
    {
        let previous = words.find(|word| !word.is_empty()).unwrap_or_default();
        return previous.starts_with(char::is_uppercase)
            && !LETTERED.contains(&previous.to_lowercase().as_str())
            && next.starts_with(char::is_uppercase)
            && !OPENERS.contains(&next);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{SectionTable, split_sections};
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        let sections = split_sections(text, &SectionTable::default());
        split_sentences(text, &sections).into_iter().map(|sentence| sentence.span.of(text)).collect()
    }

    #[test]
    fn sentences() {
        let cases: &[(&str, &[&str])] = &[
            ("He is well. She is not.", &["He is well.", "She is not."]),
            ("Seen by Dr. Smith vs. Dr. Jones.", &["Seen by Dr. Smith vs. Dr. Jones."]),
            ("Lasix 0.5 mg p.o. b.i.d. and rest.", &["Lasix 0.5 mg p.o. b.i.d. and rest."]),
            ("Takes it p.r.n. Lasix too.", &["Takes it p.r.n.", "Lasix too."]),
            ("1. Asthma. 2. COPD", &["Asthma.", "COPD"]),
            ("1) HTN 2) Diabetes 3) Gout", &["HTN", "Diabetes", "Gout"]),
            ("1)?HTN. 2)COPD. 3)h/o hepatitis", &["?HTN.", "COPD.", "h/o hepatitis"]),
            ("- Asthma\n- COPD", &["Asthma", "COPD"]),
            ("• Asthma\n• COPD", &["Asthma", "COPD"]),
            ("no evidence of\npneumonia today", &["no evidence of\npneumonia today"]),
            ("history of gout\nand asthma", &["history of gout\nand asthma"]),
            ("Hypertension\nDiabetes", &["Hypertension", "Diabetes"]),
            ("Denies fever; chills; cough.", &["Denies fever; chills; cough."]),
            ("He has hepatitis C. He drinks.", &["He has hepatitis C.", "He drinks."]),
            ("Mr. John A. Smith came.", &["Mr. John A. Smith came."]),
            ("He takes Tylenol No. 3 daily.", &["He takes Tylenol No. 3 daily."]),
            ("No. 3 was e.g. Not seen.", &["No. 3 was e.g. Not seen."]),
            ("Morbid obesity.The patient snores.", &["Morbid obesity.", "The patient snores."]),
            ("Temp 98.6. BP 120/80.", &["Temp 98.6.", "BP 120/80."]),
            ("MI x 2 (1978 and 1979). CVA.", &["MI x 2 (1978 and 1979).", "CVA."]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(&split(text), expected, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn spans_slice_back(parts in proptest::collection::vec("(\\PC{0,5}|1\\. |2\\)|\\. |\\n|- |é|• |[A-Z]\\. )", 0..40)) {
            let text = parts.concat();
            let mut end = 0;
            for sentence in split_sentences(&text, &split_sections(&text, &SectionTable::default())) {
                prop_assert!(sentence.span.start >= end && !sentence.span.is_empty());
                let words = text.get(sentence.span.start..sentence.span.end);
                prop_assert_eq!(words.map(str::trim), words);
                end = sentence.span.end;
            }
            prop_assert!(end <= text.len());
        }
    }
}
