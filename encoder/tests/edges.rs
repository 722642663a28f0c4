//! Encoders of any shape against the same computation in f64, and inputs at the edges: short, empty, many, wrong.

use abstractor_encoder::{
    Encoder, Input, InputError, Instructions, LayerWeights, LinearWeights, NormWeights, Precision, Scratch, Shape, ShapeError,
    Weights,
};

/// Numbers between -1 and 1 that depend on the seed only.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn list(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// Names of the tensors: words, positions, types, norm weight and bias, head weight and bias, then sixteen of each layer.
struct Tensors(Vec<Vec<f32>>);

impl Tensors {
    fn new(shape: &Shape, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let (hidden, intermediate) = (shape.hidden, shape.intermediate);
        let mut sizes = vec![shape.vocabulary * hidden, shape.positions * hidden, shape.types * hidden, hidden, hidden];
        sizes.extend([shape.columns * hidden, shape.columns]);
        for _ in 0..shape.layers {
            for (outputs, inputs) in [(hidden, hidden), (hidden, hidden), (hidden, hidden), (hidden, hidden)] {
                sizes.extend([outputs * inputs, outputs]);
            }
            sizes.extend([hidden, hidden, intermediate * hidden, intermediate, hidden * intermediate, hidden, hidden, hidden]);
        }
        Self(sizes.into_iter().map(|size| numbers.list(size)).collect())
    }

    fn weights(&self, layers: usize) -> Weights<'_> {
        let linear = |at: usize| LinearWeights { weight: &self.0[at], bias: &self.0[at + 1] };
        let norm = |at: usize| NormWeights { weight: &self.0[at], bias: &self.0[at + 1] };
        let layer = |index: usize| {
            let at = 7 + 16 * index;
            LayerWeights {
                query: linear(at),
                key: linear(at + 2),
                value: linear(at + 4),
                attention_output: linear(at + 6),
                attention_norm: norm(at + 8),
                intermediate: linear(at + 10),
                output: linear(at + 12),
                output_norm: norm(at + 14),
            }
        };
        Weights {
            words: &self.0[0],
            positions: &self.0[1],
            types: &self.0[2],
            norm: norm(3),
            head: linear(5),
            layers: (0..layers).map(layer).collect(),
        }
    }
}

type Rows = Vec<Vec<f64>>;

fn linear(rows: &Rows, weights: &LinearWeights<'_>) -> Rows {
    let output = |row: &Vec<f64>, (weight, bias): (&[f32], &f32)| {
        f64::from(*bias) + row.iter().zip(weight).map(|(value, weight)| value * f64::from(*weight)).sum::<f64>()
    };
    rows.iter().map(|row| weights.weight.chunks(row.len()).zip(weights.bias).map(|own| output(row, own)).collect()).collect()
}

fn norm(rows: &Rows, residual: &Rows, weights: &NormWeights<'_>, epsilon: f32) -> Rows {
    let own = |(row, residual): (&Vec<f64>, &Vec<f64>)| {
        let sum: Vec<f64> = row.iter().zip(residual).map(|(value, residual)| value + residual).collect();
        let count = sum.len() as f64;
        let mean = sum.iter().sum::<f64>() / count;
        let variance = sum.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let scaled = sum.iter().map(|value| (value - mean) / (variance + f64::from(epsilon)).sqrt());
        scaled
            .zip(weights.weight.iter().zip(weights.bias))
            .map(|(value, (w, b))| value * f64::from(*w) + f64::from(*b))
            .collect()
    };
    rows.iter().zip(residual).map(own).collect()
}

fn gelu(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for step in 1..300 {
        term *= x * x / f64::from(2 * step + 1);
        sum += term;
    }
    if x.abs() > 8.0 { x.max(0.0) } else { x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()) }
}

