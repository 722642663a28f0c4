//! Where items stand, what lists say of them, and what the workbench keeps beside.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    MINUTE, at, extract_all, id, of_encounter,
    outcomes::outcome_of,
    post,
    review::{claim, decision, moving, ready},
    text, user,
};
use crate::{
    domain::{
        Act, Assigned, ChosenCode, DecisionKind, EncounterClass, EntryState, ItemState, ItemSummary, ListEnd, NewNote,
        PayerClass, Period, Preferences, Priority, RemarkKind, ReviewItem, Role, SamplingRule, SavedList, SiteListName,
        SiteSettings, Tally, User, Worklist, WorklistOrder, WorklistRule, Worksheet,
    },
    store::{
        Actor, Drawn, Finishing, GivenToTeam, ItemChange, ItemFilter, Movement, ReportScope, Reviewed, Store, Suggestion,
        SuggestionOutcome, WhichReviews, WorkOf, WorkReport, WorkedOut,
    },
};

async fn listed(store: &dyn Store, worklist: Worklist, user: Option<Uuid>, seconds: i64) -> Vec<Uuid> {
    let filter = ItemFilter { worklist, user, include_restricted: true, limit: 100, ..ItemFilter::default() };
    store.items(filter, at(seconds)).await.expect("lists").into_iter().map(|item| item.id).collect()
}

fn in_state(state: ItemState) -> Worklist {
    Worklist { state: Some(state), ..Worklist::default() }
}

fn is_done(change: &ItemChange) -> bool {
    matches!(change, ItemChange::Done { .. })
}

pub(crate) async fn what_is_laid_aside_comes_back(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    claim(&*store, item, &coder, 1).await;
    let until = at(100);
    let pending = |until: Option<Timestamp>, comment: &str| Movement {
        reason: Some("awaiting_results".to_owned()),
        comment: Some(comment.to_owned()),
        until,
        ..moving(Act::Pend)
    };
    let done = store.move_item(item, &coder, pending(Some(until), "culture of the wound"), at(2)).await.expect("answers");
    assert!(is_done(&done), "{done:?}");
    let now = async |second| store.item(item, at(second)).await.expect("reads").expect("is there");
    let aside = now(3).await;
    assert_eq!((aside.item.state, aside.item.pended_until, aside.item.claimed_by), (ItemState::Pended, Some(until), None));
    assert_eq!(aside.item.place_reason.as_deref(), Some("awaiting_results"));
    let [remark] = &aside.remarks[..] else { panic!("one remark") };
    assert_eq!(
        (remark.kind, remark.comment.as_deref(), remark.by.as_str()),
        (RemarkKind::Pended, Some("culture of the wound"), "coder")
    );
    assert_eq!((remark.until, remark.at), (Some(until), at(2)));
    assert_eq!(listed(&*store, in_state(ItemState::Pended), None, 3).await, [item]);
    assert!(listed(&*store, in_state(ItemState::Open), None, 3).await.is_empty());

    let lead = user(&*store, "lead", Role::Lead).await;
    let assign = moving(Act::Assign(Some(coder.id)));
    assert!(is_done(&store.move_item(item, &lead, assign, at(4)).await.expect("answers")));
    assert_eq!(now(5).await.item.pended_until, Some(until), "assigning it does not change until when");
    assert_eq!(now(100).await.item.state, ItemState::Open, "its time has passed");
    assert_eq!(listed(&*store, in_state(ItemState::Open), None, 100).await, [item]);
    assert!(listed(&*store, in_state(ItemState::Pended), None, 100).await.is_empty());

    claim(&*store, item, &coder, 101).await;
    store.move_item(item, &coder, pending(None, "no time given"), at(102)).await.expect("answers");
    assert_eq!(now(1_000_000).await.item.state, ItemState::Pended, "until somebody takes it");
    post(&*store, of_encounter("e", Some("p"), "the culture"), 1_000_001).await;
    assert_eq!(now(1_000_002).await.item.state, ItemState::Open, "a note brings it back");
    let details: Vec<String> =
        store.audit_events(0, 1000).await.expect("reads").into_iter().map(|event| event.detail).collect();
    assert!(details.iter().all(|detail| !detail.contains("culture")), "comments stand in no audit event");
}

