//! Notes from files, folders and standard input, one after another; a bad one is reported in its place.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    domain::{EncounterClass, OffsetUnit, Span},
    pipeline::{NoteInput, check_text},
    text::OffsetMap,
};

/// A note, or why it cannot be read.
pub(super) type Input = Result<NoteInput, BadNote>;

/// A note that cannot be read. The message never quotes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadNote {
    pub note_id: String,
    pub code: &'static str,
    pub message: String,
}

/// A note with what its line says of it, or why it cannot be read.
pub(super) type EnvelopedInput = Result<(NoteInput, Envelope), BadNote>;

/// What a line says of its note beside what extraction needs; not looked at here.
#[derive(Default, Deserialize)]
pub(super) struct Envelope {
    pub patient: Option<serde_json::Value>,
    pub encounter: Option<serde_json::Value>,
    pub note_type: Option<serde_json::Value>,
    pub author: Option<serde_json::Value>,
    pub facility: Option<serde_json::Value>,
    pub department: Option<serde_json::Value>,
}

/// One line of an NDJSON file: fields it knows, others are ignored.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    envelope: Envelope,
    text: Option<serde_json::Value>,
    #[serde(default)]
    spans: Vec<Span>,
    service_date: Option<serde_json::Value>,
    discharge_date: Option<serde_json::Value>,
    encounter_class: Option<serde_json::Value>,
}

/// The files named on the command line: folders become the note files under them, in order of their paths.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            walk(path, &mut below).with_context(|| format!("cannot list the folder {}", path.display()))?;
            below.sort();
            anyhow::ensure!(
                !below.is_empty(),
                "the folder {} has no .txt, .jsonl or .ndjson file (or such a .gz)",
                path.display()
            );
            out.extend(below);
        } else {
            anyhow::ensure!(path.as_os_str() == "-" || path.exists(), "there is no file {}", path.display());
            out.push(path.clone());
        }
    }
    Ok(out)
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, out)?;
        } else if is_lines(&path) || plain_name(&path).ends_with(".txt") {
            out.push(path);
        }
    }
    Ok(())
}

fn plain_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().trim_end_matches(".gz").to_lowercase()).unwrap_or_default()
}

fn is_lines(path: &Path) -> bool {
    let name = plain_name(path);
    path.as_os_str() == "-" || name.ends_with(".jsonl") || name.ends_with(".ndjson")
}

/// How notes are read: the unit of their spans, and the bytes of the longest one that is taken.
pub(super) type Reading = (OffsetUnit, usize);

/// Calls `each` with every note of a file.
pub(super) fn read(path: &Path, reading: Reading, each: &mut dyn FnMut(Input) -> anyhow::Result<()>) -> anyhow::Result<()> {
    read_enveloped(path, reading, &mut |note| each(note.map(|(input, _)| input)))
}

/// Calls `each` with every note of a file, and what its line says of it.
pub(super) fn read_enveloped(
    path: &Path,
    reading: Reading,
    each: &mut dyn FnMut(EnvelopedInput) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(
            1 << 16,
            File::open(path).with_context(|| format!("cannot open {}", path.display()))?,
        ))
    };
    if reader.fill_buf().with_context(|| format!("cannot read {}", path.display()))?.starts_with(&[0x1f, 0x8b]) {
        reader = Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader)));
    }
    if is_lines(path) {
        let stem = if path.as_os_str() == "-" { "stdin".to_owned() } else { plain_name(path) };
        read_lines(reader, &stem, reading, each)
    } else {
        let name = plain_name(path);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let stem = path
            .file_name()
            .map(|file| file.to_string_lossy().chars().take(stem.chars().count()).collect())
            .unwrap_or_else(|| stem.to_owned());
        let (mut bytes, most) = (Vec::new(), reading.1);
        // one byte more than allowed is enough to know that it is too long
        reader.take(most as u64 + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        if bytes.len() > most {
            let message = format!("the file is longer than the {most} bytes that a note may have");
            return each(Err(BadNote { note_id: stem, code: "note_too_large", message }));
        }
        each(match String::from_utf8(bytes) {
            Ok(text) => checked(NoteInput { note_id: stem, text, ..NoteInput::default() }, Envelope::default(), most),
            Err(error) => Err(not_utf8(stem, error.utf8_error().valid_up_to())),
        })
    }
}

fn read_lines(
    mut reader: Box<dyn BufRead>,
    stem: &str,
    reading: Reading,
    each: &mut dyn FnMut(EnvelopedInput) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let longest = longest_line(reading.1);
        if (&mut reader).take(longest).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() as u64 == longest && !bytes.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            let message = format!("the line is longer than that of the longest note accepted can be ({longest} bytes)");
            each(Err(BadNote { note_id: format!("{stem}:{number}"), code: "note_too_large", message }))?;
            continue;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let fallback = format!("{stem}:{number}");
        each(match std::str::from_utf8(&bytes) {
            Err(error) => Err(not_utf8(fallback, error.valid_up_to())),
            Ok(line) => parse(line, fallback, reading),
        })?;
    }
    Ok(())
}

/// Bytes of a line: each byte of a note may be escaped as six, and so many again are for spans and the other fields. A file may unpack to a line
/// without end.
fn longest_line(most: usize) -> u64 {
    12 * most as u64 + (1 << 16)
}

