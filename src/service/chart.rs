//! Searches by patient, encounter and the sender's ids, within what a user may see, and the encounters behind them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Service,
    access::{scope_of, within},
    actor, visible,
};
use crate::{
    auth::Scope,
    domain::{Attributes, ItemState, ListEnd, Note, OffsetUnit, Patient, ReviewEntry, ReviewItem, User, Worklist},
    review,
    store::{ItemFilter, ItemRecord, NoteSearch, StoreError},
    text::OffsetMap,
};

/// An encounter with its entries in code points.
#[derive(Debug)]
pub struct ChartItem {
    /// The item, its notes and decisions.
    pub record: ItemRecord,
    /// Its entries, decisions folded in; offsets are code points.
    pub entries: Vec<ReviewEntry>,
    /// When each note's extraction was recorded.
    pub extracted_at: Vec<(Uuid, Timestamp)>,
}

impl Service {
    /// Notes that the user may see. Every one of them is recorded as read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_notes(
        &self,
        user: &User,
        search: NoteSearch,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Note>, StoreError> {
        let mut notes = self.store.find_notes(limited(user, search), after, limit).await?;
        notes.retain(|note| visible(user, &Scope::of_note(note)));
        let ids = notes.iter().map(|note| note.id).collect();
        self.store.record_reads(actor(user), "note.read", ("note", ids), self.surroundings.now()).await?;
        Ok(notes)
    }

    /// Patients of whom the user may see a note. Every one of them is recorded as read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_patients(
        &self,
        user: &User,
        search: NoteSearch,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(Uuid, Patient)>, StoreError> {
        let patients = self.store.find_patients(limited(user, search), after, limit).await?;
        let ids = patients.iter().map(|(id, _)| *id).collect();
        self.store.record_reads(actor(user), "patient.read", ("patient", ids), self.surroundings.now()).await?;
        Ok(patients)
    }

    /// The items that hold such notes. Nothing is read of them yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_items(&self, user: &User, search: NoteSearch) -> Result<Vec<Uuid>, StoreError> {
        self.store.find_items(limited(user, search)).await
    }

    /// An encounter that the user may see: a submitter one of its own notes, everybody else one in scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn chart_item(&self, user: &User, id: Uuid) -> Result<Option<ChartItem>, StoreError> {
        let Some(record) = self.store.item(id, self.surroundings.now()).await? else { return Ok(None) };
        let Some(reading) = self.reading(user, &Scope::of_item(&record.item), id).await? else { return Ok(None) };
        self.record_reading(user, "item.read", ("item", id), reading).await?;
        let mut entries = review::rollup(&record);
        in_code_points(&record, &mut entries);
        let extracted_at = self.store.extracted_at(id).await?;
        Ok(Some(ChartItem { record, entries, extracted_at }))
    }

    /// Items of the queue with the time of their last change: a submitter sees those of its own notes. Looking at the list is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tasks(
        &self,
        user: &User,
        state: Option<ItemState>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(ReviewItem, Timestamp)>, StoreError> {
        let filter = ItemFilter {
            worklist: Worklist { state, ..Worklist::default() },
            after: after.map(|item| ListEnd { item, moving: None }),
            limit,
            ..within(user)
        };
        let items = self.store.items(filter, self.surroundings.now()).await?;
        let detail = format!("{} items", items.len());
        self.store.record_audit(actor(user), "queue.listed", None, &detail, self.surroundings.now()).await?;
        self.with_changes(items).await
    }

    /// One item with the time of its last change, when the user may see it. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn task(&self, user: &User, id: Uuid) -> Result<Option<(ReviewItem, Timestamp)>, StoreError> {
        let Some(record) = self.store.item(id, self.surroundings.now()).await? else { return Ok(None) };
        let Some(reading) = self.reading(user, &Scope::of_item(&record.item), id).await? else { return Ok(None) };
        self.record_reading(user, "item.read", ("item", id), reading).await?;
        Ok(self.with_changes(vec![record.item]).await?.pop())
    }

    async fn with_changes(&self, items: Vec<ReviewItem>) -> Result<Vec<(ReviewItem, Timestamp)>, StoreError> {
        let changed = self.store.changed_at(items.iter().map(|item| item.id).collect()).await?;
        let at = |item: &ReviewItem| changed.iter().find(|(id, _)| *id == item.id).map_or(item.created_at, |(_, at)| *at);
        Ok(items
            .into_iter()
            .map(|item| {
                let at = at(&item);
                (item, at)
            })
            .collect())
    }
}

/// The search, limited to the user's scope.
fn limited(user: &User, search: NoteSearch) -> NoteSearch {
    let scope = scope_of(user);
    NoteSearch {
        source: scope.source.or(search.source),
        facility: scope.facility,
        department: scope.department,
        include_restricted: scope.include_restricted,
        clearances: scope.clearances,
        hidden_patients: scope.hidden_patients,
        ..search
    }
}

/// Turns the byte offsets of entries into code points of their notes.
fn in_code_points(record: &ItemRecord, entries: &mut [ReviewEntry]) {
    let maps: Vec<(Uuid, OffsetMap)> =
        record.notes.iter().map(|(note, _)| (note.id, OffsetMap::new(&note.content.text, OffsetUnit::Codepoint))).collect();
    let map_of = |note: Uuid| maps.iter().find(|(id, _)| *id == note).map(|(_, map)| map);
    for entry in entries {
        if let Some(map) = entry.attributes_note.and_then(map_of) {
            remap(&mut entry.attributes, map);
        }
        for (note, evidence) in &mut entry.evidence {
            let Some(map) = map_of(*note) else { continue };
            for (start, end) in evidence.places_mut() {
                *start = map.from_byte(*start);
                *end = map.from_byte(*end);
            }
        }
    }
}

fn remap(attributes: &mut Attributes, map: &OffsetMap) {
    for (start, end) in attributes.places_mut() {
        *start = map.from_byte(*start);
        *end = map.from_byte(*end);
    }
}
