//! What a drug is taken for, as written after it: "for pain", "p.r.n. nausea", "to control her blood pressure".

use crate::domain::Span;
use crate::text::Document;

/// Words that end the name of a purpose.
const STOPS: [&str; 53] = [
    "which", "that", "with", "while", "when", "but", "who", "we", "she", "he", "they", "is", "was", "were", "will", "if", "in",
    "on", "as", "at", "per", "by", "from", "to", "since", "because", "until", "x", "has", "have", "had", "does", "did",
    "prior", "after", "before", "during", "now", "today", "not", "p", "b", "t", "q", "i", "it", "may", "can", "should",
    "without", "until", "daily", "via",
];

/// Words after "for" that do not start a purpose.
const NOT_A_PURPOSE: [&str; 40] = [
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "now",
    "several",
    "many",
    "some",
    "approximately",
    "about",
    "years",
    "months",
    "weeks",
    "days",
    "her",
    "his",
    "him",
    "me",
    "us",
    "them",
    "which",
    "follow",
    "followup",
    "follow-up",
    "total",
    "at",
    "up",
    "more",
    "least",
    "over",
    "quite",
    "discharge",
    "refill",
    "next",
    "each",
    "every",
    "review",
];

pattern!(
    FOR,
    r"(?i)^[\s,()]*(?:(?:which (?:she|he) (?:takes|uses)|to be used|be used|used|taken|given|administered)\s+)?for\s+(?:(?:any|his|her|the|their|a|an|some|your|my|possible|presumed|treatment of|management of|control of|relief of|recent history of|history of)\s+)*"
);
pattern!(
    PURPOSE,
    r"(?i)^[\s,]*(?:to help (?:with|control)|to (?:control|treat|prevent|help)|in (?:the )?treatment of|because of|secondary to|due to)\s+(?:(?:any|his|her|the|their|a|some)\s+)*"
);
pattern!(WORD, r"[A-Za-z][\w'’/-]*");

/// The purpose that starts at `from`, before `end`; `after_prn` allows it without "for".
pub(super) fn purpose(text: &str, (from, end): (usize, usize), after_prn: bool) -> Option<Span> {
    let rest = text.get(from..end)?;
    if let Some(lead) = FOR.find(rest).or_else(|| PURPOSE.find(rest)) {
        // "clindamycin secondary to penicillin allergy" is no purpose
        return noun_phrase(text, from + lead.end(), end).filter(|span| !span.of(text).to_lowercase().ends_with(" allergy"));
    }
    if after_prn {
        let lead = rest.len() - rest.trim_start().len();
        return (lead > 0).then(|| noun_phrase(text, from + lead, end)).flatten();
    }
    None
}

/// At most six words, up to punctuation or a stop word.
fn noun_phrase(text: &str, from: usize, end: usize) -> Option<Span> {
    let rest = text.get(from..end)?;
    let rest = &rest[..rest.find(['.', ',', ';', ':', '(', ')', '\n', '|', '?']).unwrap_or(rest.len())];
    let mut last = 0;
    let mut kept = 0;
    let mut expected = 0;
    for (count, word) in WORD.find_iter(rest).enumerate() {
        let lower = word.as_str().to_lowercase();
        let gap = &rest[expected..word.start()];
        if gap.trim() != "" && gap.trim() != "-" {
            break;
        }
        if (count == 0 && NOT_A_PURPOSE.contains(&lower.as_str())) || STOPS.contains(&lower.as_str()) || count >= 6 {
            break;
        }
        expected = word.end();
        if matches!(lower.as_str(), "and" | "or" | "of" | "the" | "her" | "his") {
            continue;
        }
        last = word.end();
        kept += 1;
    }
    (kept > 0).then(|| Span::new(from, from + last))
}

