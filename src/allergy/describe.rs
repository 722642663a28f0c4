//! What else is told of allergies once they are found: type, category, reactions, severity, criticality.

use super::find::{FoundAllergy, is_tolerated};
use super::grid::{self, Row};
use super::links::{Did, Known, link};
use super::reaction::{put, statement_around};
use super::table::AllergyTables;
use crate::domain::{Attribute, Span};
use crate::text::Document;

/// Type, category, reactions and severity of allergies, sorted; also of those that only the model sees. `candidates` are all substances.
pub fn complete(document: &Document, tables: &AllergyTables, candidates: &[Span], allergies: &mut [FoundAllergy]) {
    let rows = grid::rows(&document.text);
    let mut spans: Vec<Span> = allergies.iter().map(|found| found.span).collect();
    let others: Vec<Span> = candidates.iter().copied().filter(|one| !spans.iter().any(|other| other.overlaps(*one))).collect();
    spans.extend(others);
    spans.sort_unstable();
    let known: Vec<Known> = spans
        .iter()
        .map(|span| {
            let governed = allergies.binary_search_by_key(span, |found| found.span).is_ok();
            Known { span: *span, governed, borne: is_tolerated(document, *span) }
        })
        .collect();
    let did = link(document, tables, &known);
    describe(document, tables, (&rows, &known, &did), allergies);
}

/// Type, category, reactions, severity and criticality; `known` holds every allergy's span, `did` what each of them did.
pub(super) fn describe(
    document: &Document,
    tables: &AllergyTables,
    (rows, known, did): (&[Row], &[Known], &[Did]),
    allergies: &mut [FoundAllergy],
) {
    let text = &document.text;
    for index in 0..allergies.len() {
        let span = allergies[index].span;
        let before = index.checked_sub(1).map_or(0, |before| allergies[before].span.end);
        let next = allergies.get(index + 1).map_or(text.len(), |next| next.span.start);
        let attributes = &mut allergies[index].attributes;
        attributes.allergy_type = Some(type_of(document, span, (before, next)).to_owned());
        attributes.category = Some(category(tables, span.of(text)).to_owned());
    }
    for allergy in allergies {
        let row = rows.iter().find(|row| row.substance.overlaps(allergy.span));
        let nothing = Did::default();
        let own = known.binary_search_by_key(&allergy.span, |one| one.span).ok().and_then(|at| did.get(at)).unwrap_or(&nothing);
        put(text, tables, (row, own), allergy);
        let grave = |reaction: &Attribute| is_grave(&reaction.text);
        if allergy.attributes.reactions.iter().any(grave) || allergy.attributes.severity.as_ref().is_some_and(is_severe) {
            allergy.attributes.criticality = Some("high".to_owned());
        }
    }
}

fn is_severe(severity: &Attribute) -> bool {
    severity.value.as_ref().is_some_and(|value| value["display"] == "severe")
}

/// Reactions that may kill when they come again.
fn is_grave(words: &str) -> bool {
    let words = words.to_lowercase();
    [
        "anaphyla",
        "angioedema",
        "stevens",
        "sjs",
        "toxic epidermal",
        "dress",
        "throat",
        "airway",
        "laryng",
        "bronchospasm",
        "tongue",
        "cardiac arrest",
        "respiratory arrest",
        "malignant hyperthermia",
        "breath",
    ]
    .iter()
    .any(|stem| words.contains(stem))
}

pattern!(
    INTOLERANT,
    r"(?i)\b(?:intoleran\w*|side[ -]effects?|not a (?:true )?allergy|not truly allergic|adverse effects?|(?:not|n't|cannot|unable to|difficulty|poorly|failed to)\s(?:really |well |been able to )?(?:be )?tolerat\w*)"
);
pattern!(
    HEADED,
    r"(?i)(?:^|[.;\n]\s*)(?:(?:drug |food |medication )?(?P<none>intoleranc\w*)|(?:drug |food |medication |true )?(?P<all>allerg\w*))\s*[:-]"
);

/// `intolerance` where the words around the substance, or the heading of its list, say so; else `allergy`.
fn type_of(document: &Document, span: Span, (floor, ceiling): (usize, usize)) -> &'static str {
    let text = &document.text;
    let statement = statement_around(text, span);
    let from = statement.start.max(floor).min(span.start);
    let to = statement.end.min(ceiling).max(span.end);
    let own = &text[span.end..to];
    let before = &text[from..span.start];
    let near = before.rfind([',', ')']).map_or(before, |at| &before[at..]);
    if INTOLERANT.is_match(own) || INTOLERANT.is_match(near) {
        return "intolerance";
    }
    // the nearest heading of a list in the statement, or the section's
    let headed = HEADED.captures_iter(&text[statement.start..span.start]).last();
    let title = document.section_at(span).and_then(|section| section.title).map_or("", |title| title.of(text)).to_lowercase();
    let by_title = title.contains("intoleran") && !title.contains("allerg");
    if headed.map_or(by_title, |headed| headed.name("none").is_some()) { "intolerance" } else { "allergy" }
}

fn category<'a>(tables: &'a AllergyTables, words: &str) -> &'a str {
    let lower = words.to_lowercase();
    let biologic = ["vaccine", "toxoid", "globulin", "antiserum", "antivenom", "ivig"].iter().any(|stem| lower.contains(stem))
        || lower.split_whitespace().any(|word| word.ends_with("mab") && word.len() > 5);
    match tables.allergens.lookup(words) {
        Some(allergen) => allergen.category.as_str(),
        None if biologic => "biologic",
        None => "medication",
    }
}
