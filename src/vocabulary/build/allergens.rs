//! `allergen_concepts.tsv`: substances that can be named as the cause of an allergy, from the Global Patient Set and from SNOMED CT.
//!
//! The rules are those by which the table of the program was made (`vocabularies/compile/allergens.py`). The Global Patient Set gives new
//! substances; the full SNOMED CT, which lists tens of thousands of chemicals, gives names of those that are known, and takes away what it
//! has retired.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regex::{Regex, RegexBuilder};

use super::{
    Kind,
    rows::{Row, row},
};
use crate::{domain::system, releases::Table, vocabulary::normalize_term};

/// Names of substances with their concept and category.
pub(super) const ALLERGENS: Table =
    Table { name: "allergen_concepts.tsv", columns: &["term", "system", "code", "display", "category"] };

/// Longest name, in words.
const MOST_WORDS: usize = 8;

/// Bare words that are far more often something else in a note.
const FALSE_ALLERGENS: [&str; 99] = [
    "agar",
    "air",
    "albumin",
    "analgesic",
    "anticoagulant",
    "apple",
    "ascitic fluid",
    "barium",
    "bile",
    "biocide",
    "blood",
    "body fluid",
    "brass",
    "caffeine",
    "calcium",
    "cannabis",
    "carbon dioxide",
    "cereal",
    "cholesterol",
    "choline",
    "citrate",
    "cod",
    "contrast",
    "copper",
    "cotton",
    "creatine",
    "cytokine",
    "diuretic",
    "dye",
    "electron",
    "estrogen",
    "fat",
    "feces",
    "fibril",
    "figs",
    "food",
    "general anesthetic",
    "glucose",
    "glue",
    "glutamine",
    "gold",
    "grain",
    "grass",
    "heparin",
    "hormone",
    "horse",
    "inositol",
    "iron",
    "lactate",
    "lactose",
    "lead",
    "lipid",
    "lymph",
    "magnesium",
    "metal",
    "molybdenum",
    "mustard",
    "neutron",
    "nitrous oxide",
    "orange",
    "oxygen",
    "paraffin",
    "pepper",
    "photon",
    "plastic",
    "platinum",
    "polymer",
    "potassium",
    "proton",
    "pulse",
    "pulses",
    "sand",
    "sedative",
    "seed",
    "silicon",
    "silicone",
    "silk",
    "silver",
    "steroid",
    "substance",
    "tap water",
    "tape",
    "taurine",
    "terpene",
    "thrombin",
    "tin",
    "titanium",
    "toxin",
    "tree",
    "trees",
    "tungsten",
    "uric acid",
    "urine",
    "vitamin",
    "vomitus",
    "water",
    "weed",
    "wood",
    "wool alcohol",
];

/// Substances that nobody is allergic to by that name.
const NO_ALLERGEN: &str = concat!(
    r"\(\d+m?-[A-Z][a-z]?\)|\([A-Z]+-\d+\)|-\d+m?$|^(?:hafnium|niobium|rhodium|tantalum|yttrium|europium|xenon|",
    r"osmium|cobalt)|\bstain\b|\bblood\b|fluid|graft|\bembedding|mounting|transport medium|fixative|allergy vaccine|",
    r"receptor$|labeled|fixed|waste|stone$|hazard|isoenzyme|growth factor|natriuretic|severe acute|body substance|",
    r"necrosis|antidiuretic|interferon|amniotic|matrix|carbon fiber|animal feed|formol|isotope|neutral|toluidine|",
    r"^substance$|^propensity|^intolerance to|lymphoma|lipoprotein|embolic|sublimate|alloy|hydroxyapatite|dental|",
    r"material$|chromium|titanium|tobacco|anhydride|toxoid|extract vaccine|caloric|carcinogen|gaseous|",
    r"non radiopaque|epsilon|tetano|corynebacterium|clostridium",
);

/// What is eaten.
const FOOD: &str = concat!(
    r"\b(?:nuts?|soy\w*|cereal|poultry|meat|rice|fruit|citrus|strawberry|chocolate|eggs?|cheese|juice|pork|tuna|",
    r"mussels?|pulse|herbs|cinnamon|clove|curry|ginger|paprika|figs?|raspberries|cashew|pickle|orange|banana|",
    r"pineapple|carrot|celery|almond|walnut|hazelnut|shrimp|oats?|watermelon|melon|kiwi|mango|sesame|gluten|flour|",
    r"seafood|mustard|lactose|cow's milk|milk|dairy|grain|seeds?|blueberries|rye|vanilla|wheat|corn|lupine|",
    r"cuttlefish|bean|tomato|squid|shellfish|garlic|mushroom|nutmeg|onion|peach|potato|coconut|apple|cod|cherry|",
    r"fish|crustacean|octopus|oyster|crab|lobster|edible|peanut|pepper|food|aspartame|glutamate|sulfite|tartrazine|",
    r"casein|anise|beef)\b",
);

