//! One mention's context: the cues that reach it, its section, and what they come to together.

use super::{
    cue_table::{CueTable, Heads, Means},
    matching::{Found, find, inside},
    scope::Scene,
    tokens::{Token, tokens},
};
use crate::domain::{Assertion, Certainty, Cue, Experiencer, MentionKind, Span, Temporality};
use crate::text::Document;

/// Words looked at before a mention; a sentence may be a note without a full stop.
const BEFORE: usize = 90;
/// Words looked at after a mention.
const AFTER: usize = 40;

/// What the note says of a mention. Certainty, time and person are kept apart; the assertion is their sum by precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The class of the guidelines.
    pub assertion: Assertion,
    /// Of whom.
    pub experiencer: Experiencer,
    /// When.
    pub temporality: Temporality,
    /// How certainly.
    pub certainty: Certainty,
    /// The words that decided, those for the assertion itself first; a section's heading counts.
    pub cues: Vec<Cue>,
}

/// Something that speaks for an assertion.
struct Voice {
    assertion: Assertion,
    span: Option<Span>,
    scope: Option<Span>,
}

/// Asserts the mention at `span`. `neighbours` are the spans of the note's other mentions, sorted; lists run along them.
///
/// Only diagnoses know all six classes: an allergen is never hypothetical, a statement of no known allergies is present
/// (its denial is its content), and for a medication the classes are a hint for its status.
#[must_use]
pub fn assert_mention(document: &Document, cues: &CueTable, span: Span, kind: MentionKind, neighbours: &[Span]) -> Context {
    let mut voices = Vec::new();
    if kind != MentionKind::NoKnownAllergies {
        listen(document, cues, span, neighbours, &mut voices);
    }
    if kind == MentionKind::Allergen {
        voices.retain(|voice| voice.assertion != Assertion::Hypothetical);
    }
    sum(document, cues, voices)
}

/// Collects everything that speaks for the mention.
fn listen(document: &Document, cues: &CueTable, span: Span, neighbours: &[Span], voices: &mut Vec<Voice>) {
    let range = surroundings(document, span);
    let tokens = tokens(document, range);
    let first = tokens.partition_point(|token| token.span.end <= span.start);
    let end = tokens.partition_point(|token| token.span.start < span.end).max(first);
    let others = covered(&tokens, neighbours, span);
    let found = find(&tokens, &(first..end), cues);
    let own = inside(&tokens, first..end, cues);
    let nature = Nature::of(&own, cues);
    let scene = Scene { tokens: &tokens, others: &others, found: &found, mention: first..end, table: cues };
    for cue in &found {
        let row = cues.row(cue.row);
        if let Means::Says(assertion) = row.means
            && nature.allows(row.heads)
            && scene.reaches(cue, assertion)
        {
            let governed = scene.governed(cue, assertion);
            let scope = tokens.get(governed.start).zip(tokens.get(governed.end.wrapping_sub(1)));
            let scope = scope.map(|(first, last)| Span::new(first.span.start, last.span.end));
            voices.push(Voice { assertion, span: Some(extent(&tokens, cue)), scope });
        }
    }
    for cue in &own {
        let row = cues.row(cue.row);
        if let Means::Says(assertion) = row.means
            && nature.allows(row.heads)
        {
            voices.push(Voice { assertion, span: Some(extent(&tokens, cue)), scope: Some(span) });
        }
    }
    let Some(section) = document.section_at(span) else { return };
    // "The patient has asthma" in a family history
    let patient = found.iter().any(|cue| {
        let row = cues.row(cue.row);
        cue.end <= first
            && row.ends(Assertion::Family)
            && row.phrase.iter().any(|word| matches!(word.as_str(), "patient" | "pt"))
    });
    for row in cues.of_section(&section.kind) {
        let Means::Says(assertion) = row.means else { continue };
        if nature.allows(row.heads) && !(assertion == Assertion::Family && patient) {
            voices.push(Voice { assertion, span: section.title, scope: Some(section.body) });
        }
    }
}

