//! Which reaction belongs to which substance: a logistic model over the words between the two and around them.
//!
//! The weights are rows of `vocabularies/allergy_links.tsv`, fitted by `models/training/allergy_links.py` on statements of ours and annotated
//! notes. A pair that the model finds more likely than not is a link; a substance nobody calls an allergen becomes one by its link.

use std::collections::{BTreeSet, HashMap};

use super::passage::{Passage, Thing, Token, passages};
use super::table::{AllergyTables, Told};
use crate::domain::Span;
use crate::domain::table::{self, TableError};
use crate::text::Document;

/// From this probability on a pair is a link.
const LINKED: f64 = 0.5;

/// Farther apart than so many tokens nothing is paired.
const FARTHEST: usize = 30;

/// Nothing is paired over more ends of sentences.
const MOST_ENDS: usize = 2;

/// Stems of reactions that are hardly ever anything but allergic.
const TYPICAL: [&str; 15] = [
    "hive",
    "anaphyl",
    "angioed",
    "urticari",
    "rash",
    "swell",
    "swol",
    "itch",
    "welt",
    "wheez",
    "throat",
    "tongue",
    "lip",
    "broke out",
    "stevens",
];

/// Words that only join things told alike.
const JOINING: [&str; 9] = [",", "and", "or", "/", "&", "with", "plus", "+", "nor"];

/// The weights of features.
#[derive(Debug, Default)]
pub(super) struct LinkModel(HashMap<String, f64>);

impl LinkModel {
    /// Reads `feature`, `weight`.
    ///
    /// # Errors
    /// A weight that is no number.
    pub(super) fn parse(text: &str) -> Result<Self, TableError> {
        let mut weights = HashMap::new();
        table::read("allergy_links", text, |row| {
            let weight = row.get("weight")?.parse().map_err(|_| row.error("a weight is a number such as -0.25"))?;
            weights.insert(row.get("feature")?.to_owned(), weight);
            Ok(())
        })?;
        Ok(Self(weights))
    }

    fn probability(&self, features: &BTreeSet<String>) -> f64 {
        let sum: f64 = features.iter().filter_map(|feature| self.0.get(feature)).sum();
        1.0 / (1.0 + (-sum).exp())
    }
}

/// A substance, a reaction that may be its own, and what speaks for it.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Number of the substance.
    pub substance: usize,
    /// Number of the reaction in its passage.
    pub reaction: usize,
    /// Features that hold.
    pub features: BTreeSet<String>,
}

/// What is known of a substance before its reactions are: whether the note calls it an allergen, and whether it is borne.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Where it stands.
    pub span: Span,
    /// Called an allergen by the words around it.
    pub governed: bool,
    /// "Tolerates", "was given".
    pub borne: bool,
}

/// What a substance did.
#[derive(Debug, Clone, Default)]
pub(super) struct Did {
    pub reactions: Vec<Told>,
    /// Probability of the likeliest of its links, 0 to 1.
    pub surest: f64,
    /// Span, grade, code.
    pub severity: Option<(Span, String, String)>,
}

/// The reactions and severity of every substance.
pub(super) fn link(document: &Document, tables: &AllergyTables, known: &[Known]) -> Vec<Did> {
    let mut did = vec![Did::default(); known.len()];
    let spans: Vec<Span> = known.iter().map(|one| one.span).collect();
    for passage in passages(&document.text, tables, &spans) {
        let mut claims: Vec<Vec<Claim>> = vec![Vec::new(); passage.reactions.len()];
        for pair in pairs(document, tables, known, &passage) {
            let joined = ["a:joined_substance", "b:joined_substance"].iter().any(|name| pair.features.contains(*name));
            let claim = Claim { substance: pair.substance, probability: tables.links.probability(&pair.features), joined };
            claims[pair.reaction].push(claim);
        }
        let owners: Vec<Vec<usize>> = claims.iter().map(|claims| owners(claims)).collect();
        for ((told, owners), claims) in passage.reactions.iter().zip(&owners).zip(&claims) {
            if told.display.as_deref() == Some("unknown reaction") {
                continue;
            }
            for owner in owners {
                let own = claims.iter().filter(|claim| claim.substance == *owner).map(|claim| claim.probability);
                did[*owner].surest = own.fold(did[*owner].surest, f64::max);
                did[*owner].reactions.push(told.clone());
            }
        }
        grade(&passage, &owners, &mut did);
    }
    did
}

