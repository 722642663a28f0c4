//! Users, tokens and the audit trail.

use std::sync::Arc;

use super::{at, id, post, text, user};
use crate::{
    domain::{Role, User},
    seal::Place,
    store::{Actor, Store, TokenKind, TokenRecord},
};

/// Gives a user a token; its id and hash.
pub(super) async fn token(store: &dyn Store, user: &User, kind: TokenKind, expires_at: Option<i64>) -> (uuid::Uuid, [u8; 32]) {
    let token_id = id();
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(token_id.as_bytes());
    let record = TokenRecord {
        id: token_id,
        user_id: user.id,
        kind,
        label: "test".to_owned(),
        created_at: at(0),
        expires_at: expires_at.map(at),
        revoked_at: None,
        used_at: None,
    };
    store.add_token(record.clone(), hash, Actor::service(), at(0)).await.expect("adds");
    assert!(store.tokens(user.id).await.expect("lists").contains(&record));
    (token_id, hash)
}

async fn works(store: &dyn Store, hash: [u8; 32], kind: TokenKind, seconds: i64) -> bool {
    store.user_of_token(hash, kind, at(seconds)).await.expect("answers").is_some()
}

pub(crate) async fn users(store: Arc<dyn Store>) {
    let zoe = user(&*store, "zoe", Role::Lead).await;
    let ann = User {
        source: Some("emr".to_owned()),
        facility: Some("north".to_owned()),
        department: Some("icu".to_owned()),
        sees_restricted: true,
        ..User::new(id(), "ann", Role::Submitter)
    };
    assert!(store.add_user(ann.clone(), Actor::service(), at(0)).await.expect("adds"));
    let taken = User { id: id(), ..zoe.clone() };
    assert!(!store.add_user(taken, Actor::service(), at(0)).await.expect("answers"));
    assert_eq!(store.user_named("ann").await.expect("reads"), Some(ann.clone()));
    assert_eq!(store.user_named("nobody").await.expect("reads"), None);
    assert_eq!(store.users().await.expect("lists"), [ann.clone(), zoe.clone()]);
    let (_, api) = token(&*store, &ann, TokenKind::Api, None).await;
    let (_, session) = token(&*store, &ann, TokenKind::Session, None).await;
    // another role, another scope: the id, the name and whether they are disabled stay
    let coder = User {
        id: id(),
        role: Role::Coder,
        source: None,
        facility: None,
        sees_restricted: false,
        disabled: true,
        ..ann.clone()
    };
    assert!(store.change_user(coder.clone(), Actor::service(), at(1)).await.expect("answers"));
    let changed = User { id: ann.id, disabled: false, ..coder.clone() };
    assert_eq!(store.user_named("ann").await.expect("reads"), Some(changed));
    let last = |events: Vec<crate::store::AuditEvent>| events.last().map(|one| (one.action.clone(), one.detail.clone()));
    let told = last(store.audit_events(0, 1000).await.expect("reads"));
    let detail = "role submitter to coder, tokens revoked; source; facility; restricted withdrawn";
    assert_eq!(told, Some(("user.changed".to_owned(), detail.to_owned())));
    assert!(store.change_user(coder, Actor::service(), at(1)).await.expect("answers"), "the same again");
    assert_eq!(last(store.audit_events(0, 1000).await.expect("reads")), told, "is no event");
    let works = (works(&*store, api, TokenKind::Api, 2).await, works(&*store, session, TokenKind::Session, 2).await);
    assert_eq!(works, (false, true), "a token of one role opens nothing for another");
    let nobody = User { name: "nobody".to_owned(), ..zoe };
    assert!(!store.change_user(nobody, Actor::service(), at(1)).await.expect("answers"));
    assert!(!store.set_user_disabled("nobody", true, Actor::service(), at(1)).await.expect("answers"));
}

pub(crate) async fn a_token_works_until_revoked(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let (token_id, hash) = token(&*store, &coder, TokenKind::Api, None).await;
    assert_eq!(store.user_of_token(hash, TokenKind::Api, at(1)).await.expect("answers"), Some(coder.clone()));
    assert!(!works(&*store, [7; 32], TokenKind::Api, 1).await);
    assert!(store.revoke_token(token_id, Actor::service(), at(2)).await.expect("answers"));
    assert!(store.revoke_token(token_id, Actor::service(), at(3)).await.expect("answers"));
    assert!(!works(&*store, hash, TokenKind::Api, 1).await);
    assert_eq!(store.tokens(coder.id).await.expect("lists")[0].revoked_at, Some(at(2)), "the first revocation stands");
    assert!(!store.revoke_token(id(), Actor::service(), at(2)).await.expect("answers"));
    let (_, session) = token(&*store, &coder, TokenKind::Session, None).await;
    assert!(store.revoke_token_hash(session, at(4)).await.expect("answers"));
    assert!(!works(&*store, session, TokenKind::Session, 4).await);
    assert!(!store.revoke_token_hash([7; 32], at(4)).await.expect("answers"));
}

