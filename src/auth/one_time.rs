//! The second factor: one-time passwords of an authenticator app by time (TOTP, RFC 6238), and the recovery codes for whoever has lost it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::seal::random_bytes;

/// Seconds of one step.
const STEP: i64 = 30;
/// Steps that two clocks may differ by.
const DRIFT: i64 = 1;
/// Digits that an app shows.
const DIGITS: u32 = 6;
/// Recovery codes that are given out together.
pub const RECOVERY_CODES: usize = 10;
/// Letters and digits that are not mistaken for each other (RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an app and the service both know: 160 random bits. Wiped from memory when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret(Zeroizing<Vec<u8>>);

impl OneTimeSecret {
    /// A new random one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes::<20>().to_vec()))
    }

    /// The one of these bytes, as it was kept.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What is kept, sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As somebody types it into an app.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(base32(&self.0))
    }

    /// As an app reads it from a picture, for this login name.
    #[must_use]
    pub fn address(&self, name: &str) -> Zeroizing<String> {
        let secret = self.text();
        let account: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(*letter)).collect();
        Zeroizing::new(format!(
            "otpauth://totp/Abstractor:{account}?secret={}&issuer=Abstractor&algorithm=SHA1&digits={DIGITS}&period={STEP}",
            *secret
        ))
    }

    /// The step that a typed code is of, where it is one of now or a step beside it and newer than the last one used.
    #[must_use]
    pub fn step_of(&self, code: &str, last: Option<i64>, now: Timestamp) -> Option<i64> {
        let typed: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        if typed.len() != DIGITS as usize || !typed.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let typed: u32 = typed.parse().ok()?;
        let present = now.as_second().div_euclid(STEP);
        let steps = (present - DRIFT)..=(present + DRIFT);
        steps.filter(|step| last.is_none_or(|last| *step > last)).find(|step| self.code(*step, DIGITS) == typed)
    }

    /// The code that an app shows at an instant.
    #[must_use]
    pub fn code_at(&self, now: Timestamp) -> String {
        format!("{:06}", self.code(now.as_second().div_euclid(STEP), DIGITS))
    }

    /// HOTP of RFC 4226 over the number of the step.
    fn code(&self, step: i64, digits: u32) -> u32 {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(&step.to_be_bytes());
        let mac = mac.finalize().into_bytes();
        let offset = usize::from(mac[mac.len() - 1] & 0x0f);
        let number = mac[offset..offset + 4].iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
        (number & 0x7fff_ffff) % 10_u32.pow(digits)
    }
}

impl std::fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimeSecret(..)")
    }
}

/// Recovery codes: 80 random bits each, in four groups.
#[must_use]
pub fn recovery_codes() -> Vec<String> {
    let code = || {
        let letters = base32(&random_bytes::<10>()).to_lowercase();
        let groups: Vec<&str> = (0..4).map(|group| &letters[group * 4..group * 4 + 4]).collect();
        groups.join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// What is kept of a recovery code; none where no such code can be. Its entropy is what makes a plain hash enough.
#[must_use]
pub fn recovery_hash(code: &str) -> Option<[u8; 32]> {
    let letters: String = code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let letters = letters.to_ascii_uppercase();
    let is_code = letters.len() == 16 && letters.bytes().all(|byte| BASE32.contains(&byte));
    is_code.then(|| Sha256::digest(letters.as_bytes()).into())
}

/// Five bits a letter; the bytes here have a multiple of five bits, so there is no padding.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("an instant")
    }

    /// The secret of the tests of RFC 6238.
    fn secret() -> OneTimeSecret {
        OneTimeSecret::of(b"12345678901234567890".to_vec())
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(secret().code(seconds / STEP, 8), code, "{seconds}");
            assert_eq!(secret().code_at(at(seconds)), format!("{:06}", code % 1_000_000), "{seconds}");
        }
    }

    #[test]
    fn a_step_is_used_once_and_clocks_may_differ_by_one() {
        let (secret, now) = (secret(), 1_234_567_890);
        let code = secret.code_at(at(now));
        let step = now / STEP;
        assert_eq!(secret.step_of(&code, None, at(now)), Some(step));
        assert_eq!(secret.step_of(&format!(" {} {} ", &code[..3], &code[3..]), None, at(now)), Some(step));
        assert_eq!(secret.step_of(&code, Some(step), at(now)), None, "a replay");
        assert_eq!(secret.step_of(&code, Some(step - 1), at(now)), Some(step));
        for (seconds, taken) in [(-STEP, true), (STEP, true), (-2 * STEP, false), (2 * STEP, false)] {
            assert_eq!(secret.step_of(&code, None, at(now + seconds)).is_some(), taken, "{seconds} seconds off");
        }
        for wrong in ["", "000000", "12345", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(secret.step_of(wrong, None, at(now)), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_reads_the_secret() {
        // RFC 4648 has no test of this length; this is what `base32` of coreutils prints
        assert_eq!(*secret().text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let address = secret().address("ada.l");
        assert_eq!(
            *address,
            "otpauth://totp/Abstractor:ada.l?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Abstractor&algorithm=SHA1&digits=6&period=30"
        );
        assert_ne!(OneTimeSecret::generate(), OneTimeSecret::generate());
        assert_eq!(format!("{:?}", secret()), "OneTimeSecret(..)");
    }

    #[test]
    fn recovery_codes_differ_and_read_back() {
        let codes = recovery_codes();
        let hashes: std::collections::BTreeSet<_> = codes.iter().map(|code| recovery_hash(code).expect("is one")).collect();
        assert_eq!((codes.len(), hashes.len()), (RECOVERY_CODES, RECOVERY_CODES));
        let typed = format!(" {} ", codes[0].replace('-', "").to_uppercase());
        assert_eq!(recovery_hash(&typed), recovery_hash(&codes[0]));
        for wrong in ["", "123456", "abcd-efgh-ijkl-mno1", "abcd-efgh-ijkl-mnop-q"] {
            assert_eq!(recovery_hash(wrong), None, "{wrong}");
        }
    }
}
