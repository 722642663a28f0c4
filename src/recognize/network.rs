//! The networks of the supported families behind one call: inputs in, logits out.
//!
//! BERT, RoBERTa and DistilBERT run in kernels of our own ([`Fused`]) on a CPU, and in our own [`Encoder`] on a GPU. DeBERTa-v2 and
//! ModernBERT, which a hospital may bring, run as candle-transformers has them; the tagging head on top is ours, with its bias.

use std::collections::HashMap;

use abstractor_encoder::Precision;
use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder};
use candle_transformers::models::{debertav2, modernbert};
use serde_json::Value;

use super::{
    Description, Family,
    encoder::{Batch, Encoder, Input},
    fused::Fused,
    weights::{Weights, first_line},
};

/// A loaded network.
pub(super) enum Network {
    /// BERT and its kin on a CPU.
    Fused(Box<Fused>),
    /// The same on a GPU.
    Bert(Encoder),
    /// DeBERTa-v2 with its head.
    DebertaV2(Box<debertav2::DebertaV2Model>, Linear, Device),
    /// ModernBERT with the layer under its head, and its head.
    ModernBert(modernbert::ModernBert, (Linear, LayerNorm), Linear, Device),
}

/// The device that inference runs on: the first GPU in a build with the feature `cuda`, where there is one; else the CPU.
pub(super) fn device() -> Device {
    Device::cuda_if_available(0).unwrap_or(Device::Cpu)
}

impl Network {
    /// Builds the network of a description from its weights. The precision is that of BERT and its kin on a CPU; everything else is f32.
    ///
    /// # Errors
    /// A sentence that names the tensor or the field that is missing or of another shape.
    pub fn new(
        weights: &[u8],
        config: &[u8],
        description: &Description,
        precision: Precision,
    ) -> std::result::Result<Self, String> {
        Self::on(device(), weights, config, description, Some(precision))
    }

    /// The same on a device; on a CPU without a precision in candle's operations.
    pub(super) fn on(
        device: Device,
        weights: &[u8],
        config: &[u8],
        description: &Description,
        precision: Option<Precision>,
    ) -> std::result::Result<Self, String> {
        let text = |error: candle_core::Error| first_line(&error.to_string());
        let shape = &description.shape;
        if matches!(description.family, Family::Bert | Family::Roberta | Family::DistilBert) {
            let weights = Weights::new(weights, description.family, device)?;
            return match precision {
                Some(precision) if weights.device.is_cpu() => {
                    Fused::new(&weights, shape, precision).map(|fused| Self::Fused(Box::new(fused)))
                }
                _ => Encoder::new(&weights, shape).map(Self::Bert),
            };
        }
        let tensors = candle_core::safetensors::load_buffer(weights, &device).map_err(text)?;
        match description.family {
            Family::Bert | Family::Roberta | Family::DistilBert => Err("this family runs elsewhere".to_owned()),
            Family::DebertaV2 => {
                let config: debertav2::Config = parsed(config)?;
                let head = head(&tensors, shape.hidden, shape.labels)?;
                let builder = VarBuilder::from_tensors(tensors, DType::F32, &device).pp("deberta");
                let body = debertav2::DebertaV2Model::load(builder, &config).map_err(text)?;
                Ok(Self::DebertaV2(Box::new(body), head, device))
            }
            Family::ModernBert => {
                let config: modernbert::Config = parsed(&with_flat_rotation(config)?)?;
                let head = head(&tensors, shape.hidden, shape.labels)?;
                let dense = Linear::new(take(&tensors, "head.dense.weight", &[shape.hidden, shape.hidden])?, None);
                let norm = LayerNorm::new_no_bias(take(&tensors, "head.norm.weight", &[shape.hidden])?, shape.epsilon);
                let builder = VarBuilder::from_tensors(tensors, DType::F32, &device);
                let body = modernbert::ModernBert::load(builder, &config).map_err(text)?;
                Ok(Self::ModernBert(body, (dense, norm), head, device))
            }
        }
    }