/// A substance that may have done something.
#[derive(Debug, Clone, Copy)]
struct Claim {
    substance: usize,
    probability: f64,
    /// Other substances stand between, joined to it.
    joined: bool,
}

/// The likeliest substance, and those that are joined to it.
fn owners(claims: &[Claim]) -> Vec<usize> {
    let linked: Vec<&Claim> = claims.iter().filter(|claim| claim.probability >= LINKED).collect();
    let best = linked.iter().max_by(|one, other| one.probability.total_cmp(&other.probability));
    let Some(best) = best else { return Vec::new() };
    let kept = linked.iter().filter(|claim| claim.substance == best.substance || claim.joined || best.joined);
    kept.map(|claim| claim.substance).collect()
}

/// Every pair of the note with its features: what the training reads.
#[cfg(test)]
pub(crate) fn all_pairs(document: &Document, tables: &AllergyTables, known: &[Known]) -> Vec<(Span, Span, BTreeSet<String>)> {
    let spans: Vec<Span> = known.iter().map(|one| one.span).collect();
    let mut all = Vec::new();
    for passage in passages(&document.text, tables, &spans) {
        for pair in pairs(document, tables, known, &passage) {
            all.push((known[pair.substance].span, passage.reactions[pair.reaction].span, pair.features));
        }
    }
    all
}

fn pairs(document: &Document, tables: &AllergyTables, known: &[Known], passage: &Passage) -> Vec<Pair> {
    let all = &passage.tokens;
    let mut found = Vec::new();
    for (at, token) in all.iter().enumerate() {
        let Thing::Substance(substance) = token.thing else { continue };
        let section = document.section_kind_at(known[substance].span);
        for (other, reaction) in all.iter().enumerate() {
            let Thing::Reaction(reaction) = reaction.thing else { continue };
            if at.abs_diff(other) > FARTHEST {
                continue;
            }
            let (from, tokens) = sentences(all, (at.min(other), at.max(other)));
            let (at, other) = (at - from, other - from);
            let ends = tokens[at.min(other)..at.max(other)].iter().filter(|token| token.word == ".").count();
            if ends > MOST_ENDS || is_denied(tables, tokens, (at, other)) {
                continue;
            }
            if !known[substance].governed && is_relieved(tables, tokens, (at, other)) {
                continue;
            }
            let allergy = tokens.iter().any(|token| tables.reactions.kinds(&token.word).iter().any(|kind| kind == "allergy"));
            let counted = |words: [&str; 2]| match tokens.iter().filter(|token| words.contains(&token.word.as_str())).count() {
                count @ 0..=2 => count.to_string(),
                _ => "more".to_owned(),
            };
            let (substances, reactions) = (counted(["S", "S"]), counted(["R", "O"]));
            let first = tokens.iter().find(|token| token.thing != Thing::Word).map_or("", |token| token.word.as_str());
            let mut features = features(tables, tokens, (at, other));
            features.insert(format!("{}:ends={ends}", if at < other { "a" } else { "b" }));
            let mut set = |name: &str| {
                features.insert(name.to_owned());
            };
            let side = if at < other { "a" } else { "b" };
            let governed = if known[substance].governed { "governed" } else { "ungoverned" };
            set(&format!("{side}:{governed}"));
            let told = &passage.reactions[reaction];
            let words = told.span.of(&document.text).to_lowercase();
            let typical = if TYPICAL.iter().any(|stem| words.contains(stem)) { "typical" } else { "common" };
            let named = known[substance].span.of(&document.text);
            let category = tables.allergens.lookup(named).map_or("drug", |allergen| allergen.category.as_str());
            set(&format!("{side}:{governed}:{typical}"));
            set(&format!("{side}:{governed}:{category}"));
            set(&format!("{governed}:{category}:{typical}"));
            set(&format!("{side}:substances={substances}"));
            set(&format!("{side}:{governed}:substances={substances}:reactions={reactions}"));
            if let Some(display) = &told.display {
                set(&format!("{governed}:told={display}"));
            }
            if known[substance].borne {
                set("borne");
            }
            if allergy {
                set(&format!("{side}:{governed}:allergy"));
            }
            if tokens.iter().any(|token| token.word == "respectively") {
                let same = order(tokens, at, true) == order(tokens, other, false);
                set(if same { "respectively:same" } else { "respectively:other" });
            }
            if section == "allergies" {
                set(&format!("{side}:listed"));
            } else if section.contains("medication") {
                set("medications");
            }
            set(&format!("{side}:first={first}"));
            found.push(Pair { substance, reaction, features: features.into_iter().collect() });
        }
    }
    // what an ungoverned substance did must be told in so many words: its features weigh apart
    for pair in &mut found {
        if !known[pair.substance].governed {
            let apart: Vec<String> = pair
                .features
                .iter()
                .filter(|name| {
                    [":kinds=", ":core=", ":none", ":before=", ":last=", ":inner="].iter().any(|part| name.contains(part))
                })
                .map(|name| format!("u:{name}"))
                .collect();
            pair.features.extend(apart);
        }
    }
    found
}

