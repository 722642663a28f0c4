//! What decides where an encounter goes in the queue, beside what is in it: how urgent it is, who pays, which team works on it.

use serde::{Deserialize, Serialize};

/// How soon an encounter is to be coded: the words of FHIR's request-priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// At once, before everything else.
    Stat,
    /// As soon as possible.
    Asap,
    /// Before what is routine.
    Urgent,
    /// In its turn: what holds where the sender says nothing.
    #[default]
    Routine,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Stat, Self::Asap, Self::Urgent, Self::Routine];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Asap => "asap",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }

    /// Its place among the others: 0 is the most urgent.
    #[must_use]
    pub const fn rank(self) -> u32 {
        match self {
            Self::Stat => 0,
            Self::Asap => 1,
            Self::Urgent => 2,
            Self::Routine => 3,
        }
    }

    /// The priority at a place.
    #[must_use]
    pub fn of_rank(rank: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }
}

impl std::str::FromStr for Priority {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == word).ok_or(())
    }
}

/// Who pays for an encounter, as far as the queue is sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayerClass {
    /// Medicare.
    Medicare,
    /// A Medicare Advantage plan, which is paid by risk.
    MedicareAdvantage,
    /// Medicaid.
    Medicaid,
    /// A private insurance.
    Commercial,
    /// Another one of a government: veterans, the military, the prison.
    Government,
    /// The employer, for an accident or illness of work.
    WorkersCompensation,
    /// The patient.
    SelfPay,
    /// Somebody else.
    Other,
}

impl PayerClass {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Medicare,
        Self::MedicareAdvantage,
        Self::Medicaid,
        Self::Commercial,
        Self::Government,
        Self::WorkersCompensation,
        Self::SelfPay,
        Self::Other,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medicare => "medicare",
            Self::MedicareAdvantage => "medicare_advantage",
            Self::Medicaid => "medicaid",
            Self::Commercial => "commercial",
            Self::Government => "government",
            Self::WorkersCompensation => "workers_compensation",
            Self::SelfPay => "self_pay",
            Self::Other => "other",
        }
    }
}

impl std::str::FromStr for PayerClass {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|class| class.as_str() == word).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ranks_come_back() {
        for (rank, priority) in (0..).zip(Priority::ALL) {
            assert_eq!((priority.rank(), Priority::of_rank(rank)), (rank, Some(priority)));
            assert_eq!(priority.as_str().parse(), Ok(priority));
        }
        assert!(Priority::Stat < Priority::Routine && Priority::of_rank(4).is_none());
        for class in PayerClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(serde_json::to_string(&class).expect("written"), format!("\"{}\"", class.as_str()));
        }
    }
}
