"""Tests of the compiler of the gold notes: python3 -m unittest discover -s eval/gold -p 'test_*.py'"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

SPEC = importlib.util.spec_from_file_location("gold_compile", Path(__file__).with_name("compile.py"))
gold = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gold)
VOCABULARIES = gold.Vocabularies()


def problems(marked: str) -> list[str]:
    text, mentions = gold.parse_marked(marked, "note")
    return gold.check_note({"id": "note", "text": text, "annotations": mentions}, VOCABULARIES)


class Markup(unittest.TestCase):
    def test_text_and_offsets(self):
        text, mentions = gold.parse_marked("Has [[gout|DX M10.9]], no [[DVT|DX absent I82.409]].", "note")
        self.assertEqual(text, "Has gout, no DVT.")
        self.assertEqual([(m["start"], m["end"], m["assertion"], m["codes"]) for m in mentions], [(4, 8, "present", [["M10.9"]]), (13, 16, "absent", [["I82.409"]])])

    def test_offsets_are_code_points(self):
        text, mentions = gold.parse_marked("😬 – é [[asthma|DX J45.909]]", "note")
        self.assertEqual(text[mentions[0]["start"]:mentions[0]["end"]], "asthma")
        self.assertEqual(mentions[0]["start"], 6)

    def test_mentions_in_one_another(self):
        text, mentions = gold.parse_marked("[[rash to [[penicillin|AL penicillin react=rash]]|DX L27.0+T36.0X5A L27.0]]", "note")
        self.assertEqual(text, "rash to penicillin")
        self.assertEqual([(m["kind"], m["text"]) for m in mentions], [("DX", "rash to penicillin"), ("AL", "penicillin")])
        self.assertEqual(mentions[0]["codes"], [["L27.0", "T36.0X5A"], ["L27.0"]])

    def test_two_kinds_on_the_same_words(self):
        _, mentions = gold.parse_marked("[[[[Keppra|RX discontinued levetiracetam]]|AL levetiracetam react=rage]]", "note")
        self.assertEqual([(m["kind"], m["start"], m["end"]) for m in mentions], [("RX", 0, 6), ("AL", 0, 6)])

    def test_attributes(self):
        _, mentions = gold.parse_marked('[[Lasix|RX given furosemide str="40 mg" via=IV prn]] [[senna|RX "sennosides, usp" dose="2 tabs"]]', "note")
        self.assertEqual(mentions[0]["attributes"], {"strength": "40 mg", "route": "IV", "prn": "y"})
        self.assertEqual(mentions[0]["assertion"], "given")
        self.assertEqual(mentions[1]["ingredient"], "sennosides, usp")
        self.assertEqual(mentions[1]["attributes"], {"dose": "2 tabs", "form": "tabs"})

    def test_scopes(self):
        _, mentions = gold.parse_marked("[[NKDA|NKA drug]] [[None|NKA all]]", "note")
        self.assertEqual([m["assertion"] for m in mentions], ["drug", "all"])

    def test_brackets_and_bars_of_the_note_stay(self):
        text, mentions = gold.parse_marked("[x] HTN | [[gout|DX M10.9]] | [ ] DM", "note")
        self.assertEqual((text, len(mentions)), ("[x] HTN | gout | [ ] DM", 1))

    def test_what_cannot_be_read(self):
        for marked in ("[[gout|DX M10.9", "gout]]", "[[gout]]", "[[gout|DX]]", "[[NKDA|NKA]]", "[[x|RX str=1]]", "[[x|RX y colour=red]]", "[[x|RX y freq=twice daily]]"):
            with self.subTest(marked), self.assertRaises(gold.SourceError):
                gold.parse_marked(marked, "note")


class Checks(unittest.TestCase):
    def test_a_right_note(self):
        self.assertEqual(problems("On [[warfarin|RX warfarin str=\"5 mg\"]] 5 mg. [[PCN|AL penicillin react=\"hives / rash\"]] hives, rash."), [])

    def test_codes(self):
        self.assertIn("is not billable", problems("[[asthma|DX J45]]")[0])
        self.assertIn("is not an ICD-10-CM code", problems("[[asthma|DX J45.9999]]")[0])
        self.assertIn("twice", problems("[[gout|DX M10.9 M10.9]]")[0])
        self.assertIn("five alternatives", problems("[[gout|DX M10.9 M10.00 M10.011 M10.012 M10.019 M10.021 M10.022]]")[0])

    def test_medications(self):
        self.assertIn("not an RxNorm ingredient", problems("[[Lasix|RX furosemid]]")[0])
        self.assertIn("but the table of medications has furosemide", problems("[[Lasix|RX torsemide]]")[0])
        self.assertIn("lower case", problems("[[Lasix|RX Furosemide]]")[0])
        self.assertEqual(problems("[[antibiotics|RX class:antibiotic]]"), [])

    def test_an_attribute_must_be_written(self):
        self.assertIn("is not written near it", problems("[[Lasix|RX furosemide str=\"80 mg\"]] 40 mg")[0])

    def test_spans(self):
        self.assertIn("begins with a word", problems("[[no gout|DX absent M10.9]]")[0])
        self.assertIn("within a word", problems("[[gout|DX M10.9]]y")[0])
        self.assertIn("within a word", problems("pseudo[[gout|DX M10.9]]")[0])
        self.assertIn("blank", problems("[[gout |DX M10.9]]")[0])

    def test_sentences_of_other_people(self):
        with tempfile.TemporaryDirectory() as folder:
            shared = Path(folder)
            (shared / "corpora").mkdir()
            (shared / "gold").mkdir()
            theirs = {"text": "Short. He fell from a ladder while painting the old barn! The end."}
            (shared / "gold" / "train.jsonl").write_text(json.dumps(theirs) + "\n")
            ours = {"id": "note", "text": "he fell from a ladder, while painting the old barn. Other words follow here."}
            self.assertEqual(len(gold.check_sentences([ours], shared)), 1)
            self.assertEqual(gold.check_sentences([{"id": "note", "text": "He fell from a ladder."}], shared), [])


class Sources(unittest.TestCase):
    def run_with(self, *arguments: str) -> int:
        silent = io.StringIO()
        with mock.patch.object(sys, "argv", ["compile.py", "--shared", "/nowhere", *arguments]), contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            return gold.main()

    def test_notes_jsonl_is_what_the_sources_give(self):
        self.assertEqual(self.run_with("--check", "--stats", "--lint"), 0)

    def test_check_fails_when_it_is_not(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(gold, "HERE", Path(folder)):
            (Path(folder) / "source").mkdir()
            (Path(folder) / "source" / "a.txt").write_text("#: letter | surgery\nHas [[gout|DX M10.9]].\n")
            self.assertEqual(self.run_with("--check"), 1)
            self.assertEqual(self.run_with(), 0)
            self.assertEqual(self.run_with("--check"), 0)
            (Path(folder) / "notes.jsonl").write_text("")
            self.assertEqual(self.run_with("--check"), 1)
            (Path(folder) / "source" / "b.txt").write_text("no first line\n")
            self.assertEqual(self.run_with("--check"), 1)


if __name__ == "__main__":
    unittest.main()