/// States after each layer, in f64.
fn states(weights: &Weights<'_>, shape: &Shape, input: &Input<'_>) -> Vec<Rows> {
    let hidden = shape.hidden;
    let row = |table: &[f32], index: usize, column: usize| f64::from(table[index * hidden + column]);
    let embedded: Rows = (0..input.ids.len())
        .map(|at| {
            let (id, kind) = (input.ids[at] as usize, input.types[at] as usize);
            let sum =
                |column| row(weights.words, id, column) + row(weights.types, kind, column) + row(weights.positions, at, column);
            (0..hidden).map(sum).collect()
        })
        .collect();
    let none = vec![vec![0.0; hidden]; embedded.len()];
    let mut all = vec![norm(&embedded, &none, &weights.norm, shape.epsilon)];
    let width = hidden / shape.heads;
    for layer in &weights.layers {
        let before = all[all.len() - 1].clone();
        let [query, key, value] = [&layer.query, &layer.key, &layer.value].map(|part| linear(&before, part));
        let mut context = none.clone();
        for (at, head) in (0..before.len()).flat_map(|at| (0..shape.heads).map(move |head| (at, head))) {
            let own = head * width..(head + 1) * width;
            let score = |other: usize| -> f64 {
                let dot: f64 = own.clone().map(|column| query[at][column] * key[other][column]).sum();
                (dot / (width as f64).sqrt()).exp()
            };
            let scores: Vec<f64> = (0..before.len()).map(score).collect();
            let total: f64 = scores.iter().sum();
            for column in own {
                context[at][column] = scores.iter().zip(&value).map(|(score, value)| score / total * value[column]).sum();
            }
        }
        let attended = norm(&linear(&context, &layer.attention_output), &before, &layer.attention_norm, shape.epsilon);
        let mut wide = linear(&attended, &layer.intermediate);
        wide.iter_mut().flatten().for_each(|value| *value = gelu(*value));
        all.push(norm(&linear(&wide, &layer.output), &attended, &layer.output_norm, shape.epsilon));
    }
    all
}

fn shapes() -> Vec<Shape> {
    let shape = |(hidden, heads, intermediate, layers, columns): (usize, usize, usize, usize, usize)| Shape {
        vocabulary: 30,
        hidden,
        intermediate,
        layers,
        heads,
        positions: 40,
        types: 3,
        epsilon: 1e-6,
        columns,
    };
    [(48, 3, 96, 2, 20), (6, 2, 7, 1, 1), (9, 3, 5, 2, 3), (65, 13, 130, 1, 17), (64, 1, 33, 1, 0), (16, 4, 16, 0, 5)]
        .map(shape)
        .to_vec()
}

fn inputs_of(lengths: &[usize]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let ids = |start: usize, length: usize| (0..length).map(|at| ((start * 7 + at * 5) % 30) as u32).collect();
    let types = |length: usize| (0..length).map(|at| (at % 3) as u32).collect();
    lengths.iter().enumerate().map(|(start, length)| (ids(start, *length), types(*length))).collect()
}

fn as_inputs(of: &[(Vec<u32>, Vec<u32>)]) -> Vec<Input<'_>> {
    of.iter().map(|(ids, types)| Input { ids, types }).collect()
}

fn available() -> impl Iterator<Item = Instructions> {
    Instructions::ALL.into_iter().filter(|instructions| instructions.is_available())
}

