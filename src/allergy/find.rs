//! Which candidates are allergens, and what the note says of them.

use std::sync::LazyLock;

use regex::Regex;

use super::none_known::none_known;
use super::grid::{self, Row};
use super::reaction::{link_reactions, statement_around, told_before};
use super::table::AllergyTables;
use crate::domain::{AllergyScope, Assertion, Attribute, Attributes, Cue, Span};
use crate::text::Document;

/// An allergen of the note.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundAllergy {
    /// The substance's words.
    pub span: Span,
    /// Of the patient, denied, uncertain, or of somebody else.
    pub assertion: Assertion,
    /// The words that decided it.
    pub cues: Vec<Cue>,
    /// Reactions, severity, type, category.
    pub attributes: Attributes,
}

/// A statement of no known allergies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNone {
    /// The statement's words.
    pub span: Span,
    /// Drugs only, or everything.
    pub scope: AllergyScope,
}

/// What a note says of allergies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllergyFindings {
    /// Allergens, in order.
    pub allergies: Vec<FoundAllergy>,
    /// Statements of none, in order.
    pub none_known: Vec<FoundNone>,
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).unwrap());
    };
}
pattern!(
    BEFORE,
    r"(?i)(?:allergic(?: (?:reactions?|response))?(?: or sensitive)?(?: only)?(?: to)?|allerg(?:y|ies)(?: or sensitivit(?:y|ies))? (?:to|includes?|including|are|is|of)|(?:drug |medication |food )?allerg(?:y|ies)\s*:|intoleran(?:t|ces?) (?:to|of|includes?)|(?:allergic |adverse |bad |severe |hypersensitivity |anaphylactic |life-threatening )?reactions? (?:to|from)|out in (?:a )?(?:rash|hives) with|hypersensitiv(?:e|ity) to|sensitiv(?:e|ity) to|anaphylaxis (?:to|from|with)|(?:rash|hives|urticaria|angioedema) (?:to|from|after)|intolerance to|(?:not|n't) (?:really )?tolerated?|(?:cannot|can't|can not|unable to) (?:take|tolerate)|reacted (?:badly )?to|allergen\s*:|difficulty tolerating|DHx - allergies)\s*"
);
pattern!(
    AFTER,
    r"(?i)^[\s(-]*(?:drug |medication )?(?:allerg(?:y|ies|ic)\b|hypersensitivity|sensitivit(?:y|ies)|intoleran(?:ce|t)\b|(?:was |is |were )?(?:not|poorly) tolerated)"
);
pattern!(
    TOLERATED,
    r"(?i)(?:tolerat(?:es|ed|ing)|can take|able to (?:take|tolerate)|takes|treated with|given|relieved (?:by|with)|responds to|carries|used|taking|instead of|prescribed|start(?:ed)?|receiv(?:e|ed|ing)|eats|eating|including|continues?|(?:now|currently|switched) (?:on|to))(?: (?:\w+|an?)){0,2} $"
);
pattern!(DENIED, r"(?i)\b(?:denies|denied|denying|deny|no|not|without|negative for|never had|did not|does not|has not|nor)\b");
pattern!(
    UNSURE,
    r"(?i)(?:\?|\b(?:questionable|questionably|question of|possible|possibly|probable|probably|might|may|perhaps|unclear|uncertain|thinks|suspected|suspects|not sure|unsure|potential|likely|apparent)\b)"
);
pattern!(
    CAUSES,
    r"(?i)^,?\s*(?:(?:infusion|injection|use|therapy|tablets?|cream) )?(?:which |has |have |both |each )*(?:caus(?:es?|ed)|gives|gave|makes|made|produc(?:es?|ed)|induc(?:es?|ed)|triggers?|triggered)\b(?: (?:him|her|them|me|the patient))?(?: to be)?\s*"
);
pattern!(MARKED, r"^\s*(?:->|[-–:(|=])\s*");
pattern!(
    RULED_OUT,
    r"(?i)^\s*(?:(?:allerg(?:y|ies)|intolerance)\s*(?:[:-]\s*)?(?:no|none|negative|denied)\b|[:-]\s*(?:no|none|negative|denied|no allergy)\b|(?:allerg(?:y|ies)|intolerance)?\s*(?:was |has been )?ruled out)"
);
pattern!(AFFIRMED, r"(?i)^\s*(?:allerg(?:y|ies)|intolerance)?\s*:?\s*(?:yes|positive|confirmed)\b");
pattern!(
    OUTGROWN,
    r"(?i)\b(?:outgrown|outgrew|as an? (?:baby|child|kid|infant|teenager)|in childhood|childhood|(?:has |since )?resolved)\b"
);
pattern!(
    KIN,
    r"(?i)\b(?:mother|father|mom|dad|sister|brother|aunt|uncle|son|daughter|grandmother|grandfather|parents?|family)\b(?:'s)?"
);
pattern!(EMBEDDED, r"(?:^|\n|\. )\s*(?:[A-Z][A-Z /]{4,40}|(?:Current |Home )?Medications?|Meds)\s*:");

