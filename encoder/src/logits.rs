//! The head's numbers for a batch.

/// Logits of a batch: for each input one row a wordpiece, one number a column of the head.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    values: Vec<f32>,
    columns: usize,
    /// Row at which each input begins, and the end.
    starts: Vec<usize>,
}

impl Logits {
    /// `values` holds the rows of all inputs one after the other.
    pub(crate) fn new(values: Vec<f32>, columns: usize, lengths: impl Iterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for length in lengths {
            end += length;
            starts.push(end);
        }
        Self { values, columns, starts }
    }

    /// How many inputs there are.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// Numbers of a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Wordpieces of an input; zero when there is no such input.
    #[must_use]
    pub fn rows(&self, input: usize) -> usize {
        match (self.starts.get(input), self.starts.get(input + 1)) {
            (Some(start), Some(end)) => end - start,
            _ => 0,
        }
    }

    /// The numbers of a wordpiece of an input; none when there is no such row.
    #[must_use]
    pub fn row(&self, input: usize, wordpiece: usize) -> Option<&[f32]> {
        if wordpiece >= self.rows(input) {
            return None;
        }
        let start = (self.starts[input] + wordpiece) * self.columns;
        self.values.get(start..start + self.columns)
    }

    /// All rows of an input, the first wordpiece first; none when there is no such input.
    pub fn input(&self, input: usize) -> impl Iterator<Item = &[f32]> {
        (0..self.rows(input)).filter_map(move |wordpiece| self.row(input, wordpiece))
    }

    /// All numbers: the rows of all inputs one after the other.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_inputs_of_different_lengths() {
        let logits = Logits::new(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 2, [1, 0, 2].into_iter());
        assert_eq!((logits.inputs(), logits.columns(), logits.rows(1), logits.rows(2), logits.rows(3)), (3, 2, 0, 2, 0));
        assert_eq!(logits.row(0, 0), Some([0.0, 1.0].as_slice()));
        assert_eq!(logits.row(2, 1), Some([4.0, 5.0].as_slice()));
        assert_eq!((logits.row(0, 1), logits.row(1, 0), logits.row(3, 0)), (None, None, None));
        assert_eq!(logits.input(2).collect::<Vec<_>>(), [[2.0, 3.0], [4.0, 5.0]]);
    }
}
