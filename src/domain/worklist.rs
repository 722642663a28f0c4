//! The lists that users work from: which items, in which order, and what a list says of an item.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EncounterClass, ItemState, PayerClass, Priority, ReviewItem};

/// Why a coder lays an item aside.
pub const PEND_REASONS: [&str; 5] =
    ["awaiting_query", "awaiting_documentation", "awaiting_results", "coding_question", "other"];

/// Why a coder passes an item up to the leads.
pub const ESCALATE_REASONS: [&str; 5] =
    ["complex_case", "guideline_question", "conflicting_documentation", "compliance_concern", "other"];

/// An entry whose confidence is below this is uncertain.
pub const UNSURE_BELOW: f32 = 0.5;

/// What a list says of an item: counts over its entries as they stood at a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ItemSummary {
    /// The item's revision that it was made of; an older one than the item's = it is being made anew.
    pub revision: u64,
    /// Entries that wait for a decision.
    pub waiting: u32,
    /// Those of them that the engine is not sure of: confidence below 0.5, or no code determined.
    pub unsure: u32,
    /// Alerts of the notes, an allergy beside a medication for example.
    pub alerts: u32,
    /// Hard edits against the drafted codes.
    pub hard_edits: u32,
    /// Questions about what the notes do not say: laterality, type.
    pub prompts: u32,
    /// Waiting entries whose code payment hangs on (a condition category of a risk model).
    pub payment: u32,
    /// Types of its notes that count, without repetition.
    pub note_types: Vec<String>,
    /// First date of service of its notes that count.
    #[schema(value_type = Option<String>, format = Date)]
    pub service_from: Option<Date>,
    /// Last one.
    #[schema(value_type = Option<String>, format = Date)]
    pub service_to: Option<Date>,
}

impl ItemSummary {
    /// What looking at the item is expected to be worth, in points, against other items: a missed allergy conflict counts most, then what would be
    /// refused or what money hangs on, then what the engine is not sure of, then the rest that waits.
    #[must_use]
    pub fn benefit(&self) -> u32 {
        let sure = self.waiting.saturating_sub(self.unsure);
        [(self.alerts, 40), (self.hard_edits, 30), (self.payment, 10), (self.unsure, 8), (self.prompts, 3), (sure, 1)]
            .into_iter()
            .fold(0, |sum: u32, (count, weight)| sum.saturating_add(count.saturating_mul(weight)))
    }
}

/// In which order a list is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorklistOrder {
    /// What entered the queue first comes first.
    #[default]
    Oldest,
    /// The greatest expected benefit first, see [`ItemSummary::benefit`].
    Benefit,
    /// The first date of service first.
    ServiceDate,
    /// The most urgent first.
    Priority,
}

impl WorklistOrder {
    /// What an item is ordered by, before its age: a word that a database compares as it compares its column. None where age alone counts.
    #[must_use]
    pub fn position(self, item: &ReviewItem) -> Option<String> {
        let summary = item.summary.as_ref();
        match self {
            Self::Oldest => None,
            Self::Benefit => Some(format!("{}", -i64::from(summary.map_or(0, ItemSummary::benefit)))),
            Self::ServiceDate => {
                Some(summary.and_then(|summary| summary.service_from).map_or_else(String::new, |date| date.to_string()))
            }
            Self::Priority => Some(item.priority.rank().to_string()),
        }
    }
}

/// Where a page of a list ended: its last item, as it was ordered when the page was read. The next page goes on behind that, wherever the item is by
/// then, and shows what moved to before it since; so an item is shown twice at worst, and never left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEnd {
    /// The last item.
    pub item: Uuid,
    /// What it was ordered by ([`WorklistOrder::position`]), and since when what moves is shown again. None for a list by age, in which nothing moves.
    pub moving: Option<(String, Timestamp)>,
}

/// What is written while a page is read may carry an earlier time: other servers have other clocks, and a transaction takes its time.
const MARGIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

impl ListEnd {
    /// The end of a page whose last item this is, read now.
    #[must_use]
    pub fn of(order: WorklistOrder, last: &ReviewItem, now: Timestamp) -> Self {
        let since = now.saturating_sub(MARGIN).unwrap_or(Timestamp::MIN);
        Self { item: last.id, moving: order.position(last).map(|position| (position, since)) }
    }
}

