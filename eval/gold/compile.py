#!/usr/bin/env python3
"""Compiles the marked-up notes of source/*.txt into notes.jsonl, and checks them.

usage: eval/gold/compile.py [--check] [--stats] [--lint] [--shared ../shared]

  (nothing)  checks the sources and writes notes.jsonl
  --check    checks the sources and fails when notes.jsonl is not what they give
  --stats    prints the statistics of README.md
  --lint     prints words of the notes that are annotated elsewhere, or are known medications, and stand unannotated (to look at, not errors)
  --shared   folder with gold/ and corpora/: no sentence of eight words or more may be one of theirs (done by itself where ../shared is there)

A source begins with one line `#: note type | specialty`; the rest is the note. A mention is `[[words of the note|KIND ...]]`; mentions may stand in one another.

    [[type 2 diabetes|DX E11.9]]                      DX: assertion (left out: present), then codes, best first; A+B: both together; -: none
    [[pneumonia|DX absent J18.9]]
    [[Lasix|RX furosemide str="40 mg" via=PO freq=BID]]   RX: status (left out: active), ingredient, attributes; `prn` alone is prn="y"
    [[penicillin|AL penicillin react="hives / lip swelling" sev=mild]]   AL: assertion (left out: present), substance, attributes
    [[NKDA|NKA drug]]                                 NKA: drug or all

A dose that names a form ("2 tablets") gives the form too when none is written. Standard library only.
"""

from __future__ import annotations

import argparse
import collections
import csv
import gzip
import json
import re
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KINDS = ("DX", "RX", "AL", "NKA")
LABELS = {
    "DX": ("present", "historical", "absent", "possible", "hypothetical", "family"),
    "RX": ("active", "given", "discontinued", "hypothetical", "absent"),
    "AL": ("present", "absent", "possible", "historical", "family"),
    "NKA": ("drug", "all"),
}
KEYS = {
    "RX": {"str": "strength", "dose": "dose", "form": "form", "via": "route", "freq": "frequency", "dur": "duration", "prn": "prn", "for": "indication"},
    "AL": {"react": "reaction", "sev": "severity"},
}
# ingredients and substances that RxNorm has no ingredient for, or that notes name less exactly than it
LOOSE_NAMES = {
    "artificial tears", "bacitracin", "belladonna alkaloids", "bendroflumethiazide", "calcium", "covid-19 vaccine", "diamorphine",
    "fish oil", "flucloxacillin", "fludeoxyglucose f18", "gadobutrol", "gliclazide", "haemophilus influenzae type b vaccine",
    "hepatitis a vaccine", "human papillomavirus vaccine", "hypochlorous acid", "immunoglobulin g", "influenza vaccine", "insulin",
    "iodixanol", "iohexol", "iopamidol", "iron", "magnesium", "measles-mumps-rubella vaccine", "multivitamin", "omega-3 fatty acids",
    "oral rehydration salts", "penicillin", "perflutren", "pneumococcal vaccine", "potassium", "prenatal vitamins",
    "respiratory syncytial virus vaccine", "rotavirus vaccine", "selenium", "shingles vaccine", "sodium iodide i-131", "trypan blue",
    "turmeric", "vitamin d", "zinc",
}
FORMS = re.compile(r"\b(tab(?:let)?s?|cap(?:sule)?s?|caplets?|lozenges?|patch(?:es)?|suppositor(?:y|ies)|nebules?|drops?|gtts?|sachets?)\b", re.IGNORECASE)
REACH = 400  # characters around a mention in which its attributes are written
OUTER = re.compile(r"^(?:the|an?|his|her|no|possible|probable|likely|history of|h/o|status post|s/p)\s", re.IGNORECASE)


class SourceError(Exception):
    """Something in a source that has to be put right."""


