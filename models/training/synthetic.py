"""Short allergy and medication sections of our own making, for what the notes hold too little of.

Every template and every list below was written for this project; nothing is taken from a note. Marks
in templates: `{allergen}`, `{medication}`, `{none}` become spans, `{reaction}` and others plain text.
"""

from __future__ import annotations

import random
import re

from data import Document
from spans import Span

ALLERGENS = """penicillin|penicillins|amoxicillin|Augmentin|ampicillin|sulfa|sulfa drugs|sulfa antibiotics|sulfonamides|
Bactrim|Septra|codeine|morphine|Demerol|Dilaudid|hydrocodone|Vicodin|oxycodone|Percocet|fentanyl|tramadol|aspirin|ASA|
ibuprofen|Motrin|naproxen|NSAIDs|Toradol|Celebrex|Cipro|ciprofloxacin|Levaquin|levofloxacin|quinolones|Avelox|Keflex|
cephalexin|cephalosporins|Ceclor|Rocephin|erythromycin|azithromycin|Zithromax|Biaxin|clindamycin|doxycycline|
tetracycline|vancomycin|gentamicin|Flagyl|metronidazole|nitrofurantoin|Macrobid|lisinopril|ACE inhibitors|atenolol|
Norvasc|statins|Lipitor|simvastatin|niacin|Compazine|Phenergan|Reglan|Haldol|Thorazine|Dilantin|phenytoin|Tegretol|
carbamazepine|Lamictal|Depakote|Benadryl|prednisone|lidocaine|Novocain|latex|iodine|iodinated contrast|IV contrast|
contrast dye|IVP dye|Betadine|adhesive tape|tape|shellfish|shrimp|peanuts|tree nuts|eggs|milk|strawberries|soy|bananas|
bee stings|bee venom|wasp stings|cat dander|dogs|dust mites|dust|mold|pollen|ragweed|grass|nickel|tetanus toxoid|
flu vaccine|metformin|insulin|heparin|warfarin|chlorhexidine|Neosporin|Ambien|Wellbutrin|Zoloft|trazodone"""

REACTIONS = """rash|a rash|hives|itching|swelling|facial swelling|tongue swelling|nausea|nausea and vomiting|vomiting|
GI upset|upset stomach|diarrhea|headache|dizziness|confusion|shortness of breath|throat swelling|a cough|muscle aches|
hallucinations|flushing|skin rash|severe itching|difficulty breathing|palpitations|unknown reaction|sedation"""

NONE_STATEMENTS = """NKDA|NKA|No known drug allergies|No known allergies|None|None known|no known drug allergies|
no known medication allergies|No known medical allergies|no known allergies|No allergies|no drug allergies|
No known food or drug allergies|Denies any drug allergies|No medication allergies|none known|No Known Drug Allergies"""

MEDICATIONS = """metoprolol|lisinopril|Lasix|furosemide|Lipitor|atorvastatin|simvastatin|aspirin|Plavix|Coumadin|
warfarin|digoxin|metformin|glipizide|insulin|Lantus|Synthroid|levothyroxine|albuterol|Advair|Singulair|prednisone|
Nexium|omeprazole|Protonix|Zantac|Prozac|Zoloft|Lexapro|Xanax|Ativan|Ambien|gabapentin|Neurontin|Vicodin|Tylenol|
ibuprofen|Flomax|Norvasc|hydrochlorothiazide|potassium chloride|calcium|vitamin D|multivitamin|folic acid|iron|
Claritin|Flonase|Zocor|losartan|Cozaar|Diovan|clonidine|Zyprexa|Seroquel|lithium|Depakote|tramadol|Celebrex"""

SIGS = """10 mg daily|20 mg p.o. daily|40 mg b.i.d.|81 mg a day|500 mg twice a day|0.25 mg q.d.|5 mg at bedtime|
1 tablet daily|2 puffs q.4h. p.r.n.|25 mg p.o. b.i.d.|100 mg t.i.d.|10 units at night|as needed|one p.o. q. day|
50 mcg daily|1000 mg with meals"""

