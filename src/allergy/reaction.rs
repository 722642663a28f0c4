//! What an allergen did to the patient: reactions and severity, linked within a statement.
//!
//! A statement tells them in one of three orders: after the substance ("codeine (nausea)", "penicillin causes hives"), before it
//! ("hives from Bactrim", "GI upset: erythromycin"), or in the cells of a table. What stands in brackets or behind a dash in an allergy list is
//! a reaction even when no table has its words.

use serde_json::json;

use super::find::FoundAllergy;
use super::grid::Row;
use super::table::AllergyTables;
use crate::domain::{Attribute, Span, system};
use crate::text::Document;

pattern!(
    TOWARDS,
    r"(?i)^\s*(?:(?:reactions?|flare|attack|only|all over)\s+)*(?P<how>\(|\)|:|->|\b(?:to|from|with|on|post|(?:about |approximately |within )?(?:\d+|a few|several|two|three|five|ten) ?(?:min|mins|minutes|h|hr|hrs|hours|days|weeks) (?:after|post|following|into|of)|within (?:minutes|hours|days) of|minutes after|hours after|shortly after|immediately after|since starting|after|following|around|due to|secondary to|caused by|attributed to|because of|when|whenever|in response to|at the injection site with)\b)\s*(?:(?:(?:he|she|they|the patient|patient|pt) )?(?:is|was|being|gets?|takes?|took|taking|given|eats?|eating|ate|receiving|received|receives|exposed|using|use|having|drinking|exposure|initiation)\b\s*)*(?:(?:the|a|an|his|her|any|all|iv|oral|topical|raw|cooked|scrambled|first|second|third|last|single|prior|dose|doses|infusion|injection|course|taste|bite|of|to|with)\s+)*$"
);
pattern!(
    TREATS,
    r"(?i)\b(?:treat\w*|reliev\w*|reliefs?|control\w*|manag\w*|improv\w*|resolv\w*|help\w*|respond\w*|takes?|taking|for|start\w*|premedicat\w*|give|given|prescri\w*)\b[^.;]*$"
);
pattern!(DENIED, r"(?i)\b(?:no|denies|denied|without|never|not)\b[^.;(\[]*$");
pattern!(BUT, r"(?i)\b(?:but|and caus\w+)\b");
pattern!(FIELD, r"(?i)^[.;,|]?\s*(?:(?:adverse )?reactions?|rxn|manifestations?|severity|type|category)\s*:");
pattern!(
    LEAD,
    r"(?i)^\s*(?:(?:allerg(?:y|ies) |intolerance |listed )*[-–—:=>|(\[,]*\s*)(?:(?:which|that|it|has|have|had|both|each|all|also|apparently|only|listed|an?|the|for|adverse|severe|serious|true|documented|infusion|use|used)\s+)*(?:(?:caus\w+|gives?|gave|produc\w+|induc\w+|trigger\w*|result\w* in|leads? to|led to|made|makes|manifested by|with|develop\w*|due to|because of|reactions?(?: of| was| is| were)?|rxn|manifestations?|allergy|intolerance|side effects?)\b[:,\s-]*)?(?:(?:him|her|them|me|the patient|patient|to|get|become|feel|have)\s+)*"
);
pattern!(CHUNKS, r"(?i)\s*(?:[,;/+&|]|\band\b|\bor\b|\bwith\b|\bplus\b)\s*");
pattern!(
    TAIL,
    r"(?i)\s*(?:\b(?:in (?:the )?\d|in (?:childhood|adolescence|infancy)|at age|as an? |on (?:two|three|several|multiple|exposure)|when |while |during |after |years? ago|last |about |requiring|required|under |over |reported|per |only\b|within |severity\b|historically|previously|previous|since )|\d).*$"
);
pattern!(
    COMMENT,
    r"(?i)\b(?:unknown|unclear|unsure|unspecified|see|other|comments?|details?|child|childhood|infant|baby|listed|reviewed|tolerat\w*|avoid\w*|confirmed|patient|per|reports?|states?|not|no|none|possible|questionable|recalled?|remember\w*|verified|noted|allerg\w*|intoleran\w*|sensitiv\w*|history|yes|updated|nkda|only|days?|years?|mg|give|use|she|he|is|are|was|were|has|had|will|currently|takes?|continues?|medications?|oral|iv|type|true|reactions?|stopped|both|skin test|avoid|switched|premedicat\w*)\b"
);
pattern!(OF_ALL, r"(?i)^\s*[-–:(]\s*(?:all|both|each)\b");
pattern!(BRACKETS, r"\([^()]*\)|\[[^\[\]]*\]");
pattern!(
    NAMED,
    r"(?i)^\s*(?:(?:drug |medication )?(?:allerg(?:y|ies)|hypersensitivity|sensitivity|intolerance|infusion|injection|yes|listed|only|not tolerated|reaction in \d{4})\b\s*:?\s*)+"
);
pattern!(SEVERELY, r"(?i)\b(?:allerg\w+|hypersensitiv\w+|intoleran\w+|reactions?|response)\b[^,.;]{0,24}$");

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

