//! What a vector unit offers to the kernels.

/// Encoders for such a unit are never packed with bf16.
pub(super) const NO_PAIRS: &str = "this vector unit has no instructions for bf16";

/// A vector unit. A value of such a type is the proof that the CPU has it, which is why most operations are safe.
pub(super) trait Lanes: Copy + Send + Sync {
    /// Numbers of a vector: a divisor of 16.
    const COUNT: usize;
    /// Whether it has instructions for bf16; where it has not, none of the operations with pairs and halves is called.
    const PAIRS: bool;
    /// A vector of f32.
    type Floats: Copy;
    /// A vector of four-byte words.
    type Words: Copy;

    /// Runs a task with this unit's instructions.
    fn enter<T: Task<Self>>(self, task: T);

    /// The same number in every lane.
    fn splat(self, value: f32) -> Self::Floats;
    /// The first numbers of a slice that has enough of them.
    fn load(self, values: &[f32]) -> Self::Floats;
    /// All of a slice that may be too short; the other lanes are zero.
    fn load_part(self, values: &[f32]) -> Self::Floats;
    /// Into the first numbers of a slice that has enough of them.
    fn store(self, values: &mut [f32], floats: Self::Floats);
    /// As many as the slice has room for.
    fn store_part(self, values: &mut [f32], floats: Self::Floats);

    /// `a + b`
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a - b`
    fn subtract(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b`
    fn multiply(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`
    fn multiply_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// The larger of each.
    fn maximum(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller of each.
    fn minimum(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The nearest whole number of each.
    fn round(self, floats: Self::Floats) -> Self::Floats;
    /// `floats * 2^powers` for whole powers from −126 to 127.
    fn scale_by_power(self, floats: Self::Floats, powers: Self::Floats) -> Self::Floats;
    /// `1 / x`, within 2e-7 of it.
    fn reciprocal(self, floats: Self::Floats) -> Self::Floats;
    /// Sum over the lanes.
    fn sum(self, floats: Self::Floats) -> f32;
    /// Largest of the lanes.
    fn highest(self, floats: Self::Floats) -> f32;
    /// Smallest of the lanes.
    fn lowest(self, floats: Self::Floats) -> f32;
    /// The first `count` lanes of `floats`, the others of `others`.
    fn first(self, floats: Self::Floats, count: usize, others: Self::Floats) -> Self::Floats;

    /// Zero in every lane.
    fn zero_words(self) -> Self::Words;
    /// The word at `source` in every lane.
    ///
    /// # Safety
    /// Four bytes can be read at `source`, which need not be aligned.
    unsafe fn splat_word(self, source: *const u32) -> Self::Words;
    /// A vector of words.
    ///
    /// # Safety
    /// `COUNT` words can be read at `source`, which need not be aligned.
    unsafe fn load_words(self, source: *const u32) -> Self::Words;
    /// Asks for the cache line at `source`, which may lie anywhere.
    fn prefetch(self, source: *const u32);
    /// The words at `stride`, twice `stride` and so on bytes from the first four-byte word of `values`, which is one of them.
    ///
    /// # Safety
    /// Four bytes can be read at each of the `COUNT` places.
    unsafe fn gather_words(self, source: *const u32, stride: i32) -> Self::Words;
    /// Into the first words of a slice that has enough of them.
    fn store_words(self, target: &mut [u32], words: Self::Words);
    /// The words' bits as f32.
    fn as_floats(self, words: Self::Words) -> Self::Floats;
    /// The words as integers, as f32.
    fn whole_floats(self, words: Self::Words) -> Self::Floats;
    /// To each word of `sum` the four products of its bytes, unsigned in `a` and signed in `b`.
    fn dot_bytes(self, sum: Self::Words, a: Self::Words, b: Self::Words) -> Self::Words;
    /// To each number of `sum` the two products of its word's bf16.
    fn dot_pairs(self, _sum: Self::Floats, _a: Self::Words, _b: Self::Words) -> Self::Floats {
        unreachable!("{NO_PAIRS}")
    }
    /// Each number as the nearest bf16, into the first of a slice that has enough of them.
    fn store_halves(self, _halves: &mut [u16], _floats: Self::Floats) {
        unreachable!("{NO_PAIRS}")
    }
    /// As many as the slice has room for.
    fn store_halves_part(self, _halves: &mut [u16], _floats: Self::Floats) {
        unreachable!("{NO_PAIRS}")
    }
    /// Each number as the nearest whole number from 0 to 255, into the first of a slice that has enough of them.
    fn store_bytes(self, bytes: &mut [u8], floats: Self::Floats);
}

/// Work that runs inside one vector unit. `run` and all it calls are inlined into [`Lanes::enter`].
pub(super) trait Task<L: Lanes> {
    /// Does it.
    fn run(self, lanes: L);
}
