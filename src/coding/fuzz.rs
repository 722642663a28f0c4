//! Files beside the program: templates of queries, and the kept vectors of terms.

use super::{queries::QueryRules, similarity::numbers_of};
use crate::fuzzing::{Damaged, Seeds, fuzz};

const TEMPLATES: Seeds<'_> = Seeds {
    good: &[
        b"# ours\nkey\tkind\tcodes\ttitle\tquestion\tchoices\nacuity\tspecificity\t\tAcuity of {condition}\t{condition} is documented. Which?\tAcute|Chronic\n\
          site\tspecificity\tI50 N18\tSite\tWhere is it?\tLeft|Right|Both\n",
        b"key\tkind\tcodes\ttitle\tquestion\tchoices\r\nstage\tspecificity\tN18\tStage\tWhich stage of {condition}?\tOne|Two|{condition}\r\n",
    ],
    telling: b"\t\n\r|{}#\\ \xff",
};

/// A site's template is refused, or filled wherever it has a place for words.
#[test]
fn templates_of_queries() {
    let words = include_str!("../../vocabularies/query_words.tsv");
    fuzz!("templates of queries", Quick, (Damaged, String), |input: &(Damaged, String)| {
        let Ok(rules) = QueryRules::parse(("queries", &input.0.text(TEMPLATES)), ("query_words", words)) else { return };
        for template in rules.templates() {
            let (title, question, options) = template.filled(Some(&input.1));
            if !input.1.is_empty() && !input.1.contains(['{', '}']) {
                assert!(!title.contains("{condition}") && !question.contains("{condition}"), "a place was left open");
            }
            assert_eq!(options.len(), template.choices.len() + 2);
            let _ = (template.is_for(Some("N18.30")), template.is_about_condition());
        }
    });
}

/// A file of vectors is of the asked shape or none; what a head says of it is not believed.
#[test]
fn kept_vectors() {
    let (rows, size) = (3_usize, 4_usize);
    let head = format!(r#"{{"vectors":{{"dtype":"U8","shape":[{rows},{size}],"data_offsets":[0,{}]}}}}"#, rows * size);
    let whole = [&(head.len() as u64).to_le_bytes(), head.as_bytes(), &[128; 12]].concat();
    assert_eq!(numbers_of(&whole, [rows, size]), Some(vec![0; 12]));
    fuzz!("kept vectors of terms", Quick, Damaged, |input: &Damaged| {
        let file = input.bytes(Seeds { good: &[whole.as_slice()], telling: b"{}[]\":,0129UIF\x7f\xff\0" });
        let numbers = numbers_of(&file, [rows, size]);
        assert!(numbers.is_none_or(|numbers| numbers.len() == rows * size));
    });
}