/// As it stands in addresses: opaque to who passes it on.
impl std::fmt::Display for ListEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.item)?;
        match &self.moving {
            Some((position, since)) => write!(f, ".{}.{position}", since.as_microsecond()),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for ListEnd {
    type Err = &'static str;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let wrong = "after must be the next of the page before";
        let mut parts = word.splitn(3, '.');
        let item = parts.next().and_then(|id| Uuid::try_parse(id).ok()).ok_or(wrong)?;
        let moving = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(since), Some(position)) => {
                let since = since.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).ok_or(wrong)?;
                let plain = position.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && position.len() <= 20;
                Some((position.to_owned(), since)).filter(|_| plain)
            }
            (Some(_), None) => return Err(wrong),
        };
        Ok(Self { item, moving })
    }
}

impl<'de> Deserialize<'de> for ListEnd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ListEnd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whose items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assigned {
    /// Assigned to the user who asks, or held by them.
    Me,
    /// Assigned to nobody, and to no team.
    Nobody,
    /// Passed up to the leads.
    Leads,
    /// Assigned to a team of the user who asks.
    Team,
}

/// Which items a list shows; nothing said = any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worklist {
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ItemState>,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assigned>,
    /// With a note of this type that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note_type: Option<String>,
    /// Of this department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_class: Option<EncounterClass>,
    /// Of this priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Of this class of payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_class: Option<PayerClass>,
    /// Assigned to this team, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// With a note of service on or after this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_from: Option<Date>,
    /// With a note of service on or before this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_to: Option<Date>,
    /// With an alert or a hard edit only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alert: bool,
    /// With something the engine is not sure of only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// In which order.
    pub order: WorklistOrder,
}

/// What users said of an item as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemarkKind {
    /// Laid aside.
    Pended,
    /// Passed up to the leads.
    Escalated,
    /// Given to somebody, or to nobody.
    Assigned,
    /// Put back into the queue.
    Reopened,
    /// Only said.
    Commented,
}

impl RemarkKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Pended, Self::Escalated, Self::Assigned, Self::Reopened, Self::Commented];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pended => "pended",
            Self::Escalated => "escalated",
            Self::Assigned => "assigned",
            Self::Reopened => "reopened",
            Self::Commented => "commented",
        }
    }
}

impl std::str::FromStr for RemarkKind {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// A remark on an item.
#[derive(Clone, PartialEq, Eq)]
pub struct Remark {
    /// What was done with it.
    pub kind: RemarkKind,
    /// Why: a stable word.
    pub reason: Option<String>,
    /// Free words; sealed.
    pub comment: Option<String>,
    /// To whom it was given, with name.
    pub assigned_to: Option<(Uuid, String)>,
    /// Until when it was laid aside.
    pub until: Option<Timestamp>,
    /// Login name of who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl std::fmt::Debug for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remark").field("kind", &self.kind).field("reason", &self.reason).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_outweighs_what_is_only_uncertain() {
        let of = |alerts, payment, unsure, waiting| ItemSummary { alerts, payment, unsure, waiting, ..ItemSummary::default() };
        let rising = [of(0, 0, 0, 0), of(0, 0, 0, 3), of(0, 0, 1, 3), of(0, 1, 1, 3), of(1, 0, 0, 1), of(1, 0, 2, 3)];
        assert!(rising.windows(2).all(|pair| pair[0].benefit() < pair[1].benefit()));
        assert_eq!(of(u32::MAX, 1, 1, 1).benefit(), u32::MAX);
    }

    #[test]
    fn the_end_of_a_page_comes_back() {
        let since = Timestamp::from_microsecond(1_780_000_000_000_001).expect("a time");
        for moving in
            [None, Some(("-143".to_owned(), since)), Some(("2026-05-04".to_owned(), since)), Some((String::new(), since))]
        {
            let end = ListEnd { item: Uuid::from_u128(7), moving };
            assert_eq!(end.to_string().parse(), Ok(end));
        }
        for wrong in ["", "7", "00000000-0000-0000-0000-000000000007.x.-1", "00000000-0000-0000-0000-000000000007.5"] {
            assert!(wrong.parse::<ListEnd>().is_err(), "{wrong}");
        }
        let injected = "00000000-0000-0000-0000-000000000007.5.1'--".parse::<ListEnd>().expect("the item alone");
        assert_eq!(injected.moving, None);
    }

    #[test]
    fn a_saved_list_says_only_what_was_asked() {
        let asked = Worklist { alert: true, note_type: Some("ed_note".to_owned()), ..Worklist::default() };
        let json = serde_json::to_string(&asked).expect("written");
        assert_eq!(json, r#"{"note_type":"ed_note","alert":true,"order":"oldest"}"#);
        assert_eq!(serde_json::from_str::<Worklist>(&json).expect("read"), asked);
        assert_eq!(serde_json::from_str::<Worklist>("{}").expect("read"), Worklist::default());
    }
}