/// End of the statement around `span`, fields behind it included: "Penicillin. Reaction: hives. Severity: mild."
fn end_with_fields(text: &str, span: Span) -> usize {
    let mut end = statement_around(text, span).end;
    while FIELD.is_match(&text[end..]) {
        let skipped = text[end..].find(':').map_or(end, |at| end + at + 1);
        let next = statement_around(text, Span::new(skipped, skipped)).end;
        if next <= end {
            break;
        }
        end = next;
    }
    end
}

/// The reactions before a substance that are told of it: "rash and hives from", "wheezing after"; their first and last.
///
/// `region` goes from the statement's start or the substance before to this substance.
pub(super) fn told_before(text: &str, tables: &AllergyTables, region: Span) -> Option<Span> {
    let found = tables.reactions.reactions_in(text, region);
    let last = found.last()?.0;
    let how = TOWARDS.captures(&text[last.end..region.end])?;
    // "rash treated with hydrocortisone", "Zofran for nausea": a remedy is no cause
    let with = how.name("how").is_some_and(|how| matches!(how.as_str().to_lowercase().as_str(), "with" | "to" | "when"));
    let mut first = last;
    for (span, ..) in found.iter().rev().skip(1) {
        let between = text[span.end..first.start].trim().to_lowercase();
        if !matches!(between.as_str(), "" | "," | "and" | "or" | "/" | ", and" | "&") {
            break;
        }
        first = *span;
    }
    let before = &text[region.start..first.start];
    if (with && TREATS.is_match(before)) || DENIED.is_match(before) {
        return None;
    }
    Some(Span::new(first.start, last.end))
}

