//! Users and their tokens: what the command line and the page of people both do, with the same rules.

use jiff::SignedDuration;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    auth::{Token, TokenAccess},
    domain::{Role, Surroundings, User},
    store::{Actor, CredentialChange, Store, StoreError, TokenKind, TokenRecord, TryKind},
};

/// How long a sign-in code works.
const SIGN_IN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Most bytes of a source, facility or department.
const LONGEST_SCOPE: usize = 128;

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The login name cannot be one.
    #[error("a login name has 1 to 64 letters, digits, dots, dashes and underscores")]
    Name,
    /// There is a user of that name.
    #[error("there is a user {0:?} already; choose another name")]
    Taken(String),
    /// There is none.
    #[error("there is no user {0:?}; `abstractor user list` lists them")]
    Unknown(String),
    /// A submitter speaks for a system.
    #[error("a submitter needs --source, the name of the system it speaks for")]
    SourceMissing,
    /// No record is named.
    #[error("name the source and the record number, each of at most {LONGEST_SCOPE} bytes")]
    Record,
    /// A name of a place is too long, or holds what no name holds.
    #[error("a source, facility or department has at most {LONGEST_SCOPE} bytes and no control characters")]
    Scope,
    /// Disabled users get no tokens.
    #[error("the user {0:?} is disabled; enable them first")]
    Disabled(String),
    /// Who would lock themselves out.
    #[error("nobody disables themselves, changes their own role or takes their own records away; another administrator can")]
    Oneself,
    /// Days of a token.
    #[error("a token works for at least one day, and at most 3650")]
    Days,
    /// Only tokens for programs that work now have a successor.
    #[error("there is no token for programs of this id that works now; `abstractor token list USER` lists them")]
    NoToken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token to make.
#[derive(Debug)]
pub struct NewToken {
    /// What it opens.
    pub kind: TokenKind,
    /// What it is for.
    pub label: String,
    /// How long it works; always when none.
    pub life: Option<SignedDuration>,
}

impl NewToken {
    /// A one-time code for the pages.
    #[must_use]
    pub fn sign_in() -> Self {
        Self { kind: TokenKind::SignIn, label: "sign-in".to_owned(), life: Some(SIGN_IN_LIFE) }
    }

    /// A token for programs that works for so many days, or always.
    ///
    /// # Errors
    /// [`AccountError::Days`] for none or more than ten years.
    pub fn api(label: String, days: Option<i64>) -> Result<Self, AccountError> {
        let life = match days {
            Some(days) if (1..=3650).contains(&days) => Some(SignedDuration::from_hours(days * 24)),
            Some(_) => return Err(AccountError::Days),
            None => None,
        };
        Ok(Self { kind: TokenKind::Api, label, life })
    }

    /// The same for programs that need a part of what their user may.
    #[must_use]
    pub fn with_access(self, access: TokenAccess) -> Self {
        let kind = match access {
            TokenAccess::Full => TokenKind::Api,
            TokenAccess::Read => TokenKind::ApiRead,
            TokenAccess::Write => TokenKind::ApiWrite,
        };
        Self { kind, ..self }
    }
}

/// Users and tokens of a store, as somebody arranges them.
pub struct Accounts<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// Clock and ids.
    pub surroundings: &'a Surroundings,
    /// Who does it.
    pub actor: Actor,
}

