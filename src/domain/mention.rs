//! A mention: words of the note that name a diagnosis, a medication, an allergen or a denial of allergies.

use serde::{Deserialize, Serialize};

use super::Span;

/// What a mention names, before it is asserted and coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionKind {
    /// A diagnosis.
    Diagnosis,
    /// A medication.
    Medication,
    /// The substance of an allergy.
    Allergen,
    /// A statement of no known allergies.
    NoKnownAllergies,
}

impl MentionKind {
    /// The four kinds, in the order of the model's labels.
    pub const ALL: [Self; 4] = [Self::Diagnosis, Self::Medication, Self::Allergen, Self::NoKnownAllergies];
}

/// A recognised mention.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// Where it stands; byte offsets.
    pub span: Span,
    /// What it names.
    pub kind: MentionKind,
    /// Probability that these words are a mention of this kind, 0 to 1.
    pub confidence: f32,
    /// Who found it: `dictionary:SOURCE`, `model:0.98`, `rule:NAME`.
    pub sources: Vec<String>,
}
