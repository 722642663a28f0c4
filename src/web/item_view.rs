//! What the page of an item shows, made of the item and of what its user and the site arranged.

use std::collections::{HashMap, HashSet};

use askama::Template;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    entry::{Choice, EntryView, EntryViews, anchor, context, is_shown, marks_of, systems, title},
    highlight::{Mark, Piece, pieces},
    lists::{self, ListTable},
    notice::Notice,
    queries::QueriesView,
    second_reviews::told,
    shell::Shell,
    words::{self, Holder},
};
use crate::{
    coding::edits::Severity,
    domain::{
        DiagnosisRole, EncounterClass, EntryKind, EntryState, Extraction, ItemState, Note, NoteStatus, PresentOnAdmission,
        Priority, ReviewEntry, SecondReview, SiteListName, Span, Standing, Tally, Verdict, system,
    },
    pipeline::Pipeline,
    review::{
        AssignedCode, OVERRIDE_REASONS, Sure, acceptable_together, added_at, assigned_codes, code_day, last_decided,
        override_reason,
    },
    service::{QueueItem, SiteReasons, Workbench},
    store::ItemRecord,
    vocabulary::Vocabulary,
};

/// Entries under one heading.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The heading.
    pub title: &'static str,
    /// How many wait for a decision.
    pub undecided: usize,
    /// How many there are.
    pub count: usize,
    /// The entries.
    pub entries: Vec<EntryView>,
    /// Those that the engine is less sure of than the site's threshold, folded away.
    pub less_sure: Vec<EntryView>,
    /// `diagnosis` and so on: the kind that is accepted together.
    pub kind: &'static str,
    /// Those that may be accepted together.
    pub together: Vec<Uuid>,
}

/// A note.
#[derive(Debug, Clone, Default)]
pub(super) struct NoteView {
    /// Its id.
    pub id: Uuid,
    /// What it is called here.
    pub label: String,
    /// Date, author, source.
    pub about: String,
    /// Why it has no highlights, when it has none for a reason.
    pub status: Option<&'static str>,
    /// Whether the user has not had it on the screen.
    pub unseen: bool,
    /// Where its sections begin, and their headings.
    pub sections: Vec<(String, String)>,
    /// The version before, to compare it with.
    pub previous: Option<Uuid>,
    /// The text.
    pub pieces: Vec<Piece>,
}

