//! Codes for a diagnosis.

use std::collections::BTreeMap;

use super::{
    Coder, Coding, Near,
    laterality::{Side, side_of, side_word},
    proposals::{CandidateSource, Phrase, Proposal, Way},
    ranking::{Candidate, NoteSays, RankingModel},
};
use crate::{
    domain::{Assertion, CodeCandidate, CodeRole, Prompt, ScoredBy, Span, system},
    text::Document,
    vocabulary::{CodeBook, CodeSet, Vocabulary},
};

/// At most so many candidates are shown.
const SHOWN: usize = 6;
/// Below this score the coder abstains: of first codes so unsure, one in seven is right (`gold/train`).
const ABSTAIN_BELOW: f32 = 0.15;

/// A fuller mention in the same note that a bare word ("the tumor") may refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its folded words.
    pub words: Vec<String>,
    /// What it was coded as.
    pub coding: Coding,
}

/// What is known of a mention beside its words.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The dictionary term that overlaps it, when its ends are others.
    pub term: Option<Span>,
    /// What the note as a whole says.
    pub note: NoteSays,
    /// What the note says of it.
    pub assertion: Assertion,
    /// The fuller mentions of the same note, already coded.
    pub references: &'a [Reference],
    /// The terms nearest in meaning; none where there are no vectors of terms.
    pub similar: Option<&'a [Near]>,
}

/// How candidates are scored and shown.
#[derive(Clone)]
pub struct Ranking {
    /// The weights.
    pub model: RankingModel,
    /// Whether every candidate is shown with its features, for fitting and for the curious.
    pub explain: bool,
    /// Sources that take no part, for measuring what each adds.
    pub without: Vec<CandidateSource>,
}

impl Coder {
    /// The words of a mention, read for coding.
    #[must_use]
    pub fn phrase<'a>(&self, vocabulary: &'a Vocabulary, document: &'a Document, span: Span) -> Phrase<'a> {
        Phrase::new((vocabulary, &self.overlap), document, span)
    }

    /// Codes a diagnosis mention.
    #[must_use]
    pub fn diagnosis(&self, ranking: &Ranking, phrase: &Phrase<'_>, known: Known<'_>) -> Coding {
        let (vocabulary, document, span) = (phrase.vocabulary, phrase.document, phrase.span);
        let mut proposals = self.proposals(phrase, known.similar.unwrap_or_default(), known.term);
        if let Some(reference) = fuller(&phrase.words, known.references) {
            // a bare head noun ("the tumor") means what the note says more fully; its own code names no site or type
            let nonspecific = proposals.first().and_then(|own| own.codes.first()).is_none_or(|code| {
                let title = vocabulary.title(code).to_lowercase();
                title.contains("unspecified") || title.starts_with("other ")
            });
            let bare = phrase.words.len() == 1 && nonspecific;
            for (alternative, code) in reference.coding.codes.iter().enumerate() {
                let mut codes = vec![code.code.clone()];
                codes.extend(code.with.iter().cloned());
                let why = format!("this note says it more fully: {:?}", reference.coding.display);
                let way = Way::Fuller { score: code.score, bare };
                proposals.push(Proposal { codes, way, alternative, source: String::new(), why });
            }
        }
        proposals.retain(|proposal| !ranking.without.contains(&proposal.way.source()));
        // an abbreviation may hold the side: "LOM" is otitis of the left
        let abbreviated = || phrase.expanded.iter().find_map(|word| side_word(word));
        let side = side_of(document, span).or_else(abbreviated).filter(|_| !ranking.without.contains(&CandidateSource::Side));
        let proposals = self.with_side(vocabulary, self.with_sex(vocabulary, proposals, known.note), side);
        let candidates =
            ranking.model.ranked(phrase, (&self.overlap, &self.sides), (known.note, side, known.similar.is_some()), proposals);
        let candidates = by_assertion(vocabulary, candidates, known.assertion);
        shown(vocabulary, candidates, ranking.explain)
    }

