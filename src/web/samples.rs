//! Sample contexts for the templates, with hostile words wherever words of a note, a sender or a person can stand.

use uuid::Uuid;

use crate::{
    domain::{
        Alert, Assertion, Attribute, Attributes, ChosenCode, CodeCandidate, CodeRole, CodedEntry, Cue, Decision, DecisionKind,
        EncounterClass, EngineVersion, EntryKind, Evidence, Extraction, ItemState, MedicationStatus, NewNote, NotReportable,
        Note, NoteStatus, OffsetUnit, Patient, Preferences, Prompt, Remark, RemarkKind, ReviewItem, ScoredBy, SectionOutline,
        SiteSettings, Span, Standing, Tally, system,
    },
    review,
    service::{QueueItem, SiteReasons, Workbench},
    store::ItemRecord,
};

/// Words that break a page that does not escape.
pub(super) const HOSTILE: &str = "<script>alert('x')</script> \"&amp;\" 🩺";

/// A note whose text is hostile, with evidence side by side, nested and at the edges.
pub(super) const TEXT: &str =
    "\nDX: <b>type 2</b> diabetes \"&\" 🩺 gout\r\nALLERGIES: penicillin's rash <script>alert(1)</script>";

/// An instant.
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_780_000_000).expect("a time of this century")
}

/// The user of the samples.
pub(super) const CODER: Uuid = Uuid::from_u128(7);

fn words(of: &str) -> (usize, usize) {
    let start = TEXT.find(of).expect("stands in the text");
    (start, start + of.len())
}

fn evidence(of: &str, assertion: Option<Assertion>) -> Evidence {
    let (start, end) = words(of);
    Evidence {
        start,
        end,
        text: of.to_owned(),
        section: "past_medical_history".to_owned(),
        assertion,
        status: None,
        confidence: 0.98,
        attributes: Attributes::default(),
        cues: vec![Cue { text: HOSTILE.to_owned(), start, end, means: "absent".to_owned(), scope: None }],
        list: None,
        boilerplate: None,
        sources: vec![HOSTILE.to_owned()],
    }
}

fn code(rank: u32, role: CodeRole, code: &str) -> CodeCandidate {
    CodeCandidate {
        rank,
        role,
        system: if role == CodeRole::Code { system::ICD10CM } else { system::RXNORM }.to_owned(),
        code: code.to_owned(),
        display: format!("title of {code} {HOSTILE}"),
        score: 0.9,
        with: if code == "E11.22" { vec!["N18.30".to_owned()] } else { Vec::new() },
        why: HOSTILE.to_owned(),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    }
}

fn entry(kind: EntryKind, assertion: Option<Assertion>, of: &[&str]) -> CodedEntry {
    CodedEntry {
        id: of.join("+"),
        kind,
        display: format!("{} {HOSTILE}", of[0]),
        assertion,
        status: (kind == EntryKind::Medication).then_some(MedicationStatus::Active),
        scope: None,
        codes: match kind {
            EntryKind::Diagnosis => vec![code(1, CodeRole::Code, "E11.22"), code(2, CodeRole::Code, "E11.9")],
            EntryKind::Medication => vec![code(1, CodeRole::Ingredient, "1"), code(2, CodeRole::ClinicalDrug, "2")],
            EntryKind::Allergy | EntryKind::NoKnownAllergies => Vec::new(),
        },
        confidence: Some(0.9),
        reportable: false,
        not_reportable_because: Some(NotReportable::CodeNotDetermined),
        attributes: Attributes {
            strength: Some(Attribute { text: HOSTILE.to_owned(), start: 0, end: 1, value: None }),
            ..Attributes::default()
        },
        prompts: vec![Prompt { kind: "laterality".to_owned(), message: HOSTILE.to_owned() }],
        evidence: of.iter().map(|words| evidence(words, assertion)).collect(),
    }
}

/// The extraction of [`TEXT`].
pub(super) fn extraction(note: Uuid) -> Extraction {
    let (start, end) = words("ALLERGIES");
    Extraction {
        note_id: note.to_string(),
        offset_unit: OffsetUnit::Utf8,
        engine: EngineVersion {
            version: "0".to_owned(),
            model: "none".to_owned(),
            vocabulary: "test".to_owned(),
            edition: "ICD-10-CM test".to_owned(),
            edition_exact: true,
            site_pack: None,
        },
        sections: vec![SectionOutline {
            kind: "allergies".to_owned(),
            title: Some(Span::new(start, end)),
            body: Span::new(end, TEXT.len()),
            code: None,
        }],
        boilerplate: Vec::new(),
        alerts: vec![Alert { kind: "k".to_owned(), message: HOSTILE.to_owned(), entries: Vec::new() }],
        entries: vec![
            entry(EntryKind::Diagnosis, Some(Assertion::Present), &["<b>type 2</b> diabetes", "diabetes", "2", "🩺", "gout"]),
            entry(EntryKind::Diagnosis, Some(Assertion::Family), &["type 2"]),
            entry(EntryKind::Medication, None, &["penicillin's"]),
            entry(EntryKind::Allergy, Some(Assertion::Present), &["penicillin's rash <script>", "ALLERGIES"]),
        ],
        medications: Vec::new(),
        spans: Vec::new(),
    }
}

