//! Medications: names to RxNorm ingredients, and to a clinical drug where strength and form are there.

use std::collections::HashMap;

use super::{Coder, Coding};
use crate::{
    domain::{Attributes, ChosenCode, CodeCandidate, CodeRole, Prompt, ScoredBy, Span, system},
    text::Document,
    vocabulary::{Medication, TermRef, Vocabulary},
};

/// Single-word names by length, for misspellings, and ingredient names by RxCUI.
pub(super) struct Names {
    by_length: HashMap<usize, Vec<(String, u32)>>,
    ingredients: HashMap<String, String>,
}

/// What a medication's words stand for.
enum Meaning<'a> {
    Drug(&'a Medication, f32, String),
    Class(&'a crate::vocabulary::DrugClass),
    Unknown,
}

impl Names {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let mut by_length: HashMap<usize, Vec<(String, u32)>> = HashMap::new();
        let mut ingredients = HashMap::new();
        for (form, meanings) in vocabulary.terms.iter() {
            let drug = meanings.iter().find_map(|meaning| match meaning {
                TermRef::Medication(index) => Some(*index),
                _ => None,
            });
            if let Some(index) = drug.filter(|_| form.len() >= 6 && form.is_ascii() && !form.contains(' ')) {
                by_length.entry(form.len()).or_default().push((form.to_owned(), index));
            }
        }
        for names in by_length.values_mut() {
            names.sort_unstable();
        }
        for medication in &vocabulary.medications {
            // a combination of which RxNorm has one part only is no name of that part
            if let [only] = medication.ingredients.as_slice()
                && !medication.display.contains('+')
            {
                ingredients.entry(only.clone()).or_insert_with(|| medication.display.clone());
            }
        }
        Self { by_length, ingredients }
    }

    /// Name of an ingredient.
    pub(super) fn ingredient<'a>(&'a self, rxcui: &'a str) -> &'a str {
        self.ingredients.get(rxcui).map_or(rxcui, String::as_str)
    }

    /// The one name within one edit (two from ten letters on) that begins with the same letter.
    fn misspelt(&self, word: &str) -> Option<u32> {
        if word.len() < 6 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        let allowed = if word.len() >= 10 { 2 } else { 1 };
        let mut best: Option<(usize, u32)> = None;
        let mut tied = false;
        for length in word.len() - allowed..=word.len() + allowed {
            for (name, index) in self.by_length.get(&length).map(Vec::as_slice).unwrap_or_default() {
                if name.as_bytes()[0] != word.as_bytes()[0] {
                    continue;
                }
                let distance = edit_distance(word.as_bytes(), name.as_bytes());
                if distance > allowed {
                    continue;
                }
                match best {
                    Some((lowest, _)) if distance > lowest => {}
                    Some((lowest, _)) if distance == lowest => tied = true,
                    _ => {
                        best = Some((distance, *index));
                        tied = false;
                    }
                }
            }
        }
        best.filter(|_| !tied).map(|(_, index)| index)
    }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn edit_distance(left: &[u8], right: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1; right.len() + 1];
        for (j, b) in right.iter().enumerate() {
            row[j + 1] = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

/// Where the substance of a code that somebody chose stands in the vocabularies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DrugPlace {
    /// A medication that is this ingredient alone.
    medication: Option<usize>,
    /// The clinical drug.
    drug: Option<usize>,
    /// The allergen.
    pub(super) allergen: Option<usize>,
}

impl DrugPlace {
    /// Those of several codes, by code.
    #[must_use]
    pub fn all<'a>(vocabulary: &Vocabulary, codes: impl Iterator<Item = &'a ChosenCode>) -> HashMap<String, Self> {
        let mut places: HashMap<String, Self> = codes.map(|code| (code.code.clone(), Self::default())).collect();
        if places.is_empty() {
            return places;
        }
        for (at, medication) in vocabulary.medications.iter().enumerate() {
            if let [only] = medication.ingredients.as_slice()
                && !medication.display.contains('+')
                && let Some(place) = places.get_mut(only)
            {
                place.medication.get_or_insert(at);
            }
        }
        for (at, drug) in vocabulary.clinical_drugs.iter().enumerate() {
            if let Some(place) = places.get_mut(&drug.rxcui) {
                place.drug.get_or_insert(at);
            }
        }
        for (at, allergen) in vocabulary.allergens.iter().enumerate() {
            if let Some(place) = places.get_mut(&allergen.code) {
                place.allergen.get_or_insert(at);
            }
        }
        places
    }

    /// The medication that is this ingredient alone.
    pub(super) fn ingredient<'a>(&self, vocabulary: &'a Vocabulary) -> Option<&'a Medication> {
        vocabulary.medications.get(self.medication?)
    }
}

