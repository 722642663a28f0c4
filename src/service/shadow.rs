//! Shadow runs: another model, vocabulary or site pack on encounters that coders finished, beside what runs. Nobody but who reads the report
//! sees what it suggests.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use uuid::Uuid;

use super::{Service, actor, oversight::identity_of, visible};
use crate::{
    auth::Scope,
    domain::{
        EngineIdentity, Extraction, ItemState, Note, PackShadow, ReviewEntry, Sensitivities, ShadowReport, ShadowRule,
        ShadowVerdict, SitePack, Standing, User,
    },
    oversight::{Scores, ShadowCase, each_outcome, judged},
    pipeline::Pipeline,
    review::rollup,
    statistics::Sampling,
    store::{Actor, ItemRecord, OutcomeTime, OutcomeWindow, ReportScope, Store, StoreError},
};

/// Reports that are shown.
pub const SHADOW_REPORTS: u32 = 20;
/// Encounters of a run at most, where nothing else is said: the last ones.
pub const MOST_ENCOUNTERS: usize = 1_000;
/// Days that a run looks back, where nothing else is said.
pub const SHADOW_DAYS: u32 = 90;
/// Draws of intervals and tests.
const DRAWS: usize = 2_000;
/// Encounters that failed and are named, at most.
const FAILED: usize = 100;

/// What runs now.
#[derive(Clone)]
pub enum Champion {
    /// It suggests anew.
    Runs(Arc<Pipeline>),
    /// What it suggested is taken as it is stored, where this engine made all of an encounter.
    AsStored(EngineIdentity),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Encounters done.
    pub done: usize,
    /// Encounters in all.
    pub all: usize,
}

/// One run.
pub struct ShadowRun {
    /// Everything kept.
    pub store: Arc<dyn Store>,
    /// What runs now.
    pub champion: Champion,
    /// What is tried.
    pub challenger: Arc<Pipeline>,
    /// Proposals that its site pack has beyond the version that it goes by; none where it is that version.
    pub proposals: Vec<Uuid>,
    /// Encounters that were finished within so many days.
    pub days: u32,
    /// At most so many of them, the last ones.
    pub most: usize,
    /// By what it passes.
    pub rule: ShadowRule,
}

