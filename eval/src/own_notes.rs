//! For the tests: what the engine says of the notes of `eval/gold`, worked out once.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde_json::Value;

use crate::{
    corpus,
    definition::{Definition, SystemDefinition},
    environment::Environment,
    measure::{Measured, Occasion, score},
    note::Corpus,
    prediction,
    system::{Answers, extractions},
};

/// A file of this crate.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The definition of the gate.
pub(crate) fn definition() -> Definition {
    Definition::read(&here("definitions/own-notes.toml"), None).expect("a definition")
}

/// The notes, and an extraction of each as a client gets it.
static EXTRACTED: LazyLock<(Corpus, Vec<Value>)> = LazyLock::new(|| {
    let definition = definition();
    let corpus = corpus::read(&definition.corpus).expect("the notes");
    let SystemDefinition::Pipeline { options, .. } = &definition.system else { panic!("the engine in this process") };
    let lines = extractions(options, &corpus.notes).expect("extractions");
    (corpus, lines)
});

/// The extractions.
pub(crate) fn lines() -> Vec<Value> {
    EXTRACTED.1.clone()
}

/// Measures lines of the contract on the notes.
pub(crate) fn measured(definition: &Definition, lines: &[Value]) -> Measured {
    let corpus = &EXTRACTED.0;
    let read = |(note, line): (&crate::note::Note, &Value)| prediction::read(line, &note.text).expect("a line").1;
    let predictions = corpus.notes.iter().zip(lines).map(read).collect();
    let occasion = Occasion {
        date: "2026-11-30T00:00:00Z".to_owned(),
        environment: Environment::default(),
        against: None,
        progress: &|_| {},
    };
    score(definition, (corpus, Answers { predictions, ..Answers::default() }), &occasion).expect("scores")
}

/// Every evidence of a line, with its place in the line.
pub(crate) fn each_evidence(lines: &mut [Value], mut change: impl FnMut(usize, &mut Value)) {
    let mut count = 0;
    for entry in lines.iter_mut().flat_map(|line| line["entries"].as_array_mut().into_iter().flatten()) {
        for evidence in entry["evidence"].as_array_mut().into_iter().flatten() {
            change(count, evidence);
            count += 1;
        }
    }
}
