//! How good a candidate code is: a logistic model over what was found of it and what its title says.
//!
//! The weights are rows of `vocabularies/code_ranking.tsv`, fitted by `models/training/ranking.py` on annotated notes. A candidate's score is
//! the model's probability that the code is acceptable.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    laterality::{Side, Sides, side_of_title},
    logistic::Logistic,
    overlap::OverlapIndex,
    proposals::{Phrase, Proposal, Way},
};
use crate::{
    domain::table::TableError,
    text::Document,
    vocabulary::{CodeBook, CodeSet, Vocabulary},
};

/// The features, in the order in which they are computed.
pub const RANKING_FEATURES: [&str; 43] = [
    "exact",
    "reordered",
    "expanded",
    "reduced",
    "fuller",
    "fuller_bare",
    "overlapping",
    "part",
    "shares",
    "shares_all",
    "index",
    "index_all",
    "index_near",
    "similar",
    "similar_close",
    "alternative",
    "other_ways",
    "category_votes",
    "title_said",
    "title_near",
    "phrase_in_title",
    "unspecified",
    "other_specified",
    "side_agrees",
    "side_conflicts",
    "side_ignored",
    "side_unsaid",
    "everyday_source",
    "derived_source",
    "injury",
    "neoplasm",
    "pregnancy_unsaid",
    "newborn_unsaid",
    "later_encounter",
    "exact_superseded",
    "exact_open",
    "near_of_open",
    "words_and_meaning",
    "index_and_words",
    "no_term_index_all",
    "no_term_title_said",
    "no_term_phrase_in_title",
    "no_term_part",
];

/// What is proposed for one code.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The code, and those that stand beside it.
    pub codes: CodeSet,
    /// The sentence shown.
    pub why: String,
    /// Probability that it is acceptable.
    pub score: f32,
    /// The features by name, zeros left out.
    pub features: BTreeMap<String, f32>,
}

/// The fitted weights: one model for when codes of like meaning are looked for, one for when there are no vectors of terms.
#[derive(Debug, Clone)]
pub struct RankingModel {
    with_vectors: Logistic<{ RANKING_FEATURES.len() }>,
    without_vectors: Logistic<{ RANKING_FEATURES.len() }>,
}

impl RankingModel {
    /// Reads the table (columns `feature`, `with_vectors`, `without_vectors`): every feature once, and `intercept`.
    ///
    /// # Errors
    /// An unknown, repeated or missing feature, or a weight that is no number.
    pub fn parse(table: (&str, &str)) -> Result<Self, TableError> {
        let model = |column: &str| Logistic::parse(table, &RANKING_FEATURES, column);
        Ok(Self { with_vectors: model("with_vectors")?, without_vectors: model("without_vectors")? })
    }

    /// The candidates of the proposals, one a first code, best first.
    pub(super) fn ranked(
        &self,
        phrase: &Phrase<'_>,
        (weights, sides): (&OverlapIndex, &Sides),
        (says, side, vectors): (NoteSays, Option<Side>, bool),
        proposals: Vec<Proposal>,
    ) -> Vec<Candidate> {
        let model = if vectors { &self.with_vectors } else { &self.without_vectors };
        let mut by_code: BTreeMap<String, Vec<Proposal>> = BTreeMap::new();
        for proposal in proposals {
            if let Some(first) = proposal.codes.first() {
                by_code.entry(first.clone()).or_default().push(proposal);
            }
        }
        let categories: Vec<String> = by_code.keys().map(|code| category(code).to_owned()).collect();
        let said = Said::new(phrase, weights, says);
        let superseded = by_code.values().flatten().any(|proposal| matches!(proposal.way, Way::Fuller { bare: true, .. }));
        let term = by_code.values().flatten().any(|proposal| proposal.way == Way::Exact);
        let mut candidates: Vec<Candidate> = by_code
            .into_iter()
            .filter_map(|(code, proposals)| {
                let votes = categories.iter().filter(|other| *other == category(&code)).count() - 1;
                let mut features = [0.0; RANKING_FEATURES.len()];
                found(&proposals, &mut features);
                #[expect(clippy::cast_precision_loss, reason = "a handful of candidates")]
                set(&mut features, "category_votes", votes as f32 / categories.len().max(2) as f32);
                said.of_title(phrase.vocabulary, &code, &mut features);
                let beside = proposals.iter().flat_map(|proposal| proposal.codes.iter().skip(1));
                of_side((phrase.vocabulary.codes(), sides), &code, beside, side, &mut features);
                together(&mut features, (phrase.words.len() == 1, superseded, term));
                let score = model.probability(&features) * says.fitting(phrase.vocabulary.title(&code));
                let named = RANKING_FEATURES.iter().zip(features).filter(|(_, value)| *value != 0.0);
                let named = named.map(|(name, value)| ((*name).to_owned(), value)).collect();
                let best = proposals.into_iter().min_by(|one, other| rank(one).total_cmp(&rank(other)))?;
                Some(Candidate { codes: best.codes, why: best.why, score, features: named })
            })
            .collect();
        candidates.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.codes.cmp(&other.codes)));
        candidates
    }
}

