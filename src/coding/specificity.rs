//! What a coder must ask for when a code leaves it open.

use std::collections::HashMap;

use super::Coding;
use crate::domain::{Prompt, table, table::TableError};

/// Prompts by the code or its beginning.
#[derive(Debug, Default)]
pub struct SpecificityPrompts(HashMap<String, Prompt>);

impl SpecificityPrompts {
    /// Reads `specificity_prompts.tsv` (columns `code`, `kind`, `message`).
    ///
    /// # Errors
    /// A row with an empty cell, or a code that stands twice.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut prompts = HashMap::new();
        table::read(name, text, |row| {
            let (code, kind, message) = (row.get("code")?, row.get("kind")?, row.get("message")?);
            let prompt = Prompt { kind: kind.to_owned(), message: message.to_owned() };
            if code.is_empty() || kind.is_empty() || message.is_empty() || prompts.insert(code.to_owned(), prompt).is_some() {
                return Err(row.error("code, kind and message must be given, each code once"));
            }
            Ok(())
        })?;
        Ok(Self(prompts))
    }

    /// Adds what the first code leaves open, once.
    pub fn ask(&self, coding: &mut Coding) {
        let Some(first) = coding.codes.first() else { return };
        // an organism coded beside it is documented
        let organism = first.with.iter().any(|beside| ["B95", "B96", "B97"].iter().any(|known| beside.starts_with(known)));
        let code = first.code.as_str();
        let longest = (3..=code.len()).rev().filter_map(|end| code.get(..end)).find_map(|beginning| self.0.get(beginning));
        if let Some(prompt) = longest
            .filter(|prompt| !(organism && prompt.kind == "organism"))
            .filter(|prompt| coding.prompts.iter().all(|asked| asked.kind != prompt.kind))
        {
            coding.prompts.push(prompt.clone());
        }
    }
}
