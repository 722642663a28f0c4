//! Queries to providers on the pages: hostile words, and a coder's way from the draft to the closing.

use super::*;
use crate::{
    domain::{
        ClinicalIndicator, OptionKind, Query, QueryAct, QueryAnswer, QueryContent, QueryEffect, QueryEvent, QueryKind,
        QueryOption, QueryState,
    },
    web::{
        queries::{self, QueriesView},
        query_draft::{DraftPage, QuoteField, TemplateGroup},
        query_print,
    },
};

fn query(item: &crate::service::QueueItem, number: u128, acts: Vec<QueryAct>) -> Query {
    let option = |kind| QueryOption { kind, label: format!("{HOSTILE} (please state it)") };
    let by = || (samples::CODER, HOSTILE.to_owned());
    Query {
        id: Uuid::from_u128(1000 + number),
        item_id: item.record.item.id,
        drafted_by: by(),
        drafted_at: samples::now(),
        content: QueryContent {
            template: "acuity".to_owned(),
            kind: QueryKind::Specificity,
            entry_id: Some(item.entries[0].id),
            title: HOSTILE.to_owned(),
            question: HOSTILE.to_owned(),
            options: [OptionKind::Choice, OptionKind::Other, OptionKind::Undetermined].map(option).into(),
            indicators: vec![ClinicalIndicator { note_id: item.record.notes[0].0.id, text: HOSTILE.to_owned() }],
        },
        events: acts.into_iter().map(|act| QueryEvent { by: by(), at: samples::now(), act }).collect(),
    }
}

/// One in every state.
fn of_every_state(item: &crate::service::QueueItem) -> Vec<Query> {
    let words = || Some(HOSTILE.to_owned());
    let answer = || QueryAct::Answer(QueryAnswer { option: Some(1), text: words(), provider: words() });
    let close = || QueryAct::Close { effect: QueryEffect::EntryAmended, comment: words() };
    let ways = [
        vec![],
        vec![QueryAct::Send {}],
        vec![QueryAct::Send {}, answer()],
        vec![QueryAct::Send {}, answer(), close()],
        vec![QueryAct::Withdraw { comment: words() }],
    ];
    let queries: Vec<Query> = ways.into_iter().zip(0..).map(|(acts, number)| query(item, number, acts)).collect();
    assert_eq!(queries.iter().map(Query::state).collect::<Vec<_>>(), QueryState::ALL);
    queries
}

#[test]
fn queries_escape_in_every_state() {
    for (state, held) in [(ItemState::Open, false), (ItemState::Claimed, true), (ItemState::Finished, false)] {
        let (item, mut page) = sample(state);
        page.queries = QueriesView::default();
        let without = page.render().expect("renders");
        assert!(!without.contains("queries-waiting"));
        page.queries = queries::view(&item, &of_every_state(&item), (samples::CODER, &jiff::tz::TimeZone::UTC));
        let html = page.render().expect("renders");
        assert_escaped(&html);
        assert_eq!(html.matches("class=\"query\"").count(), 5);
        for (address, times) in [("/send\"", 1), ("/answer\"", 1), ("/close\"", 1), ("/withdraw\"", 2), ("/print\"", 5)] {
            assert_eq!(html.matches(address).count(), times, "{address}");
        }
        assert_eq!(html.contains("id=\"ask-about\""), held, "drafting is for the holder");
        assert_eq!(html.contains("id=\"queries-waiting\""), held);
        assert_eq!(html.matches("waits for the provider’s answer").count(), usize::from(held));
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id stands twice");
        for label in html.split(" for=\"").skip(1).map(|rest| rest.split('"').next().expect("an id")) {
            assert!(html.contains(&format!("id=\"{label}\"")), "a label of nothing: {label}");
        }
    }
}

