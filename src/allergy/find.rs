//! Which candidates are allergens, and what the note says of them.

use super::describe::describe;
use super::grid::{self, Row};
use super::links::{Did, Known, link};
use super::list::lists;
use super::none_known::none_known;
use super::reaction::{is_continued, statement_around};
use super::table::{AllergyTables, Told};
use super::unnamed;
use crate::domain::{AllergyScope, Assertion, Attributes, Cue, Span};
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

pattern!(
    BEFORE,
    r"(?i)(?:allergic(?: (?:reactions?|response))?(?: or sensitive)?(?: only)?(?: to)?|allerg(?:y|ies)(?: or sensitivit(?:y|ies))? (?:to|includes?|including|are|is|of)|(?:drug |medication |food )?allerg(?:y|ies)\s*:|intoleran(?:t|ces?) (?:to|of|includes?)|(?:allergic |adverse |bad |severe |hypersensitivity |anaphylactic |life-threatening )?reactions? (?:to|from)|out in (?:a )?(?:rash|hives) with|hypersensitiv(?:e|ity) to|sensitiv(?:e|ity) to|anaphylaxis (?:to|from|with)|(?:rash|hives|urticaria|angioedema) (?:to|from|after)|intolerance to|(?:not|n't) (?:really )?tolerated?|(?:cannot|can't|can not|unable to) (?:take|tolerate)|react(?:s|ed) (?:badly )?to|(?:allergen|substance|(?:suspected )?agent)\s*:|(?:intoleranc\w+|sensitivit\w+|adrs?|adverse (?:drug )?reactions?|drug reactions?|infusion reactions?)\s*:|anaphylactic to|difficulty tolerating|DHx - allergies)\s*"
);
pattern!(
    AFTER,
    r"(?i)^[\s(-]*(?:drug |medication )?(?:allerg(?:y|ies|ic)\b|hypersensitivity|sensitivit(?:y|ies)|intoleran(?:ce|t)\b|(?:was |is |were )?(?:not|poorly) tolerated|[^.;()]{0,30}, not tolerated)"
);
pattern!(
    REMEDY,
    r"(?i)^[\s(-]*(?:\w+ )?allerg\w+ (?:medic\w*|meds?|pills?|shots?|drops?|tests?|testing|clinic|relief|tablets?|season)\b"
);
pattern!(
    TOLERATED,
    r"(?i)(?:tolerat(?:es|ed|ing)|can take|able to (?:take|tolerate)|takes|treated with|given|relieved (?:by|with)|responds to|carries|used|taking|instead of|prescribed|start(?:ed)?|receiv(?:e|ed|ing)|eats|eating|including|continues?|(?:now|currently|switched) (?:on|to))(?: (?:\w+|an?)){0,2} $"
);
pattern!(DENIED, r"(?i)\b(?:denies|denied|denying|deny|no|not|without|negative for|never had|did not|does not|has not|nor)\b");
pattern!(
    UNSURE,
    r"(?i)(?:\?|\b(?:questionable|questionably|question of|possible|possibly|probable|probably|might|may|perhaps|unclear|uncertain|thinks|suspected|suspects|not sure|unsure|potential|likely|apparent|suspect|could (?:well |equally )?(?:be|have been)|doubtful|(?:never|not|un)[ -]?proven|ddx)\b)"
);
pattern!(
    CAUSES,
    r"(?i)^,?\s*(?:(?:infusion|injection|use|therapy|tablets?|cream) )?(?:which |has |have |both |each |all )*(?:caus(?:es?|ed)|gives?|gave|makes?|made|produc(?:es?|ed)|induc(?:es?|ed)|triggers?|triggered|precipitat(?:es?|ed)|brings? on|brought on|sets? off)\b(?: (?:him|her|them|me|the patient))?(?: to be)?\s*"
);
pattern!(
    RECORDED,
    r"(?i)^[^.\n]{0,80}?\b(?:as (?:an )?(?:allerg(?:y|ies)|intolerances?)\b|coded as (?:an )?allergy|(?:listed|recorded|documented|charted|carried)(?: (?:in the chart|there))? as (?:an )?(?:allerg(?:y|ies)|intolerances?))|^[^\n]{0,90}?(?:[-–,.;]\s*)(?:intolerances?[.,;)]|side effects?(?:[.,;)]|$)|add(?:ed)? to (?:the |his |her )?allergy list)"
);
pattern!(ALLERGY_TALK, r"(?i)\b(?:allerg\w+|intoleran\w+|adverse|adrs?|reactions?|side effects?|sensitiv\w+)\b");
pattern!(
    BORNE,
    r"(?i)^\s*(?:(?:was|is|were|has been) )?(?:(?:well )?tolerated|without (?:any )?(?:trouble|problems?|difficult\w*|incident|a reaction|reaction)|(?:was|is|were) (?:chosen|used|given|started|selected|substituted))\b"
);
pattern!(INDUCED, r"(?i)^[\s,-]*induc");
pattern!(DOSED, r"(?i)^\s*\d+(?:[.,/]\d+)*\s*(?:mg|mcg|µg|ug|g|gm|ml|cc|meq|units?|iu|puffs?|tabs?|caps?|%)(?:\b|\s|$)");
pattern!(CAN_TAKE, r"(?i)\b(?:can (?:get|take|have|tolerate)|tolerates?|able to (?:take|tolerate)|takes)\b");
pattern!(
    CULTURED,
    r"(?i)\b(?:cultur\w*|organisms?|isolates?|coli|pseudomonas|klebsiella|proteus|staph\w*|strep\w*|entero\w*|mrsa|bacteri\w*|urine|grew|growing|sensitiv\w+ and|resistan\w+ and)\b.*\b(?:sensitiv\w+|resistan\w+|susceptib\w+) to[^.;]*$"
);
pattern!(
    RULED_OUT,
    r"(?i)^\s*(?:(?:allerg(?:y|ies)|intolerance|label)\s*(?:[:–-]\s*)?(?:no|none|negative|denied|removed|refuted)\b|[:–-]\s*(?:no|none|negative|denied|no allergy|not allergic)\b|(?:[–-]\s*)?(?:is |are |was )?(?:ok|okay|fine)\b|(?-i:N)(?:[.,;]|$)|[^;.\n]{0,40}\b(?:label|allergy|listing|entry|list)\b[^;.\n]{0,20}\b(?:removed|disprove[dn]|refuted)\b|[^;.\n]{0,60}\bde-?label\w*|(?:allerg(?:y|ies)|intolerance)?\s*(?:was |has been )?ruled out)"
);
pattern!(AFFIRMED, r"(?i)^\s*(?:allerg(?:y|ies)|intolerance)?\s*:?\s*(?:yes|positive|confirmed)\b");
pattern!(
    OUTGROWN,
    r"(?i)\b(?:outgrown|outgrew|as an? (?:baby|child|kid|infant|teenager)|in childhood|childhood|(?:has |since )?resolved)\b"
);
pattern!(
    KIN,
    r"(?i)\b(?:mother|father|mom|dad|sister|brother|aunt|uncle|son|daughter|sibling|twin|cousin|niece|nephew|grandmother|grandfather|parents?|family)\b(?:'s)?"
);
pattern!(
    HEADED,
    r"(?i)^\W*(?:(?:known |drug |medication |other )?(?:allerg(?:y|ies|ys)|intoll?erances?|adrs?)(?:\s*(?:/|and|&)\s*\w+)?(?:\s*[·:=/–-]\s*|\s+)|all\s*:\s*)"
);