/// Decides for every candidate, and adds substances of the allergen table where an allergen is expected.
///
/// `candidates` are medication or allergen matches and `no_known_candidates` statements of none, both sorted byte spans.
#[must_use]
pub fn find(document: &Document, tables: &AllergyTables, candidates: &[Span], no_known_candidates: &[Span]) -> AllergyFindings {
    let text = &document.text;
    let none_known = none_known(document, no_known_candidates);
    let rows = grid::rows(text);
    let whole = Span::new(0, text.len());
    let mut spans: Vec<Span> = candidates.to_vec();
    for span in tables.allergens.find_in(text, whole) {
        let widened = spans.iter().position(|other| span.contains(*other) && span.len() > other.len());
        if let Some(index) = widened.filter(|_| in_list(document, span)) {
            spans[index] = span;
        } else if !spans.iter().any(|other| other.overlaps(span)) {
            spans.push(span);
        }
    }
    spans.sort_unstable();
    // a row of a table names its substance even when no vocabulary has it
    for row in &rows {
        let words = row.substance.of(text).split_whitespace().count();
        if words <= 5 && !spans.iter().any(|span| span.overlaps(row.substance)) {
            spans.push(row.substance);
        }
    }
    spans.sort_unstable();
    spans.retain(|span| {
        !none_known.iter().any(|none| none.span.overlaps(*span))
            && !is_other_thing(text, *span)
            && !tables.reactions.names(span.of(text))
    });
    spans.dedup();
    let mut allergies: Vec<FoundAllergy> = Vec::new();
    for span in &spans {
        let last = allergies.last().map(|found| found.span);
        let Some(governed) = governed(document, tables, &rows, *span, last) else { continue };
        let (assertion, cues) = assert(text, *span, governed);
        allergies.push(FoundAllergy { span: *span, assertion, cues, attributes: Attributes::default() });
    }
    describe(document, tables, &rows, &mut allergies);
    AllergyFindings { allergies, none_known }
}

/// Type, category, reactions and severity of allergies, sorted; also of those that only the model sees.
pub fn complete(document: &Document, tables: &AllergyTables, allergies: &mut [FoundAllergy]) {
    describe(document, tables, &grid::rows(&document.text), allergies);
}

fn describe(document: &Document, tables: &AllergyTables, rows: &[Row], allergies: &mut [FoundAllergy]) {
    let text = &document.text;
    for index in 0..allergies.len() {
        let span = allergies[index].span;
        let before = index.checked_sub(1).map_or(0, |before| allergies[before].span.end);
        let next = allergies.get(index + 1).map_or(text.len(), |next| next.span.start);
        let attributes = &mut allergies[index].attributes;
        attributes.allergy_type = Some(type_of(document, span, (before, next)).to_owned());
        attributes.category = Some(category(tables, span.of(text)).to_owned());
    }
    link_reactions(document, tables, rows, allergies);
    for allergy in allergies {
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
        "anaphyla", "angioedema", "stevens", "sjs", "toxic epidermal", "dress", "throat", "airway", "laryng", "bronchospasm",
        "tongue", "cardiac arrest", "respiratory arrest", "malignant hyperthermia", "breath",
    ]
    .iter()
    .any(|stem| words.contains(stem))
}

pattern!(
    INTOLERANT,
    r"(?i)\b(?:intoleran\w*|side[ -]effects?|not a (?:true )?allergy|not (?:truly )?allergic|adverse effects?|(?:not|n't|cannot|unable to|difficulty|poorly|failed to)\s(?:really |well |been able to )?(?:be )?tolerat\w*)"
);
pattern!(HEADED, r"(?i)(?:^|[.;\n]\s*)(?:(?:drug |food |medication )?(?P<none>intoleranc\w*)|(?:drug |food |medication |true )?(?P<all>allerg\w*))\s*[:-]");

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

