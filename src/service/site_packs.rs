//! What the site taught the engine: versions of its pack, which of them is live, and what each process runs with.
//!
//! A version becomes live when its shadow run was passed, when it was live before, or when an admin answers for it in writing. Which one that is
//! stands in the store; every process looks there and takes it for the notes that begin from then on.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::{Service, actor};
use crate::{
    domain::{
        ActivationReason, PackActivation, PackChange, PackShadow, PackTable, PackVersion, Role, SitePack, User, in_counts,
    },
    pipeline::PackProblem,
    store::{Actor, NewActivation, NewPack, Store, StoreError},
};

/// Versions and activations that are shown.
const SHOWN: u32 = 50;
/// How often a change is put on the newest version, where others add versions at the same time.
const TRIES: usize = 5;
/// Characters of what somebody writes about a version or an activation.
const LONGEST_NOTE: usize = 500;
/// An admin who answers for a version writes no less.
const SHORTEST_EXPLANATION: usize = 15;

/// Why a pack is not kept, or does not become live.
#[derive(Debug, Error)]
pub enum PackError {
    /// A row cannot be used.
    #[error(transparent)]
    Unusable(#[from] PackProblem),
    /// It says what the newest version says already.
    #[error("this says nothing that the newest version of the site pack does not say")]
    Same,
    /// What was written about it is too long.
    #[error("write at most {LONGEST_NOTE} characters")]
    TooLong,
    /// Somebody was faster.
    #[error("somebody changed the site pack meanwhile; load the page again")]
    Changed,
    /// There is no such version.
    #[error("there is no version {0} of the site pack")]
    NoVersion(u64),
    /// It was never tried beside the live one.
    #[error("version {0} has had no shadow run; start one, or let an admin answer for it in writing (without_shadow_run)")]
    NoShadowRun(u64),
    /// It was tried and did not pass.
    #[error(
        "version {0} did not pass its shadow run; mend it in another version, or let an admin answer for it in writing (without_shadow_run)"
    )]
    NotPassed(u64),
    /// Only an admin answers for a version without a shadow run.
    #[error("only an admin makes a version live that has not passed its shadow run")]
    NotAdmin,
    /// The explanation is missing.
    #[error(
        "write why the version becomes live without having passed its shadow run, in {SHORTEST_EXPLANATION} to {LONGEST_NOTE} characters"
    )]
    NoExplanation,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What shall be live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activate {
    /// The newest activation that whoever asks saw; none to take it as it is.
    pub before: Option<u64>,
    /// Which version; none for no pack.
    pub version: Option<u64>,
    /// What an admin writes who answers for a version that has not passed its shadow run; none where nobody has to.
    pub without_shadow_run: Option<String>,
}

/// Where the site's pack stands.
#[derive(Debug, Clone)]
pub struct PackState {
    /// The newest versions, the newest first.
    pub versions: Vec<PackVersion>,
    /// What became live, the newest first.
    pub activations: Vec<PackActivation>,
    /// The live version; none where the site uses no pack.
    pub live: Option<u64>,
    /// The version that this process runs with; another one for some seconds after a change.
    pub in_use: Option<u64>,
    /// Rows of that one that cannot be used with the vocabularies of this process.
    pub left_out: usize,
}

/// Whether a process took another pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TookPack {
    /// It runs with the live one already.
    Already,
    /// It does so from the next note on.
    Now(Option<u64>),
}

/// The newest version and its rows; version 0 without any where there is none.
///
/// # Errors
/// When the store fails.
pub async fn newest_pack(store: &dyn Store) -> Result<(u64, SitePack), StoreError> {
    let newest = store.pack_versions(1).await?.first().map_or(0, |version| version.version);
    Ok((newest, store.site_pack(newest).await?.unwrap_or_default()))
}

/// Keeps a pack that was checked as another version, behind the newest one; its number.
///
/// # Errors
/// [`PackError`].
pub async fn keep_pack(
    store: &dyn Store,
    (actor, now): (Actor, Timestamp),
    (before, pack): (u64, SitePack),
    note: &str,
) -> Result<u64, PackError> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(PackError::TooLong);
    }
    let (newest, known) = newest_pack(store).await?;
    if newest != before {
        return Err(PackError::Changed);
    }
    let differences = known.difference(&pack);
    if differences.is_empty() {
        return Err(PackError::Same);
    }
    let new = NewPack { before, pack, changed: in_counts(&differences), note: note.trim().to_owned() };
    match store.add_site_pack(new, actor, now).await? {
        true => Ok(before + 1),
        false => Err(PackError::Changed),
    }
}

