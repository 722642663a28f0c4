//! The CPU's own peak: multiplications a second of a loop that does nothing else, all operands in registers.

#![expect(unsafe_code, reason = "the loops are vector instructions")]

use abstractor_encoder::Instructions;

/// Multiplications a second with f32, bf16 and bytes; zero where there is no instruction.
pub fn measure(instructions: Instructions) -> [f64; 3] {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512Bf16 => [x86::wide_singles(), x86::wide_pairs(), x86::wide_bytes()],
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => [x86::wide_singles(), 0.0, x86::wide_bytes()],
        #[cfg(target_arch = "x86_64")]
        Instructions::AvxVnni => [x86::singles(), 0.0, x86::bytes()],
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => [x86::singles(), 0.0, x86::bytes_in_three()],
        _ => [0.0; 3],
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::{arch::x86_64::*, time::Instant};

    /// Independent sums: more than latency times ports.
    const SUMS: usize = 12;
    const STEPS: usize = 200_000;

    /// A loop over vectors of sums, each step of which does `$each` multiplications.
    macro_rules! peak {
        ($name:ident, [$($feature:tt),*], $each:literal, $zero:expr, $one:expr, $step:expr, $first:expr) => {
            pub fn $name() -> f64 {
                $(#[target_feature(enable = $feature)])*
                fn work(steps: usize) -> f32 {
                    let one = std::hint::black_box($one);
                    let mut sums = [$zero; SUMS];
                    for _ in 0..steps {
                        for sum in &mut sums {
                            *sum = $step(*sum, one, one);
                        }
                    }
                    sums.into_iter().map($first).sum()
                }
                if ![$(is_x86_feature_detected!($feature)),*].iter().all(|has| *has) {
                    return 0.0;
                }
                let start = Instant::now();
                // SAFETY: the CPU has the instructions.
                std::hint::black_box(unsafe { work(std::hint::black_box(STEPS)) });
                (STEPS * SUMS) as f64 * $each / start.elapsed().as_secs_f64()
            }
        };
    }

    peak!(
        wide_singles,
        ["avx512f"],
        16.0,
        _mm512_setzero_ps(),
        _mm512_set1_ps(1e-3),
        |sum, a, b| _mm512_fmadd_ps(a, b, sum),
        |sum| _mm512_cvtss_f32(sum)
    );
    peak!(
        wide_pairs,
        ["avx512f", "avx512bf16"],
        32.0,
        _mm512_setzero_ps(),
        _mm512_set1_epi32(0x3a00_3a00),
        |sum, a: __m512i, b: __m512i| {
            // SAFETY: both types are 64 bytes of any value.
            let (a, b) = unsafe { (std::mem::transmute::<__m512i, __m512bh>(a), std::mem::transmute::<__m512i, __m512bh>(b)) };
            _mm512_dpbf16_ps(sum, a, b)
        },
        |sum| _mm512_cvtss_f32(sum)
    );
    peak!(
        wide_bytes,
        ["avx512f", "avx512vnni"],
        64.0,
        _mm512_setzero_si512(),
        _mm512_set1_epi32(0x0101_0101),
        |sum, a, b| _mm512_dpbusd_epi32(sum, a, b),
        |sum| _mm512_cvtss_f32(_mm512_cvtepi32_ps(sum))
    );
    peak!(
        singles,
        ["avx", "fma"],
        8.0,
        _mm256_setzero_ps(),
        _mm256_set1_ps(1e-3),
        |sum, a, b| _mm256_fmadd_ps(a, b, sum),
        |sum| _mm256_cvtss_f32(sum)
    );
    peak!(
        bytes,
        ["avx2", "avxvnni"],
        32.0,
        _mm256_setzero_si256(),
        _mm256_set1_epi8(1),
        |sum, a, b| _mm256_dpbusd_avx_epi32(sum, a, b),
        |sum| _mm256_cvtss_f32(_mm256_cvtepi32_ps(sum))
    );
    peak!(
        bytes_in_three,
        ["avx2"],
        32.0,
        _mm256_setzero_si256(),
        _mm256_set1_epi8(1),
        |sum, a: __m256i, b| {
            // a value that changes, so that the products are not taken out of the loop
            let products = _mm256_maddubs_epi16(_mm256_xor_si256(a, sum), b);
            _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)))
        },
        |sum| _mm256_cvtss_f32(_mm256_cvtepi32_ps(sum))
    );
}
