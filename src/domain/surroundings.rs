//! Clock and identifiers as arguments: the domain names them, only the command line makes them.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

/// Where time and new identifiers come from.
#[derive(Clone)]
pub struct Surroundings {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    new_id: Arc<dyn Fn() -> Uuid + Send + Sync>,
}

impl Surroundings {
    /// From two functions.
    #[must_use]
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static, new_id: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), new_id: Arc::new(new_id) }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A new identifier, time-ordered.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        (self.new_id)()
    }
}
