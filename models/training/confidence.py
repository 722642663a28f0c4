#!/usr/bin/env python3
"""Fit the probability that an entry's first code is right, and write it to `vocabularies/code_confidence.tsv`.

usage: confidence.py GOLD_TRAIN.jsonl EXTRACTIONS.ndjson... [--check GOLD.jsonl EXTRACTIONS.ndjson] [--score ../shared/gold/score.py]

GOLD_TRAIN.jsonl    annotated notes
EXTRACTIONS.ndjson  what `abstractor extract --format ndjson` makes of them: with vectors of terms, and without
--check             notes that take no part in the fit: their calibration error and AUROC are printed

One case is one affirmed diagnosis mention that is shown; it is right when it is a mention of the gold and the code is acceptable for
it. The model is a logistic regression with an L2 penalty (C = 0.1, chosen by five-fold cross-validation over notes). The features are those of
`src/coding/confidence.rs`, computed from the same fields. Needs scikit-learn; not part of the tests.
"""

import argparse
import importlib.util
import json
import math
import re
from pathlib import Path

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "vocabularies/code_confidence.tsv"
PENALTY = 0.1


def feature_names():
    """The names in the order of the Rust source."""
    source = (ROOT / "src/coding/confidence.rs").read_text(encoding="utf-8")
    return re.findall(r'"(\w+)"', re.search(r"FEATURES: \[&str; \d+\] = \[(.*?)\];", source, re.DOTALL).group(1))


def features(entry):
    """The features of an entry with a code, in the same order; see `features` in `src/coding/confidence.rs`."""
    code = entry["codes"][0]
    confidence = max(one["confidence"] for one in entry["evidence"])
    words = max(len(one["text"].split()) for one in entry["evidence"])
    alternatives = len(entry["codes"]) - 1
    way = code["why"].rsplit("; ", 1)[-1]
    sources = [source for one in entry["evidence"] for source in one["sources"]]
    chapter, display = code["code"][0], code["display"].lower()
    asked = [prompt for prompt in entry["prompts"] if prompt["kind"] not in ("boilerplate_only", "directions_not_understood")]
    values = [
        math.log(max(confidence, 1e-3) / (1 - min(confidence, 0.999) + 1e-3)),
        math.log(max(code["score"], 1e-3) / (1 - min(code["score"], 0.99))),
        any(source.startswith("dictionary") for source in sources),
        "everyday" in way,
        "abbreviation" in way,
        "inclusion" in way,
        "more fully" in code["why"],
        "history of" in code["why"],
        words == 1,
        words >= 4,
        alternatives == 0,
        min(alternatives, 5),
        len(entry["evidence"]) > 1,
        chapter == "R",
        chapter in "ST",
        chapter == "Z",
        chapter in "CD",
        "unspecified" in display,
        "other " in display,
        bool(asked),
        any(source.startswith("model-assertion") for source in sources),
        entry["assertion"] == "possible",
        entry["assertion"] == "historical",
        "overlaps" in way,
        "shares words" in way,
        "part of the words" in way or "another order" in way or "without qualifiers" in way,
        way.startswith("index"),
        "of like meaning" in way,
        code["score"] - (entry["codes"][1]["score"] if alternatives else 0),
    ]
    return [float(value) for value in values]


def cases(scorer, gold_path, extractions):
    """Features, whether the code is right, and the note, of every shown diagnosis mention."""
    found = {}
    for line in open(extractions, encoding="utf-8"):
        note = json.loads(line)
        found[note["note_id"]] = note
    rows, right, notes = [], [], []
    for note in scorer.load_gold(gold_path):
        wanted = [one for one in note["annotations"] if one["kind"] == "DX" and one["assertion"] in scorer.AFFIRMED]
        shown = [
            (entry, evidence)
            for entry in found[note["id"]]["entries"]
            if entry["kind"] == "diagnosis" and entry["assertion"] in scorer.AFFIRMED
            for evidence in entry["evidence"]
        ]
        places = [{"start": evidence["start"], "end": evidence["end"]} for _, evidence in shown]
        matched = {place: wanted[index] for index, place in scorer.match(wanted, places, False)}
        for place, (entry, _) in enumerate(shown):
            if entry["codes"]:
                acceptable = {code for group in matched.get(place, {}).get("codes", ()) for code in group}
                rows.append(features(entry))
                right.append(entry["codes"][0]["code"] in acceptable)
                notes.append(note["id"])
    return numpy.array(rows), numpy.array(right), notes


def calibration_error(probabilities, right):
    """Mean difference of promised and reached share over ten bins, as the scorer has it."""
    bins = {}
    for probability, is_right in zip(probabilities, right):
        bins.setdefault(min(9, int(probability * 10)), []).append((probability, is_right))
    off = [abs(sum(p for p, _ in one) - sum(bool(r) for _, r in one)) for one in bins.values()]
    return sum(off) / len(right)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold")
    parser.add_argument("extractions", nargs="+")
    parser.add_argument("--check", nargs=2)
    parser.add_argument("--score", default=ROOT / "../shared/gold/score.py")
    options = parser.parse_args()
    specification = importlib.util.spec_from_file_location("score", options.score)
    scorer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(scorer)

    def told(name, probabilities, right):
        print(f"{name}: {len(right)} cases, right {right.mean():.3f}, "
              f"AUROC {roc_auc_score(right, probabilities):.3f}, calibration error {calibration_error(probabilities, right):.3f}")

    parts = [cases(scorer, options.gold, path) for path in options.extractions]
    rows, right = numpy.concatenate([part[0] for part in parts]), numpy.concatenate([part[1] for part in parts])
    notes = [note for part in parts for note in part[2]]
    model = LogisticRegression(C=PENALTY, max_iter=5000)
    told("cross-validated", cross_val_predict(model, rows, right, groups=notes, cv=GroupKFold(5), method="predict_proba")[:, 1], right)
    model.fit(rows, right)
    if options.check:
        rows, right, _ = cases(scorer, *options.check)
        told("check", model.predict_proba(rows)[:, 1], right)
    lines = [
        "# Weights of the logistic model for the probability that an entry's first code is right: src/coding/confidence.rs.",
        "# Written by models/training/confidence.py; do not edit by hand.",
        "feature\tweight",
        f"intercept\t{model.intercept_[0]:.4f}",
    ]
    names = feature_names()
    assert len(names) == len(model.coef_[0]), "the features of confidence.py and confidence.rs differ"
    lines += [f"{name}\t{weight:.4f}" for name, weight in zip(names, model.coef_[0])]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
