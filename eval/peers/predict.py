#!/usr/bin/env python3
"""What other rule-based systems say of annotated notes, with this project's own vocabularies, as lines that `abstractor-eval` measures.

usage: eval/peers/predict.py SYSTEM NOTES.jsonl PREDICTIONS.ndjson

  medspacy   medspaCy: its tokenizer, PyRuSH sentences, target matcher over our terms, ConText for assertion
  quickumls  matching as QuickUMLS does it (character trigrams, Jaccard of 0.7, longest first) over our terms, in plain Python; every mention present
  negspacy   spaCy's phrase matcher over our terms, negspaCy for negation

All three get the same terms with the same first code or ingredient: `diagnosis_terms.tsv.gz`, `everyday_diagnoses.tsv`, `abbreviations.tsv`
(those of guard `any`) and `medications.tsv.gz` (those of case guard 0). So they differ in how they match and in what they say of a match, not in
what they know. They get no guards of context, no index, no ranking and no model, which these systems have no place for. Allergies are not
told from medications, since none of the three does. Install `requirements.txt` into an environment of its own; never part of the tests.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import sys
from pathlib import Path

VOCABULARIES = Path(__file__).resolve().parents[2] / "vocabularies"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
# ConText's categories, the stronger first: the precedence of the guidelines
CATEGORIES = [("NEGATED_EXISTENCE", "absent"), ("FAMILY", "family"), ("HYPOTHETICAL", "hypothetical"), ("POSSIBLE_EXISTENCE", "possible"),
              ("HISTORICAL", "historical")]
STATUS = {"absent": "absent", "hypothetical": "hypothetical", "possible": "hypothetical", "historical": "discontinued"}
# QuickUMLS's own settings
SIMILARITY = 0.7
WINDOW = 5
SHORTEST = 3


def rows(name: str) -> list[dict]:
    path = VOCABULARIES / name
    opened = gzip.open(path, "rt", encoding="utf8") if name.endswith(".gz") else open(path, encoding="utf8")
    with opened as lines:
        return list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE))


def terms() -> dict[str, tuple[str, list[str]]]:
    """Term in lower case: (kind, codes). Diagnoses stand before medications of the same name; the first row of a term holds."""
    out: dict[str, tuple[str, list[str]]] = {}
    for row in rows("everyday_diagnoses.tsv") + rows("diagnosis_terms.tsv.gz"):
        first = row["codes"].split("|")[0].split("+")[0]
        if row.get("kind", "diagnosis") in ("diagnosis", None) and first:
            out.setdefault(row["term"].lower(), ("diagnosis", [first]))
    for row in rows("abbreviations.tsv"):
        if row["guard"] == "any" and row["kind"] == "diagnosis" and row["codes"]:
            out.setdefault(row["abbreviation"].lower(), ("diagnosis", [row["codes"].split("|")[0].split("+")[0]]))
    for row in rows("medications.tsv.gz"):
        if row["case_guard"] == "0" and row["ingredients"]:
            out.setdefault(row["term"].lower(), ("medication", row["ingredients"].split("|")))
    return out


def entry(kind: str, codes: list[str], place: tuple[int, int, str], assertion: str) -> dict:
    """One entry of the extraction contract with one evidence."""
    start, end, text = place
    system = ICD10 if kind == "diagnosis" else RXNORM
    own = {"assertion": assertion} if kind == "diagnosis" else {"status": STATUS.get(assertion, "active")}
    return {"kind": kind, "display": text, **own, "codes": [{"system": system, "code": code} for code in codes], "confidence": None,
            "attributes": {}, "evidence": [{"start": start, "end": end, "text": text, "attributes": {}}]}


def matcher_of(nlp, known):
    """spaCy's phrase matcher over all terms, in lower case; the longest match wins."""
    from spacy.matcher import PhraseMatcher

    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("TERM", list(nlp.tokenizer.pipe(known)))
    return matcher


def spans_of(matcher, doc, known):
    from spacy.tokens import Span
    from spacy.util import filter_spans

    spans = filter_spans([doc[start:end] for _, start, end in matcher(doc)])
    found = [(span, known.get(span.text.lower())) for span in spans]
    return [Span(doc, span.start, span.end, label=of[0].upper()) for span, of in found if of]