pattern!(RELIEF, r"(?i)^(?:medic|meds|pills?|shots?|drops?|relief|tablets?|treat|control|symptom)");

/// From this probability on a link alone makes an allergen.
const SURE: f64 = 0.9;

/// Decides for every candidate, and adds substances of the allergen table where an allergen is expected.
///
/// `candidates` are medication or allergen matches and `no_known_candidates` statements of none, both sorted byte spans.
#[must_use]
pub fn find(document: &Document, tables: &AllergyTables, candidates: &[Span], no_known_candidates: &[Span]) -> AllergyFindings {
    let none_known = none_known(document, no_known_candidates);
    let rows = grid::rows(&document.text);
    let spans = substances(document, tables, &rows, candidates);
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let named = none_known.iter().any(|none| none.span.overlaps(span));
        if !named && kept.last().is_none_or(|last| last.end <= span.start) {
            kept.push(span);
        }
    }
    AllergyFindings { allergies: allergens(document, tables, &rows, &kept), none_known }
}

/// Everything that may be an allergen: the candidates, terms of the allergen table, substances of tables; of those that overlap the longest.
pub(crate) fn substances(document: &Document, tables: &AllergyTables, rows: &[Row], candidates: &[Span]) -> Vec<Span> {
    let text = &document.text;
    let whole = Span::new(0, text.len());
    let mut spans: Vec<Span> = candidates.to_vec();
    for span in tables.allergens.find_in(text, whole) {
        let widened = spans.iter().position(|other| span.contains(*other) && span.len() > other.len());
        if let Some(index) = widened.filter(|_| document.section_kind_at(span) == "allergies") {
            spans[index] = span;
        } else if !spans.iter().any(|other| other.overlaps(span)) {
            spans.push(span);
        }
    }
    spans.sort_unstable();
    for span in unnamed::substances(text, tables) {
        if !spans.iter().any(|other| other.overlaps(span)) {
            spans.push(span);
        }
    }
    // "sick as a dog", "low platelets": the word is part of a reaction
    let told = unnamed::near_talk(text).into_iter().flat_map(|line| tables.reactions.reactions_in(text, line));
    let told: Vec<Span> = told.map(|told| told.span).collect();
    spans.retain(|span| {
        let at = told.partition_point(|told| told.end < span.end);
        let Some(told) = told.get(at).filter(|told| told.start <= span.start && told.len() > span.len()) else { return true };
        let category = tables.allergens.lookup(span.of(text)).map(|allergen| allergen.category.as_str());
        let leads = told.start == span.start && !tables.reactions.names(told.of(text));
        category.is_none_or(|category| category == "medication" || (leads && category == "environment"))
    });
    spans.sort_unstable();
    // a row of a table names its substance even when no vocabulary has it
    for row in rows {
        let words = row.substance.of(text).split_whitespace().count();
        if words <= 5 && !spans.iter().any(|span| span.overlaps(row.substance)) {
            spans.push(row.substance);
        }
    }
    spans.sort_unstable();
    // of overlapping candidates the longest stays
    let all = spans.clone();
    spans.retain(|span| !all.iter().any(|other| other.overlaps(*span) && other.len() > span.len()));
    // "amoxicillin-clavulanate" in one cell of a table is one; in a list a hyphen may part two, and none may be lost
    spans.retain(|span| {
        let before = text[..span.start].strip_suffix('-').map(str::len);
        let in_cell = |other: &Span| rows.iter().any(|row| row.substance.contains(*span) && row.substance.contains(*other));
        !before.is_some_and(|end| all.iter().any(|other| other.end == end && in_cell(other)))
    });
    spans.retain(|span| !is_no_substance(document, tables, *span));
    spans.dedup();
    spans
}

