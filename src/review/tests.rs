//! The roll-up, the edits and the checks of decisions, on small items.

use std::{collections::HashMap, sync::LazyLock};

use jiff::{Timestamp, civil::date};
use uuid::Uuid;

use super::*;
use crate::{
    coding::edits::{EditKind, EditRules, Severity},
    domain::{
        Assertion, Attributes, ChosenCode, CodeCandidate, CodeRole, CodedEntry, Decision, EncounterClass, EngineVersion,
        EntryKind, EntryState, Extraction, NewNote, NotReportable, Note, NoteStatus, OffsetUnit, Patient, ReviewItem, ScoredBy,
        Standing, Tally, system,
    },
    store::ItemRecord,
    vocabulary::{Tables, Vocabulary},
};

/// The tables of the program, and beside them an edition from October on in which K37 is two codes.
pub(crate) fn two_editions() -> Tables {
    let embedded = Tables::embedded().expect("tables");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    let next: Vec<String> = embedded
        .get("icd10cm.tsv")
        .expect("codes")
        .1
        .lines()
        .flat_map(|line| match line.strip_prefix("K37\t") {
            Some(_) => vec![
                "K37\t0\tUnspecified appendicitis".to_owned(),
                "K37.0\t1\tUnspecified appendicitis with phlegmon".to_owned(),
                "K37.9\t1\tUnspecified appendicitis, not further specified".to_owned(),
            ],
            None => vec![line.to_owned()],
        })
        .collect();
    write("icd10cm_next.tsv", &next.join("\n"));
    write(
        "editions.tsv",
        "edition\tfirst_day\tlast_day\tcodes\tnotes\nNext\t2026-10-01\t2027-09-30\ticd10cm_next.tsv\ticd10cm_notes.tsv\n\
         This\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv\n",
    );
    write("icd10cm_retired.tsv", "code\treplacements\nK37\tK37.9|K37.0\n");
    Tables::with_folder(folder.path()).expect("tables")
}

static HOUSE: LazyLock<(Vocabulary, EditRules)> = LazyLock::new(|| {
    let tables = two_editions();
    let vocabulary = Vocabulary::load(&tables).expect("loads");
    let table = |name: &str| tables.get(name).expect("a table");
    let (limits, policy) = (table("code_limits.tsv"), table("edit_policy.tsv"));
    let rules =
        EditRules::new(vocabulary.editions.all().map(|one| (one.name.as_str(), &one.codes, &one.notes)), limits, policy)
            .expect("rules");
    (vocabulary, rules)
});

fn candidate(code: &str, with: &[&str]) -> CodeCandidate {
    CodeCandidate {
        rank: 1,
        role: CodeRole::Code,
        system: system::ICD10CM.to_owned(),
        code: code.to_owned(),
        display: format!("title of {code}"),
        score: 0.9,
        with: with.iter().map(|code| (*code).to_owned()).collect(),
        why: String::new(),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    }
}

/// A suggested diagnosis: its first code with what stands beside it, and an alternative that nobody chose.
pub(crate) fn diagnosis(assertion: Assertion, codes: &[(&str, &[&str])]) -> CodedEntry {
    CodedEntry {
        id: String::new(),
        kind: EntryKind::Diagnosis,
        display: "a diagnosis".to_owned(),
        assertion: Some(assertion),
        status: None,
        scope: None,
        codes: codes.iter().map(|(code, with)| candidate(code, with)).collect(),
        confidence: Some(0.9),
        reportable: false,
        not_reportable_because: Some(NotReportable::CodeNotDetermined),
        attributes: Attributes::default(),
        prompts: Vec::new(),
        evidence: Vec::new(),
    }
}

fn note(content: NewNote, entries: Vec<CodedEntry>) -> (Note, Option<Extraction>) {
    let engine = EngineVersion {
        version: String::new(),
        model: String::new(),
        vocabulary: String::new(),
        edition: String::new(),
        edition_exact: true,
        site_pack: None,
    };
    let extraction = Extraction {
        note_id: String::new(),
        offset_unit: OffsetUnit::Utf8,
        engine,
        sections: Vec::new(),
        boilerplate: Vec::new(),
        alerts: Vec::new(),
        entries,
        medications: Vec::new(),
        spans: Vec::new(),
    };
    let note = Note {
        id: Uuid::from_u128(2),
        content,
        received_at: Timestamp::UNIX_EPOCH,
        status: NoteStatus::Ready,
        standing: Standing::Current,
        quarantine_reason: None,
        purged: None,
        item_id: Uuid::from_u128(1),
        patient_id: None,
        item_patient_id: None,
    };
    (note, Some(extraction))
}

