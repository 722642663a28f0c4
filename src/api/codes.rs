//! `/v1/codes`: the code book, by words and by code; `/v1/code-blocks`: from the chapters down.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError, Caller, ProblemBody,
    body::{Parameters, Word},
};
use crate::{
    auth::Permission,
    domain::system,
    service::{Service, find_codes as find_in_book},
    vocabulary::{
        Block, BlockEntry, Code, CodeAnswer, CodeEntry, CodeNote, Edition, Intent, Poisoning, RetiredCode, Vocabulary,
    },
};

/// Most codes of one answer.
const MOST: usize = 100;
/// Longest query, in bytes.
const LONGEST: usize = 200;
/// Most substances of the Table of Drugs in one answer.
const SUBSTANCES: usize = 10;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeParameters {
    /// Words ("sugar diabetes", "fx hip"), or a code or its beginning ("E11", "e112").
    #[param(max_length = 200)]
    query: String,
    /// At most so many codes, 1 to 100; 20 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
}

/// A code of the book.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeBody {
    /// Code system URI.
    system: &'static str,
    /// The code.
    code: String,
    /// Its title; empty for a code of an edition that is not loaded.
    title: String,
    /// Whether it may stand on a claim.
    billable: bool,
    /// CMS hierarchical condition category, version 24; null when it is in none.
    hcc_v24: Option<String>,
    /// The same of version 28.
    hcc_v28: Option<String>,
}

/// A code that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundCode {
    /// The code.
    #[serde(flatten)]
    code: CodeBody,
    /// The words that found it: its title, an inclusion term or a name of the vocabulary.
    matched: String,
    /// `code`, `replacement` (it stands for a retired code that was asked for), `words`, `spelling` (words that are spelt nearly so), `meaning`,
    /// or `part_of_words` (all but one).
    found_by: &'static str,
    /// The newest edition that has it.
    edition: String,
}

/// A substance of the Table of Drugs and Chemicals.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubstanceBody {
    /// The substance.
    substance: String,
    /// Its codes.
    codes: Vec<SubstanceCode>,
}

/// The code of a substance by the way in which it did harm.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubstanceCode {
    /// `accidental`, `intentional`, `assault`, `undetermined`, `adverse_effect` or `underdosing`.
    intent: &'static str,
    /// The code.
    code: String,
}

/// A substance that leads to a code.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeadingSubstance {
    /// The substance.
    substance: String,
    /// The way in which it did harm.
    intent: &'static str,
}

/// A chapter, or a block of categories.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockBody {
    /// First and last category.
    range: String,
    /// Number of a chapter; null for a block.
    chapter: Option<u8>,
    /// Its title.
    title: String,
}

/// Chapters, from which everything is reached.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChapterList {
    /// Edition of the codes.
    edition: String,
    /// The chapters.
    chapters: Vec<BlockBody>,
}

/// A chapter or block with what stands around and below it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockDetail {
    /// Edition of the codes.
    edition: String,
    /// The chapter or block.
    #[serde(flatten)]
    block: BlockBody,
    /// Chapter and blocks around it, the broadest first.
    blocks: Vec<BlockBody>,
    /// The blocks directly below it.
    below: Vec<BlockBody>,
    /// The categories directly below it.
    categories: Vec<CodeBody>,
    /// Its notes and those of what stands around it, which hold for it too.
    notes: Vec<TabularNote>,
}

/// What an edition says of a code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeEdition {
    /// Name of the edition.
    edition: String,
    /// First day of service on which its codes hold.
    #[schema(value_type = String, format = Date)]
    first_day: jiff::civil::Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    last_day: jiff::civil::Date,
    /// Whether it has the code.
    has_code: bool,
    /// Whether the code may stand on a claim there.
    billable: bool,
}

/// A seventh character.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeventhCharacter {
    /// The character.
    character: char,
    /// What it says.
    meaning: String,
}

/// Codes that were found, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodePage {
    /// Edition of the codes.
    edition: String,
    /// The codes.
    codes: Vec<FoundCode>,
    /// Substances of the Table of Drugs and Chemicals of that name; empty where the table is not loaded.
    substances: Vec<SubstanceBody>,
}

/// A note of the tabular list.
#[derive(Debug, Serialize, ToSchema)]
pub struct TabularNote {
    /// `inclusion`, `includes`, `excludes1`, `excludes2`, `code_first`, `use_additional_code`, `code_also`, `seventh_character` or `note`.
    kind: &'static str,
    /// Its words.
    text: String,
    /// The code it stands at: this one, or one above it; a range for a block or chapter.
    at: String,
}

