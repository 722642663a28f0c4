//! What an allergen did to the patient: reactions and severity as attributes.
//!
//! [`super::links`] says which reaction is whose; a row of a table says it by its cells.

use serde_json::json;

use super::find::FoundAllergy;
use super::grid::Row;
use super::links::Did;
use super::slots;
use super::table::{AllergyTables, Told};
use crate::domain::{Attribute, Span, system};

pattern!(BRACKETS, r"\([^()]*\)|\[[^\[\]]*\]");

/// A statement reaches no farther than so many bytes: a note may be one line of megabytes.
const LONGEST: usize = 600;

/// The statement around `span`: up to a full stop before white space, a semicolon, or a line break.
pub(super) fn statement_around(text: &str, span: Span) -> Span {
    let ends = |at: usize, mark: u8| match mark {
        b';' | b'\n' => true,
        b'.' | b'!' => text[at + 1..].is_empty() || text[at + 1..].starts_with(char::is_whitespace),
        _ => false,
    };
    let bytes = text.as_bytes();
    let near = span.around(text, LONGEST, LONGEST);
    let start = (near.start..span.start).rev().find(|at| ends(*at, bytes[*at])).map_or(near.start, |at| at + 1);
    let end = (span.end..near.end).find(|at| ends(*at, bytes[*at])).unwrap_or(near.end);
    Span::new(start, end)
}

/// What stands between two allergens of one list: their reactions in brackets, commas, "and".
pub(super) fn is_continued(between: &str) -> bool {
    let bare = BRACKETS.replace_all(between, " ");
    let words: Vec<String> = bare
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    bare.len() < between.len() && words.iter().all(|word| matches!(word.as_str(), "and" | "or" | "also" | "to"))
}

/// Puts into an allergy what a row of a table says of it, or else what the words do.
pub(super) fn put(text: &str, tables: &AllergyTables, (row, did): (Option<&Row>, &Did), allergy: &mut FoundAllergy) {
    if let Some(row) = row {
        of_row(text, tables, row, allergy);
        return;
    }
    let mut told: Vec<&Told> = did.reactions.iter().collect();
    told.sort_by_key(|one| one.span);
    for one in told {
        add(text, one, allergy);
    }
    if let Some((span, grade, code)) = &did.severity {
        set_severity(text, (*span, grade, code), allergy);
    }
}

/// The reaction with the adjectives before it: "dry hacking cough", "widespread maculopapular rash".
fn with_adjectives(text: &str, before: Span, span: Span) -> Span {
    let mut start = span.start;
    for _ in 0..3 {
        let rest = text[before.start..start].strip_suffix(' ').unwrap_or("");
        let word = rest
            .rsplit(|character: char| character.is_whitespace() || matches!(character, '(' | '[' | '/' | '"'))
            .next()
            .unwrap_or_default();
        if word.is_empty() || !is_adjective(&word.to_lowercase()) {
            break;
        }
        start = before.start + rest.len() - word.len();
    }
    Span::new(start, span.end)
}

/// Words that tell of a reaction where or how it is; words of severity are told apart.
fn is_adjective(word: &str) -> bool {
    let known = [
        "dry",
        "hacking",
        "red",
        "itchy",
        "local",
        "oral",
        "facial",
        "lip",
        "tongue",
        "throat",
        "eye",
        "mouth",
        "ankle",
        "leg",
        "arm",
        "face",
        "hand",
        "muscle",
        "joint",
        "chest",
        "back",
        "body",
        "skin",
        "diffuse",
        "widespread",
        "generalized",
        "localized",
        "blistering",
        "painful",
        "swollen",
        "raised",
        "bumpy",
        "diaper",
        "delayed",
        "immediate",
        "transient",
        "full-body",
        "whole-body",
        "projectile",
        "profuse",
        "bloody",
        "watery",
        "persistent",
        "prolonged",
        "periorbital",
        "acute",
        "cholestatic",
        "drug",
        "serum",
        "upper",
        "lower",
        "nasal",
        "drug-induced",
    ];
    let ending =
        ["iform", "ular", "eous", "ital", "tic", "genic", "oxical", "minal"].iter().any(|ending| word.ends_with(ending));
    known.contains(&word) || (ending && word.len() > 6)
}

fn add(text: &str, told: &Told, allergy: &mut FoundAllergy) {
    let near = told.span.around(text, 40, 0);
    let span = with_adjectives(text, Span::new(near.start, told.span.start), told.span);
    let written = span.of(text);
    if allergy.attributes.reactions.iter().any(|other| other.text.eq_ignore_ascii_case(written)) {
        return;
    }
    let value = told.display.as_ref().map(|display| {
        if told.code.is_empty() {
            json!({"display": display})
        } else {
            json!({"system": system::SNOMED, "code": told.code, "display": display})
        }
    });
    let attribute = Attribute { text: written.to_owned(), start: span.start, end: span.end, value };
    allergy.attributes.reactions.push(attribute);
}

fn set_severity(text: &str, (span, grade, code): (Span, &str, &str), allergy: &mut FoundAllergy) {
    let around = Span::new(span.around(text, 24, 0).start, span.start).of(text).to_lowercase();
    let unsure =
        ["possibl", "probabl", "question", "likely", "perhaps", "suspect", "?"].iter().any(|word| around.contains(word));
    let mut value = json!({"display": grade, "certainty": if unsure { "possible" } else { "stated" }});
    if !code.is_empty() {
        value["system"] = json!(system::SNOMED);
        value["code"] = json!(code);
    }
    let attribute = Attribute { text: span.of(text).to_owned(), start: span.start, end: span.end, value: Some(value) };
    allergy.attributes.severity.get_or_insert(attribute);
}

/// Reaction, severity and type from the cells of a table.
fn of_row(text: &str, tables: &AllergyTables, row: &Row, allergy: &mut FoundAllergy) {
    if let Some(cell) = row.reaction {
        for told in
            tables.reactions.reactions_in(text, cell).iter().filter(|told| told.display.as_deref() != Some("unknown reaction"))
        {
            add(text, told, allergy);
        }
        if allergy.attributes.reactions.is_empty() {
            for span in slots::open_in(text, tables, cell) {
                add(text, &Told { span, code: String::new(), display: None, open: true }, allergy);
            }
        }
        if let Some(found) = tables.reactions.severities_in(text, cell).first() {
            set_severity(text, *found, allergy);
        }
    }
    if let Some(cell) = row.severity {
        let word = match cell.of(text).to_lowercase().as_str() {
            "high" => Some("severe"),
            "low" => Some("mild"),
            "medium" => Some("moderate"),
            _ => None,
        };
        match (tables.reactions.severities_in(text, cell).first(), word) {
            (Some(found), _) => set_severity(text, *found, allergy),
            (None, Some(grade)) => set_severity(text, (cell, grade, ""), allergy),
            (None, None) => {}
        }
    }
    let criticality = row.criticality.map(|cell| cell.of(text).to_lowercase());
    if let Some(word) = criticality.filter(|word| ["high", "low"].contains(&word.as_str())) {
        allergy.attributes.criticality = Some(word);
    }
    if row.kind.is_some_and(|kind| kind.of(text).to_lowercase().contains("intoleran")) {
        allergy.attributes.allergy_type = Some("intolerance".to_owned());
    }
}
