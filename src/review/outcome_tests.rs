//! Outcomes: what was suggested beside what became of it.

use uuid::Uuid;

use super::{item_outcome, rollup};
use crate::{
    domain::{Assertion, Attributes, DecisionKind, Ended, EntryKind, Evidence, ItemOutcome},
    review::tests::{add, amend, decide, diagnosis, drafted, record_of},
    store::ItemRecord,
};

fn outcomes(record: &ItemRecord) -> ItemOutcome {
    item_outcome(record, &rollup(record))
}

/// The record with its first entry said twice in its note.
pub(crate) fn with_evidence(mut record: ItemRecord) -> ItemRecord {
    let text = "Hypertension. HTN";
    record.notes[0].0.content.text = text.to_owned();
    let evidence = |start, end| Evidence {
        start,
        end,
        text: text[start..end].to_owned(),
        section: "assessment".to_owned(),
        assertion: None,
        status: None,
        confidence: 0.9,
        attributes: Attributes::default(),
        cues: Vec::new(),
        sources: Vec::new(),
        list: None,
        boilerplate: None,
    };
    if let Some(extraction) = &mut record.notes[0].1 {
        extraction.entries[0].evidence = vec![evidence(0, 12), evidence(14, 17)];
    }
    record
}

#[test]
fn what_nobody_decided_on_is_ignored() {
    let outcome = outcomes(&record_of("I10", 0.8)).entries.remove(0);
    assert_eq!((outcome.ended, outcome.codes.len(), outcome.decided), (Ended::Ignored, 0, None));
    assert_eq!(outcome.suggested.expect("was suggested").code, "I10");
    assert_eq!(outcome.confidence, Some(0.8));
    assert!(outcome.charted);
    let record = with_evidence(record_of("I10", 0.8));
    let all = outcomes(&record);
    let outcome = &all.entries[0];
    assert_eq!((outcome.words.as_str(), outcome.other_words.as_slice()), ("hypertension", &["htn".to_owned()][..]));
    assert_eq!((outcome.section.as_deref(), outcome.note_id), (Some("assessment"), Some(record.notes[0].0.id)));
    assert_eq!(all.engine_of(outcome), record.notes[0].1.as_ref().map(|extraction| &extraction.engine));
}

#[test]
fn suggestion_and_what_stands_are_told_apart() {
    let mut record = record_of("I10", 0.8);
    let id = rollup(&record)[0].id;
    decide(&mut record, id, amend(&["I11.9", "I50.9"], Some(Assertion::Possible)));
    let outcome = outcomes(&record).entries.remove(0);
    assert_eq!(outcome.ended, Ended::Amended);
    assert_eq!(outcome.suggested.expect("was suggested").code, "I10");
    assert_eq!(outcome.codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>(), ["I11.9", "I50.9"]);
    assert_eq!(outcome.assertion, [Some(Assertion::Present), Some(Assertion::Possible)]);
    decide(&mut record, id, DecisionKind::Reject { reason: "historical".to_owned(), comment: None });
    let outcome = outcomes(&record).entries.remove(0);
    assert_eq!((outcome.ended, outcome.reason.as_deref(), outcome.codes.len()), (Ended::Rejected, Some("historical"), 0));
    decide(&mut record, id, DecisionKind::Accept { bulk: true });
    let outcome = outcomes(&record).entries.remove(0);
    assert!(outcome.bulk && outcome.reason.is_none());
    assert_eq!(outcome.codes[0].code, "I10");
    assert_eq!(outcome.decided.expect("is decided").1, "coder");
}

#[test]
fn what_was_added_is_not_the_engines_and_what_was_taken_back_is_nothing() {
    let mut record = drafted(vec![diagnosis(Assertion::Present, &[])]);
    let id = Uuid::from_u128(50);
    decide(&mut record, id, add(&["J18.9"], Assertion::Present));
    let all = outcomes(&record);
    let added = all.entries.iter().find(|entry| entry.entry_id == id).expect("is there");
    assert_eq!((added.ended, added.suggested.is_none(), added.engine), (Ended::Added, true, None));
    assert_eq!(added.codes[0].code, "J18.9");
    assert!(all.entries[0].suggested.is_none(), "the engine abstained");
    decide(&mut record, id, DecisionKind::Withdraw {});
    assert_eq!(outcomes(&record).entries.len(), 1);
}

#[test]
fn added_words_are_read_where_they_were_marked() {
    let mut record = drafted(vec![]);
    record.notes[0].0.content.text = "Müde. The acute Gout again.".to_owned();
    let note = record.notes[0].0.id;
    let marked = DecisionKind::Add {
        kind: EntryKind::Diagnosis,
        display: "added".to_owned(),
        codes: Vec::new(),
        assertion: Some(Assertion::Present),
        status: None,
        note_id: Some(note),
        start: Some(6),
        end: Some(20),
        comment: None,
    };
    decide(&mut record, Uuid::from_u128(50), marked);
    let outcome = outcomes(&record).entries.remove(0);
    assert_eq!(outcome.words, "acute gout");
    assert_eq!(outcome.note_id, Some(note));
}
