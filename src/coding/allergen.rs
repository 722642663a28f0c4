//! Allergens: a drug to its RxNorm ingredient, anything else to SNOMED CT, and the ICD-10-CM allergy-status code beside it.

use super::{
    Coder, Coding,
    medication::{DrugPlace, chosen},
};
use crate::{
    domain::{ChosenCode, CodeCandidate, CodeRole, Prompt, ScoredBy, Span, system},
    text::Document,
    vocabulary::{Allergen, DrugClass, Medication, TermRef, Vocabulary},
};

/// SNOMED CT: no known allergy.
pub const NO_KNOWN_ALLERGY: (&str, &str) = ("716186003", "No known allergy");
/// SNOMED CT: no known drug allergy.
pub const NO_KNOWN_DRUG_ALLERGY: (&str, &str) = ("409137002", "No known drug allergy");
/// Why an allergy-status code stands beside an allergen.
pub const ALLERGY_STATUS_DISPLAY: &str = "allergy-status code of ICD-10-CM category Z88 or Z91";

/// Allergy-status codes by words of the substance or its class: a whole word, its plural, a beginning ("cef-") or an ending ("-cillin").
/// The first row that fits counts.
const STATUS: [(&str, &str); 19] = [
    ("Z88.0", "penicillin -cillin"),
    ("Z88.2", "sulfa sulfonamide sulfam- sulfas- sulfad- sulfac- sulfisoxazole -sulfamide"),
    (
        "Z88.1",
        "cephalosporin cef- ceph- antibiotic carbapenem -penem aztreonam -floxacin quinolone fluoroquinolone macrolide \
         -mycin -micin -cycline aminoglycoside amikacin chloramphenicol linezolid tedizolid -planin telavancin dalbavancin \
         oritavancin mupirocin bacitracin polymyxin colistin rifampin fidaxomicin",
    ),
    (
        "Z88.3",
        "antifungal antiviral antiretroviral antimalarial antiparasitic antiseptic anti-infective -conazole -vir -vudine \
         -nidazole nitrofurantoin trimethoprim methenamine terbinafine griseofulvin nystatin caspofungin -fungin \
         amphotericin isoniazid ethambutol pyrazinamide dapsone hydroxychloroquine chloroquine mefloquine ivermectin \
         albendazole permethrin chlorhexidine povidone",
    ),
    (
        "Z88.5",
        "opioid opiate narcotic morphine codeine -codone -morphone fentanyl -fentanil methadone meperidine tramadol \
         tapentadol buprenorphine butorphanol nalbuphine pentazocine propoxyphene heroin",
    ),
    (
        "Z88.6",
        "analgesic nsaid aspirin salicylate -profen naproxen ketorolac diclofenac etodolac meloxicam piroxicam nabumetone \
         indomethacin sulindac -coxib acetaminophen",
    ),
    ("Z88.4", "anesthetic -caine propofol etomidate ketamine -flurane"),
    ("Z88.7", "vaccine serum toxoid antivenin antitoxin globulin"),
    ("Z91.040", "latex"),
    ("Z91.041", "contrast iodinated iodine gadolinium gado- iohexol iopamidol -trizoate radiographic radiocontrast"),
    ("Z91.010", "peanut"),
    ("Z91.0110", "milk dairy casein whey"),
    ("Z91.0120", "egg"),
    (
        "Z91.013",
        "seafood shellfish fish shrimp prawn crab lobster crayfish crustacean mollusc mollusk clam oyster mussel scallop \
         squid octopus salmon tuna cod",
    ),
    ("Z91.014", "beef pork lamb mammalian alpha-gal"),
    ("Z91.02", "additive preservative tartrazine sulfite monosodium"),
    ("Z91.030", "bee honeybee bumblebee"),
    ("Z91.038", "wasp hornet insect ant yellowjacket mosquito flea"),
    ("Z91.048", "adhesive tape nickel cosmetic detergent"),
];

