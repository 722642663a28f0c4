//! Webhooks from outside: a receiver of ours that fails first, and a library that we did not write to check the signature.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    api::assert_problem,
    server::{Reply, Server},
};

/// A request as it came.
#[derive(Debug, Clone)]
struct Received {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Receives on a port of its own; answers with the statuses in turn, then with 200. Gives its address and what came.
fn receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Received>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some((name, value)) = line.split_once(':') {
                    headers.insert(name.to_lowercase(), value.trim().to_owned());
                }
                line.clear();
            }
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            let body = String::from_utf8(body).expect("UTF-8");
            kept.lock().expect("no panic").push(Received { headers, body });
            let status = statuses.get(at).copied().unwrap_or(200);
            let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\nlocation: /else\r\n\r\n");
            reader.into_inner().write_all(answer.as_bytes()).expect("answers");
        }
    });
    (url, received)
}

fn post(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn destination(server: &Server, name: &str, url: &str, events: &[&str]) -> Reply {
    let body = json!({"name": name, "events": events, "channel": {"kind": "webhook", "url": url}});
    post(server, "/v1/destinations", "admin", &body)
}

/// Waits until so many deliveries are in the state.
fn deliveries(server: &Server, state: &str, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let page = server.call("GET", &format!("/v1/deliveries?state={state}"), "lead", None).json();
        let found = page["deliveries"].as_array().expect("deliveries").clone();
        if found.len() >= count {
            return found;
        }
        let all = server.call("GET", "/v1/deliveries", "lead", None).text;
        assert!(Instant::now() < until, "{} of {count} {state}: {all}", found.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn events_are_delivered_in_order_signed_and_again_after_a_failure() {
    let server = Server::empty();
    let (url, received) = receiver(&[503]);
    let added = destination(&server, "ehr", &url, &["extraction.ready", "review.finished", "note.retracted"]);
    assert_eq!(added.status, 201, "{}", added.text);
    let secret = added.json()["secret"].as_str().expect("a secret").to_owned();
    let listed = server.call("GET", "/v1/destinations", "admin", None);
    assert!(!listed.text.contains(&secret) && listed.json()["destinations"][0]["address"] == url.as_str(), "{}", listed.text);

    let note =
        server.post_note(&json!({"text": "No known problems. MRN 7712345.", "external_id": "w-1", "patient": "MRN 7712345"}));
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"].clone();
    let change = |what: &str| {
        let path = format!("/v1/review/items/{}/{what}", item.as_str().expect("an id"));
        let reply = post(&server, &path, "coder", &json!({}));
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    change("claim");
    change("finish");
    post(&server, &format!("/v1/notes/{note}/retraction"), "submitter", &json!({}));
    let delivered = deliveries(&server, "delivered", 3);
    let events: Vec<&str> = delivered.iter().filter_map(|one| one["event"].as_str()).collect();
    assert_eq!(events, ["extraction.ready", "review.finished", "note.retracted"]);
    assert_eq!((&delivered[0]["tries"], &delivered[0]["problem"]), (&json!(2), &Value::Null), "the first one was refused once");

    let received = received.lock().expect("no panic").clone();
    assert_eq!(received.len(), 4);
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"], "a try again has the same id");
    assert_eq!(received[1].headers["webhook-id"], delivered[0]["id"].as_str().expect("an id"));
    let body: Value = serde_json::from_str(&received[1].body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]), (&json!("extraction.ready"), &json!({"note_id": note, "item_id": item})));
    assert!(received.iter().all(|one| !one.body.contains("7712345")), "ids of ours only");
    for one in &received {
        let script = "import json, sys; from standardwebhooks.webhooks import Webhook\n\
                      a = json.load(sys.stdin); Webhook(a['secret']).verify(a['body'], a['headers'])";
        let input = json!({"secret": secret, "body": one.body, "headers": one.headers}).to_string();
        let mut python = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/bin/python"))
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("tests/run made the peers");
        python.stdin.take().expect("input").write_all(input.as_bytes()).expect("writes");
        assert!(python.wait().expect("ends").success(), "the signature does not verify");
    }

    let again =
        post(&server, &format!("/v1/deliveries/{}/resend", delivered[1]["id"].as_str().expect("an id")), "lead", &json!({}));
    assert_eq!(again.status, 202, "{}", again.text);
    let until = Instant::now() + Duration::from_secs(30);
    while deliveries(&server, "delivered", 2).len() < 3 {
        assert!(Instant::now() < until);
    }
    let actions: Vec<String> = server.events().iter().map(|event| event["action"].as_str().expect("one").to_owned()).collect();
    for action in ["destination.added", "delivery.delivered", "delivery.resent"] {
        assert!(actions.iter().any(|found| found == action), "{action}");
    }
}

#[test]
fn what_is_gone_is_given_up_and_a_redirect_is_not_followed() {
    let server = Server::empty();
    let (gone, _) = receiver(&[410]);
    let (moved, received) = receiver(&[302]);
    assert_eq!(destination(&server, "gone", &gone, &["extraction.ready"]).status, 201);
    assert_eq!(destination(&server, "moved", &moved, &["extraction.ready"]).status, 201);
    server.post_note(&json!({"text": "Asthma."}));
    let dead = deliveries(&server, "dead", 1);
    assert_eq!((&dead[0]["destination"], &dead[0]["problem"]), (&json!("gone"), &json!("http_410")));
    // 200 at the second try, five seconds later
    let delivered = deliveries(&server, "delivered", 1);
    assert_eq!((&delivered[0]["destination"], &delivered[0]["tries"]), (&json!("moved"), &json!(2)));
    let received = received.lock().expect("no panic").clone();
    assert_eq!(received.len(), 2, "nothing was sent to the other address");
}

#[test]
fn what_was_waiting_is_sent_after_a_kill() {
    let mut server = Server::empty();
    assert_eq!(destination(&server, "ehr", "http://127.0.0.1:9/", &["extraction.ready"]).status, 201);
    let note = server.post_note(&json!({"text": "Asthma."}));
    server.extraction(&note);
    let page = server.call("GET", "/v1/deliveries", "lead", None).json();
    let id = page["deliveries"][0]["id"].clone();
    server.kill();
    let folder = server.data.clone();
    let server = Server::again(&folder);
    let page = server.call("GET", "/v1/deliveries?destination=ehr", "lead", None).json();
    assert_eq!(page["deliveries"][0]["id"], id);
    assert_ne!(page["deliveries"][0]["state"], "delivered");
    let disabled = post(&server, "/v1/destinations/ehr/disable", "admin", &json!({}));
    assert_eq!(disabled.status, 204);
    assert_eq!(post(&server, "/v1/destinations/ehr/enable", "admin", &json!({})).status, 204);
}

#[test]
fn destinations_that_cannot_be() {
    let server = Server::empty();
    let (url, events) = ("http://127.0.0.1:9/", ["extraction.ready"]);
    assert_eq!(destination(&server, "ehr", url, &events).status, 201);
    assert_problem(&destination(&server, "ehr", url, &events), 409, "name_taken", "a name twice");
    assert_problem(&destination(&server, "a b", url, &events), 422, "invalid_destination", "a name");
    assert_problem(&destination(&server, "b", "ftp://x", &events), 422, "invalid_destination", "an address");
    assert_problem(&destination(&server, "b", url, &[]), 422, "invalid_destination", "no event");
    assert_problem(&destination(&server, "b", url, &["note.read"]), 422, "invalid_field", "an unknown event");
    let reply = post(&server, "/v1/destinations/nowhere/disable", "admin", &json!({}));
    assert_problem(&reply, 404, "not_found", "no such destination");
}

#[test]
fn a_subscription_of_fhir_is_told_of_finished_encounters() {
    let server = Server::empty();
    let (url, received) = receiver(&[500]);
    let subscription = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "codes of finished encounters", "criteria": "Task?status=completed",
        "channel": {"type": "rest-hook", "endpoint": url, "header": ["Authorization: Bearer of-the-ehr"]}
    });
    let refused = server.call("POST", "/fhir/Subscription", "submitter", Some(subscription.to_string().as_bytes()));
    assert_eq!((refused.status, refused.json()["resourceType"].as_str()), (403, Some("OperationOutcome")), "{}", refused.text);
    let made = post(&server, "/fhir/Subscription", "admin", &subscription);
    assert_eq!((made.status, made.json()["status"].as_str()), (201, Some("active")), "{}", made.text);
    assert!(!made.text.contains("of-the-ehr"), "a header may be a secret");
    let mut other = subscription.clone();
    other["criteria"] = json!("Patient?name=x");
    assert_eq!(post(&server, "/fhir/Subscription", "admin", &other).status, 422);

    let note = server.post_note(&json!({"text": "No known problems."}));
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"].clone();
    for what in ["claim", "finish"] {
        let path = format!("/v1/review/items/{}/{what}", item.as_str().expect("an id"));
        assert_eq!(post(&server, &path, "coder", &json!({})).status, 200);
    }
    assert_eq!(deliveries(&server, "delivered", 1)[0]["tries"], 2);
    let received = received.lock().expect("no panic").clone();
    assert_eq!(received.len(), 2);
    assert!(
        received.iter().all(|one| one.body.is_empty() && one.headers["authorization"] == "Bearer of-the-ehr"),
        "{received:?}"
    );

    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let mut off = subscription;
    off["id"] = json!(id);
    off["status"] = json!("off");
    let path = format!("/fhir/Subscription/{id}");
    assert_eq!(server.call("PUT", &path, "admin", Some(off.to_string().as_bytes())).json()["status"], "off");
    assert_eq!(server.call("GET", &path, "admin", None).json()["status"], "off");
    assert_eq!(server.call("GET", "/fhir/Subscription", "admin", None).json()["total"].as_u64().unwrap_or(1), 1);
}