pub(crate) async fn what_is_passed_up_is_for_leads(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let (lead, other) = (user(&*store, "lead", Role::Lead).await, user(&*store, "other", Role::Coder).await);
    let escalate = Movement { reason: Some("complex_case".to_owned()), ..moving(Act::Escalate) };
    let refused = store.move_item(item, &coder, escalate.clone(), at(1)).await.expect("answers");
    assert_eq!(refused, ItemChange::NotHeld);
    claim(&*store, item, &coder, 1).await;
    assert!(is_done(&store.move_item(item, &coder, escalate, at(2)).await.expect("answers")));
    assert_eq!(store.claim_item(item, &other, MINUTE, at(3)).await.expect("answers"), ItemChange::ForLeads);
    let leads = Worklist { assigned: Some(Assigned::Leads), ..in_state(ItemState::Open) };
    assert_eq!(listed(&*store, leads, None, 3).await, [item]);

    let assign = Movement { ..moving(Act::Assign(Some(other.id))) };
    assert!(is_done(&store.move_item(item, &lead, assign.clone(), at(4)).await.expect("answers")));
    let given = store.item(item, at(5)).await.expect("reads").expect("is there");
    assert_eq!((given.item.assigned_to, given.item.escalated), (Some((other.id, "other".to_owned())), false));
    assert_eq!(given.remarks.last().and_then(|remark| remark.assigned_to.clone()), Some((other.id, "other".to_owned())));
    let refused = store.claim_item(item, &coder, MINUTE, at(5)).await.expect("answers");
    assert_eq!(refused, ItemChange::AssignedTo { name: "other".to_owned() });
    let mine = Worklist { assigned: Some(Assigned::Me), ..Worklist::default() };
    assert_eq!(listed(&*store, mine.clone(), Some(other.id), 5).await, [item]);
    assert!(listed(&*store, mine.clone(), Some(coder.id), 5).await.is_empty());
    assert!(listed(&*store, mine, None, 5).await.is_empty(), "nobody is nobody's");

    claim(&*store, item, &other, 6).await;
    for to in [None, Some(other.id)] {
        let done = store.move_item(item, &lead, moving(Act::Assign(to)), at(6)).await.expect("answers");
        assert!(is_done(&done), "{done:?}");
        let held = store.item(item, at(7)).await.expect("reads").expect("is there").item;
        assert_eq!((held.state, held.claimed_until), (ItemState::Claimed, Some(at(66))), "whoever holds it goes on");
    }
    let to_coder = moving(Act::Assign(Some(coder.id)));
    assert!(is_done(&store.move_item(item, &lead, to_coder, at(7)).await.expect("answers")), "taken from its holder");
    let lost = store.finish_item(item, &other, Finishing::at(None), at(8)).await.expect("answers");
    assert_eq!(lost, ItemChange::NotHeld);
    let again = store.move_item(item, &lead, moving(Act::Assign(Some(coder.id))), at(9)).await.expect("answers");
    let revision = store.item(item, at(9)).await.expect("reads").expect("is there").item.revision;
    assert_eq!(again, ItemChange::Done { revision }, "it is so already");
    let events = store.audit_events(0, 1000).await.expect("reads");
    let words: Vec<&str> = events.iter().map(|event| event.action.as_str()).filter(|word| word.starts_with("item.")).collect();
    let expected = ["claimed", "escalated", "assigned", "claimed", "assigned", "assigned", "assigned"];
    assert_eq!(words, expected.map(|word| format!("item.{word}")));
    assert!(events.iter().any(|event| event.action == "item.assigned" && event.detail.contains("other held it")));
}

pub(crate) async fn remarks_are_kept(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let revision = store.item(item, at(1)).await.expect("reads").expect("is there").item.revision;
    let done = store.remark(item, &coder, id(), "ask Dr. Quill".to_owned(), at(1)).await.expect("answers");
    assert_eq!(done, ItemChange::Done { revision }, "a remark changes no state");
    assert_eq!(store.remark(id(), &coder, id(), "?".to_owned(), at(1)).await.expect("answers"), ItemChange::Missing);
    let remarks = store.item(item, at(2)).await.expect("reads").expect("is there").remarks;
    let [remark] = &remarks[..] else { panic!("one remark") };
    assert_eq!((remark.kind, remark.comment.as_deref()), (RemarkKind::Commented, Some("ask Dr. Quill")));
    assert!(!format!("{remark:?}").contains("Quill"));
}

