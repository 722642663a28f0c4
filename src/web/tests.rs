//! Every template with hostile words; every route with a real store and a real code table, in process.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicI64, AtomicU32, Ordering},
};

use askama::Template;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use jiff::SignedDuration;
use tokio::sync::Notify;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{
    item_view::{ItemPage, Seen, view},
    notice,
    samples::{self, HOSTILE, TEXT},
    shell::{MessagePage, Shell},
    sign_in::SignInPage,
};
use crate::{
    auth::Token,
    domain::{EntryState, ItemState, NewNote, Role, Surroundings, User},
    engine::Engine,
    pipeline::Pipeline,
    recognize::merge::Recognizers,
    review,
    seal::SiteKeys,
    service::{Service, SignIn, SignInSettings, VocabularyControl},
    store::{
        AccountStore as _, Actor, AddNote, NoteStore as _, ReviewStore as _, TokenKind, TokenRecord,
        sqlite::{OpenMode, SqliteStore},
    },
    vocabulary::Tables,
};

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| engine(&Tables::embedded().expect("tables")));

fn engine(tables: &Tables) -> Arc<Engine> {
    let pipeline = Pipeline::new(tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline");
    Arc::new(Engine::start(Arc::new(pipeline), 1, 1, None).expect("threads"))
}

/// The characters of HTML without its elements, references resolved.
fn without_elements(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start + rest[start..].find('>').expect("an element ends") + 1..];
    }
    text.push_str(rest);
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text, |text, (reference, character)| text.replace(reference, character))
}

/// Fails when hostile words stand in the page as they are.
fn assert_escaped(html: &str) {
    assert!(!html.contains("<script>"), "a script of a note stands in the page");
    assert!(!html.contains("alert('x')") && !html.contains("&amp;\""), "quotes of a note stand in the page");
    assert!(!html.contains("<b>type 2"), "elements of a note stand in the page");
    assert!(html.contains("&#60;script&#62;"), "the sample's words are missing");
}

fn shell() -> Shell {
    Shell {
        audits: true,
        user: Some(HOSTILE.to_owned()),
        role: "coder",
        form_token: HOSTILE.to_owned(),
        leads: true,
        reviews: true,
        reports: true,
        accesses: true,
        glass: true,
    }
}

fn sample(state: ItemState) -> (crate::service::QueueItem, ItemPage) {
    let bench = samples::bench(state);
    let pipeline = ENGINE.pipeline();
    let seen = Seen { pipeline: &pipeline, user: samples::CODER, zone: &jiff::tz::TimeZone::UTC, kept: None };
    let mut page = view(&bench, seen);
    page.can_remark = true;
    page.can_assign = true;
    page.assignees = vec![HOSTILE.to_owned()];
    page.teams = vec![HOSTILE.to_owned()];
    page.team = Some(HOSTILE.to_owned());
    let item = bench.item;
    page.shell = shell();
    page.notice = notice::lookup(None, Some("stale"));
    (item, page)
}

#[test]
fn small_pages_escape() {
    let message = MessagePage { shell: shell(), title: HOSTILE.to_owned(), message: HOSTILE.to_owned() };
    assert_escaped(&message.render().expect("renders"));
    for problem in [None, Some(HOSTILE.to_owned())] {
        let (code, name) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        let page = SignInPage { code, name, problem, ..SignInPage::default() };
        assert_escaped(&page.render().expect("renders"));
    }
}

#[test]
fn an_item_escapes_in_every_state() {
    for (state, held) in [(ItemState::Open, false), (ItemState::Claimed, true), (ItemState::Finished, false)] {
        let (item, page) = sample(state);
        let html = page.render().expect("renders");
        assert_escaped(&html);
        assert_eq!(html.contains("/decide"), held, "forms are for the holder");
        assert_eq!(html.contains("/claim"), state == ItemState::Open);
        for state in [EntryState::Amended, EntryState::Accepted, EntryState::Rejected, EntryState::Suggested, EntryState::Added]
        {
            assert!(item.entries.iter().any(|entry| entry.state == state), "the sample has no entry that is {state:?}");
        }
        for entry in &item.entries {
            assert!(html.contains(&format!("id=\"e-{}\"", entry.id)), "an entry is not shown");
        }
    }
}

