"""Prints the held-out tenth of the training notes as JSON lines, for what measures whole notes (dictionary, rules and model).

    python3 held_out.py > held-out.jsonl

Standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from data import load_notes, measuring_guard, read_json_lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    arguments = parser.parse_args()
    kept = {document.id for document in load_notes(arguments.shared, measuring_guard(arguments.shared))[1]}
    for record in read_json_lines(arguments.shared / "gold" / "train.jsonl"):
        if record["id"] in kept:
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
