"""Tests of the loader and of the span code, with synthetic strings: `python -m unittest` in this folder."""

import json
import random
import tempfile
import unittest
from pathlib import Path

from annotations import ATTRIBUTE_KINDS, annotated_corpora, join_sections, own_notes, parse_marked
from augment import vary, vary_layout
from data import Document, OverlapGuard, fold, is_held_out, load_notes, measuring_guard
from spans import (
    CONTEXT_LABELS, IGNORED_LABEL, NOTE_LABELS, WINDOW_PIECES, Span, central_windows, decode_spans, encode_contexts,
    encode_labels, layout_types, match_spans, resolve_overlaps, window_starts,
)

MARKED = "Has [Pneumonia]{DX possible}; takes [Lasix]{RX active} [20 mg]{STRENGTH}.\nALLERGIES: [NKDA]{NKA drug}"
MEASURING = "The fictional patient Orlando Quince came in with a made-up disease of the left elbow, and went home well."

MARKED_TEXT = parse_marked("x", MARKED).text


class OverlapGuardTest(unittest.TestCase):
    """A document that shares 60 folded characters with a measuring note is refused."""

    def setUp(self):
        self.guard = OverlapGuard([MEASURING])

    def test_refuses_a_copied_run(self):
        text = "PREFIX " + MEASURING[10:70] + " SUFFIX"
        self.assertEqual(self.guard.shared_run(text), fold(MEASURING)[10:70])

    def test_refuses_in_other_case_and_spacing(self):
        text = "x " + MEASURING[10:75].upper().replace(" ", " \n\t ") + " y"
        self.assertIsNotNone(self.guard.shared_run(text))

    def test_admits_a_run_of_59(self):
        self.assertIsNone(self.guard.shared_run("#" + fold(MEASURING)[10:69] + "#"))

    def test_admits_short_and_empty_texts(self):
        self.assertIsNone(self.guard.shared_run(""))
        self.assertIsNone(self.guard.shared_run(MEASURING[:50]))

    def test_admit_splits_documents(self):
        good, bad = Document("good", "another text " * 10, ()), Document("bad", MEASURING, ())
        self.assertEqual(self.guard.admit([good, bad]), ([good], ["bad"]))

    def test_loader_refuses(self):
        other = MEASURING.replace("made-up", "invented").replace("left", "right").replace("Quince", "Medlar")
        note = {"id": "copied", "text": MEASURING, "annotations": []}
        clean = {
            "id": "clean",
            "text": "Gout of the toe.",
            "annotations": [{"kind": "DX", "start": 0, "end": 4}],
        }
        with tempfile.TemporaryDirectory() as folder:
            gold = Path(folder) / "gold"
            gold.mkdir()
            (gold / "dev.jsonl").write_text(json.dumps({"text": MEASURING}) + "\n")
            (gold / "sections_dev.jsonl").write_text(json.dumps({"text": other}) + "\n")
            (gold / "train.jsonl").write_text(json.dumps(note) + "\n" + json.dumps(clean) + "\n")
            training, held_out, refused = load_notes(Path(folder), measuring_guard(Path(folder)))
        self.assertEqual(refused, ["copied"])
        self.assertEqual([document.id for document in training + held_out], ["clean"])
        self.assertEqual((training + held_out)[0].spans, (Span(0, 4, "DIAGNOSIS"),))

    def test_held_out_is_about_a_tenth(self):
        held = sum(is_held_out(f"note-{number}") for number in range(2000))
        self.assertTrue(150 < held < 250, held)


