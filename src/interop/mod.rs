//! Other systems' standards: notes as they send them, what was found as FHIR R4. Pure mapping; nothing here reads, sends or decides.

pub mod content;
pub mod fhir;
