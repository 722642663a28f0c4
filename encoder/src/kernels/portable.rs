//! The kernels in plain Rust, f32 only: for any CPU, and what Miri can run.

#![deny(unsafe_code)]

use super::{
    AttentionMemory, Kernels, Norm, Target, Values, ValuesMut, Window,
    functions::{gelu, power_of_two},
};
use crate::matrix::{Matrix, PANEL_VECTORS};

/// Numbers that the compiler is left to put into vectors of whatever the target has.
const LANES: usize = 4;
const PANEL: usize = PANEL_VECTORS * LANES;

/// Plain Rust.
pub(super) struct Portable;

const ONLY_SINGLES: &str = "the portable kernels compute in f32";

impl Kernels for Portable {
    fn lanes(&self) -> usize {
        LANES
    }

    fn product(&self, input: Values<'_>, matrix: &Matrix, target: Target<'_>, (count, strides): (usize, (usize, usize))) {
        let Values::Singles(rows) = input else { unreachable!("{ONLY_SINGLES}") };
        let (values, finish): (_, fn(f32, f32) -> f32) = match target {
            Target::Plain(ValuesMut::Singles(values)) => (values, |_, sum| sum),
            Target::Gelu(ValuesMut::Singles(values)) => (values, |_, sum| gelu(sum)),
            Target::Added(values) => (values, |old, sum| old + sum),
            _ => unreachable!("{ONLY_SINGLES}"),
        };
        for first in (0..matrix.outputs).step_by(PANEL) {
            let width = PANEL.min((matrix.outputs - first).next_multiple_of(LANES));
            let panel = &matrix.words.as_slice()[first * matrix.depth..][..width * matrix.depth];
            for index in 0..count {
                let row = &rows[index * strides.0..][..matrix.depth];
                let mut sums = [0.0; PANEL];
                for (value, weights) in row.iter().zip(panel.chunks_exact(width)) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += value * f32::from_bits(*weight);
                    }
                }
                let columns = width.min(matrix.outputs - first);
                let target = &mut values[index * strides.1 + first..][..columns];
                let bias = &matrix.bias.as_slice()[first..];
                for ((target, sum), bias) in target.iter_mut().zip(sums).zip(bias) {
                    *target = finish(*target, sum + bias);
                }
            }
        }
    }

    fn attend(&self, input: Values<'_>, window: Window, memory: &mut AttentionMemory, context: ValuesMut<'_>) {
        let (Values::Singles(input), ValuesMut::Singles(context)) = (input, context) else { unreachable!("{ONLY_SINGLES}") };
        let Window { first, length, queries, heads, width, stride, context_stride } = window;
        let hidden = heads * width;
        memory.scores.reserve(length);
        let scores = &mut memory.scores.as_mut_slice()[..length];
        for (head, query) in (0..heads).flat_map(|head| (first + queries.0..first + queries.1).map(move |query| (head, query)))
        {
            let part = |row: usize, part: usize| &input[row * stride + part * hidden + head * width..][..width];
            let own = part(query, 0);
            for (score, key) in scores.iter_mut().zip(first..) {
                *score = own.iter().zip(part(key, 1)).map(|(query, key)| query * key).sum();
            }
            let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut total = 0.0;
            for score in scores.iter_mut() {
                *score = power_of_two(*score - highest);
                total += *score;
            }
            let target = &mut context[query * context_stride + head * width..][..width];
            target.fill(0.0);
            for (weight, value) in scores.iter().zip(first..) {
                for (target, value) in target.iter_mut().zip(part(value, 2)) {
                    *target += weight / total * value;
                }
            }
        }
    }

    fn normalize(&self, rows: &mut [f32], norm: &Norm, copy: Option<ValuesMut<'_>>, strides: (usize, usize, usize)) {
        assert!(copy.is_none(), "{ONLY_SINGLES}");
        #[expect(clippy::cast_precision_loss, reason = "a row has a few thousand numbers")]
        let width = norm.width as f32;
        for index in 0..strides.0 {
            let row = &mut rows[index * strides.1..][..norm.width];
            let mean = row.iter().sum::<f32>() / width;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / width;
            let inverse = 1.0 / (variance + norm.epsilon).sqrt();
            for ((value, weight), bias) in row.iter_mut().zip(norm.weight.as_slice()).zip(norm.bias.as_slice()) {
                *value = (*value - mean) * inverse * weight + bias;
            }
        }
    }

    fn convert(&self, _: &[f32], _: usize, _: ValuesMut<'_>, _: (usize, usize, usize)) {
        unreachable!("{ONLY_SINGLES}");
    }
}
