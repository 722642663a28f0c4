//! The hospital's own keys: they wrap data keys and never touch clinical text themselves.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{DataKey, Place, SealError, cipher, random_bytes};

/// First byte of every wrapped key.
const VERSION: u8 = 1;
const ID: usize = 8;
/// Stands in a key file before the key of a rotation that has begun: it unwraps, and does not wrap yet.
const NEXT: &str = "# The key below wraps nothing yet: it comes first when every server knows it.";

/// Which key wrapped something: the beginning of its hash, which tells nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID]);

impl KeyId {
    /// The id in a wrapped key; none where it is no wrapped key.
    #[must_use]
    pub fn of_wrapped(wrapped: &[u8]) -> Option<Self> {
        wrapped.get(1..=ID).and_then(|id| id.try_into().ok()).map(Self)
    }

    /// The id from its bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key file that cannot be used. Never shows a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// No key in it.
    #[error("the key file holds no key; it needs one base64 key of 32 bytes on a line of its own")]
    Empty,
    /// A line that is not a key.
    #[error("line {line} of the key file is not a base64 key of 32 bytes")]
    Line {
        /// Line number, from 1.
        line: usize,
    },
}

#[derive(Clone)]
struct SiteKey {
    id: [u8; ID],
    key: Zeroizing<[u8; 32]>,
}

impl SiteKey {
    fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.as_slice()).into();
        let mut id = [0; ID];
        id.copy_from_slice(&digest[..ID]);
        Self { id, key }
    }
}

/// One or more site keys: the first wraps, all unwrap. Wiped from memory when dropped; `Debug` prints only their count.
///
/// A rotation has three steps: the new key is announced ([`SiteKeys::announcing`]: it unwraps alone), comes first ([`SiteKeys::promoted`]) when
/// all who serve the database know it, and stands alone ([`SiteKeys::retired`]) when nothing is wrapped by another one any more.
#[derive(Clone)]
pub struct SiteKeys {
    first: SiteKey,
    older: Vec<SiteKey>,
    next: Option<SiteKey>,
}

/// Reads the site keys again from where they came; none where they cannot be read now.
pub type ReadKeys = Arc<dyn Fn() -> Option<SiteKeys> + Send + Sync>;

/// Site keys, and how they are read again when something is wrapped by a key that is not among them.
#[derive(Clone)]
pub struct KeyRing {
    /// The keys.
    pub keys: SiteKeys,
    /// How they are read again; none where they stay as they are.
    pub read_again: Option<ReadKeys>,
}

impl From<SiteKeys> for KeyRing {
    fn from(keys: SiteKeys) -> Self {
        Self { keys, read_again: None }
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({})", self.keys.count())
    }
}

