//! What reports are counted of: what waits, what came and went, the steps of the trail, and queries.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    MINUTE, at, extract_all, id, item_of, of_encounter, post,
    queries::{answer, draft},
    review::{claim, decision, moving},
    text, user,
};
use crate::{
    domain::{
        Act, Confidentiality, DecisionKind, ItemState, NewNote, Period, Priority, Query, QueryAct, QueryEffect, QueryState,
        Role, Sensitivity, SiteListName, User,
    },
    store::{
        Actor, Finishing, GivenToTeam, ItemChange, ItemPurge, Movement, Purged, QueryChange, ReportScope, StepAct, Store,
        TrailStep, WAITING_DAYS, Waiting, WaitingGroup,
    },
};

const DAY: i64 = 24 * 3600;
const QUARTER: i64 = 900;

fn everywhere() -> ReportScope {
    ReportScope { include_restricted: true, ..ReportScope::default() }
}

fn period(from: i64, until: i64) -> Period {
    Period { from: at(from), until: at(until) }
}

fn at_place(facility: &str, department: &str) -> NewNote {
    NewNote { facility: Some(facility.to_owned()), department: Some(department.to_owned()), ..text("a") }
}

async fn posted(store: &dyn Store, note: NewNote, seconds: i64) -> Uuid {
    let note = post(store, note, seconds).await;
    item_of(store, note, seconds).await.item.id
}

fn done(change: &ItemChange) {
    assert!(matches!(change, ItemChange::Done { .. }), "{change:?}");
}

/// Claims an item and finishes it, a second apart.
async fn finished(store: &dyn Store, item: Uuid, coder: &User, seconds: i64) {
    claim(store, item, coder, seconds).await;
    done(&store.finish_item(item, coder, Finishing::default(), at(seconds + 1)).await.expect("answers"));
}

