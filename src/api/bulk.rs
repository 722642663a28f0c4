//! Many notes in one request, as NDJSON: one object a line in, one result a line out, in the same order and while the request still runs.
//!
//! A line that is refused is reported in its place and stops nothing. A line is read whole or not at all: when the connection breaks, what
//! came of the last line is dropped, and the notes before it are stored.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use super::{
    ApiError, Caller, ProblemBody,
    body::parse,
    body_limit,
    extract::{EXTRACTED, ExtractRequest, extract_one},
    notes::{NoteRequest, post_one},
};
use crate::{
    auth::Permission,
    engine::Priority,
    service::{Service, actor},
    store::Actor,
};

/// A sender that is silent so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Lines worked on at once.
const AT_ONCE: usize = 16;

/// Stores many notes: NDJSON of the objects of `POST /v1/notes`, one a line, each with a text no longer than a note may be. Answers a line each, in order:
/// `{"line", "id", "status"}`, or `{"line", "error": {"status", "code", "detail"}}`.
#[utoipa::path(post, path = "/v1/notes/bulk", tag = "notes",
    request_body(content = String, content_type = "application/x-ndjson"), responses(
    (status = 200, body = String, content_type = "application/x-ndjson"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn post_notes(State(service): State<Arc<Service>>, caller: Caller, body: Body) -> Result<Response, ApiError> {
    caller.may(Permission::PostNote)?;
    let answers = lines(body, body_limit(service.max_note_bytes)).map(move |line| {
        let (service, caller) = (Arc::clone(&service), caller.clone());
        async move {
            let stored = async { post_one(&service, &caller, parse::<NoteRequest>(&line.bytes?)?, None).await }.await;
            match stored {
                Ok(accepted) => json!({"line": line.number, "id": accepted.id, "status": accepted.status}),
                Err(error) => json!({"line": line.number, "error": error.of_line()}),
            }
        }
    });
    Ok(ndjson(answers.buffered(AT_ONCE)))
}

/// Extracts many texts and stores nothing: NDJSON of the objects of `POST /v1/extract`, one a line. Answers a line each, in order: the extraction,
/// or `{"note_id", "error": {"code", "message"}}`; `note_id` is `line-N` where the object gives no `id`.
#[utoipa::path(post, path = "/v1/extract/bulk", tag = "extract",
    request_body(content = String, content_type = "application/x-ndjson"), responses(
    (status = 200, body = String, content_type = "application/x-ndjson"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn extract_many(State(service): State<Arc<Service>>, caller: Caller, body: Body) -> Result<Response, ApiError> {
    let client = caller.may(Permission::Extract)?.id;
    let texts = Arc::new(Texts { service: Arc::clone(&service), actor: actor(&caller.user), count: AtomicU64::new(0) });
    let answers = lines(body, body_limit(service.max_note_bytes)).map(move |line| {
        let (service, texts) = (Arc::clone(&service), Arc::clone(&texts));
        async move {
            texts.count.fetch_add(1, Ordering::Relaxed);
            let mut note_id = format!("line-{}", line.number);
            let extracted = async {
                let mut request = parse::<ExtractRequest>(&line.bytes?)?;
                note_id = request.id.take().unwrap_or(note_id.clone());
                request.id = Some(note_id.clone());
                extract_one(&service, request, Priority::Background, client).await
            }
            .await;
            match extracted.map(|extraction| serde_json::to_value(extraction).unwrap_or_default()) {
                Ok(extraction) => extraction,
                Err(error) => {
                    let said = error.of_line();
                    json!({"note_id": note_id, "error": {"code": said["code"], "message": said["detail"]}})
                }
            }
        }
    });
    Ok(ndjson(answers.buffered(AT_ONCE)))
}

/// The texts of one request, recorded in one event when the request ended, however it ended.
struct Texts {
    service: Arc<Service>,
    actor: Actor,
    count: AtomicU64,
}

impl Drop for Texts {
    fn drop(&mut self) {
        let count = self.count.load(Ordering::Relaxed);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (service, actor) = (Arc::clone(&self.service), self.actor.clone());
        runtime.spawn(async move {
            let (detail, now) = (format!("{count} texts"), service.surroundings.now());
            if let Err(error) = service.store.record_audit(actor, EXTRACTED, None, &detail, now).await {
                tracing::error!(%error, "that texts were extracted could not be recorded");
            }
        });
    }
}

fn ndjson(answers: impl Stream<Item = Value> + Send + 'static) -> Response {
    let lines = answers.map(|answer| Ok::<_, Infallible>(format!("{answer}\n")));
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// A line of a body, from 1; blank lines are none.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) bytes: Result<Vec<u8>, ApiError>,
}

/// Where reading stands.
struct Reading {
    body: axum::body::BodyDataStream,
    read: Vec<u8>,
    number: usize,
    is_ended: bool,
    /// The line that is read is longer than allowed: the rest of it is thrown away.
    is_too_long: bool,
}

/// The lines of a body as they arrive; none is held that is longer than a request of one note may be.
pub(super) fn lines(body: Body, most: usize) -> impl Stream<Item = Line> + Send + 'static {
    let reading = Reading { body: body.into_data_stream(), read: Vec::new(), number: 0, is_ended: false, is_too_long: false };
    stream::unfold(reading, move |mut reading| async move {
        loop {
            if let Some(end) = reading.read.iter().position(|byte| *byte == b'\n') {
                let rest = reading.read.split_off(end + 1);
                let line = std::mem::replace(&mut reading.read, rest);
                if let Some(line) = reading.line(line) {
                    return Some((line, reading));
                }
                continue;
            }
            if reading.read.len() > most {
                reading.read.clear();
                reading.is_too_long = true;
            }
            if reading.is_ended {
                let line = std::mem::take(&mut reading.read);
                let line = reading.line(line)?;
                return Some((line, reading));
            }
            match tokio::time::timeout(SILENCE, reading.body.next()).await {
                Ok(Some(Ok(bytes))) => reading.read.extend_from_slice(&bytes),
                Ok(Some(Err(_))) => return None,
                Ok(None) => reading.is_ended = true,
                Err(_) => {
                    // what came of the last line is dropped, and the answer says that it is not the end of what was meant
                    reading.read.clear();
                    reading.is_ended = true;
                    let detail = "nothing came for a minute, so the request was ended here; send the rest again";
                    let error = ApiError::new(StatusCode::REQUEST_TIMEOUT, "silent", detail);
                    return Some((Line { number: reading.number + 1, bytes: Err(error) }, reading));
                }
            }
        }
    })
}

impl Reading {
    /// The line of these bytes; none when it is blank.
    fn line(&mut self, bytes: Vec<u8>) -> Option<Line> {
        // a line that was thrown away to its end, which was the body's, is one too
        if !self.is_ended || !bytes.is_empty() || self.is_too_long {
            self.number += 1;
        }
        let number = self.number;
        if std::mem::take(&mut self.is_too_long) {
            let detail = "the line is larger than that of the longest note accepted can be; send the text in parts";
            let error = ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "note_too_large", detail);
            return Some(Line { number, bytes: Err(error) });
        }
        (!bytes.trim_ascii().is_empty()).then_some(Line { number, bytes: Ok(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1_000;

    async fn read(chunks: Vec<&'static str>) -> Vec<(usize, Result<String, ()>)> {
        let body = Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, Infallible>)));
        lines(body, MOST)
            .map(|line| (line.number, line.bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).map_err(drop)))
            .collect()
            .await
    }

    #[tokio::test]
    async fn lines_are_whole_however_they_arrive() {
        let expected = vec![(1, Ok("{\"a\":1}".to_owned())), (3, Ok("{\"b\":2}".to_owned())), (4, Ok("c".to_owned()))];
        assert_eq!(read(vec!["{\"a\":1}\n\n{\"b\":2}\r\nc"]).await, expected);
        assert_eq!(read(vec!["{\"a\"", ":1}\n", "\n{\"b\":", "2}\r", "\nc\n"]).await, expected);
        assert_eq!(read(vec![]).await, []);
        assert_eq!(read(vec!["\n\n"]).await, []);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_thrown_away() {
        let chunk: &'static str = Box::leak("y".repeat(MOST / 4).into_boxed_str());
        let mut chunks = vec!["a\n"];
        chunks.extend(std::iter::repeat_n(chunk, 8));
        chunks.push("\nb\n");
        assert_eq!(read(chunks).await, vec![(1, Ok("a".to_owned())), (2, Err(())), (3, Ok("b".to_owned()))]);
    }

    #[tokio::test]
    async fn a_broken_connection_drops_the_last_line() {
        let parts: Vec<Result<&str, std::io::Error>> =
            vec![Ok("a\n"), Ok("{\"half\""), Err(std::io::Error::other("the connection broke"))];
        let found: Vec<Line> = lines(Body::from_stream(stream::iter(parts)), MOST).collect().await;
        assert_eq!(found.iter().map(|line| line.number).collect::<Vec<_>>(), [1]);
    }
}