/// "Hay fever", "dust" of "dusty" and the like: the word goes on and means something else.
fn is_other_thing(text: &str, span: Span) -> bool {
    let words = span.of(text).to_lowercase();
    if ["allergen", "allergens", "food", "foods", "drug", "drugs", "medication", "medications", "reaction", "environmental", "substance"]
        .contains(&words.as_str())
    {
        return true;
    }
    let after: String = text[span.end..].chars().take(12).collect::<String>().to_lowercase();
    [" fever", "-like", " x-ray", " scan", " study"].iter().any(|word| after.starts_with(word))
}

/// Whether `span` stands in the list part of an allergies section: not behind a heading of something else.
fn in_list(document: &Document, span: Span) -> bool {
    let Some(section) = document.section_at(span).filter(|section| section.kind == "allergies") else { return false };
    if span.start < section.body.start {
        return false;
    }
    let before = Span::new(section.body.start, span.start).of(&document.text);
    let headed = EMBEDDED.find_iter(before).any(|heading| !heading.as_str().to_lowercase().contains("allerg"));
    !headed && before.len() < 700
}

/// What makes the candidate an allergen: the start of the words that govern it. None when it is no allergen.
fn governed(document: &Document, tables: &AllergyTables, rows: &[Row], span: Span, last: Option<Span>) -> Option<usize> {
    let text = &document.text;
    if rows.iter().any(|row| row.substance.overlaps(span)) {
        return Some(span.start);
    }
    let statement = statement_around(text, span);
    let before = &text[statement.start..span.start];
    let after = &text[span.end..statement.end.max(span.end)];
    let refused = ["not tolerat", "not really tolerat", "difficulty tolerat", "n't tolerat"]
        .iter()
        .any(|words| before.to_lowercase().contains(words));
    let soon: String = after.chars().take(40).collect::<String>().to_lowercase();
    let well = ["tolerated", "without trouble", "without problem", "without difficulty", "without incident", "without a reaction"];
    if (TOLERATED.is_match(before) && !refused && !CAUSES.is_match(after)) || well.iter().any(|words| soon.trim_start().starts_with(words)) {
        return None;
    }
    let floor = document.section_at(span).map_or(0, |section| section.body.start.min(span.start)).max(statement.start);
    if in_list(document, span) {
        return Some(floor);
    }
    if let Some(cue) = BEFORE.find_iter(before).last() {
        let between = &before[cue.end()..];
        let continues = last.is_some_and(|last| last.start >= statement.start + cue.end());
        if is_list(between, continues) {
            return Some(floor);
        }
    }
    if tells_reaction(document, tables, span) || AFTER.is_match(after) {
        return Some(floor);
    }
    let from = last.map_or(statement.start, |last| last.end.max(statement.start)).min(span.start);
    let told = told_before(text, tables, Span::new(from, span.start));
    if told.is_some_and(|told| suffers(&text[from..told.start], &text[told.end..span.start])) {
        return Some(floor);
    }
    // "shrimp, sea food or dye allergy": the head word stands at the end of the list
    let head = after.find("llerg").or_else(|| after.find("LLERG")).map(|at| at.saturating_sub(1))?;
    let between = &after[..head.min(after.len())];
    let listed =
        between.len() < 40 && between.contains(" or ") | between.contains(" and ") && between.split_whitespace().count() <= 5;
    let affirmed = (listed && DENIED.is_match(before)) || (listed && between.split_whitespace().count() <= 2);
    affirmed.then_some(floor)
}

/// "Gets hives with", "rash from", "wheezing after": the words around a reaction that make what follows its cause. "With" and "after"
/// need a verb of suffering or the beginning of the statement before them; "nausea with" alone may go on with a symptom.
fn suffers(before: &str, between: &str) -> bool {
    let lower = between.trim_start().to_lowercase();
    if ["from", "to ", "caused by", "attributed to", "when "].iter().any(|word| lower.starts_with(word)) {
        return true;
    }
    SUFFERS.is_match(before)
}
pattern!(
    SUFFERS,
    r"(?i)(?:^\W*(?:(?:a|an|mild|moderate|severe|oral|diffuse|itchy|local|generalized|serious|[\w-]+severity|upset|swollen)\s+)*$|\b(?:gets?|got|getting|develop\w*|had|has|have|gave|broke|breaks?|experienc\w*|report\w*|suffer\w*|turned|notes?|noted|notices?|and|went into)\b[^.;]{0,40}$)"
);