/// Which of several proposals of one code is told: the surest way first.
fn rank(proposal: &Proposal) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a handful of alternatives")]
    let behind = proposal.alternative as f32 * 10.0;
    behind
        + match proposal.way {
            Way::Exact => 0.0,
            Way::Fuller { .. } => 1.0,
            Way::Reordered => 2.0,
            Way::Expanded => 3.0,
            Way::Reduced => 4.0,
            Way::Index { explained, .. } => 6.0 - explained,
            Way::Overlapping(share) => 7.0 - share,
            Way::Shares(overlap) => 8.0 - overlap,
            Way::Similar(cosine) => 9.0 - cosine,
            Way::Part(share) => 10.0 - share,
        }
}

fn category(code: &str) -> &str {
    code.get(..3).unwrap_or(code)
}

fn place(name: &str) -> usize {
    RANKING_FEATURES.iter().position(|feature| *feature == name).unwrap_or_default()
}

fn set(features: &mut [f32; RANKING_FEATURES.len()], name: &str, value: f32) {
    let feature = &mut features[place(name)];
    *feature = feature.max(value);
}

/// What the ways say.
fn found(proposals: &[Proposal], features: &mut [f32; RANKING_FEATURES.len()]) {
    let mut ways: HashSet<u8> = HashSet::new();
    let mut first_of_its_term = false;
    for proposal in proposals {
        #[expect(clippy::cast_precision_loss, reason = "a handful of alternatives")]
        let share = 1.0 / (1.0 + proposal.alternative as f32);
        // an alternative of a term counts as such, not as what its way gives the first code
        if proposal.alternative > 0 {
            let way = match proposal.way {
                Way::Exact => 1.0,
                Way::Shares(value) | Way::Similar(value) | Way::Overlapping(value) | Way::Part(value) => 0.5 * value,
                _ => 0.8,
            };
            set(features, "alternative", share * way);
            continue;
        }
        first_of_its_term = true;
        let (number, name, value) = match proposal.way {
            Way::Exact => (0, "exact", 1.0),
            Way::Reordered => (1, "reordered", 1.0),
            Way::Expanded => (2, "expanded", 1.0),
            Way::Reduced => (3, "reduced", 1.0),
            Way::Fuller { bare: true, .. } => (4, "fuller_bare", 1.0),
            Way::Fuller { score, .. } => (4, "fuller", score),
            Way::Overlapping(share) => (5, "overlapping", share),
            Way::Part(share) => (6, "part", share),
            Way::Shares(overlap) => (7, "shares", overlap),
            Way::Index { explained, near: 0 } => (8, "index", explained),
            Way::Index { explained, .. } => (9, "index_near", explained),
            Way::Similar(cosine) => (10, "similar", cosine.max(0.0)),
        };
        ways.insert(number);
        set(features, name, value);
        match proposal.way {
            Way::Index { explained, near: 0 } if explained > 0.95 => set(features, "index_all", 1.0),
            Way::Shares(overlap) if overlap > 0.85 => set(features, "shares_all", 1.0),
            Way::Similar(cosine) if cosine > 0.85 => set(features, "similar_close", (cosine - 0.85) / 0.15),
            _ => {}
        }
        match proposal.source.as_str() {
            "everyday" | "abbreviation" | "correction" => set(features, "everyday_source", 1.0),
            "icd10cm_variant" | "doid_narrow" | "snomed" | "neoplasm_table" => set(features, "derived_source", 1.0),
            _ => {}
        }
    }
    if first_of_its_term {
        #[expect(clippy::cast_precision_loss, reason = "eleven ways")]
        set(features, "other_ways", (ways.len() - 1) as f32 / 3.0);
        features[place("alternative")] = 0.0;
    }
}

