//! The BERT encoder with its heads, on candle tensors: what a GPU runs, and the reference that the fused kernels for a CPU are held to.
//! RoBERTa and DistilBERT are BERT under other names.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module};

use super::weights::Weights;

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
    /// Rows of the position table.
    pub positions: usize,
    /// Row of the first position.
    pub first_position: usize,
    /// Token types.
    pub types: usize,
    /// Epsilon of the layer norms.
    pub epsilon: f64,
    /// Labels of the tagging head.
    pub labels: usize,
    /// Columns of the assertion head; zero when there is none.
    pub assertions: usize,
    /// Columns of the status head; zero when there is none.
    pub statuses: usize,
}

impl Shape {
    /// The heads beside the tagging head that there are: name and columns.
    pub fn context_heads(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let all = [("assertion_classifier", self.assertions), ("status_classifier", self.statuses)];
        all.into_iter().filter(|(_, columns)| *columns > 0)
    }

    /// Columns of all heads: the labels, then the assertions, then the statuses.
    pub const fn columns(&self) -> usize {
        self.labels + self.assertions + self.statuses
    }
}

/// One input of the encoder, special tokens included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// Wordpiece ids.
    pub ids: Vec<u32>,
    /// Token types.
    pub types: Vec<u32>,
    /// The wordpieces whose logits are wanted.
    pub wanted: Range<usize>,
}

struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

/// The encoder: wordpiece ids in, logits out. Synchronous.
pub(super) struct Encoder {
    device: Device,
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    head: Linear,
    heads: usize,
    hidden: usize,
    columns: usize,
}

