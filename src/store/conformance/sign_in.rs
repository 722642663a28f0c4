//! Passwords, second factors, tries that failed, and sessions.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{MINUTE, accounts::token, at, user};
use crate::{
    domain::{Role, User},
    store::{Actor, AuditEvent, CredentialChange, Store, TokenKind, TokenRecord, Try, TryKind},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn change(user: &User, kept: Option<[u8; 32]>) -> CredentialChange {
    CredentialChange { user_id: user.id, kept, actor: Actor::service() }
}

async fn goes_on(store: &dyn Store, hash: [u8; 32], seconds: i64) -> bool {
    store.session(hash, HOUR, at(seconds)).await.expect("answers").is_some()
}

async fn events(store: &dyn Store, action: &str) -> Vec<AuditEvent> {
    let mut all = store.audit_events(0, 1000).await.expect("reads");
    all.retain(|event| event.action == action);
    all
}

pub(crate) async fn a_password_is_kept_and_taken_away(store: Arc<dyn Store>) {
    let ada = user(&*store, "ada", Role::Coder).await;
    let none = store.user_with_credentials("ada").await.expect("reads").expect("is there");
    assert!(none.0 == ada && none.1.password.is_none() && none.1.factor.is_none());
    assert!(store.user_with_credentials("nobody").await.expect("reads").is_none());
    let (_, here) = token(&*store, &ada, TokenKind::Session, None).await;
    let (_, elsewhere) = token(&*store, &ada, TokenKind::Session, None).await;
    let (_, api) = token(&*store, &ada, TokenKind::Api, None).await;
    store.add_sign_in_step((ada.id, "password"), [9; 32], at(300), at(0)).await.expect("keeps");
    store.set_password(change(&ada, Some(here)), Some("first".to_owned()), at(1)).await.expect("keeps");
    let kept = async || store.credentials(ada.id).await.expect("reads").password;
    assert_eq!(kept().await.as_deref(), Some("first"));
    assert_eq!((goes_on(&*store, here, 2).await, goes_on(&*store, elsewhere, 2).await), (true, false));
    assert!(store.sign_in_step([9; 32], at(2)).await.expect("reads").is_none(), "a sign-in under way ends too");
    assert!(store.user_of_token(api, TokenKind::Api, at(2)).await.expect("answers").is_some(), "programs go on");

    // hashed anew only where it is still the same
    store.rehash_password(ada.id, "another", "wrong".to_owned()).await.expect("answers");
    assert_eq!(kept().await.as_deref(), Some("first"));
    store.rehash_password(ada.id, "first", "first, with more work".to_owned()).await.expect("keeps");
    assert_eq!(kept().await.as_deref(), Some("first, with more work"));
    assert!(goes_on(&*store, here, 2).await, "nobody is signed out for that");

    store.set_password(change(&ada, None), None, at(3)).await.expect("takes away");
    assert_eq!(kept().await, None);
    assert!(!goes_on(&*store, here, 4).await);
    let subject = Some(ada.id);
    for action in ["password.changed", "password.removed"] {
        let found = events(&*store, action).await;
        assert_eq!(found.iter().map(|event| event.subject_id).collect::<Vec<_>>(), [subject], "{action}");
        assert!(found.iter().all(|event| event.detail.is_empty()), "nothing is told of it");
    }
}

pub(crate) async fn a_second_factor_from_enrolment_to_loss(store: Arc<dyn Store>) {
    let ada = user(&*store, "ada", Role::Admin).await;
    let (_, session) = token(&*store, &ada, TokenKind::Session, None).await;
    let has_factor = async || store.session(session, HOUR, at(1)).await.expect("reads").expect("goes on").has_factor;
    assert!(store.begin_factor(ada.id, vec![1; 20]).await.expect("begins"));
    assert!(store.begin_factor(ada.id, vec![2; 20]).await.expect("begins anew"));
    assert!(!has_factor().await, "it does not hold yet");
    assert!(!store.use_step(ada.id, 7).await.expect("answers"), "nor can it be used");
    let recovery: Vec<[u8; 32]> = (10..20).map(|byte| [byte; 32]).collect();
    let confirm = async |secret: u8| store.confirm_factor(&ada, (vec![secret; 20], 100), recovery.clone(), at(1)).await;
    assert!(!confirm(1).await.expect("answers"), "another secret");
    assert!(confirm(2).await.expect("confirms"));
    assert!(!confirm(2).await.expect("answers"), "once");
    assert!(!store.begin_factor(ada.id, vec![3; 20]).await.expect("answers"), "one that holds is not replaced");
    let kept = store.credentials(ada.id).await.expect("reads");
    let factor = kept.confirmed_factor().expect("holds");
    assert_eq!((factor.secret.as_slice(), factor.step, kept.recovery_codes), (&[2; 20][..], Some(100), 10));
    assert!(has_factor().await);

    // each step and each recovery code once, also when they come at the same time
    assert!(!store.use_step(ada.id, 100).await.expect("answers"), "the step of the confirmation is used");
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (store, id) = (Arc::clone(&store), ada.id);
            tokio::spawn(async move {
                let step = store.use_step(id, 101).await.expect("answers");
                (step, store.use_recovery_code(id, [10; 32], at(2)).await.expect("answers"))
            })
        })
        .collect();
    let mut used = (0, 0);
    for each in tries {
        let (step, code) = each.await.expect("runs");
        used = (used.0 + u32::from(step), used.1 + u32::from(code));
    }
    assert_eq!(used, (1, 1));
    assert!(!store.use_step(ada.id, 99).await.expect("answers"), "an older one");
    assert!(!store.use_recovery_code(ada.id, [77; 32], at(2)).await.expect("answers"));
    assert_eq!(store.credentials(ada.id).await.expect("reads").recovery_codes, 9);

    assert!(store.remove_factor(change(&ada, None), at(3)).await.expect("takes away"));
    assert!(!store.remove_factor(change(&ada, None), at(3)).await.expect("answers"), "once");
    let none = store.credentials(ada.id).await.expect("reads");
    assert!(none.factor.is_none() && none.recovery_codes == 0);
    assert!(!goes_on(&*store, session, 4).await);
    assert!(!store.use_recovery_code(ada.id, [11; 32], at(4)).await.expect("answers"), "its codes open nothing");
    assert_eq!(
        (events(&*store, "second_factor.added").await.len(), events(&*store, "second_factor.removed").await.len()),
        (1, 1)
    );
    // and there may be another one
    assert!(store.begin_factor(ada.id, vec![4; 20]).await.expect("begins"));
    let again = store.confirm_factor(&ada, (vec![4; 20], 50), recovery, at(5)).await.expect("confirms");
    assert!(again && store.credentials(ada.id).await.expect("reads").recovery_codes == 10);
}

