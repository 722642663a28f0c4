//! Where chance comes from: SplitMix64 (Steele, Lea and Flood, 2014), written out here so that a result can be had again whatever becomes of
//! other generators.

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// How often.
    pub draws: usize,
    /// From where.
    pub seed: u64,
}

/// A source of draws.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A whole number below `most`, 0 where that is 0; the bias of the product is below 2⁻⁴⁰ for whatever fits into memory.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from((u128::from(self.next_bits()) * most as u128) >> 64).unwrap_or(0)
    }

    /// A number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts a drawn choice of `first` of the values before all others, by the first steps of a shuffle.
    pub fn choose<T>(&mut self, values: &mut [T], first: usize) {
        for at in 0..first.min(values.len()) {
            let other = at + self.below(values.len() - at);
            values.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut draws = Draws::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| draws.next_bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn every_choice_comes_about_equally_often() {
        let mut draws = Draws::new(3);
        let mut counts = [0_u32; 10];
        let mut values: Vec<usize> = (0..10).collect();
        for _ in 0..10_000 {
            draws.choose(&mut values, 3);
            values[..3].iter().for_each(|value| counts[*value] += 1);
        }
        assert!(counts.iter().all(|count| (2_850..3_150).contains(count)), "{counts:?}");
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&draws.unit())));
        assert_eq!(draws.below(0), 0);
    }
}
