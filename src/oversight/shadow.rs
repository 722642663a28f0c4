//! What two engines would have suggested for encounters that coders finished, held against what coders left.
//!
//! Gold is what coders left to be charted: accepted, amended, added. A suggestion is right when it is of the same kind and stands at the same words,
//! or has the same code; what meets a rejected entry, or nothing that a coder decided on, is wrong. Coders saw the suggestions of the engine of that
//! time: what it missed and they missed too is counted against whoever finds it. So the champion is favoured, never the challenger.

use uuid::Uuid;

use crate::{
    domain::{
        Decision, DecisionKind, EntryKind, EntryState, MOST_DIFFERENCES, OffsetUnit, ReviewEntry, ShadowChange,
        ShadowDifference, ShadowEffort, ShadowFigure, ShadowKind, ShadowReport, ShadowRule, ShadowVerdict, Span,
    },
    statistics::{PairedDifference, Sampling, paired},
    store::ItemRecord,
    text::OffsetMap,
};

/// An entry as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its id.
    pub id: Uuid,
    /// What it states.
    pub kind: EntryKind,
    /// Where it stands: note and bytes.
    pub places: Vec<(Uuid, Span)>,
    /// Its codes with their systems; of a suggestion the first alone counts.
    pub codes: Vec<String>,
}

/// An encounter: what coders left, what they did not want, and what the two engines suggest to be charted, the champion first.
#[derive(Debug, Clone, Default)]
pub struct ShadowCase {
    /// The encounter.
    pub item: Uuid,
    /// Left to be charted.
    pub right: Vec<Compared>,
    /// Decided on, and not to be charted.
    pub wrong: Vec<Compared>,
    /// What is suggested.
    pub suggested: [Vec<Compared>; 2],
}

fn compared(entry: &ReviewEntry) -> Compared {
    Compared {
        id: entry.id,
        kind: entry.kind,
        places: entry.evidence.iter().map(|(note, evidence)| (*note, Span::new(evidence.start, evidence.end))).collect(),
        codes: entry.codes.iter().map(|code| format!("{}|{}", code.system, code.code)).collect(),
    }
}

/// Whether it would be charted as it stands.
fn is_charted(entry: &ReviewEntry) -> bool {
    ReviewEntry { state: EntryState::Suggested, changed: None, ..entry.clone() }.needs_decision()
}

impl ShadowCase {
    /// Of a finished encounter; `left` are its entries with the decisions of coders, `suggested` those that the two engines would make.
    #[must_use]
    pub fn new(record: &ItemRecord, left: &[ReviewEntry], suggested: [&[ReviewEntry]; 2]) -> Self {
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for entry in left {
            match entry.state {
                EntryState::Accepted | EntryState::Amended | EntryState::Added if is_charted(entry) => {
                    let mut one = compared(entry);
                    one.places.extend(entry.decisions.iter().rev().find_map(|decision| place_of(record, decision)));
                    if !entry.has_chosen_codes() && entry.kind != EntryKind::Medication {
                        one.codes.truncate(1);
                    }
                    right.push(one);
                }
                EntryState::Accepted | EntryState::Amended | EntryState::Added | EntryState::Rejected => {
                    wrong.push(compared(entry));
                }
                EntryState::Suggested | EntryState::Withdrawn => {}
            }
        }
        let charted = |entries: &[ReviewEntry]| entries.iter().filter(|entry| is_charted(entry)).map(compared).collect();
        Self { item: record.item.id, right, wrong, suggested: suggested.map(charted) }
    }
}

/// Where a coder marked an added entry, in bytes.
fn place_of(record: &ItemRecord, decision: &Decision) -> Option<(Uuid, Span)> {
    let DecisionKind::Add { note_id: Some(note), start: Some(start), end: Some(end), .. } = &decision.kind else { return None };
    let (found, _) = record.notes.iter().find(|(one, _)| one.id == *note)?;
    let span = OffsetMap::new(&found.content.text, OffsetUnit::Codepoint).to_bytes(Span::new(*start, *end))?;
    Some((*note, span))
}

/// How well a suggestion meets an entry: 0 not at all, 3 by words and code, 2 by code, 1 by words.
fn meets(suggested: &Compared, entry: &Compared) -> u8 {
    if suggested.kind != entry.kind {
        return 0;
    }
    let overlap = suggested.places.iter().any(|(note, one)| {
        entry.places.iter().any(|(other_note, other)| note == other_note && one.start < other.end && other.start < one.end)
    });
    match (overlap, has_code_of(suggested, entry)) {
        (true, true) => 3,
        (false, true) => 2,
        (true, false) => 1,
        (false, false) => 0,
    }
}

fn has_code_of(suggested: &Compared, entry: &Compared) -> bool {
    suggested.codes.first().is_some_and(|code| entry.codes.contains(code))
}

