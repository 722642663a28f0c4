//! How somebody is let in: a password or a code first, the second factor where they have one; and how they prove later that it is still them.
//!
//! Nothing here tells whether a login name exists: an unknown name is looked up, compared and counted as a known one is, and takes as long.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::{Service, actor};
use crate::{
    auth::{
        FailureLimit, OneTimeSecret, Password, PasswordProblem, Permission, Token, USUAL_FAILURES, Verified, permits,
        prepare_passwords, recovery_codes, recovery_hash,
    },
    domain::{Role, User},
    network::{PeerCertificate, TrustedProxies},
    store::{CredentialChange, LiveSession, StoreError, TokenKind, Try, TryKind},
};

/// Name of the session cookie, over plain HTTP and over TLS: browsers take one with the second name only when it is `Secure`, of this host alone
/// and of all of its paths.
pub const SESSION_COOKIES: [&str; 2] = ["abstractor_session", "__Host-abstractor_session"];

/// Passwords that are worked out at once; each takes 19 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 4;
/// How long the second factor may take after the first step.
const STEP_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How long a proof holds for what asks for a fresh one.
const PROOF_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// Uses of tokens are kept once in so long.
const USE_KEPT: SignedDuration = SignedDuration::from_mins(1);
/// Tokens whose last use is remembered.
const REMEMBERED: usize = 10_000;
/// The longest login name.
const LONGEST_NAME: usize = 64;

/// What a site says of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInSettings {
    /// A session ends when its user does nothing for so long.
    pub idle: SignedDuration,
    /// And at the latest after so long.
    pub session: SignedDuration,
    /// Roles that need a second factor.
    pub second_factor: Vec<Role>,
    /// Sign-ins of one address that may fail in an hour; 0 = without a limit.
    pub failures_per_address: u32,
    /// Proxies that say from which address somebody comes.
    pub trusted_proxies: TrustedProxies,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            idle: SignedDuration::from_hours(1),
            session: SignedDuration::from_hours(12),
            second_factor: Vec::new(),
            failures_per_address: USUAL_FAILURES,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// What signing in needs while the service runs.
#[derive(Debug)]
pub struct SignIn {
    /// What the site says.
    pub settings: SignInSettings,
    pub(super) failures: FailureLimit,
    passwords: Semaphore,
    uses: Mutex<FxHashMap<[u8; 32], Timestamp>>,
}

impl SignIn {
    /// Takes as long as one password.
    #[must_use]
    pub fn new(settings: SignInSettings) -> Self {
        prepare_passwords();
        let failures = FailureLimit::new(settings.failures_per_address);
        Self { settings, failures, passwords: Semaphore::new(PASSWORDS_AT_ONCE), uses: Mutex::default() }
    }

    /// Works something out of a password off the threads that answer requests, a few at once.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
        let _place = self.passwords.acquire().await.expect("the places are never closed");
        tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Unavailable("a password was not worked out".to_owned()))
    }

    /// Whether the use of a token is to be kept now.
    fn is_news(&self, hash: [u8; 32], now: Timestamp) -> bool {
        let mut uses = self.uses.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if uses.get(&hash).is_some_and(|at| (*at..*at + USE_KEPT).contains(&now)) {
            return false;
        }
        if uses.len() >= REMEMBERED {
            uses.clear();
        }
        uses.insert(hash, now);
        true
    }
}

/// What came of a try to sign in.
#[derive(Debug)]
pub enum Entering {
    /// Let in.
    In(User),
    /// The second factor is still to be shown, with this token.
    SecondFactor(Token),
    /// Not let in.
    Refused,
    /// Too many tries failed: none is taken until then.
    Wait(Timestamp),
}

/// Which codes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesTaken {
    /// One-time codes alone: where the hospital's provider lets everybody else in.
    OneTime,
    /// API tokens of somebody for whom there are pages too.
    Any,
}

/// What the hospital's provider asked of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvedAtProvider {
    /// Whatever it asks for.
    Once,
    /// A second factor, as the site demands it of the provider.
    Twice,
}

/// What came of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is them.
    Given,
    /// It is not.
    Refused,
    /// Too many tries failed: none is taken until then.
    Wait(Timestamp),
}

/// Why a password or a second factor was not changed.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The new password is not taken.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// The proof is wrong.
    #[error("the password or code does not fit")]
    Refused,
    /// Too many tries failed.
    #[error("too many tries failed; try again later")]
    Wait(Timestamp),
    /// There is a second factor, or none begun.
    #[error("there is no second factor to confirm, or there is one already")]
    Factor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether there are pages for the user.
fn has_pages(user: &User) -> bool {
    let pages = [Permission::ListItems, Permission::ReadSettings, Permission::ReadReports];
    pages.into_iter().any(|permission| permits(user.role, permission))
}

