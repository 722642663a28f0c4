//! The note without its identifiers: tags or surrogates in their place, and where everything stands now.

use jiff::civil::Date;
use serde::Serialize;

use super::{
    DateShift, DeidentificationKey, Deidentifier, Findings, Identifier, IdentifierClass, Known, shift, surrogates::Surrogates,
    tokens::fold,
};
use crate::domain::Span;

/// What is put in the place of identifiers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// `[NAME]`, `[DATE]`.
    #[default]
    Tag,
    /// Invented names and numbers, the same for the same of a patient; dates moved by the patient's offset.
    Surrogate(DateShift),
}

/// What becomes of words and numbers that nothing knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownWords {
    /// `[OTHER]`, with surrogates too: nobody knows what would have to be invented.
    #[default]
    Replace,
    /// They stay, and are told as [`Deidentified::unsure`].
    Keep,
}

/// One replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Replacement {
    /// What stood there.
    pub class: IdentifierClass,
    /// Where, in the text as it was; bytes.
    pub source: Span,
    /// Where its replacement stands, in the new text; bytes.
    pub target: Span,
}

/// A text without the identifiers that were found. `Debug` prints lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Deidentified {
    /// The new text.
    pub text: String,
    /// What was replaced, in order.
    pub replacements: Vec<Replacement>,
    /// What may be identifiers and was left, in the text as it was.
    pub unsure: Vec<Span>,
    /// The identifiers as they were written, with what stands for them: what other fields quote is replaced likewise.
    pub(super) words: Vec<(String, String)>,
}

impl std::fmt::Debug for Deidentified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deidentified")
            .field("bytes", &self.text.len())
            .field("replacements", &self.replacements.len())
            .finish_non_exhaustive()
    }
}

impl Deidentified {
    /// A text as it is, identifiers and all.
    #[must_use]
    pub fn unchanged(text: &str) -> Self {
        Self { text: text.to_owned(), replacements: Vec::new(), unsure: Vec::new(), words: Vec::new() }
    }

    /// Where a place of the old text stands in the new one. What begins or ends within an identifier goes to the whole of what stands for it.
    #[must_use]
    pub fn map(&self, start: usize, end: usize) -> (usize, usize) {
        let new_start = self.moved(start, |replacement| replacement.target.start);
        let new_end = self.moved(end, |replacement| replacement.target.end);
        (new_start, new_end.max(new_start))
    }

    fn moved(&self, at: usize, inside: impl Fn(&Replacement) -> usize) -> usize {
        let before = self.replacements.partition_point(|replacement| replacement.source.end <= at);
        if let Some(replacement) = self.replacements.get(before)
            && replacement.source.start < at
        {
            return inside(replacement);
        }
        match before.checked_sub(1).and_then(|last| self.replacements.get(last)) {
            Some(last) => at - last.source.end + last.target.end,
            None => at,
        }
    }
}

/// Puts replacements in place, for the notes of one patient.
#[derive(Debug, Clone, Copy)]
pub struct Replacer<'a> {
    /// The tables.
    pub deidentifier: &'a Deidentifier,
    /// What is put in place.
    pub method: Method,
    /// What becomes of what nothing knows.
    pub unknown: UnknownWords,
    /// The key of surrogates and offsets.
    pub key: &'a DeidentificationKey,
    /// Who the patient is, for the key: notes with the same word share offset and surrogates.
    pub patient: &'a str,
}

/// The first three digits of postal codes whose area had 20,000 people or fewer at the census of 2000, 2010 or 2020: they become 000.
///
/// Seventeen are the list of the guidance of HHS on 45 CFR 164.514(b)(2)(i)(B), made of the census of 2000: 036, 059, 063, 102, 203, 556, 692, 790,
/// 821, 823, 830, 831, 878, 879, 884, 890, 893. The guidance says not to rely on it once newer counts are published. By those of 2010 and of 2020
/// six more are as small (202, 204, 205, 369, 753, 772; hardly anybody lives there), and five have grown (063, 790, 830, 831, 890), which stay here
/// to be on the safe side. The six and the five are as the published tables of other de-identification programs have them, two of which agree, one of
/// each census; we have counted nothing ourselves.
const RESTRICTED_ZIPS: &[&str] = &[
    "036", "059", "063", "102", "202", "203", "204", "205", "369", "556", "692", "753", "772", "790", "821", "823", "830",
    "831", "878", "879", "884", "890", "893",
];

