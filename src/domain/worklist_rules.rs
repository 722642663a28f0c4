//! Rules of a site that say where an encounter goes: how soon it is to be coded, and which team works on it.

use serde::{Deserialize, Serialize};

use super::{EncounterClass, ItemState, ItemSummary, PayerClass, Priority, ReviewItem};

/// Rules of a site.
pub const MOST_WORKLIST_RULES: usize = 200;
/// Characters of a name that is compared.
const LONGEST_NAME: usize = 100;

/// One rule: an encounter of which all of the first part is true gets what the second part says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorklistRule {
    /// Its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_class: Option<EncounterClass>,
    /// Its facility, in any case of letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<String>,
    /// Its department, in any case of letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The type of one of its notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note_type: Option<String>,
    /// Who pays for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_class: Option<PayerClass>,
    /// Whether it has an alert.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alert: bool,
    /// How soon it is to be coded, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The team that works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

impl WorklistRule {
    fn fits(&self, item: &ReviewItem, summary: &ItemSummary) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| {
            let folded = |name: &Option<String>| name.as_ref().map(|name| name.trim().to_lowercase());
            wanted.is_none() || folded(wanted) == folded(found)
        };
        let wanted_type = self.note_type.as_ref();
        self.encounter_class.is_none_or(|class| item.encounter_class == Some(class))
            && same(&self.facility, &item.facility)
            && same(&self.department, &item.department)
            && wanted_type.is_none_or(|wanted| summary.note_types.iter().any(|kind| kind.eq_ignore_ascii_case(wanted)))
            && self.payer_class.is_none_or(|class| item.payer_class == Some(class))
            && (!self.alert || summary.alerts > 0)
    }

    const fn asks_nothing(&self) -> bool {
        self.encounter_class.is_none()
            && self.facility.is_none()
            && self.department.is_none()
            && self.note_type.is_none()
            && self.payer_class.is_none()
            && !self.alert
    }
}

/// Where rules send an encounter, with the numbers of the rules that say so, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// How soon it is to be coded, where that is sooner than it was.
    pub priority: Option<(Priority, usize)>,
    /// The team that works on it, where none did.
    pub team: Option<(String, usize)>,
}

/// Where the rules send an encounter. The first rule that fits and names a priority gives it, the first that fits and names a team gives that. A rule
/// makes an encounter more urgent, never less: what its sender asked for stands. One that has a team, or somebody who works or is to work on it, keeps them.
#[must_use]
pub fn route(rules: &[WorklistRule], item: &ReviewItem, summary: &ItemSummary) -> Route {
    let fitting = || (1..).zip(rules).filter(|(_, rule)| rule.fits(item, summary));
    let priority = fitting().find_map(|(number, rule)| Some((rule.priority?, number)));
    let team = fitting().find_map(|(number, rule)| Some((rule.team.clone()?, number)));
    Route {
        priority: priority.filter(|(priority, _)| *priority < item.priority),
        team: team.filter(|_| item.team.is_none() && item.assigned_to.is_none() && item.state != ItemState::Claimed),
    }
}

