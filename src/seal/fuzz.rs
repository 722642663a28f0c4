//! Key files and sealed values that somebody altered.

use std::sync::LazyLock;

use super::{DataKey, Place, SiteKeys};
use crate::fuzzing::{Damaged, Seeds, fuzz};

const FILES: Seeds<'_> = Seeds {
    good: &[
        b"# ours\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n  ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\r\n",
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ],
    telling: b"=+/A# \n\r\xff",
};

#[test]
fn key_files() {
    fuzz!("key file", Quick, Damaged, |input: &Damaged| {
        let text = input.text(FILES);
        match SiteKeys::parse(&text) {
            Ok(keys) => {
                let again = SiteKeys::parse(&keys.to_key_file()).expect("what we write");
                assert_eq!(again.count(), keys.count());
            }
            Err(error) => assert!(!error.to_string().contains("AAECAwQ"), "a key stands in a message"),
        }
    });
}

/// An altered value opens nowhere, and a whole one opens in its place alone.
#[test]
fn sealed_values() {
    const PLACE: Place<'_> = Place::new("note", b"1", "text");
    static KEYS: LazyLock<SiteKeys> = LazyLock::new(SiteKeys::generate);
    static SEALED: LazyLock<(DataKey, Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
        let key = DataKey::generate();
        let (value, wrapped) = (key.seal(PLACE, b"Gout."), KEYS.wrap(PLACE, &key));
        (key, value, wrapped)
    });
    fuzz!("sealed value", Quick, Damaged, |input: &Damaged| {
        let (key, value, wrapped) = &*SEALED;
        let seeds = Seeds { good: &[value.as_slice(), wrapped.as_slice()], telling: b"\0\x01\xff" };
        let bytes = input.bytes(seeds);
        assert_eq!(key.open(PLACE, &bytes).is_ok(), bytes == *value, "an altered value opens");
        assert_eq!(KEYS.open(PLACE, &bytes).is_ok(), bytes == *wrapped, "an altered key opens");
        assert!(
            key.open(Place::new("note", b"2", "text"), &bytes).is_err()
                && KEYS.open(Place::new("item", b"1", "text"), &bytes).is_err()
        );
    });
}
