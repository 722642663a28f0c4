//! What a diagnosis is to its encounter beside what the note says of it: principal, present on admission, its place among the codes.

use serde::{Deserialize, Serialize};

/// What a diagnosis is to the encounter (UHDDS; HL7 `diagnosis-role`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosisRole {
    /// The condition found, after study, to be chiefly responsible for the encounter; at most one.
    Principal,
    /// Another one that was treated, looked into or watched.
    Secondary,
    /// The reason for admission as it was known then; at most one, and no code of the claim's list.
    Admitting,
}

impl DiagnosisRole {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Principal, Self::Secondary, Self::Admitting];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Secondary => "secondary",
            Self::Admitting => "admitting",
        }
    }
}

/// Present-on-admission indicator (UB-04; ICD-10-CM Official Guidelines, Appendix I).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresentOnAdmission {
    /// Y: present at the time of inpatient admission.
    Yes,
    /// N: not present.
    No,
    /// U: the documentation is not sufficient to tell.
    Unknown,
    /// W: the provider is unable to determine it clinically.
    Undetermined,
    /// 1: the code is exempt from reporting.
    Exempt,
}

impl PresentOnAdmission {
    /// All indicators.
    pub const ALL: [Self; 5] = [Self::Yes, Self::No, Self::Unknown, Self::Undetermined, Self::Exempt];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Undetermined => "undetermined",
            Self::Exempt => "exempt",
        }
    }

    /// The letter of the claim.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Yes => "Y",
            Self::No => "N",
            Self::Unknown => "U",
            Self::Undetermined => "W",
            Self::Exempt => "1",
        }
    }
}

/// What coders said that a diagnosis is to its encounter; nothing said stays none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Designation {
    /// Principal, secondary or admitting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<DiagnosisRole>,
    /// Whether it was present on admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present_on_admission: Option<PresentOnAdmission>,
    /// Its place among the secondary ones, from 1; those without one come after, in the order of their evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
}

impl Designation {
    /// With what a later one says in place of what stood.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            role: later.role.or(self.role),
            present_on_admission: later.present_on_admission.or(self.present_on_admission),
            sequence: later.sequence.or(self.sequence),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Where its diagnosis stands in the list of codes: the principal one first, then by sequence.
    #[must_use]
    pub const fn order(self) -> (u8, u16) {
        let sequence = match self.sequence {
            Some(sequence) => sequence,
            None => u16::MAX,
        };
        match self.role {
            Some(DiagnosisRole::Principal) => (0, 0),
            Some(DiagnosisRole::Secondary) | None => (1, sequence),
            Some(DiagnosisRole::Admitting) => (2, sequence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_word_changes_what_it_names() {
        let first = Designation { role: Some(DiagnosisRole::Principal), sequence: Some(2), ..Designation::default() };
        let later =
            Designation { present_on_admission: Some(PresentOnAdmission::Yes), sequence: Some(1), ..Designation::default() };
        let both = first.then(later);
        assert_eq!((both.role, both.present_on_admission, both.sequence), (first.role, later.present_on_admission, Some(1)));
        assert!(Designation::default().then(Designation::default()).is_empty());
    }

    #[test]
    fn the_principal_diagnosis_comes_first_and_the_admitting_one_last() {
        let of = |role, sequence| Designation { role, sequence, ..Designation::default() }.order();
        let (principal, secondary, admitting) =
            (Some(DiagnosisRole::Principal), Some(DiagnosisRole::Secondary), Some(DiagnosisRole::Admitting));
        let orders =
            [of(principal, Some(9)), of(secondary, Some(1)), of(None, Some(2)), of(None, None), of(admitting, Some(1))];
        assert!(orders.windows(2).all(|pair| pair[0] < pair[1]), "{orders:?}");
    }

    #[test]
    fn letters_are_those_of_the_claim() {
        assert_eq!(PresentOnAdmission::ALL.map(PresentOnAdmission::letter), ["Y", "N", "U", "W", "1"]);
    }
}