fn not_utf8(note_id: String, at: usize) -> BadNote {
    BadNote { note_id, code: "invalid_utf8", message: format!("not valid UTF-8 at byte {at}; convert the file to UTF-8") }
}

fn parse(line: &str, fallback: String, (unit, most): Reading) -> EnvelopedInput {
    let bad = |note_id: &str, message: String| BadNote { note_id: note_id.to_owned(), code: "invalid_json", message };
    let value: serde_json::Value = serde_json::from_str(line)
        .map_err(|error| bad(&fallback, format!("not a JSON object: {:?} at column {}", error.classify(), error.column())))?;
    let id = match value.get("id") {
        Some(serde_json::Value::String(id)) => id.clone(),
        Some(serde_json::Value::Number(id)) => id.to_string(),
        _ => fallback,
    };
    let fields: Line = serde_json::from_value(value).map_err(|_| {
        bad(&id, "must be an object with \"text\" (a string) and, if given, \"spans\" as [{\"start\", \"end\"}]".to_owned())
    })?;
    let Some(serde_json::Value::String(text)) = fields.text else {
        return Err(bad(&id, "\"text\" is missing or not a string".to_owned()));
    };
    let map = OffsetMap::new(&text, unit);
    let Some(spans) = fields.spans.iter().map(|span| map.to_bytes(*span)).collect::<Option<Vec<Span>>>() else {
        return Err(bad(&id, "a span of \"spans\" is empty, lies outside the text or cuts a character".to_owned()));
    };
    let day = |value: Option<&serde_json::Value>, name: &'static str| {
        word(value, name, "a date such as 2026-05-31", &id, |text| text.parse::<Date>().ok())
    };
    let service_date = day(fields.service_date.as_ref(), "service_date")?;
    let discharge_date = day(fields.discharge_date.as_ref(), "discharge_date")?;
    let expected = "inpatient, outpatient or emergency";
    let encounter_class =
        word(fields.encounter_class.as_ref(), "encounter_class", expected, &id, |text| text.parse::<EncounterClass>().ok())?;
    let input = NoteInput { note_id: id, text, spans, service_date, discharge_date, encounter_class };
    checked(input, fields.envelope, most)
}

fn word<T>(
    value: Option<&serde_json::Value>,
    field: &str,
    expected: &str,
    id: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, BadNote> {
    match value {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(value) => value.as_str().and_then(read).map(Some).ok_or_else(|| BadNote {
            note_id: id.to_owned(),
            code: "invalid_json",
            message: format!("{field:?} must be {expected}"),
        }),
    }
}

fn checked(input: NoteInput, envelope: Envelope, most: usize) -> EnvelopedInput {
    match check_text(&input.text, most) {
        Ok(()) => Ok((input, envelope)),
        Err(error) => Err(BadNote { note_id: input.note_id, code: error.code(), message: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> &'static str {
        parse(line, "f:1".to_owned(), (OffsetUnit::Codepoint, 100)).err().map_or("ok", |bad| bad.code)
    }

    #[test]
    fn lines_are_read_or_refused() {
        for (line, expected) in [
            (r#"{"id":"a","text":"Asthma.","unknown":1}"#, "ok"),
            (r#"{"id":7,"text":"Asthma."}"#, "ok"),
            (r#"{"id":"a","text":""}"#, "empty_note"),
            (&format!(r#"{{"text":"{}"}}"#, "a".repeat(101)), "note_too_large"),
            (r#"{"id":"a","text":"a\u0000b"}"#, "nul_character"),
            (r#"{"id":"a"}"#, "invalid_json"),
            (r#"{"id":"a","text":5}"#, "invalid_json"),
            (r#"{"text":"a","spans":[{"start":0,"end":9}]}"#, "invalid_json"),
            (r#"{"text":"a","encounter_class":"spa"}"#, "invalid_json"),
            ("[1]", "invalid_json"),
            ("{", "invalid_json"),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
    }

    #[test]
    fn a_line_without_end_is_reported_in_its_place_and_never_held() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.ndjson.gz");
        let mut gzip =
            flate2::write::GzEncoder::new(std::fs::File::create(&path).expect("a file"), flate2::Compression::fast());
        gzip.write_all(b"{\"text\": \"").expect("written");
        (0..100).for_each(|_| gzip.write_all(&vec![b'a'; 1 << 20]).expect("written"));
        gzip.write_all(b"\"}\n{\"text\": \"Gout.\"}\n").expect("written");
        gzip.finish().expect("closed");
        let mut seen = Vec::new();
        let read = read(&path, (OffsetUnit::Codepoint, 100), &mut |note| {
            seen.push(note.map(|note| note.text).map_err(|bad| (bad.note_id, bad.code)));
            Ok(())
        });
        read.expect("the rest is read");
        assert_eq!(seen, [Err(("notes.ndjson:1".to_owned(), "note_too_large")), Ok("Gout.".to_owned())]);
    }

    #[test]
    fn the_line_number_names_a_note_without_id() {
        let note = parse(r#"{"text":"Asthma."}"#, "notes.jsonl:3".to_owned(), (OffsetUnit::Codepoint, 7));
        let Ok((input, _)) = note else { panic!("reads") };
        assert_eq!(input.note_id, "notes.jsonl:3");
    }
}