/// The note of [`TEXT`] as it is posted.
pub(super) fn new_note() -> NewNote {
    NewNote {
        text: TEXT.to_owned(),
        source: HOSTILE.to_owned(),
        patient: Some(Patient {
            id: HOSTILE.to_owned(),
            system: Some(HOSTILE.to_owned()),
            name: Some(HOSTILE.to_owned()),
            birth_date: Some(jiff::civil::date(1950, 1, 2)),
            sex: Some(HOSTILE.to_owned()),
        }),
        encounter: Some(HOSTILE.to_owned()),
        encounter_class: Some(EncounterClass::Inpatient),
        note_type: Some(HOSTILE.to_owned()),
        author: Some(HOSTILE.to_owned()),
        facility: Some(HOSTILE.to_owned()),
        department: Some(HOSTILE.to_owned()),
        ..NewNote::default()
    }
}

/// An item in this state, held by [`CODER`] when claimed, with a decision of every sort.
pub(super) fn item(state: ItemState) -> QueueItem {
    let (item_id, ready, pending) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    let note = |id: Uuid, status: NoteStatus| Note {
        id,
        content: new_note(),
        received_at: now(),
        status,
        standing: Standing::Current,
        quarantine_reason: None,
        purged: None,
        item_id,
        patient_id: None,
        item_patient_id: None,
    };
    let review_item = ReviewItem {
        encounter: Some(HOSTILE.to_owned()),
        patient: new_note().patient,
        encounter_class: Some(EncounterClass::Inpatient),
        facility: Some(HOSTILE.to_owned()),
        department: Some(HOSTILE.to_owned()),
        restricted: true,
        state,
        claimed_by: (state == ItemState::Claimed).then(|| (CODER, HOSTILE.to_owned())),
        claimed_until: (state == ItemState::Claimed).then(now),
        revision: 3,
        notes: vec![ready, pending],
        pending_notes: 1,
        ..ReviewItem::new(item_id, now())
    };
    let notes = vec![(note(ready, NoteStatus::Ready), Some(extraction(ready))), (note(pending, NoteStatus::Pending), None)];
    let mut record = ItemRecord { item: review_item, notes, decisions: Vec::new(), overrides: Vec::new(), remarks: Vec::new() };
    let entries = review::rollup(&record);
    let comment = || Some(HOSTILE.to_owned());
    let kinds = [
        DecisionKind::Amend {
            codes: Vec::new(),
            assertion: Some(Assertion::Possible),
            status: None,
            attributes: None,
            comment: comment(),
        },
        DecisionKind::Accept { bulk: false },
        DecisionKind::Reject { reason: "other".to_owned(), comment: comment() },
        DecisionKind::Withdraw {},
    ];
    for (entry, kind) in entries.iter().zip(kinds) {
        record.decisions.push(decision(entry.id, kind));
    }
    record.decisions.push(decision(
        Uuid::from_u128(99),
        DecisionKind::Add {
            kind: EntryKind::Diagnosis,
            display: HOSTILE.to_owned(),
            codes: Vec::new(),
            assertion: Some(Assertion::Present),
            status: None,
            note_id: None,
            start: None,
            end: None,
            comment: comment(),
        },
    ));
    let entries = review::rollup(&record);
    QueueItem { record, entries, edits: Vec::new(), glass: None }
}

/// The same item as its holder sees it: hostile words in all that people wrote.
pub(super) fn bench(state: ItemState) -> Workbench {
    let mut item = item(state);
    item.record.remarks = vec![Remark {
        kind: RemarkKind::Pended,
        reason: Some("other".to_owned()),
        comment: Some(HOSTILE.to_owned()),
        assigned_to: None,
        until: None,
        by: HOSTILE.to_owned(),
        at: now(),
    }];
    let code = ChosenCode { system: system::ICD10CM.to_owned(), code: HOSTILE.to_owned(), display: HOSTILE.to_owned() };
    let preferences = Preferences {
        keys: [(HOSTILE.to_owned(), HOSTILE.to_owned())].into(),
        favourites: vec![code.clone()],
        recent: vec![code],
        ..Preferences::default()
    };
    let tallies = item.entries.iter().map(|entry| (entry.id, Tally { accepted: 2, amended: 1, rejected: 1 })).collect();
    Workbench {
        item,
        seen: Vec::new(),
        preferences,
        settings: SiteSettings::default(),
        tallies,
        candidates: std::collections::HashMap::new(),
        reasons: SiteReasons::default(),
        second_reviews: Vec::new(),
    }
}

fn decision(entry_id: Uuid, kind: DecisionKind) -> Decision {
    Decision {
        id: Uuid::from_u128(5),
        item_id: Uuid::from_u128(1),
        entry_id,
        user_id: CODER,
        user_name: HOSTILE.to_owned(),
        at: now(),
        kind,
        evidence: Vec::new(),
    }
}