/// Which suggestion stands for each entry, one for one, the best first.
fn matched(suggested: &[Compared], entries: &[&Compared]) -> Vec<Option<usize>> {
    let mut pairs: Vec<(u8, usize, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let of = suggested.iter().enumerate().map(|(place, one)| (meets(one, entry), at, place));
        pairs.extend(of.filter(|(met, ..)| *met > 0));
    }
    pairs.sort_by_key(|(met, at, place)| (std::cmp::Reverse(*met), *at, *place));
    let (mut out, mut taken) = (vec![None; entries.len()], vec![false; suggested.len()]);
    for (_, at, place) in pairs {
        if out[at].is_none() && !taken[place] {
            (out[at], taken[place]) = (Some(place), true);
        }
    }
    out
}

/// What an engine made of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Missed,
    Miscoded,
    Right,
}

/// Sums of an encounter of one engine and kind: suggested and right, suggested and wrong, missed, with the right code, with a code to be right,
/// right with what code they have.
const SUMS: usize = 6;
type Sums = [f64; SUMS];

const KINDS: [EntryKind; 4] = [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy, EntryKind::NoKnownAllergies];

/// One kind of an encounter.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    sums: [Sums; 2],
    gold: u64,
    unseen: [u64; 2],
    saved: u64,
    broken: u64,
}

/// What encounters came to.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    rows: Vec<[Row; 4]>,
    differences: Vec<ShadowDifference>,
    differing: u64,
}

impl Scores {
    /// Adds an encounter.
    pub fn add(&mut self, case: &ShadowCase) {
        let mut rows = [Row::default(); 4];
        let judged: Vec<&Compared> = case.right.iter().chain(&case.wrong).collect();
        let matches = [0, 1].map(|engine: usize| matched(&case.suggested[engine], &judged));
        for (at, entry) in judged.iter().enumerate() {
            let row = &mut rows[place(entry.kind)];
            let found = [0, 1].map(|engine: usize| matches[engine][at].map(|place| &case.suggested[engine][place]));
            if at >= case.right.len() {
                for (sums, found) in row.sums.iter_mut().zip(found) {
                    sums[1] += f64::from(u8::from(found.is_some()));
                }
                self.weigh(row, found.map(|found| found.is_some()), (case.item, entry), |now| {
                    if now { ShadowChange::Raised } else { ShadowChange::Silenced }
                });
                continue;
            }
            row.gold += 1;
            let made = found.map(|found| match found {
                None => Made::Missed,
                Some(found) if entry.codes.is_empty() && found.codes.is_empty() || has_code_of(found, entry) => Made::Right,
                Some(_) => Made::Miscoded,
            });
            for (sums, made) in row.sums.iter_mut().zip(made) {
                let coded = f64::from(u8::from(!entry.codes.is_empty()));
                match made {
                    Made::Missed => sums[2] += 1.0,
                    Made::Miscoded => {
                        sums[0] += 1.0;
                        sums[4] += coded;
                    }
                    Made::Right => {
                        sums[0] += 1.0;
                        sums[3] += coded;
                        sums[4] += coded;
                        sums[5] += 1.0;
                    }
                }
            }
            self.weigh(row, made.map(|made| made != Made::Right), (case.item, entry), |now| match (now, made[1]) {
                (false, _) => ShadowChange::Gained,
                (true, Made::Missed) => ShadowChange::Lost,
                (true, _) => ShadowChange::Miscoded,
            });
        }
        let unmatched = [0, 1].map(|engine: usize| -> Vec<&Compared> {
            let taken: Vec<usize> = matches[engine].iter().flatten().copied().collect();
            let all = case.suggested[engine].iter().enumerate();
            all.filter(|(place, _)| !taken.contains(place)).map(|(_, one)| one).collect()
        });
        for (engine, other) in [(0, 1), (1, 0)] {
            for one in &unmatched[engine] {
                let row = &mut rows[place(one.kind)];
                row.sums[engine][1] += 1.0;
                row.unseen[engine] += 1;
                if !unmatched[other].iter().any(|same| same.id == one.id || meets(same, one) == 3) {
                    let needs = [engine == 0, engine == 1];
                    self.weigh(row, needs, (case.item, one), |now| if now { ShadowChange::Unseen } else { ShadowChange::Gone });
                }
            }
        }
        self.rows.push(rows);
    }

    /// Whether coders would have to act on an entry, with the champion and with the challenger.
    fn weigh(
        &mut self,
        row: &mut Row,
        [before, now]: [bool; 2],
        (item, entry): (Uuid, &Compared),
        change: impl Fn(bool) -> ShadowChange,
    ) {
        if before == now {
            return;
        }
        if now {
            row.broken += 1;
        } else {
            row.saved += 1;
        }
        self.differing += 1;
        if self.differences.len() < MOST_DIFFERENCES {
            self.differences.push(ShadowDifference { item, entry: entry.id, kind: entry.kind, change: change(now) });
        }
    }

