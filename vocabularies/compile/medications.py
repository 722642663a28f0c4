"""Medication names, clinical drugs and UNII codes from RxNorm, RxTerms, the Orange Book and DrugBank."""

import re
from collections import Counter, defaultdict

from normalise import key
from surface_forms import tidy
from tables import read_csv, read_hand_table, read_tsv

KINDS = ["ingredient", "brand", "legacy_brand", "synonym"]
UNITS = (r"(?:MG|MCG|UNT|MEQ|ML|MMOL|G|BAU|AU|PNU|CELLS|ACTUAT|MCI|HR|KG|%|IR|VECTOR-GENOMES|MIN|SQCM|TUBERCULIN UNT|"
         r"AMB A 1 UNT|LFU|PFU|EUNT|FFU|CFU|KALLIKREIN INHIBITOR UNT|NMOL|PPM|IU|L)")
STRENGTH = rf"\d[\d.,]*(?:E\d+)? {UNITS}(?:/(?:\d+ )?{UNITS})?"
QUANTITY = re.compile(rf"^\d[\d.]* (?:ML|HR|ACTUAT|MG|G|MIN|SQCM|UNT)\b ")
# Allergenic extracts and antigens: in RxNorm, but not medicines that a note lists.
NOT_MEDICINES = re.compile(r"pollen|allergenic extract|dander|epithelium|venom protein|antigen$|fungus extract|"
                           r"smut|spore|feather extract|homeopathic|whole extract", re.IGNORECASE)
ORDINARY_BRAND = re.compile(
    r"\b(?:sunscreen|spf|sanitizer?|soap|shampoo|tooth\w*|rinse|lips?|baby|kids?|children\S*|infants?\S*|cleans\w+|wash|wipes?|deodorant|"
    r"\w*perspirant|makeup|powder|sports?|diaper|hand|foot|body|butt|skin|relief|formula|plastic|reformulated|brand|dental|kit|pack|"
    r"cough|throat|sore|lotion|spray|moistur\w+|acne|itch|defense|solution|drops|southern|20\d\d\S*|irrigat\w+|electrolytes|daily|night|"
    r"day|sinus|maximum|strength|care|protect\w*|comfort|healthy|scrub\w*|sponge\w*|blemish|gum|lozenges?|tablets?)\b", re.IGNORECASE)
MOST_BRAND_INGREDIENTS = 6
NOT_AN_ABBREVIATION = {"pot", "k+", "ms", "tac", "pen", "cannabis", "marijuana", "mom", "felt", "icnz", "enx", "vitamin", "folic", "dideoxyinosine,"}


class Ingredients:
    """RxNorm ingredients (IN) and the way to them from precise ingredients (PIN) and from names."""

    def __init__(self, rows, single_drugs=(), corrections=()):
        self.names = {row["rxcui"]: row["name"].lower() for row in rows if row["tty"] == "IN"}
        self.unii = {row["rxcui"]: row["unii"] for row in rows if row["tty"] == "IN" and row.get("unii")}
        self.precise = {row["rxcui"]: row["name"].lower() for row in rows if row["tty"] == "PIN"}
        self.precise_unii = {row["rxcui"]: row["unii"] for row in rows if row["tty"] == "PIN" and row.get("unii")}
        self.by_name = {}
        for rxcui in sorted(self.names, key=int):
            for form in ingredient_forms(self.names[rxcui]):
                self.by_name.setdefault(key(form), rxcui)
        self.of_precise = {}
        self._map_precise(single_drugs, dict(corrections))

    def _map_precise(self, single_drugs, corrections):
        together = defaultdict(Counter)
        for rxcuis in single_drugs:
            present = [rxcui for rxcui in rxcuis if rxcui in self.names]
            if len(present) == 1:
                for rxcui in rxcuis:
                    if rxcui in self.precise:
                        together[rxcui][present[0]] += 1
        for rxcui, name in self.precise.items():
            found = self.by_name.get(key(corrections[name])) if name in corrections else self.by_prefix(name)
            if not found and together[rxcui]:
                found = min(together[rxcui].items(), key=lambda item: (-item[1], int(item[0])))[0]
            if found:
                self.of_precise[rxcui] = found
        for rxcui in sorted(self.of_precise, key=int):
            self.by_name.setdefault(key(self.precise[rxcui]), self.of_precise[rxcui])

    def by_prefix(self, name):
        """The ingredient whose name opens a longer one: "warfarin sodium" -> warfarin."""
        words = re.sub(r"-[a-z]{4}\b", "", name.lower()).split()
        for length in range(len(words), 0, -1):
            found = self.by_name.get(key(" ".join(words[:length])))
            if found:
                return found
        return None

    def resolve(self, rxcui):
        """The IN of an IN or PIN; None for a MIN or an unknown id."""
        return rxcui if rxcui in self.names else self.of_precise.get(rxcui)

    def resolve_name(self, name):
        """The IN of an ingredient or salt name."""
        return self.by_name.get(key(name)) or self.by_prefix(name)

    def display(self, rxcuis):
        """The ingredient names of a set, joined."""
        return "+".join(self.names[rxcui] for rxcui in rxcuis)