HEADINGS = ["ALLERGIES:", "Allergies:", "ALLERGIES TO MEDICATIONS:", "DRUG ALLERGIES:", "Drug allergies:",
            "MEDICATION ALLERGIES:", "Allergies/Intolerances:", "ALLERGIES", "Known allergies:", "ADVERSE REACTIONS:"]

TEMPLATES = [
    "{heading} {allergen}.",
    "{heading} {allergen}, {allergen}, and {allergen}.",
    "{heading} {allergen} and {allergen}.",
    "{heading} {allergen} causes {reaction}.",
    "{heading} {allergen} ({reaction}), {allergen} ({reaction}).",
    "{heading} {allergen} - {reaction}; {allergen} - {reaction}; {allergen}.",
    "{heading} {allergen}: {reaction}. {allergen}: {reaction}.",
    "{heading} 1. {allergen}. 2. {allergen}. 3. {allergen}.",
    "{heading} 1. {allergen}, {reaction}. 2. {allergen}, which causes {reaction}.",
    "{heading} The patient is allergic to {allergen}.",
    "{heading} She is allergic to {allergen}, which gives her {reaction}, and to {allergen}.",
    "{heading} HE HAS AN ALLERGY TO {allergen}, {reaction}.",
    "{heading} {allergen} intolerance with {reaction}.",
    "{heading} Intolerant of {allergen} due to {reaction}.",
    "{heading} Sensitivity to {allergen}. No {allergen} allergy.",
    "{heading} {none}.",
    "{heading} {none}. Intolerant to {allergen}.",
    "{heading} {none}, but {allergen} makes him feel sick with {reaction}.",
    "{heading} {none}. No allergy to {allergen} or {allergen}.",
    "{heading} {allergen}, {allergen}. Reaction to {allergen} was {reaction}, severe.",
    "The patient reports allergies to {allergen} and {allergen}.",
    "She says that {allergen} gave her {reaction} years ago.",
    "He develops {reaction} with {allergen}.",
    "The patient has {none}.",
    "There are {none}.",
    "She was started on {medication} because of her {allergen} allergy.",
    "Because he is {allergen} allergic, {medication} was given instead.",
    "CURRENT MEDICATIONS: {medication} {sig}, {medication} {sig}, and {medication}. {heading} {allergen}.",
    "MEDICATIONS: {medication} {sig}. {medication} {sig}. {heading} {none}.",
    "{heading} {none}. CURRENT MEDICATIONS: {medication}, {medication} {sig}, {medication}.",
    "{heading} {allergen} and {allergen}. MEDICATIONS: 1. {medication} {sig}. 2. {medication} {sig}.",
    "MEDICATIONS: None. {heading} {allergen} ({reaction}).",
    "PAST SURGICAL HISTORY: None. {heading} {none}. SOCIAL HISTORY: Lives alone.",
    "FAMILY HISTORY: Noncontributory. {heading} {allergen}. SOCIAL HISTORY: Does not smoke.",
]

SPAN_TYPES = {"allergen": "ALLERGEN", "medication": "MEDICATION", "none": "NO_KNOWN_ALLERGIES"}


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.replace("\n", "").split("|")]


LISTS = {
    "allergen": _items(ALLERGENS),
    "reaction": _items(REACTIONS),
    "none": _items(NONE_STATEMENTS),
    "medication": _items(MEDICATIONS),
    "sig": _items(SIGS),
    "heading": HEADINGS,
}


def make_section(generator: random.Random, identifier: str) -> Document:
    """One section with its spans."""
    text = ""
    spans = []
    for part in re.split(r"(\{\w+\})", generator.choice(TEMPLATES)):
        name = part[1:-1] if part.startswith("{") else ""
        value = generator.choice(LISTS[name]) if name else part
        if name in SPAN_TYPES:
            spans.append(Span(len(text), len(text) + len(value), SPAN_TYPES[name]))
        text += value
    return Document(identifier, text, tuple(spans))


def make_sections(count: int, seed: int) -> list[Document]:
    """`count` sections, the same for the same seed."""
    generator = random.Random(seed)
    return [make_section(generator, f"synthetic-{seed}-{number}") for number in range(count)]
