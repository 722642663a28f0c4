"""Temperature of the model: fitted on mentions in notes that the weights never saw."""

from __future__ import annotations

import torch

from data import Document
from model import note_logits
from spans import NOTE_LABELS, decode_spans, match_spans


def mention_outcomes(forward, tokenizer, documents: list[Document], temperature: float, cache: dict | None = None):
    """(probability, correct) of each mention found; correct: overlaps a gold mention of its type, one to one."""
    outcomes = []
    for document in documents:
        if cache is not None and document.id in cache:
            offsets, continuation, logits = cache[document.id]
        else:
            offsets, continuation, logits = note_logits(forward, tokenizer, document.text)
            if cache is not None:
                cache[document.id] = (offsets, continuation, logits)
        found = decode_spans(offsets, continuation, torch.softmax(logits[:, : len(NOTE_LABELS)] / temperature, dim=-1).tolist())
        for entity_type in {label[2:] for label in NOTE_LABELS if label != "O"}:
            own = [span for span in found if span.type == entity_type]
            gold = [span for span in document.spans if span.type == entity_type]
            right = {j for _, j in match_spans(gold, own, strict=False)}
            outcomes += [(span.probability, j in right) for j, span in enumerate(own)]
    return outcomes


def binary_cross_entropy(outcomes: list[tuple[float, bool]]) -> float:
    """Mean negative log-likelihood of the outcomes."""
    probabilities = torch.tensor([probability for probability, _ in outcomes]).clamp(1e-6, 1 - 1e-6)
    targets = torch.tensor([float(correct) for _, correct in outcomes])
    return torch.nn.functional.binary_cross_entropy(probabilities, targets).item()


def expected_calibration_error(outcomes: list[tuple[float, bool]], bins: int = 10) -> float:
    """Mean gap between probability and share of correct mentions over equal bins, weighted by size."""
    gap = 0.0
    for index in range(bins):
        group = [item for item in outcomes if min(bins - 1, int(item[0] * bins)) == index]
        gap += abs(sum(p for p, _ in group) - sum(correct for _, correct in group))
    return gap / max(1, len(outcomes))


def fit_temperature(forward, tokenizer, documents: list[Document]) -> tuple[float, int]:
    """Temperature with the lowest cross entropy over the mentions found, and their number."""
    cache: dict = {}
    best = (float("inf"), 1.0, 0)
    for index in range(45):
        temperature = 0.6 + 0.06 * index
        outcomes = mention_outcomes(forward, tokenizer, documents, temperature, cache)
        if outcomes:
            best = min(best, (binary_cross_entropy(outcomes), temperature, len(outcomes)))
    return best[1], best[2]
