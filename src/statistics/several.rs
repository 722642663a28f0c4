//! Many tests at once.

/// The p-values after the procedure of Benjamini and Hochberg, in the order given: those at most q are discoveries at a false discovery rate of q.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are few tests")]
pub fn adjusted(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
    let mut out = vec![1.0; values.len()];
    let mut least = 1.0_f64;
    for (before, at) in order.into_iter().enumerate() {
        let rank = values.len() - before;
        least = least.min(values[at] * values.len() as f64 / rank as f64);
        out[at] = least;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5), "BH")` of R gives them.
    #[test]
    fn adjusted_values_are_the_known_ones() {
        let found = adjusted(&[0.01, 0.04, 0.03, 0.005, 0.5]);
        for (found, known) in found.iter().zip([0.025, 0.05, 0.05, 0.025, 0.5]) {
            assert!((found - known).abs() < 1e-12, "{found} {known}");
        }
        assert!(adjusted(&[]).is_empty());
    }
}
