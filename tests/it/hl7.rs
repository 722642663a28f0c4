//! HL7 version 2 over MLLP: a running server with listeners, peers that are not ours, damaged frames, TLS.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::server::{Server, program};

/// One listener on a free port, with what else its table says.
pub fn listener(more: &str) -> String {
    format!("[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"emr\"\n{more}\n")
}

/// A document message with an event, a control id and the number of the document; its text in a TX.
pub fn document(event: &str, control_id: &str, number: &str, text: &str) -> String {
    format!(
        "MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0000||MDM^{event}^MDM_T02|{control_id}|P|2.5.1||||||UNICODE UTF-8\rEVN|{event}|20260504\r\
         PID|1||MRN-{number}^^^NORTH^MR||Sentinel^Patience||19500228|F\rPV1|1|O|CLINIC^^^NORTH||||||||||||||||V-{number}\r\
         TXA|1|PR|TX|20260503||||||||{number}\rOBX|1|TX|||{text}\r"
    )
}

/// A connection whose bytes are all ours.
pub struct Peer(pub TcpStream);

impl Peer {
    /// Connects to a listener.
    pub fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.mllp[0]).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("is set");
        stream.set_nodelay(true).expect("is set");
        Self(stream)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("is sent");
    }

    /// Sends a message in its frame.
    pub fn message(&mut self, message: &str) {
        self.send(&framed(message.as_bytes()));
    }

    /// The next answer; none when the connection ended.
    pub fn answer(&mut self) -> Option<String> {
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\x1c\r") {
            match self.0.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                _ => return None,
            }
        }
        let whole = String::from_utf8(answer).expect("text");
        let inner = whole.strip_prefix('\u{b}').expect("a frame").trim_end_matches(['\u{1c}', '\r']);
        Some(format!("{inner}\r"))
    }

    /// Sends a message and gives code and reason of the answer.
    pub fn exchange(&mut self, message: &str) -> (String, String) {
        self.message(message);
        said(&self.answer().expect("an answer"))
    }
}

/// A message in its frame.
pub fn framed(message: &[u8]) -> Vec<u8> {
    [b"\x0b", message, b"\x1c\r"].concat()
}

fn field(answer: &str, segment: &str, number: usize) -> String {
    let line = answer.split('\r').find(|line| line.starts_with(segment)).unwrap_or_default();
    line.split('|').nth(number).unwrap_or_default().to_owned()
}

/// MSA-1 and ERR-5 of an answer.
pub fn said(answer: &str) -> (String, String) {
    (field(answer, "MSA", 1), field(answer, "ERR", 5))
}

fn accepted() -> (String, String) {
    ("AA".to_owned(), String::new())
}

fn refused(code: &str, reason: &str) -> (String, String) {
    (code.to_owned(), reason.to_owned())
}

/// Runs Python with the peers' packages: gives what it wrote as JSON.
fn python(script: &str, input: &Value) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    assert!(python.exists(), "the package hl7 is not installed: `tests/run` does it");
    let mut child =
        Command::new(python).args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    child.stdin.take().expect("its input").write_all(input.to_string().as_bytes()).expect("is read");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "Python failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Sends messages over one connection with `hl7.client`, and reads the answers with `hl7.parse`.
const SEND: &str = "
import json, sys
import hl7
from hl7.client import MLLPClient
asked = json.load(sys.stdin)
answers = []
with MLLPClient(asked['host'], int(asked['port'])) as client:
    for text in asked['messages']:
        sent = hl7.parse(text)
        raw = client.send_message(sent).decode('utf-8')
        assert raw[0] == '\\x0b' and raw[-2:] == '\\x1c\\r', raw
        answer = hl7.parse(raw[1:-2])
        assert str(answer.segment('MSA')[2]) == sent.extract_field('MSH', 1, 10)
        error = ''
        if 'ERR' in [str(segment[0]) for segment in answer]:
            error = answer.extract_field('ERR', 1, 5)
        answers.append([str(answer.segment('MSA')[1]), error])
json.dump(answers, sys.stdout)
";