/// The item page.
#[derive(Template, Default)]
#[template(path = "item.html")]
pub(super) struct ItemPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The item.
    pub id: Uuid,
    /// Its revision: a form decides on what it showed.
    pub revision: u64,
    /// Name or record number of the patient.
    pub patient: String,
    /// Label and value of what is known of patient and encounter.
    pub facts: Vec<(&'static str, String)>,
    /// State.
    pub state: &'static str,
    /// The same in words.
    pub state_text: &'static str,
    /// Who holds it and until when.
    pub holder: Option<String>,
    /// Whether the page is of one entry.
    pub alone: bool,
    /// Whether it has many.
    pub long: bool,
    /// Whether the user holds it.
    pub held: bool,
    /// Whether the user can take it.
    pub can_claim: bool,
    /// Who is to work on it.
    pub assigned_to: Option<String>,
    /// Who may be, where the user may say so.
    pub assignees: Vec<String>,
    /// The team that works on it.
    pub team: Option<String>,
    /// The teams there are, where the user may say which one is to.
    pub teams: Vec<String>,
    /// Whether the user may say who is.
    pub can_assign: bool,
    /// Reasons to lay it aside.
    pub pend_reasons: Vec<(String, String)>,
    /// Reasons to pass it up.
    pub escalate_reasons: Vec<(String, String)>,
    /// What was said of it as a whole.
    pub remarks: Vec<String>,
    /// What second-level reviews found.
    pub second_looks: Vec<String>,
    /// Whether the user may say something.
    pub can_remark: bool,
    /// Reasons for which the user can put it back into the queue; empty where they cannot.
    pub reopen_reasons: Vec<(String, String)>,
    /// Name of the edition of its day.
    pub edition: String,
    /// Entries that wait for a decision.
    pub undecided: usize,
    /// All entries that ask for one or got one.
    pub total: usize,
    /// What undoing takes back; none when there is nothing.
    pub undo: Option<String>,
    /// Notes not read yet.
    pub pending: u32,
    /// Warnings: how they look and what they say, grave ones first.
    pub alerts: Vec<(&'static str, String)>,
    /// Codes that were decided on and may be reported, in the order of the claim.
    pub assigned: Vec<AssignedView>,
    /// Whether a principal diagnosis is expected and none is named.
    pub no_principal: bool,
    /// Codes of a stay of which nobody said whether they were present on admission, and that are not exempt.
    pub without_indicator: usize,
    /// What is to be said about the drafted codes.
    pub edits: Vec<EditView>,
    /// Whether a hard one is among them.
    pub hard_edits: bool,
    /// Who let hard ones stand, when, and why.
    pub overrides: Vec<String>,
    /// Reasons why hard ones may stand.
    pub override_reasons: Vec<(&'static str, &'static str)>,
    /// What is charted or billed.
    pub groups: Vec<Group>,
    /// What the user hid for themselves.
    pub hidden: Vec<EntryView>,
    /// What is not: negated, family, hypothetical.
    pub aside: Vec<EntryView>,
    /// Whether somebody decided on one of them.
    pub aside_open: bool,
    /// Medications of the notes by list.
    pub lists: Vec<ListTable>,
    /// The notes.
    pub notes: Vec<NoteView>,
    /// Reasons of rejection.
    pub reasons: Vec<(String, String)>,
    /// Kinds to add.
    pub kinds: Vec<(&'static str, &'static str)>,
    /// Code systems to add with.
    pub systems: Vec<Choice>,
    /// Queries to providers.
    pub queries: QueriesView,
    /// Notes that the user has not had on the screen.
    pub unseen: usize,
    /// The user's keys, as JSON for the script.
    pub keys: String,
    /// The user's favourite codes and those used last: `code title` and whether it is a favourite.
    pub at_hand: Vec<AtHand>,
}

/// A code that stands on the claim's list.
#[derive(Debug, Clone, Default)]
pub(super) struct AssignedView {
    /// The code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// `principal` or `admitting`, where it is.
    pub role: Option<&'static str>,
    /// The letter of its present-on-admission indicator.
    pub present: Option<&'static str>,
    /// What payment makes of it: categories, complications.
    pub marks: Vec<String>,
}

/// A code that a user keeps at hand.
#[derive(Debug, Clone, Default)]
pub(super) struct AtHand {
    /// The code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Whether it is a favourite, not only used last.
    pub favourite: bool,
}

/// A finding about the drafted codes.
#[derive(Debug, Clone)]
pub(super) struct EditView {
    /// How it weighs, and how that looks.
    pub severity: &'static str,
    /// The same in words.
    pub severity_text: &'static str,
    /// The codes.
    pub codes: String,
    /// What to do.
    pub message: String,
}

/// What a page is made with.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Titles of codes, and what finds more specific ones.
    pub pipeline: &'a Pipeline,
    /// The user.
    pub user: Uuid,
    /// The zone of the times.
    pub zone: &'a TimeZone,
    /// Only these entries, with their forms, and neither notes nor lists: what a decision on them changes. All when none.
    pub kept: Option<&'a [Uuid]>,
}

/// Entries of a page that brings all their forms with it. On a longer page a form comes when it is asked for.
const FORMS_AT_ONCE: usize = 40;