impl Coder {
    /// Codes an allergen by the code that somebody chose for its words, and says its category where it is known.
    #[must_use]
    pub fn allergen_of_code(&self, vocabulary: &Vocabulary, code: &ChosenCode, place: DrugPlace) -> (Coding, Option<String>) {
        let (display, mut codes, category) = if let Some(drug) = place.ingredient(vocabulary) {
            let mut codes = self.ingredient_codes(drug, 1.0, "");
            codes.iter_mut().for_each(|code| code.role = CodeRole::Code);
            codes.extend(unii(vocabulary, drug, codes.len()));
            (drug.display.clone(), codes, Some("medication".to_owned()))
        } else if let Some(allergen) = place.allergen.and_then(|place| vocabulary.allergens.get(place)) {
            concept(allergen, 1.0)
        } else {
            (code.display.clone(), vec![chosen(code, CodeRole::Code)], None)
        };
        codes.extend(status_code(vocabulary, (&display, None, category.as_deref()), codes.len()));
        (Coding { display, codes, prompts: Vec::new() }, category)
    }

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
        if !codes.is_empty() {
            codes.extend(status_code(vocabulary, (&display, class, category.as_deref()), codes.len()));
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

/// The ICD-10-CM code of the state of being allergic to a substance; none where there is none for its category.
fn status_code(
    vocabulary: &Vocabulary,
    (display, class, category): (&str, Option<&DrugClass>, Option<&str>),
    before: usize,
) -> Option<CodeCandidate> {
    let status = status(display, class, category).filter(|code| vocabulary.is_billable(code))?;
    Some(CodeCandidate {
        rank: u32::try_from(before + 1).unwrap_or(u32::MAX),
        role: CodeRole::AllergyStatus,
        system: system::ICD10CM.to_owned(),
        code: status.to_owned(),
        display: vocabulary.title(status).to_owned(),
        score: 0.8,
        with: Vec::new(),
        why: ALLERGY_STATUS_DISPLAY.to_owned(),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    })
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
        scored_by: ScoredBy::Engine,
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
        scored_by: ScoredBy::Engine,
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
    // "povidone-iodine" is both of its words, "alpha-gal" one
    let whole = name.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    let words: Vec<&str> = whole.chain(name.split(|letter: char| !letter.is_alphanumeric())).collect();
    let fits = |pattern: &str| {
        words.iter().any(|word| match (pattern.strip_suffix('-'), pattern.strip_prefix('-')) {
            (Some(beginning), _) => word.starts_with(beginning),
            (_, Some(ending)) => word.strip_suffix('s').unwrap_or(word).ends_with(ending) || word.ends_with(ending),
            _ => *word == pattern || word.strip_suffix('s') == Some(pattern),
        })
    };
    let named = STATUS.iter().find(|(_, patterns)| patterns.split(' ').any(fits)).map(|(code, _)| *code);
    match (named, category) {
        // an omega-3 oil is a drug, a milk thistle no milk
        (Some(code), Some("medication")) if code.starts_with("Z91") && code != "Z91.041" => Some("Z88.8"),
        (Some(code), _) => Some(code),
        (None, Some("medication")) => Some("Z88.8"),
        (None, Some("food")) => Some("Z91.018"),
        (None, Some("environment")) => Some("Z91.09"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Tables;

    #[test]
    fn status_codes_are_billable_and_follow_the_substance() {
        let tables = Tables::embedded().expect("tables");
        let vocabulary = Vocabulary::load(&tables).expect("a vocabulary");
        assert!(STATUS.iter().all(|(code, _)| vocabulary.is_billable(code)));
        for (substance, category, code) in [
            ("amoxicillin", "medication", "Z88.0"),
            ("Penicillins", "medication", "Z88.0"),
            ("amoxicillin+clavulanate", "medication", "Z88.0"),
            ("ceftriaxone", "medication", "Z88.1"),
            ("sulfamethoxazole+trimethoprim", "medication", "Z88.2"),
            ("sulfasalazine", "medication", "Z88.2"),
            ("ferrous sulfate", "medication", "Z88.8"),
            ("povidone-iodine", "medication", "Z88.3"),
            ("gentamicin", "medication", "Z88.1"),
            ("fluconazole", "medication", "Z88.3"),
            ("omeprazole", "medication", "Z88.8"),
            ("hydromorphone", "medication", "Z88.5"),
            ("naproxen", "medication", "Z88.6"),
            ("lidocaine", "medication", "Z88.4"),
            ("influenza vaccine", "medication", "Z88.7"),
            ("lisinopril", "medication", "Z88.8"),
            ("milk thistle extract", "medication", "Z88.8"),
            ("Eggs (edible)", "food", "Z91.0120"),
            ("eggplant", "food", "Z91.018"),
            ("Dairy foods", "food", "Z91.0110"),
            ("Shrimp", "food", "Z91.013"),
            ("Beetroot", "food", "Z91.018"),
            ("Peanut", "food", "Z91.010"),
            ("Bee venom", "environment", "Z91.030"),
            ("Wasp venom", "environment", "Z91.038"),
            ("Natural rubber latex", "environment", "Z91.040"),
            ("Adhesive tape", "environment", "Z91.048"),
            ("House dust mite", "environment", "Z91.09"),
        ] {
            assert_eq!(status(substance, None, Some(category)), Some(code), "{substance}");
        }
    }
}
