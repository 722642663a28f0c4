//! JSON bodies: unknown fields are refused by name, wrong types by place; values are never quoted.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::ApiError;

/// A JSON body, checked.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| refused(&rejection))?;
        parse(&bytes).map(Self)
    }
}

/// A JSON body, checked, with the SHA-256 of its bytes: two requests are the same when those are.
#[derive(Debug)]
pub struct DigestedBody<T>(pub T, pub [u8; 32]);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for DigestedBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| refused(&rejection))?;
        Ok(Self(parse(&bytes)?, Sha256::digest(&bytes).into()))
    }
}

pub(super) fn refused(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "note_too_large",
            "the body is larger than that of the longest note accepted can be; send the text in parts",
        )
    } else {
        ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", "the body could not be read to its end")
    }
}

/// Reads JSON.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bad = |code, detail: String| ApiError::new(StatusCode::BAD_REQUEST, code, detail);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| bad("invalid_utf8", format!("the body is not valid UTF-8 at byte {}", error.valid_up_to())))?;
    if let Some(at) = nul(text) {
        let detail =
            format!("a text in the body has a NUL character, at byte {at} of the body; remove NUL characters before sending");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "nul_character", detail));
    }
    let not_an_object = || {
        let detail = "the body must be a JSON object";
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail)
    };
    // serde would take a list of the fields' values for the object
    if text.trim_start().starts_with('[') {
        return Err(not_an_object());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner();
        // a word where a number stands is a syntax error to serde_json, though the body is JSON
        if inner.is_data() || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            let message = inner.to_string();
            // serde says "unknown field `x`, expected ..." and "missing field `x`"; any other message may quote a value
            let named = ["unknown field", "missing field", "duplicate field"].iter().any(|start| message.starts_with(start));
            let code = if message.starts_with("unknown field") { "unknown_field" } else { "invalid_field" };
            let detail = if message.starts_with("unknown field") && !is_plain_name(&message) {
                let expected = message.rsplit_once("`, expected ").map_or("", |(_, expected)| expected);
                let expected = expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected);
                format!("unknown field of a name that is not repeated here, expected {expected}")
            } else if named {
                message.rsplit_once(" at line ").map_or(message.as_str(), |(sentence, _)| sentence).to_owned()
            } else if let Some((_, words)) =
                message.rsplit_once("`, expected ").filter(|_| message.starts_with("unknown variant"))
            {
                let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
                format!("the field {path} must be {words}")
            } else if path == "." {
                return not_an_object();
            } else {
                format!("the field {path} has a value of the wrong type or form")
            };
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
        } else {
            bad("invalid_json", format!("the body is not JSON: wrong at line {}, column {}", inner.line(), inner.column()))
        }
    })?;
    reader.end().map_err(|_| bad("invalid_json", "there is something after the JSON value".to_owned()))?;
    Ok(value)
}

/// Whether the first name that a message quotes looks like the name of a field. Others may be anything, also of a patient.
fn is_plain_name(message: &str) -> bool {
    let name = message.split('`').nth(1).unwrap_or_default();
    name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where a string of this JSON holds a NUL character, which no field can keep: the escape `\u0000` behind no backslash of its own. As it is, JSON
/// does not allow the character.
fn nul(json: &str) -> Option<usize> {
    json.match_indices("\\u0000").map(|(at, _)| at).find(|at| {
        let before = json[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        before % 2 == 0
    })
}

/// Refuses an address with a NUL character in its path or its parameters, for all that is served: no name or identifier has one.
pub async fn refuse_nul(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|address| address.as_str().contains("%00")) {
        let detail = "the address has a NUL character; remove NUL characters before sending";
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail).into_response();
    }
    next.run(request).await
}

/// Refuses a body that is packed, for all that is served: nothing here unpacks one, so nothing can be made to grow.
pub async fn refuse_encoded(request: Request, next: Next) -> Response {
    let is_plain = |value: &axum::http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if request.headers().get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return next.run(request).await;
    }
    let detail = "the body has a Content-Encoding; send it as it is";
    let mut refusal = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail).into_response();
    refusal.headers_mut().insert(header::ACCEPT_ENCODING, axum::http::HeaderValue::from_static("identity"));
    refusal
}

/// Query parameters, checked.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state).await.map(|Query(value)| Self(value)).map_err(|_| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", "a query parameter is unknown or has a wrong value")
        })
    }
}

/// An id in the address.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub uuid::Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::<uuid::Uuid>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(id)| Self(id))
            .map_err(|_| ApiError::missing("thing: the id in the address is not a UUID"))
    }
}

/// A word in the address.
#[derive(Debug, Clone)]
pub struct Word(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Word {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(word)| Self(word))
            .map_err(|_| ApiError::missing("thing: the address is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read by serde")]
        text: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only read by serde")]
        class: Option<crate::domain::EncounterClass>,
    }

    #[test]
    fn a_nul_character_is_found_however_it_is_written() {
        for (json, expected) in [
            (r#"{"text": "a\u0000b"}"#, true),
            (r#"{"text": "\\\u0000"}"#, true),
            (r#"{"te\u0000xt": 1}"#, true),
            (r#"{"text": "a\\u0000b"}"#, false),
            (r#"{"text": "u0000 \u0001"}"#, false),
        ] {
            assert_eq!(nul(json).is_some(), expected, "{json}");
        }
    }

    #[tokio::test]
    async fn values_are_never_quoted() {
        for (body, code) in [
            (&br#"{"text": 5123456}"#[..], "invalid_field"),
            (br#"{"text": "a", "mrn": "5123456"}"#, "unknown_field"),
            (br#"{}"#, "invalid_field"),
            (br#"{"text": "5123456"#, "invalid_json"),
            (b"{\"text\": \"\xff\"}", "invalid_utf8"),
            (br#"{"text": "a"} 5123456"#, "invalid_json"),
            (br#"{"text": "a", "class": "5123456"}"#, "invalid_field"),
            (br#"{"text": "a", "class": 5123456}"#, "invalid_field"),
            (br#"["5123456"]"#, "invalid_field"),
            (br#""5123456""#, "invalid_field"),
        ] {
            let error = parse::<Sample>(body).expect_err("refused").into_response();
            let text = axum::body::to_bytes(error.into_body(), 10_000).await.expect("reads");
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(text.contains(code), "{text}");
            assert!(!text.contains("5123456"), "{text}");
        }
    }
}
