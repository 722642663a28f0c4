//! The words a coder reads for the words of the contract.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::domain::{
    Assertion, BoilerplateKind, ChangeKind, CodeRole, CodingError, DiagnosisRole, EncounterClass, EntryChange, EntryKind,
    EntryState, ItemState, ItemSummary, MedicationList, MedicationStatus, NotReportable, Note, Patient, PayerClass,
    PresentOnAdmission, Priority, QueryState, Remark, RemarkKind, Role, Standing, Tally, Verdict, system,
};
use crate::{
    coding::edits::Severity,
    service::SiteReasons,
    store::TokenKind,
    vocabulary::{Intent, NoteKind},
};

/// Who holds an encounter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder<'a> {
    /// Who looks at the page.
    You,
    /// Another, by name.
    Other(&'a str),
}

/// Why a hard edit may stand.
pub(super) fn override_reason(reason: &str) -> &'static str {
    match reason {
        "documentation_supports_it" => text!("override-documented"),
        "provider_was_asked" => text!("override-asked"),
        "conditions_are_unrelated" => text!("override-unrelated"),
        _ => text!("override-payer"),
    }
}

/// A code system's short name; the address itself when it is not one of ours.
pub(super) fn system_name(uri: &str) -> &str {
    match uri {
        system::ICD10CM => "ICD-10-CM",
        system::RXNORM => "RxNorm",
        system::SNOMED => "SNOMED CT",
        system::UNII => "UNII",
        other => other,
    }
}

/// The system that a kind's codes are typed in, unless the coder says otherwise.
pub(super) const fn home_system(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => system::ICD10CM,
        EntryKind::Medication | EntryKind::Allergy => system::RXNORM,
        EntryKind::NoKnownAllergies => system::SNOMED,
    }
}

/// Heading of a kind.
pub(super) fn kinds(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => text!("kinds-diagnoses"),
        EntryKind::Medication => text!("kinds-medications"),
        EntryKind::Allergy | EntryKind::NoKnownAllergies => text!("kinds-allergies"),
    }
}

/// One of a kind.
pub(super) fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => text!("kind-diagnosis"),
        EntryKind::Medication => text!("kind-medication"),
        EntryKind::Allergy => text!("kind-allergy"),
        EntryKind::NoKnownAllergies => text!("kind-no-known-allergies"),
    }
}

/// What the note says of it.
pub(super) fn assertion(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => text!("assertion-present"),
        Assertion::Historical => text!("assertion-historical"),
        Assertion::Absent => text!("assertion-absent"),
        Assertion::Possible => text!("assertion-possible"),
        Assertion::Hypothetical => text!("assertion-hypothetical"),
        Assertion::Family => text!("assertion-family"),
    }
}

/// Status of a medication.
pub(super) fn status(status: MedicationStatus) -> &'static str {
    match status {
        MedicationStatus::Active => text!("status-active"),
        MedicationStatus::Given => text!("status-given"),
        MedicationStatus::Discontinued => text!("status-discontinued"),
        MedicationStatus::Hypothetical => text!("status-hypothetical"),
        MedicationStatus::Absent => text!("status-absent"),
    }
}

/// The list that a medication stands in.
pub(super) fn list(list: MedicationList) -> &'static str {
    match list {
        MedicationList::Home => text!("list-home"),
        MedicationList::Inpatient => text!("list-inpatient"),
        MedicationList::Discharge => text!("list-discharge"),
    }
}

/// Every assertion, to choose from.
pub(super) const ASSERTIONS: [Assertion; 6] = [
    Assertion::Present,
    Assertion::Historical,
    Assertion::Possible,
    Assertion::Absent,
    Assertion::Family,
    Assertion::Hypothetical,
];

/// Every medication status, to choose from.
pub(super) const STATUSES: [MedicationStatus; 5] = [
    MedicationStatus::Active,
    MedicationStatus::Given,
    MedicationStatus::Discontinued,
    MedicationStatus::Hypothetical,
    MedicationStatus::Absent,
];

