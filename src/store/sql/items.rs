//! Rows of the review_item table: read, opened, listed.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    access, audit,
    note_rows::{self, open_encounter, open_patient},
    places, summaries,
    unit::{Columns, Unit, bytes, micros},
    value::Value,
    vault::RowKey,
};
use crate::{
    domain::{Assigned, Decision, ItemState, Priority, ReviewItem, Sensitivities, WorklistOrder},
    store::{ItemFilter, ItemRecord, StoreError},
};

/// A claim that ran out and what was laid aside long enough count as open, so every query that reads a state binds `now` as `?1`.
const ITEM: &str = "
    SELECT i.id, i.encounter_class, i.facility, i.department, i.restricted, i.labels, i.revision, i.created_at, i.escalated, i.place_reason,
           CASE WHEN i.state = 'claimed' AND i.claimed_until <= ?1 THEN 'open'
                WHEN i.state = 'open' AND i.pended_until > ?1 THEN 'pended' ELSE i.state END AS state,
           CASE WHEN i.claimed_until > ?1 THEN i.claimed_by END AS claimed_by,
           CASE WHEN i.claimed_until > ?1 THEN u.name END AS claimed_name,
           CASE WHEN i.claimed_until > ?1 THEN i.claimed_until END AS claimed_until,
           CASE WHEN i.state = 'open' AND i.pended_until > ?1 THEN i.pended_until END AS pended_until,
           coalesce(i.source, (SELECT min(n.source) FROM note n WHERE n.item_id = i.id)) AS source,
           i.assigned_to, a.name AS assigned_name, i.priority, i.payer_class, i.team,
           i.summary_revision, i.waiting, i.unsure, i.alerts, i.hard_edits, i.prompts, i.payment, i.note_types, i.service_from,
           i.service_to,
           p.id AS patient_id, p.data_key AS patient_key, p.details,
           e.id AS encounter_id, e.data_key AS encounter_key, e.external_id AS encounter
    FROM review_item i LEFT JOIN user_account u ON u.id = i.claimed_by LEFT JOIN user_account a ON a.id = i.assigned_to
         LEFT JOIN patient p ON p.id = i.patient_id LEFT JOIN encounter e ON e.id = i.encounter_id";

