//! Drift: the last days against a reference, measure by measure. Every test deals out whole encounters (of arrivals: days, within their day of the
//! week), because entries of one encounter are alike; the p-values are corrected for the number of measures.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{DriftFinding, DriftMeasure, DriftShare, DriftVerdict, DriftWindow, Ended, EntryKind, EntryOutcome, ItemOutcome},
    statistics::{Rows, Sampling, adjusted, jensen_shannon, permutation, permutation_within, stability_index},
};

/// Encounters that a window needs before anything is said of them.
pub(super) const FEWEST_ENCOUNTERS: usize = 30;
/// Days that a reference and a current window need before anything is said of arrivals.
const FEWEST_DAYS: [usize; 2] = [14, 5];
/// The false discovery rate of an evaluation.
pub(super) const DISCOVERY_RATE: f64 = 0.01;
/// Types of notes that are told apart; rarer ones are one class.
const MOST_TYPES: usize = 20;
/// The class of the others.
const OTHER: &str = "other";
/// Classes of confidence: tenths.
const TENTHS: usize = 10;

/// What is held against what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The reference.
    pub reference: DriftWindow,
    /// What is looked at.
    pub current: DriftWindow,
}

impl Windows {
    /// 0 for a moment of the reference, 1 for one of the current window.
    fn side(&self, at: Timestamp) -> Option<usize> {
        let within = |window: &DriftWindow| window.from <= at && at < window.until;
        if within(&self.current) { Some(1) } else { within(&self.reference).then_some(0) }
    }
}

/// What was seen in the two windows, added up encounter by encounter, so that nobody has to hold all of them.
#[derive(Debug, Clone)]
pub struct Observations {
    windows: Windows,
    /// By measure: of each encounter what is counted, and of how much.
    ratios: BTreeMap<DriftMeasure, [Vec<Vec<f64>>; 2]>,
    confidence: [Vec<Vec<f64>>; 2],
    types: [Vec<BTreeMap<String, f64>>; 2],
    /// Notes by day; days are counted back from the end of the current window.
    arrivals: [BTreeMap<i64, f64>; 2],
}

/// What a rate or a mean counts of an encounter, and of how much; none where it has nothing of it.
fn ratio(counted: usize, all: usize) -> Option<Vec<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "an encounter has few entries")]
    (all > 0).then(|| vec![counted as f64, all as f64])
}

fn count<'a>(entries: &[&'a EntryOutcome], of: impl Fn(&'a EntryOutcome) -> bool) -> usize {
    entries.iter().filter(|entry| of(entry)).count()
}

/// The tenth of a probability.
fn tenth(confidence: f32) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability is 0 to 1")]
    let tenth = (confidence.clamp(0.0, 1.0) * 10.0) as usize;
    tenth.min(TENTHS - 1)
}

impl Observations {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(windows: Windows) -> Self {
        Self {
            windows,
            ratios: BTreeMap::new(),
            confidence: Default::default(),
            types: Default::default(),
            arrivals: Default::default(),
        }
    }

    fn add_ratio(&mut self, measure: DriftMeasure, side: usize, ratio: Option<Vec<f64>>) {
        self.ratios.entry(measure).or_default()[side].extend(ratio);
    }

    /// An encounter by the moment when it was finished.
    pub fn add_finished(&mut self, outcome: &ItemOutcome) {
        let Some(side) = outcome.finished.as_ref().and_then(|(at, ..)| self.windows.side(*at)) else { return };
        let charted: Vec<&EntryOutcome> = outcome.entries.iter().filter(|entry| entry.charted).collect();
        let decided = count(&charted, |one| matches!(one.ended, Ended::Accepted | Ended::Amended | Ended::Rejected));
        let accepted = count(&charted, |one| one.ended == Ended::Accepted);
        self.add_ratio(DriftMeasure::AcceptanceRate, side, ratio(accepted, decided));
        let stands = |one: &EntryOutcome| is_coded(one) && matches!(one.ended, Ended::Accepted | Ended::Amended | Ended::Added);
        let unknown = count(&charted, |one| stands(one) && one.suggested.is_none());
        self.add_ratio(DriftMeasure::UnknownTermRate, side, ratio(unknown, count(&charted, stands)));
    }

    /// An encounter by the moment when its first note came.
    pub fn add_received(&mut self, outcome: &ItemOutcome) {
        let at = outcome.received_at;
        let Some(side) = self.windows.side(at) else { return };
        let notes = outcome.note_types.len();
        if notes == 0 {
            return;
        }
        let suggested: Vec<&EntryOutcome> = outcome.entries.iter().filter(|one| one.ended != Ended::Added).collect();
        let to_code = |one: &EntryOutcome| one.charted && is_coded(one);
        let abstained = count(&suggested, |one| to_code(one) && one.suggested.is_none());
        self.add_ratio(DriftMeasure::AbstentionRate, side, ratio(abstained, count(&suggested, to_code)));
        self.add_ratio(DriftMeasure::EntriesPerNote, side, ratio(suggested.len(), notes));
        let mut tenths = vec![0.0; TENTHS];
        suggested.iter().filter_map(|one| one.confidence).for_each(|confidence| tenths[tenth(confidence)] += 1.0);
        if tenths.iter().any(|count| *count > 0.0) {
            self.confidence[side].push(tenths);
        }
        let mut types: BTreeMap<String, f64> = BTreeMap::new();
        for note_type in &outcome.note_types {
            *types.entry(note_type.clone().unwrap_or_default()).or_default() += 1.0;
        }
        *self.arrivals[side].entry(self.day(at)).or_default() += types.values().sum::<f64>();
        self.types[side].push(types);
    }