/// What is wrong with the rules of a site that has these teams; none when they can be used.
#[must_use]
pub fn problem_of_worklist_rules(rules: &[WorklistRule], teams: &[String]) -> Option<String> {
    if rules.len() > MOST_WORKLIST_RULES {
        return Some(format!("a site has at most {MOST_WORKLIST_RULES} rules"));
    }
    for (number, rule) in (1..).zip(rules) {
        if rule.asks_nothing() {
            return Some(format!("rule {number} says of no encounter what must be true of it"));
        }
        if rule.priority.is_none() && rule.team.is_none() {
            return Some(format!("rule {number} gives neither a priority nor a team"));
        }
        let names = [&rule.facility, &rule.department, &rule.note_type];
        let fits = |name: &String| {
            let length = name.trim().chars().count();
            (1..=LONGEST_NAME).contains(&length) && !name.contains(char::is_control)
        };
        if !names.into_iter().flatten().all(fits) {
            return Some(format!("a name in rule {number} has not 1 to {LONGEST_NAME} characters on one line"));
        }
        if let Some(team) = rule.team.as_ref().filter(|team| !teams.contains(team)) {
            return Some(format!("rule {number} names the team {team:?}, and there is none of that name"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn item() -> ReviewItem {
        ReviewItem::new(Uuid::nil(), Timestamp::UNIX_EPOCH)
    }

    fn rule(department: &str, priority: Option<Priority>, team: Option<&str>) -> WorklistRule {
        WorklistRule {
            department: Some(department.to_owned()),
            priority,
            team: team.map(str::to_owned),
            ..WorklistRule::default()
        }
    }

    #[test]
    fn the_first_rule_that_fits_and_says_something_gives_it() {
        let of_icu = ReviewItem { department: Some("Icu".to_owned()), ..item() };
        let summary = ItemSummary { alerts: 1, note_types: vec!["operative_note".to_owned()], ..ItemSummary::default() };
        let rules = [
            rule("ward", Some(Priority::Stat), Some("Lung")),
            rule("ICU", None, Some("Heart")),
            WorklistRule {
                alert: true,
                priority: Some(Priority::Urgent),
                team: Some("Lung".to_owned()),
                ..WorklistRule::default()
            },
            WorklistRule {
                note_type: Some("operative_note".to_owned()),
                priority: Some(Priority::Stat),
                ..WorklistRule::default()
            },
        ];
        let found = route(&rules, &of_icu, &summary);
        assert_eq!(found, Route { priority: Some((Priority::Urgent, 3)), team: Some(("Heart".to_owned(), 2)) });
        assert_eq!(route(&rules, &item(), &ItemSummary::default()), Route::default(), "no rule fits");
        let class =
            WorklistRule { encounter_class: Some(EncounterClass::Inpatient), ..rule("icu", Some(Priority::Stat), None) };
        let outpatient = ReviewItem { encounter_class: Some(EncounterClass::Outpatient), ..of_icu.clone() };
        assert_eq!(route(&[class], &outpatient, &summary), Route::default(), "all of a rule must be true");
    }

    #[test]
    fn what_a_sender_or_a_lead_said_stands() {
        let rules = [rule("icu", Some(Priority::Urgent), Some("Heart"))];
        let icu = || Some("icu".to_owned());
        let stat = ReviewItem { department: icu(), priority: Priority::Stat, ..item() };
        assert_eq!(route(&rules, &stat, &ItemSummary::default()).priority, None);
        let has_team = ReviewItem { department: icu(), team: Some("Lung".to_owned()), ..item() };
        assert_eq!(route(&rules, &has_team, &ItemSummary::default()).team, None);
        let has_coder = ReviewItem { department: icu(), assigned_to: Some((Uuid::nil(), "kim".to_owned())), ..item() };
        assert_eq!(route(&rules, &has_coder, &ItemSummary::default()).team, None);
        let held = ReviewItem { department: icu(), state: ItemState::Claimed, ..item() };
        assert_eq!(route(&rules, &held, &ItemSummary::default()).team, None, "nobody loses what they are working on");
    }

    #[test]
    fn rules_that_cannot_be_used_are_named() {
        let teams = ["Heart".to_owned()];
        assert_eq!(problem_of_worklist_rules(&[rule("icu", None, Some("Heart"))], &teams), None);
        for (rule, said) in [
            (rule("icu", None, None), "rule 1 gives neither"),
            (rule("icu", None, Some("Lung")), "the team \"Lung\""),
            (rule(" ", Some(Priority::Stat), None), "a name in rule 1"),
            (WorklistRule { priority: Some(Priority::Stat), ..WorklistRule::default() }, "rule 1 says of no encounter"),
        ] {
            let problem = problem_of_worklist_rules(&[rule], &teams).expect("a problem");
            assert!(problem.contains(said), "{problem}");
        }
        let many = vec![rule("icu", Some(Priority::Stat), None); MOST_WORKLIST_RULES + 1];
        assert!(problem_of_worklist_rules(&many, &teams).is_some());
    }
}