/// Role of a code, when it says more than "the code".
pub(super) fn role(role: CodeRole) -> Option<&'static str> {
    match role {
        CodeRole::Code => None,
        CodeRole::Ingredient => Some(text!("code-role-ingredient")),
        CodeRole::ClinicalDrug => Some(text!("code-role-drug")),
        CodeRole::Class => Some(text!("code-role-class")),
        CodeRole::AllergyStatus => Some(text!("code-role-allergy-status")),
    }
}

/// What a diagnosis is to the encounter.
pub(super) fn diagnosis_role(role: DiagnosisRole) -> &'static str {
    match role {
        DiagnosisRole::Principal => text!("diagnosis-principal"),
        DiagnosisRole::Secondary => text!("diagnosis-secondary"),
        DiagnosisRole::Admitting => text!("diagnosis-admitting"),
    }
}

/// Why a code may not be reported.
pub(super) fn not_reportable(reason: NotReportable) -> &'static str {
    match reason {
        NotReportable::Negated => text!("not-reportable-negated"),
        NotReportable::Family => text!("not-reportable-family"),
        NotReportable::Hypothetical => text!("not-reportable-hypothetical"),
        NotReportable::UncertainOutpatient => text!("not-reportable-uncertain"),
        NotReportable::UncertainEncounterClassUnknown => text!("not-reportable-class-unknown"),
        NotReportable::CodeNotDetermined => text!("not-reportable-no-code"),
        NotReportable::NotADiagnosis => text!("not-reportable-no-diagnosis"),
        NotReportable::NoLongerDocumented => text!("not-reportable-gone"),
    }
}

/// Class of an encounter.
pub(super) fn encounter_class(class: Option<EncounterClass>) -> &'static str {
    match class {
        Some(EncounterClass::Inpatient) => text!("class-inpatient"),
        Some(EncounterClass::Outpatient) => text!("class-outpatient"),
        Some(EncounterClass::Emergency) => text!("class-emergency"),
        None => text!("class-unknown"),
    }
}

/// Class of a payer.
pub(super) fn payer_class(class: PayerClass) -> &'static str {
    match class {
        PayerClass::Medicare => text!("payer-medicare"),
        PayerClass::MedicareAdvantage => text!("payer-medicare-advantage"),
        PayerClass::Medicaid => text!("payer-medicaid"),
        PayerClass::Commercial => text!("payer-commercial"),
        PayerClass::Government => text!("payer-government"),
        PayerClass::WorkersCompensation => text!("payer-workers-compensation"),
        PayerClass::SelfPay => text!("payer-self"),
        PayerClass::Other => text!("payer-other"),
    }
}

/// How soon an encounter is to be coded.
pub(super) fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Stat => text!("priority-stat"),
        Priority::Asap => text!("priority-asap"),
        Priority::Urgent => text!("priority-urgent"),
        Priority::Routine => text!("priority-routine"),
    }
}

/// State of an item.
pub(super) fn item_state(state: ItemState) -> &'static str {
    match state {
        ItemState::Open => text!("state-open"),
        ItemState::Claimed => text!("state-claimed"),
        ItemState::Pended => text!("state-pended"),
        ItemState::Finished => text!("state-finished"),
    }
}

/// State of an entry.
pub(super) fn entry_state(state: EntryState) -> &'static str {
    match state {
        EntryState::Suggested => text!("entry-state-suggested"),
        EntryState::Accepted => text!("entry-state-accepted"),
        EntryState::Amended => text!("entry-state-amended"),
        EntryState::Rejected => text!("entry-state-rejected"),
        EntryState::Added => text!("entry-state-added"),
        EntryState::Withdrawn => text!("entry-state-withdrawn"),
    }
}

/// Where a query stands.
pub(super) fn query_state(state: QueryState) -> &'static str {
    match state {
        QueryState::Draft => text!("query-state-draft"),
        QueryState::Sent => text!("query-state-sent"),
        QueryState::Answered => text!("query-state-answered"),
        QueryState::Closed => text!("query-state-closed"),
        QueryState::Withdrawn => text!("query-state-withdrawn"),
    }
}

