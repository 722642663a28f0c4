//! Who may see what, beside users and their scope: their own records, and encounters that were opened under broken glass.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Actor, StoreError};
use crate::domain::{BrokenGlass, User};

/// Own records and broken glass.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Says that a record number of a source is the user's own: nothing of that patient is there for them from the next call on, also when the
    /// record is merged into another or comes later. `false` when there is no user of that name.
    async fn add_own_record(&self, name: &str, record: (&str, &str), actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// Takes all own records of a user away; `false` when there is no user of that name.
    async fn remove_own_records(&self, name: &str, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// How many own records a user has. Which they are is not kept in a form that can be read.
    async fn own_records(&self, user: Uuid) -> Result<u64, StoreError>;
    /// Keeps an access with its event in the trail and what others hear of it.
    async fn break_glass(&self, access: BrokenGlass) -> Result<(), StoreError>;
    /// Until when an encounter, named by its id or by that of one of its notes, is open to a user under broken glass; none when it is not.
    async fn glass_over(&self, user: &User, id: Uuid, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
    /// Accesses, those that nobody looked at first and then the newest, at most `limit`.
    async fn broken_glasses(&self, limit: u32) -> Result<Vec<BrokenGlass>, StoreError>;
    /// Says that somebody looked at an access; `false` when there is none, or somebody did before.
    async fn acknowledge_access(&self, id: Uuid, by: &User, now: Timestamp) -> Result<bool, StoreError>;
}