    /// The number of the day before the end of the current window: 0 is the last one.
    fn day(&self, at: Timestamp) -> i64 {
        self.windows.current.until.duration_since(at).as_secs().div_euclid(24 * 3_600)
    }

    /// Encounters that count by their arrival, in the two windows.
    #[must_use]
    pub fn encounters(&self) -> [usize; 2] {
        [self.types[0].len(), self.types[1].len()]
    }
}

/// Whether an entry is of a kind that is coded.
fn is_coded(entry: &EntryOutcome) -> bool {
    entry.kind != EntryKind::NoKnownAllergies
}

/// What is said of every measure.
#[must_use]
pub fn findings(seen: &Observations, sampling: Sampling) -> Vec<DriftFinding> {
    let mut found: Vec<DriftFinding> = DriftMeasure::ALL
        .into_iter()
        .zip(1_u64..)
        .map(|(measure, number)| {
            let sampling = Sampling { seed: sampling.seed.wrapping_mul(31).wrapping_add(number), ..sampling };
            match measure {
                DriftMeasure::NoteTypes => {
                    let (classes, rows) = classes(&seen.types);
                    of_distribution(measure, (&classes, &rows), sampling)
                }
                DriftMeasure::Confidence => {
                    let classes: Vec<String> = (0..TENTHS).map(|tenth| (tenth * 10).to_string()).collect();
                    of_distribution(measure, (&classes, &seen.confidence), sampling)
                }
                DriftMeasure::NoteArrivals => of_arrivals(seen, sampling),
                DriftMeasure::AcceptanceRate
                | DriftMeasure::UnknownTermRate
                | DriftMeasure::AbstentionRate
                | DriftMeasure::EntriesPerNote => {
                    let none = Default::default();
                    of_ratio(measure, seen.ratios.get(&measure).unwrap_or(&none), sampling)
                }
            }
        })
        .collect();
    let tested: Vec<f64> = found.iter().filter_map(|one| one.p).collect();
    let mut corrected = adjusted(&tested).into_iter();
    for one in found.iter_mut().filter(|one| one.p.is_some()) {
        one.adjusted = corrected.next();
        let is_significant = one.adjusted.is_some_and(|p| p <= DISCOVERY_RATE);
        let is_material = one.effect.is_some_and(|effect| effect.abs() >= one.measure.material_from());
        one.verdict = match (is_significant, is_material) {
            (false, _) => DriftVerdict::Steady,
            (true, false) => DriftVerdict::Small,
            (true, true) => DriftVerdict::Drifted,
        };
    }
    found
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts")]
    let whole = number.max(0.0).round() as u64;
    whole
}

/// A finding of which nothing is said.
fn untested(measure: DriftMeasure, rows: &[Vec<Vec<f64>>; 2], observations: [u64; 2]) -> DriftFinding {
    DriftFinding {
        measure,
        reference: None,
        current: None,
        effect: None,
        divergence: None,
        p: None,
        adjusted: None,
        encounters: [0, 1].map(|side: usize| rows[side].len() as u64),
        observations,
        shares: Vec::new(),
        verdict: DriftVerdict::TooFew,
    }
}

fn sum(rows: &[Vec<f64>], column: usize) -> f64 {
    rows.iter().filter_map(|row| row.get(column)).sum()
}

/// How far two ratios lie apart.
fn apart(reference: &[f64], current: &[f64]) -> f64 {
    match (quotient(reference), quotient(current)) {
        (Some(reference), Some(current)) => (reference - current).abs(),
        _ => 0.0,
    }
}

fn quotient(sums: &[f64]) -> Option<f64> {
    match sums {
        [counted, all, ..] if *all > 0.0 => Some(counted / all),
        _ => None,
    }
}

fn of_ratio(measure: DriftMeasure, rows: &[Vec<Vec<f64>>; 2], sampling: Sampling) -> DriftFinding {
    let sums = [0, 1].map(|side: usize| [sum(&rows[side], 0), sum(&rows[side], 1)]);
    let mut found = untested(measure, rows, sums.map(|[_, all]| whole(all)));
    (found.reference, found.current) = (quotient(&sums[0]), quotient(&sums[1]));
    found.effect = effect(measure, found.reference, found.current);
    if rows.iter().all(|side| side.len() >= FEWEST_ENCOUNTERS) {
        found.p = Some(permutation(Rows { reference: &rows[0], current: &rows[1] }, apart, sampling));
    }
    found
}

