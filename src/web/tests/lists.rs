//! The queue, and the pages of the lists that leads keep for their site.

use askama::Template as _;
use uuid::Uuid;

use super::{HOSTILE, assert_escaped, shell};
use crate::web::{
    list_address::ListAddress,
    notice,
    queue::{QueuePage, Row, Tab},
    site_lists::{ListView, ListsPage, VersionView},
    site_pack::{ActivationView, Confirmation, PackPage, RowView, TableView, VersionView as PackVersionView},
    site_templates::{TemplateView, TemplatesPage},
};

#[test]
fn lists_of_the_site_escape() {
    let version = VersionView { version: 2, by: HOSTILE.to_owned(), moment: HOSTILE.to_owned(), text: HOSTILE.to_owned() };
    let list = ListView {
        name: "teams",
        title: "Teams",
        hint: "One a line",
        version: 2,
        text: HOSTILE.to_owned(),
        problem: Some(HOSTILE.to_owned()),
        versions: vec![version.clone()],
    };
    let html =
        ListsPage { shell: shell(), notice: None, can_change: true, lists: vec![list.clone()] }.render().expect("renders");
    assert_escaped(&html);
    assert!(html.contains("keep-teams"));
    let html = ListsPage { shell: shell(), notice: None, can_change: false, lists: vec![list] }.render().expect("renders");
    assert!(!html.contains("keep-teams"), "who may not change it has no button");
    let template = TemplateView {
        key: "acuity".to_owned(),
        codes: HOSTILE.to_owned(),
        title: HOSTILE.to_owned(),
        question: HOSTILE.to_owned(),
        choices: HOSTILE.to_owned(),
        problem: Some(HOSTILE.to_owned()),
        own: true,
        ..TemplateView::default()
    };
    let templates = vec![template, TemplateView::default()];
    let page = TemplatesPage { shell: shell(), notice: None, can_change: true, version: 2, templates, versions: vec![version] };
    let html = page.render().expect("renders");
    assert_escaped(&html);
    assert!(html.contains("not offered") && html.contains("Another template"));
}

#[test]
fn the_site_pack_escapes() {
    let row = RowView { words: HOSTILE.to_owned(), kind: "diagnosis", said: HOSTILE.to_owned() };
    let table = TableView { name: "terms", title: "Terms", rows: vec![row] };
    let words = || HOSTILE.to_owned();
    let page = |can_change, may_explain| PackPage {
        shell: shell(),
        notice: None,
        can_change,
        live: "Version 2 is live.".to_owned(),
        is_any_live: true,
        warning: Some(words()),
        confirmation: Some(Confirmation {
            version: words(),
            question: words(),
            before: 1,
            differences: vec![("Comes", table.clone())],
            obstacle: Some(words()),
            may_explain,
        }),
        shown: 2,
        is_newest: true,
        tables: vec![table.clone()],
        versions: vec![PackVersionView {
            version: 2,
            by: words(),
            moment: words(),
            changed: words(),
            note: words(),
            ..PackVersionView::default()
        }],
        activations: vec![ActivationView { which: words(), by: words(), moment: words(), why: words() }],
    };
    let html = page(true, true).render().expect("renders");
    assert_escaped(&html);
    assert!(html.contains("/site-pack/remove") && html.contains("name=\"explanation\""));
    let html = page(true, false).render().expect("renders");
    assert!(!html.contains("/site-pack/activate\""), "nobody but an admin goes past the shadow run");
    assert!(!page(false, false).render().expect("renders").contains("/site-pack/remove"));
}

#[test]
fn the_queue_escapes() {
    let row = Row {
        id: Uuid::from_u128(1),
        patient: HOSTILE.to_owned(),
        encounter: HOSTILE.to_owned(),
        place: HOSTILE.to_owned(),
        types: HOSTILE.to_owned(),
        service: String::new(),
        waiting: Some(3),
        why: HOSTILE.to_owned(),
        alert: true,
        notes: 2,
        pending: 1,
        state: "open",
        state_text: HOSTILE,
        owner: HOSTILE.to_owned(),
        age: "1 h".to_owned(),
        since: HOSTILE.to_owned(),
        restricted: true,
        priority: Some("stat"),
        priority_text: HOSTILE,
    };
    for (mine, rows) in [(vec![row.clone()], vec![row.clone(), row.clone()]), (vec![], vec![row]), (vec![], vec![])] {
        let empty = rows.is_empty();
        let page = QueuePage {
            shell: shell(),
            notice: notice::lookup(Some("finished"), None),
            can_take: true,
            drift_alerts: 2,
            tabs: vec![Tab { address: HOSTILE.to_owned(), label: HOSTILE.to_owned(), current: true }],
            asked: ListAddress { state: "open".to_owned(), department: HOSTILE.to_owned(), ..ListAddress::default() },
            classes: Vec::new(),
            priorities: Vec::new(),
            payers: Vec::new(),
            teams: vec![HOSTILE.to_owned()],
            orders: Vec::new(),
            narrowed: false,
            mine,
            rows,
            first: Some(HOSTILE.to_owned()),
            next: Some(HOSTILE.to_owned()),
        };
        let html = page.render().expect("renders");
        assert_escaped(&html);
        assert_eq!(html.contains("Nothing waits for review"), empty);
    }
}
