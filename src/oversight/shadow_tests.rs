//! Shadow runs: known values, and what passes.

use jiff::Timestamp;

use super::*;
use crate::domain::EngineIdentity;

const SAMPLING: Sampling = Sampling { draws: 1_000, seed: 11 };
const DIAGNOSIS: EntryKind = EntryKind::Diagnosis;

/// An entry at a place of the one note, by its code; none = no code.
fn at(number: u128, place: usize, code: &str) -> Compared {
    Compared {
        id: Uuid::from_u128(number),
        kind: DIAGNOSIS,
        places: vec![(Uuid::nil(), Span::new(10 * place, 10 * place + 5))],
        codes: if code.is_empty() { Vec::new() } else { vec![code.to_owned()] },
    }
}

fn report(cases: &[ShadowCase], rule: ShadowRule) -> ShadowReport {
    let identity = EngineIdentity { version: "1".into(), model: "m".into(), vocabulary: "v".into(), site_pack: None };
    let empty = ShadowReport {
        proposals: Vec::new(),
        id: Uuid::nil(),
        at: Timestamp::UNIX_EPOCH,
        by: String::new(),
        champion: identity.clone(),
        challenger: identity,
        since: Timestamp::UNIX_EPOCH,
        encounters: 0,
        notes: 0,
        failed: Vec::new(),
        seconds: [0.0; 2],
        kinds: Vec::new(),
        rule,
        verdict: ShadowVerdict::TooFew,
        not_shown: Vec::new(),
        differences: Vec::new(),
        differing: 0,
    };
    let mut scores = Scores::default();
    cases.iter().for_each(|case| scores.add(case));
    judged(empty, scores, SAMPLING)
}

/// Left by coders: A (suggested by both), B (by the challenger alone; the champion has another code), C (by nobody). Not wanted: D (by the
/// champion alone). Looked at by nobody: E (by both), F (by the challenger).
fn case() -> ShadowCase {
    ShadowCase {
        item: Uuid::from_u128(1),
        right: vec![at(1, 1, "A"), at(2, 2, "B"), at(3, 3, "C")],
        wrong: vec![at(4, 4, "D")],
        suggested: [
            vec![at(11, 1, "A"), at(12, 2, "X"), at(14, 4, "D"), at(15, 5, "E")],
            vec![at(21, 1, "A"), at(22, 2, "B"), at(25, 5, "E"), at(26, 6, "F")],
        ],
    }
}

#[test]
fn figures_are_those_worked_out_by_hand() {
    let found = report(&[case()], ShadowRule { margin: 0.02, encounters: 1 });
    let [kind, sum] = &found.kinds[..] else { panic!("{:?}", found.kinds) };
    assert_eq!((kind.kind, sum.kind, kind.encounters, kind.gold), (Some(DIAGNOSIS), None, 1, 3));
    let both =
        |figure: Option<ShadowFigure>| figure.map(|figure| [figure.champion, figure.challenger].map(|one| (one * 1e4).round()));
    // champion: 2 right (one miscoded), 2 wrong, 1 missed; challenger: 2 right, 2 wrong, 1 missed
    assert_eq!(both(sum.precision), Some([5_000.0, 5_000.0]));
    assert_eq!(both(sum.recall), Some([6_667.0, 6_667.0]));
    assert_eq!(both(sum.f1), Some([5_714.0, 5_714.0]));
    assert_eq!(both(sum.code_at_1), Some([5_000.0, 10_000.0]));
    // champion: 2·1 / (2·1 + 3 + 2); challenger: 2·2 / (2·2 + 2 + 1)
    assert_eq!(both(sum.coded_f1), Some([2_857.0, 5_714.0]));
    let effort = |add, amend, reject| ShadowEffort { add, amend, reject };
    assert_eq!(sum.effort, [effort(1, 1, 2), effort(1, 0, 2)]);
    // saved: B need not be amended, D need not be rejected; broken: F is to be rejected
    assert_eq!((sum.saved, sum.broken, sum.unseen), (2, 1, [1, 2]));
    let changes: Vec<_> = found.differences.iter().map(|one| (one.entry.as_u128(), one.change)).collect();
    assert_eq!(changes, [(2, ShadowChange::Gained), (4, ShadowChange::Silenced), (26, ShadowChange::Unseen)]);
    assert_eq!((found.differing, found.encounters), (3, 1));
}

#[test]
fn a_code_elsewhere_in_the_encounter_is_the_same_entry_and_another_kind_is_not() {
    let mut one = ShadowCase { right: vec![at(1, 1, "A")], ..ShadowCase::default() };
    one.suggested = [vec![at(11, 7, "A")], vec![Compared { kind: EntryKind::Allergy, ..at(21, 1, "A") }]];
    let found = report(&[one], ShadowRule::default());
    let recall = found.kinds.last().and_then(|sum| sum.recall).expect("a recall");
    assert!((recall.champion - 1.0).abs() < 1e-9 && recall.challenger.abs() < 1e-9);
    assert_eq!(found.verdict, ShadowVerdict::TooFew);
}

/// Encounters in which both are right about A, and the challenger loses or gains B in some.
fn cases(lost: impl Fn(usize) -> bool, gained: impl Fn(usize) -> bool) -> Vec<ShadowCase> {
    let case = |number: usize| {
        let mut one = ShadowCase { item: Uuid::from_u128(number as u128), ..ShadowCase::default() };
        one.right = vec![at(1, 1, "A"), at(2, 2, "B")];
        let whole = vec![at(11, 1, "A"), at(12, 2, "B")];
        one.suggested = [whole.clone(), whole.clone()];
        if gained(number) {
            one.suggested[0].pop();
        }
        if lost(number) {
            one.suggested[1].pop();
        }
        one
    };
    (0..90).map(case).collect()
}

#[test]
fn what_is_worse_or_not_shown_does_not_pass() {
    let rule = ShadowRule::default();
    let verdict = |cases: &[ShadowCase]| report(cases, rule).verdict;
    assert_eq!(verdict(&cases(|_| false, |_| false)), ShadowVerdict::Passed);
    assert_eq!(verdict(&cases(|_| false, |number| number % 5 == 0)), ShadowVerdict::Passed);
    assert_eq!(verdict(&cases(|number| number % 5 == 0, |_| false)), ShadowVerdict::Worse);
    assert_eq!(verdict(&cases(|_| false, |_| false)[..49]), ShadowVerdict::TooFew);
    // as much gained as lost, in other encounters: the sum is the same, and chance may hide a loss beyond the margin
    let found = report(&cases(|number| number % 5 == 0, |number| number % 5 == 1), rule);
    assert_eq!((found.verdict, found.not_shown), (ShadowVerdict::NotShown, vec![Some(DIAGNOSIS), None]));
}

/// Gains in one kind do not buy losses in another one.
#[test]
fn no_kind_may_lose_what_another_gains() {
    let mut all = cases(|number| number % 4 == 0, |_| false);
    for one in &mut all {
        let allergy = Compared { kind: EntryKind::Allergy, ..at(3, 3, "Z") };
        one.right.push(allergy.clone());
        one.suggested[1].push(allergy);
    }
    let found = report(&all, ShadowRule::default());
    assert_eq!((found.verdict, found.not_shown), (ShadowVerdict::NotShown, vec![Some(DIAGNOSIS)]));
    let sum = found.kinds.last().and_then(|sum| sum.f1).expect("a figure");
    assert!(sum.difference() > 0.0 && sum.p < 0.05);
}