def ingredient_forms(name):
    """RxNorm's name and how it is written: "estrogens, conjugated (USP)" -> "conjugated estrogens"."""
    plain = tidy(re.sub(r"\s*\(usp\)|, usp$|, human$|, usp\b|, synthetic$", "", name, flags=re.IGNORECASE))
    forms = [name, plain]
    parts = plain.split(", ")
    if len(parts) == 2:
        forms.append(f"{parts[1]} {parts[0]}")
        forms.append(f"{parts[0]} {parts[1]}")
    return list(dict.fromkeys(forms))


def parse_clinical_drug(name):
    """(components as (name, strength), dose form, brand) of a clinical drug name, or None."""
    brand = re.search(r" \[([^\]]+)\]$", name)
    text = name[:brand.start()] if brand else name
    text = QUANTITY.sub("", QUANTITY.sub("", text))
    pieces = text.split(" / ")
    components = []
    form = ""
    for number, piece in enumerate(pieces):
        match = re.fullmatch(rf"(.+?) ({STRENGTH})(?: (.+))?", piece)
        if not match or (match.group(3) and number < len(pieces) - 1):
            return None
        components.append((match.group(1), match.group(2).replace(",", "")))
        form = match.group(3) or ""
    return components, form, brand.group(1) if brand else ""


def clinical_drugs(vocabularies, ingredients):
    """Rows of clinical_drugs.tsv; drugs with an ingredient that does not resolve are left out."""
    rows = []
    for row in read_tsv(vocabularies / "rxnorm" / "clinical_drugs.tsv.gz"):
        if NOT_MEDICINES.search(row["name"]):
            continue
        parsed = parse_clinical_drug(row["name"])
        if not parsed:
            continue
        components, form, _ = parsed
        resolved = [ingredients.resolve_name(name) for name, _ in components]
        if not all(resolved) or len(components) > 10:
            continue
        rows.append((row["rxcui"], row["tty"], row["name"], "|".join(resolved), row["brand_rxcuis"].split("|")[0],
                     " / ".join(strength for _, strength in components), form))
    return sorted(rows, key=lambda row: int(row[0]))


class MedicationTable:
    """Collects names and keeps one row per comparison key, the best kind first."""

    def __init__(self, ingredients, guards):
        self.ingredients = ingredients
        self.guards = guards
        self.rows = {}

    def add(self, term, kind, rxcuis, source, brand_rxcui=""):
        """Record a name; ids that are not ingredients have been resolved before."""
        term = tidy(term.lower())
        term_key = key(term)
        rxcuis = list(dict.fromkeys(rxcuis))
        if not rxcuis or not all(rxcuis) or len(term_key) < 2 or len(term.split()) > 8 or self.guards.get(term_key) == "drop":
            return
        rank = (KINDS.index(kind), not brand_rxcui)
        if term_key not in self.rows or rank < self.rows[term_key][0]:
            guard = self.guards.get(term_key, "0")
            self.rows[term_key] = (rank, (term, kind, "|".join(rxcuis), self.ingredients.display(rxcuis), brand_rxcui, source, guard))

    def sorted_rows(self):
        """The rows of medications.tsv."""
        return sorted(row for _, row in self.rows.values())


def brand_ingredients(vocabularies, ingredients):
    """Brand name and id -> ingredients, from the branded drugs, whose names list every ingredient."""
    sets = defaultdict(Counter)
    for row in read_tsv(vocabularies / "rxnorm" / "clinical_drugs.tsv.gz"):
        parsed = parse_clinical_drug(row["name"])
        if row["tty"] != "SBD" or not parsed or not parsed[2]:
            continue
        resolved = [ingredients.resolve_name(name) for name, _ in parsed[0]]
        if all(resolved):
            for brand in (parsed[2].lower(), *row["brand_rxcuis"].split("|")):
                sets[brand][tuple(sorted(set(resolved), key=resolved.index))] += 1
    return {brand: min(counts.items(), key=lambda item: (-item[1], len(item[0]), item[0]))[0] for brand, counts in sets.items() if brand}