/// The substances that are allergens, by the words around them or by what they did, described.
fn allergens(document: &Document, tables: &AllergyTables, rows: &[Row], spans: &[Span]) -> Vec<FoundAllergy> {
    let known = known(document, tables, rows, spans);
    let did = link(document, tables, &known);
    let note = Note { document, tables, rows, lists: &lists(document, tables, spans) };
    let mut allergies: Vec<FoundAllergy> = Vec::new();
    for (one, did) in known.iter().zip(&did) {
        let last = allergies.last().map(|found| found.span);
        let floor = || statement_around(&document.text, one.span).start;
        let by_link = || is_allergen_by_link(document, one.span, did).then(floor);
        let Some(start) = governed(&note, one.span, last).or_else(by_link) else { continue };
        let (assertion, cues) = assert(&document.text, one.span, start);
        allergies.push(FoundAllergy { span: one.span, assertion, cues, attributes: Attributes::default() });
    }
    describe(document, tables, (rows, &known, &did), &mut allergies);
    allergies
}

/// Which substances the words around them call allergens, and which are borne.
pub(crate) fn known(document: &Document, tables: &AllergyTables, rows: &[Row], spans: &[Span]) -> Vec<Known> {
    let note = Note { document, tables, rows, lists: &lists(document, tables, spans) };
    let mut last = None;
    let mut known = Vec::with_capacity(spans.len());
    for span in spans {
        let governed = governed(&note, *span, last).is_some();
        if governed {
            last = Some(*span);
        }
        known.push(Known { span: *span, governed, borne: is_tolerated(document, *span) });
    }
    known
}

