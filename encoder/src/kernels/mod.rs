//! The kernels: what the encoder computes with, once for each instruction set.
//!
//! [`Kernels`] is the boundary: everything above it is safe code on slices. Below it, `lanes` says what a vector unit offers,
//! `avx512` and `avx2` offer it, and `product`, `attention`, `rows` and `functions` are written once for any of them.
//! `portable` needs none of that: plain Rust, without unsafe code.

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions and the loads of the innermost loop"))]

#[cfg(target_arch = "x86_64")]
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod element;
#[cfg(target_arch = "x86_64")]
mod finish;
mod functions;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod portable;
#[cfg(target_arch = "x86_64")]
mod product;
#[cfg(target_arch = "x86_64")]
mod rows;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vectorised;

use crate::{Instructions, buffer::Aligned, matrix::Matrix};

/// What one step of a quantised row is worth, and what its zero stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RowScale {
    pub scale: f32,
    pub lowest: f32,
}

/// Rows of numbers as a product reads them.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only vector kernels take bf16 and bytes"))]
pub(crate) enum Values<'a> {
    Singles(&'a [f32]),
    Halves(&'a [u16]),
    Bytes(&'a [u8], &'a [RowScale]),
}

/// Rows of numbers to be written.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only vector kernels take bf16 and bytes"))]
pub(crate) enum ValuesMut<'a> {
    Singles(&'a mut [f32]),
    Halves(&'a mut [u16]),
    Bytes(&'a mut [u8], &'a mut [RowScale]),
}

/// What happens to a product's numbers, its bias added, before they are stored.
pub(crate) enum Target<'a> {
    /// Stored.
    Plain(ValuesMut<'a>),
    /// GELU, stored.
    Gelu(ValuesMut<'a>),
    /// Added to what is there.
    Added(&'a mut [f32]),
}

/// A layer norm. Weight and bias are padded with zeros to a multiple of 16.
pub(crate) struct Norm {
    pub weight: Aligned<f32>,
    pub bias: Aligned<f32>,
    pub width: usize,
    pub epsilon: f32,
}

/// The queries, keys and values of one window within a batch.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// First row.
    pub first: usize,
    /// Rows.
    pub length: usize,
    /// The first of them whose context is computed, and one past the last.
    pub queries: (usize, usize),
    pub heads: usize,
    /// Columns of one head.
    pub width: usize,
    /// From one row of queries, keys and values to the next.
    pub stride: usize,
    /// From one row of the context to the next.
    pub context_stride: usize,
}

/// Memory of the attention kernels.
#[derive(Default)]
pub(crate) struct AttentionMemory {
    pub keys: Aligned<u32>,
    pub values: Aligned<u32>,
    pub scores: Aligned<f32>,
    pub singles: Aligned<f32>,
    pub halves: Aligned<u16>,
}

impl AttentionMemory {
    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes() + self.scores.bytes() + self.singles.bytes() + self.halves.bytes()
    }
}

/// The operations of an encoder on one instruction set.
///
/// Rows are `stride` numbers apart. Slices that are too short for what is asked are a mistake of the caller and panic.
pub(crate) trait Kernels: Send + Sync {
    /// Numbers of a vector, for which matrices are packed.
    fn lanes(&self) -> usize;

    /// Rows times a matrix plus its bias; the rows are of the matrix's format. The strides are how many rows, those of `input`,
    /// those of `target`.
    fn product(&self, input: Values<'_>, matrix: &Matrix, target: Target<'_>, strides: (usize, (usize, usize)));

    /// Attention of every head of a window over itself. Scores are taken as powers of two: the queries bring the factor.
    fn attend(&self, input: Values<'_>, window: Window, memory: &mut AttentionMemory, context: ValuesMut<'_>);

    /// Layer norm of `count` rows in place, then a copy of each in the format of `copy`, if there is one.
    fn normalize(&self, rows: &mut [f32], norm: &Norm, copy: Option<ValuesMut<'_>>, strides: (usize, usize, usize));

    /// Rows of `width` f32 in another format; the strides are count, those of `rows`, those of `copy`.
    fn convert(&self, rows: &[f32], width: usize, copy: ValuesMut<'_>, strides: (usize, usize, usize));
}

/// The kernels of an instruction set; none when the CPU lacks it.
pub(crate) fn kernels(instructions: Instructions) -> Option<Box<dyn Kernels>> {
    #[cfg(target_arch = "x86_64")]
    {
        use vectorised::Vectorised;
        match instructions {
            Instructions::Avx512Bf16 => {
                return avx512::Avx512::<true>::detect().map(|lanes| Box::new(Vectorised(lanes)) as Box<dyn Kernels>);
            }
            Instructions::Avx512 => {
                return avx512::Avx512::<false>::detect().map(|lanes| Box::new(Vectorised(lanes)) as Box<dyn Kernels>);
            }
            Instructions::AvxVnni => {
                return avx2::Avx2::<true>::detect().map(|lanes| Box::new(Vectorised(lanes)) as Box<dyn Kernels>);
            }
            Instructions::Avx2 => {
                return avx2::Avx2::<false>::detect().map(|lanes| Box::new(Vectorised(lanes)) as Box<dyn Kernels>);
            }
            Instructions::Portable => {}
        }
    }
    matches!(instructions, Instructions::Portable).then(|| Box::new(portable::Portable) as Box<dyn Kernels>)
}
