//! TLS of HTTP from outside: what is shown and taken, certificates that change while it runs, clients that have to show one, and no plain
//! HTTP for other machines.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use abstractor::network::{ClientTls, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::server::{Server, program, wait_until};

const PLAIN: &str = "[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";

/// A connection over TLS.
type Stream = StreamOwned<ClientConnection, TcpStream>;

/// An authority with certificates for the server and two clients, and a stranger with one for a client.
fn certificates(folder: &Path) {
    let write = |name: String, text: String| std::fs::write(folder.join(name), text).expect("is written");
    let clients = [("emr", "emr.example"), ("other", "other.example")];
    for (authority, named) in
        [("authority", &[("server", "127.0.0.1"), clients[0], clients[1]][..]), ("stranger", &[("forged", "emr.example")])]
    {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        write(format!("{authority}.pem"), parameters.self_signed(&key).expect("signs itself").pem());
        let issuer = Issuer::new(parameters, key);
        for (file, name) in named {
            let key = KeyPair::generate().expect("a key");
            let parameters = CertificateParams::new(vec![(*name).to_owned()]).expect("parameters");
            write(format!("{file}.pem"), parameters.signed_by(&key, &issuer).expect("is signed").pem());
            write(format!("{file}.key"), key.serialize_pem());
        }
    }
}

/// A certificate of the server that signs itself.
fn another_certificate(folder: &Path) {
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = parameters.self_signed(&key).expect("signs itself").pem();
    for (name, text) in [("server.pem", &certificate), ("authority.pem", &certificate), ("server.key", &key.serialize_pem())] {
        std::fs::write(folder.join(name), text).expect("is written");
    }
}

fn address(server: &Server) -> &str {
    server.url.strip_prefix("https://").expect("it speaks TLS")
}

/// What a client trusts and shows.
fn config(server: &Server, own: Option<&str>) -> ClientConfig {
    let file = |name: &str, kind: &str| server.data.join(format!("{name}.{kind}"));
    let files = own.map(|own| TlsFiles { certificate: file(own, "pem"), key: file(own, "key"), client_authority: None });
    let tls = ClientTls::new(&file("authority", "pem"), files.as_ref()).expect("can be used");
    Arc::unwrap_or_clone(tls.config())
}

/// Connects and shakes hands; fails where the server's certificate is not of the authority.
fn connect(server: &Server, config: ClientConfig) -> io::Result<Stream> {
    connect_to(address(server), config)
}

fn connect_to(address: &str, config: ClientConfig) -> io::Result<Stream> {
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a client"), socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Asks over a connection that is kept, and reads the answer to its end by its length.
fn ask(stream: &mut Stream, request: &str) -> io::Result<(u16, String)> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok((head[9..12].parse().expect("a status"), text));
        }
    }
}

/// The head of a request; what is given are lines of it, or its body after an empty line.
fn request(what: &str, more: &str) -> String {
    let (lines, body) = more.split_once("\n\n").unwrap_or((more, ""));
    let lines: String = lines.lines().map(|line| format!("{line}\r\n")).collect();
    format!("{what} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n{lines}\r\n{body}", body.len())
}

/// One request over a connection of its own, with the certificate of this name.
fn asked(server: &Server, own: Option<&str>, request: &str) -> io::Result<(u16, String)> {
    ask(&mut connect(server, config(server, own))?, request)
}

fn bearer(server: &Server, user: &str) -> String {
    format!("authorization: Bearer {}", server.tokens[user])
}

