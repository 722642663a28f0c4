#!/usr/bin/env python3
"""Score the context engine alone on the public NegEx set: 2,376 sentences of hospital reports with one condition each.

usage: eval/negation.py ANNOTATIONS.txt [--part look|blind] [--errors] [--binary target/release/abstractor]

ANNOTATIONS.txt is `negex.python/Annotations-1-120.txt` of the repository chapmanbe/negex (Apache-2.0): tab-separated number,
condition, sentence, `Affirmed` or `Negated`. The set is not committed. The conditions are given as `spans`, so the recogniser takes
no part; a span counts as negated when its assertion is `absent`.

The sentences are cut in two by a checksum of their letters: errors may be read in `look` only, `blind` is only scored.
"""
import argparse
import json
import re
import subprocess
import sys
import zlib


def part_of(sentence):
    """`look` or `blind`; the same sentence with another condition falls into the same part."""
    return "look" if zlib.crc32(re.sub(r"[^a-z]", "", sentence.lower()).encode()) % 2 else "blind"


def words(text):
    """A pattern for the words of a condition: any white space and punctuation between them, quotes doubled or not."""
    return r"[\s\W_]+".join(re.escape(word) for word in re.findall(r"\w+", text))


def rows(path):
    """(sentence, start, end, negated) of every line whose condition stands in its sentence; the second value counts the others."""
    found, lost = [], 0
    for line in open(path, encoding="latin-1"):
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) < 4 or cells[3] not in ("Affirmed", "Negated"):
            continue
        sentence = cells[2].strip().strip('"').replace('""', '"')
        pattern = words(cells[1])
        # the condition stands in capitals; a sentence may name it in small letters before
        hit = re.search(pattern.upper(), sentence) or re.search(pattern, sentence, re.IGNORECASE)
        if not hit:
            lost += 1
            continue
        found.append((sentence, hit.start(), hit.end(), cells[3] == "Negated"))
    return found, lost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("annotations")
    parser.add_argument("--part", choices=["look", "blind"])
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--binary", default="target/release/abstractor")
    options = parser.parse_args()
    if options.errors and options.part != "look":
        sys.exit("errors may be read in the part `look` only: add --part look")
    found, lost = rows(options.annotations)
    found = [row for row in found if options.part in (None, part_of(row[0]))]
    notes = [
        json.dumps({"id": str(index), "text": sentence, "spans": [{"start": start, "end": end}]})
        for index, (sentence, start, end, _) in enumerate(found)
    ]
    ran = subprocess.run(
        [options.binary, "extract", "--format", "ndjson", "--recognizers", "dictionary", "-"],
        input="\n".join(notes), capture_output=True, text=True, check=True,
    )
    counts = {(said, is_so): 0 for said in (True, False) for is_so in (True, False)}
    for line in ran.stdout.splitlines():
        note = json.loads(line)
        sentence, start, end, negated = found[int(note["note_id"])]
        span = note["spans"][0]
        said = span["assertion"] == "absent"
        counts[said, negated] += 1
        if options.errors and said != negated:
            cues = [cue["text"] for cue in span["cues"]]
            print(f"{'MISSED' if negated else 'FALSE '} {sentence[:start]}[[{sentence[start:end]}]]{sentence[end:]} {cues}"[:600])
    total = sum(counts.values())
    share = lambda part, whole: part / whole if whole else 0.0
    print(f"sentences {total}, condition not found {lost}")
    print(f"accuracy    {share(counts[True, True] + counts[False, False], total):.4f}")
    print(f"sensitivity {share(counts[True, True], counts[True, True] + counts[False, True]):.4f}")
    print(f"specificity {share(counts[False, False], counts[False, False] + counts[True, False]):.4f}")


if __name__ == "__main__":
    main()