/// The parts of an encoder as candle has them.
impl Weights<'_> {
    fn linear(&self, name: &str, output: usize, input: usize) -> std::result::Result<Linear, String> {
        let weight = self.take(&format!("{name}.weight"), &[output, input])?;
        Ok(Linear::new(weight, Some(self.take(&format!("{name}.bias"), &[output])?)))
    }

    /// The tagging head with the context heads under it as one product, and its columns.
    fn heads(&self, shape: &Shape) -> std::result::Result<(Linear, usize), String> {
        let mut parts = vec![self.linear("classifier", shape.labels, shape.hidden)?];
        for (name, columns) in shape.context_heads() {
            parts.push(self.linear(name, columns, shape.hidden)?);
        }
        let weights: Vec<&Tensor> = parts.iter().map(Linear::weight).collect();
        let biases: Vec<&Tensor> = parts.iter().filter_map(Linear::bias).collect();
        let text = |error: candle_core::Error| error.to_string();
        let head = Linear::new(Tensor::cat(&weights, 0).map_err(text)?, Some(Tensor::cat(&biases, 0).map_err(text)?));
        Ok((head, shape.columns()))
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
    pub(super) fn new(weights: &Weights<'_>, shape: &Shape) -> std::result::Result<Self, String> {
        let hidden = shape.hidden;
        let text = |error: candle_core::Error| error.to_string();
        let device = weights.device.clone();
        let words = weights.take("bert.embeddings.word_embeddings.weight", &[shape.vocabulary, hidden])?;
        let positions = weights.take("bert.embeddings.position_embeddings.weight", &[shape.positions, hidden])?;
        let types = weights.take("bert.embeddings.token_type_embeddings.weight", &[shape.types, hidden])?;
        let count = shape.positions - shape.first_position;
        let positions = positions.narrow(0, shape.first_position, count).and_then(|own| own.contiguous()).map_err(text)?;
        let norm = weights.norm("bert.embeddings.LayerNorm", hidden, shape.epsilon)?;
        let layers =
            (0..shape.layers).map(|index| Self::layer(weights, index, shape)).collect::<std::result::Result<_, _>>()?;
        let (head, columns) = weights.heads(shape)?;
        Ok(Self { device, words, positions, types, norm, layers, head, heads: shape.heads, hidden, columns })
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

    /// Logits of a batch of inputs: for each input one row a wordpiece; columns are the labels, then the assertions, then the
    /// statuses.
    ///
    /// # Errors
    /// When a tensor operation fails, which means a broken model or no memory.
    pub fn logits(&self, inputs: &[Input]) -> Result<Vec<Vec<Vec<f32>>>> {
        let Some(batch) = Batch::new(inputs) else { return Ok(Vec::new()) };
        let states = self.states(&batch)?;
        let rows = self.head.forward(&states)?.reshape((batch.count * batch.longest, self.columns))?.to_vec2::<f32>()?;
        Ok(batch.split(rows, inputs))
    }

    /// For each input the concatenated states of `layers` (0 = embeddings), each the mean over the wordpieces between the first and the
    /// last; shape (inputs, layers × hidden). The inputs are of one length.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub(super) fn pooled(&self, inputs: &[Input], layers: &[usize]) -> Result<Tensor> {
        let Some(batch) = Batch::new(inputs) else { return Tensor::zeros((0, 0), DType::F32, &self.device) };
        let mut pooled = Vec::with_capacity(layers.len());
        self.states_each(&batch, |layer, states| {
            if layers.contains(&layer) {
                let states = states.reshape((batch.count, batch.longest, self.hidden))?;
                pooled.push(states.narrow(1, 1, batch.longest.saturating_sub(2).max(1))?.mean(1)?);
            }
            Ok(())
        })?;
        Tensor::cat(&pooled, 1)
    }

    /// Hidden states of the last layer, shape (batch × length, hidden).
    fn states(&self, batch: &Batch) -> Result<Tensor> {
        self.states_each(batch, |_, _| Ok(()))
    }

    /// The same, after every layer's states were shown to `each` (0 = embeddings).
    fn states_each(&self, batch: &Batch, mut each: impl FnMut(usize, &Tensor) -> Result<()>) -> Result<Tensor> {
        let (count, length) = (batch.count, batch.longest);
        let mask = if batch.padded { Some(self.mask(batch)?) } else { None };
        let rows = |table: &Tensor, of: &[u32]| table.index_select(&Tensor::new(of, &self.device)?, 0);
        let embedded = (rows(&self.words, &batch.ids)? + rows(&self.types, &batch.types)?)?;
        let embedded = embedded.reshape((count, length, self.hidden))?.broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        let mut states = self.norm.forward(&embedded.reshape((count * length, self.hidden))?)?;
        each(0, &states)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let attended = self.attend(layer, &states, (count, length), mask.as_ref())?;
            let attended = layer.attention_output.forward(&attended)?;
            states = layer.attention_norm.forward(&(attended + &states)?)?;
            let wide = layer.intermediate.forward(&states)?.gelu_erf()?;
            states = layer.output_norm.forward(&(layer.output.forward(&wide)? + &states)?)?;
            each(index + 1, &states)?;
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
    fn mask(&self, batch: &Batch) -> Result<Tensor> {
        let values: Vec<f32> = batch.present.iter().map(|present| if *present == 0 { -1e9 } else { 0.0 }).collect();
        Tensor::from_vec(values, (batch.count, 1, 1, batch.longest), &self.device)
    }
}

/// Inputs side by side, the shorter ones padded.
pub(super) struct Batch {
    pub count: usize,
    pub longest: usize,
    pub padded: bool,
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
    /// One for wordpieces, zero for padding.
    pub present: Vec<u32>,
}

impl Batch {
    /// None when there is no input.
    pub fn new(inputs: &[Input]) -> Option<Self> {
        let longest = inputs.iter().map(|input| input.ids.len()).max()?;
        let count = inputs.len();
        let (mut ids, mut types, mut present) = (Vec::new(), Vec::new(), Vec::new());
        for (row, input) in inputs.iter().enumerate() {
            ids.extend_from_slice(&input.ids);
            types.extend_from_slice(&input.types);
            present.resize(present.len() + input.ids.len(), 1);
            for column in [&mut ids, &mut types, &mut present] {
                column.resize((row + 1) * longest, 0);
            }
        }
        let padded = inputs.iter().any(|input| input.ids.len() < longest);
        Some(Self { count, longest, padded, ids, types, present })
    }

    /// Rows of the whole batch as the wanted rows of each input.
    pub fn split(&self, rows: Vec<Vec<f32>>, inputs: &[Input]) -> Vec<Vec<Vec<f32>>> {
        let mut rows = rows.into_iter();
        inputs
            .iter()
            .map(|input| {
                let mut own: Vec<Vec<f32>> = rows.by_ref().take(self.longest).collect();
                own.truncate(input.wanted.end);
                own.drain(..input.wanted.start.min(own.len()));
                own
            })
            .collect()
    }
}
