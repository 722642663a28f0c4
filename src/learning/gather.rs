//! What coders decided on the same words, gathered over encounters.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{ChosenCode, Ended, EntryKind, EntryOutcome, ItemOutcome, ItemState, ProposalEvidence, ProposalExample};

/// Entries that are told of a proposal.
const EXAMPLES: usize = 20;
/// Steps of probability that thresholds are looked for in: hundredths.
pub(super) const STEPS: usize = 101;

/// A code without its name, which may be written in more than one way.
pub(super) type Code = (String, String);

/// Who and what speaks for something.
#[derive(Debug, Clone, Default)]
pub(super) struct Support {
    pub entries: u64,
    encounters: HashSet<Uuid>,
    patients: HashSet<Uuid>,
    coders: HashSet<Uuid>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    examples: Vec<ProposalExample>,
}

impl Support {
    fn add(&mut self, item: &ItemOutcome, entry: &EntryOutcome) {
        self.entries += 1;
        self.encounters.insert(item.item);
        // an encounter without a patient is one of its own
        self.patients.insert(item.patient.unwrap_or(item.item));
        if let Some((coder, _, at)) = &entry.decided {
            self.coders.insert(*coder);
            self.first = Some(self.first.map_or(*at, |first| first.min(*at)));
            self.last = Some(self.last.map_or(*at, |last| last.max(*at)));
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(ProposalExample { item_id: item.item, entry_id: entry.entry_id });
        }
    }

    /// Entries, encounters, patients, coders.
    pub fn sizes(&self) -> [u64; 4] {
        [self.entries, self.encounters.len() as u64, self.patients.len() as u64, self.coders.len() as u64]
    }
}

/// How often entries ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub accepted: u64,
    pub amended: u64,
    pub rejected: u64,
    pub added: u64,
}

impl Counts {
    fn add(&mut self, ended: Ended) {
        match ended {
            Ended::Accepted => self.accepted += 1,
            Ended::Amended => self.amended += 1,
            Ended::Rejected => self.rejected += 1,
            Ended::Added => self.added += 1,
            Ended::Ignored => {}
        }
    }

    /// Suggestions that were decided on.
    pub const fn decided(self) -> u64 {
        self.accepted + self.amended + self.rejected
    }
}

/// What was decided on one kind of entry of the same words.
#[derive(Debug, Clone, Default)]
pub(super) struct OfWords {
    pub counts: Counts,
    /// By the first code that was suggested; none where the engine abstained.
    pub by_suggested: BTreeMap<Option<Code>, Counts>,
    /// By the section.
    pub by_section: BTreeMap<String, (Counts, Support)>,
    /// Codes of additions.
    pub added: BTreeMap<Code, Support>,
    /// Amendments from the first code (none where it abstained) to another one.
    pub amended: BTreeMap<(Option<Code>, Code), Support>,
    pub rejected: Support,
    /// Codes that the engine suggested for the words at all.
    pub suggested: BTreeSet<Code>,
}

/// Decisions gathered by words and kind, and by probability.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    pub(super) of_words: BTreeMap<(&'static str, String), (EntryKind, OfWords)>,
    /// By kind: what was accepted and what was not, by hundredth of the probability.
    pub(super) by_probability: BTreeMap<&'static str, (EntryKind, Vec<[u64; 2]>)>,
    /// What codes are called.
    pub(super) names: BTreeMap<Code, String>,
    encounters: u64,
}

impl Gathered {
    /// Adds an encounter. What is not finished says nothing: coders may still change it.
    pub fn add(&mut self, item: &ItemOutcome) {
        if item.state != ItemState::Finished {
            return;
        }
        self.encounters += 1;
        for entry in &item.entries {
            for code in entry.codes.iter().chain(&entry.suggested) {
                if !code.display.is_empty() {
                    self.names.entry(code_of(code)).or_insert_with(|| code.display.clone());
                }
            }
            self.add_probability(entry);
            if !entry.words.is_empty() && entry.ended != Ended::Ignored {
                self.add_words(item, entry);
            }
        }
    }

    /// Encounters that were added.
    #[must_use]
    pub const fn encounters(&self) -> u64 {
        self.encounters
    }

    fn add_probability(&mut self, entry: &EntryOutcome) {
        let Some(probability) = entry.confidence.filter(|_| entry.charted) else { return };
        let right = match entry.ended {
            Ended::Accepted => 0,
            Ended::Rejected | Ended::Amended => 1,
            Ended::Added | Ended::Ignored => return,
        };
        let (_, steps) = self.by_probability.entry(entry.kind.as_str()).or_insert_with(|| (entry.kind, vec![[0; 2]; STEPS]));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let step = (probability.clamp(0.0, 1.0) * 100.0).floor() as usize;
        steps[step][right] += 1;
    }

    fn add_words(&mut self, item: &ItemOutcome, entry: &EntryOutcome) {
        let key = (entry.kind.as_str(), entry.words.clone());
        let (_, of) = self.of_words.entry(key).or_insert_with(|| (entry.kind, OfWords::default()));
        of.counts.add(entry.ended);
        let suggested = entry.suggested.as_ref().map(code_of);
        of.suggested.extend(suggested.clone());
        if entry.ended != Ended::Added {
            of.by_suggested.entry(suggested.clone()).or_default().add(entry.ended);
        }
        match (entry.ended, entry.codes.first().map(code_of)) {
            (Ended::Added, Some(code)) => of.added.entry(code).or_default().add(item, entry),
            (Ended::Amended, Some(code)) if suggested.as_ref() != Some(&code) => {
                of.amended.entry((suggested, code)).or_default().add(item, entry);
            }
            (Ended::Rejected, _) => of.rejected.add(item, entry),
            _ => {}
        }
        if let Some(section) = entry.section.as_ref().filter(|_| entry.ended != Ended::Added) {
            let (counts, support) = of.by_section.entry(section.clone()).or_default();
            counts.add(entry.ended);
            if entry.ended == Ended::Rejected {
                support.add(item, entry);
            }
        }
    }
}

pub(super) fn code_of(code: &ChosenCode) -> Code {
    (code.system.clone(), code.code.clone())
}

/// What a proposal rests on: how entries of its words ended, and who speaks for it.
pub(super) fn evidence(counts: Counts, support: &Support) -> ProposalEvidence {
    let [entries, encounters, patients, coders] = support.sizes();
    ProposalEvidence {
        accepted: counts.accepted,
        amended: counts.amended,
        rejected: counts.rejected,
        added: counts.added,
        support: entries,
        encounters,
        patients,
        coders,
        first: support.first,
        last: support.last,
        examples: support.examples.clone(),
    }
}
