//! What comes over a connection from somebody who means harm: requests that two readers read in two ways, heads without an end, senders that
//! are slow on purpose. Each request has one answer at most, and the others are served meanwhile.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::{
    limits::is_refused,
    server::{Server, is_long_tier},
};

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::shared(&[]))
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("is told");
    stream
}

/// Sends bytes and gives what is said until the other side ends, or says nothing for a while.
fn said(bytes: &[u8], patience: Duration) -> String {
    let mut stream = connect(server());
    stream.set_read_timeout(Some(patience)).expect("is told");
    // a server that has heard enough may have closed already
    let _ = stream.write_all(bytes);
    let mut text = Vec::new();
    // what was read before an error is kept
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// How long is waited for an answer that must not come.
const A_LITTLE: Duration = Duration::from_secs(2);
/// How long is waited for the end of a connection that ends.
const LONG: Duration = Duration::from_secs(20);

/// The statuses of all answers, in their order.
fn statuses(text: &str) -> Vec<u16> {
    let after = text.match_indices("HTTP/1.").filter(|(at, _)| *at == 0 || text[..*at].ends_with(['\n', '}', '>']));
    after.filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok()).collect()
}

/// A request that must never be answered: it stands within another one.
const SMUGGLED: &str = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";

fn still_serves() {
    let started = Instant::now();
    assert_eq!(server().call("GET", "/health/ready", "", None).status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn the_reader_of_answers_sees_every_one() {
    let get = "GET /health/live HTTP/1.1\r\nhost: x\r\n";
    let two = format!("{get}\r\n{get}connection: close\r\n\r\n");
    assert_eq!(statuses(&said(two.as_bytes(), LONG)), [200, 200], "two requests have two answers");
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_ends() {
    let get = "GET /health/live HTTP/1.1\r\n";
    let post = "POST /v1/notes HTTP/1.1\r\nhost: x\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    let cases: Vec<(&str, String)> = vec![
        ("HTTP/0.9", "GET /health/live\r\n".to_owned()),
        ("a version that is none", "GET /health/live HTTP/7.3\r\nhost: x\r\n\r\n".to_owned()),
        ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no Host", format!("{get}\r\n")),
        ("two Hosts", format!("{get}host: x\r\nhost: y\r\n\r\n")),
        ("a Host with a path", format!("{get}host: x/y\r\n\r\n")),
        ("a space before the colon", format!("{get}host: x\r\ncontent-length : 3\r\n\r\nabc")),
        ("a folded header", format!("{get}host: x\r\nx-a: b\r\n c: d\r\n\r\n")),
        ("a NUL in a header", format!("{get}host: x\r\nx-a: b\0c\r\n\r\n")),
        ("a NUL in a name", format!("{get}host: x\r\nx\0a: b\r\n\r\n")),
        ("a control character in the address", "GET /health\x01live HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()),
        ("a carriage return in a header", format!("{get}host: x\r\nx-a: b\rc: d\r\n\r\n")),
        ("two lengths", format!("{post}content-length: 3\r\ncontent-length: 44\r\n\r\nabc")),
        ("two lengths in one", format!("{post}content-length: 3, 3\r\n\r\nabc")),
        ("a length with a sign", format!("{post}content-length: +3\r\n\r\nabc")),
        ("a length below nothing", format!("{post}content-length: -1\r\n\r\n")),
        ("a length that overflows", format!("{post}content-length: 99999999999999999999999\r\n\r\n")),
        ("a coding that is not chunked", format!("{post}transfer-encoding: identity\r\ncontent-length: 3\r\n\r\nabc")),
        ("a coding that looks like chunked", format!("{post}transfer-encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")),
        ("chunked twice", format!("{post}{chunked}{chunked}\r\n3\r\nabc\r\n0\r\n\r\n")),
        ("another coding around chunked", format!("{post}transfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")),
        ("chunked in HTTP/1.0", format!("POST /v1/notes HTTP/1.0\r\nhost: x\r\n{chunked}\r\n3\r\nabc\r\n0\r\n\r\n")),
        ("a tunnel", "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 169.254.169.254:80\r\n\r\n".to_owned()),
        ("a hundred and fifty headers", format!("{get}host: x\r\n{}\r\n", "a: b\r\n".repeat(150))),
        ("a header of a megabyte", format!("{get}host: x\r\na: {}\r\n\r\n", "b".repeat(1_000_000))),
        ("an address of a megabyte", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1_000_000))),
    ];
    for (name, bytes) in cases {
        // what stands behind it is never taken for a request
        let text = said(format!("{bytes}{SMUGGLED}").as_bytes(), A_LITTLE);
        let found = statuses(&text);
        assert!(found.len() <= 1, "{name}: {text}");
        assert!(found.iter().all(|status| [400, 405, 408, 413, 414, 431, 501, 505].contains(status)), "{name}: {text}");
        assert!(!text.contains("\"openapi\""), "{name}: {text}");
        still_serves();
    }
}

#[test]
fn one_request_has_one_answer_whatever_it_says_of_its_length() {
    let hidden = SMUGGLED.len();
    let post = "POST /v1/notes HTTP/1.1\r\nhost: x\r\n";
    let cases: Vec<(&str, String)> = vec![
        (
            "length, then chunked",
            format!("{post}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}", hidden + 5),
        ),
        ("chunked, then length", format!("{post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{SMUGGLED}")),
        (
            "a body that is a request",
            format!("GET /health/live HTTP/1.1\r\nhost: x\r\ncontent-length: {hidden}\r\n\r\n{SMUGGLED}"),
        ),
        (
            "the same length twice",
            format!(
                "GET /health/live HTTP/1.1\r\nhost: x\r\ncontent-length: {hidden}\r\ncontent-length: {hidden}\r\n\r\n{SMUGGLED}"
            ),
        ),
        ("a request in a chunk", format!("{post}transfer-encoding: chunked\r\n\r\n{hidden:x}\r\n{SMUGGLED}\r\n0\r\n\r\n")),
        (
            "a request in an extension",
            format!("{post}transfer-encoding: chunked\r\n\r\n1;a=\"\n{SMUGGLED}\"\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "extensions without an end",
            format!("{post}transfer-encoding: chunked\r\n\r\n1;{}\r\nx\r\n0\r\n\r\n{SMUGGLED}", "a".repeat(100_000)),
        ),
        (
            "a chunk of more than there is",
            format!("{post}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n{SMUGGLED}"),
        ),
        ("a chunk size that is none", format!("{post}transfer-encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n{SMUGGLED}")),
        (
            "a chunk that is longer than it says",
            format!("{post}transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n{SMUGGLED}"),
        ),
        (
            "trailers without an end",
            format!("{post}transfer-encoding: chunked\r\n\r\n0\r\n{}\r\n{SMUGGLED}", "a: b\r\n".repeat(10_000)),
        ),
        (
            "an upgrade to HTTP/2",
            format!(
                "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\ncontent-length: {hidden}\r\n\r\n{SMUGGLED}"
            ),
        ),
    ];
    for (name, bytes) in cases {
        let text = said(bytes.as_bytes(), A_LITTLE);
        let found = statuses(&text);
        assert!(found.len() <= 1, "{name}: {text}");
        assert!(!text.contains("\"openapi\"") && !found.contains(&101), "{name}: {text}");
        still_serves();
    }
}

#[test]
fn what_http_allows_is_understood() {
    // the host of the address counts, and it is served here, not passed on
    let text = said(
        b"GET http://elsewhere.example/health/live HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n",
        LONG,
    );
    assert_eq!(statuses(&text), [200], "{text}");
    let text = said(b"GET /health/live HTTP/1.0\r\n\r\n", LONG);
    assert_eq!(statuses(&text), [200], "{text}");
    let note = r#"{"text":"ASSESSMENT: Gout.","external_id":"in-pieces"}"#;
    let head = format!(
        "POST /v1/notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        server().tokens["submitter"]
    );
    let (first, second) = note.split_at(10);
    let body = format!("{:x}\r\n{first}\r\n{:x};an=extension\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let text = said(format!("{head}{body}").as_bytes(), LONG);
    assert_eq!(statuses(&text), [202], "{text}");
    assert!(text.to_lowercase().contains("connection: close"), "{text}");
}

#[test]
fn slow_senders_hold_up_nobody() {
    let server = Server::serve("[limits]\nrequest_seconds = 3\nextraction_seconds = 2\n", |_| {});
    let token = &server.tokens["submitter"];
    let mut heads: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    let mut bodies: Vec<TcpStream> = (0..50).map(|_| connect(&server)).collect();
    for stream in &mut heads {
        stream.write_all(b"GET /v1/notes HTTP/1.1\r\nhost: x\r\n").expect("sends");
    }
    for stream in &mut bodies {
        let head =
            format!("POST /v1/notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 100000\r\n\r\n{{");
        stream.write_all(head.as_bytes()).expect("sends");
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        for stream in &mut heads {
            let _ = stream.write_all(b"x-a: b\r\n");
        }
        for stream in &mut bodies {
            let _ = stream.write_all(b" ");
        }
        let started = Instant::now();
        assert_eq!(server.call("GET", "/v1/review/items", "coder", None).status, 200);
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
    // a body that does not come is given up when the request may take no longer
    for mut stream in bodies {
        let mut text = Vec::new();
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is told");
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        // an answer that meets what is still sent is lost with the connection
        assert!(matches!(statuses(&text)[..], [] | [503]), "{text}");
    }
    assert!(is_refused(&server, "deadline"));
    if is_long_tier() {
        for mut stream in heads {
            let mut text = Vec::new();
            stream.set_read_timeout(Some(Duration::from_secs(120))).expect("is told");
            let ended = stream.read_to_end(&mut text);
            assert!(ended.is_ok(), "a head that does not come to its end is given up: {ended:?}");
        }
    }
}
