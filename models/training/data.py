"""Training documents: reading, the overlap guard, the held-out tenth.

Standard library only (its test runs without torch).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator

from spans import KIND_TO_TYPE, NOTE_TYPES, Span

# No training document may share a run of this many characters with a measuring note.
FORBIDDEN_RUN = 60
MEASURING_FILES = ["dev.jsonl", "sections_dev.jsonl"]
NOTES_HEAD = "notes"


@dataclass(frozen=True)
class Document:
    """A text with its spans, and the head that learns from it."""

    id: str
    text: str
    spans: tuple[Span, ...]
    head: str = NOTES_HEAD
    # Types of the head that the source does not label: their absence is not taught.
    unlabelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus: its file, its head, the types that it labels."""

    name: str
    file: str
    head: str
    labelled: tuple[str, ...]
    # Splits kept out of training, for comparison with published figures.
    measuring_splits: tuple[str, ...] = ()
    # Keep a tenth of the documents out where the corpus has no splits.
    hold_out_tenth: bool = False


HEAD_TYPES: dict[str, tuple[str, ...]] = {
    NOTES_HEAD: tuple(NOTE_TYPES),
    "abstracts": ("DIAGNOSIS", "MEDICATION"),
    "case_reports": (
        "DIAGNOSIS", "MEDICATION", "SYMPTOM", "LAB", "PROCEDURE", "SEVERITY", "DOSE", "DURATION", "ROUTE", "FREQUENCY",
    ),
    "adverse_events": ("DIAGNOSIS", "MEDICATION", "REACTION", "SEVERITY", "DOSE", "DURATION", "ROUTE", "FREQUENCY"),
    "trial_criteria": ("DIAGNOSIS", "ALLERGEN", "LAB"),
}

CORPORA = (
    Corpus("bc5cdr", "bc5cdr_train.jsonl.gz", "abstracts", HEAD_TYPES["abstracts"], measuring_splits=("dev",)),
    Corpus("ncbi_disease", "ncbi_disease_train.jsonl.gz", "abstracts", ("DIAGNOSIS",), measuring_splits=("dev",)),
    Corpus("maccrobat", "maccrobat_train.jsonl.gz", "case_reports", HEAD_TYPES["case_reports"], hold_out_tenth=True),
    Corpus("phee", "phee.jsonl.gz", "adverse_events", HEAD_TYPES["adverse_events"]),
    Corpus("fb_ctp", "fb_ctp.jsonl.gz", "trial_criteria", HEAD_TYPES["trial_criteria"]),
)


def fold(text: str) -> str:
    """Lower case, every run of whitespace as one space."""
    return re.sub(r"\s+", " ", text).strip().lower()


@dataclass
class OverlapGuard:
    """Knows every run of `length` characters of the measuring notes."""

    texts: Iterable[str]
    length: int = FORBIDDEN_RUN
    runs: set[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.runs = set()
        for text in self.texts:
            folded = fold(text)
            self.runs.update(folded[i : i + self.length] for i in range(len(folded) - self.length + 1))

    def shared_run(self, text: str) -> str | None:
        """First run that the text shares with a measuring note, or None."""
        folded = fold(text)
        for i in range(len(folded) - self.length + 1):
            if folded[i : i + self.length] in self.runs:
                return folded[i : i + self.length]
        return None

    def admit(self, documents: Iterable[Document]) -> tuple[list[Document], list[str]]:
        """Documents that may be trained on, and the identifiers of those that are refused."""
        admitted, refused = [], []
        for document in documents:
            if self.shared_run(document.text) is None:
                admitted.append(document)
            else:
                refused.append(document.id)
        return admitted, refused


def read_json_lines(path: Path) -> Iterator[dict]:
    """Objects of a JSON-lines file, gzip or plain."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def read_gold(path: Path) -> list[Document]:
    """Annotated notes in the form of the gold files."""
    return [
        Document(
            id=record["id"],
            text=record["text"],
            spans=tuple(
                Span(a["start"], a["end"], KIND_TO_TYPE[a["kind"]], 1.0, a.get("assertion") or a.get("status") or "")
                for a in record["annotations"]
            ),
        )
        for record in read_json_lines(path)
    ]


def read_corpus(corpus: Corpus, shared: Path, measuring: bool = False) -> list[Document]:
    """Training documents of a corpus, or its measuring part."""
    types = HEAD_TYPES[corpus.head]
    documents = []
    for record in read_json_lines(shared / "corpora" / corpus.file):
        held = record.get("split") in corpus.measuring_splits or (corpus.hold_out_tenth and is_held_out(record["id"]))
        if held != measuring:
            continue
        spans = tuple(Span(e["start"], e["end"], e["type"]) for e in record["entities"] if e["type"] in corpus.labelled)
        unlabelled = tuple(name for name in types if name not in corpus.labelled)
        documents.append(Document(record["id"], record["text"], spans, corpus.head, unlabelled))
    return documents


def is_held_out(identifier: str) -> bool:
    """Whether a document belongs to the fixed held-out tenth (by the hash of its identifier)."""
    return int(hashlib.sha256(identifier.encode("utf-8")).hexdigest(), 16) % 10 == 0


def measuring_guard(shared: Path) -> OverlapGuard:
    """The guard over all measuring notes."""
    return OverlapGuard(record["text"] for name in MEASURING_FILES for record in read_json_lines(shared / "gold" / name))


def load_notes(shared: Path, guard: OverlapGuard) -> tuple[list[Document], list[Document], list[str]]:
    """Gold training notes as (nine tenths to train on, held-out tenth, refused identifiers)."""
    admitted, refused = guard.admit(read_gold(shared / "gold" / "train.jsonl"))
    training = [document for document in admitted if not is_held_out(document.id)]
    held_out = [document for document in admitted if is_held_out(document.id)]
    return training, held_out, refused


def load_corpora(shared: Path, guard: OverlapGuard) -> tuple[list[Document], list[str]]:
    """Training documents of all corpora, and refused identifiers."""
    documents: list[Document] = []
    refused: list[str] = []
    for corpus in CORPORA:
        admitted, dropped = guard.admit(read_corpus(corpus, shared))
        documents += admitted
        refused += dropped
    return documents, refused
