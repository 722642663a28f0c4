//! Blind indexes: keyed hashes of identifiers, for equality look-up without the identifier in clear.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{DataKey, Place, SealError, SiteKeys, random_bytes};

/// The key of a database's blind indexes. It outlives the rotation of site keys, or every look-up would break.
#[derive(Clone)]
pub struct IndexKey(Zeroizing<[u8; 32]>);

impl IndexKey {
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

    /// Opens what [`IndexKey::wrap`] made.
    ///
    /// # Errors
    /// When no site key opens it.
    pub fn open(keys: &SiteKeys, place: Place<'_>, wrapped: &[u8]) -> Result<Self, SealError> {
        Ok(Self(keys.open(place, wrapped)?.0))
    }

    /// The blind index of a value of one column. A value of several parts (source, identifier) is not their
    /// concatenation: `("ab", "c")` and `("a", "bc")` differ.
    #[must_use]
    pub fn blind_index(&self, column: &str, parts: &[&str]) -> [u8; 32] {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.blind_index_of(column, &parts)
    }

    /// As [`IndexKey::blind_index`], of bytes.
    #[must_use]
    pub fn blind_index_of(&self, column: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        for part in std::iter::once(&column.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl IndexKey {
    /// A key for another duty than indexes, the same wherever this one is: by HMAC, as HKDF expands a key. It says nothing of this key, and no
    /// index of a column is one.
    #[must_use]
    pub fn derived(&self, duty: &str) -> DataKey {
        DataKey(Zeroizing::new(self.blind_index("derived key", &[duty])))
    }
}

impl std::fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_one_column_have_one_index() {
        let key = IndexKey::generate();
        let index = key.blind_index("patient.id", &["emr", "123"]);
        assert_eq!(index, key.blind_index("patient.id", &["emr", "123"]));
        for (column, parts) in [("patient.id", ["emr", "124"]), ("patient.id", ["em", "r123"]), ("note.id", ["emr", "123"])] {
            assert_ne!(index, key.blind_index(column, &parts), "{column} {parts:?}");
        }
        assert_ne!(index, IndexKey::generate().blind_index("patient.id", &["emr", "123"]));
    }

    #[test]
    fn a_derived_key_is_of_its_duty() {
        let (key, place) = (IndexKey::generate(), Place::new("cookie", b"a", "b"));
        let sealed = key.derived("one").seal(place, b"text");
        assert_eq!(key.derived("one").open(place, &sealed), Ok(b"text".to_vec()));
        assert!(key.derived("two").open(place, &sealed).is_err());
        assert!(IndexKey::generate().derived("one").open(place, &sealed).is_err());
    }

    #[test]
    fn a_wrapped_index_key_gives_the_same_indexes() {
        let keys = SiteKeys::generate();
        let place = Place::new("site_secret", b"index_key", "wrapped");
        let key = IndexKey::generate();
        let opened = IndexKey::open(&keys, place, &key.wrap(&keys, place)).expect("opens");
        assert_eq!(key.blind_index("c", &["v"]), opened.blind_index("c", &["v"]));
    }
}
