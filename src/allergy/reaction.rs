//! What an allergen did to the patient: reactions and severity, linked within a statement.

use serde_json::json;

use super::find::FoundAllergy;
use super::table::AllergyTables;
use crate::domain::{Attribute, Span, system};
use crate::text::Document;

/// The statement around `span`: up to a full stop before white space, a semicolon, or a line break.
pub(super) fn statement_around(text: &str, span: Span) -> Span {
    let ends = |at: usize, mark: u8| match mark {
        b';' | b'\n' => true,
        b'.' | b'!' => text[at + 1..].is_empty() || text[at + 1..].starts_with(char::is_whitespace),
        _ => false,
    };
    let bytes = text.as_bytes();
    let start = (0..span.start).rev().find(|at| ends(*at, bytes[*at])).map_or(0, |at| at + 1);
    let end = (span.end..text.len()).find(|at| ends(*at, bytes[*at])).unwrap_or(text.len());
    Span::new(start, end)
}

/// Gives each allergen the reactions told of it: after its name up to the next allergen ("codeine - nausea", "causes
/// hives"), for all of a coordination ("aspirin and Altace caused cough"), or before it ("anaphylaxis to penicillin").
pub(super) fn link_reactions(document: &Document, tables: &AllergyTables, allergies: &mut [FoundAllergy]) {
    let text = &document.text;
    let spans: Vec<Span> = allergies.iter().map(|found| found.span).collect();
    for index in 0..spans.len() {
        let span = spans[index];
        let statement = statement_around(text, span);
        let next = spans.get(index + 1).map_or(statement.end, |next| next.start.min(statement.end)).max(span.end);
        let region = Span::new(span.end, next);
        let listed = document.section_kind_at(span) == "allergies";
        if listed || leads_to_reaction(region.of(text)) {
            fill(text, tables, &mut allergies[index], region);
        }
        if allergies[index].attributes.reactions.is_empty() {
            let floor = index.checked_sub(1).map_or(statement.start, |before| spans[before].end.max(statement.start));
            let before = Span::new(floor.min(span.start), span.start);
            let lower = before.of(text).trim_end().to_lowercase();
            if [" to", " from", " with", " after", "allergy to"].iter().any(|word| lower.ends_with(word)) {
                fill(text, tables, &mut allergies[index], before);
            }
        }
    }
    // "Aspirin and Altace caused cough": what the last one did, the others of the list did too
    for index in (1..spans.len()).rev() {
        let between = Span::new(spans[index - 1].end, spans[index].start).of(text).trim().to_lowercase();
        let after: String = text[spans[index].end..].chars().take(24).collect();
        let joined = matches!(between.as_str(), "and" | "or" | "/" | ", and" | "," | "and to" | ", or");
        let (before, rest) = allergies.split_at_mut(index);
        let (first, second) = (&mut before[index - 1].attributes, &rest[0].attributes);
        if joined && first.reactions.is_empty() && leads_to_reaction(&after) && !after.trim_start().starts_with(['(', '-', ':'])
        {
            first.reactions.clone_from(&second.reactions);
            first.severity.clone_from(&second.severity);
        }
    }
}

/// "Causes", "which gives", "(", "-": words that announce a reaction.
fn leads_to_reaction(after: &str) -> bool {
    let lower = after.trim_start().to_lowercase();
    let direct = ["(", "-", "–", ":", "="].iter().any(|mark| lower.starts_with(mark));
    direct
        || [
            "caus", "gives", "gave", "result", "leads to", "led to", "produc", "made", "makes", "with ", "which", "reaction",
            "develop", "because",
        ]
        .iter()
        .any(|word| lower.find(word).is_some_and(|at| at < 24))
}

/// Puts the reactions and the severity of `region` into the allergy.
fn fill(text: &str, tables: &AllergyTables, allergy: &mut FoundAllergy, region: Span) {
    for (span, code, display) in tables.reactions.reactions_in(text, region) {
        let denied = text[region.start..span.start].to_lowercase();
        if denied.ends_with("no ") || denied.ends_with("without ") || denied.ends_with("denies ") {
            continue;
        }
        let written = span.of(text);
        if allergy.attributes.reactions.iter().any(|other| other.text.eq_ignore_ascii_case(written)) {
            continue;
        }
        let value = if code.is_empty() {
            json!({"display": display})
        } else {
            json!({"system": system::SNOMED, "code": code, "display": display})
        };
        let attribute = Attribute { text: written.to_owned(), start: span.start, end: span.end, value: Some(value) };
        allergy.attributes.reactions.push(attribute);
    }
    if let Some((span, grade, code)) = tables.reactions.severity_in(text, region) {
        let mut value = json!({"display": grade});
        if !code.is_empty() {
            value["system"] = json!(system::SNOMED);
            value["code"] = json!(code);
        }
        let attribute = Attribute { text: span.of(text).to_owned(), start: span.start, end: span.end, value: Some(value) };
        allergy.attributes.severity.get_or_insert(attribute);
    }
}
