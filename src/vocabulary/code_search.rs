//! Finding codes by words: titles, inclusion terms and every diagnosis term of the vocabulary, with abbreviations and spelling slips.
//!
//! A form is one way of naming a code. A query finds the forms that hold all its words, the last one perhaps unfinished; when there is
//! none, words may be misspelt, and then one word may be missing. A form that says nothing but the query comes first,
//! then our everyday terms before official titles of like length, then shorter forms before longer ones.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{
    Code, CodeBook, CodeNotes, DiagnosisTerm, Edition, Editions, TermKind, near_words::NearWords, normalize_term, tidy_code,
};

/// Shortest beginning of a word that stands for the whole word.
const PREFIX: usize = 3;
/// Words of a query that say nothing.
const SILENT: [&str; 11] = ["of", "the", "in", "and", "an", "to", "by", "for", "on", "at", "due"];
/// Most words of a query.
const WORDS: usize = 12;

/// Where a form stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Title,
    Note(u32),
    Term(u32),
}

/// How the words of a query are compared.
#[derive(Clone, Copy)]
enum Spelling<'s> {
    AsTyped,
    /// A word that nobody knows stands for those spelt nearest to it.
    Nearly(&'s NearWords<'s>),
}

/// Forms that hold what was asked for.
struct Found {
    forms: Vec<u32>,
    /// How many words were looked for.
    asked: usize,
    found_by: FoundBy,
}

#[derive(Debug, Clone, Copy)]
struct Form {
    /// Index in the code table.
    code: u32,
    place: Place,
    /// How many words it has that say something.
    words: u16,
    /// What its source is worth.
    worth: f32,
}

/// The index; build it once.
#[derive(Debug, Default)]
pub struct CodeSearch {
    forms: Vec<Form>,
    /// Word to the forms that hold it, ascending.
    postings: HashMap<String, Vec<u32>>,
    /// All words, sorted, for beginnings of words.
    words: Vec<String>,
    /// What abbreviations of one word stand for, as words.
    abbreviations: HashMap<String, Vec<String>>,
}

/// How a code was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoundBy {
    /// By its number, or the beginning of it.
    Code,
    /// It stands for a retired code that was asked for.
    Replacement,
    /// By all the words, abbreviations written out.
    Words,
    /// By words that are spelt nearly like those asked for.
    Spelling,
    /// By the meaning of the words.
    Meaning,
    /// By all words but one.
    PartOfWords,
}

impl FoundBy {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Replacement => "replacement",
            Self::Words => "words",
            Self::Spelling => "spelling",
            Self::Meaning => "meaning",
            Self::PartOfWords => "part_of_words",
        }
    }
}

/// A code that was found, and the words that found it.
#[derive(Debug, Clone, Copy)]
pub struct CodeHit<'a> {
    /// The code.
    pub code: &'a Code,
    /// The newest edition that has it.
    pub edition: &'a Edition,
    /// The title, inclusion term or term that holds the words asked for; the title for a code asked for by its number.
    pub matched: &'a str,
    /// How.
    pub found_by: FoundBy,
}

impl CodeSearch {
    /// Indexes titles, inclusion terms and diagnosis terms.
    #[must_use]
    pub fn new(codes: &CodeBook, notes: &CodeNotes, terms: &[DiagnosisTerm]) -> Self {
        let mut search = Self::default();
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        for (index, code) in codes.all().iter().enumerate() {
            search.add(&code.title, number(index), Place::Title, if code.billable { 0.30 } else { 0.25 });
        }
        for (index, note) in notes.all().iter().enumerate().filter(|(_, note)| note.kind.names_the_code()) {
            if let Some(code) = codes.position(&note.code) {
                search.add(&note.text, number(code), Place::Note(number(index)), 0.28);
            }
        }
        for (index, term) in terms.iter().enumerate() {
            if matches!(term.kind, TermKind::NotDiagnosis | TermKind::Stop) {
                continue;
            }
            let own = matches!(term.source.as_str(), "everyday" | "abbreviation");
            for (rank, code) in term.codes.iter().filter_map(|set| set.first()).enumerate() {
                let Some(code) = codes.position(code) else { continue };
                // the first code of a term is the default, the others are choices
                let worth = if own { 0.34 } else { 0.26 } - if rank == 0 { 0.0 } else { 0.22 };
                search.add(&term.term, number(code), Place::Term(number(index)), worth);
                if !term.expansion.is_empty() {
                    search.add(&term.expansion, number(code), Place::Term(number(index)), worth);
                }
            }
        }
        for term in terms.iter().filter(|term| !term.expansion.is_empty()) {
            let short = normalize_term(&term.term);
            if !short.contains(' ') {
                let expansion = normalize_term(&term.expansion).split(' ').map(str::to_owned).collect();
                search.abbreviations.entry(short).or_insert(expansion);
            }
        }
        search.words = search.postings.keys().cloned().collect();
        search.words.sort_unstable();
        search
    }