/// "Documents haloperidol (dystonia) as an allergy", "Akathisia on Abilify. Intolerance, not allergy": the line says that it is recorded as
/// one, or tells its reaction in brackets where allergies are told.
fn is_recorded(document: &Document, tables: &AllergyTables, span: Span) -> bool {
    let text = &document.text;
    let near = span.around(text, 400, 400);
    let line_end = text[span.end..near.end].find('\n').map_or(near.end, |end| span.end + end);
    let close = span.around(text, 0, 160).end.min(line_end);
    if RECORDED.is_match(&text[span.end..close]) {
        return true;
    }
    let line_start = text[near.start..span.start].rfind('\n').map_or(near.start, |start| near.start + start + 1);
    let after = &text[span.end..line_end];
    let Some(open) = after.find(['(', '[']).filter(|open| after[..*open].trim().is_empty()) else { return false };
    let inside = Span::new(span.end + open + 1, line_end);
    let first = tables.reactions.reactions_in(text, inside).first().map(|told| told.span.start);
    first.is_some_and(|first| {
        text[inside.start..first].split_whitespace().count() <= 2 && !text[inside.start..first].contains(')')
    }) && ALLERGY_TALK.is_match(&text[line_start..line_end])
}

/// Words that are no allergen though they may be taken for one: a column's name, a reaction, "hay" of "hay fever", and what the
/// statement says is tolerated.
#[must_use]
pub fn is_no_substance(document: &Document, tables: &AllergyTables, span: Span) -> bool {
    let text = &document.text;
    is_other_thing(text, span) || tables.reactions.names(span.of(text))
}

/// Whether the statement says that the patient bears or uses this substance: "tolerates", "eats", "was chosen".
#[must_use]
pub fn is_tolerated(document: &Document, span: Span) -> bool {
    let text = &document.text;
    let statement = statement_around(text, span);
    let before = &text[statement.start..span.start];
    let after = &text[span.end..statement.end.max(span.end)];
    let refused = ["not tolerat", "not really tolerat", "difficulty tolerat", "n't tolerat"]
        .iter()
        .any(|words| before.to_lowercase().contains(words));
    // "E. coli resistant to ampicillin" is told of the germ
    if CULTURED.is_match(before) {
        return true;
    }
    // "but he can get morphine along with Benadryl"
    let clause = before.rfind(" but ").map_or("", |at| &before[at..]);
    (TOLERATED.is_match(before) && !refused && !CAUSES.is_match(after)) || BORNE.is_match(after) || CAN_TAKE.is_match(clause)
}

/// "Hay fever", "dust" of "dusty" and the like: the word goes on and means something else.
fn is_other_thing(text: &str, span: Span) -> bool {
    let words = span.of(text).to_lowercase();
    if [
        "allergen",
        "allergens",
        "food",
        "foods",
        "drug",
        "drugs",
        "medication",
        "medications",
        "reaction",
        "environmental",
        "substance",
        "pt",
        "pts",
    ]
    .contains(&words.as_str())
    {
        return true;
    }
    let after: String = text[span.end..].chars().take(14).collect::<String>().to_lowercase();
    [" fever", "-like", " x-ray", " scan", " study", "-free", " free ", " deficien", "-deficien"]
        .iter()
        .any(|word| after.starts_with(word))
}

/// A note and what was worked out of the whole of it.
#[derive(Clone, Copy)]
struct Note<'a> {
    document: &'a Document,
    tables: &'a AllergyTables,
    rows: &'a [Row],
    lists: &'a [Span],
}