/// Every note that is there, with its item: (item, note).
pub fn notes(server: &Server) -> Vec<(Value, Value)> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.call("GET", &format!("/v1/review/items?limit=200{after}"), "coder", None).json();
        for item in page["items"].as_array().expect("items") {
            for note in item["notes"].as_array().expect("notes") {
                let id = note.as_str().expect("an id");
                all.push((item.clone(), server.call("GET", &format!("/v1/notes/{id}"), "coder", None).json()));
            }
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

/// The messages that could not be used: (id, reason), oldest first.
pub fn dead_letters(server: &Server) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.call("GET", &format!("/v1/messages?limit=1000{after}"), "lead", None).json();
        for message in page["messages"].as_array().expect("messages") {
            let word = |name: &str| message[name].as_str().expect("a word").to_owned();
            all.push((word("id"), word("reason")));
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}

fn reasons(server: &Server) -> Vec<String> {
    dead_letters(server).into_iter().map(|(_, reason)| reason).collect()
}

fn note<'a>(notes: &'a [(Value, Value)], external_id: &str) -> Vec<&'a Value> {
    notes.iter().map(|(_, note)| note).filter(|note| note["external_id"] == external_id).collect()
}

#[test]
fn an_independent_client_sends_every_kind_of_message() {
    let server = Server::serve(&listener(""), |_| {});
    let (host, port) = server.mllp[0].rsplit_once(':').expect("an address");
    let at = |message: String, time: &str| message.replace("20260504101500", time);
    let related = |message: String, number: &str, parent: &str| {
        message.replace(&format!("|{number}\rOBX"), &format!("|{number}|{parent}\rOBX"))
    };
    let rtf = STANDARD.encode(br"{\rtf1\ansi IMPRESSION:\par Asthma.}");
    let sequence = [
        (document("T02", "C1", "D-1", "ASSESSMENT: Gout.~Mild \\T\\ stable."), accepted()),
        (document("T02", "C1", "D-1", "ASSESSMENT: Gout.~Mild \\T\\ stable."), accepted()),
        (at(document("T08", "C2", "D-1", "ASSESSMENT: Gout, resolved."), "20260504120000"), accepted()),
        // an edit that was made before the last one and comes late
        (at(document("T08", "C3", "D-1", "ASSESSMENT: Gout, better."), "20260504110000"), accepted()),
        (related(document("T06", "C4", "D-2", "Addendum: Asthma."), "D-2", "D-1"), accepted()),
        (document("T02", "C5", "D-3", "ASSESSMENT: Migraine."), accepted()),
        (related(document("T10", "C6", "D-4", "ASSESSMENT: Epilepsy."), "D-4", "D-3"), accepted()),
        (document("T02", "C7", "D-5", "ASSESSMENT: Measles."), accepted()),
        (at(document("T11", "C8", "D-5", ""), "20260505"), accepted()),
        (document("T11", "C9", "D-99", ""), refused("AE", "unknown_document")),
        (document("T02", "C10", "D-1", "ASSESSMENT: another text."), refused("AE", "version_required")),
        (document("T01", "C11", "D-6", "").replace("OBX|1|TX|||\r", ""), accepted()),
        (
            format!(
                "MSH|^~\\&|RIS|NORTH|ABS|HIM|20260504||ORU^R01|C12|P|2.3\rPID|1||MRN-7||Roe^Rob\rPV1|1|I\r\
                 OBR|1||F-1|1^CT chest|||20260502\rOBX|1|ED|||^Application^RTF^Base64^{rtf}\r"
            ),
            accepted(),
        ),
        (
            "MSH|^~\\&|ADT|NORTH|ABS|HIM|20260506||ADT^A08|C13|P|2.4\rPID|1||MRN-7||Roe^Robert||19400101|M\r".to_owned(),
            accepted(),
        ),
        ("MSH|^~\\&|ADT|NORTH|ABS|HIM|20260506||ADT^A40|C14|P|2.4\rPID|1||MRN-8\rMRG|MRN-7\r".to_owned(), accepted()),
        ("MSH|^~\\&|ADT|NORTH|ABS|HIM|20260506||ADT^A01|C15|P|2.4\rPID|1||MRN-8\r".to_owned(), refused("AR", "")),
    ];
    let messages: Vec<&str> = sequence.iter().map(|(message, _)| message.as_str()).collect();
    let answers = python(SEND, &json!({"host": host, "port": port, "messages": messages}));
    let answers: Vec<(String, String)> = serde_json::from_value(answers).expect("pairs");
    for ((message, expected), answer) in sequence.iter().zip(&answers) {
        assert_eq!(answer, expected, "{}", message.split('\r').next().unwrap_or_default());
    }
    assert_eq!(reasons(&server), ["unknown_document", "version_required", "unsupported_event"]);

    let all = notes(&server);
    let standing = |number: &str| -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        note(&all, number).iter().map(|note| (word(&note["text"]), word(&note["standing"]))).collect()
    };
    let pair = |text: &str, standing: &str| (text.to_owned(), standing.to_owned());
    assert_eq!(
        standing("D-1"),
        [
            pair("ASSESSMENT: Gout.\nMild & stable.", "replaced"),
            pair("ASSESSMENT: Gout, resolved.", "current"),
            pair("ASSESSMENT: Gout, better.", "replaced")
        ]
    );
    assert_eq!(standing("D-2"), [pair("Addendum: Asthma.", "current")]);
    assert_eq!(note(&all, "D-2")[0]["relates_to"], json!({"relation": "appends", "external_id": "D-1"}));
    assert_eq!(standing("D-3"), [pair("ASSESSMENT: Migraine.", "replaced")]);
    assert_eq!(standing("D-4"), [pair("ASSESSMENT: Epilepsy.", "current")]);
    assert_eq!(standing("D-5"), [pair("ASSESSMENT: Measles.", "retracted")]);
    assert_eq!(standing("F-1"), [pair("IMPRESSION:\nAsthma.", "current")]);
    let first = note(&all, "D-1")[0];
    assert_eq!(first["patient"]["name"], "Sentinel, Patience");
    assert_eq!(first["patient"]["system"], "NORTH");
    assert_eq!((&first["source"], &first["note_type"]), (&json!("emr"), &json!("progress_note")));
    assert_eq!((&first["encounter"], &first["service_date"]), (&json!("V-D-1"), &json!("2026-05-03")));
    let report = note(&all, "F-1")[0];
    assert_eq!(report["patient"], json!({"id": "MRN-8", "name": "Roe, Robert", "birth_date": "1940-01-01", "sex": "male"}));
    assert_eq!((&report["encounter_class"], &report["note_type"]), (&json!("inpatient"), &json!("CT chest")));
    assert_eq!(all.len(), 8);
    for word in ["Sentinel", "MRN-", "D-1", "Gout", "C15"] {
        assert!(!server.log().contains(word), "{word} in the log");
    }
}

