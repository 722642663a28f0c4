"""From the formal title of a code to the forms in which a note may say it.

A form carries a cost: 0 for the title's own words, more for each liberty taken
(a tail dropped, a phrase turned round, a word exchanged). When two codes claim
one form, the lower cost wins.
"""

import re

MOST_WORDS = 10
MOST_COST = 4
MOST_FORMS = 30
DANGLING = {
    "of", "in", "with", "and", "or", "to", "by", "due", "for", "the", "a", "an", "from", "on", "at", "as", "than",
    "without", "other", "unspecified", "not", "into", "that", "which", "involving", "affecting", "caused", "during",
    "following", "associated", "nec", "nos", "type", "specified", "classified", "elsewhere", "single", "per", "its",
    "between", "if", "is", "are", "was", "under", "over", "within", "whether", "mention", "resulting", "causing",
}
LEADING = {"of", "with", "and", "or", "due", "in", "by", "to", "without", "other", "unspecified", "for", "from", "on",
           "at", "as", "specified", "certain", "any", "those", "these", "such", "conditions", "use", "code",
           "except", "related", "left-over", "this", "each", "both", "more", "less", "all", "no", "not", "only"}

LATERALITY = r"(?:right|left|bilateral)"
ADJECTIVE_TAILS = (
    "acute|chronic|recurrent|severe|mild|moderate|primary|secondary|bilateral|congenital|traumatic|nontraumatic|"
    "unilateral|left|right|persistent|intermittent|subacute|paroxysmal|bacterial|viral|familial|hereditary|acquired|"
    "juvenile|benign|malignant|generalized|localized|postprocedural|neonatal|drug-induced")
