//! Configurations as somebody might write them.

use std::path::Path;

use super::Configuration;
use crate::fuzzing::{Damaged, Seeds, fuzz};

const FILES: Seeds<'_> = Seeds {
    good: &[
        b"public_url = \"https://abstractor.example/\"\ntexts = \"de.ftl\"\n[[mllp]]\nlisten = \"127.0.0.1:2575\"\nuser = \"emr\"\nallow = [\"10.0.0.0/8\", \"::1\"]\n\
          max_message = 4_000_000\nmax_connections = 64\nidle_seconds = 600\ntls = { certificate = \"c.pem\", key = \"k.pem\", client_authority = \"a.pem\" }\n",
        b"[limits]\nconnections = 1000\nrequests = 100\nrequests_per_second = 50\nwaiting_notes = 1000\nrequest_seconds = 30\nextraction_seconds = 60\n\
          [stop]\nlinger_seconds = 5\n[traces]\nendpoint = \"http://127.0.0.1:4318\"\nshare = 0.5\n",
    ],
    telling: b"[]{}=\"'.,_#-+0179einfx\\ \n\xff",
};

#[test]
fn files() {
    fuzz!("configuration", Quick, Damaged, |input: &Damaged| {
        if let Err(message) = Configuration::parse(&input.text(FILES), Path::new("/etc/abstractor")) {
            assert!(!message.is_empty());
        }
    });
}

/// What nests without end or is written in huge numbers is refused, not run out of memory or stack for.
#[test]
fn bombs_are_refused() {
    let refused = |text: &str| Configuration::parse(text, Path::new("/")).is_err();
    assert!(refused(&format!("public_url = {}", "[".repeat(200_000))));
    assert!(refused(&format!("public_url = {}", "{a=".repeat(200_000))));
    assert!(refused(&format!("[{}]", ["a"; 100_000].join("."))));
    assert!(refused(&format!("{} = 1", ["a"; 100_000].join("."))));
    assert!(refused(&format!("[limits]\nconnections = {}", "9".repeat(100_000))));
    assert!(refused("[limits]\nconnections = 18446744073709551615\n"));
    assert!(refused("[limits]\nrequests = 1\nrequests = 2\n"), "a field that stands twice");
}
