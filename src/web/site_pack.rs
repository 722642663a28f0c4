//! `/site-pack`: what the site taught the engine, which version is live, and the way to another one and back.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
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
    domain::{ActivationReason, ChosenCode, EntryKind, PackActivation, PackTable, PackVersion, Role, SitePack},
    service::{Activate, PackError, PackState, Service},
};

/// A row of a table of the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowView {
    /// The words, or the kind of a threshold.
    pub words: String,
    /// What they name.
    pub kind: &'static str,
    /// What is said of them.
    pub said: String,
}

/// A table of the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableView {
    /// The word of its name.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Its rows.
    pub rows: Vec<RowView>,
}

/// A version in the history.
#[derive(Debug, Clone, Default)]
pub(super) struct VersionView {
    /// Its number.
    pub version: u64,
    /// Whether it is live.
    pub is_live: bool,
    /// Who made it.
    pub by: String,
    /// When.
    pub moment: String,
    /// What changed, in counts.
    pub changed: String,
    /// What its maker says.
    pub note: String,
    /// How its shadow run ended.
    pub shadow: &'static str,
}

/// What became live.
#[derive(Debug, Clone, Default)]
pub(super) struct ActivationView {
    /// Which version.
    pub which: String,
    /// Who.
    pub by: String,
    /// When.
    pub moment: String,
    /// Why.
    pub why: String,
}

/// What a change of the live version would do.
#[derive(Debug, Clone, Default)]
pub(super) struct Confirmation {
    /// The version as the form carries it: a number, or `none`.
    pub version: String,
    /// What is asked.
    pub question: String,
    /// The newest activation that was seen.
    pub before: u64,
    /// Rows that would come and go, each table with the word for that.
    pub differences: Vec<(&'static str, TableView)>,
    /// Why it cannot be done without an admin; none where it can.
    pub obstacle: Option<String>,
    /// Whether the user may answer for it in writing.
    pub may_explain: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "site_pack.html")]
pub(super) struct PackPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether the user may change it.
    pub can_change: bool,
    /// What is live, in a sentence.
    pub live: String,
    /// Whether a version is live.
    pub is_any_live: bool,
    /// What of it this process does not use, or not yet; none where all is well.
    pub warning: Option<String>,
    /// What is to be confirmed.
    pub confirmation: Option<Confirmation>,
    /// The version that is shown; 0 where there is none.
    pub shown: u64,
    /// Whether its rows can be removed: it is the newest.
    pub is_newest: bool,
    /// Its tables.
    pub tables: Vec<TableView>,
    /// The versions.
    pub versions: Vec<VersionView>,
    /// What became live.
    pub activations: Vec<ActivationView>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
    /// The version to be shown.
    version: Option<u64>,
    /// The version that shall be live: a number, or `none`.
    activate: Option<String>,
}

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/site-pack", get(show))
        .route("/site-pack/activate", post(activate))
        .route("/site-pack/remove", post(remove))
}

fn title(table: PackTable) -> &'static str {
    match table {
        PackTable::Terms => text!("pack-terms"),
        PackTable::Suppressed => text!("pack-suppressed"),
        PackTable::Preferences => text!("pack-preferences"),
        PackTable::Thresholds => text!("pack-thresholds"),
    }
}

fn code(code: &ChosenCode) -> String {
    [code.code.as_str(), code.display.as_str()].join(" ").trim_end().to_owned()
}

fn row(words: &str, kind: EntryKind, said: String) -> RowView {
    RowView { words: words.to_owned(), kind: words::kind(kind), said }
}

