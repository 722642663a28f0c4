//! `/learning`: what the site's own reviews propose to teach the engine, and what leads decided on it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    notice::{self, Notice},
    session::{Posted, Session},
    shell::{Refusal, Shell, page},
    words,
};
use crate::{
    auth::Permission,
    domain::{ChosenCode, DecidedProposal, PackChange, Proposal, ProposalVerdict},
    service::{LEARNING_DAYS, ProposalError, Service, ShadowError, actor},
};

/// Most days.
const MOST_DAYS: u32 = 3_650;
/// Examples that are shown.
const EXAMPLES: usize = 5;
/// Decisions that are shown.
const DECIDED: usize = 50;

/// A proposal.
#[derive(Debug, Clone)]
pub(super) struct ProposalRow {
    /// Its id.
    pub id: Uuid,
    /// What it proposes, in a sentence.
    pub said: String,
    /// What it rests on.
    pub evidence: String,
    /// When coders decided so.
    pub when: String,
    /// What it would have saved, and what it would have broken.
    pub saved: u64,
    /// The other.
    pub broken: u64,
    /// How the effect was found.
    pub read: String,
    /// Entries to look at: number, encounter and entry.
    pub examples: Vec<(usize, Uuid, Uuid)>,
}

/// What was decided.
#[derive(Debug, Clone)]
pub(super) struct DecidedRow {
    /// What was proposed.
    pub said: String,
    /// The verdict.
    pub verdict: String,
    /// The version that it went into.
    pub version: Option<u64>,
    /// Who.
    pub by: String,
    /// When.
    pub moment: String,
}

/// The page.
#[derive(Template)]
#[template(path = "learning.html")]
pub(super) struct LearningPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Days that were learnt from.
    pub days: u32,
    /// Encounters of them.
    pub encounters: u64,
    /// What is proposed.
    pub proposals: Vec<ProposalRow>,
    /// What was decided.
    pub decided: Vec<DecidedRow>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    days: Option<String>,
    notice: Option<String>,
    problem: Option<String>,
}

fn days_of(asked: Option<&str>) -> u32 {
    asked.and_then(|days| days.trim().parse().ok()).unwrap_or(LEARNING_DAYS).clamp(1, MOST_DAYS)
}

fn code(code: &ChosenCode) -> String {
    if code.display.is_empty() { code.code.clone() } else { format!("{} {}", code.code, code.display) }
}

/// A change in a sentence.
pub(super) fn said(change: &PackChange) -> String {
    let kind = words::kind(change.kind());
    match change {
        PackChange::AddTerm(term) => {
            text!("learning-term", words = term.words, kind = kind, code = code(&term.code))
        }
        PackChange::Suppress(term) => match &term.section {
            None => text!("learning-suppress", words = term.words, kind = kind),
            Some(section) => {
                text!("learning-suppress-in", words = term.words, kind = kind, section = section.replace('_', " "))
            }
        },
        PackChange::Prefer(preference) => match &preference.instead_of {
            None => text!("learning-give", words = preference.words, kind = kind, code = code(&preference.code)),
            Some(other) => text!(
                "learning-prefer",
                words = preference.words,
                kind = kind,
                code = code(&preference.code),
                other = code(other)
            ),
        },
        PackChange::SetThreshold(threshold) => text!("learning-threshold", kind = kind, percent = threshold.shown_from),
    }
}

fn row(proposal: Proposal, zone: &TimeZone) -> ProposalRow {
    let evidence = &proposal.evidence;
    ProposalRow {
        id: proposal.id,
        said: said(&proposal.change),
        evidence: text!(
            "learning-evidence",
            support = evidence.support,
            encounters = evidence.encounters,
            coders = evidence.coders,
            accepted = evidence.accepted,
            amended = evidence.amended,
            rejected = evidence.rejected,
            added = evidence.added
        ),
        when: match (evidence.first, evidence.last) {
            (Some(first), Some(last)) => {
                text!("learning-between", first = words::moment(first, zone), last = words::moment(last, zone))
            }
            _ => String::new(),
        },
        saved: proposal.effect.would_have_saved,
        broken: proposal.effect.would_have_broken,
        read: proposal.effect.encounters_read.map_or_else(String::new, |read| text!("learning-read", count = read)),
        examples: (1..)
            .zip(evidence.examples.iter().take(EXAMPLES))
            .map(|(number, one)| (number, one.item_id, one.entry_id))
            .collect(),
    }
}

fn decided(one: DecidedProposal, zone: &TimeZone) -> DecidedRow {
    DecidedRow {
        said: said(&one.change),
        verdict: match one.verdict {
            ProposalVerdict::Approved => text!("learning-approved").to_owned(),
            ProposalVerdict::Declined => text!("learning-declined").to_owned(),
        },
        version: one.pack_version,
        by: one.by,
        moment: words::moment(one.at, zone),
    }
}

/// `GET /learning`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let notice = notice::lookup(address.notice.as_deref(), address.problem.as_deref());
    shown(&service, &session, (StatusCode::OK, notice), days_of(address.days.as_deref())).await
}

async fn shown(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    days: u32,
) -> Result<Response, Refusal> {
    // words of notes, and changes of what the engine suggests: who may do both
    session.may(Permission::ReadReports)?;
    let user = session.may(Permission::ChangeSettings)?;
    let learning = service.learning(user, days).await?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "learning.read", None, &format!("days={days}"), now).await?;
    let zone = &service.time_zone;
    let view = LearningPage {
        shell: Shell::of(session),
        notice,
        days,
        encounters: learning.encounters,
        proposals: learning.proposals.into_iter().map(|one| row(one, zone)).collect(),
        decided: learning.decided.into_iter().take(DECIDED).map(|one| decided(one, zone)).collect(),
    };
    Ok(page(status, &view))
}

/// What becomes of proposals; `proposal` is named once for each.
#[derive(Debug, Deserialize)]
pub(super) struct DecideForm {
    #[serde(default)]
    days: String,
    #[serde(default)]
    verdict: String,
}

/// `POST /learning`
pub(super) async fn decide(
    State(service): State<Arc<Service>>,
    Posted { session, form, fields, .. }: Posted<DecideForm>,
) -> Answer {
    session.may(Permission::ReadReports)?;
    let user = session.may(Permission::ChangeSettings)?;
    let days = days_of(Some(&form.days));
    let ids: Vec<Uuid> =
        fields.iter().filter(|(name, _)| name == "proposal").filter_map(|(_, value)| value.parse().ok()).collect();
    let ended = if form.verdict == "try" {
        service.try_proposals(user, days, &ids).await.map(|_| "/shadow?notice=proposals_tried".to_owned())
    } else if form.verdict == "decline" {
        service.decline_proposals(user, days, &ids).await.map(|()| format!("/learning?days={days}&notice=proposals_declined"))
    } else {
        service
            .approve_proposals(user, days, &ids)
            .await
            .map(|version| format!("/site-pack?version={version}&notice=pack_kept"))
    };
    match ended {
        Ok(address) => Ok(Redirect::to(&address).into_response()),
        Err(ProposalError::Store(error) | ProposalError::Shadow(ShadowError::Store(error))) => Err(error.into()),
        Err(problem) => {
            let told = match problem {
                ProposalError::None => text!("learning-none-chosen").to_owned(),
                ProposalError::Gone => text!("learning-gone").to_owned(),
                ProposalError::OnlyThresholds => text!("learning-only-thresholds").to_owned(),
                ProposalError::Shadow(_) => text!("problem-shadow-running").to_owned(),
                other => other.to_string(),
            };
            shown(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::refusing(told))), days).await
        }
    }
}
