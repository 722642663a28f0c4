//! The three kinds of numbers that products are made of: f32, pairs of bf16, quads of bytes.

#![deny(unsafe_code)]

use super::{RowScale, lanes::Lanes};
use crate::matrix::Matrix;

/// A kind of number on a vector unit.
pub(super) trait Element<L: Lanes>: Copy {
    /// How rows hold it.
    type Value: Copy;
    /// How many of them are a word.
    const PER_WORD: usize;
    /// A vector of running sums.
    type Sum: Copy;

    /// Sums of nothing.
    fn zero(lanes: L) -> Self::Sum;
    /// Adds the products of two vectors of words.
    fn step(lanes: L, sum: Self::Sum, row: L::Words, weights: L::Words) -> Self::Sum;
    /// What sums are worth: a row's output at `column` and after, its bias added.
    fn values<const VECTORS: usize>(
        lanes: L,
        sums: [Self::Sum; VECTORS],
        matrix: &Matrix,
        column: usize,
        scale: RowScale,
    ) -> [L::Floats; VECTORS];
}

/// A kind of number that f32 can be stored as.
pub(super) trait Stored<L: Lanes>: Element<L> {
    /// Into the first of a slice that has enough of them.
    fn store(lanes: L, values: &mut [Self::Value], floats: L::Floats);
    /// As many as the slice has room for.
    fn store_part(lanes: L, values: &mut [Self::Value], floats: L::Floats);
    /// Up to `PER_WORD` numbers as a word, the missing ones as zero.
    fn word(values: &[Self::Value]) -> u32;
}

/// f32.
#[derive(Clone, Copy)]
pub(super) struct Single;

/// Two bf16.
#[derive(Clone, Copy)]
pub(super) struct Pair;

/// Four bytes, unsigned in rows and signed in weights.
#[derive(Clone, Copy)]
pub(super) struct Quad;

impl<L: Lanes> Element<L> for Single {
    type Value = f32;
    const PER_WORD: usize = 1;
    type Sum = L::Floats;

    #[inline(always)]
    fn zero(lanes: L) -> L::Floats {
        lanes.splat(0.0)
    }

    #[inline(always)]
    fn step(lanes: L, sum: L::Floats, row: L::Words, weights: L::Words) -> L::Floats {
        lanes.multiply_add(lanes.as_floats(row), lanes.as_floats(weights), sum)
    }

    #[inline(always)]
    fn values<const VECTORS: usize>(
        lanes: L,
        sums: [L::Floats; VECTORS],
        matrix: &Matrix,
        column: usize,
        _: RowScale,
    ) -> [L::Floats; VECTORS] {
        biased(lanes, sums, matrix, column)
    }
}

impl<L: Lanes> Stored<L> for Single {
    #[inline(always)]
    fn store(lanes: L, values: &mut [f32], floats: L::Floats) {
        lanes.store(values, floats);
    }

    #[inline(always)]
    fn store_part(lanes: L, values: &mut [f32], floats: L::Floats) {
        lanes.store_part(values, floats);
    }

    #[inline(always)]
    fn word(values: &[f32]) -> u32 {
        values[0].to_bits()
    }
}

impl<L: Lanes> Element<L> for Pair {
    type Value = u16;
    const PER_WORD: usize = 2;
    type Sum = L::Floats;

    #[inline(always)]
    fn zero(lanes: L) -> L::Floats {
        lanes.splat(0.0)
    }

    #[inline(always)]
    fn step(lanes: L, sum: L::Floats, row: L::Words, weights: L::Words) -> L::Floats {
        lanes.dot_pairs(sum, row, weights)
    }

    #[inline(always)]
    fn values<const VECTORS: usize>(
        lanes: L,
        sums: [L::Floats; VECTORS],
        matrix: &Matrix,
        column: usize,
        _: RowScale,
    ) -> [L::Floats; VECTORS] {
        biased(lanes, sums, matrix, column)
    }
}

impl<L: Lanes> Stored<L> for Pair {
    #[inline(always)]
    fn store(lanes: L, values: &mut [u16], floats: L::Floats) {
        lanes.store_halves(values, floats);
    }

    #[inline(always)]
    fn store_part(lanes: L, values: &mut [u16], floats: L::Floats) {
        lanes.store_halves_part(values, floats);
    }

    #[inline(always)]
    fn word(values: &[u16]) -> u32 {
        u32::from(values[0]) | values.get(1).map_or(0, |second| u32::from(*second) << 16)
    }
}

impl<L: Lanes> Element<L> for Quad {
    type Value = u8;
    const PER_WORD: usize = 4;
    type Sum = L::Words;

    #[inline(always)]
    fn zero(lanes: L) -> L::Words {
        lanes.zero_words()
    }

    #[inline(always)]
    fn step(lanes: L, sum: L::Words, row: L::Words, weights: L::Words) -> L::Words {
        lanes.dot_bytes(sum, row, weights)
    }

    /// Σ (lowest + scale · byte) · weight = lowest · Σ weight + scale · Σ byte · weight
    #[inline(always)]
    fn values<const VECTORS: usize>(
        lanes: L,
        sums: [L::Words; VECTORS],
        matrix: &Matrix,
        column: usize,
        row: RowScale,
    ) -> [L::Floats; VECTORS] {
        let mut floats = [lanes.splat(0.0); VECTORS];
        let (lowest, scale) = (lanes.splat(row.lowest), lanes.splat(row.scale));
        let own = column..column + VECTORS * L::COUNT;
        let totals = &matrix.totals.as_slice()[own.clone()];
        let biases = &matrix.bias.as_slice()[own.clone()];
        let scales = &matrix.scales.as_slice()[own];
        for (vector, (float, sum)) in floats.iter_mut().zip(sums).enumerate() {
            let from = vector * L::COUNT;
            let shift = lanes.multiply_add(lowest, lanes.load(&totals[from..]), lanes.load(&biases[from..]));
            let step = lanes.multiply(scale, lanes.load(&scales[from..]));
            *float = lanes.multiply_add(lanes.whole_floats(sum), step, shift);
        }
        floats
    }
}

#[inline(always)]
fn biased<L: Lanes, const VECTORS: usize>(
    lanes: L,
    sums: [L::Floats; VECTORS],
    matrix: &Matrix,
    column: usize,
) -> [L::Floats; VECTORS] {
    let mut floats = sums;
    let biases = &matrix.bias.as_slice()[column..column + VECTORS * L::COUNT];
    for (vector, float) in floats.iter_mut().enumerate() {
        *float = lanes.add(*float, lanes.load(&biases[vector * L::COUNT..]));
    }
    floats
}
