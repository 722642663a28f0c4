"""Annotated documents of our own.

Standard library only. Two sources:

- `notes/*.txt`: fictional notes written for this project, with inline marks:
  `=== ID | TYPE, SPECIALTY`, then text in which `[pneumonia]{DX absent}` marks a span, its kind and what is said of it;
- `annotations/*.jsonl`: our annotations of corpora that are licensed CC BY 4.0, as offsets into the corpus text, which is
  read from the data folder and never copied here.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from data import Document, is_held_out, read_json_lines
from spans import CONTEXT_LABELS, KIND_TO_TYPE, Span

HERE = Path(__file__).resolve().parent
MARK = re.compile(r"\[([^\[\]]+)\]\{([A-Z_]+)(?: ([a-z]+))?\}")
# Headings that a corpus of sections has taken off its texts; None where a section may stand without one.
SECTION_HEADINGS: dict[str, list[str | None]] = {
    "ALLERGY": ["ALLERGIES:", "Allergies:", "DRUG ALLERGIES:"],
    "ASSESSMENT": ["ASSESSMENT:", "IMPRESSION:", "ASSESSMENT AND PLAN:", "Assessment:"],
    "CC": ["CHIEF COMPLAINT:", "REASON FOR VISIT:", "CC:"],
    "DIAGNOSIS": ["DIAGNOSIS:", "DIAGNOSES:", "FINAL DIAGNOSIS:", "DISCHARGE DIAGNOSES:"],
    "DISPOSITION": ["DISPOSITION:", "Disposition:"],
    "EDCOURSE": ["EMERGENCY DEPARTMENT COURSE:", "ED COURSE:", "HOSPITAL COURSE:"],
    "EXAM": ["PHYSICAL EXAMINATION:", "EXAMINATION:", "Physical exam:"],
    "FAM/SOCHX": ["FAMILY AND SOCIAL HISTORY:", "SOCIAL AND FAMILY HISTORY:", "FAMILY HISTORY / SOCIAL HISTORY:"],
    "GENHX": ["HISTORY OF PRESENT ILLNESS:", "HISTORY:", "HPI:", None],
    "GYNHX": ["GYNECOLOGIC HISTORY:", "OB/GYN HISTORY:"],
    "IMAGING": ["IMAGING:", "RADIOLOGY:"],
    "IMMUNIZATIONS": ["IMMUNIZATIONS:"],
    "LABS": ["LABORATORY DATA:", "LABS:"],
    "MEDICATIONS": ["MEDICATIONS:", "CURRENT MEDICATIONS:", "Medications:"],
    "OTHER_HISTORY": ["HISTORY:", None],
    "PASTMEDICALHX": ["PAST MEDICAL HISTORY:", "PMH:", "Past medical history:", "MEDICAL HISTORY:"],
    "PASTSURGICAL": ["PAST SURGICAL HISTORY:", "SURGICAL HISTORY:", "PSH:"],
    "PLAN": ["PLAN:", "RECOMMENDATIONS:", "Plan:"],
    "PROCEDURES": ["PROCEDURES:", "PROCEDURE:"],
    "ROS": ["REVIEW OF SYSTEMS:", "ROS:", "Review of systems:"],
}
NOTE_PIECES_OF_SECTIONS = 1400


def parse_marked(identifier: str, marked: str) -> Document:
    """A document from text with inline marks; marks of kinds that the tagger has no label for are read over.

    Raises ValueError for a kind, an assertion or a status that does not exist.
    """
    text, spans, position = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[position : mark.start()]
        surface, kind, context = mark[1], mark[2], mark[3] or ""
        if kind in KIND_TO_TYPE:
            entity_type = KIND_TO_TYPE[kind]
            if entity_type in CONTEXT_LABELS and context not in CONTEXT_LABELS[entity_type]:
                raise ValueError(f"{identifier}: unknown context in {mark[0]!r}")
            spans.append(Span(len(text), len(text) + len(surface), entity_type, 1.0, context))
        elif kind not in ATTRIBUTE_KINDS:
            raise ValueError(f"{identifier}: unknown kind in {mark[0]!r}")
        text += surface
        position = mark.end()
    return Document(identifier, text + marked[position:], tuple(spans))


# Attributes of a medication or an allergy, which the notes mark too.
ATTRIBUTE_KINDS = {"STRENGTH", "DOSE", "FORM", "ROUTE", "FREQUENCY", "DURATION", "INDICATION", "REACTION", "SEVERITY"}


def read_marked(path: Path) -> list[Document]:
    """Documents of a file of notes with inline marks."""
    documents = []
    for block in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = block.partition("\n")
        documents.append(parse_marked(heading.split("|")[0].strip(), body.strip()))
    return documents


def own_notes(folder: Path = HERE / "notes") -> list[Document]:
    """The fictional notes of this project."""
    return [document for path in sorted(folder.glob("*.txt")) for document in read_marked(path)]


def annotated_corpora(shared: Path, folder: Path = HERE / "annotations") -> list[tuple[Document, str]]:
    """Our annotations of open corpora, each with the section that it is (empty for a whole note)."""
    texts = corpus_texts(shared, ("mts_dialog_text", "aci_bench_text", "primock57_text"))
    documents = []
    for path in sorted(folder.glob("*.jsonl")):
        for record in read_json_lines(path):
            text, section = texts[record["id"]]
            spans = tuple(
                Span(start, end, KIND_TO_TYPE[kind], 1.0, context) for start, end, kind, context in record["spans"]
            )
            documents.append((Document(record["id"], text, spans), section))
    return documents


def corpus_texts(shared: Path, names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Text and section of each document of plain-text corpora."""
    return {
        record["id"]: (record["text"], (record.get("meta") or {}).get("section", ""))
        for name in names
        for record in read_json_lines(shared / "corpora" / f"{name}.jsonl.gz")
    }


def shift(document: Document, by: int) -> list[Span]:
    """The document's spans, moved."""
    return [Span(s.start + by, s.end + by, s.type, s.probability, s.context) for s in document.spans]


def join_sections(sections: list[tuple[Document, str]], generator: random.Random) -> list[Document]:
    """Sections under headings, several to a note, in random order, with line breaks or run on; whole notes as they are."""
    notes = [document for document, section in sections if not section]
    parts = [(document, section) for document, section in sections if section]
    generator.shuffle(parts)
    text, spans = "", []

    def close() -> None:
        nonlocal text, spans
        if text:
            notes.append(Document(f"sections-{len(notes)}", text, tuple(spans)))
        text, spans = "", []

    between = "\n"
    for document, section in parts:
        if not text:
            between = generator.choice(["\n", "\n\n", " ", "  "])
        heading = generator.choice(SECTION_HEADINGS.get(section, [None]))
        text += (between if text else "") + (f"{heading}{generator.choice([' ', ' ', chr(10)])}" if heading else "")
        spans += shift(document, len(text))
        text += document.text
        if len(text) > NOTE_PIECES_OF_SECTIONS:
            close()
    close()
    return notes


def is_measuring(document: Document) -> bool:
    """Whether an own note is kept out of training, to measure on."""
    return is_held_out(document.id)
