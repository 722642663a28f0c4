"""Variations of training notes: what dictation, typing and templates do to text; no offset moves. Standard library only."""

from __future__ import annotations

import random
import re

from data import Document


def with_text(document: Document, text: str) -> Document:
    """The document with another text of the same length."""
    return Document(document.id, text, document.spans, document.head, document.unlabelled)


def vary_layout(document: Document, generator: random.Random) -> Document:
    """Capitals, lower case and lost line breaks, each in a few of the notes: what a lower-casing tokenizer does not see."""
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
    return with_text(document, text)


def vary(document: Document, generator: random.Random) -> Document:
    """Layout, full stops and typing errors, each in a few of the notes."""
    document = vary_layout(document, generator)
    text = document.text
    if generator.random() < 0.04:
        text = re.sub(r"[.,](?=\s)", " ", text)
    if generator.random() < 0.10:
        letters = list(text)
        for at in range(1, len(letters) - 2):
            if generator.random() < 0.004 and letters[at].isalpha() and letters[at + 1].isalpha():
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
        text = "".join(letters)
    return with_text(document, text)
