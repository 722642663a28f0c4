//! Vocabularies of the running service: other tables without a restart, what they would change, and the way back.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use thiserror::Error;
use uuid::Uuid;

use super::{Service, actor, identity_of, may_be_live, visible};
use crate::{
    auth::Scope,
    domain::{EntryKind, Extraction, ItemState, ListEnd, Sensitivities, Standing, User, Worklist},
    pipeline::{NoteInput, Pipeline, Recoded},
    store::{Actor, ItemFilter, ItemRecord, StoreError},
    vocabulary::Tables,
};

/// Reads the site's tables anew; the message says what is wrong with them.
pub type ReadTables = dyn Fn() -> Result<Tables, String> + Send + Sync;
/// Makes a pipeline of tables with the model of the one in use, and with the vectors of terms that are kept or that can be taken over from
/// that one; the message says what is wrong with the tables.
pub type MakePipeline = dyn Fn(&Tables, &Pipeline) -> Result<Pipeline, String> + Send + Sync;
/// Takes a pipeline whose vectors of terms are to be made in the background.
pub type MakeVectors = dyn Fn(&Arc<Pipeline>) + Send + Sync;

/// At most so many items are looked at for a report.
const MOST_ITEMS: usize = 1000;

/// How the tables of a folder are read anew.
pub struct Reloading {
    /// Reads them.
    pub read: Box<ReadTables>,
    /// Makes a pipeline of them.
    pub make: Box<MakePipeline>,
    /// Those that the service started with.
    pub in_use: Tables,
}

/// What is needed to run with other tables.
pub struct VocabularyControl {
    reloading: Option<(Box<ReadTables>, Box<MakePipeline>)>,
    make_vectors: Box<MakeVectors>,
    kept: Mutex<Kept>,
    running: tokio::sync::Mutex<()>,
}

/// Tables as text, some 25 MB; a pipeline is made of them again when it is needed.
#[derive(Default)]
struct Kept {
    in_use: Option<Arc<Tables>>,
    before: Option<Arc<Tables>>,
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
    /// They passed no shadow run, and the configuration asks for one.
    #[error(
        "these tables were never live here and passed no shadow run beside those that are, which [shadow] required asks for; try them with `abstractor \
         shadow --vocabularies`"
    )]
    NotTried,
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
    /// The items that they stand in, of those that the user may see.
    pub items: Vec<Uuid>,
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
    /// Notes of which the changes could not be told, because coding them anew failed; of those that the user may see.
    pub failed_notes: Vec<Uuid>,
    /// Whether codes of like meaning took part before and cannot yet with the tables read, so that some of the changes come of that alone.
    pub without_meaning: bool,
}

impl VocabularyControl {
    /// `reloading` reads the tables of the folder that the service was started with; none when it was started without one.
    #[must_use]
    pub fn new(reloading: Option<Reloading>, make_vectors: Box<MakeVectors>) -> Self {
        let (reloading, in_use) = match reloading {
            Some(Reloading { read, make, in_use }) => (Some((read, make)), Some(Arc::new(in_use))),
            None => (None, None),
        };
        Self {
            reloading,
            make_vectors,
            kept: Mutex::new(Kept { in_use, before: None }),
            running: tokio::sync::Mutex::default(),
        }
    }

    /// Whether there are earlier tables to go back to.
    #[must_use]
    pub fn can_roll_back(&self) -> bool {
        self.kept().before.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs to its end also when who asked has gone away or is out of time: what is written down is done.
async fn finished<T: Send + 'static>(
    work: impl Future<Output = Result<T, ReloadError>> + Send + 'static,
) -> Result<T, ReloadError> {
    tokio::spawn(work).await.map_err(|_| ReloadError::unreadable())?
}

impl Service {
    /// Reads the tables of the folder anew, says what they would change, and uses them from the next note on unless `only_report`.
    /// Requests go on meanwhile; notes that run end with the tables they began with. Tables that are in use already change nothing, and the
    /// way back stays.
    ///
    /// # Errors
    /// [`ReloadError`]; the tables in use stay then.
    pub async fn reload_vocabularies(self: &Arc<Self>, user: &User, only_report: bool) -> Result<ReloadReport, ReloadError> {
        let (own, user) = (Arc::clone(self), user.clone());
        finished(async move { own.reload(&user, only_report).await }).await
    }

