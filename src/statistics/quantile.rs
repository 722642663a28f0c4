//! Places in an order.

/// The least value that at least this share of the values does not exceed (the nearest rank), of values in ascending order; none of none.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank lies between 1 and the number of values, which is far below 2^53"
)]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    // 0.9 of ten is the ninth, though 0.9 in binary is a little more than that
    let rank = (share * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `quantile(x, p, type = 1)` of R gives them.
    #[test]
    fn ranks_are_the_nearest() {
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        let found = [0.0, 0.05, 0.1, 0.5, 0.51, 0.9, 0.99, 1.0].map(|share| quantile(&ten, share).expect("a value"));
        assert_eq!(found, [1.0, 1.0, 1.0, 5.0, 6.0, 9.0, 10.0, 10.0]);
        assert_eq!((quantile(&[7.0], 0.99), quantile(&[], 0.5)), (Some(7.0), None));
    }
}