/// Whether a substance that no words call an allergen is one by what it did. Where neither allergies are talked of nor a verb says that it
/// caused it, the link must be sure: a problem and the drug for it stand beside each other too.
fn is_allergen_by_link(document: &Document, span: Span, did: &Did) -> bool {
    let text = &document.text;
    let statement = statement_around(text, span);
    let after = &text[span.end..span.around(text, 0, 120).end];
    let caused = CAUSES.is_match(after);
    let told = caused && !INDUCED.is_match(after) || ALLERGY_TALK.is_match(statement.of(text));
    // a word that is a reaction by its place alone makes nothing an allergen, unless it is said to be caused
    did.reactions.iter().any(|told| (!told.open || caused) && !is_done(document, told.span, span))
        && !is_done_to(document, span)
        && (told || did.surest >= SURE && !is_treatment(text, span, did))
}

/// "Itching - cholestyramine refused", "agitation: lorazepam 1 mg": a problem, a mark and what is given for it; or a drug with its dose.
fn is_treatment(text: &str, span: Span, did: &Did) -> bool {
    let line_end = text[span.end..].find('\n').map_or(text.len(), |end| span.end + end);
    let listed = |told: &Told| {
        told.span.end <= span.start && {
            let between = text[told.span.end..span.start].trim();
            !between.is_empty() && between.chars().all(|mark| matches!(mark, '-' | '–' | '—' | ':' | '>' | '→' | '='))
        }
    };
    DOSED.is_match(&text[span.end..line_end]) || did.reactions.iter().all(listed)
}

/// What makes the candidate an allergen: the start of the words that govern it. None when it is no allergen.
fn governed(note: &Note<'_>, span: Span, last: Option<Span>) -> Option<usize> {
    let Note { document, tables, rows, lists } = *note;
    let text = &document.text;
    if let Some(row) = rows.iter().find(|row| row.substance.overlaps(span)) {
        return (!row.is_refuted(text)).then_some(row.substance.start.min(span.start));
    }
    let statement = statement_around(text, span);
    let before = &text[statement.start..span.start];
    let after = &text[span.end..statement.end.max(span.end)];
    if is_tolerated(document, span) {
        return None;
    }
    let floor = document.section_at(span).map_or(0, |section| section.body.start.min(span.start)).max(statement.start);
    if lists.iter().any(|list| list.contains(span)) {
        return Some(floor);
    }
    if let Some(heading) =
        HEADED.find(before).filter(|heading| !DOSED.is_match(after) && !RELIEF.is_match(&before[heading.end()..]))
        && is_list(&before[heading.end()..], last.is_some_and(|last| last.start >= statement.start))
    {
        return Some(floor);
    }
    if let Some(cue) = BEFORE.find_iter(before).last() {
        let between = &before[cue.end()..];
        // "allergic reaction, pain, poor cosmetic result" names no cause
        let said = cue.as_str().trim_end().to_lowercase();
        let open = ["to", "of", "from", ":", "including", "includes", "include", "are", "is", "with", "after", "allergies"]
            .iter()
            .any(|end| said.ends_with(end))
            || said.contains("tolerat")
            || said.contains("take");
        let continues = last.is_some_and(|last| last.start >= statement.start + cue.end());
        if is_list(between, continues) && (open || between.trim().is_empty()) {
            return Some(floor);
        }
    }
    let named = AFTER.is_match(after) && !REMEDY.is_match(after);
    // "Cefaclor (severe)" on a line of its own
    let rest = Span::new(span.end, statement.end.max(span.end));
    let graded = before.trim().is_empty() && {
        let severity = tables.reactions.severities_in(text, rest).first().map(|(place, ..)| text[span.end..place.start].trim());
        severity.is_some_and(|mark| ["(", "[", "-", ":"].contains(&mark))
    };
    if named || graded || is_recorded(document, tables, span) {
        return Some(floor);
    }
    // "penicillin (rash) and sulfa (hives)": the list goes on
    if let Some(last) = last.filter(|last| last.start >= statement.start)
        && is_continued(&text[last.end..span.start])
    {
        return Some(floor);
    }
    // "penicillin, rash; Compazine, lockjaw": the list goes on behind a semicolon
    if let Some(last) = last.filter(|last| last.end < statement.start)
        && before.trim().is_empty()
        && text[..statement.start].ends_with(';')
        && statement_around(text, last).end + 1 == statement.start
        && after.trim_start().starts_with([',', '(', '-', '–', ':', '/'])
    {
        return Some(floor);
    }
    // "shrimp, sea food or dye allergy": the head word stands at the end of the list
    let head = after.find("llerg").or_else(|| after.find("LLERG"))?;
    let between = after[..head].trim_end_matches(['a', 'A']);
    let listed =
        between.len() < 40 && between.contains(" or ") | between.contains(" and ") && between.split_whitespace().count() <= 5;
    let affirmed = listed && (DENIED.is_match(before) || between.split_whitespace().count() <= 2);
    affirmed.then_some(floor)
}

