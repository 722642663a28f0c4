//! What users prove who they are with on the pages, the tries that failed, and their sessions, as they are kept.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Actor, StoreError, TokenRecord};
use crate::domain::User;

/// What a user has to prove who they are. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Hash of the password, a PHC string.
    pub password: Option<String>,
    /// The second factor, also while its enrolment is not confirmed.
    pub factor: Option<KeptFactor>,
    /// Recovery codes that were not used yet.
    pub recovery_codes: u64,
}

impl Credentials {
    /// The second factor, when it holds.
    #[must_use]
    pub fn confirmed_factor(&self) -> Option<&KeptFactor> {
        self.factor.as_ref().filter(|factor| factor.is_confirmed)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A second factor as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptFactor {
    /// Its secret.
    pub secret: Vec<u8>,
    /// Whether its owner has shown a code of it.
    pub is_confirmed: bool,
    /// The last step used.
    pub step: Option<i64>,
}

impl std::fmt::Debug for KeptFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptFactor(..)")
    }
}

/// A change of what somebody proves who they are with: it ends their sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialChange {
    /// Whose.
    pub user_id: Uuid,
    /// The session that goes on, by its hash: the one in which it is done.
    pub kept: Option<[u8; 32]>,
    /// Who does it.
    pub actor: Actor,
}

/// Label of a session that began with a second factor at the hospital's own provider: it needs none here.
pub const PROVED_TWICE: &str = "browser, second factor of the provider";

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Its token's id.
    pub id: Uuid,
    /// Who.
    pub user: User,
    /// When they last did something, to a minute.
    pub active_at: Timestamp,
    /// When they last proved who they are.
    pub proved_at: Timestamp,
    /// Whether they have a second factor that holds.
    pub has_factor: bool,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryKind {
    /// A password.
    Password,
    /// A code of the second factor.
    SecondFactor,
}

impl TryKind {
    /// The word of the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second factor",
        }
    }
}

/// Whether something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It may; it counts as failed until a success is told.
    Begun {
        /// How long the next try has to wait if this one fails.
        wait: Option<SignedDuration>,
    },
    /// Too many failed before.
    Blocked {
        /// Until then.
        until: Timestamp,
    },
}

/// Somebody who has made the first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStep {
    /// Who.
    pub user: User,
    /// What the first step was.
    pub how: String,
}

/// Passwords, second factors, tries and sessions.
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// What the user has; nothing where there is no such user.
    async fn credentials(&self, user_id: Uuid) -> Result<Credentials, StoreError>;
    /// A user by name, with what they have.
    async fn user_with_credentials(&self, name: &str) -> Result<Option<(User, Credentials)>, StoreError>;
    /// Keeps the hash of a password in place of the one before; none takes it away. Ends the other sessions.
    async fn set_password(&self, change: CredentialChange, hash: Option<String>, now: Timestamp) -> Result<(), StoreError>;
    /// Keeps another hash of the same password, where `before` still holds.
    async fn rehash_password(&self, user_id: Uuid, before: &str, hash: String) -> Result<(), StoreError>;
    /// Keeps the secret of a second factor, which holds when it is confirmed. `false` when the user has one that holds.
    async fn begin_factor(&self, user_id: Uuid, secret: Vec<u8>) -> Result<bool, StoreError>;
    /// Confirms the second factor by a step of this secret, and keeps the hashes of its recovery codes. `false` when there is no such to
    /// confirm.
    async fn confirm_factor(
        &self,
        user: &User,
        shown: (Vec<u8>, i64),
        recovery: Vec<[u8; 32]>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Takes the second factor and its recovery codes away, and ends the other sessions. `false` when there is none.
    async fn remove_factor(&self, change: CredentialChange, now: Timestamp) -> Result<bool, StoreError>;
    /// Uses a step of the second factor; `false` when it or a later one was used.
    async fn use_step(&self, user_id: Uuid, step: i64) -> Result<bool, StoreError>;
    /// Uses a recovery code; `false` when it is none or was used.
    async fn use_recovery_code(&self, user_id: Uuid, hash: [u8; 32], now: Timestamp) -> Result<bool, StoreError>;

    /// Begins a try under a login name, whether or not there is such a user. It counts as failed at once, so that no number of tries at the
    /// same time gets past the count.
    async fn begin_try(&self, kind: TryKind, name: &str, now: Timestamp) -> Result<Try, StoreError>;
    /// Until when tries under the name wait.
    async fn blocked_until(&self, kind: TryKind, name: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
    /// Forgets the failed tries of a kind under a name.
    async fn clear_tries(&self, kind: TryKind, name: &str) -> Result<(), StoreError>;
    /// Records a failed try: of a user by their id, else it is counted. `wait` is how long the next one waits.
    async fn record_failed_try(
        &self,
        user_id: Option<Uuid>,
        kind: TryKind,
        wait: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Tells of what was tried with names and codes that nobody has, in one event a minute; how many it were.
    async fn tell_unknown_tries(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Keeps that a user made the first step, under the hash of a token that works until `expires_at`.
    async fn add_sign_in_step(
        &self,
        first: (Uuid, &str),
        hash: [u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Who made the first step; none when it is over or they are disabled.
    async fn sign_in_step(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<SignInStep>, StoreError>;
    /// Ends the step; `false` when it ended before.
    async fn end_sign_in_step(&self, hash: [u8; 32]) -> Result<bool, StoreError>;

    /// The session of this hash, when it goes on: it has not ended, and its user did something within `idle`.
    async fn session(&self, hash: [u8; 32], idle: SignedDuration, now: Timestamp) -> Result<Option<LiveSession>, StoreError>;
    /// Keeps that a token was used, when that was not kept within the last minute.
    async fn keep_use(&self, hash: [u8; 32], now: Timestamp) -> Result<(), StoreError>;
    /// Keeps that the user of a session proved who they are.
    async fn keep_proof(&self, session: Uuid, actor: Actor, how: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Ends the sessions of a user but the kept one; how many.
    async fn end_sessions(&self, change: CredentialChange, now: Timestamp) -> Result<u64, StoreError>;
    /// Makes a successor of a live token for programs, for the same user with the same access and label, and ends the old one at
    /// its successor's beginning and `overlap`, or as it would have ended. The id of its user; none when there is no such token.
    async fn rotate_token(
        &self,
        old: Uuid,
        successor: (TokenRecord, [u8; 32]),
        overlap: SignedDuration,
        actor: Actor,
    ) -> Result<Option<Uuid>, StoreError>;
}
