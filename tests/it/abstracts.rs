//! Abstracts of finished encounters as HL7 version 2 messages, taken by a receiver that we did not write.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::Server;

/// Takes messages with the package `hl7`; refuses the first one with AE, and ends after the number given. Writes its port, then what it took.
const RECEIVE: &str = "
import asyncio, json, sys
import hl7
from hl7.mllp import start_hl7_server
wanted = int(sys.argv[1])
async def main():
    taken, done = [], asyncio.Event()
    async def serve(reader, writer):
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                taken.append(message)
                writer.writemessage(message.create_ack('AE' if len(taken) == 1 else 'AA'))
                await writer.drain()
                if len(taken) == wanted:
                    done.set()
        except asyncio.IncompleteReadError:
            pass
    server = await start_hl7_server(serve, host='127.0.0.1', port=0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done.wait()
    await asyncio.sleep(0.5)
    def fields(message, name, number):
        return [str(s[number]) if len(s) > number else '' for s in message if str(s[0]) == name]
    print(json.dumps([{
        'type': message.extract_field('MSH', 1, 9, 1, 1), 'id': message.extract_field('MSH', 1, 10),
        'codes': [code.split('^')[0] for code in fields(message, 'DG1', 3)],
        'numbers': fields(message, 'PID', 3), 'visits': fields(message, 'PV1', 19),
    } for message in taken]), flush=True)
asyncio.run(main())
";

fn call(server: &Server, path: &str, role: &str, body: &Value) -> Value {
    let reply = server.call("POST", path, role, Some(body.to_string().as_bytes()));
    assert!(reply.status < 300, "{path}: {}", reply.text);
    if reply.text.is_empty() { Value::Null } else { reply.json() }
}

/// Decides all that waits, and finishes.
fn finish(server: &Server, item: &str, rejecting: &str) {
    call(server, &format!("/v1/review/items/{item}/claim"), "coder", &json!({}));
    let entries = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json()["entries"].clone();
    for entry in entries.as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true) {
        let is_wrong = entry["codes"][0]["code"].as_str().is_some_and(|code| code == rejecting);
        let decision =
            if is_wrong { json!({"action": "reject", "reason": "not_documented"}) } else { json!({"action": "accept"}) };
        let body = json!({"decisions": [{"entry_id": entry["id"], "decision": decision}]});
        call(server, &format!("/v1/review/items/{item}/decisions"), "coder", &body);
    }
    call(server, &format!("/v1/review/items/{item}/finish"), "coder", &json!({}));
}

#[test]
fn a_finished_encounter_is_sent_until_it_is_taken_and_again_after_a_correction() {
    let server = Server::empty();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let mut receiver =
        Command::new(python).args(["-c", RECEIVE, "3"]).stdout(Stdio::piped()).spawn().expect("`tests/run` installs the peers");
    let mut output = BufReader::new(receiver.stdout.take().expect("its output"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a port");
    let channel = json!({
        "kind": "hl7", "address": format!("127.0.0.1:{}", line.trim()),
        "settings": {"format": "dft", "receiving_application": "BILLING"}
    });
    let destination = json!({"name": "billing", "events": ["review.finished"], "channel": channel});
    call(&server, "/v1/destinations", "admin", &destination);

    let note = |version: &str, text: &str| {
        let note = json!({
            "external_id": "D-1", "version": version, "text": text, "patient": {"id": "MRN-8", "name": "Roe, Jane"},
            "encounter": "V-8", "encounter_class": "inpatient"
        });
        let id = server.post_note(&note);
        server.extraction(&id);
        server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json()["item_id"].as_str().expect("an id").to_owned()
    };
    let item = note("1", "ASSESSMENT: Gout. Asthma. No pneumonia. Mother had breast cancer.");
    finish(&server, &item, "M10.9");
    let delivered = |count: usize| {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let page = server.call("GET", "/v1/deliveries?destination=billing&state=delivered", "lead", None).json();
            if page["deliveries"].as_array().expect("deliveries").len() == count {
                return page["deliveries"].clone();
            }
            assert!(Instant::now() < until, "{}", server.call("GET", "/v1/deliveries", "lead", None).text);
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let first = delivered(1);
    assert_eq!(first[0]["tries"], 2, "refused with AE once");
    // a correction opens the encounter again; finished again it is sent again
    assert_eq!(note("2", "ASSESSMENT: Asthma. Acute appendicitis."), item);
    finish(&server, &item, "");
    delivered(2);

    let mut line = String::new();
    output.read_line(&mut line).expect("what was taken");
    assert!(receiver.wait().expect("ends").success());
    let taken: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(taken[0]["id"], taken[1]["id"], "a try again is the same message");
    assert_ne!(taken[1]["id"], taken[2]["id"]);
    for message in taken.as_array().expect("messages") {
        assert_eq!(message["type"], "DFT");
        assert!(message["numbers"][0].as_str().is_some_and(|number| number.starts_with("MRN-8")), "{message}");
        assert!(message["visits"][0].as_str().is_some_and(|visit| visit.starts_with("V-8")), "{message}");
    }
    let codes = |at: usize| {
        let mut codes: Vec<&str> = taken[at]["codes"].as_array().expect("codes").iter().filter_map(Value::as_str).collect();
        codes.sort_unstable();
        codes
    };
    assert_eq!(codes(1), ["J45.909"], "neither what was rejected nor what the note denies, nor what a relative has");
    assert_eq!(codes(2), ["J45.909", "K35.80"]);
}

#[test]
fn a_receiver_that_cannot_be() {
    let server = Server::empty();
    let add = |events: &[&str], address: &str, settings: Value| {
        let body = json!({"name": "b", "events": events, "channel": {"kind": "hl7", "address": address, "settings": settings}});
        let reply = server.call("POST", "/v1/destinations", "admin", Some(body.to_string().as_bytes()));
        (reply.status, reply.code())
    };
    let refused = |code: &str| (422, code.to_owned());
    let dft = json!({"format": "dft"});
    assert_eq!(add(&["extraction.ready"], "billing:2575", dft.clone()), refused("invalid_destination"));
    assert_eq!(add(&["review.finished"], "billing", dft.clone()), refused("invalid_destination"));
    assert_eq!(add(&["review.finished"], "http://billing:2575", dft), refused("invalid_destination"));
    assert_eq!(add(&["review.finished"], "billing:2575", json!({"format": "fax"})), refused("invalid_field"));
}
