//! What a site taught the engine: terms of its own, suggestions that it does not want, codes that it prefers, thresholds. A pack is a whole, is
//! versioned, and is never changed: a change is another version, and going back is to make an older one live.

use serde::{Deserialize, Serialize};

use super::{ChosenCode, EntryKind};

/// Words of a site that name something, with its code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteTerm {
    /// The words, folded (`normalize_term`).
    pub words: String,
    /// What they name.
    pub kind: EntryKind,
    /// Its code: ICD-10-CM for a diagnosis, RxNorm for a medication or an allergen, SNOMED CT where an allergen has no other.
    pub code: ChosenCode,
}

/// A suggestion that the site does not want.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressedTerm {
    /// The words, folded.
    pub words: String,
    /// As what they are not to be suggested.
    pub kind: EntryKind,
    /// With this code alone (system and code); with any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<ChosenCode>,
    /// In sections of this kind alone; in any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub section: Option<String>,
}

/// A code that the site gives where the engine would give another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodePreference {
    /// The words, folded.
    pub words: String,
    /// What they name.
    pub kind: EntryKind,
    /// The engine's first code that it takes the place of; of any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instead_of: Option<ChosenCode>,
    /// The code that comes first.
    pub code: ChosenCode,
}

/// From which probability on entries of a kind are shown unfolded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KindThreshold {
    /// Of which kind.
    pub kind: EntryKind,
    /// Hundredths, 0 to 100.
    pub shown_from: u8,
}

/// What a site taught the engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SitePack {
    /// Terms of its own.
    pub terms: Vec<SiteTerm>,
    /// What it does not want to be suggested.
    pub suppressed: Vec<SuppressedTerm>,
    /// Codes that it prefers.
    pub preferences: Vec<CodePreference>,
    /// Thresholds by kind; kinds without one have the site's.
    pub thresholds: Vec<KindThreshold>,
}

/// One change of a pack: what a proposal proposes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PackChange {
    /// A term is added.
    AddTerm(SiteTerm),
    /// A suggestion is suppressed.
    Suppress(SuppressedTerm),
    /// A code is preferred.
    Prefer(CodePreference),
    /// A threshold is set.
    SetThreshold(KindThreshold),
}

impl SitePack {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.suppressed.is_empty() && self.preferences.is_empty() && self.thresholds.is_empty()
    }

    /// The pack after a change; what it says of the same words and kind is replaced.
    #[must_use]
    pub fn with(mut self, change: PackChange) -> Self {
        match change {
            PackChange::AddTerm(term) => {
                self.terms.retain(|one| (&one.words, one.kind) != (&term.words, term.kind));
                self.terms.push(term);
            }
            PackChange::Suppress(term) => {
                self.suppressed.retain(|one| {
                    (&one.words, one.kind, &one.code, &one.section) != (&term.words, term.kind, &term.code, &term.section)
                });
                self.suppressed.push(term);
            }
            PackChange::Prefer(preference) => {
                self.preferences.retain(|one| {
                    (&one.words, one.kind, &one.instead_of) != (&preference.words, preference.kind, &preference.instead_of)
                });
                self.preferences.push(preference);
            }
            PackChange::SetThreshold(threshold) => {
                self.thresholds.retain(|one| one.kind != threshold.kind);
                self.thresholds.push(threshold);
            }
        }
        self
    }
}
