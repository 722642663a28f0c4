"""Tests of the fit of allergy links, with pairs of our own."""

import tempfile
import unittest
from pathlib import Path

import allergy_links


def line(group, linked, *features):
    return "\t".join(["PAIR", group, str(linked), "penicillin", "hives", *features])


class AllergyLinksTest(unittest.TestCase):
    """What stands between the two decides."""

    def setUp(self):
        self.lines = ["running 1 test"]
        for number in range(40):
            self.lines.append(line(f"allergy_links.txt:{number}", 1, "a:governed", "a:core=("))
            self.lines.append(line(f"note{number}", 0, "a:ungoverned", "a:core=for"))
        self.lines.append(line("allergy_links.txt:99", 1, "a:governed", "a:core=seen once"))

    def pairs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pairs.txt"
            path.write_text("\n".join(self.lines), encoding="utf-8")
            return allergy_links.read(path)

    def test_reads_pairs_alone(self):
        pairs = self.pairs()
        self.assertEqual(len(pairs), 81)
        self.assertEqual(pairs[0], ("allergy_links.txt:0", 1, ["a:governed", "a:core=("]))

    def test_weights_tell_links_from_others(self):
        weights = allergy_links.fit(self.pairs(), epochs=10)
        self.assertGreater(weights["a:core=("], 0.5)
        self.assertLess(weights["a:core=for"], -0.5)
        self.assertEqual(allergy_links.score(weights, self.pairs())[0], 1.0)

    def test_a_feature_seen_once_has_no_weight(self):
        self.assertNotIn("a:core=seen once", allergy_links.fit(self.pairs(), epochs=4))

    def test_the_table_is_read_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "links.tsv"
            count = allergy_links.write({"a:core=(": 1.25, "b:none": 0.001}, path)
            rows = [row for row in path.read_text(encoding="utf-8").splitlines() if not row.startswith("#")]
        self.assertEqual((count, rows), (1, ["feature\tweight", "a:core=(\t1.25"]))


if __name__ == "__main__":
    unittest.main()