SPINE_REGIONS = {
    "cervical region": "cervical", "thoracic region": "thoracic", "lumbar region": "lumbar",
    "lumbosacral region": "lumbosacral", "cervicothoracic region": "cervicothoracic",
    "thoracolumbar region": "thoracolumbar", "sacral and sacrococcygeal region": "sacral",
}
# The noun of a title and the adjective that a note puts before the disorder.
SITE_ADJECTIVES = {
    "kidney": ["renal"], "liver": ["hepatic"], "lung": ["pulmonary"], "heart": ["cardiac"], "stomach": ["gastric"],
    "brain": ["cerebral"], "colon": ["colonic"], "femur": ["femoral"], "tibia": ["tibial"], "fibula": ["fibular"],
    "humerus": ["humeral"], "radius": ["radial"], "ulna": ["ulnar"], "pelvis": ["pelvic"], "esophagus": ["esophageal"],
    "duodenum": ["duodenal"], "rectum": ["rectal"], "anus": ["anal"], "uterus": ["uterine"], "ovary": ["ovarian"],
    "cervix uteri": ["cervical", "cervix"], "prostate": ["prostatic"], "pancreas": ["pancreatic"],
    "spleen": ["splenic"], "cornea": ["corneal"], "retina": ["retinal"], "trachea": ["tracheal"],
    "larynx": ["laryngeal"], "aorta": ["aortic"], "carotid artery": ["carotid"], "urethra": ["urethral"],
    "ureter": ["ureteral"], "testis": ["testicular"], "vagina": ["vaginal"], "vulva": ["vulvar"],
    "thyroid gland": ["thyroid"], "adrenal gland": ["adrenal"], "parathyroid gland": ["parathyroid"],
    "pituitary gland": ["pituitary"], "clavicle": ["clavicular"], "patella": ["patellar"], "maxilla": ["maxillary"],
    "mandible": ["mandibular"], "abdomen": ["abdominal"], "intestine": ["intestinal"], "large intestine": ["colonic"],
    "small intestine": ["small bowel"], "bile duct": ["biliary"], "peritoneum": ["peritoneal"],
    "pleura": ["pleural"], "nose": ["nasal"], "meniscus": ["meniscal"], "skin": ["cutaneous"],
    "endometrium": ["endometrial"], "bladder": ["urinary bladder"], "pharynx": ["pharyngeal"],
    "abdominal aorta": ["abdominal aortic"], "thoracic aorta": ["thoracic aortic"], "tongue": ["lingual"],
    "renal pelvis": ["renal pelvic"], "gallbladder": ["gall bladder"], "scrotum": ["scrotal"], "orbit": ["orbital"],
    "sacrum": ["sacral"], "acetabulum": ["acetabular"], "appendix": ["appendiceal"], "bone": ["osseous"], "buttock": ["gluteal"],
    "carotid arteries": ["carotid"], "abdominal wall": ["abdominal"],
}
# One exchange at a time, on whole words.
EXCHANGES = [
    ("lower limb", ("leg", "lower extremity")), ("upper limb", ("arm", "upper extremity")),
    ("lower extremities", ("legs",)), ("lower end of", ("distal",)), ("upper end of", ("proximal",)),
    ("calculus", ("stone",)), ("calculi", ("stones",)), ("cholelithiasis", ("gallstones",)),
    ("decubitus ulcer", ("pressure sore",)), ("pressure ulcer", ("decubitus ulcer", "pressure sore", "pressure injury")),
    ("leiomyoma", ("fibroid",)), ("gastro-esophageal", ("gastroesophageal",)),
    ("type 2 diabetes mellitus", ("type 2 diabetes", "type ii diabetes mellitus", "type ii diabetes",
                                  "diabetes mellitus type 2", "diabetes mellitus type ii", "diabetes type 2", "diabetes type ii")),
    ("type 1 diabetes mellitus", ("type 1 diabetes", "type i diabetes mellitus", "type i diabetes",
                                  "diabetes mellitus type 1", "diabetes mellitus type i", "diabetes type 1", "diabetes type i")),
    ("diabetic chronic kidney disease", ("chronic kidney disease", "diabetic nephropathy")),
    ("diabetic peripheral angiopathy", ("peripheral vascular disease", "peripheral angiopathy")),
    ("diabetic polyneuropathy", ("polyneuropathy", "peripheral neuropathy", "diabetic peripheral neuropathy")),
    ("diabetic neuropathy", ("neuropathy",)), ("diabetic nephropathy", ("nephropathy",)),
    ("diabetic retinopathy", ("retinopathy",)), ("diabetic gastroparesis", ("gastroparesis",)),
    ("acute kidney failure", ("acute renal failure", "acute kidney injury")), ("kidney failure", ("renal failure",)),
    ("chronic kidney disease", ("chronic renal disease",)), ("end stage renal disease", ("end-stage kidney disease",)),
    ("alcohol dependence", ("alcoholism", "alcohol addiction")), ("opioid dependence", ("opioid addiction",)),
    ("nicotine dependence", ("tobacco dependence", "nicotine addiction")),
    ("intervertebral disc", ("disc", "disk")), ("disc", ("disk",)),
    ("cerebral infarction", ("cerebrovascular accident", "ischemic stroke")),
    ("intracerebral hemorrhage", ("intracerebral bleed",)), ("subdural hemorrhage", ("subdural hematoma",)),
    ("left-bundle branch", ("left bundle branch",)), ("hyperplasia of prostate", ("prostatic hyperplasia",)),
    ("sprain", ("strain",)), ("laceration without foreign body", ("laceration",)),
    ("open wound", ("wound",)), ("osteoarthritis", ("degenerative joint disease", "arthritis", "degenerative arthritis")),
    ("acute embolism and thrombosis", ("acute thrombosis", "thrombosis")), ("embolism and thrombosis", ("thrombosis", "embolism")),
    ("deep veins", ("deep vein",)), ("rotator cuff tear or rupture", ("rotator cuff tear", "rotator cuff rupture")),
    ("tear of meniscus", ("meniscal tear", "meniscus tear")), ("bundle-branch block", ("bundle branch block",)),
    ("insufficiency", ("regurgitation",)), ("stage 1", ("stage i",)), ("stage 2", ("stage ii",)),
    ("stage 3", ("stage iii",)), ("stage 4", ("stage iv",)), ("stage 5", ("stage v",)),
    ("(congestive) heart failure", ("heart failure", "congestive heart failure")),
    ("heart failure", ("congestive heart failure",)), ("hemorrhage", ("bleeding", "bleed")), ("gastrointestinal", ("gi",)),
    ("bronchus or lung", ("lung", "bronchus")), ("bronchus and lung", ("lung", "bronchus")),
    ("human immunodeficiency virus", ("hiv",)), ("methicillin resistant staphylococcus aureus", ("mrsa",)),
    ("gastrojejunal ulcer", ("marginal ulcer",)), ("varicose veins", ("varicosities",)),
    ("hyperlipidemia", ("dyslipidemia",)), ("enlarged prostate", ("prostatic enlargement",)),
    ("major depressive disorder, single episode", ("major depression", "major depressive disorder", "depression")),
    ("major depressive disorder, recurrent", ("recurrent major depression", "recurrent depression")),
    ("sepsis due to", ("septicemia due to",)), ("fracture of base of skull", ("basilar skull fracture",)),
    ("with (acute) exacerbation", ("exacerbation",)),
    ("with acute exacerbation", ("exacerbation",)), ("in remission", ("remission",)),
    ("due to escherichia coli", ("due to e. coli", "escherichia coli", "e. coli")),
    ("unilateral primary osteoarthritis", ("osteoarthritis", "degenerative joint disease", "arthritis")),
    ("bilateral primary osteoarthritis", ("bilateral osteoarthritis", "bilateral degenerative joint disease", "bilateral arthritis")),
    ("malignant melanoma", ("melanoma",)), ("cutaneous abscess", ("abscess", "skin abscess")), ("gastrointestinal hemorrhage", ("gastrointestinal bleeding", "gastrointestinal bleed", "gi bleed", "gi bleeding")),
    ("closed fracture", ("fracture",)), ("urinary bladder", ("bladder",)), ("cervix uteri", ("cervix",)),
    ("corpus uteri", ("uterus",)), ("lymph nodes", ("lymph node",)), ("great toe", ("big toe",)),
    ("lesser toe(s)", ("toe",)), ("peripheral vascular disease", ("peripheral arterial disease",)),
    ("breakdown", ("failure",)), ("mechanical complication", ("malfunction",)), ("infection and inflammatory reaction", ("infection",)),
]
JOINED_PREFIXES = ("gastro", "cardio", "cerebro", "tracheo", "non", "post", "pre", "re", "tubulo", "atrio", "vesico",
                   "recto", "uretero", "broncho", "arterio", "hemi", "sub", "supra", "infra", "extra", "intra", "peri",
                   "musculo", "costo", "sacro", "ileo", "naso", "oro", "neuro", "osteo", "mal", "retro", "inter")
