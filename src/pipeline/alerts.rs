//! Contradictions that a person should see first.

use std::collections::BTreeSet;

use crate::{
    domain::{Alert, Assertion, CodedEntry, EntryKind, MedicationStatus, system, table, table::TableError},
    vocabulary::{Vocabulary, normalize_term},
};

/// What an allergy to one class says of another: `vocabularies/cross_reactions.tsv`.
#[derive(Debug)]
pub(super) struct CrossReactions {
    rows: Vec<CrossReaction>,
}

#[derive(Debug)]
struct CrossReaction {
    allergen: String,
    drug: String,
    /// Whether it is a conflict or only a caution.
    conflict: bool,
    note: String,
}

impl CrossReactions {
    /// Reads the table (columns `allergen_class`, `drug_class`, `kind`, `note`).
    ///
    /// # Errors
    /// An unknown kind, with its line.
    pub(super) fn parse(text: &str) -> Result<Self, TableError> {
        let mut rows = Vec::new();
        table::read("cross_reactions", text, |row| {
            let conflict = match row.get("kind")? {
                "conflict" => true,
                "caution" => false,
                other => return Err(row.error(format!("unknown kind {other:?}: conflict or caution"))),
            };
            rows.push(CrossReaction {
                allergen: row.get("allergen_class")?.to_owned(),
                drug: row.get("drug_class")?.to_owned(),
                conflict,
                note: row.get("note")?.to_owned(),
            });
            Ok(())
        })?;
        Ok(Self { rows })
    }

    /// The gravest that an allergy to one of `allergen`'s classes says of a drug in one of `drug`'s classes.
    fn between(&self, allergen: &BTreeSet<&str>, drug: &BTreeSet<&str>) -> Option<&CrossReaction> {
        self.rows
            .iter()
            .filter(|row| allergen.contains(row.allergen.as_str()) && drug.contains(row.drug.as_str()))
            .max_by_key(|row| row.conflict)
    }
}

/// Conflicts between the entries of one note.
pub(super) fn alerts(vocabulary: &Vocabulary, cross: &CrossReactions, entries: &[CodedEntry]) -> Vec<Alert> {
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
            if let Some((kind, message)) = conflict(vocabulary, cross, medication, allergy) {
                alerts.push(Alert { kind: kind.to_owned(), message, entries: vec![medication.id.clone(), allergy.id.clone()] });
            }
        }
    }
    alerts
}

/// Kind and words of what an allergy says of a medication: it is or contains the allergen or belongs to the named class
/// (`allergy_conflict`), it belongs to the allergen's class (`allergy_class_conflict`), or it may cross-react (`allergy_caution`).
fn conflict(
    vocabulary: &Vocabulary,
    cross: &CrossReactions,
    medication: &CodedEntry,
    allergy: &CodedEntry,
) -> Option<(&'static str, String)> {
    let told = if allergy.attributes.allergy_type.as_deref() == Some("intolerance") { "intolerance of" } else { "allergy to" };
    let in_spite = format!("{} is given or taken in spite of an {told} {}", medication.display, allergy.display);
    let ingredients = rxnorm(medication);
    if rxnorm(allergy).iter().any(|code| ingredients.contains(code)) {
        return Some(("allergy_conflict", in_spite));
    }
    let named = named(allergy);
    let by_name = vocabulary
        .classes
        .iter()
        .filter(|class| named.contains(&normalize_term(&class.term)))
        .any(|class| ingredients.iter().any(|code| class.members.contains(code)));
    if by_name {
        return Some(("allergy_conflict", in_spite));
    }
    let row = cross.between(&classes(vocabulary, allergy), &classes(vocabulary, medication))?;
    let kind = if row.conflict { "allergy_class_conflict" } else { "allergy_caution" };
    Some((kind, format!("{in_spite}: {}", row.note)))
}

fn rxnorm(entry: &CodedEntry) -> Vec<String> {
    entry.codes.iter().filter(|code| code.system == system::RXNORM).map(|code| code.code.clone()).collect()
}

fn named(entry: &CodedEntry) -> Vec<String> {
    entry.evidence.iter().map(|evidence| normalize_term(&evidence.text)).collect()
}

/// The classes that the entry names, or that its ingredients belong to.
fn classes<'a>(vocabulary: &'a Vocabulary, entry: &CodedEntry) -> BTreeSet<&'a str> {
    let (codes, named) = (rxnorm(entry), named(entry));
    vocabulary
        .classes
        .iter()
        .filter(|class| codes.iter().any(|code| class.members.contains(code)) || named.contains(&normalize_term(&class.term)))
        .map(|class| class.class.as_str())
        .collect()
}