/// Gives each allergen the reactions and the severity told of it.
pub(super) fn link_reactions(document: &Document, tables: &AllergyTables, rows: &[Row], allergies: &mut [FoundAllergy]) {
    let text = &document.text;
    let spans: Vec<Span> = allergies.iter().map(|found| found.span).collect();
    let statements: Vec<Span> = spans.iter().map(|span| statement_around(text, *span)).collect();
    let floor = |index: usize| {
        let start = statements[index].start;
        index.checked_sub(1).map_or(start, |before| spans[before].end.max(start)).min(spans[index].start)
    };
    let before: Vec<Option<Span>> =
        (0..spans.len()).map(|index| told_before(text, tables, Span::new(floor(index), spans[index].start))).collect();
    for index in 0..spans.len() {
        let span = spans[index];
        if let Some(row) = rows.iter().find(|row| row.substance.overlaps(span)) {
            of_row(text, tables, row, &mut allergies[index]);
            continue;
        }
        if let Some(told) = before[index] {
            collect(text, tables, told, &mut allergies[index]);
        }
        let announced = Span::new(floor(index), span.start);
        if before[index].is_some() || SEVERELY.is_match(announced.of(text)) {
            let from = before[index].map_or(announced.start, |told| told.start.saturating_sub(24).max(announced.start));
            let from = (from..=span.start).find(|at| text.is_char_boundary(*at)).unwrap_or(span.start);
            grade(text, tables, Span::new(from, span.start), &mut allergies[index]);
        }
        // up to the next allergen, or to what is told before it
        let end = end_with_fields(text, span);
        let next = spans.get(index + 1).map_or(end, |next| {
            let told = before[index + 1].filter(|told| told.start >= span.end).map_or(next.start, |told| told.start);
            // "mild amoxicillin allergy" says it of what follows
            before_grade(text, tables, Span::new(span.end, told.max(span.end))).min(end)
        });
        let region = Span::new(span.end, next.max(span.end));
        // "egg allergy (hives)": the reaction stands behind these words
        let named = NAMED.find(region.of(text)).map_or(0, |named| named.end());
        let region = Span::new(region.start + named, region.end);
        let listed = document.section_kind_at(span) == "allergies";
        // "severe ibuprofen allergy"
        let graded = before_grade(text, tables, announced);
        if named > 0 && graded < announced.end {
            grade(text, tables, Span::new(graded, announced.end), &mut allergies[index]);
        }
        // "pancreatitis (azathioprine, severe)"
        if before[index].is_some_and(|told| text[told.end..span.start].contains('('))
            && let Some(close) = region.of(text).find(')')
        {
            grade(text, tables, Span::new(region.start, region.start + close), &mut allergies[index]);
        }
        let direct = tables
            .reactions
            .reactions_in(text, region)
            .first()
            .is_some_and(|(told, ..)| text[region.start..told.start].trim_matches([' ', ',']).is_empty());
        if before[index].is_none() && (listed || direct || leads_to_reaction(region.of(text))) {
            after(text, tables, region, &mut allergies[index]);
        }
    }
    share(text, &spans, &before, allergies);
}

/// Where the word of severity begins that ends `region`; its end when there is none.
fn before_grade(text: &str, tables: &AllergyTables, region: Span) -> usize {
    let from = region.of(text).rfind([',', ';', '(']).map_or(region.start, |at| region.start + at);
    match tables.reactions.severity_in(text, Span::new(from, region.end)) {
        Some((span, ..)) if text[span.end..region.end].trim().is_empty() => span.start,
        _ => region.end,
    }
}

