"""Variations of training notes: what dictation, typing and templates do to text. Standard library only.

Capitals, lower case, lost line breaks and lost full stops keep every offset; a drug or a disorder exchanged for
another of our vocabularies moves the spans behind it.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
from pathlib import Path

from data import Document
from spans import Span

VOCABULARIES = Path(__file__).resolve().parents[2] / "vocabularies"


def _rows(name: str):
    path = VOCABULARIES / name
    opened = gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else open(path, encoding="utf-8")
    with opened as lines:
        yield from csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)


def replacement_terms() -> dict[str, list[str]]:
    """Names to put in the place of a medication and of a diagnosis: unguarded names, ordinary disorders of up to four words."""
    medications = [
        row["term"]
        for row in _rows("medications.tsv.gz")
        if row["case_guard"] == "0" and re.fullmatch(r"[a-z][a-z-]{3,}( [a-z]{4,})?", row["term"])
    ]
    disorders = [
        row["term"]
        for row in _rows("everyday_diagnoses.tsv")
        if row["kind"] == "diagnosis" and len(row["term"].split()) <= 4 and re.fullmatch(r"[a-z' -]{5,}", row["term"])
    ]
    return {"MEDICATION": medications, "DIAGNOSIS": disorders}


def like(word: str, term: str) -> str:
    """`term` in the case of `word`."""
    if word.isupper() and len(word) > 1:
        return term.upper()
    return term[:1].upper() + term[1:] if word[:1].isupper() else term


def substitute(document: Document, terms: dict[str, list[str]], rates: dict[str, float], generator: random.Random) -> Document:
    """Some mentions exchanged for other terms of their kind."""
    text, spans, position = "", [], 0
    for span in sorted(document.spans, key=lambda item: item.start):
        if span.start < position:
            return document
        surface = document.text[span.start : span.end]
        if generator.random() < rates.get(span.type, 0.0):
            surface = like(surface, generator.choice(terms[span.type]))
        text += document.text[position : span.start]
        spans.append(Span(len(text), len(text) + len(surface), span.type, span.probability, span.context))
        text += surface
        position = span.end
    return Document(document.id, text + document.text[position:], tuple(spans), document.head, document.unlabelled)


def vary(document: Document, generator: random.Random) -> Document:
    """Case, line breaks, full stops and typing errors, each in a few of the notes; no offset moves."""
    text = document.text
    chance = generator.random()
    if chance < 0.06:
        changed = text.upper()
    elif chance < 0.10:
        changed = text.lower()
    else:
        changed = text
    text = changed if len(changed) == len(text) else text
    if generator.random() < 0.12:
        text = text.replace("\n", " ")
    if generator.random() < 0.04:
        text = re.sub(r"[.,](?=\s)", " ", text)
    if generator.random() < 0.10:
        letters = list(text)
        for at in range(1, len(letters) - 2):
            if generator.random() < 0.004 and letters[at].isalpha() and letters[at + 1].isalpha():
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
        text = "".join(letters)
    return Document(document.id, text, document.spans, document.head, document.unlabelled)