/// What is touched or breathed in.
const ENVIRONMENT: &str = concat!(
    r"cotton|pollen|dust|dander|hair|feather|epithelium|venom|\bweeds?\b|resin|cockroach|mite|latex|rubber|nickel|",
    r"wool|perfume|cosmetic|adhesive|paraffin|lanolin|fungal|mold|insect|pesticide|insecticide|dye|formaldehyde|",
    r"formalin|polymer|acrylic|epoxy|steel|suture|animal|urine proteins|chlorine|silicone|cobalt|solvent|detergent|",
    r"spider|scorpion|bee |wasp",
);

/// Vaccines and sera.
const BIOLOGIC: &str = "vaccine|antigen-containing|only product|toxoid|immune globulin|serum";

/// What is taken as a drug.
const MEDICATION: &str = concat!(
    r"mechanism of action|\bagents?\b|contrast|steroid|anesthetic|relaxant|dilator|constrictor|coagulant|hemostatic|",
    r"expander|oxytocic|stimulant|gadolinium|barbiturate|benzodiazepine|penem|anticonvulsant|(?:ine|ol|in|one|ide|",
    r"ate|am|ane|ium|um|ic acid|digitalis|ephrine|heparin|cocaine|opioid|morphine)$|iodine|iodized|medium|media",
);

struct Rules {
    no_allergen: Regex,
    food: Regex,
    environment: Regex,
    biologic: Regex,
    medication: Regex,
}

impl Rules {
    fn new() -> Self {
        let regex = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .expect("the patterns stand above, and the tests compile them")
        };
        Self {
            no_allergen: regex(NO_ALLERGEN),
            food: regex(FOOD),
            environment: regex(ENVIRONMENT),
            biologic: regex(BIOLOGIC),
            medication: regex(MEDICATION),
        }
    }

    fn category(&self, display: &str, ingredients: &BTreeSet<String>) -> &'static str {
        let is_ingredient = ingredients.contains(&normalize_term(display)) && !self.food.is_match(display);
        if self.biologic.is_match(display) {
            "biologic"
        } else if display.contains("mechanism of action") || is_ingredient {
            "medication"
        } else if self.environment.is_match(display) {
            "environment"
        } else if self.food.is_match(display) {
            "food"
        } else if self.medication.is_match(display) {
            "medication"
        } else {
            "other"
        }
    }
}

/// A concept of a release.
#[derive(Default)]
struct Concept {
    preferred: String,
    names: Vec<String>,
}

/// The substances of the program and of the releases.
pub(super) struct Substances<'a> {
    embedded: &'a [Row],
    ingredients: &'a BTreeSet<String>,
    known: HashSet<&'a str>,
    /// Concepts of the releases by their code.
    found: BTreeMap<String, Concept>,
    /// Concepts of which one name says that nobody is allergic to them.
    excluded: HashSet<String>,
    rules: Rules,
}

/// The rows, sentences for the report, and whether rows of the program are among them.
pub(super) type Made = (Vec<Row>, Vec<String>, bool);

impl<'a> Substances<'a> {
    /// Over the table of the program; `ingredients` are the folded names of ingredients.
    pub(super) fn new(embedded: &'a [Row], ingredients: &'a BTreeSet<String>) -> Self {
        let known = embedded.iter().map(|row| row[2].as_str()).collect();
        Self { embedded, ingredients, known, found: BTreeMap::new(), excluded: HashSet::new(), rules: Rules::new() }
    }

    /// Takes a row of concepts: `system`, `code`, `term`, `preferred`, `semantic_tag`, `case_sensitive`.
    pub(super) fn concept(&mut self, kind: Kind, cells: &[&str]) {
        let &[system::SNOMED, code, term, preferred, tag, _] = cells else { return };
        if !self.known.contains(code) {
            if kind != Kind::SnomedGps || tag != "substance" || self.excluded.contains(code) {
                return;
            }
            if self.rules.no_allergen.is_match(term) {
                self.found.remove(code);
                self.excluded.insert(code.to_owned());
                return;
            }
        }
        let concept = self.found.entry(code.to_owned()).or_default();
        if preferred == "1" {
            term.clone_into(&mut concept.preferred);
        }
        concept.names.push(term.to_owned());
    }

