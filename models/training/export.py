"""Write a trained tagger as a plain Hugging Face folder: fp16 safetensors, tokenizer, manifest, parity fixture.

    python export.py --checkpoint WORK/final.pt --output ../clinical-ner

The parity fixture holds logits that torch computes in float32 from the exported (fp16-rounded)
weights; any other runtime has to reproduce them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertConfig

from model import CONTEXT_HEADS, Tagger, base_folder, tagger_forward
from spans import ASSERTIONS, LAYOUT_TYPES, NOTE_LABELS, STATUSES, layout_types

MODEL_NAME = "clinical-ner"
MODEL_VERSION = "2026.11.27"
MANIFEST_FILES = ["config.json", "tokenizer.json", "model.safetensors", "calibration.json"]

# Written for this fixture; no text of any corpus.
PARITY_TEXTS = [
    "Assessment: type 2 diabetes mellitus and essential hypertension, both well controlled.",
    "MEDICATIONS: Metformin 500 mg twice daily, lisinopril 10 mg every morning, and Zyrtec as needed.",
    "ALLERGIES: Penicillin (hives), latex, and shellfish.",
    "Allergies:  NKDA.\nNo evidence of deep vein thrombosis; possible left lower lobe pneumonia.",
    "Mrs. Quillfeather's mother had breast cancer \u2014 she herself takes 5 \u00b5g of cholecalciferol for na\u00efve reasons.",
    "The weather was pleasant and the patient walked her dog to the village.",
]


def write_json(path: Path, value: object) -> None:
    """JSON with a final line break."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def export_model(
    model_state: dict[str, torch.Tensor], config: BertConfig, output: Path, calibration: dict
) -> None:
    """Write config, tokenizer, weights in fp16, calibration, parity fixture and manifest to `output`.

    `model_state` is a state dict of `BertForTokenClassification` with the labels of `NOTE_LABELS`.
    """
    output.mkdir(parents=True, exist_ok=True)
    fields = config.to_dict()
    kept = [
        "attention_probs_dropout_prob", "classifier_dropout", "hidden_act", "hidden_dropout_prob", "hidden_size",
        "initializer_range", "intermediate_size", "layer_norm_eps", "max_position_embeddings", "model_type",
        "num_attention_heads", "num_hidden_layers", "pad_token_id", "type_vocab_size", "vocab_size",
    ]
    document = {"architectures": ["BertForTokenClassification"]}
    document.update({name: fields.get(name) for name in kept})
    document["position_embedding_type"] = "absolute"
    document["torch_dtype"] = "float16"
    document["id2label"] = {str(index): label for index, label in enumerate(NOTE_LABELS)}
    document["type_vocab_size"] = LAYOUT_TYPES
    # what the service reads besides an ordinary token classifier; absent in a foreign model
    document["abstractor"] = {"token_types": "layout", "assertions": ASSERTIONS, "statuses": STATUSES}
    document["label2id"] = {label: index for index, label in enumerate(NOTE_LABELS)}
    write_json(output / "config.json", document)

    tokenizer = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(output / "tokenizer.json"))

    half = {name: value.to(torch.float16).contiguous() for name, value in sorted(model_state.items())}
    save_file(half, str(output / "model.safetensors"), metadata={"format": "pt"})
    (output / "model.safetensors").chmod(0o644)
    write_json(output / "calibration.json", calibration)
    write_parity(output)
    write_manifest(output)


def load_exported(folder: Path):
    """The exported model in float32 as a function of a batch (`tagger_forward`), and its tokenizer."""
    tagger = Tagger({"notes": len(NOTE_LABELS), **CONTEXT_HEADS}, pretrained=False).float().eval()
    state = load_file(str(folder / "model.safetensors"))
    tagger.load_token_classification_state({name: value.float() for name, value in state.items()})
    return tagger_forward(tagger, torch.device("cpu")), Tokenizer.from_file(str(folder / "tokenizer.json"))


@torch.no_grad()
def write_parity(folder: Path) -> None:
    """Logits of the exported weights on the fixture's sentences, for runtimes to compare with."""
    forward, tokenizer = load_exported(folder)
    cases = []
    for text in PARITY_TEXTS:
        encoding = tokenizer.encode(text, add_special_tokens=True)
        inner = slice(1, len(encoding.ids) - 1)
        continuation = [token.startswith("##") for token in encoding.tokens[inner]]
        types = [0, *layout_types(text, encoding.offsets[inner], continuation), 0]
        ids = torch.tensor([encoding.ids])
        logits = forward(ids, torch.tensor([types]), torch.ones_like(ids))[0]
        cases.append(
            {
                "text": text,
                "input_ids": encoding.ids,
                "token_type_ids": types,
                "offsets": [list(pair) for pair in encoding.offsets],
                "logits": [[round(value, 6) for value in row] for row in logits.tolist()],
            }
        )
    document = {
        "description": "torch float32 logits of the exported fp16 weights (tags, assertions, statuses); offsets in code points",
        "labels": [*NOTE_LABELS, *ASSERTIONS, *STATUSES],
        "cases": cases,
    }
    (folder / "parity.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def write_manifest(folder: Path) -> None:
    """Name, version and SHA-256 of each file that the service loads."""
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in MANIFEST_FILES}
    write_json(folder / "manifest.json", {"name": MODEL_NAME, "version": MODEL_VERSION, "sha256": files})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="final.pt that train.py wrote")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "clinical-ner")
    arguments = parser.parse_args()
    checkpoint = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    config = BertConfig.from_pretrained(base_folder())
    export_model(checkpoint["model"], config, arguments.output, checkpoint["calibration"])


if __name__ == "__main__":
    main()
