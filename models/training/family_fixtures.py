"""Tiny random models of every family that the service loads, with what torch says of two texts.

    python family_fixtures.py            # writes ../../tests/fixtures/models/FAMILY/

The weights mean nothing: the fixtures show that the service reads the layout of each family as the training framework
writes it, and computes the same logits within 1e-3. Tokenizers are trained on the texts below, which are ours.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ModernBertConfig,
    RobertaConfig,
)

from export import write_json
from model import CONTEXT_HEADS
from spans import ASSERTIONS, LAYOUT_TYPES, NOTE_LABELS, STATUSES, layout_types

OUTPUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"
TEXTS = [
    "Assessment: type 2 diabetes; possible pneumonia.",
    "MEDICATIONS: Metformin 500 mg twice daily,\nand Zyrtec as needed for na\u00efve reasons (hives).",
]
VOCABULARY_SIZE = 160
SIZES = {"vocab_size": VOCABULARY_SIZE, "max_position_embeddings": 300}
SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
# The names of a maker who calls things otherwise, and what they stand for.
FOREIGN_LABELS = ["O", "B-problem", "I-problem", "B-drug", "I-drug", "B-test"]
MAPPING = {"B-problem": "B-DIAGNOSIS", "I-problem": "I-DIAGNOSIS", "B-drug": "B-MEDICATION", "I-drug": "I-MEDICATION", "B-test": "O"}


def wordpiece() -> Tokenizer:
    """A lower-casing WordPiece tokenizer as BERT has it."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=VOCABULARY_SIZE, special_tokens=special))
    frame(tokenizer, "[CLS]", "[SEP]")
    return tokenizer


def byte_level(first: str, last: str) -> Tokenizer:
    """A byte-level BPE tokenizer as RoBERTa and ModernBERT have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [first, "<pad>", last, "<unk>"]
    alphabet = sorted({letter for text in TEXTS for token, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text) for letter in token})
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY_SIZE, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    frame(tokenizer, first, last)
    return tokenizer


def metaspace() -> Tokenizer:
    """A Unigram tokenizer over words with a leading mark, as DeBERTa-v2 has it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    trainer = trainers.UnigramTrainer(vocab_size=VOCABULARY_SIZE, special_tokens=special, unk_token="[UNK]")
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    frame(tokenizer, "[CLS]", "[SEP]")
    return tokenizer


def frame(tokenizer: Tokenizer, first: str, last: str) -> None:
    """Special tokens around every text."""
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)


def trimmed(text: str, offsets: tuple[int, int]) -> list[int]:
    """Offsets without the space that byte-level tokenizers count to a word."""
    start, end = offsets
    return [end - len(text[start:end].lstrip()), end]


def add_context_heads(folder: Path, hidden: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Puts the context heads into the weights and the configuration; gives weight and bias of each."""
    weights, heads = load_file(str(folder / "model.safetensors")), []
    for name, columns in CONTEXT_HEADS.items():
        heads.append((torch.randn(columns, hidden), torch.randn(columns)))
        weights[f"{name}_classifier.weight"], weights[f"{name}_classifier.bias"] = heads[-1]
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["abstractor"] = {"token_types": "layout", "assertions": ASSERTIONS, "statuses": STATUSES}
    write_json(folder / "config.json", config)
    return heads


@torch.no_grad()
def write_family(name: str, config, tokenizer: Tokenizer) -> None:
    """Folder of one family: weights, configuration, tokenizer, label mapping, manifest, parity."""
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(11)
    foreign = name != "bert"
    labels = FOREIGN_LABELS if foreign else NOTE_LABELS
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    model = AutoModelForTokenClassification.from_config(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    # BERT stands for the models of this project: token types for the layout, and the context heads beside the tags
    heads = [] if foreign else add_context_heads(folder, config.hidden_size)
    tokenizer.save(str(folder / "tokenizer.json"))
    if foreign:
        write_json(folder / "labels.json", MAPPING)
    cases = []
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        ids = torch.tensor([encoding.ids])
        inner = slice(1, len(encoding.ids) - 1)
        continuation = [token.startswith("##") for token in encoding.tokens[inner]]
        types = [0] * len(encoding.ids) if foreign else [0, *layout_types(text, encoding.offsets[inner], continuation), 0]
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)} | ({} if foreign else {"token_type_ids": torch.tensor([types])})
        output = model(**inputs, output_hidden_states=True)
        logits = torch.cat([output.logits[0], *(output.hidden_states[-1][0] @ weight.T + bias for weight, bias in heads)], dim=-1)
        offsets = [trimmed(text, pair) for pair in encoding.offsets]
        case = {"text": text, "input_ids": encoding.ids, "token_type_ids": types, "offsets": offsets}
        cases.append(case | {"logits": [[round(value, 5) for value in row] for row in logits.tolist()]})
    (folder / "parity.json").write_text(json.dumps({"cases": cases}, ensure_ascii=False) + "\n", encoding="utf-8")
    names = [file for file in ("config.json", "labels.json", "tokenizer.json", "model.safetensors") if (folder / file).exists()]
    sums = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in names}
    write_json(folder / "manifest.json", {"name": f"fixture-{name}", "version": "1", "sha256": sums})


def main() -> None:
    """All families."""
    write_family("bert", BertConfig(**SIZES, **SMALL, type_vocab_size=LAYOUT_TYPES), wordpiece())
    write_family(
        "roberta", RobertaConfig(**SIZES, **SMALL, type_vocab_size=1, pad_token_id=1), byte_level("<s>", "</s>")
    )
    small = {"dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 2}
    write_family("distilbert", DistilBertConfig(**SIZES, **small), wordpiece())
    write_family(
        "deberta-v2",
        DebertaV2Config(
            **SIZES, **SMALL, type_vocab_size=0, relative_attention=True, max_relative_positions=-1, position_buckets=16,
            pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm", share_att_key=True, position_biased_input=False,
        ),
        metaspace(),
    )
    write_family(
        "modernbert",
        ModernBertConfig(**SIZES, **SMALL, global_attn_every_n_layers=2, local_attention=16, pad_token_id=1,
                         bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2),
        byte_level("[CLS]", "[SEP]"),
    )


if __name__ == "__main__":
    main()
