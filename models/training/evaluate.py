"""Score the exported model alone (no dictionary, no rules) on a gold file.

    python evaluate.py --set dev
    python evaluate.py --set held-out --reliability --bootstrap 1000
    python evaluate.py --set bc5cdr        # abstracts: another kind of text, which the notes head was not trained for

Precision, recall and F1 per kind, relaxed (overlap, one to one) and strict (same ends), by the
matching rules of the gold scorer; 95% intervals by bootstrap over notes with --bootstrap 1000.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

from data import CORPORA, Document, load_notes, measuring_guard, read_corpus, read_gold
from spans import KIND_TO_TYPE, Span, match_spans

MODES = ("relaxed", "strict")
# Kind of section by words of its heading, the first that fits; a heading is words before a colon, or capitals.
SECTIONS = (
    ("allergies", r"allerg|adverse react"),
    ("family history", r"family"),
    ("past history", r"past|pmh|medical history|surgical history|problem"),
    ("medications", r"medication|meds"),
    ("diagnoses and plan", r"diagnos|impression|assessment|plan|recommend|conclusion|a/p"),
    ("present illness", r"present|hpi|history|subjective|complaint|reason|interval"),
    ("findings", r"exam|review of systems|ros|physical|objective|laborator|labs|imaging|radiolog|findings|studies|data"),
    ("course and procedure", r"course|procedure|operat|technique|anesthesia|disposition|discharge"),
)
HEADING = re.compile(r"(?:^|\n|[.]\s+)([A-Z][A-Za-z/&,' -]{1,50}):|(?:^|\n)([A-Z][A-Z/&,' -]{3,50})(?=\n)")
DEFAULT_SHARED = Path(__file__).resolve().parents[3] / "shared"


def predict_documents(forward, tokenizer, documents: list[Document], temperature: float = 1.0) -> list[list[Span]]:
    """Mentions found in each document."""
    from model import predict_spans

    return [predict_spans(forward, tokenizer, document.text, temperature) for document in documents]


def count_document(document: Document, found: list[Span]) -> dict[str, tuple[int, int, int]]:
    """(right, predicted, gold) per kind and mode."""
    counts = {}
    for kind, entity_type in KIND_TO_TYPE.items():
        gold = [span for span in document.spans if span.type == entity_type]
        own = [span for span in found if span.type == entity_type]
        for mode in MODES:
            counts[f"{kind}.{mode}"] = (len(match_spans(gold, own, mode == "strict")), len(own), len(gold))
    return counts


def ratios(counts: list[tuple[int, int, int]]) -> dict[str, float]:
    """Precision, recall and F1 of summed counts."""
    right, predicted, gold = (sum(column) for column in zip(*counts))
    return {
        "precision": right / predicted if predicted else 0.0,
        "recall": right / gold if gold else 0.0,
        "f1": 2 * right / (predicted + gold) if predicted + gold else 0.0,
        "gold": gold,
    }


def score_documents(
    documents: list[Document], predictions: list[list[Span]], bootstrap: int = 0, seed: int = 7
) -> dict[str, dict]:
    """Scores per kind and mode; with `bootstrap` a 95% interval of F1 over resampled notes."""
    counted = [count_document(document, found) for document, found in zip(documents, predictions)]
    scores: dict[str, dict] = {}
    for key in counted[0]:
        scores[key] = ratios([counts[key] for counts in counted])
        if bootstrap:
            scores[key]["interval"] = f1_interval([counts[key] for counts in counted], bootstrap, seed)
    return scores


def sections_of(text: str) -> list[tuple[int, str]]:
    """(start, kind of section) of the stretches of a note; headings of no known kind do not end a section."""
    found = [(0, "elsewhere")]
    for heading in HEADING.finditer(text):
        name = (heading[1] or heading[2]).lower()
        kind = next((kind for kind, words in SECTIONS if re.search(words, name)), None)
        if kind:
            found.append((heading.start(), kind))
    return found


def f1_interval(counts: list[tuple[int, int, int]], bootstrap: int, seed: int = 7) -> list[float]:
    """95% interval of F1 over resampled notes."""
    generator = random.Random(seed)
    values = sorted(ratios(generator.choices(counts, k=len(counts)))["f1"] for _ in range(bootstrap))
    return [values[int(0.025 * bootstrap)], values[int(0.975 * bootstrap) - 1]]


def score_sections(documents: list[Document], predictions: list[list[Span]], bootstrap: int = 0) -> list[str]:
    """A line per kind of section and type with ten or more annotated mentions: relaxed and strict F1."""
    kinds = ["elsewhere", *(kind for kind, _ in SECTIONS)]
    counts: dict[tuple[str, str], list[list[tuple[int, int, int]]]] = {}
    for document, found in zip(documents, predictions):
        sections = sections_of(document.text)

        def inside(spans, name: str) -> list[Span]:
            return [span for span in spans if [kind for start, kind in sections if start <= span.start][-1] == name]

        for kind in kinds:
            part = Document(document.id, document.text, tuple(inside(document.spans, kind)))
            for key, value in count_document(part, inside(found, kind)).items():
                counts.setdefault((kind, key.split(".")[0]), [[], []])[MODES.index(key.split(".")[1])].append(value)
    lines = []
    for (kind, name), (relaxed, strict) in counts.items():
        gold = ratios(relaxed)["gold"]
        if gold >= 10:
            parts = []
            for mode, values in zip(MODES, (relaxed, strict)):
                interval = " [{:.2f}, {:.2f}]".format(*f1_interval(values, bootstrap)) if bootstrap else ""
                parts.append(f"{mode} {ratios(values)['f1']:.3f}{interval}")
            lines.append(f"{kind:22s} {name:4s} gold {gold:4d}  {'  '.join(parts)}")
    return lines


def score_contexts(forward, tokenizer, documents: list[Document]) -> dict[str, float]:
    """Accuracy of assertion and status at the annotated mentions: the mean of the logits over a mention's wordpieces."""
    from model import note_logits
    from spans import ASSERTIONS, CONTEXT_LABELS, NOTE_LABELS

    right: dict[str, list[bool]] = {entity_type: [] for entity_type in CONTEXT_LABELS}
    for document in documents:
        offsets, _, logits = note_logits(forward, tokenizer, document.text)
        for span in document.spans:
            labels = CONTEXT_LABELS.get(span.type, [])
            rows = [row for row, (start, end) in enumerate(offsets) if start < span.end and span.start < end]
            if span.context not in labels or not rows:
                continue
            first = len(NOTE_LABELS) + (len(ASSERTIONS) if span.type == "MEDICATION" else 0)
            mean = logits[rows, first : first + len(labels)].mean(0)
            right[span.type].append(labels[int(mean.argmax())] == span.context)
    return {name: round(sum(values) / len(values), 4) for name, values in right.items() if values}


