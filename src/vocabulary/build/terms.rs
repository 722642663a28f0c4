//! `diagnosis_terms.tsv`: one row a folded term, of the embedded rows and of what the kept releases say.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    editions::Editions,
    forms,
    retired::Retired,
    rows::{Row, row},
};
use crate::{
    releases::Table,
    vocabulary::{CodeBook, normalize_term},
};

/// Names of diagnoses. `case_sensitive` is 1 where the case matters, which the term then keeps; `origin` is the release in `sources.tsv`
/// (`icd10cm-tabular@2026-10-01`), and empty for rows of the program.
pub(super) const DIAGNOSIS_TERMS: Table =
    Table { name: "diagnosis_terms.tsv", columns: &["term", "codes", "source", "rank", "case_sensitive", "origin"] };

/// Words that are no names, with the kinds for which they are stopped.
pub(super) const STOP_TERMS: Table = Table { name: "stop_terms.tsv", columns: &["term", "kind"] };

/// So many alternatives a term has at most.
pub(super) const MOST_CODES: usize = 5;

/// Where a term comes from. The place in `vocabularies/README.md` is its rank; 0 is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Title of a code.
    Title,
    /// Title of a category.
    Category,
    /// Inclusion term.
    Inclusion,
    /// Title or inclusion term, changed.
    Variant,
    /// Table of Neoplasms.
    Neoplasms,
    /// SNOMED CT through its map to ICD-10-CM.
    SnomedMap,
    /// UMLS, through a shared concept.
    Umls,
    /// FHIR code systems and value sets.
    Fhir,
}

impl Source {
    const fn word_and_rank(self) -> (&'static str, u8) {
        match self {
            Self::Title => ("icd10cm_title", 1),
            Self::Category => ("icd10cm_category", 2),
            Self::Inclusion => ("icd10cm_inclusion", 3),
            Self::Variant => ("icd10cm_variant", 4),
            Self::Neoplasms => ("neoplasm_table", 7),
            Self::SnomedMap => ("snomed_map", 9),
            Self::Umls => ("umls", 11),
            Self::Fhir => ("fhir", 12),
        }
    }
}

/// That a term means one of these codes, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The term, as it is written.
    pub term: String,
    /// Billable codes.
    pub codes: Vec<String>,
    /// Who says so.
    pub source: Source,
    /// Whether it means that only in this case.
    pub case_sensitive: bool,
}

/// A row that is being settled.
struct Settled {
    term: String,
    codes: Vec<String>,
    source: String,
    rank: u8,
    case_sensitive: bool,
    /// Name of the release; empty for the program.
    origin: String,
}

/// The settled rows, and what they come from.
pub(super) struct SettledTerms {
    /// The rows, by term.
    pub rows: Vec<Row>,
    /// Names of the releases that gave some.
    pub kept: BTreeSet<String>,
    /// Words of the sources of those that the program gave.
    pub of_program: BTreeSet<String>,
}

/// Collects claims and settles them: the lower rank wins, and of one rank what came first; codes that the same source says of a term
/// stand beside each other.
pub(super) struct TermTable {
    rows: Vec<Settled>,
    places: HashMap<String, Vec<usize>>,
    stopped: HashSet<String>,
    /// Embedded rows of which no code is left.
    pub dropped: usize,
    /// Embedded rows that lead to a replacement now.
    pub forwarded: usize,
}

impl TermTable {
    /// The embedded rows, their codes forwarded where no edition has them.
    pub(super) fn new(embedded: &[Row], stop_terms: &[Row], (editions, retired): (&Editions, &Retired)) -> Self {
        let stopped = stop_terms.iter().map(|row| normalize_term(&row[0])).collect();
        let mut table = Self { rows: Vec::new(), places: HashMap::new(), stopped, dropped: 0, forwarded: 0 };
        for row in embedded {
            let codes = forwarded(&row[1], (editions, retired));
            if codes.is_empty() {
                table.dropped += 1;
                continue;
            }
            table.forwarded += usize::from(codes.join("|") != row[1]);
            table.places.entry(normalize_term(&row[0])).or_default().push(table.rows.len());
            let (term, source, rank) = (row[0].clone(), row[2].clone(), row[3].parse().unwrap_or(u8::MAX));
            let case_sensitive = row[4] == "1";
            table.rows.push(Settled { term, codes, source, rank, case_sensitive, origin: String::new() });
        }
        table
    }

