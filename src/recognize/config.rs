//! `config.json` of a token-classification model, of any family that can be run, in one form.

use std::collections::HashMap;

use serde::Deserialize;

use super::{LabelSet, ModelError, encoder::Shape, layout::LAYOUT_TYPES, model::json};
use crate::domain::{Assertion, MedicationStatus};

/// How the weights are named and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// BERT.
    Bert,
    /// RoBERTa: BERT with other names, and positions that begin behind the padding.
    Roberta,
    /// DistilBERT: BERT with other names and without token types.
    DistilBert,
    /// DeBERTa-v2 and -v3.
    DebertaV2,
    /// ModernBERT.
    ModernBert,
}

impl Family {
    /// The word of `model_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Roberta => "roberta",
            Self::DistilBert => "distilbert",
            Self::DebertaV2 => "deberta-v2",
            Self::ModernBert => "modernbert",
        }
    }
}

/// Fields of `config.json` under the names that the families give them.
#[derive(Deserialize)]
struct Written {
    model_type: String,
    #[serde(alias = "activation", alias = "hidden_activation")]
    hidden_act: String,
    vocab_size: usize,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default = "default_epsilon", alias = "norm_eps")]
    layer_norm_eps: f64,
    #[serde(default)]
    pad_token_id: Option<usize>,
    id2label: HashMap<String, String>,
    abstractor: Option<Extras>,
}

impl Written {
    /// Sizes within what can be run: memory is taken by them before a tensor is looked at.
    fn check_sizes(&self) -> Result<(), String> {
        for (name, value, least, most) in [
            ("vocab_size", self.vocab_size, 1, 1 << 24),
            ("hidden_size", self.hidden_size, 1, 1 << 15),
            ("intermediate_size", self.intermediate_size, 1, 1 << 15),
            ("num_hidden_layers", self.num_hidden_layers, 1, 1_000),
            ("num_attention_heads", self.num_attention_heads, 1, 1 << 15),
            ("max_position_embeddings", self.max_position_embeddings, 1, 1 << 17),
            ("type_vocab_size", self.type_vocab_size, 0, 256),
            ("pad_token_id", self.pad_token_id.unwrap_or(0), 0, 1 << 16),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!("{name} must be {least} to {most}"));
            }
        }
        Ok(())
    }
}

fn default_epsilon() -> f64 {
    1e-12
}

/// What a model of this project has besides an ordinary one.
#[derive(Deserialize)]
struct Extras {
    token_types: String,
    assertions: Vec<String>,
    statuses: Vec<String>,
}

/// Heads beside the tags: what each of their columns means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextHeads {
    /// Columns of the assertion head; empty when there is none.
    pub assertions: Vec<Assertion>,
    /// Columns of the status head; empty when there is none.
    pub statuses: Vec<MedicationStatus>,
}

/// A model as `config.json` and `labels.json` describe it.
#[derive(Debug, Clone)]
pub struct Description {
    /// Family.
    pub family: Family,
    /// Labels in the order of the head's rows, by our names.
    pub labels: LabelSet,
    /// The model's own names of them, in the same order, each with ours.
    pub label_names: Vec<(String, String)>,
    /// Heads beside the tags.
    pub contexts: ContextHeads,
    /// Whether token types carry the layout.
    pub layout: bool,
    pub(super) shape: Shape,
}

impl Description {
    /// Reads `config.json`, with `labels.json` when there is one.
    ///
    /// # Errors
    /// [`ModelError::Invalid`], naming the field or the label and what to do.
    pub fn read(config: &[u8], labels: Option<&[u8]>) -> Result<Self, ModelError> {
        let invalid = |reason: String| ModelError::Invalid { file: "config.json", reason };
        let written: Written = json("config.json", config)?;
        let family = match written.model_type.as_str() {
            "bert" => Family::Bert,
            "roberta" => Family::Roberta,
            "distilbert" => Family::DistilBert,
            "deberta-v2" => Family::DebertaV2,
            "modernbert" => Family::ModernBert,
            other => {
                return Err(invalid(format!(
                    "model_type {other:?} is not supported; it must be bert, roberta, distilbert, deberta-v2 or modernbert"
                )));
            }
        };
        if written.hidden_act != "gelu" {
            return Err(invalid(format!("the activation {:?} is not supported; it must be \"gelu\"", written.hidden_act)));
        }
        written.check_sizes().map_err(invalid)?;
        if written.num_attention_heads == 0 || !written.hidden_size.is_multiple_of(written.num_attention_heads) {
            return Err(invalid("hidden_size must be a multiple of num_attention_heads".to_owned()));
        }
        let label_names = label_names(&written, labels)?;
        let ours: Vec<String> = label_names.iter().map(|(_, ours)| ours.clone()).collect();
        let set = LabelSet::parse(&ours).map_err(|name| ModelError::Invalid {
            file: if labels.is_some() { "labels.json" } else { "config.json" },
            reason: format!(
                "label {name:?} is not one of O, B-… and I-… of DIAGNOSIS, MEDICATION, ALLERGEN, NO_KNOWN_ALLERGIES; say in \
                 labels.json what it stands for, for example {{\"{name}\": \"B-DIAGNOSIS\"}}, or \"O\" to leave it out"
            ),
        })?;
        let (contexts, layout) = extras(&written).map_err(invalid)?;
        let first_position = if family == Family::Roberta { written.pad_token_id.unwrap_or(1) + 1 } else { 0 };
        let shape = Shape {
            vocabulary: written.vocab_size,
            hidden: written.hidden_size,
            intermediate: written.intermediate_size,
            layers: written.num_hidden_layers,
            heads: written.num_attention_heads,
            positions: written.max_position_embeddings,
            first_position,
            types: written.type_vocab_size.max(1),
            epsilon: written.layer_norm_eps,
            labels: set.len(),
            assertions: contexts.assertions.len(),
            statuses: contexts.statuses.len(),
        };
        let longest = super::WINDOW_PIECES + 2;
        if shape.positions < longest + first_position {
            return Err(invalid(format!("max_position_embeddings must be at least {}", longest + first_position)));
        }
        Ok(Self { family, labels: set, label_names, contexts, layout, shape })
    }
}

