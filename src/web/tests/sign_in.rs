//! Signing in by password and second factor, how sessions end, and the proof that what arranges the site asks for.

use std::sync::{Arc, atomic::Ordering};

use askama::Template as _;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use jiff::SignedDuration;

use super::{ENGINE, HOSTILE, House, assert_escaped, between, body, form_request, location, samples, shell};
use crate::{
    auth::{OneTimeSecret, Password},
    domain::Role,
    service::SignInSettings,
    store::{AccountStore as _, Actor, CredentialChange, SignInStore as _, TokenKind},
    web::{
        account::{AccountPage, Enrolment},
        confirm::ConfirmPage,
        notice::Notice,
        sign_in::SecondStepPage,
    },
};

const PASSWORD: &str = "four small boats";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl House {
    /// Moves its clock to so many seconds after the beginning.
    fn at(&self, seconds: i64) {
        self.clock.store(seconds, Ordering::Relaxed);
    }

    /// Gives the user of a role a password.
    async fn give_password(&self, role: Role) {
        let user = self.store.user_named(role.as_str()).await.expect("reads").expect("is there");
        let change = CredentialChange { user_id: user.id, kept: None, actor: Actor::service() };
        let hash = Password::chosen(PASSWORD, &user.name).expect("is taken").hash();
        self.store.set_password(change, Some(hash), samples::now()).await.expect("keeps");
    }

    /// Gives the user of a role a second factor: its secret. The step of now is used up.
    async fn give_factor(&self, role: Role) -> OneTimeSecret {
        let user = self.store.user_named(role.as_str()).await.expect("reads").expect("is there");
        let secret = OneTimeSecret::of(vec![7; 20]);
        assert!(self.store.begin_factor(user.id, secret.bytes().to_vec()).await.expect("begins"));
        let shown = (secret.bytes().to_vec(), 0);
        assert!(self.store.confirm_factor(&user, shown, Vec::new(), samples::now()).await.expect("confirms"));
        secret
    }

    async fn try_password(&self, name: &str, password: &str) -> axum::response::Response {
        let form = format!("name={}&password={}&code=", encoded(name), encoded(password));
        self.send(form_request("/sign-in", &form).body(Body::from(form)).expect("a request")).await
    }

    async fn form_token(&self, path: &str, cookie: &str) -> String {
        let (_, html) = self.get(path, cookie).await;
        between(&html, "name=\"form_token\" value=\"", "\"").to_owned()
    }
}

fn cookie_of(response: &axum::response::Response) -> String {
    response.headers()[header::SET_COOKIE].to_str().expect("text").split(';').next().expect("a value").to_owned()
}

/// Without what differs by what was typed.
async fn told(response: axum::response::Response, name: &str) -> (StatusCode, String) {
    let status = response.status();
    (status, body(response).await.replace(&format!("value=\"{name}\""), "value=\"\""))
}

