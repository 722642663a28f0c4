//! `abstractor vocabulary lookup` and `search`: codes, blocks and terms as text.

use std::fmt::Write as _;

use crate::vocabulary::{
    AbbreviationGuard, BlockEntry, CaseGuard, Code, CodeAnswer, CodeEntry, CodeHit, DiagnosisTerm, DrugClass, Edition, FoundBy,
    LoadedSource, Poisoning, TermKind, TermRef, Vocabulary,
};

/// Members of a drug class that are shown.
const MEMBERS: usize = 12;
/// Substances of the Table of Drugs that are shown.
const SUBSTANCES: usize = 10;

/// Everything about a code, a chapter or block, or what a term stands for.
pub(super) fn lookup(vocabulary: &Vocabulary, words: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    if let Some(block) = vocabulary.look_up_block(words) {
        tell_block(&mut out, vocabulary, &block);
        return Ok(out);
    }
    let code = vocabulary.look_up_code(words);
    match &code {
        Some(CodeAnswer::Code(entry)) => tell_code(&mut out, vocabulary, entry),
        Some(CodeAnswer::Retired(retired)) => {
            let _ = writeln!(out, "{:<9} retired; no loaded edition has it", retired.code);
            tell_successors(&mut out, &retired.replaced_by);
        }
        None => {}
    }
    // without its dot, and among the V codes, one text may be a code of both revisions
    tell_ninth_revision(&mut out, vocabulary, words);
    if code.is_some() {
        return Ok(out);
    }
    let mut told: Vec<(String, String)> = Vec::new();
    for meaning in vocabulary.terms.lookup(&crate::vocabulary::normalize_term(words)) {
        let (written, said) = tell_term(vocabulary, *meaning);
        // spellings of one term that mean the same are told together
        match told.iter_mut().find(|(_, known)| *known == said) {
            Some((spellings, _)) => _ = write!(spellings, ", {written:?}"),
            None => told.push((format!("{written:?}"), said)),
        }
    }
    for (spellings, said) in told {
        out.push_str(&said.replacen(TERM, &spellings, 1));
    }
    for poisoning in vocabulary.find_substances(words, SUBSTANCES) {
        tell_substance(&mut out, poisoning);
    }
    anyhow::ensure!(
        !out.is_empty(),
        "{words:?} is neither a code nor a term; `abstractor vocabulary search {words}` looks for codes"
    );
    Ok(out)
}

fn tell_ninth_revision(out: &mut String, vocabulary: &Vocabulary, words: &str) {
    let Some(mapping) = vocabulary.lists.of_ninth_revision(words) else { return };
    let how = if mapping.approximate { "approximately" } else { "the same" };
    let _ = writeln!(out, "ICD-9-CM    {}: {how} in ICD-10-CM", words.to_uppercase());
    for together in &mapping.codes {
        let titles: Vec<&str> = together.iter().map(|code| vocabulary.title(code)).collect();
        let _ = writeln!(out, "  {:<9} {}", together.join("+"), titles.join(" + "));
    }
    if mapping.codes.is_empty() {
        let _ = writeln!(out, "  nothing corresponds");
    }
}