/// Why nothing is tried.
#[derive(Debug, Error)]
pub enum ShadowError {
    /// One runs already.
    #[error("a shadow run is under way; wait until it has ended")]
    Running,
    /// There is no such version.
    #[error("there is no version {0} of the site pack")]
    NoVersion(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is tried beside what.
pub(super) struct Trial {
    /// What it is held against, and what is tried.
    pub(super) engines: [Arc<Pipeline>; 2],
    /// Proposals that the second one's site pack has beyond its version.
    pub(super) proposals: Vec<Uuid>,
    /// Encounters that were finished within so many days.
    pub(super) days: u32,
}

/// A pipeline with this pack, which takes a while to make.
pub(super) async fn with_pack(pipeline: &Arc<Pipeline>, version: u64, pack: SitePack) -> Result<Arc<Pipeline>, StoreError> {
    let pipeline = Arc::clone(pipeline);
    let made = tokio::task::spawn_blocking(move || Arc::new(pipeline.with_site_pack(Some((version, Arc::new(pack))))));
    made.await.map_err(|_| StoreError::Database("the engine with this site pack could not be made".to_owned()))
}

/// What the two made of an encounter.
struct Tried {
    case: ShadowCase,
    notes: u64,
    took: [Duration; 2],
}

/// The item as the engine alone would have it, with these extractions of its notes.
fn suggested(record: &ItemRecord, extractions: impl Fn(&Note) -> Option<Extraction>) -> Vec<ReviewEntry> {
    let notes = record.notes.iter().map(|(note, _)| (note.clone(), extractions(note))).collect();
    rollup(&ItemRecord { notes, decisions: Vec::new(), ..record.clone() })
}

/// The entries that a pipeline suggests, and how long it took; none when it fails.
fn run(pipeline: &Pipeline, record: &ItemRecord) -> Option<(Vec<ReviewEntry>, Duration)> {
    let started = Instant::now();
    let mut extractions: Vec<(Uuid, Extraction)> = Vec::new();
    for (note, _) in record.notes.iter().filter(|(note, _)| note.standing == Standing::Current) {
        let extract = AssertUnwindSafe(|| pipeline.extract(note.clone().into()));
        extractions.push((note.id, catch_unwind(extract).ok()?.ok()?));
    }
    let took = started.elapsed();
    let of = |note: &Note| extractions.iter().find(|(id, _)| *id == note.id).map(|(_, extraction)| extraction.clone());
    Some((suggested(record, of), took))
}

impl Champion {
    fn identity(&self) -> EngineIdentity {
        match self {
            Self::Runs(pipeline) => identity_of(pipeline),
            Self::AsStored(engine) => engine.clone(),
        }
    }

    /// What is stored, when this engine made all of it.
    fn stored(engine: &EngineIdentity, record: &ItemRecord) -> Option<Vec<ReviewEntry>> {
        let current = record.notes.iter().filter(|(note, _)| note.standing == Standing::Current);
        let made = |extraction: &Extraction| {
            (&extraction.engine.model, &extraction.engine.vocabulary) == (&engine.model, &engine.vocabulary)
        };
        let all = current.map(|(_, extraction)| extraction.as_ref()).all(|extraction| extraction.is_some_and(made));
        let of = |note: &Note| record.notes.iter().find(|(one, _)| one.id == note.id).and_then(|(_, found)| found.clone());
        all.then(|| suggested(record, of))
    }
}

/// Runs both on an encounter; the one that is first takes turns, so that neither finds the text warm. None when one of them fails, or where
/// what is stored was made by another engine.
fn tried(record: &ItemRecord, (champion, challenger): (&Champion, &Pipeline), at: usize) -> Option<Tried> {
    let ((before, took_before), (now, took_now)) = match champion {
        Champion::AsStored(engine) => ((Champion::stored(engine, record)?, Duration::ZERO), run(challenger, record)?),
        Champion::Runs(champion) if at.is_multiple_of(2) => (run(champion, record)?, run(challenger, record)?),
        Champion::Runs(champion) => {
            let second = run(challenger, record)?;
            (run(champion, record)?, second)
        }
    };
    let notes = record.notes.iter().filter(|(note, _)| note.standing == Standing::Current).count() as u64;
    let case = ShadowCase::new(record, &rollup(record), [&before, &now]);
    Some(Tried { case, notes, took: [took_before, took_now] })
}

impl ShadowRun {
    /// Runs to its end and keeps the report, also with the version of the site pack that is tried.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(
        self,
        (id, at): (Uuid, Timestamp),
        by: Actor,
        progress: impl Fn(Progress) + Send,
    ) -> Result<ShadowReport, StoreError> {
        let since = at - SignedDuration::from_hours(24 * i64::from(self.days));
        let everything = ReportScope { include_restricted: true, clearances: Sensitivities::ALL, ..ReportScope::default() };
        let window = OutcomeWindow { from: since, until: at, by: OutcomeTime::Finished };
        let mut items = Vec::new();
        each_outcome(&*self.store, (everything, window), |outcome| {
            if outcome.state == ItemState::Finished {
                items.push(outcome.item);
            }
        })
        .await?;
        items.drain(..items.len().saturating_sub(self.most));
        let detail = format!("{} encounters read", items.len());
        self.store.record_audit(by.clone(), "shadow.started", Some(("shadow_report", id)), &detail, at).await?;
        let mut scores = Scores::default();
        let (champion, mut challenger) = (self.champion.identity(), identity_of(&self.challenger));
        if !self.proposals.is_empty() {
            // no version has the proposals yet
            challenger.site_pack = champion.site_pack;
        }
        let mut report = ShadowReport {
            id,
            at,
            by: by.name.clone(),
            champion,
            challenger,
            proposals: self.proposals,
            since,
            encounters: 0,
            notes: 0,
            failed: Vec::new(),
            seconds: [0.0; 2],
            kinds: Vec::new(),
            rule: self.rule,
            verdict: ShadowVerdict::TooFew,
            not_shown: Vec::new(),
            differences: Vec::new(),
            differing: 0,
        };
        for (done, item) in items.iter().enumerate() {
            progress(Progress { done, all: items.len() });
            let Some(record) = self.store.item(*item, at).await? else { continue };
            let (champion, challenger) = (self.champion.clone(), Arc::clone(&self.challenger));
            let ran = tokio::task::spawn_blocking(move || tried(&record, (&champion, &challenger), done)).await;
            match ran.ok().flatten() {
                Some(found) => {
                    scores.add(&found.case);
                    report.notes += found.notes;
                    report.seconds.iter_mut().zip(found.took).for_each(|(sum, took)| *sum += took.as_secs_f64());
                }
                None if report.failed.len() < FAILED => report.failed.push(*item),
                None => {}
            }
        }
        progress(Progress { done: items.len(), all: items.len() });
        let sampling = Sampling { draws: DRAWS, seed: id.as_u64_pair().1 };
        let work = tokio::task::spawn_blocking(move || judged(report, scores, sampling)).await;
        let report = work.map_err(|_| StoreError::Database("the report of a shadow run could not be made".to_owned()))?;
        self.store.add_shadow_report(report.clone(), by.clone()).await?;
        // a version of the pack is held to its own report; what else differs is not the pack's
        if let Some(version) = report.challenger.site_pack
            && report.champion.is_configured_as(&report.challenger)
            && report.champion.site_pack != report.challenger.site_pack
        {
            let shadow = PackShadow { report: id, passed: report.passed(), at };
            self.store.record_shadow(version, shadow, by).await?;
        }
        Ok(report)
    }
}

/// The run that is under way in this process, and how the last one ended.
#[derive(Default)]
pub struct ShadowRuns(Mutex<Runs>);

#[derive(Default)]
struct Runs {
    under_way: Option<Progress>,
    failed: bool,
}

impl ShadowRuns {
    fn now(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the run under way is; none when none is.
    #[must_use]
    pub fn under_way(&self) -> Option<Progress> {
        self.now().under_way
    }

    /// Whether the last run of this process failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.now().failed
    }
}

impl Service {
    /// Starts a shadow run of a version of the site pack beside what runs, off the request; its report is kept when it ends.
    ///
    /// # Errors
    /// [`ShadowError`].
    pub async fn try_pack(self: &Arc<Self>, user: &User, version: u64, days: u32) -> Result<(), ShadowError> {
        let pack = self.store.site_pack(version).await?.ok_or(ShadowError::NoVersion(version))?;
        let live = self.engine.pipeline();
        let challenger = with_pack(&live, version, pack).await?;
        self.begin(user, Trial { engines: [live, challenger], proposals: Vec::new(), days })?;
        Ok(())
    }

