//! The memory of one thread's runs.

use crate::{
    buffer::Aligned,
    kernels::{AttentionMemory, RowScale, Values, ValuesMut},
    matrix::Format,
};

/// Memory that one thread's runs are computed in. It grows to what the largest run needs and stays; one may be used with any
/// number of encoders.
#[derive(Default)]
pub struct Scratch {
    pub(crate) states: Operand,
    pub(crate) projected: Operand,
    pub(crate) context: Operand,
    pub(crate) wide: Operand,
    pub(crate) attention: AttentionMemory,
}

impl Scratch {
    /// Memory that has not grown yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let operands = [&self.states, &self.projected, &self.context, &self.wide];
        self.attention.bytes() + operands.into_iter().map(Operand::bytes).sum::<usize>()
    }
}

/// Rows of numbers in the formats that products take.
#[derive(Default)]
pub(crate) struct Operand {
    pub singles: Aligned<f32>,
    halves: Aligned<u16>,
    bytes: Aligned<u8>,
    scales: Vec<RowScale>,
}

impl Operand {
    /// Room for `rows` rows, `stride` apart, in a format.
    pub fn reserve(&mut self, format: Format, rows: usize, stride: usize) {
        match format {
            Format::Single => self.singles.reserve(rows * stride),
            Format::Pair => self.halves.reserve(rows * stride),
            Format::Quad { .. } => {
                self.bytes.reserve(rows * stride);
                if self.scales.len() < rows {
                    self.scales.resize(rows, RowScale::default());
                }
            }
        }
    }

    /// The rows from `row` on in a format.
    pub fn values(&self, format: Format, row: usize, stride: usize) -> Values<'_> {
        match format {
            Format::Single => Values::Singles(&self.singles.as_slice()[row * stride..]),
            Format::Pair => Values::Halves(&self.halves.as_slice()[row * stride..]),
            Format::Quad { .. } => Values::Bytes(&self.bytes.as_slice()[row * stride..], &self.scales[row..]),
        }
    }

    /// All rows in a format, to be written.
    pub fn values_mut(&mut self, format: Format) -> ValuesMut<'_> {
        match format {
            Format::Single => ValuesMut::Singles(self.singles.as_mut_slice()),
            Format::Pair => ValuesMut::Halves(self.halves.as_mut_slice()),
            Format::Quad { .. } => ValuesMut::Bytes(self.bytes.as_mut_slice(), &mut self.scales),
        }
    }

    /// The f32 rows, and the copy of them in another format.
    pub fn singles_and_copy(&mut self, format: Format) -> (&mut [f32], Option<ValuesMut<'_>>) {
        let copy = match format {
            Format::Single => None,
            Format::Pair => Some(ValuesMut::Halves(self.halves.as_mut_slice())),
            Format::Quad { .. } => Some(ValuesMut::Bytes(self.bytes.as_mut_slice(), &mut self.scales)),
        };
        (self.singles.as_mut_slice(), copy)
    }

    /// Moves these rows to the front, in their order; they follow each other upwards.
    pub fn keep(&mut self, format: Format, rows: impl Iterator<Item = usize>, stride: usize) {
        for (target, row) in rows.enumerate() {
            match format {
                Format::Single => self.singles.as_mut_slice().copy_within(row * stride..(row + 1) * stride, target * stride),
                Format::Pair => self.halves.as_mut_slice().copy_within(row * stride..(row + 1) * stride, target * stride),
                Format::Quad { .. } => unreachable!("rows become bytes when they are complete"),
            }
        }
    }

    /// Sets a column of the bf16 rows to zero.
    pub fn clear_half(&mut self, (rows, stride): (usize, usize), column: usize) {
        self.halves.as_mut_slice().chunks_exact_mut(stride).take(rows).for_each(|row| row[column] = 0);
    }

    fn bytes(&self) -> usize {
        let scales = self.scales.capacity() * size_of::<RowScale>();
        self.singles.bytes() + self.halves.bytes() + self.bytes.bytes() + scales
    }
}
