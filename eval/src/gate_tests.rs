//! The gate itself, on the notes of `eval/gold`, with the embedded model and tables; and that it fails when it must.

use serde_json::{Value, json};

use super::*;
use crate::{
    measure::Measured,
    own_notes::{self, definition, each_evidence, here, lines},
};

fn measured(damage: impl Fn(&mut Vec<Value>)) -> Measured {
    let (mut lines, mut definition) = (lines(), definition());
    damage(&mut lines);
    definition.metrics.draws = 100;
    own_notes::measured(&definition, &lines)
}

fn verdict(measured: &Measured) -> Verdict {
    let baseline = Baseline::read(&here("baseline.json")).expect("the baseline");
    hold(&baseline, &measured.results.documents, Sampling { draws: 1000, seed: 20_261_129 })
}

#[test]
fn nothing_is_lost_against_the_baseline() {
    let verdict = verdict(&measured(|_| {}));
    println!("{verdict}");
    assert_eq!(verdict.changes.len(), GATED.len(), "every gated metric is compared");
    assert!(verdict.passes(), "lost {:?} against eval/baseline.json:\n{verdict}", verdict.losses());
}

/// What one evidence in twelve suffers.
fn one_in_twelve(change: impl Fn(&mut Value)) -> Verdict {
    verdict(&measured(|lines| {
        each_evidence(lines, |at, evidence| {
            if at % 12 == 0 {
                change(evidence);
            }
        });
    }))
}

#[test]
fn the_gate_fails_where_results_are_damaged() {
    let lost = one_in_twelve(|evidence| evidence["end"] = evidence["start"].clone());
    assert!(lost.losses().contains(&"DX.affirmed") && !lost.passes(), "{lost}");
    let moved = one_in_twelve(|evidence| evidence["start"] = json!(evidence["start"].as_u64().unwrap_or(0) + 1));
    assert!(moved.losses().contains(&"DX.strict") && !moved.losses().contains(&"DX.affirmed"), "{moved}");
    let mislabelled = one_in_twelve(|evidence| {
        for label in ["assertion", "status"] {
            if evidence[label].is_string() {
                evidence[label] = json!("family");
            }
        }
    });
    assert!(mislabelled.losses().contains(&"DX.labelled") && mislabelled.losses().contains(&"RX.labelled"), "{mislabelled}");
    let uncoded = verdict(&measured(|lines| {
        let entries = lines.iter_mut().flat_map(|line| line["entries"].as_array_mut().into_iter().flatten());
        entries.step_by(12).for_each(|entry| entry["codes"] = json!([]));
    }));
    assert!(uncoded.losses().contains(&"evidence.relaxed") && uncoded.losses().contains(&"RX.identified"), "{uncoded}");
}

#[test]
fn the_gate_fails_where_the_notes_changed() {
    let mut measured = measured(|_| {});
    measured.results.documents.pop();
    let verdict = verdict(&measured);
    assert_eq!((verdict.left_out, verdict.passes()), (1, false));
}

#[test]
fn a_baseline_comes_back_as_it_was_written() {
    let baseline = Baseline::of(&measured(|_| {}).results);
    let file = tempfile::NamedTempFile::new().expect("a file");
    baseline.write(file.path()).expect("writes");
    assert_eq!(Baseline::read(file.path()).expect("reads"), baseline);
    let text = std::fs::read_to_string(file.path()).expect("reads");
    assert!(text.lines().count() > 66, "one note a line");
    std::fs::write(file.path(), text.replacen("\"form\":1", "\"form\":0", 1)).expect("writes");
    assert!(Baseline::read(file.path()).is_err());
}
