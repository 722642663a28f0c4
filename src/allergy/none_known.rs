//! Statements of no known allergies: "NKDA", "no known drug allergies", "None" under the heading.

use super::find::FoundNone;
use crate::domain::{AllergyScope, Span};
use crate::text::Document;

pattern!(
    ANYWHERE,
    r"(?i)\b(?:(?-i:NKDA|NKMA|NKA|NKFA)|N\.K\.D\.A\.|N\.K\.A\.|(?:no|not)\s+(?:other\s+)?(?:(?:known|know|knows|documented|reported|significant|apparent)\s+)?(?:(?:history of|true|systemic|food or|food and|environmental or|seasonal or)\s+)*(?:(?:drug|drugs|medication|medications|medicine|medical|medicinal|antibiotic)(?:\s*(?:/|and|or|,)\s*(?:food|environmental|latex|drug|medication|other))*\s+)?(?:allerg(?:y|ies|ic reactions?)|drug intolerances?|medication intolerances?|intolerances?|hypersensitivities)(?:\s+(?:are\s+)?(?:known|reported|noted))?(?:\s+to\s+(?:any\s+)?(?:known\s+)?(?:drugs?(?: or foods?)?|medications?|medicines?|medicine))?|allerg(?:y|ies)\s+to\s+(?:any\s+)?(?:drugs|medications|medicines)\s+(?:are\s+|is\s+)?(?:none|denied|negative)(?:\s+known)?|(?:denies|denied|denying|has not had|without)\s+(?:having\s+)?(?:any\s+)?(?:(?:known|other|history of)\s+)*(?:(?:drug|medication|medical|medicine|food)\s+(?:or food\s+)?)?allerg(?:y|ies)(?:\s+to\s+(?:any\s+)?(?:drugs?|medications?|medicines?|medicine))?|negative (?:for )?allergies|(?:is\s+|are\s+)?not (?:known to be\s+)?allergic to (?:any(?:thing)?\s*)?(?:drugs?|medications?|medicines?|known medications)?)"
);
pattern!(
    UNDER_HEADING,
    r"(?i)^[\s:;.,*-]*(?:(?:the patient|patient|he|she|drug|drugs|medication|medications|medicine)\s+(?:has|reports|states|denies having)?\s*:?\s*)?(?P<words>to (?:medications|medicines|drugs|medicine)(?: are| is)?:? none(?: known)?|none known to (?:medications|drugs|medicines)|none known|none reported|none noted|none stated|none to medications?|none|no known|nil known|nil|negative|denied|denies any|denies|no|unremarkable|noncontributory|nkda|nka)\b(?P<next>\s*(?:[.,;\n(]|to\b|per\b|at\b|$|known\b|other than\b|by\b))"
);

pattern!(
    INLINE,
    r"(?i)\ballerg(?:y|ies)(?: to (?:medications?|drugs?|medicines?)|/immunologic)?\s*(?::|-|\bare\b|\?)\s*(?P<words>none known|nil known|none|nil|denied)\b"
);

/// Statements of the note, from its words and from candidates of a dictionary or model.
pub(super) fn none_known(document: &Document, candidates: &[Span]) -> Vec<FoundNone> {
    let text = &document.text;
    let mut found: Vec<FoundNone> = Vec::new();
    for hit in ANYWHERE.find_iter(text) {
        let mut span = Span::new(hit.start(), hit.end());
        let words = span.of(text);
        let trimmed = words.trim_end();
        span.end = span.start + trimmed.len();
        let lower = trimmed.to_lowercase();
        let copula = ["is not", "are not"].iter().find(|lead| lower.starts_with(**lead)).map_or(0, |lead| lead.len() - 3);
        span.start += copula;
        let after = text[span.end..].trim_start().to_lowercase();
        // "denies any allergy to iodine", "no allergies to latex": a substance, not everything
        let of_one = (after.starts_with("to ") && !lower.contains(" to "))
            || after.starts_with("symptom")
            || lower.ends_with("not allergic to")
            || (lower.starts_with("no other") || lower.contains("any other"));
        if !of_one && !family(text, span) {
            found.push(FoundNone { span, scope: scope(document, span) });
        }
    }
    for section in document.sections.iter().filter(|section| section.kind == "allergies") {
        let Some(hit) = UNDER_HEADING.captures(section.body.of(text)).and_then(|captures| captures.name("words")) else {
            continue;
        };
        let span = Span::new(section.body.start + hit.start(), section.body.start + hit.end());
        if !found.iter().any(|one| one.span.overlaps(span)) {
            found.push(FoundNone { span, scope: scope(document, span) });
        }
    }
    for captures in INLINE.captures_iter(text) {
        let Some(hit) = captures.name("words") else { continue };
        let span = Span::new(hit.start(), hit.end());
        if !found.iter().any(|one| one.span.overlaps(span)) {
            found.push(FoundNone { span, scope: scope(document, span) });
        }
    }
    for candidate in candidates {
        let words = candidate.of(text).to_lowercase();
        let says_so = ["allerg", "nk", "none", "intoleran"].iter().any(|stem| words.contains(stem));
        if says_so && !found.iter().any(|one| one.span.overlaps(*candidate)) {
            found.push(FoundNone { span: *candidate, scope: scope(document, *candidate) });
        }
    }
    found.retain(|one| !of_other_things(one.span.of(text)));
    found.sort_by_key(|one| one.span);
    found
}

/// "No family history of allergies" is of others.
fn family(text: &str, span: Span) -> bool {
    span.of(text).to_lowercase().contains("family")
}

/// Foods, latex or pollen alone: that says nothing of drugs, and an entry "no known allergy" would mislead.
fn of_other_things(words: &str) -> bool {
    let words = words.to_lowercase();
    let names = |stems: &[&str]| stems.iter().any(|stem| words.contains(stem));
    names(&["food", "nkfa", "environment", "season", "latex", "insect"]) && !names(&["drug", "medic", "antibiotic", "nkda"])
}

/// Drugs only when the words, or the heading above a bare "none", say so.
fn scope(document: &Document, span: Span) -> AllergyScope {
    let drug = |words: &str| {
        let words = words.to_lowercase();
        ["drug", "medic", "nkda", "n.k.d.a", "nkma", "antibiotic"].iter().any(|stem| words.contains(stem))
            && !words.contains("food")
    };
    let words = span.of(&document.text);
    let title = document.section_at(span).and_then(|section| section.title).map_or("", |title| title.of(&document.text));
    let bare = !words.to_lowercase().contains("allerg");
    if drug(words) || (bare && drug(title)) { AllergyScope::Drug } else { AllergyScope::All }
}