def add_ingredients(table, vocabularies):
    """Ingredient and salt names, also the salts that only clinical drug names hold; pairs as "a/b"."""
    ingredients = table.ingredients
    pairs = set()
    for rxcui in sorted(ingredients.names, key=int):
        if not NOT_MEDICINES.search(ingredients.names[rxcui]):
            for form in ingredient_forms(ingredients.names[rxcui]):
                table.add(form, "ingredient", [rxcui], "rxnorm")
    for rxcui, name in sorted(ingredients.precise.items()):
        if rxcui in ingredients.of_precise and not NOT_MEDICINES.search(name):
            table.add(name, "synonym", [ingredients.of_precise[rxcui]], "rxnorm")
    for row in read_tsv(vocabularies / "rxnorm" / "clinical_drugs.tsv.gz"):
        parsed = parse_clinical_drug(row["name"])
        if not parsed or NOT_MEDICINES.search(row["name"]):
            continue
        resolved = [ingredients.resolve_name(name) for name, _ in parsed[0]]
        for (name, _), rxcui in zip(parsed[0], resolved):
            if rxcui:
                table.add(name, "synonym", [rxcui], "rxnorm")
        if len(set(resolved)) == 2 and all(resolved):
            pairs.add(tuple(dict.fromkeys(resolved)))
    for row in read_hand_table("salt_names.tsv"):
        table.add(row["name"], "synonym", [ingredients.resolve_name(row["name"])], "rxnorm")
    for first, second in sorted(pairs):
        for one, other in ((first, second), (second, first)):
            for left in short_names(ingredients.names[one]):
                for right in short_names(ingredients.names[other]):
                    table.add(f"{left}/{right}", "synonym", [first, second], "rxnorm")


def short_names(name):
    """The name of an ingredient in a combination, with its everyday abbreviation."""
    return [name, *{"hydrochlorothiazide": ["hctz"], "acetaminophen": ["apap"], "trimethoprim": ["tmp"], "sulfamethoxazole": ["smx"],
                    "clavulanate": ["clavulanic acid"]}.get(name, [])]


def add_brands(table, vocabularies):
    """Brands of RxNorm, RxTerms ("Toprol Xr" means every slow form) and the Orange Book."""
    from_drugs = brand_ingredients(vocabularies, table.ingredients)
    current = set()
    for row in read_tsv(vocabularies / "rxnorm" / "brands.tsv"):
        name, listed = row["name"], row["ingredient_rxcuis"].split("|")
        rxcuis = from_drugs.get(row["bn_rxcui"]) or from_drugs.get(name.lower()) or [
            rxcui for rxcui in map(table.ingredients.resolve, listed) if rxcui]
        if not is_useful_brand(table, name, rxcuis):
            continue
        source = "rxnorm" if row["source"].startswith("rxnorm") else "rxterms"
        current.add(key(name))
        table.add(name, "brand", rxcuis, source, row["bn_rxcui"])
        slow = re.fullmatch(r"(.+) Xr", name)
        if slow:
            table.add(slow.group(1), "brand", rxcuis, source)
            for suffix in ("ER", "XL", "SR", "CR", "LA"):
                table.add(f"{slow.group(1)} {suffix}", "brand", rxcuis, source)
        if re.search(r" \([a-z ]+\)$", name, re.IGNORECASE):
            table.add(re.sub(r" \([a-z ]+\)$", "", name, flags=re.IGNORECASE), "brand", rxcuis, source)
    for row in read_tsv(vocabularies / "orange-book" / "legacy_brands.tsv"):
        texts = [part.strip() for part in row["orangebook_ingredient"].split(";")]
        rxcuis = [table.ingredients.resolve(rxcui) for rxcui in row["ingredient_rxcuis"].split("|")]
        if not all(rxcuis):
            rxcuis = [table.ingredients.resolve_name(text) for text in texts]
        name = row["brand"].replace(" w/ ", " with ")
        if not all(rxcuis) or not is_useful_brand(table, name, rxcuis) or key(name) in current:
            continue
        table.add(name, "legacy_brand", rxcuis, "orange_book")
        plain = re.sub(r" \([^)]*\)$| '\d+'$| \d+/\d+$| [\d.]+%?$| -?\d\d?$| (?:in|with) .*$", "", name)
        if plain != name and len(plain) > 3 and not re.search(r"\bwith\b", name):
            table.add(plain, "legacy_brand", rxcuis, "orange_book")


