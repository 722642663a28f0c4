//! What becomes of a product's sums before they are stored: bias, GELU, residual, the format of the store.

#![deny(unsafe_code)]

use std::marker::PhantomData;

use super::{
    RowScale,
    element::{Element, Stored},
    functions::{GELU_DENOMINATOR, GELU_END, GELU_NUMERATOR},
    lanes::Lanes,
    product::Finish,
};
use crate::matrix::Matrix;

/// A function of each number.
pub(super) trait Activation<L: Lanes> {
    /// Its value.
    fn apply(lanes: L, floats: L::Floats) -> L::Floats;
}

/// The number itself.
pub(super) struct Identity;

/// GELU.
pub(super) struct Gelu;

impl<L: Lanes> Activation<L> for Identity {
    #[inline(always)]
    fn apply(_: L, floats: L::Floats) -> L::Floats {
        floats
    }
}

impl<L: Lanes> Activation<L> for Gelu {
    #[inline(always)]
    fn apply(lanes: L, x: L::Floats) -> L::Floats {
        let bounded = lanes.minimum(lanes.maximum(x, lanes.splat(-GELU_END)), lanes.splat(GELU_END));
        let square = lanes.multiply(bounded, bounded);
        let above = polynomial(lanes, square, &GELU_NUMERATOR);
        let below = lanes.reciprocal(polynomial(lanes, square, &GELU_DENOMINATOR));
        let half = lanes.multiply_add(lanes.multiply(bounded, above), below, lanes.splat(0.5));
        lanes.multiply(x, half)
    }
}

/// A polynomial, lowest power first.
#[inline(always)]
pub(super) fn polynomial<L: Lanes, const TERMS: usize>(lanes: L, x: L::Floats, terms: &[f32; TERMS]) -> L::Floats {
    let mut sum = lanes.splat(terms[TERMS - 1]);
    for term in terms[..TERMS - 1].iter().rev() {
        sum = lanes.multiply_add(sum, x, lanes.splat(*term));
    }
    sum
}

/// Where the numbers go.
pub(super) trait Destination<L: Lanes> {
    /// Writes those of a row from `column` on.
    fn write<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, floats: [L::Floats; VECTORS]);
}

/// Rows of `E`, `stride` apart, of which `columns` are written.
pub(super) struct Store<'a, L: Lanes, E: Stored<L>> {
    pub values: &'a mut [E::Value],
    pub stride: usize,
    pub columns: usize,
}

impl<L: Lanes, E: Stored<L>> Destination<L> for Store<'_, L, E> {
    #[inline(always)]
    fn write<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, floats: [L::Floats; VECTORS]) {
        let count = self.columns - column;
        let values = &mut self.values[row * self.stride + column..];
        if count >= VECTORS * L::COUNT {
            let values = &mut values[..VECTORS * L::COUNT];
            for (vector, floats) in floats.into_iter().enumerate() {
                E::store(lanes, &mut values[vector * L::COUNT..], floats);
            }
        } else {
            let values = &mut values[..count];
            for (values, floats) in values.chunks_mut(L::COUNT).zip(floats) {
                E::store_part(lanes, values, floats);
            }
        }
    }
}

/// Rows of f32, `stride` apart, to whose first `columns` numbers is added.
pub(super) struct Add<'a> {
    pub values: &'a mut [f32],
    pub stride: usize,
    pub columns: usize,
}

impl<L: Lanes> Destination<L> for Add<'_> {
    #[inline(always)]
    fn write<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, floats: [L::Floats; VECTORS]) {
        let count = self.columns - column;
        let values = &mut self.values[row * self.stride + column..];
        if count >= VECTORS * L::COUNT {
            let values = &mut values[..VECTORS * L::COUNT];
            for (vector, floats) in floats.into_iter().enumerate() {
                let values = &mut values[vector * L::COUNT..];
                lanes.store(values, lanes.add(lanes.load(values), floats));
            }
        } else {
            let values = &mut values[..count];
            for (values, floats) in values.chunks_mut(L::COUNT).zip(floats) {
                lanes.store_part(values, lanes.add(lanes.load_part(values), floats));
            }
        }
    }
}

/// The end of a product with a weight matrix.
pub(super) struct Dense<'a, A, D> {
    pub matrix: &'a Matrix,
    /// Of each row, when rows are bytes.
    pub scales: &'a [RowScale],
    pub destination: D,
    pub activation: PhantomData<A>,
}

impl<L: Lanes, E: Element<L>, A: Activation<L>, D: Destination<L>> Finish<L, E> for Dense<'_, A, D> {
    #[inline(always)]
    fn finish<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, sums: [E::Sum; VECTORS]) {
        let scale = self.scales.get(row).copied().unwrap_or_default();
        let mut floats = E::values(lanes, sums, self.matrix, column, scale);
        for own in &mut floats {
            *own = A::apply(lanes, *own);
        }
        self.destination.write(lanes, row, column, floats);
    }
}

/// Sums as they are.
pub(super) struct Raw<D>(pub D);

impl<L: Lanes, E: Element<L, Sum = L::Floats>, D: Destination<L>> Finish<L, E> for Raw<D> {
    #[inline(always)]
    fn finish<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, sums: [L::Floats; VECTORS]) {
        self.0.write(lanes, row, column, sums);
    }
}

/// Sums times a number of their row.
pub(super) struct Scaled<'a, D> {
    pub factors: &'a [f32],
    pub destination: D,
}

impl<L: Lanes, E: Element<L, Sum = L::Floats>, D: Destination<L>> Finish<L, E> for Scaled<'_, D> {
    #[inline(always)]
    fn finish<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, sums: [L::Floats; VECTORS]) {
        let factor = lanes.splat(self.factors[row]);
        let mut floats = sums;
        for own in &mut floats {
            *own = lanes.multiply(*own, factor);
        }
        self.destination.write(lanes, row, column, floats);
    }
}