pub(crate) async fn tries_wait_after_some_failures(store: Arc<dyn Store>) {
    user(&*store, "ada", Role::Coder).await;
    let begin = async |name: &str, seconds: i64| store.begin_try(TryKind::Password, name, at(seconds)).await.expect("answers");
    let wait = |seconds: i64| Try::Begun { wait: Some(SignedDuration::from_secs(seconds)) };
    for name in ["ada", "nobody", "a name with \"quotes\" and ü"] {
        for _ in 0..4 {
            assert_eq!(begin(name, 0).await, Try::Begun { wait: None }, "{name}");
        }
        assert_eq!(begin(name, 0).await, wait(30), "{name}: the fifth may be tried, the next one waits");
        assert_eq!(begin(name, 29).await, Try::Blocked { until: at(30) }, "{name}");
        assert_eq!(begin(name, 30).await, wait(60), "{name}");
        assert_eq!(begin(name, 31).await, Try::Blocked { until: at(90) }, "{name}");
        assert_eq!(
            begin(name, -90_000).await,
            Try::Blocked { until: at(-90_000 + 900) },
            "a clock that went back waits no longer"
        );
    }
    let blocked = async |kind, seconds: i64| store.blocked_until(kind, "ada", at(seconds)).await.expect("answers");
    assert_eq!((blocked(TryKind::Password, 31).await, blocked(TryKind::Password, 90).await), (Some(at(90)), None));
    assert_eq!(blocked(TryKind::SecondFactor, 31).await, None, "the second factor is counted by itself");
    store.clear_tries(TryKind::Password, "ada").await.expect("forgets");
    assert_eq!(begin("ada", 31).await, Try::Begun { wait: None }, "what is forgotten counts no more");
    assert!(matches!(begin("nobody", 31).await, Try::Blocked { .. }));
    assert_eq!(begin("nobody", 90 + 24 * 3600).await, Try::Begun { wait: None }, "nor what was a day ago");

    // however many come at once, five are tried
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.begin_try(TryKind::Password, "crowd", at(0)).await.expect("answers") })
        })
        .collect();
    let mut begun = 0;
    for each in tries {
        begun += u32::from(matches!(each.await.expect("runs"), Try::Begun { .. }));
    }
    assert_eq!(begun, 5);
}