    fn add(&mut self, text: &str, code: u32, place: Place, worth: f32) {
        let folded = normalize_term(text);
        let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return;
        }
        // "blood clot in leg" says as much as "blood clot leg"
        let count = words.iter().filter(|word| !SILENT.contains(word)).count().max(1);
        words.sort_unstable();
        words.dedup();
        let form = u32::try_from(self.forms.len()).unwrap_or(u32::MAX);
        self.forms.push(Form { code, place, words: u16::try_from(count).unwrap_or(u16::MAX), worth });
        for word in words {
            match self.postings.get_mut(word) {
                Some(forms) => forms.push(form),
                None => drop(self.postings.insert(word.to_owned(), vec![form])),
            }
        }
    }

    /// At most `limit` codes for a query: a code or its beginning ("E11", "e112"), or words. Best first; all are found in one way.
    #[must_use]
    pub fn find<'a>(
        &self,
        (editions, terms): (&'a Editions, &'a [DiagnosisTerm]),
        query: &str,
        limit: usize,
    ) -> Vec<CodeHit<'a>> {
        if let Some(prefix) = tidy_code(query) {
            let found = numbered(editions, &prefix, limit);
            if !found.is_empty() {
                return found;
            }
        }
        let folded = normalize_term(query);
        let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(WORDS).collect();
        if words.len() > 1 {
            words.retain(|word| !SILENT.contains(word));
        }
        words.dedup();
        let found = self.forms_of(&words);
        self.best(found, (editions, terms), limit)
    }

    /// The forms that hold the words, and how they were found.
    fn forms_of(&self, words: &[&str]) -> Found {
        let found = |forms: Vec<u32>, asked: usize, found_by: FoundBy| Found { forms, asked, found_by };
        let forms = self.holding(words, Spelling::AsTyped);
        if !forms.is_empty() {
            return found(forms, words.len(), FoundBy::Words);
        }
        if words.iter().any(|word| self.abbreviations.contains_key(*word)) {
            let written_out: Vec<&str> = words
                .iter()
                .flat_map(|word| match self.abbreviations.get(*word) {
                    Some(expansion) => expansion.iter().map(String::as_str).collect(),
                    None => vec![*word],
                })
                .filter(|word| !SILENT.contains(word))
                .collect();
            let forms = self.holding(&written_out, Spelling::AsTyped);
            if !forms.is_empty() {
                return found(forms, written_out.len(), FoundBy::Words);
            }
        }
        // what is tried below asks for the same words again and again
        let near = NearWords::new(&self.words);
        let nearly = Spelling::Nearly(&near);
        let forms = self.holding(words, nearly);
        if !forms.is_empty() {
            return found(forms, words.len(), FoundBy::Spelling);
        }
        for other in self.divided_otherwise(words) {
            let other: Vec<&str> = other.iter().map(String::as_str).collect();
            let forms = self.holding(&other, nearly);
            if !forms.is_empty() {
                return found(forms, other.len(), FoundBy::Spelling);
            }
        }
        let mut forms = Vec::new();
        if words.len() > 1 {
            for left_out in 0..words.len() {
                let rest: Vec<&str> =
                    words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, word)| *word).collect();
                match rest.as_slice() {
                    // what is left of two words is no beginning of another one
                    [word] => forms.extend(self.postings.get(*word).into_iter().flatten()),
                    rest => forms.extend(self.holding(rest, nearly)),
                }
            }
        }
        found(forms, words.len(), FoundBy::PartOfWords)
    }

    /// The words with two neighbours written as one ("collar bone"), or with one that nobody knows written as two ("heartattack").
    fn divided_otherwise(&self, words: &[&str]) -> Vec<Vec<String>> {
        let with = |from: usize, to: usize, between: &[&str]| -> Vec<String> {
            [&words[..from], between, &words[to..]].concat().into_iter().map(str::to_owned).collect()
        };
        let mut all = Vec::new();
        for at in 1..words.len() {
            let joined = format!("{}{}", words[at - 1], words[at]);
            all.push(with(at - 1, at + 1, &[&joined]));
        }
        for (at, word) in words.iter().enumerate().filter(|(_, word)| !self.postings.contains_key(**word)) {
            for (cut, _) in word.char_indices().filter(|(cut, _)| *cut >= PREFIX && word.len() - cut >= PREFIX) {
                let (first, second) = word.split_at(cut);
                if self.postings.contains_key(first) && self.postings.contains_key(second) {
                    all.push(with(at, at + 1, &[first, second]));
                }
            }
        }
        all
    }

    /// One hit a code, by its best form.
    fn best<'a>(
        &self,
        Found { forms, asked, found_by }: Found,
        (editions, terms): (&'a Editions, &'a [DiagnosisTerm]),
        limit: usize,
    ) -> Vec<CodeHit<'a>> {
        let edition = editions.newest();
        let (codes, notes) = (&edition.codes, &edition.notes);
        let mut hits: Vec<(f32, u32, Place)> = Vec::new();
        // where a code stands among the hits, from 1
        let mut places: Vec<u32> = vec![0; codes.all().len()];
        for form in forms.into_iter().filter_map(|form| self.forms.get(form as usize)) {
            let score = form.worth + closeness(asked, usize::from(form.words));
            let Some(place) = places.get_mut(form.code as usize) else { continue };
            match (*place as usize).checked_sub(1).and_then(|place| hits.get_mut(place)) {
                Some(hit) if score > hit.0 => *hit = (score, form.code, form.place),
                Some(_) => {}
                None => {
                    hits.push((score, form.code, form.place));
                    *place = u32::try_from(hits.len()).unwrap_or(0);
                }
            }
        }
        let order = |one: &(f32, u32, Place), other: &(f32, u32, Place)| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1));
        if hits.len() > limit {
            hits.select_nth_unstable_by(limit, order);
            hits.truncate(limit);
        }
        hits.sort_unstable_by(order);
        hits.into_iter()
            .take(limit)
            .filter_map(|(_, code, place)| {
                let code = codes.all().get(code as usize)?;
                let matched = match place {
                    Place::Title => code.title.as_str(),
                    Place::Note(note) => notes.all().get(note as usize)?.text.as_str(),
                    Place::Term(term) => terms
                        .get(term as usize)
                        .map(|term| if term.expansion.is_empty() { term.term.as_str() } else { term.expansion.as_str() })?,
                };
                Some(CodeHit { code, edition, matched, found_by })
            })
            .collect()
    }

    /// The forms that hold all these words, the last one perhaps only begun.
    fn holding(&self, words: &[&str], spelling: Spelling<'_>) -> Vec<u32> {
        let mut lists: Vec<Cow<'_, [u32]>> = Vec::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            let last = place + 1 == words.len();
            let list = self.of_word(word, last, spelling);
            if list.is_empty() {
                return Vec::new();
            }
            lists.push(list);
        }
        lists.sort_unstable_by_key(|list| list.len());
        let mut lists = lists.into_iter();
        let Some(shortest) = lists.next() else { return Vec::new() };
        let mut forms = shortest.into_owned();
        for list in lists {
            forms.retain(|form| list.binary_search(form).is_ok());
        }
        forms
    }

    fn of_word(&self, word: &str, last: bool, spelling: Spelling<'_>) -> Cow<'_, [u32]> {
        let whole = self.postings.get(word);
        let begun: &[String] = if last && word.len() >= PREFIX {
            let start = self.words.partition_point(|known| known.as_str() < word);
            let count = self.words[start..].iter().take_while(|known| known.starts_with(word)).count();
            &self.words[start..start + count]
        } else {
            &[]
        };
        let mut all: Vec<&Vec<u32>> = match (whole, begun) {
            (Some(whole), [] | [_]) => return Cow::Borrowed(whole),
            _ => begun.iter().filter_map(|known| self.postings.get(known)).collect(),
        };
        if let (true, Spelling::Nearly(near)) = (all.is_empty(), spelling) {
            all = near.to(word).iter().filter_map(|known| self.postings.get(*known)).collect();
        }
        let mut forms: Vec<u32> = all.into_iter().flatten().copied().collect();
        forms.sort_unstable();
        forms.dedup();
        Cow::Owned(forms)
    }
}