pub(crate) async fn summaries_follow_the_revision(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    assert_eq!(store.unsummarized_items(10).await.expect("reads"), [item]);
    let revision = store.item(item, at(1)).await.expect("reads").expect("is there").item.revision;
    let date = |text: &str| text.parse().ok();
    let summary = ItemSummary {
        revision,
        waiting: 7,
        unsure: 2,
        alerts: 1,
        hard_edits: 1,
        prompts: 3,
        payment: 1,
        note_types: vec!["ed_note".to_owned(), "progress_note".to_owned()],
        service_from: date("2026-01-02"),
        service_to: date("2026-01-05"),
    };
    store.summarize_item(item, ItemSummary { revision: revision + 1, ..summary.clone() }.into(), at(9)).await.expect("keeps");
    assert!(store.item(item, at(1)).await.expect("reads").expect("is there").item.summary.is_none(), "of another revision");
    let worked_out = WorkedOut::from(summary.clone());
    store.summarize_item(item, worked_out.clone(), at(9)).await.expect("keeps");
    assert_eq!(store.item(item, at(1)).await.expect("reads").expect("is there").item.summary, Some(summary));
    assert_eq!(store.unsummarized_items(10).await.expect("reads"), [item], "how its entries came out is missing");
    let outcome = Some(outcome_of(&*store, item).await);
    store.summarize_item(item, WorkedOut { outcome, ..worked_out }, at(9)).await.expect("keeps");
    assert!(store.unsummarized_items(10).await.expect("reads").is_empty());
    claim(&*store, item, &coder, 2).await;
    assert_eq!(store.unsummarized_items(10).await.expect("reads"), [item], "it changed");
}

pub(crate) async fn rules_send_items_when_they_are_summarised(store: Arc<dyn Store>) {
    let rule = |team: &str, priority| WorklistRule {
        department: Some("icu".to_owned()),
        priority: Some(priority),
        team: Some(team.to_owned()),
        ..WorklistRule::default()
    };
    let keep = async |before: u64, rules: &[WorklistRule]| {
        let body = serde_json::to_string(rules).expect("is written");
        assert!(
            store.add_site_list(SiteListName::WorklistRules, before, body, Actor::service(), at(0)).await.expect("answers")
        );
    };
    keep(0, &[rule("Heart", Priority::Urgent)]).await;
    let mut items = Vec::new();
    for department in ["icu", "ward", "icu"] {
        let note = NewNote { department: Some(department.to_owned()), ..text("a") };
        let id = post(&*store, note, 1).await;
        items.push(store.note(id).await.expect("reads").expect("is there").item_id);
    }
    let summarize = async |item| {
        let revision = store.item(item, at(2)).await.expect("reads").expect("is there").item.revision;
        store.summarize_item(item, ItemSummary { revision, ..ItemSummary::default() }.into(), at(2)).await.expect("keeps");
        let item = store.item(item, at(2)).await.expect("reads").expect("is there").item;
        assert_eq!(item.revision, revision, "a rule is no change that a coder must be told of");
        (item.priority, item.team)
    };
    let heart = || Some("Heart".to_owned());
    assert_eq!(summarize(items[0]).await, (Priority::Urgent, heart()));
    assert_eq!(summarize(items[1]).await, (Priority::Routine, None));
    let lead = user(&*store, "lead", Role::Lead).await;
    for team in [heart(), None] {
        let given = GivenToTeam { team, revision: None, comment: None, remark_id: id() };
        assert!(is_done(&store.give_to_team(items[2], &lead, given, at(2)).await.expect("answers")));
    }
    assert_eq!(summarize(items[2]).await, (Priority::Urgent, None), "what a lead said of the team stands");
    keep(1, &[rule("Lung", Priority::Stat)]).await;
    assert_eq!(summarize(items[0]).await, (Priority::Stat, heart()), "a team that works on it stays");
    let events = store.audit_events(0, 1000).await.expect("reads");
    let told: Vec<&str> =
        events.iter().filter(|event| event.action == "item.routed").map(|event| event.detail.as_str()).collect();
    assert_eq!(
        told,
        ["priority urgent by rule 1, to the team Heart by rule 1", "priority urgent by rule 1", "priority stat by rule 1"]
    );
}

