//! The examples of clients, as an integrator would use them: types made from `openapi.json`, checked strictly, and run against a server.

use std::{path::Path, process::Command};

use super::server::Server;

/// What both examples print.
const PRINTED: &str = "\
entry: diagnosis E11.9 Type 2 diabetes mellitus without complications: present: Type 2 diabetes mellitus
entry: diagnosis I10 Essential (primary) hypertension: present: hypertension
entry: diagnosis J18.9 Pneumonia, unspecified organism: absent: pneumonia
entry: medication 6809 metformin: active: Metformin
entry: allergy 7984 penicillin: present: Penicillin
webhook: verified
version 1: replaced, version 2: current
line 1: stored
line 2: empty_note
line 3: stored
taken back: retracted
decided twice on one reading: stale_revision
review: 5 decisions, finished
";

/// Runs the commands that `examples/README.md` gives for a language, after those that install, in its folder; what they printed.
fn follow(language: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("examples/README.md")).expect("reads");
    let section = document.split("\n## ").find(|section| section.starts_with(language)).expect("a section");
    let commands = section.split("```sh\n").nth(2).and_then(|rest| rest.split("```").next()).expect("the commands that run it");
    let server = Server::empty();
    let output = Command::new("sh")
        .args(["-ec", &format!("PATH=\"$PEERS:$PATH\"\n{commands}")])
        .current_dir(root.join("examples").join(language.to_lowercase()))
        .env("PEERS", root.join("target/peers/bin"))
        .env("ABSTRACTOR_URL", &server.url)
        .envs(["submitter", "coder", "admin"].map(|role| (role.to_uppercase(), &server.tokens[role])))
        .output()
        .expect("a shell");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{said}\n`tests/run` installs what the examples need");
    printed
}

#[test]
fn the_python_client_goes_the_whole_way() {
    let printed = follow("Python");
    assert!(printed.ends_with(PRINTED), "{printed}");
}

#[test]
fn the_typescript_client_goes_the_whole_way() {
    let printed = follow("TypeScript");
    assert!(printed.ends_with(PRINTED), "{printed}");
}
