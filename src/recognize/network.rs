//! The networks of the supported families behind one call: inputs in, logits out.
//!
//! BERT, RoBERTa and DistilBERT run in our own [`Encoder`]. DeBERTa-v2 and ModernBERT, which a hospital may bring, run as
//! candle-transformers has them; the tagging head on top is ours, with its bias.

use std::collections::HashMap;

use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder};
use candle_transformers::models::{debertav2, modernbert};
use serde_json::Value;

use super::{
    Description, Family,
    encoder::{Batch, Encoder, Input},
};

/// A loaded network.
pub(super) enum Network {
    /// Our own.
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
    /// Builds the network of a description from its weights.
    ///
    /// # Errors
    /// A sentence that names the tensor or the field that is missing or of another shape.
    pub fn new(weights: &[u8], config: &[u8], description: &Description) -> std::result::Result<Self, String> {
        let device = device();
        let text = |error: candle_core::Error| first_line(&error.to_string());
        let tensors = candle_core::safetensors::load_buffer(weights, &device).map_err(text)?;
        let shape = &description.shape;
        match description.family {
            Family::Bert | Family::Roberta | Family::DistilBert => {
                Encoder::new(&renamed(tensors, description, &device)?, shape).map(Self::Bert)
            }
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

    /// Our own encoder, where the model runs in it.
    pub fn encoder(&self) -> Option<&Encoder> {
        match self {
            Self::Bert(encoder) => Some(encoder),
            Self::DebertaV2(..) | Self::ModernBert(..) => None,
        }
    }

    /// Logits of a batch: for each input one row a wordpiece, special tokens included.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn logits(&self, inputs: &[Input]) -> Result<Vec<Vec<Vec<f32>>>> {
        if let Self::Bert(encoder) = self {
            return encoder.logits(inputs);
        }
        let Some(batch) = Batch::new(inputs) else { return Ok(Vec::new()) };
        let tensor = |values: &[u32], device: &Device| Tensor::from_slice(values, (batch.count, batch.longest), device);
        let logits = match self {
            Self::Bert(_) => return Ok(Vec::new()),
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

/// Tensors of RoBERTa and DistilBERT under the names of BERT.
fn renamed(
    tensors: HashMap<String, Tensor>,
    description: &Description,
    device: &Device,
) -> std::result::Result<HashMap<String, Tensor>, String> {
    let rename: fn(&str) -> String = match description.family {
        Family::Roberta => |name| name.replacen("roberta.", "bert.", 1),
        Family::DistilBert => |name| {
            let mut name = name.replacen("distilbert.", "bert.", 1).replace("bert.transformer.layer", "bert.encoder.layer");
            for (theirs, ours) in [
                ("attention.q_lin", "attention.self.query"),
                ("attention.k_lin", "attention.self.key"),
                ("attention.v_lin", "attention.self.value"),
                ("attention.out_lin", "attention.output.dense"),
                ("sa_layer_norm", "attention.output.LayerNorm"),
                ("ffn.lin1", "intermediate.dense"),
                ("ffn.lin2", "output.dense"),
                ("output_layer_norm", "output.LayerNorm"),
            ] {
                name = name.replace(theirs, ours);
            }
            name
        },
        _ => str::to_owned,
    };
    let mut tensors: HashMap<String, Tensor> = tensors.into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
    if description.family == Family::DistilBert {
        let none = Tensor::zeros((1, description.shape.hidden), DType::F32, device).map_err(|error| error.to_string())?;
        tensors.insert("bert.embeddings.token_type_embeddings.weight".to_owned(), none);
    }
    Ok(tensors)
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

/// The first line of a message: candle adds a backtrace to some.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
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