pub(crate) async fn failed_tries_are_told(store: Arc<dyn Store>) {
    let ada = user(&*store, "ada", Role::Coder).await;
    let fail = async |who, wait: Option<i64>, seconds: i64| {
        let wait = wait.map(SignedDuration::from_secs);
        store.record_failed_try(who, TryKind::Password, wait, at(seconds)).await.expect("records");
    };
    fail(Some(ada.id), None, 0).await;
    fail(Some(ada.id), Some(30), 1).await;
    let failed = events(&*store, "sign_in.failed").await;
    assert_eq!(failed.iter().map(|event| event.subject_id).collect::<Vec<_>>(), [Some(ada.id); 2]);
    let locked = events(&*store, "sign_in.locked").await;
    assert_eq!(locked.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), ["password: 30 seconds"]);

    // unknown names: counted, and told once a minute
    for seconds in [10, 11, 69] {
        fail(None, Some(30), seconds).await;
    }
    assert_eq!(events(&*store, "sign_in.failed").await.len(), 2, "not told yet");
    assert_eq!(store.tell_unknown_tries(at(69)).await.expect("answers"), 0);
    fail(None, None, 70).await;
    let unknown = async || {
        let all = events(&*store, "sign_in.failed").await;
        all.into_iter().filter(|event| event.subject_id.is_none()).map(|event| event.detail).collect::<Vec<_>>()
    };
    let first = format!("3 with names or codes that nobody has, since {}", at(10));
    assert_eq!(unknown().await, [first.as_str()]);
    assert_eq!(store.tell_unknown_tries(at(130)).await.expect("tells"), 1);
    assert_eq!(store.tell_unknown_tries(at(500)).await.expect("answers"), 0, "once");
    assert_eq!(unknown().await, [first, format!("1 with names or codes that nobody has, since {}", at(70))]);
    assert_eq!(events(&*store, "sign_in.locked").await.len(), 1, "no name is told to be locked that is none");
}

pub(crate) async fn sessions_end_idle_and_in_time(store: Arc<dyn Store>) {
    let ada = user(&*store, "ada", Role::Coder).await;
    let (id, hash) = token(&*store, &ada, TokenKind::Session, Some(7200)).await;
    let (_, api) = token(&*store, &ada, TokenKind::Api, None).await;
    assert!(!goes_on(&*store, api, 1).await, "a token for programs is no session");
    let live = store.session(hash, HOUR, at(1)).await.expect("reads").expect("goes on");
    assert_eq!((live.id, &live.user, live.active_at, live.proved_at), (id, &ada, at(0), at(0)));
    assert_eq!((goes_on(&*store, hash, 3599).await, goes_on(&*store, hash, 3600).await), (true, false));
    let active = async || store.session(hash, HOUR, at(3000)).await.expect("reads").expect("goes on").active_at;
    store.keep_use(hash, at(1000)).await.expect("keeps");
    store.keep_use(hash, at(1059)).await.expect("answers");
    assert_eq!(active().await, at(1000), "kept once a minute");
    store.keep_use(hash, at(1060)).await.expect("keeps");
    assert_eq!(active().await, at(1060));
    assert_eq!((goes_on(&*store, hash, 4659).await, goes_on(&*store, hash, 4660).await), (true, false));
    store.keep_use(hash, at(4600)).await.expect("keeps");
    store.keep_use(hash, at(7000)).await.expect("keeps");
    assert_eq!((goes_on(&*store, hash, 7199).await, goes_on(&*store, hash, 7200).await), (true, false), "in the end it ends");
    let used = store.tokens(ada.id).await.expect("lists").into_iter().find(|one| one.id == id).expect("is listed").used_at;
    assert_eq!(used, Some(at(7000)));

    store.keep_proof(id, Actor::service(), "password", at(7001)).await.expect("keeps");
    let live = store.session(hash, HOUR, at(7002)).await.expect("reads").expect("goes on");
    assert_eq!((live.proved_at, live.active_at), (at(7001), at(7000)));
    assert_eq!(events(&*store, "session.confirmed").await.len(), 1);

    let (_, other) = token(&*store, &ada, TokenKind::Session, None).await;
    assert_eq!(store.end_sessions(change(&ada, Some(other)), at(100)).await.expect("ends"), 1);
    assert_eq!((goes_on(&*store, hash, 7002).await, goes_on(&*store, other, 101).await), (false, true));
    assert_eq!(store.end_sessions(change(&ada, None), at(101)).await.expect("ends"), 1);
    assert_eq!(store.end_sessions(change(&ada, None), at(102)).await.expect("answers"), 0);
    let ended = events(&*store, "sessions.ended").await;
    assert_eq!(ended.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), ["1", "1"]);
    let (_, last) = token(&*store, &ada, TokenKind::Session, None).await;
    assert!(goes_on(&*store, last, 1).await);
    assert!(store.set_user_disabled("ada", true, Actor::service(), at(2)).await.expect("answers"));
    assert!(!goes_on(&*store, last, 3).await);
}