/// "Sedation with midazolam", "the catheter was flushed with saline": what is done with a drug is no reaction.
fn is_done(document: &Document, told: Span, substance: Span) -> bool {
    let words = told.of(&document.text).to_lowercase();
    told.start < substance.start
        && ["sedation", "sedated", "flushed", "flush", "bleeding", "hemorrhage", "irritation"].contains(&words.as_str())
}

/// What is used in an operation, and what is hardly ever meant as an allergen outside of lists, is none by a reaction beside it.
fn is_done_to(document: &Document, substance: Span) -> bool {
    let operation = matches!(
        document.section_kind_at(substance),
        "anesthesia" | "operative_description" | "procedures" | "indications" | "findings" | "risks"
    );
    let weak = ["blood", "alcohol", "smoke", "sun", "cold", "heat", "soap", "tape", "cosmetic", "cosmetics", "food", "metal"];
    operation || weak.contains(&substance.of(&document.text).to_lowercase().as_str())
}

/// Only names, commas and conjunctions between a cue and a candidate.
fn is_list(between: &str, continues: bool) -> bool {
    let words = between.split_whitespace().count();
    let verb = [
        " but ",
        " which ",
        " she ",
        " he ",
        " is ",
        " was ",
        " who ",
        " on ",
        " for ",
        " with ",
        " therefore ",
        " takes ",
        " due ",
        " because ",
    ];
    let padded = format!(" {} ", between.to_lowercase());
    let broken = verb.iter().any(|word| padded.contains(word));
    if continues { words <= 14 && !broken } else { words <= 7 && !broken }
}

/// Assertion of an allergen from the words around it inside its statement.
fn assert(text: &str, span: Span, start: usize) -> (Assertion, Vec<Cue>) {
    let statement = statement_around(text, span);
    let before = &text[start..span.start];
    let clause = before.rfind(" but ").or_else(|| before.rfind("however")).map_or(start, |at| start + at);
    let cue = |pattern: &regex::Regex, from: usize, to: usize| {
        pattern.find_iter(&text[from..to]).last().map(|found| Span::new(from + found.start(), from + found.end()))
    };
    let decided = |assertion: Assertion, place: Span| {
        let words = place.of(text).to_owned();
        (
            assertion,
            vec![Cue { text: words, start: place.start, end: place.end, means: assertion.as_str().to_owned(), scope: None }],
        )
    };
    // "penicillin allergy yes"; a denial closed in brackets is told of another ("(nausea, not a true allergy), cephalexin")
    let affirmed = AFFIRMED.is_match(&text[span.end..]);
    let denied = cue(&DENIED, clause, span.start).filter(|place| {
        let words = &text[place.end..span.start];
        !affirmed && (!words.contains(')') || words.contains('('))
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
    if let Some(found) =
        OUTGROWN.find(statement.of(text)).filter(|found| !statement.of(text)[..found.start()].ends_with("reaction "))
    {
        return decided(Assertion::Historical, Span::new(statement.start + found.start(), statement.start + found.end()));
    }
    (Assertion::Present, Vec::new())
}
