#!/usr/bin/env python3
"""What dictionary, model and both together find on an annotated set, and what of the terms that no vocabulary has.

usage: eval/ablation.py [--program target/release/abstractor] [--gold ../shared/gold] [--set dev.jsonl]

Runs `abstractor extract` three times over the set, scores each with the gold folder's `score.py`, and prints one table.
A diagnosis mention "stands in no vocabulary" when its normalised words are no term of `vocabularies/diagnosis_terms.tsv.gz`,
`everyday_diagnoses.tsv` or `abbreviations.tsv`. Standard library only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODES = ("dictionary", "model", "both")


def module(path: Path):
    """Loads a Python file as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def terms(normalise) -> set[str]:
    """Normalised surface forms of every diagnosis vocabulary."""
    out = set()
    for name, column in (("diagnosis_terms.tsv.gz", "term"), ("everyday_diagnoses.tsv", "term"), ("abbreviations.tsv", "abbreviation")):
        path = ROOT / "vocabularies" / name
        opened = gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)
            out.update(normalise(row[column]) for row in rows)
    return out


def unknown_recall(score, gold, predicted, known, normalise) -> tuple[int, int]:
    """(found, all) of the affirmed diagnosis mentions that stand in no vocabulary."""
    found = every = 0
    for note in gold:
        mentions = [a for a in note["annotations"] if a["kind"] == "DX" and a["assertion"] in score.AFFIRMED]
        hits = [p for p in predicted.get(note["id"], []) if p["kind"] == "DX"]
        matched = {i for i, _ in score.match(mentions, hits, False)}
        for index, mention in enumerate(mentions):
            if normalise(mention["text"]) not in known:
                every += 1
                found += index in matched
    return found, every


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/abstractor")
    parser.add_argument("--gold", type=Path, default=ROOT.parent / "shared/gold")
    parser.add_argument("--set", default="dev.jsonl")
    arguments = parser.parse_args()
    score = module(arguments.gold / "score.py")
    normalise = module(ROOT / "vocabularies/compile/normalise.py").key
    known = terms(normalise)
    gold = score.load_gold(arguments.gold / arguments.set)
    rows = {}
    for mode in MODES:
        with tempfile.NamedTemporaryFile("w+", suffix=".ndjson") as out:
            command = [arguments.program, "extract", "--format", "ndjson", "--recognizers", mode, arguments.gold / arguments.set]
            subprocess.run(command, stdout=out, check=True)
            predicted = score.load_pred(out.name)
        result = score.score(gold, predicted)
        found, every = unknown_recall(score, gold, predicted, known, normalise)
        rows[mode] = [result["DX.affirmed"]["f1"], result["DX.relaxed"]["f1"], result["DX.strict"]["f1"], found / every if every else 0.0,
                      result["RX.relaxed"]["f1"], result["RX.strict"]["f1"], result["AL.relaxed"]["f1"], result["NKA.relaxed"]["f1"]]
    names = ["diagnosis affirmed F1", "diagnosis relaxed F1", "diagnosis strict F1", f"recall of the {every} affirmed mentions in no vocabulary",
             "medication relaxed F1", "medication strict F1", "allergy relaxed F1", "no known allergies F1"]
    print(f"| {arguments.set} | " + " | ".join(MODES) + " |")
    print("|---|" + "---|" * len(MODES))
    for index, name in enumerate(names):
        print(f"| {name} | " + " | ".join(f"{rows[mode][index]:.3f}" for mode in MODES) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
