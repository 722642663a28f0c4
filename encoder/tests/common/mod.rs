//! The shipped weights and wordpieces of our own notes, for tests and the benchmark.

use std::{collections::HashMap, path::PathBuf};

use abstractor_encoder::{Encoder, Input, Instructions, LayerWeights, LinearWeights, NormWeights, Precision, Shape, Weights};

/// The folder of the shipped model: `ABSTRACTOR_MODEL`, or where the repository has it.
pub fn folder() -> PathBuf {
    std::env::var_os("ABSTRACTOR_MODEL")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/clinical-ner"), PathBuf::from)
}

/// Tensors of a safetensors file by name.
pub struct Model {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    shape: Shape,
}

/// One window of wordpieces.
#[derive(Clone)]
pub struct Window {
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
}

impl Window {
    pub fn input(&self) -> Input<'_> {
        Input { ids: &self.ids, types: &self.types }
    }
}

/// All of them as inputs.
pub fn inputs(windows: &[Window]) -> Vec<Input<'_>> {
    windows.iter().map(Window::input).collect()
}

/// Windows of a JSON file: a list of objects with `ids` and `types`.
pub fn windows(bytes: &[u8]) -> Vec<Window> {
    let list: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
    let numbers = |value: &serde_json::Value| -> Vec<u32> {
        value.as_array().expect("a list").iter().map(|number| number.as_u64().expect("a number") as u32).collect()
    };
    let windows = list.as_array().expect("a list").iter();
    windows.map(|window| Window { ids: numbers(&window["ids"]), types: numbers(&window["types"]) }).collect()
}

fn single(half: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(half >> 10 & 31), f32::from(half & 1023));
    let value =
        if exponent == 0 { mantissa * 2.0_f32.powi(-24) } else { (1.0 + mantissa / 1024.0) * 2.0_f32.powi(exponent - 15) };
    if half >> 15 == 0 { value } else { -value }
}

impl Model {
    /// Reads `model.safetensors` and `config.json`.
    pub fn read() -> Self {
        let bytes = std::fs::read(folder().join("model.safetensors")).expect("the shipped weights");
        let header_length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header_length]).expect("a header");
        let data = &bytes[8 + header_length..];
        let mut tensors: HashMap<String, (Vec<usize>, Vec<f32>)> = HashMap::new();
        for (name, entry) in header.as_object().expect("an object").iter().filter(|(name, _)| *name != "__metadata__") {
            let number = |value: &serde_json::Value| value.as_u64().expect("a number") as usize;
            let place = number(&entry["data_offsets"][0])..number(&entry["data_offsets"][1]);
            let values: Vec<f32> = match entry["dtype"].as_str() {
                Some("F16") => {
                    data[place].chunks_exact(2).map(|bytes| single(u16::from_le_bytes([bytes[0], bytes[1]]))).collect()
                }
                Some("F32") => data[place]
                    .chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                    .collect(),
                other => panic!("tensors of {other:?}"),
            };
            let shape = entry["shape"].as_array().expect("a list").iter().map(number).collect();
            tensors.insert(name.clone(), (shape, values));
        }
        let config = std::fs::read(folder().join("config.json")).expect("the shipped configuration");
        let config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
        let size = |name: &str| config[name].as_u64().expect("a number") as usize;
        let heads = ["classifier", "assertion_classifier", "status_classifier"];
        let shape = Shape {
            vocabulary: size("vocab_size"),
            hidden: size("hidden_size"),
            intermediate: size("intermediate_size"),
            layers: size("num_hidden_layers"),
            heads: size("num_attention_heads"),
            positions: size("max_position_embeddings"),
            types: size("type_vocab_size"),
            epsilon: config["layer_norm_eps"].as_f64().expect("a number") as f32,
            columns: heads.iter().filter_map(|head| tensors.get(&format!("{head}.bias"))).map(|(_, bias)| bias.len()).sum(),
        };
        for part in ["weight", "bias"] {
            let own = heads.iter().filter_map(|head| tensors.get(&format!("{head}.{part}")));
            let joined: Vec<f32> = own.flat_map(|(_, values)| values.iter().copied()).collect();
            tensors.insert(format!("head.{part}"), (vec![joined.len()], joined));
        }
        Self { tensors, shape }
    }

    fn tensor(&self, name: &str) -> &[f32] {
        &self.tensors.get(name).unwrap_or_else(|| panic!("{name}")).1
    }

    fn linear(&self, name: &str) -> LinearWeights<'_> {
        LinearWeights { weight: self.tensor(&format!("{name}.weight")), bias: self.tensor(&format!("{name}.bias")) }
    }

    fn norm(&self, name: &str) -> NormWeights<'_> {
        NormWeights { weight: self.tensor(&format!("{name}.weight")), bias: self.tensor(&format!("{name}.bias")) }
    }

    pub fn weights(&self) -> Weights<'_> {
        let layer = |index: usize| {
            let prefix = format!("bert.encoder.layer.{index}");
            LayerWeights {
                query: self.linear(&format!("{prefix}.attention.self.query")),
                key: self.linear(&format!("{prefix}.attention.self.key")),
                value: self.linear(&format!("{prefix}.attention.self.value")),
                attention_output: self.linear(&format!("{prefix}.attention.output.dense")),
                attention_norm: self.norm(&format!("{prefix}.attention.output.LayerNorm")),
                intermediate: self.linear(&format!("{prefix}.intermediate.dense")),
                output: self.linear(&format!("{prefix}.output.dense")),
                output_norm: self.norm(&format!("{prefix}.output.LayerNorm")),
            }
        };
        Weights {
            words: self.tensor("bert.embeddings.word_embeddings.weight"),
            positions: self.tensor("bert.embeddings.position_embeddings.weight"),
            types: self.tensor("bert.embeddings.token_type_embeddings.weight"),
            norm: self.norm("bert.embeddings.LayerNorm"),
            layers: (0..self.shape.layers).map(layer).collect(),
            head: self.linear("head"),
        }
    }

    pub fn encoder(&self, precision: Precision, instructions: Instructions) -> Encoder {
        Encoder::with_instructions(&self.weights(), self.shape, precision, instructions).expect("the shipped weights pack")
    }
}
