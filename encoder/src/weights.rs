//! The weights that an encoder is made from, as slices of f32.

use crate::{Shape, ShapeError};

/// A linear layer.
#[derive(Debug, Clone, Copy)]
pub struct LinearWeights<'a> {
    /// Shape (outputs, inputs), row by row.
    pub weight: &'a [f32],
    /// Shape (outputs).
    pub bias: &'a [f32],
}

/// A layer norm; both have shape (hidden).
#[derive(Debug, Clone, Copy)]
pub struct NormWeights<'a> {
    /// What normalised values are multiplied with.
    pub weight: &'a [f32],
    /// What is added to them.
    pub bias: &'a [f32],
}

/// One layer of the encoder.
#[derive(Debug, Clone, Copy)]
pub struct LayerWeights<'a> {
    /// Queries, shape (hidden, hidden).
    pub query: LinearWeights<'a>,
    /// Keys, shape (hidden, hidden).
    pub key: LinearWeights<'a>,
    /// Values, shape (hidden, hidden).
    pub value: LinearWeights<'a>,
    /// The product after attention, shape (hidden, hidden).
    pub attention_output: LinearWeights<'a>,
    /// The layer norm after that.
    pub attention_norm: NormWeights<'a>,
    /// The first feed-forward product, shape (intermediate, hidden).
    pub intermediate: LinearWeights<'a>,
    /// The second feed-forward product, shape (hidden, intermediate).
    pub output: LinearWeights<'a>,
    /// The layer norm after that.
    pub output_norm: NormWeights<'a>,
}

/// All weights of an encoder.
#[derive(Debug, Clone)]
pub struct Weights<'a> {
    /// Word table, shape (vocabulary, hidden).
    pub words: &'a [f32],
    /// Position table, shape (positions, hidden).
    pub positions: &'a [f32],
    /// Token type table, shape (types, hidden).
    pub types: &'a [f32],
    /// The layer norm of the embeddings.
    pub norm: NormWeights<'a>,
    /// The layers, the first one first.
    pub layers: Vec<LayerWeights<'a>>,
    /// The head, shape (columns, hidden).
    pub head: LinearWeights<'a>,
}

impl Weights<'_> {
    /// Whether every tensor has as many values as `shape` asks for.
    ///
    /// # Errors
    /// The first that has not.
    pub(crate) fn check(&self, shape: &Shape) -> Result<(), ShapeError> {
        let (hidden, intermediate) = (shape.hidden, shape.intermediate);
        if self.layers.len() != shape.layers {
            return Err(ShapeError::Layers { expected: shape.layers, found: self.layers.len() });
        }
        tensor("words", self.words, shape.vocabulary * hidden)?;
        tensor("positions", self.positions, shape.positions * hidden)?;
        tensor("types", self.types, shape.types * hidden)?;
        self.norm.check("norm", hidden)?;
        self.head.check("head", (shape.columns, hidden))?;
        for (index, layer) in self.layers.iter().enumerate() {
            for (name, linear, size) in [
                ("query", &layer.query, (hidden, hidden)),
                ("key", &layer.key, (hidden, hidden)),
                ("value", &layer.value, (hidden, hidden)),
                ("attention_output", &layer.attention_output, (hidden, hidden)),
                ("intermediate", &layer.intermediate, (intermediate, hidden)),
                ("output", &layer.output, (hidden, intermediate)),
            ] {
                linear.check(&format!("layers[{index}].{name}"), size)?;
            }
            layer.attention_norm.check(&format!("layers[{index}].attention_norm"), hidden)?;
            layer.output_norm.check(&format!("layers[{index}].output_norm"), hidden)?;
        }
        Ok(())
    }
}

impl LinearWeights<'_> {
    fn check(&self, name: &str, (outputs, inputs): (usize, usize)) -> Result<(), ShapeError> {
        tensor(&format!("{name}.weight"), self.weight, outputs * inputs)?;
        tensor(&format!("{name}.bias"), self.bias, outputs)
    }
}

impl NormWeights<'_> {
    fn check(&self, name: &str, size: usize) -> Result<(), ShapeError> {
        tensor(&format!("{name}.weight"), self.weight, size)?;
        tensor(&format!("{name}.bias"), self.bias, size)
    }
}

fn tensor(name: &str, values: &[f32], expected: usize) -> Result<(), ShapeError> {
    if values.len() == expected {
        Ok(())
    } else {
        Err(ShapeError::Tensor { name: name.to_owned(), expected, found: values.len() })
    }
}
