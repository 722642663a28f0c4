//! Finding codes as API, pages and command line do: by number and words, and by meaning where words find nothing.

use crate::{
    pipeline::Pipeline,
    vocabulary::{CodeHit, FoundBy},
};

/// At most `limit` codes for words, or for a code or its beginning; best first. What holds the words, written or misspelt, goes before all;
/// where nothing does, the codes of like meaning come before those that hold only some of the words. Takes some milliseconds.
#[must_use]
pub fn find_codes<'a>(pipeline: &'a Pipeline, query: &str, limit: usize) -> Vec<CodeHit<'a>> {
    let vocabulary = pipeline.vocabulary();
    let words = vocabulary.find_codes(query, limit);
    let is_found = words.first().is_some_and(|hit| hit.found_by != FoundBy::PartOfWords);
    if is_found || query.trim().is_empty() {
        return words;
    }
    let (Some(model), Some(vectors)) = (pipeline.model(), pipeline.vectors()) else { return words };
    match vectors.codes_near((vocabulary, model), query, limit) {
        Ok(mut hits) => {
            hits.extend(words);
            let mut seen = std::collections::HashSet::new();
            hits.retain(|hit| seen.insert(hit.code.code.as_str()));
            hits.truncate(limit);
            hits
        }
        Err(error) => {
            // the message is the encoder's and holds nothing of the query
            tracing::warn!(%error, "codes cannot be looked for by meaning");
            words
        }
    }
}
