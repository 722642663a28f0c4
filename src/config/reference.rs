//! Every setting of the configuration file, for people: what it means, and its default. A test holds it against what is read.

/// A table of the file.
#[derive(Debug)]
pub struct Table {
    /// Its header, as it stands in the file; empty for what stands before every table.
    pub header: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// Its default, else an example, as TOML.
    pub value: &'static str,
    /// Whether the value is the default.
    pub holds: Holds,
    /// What it means.
    pub meaning: &'static str,
}

/// What the value of a setting in the reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The default.
    Default,
    /// An example: nothing holds when it is left out.
    Example,
    /// An example: it cannot be left out of its table.
    Needed,
}

const fn setting(key: &'static str, value: &'static str, holds: Holds, meaning: &'static str) -> Setting {
    Setting { key, value, holds, meaning }
}

/// All of them, in the order of a file.
pub const REFERENCE: &[Table] = &[
    Table {
        header: "",
        meaning: "The service. Files that are named lie relative to the folder of this file.",
        settings: &[
            setting(
                "public_url",
                "\"https://abstractor.hospital.example\"",
                Holds::Example,
                "Where the service is reached from outside: the audience that SMART clients assert. Else http:// and its address.",
            ),
            setting(
                "texts",
                "\"texts.ftl\"",
                Holds::Example,
                "Texts of the pages in the site's own words or language; `abstractor texts` prints those there are.",
            ),
        ],
    },
    Table {
        header: "[[mllp]]",
        meaning: "A listener for HL7 messages over MLLP. There may be several tables of this name, and without one there is none.",
        settings: &[
            setting("listen", "\"127.0.0.1:2575\"", Holds::Needed, "Address to listen on."),
            setting(
                "user",
                "\"emr\"",
                Holds::Needed,
                "Login name of a submitter with a source: what comes in counts as sent by this user.",
            ),
            setting("allow", "[\"127.0.0.0/8\", \"::1\"]", Holds::Default, "Addresses and networks that may connect."),
            setting("max_message", "4_000_000", Holds::Default, "Bytes of the longest message, 1 to 64,000,000."),
            setting("max_connections", "64", Holds::Default, "Connections at the same time, 1 to 10,000."),
            setting(
                "idle_seconds",
                "600",
                Holds::Default,
                "A connection that says nothing for so long is closed, 1 to 86,400.",
            ),
        ],
    },
    Table {
        header: "[mllp.tls]",
        meaning: "TLS of the listener above; without it messages come in clear.",
        settings: &[
            setting("certificate", "\"listener.pem\"", Holds::Needed, "Certificate, with those that signed it behind, as PEM."),
            setting("key", "\"listener.key\"", Holds::Needed, "Private key of the certificate, as PEM."),
            setting(
                "client_authority",
                "\"senders.pem\"",
                Holds::Example,
                "Who signs the certificates of senders, as PEM; without it a sender needs none.",
            ),
        ],
    },
    Table {
        header: "[tls]",
        meaning: "TLS of the API and the pages, 1.2 and 1.3; without it they are served in clear, and then to this machine alone, or to a proxy.",
        settings: &[
            setting(
                "certificate",
                "\"server.pem\"",
                Holds::Example,
                "Certificate, with those that signed it behind, as PEM. It is read again when it changes, within a minute.",
            ),
            setting("key", "\"server.key\"", Holds::Example, "Private key of the certificate, as PEM; read again with it."),
            setting(
                "client_authority",
                "\"clients.pem\"",
                Holds::Example,
                "Who signs the certificates of clients, as PEM; without it none is asked for.",
            ),
            setting(
                "require_client_certificate",
                "false",
                Holds::Default,
                "Whether everything but /health/ is refused to who shows no certificate; else it is checked where one is shown.",
            ),
            setting(
                "clients",
                "{ emr = [\"emr.hospital.example\"] }",
                Holds::Example,
                "Users whose tokens and sessions work only over a connection that shows one of these certificates: a host name or URI in it, or its SHA-256 fingerprint.",
            ),
            setting(
                "behind_proxy",
                "false",
                Holds::Default,
                "Whether a reverse proxy ends TLS; without it and without a certificate no other machine is listened to.",
            ),
            setting(
                "trusted_proxies",
                "[]",
                Holds::Default,
                "Addresses and networks of proxies, such as 10.1.2.0/24, whose X-Forwarded-For or Forwarded says from which address somebody signs in; no client may be in one.",
            ),
        ],
    },
    Table {
        header: "[deliveries]",
        meaning: "Where webhooks, FHIR subscriptions and HL7 abstracts may lead.",
        settings: &[setting(
            "allow",
            "[]",
            Holds::Default,
            "Addresses and networks that are not public and may be sent to, such as 10.0.0.0/8; the address of a cloud's metadata by itself alone.",
        )],
    },
    Table {
        header: "[limits]",
        meaning: "What is served at once, and how long it may take; more is refused until there is room again.",
        settings: &[
            setting("connections", "1024", Holds::Default, "Connections that are open at once, 1 to 100,000."),
            setting(
                "requests",
                "512",
                Holds::Default,
                "Requests that are served at once, 1 to 100,000; one client gets at most half of them.",
            ),
            setting(
                "requests_per_second",
                "5000",
                Holds::Default,
                "Requests of one client a second, 1 to 1,000,000; as many may come at once after a second of silence.",
            ),
            setting(
                "waiting_notes",
                "1_000_000",
                Holds::Default,
                "Notes that may wait for their extraction, 1 to 1,000,000,000; more are not taken.",
            ),
            setting(
                "request_seconds",
                "150",
                Holds::Default,
                "How long a request may take until its answer begins, 1 to 3,600; longer than an extraction may, so that its failure is told.",
            ),
            setting("extraction_seconds", "120", Holds::Default, "How long the extraction of one note may take, 1 to 240."),
        ],
    },
    Table {
        header: "[sign_in]",
        meaning: "How people are let in to the pages, and for how long.",
        settings: &[
            setting("idle_minutes", "60", Holds::Default, "A session ends when its user does nothing for so long, 1 to 1,440."),
            setting("session_hours", "12", Holds::Default, "A session ends at the latest after so long, 1 to 168."),
            setting(
                "second_factor",
                "[]",
                Holds::Default,
                "Roles whose users need a second factor, for example [\"admin\", \"lead\"]: who has none yet is asked to set one up first.",
            ),
            setting(
                "failures_per_address",
                "30",
                Holds::Default,
                "Sign-ins and requests for tokens of one address that may fail in an hour, 0 to 100,000; 0 = without a limit.",
            ),
        ],
    },
    Table {
        header: "[stop]",
        meaning: "What happens when the process is told to stop.",
        settings: &[setting(
            "linger_seconds",
            "0",
            Holds::Default,
            "How long requests are still served, 0 to 600, while /health/ready says no, so that a balancer takes the process out first.",
        )],
    },
    Table {
        header: "[traces]",
        meaning: "Who takes traces, by OTLP over HTTP; without this table nobody.",
        settings: &[
            setting(
                "endpoint",
                "\"http://127.0.0.1:4318\"",
                Holds::Needed,
                "Where the collector takes them, without the path: /v1/traces is put behind it.",
            ),
            setting("share", "1.0", Holds::Default, "Share of the requests that are traced, 0 to 1."),
        ],
    },
    Table {
        header: "[shadow]",
        meaning: "What another model, vocabulary or site pack has to show on encounters that coders finished.",
        settings: &[
            setting(
                "required",
                "false",
                Holds::Default,
                "Whether a model or vocabulary that was never live in this database is refused until a shadow run of it passed. Off, because a \
                 database without finished encounters could not be brought up to another release.",
            ),
            setting(
                "margin",
                "0.02",
                Holds::Default,
                "How much lower F1 may be on any kind of entries, more than 0 and at most 0.2: the whole interval must lie above.",
            ),
            setting("encounters", "50", Holds::Default, "Finished encounters that a run needs at least, 1 to 100,000."),
        ],
    },
    Table {
        header: "[retention]",
        meaning: "How long notes are kept, counted from the day of discharge or service, else from arrival; without this table for ever.",
        settings: &[
            setting(
                "days",
                "3650",
                Holds::Example,
                "Days of notes of the types that are not named, 1 to 36,500; for ever when left out.",
            ),
            setting(
                "types",
                "{ progress_note = 1825, operative_note = 0 }",
                Holds::Example,
                "Days by type of note, 0 to 36,500; 0 keeps notes of the type for ever.",
            ),
        ],
    },
    Table {
        header: "[sign_in.oidc]",
        meaning: "Sign-in with the hospital's own OpenID provider (Keycloak, Entra ID, AD FS); without this table there is none. Register                   public_url with /sign-in/oidc/callback behind it there as the redirect address.",
        settings: &[
            setting(
                "issuer",
                "\"https://login.hospital.example/realms/staff\"",
                Holds::Needed,
                "Address of the provider, letter by letter as its tokens name it; https.",
            ),
            setting("client_id", "\"abstractor\"", Holds::Needed, "What the provider knows this service by."),
            setting(
                "client_secret_file",
                "\"oidc.secret\"",
                Holds::Example,
                "File with the secret of the client; without it the client is a public one, and PKCE stands in for the secret.",
            ),
            setting("scopes", "[\"openid\", \"profile\"]", Holds::Default, "What is asked for; openid must be among it."),
            setting(
                "user_claim",
                "\"preferred_username\"",
                Holds::Default,
                "The claim of the ID token that is the login name of a user here; nobody is made by signing in.",
            ),
            setting(
                "user_suffix",
                "\"@hospital.example\"",
                Holds::Example,
                "What stands behind the login name in that claim; who has something else there is nobody.",
            ),
            setting(
                "required_claims",
                "{ groups = \"abstractor\" }",
                Holds::Example,
                "Claims that must have this value, or be lists that hold it; of several values ([\"a\", \"b\"]) one is enough.",
            ),
            setting(
                "accept_acr",
                "[\"2\"]",
                Holds::Example,
                "Classes of authentication (acr) of which one is needed, for a second factor at the provider.",
            ),
            setting(
                "accept_amr",
                "[\"mfa\", \"otp\", \"hwk\"]",
                Holds::Example,
                "Methods of authentication (amr) of which one is needed, for a second factor at the provider.",
            ),
            setting(
                "authority",
                "\"hospital-ca.pem\"",
                Holds::Example,
                "Who signs the provider's certificate, as PEM; else those whom this machine trusts.",
            ),
            setting("only", "false", Holds::Default, "Whether the sign-in page offers nothing else but one-time codes."),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::config::Configuration;

    /// The name of a table with those around it: `mllp.tls`.
    fn path(table: &Table) -> &'static str {
        table.header.trim_matches(['[', ']'])
    }

    /// The keys that are read in a table: the refusal of one that is not known names them.
    fn read_keys(table: &Table) -> BTreeSet<String> {
        let outer = path(table).split_once('.').and_then(|(outer, _)| REFERENCE.iter().find(|table| path(table) == outer));
        let around = outer.map_or(String::new(), |outer| format!("{}\n", outer.header));
        let text = format!("{around}{}\nno_such_key = 1\n", table.header);
        let message = Configuration::parse(&text, Path::new("")).expect_err("a key that is not known is refused");
        let (_, expected) = message.split_once("expected").unwrap_or_else(|| panic!("{message}"));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_that_is_read_has_its_place() {
        for table in REFERENCE {
            let mut told: BTreeSet<String> = table.settings.iter().map(|setting| setting.key.to_owned()).collect();
            let inner = REFERENCE.iter().map(path).filter(|name| !name.is_empty());
            told.extend(inner.filter_map(|name| match (path(table), name.rsplit_once('.')) {
                ("", None) => Some(name.to_owned()),
                (outer, Some((around, last))) if outer == around => Some(last.to_owned()),
                _ => None,
            }));
            assert_eq!(told, read_keys(table), "{}", table.header);
        }
    }

    /// The settings of a table that are chosen, behind what its file needs before it.
    fn file_of(table: &Table, choose: fn(Holds) -> bool) -> String {
        let around = REFERENCE.iter().find(|outer| path(table).split_once('.').is_some_and(|(name, _)| name == path(outer)));
        let around = around.map_or(String::new(), |outer| file_of(outer, |holds| holds == Holds::Needed));
        let chosen = table.settings.iter().filter(|setting| choose(setting.holds));
        let lines: String = chosen.map(|setting| format!("{} = {}\n", setting.key, setting.value)).collect();
        format!("{around}{}\n{lines}", table.header)
    }

    #[test]
    fn what_is_told_as_a_default_is_the_default() {
        let read = |text: &str| Configuration::parse(text, Path::new("")).unwrap_or_else(|message| panic!("{text}: {message}"));
        for table in REFERENCE {
            let without = read(&file_of(table, |holds| holds == Holds::Needed));
            let with = read(&file_of(table, |holds| holds != Holds::Example));
            assert_eq!(format!("{without:?}"), format!("{with:?}"), "{}", table.header);
        }
    }

    #[test]
    fn what_is_told_as_needed_is_needed() {
        for table in REFERENCE.iter().filter(|table| table.settings.iter().any(|setting| setting.holds == Holds::Needed)) {
            assert!(Configuration::parse(&file_of(table, |_| false), Path::new("")).is_err(), "{}", table.header);
        }
    }
}