impl Service {
    /// Lets somebody in by name and password, as far as these go.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enter_by_password(
        &self,
        name: &str,
        password: &str,
        shown: Option<&PeerCertificate>,
    ) -> Result<Entering, StoreError> {
        let now = self.surroundings.now();
        let wait = match self.store.begin_try(TryKind::Password, name, now).await? {
            Try::Blocked { until } => return Ok(Entering::Wait(until)),
            Try::Begun { wait } => wait,
        };
        let can_be_one = name.len() <= LONGEST_NAME && !name.contains('\0');
        let found = if can_be_one { self.store.user_with_credentials(name).await? } else { None };
        let hash = found.as_ref().filter(|(user, _)| !user.disabled).and_then(|(_, credentials)| credentials.password.clone());
        let verified = self.verified(password, hash.clone()).await?;
        let known = found.as_ref().map(|(user, _)| user.id);
        let (Some((user, _)), Some(hash), true) = (found, hash, verified != Verified::No) else {
            self.store.record_failed_try(known, TryKind::Password, wait, now).await?;
            return Ok(Entering::Refused);
        };
        if verified == Verified::YesByOldWork
            && let Some(typed) = Password::typed(password)
        {
            let anew = self.sign_in.work(move || typed.hash()).await?;
            self.store.rehash_password(user.id, &hash, anew).await?;
        }
        self.store.clear_tries(TryKind::Password, name).await?;
        self.after_first_step(user, "password", shown).await
    }

    /// Lets somebody in by a code, which is used up when it is a one-time one, as far as it goes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enter_by_code(
        &self,
        code: &str,
        taken: CodesTaken,
        shown: Option<&PeerCertificate>,
    ) -> Result<Entering, StoreError> {
        let now = self.surroundings.now();
        let Some((user, how)) = self.user_of_code(code, taken).await? else {
            self.store.record_failed_try(None, TryKind::Password, None, now).await?;
            return Ok(Entering::Refused);
        };
        // whoever has a new code was looked at by an administrator
        self.store.clear_tries(TryKind::Password, &user.name).await?;
        self.after_first_step(user, how, shown).await
    }

    /// Lets somebody in whom the hospital's provider let in. Who has a second factor here shows it, but where the provider asked for one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enter_by_provider(
        &self,
        user: User,
        proved: ProvedAtProvider,
        shown: Option<&PeerCertificate>,
    ) -> Result<Entering, StoreError> {
        match proved {
            ProvedAtProvider::Once => self.after_first_step(user, "oidc", shown).await,
            ProvedAtProvider::Twice if self.has_its_certificate(&user, shown).await? => {
                self.entered(user, "oidc and second factor there").await
            }
            ProvedAtProvider::Twice => Ok(Entering::Refused),
        }
    }

    async fn user_of_code(&self, code: &str, taken: CodesTaken) -> Result<Option<(User, &'static str)>, StoreError> {
        let Some(token) = Token::parse(code) else { return Ok(None) };
        let now = self.surroundings.now();
        if let Some(user) = self.store.redeem_sign_in(token.hash(), now).await? {
            return Ok(Some((user, "code")));
        }
        if taken == CodesTaken::OneTime {
            return Ok(None);
        }
        let user = self.store.user_of_token(token.hash(), TokenKind::Api, now).await?;
        Ok(user.filter(has_pages).map(|user| (user, "token")))
    }

    async fn after_first_step(&self, user: User, how: &str, shown: Option<&PeerCertificate>) -> Result<Entering, StoreError> {
        if !self.has_its_certificate(&user, shown).await? {
            return Ok(Entering::Refused);
        }
        let credentials = self.store.credentials(user.id).await?;
        if credentials.confirmed_factor().is_none() {
            return self.entered(user, how).await;
        }
        let (token, now) = (Token::generate(), self.surroundings.now());
        self.store.add_sign_in_step((user.id, how), token.hash(), now + STEP_LIFE, now).await?;
        Ok(Entering::SecondFactor(token))
    }

    /// Whether who has to show a certificate shows it; a failure is recorded.
    async fn has_its_certificate(&self, user: &User, shown: Option<&PeerCertificate>) -> Result<bool, StoreError> {
        let is_shown = self.client_certificates.permit(&user.name, shown);
        if !is_shown {
            let now = self.surroundings.now();
            self.store.record_audit(actor(user), "sign_in.failed", Some(("user", user.id)), "certificate", now).await?;
        }
        Ok(is_shown)
    }

    /// The second step: a code of the second factor or a recovery code, by whoever made the first one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enter_by_second_factor(&self, step: &Token, code: &str) -> Result<Entering, StoreError> {
        let now = self.surroundings.now();
        let Some(first) = self.store.sign_in_step(step.hash(), now).await? else { return Ok(Entering::Refused) };
        match self.prove_by_factor(&first.user, code).await? {
            (Proof::Refused, _) => Ok(Entering::SecondFactor(step.clone())),
            (Proof::Wait(until), _) => Ok(Entering::Wait(until)),
            (Proof::Given, _) if !self.store.end_sign_in_step(step.hash()).await? => Ok(Entering::Refused),
            (Proof::Given, how) => self.entered(first.user, &format!("{} and {how}", first.how)).await,
        }
    }

    async fn entered(&self, user: User, how: &str) -> Result<Entering, StoreError> {
        let now = self.surroundings.now();
        self.store.record_audit(actor(&user), "sign_in.succeeded", Some(("user", user.id)), how, now).await?;
        Ok(Entering::In(user))
    }

    /// A code of the second factor, each step once, or a recovery code; with its word for the record.
    async fn prove_by_factor(&self, user: &User, code: &str) -> Result<(Proof, &'static str), StoreError> {
        let now = self.surroundings.now();
        let wait = match self.store.begin_try(TryKind::SecondFactor, &user.name, now).await? {
            Try::Blocked { until } => return Ok((Proof::Wait(until), "")),
            Try::Begun { wait } => wait,
        };
        let credentials = self.store.credentials(user.id).await?;
        let step = credentials.confirmed_factor().and_then(|factor| {
            let secret = OneTimeSecret::of(factor.secret.clone());
            secret.step_of(code, factor.step, now)
        });
        let (is_used, how) = match (step, recovery_hash(code)) {
            (Some(step), _) => (self.store.use_step(user.id, step).await?, "second factor"),
            (None, Some(hash)) => (self.store.use_recovery_code(user.id, hash, now).await?, "recovery code"),
            (None, None) => (false, ""),
        };
        if !is_used {
            self.store.record_failed_try(Some(user.id), TryKind::SecondFactor, wait, now).await?;
            return Ok((Proof::Refused, ""));
        }
        self.store.clear_tries(TryKind::SecondFactor, &user.name).await?;
        Ok((Proof::Given, how))
    }

    async fn prove_by_password(&self, user: &User, password: &str) -> Result<Proof, StoreError> {
        let now = self.surroundings.now();
        let wait = match self.store.begin_try(TryKind::Password, &user.name, now).await? {
            Try::Blocked { until } => return Ok(Proof::Wait(until)),
            Try::Begun { wait } => wait,
        };
        let hash = self.store.credentials(user.id).await?.password;
        if self.verified(password, hash).await? == Verified::No {
            self.store.record_failed_try(Some(user.id), TryKind::Password, wait, now).await?;
            return Ok(Proof::Refused);
        }
        self.store.clear_tries(TryKind::Password, &user.name).await?;
        Ok(Proof::Given)
    }

    async fn verified(&self, password: &str, hash: Option<String>) -> Result<Verified, StoreError> {
        // one that is too long is compared too, so that it takes as long
        let typed = Password::typed(password);
        let hash = hash.filter(|_| typed.is_some());
        let typed = typed.or_else(|| Password::typed(""));
        self.sign_in.work(move || typed.map_or(Verified::No, |typed| typed.verify(hash.as_deref()))).await
    }

    /// Whether the last proof of a session is too old for what asks for a fresh one.
    #[must_use]
    pub fn needs_proof(&self, session: &LiveSession) -> bool {
        self.surroundings.now().duration_since(session.proved_at) > PROOF_LIFE
    }

    /// Proves that it is still the user of a session: by their password, a code of the second factor, or a new one-time code of theirs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prove(&self, session: &LiveSession, (password, code): (&str, &str)) -> Result<Proof, StoreError> {
        let user = &session.user;
        let (proof, how) = if !password.is_empty() {
            (self.prove_by_password(user, password).await?, "password")
        } else if Token::parse(code).is_some() {
            match self.user_of_code(code, CodesTaken::Any).await? {
                Some((owner, how)) if owner.id == user.id => (Proof::Given, how),
                _ => (Proof::Refused, ""),
            }
        } else {
            self.prove_by_factor(user, code).await?
        };
        if proof == Proof::Given {
            self.store.keep_proof(session.id, actor(user), how, self.surroundings.now()).await?;
        }
        Ok(proof)
    }

    /// Gives the user a password: the first one, or another one by whoever knows the one before. Ends their other sessions.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn choose_password(
        &self,
        (user, kept): (&User, [u8; 32]),
        before: &str,
        password: &str,
    ) -> Result<(), CredentialError> {
        let chosen = Password::chosen(password, &user.name)?;
        if self.store.credentials(user.id).await?.password.is_some() {
            match self.prove_by_password(user, before).await? {
                Proof::Given => {}
                Proof::Refused => return Err(CredentialError::Refused),
                Proof::Wait(until) => return Err(CredentialError::Wait(until)),
            }
        }
        let hash = self.sign_in.work(move || chosen.hash()).await?;
        let change = CredentialChange { user_id: user.id, kept: Some(kept), actor: actor(user) };
        Ok(self.store.set_password(change, Some(hash), self.surroundings.now()).await?)
    }

    /// Begins to enrol a second factor: its secret, which holds when a code of it was shown.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn begin_factor(&self, user: &User) -> Result<(), CredentialError> {
        let secret = OneTimeSecret::generate();
        let begun = self.store.begin_factor(user.id, secret.bytes().to_vec()).await?;
        begun.then_some(()).ok_or(CredentialError::Factor)
    }

    /// Confirms the second factor by a code of it: its recovery codes, which are shown once.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn confirm_factor(&self, (user, kept): (&User, [u8; 32]), code: &str) -> Result<Vec<String>, CredentialError> {
        let now = self.surroundings.now();
        let wait = match self.store.begin_try(TryKind::SecondFactor, &user.name, now).await? {
            Try::Blocked { until } => return Err(CredentialError::Wait(until)),
            Try::Begun { wait } => wait,
        };
        let begun = self.store.credentials(user.id).await?.factor.filter(|factor| !factor.is_confirmed);
        let secret = OneTimeSecret::of(begun.ok_or(CredentialError::Factor)?.secret);
        let Some(step) = secret.step_of(code, None, now) else {
            self.store.record_failed_try(Some(user.id), TryKind::SecondFactor, wait, now).await?;
            return Err(CredentialError::Refused);
        };
        let codes = recovery_codes();
        let hashes = codes.iter().filter_map(|code| recovery_hash(code)).collect();
        let confirmed = self.store.confirm_factor(user, (secret.bytes().to_vec(), step), hashes, now).await?;
        if !confirmed {
            return Err(CredentialError::Factor);
        }
        self.store.clear_tries(TryKind::SecondFactor, &user.name).await?;
        // who signed in without the factor shows it
        let change = CredentialChange { user_id: user.id, kept: Some(kept), actor: actor(user) };
        self.store.end_sessions(change, now).await?;
        Ok(codes)
    }

    /// Takes one's own second factor away, by a code of it or a recovery code. Ends the user's other sessions.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn remove_own_factor(&self, (user, kept): (&User, [u8; 32]), code: &str) -> Result<(), CredentialError> {
        match self.prove_by_factor(user, code).await?.0 {
            Proof::Given => {}
            Proof::Refused => return Err(CredentialError::Refused),
            Proof::Wait(until) => return Err(CredentialError::Wait(until)),
        }
        let change = CredentialChange { user_id: user.id, kept: Some(kept), actor: actor(user) };
        let removed = self.store.remove_factor(change, self.surroundings.now()).await?;
        removed.then_some(()).ok_or(CredentialError::Factor)
    }

    /// Whether the role of the user asks for a second factor.
    #[must_use]
    pub fn needs_factor(&self, user: &User) -> bool {
        self.sign_in.settings.second_factor.contains(&user.role)
    }

    /// Keeps when a token was used, once a minute. A use that cannot be kept is let through: what it is for is recorded elsewhere.
    pub async fn keep_use(&self, hash: [u8; 32]) {
        let now = self.surroundings.now();
        if self.sign_in.is_news(hash, now)
            && let Err(error) = self.store.keep_use(hash, now).await
        {
            tracing::warn!(%error, "the last use of a token was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_kept_once_a_minute() {
        let sign_in = SignIn::new(SignInSettings::default());
        let at = |seconds: i64| Timestamp::from_second(1_780_000_000 + seconds).expect("an instant");
        let told: Vec<bool> = [0, 1, 59, 60, 61, 200, 100].map(|seconds| sign_in.is_news([1; 32], at(seconds))).into();
        assert_eq!(told, [true, false, false, true, false, true, true], "also when a clock goes back");
        assert!(sign_in.is_news([2; 32], at(1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn so_many_passwords_are_worked_out_at_once() {
        use std::sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        };
        let sign_in = Arc::new(SignIn::new(SignInSettings::default()));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tries = (0..20).map(|_| {
            let (sign_in, running, most) = (Arc::clone(&sign_in), Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(10));
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                sign_in.work(work).await.expect("is worked out");
            })
        });
        for each in tries.collect::<Vec<_>>() {
            each.await.expect("runs");
        }
        assert_eq!(most.load(Ordering::SeqCst), PASSWORDS_AT_ONCE);
    }
}
