//! What the site taught the engine: versions of its pack, which of them is live, and what shadow runs said of them.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Actor, StoreError};
use crate::domain::{ActivationReason, PackActivation, PackShadow, PackVersion, SitePack};

/// A version to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPack {
    /// The newest version that its maker saw; 0 where there was none.
    pub before: u64,
    /// All its rows.
    pub pack: SitePack,
    /// What it has more and less than the one before: counts and our own words alone.
    pub changed: String,
    /// What its maker says of it.
    pub note: String,
}

/// That a version, or none, shall be live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivation {
    /// The number of the newest activation that whoever asks saw; 0 where there was none.
    pub before: u64,
    /// Which version; none for no pack.
    pub version: Option<u64>,
    /// Why.
    pub reason: ActivationReason,
    /// What an admin wrote who answers for it.
    pub explanation: String,
}

/// Site packs.
#[async_trait]
pub trait SitePackStore: Send + Sync {
    /// The versions, the newest first, at most `limit`.
    async fn pack_versions(&self, limit: u32) -> Result<Vec<PackVersion>, StoreError>;
    /// What is known of a version.
    async fn pack_version(&self, version: u64) -> Result<Option<PackVersion>, StoreError>;
    /// The rows of a version.
    async fn site_pack(&self, version: u64) -> Result<Option<SitePack>, StoreError>;
    /// Keeps another version, when `before` is the newest one; recorded. `false` when somebody was faster.
    async fn add_site_pack(&self, pack: NewPack, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// What became live, the newest first, at most `limit`.
    async fn pack_activations(&self, limit: u32) -> Result<Vec<PackActivation>, StoreError>;
    /// The version that is live; none where the site uses no pack.
    async fn live_pack(&self) -> Result<Option<u64>, StoreError>;
    /// Makes a version live, or none, when `before` is the newest activation; recorded. `false` when somebody was faster, or there is no such
    /// version.
    async fn activate_pack(&self, activation: NewActivation, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// Keeps what a shadow run said of a version; recorded. `false` when there is no such version, or this report was kept before.
    async fn record_shadow(&self, version: u64, shadow: PackShadow, actor: Actor) -> Result<bool, StoreError>;
    /// What the last shadow run of a version said.
    async fn shadow_of(&self, version: u64) -> Result<Option<PackShadow>, StoreError>;
}
