"""Abbreviations that a text explains itself, and what their long form says of them.

Standard library only. "long form (ABC)" is found as Schwartz and Hearst (2003) do it: the letters of the short form stand in
this order in the words before the bracket, the first at the start of a word.
"""

from __future__ import annotations

import re
from typing import Sequence

from spans import Span

# A mention of the long form begins at most so many characters before its letters do (an article or an adjective).
LEAD = 12
BRACKET = re.compile(r"\(\s*([^()\s,;]{2,10})\s*(?:[,;][^()]*)?\)")


def long_form_start(short: str, before: str) -> int | None:
    """Where the long form begins in the text before the bracket, or None."""
    text = before.rstrip()
    position = len(text) - 1
    for index in range(len(short) - 1, -1, -1):
        letter = short[index].lower()
        if not letter.isalnum():
            continue
        while position >= 0 and (
            text[position].lower() != letter or (index == 0 and position > 0 and text[position - 1].isalnum())
        ):
            position -= 1
        if position < 0:
            return None
        position -= 1
    return position + 1


def explained(text: str) -> list[tuple[str, int, int]]:
    """(short form, start and end of its long form) of every abbreviation that is explained."""
    found = []
    for match in BRACKET.finditer(text):
        short = match[1]
        if not (any(letter.isupper() for letter in short) and short[0].isalnum()):
            continue
        sentence = text[: match.start()]
        words = list(re.finditer(r"\S+", sentence))[-min(len(short) + 5, 2 * len(short)) :]
        if not words:
            continue
        base = words[0].start()
        start = long_form_start(short, sentence[base:])
        end = len(sentence.rstrip())
        if start is not None and end - base - start > len(short):
            found.append((short, base + start, end))
    return found


def places_of(short: str, text: str) -> list[tuple[int, int]]:
    """Where the abbreviation stands as a word, in the same case; a plural s is left out."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(short)}(?![A-Za-z0-9])"
    return [(match.start(), match.end()) for match in re.finditer(pattern, text)]


def agree_with_long_forms(text: str, spans: Sequence[Span]) -> list[Span]:
    """Mentions where every explained abbreviation is what its long form is: a mention of that type, or none.

    A long form counts as a mention when one ends where it ends and begins about where it begins ("lack of long form" is no
    mention of the long form); as none when no mention touches it.
    """
    kept = list(spans)
    for short, start, end in explained(text):
        ending = [
            span for span in kept if span.end == end and span.start >= start - LEAD and span.end - span.start > len(short)
        ]
        touching = [span for span in kept if span.start < end and start < span.end]
        if not ending and touching:
            continue
        for first, last in places_of(short, text):
            over = [span for span in kept if span.start < last and first < span.end]
            if not ending:
                kept = [span for span in kept if (span.start, span.end) != (first, last)]
            elif not over:
                kept.append(Span(first, last, ending[0].type, ending[0].probability))
            elif [(span.start, span.end) for span in over] == [(first, last)] and over[0].type != ending[0].type:
                kept = [span for span in kept if span is not over[0]] + [Span(first, last, ending[0].type)]
    return sorted(kept, key=lambda span: span.start)
