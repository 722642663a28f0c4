//! `/settings/lists`: the reasons that are asked for and the teams, as leads keep them: one text a list, another version with every change.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    change::Answer,
    notice::{self, Notice},
    session::{Posted, Proved, Session},
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{EncounterClass, PayerClass, Priority, Reason, SiteListName, SiteListVersion, Team, WorklistRule},
    service::{ListError, Service, SiteList},
};

/// A list as it is edited.
#[derive(Debug, Clone, Default)]
pub(super) struct ListView {
    /// The word of its name.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How a line is written.
    pub hint: &'static str,
    /// Its version.
    pub version: u64,
    /// Its lines.
    pub text: String,
    /// Why what was typed was not kept.
    pub problem: Option<String>,
    /// Its versions, the newest first.
    pub versions: Vec<VersionView>,
}

/// A version of a list.
#[derive(Debug, Clone)]
pub(super) struct VersionView {
    /// Its number.
    pub version: u64,
    /// Who made it.
    pub by: String,
    /// When.
    pub moment: String,
    /// What it says, one entry a line.
    pub text: String,
}

/// The page.
#[derive(Template)]
#[template(path = "site_lists.html")]
pub(super) struct ListsPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether the user may change them.
    pub can_change: bool,
    /// The lists.
    pub lists: Vec<ListView>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

impl Address {
    /// The sentence of what happened.
    pub(super) fn notice(&self) -> Option<Notice> {
        notice::lookup(self.notice.as_deref(), self.problem.as_deref())
    }
}

/// What the lists are called.
fn title(name: SiteListName) -> &'static str {
    match name {
        SiteListName::RejectReasons => text!("lists-reject-reasons"),
        SiteListName::PendReasons => text!("lists-pend-reasons"),
        SiteListName::EscalateReasons => text!("lists-escalate-reasons"),
        SiteListName::ReopenReasons => text!("lists-reopen-reasons"),
        SiteListName::QueryTemplates => text!("lists-query-templates"),
        SiteListName::Teams => text!("lists-teams"),
        SiteListName::WorklistRules => text!("lists-worklist-rules"),
    }
}

/// Reasons as lines.
fn lines_of_reasons(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| format!("{}: {}", reason.word, reason.label)).collect::<Vec<_>>().join("\n")
}

/// Such lines as reasons.
fn reasons_of(text: &str) -> Vec<Reason> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (word, label) =
                line.split_once(':').map_or_else(|| (word_of(line), line), |(word, label)| (word.trim().to_owned(), label));
            Reason { word, label: label.trim().to_owned() }
        })
        .collect()
}

/// "Too vague" as `too_vague`.
fn word_of(label: &str) -> String {
    let letters = label.to_lowercase();
    let parts = letters.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_").chars().take(40).collect()
}

/// Teams as lines.
fn lines_of_teams(teams: &[Team]) -> String {
    let line = |team: &Team| {
        let lead = team.lead.iter().map(|lead| format!("{lead}*"));
        let others = team.members.iter().filter(|member| Some(*member) != team.lead.as_ref()).cloned();
        format!("{}: {}", team.name, lead.chain(others).collect::<Vec<_>>().join(", "))
    };
    teams.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Such lines as teams; else what is wrong with the first line that is none.
fn teams_of(text: &str) -> Result<Vec<Team>, String> {
    let mut teams = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, people) = line.split_once(':').unwrap_or((line, ""));
        let mut team = Team { name: name.trim().to_owned(), ..Team::default() };
        for person in people.split(',').map(str::trim).filter(|person| !person.is_empty()) {
            match person.strip_suffix('*') {
                Some(_) if team.lead.is_some() => return Err(text!("lists-two-leads", team = format!("{:?}", team.name))),
                Some(lead) => team.lead = Some(lead.trim().to_owned()),
                None => team.members.push(person.to_owned()),
            }
        }
        teams.push(team);
    }
    Ok(teams)
}

/// The rule as a line: `class inpatient, department ICU: priority urgent, team Heart`.
fn line_of_rule(rule: &WorklistRule) -> String {
    let said = |name: &str, value: Option<&str>| value.map(|value| [name, value].join(" "));
    let asked = [
        said("class", rule.encounter_class.map(|class| class.as_str())),
        said("facility", rule.facility.as_deref()),
        said("department", rule.department.as_deref()),
        said("type", rule.note_type.as_deref()),
        said("payer", rule.payer_class.map(|class| class.as_str())),
        rule.alert.then(|| "alert".to_owned()),
    ];
    let given = [said("priority", rule.priority.map(|priority| priority.as_str())), said("team", rule.team.as_deref())];
    let joined = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{}: {}", joined(asked.to_vec()), joined(given.to_vec()))
}