/// The sentences in which two tokens stand, and where they begin.
fn sentences(tokens: &[Token], (first, second): (usize, usize)) -> (usize, &[Token]) {
    let from = tokens[..first].iter().rposition(|token| token.word == ".").map_or(0, |at| at + 1);
    let to = tokens[second..].iter().position(|token| token.word == ".").map_or(tokens.len(), |at| second + at);
    (from, &tokens[from..to])
}

/// Which of the substances, or of the reactions, of its passage a token is.
fn order(tokens: &[Token], at: usize, substance: bool) -> usize {
    tokens[..at]
        .iter()
        .filter(|token| if substance { token.word == "S" } else { matches!(token.word.as_str(), "R" | "O") })
        .count()
}

/// "No bleeding, bruising or rash on warfarin": a denial stands before the reaction, or before those it is joined to, and not before the substance.
fn is_denied(tables: &AllergyTables, tokens: &[Token], (substance, reaction): (usize, usize)) -> bool {
    let floor = if substance < reaction { substance + 1 } else { 0 };
    let mut at = reaction;
    let mut words = 0;
    while at > floor && words < 4 {
        at -= 1;
        let token = &tokens[at];
        match token.word.as_str() {
            "R" | "O" | "V" | "," | "and" | "or" | "/" => {}
            _ if tables.reactions.kinds(&token.word).iter().any(|kind| kind == "deny") => return true,
            "(" | "[" | ")" | ";" | ":" | "-" | "." | "S" => return false,
            _ => words += 1,
        }
    }
    false
}

/// "Dihydroergotamine allowed some resolution of her headache": what a substance relieves it did not do.
fn is_relieved(tables: &AllergyTables, tokens: &[Token], (substance, reaction): (usize, usize)) -> bool {
    let between = tokens.get(substance + 1..reaction).unwrap_or_default();
    between.iter().any(|token| tables.reactions.kinds(&token.word).iter().any(|kind| kind == "relieve"))
}