#[test]
fn damaged_frames_are_answered_and_kept_and_do_not_disturb_the_next() {
    let server = Server::serve(&listener("max_message = 5000"), |_| {});
    let mut peer = Peer::connect(&server);
    let good = |number: u32| document("T02", &format!("G{number}"), &format!("G-{number}"), "ASSESSMENT: Gout.");
    // two in one packet, with garbage around
    let mut packet = b"noise\r\n".to_vec();
    packet.extend(framed(good(1).as_bytes()));
    packet.extend(b"\r\r??");
    packet.extend(framed(good(2).as_bytes()));
    peer.send(&packet);
    for number in 1..=2 {
        let answer = peer.answer().expect("an answer");
        assert_eq!((said(&answer), field(&answer, "MSA", 2)), (accepted(), format!("G{number}")));
    }
    // one in many
    for byte in framed(good(3).as_bytes()) {
        peer.send(&[byte]);
    }
    assert_eq!(said(&peer.answer().expect("an answer")), accepted());
    // cut by the start of the next
    let cut = document("T02", "B1", "B-1", "ASSESSMENT: Gout.");
    peer.send(&[b"\x0b", &cut.as_bytes()[..cut.len() - 20]].concat());
    peer.message(&good(4));
    let answer = peer.answer().expect("an answer");
    assert_eq!((said(&answer), field(&answer, "MSA", 2)), (refused("AE", "truncated"), "B1".to_owned()));
    assert_eq!(said(&peer.answer().expect("an answer")), accepted());
    // the cut one comes whole: it was not taken for handled
    assert_eq!(peer.exchange(&cut), accepted());
    let huge = document("T02", "B2", "B-2", &"Gout. ".repeat(2000));
    assert_eq!(peer.exchange(&huge), refused("AE", "message_too_large"));
    assert_eq!(peer.exchange("This is no message."), refused("AR", "no_header"));
    assert_eq!(peer.exchange(""), refused("AR", "no_header"));
    let latin = [&b"\x0b"[..], document("T02", "B3", "B-3", "Zo").as_bytes(), b"\xeb\r\x1c\r"].concat();
    peer.send(&latin);
    assert_eq!(said(&peer.answer().expect("an answer")), refused("AE", "invalid_charset"));
    let unknown = document("T02", "B4", "B-4", "Gout.").replace("UNICODE UTF-8", "EBCDIC");
    assert_eq!(peer.exchange(&unknown), refused("AE", "unknown_charset"));
    let torn = document("T02", "B5", "B-5", "The first line\rand the second");
    assert_eq!(peer.exchange(&torn), refused("AE", "malformed_segment"));
    let pdf = format!("^AP^PDF^Base64^{}", STANDARD.encode(b"%PDF-1.7 ..."));
    let pdf = document("T02", "B6", "B-6", &pdf).replace("OBX|1|TX", "OBX|1|ED");
    assert_eq!(peer.exchange(&pdf), refused("AE", "pdf_document"));
    let nul = document("T02", "B7", "B-7", "Gout.\\X00\\");
    assert_eq!(peer.exchange(&nul), refused("AE", "nul_character"));
    assert_eq!(peer.exchange(&document("T02", "", "B-8", "Gout.")), refused("AE", "missing_field"));
    // the same number with another content; and both again
    let other = document("T02", "G1", "B-9", "ASSESSMENT: Asthma.");
    assert_eq!(peer.exchange(&other), refused("AE", "control_id_reused"));
    assert_eq!(peer.exchange(&other), refused("AE", "control_id_reused"));
    assert_eq!(peer.exchange(&good(1)), accepted());
    // cut by the end of the connection
    peer.send(&framed(good(5).as_bytes())[..100]);
    drop(peer);
    let until = Instant::now() + Duration::from_secs(20);
    while reasons(&server).iter().filter(|reason| *reason == "truncated").count() < 2 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let expected = [
        "truncated",
        "message_too_large",
        "no_header",
        "no_header",
        "invalid_charset",
        "unknown_charset",
        "malformed_segment",
        "pdf_document",
        "nul_character",
        "missing_field",
        "control_id_reused",
        "truncated",
    ];
    assert_eq!(reasons(&server), expected);
    assert_eq!(Peer::connect(&server).exchange(&good(5)), accepted());
    let mut stored: Vec<String> =
        notes(&server).iter().map(|(_, note)| note["external_id"].as_str().expect("an id").to_owned()).collect();
    stored.sort();
    assert_eq!(stored, ["B-1", "G-1", "G-2", "G-3", "G-4", "G-5"]);
}

