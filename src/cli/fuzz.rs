//! Files of notes as somebody might name them on the command line.

use super::{inputs, render::printable};
use crate::{
    domain::OffsetUnit,
    fuzzing::{Damaged, Seeds, fuzz},
};

const LINES: Seeds<'_> = Seeds {
    good: &[
        b"{\"id\": \"a\", \"text\": \"caf\\u00e9 gout.\", \"spans\": [{\"start\": 5, \"end\": 9}], \"service_date\": \"2026-05-04\"}\n\n{\"text\": \"b\"}\n",
        b"{\"id\": 7, \"text\": \"x\", \"encounter_class\": \"inpatient\", \"discharge_date\": null}\r\n[1]\n{",
        b"Gout, with \xc3\xa9.\n",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\x2a\x49\xad\x28\x51\xb2\x52\x50\x4a\x52\xaa\x05\0\x9e\xf2\x3b\x5a\x0d\0\0\0",
    ],
    telling: b"{}[]\":,\\u0d\n\r \x1f\x8b\x08\0\xff\xc3",
};

#[test]
fn files_of_notes() {
    const MOST: usize = 400;
    let folder = tempfile::tempdir().expect("a folder");
    fuzz!("file of notes", Slow, (bool, u8, Damaged), |input: &(bool, u8, Damaged)| {
        let (lines, unit, damaged) = input;
        let path = folder.path().join(if *lines { "notes.ndjson" } else { "note.txt" });
        std::fs::write(&path, damaged.bytes(LINES)).expect("written");
        let unit = [OffsetUnit::Utf8, OffsetUnit::Utf16, OffsetUnit::Codepoint][usize::from(unit % 3)];
        // a gzip that is cut is told as such
        let _ = inputs::read(&path, (unit, MOST), &mut |note| {
            if let Ok(note) = note {
                assert!(note.text.len() <= MOST && !note.text.contains('\0'));
                assert!(note.spans.iter().all(|span| note.text.get(span.start..span.end).is_some()));
            }
            Ok(())
        });
    });
}

/// Nothing that a terminal acts upon is left, and nothing else is taken away.
#[test]
fn what_a_terminal_gets() {
    fuzz!("text for a terminal", Quick, String, |text: &String| {
        let shown = printable(text);
        assert!(!shown.contains(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\t')));
        assert!(!shown.contains([
            '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'
        ]));
    });
}