    async fn reload(self: &Arc<Self>, user: &User, only_report: bool) -> Result<ReloadReport, ReloadError> {
        let control = &self.vocabularies;
        let _running = control.running.try_lock().map_err(|_| ReloadError::Running)?;
        if control.reloading.is_none() {
            return Err(ReloadError::NoFolder);
        }
        let service = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || service.vocabularies.reloading.as_ref().map(|(read, _)| read()));
        let tables = read.await.map_err(|_| ReloadError::unreadable())?.ok_or(ReloadError::NoFolder)?;
        let tables = Arc::new(tables.map_err(ReloadError::Unusable)?);
        let before = self.engine.pipeline().vocabulary().checksum.clone();
        if tables.checksum() == before {
            return Ok(ReloadReport { active: true, ..ReloadReport::of(before.clone(), before) });
        }
        let pipeline = self.pipeline_of(Arc::clone(&tables)).await?;
        let mut report = self.changes(&pipeline, user).await?;
        report.without_meaning = self.engine.pipeline().vectors().is_some() && pipeline.vectors().is_none();
        if !only_report {
            let engine = identity_of(&pipeline);
            if self.oversight.required && !may_be_live(&*self.store, &engine).await? {
                return Err(ReloadError::NotTried);
            }
            // nothing is swapped that is not written down
            self.record_tables(user, "vocabularies.reloaded", &report.before, &report.checksum).await?;
            self.swap(pipeline);
            self.record_live().await?;
            let mut kept = control.kept();
            kept.before = kept.in_use.replace(tables);
            report.active = true;
        }
        Ok(report)
    }

    /// Goes back to the tables before the last reload. Gives the checksum of those in use now.
    ///
    /// # Errors
    /// [`ReloadError`]; the tables in use, and the way back, stay then.
    pub async fn roll_back_vocabularies(self: &Arc<Self>, user: &User) -> Result<String, ReloadError> {
        let (own, user) = (Arc::clone(self), user.clone());
        finished(async move { own.roll_back(&user).await }).await
    }

    async fn roll_back(self: &Arc<Self>, user: &User) -> Result<String, ReloadError> {
        let control = &self.vocabularies;
        let _running = control.running.try_lock().map_err(|_| ReloadError::Running)?;
        let tables = control.kept().before.clone().ok_or(ReloadError::NothingBefore)?;
        let pipeline = self.pipeline_of(Arc::clone(&tables)).await?;
        let (after, before) = (pipeline.vocabulary().checksum.clone(), self.engine.pipeline().vocabulary().checksum.clone());
        self.record_tables(user, "vocabularies.rolled_back", &before, &after).await?;
        self.swap(pipeline);
        self.record_live().await?;
        *control.kept() = Kept { in_use: Some(tables), before: None };
        Ok(after)
    }