#[test]
fn highlighting_changes_no_character_of_the_note() {
    let (_, page) = sample(ItemState::Claimed);
    let html = page.render().expect("renders");
    let mut seen = 0;
    for part in html.split("<div class=\"text\"").skip(1) {
        let text = part.split_once('>').expect("the element's end").1.split_once("</div>").expect("its end").0;
        assert_eq!(without_elements(text), TEXT);
        seen += 1;
    }
    assert_eq!(seen, 2);
    assert!(html.contains("<b>"), "headings are bold");
}

#[test]
fn evidence_links_lead_to_a_place_and_back() {
    let (_, page) = sample(ItemState::Claimed);
    let html = page.render().expect("renders");
    let mut links = 0;
    for link in html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().expect("a link")) {
        assert_eq!(html.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
        links += 1;
    }
    assert!(links > 10, "{links} links");
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice");
}

/// A server of its own with one item and users of every role.
struct House {
    router: Router,
    store: Arc<SqliteStore>,
    item: Uuid,
    /// How many seconds its clock is ahead.
    clock: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

fn id() -> Uuid {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

impl House {
    async fn new() -> Self {
        Self::with(samples::new_note(), ENGINE.clone()).await
    }

    async fn with(note: NewNote, engine: Arc<Engine>) -> Self {
        Self::that((note, engine), SignInSettings::default(), "http://localhost").await
    }

    /// One that lets people in as these settings say, at an address.
    async fn that((note, engine): (NewNote, Arc<Engine>), settings: SignInSettings, address: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abstractor.db");
        let store = Arc::new(SqliteStore::open(&path, SiteKeys::generate(), OpenMode::Serve).expect("opens"));
        let added = store.add_note(id(), note.into(), Actor::service(), samples::now()).await.expect("stores");
        let AddNote::Created { id: note } = added else { panic!("{added:?}") };
        for job in store.claim_jobs(1, SignedDuration::from_mins(1), samples::now()).await.expect("claims") {
            assert!(store.record_extraction(&job, samples::extraction(note), samples::now()).await.expect("records"));
        }
        let item = store.note(note).await.expect("reads").expect("is there").item_id;
        for role in Role::ALL {
            let user = User::new(id(), role.as_str(), role);
            assert!(store.add_user(user, Actor::service(), samples::now()).await.expect("adds"));
        }
        let clock = Arc::new(AtomicI64::new(0));
        let service = Arc::new(Service {
            backlog: crate::service::Backlog::default(),
            is_stopping: false.into(),
            tally: crate::service::Tally::default(),
            store: store.clone(),
            engine,
            vocabularies: VocabularyControl::new(None, Box::new(|_| {})),
            surroundings: {
                let clock = Arc::clone(&clock);
                Surroundings::new(move || samples::now() + SignedDuration::from_secs(clock.load(Ordering::Relaxed)), id)
            },
            sign_in: SignIn::new(settings),
            wake: Arc::new(Notify::new()),
            reach: crate::network::Reach::default(),
            client_certificates: crate::network::ClientCertificates::default(),
            public_url: address.to_owned(),
            oversight: crate::service::OversightSettings::default(),
            shadow_runs: crate::service::ShadowRuns::default(),
            max_note_bytes: 1_000_000,
            time_zone: jiff::tz::TimeZone::UTC,
            metrics: Arc::new(String::new),
        });
        Self { router: super::router(service), store, item, clock, _folder: folder }
    }

    async fn token(&self, role: Role, kind: TokenKind) -> String {
        let user = self.store.user_named(role.as_str()).await.expect("reads").expect("is there");
        let token = Token::generate();
        let record = TokenRecord {
            id: id(),
            user_id: user.id,
            kind,
            label: "test".to_owned(),
            created_at: samples::now(),
            expires_at: None,
            revoked_at: None,
            used_at: None,
        };
        self.store.add_token(record, token.hash(), Actor::service(), samples::now()).await.expect("adds");
        token.reveal().to_owned()
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("answers")
    }

    async fn get(&self, path: &str, cookie: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
        let response = self.send(request).await;
        let status = response.status();
        (status, body(response).await)
    }

    /// Posts a form; the answer's status, and where it leads or what it says.
    async fn post(&self, path: &str, cookie: &str, form: &str) -> (StatusCode, String) {
        let request = form_request(path, form).header(header::COOKIE, cookie).body(Body::from(form.to_owned()));
        let response = self.send(request.expect("a request")).await;
        let (status, place) = (response.status(), location(&response));
        if status.is_redirection() { (status, place) } else { (status, body(response).await) }
    }

    async fn sign_in(&self, role: Role) -> String {
        let code = self.token(role, TokenKind::SignIn).await;
        let form = format!("code={code}");
        let response = self.send(form_request("/sign-in", &form).body(Body::from(form)).expect("a request")).await;
        let first = match role {
            Role::Coder | Role::Lead => "/queue",
            Role::Admin => "/settings",
            Role::Auditor => "/reports",
            Role::Submitter => "/about",
        };
        assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, first));
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
        for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        cookie.split(';').next().expect("a value").to_owned()
    }
}