/// The page of an item for a user.
pub(super) fn view(bench: &Workbench, Seen { pipeline, user, zone, kept }: Seen<'_>) -> ItemPage {
    let vocabulary = pipeline.vocabulary();
    let Workbench { item, seen, preferences, settings, tallies, candidates, reasons, second_reviews } = bench;
    let QueueItem { record, entries, edits, .. } = item;
    let review = &record.item;
    let (edition, covers) = vocabulary.editions.on(code_day(record));
    let held = review.state == ItemState::Claimed && review.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user);
    let views = EntryViews {
        pipeline,
        vocabulary,
        edition,
        note_labels: record.notes.iter().enumerate().map(|(at, (note, _))| (note.id, words::note(at))).collect(),
        held,
        later: kept.is_none() && entries.len() > FORMS_AT_ONCE,
        inpatient: review.encounter_class == Some(EncounterClass::Inpatient),
        tallies,
        candidates,
        reasons,
        zone,
    };
    let hidden: HashSet<Uuid> = preferences.hidden.iter().copied().collect();
    let is_hidden = |entry: &ReviewEntry| hidden.contains(&entry.id) && entry.state == EntryState::Suggested;
    let mut main: Vec<(usize, &ReviewEntry)> = Vec::new();
    let mut aside: Vec<(usize, &ReviewEntry)> = Vec::new();
    let mut put_away: Vec<(usize, &ReviewEntry)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let place = match (is_charted(entry), is_hidden(entry)) {
            (true, true) => &mut put_away,
            (true, false) => &mut main,
            (false, _) => &mut aside,
        };
        place.push((at, entry));
    }
    let pack = pipeline.site_pack().map(|(_, pack)| pack);
    let shown_from = |kind| settings.shown_from_of(kind, pack.as_deref());
    let undecided = entries.iter().filter(|entry| entry.needs_decision()).count();
    let sure = Sure { from: f32::from(settings.together_from) / 100.0, tallies };
    let together = if held { acceptable_together((vocabulary, edition), record, (entries, edits), &sure) } else { Vec::new() };
    let undo = if held { last_decided(entries, user) } else { Vec::new() };
    // naming one principal changes the one that was
    let is_kept = |entry: &ReviewEntry| kept.is_none_or(|kept| kept.contains(&entry.id) || !entry.designation.is_empty());
    let groups = [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy].map(|kind| {
        let title = words::kinds(kind);
        // that there are none known stands with the allergies
        let of_group = main
            .iter()
            .filter(|(_, entry)| entry.kind == kind || kind == EntryKind::Allergy && entry.kind == EntryKind::NoKnownAllergies);
        let (shown, less_sure): (Vec<_>, Vec<_>) =
            of_group.partition(|(_, entry)| is_shown((entry, tallies.get(&entry.id)), shown_from(entry.kind)));
        let made = |list: &[(usize, &ReviewEntry)]| -> Vec<EntryView> {
            list.iter().filter(|(_, entry)| is_kept(entry)).map(|(at, entry)| views.view(*at, entry)).collect()
        };
        let undecided = shown.iter().chain(&less_sure).filter(|(_, entry)| entry.needs_decision()).count();
        let of_kind = main.iter().filter(|(_, entry)| entry.kind == kind && together.contains(&entry.id));
        Group {
            title,
            count: shown.len() + less_sure.len(),
            undecided,
            entries: made(&shown),
            less_sure: made(&less_sure),
            kind: kind.as_str(),
            together: of_kind.map(|(_, entry)| entry.id).collect(),
        }
    });
    let mut marks = if kept.is_none() { marks(record, entries, tallies) } else { HashMap::new() };
    let shown_notes = if kept.is_none() { &record.notes[..] } else { &[] };
    let notes: Vec<NoteView> = shown_notes
        .iter()
        .enumerate()
        .map(|(at, (note, extraction))| {
            let marks = marks.remove(&note.id).unwrap_or_default();
            let view = note_view((at, note), extraction.as_ref(), &marks);
            NoteView { unseen: !seen.contains(&note.id), previous: version_before(record, at, note), ..view }
        })
        .collect();
    let patient = review.patient.as_ref();
    let assigned: Vec<AssignedView> = assigned_codes(entries)
        .into_iter()
        .map(|one| AssignedView {
            title: title((vocabulary, edition), one.code).to_owned(),
            role: one.designation.role.filter(|role| *role != DiagnosisRole::Secondary).map(words::diagnosis_role),
            present: present_of(vocabulary, views.inpatient, &one).map(PresentOnAdmission::letter),
            marks: marks_of((vocabulary, edition), one.code),
            code: one.code.to_owned(),
        })
        .collect();
    let named = assigned_codes(entries).iter().any(|one| one.designation.role == Some(DiagnosisRole::Principal));
    let mut page = ItemPage {
        long: views.later,
        id: review.id,
        revision: review.revision,
        patient: patient.map_or_else(|| text!("item-no-patient").to_owned(), words::patient),
        facts: facts(
            item,
            if covers { edition.name.clone() } else { text!("item-edition-not-of-day", edition = edition.name) },
        ),
        state: review.state.as_str(),
        state_text: words::item_state(review.state),
        holder: review.claimed_by.as_ref().filter(|_| review.state == ItemState::Claimed).map(|(_, name)| {
            let until = review.claimed_until.map(|at| words::clock(at, zone));
            words::holder(if held { Holder::You } else { Holder::Other(name) }, until)
        }),
        held,
        edition: edition.name.clone(),
        can_claim: matches!(review.state, ItemState::Open | ItemState::Pended),
        assigned_to: review.assigned_to.as_ref().map(|(_, name)| name.clone()),
        team: review.team.clone(),
        pend_reasons: offered(reasons, SiteListName::PendReasons),
        escalate_reasons: offered(reasons, SiteListName::EscalateReasons),
        remarks: record
            .remarks
            .iter()
            .map(|remark| {
                format!("{} · {} · {}", words::remark(remark, reasons, zone), remark.by, words::moment(remark.at, zone))
            })
            .collect(),
        second_looks: second_reviews.iter().filter_map(|review| second_look(review, zone)).collect(),
        undecided,
        undo: match &undo[..] {
            [] => None,
            [one] => entries.iter().find(|entry| entry.id == *one).map(|entry| entry.display.clone()),
            many => Some(text!("item-undo-entries", count = many.len())),
        },
        total: main.len() + put_away.len(),
        pending: review.pending_notes,
        alerts: record
            .current_notes()
            .filter_map(|(_, extraction)| extraction.as_ref())
            .flat_map(|extraction| &extraction.alerts)
            .map(|alert| (if alert.kind == "allergy_caution" { "quiet-notice" } else { "warn" }, alert.message.clone()))
            .collect(),
        lists: shown_notes
            .iter()
            .enumerate()
            .filter(|(_, (note, _))| note.standing == Standing::Current)
            .filter_map(|(at, (_, extraction))| lists::table(&words::note(at), extraction.as_ref()?))
            .collect(),
        no_principal: views.inpatient && !assigned.is_empty() && !named,
        without_indicator: if views.inpatient { assigned.iter().filter(|one| one.present.is_none()).count() } else { 0 },
        assigned,
        edits: edits
            .iter()
            .map(|found| EditView {
                severity: found.edit.severity.as_str(),
                severity_text: words::severity(found.edit.severity),
                codes: found.edit.codes.join(", "),
                message: found.edit.message.clone(),
            })
            .collect(),
        hard_edits: edits.iter().any(|found| found.edit.severity == Severity::Hard),
        overrides: record
            .overrides
            .iter()
            .map(|event| {
                let reason = words::override_reason(override_reason(&event.detail));
                format!("{} · {} · {}", reason, event.actor.name, words::moment(event.at, zone))
            })
            .collect(),
        override_reasons: OVERRIDE_REASONS.map(|reason| (reason, words::override_reason(reason))).into(),
        groups: groups.into(),
        hidden: put_away
            .iter()
            .filter(|(_, entry)| is_kept(entry))
            .map(|(at, entry)| EntryView { is_hidden: true, ..views.view(*at, entry) })
            .collect(),
        aside_open: aside.iter().any(|(_, entry)| !entry.decisions.is_empty()),
        aside: aside.iter().filter(|(_, entry)| is_kept(entry)).map(|(at, entry)| views.view(*at, entry)).collect(),
        unseen: notes.iter().filter(|note| note.unseen).count(),
        notes,
        reasons: offered(reasons, SiteListName::RejectReasons),
        kinds: [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy]
            .map(|kind| (kind.as_str(), words::kind(kind)))
            .into(),
        systems: systems(EntryKind::Diagnosis),
        keys: serde_json::to_string(&preferences.keys).unwrap_or_default(),
        at_hand: at_hand(bench),
        ..ItemPage::default()
    };
    page.alerts.sort_by_key(|(look, _)| *look != "warn");
    page
}