/// What only several things together say: whether the mention is one word, whether a fuller mention speaks for it, and whether it is a term.
fn together(features: &mut [f32; RANKING_FEATURES.len()], (one_word, superseded, term): (bool, bool, bool)) {
    let of = |name: &str| features[place(name)];
    let (exact, fuller) = (of("exact") > 0.0, of("fuller_bare") > 0.0);
    let open = one_word && (of("unspecified") > 0.0 || of("other_specified") > 0.0);
    let one = |holds: bool| f32::from(u8::from(holds));
    let unless_term = |value: f32| if term { 0.0 } else { value };
    let values = [
        ("exact_superseded", one(exact && superseded && !fuller)),
        ("exact_open", one(exact && open)),
        ("near_of_open", if one_word { of("index_near") } else { 0.0 }),
        ("words_and_meaning", of("shares").min(of("similar"))),
        ("index_and_words", of("index").min(of("shares"))),
        ("no_term_index_all", unless_term(of("index_all"))),
        ("no_term_title_said", unless_term(of("title_said"))),
        ("no_term_phrase_in_title", unless_term(of("phrase_in_title"))),
        // a part that leaves a third of the words unsaid says another thing
        ("no_term_part", unless_term((of("part").max(of("overlapping")) - 0.75).max(0.0) * 4.0)),
    ];
    for (name, value) in values {
        set(features, name, value);
    }
}

/// What the mention and its note say, to hold titles against.
struct Said<'a> {
    // in one order, so that sums over them are the same in every run
    forms: BTreeSet<&'a str>,
    near: &'a HashSet<String>,
    weights: &'a OverlapIndex,
    note: NoteSays,
}

/// Words of a title that say what is not said.
const OPEN_WORDS: [&str; 12] = [
    "unspecified",
    "other",
    "specified",
    "left",
    "right",
    "bilateral",
    "initial",
    "encounter",
    "without",
    "mention",
    "nos",
    "nec",
];
const PREGNANCY_WORDS: [&str; 16] = [
    "pregnancy",
    "pregnant",
    "gestation",
    "gestational",
    "gravida",
    "gravid",
    "trimester",
    "postpartum",
    "labor",
    "delivery",
    "cesarean",
    "obstetric",
    "prenatal",
    "antepartum",
    "fetal",
    "fetus",
];
const NEWBORN_WORDS: [&str; 8] = ["newborn", "neonate", "neonatal", "nicu", "preterm", "infant", "premature", "birth"];

const MALE_WORDS: [&str; 9] = ["male", "man", "gentleman", "boy", "mr", "he", "his", "him", "himself"];
const FEMALE_WORDS: [&str; 10] = ["female", "woman", "lady", "girl", "mrs", "ms", "she", "her", "hers", "herself"];
/// What is left of the score of a code for the sex that the note does not speak of.
const OTHER_SEX: f32 = 0.2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sex {
    Male,
    Female,
}

/// What the words of a whole note say, found once for all its mentions.
#[derive(Debug, Clone, Copy)]
pub struct NoteSays {
    pregnancy: bool,
    newborn: bool,
    sex: Option<Sex>,
}

