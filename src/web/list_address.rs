//! A list as it stands in an address and in forms: words that a person may have typed, of which those that are not understood ask for nothing.

use serde::Deserialize;

use super::words;
use crate::{
    domain::{Assigned, EncounterClass, ItemState, ListEnd, PayerClass, Priority, Worklist, WorklistOrder},
    interop::fhir::percent_encoded,
};

/// The fields; an empty one asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ListAddress {
    /// A state, or `all`; open when it says nothing.
    pub state: String,
    /// `me`, `nobody`, `leads` or `team`.
    pub assigned: String,
    /// A type of note.
    pub note_type: String,
    /// A department.
    pub department: String,
    /// A class of encounter.
    pub encounter_class: String,
    /// A priority.
    pub priority: String,
    /// A class of payer.
    pub payer_class: String,
    /// A team.
    pub team: String,
    /// A date.
    pub service_from: String,
    /// A date.
    pub service_to: String,
    /// Not empty: with an alert or a hard edit only.
    pub alert: String,
    /// Not empty: with something uncertain only.
    pub unsure: String,
    /// An order.
    pub order: String,
}

fn flag(is_set: bool) -> String {
    if is_set { "1".to_owned() } else { String::new() }
}

impl ListAddress {
    /// The address of a list.
    pub(super) fn of(list: &Worklist) -> Self {
        let text = |word: Option<&str>| word.unwrap_or_default().to_owned();
        Self {
            state: text(Some(list.state.map_or("all", ItemState::as_str))),
            assigned: text(list.assigned.map(|assigned| match assigned {
                Assigned::Me => "me",
                Assigned::Nobody => "nobody",
                Assigned::Leads => "leads",
                Assigned::Team => "team",
            })),
            note_type: text(list.note_type.as_deref()),
            department: text(list.department.as_deref()),
            encounter_class: text(list.encounter_class.map(EncounterClass::as_str)),
            priority: text(list.priority.map(Priority::as_str)),
            payer_class: text(list.payer_class.map(PayerClass::as_str)),
            team: text(list.team.as_deref()),
            service_from: list.service_from.map(|date| date.to_string()).unwrap_or_default(),
            service_to: list.service_to.map(|date| date.to_string()).unwrap_or_default(),
            alert: flag(list.alert),
            unsure: flag(list.unsure),
            order: text(match list.order {
                WorklistOrder::Oldest => None,
                WorklistOrder::Benefit => Some("benefit"),
                WorklistOrder::ServiceDate => Some("service_date"),
                WorklistOrder::Priority => Some("priority"),
            }),
        }
    }

    /// The list that it asks for.
    pub(super) fn worklist(&self) -> Worklist {
        let text = |word: &String| Some(word.trim().to_owned()).filter(|word| !word.is_empty());
        let assigned = match self.assigned.as_str() {
            "me" => Some(Assigned::Me),
            "nobody" => Some(Assigned::Nobody),
            "leads" => Some(Assigned::Leads),
            "team" => Some(Assigned::Team),
            _ => None,
        };
        Worklist {
            state: match self.state.as_str() {
                "" if assigned == Some(Assigned::Me) => None,
                "" => Some(ItemState::Open),
                word => word.parse().ok(),
            },
            assigned,
            note_type: text(&self.note_type).map(|word| word.to_lowercase().replace(' ', "_")),
            department: text(&self.department),
            encounter_class: self.encounter_class.parse().ok(),
            priority: self.priority.parse().ok(),
            payer_class: self.payer_class.parse().ok(),
            team: text(&self.team),
            service_from: self.service_from.parse().ok(),
            service_to: self.service_to.parse().ok(),
            alert: !self.alert.is_empty(),
            unsure: !self.unsure.is_empty(),
            order: match self.order.as_str() {
                "benefit" => WorklistOrder::Benefit,
                "service_date" => WorklistOrder::ServiceDate,
                "priority" => WorklistOrder::Priority,
                _ => WorklistOrder::Oldest,
            },
        }
    }

    /// Name and value of every field that asks for something.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("state", &self.state),
            ("assigned", &self.assigned),
            ("note_type", &self.note_type),
            ("department", &self.department),
            ("encounter_class", &self.encounter_class),
            ("priority", &self.priority),
            ("payer_class", &self.payer_class),
            ("team", &self.team),
            ("service_from", &self.service_from),
            ("service_to", &self.service_to),
            ("alert", &self.alert),
            ("unsure", &self.unsure),
            ("order", &self.order),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str())).collect()
    }

    /// Where the list is.
    pub(super) fn address(&self) -> String {
        let fields: Vec<String> =
            self.fields().into_iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        format!("/queue?{}", fields.join("&"))
    }

    /// Its page behind the end of another.
    pub(super) fn page(&self, after: &ListEnd) -> String {
        format!("{}&after={after}", self.address())
    }

    /// The type of note as a person writes it.
    pub(super) fn shown_type(&self) -> String {
        words::spaced(&self.note_type)
    }

    /// Priorities to choose from.
    pub(super) fn priorities(&self) -> Vec<(&'static str, &'static str, bool)> {
        Priority::ALL.map(|one| (one.as_str(), words::priority(one), self.priority == one.as_str())).into()
    }

    /// Classes of payers to choose from.
    pub(super) fn payers(&self) -> Vec<(&'static str, &'static str, bool)> {
        PayerClass::ALL.map(|one| (one.as_str(), words::payer_class(one), self.payer_class == one.as_str())).into()
    }

    /// Classes to choose from.
    pub(super) fn classes(&self) -> Vec<(&'static str, &'static str, bool)> {
        EncounterClass::ALL
            .into_iter()
            .map(|class| (class.as_str(), words::encounter_class(Some(class)), self.encounter_class == class.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_from_its_address() {
        let list = Worklist {
            state: Some(ItemState::Pended),
            assigned: Some(Assigned::Nobody),
            note_type: Some("progress_note".to_owned()),
            department: Some("A & E".to_owned()),
            encounter_class: Some(EncounterClass::Inpatient),
            priority: Some(Priority::Urgent),
            payer_class: Some(PayerClass::SelfPay),
            team: Some("Heart & lung".to_owned()),
            service_from: "2026-01-02".parse().ok(),
            service_to: "2026-02-03".parse().ok(),
            alert: true,
            unsure: true,
            order: WorklistOrder::Benefit,
        };
        for list in [list, Worklist::default(), Worklist { assigned: Some(Assigned::Me), ..Worklist::default() }] {
            assert_eq!(ListAddress::of(&list).worklist(), list);
        }
        let address = ListAddress::of(&Worklist { department: Some("A & E".to_owned()), ..Worklist::default() }).address();
        assert_eq!(address, "/queue?state=all&department=A%20%26%20E");
    }

    #[test]
    fn what_is_not_understood_asks_for_nothing() {
        let typed = ListAddress {
            state: "<b>".to_owned(),
            service_from: "yesterday".to_owned(),
            note_type: " Progress Note ".to_owned(),
            order: "fastest".to_owned(),
            ..ListAddress::default()
        };
        assert_eq!(typed.worklist(), Worklist { note_type: Some("progress_note".to_owned()), ..Worklist::default() });
        assert_eq!(ListAddress::default().worklist().state, Some(ItemState::Open), "the queue is what is open");
    }
}
