//! Queries to providers: drafted for the holder of an item, then moved on by acts that are only appended.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{ItemChange, StoreError};
use crate::domain::{Query, QueryAct, QueryState, User};

/// What came of an act on a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryChange {
    /// Done; the query as it is now.
    Done(Box<Query>),
    /// There is no such query.
    Missing,
    /// Where the query stands, the act is not allowed; nothing changed.
    NotAllowed(QueryState),
}

/// Queries to providers.
#[async_trait]
pub trait QueryStore: Send + Sync {
    /// Adds a draft (a query without acts) for the holder of its item's claim. Its item keeps its revision: what the item shows does not change.
    async fn add_query(&self, query: Query, user: &User, now: Timestamp) -> Result<ItemChange, StoreError>;
    /// One query, opened.
    async fn query(&self, id: Uuid) -> Result<Option<Query>, StoreError>;
    /// The queries of an item, oldest first.
    async fn queries(&self, item: Uuid) -> Result<Vec<Query>, StoreError>;
    /// Appends an act where the query's state allows it, with its audit event and, when it is sent or answered, what others hear of it.
    async fn act_on_query(&self, id: Uuid, user: &User, act: QueryAct, now: Timestamp) -> Result<QueryChange, StoreError>;
}