fn on(day: jiff::civil::Date) -> NewNote {
    NewNote { service_date: Some(day), ..NewNote::default() }
}

fn item(class: Option<EncounterClass>, notes: Vec<(Note, Option<Extraction>)>) -> ItemRecord {
    let item = ReviewItem {
        patient: Some(Patient { sex: Some("female".to_owned()), birth_date: Some(date(1960, 1, 1)), ..Patient::default() }),
        encounter_class: class,
        ..ReviewItem::new(Uuid::from_u128(1), Timestamp::UNIX_EPOCH)
    };
    ItemRecord { item, notes, decisions: Vec::new(), overrides: Vec::new(), remarks: Vec::new() }
}

/// An outpatient of May with these suggestions.
pub(crate) fn drafted(entries: Vec<CodedEntry>) -> ItemRecord {
    item(Some(EncounterClass::Outpatient), vec![note(on(date(2026, 5, 4)), entries)])
}

/// The tables that these tests read.
pub(crate) fn vocabulary() -> &'static Vocabulary {
    &HOUSE.0
}

/// An item with one suggested diagnosis of this code and probability.
pub(crate) fn record_of(code: &str, probability: f32) -> ItemRecord {
    let entry =
        CodedEntry { id: "e1".to_owned(), confidence: Some(probability), ..diagnosis(Assertion::Present, &[(code, &[])]) };
    drafted(vec![entry])
}

/// Decides as the service does: on the words that the entry rests on now.
pub(crate) fn decide(record: &mut ItemRecord, entry_id: Uuid, kind: DecisionKind) {
    let decided = rollup(record).into_iter().find(|entry| entry.id == entry_id);
    let evidence = decided.map(|entry| entry.evidence_keys).unwrap_or_default();
    record.decisions.push(Decision {
        id: Uuid::from_u128(9),
        item_id: record.item.id,
        entry_id,
        user_id: Uuid::from_u128(7),
        user_name: "coder".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        kind,
        evidence,
    });
}

fn choose(codes: &[&str]) -> Vec<ChosenCode> {
    let chosen =
        |code: &&str| ChosenCode { system: system::ICD10CM.to_owned(), code: (*code).to_owned(), display: String::new() };
    codes.iter().map(chosen).collect()
}

pub(crate) fn amend(codes: &[&str], assertion: Option<Assertion>) -> DecisionKind {
    DecisionKind::Amend { codes: choose(codes), assertion, status: None, attributes: None, comment: None }
}

pub(crate) fn add(codes: &[&str], assertion: Assertion) -> DecisionKind {
    DecisionKind::Add {
        kind: EntryKind::Diagnosis,
        display: "added".to_owned(),
        codes: choose(codes),
        assertion: Some(assertion),
        status: None,
        note_id: None,
        start: None,
        end: None,
        comment: None,
    }
}

fn edits(record: &ItemRecord) -> Vec<ItemEdit> {
    let (vocabulary, rules) = &*HOUSE;
    item_edits((rules, &vocabulary.editions), record, &rollup(record))
}

fn found(record: &ItemRecord) -> Vec<String> {
    let edits = edits(record).into_iter().filter(|found| found.edit.severity != Severity::Informational);
    edits.map(|found| format!("{} {}", found.edit.kind.as_str(), found.edit.codes.join(" "))).collect()
}

#[test]
fn an_amendment_decides_anew_what_is_reportable() {
    use {Assertion::*, EncounterClass::*};
    for (class, said, amended, because) in [
        (Some(Inpatient), Present, Absent, Some(NotReportable::Negated)),
        (Some(Inpatient), Present, Family, Some(NotReportable::Family)),
        (Some(Inpatient), Absent, Possible, None),
        (Some(Outpatient), Present, Possible, Some(NotReportable::UncertainOutpatient)),
        (Some(Emergency), Present, Possible, Some(NotReportable::UncertainOutpatient)),
        (None, Present, Possible, Some(NotReportable::UncertainEncounterClassUnknown)),
        (Some(Outpatient), Possible, Present, None),
        (Some(Outpatient), Hypothetical, Historical, None),
    ] {
        let mut record = item(class, vec![note(on(date(2026, 5, 4)), vec![diagnosis(said, &[("I10", &[])])])]);
        let id = rollup(&record)[0].id;
        decide(&mut record, id, amend(&[], Some(amended)));
        let entry = rollup(&record).remove(0);
        assert_eq!((entry.reportable, entry.not_reportable_because), (because.is_none(), because), "{class:?} {amended:?}");
    }
}

