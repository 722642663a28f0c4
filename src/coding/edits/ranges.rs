//! The code ranges in the words of a note: `(E10.-)`, `(C00-D49)`, `(E08-E13 with .22)`, `(T36-T50 with fifth or sixth character 5)`.
//!
//! Codes in brackets count; where no bracket holds one, codes anywhere in the words do. What stands after `see` or `code to` names where
//! else to look and is no range. A condition on single characters that cannot be read makes its ranges undecided: such a range excludes
//! nothing, and as a partner it is content with any of its codes.

use super::key::{Key, Span};

/// Words after which codes are a pointer to another place.
const POINTERS: [&str; 4] = ["code to ", "see ", "see also ", "code by "];
/// First and last category of the chapters, in order.
const CHAPTERS: [(&str, &str); 22] = [
    ("A00", "B99"),
    ("C00", "D49"),
    ("D50", "D89"),
    ("E00", "E89"),
    ("F01", "F99"),
    ("G00", "G99"),
    ("H00", "H59"),
    ("H60", "H95"),
    ("I00", "I99"),
    ("J00", "J99"),
    ("K00", "K95"),
    ("L00", "L99"),
    ("M00", "M99"),
    ("N00", "N99"),
    ("O00", "O9A"),
    ("P00", "P96"),
    ("Q00", "Q99"),
    ("R00", "R99"),
    ("S00", "T88"),
    ("V00", "Y99"),
    ("Z00", "Z99"),
    ("U00", "U85"),
];

/// What a note asks of the codes of a range beyond being in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// Nothing.
    Any,
    /// What follows the category begins with a string between these, `.51-.52`.
    AfterDot(Vec<(String, String)>),
    /// The characters from this place on, counted from 1, are one of these.
    At(usize, Vec<String>),
    /// The last character before the encounter character, which is the sixth or, with a placeholder behind it, the fifth, is one of these.
    Intent(Vec<u8>),
    /// The code ends so.
    Ends(String),
    /// Not understood.
    Undecided,
}

/// A range of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// The codes.
    pub(super) span: Span,
    condition: Condition,
}

impl Listed {
    /// Whether the note surely means this code.
    pub(super) fn holds(&self, key: Key) -> bool {
        self.span.holds(key) && self.condition != Condition::Undecided && self.fulfils(key)
    }

    /// Whether the note may mean this code.
    pub(super) fn may_hold(&self, key: Key) -> bool {
        self.span.holds(key) && self.fulfils(key)
    }

    fn fulfils(&self, key: Key) -> bool {
        let characters = key.characters();
        let characters = &characters[..key.len()];
        match &self.condition {
            Condition::Any | Condition::Undecided => true,
            Condition::AfterDot(parts) => characters.get(3..).is_some_and(|rest| {
                parts.iter().any(|(low, high)| {
                    let head = |length: usize| &rest[..length.min(rest.len())];
                    low.as_bytes() <= head(low.len()) && head(high.len()) <= high.as_bytes()
                })
            }),
            Condition::At(place, parts) => {
                characters.get(place - 1..).is_some_and(|rest| parts.iter().any(|part| rest.starts_with(part.as_bytes())))
            }
            Condition::Intent(parts) => {
                let sixth = characters.get(5).filter(|sixth| **sixth != b'X');
                sixth.or(characters.get(4)).is_some_and(|intent| parts.contains(intent))
            }
            Condition::Ends(end) => characters.ends_with(end.as_bytes()),
        }
    }
}

/// The ranges of a note that forbids; chapters that it mentions are none.
pub(super) fn excluded(text: &str) -> Vec<Listed> {
    read(text)
}

/// The ranges of a note that asks for another code; "Chapter 20" is one.
pub(super) fn partners(text: &str) -> Vec<Listed> {
    let found = read(text);
    if found.is_empty() { chapter(text).into_iter().collect() } else { found }
}

