//! How long coders work on encounters, worked out of the audit trail.
//!
//! A sitting is a coder's claim of an encounter, from the claim until the coder finishes it, lays it aside, passes it up or gives it back. Between
//! two acts that the trail has of it, at most as much time counts as a claim lasts without a sign of life: whoever went away is not counted on. A
//! claim that ran out, or that somebody else took, ends with the coder's last act. So the figures say how long an encounter was in a
//! coder's hands with signs of work; they do not say how hard it was, nor what the coder did elsewhere.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Spread, spread};
use crate::{
    domain::Period,
    store::{StepAct, TrailStep},
};

/// The times of one coder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkTime {
    /// Of each encounter that the coder finished, the coder's sittings since it was finished before.
    pub per_encounter: Spread,
    /// Sittings that ended in this time, however they ended.
    pub sittings: u64,
    /// Seconds of those.
    pub seconds: i64,
    /// Entries accepted, amended, rejected or added in those.
    pub entries: u64,
}

impl WorkTime {
    /// Entries an hour; none where no time was counted.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts and seconds of a report are far below 2^52")]
    pub fn entries_per_hour(&self) -> Option<f64> {
        (self.seconds > 0).then(|| self.entries as f64 * 3600.0 / self.seconds as f64)
    }
}

/// Collects the times of coders.
#[derive(Debug)]
pub struct WorkTimes {
    period: Period,
    lease: SignedDuration,
    coders: BTreeMap<String, (WorkTime, Vec<i64>)>,
}

/// A claim that goes on.
struct Sitting<'a> {
    coder: &'a str,
    last: Timestamp,
    worked: SignedDuration,
    entries: u64,
}

impl WorkTimes {
    /// With nothing counted. `lease` is how long a claim lasts without a sign of life.
    #[must_use]
    pub const fn new(period: Period, lease: SignedDuration) -> Self {
        Self { period, lease, coders: BTreeMap::new() }
    }

    /// Counts what the trail has of one item, oldest first.
    pub fn add(&mut self, steps: &[TrailStep]) {
        let mut open: Option<Sitting<'_>> = None;
        // of each coder since the item was finished last
        let mut since_finished: BTreeMap<&str, SignedDuration> = BTreeMap::new();
        for step in steps {
            // who claims again had lost the claim: it ended before
            let goes_on = step.act != StepAct::Claimed && open.as_ref().is_some_and(|sitting| sitting.coder == &*step.actor);
            if let Some(sitting) = open.as_mut().filter(|_| goes_on) {
                sitting.worked += step.at.duration_since(sitting.last).clamp(SignedDuration::ZERO, self.lease);
                sitting.last = step.at;
                sitting.entries += u64::from(step.act == StepAct::Decided);
            }
            if matches!(step.act, StepAct::Decided | StepAct::Other) {
                continue;
            }
            if let Some(sitting) = open.take() {
                *since_finished.entry(sitting.coder).or_default() += sitting.worked;
                self.end(&sitting);
            }
            match step.act {
                StepAct::Claimed => {
                    open = Some(Sitting { coder: &step.actor, last: step.at, worked: SignedDuration::ZERO, entries: 0 });
                }
                StepAct::Finished => {
                    let worked = std::mem::take(&mut since_finished).remove(&*step.actor);
                    if let Some(worked) = worked.filter(|_| self.period.has(step.at)) {
                        self.of(&step.actor).1.push(worked.as_secs());
                    }
                }
                StepAct::Left | StepAct::Decided | StepAct::Other => {}
            }
        }
        if let Some(sitting) = open {
            self.end(&sitting);
        }
    }

    fn of(&mut self, coder: &str) -> &mut (WorkTime, Vec<i64>) {
        if !self.coders.contains_key(coder) {
            self.coders.insert(coder.to_owned(), Default::default());
        }
        self.coders.get_mut(coder).expect("it was put in above")
    }

    fn end(&mut self, sitting: &Sitting<'_>) {
        if !self.period.has(sitting.last) {
            return;
        }
        let (time, _) = self.of(sitting.coder);
        time.sittings += 1;
        time.seconds += sitting.worked.as_secs();
        time.entries += sitting.entries;
    }

