//! Other systems' standards: notes as they send them, what was found as FHIR R4, messages of HL7 version 2. Pure mapping; nothing here sends or
//! decides.

pub mod content;
pub mod fhir;
pub mod hl7;
mod payers;
