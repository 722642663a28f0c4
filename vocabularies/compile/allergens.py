"""Substances that can be named as the cause of an allergy, from the SNOMED CT free sets."""

import re

from normalise import key
from surface_forms import tidy
from tables import read_hand_table, read_tsv

SYSTEM = "http://snomed.info/sct"
# Bare words that are far more often something else in a note; the loader must not see them as allergens.
FALSE_ALLERGENS = {
    "silk", "metal", "albumin", "water", "air", "blood", "urine", "feces", "bile", "lymph", "lead", "tin", "iron", "copper", "silver",
    "gold", "platinum", "calcium", "potassium", "magnesium", "oxygen", "lactate", "cholesterol", "lipid", "creatine", "uric acid",
    "glucose", "thrombin", "substance", "toxin", "dye", "glue", "sand", "wood", "plastic", "polymer", "food", "vitamin", "hormone",
    "vomitus", "fat", "seed", "grain", "electron", "neutron", "photon", "proton", "barium", "titanium", "silicon", "silicone", "citrate",
    "biocide", "tree", "grass", "weed", "cotton", "tape", "contrast", "steroid", "estrogen", "fibril", "agar", "lactose",
    "carbon dioxide", "nitrous oxide", "taurine", "glutamine", "choline", "inositol", "cytokine", "caffeine", "tap water",
    "ascitic fluid", "body fluid", "analgesic", "diuretic", "sedative", "anticoagulant", "heparin", "cannabis", "molybdenum", "tungsten",
    "brass", "paraffin", "terpene", "mustard", "figs", "pulse", "pulses", "orange", "apple", "pepper", "cod", "wool alcohol", "cereal",
    "horse", "trees", "general anesthetic",
}
NOT_ALLERGENS = re.compile(
    r"\(\d+m?-[A-Z][a-z]?\)|\([A-Z]+-\d+\)|-\d+m?$|^(?:hafnium|niobium|rhodium|tantalum|yttrium|europium|xenon|osmium|cobalt)|\bstain\b|\bblood\b|fluid|graft|\bembedding|mounting|transport medium|fixative|allergy vaccine|"
    r"receptor$|labeled|fixed|waste|stone$|hazard|isoenzyme|growth factor|natriuretic|severe acute|body substance|"
    r"necrosis|antidiuretic|interferon|amniotic|matrix|carbon fiber|animal feed|formol|isotope|neutral|toluidine|"
    r"^substance$|^propensity|^intolerance to|lymphoma|lipoprotein|embolic|sublimate|"
    r"alloy|hydroxyapatite|dental|material$|chromium|titanium|tobacco|anhydride|toxoid|extract vaccine|caloric|carcinogen|gaseous|"
    r"non radiopaque|epsilon|tetano|corynebacterium|clostridium", re.IGNORECASE)
FOODS = re.compile(
    r"\b(?:nuts?|soy\w*|cereal|poultry|meat|rice|fruit|citrus|strawberry|chocolate|eggs?|cheese|juice|pork|tuna|mussels?|pulse|herbs|"
    r"cinnamon|clove|curry|ginger|paprika|figs?|raspberries|cashew|pickle|orange|banana|pineapple|carrot|celery|almond|walnut|hazelnut|"
    r"shrimp|oats?|watermelon|melon|kiwi|mango|sesame|gluten|flour|seafood|mustard|lactose|cow's milk|milk|dairy|grain|seeds?|blueberries|rye|"
    r"vanilla|wheat|corn|lupine|cuttlefish|bean|tomato|squid|shellfish|garlic|mushroom|nutmeg|onion|peach|potato|coconut|apple|cod|cherry|"
    r"fish|crustacean|octopus|oyster|crab|lobster|edible|peanut|pepper|food|aspartame|glutamate|sulfite|tartrazine|casein|anise|beef)\b", re.IGNORECASE)
ENVIRONMENT = re.compile(
    r"cotton|pollen|dust|dander|hair|feather|epithelium|venom|\bweeds?\b|resin|cockroach|mite|latex|rubber|nickel|wool|perfume|cosmetic|adhesive|"
    r"paraffin|lanolin|fungal|mold|insect|pesticide|insecticide|dye|formaldehyde|formalin|polymer|acrylic|epoxy|steel|suture|animal|"
    r"urine proteins|chlorine|silicone|cobalt|solvent|detergent|spider|scorpion|bee |wasp", re.IGNORECASE)
BIOLOGICS = re.compile(r"vaccine|antigen-containing|only product|toxoid|immune globulin|serum", re.IGNORECASE)


def category_of(display, medicines=frozenset()):
    """food, medication, environment, biologic or other; `medicines` are the keys of ingredient names."""
    if BIOLOGICS.search(display):
        return "biologic"
    if "mechanism of action" in display or key(display) in medicines and not FOODS.search(display):
        return "medication"
    if ENVIRONMENT.search(display):
        return "environment"
    if FOODS.search(display):
        return "food"
    return "medication" if MEDICATION.search(display) else "other"


MEDICATION = re.compile(
    r"mechanism of action|\bagents?\b|contrast|steroid|anesthetic|relaxant|dilator|constrictor|coagulant|hemostatic|expander|oxytocic|stimulant|gadolinium|barbiturate|benzodiazepine|penem|anticonvulsant|"
    r"(?:ine|ol|in|one|ide|ate|am|ane|ium|um|ic acid|digitalis|ephrine|heparin|cocaine|opioid|morphine)$|iodine|iodized|medium|media", re.IGNORECASE)


def plain_display(display):
    """A display without its semantic tag and its kind: "Orange - fruit" -> "orange"."""
    if display.startswith("Substance with"):
        return ""
    text = re.sub(r" \((?:substance|finding|product)\)$", "", display)
    text = re.sub(r" - (?:fruit|nut|meat|material|pepper)$| \(edible\)$", "", text)
    return tidy(text)


def concepts(vocabularies):
    """(sctid, display) of substances, the International Patient Summary's set first."""
    seen = set()
    for row in read_tsv(vocabularies / "snomed-ips" / "AllergyIntolerance.tsv.gz"):
        if re.match(r"(?:Allergy|Intolerance|Propensity) ", row["display"]) or NOT_ALLERGENS.search(row["display"]):
            continue
        seen.add(row["sctid"])
        yield row["sctid"], row["display"]
    for row in read_tsv(vocabularies / "snomed-gps" / "gps_2020.tsv.gz"):
        if row["display"].endswith(" (substance)") and row["sctid"] not in seen:
            display = row["display"].removesuffix(" (substance)")
            if not NOT_ALLERGENS.search(display) or display in HAND_FORMS:
                yield row["sctid"], display


HAND_FORMS = {row["display"]: row["forms"].split("|") for row in read_hand_table("class_surface_forms.tsv")}


def rows(vocabularies, medicines=frozenset()):
    """Rows of allergen_concepts.tsv: one per comparison key, hand-written forms first."""
    found = {}
    listed = list(concepts(vocabularies))
    for hand in (True, False):
        for code, display in listed:
            forms = HAND_FORMS.get(display, []) if hand else [plain_display(display)]
            for form in forms:
                form = form.lower()
                if len(form) > 2 and len(form.split()) <= 8 and (hand or form not in FALSE_ALLERGENS) and form not in {"tape", "contrast", "trees"}:
                    found.setdefault(key(form), (form, SYSTEM, code, display, category_of(display, medicines)))
    return sorted(found.values())
