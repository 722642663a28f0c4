//! What the fuzz targets share: inputs from a seed, damage to good input, and how much is tried.
//!
//! A target is a test of `cargo test` (its path holds `fuzz`): a plain function on an input that must not panic, hang or break what it asserts.
//! `fuzz!` makes the inputs itself from `BOLERO_RANDOM_SEED`, so that a run can be made again to the letter; without the variable the seed is
//! drawn, and told when a target fails. Under `cargo bolero test` the same functions are driven by libFuzzer.

use std::{
    fmt::Debug,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::{Duration, Instant},
};

use bolero::{
    TypeGenerator,
    generator::bolero_generator::driver::{Options, bytes},
};
use serde_json::{Map, Value, json};

/// Bytes that an input is made of.
const INPUT: usize = 4_096;

/// How much a run of a target costs: of the executions that `ABSTRACTOR_TEST_FUZZ_EXECUTIONS` asks for, a dear target makes a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Microseconds.
    Quick,
    /// Files are written or a note is extracted: a twentieth.
    Slow,
    /// The model runs: a thousandth.
    Heavy,
}

/// When a target has tried enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enough {
    Tries(u64),
    Time(Duration),
}

impl Enough {
    fn of(pace: Pace) -> Self {
        let share = match pace {
            Pace::Quick => 1,
            Pace::Slow => 20,
            Pace::Heavy => 1_000,
        };
        match number("ABSTRACTOR_TEST_FUZZ_EXECUTIONS") {
            Some(executions) => Self::Tries((executions / share).max(1)),
            None if is_long_tier() => Self::Time(Duration::from_secs(60)),
            None => Self::Time(Duration::from_secs(3)),
        }
    }
}

/// Whether the full counts are asked for, as `tests/run --long` does.
pub(crate) fn is_long_tier() -> bool {
    variable("ABSTRACTOR_TEST_TIER").as_deref() == Some("long")
}

#[expect(clippy::disallowed_methods, reason = "how much the tests try is asked for by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    variable(name)?.parse().ok()
}

/// `fuzz!("HL7 message", Quick, Damaged, |input: &Damaged| ...)`: the body of a test that tries inputs of this type.
macro_rules! fuzz {
    ($name:literal, $pace:ident, $input:ty, $body:expr) => {{
        #[cfg(fuzzing)]
        bolero::check!().with_type::<$input>().for_each($body);
        #[cfg(not(fuzzing))]
        $crate::fuzzing::run::<$input>($name, $crate::fuzzing::Pace::$pace, $body);
    }};
}
pub(crate) use fuzz;

/// Tells which input a target failed at.
struct Trying<'a, T: Debug> {
    name: &'a str,
    seed: u64,
    number: u64,
    input: &'a T,
}

impl<T: Debug> Drop for Trying<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { name, seed, number, input } = self;
            eprintln!("fuzz target {name} failed with BOLERO_RANDOM_SEED={seed} at input {number}: {input:?}");
        }
    }
}

/// Tries inputs until it is enough, and tells how many.
pub(crate) fn run<T: TypeGenerator + Debug>(name: &str, pace: Pace, body: impl Fn(&T)) {
    let seed = number("BOLERO_RANDOM_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let (enough, started, options) = (Enough::of(pace), Instant::now(), Options::default());
    let mut bytes = vec![0; INPUT];
    let mut tried = 0;
    while match enough {
        Enough::Tries(tries) => tried < tries,
        Enough::Time(time) => started.elapsed() < time,
    } {
        fill(&mut bytes, seed, tried);
        let input = T::generate(&mut bytes::Driver::new(bytes.as_slice(), &options)).expect("bytes enough for an input");
        let _trying = Trying { name, seed, number: tried, input: &input };
        body(&input);
        tried += 1;
    }
    // a line of its own, which `--nocapture` shows and a sum is made of
    println!("\nfuzz: {tried} executions of {name}");
}

/// Bytes that look random and depend on seed and number alone (SplitMix64).
fn fill(bytes: &mut [u8], seed: u64, number: u64) {
    let mut state = seed.wrapping_add(number.wrapping_mul(0xd134_2543_de82_ef95));
    for piece in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        piece.copy_from_slice(&mixed.to_le_bytes()[..piece.len()]);
    }
}

/// Good inputs, and the bytes that mean something to their reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeds<'a> {
    /// Good inputs.
    pub good: &'a [&'a [u8]],
    /// Bytes with a meaning.
    pub telling: &'a [u8],
}

/// One damage to bytes, at a place of them.
#[derive(Debug, Clone, Copy, TypeGenerator)]
pub(crate) enum Damage {
    Remove(u16),
    Insert(u16, u8),
    InsertTelling(u16, u8),
    Set(u16, u8),
    SetTelling(u16, u8),
    Repeat(u16, u8),
    Splice(u16, u8, u16),
    Cut(u16),
}

