//! Templates of queries: `queries.tsv`, each row held against the rules that a draft is held against.

use super::words::RefusedWords;
use crate::{
    coding::queries::compliance::is_yes_or_no,
    domain::{
        OptionKind, QueryKind, QueryOption,
        table::{self, Row, TableError},
    },
};

/// What stands in a template for the words of the record that the query is about.
const CONDITION: &str = "{condition}";

/// The answers that every query offers.
pub const OPEN_OPTIONS: [(OptionKind, &str); 2] =
    [(OptionKind::Other, "Other (please specify)"), (OptionKind::Undetermined, "Unable to determine")];

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTemplate {
    /// Its name for programs.
    pub key: String,
    /// Why one asks with it.
    pub kind: QueryKind,
    /// Beginnings of the codes that it is for; empty = any.
    pub codes: Vec<String>,
    /// The title.
    pub title: String,
    /// The question.
    pub question: String,
    /// The choices, without the two that every query offers.
    pub choices: Vec<String>,
}

impl QueryTemplate {
    /// Whether it is for this code; a template for any code is for none, too.
    #[must_use]
    pub fn is_for(&self, code: Option<&str>) -> bool {
        self.codes.is_empty()
            || code.is_some_and(|code| self.codes.iter().any(|beginning| code.starts_with(beginning.as_str())))
    }

    /// Whether it asks about a condition that the record names.
    #[must_use]
    pub fn is_about_condition(&self) -> bool {
        self.title.contains(CONDITION) || self.question.contains(CONDITION)
    }

    /// Title, question and options with the words of the record in their place; "the condition" where none are given.
    #[must_use]
    pub fn filled(&self, condition: Option<&str>) -> (String, String, Vec<QueryOption>) {
        let words = condition.unwrap_or("the condition");
        let choice = |label: &String| (OptionKind::Choice, fill(label, words));
        let open = OPEN_OPTIONS.map(|(kind, label)| (kind, label.to_owned()));
        let options = self.choices.iter().map(choice).chain(open);
        (
            fill(&self.title, words),
            fill(&self.question, words),
            options.map(|(kind, label)| QueryOption { kind, label }).collect(),
        )
    }
}

/// A sentence begins with a capital, whatever the record writes.
fn fill(template: &str, words: &str) -> String {
    let filled = template.replace(CONDITION, words);
    if !template.starts_with(CONDITION) {
        return filled;
    }
    let mut letters = filled.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Reads `key`, `kind`, `codes`, `title`, `question`, `choices`.
pub(super) fn parse((name, text): (&str, &str), refused: &RefusedWords) -> Result<Vec<QueryTemplate>, TableError> {
    let mut templates: Vec<QueryTemplate> = Vec::new();
    table::read(name, text, |row| {
        let template = read(&row)?;
        if templates.iter().any(|other| other.key == template.key) {
            return Err(row.error(format!("the key {:?} stands twice", template.key)));
        }
        let all = [&template.title, &template.question].into_iter().chain(&template.choices);
        if let Some(rule) = all.flat_map(|text| refused.broken_by(text)).next() {
            return Err(row.error(format!("it holds words that query_words.tsv refuses ({rule:?})")));
        }
        templates.push(template);
        Ok(())
    })?;
    Ok(templates)
}

fn read(row: &Row<'_>) -> Result<QueryTemplate, TableError> {
    let key = row.get("key")?;
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(row.error("key must be lower-case letters, digits and _"));
    }
    let kind = row.get("kind")?;
    let kind: QueryKind = kind.parse().map_err(|()| {
        let kinds = QueryKind::ALL.map(QueryKind::as_str).join(", ");
        row.error(format!("unknown kind {kind:?}; one of {kinds}"))
    })?;
    let (title, question) = (row.get("title")?, row.get("question")?);
    if title.is_empty() || question.is_empty() {
        return Err(row.error("title and question must be given"));
    }
    let choices: Vec<String> =
        row.get("choices")?.split('|').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    if choices.len() < 2 {
        return Err(row.error("a query offers at least two choices"));
    }
    if is_yes_or_no(choices.iter().map(String::as_str)) && !kind.allows_yes_or_no() {
        return Err(row.error(format!("a query of the kind {:?} may not offer yes and no alone", kind.as_str())));
    }
    Ok(QueryTemplate {
        key: key.to_owned(),
        kind,
        codes: row.get("codes")?.split_whitespace().map(str::to_owned).collect(),
        title: title.to_owned(),
        question: question.to_owned(),
        choices,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::queries::{QueryRules, shipped};

    #[test]
    fn every_kind_has_a_template() {
        for kind in QueryKind::ALL {
            assert!(shipped().templates().iter().any(|template| template.kind == kind), "{kind:?}");
        }
    }

    #[test]
    fn a_template_is_filled_with_words_of_the_record() {
        let rules = shipped();
        let acuity = rules.template("acuity").expect("ours");
        let (title, question, options) = acuity.filled(Some("heart failure"));
        assert_eq!(title, "Acuity of heart failure");
        assert!(question.starts_with("Heart failure is documented without"), "{question}");
        let labels: Vec<&str> = options.iter().map(|option| option.label.as_str()).collect();
        assert_eq!(labels, ["Acute", "Chronic", "Acute on chronic", "Other (please specify)", "Unable to determine"]);
        assert!(!rules.templates().iter().any(|template| {
            let (title, question, options) = template.filled(None);
            options.iter().map(|option| &option.label).chain([&title, &question]).any(|text| text.contains(['{', '}']))
        }));
    }

    #[test]
    fn a_template_is_for_its_codes() {
        let rules = shipped();
        let stage = rules.template("kidney_disease_stage").expect("ours");
        assert!(stage.is_for(Some("N18.30")) && !stage.is_for(Some("I50.9")) && !stage.is_for(None));
        assert!(rules.template("acuity").expect("ours").is_for(None));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let words = include_str!("../../../vocabularies/query_words.tsv");
        let error = |lines: &str| {
            let text = format!("key\tkind\tcodes\ttitle\tquestion\tchoices\n{lines}\n");
            QueryRules::parse(("queries", &text), ("query_words", words)).expect_err("wrong").to_string()
        };
        for (line, expected) in [
            ("A\tspecificity\t\tt\tq\ta|b", "line 2: key must be lower-case"),
            ("a\tspecific\t\tt\tq\ta|b", "unknown kind \"specific\""),
            ("a\tspecificity\t\t\tq\ta|b", "title and question"),
            ("a\tspecificity\t\tt\tq\ta|", "at least two choices"),
            ("a\tspecificity\t\tt\tq\tYes|No", "may not offer yes and no alone"),
            ("a\tspecificity\t\tt\tFor the DRG, which?\ta|b", "refuses (Payment)"),
            ("a\tspecificity\t\tt\tq\ta|an MCC", "refuses (Payment)"),
            ("a\tspecificity\t\tt\tq\ta|b\na\tspecificity\t\tt\tq\ta|b", "line 3: the key \"a\" stands twice"),
        ] {
            assert!(error(line).contains(expected), "{line}: {}", error(line));
        }
    }
}
