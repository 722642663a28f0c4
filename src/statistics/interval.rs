//! The interval of a share.

/// The standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a share; none of nothing.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn wilson(of: u64, all: u64) -> Option<(f64, f64)> {
    if all == 0 {
        return None;
    }
    let (n, share) = (all as f64, of as f64 / all as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 81 of 263 (Newcombe, 1998): 0.2553 to 0.3662; 0 of 20 and 1 of 29 from the same table.
    #[test]
    fn intervals_are_those_of_the_literature() {
        for ((of, all), (low, high)) in [((81, 263), (0.2553, 0.3662)), ((0, 20), (0.0, 0.1611)), ((1, 29), (0.0061, 0.1718))] {
            let (a, b) = wilson(of, all).expect("an interval");
            assert!((a - low).abs() < 5e-5 && (b - high).abs() < 5e-5, "{of} of {all}: {a} {b}");
        }
        assert_eq!(wilson(0, 0), None);
        assert!((wilson(20, 20).expect("an interval").1 - 1.0).abs() < 1e-12);
    }
}