/// The codes of a search, one a line.
pub(super) fn tell_hits(vocabulary: &Vocabulary, hits: &[CodeHit<'_>]) -> String {
    let mut out = String::new();
    let newest = vocabulary.editions.newest();
    for hit in hits {
        let billable = if hit.code.billable { ' ' } else { '-' };
        let how = match hit.found_by {
            FoundBy::Code | FoundBy::Words => "",
            FoundBy::Replacement => ", stands for a retired code",
            FoundBy::Spelling => ", spelt nearly so",
            FoundBy::Meaning => ", of like meaning",
            FoundBy::PartOfWords => ", without one of the words",
        };
        let matched = if hit.matched == hit.code.title { String::new() } else { format!("  ({})", hit.matched) };
        let past = if hit.edition.name == newest.name { String::new() } else { format!(", {} only", hit.edition.name) };
        let _ = writeln!(out, "{:<9}{billable} {}{matched}{how}{past}", hit.code.code, hit.code.title);
    }
    out
}

fn tell_block(out: &mut String, vocabulary: &Vocabulary, entry: &BlockEntry<'_>) {
    for block in &entry.around {
        let _ = writeln!(out, "{:<9} {}", block.range, block.title);
    }
    let chapter = entry.block.chapter.map(|number| format!("Chapter {number}: ")).unwrap_or_default();
    let _ = writeln!(out, "{:<9} {chapter}{}", entry.block.range, entry.block.title);
    for note in &entry.notes {
        let at = if note.code == entry.block.range { String::new() } else { format!(" [{}]", note.code) };
        let _ = writeln!(out, "  {}: {}{at}", note.kind.as_str(), note.text);
    }
    for block in &entry.below {
        let _ = writeln!(out, "  below: {:<9} {}", block.range, block.title);
    }
    for code in &entry.categories {
        let _ = writeln!(out, "  below: {:<9} {}", code.code, code.title);
    }
    let _ = writeln!(out, "  of {}", vocabulary.editions.newest().name);
}

fn billable(code: &Code) -> &'static str {
    if code.billable { "billable" } else { "not billable" }
}

fn tell_code(out: &mut String, vocabulary: &Vocabulary, entry: &CodeEntry<'_>) {
    for block in &entry.blocks {
        let _ = writeln!(out, "{:<9} {}", block.range, block.title);
    }
    for parent in &entry.parents {
        let _ = writeln!(out, "{:<9} {}", parent.code, parent.title);
    }
    let _ = writeln!(out, "{:<9} {} ({})", entry.code.code, entry.code.title, billable(entry.code));
    for one in &entry.editions {
        let Edition { name, first_day, last_day, .. } = one.edition;
        let said = one.code.map_or("does not have it", billable);
        let _ = writeln!(out, "  {name}, {first_day} to {last_day}: {said}");
    }
    if entry.is_retired() {
        tell_successors(out, &entry.replaced_by);
    }
    if !entry.replaces.is_empty() {
        let _ = writeln!(out, "  stands for the retired {}", entry.replaces.join(", "));
    }
    if let Some((v24, v28)) = entry.edition.notes.categories(&entry.code.code) {
        let none = |category: &str| if category.is_empty() { "none".to_owned() } else { category.replace('|', ", ") };
        let _ = writeln!(out, "  HCC V24 {}, V28 {}", none(v24), none(v28));
    }
    if let Some(level) = vocabulary.lists.complication(&entry.code.code) {
        let _ = writeln!(out, "  {level}");
    }
    if vocabulary.lists.is_exempt(&entry.code.code) {
        let _ = writeln!(out, "  exempt from present-on-admission reporting");
    }
    for note in &entry.notes {
        let at = if note.code == entry.code.code { String::new() } else { format!(" [{}]", note.code) };
        let _ = writeln!(out, "  {}: {}{at}", note.kind.as_str(), note.text);
    }
    for (character, meaning) in &entry.seventh_characters {
        let _ = writeln!(out, "  seventh character {character}: {meaning}");
    }
    for path in &entry.paths {
        let _ = writeln!(out, "  index: {}", path.path);
    }
    for (poisoning, intent) in &entry.substances {
        let _ = writeln!(out, "  table of drugs: {} ({})", poisoning.substance, intent.as_str().replace('_', " "));
    }
    for child in &entry.children {
        let _ = writeln!(out, "  below: {:<9} {} ({})", child.code, child.title, billable(child));
    }
    let source = vocabulary.source_of_row("icd10cm_title", "icd10cm.tsv").filter(|_| vocabulary.editions.all().count() == 1);
    tell_source(out, source, "  ");
}

