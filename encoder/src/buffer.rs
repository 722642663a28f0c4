//! Numbers that begin at a cache line, without unsafe code: a vector with room in front.

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A row of numbers whose first one lies at a cache line.
pub(crate) struct Aligned<T> {
    storage: Vec<T>,
    first: usize,
    length: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { storage: Vec::new(), first: 0, length: 0 }
    }
}

impl<T: Copy + Default> Aligned<T> {
    /// So many zeros.
    pub fn zeroed(length: usize) -> Self {
        let mut new = Self::default();
        new.reserve(length);
        new
    }

    /// Makes it at least so long. What it held is lost when it grows; the new numbers are zeros.
    pub fn reserve(&mut self, length: usize) {
        if length <= self.length {
            return;
        }
        let room = LINE / size_of::<T>();
        self.storage = vec![T::default(); length + room];
        let first = self.storage.as_ptr().align_offset(LINE);
        self.first = if first <= room { first } else { 0 };
        self.length = length;
    }

    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        &self.storage[self.first..self.first + self.length]
    }

    /// All of them, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.storage[self.first..self.first + self.length]
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.storage.capacity() * size_of::<T>()
    }
}

/// `value` rounded up to a multiple of `step`.
pub(crate) const fn round_up(value: usize, step: usize) -> usize {
    value.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_cache_line_and_grows_with_zeros() {
        let mut numbers = Aligned::<f32>::zeroed(3);
        numbers.as_mut_slice().fill(1.0);
        numbers.reserve(2);
        assert_eq!(numbers.as_slice(), [1.0; 3]);
        numbers.reserve(1000);
        assert_eq!(numbers.as_slice(), [0.0; 1000]);
        assert_eq!(numbers.as_slice().as_ptr() as usize % LINE, 0);
        assert_eq!((round_up(0, 16), round_up(1, 16), round_up(16, 16)), (0, 16, 16));
    }
}
