//! Sensitivity labels: the kinds of information that laws and hospitals keep apart from the rest, after HL7's InformationSensitivityPolicy.

use serde::{Deserialize, Serialize};

/// One kind of sensitive information. The order is that of the bits in the store and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Treatment of substance use, as 42 CFR Part 2 protects it.
    SubstanceUse,
    /// Psychotherapy notes, kept apart from the rest of the record.
    Psychotherapy,
    /// Mental health.
    MentalHealth,
    /// HIV and AIDS.
    Hiv,
    /// Sexual and reproductive health, assault, abuse and domestic violence.
    SexualHealth,
    /// Genetic information.
    Genetic,
    /// A person of whom the public wants to know.
    Vip,
    /// A person who works here.
    Employee,
    /// A code that says that something is sensitive and that is none of these.
    Other,
}

impl Sensitivity {
    /// All kinds, in the order of their bits.
    pub const ALL: [Self; 9] = [
        Self::SubstanceUse,
        Self::Psychotherapy,
        Self::MentalHealth,
        Self::Hiv,
        Self::SexualHealth,
        Self::Genetic,
        Self::Vip,
        Self::Employee,
        Self::Other,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubstanceUse => "substance_use",
            Self::Psychotherapy => "psychotherapy",
            Self::MentalHealth => "mental_health",
            Self::Hiv => "hiv",
            Self::SexualHealth => "sexual_health",
            Self::Genetic => "genetic",
            Self::Vip => "vip",
            Self::Employee => "employee",
            Self::Other => "other",
        }
    }

    /// Code and name in HL7's ActCode; none for what no code says.
    #[must_use]
    pub const fn act_code(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::SubstanceUse => ("SUD", "substance use disorder information sensitivity"),
            Self::Psychotherapy => ("PSYTHPN", "psychotherapy note information sensitivity"),
            Self::MentalHealth => ("MH", "mental health information sensitivity"),
            Self::Hiv => ("HIV", "HIV/AIDS information sensitivity"),
            Self::SexualHealth => ("SEX", "sexuality and reproductive health information sensitivity"),
            Self::Genetic => ("GDIS", "genetic disease information sensitivity"),
            Self::Vip => ("VIP", "celebrity information sensitivity"),
            Self::Employee => ("EMP", "employee information sensitivity"),
            Self::Other => return None,
        })
    }

    /// The kind that a code of HL7 means: of ActCode and its privacy laws, or of version 2's table 0177.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code.trim().to_ascii_uppercase().as_str() {
            "ETH" | "ETHUD" | "OPIOIDUD" | "SUD" | "42CFRPART2" => Self::SubstanceUse,
            "PSYTHPN" => Self::Psychotherapy,
            "PSY" | "MH" | "BH" | "COGN" | "DVD" | "EMOTDIS" => Self::MentalHealth,
            "HIV" | "AID" => Self::Hiv,
            "SEX" | "SDV" | "DV" | "STD" | "SOGI" | "PREGNANT" | "REPRO" | "UWM" => Self::SexualHealth,
            "GDIS" | "SCA" => Self::Genetic,
            "CEL" | "VIP" => Self::Vip,
            "EMP" | "STAFF" => Self::Employee,
            _ => return None,
        })
    }
}

impl std::str::FromStr for Sensitivity {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| format!("unknown label {word:?}; one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// A set of kinds: the labels of a note or an encounter, or what a user is cleared for. A kind that a newer program knows is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Sensitivities(u32);

impl Sensitivities {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind, also those that are not known yet.
    pub const ALL: Self = Self(Self::BITS);
    /// What the store keeps is never negative.
    const BITS: u32 = 0x7fff_ffff;

    /// The set of one integer.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Self {
        Self(bits & Self::BITS)
    }

    /// The set as one integer.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The bits of all kinds that are not in the set.
    #[must_use]
    pub const fn lacking(self) -> u32 {
        !self.0 & Self::BITS
    }

    /// Whether there is no kind in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every kind of the other set is in this one.
    #[must_use]
    pub const fn cover(self, other: Self) -> bool {
        other.0 & self.lacking() == 0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds in it; what only a newer program knows is `other`.
    #[must_use]
    pub fn kinds(self) -> Vec<Sensitivity> {
        let known = Sensitivity::ALL.into_iter().collect::<Self>();
        let told = if known.cover(self) { self } else { self.with(Self::from_iter([Sensitivity::Other])) };
        Sensitivity::ALL.into_iter().filter(|kind| told.cover(Self::from_iter([*kind]))).collect()
    }
}

impl FromIterator<Sensitivity> for Sensitivities {
    fn from_iter<T: IntoIterator<Item = Sensitivity>>(kinds: T) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | (1 << kind as u32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_covers_what_is_in_it() {
        let one = Sensitivities::from_iter([Sensitivity::Hiv]);
        let two = one.with(Sensitivities::from_iter([Sensitivity::SubstanceUse]));
        assert!(two.cover(one) && one.cover(one) && one.cover(Sensitivities::NONE) && Sensitivities::ALL.cover(two));
        assert!(!one.cover(two) && !Sensitivities::NONE.cover(one));
        assert_eq!(two.kinds(), [Sensitivity::SubstanceUse, Sensitivity::Hiv]);
        assert_eq!(two.bits(), 0b1001, "bits are kept in databases");
    }

    #[test]
    fn a_kind_of_a_newer_program_is_covered_by_nobody_who_was_not_cleared_for_it() {
        let newer = Sensitivities::of_bits(1 << 20);
        assert!(!Sensitivity::ALL.into_iter().collect::<Sensitivities>().cover(newer));
        assert!(Sensitivities::ALL.cover(newer));
        assert_eq!(newer.kinds(), [Sensitivity::Other]);
    }

    #[test]
    fn words_and_codes() {
        for kind in Sensitivity::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.as_str());
            if let Some((code, _)) = kind.act_code() {
                assert_eq!(Sensitivity::of_code(code), Some(kind), "what is written is read back");
            }
        }
        for (code, expected) in [
            ("42CFRPart2", Some(Sensitivity::SubstanceUse)),
            ("eth", Some(Sensitivity::SubstanceUse)),
            ("SDV", Some(Sensitivity::SexualHealth)),
            ("AID", Some(Sensitivity::Hiv)),
            ("CEL", Some(Sensitivity::Vip)),
            ("TBOO", None),
            ("", None),
        ] {
            assert_eq!(Sensitivity::of_code(code), expected, "{code}");
        }
        assert!("secret".parse::<Sensitivity>().is_err());
    }
}
