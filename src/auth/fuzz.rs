//! Tokens, assertions of clients, and key sets.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{AssertionProblem, Token, claimed_client, read_keys, registered_keys, verify};
use crate::fuzzing::{Damaged, Seeds, fuzz};

/// A public RSA key and a public key on P-384, made for these tests; the private ones were thrown away.
const KEY_SET: &str = r#"{"keys": [
    {"kty": "RSA", "kid": "r", "alg": "RS384", "use": "sig", "n": "sx4me_r0xCluc91r0tN1hM8NtDW9S-DeZ5uxxXM_y0tsFFLUbYTlOeU-OV0S2QME6f5q61mLw0m_oxEwa5U7rh_gUX9hILFHrGgS89Ok8bRxqcSJgjcTzBV9daLGMJgAkeC4K-Gs6KGouceCQiuwn_3mxxo2xUVAfmboIOLributEuYYfgkPhRo9uAaR6Mp2gpWe4MQKHvhXSlMPVK4VHZKDUltgMDL1p31_oZynCVdgo1tAHjUUJMyTPB2hGoCtBUJ7yaztfu7fMQXzPImMYRx2l5QrrGlUfxgFebVNl5KGrTNn_PLVyTJx6AWOyYuVtp81m1DTAaIx1oZHLOPPow", "e": "AQAB"},
    {"kty": "EC", "kid": "e", "crv": "P-384", "x": "5ozzdUm2DkmTjH2DYodplqqAi8za3e5p2RioifMTwvD7pmkqEjaNT4p3MIYnix4D", "y": "6gHfB_2ab3eROfmKOFUPSzt8KHkHsyQspWOyY2g9zr-QewVwJ58cvSr9Yu4BCHa7"}
]}"#;

fn assertion(header: &str, claims: &str) -> String {
    [header, claims, "c2lnbmF0dXJl"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

static ASSERTIONS: LazyLock<[String; 4]> = LazyLock::new(|| {
    let claims = r#"{"iss": "emr", "sub": "emr", "aud": "https://a/oauth/token", "exp": 1780000100, "jti": "x"}"#;
    [
        assertion(r#"{"alg": "RS384", "kid": "r", "typ": "JWT"}"#, claims),
        assertion(r#"{"alg": "ES384", "kid": "e"}"#, claims),
        assertion(r#"{"alg": "none", "kid": "r"}"#, claims),
        assertion(
            r#"{"alg": "HS384", "kid": "r", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://evil.example/k"}"#,
            claims,
        ),
    ]
});

/// Nobody signed any of them, so none is taken, and what is wrong is told without a word of it.
#[test]
fn assertions() {
    let keys = key_set();
    let now = Timestamp::from_second(1_780_000_000).expect("a time of this century");
    fuzz!("JWT assertion", Quick, Damaged, |input: &Damaged| {
        let good: Vec<&[u8]> = ASSERTIONS.iter().map(String::as_bytes).collect();
        let text = input.text(Seeds { good: &good, telling: b".=-_AZe\xff" });
        let _ = claimed_client(&text);
        assert!(
            verify(&text, &keys, ("emr", "https://a/oauth/token"), now).is_err(),
            "an assertion that nobody signed is taken"
        );
    });
}

fn key_set() -> Vec<jsonwebtoken::jwk::Jwk> {
    let keys = registered_keys(KEY_SET);
    assert!(!keys.is_empty(), "a key set");
    keys
}

#[test]
fn other_algorithms_are_refused_before_any_key_is_looked_at() {
    let now = Timestamp::from_second(1_780_000_000).expect("a time of this century");
    for (at, expected) in [(2, AssertionProblem::Algorithm), (3, AssertionProblem::Algorithm)] {
        assert_eq!(verify(&ASSERTIONS[at], &key_set(), ("emr", "https://a/oauth/token"), now), Err(expected));
    }
}

#[test]
fn key_sets() {
    let set = KEY_SET.as_bytes();
    fuzz!("key set of a client", Quick, Damaged, |input: &Damaged| {
        let text = input.text(Seeds { good: &[set], telling: b"{}[]\":,AQ-_dpk\xff" });
        if let Err(said) = read_keys(&text) {
            assert!(said.len() < 200 && !said.contains("sx4me_"), "a message quotes the key");
        }
    });
}

#[test]
fn tokens() {
    const TOKENS: Seeds<'_> = Seeds {
        good: &[
            b"Bearer abs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            b"bearer  abs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ],
        telling: b" _-=abs\xff",
    };
    fuzz!("token", Quick, Damaged, |input: &Damaged| {
        let text = input.text(TOKENS);
        for token in [Token::parse(&text), Token::from_authorization(&text)].into_iter().flatten() {
            assert_eq!(token.reveal().len(), 47);
        }
    });
}
