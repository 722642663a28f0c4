//! The ways in which codes are proposed for the words of a mention. Each proposal says which way; how much that is worth is [`ranking`](super::ranking)'s.

use std::collections::HashSet;

use super::{Coder, Near, index, overlap::OverlapIndex};
use crate::{
    domain::Span,
    recognize::dictionary::sense_allowed,
    text::Document,
    vocabulary::{CodeSet, DiagnosisTerm, TermKind, TermRef, Vocabulary},
};

/// Words that describe a condition without deciding its default code, dropped when the full phrase is unknown.
pub(super) const QUALIFIERS: [&str; 62] = [
    "mild",
    "moderate",
    "severe",
    "moderately",
    "severely",
    "mildly",
    "significant",
    "known",
    "new",
    "recent",
    "possible",
    "probable",
    "stable",
    "unstable",
    "controlled",
    "uncontrolled",
    "poorly",
    "well",
    "early",
    "late",
    "advanced",
    "end",
    "stage",
    "minimal",
    "marked",
    "extensive",
    "small",
    "large",
    "massive",
    "tiny",
    "slight",
    "underlying",
    "longstanding",
    "long",
    "standing",
    "ongoing",
    "persistent",
    "progressive",
    "worsening",
    "recurrent",
    "intermittent",
    "occasional",
    "symptomatic",
    "asymptomatic",
    "refractory",
    "intractable",
    "diffuse",
    "multiple",
    "bilateral",
    "left",
    "right",
    "sided",
    "lt",
    "rt",
    "status",
    "post",
    "acute",
    "chronic",
    "subacute",
    "associated",
    "apparent",
    "subtle",
];

/// How a code was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// The words are a term.
    Exact,
    /// The same words in another order.
    Reordered,
    /// The words with abbreviations written out, or with slips of one letter mended.
    Expanded,
    /// The words without qualifiers.
    Reduced,
    /// A term that overlaps the mention; the share of the mention that it holds.
    Overlapping(f32),
    /// The longest run of the words that is a term; the share of the mention that it holds.
    Part(f32),
    /// A term that shares words; weighted overlap.
    Shares(f32),
    /// A path of the index; the share of the phrase that it explains, and how many of its words stand near the phrase.
    Index {
        /// Share.
        explained: f32,
        /// Words near.
        near: usize,
    },
    /// A term of like meaning; the cosine.
    Similar(f32),
    /// What the note says more fully; the score there, and whether the mention is one bare word whose own code says nothing more.
    Fuller {
        /// Score of the code there.
        score: f32,
        /// One bare word.
        bare: bool,
    },
}

/// Where candidates come from, as measurements name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateSource {
    /// Terms as they are written, in any order, written out or without qualifiers.
    Terms,
    /// Parts of the words, and terms that overlap them.
    Parts,
    /// Terms that share words.
    SharedWords,
    /// The Alphabetic Index.
    Index,
    /// Terms of like meaning.
    Meaning,
    /// Fuller mentions of the same note.
    FullerMentions,
    /// The side that the note names.
    Side,
    /// What the rest of the note does.
    Conventions,
}

impl CandidateSource {
    /// All of them, with their words.
    pub const ALL: [(Self, &str); 8] = [
        (Self::Terms, "terms"),
        (Self::Parts, "parts"),
        (Self::SharedWords, "shared-words"),
        (Self::Index, "index"),
        (Self::Meaning, "meaning"),
        (Self::FullerMentions, "fuller-mentions"),
        (Self::Side, "side"),
        (Self::Conventions, "conventions"),
    ];
}

impl std::str::FromStr for CandidateSource {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(|(_, word)| word).join(", ");
        let found = Self::ALL.into_iter().find(|(_, name)| *name == word).map(|(source, _)| source);
        found.ok_or_else(|| format!("unknown source {word:?}; one of {}", known()))
    }
}

impl Way {
    /// Where it comes from.
    pub(super) const fn source(self) -> CandidateSource {
        match self {
            Self::Exact | Self::Reordered | Self::Expanded | Self::Reduced => CandidateSource::Terms,
            Self::Overlapping(_) | Self::Part(_) => CandidateSource::Parts,
            Self::Shares(_) => CandidateSource::SharedWords,
            Self::Index { .. } => CandidateSource::Index,
            Self::Similar(_) => CandidateSource::Meaning,
            Self::Fuller { .. } => CandidateSource::FullerMentions,
        }
    }
}

