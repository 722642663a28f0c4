#!/usr/bin/env python3
"""Fit the probability that a candidate code is acceptable, and write it to `vocabularies/code_ranking.tsv`.

usage: ranking.py GOLD_TRAIN.jsonl WITH_VECTORS.ndjson WITHOUT_VECTORS.ndjson [--score ../shared/gold/score.py]

GOLD_TRAIN.jsonl    annotated notes
*.ndjson            what `abstractor extract --format ndjson --explain` makes of them, with vectors of terms and without: a model for each

One case is one candidate code of one affirmed diagnosis mention that is in the gold with codes; candidates of a family or personal history are
left out, since their disease was ranked. The model is a logistic regression with an L2 penalty chosen by five-fold cross-validation over
notes; cases of one mention together weigh one. Needs scikit-learn; not part of the tests.
"""

import argparse
import importlib.util
import json
import re
from pathlib import Path

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "vocabularies/code_ranking.tsv"
PENALTIES = (0.03, 0.1, 0.3, 1.0)


def feature_names():
    """The names in the order of the Rust source."""
    source = (ROOT / "src/coding/ranking.rs").read_text(encoding="utf-8")
    return re.findall(r'"(\w+)"', re.search(r"RANKING_FEATURES: \[&str; \d+\] = \[(.*?)\];", source, re.DOTALL).group(1))


def cases(scorer, gold_path, extractions, names):
    """Features, whether the code is acceptable, mention, and note, of every candidate."""
    found = {}
    for line in open(extractions, encoding="utf-8"):
        note = json.loads(line)
        found[note["note_id"]] = note
    rows, right, mentions, notes = [], [], [], []
    mention = 0
    for note in scorer.load_gold(gold_path):
        wanted = [one for one in note["annotations"] if one["kind"] == "DX"]
        shown = [
            (entry, evidence)
            for entry in found[note["id"]]["entries"]
            if entry["kind"] == "diagnosis"
            for evidence in entry["evidence"]
        ]
        places = [{"start": evidence["start"], "end": evidence["end"]} for _, evidence in shown]
        for index, place in scorer.match(wanted, places, False):
            entry, gold = shown[place][0], wanted[index]
            if gold["assertion"] not in scorer.AFFIRMED or not gold["codes"]:
                continue
            acceptable = {code for group in gold["codes"] for code in group}
            candidates = [code for code in entry["codes"] if "history of" not in code["why"]]
            mention += 1
            for code in candidates:
                rows.append([code.get("features", {}).get(name, 0.0) for name in names])
                right.append(code["code"] in acceptable)
                mentions.append(mention)
                notes.append(note["id"])
    return numpy.array(rows), numpy.array(right), numpy.array(mentions), notes


def first_right(scores, right, mentions):
    """Share of the mentions whose best candidate is acceptable, among those with candidates; and of the best five."""
    order = numpy.lexsort((-scores, mentions))
    one = five = count = 0
    seen = {}
    for at in order:
        place = seen.get(mentions[at], 0)
        seen[mentions[at]] = place + 1
        if place == 0:
            count += 1
            hit = False
        if right[at] and place == 0:
            one += 1
        if right[at] and place < 5 and not hit:
            five += 1
            hit = True
    return one / count, five / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold")
    parser.add_argument("with_vectors")
    parser.add_argument("without_vectors")
    parser.add_argument("--score", default=ROOT / "../shared/gold/score.py")
    options = parser.parse_args()
    specification = importlib.util.spec_from_file_location("score", options.score)
    scorer = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(scorer)
    names = feature_names()
    models = [fitted(cases(scorer, options.gold, path, names)) for path in (options.with_vectors, options.without_vectors)]
    lines = [
        "# Weights of the logistic models for the probability that a candidate code is acceptable: src/coding/ranking.rs.",
        "# Written by models/training/ranking.py; do not edit by hand.",
        "feature\twith_vectors\twithout_vectors",
    ]
    columns = [numpy.concatenate([model.intercept_, model.coef_[0]]) for model in models]
    lines += [f"{name}\t{one:.4f}\t{other:.4f}" for name, one, other in zip(["intercept", *names], *columns)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[3:]))


def fitted(part):
    """The model of one set of cases, its penalty chosen by cross-validation."""
    rows, right, mentions, notes = part
    weights = 10.0 / numpy.bincount(mentions)[mentions]
    best = (0, 0)
    for penalty in PENALTIES:
        scores = numpy.zeros(len(rows))
        for train, test in GroupKFold(5).split(rows, right, notes):
            model = LogisticRegression(C=penalty, max_iter=5000).fit(rows[train], right[train], sample_weight=weights[train])
            scores[test] = model.predict_proba(rows[test])[:, 1]
        one, five = first_right(scores, right, mentions)
        area = roc_auc_score(right, scores)
        print(f"C={penalty}: {len(rows)} candidates, first right {one:.4f}, among five {five:.4f}, AUROC {area:.4f}")
        best = max(best, (one + five, penalty))
    return LogisticRegression(C=best[1], max_iter=5000).fit(rows, right, sample_weight=weights)


if __name__ == "__main__":
    main()
