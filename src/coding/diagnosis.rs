//! Codes for a diagnosis.

use std::collections::HashSet;

use super::{
    Coder, Coding,
    index::{self, Path},
    laterality::{Side, side_of},
};
use crate::{
    domain::{Assertion, CodeCandidate, CodeRole, Prompt, Span, system},
    recognize::dictionary::sense_allowed,
    text::Document,
    vocabulary::{CodeSet, DiagnosisTerm, TermKind, TermRef, Vocabulary},
};

/// At most so many candidates are shown.
const SHOWN: usize = 6;
/// Below this score the coder abstains.
const ABSTAIN_BELOW: f32 = 0.22;

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

/// How a candidate was found, with the share of such candidates that were acceptable on the training notes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Exact,
    Fuller,
    Reordered,
    Expanded,
    Reduced,
    Overlapping(f32),
    Part,
    Overlap(f32),
    Index { explained: f32, near: usize },
    Alternative,
}

impl Way {
    fn score(self) -> f32 {
        match self {
            Self::Exact => 0.88,
            Self::Fuller => 0.72,
            Self::Reordered => 0.78,
            Self::Expanded => 0.76,
            Self::Reduced => 0.66,
            Self::Overlapping(share) => 0.70 * share,
            Self::Part => 0.36,
            Self::Overlap(overlap) => (overlap * 0.62).min(0.6),
            Self::Index { explained, near } => if near == 0 { 0.75 * explained } else { 0.6 * explained },
            Self::Alternative => 0.18,
        }
    }
}

/// A fuller mention in the same note that a bare word ("the tumor") may refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its folded words.
    pub words: Vec<String>,
    /// What it was coded as.
    pub coding: Coding,
}

struct Proposal {
    codes: CodeSet,
    score: f32,
    why: String,
}

