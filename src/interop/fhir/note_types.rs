//! Kinds of notes: our words and the LOINC codes of document types that stand for them.

use serde_json::{Value, json};

use crate::domain::system;

/// LOINC code, our word, LOINC's name.
const TYPES: [(&str, &str, &str); 18] = [
    ("18842-5", "discharge_summary", "Discharge summary"),
    ("34117-2", "history_and_physical", "History and physical note"),
    ("11506-3", "progress_note", "Progress note"),
    ("11488-4", "consultation_note", "Consult note"),
    ("28570-0", "procedure_note", "Procedure note"),
    ("11504-8", "operative_note", "Surgical operation note"),
    ("34111-5", "emergency_department_note", "Emergency department Note"),
    ("34746-8", "nursing_note", "Nurse Note"),
    ("18748-4", "imaging_report", "Diagnostic imaging study"),
    ("11526-1", "pathology_report", "Pathology study"),
    ("11502-2", "laboratory_report", "Laboratory report"),
    ("57133-1", "referral_note", "Referral note"),
    ("18761-7", "transfer_summary", "Transfer summary note"),
    ("34133-9", "summary_of_episode", "Summary of episode note"),
    ("28568-4", "emergency_physician_note", "Physician Emergency department Note"),
    ("34108-1", "outpatient_note", "Outpatient Note"),
    ("18726-0", "radiology_report", "Radiology studies (set)"),
    ("34109-9", "note", "Note"),
];

/// Our word for a LOINC code.
pub(super) fn word_of(loinc: &str) -> Option<&'static str> {
    TYPES.iter().find(|(code, ..)| *code == loinc).map(|(_, word, _)| *word)
}

/// Our word as a concept; a word that stands for no code of the table is told as text.
pub(super) fn concept(word: Option<&str>) -> Value {
    let word = word.map(str::trim).filter(|word| !word.is_empty()).unwrap_or("note");
    match TYPES.iter().find(|(_, known, _)| *known == word) {
        Some((code, _, display)) => {
            json!({"coding": [{"system": system::LOINC, "code": code, "display": display}], "text": word.replace('_', " ")})
        }
        None => json!({"text": word.replace('_', " ")}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_go_both_ways() {
        for (code, word, _) in TYPES {
            assert_eq!(word_of(code), Some(word));
            assert_eq!(concept(Some(word))["coding"][0]["code"], code);
        }
        assert_eq!(concept(Some("podiatry_note")), json!({"text": "podiatry note"}));
        assert_eq!(concept(None)["coding"][0]["code"], "34109-9");
    }
}