def parse_marked(marked: str, place: str) -> tuple[str, list[dict]]:
    """The plain text of a marked-up note, and its mentions with offsets in code points."""
    text: list[str] = []
    open_at: list[int] = []
    mentions: list[dict] = []
    position = 0
    while position < len(marked):
        if marked.startswith("[[", position):
            open_at.append(len(text))
            position += 2
            continue
        payload = re.compile(r"\|((?:DX|RX|AL|NKA)(?: [^\]]*)?)\]\]").match(marked, position) if open_at else None
        if payload:
            start = open_at.pop()
            words = "".join(text[start:])
            mentions.append(read_payload(payload.group(1), start, words, f"{place}: {words!r}"))
            position = payload.end()
            continue
        if marked.startswith("]]", position):
            raise SourceError(f"{place}: ]] without a kind after {''.join(text[-40:])!r}")
        text.append(marked[position])
        position += 1
    if open_at:
        raise SourceError(f"{place}: [[ without an end at {''.join(text[open_at[-1]:][:40])!r}")
    mentions.sort(key=lambda mention: (mention["start"], -mention["end"], KINDS.index(mention["kind"])))
    return "".join(text), mentions


def read_payload(payload: str, start: int, words: str, place: str) -> dict:
    """One mention from what stands after its bar."""
    tokens = [re.sub(r'"', "", token) for token in re.findall(r'(?:[^\s"]|"[^"]*")+', payload)]
    kind, tokens = tokens[0], tokens[1:]
    default = LABELS[kind][0]
    label = tokens.pop(0) if tokens and tokens[0] in LABELS[kind] else None
    if kind == "NKA" and label is None:
        raise SourceError(f"{place}: NKA needs a scope")
    mention: dict = {"kind": kind, "start": start, "end": start + len(words), "text": words, "assertion": label or default}
    if kind == "NKA":
        if tokens:
            raise SourceError(f"{place}: {' '.join(tokens)}: NKA has only a scope")
        return mention
    if kind == "DX":
        if not tokens:
            raise SourceError(f"{place}: a diagnosis needs its codes, or - for none")
        mention["codes"] = [] if tokens == ["-"] else [token.split("+") for token in tokens]
        return mention
    name, attributes = [], {}
    for token in tokens:
        key, equals, value = token.partition("=")
        if equals or token == "prn":
            if key not in KEYS[kind]:
                raise SourceError(f"{place}: unknown attribute {key}")
            attributes[KEYS[kind][key]] = value if equals else "y"
        elif attributes:
            raise SourceError(f"{place}: {token}: the name stands before the attributes, and a value with blanks in quotes")
        else:
            name.append(token)
    if not name:
        raise SourceError(f"{place}: the {'ingredient' if kind == 'RX' else 'substance'} is missing")
    form = FORMS.search(attributes.get("dose", ""))
    if form and "form" not in attributes:
        attributes["form"] = form.group(1)
    mention["ingredient" if kind == "RX" else "substance"] = " ".join(name)
    order = list(KEYS[kind].values())
    mention["attributes"] = {key: attributes[key] for key in sorted(attributes, key=order.index)}
    return mention


def read_source(path: Path) -> tuple[dict, str, str]:
    """The note as one line of notes.jsonl, its type, and its specialty."""
    head, _, body = path.read_text(encoding="utf8").partition("\n")
    found = re.fullmatch(r"#: ([^|]+) \| (.+)", head)
    if not found:
        raise SourceError(f"{path.name}: the first line is not `#: note type | specialty`")
    text, mentions = parse_marked(body, path.stem)
    return {"id": path.stem, "text": text, "annotations": mentions}, found.group(1), found.group(2)


def read_table(name: str) -> list[dict]:
    with gzip.open(ROOT / "vocabularies" / name, "rt", encoding="utf8") as lines:
        return list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))


class Vocabularies:
    """The tables of the project that the annotations are held against."""

    def __init__(self) -> None:
        self.codes = {row["code"]: row["billable"] == "1" for row in read_table("icd10cm.tsv.gz")}
        medications = read_table("medications.tsv.gz")
        names = {row["ingredients"]: row["display"].lower() for row in medications if row["kind"] == "ingredient"}
        self.ingredients = set(names.values())
        self.terms: dict[str, set[frozenset[str]]] = collections.defaultdict(set)
        for row in medications:
            parts = row["ingredients"].split("|")
            if all(part in names for part in parts):
                self.terms[row["term"].lower()].add(frozenset(names[part] for part in parts))


def flat(text: str) -> str:
    return " ".join(text.casefold().split())


