#!/usr/bin/env python3
"""What a coder is shown at once: how many entries a note, and how many of them are right, for thresholds of the confidence.

usage: eval/shown.py GOLD.jsonl PREDICTIONS.ndjson [GOLD PREDICTIONS ...] [--score ../shared/gold/score.py]

The workbench folds away what is below the site's threshold (`shown_from`). An entry counts when it is charted (affirmed, or a medication that
is neither hypothetical nor absent). It is right when one of its mentions meets an annotated one of its kind: for a diagnosis an affirmed one
whose accepted codes hold the entry's first code. Diagnoses go by the confidence of their code, medications by that of their mentions, allergies
are always shown. Standard library only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AFFIRMED = ("present", "historical", "possible")
KINDS = {"diagnosis": "DX", "medication": "RX", "allergy": "AL", "no_known_allergies": "NKA"}
THRESHOLDS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


def load(path: Path):
    """The scorer as a module."""
    specification = importlib.util.spec_from_file_location("score", path)
    scorer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(scorer)
    return scorer


def is_charted(entry: dict) -> bool:
    if entry["kind"] == "medication":
        return entry["status"] not in ("hypothetical", "absent")
    return entry["assertion"] is None or entry["assertion"] in AFFIRMED


def confidence(entry: dict) -> float:
    """What the threshold is held against; allergies are above every one."""
    if entry["kind"] == "diagnosis":
        return entry["confidence"] or 0.0
    if entry["kind"] == "medication":
        return max((evidence["confidence"] for evidence in entry["evidence"]), default=0.0)
    return 1.0


def is_right(entry: dict, annotations: list[dict]) -> bool:
    kind = KINDS[entry["kind"]]
    for evidence in entry["evidence"]:
        for one in annotations:
            if one["kind"] != kind or min(one["end"], evidence["end"]) <= max(one["start"], evidence["start"]):
                continue
            if kind != "DX":
                return True
            accepted = {code for alternative in one["codes"] for code in alternative}
            first = next((code["code"] for code in entry["codes"] if "icd-10" in code["system"]), None)
            if one["assertion"] in AFFIRMED and first in accepted:
                return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--score", type=Path, default=ROOT / "../shared/gold/score.py")
    options = parser.parse_args()
    if len(options.files) % 2:
        sys.exit("give a predictions file for every gold file")
    scorer = load(options.score)
    notes: list[list[tuple[float, str, bool]]] = []
    for gold, predictions in zip(options.files[::2], options.files[1::2]):
        annotated = {note["id"]: note["annotations"] for note in scorer.load_gold(gold)}
        for line in Path(predictions).read_text(encoding="utf-8").splitlines():
            extraction = json.loads(line)
            entries = [entry for entry in extraction["entries"] if is_charted(entry)]
            of_note = annotated[extraction["note_id"]]
            notes.append([(confidence(entry), entry["kind"], is_right(entry, of_note)) for entry in entries])
    print(f"{len(notes)} notes")
    print("| from | median shown | most | precision | of diagnoses | right ones kept |")
    print("|---|---|---|---|---|---|")
    right_in_all = sum(right for note in notes for _, _, right in note)
    for threshold in THRESHOLDS:
        shown = [[one for one in note if one[0] >= threshold] for note in notes]
        counts = [len(note) for note in shown]
        flat = [one for note in shown for one in note]
        diagnoses = [one for one in flat if one[1] == "diagnosis"]
        share = lambda some: sum(right for _, _, right in some) / max(1, len(some))
        kept = sum(right for _, _, right in flat) / max(1, right_in_all)
        print(f"| {threshold:.1f} | {statistics.median(counts):g} | {max(counts)} | {share(flat):.3f} | {share(diagnoses):.3f} | {kept:.3f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