impl NoteSays {
    /// Reads the note.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let count = |words: &[&str]| document.words.iter().filter(|word| words.contains(&word.folded.as_str())).count();
        let (male, female) = (count(&MALE_WORDS), count(&FEMALE_WORDS));
        // a husband or a mother is told of too
        let sex = match (male > 2 * female, female > 2 * male) {
            (true, _) => Some(Sex::Male),
            (_, true) => Some(Sex::Female),
            _ => None,
        };
        Self { pregnancy: count(&PREGNANCY_WORDS) > 0, newborn: count(&NEWBORN_WORDS) > 0, sex }
    }

    /// The words of a title for the other sex, and for the sex of which the note speaks, where it speaks of one.
    pub(super) fn other_sex(self) -> Option<(&'static str, &'static str)> {
        self.sex.map(|sex| match sex {
            Sex::Male => (" female", " male"),
            Sex::Female => (" male", " female"),
        })
    }

    /// How far a title fits the sex of which the note speaks; where it speaks of none, a breast is a woman's (the index has "female" as a
    /// nonessential modifier there).
    fn fitting(self, title: &str) -> f32 {
        let lower = title.to_lowercase();
        let has = |word: &str| lower.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word);
        let titled = match (has("male"), has("female")) {
            (true, false) => Sex::Male,
            (false, true) => Sex::Female,
            _ => return 1.0,
        };
        let sex = self.sex.or_else(|| has("breast").then_some(Sex::Female));
        if sex.is_none_or(|sex| sex == titled) { 1.0 } else { OTHER_SEX }
    }
}

impl<'a> Said<'a> {
    fn new(phrase: &'a Phrase<'_>, weights: &'a OverlapIndex, note: NoteSays) -> Self {
        Self { forms: phrase.forms.iter().map(String::as_str).collect(), near: &phrase.near, weights, note }
    }

    /// What the code's title says beside the mention.
    fn of_title(&self, vocabulary: &Vocabulary, code: &str, features: &mut [f32; RANKING_FEATURES.len()]) {
        let title = vocabulary.title(code);
        let lower = title.to_lowercase();
        let words: Vec<String> =
            vocabulary.forms.phrase(title).into_iter().filter(|word| !OPEN_WORDS.contains(&word.as_str())).collect();
        let weight = |words: &mut dyn Iterator<Item = &String>| words.map(|word| self.weights.weight(word)).sum::<f32>();
        let all = weight(&mut words.iter()).max(0.1);
        set(features, "title_said", weight(&mut words.iter().filter(|word| self.forms.contains(word.as_str()))) / all);
        set(features, "title_near", weight(&mut words.iter().filter(|word| self.near.contains(*word))) / all);
        let phrase: f32 = self.forms.iter().map(|form| self.weights.weight(form)).sum();
        let held: f32 =
            self.forms.iter().filter(|form| words.iter().any(|word| word == *form)).map(|form| self.weights.weight(form)).sum();
        set(features, "phrase_in_title", held / phrase.max(0.1));
        let yes = |holds: bool| f32::from(u8::from(holds));
        set(features, "unspecified", yes(lower.contains("unspecified")));
        set(features, "other_specified", yes(lower.starts_with("other ")));
        let chapter = code.chars().next().unwrap_or(' ');
        set(features, "injury", yes(matches!(chapter, 'S' | 'T')));
        set(features, "neoplasm", yes(chapter == 'C' || code.starts_with("D0") || (chapter == 'D' && code < "D50")));
        set(features, "pregnancy_unsaid", yes(chapter == 'O' && !self.note.pregnancy));
        set(features, "newborn_unsaid", yes(chapter == 'P' && !self.note.newborn));
        set(features, "later_encounter", yes(code.len() == 8 && !code.ends_with('A')));
    }
}

/// How the side of a code's title fits the side that the note names; `beside` are the codes that stand with it.
fn of_side<'a>(
    (codes, sides): (&CodeBook, &Sides),
    code: &str,
    mut beside: impl Iterator<Item = &'a String>,
    side: Option<Side>,
    features: &mut [f32; RANKING_FEATURES.len()],
) {
    let titled = |code: &str| side_of_title(&codes.title(code).to_lowercase());
    let name = match (side, titled(code)) {
        (Some(side), Some(titled)) if side == titled => "side_agrees",
        // right and left together are both
        (Some(Side::Bilateral), Some(Side::Right)) if beside.any(|code| titled(code) == Some(Side::Left)) => "side_agrees",
        (Some(_), Some(_)) => "side_conflicts",
        (Some(_), None) if sides.leaves_side_open(codes, code) => "side_ignored",
        (None, Some(_)) => "side_unsaid",
        _ => return,
    };
    set(features, name, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_weights_are_complete() {
        let table = include_str!("../../vocabularies/code_ranking.tsv");
        RankingModel::parse(("code_ranking.tsv", table)).expect("our own table");
    }
}