pub(crate) async fn what_waits_is_told_by_what_is_alike_and_by_age(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let lead = user(&*store, "lead", Role::Lead).await;
    let urgent = NewNote { priority: Some(Priority::Urgent), ..at_place("north", "icu") };
    let (first, second) = (at_place("north", "icu"), at_place("north", "icu"));
    let plain = [posted(&*store, first, 0).await, posted(&*store, second, 1).await];
    let urgent = posted(&*store, urgent, 2).await;
    let restricted = NewNote { confidentiality: Confidentiality::Restricted, ..at_place("south", "ward") };
    let restricted = posted(&*store, restricted, 3).await;
    let labelled = NewNote { labels: [Sensitivity::Vip].into_iter().collect(), ..text("a") };
    let labelled = posted(&*store, labelled, 4).await;
    let over = posted(&*store, text("a"), 5).await;
    extract_all(&*store, 6).await;
    finished(&*store, over, &coder, 7).await;
    let actor = Actor { user_id: Some(lead.id), name: lead.name.clone() };
    let teams = r#"[{"name":"Heart","members":["coder"]}]"#.to_owned();
    assert!(store.add_site_list(SiteListName::Teams, 0, teams, actor, at(8)).await.expect("answers"));
    let given = GivenToTeam { team: Some("Heart".to_owned()), revision: None, comment: None, remark_id: id() };
    done(&store.give_to_team(urgent, &lead, given, at(9)).await.expect("answers"));
    claim(&*store, plain[1], &coder, 10).await;

    let waiting = async |scope: ReportScope, oldest, now| store.waiting(scope, oldest, at(now)).await.expect("reads");
    let told = |waiting: &Waiting| {
        let words = |group: &WaitingGroup| {
            let place = [&group.facility, &group.department, &group.team].map(|word| word.as_deref().unwrap_or("-")).join(" ");
            format!("{} {} {place} {} {}", group.state.as_str(), group.priority.as_str(), group.age, group.encounters)
        };
        let mut groups: Vec<String> = waiting.groups.iter().map(words).collect();
        groups.sort();
        groups
    };
    let ids = |waiting: &Waiting| waiting.oldest.iter().map(|item| item.id).collect::<Vec<_>>();
    let all = waiting(everywhere(), 10, 20).await;
    assert_eq!(
        told(&all),
        [
            "claimed routine north icu - 0 1",
            "open routine north icu - 0 1",
            "open routine south ward - 0 1",
            "open urgent north icu Heart 0 1"
        ]
    );
    assert_eq!(ids(&all), [plain[0], plain[1], urgent, restricted], "the oldest first, and none that is finished or labelled");
    let named = &all.oldest[2];
    assert_eq!((named.state, named.priority, named.team.as_deref()), (ItemState::Open, Priority::Urgent, Some("Heart")));
    assert_eq!(
        (named.facility.as_deref(), named.department.as_deref(), named.received_at),
        (Some("north"), Some("icu"), at(2))
    );
    // a claim that ran out waits like the others, and what is alike is one group
    let later = waiting(everywhere(), 2, 10 + MINUTE.as_secs()).await;
    assert_eq!(told(&later)[0], "open routine north icu - 0 2");
    assert_eq!(ids(&later), plain, "no more of them than were asked for");
    // each age has its column: up to and with the last moment of it
    for (place, days) in WAITING_DAYS.into_iter().enumerate() {
        for (seconds, expected) in [(days * DAY - 1, place), (days * DAY, place + 1)] {
            let found = waiting(everywhere(), 0, seconds).await;
            let ages: Vec<usize> = found.groups.iter().map(|group| group.age).collect();
            assert!(found.oldest.is_empty() && ages.contains(&expected), "{seconds}: {ages:?}");
        }
    }
    // what a reader may not see is neither counted nor named
    let cleared = ReportScope { clearances: [Sensitivity::Vip].into_iter().collect(), ..everywhere() };
    assert!(ids(&waiting(cleared, 10, 20).await).contains(&labelled));
    for (scope, expected) in [
        (ReportScope::default(), vec![plain[0], plain[1], urgent]),
        (ReportScope { facility: Some("south".to_owned()), ..everywhere() }, vec![restricted]),
        (ReportScope { department: Some("ward".to_owned()), ..everywhere() }, vec![restricted]),
        (ReportScope { source: Some("another".to_owned()), ..everywhere() }, vec![]),
    ] {
        let found = waiting(scope.clone(), 10, 20).await;
        let counted: u64 = found.groups.iter().map(|group| group.encounters).sum();
        assert_eq!((ids(&found), counted), (expected.clone(), expected.len() as u64), "{scope:?}");
    }
}

pub(crate) async fn what_came_and_went_is_counted_by_quarters_of_an_hour(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    // the first moment of a quarter behind the tests' beginning
    let begin = QUARTER - at(0).as_second().rem_euclid(QUARTER);
    let north = posted(&*store, at_place("north", "icu"), begin - 1).await;
    let south = posted(&*store, at_place("south", "icu"), begin).await;
    let last = posted(&*store, of_encounter("e", Some("p"), "a"), begin + QUARTER - 1).await;
    let again = post(&*store, of_encounter("e", Some("p"), "b"), begin + QUARTER).await;
    assert_eq!(item_of(&*store, again, begin + QUARTER).await.item.id, last, "another note of it is no other arrival");
    extract_all(&*store, begin + QUARTER).await;
    let one = begin + QUARTER + 1;
    finished(&*store, north, &coder, one).await;
    finished(&*store, last, &coder, one + 2).await;
    // finished once more it counts once more
    let lead = user(&*store, "lead", Role::Lead).await;
    done(&store.move_item(last, &lead, moving(Act::Reopen), at(one + 4)).await.expect("answers"));
    finished(&*store, last, &coder, one + 2 * QUARTER).await;

    let moved = async |scope: ReportScope, from, until| {
        let found = store.movements(scope, period(from, until)).await.expect("reads");
        [found.arrived, found.finished].map(|counts| {
            counts.into_iter().map(|(moment, count)| (moment.as_second() - at(begin).as_second(), count)).collect::<Vec<_>>()
        })
    };
    let all = moved(everywhere(), begin - QUARTER, begin + 4 * QUARTER).await;
    assert_eq!(all, [vec![(-QUARTER, 1), (0, 2)], vec![(QUARTER, 2), (3 * QUARTER, 1)]]);
    // a time that begins within a quarter has no moment before it, and its end is not in it
    let part = moved(everywhere(), begin - 1, begin + QUARTER - 1).await;
    assert_eq!(part, [vec![(-1, 1), (0, 1)], vec![]]);
    let scope = ReportScope { facility: Some("south".to_owned()), ..everywhere() };
    assert_eq!(moved(scope, begin - QUARTER, begin + 4 * QUARTER).await, [vec![(0, 1)], vec![]]);
    assert!(store.item(south, at(one)).await.expect("reads").is_some());
}

