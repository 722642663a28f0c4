//! Passages that were not written for this patient today: template text, copied and repeated sentences, general information.
//!
//! Words come from `vocabularies/boilerplate.tsv`. A list of denials counts as a template's when nothing stands in it but what every
//! template holds: at least five such symptoms, or three under a review of systems.

use std::collections::HashSet;

use regex::{Regex, RegexSet};

use super::{
    Document, Sentence,
    education::{Signs, passages},
    pattern::{compile, compile_set},
};
use crate::domain::{Boilerplate, BoilerplateKind, Span, table, table::TableError};

/// Fewest words of a sentence whose repetition is told.
const REPEATED_WORDS: usize = 8;

/// Longest sentence looked at, in bytes: a template's is short.
const LONGEST: usize = 1_000;

/// The compiled table; build one per process.
#[derive(Debug)]
pub struct BoilerplateTable {
    templates: Vec<Regex>,
    copied: Vec<Regex>,
    denied: HashSet<String>,
    lead: Regex,
    join: Regex,
    signs: Signs,
}

impl BoilerplateTable {
    /// Reads the table (columns `kind`, `pattern`).
    ///
    /// # Errors
    /// An unknown kind or a pattern that does not compile, with its line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let constant = |pattern: &str| {
            compile(pattern).map_err(|error| TableError {
                table: "boilerplate".to_owned(),
                line: 0,
                message: error.to_string(),
            })
        };
        let mut read = Self {
            templates: Vec::new(),
            copied: Vec::new(),
            denied: HashSet::new(),
            lead: constant(
                r"(?i)^(?:(?:the )?(?:patient|pt|he|she)\s+)?(?:also\s+|specifically\s+|currently\s+)*(?:denies|denied|negative for|neg for|no|without)\s+(?:any\s+|of\s+|recent\s+)*",
            )?,
            signs: Signs { education: RegexSet::empty(), hint: RegexSet::empty(), personal: RegexSet::empty() },
            join: constant(r"(?i)\s*(?:[,;/]|\bor\b|\band\b|\bnor\b|\bno\b|\bdenies\b|\bany\b)+\s*")?,
        };
        let [mut education, mut hint, mut personal] = [const { Vec::new() }; 3];
        table::read("boilerplate", text, |row| {
            let pattern = row.get("pattern")?;
            if pattern.is_empty() {
                return Err(row.error("the pattern is empty"));
            }
            let compile = |pattern: String| compile(&pattern).map_err(|error| row.error(error.to_string()));
            match row.get("kind")? {
                "template" => read.templates.push(compile(format!(r"(?is)^(?:{pattern})[\s.;:,]*$"))?),
                "copied_forward" => read.copied.push(compile(format!("(?i){pattern}"))?),
                "denied" => drop(read.denied.insert(pattern.to_lowercase())),
                kind @ ("education" | "education_hint" | "personal") => {
                    compile(pattern.to_owned())?;
                    match kind {
                        "education" => education.push(pattern.to_owned()),
                        "education_hint" => hint.push(pattern.to_owned()),
                        _ => personal.push(pattern.to_owned()),
                    }
                }
                other => {
                    let kinds = "template, copied_forward, denied, education, education_hint or personal";
                    return Err(row.error(format!("unknown kind {other:?}: {kinds}")));
                }
            }
            Ok(())
        })?;
        let set = |patterns: Vec<String>| {
            compile_set(&patterns).map_err(|error| TableError {
                table: "boilerplate".to_owned(),
                line: 0,
                message: error.to_string(),
            })
        };
        read.signs = Signs { education: set(education)?, hint: set(hint)?, personal: set(personal)? };
        Ok(read)
    }

    /// Why a sentence is boilerplate by its words alone.
    fn kind_of(&self, words: &str, listed: bool) -> Option<BoilerplateKind> {
        if self.copied.iter().any(|pattern| pattern.is_match(words)) {
            return Some(BoilerplateKind::CopiedForward);
        }
        let template = self.templates.iter().any(|pattern| pattern.is_match(words)) || self.is_list_of_denials(words, listed);
        template.then_some(BoilerplateKind::Template)
    }

    fn is_list_of_denials(&self, words: &str, listed: bool) -> bool {
        // "GI: No nausea, vomiting": a label before the denial
        let words = words.split_once(": ").filter(|(label, _)| label.len() < 24).map_or(words, |(_, rest)| rest);
        let Some(lead) = self.lead.find(words) else { return false };
        let rest = words[lead.end()..].trim_end_matches(['.', ' ', ';', '\n']).to_lowercase();
        let mut members = 0;
        for member in self.join.split(&rest).filter(|member| !member.trim().is_empty()) {
            let member = member.split_whitespace().collect::<Vec<_>>().join(" ");
            if !self.denied.contains(&member) {
                return false;
            }
            members += 1;
        }
        members >= if listed { 3 } else { 5 }
    }
}