fn form_request(path: &str, _form: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header(header::HOST, "our.host")
        .header(header::ORIGIN, "http://our.host")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn location(response: &Response) -> String {
    response.headers().get(header::LOCATION).map(|place| place.to_str().expect("text").to_owned()).unwrap_or_default()
}

async fn body(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    html.split_once(start).unwrap_or_else(|| panic!("{start} is missing")).1.split_once(end).expect("an end").0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_only_by_the_form() {
    let house = House::new().await;
    let code = house.token(Role::Coder, TokenKind::SignIn).await;
    let (status, html) = house.get(&format!("/sign-in?code={code}"), "").await;
    assert!(status == StatusCode::OK && html.contains(&code));
    let form = format!("code={code}");
    assert_eq!(house.post("/sign-in", "", &form).await, (StatusCode::SEE_OTHER, "/queue".to_owned()));
    let (status, html) = house.post("/sign-in", "", &form).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(html.contains("does not work") && !html.contains(&code));
    assert_eq!(house.post("/sign-in", "", "code=nonsense").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.post("/sign-in", "", "").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_tokens_sign_in_those_for_whom_there_are_pages() {
    let house = House::new().await;
    for role in Role::ALL {
        let token = house.token(role, TokenKind::Api).await;
        let (status, _) = house.post("/sign-in", "", &format!("code={token}")).await;
        let expected = if role == Role::Submitter { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
        assert_eq!(status, expected, "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_need_a_session_and_a_role() {
    let house = House::new().await;
    let item = format!("/items/{}", house.item);
    for path in ["/queue", item.as_str()] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(location(&house.send(request).await), "/sign-in");
        for role in Role::ALL {
            let cookie = house.sign_in(role).await;
            let (status, html) = house.get(path, &cookie).await;
            if matches!(role, Role::Coder | Role::Lead) {
                assert_eq!(status, StatusCode::OK, "{path} {role:?}");
            } else {
                assert_eq!(status, StatusCode::FORBIDDEN, "{path} {role:?}");
                assert!(html.contains("coder and lead") && html.contains(role.as_str()));
            }
        }
    }
    let api = house.token(Role::Coder, TokenKind::Api).await;
    let (status, _) = house.get("/queue", &format!("abstractor_session={api}")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "an API token is no session");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session() {
    let house = House::new().await;
    let cookie = house.sign_in(Role::Coder).await;
    let (_, html) = house.get("/queue", &cookie).await;
    let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let out = house.post("/sign-out", &cookie, &format!("form_token={token}")).await;
    assert_eq!(out, (StatusCode::SEE_OTHER, "/sign-in".to_owned()));
    assert_eq!(house.get("/queue", &cookie).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_protected() {
    let house = House::new().await;
    let cookie = house.sign_in(Role::Coder).await;
    for path in ["/", "/sign-in", "/queue", &format!("/items/{}", house.item), &format!("/items/{}", id())] {
        let request = Request::get(path).header(header::COOKIE, &cookie).body(Body::empty()).expect("a request");
        let response = house.send(request).await;
        let headers = response.headers();
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text").starts_with("default-src 'none';"));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
    let (_, html) = house.get("/queue", &cookie).await;
    for (start, media_type) in [("stylesheet\" href=\"", "text/css"), ("<script src=\"", "text/javascript")] {
        let path = between(&html, start, "\"");
        let response = house.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()[header::CONTENT_TYPE].to_str().expect("text").starts_with(media_type));
        assert!(response.headers()[header::CACHE_CONTROL].to_str().expect("text").contains("immutable"));
    }
    assert_eq!(house.get("/assets/pages-000000000000.css", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_forms_change_nothing() {
    let house = House::new().await;
    let (cookie, other) = (house.sign_in(Role::Coder).await, house.sign_in(Role::Coder).await);
    let (_, html) = house.get("/queue", &other).await;
    let of_other = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let (_, html) = house.get("/queue", &cookie).await;
    let own = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let path = format!("/items/{}/claim", house.item);
    assert_eq!(house.post(&path, &cookie, &format!("form_token={of_other}")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.post(&path, &cookie, "form_token=").await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.post(&path, &cookie, "").await.0, StatusCode::BAD_REQUEST);
    let request = Request::post(&path)
        .header(header::HOST, "our.host")
        .header(header::ORIGIN, "https://evil.example")
        .header(header::COOKIE, &cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("form_token={own}")));
    assert_eq!(house.send(request.expect("a request")).await.status(), StatusCode::FORBIDDEN);
    let item = house.store.item(house.item, samples::now()).await.expect("reads").expect("is there");
    assert_eq!(item.item.state, ItemState::Open);
    let (status, place) = house.post(&path, &cookie, &format!("form_token={own}")).await;
    assert_eq!((status, place), (StatusCode::SEE_OTHER, format!("/items/{}?notice=claimed", house.item)));
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_by_form() {
    let house = House::new().await;
    let cookie = house.sign_in(Role::Coder).await;
    let page = format!("/items/{}", house.item);
    let (_, html) = house.get(&page, &cookie).await;
    let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let entry = between(&html, "<article class=\"entry diagnosis suggested undecided\" id=\"e-", "\"").to_owned();
    let post = async |action: &str, fields: &str| {
        let form = format!("form_token={token}&{fields}");
        house.post(&format!("{page}/{action}"), &cookie, &form).await.1
    };
    let decide = async |fields: &str| post("decide", &format!("entry={entry}&{fields}")).await;
    let problem = |word: &str| format!("{page}?problem={word}#e-{entry}");
    let notice = |word: &str| format!("{page}?notice={word}#e-{entry}");
    let unclaimed = decide("action=accept").await;
    assert!(unclaimed.contains("You do not hold this encounter") && unclaimed.contains("Claim it again and save my choice"));
    assert_eq!(post("claim", "").await, format!("{page}?notice=claimed"));
    let stale = decide("action=reject&reason=other&comment=mine+%3Cb%3E&revision=99999").await;
    assert!(
        stale.contains("The encounter changed") && stale.contains("rejected: other – “mine &#60;b&#62;”"),
        "both sides are shown"
    );
    assert!(stale.contains("name=\"comment\" value=\"mine &#60;b&#62;\""), "what was typed can be sent again");
    assert!(!stale.contains("value=\"99999\""), "with the revision of now");
    for (fields, expected) in [
        ("action=accept", notice("accepted")),
        ("action=reject", problem("reason_missing")),
        ("action=reject&reason=nonsense", problem("invalid")),
        ("action=reject&reason=duplicate&comment=twice", notice("rejected")),
        ("action=amend", problem("nothing_changed")),
        ("action=amend&code=nonsense", problem("code_unknown")),
        ("action=amend&context=nonsense", problem("invalid")),
        ("action=amend&choice=77", problem("nothing_changed")),
        ("action=amend&choice=0", notice("amended")),
        ("action=amend&code=i10&context=historical", notice("amended")),
        ("action=withdraw", notice("withdrawn")),
        ("action=dance", problem("invalid")),
    ] {
        assert_eq!(decide(fields).await, expected, "{fields}");
    }
    let heading = decide("action=amend&code=E11").await;
    assert!(heading.contains("Not done: the code is the heading E11"), "told on the page, with a code below it");
    assert_eq!(post("decide", &format!("entry={}&action=accept", id())).await, format!("{page}?problem=unknown_entry"));
    assert_eq!(post("add", "kind=diagnosis&display=+&code=I10").await, format!("{page}?problem=name_missing"));
    assert_eq!(post("add", "kind=diagnosis&display=x&code=I99999").await, format!("{page}?problem=code_unknown"));
    let added = post("add", "kind=diagnosis&display=hypertension&code=i10").await;
    assert!(added.starts_with(&format!("{page}?notice=added#e-")), "{added}");
    assert_eq!(post("finish", "").await, format!("{page}?problem=undecided"));
    let (_, html) = house.get(&format!("{page}?problem=undecided"), &cookie).await;
    assert!(html.contains("role=\"alert\""));
    assert!(html.contains("rejected: duplicate – “twice”") && html.contains("Essential (primary) hypertension"));
    let undecided: Vec<String> =
        html.split("undecided\" id=\"e-").skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect();
    for entry in undecided {
        assert!(post("decide", &format!("entry={entry}&action=accept")).await.contains("notice=accepted"));
    }
    assert_eq!(post("finish", "").await, "/queue?notice=finished");
    assert!(decide("action=accept").await.contains("finished meanwhile"));
    assert!(!house.get("/queue", &cookie).await.1.contains(&page));
    assert!(house.get("/queue?state=finished", &cookie).await.1.contains(&page));
}

/// What is typed is a code of the edition of the encounter's day; what stands for another is told on the page, not in an address.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_follows_the_day() {
    let engine = engine(&review::tests::two_editions());
    for (day, typed, instead) in [("2026-09-01", "K37", "K37.0"), ("2026-10-01", "K37.0", "K37")] {
        let note = NewNote { service_date: day.parse().ok(), discharge_date: None, ..samples::new_note() };
        let house = House::with(note, engine.clone()).await;
        let cookie = house.sign_in(Role::Coder).await;
        let page = format!("/items/{}", house.item);
        let (_, html) = house.get(&page, &cookie).await;
        let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
        assert!(house.post(&format!("{page}/claim"), &cookie, &format!("form_token={token}")).await.1.ends_with("claimed"));
        let add = async |code: &str| {
            let form = format!("form_token={token}&kind=diagnosis&display=appendicitis&code={code}");
            house.post(&format!("{page}/add"), &cookie, &form).await
        };
        let (status, html) = add(instead).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{day} {instead}");
        let said = without_elements(between(&html, "role=\"alert\">", "</p>"));
        assert!(said.contains("is not a code of") && said.contains("for it there"), "{said}");
        let (status, place) = add(typed).await;
        assert!(status.is_redirection() && place.contains("notice=added"), "{day} {typed}: {place}");
        assert!(house.get(&page, &cookie).await.1.contains("Unspecified appendicitis"), "titled by the edition");
    }
}

/// A hard edit is asked for when finishing; who let it stand, and why, is told on the page afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_hard_edit_needs_a_reason_and_is_told_afterwards() {
    let note = NewNote { service_date: "2026-05-04".parse().ok(), ..samples::new_note() };
    let house = House::with(note, ENGINE.clone()).await;
    let cookie = house.sign_in(Role::Coder).await;
    let page = format!("/items/{}", house.item);
    let (_, html) = house.get(&page, &cookie).await;
    let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let post = async |action: &str, fields: &str| {
        house.post(&format!("{page}/{action}"), &cookie, &format!("form_token={token}&{fields}")).await.1
    };
    assert!(post("claim", "").await.ends_with("claimed"));
    let (_, html) = house.get(&page, &cookie).await;
    for entry in html.split("undecided\" id=\"e-").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(post("decide", &format!("entry={entry}&action=accept")).await.contains("notice=accepted"));
    }
    assert!(!html.contains("override_edits"), "nothing is asked for while no hard edit stands");
    assert!(post("add", "kind=diagnosis&display=newborn&code=Z38.00").await.contains("notice=added"), "for a patient of 76");
    let (_, html) = house.get(&page, &cookie).await;
    assert!(html.contains("name=\"override_edits\"") && html.contains("Z38.00 fits the age"));
    assert_eq!(post("finish", "").await, format!("{page}?problem=hard_edits"));
    assert_eq!(post("finish", "override_edits=because").await, format!("{page}?problem=hard_edits"));
    assert_eq!(post("finish", "override_edits=provider_was_asked").await, "/queue?notice=finished");
    let (_, html) = house.get(&page, &cookie).await;
    assert!(html.contains("Finished although hard edits stood: the provider was asked · coder · "), "who and why");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_holder_at_a_time() {
    let house = House::new().await;
    let page = format!("/items/{}", house.item);
    let mut cookies = Vec::new();
    for role in [Role::Coder, Role::Lead] {
        let cookie = house.sign_in(role).await;
        let token = between(&house.get(&page, &cookie).await.1, "name=\"form_token\" value=\"", "\"").to_owned();
        cookies.push((cookie, format!("form_token={token}")));
    }
    let [(coder, coder_form), (lead, lead_form)] = &cookies[..] else { panic!("two") };
    assert!(house.post(&format!("{page}/claim"), coder, coder_form).await.1.ends_with("notice=claimed"));
    assert!(house.post(&format!("{page}/claim"), lead, lead_form).await.1.ends_with("problem=held"));
    assert!(house.get("/queue", coder).await.1.contains("Yours"));
    assert!(!house.get("/queue", lead).await.1.contains("Yours"));
    let (_, html) = house.get(&page, lead).await;
    assert!(html.contains("held by coder until") && !html.contains("/decide"));
    assert_eq!(house.post(&format!("{page}/release"), coder, coder_form).await.1, "/queue?notice=released");
    assert!(house.post(&format!("{page}/claim"), lead, lead_form).await.1.ends_with("notice=claimed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_book_is_browsed_from_the_chapters_to_a_code() {
    let house = House::new().await;
    let cookie = house.sign_in(Role::Coder).await;
    for (path, status, words) in [
        ("/codes", 200, &["href=\"/codes/I00-I99\"", "9. Diseases of the circulatory system"][..]),
        ("/codes/i00-i99", 200, &["Chapter 9: Diseases", "href=\"/codes/I10-I1A\"", "Excludes2"]),
        ("/codes?query=I10-I1A", 200, &["Hypertensive diseases", "href=\"/codes/I10\""]),
        (
            "/codes/s7292xk",
            200,
            &["S72.92XK Unspecified fracture of left femur", "href=\"/codes/S70-S79\"", "Seventh characters", "In the index"],
        ),
        ("/codes/E11.22", 200, &["may stand on a claim", "HCC V24 18, V28 37", "href=\"/codes/E00-E89\""]),
        ("/codes/E99.99", 404, &["No loaded edition has this code", "value=\"E99.99\""]),
        ("/codes?query=appendisitus", 200, &["spelt nearly so", "href=\"/codes/K37\""]),
        ("/codes?query=zzzqq", 200, &["No code has these words"]),
        ("/about", 200, &["Code editions", "public domain", "Not loaded"]),
    ] {
        let (found, html) = house.get(path, &cookie).await;
        assert_eq!(found.as_u16(), status, "{path}");
        for words in words {
            assert!(html.contains(words), "{path} has no {words}: {}", without_elements(&html));
        }
    }
    let (status, html) = house.get("/codes?query=%3Cscript%3Ealert(1)%3C/script%3E", &cookie).await;
    assert!(status == StatusCode::OK && !html.contains("<script>alert"), "a query is escaped");
}

mod audit;
mod fuzz;
mod lists;
mod queries;
mod reports;
mod sign_in;
