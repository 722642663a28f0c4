"""Surface forms of diagnoses with their codes, from all sources."""

import re
import xml.etree.ElementTree as ElementTree
import gzip
from collections import defaultdict

from normalise import key
from surface_forms import SITE_ADJECTIVES, exchanged_forms, is_sound, tidy, title_forms
from tables import read_hand_table, read_tsv

# Best first. The rank of a row is the place of its best source here.
SOURCES = ["correction", "icd10cm_title", "icd10cm_category", "icd10cm_inclusion", "icd10cm_variant", "doid", "mondo",
           "neoplasm_table", "index_see", "doid_narrow", "snomed"]
RANK = {source: number for number, source in enumerate(SOURCES)}
MOST_ALTERNATIVES = 5

# Codes that must not stand alone: a condition with its companion, when no stage or type is documented.
COMPANIONS = {
    "E08.22": ["N18.9"], "E09.22": ["N18.9"], "E10.22": ["N18.9"], "E11.22": ["N18.9"], "E13.22": ["N18.9"],
    "I11.0": ["I50.9"], "I12.9": ["N18.9"], "I13.0": ["I50.9", "N18.9"], "I13.10": ["N18.9"],
}
# External causes are not diagnoses; encounters are not conditions.
EXCLUDED_CHAPTER = re.compile(r"^[V-Y]")
EXCLUDED_TITLE = re.compile(
    r"diseases classified elsewhere|^encounter for|underdosing|^adverse effect of|^problems? related to|^contact with|"
    r"^sequelae of|^body mass index|^personal history of certain|^other specified|undetermined|intentional self-harm|assault|"
    r"^presence of|^acquired absence of|^counseling|^screening|^examination|^blood alcohol|^nihss|^family history of other|"
    r"^symptoms and signs|^abnormal findings|^complications of|^injury of other|^other and unspecified injur", re.IGNORECASE)


class TermTable:
    """Collects claims "this form means this code" and settles them into one row per comparison key."""

    def __init__(self, tabular, dropped):
        self.tabular = tabular
        self.dropped = dropped
        self.claims = defaultdict(list)

    def claim(self, form, codes, source, cost=0):
        """Record that `form` means `codes` (best first; each resolved to its default leaf)."""
        form = tidy(form.lower().replace("\u2019", "'"))
        form_key = key(form)
        if not is_sound(form) or form_key in self.dropped or len(form_key) < 3:
            return
        leaves = [self.tabular.default_leaf(code) for code in codes]
        leaves = list(dict.fromkeys(leaf for leaf in leaves if leaf and not self._is_manifestation(leaf)))
        if leaves:
            self.claims[form_key].append((RANK[source], cost, form, leaves, source, len(codes[0])))

    def _is_manifestation(self, leaf):
        return "classified elsewhere" in self.tabular.billable[leaf].lower()

    def rows(self):
        """One row per comparison key: term, codes, source, rank."""
        rows = []
        for form_key in sorted(self.claims):
            claims = sorted(self.claims[form_key], key=self._order)
            rank, _, form, _, source, _ = claims[0]
            codes = list(dict.fromkeys(code for claim in claims for code in claim[3]))[:MOST_ALTERNATIVES]
            together = ["+".join([code, *COMPANIONS.get(code, [])]) for code in codes]
            rows.append((form, "|".join(together), source, rank))
        return sorted(rows)

    def _order(self, claim):
        rank, cost, form, leaves, _, code_length = claim
        title = self.tabular.billable[leaves[0]].lower()
        sided = bool(re.search(r"\bright\b|\bleft\b|\bbilateral\b", title)) and not re.search(r"right|left|bilateral", form)
        return (rank, cost, sided, "other" in title, code_length, leaves[0], form)


def dropped_terms():
    """Comparison keys of the terms that we never want, by hand."""
    return {key(row["term"]) for row in read_hand_table("dropped_terms.tsv")}


def add_corrections(table):
    """Terms whose source code is not what a coder would assign, by hand."""
    for row in read_hand_table("term_corrections.tsv"):
        table.claim(row["term"], row["codes"].split("|"), "correction")


def add_tabular(table):
    """Titles, categories and inclusion terms of the tabular list."""
    tabular = table.tabular
    for code in sorted(tabular.nodes):
        node = tabular.nodes[code]
        if EXCLUDED_CHAPTER.match(code) or node.placeholder or EXCLUDED_TITLE.search(node.title):
            continue
        own = "icd10cm_category" if node.children else "icd10cm_title"
        if not node.title.lower().startswith(("other ", "certain ")) or node.title.lower().startswith("other and unspecified"):
            for form, cost in title_forms(node.title):
                table.claim(form, [code], own if cost == 0 else "icd10cm_variant", cost)
        for term in node.inclusion_terms:
            for form, cost in inclusion_forms(term):
                table.claim(form, [code], "icd10cm_inclusion" if cost == 0 else "icd10cm_variant", cost)