#[test]
fn api_and_pages_are_served_over_tls_of_today_and_nothing_in_clear() {
    let server = Server::serve(PLAIN, certificates);
    let (status, answer) = asked(&server, None, &request("GET /health/ready", "")).expect("answers");
    assert_eq!(status, 200);
    assert!(answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{answer}");
    assert_eq!(asked(&server, None, &request("GET /v1/notes/none", &bearer(&server, "submitter"))).expect("answers").0, 404);
    assert_eq!(asked(&server, None, &request("GET /sign-in", "")).expect("answers").0, 200);

    let mut offers = config(&server, None);
    offers.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut stream = connect(&server, offers.clone()).expect("connects");
    assert_eq!(ask(&mut stream, &request("GET /health/live", "")).expect("answers").0, 200);
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    offers.alpn_protocols = vec![b"h2".to_vec()];
    assert!(connect(&server, offers).is_err(), "HTTP/2 is not spoken");

    // the greeting of a client that knows TLS 1.1 and nothing newer
    let mut hello = vec![1, 0, 0, 43, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).expect("short");
    hello[3] = length - 4;
    let mut old = TcpStream::connect(address(&server)).expect("connects");
    old.set_read_timeout(Some(Duration::from_secs(20))).expect("is told");
    old.write_all(&[&[22, 3, 1, 0, length][..], &hello].concat()).expect("sends");
    let mut alert = Vec::new();
    let _ = old.read_to_end(&mut alert);
    // handshake_failure or protocol_version
    assert!(alert.first() == Some(&21) && matches!(alert.get(6), Some(40 | 70)), "an alert: {alert:?}");

    let mut plain = TcpStream::connect(address(&server)).expect("connects");
    plain.set_read_timeout(Some(Duration::from_secs(20))).expect("is told");
    plain.write_all(request("GET /health/live", "").as_bytes()).expect("sends");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&said));

    let configuration = server.data.join("abstractor.toml");
    let configuration = configuration.to_str().expect("a plain path");
    let health = program(&["health", "--listen", address(&server), "--config", configuration], b"");
    assert!(health.status.success(), "{}", String::from_utf8_lossy(&health.stderr));
    let key = server.data.join("demo.key");
    let options =
        ["--listen", address(&server), "--config", configuration, "--recognizers", "dictionary", "--json", "--key-file"];
    let doctor = server.try_tool("doctor", &[&options[..], &[key.to_str().expect("a plain path")]].concat());
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("a service of this version answers") && told.contains("and holds until"), "{told}");
}

#[test]
fn a_slow_handshake_holds_up_nobody_and_ends() {
    let server = Server::serve(PLAIN, certificates);
    let mut slow: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address(&server)).expect("connects")).collect();
    for stream in &mut slow {
        // the head of a record, and then nothing
        stream.write_all(&[22, 3, 1, 0, 200]).expect("sends");
    }
    for _ in 0..10 {
        let started = Instant::now();
        assert_eq!(asked(&server, None, &request("GET /health/ready", "")).expect("answers").0, 200);
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
    let started = Instant::now();
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("is told");
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(!ended.is_err_and(|error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)));
    }
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
}

#[test]
fn connections_that_shake_hands_count_against_the_bound() {
    let server = Server::serve(&format!("{PLAIN}[limits]\nconnections = 3\n"), certificates);
    let silent: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address(&server)).expect("connects")).collect();
    wait_until("the fourth is refused", Duration::from_secs(5), || {
        asked(&server, None, &request("GET /sign-in", "")).is_ok_and(|(status, _)| status == 503)
    });
    assert_eq!(asked(&server, None, &request("GET /health/ready", "")).expect("answers").0, 200, "who watches is answered");
    drop(silent);
    wait_until("there is room again", Duration::from_secs(10), || {
        asked(&server, None, &request("GET /sign-in", "")).is_ok_and(|(status, _)| status == 200)
    });
}

#[test]
fn a_new_certificate_is_taken_without_a_restart_and_a_bad_one_never() {
    let server = Server::serve(PLAIN, certificates);
    let mut kept = connect(&server, config(&server, None)).expect("connects");
    assert_eq!(ask(&mut kept, &request("GET /health/live", "")).expect("answers").0, 200);
    let gauge = |server: &Server, name: &str| {
        let (_, text) = asked(server, None, &request("GET /metrics", &bearer(server, "admin"))).expect("answers");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect("is told");
        line.parse::<f64>().expect("a number")
    };
    assert!(gauge(&server, "abstractor_certificate_days") > 365.0);

    another_certificate(&server.data);
    // the authority that is trusted now has signed the new one alone
    wait_until("the new one is shown", Duration::from_secs(60), || connect(&server, config(&server, None)).is_ok());
    assert_eq!(ask(&mut kept, &request("GET /health/live", "")).expect("answers").0, 200, "what was open stays open");
    assert!(server.log().contains("the certificate was changed and is in use"), "{}", server.log());

    std::fs::copy(server.data.join("emr.key"), server.data.join("server.key")).expect("is copied");
    wait_until("it is refused", Duration::from_secs(60), || {
        (gauge(&server, "abstractor_certificates_refused") - 1.0).abs() < f64::EPSILON
    });
    assert_eq!(asked(&server, None, &request("GET /health/ready", "")).expect("answers").0, 200, "the one before holds on");
    assert!(server.log().contains("the changed certificate cannot be used"), "{}", server.log());
}

