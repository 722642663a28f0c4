//! `drug_poisoning.tsv`: the Table of Drugs and Chemicals.

use std::collections::HashMap;

use super::{
    editions::leaf,
    rows::{Row, row},
};
use crate::{releases::Table, vocabulary::CodeBook};

/// Substances with a billable code of the initial encounter for each way in which they did harm; empty where there is none.
pub(super) const DRUG_POISONING: Table = Table {
    name: "drug_poisoning.tsv",
    columns: &["substance", "accidental", "intentional", "assault", "undetermined", "adverse_effect", "underdosing"],
};

/// The rows of the release (`substance`, six columns of codes, `see`), by substance in lower case; references have the codes of the
/// substance to which they lead. The sentences say what was left out.
pub(super) fn rows(release: &[Row], newest: &CodeBook) -> (Vec<Row>, Vec<String>) {
    let by_substance: HashMap<String, &Row> = release.iter().map(|row| (row[0].to_lowercase(), row)).collect();
    let mut rows = Vec::new();
    let (mut gone, mut nowhere) = (0, 0);
    for substance in release {
        let Some(found) = led_to(&by_substance, substance) else {
            nowhere += 1;
            continue;
        };
        let mut made = row([&substance[0].to_lowercase()]);
        for written in &found[1..7] {
            let code = leaf(newest, written);
            gone += usize::from(!written.is_empty() && code.is_none());
            made.push(code.unwrap_or_default().to_owned());
        }
        if made[1..].iter().any(|code| !code.is_empty()) {
            rows.push(made);
        }
    }
    rows.sort();
    rows.dedup_by(|one, other| one[0] == other[0]);
    let mut notes = Vec::new();
    if gone > 0 {
        notes.push(format!("drug_poisoning.tsv: {gone} codes were left out; the newest edition has no billable code for them"));
    }
    if nowhere > 0 {
        notes.push(format!("drug_poisoning.tsv: {nowhere} substances were left out; they have no code and lead to none"));
    }
    (rows, notes)
}

/// The row with the codes of a substance, through at most four references. A reference has its levels behind commas.
fn led_to<'a>(by_substance: &HashMap<String, &'a Row>, from: &'a Row) -> Option<&'a Row> {
    let mut at = from;
    for _ in 0..5 {
        if at[1..7].iter().any(|code| !code.is_empty()) {
            return Some(at);
        }
        let see = at[7].split('|').next().unwrap_or_default().to_lowercase();
        at = *by_substance.get(&see).or_else(|| by_substance.get(&see.replace(", ", " > ")))?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_the_codes_of_their_substance() {
        let text = "code\tbillable\ttitle\nT39.011\t0\tAccidental\nT39.011A\t1\tAccidental, initial\nT39.011D\t1\tSubsequent\n";
        let newest = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        let release: Vec<Row> = [
            "Aspirin;T39.011;T39.012;;;;;",
            "Acid > acetyl;;;;;;;Aspirin",
            "ASA;;;;;;;Acid, acetyl",
            "Spirit;;;;;;;Alcohol",
            "Loop;;;;;;;Loop",
        ]
        .iter()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect();
        let (made, notes) = rows(&release, &newest);
        let seen: Vec<String> = made.iter().map(|row| row.join(";")).collect();
        assert_eq!(seen, ["acid > acetyl;T39.011A;;;;;", "asa;T39.011A;;;;;", "aspirin;T39.011A;;;;;"]);
        assert!(notes[0].contains("3 codes") && notes[1].contains("2 substances"), "{notes:?}");
    }
}