/// A page of a list.
pub(super) fn list(unit: &Unit<'_>, filter: &ItemFilter, now: Timestamp) -> Result<Vec<ReviewItem>, StoreError> {
    let asked = &filter.worklist;
    let mut conditions: Vec<String> = Vec::new();
    let mut values: Vec<Value<'static>> = vec![Value::Integer(micros(now))];
    let mut with = |condition: &str, value: Option<Value<'static>>| {
        if let Some(value) = value {
            values.push(value);
            conditions.push(condition.replace('#', &format!("?{}", values.len())));
        } else {
            conditions.push(condition.to_owned());
        }
    };
    let text = |word: &Option<String>| word.clone().map(|word| Value::Text(word.into()));
    // says again what the states imply, so that the small indexes over the unfinished are used
    match asked.state {
        None => {}
        Some(ItemState::Open) => with(
            "i.state <> 'finished' AND ((i.state = 'open' AND (i.pended_until IS NULL OR i.pended_until <= ?1))
             OR (i.state = 'claimed' AND i.claimed_until <= ?1))",
            None,
        ),
        Some(ItemState::Claimed) => with("i.state <> 'finished' AND i.state = 'claimed' AND i.claimed_until > ?1", None),
        Some(ItemState::Pended) => with("i.state <> 'finished' AND i.state = 'open' AND i.pended_until > ?1", None),
        Some(ItemState::Finished) => with("i.state = 'finished'", None),
    }
    for (condition, value) in [
        ("i.facility = #", text(&filter.facility)),
        ("i.department = #", text(&filter.department)),
        ("i.department = #", text(&asked.department)),
        ("i.priority = #", asked.priority.map(|priority| Value::Integer(priority.rank().into()))),
        ("i.payer_class = #", asked.payer_class.map(|class| Value::Text(class.as_str().into()))),
        ("i.team = #", text(&asked.team)),
        ("i.encounter_class = #", asked.encounter_class.map(|class| Value::Text(class.as_str().into()))),
        (access::OF_SOURCE, text(&filter.source)),
        // the types of an item stand beside it with spaces between, so that no list looks into notes
        (
            "replace(' ' || i.note_types || ' ', ' ' || # || ' ', '') <> ' ' || i.note_types || ' '",
            text(&asked.note_type).filter(|_| asked.note_type.as_deref().is_some_and(|word| !word.trim().is_empty())),
        ),
        ("i.service_to >= #", asked.service_from.map(|date| Value::Text(date.to_string().into()))),
        ("i.service_from <= #", asked.service_to.map(|date| Value::Text(date.to_string().into()))),
    ] {
        if value.is_some() {
            with(condition, value);
        }
    }
    match (asked.assigned, filter.user) {
        (Some(Assigned::Me), Some(user)) => {
            with(
                "i.state <> 'finished' AND (i.assigned_to = # OR (i.claimed_by = # AND i.claimed_until > ?1))",
                Some(Value::Blob(bytes(user).to_vec().into())),
            );
        }
        (Some(Assigned::Me), None) => with("false", None),
        (Some(Assigned::Nobody), _) => with("i.assigned_to IS NULL AND i.team IS NULL AND i.escalated = 0", None),
        (Some(Assigned::Team), _) => with("i.state <> 'finished'", None),
        (Some(Assigned::Leads), _) => with("i.escalated = 1", None),
        (None, _) => {}
    }
    for (wanted, condition) in [
        (asked.alert, "(i.alerts > 0 OR i.hard_edits > 0)"),
        (asked.unsure, "i.unsure > 0"),
        (!filter.include_restricted, "i.restricted = 0"),
    ] {
        if wanted {
            with(condition, None);
        }
    }
    with(&access::cleared("i", filter.clearances), None);
    for patient in &filter.hidden_patients {
        with(access::OF_ANOTHER_PATIENT, Some(Value::Blob(bytes(*patient).to_vec().into())));
    }
    if asked.assigned == Some(Assigned::Team) {
        let mut places = vec!["NULL".to_owned()];
        for team in &filter.teams {
            values.push(Value::Text(team.clone().into()));
            places.push(format!("?{}", values.len()));
        }
        conditions.push(format!("i.team IN ({})", places.join(", ")));
    }
    let order = order_of(asked.order);
    let limit = filter.limit.clamp(1, 200) as usize;
    let query = |conditions: &[String]| {
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        format!("{ITEM} WHERE {conditions} ORDER BY {order} LIMIT {limit}")
    };
    let Some(after) = &filter.after else {
        return unit.all("review_item", &query(&conditions), values, |row| open(unit, row));
    };
    values.push(Value::Blob(bytes(after.item).to_vec().into()));
    let last = values.len();
    let position = after.moving.as_ref().and_then(|(position, _)| position_of(asked.order, position));
    let (end, since) = match (position, &after.moving) {
        (Some(position), Some((_, since))) => {
            values.push(position);
            let place = format!("(?{}, (SELECT created_at FROM review_item WHERE id = ?{last}), ?{last})", values.len());
            (place, Some(*since))
        }
        _ => (format!("(SELECT {order} FROM review_item i WHERE i.id = ?{last})"), None),
    };
    let mut found = Vec::new();
    if let Some(since) = since {
        // what moved to before the end of the last page while it was read stands on none: it comes first
        let mut moved = values.clone();
        moved.push(Value::Integer(micros(since)));
        let mut conditions = conditions.clone();
        conditions.push(format!("i.ordered_at > ?{} AND NOT (({order}) > {end}) AND i.id <> ?{last}", moved.len()));
        found = unit.all("review_item", &query(&conditions), moved, |row| open(unit, row))?;
    }
    conditions.push(format!("({order}) > {end}"));
    found.extend(unit.all("review_item", &query(&conditions), values, |row| open(unit, row))?);
    found.truncate(limit);
    Ok(found)
}

/// The columns of an order; the last of them is unique.
const fn order_of(order: WorklistOrder) -> &'static str {
    match order {
        WorklistOrder::Oldest => "i.created_at, i.id",
        WorklistOrder::Benefit => "i.benefit_order, i.created_at, i.id",
        WorklistOrder::ServiceDate => "coalesce(i.service_from, '9999'), i.created_at, i.id",
        WorklistOrder::Priority => "i.priority, i.created_at, i.id",
    }
}

/// A position in an order as a value of its first column; none where it cannot be one.
fn position_of(order: WorklistOrder, position: &str) -> Option<Value<'static>> {
    match order {
        WorklistOrder::Oldest => None,
        WorklistOrder::Benefit | WorklistOrder::Priority => position.parse().ok().map(Value::Integer),
        WorklistOrder::ServiceDate if position.is_empty() => Some(Value::Text("9999".into())),
        WorklistOrder::ServiceDate => Some(Value::Text(position.to_owned().into())),
    }
}

