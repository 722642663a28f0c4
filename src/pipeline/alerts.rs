//! Contradictions that a person should see first.

use crate::{
    domain::{Alert, Assertion, CodedEntry, EntryKind, MedicationStatus, system},
    vocabulary::Vocabulary,
};

/// Conflicts between the entries of one note.
pub(super) fn alerts(vocabulary: &Vocabulary, entries: &[CodedEntry]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let allergies: Vec<&CodedEntry> = entries
        .iter()
        .filter(|entry| {
            entry.kind == EntryKind::Allergy && matches!(entry.assertion, Some(Assertion::Present | Assertion::Possible))
        })
        .collect();
    let taken = entries.iter().filter(|entry| {
        entry.kind == EntryKind::Medication && matches!(entry.status, Some(MedicationStatus::Active | MedicationStatus::Given))
    });
    for none in entries.iter().filter(|entry| entry.kind == EntryKind::NoKnownAllergies) {
        for allergy in &allergies {
            alerts.push(Alert {
                kind: "allergy_contradiction".to_owned(),
                message: format!("the note says {:?} and also names an allergy to {}", none.display, allergy.display),
                entries: vec![none.id.clone(), allergy.id.clone()],
            });
        }
    }
    for medication in taken {
        for allergy in &allergies {
            if conflict(vocabulary, medication, allergy) {
                alerts.push(Alert {
                    kind: "allergy_conflict".to_owned(),
                    message: format!("{} is given or taken in spite of an allergy to {}", medication.display, allergy.display),
                    entries: vec![medication.id.clone(), allergy.id.clone()],
                });
            }
        }
    }
    alerts
}

/// The medication is, contains, or belongs to the class of the allergen.
fn conflict(vocabulary: &Vocabulary, medication: &CodedEntry, allergy: &CodedEntry) -> bool {
    let rxnorm = |entry: &CodedEntry| -> Vec<String> {
        entry.codes.iter().filter(|code| code.system == system::RXNORM).map(|code| code.code.clone()).collect()
    };
    let ingredients = rxnorm(medication);
    if rxnorm(allergy).iter().any(|code| ingredients.contains(code)) {
        return true;
    }
    let named: Vec<String> =
        allergy.evidence.iter().map(|evidence| crate::vocabulary::normalize_term(&evidence.text)).collect();
    vocabulary
        .classes
        .iter()
        .filter(|class| named.contains(&crate::vocabulary::normalize_term(&class.term)))
        .any(|class| ingredients.iter().any(|code| class.members.contains(code)))
}
