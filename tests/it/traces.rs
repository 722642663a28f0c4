//! Traces by OTLP: a collector of ours takes them over HTTP and reads them by the published messages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::json;

use super::server::{Server, wait_until};

const SENTINEL: &str = "Qzsentinel-traced";

/// What a collector got: the bodies as they came.
#[derive(Clone, Default)]
pub struct Collected(Arc<Mutex<Vec<Bytes>>>);

impl Collected {
    /// Everything that came.
    pub fn bodies(&self) -> Vec<Bytes> {
        self.0.lock().expect("no test panicked").clone()
    }

    fn spans(&self) -> Vec<(Span, BTreeMap<String, String>)> {
        let requests = self.bodies().into_iter().map(|body| ExportTraceServiceRequest::decode(body).expect("OTLP"));
        let resources = requests.flat_map(|request| request.resource_spans);
        resources
            .flat_map(|of| {
                let service = words(&of.resource.expect("a resource").attributes);
                assert_eq!(service["service.name"], "abstractor");
                assert_eq!(service["service.version"], env!("CARGO_PKG_VERSION"));
                of.scope_spans
            })
            .flat_map(|scope| scope.spans)
            .map(|span| {
                let attributes = words(&span.attributes);
                (span, attributes)
            })
            .collect()
    }
}

fn words(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let word = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let of = |pair: &KeyValue| Some((pair.key.clone(), word(pair.value.as_ref()?.value.as_ref()?)));
    attributes.iter().filter_map(of).collect()
}

/// Starts a collector; its address, and what it gets.
pub fn collector() -> (String, Collected) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let collected = Collected::default();
    let kept = collected.clone();
    std::thread::spawn(move || {
        let take = move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            kept.0.lock().expect("no test panicked").push(body);
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("is told");
            let listener = tokio::net::TcpListener::from_std(listener).expect("listens");
            axum::serve(listener, Router::new().route("/v1/traces", post(take))).await.expect("serves");
        });
    });
    (address, collected)
}

#[test]
fn requests_and_jobs_are_traced_under_their_callers_span_and_tell_nothing_of_the_note() {
    let (address, collected) = collector();
    let mut server = Server::serve(&format!("[traces]\nendpoint = \"{address}/\"\n"), |_| {});
    let text = format!("ASSESSMENT: {SENTINEL} has gout.");
    let note = json!({"text": text, "external_id": SENTINEL, "patient": {"id": SENTINEL, "name": SENTINEL}}).to_string();
    let caller = [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-request-id", "0198a1b2-0000-7000-8000-00000000abcd"),
    ];
    let reply = server.send("POST", "/v1/notes", "submitter", &caller, Some(note.as_bytes())).expect("the server answers");
    assert_eq!((reply.status, reply.headers["x-request-id"].as_str()), (202, caller[1].1));
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    server.extraction(&id);
    // an id that is none of ours comes back to its sender, and nowhere else
    let strange = [("x-request-id", SENTINEL)];
    let path = format!("/v1/notes/{SENTINEL}");
    let reply = server.send("GET", &path, "submitter", &strange, None).expect("the server answers");
    assert_eq!((reply.status, reply.headers["x-request-id"].as_str()), (404, SENTINEL));
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0), "{}", server.log());

    let spans = collected.spans();
    let named =
        |name: &str| spans.iter().find(|(span, _)| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    let (posted, attributes) = named("POST /v1/notes");
    assert_eq!(posted.trace_id, u128::to_be_bytes(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736));
    assert_eq!(posted.parent_span_id, u64::to_be_bytes(0x00f0_67aa_0ba9_02b7));
    assert!(posted.end_time_unix_nano > posted.start_time_unix_nano);
    assert_eq!(attributes["http.route"], "/v1/notes");
    assert_eq!(attributes["http.response.status_code"], "202");
    assert_eq!(attributes["request_id"], caller[1].1);
    let (_, job) = named("job");
    assert_eq!(job["note"], id);
    let (_, read) = named("GET /v1/notes/{id}");
    assert!(!read.contains_key("request_id"), "{read:?}");
    for body in collected.bodies() {
        assert!(!String::from_utf8_lossy(&body).to_lowercase().contains("qzsentinel"));
    }
    // the log carries the same ids, and no more
    let log = server.log();
    assert!(!log.to_lowercase().contains("qzsentinel"), "{log}");
}

#[test]
fn a_collector_that_is_away_disturbs_nobody() {
    let mut server = Server::serve("[traces]\nendpoint = \"http://127.0.0.1:9\"\nshare = 1.0\n", |_| {});
    let id = server.post_note(&json!({"text": "ASSESSMENT: Gout."}));
    server.extraction(&id);
    server.signal("TERM");
    let mut code = None;
    wait_until("it stops", Duration::from_secs(20), || {
        code = server.ended();
        true
    });
    assert_eq!(code, Some(0));
}