impl Service {
    /// Where the pack stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pack_state(&self) -> Result<PackState, StoreError> {
        let pipeline = self.engine.pipeline();
        Ok(PackState {
            versions: self.store.pack_versions(SHOWN).await?,
            activations: self.store.pack_activations(SHOWN).await?,
            live: self.store.live_pack().await?,
            in_use: pipeline.site_pack().map(|(version, _)| version),
            left_out: pipeline.pack_rows_left_out(),
        })
    }

    /// A version with its rows; none where there is no such version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pack(&self, version: u64) -> Result<Option<(PackVersion, SitePack)>, StoreError> {
        let Some(known) = self.store.pack_version(version).await? else { return Ok(None) };
        Ok(self.store.site_pack(version).await?.map(|pack| (known, pack)))
    }

    /// The newest version and its rows; version 0 without any where there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest_pack(&self) -> Result<(u64, SitePack), StoreError> {
        newest_pack(&*self.store).await
    }

    /// Keeps a version with these changes on top of the newest one; its number. It becomes live by [`Self::activate_pack`] alone.
    ///
    /// # Errors
    /// [`PackError`].
    pub async fn add_pack_version(
        &self,
        user: &User,
        changes: Vec<PackChange>,
        note: impl Into<String> + Send,
    ) -> Result<u64, PackError> {
        let note: String = note.into();
        for _ in 0..TRIES {
            let (before, pack) = self.newest_pack().await?;
            let changed = changes.iter().cloned().fold(pack, SitePack::with);
            match self.set_pack(user, (before, changed), &note).await {
                Err(PackError::Changed) => {}
                ended => return ended,
            }
        }
        Err(PackError::Changed)
    }

    /// Keeps a whole pack as another version, behind the newest one that the user saw; its number.
    ///
    /// # Errors
    /// [`PackError`].
    pub async fn set_pack(&self, user: &User, (before, pack): (u64, SitePack), note: &str) -> Result<u64, PackError> {
        let pack = self.checked_pack(pack).await?;
        keep_pack(&*self.store, (actor(user), self.surroundings.now()), (before, pack), note).await
    }

    /// A pack as it would be kept.
    pub(super) async fn checked_pack(&self, pack: SitePack) -> Result<SitePack, PackError> {
        let pipeline = self.engine.pipeline();
        let checked = tokio::task::spawn_blocking(move || pipeline.checked_pack(pack)).await;
        Ok(checked.map_err(|_| StoreError::Database("the pack could not be checked".to_owned()))??)
    }

    /// Keeps the newest version without one of its rows as another version; its number.
    ///
    /// # Errors
    /// [`PackError`].
    pub async fn remove_pack_row(
        &self,
        user: &User,
        before: u64,
        (table, place): (PackTable, usize),
    ) -> Result<u64, PackError> {
        let (newest, pack) = self.newest_pack().await?;
        if newest != before {
            return Err(PackError::Changed);
        }
        let pack = pack.without(table, place).ok_or(PackError::Changed)?;
        self.set_pack(user, (before, pack), "").await
    }

    /// Makes a version live, or none, for the notes that begin from then on; stored extractions stay. What is live already stays so and nothing
    /// is recorded. This process takes it at once, the others within seconds.
    ///
    /// # Errors
    /// [`PackError`]: also for a version that has not passed its shadow run, unless it was live before or an admin answers for it in writing.
    pub async fn activate_pack(&self, user: &User, wanted: Activate) -> Result<(), PackError> {
        let newest = self.store.pack_activations(1).await?.into_iter().next();
        let before = newest.as_ref().map_or(0, |activation| activation.number);
        if wanted.before.is_some_and(|seen| seen != before) {
            return Err(PackError::Changed);
        }
        if newest.and_then(|activation| activation.version) == wanted.version {
            self.take_live_pack().await?;
            return Ok(());
        }
        let explanation = wanted.without_shadow_run.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let reason = match wanted.version {
            None => ActivationReason::NoPack,
            Some(version) => {
                self.reason_for(user, version, wanted.without_shadow_run.is_some().then_some(&explanation)).await?
            }
        };
        let explanation = if reason == ActivationReason::WithoutShadowRun { explanation } else { String::new() };
        let activation = NewActivation { before, version: wanted.version, reason, explanation };
        if !self.store.activate_pack(activation, actor(user), self.surroundings.now()).await? {
            return Err(PackError::Changed);
        }
        self.take_live_pack().await?;
        Ok(())
    }

    /// Why a version may become live.
    async fn reason_for(&self, user: &User, number: u64, explanation: Option<&String>) -> Result<ActivationReason, PackError> {
        let version = self.store.pack_version(number).await?.ok_or(PackError::NoVersion(number))?;
        if version.was_live {
            return Ok(ActivationReason::GoingBack);
        }
        let passed = version.shadow.map(|shadow| shadow.passed);
        match (passed, explanation) {
            (Some(true), _) => Ok(ActivationReason::PassedShadowRun),
            (Some(false), None) => Err(PackError::NotPassed(number)),
            (None, None) => Err(PackError::NoShadowRun(number)),
            (_, Some(_)) if user.role != Role::Admin => Err(PackError::NotAdmin),
            (_, Some(words)) => match words.chars().count() {
                SHORTEST_EXPLANATION..=LONGEST_NOTE => Ok(ActivationReason::WithoutShadowRun),
                _ => Err(PackError::NoExplanation),
            },
        }
    }

    /// Keeps what a shadow run said of a version. `false` when there is no such version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_pack_shadow(&self, user: &User, version: u64, shadow: PackShadow) -> Result<bool, StoreError> {
        self.store.record_shadow(version, shadow, actor(user)).await
    }

    /// Runs with the version that is live, from the next note on; notes under way end with the one that they began with.
    ///
    /// # Errors
    /// When the store fails; the pack in use stays then.
    pub async fn take_live_pack(&self) -> Result<TookPack, StoreError> {
        let live = self.store.live_pack().await?;
        let in_use = || self.engine.pipeline().site_pack().map(|(version, _)| version);
        if in_use() == live {
            return Ok(TookPack::Already);
        }
        let pack = match live {
            None => None,
            Some(version) => {
                let missing = || StoreError::Inconsistent {
                    table: "site_pack",
                    id: version.to_string(),
                    problem: "it is live and not there".to_owned(),
                };
                Some((version, Arc::new(self.store.site_pack(version).await?.ok_or_else(missing)?)))
            }
        };
        let engine = Arc::clone(&self.engine);
        let changed = tokio::task::spawn_blocking(move || engine.change(|pipeline| pipeline.with_site_pack(pack)));
        changed.await.map_err(|_| StoreError::Database("the pack could not be made ready".to_owned()))?;
        let left_out = self.engine.pipeline().pack_rows_left_out();
        tracing::info!(version = live, left_out, "another site pack is in use");
        Ok(TookPack::Now(live))
    }
}
