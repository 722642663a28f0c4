//! A note from its text to what is shown of it: the whole of the rules, with the dictionary, and dearer with the shipped model.

use std::sync::{Arc, LazyLock};

use super::{MAX_NOTE_BYTES, NoteInput, Pipeline, check_text, sig};
use crate::{
    assertion::CueTable,
    coding::{RankingModel, SpecificityPrompts},
    domain::{EncounterClass, EntryKind, Extraction, table::TableError},
    fuzzing::{Damaged, Notes, Seeds, fuzz},
    medication::{MedicationCueTable, SigTable},
    recognize::{Model, ModelFiles, Precision, merge::Recognizers},
    text::{BoilerplateTable, SectionTable},
    vocabulary::Tables,
};

static RULES: LazyLock<Pipeline> = LazyLock::new(|| {
    let tables = Tables::embedded().expect("tables");
    Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline")
});
static WITH_MODEL: LazyLock<Pipeline> = LazyLock::new(|| {
    let tables = Tables::embedded().expect("tables");
    let model = Model::load(&ModelFiles::embedded(), Precision::F32).expect("the shipped model");
    Pipeline::new(&tables, Some(Arc::new(model)), Recognizers { dictionary: true, model: true }).expect("a pipeline")
});

/// What must hold of every extraction: all that points into the note points at what it quotes, and it can be sent on.
fn holds(text: &str, extraction: &Extraction) {
    for entry in &extraction.entries {
        assert!(!entry.evidence.is_empty() && entry.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
        for evidence in &entry.evidence {
            assert_eq!(
                text.get(evidence.start..evidence.end),
                Some(evidence.text.as_str()),
                "evidence is not what it points at"
            );
            for cue in &evidence.cues {
                assert!(text.get(cue.start..cue.end).is_some(), "a cue outside the text");
            }
        }
        let _ = sig(&entry.evidence[0].attributes);
    }
    for section in &extraction.sections {
        assert!(text.get(section.body.start..section.body.end).is_some(), "a section outside the text");
    }
    let written = serde_json::to_string(extraction).expect("an extraction is JSON");
    assert!(serde_json::from_str::<Extraction>(&written).is_ok(), "what is written is not read again");
}

fn input(text: &str, class: u8) -> NoteInput {
    let encounter_class = [None, Some(EncounterClass::Inpatient), Some(EncounterClass::Outpatient)][usize::from(class % 3)];
    NoteInput { note_id: "n".to_owned(), text: text.to_owned(), encounter_class, ..NoteInput::default() }
}

#[test]
fn a_note_through_the_rules() {
    fuzz!("note through the rules", Slow, (Notes, u8), |given: &(Notes, u8)| {
        let text = given.0.text();
        if check_text(&text, MAX_NOTE_BYTES).is_ok() {
            holds(&text, &RULES.extract(input(&text, given.1)).expect("rules do not fail"));
        }
    });
}

#[test]
fn a_note_through_the_model() {
    fuzz!("note through the model", Heavy, (Notes, u8), |given: &(Notes, u8)| {
        let text = given.0.text();
        if check_text(&text, MAX_NOTE_BYTES).is_ok() {
            holds(&text, &WITH_MODEL.extract(input(&text, given.1)).expect("the encoder takes any wordpieces"));
        }
    });
}

#[test]
fn words_behind_a_drug() {
    fuzz!("directions of a drug", Quick, (String, Notes), |given: &(String, Notes)| {
        let attributes = RULES.directions(&given.0, &given.1.text());
        let again = RULES.with_values(EntryKind::Medication, &given.0, attributes.clone());
        let _ = sig(&again);
    });
}

/// A table's reader, called with the text of a table: whether it can be used.
type Reader = fn(&str) -> Result<(), TableError>;

/// Tables that a site may replace, with their readers; some hold patterns.
const TABLES: [(Reader, &str); 7] = [
    (|text| SectionTable::parse(text).map(drop), include_str!("../../vocabularies/sections.tsv")),
    (|text| BoilerplateTable::parse(text).map(drop), include_str!("../../vocabularies/boilerplate.tsv")),
    (|text| CueTable::parse(text).map(drop), include_str!("../../vocabularies/cues.tsv")),
    (|text| SigTable::parse(text).map(drop), include_str!("../../vocabularies/sig_words.tsv")),
    (|text| MedicationCueTable::parse(text).map(drop), include_str!("../../vocabularies/medication_cues.tsv")),
    (|text| RankingModel::parse(("code_ranking.tsv", text)).map(drop), include_str!("../../vocabularies/code_ranking.tsv")),
    (
        |text| SpecificityPrompts::parse(("specificity_prompts.tsv", text)).map(drop),
        include_str!("../../vocabularies/specificity_prompts.tsv"),
    ),
];

/// A table of a site is read or refused with its line; no pattern of it takes the program down or runs without bound.
#[test]
fn tables_of_a_site() {
    let heads: Vec<String> = TABLES
        .iter()
        .map(|(_, text)| {
            let comments = text.lines().take_while(|line| line.starts_with('#')).count();
            let lines: Vec<&str> = text.lines().skip(comments.saturating_sub(1)).take(25).collect();
            lines.join("\n")
        })
        .collect();
    fuzz!("table of a site", Slow, (u8, Damaged), |given: &(u8, Damaged)| {
        let which = usize::from(given.0) % TABLES.len();
        let seeds = Seeds { good: &[heads[which].as_bytes()], telling: b"\t\n\r#\\|()[]{}*+?.^$-0129a\xff" };
        if let Err(error) = TABLES[which].0(&given.1.text(seeds)) {
            assert!(!error.message.is_empty() && !error.table.is_empty());
        }
    });
}