/// A code with its place in the hierarchy and its notes.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeDetail {
    /// Edition of the codes.
    edition: String,
    /// The code.
    #[serde(flatten)]
    code: CodeBody,
    /// The codes above it, highest first.
    parents: Vec<CodeBody>,
    /// The codes directly below it.
    children: Vec<CodeBody>,
    /// Its notes and those of the codes, blocks and chapters above it, which hold for it too.
    notes: Vec<TabularNote>,
    /// Paths of the Alphabetic Index that lead to it, or to a stem above it: main term and the words below it, joined by " > ".
    index: Vec<String>,
    /// Every loaded edition, the newest first, with what it says of the code.
    editions: Vec<CodeEdition>,
    /// Whether the newest edition has it no more, or not for claims though an older one had.
    retired: bool,
    /// What stands for it now; empty for a valid code, and where nothing is known.
    replaced_by: Vec<CodeBody>,
    /// The retired codes for which it stands now.
    replaces: Vec<String>,
    /// Chapter and blocks that hold it, the broadest first.
    blocks: Vec<BlockBody>,
    /// The seventh characters that it, or the codes below it, take.
    seventh_characters: Vec<SeventhCharacter>,
    /// Substances of the Table of Drugs and Chemicals that lead to it.
    substances: Vec<LeadingSubstance>,
}

fn body(edition: &Edition, code: &Code) -> CodeBody {
    let (v24, v28) = edition.notes.categories(&code.code).unwrap_or_default();
    let given = |category: &str| (!category.is_empty()).then(|| category.to_owned());
    CodeBody {
        system: system::ICD10CM,
        code: code.code.clone(),
        title: code.title.clone(),
        billable: code.billable,
        hcc_v24: given(v24),
        hcc_v28: given(v28),
    }
}

fn block_body(block: &Block) -> BlockBody {
    BlockBody { range: block.range.clone(), chapter: block.chapter, title: block.title.clone() }
}

fn tabular_note(note: &CodeNote) -> TabularNote {
    TabularNote { kind: note.kind.as_str(), text: note.text.clone(), at: note.code.clone() }
}

fn substance_body(poisoning: &Poisoning) -> SubstanceBody {
    let codes = poisoning.codes().map(|(intent, code)| SubstanceCode { intent: intent.as_str(), code: code.to_owned() });
    SubstanceBody { substance: poisoning.substance.clone(), codes: codes.collect() }
}

fn leading((poisoning, intent): &(&Poisoning, Intent)) -> LeadingSubstance {
    LeadingSubstance { substance: poisoning.substance.clone(), intent: intent.as_str() }
}

fn detail(vocabulary: &Vocabulary, entry: &CodeEntry<'_>) -> CodeDetail {
    let edition = entry.edition;
    let bodies = |codes: &[&Code]| codes.iter().map(|code| body(edition, code)).collect();
    CodeDetail {
        edition: edition.name.clone(),
        code: body(edition, entry.code),
        parents: bodies(&entry.parents),
        children: bodies(&entry.children),
        notes: entry.notes.iter().map(|note| tabular_note(note)).collect(),
        index: entry.paths.iter().map(|path| path.path.clone()).collect(),
        editions: entry
            .editions
            .iter()
            .map(|one| CodeEdition {
                edition: one.edition.name.clone(),
                first_day: one.edition.first_day,
                last_day: one.edition.last_day,
                has_code: one.code.is_some(),
                billable: one.code.is_some_and(|code| code.billable),
            })
            .collect(),
        retired: entry.is_retired(),
        replaced_by: entry.replaced_by.iter().map(|code| body(vocabulary.editions.newest(), code)).collect(),
        replaces: entry.replaces.iter().map(|code| (*code).to_owned()).collect(),
        blocks: entry.blocks.iter().map(|block| block_body(block)).collect(),
        seventh_characters: entry
            .seventh_characters
            .iter()
            .map(|(character, meaning)| SeventhCharacter { character: *character, meaning: (*meaning).to_owned() })
            .collect(),
        substances: entry.substances.iter().map(leading).collect(),
    }
}