NEOPLASM_HEADS = {
    "malignant neoplasm": (("cancer", 1), ("carcinoma", 2), ("malignancy", 2), ("adenocarcinoma", 3), ("malignant tumor", 2), ("ca", 3)),
    "secondary malignant neoplasm": (("metastasis", 1), ("metastases", 1), ("metastatic cancer", 3), ("metastatic disease", 2),
                                     ("metastatic carcinoma", 2), ("secondary cancer", 3)),
    "carcinoma in situ": (("in situ carcinoma", 1),),
    "benign neoplasm": (("benign tumor", 1),),
    "neoplasm of uncertain behavior": (("tumor of uncertain behavior", 2),),
    "neoplasm of unspecified behavior": (("neoplasm", 1), ("tumor", 2)),
}
UNSPECIFIED_THING = (
    r"unspecified (?:site|part|parts|type|organ|severity|trimester|stage|degree|location|level|cause|organism|duration|"
    r"region|body region|side|laterality|quadrant|episode|status|grade|whether [^,]*|as to [^,]*|depth|extent|nature|origin|"
    r"behavior|intent|multiplicity|number of [a-z ]+|weeks of gestation|form|vein|veins|site of [a-z ]*lower limb)")


def tidy(text):
    """Single spaces, no space before a comma, no comma at an end."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+,", ",", text)
    text = re.sub(r",(\s*,)+", ",", text)
    text = re.sub(r"\(\s*\)", "", text)
    return re.sub(r"\s+", " ", text).strip(" ,;:-.'\"")


ADJECTIVE_ALONE = re.compile(r"[a-z-]+(?:al|ous|ary|ile|ive|able|ible|[^lt]ic|tic)")
NOUNS_LIKE_ADJECTIVES = {"tic", "colic"}


def is_sound(form):
    """Whether a form can stand in a note: no dangling word, not too short, not too long."""
    words = form.lower().replace(",", " ").split()
    if not words or len(words) > MOST_WORDS or len(form) < 3:
        return False
    if words[-1] in DANGLING or words[0] in LEADING:
        return False
    if re.search(r"[\[\]();]|\belsewhere\b|\bnot specified\b|\bother\b|\bunspecified\b|\bspecified\b|\bany of\b", form.lower()):
        return False
    if len(words) == 1 and ADJECTIVE_ALONE.fullmatch(words[0]) and words[0] not in NOUNS_LIKE_ADJECTIVES:
        return False
    return not re.fullmatch(r"[\d\W]+", form)


def plural_endings(text):
    """Write "toe(s)" as "toe" and "abscess(es)" as "abscess"."""
    return re.sub(r"\((?:s|es|ies|al|ed|ies)\)", "", text)


def bracket_forms(text):
    """Resolve `[synonym]`: without it, and with it in place of the words that it stands for."""
    match = re.search(r"\[([^\]]*)\]", text)
    if not match:
        return [(text, 0)]
    inside, before, after = match.group(1).strip(), text[:match.start()].strip(), text[match.end():].strip()
    forms = [(f"{before} {after}", 0)]
    words = before.split()
    if re.fullmatch(r"[A-Z][A-Za-z0-9-]{1,7}", inside):
        letters = [c for c in inside if c.isalpha()]
        expanded = words[-len(letters):]
        if len(expanded) == len(letters) and expanded[0][0].lower() == letters[0].lower() and (after or len(words) > len(expanded)):
            forms.append((" ".join([*words[:-len(letters)], inside, after]), 1))
    elif not after.strip(" ,") and (len(inside.split()) > 1 or len(inside) > 6):
        forms += [(part.strip(), 1) for part in inside.split(",")]
        if "," in inside and len(inside.split(",")) == 2:
            head, tail = (part.strip() for part in inside.split(","))
            forms.append((f"{tail} {head}", 1))
    return [(form, cost + more) for text_form, cost in forms for form, more in bracket_forms(text_form)]


def parenthesis_forms(text):
    """Resolve `(nonessential)`: all removed, all kept, and each alone kept."""
    found = re.findall(r"\(([^()]*)\)", text)
    if not found:
        return [(text, 0)]
    bare = re.sub(r"\s*\([^()]*\)", "", text)
    forms = [(bare, 0)]
    if all(len(inside.split()) <= 3 for inside in found):
        forms.append((re.sub(r"[()]", "", text), 0))
        if 1 < len(found) <= 4:
            for number in range(len(found)):
                counter = iter(range(len(found)))
                forms.append((re.sub(r"\(([^()]*)\)", lambda m: m.group(1) if next(counter) == number else "", text), 0))
    return forms


def without_unspecified(text):
    """Drop what only says that something is not said."""
    text = re.sub(r"\bunspecified as [^,]*", "unspecified", text)
    text = re.sub(r"\bof unspecified (?:(?!of\b)[a-z]+ ){1,3}of\b", "of", text)
    text = re.sub(r",? ?\b(?:of |in |at |to |with |, )?" + UNSPECIFIED_THING + r"(?=$|,| of\b| with\b| without\b| and\b| in\b| due\b)", "", text)
    text = re.sub(r",? ?(?:initial encounter.*|not specified as recurrent|not specified as acute or chronic|"
                  r"site unspecified|part unspecified|site not specified|episode of care)", "", text)
    text = re.sub(r",? ?\bunspecified\b(?=$|,)", "", text)
    text = re.sub(r"\bunspecified\b ", "", text)
    text = re.sub(r"\bother and\b ", "", text)
    text = re.sub(r",? ?(?:, )?not elsewhere classified|,? ?\bnec\b|,? ?\bnos\b", "", text)
    text = re.sub(r" and other\b.*$", "", text)
    return tidy(text)


def default_tails_dropped(text):
    """Drop a tail that the Index takes for granted: "without ...", "uncomplicated", "not intractable"."""
    match = re.search(r",? (?:without|not intractable|uncomplicated|nonintractable)\b.*$", text)
    if not match or re.search(r"\bwith (?!unspecified)", match.group(0)):
        return None
    last = match.group(0).rsplit(", ", 1)[-1]
    kept = f", {last}" if last in SPINE_REGIONS or re.match(rf"{LATERALITY}\b", last) else ""
    return tidy(text[:match.start()] + kept)


def or_forms(text):
    """Either side of one "or" between two single words."""
    match = re.search(r"\b([a-z-]+) or ([a-z-]+)\b", text)
    if not match or match.group(1) in DANGLING or " or " in text[match.end():]:
        return []
    return [(text[:match.start()] + word + text[match.end():], 1) for word in match.groups()]


NOUN_ENDING = r"(?:ia|is|ism|emia|oma|y|tion|sion|ure|us|ness|ing|age|ma|ity|cele|se|pse|um|ion|le|ney|ter|um|tum|der|lung|ome|ysm)s?"


def and_forms(text):
    """Either side of one "and" (which ICD-10-CM reads as and/or) where both sides stand alone."""
    if text.count(" and ") != 1 or "," in text:
        return []
    heads = re.fullmatch(r"([a-z-]+) and ([a-z-]+)( of .+)", text)
    if heads:
        return [(heads.group(1) + heads.group(3), 1), (heads.group(2) + heads.group(3), 1)]
    sites = re.fullmatch(r"(.+ of )([a-z-]+) and ([a-z-]+)", text)
    if sites and not re.fullmatch(rf".*(?:al|ic|ous|ary|ar|ive)", sites.group(2)):
        return [(sites.group(1) + sites.group(2), 2), (sites.group(1) + sites.group(3), 2)]
    if re.search(r"\b(of|with|due|to|in|for|without|following|from)\b", text):
        return []
    first, second = text.split(" and ")
    if " " in first and " " not in second:
        return [(first, 1), (f"{first.rsplit(' ', 1)[0]} {second}", 2)] if re.search(NOUN_ENDING + "$", first) else []
    if re.search(NOUN_ENDING + "$", first) and len(first) > 5 and len(second) > 5:
        return [(first, 1), (second, 2)]
    return []


PREFIX_TAKEN_FOR_GRANTED = re.compile(r"^(nonrheumatic|nontraumatic|male|cutaneous|pure) ")


def prefix_forms(text):
    """Drop a first word that the Index takes for granted: "nontraumatic", "male"."""
    match = PREFIX_TAKEN_FOR_GRANTED.match(text)
    return [(text[match.end():], 2)] if match and len(text[match.end():].split()) > (0 if match.group(1) in ("cutaneous", "pure") else 1) else []


def comma_forms(text):
    """Turn "Effusion, right knee" round: "right knee effusion", "effusion of right knee"."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 3 and re.fullmatch(ADJECTIVE_TAILS, parts[1]):
        parts = [f"{parts[1]} {parts[0]}", parts[2]]
    if len(parts) != 2 or not all(parts):
        return []
    head, tail = parts
    forms = []
    side = re.fullmatch(rf"({LATERALITY}) (.+)", tail)
    if tail in SPINE_REGIONS:
        region = SPINE_REGIONS[tail]
        forms += [(f"{region} {head}", 1), (f"{head} of {region} spine", 1), (f"{region} spine {head}", 1)]
    elif side:
        site = side.group(2)
        if " of " not in head:
            forms += [(f"{tail} {head}", 1), (f"{head} of {tail}", 1)]
        if site in head or re.fullmatch(
                r"eyes?|ears?|side|(?:upper |lower )?(?:limbs?|extremity|extremities)|dominant side", site):
            forms.append((f"{side.group(1)} {head}", 2))
    elif re.fullmatch(rf"(?:{ADJECTIVE_TAILS})(?: (?:{ADJECTIVE_TAILS}))?", tail):
        forms.append((f"{tail} {head}", 1))
    elif re.fullmatch(r"stage [0-9iv]+[ab]?|grade [0-9iv]+|type [0-9iv]+", tail):
        forms += [(f"{tail} {head}", 1), (f"{head} {tail}", 0)]
    elif len(tail.split()) <= 2 and not re.search(r"\b(with|without|due|type|episode|current)\b", tail):
        forms += [(f"{head} of {tail}", 2), (f"{tail} {head}", 2)] if re.fullmatch(
            r"(?:unspecified )?(?:knee|hip|shoulder|ankle|foot|hand|wrist|elbow|finger|toe|thigh|forearm|upper arm|lower leg|"
            r"jaw|face|neck|trunk|back|buttock|eye|ear|multiple sites|vertebrae)s?", tail) else []
    return forms


