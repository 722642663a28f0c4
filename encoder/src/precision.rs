//! What an encoder computes with: the precision of its products and the instructions of its kernels.

use crate::kernels::kernels;

/// The precision of the products with weights. Sums, layer norms, softmax, GELU and the head are f32 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// f32 throughout.
    F32,
    /// bf16 weights and activations, attention included. Only worth it where the CPU's bf16 products are the faster ones: on the
    /// Intel server CPU on which this was measured they run at a quarter of the rate of f32 ones, and `F32` is faster.
    Bf16,
    /// Eight-bit integers: weights with a scale for each output column, activations with a scale and a lowest value for each
    /// wordpiece, taken as they come. Attention is f32.
    #[default]
    Int8,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];
}

/// A set of CPU instructions that there are kernels for, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instructions {
    /// AVX-512 with VNNI and BF16 (Intel from Sapphire Rapids, AMD from Zen 4).
    Avx512Bf16,
    /// AVX-512 with VNNI (Intel from Cascade Lake).
    Avx512,
    /// AVX2 with FMA and AVX-VNNI (Intel from Alder Lake).
    AvxVnni,
    /// AVX2 with FMA (Intel from Haswell, AMD from Zen).
    Avx2,
    /// Whatever the compiler makes of plain Rust; f32 only.
    Portable,
}

impl Instructions {
    /// All of them, the fastest first.
    pub const ALL: [Self; 5] = [Self::Avx512Bf16, Self::Avx512, Self::AvxVnni, Self::Avx2, Self::Portable];

    /// The fastest that this CPU has.
    #[must_use]
    pub fn detect() -> Self {
        Self::ALL.into_iter().find(|instructions| instructions.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this CPU has them.
    #[must_use]
    pub fn is_available(self) -> bool {
        kernels(self).is_some()
    }

    /// What is computed with when `precision` is asked for: f32 where there is no fast path for it.
    #[must_use]
    pub const fn precision_used(self, precision: Precision) -> Precision {
        match (self, precision) {
            (Self::Portable, _) | (Self::Avx512 | Self::AvxVnni | Self::Avx2, Precision::Bf16) => Precision::F32,
            _ => precision,
        }
    }

    /// Largest sum of two neighbouring eight-bit weights before they are rounded. Without VNNI the products of two neighbours are
    /// summed in 16 bits: 255 · (127 + 1) is the most that fits.
    pub(crate) const fn pair_limit(self) -> u8 {
        match self {
            Self::Avx2 => 127,
            _ => 254,
        }
    }

    /// Whether there are instructions for bf16.
    pub(crate) const fn has_bf16(self) -> bool {
        matches!(self, Self::Avx512Bf16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_detected_is_available() {
        assert!(Instructions::detect().is_available());
        assert!(Instructions::Portable.is_available());
        assert_eq!(Instructions::Portable.precision_used(Precision::Int8), Precision::F32);
        assert_eq!(Instructions::Avx2.precision_used(Precision::Bf16), Precision::F32);
        assert_eq!(Instructions::Avx512Bf16.precision_used(Precision::Bf16), Precision::Bf16);
    }
}
