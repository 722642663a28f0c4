"""Tests of the compiler: python3 -m unittest discover -s vocabularies/compile

The rules are tested on small samples in line; where the releases stand beside
the repository, recompiling must give the tables that are here, byte for byte.
"""

import gzip
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import allergens  # noqa: E402
import compile as compiler  # noqa: E402
import diagnoses  # noqa: E402
import icd  # noqa: E402
import medications  # noqa: E402
from normalise import key  # noqa: E402
from surface_forms import is_sound, title_forms  # noqa: E402
from tables import read_tsv, table_bytes  # noqa: E402

TABLES = HERE.parent
SHARED = TABLES.parent.parent / "shared"


def forms(title):
    """The forms of a title without their costs."""
    return [form for form, _ in title_forms(title)]


class ComparisonKey(unittest.TestCase):
    def test_folding(self):
        for left, right in [("Crohn\u2019s Disease", "crohn disease"), ("gastro-esophageal", "gastro oesophageal"), ("Ménière's", "meniere"),
                            ("gallstones", "gallstone"), ("diverticulosis", "diverticulosis"), ("anaemia", "anemia")]:
            self.assertEqual(key(left), key(right))

    def test_words_in_s_stay(self):
        self.assertEqual(key("abscess tetanus cirrhosis"), "abscess tetanus cirrhosis")


class TitleExpansion(unittest.TestCase):
    CASES = [
        ("Essential (primary) hypertension", "essential hypertension"),
        ("Essential (primary) hypertension", "essential primary hypertension"),
        ("Asthma, unspecified", "asthma"),
        ("Crohn's disease [regional enteritis]", "regional enteritis"),
        ("Human immunodeficiency virus [HIV] disease", "hiv disease"),
        ("Type 2 diabetes mellitus without complications", "type 2 diabetes mellitus"),
        ("Type 2 diabetes mellitus without complications", "diabetes type ii"),
        ("Effusion, right knee", "right knee effusion"),
        ("Effusion, right knee", "effusion of right knee"),
        ("Carpal tunnel syndrome, left upper limb", "left carpal tunnel syndrome"),
        ("Spondylosis without myelopathy or radiculopathy, cervical region", "cervical spondylosis"),
        ("Fracture of unspecified part of neck of left femur", "fracture of neck of left femur"),
        ("Sprain of unspecified ligament of right ankle", "right ankle sprain"),
        ("Unspecified fracture of the lower end of right radius", "right distal radius fracture"),
        ("Calculus of kidney", "kidney stone"),
        ("Calculus of kidney", "renal calculus"),
        ("Malignant neoplasm of upper lobe, right bronchus or lung", "right upper lobe lung cancer"),
        ("Secondary malignant neoplasm of brain", "brain metastases"),
        ("Chronic kidney disease, stage 3 unspecified", "stage 3 chronic kidney disease"),
        ("Hemorrhage of anus and rectum", "rectal bleeding"),
        ("Hypo-osmolality and hyponatremia", "hyponatremia"),
        ("Sinus tachycardia NOS", "sinus tachycardia"),
        ("Nonrheumatic mitral (valve) insufficiency", "mitral regurgitation"),
        ("Occlusion and stenosis of right carotid artery", "right carotid artery stenosis"),
        ("Gastro-esophageal reflux disease without esophagitis", "gastroesophageal reflux disease"),
    ]

    def test_forms_that_a_note_uses(self):
        for title, wanted in self.CASES:
            with self.subTest(title=title, wanted=wanted):
                self.assertIn(wanted, forms(title))

    def test_every_form_is_sound(self):
        for title, _ in self.CASES:
            for form in forms(title):
                self.assertTrue(is_sound(form), form)

    def test_dangling_and_empty_words_are_refused(self):
        for form in ("fracture of", "with pain", "other disease", "renal", "ab", "a b c d e f g h i j k", "[mass]", "disease, unspecified"):
            self.assertFalse(is_sound(form), form)

    def test_a_form_of_a_tail_that_says_more_is_not_dropped(self):
        self.assertNotIn("chronic migraine", forms("Chronic migraine, not intractable, with status migrainosus"))


