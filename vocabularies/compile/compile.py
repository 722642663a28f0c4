#!/usr/bin/env python3
"""Compile the vocabulary tables from the releases.

    python3 vocabularies/compile/compile.py --shared ../shared

reads `<shared>/vocabularies` and writes the gzip TSV tables into `vocabularies/`.
The same releases give the same bytes. `--check` writes nothing and fails when a
table differs from what stands there. Standard library only.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import allergens  # noqa: E402
import diagnoses  # noqa: E402
import icd  # noqa: E402
import medications  # noqa: E402
import tabular_notes  # noqa: E402
from tables import read_hand_table, table_bytes  # noqa: E402

COLUMNS = {
    "icd10cm.tsv.gz": ("code", "billable", "title"),
    "diagnosis_terms.tsv.gz": ("term", "codes", "source", "rank"),
    "medications.tsv.gz": ("term", "kind", "ingredients", "display", "brand_rxcui", "source", "case_guard"),
    "clinical_drugs.tsv.gz": ("rxcui", "tty", "name", "ingredients", "brand_rxcui", "strength", "form"),
    "allergen_concepts.tsv.gz": ("term", "system", "code", "display", "category"),
    "unii.tsv.gz": ("rxcui", "unii"),
    "icd10cm_notes.tsv.gz": ("code", "kind", "note"),
    "icd10cm_blocks.tsv.gz": ("range", "chapter", "title", "also"),
    "hcc.tsv.gz": ("code", "v24", "v28"),
}


def compile_tables(vocabularies):
    """The rows of every table, by file name."""
    overrides = {row["code"]: row["leaf"] for row in read_hand_table("default_leaves.tsv")}
    tabular = icd.load(vocabularies, overrides)
    ingredients = medications.load_ingredients(vocabularies)
    medication_rows, more_uniis = medications.medication_rows(vocabularies, ingredients)
    return {
        "icd10cm.tsv.gz": icd.code_rows(tabular),
        "diagnosis_terms.tsv.gz": diagnoses.rows(tabular, vocabularies),
        "medications.tsv.gz": medication_rows,
        "clinical_drugs.tsv.gz": medications.clinical_drugs(vocabularies, ingredients),
        "allergen_concepts.tsv.gz": allergens.rows(vocabularies, frozenset(ingredients.by_name)),
        "unii.tsv.gz": medications.unii_rows(ingredients, more_uniis),
        "icd10cm_notes.tsv.gz": tabular_notes.note_rows(vocabularies, tabular),
        "icd10cm_blocks.tsv.gz": tabular_notes.block_rows(vocabularies),
        "hcc.tsv.gz": tabular_notes.hcc_rows(vocabularies, tabular),
    }


def main():
    """Parse the arguments, compile, write or compare."""
    parser = argparse.ArgumentParser(description="Compile the vocabulary tables from the releases.")
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds vocabularies/ with the releases")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent, help="where the tables go")
    parser.add_argument("--check", action="store_true", help="compare with the tables that are there, write nothing")
    arguments = parser.parse_args()
    differing = 0
    for name, rows in compile_tables(arguments.shared / "vocabularies").items():
        packed = table_bytes(COLUMNS[name], rows)
        target = arguments.output / name
        if arguments.check:
            same = target.exists() and target.read_bytes() == packed
            differing += not same
            print(f"{name}: {'same' if same else 'differs'}")
        else:
            target.write_bytes(packed)
            print(f"{name}: {len(rows)} rows, {len(packed)} bytes")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
