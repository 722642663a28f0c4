//! The gate itself, on the notes of `eval/gold`, with the embedded model and tables; and that it fails when it must.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use super::*;
use crate::{
    corpus,
    definition::Definition,
    measure::{Measured, Occasion, score},
    note::Corpus,
    prediction::Prediction,
    system::{self, Answers},
};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn definition() -> Definition {
    Definition::read(&here("definitions/own-notes.toml"), None).expect("a definition")
}

/// What the engine says of the notes: worked out once for all tests.
static PREDICTED: LazyLock<(Corpus, Vec<Prediction>)> = LazyLock::new(|| {
    let definition = definition();
    let corpus = corpus::read(&definition.corpus).expect("the notes");
    let answers = system::ask(&definition.system, &corpus.notes, &|| {}).expect("answers");
    (corpus, answers.predictions)
});

fn measured(damage: impl Fn(usize, &mut Prediction)) -> Measured {
    let (corpus, predictions) = &*PREDICTED;
    let mut predictions = predictions.clone();
    predictions.iter_mut().enumerate().for_each(|(at, one)| damage(at, one));
    let mut definition = definition();
    definition.metrics.draws = 100;
    let occasion =
        Occasion { date: "2026-11-30T00:00:00Z".to_owned(), environment: <_>::default(), against: None, progress: &|_| {} };
    let answers = Answers { predictions, ..Answers::default() };
    score(&definition, (corpus, answers), &occasion).expect("scores")
}

fn verdict(measured: &Measured) -> Verdict {
    let baseline = Baseline::read(&here("baseline.json")).expect("the baseline");
    hold(&baseline, &measured.results.documents, Sampling { draws: 1000, seed: 20_261_129 })
}

#[test]
fn nothing_is_lost_against_the_baseline() {
    let verdict = verdict(&measured(|_, _| {}));
    println!("{verdict}");
    assert_eq!(verdict.changes.len(), GATED.len(), "every gated metric is compared");
    assert!(verdict.passes(), "lost {:?} against eval/baseline.json:\n{verdict}", verdict.losses());
}

#[test]
fn the_gate_fails_where_results_are_damaged() {
    // every tenth mention is lost; another one gets another place, label or code
    let lost = verdict(&measured(|_, one| {
        let mut count = 0;
        one.mentions.retain(|_| {
            count += 1;
            count % 10 != 0
        });
    }));
    assert!(lost.losses().contains(&"DX.affirmed") && !lost.passes(), "{lost}");
    let moved = verdict(&measured(|at, one| {
        one.mentions.iter_mut().skip(at % 12).step_by(12).for_each(|mention| mention.start += 1);
    }));
    assert!(moved.losses().contains(&"DX.strict") && !moved.losses().contains(&"DX.affirmed"), "{moved}");
    let mislabelled = verdict(&measured(|at, one| {
        one.mentions.iter_mut().skip(at % 12).step_by(12).for_each(|mention| mention.assertion = Some("family".to_owned()));
    }));
    assert!(mislabelled.losses().contains(&"DX.assertion"), "{mislabelled}");
    let miscoded = verdict(&measured(|at, one| {
        one.mentions.iter_mut().skip(at % 12).step_by(12).for_each(|mention| mention.codes.clear());
    }));
    assert!(miscoded.losses().contains(&"DX.code@1"), "{miscoded}");
}

#[test]
fn the_gate_fails_where_the_notes_changed() {
    let mut measured = measured(|_, _| {});
    measured.results.documents.pop();
    let verdict = verdict(&measured);
    assert_eq!((verdict.left_out, verdict.passes()), (1, false));
}

#[test]
fn a_baseline_comes_back_as_it_was_written() {
    let baseline = Baseline::of(&measured(|_, _| {}).results);
    let file = tempfile::NamedTempFile::new().expect("a file");
    baseline.write(file.path()).expect("writes");
    assert_eq!(Baseline::read(file.path()).expect("reads"), baseline);
    let text = std::fs::read_to_string(file.path()).expect("reads");
    assert!(text.lines().count() > 66, "one note a line");
    std::fs::write(file.path(), text.replacen("\"form\":1", "\"form\":0", 1)).expect("writes");
    assert!(Baseline::read(file.path()).is_err());
}
