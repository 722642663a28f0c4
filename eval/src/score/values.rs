//! How words, attribute values and names are compared: the rules of the gold folder's scorer, to the letter.

use std::collections::BTreeSet;

/// Lower case, with white space and light punctuation as single spaces.
#[must_use]
pub fn normalized(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut gap = false;
    for letter in words.to_lowercase().chars() {
        // the separators of ASCII are white space to the scorer's language too
        if letter.is_whitespace() || matches!(letter, '\u{1c}'..='\u{1f}' | '.' | ',' | ';' | ':' | '(' | ')') {
            gap = true;
        } else {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(letter);
        }
    }
    out
}

fn runs(words: &str, within: impl Fn(char) -> bool) -> Vec<String> {
    words.split(|letter| !within(letter)).filter(|run| !run.is_empty()).map(str::to_owned).collect()
}

/// Whether two values of an attribute agree: equal when normalised, or runs of letters and digits with an F1 of 0.6 or more.
#[must_use]
pub fn same_value(one: &str, other: &str) -> bool {
    let (one, other) = (normalized(one), normalized(other));
    if one == other {
        return true;
    }
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let (one, other): (BTreeSet<String>, BTreeSet<String>) =
        (runs(&one, plain).into_iter().collect(), runs(&other, plain).into_iter().collect());
    let shared = one.intersection(&other).count();
    !one.is_empty() && !other.is_empty() && (2 * shared) as f64 / (one.len() + other.len()) as f64 >= 0.6
}

/// Words that say nothing of a substance.
const EMPTY_WORDS: [&str; 11] = ["allergy", "to", "substance", "product", "the", "a", "of", "and", "drug", "containing", ""];

/// The words by which names of substances are compared, without plural endings.
#[must_use]
pub fn substance_words(name: &str) -> BTreeSet<String> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '/' | '.' | '%');
    let stem = |word: String| match word.strip_suffix('s') {
        Some(stem) if word.len() > 3 => stem.to_owned(),
        _ => word,
    };
    let words = runs(&name.to_lowercase(), plain).into_iter().map(stem);
    words.filter(|word| !EMPTY_WORDS.contains(&word.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_agree_by_their_words() {
        for (one, other, agree) in [
            ("20 mg", "20 mg.", true),
            ("by mouth daily", "daily by mouth", true),
            ("twice a day", "twice daily", false),
            ("2 tablets", "2", true),
            ("hives", "rash", false),
            ("", "", true),
            ("é", "e", false),
        ] {
            assert_eq!(same_value(one, other), agree, "{one} / {other}");
        }
    }

    #[test]
    fn names_are_their_words_without_plural() {
        let words: Vec<String> = substance_words("Allergy to Penicillins, the 5% drug").into_iter().collect();
        assert_eq!(words, ["5%", "penicillin"]);
        assert_eq!(normalized("  A,\u{1f} (b) "), "a b");
    }
}
