//! The kernels on any vector unit: each operation as a task that runs inside it.

#![deny(unsafe_code)]

use std::marker::PhantomData;

use super::{
    AttentionMemory, Kernels, Norm, RowScale, Target, Values, ValuesMut, Window,
    attention::{Attending, attend},
    element::{Element, Pair, Quad, Single, Stored},
    finish::{Activation, Add, Dense, Destination, Gelu, Identity, Store},
    lanes::{Lanes, NO_PAIRS, Task},
    product::{Panels, Rows, product},
    rows::{convert, normalize, quantize},
};
use crate::matrix::Matrix;

/// The kernels on the vector unit `L`.
pub(super) struct Vectorised<L>(pub L);

/// Why some formats are no target of a product or of attention.
const STORED: &str = "rows are stored as f32, or as bf16 where there are instructions for it; they become bytes when complete";

/// Rows of a tile: with three vectors of columns for each, the sums fill most of the registers.
const ROWS_OF_32_REGISTERS: usize = 8;
/// The same with half the registers.
const ROWS_OF_16_REGISTERS: usize = 4;

struct Multiply<'a, E, A, D, V> {
    rows: Rows<'a, V>,
    scales: &'a [RowScale],
    matrix: &'a Matrix,
    destination: D,
    kind: PhantomData<(E, A)>,
}

impl<L: Lanes, E: Element<L>, A: Activation<L>, D: Destination<L>> Task<L> for Multiply<'_, E, A, D, E::Value> {
    #[inline(always)]
    fn run(self, lanes: L) {
        let matrix = self.matrix;
        let panels = Panels { words: matrix.words.as_slice(), depth: matrix.depth, columns: matrix.outputs };
        let mut finish = Dense::<A, D> { matrix, scales: self.scales, destination: self.destination, activation: PhantomData };
        if L::COUNT == 16 {
            product::<L, E, _, ROWS_OF_32_REGISTERS>(lanes, self.rows, panels, &mut finish);
        } else {
            product::<L, E, _, ROWS_OF_16_REGISTERS>(lanes, self.rows, panels, &mut finish);
        }
    }
}

struct Attend<'a, E, C, V, W> {
    input: &'a [V],
    context: &'a mut [W],
    window: Window,
    memory: &'a mut AttentionMemory,
    kind: PhantomData<(E, C)>,
}

impl<L: Lanes, E: Attending<L>, C: Stored<L>> Task<L> for Attend<'_, E, C, E::Value, C::Value> {
    #[inline(always)]
    fn run(self, lanes: L) {
        let values = (self.input, self.context);
        if L::COUNT == 16 {
            let mut workspace = E::workspace(self.memory, self.window, ROWS_OF_32_REGISTERS);
            attend::<L, E, C, ROWS_OF_32_REGISTERS>(lanes, values, self.window, &mut workspace);
        } else {
            let mut workspace = E::workspace(self.memory, self.window, ROWS_OF_16_REGISTERS);
            attend::<L, E, C, ROWS_OF_16_REGISTERS>(lanes, values, self.window, &mut workspace);
        }
    }
}

struct Normalize<'a> {
    rows: &'a mut [f32],
    norm: &'a Norm,
    copy: Option<ValuesMut<'a>>,
    strides: (usize, usize, usize),
}

impl<L: Lanes> Task<L> for Normalize<'_> {
    #[inline(always)]
    fn run(mut self, lanes: L) {
        let (count, stride, copy_stride) = self.strides;
        for index in 0..count {
            let row = &mut self.rows[index * stride..][..self.norm.width];
            normalize(lanes, row, self.norm);
            if let Some(copy) = &mut self.copy {
                copy_row(lanes, row, copy, (index, copy_stride));
            }
        }
    }
}

struct Convert<'a> {
    rows: &'a [f32],
    width: usize,
    copy: ValuesMut<'a>,
    strides: (usize, usize, usize),
}

impl<L: Lanes> Task<L> for Convert<'_> {
    #[inline(always)]
    fn run(mut self, lanes: L) {
        let (count, stride, copy_stride) = self.strides;
        for index in 0..count {
            copy_row(lanes, &self.rows[index * stride..][..self.width], &mut self.copy, (index, copy_stride));
        }
    }
}

