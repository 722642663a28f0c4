//! `/settings`: what leads arrange for the site, and what runs here that they cannot change on a page.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    change::Answer,
    notice::{self, Notice},
    people::PersonRow,
    session::{Posted, Proved, Session},
    shell::{Refusal, Shell, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{SamplingRule, SiteListName, SiteSettings},
    review::OVERRIDE_REASONS,
    service::{DecideError, Service},
};

/// The page.
#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The settings.
    pub settings: SiteSettings,
    /// Its rules of second-level review, one a line.
    pub rules: String,
    /// Whether the user may change them.
    pub can_change: bool,
    /// Who works here.
    pub users: Vec<PersonRow>,
    /// Whether the user may change who does.
    pub manages_people: bool,
    /// Headings and words of the reasons there are.
    pub reasons: Vec<(&'static str, Vec<String>)>,
    /// The teams, with the names of their members.
    pub teams: Vec<(String, String)>,
    /// The model in use.
    pub model: String,
    /// The vocabulary in use.
    pub vocabulary: String,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

/// `GET /settings`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadSettings)?;
    let engine = service.engine.pipeline().engine_version();
    let settings = service.store.settings().await?;
    let reasons = service.site_reasons().await?;
    let labels = |name| reasons.offered(name).iter().map(|reason| reason.label.clone()).collect::<Vec<String>>();
    let teams = service.teams().await?.list.into_iter().map(|team| {
        let others = team.members.into_iter().filter(|member| Some(member) != team.lead.as_ref());
        let lead = team.lead.iter().map(|lead| text!("settings-team-lead", name = lead));
        (team.name, lead.chain(others).collect::<Vec<_>>().join(", "))
    });
    let view = SettingsPage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        rules: settings.second_review.iter().map(line).collect::<Vec<_>>().join("\n"),
        settings,
        can_change: permits(user.role, Permission::ChangeSettings),
        users: service.store.users().await?.iter().map(PersonRow::of).collect(),
        manages_people: permits(user.role, Permission::ManageAccounts),
        teams: teams.collect(),
        reasons: vec![
            (text!("settings-reject-reasons"), labels(SiteListName::RejectReasons)),
            (text!("settings-pend-reasons"), labels(SiteListName::PendReasons)),
            (text!("settings-escalate-reasons"), labels(SiteListName::EscalateReasons)),
            (text!("settings-reopen-reasons"), labels(SiteListName::ReopenReasons)),
            (
                text!("settings-override-reasons"),
                OVERRIDE_REASONS.map(|reason| words::override_reason(reason).to_owned()).into(),
            ),
        ],
        model: engine.model,
        vocabulary: engine.vocabulary,
    };
    Ok(page(StatusCode::OK, &view))
}

/// The form.
#[derive(Deserialize)]
pub(super) struct SettingsForm {
    shown_from: String,
    together_from: String,
    /// One rule a line: percent, then what it concerns.
    #[serde(default)]
    second_review: String,
}

/// A rule as a line: `10 coder=kim code=I21 payment blinded`.
fn line(rule: &SamplingRule) -> String {
    let mut words = vec![rule.percent.to_string()];
    words.extend(rule.most.iter().map(|most| format!("most={most}")));
    words.extend(rule.coder.iter().map(|coder| format!("coder={coder}")));
    words.extend(rule.code.iter().map(|code| format!("code={code}")));
    words.extend(rule.payment.then(|| "payment".to_owned()));
    words.extend(rule.blinded.then(|| "blinded".to_owned()));
    words.join(" ")
}

/// The rules of such lines; none where a word is not known.
fn rules(lines: &str) -> Option<Vec<SamplingRule>> {
    let rule = |line: &str| {
        let mut words = line.split_whitespace();
        let mut rule = SamplingRule { percent: words.next()?.trim_end_matches('%').parse().ok()?, ..SamplingRule::default() };
        for word in words {
            match word.split_once('=') {
                Some(("most", most)) => rule.most = Some(most.parse().ok()?),
                Some(("coder", name)) => rule.coder = Some(name.to_owned()),
                Some(("code", prefix)) => rule.code = Some(prefix.to_uppercase()),
                None if word == "payment" => rule.payment = true,
                None if word == "blinded" => rule.blinded = true,
                _ => return None,
            }
        }
        Some(rule)
    };
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(rule).collect()
}

/// `POST /settings`
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<SettingsForm>,
) -> Answer {
    let user = session.may(Permission::ChangeSettings)?;
    let (Ok(shown_from), Ok(together_from)) = (form.shown_from.trim().parse(), form.together_from.trim().parse()) else {
        return Ok(Redirect::to("/settings?problem=settings").into_response());
    };
    let Some(second_review) = rules(&form.second_review) else {
        return Ok(Redirect::to("/settings?problem=settings").into_response());
    };
    let settings = SiteSettings { shown_from, together_from, second_review };
    let told = match service.set_settings(user, settings).await {
        Ok(()) => "notice=saved",
        Err(DecideError::Store(error)) => return Err(error.into()),
        Err(_) => "problem=settings",
    };
    Ok(Redirect::to(&format!("/settings?{told}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_lines() {
        let text = "10\n100 most=5 coder=kim code=I21 payment blinded";
        let read = rules(&format!("\n {text} \n")).expect("they can be used");
        assert_eq!(read.iter().map(line).collect::<Vec<_>>().join("\n"), text);
        assert_eq!((read[1].code.as_deref(), read[1].payment, read[1].blinded), (Some("I21"), true, true));
        assert_eq!(rules("").map(|rules| rules.len()), Some(0));
        for wrong in ["ten", "10 nurse=kim", "10 often"] {
            assert_eq!(rules(wrong), None, "{wrong}");
        }
    }
}
