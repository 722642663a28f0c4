//! Posting and reading notes.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use super::{Intake, Service, actor};
use crate::{
    auth::Scope,
    domain::{Extraction, NewNote, Note, NoteStatus, User},
    pipeline::{InputError, check_text},
    store::{AddNote, NoteKey, Posting, StoreError, Unversioned},
};

/// What is said while more notes wait than may.
const TOO_MANY_WAIT: &str = "as many notes wait for their extraction as may; send again later, and see that workers run";

/// Whether more notes wait for their extraction than the site allows. Looked at from time to time, so a few more may come.
#[derive(Debug, Default)]
pub struct Backlog(AtomicBool);

impl Backlog {
    /// Says that no note can be taken, or that they can be again.
    pub fn set_full(&self, is_full: bool) {
        self.0.store(is_full, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a note is not taken.
#[derive(Debug, Error)]
pub enum PostError {
    /// Its text is not acceptable.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The same source, external id and version with another text is there.
    #[error("source, external_id and version are known with another text; send another version")]
    Conflict,
    /// The same source and external id with another text is there, and no version was given.
    #[error("source and external_id are known with another text; send \"version\" to say that this is another version")]
    VersionRequired,
    /// The sender's word for the request stood for another one.
    #[error("this Idempotency-Key was used with another body in the last seven days; take a new one for a new request")]
    KeyConflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A note with its extraction, when there is one.
#[derive(Debug)]
pub struct NoteAnswer {
    /// The note.
    pub note: Note,
    /// Its live extraction; offsets are bytes.
    pub extraction: Option<Extraction>,
}

impl Intake<'_> {
    /// Stores a note and its job; the answer comes when both are durable. The second value is false when the note was there.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn post_note(&self, user: &User, mut posting: Posting) -> Result<(Uuid, bool), PostError> {
        if self.backlog.is_full() {
            metrics::counter!("abstractor_refused_total", "reason" => "waiting_notes").increment(1);
            return Err(StoreError::Full(TOO_MANY_WAIT).into());
        }
        check_text(&posting.note.text, self.max_note_bytes)?;
        if posting.note.has_nul() {
            return Err(InputError::NulInField.into());
        }
        let itself =
            |note: &NewNote| note.related.as_ref().is_some_and(|other| Some(&other.external_id) == note.external_id.as_ref());
        if itself(&posting.note) {
            // what replaces or appends to itself is its next version
            posting.note.related = None;
            posting.unversioned = Unversioned::Next;
        }
        let id = self.surroundings.new_id();
        match self.store.add_note(id, posting, actor(user), self.surroundings.now()).await? {
            AddNote::Created { id } => {
                metrics::counter!("abstractor_notes_stored_total").increment(1);
                self.wake.notify_one();
                Ok((id, true))
            }
            AddNote::Existing { id } => Ok((id, false)),
            AddNote::Conflict { .. } => Err(PostError::Conflict),
            AddNote::VersionRequired { .. } => Err(PostError::VersionRequired),
            AddNote::KeyConflict { .. } => Err(PostError::KeyConflict),
        }
    }

    /// Takes a document of the user's source back, as its sender did at `at` (now when none); the notes that count no longer. None when there is no
    /// such document.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retract_note(
        &self,
        user: &User,
        document: NoteKey,
        at: Option<Timestamp>,
    ) -> Result<Option<Vec<Uuid>>, StoreError> {
        let source = match &document {
            NoteKey::Document { source, .. } => Some(source.clone()),
            NoteKey::Id(id) => self.store.note(*id).await?.map(|note| note.content.source),
        };
        if source.is_none() || source != user.source {
            return Ok(None);
        }
        let now = self.surroundings.now();
        self.store.retract_note(document, at.unwrap_or(now), actor(user), now).await
    }
}

impl Service {
    /// As [`Intake::post_note`].
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn post_note(&self, user: &User, posting: Posting) -> Result<(Uuid, bool), PostError> {
        self.intake().post_note(user, posting).await
    }

    /// As [`Intake::retract_note`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retract_note(
        &self,
        user: &User,
        document: NoteKey,
        at: Option<Timestamp>,
    ) -> Result<Option<Vec<Uuid>>, StoreError> {
        self.intake().retract_note(user, document, at).await
    }

    /// A note that the user may see; none otherwise. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_note(&self, user: &User, id: Uuid, with_extraction: bool) -> Result<Option<NoteAnswer>, StoreError> {
        let Some(note) = self.store.note(id).await? else { return Ok(None) };
        let Some(reading) = self.reading(user, &Scope::of_note(&note), note.item_id).await? else { return Ok(None) };
        self.record_reading(user, "note.read", ("note", id), reading).await?;
        let extraction = match note.status {
            NoteStatus::Ready if with_extraction => self.store.extraction(id).await?,
            _ => None,
        };
        Ok(Some(NoteAnswer { note, extraction }))
    }
}
