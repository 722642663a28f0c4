//! Data at rest to its end: purges of notes, encounters and patients, the sweep of what is due, what is given out of a patient.
//!
//! The store destroys an encounter at a time, in one transaction; what of an encounter rests on notes that stay is worked out here, from the
//! entries that the rest of its notes say ([`rest_of_item`]). A purge that is broken off is done again and goes on.

mod export;
mod messages;
mod policy;
mod sweep;

pub use export::export;
pub use messages::messages_of;
pub use policy::RetentionPolicy;
pub use sweep::{REASON, Sweep, purge_due};

use std::collections::HashSet;

use uuid::Uuid;

use crate::{
    domain::{Standing, Surroundings},
    review::rollup,
    store::{
        Actor, ItemPurge, ItemRecord, LegalHold, Part, Purged, PurgedItem, Remaining, Store, StoreError, Subject, Versions,
    },
};

/// How often a purge that was overtaken is tried again.
const TRIES: u32 = 10;
/// Letters of a reason at most.
const REASON_LETTERS: usize = 64;

/// Whether a reason is a stable word: letters, digits, dots, dashes and underscores, so that it names nobody in full sentences.
#[must_use]
pub fn is_reason(word: &str) -> bool {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    (1..=REASON_LETTERS).contains(&word.len()) && word.chars().all(is_of_word)
}

/// What an encounter still says without some of its notes, whichever of the others count.
#[must_use]
pub fn rest_of_item(record: &ItemRecord, going: &[Uuid]) -> Remaining {
    let mut rest = record.clone();
    rest.decisions.clear();
    rest.notes.retain(|(note, _)| !going.contains(&note.id) && note.purged.is_none());
    for (note, _) in &mut rest.notes {
        note.standing = Standing::Current;
    }
    let (mut entries, mut evidence) = (HashSet::new(), HashSet::new());
    for entry in rollup(&rest) {
        entries.insert(entry.id);
        evidence.extend(entry.evidence_keys);
    }
    Remaining { entries, evidence }
}

/// What came of a purge of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done {
        /// Notes that were destroyed.
        notes: u64,
    },
    /// It is under hold; nothing of what is held was destroyed.
    Held(Vec<LegalHold>),
    /// There is no such subject, or it was purged before.
    Missing,
    /// It changed again and again; what was destroyed stays so.
    Overtaken,
}

/// Who purges, and why.
#[derive(Clone, Copy)]
pub struct Purging<'a> {
    /// Everything kept.
    pub store: &'a dyn Store,
    /// Clock.
    pub surroundings: &'a Surroundings,
    /// For the audit trail.
    pub actor: &'a Actor,
    /// A stable word.
    pub reason: &'a str,
}

impl Purging<'_> {
    /// Purges a subject; of a patient also these messages. The log of the database still has to be emptied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge(&self, subject: Subject, versions: Versions, messages: Vec<Uuid>) -> Result<Ended, StoreError> {
        let mut destroyed = 0;
        for round in 0..TRIES {
            let Some(extent) = self.store.purge_extent(subject, versions).await? else {
                break;
            };
            if !extent.holds.is_empty() {
                return Ok(Ended::Held(extent.holds));
            }
            if extent.items.is_empty() {
                break;
            }
            if round + 1 == TRIES {
                return Ok(Ended::Overtaken);
            }
            for item in extent.items {
                match self.item(item).await? {
                    Purged::Done { notes } => destroyed += notes,
                    Purged::Held(holds) => return Ok(Ended::Held(holds)),
                    // looked at again in the next round
                    Purged::Changed | Purged::Missing => {}
                }
            }
        }
        let mut is_gone = destroyed > 0;
        if let Subject::Patient(patient) = subject {
            let now = self.surroundings.now();
            is_gone |= self.store.patient_record(patient).await?.is_some() || !messages.is_empty();
            let what = (messages, self.reason.to_owned());
            match self.store.purge_patient(patient, what, self.actor.clone(), now).await? {
                Purged::Done { .. } => {}
                Purged::Held(holds) => return Ok(Ended::Held(holds)),
                Purged::Changed => return Ok(Ended::Overtaken),
                Purged::Missing => return Ok(Ended::Missing),
            }
        }
        metrics::counter!("abstractor_notes_purged_total").increment(destroyed);
        Ok(if is_gone { Ended::Done { notes: destroyed } } else { Ended::Missing })
    }

    async fn item(&self, purged: PurgedItem) -> Result<Purged, StoreError> {
        let now = self.surroundings.now();
        let part = if purged.is_whole {
            None
        } else {
            let Some(record) = self.store.item(purged.item, now).await? else { return Ok(Purged::Missing) };
            let remaining = rest_of_item(&record, &purged.notes);
            Some(Part { notes: purged.notes, revision: record.item.revision, remaining })
        };
        let purge = ItemPurge { item: purged.item, part, reason: self.reason.to_owned() };
        self.store.purge_item(purge, self.actor.clone(), now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::tests::record_of;

    #[test]
    fn the_rest_is_what_other_notes_say_whether_or_not_they_count() {
        let mut record = record_of("J18.9", 0.9);
        let (mut other, extraction) = record_of("M10.9", 0.9).notes.remove(0);
        other.id = Uuid::from_u128(77);
        other.standing = Standing::Replaced;
        let first = record.notes[0].0.id;
        let of_first: HashSet<Uuid> = rollup(&record).into_iter().map(|entry| entry.id).collect();
        record.notes.push((other, extraction));
        let rest = rest_of_item(&record, &[first]);
        assert!(rest.entries.len() == 1 && rest.entries.is_disjoint(&of_first));
        assert_eq!(rest_of_item(&record, &[Uuid::from_u128(77)]).entries, of_first);
        assert_eq!(rest_of_item(&record, &[]).entries.len(), 2);
        assert!(rest_of_item(&record, &[first, Uuid::from_u128(77)]).entries.is_empty());
    }

    #[test]
    fn a_reason_is_a_word() {
        for word in ["retention", "objection", "case-2026.17", "a"] {
            assert!(is_reason(word), "{word}");
        }
        for words in ["", "Jane Roe asked", "a\nb", "ü", &"a".repeat(65)] {
            assert!(!is_reason(words), "{words}");
        }
    }
}