fn lines_of_rules(rules: &[WorklistRule]) -> String {
    rules.iter().map(line_of_rule).collect::<Vec<_>>().join("\n")
}

/// Such lines as rules; else what is wrong with the first line that is none.
fn rules_of(text: &str) -> Result<Vec<WorklistRule>, String> {
    let lines = (1_usize..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| rule_of(line).map_err(|problem| text!("lists-rule-line", line = number, problem = problem)))
        .collect()
}

/// That something is none of the words that can stand there.
fn none_of(what: &str, words: &[&str]) -> String {
    text!("lists-rule-unknown", what = format!("{what:?}"), words = words.join(", "))
}

fn rule_of(line: &str) -> Result<WorklistRule, String> {
    let (asked, given) = line.split_once(':').ok_or_else(|| text!("lists-rule-colon").to_owned())?;
    let mut rule = WorklistRule::default();
    let sides = asked.split(',').map(|part| (false, part)).chain(given.split(',').map(|part| (true, part)));
    for (is_given, part) in sides.map(|(is_given, part)| (is_given, part.trim())).filter(|(_, part)| !part.is_empty()) {
        let (name, value) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        let value = value.trim();
        let unknown = |words: Vec<&str>| none_of(value, &words);
        match (is_given, name) {
            (false, "class") => {
                let words = || EncounterClass::ALL.map(|class| class.as_str()).to_vec();
                rule.encounter_class = Some(value.parse().map_err(|()| unknown(words()))?);
            }
            (false, "payer") => {
                let words = || PayerClass::ALL.map(PayerClass::as_str).to_vec();
                rule.payer_class = Some(value.parse().map_err(|()| unknown(words()))?);
            }
            (true, "priority") => {
                let words = || Priority::ALL.map(Priority::as_str).to_vec();
                rule.priority = Some(value.parse().map_err(|()| unknown(words()))?);
            }
            (false, "facility") => rule.facility = Some(value.to_owned()),
            (false, "department") => rule.department = Some(value.to_owned()),
            (false, "type") => rule.note_type = Some(value.to_owned()),
            (false, "alert") if value.is_empty() => rule.alert = true,
            (true, "team") => rule.team = Some(value.to_owned()),
            (false, _) => return Err(none_of(part, &["class", "facility", "department", "type", "payer", "alert"])),
            (true, _) => return Err(none_of(part, &["priority", "team"])),
        }
    }
    Ok(rule)
}

/// What a kept version says, as lines.
fn lines_of(name: SiteListName, version: &SiteListVersion) -> String {
    let read = match name {
        SiteListName::Teams => serde_json::from_str(&version.body).map(|teams: Vec<Team>| lines_of_teams(&teams)),
        SiteListName::WorklistRules => {
            serde_json::from_str(&version.body).map(|rules: Vec<WorklistRule>| lines_of_rules(&rules))
        }
        _ => serde_json::from_str(&version.body).map(|reasons: Vec<Reason>| lines_of_reasons(&reasons)),
    };
    read.unwrap_or_default()
}

/// Who changed a list when, and what it said.
pub(super) fn versions(
    versions: &[SiteListVersion],
    zone: &TimeZone,
    lines: impl Fn(&SiteListVersion) -> String,
) -> Vec<VersionView> {
    let view = |version: &SiteListVersion| VersionView {
        version: version.version,
        by: version.by.clone(),
        moment: words::moment(version.at, zone),
        text: lines(version),
    };
    versions.iter().map(view).collect()
}

fn view<T>(name: SiteListName, list: &SiteList<T>, text: String, zone: &TimeZone) -> ListView {
    ListView {
        name: name.as_str(),
        title: title(name),
        hint: match name {
            SiteListName::Teams => text!("lists-hint-teams"),
            SiteListName::WorklistRules => text!("lists-hint-rules"),
            _ => text!("lists-hint-reasons"),
        },
        version: list.version,
        text,
        problem: None,
        versions: versions(&list.versions, zone, |version| lines_of(name, version)),
    }
}

/// `GET /settings/lists`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    shown(&service, &session, (StatusCode::OK, address.notice()), None).await
}

