//! Passages that inform about a disease or a treatment in general, as after-visit summaries and discharge papers carry them.
//!
//! A sentence shows it by what it says of everybody ("is an infection of", "most people with", "call your doctor if"): rows
//! `education` of `vocabularies/boilerplate.tsv`, weaker ones `education_hint`. A passage runs from the first such sentence to the last
//! as long as nobody in particular is spoken of between them (rows `personal`), and counts when it holds enough of them: one sentence
//! of the kind stands in many a note that was written for its patient.

use std::ops::Range;

use regex::RegexSet;

use super::Document;

/// Sentences or list items of no sign between two that have one.
const GAP: usize = 10;

/// What the signs of a passage must come to; a sign of its own counts 2, a hint 1.
const ENOUGH: usize = 5;

/// Most bytes of a sentence looked at.
const LONGEST: usize = 1_000;

/// What a sentence is to a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// What is so in general.
    General,
    /// A hint of it.
    Hint,
    /// Something of somebody.
    Personal,
    Nothing,
}

/// The compiled rows.
#[derive(Debug)]
pub(super) struct Signs {
    pub education: RegexSet,
    pub hint: RegexSet,
    pub personal: RegexSet,
}

impl Signs {
    fn of(&self, words: &str) -> Says {
        if words.len() > LONGEST || self.personal.is_match(words) {
            Says::Personal
        } else if self.education.is_match(words) {
            Says::General
        } else if self.hint.is_match(words) {
            Says::Hint
        } else {
            Says::Nothing
        }
    }
}

/// The passages, as ranges of the document's sentences, in order.
pub(super) fn passages(document: &Document, signs: &Signs) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<Passage> = None;
    for (index, sentence) in document.sentences.iter().enumerate() {
        let says = signs.of(sentence.span.of(&document.text));
        let ends = open.as_ref().is_some_and(|passage| says == Says::Personal || index - passage.sentences.end > GAP);
        if ends {
            found.extend(open.take().and_then(Passage::counted));
        }
        match (&mut open, says) {
            (Some(passage), Says::General | Says::Hint) => passage.take(index, says),
            (None, Says::General) => {
                let mut passage = Passage { sentences: index..index, signs: 0, general: 0 };
                passage.take(index, says);
                open = Some(passage);
            }
            _ => {}
        }
    }
    found.extend(open.and_then(Passage::counted));
    found
}

struct Passage {
    sentences: Range<usize>,
    signs: usize,
    general: usize,
}

impl Passage {
    fn take(&mut self, index: usize, says: Says) {
        self.sentences.end = index + 1;
        self.general += usize::from(says == Says::General);
        self.signs += if says == Says::General { 2 } else { 1 };
    }

    fn counted(self) -> Option<Range<usize>> {
        (self.signs >= ENOUGH && self.general >= 2).then_some(self.sentences)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::BoilerplateKind;
    use crate::text::{BoilerplateTable, Document, SectionTable, boilerplate};

    /// The sentences of `text` that are general information.
    fn general(text: &str) -> Vec<String> {
        let sections = SectionTable::parse(include_str!("../../vocabularies/sections.tsv")).expect("our own table");
        let table = BoilerplateTable::parse(include_str!("../../vocabularies/boilerplate.tsv")).expect("our own table");
        let document = Document::new(text, &sections);
        let all = boilerplate(&document, &table);
        let general = all.iter().filter(|one| one.kind == BoilerplateKind::Education);
        general.map(|one| text[one.start..one.end].to_owned()).collect()
    }

    #[test]
    fn an_information_sheet_is_one_passage_and_the_note_around_it_is_not() {
        let sheet = "What is gout?\nGout is a form of arthritis that comes on suddenly. It happens when uric acid builds up.\n\
                     Many people with gout also have high blood pressure or kidney stones. \
                     Alcohol and a diet rich in meat can increase the risk of an attack.\n\
                     Treatment:\n- Ibuprofen or colchicine.\n- Allopurinol to prevent attacks.\n\
                     - Drink plenty of water.\nCall your doctor if you have a fever.";
        let text = format!(
            "ASSESSMENT: Acute gout of the left great toe. He also has hypertension.\n\nPATIENT INFORMATION:\n{sheet}\n\nHe was seen by Dr. Example today for gout."
        );
        let found = general(&text);
        assert_eq!(found.first().map(String::as_str), Some("What is gout?"), "{found:?}");
        assert!(found.iter().any(|one| one.contains("Allopurinol")), "items between its sentences belong to it: {found:?}");
        assert!(found.iter().any(|one| one.starts_with("Call your doctor")), "{found:?}");
        assert!(
            !found.iter().any(|one| one.contains("great toe") || one.contains("hypertension.") || one.contains("seen by")),
            "{found:?}"
        );
    }

    #[test]
    fn a_sentence_of_the_kind_in_a_note_is_no_passage() {
        for text in [
            "Pneumonia is an infection of the lung that this patient has had twice. Call your doctor if fever returns.",
            "PLAN: Call your doctor if you have fever or bleeding. Follow up in two weeks.",
            "There are several types of headache in her history. Migraine is usually treated with sumatriptan, which she takes.",
            "IMPRESSION: There are several small cysts. Findings are commonly seen in polycystic disease.",
            "Symptoms include cough and fever. Chest is clear. Pneumonia. Started on azithromycin 500 mg.",
        ] {
            assert_eq!(general(text), Vec::<String>::new(), "{text}");
        }
    }
}
