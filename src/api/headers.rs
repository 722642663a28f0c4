//! What every answer says to a browser, and who has to show a certificate.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::ApiError;
use crate::network::PeerCertificate;

/// Headers of every answer that does not have its own of the name: nothing is run, framed, sniffed, kept, or read by another origin. There is
/// never an `Access-Control-Allow-Origin`, and no name of the program.
const HEADERS: [(HeaderName, &str); 9] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (header::CACHE_CONTROL, "no-store"),
];
/// A year, for this host name alone.
const HTTPS_ALONE: &str = "max-age=31536000";

/// How the service is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// By HTTPS, from the program itself or from a proxy.
    pub by_https: bool,
    /// Only with a certificate, but for health.
    pub with_certificate: bool,
}

/// Adds the headers above, and to who comes by HTTPS that there is nothing else.
pub async fn add_headers(State(reached): State<Reached>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if reached.by_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ALONE));
    }
    response
}

/// Refuses who shows no certificate, where one is required. Who watches the service is answered all the same.
pub async fn require_certificate(State(reached): State<Reached>, request: Request, next: Next) -> Response {
    let is_let_in = !reached.with_certificate
        || request.extensions().get::<PeerCertificate>().is_some()
        || request.uri().path().starts_with("/health/");
    if is_let_in { next.run(request).await } else { certificate_required().into_response() }
}

/// 403 for a connection without the certificate that is asked for.
pub(super) fn certificate_required() -> ApiError {
    let detail =
        "this is answered only over a connection that shows the certificate of the client; see [tls] of the configuration";
    ApiError::new(StatusCode::FORBIDDEN, "certificate_required", detail)
}