/// The present-on-admission indicator of a code of a stay: what a coder said, else exempt where the list says that none is needed.
pub(super) fn present_of(vocabulary: &Vocabulary, inpatient: bool, one: &AssignedCode<'_>) -> Option<PresentOnAdmission> {
    let said = one.designation.present_on_admission;
    said.or_else(|| (inpatient && vocabulary.lists.is_exempt(one.code)).then_some(PresentOnAdmission::Exempt))
}

/// Word and label of the reasons of a list.
pub(super) fn offered(reasons: &SiteReasons, list: SiteListName) -> Vec<(String, String)> {
    reasons.offered(list).iter().map(|reason| (reason.word.clone(), reason.label.clone())).collect()
}

/// What a second-level review found, in words.
fn second_look(review: &SecondReview, zone: &TimeZone) -> Option<String> {
    let (sheet, (reviewer, at)) = (review.worksheet.as_ref()?, review.reviewed.as_ref()?);
    let found = sheet.lines.iter().filter(|line| line.verdict != Verdict::Agreed).map(|line| {
        let instead =
            line.instead.as_ref().map(|code| format!(", {}", text!("review-instead", code = code))).unwrap_or_default();
        let comment = line.comment.as_ref().map(|words| format!(" “{words}”")).unwrap_or_default();
        let error = line.error.map(|error| format!(" ({})", words::coding_error(error))).unwrap_or_default();
        format!("{} {}{error}{instead}{comment}", line.code, words::verdict(line.verdict))
    });
    let whole = sheet.comment.as_ref().map(|words| format!("“{words}”"));
    let parts: Vec<String> = std::iter::once(told(sheet.agreement())).chain(found).chain(whole).collect();
    Some(format!("{} · {reviewer} · {}", parts.join("; "), words::moment(*at, zone)))
}

