//! Proposals of what was gathered.

use super::{
    Floors, Gathered,
    gather::{Code, Counts, OfWords, Support, evidence},
};
use crate::{
    domain::{
        ChosenCode, CodePreference, EntryKind, KindThreshold, PackChange, Proposal, ProposalEffect, ProposalEvidence, SitePack,
        SiteTerm, SuppressedTerm,
    },
    statistics::wilson,
};

/// Proposals at most; those of the greatest benefit.
const MOST: usize = 200;
/// Digits in a row that no term has: a record number, a year.
const DIGITS: usize = 4;
/// Letters and words of a term.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=60;
const WORDS: usize = 8;

/// Whether a text, folded, has the words side by side.
#[must_use]
pub fn occurrences(folded: &str, words: &str) -> usize {
    let bounded = |at: usize| {
        let before = folded[..at].chars().next_back().is_none_or(|letter| letter == ' ');
        let after = folded[at + words.len()..].chars().next().is_none_or(|letter| letter == ' ');
        before && after
    };
    if words.is_empty() {
        return 0;
    }
    folded.match_indices(words).filter(|(at, _)| bounded(*at)).count()
}

impl Floors {
    fn are_reached(&self, support: &Support) -> bool {
        let [entries, encounters, patients, coders] = support.sizes();
        entries >= self.entries && encounters >= self.encounters && patients >= self.patients && coders >= self.coders
    }
}

/// Whether so many of so many are surely at least this share.
fn is_surely(part: u64, whole: u64, least: f64) -> bool {
    wilson(part, whole).is_some_and(|(low, _)| low >= least)
}

impl Floors {
    /// Whether coders agree: nearly all of those there are, and enough of them to be no chance. A few who agree are enough where nobody says
    /// otherwise.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn is_agreed(&self, part: u64, whole: u64) -> bool {
        part as f64 >= self.share * whole as f64 && is_surely(part, whole, self.agreement.min(sure_of(part)))
    }
}

fn may_be_a_term(words: &str) -> bool {
    let mut run = 0;
    let numbered = words.chars().any(|letter| {
        run = if letter.is_ascii_digit() { run + 1 } else { 0 };
        run >= DIGITS
    });
    !numbered
        && LETTERS.contains(&words.chars().count())
        && words.split(' ').count() <= WORDS
        && words.chars().any(char::is_alphabetic)
}

impl Gathered {
    /// What speaks for a change of the pack that is there, the greatest benefit first; `shown_from` are the thresholds that hold, in hundredths.
    #[must_use]
    pub fn proposals(&self, floors: &Floors, pack: &SitePack, shown_from: impl Fn(EntryKind) -> u8) -> Vec<Proposal> {
        let mut found = Vec::new();
        for ((_, words), (kind, of)) in &self.of_words {
            let about = About { gathered: self, floors, words, kind: *kind, of };
            let suppressed = about.suppression();
            // what is not to be suggested needs no other code
            if suppressed.is_empty() {
                found.extend(about.preferences());
                found.extend(about.terms());
            }
            found.extend(suppressed);
        }
        found.extend(self.thresholds(floors, shown_from));
        found.retain(|proposal| !says(pack, &proposal.change));
        found.sort_by_key(|proposal| (std::cmp::Reverse(proposal.benefit()), proposal.id));
        found.truncate(MOST);
        found
    }

    fn named(&self, code: &Code) -> ChosenCode {
        let display = self.names.get(code).cloned().unwrap_or_default();
        ChosenCode { system: code.0.clone(), code: code.1.clone(), display }
    }

    fn thresholds(&self, floors: &Floors, shown_from: impl Fn(EntryKind) -> u8) -> Vec<Proposal> {
        let mut found = Vec::new();
        for (kind, steps) in self.by_probability.values() {
            // an allergy that is missed harms: allergies are always shown
            if matches!(kind, EntryKind::Allergy | EntryKind::NoKnownAllergies) {
                continue;
            }
            let [accepted, others] = steps.iter().fold([0; 2], |[right, wrong], step| [right + step[0], wrong + step[1]]);
            if accepted + others < floors.of_kind {
                continue;
            }
            let below = |threshold: u8| {
                steps.iter().take(usize::from(threshold)).fold([0_u64; 2], |sum, step| [sum[0] + step[0], sum[1] + step[1]])
            };
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            let is_harmless = |threshold: &u8| below(*threshold)[0] as f64 <= floors.hidden * accepted as f64;
            let Some(best) = (0..=95).rev().find(is_harmless) else { continue };
            let now = shown_from(*kind);
            if best.abs_diff(now) < floors.moved {
                continue;
            }
            let (hidden, before) = (below(best), below(now));
            found.push(proposal(
                PackChange::SetThreshold(KindThreshold { kind: *kind, shown_from: best }),
                ProposalEvidence {
                    accepted,
                    rejected: others,
                    support: accepted + others,
                    encounters: self.encounters(),
                    ..ProposalEvidence::default()
                },
                ProposalEffect {
                    // folded away rather than looked at, or shown again rather than missed
                    would_have_saved: hidden[1].saturating_sub(before[1]) + before[0].saturating_sub(hidden[0]),
                    would_have_broken: hidden[0].saturating_sub(before[0]),
                    encounters_read: None,
                },
            ));
        }
        found
    }
}

