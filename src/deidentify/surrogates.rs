//! What stands in the place of an identifier: invented, the same for the same word of the same patient, from a keyed hash.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Identifier, IdentifierClass, lexicon::Bearer, tokens::fold};

/// A key of de-identification that cannot be used. Never shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the key of de-identification is not a base64 key of 32 bytes on the first line of its file; `abstractor key generate FILE` makes one"
)]
pub struct DeidentificationKeyError;

/// The key from which surrogates and date offsets follow. Whoever has it can tell which offset a patient has: it stays where the
/// notes are. Another key makes an export that cannot be joined with the first.
#[derive(Clone)]
pub struct DeidentificationKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DeidentificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeidentificationKey(..)")
    }
}

/// How dates are moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DateShift {
    /// By any number of days, −365 to 365, not 0.
    #[default]
    Days,
    /// By whole weeks, −52 to 52, not 0: days of the week stay.
    Weeks,
}

impl DeidentificationKey {
    /// A new random key: for one run, after which nobody can tell what was what.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(crate::seal::random_bytes()))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When its first line that is no comment is no key.
    pub fn parse(text: &str) -> Result<Self, DeidentificationKeyError> {
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .ok_or(DeidentificationKeyError)?;
        let bytes = Zeroizing::new(STANDARD.decode(line).map_err(|_| DeidentificationKeyError)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| DeidentificationKeyError)?;
        Ok(Self(Zeroizing::new(key)))
    }

    fn number(&self, parts: &[&str]) -> u64 {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        u64::from_be_bytes(std::array::from_fn(|at| digest[at]))
    }

    /// By how many days the dates of a patient are moved.
    #[must_use]
    pub fn days(&self, patient: &str, shift: DateShift) -> i32 {
        let (most, step) = match shift {
            DateShift::Days => (365_u64, 1),
            DateShift::Weeks => (52, 7),
        };
        let number = self.number(&["date", patient]) % (2 * most);
        let days = i32::try_from(number).unwrap_or(0) - i32::try_from(most).unwrap_or(0);
        step * if days >= 0 { days + 1 } else { days }
    }

    /// An identifier of ours that stands for another one: 16 hexadecimal digits.
    #[must_use]
    pub fn pseudonym(&self, kind: &str, id: &str) -> String {
        format!("{:016x}", self.number(&["pseudonym", kind, id]))
    }
}

/// Surrogates of one patient.
#[derive(Debug, Clone)]
pub(super) struct Surrogates<'a> {
    pub(super) key: &'a DeidentificationKey,
    pub(super) patient: &'a str,
}

const FEMALE: &[&str] = &[
    "Adelina",
    "Bettina",
    "Corinna",
    "Delia",
    "Eudora",
    "Fenella",
    "Giselle",
    "Hermione",
    "Isolde",
    "Jocasta",
    "Kirsty",
    "Leonora",
    "Melinda",
    "Nerissa",
    "Ottilie",
    "Perdita",
    "Quilla",
    "Rosamund",
    "Sidonie",
    "Thomasina",
    "Undine",
    "Viola",
    "Willa",
    "Yseult",
    "Zelda",
    "Ariadne",
    "Beryl",
    "Cordelia",
    "Dulcie",
    "Effie",
];
const MALE: &[&str] = &[
    "Aldous",
    "Barnaby",
    "Crispin",
    "Digby",
    "Evander",
    "Florian",
    "Gideon",
    "Horatio",
    "Inigo",
    "Jasper",
    "Konrad",
    "Lysander",
    "Mortimer",
    "Noel",
    "Orson",
    "Peregrine",
    "Quincy",
    "Roscoe",
    "Septimus",
    "Tarquin",
    "Ulric",
    "Valentin",
    "Waldo",
    "Xander",
    "York",
    "Zeno",
    "Ambrose",
    "Barnard",
    "Cosmo",
    "Dunstan",
];
const SURNAMES: &[&str] = &[
    "Applewhite",
    "Birdwhistle",
    "Coldbrook",
    "Dunmore",
    "Eastlake",
    "Farnham",
    "Goldhawk",
    "Hollister",
    "Inglewood",
    "Jessamy",
    "Kingsford",
    "Longbourne",
    "Merridew",
    "Northcott",
    "Oakshott",
    "Pemberley",
    "Quillfeather",
    "Ravensworth",
    "Silverton",
    "Thistlewood",
    "Underhill",
    "Vandeleur",
    "Wetherell",
    "Yarborough",
    "Zellaby",
    "Ashdown",
    "Brightwell",
    "Copperfield",
    "Dunstable",
    "Elderfield",
    "Fernsby",
    "Greystoke",
    "Heatherington",
    "Kestrel",
    "Larkin",
    "Mossgrove",
    "Nightingale",
    "Osterley",
    "Plumtree",
    "Rookwood",
    "Sandringham",
    "Tidewater",
    "Upshaw",
    "Villiers",
    "Winterton",
];
const CITIES: &[&str] = &[
    "Alderbrook",
    "Birchmont",
    "Cedarville",
    "Dunhaven",
    "Elmsworth",
    "Foxborough",
    "Glenmoor",
    "Hazelton",
    "Ironbridge",
    "Juniper Falls",
    "Kingsport",
    "Lakemont",
    "Maplewood",
    "Norhaven",
    "Oakridge",
    "Pinecrest",
    "Quarryville",
    "Ridgefield",
    "Stonebrook",
    "Thornbury",
    "Umberton",
    "Valemont",
    "Willowdale",
    "Yarrowby",
];
const STREETS: &[&str] = &[
    "Alder Street",
    "Birch Lane",
    "Chestnut Road",
    "Dogwood Avenue",
    "Elder Close",
    "Fir Court",
    "Hawthorn Way",
    "Linden Drive",
    "Rowan Terrace",
    "Sycamore Road",
];
const HOSPITALS: &[&str] = &[
    "Alder Valley Hospital",
    "Birchwood Medical Center",
    "Clearwater Hospital",
    "Dovedale Clinic",
    "Eastfield Hospital",
    "Fernhill Medical Center",
    "Glenside Hospital",
    "Highmoor Clinic",
    "Lakeshore Hospital",
    "Meadowbrook Medical Center",
];
const COMPANIES: &[&str] = &[
    "Amberley Works",
    "Brightside Services",
    "Cobalt Company",
    "Driftwood Partners",
    "Everline Company",
    "Foxglove Services",
    "Greyline Works",
    "Hillcrest Company",
];