def inclusion_forms(term):
    """Forms of an inclusion term; references to other codes and lists of conditions give none."""
    if re.search(r"\([A-Z]\d\d|conditions? in|conditions? classifiable|diseases classified|any condition|:$", term):
        return []
    term = re.sub(r"^other ", "", term, flags=re.IGNORECASE)
    return [(form, cost) for form, cost in title_forms(term)]


def add_doid(table, path):
    """Labels and synonyms of the Human Disease Ontology with their cross references."""
    codes_of = defaultdict(list)
    rows = list(read_tsv(path))
    for row in rows:
        if "-" not in row["icd10cm"] and row["icd10cm"] not in codes_of[row["doid"]]:
            codes_of[row["doid"]].append(row["icd10cm"])
    for row in rows:
        term = row["term"].strip()
        if row["kind"] not in ("label", "Exact", "Narrow", "Broad") or is_symbol(term) or not codes_of[row["doid"]]:
            continue
        term_words = set(key(term).split())
        codes = sorted(codes_of[row["doid"]], key=lambda code: (-overlap(term_words, table.tabular.title(code)), code))
        source = "doid" if row["kind"] in ("label", "Exact") else "doid_narrow"
        codes = [code for code in codes if not overstates(term, code)]
        for form, cost in ontology_forms(term):
            table.claim(form, codes, source, cost)


def overstates(term, code):
    """Whether a code says "malignant" of a tumor that the term leaves open."""
    return code.startswith("C") and bool(re.search(r"\b(neoplasm|tumou?r|mass)s?\b", term.lower())) and not re.search(
        r"malignan|cancer|metasta|wilms|ewing|krukenberg|germ cell|yolk|klatskin|pancoast", term.lower())


def overlap(words, title):
    """Share of words that a term and a title have in common."""
    title_words = set(key(title or "").split())
    return round(len(words & title_words) / max(1, len(words | title_words)), 3)


def is_symbol(term):
    """A gene-like or all-capitals name ("DFNB27", "ALS"), or a numbered subtype; abbreviations are a table of their own."""
    return bool(re.fullmatch(r"[A-Z0-9-]{1,8}[a-z]?[A-Z0-9-]*", term) or re.search(r"\b\d{2,}[A-Z]?$|\b[A-Z]{3,}\d+[A-Z]?\b", term)
                or re.search(r"autosomal (dominant|recessive)|X-linked .* \d+$", term))


def ontology_forms(term):
    """An ontology name: comma inversions turned round, "(disorder)" and remarks dropped."""
    term = tidy(re.sub(r"\((?:disorder|disease|finding|morphologic abnormality|situation)\)", "", term))
    term = re.sub(r"\s*\[[^\]]*\]|\s*\(?\bNOS\b\)?", "", term)
    if term.count(",") > 1 or re.search(r"\b(or|AND/OR)\b", term):
        return [(tidy(term), 0)]
    match = re.fullmatch(r"([^,]+), ([^,]+)", term)
    forms = [(tidy(re.sub(r"\s*\([^)]*\)", "", term)), 0)]
    if match and len(match.group(2).split()) <= 2:
        forms.append((f"{match.group(2)} {match.group(1)}", 1))
    return forms + [(form, cost + 1) for start, _ in list(forms) for form, cost in exchanged_forms(start.lower())]


def add_mondo(table, folder):
    """Mondo labels with their exact ICD-10-CM match; returns SNOMED id -> codes for the join below."""
    codes_of = {}
    for row in read_tsv(folder / "mondo_exactmatch_icd10cm.sssom.tsv.gz"):
        code = row["object_id"].removeprefix("ICD10CM:")
        if table.tabular.default_leaf(code) is None:
            continue
        codes_of[row["subject_id"]] = code
        for name in (row["subject_label"], row["object_label"]):
            if not is_symbol(name) and not overstates(name, code):
                for form, cost in ontology_forms(name):
                    table.claim(form, [code], "mondo", cost)
    joined = defaultdict(list)
    for row in read_tsv(folder / "mondo_exactmatch_sctid.sssom.tsv.gz"):
        if row["subject_id"] in codes_of:
            joined[row["object_id"].removeprefix("SCTID:")].append(codes_of[row["subject_id"]])
    return joined


def neoplasm_terms(path):
    """(path of titles, cells by column) of every line of the Table of Neoplasms."""
    with gzip.open(path) as stream:
        root = ElementTree.parse(stream).getroot()

    def title_of(element):
        title = element.find("title")
        text = "".join(part for part in [title.text or "", *((child.tail or "") for child in title)])
        return tidy(re.sub(r"\([^)]*\)|\bNEC\b|\*|#|\u25c6", "", text))

    def visit(element, above):
        path_here = [*above, title_of(element)]
        yield path_here, {cell.get("col"): (cell.text or "").strip() for cell in element.findall("cell")}
        for child in element.findall("term"):
            yield from visit(child, path_here)

    for term in root.find("letter").find("mainTerm").findall("term"):
        yield from visit(term, [])