/// Role of a user.
pub(super) fn user_role(role: Role) -> &'static str {
    match role {
        Role::Submitter => text!("role-submitter"),
        Role::Coder => text!("role-coder"),
        Role::Lead => text!("role-lead"),
        Role::Auditor => text!("role-auditor"),
        Role::Admin => text!("role-admin"),
    }
}

/// What a token opens.
pub(super) fn token_kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Api => text!("token-api"),
        TokenKind::ApiRead => text!("token-api-read"),
        TokenKind::ApiWrite => text!("token-api-write"),
        TokenKind::Session => text!("token-session"),
        TokenKind::SignIn => text!("token-sign-in"),
    }
}

/// How an edit weighs.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Hard => text!("severity-hard"),
        Severity::Soft => text!("severity-soft"),
        Severity::Informational => text!("severity-informational"),
    }
}

/// What became of a medication; the word itself where it is none that the engine uses.
pub(super) fn medication_change(word: &str) -> &str {
    match word {
        "started" => text!("change-started"),
        "increased" => text!("change-increased"),
        "decreased" => text!("change-decreased"),
        "resumed" => text!("change-resumed"),
        "continued" => text!("change-continued"),
        "held" => text!("change-held"),
        "stopped" => text!("change-stopped"),
        other => other,
    }
}

/// How a reaction weighs or what an allergy is, where it is said with a usual word; else the word.
pub(super) fn of_allergy(word: &str) -> &str {
    match word {
        "mild" => text!("allergy-mild"),
        "moderate" => text!("allergy-moderate"),
        "severe" => text!("allergy-severe"),
        "high" => text!("allergy-criticality-high"),
        "low" => text!("allergy-criticality-low"),
        "allergy" => text!("allergy-type-allergy"),
        "intolerance" => text!("allergy-type-intolerance"),
        other => other,
    }
}

/// What was decided before the notes changed, and why it does not hold any more.
pub(super) fn change(change: &EntryChange) -> String {
    let state = entry_state(change.was);
    match change.what {
        ChangeKind::EvidenceChanged => text!("change-evidence-changed", state = state, name = change.by),
        ChangeKind::EvidenceGone => text!("change-evidence-gone", state = state, name = change.by),
    }
}

/// What to say of a note that does not count.
pub(super) fn standing(note: &Note) -> Option<&'static str> {
    if note.purged.is_some() {
        return Some(text!("standing-purged"));
    }
    match note.standing {
        Standing::Current => None,
        Standing::Replaced => Some(text!("standing-replaced")),
        Standing::Retracted => Some(text!("standing-retracted")),
    }
}

/// What a note is called: its place among those of the encounter, from nought.
pub(super) fn note(at: usize) -> String {
    text!("note-number", number = at + 1)
}

/// The patient by name or record number; none when it is not given.
pub(super) fn patient(patient: &Patient) -> String {
    patient.name.clone().unwrap_or_else(|| text!("patient-record", number = patient.id))
}

/// Who holds an encounter and until when; `you` where that is who looks.
pub(super) fn holder(holder: Holder<'_>, until: Option<String>) -> String {
    match (holder, until) {
        (Holder::You, None) => text!("held-by-you").to_owned(),
        (Holder::You, Some(time)) => text!("held-by-you-until", time = time),
        (Holder::Other(name), None) => text!("held-by", name = name),
        (Holder::Other(name), Some(time)) => text!("held-by-until", name = name, time = time),
    }
}

/// `discharge_summary` as "discharge summary".
pub(super) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// An instant in the hospital's zone, with the zone's short name.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The time of day of an instant.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M %Z").to_string()
}

