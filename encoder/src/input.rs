//! What goes into an encoder, and what can be wrong with it.

use std::fmt;

use crate::Shape;

/// One input of the encoder, special tokens included.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Wordpiece ids, each below the vocabulary's size.
    pub ids: &'a [u32],
    /// Token types, one for each id.
    pub types: &'a [u32],
}

/// Why an input cannot be run. Inputs and wordpieces are named by their index only, since ids are the words of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// An id lies beyond the vocabulary.
    Id {
        /// Index of the input.
        input: usize,
        /// Index of the wordpiece.
        position: usize,
    },
    /// A token type lies beyond the table.
    Type {
        /// Index of the input.
        input: usize,
        /// Index of the wordpiece.
        position: usize,
    },
    /// An input has more wordpieces than there are positions.
    Length {
        /// Index of the input.
        input: usize,
        /// Its wordpieces.
        length: usize,
        /// Positions of the encoder.
        positions: usize,
    },
    /// An input has not one token type for each id.
    Types {
        /// Index of the input.
        input: usize,
        /// Its ids.
        ids: usize,
        /// Its types.
        types: usize,
    },
    /// The wordpieces that are wanted do not lie within their inputs, or not one range is given for each.
    Wanted,
    /// Hidden states were asked for of a layer that there is not.
    Layer {
        /// The layer.
        layer: usize,
        /// Layers of the encoder.
        layers: usize,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id { input, position } => write!(formatter, "id {position} of input {input} is not in the vocabulary"),
            Self::Type { input, position } => write!(formatter, "token type {position} of input {input} is unknown"),
            Self::Length { input, length, positions } => {
                write!(formatter, "input {input} has {length} wordpieces; the encoder takes {positions}")
            }
            Self::Types { input, ids, types } => write!(formatter, "input {input} has {ids} ids and {types} token types"),
            Self::Wanted => formatter.write_str("the wordpieces that are wanted are not one range within each input"),
            Self::Layer { layer, layers } => write!(formatter, "there is no layer {layer}; the encoder has {layers}"),
        }
    }
}

impl std::error::Error for InputError {}

/// Whether an encoder of this shape can run all of them.
///
/// # Errors
/// The first that it cannot.
pub(crate) fn check(inputs: &[Input<'_>], shape: &Shape) -> Result<(), InputError> {
    let beyond = |values: &[u32], size: usize| values.iter().position(|value| *value as usize >= size);
    for (input, Input { ids, types }) in inputs.iter().enumerate() {
        if ids.len() != types.len() {
            return Err(InputError::Types { input, ids: ids.len(), types: types.len() });
        }
        if ids.len() > shape.positions {
            return Err(InputError::Length { input, length: ids.len(), positions: shape.positions });
        }
        if let Some(position) = beyond(ids, shape.vocabulary) {
            return Err(InputError::Id { input, position });
        }
        if let Some(position) = beyond(types, shape.types) {
            return Err(InputError::Type { input, position });
        }
    }
    Ok(())
}
