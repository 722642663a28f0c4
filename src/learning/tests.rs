//! Proposals of invented outcomes.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;
use crate::domain::{
    ChosenCode, Ended, EntryKind, EntryOutcome, ItemOutcome, ItemState, KindThreshold, PackChange, Proposal, SitePack, SiteTerm,
};

fn code(code: &str) -> ChosenCode {
    ChosenCode { system: "icd".to_owned(), code: code.to_owned(), display: format!("name of {code}") }
}

fn entry(words: &str, ended: Ended, suggested: Option<&str>, left: &[&str]) -> EntryOutcome {
    EntryOutcome {
        entry_id: Uuid::from_u128(9),
        kind: EntryKind::Diagnosis,
        ended,
        words: words.to_owned(),
        other_words: Vec::new(),
        note_id: None,
        note_type: None,
        section: Some("assessment".to_owned()),
        suggested: suggested.map(code),
        confidence: suggested.map(|_| 0.9),
        others: Vec::new(),
        codes: left.iter().map(|one| code(one)).collect(),
        assertion: [None, None],
        status: [None, None],
        charted: true,
        reason: None,
        decided: None,
        bulk: false,
        engine: None,
    }
}

/// Encounter number `at`, of patient `patient`, decided by coder `coder`.
fn item((at, patient, coder): (u128, u128, u128), entries: Vec<EntryOutcome>) -> ItemOutcome {
    let when = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(i64::try_from(at).expect("small"));
    let decided = Some((Uuid::from_u128(coder), "coder".to_owned(), when));
    ItemOutcome {
        item: Uuid::from_u128(at),
        patient: Some(Uuid::from_u128(1_000 + patient)),
        revision: 1,
        state: ItemState::Finished,
        received_at: when,
        finished: None,
        encounter_class: None,
        facility: None,
        department: None,
        service_date: None,
        note_types: Vec::new(),
        engines: Vec::new(),
        entries: entries.into_iter().map(|one| EntryOutcome { decided: decided.clone(), ..one }).collect(),
    }
}

fn gathered(items: impl IntoIterator<Item = ItemOutcome>) -> Gathered {
    let mut gathered = Gathered::default();
    items.into_iter().for_each(|item| gathered.add(&item));
    gathered
}

fn proposals(items: impl IntoIterator<Item = ItemOutcome>) -> Vec<Proposal> {
    gathered(items).proposals(&Floors::default(), &SitePack::default(), |_| 40)
}

/// Encounters of different patients by two coders in turn.
fn many(count: u128, of: impl Fn(u128) -> EntryOutcome) -> Vec<ItemOutcome> {
    (1..=count).map(|at| item((at, at, 7 + at % 2), vec![of(at)])).collect()
}

#[test]
fn words_that_coders_add_become_a_term() {
    let found = proposals(many(3, |_| entry("hfref", Ended::Added, None, &["I50.2"])));
    let [proposal] = &found[..] else { panic!("one proposal: {found:?}") };
    let PackChange::AddTerm(SiteTerm { words, code, .. }) = &proposal.change else { panic!("a term") };
    assert_eq!((words.as_str(), code.code.as_str(), code.display.as_str()), ("hfref", "I50.2", "name of I50.2"));
    let evidence = &proposal.evidence;
    assert_eq!((evidence.support, evidence.encounters, evidence.patients, evidence.coders), (3, 3, 3, 2));
    assert_eq!((evidence.examples.len(), evidence.first < evidence.last), (3, true));
    assert_eq!((proposal.effect.would_have_saved, proposal.effect.would_have_broken), (3, 0));
}

