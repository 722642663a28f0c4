//! Finding codes as API and pages do: by number and words, and by meaning where words find nothing.

use std::convert::Infallible;

use crate::{pipeline::Pipeline, vocabulary::CodeHit};

/// At most `limit` codes for words, or for a code or its beginning; best first. What holds the words, written or misspelt, goes before all;
/// where nothing does, the codes of like meaning come before those that hold only some of the words. Takes some milliseconds.
#[must_use]
pub fn find_codes<'a>(pipeline: &'a Pipeline, query: &str, limit: usize) -> Vec<CodeHit<'a>> {
    let vocabulary = pipeline.vocabulary();
    let by_meaning = || -> Result<Vec<CodeHit<'a>>, Infallible> {
        let (Some(model), Some(vectors)) = (pipeline.model(), pipeline.vectors()) else { return Ok(Vec::new()) };
        let near = vectors.codes_near((vocabulary, model), query, limit);
        // the message is the encoder's and holds nothing of the query
        Ok(near.inspect_err(|error| tracing::warn!(%error, "codes cannot be looked for by meaning")).unwrap_or_default())
    };
    let Ok(found) = vocabulary.find_codes_or(query, limit, by_meaning);
    found
}
