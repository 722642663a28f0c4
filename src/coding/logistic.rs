//! A logistic model whose weights are rows of a table.

use std::collections::HashMap;

use crate::domain::{table, table::TableError};

/// Name of the row that stands for no feature.
const INTERCEPT: &str = "intercept";

/// Intercept and weights.
#[derive(Debug, Clone)]
pub(super) struct Logistic<const N: usize> {
    intercept: f32,
    weights: [f32; N],
}

impl<const N: usize> Logistic<N> {
    /// Reads one column of a table whose first column is `feature`: every feature once, and `intercept`.
    ///
    /// # Errors
    /// An unknown, repeated or missing feature, or a weight that is no number.
    pub fn parse((name, text): (&str, &str), features: &[&str; N], column: &str) -> Result<Self, TableError> {
        let mut known: HashMap<String, f32> = HashMap::new();
        table::read(name, text, |row| {
            let feature = row.get("feature")?;
            if feature != INTERCEPT && !features.contains(&feature) {
                return Err(row.error(format!("unknown feature {feature:?}")));
            }
            let weight: f32 = row.get(column)?.parse().map_err(|_| row.error("the weight is not a number"))?;
            if !weight.is_finite() || known.insert(feature.to_owned(), weight).is_some() {
                return Err(row.error(format!("the feature {feature:?} stands twice or has no finite weight")));
            }
            Ok(())
        })?;
        let of = |feature: &str| {
            known.get(feature).copied().ok_or_else(|| TableError {
                table: name.to_owned(),
                line: 0,
                message: format!("the feature {feature:?} is missing"),
            })
        };
        let mut weights = [0.0; N];
        for (weight, feature) in weights.iter_mut().zip(features) {
            *weight = of(feature)?;
        }
        Ok(Self { intercept: of(INTERCEPT)?, weights })
    }

    /// The probability for these values of the features.
    pub fn probability(&self, values: &[f32; N]) -> f32 {
        let sum: f32 = values.iter().zip(self.weights).map(|(value, weight)| value * weight).sum();
        1.0 / (1.0 + (-(sum + self.intercept)).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_table() {
        let read = |text: &str| Logistic::parse(("weights.tsv", text), &["luck"], "weight");
        assert!(read("feature\tweight\nintercept\t0\nluck\t1\n").is_ok_and(|model| model.probability(&[0.0]) == 0.5));
        assert!(read("feature\tweight\nintercept\t1\n").expect_err("missing").message.contains("luck"));
        assert_eq!(read("feature\tweight\npluck\t1\n").expect_err("unknown").line, 2);
        assert_eq!(read("feature\tweight\nluck\t1\nluck\t1\n").expect_err("twice").line, 3);
        assert_eq!(read("feature\tweight\nluck\tmuch\n").expect_err("no number").line, 2);
    }
}