/// The codes that begin with `prefix`: those of the newest edition, then those that only older ones have, or nobody; for each of these what
/// stands for it now.
fn numbered<'a>(editions: &'a Editions, prefix: &str, limit: usize) -> Vec<CodeHit<'a>> {
    let hit =
        |edition: &'a Edition, code: &'a Code, found_by| CodeHit { code, edition, matched: code.title.as_str(), found_by };
    let newest = editions.newest();
    let older = editions.all().skip(1).flat_map(|edition| edition.codes.starting_with(prefix).map(move |code| (edition, code)));
    let mut past: Vec<(&str, Option<(&'a Edition, &'a Code)>)> = Vec::new();
    for (edition, code) in older.filter(|(_, code)| newest.codes.lookup(&code.code).is_none()) {
        if !past.iter().any(|(known, _)| *known == code.code) {
            past.push((&code.code, Some((edition, code))));
        }
    }
    for code in editions.retired_starting_with(prefix) {
        if editions.lookup(code).is_none() {
            past.push((code, None));
        }
    }
    let current: Vec<CodeHit<'a>> =
        newest.codes.starting_with(prefix).take(limit).map(|code| hit(newest, code, FoundBy::Code)).collect();
    // the very code that was typed goes before those that begin with it
    past.sort_by_key(|(code, _)| *code != prefix);
    let typed_is_past = past.first().is_some_and(|(code, _)| *code == prefix);
    let past = past.into_iter().take(limit).flat_map(|(code, there)| {
        let itself = there.map(|(edition, code)| hit(edition, code, FoundBy::Code));
        itself
            .into_iter()
            .chain(editions.successors(code, newest).into_iter().map(|code| hit(newest, code, FoundBy::Replacement)))
    });
    let mut hits: Vec<CodeHit<'a>> =
        if typed_is_past { past.chain(current).collect() } else { current.into_iter().chain(past).collect() };
    let mut seen = HashSet::new();
    hits.retain(|hit| seen.insert(hit.code.code.as_str()));
    hits.truncate(limit);
    hits
}