/// A code with the way it was found.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    /// What is proposed.
    pub codes: CodeSet,
    /// How.
    pub way: Way,
    /// Place among the codes of its term; 0 = first.
    pub alternative: usize,
    /// Source of the term, empty for other ways.
    pub source: String,
    /// The sentence shown.
    pub why: String,
}

/// A mention to be coded.
pub struct Phrase<'a> {
    /// The vocabulary.
    pub(super) vocabulary: &'a Vocabulary,
    /// The note.
    pub(super) document: &'a Document,
    /// Where it stands.
    pub(super) span: Span,
    /// Its folded words.
    pub(super) words: Vec<String>,
    /// Its folded words with abbreviations written out and slips of one letter mended.
    pub(super) expanded: Vec<String>,
    /// Their forms.
    pub(super) forms: Vec<String>,
    /// Forms of the other words of its sentence, and of its section's heading.
    pub(super) near: HashSet<String>,
}

impl<'a> Phrase<'a> {
    pub(super) fn new((vocabulary, overlap): (&'a Vocabulary, &OverlapIndex), document: &'a Document, span: Span) -> Self {
        let words: Vec<String> = document.words[document.words_in(span)]
            .iter()
            .map(|word| word.folded.clone())
            .filter(|word| word != "the")
            .collect();
        let expanded: Vec<String> = expand(vocabulary, document, span, &words)
            .into_iter()
            .map(|word| overlap.corrected(&word).map_or(word.clone(), str::to_owned))
            .collect();
        let forms = expanded.iter().map(|word| vocabulary.forms.of(word).to_owned()).collect();
        Self { vocabulary, document, span, words, expanded, forms, near: near_forms(vocabulary, document, span) }
    }

    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Forms of the words as they are written.
    pub(super) fn written_forms(&self) -> Vec<&str> {
        self.words.iter().map(|word| self.vocabulary.forms.of(word)).collect()
    }

    /// Whether the words as they stand are a term with a code; where they are none, terms of like meaning are worth looking for.
    #[must_use]
    pub fn is_term(&self) -> bool {
        !self.senses(self.span, &self.words.join(" ")).is_empty()
    }

    /// Diagnosis terms of a form that `at` may have, preferred first.
    fn senses(&self, at: Span, form: &str) -> Vec<u32> {
        senses((self.vocabulary, self.document), at, form)
    }
}

impl Coder {
    /// Everything that is proposed for the words; `similar` are the terms nearest in meaning, `term` the dictionary term that overlaps them.
    pub(super) fn proposals(&self, phrase: &Phrase<'_>, similar: &[Near], term: Option<Span>) -> Vec<Proposal> {
        let mut out = Vec::new();
        let vocabulary = phrase.vocabulary;
        for index in phrase.senses(phrase.span, &phrase.words.join(" ")) {
            propose(vocabulary, index, Way::Exact, &mut out);
        }
        let exact = !out.is_empty();
        let forms: Vec<&str> = phrase.forms.iter().map(String::as_str).collect();
        if !exact {
            self.nearly_exact(phrase, &mut out);
        }
        for path in index::paths((vocabulary, &self.overlap), &forms, &phrase.near, 6) {
            let near = if path.near > 0 { format!(", {} of them near it", path.near) } else { String::new() };
            let why = format!("index {:?}, explains {:.2} of the words{near}", path.entry.path, path.explained);
            let way = Way::Index { explained: path.explained, near: path.near };
            out.push(Proposal { codes: path.entry.codes.clone(), way, alternative: 0, source: String::new(), why });
        }
        if exact {
            return out;
        }
        for similar in self.overlap.similar(&forms, 10) {
            propose(vocabulary, similar.diagnosis, Way::Shares(similar.overlap), &mut out);
        }
        for near in similar {
            propose(vocabulary, near.diagnosis, Way::Similar(near.cosine), &mut out);
        }
        let written = phrase.written_forms();
        let (part, found, crossed) = best_part(phrase);
        if let Some(term) = term {
            let form = crate::vocabulary::normalize_term(term.of(&phrase.document.text));
            let words: Vec<&str> = form.split(' ').map(|word| vocabulary.forms.of(word)).collect();
            // "arthritis of both hands" is no part of what "rheumatoid arthritis of both hands" means
            let tail = crossed.iter().any(|tail| *tail == form);
            for index in phrase.senses(term, &form).into_iter().filter(|_| !tail) {
                propose(vocabulary, index, Way::Overlapping(self.overlap.share(&words, &written)), &mut out);
            }
        }
        let part: Vec<&str> = part.iter().map(|word| vocabulary.forms.of(word)).collect();
        for index in found {
            propose(vocabulary, index, Way::Part(self.overlap.share(&part, &forms)), &mut out);
        }
        out
    }