/// Features of the substance at one token and the reaction at the other.
fn features(tables: &AllergyTables, tokens: &[Token], (substance, reaction): (usize, usize)) -> BTreeSet<String> {
    let mut features = BTreeSet::new();
    let after = substance < reaction;
    let side = if after { "a" } else { "b" };
    let (from, to) = (substance.min(reaction) + 1, substance.max(reaction));
    let mut set = |name: String| {
        features.insert(name);
    };
    set(format!("{side}:{}", tokens[reaction].word));
    let (core, joined) = bare(&tokens[from..to], after);
    if joined.0 {
        set(format!("{side}:joined_substance"));
    }
    if joined.1 {
        set(format!("{side}:joined_reaction"));
    }
    let words: Vec<&str> = core.iter().map(|token| token.word.as_str()).collect();
    set(format!("{side}:length={}", length(words.len())));
    if words.len() <= 4 {
        set(format!("{side}:core={}", words.join(" ")));
    }
    if let (Some(first), Some(last)) = (words.first(), words.last()) {
        set(format!("{side}:begin={first}"));
        set(format!("{side}:last={last}"));
    }
    for thing in ["S", "R", "O", "V"] {
        if words.contains(&thing) {
            set(format!("{side}:between={thing}"));
        }
    }
    let open = words.iter().filter(|word| matches!(**word, "(" | "[")).count();
    let closed = words.iter().filter(|word| matches!(**word, ")" | "]")).count();
    if closed > open {
        set(format!("{side}:closed"));
    } else if open > closed {
        set(format!("{side}:opened"));
    } else if open > 0 {
        set(format!("{side}:bracket_between"));
    }
    for word in words.iter().take(12) {
        set(format!("{side}:word={word}"));
    }
    let kinds_of = |words: &[&str]| -> BTreeSet<String> {
        words.iter().flat_map(|word| tables.reactions.kinds(word).iter().cloned()).collect()
    };
    let between = kinds_of(&words);
    let telling: Vec<&String> = between.iter().filter(|kind| !matches!(kind.as_str(), "and" | "mark")).collect();
    for kind in &between {
        set(format!("{side}:kind={kind}"));
    }
    for (at, kind) in telling.iter().enumerate() {
        for other in &telling[at + 1..] {
            set(format!("{side}:inner={kind}+{other}"));
        }
    }
    // what stands before the first of the two
    let before: Vec<&str> = clause(&tokens[..from - 1]).iter().rev().take(6).map(|token| token.word.as_str()).collect();
    let announced = kinds_of(&before);
    match before.first() {
        Some(word) => set(format!("{side}:before={word}")),
        None => set(format!("{side}:before=none")),
    }
    for word in before.iter().take(4) {
        set(format!("{side}:announced={word}"));
    }
    for kind in &announced {
        set(format!("{side}:announcing={kind}"));
        for other in &telling {
            set(format!("{side}:kinds={kind}+{other}"));
        }
    }
    if between.iter().all(|kind| matches!(kind.as_str(), "and" | "mark")) {
        set(format!("{side}:none"));
    }
    // what stands behind the second
    let behind: Vec<&str> = tokens[to + 1..].iter().take(3).map(|token| token.word.as_str()).collect();
    match behind.first() {
        Some(word) => set(format!("{side}:behind={word}")),
        None => set(format!("{side}:behind=end")),
    }
    if let [first, second, ..] = behind.as_slice() {
        set(format!("{side}:behind={first} {second}"));
    }
    set(format!("{side}:rival={}", rival(tokens, reaction, after)));
    set(format!("{side}:own={}", own(tokens, substance, after)));
    features
}

/// What stands between the reaction and the substance on its other side.
fn rival(tokens: &[Token], reaction: usize, after: bool) -> String {
    let other = if after {
        tokens.iter().enumerate().skip(reaction + 1).find(|(_, token)| token.word == "S").map(|(at, _)| (reaction + 1, at))
    } else {
        tokens.iter().enumerate().take(reaction).rev().find(|(_, token)| token.word == "S").map(|(at, _)| (at + 1, reaction))
    };
    let Some((from, to)) = other else { return "none".to_owned() };
    shape(&bare(&tokens[from..to], !after).0)
}