pub(crate) async fn a_token_expires(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let (_, hash) = token(&*store, &coder, TokenKind::Session, Some(60)).await;
    assert!(works(&*store, hash, TokenKind::Session, 59).await);
    assert!(!works(&*store, hash, TokenKind::Session, 60).await);
}

pub(crate) async fn a_token_is_of_one_kind(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let kinds = [TokenKind::Api, TokenKind::Session, TokenKind::SignIn];
    for kind in kinds {
        let (_, hash) = token(&*store, &coder, kind, None).await;
        for asked in kinds {
            assert_eq!(works(&*store, hash, asked, 1).await, asked == kind, "{kind:?} as {asked:?}");
        }
    }
}

pub(crate) async fn a_disabled_user_has_no_tokens(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let (_, api) = token(&*store, &coder, TokenKind::Api, None).await;
    let (_, sign_in) = token(&*store, &coder, TokenKind::SignIn, None).await;
    assert!(store.set_user_disabled("coder", true, Actor::service(), at(1)).await.expect("answers"));
    assert!(!works(&*store, api, TokenKind::Api, 2).await);
    assert!(store.redeem_sign_in(sign_in, at(2)).await.expect("answers").is_none());
    assert!(store.set_user_disabled("coder", false, Actor::service(), at(3)).await.expect("answers"));
    assert!(works(&*store, api, TokenKind::Api, 4).await);
}

pub(crate) async fn a_sign_in_works_once(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let (_, api) = token(&*store, &coder, TokenKind::Api, None).await;
    assert!(store.redeem_sign_in(api, at(1)).await.expect("answers").is_none(), "not a sign-in token");
    let (_, late) = token(&*store, &coder, TokenKind::SignIn, Some(60)).await;
    assert!(store.redeem_sign_in(late, at(60)).await.expect("answers").is_none());
    let (_, hash) = token(&*store, &coder, TokenKind::SignIn, Some(60)).await;
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.redeem_sign_in(hash, at(2)).await.expect("answers") })
        })
        .collect();
    let mut redeemed = Vec::new();
    for each in tries {
        redeemed.extend(each.await.expect("runs"));
    }
    assert_eq!(redeemed, [coder]);
}

pub(crate) async fn an_assertion_is_used_once(store: Arc<dyn Store>) {
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.redeem_assertion([1; 32], at(60), at(2)).await.expect("answers") })
        })
        .collect();
    let mut taken = 0;
    for each in tries {
        taken += usize::from(each.await.expect("runs"));
    }
    assert_eq!(taken, 1);
    assert!(store.redeem_assertion([2; 32], at(60), at(3)).await.expect("answers"), "another one");
    assert!(!store.redeem_assertion([1; 32], at(120), at(60)).await.expect("answers"), "known until its end");
    assert!(store.redeem_assertion([1; 32], at(120), at(61)).await.expect("answers"), "forgotten after it");
}

pub(crate) async fn a_derived_key_is_of_its_duty(store: Arc<dyn Store>) {
    let place = Place::new("cookie", b"a", "b");
    let sealed = store.derived_key("one").seal(place, b"text");
    assert_eq!(store.derived_key("one").open(place, &sealed), Ok(b"text".to_vec()));
    assert!(store.derived_key("two").open(place, &sealed).is_err());
}

pub(crate) async fn the_audit_trail_has_no_gaps(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let actor = Actor { user_id: Some(coder.id), name: coder.name.clone() };
    let taken = id();
    store.add_note(taken, text("a").into(), Actor::service(), at(1)).await.expect("stores");
    // Failing writes among good ones, all at once: what is undone leaves neither an event nor a gap.
    let writes: Vec<_> = (0..100)
        .map(|index| {
            let (store, actor) = (Arc::clone(&store), actor.clone());
            tokio::spawn(async move {
                if index % 2 == 0 {
                    post(&*store, text("a"), 2).await;
                    store.record_audit(actor, "note.read", Some(("note", taken)), "", at(3)).await.expect("records");
                } else {
                    assert!(store.add_note(taken, text("a").into(), Actor::service(), at(2)).await.is_err());
                }
            })
        })
        .collect();
    for write in writes {
        write.await.expect("runs");
    }
    let events = store.audit_events(0, 1000).await.expect("reads");
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=102).collect::<Vec<_>>());
    let read = events.iter().find(|event| event.action == "note.read").expect("is there");
    assert_eq!((&read.actor, read.subject_kind.as_str(), read.subject_id, read.at), (&actor, "note", Some(taken), at(3)));
    let page = store.audit_events(50, 10).await.expect("reads");
    assert_eq!(page.iter().map(|event| event.sequence).collect::<Vec<_>>(), (51..=60).collect::<Vec<_>>());
}
