//! Which predicted mention is held against which annotated one.

use std::cmp::Ordering;

/// What has a place.
pub trait Placed {
    /// Start and end, code points.
    fn place(&self) -> (usize, usize);
}

impl<T: Placed> Placed for &T {
    fn place(&self) -> (usize, usize) {
        (*self).place()
    }
}

impl Placed for crate::note::Annotation {
    fn place(&self) -> (usize, usize) {
        (self.start, self.end)
    }
}

impl Placed for crate::prediction::Mention {
    fn place(&self) -> (usize, usize) {
        (self.start, self.end)
    }
}

/// How exactly places must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The same start and end.
    Exact,
    /// At least one character in common.
    Overlap,
}

/// Pairs of indices, each index once: the greatest overlap (by the longer of both) first, then the nearer start, then the order. Greedy, as
/// the gold folder's scorer has it.
#[must_use]
pub fn matches<G: Placed, P: Placed>(gold: &[G], predicted: &[P], agreement: Agreement) -> Vec<(usize, usize)> {
    matches_where(gold, predicted, agreement, |_, _| true)
}

/// The same among the pairs that `allowed` lets through.
#[must_use]
pub fn matches_where<G: Placed, P: Placed>(
    gold: &[G],
    predicted: &[P],
    agreement: Agreement,
    allowed: impl Fn(&G, &P) -> bool,
) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(f64, usize, usize, usize)> = Vec::new();
    for (i, one) in gold.iter().enumerate() {
        let (start, end) = one.place();
        for (j, other) in predicted.iter().enumerate() {
            let (other_start, other_end) = other.place();
            if !allowed(one, other) {
                continue;
            }
            match agreement {
                Agreement::Exact => {
                    if (start, end) == (other_start, other_end) {
                        pairs.push((0.0, 0, i, j));
                    }
                }
                Agreement::Overlap => {
                    let common = end.min(other_end).saturating_sub(start.max(other_start));
                    if common > 0 {
                        let longer = (end - start).max(other_end - other_start);
                        pairs.push((-(common as f64 / longer as f64), start.abs_diff(other_start), i, j));
                    }
                }
            }
        }
    }
    pairs.sort_by(|one, other| {
        one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal).then((one.1, one.2, one.3).cmp(&(other.1, other.2, other.3)))
    });
    let (mut taken_gold, mut taken) = (vec![false; gold.len()], vec![false; predicted.len()]);
    let mut out = Vec::new();
    for (_, _, i, j) in pairs {
        if !taken_gold[i] && !taken[j] {
            (taken_gold[i], taken[j]) = (true, true);
            out.push((i, j));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(usize, usize);

    impl Placed for At {
        fn place(&self) -> (usize, usize) {
            (self.0, self.1)
        }
    }

    #[test]
    fn the_greatest_overlap_comes_first_and_each_counts_once() {
        let gold = [At(0, 10), At(8, 20)];
        let predicted = [At(9, 20), At(0, 4), At(30, 31)];
        assert_eq!(matches(&gold, &predicted, Agreement::Overlap), [(1, 0), (0, 1)]);
        assert_eq!(matches(&gold, &predicted, Agreement::Exact), []);
        assert_eq!(matches(&gold, &[At(8, 20), At(8, 20)], Agreement::Exact), [(1, 0)]);
    }
}
