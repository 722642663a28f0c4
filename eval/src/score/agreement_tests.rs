//! The figures against those of the scorer that stands beside the shared gold notes, to the last digit that it prints. It is not part of the
//! repository: where it is missing this says so and passes.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    own_notes::{definition, each_evidence, here, lines, measured},
    results::{Figure, Results},
};

/// What the scorer prints for lines of the contract; none where it is not on this machine.
fn scored(lines: &[Value]) -> Option<Value> {
    let scorer = here("../../shared/gold/score.py");
    if !scorer.is_file() {
        println!("not run: ../shared/gold/score.py is not on this machine");
        return None;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(file.path(), text).expect("writes");
    let output = Command::new("python3")
        .arg(scorer)
        .arg(here("gold/notes.jsonl"))
        .arg(file.path())
        .arg("--json")
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn compare(lines: &[Value]) {
    let Some(theirs) = scored(lines) else { return };
    let mut definition = definition();
    definition.metrics.draws = 100;
    definition.metrics.names = Some(here("../../shared/vocabularies"));
    let ours = measured(&definition, lines).results;
    let mut compared = 0;
    for (metric, figure) in theirs.as_object().expect("an object") {
        if metric == "notes" {
            assert_eq!(figure["bad_offsets"], json!(ours.system.misplaced));
            continue;
        }
        compared += usize::from(agrees(metric, figure, &ours));
    }
    assert!(compared > 30, "only {compared} metrics are in both");
}

/// Whether both have the metric; panics where they differ.
fn agrees(metric: &str, theirs: &Value, ours: &Results) -> bool {
    let number = |field: &str| theirs[field].as_f64();
    let Some(figure) = ours.figures.get(metric) else {
        let nothing = ["f1", "acc"].iter().all(|field| number(field).is_none_or(|value| value == 0.0));
        assert!(nothing && theirs["n"].as_u64().unwrap_or(0) == 0, "{metric} is not computed here: {theirs}");
        return false;
    };
    let Figure { value, precision, recall, of } = figure;
    let printed = |value: f64| format!("{value:.4}");
    for (field, mine) in [("f1", Some(value)), ("acc", Some(value)), ("p", precision.as_ref()), ("r", recall.as_ref())] {
        if let (Some(theirs), Some(mine)) = (number(field), mine) {
            assert_eq!(printed(mine.value), printed(theirs), "{metric} {field}");
        }
    }
    if let Some(cases) = theirs["n"].as_u64() {
        assert_eq!(*of, cases, "{metric} n");
    }
    true
}

#[test]
fn figures_agree_with_the_scorer_of_the_gold_folder() {
    compare(&lines());
}

#[test]
fn figures_agree_where_predictions_are_bad_too() {
    let mut lines = lines();
    // every way of being wrong that a line has, each where the others are not
    each_evidence(&mut lines, |at, evidence| match at % 13 {
        1 => evidence["start"] = json!(evidence["start"].as_u64().unwrap_or(0).saturating_sub(3)),
        3 => evidence["end"] = json!(evidence["end"].as_u64().unwrap_or(0) + 5),
        5 => evidence["assertion"] = json!("possible"),
        7 => {
            evidence["attributes"] = json!({"strength": {"text": "5 mg"}, "route": {"value": "oral"}, "prn": true, "reactions": [{"text": "rash"}, "hives"]})
        }
        9 => evidence["attributes"] = json!({}),
        11 => {
            evidence.as_object_mut().expect("an object").remove("attributes");
        }
        _ => {}
    });
    let entries = lines.iter_mut().flat_map(|line| line["entries"].as_array_mut().into_iter().flatten());
    for (at, entry) in entries.enumerate() {
        match at % 11 {
            2 => entry["confidence"] = Value::Null,
            4 => entry["codes"] = json!([]),
            6 => entry["codes"].as_array_mut().expect("a list").reverse(),
            8 => entry["kind"] = json!("procedure"),
            10 => entry["confidence"] = json!(1.0),
            _ => {}
        }
    }
    let last = lines.len() - 1;
    lines[last] = json!({"note_id": lines[last]["note_id"], "error": {"code": "extraction_failed"}});
    compare(&lines);
}
