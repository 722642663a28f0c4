//! What the rest of the note does to a code: combination codes, "with" conventions, stages, trimesters, later encounters.
//!
//! The rows of `vocabularies/conventions.tsv` say which code, under which conditions, stands in the place of the one that the words alone give,
//! and on which guideline that rests. The code of the words stays as an alternative.

use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

use super::{Coder, Coding, laterality::side_of};
use crate::{
    domain::{Assertion, CodeCandidate, CodeRole, Span, system, table, table::TableError},
    text::Document,
    vocabulary::{Vocabulary, normalize_term},
};

/// So many words before a mention and after it stand close to it.
const CLOSE: (usize, usize) = (4, 8);
/// Words that take a phrase back when they stand up to three words before it.
const DENIALS: [&str; 9] = ["no", "not", "without", "denies", "denied", "negative", "never", "resolved", "versus"];
/// So far from a mention such words are looked for.
const UNRELATED_WITHIN: (usize, usize) = (30, 30);
/// Words that say that two conditions have nothing to do with each other (Guidelines I.A.15).
const UNRELATED: [&str; 6] = ["unrelated to", "not due to", "not related to", "not from", "not caused by", "independent of"];
/// In the place of a code: the code stays, only `with` is put beside it.
const KEEP: &str = "=";
/// So many candidates are shown.
const SHOWN: usize = 6;

/// A condition of a row.
#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// Another diagnosis of the note has a code that begins so.
    Other(Vec<String>),
    /// One of these phrases stands in the mention or close to it.
    Said(Vec<String>),
    /// The note has one of these ingredients.
    Drug(Vec<String>),
    /// The note says a gestational age in completed weeks.
    Weeks(RangeInclusive<u32>),
}

#[derive(Debug, Clone)]
struct Row {
    base: Vec<String>,
    /// Each with whether it must hold.
    conditions: Vec<(bool, Condition)>,
    code: String,
    with: Vec<String>,
    guideline: String,
}

/// The conventions.
#[derive(Debug, Default)]
pub struct Conventions {
    rows: Vec<Row>,
}

/// A diagnosis mention as the conventions see it.
#[derive(Debug)]
pub struct Diagnosed<'a> {
    /// Where it stands.
    pub span: Span,
    /// What the note says of it.
    pub assertion: Assertion,
    /// Its codes, which may change.
    pub coding: &'a mut Coding,
}

impl FromStr for Condition {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let quoted = |text: &str| -> Option<Vec<String>> {
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.split('|').map(normalize_term).filter(|phrase| !phrase.is_empty()).collect())
        };
        if let Some(drugs) = text.strip_prefix("drug:") {
            return quoted(drugs).map(Self::Drug).ok_or_else(|| "names of drugs stand in double quotes".to_owned());
        }
        if let Some(weeks) = text.strip_prefix("weeks:") {
            let bounds = weeks.split_once('-').and_then(|(first, last)| Some(first.parse().ok()?..=last.parse().ok()?));
            return bounds.map(Self::Weeks).ok_or_else(|| "weeks are written like weeks:14-27".to_owned());
        }
        if text.starts_with('"') {
            return quoted(text).map(Self::Said).ok_or_else(|| "a phrase ends with a double quote".to_owned());
        }
        let codes: Vec<String> = text.split('|').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect();
        if codes.is_empty() { Err("a condition is empty".to_owned()) } else { Ok(Self::Other(codes)) }
    }
}

impl Conventions {
    /// Reads the table (columns `base`, `when`, `code`, `with`, `guideline`). Rows whose code no loaded edition has are left out.
    ///
    /// # Errors
    /// A condition that cannot be read, or `$1` without a code to refer to.
    pub fn parse((name, text): (&str, &str), vocabulary: &Vocabulary) -> Result<Self, TableError> {
        let mut rows = Vec::new();
        table::read(name, text, |row| {
            let mut conditions = Vec::new();
            for condition in row.get("when")?.split(" & ").map(str::trim) {
                let (holds, condition) = condition.strip_prefix('!').map_or((true, condition), |rest| (false, rest));
                conditions.push((holds, condition.parse().map_err(|message: String| row.error(message))?));
            }
            let list = |text: &str| -> Vec<String> {
                text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            };
            let read = Row {
                base: list(row.get("base")?),
                conditions,
                code: row.get("code")?.to_owned(),
                with: list(row.get("with")?),
                guideline: row.get("guideline")?.to_owned(),
            };
            let refers = read.with.iter().any(|code| code == "$1");
            if refers && !read.conditions.iter().any(|(holds, one)| *holds && matches!(one, Condition::Other(_))) {
                return Err(row.error("$1 needs a condition that names another diagnosis"));
            }
            if read.base.is_empty() || read.code.is_empty() {
                return Err(row.error("base and code must not be empty"));
            }
            let known = |code: &String| code == "$1" || code == KEEP || vocabulary.is_billable(code);
            if known(&read.code) && read.with.iter().all(known) {
                rows.push(read);
            }
            Ok(())
        })?;
        Ok(Self { rows })
    }

