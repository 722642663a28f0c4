//! What lists say of items and how their entries came out, made anew for those that changed. Whoever does it, the result is the same; a summary of an item that changed
//! meanwhile is not kept.

use uuid::Uuid;

use super::Worker;
use crate::{
    review::{code_day, item_edits, item_outcome, rollup, summarize},
    store::{StoreError, WorkedOut},
};

/// Items summarised in one step, so that jobs are not kept waiting.
const STEP: u32 = 32;

impl Worker {
    /// Summarises some of the items that changed; how many.
    pub(super) async fn summaries(&self) -> Result<usize, StoreError> {
        let items = self.store.unsummarized_items(STEP).await?;
        let mut made = 0;
        for id in items {
            made += usize::from(self.summarize(id).await?);
        }
        Ok(made)
    }

    /// Whether a summary was made.
    async fn summarize(&self, id: Uuid) -> Result<bool, StoreError> {
        let record = match self.store.item(id, self.surroundings.now()).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(false),
            // one item that does not open must not keep the others from their summaries
            Err(error) => {
                tracing::error!(item = %id, %error, "an item cannot be summarised");
                return Ok(false);
            }
        };
        let pipeline = self.engine.pipeline();
        let worked_out = tokio::task::spawn_blocking(move || -> WorkedOut {
            let vocabulary = pipeline.vocabulary();
            let (edition, _) = vocabulary.editions.on(code_day(&record));
            let entries = rollup(&record);
            let edits = item_edits((pipeline.edits(), &vocabulary.editions), &record, &entries);
            let summary = summarize((vocabulary, edition), &record, (&entries, &edits));
            WorkedOut { summary, outcome: Some(item_outcome(&record, &entries)) }
        })
        .await;
        match worked_out {
            Ok(worked_out) => self.store.summarize_item(id, worked_out, self.surroundings.now()).await.map(|()| true),
            Err(_) => {
                tracing::error!(item = %id, "summarising an item panicked");
                Ok(false)
            }
        }
    }
}