/// What was decided on some words.
struct About<'a> {
    gathered: &'a Gathered,
    floors: &'a Floors,
    words: &'a str,
    kind: EntryKind,
    of: &'a OfWords,
}

impl About<'_> {
    fn terms(&self) -> Vec<Proposal> {
        let all: u64 = self.of.added.values().map(|support| support.entries).sum();
        let mut found = Vec::new();
        for (code, support) in &self.of.added {
            let other = all - support.entries + self.of.counts.decided();
            if self.of.suggested.contains(code)
                || !may_be_a_term(self.words)
                || !self.floors.are_reached(support)
                || !self.floors.is_agreed(support.entries, support.entries + other)
            {
                continue;
            }
            let term = SiteTerm { words: self.words.to_owned(), kind: self.kind, code: self.gathered.named(code) };
            let effect = ProposalEffect { would_have_saved: support.entries, would_have_broken: other, encounters_read: None };
            found.push(proposal(PackChange::AddTerm(term), evidence(self.of.counts, support), effect));
        }
        found
    }

    fn preferences(&self) -> Vec<Proposal> {
        let mut found = Vec::new();
        for ((from, to), support) in &self.of.amended {
            let decided: Counts = self.of.by_suggested.get(from).copied().unwrap_or_default();
            if !self.floors.are_reached(support) || !self.floors.is_agreed(support.entries, decided.decided()) {
                continue;
            }
            let preference = CodePreference {
                words: self.words.to_owned(),
                kind: self.kind,
                instead_of: from.as_ref().map(|code| self.gathered.named(code)),
                code: self.gathered.named(to),
            };
            let effect = ProposalEffect {
                would_have_saved: support.entries,
                // what was accepted with the code that would no longer come first
                would_have_broken: decided.accepted,
                encounters_read: None,
            };
            found.push(proposal(PackChange::Prefer(preference), evidence(self.of.counts, support), effect));
        }
        found
    }

    /// Everywhere, or in the sections where it is wrong.
    fn suppression(&self) -> Vec<Proposal> {
        let of = |counts: Counts, support: &Support, section: Option<&String>| {
            let speaks = self.floors.are_reached(support) && is_surely(counts.rejected, counts.decided(), self.floors.rejected);
            let term = SuppressedTerm { words: self.words.to_owned(), kind: self.kind, code: None, section: section.cloned() };
            let effect = ProposalEffect {
                would_have_saved: counts.rejected,
                would_have_broken: counts.accepted + counts.amended,
                encounters_read: None,
            };
            speaks.then(|| proposal(PackChange::Suppress(term), evidence(counts, support), effect))
        };
        if let Some(everywhere) = of(self.of.counts, &self.of.rejected, None) {
            return vec![everywhere];
        }
        self.of.by_section.iter().filter_map(|(section, (counts, support))| of(*counts, support, Some(section))).collect()
    }
}

/// The lower end that so many without one against them reach.
fn sure_of(entries: u64) -> f64 {
    wilson(entries, entries).map_or(0.0, |(low, _)| low)
}

fn proposal(change: PackChange, evidence: ProposalEvidence, effect: ProposalEffect) -> Proposal {
    Proposal { id: change.proposal_id(), change, evidence, effect }
}

/// Whether the pack says it already.
fn says(pack: &SitePack, change: &PackChange) -> bool {
    let same = |one: &ChosenCode, other: &ChosenCode| (&one.system, &one.code) == (&other.system, &other.code);
    match change {
        PackChange::AddTerm(term) => {
            pack.terms.iter().any(|one| (&one.words, one.kind) == (&term.words, term.kind) && same(&one.code, &term.code))
        }
        PackChange::Suppress(term) => pack.suppressed.iter().any(|one| {
            (&one.words, one.kind) == (&term.words, term.kind)
                && one.code.is_none()
                && (one.section.is_none() || one.section == term.section)
        }),
        PackChange::Prefer(preference) => pack
            .preferences
            .iter()
            .any(|one| (&one.words, one.kind) == (&preference.words, preference.kind) && same(&one.code, &preference.code)),
        PackChange::SetThreshold(threshold) => pack.thresholds.contains(threshold),
    }
}
