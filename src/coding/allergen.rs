//! Allergens: a drug to its RxNorm ingredient, anything else to SNOMED CT, and the ICD-10-CM allergy-status code beside it.

use super::{Coder, Coding};
use crate::{
    domain::{CodeCandidate, CodeRole, Prompt, Span, system},
    text::Document,
    vocabulary::{Allergen, DrugClass, Medication, TermRef, Vocabulary},
};

/// SNOMED CT: no known allergy.
pub const NO_KNOWN_ALLERGY: (&str, &str) = ("716186003", "No known allergy");
/// SNOMED CT: no known drug allergy.
pub const NO_KNOWN_DRUG_ALLERGY: (&str, &str) = ("409137002", "No known drug allergy");
/// Why an allergy-status code stands beside an allergen.
pub const ALLERGY_STATUS_DISPLAY: &str = "allergy-status code of ICD-10-CM category Z88 or Z91";

/// Allergy-status codes by what the substance is; the first row whose word the substance or its class holds.
const STATUS: [(&str, &str); 34] = [
    ("penicillin", "Z88.0"),
    ("cillin", "Z88.0"),
    ("sulfonamide", "Z88.2"),
    ("sulfa", "Z88.2"),
    ("cephalosporin", "Z88.1"),
    ("cef", "Z88.1"),
    ("cephal", "Z88.1"),
    ("antibiotic", "Z88.1"),
    ("floxacin", "Z88.1"),
    ("mycin", "Z88.1"),
    ("cycline", "Z88.1"),
    ("quinolone", "Z88.1"),
    ("macrolide", "Z88.1"),
    ("morphine", "Z88.5"),
    ("codeine", "Z88.5"),
    ("opioid", "Z88.5"),
    ("codone", "Z88.5"),
    ("narcotic", "Z88.5"),
    ("aspirin", "Z88.6"),
    ("ibuprofen", "Z88.6"),
    ("nsaid", "Z88.6"),
    ("acetaminophen", "Z88.6"),
    ("caine", "Z88.4"),
    ("anesthetic", "Z88.4"),
    ("vaccine", "Z88.7"),
    ("latex", "Z91.040"),
    ("contrast", "Z91.041"),
    ("iodin", "Z91.041"),
    ("peanut", "Z91.010"),
    ("milk", "Z91.011"),
    ("egg", "Z91.012"),
    ("shellfish", "Z91.013"),
    ("fish", "Z91.013"),
    ("bee", "Z91.030"),
];

impl Coder {
    /// Codes an allergen, and says its category: `medication`, `food`, `environment`, `biologic` or `other`.
    #[must_use]
    pub fn allergen(&self, vocabulary: &Vocabulary, document: &Document, span: Span) -> (Coding, Option<String>) {
        let surface = span.of(&document.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let form = crate::vocabulary::normalize_term(&surface);
        let meanings = vocabulary.terms.lookup(&form);
        let class = meanings.iter().find_map(|meaning| match meaning {
            TermRef::Class(index) => Some(&vocabulary.classes[*index as usize]),
            _ => None,
        });
        let allergen = meanings.iter().find_map(|meaning| match meaning {
            TermRef::Allergen(index) => {
                Some(&vocabulary.allergens[*index as usize]).filter(|allergen| !allergen.code.is_empty())
            }
            _ => None,
        });
        let exact_drug = meanings.iter().any(|meaning| matches!(meaning, TermRef::Medication(_)));
        let (display, mut codes, category) = if exact_drug || (allergen.is_none() && class.is_none()) {
            match self.drug(vocabulary, document, span) {
                Some((drug, score, why)) => {
                    let mut codes = self.ingredient_codes(drug, score, &why);
                    for code in &mut codes {
                        code.role = CodeRole::Code;
                    }
                    codes.extend(unii(vocabulary, drug, codes.len()));
                    (drug.display.clone(), codes, Some("medication".to_owned()))
                }
                None => match part(vocabulary, &form) {
                    Some(allergen) => concept(allergen, 0.7),
                    None => (surface, Vec::new(), None),
                },
            }
        } else if let Some(allergen) = allergen {
            concept(allergen, 0.92)
        } else {
            (class.map_or(surface, |class| class.display.clone()), Vec::new(), Some("medication".to_owned()))
        };
        // the status code stands beside the substance's own code, never instead of it
        let status = status(&display, class, category.as_deref()).filter(|code| vocabulary.is_billable(code));
        if let Some(status) = status.filter(|_| !codes.is_empty()) {
            codes.push(CodeCandidate {
                rank: u32::try_from(codes.len() + 1).unwrap_or(u32::MAX),
                role: CodeRole::AllergyStatus,
                system: system::ICD10CM.to_owned(),
                code: status.to_owned(),
                display: vocabulary.title(status).to_owned(),
                score: 0.8,
                with: Vec::new(),
                why: ALLERGY_STATUS_DISPLAY.to_owned(),
                features: std::collections::BTreeMap::new(),
            });
        }
        let coded = codes.iter().any(|code| code.role == CodeRole::Code);
        let prompts = if coded {
            Vec::new()
        } else {
            vec![Prompt { kind: "code_not_determined".to_owned(), message: "documented, code not determined".to_owned() }]
        };
        (Coding { display, codes, prompts }, category)
    }
}

/// The UNII of a substance with one ingredient, beside its RxNorm code.
fn unii(vocabulary: &Vocabulary, drug: &Medication, before: usize) -> Option<CodeCandidate> {
    let [only] = drug.ingredients.as_slice() else { return None };
    let code = vocabulary.unii.get(only)?;
    Some(CodeCandidate {
        rank: u32::try_from(before + 1).unwrap_or(u32::MAX),
        role: CodeRole::Code,
        system: system::UNII.to_owned(),
        code: code.clone(),
        display: drug.display.clone(),
        score: 0.9,
        with: Vec::new(),
        why: format!("UNII of RxNorm {only}"),
        features: std::collections::BTreeMap::new(),
    })
}

fn concept(allergen: &Allergen, score: f32) -> (String, Vec<CodeCandidate>, Option<String>) {
    let code = CodeCandidate {
        rank: 1,
        role: CodeRole::Code,
        system: if allergen.system.is_empty() { system::SNOMED.to_owned() } else { allergen.system.clone() },
        code: allergen.code.clone(),
        display: allergen.display.clone(),
        score,
        with: Vec::new(),
        why: format!("allergen term {:?}", allergen.term),
        features: std::collections::BTreeMap::new(),
    };
    (allergen.display.clone(), vec![code], Some(allergen.category.clone()))
}

/// The longest run of words that is an allergen with a code.
fn part<'a>(vocabulary: &'a Vocabulary, form: &str) -> Option<&'a Allergen> {
    let words: Vec<&str> = form.split(' ').collect();
    for length in (1..words.len()).rev() {
        for start in 0..=words.len() - length {
            for meaning in vocabulary.terms.lookup(&words[start..start + length].join(" ")) {
                if let TermRef::Allergen(index) = meaning {
                    return Some(&vocabulary.allergens[*index as usize]).filter(|allergen| !allergen.code.is_empty());
                }
            }
        }
    }
    None
}

fn status(display: &str, class: Option<&DrugClass>, category: Option<&str>) -> Option<&'static str> {
    let name = format!("{} {}", display.to_lowercase(), class.map_or("", |class| class.class.as_str()));
    STATUS.iter().find(|(word, _)| name.contains(word)).map(|(_, code)| *code).or(match category {
        Some("medication") => Some("Z88.8"),
        Some("food") => Some("Z91.018"),
        Some("environment") => Some("Z91.09"),
        _ => None,
    })
}