#[test]
fn nothing_is_proposed_on_the_word_of_few() {
    let added = |at| entry(if at == 99 { "other" } else { "hfref" }, Ended::Added, None, &["I50.2"]);
    assert!(proposals(many(2, added)).is_empty(), "two entries");
    let one_coder = (1..=5).map(|at| item((at, at, 7), vec![added(at)]));
    assert!(proposals(one_coder).is_empty(), "one coder");
    let one_patient = (1..=5).map(|at| item((at, 1, at), vec![added(at)]));
    assert!(proposals(one_patient).is_empty(), "one patient: it may be a name");
    let open = many(5, added).into_iter().map(|item| ItemOutcome { state: ItemState::Open, ..item });
    assert!(proposals(open).is_empty(), "not finished");
    assert!(proposals(many(5, |_| entry("mrn 4471902", Ended::Added, None, &["I50.2"]))).is_empty(), "a number");
    let torn = many(8, |at| entry("hfref", Ended::Added, None, if at % 2 == 0 { &["I50.2"] } else { &["I50.3"] }));
    assert!(proposals(torn).is_empty(), "coders do not agree");
    let mostly = many(40, |at| entry("hfref", Ended::Added, None, if at % 4 == 0 { &["I50.3"] } else { &["I50.2"] }));
    assert!(proposals(mostly).is_empty(), "three quarters are not nearly all, however many they are");
    let known = many(5, |at| match at {
        1 => entry("hfref", Ended::Accepted, Some("I50.2"), &["I50.2"]),
        _ => entry("hfref", Ended::Added, None, &["I50.2"]),
    });
    assert!(proposals(known).is_empty(), "the engine knows the words, and missed them for another reason");
}

#[test]
fn what_is_always_rejected_is_suppressed_and_what_is_sometimes_right_is_not() {
    let rejected = |_| entry("cold", Ended::Rejected, Some("J00"), &[]);
    let found = proposals(many(9, rejected));
    let [proposal] = &found[..] else { panic!("one proposal: {found:?}") };
    assert!(matches!(&proposal.change, PackChange::Suppress(term) if term.section.is_none()), "{proposal:?}");
    assert_eq!((proposal.effect.would_have_saved, proposal.effect.would_have_broken), (9, 0));
    assert!(proposals(many(8, rejected)).is_empty(), "too few to be sure");
    let sometimes = many(20, |at| match at % 4 {
        0 => entry("cold", Ended::Accepted, Some("J00"), &["J00"]),
        _ => entry("cold", Ended::Rejected, Some("J00"), &[]),
    });
    assert!(proposals(sometimes).is_empty());
    // right in the assessment, wrong in the review of systems
    let by_section = many(40, |at| match at % 2 {
        0 => entry("cold", Ended::Accepted, Some("J00"), &["J00"]),
        _ => EntryOutcome { section: Some("review_of_systems".to_owned()), ..entry("cold", Ended::Rejected, Some("J00"), &[]) },
    });
    // the odd encounters are all of one coder; give them to both
    let by_section = by_section.into_iter().enumerate().map(|(at, mut one)| {
        for entry in &mut one.entries {
            entry.decided = Some((Uuid::from_u128((at / 2 % 2) as u128), "c".to_owned(), Timestamp::UNIX_EPOCH));
        }
        one
    });
    let found = proposals(by_section);
    let [proposal] = &found[..] else { panic!("one proposal: {found:?}") };
    let PackChange::Suppress(term) = &proposal.change else { panic!("a suppression") };
    assert_eq!(term.section.as_deref(), Some("review_of_systems"));
    assert_eq!((proposal.effect.would_have_saved, proposal.effect.would_have_broken), (20, 0));
}

#[test]
fn a_code_that_is_always_changed_becomes_a_preference() {
    let found = proposals(many(12, |at| match at {
        1 => entry("ckd", Ended::Accepted, Some("N18.9"), &["N18.9"]),
        _ => entry("ckd", Ended::Amended, Some("N18.9"), &["N18.30"]),
    }));
    let [proposal] = &found[..] else { panic!("one proposal: {found:?}") };
    let PackChange::Prefer(preference) = &proposal.change else { panic!("a preference") };
    assert_eq!(preference.instead_of.as_ref().map(|one| one.code.as_str()), Some("N18.9"));
    assert_eq!(preference.code.code, "N18.30");
    assert_eq!((proposal.effect.would_have_saved, proposal.effect.would_have_broken), (11, 1));
    assert_eq!(proposal.benefit(), 8);
}

