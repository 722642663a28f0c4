//! `/settings/people`: who may sign in, as what, and with what. Adding, changing, disabling; codes and tokens are shown once.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    entry::Choice,
    label_words,
    notice::Notice,
    session::{Posted, Proved, Session},
    shell::{Refusal, Shell, missing, page},
    site_lists::Address,
    words,
};
use crate::{
    auth::Permission,
    domain::{Role, Sensitivities, Sensitivity, User},
    service::{AccountError, Accounts, NewToken, Service, actor},
    store::{TokenRecord, TryKind},
};

/// A person of the list.
#[derive(Debug, Clone)]
pub(super) struct PersonRow {
    /// Login name.
    pub name: String,
    /// Role.
    pub role: &'static str,
    /// What they are limited to.
    pub scope: String,
    /// Whether they may see restricted notes.
    pub sees_restricted: bool,
    /// Whether they may not sign in.
    pub disabled: bool,
}

impl PersonRow {
    /// Their row.
    pub(super) fn of(user: &User) -> Self {
        let scope: Vec<&str> =
            [&user.facility, &user.department, &user.source].into_iter().flatten().map(String::as_str).collect();
        Self {
            name: user.name.clone(),
            role: words::user_role(user.role),
            scope: if scope.is_empty() { text!("settings-sees-everything").to_owned() } else { scope.join(", ") },
            sees_restricted: user.sees_restricted,
            disabled: user.disabled,
        }
    }
}

/// What the fields of a person hold.
#[derive(Debug, Clone, Default)]
pub(super) struct PersonFields {
    /// The roles, their own chosen.
    pub roles: Vec<Choice>,
    /// The system that a submitter speaks for.
    pub source: String,
    /// Facility.
    pub facility: String,
    /// Department.
    pub department: String,
    /// Whether they may see restricted notes.
    pub sees_restricted: bool,
    /// The labels, those that they are cleared for chosen.
    pub clearances: Vec<Choice>,
}

impl PersonFields {
    fn of(role: Role, user: Option<&User>) -> Self {
        let text = |field: fn(&User) -> &Option<String>| user.and_then(|user| field(user).clone()).unwrap_or_default();
        Self {
            roles: Role::ALL
                .map(|one| Choice { value: one.as_str(), label: words::user_role(one), current: one == role })
                .into(),
            source: text(|user| &user.source),
            facility: text(|user| &user.facility),
            department: text(|user| &user.department),
            sees_restricted: user.is_some_and(|user| user.sees_restricted),
            clearances: Sensitivity::ALL
                .map(|kind| Choice {
                    value: kind.as_str(),
                    label: label_words::sensitivity(kind),
                    current: user.is_some_and(|user| user.clearances.cover(Sensitivities::from_iter([kind]))),
                })
                .into(),
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct PeoplePage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The people, by name.
    pub people: Vec<PersonRow>,
    /// The name of another one, as typed.
    pub name: String,
    /// The rest of them, as typed.
    pub fields: PersonFields,
}

/// A token of a person.
#[derive(Debug, Clone)]
pub(super) struct TokenRow {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub label: String,
    /// What it opens.
    pub kind: &'static str,
    /// Since when, and until when.
    pub made: String,
    /// Until when.
    pub until: String,
    /// When it was used last; empty when never.
    pub used: String,
}

/// One person.
#[derive(Template)]
#[template(path = "person.html")]
pub(super) struct PersonPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Who.
    pub person: PersonRow,
    /// What may be changed of them.
    pub fields: PersonFields,
    /// Whether it is the administrator who looks.
    pub is_oneself: bool,
    /// Whether they have a password.
    pub has_password: bool,
    /// Whether they have a second factor.
    pub has_factor: bool,
    /// Until when their next try waits; empty when it does not.
    pub locked_until: String,
    /// What works for them now.
    pub tokens: Vec<TokenRow>,
    /// How many records are known to be their own.
    pub own_records: u64,
    /// A code or token that was just made.
    pub made: Option<Made>,
}

/// A code or token that is shown once.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Itself.
    pub secret: String,
    /// Whether it is a code for the pages.
    pub is_sign_in: bool,
}

