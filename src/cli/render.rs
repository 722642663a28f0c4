//! An extraction for a person at a terminal: the note with its evidence marked, then a table.

use std::io::{self, Write};

use crate::domain::{CodedEntry, EntryKind, Extraction};

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";

const fn colour(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => "\x1b[1;33m",
        EntryKind::Medication => "\x1b[1;36m",
        EntryKind::Allergy | EntryKind::NoKnownAllergies => "\x1b[1;31m",
    }
}

/// Prints one note; `extraction` has byte offsets. Without colour the evidence stands in brackets.
pub(super) fn note(out: &mut impl Write, text: &str, extraction: &Extraction, coloured: bool) -> io::Result<()> {
    let paint = |code: &'static str| if coloured { code } else { "" };
    writeln!(out, "{}{}{}", paint(BOLD), printable(&extraction.note_id), paint(RESET))?;
    let mut marks: Vec<(usize, usize, EntryKind)> = extraction
        .entries
        .iter()
        .flat_map(|entry| entry.evidence.iter().map(|evidence| (evidence.start, evidence.end, entry.kind)))
        .collect();
    marks.sort_unstable();
    let mut at = 0;
    for (start, end, kind) in marks {
        if start < at {
            continue;
        }
        let before = text.get(at..start).unwrap_or_default();
        let marked = printable(text.get(start..end).unwrap_or_default());
        if coloured {
            write!(out, "{}{}{marked}{RESET}", printable(before), colour(kind))?;
        } else {
            write!(out, "{}[{marked}]", printable(before))?;
        }
        at = end;
    }
    writeln!(out, "{}\n", printable(text.get(at..).unwrap_or_default()).trim_end())?;
    table(out, extraction, coloured)?;
    for alert in &extraction.alerts {
        writeln!(out, "{}ALERT {}: {}{}", paint("\x1b[1;31m"), alert.kind, printable(&alert.message), paint(RESET))?;
    }
    writeln!(out)
}

/// Control characters of a note, or of what came with it, must not reach the terminal; nor may the marks of direction, by which a line shows
/// its words in another order than it has them.
pub(super) fn printable(text: &str) -> String {
    let acts = |letter: char| letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|letter| !acts(*letter) || matches!(letter, '\n' | '\t')).collect()
}

/// The same in a row of a list, which is one line.
pub(super) fn in_a_row(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// The entries as a table.
pub(super) fn table(out: &mut impl Write, extraction: &Extraction, coloured: bool) -> io::Result<()> {
    let rows: Vec<[String; 6]> = extraction.entries.iter().map(row).collect();
    let header = ["KIND", "WORDS", "SAYS", "CODE", "NAME", "SURE"];
    let limits = [10, 34, 14, 14, 56, 5];
    let widths: Vec<usize> = (0..6)
        .map(|column| {
            let widest = rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0);
            widest.min(limits[column])
        })
        .collect();
    let line = |cells: &[String; 6]| -> String {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let titles = line(&header.map(str::to_owned));
    if coloured {
        writeln!(out, "{DIM}{titles}{RESET}")?
    } else {
        writeln!(out, "{titles}")?
    }
    for (row, entry) in rows.iter().zip(&extraction.entries) {
        if coloured { writeln!(out, "{}{}{RESET}", colour(entry.kind), line(row))? } else { writeln!(out, "{}", line(row))? }
    }
    Ok(())
}

fn row(entry: &CodedEntry) -> [String; 6] {
    let kind = match entry.kind {
        EntryKind::NoKnownAllergies => "no allergy",
        other => other.as_str(),
    };
    let words = entry.evidence.first().map(|evidence| {
        let words = printable(&evidence.text).split_whitespace().collect::<Vec<_>>().join(" ");
        if entry.evidence.len() > 1 { format!("{words} (x{})", entry.evidence.len()) } else { words }
    });
    let says = match (entry.assertion, entry.status, entry.scope) {
        (Some(assertion), ..) => assertion.as_str().to_owned(),
        (_, Some(status), _) => status.as_str().to_owned(),
        (_, _, Some(scope)) => format!("{scope:?}").to_lowercase(),
        _ => String::new(),
    };
    let code = entry.codes.first().map_or_else(|| "undetermined".to_owned(), |code| code.code.clone());
    let sure = entry.confidence.map_or_else(String::new, |confidence| format!("{confidence:.2}"));
    [kind.to_owned(), words.unwrap_or_default(), says, code, printable(&entry.display), sure]
}

fn pad(cell: &str, width: usize) -> String {
    let count = cell.chars().count();
    if count > width {
        let mut short: String = cell.chars().take(width.saturating_sub(1)).collect();
        short.push('…');
        short
    } else {
        format!("{cell}{}", " ".repeat(width - count))
    }
}
