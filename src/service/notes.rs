//! Posting and reading notes.

use thiserror::Error;
use uuid::Uuid;

use super::{Service, actor, visible};
use crate::{
    auth::Scope,
    domain::{Extraction, NewNote, Note, NoteStatus, User},
    pipeline::{InputError, check_text},
    store::{AddNote, StoreError},
};

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

impl Service {
    /// Stores a note and its job; the answer comes when both are durable. The second value is false when the note was there.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn post_note(&self, user: &User, note: NewNote) -> Result<(Uuid, bool), PostError> {
        check_text(&note.text)?;
        let id = self.surroundings.new_id();
        match self.store.add_note(id, note, actor(user), self.surroundings.now()).await? {
            AddNote::Created { id } => {
                metrics::counter!("abstractor_notes_stored_total").increment(1);
                self.wake.notify_one();
                Ok((id, true))
            }
            AddNote::Existing { id } => Ok((id, false)),
            AddNote::Conflict { .. } => Err(PostError::Conflict),
            AddNote::VersionRequired { .. } => Err(PostError::VersionRequired),
        }
    }

    /// A note that the user may see; none otherwise. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_note(&self, user: &User, id: Uuid, with_extraction: bool) -> Result<Option<NoteAnswer>, StoreError> {
        let Some(note) = self.store.note(id).await? else { return Ok(None) };
        if !visible(user, &Scope::of_note(&note.content)) {
            return Ok(None);
        }
        self.record(user, "note.read", ("note", id)).await?;
        let extraction = match note.status {
            NoteStatus::Ready if with_extraction => self.store.extraction(id).await?,
            _ => None,
        };
        Ok(Some(NoteAnswer { note, extraction }))
    }
}
