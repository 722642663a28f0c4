"""What the tabular list says at a code beside its title, and the CMS hierarchical condition categories."""

import gzip
import re
import xml.etree.ElementTree as ElementTree

from tables import read_tsv

# names of the notes in the release and in our table
KINDS = {
    "inclusionTerm": "inclusion",
    "includes": "includes",
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code_first",
    "useAdditionalCode": "use_additional_code",
    "codeAlso": "code_also",
    "sevenChrNote": "seventh_character",
    "notes": "note",
}


def note_rows(vocabularies, tabular):
    """(code, kind, note) of every category and code that the tabular list has, sorted by code, in the order of the release."""
    rows = []
    folder = vocabularies / "icd10cm"
    for name, column in (("inclusion_terms.tsv.gz", "term"), ("notes.tsv.gz", "note")):
        for row in read_tsv(folder / name):
            kind = KINDS.get(row["kind"])
            text = " ".join(row[column].split())
            if kind and text and (row["code"] in tabular.nodes or row["code"] in tabular.billable):
                rows.append((row["code"], kind, text))
    rows += range_rows(folder)
    order = {kind: place for place, kind in enumerate(KINDS.values())}
    rows.sort(key=lambda row: (row[0], order[row[1]]))
    return list(dict.fromkeys(rows))


def places(folder):
    """(range, element) of every chapter with its blocks ("A00-A09"; "B20-B20" where the block is one category) behind it."""
    (release,) = folder.glob("icd10cm-tabular-*.xml.gz")
    with gzip.open(release) as file:
        root = ElementTree.parse(file).getroot()
    for chapter in root.iter("chapter"):
        found = [(re.search(r"\(([A-Z0-9]+-[A-Z0-9]+)\)\s*$", chapter.findtext("desc")).group(1), chapter)]
        for block in chapter.iter("section"):
            identifier = block.get("id")
            found.append((identifier if "-" in identifier else f"{identifier}-{identifier}", block))
        yield found


def block_rows(vocabularies):
    """(range, chapter, title, also) of chapters and blocks: the number of a chapter, and the categories that a block holds beside its range."""
    rows = []
    for chapter in places(vocabularies / "icd10cm"):
        for code, element in chapter:
            title = re.sub(r"\s*\([A-Z0-9]+(-[A-Z0-9]+)?\)\s*$", "", " ".join(element.findtext("desc").split()))
            number = element.findtext("name") if element.tag == "chapter" else ""
            first, last = code.split("-")
            categories = [child.findtext("name") for child in element if child.tag == "diag"]
            rows.append((code, number, title, "|".join(name for name in categories if not first <= name <= last)))
    if len({row[0] for row in rows}) < len(rows):
        raise ValueError("two chapters or blocks have the same range")
    return rows


def range_rows(folder):
    """(range, kind, note) of chapters and blocks."""
    rows = []
    for chapter in places(folder):
        for code, element in chapter:
            for child in element:
                if child.tag in KINDS:
                    texts = (" ".join("".join(note.itertext()).split()) for note in child.iter("note"))
                    rows += [(code, KINDS[child.tag], text) for text in texts if text]
    return rows


def hcc_rows(vocabularies, tabular):
    """(code, v24, v28) of every billable code that is in a category of either version."""
    versions = {}
    for place, name in enumerate(("F2422P1M.TXT.gz", "F2824T1N.TXT.gz")):
        with gzip.open(vocabularies / "cms-hcc" / name, "rt", encoding="utf-8") as file:
            for line in file:
                cells = line.rstrip("\n").split("\t")
                if len(cells) > 1 and cells[1].strip():
                    bare = cells[0].strip()
                    code = bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"
                    entry = versions.setdefault(code, ["", ""])
                    # a code may stand in two categories
                    entry[place] = "|".join(filter(None, (entry[place], cells[1].strip())))
    return [(code, *versions[code]) for code in sorted(versions) if code in tabular.billable]
