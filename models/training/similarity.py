"""The similarity head: one linear layer that turns the tagger's hidden states of a phrase into a vector for synonymy.

usage: similarity.py MODEL_FOLDER [--work FOLDER] [--export]

The encoder is the tagger's own and stays as it is, so that one encoder serves both uses: a phrase's vector is the mean over its
wordpieces of the concatenated states of a few layers, projected to 128 numbers. The projection is learnt from our vocabularies'
synonym pairs (terms with the same code) by contrast within the batch. A tenth of the codes is held out and tells whether it pays.
`--export` writes `similarity.safetensors` into the folder and its checksum into the manifest.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

ROOT = Path(__file__).resolve().parent.parent.parent
# Hidden states that are concatenated: word embeddings (0), then layers.
LAYERS = (0, 2, 4, 6)
SIZE = 128


def terms() -> list[tuple[str, str]]:
    """(term, first code) of every diagnosis term with a code, each term once, in the order of the tables."""
    seen: dict[str, str] = {}
    for name, column in (("everyday_diagnoses.tsv", "term"), ("diagnosis_terms.tsv.gz", "term")):
        path = ROOT / "vocabularies" / name
        with gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else open(path, encoding="utf-8") as file:
            rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
            for row in rows:
                code = row["codes"].split("|")[0].split("+")[0].strip()
                if code and code != "-":
                    seen.setdefault(row["term"].lower(), code)
    return list(seen.items())


def encoder(folder: Path) -> BertModel:
    """The tagger's encoder, in float32."""
    config = BertConfig.from_pretrained(folder, output_hidden_states=True)
    model = BertModel(config, add_pooling_layer=False)
    weights = {name.removeprefix("bert."): value.float() for name, value in load_file(folder / "model.safetensors").items()}
    missing, _ = model.load_state_dict({name: weights[name] for name in model.state_dict() if name in weights}, strict=False)
    assert not [name for name in missing if "position_ids" not in name], missing
    return model.eval()


@torch.no_grad()
def features(folder: Path, phrases: list[str], batch_tokens: int = 8192) -> torch.Tensor:
    """Mean over the wordpieces (special ones left out) of the concatenated states, float16, one row a phrase."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    model = encoder(folder)
    ids = [encoding.ids[:62] or [last] for encoding in tokenizer.encode_batch(phrases, add_special_tokens=False)]
    order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
    out = torch.zeros(len(ids), len(LAYERS) * model.config.hidden_size, dtype=torch.float16)
    at = 0
    while at < len(order):
        length = len(ids[order[at]]) + 2
        group = [row for row in order[at : at + max(1, batch_tokens // length)] if len(ids[row]) + 2 == length]
        at += len(group)
        batch = torch.tensor([[first, *ids[row], last] for row in group])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = model(input_ids=batch, token_type_ids=torch.zeros_like(batch)).hidden_states
        pooled = torch.cat([states[layer][:, 1:-1].float().mean(1) for layer in LAYERS], dim=1)
        out[group] = pooled.half()
    return out


def held_out(code: str) -> bool:
    """Whether a code's terms measure and do not train."""
    return int(hashlib.sha256(code.encode()).hexdigest(), 16) % 10 == 0


def recall(vectors: torch.Tensor, codes: list[str], queries: list[int]) -> dict[str, float]:
    """Of held-out terms: how often the nearest other terms (all terms) have the same code, or category."""
    hits = {"code@1": 0, "code@5": 0, "category@1": 0}
    for first in range(0, len(queries), 256):
        rows = queries[first : first + 256]
        scores = vectors[rows] @ vectors.T
        scores[torch.arange(len(rows)), torch.tensor(rows)] = -2
        best = scores.topk(5, dim=1).indices.tolist()
        for row, near in zip(rows, best):
            hits["code@1"] += codes[near[0]] == codes[row]
            hits["code@5"] += any(codes[other] == codes[row] for other in near)
            hits["category@1"] += codes[near[0]][:3] == codes[row][:3]
    return {name: round(count / len(queries), 4) for name, count in hits.items()}


def trained(states: torch.Tensor, groups: list[list[int]], mean: torch.Tensor, steps: int) -> torch.Tensor:
    """The projection, shape (SIZE, features)."""
    generator = torch.Generator().manual_seed(7)
    # starts as the principal directions, which keep most of what the states tell apart
    sample = states[torch.randperm(len(states), generator=generator)[:20000]].float() - mean
    weight = torch.linalg.eigh(sample.T @ sample).eigenvectors[:, -SIZE:].T.contiguous().requires_grad_()
    scale = torch.tensor(3.0, requires_grad=True)
    optimizer = torch.optim.AdamW([{"params": [weight], "lr": 2e-3}, {"params": [scale], "lr": 1e-2}], weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [2e-3, 1e-2], total_steps=steps)
    for step in range(steps):
        chosen = torch.randperm(len(groups), generator=generator)[:768].tolist()
        pairs = []
        for group in chosen:
            members = groups[group]
            picked = torch.randperm(len(members), generator=generator)[:2].tolist()
            pairs.append((members[picked[0]], members[picked[1]]))
        left, right = (torch.tensor(side) for side in zip(*pairs))
        one = torch.nn.functional.normalize((states[left].float() - mean) @ weight.T, dim=1)
        other = torch.nn.functional.normalize((states[right].float() - mean) @ weight.T, dim=1)
        logits = one @ other.T * scale.exp()
        target = torch.arange(len(pairs))
        loss = (torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0 or step == steps - 1:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    return weight.detach()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("run"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--export", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    pairs = terms()
    phrases, codes = [term for term, _ in pairs], [code for _, code in pairs]
    cache = arguments.work / "term_states.pt"
    key = hashlib.sha256("\n".join(phrases).encode()).hexdigest() + str(LAYERS)
    stored = torch.load(cache) if cache.exists() else {}
    if stored.get("key") != key:
        stored = {"key": key, "states": features(arguments.folder, phrases)}
        torch.save(stored, cache)
    states = stored["states"]
    print(f"{len(phrases)} terms, {states.shape[1]} features", flush=True)
    by_code: dict[str, list[int]] = {}
    for at, code in enumerate(codes):
        by_code.setdefault(code, []).append(at)
    groups = [members for code, members in by_code.items() if len(members) > 1 and not held_out(code)]
    queries = [at for code, members in by_code.items() if len(members) > 1 and held_out(code) for at in members]
    queries = queries[:: max(1, len(queries) // 3000)]
    mean = states[::7].float().mean(0)
    plain = torch.nn.functional.normalize(states[:, -384:].float(), dim=1)
    print("last layer, no projection", recall(plain, codes, queries), flush=True)
    del plain
    weight = trained(states, groups, mean, arguments.steps)
    vectors = torch.nn.functional.normalize((states.float() - mean) @ weight.T, dim=1)
    print("projected", recall(vectors, codes, queries), flush=True)
    if arguments.export:
        tensors = {"projection.weight": weight.half().contiguous(), "projection.mean": mean.half().contiguous()}
        tensors["projection.layers"] = torch.tensor(LAYERS, dtype=torch.uint8)
        save_file(tensors, arguments.folder / "similarity.safetensors")
        manifest_path = arguments.folder / "manifest.json"
        manifest = json.loads(manifest_path.read_text())
        data = (arguments.folder / "similarity.safetensors").read_bytes()
        manifest["sha256"]["similarity.safetensors"] = hashlib.sha256(data).hexdigest()
        manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
