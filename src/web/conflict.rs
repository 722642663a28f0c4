//! What a coder sees when a decision was not taken because something changed meanwhile: what they chose beside what holds now. Nothing that
//! they typed is lost: the page carries it, to be sent again.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use uuid::Uuid;

use super::{
    entry::decision,
    session::Session,
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::Permission,
    domain::{DecisionKind, ItemState},
    service::Service,
    store::ItemChange,
};

/// Fields that a page gives a form anew.
const OWN_FIELDS: [&str; 3] = ["form_token", "revision", "claim"];

/// What was posted: where, and its fields.
pub(super) struct Attempt<'a> {
    /// The entry; none for an addition.
    pub entry: Option<Uuid>,
    /// What was to be decided.
    pub kind: &'a DecisionKind,
    /// `decide` or `add`.
    pub form: &'static str,
    /// The fields of the form.
    pub fields: &'a [(String, String)],
}

/// The page.
#[derive(Template)]
#[template(path = "conflict.html")]
pub(super) struct ConflictPage {
    /// The frame.
    pub shell: Shell,
    /// The item.
    pub id: Uuid,
    /// Its revision now.
    pub revision: u64,
    /// Why the decision was not taken.
    pub why: String,
    /// What the entry is called.
    pub display: String,
    /// What the user chose.
    pub chosen: String,
    /// What holds now.
    pub now: Vec<String>,
    /// Where the form goes.
    pub form: &'static str,
    /// Its fields.
    pub fields: Vec<(String, String)>,
    /// Whether sending again takes the item first.
    pub claims: bool,
    /// Whether it can be sent again now.
    pub can_retry: bool,
    /// The entry's place on the page of the item.
    pub place: String,
}

/// The page for a decision that was not taken; none where `change` is not about another's doing.
pub(super) async fn show(
    service: &Service,
    session: &Session,
    id: Uuid,
    (change, attempt): (&ItemChange, &Attempt<'_>),
) -> Result<Option<Response>, Refusal> {
    let (why, claims, can_retry) = match change {
        ItemChange::Stale { .. } => (text!("conflict-stale").to_owned(), false, true),
        ItemChange::NotHeld => (text!("conflict-not-held").to_owned(), true, true),
        ItemChange::HeldBy { name, until } => {
            (text!("conflict-held-by", name = name, time = words::clock(*until, &service.time_zone)), false, false)
        }
        ItemChange::Finished => (text!("conflict-finished").to_owned(), false, false),
        _ => return Ok(None),
    };
    let user = session.may(Permission::ListItems)?;
    let item = service.item(user, id).await?.ok_or_else(|| missing(session))?;
    let entry = item.entries.iter().find(|entry| Some(entry.id) == attempt.entry);
    let review = &item.record.item;
    let reasons = service.site_reasons().await?;
    let mut now = Vec::new();
    if let Some(entry) = entry {
        let codes: Vec<&str> = entry.codes.iter().take(1).map(|code| code.code.as_str()).collect();
        let context = super::entry::context(entry).unwrap_or_default();
        now.push(
            [words::entry_state(entry.state), context, &codes.join(", ")]
                .join(" ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        );
        for one in entry.decisions.iter().rev().take(3) {
            now.push(format!(
                "{} · {} · {}",
                decision(&one.kind, &reasons),
                one.user_name,
                words::moment(one.at, &service.time_zone)
            ));
        }
    } else if attempt.entry.is_some() {
        now.push(text!("conflict-entry-gone").to_owned());
    } else {
        let waiting = item.entries.iter().filter(|entry| entry.needs_decision()).count();
        now.push(text!("conflict-entries", count = item.entries.len(), waiting = waiting));
    }
    if review.state != ItemState::Claimed {
        now.push(text!("conflict-state", state = words::item_state(review.state)));
    }
    let display = match (entry, attempt.kind) {
        (Some(entry), _) => entry.display.clone(),
        (None, DecisionKind::Add { display, .. }) => display.clone(),
        (None, _) => String::new(),
    };
    let fields = attempt.fields.iter().filter(|(name, _)| !OWN_FIELDS.contains(&name.as_str())).cloned().collect();
    let view = ConflictPage {
        shell: Shell::of(session),
        id,
        revision: review.revision,
        why,
        display,
        chosen: decision(attempt.kind, &reasons),
        now,
        form: attempt.form,
        fields,
        claims,
        can_retry: can_retry && (entry.is_some() || attempt.entry.is_none()),
        place: attempt.entry.map_or_else(String::new, |entry| format!("#e-{entry}")),
    };
    Ok(Some(page(StatusCode::CONFLICT, &view)))
}
