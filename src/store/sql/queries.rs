//! Queries to providers: what is asked and what was done, sealed with the data key of their item.

use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    items,
    outbox::{self, Happened},
    unit::{Unit, bytes, derived_id, micros},
    value::{Value, params},
    vault::RowKey,
};
use crate::{
    domain::{EventKind, ItemState, Query, QueryAct, QueryContent, QueryEvent, QueryState, User},
    store::{Actor, ItemChange, QueryChange, QueryStore, StoreError},
};

#[async_trait]
impl<D: Database> QueryStore for SqlStore<D> {
    async fn add_query(&self, query: Query, user: &User, now: Timestamp) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        self.database
            .write(move |unit| {
                let revision = match held(unit, query.item_id, &cause)? {
                    Ok(revision) => revision,
                    Err(refusal) => return Ok(refusal),
                };
                if Some(query.drafted_by.0) != cause.actor.user_id || !query.events.is_empty() {
                    return Err(inconsistent("query", query.id, "it is no draft of the user who adds it"));
                }
                let body = json("query", query.id, &query.content)?;
                let key = items::key_of(unit, query.item_id)?;
                unit.execute(
                    "INSERT INTO query (id, item_id, user_id, at, state, body) VALUES (?1, ?2, ?3, ?4, 'draft', ?5)",
                    (
                        bytes(query.id),
                        bytes(query.item_id),
                        bytes(query.drafted_by.0),
                        micros(query.drafted_at),
                        key.for_row("query", query.id).seal("body", &body),
                    ),
                )?;
                record(unit, &cause, &query, "drafted")?;
                Ok(ItemChange::Done { revision })
            })
            .await
    }

    async fn query(&self, id: Uuid) -> Result<Option<Query>, StoreError> {
        self.database.read(move |unit| one(unit, id)).await
    }

    async fn queries(&self, item: Uuid) -> Result<Vec<Query>, StoreError> {
        let of_item = move |unit: &Unit<'_>| all_that(unit, "q.item_id = ?1", &[Value::Blob(bytes(item).to_vec().into())]);
        self.database.read(of_item).await
    }

    async fn act_on_query(&self, id: Uuid, user: &User, act: QueryAct, now: Timestamp) -> Result<QueryChange, StoreError> {
        let cause = cause(user, now);
        let by = (user.id, user.name.clone());
        self.database
            .write(move |unit| {
                let of = "SELECT id, item_id FROM query WHERE id = ?1";
                let Some(item) = unit.one("query", of, [bytes(id)], |row| row.id("item_id"))? else {
                    return Ok(QueryChange::Missing);
                };
                // whoever purges something of the encounter holds it too: its key stands until the end
                unit.hold_row("review_item", item)?;
                if items::is_purged(unit, item)? {
                    return Ok(QueryChange::Missing);
                }
                unit.hold_row("query", id)?;
                let Some(mut query) = one(unit, id)? else { return Ok(QueryChange::Missing) };
                let Some(state) = query.state().after(&act) else { return Ok(QueryChange::NotAllowed(query.state())) };
                append(unit, &query, &act, &cause)?;
                unit.execute("UPDATE query SET state = ?2 WHERE id = ?1", (bytes(id), state.as_str()))?;
                record(unit, &cause, &query, if matches!(act, QueryAct::Revise(_)) { "revised" } else { state.as_str() })?;
                let heard = match act {
                    QueryAct::Send {} => Some(EventKind::QuerySent),
                    QueryAct::Answer(_) => Some(EventKind::QueryAnswered),
                    QueryAct::Revise(_) | QueryAct::Close { .. } | QueryAct::Withdraw { .. } => None,
                };
                if let Some(event) = heard {
                    let happened = Happened { event, note: None, item: Some(query.item_id), outgoing: &[] };
                    outbox::emit_about(unit, &happened, Some(id), now)?;
                }
                query.events.push(QueryEvent { by: by.clone(), at: now, act: act.clone() });
                Ok(QueryChange::Done(Box::new(query.as_revised())))
            })
            .await
    }
}

fn cause(user: &User, now: Timestamp) -> Cause {
    Cause { actor: Actor { user_id: Some(user.id), name: user.name.clone() }, now }
}

/// The revision of an item that the actor holds; else why it is not theirs to write to.
fn held(unit: &Unit<'_>, item: Uuid, cause: &Cause) -> Result<Result<u64, ItemChange>, StoreError> {
    unit.hold_row("review_item", item)?;
    let Some(item) = items::item(unit, item, cause.now)? else { return Ok(Err(ItemChange::Missing)) };
    Ok(match (item.state, item.claimed_by.zip(item.claimed_until)) {
        (ItemState::Finished, _) => Err(ItemChange::Finished),
        (_, Some(((holder, name), until))) if Some(holder) != cause.actor.user_id => Err(ItemChange::HeldBy { name, until }),
        (_, Some(_)) => Ok(item.revision),
        (_, None) => Err(ItemChange::NotHeld),
    })
}