def small_tabular():
    """A tabular list of a few nodes, as the XML gives them."""
    def node(code, title, parent="", children=(), inclusion=(), seventh=None):
        return icd.Node(code, title, parent, list(children), list(inclusion), seventh or {})
    nodes = [
        node("E11", "Type 2 diabetes mellitus", children=["E11.8", "E11.9"]),
        node("E11.8", "Type 2 diabetes mellitus with unspecified complications", "E11"),
        node("E11.9", "Type 2 diabetes mellitus without complications", "E11"),
        node("H10", "Conjunctivitis", children=["H10.1", "H10.9"]),
        node("H10.1", "Acute atopic conjunctivitis", "H10"),
        node("H10.9", "Unspecified conjunctivitis", "H10"),
        node("S72", "Fracture of femur", children=["S72.0", "S72.9"]),
        node("S72.0", "Fracture of neck of femur", "S72", children=["S72.00"]),
        node("S72.00", "Fracture of unspecified part of neck of femur", "S72.0", children=["S72.001", "S72.009"]),
        node("S72.001", "Fracture of unspecified part of neck of right femur", "S72.00", seventh={"A": "initial", "D": "later"}),
        node("S72.009", "Fracture of unspecified part of neck of unspecified femur", "S72.00", seventh={"A": "initial", "D": "later"}),
        node("S72.9", "Unspecified fracture of femur", "S72", seventh={"A": "initial"}),
        node("R00", "Abnormal heart beat", children=["R00.0", "R00.8"]),
        node("R00.0", "Tachycardia", "R00", inclusion=["Abnormal heart beat NOS"]),
        node("R00.8", "Other abnormal heart beat", "R00"),
        node("F17", "Nicotine dependence", children=["F17.200"]),
        node("F17.200", "Nicotine dependence, unspecified, uncomplicated", "F17"),
    ]
    billable = {code: code for code in ("E11.8", "E11.9", "H10.1", "H10.9", "R00.0", "R00.8", "F17.200", "S72.001A", "S72.001D",
                                        "S72.009A", "S72.009D", "S72.9XXA")}
    named = {entry.code: entry for entry in nodes}
    titles = {code: named[code[:7].rstrip("X")].title if code[:7].rstrip("X") in named else named[code].title for code in billable}
    return icd.TabularList(named, titles)


class DefaultLeaf(unittest.TestCase):
    def test_resolver(self):
        tabular = small_tabular()
        for code, leaf in [("E11", "E11.9"), ("H10", "H10.9"), ("S72.0", "S72.009A"), ("S72.00", "S72.009A"), ("S72.001", "S72.001A"),
                           ("S72.9", "S72.9XXA"), ("R00", "R00.0"), ("E11.9", "E11.9"), ("F17", "F17.200"), ("Z99", None)]:
            with self.subTest(code=code):
                self.assertEqual(tabular.default_leaf(code), leaf)

    def test_an_override_must_be_billable(self):
        tabular = small_tabular()
        with self.assertRaises(ValueError):
            icd.TabularList(tabular.nodes, tabular.billable, {"E11": "E11"})


class TermMerging(unittest.TestCase):
    def test_best_source_first_and_others_as_alternatives(self):
        table = diagnoses.TermTable(small_tabular(), {"pain"})
        table.claim("Heart racing", ["R00.8"], "doid")
        table.claim("heart-racing", ["R00.0"], "icd10cm_title")
        table.claim("pain", ["R00.0"], "icd10cm_title")
        self.assertEqual(table.rows(), [("heart-racing", "R00.0|R00.8", "icd10cm_title", diagnoses.RANK["icd10cm_title"])])

    def test_a_tumor_is_not_made_malignant(self):
        self.assertTrue(diagnoses.overstates("ovarian neoplasm", "C56.9"))
        self.assertFalse(diagnoses.overstates("ovarian cancer", "C56.9"))


