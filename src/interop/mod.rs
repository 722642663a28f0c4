//! Other systems' standards: what was found, as FHIR R4. Pure mapping; nothing here reads, sends or decides.

pub mod fhir;
