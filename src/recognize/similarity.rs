//! Vectors of phrases: the tagger's own hidden states, projected so that phrases of one meaning lie close together.
//!
//! `models/training/similarity.py` learns the projection from synonyms of our vocabularies and writes it beside the weights.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};

use super::{Input, ModelError, TokenizedNote, network::Network};

/// Longer phrases are cut: so many wordpieces.
const LONGEST: usize = 62;
/// Wordpieces of one run of the encoder.
const BATCH: usize = 4096;
const FILE: &str = "similarity.safetensors";

/// The projection of a model.
pub(super) struct Similarity {
    /// Which hidden states are concatenated, 0 = embeddings.
    layers: Vec<usize>,
    /// Shape (features, size).
    weight: Tensor,
    /// Shape (features).
    mean: Tensor,
    /// Numbers of a vector.
    pub size: usize,
}

impl Similarity {
    /// Reads `similarity.safetensors`: `projection.weight` (size, features), `projection.mean` (features), `projection.layers`.
    ///
    /// # Errors
    /// What is missing or of another shape.
    pub fn read(bytes: &[u8], (hidden, depth): (usize, usize)) -> Result<Self, ModelError> {
        let invalid = |reason: String| ModelError::Invalid { file: FILE, reason };
        let wrong = |error: candle_core::Error| invalid(error.to_string());
        let tensors: HashMap<String, Tensor> = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(wrong)?;
        let take = |name: &str| tensors.get(name).ok_or_else(|| invalid(format!("tensor {name} is missing")));
        let layers = take("projection.layers")?.to_dtype(DType::U32).and_then(|all| all.to_vec1::<u32>()).map_err(wrong)?;
        let layers: Vec<usize> = layers.into_iter().map(|layer| layer as usize).collect();
        let weight = take("projection.weight")?.to_dtype(DType::F32).map_err(wrong)?;
        let mean = take("projection.mean")?.to_dtype(DType::F32).map_err(wrong)?;
        let features = layers.len() * hidden;
        let (size, columns) = weight.dims2().map_err(wrong)?;
        if columns != features || mean.dims() != [features] || layers.iter().any(|layer| *layer > depth) || !layers.is_sorted()
        {
            return Err(invalid(format!("projection.weight must have {features} columns, for {} layers", layers.len())));
        }
        let weight = weight.t().and_then(|turned| turned.contiguous()).map_err(wrong)?;
        Ok(Self { layers, weight, mean, size })
    }

    /// Vectors of length 1, one for each phrase; zero for a phrase without wordpieces.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn vectors(
        &self,
        network: &Network,
        phrases: &[TokenizedNote],
        ends: (u32, u32),
    ) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut out = vec![vec![0.0; self.size]; phrases.len()];
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, phrase) in phrases.iter().enumerate() {
            by_length.entry(phrase.ids.len().min(LONGEST)).or_default().push(at);
        }
        by_length.remove(&0);
        for (length, members) in by_length {
            for group in members.chunks((BATCH / (length + 2)).max(1)) {
                let inputs: Vec<Input> = group
                    .iter()
                    .map(|at| Input {
                        wanted: 0..0,
                        ids: [&[ends.0], &phrases[*at].ids[..length], &[ends.1]].concat(),
                        types: vec![0; length + 2],
                    })
                    .collect();
                let states = network.pooled(&inputs, &self.layers)?.broadcast_sub(&self.mean)?;
                for (at, row) in group.iter().zip(states.matmul(&self.weight)?.to_vec2::<f32>()?) {
                    let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
                    out[*at] = row.into_iter().map(|value| value / norm).collect();
                }
            }
        }
        Ok(out)
    }
}
