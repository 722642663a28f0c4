#!/usr/bin/env python3
"""Compile the words that de-identification takes for known, and the names that it takes for names.

usage: words.py --scowl DIR --census DIR [--check]

--scowl   the folder `usr/share/dict/scowl` of Debian's package `scowl` (unpack it with `dpkg-deb -x`)
--census  the folder `names` of the package `names` 0.3.0 of Python's index: the name files of the census of 1990 as the Bureau published them

Writes english_words.tsv.gz and census_names.tsv.gz beside the tables; with --check it writes nothing and fails when one differs. The same
releases give the same bytes.
"""

import argparse
import sys
import unicodedata
from pathlib import Path

import tables

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent
# up to 70: the levels beyond hold words of the UK Advanced Cryptics Dictionary, whose licence asks for more
WORD_LEVELS = (10, 20, 35, 40, 50, 55, 60, 70)
# a name that is a word of these levels needs context
COMMON_LEVELS = (10, 20, 35, 40, 50, 55, 60)
SPELLINGS = ("english", "american", "british", "british_z", "american_variant_1")
SURNAMES = 20_000
# given names of the census that a note writes with a capital and means otherwise
NO_NAMES = {"al", "brain", "gene", "son", "ina", "van"}


def folded(word):
    plain = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def english(scowl, levels):
    """Words in lower case of the given levels, without those of one letter and those with an apostrophe."""
    out = set()
    for spelling in SPELLINGS:
        for level in levels:
            path = scowl / f"{spelling}-words.{level}"
            if path.exists():
                out.update(folded(word) for word in path.read_text(encoding="latin-1").split())
    return {word for word in out if len(word) > 1 and word.isascii() and word.isalpha()}


def column(name, wanted):
    path = FOLDER / name
    return {row[wanted] for row in tables.read_tsv(path)}


def census(folder, common):
    """Names with who bears them: given names all, surnames the most frequent."""
    def read(name, most=None):
        lines = (folder / name).read_text(encoding="ascii").split("\n")
        rows = [line.split() for line in lines if line.strip()]
        return {row[0].lower(): (float(row[1]), int(row[3])) for row in rows if most is None or int(row[3]) <= most}

    female, male, surnames = read("dist.female.first"), read("dist.male.first"), read("dist.all.last", SURNAMES)
    ours = column("person_names.tsv", "name")
    ordinary = common | column("ordinary_words.tsv", "word")
    rows = []
    for name in sorted(female.keys() | male.keys() | surnames.keys()):
        # of two and three letters most are abbreviations too
        is_word = name in ordinary or len(name) < 4
        share = max(female.get(name, (0,))[0], male.get(name, (0,))[0])
        is_rare = share < 0.01 and surnames.get(name, (0, SURNAMES))[1] > 3000
        if name in ours or name in NO_NAMES or not name.isalpha() or len(name) < 2 or is_word and is_rare:
            continue
        given = "" if is_word and share < 0.01 else "either" if name in female and name in male else "female" if name in female else "male" if name in male else ""
        kind = "+".join(part for part in (given, "surname" if name in surnames or not given else "") if part)
        rows.append((name, kind, "1" if is_word else "0"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scowl", type=Path, required=True)
    parser.add_argument("--census", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    words = english(options.scowl, WORD_LEVELS)
    if len(words) < 100_000:
        sys.exit(f"only {len(words)} words in {options.scowl}: is it the folder usr/share/dict/scowl?")
    names = census(options.census, english(options.scowl, COMMON_LEVELS))
    made = {
        "english_words.tsv.gz": tables.table_bytes(["word"], ((word,) for word in sorted(words))),
        "census_names.tsv.gz": tables.table_bytes(["name", "kind", "ordinary"], names),
    }
    for name, content in made.items():
        path = FOLDER / name
        if options.check:
            if not path.exists() or path.read_bytes() != content:
                sys.exit(f"{name} differs; run vocabularies/compile/words.py")
        else:
            path.write_bytes(content)
            print(name, len(content), "bytes")
    print(len(words), "words,", len(names), "names")


if __name__ == "__main__":
    main()