impl Coder {
    /// Codes a medication by the RxNorm code that somebody chose for its words: an ingredient, with its clinical drug where the note has the
    /// strength, or a clinical drug, with its ingredients behind it.
    #[must_use]
    pub fn medication_of_code(
        &self,
        vocabulary: &Vocabulary,
        (code, place): (&ChosenCode, DrugPlace),
        attributes: &Attributes,
    ) -> Coding {
        if let Some(medication) = place.ingredient(vocabulary) {
            let mut codes = self.ingredient_codes(medication, 1.0, "");
            codes.extend(clinical_drug(vocabulary, medication, attributes, codes.len()));
            return Coding { display: medication.display.clone(), codes, prompts: Vec::new() };
        }
        let drug = place.drug.and_then(|place| vocabulary.clinical_drugs.get(place));
        let role = if drug.is_some() { CodeRole::ClinicalDrug } else { CodeRole::Ingredient };
        let mut codes = vec![chosen(code, role)];
        for ingredient in drug.map(|drug| drug.ingredients.as_slice()).unwrap_or_default() {
            let display = self.names.ingredient(ingredient).to_owned();
            let code = ChosenCode { system: system::RXNORM.to_owned(), code: ingredient.clone(), display };
            codes.push(CodeCandidate {
                rank: u32::try_from(codes.len() + 1).unwrap_or(u32::MAX),
                why: "ingredient of the drug".to_owned(),
                ..chosen(&code, CodeRole::Ingredient)
            });
        }
        Coding { display: code.display.clone(), codes, prompts: Vec::new() }
    }

    /// Codes a medication mention.
    #[must_use]
    pub fn medication(&self, vocabulary: &Vocabulary, document: &Document, span: Span, attributes: &Attributes) -> Coding {
        let surface = span.of(&document.text).split_whitespace().collect::<Vec<_>>().join(" ");
        match self.meaning(vocabulary, document, span) {
            Meaning::Drug(medication, score, why) => {
                let mut codes = self.ingredient_codes(medication, score, &why);
                codes.extend(clinical_drug(vocabulary, medication, attributes, codes.len()));
                Coding { display: medication.display.clone(), codes, prompts: Vec::new() }
            }
            Meaning::Class(class) => Coding {
                display: class.display.clone(),
                codes: Vec::new(),
                prompts: vec![Prompt {
                    kind: "drug_class".to_owned(),
                    message: "a class of drugs; the drug is not named".to_owned(),
                }],
            },
            Meaning::Unknown => Coding {
                display: surface,
                codes: Vec::new(),
                prompts: vec![Prompt {
                    kind: "code_not_determined".to_owned(),
                    message: "documented, code not determined".to_owned(),
                }],
            },
        }
    }

    /// Ingredient codes of a medication, one each.
    pub(super) fn ingredient_codes(&self, medication: &Medication, score: f32, why: &str) -> Vec<CodeCandidate> {
        let names: Vec<&str> = medication.display.split('+').collect();
        medication
            .ingredients
            .iter()
            .enumerate()
            .map(|(at, rxcui)| CodeCandidate {
                rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
                role: CodeRole::Ingredient,
                system: system::RXNORM.to_owned(),
                code: rxcui.clone(),
                display: if medication.ingredients.len() == 1 {
                    names.first().map_or(rxcui.as_str(), |name| *name).to_owned()
                } else {
                    self.names.ingredient(rxcui).to_owned()
                },
                score,
                with: medication.ingredients.iter().filter(|other| *other != rxcui).cloned().collect(),
                why: why.to_owned(),
                features: std::collections::BTreeMap::new(),
                scored_by: ScoredBy::Engine,
            })
            .collect()
    }

    /// The medication or class that the words name: exactly, by their longest part, or misspelt.
    fn meaning<'a>(&self, vocabulary: &'a Vocabulary, document: &Document, span: Span) -> Meaning<'a> {
        let words: Vec<&str> = document.words[document.words_in(span)]
            .iter()
            .map(|word| word.folded.as_str())
            .filter(|word| *word != "the")
            .collect();
        for length in (1..=words.len()).rev() {
            for start in 0..=words.len() - length {
                let form = words[start..start + length].join(" ");
                let whole = length == words.len();
                for meaning in vocabulary.terms.lookup(&form) {
                    match meaning {
                        TermRef::Medication(index) => {
                            let medication = &vocabulary.medications[*index as usize];
                            let score = if whole { 0.97 } else { 0.85 };
                            let why = format!("{} term {:?}", medication.source, medication.term);
                            return Meaning::Drug(medication, score, why);
                        }
                        TermRef::Class(index) => return Meaning::Class(&vocabulary.classes[*index as usize]),
                        TermRef::Diagnosis(_) | TermRef::Allergen(_) => {}
                    }
                }
            }
        }
        for word in words {
            if let Some(index) = self.names.misspelt(word) {
                let medication = &vocabulary.medications[index as usize];
                let why = format!("{} term {:?}, spelt {word:?} here", medication.source, medication.term);
                return Meaning::Drug(medication, 0.7, why);
            }
        }
        Meaning::Unknown
    }

    /// The medication named by `span`, when it is one.
    pub(super) fn drug<'a>(
        &self,
        vocabulary: &'a Vocabulary,
        document: &Document,
        span: Span,
    ) -> Option<(&'a Medication, f32, String)> {
        match self.meaning(vocabulary, document, span) {
            Meaning::Drug(medication, score, why) => Some((medication, score, why)),
            Meaning::Class(_) | Meaning::Unknown => None,
        }
    }
}

