//! The shape of an encoder, and what can be wrong with it.

use std::fmt;

/// Shape of an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Rows of the word table.
    pub vocabulary: usize,
    /// Hidden size.
    pub hidden: usize,
    /// Feed-forward size.
    pub intermediate: usize,
    /// Layers; an encoder without any is embeddings and a head.
    pub layers: usize,
    /// Attention heads; the hidden size is a multiple of it.
    pub heads: usize,
    /// Rows of the position table: the longest input.
    pub positions: usize,
    /// Token types.
    pub types: usize,
    /// Epsilon of the layer norms.
    pub epsilon: f32,
    /// Columns of the head; zero when only hidden states are wanted.
    pub columns: usize,
}

/// Why an encoder cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// A size that must not be zero is.
    Zero {
        /// Which size.
        size: &'static str,
    },
    /// A size is larger than the kernels' sums and indices allow.
    TooLarge {
        /// Which size.
        size: &'static str,
        /// The largest that is allowed.
        most: usize,
    },
    /// The hidden size is not a multiple of the heads.
    Heads {
        /// Hidden size.
        hidden: usize,
        /// Heads.
        heads: usize,
    },
    /// The epsilon is negative or no number.
    Epsilon,
    /// There are weights for another number of layers.
    Layers {
        /// As the shape has it.
        expected: usize,
        /// As the weights have it.
        found: usize,
    },
    /// A tensor has another number of values than its shape asks for.
    Tensor {
        /// Its name, as the fields of [`Weights`](crate::Weights) are called.
        name: String,
        /// As the shape has it.
        expected: usize,
        /// As the weights have it.
        found: usize,
    },
    /// This CPU lacks the instructions that were asked for.
    Instructions,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { size } => write!(formatter, "{size} must not be zero"),
            Self::TooLarge { size, most } => write!(formatter, "{size} must be at most {most}"),
            Self::Heads { hidden, heads } => {
                write!(formatter, "a hidden size of {hidden} cannot be divided among {heads} heads")
            }
            Self::Epsilon => write!(formatter, "epsilon must be a number of at least zero"),
            Self::Layers { expected, found } => write!(formatter, "there are weights of {found} layers instead of {expected}"),
            Self::Tensor { name, expected, found } => {
                write!(formatter, "{name} has {found} values; the shape asks for {expected}")
            }
            Self::Instructions => write!(formatter, "this CPU lacks the instructions that were asked for"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// Up to here the sum of so many products of bytes fits 32 bits, and sizes multiply without overflow.
const WIDEST: usize = 1 << 15;
const LARGEST: usize = 1 << 24;

impl Shape {
    /// Whether sizes agree with each other.
    ///
    /// # Errors
    /// The first that does not.
    pub(crate) fn check(&self) -> Result<(), ShapeError> {
        for (size, value, most) in [
            ("vocabulary", self.vocabulary, LARGEST),
            ("hidden", self.hidden, WIDEST),
            ("intermediate", self.intermediate, WIDEST),
            ("heads", self.heads, WIDEST),
            ("positions", self.positions, LARGEST),
            ("types", self.types, LARGEST),
        ] {
            if value == 0 {
                return Err(ShapeError::Zero { size });
            }
            if value > most {
                return Err(ShapeError::TooLarge { size, most });
            }
        }
        if self.columns > WIDEST {
            return Err(ShapeError::TooLarge { size: "columns", most: WIDEST });
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return Err(ShapeError::Heads { hidden: self.hidden, heads: self.heads });
        }
        if self.epsilon.is_nan() || self.epsilon < 0.0 {
            return Err(ShapeError::Epsilon);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_agree_are_named() {
        let shape = Shape {
            vocabulary: 10,
            hidden: 12,
            intermediate: 7,
            layers: 0,
            heads: 3,
            positions: 5,
            types: 1,
            epsilon: 1e-12,
            columns: 0,
        };
        assert_eq!(shape.check(), Ok(()));
        assert_eq!(Shape { heads: 5, ..shape }.check(), Err(ShapeError::Heads { hidden: 12, heads: 5 }));
        assert_eq!(Shape { types: 0, ..shape }.check(), Err(ShapeError::Zero { size: "types" }));
        assert_eq!(Shape { epsilon: f32::NAN, ..shape }.check(), Err(ShapeError::Epsilon));
        let error = Shape { intermediate: WIDEST + 1, ..shape }.check().expect_err("too wide");
        assert_eq!(error.to_string(), "intermediate must be at most 32768");
    }
}
