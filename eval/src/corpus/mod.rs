//! Readers of annotated corpora: each format in, [`Note`]s with offsets in code points out.
//!
//! A format that types its spans by names of its own goes by way of `Marked`, which the definition's tables (`types`, `relations`,
//! `assertions`) turn into a note.

mod bioc_json;
mod bioc_xml;
mod brat;
mod common;
mod fhir;
mod gold;
mod marked;
mod pubtator;
mod reviewed;

pub(crate) use marked::{Marked, MarkedSpan};

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use crate::{
    definition::{CorpusDefinition, Format},
    error::{EvaluationError, Result},
    note::{Corpus, Kind, Layers, Note, code_points},
};

/// Reads the corpus of a definition: its notes in the corpus's order, with what the corpus says of them.
///
/// # Errors
/// A file that cannot be read or does not fit its format, with file and line; never with words of a note.
pub fn read(definition: &CorpusDefinition) -> Result<Corpus> {
    let path = &definition.path;
    let mut notes = Vec::new();
    for path in std::iter::once(path).chain(&definition.also) {
        notes.extend(read_one(path, definition)?);
    }
    let wanted = |note: &Note| definition.only.iter().all(|(field, value)| note.slices.get(field) == Some(value));
    notes.retain(wanted);
    notes.truncate(definition.limit.unwrap_or(usize::MAX));
    if notes.is_empty() {
        return Err(EvaluationError::corpus(path, None, "it holds no note (or none that `only` lets through)"));
    }
    for note in &mut notes {
        check(note).map_err(|message| EvaluationError::corpus(path, None, message))?;
        note.slices.entry("length".to_owned()).or_insert_with(|| length(&note.text).to_owned());
    }
    let mut ids: Vec<&str> = notes.iter().map(|note| note.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(EvaluationError::corpus(path, None, format!("two notes have the id {:?}", pair[0])));
    }
    let mut layers = match definition.format {
        Format::Gold => Layers::whole(),
        _ => Layers::found_in(&notes),
    };
    if !definition.kinds.is_empty() {
        layers.kinds = definition.kinds.iter().copied().collect();
    }
    for note in &mut notes {
        note.annotations.retain(|one| layers.kinds.contains(&one.kind));
    }
    Ok(Corpus { notes, layers })
}

fn read_one(path: &Path, definition: &CorpusDefinition) -> Result<Vec<Note>> {
    Ok(match definition.format {
        Format::Gold => lines(path, gold::note)?,
        Format::Common => marked(lines(path, common::marked)?, definition),
        Format::Brat => marked(brat::folder(path)?, definition),
        Format::BiocXml => marked(texts(path, &["xml"], bioc_xml::documents)?, definition),
        Format::BiocJson => marked(texts(path, &["json"], bioc_json::documents)?, definition),
        Format::Pubtator => marked(texts(path, &["txt", "pubtator"], pubtator::documents)?, definition),
        Format::Fhir => texts(path, &["json", "ndjson"], fhir::notes)?,
        Format::Reviewed => lines(path, reviewed::notes)?.into_iter().flatten().collect(),
    })
}

fn marked(documents: Vec<Marked>, definition: &CorpusDefinition) -> Vec<Note> {
    documents.into_iter().map(|document| document.note(definition)).collect()
}

/// Every span must lie in its text.
fn check(note: &Note) -> std::result::Result<(), String> {
    let length = note.text.chars().count();
    let outside = note.annotations.iter().position(|one| one.start >= one.end || one.end > length);
    outside.map_or(Ok(()), |at| {
        Err(format!(
            "annotation {} of the note {:?} does not lie in its text of {length} code points; offsets count code points",
            at + 1,
            note.id
        ))
    })
}

/// The slice of notes of like length.
fn length(text: &str) -> &'static str {
    match text.split_whitespace().count() {
        0..100 => "under 100 words",
        100..300 => "100 to 299 words",
        300..800 => "300 to 799 words",
        _ => "800 words or more",
    }
}

/// The whole text of a file; what begins like gzip is unpacked.
pub(crate) fn text_of(file: &Path) -> Result<String> {
    let wrong = |error: std::io::Error| EvaluationError::corpus(file, None, error.to_string());
    let bytes = std::fs::read(file).map_err(wrong)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).map_err(|_| EvaluationError::corpus(file, None, "it is not UTF-8; convert it"));
    }
    let mut text = String::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(wrong)?;
    Ok(text)
}

/// A file, or the files of a folder whose names end so, in order of their paths.
fn files(path: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let wrong = |error: std::io::Error| EvaluationError::corpus(path, None, error.to_string());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let file = entry.map_err(wrong)?.path();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = name.trim_end_matches(".gz");
        if endings.iter().any(|ending| plain.rsplit_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(ending))) {
            found.push(file);
        }
    }
    found.sort();
    if found.is_empty() {
        let message = format!("the folder holds no file that ends in .{}", endings.join(" or ."));
        return Err(EvaluationError::corpus(path, None, message));
    }
    Ok(found)
}

/// What a reader says of a text that does not fit: a message without words of the note.
type Refused = String;

/// Reads JSON lines, one value a line.
fn lines<T>(path: &Path, read: impl Fn(&serde_json::Value) -> std::result::Result<T, Refused>) -> Result<Vec<T>> {
    let mut out = Vec::new();
    for file in files(path, &["jsonl", "ndjson"])? {
        for (index, line) in text_of(&file)?.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |message: String| EvaluationError::corpus(&file, Some(index + 1), message);
            let value = serde_json::from_str(line)
                .map_err(|error| wrong(format!("no JSON object ({:?} at column {})", error.classify(), error.column())))?;
            out.push(read(&value).map_err(wrong)?);
        }
    }
    Ok(out)
}

