"""Turn documents marked by hand into offsets into a corpus, without its text.

    python import_annotations.py MARKED.txt... --output annotations/NAME.jsonl

MARKED.txt holds `=== ID | anything` and the corpus text with inline marks (see annotations.py). White space may differ
from the corpus; a document with any other difference is refused and named.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from annotations import corpus_texts, read_marked
from data import Document
from spans import TYPE_TO_KIND

DEFAULT_SHARED = Path(__file__).resolve().parents[3] / "shared"


def align(document: Document, text: str) -> list[tuple[int, int, str, str]] | None:
    """The document's spans in the corpus text, or None when the texts differ in more than white space."""
    own = [at for at, letter in enumerate(document.text) if not letter.isspace()]
    theirs = [at for at, letter in enumerate(text) if not letter.isspace()]
    if [document.text[at] for at in own] != [text[at] for at in theirs]:
        return None
    place = dict(zip(own, theirs))
    spans = []
    for span in document.spans:
        inside = [place[at] for at in range(span.start, span.end) if at in place]
        spans.append((inside[0], inside[-1] + 1, TYPE_TO_KIND[span.type], span.context))
    return spans


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("marked", type=Path, nargs="+")
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    texts = corpus_texts(arguments.shared, ("mts_dialog_text", "aci_bench_text", "primock57_text"))
    lines, refused = [], []
    for path in arguments.marked:
        for document in read_marked(path):
            text = texts.get(document.id, ("", ""))[0]
            spans = align(document, text)
            if spans is None:
                refused.append(document.id)
            else:
                lines.append(json.dumps({"id": document.id, "spans": spans}))
    arguments.output.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    print(f"{len(lines)} documents; refused: {' '.join(refused) or 'none'}")


if __name__ == "__main__":
    main()
