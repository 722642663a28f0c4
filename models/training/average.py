"""Mean of the weights of finished runs that began from the same encoder, scored and calibrated anew.

    python average.py --output-work MERGED RUN_A RUN_B

Writes MERGED/final.pt and MERGED/report.json, for export.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from calibrate import fit_temperature
from data import NOTES_HEAD, load_notes, measuring_guard
from evaluate import format_scores, predict_documents, score_contexts, score_documents
from model import CONTEXT_HEADS, Tagger, base_folder, base_tokenizer, tagger_forward
from spans import NOTE_LABELS
from train import CALIBRATION_SOURCE, DEFAULT_SHARED


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="--work folders of finished runs")
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--output-work", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="so many held-out notes only, to try the command")
    arguments = parser.parse_args()

    states = [torch.load(run / "final.pt", map_location="cpu", weights_only=True)["model"] for run in arguments.runs]
    mean = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    tagger = Tagger({NOTES_HEAD: len(NOTE_LABELS), **CONTEXT_HEADS}, pretrained=False).eval()
    tagger.load_token_classification_state(mean)

    tokenizer = base_tokenizer()
    forward = tagger_forward(tagger, torch.device("cpu"))
    held_out = load_notes(arguments.shared, measuring_guard(arguments.shared))[1][: arguments.limit or None]
    scores = score_documents(held_out, predict_documents(forward, tokenizer, held_out))
    temperature, mentions = fit_temperature(forward, tokenizer, held_out)
    calibration = {"temperature": round(temperature, 4), "fitted_on": CALIBRATION_SOURCE, "n": mentions}
    contexts = score_contexts(forward, tokenizer, held_out)
    print(format_scores(scores))
    print(json.dumps(contexts))
    print(json.dumps(calibration))
    arguments.output_work.mkdir(parents=True, exist_ok=True)
    saved = {"model": mean, "calibration": calibration, "encoder": str(base_folder())}
    torch.save(saved, arguments.output_work / "final.pt")
    report = {"runs": [run.name for run in arguments.runs], "held_out": scores, "held_out_contexts": contexts, "calibration": calibration}
    (arguments.output_work / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
