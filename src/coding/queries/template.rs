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

/// A template that a site keeps, beside those of the vocabulary or in the place of one of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteTemplate {
    /// Its name for programs; that of a template of the vocabulary takes its place.
    pub key: String,
    /// Why one asks with it.
    pub kind: QueryKind,
    /// Beginnings of the codes that it is for; empty = any.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The title.
    pub title: String,
    /// The question.
    pub question: String,
    /// The choices, without the two that every query offers.
    pub choices: Vec<String>,
    /// Whether it is offered no more: so a site leaves out a template of the vocabulary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl From<SiteTemplate> for QueryTemplate {
    fn from(own: SiteTemplate) -> Self {
        let SiteTemplate { key, kind, codes, title, question, choices, withdrawn: _ } = own;
        Self { key, kind, codes, title, question, choices }
    }
}

impl From<&QueryTemplate> for SiteTemplate {
    fn from(shipped: &QueryTemplate) -> Self {
        let QueryTemplate { key, kind, codes, title, question, choices } = shipped.clone();
        Self { key, kind, codes, title, question, choices, withdrawn: false }
    }
}

/// The templates of the vocabulary with the site's own in the place of those of the same key; its others stand behind them.
#[must_use]
pub fn merged(shipped: &[QueryTemplate], mut own: Vec<SiteTemplate>) -> Vec<QueryTemplate> {
    let mut all = Vec::with_capacity(shipped.len() + own.len());
    for template in shipped {
        match own.iter().position(|one| one.key == template.key) {
            Some(at) => all.push(own.remove(at)),
            None => all.push(template.into()),
        }
    }
    all.extend(own);
    all.into_iter().filter(|template| !template.withdrawn).map(QueryTemplate::from).collect()
}

/// What is wrong with a template, by the rules that the vocabulary's are held against.
pub(super) fn problem_of(template: &QueryTemplate, refused: &RefusedWords) -> Option<String> {
    let all = [&template.title, &template.question].into_iter().chain(&template.choices);
    if let Some(rule) = all.clone().flat_map(|text| refused.broken_by(text)).next() {
        return Some(format!("it holds words that query_words.tsv refuses ({rule:?})"));
    }
    if template.key.is_empty()
        || !template.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Some("key must be lower-case letters, digits and _".to_owned());
    }
    if template.title.is_empty() || template.question.is_empty() {
        return Some("title and question must be given".to_owned());
    }
    if template.choices.len() < 2 {
        return Some("a query offers at least two choices".to_owned());
    }
    if is_yes_or_no(template.choices.iter().map(String::as_str)) && !template.kind.allows_yes_or_no() {
        return Some(format!("a query of the kind {:?} may not offer yes and no alone", template.kind.as_str()));
    }
    None
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
        if let Some(problem) = problem_of(&template, refused) {
            return Err(row.error(problem));
        }
        templates.push(template);
        Ok(())
    })?;
    Ok(templates)
}

fn read(row: &Row<'_>) -> Result<QueryTemplate, TableError> {
    let key = row.get("key")?;
    let kind = row.get("kind")?;
    let kind: QueryKind = kind.parse().map_err(|()| {
        let kinds = QueryKind::ALL.map(QueryKind::as_str).join(", ");
        row.error(format!("unknown kind {kind:?}; one of {kinds}"))
    })?;
    let (title, question) = (row.get("title")?, row.get("question")?);
    let choices: Vec<String> =
        row.get("choices")?.split('|').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
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
    fn a_site_keeps_templates_of_its_own() {
        let rules = shipped();
        let own = |key: &str, title: &str| SiteTemplate {
            title: title.to_owned(),
            ..SiteTemplate::from(rules.template(key).expect("ours"))
        };
        let added = SiteTemplate { key: "wound".to_owned(), ..own("acuity", "Depth of {condition}") };
        let withdrawn = SiteTemplate { withdrawn: true, ..own("site", "Site") };
        let site = vec![own("acuity", "How acute {condition} is"), withdrawn, added];
        assert_eq!(rules.problem_of(&site), None);
        let all = merged(rules.templates(), site);
        assert_eq!(all.len(), rules.templates().len(), "one more and one less");
        let titled = |key: &str| all.iter().find(|one| one.key == key).map(|one| one.title.as_str());
        assert_eq!(titled("acuity"), Some("How acute {condition} is"));
        assert_eq!((titled("site"), titled("wound")), (None, Some("Depth of {condition}")));
        for (wrong, expected) in [
            (own("acuity", "Raise the DRG"), "acuity: it holds words"),
            (SiteTemplate { choices: vec!["One".to_owned()], ..own("acuity", "t") }, "at least two choices"),
            (SiteTemplate { key: "A b".to_owned(), ..own("acuity", "t") }, "lower-case"),
        ] {
            assert!(rules.problem_of(&[wrong]).is_some_and(|problem| problem.contains(expected)), "{expected}");
        }
        assert!(rules.problem_of(&[own("acuity", "t"), own("acuity", "u")]).is_some_and(|problem| problem.contains("twice")));
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
