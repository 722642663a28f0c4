//! The key that signs checkpoints of the audit trail: Ed25519. Its seed is wrapped by the site keys; its public half is for everybody.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::{DataKey, Place, SealError, SiteKeys, random_bytes};

/// What stands before the 32 bytes of an Ed25519 key in its standard form (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A key that signs. `Debug` shows nothing.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl SigningKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// Wraps it for storage at this place.
    #[must_use]
    pub fn wrap(&self, keys: &SiteKeys, place: Place<'_>) -> Vec<u8> {
        keys.wrap(place, &DataKey(self.0.clone()))
    }

    /// Opens what [`SigningKey::wrap`] made.
    ///
    /// # Errors
    /// When no site key opens it.
    pub fn open(keys: &SiteKeys, place: Place<'_>, wrapped: &[u8]) -> Result<Self, SealError> {
        Ok(Self(keys.open(place, wrapped)?.0))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair().public_key().as_ref());
        PublicKey(bytes)
    }

    /// The signature of a message; the same message has the same one.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair().sign(message).as_ref());
        bytes
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(self.0.as_slice()).expect("every 32 bytes are a seed of Ed25519")
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The public half of a [`SigningKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From its bytes. Any 32 bytes are taken; one that is no key verifies nothing.
    #[must_use]
    pub const fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Whether the signature is this key's, of this message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }

    /// As other programs read it: PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode([&SPKI[..], &self.0].concat()))
    }

    /// From PEM; none when it is no such key.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(BEGIN)?;
        let (body, _) = rest.split_once(END)?;
        let bytes = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
        bytes.strip_prefix(&SPKI[..]).and_then(|key| key.try_into().ok()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(!other.public().verifies(b"message", &signature));
        let mut altered = signature;
        altered[63] ^= 1;
        assert!(!key.public().verifies(b"message", &altered));
    }

    #[test]
    fn a_wrapped_key_is_the_same_key() {
        let keys = SiteKeys::generate();
        let place = Place::new("site_secret", b"audit_key", "wrapped");
        let key = SigningKey::generate();
        let opened = SigningKey::open(&keys, place, &key.wrap(&keys, place)).expect("opens");
        assert_eq!(opened.public(), key.public());
        assert!(SigningKey::open(&SiteKeys::generate(), place, &key.wrap(&keys, place)).is_err());
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }

    /// The first test of RFC 8032, and its key as `openssl pkey -pubout` prints it.
    #[test]
    fn it_is_ed25519_as_others_have_it() {
        let seed = *b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
        let key = SigningKey(Zeroizing::new(seed));
        assert_eq!(key.public().bytes()[..4], [0xd7, 0x5a, 0x98, 0x01]);
        assert_eq!(key.sign(b"")[..4], [0xe5, 0x56, 0x43, 0x00]);
        let pem = key.public().to_pem();
        assert!(pem.contains("\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"), "{pem}");
        assert_eq!(PublicKey::from_pem(&pem), Some(key.public()));
        assert_eq!(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), None);
    }
}
