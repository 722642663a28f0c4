//! The shipped weights: equal to the training framework in f32, and the same tags in every precision.

mod common;

use abstractor_encoder::{Instructions, Logits, Precision, Scratch};
use common::{Model, Window, inputs, windows};

/// Columns of the tagging head, which come first.
const LABELS: usize = 9;

fn available() -> impl Iterator<Item = Instructions> {
    Instructions::ALL.into_iter().filter(|instructions| instructions.is_available())
}

#[test]
fn equals_the_training_framework() {
    let parity = std::fs::read(common::folder().join("parity.json")).expect("the fixture");
    let parity: serde_json::Value = serde_json::from_slice(&parity).expect("JSON");
    let cases = parity["cases"].as_array().expect("cases");
    let numbers = |value: &serde_json::Value| -> Vec<u32> {
        value.as_array().expect("a list").iter().map(|number| number.as_u64().expect("a number") as u32).collect()
    };
    let own: Vec<Window> =
        cases.iter().map(|case| Window { ids: numbers(&case["input_ids"]), types: numbers(&case["token_type_ids"]) }).collect();
    let model = Model::read();
    for instructions in available() {
        let encoder = model.encoder(Precision::F32, instructions);
        let mut scratch = Scratch::new();
        let batched = encoder.logits(&mut scratch, &inputs(&own)).expect("runs");
        let mut worst = 0.0_f64;
        for (index, case) in cases.iter().enumerate() {
            let alone = encoder.logits(&mut scratch, &[own[index].input()]).expect("runs");
            for (row, expected) in case["logits"].as_array().expect("rows").iter().enumerate() {
                for (column, expected) in expected.as_array().expect("numbers").iter().enumerate() {
                    let expected = expected.as_f64().expect("a number");
                    for logits in [batched.row(index, row), alone.row(0, row)] {
                        worst = worst.max((f64::from(logits.expect("a row")[column]) - expected).abs());
                    }
                }
            }
        }
        println!("{instructions:?}: worst difference {worst:.2e}");
        assert!(worst < 1e-3, "{instructions:?}: {worst}");
    }
}

fn tags(logits: &Logits) -> Vec<usize> {
    let highest = |row: &[f32]| {
        let labels = row.iter().enumerate().take(LABELS);
        labels.max_by(|left, right| left.1.total_cmp(right.1)).map_or(0, |(label, _)| label)
    };
    logits.values().chunks_exact(logits.columns()).map(highest).collect()
}

#[test]
fn every_precision_finds_the_same_tags() {
    let own = windows(include_bytes!("fixtures/windows.json"));
    // ABSTRACTOR_WINDOWS names a larger file to measure with
    let own = std::env::var_os("ABSTRACTOR_WINDOWS").map_or(own, |path| windows(&std::fs::read(path).expect("the file")));
    let own = inputs(&own);
    let model = Model::read();
    let mut scratch = Scratch::new();
    let exact = model.encoder(Precision::F32, Instructions::detect()).logits(&mut scratch, &own).expect("runs");
    let expected = tags(&exact);
    for instructions in available().filter(|instructions| *instructions != Instructions::Portable) {
        for precision in Precision::ALL {
            let encoder = model.encoder(precision, instructions);
            let other = instructions != Instructions::detect() && precision != Precision::Int8;
            if encoder.precision_used() != precision || other {
                continue;
            }
            let logits = encoder.logits(&mut scratch, &own).expect("runs");
            let same = tags(&logits).iter().zip(&expected).filter(|(found, expected)| found == expected).count();
            let entity = expected.iter().filter(|tag| **tag != 0).count();
            let differ = tags(&logits).iter().zip(&expected).filter(|(found, expected)| found != expected).count();
            let agreement = same as f64 / expected.len() as f64;
            let differences = logits.values().iter().zip(exact.values()).map(|(found, exact)| f64::from((found - exact).abs()));
            let (worst, sum) = differences.fold((0.0_f64, 0.0), |(worst, sum), next| (worst.max(next), sum + next));
            println!(
                "{instructions:?} {precision:?}: {:.3} % of {} tags agree ({differ} differ; {entity} are not O); logits differ by {worst:.3} at worst, {:.5} in the mean",
                agreement * 100.0,
                expected.len(),
                sum / exact.values().len() as f64,
            );
            let least = match precision {
                Precision::F32 => 0.9999,
                Precision::Bf16 => 0.9995,
                // on whole notes 0.999; these statements were written to be hard
                Precision::Int8 => 0.994,
            };
            assert!(agreement >= least, "{instructions:?} {precision:?}: {agreement}");
        }
    }
}
