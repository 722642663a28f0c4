//! `/settings/templates`: the templates that queries are drafted from, each held against the rules of a compliant query before it is kept.

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
    entry::Choice,
    notice::Notice,
    queries::kind_words,
    session::{Posted, Proved, Session},
    shell::{Refusal, Shell, page},
    site_lists::{Address, VersionView, versions, why},
};
use crate::{
    auth::{Permission, permits},
    coding::queries::SiteTemplate,
    domain::{QueryKind, SiteListVersion},
    service::{ListError, Service},
};

/// A template as it is edited.
#[derive(Debug, Clone, Default)]
pub(super) struct TemplateView {
    /// Its key; empty = a new one.
    pub key: String,
    /// The kinds, its own chosen.
    pub kinds: Vec<Choice>,
    /// Beginnings of codes, with spaces between.
    pub codes: String,
    /// Its title.
    pub title: String,
    /// Its question.
    pub question: String,
    /// Its choices, one a line.
    pub choices: String,
    /// Whether it is offered.
    pub offered: bool,
    /// Whether the site has made it its own.
    pub own: bool,
    /// Why what was typed was not kept.
    pub problem: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "site_templates.html")]
pub(super) struct TemplatesPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether the user may change them.
    pub can_change: bool,
    /// The version of the site's own.
    pub version: u64,
    /// The templates, and an empty one.
    pub templates: Vec<TemplateView>,
    /// The versions, the newest first.
    pub versions: Vec<VersionView>,
}

fn kinds(chosen: Option<QueryKind>) -> Vec<Choice> {
    let choice = |kind: QueryKind| Choice { value: kind.as_str(), label: kind_words(kind), current: chosen == Some(kind) };
    QueryKind::ALL.map(choice).into()
}

fn view(template: &SiteTemplate, own: bool) -> TemplateView {
    TemplateView {
        key: template.key.clone(),
        kinds: kinds(Some(template.kind)),
        codes: template.codes.join(" "),
        title: template.title.clone(),
        question: template.question.clone(),
        choices: template.choices.join("\n"),
        offered: !template.withdrawn,
        own,
        problem: None,
    }
}

/// What a kept version says: a line a template.
fn lines_of(version: &SiteListVersion) -> String {
    let templates: Vec<SiteTemplate> = serde_json::from_str(&version.body).unwrap_or_default();
    let line = |one: &SiteTemplate| {
        let key = if one.withdrawn { text!("templates-key-not-offered", key = one.key) } else { one.key.clone() };
        format!("{key}: {} · {} · {}", one.title, one.question, one.choices.join(" | "))
    };
    templates.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `GET /settings/templates`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    shown(&service, &session, (StatusCode::OK, address.notice()), None).await
}

/// The page; `typed` is what was typed and not kept, and why.
async fn shown(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    typed: Option<(TemplateView, String)>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadSettings)?;
    let own = service.site_templates().await?;
    let pipeline = service.engine.pipeline();
    let shipped = pipeline.queries().templates();
    let mut templates: Vec<TemplateView> = shipped
        .iter()
        .map(|template| match own.list.iter().find(|one| one.key == template.key) {
            Some(one) => view(one, true),
            None => view(&template.into(), false),
        })
        .collect();
    let added = own.list.iter().filter(|one| !shipped.iter().any(|template| template.key == one.key));
    templates.extend(added.map(|one| view(one, true)));
    templates.push(TemplateView { kinds: kinds(None), offered: true, ..TemplateView::default() });
    if let Some((typed, problem)) = typed {
        let place = templates.iter_mut().find(|one| one.key == typed.key);
        let typed = TemplateView { problem: Some(problem), ..typed };
        match place {
            Some(place) => *place = typed,
            None => templates.extend([typed]),
        }
    }
    let view = TemplatesPage {
        shell: Shell::of(session),
        notice,
        can_change: permits(user.role, Permission::ChangeSettings),
        version: own.version,
        templates,
        versions: versions(&own.versions, &service.time_zone, lines_of),
    };
    Ok(page(status, &view))
}

/// The form of one template.
#[derive(Deserialize)]
pub(super) struct TemplateForm {
    /// The version that was edited.
    version: String,
    #[serde(default)]
    key: String,
    kind: String,
    #[serde(default)]
    codes: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    question: String,
    #[serde(default)]
    choices: String,
    /// Empty: it is offered no more.
    #[serde(default)]
    offered: String,
}

impl TemplateForm {
    fn template(&self, kind: QueryKind) -> SiteTemplate {
        let lines = self.choices.lines().map(str::trim).filter(|line| !line.is_empty());
        SiteTemplate {
            key: self.key.trim().to_owned(),
            kind,
            codes: self.codes.split_whitespace().map(str::to_uppercase).collect(),
            title: self.title.trim().to_owned(),
            question: self.question.trim().to_owned(),
            choices: lines.map(str::to_owned).collect(),
            withdrawn: self.offered.is_empty(),
        }
    }
}

/// `POST /settings/templates`
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<TemplateForm>,
) -> Answer {
    let user = session.may(Permission::ChangeSettings)?;
    let (Ok(kind), Ok(version)) = (form.kind.parse::<QueryKind>(), form.version.parse::<u64>()) else {
        return Ok(Redirect::to("/settings/templates?problem=invalid").into_response());
    };
    let template = form.template(kind);
    let mut own = service.site_templates().await?.list;
    match own.iter_mut().find(|one| one.key == template.key) {
        Some(one) => *one = template.clone(),
        None => own.push(template.clone()),
    }
    match service.set_templates(user, version, &own).await {
        Ok(()) => Ok(Redirect::to("/settings/templates?notice=saved").into_response()),
        Err(ListError::Store(error)) => Err(error.into()),
        Err(problem @ (ListError::Unusable(_) | ListError::Changed)) => {
            let typed = view(&template, true);
            shown(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, None), Some((typed, why(problem)))).await
        }
    }
}
