//! `/codes`: the code book, to search and to browse from the chapters down.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    notice::{self, Notice},
    session::Session,
    shell::{Refusal, Shell, failed, page},
    words,
};
use crate::{
    auth::Permission,
    service::{Service, find_codes},
    vocabulary::{
        Block, BlockEntry, Code, CodeAnswer, CodeEntry, CodeNote, Edition, FoundBy, NoteKind, RetiredCode, Vocabulary,
    },
};

/// Codes shown for a query.
const SHOWN: usize = 50;
/// Longest query, in bytes; what is longer is cut.
const LONGEST: usize = 200;
/// Paths of the index, and substances, shown for a code.
const PATHS: usize = 40;
/// Substances shown for a query.
const SUBSTANCES: usize = 5;

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
    /// What else must be known of it: that it is retired, that it stands for a retired one.
    pub remark: Option<String>,
    /// Payment categories.
    pub hcc: String,
}

/// A chapter or block.
#[derive(Debug, Clone)]
pub(super) struct BlockRow {
    /// Its range.
    pub range: String,
    /// Number of a chapter; empty for a block.
    pub chapter: String,
    /// Its title.
    pub title: String,
}

/// A substance with a code for each way in which it did harm; empty where there is none.
#[derive(Debug, Clone)]
pub(super) struct SubstanceRow {
    /// The substance.
    pub substance: String,
    /// How it did harm, and the code.
    pub codes: Vec<(&'static str, String)>,
}

/// The page of a search, or the chapters.
#[derive(Template)]
#[template(path = "codes.html")]
pub(super) struct SearchPage {
    pub shell: Shell,
    pub edition: String,
    pub query: String,
    /// How the codes were found, where it was not by the words themselves.
    pub how: &'static str,
    pub rows: Vec<CodeRow>,
    pub substances: Vec<SubstanceRow>,
    pub chapters: Vec<BlockRow>,
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
pub(super) struct CodePage {
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    pub query: String,
    pub code: CodeRow,
    /// Whether it is one of the user's favourites; none where it cannot be.
    pub favourite: Option<bool>,
    /// In which editions it is valid, as sentences.
    pub editions: Vec<String>,
    pub retired: bool,
    pub replaced_by: Vec<CodeRow>,
    pub replaces: String,
    pub blocks: Vec<BlockRow>,
    pub parents: Vec<CodeRow>,
    pub children: Vec<CodeRow>,
    pub notes: Vec<NoteGroup>,
    pub seventh_characters: Vec<(char, String)>,
    /// Paths of the index that lead to it.
    pub paths: Vec<String>,
    pub more_paths: usize,
    /// Substances of the Table of Drugs that lead to it.
    pub substances: Vec<String>,
}

/// The page of a chapter or block.
#[derive(Template)]
#[template(path = "code_block.html")]
pub(super) struct BlockPage {
    pub shell: Shell,
    pub edition: String,
    pub query: String,
    pub block: BlockRow,
    pub around: Vec<BlockRow>,
    pub below: Vec<BlockRow>,
    pub categories: Vec<CodeRow>,
    pub notes: Vec<NoteGroup>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CodeAddress {
    query: Option<String>,
    notice: Option<String>,
}

fn row(edition: &Edition, code: &Code) -> CodeRow {
    let (v24, v28) = edition.notes.categories(&code.code).unwrap_or_default();
    let parts = [("V24", v24), ("V28", v28)].into_iter().filter(|(_, category)| !category.is_empty());
    CodeRow {
        code: code.code.clone(),
        title: code.title.clone(),
        billable: code.billable,
        matched: None,
        remark: None,
        hcc: parts.map(|(version, category)| format!("{version} {category}")).collect::<Vec<_>>().join(", "),
    }
}

fn block_row(block: &Block) -> BlockRow {
    let chapter = block.chapter.map(|number| number.to_string()).unwrap_or_default();
    BlockRow { range: block.range.clone(), chapter, title: block.title.clone() }
}

fn groups(notes: &[&CodeNote], at: &str) -> Vec<NoteGroup> {
    let of_kind = |kind: NoteKind| {
        let notes = notes.iter().filter(|note| note.kind == kind);
        let notes: Vec<_> = notes.map(|note| (note.text.clone(), (note.code != at).then(|| note.code.clone()))).collect();
        (!notes.is_empty()).then(|| NoteGroup { title: words::note_kind(kind), notes })
    };
    NoteKind::ALL.into_iter().filter_map(of_kind).collect()
}

/// The rows of a search, and how they were found.
fn search_rows(service: &Service, query: &str) -> (Vec<CodeRow>, Vec<SubstanceRow>, &'static str) {
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let hits = find_codes(&pipeline, query, SHOWN);
    let how = match hits.first().map(|hit| hit.found_by) {
        Some(FoundBy::Spelling) => text!("codes-by-spelling"),
        Some(FoundBy::Meaning) => text!("codes-by-meaning"),
        Some(FoundBy::PartOfWords) => text!("codes-by-part"),
        Some(FoundBy::Code | FoundBy::Replacement | FoundBy::Words) | None => "",
    };
    let newest = vocabulary.editions.newest();
    let rows = hits.into_iter().map(|hit| CodeRow {
        matched: (!hit.matched.eq_ignore_ascii_case(&hit.code.title)).then(|| hit.matched.to_owned()),
        remark: match hit.found_by {
            FoundBy::Replacement => Some(text!("codes-for-retired").to_owned()),
            _ if hit.edition.name != newest.name => Some(text!("codes-last-valid", edition = hit.edition.name)),
            _ => None,
        },
        ..row(hit.edition, hit.code)
    });
    let rows = rows.collect();
    let substances = vocabulary.find_substances(query, SUBSTANCES).into_iter().map(|poisoning| SubstanceRow {
        substance: poisoning.substance.clone(),
        codes: poisoning.codes().map(|(intent, code)| (words::intent(intent), code.to_owned())).collect(),
    });
    (rows, substances.collect(), how)
}

/// Leaves of a query what is read of it.
pub(super) fn cut(query: &mut String) {
    let at = (0..=LONGEST.min(query.len())).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
    query.truncate(at);
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
    cut(&mut query);
    if let Some(entry) = vocabulary.look_up_block(&query) {
        return Ok(page(StatusCode::OK, &block_page(&session, vocabulary, &entry)));
    }
    let (rows, substances, how) = if query.trim().is_empty() {
        (Vec::new(), Vec::new(), "")
    } else {
        let (service, query) = (Arc::clone(&service), query.clone());
        tokio::task::spawn_blocking(move || search_rows(&service, &query)).await.map_err(|_| failed())?
    };
    let chapters = if query.trim().is_empty() { vocabulary.blocks.chapters().map(block_row).collect() } else { Vec::new() };
    let edition = vocabulary.editions.newest().name.clone();
    Ok(page(StatusCode::OK, &SearchPage { shell: Shell::of(&session), edition, query, how, rows, substances, chapters }))
}

/// `GET /codes/{code}`: a code, a chapter or a block.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(code): Path<String>,
    Query(address): Query<CodeAddress>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let favourites = service.store.preferences(user.id).await?.favourites;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    if let Some(entry) = vocabulary.look_up_block(&code) {
        return Ok(page(StatusCode::OK, &block_page(&session, vocabulary, &entry)));
    }
    match vocabulary.look_up_code(&code) {
        Some(CodeAnswer::Code(entry)) => {
            let mut view = code_page(&session, vocabulary, &entry);
            view.favourite = view.favourite.map(|_| favourites.iter().any(|known| known.code == entry.code.code));
            view.notice = notice::lookup(address.notice.as_deref(), None);
            Ok(page(StatusCode::OK, &view))
        }
        Some(CodeAnswer::Retired(retired)) => Ok(page(StatusCode::OK, &retired_page(&session, vocabulary, retired))),
        None => Ok(page(
            StatusCode::NOT_FOUND,
            &SearchPage {
                shell: Shell::of(&session),
                edition: vocabulary.editions.newest().name.clone(),
                query: code,
                how: text!("codes-unknown"),
                rows: Vec::new(),
                substances: Vec::new(),
                chapters: Vec::new(),
            },
        )),
    }
}

fn block_page(session: &Session, vocabulary: &Vocabulary, entry: &BlockEntry<'_>) -> BlockPage {
    let newest = vocabulary.editions.newest();
    BlockPage {
        shell: Shell::of(session),
        edition: newest.name.clone(),
        query: String::new(),
        block: block_row(entry.block),
        around: entry.around.iter().map(|block| block_row(block)).collect(),
        below: entry.below.iter().map(|block| block_row(block)).collect(),
        categories: entry.categories.iter().map(|code| row(newest, code)).collect(),
        notes: groups(&entry.notes, &entry.block.range),
    }
}

fn code_page(session: &Session, vocabulary: &Vocabulary, entry: &CodeEntry<'_>) -> CodePage {
    let rows = |codes: &[&Code]| codes.iter().map(|code| row(entry.edition, code)).collect();
    let editions = entry.editions.iter().map(|one| {
        let said = match one.code {
            Some(code) if code.billable => text!("codes-on-claim"),
            Some(_) => text!("codes-not-on-claim"),
            None => text!("codes-not-had"),
        };
        let (first, last) = (one.edition.first_day.to_string(), one.edition.last_day.to_string());
        text!("codes-in-edition", edition = one.edition.name, first = first, last = last, what = said)
    });
    CodePage {
        shell: Shell::of(session),
        notice: None,
        query: String::new(),
        code: row(entry.edition, entry.code),
        favourite: (entry.code.billable && !entry.is_retired()).then_some(false),
        editions: editions.collect(),
        retired: entry.is_retired(),
        replaced_by: entry.replaced_by.iter().map(|code| row(vocabulary.editions.newest(), code)).collect(),
        replaces: entry.replaces.join(", "),
        blocks: entry.blocks.iter().map(|block| block_row(block)).collect(),
        parents: rows(&entry.parents),
        children: rows(&entry.children),
        notes: groups(&entry.notes, &entry.code.code),
        seventh_characters: entry
            .seventh_characters
            .iter()
            .map(|(character, meaning)| (*character, (*meaning).to_owned()))
            .collect(),
        paths: entry.paths.iter().take(PATHS).map(|path| path.path.clone()).collect(),
        more_paths: entry.paths.len().saturating_sub(PATHS),
        substances: entry
            .substances
            .iter()
            .take(PATHS)
            .map(|(poisoning, intent)| format!("{} ({})", poisoning.substance, words::intent(*intent)))
            .collect(),
    }
}

fn retired_page(session: &Session, vocabulary: &Vocabulary, retired: RetiredCode<'_>) -> CodePage {
    let newest = vocabulary.editions.newest();
    let editions = vocabulary.editions.all().map(|edition| text!("codes-edition-without", edition = edition.name));
    CodePage {
        shell: Shell::of(session),
        notice: None,
        query: String::new(),
        code: CodeRow { code: retired.code, ..CodeRow::default() },
        favourite: None,
        editions: editions.collect(),
        retired: true,
        replaced_by: retired.replaced_by.iter().map(|code| row(newest, code)).collect(),
        replaces: String::new(),
        blocks: Vec::new(),
        parents: Vec::new(),
        children: Vec::new(),
        notes: Vec::new(),
        seventh_characters: Vec::new(),
        paths: Vec::new(),
        more_paths: 0,
        substances: Vec::new(),
    }
}
