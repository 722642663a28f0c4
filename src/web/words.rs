//! The words a coder reads for the words of the contract.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::domain::{
    Assertion, BoilerplateKind, ChangeKind, CodeRole, CodingError, EncounterClass, EntryChange, EntryKind, EntryState,
    ItemState, ItemSummary, MedicationStatus, NotReportable, PayerClass, PresentOnAdmission, Remark, RemarkKind, Standing,
    Tally, Verdict, system,
};
use crate::{
    service::SiteReasons,
    vocabulary::{Intent, NoteKind},
};

/// Why a hard edit may stand.
pub(super) fn override_reason(reason: &str) -> &'static str {
    match reason {
        "documentation_supports_it" => "the documentation supports it",
        "provider_was_asked" => "the provider was asked",
        "conditions_are_unrelated" => "the conditions are unrelated",
        _ => "the payer asks for it",
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
pub(super) const fn kinds(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => "Diagnoses",
        EntryKind::Medication => "Medications",
        EntryKind::Allergy | EntryKind::NoKnownAllergies => "Allergies",
    }
}

/// One of a kind.
pub(super) const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => "diagnosis",
        EntryKind::Medication => "medication",
        EntryKind::Allergy => "allergy",
        EntryKind::NoKnownAllergies => "no known allergies",
    }
}

/// What the note says of it.
pub(super) const fn assertion(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Historical => "history of",
        Assertion::Absent => "negated",
        Assertion::Possible => "possible",
        Assertion::Hypothetical => "hypothetical",
        Assertion::Family => "family",
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
pub(super) const fn role(role: CodeRole) -> Option<&'static str> {
    match role {
        CodeRole::Code => None,
        CodeRole::Ingredient => Some("ingredient"),
        CodeRole::ClinicalDrug => Some("clinical drug"),
        CodeRole::Class => Some("drug class"),
        CodeRole::AllergyStatus => Some("allergy status"),
    }
}

/// Why a code may not be reported.
pub(super) const fn not_reportable(reason: NotReportable) -> &'static str {
    match reason {
        NotReportable::Negated => "the note denies it",
        NotReportable::Family => "it is a relative’s",
        NotReportable::Hypothetical => "it is only a risk or a plan",
        NotReportable::UncertainOutpatient => "uncertain diagnosis of an outpatient encounter (Official Guidelines IV.H)",
        NotReportable::UncertainEncounterClassUnknown => "uncertain diagnosis, and the class of the encounter is not known",
        NotReportable::CodeNotDetermined => "no code was determined",
        NotReportable::NotADiagnosis => "medications and allergies are not reported as diagnoses",
        NotReportable::NoLongerDocumented => "no note says it any more",
    }
}

/// Class of an encounter.
pub(super) const fn encounter_class(class: Option<EncounterClass>) -> &'static str {
    match class {
        Some(class) => class.as_str(),
        None => "not given",
    }
}

/// Class of a payer.
pub(super) const fn payer_class(class: PayerClass) -> &'static str {
    match class {
        PayerClass::Medicare => "Medicare",
        PayerClass::MedicareAdvantage => "Medicare Advantage",
        PayerClass::Medicaid => "Medicaid",
        PayerClass::Commercial => "commercial",
        PayerClass::Government => "government",
        PayerClass::WorkersCompensation => "workers’ compensation",
        PayerClass::SelfPay => "self-pay",
        PayerClass::Other => "other payer",
    }
}

/// State of an item.
pub(super) const fn item_state(state: ItemState) -> &'static str {
    state.as_str()
}

/// State of an entry.
pub(super) const fn entry_state(state: EntryState) -> &'static str {
    state.as_str()
}

/// What was decided before the notes changed, and why it does not hold any more.
pub(super) fn change(change: &EntryChange) -> String {
    let why = match change.what {
        ChangeKind::EvidenceChanged => "a newer version says it otherwise: decide again",
        ChangeKind::EvidenceGone => "no note says it any more",
    };
    format!("{} by {} before; {why}", entry_state(change.was), change.by)
}

