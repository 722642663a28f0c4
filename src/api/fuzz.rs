//! Bodies, headers and parameters as anybody may send them.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use futures_util::StreamExt as _;

use super::{
    authenticate::if_match,
    body::parse,
    bulk::lines,
    cds_hooks::HookRequest,
    extract::ExtractRequest,
    notes::{NoteRequest, idempotency_key},
};
use crate::{
    domain::{ListEnd, NewNote},
    fuzzing::{Damaged, Seeds, fuzz},
    pipeline::{MAX_NOTE_BYTES, check_text},
};

const BODIES: Seeds<'_> = Seeds {
    good: &[
        br#"{"text": "A note: caf\u00e9 \ud83e\ude7a.", "external_id": "d-1", "version": "2", "versioned_at": "2026-05-04T10:00:00Z",
            "patient": {"id": "4711", "system": "urn:mrn", "name": "Jane Roe", "birth_date": "1950-02-28", "sex": "female"},
            "encounter": {"id": "V-1", "facility": "north", "department": "icu"}, "encounter_class": "inpatient", "note_type": "progress",
            "service_date": "2026-05-04", "discharge_date": "2026-05-09", "author": "Ada", "confidentiality": "restricted",
            "priority": "stat", "payer_class": "medicare"}"#,
        br#"{"text": "Gout.", "patient": "7", "encounter": "V-2", "relates_to": {"relation": "amends", "external_id": "d-0"}}"#,
        br#"{"id": "n", "text": "Gout.", "spans": [{"start": 0, "end": 4}], "offset_unit": "utf16", "encounter_class": "outpatient"}"#,
        br#"{"hook": "note-sign", "hookInstance": "i", "context": {"patientId": "7", "encounterId": "V", "note": "Gout.", "encounterClass": "inpatient"}}"#,
    ],
    telling: b"{}[]\":,\\u0d-+.eE19 \n\t\xff\xc3tfn",
};

/// A body is read or refused; what is read is a note that holds no NUL, or one that the next check refuses.
#[test]
fn bodies() {
    fuzz!("JSON body", Quick, Damaged, |input: &Damaged| {
        let bytes = input.bytes(BODIES);
        if let Ok(request) = parse::<NoteRequest>(&bytes) {
            let note: NewNote = request.into_note("emr");
            assert!(!note.text.contains('\0') && !note.source.contains('\0'));
            let _ = check_text(&note.text, MAX_NOTE_BYTES);
        }
        let _ = parse::<ExtractRequest>(&bytes);
        let _ = parse::<HookRequest>(&bytes);
    });
}

#[test]
fn lines_of_a_bulk() {
    const MOST: usize = 600;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    fuzz!("NDJSON lines", Slow, (Damaged, Damaged, u8), |input: &(Damaged, Damaged, u8)| {
        let bytes = [input.0.bytes(BODIES), b"\n".to_vec(), input.1.bytes(BODIES)].concat();
        let expected = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
            bytes.chunks(usize::from(input.2).max(1)).map(|piece| Ok(piece.to_vec())).collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let read: Vec<_> = runtime.block_on(lines(body, MOST).collect());
        assert_eq!(read.len(), expected, "a line is lost");
        let mut number = 0;
        for line in read {
            assert!(line.number > number && line.bytes.as_ref().map_or(0, Vec::len) <= MOST + usize::from(u8::MAX));
            number = line.number;
            let _ = line.bytes.and_then(|bytes| parse::<NoteRequest>(&bytes));
        }
    });
}

#[test]
fn headers() {
    fuzz!("headers of a request", Quick, (Vec<u8>, Vec<u8>), |input: &(Vec<u8>, Vec<u8>)| {
        let mut headers = HeaderMap::new();
        for (name, value) in [("if-match", &input.0), ("idempotency-key", &input.1)] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let _ = if_match(&headers);
        if let Ok(Some(key)) = idempotency_key(&headers) {
            assert!((1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    });
}

const ENDS: Seeds<'_> = Seeds {
    good: &[
        b"01990000-0000-7000-8000-000000000001",
        b"01990000-0000-7000-8000-000000000001.1780000000000000.2026-05-04",
        b"01990000-0000-7000-8000-000000000001.-1.-12",
    ],
    telling: b".-0129aZ\xff",
};

/// The end of a page comes back as it was given, whatever its parts are.
#[test]
fn ends_of_pages() {
    fuzz!("cursor of a list", Quick, Damaged, |input: &Damaged| {
        if let Ok(end) = input.text(ENDS).parse::<ListEnd>() {
            let again: ListEnd = end.to_string().parse().expect("what we write");
            assert_eq!(again.to_string(), end.to_string());
        }
    });
}