/// The notes of an item with the words that its entries rest on.
pub(super) fn notes_of(item: &QueueItem, _: Seen<'_>) -> Vec<NoteView> {
    let mut marks = marks(&item.record, &item.entries, &HashMap::new());
    let notes = item.record.notes.iter().enumerate();
    notes
        .map(|(at, (note, extraction))| note_view((at, note), extraction.as_ref(), &marks.remove(&note.id).unwrap_or_default()))
        .collect()
}

/// The user's favourite codes, then those used last that are none.
fn at_hand(bench: &Workbench) -> Vec<AtHand> {
    let own = &bench.preferences;
    let recent = own.recent.iter().filter(|code| !own.favourites.contains(code)).map(|code| (code, false));
    let all = own.favourites.iter().map(|code| (code, true)).chain(recent);
    all.filter(|(code, _)| code.system == system::ICD10CM)
        .map(|(code, favourite)| AtHand { code: code.code.clone(), title: code.display.clone(), favourite })
        .collect()
}

/// The version of its document that a note stands in the place of.
pub(super) fn version_before(record: &ItemRecord, at: usize, note: &Note) -> Option<Uuid> {
    let document = (&note.content.source, note.content.external_id.as_ref()?);
    let before = record.notes[..at].iter().rev().map(|(one, _)| one);
    before
        .filter(|one| one.content.external_id.as_ref().is_some_and(|id| (&one.content.source, id) == document))
        .map(|one| one.id)
        .next()
}

/// Whether an entry speaks of the patient as they are or were, so that it is charted or billed.
fn is_charted(entry: &ReviewEntry) -> bool {
    use crate::domain::MedicationStatus::{Absent, Hypothetical};
    match entry.kind {
        EntryKind::Medication => !matches!(entry.status, Some(Hypothetical | Absent)),
        EntryKind::Diagnosis | EntryKind::Allergy => entry.assertion.is_none_or(|assertion| assertion.is_affirmed()),
        EntryKind::NoKnownAllergies => true,
    }
}

fn label(at: usize, note: &Note) -> String {
    let kind = note.content.note_type.as_deref().map_or_else(|| text!("note-kind-unknown").to_owned(), words::spaced);
    text!("note-number-kind", number = at + 1, kind = kind)
}

