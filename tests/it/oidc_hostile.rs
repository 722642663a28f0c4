//! Answers that no provider should give, and browsers that do not play by the rules. The provider here is ours, so that it can lie.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{
    cluster::Cluster,
    faults::{clock_library, set_clock},
    oidc::{Visitor, configuration, sign_ins},
    server::{Reply, Server, Start},
};

/// What only the provider says, and nobody repeats.
const SENTINEL: &str = "Qzsentinel";

/// A key pair on P-256.
struct Key(rcgen::KeyPair);

impl Key {
    fn new() -> Self {
        Self(rcgen::KeyPair::generate().expect("a key"))
    }

    fn public(&self, kid: &str) -> Value {
        let point = self.0.public_key_raw();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": x, "y": y})
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let head = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&head, claims, &EncodingKey::from_ec_der(&self.0.serialize_der())).expect("is signed")
    }
}

/// What the provider answers, and what it was asked.
struct Answers {
    description: Value,
    keys: Value,
    token: (u16, String),
    asked: Vec<String>,
}

/// A provider that answers as it is told.
struct Provider {
    issuer: String,
    key: Key,
    answers: Arc<Mutex<Answers>>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Provider {
    fn start() -> Self {
        Self::with("http", |stream| Box::new(stream))
    }

    fn with(scheme: &str, wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = format!("{scheme}://127.0.0.1:{}", listener.local_addr().expect("an address").port());
        let at = |path: &str| format!("{issuer}{path}");
        let description = json!({"issuer": issuer, "authorization_endpoint": at("/authorize?tenant=1"), "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"), "token_endpoint_auth_methods_supported": ["client_secret_post"]});
        let key = Key::new();
        let keys = json!({"keys": [{"kty": "RSA", "use": "enc", "alg": "of the future", "kid": "k"}, key.public("k")]});
        let answers = Answers { description, keys, token: (500, String::new()), asked: Vec::new() };
        let answers = Arc::new(Mutex::new(answers));
        let kept = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // a client that breaks off, as one does that does not trust the certificate, is no matter
                let _ = answer(wrap(stream), &kept);
            }
        });
        Self { issuer, key, answers }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().expect("no panic")
    }

    /// Gives this token for the next codes.
    fn gives(&self, token: &str) {
        self.answers().token = (200, json!({"access_token": "x", "token_type": "Bearer", "id_token": token}).to_string());
    }

    /// What a good token of an attempt claims.
    fn claims(&self, attempt: &Attempt) -> Value {
        let now = now();
        json!({"iss": self.issuer, "sub": SENTINEL, "aud": "abstractor", "exp": now + 300, "iat": now, "nonce": attempt.nonce,
            "preferred_username": "coder", "email": SENTINEL})
    }
}

fn answer(stream: Box<dyn Stream>, answers: &Mutex<Answers>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        head.push_str(&line);
        line.clear();
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, text) = {
        let mut answers = answers.lock().expect("no panic");
        answers.asked.push(format!("{head}\n{}", String::from_utf8_lossy(&body)));
        match path.as_str() {
            "/.well-known/openid-configuration" => (200, answers.description.to_string()),
            "/keys" => (200, answers.keys.to_string()),
            "/token" => answers.token.clone(),
            _ => (404, String::new()),
        }
    };
    let said = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\nlocation: /keys\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    reader.get_mut().write_all(said.as_bytes())?;
    reader.get_mut().flush()
}

#[expect(clippy::disallowed_methods, reason = "a provider dates its tokens by the clock")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An attempt that was begun, as it stands in the address of the provider and in the browser.
struct Attempt {
    cookie: String,
    state: String,
    nonce: String,
    challenge: String,
    address: String,
}

fn begin(server: &Server, query: &str) -> Attempt {
    let reply = get(server, &format!("/sign-in/oidc{query}"), "");
    assert_eq!(reply.status, 303, "{} {}", reply.text, server.log());
    let address = reply.headers["location"].clone();
    let parameter = |name: &str| {
        let (_, rest) = address.split_once(&format!("&{name}=")).unwrap_or_else(|| panic!("no {name} in {address}"));
        rest.split('&').next().expect("a value").to_owned()
    };
    let cookie = reply.headers["set-cookie"].split(';').next().expect("a pair").to_owned();
    let (state, nonce, challenge) = (parameter("state"), parameter("nonce"), parameter("code_challenge"));
    Attempt { cookie, state, nonce, challenge, address }
}