#[test]
fn any_shape_equals_the_computation_in_f64() {
    let own = inputs_of(if cfg!(miri) { &[1, 2, 5] } else { &[1, 2, 3, 0, 40, 17, 33] });
    let own = as_inputs(&own);
    // one scratch for all of them
    let mut scratch = Scratch::new();
    for (seed, shape) in shapes().into_iter().enumerate() {
        let tensors = Tensors::new(&shape, seed as u64);
        let weights = tensors.weights(shape.layers);
        for instructions in available() {
            for precision in Precision::ALL {
                let encoder = Encoder::with_instructions(&weights, shape, precision, instructions).expect("packs");
                let near = match encoder.precision_used() {
                    Precision::F32 => 2e-3,
                    Precision::Bf16 => 0.5,
                    Precision::Int8 => 0.7,
                };
                let logits = encoder.logits(&mut scratch, &own).expect("runs");
                let layers: Vec<usize> = (0..=shape.layers).rev().collect();
                let pooled = encoder.pooled(&mut scratch, &own, &layers).expect("runs");
                assert_eq!(pooled.len(), own.len() * layers.len() * shape.hidden);
                for (index, input) in own.iter().enumerate() {
                    let exact = states(&weights, &shape, input);
                    let case = format!("{instructions:?} {precision:?} {shape:?} input {index}");
                    let expected = linear(&exact[shape.layers], &weights.head);
                    assert_eq!(logits.rows(index), input.ids.len());
                    for (row, expected) in logits.input(index).zip(&expected) {
                        assert_eq!(row.len(), expected.len());
                        for (found, expected) in row.iter().zip(expected) {
                            assert!(
                                (f64::from(*found) - expected).abs() < near * (1.0 + expected.abs()),
                                "{case}: {found} not {expected}"
                            );
                        }
                    }
                    let inner = match input.ids.len() {
                        0 => 0..0,
                        1 => 0..1,
                        2 => 1..2,
                        length => 1..length - 1,
                    };
                    let own = &pooled[index * layers.len() * shape.hidden..];
                    for (place, column) in
                        (0..layers.len()).flat_map(|place| (0..shape.hidden).map(move |column| (place, column)))
                    {
                        let sum: f64 =
                            exact[layers[place]].get(inner.clone()).unwrap_or_default().iter().map(|row| row[column]).sum();
                        let expected = sum / inner.len().max(1) as f64;
                        let found = f64::from(own[place * shape.hidden + column]);
                        assert!((found - expected).abs() < near, "{case}: pooled {found} not {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_input_does_not_depend_on_its_batch() {
    let shape = Shape { vocabulary: 30, positions: 40, ..shapes()[0] };
    let tensors = Tensors::new(&shape, 5);
    // one giant batch, of more wordpieces than run at once
    let lengths: Vec<usize> = (0..if cfg!(miri) { 5 } else { 150 }).map(|index| index * 7 % 41).collect();
    let own = inputs_of(&lengths);
    let own = as_inputs(&own);
    let mut scratch = Scratch::new();
    for (instructions, precision) in
        available().flat_map(|instructions| Precision::ALL.map(|precision| (instructions, precision)))
    {
        let encoder = Encoder::with_instructions(&tensors.weights(2), shape, precision, instructions).expect("packs");
        let batched = encoder.logits(&mut scratch, &own).expect("runs");
        let pooled = encoder.pooled(&mut scratch, &own, &[0, 2]).expect("runs");
        let grown = scratch.bytes();
        for (index, input) in own.iter().enumerate() {
            let alone = encoder.logits(&mut scratch, &[*input]).expect("runs");
            assert!(alone.input(0).eq(batched.input(index)), "{instructions:?} {precision:?} {index}");
            let alone = encoder.pooled(&mut scratch, &[*input], &[0, 2]).expect("runs");
            assert_eq!(alone, pooled[index * 96..(index + 1) * 96], "{instructions:?} {precision:?} {index}");
        }
        assert_eq!(scratch.bytes(), grown, "a scratch that has grown stays as it is");
    }
}

#[test]
fn what_is_wanted_does_not_depend_on_the_rest() {
    let shape = Shape { vocabulary: 30, positions: 40, ..shapes()[0] };
    let tensors = Tensors::new(&shape, 7);
    let lengths: Vec<usize> = (0..if cfg!(miri) { 4 } else { 40 }).map(|index| index * 11 % 41).collect();
    let own = inputs_of(&lengths);
    let own = as_inputs(&own);
    // nothing, all, and parts of any place
    let wanted: Vec<std::ops::Range<usize>> = lengths
        .iter()
        .enumerate()
        .map(|(index, length)| (index * 5 % (length + 1)).min(length / 2)..length - (index * 3 % (length / 2 + 1)))
        .collect();
    let mut scratch = Scratch::new();
    for (instructions, precision) in
        available().flat_map(|instructions| Precision::ALL.map(|precision| (instructions, precision)))
    {
        let encoder = Encoder::with_instructions(&tensors.weights(2), shape, precision, instructions).expect("packs");
        let all = encoder.logits(&mut scratch, &own).expect("runs");
        let some = encoder.logits_of(&mut scratch, &own, &wanted).expect("runs");
        for (index, wanted) in wanted.iter().enumerate() {
            let expected: Vec<&[f32]> = all.input(index).skip(wanted.start).take(wanted.len()).collect();
            assert_eq!(some.input(index).collect::<Vec<_>>(), expected, "{instructions:?} {precision:?} {index}");
        }
        assert_eq!(encoder.logits(&mut scratch, &own).expect("runs"), all, "nothing is left behind");
        // one too few, and one beyond an input that has nothing
        let mut beyond = wanted.clone();
        beyond[0].end += 1;
        for wrong in [&wanted[1..], &beyond] {
            assert_eq!(encoder.logits_of(&mut scratch, &own, wrong), Err(InputError::Wanted));
        }
    }
}

#[test]
fn nothing_in_nothing_out() {
    let shape = shapes()[0];
    let tensors = Tensors::new(&shape, 1);
    let encoder = Encoder::new(&tensors.weights(2), shape, Precision::default()).expect("packs");
    let mut scratch = Scratch::new();
    assert_eq!(encoder.logits(&mut scratch, &[]).expect("runs").inputs(), 0);
    assert!(encoder.pooled(&mut scratch, &[], &[0]).expect("runs").is_empty());
    let empty = Input { ids: &[], types: &[] };
    assert_eq!(encoder.logits(&mut scratch, &[empty]).expect("runs").rows(0), 0);
    assert!(encoder.pooled(&mut scratch, &[empty], &[]).expect("runs").is_empty());
}

#[test]
fn what_cannot_be_run_is_refused() {
    let shape = shapes()[0];
    let tensors = Tensors::new(&shape, 1);
    let encoder = Encoder::new(&tensors.weights(2), shape, Precision::F32).expect("packs");
    let mut scratch = Scratch::new();
    let good = Input { ids: &[1, 2], types: &[0, 0] };
    let mut refused = |input: Input<'_>| encoder.logits(&mut scratch, &[good, input]).expect_err("refused");
    assert_eq!(refused(Input { ids: &[1, 30], types: &[0, 0] }), InputError::Id { input: 1, position: 1 });
    assert_eq!(refused(Input { ids: &[1, 29], types: &[3, 0] }), InputError::Type { input: 1, position: 0 });
    assert_eq!(refused(Input { ids: &[1, 29], types: &[0] }), InputError::Types { input: 1, ids: 2, types: 1 });
    let long = refused(Input { ids: &[1; 41], types: &[0; 41] });
    assert_eq!(long, InputError::Length { input: 1, length: 41, positions: 40 });
    let error = encoder.pooled(&mut scratch, &[good], &[3]).expect_err("refused");
    assert_eq!(error, InputError::Layer { layer: 3, layers: 2 });
    assert!(encoder.logits(&mut scratch, &[good]).is_ok());
}

#[test]
fn weights_of_another_shape_are_named() {
    let shape = shapes()[0];
    let tensors = Tensors::new(&shape, 1);
    let weights = tensors.weights(2);
    let wrong = |shape: Shape| Encoder::new(&weights, shape, Precision::F32).err().map(|error| error.to_string());
    assert_eq!(wrong(Shape { vocabulary: 31, ..shape }).as_deref(), Some("words has 1440 values; the shape asks for 1488"));
    let intermediate = wrong(Shape { intermediate: 95, ..shape });
    assert_eq!(intermediate.as_deref(), Some("layers[0].intermediate.weight has 4608 values; the shape asks for 4560"));
    assert_eq!(wrong(Shape { layers: 1, ..shape }).as_deref(), Some("there are weights of 2 layers instead of 1"));
    assert!(wrong(Shape { heads: 5, ..shape }).is_some());
    if let Some(lacking) = Instructions::ALL.into_iter().find(|instructions| !instructions.is_available()) {
        let error = Encoder::with_instructions(&weights, shape, Precision::F32, lacking).err();
        assert_eq!(error, Some(ShapeError::Instructions));
    }
}

#[test]
fn an_encoder_is_shared_by_threads() {
    let shape = shapes()[0];
    let tensors = Tensors::new(&shape, 1);
    let encoder = Encoder::new(&tensors.weights(2), shape, Precision::default()).expect("packs");
    let own = inputs_of(&[9, 4]);
    let run = || encoder.logits(&mut Scratch::new(), &as_inputs(&own)).expect("runs");
    let expected = run();
    std::thread::scope(|scope| {
        for thread in [scope.spawn(run), scope.spawn(run)] {
            assert_eq!(thread.join().expect("no panic"), expected);
        }
    });
}
