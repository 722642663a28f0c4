//! The encoder: packed weights, and what can be asked of them.

use std::ops::Range;

use crate::{
    Input, InputError, Instructions, LayerWeights, LinearWeights, Logits, NormWeights, Precision, Scratch, Shape, ShapeError,
    Weights,
    buffer::{Aligned, round_up},
    forward::{Strides, groups},
    input::check,
    kernels::{Kernels, Norm, kernels},
    matrix::{Format, Matrix},
};

/// One layer, packed.
pub(crate) struct Layer {
    pub query_key_value: Matrix,
    pub attention_output: Matrix,
    pub attention_norm: Norm,
    pub intermediate: Matrix,
    pub output: Matrix,
    pub output_norm: Norm,
}

/// A BERT encoder with a head: wordpiece ids in, logits or hidden states out. Synchronous, and shared by all threads.
pub struct Encoder {
    pub(crate) shape: Shape,
    pub(crate) kernels: Box<dyn Kernels>,
    pub(crate) strides: Strides,
    pub(crate) words: Vec<f32>,
    pub(crate) positions: Vec<f32>,
    pub(crate) types: Vec<f32>,
    pub(crate) norm: Norm,
    pub(crate) layers: Vec<Layer>,
    pub(crate) head: Matrix,
    /// What attention computes with.
    pub(crate) attention: Format,
    instructions: Instructions,
    precision: Precision,
}

impl Encoder {
    /// Packs the weights for the fastest instructions of this CPU.
    ///
    /// # Errors
    /// [`ShapeError`] when sizes do not agree with each other or with the weights.
    pub fn new(weights: &Weights<'_>, shape: Shape, precision: Precision) -> Result<Self, ShapeError> {
        Self::with_instructions(weights, shape, precision, Instructions::detect())
    }

    /// Packs the weights for given instructions.
    ///
    /// # Errors
    /// [`ShapeError`], also when this CPU lacks the instructions.
    pub fn with_instructions(
        weights: &Weights<'_>,
        shape: Shape,
        precision: Precision,
        instructions: Instructions,
    ) -> Result<Self, ShapeError> {
        shape.check()?;
        weights.check(&shape)?;
        let kernels = kernels(instructions).ok_or(ShapeError::Instructions)?;
        let precision = instructions.precision_used(precision);
        let formats = Formats::new(precision, instructions);
        let lanes = kernels.lanes();
        let layers = weights.layers.iter().map(|layer| formats.pack(layer, &shape, lanes)).collect();
        Ok(Self {
            shape,
            strides: Strides::new(&shape),
            words: weights.words.to_vec(),
            positions: weights.positions.to_vec(),
            types: weights.types.to_vec(),
            norm: pack_norm(&weights.norm, &shape),
            layers,
            head: Matrix::pack(weights.head.weight, weights.head.bias, Format::Single, lanes),
            attention: formats.attention,
            kernels,
            instructions,
            precision,
        })
    }

