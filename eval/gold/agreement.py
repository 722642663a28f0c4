#!/usr/bin/env python3
"""Compares a second annotator's raw lists (second/*.txt) with the annotations of notes.jsonl, layer by layer.

usage: eval/gold/agreement.py [--notes notes.jsonl] [--second second] [--list]

  --notes    the first annotation; that of before the adjudication is in the history: git show REVISION:eval/gold/notes.jsonl
  --list     prints each difference

A line of second/NAME.txt is `words of the note | KIND ...` with the payload of source/*.txt, in the order of the note: the words are looked
for from the start of the mention before. Standard library only.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from compile import KINDS, SourceError, read_payload  # noqa: E402


def read_second(path: Path, text: str) -> list[dict]:
    """The mentions of one list, with the offsets that their words have in the note."""
    mentions: list[dict] = []
    for line in path.read_text(encoding="utf8").splitlines():
        words, bar, payload = line.partition(" | ")
        if not bar:
            raise SourceError(f"{path.name}: {line!r} is not `words | KIND ...`")
        last = mentions[-1] if mentions else None
        for found in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", text):
            start = found.start()
            if last is None or start > last["start"] or (start == last["start"] and words != last["text"]):
                mentions.append(read_payload(payload, start, words, f"{path.name}: {words!r}"))
                break
        else:
            raise SourceError(f"{path.name}: {words!r} does not stand after {last and last['text']!r}")
    return mentions


def pair(first: list[dict], second: list[dict]) -> list[tuple[dict, dict]]:
    """Mentions of one kind that are the same: equal spans before those that overlap, each once."""
    pairs, free = [], list(second)
    for exact in (True, False):
        taken = {id(one) for one, _ in pairs}
        for one in first:
            if id(one) in taken:
                continue
            for other in free:
                same = (one["start"], one["end"]) == (other["start"], other["end"])
                overlaps = one["start"] < other["end"] and other["start"] < one["end"]
                if one["kind"] == other["kind"] and (same if exact else overlaps):
                    pairs.append((one, other))
                    free.remove(other)
                    break
    return pairs


def label(mention: dict) -> object:
    """What the words stand for: the first code, the ingredient or the substance."""
    if mention["kind"] == "DX":
        return tuple(mention["codes"][0]) if mention["codes"] else ()
    name = mention.get("ingredient") or mention.get("substance") or mention["assertion"]
    return name.removesuffix("s") if name.startswith("class:") else tuple(sorted(name.split("+")))


def attributes(mention: dict) -> set[tuple[str, str]]:
    """Its attributes without the case of their letters; of several reactions each is one."""
    return {(key, part) for key, value in mention.get("attributes", {}).items() for part in value.casefold().split(" / ")}


def share(count: int, total: int) -> str:
    return f"{count}/{total} = {count / total:.3f}" if total else "0/0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notes", type=Path, default=HERE / "notes.jsonl")
    parser.add_argument("--second", type=Path, default=HERE / "second")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    notes = {note["id"]: note for note in map(json.loads, options.notes.read_text(encoding="utf8").splitlines())}
    count: collections.Counter = collections.Counter()
    lists = sorted(options.second.glob("*.txt"))
    for path in lists:
        try:
            compare(notes[path.stem], read_second(path, notes[path.stem]["text"]), count, options.list)
        except SourceError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"notes: {len(lists)}")
    for kind in KINDS:
        one, other, exact, overlapping = (count[kind, key] for key in ("first", "second", "exact", "paired"))
        print(f"{kind}: first {one}, second {other}; span F1 {2 * exact / (one + other):.3f} exact, {2 * overlapping / (one + other):.3f} overlapping;"
              f" assertion {share(count[kind, 'assertion'], overlapping)};"
              f" {'first code' if kind == 'DX' else 'name'} {share(count[kind, 'label'], overlapping)}", end="")
        if kind == "DX":
            print(f", category {share(count[kind, 'category'], overlapping)}, one's first among the other's {share(count[kind, 'among'], overlapping)}", end="")
        if count[kind, "attributes"]:
            print(f"; attributes F1 {2 * count[kind, 'attributes same'] / count[kind, 'attributes']:.3f}", end="")
        print()
    one, other, exact, overlapping = (sum(count[kind, key] for kind in KINDS) for key in ("first", "second", "exact", "paired"))
    print(f"all: first {one}, second {other}; span F1 {2 * exact / (one + other):.3f} exact, {2 * overlapping / (one + other):.3f} overlapping;"
          f" assertion {share(sum(count[kind, 'assertion'] for kind in KINDS), overlapping)}")
    return 0


def compare(note: dict, second: list[dict], count: collections.Counter, listed: bool) -> None:
    """Adds one note to the counts, and prints what differs."""
    first, text = note["annotations"], note["text"]
    pairs = pair(first, second)
    differences = []
    for which, mentions in (("first", first), ("second", second)):
        for mention in mentions:
            count[mention["kind"], which] += 1
            if not any(mention is one or mention is other for one, other in pairs):
                differences.append((mention["start"], f"only {which}: {describe(mention)}"))
    for one, other in pairs:
        kind = one["kind"]
        exact = (one["start"], one["end"]) == (other["start"], other["end"])
        same_label = label(one) == label(other)
        count[kind, "paired"] += 1
        count[kind, "exact"] += exact
        count[kind, "assertion"] += one["assertion"] == other["assertion"]
        count[kind, "label"] += same_label
        if kind == "DX":
            count[kind, "category"] += [code[:3] for code in label(one)] == [code[:3] for code in label(other)]
            alternatives = [[tuple(codes) for codes in mention["codes"]] for mention in (one, other)]
            count[kind, "among"] += label(one) in alternatives[1] or label(other) in alternatives[0]
        left, right = attributes(one), attributes(other)
        count[kind, "attributes"] += len(left) + len(right)
        count[kind, "attributes same"] += len(left & right)
        if not exact or one["assertion"] != other["assertion"] or not same_label or left != right:
            differences.append((one["start"], f"first: {describe(one)}\n    second: {describe(other)}"))
    if listed:
        print(f"== {note['id']}")
        for start, difference in sorted(differences):
            around = " ".join(text[max(0, start - 30):start + 40].split())
            print(f"  {difference}\n      ... {around} ...")


def describe(mention: dict) -> str:
    what = " ".join("+".join(codes) for codes in mention["codes"]) if mention["kind"] == "DX" else mention.get("ingredient") or mention.get("substance", "")
    return f"{mention['kind']} {mention['text']!r} {mention['assertion']} {what} {mention.get('attributes') or ''}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