pub(crate) async fn the_steps_of_items_are_told_in_their_order(store: Arc<dyn Store>) {
    let (kim, lee) = (user(&*store, "kim", Role::Coder).await, user(&*store, "lee", Role::Coder).await);
    let lead = user(&*store, "lead", Role::Lead).await;
    let item = posted(&*store, at_place("north", "icu"), 0).await;
    let other = posted(&*store, at_place("south", "icu"), 0).await;
    let untouched = posted(&*store, text("a"), 0).await;
    extract_all(&*store, 1).await;
    claim(&*store, item, &kim, 10).await;
    let decided = [DecisionKind::Accept { bulk: false }, DecisionKind::Withdraw {}];
    for (kind, seconds) in decided.into_iter().zip(11..) {
        let decision = decision(item, &kim, kind);
        done(&store.decide(item, &kim, vec![decision], None, at(seconds)).await.expect("answers"));
    }
    let pended = Movement { reason: Some("awaiting_results".to_owned()), ..moving(Act::Pend) };
    done(&store.move_item(item, &kim, pended, at(13)).await.expect("answers"));
    claim(&*store, other, &lee, 14).await;
    claim(&*store, item, &lee, 15).await;
    let assigned = |to: &User| moving(Act::Assign(Some(to.id)));
    done(&store.move_item(item, &lead, assigned(&lee), at(16)).await.expect("answers"));
    done(&store.move_item(item, &lead, assigned(&kim), at(17)).await.expect("answers"));
    claim(&*store, item, &kim, 18).await;
    done(&store.finish_item(item, &kim, Finishing::default(), at(19)).await.expect("answers"));

    let worked = async |scope: ReportScope, from, until| store.worked_items(scope, period(from, until)).await.expect("reads");
    let sorted = |mut ids: Vec<Uuid>| {
        ids.sort();
        ids
    };
    assert_eq!(worked(everywhere(), 0, 100).await, sorted(vec![item, other]), "each once");
    assert_eq!(worked(everywhere(), 14, 15).await, [other]);
    assert!(worked(everywhere(), 20, 100).await.is_empty());
    let scope = ReportScope { facility: Some("north".to_owned()), ..everywhere() };
    assert_eq!(worked(scope, 0, 100).await, [item]);

    // all steps of an item, whatever the time; of more items than one statement takes
    let unknown: Vec<Uuid> = (0..600).map(|_| id()).collect();
    let asked = [unknown, vec![item, untouched, other]].concat();
    let steps = store.trail_steps(asked).await.expect("reads");
    let of = |wanted: Uuid| {
        let own = steps.iter().filter(|step| step.item == wanted);
        own.map(|step| (step.actor.to_string(), step.act, step.at)).collect::<Vec<_>>()
    };
    let expected = [
        ("kim", StepAct::Claimed, 10),
        ("kim", StepAct::Decided, 11),
        ("kim", StepAct::Other, 12),
        ("kim", StepAct::Left, 13),
        ("lee", StepAct::Claimed, 15),
        ("lead", StepAct::Other, 16),
        ("lead", StepAct::Left, 17),
        ("kim", StepAct::Claimed, 18),
        ("kim", StepAct::Finished, 19),
    ];
    assert_eq!(of(item), expected.map(|(name, act, seconds)| (name.to_owned(), act, at(seconds))));
    assert_eq!(of(other), [("lee".to_owned(), StepAct::Claimed, at(14))]);
    assert_eq!(steps.len(), expected.len() + 1, "nothing of what nobody touched or is not there");
    let changes = steps.windows(2).filter(|pair| pair[0].item != pair[1].item).count();
    assert_eq!(changes, 1, "one item after another");
    assert_eq!(store.trail_steps(Vec::new()).await.expect("reads"), Vec::<TrailStep>::new());
}