/// The candidate that a chosen code is.
pub(super) fn chosen(code: &ChosenCode, role: CodeRole) -> CodeCandidate {
    CodeCandidate {
        rank: 1,
        role,
        system: code.system.clone(),
        code: code.code.clone(),
        display: code.display.clone(),
        score: 1.0,
        with: Vec::new(),
        why: String::new(),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    }
}

/// The clinical drug with these ingredients, strength and form; the brand's when a brand is written, else the generic.
fn clinical_drug(
    vocabulary: &Vocabulary,
    medication: &Medication,
    attributes: &Attributes,
    before: usize,
) -> Option<CodeCandidate> {
    let strength = normal_strength(&attributes.strength.as_ref()?.text)?;
    let form = attributes.form.as_ref().map(|form| form.text.to_lowercase());
    let mut ingredients = medication.ingredients.clone();
    ingredients.sort_unstable();
    let first = vocabulary.clinical_drugs.partition_point(|drug| drug.ingredients < ingredients);
    let drug = vocabulary.clinical_drugs[first..]
        .iter()
        .take_while(|drug| drug.ingredients == ingredients)
        .filter(|drug| normal_strength(&drug.strength).is_some_and(|known| same_strength(&known, &strength)))
        .filter(|drug| drug.brand == medication.brand || drug.brand.is_none())
        .filter(|drug| match &form {
            Some(form) => drug.form.to_lowercase().contains(stem(form)),
            None => drug.form == "Oral Tablet",
        })
        .min_by_key(|drug| (drug.brand != medication.brand, drug.name.len(), drug.rxcui.clone()))?;
    Some(CodeCandidate {
        rank: u32::try_from(before + 1).unwrap_or(u32::MAX),
        role: CodeRole::ClinicalDrug,
        system: system::RXNORM.to_owned(),
        code: drug.rxcui.clone(),
        display: drug.name.clone(),
        score: if form.is_some() { 0.8 } else { 0.5 },
        with: Vec::new(),
        why: format!(
            "strength {strength}{}",
            form.map_or_else(|| ", form not written: oral tablet taken".to_owned(), |form| format!(" and form {form:?}"))
        ),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    })
}

/// Equal strengths; "5/325" is "325 mg/5 mg" in any order, as the note does not say which is which.
fn same_strength(known: &str, written: &str) -> bool {
    if known == written {
        return true;
    }
    let numbers = |text: &str| {
        let mut parts: Vec<String> = text
            .split('/')
            .map(|part| part.chars().filter(|letter| letter.is_ascii_digit() || *letter == '.').collect())
            .collect();
        parts.sort_unstable();
        parts
    };
    // with one unit or none behind it: "5/325", "800/160 mg"
    let units = written.split('/').filter(|part| part.contains(char::is_alphabetic)).count();
    written.contains('/') && units <= 1 && !known.contains("ml") && numbers(known) == numbers(written)
}

fn stem(form: &str) -> &str {
    let form = form.trim_end_matches('.').trim_end_matches('s');
    match form {
        "tab" => "tablet",
        "cap" => "capsule",
        "inj" => "inject",
        "soln" => "solution",
        other => other,
    }
}

/// `10 mg`, `10MG` and `10 MG` as `10 mg`; `5/325` stays without unit.
fn normal_strength(text: &str) -> Option<String> {
    let text = text.to_lowercase().replace(',', "").replace("milligrams", "mg").replace("micrograms", "mcg");
    let mut out = String::new();
    let mut previous = ' ';
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        if letter.is_alphabetic() && (previous.is_ascii_digit() || previous == '.') {
            out.push(' ');
        }
        out.push(letter);
        previous = letter;
    }
    out.chars().any(|letter| letter.is_ascii_digit()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits() {
        for (left, right, distance) in [
            ("lisinopril", "lisinopril", 0),
            ("lisinpril", "lisinopril", 1),
            ("metropolol", "metoprolol", 2),
            ("abcd", "abdc", 1),
        ] {
            assert_eq!(edit_distance(left.as_bytes(), right.as_bytes()), distance, "{left} {right}");
        }
    }

    #[test]
    fn strengths_are_compared_without_spacing() {
        assert_eq!(normal_strength("10MG"), normal_strength("10 mg"));
        assert_eq!(normal_strength("1,000 mg").as_deref(), Some("1000 mg"));
        assert_eq!(normal_strength("high"), None);
        let same = |known: &str, written: &str| {
            same_strength(&normal_strength(known).expect("digits"), &normal_strength(written).expect("digits"))
        };
        assert!(same("325 MG / 5 MG", "5/325"));
        assert!(same("800 MG / 160 MG", "800/160 mg"));
        assert!(!same("325 MG / 10 MG", "5/325"));
        assert!(!same("500 MG", "5/325"));
    }
}