pub(crate) async fn lists_are_narrowed_and_ordered(store: Arc<dyn Store>) {
    let note = |department: &str, kind: &str, class| NewNote {
        department: Some(department.to_owned()),
        note_type: Some(kind.to_owned()),
        encounter_class: Some(class),
        priority: (class == EncounterClass::Emergency).then_some(Priority::Stat),
        payer_class: (kind == "progress_note").then_some(PayerClass::Medicare),
        ..text("a")
    };
    let mut items = Vec::new();
    for (second, (department, kind, class)) in [
        ("icu", "progress_note", EncounterClass::Inpatient),
        ("ed", "emergency_note", EncounterClass::Emergency),
        ("icu", "emergency_note", EncounterClass::Inpatient),
    ]
    .into_iter()
    .enumerate()
    {
        let second = i64::try_from(second).expect("few");
        let id = post(&*store, note(department, kind, class), second).await;
        items.push(store.note(id).await.expect("reads").expect("is there").item_id);
    }
    let date = |text: &str| text.parse().ok();
    for (item, (alerts, unsure, from, to, kind)) in items.iter().zip([
        (0, 1, "2026-03-01", "2026-03-04", "progress_note"),
        (1, 0, "2026-02-01", "2026-02-01", "emergency_note"),
        (0, 5, "2026-04-01", "2026-04-09", "letter emergency_note"),
    ]) {
        let revision = store.item(*item, at(9)).await.expect("reads").expect("is there").item.revision;
        let summary = ItemSummary {
            revision,
            alerts,
            unsure,
            waiting: 5,
            service_from: date(from),
            service_to: date(to),
            note_types: kind.split(' ').map(str::to_owned).collect(),
            ..ItemSummary::default()
        };
        store.summarize_item(*item, summary.into(), at(3)).await.expect("keeps");
    }
    let any = Worklist::default();
    let text = |word: &str| Some(word.to_owned());
    for (name, list, expected) in [
        ("oldest", any.clone(), vec![0, 1, 2]),
        ("benefit", Worklist { order: WorklistOrder::Benefit, ..any.clone() }, vec![1, 2, 0]),
        ("service date", Worklist { order: WorklistOrder::ServiceDate, ..any.clone() }, vec![1, 0, 2]),
        ("department", Worklist { department: text("icu"), ..any.clone() }, vec![0, 2]),
        ("type", Worklist { note_type: text("emergency_note"), ..any.clone() }, vec![1, 2]),
        ("part of a type", Worklist { note_type: text("emergency"), ..any.clone() }, vec![]),
        ("class", Worklist { encounter_class: Some(EncounterClass::Emergency), ..any.clone() }, vec![1]),
        ("alert", Worklist { alert: true, ..any.clone() }, vec![1]),
        ("unsure", Worklist { unsure: true, ..any.clone() }, vec![0, 2]),
        ("from", Worklist { service_from: date("2026-03-04"), ..any.clone() }, vec![0, 2]),
        ("to", Worklist { service_to: date("2026-03-01"), ..any.clone() }, vec![0, 1]),
        ("priority", Worklist { order: WorklistOrder::Priority, ..any.clone() }, vec![1, 0, 2]),
        ("urgent", Worklist { priority: Some(Priority::Stat), ..any.clone() }, vec![1]),
        ("payer", Worklist { payer_class: Some(PayerClass::Medicare), ..any.clone() }, vec![0]),
        ("a team's", Worklist { team: text("Heart"), ..any.clone() }, vec![]),
        ("nobody's", Worklist { assigned: Some(Assigned::Nobody), ..any.clone() }, vec![0, 1, 2]),
        (
            "several",
            Worklist {
                department: text("icu"),
                note_type: text("emergency_note"),
                unsure: true,
                order: WorklistOrder::Benefit,
                ..any
            },
            vec![2],
        ),
    ] {
        let expected: Vec<Uuid> = expected.into_iter().map(|at| items[at]).collect();
        assert_eq!(listed(&*store, list.clone(), None, 9).await, expected, "{name}");
        // the same by pages of one
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let filter =
                ItemFilter { worklist: list.clone(), include_restricted: true, after, limit: 1, ..ItemFilter::default() };
            let Some(item) = store.items(filter, at(9)).await.expect("lists").pop() else { break };
            // read long after anything moved
            after = Some(ListEnd::of(list.order, &item, at(90)));
            paged.push(item.id);
        }
        assert_eq!(paged, expected, "{name}, paged");
    }
}

