//! The key of one row: seals and opens its columns.

use zeroize::Zeroizing;

use super::{Place, SealError, cipher, random_bytes};

/// First byte of every value that [`DataKey::seal`] makes.
const VERSION: u8 = 1;

/// The key that seals one note, patient, encounter or item. Wiped from memory when dropped; `Debug` shows nothing.
#[derive(Clone)]
pub struct DataKey(pub(super) Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// Seals a value for one place. The same value sealed twice gives different bytes.
    #[must_use]
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&cipher::encrypt(&self.0, place, plaintext));
        sealed
    }

    /// Opens a value that [`DataKey::seal`] made for this place.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] when the value was altered, moved or sealed with another key.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        match sealed.split_first() {
            Some((&VERSION, rest)) => cipher::decrypt(&self.0, place, rest),
            _ => Err(SealError::Format),
        }
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place::new("note", b"row 1", "text");

    #[test]
    fn what_is_sealed_opens() {
        let key = DataKey::generate();
        for text in ["", "x", "No pneumonia. ü"] {
            let sealed = key.seal(HERE, text.as_bytes());
            assert_eq!(key.open(HERE, &sealed), Ok(text.as_bytes().to_vec()));
        }
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let key = DataKey::generate();
        assert_ne!(key.seal(HERE, b"same"), key.seal(HERE, b"same"));
    }

    #[test]
    fn an_altered_byte_anywhere_is_noticed() {
        let key = DataKey::generate();
        let sealed = key.seal(HERE, b"No known drug allergies.");
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert!(key.open(HERE, &altered).is_err(), "byte {index}");
        }
        for length in 0..sealed.len() {
            assert!(key.open(HERE, &sealed[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_moved_value_does_not_open() {
        let key = DataKey::generate();
        let sealed = key.seal(HERE, b"text");
        for elsewhere in [
            Place { table: "decision", ..HERE },
            Place { row: b"row 2", ..HERE },
            Place { column: "author", ..HERE },
            Place::new("noter", b"ow 1", "text"),
        ] {
            assert_eq!(key.open(elsewhere, &sealed), Err(SealError::DoesNotOpen), "{elsewhere:?}");
        }
    }

    #[test]
    fn another_key_does_not_open() {
        let sealed = DataKey::generate().seal(HERE, b"text");
        assert_eq!(DataKey::generate().open(HERE, &sealed), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", DataKey::generate()), "DataKey(..)");
    }
}