class MedicationNames(unittest.TestCase):
    ROWS = [
        {"rxcui": "11289", "tty": "IN", "name": "warfarin", "unii": "5Q7ZVV76EI"},
        {"rxcui": "114194", "tty": "PIN", "name": "warfarin sodium", "unii": ""},
        {"rxcui": "6918", "tty": "IN", "name": "metoprolol", "unii": ""},
        {"rxcui": "221124", "tty": "PIN", "name": "metoprolol succinate", "unii": ""},
        {"rxcui": "40254", "tty": "IN", "name": "valproate", "unii": ""},
        {"rxcui": "266856", "tty": "PIN", "name": "divalproex sodium", "unii": ""},
        {"rxcui": "161", "tty": "IN", "name": "acetaminophen", "unii": ""},
        {"rxcui": "5489", "tty": "IN", "name": "hydrocodone", "unii": ""},
        {"rxcui": "4099", "tty": "IN", "name": "estrogens, conjugated (USP)", "unii": ""},
        {"rxcui": "214614", "tty": "MIN", "name": "acetaminophen / hydrocodone", "unii": ""},
    ]

    def setUp(self):
        self.ingredients = medications.Ingredients(self.ROWS, [["266856", "40254"]])

    def test_precise_ingredients_resolve(self):
        for rxcui, wanted in [("114194", "11289"), ("221124", "6918"), ("266856", "40254"), ("6918", "6918"), ("214614", None)]:
            self.assertEqual(self.ingredients.resolve(rxcui), wanted)

    def test_names_resolve(self):
        for name, wanted in [("Warfarin Sodium", "11289"), ("metoprolol tartrate", "6918"), ("conjugated estrogens", "4099"),
                             ("hydrocodone bitartrate", "5489"), ("sodium", None)]:
            self.assertEqual(self.ingredients.resolve_name(name), wanted)

    def test_clinical_drug_names(self):
        self.assertEqual(
            medications.parse_clinical_drug("acetaminophen 325 MG / hydrocodone bitartrate 5 MG Oral Tablet [Norco]"),
            ([("acetaminophen", "325 MG"), ("hydrocodone bitartrate", "5 MG")], "Oral Tablet", "Norco"))
        self.assertEqual(medications.parse_clinical_drug("3 ML insulin lispro 100 UNT/ML Pen Injector"),
                         ([("insulin lispro", "100 UNT/ML")], "Pen Injector", ""))
        self.assertEqual(medications.parse_clinical_drug("24 HR metoprolol succinate 50 MG Extended Release Oral Tablet")[1],
                         "Extended Release Oral Tablet")
        self.assertIsNone(medications.parse_clinical_drug("hydrogel"))

    def test_synonyms_that_no_english_note_holds_are_refused(self):
        for name, useful in [("salbutamol", True), ("Warfarine", False), ("Cetuximabum", False), ("(2S)-2-amino", False), ("APAP", False)]:
            ingredient = {"Warfarine": "warfarin", "Cetuximabum": "cetuximab"}.get(name, "other")
            self.assertEqual(medications.is_useful_synonym(name, ingredient), useful, name)


class AllergenCategories(unittest.TestCase):
    def test_categories(self):
        for display, category in [("Peanut", "food"), ("Bee venom", "environment"), ("Influenza virus antigen-containing vaccine product", "biologic"),
                                  ("Iodinated contrast media", "medication"), ("Cat dander", "environment")]:
            self.assertEqual(allergens.category_of(display), category)


class Tables(unittest.TestCase):
    def test_bytes_depend_on_the_rows_alone(self):
        first = table_bytes(("a", "b"), [("x", 1)])
        self.assertEqual(first, table_bytes(("a", "b"), [("x", 1)]))
        self.assertEqual(gzip.decompress(first), b"a\tb\nx\t1\n")

    def test_tabs_and_missing_values_are_refused(self):
        for row in [("x\ty", 1), ("x\ny", 1), ("x",)]:
            with self.assertRaises(ValueError):
                table_bytes(("a", "b"), [row])

    def test_what_stands_here_is_consistent(self):
        if not (TABLES / "icd10cm.tsv.gz").exists():
            self.skipTest("no tables compiled")
        codes = {row["code"]: row["billable"] for row in read_tsv(TABLES / "icd10cm.tsv.gz")}
        self.assertEqual(sum(flag == "1" for flag in codes.values()), icd.BILLABLE_COUNT)
        keys = set()
        for row in read_tsv(TABLES / "diagnosis_terms.tsv.gz"):
            self.assertNotIn(key(row["term"]), keys)
            keys.add(key(row["term"]))
            alternatives = row["codes"].split("|")
            self.assertLessEqual(len(alternatives), diagnoses.MOST_ALTERNATIVES)
            for code in "+".join(alternatives).split("+"):
                self.assertEqual(codes.get(code), "1", row)
        names = {row["rxcui"] for row in read_tsv(TABLES / "unii.tsv.gz")}
        self.assertTrue(names)
        self.assertLess(sum(path.stat().st_size for path in TABLES.rglob("*") if path.is_file()), 9_000_000)

    @unittest.skipUnless((SHARED / "vocabularies").is_dir(), "the releases are not beside the repository")
    def test_recompiling_gives_the_same_bytes(self):
        for name, rows in compiler.compile_tables(SHARED / "vocabularies").items():
            with self.subTest(table=name):
                self.assertEqual((TABLES / name).read_bytes(), table_bytes(compiler.COLUMNS[name], rows))


if __name__ == "__main__":
    unittest.main()
