//! Model folders that lie: sizes, labels, heads of safetensors, offsets, shapes, types, tokenizers.

use std::{borrow::Cow, path::Path};

use bolero::TypeGenerator;
use serde_json::Value;

use super::{Description, LabelSet, Manifest, Model, ModelFiles, Precision};
use crate::fuzzing::{Damaged, DamagedJson, Seeds, fuzz};

const FAMILIES: [&str; 5] = ["bert", "roberta", "distilbert", "deberta-v2", "modernbert"];

fn folder(family: &str) -> ModelFiles<'static> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(family);
    ModelFiles::read(&folder).expect("a fixture")
}

/// Which file of the folder is damaged, and how.
#[derive(Debug, Clone, TypeGenerator)]
enum Lie {
    Config(DamagedJson),
    Head(DamagedJson, i8),
    Weights(Damaged),
    Tokenizer(DamagedJson),
    Labels(DamagedJson),
    Manifest(DamagedJson),
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// A file of tensors with another head, and a length of it that may lie.
fn with_head(file: &[u8], damage: &DamagedJson, off: i8) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a length");
    let (head, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).expect("small"));
    let head = damage.value(&[json(head)]).to_string();
    let length = (head.len() as u64).wrapping_add_signed(i64::from(if off % 4 == 0 { off } else { 0 }));
    [&length.to_le_bytes(), head.as_bytes(), tensors].concat()
}

fn told(files: &mut ModelFiles<'_>, lie: &Lie) {
    match lie {
        Lie::Config(damage) => files.config = Cow::Owned(damage.value(&[json(&files.config)]).to_string().into_bytes()),
        Lie::Head(damage, off) => files.weights = Cow::Owned(with_head(&files.weights, damage, *off)),
        Lie::Weights(damage) => {
            let seeds = Seeds { good: &[&files.weights], telling: b"{}[]\":,0129F6B\x7f\xff\0" };
            files.weights = Cow::Owned(damage.bytes(seeds));
        }
        Lie::Tokenizer(damage) => {
            files.tokenizer = Cow::Owned(damage.value(&[json(&files.tokenizer)]).to_string().into_bytes())
        }
        Lie::Labels(damage) => {
            let own = files.labels.as_deref().map_or_else(|| serde_json::json!({"O": "O"}), json);
            files.labels = Some(Cow::Owned(damage.value(&[own]).to_string().into_bytes()));
        }
        Lie::Manifest(damage) => {
            let own = files.manifest.as_deref().map_or(Value::Null, json);
            files.manifest = Some(Cow::Owned(damage.value(&[own]).to_string().into_bytes()));
        }
    }
}

/// A folder is loaded or refused with a sentence; what is loaded of BERT and its kin takes a note.
#[test]
fn model_folders() {
    let folders = FAMILIES.map(folder);
    fuzz!("model folder", Slow, (u8, Lie), |input: &(u8, Lie)| {
        let family = usize::from(input.0) % FAMILIES.len();
        let mut files = folders[family].clone();
        told(&mut files, &input.1);
        let _: Result<Manifest, _> = files.checked_manifest();
        match Model::load_unchecked(&files, "damaged".to_owned(), Precision::F32) {
            Err(error) => assert!(error.to_string().starts_with("model file "), "{error}"),
            // a note that another tokenizer than any library writes cannot take is quarantined
            Ok(model) if family < 3 && !matches!(input.1, Lie::Tokenizer(_)) => {
                if let Ok(note) = model.tokenize("Gout, no fever.") {
                    let windows = super::cut_windows(note.ids.len());
                    let inputs: Vec<_> = windows.iter().map(|window| model.input(&note, window)).collect();
                    let _ = model.run(&inputs);
                }
            }
            Ok(_) => {}
        }
    });
}

#[test]
fn descriptions() {
    let configs = FAMILIES.map(|family| json(&folder(family).config));
    fuzz!("config.json of a model", Quick, (DamagedJson, Vec<u8>), |input: &(DamagedJson, Vec<u8>)| {
        let _ = Description::read(
            input.0.value(&configs).to_string().as_bytes(),
            Some(input.1.as_slice()).filter(|bytes| !bytes.is_empty()),
        );
        let _ = LabelSet::parse(&[String::from_utf8_lossy(&input.1).into_owned()]);
    });
}

/// The lies that safetensors files are known for, each by itself.
#[test]
fn tensors_that_are_not_where_the_head_says_are_refused() {
    let files = folder("bert");
    let refused = |weights: Vec<u8>| {
        let files = ModelFiles { weights: Cow::Owned(weights), ..files.clone() };
        let error = Model::load_unchecked(&files, "x".to_owned(), Precision::F32).err().expect("refused").to_string();
        assert!(error.starts_with("model file model.safetensors"), "{error}");
    };
    let (length, rest) = files.weights.split_first_chunk::<8>().expect("a length");
    let (head, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).expect("small"));
    let written = |head: &Value| {
        let head = head.to_string();
        [&(head.len() as u64).to_le_bytes(), head.as_bytes(), tensors].concat()
    };
    for length in [0, 7, u64::MAX, u64::MAX / 2, 1 << 40, files.weights.len() as u64] {
        refused([&length.to_le_bytes(), rest].concat());
    }
    refused(b"{\"__metadata__\":{}}".to_vec());
    refused(Vec::new());
    refused(files.weights[..files.weights.len() - 4].to_vec());
    let name = "bert.embeddings.word_embeddings.weight";
    for (field, lie) in [
        ("data_offsets", serde_json::json!([0, u64::MAX])),
        ("data_offsets", serde_json::json!([8, 4])),
        ("data_offsets", serde_json::json!([tensors.len(), tensors.len() + 4])),
        ("shape", serde_json::json!([u64::MAX, 2])),
        ("shape", serde_json::json!([4_294_967_296_u64, 4_294_967_296_u64])),
        ("shape", serde_json::json!([])),
        ("shape", serde_json::json!([-1, 8])),
        ("dtype", serde_json::json!("F64")),
        ("dtype", serde_json::json!("PICKLE")),
    ] {
        let mut head = json(head);
        assert!(head[name].is_object(), "the fixture has no {name}");
        head[name][field] = lie;
        refused(written(&head));
    }
}
