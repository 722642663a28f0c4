//! The weights of BERT and its kin under the names of a Hugging Face BERT, each read and checked for its shape when it is taken.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, safetensors::SliceSafetensors};

use super::Family;

/// The row that DistilBERT does not have.
const TOKEN_TYPES: &str = "bert.embeddings.token_type_embeddings.weight";

/// A file of weights.
pub(super) struct Weights<'a> {
    file: SliceSafetensors<'a>,
    /// BERT's name of a tensor -> the file's.
    names: HashMap<String, String>,
    family: Family,
    /// Where tensors are put.
    pub device: Device,
}

impl<'a> Weights<'a> {
    /// Reads the head of a file.
    ///
    /// # Errors
    /// When it is no safetensors file.
    pub fn new(bytes: &'a [u8], family: Family, device: Device) -> Result<Self, String> {
        let file = SliceSafetensors::new(bytes).map_err(|error| first_line(&error.to_string()))?;
        let names = file.tensors().into_iter().map(|(name, _)| (renamed(&name, family), name)).collect();
        Ok(Self { file, names, family, device })
    }

    /// One of them, as contiguous f32.
    ///
    /// # Errors
    /// A sentence that names the tensor that is missing or of another shape.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<Tensor, String> {
        let wrong = |error: candle_core::Error| format!("tensor {name}: {}", first_line(&error.to_string()));
        if self.family == Family::DistilBert && name == TOKEN_TYPES {
            return Tensor::zeros(shape, DType::F32, &self.device).map_err(wrong);
        }
        let theirs = self.names.get(name).ok_or_else(|| format!("tensor {name} is missing"))?;
        let tensor = self.file.load(theirs, &self.device).map_err(wrong)?;
        if tensor.dims() != shape {
            return Err(format!("tensor {name} has shape {:?}; config.json asks for {shape:?}", tensor.dims()));
        }
        tensor.to_dtype(DType::F32).and_then(|tensor| tensor.contiguous()).map_err(wrong)
    }
}

/// BERT's name for a tensor.
fn renamed(name: &str, family: Family) -> String {
    match family {
        Family::Roberta => name.replacen("roberta.", "bert.", 1),
        Family::DistilBert => {
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
        }
        Family::Bert | Family::DebertaV2 | Family::ModernBert => name.to_owned(),
    }
}

/// The first line of a message: candle adds a backtrace to some.
pub(super) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
