//! The extraction: what the service says of one note. The serde form of these types is the stable JSON contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    AllergyScope, Assertion, Attributes, Boilerplate, BoilerplateKind, Certainty, Cue, Experiencer, MedicationList,
    MedicationStatus, ReconciledMedication, Span, Temporality,
};

/// What an entry states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A diagnosis.
    Diagnosis,
    /// A medication.
    Medication,
    /// An allergy or intolerance.
    Allergy,
    /// No known allergies.
    NoKnownAllergies,
}

impl EntryKind {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::Medication => "medication",
            Self::Allergy => "allergy",
            Self::NoKnownAllergies => "no_known_allergies",
        }
    }
}

/// The unit of every offset in an extraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// Bytes of UTF-8.
    Utf8,
    /// UTF-16 code units.
    Utf16,
    /// Unicode code points: the default on the wire.
    #[default]
    Codepoint,
}

/// What a code says of its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeRole {
    /// The code of the entry.
    Code,
    /// An active ingredient of a medication.
    Ingredient,
    /// The clinical drug: ingredient, strength and form.
    ClinicalDrug,
    /// A drug class.
    Class,
    /// The ICD-10-CM allergy-status code of an allergy.
    AllergyStatus,
}

/// Who gave the score of a candidate. What was stored before it was told reads as the engine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoredBy {
    /// The engine: it is measured on annotated notes.
    #[default]
    Engine,
    /// The site's pack: nobody has measured it.
    SitePack,
}

impl ScoredBy {
    fn is_engine(&self) -> bool {
        *self == Self::Engine
    }
}

/// One candidate code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodeCandidate {
    /// 1 is the choice.
    pub rank: u32,
    /// What it says of the entry.
    pub role: CodeRole,
    /// Code system URI.
    pub system: String,
    /// The code.
    pub code: String,
    /// Its name.
    pub display: String,
    /// Probability that the code is acceptable for the entry, 0 to 1.
    pub score: f32,
    /// Codes of the same system that must stand beside it.
    pub with: Vec<String>,
    /// Why it was proposed.
    pub why: String,
    /// What the score was made of, by name; only where it was asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub features: BTreeMap<String, f32>,
    /// Who gave the score; left out where it is the engine.
    #[serde(skip_serializing_if = "ScoredBy::is_engine", default)]
    pub scored_by: ScoredBy,
}

/// The words an entry rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// Where they start.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// The words.
    pub text: String,
    /// Kind of the section they stand in.
    pub section: String,
    /// As the entry's.
    pub assertion: Option<Assertion>,
    /// As the entry's.
    pub status: Option<MedicationStatus>,
    /// Probability that this is a mention of this kind, 0 to 1.
    pub confidence: f32,
    /// This mention's own attributes, never inherited.
    pub attributes: Attributes,
    /// The words that decided assertion or status.
    pub cues: Vec<Cue>,
    /// Who found it.
    pub sources: Vec<String>,
    /// For a medication: the list it stands in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub list: Option<MedicationList>,
    /// Set when the words stand in text that was not written for this patient today.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub boilerplate: Option<BoilerplateKind>,
}

impl Evidence {
    /// Every place of it, mutably: its words, cues with their scopes, attributes.
    pub fn places_mut(&mut self) -> Vec<(&mut usize, &mut usize)> {
        let mut places = vec![(&mut self.start, &mut self.end)];
        places.extend(self.cues.iter_mut().flat_map(Cue::places_mut));
        places.extend(self.attributes.places_mut());
        places
    }
}

/// Why a code may not be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotReportable {
    /// The condition is denied.
    Negated,
    /// It is somebody else's.
    Family,
    /// It is only a risk or a plan.
    Hypothetical,
    /// Uncertain diagnosis of an outpatient or emergency encounter (Official Guidelines IV.H).
    UncertainOutpatient,
    /// Uncertain diagnosis and the encounter class is not known.
    UncertainEncounterClassUnknown,
    /// No code was determined.
    CodeNotDetermined,
    /// Medications and allergies are not reported as diagnoses.
    NotADiagnosis,
    /// No note that counts says it any more.
    NoLongerDocumented,
}

/// A question to the coder about missing specificity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Prompt {
    /// Stable kind, for example `laterality`.
    pub kind: String,
    /// The sentence shown.
    pub message: String,
}