/// A good input, damaged at none to a few places.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) struct Damaged {
    /// Which of the good ones.
    pub seed: u8,
    /// How many of the damages count.
    pub count: u8,
    /// What is done to it.
    pub damages: Vec<Damage>,
}

impl Damaged {
    /// The bytes.
    pub(crate) fn bytes(&self, seeds: Seeds<'_>) -> Vec<u8> {
        let good = |which: u8| seeds.good[usize::from(which) % seeds.good.len()];
        let telling = |byte: u8| seeds.telling[usize::from(byte) % seeds.telling.len()];
        let mut bytes = good(self.seed).to_vec();
        for damage in self.damages.iter().take(usize::from(self.count % 16)) {
            if bytes.is_empty() {
                break;
            }
            let place = |at: u16| usize::from(at) % bytes.len();
            match *damage {
                Damage::Remove(at) => drop(bytes.remove(place(at))),
                Damage::Insert(at, byte) => bytes.insert(place(at), byte),
                Damage::InsertTelling(at, byte) => bytes.insert(place(at), telling(byte)),
                Damage::Set(at, byte) => {
                    let at = place(at);
                    bytes[at] = byte;
                }
                Damage::SetTelling(at, byte) => {
                    let at = place(at);
                    bytes[at] = telling(byte);
                }
                Damage::Repeat(at, length) => {
                    let start = place(at);
                    let piece = bytes[start..(start + usize::from(length)).min(bytes.len())].to_vec();
                    bytes.splice(start..start, piece);
                }
                Damage::Splice(at, other, from) => {
                    let (start, other) = (place(at), good(other));
                    bytes.truncate(start);
                    bytes.extend_from_slice(&other[usize::from(from) % other.len()..]);
                }
                Damage::Cut(at) => bytes.truncate(place(at).max(1)),
            }
        }
        bytes
    }

    /// The same as text; what is no UTF-8 is replaced.
    pub(crate) fn text(&self, seeds: Seeds<'_>) -> String {
        String::from_utf8_lossy(&self.bytes(seeds)).into_owned()
    }
}

/// One damage to a JSON value, at one of its nodes.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum JsonDamage {
    Replace(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8),
    Wrap(u16, bool),
    Graft(u16, u16),
}

/// A good JSON value, damaged at none to a few nodes.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) struct DamagedJson {
    seed: u8,
    count: u8,
    damages: Vec<JsonDamage>,
}

impl DamagedJson {
    /// The value.
    pub(crate) fn value(&self, good: &[Value]) -> Value {
        let mut value = good[usize::from(self.seed) % good.len()].clone();
        for damage in self.damages.iter().take(usize::from(self.count % 8)) {
            let nodes = nodes(&value);
            let at = |at: u16| usize::from(at) % nodes;
            match *damage {
                JsonDamage::Replace(place, with) => *node(&mut value, at(place)) = telling(with),
                JsonDamage::Remove(place, which) => match node(&mut value, at(place)) {
                    Value::Array(items) if !items.is_empty() => drop(items.remove(usize::from(which) % items.len())),
                    Value::Object(fields) => {
                        let name = fields.keys().nth(usize::from(which) % fields.len().max(1)).cloned();
                        name.map(|name| fields.remove(&name));
                    }
                    other => *other = Value::Null,
                },
                JsonDamage::Repeat(place, times) => {
                    if let Value::Array(items) = node(&mut value, at(place))
                        && let Some(first) = items.first().cloned()
                    {
                        items.extend(std::iter::repeat_n(first, usize::from(times % 4)));
                    }
                }
                JsonDamage::Wrap(place, as_array) => {
                    let node = node(&mut value, at(place));
                    let inner = node.take();
                    *node =
                        if as_array { json!([inner]) } else { Value::Object(Map::from_iter([("value".to_owned(), inner)])) };
                }
                JsonDamage::Graft(place, from) => {
                    let other = node(&mut value, at(from)).clone();
                    *node(&mut value, at(place)) = other;
                }
            }
        }
        value
    }
}

/// Values that a reader may stumble over.
fn telling(which: u8) -> Value {
    match which % 20 {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(0),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(1e308),
        7 => json!(""),
        8 => json!(" "),
        9 => json!("\u{202e}\u{200b}e\u{301}\u{fdfa}"),
        10 => json!("é".repeat(300)),
        11 => json!("/"),
        12 => json!("#"),
        13 => json!("9999-12-31T23:59:60Z"),
        14 => json!("-009999-01-01"),
        15 => json!("text/html; charset=utf-16"),
        16 => json!("=AAAA===="),
        17 => json!([]),
        18 => json!({}),
        _ => json!([[[[null]]]]),
    }
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum::<usize>(),
        Value::Object(fields) => fields.values().map(nodes).sum::<usize>(),
        _ => 0,
    }
}