    /// Encounters that were added.
    #[must_use]
    pub fn encounters(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The figures by kind, those that have something; all together last.
    fn kinds(&self, sampling: Sampling) -> Vec<ShadowKind> {
        let of_kind = |at: usize| self.rows.iter().map(move |rows| rows[at]);
        let all = self.rows.iter().map(|rows| {
            let mut all = Row::default();
            for row in rows {
                all.add(row);
            }
            all
        });
        let by_kind = KINDS.into_iter().enumerate().map(|(at, kind)| kind_of(Some(kind), of_kind(at).collect(), sampling));
        by_kind.filter(|kind| kind.encounters > 0).chain([kind_of(None, all.collect(), sampling)]).collect()
    }
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.sums.iter_mut().flatten().zip(other.sums.iter().flatten()).for_each(|(sum, value)| *sum += value);
        self.unseen.iter_mut().zip(other.unseen).for_each(|(sum, value)| *sum += value);
        self.gold += other.gold;
        self.saved += other.saved;
        self.broken += other.broken;
    }

    fn is_empty(&self) -> bool {
        self.gold == 0 && self.sums.iter().flatten().all(|sum| *sum == 0.0)
    }
}

fn place(kind: EntryKind) -> usize {
    KINDS.iter().position(|one| *one == kind).unwrap_or_default()
}

fn share(of: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| of / all)
}

fn precision([right, wrong, ..]: &Sums) -> Option<f64> {
    share(*right, right + wrong)
}

fn recall([right, _, missed, ..]: &Sums) -> Option<f64> {
    share(*right, right + missed)
}

fn f1([right, wrong, missed, ..]: &Sums) -> Option<f64> {
    share(2.0 * right, 2.0 * right + wrong + missed)
}

fn code_at_1([.., right, all, _]: &Sums) -> Option<f64> {
    share(*right, *all)
}

/// What has another code is missed, and wrong besides.
fn coded_f1([right, wrong, missed, _, _, coded]: &Sums) -> Option<f64> {
    share(2.0 * coded, 2.0 * coded + (wrong + right - coded) + (missed + right - coded))
}

fn kind_of(kind: Option<EntryKind>, mut rows: Vec<Row>, sampling: Sampling) -> ShadowKind {
    rows.retain(|row| !row.is_empty());
    let sums: Vec<[Sums; 2]> = rows.iter().map(|row| row.sums).collect();
    let figure = |value: fn(&Sums) -> Option<f64>| paired(&sums, value, sampling).map(figure_of);
    let mut all = Row::default();
    rows.iter().for_each(|row| all.add(row));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums of counts")]
    let effort = all.sums.map(|[right, wrong, missed, _, _, coded]| ShadowEffort {
        add: missed as u64,
        amend: (right - coded) as u64,
        reject: wrong as u64,
    });
    ShadowKind {
        kind,
        encounters: rows.len() as u64,
        gold: all.gold,
        precision: figure(precision),
        recall: figure(recall),
        f1: figure(f1),
        code_at_1: figure(code_at_1),
        coded_f1: figure(coded_f1),
        effort,
        saved: all.saved,
        broken: all.broken,
        unseen: all.unseen,
    }
}

fn figure_of(found: PairedDifference) -> ShadowFigure {
    ShadowFigure { champion: found.first, challenger: found.second, low: found.low, high: found.high, p: found.p }
}

/// Fills in what the encounters of a report came to, and what that means by its rule.
#[must_use]
pub fn judged(report: ShadowReport, scores: Scores, sampling: Sampling) -> ShadowReport {
    let kinds = scores.kinds(sampling);
    let (verdict, not_shown) = verdict(&kinds, report.rule, scores.encounters());
    ShadowReport {
        encounters: scores.encounters(),
        kinds,
        verdict,
        not_shown,
        differences: scores.differences,
        differing: scores.differing,
        ..report
    }
}

/// It passes when it is not worse beyond the margin on any kind with enough encounters nor on all together, and no worse at all on the sum.
fn verdict(kinds: &[ShadowKind], rule: ShadowRule, encounters: u64) -> (ShadowVerdict, Vec<Option<EntryKind>>) {
    let sum = kinds.iter().find(|one| one.kind.is_none());
    let enough = |one: &&ShadowKind| one.kind.is_none() || one.encounters >= rule.encounters_of_kind();
    let is_shown = |figure: Option<ShadowFigure>| figure.is_none_or(|figure| figure.low > -rule.margin);
    let not_shown: Vec<Option<EntryKind>> =
        kinds.iter().filter(enough).filter(|one| !(is_shown(one.f1) && is_shown(one.coded_f1))).map(|one| one.kind).collect();
    let Some(coded) = sum.and_then(|sum| sum.coded_f1).filter(|_| encounters >= rule.encounters) else {
        return (ShadowVerdict::TooFew, not_shown);
    };
    if coded.difference() < -1e-12 {
        return (ShadowVerdict::Worse, not_shown);
    }
    (if not_shown.is_empty() { ShadowVerdict::Passed } else { ShadowVerdict::NotShown }, not_shown)
}

#[cfg(test)]
#[path = "shadow_tests.rs"]
mod tests;