#[test]
fn no_destination_leads_where_nothing_may_be_sent() {
    let server = Server::serve("[deliveries]\nallow = []\n", |_| {});
    let events = ["review.finished"];
    for url in [
        "http://127.0.0.1:9/",
        "http://127.1:9/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://localhost:9/",
        "https://[::1]/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://0.0.0.0:9/",
        "http://[::]:9/",
        "http://10.0.0.5/hook",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[64:ff9b::7f00:1]/",
    ] {
        let reply = destination(&server, "hook", url, &events);
        assert_problem(&reply, 422, "invalid_destination", url);
        let subscription = json!({
            "resourceType": "Subscription", "status": "requested", "reason": "codes", "criteria": "Task?status=completed",
            "channel": {"type": "rest-hook", "endpoint": url}
        });
        assert_eq!(post(&server, "/fhir/Subscription", "admin", &subscription).status, 422, "{url}");
    }
    for address in ["127.0.0.1:2575", "localhost:2575", "[::1]:2575", "10.0.0.5:2575", "169.254.169.254:80"] {
        let channel = json!({"kind": "hl7", "address": address, "settings": {"format": "dft"}});
        let body = json!({"name": "hl7", "events": events, "channel": channel});
        assert_problem(&post(&server, "/v1/destinations", "admin", &body), 422, "invalid_destination", address);
    }
    assert!(server.call("GET", "/v1/destinations", "admin", None).json()["destinations"].as_array().expect("some").is_empty());
}

