//! Reviewed items out of a running service, as a corpus: what coders decided becomes what a system is held against.

use std::{io::Write, path::Path};

use serde_json::{Map, Value, json};

use crate::{
    error::{EvaluationError, Result},
    system::Caller,
};

/// Writes every finished item with the texts of its notes, one a line. Gives how many. The file holds notes: keep it as such.
///
/// # Errors
/// A service that cannot be reached or refuses, a file that cannot be written.
pub(crate) fn export(caller: &Caller, file: &Path) -> Result<usize> {
    let wrong = |error: std::io::Error| EvaluationError::output(file, error.to_string());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = std::io::BufWriter::new(options.open(file).map_err(wrong)?);
    let (mut written, mut after) = (0, String::new());
    loop {
        let page = caller.get(&format!("/v1/review/items?state=finished&limit=200{after}"))?;
        for item in page["items"].as_array().into_iter().flatten() {
            let id = item["id"].as_str().unwrap_or_default();
            writeln!(out, "{}", line(caller, id)?).map_err(wrong)?;
            written += 1;
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    out.flush().map_err(wrong)?;
    Ok(written)
}

fn line(caller: &Caller, id: &str) -> Result<Value> {
    let detail = caller.get(&format!("/v1/review/items/{id}?offset_unit=codepoint"))?;
    let mut texts = Map::new();
    for note in detail["notes"].as_array().into_iter().flatten() {
        if let Some(note) = note["id"].as_str() {
            texts.insert(note.to_owned(), Value::String(caller.read(&format!("/v1/notes/{note}/text"))?));
        }
    }
    // patient, encounter and remarks are no part of an evaluation
    let kept = ["offset_unit", "notes", "entries"].map(|field| (field.to_owned(), detail[field].clone()));
    Ok(json!({"item": Map::from_iter(kept), "texts": texts}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{corpus, system::serve};

    /// A service with one finished item of one note on the first of two pages.
    fn answer(head: &str) -> (u16, String) {
        let path = head.split_whitespace().nth(1).unwrap_or_default();
        let body = match path {
            "/v1/review/items?state=finished&limit=200" => json!({"items": [{"id": "i-1"}], "next": "i-1"}).to_string(),
            "/v1/review/items?state=finished&limit=200&after=i-1" => json!({"items": []}).to_string(),
            "/v1/review/items/i-1?offset_unit=codepoint" => {
                let evidence = json!([{"note_id": "n-1", "start": 0, "end": 4}]);
                let entry = json!({"kind": "diagnosis", "state": "accepted", "assertion": "present", "codes": [], "evidence": evidence});
                let item = json!({"patient": {"name": "sentinel"}});
                json!({"item": item, "offset_unit": "codepoint", "notes": [{"id": "n-1"}], "entries": [entry], "remarks": ["sentinel"]}).to_string()
            }
            "/v1/notes/n-1/text" => "Gout.".to_owned(),
            _ => return (404, r#"{"code":"not_found"}"#.to_owned()),
        };
        (200, body)
    }

    #[test]
    fn finished_items_become_a_corpus_without_patient_or_remarks() {
        let url = serve(4, |head, _| answer(head));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("items.jsonl");
        let caller = Caller::new(&url, None).expect("a caller");
        assert_eq!(export(&caller, &file).expect("exports"), 1);
        assert!(!std::fs::read_to_string(&file).expect("reads").contains("sentinel"));
        let definition = toml::from_str(&format!("format = \"reviewed\"\npath = {file:?}")).expect("a definition");
        let corpus = corpus::read(&definition).expect("reads");
        assert_eq!((corpus.notes[0].text.as_str(), corpus.notes[0].annotations.len()), ("Gout.", 1));
        // a file that is there is not written over
        assert!(export(&caller, &file).is_err());
    }
}