#[test]
fn pages_of_the_account_escape() {
    let page = AccountPage {
        shell: shell(),
        notice: Some(Notice::refusing(HOSTILE.to_owned())),
        has_password: true,
        fewest: 12,
        has_factor: false,
        needs_factor: true,
        enrolment: Some(Enrolment {
            secret: HOSTILE.to_owned(),
            address: HOSTILE.to_owned(),
            picture: Some(HOSTILE.to_owned()),
        }),
        codes_left: 1,
        codes: vec![HOSTILE.to_owned()],
    };
    assert_escaped(&page.render().expect("renders"));
    let page = ConfirmPage {
        shell: shell(),
        problem: Some(HOSTILE.to_owned()),
        to: HOSTILE.to_owned(),
        fields: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
        has_password: true,
        has_factor: true,
    };
    assert_escaped(&page.render().expect("renders"));
    let page = SecondStepPage { shell: shell(), step: HOSTILE.to_owned(), problem: Some(HOSTILE.to_owned()) };
    assert_escaped(&page.render().expect("renders"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_in_and_a_wrong_one_tells_nothing() {
    let house = House::new().await;
    house.give_password(Role::Coder).await;
    let response = house.try_password("coder", PASSWORD).await;
    assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, "/queue"));
    assert_eq!(house.get("/queue", &cookie_of(&response)).await.0, StatusCode::OK);
    let first = cookie_of(&response);
    assert_ne!(cookie_of(&house.try_password("coder", PASSWORD).await), first, "each sign-in has a token of its own");

    // a wrong one, somebody without one, an unknown name, a name that is none: the same page
    let wrong = told(house.try_password("coder", "four small boat").await, "coder").await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    assert!(wrong.1.contains("role=\"alert\"") && !wrong.1.contains("boat"), "a password comes back on no page");
    for name in ["lead", "nobody", "x\u{0}y", &"n".repeat(5_000)] {
        let shown = name.replace('\u{0}', "&#0;");
        let other = told(house.try_password(name, PASSWORD).await, &shown).await;
        assert_eq!(other.0, StatusCode::UNAUTHORIZED, "{name:?}");
        if !name.contains('\u{0}') {
            assert_eq!(other.1, wrong.1, "{name:?}");
        }
    }
    assert!(house.store.set_user_disabled("coder", true, Actor::service(), samples::now()).await.expect("disables"));
    assert_eq!(told(house.try_password("coder", PASSWORD).await, "coder").await, wrong, "nor does a disabled one");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_make_the_next_try_wait_whoever_it_is() {
    let house = House::new().await;
    house.give_password(Role::Coder).await;
    for name in ["coder", "nobody"] {
        house.at(0);
        for _ in 0..5 {
            assert_eq!(house.try_password(name, "wrong wrong wrong").await.status(), StatusCode::UNAUTHORIZED, "{name}");
        }
        // the right one waits too, and the wait is told alike
        let response = house.try_password(name, PASSWORD).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "31", "{name}");
        let (status, html) = told(response, name).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{name}");
        assert!(html.contains("31 seconds") && html.contains("role=\"alert\""), "{name}: {html}");
        house.at(30);
        assert_eq!(house.try_password(name, "wrong wrong wrong").await.status(), StatusCode::UNAUTHORIZED, "{name}");
        house.at(60);
        assert_eq!(house.try_password(name, PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS, "{name}: a minute now");
    }
    // a one-time code works at once, and forgets what failed
    house.sign_in(Role::Coder).await;
    assert_eq!(house.try_password("coder", PASSWORD).await.status(), StatusCode::SEE_OTHER);

    // an admin lets somebody try again
    for _ in 0..5 {
        house.try_password("coder", "wrong wrong wrong").await;
    }
    assert_eq!(house.try_password("coder", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let admin = house.sign_in(Role::Admin).await;
    let (_, page) = house.get("/settings/people/coder", &admin).await;
    assert!(page.contains("id=\"locked\"") && page.contains("id=\"unlock\""));
    let token = house.form_token("/settings/people/coder", &admin).await;
    let (status, _) = house.post("/settings/people/coder", &admin, &format!("form_token={token}&action=unlock")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(house.try_password("coder", PASSWORD).await.status(), StatusCode::SEE_OTHER);

    let events = house.store.audit_events(0, 1000).await.expect("reads");
    let told = |action: &str| events.iter().filter(|event| event.action == action).collect::<Vec<_>>();
    assert!(events.iter().all(|event| !event.detail.contains("nobody") || event.detail.contains("that nobody has")));
    assert_eq!(told("sign_in.unlocked").len(), 1);
    assert!(told("sign_in.locked").iter().all(|event| event.subject_id.is_some()), "no unknown name is told");
    let how: Vec<&str> = told("sign_in.succeeded").iter().map(|event| event.detail.as_str()).collect();
    assert_eq!(how, ["code", "password", "code", "password"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sets_and_changes_ones_own_password() {
    let house = House::new().await;
    let (here, elsewhere) = (house.sign_in(Role::Coder).await, house.sign_in(Role::Coder).await);
    let token = house.form_token("/account", &here).await;
    let post = async |before: &str, password: &str, again: &str| {
        let form =
            format!("form_token={token}&before={}&password={}&again={}", encoded(before), encoded(password), encoded(again));
        house.post("/account/password", &here, &form).await
    };
    for (password, again) in [("short", "short"), (PASSWORD, "four small ships"), ("passwordpassword", "passwordpassword")] {
        let (status, html) = post("", password, again).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert!(html.contains("role=\"alert\"") && !html.contains("small"), "{html}");
    }
    let changed = (StatusCode::SEE_OTHER, "/account?notice=password".to_owned());
    assert_eq!(post("", PASSWORD, PASSWORD).await, changed);
    assert_eq!(house.get("/queue", &here).await.0, StatusCode::OK);
    assert_eq!(house.get("/queue", &elsewhere).await.0, StatusCode::SEE_OTHER, "other sessions end");
    // another one only by whoever knows this one
    assert_eq!(post("", "five small boats", "five small boats").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(PASSWORD, "five small boats", "five small boats").await, changed);
    assert_eq!(house.try_password("coder", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(house.try_password("coder", "five small boats").await.status(), StatusCode::SEE_OTHER);

    // an admin takes it away, and sees none
    let admin = house.sign_in(Role::Admin).await;
    let (_, page) = house.get("/settings/people/coder", &admin).await;
    assert!(page.contains("id=\"remove-password\"") && !page.contains("argon2"));
    let admins = house.form_token("/settings/people/coder", &admin).await;
    let form = format!("form_token={admins}&action=remove_password");
    assert_eq!(house.post("/settings/people/coder", &admin, &form).await.0, StatusCode::SEE_OTHER);
    assert_eq!(house.get("/queue", &here).await.0, StatusCode::SEE_OTHER);
    assert_eq!(house.try_password("coder", "five small boats").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_after_password_and_code() {
    let house = House::new().await;
    house.give_password(Role::Coder).await;
    let secret = house.give_factor(Role::Coder).await;
    let now = |seconds: i64| samples::now() + SignedDuration::from_secs(seconds);
    let step_of = async |form: String| {
        let response = house.send(form_request("/sign-in", &form).body(Body::from(form)).expect("a request")).await;
        assert!(response.status() == StatusCode::OK && !response.headers().contains_key(header::SET_COOKIE));
        between(&body(response).await, "name=\"step\" value=\"", "\"").to_owned()
    };
    let second = async |step: &str, code: &str| {
        let form = format!("step={step}&code={}", encoded(code));
        house.send(form_request("/sign-in/second", &form).body(Body::from(form)).expect("a request")).await
    };
    let by_password = format!("name=coder&password={}", encoded(PASSWORD));
    let step = step_of(by_password.clone()).await;
    assert_eq!(
        house.get("/queue", &format!("abstractor_session={step}")).await.0,
        StatusCode::SEE_OTHER,
        "a step is no session"
    );
    assert_eq!(second(&step, "000000").await.status(), StatusCode::UNAUTHORIZED);
    let response = second(&step, &secret.code_at(now(0))).await;
    assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, "/queue"));
    assert_eq!(house.get("/queue", &cookie_of(&response)).await.0, StatusCode::OK);
    assert_eq!(second(&step, &secret.code_at(now(30))).await.status(), StatusCode::UNAUTHORIZED, "a step works once");

    // the same code again, also by the other way in
    let code = house.token(Role::Coder, TokenKind::SignIn).await;
    let step = step_of(format!("code={code}")).await;
    assert_eq!(second(&step, &secret.code_at(now(0))).await.status(), StatusCode::UNAUTHORIZED, "a replay");
    house.at(30);
    assert_eq!(second(&step, &secret.code_at(now(30))).await.status(), StatusCode::SEE_OTHER);
    // the step takes five minutes at most
    let step = step_of(by_password.clone()).await;
    house.at(30 + 301);
    assert_eq!(second(&step, &secret.code_at(now(331))).await.status(), StatusCode::UNAUTHORIZED);
    // codes cannot be guessed either
    let step = step_of(by_password).await;
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        last = second(&step, "000000").await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_needs_a_second_factor_sets_one_up_first() {
    let settings = SignInSettings { second_factor: vec![Role::Admin], ..SignInSettings::default() };
    let house = House::that((samples::new_note(), ENGINE.clone()), settings, "http://localhost").await;
    let admin = house.sign_in(Role::Admin).await;
    for path in ["/settings", "/settings/people", "/about"] {
        assert_eq!(location_of(&house, path, &admin).await, "/account?problem=factor_needed", "{path}");
    }
    let coder = house.sign_in(Role::Coder).await;
    assert_eq!(house.get("/queue", &coder).await.0, StatusCode::OK, "other roles need none");
    let token = house.form_token("/account", &admin).await;
    let form = format!("form_token={token}");
    assert_eq!(house.post("/account/factor", &admin, &form).await, (StatusCode::SEE_OTHER, "/account#factor".to_owned()));
    let (_, html) = house.get("/account", &admin).await;
    assert!(html.contains("otpauth://totp/Abstractor:admin?secret="));
    assert!(html.contains("<img src=\"data:image/svg+xml;base64,"), "a picture that the policy allows");
    assert_eq!(location_of(&house, "/settings", &admin).await, "/account?problem=factor_needed", "not confirmed yet");
    let user = house.store.user_named("admin").await.expect("reads").expect("is there");
    let factor = house.store.credentials(user.id).await.expect("reads").factor.expect("is begun");
    let secret = OneTimeSecret::of(factor.secret);
    assert!(html.contains(&*secret.text()), "the secret can be typed");
    let confirm =
        async |code: &str| house.post("/account/factor/confirm", &admin, &format!("form_token={token}&code={code}")).await;
    assert_eq!(confirm("000000").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, html) = confirm(&secret.code_at(samples::now())).await;
    assert_eq!(status, StatusCode::OK);
    let codes: Vec<&str> = between(&html, "id=\"recovery-codes\">", "</ul>")
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().expect("a code"))
        .collect();
    assert_eq!(codes.len(), 10);
    assert_eq!(house.get("/settings", &admin).await.0, StatusCode::OK);
    assert!(!house.get("/account", &admin).await.1.contains(codes[0]), "they are shown once");

    // a recovery code in place of the app, once
    for expected in [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED] {
        let form = format!("code={}", house.token(Role::Admin, TokenKind::SignIn).await);
        let response = house.send(form_request("/sign-in", &form).body(Body::from(form)).expect("a request")).await;
        let step = between(&body(response).await, "name=\"step\" value=\"", "\"").to_owned();
        let form = format!("step={step}&code={}", codes[0]);
        let response = house.send(form_request("/sign-in/second", &form).body(Body::from(form)).expect("a request")).await;
        assert_eq!(response.status(), expected);
    }
    // taken away with a code of it, and another one is needed
    let remove = format!("form_token={token}&code={}", codes[1]);
    assert_eq!(house.post("/account/factor/remove", &admin, &remove).await.0, StatusCode::SEE_OTHER);
    assert_eq!(location_of(&house, "/settings", &admin).await, "/account?problem=factor_needed");
}

async fn location_of(house: &House, path: &str, cookie: &str) -> String {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    location(&house.send(request).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_nobody_does_anything_and_in_the_end() {
    let hour = |hours: i64| SignedDuration::from_hours(hours);
    let settings = SignInSettings { idle: hour(1), session: hour(12), ..SignInSettings::default() };
    let house = House::that((samples::new_note(), ENGINE.clone()), settings, "http://localhost").await;
    let cookie = house.sign_in(Role::Coder).await;
    house.at(3599);
    assert_eq!(house.get("/queue", &cookie).await.0, StatusCode::OK, "and that is something done");
    house.at(3599 + 3599);
    assert_eq!(house.get("/queue", &cookie).await.0, StatusCode::OK);
    let token = house.form_token("/queue", &cookie).await;
    let beat = async |active: &str| {
        let form = format!("form_token={token}&active={active}");
        house.post(&format!("/items/{}/heartbeat", house.item), &cookie, &form).await.0
    };
    // a page that nobody touches keeps nothing alive
    house.at(7198 + 3000);
    assert_eq!(beat("").await, StatusCode::OK);
    house.at(7198 + 3601);
    assert_eq!(beat("").await, StatusCode::SEE_OTHER, "it is told so");
    assert_eq!(location_of(&house, "/queue", &cookie).await, "/sign-in");

    // one that is used ends after twelve hours
    house.at(0);
    let cookie = house.sign_in(Role::Coder).await;
    let token = house.form_token("/queue", &cookie).await;
    for seconds in (0..12 * 3600).step_by(3000) {
        house.at(seconds);
        let form = format!("form_token={token}&active=1");
        let (status, _) = house.post(&format!("/items/{}/heartbeat", house.item), &cookie, &form).await;
        assert_eq!(status, StatusCode::OK, "{seconds}");
    }
    house.at(12 * 3600);
    assert_eq!(location_of(&house, "/queue", &cookie).await, "/sign-in");

    // everywhere at once
    house.at(0);
    let (here, there) = (house.sign_in(Role::Coder).await, house.sign_in(Role::Coder).await);
    let token = house.form_token("/account", &here).await;
    let out = house.post("/account/sessions", &here, &format!("form_token={token}")).await;
    assert_eq!(out, (StatusCode::SEE_OTHER, "/sign-in".to_owned()));
    for cookie in [&here, &there] {
        assert_eq!(location_of(&house, "/queue", cookie).await, "/sign-in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arranges_the_site_asks_for_a_fresh_proof() {
    let house = House::new().await;
    house.give_password(Role::Admin).await;
    let cookie = cookie_of(&house.try_password("admin", PASSWORD).await);
    let token = house.form_token("/settings/people", &cookie).await;
    let add = |name: &str| format!("form_token={token}&name={name}&role=coder&department=Heart+%26+Lung");
    assert_eq!(house.post("/settings/people", &cookie, &add("ann")).await.0, StatusCode::SEE_OTHER, "it is fresh");
    house.at(15 * 60 + 1);
    let (status, html) = house.post("/settings/people", &cookie, &add("ben")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(house.store.user_named("ben").await.expect("reads").is_none(), "nothing is done yet");
    assert!(html.contains("name=\"department\" value=\"Heart &#38; Lung\""), "what was typed waits: {html}");
    assert!(html.contains("name=\"proof_to\" value=\"/settings/people\"") && html.contains("id=\"proof-password\""));
    assert_eq!(house.get("/settings/people", &cookie).await.0, StatusCode::OK, "looking asks for nothing");

    let proof = |password: &str| {
        format!("{}&proof_to=%2Fsettings%2Fpeople&proof_password={}&proof_code=", add("ben"), encoded(password))
    };
    let (status, html) = house.post("/account/confirm", &cookie, &proof("wrong wrong wrong")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("value=\"Heart &#38; Lung\"") && !html.contains("wrong wrong"), "what was typed still waits");
    let went_on = house.post("/account/confirm", &cookie, &proof(PASSWORD)).await;
    assert_eq!(
        went_on,
        (StatusCode::TEMPORARY_REDIRECT, "/settings/people".to_owned()),
        "the browser posts the same form there"
    );
    let (status, _) = house.post("/settings/people", &cookie, &proof(PASSWORD)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let ben = house.store.user_named("ben").await.expect("reads").expect("is added");
    assert_eq!(ben.department.as_deref(), Some("Heart & Lung"));

    // a second factor and a new code of one's own do too; somebody else's code does not
    let secret = house.give_factor(Role::Admin).await;
    let confirm = async |code: &str| {
        let form = format!("form_token={token}&proof_to=%2Fsettings&proof_password=&proof_code={}", encoded(code));
        house.post("/account/confirm", &cookie, &form).await
    };
    house.at(40 * 60);
    assert_eq!(house.post("/settings/people", &cookie, &add("cleo")).await.0, StatusCode::FORBIDDEN);
    let other = house.token(Role::Coder, TokenKind::SignIn).await;
    assert_eq!(confirm(&other).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let code = secret.code_at(samples::now() + SignedDuration::from_mins(40));
    assert_eq!(confirm(&code).await, (StatusCode::SEE_OTHER, "/settings".to_owned()));
    assert_eq!(house.post("/settings/people", &cookie, &add("cleo")).await.0, StatusCode::SEE_OTHER);
    house.at(80 * 60);
    let own = house.token(Role::Admin, TokenKind::SignIn).await;
    assert_eq!(confirm(&own).await.0, StatusCode::SEE_OTHER);
    // forged proofs are refused as forged forms are
    let forged = house.post("/account/confirm", &cookie, &format!("form_token=x&proof_password={}", encoded(PASSWORD))).await;
    assert_eq!(forged.0, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_cookie_is_of_the_host_alone() {
    let house = House::that((samples::new_note(), Arc::clone(&ENGINE)), SignInSettings::default(), "https://our.host").await;
    house.give_password(Role::Coder).await;
    let response = house.try_password("coder", PASSWORD).await;
    let set = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    assert!(set.starts_with("__Host-abstractor_session=abs_") && set.ends_with("; Secure"), "{set}");
    let cookie = cookie_of(&response);
    assert_eq!(house.get("/queue", &cookie).await.0, StatusCode::OK);
    assert_eq!(location_of(&house, "/queue", &cookie.replace("__Host-", "")).await, "/sign-in", "no other name is taken");
}
