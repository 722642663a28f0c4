//! The tree of ICD-10-CM: how far a proposed code is from an acceptable one.

use abstractor::vocabulary::{Blocks, Tables};

use crate::error::{EvaluationError, Result};

/// Chapters and blocks over the categories.
#[derive(Debug)]
pub struct CodeTree(Blocks);

impl CodeTree {
    /// The tree of the program's own edition.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn embedded() -> Result<Self> {
        let tables = Tables::embedded().map_err(|error| EvaluationError::System(error.to_string()))?;
        Blocks::load(&tables).map(Self).map_err(|error| EvaluationError::System(error.to_string()))
    }

    /// The way from the top down to a code: chapter, blocks, category, and every character behind it.
    fn path(&self, code: &str) -> Vec<String> {
        let mut path: Vec<String> = self.0.over(code).iter().map(|block| block.range.clone()).collect();
        let letters: String = code.chars().filter(|letter| *letter != '.').collect();
        let ends = letters.char_indices().map(|(at, letter)| at + letter.len_utf8()).skip(2);
        path.extend(ends.map(|end| letters[..end].to_owned()));
        path
    }

    /// Edges between two codes in the tree: 0 for the same, 2 for siblings, more than ten across chapters.
    #[must_use]
    pub fn distance(&self, one: &str, other: &str) -> usize {
        let (one, other) = (self.path(one), self.path(other));
        let common = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
        one.len() + other.len() - 2 * common
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_in_the_tree_the_smaller() {
        let tree = CodeTree::embedded().expect("reads");
        assert_eq!(tree.distance("E11.9", "E11.9"), 0);
        assert_eq!(tree.distance("E11.9", "E11.8"), 2);
        assert_eq!(tree.distance("E11.9", "E11.65"), 3);
        assert!(tree.distance("E11.9", "E10.9") < tree.distance("E11.9", "I10"));
        assert_eq!(tree.distance("I10", "E11.9"), tree.distance("E11.9", "I10"));
    }
}
