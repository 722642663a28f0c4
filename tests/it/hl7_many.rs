//! Many HL7 messages from several senders, one in a hundred of them broken, connections that are cut, a server that is killed: every good
//! one is acknowledged and stored once, every bad one refused and kept. And what goes out and comes in over TLS.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use abstractor::{
    domain::{AbstractFormat, EncounterClass, HL7Destination, ItemState, Patient, ReviewItem},
    interop::hl7::{Acknowledgement, Stamp, abstract_message},
    mllp::{self, Receiver, SendError},
    network::{ClientTls, Reach, TlsFiles},
};
use serde_json::Value;

use super::{
    hl7::{Peer, dead_letters, document, framed, listener, notes, said},
    kill::Numbers,
    server::{Server, is_long_tier},
};

const SENDERS: u64 = 4;

/// Messages in all: 5,000 in the long tier.
fn messages() -> u64 {
    if is_long_tier() { 5_000 } else { 500 }
}

/// A message, and what is to be answered: AA, or why it is refused.
fn message(number: u64) -> (Vec<u8>, Option<&'static str>) {
    let text = format!("Visit {number}. ASSESSMENT: Gout.");
    let good = document("T02", &format!("M{number}"), &format!("D-{number}"), &text);
    if number % 100 != 50 {
        return (good.into_bytes(), None);
    }
    let damaged = |from: &str, to: &str| good.replace(from, to).into_bytes();
    match (number / 100) % 7 {
        0 => (damaged("TXA|", "TX?|"), Some("malformed_segment")),
        1 => (damaged("MSH|^~\\&|", "MSG|^~\\&|"), Some("no_header")),
        2 => ([good.trim_end().as_bytes(), b" Zo\xeb\r"].concat(), Some("invalid_charset")),
        3 => (damaged("MDM^T02", "MDM^T77"), Some("unsupported_event")),
        4 => (damaged("OBX|1|TX|||", "OBX|1|RP|||"), Some("unsupported_content")),
        5 => (damaged(&format!("|D-{number}\r"), "|\r"), Some("missing_field")),
        _ => (damaged("PID|", "PIX|"), Some("missing_field")),
    }
}

/// Sends its share in pieces of any size, sometimes two messages at once, sometimes cutting the connection before it reads the answer and
/// sending again.
fn send_share(server: &Server, sender: u64, count: u64) {
    let mut numbers = Numbers(20_261_129 + sender);
    let mut peer = Peer::connect(server);
    let mut number = sender;
    while number < count {
        let together: Vec<u64> = [number, number + SENDERS].into_iter().filter(|one| *one < count).collect();
        let together = &together[..together.len().min(1 + usize::from(numbers.below(4) == 0))];
        let stream: Vec<u8> = together.iter().flat_map(|one| framed(&message(*one).0)).collect();
        if numbers.below(15) == 0 {
            // the whole message, or a part of it, and gone
            let part = usize::try_from(numbers.below(stream.len() as u64 + 1)).expect("small");
            peer.send(&stream[..part]);
            peer = Peer::connect(server);
        }
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let size = usize::try_from(1 + numbers.below(400)).expect("small");
            let (now, later) = rest.split_at(size.min(rest.len()));
            peer.send(now);
            rest = later;
        }
        for one in together {
            let answer = peer.answer().expect("an answer");
            let (code, reason) = said(&answer);
            match message(*one).1 {
                None => assert_eq!(code, "AA", "{one}: {answer}"),
                Some(expected) => {
                    assert!(["AE", "AR"].contains(&code.as_str()), "{one}: {answer}");
                    assert_eq!(reason, expected, "{one}: {answer}");
                }
            }
            assert!(answer.contains(&format!("|M{one}|")) || message(*one).1 == Some("no_header"), "{one}: {answer}");
        }
        number = together.last().expect("at least one") + SENDERS;
    }
}

#[test]
fn every_good_message_is_stored_once_and_every_bad_one_kept() {
    let count = messages();
    let server = Arc::new(Server::serve(&listener(""), |_| {}));
    let begun = std::time::Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let server = Arc::clone(&server);
            std::thread::spawn(move || send_share(&server, sender, count))
        })
        .collect();
    for sender in senders {
        sender.join().expect("a sender's messages are answered");
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{count} messages by {SENDERS} senders: {:.0} messages/s", count as f64 / seconds);
    assert_kept(&server, count);
}

