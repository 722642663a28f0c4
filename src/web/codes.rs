//! `/codes`: the code book, to search and to browse.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    session::Session,
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::Permission,
    service::Service,
    vocabulary::{Code, NoteKind, Vocabulary},
};

/// Codes shown for a query.
const SHOWN: usize = 50;
/// Longest query, in bytes; what is longer is cut.
const LONGEST: usize = 200;

/// Paths of the index shown for a code.
const PATHS: usize = 40;

/// One code.
#[derive(Debug, Clone, Default)]
pub(super) struct CodeRow {
    /// The code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Whether it may stand on a claim.
    pub billable: bool,
    /// The words that found it, where they are not its title.
    pub matched: Option<String>,
    /// Payment categories.
    pub hcc: String,
}

/// The page of a search.
#[derive(Template)]
#[template(path = "codes.html")]
struct SearchPage {
    shell: Shell,
    edition: String,
    query: String,
    rows: Vec<CodeRow>,
}

/// Notes of one kind.
#[derive(Debug, Clone)]
pub(super) struct NoteGroup {
    /// What they say.
    pub title: &'static str,
    /// The words and, where it is one above, the code they stand at.
    pub notes: Vec<(String, Option<String>)>,
}

/// The page of a code.
#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    edition: String,
    query: String,
    code: CodeRow,
    parents: Vec<CodeRow>,
    children: Vec<CodeRow>,
    notes: Vec<NoteGroup>,
    /// Paths of the index that lead to it.
    paths: Vec<String>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CodeAddress {
    query: Option<String>,
}

fn row(vocabulary: &Vocabulary, code: &Code) -> CodeRow {
    let (v24, v28) = vocabulary.notes().categories(&code.code).unwrap_or_default();
    let parts = [("V24", v24), ("V28", v28)].into_iter().filter(|(_, category)| !category.is_empty());
    CodeRow {
        code: code.code.clone(),
        title: code.title.clone(),
        billable: code.billable,
        matched: None,
        hcc: parts.map(|(version, category)| format!("{version} {category}")).collect::<Vec<_>>().join(", "),
    }
}

/// `GET /codes?query=`
pub(super) async fn search(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<CodeAddress>,
) -> Result<Response, Refusal> {
    session.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let mut query = address.query.unwrap_or_default();
    let cut = (0..=LONGEST.min(query.len())).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
    query.truncate(cut);
    let found = if query.trim().is_empty() { Vec::new() } else { vocabulary.find_codes(&query, SHOWN) };
    let rows = found.into_iter().map(|hit| CodeRow {
        matched: (!hit.matched.eq_ignore_ascii_case(&hit.code.title)).then(|| hit.matched.to_owned()),
        ..row(vocabulary, hit.code)
    });
    let rows = rows.collect();
    Ok(page(
        StatusCode::OK,
        &SearchPage { shell: Shell::of(&session), edition: vocabulary.editions.newest().name.clone(), query, rows },
    ))
}

/// `GET /codes/{code}`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(code): Path<String>,
) -> Result<Response, Refusal> {
    session.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let entry = vocabulary.code_entry(&code).ok_or_else(|| missing(&session))?;
    let notes = NoteKind::ALL.into_iter().filter_map(|kind| {
        let of_kind = entry.notes.iter().filter(|note| note.kind == kind);
        let notes: Vec<_> =
            of_kind.map(|note| (note.text.clone(), (note.code != entry.code.code).then(|| note.code.clone()))).collect();
        (!notes.is_empty()).then(|| NoteGroup { title: words::note_kind(kind), notes })
    });
    let view = CodePage {
        shell: Shell::of(&session),
        edition: vocabulary.editions.newest().name.clone(),
        query: String::new(),
        code: row(vocabulary, entry.code),
        parents: entry.parents.iter().map(|parent| row(vocabulary, parent)).collect(),
        paths: entry.paths.iter().take(PATHS).map(|path| path.path.clone()).collect(),
        children: entry.children.iter().map(|child| row(vocabulary, child)).collect(),
        notes: notes.collect(),
    };
    Ok(page(StatusCode::OK, &view))
}
