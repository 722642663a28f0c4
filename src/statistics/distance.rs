//! How far two distributions over the same classes lie apart.

/// What each class is given, so that an empty one does not make a ratio infinite.
const FLOOR: f64 = 0.5;

fn sum(counts: &[f64]) -> f64 {
    counts.iter().sum()
}

/// The Jensen-Shannon divergence of two lists of counts in bits: 0 where their shares are the same, 1 where they have nothing in common. 0 where
/// one of them is empty.
#[must_use]
pub fn jensen_shannon(one: &[f64], other: &[f64]) -> f64 {
    let (all_one, all_other) = (sum(one), sum(other));
    if all_one <= 0.0 || all_other <= 0.0 {
        return 0.0;
    }
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let parts = one.iter().zip(other).map(|(one, other)| {
        let (one, other) = (one / all_one, other / all_other);
        let middle = f64::midpoint(one, other);
        f64::midpoint(part(one, middle), part(other, middle))
    });
    parts.sum::<f64>().max(0.0)
}

/// The population stability index of a list of counts against a reference: below 0.1 is taken as stable by custom, from 0.25 on as another
/// population. Half an observation is added to every class, so that an empty one does not make it infinite. 0 where one of them is empty.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are few classes")]
pub fn stability_index(reference: &[f64], current: &[f64]) -> f64 {
    if sum(reference) <= 0.0 || sum(current) <= 0.0 {
        return 0.0;
    }
    let added = FLOOR * reference.len() as f64;
    let (all_reference, all_current) = (sum(reference) + added, sum(current) + added);
    let parts = reference.iter().zip(current).map(|(reference, current)| {
        let (reference, current) = ((reference + FLOOR) / all_reference, (current + FLOOR) / all_current);
        (current - reference) * (current / reference).ln()
    });
    parts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_their_known_values() {
        assert!(jensen_shannon(&[3.0, 1.0], &[30.0, 10.0]).abs() < 1e-12);
        assert!((jensen_shannon(&[5.0, 0.0], &[0.0, 2.0]) - 1.0).abs() < 1e-12);
        // shares 1/2 1/2 against 1 0: H(3/4, 1/4) - 1/2 = 0.311278
        assert!((jensen_shannon(&[1.0, 1.0], &[1.0, 0.0]) - 0.311_278).abs() < 1e-6);
        assert_eq!(jensen_shannon(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
        // by hand: shares 0.5 0.5 against 0.75 0.25, of counts so great that the half observation is nothing:
        // 0.25 ln 1.5 - 0.25 ln 0.5 = 0.274653
        assert!((stability_index(&[5e8, 5e8], &[7.5e8, 2.5e8]) - 0.274_653).abs() < 1e-6);
        assert!(stability_index(&[10.0, 0.0], &[0.0, 10.0]).is_finite());
        assert_eq!(stability_index(&[0.0], &[4.0]), 0.0);
    }
}