/// How much of the form the query says: 1 for all of it and 1 more when nothing else stands there.
fn closeness(asked: usize, words: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "small numbers of words")]
    let share = asked as f32 / words.max(asked).max(1) as f32;
    if asked >= words { 2.0 } else { share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::editions::tests::two;

    #[test]
    fn retired_codes_are_found_with_what_stands_for_them() {
        let editions = two();
        let search = CodeSearch::new(&editions.newest().codes, &editions.newest().notes, &[]);
        let found = |query: &str| -> Vec<(String, &str, FoundBy)> {
            let hits = search.find((&editions, &[]), query, 10);
            hits.iter().map(|hit| (hit.code.code.clone(), hit.edition.name.as_str(), hit.found_by)).collect()
        };
        let new = |code: &str, found_by| (code.to_owned(), "FY2027", found_by);
        let old = |code: &str| (code.to_owned(), "FY2026", FoundBy::Code);
        let replacements = [new("K38.0", FoundBy::Replacement), new("K38.1", FoundBy::Replacement)];
        assert_eq!(found("k372"), [&[old("K37.2")][..], &replacements].concat());
        assert_eq!(found("K37.1"), replacements, "of an edition that is not loaded");
        assert_eq!(found("K39.9"), [old("K39.9")]);
        assert_eq!(found("K38"), ["K38", "K38.0", "K38.1"].map(|code| new(code, FoundBy::Code)));
        assert_eq!(found("K37").first(), Some(&old("K37")), "the code that was typed goes first");
    }
}
