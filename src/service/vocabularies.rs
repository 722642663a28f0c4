//! Vocabularies of the running service: other tables without a restart, what they would change, and the way back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use thiserror::Error;

use super::{Service, actor};
use crate::{
    domain::{ItemState, User},
    pipeline::Pipeline,
    recognize::Model,
    store::{ItemFilter, ItemRecord, StoreError},
};

/// Reads the site's tables anew and makes a pipeline of them and the model; the message says what is wrong with the tables.
pub type Load = dyn Fn(Option<Arc<Model>>) -> Result<Pipeline, String> + Send + Sync;
/// Takes a pipeline whose vectors of terms are to be made in the background.
pub type MakeVectors = dyn Fn(&Arc<Pipeline>) + Send + Sync;

/// At most so many items are looked at for a report.
const MOST_ITEMS: usize = 1000;

/// What is needed to run with other tables.
pub struct VocabularyControl {
    load: Option<Box<Load>>,
    make_vectors: Box<MakeVectors>,
    before: Mutex<Option<Arc<Pipeline>>>,
    running: tokio::sync::Mutex<()>,
}

/// Why the tables stay as they are.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// The service was started without a folder of tables.
    #[error("the service was started without --vocabularies, so there is no folder to read anew")]
    NoFolder,
    /// The tables cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Another reload runs.
    #[error("another reload runs; try again when it has ended")]
    Running,
    /// There is nothing to go back to.
    #[error("there are no earlier tables: nothing was reloaded since the start")]
    NothingBefore,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Suggestions whose first code would be another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeChange {
    /// First code now; none where no code was determined.
    pub from: Option<String>,
    /// First code with the other tables.
    pub to: Option<String>,
    /// How many suggestions.
    pub suggestions: usize,
}

/// What came of a reload, or would come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadReport {
    /// Checksum of the tables before.
    pub before: String,
    /// Checksum of the tables read.
    pub checksum: String,
    /// Whether they are in use now.
    pub active: bool,
    /// Items that are not finished and were looked at.
    pub items: usize,
    /// Whether there were more than are looked at.
    pub more_items: bool,
    /// Suggested diagnoses looked at.
    pub suggestions: usize,
    /// Which of them would get another first code, most frequent first. Stored suggestions stay as they are.
    pub changes: Vec<CodeChange>,
}

impl VocabularyControl {
    /// `load` reads the tables of the folder that the service was started with; none when it was started without one.
    #[must_use]
    pub fn new(load: Option<Box<Load>>, make_vectors: Box<MakeVectors>) -> Self {
        Self { load, make_vectors, before: Mutex::default(), running: tokio::sync::Mutex::default() }
    }

    /// Whether there are earlier tables to go back to.
    #[must_use]
    pub fn can_roll_back(&self) -> bool {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn keep(&self, pipeline: Arc<Pipeline>) {
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(pipeline);
    }
}

impl Service {
    /// Reads the tables of the folder anew, says what they would change, and uses them from the next note on unless `only_report`.
    /// Requests go on meanwhile; notes that run end with the tables they began with.
    ///
    /// # Errors
    /// [`ReloadError`]; the tables in use stay then.
    pub async fn reload_vocabularies(self: &Arc<Self>, user: &User, only_report: bool) -> Result<ReloadReport, ReloadError> {
        let control = &self.vocabularies;
        let _running = control.running.try_lock().map_err(|_| ReloadError::Running)?;
        if control.load.is_none() {
            return Err(ReloadError::NoFolder);
        }
        let service = Arc::clone(self);
        let loaded = tokio::task::spawn_blocking(move || {
            let load = service.vocabularies.load.as_ref().ok_or_else(String::new)?;
            load(service.engine.pipeline().model().cloned())
        });
        let pipeline = loaded.await.map_err(|_| ReloadError::Unusable("the tables could not be read".to_owned()))?;
        let pipeline = Arc::new(pipeline.map_err(ReloadError::Unusable)?);
        let mut report = self.changes(&pipeline).await?;
        if !only_report {
            control.keep(self.engine.replace(Arc::clone(&pipeline)));
            (control.make_vectors)(&pipeline);
            report.active = true;
            self.record_tables(user, "vocabularies.reloaded", &report.before, &report.checksum).await?;
        }
        Ok(report)
    }

    /// Goes back to the tables before the last reload. Gives the checksum of those in use now.
    ///
    /// # Errors
    /// [`ReloadError`].
    pub async fn roll_back_vocabularies(&self, user: &User) -> Result<String, ReloadError> {
        let control = &self.vocabularies;
        let _running = control.running.try_lock().map_err(|_| ReloadError::Running)?;
        let before = control.before.lock().unwrap_or_else(PoisonError::into_inner).take();
        let before = before.ok_or(ReloadError::NothingBefore)?;
        let checksum = before.vocabulary().checksum.clone();
        let replaced = self.engine.replace(before);
        self.record_tables(user, "vocabularies.rolled_back", &replaced.vocabulary().checksum, &checksum).await?;
        Ok(checksum)
    }

    async fn record_tables(&self, user: &User, action: &str, before: &str, after: &str) -> Result<(), StoreError> {
        let detail = format!("{before} -> {after}");
        self.store.record_audit(actor(user), action, None, &detail, self.surroundings.now()).await
    }

    async fn changes(&self, pipeline: &Arc<Pipeline>) -> Result<ReloadReport, ReloadError> {
        let mut report = ReloadReport {
            before: self.engine.pipeline().vocabulary().checksum.clone(),
            checksum: pipeline.vocabulary().checksum.clone(),
            active: false,
            items: 0,
            more_items: false,
            suggestions: 0,
            changes: Vec::new(),
        };
        let mut counts: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
        for state in [ItemState::Open, ItemState::Claimed] {
            let mut after = None;
            loop {
                let filter =
                    ItemFilter { state: Some(state), include_restricted: true, after, limit: 200, ..ItemFilter::default() };
                let items = self.store.items(filter, self.surroundings.now()).await?;
                let Some(last) = items.last() else { break };
                after = Some(last.id);
                for item in &items {
                    if report.items == MOST_ITEMS {
                        report.more_items = true;
                        break;
                    }
                    let Some(record) = self.store.item(item.id, self.surroundings.now()).await? else { continue };
                    report.items += 1;
                    let pipeline = Arc::clone(pipeline);
                    let found = tokio::task::spawn_blocking(move || changes_of(&pipeline, record)).await;
                    let (suggestions, changed) = found.unwrap_or_default();
                    report.suggestions += suggestions;
                    for change in changed {
                        *counts.entry(change).or_default() += 1;
                    }
                }
                if report.more_items {
                    break;
                }
            }
        }
        report.changes = counts.into_iter().map(|((from, to), suggestions)| CodeChange { from, to, suggestions }).collect();
        report.changes.sort_by(|one, other| other.suggestions.cmp(&one.suggestions).then(one.cmp(other)));
        Ok(report)
    }
}

type Changed = (Option<String>, Option<String>);

/// How many diagnoses an item suggests, and the first codes before and after of those that would change.
fn changes_of(pipeline: &Pipeline, record: ItemRecord) -> (usize, Vec<Changed>) {
    let mut suggestions = 0;
    let mut changed = Vec::new();
    for (note, extraction) in record.notes {
        let Some(extraction) = extraction else { continue };
        let diagnoses = extraction.entries.iter().filter(|entry| entry.kind == crate::domain::EntryKind::Diagnosis);
        suggestions += diagnoses.count();
        changed.extend(pipeline.recoded(note.into(), &extraction).into_iter().map(|change| (change.before, change.after)));
    }
    (suggestions, changed)
}
