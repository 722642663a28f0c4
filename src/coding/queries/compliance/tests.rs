//! Good and bad drafts, each bad one with what is said of it.

use std::sync::LazyLock;

use super::*;
use crate::{
    coding::queries::{OPEN_OPTIONS, shipped},
    domain::{ClinicalIndicator, QueryKind},
    vocabulary::Tables,
};

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::load(&Tables::embedded().expect("tables")).expect("a vocabulary"));

const NOTE: Uuid = Uuid::from_u128(1);
const TEXT: &str = "HPI: Patient with CHF.\nBNP 1200, bilateral crackles,\n  LVEF 30 %. No pneumonia on the film.\n\
                    FAMILY HISTORY: mother had breast cancer. Creatinine rose from 0.9 to 2.4.";

fn noted() -> NotedWords {
    let mut noted = NotedWords::default();
    noted.add(&VOCABULARY, NOTE, TEXT);
    for words in ["pneumonia", "breast cancer", "CHF"] {
        noted.deny(&VOCABULARY, words);
    }
    noted.affirm(&VOCABULARY, "CHF");
    noted
}

fn options(choices: &[&str]) -> Vec<QueryOption> {
    let choices = choices.iter().map(|label| (OptionKind::Choice, *label));
    choices.chain(OPEN_OPTIONS).map(|(kind, label)| QueryOption { kind, label: label.to_owned() }).collect()
}

fn good() -> QueryContent {
    QueryContent {
        template: "heart_failure_type".to_owned(),
        kind: QueryKind::Specificity,
        entry_id: None,
        title: "Type of CHF".to_owned(),
        question: "Based on the indicators quoted above, please document the type of heart failure, if it is known.".to_owned(),
        options: options(&["Systolic", "Diastolic", "Acute pulmonary embolism"]),
        indicators: vec![ClinicalIndicator { note_id: NOTE, text: "BNP 1200, bilateral crackles, LVEF 30 %.".to_owned() }],
    }
}

fn problems(content: &QueryContent) -> Vec<QueryProblem> {
    shipped().problems(&VOCABULARY, &noted(), content)
}

#[test]
fn good_drafts() {
    let yes_no = |kind| QueryContent { kind, options: options(&["Yes", "No"]), ..good() };
    for (name, content) in [
        ("multiple choice", good()),
        ("present on admission", yes_no(QueryKind::PresentOnAdmission)),
        ("cause and effect", yes_no(QueryKind::CauseAndEffect)),
        ("validation", yes_no(QueryKind::ClinicalValidation)),
        ("another name of what is documented", QueryContent { title: "Congestive heart failure".to_owned(), ..good() }),
        ("a finding in its own words", QueryContent { title: "Crackles".to_owned(), ..good() }),
    ] {
        assert_eq!(problems(&content), [], "{name}");
    }
}