FLIP_HEAD = re.compile(
    r"^((?:[a-z'-]+ ){0,3}[a-z'-]+) (?:of|in|involving) (?:the )?((?:[a-z0-9'-]+ ){0,3}[a-z0-9'-]+)(?: (with .+|due to .+))?$")
NOT_FLIPPED = re.compile(r"\b(history|status|encounter|presence|absence|exposure|screening|effect|use|care|sequelae|"
                         r"complications?|problems?|conditions?|contact|examination|type|part|risk|counseling|dependence|other|"
                         r"disorders?|diseases?|lack|loss|state|stage|third|layer|period|origin|week|onset|degree)$")


def flipped_forms(text):
    """Turn "abscess of lung" round: "lung abscess", "pulmonary abscess"."""
    match = FLIP_HEAD.match(text)
    if not match:
        return []
    head, site, tail = match.groups()
    if NOT_FLIPPED.search(head) or re.search(r"\b(of|in|with|and|or|due|to|from|for|without|by|the|at|on)\b", f"{head} {site}"):
        return []
    side = re.match(rf"({LATERALITY}) (.+)$", site)
    prefix, noun = (side.group(1) + " ", side.group(2)) if side else ("", site)
    tail = f" {tail}" if tail else ""
    forms = [(f"{prefix}{word} {head}{tail}", 1) for word in [noun, *SITE_ADJECTIVES.get(noun, [])]]
    first, _, rest = head.partition(" ")
    if rest and re.fullmatch(ADJECTIVE_TAILS + "|displaced|nondisplaced|closed|open|deep|superficial|benign", first):
        forms += [(f"{first} {prefix}{word} {rest}{tail}", 2) for word in [noun, *SITE_ADJECTIVES.get(noun, [])]]
        if prefix:
            forms += [(f"{prefix}{first} {word} {rest}{tail}", 2) for word in [noun, *SITE_ADJECTIVES.get(noun, [])]]
    return forms


