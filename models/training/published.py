"""The encoder on public corpora, for comparison with published figures: fine-tuned on each, scored on what it never saw.

    python published.py --encoder run/encoder --work run-published

BC5CDR and NCBI disease: trained on the split `train`, measured on the split `dev`. MACCROBAT: a tenth is held out. F1, relaxed
and strict. These weights are thrown away; the tagger that ships is another one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from data import CORPORA, HEAD_TYPES, Document, read_corpus
from evaluate import ratios
from model import Tagger, base_folder, base_tokenizer, note_logits
from spans import WINDOW_PIECES, bio_labels, decode_spans, match_spans
from train import DEFAULT_SHARED, StageSettings, encode_documents, train_stage


def score_types(documents: list[Document], found: list[list], types: tuple[str, ...]) -> dict[str, float]:
    """F1 of each type, relaxed and strict."""
    scores = {}
    for name in types:
        for mode in ("relaxed", "strict"):
            counts = []
            for document, spans in zip(documents, found):
                gold, own = ([span for span in group if span.type == name] for group in (document.spans, spans))
                counts.append((len(match_spans(gold, own, mode == "strict")), len(own), len(gold)))
            scores[f"{name} {mode}"] = round(ratios(counts)["f1"], 4)
    return scores


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--encoder", type=Path, default=None)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=0, help="so many documents only, to try the command")
    arguments = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = arguments.encoder or base_folder()
    tokenizer = base_tokenizer(folder)
    report = {}
    for corpus in CORPORA:
        if not corpus.measuring_splits and not corpus.hold_out_tenth:
            continue
        torch.manual_seed(arguments.seed)
        work = arguments.work / corpus.name
        work.mkdir(parents=True, exist_ok=True)
        tagger = Tagger({corpus.head: 1 + 2 * len(HEAD_TYPES[corpus.head])}, folder=folder).to(device)
        limit = arguments.limit or None
        examples = encode_documents(read_corpus(corpus, arguments.shared)[:limit], tokenizer)
        settings = StageSettings(corpus.name, arguments.epochs, 2e-4, 2e-3, 2912, WINDOW_PIECES - 30, 0.0, 0.99)
        train_stage(tagger, lambda epoch: examples, settings, tokenizer, work, arguments.seed, device)
        measuring = read_corpus(corpus, arguments.shared, measuring=True)[:limit]
        labels, found = bio_labels(HEAD_TYPES[corpus.head]), []
        for document in measuring:
            forward = lambda *tensors: tagger(corpus.head, *(tensor.to(device) for tensor in tensors))
            offsets, continuation, logits = note_logits(forward, tokenizer, document.text)
            found.append(decode_spans(offsets, continuation, logits.softmax(-1).tolist(), labels))
        report[corpus.name] = score_types(measuring, found, corpus.labelled)
        print(corpus.name, json.dumps(report[corpus.name]), flush=True)
    (arguments.work / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
