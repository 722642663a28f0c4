//! Queries to providers: the templates that they are drafted from, and what makes one compliant.
//!
//! The rules are those of AHIMA's and ACDIS's guidelines for a compliant query practice, as far as a program can hold a draft against them: it
//! rests on quoted words of the record, offers answers without leaning to one, lets the provider say something else or that it cannot be
//! determined, says nothing of payment or scores, and names no diagnosis that the record does not have. Whether the offered answers are the
//! clinically right ones is for the coder.

mod compliance;
mod template;
mod words;

pub use compliance::{Field, NotedWords, QueryProblem};
pub use template::{OPEN_OPTIONS, QueryTemplate, SiteTemplate, merged};

use self::words::RefusedWords;
use crate::domain::table::TableError;

/// The templates and the words that no query may hold.
#[derive(Debug)]
pub struct QueryRules {
    templates: Vec<QueryTemplate>,
    refused: RefusedWords,
}

impl QueryRules {
    /// Reads `queries.tsv` and `query_words.tsv`.
    ///
    /// # Errors
    /// The first row that cannot be used, also one whose words are refused.
    pub fn parse(templates: (&str, &str), words: (&str, &str)) -> Result<Self, TableError> {
        let refused = RefusedWords::parse(words)?;
        Ok(Self { templates: template::parse(templates, &refused)?, refused })
    }

    /// All templates, in the order of their table.
    #[must_use]
    pub fn templates(&self) -> &[QueryTemplate] {
        &self.templates
    }

    /// What is wrong with the templates of a site; none when they can be used. They keep the rules that the vocabulary's keep.
    #[must_use]
    pub fn problem_of(&self, templates: &[SiteTemplate]) -> Option<String> {
        for (at, template) in templates.iter().enumerate() {
            if templates[..at].iter().any(|other| other.key == template.key) {
                return Some(format!("the key {:?} stands twice", template.key));
            }
            // what is offered no more may be as it was
            if template.withdrawn {
                continue;
            }
            if let Some(problem) = template::problem_of(&template.clone().into(), &self.refused) {
                return Some(format!("{}: {problem}", template.key));
            }
        }
        None
    }

    /// The template of this key.
    #[must_use]
    pub fn template(&self, key: &str) -> Option<&QueryTemplate> {
        self.templates.iter().find(|template| template.key == key)
    }
}

#[cfg(test)]
pub(crate) fn shipped() -> QueryRules {
    let templates = include_str!("../../../vocabularies/queries.tsv");
    let words = include_str!("../../../vocabularies/query_words.tsv");
    QueryRules::parse(("queries", templates), ("query_words", words)).expect("our own tables")
}