impl Accounts<'_> {
    /// Adds a user.
    ///
    /// # Errors
    /// What is wrong with the user, a name that is taken, or a failing store.
    pub async fn add(&self, user: User) -> Result<(), AccountError> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let named = user.name.chars().any(|letter| letter != '.');
        if !named || user.name.len() > 64 || !user.name.chars().all(fits) {
            return Err(AccountError::Name);
        }
        check_scope(&user)?;
        let name = user.name.clone();
        let added = self.store.add_user(user, self.actor.clone(), self.surroundings.now()).await?;
        added.then_some(()).ok_or(AccountError::Taken(name))
    }

    /// Gives the user of that name the role, source, facility, department and clearances of `user`; they hold from the next call on. Another
    /// role revokes their tokens.
    ///
    /// # Errors
    /// What is wrong with them, a user that is not there, one's own role, or a failing store.
    pub async fn change(&self, user: User) -> Result<(), AccountError> {
        check_scope(&user)?;
        let before = self.named(&user.name).await?;
        if self.actor.user_id == Some(before.id) && before.role != user.role {
            return Err(AccountError::Oneself);
        }
        let name = user.name.clone();
        let changed = self.store.change_user(user, self.actor.clone(), self.surroundings.now()).await?;
        changed.then_some(()).ok_or(AccountError::Unknown(name))
    }

    /// Disables a user, whose sessions and tokens stop at once, or enables them.
    ///
    /// # Errors
    /// A user that is not there, oneself, or a failing store.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), AccountError> {
        if disabled && self.named(name).await?.id == self.actor.user_id.unwrap_or_default() {
            return Err(AccountError::Oneself);
        }
        let found = self.store.set_user_disabled(name, disabled, self.actor.clone(), self.surroundings.now()).await?;
        found.then_some(()).ok_or_else(|| AccountError::Unknown(name.to_owned()))
    }

    /// Makes a token and gives it out, once: only its hash is kept.
    ///
    /// # Errors
    /// A user that is not there or disabled, or a failing store.
    pub async fn add_token(&self, name: &str, new: NewToken) -> Result<String, AccountError> {
        let found = self.named(name).await?;
        if found.disabled {
            return Err(AccountError::Disabled(found.name));
        }
        let token = Token::generate();
        let now = self.surroundings.now();
        let record = TokenRecord {
            id: self.surroundings.new_id(),
            user_id: found.id,
            kind: new.kind,
            label: new.label,
            created_at: now,
            expires_at: new.life.map(|life| now + life),
            revoked_at: None,
            used_at: None,
        };
        self.store.add_token(record, token.hash(), self.actor.clone(), now).await?;
        Ok(token.reveal().to_owned())
    }

    /// Revokes a token; `false` when there is none.
    ///
    /// # Errors
    /// A failing store.
    pub async fn revoke_token(&self, id: Uuid) -> Result<bool, AccountError> {
        Ok(self.store.revoke_token(id, self.actor.clone(), self.surroundings.now()).await?)
    }

    /// Says that a record number of a source is the user's own: nothing of that patient is there for them.
    ///
    /// # Errors
    /// A user that is not there, a record that is none, or a failing store.
    pub async fn add_own_record(&self, name: &str, (source, number): (&str, &str)) -> Result<(), AccountError> {
        let (source, number) = (source.trim(), number.trim());
        let fits = |word: &str| !word.is_empty() && word.len() <= LONGEST_SCOPE && !word.chars().any(char::is_control);
        if !fits(source) || !fits(number) {
            return Err(AccountError::Record);
        }
        let now = self.surroundings.now();
        let found = self.store.add_own_record(name, (source, number), self.actor.clone(), now).await?;
        found.then_some(()).ok_or_else(|| AccountError::Unknown(name.to_owned()))
    }

    /// Takes the own records of a user away.
    ///
    /// # Errors
    /// A user that is not there, or a failing store.
    pub async fn remove_own_records(&self, name: &str) -> Result<(), AccountError> {
        if self.named(name).await?.id == self.actor.user_id.unwrap_or_default() {
            return Err(AccountError::Oneself);
        }
        let found = self.store.remove_own_records(name, self.actor.clone(), self.surroundings.now()).await?;
        found.then_some(()).ok_or_else(|| AccountError::Unknown(name.to_owned()))
    }

    /// Makes a successor of a token for programs, for `life` or always, and ends the old one after the overlap. The new one, once.
    ///
    /// # Errors
    /// A token that is not there or works no more, or a failing store.
    pub async fn rotate_token(
        &self,
        id: Uuid,
        life: Option<SignedDuration>,
        overlap: SignedDuration,
    ) -> Result<String, AccountError> {
        let (token, now) = (Token::generate(), self.surroundings.now());
        // user, kind and label are those of the old one
        let record = TokenRecord {
            id: self.surroundings.new_id(),
            user_id: Uuid::nil(),
            kind: TokenKind::Api,
            label: String::new(),
            created_at: now,
            expires_at: life.map(|life| now + life),
            revoked_at: None,
            used_at: None,
        };
        let rotated = self.store.rotate_token(id, (record, token.hash()), overlap, self.actor.clone()).await?;
        rotated.ok_or(AccountError::NoToken)?;
        Ok(token.reveal().to_owned())
    }

    /// Takes a user's password away: they need a new code, and their sessions end.
    ///
    /// # Errors
    /// A user that is not there, or a failing store.
    pub async fn remove_password(&self, name: &str) -> Result<(), AccountError> {
        let change = self.change_of(name).await?;
        Ok(self.store.set_password(change, None, self.surroundings.now()).await?)
    }

    /// Takes a user's second factor away, which they lost, with its recovery codes; their sessions end.
    ///
    /// # Errors
    /// A user that is not there, or a failing store.
    pub async fn remove_factor(&self, name: &str) -> Result<(), AccountError> {
        let change = self.change_of(name).await?;
        self.store.remove_factor(change, self.surroundings.now()).await?;
        Ok(())
    }

    /// Forgets a user's failed tries, so that the next one need not wait.
    ///
    /// # Errors
    /// A user that is not there, or a failing store.
    pub async fn unlock(&self, name: &str) -> Result<(), AccountError> {
        let found = self.named(name).await?;
        for kind in [TryKind::Password, TryKind::SecondFactor] {
            self.store.clear_tries(kind, &found.name).await?;
        }
        let (now, subject) = (self.surroundings.now(), Some(("user", found.id)));
        Ok(self.store.record_audit(self.actor.clone(), "sign_in.unlocked", subject, "", now).await?)
    }

    async fn change_of(&self, name: &str) -> Result<CredentialChange, AccountError> {
        let user_id = self.named(name).await?.id;
        Ok(CredentialChange { user_id, kept: None, actor: self.actor.clone() })
    }

    async fn named(&self, name: &str) -> Result<User, AccountError> {
        self.store.user_named(name).await?.ok_or_else(|| AccountError::Unknown(name.to_owned()))
    }
}

fn check_scope(user: &User) -> Result<(), AccountError> {
    if user.role == Role::Submitter && user.source.is_none() {
        return Err(AccountError::SourceMissing);
    }
    let fits = |name: &String| name.len() <= LONGEST_SCOPE && !name.chars().any(char::is_control);
    let fit = [&user.source, &user.facility, &user.department].into_iter().flatten().all(fits);
    fit.then_some(()).ok_or(AccountError::Scope)
}