/// Of a rate the difference, of a mean the difference relative to the reference's.
fn effect(measure: DriftMeasure, reference: Option<f64>, current: Option<f64>) -> Option<f64> {
    let (reference, current) = (reference?, current?);
    if measure.is_rate() { Some(current - reference) } else { (reference > 0.0).then(|| (current - reference) / reference) }
}

fn of_distribution(
    measure: DriftMeasure,
    (classes, rows): (&[String], &[Vec<Vec<f64>>; 2]),
    sampling: Sampling,
) -> DriftFinding {
    let sums: [Vec<f64>; 2] = [0, 1].map(|side: usize| (0..classes.len()).map(|column| sum(&rows[side], column)).collect());
    let all = [0, 1].map(|side: usize| sums[side].iter().sum::<f64>());
    let mut found = untested(measure, rows, all.map(whole));
    if all.iter().all(|all| *all > 0.0) {
        found.effect = Some(stability_index(&sums[0], &sums[1]));
        found.divergence = Some(jensen_shannon(&sums[0], &sums[1]));
    }
    let share = |side: usize, column: usize| if all[side] > 0.0 { sums[side][column] / all[side] } else { 0.0 };
    found.shares = classes
        .iter()
        .enumerate()
        .map(|(column, class)| DriftShare { class: class.clone(), reference: share(0, column), current: share(1, column) })
        .collect();
    found.shares.sort_by(|one, other| {
        let moved = |share: &DriftShare| (share.current - share.reference).abs();
        moved(other).total_cmp(&moved(one))
    });
    if rows.iter().all(|side| side.len() >= FEWEST_ENCOUNTERS) {
        found.p = Some(permutation(Rows { reference: &rows[0], current: &rows[1] }, jensen_shannon, sampling));
    }
    found
}

/// The commonest types of notes as classes, the rest as one; and the counts of the encounters in their order.
fn classes(types: &[Vec<BTreeMap<String, f64>>; 2]) -> (Vec<String>, [Vec<Vec<f64>>; 2]) {
    let mut all: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, notes) in types.iter().flatten().flatten() {
        *all.entry(name).or_default() += notes;
    }
    let mut names: Vec<&str> = all.keys().copied().collect();
    names.sort_by(|one, other| all[other].total_cmp(&all[one]).then(one.cmp(other)));
    let rest = names.len() > MOST_TYPES;
    names.truncate(MOST_TYPES);
    let width = names.len() + usize::from(rest);
    let row = |encounter: &BTreeMap<String, f64>| {
        let mut row = vec![0.0; width];
        for (name, notes) in encounter {
            let column = names.iter().position(|known| *known == name.as_str()).unwrap_or(names.len());
            row[column] += notes;
        }
        row
    };
    let rows = [0, 1].map(|side: usize| types[side].iter().map(row).collect());
    let mut classes: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    if rest {
        classes.push(OTHER.to_owned());
    }
    (classes, rows)
}

/// Notes a day. Days before the first note of the reference do not count: nothing was sent yet.
fn of_arrivals(seen: &Observations, sampling: Sampling) -> DriftFinding {
    let Windows { reference, current } = seen.windows;
    let whole_days = |window: DriftWindow| {
        let newest = seen.day(window.until - SignedDuration::from_nanos(1));
        let days = window.until.duration_since(window.from).as_secs() / (24 * 3_600);
        newest..newest + days
    };
    let first = seen.arrivals[0].keys().next_back().copied().unwrap_or(i64::MIN);
    let day = |side: usize, day: i64| (day.rem_euclid(7), vec![seen.arrivals[side].get(&day).copied().unwrap_or(0.0), 1.0]);
    let rows: [Vec<(i64, Vec<f64>)>; 2] = [
        whole_days(reference).filter(|number| *number <= first).map(|number| day(0, number)).collect(),
        whole_days(current).map(|number| day(1, number)).collect(),
    ];
    let all = [0, 1].map(|side: usize| rows[side].iter().map(|(_, row)| row.clone()).collect::<Vec<_>>());
    let mut found = untested(DriftMeasure::NoteArrivals, &all, [0, 1].map(|side: usize| whole(sum(&all[side], 0))));
    let sums = [0, 1].map(|side: usize| [sum(&all[side], 0), sum(&all[side], 1)]);
    (found.reference, found.current) = (quotient(&sums[0]), quotient(&sums[1]));
    found.effect = effect(found.measure, found.reference, found.current);
    if (0..2).all(|side| all[side].len() >= FEWEST_DAYS[side]) {
        let of = |side: usize, weekday: i64| -> Vec<Vec<f64>> {
            rows[side].iter().filter(|(one, _)| *one == weekday).map(|(_, row)| row.clone()).collect()
        };
        let strata: Vec<[Vec<Vec<f64>>; 2]> = (0..7).map(|weekday| [of(0, weekday), of(1, weekday)]).collect();
        let strata: Vec<Rows<'_>> = strata.iter().map(|[reference, current]| Rows { reference, current }).collect();
        found.p = Some(permutation_within(&strata, apart, sampling));
    }
    found
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