/// "Morphine -> itching" on a line of its own, "codeine caused her to be excitable", "rash with Bactrim".
fn tells_reaction(document: &Document, tables: &AllergyTables, span: Span) -> bool {
    let text = &document.text;
    let statement = statement_around(text, span);
    let after = &text[span.end..statement.end.max(span.end)];
    let reaction_soon = |lead: usize| {
        let found = tables.reactions.reactions_in(text, Span::new(span.end + lead, statement.end.max(span.end + lead)));
        found.first().is_some_and(|(place, ..)| place.start < span.end + lead + 30)
    };
    if let Some(cause) = CAUSES.find(after) {
        return reaction_soon(cause.end());
    }
    let own_line = text[statement.start..span.start].trim().is_empty();
    let listed = matches!(document.section_kind_at(span), "unspecified" | "allergies" | "other");
    own_line
        && listed
        && MARKED.find(after).is_some_and(|mark| {
            let graded = tables.reactions.severity_in(text, Span::new(span.end, statement.end.max(span.end)));
            reaction_soon(mark.end()) || graded.is_some_and(|(place, ..)| place.start < span.end + mark.end() + 3)
        })
}

/// Only names, commas and conjunctions between a cue and a candidate.
fn is_list(between: &str, continues: bool) -> bool {
    let words = between.split_whitespace().count();
    let verb =
        [" but ", " which ", " she ", " he ", " is ", " was ", " who ", " on ", " for ", " with ", " therefore ", " takes "];
    let padded = format!(" {} ", between.to_lowercase());
    let broken = verb.iter().any(|word| padded.contains(word));
    if continues { words <= 14 && !broken } else { words <= 7 && !broken }
}

/// Assertion of an allergen from the words around it inside its statement.
fn assert(text: &str, span: Span, start: usize) -> (Assertion, Vec<Cue>) {
    let statement = statement_around(text, span);
    let before = &text[start..span.start];
    let clause = before.rfind(" but ").or_else(|| before.rfind("however")).map_or(start, |at| start + at);
    let cue = |pattern: &Regex, from: usize, to: usize| {
        pattern.find_iter(&text[from..to]).last().map(|found| Span::new(from + found.start(), from + found.end()))
    };
    let decided = |assertion: Assertion, place: Span| {
        let words = place.of(text).to_owned();
        (assertion, vec![Cue { text: words, start: place.start, end: place.end, means: assertion.as_str().to_owned() }])
    };
    // "penicillin allergy yes"; a denial closed in brackets is told of another ("(nausea, not a true allergy), cephalexin")
    let affirmed = AFFIRMED.is_match(&text[span.end..]);
    let denied = cue(&DENIED, clause, span.start).filter(|place| {
        let words = &text[place.end..span.start];
        !affirmed && !(words.contains(')') && !words.contains('('))
    });
    let close_by = |found: &Span| !text[found.end..span.start].contains(',');
    let unsure = cue(&UNSURE, clause, span.start).filter(close_by).or_else(|| {
        let close = (span.end + 24).min(statement.end);
        let close = (close..=statement.end).find(|at| text.is_char_boundary(*at)).unwrap_or(statement.end);
        // what stands behind a comma is told of the next one
        let close = text.get(span.end..close).and_then(|words| words.find(',')).map_or(close, |comma| span.end + comma);
        cue(&UNSURE, span.end, close.max(span.end))
            .filter(|found| text[span.end..found.start].len() < 6 || found.of(text) == "MAY")
    });
    if let Some(place) =
        denied.filter(|place| unsure.is_none_or(|unsure| unsure.start > place.start + 20 || unsure.start < place.start))
    {
        let words = text[place.end..span.start].to_lowercase();
        if !["other than", "except", "only", "tolerat", "due to", "because of", "secondary to"]
            .iter()
            .any(|word| words.contains(word))
        {
            return decided(Assertion::Absent, place);
        }
    }
    if let Some(place) = cue(&KIN, clause, span.start)
        && !text[place.end..span.start].to_lowercase().contains("patient")
        && !["states", "reports", "says", "denies"].iter().any(|word| text[place.end..span.start].to_lowercase().contains(word))
    {
        return decided(Assertion::Family, place);
    }
    if let Some(place) = unsure {
        return decided(Assertion::Possible, place);
    }
    let rest = span.end..statement.end.max(span.end);
    if let Some(found) = RULED_OUT.find(&text[rest]) {
        return decided(Assertion::Absent, Span::new(span.end + found.start(), span.end + found.end()));
    }
    if let Some(found) = OUTGROWN.find(statement.of(text)).filter(|found| !statement.of(text)[..found.start()].ends_with("reaction ")) {
        return decided(Assertion::Historical, Span::new(statement.start + found.start(), statement.start + found.end()));
    }
    (Assertion::Present, Vec::new())
}
