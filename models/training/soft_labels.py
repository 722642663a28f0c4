"""What a teacher says of plain notes, wordpiece by wordpiece, for a smaller model to learn from.

    python soft_labels.py --run run-t1 --output run-t1/soft.pt         # a finished run of train.py reads the notes
    python soft_labels.py --score run-t1/soft.pt run-t2/soft.pt        # how good teachers are together, on the held-out tenth

The file maps the identifiers of the notes of mtsamples_text, and those of the held-out tenth, to tables of half-precision
floats: a row per wordpiece; columns tags, assertions, statuses. Teachers and pupil must cut text into the same
wordpieces; MPNet and BERT (lower case) do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from data import NOTES_HEAD, load_notes, measuring_guard
from evaluate import format_scores, score_documents
from model import CONTEXT_HEADS, Tagger, base_tokenizer, note_logits, tagger_forward
from spans import NOTE_LABELS, decode_spans
from train import DEFAULT_SHARED, fast_bfloat16, load_soft, unlabelled_notes

SIZES = [len(NOTE_LABELS), *CONTEXT_HEADS.values()]


def load_teacher(run: Path, device: torch.device):
    """The forward function of a finished run, and its tokenizer."""
    saved = torch.load(run / "final.pt", map_location="cpu", weights_only=True)
    folder = Path(saved["encoder"])
    tagger = Tagger({NOTES_HEAD: len(NOTE_LABELS), **CONTEXT_HEADS}, pretrained=False, folder=folder)
    if tagger.encoder.config.model_type == "bert":
        tagger.load_token_classification_state(saved["model"])
    else:
        tagger.load_state_dict(saved["model"])
    forward = tagger_forward(tagger.to(device).eval(), device)

    def fast(*tensors: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bfloat16(device)):
            return forward(*tensors)

    return fast, base_tokenizer(folder)


def probabilities(forward, tokenizer, text: str) -> torch.Tensor:
    """The three softmaxes of each wordpiece side by side."""
    offsets, _, logits = note_logits(forward, tokenizer, text)
    if not offsets:
        return torch.zeros(0, sum(SIZES))
    return torch.cat([part.softmax(-1) for part in logits.split(SIZES, dim=-1)], dim=-1)


def score(files: list[Path], held_out: list) -> dict:
    """Scores of the teachers' mean on the held-out tenth."""
    tables = load_soft(files, "held_out")
    tokenizer, found = base_tokenizer(), []
    for document in held_out:
        encoding = tokenizer.encode(document.text, add_special_tokens=False)
        continuation = [token.startswith("##") for token in encoding.tokens]
        tags = tables[document.id][:, : len(NOTE_LABELS)].float().tolist()
        found.append(decode_spans(encoding.offsets, continuation, tags))
    return score_documents(held_out, found)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=None, help="--work folder of a finished run")
    parser.add_argument("--score", type=Path, nargs="+", default=None, help="files to score together")
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=0, help="so many notes only, to try the command")
    arguments = parser.parse_args()

    guard = measuring_guard(arguments.shared)
    held_out = load_notes(arguments.shared, guard)[1][: arguments.limit or None]
    if arguments.score:
        print(format_scores(score(arguments.score, held_out)))
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    forward, tokenizer = load_teacher(arguments.run, device)
    notes = unlabelled_notes(arguments.shared, guard, held_out)[: arguments.limit or None]
    parts = {
        name: {document.id: probabilities(forward, tokenizer, document.text).half() for document in documents}
        for name, documents in (("notes", notes), ("held_out", held_out))
    }
    torch.save(parts, arguments.output)


if __name__ == "__main__":
    main()