/// `GET /settings/people`
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let fields = PersonFields::of(Role::Coder, None);
    listed(&service, &session, (StatusCode::OK, address.notice()), (String::new(), fields)).await
}

async fn listed(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    (name, fields): (String, PersonFields),
) -> Answer {
    session.may(Permission::ManageAccounts)?;
    let people = service.store.users().await?.iter().map(PersonRow::of).collect();
    Ok(page(status, &PeoplePage { shell: Shell::of(session), notice, people, name, fields }))
}

/// The fields of a person.
#[derive(Deserialize)]
pub(super) struct PersonForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    facility: String,
    #[serde(default)]
    department: String,
    /// Not empty: they may.
    #[serde(default)]
    sees_restricted: String,
    /// What is to be done with a person: `change`, `disable`, `enable`, `remove_password`, `remove_factor`, `unlock`, `sign_in`, `token`, `revoke`,
    /// `own_record` or `no_own_record`.
    #[serde(default)]
    action: String,
    /// What a token is for.
    #[serde(default)]
    label: String,
    /// How many days it works; empty = always.
    #[serde(default)]
    days: String,
    /// The token that is revoked.
    #[serde(default)]
    token: String,
    /// The number of a record that is the person's own.
    #[serde(default)]
    record: String,
}

impl PersonForm {
    fn user(&self, service: &Service, name: &str, fields: &[(String, String)]) -> Result<User, Refusal> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let role: Role = self.role.parse().map_err(|_| unreadable())?;
        Ok(User {
            source: some(&self.source),
            facility: some(&self.facility),
            department: some(&self.department),
            sees_restricted: !self.sees_restricted.is_empty(),
            clearances: cleared(fields)?,
            ..User::new(service.surroundings.new_id(), name, role)
        })
    }
}

/// The labels whose boxes are ticked.
fn cleared(fields: &[(String, String)]) -> Result<Sensitivities, Refusal> {
    let ticked = fields.iter().filter(|(name, _)| name == "clearance");
    ticked.map(|(_, kind)| kind.parse::<Sensitivity>().map_err(|_| unreadable())).collect()
}

fn unreadable() -> Refusal {
    super::shell::refused(StatusCode::BAD_REQUEST, text!("form-unreadable"))
}

/// Why nothing was done, in words for the page.
fn why(error: AccountError) -> Result<String, Refusal> {
    Ok(match error {
        AccountError::Name => text!("people-problem-name").to_owned(),
        AccountError::Taken(name) => text!("people-problem-taken", name = name),
        AccountError::Unknown(name) => text!("people-problem-unknown", name = name),
        AccountError::SourceMissing => text!("people-problem-source").to_owned(),
        AccountError::Record => text!("people-problem-record").to_owned(),
        AccountError::Scope => text!("people-problem-scope").to_owned(),
        AccountError::Disabled(name) => text!("people-problem-disabled", name = name),
        AccountError::Oneself => text!("people-problem-oneself").to_owned(),
        AccountError::Days => text!("people-problem-days").to_owned(),
        AccountError::NoToken => text!("people-problem-no-token").to_owned(),
        AccountError::Store(error) => return Err(error.into()),
    })
}

/// `POST /settings/people`: another person.
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, fields: posted, .. }): Proved<PersonForm>,
) -> Answer {
    let admin = session.may(Permission::ManageAccounts)?;
    let accounts = Accounts { store: &*service.store, surroundings: &service.surroundings, actor: actor(admin) };
    let user = form.user(&service, form.name.trim(), &posted)?;
    let fields = PersonFields::of(user.role, Some(&user));
    match accounts.add(user).await {
        Ok(()) => Ok(Redirect::to(&format!("/settings/people/{}?notice=person_added", form.name.trim())).into_response()),
        Err(error) => {
            let notice = Some(Notice::refusing(why(error)?));
            listed(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, notice), (form.name.clone(), fields)).await
        }
    }
}

/// `GET /settings/people/{name}`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(name): Path<String>,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    shown(&service, &session, &name, (StatusCode::OK, address.notice()), (None, None)).await
}

