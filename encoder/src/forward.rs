//! One run of the encoder over a group of inputs.

use std::ops::Range;

use crate::{
    Encoder, Input, Scratch, Shape,
    buffer::round_up,
    encoder::Layer,
    kernels::{Norm, Target, Values, Window},
    matrix::{Format, Matrix},
};

/// Wordpieces of a group: enough to read each weight for many rows, few enough for their states to stay in the cache.
const GROUP: usize = 768;
/// Rows that go through both feed-forward products at once, so that what lies between them stays in the cache.
const FEED_FORWARD: usize = 96;

/// Numbers from one row to the next, in any format: whole cache lines of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strides {
    pub hidden: usize,
    pub projected: usize,
    pub wide: usize,
}

impl Strides {
    pub const fn new(shape: &Shape) -> Self {
        Self {
            hidden: round_up(shape.hidden, 64),
            projected: round_up(3 * shape.hidden, 64),
            wide: round_up(shape.intermediate, 64),
        }
    }
}

/// Inputs in groups that run at once; a group has one input at least.
pub(crate) fn groups<'a, 'b>(mut inputs: &'a [Input<'b>]) -> impl Iterator<Item = &'a [Input<'b>]> {
    std::iter::from_fn(move || {
        let mut rows = inputs.first()?.ids.len();
        let mut end = 1;
        while let Some(input) = inputs.get(end).filter(|input| rows + input.ids.len() <= GROUP && end < GROUP) {
            rows += input.ids.len();
            end += 1;
        }
        let (group, rest) = inputs.split_at(end);
        inputs = rest;
        Some(group)
    })
}

