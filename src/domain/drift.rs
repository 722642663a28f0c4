//! Drift: what of the last days is no longer as it was in a reference window, as numbers of this site, and the alerts that come of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftMeasure {
    /// Of the suggestions that coders decided on, those accepted as they were. By finished encounters.
    AcceptanceRate,
    /// Of what stands in the end (accepted, amended, added), that for which the engine had no code: added by a coder, or suggested without one. By
    /// finished encounters.
    UnknownTermRate,
    /// Of what the engine suggested to be charted, that without a code. By encounters as they come.
    AbstentionRate,
    /// Shares of the types of notes. By encounters as they come.
    NoteTypes,
    /// Suggestions a note. By encounters as they come.
    EntriesPerNote,
    /// Shares of the tenths of the confidence of suggestions. By encounters as they come.
    Confidence,
    /// Notes a day, by the day on which the first note of their encounter came.
    NoteArrivals,
}

impl DriftMeasure {
    /// All, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::AcceptanceRate,
        Self::UnknownTermRate,
        Self::AbstentionRate,
        Self::NoteTypes,
        Self::EntriesPerNote,
        Self::Confidence,
        Self::NoteArrivals,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcceptanceRate => "acceptance_rate",
            Self::UnknownTermRate => "unknown_term_rate",
            Self::AbstentionRate => "abstention_rate",
            Self::NoteTypes => "note_types",
            Self::EntriesPerNote => "entries_per_note",
            Self::Confidence => "confidence",
            Self::NoteArrivals => "note_arrivals",
        }
    }

    /// From which effect on a difference matters, whatever its p: a change of a rate in shares, of a mean relative to the reference's, the
    /// population stability index of a distribution.
    #[must_use]
    pub const fn material_from(self) -> f64 {
        match self {
            Self::AcceptanceRate | Self::UnknownTermRate | Self::AbstentionRate => 0.05,
            Self::NoteTypes | Self::Confidence => 0.1,
            Self::EntriesPerNote => 0.15,
            Self::NoteArrivals => 0.3,
        }
    }

    /// Whether its value is a share of one.
    #[must_use]
    pub const fn is_rate(self) -> bool {
        matches!(self, Self::AcceptanceRate | Self::UnknownTermRate | Self::AbstentionRate)
    }

    /// Whether it is a distribution: its effect is the stability index, and its value the share of the class that moved most.
    #[must_use]
    pub const fn is_distribution(self) -> bool {
        matches!(self, Self::NoteTypes | Self::Confidence)
    }
}

impl std::str::FromStr for DriftMeasure {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == word).ok_or(())
    }
}

/// From a moment on to before another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftWindow {
    /// From this moment on.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Before this moment.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// What was found of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// One of the windows holds too few encounters to say anything.
    TooFew,
    /// No difference that chance does not explain.
    Steady,
    /// A difference that chance does not explain, and that is too small to matter.
    Small,
    /// A difference that chance does not explain, and that matters.
    Drifted,
}

/// A class of a distribution with its share in both windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftShare {
    /// A type of notes (LOINC code; empty where the sender gave none), or the lower end of a tenth in hundredths.
    pub class: String,
    /// Share in the reference.
    pub reference: f64,
    /// Share in the current window.
    pub current: f64,
}

/// One measure of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftFinding {
    /// What is measured.
    pub measure: DriftMeasure,
    /// Its value in the reference window; none where it is not defined, and of a distribution.
    pub reference: Option<f64>,
    /// Its value in the current window.
    pub current: Option<f64>,
    /// How great the difference is: of a rate in shares, of a mean relative to the reference's, of a distribution the population stability index.
    pub effect: Option<f64>,
    /// The Jensen-Shannon divergence of a distribution, in bits.
    pub divergence: Option<f64>,
    /// How often a difference at least as great comes of dealing the encounters (days, of arrivals) out anew.
    pub p: Option<f64>,
    /// The same after the correction for many measures (Benjamini and Hochberg).
    pub adjusted: Option<f64>,
    /// Encounters (days, of arrivals) in the reference and in the current window that have something of it.
    pub encounters: [u64; 2],
    /// What is counted in them: suggestions, entries, notes.
    pub observations: [u64; 2],
    /// The classes of a distribution, the one that moved most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<DriftShare>,
    /// What is said of it.
    pub verdict: DriftVerdict,
}

/// All measures at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftEvaluation {
    /// Our id.
    pub id: Uuid,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What it is held against.
    pub reference: DriftWindow,
    /// What is looked at.
    pub current: DriftWindow,
    /// Whether a lead set the reference; else it goes along with time.
    pub fixed_reference: bool,
    /// The measures.
    pub findings: Vec<DriftFinding>,
}

/// What a lead says of an alert: a stable word, so that nothing of a patient can be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftWord {
    /// What changed is known and wanted: another service, another template, another model.
    Expected,
    /// Somebody looks into it.
    LookedInto,
    /// What caused it was mended.
    Mended,
    /// Nothing is behind it.
    FalseAlarm,
}

impl DriftWord {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Expected, Self::LookedInto, Self::Mended, Self::FalseAlarm];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::LookedInto => "looked_into",
            Self::Mended => "mended",
            Self::FalseAlarm => "false_alarm",
        }
    }
}

impl std::str::FromStr for DriftWord {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or(())
    }
}

/// How a lead acknowledged an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftAcknowledged {
    /// Login name.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// With which word.
    pub word: DriftWord,
}

/// A drift that somebody should look at.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftAlert {
    /// Our id.
    pub id: Uuid,
    /// The evaluation that found it first.
    pub evaluation: Uuid,
    /// When.
    pub at: Timestamp,
    /// When an evaluation found it last.
    pub seen_at: Timestamp,
    /// What was found first.
    pub finding: DriftFinding,
    /// Who acknowledged it; none while it waits.
    pub acknowledged: Option<DriftAcknowledged>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for measure in DriftMeasure::ALL {
            assert_eq!(measure.as_str().parse(), Ok(measure));
            assert_eq!(serde_json::to_value(measure).expect("JSON"), measure.as_str());
        }
        for word in DriftWord::ALL {
            assert_eq!(word.as_str().parse(), Ok(word));
            assert_eq!(serde_json::to_value(word).expect("JSON"), word.as_str());
        }
        assert!("else".parse::<DriftMeasure>().is_err() && "else".parse::<DriftWord>().is_err());
    }
}
