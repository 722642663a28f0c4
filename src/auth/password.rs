//! Passwords: which are taken, and how they are kept. Argon2id as a PHC string; slow on purpose, so never on the threads that answer requests.
//!
//! The rules are those of NIST SP 800-63B: length counts, the commonest are refused, and nobody has to mix kinds of letters or to choose a new
//! one after some months.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::seal::random_bytes;

/// Fewest characters.
pub const FEWEST_CHARACTERS: usize = 12;
/// Most bytes, as typed.
pub const MOST_BYTES: usize = 1024;
/// Work of one hash, as OWASP asks at least: memory in KiB, passes, lanes.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The commonest passwords that are long enough, in small letters, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Why a password is not taken. None of it quotes the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordProblem {
    /// Too few characters.
    #[error("a password has at least {FEWEST_CHARACTERS} characters")]
    Short,
    /// Too many bytes.
    #[error("a password has at most {MOST_BYTES} bytes")]
    Long,
    /// The login name.
    #[error("a password is not the login name")]
    IsName,
    /// One that is tried first.
    #[error("this password is one of the commonest, which are tried first")]
    Common,
}

/// A password as it is compared: the same whichever way a keyboard writes its letters (NFKC). Wiped from memory when dropped; `Debug` shows
/// nothing of it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// One that somebody types to be let in; none where no password can be so long.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        (text.len() <= MOST_BYTES).then(|| Self(Zeroizing::new(text.nfkc().collect())))
    }

    /// One that somebody chooses for the login name.
    ///
    /// # Errors
    /// [`PasswordProblem`].
    pub fn chosen(text: &str, name: &str) -> Result<Self, PasswordProblem> {
        let password = Self::typed(text).ok_or(PasswordProblem::Long)?;
        if password.0.chars().count() < FEWEST_CHARACTERS {
            return Err(PasswordProblem::Short);
        }
        let small = Zeroizing::new(password.0.to_lowercase());
        if *small == name.to_lowercase() {
            return Err(PasswordProblem::IsName);
        }
        if COMMON.lines().any(|common| common == *small) {
            return Err(PasswordProblem::Common);
        }
        Ok(password)
    }

    /// Its hash, with a salt of its own, as a PHC string. Takes tens of milliseconds and 19 MiB.
    #[must_use]
    pub fn hash(&self) -> String {
        let hashed = hasher().hash_password_with_salt(self.0.as_bytes(), &random_bytes::<16>());
        hashed.expect("a salt of 16 bytes and a short password are hashed").to_string()
    }

    /// Whether it is the one of this hash. Without a hash it takes as long and is not. Takes tens of milliseconds and 19 MiB.
    #[must_use]
    pub fn verify(&self, hash: Option<&str>) -> Verified {
        let Some(kept) = PasswordHash::new(hash.unwrap_or(&NOBODY)).ok() else { return Verified::No };
        if hasher().verify_password(self.0.as_bytes(), &kept).is_err() || hash.is_none() {
            return Verified::No;
        }
        let is_enough = Params::try_from(&kept).is_ok_and(|params| params.m_cost() >= MEMORY && params.t_cost() >= PASSES);
        if is_enough { Verified::Yes } else { Verified::YesByOldWork }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What came of comparing a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Another one.
    No,
    /// The same.
    Yes,
    /// The same, kept with less work than is done now: it should be hashed anew.
    YesByOldWork,
}

/// What a user without a password is compared with: nobody knows what it is the hash of.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let bytes = random_bytes::<16>();
    Password(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())).hash()
});

/// Makes what a user without a password is compared with, so that the first such try takes no longer than others.
pub fn prepare_passwords() {
    LazyLock::force(&NOBODY);
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, None).expect("the parameters are within their bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let password = Password::chosen("four small boats", "ada").expect("is taken");
        let hash = password.hash();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(password.hash(), hash, "each has a salt of its own");
        assert_eq!(password.verify(Some(&hash)), Verified::Yes);
        let other = Password::typed("four small boat").expect("can be typed");
        assert_eq!(other.verify(Some(&hash)), Verified::No);
        assert_eq!(password.verify(None), Verified::No);
        assert_eq!(password.verify(Some("no hash")), Verified::No);
    }

    #[test]
    fn a_hash_of_less_work_is_told() {
        let password = Password::typed("four small boats").expect("can be typed");
        let params = Params::new(8 * 1024, 1, 1, None).expect("parameters");
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = old.hash_password_with_salt(b"four small boats", b"0123456789abcdef").expect("is hashed").to_string();
        assert_eq!(password.verify(Some(&hash)), Verified::YesByOldWork);
    }

    #[test]
    fn letters_are_the_same_however_they_are_written() {
        let hash = Password::chosen("Zo\u{eb} sails boats", "zoe").expect("is taken").hash();
        let decomposed = Password::typed("Zoe\u{308} sails boats").expect("can be typed");
        assert_eq!(decomposed.verify(Some(&hash)), Verified::Yes);
    }

    #[test]
    fn what_is_no_password() {
        let problem = |text: &str| Password::chosen(text, "kim.miller-2026").map(drop);
        assert_eq!(problem("eleven char"), Err(PasswordProblem::Short));
        assert_eq!(problem("\u{1f642}\u{1f642}\u{1f642}"), Err(PasswordProblem::Short), "characters count, not bytes");
        assert_eq!(problem("Kim.Miller-2026"), Err(PasswordProblem::IsName));
        assert_eq!(problem("PasswordPassword"), Err(PasswordProblem::Common));
        assert_eq!(problem(&"x".repeat(MOST_BYTES + 1)), Err(PasswordProblem::Long));
        assert!(Password::typed(&"x".repeat(MOST_BYTES + 1)).is_none());
        for text in ["all small words", "x yyyyyyyyyy", &format!("a{}", "b".repeat(MOST_BYTES - 1))] {
            assert_eq!(problem(text), Ok(()), "no kinds of letters are asked for");
        }
    }

    #[test]
    fn the_common_ones_are_long_enough_to_matter() {
        for common in COMMON.lines() {
            assert!(common.chars().count() >= FEWEST_CHARACTERS && common == common.to_lowercase(), "{common}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::typed("four small boats")), "Some(Password(..))");
    }
}