    /// Beside every proposal whose title is for the other sex than the note speaks of the one for that sex.
    fn with_sex(&self, vocabulary: &Vocabulary, proposals: Vec<Proposal>, note: NoteSays) -> Vec<Proposal> {
        let Some(words) = note.other_sex() else { return proposals };
        let mut out = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            let put = |code: &String| self.sides.retitled(vocabulary.codes(), code, words).unwrap_or_else(|| code.clone());
            let codes: CodeSet = proposal.codes.iter().map(put).collect();
            if codes != proposal.codes {
                out.push(Proposal { codes, why: format!("sex from the note; {}", proposal.why), ..proposal.clone() });
            }
            out.push(proposal);
        }
        out
    }

    /// Beside every proposal that leaves a side open the one for the side that the note names; where it names none, the code for the unspecified
    /// side in the place of one that names a side.
    fn with_side(&self, vocabulary: &Vocabulary, proposals: Vec<Proposal>, side: Option<Side>) -> Vec<Proposal> {
        let mut out = Vec::with_capacity(proposals.len() * 2);
        for proposal in proposals {
            let put = |code: &String| match side {
                Some(side) => self.sides.on_side(vocabulary.codes(), code, side),
                None => vec![self.sides.unsided(vocabulary.codes(), code).unwrap_or_else(|| code.clone())],
            };
            let codes: CodeSet = proposal.codes.iter().flat_map(put).collect();
            // a site's own term may mean one side
            if codes == proposal.codes || (side.is_none() && proposal.source == "site") {
                out.push(proposal);
                continue;
            }
            let told = if side.is_some() { "side from the note" } else { "no side in the note" };
            out.push(Proposal { codes, why: format!("{told}; {}", proposal.why), ..proposal.clone() });
            out.extend(side.map(|_| proposal));
        }
        out
    }

    /// What the coder is asked once the code stands, in the edition that holds: which code, where there is none (the words of the mention are
    /// shown then), and which side, where the code leaves it open.
    pub fn ask(&self, codes: &CodeBook, surface: &str, is_drafted: bool, coding: &mut Coding) {
        match coding.codes.first() {
            None => {
                coding.display = surface.split_whitespace().collect::<Vec<_>>().join(" ");
                let message = "documented, code not determined".to_owned();
                coding.prompts.push(Prompt { kind: "code_not_determined".to_owned(), message });
            }
            Some(first) if is_drafted && self.sides.leaves_side_open(codes, &first.code) => {
                let message = "laterality not documented".to_owned();
                coding.prompts.push(Prompt { kind: "laterality".to_owned(), message });
            }
            Some(_) => {}
        }
    }

    /// The codes for right, left and both sides of one that leaves the side open; empty where it does not.
    #[must_use]
    pub fn sided_choices(&self, codes: &CodeBook, code: &str) -> Vec<String> {
        if !self.sides.leaves_side_open(codes, code) {
            return Vec::new();
        }
        let siblings = self.sides.siblings(codes, code).into_iter().flat_map(|(right, left)| [right, left]);
        let both = self.sides.sided(codes, code, Side::Bilateral);
        let mut choices: Vec<String> = Vec::new();
        for choice in siblings.chain(both) {
            if choice != code && !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        choices
    }
}

/// The candidates as they are shown, none when the first is too unsure.
fn shown(vocabulary: &Vocabulary, candidates: Vec<Candidate>, explain: bool) -> Coding {
    let most = if explain { usize::MAX } else { SHOWN };
    let mut codes: Vec<CodeCandidate> = Vec::new();
    for candidate in candidates.into_iter().take(most) {
        let Some((first, with)) = candidate.codes.split_first() else { continue };
        codes.push(CodeCandidate {
            rank: u32::try_from(codes.len() + 1).unwrap_or(u32::MAX),
            role: CodeRole::Code,
            system: system::ICD10CM.to_owned(),
            code: first.clone(),
            display: vocabulary.title(first).to_owned(),
            score: candidate.score.clamp(0.0, 1.0),
            with: with.to_vec(),
            why: candidate.why,
            features: if explain { candidate.features } else { BTreeMap::new() },
            scored_by: ScoredBy::Engine,
        });
    }
    if !explain && codes.first().is_none_or(|code| code.score < ABSTAIN_BELOW) {
        codes.clear();
    }
    let display = codes.first().map(|code| code.display.clone()).unwrap_or_default();
    Coding { display, codes, prompts: Vec::new() }
}

/// The best coded of the fuller mentions that hold all the words of this one and more.
fn fuller<'a>(words: &[String], references: &'a [Reference]) -> Option<&'a Reference> {
    if words.is_empty() || words.len() > 2 {
        return None;
    }
    references
        .iter()
        .filter(|reference| {
            reference.words.len() > words.len()
                && words.iter().all(|word| reference.words.contains(word))
                && !reference.coding.codes.is_empty()
        })
        .max_by(|left, right| {
            let score = |reference: &Reference| reference.coding.codes.first().map_or(0.0, |code| code.score);
            score(left).total_cmp(&score(right))
        })
}

/// For a personal or family history the history code comes first, the disease's own code after it.
fn by_assertion(vocabulary: &Vocabulary, candidates: Vec<Candidate>, assertion: Assertion) -> Vec<Candidate> {
    if !matches!(assertion, Assertion::Historical | Assertion::Family) {
        return candidates;
    }
    let mut out: Vec<Candidate> = Vec::with_capacity(candidates.len() * 2);
    for candidate in candidates {
        let Some(disease) = candidate.codes.first().cloned() else { continue };
        let history = if assertion == Assertion::Family {
            vocabulary.history.family(&disease)
        } else {
            vocabulary.history.personal(&disease)
        };
        for (at, code) in history.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "one to three codes")]
            let score = candidate.score / (1.0 + 0.5 * at as f32);
            let whose = if assertion == Assertion::Family { "family" } else { "personal" };
            let why = format!("{whose} history of {disease}; {}", candidate.why);
            out.push(Candidate { codes: vec![code.clone()], score, why, features: candidate.features.clone() });
        }
        let behind = if history.is_empty() { 1.0 } else { 0.6 };
        out.push(Candidate { score: candidate.score * behind, ..candidate });
    }
    out.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut seen = std::collections::HashSet::new();
    out.retain(|candidate| candidate.codes.first().is_some_and(|code| seen.insert(code.clone())));
    out
}