/// Asks without following where the answer leads.
fn get(server: &Server, path: &str, cookie: &str) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let mut answer = agent.get(format!("{}{path}", server.url)).header("cookie", cookie).call().expect("answers");
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.to_str().expect("text").to_owned())).collect();
    let text = answer.body_mut().read_to_string().expect("a page");
    Reply { status: answer.status().as_u16(), headers, text }
}

fn finish(server: &Server, attempt: &Attempt) -> Reply {
    get(server, &format!("/sign-in/oidc/callback?code=c&state={}", attempt.state), &attempt.cookie)
}

/// Whether the answer signs somebody in; the word of the newest event that it failed by, where it does not.
fn ended(server: &Server, reply: &Reply) -> Result<(), String> {
    if reply.text.contains("http-equiv=\"refresh\"") {
        return Ok(());
    }
    assert!(reply.text.contains("role=\"alert\"") && !reply.text.contains(SENTINEL), "{}", reply.text);
    let (action, detail, _) = sign_ins(server).pop().expect("an event");
    assert_eq!(action, "sign_in.failed");
    Err(detail.strip_prefix("oidc: ").expect("how").to_owned())
}

#[test]
fn tokens_that_are_not_believed() {
    let provider = Provider::start();
    let secret = |folder: &std::path::Path| std::fs::write(folder.join("oidc.secret"), "the secret").expect("is written");
    let server = Server::serve(&configuration(&provider.issuer, "client_secret_file = \"oidc.secret\""), secret);
    let stranger = Key::new();
    let ends = |token: &dyn Fn(&Attempt) -> String| {
        let attempt = begin(&server, "");
        provider.gives(&token(&attempt));
        let reply = finish(&server, &attempt);
        (ended(&server, &reply), reply.status)
    };
    let with = |field: &'static str, value: Value| {
        let provider = &provider;
        move |attempt: &Attempt| {
            let mut claims = provider.claims(attempt);
            claims[field] = value.clone();
            provider.key.sign("k", &claims)
        }
    };
    let good = |attempt: &Attempt| provider.key.sign("k", &provider.claims(attempt));
    assert_eq!(ends(&good), (Ok(()), 200), "{}", server.log());
    for (wrong, word) in [
        (with("nonce", json!("of another")), "token_nonce"),
        (with("nonce", Value::Null), "token_nonce"),
        (with("aud", json!("another")), "token_audience"),
        (with("aud", json!(["abstractor", "another"])), "token_audience"),
        (with("azp", json!("another")), "token_audience"),
        (with("iss", json!("https://another.example")), "token_issuer"),
        (with("iss", json!(format!("{}/", provider.issuer))), "token_issuer"),
        (with("exp", json!(now() - 120)), "token_expired"),
        (with("iat", json!(now() + 600)), "token_issued"),
        (with("iat", json!(now() - 3_600)), "token_issued"),
        (with("sub", Value::Null), "token_malformed"),
    ] {
        assert_eq!(ends(&wrong), (Err(word.to_owned()), 502), "{word}");
    }
    assert_eq!(ends(&with("preferred_username", Value::Null)), (Err("no_user_claim".to_owned()), 403));
    assert_eq!(ends(&with("preferred_username", json!("coder\u{0}"))), (Err("no_user_claim".to_owned()), 403));
    assert_eq!(ends(&with("preferred_username", json!("Coder"))), (Err("unknown_user".to_owned()), 403));

    // signatures: of a key that is not the provider's, under its name and under another; with the public key as a shared secret; none at all
    let refused =
        |token: &dyn Fn(&Attempt) -> String, word: &str| assert_eq!(ends(token), (Err(word.to_owned()), 502), "{word}");
    refused(&|attempt| stranger.sign("k", &provider.claims(attempt)), "token_signature");
    refused(&|attempt| stranger.sign("other", &provider.claims(attempt)), "token_key");
    refused(
        &|attempt| {
            let head = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::HS256) };
            let shared = EncodingKey::from_secret(provider.key.0.public_key_raw());
            encode(&head, &provider.claims(attempt), &shared).expect("is signed")
        },
        "token_algorithm",
    );
    let with_head = |head: Value| {
        move |attempt: &Attempt| {
            let signed = good(attempt);
            let (_, rest) = signed.split_once('.').expect("parts");
            format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()))
        }
    };
    refused(&with_head(json!({"alg": "none", "kid": "k"})), "token_algorithm");
    refused(&with_head(json!({"alg": "ES256", "kid": "k", "typ": "JWT", "crit": ["b64"]})), "token_malformed");
    refused(&with_head(json!({"alg": "ES256", "kid": "k", "jwk": stranger.public("k")})), "token_signature");
    refused(&with_head(json!({"alg": "ES384", "kid": "k"})), "token_key");
    refused(&|_| "a.b".to_owned(), "token_malformed");

    // a key that the provider signs with from now on is found, without a restart
    let new = Key::new();
    provider.answers().keys = json!({"keys": [provider.key.public("k"), new.public("new")]});
    assert_eq!(ends(&|attempt| new.sign("new", &provider.claims(attempt))), (Ok(()), 200), "{}", server.log());

    // what the token endpoint says, and no redirect of it is followed
    let long = " ".repeat(1_100_000);
    for (token, word, status) in [
        ((400, json!({"error": "invalid_grant", "error_description": SENTINEL}).to_string()), "code_refused", 502),
        ((401, String::new()), "code_refused", 502),
        ((302, String::new()), "provider_answer", 502),
        ((200, "<html>".to_owned()), "provider_answer", 502),
        ((200, json!({"access_token": "x"}).to_string()), "provider_answer", 502),
        ((503, String::new()), "provider_unreachable", 503),
        ((200, long), "provider_unreachable", 503),
    ] {
        let attempt = begin(&server, "");
        provider.answers().token = token;
        let reply = finish(&server, &attempt);
        assert_eq!((ended(&server, &reply), reply.status), (Err(word.to_owned()), status));
    }
    assert_eq!(ends(&good), (Ok(()), 200), "all that did no harm");
    let asked = provider.answers().asked.join("\n");
    assert!(
        asked.contains("client_id=abstractor") && asked.contains("client_secret=the"),
        "the secret is posted where the provider says so"
    );
    let events: Vec<String> = server.events().iter().map(Value::to_string).collect();
    for told in [server.log(), events.join("\n")] {
        assert!(!told.contains(SENTINEL), "a claim or a text of the provider is told: {told}");
    }
}

