//! No way out is even tried: a service at its work, where no other machine can be reached, with every call of the system watched by which
//! something is sent or connected to.

use std::{
    net::{IpAddr, SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use regex::Regex;
use serde_json::json;

use super::{
    routes::{Asked, Route, answer, endpoints, pages, session},
    server::{Server, is_root},
};

/// What is tried on purpose at the end, so that it is known that a try is seen.
const ON_PURPOSE: &str = "192.0.2.77";

/// The calls by which something is sent or connected to, of all threads and programs.
const WATCH: &str = "ip link set lo up && exec strace -f -qq --seccomp-bpf -e trace=connect,sendto,sendmsg,sendmmsg -e signal=none -o \"$1\" \
                     \"$2\" --exact egress::what_a_service_does --ignored --nocapture --test-threads 1";

/// Lines of the watch that lead off this machine, or ask for a name.
fn tries(trace: &str) -> Vec<&str> {
    let address = Regex::new(r#"(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)""#).expect("a pattern");
    let leads_out = |line: &&str| {
        let asks_for_a_name = line.contains("htons(53)") || line.contains("/nscd/");
        let mut to = address.captures_iter(line).map(|found| found[1].parse::<IpAddr>().expect("an address").to_canonical());
        asks_for_a_name || to.any(|to| !to.is_loopback())
    };
    trace.lines().filter(leads_out).collect()
}

#[test]
fn the_reader_of_the_watch_knows_what_leads_out() {
    let trace = r#"
1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
1 sendto(4, "x", 1, 0, NULL, 0) = 1
1 connect(4, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0
1 connect(4, {sa_family=AF_INET6, sin6_port=htons(9), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
2 connect(4, {sa_family=AF_INET6, sin6_port=htons(9), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28 <unfinished ...>
2 sendto(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 1
2 connect(4, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
2 connect(3, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("10.0.0.1")}, 16) = -1 ENETUNREACH (Network is unreachable)
"#;
    let found = tries(trace);
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|line| line.starts_with('2')), "{found:?}");
}

#[test]
fn nothing_is_said_to_anybody_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let mut apart = Command::new("unshare");
    apart.arg("--net");
    if !is_root() {
        apart.arg("--map-root-user");
    }
    let tests = std::env::current_exe().expect("this program");
    let done = apart.args(["sh", "-c", WATCH, "sh"]).arg(&trace).arg(tests).output().expect("unshare, of util-linux, is there");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(
        done.status.success() && said.contains("1 passed"),
        "it must be run where it can have a network of its own: {said}"
    );
    let trace = std::fs::read_to_string(&trace).expect("the watch was written");
    assert!(trace.lines().count() > 100, "the watch saw nearly nothing: {trace}");
    let (on_purpose, tried): (Vec<&str>, Vec<&str>) = tries(&trace).into_iter().partition(|line| line.contains(ON_PURPOSE));
    assert_eq!(on_purpose.len(), 1, "a try is seen");
    assert!(tried.is_empty(), "a way out was tried:\n{}", tried.join("\n"));
}

/// Every page and endpoint that is read, by everybody.
fn read_everything(server: &Server, item: &str) {
    for role in ["submitter", "coder", "lead", "auditor", "admin"] {
        let mut who = vec![("authorization", format!("Bearer {}", server.tokens[role]))];
        if role != "submitter" {
            who.push(("cookie", session(server, role)));
        }
        let read = endpoints(server).into_iter().chain(pages()).filter(|route| route.method == "GET");
        for Route { method, pattern } in read {
            let address = Route { method: method.clone(), pattern }.address(item);
            let reply = answer(server, &Asked { method: &method, address: &address, headers: who.clone(), body: None });
            assert!(reply.status < 500 || reply.status == 503, "{address}: {}", reply.text);
        }
    }
}

#[test]
#[ignore = "nothing_is_said_to_anybody_outside runs it where there is no way out"]
fn what_a_service_does() {
    // the demo: model, dictionary, codes by meaning, the notes of every kind
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().to_str().expect("a plain path");
    let server = Server::with_notes_and(&["--similarity", "on", "--cache", cache]);
    let items = server.call("GET", "/v1/review/items", "coder", None).json();
    let item = items["items"][0]["id"].as_str().expect("an item").to_owned();
    let text =
        json!({"text": "ASSESSMENT: Elevated blood sugar, trouble breathing.\nMEDICATIONS: metformin 500 mg twice daily."});
    assert_eq!(server.call("POST", "/v1/extract", "coder", Some(text.to_string().as_bytes())).status, 200);
    for query in ["/v1/codes?query=heart+attack", "/codes?query=sugar"] {
        assert!(server.call("GET", query, "coder", None).status < 400);
    }
    read_everything(&server, &item);
    drop(server);

    // and the service as a site starts it
    let mut server = Server::serve("", |_| {});
    let note = server.post_note(&json!({"text": "ASSESSMENT: Gout.", "patient": {"id": "P-1"}}));
    server.extraction(&note);
    read_everything(&server, &note);
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(60)), Some(0));

    let elsewhere: SocketAddr = format!("{ON_PURPOSE}:7").parse().expect("an address");
    assert!(TcpStream::connect_timeout(&elsewhere, Duration::from_secs(2)).is_err(), "there is a way out");
}