#[test]
fn a_code_that_a_coder_gives_makes_reportable() {
    let mut record = drafted(vec![diagnosis(Assertion::Present, &[])]);
    let entry = rollup(&record).remove(0);
    assert_eq!(entry.not_reportable_because, Some(NotReportable::CodeNotDetermined));
    decide(&mut record, entry.id, amend(&["I10"], None));
    assert!(rollup(&record)[0].reportable);
}

#[test]
fn the_class_of_the_encounter_holds_for_all_its_entries() {
    let mut record = item(Some(EncounterClass::Inpatient), vec![note(on(date(2026, 5, 4)), vec![])]);
    decide(&mut record, Uuid::from_u128(50), add(&["J18.9"], Assertion::Possible));
    assert!(rollup(&record)[0].reportable, "an added one too");
    record.item.encounter_class = Some(EncounterClass::Outpatient);
    assert_eq!(rollup(&record)[0].not_reportable_because, Some(NotReportable::UncertainOutpatient));
}

#[test]
fn amendments_add_up_until_another_decision() {
    let mut record = drafted(vec![diagnosis(Assertion::Present, &[("I10", &[])])]);
    let id = rollup(&record)[0].id;
    let shown = |record: &ItemRecord| {
        let entry = rollup(record).remove(0);
        (entry.codes[0].code.clone(), entry.assertion)
    };
    decide(&mut record, id, amend(&["I11.9"], None));
    decide(&mut record, id, amend(&[], Some(Assertion::Historical)));
    assert_eq!(shown(&record), ("I11.9".to_owned(), Some(Assertion::Historical)), "the code chosen before stays");
    decide(&mut record, id, DecisionKind::Withdraw {});
    assert_eq!(shown(&record), ("I10".to_owned(), Some(Assertion::Present)));
    decide(&mut record, id, amend(&[], Some(Assertion::Possible)));
    assert_eq!(shown(&record), ("I10".to_owned(), Some(Assertion::Possible)), "what was taken back stays so");
}

#[test]
fn all_codes_that_a_coder_chose_are_checked() {
    let mut record = drafted(vec![diagnosis(Assertion::Present, &[("I10", &[]), ("E10.9", &[])])]);
    assert!(found(&record).is_empty(), "an alternative is not drafted: {:?}", found(&record));
    let id = rollup(&record)[0].id;
    decide(&mut record, id, amend(&["E11.9", "E10.9"], None));
    assert_eq!(found(&record), ["excludes1 E10.9 E11.9"]);
    decide(&mut record, Uuid::from_u128(50), add(&["J45.20", "R06.2"], Assertion::Present));
    assert_eq!(found(&record), ["excludes1 E10.9 E11.9", "excludes1 J45.20 R06.2"]);
    let of_added = edits(&record).into_iter().find(|found| found.edit.codes[0] == "J45.20").expect("an edit").entries;
    assert_eq!(of_added, [Uuid::from_u128(50)]);
}

/// The other candidates of a suggestion are alternatives, also when a coder amends something else of it.
#[test]
fn what_nobody_chose_is_not_checked() {
    let mut record = drafted(vec![diagnosis(Assertion::Possible, &[("E11.9", &[]), ("E10.9", &[])])]);
    let entry = rollup(&record)[0].id;
    decide(&mut record, entry, amend(&[], Some(Assertion::Present)));
    assert_eq!(found(&record), Vec::<String>::new());
    decide(&mut record, entry, amend(&["E11.9", "E10.9"], None));
    assert_eq!(found(&record), ["excludes1 E10.9 E11.9"]);
    decide(&mut record, entry, amend(&[], Some(Assertion::Present)));
    assert_eq!(found(&record), ["excludes1 E10.9 E11.9"], "they are chosen still");
}

