//! SMART Backend Services from outside: keys and assertions are made by PyJWT, which we did not write.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::server::{Reply, Server};

/// Makes a pair of each kind; gives the public key set, and a signed assertion for each of the claims.
const SIGN: &str = "
import base64, hashlib, hmac, json, sys, time
import jwt
from jwt.algorithms import RSAAlgorithm, ECAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa, ec
asked = json.load(sys.stdin)
pairs = {'rsa': ('RS384', rsa.generate_private_key(65537, 2048)), 'ec': ('ES384', ec.generate_private_key(ec.SECP384R1())),
         'stranger': ('RS384', rsa.generate_private_key(65537, 2048)), 'rs256': ('RS256', None), 'shared': (None, None)}
pairs['rs256'] = ('RS256', pairs['rsa'][1])
keys = []
for kid, algorithm in (('rsa', RSAAlgorithm), ('ec', ECAlgorithm)):
    key = json.loads(algorithm.to_jwk(pairs[kid][1].public_key()))
    keys.append({**key, 'kid': kid, 'alg': pairs[kid][0]})
assertions = []
for one in asked['assertions']:
    algorithm, private = pairs[one['pair']]
    claims = {**one['claims'], 'exp': int(time.time()) + one['life']}
    if 'begins' in one:
        claims['nbf'] = int(time.time()) + one['begins']
    if one['pair'] == 'shared':
        # the public key as a shared secret: PyJWT would not do it, so it is done by hand
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=')
        message = part({'alg': 'HS384', 'kid': one['kid']}) + b'.' + part(claims)
        signature = hmac.new(json.dumps(keys[0]).encode(), message, hashlib.sha384).digest()
        assertions.append((message + b'.' + base64.urlsafe_b64encode(signature).rstrip(b'=')).decode())
        continue
    headers = {'kid': one['kid'], **one.get('head', {})}
    assertions.append(jwt.encode(claims, private, algorithm=algorithm, headers=headers))
json.dump({'jwks': {'keys': keys}, 'assertions': assertions}, sys.stdout)
";

fn signed(assertions: &[Value]) -> (Value, Vec<String>) {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let mut child = Command::new(python)
        .args(["-c", SIGN])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`tests/run` installs the peers");
    let input = json!({"assertions": assertions}).to_string();
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("is read");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "Python failed");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let assertions = made["assertions"].as_array().expect("a list").iter().map(|one| one.as_str().expect("text").to_owned());
    (made["jwks"].clone(), assertions.collect())
}

fn ask(server: &Server, assertion: &str, scope: &str) -> Reply {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let scope = scope.replace(' ', "+").replace('/', "%2F").replace('*', "%2A");
    let form = format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}&scope={scope}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    server.send("POST", "/oauth/token", "", &headers, Some(form.as_bytes())).expect("answers")
}