impl Surrogates<'_> {
    fn number(&self, kind: &str, word: &str) -> usize {
        usize::try_from(self.key.number(&["surrogate", self.patient, kind, word]) % 1_000_003).unwrap_or(0)
    }

    fn pick<'l>(&self, list: &[&'l str], kind: &str, word: &str) -> &'l str {
        list[self.number(kind, word) % list.len()]
    }

    /// What stands in the place of an identifier that is no date. `bearer` says who bears a given name.
    pub(super) fn of(&self, written: &str, identifier: &Identifier, bearer: &dyn Fn(&str) -> Option<Bearer>) -> String {
        match identifier.class {
            IdentifierClass::Name => self.name(written, bearer),
            IdentifierClass::Location => {
                let has_number = written.bytes().any(|byte| byte.is_ascii_digit());
                let is_street = has_number || STREET_WORDS.iter().any(|word| fold(written).ends_with(word));
                let place = if is_street {
                    self.pick(STREETS, "street", &fold(written))
                } else {
                    self.pick(CITIES, "city", &fold(written))
                };
                let numbered = if has_number {
                    format!("{} {place}", 1 + self.number("house", &fold(written)) % 998)
                } else {
                    place.to_owned()
                };
                cased(&numbered, written)
            }
            IdentifierClass::Organization => {
                let folded = fold(written);
                let is_care = CARE_WORDS.iter().any(|word| folded.contains(word));
                let list = if is_care { HOSPITALS } else { COMPANIES };
                cased(self.pick(list, "organization", &folded), written)
            }
            IdentifierClass::Email => format!("{}@example.com", self.pick(SURNAMES, "email", &fold(written)).to_lowercase()),
            IdentifierClass::Url => format!("https://example.com/{:x}", self.number("url", &fold(written))),
            IdentifierClass::Ip => format!("192.0.2.{}", 1 + self.number("ip", &fold(written)) % 254),
            IdentifierClass::Phone | IdentifierClass::Fax => self.digits(written, "55501"),
            IdentifierClass::Ssn => self.digits(written, "000"),
            _ => self.digits(written, ""),
        }
    }

    fn name(&self, written: &str, bearer: &dyn Fn(&str) -> Option<Bearer>) -> String {
        let words: Vec<super::tokens::Token> = super::tokens::tokens(written);
        let mut out = String::new();
        let mut at = 0;
        for (index, word) in words.iter().enumerate() {
            out.push_str(&written[at..word.span.start]);
            let original = word.span.of(written);
            let is_alone = words.len() == 1;
            let given = bearer(&word.folded);
            let has_comma = written.contains(',');
            let is_given_place = if has_comma { index > 0 } else { index + 1 < words.len() || is_alone };
            let chosen = if word.folded.chars().count() == 1 {
                let letter = b'A' + u8::try_from(self.number("initial", &word.folded) % 26).unwrap_or(0);
                char::from(letter).to_string()
            } else {
                match given {
                    Some(Bearer::Female) if is_given_place => self.pick(FEMALE, "given", &word.folded).to_owned(),
                    Some(Bearer::Male) if is_given_place => self.pick(MALE, "given", &word.folded).to_owned(),
                    Some(Bearer::Either) if is_given_place => self
                        .pick(
                            if self.number("either", &word.folded).is_multiple_of(2) { FEMALE } else { MALE },
                            "given",
                            &word.folded,
                        )
                        .to_owned(),
                    _ => self.pick(SURNAMES, "surname", &word.folded).to_owned(),
                }
            };
            out.push_str(&cased(&chosen, original));
            at = word.span.end;
        }
        out.push_str(&written[at..]);
        if words.is_empty() { self.digits(written, "") } else { out }
    }

    /// Digits for digits and letters for letters; the last digits of a long number are those of `start` and two more.
    fn digits(&self, written: &str, start: &str) -> String {
        let seed = fold(written);
        let count = written.chars().filter(char::is_ascii_digit).count();
        // numbers of seven digits and more end as numbers that nobody has
        let fixed: Vec<char> = start.chars().collect();
        let from = if start.len() == 5 { count.checked_sub(7) } else { (!start.is_empty()).then_some(0) };
        let mut seen = 0;
        written
            .chars()
            .enumerate()
            .map(|(at, character)| {
                let draw = self.number("character", &format!("{seed} {at}"));
                if character.is_ascii_digit() {
                    let place = from.and_then(|from| (seen as usize).checked_sub(from)).and_then(|place| fixed.get(place));
                    seen += 1_u32;
                    place.copied().unwrap_or_else(|| char::from(b'0' + u8::try_from(draw % 10).unwrap_or(0)))
                } else if character.is_ascii_uppercase() {
                    char::from(b'A' + u8::try_from(draw % 26).unwrap_or(0))
                } else if character.is_ascii_lowercase() {
                    char::from(b'a' + u8::try_from(draw % 26).unwrap_or(0))
                } else if character.is_alphanumeric() {
                    'x'
                } else {
                    character
                }
            })
            .collect()
    }
}

