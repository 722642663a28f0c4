//! The encoder on a CPU: the weights that candle has read, packed for the fused kernels of [`abstractor_encoder`].

use std::cell::RefCell;

use abstractor_encoder::{
    Encoder, Input as EncoderInput, LayerWeights, LinearWeights, Logits, NormWeights, Precision, Scratch,
    Shape as EncoderShape, Weights as EncoderWeights,
};
use candle_core::Tensor;

use super::{
    encoder::{Input, Shape},
    weights::Weights,
};

thread_local! {
    /// What the kernels write on the way: grows to the largest batch of the thread, and is used again.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// The packed encoder. Shared by all threads.
pub(super) struct Fused {
    encoder: Encoder,
}

/// A linear layer or a norm as numbers.
struct Pair {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Pair {
    fn linear(&self) -> LinearWeights<'_> {
        LinearWeights { weight: &self.weight, bias: &self.bias }
    }

    fn norm(&self) -> NormWeights<'_> {
        NormWeights { weight: &self.weight, bias: &self.bias }
    }
}

/// Tensors under the names of a Hugging Face BERT, as numbers.
struct Reader<'a> {
    weights: &'a Weights<'a>,
}

impl Reader<'_> {
    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self.weights.take(name, shape)?;
        tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(|error| format!("tensor {name}: {error}"))
    }

    fn pair(&self, name: &str, shape: &[usize]) -> Result<Pair, String> {
        let weight = self.numbers(&format!("{name}.weight"), shape)?;
        Ok(Pair { weight, bias: self.numbers(&format!("{name}.bias"), &shape[..1])? })
    }

    /// The tagging head with the context heads under it.
    fn heads(&self, shape: &Shape) -> Result<Pair, String> {
        let mut all = self.pair("classifier", &[shape.labels, shape.hidden])?;
        for (name, columns) in shape.context_heads() {
            let head = self.pair(name, &[columns, shape.hidden])?;
            all.weight.extend(head.weight);
            all.bias.extend(head.bias);
        }
        Ok(all)
    }
}

impl Fused {
    /// Packs the weights for the instructions of this CPU.
    ///
    /// # Errors
    /// A sentence that names the tensor that is missing or of another shape.
    pub fn new(weights: &Weights<'_>, shape: &Shape, precision: Precision) -> Result<Self, String> {
        let (hidden, intermediate) = (shape.hidden, shape.intermediate);
        let reader = Reader { weights };
        let words = reader.numbers("bert.embeddings.word_embeddings.weight", &[shape.vocabulary, hidden])?;
        let positions = reader.numbers("bert.embeddings.position_embeddings.weight", &[shape.positions, hidden])?;
        let types = reader.numbers("bert.embeddings.token_type_embeddings.weight", &[shape.types, hidden])?;
        let norm = reader.pair("bert.embeddings.LayerNorm", &[hidden])?;
        let head = reader.heads(shape)?;
        let mut parts: Vec<[Pair; 8]> = Vec::with_capacity(shape.layers);
        for index in 0..shape.layers {
            let pair = |name: &str, size: &[usize]| reader.pair(&format!("bert.encoder.layer.{index}.{name}"), size);
            parts.push([
                pair("attention.self.query", &[hidden, hidden])?,
                pair("attention.self.key", &[hidden, hidden])?,
                pair("attention.self.value", &[hidden, hidden])?,
                pair("attention.output.dense", &[hidden, hidden])?,
                pair("attention.output.LayerNorm", &[hidden])?,
                pair("intermediate.dense", &[intermediate, hidden])?,
                pair("output.dense", &[hidden, intermediate])?,
                pair("output.LayerNorm", &[hidden])?,
            ]);
        }
        let layers =
            parts.iter().map(|[query, key, value, attention_output, attention_norm, intermediate, output, output_norm]| {
                LayerWeights {
                    query: query.linear(),
                    key: key.linear(),
                    value: value.linear(),
                    attention_output: attention_output.linear(),
                    attention_norm: attention_norm.norm(),
                    intermediate: intermediate.linear(),
                    output: output.linear(),
                    output_norm: output_norm.norm(),
                }
            });
        let weights = EncoderWeights {
            words: &words,
            positions: &positions[shape.first_position * hidden..],
            types: &types,
            norm: norm.norm(),
            layers: layers.collect(),
            head: head.linear(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "an epsilon needs no more digits")]
        let epsilon = shape.epsilon as f32;
        let shape = EncoderShape {
            vocabulary: shape.vocabulary,
            hidden,
            intermediate,
            layers: shape.layers,
            heads: shape.heads,
            positions: shape.positions - shape.first_position,
            types: shape.types,
            epsilon,
            columns: shape.columns(),
        };
        Encoder::new(&weights, shape, precision).map(|encoder| Self { encoder }).map_err(|error| error.to_string())
    }

    /// The precision it computes with.
    pub const fn precision(&self) -> Precision {
        self.encoder.precision_used()
    }

    /// Logits of a batch: for each input one row for each wordpiece that is wanted.
    ///
    /// # Errors
    /// When an input does not fit the model.
    pub fn logits(&self, inputs: &[Input]) -> candle_core::Result<Vec<Vec<Vec<f32>>>> {
        let wanted: Vec<_> = inputs.iter().map(|input| input.wanted.clone()).collect();
        let logits = SCRATCH.with_borrow_mut(|scratch| self.encoder.logits_of(scratch, &borrowed(inputs), &wanted));
        Ok(split(&logits.map_err(candle_core::Error::wrap)?))
    }

    /// For each input the states of `layers` side by side, each the mean over the wordpieces between the first and the last; shape
    /// (inputs, layers × hidden).
    ///
    /// # Errors
    /// When an input does not fit the model.
    pub fn pooled(&self, inputs: &[Input], layers: &[usize]) -> candle_core::Result<Tensor> {
        let pooled = SCRATCH.with_borrow_mut(|scratch| self.encoder.pooled(scratch, &borrowed(inputs), layers));
        let features = layers.len() * self.encoder.shape().hidden;
        Tensor::from_vec(pooled.map_err(candle_core::Error::wrap)?, (inputs.len(), features), &candle_core::Device::Cpu)
    }
}

fn borrowed(inputs: &[Input]) -> Vec<EncoderInput<'_>> {
    inputs.iter().map(|input| EncoderInput { ids: &input.ids, types: &input.types }).collect()
}

fn split(logits: &Logits) -> Vec<Vec<Vec<f32>>> {
    let row = |input: usize, row: usize| logits.row(input, row).unwrap_or_default().to_vec();
    (0..logits.inputs()).map(|input| (0..logits.rows(input)).map(|at| row(input, at)).collect()).collect()
}
