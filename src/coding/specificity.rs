//! What a coder must ask for when a code leaves it open.

use std::collections::HashMap;

use super::Coding;
use crate::domain::{Prompt, table, table::TableError};

/// More specific codes that are offered beside one question.
pub const MOST_CHOICES: usize = 9;

/// Prompts by the code or its beginning, each with the more specific codes that answer it.
#[derive(Debug, Default)]
pub struct SpecificityPrompts(HashMap<String, (Prompt, Vec<String>)>);

impl SpecificityPrompts {
    /// Reads `specificity_prompts.tsv` (columns `code`, `kind`, `message` and, where the table has it, `choices`).
    ///
    /// # Errors
    /// A row with an empty cell, with too many choices, or a code that stands twice.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut prompts = HashMap::new();
        table::read(name, text, |row| {
            let (code, kind, message) = (row.get("code")?, row.get("kind")?, row.get("message")?);
            let prompt = Prompt { kind: kind.to_owned(), message: message.to_owned() };
            let choices: Vec<String> = row.find("choices").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            if choices.len() > MOST_CHOICES {
                return Err(row.error(format!("at most {MOST_CHOICES} choices are offered")));
            }
            let is_whole = !code.is_empty() && !kind.is_empty() && !message.is_empty();
            if !is_whole || prompts.insert(code.to_owned(), (prompt, choices)).is_some() {
                return Err(row.error("code, kind and message must be given, each code once"));
            }
            Ok(())
        })?;
        Ok(Self(prompts))
    }

    fn of(&self, code: &str) -> Option<&(Prompt, Vec<String>)> {
        (3..=code.len()).rev().filter_map(|end| code.get(..end)).find_map(|beginning| self.0.get(beginning))
    }

    /// The more specific codes that answer what a code leaves open; empty where nothing is asked of it, or no code answers it.
    #[must_use]
    pub fn choices(&self, code: &str) -> &[String] {
        self.of(code).map_or(&[], |(_, choices)| choices)
    }

    /// Adds what the first code leaves open, once.
    pub fn ask(&self, coding: &mut Coding) {
        let Some(first) = coding.codes.first() else { return };
        // an organism coded beside it is documented
        let organism = first.with.iter().any(|beside| ["B95", "B96", "B97"].iter().any(|known| beside.starts_with(known)));
        if let Some((prompt, _)) = self
            .of(&first.code)
            .filter(|(prompt, _)| !(organism && prompt.kind == "organism"))
            .filter(|(prompt, _)| coding.prompts.iter().all(|asked| asked.kind != prompt.kind))
        {
            coding.prompts.push(prompt.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_of_the_longest_beginning() {
        let table = "code\tkind\tmessage\tchoices\nN18\tstage\tstage\t\nN18.9\tstage\tstage\tN18.4 N18.5\n";
        let prompts = SpecificityPrompts::parse(("p", table)).expect("read");
        assert_eq!(prompts.choices("N18.9"), ["N18.4", "N18.5"]);
        assert!(prompts.choices("N18.4").is_empty() && prompts.choices("I10").is_empty());
        let before = SpecificityPrompts::parse(("p", "code\tkind\tmessage\nN18.9\tstage\tstage\n")).expect("a table of before");
        assert!(before.choices("N18.9").is_empty());
        let many = format!("code\tkind\tmessage\tchoices\nN18.9\tstage\tstage\t{}\n", "A00.0 ".repeat(10));
        assert!(SpecificityPrompts::parse(("p", &many)).is_err());
    }
}
