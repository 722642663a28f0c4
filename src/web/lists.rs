//! The medications of a note by list: what was taken at home, given in hospital and goes home with the patient.

use super::words;
use crate::domain::{Attributes, Extraction, ListComparison, ListedMedication, MedicationList, ReconciledMedication};

/// One drug.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListRow {
    /// Name.
    pub display: String,
    /// What home, inpatient and discharge lists say; empty where it is not on the list.
    pub lists: [String; 3],
    /// What holds at the end, with the change or how the lists differ.
    pub now: String,
}

/// A note's medications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListTable {
    /// What the note is called.
    pub note: String,
    /// One row a drug.
    pub rows: Vec<ListRow>,
}

/// The table of a note; none when its medications stand in no list.
pub(super) fn table(label: &str, extraction: &Extraction) -> Option<ListTable> {
    let listed = |medication: &&ReconciledMedication| medication.lists.iter().any(|listed| listed.list.is_some());
    let rows: Vec<ListRow> = extraction.medications.iter().filter(listed).map(row).collect();
    (!rows.is_empty()).then(|| ListTable { note: label.to_owned(), rows })
}

fn row(medication: &ReconciledMedication) -> ListRow {
    let of =
        |list: MedicationList| medication.lists.iter().find(|listed| listed.list == Some(list)).map(said).unwrap_or_default();
    let differs = medication.comparison.map(|comparison| match comparison {
        ListComparison::Unchanged => text!("list-unchanged"),
        ListComparison::Changed => text!("list-changed"),
        ListComparison::New => text!("list-new"),
        ListComparison::NotOnDischargeList => text!("list-not-at-discharge"),
    });
    let parts = [Some(words::status(medication.status)), medication.change.as_deref().map(words::medication_change), differs];
    ListRow {
        display: medication.display.clone(),
        lists: MedicationList::ALL.map(of),
        now: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
    }
}

/// The directions as written, or the status where there are none.
fn said(listed: &ListedMedication) -> String {
    let Attributes { dosage, strength, dose, .. } = &listed.attributes;
    [dosage, strength, dose]
        .into_iter()
        .find_map(|one| one.as_ref().map(|one| one.text.clone()))
        .unwrap_or_else(|| words::status(listed.status).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MedicationStatus;

    #[test]
    fn a_drug_of_no_list_is_not_in_the_table() {
        let listed =
            |list| ListedMedication { list, status: MedicationStatus::Active, attributes: Attributes::default(), mentions: 1 };
        let medication = |display: &str, list| ReconciledMedication {
            display: display.to_owned(),
            ingredients: Vec::new(),
            status: MedicationStatus::Active,
            change: Some("started".to_owned()),
            comparison: Some(ListComparison::New),
            lists: vec![listed(list)],
            entries: Vec::new(),
        };
        let mut extraction = crate::web::samples::extraction(uuid::Uuid::nil());
        assert_eq!(table("note 1", &extraction), None);
        extraction.medications = vec![medication("planned", None), medication("listed", Some(MedicationList::Discharge))];
        let table = table("note 1", &extraction).expect("one of them is listed");
        let [row] = table.rows.as_slice() else { panic!("one row") };
        assert_eq!(row.display, "listed");
        assert_eq!(row.lists, [String::new(), String::new(), "active".to_owned()]);
        assert_eq!(row.now, "active, started, new at discharge");
    }
}
