//! Finding codes by words: titles, inclusion terms and every diagnosis term of the vocabulary, with abbreviations and spelling slips.
//!
//! A form is one way of naming a code. A query finds the forms that hold all its words, the last one perhaps unfinished; when there is
//! none, a word may be misspelt by one letter, and then one word may be missing. A form that says nothing but the query comes first,
//! then our everyday terms before official titles of like length, then shorter forms before longer ones.

use std::collections::HashMap;

use super::{Code, CodeBook, CodeNotes, DiagnosisTerm, TermKind, normalize_term};
use crate::text::one_slip;

/// Shortest beginning of a word that stands for the whole word.
const PREFIX: usize = 3;
/// Shortest word in which a slip is forgiven.
const FORGIVEN: usize = 5;
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

#[derive(Debug, Clone, Copy)]
struct Form {
    /// Index in the code table.
    code: u32,
    place: Place,
    /// How many words it has.
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

/// A code that was found, and the words that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeHit<'a> {
    /// The code.
    pub code: &'a Code,
    /// The title, inclusion term or term that holds the words asked for; the title for a code asked for by its number.
    pub matched: &'a str,
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
        let count = words.len();
        if count == 0 {
            return;
        }
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

    /// At most `limit` codes for a query: a code or its beginning ("E11", "e112"), or words. Best first.
    #[must_use]
    pub fn find<'a>(
        &self,
        (codes, notes, terms): (&'a CodeBook, &'a CodeNotes, &'a [DiagnosisTerm]),
        query: &str,
        limit: usize,
    ) -> Vec<CodeHit<'a>> {
        if let Some(prefix) = code_prefix(query) {
            let found: Vec<CodeHit<'a>> =
                codes.starting_with(&prefix).take(limit).map(|code| CodeHit { code, matched: code.title.as_str() }).collect();
            if !found.is_empty() {
                return found;
            }
        }
        let folded = normalize_term(query);
        let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(WORDS).collect();
        if words.len() > 1 {
            words.retain(|word| !SILENT.contains(word));
        }
        let asked = words.len();
        words.dedup();
        let mut forms = self.holding(&words, false);
        if forms.is_empty() && words.iter().any(|word| self.abbreviations.contains_key(*word)) {
            let written_out: Vec<&str> = words
                .iter()
                .flat_map(|word| match self.abbreviations.get(*word) {
                    Some(expansion) => expansion.iter().map(String::as_str).collect(),
                    None => vec![*word],
                })
                .filter(|word| !SILENT.contains(word))
                .collect();
            forms = self.holding(&written_out, false);
        }
        if forms.is_empty() {
            forms = self.holding(&words, true);
        }
        if forms.is_empty() && words.len() > 1 {
            for left_out in 0..words.len() {
                let rest: Vec<&str> =
                    words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, word)| *word).collect();
                forms.extend(self.holding(&rest, true));
            }
        }
        // one hit a code: its best form
        let mut best: HashMap<u32, (f32, Place)> = HashMap::new();
        for form in forms.into_iter().filter_map(|form| self.forms.get(form as usize)) {
            let score = form.worth + closeness(asked, usize::from(form.words));
            let entry = best.entry(form.code).or_insert((f32::MIN, form.place));
            if score > entry.0 {
                *entry = (score, form.place);
            }
        }
        let mut hits: Vec<(f32, u32, Place)> = best.into_iter().map(|(code, (score, place))| (score, code, place)).collect();
        hits.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
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
                Some(CodeHit { code, matched })
            })
            .collect()
    }

    /// The forms that hold all these words, the last one perhaps only begun; `forgive` takes words one letter away.
    fn holding(&self, words: &[&str], forgive: bool) -> Vec<u32> {
        let mut lists: Vec<Vec<u32>> = Vec::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            let last = place + 1 == words.len();
            let list = self.of_word(word, last, forgive);
            if list.is_empty() {
                return Vec::new();
            }
            lists.push(list);
        }
        lists.sort_unstable_by_key(Vec::len);
        let mut lists = lists.into_iter();
        let Some(mut forms) = lists.next() else { return Vec::new() };
        for list in lists {
            forms.retain(|form| list.binary_search(form).is_ok());
        }
        forms
    }

    fn of_word(&self, word: &str, last: bool, forgive: bool) -> Vec<u32> {
        let mut forms: Vec<u32> = self.postings.get(word).cloned().unwrap_or_default();
        let mut more = false;
        if last && word.len() >= PREFIX {
            let start = self.words.partition_point(|known| known.as_str() < word);
            for known in self.words[start..].iter().take_while(|known| known.starts_with(word)) {
                forms.extend(self.postings.get(known).into_iter().flatten());
                more = true;
            }
        }
        if forgive && forms.is_empty() && word.len() >= FORGIVEN {
            let first = &word[..word.chars().next().map_or(0, char::len_utf8)];
            let start = self.words.partition_point(|known| known.as_str() < first);
            for known in self.words[start..].iter().take_while(|known| known.starts_with(first)) {
                if known.len().abs_diff(word.len()) <= 1 && one_slip(known, word) {
                    forms.extend(self.postings.get(known).into_iter().flatten());
                    more = true;
                }
            }
        }
        if more {
            forms.sort_unstable();
            forms.dedup();
        }
        forms
    }
}

/// How much of the form the query says: 1 for all of it and 1 more when nothing else stands there.
fn closeness(asked: usize, words: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "small numbers of words")]
    let share = asked as f32 / words.max(asked).max(1) as f32;
    if asked >= words { 2.0 } else { share }
}

/// The beginning of a code with its dot, when the query is one: "e11", "E112", "S72.0".
fn code_prefix(query: &str) -> Option<String> {
    let bare: String = query.trim().chars().filter(|letter| *letter != '.').collect::<String>().to_uppercase();
    let mut letters = bare.chars();
    let is_code = letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.next().is_some_and(|second| second.is_ascii_digit())
        && letters.all(|letter| letter.is_ascii_alphanumeric())
        && (2..=7).contains(&bare.len());
    is_code.then(|| if bare.len() <= 3 { bare } else { format!("{}.{}", &bare[..3], &bare[3..]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_are_codes() {
        for (query, prefix) in [("E11", "E11"), ("e112", "E11.2"), (" S72.0 ", "S72.0"), ("a0", "A0")] {
            assert_eq!(code_prefix(query).as_deref(), Some(prefix));
        }
        for query in ["gout", "b12 deficiency", "E", "11"] {
            assert_eq!(code_prefix(query), None, "{query}");
        }
    }

    #[test]
    fn slips() {
        assert!(one_slip("pneumonia", "pnuemonia"));
        assert!(one_slip("diabetes", "diabtes"));
        assert!(!one_slip("gout", "goat milk"));
    }
}