    fn about<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.base.iter().any(|base| code.starts_with(base.as_str())))
    }

    /// Puts the codes of a note's diagnoses as the conventions ask; `drugs` are the ingredients that it names.
    pub fn apply(
        &self,
        (vocabulary, coder): (&Vocabulary, &Coder),
        document: &Document,
        drugs: &[String],
        diagnoses: &mut [Diagnosed<'_>],
    ) {
        let note = Note { document, drugs, weeks: weeks(document), present: present(diagnoses) };
        for diagnosis in diagnoses.iter_mut() {
            if !matches!(diagnosis.assertion, Assertion::Present | Assertion::Possible) {
                continue;
            }
            let Some(first) = diagnosis.coding.codes.first() else { continue };
            let (first_code, score, why) = (first.code.clone(), first.score, first.why.clone());
            let mut found: Vec<CodeCandidate> = Vec::new();
            for row in self.about(&first_code).filter(|row| row.code != KEEP) {
                let Some(other) = note.holds(row, (diagnosis.span, &first_code)) else { continue };
                let side = side_of(document, diagnosis.span);
                let sided = |code: &str| {
                    side.and_then(|side| coder.sides.sided(vocabulary.codes(), code, side)).unwrap_or_else(|| code.to_owned())
                };
                let code = sided(&row.code);
                if (code == first_code && row.with.is_empty()) || found.iter().any(|known| known.code == code) {
                    continue;
                }
                let with = row.with.iter().filter_map(|code| if code == "$1" { other.clone() } else { Some(sided(code)) });
                let because = other.as_ref().map_or_else(String::new, |other| format!(" with {other} in this note"));
                found.push(CodeCandidate {
                    rank: 0,
                    role: CodeRole::Code,
                    system: system::ICD10CM.to_owned(),
                    display: vocabulary.title(&code).to_owned(),
                    score: if found.is_empty() { score } else { score * 0.6 },
                    with: with.filter(|beside| *beside != code).collect(),
                    why: format!("{}{because}; {why}", row.guideline),
                    code,
                    features: std::collections::BTreeMap::new(),
                });
            }
            if !found.is_empty() {
                put_first(diagnosis.coding, found);
            }
            let Some(settled) = diagnosis.coding.codes.first().map(|first| first.code.clone()) else { continue };
            for row in self.about(&settled).filter(|row| row.code == KEEP) {
                if note.holds(row, (diagnosis.span, &settled)).is_some()
                    && let Some(first) = diagnosis.coding.codes.first_mut()
                {
                    let missing: Vec<String> = row.with.iter().filter(|code| !first.with.contains(code)).cloned().collect();
                    first.with.extend(missing);
                }
            }
            if let Some(weeks) = note.weeks {
                of_pregnancy((vocabulary, coder), weeks, diagnosis.coding);
            }
        }
    }
}

/// Trimester and week of pregnancy codes that leave them open (Guidelines I.C.15.a.3, I.C.21.c.11).
fn of_pregnancy((vocabulary, coder): (&Vocabulary, &Coder), weeks: u32, coding: &mut Coding) {
    let trimester = match weeks {
        0..14 => "first trimester",
        14..28 => "second trimester",
        _ => "third trimester",
    };
    let open = coding.codes.iter().position(|code| code.code.starts_with('O'));
    let Some(code) = open.filter(|at| *at == 0).and_then(|at| coding.codes.get_mut(at)) else { return };
    if let Some(sibling) = coder.sides.retitled(vocabulary.codes(), &code.code, ("unspecified trimester", trimester)) {
        code.why = format!("{weeks} weeks in this note; {}", code.why);
        vocabulary.title(&sibling).clone_into(&mut code.display);
        coding.display.clone_from(&code.display);
        code.code = sibling;
    }
    let week = format!("Z3A.{weeks:02}");
    // pregnancies that ended in abortion have no week code
    if code.code.as_str() >= "O09" && vocabulary.is_billable(&week) && !code.with.contains(&week) {
        code.with.push(week);
    }
    let first = code.code.clone();
    let mut place = 0;
    coding.codes.retain(|code| {
        place += 1;
        place == 1 || code.code != first
    });
    for (at, code) in coding.codes.iter_mut().enumerate() {
        code.rank = u32::try_from(at + 1).unwrap_or(u32::MAX);
    }
}

