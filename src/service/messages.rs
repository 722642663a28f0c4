//! Messages of other systems (HL7 version 2): handled once, answered, kept; those that could not be used are handled again when asked.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Intake, PostError, Service, actor};
use crate::{
    auth::{Permission, permits},
    domain::User,
    interop::hl7::{self, Again, Ending, Frame, Header, Problem, Request, answer},
    store::{
        Actor, IdempotencyKey, KnownMessage, MessageFilter, MessageIdentity, MessageLine, MessageOutcome, NoteKey,
        PatientMerge, Posting, ReceivedMessage, StoreError, Unversioned,
    },
};

/// What came of handling a message again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// There is no such message.
    Missing,
    /// It was accepted before: there is nothing to do.
    AcceptedBefore,
    /// Only a piece of it is here; its sender must send it again.
    Piece,
    /// It is accepted now.
    Accepted {
        /// The note that it made or changed.
        note_id: Option<Uuid>,
    },
    /// It still cannot be used.
    Failed(Problem),
}

/// Why a message is not handled to its end.
enum Unhandled {
    /// It cannot be used.
    Problem(Problem),
    /// The store failed: the same message may be handled later.
    Store(StoreError),
}

impl From<Problem> for Unhandled {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Unhandled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PostError> for Unhandled {
    fn from(error: PostError) -> Self {
        let known = |code, detail| Problem::error(code, 205, detail).at("TXA", 12).into();
        match error {
            PostError::Input(input) => Problem::error(input.code(), 102, input.to_string()).at("OBX", 5).into(),
            PostError::Conflict => known("version_conflict", "this version of the document is known with another text"),
            PostError::VersionRequired => {
                let detail = "the number of the document is known with another text; send an edit (T08), an addendum (T06) or a \
                              replacement (T10)";
                known("version_required", detail)
            }
            PostError::KeyConflict => control_id_reused().into(),
            PostError::Store(error) => error.into(),
        }
    }
}

fn control_id_reused() -> Problem {
    Problem::error("control_id_reused", 205, "MSH-10 was used for another message; give every message a number of its own")
        .at("MSH", 10)
}

impl Intake<'_> {
    /// Handles a message of the user with this login name and gives what is to be answered, in its frames. What is answered is durable.
    /// The same message again is answered as before and not handled again; only what the store could not take is.
    pub async fn receive_message(&self, user: &str, frame: Frame) -> Vec<u8> {
        let header = Header::read(&frame.content);
        match self.received(user, frame, header.clone()).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(%error, "a message could not be kept; its sender is told to send it again");
                count("internal");
                let problem =
                    Problem::reject("internal", 207, "the service could not do this now; send the message again later");
                self.reply(&header.unwrap_or_default(), Err(&problem))
            }
        }
    }

    async fn received(&self, user: &str, frame: Frame, header: Option<Header>) -> Result<Vec<u8>, StoreError> {
        let sender = self.store.user_named(user).await?;
        let sender = sender.filter(|user| !user.disabled && permits(user.role, Permission::PostNote));
        let Some((user, source)) = sender.and_then(|user| user.source.clone().map(|source| (user, source))) else {
            tracing::error!("a message was refused: the user of its listener is disabled or may not post notes");
            count("sender_disabled");
            let problem =
                Problem::reject("sender_disabled", 207, "the account of this connection is disabled or may not post notes");
            return Ok(self.reply(&header.unwrap_or_default(), Err(&problem)));
        };
        let identity = header.as_ref().filter(|_| frame.ending == Ending::Whole).and_then(identity_of);
        let known = match &identity {
            Some(identity) => self.store.known_message(&source, identity.clone(), &frame.content).await?,
            None => KnownMessage::New,
        };
        let outcome = match (known, frame.ending, &header) {
            (KnownMessage::Same { acknowledgement }, ..) => {
                count("repeated");
                return Ok(acknowledgement);
            }
            (_, Ending::Cut, _) => {
                Err(Problem::error("truncated", 207, "the message ended before its end block; send it again"))
            }
            (_, Ending::TooLarge, _) => {
                let detail = "the message is longer than this listener takes; send it in parts, or have the limit raised";
                Err(Problem::error("message_too_large", 207, detail))
            }
            (_, _, None) => Err(hl7::no_header()),
            (KnownMessage::OtherContent, ..) => Err(control_id_reused()),
            (KnownMessage::New, Ending::Whole, Some(header)) => {
                let key = identity.as_ref().map(|identity| key_of(&user, identity, &frame.content));
                match self.handle(&user, (header, &frame.content), key).await {
                    Ok(note_id) => Ok(note_id),
                    Err(Unhandled::Problem(problem)) => Err(problem),
                    Err(Unhandled::Store(error)) => return Err(error),
                }
            }
        };
        let header = header.unwrap_or_default();
        let message = ReceivedMessage {
            id: self.surroundings.new_id(),
            user_id: user.id,
            source,
            event: header.event(),
            identity,
            content: frame.content,
            outcome: self.outcome(&header, outcome),
            received_at: self.surroundings.now(),
        };
        let (id, event, outcome) = (message.id, message.event.clone(), message.outcome.clone());
        if let Some(earlier) = self.store.add_message(message, actor(&user)).await? {
            count("repeated");
            return Ok(earlier);
        }
        match &outcome.reason {
            Some(reason) => {
                count("failed");
                tracing::warn!(message = %id, event, reason, "a message could not be used and is kept");
            }
            None => count("accepted"),
        }
        Ok(outcome.acknowledgement)
    }

    /// Does what a whole message asks for; the note that it made or changed.
    async fn handle(
        &self,
        user: &User,
        (header, content): (&Header, &[u8]),
        key: Option<IdempotencyKey>,
    ) -> Result<Option<Uuid>, Unhandled> {
        if header.control_id.is_empty() {
            return Err(Problem::missing("MSH", 10).into());
        }
        let message = hl7::message(content, header)?;
        let source = user.source.clone().unwrap_or_default();
        match hl7::request(&message, header)? {
            Request::Nothing => Ok(None),
            Request::Post(document) => {
                let mut posting = Posting { key, ..document.note.into() };
                posting.note.source = source;
                posting.unversioned = match document.again {
                    Again::Refused => Unversioned::Refuse,
                    Again::Next => Unversioned::Next,
                };
                let (id, _) = self.post_note(user, posting).await?;
                Ok(Some(id))
            }
            Request::Retract { external_id, at } => {
                let document = NoteKey::Document { source, external_id };
                let retracted = self.retract_note(user, document, at).await?.ok_or_else(|| {
                    Problem::error("unknown_document", 204, "there is no document of this number").at("TXA", 12)
                })?;
                Ok(retracted.first().copied())
            }
            Request::UpdatePatient(patient) => {
                // of a patient without notes there is nothing to keep
                self.store.update_patient(&source, patient, actor(user), self.surroundings.now()).await?;
                Ok(None)
            }
            Request::MergePatients(merges) => {
                for merge in merges {
                    let merge = PatientMerge { source: source.clone(), surviving: merge.surviving, retired: merge.retired };
                    let (id, now) = (self.surroundings.new_id(), self.surroundings.now());
                    self.store.merge_patients(id, merge, actor(user), now).await?;
                }
                Ok(None)
            }
        }
    }

    /// Handles a message again that could not be used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replay_message(&self, by: Actor, id: Uuid) -> Result<Replay, StoreError> {
        let Some(message) = self.store.message(id).await? else { return Ok(Replay::Missing) };
        match message.outcome.reason.as_deref() {
            None => return Ok(Replay::AcceptedBefore),
            Some("truncated" | "message_too_large") => return Ok(Replay::Piece),
            Some(_) => {}
        }
        let user = self.store.users().await?.into_iter().find(|user| user.id == message.user_id);
        let header = Header::read(&message.content);
        let handled = match (&user, &header) {
            (Some(user), Some(header)) => self.handle(user, (header, &message.content), None).await,
            (_, None) => Err(hl7::no_header().into()),
            (None, _) => Err(Problem::reject("sender_disabled", 207, "its account is not there any more").into()),
        };
        let outcome = match handled {
            Ok(note_id) => Ok(note_id),
            Err(Unhandled::Problem(problem)) => Err(problem),
            Err(Unhandled::Store(error)) => return Err(error),
        };
        let settled = self.outcome(&header.unwrap_or_default(), outcome.clone());
        if !self.store.settle_message(id, settled, by, self.surroundings.now()).await? {
            return Ok(Replay::AcceptedBefore);
        }
        Ok(match outcome {
            Ok(note_id) => Replay::Accepted { note_id },
            Err(problem) => Replay::Failed(problem),
        })
    }

    fn outcome(&self, header: &Header, outcome: Result<Option<Uuid>, Problem>) -> MessageOutcome {
        MessageOutcome {
            reason: outcome.as_ref().err().map(|problem| problem.code.to_owned()),
            note_id: outcome.as_ref().ok().copied().flatten(),
            acknowledgement: self.reply(header, outcome.as_ref().map(drop)),
        }
    }

    fn reply(&self, header: &Header, outcome: Result<(), &Problem>) -> Vec<u8> {
        answer(header, outcome, (self.surroundings.new_id(), self.surroundings.now()))
    }
}