/// A code of which nothing is left but what stands for it.
fn retired_detail(vocabulary: &Vocabulary, retired: RetiredCode<'_>) -> CodeDetail {
    let newest = vocabulary.editions.newest();
    let editions = vocabulary.editions.all().map(|edition| CodeEdition {
        edition: edition.name.clone(),
        first_day: edition.first_day,
        last_day: edition.last_day,
        has_code: false,
        billable: false,
    });
    CodeDetail {
        edition: newest.name.clone(),
        editions: editions.collect(),
        retired: true,
        replaced_by: retired.replaced_by.iter().map(|code| body(newest, code)).collect(),
        code: CodeBody {
            system: system::ICD10CM,
            code: retired.code,
            title: String::new(),
            billable: false,
            hcc_v24: None,
            hcc_v28: None,
        },
        parents: Vec::new(),
        children: Vec::new(),
        notes: Vec::new(),
        index: Vec::new(),
        replaces: Vec::new(),
        blocks: Vec::new(),
        seventh_characters: Vec::new(),
        substances: Vec::new(),
    }
}

/// Codes by words, synonyms, abbreviations or the beginning of a code; by meaning where words find nothing.
#[utoipa::path(get, path = "/v1/codes", tag = "codes", params(CodeParameters), responses(
    (status = 200, body = CodePage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn find_codes(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<CodeParameters>,
) -> Result<Json<CodePage>, ApiError> {
    caller.may(Permission::ListItems)?;
    if parameters.query.len() > LONGEST {
        let detail = format!("query is longer than {LONGEST} bytes");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail));
    }
    let pipeline = service.engine.pipeline();
    let limit = (parameters.limit.unwrap_or(20) as usize).clamp(1, MOST);
    let found = tokio::task::spawn_blocking(move || {
        let vocabulary = pipeline.vocabulary();
        let codes = find_in_book(&pipeline, &parameters.query, limit).into_iter().map(|hit| FoundCode {
            code: body(hit.edition, hit.code),
            matched: hit.matched.to_owned(),
            found_by: hit.found_by.as_str(),
            edition: hit.edition.name.clone(),
        });
        let substances = vocabulary.find_substances(&parameters.query, SUBSTANCES);
        CodePage {
            edition: vocabulary.editions.newest().name.clone(),
            codes: codes.collect(),
            substances: substances.into_iter().map(substance_body).collect(),
        }
    });
    Ok(Json(found.await.map_err(|_| ApiError::internal())?))
}

/// One code: its hierarchy, inclusion terms, excludes and instructions, and the editions in which it is valid. A retired code is answered with
/// what stands for it.
#[utoipa::path(get, path = "/v1/codes/{code}", tag = "codes", params(("code" = String, Path)), responses(
    (status = 200, body = CodeDetail),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_code(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(code): Word,
) -> Result<Json<CodeDetail>, ApiError> {
    caller.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    match vocabulary.look_up_code(&code) {
        Some(CodeAnswer::Code(entry)) => Ok(Json(detail(vocabulary, &entry))),
        Some(CodeAnswer::Retired(retired)) => Ok(Json(retired_detail(vocabulary, retired))),
        None => Err(ApiError::missing("code; chapters and blocks are at /v1/code-blocks")),
    }
}

/// The chapters of the tabular list.
#[utoipa::path(get, path = "/v1/code-blocks", tag = "codes", responses(
    (status = 200, body = ChapterList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_chapters(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<ChapterList>, ApiError> {
    caller.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let chapters = vocabulary.blocks.chapters().map(block_body).collect();
    Ok(Json(ChapterList { edition: vocabulary.editions.newest().name.clone(), chapters }))
}

/// A chapter or block by its range ("I00-I99"): the blocks and categories below it, and its notes.
#[utoipa::path(get, path = "/v1/code-blocks/{range}", tag = "codes", params(("range" = String, Path)), responses(
    (status = 200, body = BlockDetail),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_block(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(range): Word,
) -> Result<Json<BlockDetail>, ApiError> {
    caller.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let entry: BlockEntry<'_> = vocabulary.look_up_block(&range).ok_or_else(|| ApiError::missing("chapter or block"))?;
    let newest = vocabulary.editions.newest();
    Ok(Json(BlockDetail {
        edition: newest.name.clone(),
        block: block_body(entry.block),
        blocks: entry.around.iter().map(|block| block_body(block)).collect(),
        below: entry.below.iter().map(|block| block_body(block)).collect(),
        categories: entry.categories.iter().map(|code| body(newest, code)).collect(),
        notes: entry.notes.iter().map(|note| tabular_note(note)).collect(),
    }))
}