def check_note(note: dict, vocabularies: Vocabularies) -> list[str]:
    """What is wrong with a compiled note."""
    wrong, text, seen = [], note["text"], set()
    for mention in note["annotations"]:
        words, kind = mention["text"], mention["kind"]
        place = f"{note['id']}: {kind} {words!r}"
        if text[mention["start"]:mention["end"]] != words:
            wrong.append(f"{place}: is not what stands at its offsets")
        if not words or words != words.strip() or words[-1] in ",;:":
            wrong.append(f"{place}: begins or ends with a blank or with punctuation")
        if kind in ("DX", "RX", "AL") and OUTER.match(words):
            wrong.append(f"{place}: begins with a word that is not part of the name")
        if re.match(r"\w", text[mention["end"]:mention["end"] + 1]) and re.match(r"\w", words[-1:]):
            wrong.append(f"{place}: ends within a word")
        if mention["start"] and re.match(r"\w", text[mention["start"] - 1]) and re.match(r"\w", words[:1]):
            wrong.append(f"{place}: begins within a word")
        if (mention["start"], mention["end"], kind) in seen:
            wrong.append(f"{place}: is there twice")
        seen.add((mention["start"], mention["end"], kind))
        if mention["assertion"] not in LABELS[kind]:
            wrong.append(f"{place}: {mention['assertion']} is not one of its labels")
        if kind == "DX":
            wrong += check_codes(mention, place, vocabularies)
        elif kind in ("RX", "AL"):
            wrong += check_name(mention, place, vocabularies)
            near = flat(text[max(0, mention["start"] - REACH):mention["end"] + REACH])
            for key, value in mention["attributes"].items():
                for part in value.split(" / ") if kind == "AL" else [value]:
                    if key != "prn" and flat(part) not in near:
                        wrong.append(f"{place}: {key} {part!r} is not written near it")
            if mention["attributes"].get("prn", "y") != "y":
                wrong.append(f"{place}: prn is y or is left out")
    return wrong


def check_codes(mention: dict, place: str, vocabularies: Vocabularies) -> list[str]:
    wrong = []
    if len(mention["codes"]) > 6:
        wrong.append(f"{place}: more than five alternatives")
    if len({tuple(codes) for codes in mention["codes"]}) < len(mention["codes"]):
        wrong.append(f"{place}: the same alternative twice")
    for code in (code for codes in mention["codes"] for code in codes):
        if code not in vocabularies.codes:
            wrong.append(f"{place}: {code} is not an ICD-10-CM code")
        elif not vocabularies.codes[code]:
            wrong.append(f"{place}: {code} is not billable")
    return wrong


def check_name(mention: dict, place: str, vocabularies: Vocabularies) -> list[str]:
    name = mention.get("ingredient") or mention["substance"]
    if name != name.lower():
        return [f"{place}: {name}: names are lower case"]
    if name.startswith("class:"):
        return []
    parts = frozenset(name.split("+"))
    known = vocabularies.terms.get(flat(mention["text"]), set())
    if mention["kind"] == "RX":
        missing = [part for part in parts if part not in vocabularies.ingredients and part not in LOOSE_NAMES]
        if missing:
            return [f"{place}: {', '.join(missing)}: not an RxNorm ingredient"]
    if known and not any(parts & option for option in known) and not parts & LOOSE_NAMES:
        return [f"{place}: {name}, but the table of medications has {' or '.join('+'.join(sorted(option)) for option in known)}"]
    return []


def sentences(text: str) -> set[str]:
    """Its sentences and lines of eight words or more, letters and digits only."""
    found = set()
    for piece in re.split(r"[.!?](?=\s)|\n", text):
        words = re.findall(r"\w+", piece.casefold())
        if len(words) >= 8:
            found.add(" ".join(words))
    return found


def strings(value: object):
    """Every string in a parsed JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def check_sentences(notes: list[dict], shared: Path) -> list[str]:
    """Sentences of the notes that other people's texts have too."""
    ours = {sentence: note["id"] for note in notes for sentence in sentences(note["text"])}
    wrong = []
    files = [*sorted(shared.glob("gold/**/*.jsonl")), *sorted(shared.glob("corpora/*.jsonl.gz"))]
    for path in files:
        opened = gzip.open(path, "rt", encoding="utf8") if path.suffix == ".gz" else open(path, encoding="utf8")
        with opened as lines:
            for line in lines:
                theirs = {sentence for string in strings(json.loads(line)) if len(string) > 30 for sentence in sentences(string)}
                wrong += [f"{ours[sentence]}: {sentence!r} stands in {path.name} too" for sentence in theirs & ours.keys()]
    return wrong