/// The tables of a pack, in their order.
fn tables(pack: &SitePack) -> Vec<TableView> {
    let rows = |table| match table {
        PackTable::Terms => pack.terms.iter().map(|term| row(&term.words, term.kind, code(&term.code))).collect(),
        PackTable::Suppressed => {
            let said = |code_of: Option<&ChosenCode>, section: Option<&str>| {
                let code = code_of.map_or_else(|| text!("pack-any-code").to_owned(), code);
                let section = section.map_or_else(|| text!("pack-any-section").to_owned(), words::spaced);
                [code, section].join(", ")
            };
            let rows = pack.suppressed.iter();
            rows.map(|term| row(&term.words, term.kind, said(term.code.as_ref(), term.section.as_deref()))).collect()
        }
        PackTable::Preferences => {
            let said = |preferred: &ChosenCode, instead: Option<&ChosenCode>| match instead {
                Some(instead) => text!("pack-instead-of", code = code(preferred), other = code(instead)),
                None => code(preferred),
            };
            let rows = pack.preferences.iter();
            rows.map(|one| row(&one.words, one.kind, said(&one.code, one.instead_of.as_ref()))).collect()
        }
        PackTable::Thresholds => {
            let rows = pack.thresholds.iter();
            rows.map(|one| row("", one.kind, text!("pack-shown-from", percent = one.shown_from))).collect()
        }
    };
    PackTable::ALL.map(|table| TableView { name: table.as_str(), title: title(table), rows: rows(table) }).into()
}

/// The same without those that have no rows.
fn tables_with_rows(pack: &SitePack) -> Vec<TableView> {
    tables(pack).into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn version_view(version: PackVersion, live: Option<u64>, zone: &TimeZone) -> VersionView {
    VersionView {
        is_live: live == Some(version.version),
        version: version.version,
        by: version.by,
        moment: words::moment(version.at, zone),
        changed: version.changed,
        note: version.note,
        shadow: match version.shadow {
            None => text!("pack-no-shadow"),
            Some(run) if run.passed => text!("pack-shadow-passed"),
            Some(_) => text!("pack-shadow-not-passed"),
        },
    }
}

fn activation_view(activation: PackActivation, zone: &TimeZone) -> ActivationView {
    let reason = match activation.reason {
        ActivationReason::PassedShadowRun => text!("pack-because-passed").to_owned(),
        ActivationReason::GoingBack => text!("pack-because-back").to_owned(),
        ActivationReason::NoPack => text!("pack-because-none").to_owned(),
        ActivationReason::WithoutShadowRun => text!("pack-because-admin", words = activation.explanation),
    };
    ActivationView {
        which: version_words(activation.version),
        by: activation.by,
        moment: words::moment(activation.at, zone),
        why: reason,
    }
}

fn version_words(version: Option<u64>) -> String {
    version.map_or_else(|| text!("pack-none").to_owned(), |number| text!("pack-version", number = number))
}

/// Why something was not done.
fn why(problem: &PackError) -> String {
    match problem {
        PackError::Changed => text!("pack-changed").to_owned(),
        other => other.to_string(),
    }
}

/// The version that an address or a form names: a number, or `none`.
fn version_of(word: &str) -> Option<Option<u64>> {
    if word == "none" { Some(None) } else { word.parse().ok().map(Some) }
}

/// `GET /site-pack`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let notice = notice::lookup(address.notice.as_deref(), address.problem.as_deref());
    shown(&service, &session, (StatusCode::OK, notice), address).await
}

async fn shown(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    address: Address,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadSettings)?;
    let can_change = permits(user.role, Permission::ChangeSettings);
    let state = service.pack_state().await?;
    let newest = state.versions.first().map_or(0, |version| version.version);
    let shown = address.version.or(state.live).unwrap_or(newest);
    let pack = service.pack(shown).await?.map(|(_, pack)| pack);
    if pack.is_none() && address.version.is_some() {
        return Err(missing(session));
    }
    let confirmation = match address.activate.as_deref().filter(|_| can_change) {
        Some(word) => Some(confirmation(service, (session, &state), word).await?),
        None => None,
    };
    let zone = &service.time_zone;
    let view = PackPage {
        shell: Shell::of(session),
        notice,
        can_change,
        live: match state.live {
            Some(version) => text!("pack-is-live", version = version),
            None => text!("pack-none-is-live").to_owned(),
        },
        is_any_live: state.live.is_some(),
        warning: match (state.in_use == state.live, state.left_out) {
            (false, _) => Some(text!("pack-not-yet", version = version_words(state.in_use))),
            (true, 0) => None,
            (true, rows) => Some(text!("pack-left-out", rows = rows)),
        },
        confirmation,
        shown: if pack.is_some() { shown } else { 0 },
        is_newest: shown == newest,
        tables: tables(&pack.unwrap_or_default()),
        activations: state.activations.into_iter().map(|one| activation_view(one, zone)).collect(),
        versions: state.versions.into_iter().map(|version| version_view(version, state.live, zone)).collect(),
    };
    Ok(page(status, &view))
}

