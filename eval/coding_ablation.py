#!/usr/bin/env python3
"""What each source of candidate codes adds: the set coded with all of them, and without each in turn.

usage: eval/coding_ablation.py [--program target/release/abstractor] [--gold ../shared/gold] [--set dev.jsonl] [--cache DIR]

Runs `abstractor extract --without SOURCE` over the set and scores it with the gold folder's `score.py`. `--cache` names the folder of the vectors
of terms (`abstractor vocabulary vectors --cache DIR` makes them); without them codes by meaning take no part anywhere. Standard library only.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("terms", "parts", "shared-words", "index", "meaning", "fuller-mentions", "side", "conventions")
MEASURES = (("code@1", "DX.code@1", "acc"), ("best code@1", "DX.code@1.best", "acc"), ("code@5", "DX.code@5", "acc"),
            ("category@1", "DX.category@1", "acc"), ("coded", "DX.coded", "acc"), ("document F1", "doc.code.f1", "f1"))


def scores(options, scorer, without):
    """The measures of one run."""
    command = [options.program, "extract", "--format", "ndjson"]
    command += ["--cache", options.cache] if options.cache else []
    command += ["--without", without] if without else []
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as out:
        subprocess.run([*command, options.gold / options.set], stdout=out, check=True)
        result = scorer.score(scorer.load_gold(options.gold / options.set), scorer.load_pred(out.name))
    return [result[name][field] for _, name, field in MEASURES]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/abstractor")
    parser.add_argument("--gold", type=Path, default=ROOT / "../shared/gold")
    parser.add_argument("--set", default="dev.jsonl")
    parser.add_argument("--cache")
    options = parser.parse_args()
    specification = importlib.util.spec_from_file_location("score", options.gold / "score.py")
    scorer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(scorer)
    print("| candidates | " + " | ".join(title for title, *_ in MEASURES) + " |")
    print("|---" * (len(MEASURES) + 1) + "|")
    for without in (None, *SOURCES):
        row = " | ".join(f"{value:.3f}" for value in scores(options, scorer, without))
        print(f"| {'all' if without is None else 'without ' + without} | {row} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