#[test]
fn answers_that_belong_to_no_attempt() {
    let provider = Provider::start();
    let server = Server::serve(&configuration(&provider.issuer, ""), |_| {});
    let callback = |query: &str, cookie: &str| get(&server, &format!("/sign-in/oidc/callback?{query}"), cookie);
    let refused = |reply: &Reply, word: &str, status: u16| {
        assert_eq!((ended(&server, reply), reply.status), (Err(word.to_owned()), status));
        assert!(reply.headers["set-cookie"].starts_with("abstractor_sign_in=; Max-Age=0"), "{:?}", reply.headers);
    };
    let attempt = begin(&server, "");
    provider.gives(&provider.key.sign("k", &provider.claims(&attempt)));
    assert!(attempt.address.starts_with(&format!("{}/authorize?tenant=1&response_type=code&", provider.issuer)));
    assert!(attempt.address.contains("&code_challenge_method=S256") && attempt.address.contains("&scope=openid%20profile"));

    // somebody else's answer in this browser, and this browser's answer in another
    let other = begin(&server, "");
    refused(&callback(&format!("code=c&state={}", other.state), &attempt.cookie), "wrong_state", 400);
    refused(&callback("code=c", &attempt.cookie), "wrong_state", 400);
    refused(&callback("code=c&state=a&state=b", &attempt.cookie), "wrong_state", 400);
    let before = sign_ins(&server).len();
    for cookie in ["", "abstractor_sign_in=nonsense", &attempt.cookie[..attempt.cookie.len() - 4]] {
        let reply = callback(&format!("code=c&state={}", attempt.state), cookie);
        assert!(reply.status == 400 && reply.text.contains("role=\"alert\""), "{cookie}: {}", reply.text);
    }
    assert_eq!(sign_ins(&server).len(), before, "who has no attempt leaves no event");
    assert!(!provider.answers().asked.iter().any(|asked| asked.starts_with("POST")), "no code was exchanged for any of them");

    // once
    let reply = finish(&server, &attempt);
    assert_eq!(ended(&server, &reply), Ok(()), "{} {}", reply.text, server.log());
    refused(&finish(&server, &attempt), "used", 400);
    let exchanges = provider.answers().asked.iter().filter(|asked| asked.starts_with("POST")).count();
    assert_eq!(exchanges, 1, "an attempt that was used asks nobody");
    let asked = provider.answers().asked.iter().find(|asked| asked.starts_with("POST")).cloned().expect("an exchange");
    let verifier = asked.split("code_verifier=").nth(1).and_then(|rest| rest.split('&').next()).expect("a verifier").trim();
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), attempt.challenge, "PKCE: what was shown first is its hash");

    // the provider's own words, and another provider's
    let attempt = begin(&server, "");
    let query = format!("error=access_denied&error_description={SENTINEL}&state={}", attempt.state);
    refused(&callback(&query, &attempt.cookie), "refused_by_provider", 403);
    let attempt = begin(&server, "");
    refused(&callback(&format!("state={}", attempt.state), &attempt.cookie), "no_code", 400);
    let attempt = begin(&server, "");
    let query = format!("code=c&state={}&iss=https%3A%2F%2Fother.example", attempt.state);
    refused(&callback(&query, &attempt.cookie), "wrong_issuer", 502);
    assert!(!server.log().contains(SENTINEL), "{}", server.log());
}

