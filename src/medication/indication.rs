//! What a drug is taken for, as written after it: "for pain", "p.r.n. nausea", "to control her blood pressure".

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::Span;

/// Words that end the name of a purpose.
const STOPS: [&str; 53] = [
    "which", "that", "with", "while", "when", "but", "who", "we", "she", "he", "they", "is", "was", "were", "will", "if", "in",
    "on", "as", "at", "per", "by", "from", "to", "since", "because", "until", "x", "has", "have", "had", "does", "did",
    "prior", "after", "before", "during", "now", "today", "not", "p", "b", "t", "q", "i", "it", "may", "can", "should",
    "without", "until", "daily", "via",
];

/// Words after "for" that do not start a purpose.
const NOT_A_PURPOSE: [&str; 40] = [
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "now",
    "several",
    "many",
    "some",
    "approximately",
    "about",
    "years",
    "months",
    "weeks",
    "days",
    "her",
    "his",
    "him",
    "me",
    "us",
    "them",
    "which",
    "follow",
    "followup",
    "follow-up",
    "total",
    "at",
    "up",
    "more",
    "least",
    "over",
    "quite",
    "discharge",
    "refill",
    "next",
    "each",
    "every",
    "review",
];

#[expect(clippy::unwrap_used, reason = "constant patterns, compiled in every test run")]
static FOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^[\s,()]*(?:(?:which (?:she|he) (?:takes|uses)|to be used|be used|used|taken|given|administered)\s+)?for\s+(?:(?:any|his|her|the|their|a|an|some|your|my|possible|presumed|treatment of|management of|control of|relief of|recent history of|history of)\s+)*",
    )
    .unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled in every test run")]
static PURPOSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^[\s,]*(?:to help (?:with|control)|to (?:control|treat|prevent|help)|in (?:the )?treatment of|because of|secondary to|due to)\s+(?:(?:any|his|her|the|their|a|some)\s+)*").unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled in every test run")]
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[A-Za-z][\w'’/-]*").unwrap());

/// The purpose that starts at `from`, before `end`; `after_prn` allows it without "for".
pub(super) fn purpose(text: &str, (from, end): (usize, usize), after_prn: bool) -> Option<Span> {
    let rest = text.get(from..end)?;
    if let Some(lead) = FOR.find(rest).or_else(|| PURPOSE.find(rest)) {
        return noun_phrase(text, from + lead.end(), end);
    }
    if after_prn {
        let lead = rest.len() - rest.trim_start().len();
        return (lead > 0).then(|| noun_phrase(text, from + lead, end)).flatten();
    }
    None
}

/// At most six words, up to punctuation or a stop word.
fn noun_phrase(text: &str, from: usize, end: usize) -> Option<Span> {
    let rest = text.get(from..end)?;
    let rest = &rest[..rest.find(['.', ',', ';', ':', '(', ')', '\n', '|', '?']).unwrap_or(rest.len())];
    let mut last = 0;
    let mut kept = 0;
    let mut expected = 0;
    for (count, word) in WORD.find_iter(rest).enumerate() {
        let lower = word.as_str().to_lowercase();
        let gap = &rest[expected..word.start()];
        if gap.trim() != "" && gap.trim() != "-" {
            break;
        }
        if (count == 0 && NOT_A_PURPOSE.contains(&lower.as_str())) || STOPS.contains(&lower.as_str()) || count >= 6 {
            break;
        }
        expected = word.end();
        if matches!(lower.as_str(), "and" | "or" | "of" | "the" | "her" | "his") {
            continue;
        }
        last = word.end();
        kept += 1;
    }
    (kept > 0).then(|| Span::new(from, from + last))
}