/// Stored notes and dead letters are exactly those of the messages.
fn assert_kept(server: &Server, count: u64) {
    let mut stored: Vec<(String, String)> = notes(server)
        .iter()
        .map(|(_, note)| {
            let word = |name: &str| note[name].as_str().expect("a word").to_owned();
            (word("external_id"), word("text"))
        })
        .collect();
    stored.sort();
    let good = (0..count).filter(|number| message(*number).1.is_none());
    let mut expected: Vec<(String, String)> =
        good.map(|number| (format!("D-{number}"), format!("Visit {number}. ASSESSMENT: Gout."))).collect();
    expected.sort();
    assert_eq!(stored.len(), expected.len());
    assert!(stored == expected, "other notes than were sent");
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for (_, reason) in dead_letters(server) {
        *kept.entry(reason).or_default() += 1;
    }
    // connections that were cut on the way leave pieces; what has no header has no number either, so it may be kept for each time it came
    kept.remove("truncated");
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for reason in (0..count).filter_map(|number| message(number).1) {
        *refused.entry(reason.to_owned()).or_default() += 1;
    }
    let without_number = (kept.remove("no_header").unwrap_or(0), refused.remove("no_header").unwrap_or(0));
    assert!(without_number.0 >= without_number.1, "{without_number:?}");
    assert_eq!(kept, refused);
    assert!(!server.log().contains("Gout"), "text of a note in the log");
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_comes_once() {
    let count = 60;
    let mut server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    let mut acknowledged = 0;
    let mut sent = 0;
    for round in 0..3 {
        let until = (round + 1) * 20;
        while acknowledged < until - 5 {
            peer.send(&framed(&message(acknowledged).0));
            peer.answer().expect("an answer");
            acknowledged += 1;
        }
        // some more, of which no answer is read
        sent = until;
        for number in acknowledged..sent {
            peer.send(&framed(&message(number).0));
        }
        server.kill();
        // the listener had a port of its own choice; the folder is kept
        server = server.restarted();
        peer = Peer::connect(&server);
        for number in acknowledged..sent {
            peer.send(&framed(&message(number).0));
            let answer = peer.answer().expect("an answer");
            assert!(answer.contains(&format!("|M{number}|")), "{answer}");
        }
        acknowledged = sent;
    }
    assert_eq!(sent, count);
    assert_kept(&server, count);
}

/// An authority with a certificate for `127.0.0.1`, and one for a sender.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("is written");
    for (authority, names) in [("authority", vec!["server", "sender"]), ("stranger", vec!["other"])] {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        write(&format!("{authority}.pem"), params.self_signed(&key).expect("a certificate").pem());
        let issuer = Issuer::new(params, key);
        for name in names {
            let key = KeyPair::generate().expect("a key");
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
            write(&format!("{name}.pem"), params.signed_by(&key, &issuer).expect("a certificate").pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
    }
}

/// Sends a message to this machine.
async fn send(address: &str, tls: Option<&ClientTls>, message: &str) -> Result<Acknowledgement, SendError> {
    let reach = Reach::with_this_machine();
    mllp::send(Receiver { address, tls, reach: &reach }, message.as_bytes(), Duration::from_secs(20)).await
}

fn files(folder: &Path, name: &str) -> TlsFiles {
    TlsFiles {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
        client_authority: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_certificates_of_senders() {
    let tls = "tls = { certificate = \"server.pem\", key = \"server.key\", client_authority = \"authority.pem\" }";
    let server = Server::serve(&listener(tls), certificates);
    let (address, folder) = (server.mllp[0].as_str(), server.data.as_path());
    let send_over_tls = async |authority: &str, own: Option<&str>, number: u32| {
        let own = own.map(|name| files(folder, name));
        let tls = ClientTls::new(&folder.join(authority), own.as_ref()).expect("usable");
        let message = document("T02", &format!("C{number}"), &format!("D-{number}"), "ASSESSMENT: Gout.");
        send(address, Some(&tls), &message).await
    };
    let answer = send_over_tls("authority.pem", Some("sender"), 1).await.expect("an answer");
    assert!(answer.is_accepted() && answer.control_id == "C1");
    for (authority, own) in [("authority.pem", None), ("authority.pem", Some("other")), ("stranger.pem", Some("sender"))] {
        let refused = send_over_tls(authority, own, 2).await;
        assert!(matches!(refused, Err(SendError::Connection(_) | SendError::NoAnswer)), "{authority} {own:?}: {refused:?}");
    }
    let message = document("T02", "C3", "D-3", "ASSESSMENT: Gout.");
    let plain = send(address, None, &message).await;
    assert!(plain.is_err(), "{plain:?}");
    assert_eq!(server.gauge("abstractor_notes"), 1);
    assert!(ClientTls::new(&folder.join("sender.key"), None).is_err(), "a key is no authority");
    assert!(ClientTls::new(&folder.join("nothing.pem"), None).is_err());
}

/// Takes messages with `hl7.mllp`, reads them with `hl7.parse` and answers; prints its port, then a line of JSON for each message.
const RECEIVE: &str = "
import asyncio, json, sys
from hl7.mllp import start_hl7_server
async def take(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            rows = lambda name: [[str(field) for field in segment] for segment in message if str(segment[0]) == name]
            print(json.dumps({'kind': message.extract_field('MSH', 1, 9), 'trigger': message.extract_field('MSH', 1, 9, 1, 2),
                'patient': rows('PID'), 'visit': rows('PV1'), 'segments': [str(segment[0]) for segment in message]}), flush=True)
            code = 'AE' if message.extract_field('MSH', 1, 10) == 'REFUSE' else 'AA'
            writer.writemessage(message.create_ack(code))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await start_hl7_server(take, '127.0.0.1', 0, encoding='utf-8')
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()
asyncio.run(main())
";

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_receiver_takes_our_abstracts() {
    use std::io::BufRead as _;
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    assert!(python.exists(), "the package hl7 is not installed: `tests/run` does it");
    let mut child =
        Command::new(python).args(["-c", RECEIVE]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Python starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("its output")).lines();
    let port = lines.next().expect("a line").expect("a port");
    let address = format!("127.0.0.1:{port}");
    let item = ReviewItem {
        id: uuid::Uuid::from_u128(1),
        encounter: Some("V|9".to_owned()),
        patient: Some(Patient { id: "4711".to_owned(), name: Some("O^Neil, Zoë".to_owned()), ..Patient::default() }),
        patient_id: None,
        encounter_class: Some(EncounterClass::Inpatient),
        facility: None,
        department: None,
        restricted: false,
        labels: abstractor::domain::Sensitivities::NONE,
        source: None,
        priority: abstractor::domain::Priority::Routine,
        payer_class: None,
        team: None,
        state: ItemState::Finished,
        claimed_by: None,
        claimed_until: None,
        assigned_to: None,
        escalated: false,
        pended_until: None,
        place_reason: None,
        summary: None,
        revision: 1,
        notes: Vec::new(),
        pending_notes: 0,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    for (format, name, trigger) in [
        (AbstractFormat::Dft, "dft", "P03"),
        (AbstractFormat::Bar, "bar", "P05"),
        (AbstractFormat::Mdm, "mdm", "T02"),
        (AbstractFormat::Oru, "oru", "R01"),
    ] {
        let settings: HL7Destination =
            serde_json::from_value(serde_json::json!({"format": name, "receiving_application": "BILLING"})).expect("settings");
        assert_eq!(settings.format, format);
        let stamp = Stamp { control_id: name, at: jiff::Timestamp::UNIX_EPOCH };
        let message = abstract_message(&settings, &item, &[], stamp);
        let answer = send(&address, None, &message).await.expect("an answer");
        assert!(answer.is_accepted(), "{answer:?}");
        let read: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
        assert_eq!(read["trigger"], trigger);
        assert_eq!(read["patient"][0][3], "4711");
        assert_eq!(read["patient"][0][5], "O\\S\\Neil^Zoë");
        assert_eq!(read["visit"][0][19], "V\\F\\9");
    }
    let stamp = Stamp { control_id: "REFUSE", at: jiff::Timestamp::UNIX_EPOCH };
    let settings: HL7Destination = serde_json::from_value(serde_json::json!({"format": "bar"})).expect("settings");
    let message = abstract_message(&settings, &item, &[], stamp);
    let answer = send(&address, None, &message).await.expect("an answer");
    assert!(!answer.is_accepted() && answer.code == "AE", "{answer:?}");
    child.kill().expect("is ended");
    let _ = child.wait();
    let gone = send(&address, None, &message).await;
    assert!(matches!(gone, Err(SendError::Connection(_))), "{gone:?}");
}
