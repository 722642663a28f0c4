//! stub
use crate::{domain::*, text::Document};
/// x
pub struct AllergyTables;
impl AllergyTables {
    /// x
    pub fn parse(_: &str, _: &str) -> Result<Self, table::TableError> {
        Ok(Self)
    }
}
/// x
pub struct FoundAllergy {
    /// x
    pub span: Span,
    /// x
    pub assertion: Assertion,
    /// x
    pub cues: Vec<Cue>,
    /// x
    pub attributes: Attributes,
}
/// x
pub struct FoundNone {
    /// x
    pub span: Span,
    /// x
    pub scope: AllergyScope,
}
/// x
pub struct AllergyFindings {
    /// x
    pub allergies: Vec<FoundAllergy>,
    /// x
    pub none_known: Vec<FoundNone>,
}
/// x
pub fn find(_d: &Document, _c: &AllergyTables, _n: &[Span], _k: &[Span]) -> AllergyFindings {
    AllergyFindings { allergies: vec![], none_known: vec![] }
}
/// x
pub fn attributes(_d: &Document, _c: &AllergyTables, _n: Span, _k: &[Span]) -> Attributes {
    Attributes::default()
}
