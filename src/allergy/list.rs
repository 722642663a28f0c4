//! How far the list of an allergies section reaches: whoever writes short notes gives the next part no heading that opens a section.

use super::table::AllergyTables;
use crate::domain::Span;
use crate::text::Document;

/// A list reaches no farther than so many bytes.
const LONGEST: usize = 700;

pattern!(EMBEDDED, r"\. \s*(?:[A-Z][A-Z /]{4,40}|(?:Current |Home )?Medications?|Meds)\s*:");
pattern!(MARKER, r"^[ \t]*(?:[-*•·>#+]+[ \t]*|\(?\d{1,2}[.):]?[ \t]+)");
pattern!(LABEL, r"^[A-Za-z][A-Za-z0-9/&.,' \t-]{0,34}?[ \t]*:(?:\s|$)");
pattern!(
    OWN,
    r"(?i)allerg|intoler|sensit|react|\badrs?\b|drug|food|environ|medication|substance|agent|sever|type|onset|dates?\b|note|comment|contrast|other|source|status|latex"
);
pattern!(
    TELLING,
    r"(?i)\b(?:allerg\w*|intoleran\w*|adverse|reactions?|sensitiv\w*|tolerat\w*|nkd?a|none|denies|denied|no known|unknown|anaphyl\w*)\b"
);
pattern!(
    DOSE,
    r"(?i)^[\w\s|()/.,+-]{0,40}?\b\d+(?:[.,/]\d+)*\s*(?:mg|mcg|µg|ug|g|gm|grams?|ml|cc|meq|units?|iu|puffs?|tabs?|tablets?|caps?|capsules?|drops?|%)(?:\b|\s|$)"
);

/// The list part of every allergies section, in order. `substances` are all that may be allergens, sorted.
pub(super) fn lists(document: &Document, tables: &AllergyTables, substances: &[Span]) -> Vec<Span> {
    let sections = document.sections.iter().filter(|section| section.kind == "allergies");
    sections.map(|section| list(&document.text, tables, substances, section.body)).collect()
}

fn list(text: &str, tables: &AllergyTables, substances: &[Span], body: Span) -> Span {
    let mut end = body.start;
    // what stands before a line: nothing left out, and whether its sentence is still open
    let (mut gap, mut open) = (false, true);
    for line in body.of(text).split_inclusive('\n') {
        let place = Span::new(end, end + line.len());
        if line.trim().is_empty() {
            gap = true;
        } else {
            let first = text[body.start..place.start].trim().is_empty();
            let goes_on =
                first || (!is_other_label(text, tables, substances, place) && !is_dosed(text, tables, substances, place));
            if place.start - body.start >= LONGEST
                || !goes_on
                || ((gap || !open) && !first && !tells(text, tables, substances, place))
            {
                break;
            }
            open = !line.trim_end().ends_with(['.', '!']);
            gap = false;
        }
        end = place.end;
        if let Some(heading) = EMBEDDED.find_iter(line).find(|heading| !OWN.is_match(heading.as_str())) {
            return Span::new(body.start, place.start + heading.start());
        }
    }
    Span::new(body.start, end)
}

/// Where the words of a line begin, behind bullets and numbers.
fn words_of(text: &str, line: Span) -> Span {
    let marker = MARKER.find(line.of(text)).map_or(0, |marker| marker.end());
    let start = line.start + marker;
    Span::new(start + (text[start..line.end].len() - text[start..line.end].trim_start().len()), line.end)
}

/// The substance that a line begins with, two words before it at most.
fn leading(text: &str, substances: &[Span], line: Span) -> Option<Span> {
    let words = words_of(text, line);
    let at = substances.partition_point(|one| one.start < words.start);
    substances
        .get(at)
        .copied()
        .filter(|one| one.end <= words.end && text[words.start..one.start].split_whitespace().count() <= 2)
}

/// "TTO:", "Tx:", "A/P:": a label that is neither a substance nor a word of allergies, nor a reaction ("Hives: penicillin"), and tells of none.
fn is_other_label(text: &str, tables: &AllergyTables, substances: &[Span], line: Span) -> bool {
    let words = words_of(text, line);
    let Some(label) = LABEL.find(words.of(text)) else { return false };
    let place = Span::new(words.start, words.start + label.end());
    let rest = Span::new(place.end, words.end);
    !OWN.is_match(label.as_str())
        && !substances.iter().any(|one| one.overlaps(place))
        && tables.reactions.reactions_in(text, place).is_empty()
        && tables.reactions.reactions_in(text, rest).is_empty()
}