/// Why an item comes before others.
pub(super) fn benefit(summary: &ItemSummary) -> String {
    let ItemSummary { alerts, hard_edits, payment, unsure, prompts, .. } = *summary;
    let said: Vec<String> = [
        (alerts > 0).then(|| text!("benefit-alerts", count = alerts)),
        (hard_edits > 0).then(|| text!("benefit-hard-edits", count = hard_edits)),
        (payment > 0).then(|| text!("benefit-payment", count = payment)),
        (unsure > 0).then(|| text!("benefit-unsure", count = unsure)),
        (prompts > 0).then(|| text!("benefit-questions", count = prompts)),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (said.is_empty(), summary.waiting) {
        (false, _) => said.join(", "),
        (true, 0) => text!("benefit-nothing").to_owned(),
        (true, _) => text!("benefit-routine").to_owned(),
    }
}

/// What was said of an item as a whole.
pub(super) fn remark(remark: &Remark, reasons: &SiteReasons, zone: &TimeZone) -> String {
    let reason = reasons.label(remark.reason.as_deref().unwrap_or("other"));
    let mut said = match remark.kind {
        RemarkKind::Pended => text!("remark-pended", reason = reason),
        RemarkKind::Escalated => text!("remark-escalated", reason = reason),
        RemarkKind::Assigned => match &remark.assigned_to {
            Some((_, name)) => text!("remark-assigned", name = name),
            None => match &remark.reason {
                Some(team) => text!("remark-team", team = team),
                None => text!("remark-nobody").to_owned(),
            },
        },
        RemarkKind::Reopened => text!("remark-reopened", reason = reason),
        RemarkKind::Commented => text!("remark-said").to_owned(),
    };
    if let Some(until) = remark.until {
        said = text!("remark-until", remark = said, time = moment(until, zone));
    }
    match &remark.comment {
        Some(comment) => text!("remark-comment", remark = said, comment = comment),
        None => said,
    }
}

/// What an event of the trail says in a history; none for what is told otherwise.
pub(super) fn event(action: &str, note: Option<usize>) -> Option<String> {
    match action {
        "note.stored" => note.map(|number| text!("event-note-stored", number = number)),
        "note.retracted" => note.map(|number| text!("event-note-retracted", number = number)),
        "note.replaced" => note.map(|number| text!("event-note-replaced", number = number)),
        "note.current" => note.map(|number| text!("event-note-current", number = number)),
        "note.purged" => note.map(|number| text!("event-note-purged", number = number)),
        "note.quarantined" => note.map(|number| text!("event-note-quarantined", number = number)),
        "note.retried" => note.map(|number| text!("event-note-retried", number = number)),
        "extraction.recorded" => note.map(|number| text!("event-note-read", number = number)),
        "item.claimed" => Some(text!("event-claimed").to_owned()),
        "item.released" => Some(text!("event-released").to_owned()),
        "item.finished" => Some(text!("event-finished").to_owned()),
        "item.closed" => Some(text!("event-closed").to_owned()),
        "edits.overridden" => Some(text!("event-overridden").to_owned()),
        // what has a remark is told by it
        "item.pended" | "item.escalated" | "item.assigned" | "item.commented" => None,
        "item.reopened" => Some(text!("event-reopened").to_owned()),
        "item.routed" => Some(text!("event-routed").to_owned()),
        "access.broken_glass" => Some(text!("event-broken-glass").to_owned()),
        "item.exported" => Some(text!("event-exported").to_owned()),
        "item.drawn_for_review" => Some(text!("event-drawn").to_owned()),
        "item.reviewed_again" => Some(text!("event-reviewed").to_owned()),
        _ => None,
    }
}

/// A present-on-admission indicator.
pub(super) fn present_on_admission(present: PresentOnAdmission) -> &'static str {
    match present {
        PresentOnAdmission::Yes => text!("present-yes"),
        PresentOnAdmission::No => text!("present-no"),
        PresentOnAdmission::Unknown => text!("present-unknown"),
        PresentOnAdmission::Undetermined => text!("present-undetermined"),
        PresentOnAdmission::Exempt => text!("present-exempt"),
    }
}

/// What a reviewer says of a code.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agreed => text!("verdict-agreed"),
        Verdict::Wrong => text!("verdict-wrong"),
        Verdict::Missed => text!("verdict-missed"),
    }
}

