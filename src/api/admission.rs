//! Who is let in and how many at once: every bound of a running service that a sender can meet. What is full answers 429 or 503 and when
//! to come back; nothing waits without an end.
//!
//! A client is who sends one token, or one address where none is sent. One client alone gets at most half of what is served at once.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::ApiError;
use crate::service::SESSION_COOKIES;

/// Clients remembered before those that have all their requests left are forgotten.
const REMEMBERED: usize = 10_000;

/// What a service serves at once, and how long it works on one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// Requests served at once; one client gets at most half of them.
    pub requests: usize,
    /// Requests of one client a second; as many may come at once after a second of silence.
    pub requests_per_second: u32,
    /// Notes that wait for their extraction; more are not taken.
    pub waiting_notes: u64,
    /// How long a request may take until its answer begins; longer than an extraction may, so that its failure is told.
    pub request: Duration,
    /// How long the extraction of one note may take.
    pub extraction: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            requests: 512,
            requests_per_second: 5000,
            waiting_notes: 1_000_000,
            request: Duration::from_secs(150),
            extraction: Duration::from_secs(120),
        }
    }
}

/// What runs and what each client has left.
pub struct Admission {
    limits: Limits,
    state: Mutex<Running>,
    hasher: RandomState,
}

#[derive(Default)]
struct Running {
    count: usize,
    clients: HashMap<u64, Client>,
}

struct Client {
    running: usize,
    /// Requests that it may send now.
    left: f64,
    counted: Instant,
}

/// A place among the requests that are served; free again when it is dropped.
struct Place {
    admission: Arc<Admission>,
    client: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.admission.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count -= 1;
        if let Some(client) = state.clients.get_mut(&self.client) {
            client.running -= 1;
        }
        metrics::gauge!("abstractor_http_requests_in_flight").decrement(1);
    }
}

impl Admission {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default(), hasher: RandomState::new() })
    }

    fn enter(self: &Arc<Self>, client: u64) -> Result<Place, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = f64::from(self.limits.requests_per_second);
        let now = Instant::now();
        if state.clients.len() > REMEMBERED {
            state.clients.retain(|_, client| client.running > 0 || client.counted.elapsed() < Duration::from_secs(1));
        }
        let total = state.count;
        let known = state.clients.entry(client).or_insert(Client { running: 0, left: rate, counted: now });
        known.left = rate.min(known.left + (now - known.counted).as_secs_f64() * rate);
        known.counted = now;
        if known.left < 1.0 {
            let detail = "too many requests a second; come back after the time given, and send many notes by /v1/notes/bulk";
            return Err(refused("client_rate", ApiError::too_many("too_many_requests", detail)));
        }
        if total >= self.limits.requests {
            let detail = "the service works on as many requests as it may; come back after the time given";
            return Err(refused("requests", ApiError::unavailable("overloaded", detail, 1)));
        }
        if known.running >= self.limits.requests.div_ceil(2) {
            let detail = "this client has as many requests running as one client may; wait for their answers";
            return Err(refused("client_requests", ApiError::too_many("too_many_at_once", detail)));
        }
        known.left -= 1.0;
        known.running += 1;
        state.count += 1;
        metrics::gauge!("abstractor_http_requests_in_flight").increment(1);
        Ok(Place { admission: Arc::clone(self), client })
    }

    fn client(&self, request: &Request) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let headers = request.headers();
        let session = || {
            let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
            let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(name, _)| SESSION_COOKIES.contains(name)).map(|(_, value)| value)
        };
        match (headers.get(header::AUTHORIZATION), session()) {
            (Some(token), _) => token.as_bytes().hash(&mut hasher),
            (None, Some(session)) => session.hash(&mut hasher),
            (None, None) => {
                request.extensions().get::<ConnectInfo<SocketAddr>>().map(|address| address.0.ip()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// Counts what was not served, by why.
pub fn refused<E>(reason: &'static str, error: E) -> E {
    metrics::counter!("abstractor_refused_total", "reason" => reason).increment(1);
    error
}

/// Lets a request in when there is a place for it, and ends it when it takes too long. Health and metrics are asked for freely.
pub async fn admit(State(admission): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/health/") || path == "/metrics" {
        return next.run(request).await;
    }
    let place = match admission.enter(admission.client(&request)) {
        Ok(place) => place,
        Err(error) => return error.into_response(),
    };
    match tokio::time::timeout(admission.limits.request, next.run(request)).await {
        Ok(response) => response.map(|body| Body::new(Held { body, _place: place })),
        Err(_) => {
            let detail =
                "the answer took too long, so it was given up; what was stored is stored: ask again after the time given";
            refused("deadline", ApiError::unavailable("deadline", detail, 5)).into_response()
        }
    }
}

/// A body that keeps its request's place until it was sent.
struct Held {
    body: Body,
    _place: Place,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn code(entered: Result<Place, ApiError>) -> Option<&'static str> {
        entered.err().map(|error| error.code)
    }

    #[test]
    fn one_client_gets_half_and_all_together_no_more_than_there_is() {
        let admission = Admission::new(Limits { requests: 4, ..Limits::default() });
        let mut places = vec![admission.enter(1).ok(), admission.enter(1).ok()];
        assert_eq!(code(admission.enter(1)), Some("too_many_at_once"));
        places.extend([admission.enter(2).ok(), admission.enter(3).ok()]);
        assert_eq!(code(admission.enter(4)), Some("overloaded"));
        places.remove(0);
        assert_eq!(code(admission.enter(1)), None, "a place is free again when its request has ended");
        drop(places);
        let state = admission.state.lock().expect("no test panicked");
        assert_eq!((state.count, state.clients[&1].running), (0, 0));
    }

    #[test]
    fn a_client_that_sends_too_fast_is_told_to_wait_and_others_are_served() {
        let admission = Admission::new(Limits { requests_per_second: 3, ..Limits::default() });
        for _ in 0..3 {
            assert_eq!(code(admission.enter(1)), None);
        }
        let error = admission.enter(1).err().expect("too fast").into_response();
        assert_eq!(error.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(error.headers()[header::RETRY_AFTER], "1");
        assert_eq!(code(admission.enter(2)), None);
        // half a second later there is one more
        admission.state.lock().expect("no test panicked").clients.get_mut(&1).expect("known").counted -=
            Duration::from_millis(500);
        assert_eq!(code(admission.enter(1)), None);
        assert_eq!(code(admission.enter(1)), Some("too_many_requests"));
    }
}
