"""The encoder on public corpora, for comparison with published figures: fine-tuned on them, scored on what it never saw.

    python published.py --joint --epochs 8 --stop-after 4 --work run-joint   # the third attempt, the figures of the model card
    python published.py --joint --held-out --epochs 3 --work run-choice      # measured on a tenth of `train`: to choose by
    python published.py --encoder run/encoder --work run-published           # the second attempt: each corpus alone

BC5CDR and NCBI disease: trained on the split `train`, measured on the split `dev`. MACCROBAT (not with --joint): a tenth is held
out. F1, relaxed and strict. With --joint the weights stay in joint.pt after each epoch; the same command again only measures them. These weights are thrown away; the tagger that ships is another one.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from abbreviations import agree_with_long_forms
from data import CORPORA, HEAD_TYPES, NOTES_HEAD, Document, OverlapGuard, is_held_out, read_corpus
from dictionary import Dictionary, read_names
from evaluate import ratios
from joint import JointSettings, JointTagger, read_spans, train_joint, word_scores, word_texts
from model import CONTEXT_HEADS, Tagger, base_folder, base_tokenizer, note_logits
from spans import NOTE_LABELS, WINDOW_PIECES, bio_labels, decode_spans, match_spans
from train import DEFAULT_SHARED, StageSettings, encode_documents, train_stage

SHIPPED = Path(__file__).resolve().parents[1] / "clinical-ner"
JOINT_CORPORA = ("bc5cdr", "ncbi_disease")


def score_types(documents: list[Document], found: list[list], types: tuple[str, ...]) -> dict[str, float]:
    """F1 of each type and of all together, relaxed and strict."""
    scores = {}
    groups = {name: (name,) for name in types} | ({"all": types} if len(types) > 1 else {})
    for group, names in groups.items():
        for mode in ("relaxed", "strict"):
            counts = []
            for document, spans in zip(documents, found):
                for name in names:
                    gold, own = ([span for span in side if span.type == name] for side in (document.spans, spans))
                    counts.append((len(match_spans(gold, own, mode == "strict")), len(own), len(gold)))
            scores[f"{group} {mode}"] = round(ratios(counts)["f1"], 4)
    return scores


def fine_tune_each(arguments: argparse.Namespace) -> dict[str, dict]:
    """Every corpus alone, from the same encoder."""
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
    return report


def joint_documents(shared: Path, held_out: bool) -> tuple[list[Document], list[Document]]:
    """(to train on, to measure on), each with its corpus as its head.

    With `held_out` a tenth of `train` is measured on and `dev` is not read but to refuse what shares 60 characters with it.
    """
    corpora = [corpus for corpus in CORPORA if corpus.name in JOINT_CORPORA]
    guard = OverlapGuard(document.text for corpus in corpora for document in read_corpus(corpus, shared, measuring=True))
    training, measuring = [], []
    for corpus in corpora:
        admitted, refused = guard.admit(read_corpus(corpus, shared))
        own = [replace(document, head=corpus.name, unlabelled=()) for document in admitted]
        if held_out:
            measuring += [document for document in own if is_held_out(document.id)]
            own = [document for document in own if not is_held_out(document.id)]
        else:
            measuring += [replace(document, head=corpus.name) for document in read_corpus(corpus, shared, measuring=True)]
        training += own
        print(f"{corpus.name}: {len(own)} to train on, {len(refused)} refused", flush=True)
    return training, measuring


def fine_tune_joint(arguments: argparse.Namespace) -> dict[str, dict]:
    """One tagger for BC5CDR and NCBI disease, from the shipped weights, with names of the vocabularies (`joint.py`)."""
    torch.manual_seed(arguments.seed)
    tokenizer = base_tokenizer()
    types = {corpus.name: corpus.labelled for corpus in CORPORA if corpus.name in JOINT_CORPORA}
    training, measuring = joint_documents(arguments.shared, arguments.held_out)
    limit = arguments.limit or len(training)
    settings = JointSettings(arguments.epochs, arguments.seed, arguments.stop_after, with_dictionary=not arguments.no_dictionary)
    dictionary = Dictionary(read_names(arguments.shared)) if settings.with_dictionary else None
    initial = Tagger({NOTES_HEAD: len(NOTE_LABELS), **CONTEXT_HEADS})
    state = load_file(str(arguments.initial / "model.safetensors"))
    initial.load_token_classification_state({name: value.float() for name, value in state.items()})
    tagger = JointTagger(types, initial, settings.dropout)
    texts = word_texts(training[:limit], types, tokenizer, dictionary)
    arguments.work.mkdir(parents=True, exist_ok=True)
    kept = arguments.work / "joint.pt"
    if kept.exists():
        saved = torch.load(kept, map_location="cpu", weights_only=True)
        tagger.load_state_dict(saved["model"])
        seconds = saved["seconds"]
        print(f"measured as it is after epoch {saved['epochs']}", flush=True)
    else:
        seconds = train_joint(tagger, texts, settings, tokenizer, kept)
    tagger.eval()
    report: dict[str, dict] = {"settings": vars(settings) | {"seconds": round(seconds)}}
    for corpus in types:
        own = [document for document in measuring if document.head == corpus][:limit]
        texts = word_texts(own, types, tokenizer, dictionary)
        found = [read_spans(tagger, text, word_scores(tagger, text, tokenizer)) for text in texts]
        report[f"{corpus}, as tagged"] = score_types(own, found, types[corpus])
        found = [agree_with_long_forms(document.text, spans) for document, spans in zip(own, found)]
        report[corpus] = score_types(own, found, types[corpus])
        print(corpus, json.dumps(report[corpus]), flush=True)
    return report


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=0, help="so many documents only, to try the command")
    parser.add_argument("--encoder", type=Path, default=None, help="encoder for each corpus alone, instead of the base encoder")
    parser.add_argument("--joint", action="store_true", help="BC5CDR and NCBI disease together, with names of the vocabularies")
    parser.add_argument("--initial", type=Path, default=SHIPPED, help="with --joint: exported model to start from")
    parser.add_argument("--held-out", action="store_true", help="with --joint: keep a tenth of `train` out and measure on it")
    parser.add_argument("--no-dictionary", action="store_true", help="with --joint: the words alone")
    parser.add_argument("--stop-after", type=int, default=0, help="with --joint: end after so many epochs of the schedule")
    arguments = parser.parse_args()
    report = (fine_tune_joint if arguments.joint else fine_tune_each)(arguments)
    arguments.work.mkdir(parents=True, exist_ok=True)
    (arguments.work / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