pub(crate) async fn a_first_step_works_once_and_for_a_while(store: Arc<dyn Store>) {
    let ada = user(&*store, "ada", Role::Coder).await;
    store.add_sign_in_step((ada.id, "code"), [1; 32], at(300), at(0)).await.expect("keeps");
    let step = async |seconds: i64| store.sign_in_step([1; 32], at(seconds)).await.expect("reads");
    let made = step(299).await.expect("is there");
    assert_eq!((made.user, made.how.as_str()), (ada, "code"));
    assert!(step(300).await.is_none());
    assert!(store.sign_in_step([2; 32], at(1)).await.expect("reads").is_none());
    assert!(store.set_user_disabled("ada", true, Actor::service(), at(1)).await.expect("answers"));
    assert!(step(2).await.is_none());
    assert!(store.set_user_disabled("ada", false, Actor::service(), at(2)).await.expect("answers"));
    assert!(store.end_sign_in_step([1; 32]).await.expect("ends"));
    assert!(!store.end_sign_in_step([1; 32]).await.expect("answers"), "once");
    assert!(step(3).await.is_none());
}

pub(crate) async fn a_token_is_followed_by_another(store: Arc<dyn Store>) {
    let emr = user(&*store, "emr", Role::Coder).await;
    let rotate = async |old, hash: u8, seconds: i64, overlap: SignedDuration| {
        let record = TokenRecord {
            id: super::id(),
            user_id: uuid::Uuid::nil(),
            kind: TokenKind::Api,
            label: String::new(),
            created_at: at(seconds),
            expires_at: Some(at(seconds + 1000)),
            revoked_at: None,
            used_at: None,
        };
        let new = record.id;
        let of = store.rotate_token(old, (record, [hash; 32]), overlap, Actor::service()).await.expect("answers");
        (new, of)
    };
    let works =
        async |hash, seconds: i64| store.user_of_api_token(hash, at(seconds)).await.expect("answers").map(|(_, kind)| kind);
    let (old, hash) = token(&*store, &emr, TokenKind::ApiRead, None).await;
    let (new, of) = rotate(old, 1, 10, MINUTE).await;
    assert_eq!(of, Some(emr.id));
    assert_eq!((works(hash, 69).await, works(hash, 70).await), (Some(TokenKind::ApiRead), None), "the old one overlaps");
    assert_eq!((works([1; 32], 10).await, works([1; 32], 1010).await), (Some(TokenKind::ApiRead), None));
    let listed = store.tokens(emr.id).await.expect("lists");
    let (first, second) = (listed.iter().find(|one| one.id == old), listed.iter().find(|one| one.id == new));
    assert_eq!(first.map(|one| &one.label), second.map(|one| &one.label));
    // an overlap makes no token work longer than it would have
    let (short, hash) = token(&*store, &emr, TokenKind::Api, Some(20)).await;
    rotate(short, 2, 10, HOUR).await;
    assert_eq!((works(hash, 19).await, works(hash, 20).await), (Some(TokenKind::Api), None));
    // what works no more, or is for people, has no successor
    let (session, _) = token(&*store, &emr, TokenKind::Session, None).await;
    for (which, hash) in [(old, 3), (session, 4), (super::id(), 5)] {
        assert_eq!(rotate(which, hash, 100, MINUTE).await.1, None);
        assert_eq!(works([hash; 32], 101).await, None);
    }
    assert_eq!(events(&*store, "token.rotated").await.len(), 2);
}