/// The codes of present diagnoses, each with its first two places: enough to find another place than the mention's own.
fn present(diagnoses: &[Diagnosed<'_>]) -> Vec<(Span, String)> {
    let mut places: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for diagnosis in diagnoses.iter().filter(|diagnosis| diagnosis.assertion == Assertion::Present) {
        let Some(first) = diagnosis.coding.codes.first() else { continue };
        let known = places.entry(first.code.as_str()).or_default();
        if known.is_empty() {
            order.push(&first.code);
        }
        if known.len() < 2 {
            known.push(diagnosis.span);
        }
    }
    order.into_iter().flat_map(|code| places[code].iter().map(|span| (*span, code.to_owned()))).collect()
}

/// The found codes before those of the words, which count half.
fn put_first(coding: &mut Coding, found: Vec<CodeCandidate>) {
    let mut codes = found;
    for mut code in coding.codes.drain(..) {
        code.score *= 0.5;
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(code);
        }
    }
    codes.truncate(SHOWN);
    for (at, code) in codes.iter_mut().enumerate() {
        code.rank = u32::try_from(at + 1).unwrap_or(u32::MAX);
    }
    if let Some(first) = codes.first() {
        coding.display.clone_from(&first.display);
    }
    // what was asked about the code of the words is answered, or asked of another code
    coding.prompts.retain(|prompt| prompt.kind != "laterality");
    coding.codes = codes;
}

/// What the conditions are held against.
struct Note<'a> {
    document: &'a Document,
    drugs: &'a [String],
    weeks: Option<u32>,
    present: Vec<(Span, String)>,
}

impl Note<'_> {
    /// The other diagnosis's code when the row holds (none inside when no condition names one).
    #[expect(clippy::option_option, reason = "holds or not; with another code or without")]
    fn holds(&self, row: &Row, (span, own): (Span, &str)) -> Option<Option<String>> {
        let mut other = None;
        for (wanted, condition) in &row.conditions {
            let found = match condition {
                Condition::Other(beginnings) => {
                    let begins = |code: &str| beginnings.iter().any(|beginning| code.starts_with(beginning.as_str()));
                    let found = self.present.iter().find(|(at, code)| *at != span && code != own && begins(code));
                    if *wanted && other.is_none() {
                        other = found.map(|(_, code)| code.clone());
                    }
                    found.is_some_and(|(at, _)| !self.unrelated(span) && !self.unrelated(*at))
                }
                Condition::Said(phrases) => self.said(span, phrases),
                Condition::Drug(names) => self
                    .drugs
                    .iter()
                    .any(|drug| names.iter().any(|name| drug.split('+').any(|one| one.trim().starts_with(name.as_str())))),
                Condition::Weeks(range) => self.weeks.is_some_and(|weeks| range.contains(&weeks)),
            };
            if found != *wanted {
                return None;
            }
        }
        Some(other)
    }

    fn unrelated(&self, span: Span) -> bool {
        let words = self.close_words(span, UNRELATED_WITHIN).join(" ");
        UNRELATED.iter().any(|phrase| words.contains(phrase))
    }

    /// The folded words of the mention and of its sentence so many before and after it.
    fn close_words(&self, span: Span, (before, after): (usize, usize)) -> Vec<&str> {
        let own = self.document.words_in(span);
        let all = self.document.words_in(self.document.sentence_at(span).map_or(span, |sentence| sentence.span));
        let from = own.start.saturating_sub(before).max(all.start).min(own.start);
        let to = (own.end + after).min(all.end).max(own.end);
        self.document.words[from..to].iter().map(|word| word.folded.as_str()).filter(|word| *word != "the").collect()
    }

    /// Whether one of the phrases stands in the mention or close to it, and is not denied there.
    fn said(&self, span: Span, phrases: &[String]) -> bool {
        let words = self.close_words(span, CLOSE);
        phrases.iter().any(|phrase| {
            let wanted: Vec<&str> = phrase.split(' ').collect();
            words.windows(wanted.len()).enumerate().any(|(at, window)| {
                window == wanted && !words[at.saturating_sub(3)..at].iter().any(|word| DENIALS.contains(word))
            })
        })
    }
}

pattern!(WEEKS, r"(?i)\b(\d{1,2})(?:\s*(?:\+|and|&)?\s*\d/7|\s*\+\s*\d)?[\s-]*(?:week|wk)s?\b");

/// Completed weeks of a pregnancy, where a sentence that speaks of one names them.
fn weeks(document: &Document) -> Option<u32> {
    const SIGNS: [&str; 12] = [
        "pregnan",
        "gestation",
        "gravid",
        "trimester",
        "ega",
        "iup",
        "prenatal",
        "antepartum",
        "primigravida",
        "multigravida",
        "obstetric",
        "fetal",
    ];
    let text = &document.text;
    let about = |words: &str| SIGNS.iter().any(|sign| words.contains(sign));
    let whole = about(&text.to_lowercase());
    let told = |sentence: &str| {
        let lower = sentence.to_lowercase();
        let parity = lower.split_whitespace().any(|word| {
            let bytes = word.as_bytes();
            bytes.len() >= 4 && bytes[0] == b'g' && bytes[1].is_ascii_digit() && bytes[2] == b'p'
        });
        about(&lower) || parity
    };
    document
        .sentences
        .iter()
        .map(|sentence| sentence.span.of(text))
        .filter(|sentence| told(sentence) || (whole && sentence.len() < 160 && sentence.contains(" at ")))
        .flat_map(|sentence| WEEKS.captures_iter(sentence))
        .filter_map(|found| found[1].parse::<u32>().ok())
        .find(|weeks| (4..=42).contains(weeks))
}