def exchanged_forms(text):
    """Exchange one formal phrase for an everyday one."""
    forms = []
    for formal, everyday in EXCHANGES:
        if formal in text and re.search(rf"(?<![a-z]){re.escape(formal)}(?![a-z])", text):
            cost = 3 if formal in ("sprain", "heart failure") else 1
            forms += [(re.sub(rf"(?<![a-z]){re.escape(formal)}(?![a-z])", word, text), cost) for word in everyday]
    joined = re.sub(rf"\b({'|'.join(JOINED_PREFIXES)})-(?=[a-z])", r"\1", text)
    if joined != text:
        forms.append((joined, 0))
    turned = re.sub(r"\b(distal|proximal) (right|left|bilateral) ", r"\2 \1 ", text)
    if turned != text:
        forms.append((turned, 0))
    return forms


def neoplasm_forms(text):
    """"Malignant neoplasm of X" as "X cancer", "cancer of X", "carcinoma of X", ..."""
    forms = []
    for head, words in NEOPLASM_HEADS.items():
        match = re.fullmatch(rf"{head} of (?:the )?(.+)", text)
        if not match:
            continue
        site = match.group(1).replace("bronchus or lung", "lung").replace("bronchus and lung", "lung")
        site = site.replace("cervix uteri", "cervix").replace("female breast", "breast")
        lobe = re.fullmatch(rf"(upper lobe|lower lobe|middle lobe)(?:, | of )?({LATERALITY})? ?(?:of )?(lung)?", site)
        if lobe:
            site = tidy(f"{lobe.group(2) or ''} {lobe.group(1)}") + " of lung"
        for word, cost in words:
            forms.append((f"{word} of {site}", cost))
            if head == "secondary malignant neoplasm":
                forms += [(f"{word} to {site}", cost), (f"{word} in {site}", cost)]
            forms += [(form, cost + more - 1) for form, more in flipped_forms(f"{word} of {site}")]
            if lobe:
                forms.append((f"{tidy((lobe.group(2) or '') + ' ' + lobe.group(1))} lung {word}", cost))
    return forms


