//! The BERT encoder with a token-classification head, on candle tensors.
//!
//! Why not candle-transformers' BERT: it computes Q, K and V as three products, masks windows that need no mask and calls a
//! scalar error function; on one thread that costs a factor of two to three (see ARCHITECTURE, "Speed").

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module};

use super::gelu::Gelu;

/// Shape of an encoder, from `config.json`.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Vocabulary size.
    pub vocabulary: usize,
    /// Hidden size.
    pub hidden: usize,
    /// Feed-forward size.
    pub intermediate: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Longest input, special tokens included.
    pub positions: usize,
    /// Segment types.
    pub types: usize,
    /// Epsilon of the layer norms.
    pub epsilon: f64,
    /// Labels of the head.
    pub labels: usize,
}

struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

/// The encoder: wordpiece ids in, logits and hidden states out. Synchronous; give each thread its own pool.
pub struct Encoder {
    words: Tensor,
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    head: Linear,
    heads: usize,
    hidden: usize,
    labels: usize,
}

/// Weights by name, each checked for its shape when taken.
struct Weights<'a> {
    tensors: &'a HashMap<String, Tensor>,
}

impl Weights<'_> {
    fn take(&self, name: &str, shape: &[usize]) -> std::result::Result<Tensor, String> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("tensor {name} is missing"))?;
        if tensor.dims() != shape {
            return Err(format!("tensor {name} has shape {:?}; config.json asks for {shape:?}", tensor.dims()));
        }
        tensor.to_dtype(DType::F32).and_then(|tensor| tensor.contiguous()).map_err(|error| format!("tensor {name}: {error}"))
    }

    fn linear(&self, name: &str, output: usize, input: usize) -> std::result::Result<Linear, String> {
        let weight = self.take(&format!("{name}.weight"), &[output, input])?;
        Ok(Linear::new(weight, Some(self.take(&format!("{name}.bias"), &[output])?)))
    }

    fn norm(&self, name: &str, size: usize, epsilon: f64) -> std::result::Result<LayerNorm, String> {
        let weight = self.take(&format!("{name}.weight"), &[size])?;
        Ok(LayerNorm::new(weight, self.take(&format!("{name}.bias"), &[size])?, epsilon))
    }
}

impl Encoder {
    /// Builds the encoder from weights under the names of a Hugging Face BERT.
    ///
    /// # Errors
    /// A sentence that names the tensor that is missing or of another shape.
    pub(super) fn new(tensors: &HashMap<String, Tensor>, shape: &Shape) -> std::result::Result<Self, String> {
        let weights = Weights { tensors };
        let hidden = shape.hidden;
        let text = |error: candle_core::Error| error.to_string();
        let words = weights.take("bert.embeddings.word_embeddings.weight", &[shape.vocabulary, hidden])?;
        let positions = weights.take("bert.embeddings.position_embeddings.weight", &[shape.positions, hidden])?;
        let types = weights.take("bert.embeddings.token_type_embeddings.weight", &[shape.types, hidden])?;
        // one segment only: its type vector is added to the positions once
        let positions = types.narrow(0, 0, 1).and_then(|first| positions.broadcast_add(&first)).map_err(text)?;
        let norm = weights.norm("bert.embeddings.LayerNorm", hidden, shape.epsilon)?;
        let layers =
            (0..shape.layers).map(|index| Self::layer(&weights, index, shape)).collect::<std::result::Result<_, _>>()?;
        let head = weights.linear("classifier", shape.labels, hidden)?;
        Ok(Self { words, positions, norm, layers, head, heads: shape.heads, hidden, labels: shape.labels })
    }