pub(crate) async fn what_moves_while_one_pages_is_not_left_out(store: Arc<dyn Store>) {
    let mut items = Vec::new();
    for second in 0..5 {
        let note = post(&*store, text("a"), second).await;
        items.push(store.note(note).await.expect("reads").expect("is there").item_id);
    }
    let benefit = async |item: usize, waiting: u32, second: i64| {
        let revision = store.item(items[item], at(second)).await.expect("reads").expect("is there").item.revision;
        let summary = ItemSummary { revision, waiting, ..ItemSummary::default() };
        store.summarize_item(items[item], summary.into(), at(second)).await.expect("keeps");
    };
    for (item, waiting) in [50, 40, 30, 20, 10].into_iter().enumerate() {
        benefit(item, waiting, 10).await;
    }
    let page = async |after: Option<ListEnd>, second: i64| {
        let worklist = Worklist { order: WorklistOrder::Benefit, ..Worklist::default() };
        let filter = ItemFilter { worklist, include_restricted: true, after, limit: 2, ..ItemFilter::default() };
        store.items(filter, at(second)).await.expect("lists")
    };
    let first = page(None, 100).await;
    let ids = |page: &[ReviewItem]| {
        page.iter().map(|item| items.iter().position(|id| *id == item.id).expect("ours")).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), [0, 1]);
    let end = ListEnd::of(WorklistOrder::Benefit, &first[1], at(100));
    // the last one of the page falls to the end, and one from the end rises to the top
    benefit(1, 5, 101).await;
    benefit(4, 90, 102).await;
    let second = page(Some(end.to_string().parse().expect("comes back")), 103).await;
    assert_eq!(ids(&second), [4, 2], "what rose comes first, and what was behind the last one follows");
    let third = page(Some(ListEnd::of(WorklistOrder::Benefit, &second[1], at(200))), 200).await;
    assert_eq!(ids(&third), [3, 1], "what fell is shown again where it is now");
    let fourth = page(Some(ListEnd::of(WorklistOrder::Benefit, &third[1], at(200))), 300).await;
    assert!(fourth.is_empty(), "and there is an end");
}