fn count(result: &'static str) {
    metrics::counter!("abstractor_messages_total", "result" => result).increment(1);
}

/// What tells the message from others; none without a control id.
fn identity_of(header: &Header) -> Option<MessageIdentity> {
    let Header { sender, receiver, control_id, .. } = header.clone();
    (!control_id.is_empty()).then_some(MessageIdentity { sender, receiver, control_id })
}

/// A message that died between its note and its being kept comes again: it must find its note.
fn key_of(user: &User, identity: &MessageIdentity, content: &[u8]) -> IdempotencyKey {
    let MessageIdentity { sender, receiver, control_id } = identity;
    let parts = [&sender.0, &sender.1, &receiver.0, &receiver.1, control_id];
    IdempotencyKey {
        owner: format!("messages of {}", user.id),
        key: parts.map(String::as_str).join("\u{1f}"),
        body: Sha256::digest(content).into(),
    }
}

impl Service {
    /// Messages that could not be used, the newest first, behind one: of every source, or of the one that the user is limited to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failed_messages(
        &self,
        user: &User,
        mut behind: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<MessageLine>, StoreError> {
        let mut found = Vec::new();
        loop {
            let some = self.store.messages(MessageFilter::Failed, behind, limit).await?;
            let is_last = some.len() < limit as usize;
            behind = some.last().map(|line| line.id);
            found.extend(some.into_iter().filter(|line| user.source.as_ref().is_none_or(|own| *own == line.source)));
            if is_last || found.len() >= limit as usize {
                found.truncate(limit as usize);
                return Ok(found);
            }
        }
    }

    /// Whether there is such a message for the user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn may_see_message(&self, user: &User, id: Uuid) -> Result<bool, StoreError> {
        let Some(own) = &user.source else { return Ok(true) };
        Ok(self.store.message(id).await?.is_some_and(|message| message.source == *own))
    }
}