pattern!(
    TREATED,
    r"(?i)^[^.;\n]{0,60}?\b(?:treated|managed|controlled|maintained|helped|relieved|improved|stable|doing (?:well|fairly well)|respond(?:s|ed|ing) (?:well )?to|for which|believing|started on|placed on|put on|given|takes|taking|took|continues?|prescri\w+)\b[^.;\n]*$"
);
pattern!(
    ON,
    r"(?i)^[\s,(]*(?:(?:currently|now|presently|still|is|was|and|he|she|patient|the patient|who is|stable|controlled)\s+)*(?:on|taking)\s+(?:[\w.,/-]+\s+){0,3}$"
);
pattern!(
    LED_BY_FOR,
    r"(?i)(?:^|[.;,]\s*|\band\s+)(?:as )?for\s+(?:(?:his|her|the|their|your|any|a|an|treatment of|management of|control of)\s+)*$"
);
pattern!(SEDATION, r"(?i)\b(?:conscious |moderate |deep |procedural |IV |intravenous )?sedat(?:ion|ed)\b");

/// What a drug without a purpose behind it is taken for, by the problem told before it: the head of its list item ("5. Allergic rhinitis.
/// Allegra 180 mg"), "for her headaches we will titrate Zonegran", "hypertension treated with lisinopril", "diabetes, on insulin".
///
/// `problems` are the diagnoses of the note, sorted. None when nothing ties them.
pub(super) fn purpose_before(document: &Document, drug: Span, problems: &[Span]) -> Option<Span> {
    let text = &document.text;
    let item = item_around(document, drug);
    let before = problems.partition_point(|problem| problem.end <= drug.start);
    let nearest = problems[..before].last().copied().filter(|problem| problem.start >= item.start);
    if let Some(problem) = nearest {
        let sentence = document.sentence_at(drug).map_or(item, |sentence| sentence.span);
        let between = &text[problem.end..drug.start];
        let near = problem.start >= sentence.start && between.len() < 160;
        if near
            && (ON.is_match(between) || TREATED.is_match(between) || LED_BY_FOR.is_match(&text[sentence.start..problem.start]))
        {
            return Some(problem);
        }
        // the head of the item: its first words, ended by a mark
        let first = problems.get(problems.partition_point(|problem| problem.start < item.start)).copied()?;
        let headed = text[item.start..first.start].chars().all(|character| !character.is_alphabetic());
        let ended = text[first.end..].trim_start_matches(' ').starts_with(['.', ':', ',', '-', '–', ';', '(']);
        let plans = matches!(
            document.section_kind_at(drug),
            "assessment"
                | "plan"
                | "assessment_and_plan"
                | "impression"
                | "hospital_course"
                | "problem_list"
                | "discharge_diagnosis"
        );
        if headed && ended && plans {
            return Some(first);
        }
    }
    let sentence = document.sentence_at(drug).map(|sentence| sentence.span)?;
    let sentence = Span::new(sentence.start.max(drug.around(text, 400, 0).start), sentence.end);
    let lead = text.get(sentence.start..drug.start)?;
    let given = matches!(document.section_kind_at(drug), "anesthesia" | "operative_description" | "procedures");
    let sedation =
        SEDATION.find_iter(lead).last().filter(|found| given || found.as_str().to_lowercase().ends_with("sedation"))?;
    let word = sedation.as_str();
    let between = &lead[sedation.end()..];
    (word.to_lowercase().ends_with("sedation") && between.len() < 120 && !between.contains(';'))
        .then(|| Span::new(sentence.start + sedation.start(), sentence.start + sedation.end()))
}

/// The list item or paragraph around `drug`: from its line's start, numbers and bullets included, or from the last number of a list that
/// runs on in one line.
fn item_around(document: &Document, drug: Span) -> Span {
    let text = &document.text;
    let near = drug.around(text, 1_500, 1_500);
    let floor = document.section_at(drug).map_or(0, |section| section.body.start.min(drug.start)).max(near.start);
    let start = text[floor..drug.start].rfind('\n').map_or(floor, |at| floor + at + 1);
    let start = ITEM.find_iter(&text[start..drug.start]).last().map_or(start, |found| start + found.start());
    let end = text[drug.end..near.end].find('\n').map_or(near.end, |at| drug.end + at);
    Span::new(start, end)
}
pattern!(ITEM, r"(?:^|[.;]\s+|\s)\d{1,2}[.)]\s+");
