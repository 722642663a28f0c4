//! The notes of the tabular list as rules: what excludes, what comes first, what is coded beside.
//!
//! A note may be one row, or a heading and the rows of its list. An instruction that a coder follows only if something applies is
//! `conditional`; one whose list gives examples is `open`.

use std::collections::HashSet;

use super::{
    key::{Key, Span},
    places::Places,
    ranges::{self, Listed},
};
use crate::vocabulary::{CodeNote, CodeNotes, NoteKind};

/// Words that make an instruction depend on the case.
const CONDITIONAL: [&str; 7] = ["if ", "when ", "where applicable", "any ", "associated", "complicating", "as applicable"];
/// Words that make a code-first note depend on the case beside [`CONDITIONAL`].
const CONDITIONAL_FIRST: [&str; 2] = ["due to", "following"];
/// Words that keep a use-additional note silent beside [`CONDITIONAL`]: what has no place in most records, what has no national
/// requirement, and lists of things that may or may not be there.
const SILENT: [&str; 25] = [
    "tobacco",
    "alcohol",
    "nicotine",
    "resistance",
    "control using",
    "adverse effect",
    "foreign body",
    "body mass index",
    "external cause",
    "Chapter 20",
    "details of circumstances",
    "place of occurrence",
    "to identify place",
    "activity",
    "family history",
    "personal history",
    "acquired absence",
    "functional activity",
    "manifestations",
    "identify:",
    "specify:",
    "code:",
    "(for):",
    "for:",
    "presence of:",
];
/// Words that say that a list gives examples.
const EXAMPLES: [&str; 2] = ["such as", "including"];
/// Words of notes that hold for some of the codes below only, and for which almost any code will do: their lists are not checked.
const UNCHECKED: [&str; 1] = ["for adverse effects"];
/// Words of code-first rows that are passed over: at every history code, every condition that a drug may cause and every ulcer they would ask
/// for what is seldom there.
const SELDOM: [&str; 3] = ["follow-up examination", "poisoning due to drug or toxin, if applicable", "associated gangrene"];
/// How a row of a use-additional note begins that is no part of the list above it.
const BEGINS: [&str; 6] = ["code", "external cause", "cause code", "secondary code", "from categor", "place of occurrence"];
/// What a use-additional note says where a drug taken as prescribed may stand in the place of the poison that is coded first.
const OR_A_DRUG: &str = "adverse effect";
/// The codes that say that a patient is pregnant or gave birth, by their beginning.
const PREGNANCY: [&str; 4] = ["O", "Z33", "Z34", "Z3A"];
/// Items of a list that are quoted.
const QUOTED: usize = 3;

/// An excludes1 note.
#[derive(Debug)]
pub(super) struct Exclusion {
    /// The code or range at which it stands.
    pub(super) rule: String,
    /// The same as a span.
    pub(super) place: Span,
    /// What is not coded together with it.
    pub(super) listed: Vec<Listed>,
    /// Its words.
    pub(super) words: String,
}

/// A code-first or use-additional note.
#[derive(Debug)]
pub(super) struct Instruction {
    /// The code or range at which it stands.
    pub(super) rule: String,
    /// The codes it asks for; empty when it names none.
    pub(super) listed: Vec<Listed>,
    /// Its words, long lists shortened.
    pub(super) words: String,
    /// Whether the list gives examples.
    pub(super) open: bool,
    /// Whether it holds only if something applies.
    pub(super) conditional: bool,
    /// Whether it asks for codes of pregnancy only.
    pub(super) pregnancy: bool,
}

impl Instruction {
    /// Whether the code is one that the note asks for; of a list of examples also their neighbours.
    pub(super) fn asks_for(&self, key: Key) -> bool {
        self.listed.iter().any(|listed| listed.may_hold(key) || self.open && listed.span.neighbourhood().holds(key))
    }

    /// Whether the code is on the list itself.
    pub(super) fn lists(&self, key: Key) -> bool {
        self.listed.iter().any(|listed| listed.may_hold(key))
    }
}

/// All rules of the notes.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) exclusions: Places<Exclusion>,
    pub(super) first: Places<Instruction>,
    pub(super) additional: Places<Instruction>,
}

impl Rules {
    pub(super) fn new(notes: &CodeNotes) -> Self {
        let mut rules = Self { exclusions: Places::new(), first: Places::new(), additional: Places::new() };
        let drugs: HashSet<&str> = notes
            .all()
            .iter()
            .filter(|note| note.kind == NoteKind::UseAdditionalCode && note.text.contains(OR_A_DRUG))
            .map(|note| note.code.as_str())
            .collect();
        for block in notes.all().chunk_by(|one, next| one.kind == next.kind && one.code == next.code) {
            // a note at what is no code and no range stands nowhere
            let Some((place, head)) = block.first().and_then(|head| Some((Span::parse(&head.code)?, head))) else { continue };
            match head.kind {
                NoteKind::Excludes1 => {
                    for note in block {
                        let listed = ranges::excluded(&note.text);
                        let exclusion = Exclusion { rule: note.code.clone(), place, listed, words: note.text.clone() };
                        rules.exclusions.add(place, exclusion);
                    }
                }
                NoteKind::CodeFirst => {
                    let mut first = code_first(block);
                    first.conditional |= drugs.contains(head.code.as_str());
                    rules.first.add(place, first);
                }
                NoteKind::UseAdditionalCode => {
                    for statement in block.chunk_by(|_, next| !BEGINS.iter().any(|begin| next.text.starts_with(begin))) {
                        rules.additional.add(place, additional(statement));
                    }
                }
                _ => {}
            }
        }
        rules
    }
}