/// Passages of boilerplate, in order of the text.
#[must_use]
pub fn boilerplate(document: &Document, table: &BoilerplateTable) -> Vec<Boilerplate> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut found = Vec::new();
    let mut general = passages(document, &table.signs).into_iter().peekable();
    for (index, Sentence { span, section }) in document.sentences.iter().enumerate() {
        while general.next_if(|passage| passage.end <= index).is_some() {}
        let informs = general.peek().is_some_and(|passage| passage.contains(&index));
        let words = span.of(&document.text);
        if words.len() > LONGEST {
            continue;
        }
        let listed = document.sections.get(*section).is_some_and(|section| section.kind == "review_of_systems");
        // the same diagnosis before and after an operation is no repetition to speak of
        let lists = document.sections.get(*section).is_some_and(|section| {
            section.kind.ends_with("diagnosis")
                || matches!(section.kind.as_str(), "problem_list" | "impression" | "indications")
        });
        let repeated = !seen.insert(folded(words)) && !lists && words.split_whitespace().count() >= REPEATED_WORDS;
        let kind = match table.kind_of(words, listed) {
            Some(kind) if !informs => Some(kind),
            _ if informs => Some(BoilerplateKind::Education),
            _ => repeated.then_some(BoilerplateKind::Repeated),
        };
        found.extend(kind.map(|kind| Boilerplate { kind, start: span.start, end: span.end }));
    }
    found
}

/// The sentence around `span`, folded, when it is long enough that its repetition means something.
#[must_use]
pub fn passage(text: &str, span: Span) -> Option<String> {
    let words = sentence_around(text, span);
    (words.split_whitespace().count() >= REPEATED_WORDS).then(|| folded(words))
}

/// The sentence around `span`, as letters and digits in lower case and single spaces.
#[must_use]
pub fn folded_sentence(text: &str, span: Span) -> String {
    folded(sentence_around(text, span))
}

fn sentence_around(text: &str, span: Span) -> &str {
    let ends = |at: usize, mark: u8| match mark {
        b'\n' => true,
        b'.' | b'!' | b'?' | b';' | b':' => text[at + 1..].starts_with(char::is_whitespace),
        _ => false,
    };
    let bytes = text.as_bytes();
    let near = span.around(text, LONGEST, LONGEST);
    let start =
        (near.start..span.start.min(bytes.len())).rev().find(|at| ends(*at, bytes[*at])).map_or(near.start, |at| at + 1);
    let end = (span.end..near.end).find(|at| ends(*at, bytes[*at])).unwrap_or(near.end);
    text.get(start..end).unwrap_or_default()
}

/// Letters and digits in lower case, single spaces.
#[must_use]
pub fn folded(words: &str) -> String {
    let words = words.to_lowercase();
    words.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SectionTable;

    fn found(text: &str) -> Vec<(BoilerplateKind, String)> {
        let sections = SectionTable::parse(include_str!("../../vocabularies/sections.tsv")).expect("our own table");
        let table = BoilerplateTable::parse(include_str!("../../vocabularies/boilerplate.tsv")).expect("our own table");
        let document = Document::new(text, &sections);
        let all = boilerplate(&document, &table);
        all.iter().map(|one| (one.kind, Span::new(one.start, one.end).of(text).to_owned())).collect()
    }

    fn kinds(text: &str) -> Vec<BoilerplateKind> {
        found(text).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn templates_are_told() {
        for text in [
            "REVIEW OF SYSTEMS:\nDenies chest pain, shortness of breath, or palpitations.",
            "She denies fever, chills, nausea, vomiting, diarrhea, and abdominal pain.",
            "REVIEW OF SYSTEMS:\nGI: No nausea, vomiting, diarrhea or constipation.",
            "All other systems reviewed and are negative.",
            "A 10-point review of systems was performed and was negative except as noted in the HPI.",
            "PHYSICAL EXAMINATION:\nHEENT: Normocephalic, atraumatic.",
            "The risks, benefits and alternatives were discussed with the patient.",
            "This note was dictated using voice recognition software.",
            "Electronically signed by A. Example, MD",
        ] {
            assert_eq!(kinds(text), [BoilerplateKind::Template], "{text}");
        }
    }

    #[test]
    fn what_was_written_for_the_patient_is_none() {
        for text in [
            "She denies fever.",
            "He denies chest pain, shortness of breath, and the rash that his brother had last week, nausea and vomiting.",
            "Denies diabetes, hypertension, asthma, stroke and cancer.",
            "No pneumonia, pneumothorax or effusion.",
            "Lungs with crackles at the left base.",
            "Abdomen is tender in the right lower quadrant.",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn repetition_and_copies_are_told() {
        let said = "He has had a cough with yellow sputum for three weeks now.";
        let text = format!("HISTORY OF PRESENT ILLNESS:\n{said}\nASSESSMENT:\n{said} Bronchitis.");
        assert_eq!(found(&text), [(BoilerplateKind::Repeated, said.to_owned())]);
        assert_eq!(kinds("Copied forward from 3/4: stable angina."), [BoilerplateKind::CopiedForward]);
    }

    #[test]
    fn a_passage_is_the_sentence_around() {
        let text = "Well. He has had a cough with yellow sputum for three weeks. Fine.";
        let at = text.find("cough").expect("there");
        let words = passage(text, Span::new(at, at + 5)).expect("long enough");
        assert_eq!(words, "he has had a cough with yellow sputum for three weeks");
        assert_eq!(passage(text, Span::new(0, 4)), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let error = BoilerplateTable::parse("kind\tpattern\ntemplate\t(\n").expect_err("no expression");
        assert_eq!(error.line, 2);
    }
}