#[test]
fn a_sign_in_goes_on_to_pages_of_ours_alone() {
    let provider = Provider::start();
    let server = Server::serve(&configuration(&provider.issuer, ""), |_| {});
    for (next, expected) in [
        ("%2Fcodes%3Fquery%3Dgout", "/codes?query=gout"),
        ("https%3A%2F%2Fevil.example", "/queue"),
        ("%2F%2Fevil.example", "/queue"),
        ("%2F%5Cevil.example", "/queue"),
        ("%2F%09%2Fevil.example", "/queue"),
        ("javascript%3Aalert(1)", "/queue"),
        ("%2Fqueue%22%3E%3Cscript%3E", "/queue"),
        ("%2Fsign-in%2Foidc", "/queue"),
    ] {
        let attempt = begin(&server, &format!("?next={next}"));
        assert!(!attempt.address.contains("evil"), "{}", attempt.address);
        provider.gives(&provider.key.sign("k", &provider.claims(&attempt)));
        let reply = finish(&server, &attempt);
        assert!(reply.text.contains(&format!("content=\"0; url={expected}\"")), "{next}: {}", reply.text);
        assert!(!reply.text.contains("evil"), "{next}: {}", reply.text);
    }
    let page = Visitor::new().open(&format!("{}/sign-in?next=https%3A%2F%2Fevil.example", server.url));
    assert!(page.status == 200 && !page.text.contains("evil"), "{}", page.text);
}

#[test]
fn a_second_factor_at_the_provider_is_asked_for_and_looked_for() {
    let provider = Provider::start();
    let more = "accept_acr = [\"gold\", \"silver\"]\naccept_amr = [\"otp\"]\nuser_claim = \"upn\"\nuser_suffix = \"@hospital.example\"";
    let server = Server::serve(&configuration(&provider.issuer, more), |_| {});
    for (acr, amr, upn, expected) in [
        (json!("gold"), json!(["pwd", "otp"]), "coder@hospital.example", Ok(())),
        (json!("bronze"), json!(["pwd", "otp"]), "coder@hospital.example", Err("second_factor_missing".to_owned())),
        (Value::Null, json!(["otp"]), "coder@hospital.example", Err("second_factor_missing".to_owned())),
        (json!("gold"), json!(["pwd"]), "coder@hospital.example", Err("second_factor_missing".to_owned())),
        (json!("gold"), json!(["otp"]), "coder@other.example", Err("no_user_claim".to_owned())),
    ] {
        let attempt = begin(&server, "");
        assert!(attempt.address.contains("&acr_values=gold%20silver"), "{}", attempt.address);
        let mut claims = provider.claims(&attempt);
        (claims["acr"], claims["amr"], claims["upn"]) = (acr, amr, json!(upn));
        provider.gives(&provider.key.sign("k", &claims));
        assert_eq!(ended(&server, &finish(&server, &attempt)), expected, "{claims}");
    }
}