/// What stands between the substance and the reaction on its other side.
fn own(tokens: &[Token], substance: usize, after: bool) -> String {
    let is_reaction = |token: &Token| matches!(token.word.as_str(), "R" | "O");
    let other = if after {
        tokens.iter().enumerate().take(substance).rev().find(|(_, token)| is_reaction(token)).map(|(at, _)| (at + 1, substance))
    } else {
        tokens.iter().enumerate().skip(substance + 1).find(|(_, token)| is_reaction(token)).map(|(at, _)| (substance + 1, at))
    };
    let Some((from, to)) = other else { return "none".to_owned() };
    shape(&bare(&tokens[from..to], !after).0)
}

/// The words, where they are few.
fn shape(words: &[&Token]) -> String {
    if words.len() > 2 {
        return if words.iter().any(|token| token.thing != Thing::Word) { "beyond".to_owned() } else { "far".to_owned() };
    }
    let words: Vec<&str> = words.iter().map(|token| token.word.as_str()).collect();
    words.join(" ")
}

/// The tokens between two things without the substances and reactions that are only joined to either, and whether there were any.
fn bare(tokens: &[Token], substance_first: bool) -> (Vec<&Token>, (bool, bool)) {
    let like = |token: &Token, substance: bool| match token.word.as_str() {
        "S" => substance,
        "R" | "O" => !substance,
        "V" => !substance,
        _ => false,
    };
    let is_joining = |token: &Token| JOINING.contains(&token.word.as_str());
    // at the first thing's end of the gap
    let mut from = 0;
    let mut seen_first = false;
    let mut at = 0;
    while at < tokens.len() && (is_joining(&tokens[at]) || tokens[at].word == "raw" || tokens[at].word == "the") {
        at += 1;
        if at > 0 && at < tokens.len() && like(&tokens[at], substance_first) {
            at += 1;
            from = at;
            seen_first = true;
        }
    }
    let mut to = tokens.len();
    let mut seen_second = false;
    let mut at = tokens.len();
    while at > from && is_joining(&tokens[at - 1]) {
        at -= 1;
        if at > from && like(&tokens[at - 1], !substance_first) {
            at -= 1;
            to = at;
            seen_second = true;
        }
    }
    let core: Vec<&Token> = tokens[from..to].iter().filter(|token| token.word != "V").collect();
    let joined = if substance_first { (seen_first, seen_second) } else { (seen_second, seen_first) };
    (core, joined)
}

/// The tokens since the last semicolon or thing told.
fn clause(tokens: &[Token]) -> &[Token] {
    let from = tokens
        .iter()
        .rposition(|token| token.word == ";" || token.thing != Thing::Word)
        .map_or(0, |at| if tokens[at].word == ";" { at + 1 } else { at });
    &tokens[from..]
}

const fn length(count: usize) -> &'static str {
    match count {
        0 => "0",
        1 => "1",
        2 => "2",
        3..=5 => "3",
        6..=10 => "6",
        _ => "11",
    }
}

/// Gives words of severity to the owners of the reaction, or to the substance, that they stand at.
fn grade(passage: &Passage, owners: &[Vec<usize>], did: &mut [Did]) {
    let tokens = &passage.tokens;
    for (at, token) in tokens.iter().enumerate() {
        let Thing::Severity(number) = token.thing else { continue };
        let severity = &passage.severities[number];
        let told = (severity.span, severity.grade.clone(), severity.code.clone());
        for owner in graded(tokens, at, owners) {
            did[owner].severity.get_or_insert_with(|| told.clone());
        }
    }
}