/// The event of a change: which item, and why it is asked; never about which entry, whose id would tell a guesser its code.
fn record(unit: &Unit<'_>, cause: &Cause, query: &Query, what: &str) -> Result<(), StoreError> {
    let action = format!("query.{what}");
    let detail = format!("{}; item {}", query.content.kind.as_str(), query.item_id);
    audit::append(unit, cause, &Event::of(&action, "query", query.id, &detail))
}

/// Writes an act after those that are there.
fn append(unit: &Unit<'_>, query: &Query, act: &QueryAct, cause: &Cause) -> Result<(), StoreError> {
    let position = query.events.len() + 1;
    let id = derived_id(query.id, &format!("act {position}"));
    let body = json("query_act", id, act)?;
    let key = items::key_of(unit, query.item_id)?;
    unit.execute(
        "INSERT INTO query_act (id, query_id, position, user_id, act, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            bytes(id),
            bytes(query.id),
            i64::try_from(position).unwrap_or(i64::MAX),
            cause.actor.user_id.map(bytes),
            act.as_str(),
            micros(cause.now),
            key.for_row("query_act", id).seal("body", &body)
        ],
    )?;
    Ok(())
}

/// One query, opened; none where it was purged.
pub(super) fn one(unit: &Unit<'_>, id: Uuid) -> Result<Option<Query>, StoreError> {
    Ok(all_that(unit, "q.id = ?1", &[Value::Blob(bytes(id).to_vec().into())])?.into_iter().next())
}

/// The queries `q` of items `i` for which a condition holds, opened, in the order in which they were drafted; what was purged is left out. However
/// many they are, they are read by two statements.
pub(super) fn all_that(unit: &Unit<'_>, condition: &str, values: &[Value<'_>]) -> Result<Vec<Query>, StoreError> {
    let drafts = format!(
        "SELECT q.id, q.item_id, q.user_id, u.name, q.at, q.state, q.body, i.data_key
         FROM query q JOIN user_account u ON u.id = q.user_id JOIN review_item i ON i.id = q.item_id
         WHERE length(q.body) > 0 AND ({condition}) ORDER BY q.at, q.id"
    );
    // the key of an item opens all of its queries
    let mut keys: HashMap<Uuid, RowKey> = HashMap::new();
    let mut states: Vec<QueryState> = Vec::new();
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut found = unit.all("query", &drafts, values.to_vec(), |row| {
        let (id, item_id) = (row.id("id")?, row.id("item_id")?);
        let key = match keys.entry(item_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(unit.vault.data_key("review_item", item_id, &row.get::<Vec<u8>>("data_key")?)?)
            }
        };
        let content: QueryContent = key.for_row("query", id).open_json("body", &row.get::<Vec<u8>>("body")?)?;
        places.insert(id, states.len());
        states.push(row.word("state", |word| word.parse().ok())?);
        let drafted_by = (row.id("user_id")?, row.get("name")?);
        Ok(Query { id, item_id, drafted_by, drafted_at: row.instant("at")?, content, events: Vec::new() })
    })?;
    if found.is_empty() {
        return Ok(found);
    }
    let acts = format!(
        "SELECT a.id, a.query_id, a.user_id, u.name, a.at, a.body
         FROM query_act a JOIN user_account u ON u.id = a.user_id JOIN query q ON q.id = a.query_id JOIN review_item i ON i.id = q.item_id
         WHERE length(q.body) > 0 AND ({condition}) ORDER BY a.query_id, a.position"
    );
    let acts = unit.all("query_act", &acts, values.to_vec(), |row| {
        let (id, query) = (row.id("id")?, row.id("query_id")?);
        let place = places.get(&query).copied();
        let of = place.and_then(|place| Some((place, keys.get(&found[place].item_id)?)));
        // both statements see the same moment
        let (place, key) = of.ok_or_else(|| inconsistent("query_act", id, "its query is not there"))?;
        let act = key.for_row("query_act", id).open_json("body", &row.get::<Vec<u8>>("body")?)?;
        Ok((place, QueryEvent { by: (row.id("user_id")?, row.get("name")?), at: row.instant("at")?, act }))
    })?;
    for (place, event) in acts {
        found[place].events.push(event);
    }
    let mut queries = Vec::with_capacity(found.len());
    for (query, state) in found.into_iter().zip(states) {
        if query.state() != state {
            return Err(inconsistent("query", query.id, "its state is not that of its acts"));
        }
        queries.push(query.as_revised());
    }
    Ok(queries)
}

fn json(table: &'static str, id: Uuid, value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|_| inconsistent(table, id, "it cannot be written as JSON"))
}

fn inconsistent(table: &'static str, id: Uuid, problem: &str) -> StoreError {
    StoreError::Inconsistent { table, id: id.to_string(), problem: problem.to_owned() }
}
