//! Lists that leads and admins keep for their site: the reasons that are asked for, the teams, the rules of worklists. A change is another version of the whole list.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ESCALATE_REASONS, PEND_REASONS, REJECT_REASONS, REOPEN_REASONS};

/// Reasons of one list.
pub const MOST_REASONS: usize = 30;
/// Teams of a site.
pub const MOST_TEAMS: usize = 200;
/// Members of a team.
pub const MOST_MEMBERS: usize = 500;
/// Characters of a name or a label.
const LONGEST_LABEL: usize = 100;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteListName {
    /// Why suggestions are rejected.
    RejectReasons,
    /// Why encounters are laid aside.
    PendReasons,
    /// Why they are passed up.
    EscalateReasons,
    /// Why they are put back into the queue.
    ReopenReasons,
    /// Templates of queries to providers.
    QueryTemplates,
    /// Teams.
    Teams,
    /// Rules that say where encounters go.
    WorklistRules,
}

impl SiteListName {
    /// The lists of reasons.
    pub const REASONS: [Self; 4] = [Self::RejectReasons, Self::PendReasons, Self::EscalateReasons, Self::ReopenReasons];

    /// The word under which it is kept, and which the audit trail names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RejectReasons => "reject_reasons",
            Self::PendReasons => "pend_reasons",
            Self::EscalateReasons => "escalate_reasons",
            Self::ReopenReasons => "reopen_reasons",
            Self::QueryTemplates => "query_templates",
            Self::Teams => "teams",
            Self::WorklistRules => "worklist_rules",
        }
    }

    /// The reasons that hold where the site keeps none of its own; empty for what is no list of reasons.
    #[must_use]
    pub fn usual_reasons(self) -> Vec<Reason> {
        let words: &[&str] = match self {
            Self::RejectReasons => &REJECT_REASONS,
            Self::PendReasons => &PEND_REASONS,
            Self::EscalateReasons => &ESCALATE_REASONS,
            Self::ReopenReasons => &REOPEN_REASONS,
            Self::QueryTemplates | Self::Teams | Self::WorklistRules => &[],
        };
        words.iter().map(|word| Reason { word: (*word).to_owned(), label: usual_label(word).to_owned() }).collect()
    }
}

impl std::str::FromStr for SiteListName {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        let all = Self::REASONS.into_iter().chain([Self::QueryTemplates, Self::Teams, Self::WorklistRules]);
        all.into_iter().find(|name| name.as_str() == word).ok_or(())
    }
}

/// What a coder reads for a reason of ours; the word itself for what is none.
#[must_use]
pub fn usual_label(word: &str) -> &str {
    match word {
        "not_documented" => "not documented",
        "wrong_patient" => "another person’s",
        "negated" => "negated in the note",
        "historical" => "past, not current",
        "wrong_code" => "wrong code",
        "not_a_diagnosis" => "not a diagnosis",
        "awaiting_query" => "waits for the answer to a query",
        "awaiting_documentation" => "waits for a document",
        "awaiting_results" => "waits for results",
        "coding_question" => "a coding question",
        "complex_case" => "a complex case",
        "guideline_question" => "a question about the guidelines",
        "conflicting_documentation" => "the documents conflict",
        "compliance_concern" => "a matter of compliance",
        "coding_error" => "a code is wrong",
        "new_information" => "something new is known",
        "query_answered" => "a query was answered",
        "claim_abandoned" => "its holder is away",
        own => own,
    }
}

/// Why something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The word that is kept with what is done: lower-case letters, digits and `_`. It never means something else later.
    pub word: String,
    /// What a coder reads.
    pub label: String,
}

/// What is wrong with a list of reasons; none when it can be used.
#[must_use]
pub fn problem_of_reasons(reasons: &[Reason]) -> Option<String> {
    if reasons.is_empty() || reasons.len() > MOST_REASONS {
        return Some(format!("a list has 1 to {MOST_REASONS} reasons"));
    }
    let mut seen = HashSet::new();
    for reason in reasons {
        if !is_word(&reason.word) {
            return Some(format!("{:?} is no word: lower-case letters, digits and _, at most 40", reason.word));
        }
        if let Some(problem) = problem_of_label(&reason.label) {
            return Some(problem);
        }
        if !seen.insert(&reason.word) {
            return Some(format!("the word {:?} stands twice", reason.word));
        }
    }
    None
}

fn is_word(word: &str) -> bool {
    (1..=40).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn problem_of_label(label: &str) -> Option<String> {
    let length = label.trim().chars().count();
    let fits = (1..=LONGEST_LABEL).contains(&length) && !label.contains(char::is_control);
    (!fits).then(|| format!("a label has 1 to {LONGEST_LABEL} characters on one line"))
}

/// People who share a worklist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name, by which work is assigned to it.
    pub name: String,
    /// Login name of who leads it.
    #[serde(default)]
    pub lead: Option<String>,
    /// Login names of who works in it; the lead need not be among them.
    #[serde(default)]
    pub members: Vec<String>,
}

impl Team {
    /// Whether a user belongs to it.
    #[must_use]
    pub fn has(&self, user: &str) -> bool {
        self.lead.as_deref() == Some(user) || self.members.iter().any(|member| member == user)
    }
}

/// What is wrong with the teams; none when they can be used.
#[must_use]
pub fn problem_of_teams(teams: &[Team]) -> Option<String> {
    if teams.len() > MOST_TEAMS {
        return Some(format!("a site has at most {MOST_TEAMS} teams"));
    }
    let mut seen = HashSet::new();
    for team in teams {
        if let Some(problem) = problem_of_label(&team.name) {
            return Some(problem);
        }
        if !seen.insert(team.name.to_lowercase()) {
            return Some(format!("the team {:?} stands twice", team.name));
        }
        if team.members.len() > MOST_MEMBERS {
            return Some(format!("a team has at most {MOST_MEMBERS} members"));
        }
    }
    None
}

/// A list as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteListVersion {
    /// From 1.
    pub version: u64,
    /// What it says, as JSON.
    pub body: String,
    /// Login name of who changed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_reason_has_words_of_its_own() {
        for name in SiteListName::REASONS {
            let reasons = name.usual_reasons();
            assert_eq!(problem_of_reasons(&reasons), None);
            assert!(reasons.iter().all(|reason| !reason.label.contains('_')), "{reasons:?}");
            assert_eq!(name.as_str().parse(), Ok(name));
        }
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        let reason = |word: &str, label: &str| Reason { word: word.to_owned(), label: label.to_owned() };
        for (reasons, expected) in [
            (vec![], "1 to 30"),
            (vec![reason("Not Documented", "x")], "is no word"),
            (vec![reason("other", " ")], "a label has"),
            (vec![reason("other", "a\nb")], "a label has"),
            (vec![reason("other", "a"), reason("other", "b")], "stands twice"),
        ] {
            assert!(problem_of_reasons(&reasons).is_some_and(|problem| problem.contains(expected)), "{expected}");
        }
        let team = |name: &str| Team { name: name.to_owned(), ..Team::default() };
        assert!(problem_of_teams(&[team("Heart"), team("heart")]).is_some_and(|problem| problem.contains("twice")));
        assert!(problem_of_teams(&[team("")]).is_some());
        assert_eq!(problem_of_teams(&[team("Heart"), team("Lung")]), None);
    }

    #[test]
    fn who_belongs_to_a_team() {
        let team = Team { name: "Heart".to_owned(), lead: Some("lee".to_owned()), members: vec!["kim".to_owned()] };
        assert_eq!(["lee", "kim", "ann"].map(|name| team.has(name)), [true, true, false]);
    }
}