pub(crate) async fn a_team_works_on_its_own(store: Arc<dyn Store>) {
    let (item, kim) = ready(&*store).await;
    let (ann, lead) = (user(&*store, "ann", Role::Coder).await, user(&*store, "lead", Role::Lead).await);
    let actor = || Actor { user_id: Some(lead.id), name: lead.name.clone() };
    let list = async |before, body: &str, second| {
        store.add_site_list(SiteListName::Teams, before, body.to_owned(), actor(), at(second)).await.expect("answers")
    };
    let heart = format!(r#"[{{"name":"Heart","members":["{}"]}}]"#, kim.name);
    assert!(list(0, &heart, 1).await);
    assert!(!list(0, "[]", 2).await, "somebody was faster");
    let given =
        |team: Option<&str>| GivenToTeam { team: team.map(str::to_owned), revision: None, comment: None, remark_id: id() };
    assert!(is_done(&store.give_to_team(item, &lead, given(Some("Heart")), at(3)).await.expect("answers")));
    let of_team = |teams: &[&str]| ItemFilter {
        worklist: Worklist { assigned: Some(Assigned::Team), ..Worklist::default() },
        teams: teams.iter().map(|team| (*team).to_owned()).collect(),
        include_restricted: true,
        limit: 10,
        ..ItemFilter::default()
    };
    for (teams, expected) in [(&["Lung", "Heart"][..], 1), (&["Lung"], 0), (&[], 0)] {
        assert_eq!(store.items(of_team(teams), at(4)).await.expect("lists").len(), expected, "{teams:?}");
    }
    let nobody = Worklist { assigned: Some(Assigned::Nobody), ..Worklist::default() };
    assert!(listed(&*store, nobody, None, 4).await.is_empty(), "it is the team's");
    let refused = ItemChange::ForTeam { team: "Heart".to_owned() };
    assert_eq!(store.claim_item(item, &ann, MINUTE, at(5)).await.expect("answers"), refused);
    claim(&*store, item, &kim, 6).await;
    let now = store.item(item, at(7)).await.expect("reads").expect("is there");
    assert_eq!((now.item.team.as_deref(), now.remarks[0].reason.as_deref()), (Some("Heart"), Some("Heart")));

    // the team as it is now counts, and what is there no more has no members
    assert!(list(1, &heart.replace(&kim.name, "ann"), 8).await);
    store.move_item(item, &kim, moving(Act::Release), at(9)).await.expect("answers");
    assert_eq!(store.claim_item(item, &kim, MINUTE, at(10)).await.expect("answers"), refused);
    assert!(is_done(&store.claim_item(item, &ann, MINUTE, at(11)).await.expect("answers")));
    let versions = store.site_list(SiteListName::Teams, 10).await.expect("reads");
    assert_eq!(
        versions.iter().map(|version| (version.version, version.by.as_str())).collect::<Vec<_>>(),
        [(2, "lead"), (1, "lead")]
    );
    assert_eq!(versions[1].body, heart, "no version is lost");
    assert!(store.site_list(SiteListName::PendReasons, 10).await.expect("reads").is_empty());
    let events = store.audit_events(0, 1000).await.expect("reads");
    let changed: Vec<&str> =
        events.iter().filter(|event| event.action == "site_list.changed").map(|event| event.detail.as_str()).collect();
    assert_eq!(changed, ["teams version 1", "teams version 2"]);
    assert!(is_done(&store.give_to_team(item, &lead, given(None), at(12)).await.expect("answers")));
    assert_eq!(store.item(item, at(13)).await.expect("reads").expect("is there").item.team, None);
}

pub(crate) async fn seen_notes_are_the_users_own(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let other = user(&*store, "other", Role::Coder).await;
    let first = store.item(item, at(1)).await.expect("reads").expect("is there").item.notes[0];
    let elsewhere = post(&*store, text("of another item"), 1).await;
    store.see_notes(coder.id, item, vec![first, elsewhere, id()], at(2)).await.expect("keeps");
    store.see_notes(coder.id, item, vec![first], at(3)).await.expect("again changes nothing");
    assert_eq!(store.seen_notes(coder.id, item).await.expect("reads"), [first]);
    assert!(store.seen_notes(other.id, item).await.expect("reads").is_empty());
}

pub(crate) async fn arrangements_are_kept(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    assert_eq!(store.preferences(coder.id).await.expect("reads"), Preferences::default());
    let code = ChosenCode { system: "s".to_owned(), code: "E11.9".to_owned(), display: "words".to_owned() };
    let own = Preferences {
        lists: vec![SavedList { name: "alerts".to_owned(), list: Worklist { alert: true, ..Worklist::default() } }],
        keys: [("accept".to_owned(), "f".to_owned())].into(),
        favourites: vec![code.clone()],
        recent: vec![code],
        hidden: vec![id()],
    };
    for kept in [own.clone(), Preferences::default(), own] {
        store.set_preferences(&coder, kept.clone()).await.expect("keeps");
        assert_eq!(store.preferences(coder.id).await.expect("reads"), kept);
    }
    assert_eq!(store.settings().await.expect("reads"), SiteSettings::default());
    let settings = SiteSettings {
        shown_from: 12,
        together_from: 90,
        second_review: vec![SamplingRule { percent: 5, blinded: true, ..SamplingRule::default() }],
    };
    store
        .set_settings(settings.clone(), Actor { user_id: Some(coder.id), name: "lead".to_owned() }, at(4))
        .await
        .expect("keeps");
    assert_eq!(store.settings().await.expect("reads"), settings);
    let event = store.audit_events(0, 100).await.expect("reads").pop().expect("recorded");
    assert_eq!((event.action.as_str(), event.actor.name.as_str()), ("settings.changed", "lead"));
}

pub(crate) async fn suggestions_are_counted_once(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let of = |words: &str| Suggestion { kind: "diagnosis", code: "icd|E11.9".to_owned(), words: words.to_owned() };
    let outcome = |words: &str, state, second| SuggestionOutcome { suggestion: of(words), state, at: at(second) };
    let finish = async |outcomes: Vec<SuggestionOutcome>, second| {
        claim(&*store, item, &coder, second).await;
        let finishing = Finishing { outcomes, ..Finishing::at(None) };
        assert!(is_done(&store.finish_item(item, &coder, finishing, at(second + 1)).await.expect("answers")));
    };
    finish(vec![outcome("dm", EntryState::Accepted, 1), outcome("dm2", EntryState::Rejected, 1)], 2).await;
    let lead = user(&*store, "lead", Role::Lead).await;
    store.move_item(item, &lead, moving(Act::Reopen), at(4)).await.expect("answers");
    // what was decided before is counted, what was decided since counts
    finish(vec![outcome("dm", EntryState::Accepted, 1), outcome("dm2", EntryState::Amended, 5)], 6).await;
    let tallies = store.tallies(vec![of("dm"), of("dm2"), of("never")]).await.expect("reads");
    let tally = |accepted, amended, rejected| Tally { accepted, amended, rejected };
    assert_eq!(tallies, [tally(1, 0, 0), tally(0, 1, 1), Tally::default()]);
}

pub(crate) async fn a_history_tells_what_changed(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    post(&*store, text("another item"), 1).await;
    claim(&*store, item, &coder, 2).await;
    let accept = decision(item, &coder, DecisionKind::Accept { bulk: false });
    store.decide(item, &coder, vec![accept], None, at(3)).await.expect("answers");
    store.record_audit(Actor::service(), "item.read", Some(("item", item)), "", at(3)).await.expect("records");
    post(&*store, of_encounter("e", Some("p"), "b"), 4).await;
    extract_all(&*store, 4).await;
    let words = async |limit| -> Vec<String> {
        store.item_history(item, limit).await.expect("reads").into_iter().map(|event| event.action).collect()
    };
    let all = ["note.stored", "extraction.recorded", "item.claimed", "note.stored", "extraction.recorded"];
    assert_eq!(words(100).await, all, "not the readings, nor decisions, which are told as themselves");
    assert_eq!(words(2).await, all[3..], "the last ones");
}

fn everywhere() -> ReportScope {
    ReportScope { include_restricted: true, ..ReportScope::default() }
}

pub(crate) async fn a_second_look_is_recorded_once(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let lead = user(&*store, "lead", Role::Lead).await;
    claim(&*store, item, &coder, 1).await;
    let drawn = Drawn { id: id(), blinded: true };
    let finishing = Finishing { drawn: Some(drawn), ..Finishing::at(None) };
    assert!(is_done(&store.finish_item(item, &coder, finishing, at(2)).await.expect("answers")));
    assert_eq!(store.drawn_since(coder.id, at(0)).await.expect("reads"), 1);
    let [waiting] = &store.second_reviews(everywhere(), WhichReviews::Waiting, 10).await.expect("reads")[..] else {
        panic!("one waits")
    };
    assert_eq!((waiting.id, waiting.item_id, waiting.blinded, waiting.drawn_at), (drawn.id, item, true, at(2)));
    assert_eq!(waiting.coder, (coder.id, "coder".to_owned()));
    let worksheet = Worksheet { comment: Some("see page 3".to_owned()), ..Worksheet::compared(&["E11.9"], &["E11.65"]) };
    let record = async |who: &User, which, second| {
        store.record_second_review(which, who, worksheet.clone(), at(second)).await.expect("answers")
    };
    assert_eq!(record(&coder, drawn.id, 3).await, Reviewed::Own, "nor who decided on it");
    assert_eq!(record(&lead, id(), 3).await, Reviewed::Missing);
    assert_eq!(record(&lead, drawn.id, 4).await, Reviewed::Done);
    assert_eq!(record(&lead, drawn.id, 5).await, Reviewed::Already);
    assert!(store.second_reviews(everywhere(), WhichReviews::Waiting, 10).await.expect("reads").is_empty());
    let done = store.second_review(drawn.id).await.expect("reads").expect("is there");
    assert_eq!((done.worksheet.as_ref(), done.reviewed.as_ref()), (Some(&worksheet), Some(&("lead".to_owned(), at(4)))));
    assert_eq!(
        store.second_reviews(everywhere(), WhichReviews::DoneSince(at(0)), 10).await.expect("reads"),
        std::slice::from_ref(&done)
    );
    assert_eq!(store.second_reviews_of(item).await.expect("reads"), [done]);
    let events = store.audit_events(0, 100).await.expect("reads");
    let told = events.last().expect("recorded");
    assert_eq!((told.action.as_str(), told.detail.as_str()), ("item.reviewed_again", "0 of 1 codes agreed, 2 errors"));
    assert!(events.iter().all(|event| !event.detail.contains("E11")), "no code stands in the trail");
}

pub(crate) async fn a_sample_is_drawn_of_what_is_finished(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let lead = user(&*store, "lead", Role::Lead).await;
    let found = async |who: Option<Uuid>, since| -> Vec<(Uuid, Uuid)> {
        let found = store.finished_since(everywhere(), who, at(since), 10).await.expect("reads");
        found.into_iter().map(|one| (one.item_id, one.coder_id)).collect()
    };
    assert_eq!(found(None, 0).await, [], "nothing is finished");
    claim(&*store, item, &coder, 1).await;
    assert!(is_done(&store.finish_item(item, &coder, Finishing::at(None), at(2)).await.expect("answers")));
    assert_eq!(found(None, 0).await, [(item, coder.id)]);
    assert_eq!(found(Some(coder.id), 2).await, [(item, coder.id)]);
    assert_eq!((found(Some(lead.id), 0).await, found(None, 3).await), (vec![], vec![]), "of others, and before");
    let one = store.finished_since(everywhere(), None, at(0), 10).await.expect("reads")[0];
    let drawn = Drawn { id: id(), blinded: false };
    assert!(store.draw_second_review(one, drawn, &lead, at(4)).await.expect("answers"));
    assert_eq!(store.drawn_since(coder.id, at(0)).await.expect("reads"), 0, "a sample takes nothing from what rules draw");
    let elsewhere = ReportScope { facility: Some("north".to_owned()), ..everywhere() };
    let waits = store.second_reviews(elsewhere.clone(), WhichReviews::Waiting, 10).await.expect("reads");
    assert_eq!((waits, store.finished_since(elsewhere, None, at(0), 10).await.expect("reads")), (vec![], vec![]));
    let again = Drawn { id: id(), blinded: false };
    assert!(!store.draw_second_review(one, again, &lead, at(5)).await.expect("answers"), "once");
    assert_eq!(found(None, 0).await, [], "what was drawn is drawn once");
    let [waiting] = &store.second_reviews(everywhere(), WhichReviews::Waiting, 10).await.expect("reads")[..] else {
        panic!("one waits")
    };
    let revision = store.item(item, at(6)).await.expect("reads").expect("is there").item.revision;
    assert_eq!((waiting.id, waiting.coder.0, waiting.revision + 1), (drawn.id, coder.id, revision), "of who finished it");
    let told = store.audit_events(0, 100).await.expect("reads").pop().expect("recorded");
    assert_eq!((told.action.as_str(), told.actor.name.as_str()), ("item.drawn_for_review", "lead"));
    // put back and finished anew it is another state of the encounter
    assert!(is_done(&store.move_item(item, &lead, moving(Act::Reopen), at(7)).await.expect("answers")));
    assert!(!store.draw_second_review(one, again, &lead, at(8)).await.expect("answers"), "it stands no longer as it was found");
    claim(&*store, item, &lead, 9).await;
    assert!(is_done(&store.finish_item(item, &lead, Finishing::at(None), at(10)).await.expect("answers")));
    assert_eq!(found(None, 0).await, [(item, lead.id)]);
}

pub(crate) async fn a_report_counts_what_its_reader_may_see(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let waits = post(&*store, text("b"), 1).await;
    claim(&*store, item, &coder, 1).await;
    for kind in [DecisionKind::Accept { bulk: false }, DecisionKind::Withdraw {}] {
        store.decide(item, &coder, vec![decision(item, &coder, kind)], None, at(2)).await.expect("answers");
    }
    assert!(is_done(&store.finish_item(item, &coder, Finishing::at(None), at(3)).await.expect("answers")));
    let day = 24 * 3600;
    let report = async |scope: ReportScope, since, now| {
        store.work_report(scope, Period { from: at(since), until: at(1_000_000) }, at(now)).await.expect("reads")
    };
    let all = everywhere();
    let found = report(all.clone(), 0, 10).await;
    assert_eq!(found.backlog, [(ItemState::Open, [1, 0, 0, 0])]);
    let work = WorkOf { name: "coder".to_owned(), finished: 1, accepted: 1, withdrawn: 1, ..WorkOf::default() };
    assert_eq!(found.work, [work]);
    assert_eq!(report(all.clone(), 4, 10).await.work, [], "what was done before is not counted");
    assert_eq!(report(all.clone(), 4, 2 * day).await.backlog, [(ItemState::Open, [0, 1, 0, 0])]);
    assert_eq!(report(all.clone(), 4, 9 * day).await.backlog, [(ItemState::Open, [0, 0, 0, 1])]);
    let elsewhere = ReportScope { department: Some("icu".to_owned()), ..all };
    assert_eq!(report(elsewhere, 0, 10).await, WorkReport::default(), "nor what stands elsewhere");
    assert!(store.note(waits).await.expect("reads").is_some());
}
