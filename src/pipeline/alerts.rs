//! Contradictions that a person should see first.

use std::collections::{BTreeSet, HashSet};

use crate::{
    domain::{Alert, Assertion, CodedEntry, EntryKind, MedicationStatus, system, table, table::TableError},
    vocabulary::{DrugClass, Vocabulary, normalize_term},
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
    let taken: Vec<&CodedEntry> = taken.collect();
    if taken.is_empty() || allergies.is_empty() {
        return alerts;
    }
    let classes = Classes::of(vocabulary);
    let taken: Vec<Facts<'_>> = taken.into_iter().map(|entry| classes.facts(entry)).collect();
    let allergies: Vec<Facts<'_>> = allergies.into_iter().map(|entry| classes.facts(entry)).collect();
    for medication in &taken {
        for allergy in &allergies {
            if let Some((kind, message)) = conflict(cross, medication, allergy) {
                alerts.push(Alert {
                    kind: kind.to_owned(),
                    message,
                    entries: vec![medication.entry.id.clone(), allergy.entry.id.clone()],
                });
            }
        }
    }
    alerts
}

/// The classes with their names as they are compared.
struct Classes<'a>(Vec<(String, &'a DrugClass)>);

/// An entry with what conflicts are judged by.
struct Facts<'a> {
    entry: &'a CodedEntry,
    /// RxNorm codes.
    codes: Vec<&'a str>,
    /// Members of the classes that the entry names itself.
    named_members: Vec<&'a HashSet<String>>,
    /// The classes that it names or that its ingredients belong to.
    classes: BTreeSet<&'a str>,
}

impl<'a> Classes<'a> {
    fn of(vocabulary: &'a Vocabulary) -> Self {
        Self(vocabulary.classes.iter().map(|class| (normalize_term(&class.term), class)).collect())
    }

    fn facts(&self, entry: &'a CodedEntry) -> Facts<'a> {
        let codes: Vec<&str> =
            entry.codes.iter().filter(|code| code.system == system::RXNORM).map(|code| code.code.as_str()).collect();
        let words: Vec<String> = entry.evidence.iter().map(|evidence| normalize_term(&evidence.text)).collect();
        let named = |name: &String| words.contains(name);
        Facts {
            entry,
            named_members: self.0.iter().filter(|(name, _)| named(name)).map(|(_, class)| &class.members).collect(),
            classes: self
                .0
                .iter()
                .filter(|(name, class)| codes.iter().any(|code| class.members.contains(*code)) || named(name))
                .map(|(_, class)| class.class.as_str())
                .collect(),
            codes,
        }
    }
}

/// Kind and words of what an allergy says of a medication: it is or contains the allergen or belongs to the named class
/// (`allergy_conflict`), it belongs to the allergen's class (`allergy_class_conflict`), or it may cross-react (`allergy_caution`).
fn conflict(cross: &CrossReactions, medication: &Facts<'_>, allergy: &Facts<'_>) -> Option<(&'static str, String)> {
    let intolerance = allergy.entry.attributes.allergy_type.as_deref() == Some("intolerance");
    let told = if intolerance { "intolerance of" } else { "allergy to" };
    let in_spite = format!("{} is given or taken in spite of an {told} {}", medication.entry.display, allergy.entry.display);
    let same = allergy.codes.iter().any(|code| medication.codes.contains(code));
    let of_named = allergy.named_members.iter().any(|members| medication.codes.iter().any(|code| members.contains(*code)));
    if same || of_named {
        return Some(("allergy_conflict", in_spite));
    }
    let row = cross.between(&allergy.classes, &medication.classes)?;
    let kind = if row.conflict { "allergy_class_conflict" } else { "allergy_caution" };
    Some((kind, format!("{in_spite}: {}", row.note)))
}