impl Description {
    /// Its sizes, to read.
    #[must_use]
    pub fn sizes(&self) -> String {
        let Shape { layers, hidden, heads, vocabulary, positions, .. } = self.shape;
        format!("{layers} layers of {hidden}, {heads} heads, {vocabulary} wordpieces, {positions} positions")
    }
}

/// The model's label names in the order of the head's rows, each with what it stands for.
fn label_names(written: &Written, mapping: Option<&[u8]>) -> Result<Vec<(String, String)>, ModelError> {
    let mapping: HashMap<String, String> = mapping.map(|bytes| json("labels.json", bytes)).transpose()?.unwrap_or_default();
    if let Some(stray) = mapping.keys().find(|name| !written.id2label.values().any(|own| own == *name)) {
        return Err(ModelError::Invalid {
            file: "labels.json",
            reason: format!("the model has no label {stray:?}; its labels stand under id2label in config.json"),
        });
    }
    (0..written.id2label.len())
        .map(|id| {
            let own = written
                .id2label
                .get(&id.to_string())
                .ok_or_else(|| ModelError::Invalid { file: "config.json", reason: format!("id2label has no label {id}") })?;
            Ok((own.clone(), mapping.get(own).unwrap_or(own).clone()))
        })
        .collect()
}

fn extras(written: &Written) -> Result<(ContextHeads, bool), String> {
    let Some(extras) = &written.abstractor else { return Ok((ContextHeads::default(), false)) };
    let layout = match extras.token_types.as_str() {
        "layout" if written.type_vocab_size == LAYOUT_TYPES => true,
        "layout" => return Err(format!("token types for the layout need type_vocab_size {LAYOUT_TYPES}")),
        other => return Err(format!("token_types {other:?} is not known; it must be \"layout\"")),
    };
    let assertions = extras.assertions.iter().map(|word| word.parse().map_err(|()| format!("no assertion {word:?}")));
    let statuses = extras.statuses.iter().map(|word| word.parse().map_err(|()| format!("no medication status {word:?}")));
    let contexts =
        ContextHeads { assertions: assertions.collect::<Result<_, _>>()?, statuses: statuses.collect::<Result<_, _>>()? };
    Ok((contexts, layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(labels: &str) -> Vec<u8> {
        format!(
            r#"{{"model_type": "distilbert", "activation": "gelu", "vocab_size": 9, "dim": 8, "hidden_dim": 16, "n_layers": 1,
                "n_heads": 2, "max_position_embeddings": 512, "id2label": {labels}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn foreign_labels_are_mapped() {
        let bytes = config(r#"{"0": "O", "1": "B-problem", "2": "I-problem", "3": "B-test"}"#);
        let error = Description::read(&bytes, None).expect_err("an unknown label").to_string();
        assert!(error.contains("B-problem") && error.contains("labels.json"), "{error}");
        let mapping = br#"{"B-problem": "B-DIAGNOSIS", "I-problem": "I-DIAGNOSIS", "B-test": "O"}"#;
        let description = Description::read(&bytes, Some(mapping)).expect("mapped");
        assert_eq!(description.family, Family::DistilBert);
        assert_eq!(description.label_names[1], ("B-problem".to_owned(), "B-DIAGNOSIS".to_owned()));
        let stray = Description::read(&bytes, Some(br#"{"B-drug": "O"}"#)).expect_err("a label it does not have").to_string();
        assert!(stray.contains("B-drug"), "{stray}");
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let bert = String::from_utf8(config(r#"{"0": "O"}"#)).expect("utf-8");
        for (from, to, word) in [
            ("distilbert", "gpt2", "gpt2"),
            ("\"gelu\"", "\"relu\"", "relu"),
            ("512", "128", "max_position_embeddings"),
            ("\"n_heads\": 2", "\"n_heads\": 3", "num_attention_heads"),
            ("\"n_layers\": 1", "\"n_layers\": 1152921504606846976", "num_hidden_layers"),
            ("\"dim\": 8", "\"dim\": 0", "hidden_size"),
            ("512", "18446744073709551615", "max_position_embeddings"),
        ] {
            let error = Description::read(bert.replace(from, to).as_bytes(), None).expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