    /// The words in another order, written out, or without qualifiers.
    fn nearly_exact(&self, phrase: &Phrase<'_>, out: &mut Vec<Proposal>) {
        let vocabulary = phrase.vocabulary;
        if let Some(index) = self.overlap.reordered(&phrase.written_forms()) {
            propose(vocabulary, index, Way::Reordered, out);
        }
        let forms: Vec<&str> = phrase.forms.iter().map(String::as_str).collect();
        if phrase.expanded != phrase.words {
            for index in phrase.senses(phrase.span, &phrase.expanded.join(" ")) {
                propose(vocabulary, index, Way::Expanded, out);
            }
            if let Some(index) = self.overlap.reordered(&forms) {
                propose(vocabulary, index, Way::Expanded, out);
            }
        }
        // as few qualifiers as possible are left out: one of them, else all
        let kept = |dropped: &dyn Fn(usize) -> bool| -> Vec<&str> {
            let words = phrase.expanded.iter().map(String::as_str).enumerate();
            words.filter(|(at, word)| !(QUALIFIERS.contains(word) && dropped(*at))).map(|(_, word)| word).collect()
        };
        let before = out.len();
        for dropped in 0..phrase.expanded.len() {
            self.reduced(phrase, &kept(&|at| at == dropped), out);
        }
        if out.len() == before {
            self.reduced(phrase, &kept(&|_| true), out);
        }
    }

    /// Proposes what the words are a term of, when some are left out.
    fn reduced(&self, phrase: &Phrase<'_>, words: &[&str], out: &mut Vec<Proposal>) {
        if words.is_empty() || words.len() == phrase.expanded.len() {
            return;
        }
        for index in phrase.senses(phrase.span, &words.join(" ")) {
            propose(phrase.vocabulary, index, Way::Reduced, out);
        }
        let forms: Vec<&str> = words.iter().map(|word| phrase.vocabulary.forms.of(word)).collect();
        if let Some(index) = self.overlap.reordered(&forms) {
            propose(phrase.vocabulary, index, Way::Reduced, out);
        }
    }
}

/// Adds the codings of a term, its alternatives too.
fn propose(vocabulary: &Vocabulary, index: u32, way: Way, out: &mut Vec<Proposal>) {
    let term = &vocabulary.diagnoses[index as usize];
    let named = format!("{} term {:?}", term.source, term.term);
    let why = match way {
        Way::Exact | Way::Fuller { .. } | Way::Index { .. } => named,
        Way::Reordered => format!("{named}, words in another order"),
        Way::Expanded => format!("{named}, abbreviation written out or slip mended"),
        Way::Reduced => format!("{named}, without qualifiers"),
        Way::Overlapping(share) => format!("{named}, overlaps the words ({share:.2})"),
        Way::Part(share) => format!("{named}, part of the words ({share:.2})"),
        Way::Shares(overlap) => format!("{named}, shares words ({overlap:.2})"),
        Way::Similar(cosine) => format!("{named}, of like meaning ({cosine:.2})"),
    };
    for (alternative, codes) in term.codes.iter().enumerate() {
        let why = if alternative == 0 { why.clone() } else { format!("alternative of {:?}", term.term) };
        out.push(Proposal { codes: codes.clone(), way, alternative, source: term.source.clone(), why });
    }
}

/// Diagnosis terms of this form whose guards allow them here, preferred first.
fn senses((vocabulary, document): (&Vocabulary, &Document), span: Span, form: &str) -> Vec<u32> {
    // two small letters are an ordinary word ("hi"), no abbreviation
    let written = |word: &str| span.of(&document.text).split(|letter: char| !letter.is_alphanumeric()).any(|one| one == word);
    if form.chars().count() < 3 && !written(&form.to_uppercase()) {
        return Vec::new();
    }
    let all = || {
        vocabulary.terms.lookup(form).iter().filter_map(|meaning| match meaning {
            TermRef::Diagnosis(index) => Some(*index),
            _ => None,
        })
    };
    let usable = |term: &DiagnosisTerm| matches!(term.kind, TermKind::Diagnosis | TermKind::Finding) && !term.codes.is_empty();
    let allowed: Vec<u32> = all()
        .filter(|index| {
            let term = &vocabulary.diagnoses[*index as usize];
            usable(term) && sense_allowed(document, span, term)
        })
        .collect();
    if allowed.is_empty() {
        // the recogniser found a mention here, so a sense whose context is missing is better than none
        all().filter(|index| usable(&vocabulary.diagnoses[*index as usize])).take(1).collect()
    } else {
        allowed
    }
}

/// The words with abbreviations written out.
fn expand(vocabulary: &Vocabulary, document: &Document, span: Span, words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let expansion = senses((vocabulary, document), span, word)
            .into_iter()
            .map(|index| &vocabulary.diagnoses[index as usize])
            .find(|term| !term.expansion.is_empty())
            .map(|term| crate::vocabulary::normalize_term(&term.expansion));
        match expansion {
            Some(expansion) => out.extend(expansion.split(' ').map(str::to_owned)),
            None => out.push(
                match word.as_str() {
                    "fx" => "fracture",
                    "lt" => "left",
                    "rt" => "right",
                    "dz" => "disease",
                    "syndrom" => "syndrome",
                    other => other,
                }
                .to_owned(),
            ),
        }
    }
    out
}

