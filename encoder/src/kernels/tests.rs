//! Every kernel on every instruction set of this CPU against plain f64.

use proptest::prelude::*;

use super::{AttentionMemory, Kernels, Norm, RowScale, Target, Values, ValuesMut, Window, kernels};
use crate::{
    Instructions,
    buffer::{Aligned, round_up},
    matrix::{Format, Matrix, to_half},
};

fn available() -> impl Iterator<Item = (Instructions, Box<dyn Kernels>)> {
    Instructions::ALL.into_iter().filter_map(|instructions| Some((instructions, kernels(instructions)?)))
}

/// Numbers between -1 and 1 that depend on the seed only.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn from_half(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

fn exact_gelu(x: f64) -> f64 {
    // Φ by its series, which converges quickly enough for |x| < 8
    if x.abs() > 7.0 {
        return x.max(0.0);
    }
    let (mut term, mut sum) = (x, x);
    for step in 1..200 {
        term *= x * x / f64::from(2 * step + 1);
        sum += term;
    }
    x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())
}

/// Rows as a product reads them, and what they stand for.
struct Operand {
    singles: Vec<f32>,
    halves: Vec<u16>,
    bytes: Vec<u8>,
    scales: Vec<RowScale>,
    stride: usize,
    exact: Vec<Vec<f64>>,
}

fn operand(kernels: &dyn Kernels, format: Format, (rows, width): (usize, usize), seed: u64) -> Operand {
    let stride = round_up(width, 64);
    let values = numbers(seed, rows * width);
    let mut own = Operand {
        singles: vec![0.0; rows * stride],
        halves: vec![0; rows * stride],
        bytes: vec![0; rows * stride],
        scales: vec![RowScale::default(); rows],
        stride,
        exact: Vec::new(),
    };
    for (row, values) in values.chunks(width).enumerate() {
        own.singles[row * stride..][..width].copy_from_slice(values);
    }
    let strides = (rows, stride, stride);
    match format {
        Format::Single => {}
        Format::Pair => kernels.convert(&own.singles, width, ValuesMut::Halves(&mut own.halves), strides),
        Format::Quad { .. } => {
            kernels.convert(&own.singles, width, ValuesMut::Bytes(&mut own.bytes, &mut own.scales), strides);
        }
    }
    let exact = |row: usize, column: usize| match format {
        Format::Single => f64::from(own.singles[row * stride + column]),
        Format::Pair => {
            let half = own.halves[row * stride + column];
            assert_eq!(half, to_half(own.singles[row * stride + column]));
            f64::from(from_half(half))
        }
        Format::Quad { .. } => {
            let RowScale { scale, lowest } = own.scales[row];
            let value = f64::from(own.bytes[row * stride + column]) * f64::from(scale) + f64::from(lowest);
            let given = f64::from(own.singles[row * stride + column]);
            assert!((value - given).abs() <= f64::from(scale) * 0.51 + 1e-6, "{value} is not {given}");
            value
        }
    };
    own.exact = (0..rows).map(|row| (0..width).map(|column| exact(row, column)).collect()).collect();
    own
}

impl Operand {
    fn values(&self, format: Format) -> Values<'_> {
        match format {
            Format::Single => Values::Singles(&self.singles),
            Format::Pair => Values::Halves(&self.halves),
            Format::Quad { .. } => Values::Bytes(&self.bytes, &self.scales),
        }
    }
}

/// What a packed weight stands for.
fn exact_weight(matrix: &Matrix, weight: f32, column: usize) -> f64 {
    match matrix.format {
        Format::Single => f64::from(weight),
        Format::Pair => f64::from(from_half(to_half(weight))),
        Format::Quad { .. } => {
            let scale = matrix.scales.as_slice()[column];
            f64::from((weight * (1.0 / scale)).round_ties_even()) * f64::from(scale)
        }
    }
}

fn formats(instructions: Instructions) -> Vec<Format> {
    let mut formats = vec![Format::Single];
    if instructions != Instructions::Portable {
        formats.push(Format::Quad { pair_limit: instructions.pair_limit() });
    }
    if instructions.has_bf16() {
        formats.push(Format::Pair);
    }
    formats
}