    /// A pipeline of these tables that is ready for the first search.
    async fn pipeline_of(self: &Arc<Self>, tables: Arc<Tables>) -> Result<Arc<Pipeline>, ReloadError> {
        let service = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || {
            let (_, make) = service.vocabularies.reloading.as_ref()?;
            let made = make(&tables, &service.engine.pipeline());
            if let Ok(pipeline) = &made {
                pipeline.vocabulary().prepare_search();
            }
            // the site's pack stays when the tables change
            let pack = service.engine.pipeline().site_pack();
            Some(made.map(|pipeline| pipeline.with_site_pack(pack)))
        });
        let made = made.await.map_err(|_| ReloadError::unreadable())?.ok_or(ReloadError::NoFolder)?;
        made.map(Arc::new).map_err(ReloadError::Unusable)
    }

    /// The pipeline before is let go of here, so that it stays in memory only as long as the notes that run with it.
    fn swap(&self, pipeline: Arc<Pipeline>) {
        // a pack that became live meanwhile stays too; the vectors are shared by both
        self.engine.change(|running| pipeline.with_site_pack(running.site_pack()));
        (self.vocabularies.make_vectors)(&pipeline);
    }

    /// Says which engine is live from now on.
    async fn record_live(&self) -> Result<(), StoreError> {
        let (id, now) = (self.surroundings.new_id(), self.surroundings.now());
        self.store.record_live_engine(id, &identity_of(&self.engine.pipeline()), Actor::service(), now).await
    }

    async fn record_tables(&self, user: &User, action: &str, before: &str, after: &str) -> Result<(), StoreError> {
        let detail = format!("{before} -> {after}");
        self.store.record_audit(actor(user), action, None, &detail, self.surroundings.now()).await
    }

    async fn changes(&self, pipeline: &Arc<Pipeline>, user: &User) -> Result<ReloadReport, ReloadError> {
        let before = self.engine.pipeline().vocabulary().checksum.clone();
        let mut report = ReloadReport::of(before, pipeline.vocabulary().checksum.clone());
        let mut counts: BTreeMap<Changed, (usize, BTreeSet<Uuid>)> = BTreeMap::new();
        for state in [ItemState::Open, ItemState::Claimed, ItemState::Pended] {
            let worklist = Worklist { state: Some(state), ..Worklist::default() };
            let mut after = None;
            loop {
                let worklist = worklist.clone();
                let filter = ItemFilter {
                    worklist,
                    include_restricted: true,
                    clearances: Sensitivities::ALL,
                    after,
                    limit: 200,
                    ..ItemFilter::default()
                };
                let items = self.store.items(filter, self.surroundings.now()).await?;
                let Some(last) = items.last() else { break };
                after = Some(ListEnd { item: last.id, moving: None });
                for item in &items {
                    if report.items == MOST_ITEMS {
                        report.more_items = true;
                        break;
                    }
                    let Some(record) = self.store.item(item.id, self.surroundings.now()).await? else { continue };
                    report.items += 1;
                    let told = visible(user, &Scope::of_item(&record.item));
                    let notes: Vec<Uuid> = record.notes.iter().map(|(note, _)| note.id).collect();
                    let (pipeline, in_use) = (Arc::clone(pipeline), self.engine.pipeline());
                    let found = tokio::task::spawn_blocking(move || {
                        changes_of(record, |note, extraction| because_of(&pipeline, &in_use, note, extraction))
                    });
                    let found = found.await.unwrap_or_else(|_| ItemChanges { failed_notes: notes, ..ItemChanges::default() });
                    report.suggestions += found.suggestions;
                    report.failed_notes.extend(found.failed_notes.into_iter().filter(|_| told));
                    for change in found.changed {
                        let (count, items) = counts.entry(change).or_default();
                        *count += 1;
                        if told {
                            items.insert(item.id);
                        }
                    }
                }
                if report.more_items {
                    break;
                }
            }
        }
        let change = |((from, to), (suggestions, items)): (Changed, (usize, BTreeSet<Uuid>))| CodeChange {
            from,
            to,
            suggestions,
            items: items.into_iter().collect(),
        };
        report.changes = counts.into_iter().map(change).collect();
        report.changes.sort_by(|one, other| other.suggestions.cmp(&one.suggestions).then(one.cmp(other)));
        Ok(report)
    }
}

impl ReloadError {
    fn unreadable() -> Self {
        Self::Unusable("the tables could not be read; the log says where the program failed".to_owned())
    }
}

impl ReloadReport {
    fn of(before: String, checksum: String) -> Self {
        Self {
            before,
            checksum,
            active: false,
            items: 0,
            more_items: false,
            suggestions: 0,
            changes: Vec::new(),
            failed_notes: Vec::new(),
            without_meaning: false,
        }
    }
}

/// First codes before and after.
type Changed = (Option<String>, Option<String>);

/// What would change in an item.
#[derive(Debug, Default)]
struct ItemChanges {
    /// Diagnoses that it suggests.
    suggestions: usize,
    /// Of those that would change.
    changed: Vec<Changed>,
    /// Notes that could not be coded anew.
    failed_notes: Vec<Uuid>,
}

