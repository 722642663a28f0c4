//! Requests that two readers could read in two ways, as a proxy and this service might: where they go, and where they end.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::ApiError;

/// Refuses what names no host, or two, or codes its body in a way that is not understood. After a body in pieces the connection ends: whoever
/// also said a length, which is not told here any more, gets no second answer out of it.
pub async fn refuse_ambiguous(request: Request, next: Next) -> Response {
    let refused = problem(&request);
    let ends = refused.is_some() || request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = match refused {
        Some(detail) => ApiError::new(StatusCode::BAD_REQUEST, "ambiguous_request", detail).into_response(),
        None => next.run(request).await,
    };
    if ends {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn problem<B>(request: &axum::http::Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    if request.method() == Method::CONNECT {
        return Some("nothing is passed on from here to another host");
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some("a request of HTTP/1.1 has exactly one Host");
    }
    if headers.get(header::HOST).is_some_and(|host| !is_host(host)) {
        return Some("Host must be a host name or an address, and a port");
    }
    if !is_chunked_or_plain(headers) {
        return Some("Transfer-Encoding must be chunked, once, or left out");
    }
    None
}

fn is_host(value: &HeaderValue) -> bool {
    value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(byte))
}

fn is_chunked_or_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next();
    first.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (headers, is_fine) in [
            (&[("host", "abstractor.example:8080")][..], true),
            (&[("host", "[::1]:8080")], true),
            (&[("host", "")], true),
            (&[], false),
            (&[("host", "a"), ("host", "a")], false),
            (&[("host", "a b")], false),
            (&[("host", "a@b")], false),
            (&[("host", "a/b")], false),
            (&[("host", "a, b")], false),
            (&[("host", "a"), ("transfer-encoding", "Chunked")], true),
            (&[("host", "a"), ("transfer-encoding", "gzip, chunked")], false),
            (&[("host", "a"), ("transfer-encoding", "xchunked")], false),
            (&[("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], false),
        ] {
            let mut request = Request::get("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            assert_eq!(problem(&request.body(()).expect("a request")).is_none(), is_fine, "{headers:?}");
        }
        let old = Request::get("/").version(Version::HTTP_10).body(()).expect("a request");
        assert!(problem(&old).is_none(), "HTTP/1.0 had no Host");
    }
}