#[test]
fn the_certificate_of_an_hl7_listener_changes_without_a_restart_too() {
    let listener =
        "[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"emr\"\ntls = { certificate = \"server.pem\", key = \"server.key\" }\n";
    let server = Server::serve(listener, certificates);
    let before = connect_to(&server.mllp[0], config(&server, None)).expect("connects");
    another_certificate(&server.data);
    wait_until("the new one is shown", Duration::from_secs(60), || connect_to(&server.mllp[0], config(&server, None)).is_ok());
    assert!(server.call("GET", "/metrics", "admin", None).text.lines().any(|line| {
        line.strip_prefix("abstractor_certificate_days ").is_some_and(|days| days.parse::<f64>().is_ok_and(|days| days > 365.0))
    }));
    drop(before);
}

#[test]
fn a_token_bound_to_a_certificate_is_worth_nothing_without_it() {
    let bound = "client_authority = \"authority.pem\"\nclients = { emr = [\"emr.example\"], coder = [\"emr.example\"] }\n";
    let server = Server::serve(&format!("{PLAIN}{bound}"), certificates);
    let call = |own: Option<&str>, user: &str| {
        let (status, answer) = asked(&server, own, &request("GET /v1/vocabularies", &bearer(&server, user))).expect("answers");
        (status, answer.contains("certificate_required"))
    };
    assert_eq!(call(Some("emr"), "submitter"), (200, false), "the submitter is the user emr");
    assert_eq!(call(None, "submitter"), (403, true));
    assert_eq!(call(Some("other"), "submitter"), (403, true));
    assert_eq!(call(None, "lead"), (200, false), "who is not named needs none");
    assert!(asked(&server, Some("forged"), &request("GET /v1/vocabularies", &bearer(&server, "submitter"))).is_err());

    // the pages too: neither a sign-in nor a session gets around it
    let form = format!("content-type: application/x-www-form-urlencoded\n\ncode={}", server.tokens["coder"]);
    assert_eq!(asked(&server, None, &request("POST /sign-in", &form)).expect("answers").0, 401);
    let told = server.tool("audit", &["report"]);
    assert!(told.contains("sign_in.failed") && !told.contains("sign_in.succeeded"), "{told}");
    let (status, answer) = asked(&server, Some("emr"), &request("POST /sign-in", &form)).expect("answers");
    assert_eq!(status, 303, "{answer}");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let cookie = format!("cookie: {}", cookie.split(';').next().expect("a value"));
    assert_eq!(asked(&server, Some("emr"), &request("GET /queue", &cookie)).expect("answers").0, 200);
    let (status, answer) = asked(&server, None, &request("GET /queue", &cookie)).expect("answers");
    assert!(status == 303 && answer.contains("location: /sign-in"), "{answer}");
    assert!(server.log().contains("a live token came without the certificate of its user"));
}

#[test]
fn where_a_certificate_is_required_health_alone_is_told_without_one() {
    let required = "client_authority = \"authority.pem\"\nrequire_client_certificate = true\n";
    let server = Server::serve(&format!("{PLAIN}{required}"), certificates);
    assert_eq!(asked(&server, None, &request("GET /health/ready", "")).expect("answers").0, 200);
    for path in ["/sign-in", "/openapi.json", "/metrics", "/v1/vocabularies", "/fhir/metadata", "/nowhere"] {
        let (status, answer) =
            asked(&server, None, &request(&format!("GET {path}"), &bearer(&server, "admin"))).expect("answers");
        assert!(status == 403 && answer.contains("certificate_required"), "{path}: {answer}");
    }
    let with = asked(&server, Some("other"), &request("GET /metrics", &bearer(&server, "admin"))).expect("answers");
    assert_eq!(with.0, 200);
}

#[test]
fn without_tls_no_other_machine_is_listened_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let (data, key, configuration) = (path("data"), path("no.key"), path("abstractor.toml"));
    let said = |options: &[&str]| {
        let serve = ["serve", "--data", &data, "--key-file", &key, "--recognizers", "dictionary"];
        let output = program(&[&serve[..], options].concat(), b"");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let refusal = said(&["--listen", listen]);
        assert!(refusal.contains("is open to other machines") && refusal.contains("--behind-proxy"), "{refusal}");
    }
    // the next thing that is missing is the key
    std::fs::write(&configuration, "[tls]\nbehind_proxy = true\n").expect("is written");
    for options in [
        &["--listen", "127.0.0.1:0"][..],
        &["--listen", "0.0.0.0:0", "--behind-proxy"],
        &["--listen", "0.0.0.0:0", "--config", &configuration],
    ] {
        let refusal = said(options);
        assert!(!refusal.contains("is open to other machines") && refusal.contains("no.key"), "{options:?}: {refusal}");
    }
    std::fs::write(&configuration, PLAIN).expect("is written");
    let refusal = said(&["--listen", "0.0.0.0:0", "--config", &configuration]);
    assert!(refusal.contains("cannot read a certificate"), "{refusal}");
}