fn tell_successors(out: &mut String, successors: &[&Code]) {
    if successors.is_empty() {
        let _ = writeln!(out, "  retired; nothing is known that stands for it");
    }
    for code in successors {
        let _ = writeln!(out, "  retired; now {:<9} {}", code.code, code.title);
    }
}

fn tell_source(out: &mut String, source: Option<&LoadedSource>, indent: &str) {
    if let Some(source) = source {
        let _ = writeln!(out, "{indent}{}, {}: {}", source.title, source.release, source.licence);
    }
}

fn tell_substance(out: &mut String, poisoning: &Poisoning) {
    let _ = writeln!(out, "substance   {:?} of the Table of Drugs", poisoning.substance);
    for (intent, code) in poisoning.codes() {
        let _ = writeln!(out, "            {:<15} {code}", intent.as_str().replace('_', " "));
    }
}

/// Stands for the spellings of a term in what is said of it.
const TERM: &str = "\u{0}";
const INDENT: &str = "            ";

/// A term as its table has it, and what is said of it.
fn tell_term(vocabulary: &Vocabulary, meaning: TermRef) -> (&str, String) {
    let mut out = String::new();
    let term = match meaning {
        TermRef::Diagnosis(at) => {
            let term = &vocabulary.diagnoses[at as usize];
            tell_diagnosis(&mut out, vocabulary, term);
            &term.term
        }
        TermRef::Medication(at) => {
            let term = &vocabulary.medications[at as usize];
            let _ = writeln!(out, "medication  {TERM}: {} (RxNorm {})", term.display, term.ingredients.join("+"));
            let case = match term.guard {
                CaseGuard::None => "in any case",
                CaseGuard::Word => "an ordinary word too: in capitals, with a dose, or in a list",
                CaseGuard::Analyte => "a laboratory value too: with a dose, or in a list",
            };
            let _ = writeln!(out, "{INDENT}{}, {case}", term.source);
            tell_source(&mut out, vocabulary.source_of_row(&term.source, "medications.tsv"), INDENT);
            &term.term
        }
        TermRef::Class(at) => {
            let class = &vocabulary.classes[at as usize];
            tell_class(&mut out, vocabulary, class);
            &class.term
        }
        TermRef::Allergen(at) => {
            let allergen = &vocabulary.allergens[at as usize];
            let system = match allergen.system.as_str() {
                crate::domain::system::SNOMED => "SNOMED CT",
                crate::domain::system::RXNORM => "RxNorm",
                other => other,
            };
            let code = if allergen.code.is_empty() { "no code".to_owned() } else { format!("{system} {}", allergen.code) };
            let _ = writeln!(out, "allergen    {TERM}: {} ({code}), {}", allergen.display, allergen.category);
            tell_source(
                &mut out,
                vocabulary.source_of_row(
                    allergen.source,
                    if allergen.source == "own" { "allergens.tsv" } else { "allergen_concepts.tsv" },
                ),
                INDENT,
            );
            &allergen.term
        }
    };
    (term, out)
}

fn tell_diagnosis(out: &mut String, vocabulary: &Vocabulary, term: &DiagnosisTerm) {
    let codes: Vec<String> = term.codes.iter().map(|set| set.join("+")).collect();
    let codes = match term.kind {
        TermKind::NotDiagnosis | TermKind::Stop => "no diagnosis".to_owned(),
        _ if codes.is_empty() => "no code".to_owned(),
        _ => codes.join(" | "),
    };
    let expansion = if term.expansion.is_empty() { String::new() } else { format!(" ({})", term.expansion) };
    let _ = writeln!(out, "diagnosis   {TERM}{expansion}: {codes}");
    if let Some(code) = term.codes.first().and_then(|set| set.first()) {
        let _ = writeln!(out, "{INDENT}{code} {}", vocabulary.title(code));
    }
    let case = match term.guard {
        Some(AbbreviationGuard::Upper) => "only in capitals",
        Some(AbbreviationGuard::Context) => "only beside its context words",
        Some(AbbreviationGuard::Any) | None if term.case_sensitive => "case-sensitive by its source",
        Some(AbbreviationGuard::Any) | None => "in any case",
    };
    let _ = writeln!(out, "{INDENT}{}, rank {}, {case}", term.source, term.rank);
    tell_source(out, vocabulary.source_of(term), INDENT);
}

