//! Passages that inform about a disease or a treatment in general, as after-visit summaries and discharge papers carry them.
//!
//! A sentence shows it by what it says of everybody ("is an infection of", "most people with"): rows `education` of
//! `vocabularies/boilerplate.tsv`; what sheets say too, and orders and return precautions as well ("call your doctor if", "avoid"), are rows
//! `education_hint`. A passage runs from the first sentence of the one kind to the last of either, as long as nobody in particular is spoken
//! of between them (rows `personal`), no section of the record begins, and the signs stand close. It counts when two sentences or more say what
//! is so in general: a single one stands in many a note that was written for its patient. What is not told is only a suggestion more for
//! a coder; what is told wrongly hides a diagnosis, so that the doubt goes to the note.

use std::ops::Range;

use regex::RegexSet;

use super::Document;

/// Sentences or list items of no sign between two that have one.
const GAP: usize = 4;

/// Kinds of sections that a passage may stand in. All others are the record's own, whatever stands in them.
const PLACES: [&str; 4] = ["unspecified", "other", "instructions", "follow_up"];

/// Words that head a part of a sheet; some head a section of a record too, and then only go on with a sheet that was begun.
const HEADINGS: [&str; 12] = [
    "symptom",
    "sign",
    "cause",
    "treatment",
    "prevention",
    "outlook",
    "risk factor",
    "complication",
    "what",
    "how",
    "when",
    "home care",
];

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
        let words = sentence.span.of(&document.text);
        // most sentences of most notes: nothing is open, and they open nothing
        if open.is_none() && !signs.education.is_match(words) {
            continue;
        }
        let says = signs.of(words);
        let ends = |passage: &Passage| {
            let moves_on = sentence.section != passage.section && !goes_on(document, sentence.section);
            says == Says::Personal || moves_on || index - passage.sentences.end > GAP
        };
        if open.as_ref().is_some_and(ends) {
            found.extend(open.take().and_then(Passage::counted));
        }
        match (&mut open, says) {
            (Some(passage), Says::General | Says::Hint) => passage.take(index, says, sentence.section),
            (Some(passage), Says::Nothing) => passage.section = sentence.section,
            (None, Says::General) if is_place(document, sentence.section) => {
                // the question that the sentence answers
                let asked = index.checked_sub(1).filter(|before| {
                    let before = &document.sentences[*before];
                    let words = before.span.of(&document.text);
                    before.section == sentence.section && words.ends_with('?') && signs.of(words) == Says::Hint
                });
                let mut passage =
                    Passage { sentences: asked.unwrap_or(index)..index, signs: 0, general: 0, section: sentence.section };
                passage.take(index, says, sentence.section);
                open = Some(passage);
            }
            _ => {}
        }
    }
    found.extend(open.and_then(Passage::counted));
    found
}

fn is_place(document: &Document, section: usize) -> bool {
    document.sections.get(section).is_none_or(|section| PLACES.contains(&section.kind.as_str()))
}

/// Whether a sheet goes on in a section that begins.
fn goes_on(document: &Document, section: usize) -> bool {
    let title = document.sections.get(section).and_then(|section| section.title);
    let title = title.map(|title| title.of(&document.text).to_lowercase()).unwrap_or_default();
    let headed =
        HEADINGS.iter().any(|word| title.split([' ', '/', ',']).any(|one| one.starts_with(word)) || title.starts_with(word));
    headed || (is_place(document, section) && !title.is_empty())
}

struct Passage {
    sentences: Range<usize>,
    signs: usize,
    general: usize,
    /// Of its last sentence.
    section: usize,
}

impl Passage {
    fn take(&mut self, index: usize, says: Says, section: usize) {
        self.section = section;
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

    /// What a reviewer found that an earlier draft of these rules hid.
    #[test]
    fn a_record_with_return_precautions_and_remarks_is_no_sheet() {
        for text in [
            "DISCHARGE INSTRUCTIONS:\nCall your doctor if you develop fever or chills. Keep the incision clean and dry.\n\n\
             DISCHARGE DIAGNOSES:\n1. Acute cholecystitis.\n2. Type 2 diabetes mellitus.\n\nDISCHARGE MEDICATIONS:\nMetformin. Apixaban.\n\n\
             FOLLOW-UP:\nSee your doctor in one week. Call 911 for chest pain.",
            "PLAN:\nNotify the physician for fever.\nAcute kidney injury.\nCall the clinic for weight gain.\nAvoid NSAIDs.",
            "A/P:\n1. Asthma exacerbation - albuterol. Call the clinic if worse.\n2. Hypertension - amlodipine. Limit salt.\n\
             3. Depression - sertraline. Call 911 for suicidal thoughts.\n4. GERD - omeprazole. Avoid spicy food.",
            "ORDERS:\nNotify the physician for SBP over 180.\nHeparin drip for pulmonary embolism.\nNotify the provider for urine output under 30.\n\
             Pneumonia: ceftriaxone.\nUse incentive spirometer.\nAcute kidney injury: hold lisinopril.\nKeep head of bed up.",
            "FINDINGS: There are several types of lesions in the liver. Hemangiomas are commonly seen in this location.\n\nIMPRESSION:\n\
             1. Acute appendicitis.\n2. Cholelithiasis.\n3. Small pericardial effusion. Viral infection can cause this.\n4. Fatty liver.",
            "DIAGNOSIS:\nA. Colon, biopsy: Tubular adenoma. Tubular adenomas are commonly found in older adults.\n\
             B. Stomach, biopsy: Helicobacter pylori gastritis. Treatment is usually recommended.\n\
             C. Skin: Basal cell carcinoma is a type of skin cancer that rarely spreads; risk factors include sun.",
            "IMPRESSION: Multiple myeloma. Myeloma is a type of cancer that affects plasma cells. Treatment options include lenalidomide. \
             Anemia of chronic disease. Lytic lesions. Risk factors include MGUS. Hypercalcemia.",
            "SUBJECTIVE:\nWhat is the main problem? Migraine headaches.\nWhat are the triggers? Stress. Anxiety disorder.\n\
             How is sleep affected? Chronic insomnia.\nWhat causes relief? Sumatriptan.",
        ] {
            assert_eq!(general(text), Vec::<String>::new(), "{text}");
        }
        // a sheet ends where the record goes on
        let text = "Gout is a form of arthritis that comes on suddenly. Many people with gout have kidney stones. \
                    Alcohol can increase the risk of an attack.\n\nFINAL DIAGNOSIS:\n1. Acute gout.\n2. Chronic kidney disease stage 3.\n\n\
                    MEDICATIONS:\nColchicine.\n\nCall 911 for chest pain.";
        let found = general(text);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn abbreviations_doses_and_patients_in_general_are_nobody() {
        let text = "What is multiple sclerosis?\nMultiple sclerosis is a disease that affects the brain. Symptoms of MS include optic neuritis. \
                    Many patients with MS have bladder infections. If you miss a dose of dalfampridine 10 mg, wait for the next one.";
        assert_eq!(general(text).len(), 5, "{:?}", general(text));
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
