//! stub
use crate::{domain::*, text::Document};
/// x
pub struct SigTable;
impl SigTable {
    /// x
    pub fn parse(_: &str) -> Result<Self, table::TableError> {
        Ok(Self)
    }
}
/// x
pub struct MedicationCueTable;
impl MedicationCueTable {
    /// x
    pub fn parse(_: &str) -> Result<Self, table::TableError> {
        Ok(Self)
    }
}
/// x
pub fn attributes(_d: &Document, _c: &SigTable, n: &[Span]) -> Vec<Attributes> {
    vec![Attributes::default(); n.len()]
}
/// x
pub fn status(_d: &Document, _c: &MedicationCueTable, _s: Span, _a: &Attributes) -> (MedicationStatus, Vec<Cue>) {
    (MedicationStatus::Active, vec![])
}