impl Coder {
    /// Codes a diagnosis mention. `term` is the dictionary term that overlaps it, when its ends are others; `references` are
    /// the fuller mentions of the same note, already coded.
    #[must_use]
    pub fn diagnosis(
        &self,
        vocabulary: &Vocabulary,
        document: &Document,
        (span, term, assertion): (Span, Option<Span>, Assertion),
        references: &[Reference],
    ) -> Coding {
        let words: Vec<String> = document.words[document.words_in(span)]
            .iter()
            .map(|word| word.folded.clone())
            .filter(|word| word != "the")
            .collect();
        let surface = span.of(&document.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let mut proposals = self.proposals(vocabulary, document, span, &words);
        if let Some(term) = term.filter(|_| proposals.iter().all(|proposal| proposal.score < Way::Overlapping(1.0).score())) {
            let form = crate::vocabulary::normalize_term(term.of(&document.text));
            let part: Vec<&str> = form.split(' ').map(|word| vocabulary.forms.of(word)).collect();
            let phrase: Vec<&str> = words.iter().map(|word| vocabulary.forms.of(word)).collect();
            let share = self.overlap.share(&part, &phrase);
            for index in senses(vocabulary, document, term, &form) {
                propose(vocabulary, index, Way::Overlapping(share), &mut proposals);
            }
        }
        if let Some(reference) = fuller(&words, references) {
            // a bare head noun ("the tumor") means what the note says more fully; its own code names no site or type
            let nonspecific = proposals.first().and_then(|own| own.codes.first()).is_none_or(|code| {
                let title = vocabulary.codes.title(code).to_lowercase();
                title.contains("unspecified") || title.starts_with("other ")
            });
            let score = if words.len() == 1 && nonspecific { 1.1 } else { Way::Fuller.score() };
            for (index, code) in reference.coding.codes.iter().enumerate() {
                let mut codes = vec![code.code.clone()];
                codes.extend(code.with.iter().cloned());
                #[expect(clippy::cast_precision_loss, reason = "a handful of candidates")]
                let score = score * code.score / (1.0 + index as f32);
                let why = format!("this note says it more fully: {:?}", reference.coding.display);
                proposals.push(Proposal { codes, score, why });
            }
        }
        let side = side_of(document, span);
        let proposals = self.with_side(vocabulary, proposals, side);
        let proposals = by_assertion(vocabulary, proposals, assertion);
        self.finish(vocabulary, &surface, proposals)
    }

    fn proposals(&self, vocabulary: &Vocabulary, document: &Document, span: Span, words: &[String]) -> Vec<Proposal> {
        let mut out = Vec::new();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let whole = words.join(" ");
        let propose = |index: u32, way: Way, out: &mut Vec<Proposal>| propose(vocabulary, index, way, out);
        for index in senses(vocabulary, document, span, &whole) {
            propose(index, Way::Exact, &mut out);
        }
        if out.is_empty() {
            let forms: Vec<&str> = words.iter().map(|word| vocabulary.forms.of(word)).collect();
            if let Some(index) = self.overlap.reordered(&forms) {
                propose(index, Way::Reordered, &mut out);
            }
            let expanded = expand(vocabulary, document, span, &words);
            if expanded != whole {
                for index in senses(vocabulary, document, span, &expanded) {
                    propose(index, Way::Expanded, &mut out);
                }
                let parts: Vec<&str> = expanded.split(' ').map(|word| vocabulary.forms.of(word)).collect();
                if let Some(index) = self.overlap.reordered(&parts) {
                    propose(index, Way::Expanded, &mut out);
                }
            }
            let parts: Vec<&str> = expanded.split(' ').collect();
            let reduced: Vec<&str> = parts.iter().copied().filter(|word| !QUALIFIERS.contains(word)).collect();
            if out.is_empty() && !reduced.is_empty() && reduced.len() < parts.len() {
                for index in senses(vocabulary, document, span, &reduced.join(" ")) {
                    propose(index, Way::Reduced, &mut out);
                }
                let reduced: Vec<&str> = reduced.iter().map(|word| vocabulary.forms.of(word)).collect();
                if let Some(index) = self.overlap.reordered(&reduced) {
                    propose(index, Way::Reduced, &mut out);
                }
            }
            let forms: Vec<&str> = parts.iter().map(|word| vocabulary.forms.of(word)).collect();
            let near = near_forms(vocabulary, document, span);
            for path in index::paths((vocabulary, &self.overlap), &forms, &near, 4) {
                propose_path(path, &mut out);
            }
            for similar in self.overlap.similar(&forms, 8) {
                propose(similar.diagnosis, Way::Overlap(similar.overlap), &mut out);
            }
            if out.iter().all(|proposal| proposal.score < Way::Part.score()) {
                for index in longest_part(vocabulary, document, span, &parts) {
                    propose(index, Way::Part, &mut out);
                }
            }
        }
        out
    }

    fn with_side(&self, vocabulary: &Vocabulary, proposals: Vec<Proposal>, side: Option<Side>) -> Vec<Proposal> {
        let Some(side) = side else { return proposals };
        let mut out = Vec::with_capacity(proposals.len() * 2);
        for proposal in proposals {
            let sided: CodeSet = proposal
                .codes
                .iter()
                .map(|code| self.sides.sided(&vocabulary.codes, code, side).unwrap_or_else(|| code.clone()))
                .collect();
            if sided != proposal.codes {
                let why = format!("{}; side from the note", proposal.why);
                out.push(Proposal { codes: sided, score: proposal.score, why });
                out.push(Proposal { score: proposal.score * 0.5, ..proposal });
            } else {
                out.push(proposal);
            }
        }
        out
    }

    fn finish(&self, vocabulary: &Vocabulary, surface: &str, mut proposals: Vec<Proposal>) -> Coding {
        proposals.sort_by(|left, right| right.score.total_cmp(&left.score));
        let mut codes: Vec<CodeCandidate> = Vec::new();
        for proposal in proposals {
            let Some((first, with)) = proposal.codes.split_first() else { continue };
            if codes.len() >= SHOWN || codes.iter().any(|code| code.code == *first) {
                continue;
            }
            codes.push(CodeCandidate {
                rank: u32::try_from(codes.len() + 1).unwrap_or(u32::MAX),
                role: CodeRole::Code,
                system: system::ICD10CM.to_owned(),
                code: first.clone(),
                display: vocabulary.codes.title(first).to_owned(),
                score: proposal.score.clamp(0.0, 1.0),
                with: with.to_vec(),
                why: proposal.why,
            });
        }
        if codes.first().is_none_or(|code| code.score < ABSTAIN_BELOW) {
            codes.clear();
        }
        let mut prompts = Vec::new();
        match codes.first() {
            None => prompts
                .push(Prompt { kind: "code_not_determined".to_owned(), message: "documented, code not determined".to_owned() }),
            Some(code) if self.sides.leaves_side_open(&vocabulary.codes, &code.code) => {
                prompts.push(Prompt { kind: "laterality".to_owned(), message: "laterality not documented".to_owned() })
            }
            Some(_) => {}
        }
        let display = codes.first().map_or_else(|| surface.to_owned(), |code| code.display.clone());
        Coding { display, codes, prompts }
    }
}

/// Adds the codings of a term: the first with the way's score, the others behind it.
fn propose(vocabulary: &Vocabulary, index: u32, way: Way, out: &mut Vec<Proposal>) {
    let term = &vocabulary.diagnoses[index as usize];
    let why = |way: Way| match way {
        Way::Exact => format!("{} term {:?}", term.source, term.term),
        Way::Fuller => String::new(),
        Way::Reordered => format!("{} term {:?}, words in another order", term.source, term.term),
        Way::Expanded => format!("{} term {:?}, abbreviation written out", term.source, term.term),
        Way::Reduced => format!("{} term {:?}, without qualifiers", term.source, term.term),
        Way::Overlapping(share) => format!("{} term {:?}, overlaps the words ({share:.2})", term.source, term.term),
        Way::Part => format!("{} term {:?}, part of the words", term.source, term.term),
        Way::Overlap(overlap) => format!("{} term {:?}, shares words ({overlap:.2})", term.source, term.term),
        Way::Index { .. } => String::new(),
        Way::Alternative => format!("alternative of {:?}", term.term),
    };
    for (at, codes) in term.codes.iter().enumerate() {
        let (score, why) = if at == 0 {
            (way.score(), why(way))
        } else {
            #[expect(clippy::cast_precision_loss, reason = "a handful of alternatives")]
            let behind = Way::Alternative.score() * way.score() / at as f32;
            (behind, why(Way::Alternative))
        };
        out.push(Proposal { codes: codes.clone(), score, why });
    }
}

/// Forms of the words of the sentence that are not the mention's own: sites and causes stand there.
fn near_forms(vocabulary: &Vocabulary, document: &Document, span: Span) -> HashSet<String> {
    let own = document.words_in(span);
    let sentence = document.sentence_at(span).map_or(span, |sentence| sentence.span);
    document
        .words_in(sentence)
        .filter(|at| !own.contains(at))
        .map(|at| vocabulary.forms.of(&document.words[at].folded).to_owned())
        .collect()
}

/// Adds the code to which a path of the index leads.
fn propose_path(path: Path<'_>, out: &mut Vec<Proposal>) {
    let near = if path.near > 0 { format!(", {} of them near it", path.near) } else { String::new() };
    let why = format!("index {:?}, explains {:.2} of the words{near}", path.entry.path, path.explained);
    let score = Way::Index { explained: path.explained, near: path.near }.score();
    out.push(Proposal { codes: path.entry.codes.clone(), score, why });
}

/// Diagnosis terms of this form whose guards allow them here, preferred first.
fn senses(vocabulary: &Vocabulary, document: &Document, span: Span, form: &str) -> Vec<u32> {
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
fn expand(vocabulary: &Vocabulary, document: &Document, span: Span, words: &[&str]) -> String {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let expansion = senses(vocabulary, document, span, word)
            .into_iter()
            .map(|index| &vocabulary.diagnoses[index as usize])
            .find(|term| !term.expansion.is_empty())
            .map(|term| crate::vocabulary::normalize_term(&term.expansion));
        out.push(expansion.unwrap_or_else(|| {
            match *word {
                "fx" => "fracture",
                "lt" => "left",
                "rt" => "right",
                "dz" => "disease",
                "syndrom" => "syndrome",
                other => other,
            }
            .to_owned()
        }));
    }
    out.join(" ")
}

/// The longest run of the words that is a term; of equally long ones the last, which holds the head.
fn longest_part(vocabulary: &Vocabulary, document: &Document, span: Span, words: &[&str]) -> Vec<u32> {
    for length in (1..words.len()).rev() {
        for start in (0..=words.len() - length).rev() {
            let found = senses(vocabulary, document, span, &words[start..start + length].join(" "));
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}

/// The best coded of the fuller mentions that hold all the words of this one and more.
fn fuller<'a>(words: &[String], references: &'a [Reference]) -> Option<&'a Reference> {
    if words.is_empty() || words.len() > 2 {
        return None;
    }
    let last = words.last()?;
    references
        .iter()
        .filter(|reference| {
            reference.words.len() > words.len()
                && words.iter().all(|word| reference.words.contains(word))
                && reference.words.contains(last)
                && !reference.coding.codes.is_empty()
        })
        .max_by(|left, right| {
            let score = |reference: &Reference| reference.coding.codes.first().map_or(0.0, |code| code.score);
            score(left).total_cmp(&score(right))
        })
}

/// For a personal or family history the history code comes first, the disease's own code after it.
fn by_assertion(vocabulary: &Vocabulary, proposals: Vec<Proposal>, assertion: Assertion) -> Vec<Proposal> {
    if !matches!(assertion, Assertion::Historical | Assertion::Family) {
        return proposals;
    }
    let mut out = Vec::with_capacity(proposals.len() * 2);
    for proposal in proposals {
        let Some(disease) = proposal.codes.first() else { continue };
        let history = if assertion == Assertion::Family {
            vocabulary.history.family(disease)
        } else {
            vocabulary.history.personal(disease)
        };
        for (at, code) in history.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "one to three codes")]
            let score = 0.88 * proposal.score / (1.0 + 0.5 * at as f32);
            let why = format!(
                "{} history of {disease}; {}",
                if assertion == Assertion::Family { "family" } else { "personal" },
                proposal.why
            );
            out.push(Proposal { codes: vec![code.clone()], score, why });
        }
        let behind = if history.is_empty() { 1.0 } else { 0.6 };
        out.push(Proposal { score: proposal.score * behind, ..proposal });
    }
    out
}