/// Reads files that hold several documents.
fn texts<T>(path: &Path, endings: &[&str], read: impl Fn(&str) -> std::result::Result<Vec<T>, Refused>) -> Result<Vec<T>> {
    let mut out = Vec::new();
    for file in files(path, endings)? {
        out.extend(read(&text_of(&file)?).map_err(|message| EvaluationError::corpus(&file, None, message))?);
    }
    Ok(out)
}

/// A string field.
fn word<'a>(value: &'a serde_json::Value, field: &str) -> std::result::Result<&'a str, Refused> {
    value[field].as_str().ok_or_else(|| format!("`{field}` is missing or not a string"))
}

/// An offset.
fn offset(value: &serde_json::Value, field: &str) -> std::result::Result<usize, Refused> {
    let number = value[field].as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("`{field}` is missing or not a whole number"))
}

/// Where words that a format places by `start` stand in the text, in code points: there, or (as some exporters count) at that byte. An error
/// when they stand at neither.
fn placed(text: &str, start: usize, words: &str) -> std::result::Result<(usize, usize), Refused> {
    let length = words.chars().count();
    if crate::note::words_at(text, start, start + length) == words {
        return Ok((start, start + length));
    }
    let bytes = text.get(start..).is_some_and(|rest| rest.starts_with(words));
    if !bytes {
        return Err(format!("an annotation of {length} code points does not stand at its offset {start}"));
    }
    let start = code_points(text, start);
    Ok((start, start + length))
}

/// An ICD-10-CM code with its dot, from `E119`, `E11.9`, `ICD10CM:E11.9`; none for a code of another system.
pub(crate) fn icd10(code: &str) -> Option<String> {
    let plain = match code.rsplit_once(':') {
        Some((system, plain)) if system.to_lowercase().replace(['-', '_'], "").contains("icd10") => plain,
        Some(_) => return None,
        None => code,
    };
    let letters: String = plain.chars().filter(|letter| *letter != '.').collect::<String>().to_uppercase();
    let bytes = letters.as_bytes();
    let shaped = (3..=7).contains(&bytes.len())
        && bytes[0].is_ascii_uppercase()
        && bytes[1].is_ascii_digit()
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    if !shaped {
        return None;
    }
    Some(if letters.len() == 3 { letters } else { format!("{}.{}", &letters[..3], &letters[3..]) })
}

/// The kind that a corpus's type usually is.
fn usual_kind(label: &str) -> Option<Kind> {
    Some(match label.to_lowercase().as_str() {
        "dx"
        | "diagnosis"
        | "disease"
        | "disorder"
        | "specificdisease"
        | "diseaseclass"
        | "compositemention"
        | "modifier"
        | "problem"
        | "condition"
        | "disease_disorder"
        | "disease_or_syndrome"
        | "diagnostico" => Kind::Dx,
        "rx" | "medication" | "chemical" | "drug" | "drugname" => Kind::Rx,
        "al" | "allergy" | "allergen" => Kind::Al,
        "nka" => Kind::Nka,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_recognised_by_their_system_or_shape() {
        for (given, expected) in [
            ("E119", Some("E11.9")),
            ("e11.9", Some("E11.9")),
            ("ICD10CM:I10", Some("I10")),
            ("ICD-10-CM:S72001A", Some("S72.001A")),
            ("MESH:D003000", None),
            ("D009270", Some("D00.9270")),
            ("CUI-less", None),
            ("12", None),
        ] {
            assert_eq!(icd10(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn words_are_placed_by_code_points_or_bytes_or_refused() {
        let text = "é asthma";
        assert_eq!(placed(text, 2, "asthma"), Ok((2, 8)));
        assert_eq!(placed(text, 3, "asthma"), Ok((2, 8)));
        let message = placed(text, 4, "asthma").expect_err("is refused");
        assert!(message.contains("offset 4") && !message.contains("asthma"), "{message}");
    }

    fn corpus(name: &str, text: &str, format: Format) -> Result<Corpus> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        let table = format!("format = {}\npath = {:?}", serde_json::to_string(&format).expect("a word"), path);
        read(&toml::from_str(&table).expect("a definition"))
    }

    #[test]
    fn what_does_not_fit_is_refused_by_file_and_line_without_its_words() {
        let good = r#"{"id":"a","text":"Asthma.","annotations":[]}"#;
        let late = r#"{"id":"b","text":"Asthma.","annotations":[{"kind":"DX","start":3,"end":99}]}"#;
        for (text, said) in [
            (format!("{good}\n{{"), "line 2"),
            (format!("{good}\n{good}"), "two notes have the id"),
            (format!("{good}\n{late}"), "does not lie in its text"),
            (String::new(), "holds no note"),
        ] {
            let message = corpus("notes.jsonl", &text, Format::Gold).map(|_| ()).expect_err("is refused").to_string();
            assert!(message.contains(said) && !message.contains("Asthma"), "{message}");
        }
    }

    #[test]
    fn packed_files_are_read() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(br#"{"id":"a","text":"Asthma.","annotations":[]}"#).expect("packs");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.jsonl.gz");
        std::fs::write(&path, packed.finish().expect("packs")).expect("writes");
        let read = read(&toml::from_str(&format!("format = \"gold\"\npath = {path:?}")).expect("a definition"));
        assert_eq!(read.expect("reads").notes.len(), 1);
    }
}
