"""Labels, windows, BIO coding and span matching: what training, evaluation and export share.

Standard library only. The Rust service does the same steps in the same order, so the figures
measured with these functions carry over to it:

1. the whole note is encoded without special tokens, with character offsets (code points), and `layout_types` gives
   each wordpiece the token type that tells what the lower-casing tokenizer hides: capitals and line starts;
2. windows of `WINDOW_PIECES` wordpieces start every `WINDOW_STRIDE` wordpieces, until one reaches
   the end of the note; each is run between `[CLS]` and `[SEP]`;
3. every wordpiece keeps its logits from the window in which it is farthest from both ends
   (the earlier window wins a tie);
4. softmax with the temperature of `calibration.json`;
5. `decode_spans`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

WINDOW_PIECES = 180
WINDOW_STRIDE = 120

# Kind of annotation in the gold files -> entity type in the label names.
KIND_TO_TYPE = {"DX": "DIAGNOSIS", "RX": "MEDICATION", "AL": "ALLERGEN", "NKA": "NO_KNOWN_ALLERGIES"}
TYPE_TO_KIND = {entity_type: kind for kind, entity_type in KIND_TO_TYPE.items()}

IGNORED_LABEL = -100


def bio_labels(entity_types: Iterable[str]) -> list[str]:
    """Label names for the types, in the order of the classifier's rows: O, B-X, I-X, B-Y, I-Y..."""
    labels = ["O"]
    for entity_type in entity_types:
        labels += [f"B-{entity_type}", f"I-{entity_type}"]
    return labels


NOTE_TYPES = list(KIND_TO_TYPE.values())
NOTE_LABELS = bio_labels(NOTE_TYPES)

# What is said of a mention: a head of its own for each, read at the mention's wordpieces.
ASSERTIONS = ["present", "historical", "absent", "possible", "hypothetical", "family"]
STATUSES = ["active", "given", "discontinued", "hypothetical", "absent"]
CONTEXT_LABELS = {"DIAGNOSIS": ASSERTIONS, "ALLERGEN": ASSERTIONS, "MEDICATION": STATUSES}

# Token types: lower case 0, capitalised 1, capitals 2; 3 more where the word is the first of its line.
LAYOUT_TYPES = 6


@dataclass(frozen=True)
class Span:
    """A stretch `text[start:end]` of one type; `probability` is 1 for annotations.

    `context` is what is said of it: an assertion, or the status of a medication; empty when not known.
    """

    start: int
    end: int
    type: str
    probability: float = 1.0
    context: str = ""


def window_starts(piece_count: int, size: int = WINDOW_PIECES, stride: int = WINDOW_STRIDE) -> list[int]:
    """First wordpieces of the windows that cover `piece_count` wordpieces."""
    starts = [0]
    while starts[-1] + size < piece_count:
        starts.append(starts[-1] + stride)
    return starts


def central_windows(
    piece_count: int, size: int = WINDOW_PIECES, stride: int = WINDOW_STRIDE
) -> list[tuple[int, int, int, int]]:
    """Windows as (start, end, keep_from, keep_to): each piece is kept from exactly one window."""
    bounds = [(start, min(start + size, piece_count)) for start in window_starts(piece_count, size, stride)]
    owner = []
    for piece in range(piece_count):
        margins = [
            (-min(piece - start, end - 1 - piece), index)
            for index, (start, end) in enumerate(bounds)
            if start <= piece < end
        ]
        owner.append(min(margins)[1])
    kept = []
    for index, (start, end) in enumerate(bounds):
        owned = [piece for piece in range(start, end) if owner[piece] == index]
        kept.append((start, end, owned[0], owned[-1] + 1) if owned else (start, end, start, start))
    return kept