#[test]
fn bad_drafts() {
    use Field::{Options, Question, Title};
    let asking = |question: &str| QueryContent { question: question.to_owned(), ..good() };
    let titled = |title: &str| QueryContent { title: title.to_owned(), ..good() };
    let offering = |choices: &[&str]| QueryContent { options: options(choices), ..good() };
    let quoting =
        |note_id, text: &str| QueryContent { indicators: vec![ClinicalIndicator { note_id, text: text.to_owned() }], ..good() };
    let without = |kind| {
        let mut content = good();
        content.options.retain(|option| option.kind != kind);
        content
    };
    let yes_no = |kind| QueryContent { kind, ..offering(&["Yes", "No"]) };
    let cases: Vec<(&str, QueryContent, Vec<QueryProblem>, &str)> = vec![
        ("no title", titled(" "), vec![QueryProblem::Empty(Title)], "query_incomplete"),
        ("no question", asking(""), vec![QueryProblem::Empty(Question)], "query_incomplete"),
        ("a long title", titled(&"a ".repeat(101)), vec![QueryProblem::TooLong(Title)], "query_too_long"),
        (
            "nothing quoted",
            QueryContent { indicators: Vec::new(), ..good() },
            vec![QueryProblem::NoIndicator],
            "query_without_indicator",
        ),
        ("quoted wrongly", quoting(NOTE, "BNP 2100"), vec![QueryProblem::NotInRecord(0)], "query_indicator_not_in_record"),
        ("an empty quotation", quoting(NOTE, " "), vec![QueryProblem::NotInRecord(0)], "query_indicator_not_in_record"),
        (
            "of another note",
            quoting(Uuid::from_u128(2), "BNP 1200"),
            vec![QueryProblem::NotInRecord(0)],
            "query_indicator_not_in_record",
        ),
        ("no other", without(OptionKind::Other), vec![QueryProblem::NoOther], "query_without_other_option"),
        (
            "no undetermined",
            without(OptionKind::Undetermined),
            vec![QueryProblem::NoUndetermined],
            "query_without_undetermined_option",
        ),
        ("one choice", offering(&["Systolic"]), vec![QueryProblem::TooFewChoices], "query_too_few_choices"),
        ("the same twice", offering(&["Systolic", "systolic "]), vec![QueryProblem::RepeatedOption], "query_repeated_option"),
        ("yes and no: type", yes_no(QueryKind::Specificity), vec![QueryProblem::YesOrNo], "query_yes_or_no"),
        ("yes and no: finding", yes_no(QueryKind::ClinicalSignificance), vec![QueryProblem::YesOrNo], "query_yes_or_no"),
        ("yes and no: uncertain", yes_no(QueryKind::RuledOutOrConfirmed), vec![QueryProblem::YesOrNo], "query_yes_or_no"),
        ("the DRG", asking("Which type? It decides the DRG."), vec![QueryProblem::Payment(Question)], "query_mentions_payment"),
        ("an MCC", titled("CHF as MCC"), vec![QueryProblem::Payment(Title)], "query_mentions_payment"),
        (
            "an HCC in an option",
            offering(&["Systolic (HCC 85)", "Diastolic"]),
            vec![QueryProblem::Payment(Options)],
            "query_mentions_payment",
        ),
        (
            "a quality score",
            asking("Which type? Our quality scores depend on it."),
            vec![QueryProblem::Quality(Question)],
            "query_mentions_quality",
        ),
        (
            "do you agree",
            asking("Do you agree that the CHF is systolic?"),
            vec![QueryProblem::Leading(Question)],
            "query_leading_words",
        ),
        (
            "more than is documented",
            titled("Acute systolic heart failure"),
            vec![QueryProblem::Undocumented(Title)],
            "query_undocumented_diagnosis",
        ),
        (
            "not documented",
            asking("Please document whether the patient has acute kidney injury."),
            vec![QueryProblem::Undocumented(Question)],
            "query_undocumented_diagnosis",
        ),
        ("negated", titled("Pneumonia"), vec![QueryProblem::Undocumented(Title)], "query_undocumented_diagnosis"),
        ("of the mother", titled("Breast cancer"), vec![QueryProblem::Undocumented(Title)], "query_undocumented_diagnosis"),
    ];
    for (name, content, expected, code) in cases {
        assert_eq!(problems(&content), expected, "{name}");
        assert_eq!(expected[0].code(), code, "{name}");
        assert!(expected[0].to_string().len() > 20, "{name}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let content = QueryContent {
        title: String::new(),
        question: "Do you agree that it is sepsis, which pays a DRG?".to_owned(),
        options: Vec::new(),
        indicators: Vec::new(),
        ..good()
    };
    let codes: Vec<&str> = problems(&content).into_iter().map(QueryProblem::code).collect();
    assert_eq!(
        codes,
        [
            "query_incomplete",
            "query_without_indicator",
            "query_without_other_option",
            "query_without_undetermined_option",
            "query_too_few_choices",
            "query_mentions_payment",
            "query_leading_words",
            "query_undocumented_diagnosis"
        ]
    );
}

#[test]
fn every_template_makes_a_compliant_draft() {
    for template in shipped().templates() {
        let (title, question, options) = template.filled(Some("CHF"));
        let content = QueryContent { kind: template.kind, title, question, options, ..good() };
        assert_eq!(problems(&content), [], "{}", template.key);
        let (title, question, options) = template.filled(None);
        let content = QueryContent { kind: template.kind, title, question, options, ..good() };
        assert_eq!(problems(&content), [], "{} about the encounter", template.key);
    }
}
