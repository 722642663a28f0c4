//! The forward pass of BERT encoders as fused CPU kernels.
//!
//! An [`Encoder`] is made once from [`Weights`] and shared by all threads; each thread brings a [`Scratch`], so that nothing
//! but the result is allocated once that has grown. Inputs of different lengths run in one batch without padding.
//!
//! ```
//! use abstractor_encoder::{Encoder, Input, LinearWeights, NormWeights, Precision, Scratch, Shape, Weights};
//!
//! // two words, no layers: embeddings, their layer norm and a head of one column
//! let shape = Shape {
//!     vocabulary: 2, hidden: 4, intermediate: 4, layers: 0, heads: 1, positions: 8, types: 1, epsilon: 1e-12, columns: 1,
//! };
//! let weights = Weights {
//!     words: &[1.0, -1.0, 1.0, -1.0, -2.0, 2.0, -2.0, 2.0],
//!     positions: &[0.0; 32],
//!     types: &[0.0; 4],
//!     norm: NormWeights { weight: &[1.0; 4], bias: &[0.0; 4] },
//!     layers: Vec::new(),
//!     head: LinearWeights { weight: &[3.0, 0.0, 0.0, 0.0], bias: &[0.5] },
//! };
//! let encoder = Encoder::new(&weights, shape, Precision::Int8)?;
//! let mut scratch = Scratch::new();
//! let inputs = [Input { ids: &[0, 1], types: &[0, 0] }, Input { ids: &[1], types: &[0] }];
//! let logits = encoder.logits(&mut scratch, &inputs)?;
//! assert_eq!((logits.inputs(), logits.rows(0), logits.rows(1)), (2, 2, 1));
//! assert!((logits.row(0, 0).ok_or("no row")?[0] - 3.5).abs() < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Weights are packed into panels of three vectors of output columns. A tile of eight rows (four on AVX2) times one panel is
//! computed in registers, and bias, GELU, residual and the format of the store are applied before the sums leave them. Queries,
//! keys and values are one product; attention runs head by head with keys and values packed into the same panels; rows of bytes
//! have a scale and a lowest value each, weights of bytes a scale for each output column.
//!
//! **Invariants.** Unsafe code lives in `kernels` only. No input makes the encoder panic: what cannot be computed is an
//! [`InputError`], which quotes nothing of the input. The result of an input does not depend on what it is batched with.

mod buffer;
mod encoder;
mod forward;
mod input;
mod kernels;
mod logits;
mod matrix;
mod precision;
mod scratch;
mod shape;
mod weights;

pub use encoder::Encoder;
pub use input::{Input, InputError};
pub use logits::Logits;
pub use precision::{Instructions, Precision};
pub use scratch::Scratch;
pub use shape::{Shape, ShapeError};
pub use weights::{LayerWeights, LinearWeights, NormWeights, Weights};
