//! Whether a drafted query is compliant: everything that is wrong with it, each with a stable code.

use std::collections::HashSet;

use uuid::Uuid;

use super::{QueryRules, words::WordRule};
use crate::{
    domain::{MentionKind, OptionKind, QueryContent, QueryOption},
    recognize::dictionary,
    text::{Document, SectionTable},
    vocabulary::{CodeSet, TermRef, Vocabulary, normalize_term},
};

/// Longest parts of a query, in characters.
const TITLE: usize = 200;
const QUESTION: usize = 2_000;
const LABEL: usize = 300;
const QUOTE: usize = 2_000;

/// Most options and most quoted places.
const MANY: usize = 20;

/// A part of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The title.
    Title,
    /// The question.
    Question,
    /// The options.
    Options,
    /// The quoted words.
    Indicators,
}

impl Field {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Question => "question",
            Self::Options => "options",
            Self::Indicators => "indicators",
        }
    }
}

/// What is wrong with a drafted query. Its sentence quotes nothing of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// No title or no question.
    #[error("the query needs a {}", .0.as_str())]
    Empty(Field),
    /// Something is longer, or there is more of it, than is taken.
    #[error("the {} of the query are too long: 200 characters of title, 2000 of question, 20 options of 300, 20 quotations of 2000", .0.as_str())]
    TooLong(Field),
    /// Nothing of the record is quoted.
    #[error("the query must quote at least one clinical indicator: words of a note of this encounter")]
    NoIndicator,
    /// Quoted words do not stand in the note that they are said to stand in.
    #[error(
        "indicators[{0}] does not stand so in its note, or the note does not count in this encounter; quote the note's own words"
    )]
    NotInRecord(usize),
    /// No option for another answer.
    #[error("the options must hold one of the kind other, such as \"Other (please specify)\"")]
    NoOther,
    /// No option for what cannot be determined.
    #[error("the options must hold one of the kind undetermined, such as \"Unable to determine\"")]
    NoUndetermined,
    /// One choice alone leads to it.
    #[error("the options must hold at least two choices that the indicators support")]
    TooFewChoices,
    /// The same words twice, or none.
    #[error("every option needs words of its own")]
    RepeatedOption,
    /// Yes and no alone, where the diagnosis asked about may not be documented.
    #[error(
        "yes and no alone are allowed for cause and effect, present on admission and clinical validation only; offer the answers in words"
    )]
    YesOrNo,
    /// Words about payment.
    #[error("the {} of the query must say nothing of payment or of what a code weighs (DRG, CC, HCC, severity score, ...)", .0.as_str())]
    Payment(Field),
    /// Words about scores and reports.
    #[error("the {} of the query must say nothing of quality scores or reports", .0.as_str())]
    Quality(Field),
    /// Words that ask for one answer.
    #[error("the {} of the query must not ask for one answer; ask what the provider's clinical judgment is", .0.as_str())]
    Leading(Field),
    /// A diagnosis that the record does not say of the patient.
    #[error("the {} of the query must not name a diagnosis that the notes do not say of this patient", .0.as_str())]
    Undocumented(Field),
}

impl QueryProblem {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty(_) => "query_incomplete",
            Self::TooLong(_) => "query_too_long",
            Self::NoIndicator => "query_without_indicator",
            Self::NotInRecord(_) => "query_indicator_not_in_record",
            Self::NoOther => "query_without_other_option",
            Self::NoUndetermined => "query_without_undetermined_option",
            Self::TooFewChoices => "query_too_few_choices",
            Self::RepeatedOption => "query_repeated_option",
            Self::YesOrNo => "query_yes_or_no",
            Self::Payment(_) => "query_mentions_payment",
            Self::Quality(_) => "query_mentions_quality",
            Self::Leading(_) => "query_leading_words",
            Self::Undocumented(_) => "query_undocumented_diagnosis",
        }
    }
}

/// What the notes that count say.
#[derive(Default)]
pub struct NotedWords {
    /// Each note with its words, separated by single spaces.
    notes: Vec<(Uuid, String)>,
    /// The same as terms are compared, with a space at both ends.
    folded: Vec<String>,
    /// Codes of the diagnoses that they name.
    codes: HashSet<CodeSet>,
    /// Words and codes that they say of nobody, of somebody else, or of another time: negated, family, hypothetical.
    denied: HashSet<String>,
    denied_codes: HashSet<CodeSet>,
}

impl NotedWords {
    /// Takes in a note.
    pub fn add(&mut self, vocabulary: &Vocabulary, note: Uuid, text: &str) {
        self.codes.extend(named(vocabulary, text).into_iter().filter_map(|(_, codes)| codes));
        self.folded.push(format!(" {} ", normalize_term(text)));
        self.notes.push((note, spaced(text)));
    }

    /// Says that words of the notes speak of no diagnosis of the patient's, unless they stand elsewhere as one.
    pub fn deny(&mut self, vocabulary: &Vocabulary, words: &str) {
        self.denied_codes.extend(named(vocabulary, words).into_iter().filter_map(|(_, codes)| codes));
        self.denied.insert(normalize_term(words));
    }

    /// Says that words of the notes speak of a diagnosis of the patient's, wherever else they do not. Called after [`Self::deny`].
    pub fn affirm(&mut self, vocabulary: &Vocabulary, words: &str) {
        self.denied.remove(&normalize_term(words));
        for (term, codes) in named(vocabulary, words) {
            self.denied.remove(&term);
            codes.map(|codes| self.denied_codes.remove(&codes));
        }
    }

