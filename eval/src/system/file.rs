//! What another system wrote: one line a note of the extraction contract.

use std::{collections::HashMap, path::Path};

use super::{Answers, engine_of};
use crate::{
    corpus::text_of,
    error::{EvaluationError, Result},
    note::Note,
    prediction::{self, Prediction},
};

pub(super) fn ask((path, system): (&Path, &str), notes: &[Note]) -> Result<Answers> {
    let texts: HashMap<&str, &str> = notes.iter().map(|note| (note.id.as_str(), note.text.as_str())).collect();
    let mut read: HashMap<String, Prediction> = HashMap::new();
    for (index, line) in text_of(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |message: &str| EvaluationError::corpus(path, Some(index + 1), message);
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| wrong("no JSON object"))?;
        let text = value["note_id"].as_str().and_then(|id| texts.get(id)).copied().unwrap_or_default();
        let (id, prediction) = prediction::read(&value, text).ok_or_else(|| wrong("`note_id` is missing or not a string"))?;
        read.insert(id, prediction);
    }
    let mut answers = Answers { name: system.to_owned(), ..Answers::default() };
    for note in notes {
        let prediction = read.remove(&note.id);
        answers.missing += usize::from(prediction.is_none());
        answers.predictions.push(prediction.unwrap_or_default());
    }
    if answers.missing == notes.len() {
        let message = "it has no line for any note of the corpus: `note_id` must be the `id` of the note";
        return Err(EvaluationError::corpus(path, None, message));
    }
    answers.engine = engine_of(&answers.predictions);
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &str) -> Result<Answers> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("predictions.ndjson");
        std::fs::write(&path, lines).expect("writes");
        let note = |id: &str| Note { id: id.to_owned(), text: "Gout.".to_owned(), ..Note::default() };
        ask((&path, "another"), &[note("a"), note("b")])
    }

    #[test]
    fn lines_are_put_beside_their_notes() {
        let answers =
            asked(r#"{"note_id":"b","entries":[{"kind":"diagnosis","evidence":[{"start":0,"end":4}]}]}"#).expect("reads");
        assert_eq!((answers.missing, answers.predictions[0].mentions.len(), answers.predictions[1].mentions.len()), (1, 0, 1));
    }

    #[test]
    fn a_file_of_other_notes_is_refused() {
        for (lines, said) in [(r#"{"note_id":"c"}"#, "must be the `id`"), (r#"{"entries":[]}"#, "line 1"), ("\n{", "line 2")] {
            let message = asked(lines).map(|_| ()).expect_err("is refused").to_string();
            assert!(message.contains(said), "{message}");
        }
    }
}