fn tell_class(out: &mut String, vocabulary: &Vocabulary, class: &DrugClass) {
    let _ = writeln!(out, "drug class  {TERM}: {}", class.display);
    let mut names: Vec<&str> = vocabulary
        .medications
        .iter()
        .filter(|medication| matches!(medication.ingredients.as_slice(), [one] if class.members.contains(one)))
        .map(|medication| medication.display.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let more = names.len().saturating_sub(MEMBERS);
        names.truncate(MEMBERS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "{INDENT}members: {}{more}", names.join(", "));
    }
    tell_source(out, vocabulary.source_of_row(class.source, "drug_classes.tsv"), INDENT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Tables;

    fn vocabulary() -> &'static Vocabulary {
        static LOADED: std::sync::OnceLock<Vocabulary> = std::sync::OnceLock::new();
        LOADED.get_or_init(|| Vocabulary::load(&Tables::embedded().expect("tables")).expect("a vocabulary"))
    }

    #[test]
    fn typed_codes_are_tidied_and_blocks_are_told() {
        for typed in ["E11.22", "e1122", "e11.22-"] {
            let said = lookup(vocabulary(), typed).expect("a code");
            assert!(said.contains("E11.22    Type 2") && said.contains("E00-E89") && said.contains("FY2026-04"), "{said}");
        }
        let said = lookup(vocabulary(), "i10-i1a").expect("a block");
        assert!(said.contains("Hypertensive diseases") && said.contains("below: I10") && said.contains("I00-I99"), "{said}");
        let said = lookup(vocabulary(), "S72.92-").expect("a code");
        assert!(said.contains("seventh character D: ") && said.contains("index: "), "{said}");
    }

    #[test]
    fn meaning_is_asked_only_where_words_find_nothing() {
        let vocabulary = vocabulary();
        let of = |code: &str| vocabulary.find_codes(code, 1);
        let found = |words: &str, by_meaning: &dyn Fn() -> Result<Vec<CodeHit<'static>>, &'static str>| {
            vocabulary
                .find_codes_or(words, 2, by_meaning)
                .map(|hits| hits.iter().map(|hit| hit.code.code.as_str()).collect::<Vec<_>>())
        };
        let asked = || Err("meaning was asked");
        assert_eq!(found("E11.22", &asked).expect("by number"), ["E11.22"]);
        assert!(!found("sugar diabetes", &asked).expect("by words").is_empty());
        assert!(!found("pnuemonia", &asked).expect("by spelling").is_empty());
        assert!(found(" ", &asked).expect("nothing is asked for").is_empty());
        // one word of two is known: what it finds stands behind what means the like
        assert!(found("zorvanoid pneumonia", &asked).is_err());
        let hits = found("zorvanoid pneumonia", &|| Ok(of("I10"))).expect("by meaning");
        assert_eq!((hits.len(), hits[0]), (2, "I10"), "{hits:?}");
    }

    #[test]
    fn classes_and_allergens_tell_their_source_like_everything_else() {
        for (words, kind) in [("beta blockers", "drug class"), ("peanut", "allergen"), ("lisinopril", "medication")] {
            let said = lookup(vocabulary(), words).expect("a term");
            assert!(said.contains(kind) && !said.contains(" { ") && !said.contains(TERM), "{words}: {said}");
            assert!(said.to_lowercase().contains("licen"), "{words} tells the licence: {said}");
        }
        assert!(lookup(vocabulary(), "no such thing").is_err());
    }
}