/// A postal code as it may be told: three digits where enough people live there.
fn zip(written: &str) -> String {
    let digits: String = written.chars().take(5).filter(char::is_ascii_digit).collect();
    match digits.get(..3) {
        Some(first) if digits.len() == 5 && !RESTRICTED_ZIPS.contains(&first) => first.to_owned(),
        _ => "000".to_owned(),
    }
}

impl Replacer<'_> {
    /// Finds the identifiers of a text and replaces them.
    #[must_use]
    pub fn deidentify(&self, text: &str, known: &Known, mentions: &[Span]) -> Deidentified {
        let findings = self.deidentifier.find(text, known, mentions);
        let findings = match self.unknown {
            UnknownWords::Replace => findings.with_unknown(),
            UnknownWords::Keep => findings,
        };
        self.replace(text, known, findings)
    }

    /// Replaces what was found.
    #[must_use]
    pub fn replace(&self, text: &str, known: &Known, mut findings: Findings) -> Deidentified {
        let about = about(text, known, &findings.identifiers);
        let over_89 = is_over_89(text, known, &findings.identifiers, about);
        let mut out = Deidentified {
            text: String::with_capacity(text.len()),
            replacements: Vec::new(),
            unsure: Vec::new(),
            words: Vec::new(),
        };
        let mut at = 0;
        for identifier in &findings.identifiers {
            out.text.push_str(&text[at..identifier.span.start]);
            let written = identifier.span.of(text);
            let put = self.in_place(text, identifier, (about, over_89));
            if identifier.class == IdentifierClass::Date
                && put.starts_with('[')
                && self.method != Method::Tag
                && identifier.date.is_some()
                && !over_89
            {
                findings.unsure.push(identifier.span);
            }
            let start = out.text.len();
            out.text.push_str(&put);
            out.replacements.push(Replacement {
                class: identifier.class,
                source: identifier.span,
                target: Span::new(start, out.text.len()),
            });
            if written.chars().count() > 2
                && !matches!(identifier.class, IdentifierClass::Age | IdentifierClass::Time | IdentifierClass::Room)
            {
                out.words.push((written.to_owned(), put));
            }
            at = identifier.span.end;
        }
        out.text.push_str(&text[at..]);
        out.unsure = findings.unsure;
        out
    }

    fn in_place(&self, text: &str, identifier: &Identifier, (about, over_89): (Date, bool)) -> String {
        let written = identifier.span.of(text);
        let tag = || format!("[{}]", identifier.class.tag());
        match (identifier.class, self.method) {
            (IdentifierClass::Age, _) => "90+".to_owned(),
            (IdentifierClass::Zip, _) => zip(written),
            (IdentifierClass::Other, _) | (_, Method::Tag) => tag(),
            (IdentifierClass::Date, Method::Surrogate(how)) => match &identifier.date {
                // the year of birth of somebody over 89 says the age
                Some(date) if over_89 && date.year.is_some_and(|year| year <= about.year() - 89) => tag(),
                Some(date) => shift::shifted(text, identifier.span, date, (self.days(how), about)).unwrap_or_else(tag),
                None => tag(),
            },
            (IdentifierClass::Time, Method::Surrogate(_)) => to_the_hour(written),
            (_, Method::Surrogate(_)) => {
                let surrogates = Surrogates { key: self.key, patient: self.patient };
                surrogates.of(written, identifier, &|word| self.deidentifier.bearer(&fold(word)))
            }
        }
    }

    /// By how many days the dates of the patient are moved.
    #[must_use]
    pub fn days(&self, how: DateShift) -> i32 {
        self.key.days(self.patient, how)
    }
}

/// The minutes of a time, and its seconds, become nothing.
fn to_the_hour(written: &str) -> String {
    let digits = written.chars().filter(char::is_ascii_digit).count();
    let has_colon = written.contains(':');
    let mut seen = 0;
    let mut is_behind = false;
    written
        .chars()
        .map(|character| {
            is_behind |= character == ':';
            if !character.is_ascii_digit() {
                return character;
            }
            seen += 1;
            if is_behind || !has_colon && digits == 4 && seen > 2 { '0' } else { character }
        })
        .collect()
}

