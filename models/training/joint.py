"""One tagger for several public corpora, for comparison with published figures: the third attempt of `published.py`.

What differs from fine-tuning on each corpus alone:

- one encoder learns from BC5CDR and NCBI disease together, each with a head of its own, since their guidelines differ;
- beside the words it reads where a name of a disease or a substance stands (`dictionary.py`);
- labels are given to whole words, from the mean of their wordpieces;
- a chain over the labels (`chain.py`) chooses the sequence, not each label alone;
- lower layers learn more slowly, over a longer schedule; the averaged weights are taken.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from chain import LabelChain
from data import Document
from dictionary import MARKS, Dictionary
from model import Tagger, special_pieces
from spans import Span, bio_labels, central_windows, decode_spans, encode_labels, layout_types
from train import one_cycle

WINDOW = 256
STRIDE = 232
# Windows of a text that is read: more context on both sides.
READING_STRIDE = 160


@dataclass
class JointSettings:
    """Settings of a run."""

    epochs: int
    seed: int
    # Ends after so many epochs of the schedule; 0: at its end.
    stop_after: int = 0
    encoder_rate: float = 2e-4
    head_rate: float = 2e-3
    # Factor of the learning rate from a layer to the one below.
    layer_factor: float = 0.9
    batch_pieces: int = 2304
    mask_rate: float = 0.05
    average_decay: float = 0.995
    dropout: float = 0.1
    with_dictionary: bool = True


@dataclass
class WordText:
    """A text as wordpieces: identifiers, layout, marks of the dictionary, first pieces of words, label of each piece."""

    head: str
    ids: list[int]
    types: list[int]
    marks: list[int]
    continuation: list[bool]
    offsets: list[tuple[int, int]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def cut(self, first: int, last: int) -> WordText:
        """The pieces from `first` to `last`."""
        parts = (part[first:last] for part in (self.ids, self.types, self.marks, self.continuation, self.offsets, self.labels))
        return WordText(self.head, *parts)


class JointTagger(nn.Module):
    """An encoder that also reads dictionary marks, with a linear head over words and a chain of labels for each corpus."""

    def __init__(self, types: dict[str, tuple[str, ...]], tagger: Tagger, dropout: float) -> None:
        super().__init__()
        self.labels = {name: bio_labels(kinds) for name, kinds in types.items()}
        self.encoder = tagger.encoder
        # here float32 with the fused attention is faster than bfloat16 with the plain one
        self.encoder.set_attn_implementation("sdpa")
        self.dropout = nn.Dropout(dropout)
        width = self.encoder.config.hidden_size
        self.marks = nn.Embedding(MARKS, width)
        nn.init.zeros_(self.marks.weight)
        self.heads, self.mark_scores, self.chains = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        notes = bio_labels(("DIAGNOSIS", "MEDICATION"))
        for name, labels in self.labels.items():
            self.heads[name] = nn.Linear(width, len(labels))
            self.mark_scores[name] = nn.Embedding(MARKS, len(labels))
            nn.init.zeros_(self.mark_scores[name].weight)
            self.chains[name] = LabelChain(labels)
            # the head of the notes knows these types already
            rows = [notes.index(label) for label in labels]
            self.heads[name].weight.data.copy_(tagger.heads["notes"].weight.data[rows])
            self.heads[name].bias.data.copy_(tagger.heads["notes"].bias.data[rows])

    def forward(self, head: str, batch: list[WordText], tokenizer: Tokenizer, mask_rate: float = 0.0, chance=None):
        """(scores, labels, lengths) of the words of a batch of one head, padded."""
        classification, separator, mask = special_pieces(tokenizer)
        longest = max(len(text.ids) for text in batch) + 2
        ids, types, marks, attention = (torch.zeros(len(batch), longest, dtype=torch.long) for _ in range(4))
        words = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, text in enumerate(batch):
            count = len(text.ids)
            seen = [mask if mask_rate and chance.random() < mask_rate else piece for piece in text.ids]
            ids[row, : count + 2] = torch.tensor([classification, *seen, separator])
            types[row, 1 : count + 1] = torch.tensor(text.types)
            marks[row, 1 : count + 1] = torch.tensor(text.marks)
            attention[row, : count + 2] = 1
            # words are counted from 1; 0 gathers what belongs to none
            words[row, 1 : count + 1] = (~torch.tensor(text.continuation)).long().cumsum(0)
        embedded = self.encoder.embeddings.word_embeddings(ids) + self.marks(marks)
        states = self.encoder(inputs_embeds=embedded, token_type_ids=types, attention_mask=attention).last_hidden_state
        total = int(words.max()) + 1
        places = words[..., None].expand_as(states)
        sums = states.new_zeros(len(batch), total, states.shape[-1]).scatter_add(1, places, states)
        pieces = states.new_zeros(len(batch), total).scatter_add(1, words, torch.ones_like(states[..., 0]))
        means = (sums / pieces.clamp(min=1.0)[..., None])[:, 1:]
        lengths = words.max(dim=1).values
        word_marks, labels = (torch.zeros(len(batch), total - 1, dtype=torch.long) for _ in range(2))
        for row, text in enumerate(batch):
            opening = [index for index, continues in enumerate(text.continuation) if not continues]
            word_marks[row, : len(opening)] = torch.tensor([text.marks[index] for index in opening])
            if text.labels:
                labels[row, : len(opening)] = torch.tensor([text.labels[index] for index in opening])
        scores = self.heads[head](self.dropout(means)) + self.mark_scores[head](word_marks)
        return scores, labels, lengths


def word_texts(documents: list[Document], types: dict[str, tuple[str, ...]], tokenizer: Tokenizer, dictionary: Dictionary | None):
    """Documents as wordpieces with their labels; a document's head is the name of its corpus."""
    texts = []
    for document in documents:
        label_ids = {label: index for index, label in enumerate(bio_labels(types[document.head]))}
        encoding = tokenizer.encode(document.text, add_special_tokens=False)
        continuation = [token.startswith("##") for token in encoding.tokens]
        layout = layout_types(document.text, encoding.offsets, continuation)
        marks = dictionary.marks(document.text, encoding.offsets) if dictionary else [0] * len(encoding.ids)
        labels = encode_labels(encoding.offsets, document.spans, label_ids)
        texts.append(WordText(document.head, encoding.ids, layout, marks, continuation, encoding.offsets, labels))
    return texts