fn facts(item: &QueueItem, edition: String) -> Vec<(&'static str, String)> {
    let review = &item.record.item;
    let patient = review.patient.as_ref();
    let mut facts = Vec::new();
    let mut add = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    add(text!("fact-record"), patient.map(|patient| patient.id.clone()));
    add(text!("fact-born"), patient.and_then(|patient| patient.birth_date).map(|date| date.to_string()));
    add(text!("fact-sex"), patient.and_then(|patient| patient.sex.clone()));
    add(text!("fact-encounter"), review.encounter.clone());
    add(text!("fact-class"), Some(words::encounter_class(review.encounter_class).to_owned()));
    add(text!("fact-priority"), (review.priority != Priority::Routine).then(|| words::priority(review.priority).to_owned()));
    add(text!("fact-payer"), review.payer_class.map(|payer| words::payer_class(payer).to_owned()));
    add(text!("fact-facility"), review.facility.clone());
    add(text!("fact-department"), review.department.clone());
    add(text!("fact-labels"), super::label_words::labels(review.labels));
    add(text!("fact-confidentiality"), review.restricted.then(|| text!("fact-restricted").to_owned()));
    add(text!("fact-codes"), Some(edition));
    facts
}

fn note_view((at, note): (usize, &Note), extraction: Option<&Extraction>, marks: &[Mark]) -> NoteView {
    let sections = extraction.map_or(&[][..], |extraction| &extraction.sections);
    let headings: Vec<Span> = sections.iter().filter_map(|section| section.title).collect();
    let about = [
        note.content.service_date.map(|date| date.to_string()),
        note.content.author.clone(),
        (!note.content.source.is_empty()).then(|| text!("note-source", source = note.content.source)),
    ];
    NoteView {
        id: note.id,
        label: label(at, note),
        about: about.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        status: words::standing(note).or(match note.status {
            NoteStatus::Ready => None,
            NoteStatus::Pending => Some(text!("note-being-read")),
            NoteStatus::Quarantined => Some(text!("note-unreadable")),
        }),
        sections: headings
            .iter()
            .enumerate()
            .map(|(index, span)| {
                (section_anchor(at, index), span.of(&note.content.text).trim_end_matches([':', ' ', '-']).to_owned())
            })
            .filter(|(_, title)| !title.is_empty())
            .collect(),
        pieces: pieces(&note.content.text, &headings, marks)
            .into_iter()
            .map(|piece| {
                let anchors = piece.section.map(|index| section_anchor(at, index));
                Piece { anchors: anchors.into_iter().chain(piece.anchors).collect(), ..piece }
            })
            .collect(),
        ..NoteView::default()
    }
}

fn section_anchor(note: usize, section: usize) -> String {
    format!("s{note}-{section}")
}

/// The marks of each note.
fn marks(record: &ItemRecord, entries: &[ReviewEntry], tallies: &HashMap<Uuid, Tally>) -> HashMap<Uuid, Vec<Mark>> {
    let mut marks: HashMap<Uuid, Vec<Mark>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let charted = if is_charted(entry) { "" } else { " uncharted" };
        let code = entry.codes.first().map_or_else(String::new, |code| format!(" · {}", code.code));
        let context = context(entry).unwrap_or_else(|| words::kind(entry.kind));
        let title = format!("{}{code}", text!("mark-title", context = context, entry = entry.display));
        let often = tallies.get(&entry.id).map(|tally| format!(" · {}", words::tally(*tally))).unwrap_or_default();
        let evidence = entry.evidence.iter().map(|(note, evidence)| {
            let cues: Vec<String> = evidence.cues.iter().map(|cue| format!("“{}”", cue.text)).collect();
            let because =
                if cues.is_empty() { String::new() } else { format!(" · {}", text!("mark-because", cues = cues.join(", "))) };
            let why = format!(" · {:.0} % · {}{because}", evidence.confidence * 100.0, evidence.sources.join(", "));
            (*note, Span::new(evidence.start, evidence.end), why)
        });
        let added = added_at(record, entry).map(|(note, span)| (note, span, format!(" · {}", text!("mark-added"))));
        for (place, (note, span, why)) in evidence.chain(added).enumerate() {
            marks.entry(note).or_default().push(Mark {
                span,
                look: format!("{} {}{charted}", entry.kind.as_str(), entry.state.as_str()),
                title: format!("{title}{why}{often}"),
                anchor: anchor(at, place),
                entry: format!("e-{}", entry.id),
            });
        }
    }
    marks
}