/// The day about which a note was written: as the envelope says, else the latest date with a year in it.
fn about(text: &str, known: &Known, identifiers: &[Identifier]) -> Date {
    let dates = identifiers.iter().filter_map(|identifier| identifier.date.as_ref()).filter(|date| date.year.is_some());
    let latest = dates.filter_map(|date| date.day_near(Date::constant(2000, 1, 15))).max();
    let year = YEAR_ALONE.find_iter(text).filter_map(|year| year.as_str().parse::<i16>().ok()).max();
    known.about.or(latest).or_else(|| year.and_then(|year| Date::new(year, 7, 1).ok())).unwrap_or(Date::constant(2000, 7, 1))
}

pattern!(YEAR_ALONE, r"\b20[0-4]\d\b");

/// Whether the patient, or anybody in the note, is over 89.
fn is_over_89(text: &str, known: &Known, identifiers: &[Identifier], about: Date) -> bool {
    let by_age =
        identifiers.iter().any(|identifier| identifier.class == IdentifierClass::Age && !identifier.span.of(text).is_empty());
    let by_birth = known.birth_date.is_some_and(|birth| birth.year() <= about.year() - 89);
    by_age
        || by_birth
        || identifiers.iter().filter_map(|identifier| identifier.date.as_ref()?.year).any(|year| year <= about.year() - 90)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deidentify::measure::{DEIDENTIFIER, any_key};
    use proptest::prelude::*;

    fn replaced(text: &str, method: Method) -> Deidentified {
        let key = any_key();
        let replacer = Replacer { deidentifier: &DEIDENTIFIER, method, unknown: UnknownWords::Keep, key: &key, patient: "p" };
        replacer.deidentify(text, &Known::default(), &[])
    }

    #[test]
    fn tags_ages_and_postal_codes() {
        let text = "Dr. Halvorsen saw the 93-year-old on 03/04/2026. Lives in Duluth, MN 55803; before in Cavendish, VT 05901.";
        let out = replaced(text, Method::Tag);
        assert_eq!(
            out.text,
            "Dr. [NAME] saw the 90+-year-old on [DATE]. Lives in [LOCATION], MN 558; before in [LOCATION], VT 000."
        );
        for replacement in &out.replacements {
            assert!(replacement.source.end <= text.len() && !replacement.target.of(&out.text).is_empty());
        }
        assert_eq!((zip("03601"), zip("10018-1234")), ("000".to_owned(), "100".to_owned()));
    }

    #[test]
    fn surrogates_keep_intervals_and_hide_the_birth_of_the_old() {
        let out = replaced("Seen on 03/04/2026 and again 03/14/2026.", Method::Surrogate(DateShift::Days));
        let days: Vec<Date> = crate::deidentify::dates::written(&out.text)
            .into_iter()
            .filter_map(|(_, date)| date.day_near(Date::constant(2026, 1, 1)))
            .collect();
        assert_eq!(days.len(), 2, "{}", out.text);
        assert_eq!(days[0].until(days[1]).expect("an interval").get_days(), 10);
        let old = replaced("Date of birth 02/20/1931, seen 03/04/2026.", Method::Surrogate(DateShift::Days));
        assert!(old.text.starts_with("Date of birth [DATE], seen "), "{}", old.text);
    }

    #[test]
    fn a_time_says_the_hour() {
        assert_eq!(["14:22", "2210", "7:45a", "4:31:08 PM"].map(to_the_hour), ["14:00", "2200", "7:00a", "4:00:00 PM"]);
    }

    proptest! {
        #[test]
        fn places_outside_identifiers_hold_the_same_words(before in "[a-z ]{0,20}", between in "[a-z ]{1,20}", after in "[a-z ]{0,20}") {
            let text = format!("{before} Dr. Halvorsen {between} 03/04/2026 {after}");
            let out = replaced(&text, Method::Surrogate(DateShift::Weeks));
            for (at, character) in text.char_indices() {
                let place = Span::new(at, at + character.len_utf8());
                if out.replacements.iter().any(|replacement| replacement.source.overlaps(place)) {
                    continue;
                }
                let (start, end) = out.map(place.start, place.end);
                prop_assert_eq!(Span::new(start, end).of(&out.text), place.of(&text));
            }
            for replacement in &out.replacements {
                let (start, end) = out.map(replacement.source.start, replacement.source.end);
                prop_assert_eq!(Span::new(start, end), replacement.target);
            }
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,200}") {
            let out = replaced(&text, Method::Tag);
            prop_assert!(out.replacements.windows(2).all(|pair| pair[0].source.end <= pair[1].source.start));
            prop_assert!(out.replacements.iter().all(|one| text.is_char_boundary(one.source.start) && text.is_char_boundary(one.source.end)));
        }
    }
}
