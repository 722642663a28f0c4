//! The page of the audit trail: for auditors, by what they ask, without a record number in an address.

use askama::Template as _;
use axum::http::StatusCode;

use super::{HOSTILE, House, assert_escaped, between, shell};
use crate::{
    domain::Role,
    store::{Sealer, Signing, TrailStore as _},
    web::{
        audit::{AccessRow, Address, AuditPage},
        notice::Notice,
        samples,
    },
};

#[test]
fn the_trail_escapes() {
    let row = AccessRow {
        sequence: 1,
        moment: HOSTILE.to_owned(),
        who: HOSTILE.to_owned(),
        action: HOSTILE.to_owned(),
        kind: HOSTILE.to_owned(),
        thing: Some(samples::CODER),
        detail: HOSTILE.to_owned(),
    };
    let page = AuditPage {
        shell: shell(),
        notice: Some(Notice::refusing(HOSTILE.to_owned())),
        asked: Address { actor: HOSTILE.to_owned(), action: HOSTILE.to_owned(), of: HOSTILE.to_owned(), ..Address::default() },
        standing: HOSTILE.to_owned(),
        is_broken: true,
        events: vec![row],
        csv: "/audit/accesses.csv".to_owned(),
        next: Some("/audit?after=1.1".to_owned()),
    };
    assert_escaped(&page.render().expect("renders"));
}

#[tokio::test]
async fn an_auditor_reads_who_did_what() {
    let house = House::new().await;
    let coder = house.sign_in(Role::Coder).await;
    assert_eq!(house.get("/audit", &coder).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.get("/audit/accesses.csv", &coder).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.get(&format!("/items/{}", house.item), &coder).await.0, StatusCode::OK);

    let auditor = house.sign_in(Role::Auditor).await;
    let (status, html) = house.get("/audit", &auditor).await;
    assert!(status == StatusCode::OK && html.contains("note.stored") && html.contains("Nothing was sealed yet"), "{html}");
    let sealer = Sealer { holder: samples::CODER, remembered: None, signing: Signing::Now };
    assert!(house.store.seal_events(sealer, samples::now()).await.expect("seals").signed);
    let (_, html) = house.get(&format!("/audit?of={}", house.item), &auditor).await;
    assert!(html.contains("item.read") && html.contains("note.stored") && !html.contains("user.created"), "{html}");
    assert!(html.contains("The last events are those that were sealed"), "{html}");
    let (_, html) = house.get("/audit?actor=coder&action=item.read&from=2020-01-01", &auditor).await;
    assert!(html.contains("item.read") && !html.contains("note.stored"), "{html}");
    let csv = between(&html, "href=\"", "\" id=\"export-accesses\"");
    let csv = csv.rsplit("href=\"").next().unwrap_or_default().replace("&#38;", "&");
    let (status, lines) = house.get(&csv, &auditor).await;
    assert!(status == StatusCode::OK && lines.starts_with("sequence,at,actor") && lines.lines().count() == 2, "{csv}: {lines}");
    for wrong in ["of=nobody", "from=yesterday"] {
        let (status, html) = house.get(&format!("/audit?{wrong}"), &auditor).await;
        assert!(status == StatusCode::BAD_REQUEST && html.contains("role=\"alert\""), "{html}");
    }

    // a record number stands in a form, and an id of ours in the address that follows
    let token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
    let form = |source: &str, number: &str| format!("form_token={token}&source={source}&number={number}");
    let (_, place) = house.post("/audit/patient", &auditor, &form("emr", "unknown")).await;
    assert_eq!(place, "/audit?unknown=patient");
    let (_, html) = house.get(&place, &auditor).await;
    assert!(html.contains("There is no patient with this record number"), "{html}");
    let hostile: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (_, place) = house.post("/audit/patient", &auditor, &form(&hostile, &hostile)).await;
    assert!(place.starts_with("/audit?of="), "{place}");
    let (_, html) = house.get(&place, &auditor).await;
    assert!(html.contains("note.stored"), "{html}");
}
