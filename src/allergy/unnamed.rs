//! Substances that no vocabulary has: what somebody is "allergic to", and the items of a list of allergies that name their reaction.

use super::table::AllergyTables;
use crate::domain::Span;

pattern!(
    TO,
    r"(?i)\b(?:allergic|allergy|allergies|intoleran(?:t|ce)|hypersensitiv(?:e|ity)|sensitivity|reaction|reacts?|reacted|anaphylactic|anaphylaxis|contact dermatitis)(?: badly| severely| only)? (?:to|of) (?:the |an? |his |her |all |both )?(?P<s>[a-z][\w'’-]+(?: [a-z][\w'’-]+){0,2}?)(?:\s*[,.;:()\[\n=/>]|\s+[-–—]|\s+(?:which|and|with|that|who|caus\w+|in|on|as|at|from|since|because|but|or|for|when|is|was|following|after|adhesive|products?|suture|dressings?|tape|gloves?)\b|\s*$)"
);
pattern!(
    NO_SUBSTANCE,
    r"(?i)^(?:(?:any|no|other|these|those|this|that|it|them|her|him|his|their|my|medications?|medicines?|drugs?|anything|everything|something|nothing|foods?|substances?|multiple|many|several|some|certain|known|unknown|previous|prior|past|treatment|therapy|medical|touch|light|pain|stress|voice|sound|noise|cold|heat|exercise|activity|surgery|anesthesia|stimul\w+|palpation|being|take|have|be|date|time|bleeding|one|two|most|environmental|seasonal|exposure|new|last|same|general|care|diagnosis|news|antibiotics?|allergens?|infections?|sepsis|trauma|injury|grief|loss|death|inhal\w+|hot|mild|moderate|severe|mod|temperatures?|labou?r|medial|lateral|pinprick|vibration|glucose|feeds?|feeding|diet|ambulation|weight|position|changes?|report\w*|is|are|was|the|a|an|of|in|on|with|none|nkda|nka|pt|patient)\b|.*\b(?:medications?|drugs?|medicines?|allerg\w+|reactions?)$)"
);
pattern!(
    ITEM,
    r"(?i)(?:^|[,;:/]|\d[.)]|[-•*]|\band\b|\bto\b)\s*(?P<s>[a-z][\w'’-]+(?: [a-z#][\w'’#-]*){0,2}?)\s*(?:\(|\[|->|[-–—=]|:)\s*$"
);
// "Nursing: arms red and itchy", "PAC: severe nausea": the line is headed by who speaks
pattern!(LABEL, r"^[A-Z][\w'’/-]*(?: [\w'’/-]+){0,3}\s*:\s*$");
pattern!(TALK, r"(?i)\b(?:allerg\w+|intoleran\w+|adrs?|adverse|reactions?|rxn|side effects?|sensitiv\w+|anaphyla\w+)\b");

/// A line reaches no farther than so many bytes.
const LONGEST: usize = 1_200;

/// The lines that speak of allergies.
pub(super) fn near_talk(text: &str) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let span = Span::new(at, at + line.len());
        at = span.end;
        if line.len() <= LONGEST && TALK.is_match(line) {
            lines.push(span);
        }
    }
    lines
}

/// The unnamed substances of the lines that speak of allergies.
pub(super) fn substances(text: &str, tables: &AllergyTables) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for line in near_talk(text) {
        let words = line.of(text);
        let mut add = |hit: regex::Match<'_>, from: usize| {
            let span = Span::new(from + hit.start(), from + hit.end());
            let names_reaction = tables.reactions.reactions_in(text, span).iter().any(|told| told.span.end == span.end);
            if !NO_SUBSTANCE.is_match(hit.as_str()) && !names_reaction && !found.iter().any(|other| other.overlaps(span)) {
                found.push(span);
            }
        };
        for captures in TO.captures_iter(words) {
            if let Some(hit) = captures.name("s") {
                add(hit, line.start);
            }
        }
        for told in tables.reactions.reactions_in(text, line) {
            let severe = tables.reactions.severities_in(text, Span::new(line.start, told.span.start)).pop();
            let end = severe
                .filter(|(span, ..)| text[span.end..told.span.start].trim().is_empty())
                .map_or(told.span.start, |(span, ..)| span.start);
            let near = Span::new(end, end).around(text, 60, 0);
            let near = Span::new(near.start.max(line.start), end);
            if near.start == line.start && LABEL.is_match(near.of(text)) {
                continue;
            }
            if let Some(hit) = ITEM.captures(near.of(text)).and_then(|captures| captures.name("s")) {
                add(hit, near.start);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_an_allergen_needs_no_vocabulary() {
        let tables = super::super::gold_tests::tables();
        let names =
            |text: &str| -> Vec<String> { substances(text, &tables).iter().map(|span| span.of(text).to_owned()).collect() };
        assert_eq!(names("She is allergic to Zorvex, which gives her hives."), ["Zorvex"]);
        assert_eq!(names("Allergies: Blixol (rash), Quandamine - severe hives"), ["Blixol", "Quandamine"]);
        assert!(names("He is not allergic to any medications. Reaction to light is brisk.").is_empty());
        assert!(names("Night nurse: itchy all over, allergy band applied.").is_empty());
        assert!(names("Genuine reaction of moderate severity, tingling in the feet.").is_empty());
        assert!(names("Allergies reviewed: no reaction to the medication.").is_empty());
    }
}
