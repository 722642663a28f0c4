//! Sections.
use super::Section;
use crate::domain::{Span, table::TableError};
/// Headings.
#[derive(Debug, Default)]
pub struct SectionTable {}
impl SectionTable {
    /// Parses.
    /// # Errors
    /// x
    pub fn parse(_: &str) -> Result<Self, TableError> {
        Ok(Self {})
    }
}
/// Splits.
#[must_use]
pub fn split_sections(text: &str, _table: &SectionTable) -> Vec<Section> {
    vec![Section { kind: "unspecified".to_owned(), title: None, body: Span::new(0, text.len()) }]
}
