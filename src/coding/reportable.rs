//! Whether an entry's code may be reported, by the ICD-10-CM Official Guidelines (II.H inpatient, IV.H outpatient).

use crate::domain::{Assertion, EncounterClass, EntryKind, NotReportable};

/// `None` when the code may be reported, else why not.
#[must_use]
pub const fn reportable(
    kind: EntryKind,
    assertion: Option<Assertion>,
    class: Option<EncounterClass>,
    coded: bool,
) -> Option<NotReportable> {
    if !matches!(kind, EntryKind::Diagnosis) {
        return Some(NotReportable::NotADiagnosis);
    }
    match (assertion, class) {
        (Some(Assertion::Absent), _) => Some(NotReportable::Negated),
        (Some(Assertion::Family), _) => Some(NotReportable::Family),
        (Some(Assertion::Hypothetical), _) => Some(NotReportable::Hypothetical),
        (Some(Assertion::Possible), Some(EncounterClass::Outpatient | EncounterClass::Emergency)) => {
            Some(NotReportable::UncertainOutpatient)
        }
        (Some(Assertion::Possible), None) => Some(NotReportable::UncertainEncounterClassUnknown),
        _ if !coded => Some(NotReportable::CodeNotDetermined),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncertain_diagnoses_are_reportable_for_inpatients_only() {
        let uncertain = |class| reportable(EntryKind::Diagnosis, Some(Assertion::Possible), class, true);
        assert_eq!(uncertain(Some(EncounterClass::Inpatient)), None);
        assert_eq!(uncertain(Some(EncounterClass::Outpatient)), Some(NotReportable::UncertainOutpatient));
        assert_eq!(uncertain(Some(EncounterClass::Emergency)), Some(NotReportable::UncertainOutpatient));
        assert_eq!(uncertain(None), Some(NotReportable::UncertainEncounterClassUnknown));
    }

    #[test]
    fn denied_family_and_uncoded_are_not() {
        let of = |assertion| reportable(EntryKind::Diagnosis, Some(assertion), Some(EncounterClass::Inpatient), true);
        assert_eq!(of(Assertion::Absent), Some(NotReportable::Negated));
        assert_eq!(of(Assertion::Family), Some(NotReportable::Family));
        assert_eq!(of(Assertion::Hypothetical), Some(NotReportable::Hypothetical));
        assert_eq!(of(Assertion::Present), None);
        assert_eq!(of(Assertion::Historical), None);
        let uncoded = reportable(EntryKind::Diagnosis, Some(Assertion::Present), None, false);
        assert_eq!(uncoded, Some(NotReportable::CodeNotDetermined));
    }
}