#[inline(always)]
fn copy_row<L: Lanes>(lanes: L, row: &[f32], copy: &mut ValuesMut<'_>, (index, stride): (usize, usize)) {
    match copy {
        ValuesMut::Singles(values) => convert::<L, Single>(lanes, row, &mut values[index * stride..][..stride]),
        ValuesMut::Halves(values) if L::PAIRS => convert::<L, Pair>(lanes, row, &mut values[index * stride..][..stride]),
        ValuesMut::Halves(_) => unreachable!("{NO_PAIRS}"),
        ValuesMut::Bytes(values, scales) => scales[index] = quantize(lanes, row, &mut values[index * stride..][..stride]),
    }
}

type Strides = (usize, (usize, usize));

impl<L: Lanes> Vectorised<L> {
    /// To the destination and through the activation that the target names.
    fn multiply<E: Element<L>>(
        &self,
        (values, scales): (&[E::Value], &[RowScale]),
        matrix: &Matrix,
        target: Target<'_>,
        (count, (input, output)): Strides,
    ) {
        let rows = Rows { values, stride: input, count };
        // what pads a row's last vector is written too where the rows are far enough apart for it
        let columns = output.min(matrix.outputs.next_multiple_of(16));
        match target {
            Target::Plain(ValuesMut::Singles(values)) => {
                let destination = Store::<L, Single> { values, stride: output, columns };
                self.0.enter(Multiply::<E, Identity, _, _> { rows, scales, matrix, destination, kind: PhantomData });
            }
            Target::Plain(ValuesMut::Halves(values)) if L::PAIRS => {
                let destination = Store::<L, Pair> { values, stride: output, columns };
                self.0.enter(Multiply::<E, Identity, _, _> { rows, scales, matrix, destination, kind: PhantomData });
            }
            Target::Gelu(ValuesMut::Singles(values)) => {
                let destination = Store::<L, Single> { values, stride: output, columns };
                self.0.enter(Multiply::<E, Gelu, _, _> { rows, scales, matrix, destination, kind: PhantomData });
            }
            Target::Gelu(ValuesMut::Halves(values)) if L::PAIRS => {
                let destination = Store::<L, Pair> { values, stride: output, columns };
                self.0.enter(Multiply::<E, Gelu, _, _> { rows, scales, matrix, destination, kind: PhantomData });
            }
            Target::Added(values) => {
                let destination = Add { values, stride: output, columns };
                self.0.enter(Multiply::<E, Identity, _, _> { rows, scales, matrix, destination, kind: PhantomData });
            }
            Target::Plain(_) | Target::Gelu(_) => unreachable!("{STORED}"),
        }
    }

    fn attend_as<E: Attending<L>>(
        &self,
        input: &[E::Value],
        window: Window,
        memory: &mut AttentionMemory,
        context: ValuesMut<'_>,
    ) {
        match context {
            ValuesMut::Singles(context) => {
                self.0.enter(Attend::<E, Single, _, _> { input, context, window, memory, kind: PhantomData });
            }
            ValuesMut::Halves(context) if L::PAIRS => {
                self.0.enter(Attend::<E, Pair, _, _> { input, context, window, memory, kind: PhantomData });
            }
            _ => unreachable!("{STORED}"),
        }
    }
}

impl<L: Lanes> Kernels for Vectorised<L> {
    fn lanes(&self) -> usize {
        L::COUNT
    }

    fn product(&self, input: Values<'_>, matrix: &Matrix, target: Target<'_>, strides: Strides) {
        match input {
            Values::Singles(values) => self.multiply::<Single>((values, &[]), matrix, target, strides),
            Values::Halves(values) if L::PAIRS => self.multiply::<Pair>((values, &[]), matrix, target, strides),
            Values::Halves(_) => unreachable!("{NO_PAIRS}"),
            Values::Bytes(values, scales) => self.multiply::<Quad>((values, scales), matrix, target, strides),
        }
    }

    fn attend(&self, input: Values<'_>, window: Window, memory: &mut AttentionMemory, context: ValuesMut<'_>) {
        match input {
            Values::Singles(input) => self.attend_as::<Single>(input, window, memory, context),
            Values::Halves(input) if L::PAIRS => self.attend_as::<Pair>(input, window, memory, context),
            _ => unreachable!("attention computes with f32, or with bf16 where there are instructions for it"),
        }
    }

    fn normalize(&self, rows: &mut [f32], norm: &Norm, copy: Option<ValuesMut<'_>>, strides: (usize, usize, usize)) {
        self.0.enter(Normalize { rows, norm, copy, strides });
    }

    fn convert(&self, rows: &[f32], width: usize, copy: ValuesMut<'_>, strides: (usize, usize, usize)) {
        self.0.enter(Convert { rows, width, copy, strides });
    }
}