    /// The times by login name, and of all together under none.
    #[must_use]
    pub fn told(self) -> (BTreeMap<String, WorkTime>, WorkTime) {
        let mut all = WorkTime::default();
        let mut every = Vec::new();
        let mut by_coder = BTreeMap::new();
        for (coder, (time, seconds)) in self.coders {
            all.sittings += time.sittings;
            all.seconds += time.seconds;
            all.entries += time.entries;
            every.extend_from_slice(&seconds);
            by_coder.insert(coder, WorkTime { per_encounter: spread(seconds), ..time });
        }
        (by_coder, WorkTime { per_encounter: spread(every), ..all })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + 60 * minute).expect("a time")
    }

    fn times(steps: &[(&str, StepAct, i64)]) -> (BTreeMap<String, WorkTime>, WorkTime) {
        let steps: Vec<TrailStep> = steps
            .iter()
            .map(|(actor, act, minute)| TrailStep { item: Uuid::nil(), actor: (*actor).into(), act: *act, at: at(*minute) })
            .collect();
        let period = Period { from: at(0), until: at(1000) };
        let mut times = WorkTimes::new(period, SignedDuration::from_mins(30));
        times.add(&steps);
        times.told()
    }

    fn minutes(time: &WorkTime) -> (Option<i64>, u64, i64, u64) {
        (time.per_encounter.median_seconds.map(|seconds| seconds / 60), time.sittings, time.seconds / 60, time.entries)
    }

    use StepAct::{Claimed, Decided, Finished, Left, Other};

    #[test]
    fn from_the_claim_to_the_end_with_pauses_bounded() {
        let (by, all) = times(&[
            ("kim", Claimed, 0),
            ("kim", Decided, 5),
            // away for two hours, with claims that were renewed
            ("kim", Decided, 125),
            ("kim", Other, 130),
            ("kim", Finished, 140),
        ]);
        assert_eq!(minutes(&by["kim"]), (Some(50), 1, 50, 2));
        assert_eq!(by["kim"], all);
        assert!((all.entries_per_hour().expect("a rate") - 2.4).abs() < 1e-9);
    }

    #[test]
    fn an_encounter_takes_all_sittings_of_who_finished_it() {
        let (by, all) = times(&[
            ("lee", Claimed, 0),
            ("lee", Decided, 4),
            ("lee", Left, 6),
            ("kim", Claimed, 10),
            ("kim", Left, 20),
            ("kim", Claimed, 200),
            ("kim", Decided, 201),
            ("kim", Finished, 205),
            // opened again: what was before counts no more
            ("lead", Left, 300),
            ("kim", Claimed, 310),
            ("kim", Finished, 311),
        ]);
        assert_eq!(minutes(&by["lee"]), (None, 1, 6, 1), "lee did not finish it");
        let kim = &by["kim"];
        assert_eq!(
            (kim.per_encounter.count, kim.per_encounter.median_seconds, kim.per_encounter.p90_seconds),
            (2, Some(60), Some(900))
        );
        assert_eq!((kim.sittings, kim.seconds), (3, 16 * 60));
        assert_eq!((all.sittings, all.seconds, all.entries), (4, 22 * 60, 2));
    }

    #[test]
    fn what_ran_out_or_was_taken_ends_with_the_last_act() {
        let (by, _) =
            times(&[("kim", Claimed, 0), ("kim", Decided, 3), ("lee", Claimed, 60), ("lee", Decided, 61), ("lead", Left, 80)]);
        assert_eq!((minutes(&by["kim"]), minutes(&by["lee"])), ((None, 1, 3, 1), (None, 1, 1, 1)));
        assert!(!by.contains_key("lead"));
        let (by, _) = times(&[("kim", Claimed, 0), ("kim", Decided, 2), ("kim", Claimed, 100), ("kim", Finished, 101)]);
        assert_eq!(minutes(&by["kim"]), (Some(3), 2, 3, 1), "the same coder came back after the claim ran out");
        let (none, all) = times(&[]);
        assert!(none.is_empty() && all.entries_per_hour().is_none());
    }

    #[test]
    fn what_ends_outside_of_the_time_is_not_counted() {
        let (by, all) = times(&[("kim", Claimed, -20), ("kim", Finished, -10), ("kim", Claimed, -5), ("kim", Finished, 1)]);
        assert_eq!(minutes(&by["kim"]), (Some(6), 1, 6, 0));
        assert_eq!(all.per_encounter.count, 1);
    }
}