/// "Prednisolone 30 mg OD": a line of a list of medications.
fn is_dosed(text: &str, tables: &AllergyTables, substances: &[Span], line: Span) -> bool {
    let Some(substance) = leading(text, substances, line) else { return false };
    let rest = Span::new(substance.end, line.end);
    DOSE.is_match(rest.of(text)) && tables.reactions.reactions_in(text, line).is_empty()
}

/// Whether a line that stands apart still tells of allergies.
fn tells(text: &str, tables: &AllergyTables, substances: &[Span], line: Span) -> bool {
    leading(text, substances, line).is_some()
        || TELLING.is_match(line.of(text))
        || !tables.reactions.reactions_in(text, line).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        allergy::{find, gold_tests::tables},
        medication::gold_tests::document,
    };

    /// The allergens among the words in square brackets, with what is said of them.
    fn allergens(marked: &str) -> Vec<String> {
        let (mut text, mut spans, mut start) = (String::new(), Vec::new(), 0);
        for character in marked.chars() {
            match character {
                '[' => start = text.len(),
                ']' => spans.push(Span::new(start, text.len())),
                other => text.push(other),
            }
        }
        let found = find(&document(&text), &tables(), &spans, &[]);
        let named = found.allergies.iter().map(|one| format!("{} {}", one.span.of(&text), one.assertion.as_str()));
        named.filter(|named| spans.iter().any(|span| named.starts_with(span.of(&text)))).collect()
    }

    #[test]
    fn a_list_ends_where_something_else_begins() {
        for (text, wanted) in [
            (
                "Allergies: [penicillin] - hives. [codeine]\\nOn discharge: [lisinopril] 10 mg, [metformin].",
                vec!["penicillin", "codeine"],
            ),
            (
                "Allergies: [penicillin].\\n\\nTablet        Dose\\n[Ramipril]      5 mg OD\\n[Bisoprolol]    2.5 mg OD",
                vec!["penicillin"],
            ),
            ("Allergies: [penicillin].\\nSeen at home today. [Bisoprolol] helps.", vec!["penicillin"]),
            ("ALLERGIES:\\n[Penicillin]\\n\\n[Codeine]\\n\\n[Sulfa]: rash", vec!["Penicillin", "Codeine", "Sulfa"]),
            (
                "ALLERGIES: [penicillin], [codeine],\\n[latex], and\\n[shellfish]",
                vec!["penicillin", "codeine", "latex", "shellfish"],
            ),
            ("ALLERGIES:\\nDrug: [penicillin]\\nFood: [shrimp]\\nHives: [codeine]", vec!["penicillin", "shrimp", "codeine"]),
            ("Allergies [codeine] nausea, [phenytoin] rash. Alert.", vec!["codeine", "phenytoin"]),
        ] {
            let wanted: Vec<String> = wanted.into_iter().map(|name| format!("{name} present")).collect();
            assert_eq!(allergens(&text.replace("\\n", "\n")), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_fine_or_removed_is_denied() {
        for text in [
            "ALLERGIES: [Keflex] ok",
            "ALLERGIES: [heparin] OK (work-up negative)",
            "Allergies: [Penicillin] - label removed after challenge.",
            "Allergies: [Latex] N.",
            "Allergies: [lidocaine] - NOT allergic, fainted",
        ] {
            let said = allergens(text);
            assert!(said.len() == 1 && said[0].ends_with(" absent"), "{text}: {said:?}");
        }
    }

    #[test]
    fn what_was_removed_may_be_something_else() {
        assert_eq!(allergens("ALLERGIES: [penicillin] (rash) after the tooth was removed."), ["penicillin present"]);
    }

    #[test]
    fn a_problem_and_its_treatment_are_no_allergy() {
        for text in [
            "Skin: itching - [cholestyramine] refused.",
            "Agitation: [lorazepam] 1 mg given.",
            "Neutropenia - [filgrastim] weekly.",
            "Allergy medicine [Zyrtec] works.",
            "Allergies [Zyrtec] 10 mg daily.",
            "Steroid taper: [prednisone] 10 mg, mood swings.",
        ] {
            assert!(allergens(text).is_empty(), "{text}: {:?}", allergens(text));
        }
    }
}