/// What one substance of a coordination did, the others did too: "aspirin and Altace caused cough", "hives from eggs and milk".
fn share(text: &str, spans: &[Span], before: &[Option<Span>], allergies: &mut [FoundAllergy]) {
    let joined = |index: usize| {
        let between = Span::new(spans[index - 1].end, spans[index].start).of(text).trim().to_lowercase();
        matches!(between.as_str(), "and" | "or" | "/" | ", and" | "," | "and to" | ", or" | "&")
    };
    for index in (1..spans.len()).rev() {
        let after: String = text[spans[index].end..].chars().take(24).collect();
        let bracket = after.trim_start().starts_with(['(', '-', ':', '[', '–']);
        // "Banana and kiwi (mouth itching)" is of both, "codeine, and tape (skin tears)" of the last
        let pair = text[spans[index - 1].end..spans[index].start].trim() == "and"
            && (index < 2 || !joined(index - 1))
            && allergies[index].assertion == allergies[index - 1].assertion;
        let (first, second) = allergies.split_at_mut(index);
        let (first, second) = (&mut first[index - 1].attributes, &second[0].attributes);
        if joined(index)
            && before[index].is_none()
            && first.reactions.is_empty()
            && ((leads_to_reaction(&after) && !bracket) || (bracket && (pair || OF_ALL.is_match(&after))))
        {
            first.reactions.clone_from(&second.reactions);
            first.severity = first.severity.take().or_else(|| second.severity.clone());
        }
    }
    for index in 1..spans.len() {
        let (first, second) = allergies.split_at_mut(index);
        let (first, second) = (&first[index - 1].attributes, &mut second[0].attributes);
        let told =
            before[index - 1].is_some() || !first.reactions.is_empty() && first.reactions[0].start < spans[index - 1].start;
        if joined(index) && told && before[index].is_none() && second.reactions.is_empty() {
            second.reactions.clone_from(&first.reactions);
        }
    }
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

/// "Causes", "which gives", "(", "-": words that announce a reaction.
pub(super) fn leads_to_reaction(after: &str) -> bool {
    let lower = after.trim_start().to_lowercase();
    let direct =
        ["(", "[", "-", "–", ":", "=", ". reaction", "; reaction", ", reaction"].iter().any(|mark| lower.starts_with(mark));
    direct
        || [
            "caus",
            "gives",
            "gave",
            "result",
            "leads to",
            "led to",
            "produc",
            "made",
            "makes",
            "with ",
            "which",
            "reaction",
            "develop",
            "noted",
            "became",
            "broke out",
            "for ",
            "because",
            "due to",
            "manifested",
            "side effect",
            "induce",
            "trigger",
            ", mild",
            ", severe",
            ", moderate",
        ]
        .iter()
        .any(|word| lower.find(word).is_some_and(|at| at < 24))
}

/// Reactions behind the substance.
fn after(text: &str, tables: &AllergyTables, region: Span, allergy: &mut FoundAllergy) {
    let content = region.of(text);
    let lead = content.len() - content.trim_start().len();
    let rest = &content[lead..];
    // "(hives), here with a headache": what stands behind the bracket is told of something else
    let close = match rest.chars().next() {
        Some('(') => rest.find(')'),
        Some('[') => rest.find(']'),
        _ => None,
    };
    let region = close.map_or(region, |close| Span::new(region.start + lead, region.start + lead + close));
    let marked = close.is_some() || ["-", "–", "—", ":", "=", "[", "("].iter().any(|mark| rest.starts_with(mark));
    let before = allergy.attributes.reactions.len();
    let field = FIELD.is_match(rest);
    let region = match BUT.find(region.of(text)) {
        Some(but) if !region.of(text)[..but.start()].trim().is_empty() => Span::new(region.start, region.start + but.start()),
        _ => region,
    };
    collect(text, tables, region, allergy);
    grade(text, tables, region, allergy);
    if allergy.attributes.reactions.len() == before && (marked || field || leads_with_verb(rest)) {
        unlisted(text, tables, region, allergy);
    }
}

/// "Causes", "makes her": verbs whose object is a reaction.
fn leads_with_verb(after: &str) -> bool {
    let lower = after.to_lowercase();
    ["causes ", "caused ", "gave ", "gives ", "produced ", "produces ", "manifested by "]
        .iter()
        .any(|verb| lower.starts_with(verb))
}

/// Puts the known reactions of `region` into the allergy; denied ones are none.
fn collect(text: &str, tables: &AllergyTables, region: Span, allergy: &mut FoundAllergy) {
    let mut found: Vec<(Span, String, String)> = Vec::new();
    for (span, code, display) in tables.reactions.reactions_in(text, region) {
        if DENIED.is_match(&text[region.start..span.start]) || display == "unknown reaction" {
            continue;
        }
        // "blistering rash" is one reaction, named by its last word
        match found.last_mut() {
            Some((last, known, name)) if text[last.end..span.start] == *" " => {
                *last = Span::new(last.start, span.end);
                code.clone_into(known);
                display.clone_into(name);
            }
            _ => found.push((span, code.to_owned(), display.to_owned())),
        }
    }
    for (span, code, display) in found {
        let span = with_adjectives(text, Span::new(region.start, span.start), span);
        let value = if code.is_empty() {
            json!({"display": display})
        } else {
            json!({"system": system::SNOMED, "code": code, "display": display})
        };
        add(text, span, Some(value), allergy);
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

/// Reactions that no table has, by their place: up to four words in brackets or behind a dash.
fn unlisted(text: &str, tables: &AllergyTables, region: Span, allergy: &mut FoundAllergy) {
    let content = region.of(text);
    let from = LEAD.find(content).map_or(0, |lead| lead.end());
    let mut at = from;
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for separator in CHUNKS.find_iter(&content[from..]) {
        parts.push((at, from + separator.start()));
        at = from + separator.end();
    }
    parts.push((at, content.len()));
    for (start, end) in parts {
        let Some(part) = content.get(start..end) else { continue };
        let part = &part[..TAIL.find(part).map_or(part.len(), |tail| tail.start())];
        let part = part.trim_end_matches(|character: char| !character.is_alphanumeric());
        let start = start + (part.len() - part.trim_start_matches(|character: char| !character.is_alphanumeric()).len());
        let part = part.trim_start_matches(|character: char| !character.is_alphanumeric());
        let grade = tables
            .reactions
            .severity_in(part, Span::new(0, part.len()))
            .map_or(0, |(span, ..)| if span.start == 0 { span.end } else { 0 });
        let words = part[grade..].trim_start();
        let start = start + (part.len() - words.len());
        let count = words.split_whitespace().count();
        if count == 0
            || count > 4
            || words.len() < 4
            || words.chars().any(|character| character.is_ascii_digit())
            || COMMENT.is_match(words)
        {
            continue;
        }
        let span = Span::new(region.start + start, region.start + start + words.len());
        add(text, span, None, allergy);
    }
}

fn add(text: &str, span: Span, value: Option<serde_json::Value>, allergy: &mut FoundAllergy) {
    let written = span.of(text);
    if allergy.attributes.reactions.iter().any(|other| other.text.eq_ignore_ascii_case(written)) {
        return;
    }
    let attribute = Attribute { text: written.to_owned(), start: span.start, end: span.end, value };
    allergy.attributes.reactions.push(attribute);
}

/// The first word of severity in `region`, with its grade and how certain it is.
fn grade(text: &str, tables: &AllergyTables, region: Span, allergy: &mut FoundAllergy) {
    if let Some((span, grade, code)) = tables.reactions.severity_in(text, region) {
        let around = text[region.start..span.start].to_lowercase();
        let unsure =
            ["possibl", "probabl", "question", "likely", "perhaps", "suspect", "?"].iter().any(|word| around.contains(word));
        set_severity(text, (span, grade, code), if unsure { "possible" } else { "stated" }, allergy);
    }
}

fn set_severity(text: &str, (span, grade, code): (Span, &str, &str), certainty: &str, allergy: &mut FoundAllergy) {
    let mut value = json!({"display": grade, "certainty": certainty});
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
        collect(text, tables, cell, allergy);
        if allergy.attributes.reactions.is_empty() {
            unlisted(text, tables, cell, allergy);
        }
        grade(text, tables, cell, allergy);
    }
    if let Some(cell) = row.severity {
        let found = tables.reactions.severity_in(text, cell);
        let word = match cell.of(text).to_lowercase().as_str() {
            "high" => Some("severe"),
            "low" => Some("mild"),
            "medium" => Some("moderate"),
            _ => None,
        };
        match (found, word) {
            (Some((span, grade, code)), _) => set_severity(text, (span, grade, code), "stated", allergy),
            (None, Some(grade)) => set_severity(text, (cell, grade, ""), "stated", allergy),
            (None, None) => {}
        }
    }
    if row.kind.is_some_and(|kind| kind.of(text).to_lowercase().contains("intoleran")) {
        allergy.attributes.allergy_type = Some("intolerance".to_owned());
    }
}