/// The node of this number, of those that [`nodes`] counts.
fn node(value: &mut Value, number: usize) -> &mut Value {
    fn within<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
        if *left == 0 {
            return Some(value);
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter_mut().find_map(|item| within(item, left)),
            Value::Object(fields) => fields.values_mut().find_map(|field| within(field, left)),
            _ => None,
        }
    }
    within(value, &mut { number }).expect("no more than there are")
}

/// A piece of running text as notes have it, or as nobody would write it.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Piece {
    Phrase(u8),
    Phrases(u8, u8),
    Letter(char),
    Number(u16),
    Repeat(u8, u8),
}

/// A note that was put together from what the rules look for.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) struct Notes {
    pieces: Vec<Piece>,
}

/// Headings, cues, drugs, directions, allergies, dates, list marks and letters with a history.
const PHRASES: [&str; 96] = [
    "ASSESSMENT:",
    "ALLERGIES:",
    "MEDICATIONS:",
    "PAST MEDICAL HISTORY:",
    "FAMILY HISTORY:",
    "HPI:",
    "Plan:",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\u{a0}",
    "\u{2028}",
    "- ",
    "1. ",
    "2) ",
    "• ",
    "# ",
    "; ",
    ", ",
    ".",
    ":",
    "(",
    ")",
    "/",
    "-",
    "[",
    "]",
    "***",
    "___",
    "no ",
    "denies ",
    "without ",
    "history of ",
    "family history of ",
    "mother had ",
    "possible ",
    "ruled out ",
    "if ",
    "type 2 diabetes ",
    "pneumonia ",
    "heart failure ",
    "CHF ",
    "COPD ",
    "left ",
    "right ",
    "bilateral ",
    "acute ",
    "chronic ",
    "stage 3 ",
    "fracture of the femur ",
    "metformin ",
    "lisinopril ",
    "warfarin ",
    "insulin glargine ",
    "10 mg ",
    "1/2 tablet ",
    "500 mg/5 mL ",
    "p.o. ",
    "twice daily ",
    "q4-6h ",
    "q.i.d. ",
    "prn pain ",
    "for 10 days ",
    "x 7d ",
    "#30 ",
    "refills: 2 ",
    "every other day ",
    "Mon/Wed/Fri ",
    "at 08:00 ",
    "taper ",
    "then ",
    "stopped ",
    "started ",
    "increase to ",
    "penicillin ",
    "anaphylaxis ",
    "hives ",
    "NKDA ",
    "allergic to ",
    "tolerates ",
    "sulfa (rash) ",
    "2026-05-04 ",
    "5/4/26 ",
    "12.5",
    "e\u{301}",
    "\u{fb01}",
    "\u{fdfa}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "İ",
    "ß",
    "🩺",
    "👩\u{200d}⚕\u{fe0f}",
];

impl Notes {
    /// The text.
    pub(crate) fn text(&self) -> String {
        let phrase = |which: u8| PHRASES[usize::from(which) % PHRASES.len()];
        let mut text = String::new();
        for piece in &self.pieces {
            match *piece {
                Piece::Phrase(which) => text.push_str(phrase(which)),
                Piece::Phrases(one, other) => [one, other].iter().for_each(|which| text.push_str(phrase(*which))),
                Piece::Letter(letter) => text.push(letter),
                Piece::Number(number) => text.push_str(&number.to_string()),
                Piece::Repeat(which, times) => text.push_str(&phrase(which).repeat(usize::from(times % 8))),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_and_another_gives_others() {
        let inputs = |seed: u64| -> Vec<String> {
            let mut bytes = vec![0; INPUT];
            let made = (0..50).map(|number| {
                fill(&mut bytes, seed, number);
                let input =
                    Damaged::generate(&mut bytes::Driver::new(bytes.as_slice(), &Options::default())).expect("an input");
                format!("{input:?}")
            });
            made.collect()
        };
        let (first, again, other) = (inputs(7), inputs(7), inputs(8));
        assert!(first == again && first != other);
        assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() > 45, "they differ among each other");
    }

    #[test]
    fn damage_reaches_every_node_and_keeps_some_whole() {
        let good = json!({"a": [1, {"b": "c"}], "d": null});
        assert_eq!(nodes(&good), 6);
        for number in 0..6 {
            let mut value = good.clone();
            *node(&mut value, number) = json!("here");
            assert!(value.to_string().contains("here"), "{number}");
        }
        let whole = Damaged { seed: 1, count: 0, damages: vec![Damage::Cut(0)] };
        assert_eq!(whole.bytes(Seeds { good: &[b"one", b"two"], telling: b"x" }), b"two");
    }
}