/// Whose severity the token tells.
fn graded(tokens: &[Token], at: usize, owners: &[Vec<usize>]) -> Vec<usize> {
    let owners_of = |token: &Token| match token.thing {
        Thing::Reaction(number) => owners[number].clone(),
        Thing::Substance(number) => vec![number],
        _ => Vec::new(),
    };
    let is_mark = |token: &Token| {
        matches!(
            token.word.as_str(),
            "," | "(" | "[" | "-" | "–" | "—" | ":" | "/" | ";" | "->" | "=" | "|" | "--" | "." | "nl"
        )
    };
    let is_field =
        |token: &Token| matches!(token.word.as_str(), "severity" | "reaction" | "type" | "grade" | "was" | "is" | "and");
    // "mild itching", "moderate - hives", "severe allergy to penicillin", "severe ibuprofen allergy"
    let (mut allergy, mut record) = (false, false);
    // "Severity: mild. Allergen: pineapple. Reaction: ...": the records of the passage begin with the severity
    let reversed = tokens.iter().find(|token| token.thing != Thing::Word).is_some_and(|token| token.word == "V");
    for (steps, token) in tokens[at + 1..].iter().enumerate().take(7) {
        match token.thing {
            Thing::Reaction(_) if steps <= 3 => {
                let found = owners_of(token);
                if !found.is_empty() {
                    return found;
                }
                break;
            }
            Thing::Substance(number) => {
                let behind = tokens.get(at + steps + 2).map_or("", |token| token.word.as_str());
                if allergy
                    || record
                    || (steps <= 1
                        && ["allergy", "allergies", "reaction", "intolerance", "sensitivity", "hypersensitivity"]
                            .contains(&behind))
                {
                    return vec![number];
                }
                break;
            }
            Thing::Word if token.word == "." && steps == 0 && reversed => record = true,
            Thing::Word if matches!(token.word.as_str(), ")" | "]" | ";" | ".") => break,
            Thing::Word if record && !matches!(token.word.as_str(), "allergen" | "agent" | "substance" | "drug" | ":") => break,
            Thing::Word if steps == 0 && is_mark(token) && !matches!(token.word.as_str(), "-" | ":" | "–") => break,
            Thing::Word => allergy |= ["to", "from", "with"].contains(&token.word.as_str()),
            _ => {}
        }
    }
    // "hives, moderate", "penicillin (severe)", "severity: mild"
    let mut field = false;
    for token in tokens[..at].iter().rev().take(6) {
        field |= token.word == "severity" || token.word == "reaction";
        match token.thing {
            Thing::Reaction(_) | Thing::Substance(_) => return owners_of(token),
            Thing::Word if token.word == "." && !field => break,
            Thing::Word if is_mark(token) || is_field(token) => {}
            _ => break,
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(word: &str) -> Token {
        let thing = match word {
            "S" => Thing::Substance(0),
            "R" => Thing::Reaction(0),
            _ => Thing::Word,
        };
        Token { word: word.to_owned(), thing }
    }

    fn gap(words: &str) -> Vec<Token> {
        words.split(' ').filter(|word| !word.is_empty()).map(token).collect()
    }

    #[test]
    fn what_is_only_joined_is_no_gap() {
        let words = |text: &str| -> (String, (bool, bool)) {
            let tokens = gap(text);
            let (core, joined) = bare(&tokens, true);
            (core.iter().map(|token| token.word.clone()).collect::<Vec<_>>().join(" "), joined)
        };
        assert_eq!(words(", S and S cause"), ("cause".to_owned(), (true, false)));
        assert_eq!(words("( R and"), ("(".to_owned(), (false, true)));
        assert_eq!(words("- R , S -"), ("- R , S -".to_owned(), (false, false)));
        assert_eq!(words("causes"), ("causes".to_owned(), (false, false)));
    }

    #[test]
    fn weights_are_numbers() {
        assert!(LinkModel::parse("feature\tweight\na:core=(\tmuch\n").is_err());
        let model = LinkModel::parse("feature\tweight\na:core=(\t2.0\n").expect("a table");
        assert!(model.probability(&BTreeSet::from(["a:core=(".to_owned()])) > 0.8);
    }
}
