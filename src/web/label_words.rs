//! Words for labels of notes and encounters, and for the reasons of break-glass.

use crate::domain::{GlassReason, Sensitivities, Sensitivity};

/// A kind of sensitive information.
pub(super) fn sensitivity(kind: Sensitivity) -> &'static str {
    match kind {
        Sensitivity::SubstanceUse => text!("label-substance-use"),
        Sensitivity::Psychotherapy => text!("label-psychotherapy"),
        Sensitivity::MentalHealth => text!("label-mental-health"),
        Sensitivity::Hiv => text!("label-hiv"),
        Sensitivity::SexualHealth => text!("label-sexual-health"),
        Sensitivity::Genetic => text!("label-genetic"),
        Sensitivity::Vip => text!("label-vip"),
        Sensitivity::Employee => text!("label-employee"),
        Sensitivity::Other => text!("label-other"),
    }
}

/// The kinds of a set, with commas between; none when there are none.
pub(super) fn labels(labels: Sensitivities) -> Option<String> {
    let kinds: Vec<&str> = labels.kinds().into_iter().map(sensitivity).collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// Why the glass is broken.
pub(super) fn glass_reason(reason: GlassReason) -> &'static str {
    match reason {
        GlassReason::Substitution => text!("glass-reason-substitution"),
        GlassReason::PatientSafety => text!("glass-reason-patient-safety"),
        GlassReason::Deadline => text!("glass-reason-deadline"),
        GlassReason::LegalRequest => text!("glass-reason-legal-request"),
        GlassReason::TechnicalFault => text!("glass-reason-technical-fault"),
        GlassReason::Other => text!("glass-reason-other"),
    }
}