/// One statement about the patient with its codes and evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodedEntry {
    /// Stable within the extraction.
    pub id: String,
    /// What it states.
    pub kind: EntryKind,
    /// Its name.
    pub display: String,
    /// For diagnoses and allergies.
    pub assertion: Option<Assertion>,
    /// For medications.
    pub status: Option<MedicationStatus>,
    /// For no known allergies.
    pub scope: Option<AllergyScope>,
    /// Candidates, best first; empty = abstained.
    pub codes: Vec<CodeCandidate>,
    /// Probability that the first code is right; null when abstained.
    pub confidence: Option<f32>,
    /// Whether the code may be reported.
    pub reportable: bool,
    /// Why not.
    pub not_reportable_because: Option<NotReportable>,
    /// Reconciled summary of the evidence's attributes.
    pub attributes: Attributes,
    /// Questions to the coder.
    pub prompts: Vec<Prompt>,
    /// The words it rests on; never empty.
    pub evidence: Vec<Evidence>,
}

/// Something a person should look at before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Stable kind, for example `allergy_conflict`.
    pub kind: String,
    /// The sentence shown.
    pub message: String,
    /// Ids of the entries concerned.
    pub entries: Vec<String>,
}

/// A section of the note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SectionOutline {
    /// Its kind, for example `allergies`.
    pub kind: String,
    /// Its heading; null when the text before the first heading.
    pub title: Option<Span>,
    /// What stands under it.
    pub body: Span,
    /// Its LOINC code, where LOINC has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<SectionCode>,
}

/// The code of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SectionCode {
    /// Code system URI.
    pub system: String,
    /// The code.
    pub code: String,
    /// Its name.
    pub display: String,
}

/// A span given by the caller, with the context found for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AssertedSpan {
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The words.
    pub text: String,
    /// Kind of the section it stands in.
    pub section: String,
    /// Its assertion.
    pub assertion: Assertion,
    /// Of whom.
    pub experiencer: Experiencer,
    /// When.
    pub temporality: Temporality,
    /// How certainly.
    pub certainty: Certainty,
    /// The words that decided.
    pub cues: Vec<Cue>,
}

/// What made an extraction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersion {
    /// Version of this program.
    pub version: String,
    /// Model name and checksum.
    pub model: String,
    /// Checksum of the vocabulary tables.
    pub vocabulary: String,
    /// Edition of the diagnosis codes.
    pub edition: String,
    /// False when no loaded edition covers the date of service.
    pub edition_exact: bool,
    /// Version of the site's pack; left out where none was used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub site_pack: Option<String>,
}

/// Everything found in one note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Extraction {
    /// The note.
    pub note_id: String,
    /// Unit of every offset below.
    pub offset_unit: OffsetUnit,
    /// What made it.
    pub engine: EngineVersion,
    /// The note's sections.
    pub sections: Vec<SectionOutline>,
    /// Passages that were not written for this patient today.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub boilerplate: Vec<Boilerplate>,
    /// Warnings.
    pub alerts: Vec<Alert>,
    /// The entries.
    pub entries: Vec<CodedEntry>,
    /// The medications, one row a drug.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub medications: Vec<ReconciledMedication>,
    /// Context of the spans that the caller gave.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spans: Vec<AssertedSpan>,
}

impl Extraction {
    /// Rewrites every offset through `map`; the one place where units change.
    #[must_use]
    pub fn map_offsets(self, unit: OffsetUnit, map: impl Fn(usize) -> usize) -> Self {
        self.map_places(unit, |start, end| (map(start), map(end)))
    }

    /// Rewrites every place, start and end together.
    #[must_use]
    pub fn map_places(mut self, unit: OffsetUnit, map: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let both = |start: &mut usize, end: &mut usize| (*start, *end) = map(*start, *end);
        for section in &mut self.sections {
            if let Some(title) = &mut section.title {
                both(&mut title.start, &mut title.end);
            }
            both(&mut section.body.start, &mut section.body.end);
        }
        for entry in &mut self.entries {
            for (start, end) in entry.attributes.places_mut() {
                both(start, end);
            }
            for (start, end) in entry.evidence.iter_mut().flat_map(Evidence::places_mut) {
                both(start, end);
            }
        }
        for passage in &mut self.boilerplate {
            both(&mut passage.start, &mut passage.end);
        }
        for listed in self.medications.iter_mut().flat_map(|medication| &mut medication.lists) {
            for (start, end) in listed.attributes.places_mut() {
                both(start, end);
            }
        }
        for span in &mut self.spans {
            both(&mut span.start, &mut span.end);
            for (start, end) in span.cues.iter_mut().flat_map(Cue::places_mut) {
                both(start, end);
            }
        }
        self.offset_unit = unit;
        self
    }
}