def format_scores(scores: dict[str, dict]) -> str:
    """A line per kind and mode."""
    lines = []
    for key, value in scores.items():
        interval = "  [{:.3f}, {:.3f}]".format(*value["interval"]) if "interval" in value else ""
        lines.append(
            f"{key:12s} precision {value['precision']:.4f}  recall {value['recall']:.4f}  "
            f"F1 {value['f1']:.4f}{interval}  gold {value['gold']}"
        )
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    from calibrate import expected_calibration_error, mention_outcomes
    from export import load_exported

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="folder with corpora/ and gold/")
    sets = ("dev", "sections_dev", "held-out", *(corpus.name for corpus in CORPORA if corpus.measuring_splits or corpus.hold_out_tenth))
    parser.add_argument("--set", choices=sets, default="held-out", help="a corpus stands for its measuring part")
    parser.add_argument("--model", type=Path, default=Path(__file__).resolve().parent.parent / "clinical-ner")
    parser.add_argument("--bootstrap", type=int, default=0, help="resamples for 95%% intervals")
    parser.add_argument("--reliability", action="store_true", help="table of probability against correctness")
    parser.add_argument("--sections", action="store_true", help="scores by kind of section too")
    arguments = parser.parse_args()

    forward, tokenizer = load_exported(arguments.model)
    temperature = json.loads((arguments.model / "calibration.json").read_text(encoding="utf-8"))["temperature"]
    corpus = next((corpus for corpus in CORPORA if corpus.name == arguments.set), None)
    if arguments.set == "held-out":
        documents = load_notes(arguments.shared, measuring_guard(arguments.shared))[1]
    elif corpus is not None:
        documents = read_corpus(corpus, arguments.shared, measuring=True)
    else:
        documents = read_gold(arguments.shared / "gold" / f"{arguments.set}.jsonl")

    predictions = predict_documents(forward, tokenizer, documents, temperature)
    print(f"{len(documents)} notes")
    print(format_scores(score_documents(documents, predictions, arguments.bootstrap)))
    print("accuracy of what is said:", json.dumps(score_contexts(forward, tokenizer, documents)))
    if arguments.sections:
        print("\n".join(score_sections(documents, predictions, arguments.bootstrap)))
    if arguments.reliability:
        outcomes = mention_outcomes(forward, tokenizer, documents, temperature)
        for low in range(10):
            group = [item for item in outcomes if min(9, int(item[0] * 10)) == low]
            if group:
                mean = sum(probability for probability, _ in group) / len(group)
                right = sum(correct for _, correct in group) / len(group)
                print(f"{low / 10:.1f}-{(low + 1) / 10:.1f}  mentions {len(group):4d}  mean {mean:.3f}  correct {right:.3f}")
        plain = mention_outcomes(forward, tokenizer, documents, 1.0)
        print(f"calibration error {expected_calibration_error(outcomes):.4f} (temperature 1: {expected_calibration_error(plain):.4f})")


if __name__ == "__main__":
    main()