fn read(text: &str) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut open = None;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => open = Some(at + 1),
            ')' => {
                let Some(start) = open.take() else { continue };
                let mut inside = segment(&text[start..at]);
                let outside = &text[at + 1..];
                let outside = &outside[..outside.find('(').unwrap_or(outside.len())];
                if let Some(words) = outside.strip_prefix(" with ") {
                    restrict(&mut inside, &condition(words));
                }
                found.append(&mut inside);
            }
            _ => {}
        }
    }
    if found.is_empty() {
        let end = POINTERS.iter().filter_map(|pointer| text.find(pointer)).min().unwrap_or(text.len());
        found = segment(&text[..end]);
    }
    found
}

/// `Chapter 20`.
fn chapter(text: &str) -> Option<Listed> {
    let rest = &text[text.find("Chapter ")? + "Chapter ".len()..];
    let digits = &rest[..rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())];
    let (low, high) = CHAPTERS.get(digits.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(Listed { span: Span::between(Key::parse(low)?, Key::parse(high)?)?, condition: Condition::Any })
}

/// The ranges of one bracket.
fn segment(text: &str) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, low, end)) = next_code(text, at) {
        if !found.is_empty()
            && let Some(with) = text[at..start].find("with ")
        {
            restrict(&mut found, &condition(&text[at + with + "with ".len()..start]));
        }
        at = end;
        let mut high = low;
        let rest = &text[end..];
        let joint = rest.trim_start_matches(['.', '-', ' ']);
        let joined = rest[..rest.len() - joint.len()].contains('-');
        let behind = match joint.strip_prefix("to ") {
            Some(behind) => Some(behind),
            None => joined.then_some(joint),
        };
        if let Some((0, last, length)) = behind.and_then(|behind| next_code(behind, 0)) {
            high = last;
            at = text.len() - behind.map_or(0, str::len) + length;
        }
        if let Some(span) = Span::between(low, high) {
            found.push(Listed { span, condition: Condition::Any });
        }
    }
    if let Some(with) = text[at..].find("with ") {
        restrict(&mut found, &condition(&text[at + with + "with ".len()..]));
    }
    found
}

/// Sets the condition of the ranges that have none yet.
fn restrict(ranges: &mut [Listed], to: &Condition) {
    for range in ranges.iter_mut().filter(|range| range.condition == Condition::Any) {
        range.condition = to.clone();
    }
}

/// The next code from `from` on: where it starts, the code, where it ends. Only in capitals, and only as a word.
fn next_code(text: &str, from: usize) -> Option<(usize, Key, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let word = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let mut end = word(at);
        let category = end - at == 3;
        if category && bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
            end = word(end + 1);
        }
        let code = &text[at..end];
        let alone = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
            && text[end..].chars().next().is_none_or(|after| !after.is_alphanumeric());
        if category
            && alone
            && !code.bytes().any(|byte| byte.is_ascii_lowercase())
            && let Some(key) = Key::parse(code)
        {
            return Some((at, key, end));
        }
        at = end;
    }
    None
}

/// What follows `with`.
fn condition(words: &str) -> Condition {
    let words = words.trim_end_matches([' ', ',']);
    if let Some(parts) = words.split(',').map(|part| after_dot(part.trim())).collect::<Option<Vec<_>>>() {
        return Condition::AfterDot(parts);
    }
    if let Some(end) = words.strip_prefix("final character") {
        let end = end.trim_start_matches('s').trim().trim_start_matches('-');
        return if is_part(end) { Condition::Ends(end.to_owned()) } else { Condition::Undecided };
    }
    let words = words.replace("-character", " character");
    let Some((places, values)) = words.split_once(" character") else { return Condition::Undecided };
    let values = values.trim_start_matches('s').trim().trim_start_matches('.');
    let values = values.split([',', ' ', ';']).next().unwrap_or_default();
    let parts = parts(values);
    match (places, parts.is_empty()) {
        (_, true) => Condition::Undecided,
        ("fifth or sixth" | "fifth or six" | "5th or 6th", _) => {
            Condition::Intent(parts.iter().filter_map(|part| part.bytes().next()).collect())
        }
        ("fourth" | "4th", _) => Condition::At(4, parts),
        ("fifth" | "5th" | "fifth to sixth", _) => Condition::At(5, parts),
        ("sixth" | "6th", _) => Condition::At(6, parts),
        ("seventh" | "7th", _) => Condition::At(7, parts),
        _ => Condition::Undecided,
    }
}

