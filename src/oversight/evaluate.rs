//! An evaluation of drift: reads the outcomes of both windows, and records what was found.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::drift::{Observations, Windows, findings};
use crate::{
    domain::{DriftAlert, DriftEvaluation, DriftWindow, ItemOutcome, Sensitivities},
    statistics::Sampling,
    store::{Actor, OutcomeTime, OutcomeWindow, ReportScope, Store, StoreError},
};

/// Days of the current window.
pub const CURRENT_DAYS: i64 = 7;
/// Days of the reference before it, where nobody fixed one.
pub const REFERENCE_DAYS: i64 = 28;
/// Between two evaluations by themselves.
pub const EVALUATED_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Draws of each test: the least p is far below what the correction for many measures asks for.
const DRAWS: usize = 1_999;
/// Outcomes that are read at once.
const PAGE: u32 = 200;

/// The whole site: drift is watched over all encounters, and tells numbers alone.
pub(super) fn everything() -> ReportScope {
    ReportScope { include_restricted: true, clearances: Sensitivities::ALL, ..ReportScope::default() }
}

/// What is held against what at a moment. Where the reference was fixed, nothing of it is in the current window too.
#[must_use]
pub fn windows(fixed: Option<DriftWindow>, until: Timestamp) -> Windows {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let from = until.saturating_sub(days(CURRENT_DAYS)).unwrap_or(Timestamp::MIN);
    match fixed {
        Some(reference) => {
            let from = from.max(reference.until).min(until);
            Windows { reference, current: DriftWindow { from, until } }
        }
        None => {
            let begin = from.saturating_sub(days(REFERENCE_DAYS)).unwrap_or(Timestamp::MIN);
            Windows { reference: DriftWindow { from: begin, until: from }, current: DriftWindow { from, until } }
        }
    }
}

/// Reads outcomes page by page.
///
/// # Errors
/// When the store fails.
pub async fn each_outcome(
    store: &dyn Store,
    (scope, window): (ReportScope, OutcomeWindow),
    mut take: impl FnMut(ItemOutcome) + Send,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.outcomes(scope.clone(), window, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(window.end_at(last));
        page.into_iter().for_each(&mut take);
    }
}

/// Evaluates every measure at a moment and keeps it, with the alerts that come of it.
///
/// # Errors
/// When the store fails.
pub async fn evaluate(
    store: &dyn Store,
    (id, at): (Uuid, Timestamp),
    actor: Actor,
) -> Result<(DriftEvaluation, Vec<DriftAlert>), StoreError> {
    let fixed = store.drift_reference().await?.and_then(|reference| reference.window);
    let windows = windows(fixed, at);
    let mut seen = Observations::new(windows);
    for window in [windows.reference, windows.current] {
        let of = |by| (everything(), OutcomeWindow { from: window.from, until: window.until, by });
        each_outcome(store, of(OutcomeTime::Finished), |outcome| seen.add_finished(&outcome)).await?;
        each_outcome(store, of(OutcomeTime::Received), |outcome| seen.add_received(&outcome)).await?;
    }
    let seed = id.as_u64_pair().1;
    // a long computation must not hold up what else this thread does
    let work = move || findings(&seen, Sampling { draws: DRAWS, seed });
    let findings = tokio::task::spawn_blocking(work).await;
    let findings = findings.map_err(|_| StoreError::Database("the evaluation of drift failed".to_owned()))?;
    let evaluation = DriftEvaluation {
        id,
        at,
        reference: windows.reference,
        current: windows.current,
        fixed_reference: fixed.is_some(),
        findings,
    };
    let raised = store.record_drift(evaluation.clone(), actor).await?;
    Ok((evaluation, raised))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_never_overlaps_what_is_held_against_it() {
        let at = |day: i64| Timestamp::from_second(day * 86_400).expect("a time");
        let rolling = windows(None, at(100));
        assert_eq!((rolling.current.from, rolling.current.until), (at(93), at(100)));
        assert_eq!((rolling.reference.from, rolling.reference.until), (at(65), at(93)));
        let fixed = DriftWindow { from: at(1), until: at(30) };
        assert_eq!(windows(Some(fixed), at(100)).current.from, at(93));
        assert_eq!(windows(Some(fixed), at(32)).current, DriftWindow { from: at(30), until: at(32) });
        assert_eq!(windows(Some(fixed), at(20)).current, DriftWindow { from: at(20), until: at(20) });
    }
}
