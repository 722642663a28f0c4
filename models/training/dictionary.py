"""Names of diseases and substances, found in a text by longest match; what the joint tagger of published figures reads beside the words.

Standard library only. The names come from `vocabularies/` of this repository and from the open vocabularies of the data folder:
ICD-10-CM, Disease Ontology, Mondo, SNOMED free sets; RxNorm, DrugBank. Nothing of a corpus is in them.
"""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path
from typing import Iterable, Iterator, Sequence

VOCABULARIES = Path(__file__).resolve().parents[2] / "vocabularies"
WORD = re.compile(r"[A-Za-z]+|[0-9]+")
# Between two words of a name none of these may stand.
BREAK = re.compile(r"[.;:()\n]")
LONGEST_NAME = 10
SHORTEST_NAME = 3
# Kinds of names, in the order of the marks.
KINDS = ("disease", "substance")
# A piece outside a name, at its start, inside: 0, 1, 2, for each kind.
MARKS = 9

SPELLINGS = (("aemia", "emia"), ("oedema", "edema"), ("tumour", "tumor"), ("haem", "hem"))
SNOMED_KINDS = {
    "disorder": "disease", "finding": "disease", "morphologic abnormality": "disease",
    "substance": "substance", "product": "substance", "medicinal product": "substance",
}


def fold_word(word: str) -> str:
    """Lower case, simple plurals and British spelling folded."""
    word = word.lower()
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us")):
        word = word[:-1]
    for british, american in SPELLINGS:
        word = word.replace(british, american)
    return word


def fold_name(name: str) -> tuple[str, ...]:
    """The folded words of a name."""
    return tuple(fold_word(match[0]) for match in WORD.finditer(name))


def read_table(path: Path) -> Iterator[list[str]]:
    """Rows of a tab-separated table, plain or gzip, without comments and the row of headings."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = (line.rstrip("\n").split("\t") for line in lines if not line.startswith("#"))
        next(rows, None)
        yield from rows


def read_names(shared: Path) -> dict[str, list[str]]:
    """Names of each kind in the vocabularies of the repository and of the data folder."""
    open_sets = shared / "vocabularies"
    first_columns = {
        "disease": [
            VOCABULARIES / "diagnosis_terms.tsv.gz", VOCABULARIES / "everyday_diagnoses.tsv",
            open_sets / "doid" / "doid_icd10cm_terms.tsv.gz",
        ],
        "substance": [
            VOCABULARIES / "medications.tsv.gz", VOCABULARIES / "everyday_medications.tsv", VOCABULARIES / "drug_classes.tsv",
            open_sets / "orange-book" / "legacy_brands.tsv",
        ],
    }
    names = {kind: [row[0] for path in paths for row in read_table(path)] for kind, paths in first_columns.items()}
    labels = [*(open_sets / "mondo").glob("*.tsv.gz"), open_sets / "snomed-ips" / "Problems.tsv.gz"]
    names["disease"] += [row[1] for path in sorted(labels) for row in read_table(path) if len(row) > 1]
    for row in read_table(open_sets / "snomed-gps" / "gps_2020.tsv.gz"):
        tagged = re.match(r"(?:Product containing (?:only )?)?(.*) \(([a-z ]+)\)$", row[-1])
        if tagged and tagged[2] in SNOMED_KINDS:
            names[SNOMED_KINDS[tagged[2]]].append(tagged[1])
    with gzip.open(open_sets / "drugbank" / "drugbank_vocabulary.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            names["substance"] += [row["Common name"], *(row["Synonyms"] or "").split(" | ")]
    return names


class NameFinder:
    """Longest match of folded names of one kind."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: set[tuple[str, ...]] = set()
        for name in names:
            folded = fold_name(name)
            if len(folded) <= LONGEST_NAME and max(map(len, folded), default=0) >= SHORTEST_NAME:
                self.names.add(folded)
        self.beginnings = {name[:count] for name in self.names for count in range(1, len(name))}

    def find(self, text: str) -> list[tuple[int, int]]:
        """Places of names, from left to right, without overlaps; a word of three letters or fewer counts only with a capital."""
        words = [(match.start(), match.end(), fold_word(match[0])) for match in WORD.finditer(text)]
        places, first = [], 0
        while first < len(words):
            name, last = (), None
            for index in range(first, len(words)):
                if index > first and BREAK.search(text, words[index - 1][1], words[index][0]):
                    break
                name += (words[index][2],)
                if name in self.names:
                    last = index
                if name not in self.beginnings:
                    break
            if last is not None:
                start, end = words[first][0], words[last][1]
                if end - start > SHORTEST_NAME or text[start:end] != text[start:end].lower():
                    places.append((start, end))
                first = last
            first += 1
        return places


class Dictionary:
    """A finder for each kind."""

    def __init__(self, names: dict[str, Iterable[str]]) -> None:
        self.finders = [NameFinder(names[kind]) for kind in KINDS]

    def marks(self, text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
        """Of each wordpiece three times its place in a disease's name plus its place in a substance's."""
        marks = [0] * len(offsets)
        for finder, factor in zip(self.finders, (3, 1)):
            position = 0
            for start, end in finder.find(text):
                while position < len(offsets) and offsets[position][1] <= start:
                    position += 1
                place = 1
                while position < len(offsets) and offsets[position][0] < end:
                    marks[position] += factor * place
                    place = 2
                    position += 1
        return marks