#[test]
fn codes_beside_are_checked_and_stand_once() {
    let kidney = || diagnosis(Assertion::Present, &[("E11.22", &["N18.4", "Z79.4"])]);
    let record = drafted(vec![kidney(), diagnosis(Assertion::Present, &[("I12.9", &["N18.4"])])]);
    assert!(found(&record).is_empty(), "{:?}", found(&record));
    let record = drafted(vec![diagnosis(Assertion::Present, &[("J44.1", &["J44.9"])])]);
    assert_eq!(found(&record), ["unspecified J44.9 J44.1"], "what stands beside is checked too");
}

#[test]
fn a_chosen_code_never_disappears() {
    let mut record = drafted(vec![diagnosis(Assertion::Present, &[("E11.22", &["N18.4"])])]);
    let chosen = Uuid::from_u128(50);
    decide(&mut record, chosen, add(&["N18.4"], Assertion::Present));
    assert!(found(&record).is_empty(), "the code beside gives way: {:?}", found(&record));
    decide(&mut record, Uuid::from_u128(51), add(&["N18.4"], Assertion::Present));
    assert_eq!(found(&record), ["duplicate N18.4"], "chosen twice");
    let entries = edits(&record).into_iter().find(|found| found.edit.kind == EditKind::Duplicate).expect("an edit").entries;
    assert!(entries.contains(&chosen) && entries.contains(&Uuid::from_u128(51)), "{entries:?}");
}

#[test]
fn a_code_suggested_for_two_entries_is_one() {
    let both = [Assertion::Present, Assertion::Historical].map(|assertion| diagnosis(assertion, &[("M25.569", &[])]));
    let record = drafted(both.into());
    assert_eq!(found(&record), ["unspecified M25.569"]);
    assert_eq!(edits(&record)[0].entries.len(), 2, "both entries are named");
}

/// A version of one note: the words of `text` in brackets are its diagnosis J18.9; empty brackets, and it has none.
fn version(number: u128, text: &str, standing: Standing) -> (Note, Option<Extraction>) {
    let (start, end) = (text.find('[').expect("a bracket"), text.find(']').expect("a bracket") - 1);
    let plain = text.replace(['[', ']'], "");
    let entries = if start == end {
        vec![]
    } else {
        let mut entry = diagnosis(Assertion::Present, &[("J18.9", &[])]);
        entry.evidence.push(crate::domain::Evidence {
            start,
            end,
            text: plain[start..end].to_owned(),
            section: "assessment".to_owned(),
            assertion: Some(Assertion::Present),
            status: None,
            confidence: 0.9,
            attributes: Attributes::default(),
            cues: Vec::new(),
            sources: Vec::new(),
            list: None,
            boilerplate: None,
        });
        vec![entry]
    };
    let content = NewNote { text: plain, external_id: Some("n".to_owned()), ..on(date(2026, 5, 4)) };
    let (mut note, extraction) = note(content, entries);
    note.id = Uuid::from_u128(100 + number);
    note.standing = standing;
    (note, extraction)
}

/// What the entry says after the note got another version, when it was decided on the first one.
fn after(kind: DecisionKind, first: &str, second: &str) -> Vec<ReviewEntry> {
    let mut record = item(Some(EncounterClass::Inpatient), vec![version(1, first, Standing::Current)]);
    let id = rollup(&record)[0].id;
    decide(&mut record, id, kind);
    record.notes[0].0.standing = Standing::Replaced;
    record.notes.push(version(2, second, Standing::Current));
    rollup(&record)
}

#[test]
fn unchanged_words_keep_their_decision() {
    use crate::domain::{ChangeKind, EntryState};
    let first = "Cough for a week. She has [pneumonia] of the left lung. Afebrile.";
    let moved = "Addendum of today. Cough for a week.\n She has  [pneumonia] of the left lung; afebrile.";
    for (kind, state) in [
        (DecisionKind::Accept { bulk: false }, EntryState::Accepted),
        (amend(&["J15.9"], None), EntryState::Amended),
        (DecisionKind::Reject { reason: "duplicate".to_owned(), comment: None }, EntryState::Rejected),
    ] {
        let entries = after(kind.clone(), first, moved);
        assert_eq!((entries.len(), entries[0].state, &entries[0].changed), (1, state, &None));
        let entries = after(kind, first, "She was thought to have [pneumonia] on admission.");
        let change = entries[0].changed.as_ref().expect("it has changed");
        assert_eq!((change.what, change.was, change.by.as_str()), (ChangeKind::EvidenceChanged, state, "coder"));
        assert!(entries[0].needs_decision(), "it is queued again");
        assert_eq!(entries[0].codes[0].code, "J18.9", "with the suggestion, not with what was chosen for other words");
    }
}