#[test]
fn what_was_added_once_is_judged_at_every_try() {
    let mut server = Server::serve("", |_| {});
    let (url, received) = receiver(&[]);
    // by a name, which may lead elsewhere tomorrow
    let named = url.replace("127.0.0.1", "localhost");
    assert_eq!(destination(&server, "by-name", &named, &["extraction.ready"]).status, 201);
    assert_eq!(destination(&server, "by-number", &url, &["extraction.ready"]).status, 201);
    let note = server.post_note(&json!({"text": "Asthma.", "external_id": "before"}));
    server.extraction(&note);
    deliveries(&server, "delivered", 2);
    assert_eq!(received.lock().expect("no panic").len(), 2);

    server.kill();
    std::fs::write(server.data.join("abstractor.toml"), "[deliveries]\nallow = [\"192.168.0.0/16\"]\n").expect("is written");
    let server = server.restarted();
    let note = server.post_note(&json!({"text": "Gout.", "external_id": "after"}));
    server.extraction(&note);
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let waiting = deliveries(&server, "waiting", 2);
        if waiting.iter().all(|one| one["problem"] == "address_not_allowed") {
            break;
        }
        assert!(Instant::now() < until, "{waiting:?}");
    }
    assert_eq!(received.lock().expect("no panic").len(), 2, "nobody was connected to");
}