fn check_product((rows, inputs, outputs): (usize, usize, usize), seed: u64) {
    let weights = numbers(seed ^ 1, outputs * inputs);
    let bias = numbers(seed ^ 2, outputs);
    for (instructions, kernels) in available() {
        for format in formats(instructions) {
            let own = operand(&*kernels, format, (rows, inputs), seed);
            let matrix = Matrix::pack(&weights, &bias, format, kernels.lanes());
            // rows that are apart, and rows that touch
            for stride in [round_up(outputs, 16), outputs] {
                let before = numbers(seed ^ 3, rows * stride);
                let (mut plain, mut gelu, mut added) = (before.clone(), before.clone(), before.clone());
                let strides = (rows, (own.stride, stride));
                kernels.product(own.values(format), &matrix, Target::Plain(ValuesMut::Singles(&mut plain)), strides);
                kernels.product(own.values(format), &matrix, Target::Gelu(ValuesMut::Singles(&mut gelu)), strides);
                kernels.product(own.values(format), &matrix, Target::Added(&mut added), strides);
                for (row, column) in (0..rows).flat_map(|row| (0..outputs).map(move |column| (row, column))) {
                    let mut exact = f64::from(bias[column]);
                    for (value, weight) in own.exact[row].iter().zip(&weights[column * inputs..]) {
                        // the lowest value of a row of bytes meets the weights as they were before
                        let lowest =
                            if matches!(format, Format::Quad { .. }) { f64::from(own.scales[row].lowest) } else { 0.0 };
                        exact += (value - lowest) * exact_weight(&matrix, *weight, column) + lowest * f64::from(*weight);
                    }
                    let at = row * stride + column;
                    let case = format!("{instructions:?} {format:?} {rows}x{inputs}x{outputs} row {row} column {column}");
                    assert!((f64::from(plain[at]) - exact).abs() < 1e-4, "{case}: {} not {exact}", plain[at]);
                    assert!((f64::from(gelu[at]) - exact_gelu(exact)).abs() < 1e-4, "{case}: gelu {}", gelu[at]);
                    let sum = exact + f64::from(before[at]);
                    assert!((f64::from(added[at]) - sum).abs() < 1e-4, "{case}: added {}", added[at]);
                }
            }
        }
    }
}

fn check_attention((length, heads, width): (usize, usize, usize), before: usize, seed: u64) {
    let hidden = heads * width;
    let (stride, context_stride) = (round_up(3 * hidden, 64), round_up(hidden, 64));
    let rows = before + length;
    let singles: Vec<f32> = numbers(seed, rows * stride).into_iter().map(|value| value * 2.0).collect();
    let halves: Vec<u16> = singles.iter().map(|value| to_half(*value)).collect();
    let queries = (length / 3, length - length / 5);
    let window = Window { first: before, length, queries, heads, width, stride, context_stride };
    for (instructions, kernels) in available() {
        for half in [false, true] {
            if half && !instructions.has_bf16() {
                continue;
            }
            let values = if half { Values::Halves(&halves) } else { Values::Singles(&singles) };
            let exact = |row: usize, column: usize| {
                let at = (before + row) * stride + column;
                f64::from(if half { from_half(halves[at]) } else { singles[at] })
            };
            let mut context = vec![7.0_f32; rows * context_stride];
            let mut memory = AttentionMemory::default();
            kernels.attend(values, window, &mut memory, ValuesMut::Singles(&mut context));
            let (first, end) = ((before + queries.0) * context_stride, (before + queries.1) * context_stride);
            let others = context[..first].iter().chain(&context[end..]);
            assert!(others.copied().all(|value| value == 7.0), "rows that were not asked for changed");
            for (head, query) in (0..heads).flat_map(|head| (queries.0..queries.1).map(move |query| (head, query))) {
                let own = head * width;
                let score = |key: usize| -> f64 {
                    (0..width).map(|at| exact(query, own + at) * exact(key, hidden + own + at)).sum::<f64>().exp2()
                };
                let weights: Vec<f64> = (0..length).map(score).collect();
                let total: f64 = weights.iter().sum();
                for column in 0..width {
                    let expected =
                        weights.iter().enumerate().map(|(key, weight)| weight / total * exact(key, 2 * hidden + own + column));
                    let expected: f64 = expected.sum();
                    let found = f64::from(context[(before + query) * context_stride + own + column]);
                    let near = if half { 2e-2 } else { 1e-4 };
                    assert!((found - expected).abs() < near, "{instructions:?} {half} {window:?}: {found} not {expected}");
                }
            }
        }
    }
}

