//! Patterns that run over notes.

use regex::{Regex, RegexSet, RegexSetBuilder};

/// Compiles a pattern whose `\b` are the edges of words of ASCII letters, digits and underscores.
///
/// The engine of the crate that runs one state a character gives up at the first character beyond ASCII where a pattern asks for the edges of
/// words of all languages, and one that is several times slower takes over for the whole note; a dash or a degree sign in it is enough.
///
/// # Errors
/// When it is no pattern.
pub fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&with_ascii_edges(pattern))
}

/// The same for several patterns that are looked for at once, in any case.
///
/// # Errors
/// When one of them is no pattern.
pub fn compile_set(patterns: &[String]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns.iter().map(|pattern| with_ascii_edges(pattern))).case_insensitive(true).build()
}

fn with_ascii_edges(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 32);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            (other, false) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_words_are_found_beside_any_character() {
        let pattern = compile(r"(?i)\bq\.?\s?\d+h\b").expect("a pattern");
        for (text, is_there) in [("38°, q6h – prn", true), ("Q.6h", true), ("seq6h", false), ("q6hr", false), ("–q6h–", true)]
        {
            assert_eq!(pattern.is_match(text), is_there, "{text}");
        }
        assert_eq!(with_ascii_edges(r"\\b\bx\."), r"\\b(?-u:\b)x\.");
        assert!(compile("(").is_err() && compile_set(&["(".to_owned()]).is_err());
    }
}