#[test]
fn the_sender_says_which_acknowledgements_it_wants() {
    let server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    let asking = |control_id: &str, asked: &str| {
        document("T02", control_id, &format!("D-{control_id}"), "ASSESSMENT: Gout.")
            .replace("|2.5.1||||", &format!("|2.5.1|||{asked}|"))
    };
    peer.message(&asking("C1", "AL|AL"));
    let codes: Vec<String> = (0..2).map(|_| said(&peer.answer().expect("an answer")).0).collect();
    assert_eq!(codes, ["CA", "AA"]);
    peer.message(&asking("C2", "NE|NE"));
    assert_eq!(peer.exchange(&asking("C3", "AL|NE")).0, "CA", "nothing was answered to the one before");
    assert_eq!(peer.exchange(&asking("C4", "AL|AL").replace("MDM^T02", "MDM^T99")), refused("CR", "unsupported_event"));
    assert_eq!(peer.exchange(&asking("C5", "NE|AL").replace("D-C5", "")), refused("AE", "missing_field"));
    assert_eq!(server.gauge("abstractor_notes"), 3);
}

#[test]
fn a_dead_letter_is_looked_at_and_handled_again() {
    let server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.exchange(&document("T11", "C1", "D-1", "")), refused("AE", "unknown_document"));
    assert_eq!(peer.exchange("nothing"), refused("AR", "no_header"));
    let letters = dead_letters(&server);
    let (cancel, nothing) = (letters[0].0.as_str(), letters[1].0.as_str());
    let replay = |id: &str, role: &str| server.call("POST", &format!("/v1/messages/{id}/replay"), role, None);
    let still = replay(cancel, "lead");
    assert_eq!((still.status, still.json()["reason"].as_str()), (200, Some("unknown_document")), "{}", still.text);
    assert_eq!(replay(cancel, "coder").status, 403);
    // what it refers to comes
    assert_eq!(
        peer.exchange(&document("T02", "C2", "D-1", "ASSESSMENT: Gout.").replace("20260504101500", "20260501")),
        accepted()
    );
    let now = replay(cancel, "admin").json();
    assert_eq!(now["state"], "accepted", "{now}");
    assert_eq!(notes(&server)[0].1["standing"], "retracted");
    assert_eq!(replay(cancel, "lead").code(), "message_accepted");
    assert_eq!(replay("01900000-0000-7000-8000-000000000000", "lead").status, 404);
    // its sender hears of it when it sends it again
    assert_eq!(peer.exchange(&document("T11", "C1", "D-1", "")), accepted());

    let listed = server.tool("messages", &["list"]);
    assert!(listed.contains(nothing) && listed.contains("no_header") && !listed.contains(cancel), "{listed}");
    assert!(server.tool("messages", &["list", "--all"]).contains(cancel));
    assert!(server.tool("messages", &["show", cancel]).contains("\nTXA|1|PR|TX|20260503||||||||D-1\n"));
    let data = server.data.to_str().expect("a plain path");
    let again = program(&["messages", "--data", data, "replay", nothing], b"");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stdout).starts_with("no_header: "));
    let actions: Vec<String> =
        server.events().iter().map(|event| event["action"].as_str().expect("a word").to_owned()).collect();
    let told = |action: &str| actions.iter().filter(|told| *told == action).count();
    assert_eq!((told("message.failed"), told("message.replayed"), told("message.read")), (2, 3, 1));
}

