//! The hospital's own keys: they wrap data keys and never touch clinical text themselves.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{DataKey, Place, SealError, cipher, random_bytes};

/// First byte of every wrapped key.
const VERSION: u8 = 1;
const ID: usize = 8;

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
/// To rotate, put the new key in the first line of the key file and keep the old one below it until every data key is
/// wrapped anew.
#[derive(Clone)]
pub struct SiteKeys {
    first: SiteKey,
    older: Vec<SiteKey>,
}

impl SiteKeys {
    /// One new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self { first: SiteKey::new(Zeroizing::new(random_bytes())), older: Vec::new() }
    }

    /// Reads a key file: one base64 key of 32 bytes a line, the first wraps; blank lines and `#` comments are skipped.
    ///
    /// # Errors
    /// Names the line that is not a key, or says that there is none.
    pub fn parse(file: &str) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        for (index, line) in file.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut key = Zeroizing::new([0; 32]);
            let bytes = STANDARD.decode(line).map(Zeroizing::new).ok().filter(|bytes| bytes.len() == key.len());
            key.copy_from_slice(&bytes.ok_or(KeyFileError::Line { line: index + 1 })?);
            keys.push(SiteKey::new(key));
        }
        let mut keys = keys.into_iter();
        Ok(Self { first: keys.next().ok_or(KeyFileError::Empty)?, older: keys.collect() })
    }

    /// The keys as a key file.
    #[must_use]
    pub fn to_key_file(&self) -> Zeroizing<String> {
        let mut file = Zeroizing::new(String::from(
            "# Site keys of Abstractor: the first wraps, all unwrap.\n# Without them nothing in the database can be read; keep a copy elsewhere.\n",
        ));
        for site_key in self.all() {
            file.push_str(&Zeroizing::new(STANDARD.encode(*site_key.key)));
            file.push('\n');
        }
        file
    }

    /// These keys behind a new first one, `newest`'s.
    #[must_use]
    pub fn rotated_to(&self, newest: Self) -> Self {
        Self { older: newest.older.into_iter().chain(self.all().cloned()).collect(), first: newest.first }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        1 + self.older.len()
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
        std::iter::once(&self.first).chain(&self.older)
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
    fn debug_prints_only_the_count() {
        assert_eq!(format!("{:?}", SiteKeys::generate()), "SiteKeys(1)");
    }
}