    /// Adds a claim of a release. Terms of one letter, without letters, of more than ten words, and stop terms are left out.
    pub(super) fn claim(&mut self, claim: Claim, origin: &str) {
        let folded = normalize_term(&claim.term);
        let is_term = folded.chars().filter(|letter| letter.is_alphanumeric()).count() > 1
            && folded.contains(char::is_alphabetic)
            && folded.split(' ').count() <= forms::MOST_WORDS;
        if !is_term || claim.codes.is_empty() || self.stopped.contains(&folded) {
            return;
        }
        let (word, rank) = claim.source.word_and_rank();
        let places = self.places.entry(folded).or_default();
        if let Some(there) = places.first().map(|place| &mut self.rows[*place]) {
            if !there.origin.is_empty() && there.source == word {
                let more = claim.codes.into_iter().filter(|code| !there.codes.contains(code)).collect::<Vec<_>>();
                there.codes.extend(more);
                there.codes.truncate(MOST_CODES);
                return;
            }
            if there.rank <= rank {
                return;
            }
        }
        // rows that lose are left without codes
        places.drain(..).for_each(|place| self.rows[place].codes.clear());
        places.push(self.rows.len());
        let mut codes = claim.codes;
        codes.truncate(MOST_CODES);
        let case_sensitive = claim.case_sensitive;
        let term = if case_sensitive { claim.term } else { claim.term.to_lowercase() };
        let (source, origin) = (word.to_owned(), origin.to_owned());
        self.rows.push(Settled { term, codes, source, rank, case_sensitive, origin });
    }

    /// The rows, by term, and what they come from.
    pub(super) fn settled(self) -> SettledTerms {
        let mut settled = SettledTerms { rows: Vec::new(), kept: BTreeSet::new(), of_program: BTreeSet::new() };
        for term in self.rows.into_iter().filter(|term| !term.codes.is_empty()) {
            let (codes, rank) = (term.codes.join("|"), term.rank.to_string());
            let case_sensitive = if term.case_sensitive { "1" } else { "" };
            settled.rows.push(row([&term.term, &codes, &term.source, &rank, case_sensitive, &term.origin]));
            if term.origin.is_empty() {
                settled.of_program.insert(term.source)
            } else {
                settled.kept.insert(term.origin)
            };
        }
        settled.rows.sort();
        settled
    }
}

/// Alternatives with their codes forwarded; those of which a code is left nowhere are gone.
fn forwarded(codes: &str, (editions, retired): (&Editions, &Retired)) -> Vec<String> {
    let replacing = |code: &str| -> Vec<String> {
        if editions.is_billable(code) { vec![code.to_owned()] } else { retired.replacing(code).to_vec() }
    };
    let mut alternatives: Vec<String> = Vec::new();
    for alternative in codes.split('|') {
        // codes that stand together: every one by its first replacement
        let found = match alternative.split_once('+') {
            None => replacing(alternative),
            Some(_) => {
                let together: Option<Vec<String>> =
                    alternative.split('+').map(|code| replacing(code).into_iter().next()).collect();
                together.map(|codes| codes.join("+")).into_iter().collect()
            }
        };
        for code in found {
            if !alternatives.contains(&code) && alternatives.len() < MOST_CODES {
                alternatives.push(code);
            }
        }
    }
    alternatives
}

/// Titles and inclusion terms of the codes that the embedded edition does not have, with the release that names them. Codes above the
/// leaves stand for their default leaf; later encounters name nothing of their own.
pub(super) fn of_new_codes(editions: &Editions) -> Vec<(Claim, String)> {
    let mut claims = Vec::new();
    for edition in editions.all() {
        let Some(origin) = &edition.kept else { continue };
        let mut take = |found: Vec<Claim>| claims.extend(found.into_iter().map(|claim| (claim, origin.clone())));
        let is_new = |code: &str| editions.embedded.lookup(code).is_none() && edition.book.lookup(code).is_some();
        let new = edition.book.all().iter().filter(|code| is_new(&code.code));
        for code in new.filter(|code| code.code.len() < 8 || code.code.ends_with('A')) {
            let own = if code.billable { Source::Title } else { Source::Category };
            take(named(&edition.book, &code.code, (&code.title, own)));
        }
        for note in edition.notes.iter().filter(|note| note[1] == "inclusion" && is_new(&note[0])) {
            take(named(&edition.book, &note[0], (&note[2], Source::Inclusion)));
        }
    }
    claims
}

fn named(book: &CodeBook, code: &str, (name, source): (&str, Source)) -> Vec<Claim> {
    let Some(leaf) = super::editions::leaf(book, code) else { return Vec::new() };
    if ![book.title(code), book.title(leaf)].iter().all(|title| forms::names_a_condition(leaf, title)) {
        return Vec::new();
    }
    let sources = std::iter::once(source).chain(std::iter::repeat(Source::Variant));
    forms::forms(name)
        .into_iter()
        .zip(sources)
        .map(|(term, source)| Claim { term, codes: vec![leaf.to_owned()], source, case_sensitive: false })
        .collect()
}

/// Folded stop terms, whatever they are stopped for.
pub(super) fn stopped(stop_terms: &[Row]) -> BTreeSet<String> {
    stop_terms.iter().map(|row| normalize_term(&row[0])).collect()
}
