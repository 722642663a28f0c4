//! AVX2 with FMA, and with or without AVX-VNNI.

use std::arch::x86_64::*;

use super::lanes::{Lanes, Task};

/// The proof that the CPU has AVX2 and FMA, and AVX-VNNI if `VNNI`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// None when the CPU lacks any of them.
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        (has && (!VNNI || is_x86_feature_detected!("avxvnni"))).then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,fma,avxvnni")]
fn inside_vnni<const VNNI: bool, T: Task<Avx2<VNNI>>>(lanes: Avx2<VNNI>, task: T) {
    task.run(lanes);
}

#[target_feature(enable = "avx2,fma")]
fn inside<const VNNI: bool, T: Task<Avx2<VNNI>>>(lanes: Avx2<VNNI>, task: T) {
    task.run(lanes);
}

/// All ones, then all zeros: eight of them from `8 - count` on are a mask of the first `count` lanes.
const MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// A mask of the first `count` lanes.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn first_lanes(count: usize) -> __m256i {
    let from = 8 - count.min(8);
    let mask = &MASKS[from..from + 8];
    // SAFETY: the caller has the instruction; the slice has eight numbers.
    unsafe { _mm256_loadu_si256(mask.as_ptr().cast()) }
}

/// The upper and lower half of a vector through an operation on four numbers, down to one number.
macro_rules! reduce {
    ($floats:expr, $pairwise:ident, $single:ident) => {{
        let four = $pairwise(_mm256_castps256_ps128($floats), _mm256_extractf128_ps::<1>($floats));
        let two = $pairwise(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32($single(two, _mm_movehdup_ps(two)))
    }};
}

/// Operations of one expression each.
macro_rules! instructions {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $instruction:expr;)*) => {
        $(#[inline(always)]
        fn $name(self, $($argument: $type),*) -> $result {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { $instruction }
        })*
    };
}

impl<const VNNI: bool> Lanes for Avx2<VNNI> {
    const COUNT: usize = 8;
    const PAIRS: bool = false;
    type Floats = __m256;
    type Words = __m256i;

    #[inline(always)]
    fn enter<T: Task<Self>>(self, task: T) {
        if VNNI {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { inside_vnni(self, task) }
        } else {
            // SAFETY: as above.
            unsafe { inside(self, task) }
        }
    }

    instructions! {
        splat(value: f32) -> __m256 = _mm256_set1_ps(value);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        subtract(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        multiply(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        maximum(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        minimum(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        round(floats: __m256) -> __m256 = _mm256_round_ps::<8>(floats);
        scale_by_power(floats: __m256, powers: __m256) -> __m256 = {
            let exponents = _mm256_add_epi32(_mm256_cvtps_epi32(powers), _mm256_set1_epi32(127));
            _mm256_mul_ps(floats, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponents)))
        };
        sum(floats: __m256) -> f32 = reduce!(floats, _mm_add_ps, _mm_add_ss);
        highest(floats: __m256) -> f32 = reduce!(floats, _mm_max_ps, _mm_max_ss);
        lowest(floats: __m256) -> f32 = reduce!(floats, _mm_min_ps, _mm_min_ss);
        first(floats: __m256, count: usize, others: __m256) -> __m256 =
            _mm256_blendv_ps(others, floats, _mm256_castsi256_ps(first_lanes(count)));
        zero_words() -> __m256i = _mm256_setzero_si256();
        as_floats(words: __m256i) -> __m256 = _mm256_castsi256_ps(words);
        whole_floats(words: __m256i) -> __m256 = _mm256_cvtepi32_ps(words);
        dot_bytes(sum: __m256i, a: __m256i, b: __m256i) -> __m256i = if VNNI {
            _mm256_dpbusd_avx_epi32(sum, a, b)
        } else {
            // sums of two products fit 16 bits because the weights are packed with 6 bits and a sign
            _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)))
        };
    }

    #[inline(always)]
    fn reciprocal(self, floats: __m256) -> __m256 {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe {
            // 12 bits, and one step of Newton's
            let near = _mm256_rcp_ps(floats);
            _mm256_mul_ps(near, _mm256_fnmadd_ps(floats, near, _mm256_set1_ps(2.0)))
        }
    }

    #[inline(always)]
    fn load(self, values: &[f32]) -> __m256 {
        let values = &values[..8];
        // SAFETY: the CPU has the instruction; the slice has 8 numbers.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, values: &[f32]) -> __m256 {
        // SAFETY: the CPU has the instruction; only lanes that the slice has are read.
        unsafe { _mm256_maskload_ps(values.as_ptr(), first_lanes(values.len())) }
    }

    #[inline(always)]
    fn store(self, values: &mut [f32], floats: __m256) {
        let values = &mut values[..8];
        // SAFETY: the CPU has the instruction; the slice has 8 numbers.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), floats) }
    }

    #[inline(always)]
    fn store_part(self, values: &mut [f32], floats: __m256) {
        // SAFETY: the CPU has the instruction; only lanes that the slice has are written.
        unsafe { _mm256_maskstore_ps(values.as_mut_ptr(), first_lanes(values.len()), floats) }
    }

    #[inline(always)]
    unsafe fn splat_word(self, source: *const u32) -> __m256i {
        // SAFETY: the CPU has the instruction; the caller has four bytes there.
        unsafe { _mm256_set1_epi32(source.read_unaligned().cast_signed()) }
    }

    #[inline(always)]
    unsafe fn load_words(self, source: *const u32) -> __m256i {
        // SAFETY: the CPU has the instruction; the caller has 8 words there.
        unsafe { _mm256_loadu_si256(source.cast()) }
    }

    #[inline(always)]
    fn prefetch(self, source: *const u32) {
        // SAFETY: a prefetch of an address that cannot be read does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(source.cast()) }
    }

    #[inline(always)]
    unsafe fn gather_words(self, source: *const u32, stride: i32) -> __m256i {
        // SAFETY: the CPU has the instructions; the caller has four bytes at each place.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_i32gather_epi32::<1>(source.cast(), _mm256_mullo_epi32(lanes, _mm256_set1_epi32(stride)))
        }
    }

    #[inline(always)]
    fn store_words(self, target: &mut [u32], words: __m256i) {
        let target = &mut target[..8];
        // SAFETY: the CPU has the instruction; the slice has 8 words.
        unsafe { _mm256_storeu_si256(target.as_mut_ptr().cast(), words) }
    }

    #[inline(always)]
    fn store_bytes(self, bytes: &mut [u8], floats: __m256) {
        let bytes = &mut bytes[..8];
        // SAFETY: the CPU has the instructions; the slice has 8 bytes.
        unsafe {
            let whole = _mm256_cvtps_epi32(floats);
            let halves = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole));
            _mm_storel_epi64(bytes.as_mut_ptr().cast(), _mm_packus_epi16(halves, halves));
        }
    }
}