    fn layer(weights: &Weights<'_>, index: usize, shape: &Shape) -> std::result::Result<Layer, String> {
        let (hidden, intermediate) = (shape.hidden, shape.intermediate);
        let prefix = format!("bert.encoder.layer.{index}");
        let text = |error: candle_core::Error| error.to_string();
        let parts =
            ["query", "key", "value"].map(|part| weights.linear(&format!("{prefix}.attention.self.{part}"), hidden, hidden));
        let [query, key, value] = parts;
        let (query, key, value) = (query?, key?, value?);
        let weight = Tensor::cat(&[query.weight(), key.weight(), value.weight()], 0).map_err(text)?;
        let biases: Vec<&Tensor> = [&query, &key, &value].into_iter().filter_map(|part| part.bias()).collect();
        let bias = Tensor::cat(&biases, 0).map_err(text)?;
        Ok(Layer {
            query_key_value: Linear::new(weight, Some(bias)),
            attention_output: weights.linear(&format!("{prefix}.attention.output.dense"), hidden, hidden)?,
            attention_norm: weights.norm(&format!("{prefix}.attention.output.LayerNorm"), hidden, shape.epsilon)?,
            intermediate: weights.linear(&format!("{prefix}.intermediate.dense"), intermediate, hidden)?,
            output: weights.linear(&format!("{prefix}.output.dense"), hidden, intermediate)?,
            output_norm: weights.norm(&format!("{prefix}.output.LayerNorm"), hidden, shape.epsilon)?,
        })
    }

    /// Logits of a batch of inputs (ids with special tokens): for each input one row a wordpiece, one column a label.
    ///
    /// # Errors
    /// When a tensor operation fails, which means a broken model or no memory.
    pub fn logits(&self, inputs: &[Vec<u32>]) -> Result<Vec<Vec<Vec<f32>>>> {
        let Some(longest) = inputs.iter().map(Vec::len).max() else { return Ok(Vec::new()) };
        let mut ids = Vec::with_capacity(inputs.len() * longest);
        for input in inputs {
            ids.extend_from_slice(input);
            ids.resize(ids.len() + longest - input.len(), 0);
        }
        let mask = if inputs.iter().all(|input| input.len() == longest) { None } else { Some(self.mask(inputs, longest)?) };
        let ids = Tensor::from_vec(ids, inputs.len() * longest, &Device::Cpu)?;
        let states = self.states(&ids, (inputs.len(), longest), mask.as_ref())?;
        let rows = self.head.forward(&states)?.reshape((inputs.len() * longest, self.labels))?.to_vec2::<f32>()?;
        let mut rows = rows.into_iter();
        Ok(inputs
            .iter()
            .map(|input| {
                let mut own: Vec<Vec<f32>> = rows.by_ref().take(longest).collect();
                own.truncate(input.len());
                own
            })
            .collect())
    }

    /// Hidden states, shape (batch × length, hidden).
    fn states(&self, ids: &Tensor, (batch, length): (usize, usize), mask: Option<&Tensor>) -> Result<Tensor> {
        let positions = self.positions.narrow(0, 0, length)?;
        let embedded = self.words.index_select(ids, 0)?.reshape((batch, length, self.hidden))?.broadcast_add(&positions)?;
        let mut states = self.norm.forward(&embedded.reshape((batch * length, self.hidden))?)?;
        for layer in &self.layers {
            let attended = self.attend(layer, &states, (batch, length), mask)?;
            let attended = layer.attention_output.forward(&attended)?;
            states = layer.attention_norm.forward(&(attended + &states)?)?;
            let wide = layer.intermediate.forward(&states)?;
            wide.inplace_op1(&Gelu)?;
            states = layer.output_norm.forward(&(layer.output.forward(&wide)? + &states)?)?;
        }
        Ok(states)
    }

    fn attend(&self, layer: &Layer, states: &Tensor, (batch, length): (usize, usize), mask: Option<&Tensor>) -> Result<Tensor> {
        let width = self.hidden / self.heads;
        let all = layer.query_key_value.forward(states)?.reshape((batch, length, 3, self.heads, width))?;
        let part = |index: usize| all.narrow(2, index, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        #[expect(clippy::cast_precision_loss, reason = "a head is at most a few hundred wide")]
        let scale = 1.0 / (width as f64).sqrt();
        let mut scores = (part(0)? * scale)?.matmul(&part(1)?.transpose(2, 3)?)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let weights = candle_nn::ops::softmax_last_dim(&scores)?;
        weights.matmul(&part(2)?)?.transpose(1, 2)?.reshape((batch * length, self.hidden))
    }

    /// Zero for wordpieces, a large negative number for padding; shape (batch, 1, 1, length).
    fn mask(&self, inputs: &[Vec<u32>], longest: usize) -> Result<Tensor> {
        let values: Vec<f32> =
            inputs.iter().flat_map(|input| (0..longest).map(move |at| if at < input.len() { 0.0 } else { -1e9 })).collect();
        Tensor::from_vec(values, (inputs.len(), 1, 1, longest), &Device::Cpu)
    }
}
