"""The comparison key of a surface form.

The same folding as the Rust loader applies to notes and terms: lower case, no
accents, no possessive, hyphen and punctuation as space, simple plurals and
British spelling folded. Used here to merge duplicates and to join sources.
"""

import re
import unicodedata
from functools import lru_cache

BRITISH_SPELLING = [
    ("oesoph", "esoph"), ("oedema", "edema"), ("haem", "hem"), ("anaem", "anem"), ("aemia", "emia"),
    ("tumour", "tumor"), ("paed", "ped"), ("caes", "ces"), ("rrhoea", "rrhea"), ("foet", "fet"),
    ("gynaec", "gynec"), ("coeliac", "celiac"), ("caec", "cec"), ("faec", "fec"), ("aetio", "etio"),
    ("oestr", "estr"), ("ischaem", "ischem"), ("colour", "color"), ("behaviour", "behavior"),
    ("fibre", "fiber"), ("sulph", "sulf"), ("anaesth", "anesth"), ("leucocyt", "leukocyt"),
    ("dyspnoea", "dyspnea"), ("apnoea", "apnea"), ("labour", "labor"), ("naev", "nev"),
    ("ageing", "aging"), ("isation", "ization"), ("litre", "liter"), ("centre", "center"),
]


def fold_accents(text):
    """Drop the marks of accented letters."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def singular(word):
    """Fold a simple plural; words in -ss, -us and -is stay as they are."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=None)
def key(text):
    """The comparison key of a surface form."""
    text = fold_accents(text).lower().replace("\u2019", "'").replace("\u2018", "'")
    text = re.sub(r"'s\b|(?<=s)'(?=\s|$)", "", text).replace("'", "")
    for british, american in BRITISH_SPELLING:
        text = text.replace(british, american)
    return " ".join(singular(word) for word in re.findall(r"[a-z0-9%+&.]+", text.replace(". ", " ").rstrip(".")))