#[test]
fn words_that_are_gone_are_not_reported() {
    use crate::domain::{ChangeKind, EntryState};
    let first = "She has [pneumonia] of the left lung.";
    let entries = after(DecisionKind::Accept { bulk: false }, first, "[] The film is clear.");
    assert_eq!(entries[0].changed.as_ref().map(|change| change.what), Some(ChangeKind::EvidenceGone));
    assert_eq!(entries[0].display, "a diagnosis", "it is still named");
    assert_eq!(entries[0].not_reportable_because, Some(NotReportable::NoLongerDocumented));
    assert!(!entries[0].needs_decision() && !entries[0].reportable);
    let rejected = DecisionKind::Reject { reason: "duplicate".to_owned(), comment: None };
    assert_eq!(after(rejected, first, "[] The film is clear.")[0].state, EntryState::Rejected);
}

#[test]
fn what_a_coder_added_stands_with_its_sentence() {
    use crate::domain::{ChangeKind, EntryState};
    let first = "She has [pneumonia] of the left lung. Toe nails are thick.";
    let toe = |second: &str| {
        let kind = DecisionKind::Add {
            kind: EntryKind::Diagnosis,
            display: "Onychogryphosis".to_owned(),
            codes: choose(&["L60.2"]),
            assertion: Some(Assertion::Present),
            status: None,
            note_id: Some(Uuid::from_u128(101)),
            start: Some(36),
            end: Some(45),
            comment: None,
        };
        let mut record = item(Some(EncounterClass::Inpatient), vec![version(1, first, Standing::Current)]);
        decide(&mut record, Uuid::from_u128(50), kind);
        record.notes[0].0.standing = Standing::Replaced;
        record.notes.push(version(2, second, Standing::Current));
        rollup(&record).into_iter().find(|entry| entry.id == Uuid::from_u128(50)).expect("is there")
    };
    assert_eq!(toe("[] Toe nails are thick.").state, EntryState::Added);
    let gone = toe("[] Feet not seen.");
    assert_eq!(gone.changed.map(|change| change.what), Some(ChangeKind::EvidenceGone));
    assert!(!gone.reportable);
}

#[test]
fn the_day_of_an_item() {
    let (may, june, october) = (date(2026, 5, 1), date(2026, 6, 1), date(2026, 10, 2));
    let left = |day| NewNote { discharge_date: Some(day), ..on(may) };
    let day =
        |class, notes: Vec<NewNote>| code_day(&item(class, notes.into_iter().map(|content| note(content, vec![])).collect()));
    assert_eq!(day(Some(EncounterClass::Inpatient), vec![left(october), on(june)]), Some(october), "of discharge");
    assert_eq!(day(Some(EncounterClass::Outpatient), vec![left(october), on(june)]), Some(june), "of service");
    assert_eq!(day(None, vec![left(october)]), Some(may));
    assert_eq!(day(Some(EncounterClass::Inpatient), vec![on(june), on(may)]), Some(june), "the last one");
    assert_eq!(day(None, vec![NewNote::default()]), None);
    let mut replaced = note(on(october), vec![]);
    replaced.0.standing = Standing::Replaced;
    let versions = item(None, vec![replaced, note(on(may), vec![])]);
    assert_eq!(code_day(&versions), Some(may), "what is replaced does not count");
}

#[test]
fn codes_are_checked_by_the_edition_of_the_day() {
    let editions = &HOUSE.0.editions;
    let refused = |day, codes: &[&str]| {
        check((editions, Some(day)), &[], None, &add(codes, Assertion::Present)).err().map(|error| error.to_string())
    };
    let (september, october) = (date(2026, 9, 30), date(2026, 10, 1));
    assert_eq!(refused(september, &["K37"]), None, "valid then");
    assert_eq!(refused(october, &["K37.0"]), None);
    assert_eq!(
        refused(october, &["I10", "K37"]).as_deref(),
        Some(
            "codes[1] is K37, which is not a code of Next, the edition of this encounter's day; K37.9, K37.0 stand for it there: choose \
             the one that the note supports"
        )
    );
    let back = refused(september, &["K37.0"]).expect("is refused");
    assert!(back.contains("not a code of This") && back.contains("K37 stands for it there"), "{back}");
    let heading = refused(september, &["E11"]).expect("is refused");
    assert!(heading.contains("heading E11") && heading.contains("such as E11."), "{heading}");
    let unknown = refused(september, &["John Doe"]).expect("is refused");
    assert!(unknown.contains("This") && !unknown.contains("John"), "what was sent may be anything: {unknown}");
}