    /// The precision that it computes with.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Fused(fused) => fused.precision(),
            Self::Bert(_) | Self::DebertaV2(..) | Self::ModernBert(..) => Precision::F32,
        }
    }

    /// Whether [`Self::pooled`] gives states.
    pub const fn pools(&self) -> bool {
        matches!(self, Self::Fused(_) | Self::Bert(_))
    }

    /// For each input the states of `layers` (0 = embeddings) side by side, each the mean over the wordpieces between the first and the last;
    /// shape (inputs, layers × hidden), on the CPU. The inputs are of one length.
    ///
    /// # Errors
    /// When a tensor operation fails, or the family has no states to give.
    pub fn pooled(&self, inputs: &[Input], layers: &[usize]) -> Result<Tensor> {
        match self {
            Self::Fused(fused) => fused.pooled(inputs, layers),
            Self::Bert(encoder) => encoder.pooled(inputs, layers)?.to_device(&Device::Cpu),
            Self::DebertaV2(..) | Self::ModernBert(..) => candle_core::bail!("this family gives no states"),
        }
    }

    /// Logits of a batch: for each input one row for each wordpiece that is wanted.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn logits(&self, inputs: &[Input]) -> Result<Vec<Vec<Vec<f32>>>> {
        match self {
            Self::Fused(fused) => return fused.logits(inputs),
            Self::Bert(encoder) => return encoder.logits(inputs),
            Self::DebertaV2(..) | Self::ModernBert(..) => (),
        }
        let Some(batch) = Batch::new(inputs) else { return Ok(Vec::new()) };
        let tensor = |values: &[u32], device: &Device| Tensor::from_slice(values, (batch.count, batch.longest), device);
        let logits = match self {
            Self::Fused(_) | Self::Bert(_) => return Ok(Vec::new()),
            Self::DebertaV2(body, head, device) => {
                let states = body.forward(&tensor(&batch.ids, device)?, None, Some(tensor(&batch.present, device)?))?;
                head.forward(&states)?
            }
            Self::ModernBert(body, (dense, norm), head, device) => {
                let states = body.forward(&tensor(&batch.ids, device)?, &tensor(&batch.present, device)?)?;
                head.forward(&norm.forward(&dense.forward(&states)?.gelu_erf()?)?)?
            }
        };
        let columns = logits.dim(2)?;
        let rows = logits.contiguous()?.reshape((batch.count * batch.longest, columns))?.to_vec2::<f32>()?;
        Ok(batch.split(rows, inputs))
    }
}

fn take(tensors: &HashMap<String, Tensor>, name: &str, shape: &[usize]) -> std::result::Result<Tensor, String> {
    let tensor = tensors.get(name).ok_or_else(|| format!("tensor {name} is missing"))?;
    if tensor.dims() != shape {
        return Err(format!("tensor {name} has shape {:?}; config.json asks for {shape:?}", tensor.dims()));
    }
    tensor.to_dtype(DType::F32).map_err(|error| format!("tensor {name}: {error}"))
}

fn head(tensors: &HashMap<String, Tensor>, hidden: usize, labels: usize) -> std::result::Result<Linear, String> {
    let weight = take(tensors, "classifier.weight", &[labels, hidden])?;
    Ok(Linear::new(weight, Some(take(tensors, "classifier.bias", &[labels])?)))
}

fn parsed<T: for<'de> serde::Deserialize<'de>>(config: &[u8]) -> std::result::Result<T, String> {
    serde_json::from_slice(config).map_err(|error| format!("config.json: {error}"))
}

/// Newer releases write ModernBERT's rotation and layer pattern in a nested form; candle-transformers reads the flat one.
fn with_flat_rotation(config: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let mut value: Value = parsed(config)?;
    let Some(fields) = value.as_object_mut() else { return Err("config.json is no object".to_owned()) };
    let nested = fields.get("rope_parameters").cloned().unwrap_or_default();
    for (flat, kind, default) in
        [("global_rope_theta", "full_attention", 160_000.0), ("local_rope_theta", "sliding_attention", 10_000.0)]
    {
        let theta = nested.get(kind).and_then(|part| part.get("rope_theta")).cloned().unwrap_or_else(|| default.into());
        fields.entry(flat).or_insert(theta);
    }
    if let Some(layers) = fields.get("layer_types").and_then(Value::as_array)
        && !fields.contains_key("global_attn_every_n_layers")
    {
        let full: Vec<usize> = (0..layers.len()).filter(|layer| layers[*layer] == "full_attention").collect();
        let every = full.get(1).copied().unwrap_or(layers.len().max(1));
        if full.iter().enumerate().any(|(index, layer)| *layer != index * every) {
            return Err("config.json: layer_types must have full attention at every n-th layer from the first".to_owned());
        }
        fields.insert("global_attn_every_n_layers".to_owned(), every.into());
    }
    let epsilon = fields.get("norm_eps").cloned().unwrap_or_else(|| 1e-5.into());
    fields.entry("layer_norm_eps").or_insert(epsilon);
    // candle-transformers reads the labels with a pooling that a token classifier does not need
    fields.remove("id2label");
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}