/// So many words before a mention and after it are near it.
const NEAR: usize = 40;

/// Forms of the words of the sentence and of the section's heading that are not the mention's own: sites and causes stand there.
fn near_forms(vocabulary: &Vocabulary, document: &Document, span: Span) -> HashSet<String> {
    let own = document.words_in(span);
    let sentence = document.words_in(document.sentence_at(span).map_or(span, |sentence| sentence.span));
    let near = own.start.saturating_sub(NEAR).max(sentence.start)..(own.end + NEAR).min(sentence.end);
    // "LEFT KNEE: moderate effusion": the heading names the site
    let heading = document.section_at(span).and_then(|section| section.title);
    near.chain(heading.map(|title| document.words_in(title)).unwrap_or_default())
        .filter(|at| !own.contains(at))
        .map(|at| vocabulary.forms.of(&document.words[at].folded).to_owned())
        .collect()
}

/// The longest run of the words that is a term; of equally long ones the last, which holds the head. Where a term crosses into it from the words
/// before it ("rheumatoid arthritis" into "arthritis of both hands"), that one says what kind it is and is taken; the other is given last.
fn best_part<'a>(phrase: &'a Phrase<'_>) -> (&'a [String], Vec<u32>, Option<String>) {
    let words = &phrase.expanded;
    for length in (1..words.len()).rev() {
        for start in (0..=words.len() - length).rev() {
            let part = &words[start..start + length];
            let found = phrase.senses(phrase.span, &part.join(" "));
            if !found.is_empty() {
                let crossing = crossing(phrase, start).map(|(other, found)| (other, found, Some(part.join(" "))));
                return crossing.unwrap_or((part, found, None));
            }
        }
    }
    (&[], Vec::new(), None)
}

/// The longest term that holds the word at `start` and the one before it.
fn crossing<'a>(phrase: &'a Phrase<'_>, start: usize) -> Option<(&'a [String], Vec<u32>)> {
    let words = &phrase.expanded;
    let ends = (0..start).flat_map(|begin| (start + 1..words.len()).map(move |end| (begin, end)));
    let mut runs: Vec<(usize, usize)> = ends.collect();
    runs.sort_by_key(|(begin, end)| std::cmp::Reverse(end - begin));
    runs.into_iter().take(64).find_map(|(begin, end)| {
        let run = &words[begin..end];
        let found = phrase.senses(phrase.span, &run.join(" "));
        // "displaced fracture" says no more of the kind than "fracture of the distal radius"
        let nowhere = |index: &u32| phrase.vocabulary.diagnoses[*index as usize].codes[0][0].starts_with("T14");
        (!found.is_empty() && !found.iter().any(nowhere)).then_some((run, found))
    })
}