    /// The table. `all_are_listed` says that a full SNOMED CT was read, so that what it does not have is retired.
    pub(super) fn rows(self, all_are_listed: bool) -> Made {
        let mut rows: HashMap<String, Row> = HashMap::new();
        let mut retired = BTreeSet::new();
        for known in self.embedded {
            if all_are_listed && !self.found.contains_key(&known[2]) {
                retired.insert(known[2].as_str());
                continue;
            }
            let mut kept = known.clone();
            if let Some(concept) = self.found.get(&known[2]).filter(|concept| !concept.preferred.is_empty()) {
                kept[3].clone_from(&concept.preferred);
            }
            rows.insert(normalize_term(&kept[0]), kept);
        }
        let held = !rows.is_empty();
        let of_concept: HashMap<&str, &Row> = self.embedded.iter().map(|row| (row[2].as_str(), row)).collect();
        for (code, concept) in &self.found {
            let Some(first) = concept.names.first() else { continue };
            let display = if concept.preferred.is_empty() { first } else { &concept.preferred };
            let known = of_concept.get(code.as_str()).map(|row| row[4].as_str());
            let category = known.unwrap_or_else(|| self.rules.category(display, self.ingredients));
            for term in concept.names.iter().filter_map(|name| said(name)) {
                rows.entry(normalize_term(&term)).or_insert_with(|| row([&term, system::SNOMED, code, display, category]));
            }
        }
        let notes = (!retired.is_empty())
            .then(|| format!("{}: {} concepts were dropped; SNOMED CT has retired them", ALLERGENS.name, retired.len()));
        let mut rows: Vec<Row> = rows.into_values().collect();
        rows.sort();
        (rows, notes.into_iter().collect(), held)
    }
}

/// The name as a note may say it: without its kind ("Orange - fruit"), in lower case; none for what nobody says.
fn said(name: &str) -> Option<String> {
    const KINDS: [&str; 6] = [" - fruit", " - nut", " - meat", " - material", " - pepper", " (edible)"];
    if name.starts_with("Substance with") {
        return None;
    }
    let bare = KINDS.iter().find_map(|kind| name.strip_suffix(kind)).unwrap_or(name);
    let term = bare.trim_matches([' ', ',', ';', ':', '-', '.', '\'', '"']).to_lowercase();
    let fits = term.len() > 2 && term.split(' ').count() <= MOST_WORDS && !FALSE_ALLERGENS.contains(&term.as_str());
    fits.then_some(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Row> {
        lines.iter().map(|line| line.split(';').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn known_substances_are_refreshed_and_new_ones_come_from_the_patient_set() {
        let of = |term: &str, code: &str, display: &str| format!("{term};{};{code};{display};food", system::SNOMED);
        let embedded = rows(&[&of("almond", "1", "Almond"), &of("gone nut", "2", "Gone nut")]);
        let ingredients = BTreeSet::from(["zorvanil".to_owned()]);
        let concepts = [
            ("1", "Almond nut", "1"),
            ("1", "Almond", "0"),
            ("3", "Zorvanil", "1"),
            ("4", "Orange - fruit", "1"),
            ("5", "Metal", "1"),
            ("6", "Hafnium", "1"),
            ("6", "Element seventy-two", "0"),
            ("7", "Zorv juice", "1"),
            ("7", "Zorv gastric fluid", "0"),
        ];
        let made = |kind: Kind, all: bool| {
            let mut found = Substances::new(&embedded, &ingredients);
            concepts.iter().for_each(|(code, term, preferred)| {
                found.concept(kind, &[system::SNOMED, code, term, preferred, "substance", "0"]);
            });
            let (rows, notes, held) = found.rows(all);
            let seen: Vec<String> = rows.iter().map(|row| format!("{};{};{};{}", row[0], row[2], row[3], row[4])).collect();
            (seen, notes, held)
        };
        let (seen, notes, held) = made(Kind::SnomedGps, false);
        assert_eq!(
            seen,
            [
                "almond;1;Almond nut;food",
                "almond nut;1;Almond nut;food",
                "gone nut;2;Gone nut;food",
                "zorvanil;3;Zorvanil;medication",
            ],
            "neither everyday words (orange) nor what nobody is allergic to (hafnium)"
        );
        assert!(notes.is_empty() && held);
        let (seen, notes, _) = made(Kind::SnomedRf2, true);
        assert_eq!(seen, ["almond;1;Almond nut;food", "almond nut;1;Almond nut;food"]);
        assert!(notes[0].contains("1 concepts were dropped"), "{notes:?}");
    }
}