def medspacy(known):
    import medspacy as library

    nlp = library.load(medspacy_enable={"medspacy_tokenizer", "medspacy_pyrush", "medspacy_context"})
    context = nlp.get_pipe("medspacy_context")
    nlp.remove_pipe("medspacy_context")
    matcher = matcher_of(nlp, known)

    def read(text: str) -> list[dict]:
        doc = nlp(text)
        doc.ents = spans_of(matcher, doc, known)
        context(doc)
        out = []
        for entity in doc.ents:
            kind, codes = known[entity.text.lower()]
            said = {modifier.category for modifier in entity._.modifiers}
            assertion = next((ours for theirs, ours in CATEGORIES if theirs in said), "present")
            out.append(entry(kind, codes, (entity.start_char, entity.end_char, entity.text), assertion))
        return out

    return read


def negspacy(known):
    import spacy
    from negspacy.negation import Negex  # noqa: F401 - registers the component

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    negex = nlp.add_pipe("negex", config={"ent_types": ["DIAGNOSIS", "MEDICATION"]})
    nlp.remove_pipe("negex")
    matcher = matcher_of(nlp, known)

    def read(text: str) -> list[dict]:
        doc = nlp(text)
        doc.ents = spans_of(matcher, doc, known)
        negex(doc)
        out = []
        for entity in doc.ents:
            kind, codes = known[entity.text.lower()]
            assertion = "absent" if entity._.negex else "present"
            out.append(entry(kind, codes, (entity.start_char, entity.end_char, entity.text), assertion))
        return out

    return read


def trigrams(words: str) -> set[str]:
    return {words[at : at + 3] for at in range(max(1, len(words) - 2))}


def quickumls(known):
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    by_trigram: dict[str, set[str]] = {}
    sizes = {term: len(trigrams(term)) for term in known}
    for term in known:
        for trigram in trigrams(term):
            by_trigram.setdefault(trigram, set()).add(term)
    remembered: dict[str, tuple[float, str] | None] = {}

    def best(words: str) -> tuple[float, str] | None:
        """The most similar term (the first of the alphabet of equal ones) and its Jaccard similarity, if that reaches the floor.

        A term of Jaccard 0.7 or more shares at least that part of the trigrams of the words, so the rarest 30 % of them and one name all."""
        if words in known:
            return 1.0, words
        if words in remembered:
            return remembered[words]
        own = trigrams(words)
        rare = sorted(own, key=lambda trigram: len(by_trigram.get(trigram, ())))[: int((1 - SIMILARITY) * len(own)) + 1]
        near = {term for trigram in rare for term in by_trigram.get(trigram, ())}
        found = None
        for term in sorted(near):
            if not SIMILARITY * len(own) <= sizes[term] <= len(own) / SIMILARITY:
                continue
            shared = len(own & trigrams(term))
            similarity = shared / (len(own) + sizes[term] - shared)
            if similarity >= SIMILARITY and (found is None or similarity > found[0]):
                found = similarity, term
        remembered[words] = found
        return found

    def read(text: str) -> list[dict]:
        doc = nlp(text)
        candidates = []
        for sentence in doc.sents:
            for start in range(sentence.start, sentence.end):
                for end in range(start + 1, min(start + WINDOW, sentence.end) + 1):
                    span = doc[start:end]
                    edges = (span[0], span[-1])
                    if len(span.text) < SHORTEST or any(edge.is_punct or edge.is_stop or edge.is_space for edge in edges) or "\n" in span.text:
                        continue
                    found = best(span.text.lower())
                    if found:
                        candidates.append((len(span.text), found[0], span, found[1]))
        taken: set[int] = set()
        out = []
        # QuickUMLS's overlapping criterion "length": the longest first, then the more similar
        for _, _, span, term in sorted(candidates, key=lambda one: (-one[0], -one[1], one[2].start)):
            if taken.isdisjoint(range(span.start, span.end)):
                taken.update(range(span.start, span.end))
                kind, codes = known[term]
                out.append(entry(kind, codes, (span.start_char, span.end_char, span.text), "present"))
        return out

    return read


SYSTEMS = {"medspacy": medspacy, "quickumls": quickumls, "negspacy": negspacy}


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[1] not in SYSTEMS:
        print(__doc__, file=sys.stderr)
        return 2
    _, system, notes, predictions = sys.argv
    read = SYSTEMS[system](terms())
    # PyRuSH prints the sentences that it doubts: words of notes have no business at a terminal
    with open(notes, encoding="utf8") as lines, open(predictions, "w", encoding="utf8") as out, open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        for line in lines:
            if line.strip():
                note = json.loads(line)
                print(json.dumps({"note_id": note["id"], "engine": {"version": system}, "entries": read(note["text"])}), file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