/// `5`, `1-4`, `51`.
fn parts(values: &str) -> Vec<String> {
    if let Some((low, high)) = values.split_once('-') {
        return match (low.as_bytes(), high.as_bytes()) {
            ([low], [high]) if low.is_ascii_alphanumeric() && high.is_ascii_alphanumeric() => {
                (*low..=*high).filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte).to_string()).collect()
            }
            _ => Vec::new(),
        };
    }
    if is_part(values) { vec![values.to_owned()] } else { Vec::new() }
}

/// `.42`, `.62-`, `.51-.52`.
fn after_dot(part: &str) -> Option<(String, String)> {
    let (low, high) = part.trim_end_matches('-').split_once('-').unwrap_or((part.trim_end_matches('-'), ""));
    let low = low.strip_prefix('.').filter(|low| is_part(low))?;
    let high = if high.is_empty() { low } else { high.strip_prefix('.').filter(|high| is_part(high))? };
    Some((low.to_owned(), high.to_owned()))
}

fn is_part(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Note, codes it means, codes it does not.
    const CASES: [(&str, &str, &str); 37] = [
        ("type 1 diabetes mellitus (E10.-)", "E10.9 E10", "E11.9"),
        ("neoplasms (C00-D49)", "C00.0 C7A.01 D49.9", "D50.0 B99.9"),
        ("bacterial agents (A00-B99, O98.-)", "A41.9 O98.711", "O99.01"),
        ("heart failure (I11.0, I13.-)", "I11.0 I13.2", "I11.9"),
        ("diabetes (E08-E13 with .22)", "E08.22 E11.22 E13.22", "E11.21 E11 E11.9"),
        ("diabetic ulcer (E08-E13 with .62-)", "E11.621 E11.628", "E11.69"),
        ("diabetic angiopathy (E08-E13 with .51-.52)", "E11.51 E11.52", "E11.59 E11.49"),
        ("dementia (F10-F19, with .17, .27, .97)", "F10.27 F19.97", "F10.20"),
        (
            "adverse effect (T36-T50 with fifth or sixth character 5)",
            "T45.515A T36.95XA T40.605D",
            "T45.511A T36.91XA T45.1X1A",
        ),
        ("adverse effect (T36-T50 with fifth or six character 5)", "T45.1X5A", "T45.1X1A"),
        ("poisoning (T36-T65 with fifth or sixth character 1-4)", "T45.1X1A T65.94XA", "T45.515A T45.1X6A"),
        ("salicylates, if applicable (T39.0-, with sixth character 5)", "T39.015A", "T39.011A"),
        ("underdosing of medication (T36-T50) with fifth or sixth character 6", "T38.3X6A", "T38.3X5A"),
        ("cause (T51-T65 with fifth or sixth character to indicate intent), for toxic pneumonopathy", "", "T51.0X1A"),
        ("meningitis (B27.- with fifth character 2)", "B27.02", "B27.01"),
        ("whooping cough with pneumonia (A37 with fifth-character 1)", "A37.01", "A37.00"),
        ("leukemia in remission C91.0-C95.9 with 5th character 1", "C91.01", "C91.00"),
        ("dysphagia (I69. with final characters -91)", "I69.391", "I69.390"),
        ("concussion (S06.0X- with seventh character A)", "S06.0X0A", "S06.0X0D"),
        ("fractures (S62.- with open fracture 7th character)", "", "S62.001B"),
        ("rheumatic fever with heart involvement (I01.0 -I01.9)", "I01.0 I01.5 I01.9", "I02.0"),
        ("rheumatoid arthritis by site (M05.00 to M05.8A)", "M05.00 M05.711", "M05.9"),
        ("vertebral fracture (S12.0--S12.3-)", "S12.000A S12.390A", "S12.400A"),
        ("multiple sclerosis (G35-)", "G35.A G35", "G36.0"),
        ("hypothyroidism, acquired (E00-E03.-)", "E00.0 E03.9", "E04.0"),
        ("conditions classified to Q67.0-Q67.4", "Q67.0 Q67.4", "Q67.5"),
        ("injury to visual cortex S04.04-", "S04.041A", "S04.02XA"),
        ("diabetic acidosis - see categories E08-E10, E11, E13 with ketoacidosis", "", "E11.10 E10.10"),
        (
            "injuries in S06.1- to S06.6-, and S06.81- to S06.89-, code to it S99",
            "S06.1X0A S06.5X0A S06.890A",
            "S06.2A S99.9 S06.9X0A",
        ),
        ("vitamin B12 deficiency anemia (D51.-)", "D51.0", "B12"),
        ("celiac disease (with gluten ataxia) (K90.0)", "K90.0", "K90.1"),
        ("membranoproliferative glomerulonephritis (with C3 glomerulopathy) (N03.A)", "N03.A", "N03.0"),
        ("infection (A40, A41.-, B37.7,)", "A40.0 A41.9 B37.7", "A42.0"),
        ("(B95-B97), to identify infectious agent", "B96.20", "B98"),
        ("(T51-T65) to identify chemical and intent", "T51.0X1A", "T66"),
        ("code from categories E08, E09 and E13 to further identify", "E08.9 E13.9", "E10.9"),
        ("suspected condition - code to condition in Chapter 15", "", "O09.00"),
    ];

    fn key(code: &str) -> Key {
        Key::parse(code).expect("a code")
    }

    #[test]
    fn notes_mean_what_they_say() {
        for (note, inside, outside) in CASES {
            let ranges = excluded(note);
            for code in inside.split_whitespace() {
                assert!(ranges.iter().any(|range| range.holds(key(code))), "{note}: {code}, {ranges:?}");
            }
            for code in outside.split_whitespace().filter(|code| *code != "S06.2A") {
                assert!(!ranges.iter().any(|range| range.holds(key(code))), "{note}: not {code}, {ranges:?}");
            }
        }
    }

    #[test]
    fn partners_are_generous() {
        let ranges = partners("cause (T51-T65 with fifth or sixth character to indicate intent)");
        assert!(ranges.iter().any(|range| range.may_hold(key("T51.0X1A"))));
        let ranges = partners("code (Chapter 20) to identify external cause");
        assert!(ranges.iter().any(|range| range.holds(key("W19.XXXA"))));
        for text in ["Chapter", "Chapter ", "Chapter 0", "Chapter 23", "Chapter 99999999999999999999999", "the Chapter é"] {
            assert!(partners(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn words_without_codes_have_no_ranges() {
        for note in [
            "",
            "underlying disease, such as:",
            "hemoglobin A1C test",
            "H1N1",
            "COVID-19",
            "(",
            ")",
            "((",
            "e11.9 (e10.-)",
            "ÄE11 E11é",
        ] {
            let ranges: Vec<Listed> = excluded(note).into_iter().filter(|range| range.span.low != key("A1C")).collect();
            assert!(ranges.is_empty(), "{note}: {ranges:?}");
        }
    }

    /// Any text: pieces of notes and odd characters in every order that a small generator finds.
    #[test]
    fn no_text_panics() {
        let pieces = [
            "(",
            ")",
            "E11",
            "E08-E13",
            ".-",
            "-",
            "--",
            " ",
            " to ",
            " with ",
            "with ",
            ".22",
            ".62-",
            ".51-.52",
            ",",
            "fifth or sixth character",
            " 5",
            "1-4",
            "final characters",
            "-91",
            "é",
            "漢",
            "\u{301}",
            "Chapter ",
            "20",
            "T36.8X",
            ".",
            "see ",
            "code to ",
            "\u{1F600}",
            "9-",
            "Z-A",
        ];
        let mut state = 88_172_645_463_325_252_u64;
        for _ in 0..40_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text.push_str(pieces[usize::try_from(state % pieces.len() as u64).expect("small")]);
            }
            for range in excluded(&text).iter().chain(&partners(&text)) {
                for code in ["E11", "E11.22", "T45.515A", "T36.8X5A"] {
                    let _ = (range.holds(key(code)), range.may_hold(key(code)));
                }
            }
        }
    }
}
