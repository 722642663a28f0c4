#!/usr/bin/env python3
"""Fit the probability that a reaction belongs to a substance, and write the weights to `vocabularies/allergy_links.tsv`.

usage: allergy_links.py PAIRS.txt [--check]

PAIRS.txt  what `cargo test --lib allergy::training -- --ignored --nocapture` prints: one line a pair
--check    only the cross-validation: each fixture is scored with weights fitted on the others, nothing is written

A logistic regression over binary features, fitted by adaptive gradient steps with an L2 penalty; the weights of the later half of the steps are
averaged. A feature must hold in two statements or notes. Pairs of annotated notes weigh a half, since most of their reactions are told of no
allergy. The intercepts are raised at the end: a missed reaction costs more than one to strike out. Standard library only.
"""

import argparse
import collections
import math
import random
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "vocabularies/allergy_links.tsv"
PENALTY, STEP, EPOCHS, NOTE_WEIGHT, LEAST = 0.003, 0.3, 40, 0.5, 2
RAISED = 0.5
HEAD = """\
# Weights of the probability that a reaction belongs to a substance: a logistic model over what stands between the two and around them, fitted by
# models/training/allergy_links.py. feature: a: the reaction stands after the substance, b: before it, u: only of a substance that nothing else
# calls an allergen.
feature\tweight
"""


def read(path):
    """(group, linked, features) of every pair."""
    pairs = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        at = line.find("PAIR\t")
        if at >= 0:
            _, group, linked, _, _, *features = line[at:].rstrip("\n").split("\t")
            pairs.append((group, int(linked), features))
    return pairs


def is_ours(group):
    return group.startswith("allergy_links")


def cases(pairs):
    """Weight, label and the features that hold often enough."""
    groups = collections.defaultdict(set)
    for group, _, features in pairs:
        for feature in features:
            groups[feature].add(group)
    often = {feature for feature, seen in groups.items() if len(seen) >= LEAST}
    return [(1.0 if is_ours(group) else NOTE_WEIGHT, linked, [one for one in features if one in often]) for group, linked, features in pairs]


def fit(pairs, epochs=EPOCHS, seed=1):
    """Weights of the features."""
    chance, rows = random.Random(seed), cases(pairs)
    weights, squares, mean = collections.defaultdict(float), collections.defaultdict(lambda: 1e-6), collections.defaultdict(float)
    for epoch in range(epochs):
        if epoch >= epochs // 2:
            for feature, weight in weights.items():
                mean[feature] += weight / (epochs - epochs // 2)
        chance.shuffle(rows)
        for share, linked, features in rows:
            total = sum(weights[feature] for feature in features)
            error = (1 / (1 + math.exp(-max(-30.0, min(30.0, total)))) - linked) * share
            for feature in features:
                slope = error + PENALTY * weights[feature]
                squares[feature] += slope * slope
                weights[feature] -= STEP * slope / math.sqrt(squares[feature])
    for side in "ab":
        for name in ("governed", "ungoverned"):
            mean[f"{side}:{name}"] += RAISED
    return mean


def score(weights, pairs):
    """F1, precision and recall of the pairs."""
    right = found = 0
    for _, linked, features in pairs:
        told = sum(weights.get(feature, 0.0) for feature in features) > 0
        found += told
        right += told and linked
    wanted = sum(linked for _, linked, _ in pairs)
    return 2 * right / max(1, found + wanted), right / max(1, found), right / max(1, wanted)


def write(weights, path=TABLE):
    rows = sorted((feature, weight) for feature, weight in weights.items() if abs(weight) >= 0.05)
    path.write_text(HEAD + "".join(f"{feature}\t{weight:.2f}\n" for feature, weight in rows), encoding="utf-8")
    return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    pairs = read(arguments.pairs)
    print(f"{len(pairs)} pairs, {sum(linked for _, linked, _ in pairs)} links")
    if arguments.check:
        for name in sorted({group.split(":")[0] for group, *_ in pairs if is_ours(group)}):
            held = [pair for pair in pairs if pair[0].split(":")[0] == name]
            weights = fit([pair for pair in pairs if pair[0].split(":")[0] != name])
            print(f"{name}, fitted on the others: F1 %.3f, precision %.3f, recall %.3f" % score(weights, held))
        return
    print(f"{write(fit(pairs))} weights")


if __name__ == "__main__":
    main()
