//! Reports of accesses, for auditors; reading them is recorded.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use super::{Service, actor};
use crate::{
    domain::User,
    store::{AccessEnd, AccessFilter, AuditEvent, StoreError, TrailReport},
};

/// What is asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessQuestion {
    /// By whom: a login name.
    pub actor: Option<String>,
    /// Of which kind: `note.read`.
    pub action: Option<String>,
    /// Of which patient, item, note or other thing, by our ids; what belongs to it counts for it. None = of any.
    pub of: Vec<Uuid>,
    /// Of the patient with this record number at this source.
    pub patient: Option<(String, String)>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// Why a question cannot be asked.
#[derive(Debug, Error)]
pub enum AccessError {
    /// No source for a record number, or the other way round.
    #[error("a record number needs the source that it is of, and a source a record number")]
    HalfANumber,
    /// Both.
    #[error("ask by an id or by a record number, not by both")]
    TwoThings,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessQuestion {
    /// The record number of a patient from a source and a number, each blank where it was not given.
    ///
    /// # Errors
    /// [`AccessError::HalfANumber`] when one of them is missing.
    pub fn numbered(source: &str, number: &str) -> Result<Option<(String, String)>, AccessError> {
        match (source.trim(), number.trim()) {
            ("", "") => Ok(None),
            ("", _) | (_, "") => Err(AccessError::HalfANumber),
            (source, number) => Ok(Some((source.to_owned(), number.to_owned()))),
        }
    }

    /// In words of ours, for the event that tells of the question: no name of a person and no number of a patient.
    fn told(&self) -> String {
        let ids: Vec<String> = self.of.iter().map(Uuid::to_string).collect();
        let of = (!ids.is_empty()).then(|| format!("of {}", ids.join(", ")));
        let patient = self.patient.as_ref().map(|_| "of a record number".to_owned());
        let actor = self.actor.as_ref().map(|_| "by one user".to_owned());
        let words: Vec<String> = [of, patient, actor].into_iter().flatten().collect();
        if words.is_empty() { "accesses".to_owned() } else { format!("accesses {}", words.join(" ")) }
    }
}

impl Service {
    /// Events that answer the question, newest first, and the end of the page where there may be more. Recorded as read.
    ///
    /// # Errors
    /// [`AccessError`], also when the store fails: what cannot be recorded is not given.
    pub async fn accesses(
        &self,
        user: &User,
        question: &AccessQuestion,
        after: Option<AccessEnd>,
        limit: u32,
    ) -> Result<(Vec<AuditEvent>, Option<AccessEnd>), AccessError> {
        let mut told = question.told();
        let of = match &question.patient {
            Some(_) if !question.of.is_empty() => return Err(AccessError::TwoThings),
            Some((source, number)) => {
                let found = self.store.patients_numbered(source, number).await?;
                told = format!("{told}: {}", ids_of(&found));
                Some(found)
            }
            None => Some(question.of.clone()).filter(|of| !of.is_empty()),
        };
        self.record_counted(actor(user), "audit.read", told).await?;
        let filter = AccessFilter {
            actor: question.actor.clone(),
            action: question.action.clone(),
            of,
            from: question.from,
            until: question.until,
        };
        let events = self.store.accesses(filter, after, limit).await?;
        let end = events.last().filter(|_| events.len() == limit as usize).map(|event| (event.at, event.sequence));
        Ok((events, end))
    }

    /// Our ids of the patients with a record number at a source, for a question of theirs; that it was looked for is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn patients_of_number(&self, user: &User, (source, number): (&str, &str)) -> Result<Vec<Uuid>, StoreError> {
        let found = self.store.patients_numbered(source, number).await?;
        let told = format!("a record number was looked for: {}", ids_of(&found));
        self.record_counted(actor(user), "audit.read", told).await?;
        Ok(found)
    }

    /// Whether the trail verifies from the checkpoint before the newest one on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trail_standing(&self) -> Result<TrailReport, StoreError> {
        self.store.trail_standing().await
    }
}

fn ids_of(found: &[Uuid]) -> String {
    if found.is_empty() { "nobody".to_owned() } else { found.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ") }
}

/// Events of one page of a report.
const PAGE: u32 = 1_000;
/// The columns of a report.
pub const ACCESS_COLUMNS: [&str; 7] = ["sequence", "at", "actor", "action", "subject_kind", "subject_id", "detail"];

/// A report as CSV, page by page, so that a long one is never held as a whole.
pub struct AccessRows {
    service: Arc<Service>,
    user: User,
    question: AccessQuestion,
    ready: Option<Vec<u8>>,
    after: Option<AccessEnd>,
}

/// Begins a report; its first page is read already, so that what cannot be answered is told before the answer begins.
///
/// # Errors
/// As [`Service::accesses`].
pub async fn access_rows(service: Arc<Service>, user: User, question: AccessQuestion) -> Result<AccessRows, AccessError> {
    let (events, after) = service.accesses(&user, &question, None, PAGE).await?;
    let mut ready = ACCESS_COLUMNS.join(",").into_bytes();
    ready.push(b'\n');
    ready.extend(csv_of(&events)?);
    Ok(AccessRows { service, user, question, ready: Some(ready), after })
}

impl AccessRows {
    /// The next page; none behind the last one. A failure ends the answer in its middle, which its reader sees.
    pub async fn next_page(&mut self) -> Option<Result<Vec<u8>, AccessError>> {
        if let Some(ready) = self.ready.take() {
            return Some(Ok(ready));
        }
        let after = self.after.take()?;
        let page = self.service.accesses(&self.user, &self.question, Some(after), PAGE).await;
        Some(page.and_then(|(events, after)| {
            self.after = after;
            csv_of(&events)
        }))
    }
}

/// Events as lines of CSV.
///
/// # Errors
/// [`AccessError::Store`] when a line cannot be written, which does not happen in memory.
pub fn csv_of(events: &[AuditEvent]) -> Result<Vec<u8>, AccessError> {
    let failed = || AccessError::Store(StoreError::Database("a line of the report could not be written".to_owned()));
    let mut out = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for event in events {
        let (sequence, at) = (event.sequence.to_string(), event.at.to_string());
        let id = event.subject_id.map(|id| id.to_string()).unwrap_or_default();
        out.write_record([&sequence, &at, &event.actor.name, &event.action, &event.subject_kind, &id, &event.detail])
            .map_err(|_| failed())?;
    }
    out.into_inner().map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_without_names_and_numbers() {
        let of = vec![Uuid::nil()];
        let patient = Some(("emr".to_owned(), "SENTINEL".to_owned()));
        let question = AccessQuestion { actor: Some("sentinel".to_owned()), of, patient, ..AccessQuestion::default() };
        let told = question.told();
        assert!(!told.to_lowercase().contains("sentinel") && told.contains(&Uuid::nil().to_string()), "{told}");
        assert!(matches!(AccessQuestion::numbered("emr", " "), Err(AccessError::HalfANumber)));
        assert!(matches!(AccessQuestion::numbered("", ""), Ok(None)));
    }
}
