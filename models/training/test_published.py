"""Tests of what the joint tagger of published figures knows of names and abbreviations: `python -m unittest` in this folder."""

import unittest

from abbreviations import agree_with_long_forms, explained
from dictionary import Dictionary, NameFinder, fold_name
from spans import Span

NAMES = {"disease": ["made-up tumours", "tumour", "ALL"], "substance": ["fictolol", "fictolol sodium"]}


class NameFinderTest(unittest.TestCase):
    """Names are found by longest match, whatever their case, plural, spelling and hyphens."""

    def setUp(self):
        self.diseases = NameFinder(NAMES["disease"])

    def found(self, text):
        return [text[start:end] for start, end in self.diseases.find(text)]

    def test_folds_plural_spelling_and_hyphen(self):
        self.assertEqual(fold_name("Haemorrhagic Tumours"), ("hemorrhagic", "tumor"))
        self.assertEqual(self.found("Two made up tumors; a Tumour."), ["made up tumors", "Tumour"])

    def test_a_name_does_not_cross_a_stop(self):
        self.assertEqual(self.found("It was made-up. Tumour seen."), ["Tumour"])

    def test_a_short_name_needs_a_capital(self):
        self.assertEqual(self.found("Not all had ALL."), ["ALL"])

    def test_an_unfinished_longer_name_gives_the_shorter_one(self):
        self.assertEqual(NameFinder(["fictolol", "fictolol sodium salt"]).find("fictolol sodium"), [(0, 8)])


class DictionaryTest(unittest.TestCase):
    """Each wordpiece is told where it stands in a name of either kind."""

    def test_marks(self):
        text = "fictolol sodium for a made-up tumour"
        offsets = [(0, 4), (4, 8), (9, 15), (16, 19), (20, 21), (22, 26), (26, 27), (27, 29), (30, 36)]
        self.assertEqual(Dictionary(NAMES).marks(text, offsets), [1, 2, 2, 0, 0, 3, 6, 6, 6])

    def test_no_names_no_marks(self):
        self.assertEqual(Dictionary({"disease": [], "substance": []}).marks("a tumour", [(0, 1), (2, 8)]), [0, 0])


class AbbreviationTest(unittest.TestCase):
    """An abbreviation that the text explains is what its long form is."""

    TEXT = "Fictional elbow disease (FED) is rare. FED with a central nap rate (CNR): no CNR-like FEDS."

    def at(self, words, kind):
        start = self.TEXT.index(words)
        return Span(start, start + len(words), kind)

    def found(self, *spans):
        return [(self.TEXT[span.start : span.end], span.type) for span in agree_with_long_forms(self.TEXT, spans)]

    def test_finds_long_forms(self):
        pairs = [(short, self.TEXT[start:end]) for short, start, end in explained(self.TEXT)]
        self.assertEqual(pairs, [("FED", "Fictional elbow disease"), ("CNR", "central nap rate")])
        self.assertEqual(explained("It rose (n = 3) and fell (see there), a thing (XYZ)."), [])

    def test_a_mention_gives_its_type_to_the_abbreviation(self):
        long_form = self.at("Fictional elbow disease", "DIAGNOSIS")
        wanted = [("Fictional elbow disease", "DIAGNOSIS"), ("FED", "DIAGNOSIS"), ("FED", "DIAGNOSIS")]
        self.assertEqual(self.found(long_form), wanted)
        self.assertEqual(self.found(long_form, self.at("FED", "MEDICATION")), wanted)

    def test_a_long_form_that_is_none_takes_the_abbreviation_away(self):
        self.assertEqual(self.found(self.at("CNR", "MEDICATION")), [])

    def test_a_mention_that_only_touches_the_long_form_says_nothing(self):
        spans = (self.at("elbow", "DIAGNOSIS"), self.at("FED", "DIAGNOSIS"))
        self.assertEqual(self.found(*spans), [("elbow", "DIAGNOSIS"), ("FED", "DIAGNOSIS")])


if __name__ == "__main__":
    unittest.main()