def resolve_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Spans without overlaps, in text order: the longer of two overlapping spans stays."""
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda item: (-(item.end - item.start), item.start)):
        if all(span.end <= other.start or other.end <= span.start for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda item: item.start)


def layout_types(text: str, offsets: Sequence[tuple[int, int]], is_continuation: Sequence[bool]) -> list[int]:
    """Token type of each wordpiece, from the capitals (A to Z) of its word and whether it opens a line.

    A word is a wordpiece with its `##` continuations, which share its case but are never first of a line.
    """
    types: list[int] = []
    piece = 0
    while piece < len(offsets):
        after = piece + 1
        while after < len(offsets) and is_continuation[after]:
            after += 1
        word = text[offsets[piece][0] : offsets[after - 1][1]]
        capitals = sum("A" <= letter <= "Z" for letter in word)
        small = sum("a" <= letter <= "z" for letter in word)
        case = 2 if capitals >= 2 and not small else 1 if "A" <= word[:1] <= "Z" else 0
        opens = piece == 0 or "\n" in text[offsets[piece - 1][1] : offsets[piece][0]]
        types += [case + 3 * opens] + [case] * (after - piece - 1)
        piece = after
    return types


def encode_contexts(offsets: Sequence[tuple[int, int]], spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Of each wordpiece (assertion, status) as indices of `ASSERTIONS` and `STATUSES`, `IGNORED_LABEL` where none is known."""
    contexts = [(IGNORED_LABEL, IGNORED_LABEL)] * len(offsets)
    position = 0
    for span in resolve_overlaps(spans):
        while position < len(offsets) and offsets[position][1] <= span.start:
            position += 1
        while position < len(offsets) and offsets[position][0] < span.end:
            if span.context in CONTEXT_LABELS.get(span.type, ()):
                index = CONTEXT_LABELS[span.type].index(span.context)
                contexts[position] = (IGNORED_LABEL, index) if span.type == "MEDICATION" else (index, IGNORED_LABEL)
            position += 1
    return contexts


def encode_labels(
    offsets: Sequence[tuple[int, int]], spans: Iterable[Span], label_ids: dict[str, int]
) -> list[int]:
    """Label of each wordpiece: B on the first piece that touches a span, I on its other pieces."""
    labels = [label_ids["O"]] * len(offsets)
    ordered = resolve_overlaps(spans)
    position = 0
    for span in ordered:
        while position < len(offsets) and offsets[position][1] <= span.start:
            position += 1
        prefix = "B"
        while position < len(offsets) and offsets[position][0] < span.end:
            labels[position] = label_ids[f"{prefix}-{span.type}"]
            prefix = "I"
            position += 1
    return labels


def decode_spans(
    offsets: Sequence[tuple[int, int]],
    is_continuation: Sequence[bool],
    probabilities: Sequence[Sequence[float]],
    labels: Sequence[str] = NOTE_LABELS,
) -> list[Span]:
    """Spans of the most probable BIO labels.

    B starts a span, and so does an I that no open span of its type precedes. A `##` continuation
    never starts or ends one: it goes with the piece before it, so a span holds whole words. The
    probability of a span is the mean over its pieces of P(B) + P(I) of its type.
    """
    spans: list[Span] = []
    open_type: str | None = None
    pieces: list[int] = []

    def close() -> None:
        nonlocal open_type, pieces
        if open_type is not None:
            begin, inside = labels.index(f"B-{open_type}"), labels.index(f"I-{open_type}")
            total = sum(probabilities[piece][begin] + probabilities[piece][inside] for piece in pieces)
            spans.append(Span(offsets[pieces[0]][0], offsets[pieces[-1]][1], open_type, float(total) / len(pieces)))
        open_type, pieces = None, []

    for piece, row in enumerate(probabilities):
        if is_continuation[piece]:
            if open_type is not None:
                pieces.append(piece)
            continue
        label = labels[max(range(len(labels)), key=row.__getitem__)]
        if label == "O":
            close()
            continue
        prefix, entity_type = label.split("-", 1)
        if prefix == "I" and entity_type == open_type:
            pieces.append(piece)
        else:
            close()
            open_type, pieces = entity_type, [piece]
    close()
    return spans


def match_spans(gold: Sequence[Span], predicted: Sequence[Span], strict: bool) -> list[tuple[int, int]]:
    """Greedy one-to-one pairs (gold index, predicted index) by overlap, as the gold scorer pairs them."""
    candidates = []
    for i, expected in enumerate(gold):
        for j, found in enumerate(predicted):
            if strict:
                if (expected.start, expected.end) == (found.start, found.end):
                    candidates.append((0.0, 0, i, j))
                continue
            overlap = min(expected.end, found.end) - max(expected.start, found.start)
            if overlap > 0:
                longer = max(expected.end - expected.start, found.end - found.start)
                candidates.append((-(overlap / longer), abs(expected.start - found.start), i, j))
    used_gold: set[int] = set()
    used_predicted: set[int] = set()
    pairs = []
    for _, _, i, j in sorted(candidates):
        if i not in used_gold and j not in used_predicted:
            used_gold.add(i)
            used_predicted.add(j)
            pairs.append((i, j))
    return pairs