def training_batches(texts: list[WordText], pieces: int, generator: random.Random) -> list[list[WordText]]:
    """Windows of whole words from a random start, in batches of one head and similar lengths, in random order."""
    windows: dict[str, list[WordText]] = {}
    for text in texts:
        count = len(text.ids)
        start = 0 if count <= WINDOW else -generator.randrange(STRIDE)
        while True:
            first, last = max(0, start), min(count, start + WINDOW)
            while first < last and text.continuation[first]:
                first += 1
            if first < last:
                window = text.cut(first, last)
                # what the cut leaves of a mention begins one; an I stands after its B in the labels
                if window.labels[0] and window.labels[0] % 2 == 0:
                    window.labels[0] -= 1
                windows.setdefault(text.head, []).append(window)
            if start + WINDOW >= count:
                break
            start += STRIDE
    batches: list[list[WordText]] = []
    for head in sorted(windows):
        generator.shuffle(windows[head])
        group = sorted(windows[head], key=lambda window: len(window.ids) // 32)
        batch: list[WordText] = []
        for window in group:
            if batch and (len(batch) + 1) * (len(window.ids) + 2) > pieces:
                batches.append(batch)
                batch = []
            batch.append(window)
        batches.append(batch)
    generator.shuffle(batches)
    return batches


def parameter_groups(tagger: JointTagger, settings: JointSettings) -> list[dict]:
    """Learning rates: lower layers of the encoder learn more slowly; vectors do not decay."""
    layers = tagger.encoder.config.num_hidden_layers
    groups = []
    for name, parameter in tagger.named_parameters():
        rate = settings.head_rate
        if name.startswith("encoder."):
            depth = int(name.split(".layer.")[1].split(".")[0]) if ".layer." in name else -1
            rate = settings.encoder_rate * settings.layer_factor ** (layers - 1 - depth)
        elif name.startswith("marks."):
            rate = settings.encoder_rate
        groups.append({"params": [parameter], "lr": rate, "highest": rate, "weight_decay": 0.01 if parameter.ndim > 1 else 0.0})
    return groups


def train_joint(tagger: JointTagger, texts: list[WordText], settings: JointSettings, tokenizer: Tokenizer, kept: Path) -> float:
    """Train in place (the averaged weights stay in the tagger, and in the file `kept` after each epoch); gives seconds spent."""
    optimizer = torch.optim.AdamW(parameter_groups(tagger, settings), fused=True)
    averaged = {name: value.detach().clone() for name, value in tagger.state_dict().items()}
    moving = [name for name, value in averaged.items() if value.is_floating_point()]
    began, step = time.time(), 0
    torch.manual_seed(settings.seed)
    tagger.train()
    for epoch in range(settings.stop_after or settings.epochs):
        generator = random.Random(f"{settings.seed}-joint-{epoch}")
        plan, losses = training_batches(texts, settings.batch_pieces, generator), []
        for number, batch in enumerate(plan):
            factor = one_cycle((epoch + number / len(plan)) / settings.epochs)
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * factor
            head = batch[0].head
            loss = tagger.chains[head].loss(*tagger(head, batch, tokenizer, settings.mask_rate, generator))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            losses.append(loss.item())
            decay = min(settings.average_decay, step / (step + 10))
            with torch.no_grad():
                current = tagger.state_dict()
                torch._foreach_lerp_([averaged[name] for name in moving], [current[name] for name in moving], 1 - decay)
            if number % 40 == 39 or number + 1 == len(plan):
                recent = sum(losses[-40:]) / len(losses[-40:])
                print(f"joint epoch {epoch + 1}/{settings.epochs} batch {number + 1}/{len(plan)} loss {recent:.4f} "
                      f"{time.time() - began:.0f} s", flush=True)
        torch.save({"model": averaged, "epochs": epoch + 1, "seconds": time.time() - began}, kept)
    tagger.load_state_dict(averaged)
    return time.time() - began


@torch.no_grad()
def word_scores(tagger: JointTagger, text: WordText, tokenizer: Tokenizer) -> torch.Tensor:
    """Scores of each word of a whole text, from the window in which its first piece is most central."""
    opening = [index for index, continues in enumerate(text.continuation) if not continues]
    word_of_piece = {piece: word for word, piece in enumerate(opening)}
    scores = torch.zeros(len(opening), len(tagger.labels[text.head]))
    for start, end, keep_from, keep_to in central_windows(len(text.ids), WINDOW, READING_STRIDE):
        while start < keep_from and text.continuation[start]:
            start += 1
        own, _, _ = tagger(text.head, [text.cut(start, end)], tokenizer)
        first_word = word_of_piece.get(start)
        for piece in range(keep_from, keep_to):
            word = word_of_piece.get(piece)
            if word is not None and first_word is not None:
                scores[word] = own[0, word - first_word]
    return scores


def read_spans(tagger: JointTagger, text: WordText, scores: torch.Tensor) -> list[Span]:
    """Mentions of the most probable sequence of labels."""
    if not len(scores):
        return []
    labels = tagger.labels[text.head]
    path = iter(tagger.chains[text.head].decode(scores))
    chosen, rows = 0, []
    for continues in text.continuation:
        chosen = chosen if continues else next(path)
        rows.append([float(index == chosen) for index in range(len(labels))])
    return decode_spans(text.offsets, text.continuation, rows, labels)
