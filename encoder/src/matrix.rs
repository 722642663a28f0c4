//! A weight matrix, packed once into the order in which the kernels read it.
//!
//! A *word* is four bytes of one output column: one f32, two bf16 or four i8 of consecutive inputs. A *panel* is three vectors of
//! output columns side by side: word 0 of every column, word 1 of every column, and so on. The last panel has only as many
//! vectors as it needs; what pads its last vector is zero.

use crate::buffer::{Aligned, round_up};

/// Vectors of a panel.
pub(crate) const PANEL_VECTORS: usize = 3;

/// Largest eight-bit weight.
const LARGEST_BYTE: f32 = 127.0;

/// How the numbers of a matrix are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One f32 a word.
    Single,
    /// Two bf16 a word.
    Pair,
    /// Four i8 a word, each output column with a scale of its own.
    Quad {
        /// Largest sum of two neighbours of one sign, before they are rounded.
        pair_limit: u8,
    },
}

impl Format {
    /// Inputs in a word.
    pub const fn per_word(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Pair => 2,
            Self::Quad { .. } => 4,
        }
    }
}

/// A packed matrix with its bias.
pub(crate) struct Matrix {
    pub words: Aligned<u32>,
    pub format: Format,
    /// Words of one output column.
    pub depth: usize,
    /// Output columns.
    pub outputs: usize,
    /// Padded with zeros to whole vectors, as are the two below.
    pub bias: Aligned<f32>,
    /// What one step of each output column's integers is worth; empty unless quantised.
    pub scales: Aligned<f32>,
    /// Sum of each output column's weights; empty unless quantised.
    pub totals: Aligned<f32>,
}

impl Matrix {
    /// Packs `weights`, shape (outputs, inputs) row by row, for vectors of `lanes` numbers.
    pub fn pack(weights: &[f32], bias: &[f32], format: Format, lanes: usize) -> Self {
        let outputs = bias.len();
        let inputs = weights.len() / outputs.max(1);
        let depth = inputs.div_ceil(format.per_word());
        let padded = round_up(outputs, lanes);
        let mut words = Aligned::zeroed(padded * depth);
        let mut own_bias = Aligned::zeroed(padded);
        own_bias.as_mut_slice()[..outputs].copy_from_slice(bias);
        let quantised = if matches!(format, Format::Quad { .. }) { padded } else { 0 };
        let (mut scales, mut totals) = (Aligned::zeroed(quantised), Aligned::zeroed(quantised));
        for (column, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let (start, step) = column_place(column, outputs, depth, lanes);
            let target = words.as_mut_slice()[start..].iter_mut().step_by(step);
            match format {
                Format::Single => target.zip(row).for_each(|(word, value)| *word = value.to_bits()),
                Format::Pair => target.zip(row.chunks(2)).for_each(|(word, values)| *word = pair(values)),
                Format::Quad { pair_limit } => {
                    let single = row.iter().fold(0.0_f32, |highest, value| highest.max(value.abs()));
                    let pair = row.chunks(2).map(|pair| pair.iter().sum::<f32>().abs()).fold(0.0, f32::max);
                    let scale = (single / LARGEST_BYTE).max(pair / f32::from(pair_limit));
                    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
                    target.zip(row.chunks(4)).for_each(|(word, values)| *word = quad(values, inverse));
                    scales.as_mut_slice()[column] = scale;
                    totals.as_mut_slice()[column] = row.iter().sum();
                }
            }
        }
        Self { words, format, depth, outputs, bias: own_bias, scales, totals }
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.words.bytes() + self.bias.bytes() + self.scales.bytes() + self.totals.bytes()
    }
}

/// Where word 0 of an output column lies in panels of `columns` columns, and how far apart its words are.
pub(crate) fn column_place(column: usize, columns: usize, depth: usize, lanes: usize) -> (usize, usize) {
    let panel = PANEL_VECTORS * lanes;
    let first = column / panel * panel;
    let width = panel.min(round_up(columns - first, lanes));
    (first * depth + column % panel, width)
}

/// The nearest bf16, ties to even.
pub(crate) fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return 0x7fc0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the upper half of 32 bits has 16")]
    let half = ((u64::from(bits) + 0x7fff + u64::from((bits >> 16) & 1)) >> 16) as u16;
    half
}

fn pair(values: &[f32]) -> u32 {
    let half = |index: usize| u32::from(values.get(index).copied().map_or(0, to_half));
    half(0) | half(1) << 16
}

fn quad(values: &[f32], inverse: f32) -> u32 {
    let mut bytes = [0_u8; 4];
    for (byte, value) in bytes.iter_mut().zip(values) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an i8, whose bits are kept")]
        let own = (value * inverse).round_ties_even().clamp(-LARGEST_BYTE, LARGEST_BYTE) as i8 as u8;
        *byte = own;
    }
    u32::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_three_vectors_and_the_last_is_as_narrow_as_it_can_be() {
        // 20 columns of lanes 4: a panel of 12, then one of 8
        assert_eq!(column_place(0, 20, 10, 4), (0, 12));
        assert_eq!(column_place(11, 20, 10, 4), (11, 12));
        assert_eq!(column_place(12, 20, 10, 4), (120, 8));
        assert_eq!(column_place(19, 20, 10, 4), (127, 8));
        let matrix = Matrix::pack(&[1.0, 2.0, 3.0, -1.0, -2.0, 6.0], &[0.5, 0.25], Format::Quad { pair_limit: 254 }, 8);
        assert_eq!((matrix.depth, matrix.outputs, matrix.words.as_slice().len()), (1, 2, 8));
        assert_eq!(matrix.words.as_slice()[0].to_le_bytes(), [42, 85, 127, 0]);
        assert_eq!(matrix.totals.as_slice()[..2], [6.0, 3.0]);
    }

    #[test]
    fn halves_are_the_nearest() {
        for (value, bits) in
            [(1.0_f32, 0x3f80), (-2.0, 0xc000), (1.003_906_3, 0x3f80), (1.011_718_8, 0x3f82), (f32::INFINITY, 0x7f80)]
        {
            assert_eq!(to_half(value), bits, "{value}");
        }
        assert_eq!(to_half(f32::NAN), 0x7fc0);
    }
}
