//! What was found in the notes of a patient or an encounter, as its review left it.

use serde_json::Value;
use uuid::Uuid;

use super::{
    call::{Answer, Call},
    documents::notes_asked_for,
    outcome::Problem,
    search::{Cursor, has_token},
};
use crate::{
    domain::NoteStatus,
    interop::fhir::{Chart, ChartNote, chart, item_of_id},
    service::ChartItem,
};

/// One resource by its id, which names its item.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    let item = item_of_id(&call.id).ok_or_else(|| call.missing())?;
    let item = call.service.chart_item(call.user()?, item).await?.ok_or_else(|| call.missing())?;
    let found = resources(&item, call.interaction.resource).into_iter().find(|resource| resource["id"] == call.id);
    found.map(|resource| Answer::resource(&resource)).ok_or_else(|| call.missing())
}

/// The resources of one kind of an encounter, in the order of their ids.
fn resources(item: &ChartItem, kind: &str) -> Vec<Value> {
    let at = |note: Uuid| item.extracted_at.iter().find(|(of, _)| *of == note).map(|(_, at)| *at);
    let notes: Vec<ChartNote<'_>> = item
        .record
        .notes
        .iter()
        .map(|(note, extraction)| ChartNote {
            note,
            made: extraction.as_ref().map(|extraction| &extraction.engine).zip(at(note.id)),
        })
        .collect();
    let mut found = chart(Chart { item: &item.record.item, notes: &notes, entries: &item.entries });
    found.retain(|resource| resource["resourceType"] == kind);
    found.sort_by(|one, other| one["id"].as_str().cmp(&other["id"].as_str()));
    found
}

/// Resources of a patient, of an encounter, by ids, or (who made them) by what was made.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?;
    let count = call.count()? as usize;
    let cursor = call.cursor()?;
    let wanted = call.parameter("_id").map(|ids| ids.split(',').map(str::to_owned).collect::<Vec<_>>());
    let target = call.parameter("target").map(local);
    let items = items(&call, wanted.as_deref(), target.as_deref()).await?;
    let start = match &cursor {
        None => 0,
        Some(cursor) => items
            .iter()
            .position(|item| *item == cursor.item)
            .ok_or_else(|| Problem::parameter("_page is a cursor of another search; begin again without it"))?,
    };
    let mut page: Vec<Value> = Vec::new();
    let mut next = None;
    let (mut pending, mut quarantined) = (0, 0);
    'items: for item in &items[start..] {
        let Some(chart) = call.service.chart_item(user, *item).await? else { continue };
        let counted = |status| chart.record.current_notes().filter(|(note, _)| note.status == status).count();
        pending += counted(NoteStatus::Pending);
        quarantined += counted(NoteStatus::Quarantined);
        let after = cursor.as_ref().filter(|cursor| cursor.item == *item).map(|cursor| cursor.after.as_str());
        for resource in resources(&chart, call.interaction.resource) {
            let id = resource["id"].as_str().unwrap_or_default();
            let before = after.is_some_and(|after| id <= after);
            let unwanted = wanted.as_ref().is_some_and(|wanted| !wanted.iter().any(|one| one == id));
            if before || unwanted || !matches(&call, &resource, target.as_deref()) {
                continue;
            }
            if page.len() == count {
                // there is one more, so there is another page; it begins behind the last resource of this one
                next = page
                    .last()
                    .and_then(|last| last["id"].as_str())
                    .map(|last| Cursor { item: item_of_id(last).unwrap_or(*item), after: last.to_owned() });
                break 'items;
            }
            page.push(resource);
        }
    }
    let mut notices = Vec::new();
    if pending > 0 {
        notices.push(format!("{pending} notes are not extracted yet: there may be more when they are"));
    }
    if quarantined > 0 {
        notices.push(format!("{quarantined} notes could not be extracted: what stands in them is not here"));
    }
    Ok(call.page(page, next.as_ref(), &notices))
}

/// The items that the search is about.
async fn items(call: &Call, wanted: Option<&[String]>, target: Option<&str>) -> Result<Vec<Uuid>, Problem> {
    let user = call.user()?;
    let named = |ids: &mut dyn Iterator<Item = &str>| {
        let mut items: Vec<Uuid> = ids.filter_map(item_of_id).collect();
        items.sort_unstable();
        items.dedup();
        items
    };
    let search = notes_asked_for(call)?;
    let mut found = match (&search, wanted, target) {
        (Some(search), ..) => call.service.find_items(user, search.clone()).await?,
        (None, Some(ids), _) => named(&mut ids.iter().map(String::as_str)),
        (None, None, Some(target)) => items_of_target(call, target).await?,
        (None, None, None) => {
            let others = if call.interaction.resource == "Provenance" { ", a target" } else { "" };
            return Err(Problem::parameter(format!("name a patient, an encounter{others} or an _id")));
        }
    };
    if let (Some(_), Some(ids)) = (&search, wanted) {
        let only = named(&mut ids.iter().map(String::as_str));
        found.retain(|item| only.contains(item));
    }
    Ok(found)
}

async fn items_of_target(call: &Call, target: &str) -> Result<Vec<Uuid>, Problem> {
    let Some((kind, id)) = target.split_once('/') else {
        return Err(Problem::parameter("target must name a type and an id, for example Condition/ID"));
    };
    if kind == "DocumentReference" {
        let Ok(id) = Uuid::parse_str(id) else { return Ok(Vec::new()) };
        let note = call.service.read_note(call.user()?, id, false).await?;
        return Ok(note.map(|answer| answer.note.item_id).into_iter().collect());
    }
    Ok(item_of_id(id).into_iter().collect())
}

/// "Condition/ID" of a reference that may say where the service is.
fn local(reference: &str) -> String {
    let mut parts = reference.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some(kind)) => format!("{kind}/{id}"),
        _ => reference.to_owned(),
    }
}

/// Whether a resource meets the parameters that look at it alone.
fn matches(call: &Call, resource: &Value, target: Option<&str>) -> bool {
    let tokens = call.interaction.parameters.iter().filter_map(|parameter| {
        let element = parameter.element?;
        Some((element, call.parameter(parameter.name)?))
    });
    let about = |target: &str| {
        let of = |list: &Value, reference: fn(&Value) -> &Value| {
            list.as_array().is_some_and(|all| all.iter().any(|one| *reference(one) == *target))
        };
        of(&resource["target"], |one| &one["reference"]) || of(&resource["entity"], |one| &one["what"]["reference"])
    };
    tokens.into_iter().all(|(element, tokens)| has_token(resource, element, tokens)) && target.is_none_or(about)
}
