//! A running service, by `POST /v1/extract`, which stores nothing.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{Answers, Caller, engine_of, failed, on_threads};
use crate::{
    error::{EvaluationError, Result},
    note::Note,
    prediction::{self, Prediction},
};

pub(super) fn ask(caller: &Caller, (notes, concurrency): (&[Note], usize), done: &(dyn Fn() + Sync)) -> Result<Answers> {
    // the first answer that concerns the service and not the note ends the measurement
    let fatal: Mutex<Option<EvaluationError>> = Mutex::new(None);
    let locked = || fatal.lock().unwrap_or_else(PoisonError::into_inner);
    let (predictions, speed) = on_threads(notes, concurrency, done, |note| {
        if locked().is_some() {
            return failed("not_asked");
        }
        one(caller, note).unwrap_or_else(|error| {
            locked().get_or_insert(error);
            failed("not_asked")
        })
    });
    if let Some(error) = fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let engine = engine_of(&predictions);
    Ok(Answers { predictions, name: "abstractor (service)".to_owned(), engine, missing: 0, speed: Some(speed) })
}

fn one(caller: &Caller, note: &Note) -> Result<Prediction> {
    const PATH: &str = "/v1/extract";
    let body = json!({"id": note.id, "text": note.text, "offset_unit": "codepoint"});
    match caller.post(PATH, &body)? {
        Ok(answer) => {
            let read = prediction::read(&answer, &note.text);
            read.map(|(_, prediction)| prediction).ok_or_else(|| caller.wrong(PATH, "the answer is no extraction"))
        }
        Err(problem) if matches!(problem.status, 400 | 413 | 422) => Ok(failed(&problem.code)),
        Err(problem) => Err(caller.wrong(PATH, &problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::serve;

    fn notes() -> [Note; 2] {
        ["a", "b"].map(|id| Note { id: id.to_owned(), text: "Gout.".to_owned(), ..Note::default() })
    }

    #[test]
    fn each_note_is_posted_with_the_token_and_a_full_queue_is_waited_for() {
        let token = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(token.path(), "secret\n").expect("writes");
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let url = serve(3, move |head, body| {
            assert!(head.starts_with("POST /v1/extract") && head.to_lowercase().contains("bearer secret"), "{head}");
            if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
                return (503, r#"{"code":"busy"}"#.to_owned());
            }
            let id = serde_json::from_str::<serde_json::Value>(body).expect("JSON")["id"].clone();
            let entries = json!([{"kind": "diagnosis", "evidence": [{"start": 0, "end": 4, "text": "Gout"}]}]);
            (200, json!({"note_id": id, "engine": {"version": "9"}, "entries": entries}).to_string())
        });
        let caller = Caller::new(&url, Some(token.path())).expect("a caller");
        let answers = ask(&caller, (&notes(), 1), &|| {}).expect("answers");
        assert_eq!(answers.predictions.iter().map(|one| one.mentions.len()).sum::<usize>(), 2);
        assert_eq!(answers.engine["version"], "9");
    }

    #[test]
    fn a_refused_note_is_missed_and_a_refused_caller_ends_it() {
        let url = serve(2, |_, _| (422, r#"{"code":"empty_note"}"#.to_owned()));
        let caller = Caller::new(&url, None).expect("a caller");
        let answers = ask(&caller, (&notes(), 1), &|| {}).expect("answers");
        assert_eq!(answers.predictions[0].failed.as_deref(), Some("empty_note"));
        let url = serve(1, |_, _| (401, r#"{"code":"unauthorized"}"#.to_owned()));
        let caller = Caller::new(&url, None).expect("a caller");
        let message = ask(&caller, (&notes(), 1), &|| {}).map(|_| ()).expect_err("is refused").to_string();
        assert!(message.contains("token_file") && !message.contains("Gout"), "{message}");
    }
}
