"""The ICD-10-CM tabular list: its tree, its billable codes, its default leaves."""

import gzip
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from normalise import key
from tables import read_tsv

BILLABLE_COUNT = 74_719


@dataclass
class Node:
    """One category, subcategory or code of the tabular list, before the seventh character."""

    code: str
    title: str
    parent: str
    children: list = field(default_factory=list)
    inclusion_terms: list = field(default_factory=list)
    seventh_characters: dict = field(default_factory=dict)
    placeholder: bool = False


class TabularList:
    """The tree of nodes, the billable codes and the way from any node to its default leaf."""

    def __init__(self, nodes, billable, overrides=()):
        self.nodes = nodes
        self.billable = billable
        self.overrides = dict(overrides)
        self._leaves = {}
        for code, leaf in self.overrides.items():
            if code in nodes and leaf not in billable:
                raise ValueError(f"the default leaf of {code} is not billable: {leaf}")

    def title(self, code):
        """The full title of a code, or None when it does not exist."""
        if code in self.billable:
            return self.billable[code]
        node = self.nodes.get(code)
        return node.title if node else None

    def default_leaf(self, code):
        """The billable code that stands for `code` when nothing more is documented, or None."""
        if code in self.billable:
            return code
        if code not in self._leaves:
            self._leaves[code] = self._find_default_leaf(code)
        return self._leaves[code]

    def _find_default_leaf(self, code):
        code = code.rstrip("-").rstrip(".")
        if code in self.billable:
            return code
        if code in self.overrides:
            return self.overrides[code]
        node = self.nodes.get(code)
        if node is None:
            return None
        if not node.children:
            return self._with_seventh_character(node)
        named = self._leaf_named_by_inclusion_term(node)
        if named:
            return named
        best = min(node.children, key=lambda child: self._default_cost(node, self.nodes[child]))
        return self.default_leaf(best)

    def _with_seventh_character(self, node):
        """A leaf of the tree with its seventh character: initial encounter, or "unspecified"."""
        padded = node.code if "." in node.code else node.code + "."
        padded = padded.ljust(7, "X")
        for character in ("A", "0", *sorted(node.seventh_characters)):
            if character in node.seventh_characters and padded + character in self.billable:
                return padded + character
        return None

    def _leaf_named_by_inclusion_term(self, node):
        """A leaf below `node` with the inclusion term "<title of node> NOS"."""
        wanted = {key(node.title), key(re.sub(r" \[.*?\]| \(.*?\)", "", node.title))}
        found = []
        for leaf in self.leaves_below(node.code):
            for term in leaf.inclusion_terms:
                if re.search(r",? NOS$", term) and key(re.sub(r",? NOS$", "", term)) in wanted:
                    found.append(leaf.code)
        return self.default_leaf(min(found)) if found else None

    def leaves_below(self, code):
        """The nodes without children below a node (itself, when it has none)."""
        node = self.nodes[code]
        if not node.children:
            yield node
        for child in node.children:
            yield from self.leaves_below(child)

    @staticmethod
    def _default_cost(parent, child):
        """How far a child is from what its parent means when nothing more is said (lower = nearer)."""
        title = child.title.lower()
        last = child.code[-1]
        cost = 50
        if key(title) == key(parent.title):
            cost = 0
        elif key(re.sub(r",? ?\bunspecified\b,?", " ", title)) == key(re.sub(r",? ?\bunspecified\b,?", " ", parent.title.lower())):
            cost = 1
        elif re.search(r"\bunspecified\b", title) and not re.search(r"\bother\b", title):
            cost = 5 if last == "9" else 6
            cost += 6 if re.search(r"\bwith (?!unspecified)", title) and " with " not in parent.title.lower() else 0
        elif re.search(r"\bunspecified\b", title):
            cost = 12
        elif re.search(r"\bwithout\b|\buncomplicated\b|not intractable", title):
            cost = 20
        elif last == "9" and not title.startswith("other"):
            cost = 22
        elif title.startswith("other"):
            cost = 40 if last in "89" else 45
        if re.search(r"\bright\b|\bleft\b|\bbilateral\b", title) and not re.search(r"\bright\b|\bleft\b|\bbilateral\b", parent.title.lower()):
            cost += 4
        if "with unspecified" in title:
            cost += 18
        # a complication that the parent does not name
        elif len(re.findall(r"\bwith\b", title)) > len(re.findall(r"\bwith\b", parent.title.lower())) and cost >= 20:
            cost += 9
        extra = set(key(re.sub(r"\bunspecified \w+|\bunspecified\b", " ", title)).split()) - set(key(parent.title).split())
        return (cost, len(extra), -(last == "9"), child.code)


def parse_tabular(path):
    """The nodes of the tabular XML, by code. Seventh characters are inherited from above."""
    with gzip.open(path) as stream:
        root = ElementTree.parse(stream).getroot()
    nodes = {}

    def text_of(element):
        return " ".join("".join(element.itertext()).split())

    def visit(diag, parent, inherited):
        definition = diag.find("sevenChrDef")
        if definition is not None:
            inherited = {e.get("char"): text_of(e) for e in definition.findall("extension")}
        node = Node(diag.findtext("name").strip(), text_of(diag.find("desc")), parent,
                    seventh_characters=inherited, placeholder=diag.get("placeholder") == "true")
        for tag in ("inclusionTerm", "includes"):
            node.inclusion_terms += [(text_of(n)) for e in diag.findall(tag) for n in e.findall("note")]
        if node.code in nodes:
            raise ValueError(f"{node.code} stands twice in the tabular list")
        nodes[node.code] = node
        if parent:
            nodes[parent].children.append(node.code)
        for child in diag.findall("diag"):
            visit(child, node.code, inherited)

    for chapter in root.findall("chapter"):
        for section in chapter.findall("section"):
            for diag in section.findall("diag"):
                visit(diag, "", {})
    return nodes


def load(vocabularies, overrides=()):
    """The tabular list of the release under `vocabularies`."""
    folder = vocabularies / "icd10cm"
    nodes = parse_tabular(next(iter(sorted(folder.glob("icd10cm-tabular-*.xml.gz")))))
    billable = {row["code"]: row["desc"] for row in read_tsv(folder / "billable.tsv.gz")}
    if len(billable) != BILLABLE_COUNT:
        raise ValueError(f"{len(billable)} billable codes, {BILLABLE_COUNT} expected")
    return TabularList(nodes, billable, overrides)


def code_rows(tabular):
    """Rows of icd10cm.tsv: every category, subcategory and code, sorted by code."""
    rows = {code: (code, 1, title) for code, title in tabular.billable.items()}
    for code, node in tabular.nodes.items():
        rows.setdefault(code, (code, 0, node.title))
    return [rows[code] for code in sorted(rows)]