impl Encoder {
    /// Runs a group through the first `depth` layers. `each` sees the rows of states after each layer (0 = embeddings); the
    /// last ones stay in the scratch. Where wordpieces of each input are named, the last layer gives their rows alone.
    pub(crate) fn forward(
        &self,
        scratch: &mut Scratch,
        group: &[Input<'_>],
        (depth, wanted): (usize, Option<&[Range<usize>]>),
        mut each: impl FnMut(usize, &[f32]),
    ) {
        let rows: usize = group.iter().map(|input| input.ids.len()).sum();
        self.reserve(scratch, rows);
        self.embed(scratch, group);
        self.normalize(scratch, &self.norm, rows, self.layers.first().map(|layer| layer.query_key_value.format));
        each(0, scratch.states.singles.as_slice());
        for (index, layer) in self.layers.iter().enumerate().take(depth) {
            let wanted = wanted.filter(|_| index + 1 == depth);
            self.attend(scratch, layer, group, wanted);
            let rows = wanted.map_or(rows, |wanted| wanted.iter().map(Range::len).sum());
            self.normalize(scratch, &layer.attention_norm, rows, Some(layer.intermediate.format));
            self.feed_forward(scratch, layer, rows);
            let next = self.layers.get(index + 1).filter(|_| index + 1 < depth);
            self.normalize(scratch, &layer.output_norm, rows, next.map(|layer| layer.query_key_value.format));
            each(index + 1, scratch.states.singles.as_slice());
        }
    }

    /// The head over the states of the last run's `rows` wordpieces.
    pub(crate) fn apply_head(&self, scratch: &Scratch, rows: usize, logits: &mut [f32]) {
        let input = scratch.states.values(Format::Single, 0, self.strides.hidden);
        let strides = (self.strides.hidden, self.shape.columns);
        self.kernels.product(input, &self.head, Target::Plain(crate::kernels::ValuesMut::Singles(logits)), (rows, strides));
    }

    fn reserve(&self, scratch: &mut Scratch, rows: usize) {
        let Strides { hidden, projected, wide } = self.strides;
        scratch.states.reserve(Format::Single, rows, hidden);
        scratch.projected.reserve(self.attention, rows, projected);
        for layer in &self.layers {
            scratch.states.reserve(layer.query_key_value.format, rows, hidden);
            scratch.states.reserve(layer.intermediate.format, rows, hidden);
            scratch.context.reserve(layer.attention_output.format, rows, hidden);
            scratch.wide.reserve(layer.output.format, rows.min(FEED_FORWARD), wide);
            if written_as_singles(&layer.attention_output) {
                scratch.context.reserve(Format::Single, rows, hidden);
            }
            if written_as_singles(&layer.output) {
                scratch.wide.reserve(Format::Single, rows.min(FEED_FORWARD), wide);
            }
        }
    }

    fn embed(&self, scratch: &mut Scratch, group: &[Input<'_>]) {
        let hidden = self.shape.hidden;
        let row = |table: &'_ [f32], index: usize| -> std::ops::Range<usize> {
            debug_assert!((index + 1) * hidden <= table.len());
            index * hidden..(index + 1) * hidden
        };
        let mut targets = scratch.states.singles.as_mut_slice().chunks_exact_mut(self.strides.hidden);
        for input in group {
            for (position, ((id, kind), target)) in input.ids.iter().zip(input.types).zip(&mut targets).enumerate() {
                let word = &self.words[row(&self.words, *id as usize)];
                let kind = &self.types[row(&self.types, *kind as usize)];
                let position = &self.positions[row(&self.positions, position)];
                for (((target, word), kind), position) in target.iter_mut().zip(word).zip(kind).zip(position) {
                    *target = word + kind + position;
                }
            }
        }
    }

    fn normalize(&self, scratch: &mut Scratch, norm: &Norm, rows: usize, copy: Option<Format>) {
        let stride = self.strides.hidden;
        let (states, copy) = scratch.states.singles_and_copy(copy.unwrap_or(Format::Single));
        self.kernels.normalize(states, norm, copy, (rows, stride, stride));
    }

    /// Queries, keys and values, attention of each input over itself, and its output added to the states: of all wordpieces, or of those that
    /// are wanted, whose states are moved to the front.
    fn attend(&self, scratch: &mut Scratch, layer: &Layer, group: &[Input<'_>], wanted: Option<&[Range<usize>]>) {
        let rows: usize = group.iter().map(|input| input.ids.len()).sum();
        let Strides { hidden, projected, .. } = self.strides;
        let Scratch { states, projected: own, context, attention, .. } = scratch;
        let input = states.values(layer.query_key_value.format, 0, hidden);
        let target = Target::Plain(own.values_mut(self.attention));
        self.kernels.product(input, &layer.query_key_value, target, (rows, (hidden, projected)));
        let format = layer.attention_output.format;
        let written = if written_as_singles(&layer.attention_output) { Format::Single } else { format };
        let mut first = 0;
        let mut kept = Vec::new();
        for (index, input) in group.iter().enumerate() {
            let length = input.ids.len();
            if length == 0 {
                continue;
            }
            let queries = wanted.map_or((0, length), |wanted| (wanted[index].start, wanted[index].end));
            let heads = self.shape.heads;
            let width = self.shape.hidden / heads;
            let window = Window { first, length, queries, heads, width, stride: projected, context_stride: hidden };
            let values = own.values(self.attention, 0, projected);
            self.kernels.attend(values, window, attention, context.values_mut(written));
            kept.push(first + queries.0..first + queries.1);
            first += length;
        }
        let rows = if wanted.is_some() {
            context.keep(written, kept.iter().cloned().flatten(), hidden);
            states.keep(Format::Single, kept.iter().cloned().flatten(), hidden);
            kept.iter().map(Range::len).sum()
        } else {
            rows
        };
        if written == Format::Pair && !self.shape.hidden.is_multiple_of(2) {
            context.clear_half((rows, hidden), self.shape.hidden);
        }
        if written != format {
            let (singles, copy) = context.singles_and_copy(format);
            if let Some(copy) = copy {
                self.kernels.convert(singles, self.shape.hidden, copy, (rows, hidden, hidden));
            }
        }
        let target = Target::Added(states.singles.as_mut_slice());
        self.kernels.product(context.values(format, 0, hidden), &layer.attention_output, target, (rows, (hidden, hidden)));
    }

    /// Both feed-forward products with GELU between, added to the states.
    fn feed_forward(&self, scratch: &mut Scratch, layer: &Layer, rows: usize) {
        let Strides { hidden, wide: stride, .. } = self.strides;
        let Scratch { states, wide, .. } = scratch;
        let format = layer.output.format;
        let written = if written_as_singles(&layer.output) { Format::Single } else { format };
        for first in (0..rows).step_by(FEED_FORWARD) {
            let count = FEED_FORWARD.min(rows - first);
            let input: Values<'_> = states.values(layer.intermediate.format, first, hidden);
            let target = Target::Gelu(wide.values_mut(written));
            self.kernels.product(input, &layer.intermediate, target, (count, (hidden, stride)));
            if written != format {
                let (singles, copy) = wide.singles_and_copy(format);
                if let Some(copy) = copy {
                    self.kernels.convert(singles, self.shape.intermediate, copy, (count, stride, stride));
                }
            }
            let target = Target::Added(&mut states.singles.as_mut_slice()[first * hidden..]);
            self.kernels.product(wide.values(format, 0, stride), &layer.output, target, (count, (stride, hidden)));
        }
    }
}

/// Whether the rows that a matrix takes are written as f32 first: rows become bytes when they are complete.
fn written_as_singles(matrix: &Matrix) -> bool {
    matches!(matrix.format, Format::Single | Format::Quad { .. })
}