impl SiteKeys {
    /// One new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self { first: SiteKey::new(Zeroizing::new(random_bytes())), older: Vec::new(), next: None }
    }

    /// Reads a key file: one base64 key of 32 bytes a line, the first wraps; blank lines and `#` comments are skipped.
    ///
    /// # Errors
    /// Names the line that is not a key, or says that there is none.
    pub fn parse(file: &str) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        let (mut next, mut is_next) = (None, false);
        for (index, line) in file.lines().enumerate() {
            let line = line.trim();
            is_next |= line == NEXT;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut key = Zeroizing::new([0; 32]);
            let bytes = STANDARD.decode(line).map(Zeroizing::new).ok().filter(|bytes| bytes.len() == key.len());
            key.copy_from_slice(&bytes.ok_or(KeyFileError::Line { line: index + 1 })?);
            if std::mem::take(&mut is_next) && next.is_none() {
                next = Some(SiteKey::new(key));
            } else {
                keys.push(SiteKey::new(key));
            }
        }
        let mut keys = keys.into_iter();
        Ok(Self { first: keys.next().ok_or(KeyFileError::Empty)?, older: keys.collect(), next })
    }

    /// The keys as a key file.
    #[must_use]
    pub fn to_key_file(&self) -> Zeroizing<String> {
        let mut file = Zeroizing::new(String::from(
            "# Site keys of Abstractor: the first wraps, all unwrap.\n# Without them nothing in the database can be read; keep a copy elsewhere.\n",
        ));
        let mut line = |site_key: &SiteKey| {
            file.push_str(&Zeroizing::new(STANDARD.encode(*site_key.key)));
            file.push('\n');
        };
        std::iter::once(&self.first).chain(&self.older).for_each(&mut line);
        if let Some(next) = &self.next {
            file.push_str(NEXT);
            file.push('\n');
            file.push_str(&Zeroizing::new(STANDARD.encode(*next.key)));
            file.push('\n');
        }
        file
    }

    /// These keys with `newest`'s first one, which unwraps and does not wrap yet.
    #[must_use]
    pub fn announcing(&self, newest: Self) -> Self {
        Self { next: Some(newest.first), ..self.clone() }
    }

    /// The announced key comes first; the same keys where none was announced.
    #[must_use]
    pub fn promoted(&self) -> Self {
        match &self.next {
            Some(next) => {
                let older = std::iter::once(&self.first).chain(&self.older).cloned().collect();
                Self { first: next.clone(), older, next: None }
            }
            None => self.clone(),
        }
    }

    /// The first key alone.
    #[must_use]
    pub fn retired(&self) -> Self {
        Self { first: self.first.clone(), older: Vec::new(), next: self.next.clone() }
    }

    /// The key that wraps.
    #[must_use]
    pub const fn first_id(&self) -> KeyId {
        KeyId(self.first.id)
    }

    /// The key that was announced, and wraps nothing yet.
    #[must_use]
    pub fn next_id(&self) -> Option<KeyId> {
        self.next.as_ref().map(|next| KeyId(next.id))
    }

    /// All of them, the one that wraps first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.all().map(|site_key| KeyId(site_key.id)).collect()
    }

    /// These keys behind a new first one, `newest`'s.
    #[must_use]
    pub fn rotated_to(&self, newest: Self) -> Self {
        let older = newest.older.into_iter().chain(std::iter::once(&self.first).chain(&self.older).cloned());
        Self { older: older.collect(), first: newest.first, next: None }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all().count()
    }

    /// Wraps a data key with the first key, for one place.
    #[must_use]
    pub fn wrap(&self, place: Place<'_>, key: &DataKey) -> Vec<u8> {
        let mut wrapped = vec![VERSION];
        wrapped.extend_from_slice(&self.first.id);
        wrapped.extend_from_slice(&cipher::encrypt(&self.first.key, place, &*key.0));
        wrapped
    }

    /// Opens a wrapped data key with whichever key wrapped it.
    ///
    /// # Errors
    /// When none of the keys did, or the wrapped key was altered or moved.
    pub fn open(&self, place: Place<'_>, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let Some((&VERSION, rest)) = wrapped.split_first() else { return Err(SealError::Format) };
        let (id, sealed) = rest.split_first_chunk::<ID>().ok_or(SealError::Format)?;
        let site_key = self.all().find(|site_key| site_key.id == *id).ok_or(SealError::UnknownSiteKey)?;
        let bytes = Zeroizing::new(cipher::decrypt(&site_key.key, place, sealed)?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(SealError::Format);
        }
        key.copy_from_slice(&bytes);
        Ok(DataKey(key))
    }

    /// Whether the first key wrapped this; `false` is work for a rotation.
    #[must_use]
    pub fn is_current(&self, wrapped: &[u8]) -> bool {
        wrapped.get(1..=ID) == Some(&self.first.id[..])
    }

    fn all(&self) -> impl Iterator<Item = &SiteKey> {
        std::iter::once(&self.first).chain(&self.older).chain(&self.next)
    }
}