def thrombosis_forms(text):
    """"Acute thrombosis of deep veins of left leg" as "left leg deep vein thrombosis"."""
    match = re.fullmatch(r"(acute|chronic)? ?(embolism and thrombosis|thrombosis) of (?:deep veins|other specified deep vein) of (.+)", text)
    if not match or match.group(2) == "thrombosis" and not match.group(1):
        return []
    acuity = "" if match.group(1) in (None, "acute") else "chronic "
    forms = []
    for site in (match.group(3), match.group(3).replace("lower extremity", "leg").replace("upper extremity", "arm")):
        forms += [(f"{acuity}deep vein thrombosis of {site}", 1), (f"{acuity}{site} deep vein thrombosis", 1),
                  (f"{acuity}deep venous thrombosis of {site}", 1), (f"{acuity}{site} deep venous thrombosis", 1),
                  (f"{acuity}{site} dvt", 1), (f"{acuity}dvt of {site}", 1)]
    return forms


def poisoning_forms(text):
    """"Poisoning by X, accidental" as "X poisoning", "X overdose"."""
    match = re.fullmatch(r"poisoning by ([^,]+), accidental(?: unintentional)?", text)
    if not match:
        return []
    drug = match.group(1)
    return [(f"poisoning by {drug}", 1), (f"{drug} poisoning", 1), (f"{drug} overdose", 1), (f"overdose of {drug}", 1)]