/// What making another version live would change, and whether it may be done.
async fn confirmation(
    service: &Service,
    (session, state): (&Session, &PackState),
    word: &str,
) -> Result<Confirmation, Refusal> {
    let wanted = version_of(word).ok_or_else(|| missing(session))?;
    let rows = async |version: Option<u64>| match version {
        None => Ok::<_, Refusal>((None, SitePack::default())),
        Some(number) => {
            let (version, pack) = service.pack(number).await?.ok_or_else(|| missing(session))?;
            Ok((Some(version), pack))
        }
    };
    let ((version, then), (_, now)) = (rows(wanted).await?, rows(state.live).await?);
    let obstacle = version.filter(|version| !version.was_live).and_then(|version| match version.shadow {
        Some(run) if run.passed => None,
        Some(_) => Some(PackError::NotPassed(version.version).to_string()),
        None => Some(PackError::NoShadowRun(version.version).to_string()),
    });
    let comes = tables_with_rows(&then.only_here(&now)).into_iter().map(|table| (text!("pack-comes"), table));
    let goes = tables_with_rows(&now.only_here(&then)).into_iter().map(|table| (text!("pack-goes"), table));
    Ok(Confirmation {
        version: word.to_owned(),
        question: match wanted {
            Some(version) => text!("pack-make-live", version = version),
            None => text!("pack-make-none-live").to_owned(),
        },
        before: state.activations.first().map_or(0, |activation| activation.number),
        differences: comes.chain(goes).collect(),
        may_explain: obstacle.is_some() && session.user.role == Role::Admin,
        obstacle,
    })
}

/// What shall be live.
#[derive(Deserialize)]
pub(super) struct ActivateForm {
    version: String,
    /// The newest activation that was seen.
    #[serde(default)]
    before: String,
    /// What an admin writes who answers for it.
    #[serde(default)]
    explanation: String,
}

/// `POST /site-pack/activate`
pub(super) async fn activate(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<ActivateForm>,
) -> Answer {
    let user = session.may(Permission::ChangeSettings)?;
    let version = version_of(&form.version).ok_or_else(|| missing(&session))?;
    let before = form.before.parse().map_err(|_| missing(&session))?;
    let explanation = Some(form.explanation.trim()).filter(|words| !words.is_empty()).map(str::to_owned);
    let wanted = Activate { before: Some(before), version, without_shadow_run: explanation };
    match service.activate_pack(user, wanted).await {
        Ok(()) => Ok(Redirect::to("/site-pack?notice=pack_live").into_response()),
        Err(PackError::Store(error)) => Err(error.into()),
        Err(problem) => {
            let address = Address { activate: Some(form.version), ..Address::default() };
            let notice = Some(Notice::refusing(why(&problem)));
            shown(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, notice), address).await
        }
    }
}

/// The row that shall go.
#[derive(Deserialize)]
pub(super) struct RemoveForm {
    /// The version that was seen.
    version: String,
    #[serde(default)]
    table: String,
    /// Its place in the table.
    #[serde(default)]
    row: String,
}

/// `POST /site-pack/remove`
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<RemoveForm>,
) -> Answer {
    let user = session.may(Permission::ChangeSettings)?;
    let unreadable = || missing(&session);
    let before = form.version.parse().map_err(|_| unreadable())?;
    let table = form.table.parse().map_err(|()| unreadable())?;
    let place = form.row.parse().map_err(|_| unreadable())?;
    match service.remove_pack_row(user, before, (table, place)).await {
        Ok(version) => Ok(Redirect::to(&format!("/site-pack?version={version}&notice=pack_kept")).into_response()),
        Err(PackError::Store(error)) => Err(error.into()),
        Err(problem) => {
            let notice = Some(Notice::refusing(why(&problem)));
            shown(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, notice), Address::default()).await
        }
    }
}