const STREET_WORDS: &[&str] =
    &["street", "road", "lane", "avenue", "drive", "close", "terrace", "way", "boulevard", "court", "crescent"];
const CARE_WORDS: &[&str] = &[
    "hosp",
    "clinic",
    "medical",
    "health",
    "infirmary",
    "care",
    "center",
    "centre",
    "home",
    "manor",
    "hospice",
    "living",
    "memorial",
    "department",
];

/// Written as the original: in capitals, in small letters, or as it is.
fn cased(chosen: &str, original: &str) -> String {
    let mut letters = original.chars().filter(|character| character.is_alphabetic()).peekable();
    if letters.peek().is_none() {
        return chosen.to_owned();
    }
    let all: Vec<char> = letters.collect();
    if all.iter().all(|letter| letter.is_lowercase()) {
        chosen.to_lowercase()
    } else if all.len() > 1 && all.iter().all(|letter| letter.is_uppercase()) {
        chosen.to_uppercase()
    } else {
        chosen.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> DeidentificationKey {
        DeidentificationKey::parse(&STANDARD.encode([byte; 32])).expect("a key")
    }

    #[test]
    fn a_key_is_read_or_refused() {
        assert!(DeidentificationKey::parse("# none\n\n").is_err());
        assert!(DeidentificationKey::parse("c2hvcnQ=").is_err());
        assert_eq!(format!("{:?}", key(1)), "DeidentificationKey(..)");
    }

    proptest! {
        #[test]
        fn the_offset_of_a_patient_is_one_and_never_nothing(patient in "\\PC{0,20}", byte in 0_u8..) {
            let (days, weeks) = (key(byte).days(&patient, DateShift::Days), key(byte).days(&patient, DateShift::Weeks));
            prop_assert!((-365..=365).contains(&days) && days != 0);
            prop_assert!((-364..=364).contains(&weeks) && weeks != 0 && weeks % 7 == 0);
            prop_assert_eq!(days, key(byte).days(&patient, DateShift::Days));
        }
    }

    #[test]
    fn the_same_name_of_a_patient_has_the_same_surrogate() {
        let key = key(7);
        let surrogates = Surrogates { key: &key, patient: "1" };
        let of = |written: &str| {
            surrogates.of(written, &Identifier::new(crate::domain::Span::new(0, 0), IdentifierClass::Name), &|word| {
                (word == "ingrid").then_some(Bearer::Female)
            })
        };
        let (full, alone) = (of("Halvorsen, Ingrid"), of("HALVORSEN"));
        assert!(full.to_uppercase().starts_with(&alone), "{full} {alone}");
        let given = full.split(", ").nth(1).expect("a given name");
        assert!(FEMALE.contains(&given), "{given}");
        assert_eq!(of("Ingrid"), given);
        let other = Surrogates { key: &key, patient: "2" };
        let phone =
            other.of("(218) 867-5309", &Identifier::new(crate::domain::Span::new(0, 0), IdentifierClass::Phone), &|_| None);
        assert!(phone.contains(") 555-01"), "{phone}");
    }
}