/// What other tables change of an extraction. What those in use would change too, since it was made before they were or before there were
/// vectors of terms, is none of that.
fn because_of(tables: &Pipeline, in_use: &Pipeline, note: NoteInput, extraction: &Extraction) -> Vec<Recoded> {
    let anyway = in_use.recoded(note.clone(), extraction);
    tables.recoded(note, extraction).into_iter().filter(|change| !anyway.contains(change)).collect()
}

/// What would change in the notes that an item shows. A note of which the coding panics is named; its message is nobody's to read.
fn changes_of(record: ItemRecord, recode: impl Fn(NoteInput, &Extraction) -> Vec<Recoded>) -> ItemChanges {
    let mut changes = ItemChanges::default();
    for (note, extraction) in record.notes.into_iter().filter(|(note, _)| note.standing == Standing::Current) {
        let Some(extraction) = extraction else { continue };
        changes.suggestions += extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis).count();
        let id = note.id;
        match catch_unwind(AssertUnwindSafe(|| recode(note.into(), &extraction))) {
            Ok(changed) => changes.changed.extend(changed.into_iter().map(|change| (change.before, change.after))),
            Err(_) => changes.failed_notes.push(id),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{NewNote, Note, NoteStatus, ReviewItem},
        recognize::merge::Recognizers,
    };

    /// The dictionary, loaded once.
    fn pipeline() -> &'static Pipeline {
        static LOADED: std::sync::OnceLock<Pipeline> = std::sync::OnceLock::new();
        LOADED.get_or_init(|| {
            let tables = Tables::embedded().expect("tables");
            Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline")
        })
    }

    fn note(number: u128, external_id: Option<&str>, text: &str) -> Note {
        Note {
            id: Uuid::from_u128(number),
            content: NewNote {
                text: text.to_owned(),
                source: "test".to_owned(),
                external_id: external_id.map(str::to_owned),
                ..NewNote::default()
            },
            received_at: jiff::Timestamp::UNIX_EPOCH,
            status: NoteStatus::Ready,
            standing: Standing::Current,
            quarantine_reason: None,
            purged: None,
            item_id: Uuid::from_u128(1),
            patient_id: None,
            item_patient_id: None,
        }
    }

    fn record(notes: Vec<Note>) -> ItemRecord {
        let item = ReviewItem {
            notes: notes.iter().map(|note| note.id).collect(),
            ..ReviewItem::new(Uuid::from_u128(1), jiff::Timestamp::UNIX_EPOCH)
        };
        let extracted = |note: Note| {
            let extraction = pipeline().extract(note.clone().into()).expect("extracted");
            (note, Some(extraction))
        };
        ItemRecord {
            item,
            notes: notes.into_iter().map(extracted).collect(),
            decisions: Vec::new(),
            overrides: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn as_changed(_: NoteInput, extraction: &Extraction) -> Vec<Recoded> {
        let first = extraction.entries.iter().take(1);
        first.map(|entry| Recoded { entry: entry.id.clone(), before: None, after: Some("I10".to_owned()) }).collect()
    }

    #[test]
    fn a_note_that_a_later_version_replaced_is_not_looked_at() {
        let text = "ASSESSMENT: Gout.";
        let mut notes = vec![note(2, Some("a"), text), note(3, None, text), note(4, Some("a"), text), note(5, None, text)];
        notes[0].standing = Standing::Replaced;
        let changes = changes_of(record(notes), as_changed);
        assert_eq!((changes.suggestions, changes.changed.len(), changes.failed_notes.len()), (3, 3, 0));
    }

    #[test]
    fn a_note_of_which_the_coding_fails_is_named() {
        let notes = vec![note(2, None, "ASSESSMENT: Gout."), note(3, None, "ASSESSMENT: Asthma.")];
        let changes = changes_of(record(notes), |input, extraction| {
            assert_ne!(input.note_id, Uuid::from_u128(2).to_string(), "as a coder may fail");
            as_changed(input, extraction)
        });
        assert_eq!((changes.failed_notes, changes.changed.len()), (vec![Uuid::from_u128(2)], 1));
    }
}
