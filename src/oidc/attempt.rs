//! An attempt to sign in, as the browser carries it to the provider and back: sealed, so that nobody reads, makes or alters one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::SignInProblem;
use crate::seal::{DataKey, Place, random_bytes};

/// Where the sealed value stands: it opens nowhere else.
const PLACE: Place<'_> = Place::new("cookie", b"sign_in.oidc", "attempt");
/// The longest sealed value read.
const LONGEST: usize = 4_096;

/// An attempt. `Debug` is not there: who knows one may answer in its place.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
pub struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    redirect: String,
    next: Option<String>,
    begun: i64,
}

fn random_word() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

impl Attempt {
    /// How long an attempt lasts.
    pub const LIFE: SignedDuration = SignedDuration::from_mins(10);

    /// A new one, which ends at `redirect` and goes on to `next`.
    #[must_use]
    pub fn new(redirect: String, next: Option<String>, now: Timestamp) -> Self {
        let (state, nonce, verifier) = (random_word(), random_word(), random_word());
        Self { state, nonce, verifier, redirect, next, begun: now.as_second() }
    }

    /// It as the value of a cookie.
    #[must_use]
    pub fn seal(&self, key: &DataKey) -> String {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(key.seal(PLACE, &plain))
    }

    /// The one that a cookie holds, when its time is not over and the provider's answer is to it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(cookie: &str, state: &str, key: &DataKey, now: Timestamp) -> Result<Self, SignInProblem> {
        let sealed = (cookie.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(cookie).ok()).flatten();
        let plain = sealed.and_then(|sealed| key.open(PLACE, &sealed).ok());
        let attempt: Self = plain.and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or(SignInProblem::NoAttempt)?;
        // hashes are compared, so that the time it takes tells nothing
        if Sha256::digest(state) != Sha256::digest(&attempt.state) {
            return Err(SignInProblem::WrongState);
        }
        // servers whose clocks differ a little take each other's
        let age = now.as_second().saturating_sub(attempt.begun);
        if (-60..=Self::LIFE.as_secs()).contains(&age) { Ok(attempt) } else { Err(SignInProblem::Expired) }
    }

    /// What the store knows it by, once it was used, and until when it has to.
    #[must_use]
    pub fn used(&self) -> ([u8; 32], Timestamp) {
        let hash = Sha256::digest(format!("attempt to sign in\n{}", self.state)).into();
        let until = Timestamp::from_second(self.begun).unwrap_or_default() + Self::LIFE + SignedDuration::from_mins(2);
        (hash, until)
    }

    /// What PKCE shows the provider first: a hash of what comes later.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// What the provider gives back with its answer.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// What its token must hold.
    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What PKCE shows the provider last.
    pub(super) fn verifier(&self) -> &str {
        &self.verifier
    }

    /// Where the provider sends the browser back to.
    pub(super) fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Where the user wanted to go.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("a time of this century")
    }

    fn attempt() -> Attempt {
        Attempt::new("https://a.example/sign-in/oidc/callback".to_owned(), Some("/items/1".to_owned()), at(0))
    }

    #[test]
    fn an_attempt_comes_back_as_it_went() {
        let (key, attempt) = (DataKey::generate(), attempt());
        let cookie = attempt.seal(&key);
        assert!(cookie.len() < 1_000 && cookie.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        for age in [-60, 0, 600] {
            let Ok(opened) = Attempt::open(&cookie, &attempt.state, &key, at(age)) else { panic!("is one") };
            assert!(opened == attempt && opened.next() == Some("/items/1"));
        }
    }

    #[test]
    fn what_is_not_ours_or_too_old_is_none() {
        let (key, attempt) = (DataKey::generate(), attempt());
        let cookie = attempt.seal(&key);
        let open = |cookie: &str, state: &str, key: &DataKey, age| Attempt::open(cookie, state, key, at(age)).err();
        assert_eq!(open(&cookie, &attempt.state, &key, 601), Some(SignInProblem::Expired));
        assert_eq!(open(&cookie, &attempt.state, &key, -61), Some(SignInProblem::Expired));
        assert_eq!(open(&cookie, "", &key, 0), Some(SignInProblem::WrongState));
        assert_eq!(open(&cookie, &random_word(), &key, 0), Some(SignInProblem::WrongState));
        assert_eq!(open(&cookie, &attempt.state, &DataKey::generate(), 0), Some(SignInProblem::NoAttempt));
        let altered = format!("{}A", &cookie[..cookie.len() - 1]);
        for wrong in ["", "x", &cookie[1..], &"A".repeat(LONGEST + 1)] {
            assert_eq!(open(wrong, &attempt.state, &key, 0), Some(SignInProblem::NoAttempt), "{wrong}");
        }
        assert!(altered == cookie || open(&altered, &attempt.state, &key, 0) == Some(SignInProblem::NoAttempt));
    }

    #[test]
    fn no_two_attempts_are_alike() {
        let (one, other) = (attempt(), attempt());
        assert!(one.state != other.state && one.nonce != other.nonce && one.verifier != other.verifier);
        assert!(one.state != one.nonce && one.nonce != one.verifier);
        assert_ne!(one.used().0, other.used().0);
        assert_eq!(one.used().1, at(720));
    }

    /// The example of RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_specification() {
        let attempt = Attempt { verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(), ..attempt() };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