/// The page; `typed` is what was typed for a list and not kept, and why.
async fn shown(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    typed: Option<(SiteListName, String, String)>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadSettings)?;
    let zone = &service.time_zone;
    let mut lists = Vec::new();
    for name in SiteListName::REASONS {
        let found = service.reason_list(name).await?;
        lists.push(view(name, &found, lines_of_reasons(&found.list), zone));
    }
    let teams = service.teams().await?;
    lists.push(view(SiteListName::Teams, &teams, lines_of_teams(&teams.list), zone));
    let rules = service.worklist_rules().await?;
    lists.push(view(SiteListName::WorklistRules, &rules, lines_of_rules(&rules.list), zone));
    if let Some((name, text, problem)) = typed
        && let Some(list) = lists.iter_mut().find(|list| list.name == name.as_str())
    {
        list.text = text;
        list.problem = Some(problem);
    }
    let can_change = permits(user.role, Permission::ChangeSettings);
    Ok(page(status, &ListsPage { shell: Shell::of(session), notice, can_change, lists }))
}

/// Why a list was not kept.
pub(super) fn why(problem: ListError) -> String {
    match problem {
        ListError::Changed => text!("lists-changed").to_owned(),
        other => other.to_string(),
    }
}

/// The form of one list.
#[derive(Deserialize)]
pub(super) struct ListForm {
    list: String,
    /// The version that was edited.
    version: String,
    #[serde(default)]
    text: String,
}

/// `POST /settings/lists`
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<ListForm>,
) -> Answer {
    let user = session.may(Permission::ChangeSettings)?;
    let name: SiteListName = form.list.parse().map_err(|()| missing(&session))?;
    let version: u64 = form.version.parse().map_err(|_| missing(&session))?;
    let done = match name {
        SiteListName::QueryTemplates => return Err(missing(&session)),
        SiteListName::Teams => match teams_of(&form.text) {
            Ok(teams) => service.set_teams(user, version, &teams).await,
            Err(problem) => Err(ListError::Unusable(problem)),
        },
        SiteListName::WorklistRules => match rules_of(&form.text) {
            Ok(rules) => service.set_worklist_rules(user, version, &rules).await,
            Err(problem) => Err(ListError::Unusable(problem)),
        },
        _ => service.set_reasons(user, (name, version), &reasons_of(&form.text)).await,
    };
    match done {
        Ok(()) => Ok(Redirect::to("/settings/lists?notice=saved").into_response()),
        Err(ListError::Store(error)) => Err(error.into()),
        Err(problem @ (ListError::Unusable(_) | ListError::Changed)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            shown(&service, &session, (status, None), Some((name, form.text, why(problem)))).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_lines() {
        let text = "wrong_code: wrong code\ntoo_vague: too vague";
        assert_eq!(lines_of_reasons(&reasons_of(text)), text);
        assert_eq!(reasons_of("  Too vague!  ")[0], Reason { word: "too_vague".to_owned(), label: "Too vague!".to_owned() });
        assert!(reasons_of(" \n\n").is_empty());
    }

    #[test]
    fn rules_are_lines() {
        let text = "class inpatient, facility North, department ICU 2, type operative_note, payer medicare, alert: priority stat, team Heart\n\
            department Ward: priority urgent";
        let rules = rules_of(text).expect("rules");
        assert_eq!(lines_of_rules(&rules), text);
        assert_eq!((rules[0].alert, rules[1].priority, rules[1].alert), (true, Some(Priority::Urgent), false));
        for (line, said) in [
            ("department ICU", "line 1: a colon"),
            ("ward ICU: team Heart", "\"ward ICU\" is none of class"),
            ("class in: team Heart", "\"in\" is none of inpatient"),
            ("payer me: team Heart", "\"me\" is none of medicare"),
            ("alert: priority now", "\"now\" is none of stat"),
            ("alert: department ICU", "is none of priority, team"),
        ] {
            let problem = rules_of(line).expect_err(line);
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn teams_are_lines() {
        let text = "Heart: lee*, kim, ann\nLung: bob";
        let teams = teams_of(text).expect("teams");
        assert_eq!(lines_of_teams(&teams), text);
        assert_eq!((teams[0].lead.as_deref(), teams[0].members.len(), teams[1].lead.is_none()), (Some("lee"), 2, true));
        assert!(teams_of("Heart: lee*, kim*").is_err_and(|problem| problem.contains("two leads")));
        assert_eq!(teams_of("Alone").expect("a team")[0].members.len(), 0);
    }
}