/// One item.
pub(super) fn item(unit: &Unit<'_>, id: Uuid, now: Timestamp) -> Result<Option<ReviewItem>, StoreError> {
    unit.one("review_item", &format!("{ITEM} WHERE i.id = ?2"), (micros(now), bytes(id)), |row| open(unit, row))
}

/// One item with its notes, extractions and decisions.
pub(super) fn record(unit: &Unit<'_>, id: Uuid, now: Timestamp) -> Result<Option<ItemRecord>, StoreError> {
    let Some(item) = item(unit, id, now)? else { return Ok(None) };
    let mut notes = Vec::new();
    for note in note_rows::notes_of_item(unit, id)? {
        let extraction = note_rows::extraction(unit, note.id)?;
        notes.push((note, extraction));
    }
    if is_purged(unit, id)? {
        return Ok(Some(ItemRecord { item, notes, decisions: Vec::new(), overrides: Vec::new(), remarks: Vec::new() }));
    }
    let key = key_of(unit, id)?;
    let sql = "SELECT id, body FROM decision WHERE item_id = ?1 AND length(body) > 0 ORDER BY position";
    let decisions = unit.all("decision", sql, [bytes(id)], |row| {
        key.for_row("decision", row.id("id")?).open_json::<Decision>("body", &row.get::<Vec<u8>>("body")?)
    })?;
    let (overrides, remarks) = (audit::overrides(unit, id)?, places::remarks(unit, id)?);
    Ok(Some(ItemRecord { item, notes, decisions, overrides, remarks }))
}

/// Whether everything of an item was purged: it has no key any more.
pub(super) fn is_purged(unit: &Unit<'_>, item: Uuid) -> Result<bool, StoreError> {
    Ok(unit.count("SELECT count(*) AS n FROM review_item WHERE id = ?1 AND length(data_key) = 0", [bytes(item)])? > 0)
}

/// The data key of an item.
pub(super) fn key_of(unit: &Unit<'_>, item: Uuid) -> Result<RowKey, StoreError> {
    let key = unit.one("review_item", "SELECT id, data_key FROM review_item WHERE id = ?1", [bytes(item)], |row| {
        unit.vault.data_key("review_item", item, &row.get::<Vec<u8>>("data_key")?)
    })?;
    key.ok_or_else(|| StoreError::Inconsistent {
        table: "review_item",
        id: item.to_string(),
        problem: "it is not there any more".to_owned(),
    })
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<ReviewItem, StoreError> {
    let id = row.id("id")?;
    let sql = "SELECT id, status = 'pending' AND standing = 'current' AS pending FROM note WHERE item_id = ?1 ORDER BY received_at, id";
    let notes = unit.all("note", sql, [bytes(id)], |note| Ok((note.id("id")?, note.get::<bool>("pending")?)))?;
    Ok(ReviewItem {
        id,
        encounter: open_encounter(unit, row)?,
        patient: open_patient(unit, row)?,
        patient_id: row.id_or_none("patient_id")?,
        encounter_class: row.word_or_none("encounter_class", |word| word.parse().ok())?,
        facility: row.get("facility")?,
        department: row.get("department")?,
        restricted: row.get("restricted")?,
        labels: Sensitivities::of_bits(row.get("labels")?),
        source: row.get("source")?,
        priority: Priority::of_rank(row.get("priority")?).unwrap_or_default(),
        payer_class: row.word_or_none("payer_class", |word| word.parse().ok())?,
        team: row.get("team")?,
        state: row.word("state", |word| word.parse().ok())?,
        claimed_by: row.id_or_none("claimed_by")?.zip(row.get("claimed_name")?),
        claimed_until: row.instant_or_none("claimed_until")?,
        assigned_to: row.id_or_none("assigned_to")?.zip(row.get("assigned_name")?),
        escalated: row.get("escalated")?,
        pended_until: row.instant_or_none("pended_until")?.filter(|until| micros(*until) < places::NO_END),
        place_reason: row.get("place_reason")?,
        summary: summaries::read(row)?,
        revision: row.unsigned("revision")?,
        pending_notes: u32::try_from(notes.iter().filter(|(_, pending)| *pending).count()).unwrap_or(u32::MAX),
        notes: notes.into_iter().map(|(id, _)| id).collect(),
        created_at: row.instant("created_at")?,
    })
}