#[test]
fn a_connection_is_limited() {
    let server = Server::serve(&listener("max_connections = 2\nidle_seconds = 1"), |_| {});
    let mut silent = Peer::connect(&server);
    let mut cut = Peer::connect(&server);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(Peer::connect(&server).answer(), None, "a third one is turned away");
    cut.send(b"\x0bMSH|^~\\&|");
    let begun = Instant::now();
    assert_eq!(silent.answer(), None, "silence ends the connection");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(said(&cut.answer().expect("an answer")), refused("AE", "truncated"));
    assert_eq!(Peer::connect(&server).exchange(&document("T02", "C1", "D-1", "Gout.")), accepted());
    let away = Server::serve(&listener("allow = [\"192.0.2.0/24\"]"), |_| {});
    assert_eq!(Peer::connect(&away).answer(), None);
    assert!(away.log().contains("not allowed"));
}

#[test]
fn a_stop_answers_what_is_handled_and_ends() {
    let mut server = Server::serve(&listener(""), |_| {});
    let mut idle = Peer::connect(&server);
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.exchange(&document("T02", "C1", "D-1", "Gout.")), accepted());
    idle.send(b"\x0bMSH|^~\\&|half of a message");
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    assert_eq!((idle.answer(), peer.answer()), (None, None));
    assert!(TcpStream::connect(&server.mllp[0]).is_err());
}

#[test]
fn a_disabled_user_sends_nothing() {
    let server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    server.tool("user", &["disable", "emr"]);
    assert_eq!(peer.exchange(&document("T02", "C1", "D-1", "Gout.")), refused("AR", "sender_disabled"));
    server.tool("user", &["enable", "emr"]);
    assert_eq!(peer.exchange(&document("T02", "C1", "D-1", "Gout.")), accepted());
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    assert!(program(&["key", "generate", &path("k")], b"").status.success());
    for (configuration, told) in [
        ("[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"emr\"\nport = 1\n", "port"),
        ("[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"nobody\"\n", "abstractor user add nobody"),
    ] {
        std::fs::write(path("c.toml"), configuration).expect("is written");
        let files = ["--data", &path("data"), "--key-file", &path("k"), "--config", &path("c.toml")];
        let output = program(&[&["serve", "--listen", "127.0.0.1:0"], &files[..]].concat(), b"");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(told), "{error}");
    }
}
