//! What lists say of items, made anew for those that changed. Whoever does it, the result is the same; a summary of an item that changed
//! meanwhile is not kept.

use uuid::Uuid;

use super::Worker;
use crate::{
    domain::ItemSummary,
    review::{code_day, item_edits, rollup, summarize},
    store::StoreError,
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
        let summary = tokio::task::spawn_blocking(move || -> ItemSummary {
            let vocabulary = pipeline.vocabulary();
            let (edition, _) = vocabulary.editions.on(code_day(&record));
            let entries = rollup(&record);
            let edits = item_edits((pipeline.edits(), &vocabulary.editions), &record, &entries);
            summarize((vocabulary, edition), &record, (&entries, &edits))
        })
        .await;
        match summary {
            Ok(summary) => self.store.summarize_item(id, summary, self.surroundings.now()).await.map(|()| true),
            Err(_) => {
                tracing::error!(item = %id, "summarising an item panicked");
                Ok(false)
            }
        }
    }
}
