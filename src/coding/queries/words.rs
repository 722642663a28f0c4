//! Words that a query to a provider may not hold: `query_words.tsv`.

use crate::domain::table::{self, TableError};

/// Why words are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordRule {
    /// They speak of payment, or of how heavy a code weighs.
    Payment,
    /// They speak of scores and reports.
    Quality,
    /// They ask for one answer.
    Leading,
}

#[derive(Debug)]
struct Refused {
    rule: WordRule,
    only_capitals: bool,
    words: Vec<String>,
    /// The last word matches what begins with it.
    is_beginning: bool,
}

/// The words of the table.
#[derive(Debug)]
pub(super) struct RefusedWords(Vec<Refused>);

impl RefusedWords {
    /// Reads `rule`, `case`, `words`.
    pub(super) fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut refused = Vec::new();
        table::read(name, text, |row| {
            let rule = match row.get("rule")? {
                "payment" => WordRule::Payment,
                "quality" => WordRule::Quality,
                "leading" => WordRule::Leading,
                other => return Err(row.error(format!("unknown rule {other:?}; use payment, quality or leading"))),
            };
            let only_capitals = match row.get("case")? {
                "any" => false,
                "upper" => true,
                other => return Err(row.error(format!("unknown case {other:?}; use any or upper"))),
            };
            let phrase = row.get("words")?;
            let is_beginning = phrase.ends_with('*');
            let words = split(phrase.trim_end_matches('*')).map(|word| folded(word, only_capitals)).collect::<Vec<_>>();
            if words.is_empty() {
                return Err(row.error("words must be given"));
            }
            refused.push(Refused { rule, only_capitals, words, is_beginning });
            Ok(())
        })?;
        Ok(Self(refused))
    }

    /// The rules that a text breaks, each once.
    pub(super) fn broken_by(&self, text: &str) -> Vec<WordRule> {
        let as_written: Vec<&str> = split(text).collect();
        let lower: Vec<String> = as_written.iter().map(|word| word.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let mut broken = Vec::new();
        for refused in &self.0 {
            let stands = refused.stands_in(if refused.only_capitals { &as_written } else { &lower });
            if stands && !broken.contains(&refused.rule) {
                broken.push(refused.rule);
            }
        }
        broken
    }
}

impl Refused {
    fn stands_in(&self, text: &[&str]) -> bool {
        text.windows(self.words.len()).any(|window| {
            let last = window.len() - 1;
            window.iter().zip(&self.words).enumerate().all(|(at, (word, refused))| {
                if at == last && self.is_beginning { word.starts_with(refused.as_str()) } else { word == refused }
            })
        })
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn folded(word: &str, only_capitals: bool) -> String {
    if only_capitals { word.to_owned() } else { word.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_words() {
        use WordRule::{Leading, Payment, Quality};
        let shipped =
            RefusedWords::parse(("query_words", include_str!("../../../vocabularies/query_words.tsv"))).expect("ours");
        for (text, expected) in [
            ("The reimbursement of this stay", &[Payment][..]),
            ("an MS-DRG with an MCC", &[Payment]),
            ("DRGs", &[Payment]),
            ("CC/MCC", &[Payment]),
            ("MCC", &[Payment]),
            ("250 cc of fluid, cc: cough", &[]),
            ("Risk-adjustment and HCC capture", &[Payment]),
            ("severity score", &[Payment]),
            ("Severity of the asthma", &[]),
            ("a claimed injury, unclaimed", &[]),
            ("claims", &[Payment]),
            ("Quality metrics and length of stay", &[Quality]),
            ("quality of life", &[]),
            ("PSI 90", &[Quality]),
            ("40 psi", &[]),
            ("Don't you think this is sepsis?", &[Leading]),
            ("Do you agree that the DRG counts?", &[Payment, Leading]),
            ("Based on your clinical judgment, please document the type.", &[]),
            ("", &[]),
        ] {
            assert_eq!(shipped.broken_by(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |line: &str| {
            RefusedWords::parse(("query_words", &format!("rule\tcase\twords\n{line}\n"))).expect_err("wrong").to_string()
        };
        assert!(error("money\tany\tdrg").contains("line 2: unknown rule \"money\""));
        assert!(error("payment\tlower\tdrg").contains("unknown case \"lower\""));
        assert!(error("payment\tany\t*").contains("words must be given"));
    }
}