#[test]
fn a_description_that_cannot_be_used_sends_nobody_away() {
    let provider = Provider::start();
    let server = Server::serve(&configuration(&provider.issuer, ""), |_| {});
    let good = provider.answers().description.clone();
    for (field, value) in [
        ("issuer", json!("https://other.example")),
        ("authorization_endpoint", json!("http://other.example/authorize")),
        ("token_endpoint", json!("http://other.example/token")),
        ("jwks_uri", json!("ftp://other.example/keys")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("token_endpoint", Value::Null),
        ("code_challenge_methods_supported", json!(["plain"])),
    ] {
        let mut wrong = good.clone();
        wrong[field] = value;
        // a description that is taken is kept for a minute: the one without PKCE is, so it comes last
        provider.answers().description = wrong.clone();
        let reply = get(&server, "/sign-in/oidc", "");
        assert_eq!(reply.status, 502, "{wrong}: {}", reply.text);
        assert!(reply.text.contains("role=\"alert\"") && !reply.headers.contains_key("location"), "{}", reply.text);
    }
}

#[test]
fn an_attempt_ends_after_ten_minutes() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    let path = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    set_clock(&clock, "+0");
    let environment = [
        ("LD_PRELOAD", path(&clock_library())),
        ("FAKETIME_TIMESTAMP_FILE", path(&clock)),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let provider = Provider::start();
    let start = Start { environment, ..Start::default() };
    let server = Server::serve_as(start, &configuration(&provider.issuer, ""), |_| {});
    let attempt = begin(&server, "");
    provider.gives(&provider.key.sign("k", &provider.claims(&attempt)));
    set_clock(&clock, "+11m");
    let reply = finish(&server, &attempt);
    assert_eq!((ended(&server, &reply), reply.status), (Err("expired".to_owned()), 400));
    set_clock(&clock, "+0");
    assert_eq!(ended(&server, &finish(&server, &attempt)), Ok(()), "it was not used up: {}", server.log());
}

#[test]
fn an_attempt_that_one_server_began_is_ended_by_another_once() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let provider = Provider::start();
    let start = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    let one = Server::serve_as(start, &configuration(&provider.issuer, ""), |_| {});
    let other = one.another();
    let attempt = begin(&one, "");
    provider.gives(&provider.key.sign("k", &provider.claims(&attempt)));
    assert_eq!(ended(&other, &finish(&other, &attempt)), Ok(()), "{}", other.log());
    assert_eq!(ended(&one, &finish(&one, &attempt)), Err("used".to_owned()));
}

#[test]
fn a_certificate_of_the_hospitals_own_authority() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate").der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    let tls = Arc::new(tls);
    let provider = Provider::with("https", move |stream| {
        let connection = ServerConnection::new(Arc::clone(&tls)).expect("a connection");
        Box::new(StreamOwned::new(connection, stream))
    });
    let trusting = Server::serve(&configuration(&provider.issuer, "authority = \"ca.pem\""), |folder| {
        std::fs::write(folder.join("ca.pem"), &authority).expect("is written");
    });
    let attempt = begin(&trusting, "");
    provider.gives(&provider.key.sign("k", &provider.claims(&attempt)));
    assert_eq!(ended(&trusting, &finish(&trusting, &attempt)), Ok(()), "{}", trusting.log());
    let other = Server::serve(&configuration(&provider.issuer, ""), |_| {});
    assert_eq!(get(&other, "/sign-in/oidc", "").status, 503, "an authority that nobody named is not trusted");
    assert!(other.log().contains("\"problem\":\"tls\""), "{}", other.log());
}