#[test]
fn a_threshold_hides_few_of_what_was_accepted() {
    let items = (1..=400).map(|at: u128| {
        let (ended, confidence) = if at.is_multiple_of(2) { (Ended::Accepted, 0.8) } else { (Ended::Rejected, 0.55) };
        let left: &[&str] = if at.is_multiple_of(2) { &["A"] } else { &[] };
        // every entry of other words, so that nothing else is proposed
        let one = EntryOutcome { confidence: Some(confidence), ..entry(&format!("w{at}"), ended, Some("A"), left) };
        item((at, at, at), vec![one])
    });
    let found = proposals(items);
    let [proposal] = &found[..] else { panic!("one proposal: {found:?}") };
    assert_eq!(proposal.change, PackChange::SetThreshold(KindThreshold { kind: EntryKind::Diagnosis, shown_from: 80 }));
    assert_eq!((proposal.effect.would_have_saved, proposal.effect.would_have_broken), (200, 0));
}

#[test]
fn what_the_pack_says_is_not_proposed_again() {
    let items = many(3, |_| entry("hfref", Ended::Added, None, &["I50.2"]));
    let change = proposals(items.clone()).remove(0).change;
    let pack = SitePack::default().with(change.clone());
    assert!(gathered(items).proposals(&Floors::default(), &pack, |_| 40).is_empty());
    assert_eq!(change.proposal_id(), change.clone().proposal_id());
    let PackChange::AddTerm(term) = change else { panic!("a term") };
    let other = SiteTerm { words: "hfpef".to_owned(), ..term.clone() };
    assert_ne!(PackChange::AddTerm(other).proposal_id(), PackChange::AddTerm(term.clone()).proposal_id());
    let renamed = SiteTerm { code: ChosenCode { display: "another name".to_owned(), ..term.code.clone() }, ..term.clone() };
    assert_eq!(
        PackChange::AddTerm(renamed).proposal_id(),
        PackChange::AddTerm(term).proposal_id(),
        "a name is no other change"
    );
}

#[test]
fn words_are_found_whole() {
    assert_eq!(occurrences("known hfref and hfref", "hfref"), 2);
    assert_eq!(occurrences("hfrefs and prehfref", "hfref"), 0);
    assert_eq!(occurrences("heart failure reduced", "heart failure"), 1);
    assert_eq!(occurrences("x", ""), 0);
}

/// Whatever coders did, no proposal stands on less than its floors, and each is told once, in the order of its benefit.
#[test]
fn no_proposal_falls_short_of_its_floors() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let endings = [Ended::Accepted, Ended::Amended, Ended::Rejected, Ended::Added, Ended::Ignored];
    let mut told = 0;
    for _ in 0..60 {
        let favourite = draw(5);
        let items: Vec<ItemOutcome> = (0..30)
            .map(|at| {
                let entries = (0..3).map(|_| {
                    let ended = endings[usize::try_from(if draw(10) < 8 { favourite } else { draw(5) }).expect("small")];
                    let words = ["alpha", "beta", "gamma"][usize::try_from(draw(3)).expect("small")];
                    let (one, other) = (["A", "B"][usize::try_from(draw(2)).expect("small")], "C");
                    match ended {
                        Ended::Added => entry(words, ended, None, &[one]),
                        Ended::Amended => entry(words, ended, Some("A"), &[other]),
                        Ended::Accepted => entry(words, ended, Some(one), &[one]),
                        Ended::Rejected | Ended::Ignored => entry(words, ended, Some(one), &[]),
                    }
                });
                let entries = entries.collect();
                item((at + 1, u128::from(draw(6)), u128::from(draw(3))), entries)
            })
            .collect();
        let floors = Floors::default();
        let found = proposals(items.clone());
        told += found.len();
        for proposal in &found {
            let evidence = &proposal.evidence;
            assert!(evidence.support >= floors.entries && evidence.encounters >= floors.encounters, "{proposal:?}");
            assert!(evidence.patients >= floors.patients && evidence.coders >= floors.coders, "{proposal:?}");
            if matches!(proposal.change, PackChange::Suppress(_)) {
                assert!(
                    evidence.rejected * 10 > (evidence.accepted + evidence.amended + evidence.rejected) * 7,
                    "{proposal:?}"
                );
            }
        }
        assert!(found.windows(2).all(|pair| pair[0].benefit() >= pair[1].benefit()));
        let mut ids: Vec<Uuid> = found.iter().map(|one| one.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), found.len());
        assert_eq!(proposals(items), found, "the same again");
    }
    assert!(told > 20, "{told} proposals: the draws must reach some");
}