/// Whether the code says that the patient is pregnant or gave birth.
pub(super) fn is_pregnancy(key: Key) -> bool {
    // asked of every pair of codes: nothing is written out for it
    let characters = key.characters();
    let begins = |start: &str| start.bytes().filter(|byte| *byte != b'.').zip(characters).all(|(one, other)| one == other);
    PREGNANCY.iter().any(|start| begins(start))
}

fn says(block: &[CodeNote], words: &[&str]) -> bool {
    block.iter().any(|note| words.iter().any(|word| note.text.contains(word)))
}

/// A code-first note. A list without a heading that gives examples offers alternatives, of which none may apply.
fn code_first(block: &[CodeNote]) -> Instruction {
    let mut read = instruction("Code first", block);
    if says(block, &UNCHECKED) {
        read.listed.clear();
    } else if says(block, &SELDOM) {
        let asked = block.iter().filter(|note| !SELDOM.iter().any(|words| note.text.contains(words)));
        read.listed = asked.flat_map(|note| ranges::partners(&note.text)).collect();
    }
    read.conditional |= says(block, &CONDITIONAL_FIRST) || block.len() > 1 && !read.open;
    read
}

fn additional(block: &[CodeNote]) -> Instruction {
    let mut read = instruction("Use additional", block);
    read.conditional |= says(block, &SILENT);
    read
}

fn instruction(verb: &str, block: &[CodeNote]) -> Instruction {
    let listed: Vec<Listed> = block.iter().flat_map(|note| ranges::partners(&note.text)).collect();
    Instruction {
        rule: block.first().map(|note| note.code.clone()).unwrap_or_default(),
        pregnancy: listed.iter().all(|listed| is_pregnancy(listed.span.low)),
        listed,
        words: quote(verb, block),
        open: says(block, &EXAMPLES),
        conditional: says(block, &CONDITIONAL),
    }
}

/// `Code first underlying disease, such as: amyloidosis (E85.-); gout (M1A.-, M10.-); ...`
fn quote(verb: &str, block: &[CodeNote]) -> String {
    let mut words = verb.to_owned();
    for (number, note) in block.iter().enumerate() {
        let headed = block.first().is_some_and(|head| head.text.ends_with(':'));
        if number > QUOTED {
            words.push_str("; ...");
            break;
        }
        words.push_str(match number {
            0 if note.text.starts_with(',') => "",
            0 => " ",
            1 if headed => " ",
            _ => "; ",
        });
        words.push_str(note.text.trim_end_matches('.'));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(rows: &str) -> CodeNotes {
        let table = format!("code\tkind\tnote\n{rows}");
        CodeNotes::parse(("notes", &table), ("hcc", "code\tv24\tv28\n")).expect("notes")
    }

    fn key(code: &str) -> Key {
        Key::parse(code).expect("a code")
    }

    #[test]
    fn lists_belong_to_their_heading() {
        let rules = Rules::new(&notes(
            "G63\tcode_first\tunderlying disease, such as:\nG63\tcode_first\tamyloidosis (E85.-)\nG63\tcode_first\tneoplasm (C00-D49)\n",
        ));
        let first: Vec<_> = rules.first.for_code(key("G63")).collect();
        assert_eq!(first.len(), 1);
        assert!(first[0].open && first[0].asks_for(key("C50.911")) && first[0].asks_for(key("E85.4")));
        assert_eq!(first[0].words, "Code first underlying disease, such as: amyloidosis (E85.-); neoplasm (C00-D49)");
    }

    #[test]
    fn statements_are_told_apart() {
        let rules = Rules::new(&notes(
            "I13.0\tuse_additional_code\tcode to identify stage of chronic kidney disease (N18.1-N18.4, N18.9)\n\
             I13.0\tuse_additional_code\tcode to identify type of heart failure (I50.-)\n",
        ));
        assert_eq!(rules.additional.for_code(key("I13.0")).count(), 2);
    }

    #[test]
    fn what_is_strict_and_what_is_not() {
        for (note, open, conditional) in [
            ("neoplasm (C00-D49)", false, false),
            (", if applicable, associated influenza (J10.0-)", false, true),
            ("any human immunodeficiency virus [HIV] disease (B20)", false, true),
            ("underlying infection, such as: (A41.9)", true, false),
            ("breast necrosis due to breast graft (T85.898)", false, true),
        ] {
            let rules = Rules::new(&notes(&format!("N64.1\tcode_first\t{note}\n")));
            let first = rules.first.for_code(key("N64.1")).next().expect("a rule");
            assert_eq!((first.open, first.conditional), (open, conditional), "{note}");
        }
    }

    #[test]
    fn notes_at_blocks_and_chapters() {
        let rules =
            Rules::new(&notes("A00-A09\texcludes1\tx (K50.-)\nA00-B99\texcludes1\ty (P35-P39)\nnowhere\texcludes1\tz (E11)\n"));
        assert_eq!(rules.exclusions.for_code(key("A04.71")).count(), 2);
        assert_eq!(rules.exclusions.for_code(key("B20")).count(), 1);
        assert_eq!(rules.exclusions.all().len(), 2);
    }
}