def print_statistics(notes: list[tuple[dict, str, str]]) -> None:
    lengths = [len(note["text"].split()) for note, _, _ in notes]
    mentions = [mention for note, _, _ in notes for mention in note["annotations"]]
    print(f"notes: {len(notes)}; words: {sum(lengths)}, a note {min(lengths)} to {max(lengths)}, median {statistics.median(lengths):g}")
    print(f"mentions: {len(mentions)}, a note {len(mentions) / len(notes):.1f}")
    for kind in KINDS:
        labels = collections.Counter(mention["assertion"] for mention in mentions if mention["kind"] == kind)
        print(f"  {kind}: {sum(labels.values())} ({', '.join(f'{label} {labels[label]}' for label in LABELS[kind] if labels[label])})")
    codes = {code for mention in mentions if mention["kind"] == "DX" for codes in mention["codes"][:1] for code in codes}
    names = {mention["ingredient"] for mention in mentions if mention["kind"] == "RX"}
    print(f"distinct first codes: {len(codes)} in {len({code[:3] for code in codes})} categories; distinct ingredients: {len(names)}")
    for kind in ("RX", "AL"):
        keys = collections.Counter(key for mention in mentions if mention["kind"] == kind for key in mention["attributes"])
        print(f"  {kind} attributes: {', '.join(f'{key} {count}' for key, count in keys.most_common())}")
    nested = sum(one["end"] > other["start"] for note, _, _ in notes for one, other in zip(note["annotations"], note["annotations"][1:]))
    print(f"mentions within another: {nested}")
    for title, column in (("note types", 1), ("specialties", 2)):
        counts = collections.Counter(entry[column] for entry in notes)
        print(f"{title}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))}")


def print_lint(notes: list[dict], vocabularies: Vocabularies) -> None:
    """Unannotated words that are annotated elsewhere or are a medication of two syllables or more."""
    marked = collections.Counter(flat(mention["text"]) for note in notes for mention in note["annotations"] if mention["kind"] != "NKA")
    words = {term for term in (set(marked) | set(vocabularies.terms)) if len(term) > 3}
    longest = max(len(word.split()) for word in words)
    for note in notes:
        text = note["text"]
        spans = [(mention["start"], mention["end"]) for mention in note["annotations"]]
        tokens = list(re.finditer(r"[\w'+-]+(?:/[\w+-]+)*", text))
        last = 0
        for first in range(len(tokens)):
            for count in range(min(longest, len(tokens) - first), 0, -1):
                start, end = tokens[first].start(), tokens[first + count - 1].end()
                if start < last or flat(text[start:end]) not in words or any(a < end and start < b for a, b in spans):
                    continue
                print(f"{note['id']}: {text[start:end]!r} in {flat(text[max(0, start - 40):end + 40])!r}")
                last = end
                break


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--stats", action="store_true")
    parser.add_argument("--lint", action="store_true")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    vocabularies, notes, wrong = Vocabularies(), [], []
    for path in sorted((HERE / "source").glob("*.txt")):
        try:
            notes.append(read_source(path))
        except SourceError as error:
            wrong.append(str(error))
    # type and specialty are what a measurement tells notes apart by
    plain = [{"id": note["id"], "note_type": kind, "specialty": field, **note} for note, kind, field in notes]
    for note in plain:
        wrong += check_note(note, vocabularies)
    if (options.shared / "corpora").is_dir():
        wrong += check_sentences(plain, options.shared)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    compiled = "".join(json.dumps(note, ensure_ascii=False) + "\n" for note in plain)
    target = HERE / "notes.jsonl"
    if options.check:
        if not target.is_file() or target.read_text(encoding="utf8") != compiled:
            print("notes.jsonl is not what the sources give: run eval/gold/compile.py", file=sys.stderr)
            return 1
    else:
        target.write_text(compiled, encoding="utf8")
    if options.stats:
        print_statistics(notes)
    if options.lint:
        print_lint(plain, vocabularies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