def is_useful_brand(table, name, rxcuis):
    """Whether a brand names a medicine and not a cosmetic or an ordinary phrase."""
    if not rxcuis or len(name.split()) > 4 or len(set(rxcuis)) > MOST_BRAND_INGREDIENTS or len(name) < 3:
        return False
    names = [table.ingredients.names[rxcui] for rxcui in rxcuis]
    return not ORDINARY_BRAND.search(name) and not any(NOT_MEDICINES.search(name) for name in names)


def add_abbreviations(table, path):
    """RxTerms abbreviations that stand for one ingredient and no other."""
    meanings = defaultdict(set)
    for row in read_tsv(path):
        rxcuis = [table.ingredients.resolve(rxcui) for rxcui in row["ingredient_rxcuis"].split("|")]
        if len(rxcuis) == 1 and row["synonym"].lower() not in NOT_AN_ABBREVIATION and len(row["synonym"].split()) == 1:
            meanings[row["synonym"]].add(rxcuis[0])
    for abbreviation, rxcuis in sorted(meanings.items()):
        if len(rxcuis) == 1:
            table.add(abbreviation, "synonym", sorted(rxcuis), "rxterms")


def add_drugbank(table, path):
    """DrugBank names and synonyms of the ingredients that RxNorm has, joined by name or UNII."""
    ingredients = table.ingredients
    by_unii = {unii: rxcui for rxcui, unii in ingredients.unii.items()}
    by_unii.update({unii: ingredients.of_precise[rxcui] for rxcui, unii in ingredients.precise_unii.items() if rxcui in ingredients.of_precise})
    uniis = {}
    for row in read_csv(path):
        names = [row["Common name"], *row["Synonyms"].split(" | ")]
        rxcui = ingredients.by_name.get(key(row["Common name"])) or by_unii.get(row["UNII"])
        if not rxcui or NOT_MEDICINES.search(ingredients.names[rxcui]):
            continue
        if key(row["Common name"]) == key(ingredients.names[rxcui]) and row["UNII"]:
            uniis.setdefault(rxcui, row["UNII"])
        for name in names:
            if is_useful_synonym(name.strip(), ingredients.names[rxcui]):
                table.add(name, "synonym", [rxcui], "drugbank")
    return uniis


def is_useful_synonym(name, ingredient):
    """Whether a synonym may stand in an English note: no formula, no Latin or Spanish ending, no short symbol."""
    plain = name.lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9' -]+", name) or len(name.split()) > 4 or len(plain) < 5:
        return False
    if len(re.findall(r"\d", plain)) > 2 or len(re.findall("-", plain)) > 2 or len(plain.replace("-", " ").split()[0]) < 2:
        return False
    first = re.split(r"[ ,]", ingredient)[0]
    same = len([1 for a, b in zip(plain, first) if a == b])
    ending = r"(?:um|o|a|us|[bcdfgklmnprstvz]?e|ina|ino)$"
    if plain.startswith(first):
        return not re.fullmatch(ending, plain.split()[0][len(first):])
    return not (re.search(ending, plain.split()[0]) and same >= 4 and same >= len(first) - 4)


def unii_rows(ingredients, more):
    """Rows of unii.tsv: RxNorm's own, filled up from DrugBank."""
    uniis = {**more, **ingredients.unii}
    return [(rxcui, uniis[rxcui]) for rxcui in sorted(uniis, key=int)]


def load_ingredients(vocabularies):
    """The ingredients of the release, with the hand corrections of salts."""
    rows = list(read_tsv(vocabularies / "rxnorm" / "ingredients.tsv"))
    singles = [row["ingredient_rxcuis"].split("|") for row in read_tsv(vocabularies / "rxnorm" / "clinical_drugs.tsv.gz") if " / " not in row["name"]]
    corrections = {row["name"]: row["ingredient"] for row in read_hand_table("salt_corrections.tsv")}
    return Ingredients(rows, singles, corrections)


def medication_rows(vocabularies, ingredients):
    """(rows of medications.tsv, UNII codes found in DrugBank)."""
    guards = {key(row["term"]): row["guard"] for row in read_hand_table("medication_guards.tsv")}
    table = MedicationTable(ingredients, guards)
    add_ingredients(table, vocabularies)
    add_brands(table, vocabularies)
    add_abbreviations(table, vocabularies / "rxnorm" / "rxterms_abbr.tsv")
    uniis = add_drugbank(table, vocabularies / "drugbank" / "drugbank_vocabulary.csv.gz")
    return table.sorted_rows(), uniis