/// What to say of a note that does not count.
pub(super) const fn standing(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Current => None,
        Standing::Replaced => Some("A newer version stands in the place of this note; its words do not count."),
        Standing::Retracted => Some("Its sender took this note back; its words do not count."),
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
    let parts = [
        (summary.alerts, "alert", "alerts"),
        (summary.hard_edits, "hard edit", "hard edits"),
        (summary.payment, "payment code", "payment codes"),
        (summary.unsure, "unsure", "unsure"),
        (summary.prompts, "question", "questions"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let said: Vec<String> =
        parts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect();
    match (said.is_empty(), summary.waiting) {
        (false, _) => said.join(", "),
        (true, 0) => "nothing to decide".to_owned(),
        (true, _) => "routine".to_owned(),
    }
}

/// What was said of an item as a whole.
pub(super) fn remark(remark: &Remark, reasons: &SiteReasons, zone: &TimeZone) -> String {
    let reason = reasons.label(remark.reason.as_deref().unwrap_or("other"));
    let mut said = match remark.kind {
        RemarkKind::Pended => format!("laid aside: {reason}"),
        RemarkKind::Escalated => format!("passed up: {reason}"),
        RemarkKind::Assigned => match &remark.assigned_to {
            Some((_, name)) => format!("assigned to {name}"),
            None => match &remark.reason {
                Some(team) => format!("given to the team {team}"),
                None => "assigned to nobody".to_owned(),
            },
        },
        RemarkKind::Reopened => format!("back into the queue: {reason}"),
        RemarkKind::Commented => "said".to_owned(),
    };
    if let Some(until) = remark.until {
        said = format!("{said}, until {}", moment(until, zone));
    }
    match &remark.comment {
        Some(comment) => format!("{said}: “{comment}”"),
        None => said,
    }
}

/// What an event of the trail says in a history; none for what is told otherwise.
pub(super) fn event(action: &str, note: Option<usize>) -> Option<String> {
    let of_note = |what: &str| note.map(|at| format!("note {at} {what}"));
    match action {
        "note.stored" => of_note("arrived"),
        "note.retracted" => of_note("taken back by its sender"),
        "note.replaced" => of_note("replaced by another"),
        "note.current" => of_note("counts again"),
        "note.quarantined" => of_note("could not be read automatically"),
        "note.retried" => of_note("is read once more"),
        "extraction.recorded" => of_note("read by the engine"),
        "item.claimed" => Some("claimed".to_owned()),
        "item.released" => Some("given back".to_owned()),
        "item.finished" => Some("finished".to_owned()),
        "item.closed" => Some("closed: none of its notes counts any more".to_owned()),
        "edits.overridden" => Some("finished although hard edits stood".to_owned()),
        // what has a remark is told by it
        "item.pended" | "item.escalated" | "item.assigned" | "item.commented" => None,
        "item.reopened" => Some("open again".to_owned()),
        "item.routed" => Some("sent where the rules of worklists say".to_owned()),
        "item.exported" => Some("its codes were exported".to_owned()),
        "item.drawn_for_review" => Some("drawn for a second look".to_owned()),
        "item.reviewed_again" => Some("looked at again".to_owned()),
        _ => None,
    }
}

/// A present-on-admission indicator.
pub(super) const fn present_on_admission(present: PresentOnAdmission) -> &'static str {
    match present {
        PresentOnAdmission::Yes => "Y: present on admission",
        PresentOnAdmission::No => "N: arose during the stay",
        PresentOnAdmission::Unknown => "U: the documentation does not tell",
        PresentOnAdmission::Undetermined => "W: the provider cannot determine it",
        PresentOnAdmission::Exempt => "1: exempt from reporting",
    }
}

/// What a reviewer says of a code.
pub(super) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agreed => "agreed",
        Verdict::Wrong => "wrong",
        Verdict::Missed => "missed",
    }
}

/// What kind of error a reviewer found.
pub(super) const fn coding_error(error: CodingError) -> &'static str {
    match error {
        CodingError::NotDocumented => "not documented",
        CodingError::Unspecific => "a more specific code is documented",
        CodingError::WrongCode => "another code is documented",
        CodingError::NotReportable => "not to be reported",
        CodingError::Sequence => "place or role",
        CodingError::PresentOnAdmission => "present on admission",
    }
}

/// How suggestions like one ended so far.
pub(super) fn tally(tally: Tally) -> String {
    format!("accepted {} of {} times", tally.accepted, tally.total())
}

/// How long ago, in the largest unit that fits.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(since).max(SignedDuration::ZERO);
    let minutes = passed.as_mins();
    match (minutes, minutes / 60, minutes / 1440) {
        (0, ..) => "now".to_owned(),
        (1..60, ..) => format!("{minutes} min"),
        (_, hours @ 1..48, _) => format!("{hours} h"),
        (_, _, days) => format!("{days} d"),
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
pub(super) const fn boilerplate(kind: BoilerplateKind) -> &'static str {
    match kind {
        BoilerplateKind::Template => " · template text",
        BoilerplateKind::Repeated => " · repeated text",
        BoilerplateKind::CopiedForward => " · copied from an earlier note",
    }
}

/// What notes of a kind say.
pub(super) const fn note_kind(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Inclusion => "Also called",
        NoteKind::Includes => "Includes",
        NoteKind::Excludes1 => "Excludes1: never coded together",
        NoteKind::Excludes2 => "Excludes2: not included here, may be coded together",
        NoteKind::CodeFirst => "Code first",
        NoteKind::UseAdditionalCode => "Use additional code",
        NoteKind::CodeAlso => "Code also",
        NoteKind::SeventhCharacter => "Seventh character",
        NoteKind::Note => "Note",
    }
}

/// How a substance did harm.
pub(super) const fn intent(intent: Intent) -> &'static str {
    match intent {
        Intent::Accidental => "poisoning, accidental",
        Intent::Intentional => "poisoning, intentional self-harm",
        Intent::Assault => "poisoning, assault",
        Intent::Undetermined => "poisoning, undetermined",
        Intent::AdverseEffect => "adverse effect",
        Intent::Underdosing => "underdosing",
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
        for (seconds, expected) in
            [(-5, "now"), (0, "now"), (61, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (172_799, "47 h"), (172_800, "2 d")]
        {
            assert_eq!(age(now - SignedDuration::from_secs(seconds), now), expected);
        }
    }
}