    /// Starts a shadow run off the request; the id that its report has when it ends.
    pub(super) fn begin(self: &Arc<Self>, user: &User, trial: Trial) -> Result<Uuid, ShadowError> {
        {
            let mut runs = self.shadow_runs.now();
            if runs.under_way.is_some() {
                return Err(ShadowError::Running);
            }
            *runs = Runs { under_way: Some(Progress::default()), failed: false };
        }
        let (service, by) = (Arc::clone(self), actor(user));
        let (id, now) = (self.surroundings.new_id(), self.surroundings.now());
        tokio::spawn(async move {
            let Trial { engines: [champion, challenger], proposals, days } = trial;
            let run = ShadowRun {
                store: Arc::clone(&service.store),
                champion: Champion::Runs(champion),
                challenger,
                proposals,
                days,
                most: MOST_ENCOUNTERS,
                rule: service.oversight.rule,
            };
            let told = Arc::clone(&service);
            let ended = run.run((id, now), by, move |progress| told.shadow_runs.now().under_way = Some(progress)).await;
            if let Err(error) = &ended {
                tracing::error!(%error, "a shadow run failed");
            }
            *service.shadow_runs.now() = Runs { under_way: None, failed: ended.is_err() };
        });
        Ok(id)
    }

    /// The last reports, the newest first; of what differs only what lies in encounters that the user may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shadow_reports(&self, user: &User) -> Result<Vec<ShadowReport>, StoreError> {
        let mut reports = self.store.shadow_reports(SHADOW_REPORTS).await?;
        for report in &mut reports {
            self.hide(user, report).await?;
        }
        Ok(reports)
    }

    /// A report; of what differs only what lies in encounters that the user may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shadow_report(&self, user: &User, id: Uuid) -> Result<Option<ShadowReport>, StoreError> {
        let Some(mut report) = self.store.shadow_report(id).await? else { return Ok(None) };
        self.hide(user, &mut report).await?;
        Ok(Some(report))
    }

    async fn hide(&self, user: &User, report: &mut ShadowReport) -> Result<(), StoreError> {
        let mut items: Vec<Uuid> = report.differences.iter().map(|one| one.item).chain(report.failed.iter().copied()).collect();
        items.sort_unstable();
        items.dedup();
        let mut seen = Vec::new();
        for id in items {
            let record = self.store.item(id, self.surroundings.now()).await?;
            if record.is_some_and(|record| visible(user, &Scope::of_item(&record.item))) {
                seen.push(id);
            }
        }
        report.differences.retain(|one| seen.contains(&one.item));
        report.failed.retain(|one| seen.contains(one));
        Ok(())
    }
}
