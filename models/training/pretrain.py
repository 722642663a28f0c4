"""Go on with masked-language pre-training of an encoder, on the texts of the corpora and of the training notes.

    python pretrain.py --output run/encoder                                  # all-MiniLM-L6-v2
    python pretrain.py --encoder FOLDER --output run/teacher-encoder         # another BERT or MPNet

Writes an ordinary Hugging Face folder (config.json, model.safetensors, tokenizer.json), for `train.py --encoder`.
Whole words are masked. The head over the vocabulary shares the embeddings, is trained from nothing and thrown away.
No text shares 60 characters with a measuring note or a note of the held-out tenth, and none is of a measuring split.
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from pathlib import Path

import torch
from torch import nn

from data import CORPORA, OverlapGuard, load_notes, measuring_guard, read_corpus, read_json_lines
from model import base_folder, base_tokenizer, load_encoder, special_pieces
from train import DEFAULT_SHARED, fast_bfloat16, one_cycle

LENGTH = 256
MASKED_WORDS = 0.2
EVERY_STEPS = 100


def unlabelled_texts(shared: Path) -> dict[str, str]:
    """Texts by identifier: every corpus, and the notes that are trained on; nothing near a measuring or held-out note."""
    guard = measuring_guard(shared)
    training, held_out, _ = load_notes(shared, guard)
    near = OverlapGuard([document.text for document in held_out])
    measuring = {document.id for corpus in CORPORA for document in read_corpus(corpus, shared, measuring=True)}
    texts = {
        record["id"]: record["text"]
        for path in sorted((shared / "corpora").glob("*.jsonl.gz"))
        for record in read_json_lines(path)
        if record["id"] not in measuring
    }
    kept = {name: text for name, text in texts.items() if guard.shared_run(text) is None and near.shared_run(text) is None}
    print(f"texts: {len(kept)} of {len(texts)}, and {len(training)} notes", flush=True)
    return kept | {document.id: document.text for document in training}


class MaskedLanguageModel(nn.Module):
    """An encoder under a head that guesses masked wordpieces."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder = load_encoder(folder)
        config = self.encoder.config
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.normal = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        nn.init.normal_(self.dense.weight, std=config.initializer_range)
        nn.init.zeros_(self.dense.bias)

    def forward(self, input_ids: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """Logits over the vocabulary at the masked positions."""
        hidden = self.encoder(input_ids=input_ids).last_hidden_state[masked]
        hidden = self.normal(nn.functional.gelu(self.dense(hidden)))
        return hidden @ self.encoder.embeddings.word_embeddings.weight.T + self.bias


def mask_words(rows: torch.Tensor, opens: torch.Tensor, mask: int, vocabulary: int):
    """(masked input, positions to guess): a share of the words, of whose pieces 8 in 10 become the mask, 1 another piece."""
    words = opens.long().cumsum(1)
    chosen = torch.rand(rows.shape[0], int(words.max()) + 1, device=rows.device) < MASKED_WORDS
    masked = chosen.gather(1, words)
    fate = torch.rand(rows.shape, device=rows.device)
    changed = torch.where(fate < 0.8, torch.full_like(rows, mask), rows)
    changed = torch.where(fate > 0.9, torch.randint_like(rows, 1000, vocabulary - 10), changed)
    return torch.where(masked, changed, rows), masked


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--encoder", type=Path, default=None)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--batch", type=int, default=64, help=f"rows of {LENGTH} wordpieces")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=0, help="so many texts only, to try the command")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = arguments.encoder or base_folder()
    tokenizer = base_tokenizer(folder)
    first, last, mask = special_pieces(tokenizer)
    texts = [text for _, text in sorted(unlabelled_texts(arguments.shared).items())]
    pieces, opens = [], []
    for encoding in tokenizer.encode_batch(texts[: arguments.limit or None], add_special_tokens=False):
        pieces += [*encoding.ids, last]
        opens += [*(not token.startswith("##") for token in encoding.tokens), True]
    stream, opens = torch.tensor(pieces, device=device), torch.tensor(opens, device=device)
    rows = len(stream) // (LENGTH - 1)
    print(f"{len(stream)} wordpieces", flush=True)

    model = MaskedLanguageModel(folder).to(device).train()
    vocabulary = len(model.bias)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=0.01, fused=True)
    total = arguments.epochs * math.ceil(rows / arguments.batch)
    step, began, losses = 0, time.time(), []
    for _ in range(arguments.epochs):
        shift = int(torch.randint(len(stream), ()))
        cut = lambda values: values.roll(shift)[: rows * (LENGTH - 1)].view(rows, LENGTH - 1)
        these, these_open = cut(stream), cut(opens)
        order = torch.randperm(rows, device=device)
        for at in range(0, rows, arguments.batch):
            chosen = order[at : at + arguments.batch]
            inputs, masked = mask_words(these[chosen], these_open[chosen], mask, vocabulary)
            inputs = torch.cat([torch.full_like(inputs[:, :1], first), inputs], dim=1)
            masked = torch.cat([torch.zeros_like(masked[:, :1]), masked], dim=1)
            for group in optimizer.param_groups:
                group["lr"] = arguments.rate * one_cycle(step / total)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bfloat16(device)):
                logits = model(inputs, masked)
            loss = nn.functional.cross_entropy(logits.float(), these[chosen][masked[:, 1:]])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            step += 1
            if step % EVERY_STEPS == 0 or step == total:
                mean = torch.stack(losses).mean().item()
                print(f"pretrain {step}/{total} loss {mean:.3f} {time.time() - began:.0f} s", flush=True)
                losses = []
    arguments.output.mkdir(parents=True, exist_ok=True)
    model.encoder.save_pretrained(arguments.output, safe_serialization=True)
    shutil.copy(folder / "tokenizer.json", arguments.output / "tokenizer.json")


if __name__ == "__main__":
    main()
