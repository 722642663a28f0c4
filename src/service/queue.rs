//! Working through the queue.

use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use super::{CLAIM_LEASE, Service, access::within, actor, visible};
use crate::{
    auth::Scope,
    coding::edits::Severity,
    domain::{
        Assigned, Decision, DecisionKind, EntryKind, ItemState, ListEnd, ReviewEntry, ReviewItem, Role, SiteListName, User,
        Worklist,
    },
    review::{self, DecisionError, ItemEdit, Sure},
    store::{Finishing, ItemChange, ItemFilter, ItemRecord, StoreError},
};

/// Items looked at in one step to find the next one.
const NEXT: u32 = 20;

/// An item with its entries and the edits of its codes.
#[derive(Debug)]
pub struct QueueItem {
    /// The item, its notes and decisions.
    pub record: ItemRecord,
    /// Its entries, decisions folded in.
    pub entries: Vec<ReviewEntry>,
    /// What is to be said about its drafted codes, the gravest first.
    pub edits: Vec<ItemEdit>,
    /// Until when it is read under broken glass, and cannot be changed; none for what lies in the user's scope.
    pub glass: Option<Timestamp>,
}

/// Why decisions are not taken.
#[derive(Debug, Error)]
pub enum DecideError {
    /// No such item, or not in the user's scope.
    #[error("there is no such item")]
    Missing,
    /// One of them is not acceptable.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// Entries wait for a decision, so the item cannot be finished.
    #[error("{0} entries wait for a decision")]
    Undecided(usize),
    /// Hard edits stand against the codes, and no reason to finish all the same was given.
    #[error("{0} hard edits stand against the drafted codes; settle them, or give a reason as override_edits")]
    HardEdits(usize),
    /// A reason that is not one of ours.
    #[error("override_edits must be one of {}", review::OVERRIDE_REASONS.join(", "))]
    UnknownReason,
    /// A reason, a name or words that cannot be used; says which can.
    #[error("{0}")]
    Unacceptable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// The items of a list that the user may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn items(
        &self,
        user: &User,
        worklist: Worklist,
        after: Option<ListEnd>,
        limit: u32,
    ) -> Result<Vec<ReviewItem>, StoreError> {
        let teams = if worklist.assigned == Some(Assigned::Team) { self.teams_of(user).await? } else { Vec::new() };
        let filter = ItemFilter { teams, worklist, after, limit, ..within(user) };
        let items = self.store.items(filter, self.surroundings.now()).await?;
        // a list shows names, so looking at it is an access too
        let detail = format!("{} items", items.len());
        self.store.record_audit(actor(user), "queue.listed", None, &detail, self.surroundings.now()).await?;
        Ok(items)
    }

    /// One item with its entries and edits; none when there is none in the user's scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn item(&self, user: &User, id: Uuid) -> Result<Option<QueueItem>, StoreError> {
        let Some(record) = self.store.item(id, self.surroundings.now()).await? else { return Ok(None) };
        let Some(reading) = self.reading(user, &Scope::of_item(&record.item), id).await? else { return Ok(None) };
        self.record_reading(user, "item.read", ("item", id), reading).await?;
        let entries = review::rollup(&record);
        let edits = self.edits(&record, &entries);
        Ok(Some(QueueItem { record, entries, edits, glass: reading.glass() }))
    }

    /// One item with its entries, to change it: without the edits of its codes, and not recorded as read.
    pub(crate) async fn open_item(&self, user: &User, id: Uuid) -> Result<Option<(ItemRecord, Vec<ReviewEntry>)>, StoreError> {
        let record = self.store.item(id, self.surroundings.now()).await?;
        Ok(record.filter(|record| visible(user, &Scope::of_item(&record.item))).map(|record| {
            let entries = review::rollup(&record);
            (record, entries)
        }))
    }

    fn edits(&self, record: &ItemRecord, entries: &[ReviewEntry]) -> Vec<ItemEdit> {
        let pipeline = self.engine.pipeline();
        review::item_edits((pipeline.edits(), &pipeline.vocabulary().editions), record, entries)
    }

    /// Takes or renews the claim.
    ///
    /// # Errors
    /// When the item is missing or the store fails.
    pub async fn claim(&self, user: &User, id: Uuid) -> Result<ItemChange, DecideError> {
        self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        Ok(self.store.claim_item(id, user, CLAIM_LEASE, self.surroundings.now()).await?)
    }

    /// Renews the claim of an item on which the user has just decided.
    pub(crate) async fn renew(&self, user: &User, id: Uuid) -> Result<ItemChange, StoreError> {
        self.store.claim_item(id, user, CLAIM_LEASE, self.surroundings.now()).await
    }

    /// Appends decisions, all or none; answers with their entry ids.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn decide(
        &self,
        user: &User,
        id: Uuid,
        decisions: Vec<(Option<Uuid>, DecisionKind)>,
        revision: Option<u64>,
    ) -> Result<(ItemChange, Vec<Uuid>), DecideError> {
        let (record, entries) = self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let pipeline = self.engine.pipeline();
        let editions = (&pipeline.vocabulary().editions, review::code_day(&record));
        let at = self.surroundings.now();
        let mut made = Vec::with_capacity(decisions.len());
        for (entry_id, mut kind) in decisions {
            review::check(editions, &entries, entry_id, &kind)?;
            if let DecisionKind::Reject { reason, .. } = &kind {
                let known = self.known_reason(SiteListName::RejectReasons, Some(reason)).await?;
                known.map_err(DecisionError::Invalid)?;
            }
            let decided = entries.iter().find(|entry| Some(entry.id) == entry_id);
            if let (DecisionKind::Amend { attributes: Some(attributes), .. }, Some(entry)) = (&mut kind, decided) {
                **attributes = pipeline.with_values(entry.kind, &entry.display, std::mem::take(&mut **attributes));
            }
            made.push(Decision {
                id: self.surroundings.new_id(),
                item_id: id,
                entry_id: entry_id.unwrap_or_else(|| self.surroundings.new_id()),
                user_id: user.id,
                user_name: user.name.clone(),
                at,
                kind,
                evidence: decided.map(|entry| entry.evidence_keys.clone()).unwrap_or_default(),
            });
        }
        let ids = made.iter().map(|decision| decision.entry_id).collect();
        let count = made.len();
        let change = self.store.decide(id, user, made, revision, at).await?;
        if matches!(change, ItemChange::Done { .. }) {
            metrics::counter!("abstractor_decisions_total").increment(count as u64);
        }
        Ok((change, ids))
    }

    /// Accepts together what of `seen` is of this kind and may be accepted so ([`review::acceptable_together`]); none is no error.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn accept_together(
        &self,
        user: &User,
        id: Uuid,
        (kind, seen): (EntryKind, &[Uuid]),
        revision: Option<u64>,
    ) -> Result<(ItemChange, Vec<Uuid>), DecideError> {
        let (record, entries) = self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let pipeline = self.engine.pipeline();
        let vocabulary = pipeline.vocabulary();
        let (edition, _) = vocabulary.editions.on(review::code_day(&record));
        let tallies = self.tallies(&entries).await?;
        let sure = Sure { from: f32::from(self.store.settings().await?.together_from) / 100.0, tallies: &tallies };
        let edits = self.edits(&record, &entries);
        let mut chosen = review::acceptable_together((vocabulary, edition), &record, (&entries, &edits), &sure);
        let of_kind = |id: &Uuid| entries.iter().any(|entry| entry.id == *id && entry.kind == kind);
        chosen.retain(|id| seen.contains(id) && of_kind(id));
        let decisions = chosen.into_iter().map(|id| (Some(id), DecisionKind::Accept { bulk: true })).collect();
        // what was checked is what is decided on
        self.decide(user, id, decisions, revision.or(Some(record.item.revision))).await
    }

    /// Takes back what the user decided last and still stands: one decision, or all that were made together. The entries; empty when there
    /// is nothing to take back.
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn undo(&self, user: &User, id: Uuid, revision: Option<u64>) -> Result<(ItemChange, Vec<Uuid>), DecideError> {
        let (record, entries) = self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let decisions =
            review::last_decided(&entries, user.id).into_iter().map(|entry| (Some(entry), DecisionKind::Withdraw {})).collect();
        self.decide(user, id, decisions, revision.or(Some(record.item.revision))).await
    }

    /// Claims the first item of a list that the user can take: what is assigned to them before what is their teams', and that before the rest. None when nobody needs them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_next(&self, user: &User, worklist: &Worklist) -> Result<Option<Uuid>, StoreError> {
        let open = Worklist { state: Some(ItemState::Open), ..worklist.clone() };
        let own = |assigned| Worklist { assigned: Some(assigned), ..open.clone() };
        let lists = match open.assigned {
            Some(_) => vec![open],
            None => vec![own(Assigned::Me), own(Assigned::Team), open],
        };
        let teams = self.teams_of(user).await?;
        for list in lists {
            let mut after = None;
            loop {
                let waiting = self.items(user, list.clone(), after, NEXT).await?;
                let is_mine = |item: &&ReviewItem| item.assigned_to.as_ref().is_none_or(|(assignee, _)| *assignee == user.id);
                let leads = user.role == Role::Lead;
                let is_ours = |item: &&ReviewItem| leads || item.team.as_ref().is_none_or(|team| teams.contains(team));
                let free = waiting.iter().filter(is_mine).filter(|item| leads || !item.escalated);
                for item in free.filter(|item| is_ours(item) || item.assigned_to.is_some()) {
                    // another coder may have been faster
                    let claimed = self.store.claim_item(item.id, user, CLAIM_LEASE, self.surroundings.now()).await?;
                    if matches!(claimed, ItemChange::Done { .. }) {
                        return Ok(Some(item.id));
                    }
                }
                after = waiting.last().map(|item| ListEnd::of(list.order, item, self.surroundings.now()));
                if waiting.len() < NEXT as usize {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// Finishes an item whose entries are all decided, and whose codes have no hard edit against them or a reason from
    /// [`OVERRIDE_REASONS`](review::OVERRIDE_REASONS), which is recorded.
    ///
    /// # Errors
    /// [`DecideError::Undecided`] while entries wait, [`DecideError::HardEdits`] without a reason.
    pub async fn finish(
        &self,
        user: &User,
        id: Uuid,
        revision: Option<u64>,
        reason: Option<&str>,
    ) -> Result<ItemChange, DecideError> {
        if reason.is_some_and(|reason| !review::OVERRIDE_REASONS.contains(&reason)) {
            return Err(DecideError::UnknownReason);
        }
        let (record, entries) = self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        // what the store refuses anyway is left to it
        let mine = record.item.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user.id);
        let mut overridden = None;
        if mine && record.item.pending_notes == 0 {
            let undecided = entries.iter().filter(|entry| entry.needs_decision()).count();
            if undecided > 0 {
                return Err(DecideError::Undecided(undecided));
            }
            let edits = self.edits(&record, &entries);
            let hard: Vec<&ItemEdit> = edits.iter().filter(|found| found.edit.severity == Severity::Hard).collect();
            if !hard.is_empty() {
                let reason = reason.ok_or(DecideError::HardEdits(hard.len()))?;
                overridden = Some(review::override_detail(&hard, reason));
            }
        }
        // the revision that was checked is the revision that is finished: a note arriving in between makes it stale
        let revision = revision.or(Some(record.item.revision));
        let outgoing = if mine { self.abstracts(&record.item, &entries).await? } else { Vec::new() };
        let outcomes = review::outcomes(&record, &entries);
        let pipeline = self.engine.pipeline();
        let (edition, _) = pipeline.vocabulary().editions.on(review::code_day(&record));
        let settings = self.store.settings().await?;
        let drawn = self.draw(&settings, user, (&record, &entries), (pipeline.vocabulary(), edition)).await?;
        let finishing = Finishing { revision, overridden, outgoing, outcomes, drawn };
        Ok(self.store.finish_item(id, user, finishing, self.surroundings.now()).await?)
    }
}