pub(crate) async fn queries_are_reported_when_they_were_touched_or_wait(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let note = post(&*store, NewNote { facility: Some("north".to_owned()), ..of_encounter("e", Some("p"), "a") }, 0).await;
    let item = item_of(&*store, note, 0).await.item.id;
    extract_all(&*store, 0).await;
    claim(&*store, item, &coder, 0).await;
    let mut added = Vec::new();
    for seconds in 1..5 {
        let query = Query { drafted_at: at(seconds), ..draft(item, note, &coder) };
        done(&store.add_query(query.clone(), &coder, at(seconds)).await.expect("answers"));
        added.push(query.id);
    }
    let [drafted, sent, answered, closed] = added[..] else { panic!("four queries") };
    let act = async |query: Uuid, step: QueryAct, seconds: i64| {
        let change = store.act_on_query(query, &coder, step, at(seconds)).await.expect("answers");
        assert!(matches!(change, QueryChange::Done(_)), "{change:?}");
    };
    act(sent, QueryAct::Send {}, 10).await;
    act(answered, QueryAct::Send {}, 11).await;
    act(closed, QueryAct::Send {}, 12).await;
    act(closed, answer(), 20).await;
    act(closed, QueryAct::Close { effect: QueryEffect::NoChange, comment: None }, 30).await;
    act(answered, answer(), 40).await;

    let reported =
        async |scope: ReportScope, from, until| store.reported_queries(scope, period(from, until)).await.expect("reads");
    let ids = |queries: &[Query]| queries.iter().map(|query| query.id).collect::<Vec<_>>();
    let all = reported(everywhere(), 0, 100).await;
    assert_eq!(ids(&all), [drafted, sent, answered, closed], "in the order in which they were drafted");
    let states = [QueryState::Draft, QueryState::Sent, QueryState::Answered, QueryState::Closed];
    assert_eq!(all.iter().map(Query::state).collect::<Vec<_>>(), states);
    assert_eq!(all[3], store.query(closed).await.expect("reads").expect("is there"), "opened, with all that was done");
    // of other times what waits for an answer now, and what was touched then
    assert_eq!(ids(&reported(everywhere(), 50, 100).await), [sent]);
    assert_eq!(ids(&reported(everywhere(), 30, 31).await), [sent, closed]);
    assert_eq!(ids(&reported(everywhere(), 1, 2).await), [drafted, sent]);
    assert_eq!(ids(&reported(everywhere(), 31, 40).await), [sent], "the end is not in it");
    let elsewhere = ReportScope { facility: Some("south".to_owned()), ..everywhere() };
    assert!(reported(elsewhere, 0, 100).await.is_empty());
    // what was purged is left out
    done(&store.finish_item(item, &coder, Finishing::default(), at(41)).await.expect("answers"));
    let purge = ItemPurge { item, reason: "request".to_owned(), part: None };
    assert!(matches!(store.purge_item(purge, Actor::service(), at(50)).await.expect("answers"), Purged::Done { .. }));
    assert!(reported(everywhere(), 0, 100).await.is_empty());
}