/// What kind of error a reviewer found.
pub(super) fn coding_error(error: CodingError) -> &'static str {
    match error {
        CodingError::NotDocumented => text!("error-not-documented"),
        CodingError::Unspecific => text!("error-unspecific"),
        CodingError::WrongCode => text!("error-wrong-code"),
        CodingError::NotReportable => text!("error-not-reportable"),
        CodingError::Sequence => text!("error-sequence"),
        CodingError::PresentOnAdmission => text!("error-present"),
    }
}

/// How suggestions like one ended so far.
pub(super) fn tally(tally: Tally) -> String {
    text!("tally", accepted = tally.accepted, total = tally.total())
}

/// How long ago, in the largest unit that fits.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(since).max(SignedDuration::ZERO);
    let minutes = passed.as_mins();
    match (minutes, minutes / 60, minutes / 1440) {
        (0, ..) => text!("age-now").to_owned(),
        (1..60, ..) => text!("age-minutes", count = minutes),
        (_, hours @ 1..48, _) => text!("age-hours", count = hours),
        (_, _, days) => text!("age-days", count = days),
    }
}

/// A code as typed, in the spelling of its table: ICD-10-CM in capitals with its dot.
pub(super) fn tidy_code(code_system: &str, typed: &str) -> String {
    let trimmed = typed.trim();
    if code_system != system::ICD10CM {
        return trimmed.to_owned();
    }
    let plain: String = trimmed.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_uppercase();
    match plain.split_at_checked(3) {
        Some((category, rest)) if !rest.is_empty() => format!("{category}.{rest}"),
        _ => plain,
    }
}

/// Behind the place of words that were not written for this patient today.
pub(super) fn boilerplate(kind: BoilerplateKind) -> &'static str {
    match kind {
        BoilerplateKind::Template => text!("boilerplate-template"),
        BoilerplateKind::Repeated => text!("boilerplate-repeated"),
        BoilerplateKind::CopiedForward => text!("boilerplate-copied"),
        BoilerplateKind::Education => text!("boilerplate-education"),
    }
}

/// What notes of a kind say.
pub(super) fn note_kind(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Inclusion => text!("note-kind-inclusion"),
        NoteKind::Includes => text!("note-kind-includes"),
        NoteKind::Excludes1 => text!("note-kind-excludes1"),
        NoteKind::Excludes2 => text!("note-kind-excludes2"),
        NoteKind::CodeFirst => text!("note-kind-code-first"),
        NoteKind::UseAdditionalCode => text!("note-kind-use-additional"),
        NoteKind::CodeAlso => text!("note-kind-code-also"),
        NoteKind::SeventhCharacter => text!("note-kind-seventh"),
        NoteKind::Note => text!("note-kind-note"),
    }
}

/// How a substance did harm.
pub(super) fn intent(intent: Intent) -> &'static str {
    match intent {
        Intent::Accidental => text!("intent-accidental"),
        Intent::Intentional => text!("intent-intentional"),
        Intent::Assault => text!("intent-assault"),
        Intent::Undetermined => text!("intent-undetermined"),
        Intent::AdverseEffect => text!("intent-adverse-effect"),
        Intent::Underdosing => text!("intent-underdosing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_codes() {
        for (code_system, typed, expected) in [
            (system::ICD10CM, " e119 ", "E11.9"),
            (system::ICD10CM, "E11.9", "E11.9"),
            (system::ICD10CM, "i10", "I10"),
            (system::ICD10CM, "s72.001a", "S72.001A"),
            (system::ICD10CM, "é", ""),
            (system::RXNORM, " 6809 ", "6809"),
        ] {
            assert_eq!(tidy_code(code_system, typed), expected);
        }
    }

    #[test]
    fn ages() {
        let now = Timestamp::from_second(1_780_000_000).expect("a time");
        for (seconds, expected) in [
            (-5, text!("age-now")),
            (0, text!("age-now")),
            (61, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(age(now - SignedDuration::from_secs(seconds), now), expected);
        }
    }
}