#[test]
fn drafts_and_sheets_escape() {
    let (item, _) = sample(ItemState::Claimed);
    let words = || HOSTILE.to_owned();
    let draft = DraftPage {
        shell: shell(),
        problems: vec![words()],
        about: words(),
        entry: Some(item.entries[0].id),
        template: "acuity".to_owned(),
        title: words(),
        question: words(),
        choices: vec![words()],
        quotes: vec![QuoteField { text: words(), note: Uuid::nil() }],
        notes: vec![(Uuid::nil(), words())],
        ..DraftPage::default()
    };
    assert_escaped(&draft.render().expect("renders"));
    let groups = vec![TemplateGroup { kind: "more detail", templates: vec![(words(), words(), words())] }];
    let choosing = DraftPage { template: String::new(), groups, ..draft };
    assert_escaped(&choosing.render().expect("renders"));
    for query in of_every_state(&item) {
        let mut sheet = query_print::view(&query, &item.record, &jiff::tz::TimeZone::UTC);
        sheet.shell = shell();
        let html = sheet.render().expect("renders");
        assert_escaped(&html);
        assert!(html.contains("Signature") && html.matches("☐").count() == 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_by_forms() {
    let house = House::new().await;
    let cookie = house.sign_in(Role::Coder).await;
    let item = format!("/items/{}", house.item);
    let (_, html) = house.get(&item, &cookie).await;
    let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let form = |fields: &str| format!("form_token={token}&{fields}");
    assert!(!html.contains("/queries/new"), "asking needs the claim");
    house.post(&format!("{item}/claim"), &cookie, &form("")).await;
    let (_, html) = house.get(&item, &cookie).await;
    assert!(html.contains("/queries/new\" id=\"ask-one\""), "one form for the buttons of all entries");
    let entry = between(&html, "form=\"ask-one\" name=\"entry\" value=\"", "\"").to_owned();

    // the template, then the draft with the record's words
    let new = format!("{item}/queries/new");
    let (status, html) = house.post(&new, &cookie, &form(&format!("entry={entry}"))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("value=\"acuity\"") && html.contains("value=\"diabetes_type\""), "those for its code too");
    assert!(!html.contains("heart_failure_type"), "and none for another");
    let (status, html) = house.post(&new, &cookie, &form(&format!("entry={entry}&template=acuity"))).await;
    assert_eq!(status, StatusCode::OK);
    let quote = between(&html, "name=\"quote_0\" rows=\"2\" maxlength=\"2000\">", "</textarea>").to_owned();
    let note = between(&html, "name=\"quote_note_0\"><option value=\"", "\"").to_owned();
    assert!(without_elements(&quote).contains("diabetes"), "{quote}");
    assert_eq!(house.post(&new, &cookie, &form("template=nonsense")).await.0, StatusCode::NOT_FOUND);

    // what is wrong is said beside what was typed
    let save = format!("{item}/queries");
    let fields = |title: &str, quote: &str| {
        form(&format!(
            "entry={entry}&template=acuity&title={title}&question=Which+is+it%3F&choice_0=Acute&choice_1=Chronic&choice_2=\
             &quote_0={quote}&quote_note_0={note}&then=draft"
        ))
    };
    let (status, html) = house.post(&save, &cookie, &fields("A+title+for+the+DRG", "never+written")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("nothing of payment") && html.contains("does not stand so in its note"), "{html}");
    assert!(html.contains("value=\"A title for the DRG\"") && html.contains("never written"), "nothing typed is lost");
    let (status, place) = house.post(&save, &cookie, &fields("Acuity", "gout")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(place.starts_with(&format!("{item}?notice=query_drafted#q-")), "{place}");
    let query = format!("/queries/{}", place.split("#q-").nth(1).expect("an id"));

    let (_, html) = house.get(&item, &cookie).await;
    assert!(html.contains("tag draft") && !html.contains("queries-waiting"));
    let act = async |what: &str, fields: &str| house.post(&format!("{query}/{what}"), &cookie, &form(fields)).await.1;
    assert!(act("answer", "option=0&provider=Dr.+A").await.contains("problem=query_state"));
    assert!(act("send", "").await.contains("notice=query_sent"));
    let (_, html) = house.get(&format!("{item}?notice=query_sent"), &cookie).await;
    assert!(html.contains("The query is sent.") && html.contains("id=\"queries-waiting\""));
    let (status, sheet) = house.get(&format!("{query}/print"), &cookie).await;
    assert!(status == StatusCode::OK && sheet.contains("Signature") && sheet.contains("Which is it?"));
    assert!(act("answer", "option=0&provider=").await.contains("problem=query_answer"));
    assert!(act("answer", "option=2&provider=Dr.+A").await.contains("problem=query_answer"), "other asks for words");
    assert!(act("answer", "option=0&provider=Dr.+A").await.contains("notice=query_answered"));
    let (_, html) = house.get(&item, &cookie).await;
    assert!(html.contains("<strong>Answer:</strong> Acute") && html.contains("answered and not closed"));
    assert!(act("close", "effect=").await.contains("problem=reason_missing"));
    assert!(act("close", "effect=no_change").await.contains("notice=query_closed"));
    assert!(act("withdraw", "").await.contains("problem=query_state"));

    // nobody else: other roles, nobody signed in, another query
    let auditor = house.sign_in(Role::Auditor).await;
    assert_eq!(house.get(&format!("{query}/print"), &auditor).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.get(&format!("{query}/print"), "").await.0, StatusCode::SEE_OTHER);
    assert_eq!(house.get(&format!("/queries/{}/print", id()), &cookie).await.0, StatusCode::NOT_FOUND);
    let (status, _) = house.post(&format!("/queries/{}/send", id()), &cookie, &form("")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let actions: Vec<String> =
        house.store.audit_events(0, 1000).await.expect("reads").into_iter().map(|event| event.action).collect();
    for action in ["query.drafted", "query.sent", "query.read", "query.answered", "query.closed"] {
        assert!(actions.iter().any(|one| one == action), "{action}");
    }
}
