//! AVX-512 with VNNI, and with or without BF16.

use std::arch::x86_64::*;

use super::lanes::{Lanes, NO_PAIRS, Task};

/// The proof that the CPU has AVX-512 F, BW, DQ, VL and VNNI, and BF16 if `PAIRS`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512<const PAIRS: bool>(());

impl<const PAIRS: bool> Avx512<PAIRS> {
    /// None when the CPU lacks any of them.
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        (has && (!PAIRS || is_x86_feature_detected!("avx512bf16"))).then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn inside_pairs<const PAIRS: bool, T: Task<Avx512<PAIRS>>>(lanes: Avx512<PAIRS>, task: T) {
    task.run(lanes);
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn inside<const PAIRS: bool, T: Task<Avx512<PAIRS>>>(lanes: Avx512<PAIRS>, task: T) {
    task.run(lanes);
}

/// A mask of the first `count` lanes.
#[inline(always)]
fn first_lanes(count: usize) -> __mmask16 {
    if count >= 16 { u16::MAX } else { (1 << count) - 1 }
}

/// Operations that are one instruction each.
macro_rules! instructions {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $instruction:expr;)*) => {
        $(#[inline(always)]
        fn $name(self, $($argument: $type),*) -> $result {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { $instruction }
        })*
    };
}

impl<const PAIRS: bool> Lanes for Avx512<PAIRS> {
    const COUNT: usize = 16;
    const PAIRS: bool = PAIRS;
    type Floats = __m512;
    type Words = __m512i;

    #[inline(always)]
    fn enter<T: Task<Self>>(self, task: T) {
        if PAIRS {
            // SAFETY: a value of this type exists only where the CPU has the instructions.
            unsafe { inside_pairs(self, task) }
        } else {
            // SAFETY: as above.
            unsafe { inside(self, task) }
        }
    }

    instructions! {
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        subtract(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        multiply(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        maximum(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        minimum(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        round(floats: __m512) -> __m512 = _mm512_roundscale_ps::<8>(floats);
        scale_by_power(floats: __m512, powers: __m512) -> __m512 = _mm512_scalef_ps(floats, powers);
        sum(floats: __m512) -> f32 = _mm512_reduce_add_ps(floats);
        highest(floats: __m512) -> f32 = _mm512_reduce_max_ps(floats);
        lowest(floats: __m512) -> f32 = _mm512_reduce_min_ps(floats);
        first(floats: __m512, count: usize, others: __m512) -> __m512 =
            _mm512_mask_mov_ps(others, first_lanes(count), floats);
        zero_words() -> __m512i = _mm512_setzero_si512();
        as_floats(words: __m512i) -> __m512 = _mm512_castsi512_ps(words);
        whole_floats(words: __m512i) -> __m512 = _mm512_cvtepi32_ps(words);
        dot_bytes(sum: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_dpbusd_epi32(sum, a, b);
    }

    #[inline(always)]
    fn reciprocal(self, floats: __m512) -> __m512 {
        // SAFETY: a value of this type exists only where the CPU has the instructions.
        unsafe {
            // 14 bits, and one step of Newton's
            let near = _mm512_rcp14_ps(floats);
            _mm512_mul_ps(near, _mm512_fnmadd_ps(floats, near, _mm512_set1_ps(2.0)))
        }
    }

    #[inline(always)]
    fn load(self, values: &[f32]) -> __m512 {
        let values = &values[..16];
        // SAFETY: the CPU has the instruction; the slice has 16 numbers.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, values: &[f32]) -> __m512 {
        // SAFETY: the CPU has the instruction; only lanes that the slice has are read.
        unsafe { _mm512_maskz_loadu_ps(first_lanes(values.len()), values.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, values: &mut [f32], floats: __m512) {
        let values = &mut values[..16];
        // SAFETY: the CPU has the instruction; the slice has 16 numbers.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), floats) }
    }

    #[inline(always)]
    fn store_part(self, values: &mut [f32], floats: __m512) {
        // SAFETY: the CPU has the instruction; only lanes that the slice has are written.
        unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), first_lanes(values.len()), floats) }
    }

    #[inline(always)]
    unsafe fn splat_word(self, source: *const u32) -> __m512i {
        // SAFETY: the CPU has the instruction; the caller has four bytes there.
        unsafe { _mm512_set1_epi32(source.read_unaligned().cast_signed()) }
    }

    #[inline(always)]
    unsafe fn load_words(self, source: *const u32) -> __m512i {
        // SAFETY: the CPU has the instruction; the caller has 16 words there.
        unsafe { _mm512_loadu_si512(source.cast()) }
    }

    #[inline(always)]
    fn prefetch(self, source: *const u32) {
        // SAFETY: a prefetch of an address that cannot be read does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(source.cast()) }
    }

    #[inline(always)]
    unsafe fn gather_words(self, source: *const u32, stride: i32) -> __m512i {
        // SAFETY: the CPU has the instructions; the caller has four bytes at each place.
        unsafe {
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_i32gather_epi32::<1>(_mm512_mullo_epi32(lanes, _mm512_set1_epi32(stride)), source.cast())
        }
    }

    #[inline(always)]
    fn store_words(self, target: &mut [u32], words: __m512i) {
        let target = &mut target[..16];
        // SAFETY: the CPU has the instruction; the slice has 16 words.
        unsafe { _mm512_storeu_si512(target.as_mut_ptr().cast(), words) }
    }

    #[inline(always)]
    fn dot_pairs(self, sum: __m512, a: __m512i, b: __m512i) -> __m512 {
        if !PAIRS {
            unreachable!("{NO_PAIRS}");
        }
        // SAFETY: the CPU has the instruction; both types are 64 bytes of any value.
        unsafe {
            let (a, b) = (std::mem::transmute::<__m512i, __m512bh>(a), std::mem::transmute::<__m512i, __m512bh>(b));
            _mm512_dpbf16_ps(sum, a, b)
        }
    }

    #[inline(always)]
    fn store_halves(self, halves: &mut [u16], floats: __m512) {
        let halves = &mut halves[..16];
        // SAFETY: the CPU has the instruction; the slice has 16 numbers.
        unsafe { _mm256_storeu_si256(halves.as_mut_ptr().cast(), rounded(self, floats)) }
    }

    #[inline(always)]
    fn store_halves_part(self, halves: &mut [u16], floats: __m512) {
        // SAFETY: the CPU has the instruction; only lanes that the slice has are written.
        unsafe {
            _mm256_mask_storeu_epi16(halves.as_mut_ptr().cast(), first_lanes(halves.len()), rounded(self, floats));
        }
    }

    #[inline(always)]
    fn store_bytes(self, bytes: &mut [u8], floats: __m512) {
        let bytes = &mut bytes[..16];
        // SAFETY: the CPU has the instructions; the slice has 16 bytes.
        unsafe {
            let whole = _mm512_cvtps_epi32(_mm512_max_ps(floats, _mm512_setzero_ps()));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(whole));
        }
    }
}

/// Each number as the nearest bf16.
#[inline(always)]
fn rounded<const PAIRS: bool>(_: Avx512<PAIRS>, floats: __m512) -> __m256i {
    if !PAIRS {
        unreachable!("{NO_PAIRS}");
    }
    // SAFETY: the CPU has the instruction; both types are 32 bytes of any value.
    unsafe { std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(floats)) }
}
