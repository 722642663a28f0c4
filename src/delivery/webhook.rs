//! Requests to other services. Webhooks are as Standard Webhooks has them: `webhook-id`, `webhook-timestamp` and `webhook-signature` over both
//! and the body. A Subscription of FHIR gets an empty one.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;
use ureq::unversioned::{
    resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
    transport::{DefaultConnector, NextTimeout},
};

use super::{Failure, NOT_ALLOWED};
use crate::{
    domain::{Delivery, EventKind},
    network::{Reach, ReachError},
};

/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// How long one try may take.
const TIME_OUT: Duration = Duration::from_secs(20);

/// One request, ready to be sent.
pub(super) struct Request {
    headers: Vec<(String, String)>,
    body: String,
}

/// The request of a FHIR Subscription: headers that its maker gave, and no body.
pub(super) fn empty_request(headers: &[(String, String)]) -> Request {
    Request { headers: headers.to_vec(), body: String::new() }
}

/// The request of a delivery, signed at `now`. It tells ids only, of drift numbers too: who may know more asks for it.
pub(super) fn request((delivery, told): (&Delivery, Option<&str>), secret: &str, now: Timestamp) -> Request {
    let mut data = json!({});
    if delivery.event == EventKind::DriftDetected
        && let Some(told) = told.and_then(|told| serde_json::from_str(told).ok())
    {
        data = told;
    }
    if let Some(item) = delivery.item_id {
        data["item_id"] = json!(item);
    }
    if let Some(note) = delivery.note_id {
        data["note_id"] = json!(note);
    }
    if let Some(query) = delivery.query_id {
        data["query_id"] = json!(query);
    }
    let body = json!({"type": delivery.event, "timestamp": delivery.created_at, "data": data}).to_string();
    let (id, timestamp) = (delivery.id.to_string(), now.as_second().to_string());
    let signature = sign(secret, &format!("{id}.{timestamp}.{body}"));
    let named = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    Request { headers: named.map(|(name, value)| (name.to_owned(), value)).into(), body }
}

fn sign(secret: &str, content: &str) -> String {
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(content.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Looks names up and gives the addresses that may be connected to: ureq connects to these and to no other.
#[derive(Debug)]
struct Reaching(Reach, DefaultResolver);

impl Resolver for Reaching {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut permitted = self.empty();
        for address in self.1.resolve(uri, config, timeout)?.iter().filter(|address| self.0.permits(address.ip())) {
            permitted.push(*address);
        }
        if permitted.is_empty() { Err(ureq::Error::Other(Box::new(ReachError::Refused))) } else { Ok(permitted) }
    }
}

/// Sends it once. Blocks; what the other side answers is not read.
pub(super) fn send(url: &str, request: &Request, reach: Reach) -> Result<(), Failure> {
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(TIME_OUT))
        .proxy(None)
        .tls_config(tls)
        .user_agent(concat!("abstractor/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), Reaching(reach, DefaultResolver::default()));
    let named = request.headers.iter();
    let sent = named.fold(agent.post(url), |post, (name, value)| post.header(name, value)).send(&request.body);
    let failure = |problem: &str| Err(Failure { problem: problem.to_owned(), is_final: false });
    match sent {
        Ok(answer) => match answer.status().as_u16() {
            200..300 => Ok(()),
            // the other side says that it wants no more
            410 => Err(Failure { problem: "http_410".to_owned(), is_final: true }),
            status => failure(&format!("http_{status}")),
        },
        Err(ureq::Error::Timeout(_)) => failure("timeout"),
        Err(ureq::Error::Tls(_) | ureq::Error::Rustls(_)) => failure("tls"),
        Err(ureq::Error::Other(error)) if error.is::<ReachError>() => failure(NOT_ALLOWED),
        Err(_) => failure("unreachable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_connected_to_that_may_not_be() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("is told");
        let port = listener.local_addr().expect("an address").port();
        for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"] {
            let sent = send(&format!("http://{host}:{port}/"), &empty_request(&[]), Reach::default());
            let problem = sent.expect_err("is not sent").problem;
            // a spelling that the system does not take for an address has none
            assert!(problem == NOT_ALLOWED || problem == "unreachable", "{host}: {problem}");
            assert!(listener.accept().is_err(), "{host}: it was connected to");
        }
        let sent = send(&format!("http://localhost:{port}/"), &empty_request(&[]), Reach::default());
        assert_eq!(sent.expect_err("is not sent").problem, NOT_ALLOWED);
    }

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let content = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", content);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