# Words for the whole site in both orders; for a part of a site only the everyday ones.
SITE_WORDS = {"2": ("malignant neoplasm", "cancer", "carcinoma", "adenocarcinoma", "malignancy", "malignant tumor", "ca"),
              "3": ("metastasis", "metastases", "metastatic disease", "metastatic cancer", "secondary malignant neoplasm"),
              "4": ("carcinoma in situ",), "5": ("benign neoplasm", "benign tumor"),
              "7": ("neoplasm", "tumor")}
PART_WORDS = {"2": ("malignant neoplasm", "cancer", "carcinoma"), "3": ("metastasis", "metastases")}


def add_neoplasms(table, path):
    """The Table of Neoplasms: site and behaviour to code, in natural words."""
    for titles, cells in neoplasm_terms(path):
        if len(titles) > 2 or any(re.search(r"\bsee\b|specified|overlapping|contiguous|\band\b|\bor\b", title) for title in titles):
            continue
        whole = len(titles) == 1
        for column, words in (SITE_WORDS if whole else PART_WORDS).items():
            code = cells.get(column, "-").rstrip("-")
            if not code:
                continue
            for above in titles[0].lower().split(", "):
                for word in words:
                    for form in neoplasm_phrases(word, above, None if whole else titles[1].lower()):
                        table.claim(form, [code], "neoplasm_table", int(word in ("ca", "adenocarcinoma", "tumor")))


def neoplasm_phrases(word, site, part):
    """A neoplasm of a site, or of a part of it, as it is said."""
    if part is None:
        names = [site, *SITE_ADJECTIVES.get(site, [])]
        return [*(f"{name} {word}" for name in names), f"{word} of {site}", *([f"{word} to {site}"] if word.startswith("metasta") else [])]
    return [f"{part} {site} {word}", f"{word} of {part} of {site}", f"{word} of {site} {part}"]


def add_index_see(table, path):
    """Main terms of the Index that only refer to another term; subterms on their own say too little."""
    for row in read_tsv(path):
        term, code = row["term"].strip(), row["icd10cm"]
        if not re.match(r"[A-Z]", term) or "-" in code or code.startswith("O") or re.search(r"\bor\b|\bNEC\b|,", term):
            continue
        if not re.search(r"\s|[a-z]{6}", term) or re.search(r"[a-z](disease|breast|thrombopathy)\b", term.replace(" disease", "")):
            continue
        table.claim(term, [code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"], "index_see")


STOPWORDS = {"of", "the", "in", "and", "with", "to", "due", "by", "a", "an", "caused", "region", "structure", "on"}


def add_snomed(table, vocabularies, joined):
    """SNOMED names joined through Mondo, and names that hold the same words as a form that we have."""
    bags = defaultdict(list)
    for form_key, claims in sorted(table.claims.items()):
        best = min(claims, key=lambda claim: claim[:3])
        bags[word_bag(form_key)].append((best[0], best[1], best[3]))
    names = []
    for file in ("snomed-ips/Problems.tsv.gz", "snomed-gps/gps_2020.tsv.gz"):
        for row in read_tsv(vocabularies / file):
            display = row["display"]
            match = re.search(r" \(([a-z /]+)\)$", display)
            if match and match.group(1) not in ("disorder", "finding"):
                continue
            names.append((row["sctid"], re.sub(r" \([a-z /]+\)$", "", display)))
    for concept, name in names:
        if re.search(r"^(history|family history|no |at risk|able|unable|absence of|does|has |finding|on examination|normal)\b", name.lower()):
            continue
        if concept in joined:
            table.claim(name, joined[concept], "snomed", 0)
            continue
        bag = word_bag(key(name))
        if len(bag) > 1 and bag in bags:
            table.claim(name, min(bags[bag], key=lambda claim: claim[:2])[2], "snomed", 1)


def word_bag(form_key):
    """The content words of a comparison key, regardless of their order."""
    return tuple(sorted({word for word in form_key.split() if word not in STOPWORDS}))


def rows(tabular, vocabularies):
    """The rows of diagnosis_terms.tsv."""
    table = TermTable(tabular, dropped_terms())
    add_corrections(table)
    add_tabular(table)
    add_doid(table, vocabularies / "doid" / "doid_icd10cm_terms.tsv.gz")
    joined = add_mondo(table, vocabularies / "mondo")
    add_neoplasms(table, next(iter(sorted((vocabularies / "icd10cm-index").glob("icd10cm-neoplasm-*.xml.gz")))))
    add_index_see(table, vocabularies / "icd10cm-index" / "index_see_resolved.tsv")
    add_snomed(table, vocabularies, joined)
    return table.rows()
