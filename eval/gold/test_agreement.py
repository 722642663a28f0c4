"""python3 -m unittest discover -s eval/gold -p 'test_*.py'"""

from __future__ import annotations

import collections
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import agreement  # noqa: E402
from compile import SourceError, parse_marked  # noqa: E402

TEXT = "Asthma, mild. No gout. Takes aspirin 81 mg; asthma since youth."


def second(lines: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "note.txt")
        path.write_text(lines, encoding="utf8")
        return agreement.read_second(path, TEXT)


class Reading(unittest.TestCase):
    def test_words_are_found_after_the_mention_before(self) -> None:
        found = second("Asthma | DX J45.909\nasthma | DX J45.909\n")
        self.assertEqual([mention["start"] for mention in found], [0, TEXT.index("asthma")])

    def test_words_within_the_mention_before_are_found(self) -> None:
        found = second("Asthma, mild | DX J45.909\nmild | DX J45.909\n")
        self.assertEqual([mention["text"] for mention in found], ["Asthma, mild", "mild"])

    def test_words_that_do_not_follow_are_refused(self) -> None:
        with self.assertRaisesRegex(SourceError, "'gout' does not stand after 'aspirin'"):
            second("aspirin | RX aspirin\ngout | DX absent M10.9\n")

    def test_a_part_of_a_word_is_not_found(self) -> None:
        with self.assertRaises(SourceError):
            second("outh | DX M10.9\n")


class Comparing(unittest.TestCase):
    def compare(self, marked: str, lines: str) -> collections.Counter:
        text, first = parse_marked(marked, "note")
        self.assertEqual(text, TEXT)
        count: collections.Counter = collections.Counter()
        with contextlib.redirect_stdout(io.StringIO()):
            agreement.compare({"id": "note", "text": text, "annotations": first}, second(lines), count, True)
        return count

    def test_layers_are_counted_apart(self) -> None:
        count = self.compare(
            'Asthma, [[mild|DX J45.20]]. No [[gout|DX absent M10.9]]. Takes [[aspirin|RX aspirin str="81 mg"]] 81 mg; [[asthma|DX J45.909]] since youth.',
            'Asthma, mild | DX J45.909 J45.20\ngout | DX possible M10.9\naspirin | RX aspirin freq=daily str="81 MG"\n',
        )
        self.assertEqual((count["DX", "first"], count["DX", "second"]), (3, 2))
        self.assertEqual((count["DX", "paired"], count["DX", "exact"]), (2, 1))
        self.assertEqual(count["DX", "assertion"], 1)
        self.assertEqual((count["DX", "label"], count["DX", "category"], count["DX", "among"]), (1, 2, 2))
        self.assertEqual((count["RX", "attributes"], count["RX", "attributes same"]), (3, 1))

    def test_a_mention_of_another_kind_is_another_mention(self) -> None:
        count = self.compare("Asthma, mild. No gout. Takes [[aspirin|AL aspirin]] 81 mg; asthma since youth.", "aspirin | RX aspirin\n")
        self.assertEqual((count["AL", "paired"], count["RX", "paired"]), (0, 0))

    def test_equal_spans_are_paired_before_overlapping_ones(self) -> None:
        marked = "[[[[Asthma|DX J45.909]], mild|DX J45.20]]. No gout. Takes aspirin 81 mg; asthma since youth."
        count = self.compare(marked, "Asthma | DX J45.909\n")
        self.assertEqual((count["DX", "exact"], count["DX", "label"]), (1, 1))


class Committed(unittest.TestCase):
    def test_the_committed_lists_fit_their_notes(self) -> None:
        lists = list((agreement.HERE / "second").glob("*.txt"))
        self.assertGreaterEqual(len(lists), 20)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            sys.argv = ["agreement.py"]
            self.assertEqual(agreement.main(), 0)
        self.assertIn(f"notes: {len(lists)}", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