#[test]
fn a_client_signs_for_its_tokens() {
    let mut server = Server::empty();
    let configuration = server.call("GET", "/fhir/.well-known/smart-configuration", "", None).json();
    let endpoint = configuration["token_endpoint"].as_str().expect("an address").to_owned();
    assert_eq!(endpoint, format!("{}/oauth/token", server.url));
    let claims = |jti: &str| json!({"iss": "ehr-client", "sub": "ehr-client", "aud": endpoint, "jti": jti});
    let with = |jti: &str, field: &str, value: Value| {
        let mut claims = claims(jti);
        claims[field] = value;
        claims
    };
    let one =
        |pair: &str, kid: &str, life: i64, claims: Value| json!({"pair": pair, "kid": kid, "life": life, "claims": claims});
    let (jwks, assertions) = signed(&[
        one("rsa", "rsa", 200, claims("1")),
        one("ec", "ec", 200, claims("2")),
        one("rsa", "rsa", 200, claims("3")),
        one("stranger", "rsa", 200, claims("4")),
        one("rsa", "other", 200, claims("5")),
        one("rs256", "rsa", 200, claims("6")),
        one("rsa", "rsa", 3_600, claims("7")),
        one("rsa", "rsa", -200, claims("8")),
        one("rsa", "rsa", 200, with("9", "aud", json!("https://elsewhere.example/oauth/token"))),
        one("rsa", "rsa", 200, with("10", "iss", json!("another"))),
        one("rsa", "rsa", 200, with("11", "sub", json!("nobody"))),
        one("shared", "rsa", 200, claims("12")),
        json!({"pair": "rsa", "kid": "rsa", "life": 200, "claims": claims("13"), "begins": 120}),
        json!({"pair": "rsa", "kid": "rsa", "life": 200, "claims": claims("14"), "head": {"crit": ["exp"]}}),
        one("rsa", "rsa", 200, with("15", "aud", json!([endpoint, "https://elsewhere.example/oauth/token"]))),
        one("rsa", "ec", 200, claims("16")),
    ]);
    server.tool("user", &["add", "ehr-client", "--role", "submitter", "--source", "ehr"]);
    let refused = |reply: &Reply, status: u16, error: &str| {
        assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{}", reply.text);
    };
    refused(&ask(&server, &assertions[0], "system/*.read"), 401, "invalid_client");
    let file = server.data.join("jwks.json");
    std::fs::write(&file, jwks.to_string()).expect("is written");
    server.tool("user", &["keys", "ehr-client", "--jwks", file.to_str().expect("a plain path")]);

    let full = ask(&server, &assertions[0], "system/*.read system/*.write");
    assert_eq!((full.status, full.headers["cache-control"].as_str()), (200, "no-store"), "{}", full.text);
    let token = full.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(300)));
    refused(&ask(&server, &assertions[0], "system/*.read"), 401, "invalid_client");
    let reading = ask(&server, &assertions[1], "system/*.rs").json();
    assert_eq!(reading["scope"], "system/*.read");
    let writing = ask(&server, &assertions[2], "system/*.write").json();
    for (name, granted) in [("full", &token), ("reading", &reading), ("writing", &writing)] {
        server.tokens.insert(name.to_owned(), granted["access_token"].as_str().expect("a token").to_owned());
    }
    let note = json!({"text": "Gout."}).to_string();
    let posted = server.call("POST", "/v1/notes", "full", Some(note.as_bytes()));
    assert_eq!(posted.status, 202, "{}", posted.text);
    let path = format!("/v1/notes/{}", posted.json()["id"].as_str().expect("an id"));
    assert_eq!(server.call("GET", &path, "full", None).json()["source"], "ehr");
    assert_eq!(server.call("GET", &path, "reading", None).status, 200);
    assert_eq!(server.call("GET", "/fhir/Task", "reading", None).status, 200);
    assert_eq!(server.call("POST", "/v1/notes", "reading", Some(note.as_bytes())).code(), "insufficient_scope");
    assert_eq!(server.call("POST", "/v1/notes", "writing", Some(note.as_bytes())).status, 202);
    assert_eq!(server.call("GET", &path, "writing", None).code(), "insufficient_scope");

    for assertion in &assertions[3..] {
        refused(&ask(&server, assertion, "system/*.read"), 401, "invalid_client");
    }
    let told = |assertion: &str| ask(&server, assertion, "system/*.read").json()["error_description"].clone();
    assert_eq!(told(&assertions[4]), told(&assertions[10]), "a client that is not there is told as a key that is not");
    for assertion in ["", "x", "a.b.c"] {
        refused(&ask(&server, assertion, "system/*.read"), 401, "invalid_client");
    }
    refused(&ask(&server, &assertions[3], "user/*.read"), 400, "invalid_scope");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let password = server.send("POST", "/oauth/token", "", &headers, Some(b"grant_type=password")).expect("answers");
    refused(&password, 400, "unsupported_grant_type");
    refused(&server.call("POST", "/oauth/token", "", Some(b"{}")), 400, "invalid_request");
    server.tool("user", &["keys", "ehr-client", "--remove"]);
    refused(&ask(&server, &assertions[4], "system/*.read"), 401, "invalid_client");
    assert_eq!(server.call("GET", &path, "reading", None).status, 200, "a token that was granted works until it ends");
    server.tool("user", &["disable", "ehr-client"]);
    assert_eq!(server.call("GET", &path, "reading", None).code(), "unauthorized");
}