#[test]
fn edits_are_those_of_the_edition_of_the_day() {
    let drafted = |day, code| item(None, vec![note(on(day), vec![diagnosis(Assertion::Present, &[(code, &[])])])]);
    let (september, october) = (date(2026, 9, 30), date(2026, 10, 1));
    for (day, code, billable) in
        [(september, "K37", true), (september, "K37.9", false), (october, "K37", false), (october, "K37.9", true)]
    {
        let edits = edits(&drafted(day, code));
        let edit = edits.iter().find(|found| found.edit.kind == EditKind::NotBillable);
        assert_eq!(edit.is_none(), billable, "{day} {code}: {edits:?}");
        if let Some(found) = edit {
            assert_eq!(found.edit.severity, Severity::Hard);
            assert!(found.edit.message.contains("for it there"), "{}", found.edit.message);
        }
    }
}

#[test]
fn an_override_is_recorded_with_kinds_and_reason_but_no_code() {
    let record =
        drafted(vec![diagnosis(Assertion::Present, &[("Z38.00", &[])]), diagnosis(Assertion::Present, &[("E11", &[])])]);
    let edits = edits(&record);
    let hard: Vec<&ItemEdit> = edits.iter().filter(|found| found.edit.severity == Severity::Hard).collect();
    let detail = override_detail(&hard, "provider_was_asked");
    assert_eq!(detail, "2 hard edits (age, not_billable): provider_was_asked");
    assert_eq!(override_reason(&detail), "provider_was_asked");
}

#[test]
fn experience_folds_and_withholds_what_the_engine_was_sure_of() {
    let record = record_of("I10", 0.95);
    let entries = rollup(&record);
    let often_wrong = Tally { accepted: 1, amended: 1, rejected: 14 };
    let known = reliability(&entries[0], Some(&often_wrong)).expect("there is experience");
    assert!(known < 0.4 && engine_probability(&entries[0]) == Some(0.95), "{known}");
    assert_eq!(reliability(&entries[0], None), None);
    assert_eq!(reliability(&entries[0], Some(&Tally::default())), None, "nobody decided on such a one yet");
    let (vocabulary, _) = &*HOUSE;
    let (edition, _) = vocabulary.editions.on(Some(date(2026, 5, 4)));
    let together = |tallies: &HashMap<Uuid, Tally>| {
        acceptable_together((vocabulary, edition), &record, (&entries, &[]), &Sure { from: 0.8, tallies })
    };
    assert_eq!(together(&HashMap::new()), [entries[0].id]);
    assert!(together(&HashMap::from([(entries[0].id, often_wrong)])).is_empty());
    // experience alone does not make sure
    let record = record_of("I10", 0.5);
    let entries = rollup(&record);
    let tallies = HashMap::from([(entries[0].id, Tally { accepted: 1000, amended: 0, rejected: 0 })]);
    let together = acceptable_together((vocabulary, edition), &record, (&entries, &[]), &Sure { from: 0.8, tallies: &tallies });
    assert!(together.is_empty());
}

#[test]
fn a_code_that_a_coder_chose_counts_for_the_words() {
    let mut record = record_of("I10", 0.8);
    let id = rollup(&record)[0].id;
    decide(&mut record, id, amend(&["I11.9"], None));
    let told: Vec<(String, EntryState)> =
        outcomes(&record, &rollup(&record)).into_iter().map(|one| (one.suggestion.code, one.state)).collect();
    let of = |code: &str| format!("{}|{code}", system::ICD10CM);
    let expected = [(of("I10"), EntryState::Amended), (of("I10"), EntryState::Amended), (of("I11.9"), EntryState::Accepted)];
    assert_eq!(told, expected);
    let mut record = record_of("I10", 0.8);
    decide(&mut record, id, amend(&[], Some(Assertion::Possible)));
    assert_eq!(outcomes(&record, &rollup(&record)).len(), 2, "the code stayed");
}