class SpanTest(unittest.TestCase):
    """Windows, BIO coding, decoding, matching."""

    def test_windows_cover_every_piece_once(self):
        for count in (1, 2, 179, 180, 181, 300, 301, 1000):
            kept = [piece for _, _, first, last in central_windows(count) for piece in range(first, last)]
            self.assertEqual(kept, list(range(count)))
            self.assertGreaterEqual(window_starts(count)[-1] + WINDOW_PIECES, count)

    def test_pieces_of_the_overlap_are_shared_out_by_margin(self):
        self.assertEqual(central_windows(300)[0][2:], (0, 150))
        self.assertEqual(central_windows(300)[1][2:], (150, 300))

    def test_encode_then_decode(self):
        offsets = [(0, 4), (5, 9), (9, 12), (13, 16), (17, 20)]
        continuation = [False, False, True, False, False]
        spans = [Span(5, 16, "DIAGNOSIS"), Span(17, 20, "MEDICATION")]
        label_ids = {label: index for index, label in enumerate(NOTE_LABELS)}
        labels = encode_labels(offsets, spans, label_ids)
        self.assertEqual([NOTE_LABELS[i] for i in labels], ["O", "B-DIAGNOSIS", "I-DIAGNOSIS", "I-DIAGNOSIS", "B-MEDICATION"])
        rows = [[1.0 if column == label else 0.0 for column in range(len(NOTE_LABELS))] for label in labels]
        self.assertEqual(decode_spans(offsets, continuation, rows), spans)

    def test_continuation_never_starts_or_ends_a_span(self):
        def row(label):
            return [0.9 if name == label else 0.0125 for name in NOTE_LABELS]

        offsets = [(0, 3), (3, 6), (7, 9), (9, 12)]
        rows = [row("O"), row("B-DIAGNOSIS"), row("I-MEDICATION"), row("O")]
        found = decode_spans(offsets, [False, True, False, True], rows)
        self.assertEqual([(span.start, span.end, span.type) for span in found], [(7, 12, "MEDICATION")])
        self.assertAlmostEqual(found[0].probability, (0.9125 + 0.025) / 2)

    def test_longer_span_wins(self):
        self.assertEqual(
            resolve_overlaps([Span(0, 3, "ALLERGEN"), Span(0, 9, "DIAGNOSIS")]), [Span(0, 9, "DIAGNOSIS")]
        )

    def test_matching(self):
        gold = [Span(0, 10, "DIAGNOSIS"), Span(20, 30, "DIAGNOSIS")]
        found = [Span(0, 10, "DIAGNOSIS"), Span(22, 30, "DIAGNOSIS"), Span(40, 44, "DIAGNOSIS")]
        self.assertEqual(match_spans(gold, found, strict=True), [(0, 0)])
        self.assertEqual(sorted(match_spans(gold, found, strict=False)), [(0, 0), (1, 1)])

    def test_layout_types(self):
        offsets = [(0, 4), (5, 9), (9, 12), (13, 15), (16, 19), (19, 21), (21, 22), (23, 24)]
        continuation = [False, False, True, False, False, True, False, False]
        self.assertEqual(layout_types("PAST history\nof Lasix, x", offsets, continuation), [5, 0, 0, 3, 1, 1, 0, 0])

    def test_contexts_have_a_column_for_each_head(self):
        document = parse_marked("x", MARKED)
        offsets = [(4, 13), (21, 26), (36, 40)]
        possible, active = CONTEXT_LABELS["DIAGNOSIS"].index("possible"), CONTEXT_LABELS["MEDICATION"].index("active")
        unknown = (IGNORED_LABEL, IGNORED_LABEL)
        self.assertEqual(
            encode_contexts(offsets, document.spans), [(possible, IGNORED_LABEL), (IGNORED_LABEL, active), unknown]
        )


class AnnotationTest(unittest.TestCase):
    """Inline marks, sections, variations, and the committed notes themselves."""

    def test_marks(self):
        document = parse_marked("x", MARKED)
        found = [(document.text[span.start : span.end], span.type, span.context) for span in document.spans]
        self.assertEqual(
            found,
            [("Pneumonia", "DIAGNOSIS", "possible"), ("Lasix", "MEDICATION", "active"), ("NKDA", "NO_KNOWN_ALLERGIES", "drug")],
        )
        for wrong in ("[x]{DX maybe}", "[x]{DISEASE present}"):
            with self.assertRaises(ValueError):
                parse_marked("x", wrong)

    def test_joined_sections_keep_their_spans(self):
        part = parse_marked("x", MARKED)
        for seed in range(20):
            notes = join_sections([(part, "PASTMEDICALHX"), (part, "ROS"), (part, "")], random.Random(seed))
            surfaces = [note.text[span.start : span.end] for note in notes for span in note.spans]
            self.assertEqual(sorted(surfaces), sorted(["Pneumonia", "Lasix", "NKDA"] * 3))

    def test_variations_keep_every_offset(self):
        document = parse_marked("x", MARKED)
        changed = set()
        for seed in range(200):
            laid_out = vary_layout(document, random.Random(seed))
            varied = vary(document, random.Random(seed))
            self.assertEqual(laid_out.text.lower().replace("\n", " "), MARKED_TEXT.lower().replace("\n", " "))
            self.assertEqual((len(varied.text), varied.spans), (len(document.text), document.spans))
            changed.add(varied.text)
        self.assertGreater(len(changed), 5)

    def test_the_committed_notes_are_sound(self):
        notes = own_notes()
        self.assertGreaterEqual(len(notes), 100)
        self.assertEqual(len({note.id for note in notes}), len(notes))
        for note in notes:
            for leftover in ("]{", "[[", *(f"{{{kind}" for kind in ATTRIBUTE_KINDS)):
                self.assertNotIn(leftover, note.text, note.id)
            for span in note.spans:
                self.assertEqual(note.text[span.start : span.end].strip(), note.text[span.start : span.end], note.id)

    def test_the_committed_offsets_fit_the_corpora(self):
        shared = Path(__file__).resolve().parents[3] / "shared"
        if not (shared / "corpora").exists():
            print("not run: the corpora are not on this machine")
            return
        for document, _ in annotated_corpora(shared):
            for span in document.spans:
                surface = document.text[span.start : span.end]
                self.assertTrue(surface and surface.strip() == surface, document.id)


if __name__ == "__main__":
    unittest.main()
