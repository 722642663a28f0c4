//! A note from its text to what is shown of it: the whole of the rules, with the dictionary, and dearer with the shipped model.

use std::sync::{Arc, LazyLock};

use super::{MAX_NOTE_BYTES, NoteInput, Pipeline, check_text, sig};
use crate::{
    domain::{EncounterClass, EntryKind, Extraction},
    fuzzing::{Notes, fuzz},
    recognize::{Model, ModelFiles, Precision, merge::Recognizers},
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