impl std::fmt::Debug for Window {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} rows, {} heads of {}", self.length, self.heads, self.width)
    }
}

fn padded(values: &[f32]) -> Aligned<f32> {
    let mut padded = Aligned::zeroed(round_up(values.len(), 16));
    padded.as_mut_slice()[..values.len()].copy_from_slice(values);
    padded
}

fn check_norm(rows: usize, width: usize, seed: u64) {
    let stride = round_up(width, 64);
    let (weight, bias) = (numbers(seed ^ 1, width), numbers(seed ^ 2, width));
    let norm = Norm { weight: padded(&weight), bias: padded(&bias), width, epsilon: 1e-6 };
    let before: Vec<f32> = numbers(seed, rows * stride).into_iter().map(|value| value * 3.0 + 5.0).collect();
    for (instructions, kernels) in available() {
        let (mut own, mut halves) = (before.clone(), vec![1_u16; rows * stride]);
        let copy = instructions.has_bf16().then_some(ValuesMut::Halves(&mut halves));
        let copied = copy.is_some();
        kernels.normalize(&mut own, &norm, copy, (rows, stride, stride));
        for row in 0..rows {
            let given: Vec<f64> = before[row * stride..][..width].iter().map(|value| f64::from(*value)).collect();
            let mean = given.iter().sum::<f64>() / width as f64;
            let variance = given.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / width as f64;
            for column in 0..width {
                let exact =
                    (given[column] - mean) / (variance + 1e-6).sqrt() * f64::from(weight[column]) + f64::from(bias[column]);
                let at = row * stride + column;
                assert!((f64::from(own[at]) - exact).abs() < 2e-3, "{instructions:?} {width}: {} not {exact}", own[at]);
                assert!(!copied || halves[at] == to_half(own[at]));
            }
            let pad = &halves[row * stride + width..][..width.next_multiple_of(8) - width];
            assert!(!copied || pad.iter().all(|half| *half == 0), "{instructions:?}: what pads a vector is zero");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 48 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products(rows in 1_usize..21, inputs in 1_usize..90, outputs in 1_usize..120, seed: u64) {
        check_product((rows, inputs, outputs), seed);
    }

    #[test]
    fn attention(length in 1_usize..70, heads in 1_usize..4, width in 1_usize..40, before in 0_usize..3, seed: u64) {
        check_attention((length, heads, width), before, seed);
    }

    #[test]
    fn norms(rows in 1_usize..5, width in 2_usize..100, seed: u64) {
        check_norm(rows, width, seed);
    }
}

#[test]
fn products_at_the_edges_of_tiles_and_panels() {
    for shape in [(1, 1, 1), (8, 4, 48), (9, 5, 49), (16, 64, 96), (3, 384, 20)] {
        check_product(shape, 7);
    }
}

#[test]
fn bytes_never_overflow() {
    // all weights and values at their largest: without VNNI two of them are summed in 16 bits
    for (instructions, kernels) in available().filter(|(instructions, _)| *instructions != Instructions::Portable) {
        let format = Format::Quad { pair_limit: instructions.pair_limit() };
        let matrix = Matrix::pack(&[1.0; 64], &[0.0], format, kernels.lanes());
        let mut row = vec![1.0; 64];
        row[0] = 0.0;
        let (mut bytes, mut scales) = (vec![0; 64], vec![RowScale::default()]);
        kernels.convert(&row, 64, ValuesMut::Bytes(&mut bytes, &mut scales), (1, 64, 64));
        let mut out = [0.0];
        let target = Target::Plain(ValuesMut::Singles(&mut out));
        kernels.product(Values::Bytes(&bytes, &scales), &matrix, target, (1, (64, 1)));
        assert!((out[0] - 63.0).abs() < 0.6, "{instructions:?}: {}", out[0]);
    }
}