async fn shown(
    service: &Service,
    session: &Session,
    name: &str,
    (status, notice): (StatusCode, Option<Notice>),
    (made, typed): (Option<Made>, Option<PersonFields>),
) -> Answer {
    let admin = session.may(Permission::ManageAccounts)?;
    let Some(user) = service.store.user_named(name).await? else { return Err(missing(session)) };
    let now = service.surroundings.now();
    let works = |token: &TokenRecord| token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now);
    let tokens = service.store.tokens(user.id).await?;
    let own_records = service.store.own_records(user.id).await?;
    let credentials = service.store.credentials(user.id).await?;
    let mut locked = None;
    for kind in [TryKind::Password, TryKind::SecondFactor] {
        locked = locked.max(service.store.blocked_until(kind, &user.name, now).await?);
    }
    let view = PersonPage {
        own_records,
        shell: Shell::of(session),
        notice,
        person: PersonRow::of(&user),
        fields: typed.unwrap_or_else(|| PersonFields::of(user.role, Some(&user))),
        is_oneself: admin.id == user.id,
        has_password: credentials.password.is_some(),
        has_factor: credentials.confirmed_factor().is_some(),
        locked_until: locked.map_or_else(String::new, |at| words::clock(at, &service.time_zone)),
        tokens: tokens
            .into_iter()
            .filter(works)
            .map(|token| TokenRow {
                id: token.id,
                kind: words::token_kind(token.kind),
                made: words::moment(token.created_at, &service.time_zone),
                until: token.expires_at.map_or_else(String::new, |at| words::moment(at, &service.time_zone)),
                used: token.used_at.map_or_else(String::new, |at| words::moment(at, &service.time_zone)),
                label: token.label,
            })
            .collect(),
        made,
    };
    Ok(page(status, &view))
}

/// `POST /settings/people/{name}`: what is to be done with the person.
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Proved(Posted { session, form, fields: posted, .. }): Proved<PersonForm>,
) -> Answer {
    let admin = session.may(Permission::ManageAccounts)?;
    let accounts = Accounts { store: &*service.store, surroundings: &service.surroundings, actor: actor(admin) };
    let done = match form.action.as_str() {
        "change" => accounts.change(form.user(&service, &name, &posted)?).await.map(|()| None),
        "own_record" => accounts.add_own_record(&name, (&form.source, &form.record)).await.map(|()| None),
        "no_own_record" => accounts.remove_own_records(&name).await.map(|()| None),
        "disable" => accounts.set_disabled(&name, true).await.map(|()| None),
        "enable" => accounts.set_disabled(&name, false).await.map(|()| None),
        "revoke" => {
            let id: Uuid = form.token.parse().map_err(|_| unreadable())?;
            let user = service.store.user_named(&name).await?.ok_or_else(|| missing(&session))?;
            if !service.store.tokens(user.id).await?.iter().any(|token| token.id == id) {
                return Err(missing(&session));
            }
            accounts.revoke_token(id).await.map(|_| None)
        }
        "remove_password" => accounts.remove_password(&name).await.map(|()| None),
        "remove_factor" => accounts.remove_factor(&name).await.map(|()| None),
        "unlock" => accounts.unlock(&name).await.map(|()| None),
        "sign_in" => accounts.add_token(&name, NewToken::sign_in()).await.map(Some),
        "token" => {
            let days = Some(form.days.trim()).filter(|days| !days.is_empty());
            match days.map(|days| days.parse().map_err(|_| AccountError::Days)).transpose() {
                Ok(days) => match NewToken::api(form.label.trim().chars().take(80).collect(), days) {
                    Ok(new) => accounts.add_token(&name, new).await.map(Some),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            }
        }
        _ => return Err(unreadable()),
    };
    match done {
        Ok(None) => Ok(Redirect::to(&format!("/settings/people/{name}?notice=saved")).into_response()),
        Ok(Some(secret)) => {
            let made = Made { secret, is_sign_in: form.action == "sign_in" };
            shown(&service, &session, &name, (StatusCode::OK, None), (Some(made), None)).await
        }
        Err(error) => {
            let notice = Some(Notice::refusing(why(error)?));
            let typed = match form.action.as_str() {
                "change" => form.user(&service, &name, &posted).ok().map(|user| PersonFields::of(user.role, Some(&user))),
                _ => None,
            };
            shown(&service, &session, &name, (StatusCode::UNPROCESSABLE_ENTITY, notice), (None, typed)).await
        }
    }
}