    fn says(&self, (note, words): (Uuid, &str)) -> bool {
        let words = spaced(words);
        !words.is_empty() && self.notes.iter().any(|(id, text)| *id == note && text.contains(&words))
    }

    fn documents(&self, term: &str, codes: Option<&CodeSet>) -> bool {
        if self.denied.contains(term) || codes.is_some_and(|codes| self.denied_codes.contains(codes)) {
            return false;
        }
        let said = format!(" {term} ");
        self.folded.iter().any(|text| text.contains(&said)) || codes.is_some_and(|codes| self.codes.contains(codes))
    }
}

impl QueryRules {
    /// What is wrong with a draft, held against what the notes say; empty = it is compliant, as far as rules can tell.
    #[must_use]
    pub fn problems(&self, vocabulary: &Vocabulary, noted: &NotedWords, content: &QueryContent) -> Vec<QueryProblem> {
        let mut problems = form(content);
        for (at, indicator) in content.indicators.iter().enumerate() {
            if !noted.says((indicator.note_id, &indicator.text)) {
                problems.push(QueryProblem::NotInRecord(at));
            }
        }
        let asked = [(Field::Title, content.title.as_str()), (Field::Question, content.question.as_str())];
        let options = content.options.iter().map(|option| (Field::Options, option.label.as_str()));
        for (field, text) in asked.into_iter().chain(options) {
            for rule in self.refused.broken_by(text) {
                let problem = match rule {
                    WordRule::Payment => QueryProblem::Payment(field),
                    WordRule::Quality => QueryProblem::Quality(field),
                    WordRule::Leading => QueryProblem::Leading(field),
                };
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        // an option may name what the indicators point to; a title or a question that does has answered itself
        for (field, text) in asked {
            if named(vocabulary, text).iter().any(|(term, codes)| !noted.documents(term, codes.as_ref())) {
                problems.push(QueryProblem::Undocumented(field));
            }
        }
        problems
    }
}

/// What is wrong with the form of a draft.
fn form(content: &QueryContent) -> Vec<QueryProblem> {
    let QueryContent { title, question, options, indicators, kind, .. } = content;
    let empty = |text: &str| text.trim().is_empty();
    let long = |text: &str, most: usize| text.chars().count() > most;
    let has = |kind: OptionKind| options.iter().any(|option| option.kind == kind);
    let choices = || options.iter().filter(|option| option.kind == OptionKind::Choice).map(|option| option.label.as_str());
    let found = [
        (empty(title), QueryProblem::Empty(Field::Title)),
        (empty(question), QueryProblem::Empty(Field::Question)),
        (long(title, TITLE), QueryProblem::TooLong(Field::Title)),
        (long(question, QUESTION), QueryProblem::TooLong(Field::Question)),
        (
            options.len() > MANY || options.iter().any(|option| long(&option.label, LABEL)),
            QueryProblem::TooLong(Field::Options),
        ),
        (
            indicators.len() > MANY || indicators.iter().any(|one| long(&one.text, QUOTE)),
            QueryProblem::TooLong(Field::Indicators),
        ),
        (indicators.is_empty(), QueryProblem::NoIndicator),
        (!has(OptionKind::Other), QueryProblem::NoOther),
        (!has(OptionKind::Undetermined), QueryProblem::NoUndetermined),
        (choices().count() < 2, QueryProblem::TooFewChoices),
        (has_repetition(options), QueryProblem::RepeatedOption),
        (!kind.allows_yes_or_no() && is_yes_or_no(choices()), QueryProblem::YesOrNo),
    ];
    found.into_iter().filter_map(|(wrong, problem)| wrong.then_some(problem)).collect()
}

fn has_repetition(options: &[QueryOption]) -> bool {
    let mut seen = HashSet::new();
    options.iter().any(|option| {
        let label = spaced(&option.label).to_lowercase();
        label.is_empty() || !seen.insert(label)
    })
}

/// Whether yes and no are all the choices, with or without words behind them.
pub(super) fn is_yes_or_no<'a>(choices: impl Iterator<Item = &'a str>) -> bool {
    let first = |label: &str| {
        let word = label.split(|letter: char| !letter.is_alphabetic()).find(|word| !word.is_empty());
        word.unwrap_or_default().to_lowercase()
    };
    let mut some = false;
    let all = choices.map(first).all(|word| {
        some = true;
        word == "yes" || word == "no"
    });
    some && all
}

/// The diagnoses that a text names: their normalised words, and their first codes.
fn named(vocabulary: &Vocabulary, text: &str) -> Vec<(String, Option<CodeSet>)> {
    let document = Document::new(text, &SectionTable::default());
    let found = dictionary::find(&document, vocabulary).mentions.into_iter();
    found
        .filter(|mention| mention.kind == MentionKind::Diagnosis)
        .map(|mention| {
            let codes = mention.meanings.iter().find_map(|meaning| match meaning {
                TermRef::Diagnosis(at) => vocabulary.diagnoses.get(*at as usize)?.codes.first().cloned(),
                TermRef::Medication(_) | TermRef::Class(_) | TermRef::Allergen(_) => None,
            });
            (normalize_term(mention.span.of(&document.text)), codes)
        })
        .collect()
}

/// Words with single spaces between.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