/// The sentence around `span`, cut to a window of words. A mention in a heading goes on into the sentence after it.
fn surroundings(document: &Document, span: Span) -> Span {
    let mut range = match document.sentence_at(span) {
        Some(sentence) if sentence.span.end > span.start => sentence.span,
        _ => span,
    };
    if let Some(title) = document.section_at(span).and_then(|section| section.title)
        && title.contains(span)
    {
        let next = document.sentences.partition_point(|sentence| sentence.span.start < title.end);
        let end = document.sentences.get(next).map_or(title.end, |sentence| sentence.span.end);
        range = Span::new(title.start, end.max(title.end));
    }
    range = Span::new(range.start.min(span.start), range.end.max(span.end));
    let inside = document.words_in(span);
    let first = match inside.start.checked_sub(BEFORE) {
        Some(index) => document.words[index].span.start,
        None => range.start,
    };
    let last = document.words.get(inside.end + AFTER).map_or(range.end, |word| word.span.end);
    Span::new(range.start.max(first.min(span.start)), range.end.min(last.max(span.end)))
}

/// Marks the tokens that belong to other mentions.
fn covered(tokens: &[Token<'_>], neighbours: &[Span], mention: Span) -> Vec<bool> {
    let mut out = vec![false; tokens.len()];
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return out };
    let from = neighbours.partition_point(|other| other.start + 400 < first.span.start);
    for other in neighbours[from..].iter().take_while(|other| other.start < last.span.end) {
        if other.overlaps(mention) {
            continue;
        }
        let start = tokens.partition_point(|token| token.span.end <= other.start);
        for (token, mark) in tokens[start..].iter().zip(&mut out[start..]) {
            if token.span.start >= other.end {
                break;
            }
            *mark = true;
        }
    }
    out
}

fn extent(tokens: &[Token<'_>], cue: &Found) -> Span {
    Span::new(tokens[cue.first].span.start, tokens[cue.end - 1].span.end)
}

/// Whether a mention is an event or lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    Event,
    Chronic,
    Unknown,
}

impl Nature {
    /// The longest phrase decides; of equally long ones the last, which is the head.
    fn of(own: &[Found], cues: &CueTable) -> Self {
        own.iter()
            .filter_map(|cue| match cues.row(cue.row).means {
                Means::Event => Some((cue.end - cue.first, Self::Event)),
                Means::Chronic => Some((cue.end - cue.first, Self::Chronic)),
                _ => None,
            })
            .max_by_key(|(length, nature)| (*length, *nature == Self::Chronic))
            .map_or(Self::Unknown, |(_, nature)| nature)
    }

    fn allows(self, heads: Heads) -> bool {
        match heads {
            Heads::Any => true,
            Heads::Event => self == Self::Event,
            Heads::NotChronic => self != Self::Chronic,
        }
    }
}

/// Sums the voices up by precedence.
fn sum(document: &Document, cues: &CueTable, mut voices: Vec<Voice>) -> Context {
    let says = |assertion| voices.iter().any(|voice: &Voice| voice.assertion == assertion);
    let assertion = voices.iter().map(|voice| voice.assertion).max_by_key(|one| one.precedence()).unwrap_or(Assertion::Present);
    let context = Context {
        assertion,
        experiencer: match voices.iter().find(|voice| voice.assertion == Assertion::Family) {
            Some(Voice { span: Some(span), .. }) if cues.names_acquaintance(span.of(&document.text)) => Experiencer::Other,
            Some(_) => Experiencer::Family,
            None => Experiencer::Patient,
        },
        temporality: if says(Assertion::Hypothetical) {
            Temporality::Future
        } else if says(Assertion::Historical) {
            Temporality::Past
        } else {
            Temporality::Current
        },
        certainty: if says(Assertion::Absent) {
            Certainty::Negated
        } else if says(Assertion::Possible) {
            Certainty::Possible
        } else {
            Certainty::Affirmed
        },
        cues: Vec::new(),
    };
    voices.sort_by_key(|voice| voice.assertion != assertion);
    let cues = voices
        .into_iter()
        .filter_map(|Voice { assertion, span, scope }| {
            let span = span?;
            let text = span.of(&document.text).to_owned();
            Some(Cue { text, start: span.start, end: span.end, means: assertion.as_str().to_owned(), scope })
        })
        .collect();
    Context { cues, ..context }
}
