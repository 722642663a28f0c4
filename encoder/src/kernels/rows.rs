//! What is done row by row: layer norm, softmax, other formats.

#![deny(unsafe_code)]

use super::{
    Norm, RowScale,
    element::Stored,
    finish::polynomial,
    functions::{LOWEST_EXPONENT, POWER},
    lanes::Lanes,
};

/// Layer norm of a row in place.
#[inline(always)]
pub(super) fn normalize<L: Lanes>(lanes: L, row: &mut [f32], norm: &Norm) {
    #[expect(clippy::cast_precision_loss, reason = "a row has a few thousand numbers")]
    let count = norm.width as f32;
    let row = &mut row[..norm.width];
    let zero = lanes.splat(0.0);
    let mut sum = zero;
    let mut chunks = row.chunks_exact(L::COUNT);
    for values in &mut chunks {
        sum = lanes.add(sum, lanes.load(values));
    }
    sum = lanes.add(sum, lanes.load_part(chunks.remainder()));
    let mean = lanes.splat(lanes.sum(sum) / count);
    let mut squares = zero;
    let mut chunks = row.chunks_exact(L::COUNT);
    for values in &mut chunks {
        let rest = lanes.subtract(lanes.load(values), mean);
        squares = lanes.multiply_add(rest, rest, squares);
    }
    let tail = chunks.remainder();
    let rest = lanes.first(lanes.subtract(lanes.load_part(tail), mean), tail.len(), zero);
    squares = lanes.multiply_add(rest, rest, squares);
    let inverse = lanes.splat(1.0 / (lanes.sum(squares) / count + norm.epsilon).sqrt());
    let (weights, biases) = (norm.weight.as_slice(), norm.bias.as_slice());
    for ((values, weight), bias) in
        row.chunks_mut(L::COUNT).zip(weights.chunks_exact(L::COUNT)).zip(biases.chunks_exact(L::COUNT))
    {
        let whole = values.len() == L::COUNT;
        let own = if whole { lanes.load(values) } else { lanes.load_part(values) };
        let own = lanes.multiply(lanes.subtract(own, mean), inverse);
        let own = lanes.multiply_add(own, lanes.load(weight), lanes.load(bias));
        if whole { lanes.store(values, own) } else { lanes.store_part(values, own) }
    }
}

/// A row as numbers of `E`; what pads the last vector is zero.
#[inline(always)]
pub(super) fn convert<L: Lanes, E: Stored<L>>(lanes: L, row: &[f32], copy: &mut [E::Value]) {
    for (values, copy) in row.chunks(L::COUNT).zip(copy.chunks_mut(L::COUNT)) {
        let own = if values.len() == L::COUNT { lanes.load(values) } else { lanes.load_part(values) };
        E::store_part(lanes, copy, own);
    }
}

/// A row as bytes between its lowest and its highest number.
#[inline(always)]
pub(super) fn quantize<L: Lanes>(lanes: L, row: &[f32], bytes: &mut [u8]) -> RowScale {
    let (mut low, mut high) = (lanes.splat(f32::INFINITY), lanes.splat(f32::NEG_INFINITY));
    let mut chunks = row.chunks_exact(L::COUNT);
    for values in &mut chunks {
        let own = lanes.load(values);
        (low, high) = (lanes.minimum(low, own), lanes.maximum(high, own));
    }
    let tail = lanes.load_part(chunks.remainder());
    let count = chunks.remainder().len();
    low = lanes.minimum(low, lanes.first(tail, count, low));
    high = lanes.maximum(high, lanes.first(tail, count, high));
    let (lowest, highest) = (lanes.lowest(low), lanes.highest(high));
    let scale = (highest - lowest) / 255.0;
    let inverse = lanes.splat(if scale > 0.0 { 1.0 / scale } else { 0.0 });
    let shift = lanes.splat(lowest);
    for (values, bytes) in row.chunks(L::COUNT).zip(bytes.chunks_exact_mut(L::COUNT)) {
        let own = if values.len() == L::COUNT { lanes.load(values) } else { lanes.load_part(values) };
        lanes.store_bytes(bytes, lanes.multiply(lanes.subtract(own, shift), inverse));
    }
    RowScale { scale, lowest }
}

/// Softmax over a row's first `length` scores, as powers of two: the weights before they are divided by their sum, zeros up to
/// the end of the last vector, and one divided by the sum.
#[inline(always)]
pub(super) fn softmax<L: Lanes, E: Stored<L>>(lanes: L, scores: &[f32], length: usize, weights: &mut [E::Value]) -> f32 {
    let whole = length / L::COUNT;
    let rest = length % L::COUNT;
    let (zero, none) = (lanes.splat(0.0), lanes.splat(f32::NEG_INFINITY));
    let mut high = none;
    for values in scores.chunks_exact(L::COUNT).take(whole) {
        high = lanes.maximum(high, lanes.load(values));
    }
    if rest > 0 {
        high = lanes.maximum(high, lanes.first(lanes.load(&scores[whole * L::COUNT..]), rest, none));
    }
    let high = lanes.splat(lanes.highest(high));
    let mut total = zero;
    for (values, weights) in scores.chunks_exact(L::COUNT).zip(weights.chunks_exact_mut(L::COUNT)).take(whole) {
        let power = power_of_two(lanes, lanes.subtract(lanes.load(values), high));
        total = lanes.add(total, power);
        E::store(lanes, weights, power);
    }
    if rest > 0 {
        let power = power_of_two(lanes, lanes.subtract(lanes.load(&scores[whole * L::COUNT..]), high));
        let power = lanes.first(power, rest, zero);
        total = lanes.add(total, power);
        E::store(lanes, &mut weights[whole * L::COUNT..], power);
    }
    1.0 / lanes.sum(total)
}

/// `2^x` for x up to 0.
#[inline(always)]
fn power_of_two<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let x = lanes.maximum(x, lanes.splat(LOWEST_EXPONENT));
    let whole = lanes.round(x);
    lanes.scale_by_power(polynomial(lanes, lanes.subtract(x, whole), &POWER), whole)
}