def diabetes_forms(text):
    """"Type 2 diabetes mellitus with diabetic neuropathy" without the second "diabetic"."""
    match = re.fullmatch(r"(type [12] diabetes mellitus) with (.+)", text)
    if not match:
        return []
    return [(f"{match.group(1)} with {match.group(2).replace('diabetic ', '')}", 1)] if "diabetic " in match.group(2) else []


def title_forms(title):
    """All forms of a title as (form, cost), the title's own words first; lower case, each form once."""
    best = {}

    def keep(form, cost):
        form = tidy(form)
        if is_sound(form) and cost < best.get(form, 99):
            best[form] = cost

    starts = {}
    for text, cost in bracket_forms(plural_endings(title)):
        for inner, more in parenthesis_forms(text):
            form = without_unspecified(tidy(inner).lower())
            starts[form] = min(cost + more, starts.get(form, 99))
    for split in (or_forms, and_forms, prefix_forms):
        for form, cost in list(starts.items()):
            for more_form, more in split(form):
                starts.setdefault(tidy(more_form), cost + more)
    for form, cost in list(starts.items()):
        shorter = default_tails_dropped(form)
        if shorter:
            starts.setdefault(shorter, cost + 2)
    for form, cost in starts.items():
        keep(form, cost)
        variants = {form: cost}
        for step in (comma_forms, neoplasm_forms, diabetes_forms, thrombosis_forms, poisoning_forms, exchanged_forms, comma_forms, flipped_forms, exchanged_forms):
            for variant, so_far in list(variants.items()):
                for more_form, more in step(variant):
                    more_form = tidy(more_form)
                    if so_far + more < variants.get(more_form, MOST_COST + 1):
                        variants[more_form] = so_far + more
            if len(variants) > 60:
                break
        for variant, total in variants.items():
            keep(variant, total)
    return sorted(best.items(), key=lambda item: (item[1], item[0]))[:MOST_FORMS]