impl std::fmt::Debug for SiteKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SiteKeys({})", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place::new("note", b"row 1", "data_key");

    #[test]
    fn a_wrapped_key_opens_the_same_values() {
        let keys = SiteKeys::generate();
        let key = DataKey::generate();
        let sealed = key.seal(HERE, b"text");
        let opened = keys.open(HERE, &keys.wrap(HERE, &key)).expect("opens");
        assert_eq!(opened.open(HERE, &sealed), Ok(b"text".to_vec()));
    }

    #[test]
    fn an_altered_or_moved_wrapped_key_does_not_open() {
        let keys = SiteKeys::generate();
        let wrapped = keys.wrap(HERE, &DataKey::generate());
        for index in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[index] ^= 1;
            assert!(keys.open(HERE, &altered).is_err(), "byte {index}");
        }
        assert_eq!(keys.open(Place { row: b"row 2", ..HERE }, &wrapped).err(), Some(SealError::DoesNotOpen));
        assert_eq!(SiteKeys::generate().open(HERE, &wrapped).err(), Some(SealError::UnknownSiteKey));
    }

    #[test]
    fn the_old_key_still_opens_after_rotation() {
        let old = SiteKeys::generate();
        let wrapped = old.wrap(HERE, &DataKey::generate());
        let both = old.rotated_to(SiteKeys::generate());
        let key = both.open(HERE, &wrapped).expect("the old key opens it");
        assert!(!both.is_current(&wrapped));
        let rewrapped = both.wrap(HERE, &key);
        assert!(both.is_current(&rewrapped));
        assert_eq!(old.open(HERE, &rewrapped).err(), Some(SealError::UnknownSiteKey));
    }

    #[test]
    fn a_key_file_reads_back() {
        let keys = SiteKeys::generate().rotated_to(SiteKeys::generate());
        let again = SiteKeys::parse(&keys.to_key_file()).expect("reads");
        assert_eq!(again.count(), 2);
        assert!(again.open(HERE, &keys.wrap(HERE, &DataKey::generate())).is_ok());
    }

    #[test]
    fn a_bad_key_file_names_the_line_and_never_the_key() {
        for (file, error) in [
            ("", KeyFileError::Empty),
            ("# only a comment\n\n", KeyFileError::Empty),
            ("# one\nc2hvcnQ=\n", KeyFileError::Line { line: 2 }),
            ("not base64!\n", KeyFileError::Line { line: 1 }),
        ] {
            let found = SiteKeys::parse(file).err();
            assert_eq!(found, Some(error), "{file:?}");
            assert!(!found.map(|error| error.to_string()).unwrap_or_default().contains("c2hvcnQ"));
        }
    }

    #[test]
    fn an_announced_key_unwraps_and_wraps_only_when_it_comes_first() {
        let (old, newest) = (SiteKeys::generate(), SiteKeys::generate());
        let announced = SiteKeys::parse(&old.announcing(newest.clone()).to_key_file()).expect("reads");
        assert_eq!((announced.first_id(), announced.next_id()), (old.first_id(), Some(newest.first_id())));
        let key = DataKey::generate();
        assert!(old.is_current(&announced.wrap(HERE, &key)), "the old key goes on wrapping");
        assert!(announced.open(HERE, &newest.wrap(HERE, &key)).is_ok(), "the new one unwraps");
        let promoted = SiteKeys::parse(&announced.promoted().to_key_file()).expect("reads");
        assert_eq!(promoted.ids(), [newest.first_id(), old.first_id()]);
        assert_eq!(KeyId::of_wrapped(&promoted.wrap(HERE, &key)), Some(newest.first_id()));
        assert!(promoted.open(HERE, &old.wrap(HERE, &key)).is_ok());
        let retired = promoted.retired();
        assert_eq!(retired.open(HERE, &old.wrap(HERE, &key)).err(), Some(SealError::UnknownSiteKey));
        assert!(retired.open(HERE, &promoted.wrap(HERE, &key)).is_ok());
    }

    #[test]
    fn debug_prints_only_the_count() {
        assert_eq!(format!("{:?}", SiteKeys::generate()), "SiteKeys(1)");
    }
}