    /// Logits of a batch of inputs, which may be of different lengths: for each input one row a wordpiece.
    ///
    /// # Errors
    /// [`InputError`] when an input is too long, or an id or a token type is out of range.
    pub fn logits(&self, scratch: &mut Scratch, inputs: &[Input<'_>]) -> Result<Logits, InputError> {
        let wanted: Vec<_> = inputs.iter().map(|input| 0..input.ids.len()).collect();
        self.logits_of(scratch, inputs, &wanted)
    }

    /// Logits of some wordpieces of each input, one row each: what nobody wants is spared in the last layer.
    ///
    /// # Errors
    /// [`InputError`] as for [`Encoder::logits`], and when there is not one range within each input.
    pub fn logits_of(
        &self,
        scratch: &mut Scratch,
        inputs: &[Input<'_>],
        wanted: &[Range<usize>],
    ) -> Result<Logits, InputError> {
        check(inputs, &self.shape)?;
        let is_within =
            |(input, wanted): (&Input<'_>, &Range<usize>)| wanted.start <= wanted.end && wanted.end <= input.ids.len();
        if inputs.len() != wanted.len() || !inputs.iter().zip(wanted).all(is_within) {
            return Err(InputError::Wanted);
        }
        let columns = self.shape.columns;
        let rows: usize = wanted.iter().map(Range::len).sum();
        let mut values = vec![0.0; rows * columns];
        let (mut first, mut rest) = (0, wanted);
        for group in groups(inputs) {
            let (own, others) = rest.split_at(group.len());
            rest = others;
            let is_all = group.iter().zip(own).all(|(input, wanted)| wanted.len() == input.ids.len());
            self.forward(scratch, group, (self.shape.layers, (!is_all).then_some(own)), |_, _| ());
            let count: usize = own.iter().map(Range::len).sum();
            self.apply_head(scratch, count, &mut values[first * columns..(first + count) * columns]);
            first += count;
        }
        Ok(Logits::new(values, columns, wanted.iter().map(Range::len)))
    }

    /// For each input the hidden states of `layers` (0 = embeddings) side by side, each the mean over the wordpieces between
    /// the first and the last, or over the last one of an input that has nothing between; shape (inputs, layers × hidden). An
    /// input without wordpieces is zeros.
    ///
    /// # Errors
    /// [`InputError`] as for [`Encoder::logits`], and when there is no such layer.
    pub fn pooled(&self, scratch: &mut Scratch, inputs: &[Input<'_>], layers: &[usize]) -> Result<Vec<f32>, InputError> {
        check(inputs, &self.shape)?;
        if let Some(layer) = layers.iter().find(|layer| **layer > self.shape.layers) {
            return Err(InputError::Layer { layer: *layer, layers: self.shape.layers });
        }
        let (hidden, features) = (self.shape.hidden, layers.len() * self.shape.hidden);
        let mut pooled = vec![0.0; inputs.len() * features];
        let Some(deepest) = layers.iter().max() else { return Ok(pooled) };
        let mut first = 0;
        for group in groups(inputs) {
            let own = &mut pooled[first * features..(first + group.len()) * features];
            self.forward(scratch, group, (*deepest, None), |layer, states| {
                for place in (0..layers.len()).filter(|place| layers[*place] == layer) {
                    let targets = own.chunks_exact_mut(features).map(|row| &mut row[place * hidden..][..hidden]);
                    average(states, self.strides.hidden, group, targets);
                }
            });
            first += group.len();
        }
        Ok(pooled)
    }

    /// The shape it was made with.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The precision it computes with: f32 when the instructions have no fast path for the one that was asked for.
    #[must_use]
    pub const fn precision_used(&self) -> Precision {
        self.precision
    }

    /// The instructions it computes with.
    #[must_use]
    pub const fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Bytes of its weights: those of the products, and those of the embedding tables.
    #[must_use]
    pub fn bytes(&self) -> (usize, usize) {
        let products = |layer: &Layer| {
            [&layer.query_key_value, &layer.attention_output, &layer.intermediate, &layer.output].map(Matrix::bytes)
        };
        let products: usize = self.layers.iter().flat_map(products).sum::<usize>() + self.head.bytes();
        (products, (self.words.len() + self.positions.len() + self.types.len()) * size_of::<f32>())
    }
}

/// Means of the states of each input of a group.
fn average<'a>(states: &[f32], stride: usize, group: &[Input<'_>], targets: impl Iterator<Item = &'a mut [f32]>) {
    let mut first = 0;
    for (input, target) in group.iter().zip(targets) {
        let length = input.ids.len();
        let (start, end) = match length {
            0 => continue,
            1 => (0, 1),
            2 => (1, 2),
            _ => (1, length - 1),
        };
        for row in first + start..first + end {
            target.iter_mut().zip(&states[row * stride..]).for_each(|(sum, value)| *sum += value);
        }
        #[expect(clippy::cast_precision_loss, reason = "an input has a few hundred wordpieces")]
        let count = (end - start) as f32;
        target.iter_mut().for_each(|sum| *sum /= count);
        first += length;
    }
}

/// The format of each product.
struct Formats {
    attention: Format,
    dense: Format,
}

impl Formats {
    fn new(precision: Precision, instructions: Instructions) -> Self {
        let quad = Format::Quad { pair_limit: instructions.pair_limit() };
        let half = if instructions.has_bf16() { Format::Pair } else { Format::Single };
        let (attention, dense) = match precision {
            Precision::F32 => (Format::Single, Format::Single),
            Precision::Bf16 => (half, half),
            Precision::Int8 => (Format::Single, quad),
        };
        Self { attention, dense }
    }

    fn pack(&self, layer: &LayerWeights<'_>, shape: &Shape, lanes: usize) -> Layer {
        let linear = |linear: &LinearWeights<'_>| Matrix::pack(linear.weight, linear.bias, self.dense, lanes);
        // softmax takes scores as powers of two, of queries over the root of a head's width
        #[expect(clippy::cast_precision_loss, reason = "a head is at most a few thousand wide")]
        let scale = std::f32::consts::LOG2_E / ((shape.hidden / shape.heads) as f32).sqrt();
        let scaled = |values: &[f32]| -> Vec<f32> { values.iter().map(|value| value * scale).collect() };
        let weight = [&scaled(layer.query.weight), layer.key.weight, layer.value.weight].concat();
        let bias = [&scaled(layer.query.bias), layer.key.bias, layer.value.bias].concat();
        Layer {
            query_key_value: Matrix::pack(&weight, &bias, self.dense, lanes),
            attention_output: linear(&layer.attention_output),
            attention_norm: pack_norm(&layer.attention_norm, shape),
            intermediate: linear(&layer.intermediate),
            output: linear(&layer.output),
            output_norm: pack_norm(&layer.output_norm, shape),
        }
    }
}

fn pack_norm(norm: &NormWeights<'_>, shape: &Shape) -> Norm {
    let padded = |values: &[f32]| {
        let mut padded = Aligned::zeroed(round_up(values.len(), 16));
        padded.as_mut_slice()[..values.len()].copy_from_slice(values);
        padded
    };
    Norm { weight: padded(norm.weight), bias: padded(norm.bias), width: shape.hidden, epsilon: shape.epsilon }
}
