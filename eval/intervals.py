#!/usr/bin/env python3
"""Scores of an extraction with 95 % intervals: the scorer of the gold folder over notes drawn again with replacement.

usage: eval/intervals.py GOLD.jsonl PREDICTIONS.ndjson [GOLD PREDICTIONS ...] [--score ../shared/gold/score.py] [--draws 1000] [--seed 20261129]

Several pairs are scored as one set. A note is drawn as a whole, because mentions of one note are alike. Standard library only.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load(path: Path):
    """The scorer as a module; its vocabularies are read once, not once a draw."""
    specification = importlib.util.spec_from_file_location("score", path)
    scorer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(scorer)
    for name in ("rxcui", "code_names"):
        setattr(scorer, name, functools.cache(getattr(scorer, name)))
    return scorer


def figure(measure: dict) -> float | None:
    """F1 where there is one, else accuracy."""
    return measure.get("f1", measure.get("acc"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--score", type=Path, default=ROOT / "../shared/gold/score.py")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261129)
    options = parser.parse_args()
    if len(options.files) % 2:
        sys.exit("give a predictions file for every gold file")
    scorer = load(options.score)
    gold, predicted = [], {}
    for notes, extractions in zip(options.files[::2], options.files[1::2]):
        gold += scorer.load_gold(notes)
        predicted.update(scorer.load_pred(extractions))
    reached = scorer.score(gold, predicted)
    chance = random.Random(options.seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(options.draws):
        for name, measure in scorer.score(chance.choices(gold, k=len(gold)), predicted).items():
            if figure(measure) is not None:
                drawn.setdefault(name, []).append(figure(measure))
    for name, measure in reached.items():
        values = sorted(drawn.get(name, []))
        if values and figure(measure) is not None:
            low, high = values[int(0.025 * len(values))], values[int(0.975 * len(values))]
            print(f"{name:24s} {figure(measure):.3f}  [{low:.3f}, {high:.3f}]  n={measure.get('n', '')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
