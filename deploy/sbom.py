#!/usr/bin/env python3
"""Writes the bill of materials of the program, CycloneDX 1.6 as JSON: every package of Cargo.lock that is linked or takes part in the build, the C
code that two of them bring, and what the program carries of knowledge: vocabularies, the model and the encoder that it began as.

usage: deploy/sbom.py [--target TRIPLE] [--feature NAME]... > abstractor.cdx.json

Needs Python and cargo, and the packages of Cargo.lock where cargo keeps them; nothing is downloaded. The same sources give the same bytes. A package
has the scope "required" when it is linked, and "excluded" when it only runs while the program is built.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "abstractor"
TARGET = "x86_64-unknown-linux-gnu"

# C code that a package brings: the file that says which version, how it says it, and the licence of that code.
BUNDLED = {
    "libsqlite3-sys": ("sqlite", "sqlite3/sqlite3.h", r'#define SQLITE_VERSION\s+"([^"]+)"', "blessing"),
    "libmimalloc-sys": ("mimalloc", "c_src/mimalloc/v3/include/mimalloc.h", r"#define MI_MALLOC_VERSION\s+(\d+)", "MIT"),
}

# Works that the tables of vocabularies/ are made of, as NOTICE names them: name, release, licence, and the tables that have something of it.
PUBLIC_DOMAIN = "public domain"
KNOWLEDGE = [
    ("RxNorm and RxTerms", "RxNorm 2025-10-06, RxTerms June 2026", PUBLIC_DOMAIN, ["medications", "clinical_drugs", "unii", "allergen_concepts"]),
    ("SNOMED CT Global Patient Set", "September 2019", "CC-BY-4.0", ["allergen_concepts", "diagnosis_terms"]),
    ("SNOMED CT IPS Terminology free sets", "2022-07-31", "CC-BY-4.0", ["allergen_concepts", "diagnosis_terms"]),
    ("ICD-10-CM", "FY2026, April 1, 2026", PUBLIC_DOMAIN, ["icd10cm", "icd10cm_notes", "icd10cm_blocks", "index", "diagnosis_terms"]),
    ("CMS-HCC mappings", "V24, V28", PUBLIC_DOMAIN, ["hcc"]),
    ("present-on-admission", "FY2025", PUBLIC_DOMAIN, ["poa_exempt_rules"]),
    ("Human Disease Ontology", "2026-08", "CC0-1.0", ["diagnosis_terms"]),
    ("Mondo Disease Ontology mapping sets", "2026-08-04", "CC0-1.0", ["diagnosis_terms"]),
    ("LOINC", "", "LicenseRef-LOINC", ["section_codes"]),
    ("DrugBank Open Data", "", "CC0-1.0", ["medications"]),
    ("Orange Book", "about 2009", PUBLIC_DOMAIN, ["medications"]),
    ("SCOWL (Spell Checker Oriented Word Lists)", "2020.12.07", "LicenseRef-SCOWL", ["english_words"]),
    ("Names by frequency of the census of 1990", "1990", PUBLIC_DOMAIN, ["census_names"]),
]
# What the weights began as.
ENCODER = ("all-MiniLM-L6-v2", "sentence-transformers", "Apache-2.0")


def metadata(target: str, features: list[str]) -> dict:
    """What cargo resolves for one platform, from Cargo.lock alone."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", target]
    command += [f"--features={','.join(features)}"] if features else []
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def checksums(root: Path = ROOT) -> dict[tuple[str, str], str]:
    """SHA-256 of each package, as Cargo.lock has it."""
    packages = tomllib.loads((root / "Cargo.lock").read_text())["package"]
    return {(package["name"], package["version"]): package["checksum"] for package in packages if "checksum" in package}


def listed(edges: str, target: str, features: list[str]) -> set[tuple[str, str]]:
    """Name and version of what the program alone needs along these edges; `cargo metadata` has the features that other members ask for, too."""
    command = ["cargo", "tree", "--locked", "--offline", "--package", PROGRAM, "--target", target, "--edges", edges, "--prefix", "none", "--format", "{p}"]
    command += [f"--features={','.join(features)}"] if features else []
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^(\S+) v(\S+)", told, re.MULTILINE))


def licences(package: dict) -> list[dict]:
    """An SPDX expression, as it is written today."""
    expression = package["license"]
    if not expression:
        return [{"license": {"name": f"see {package['license_file']} of the package"}}]
    return [{"expression": re.sub(r"\s*/\s*", " OR ", expression)}]


def licence(name: str) -> list[dict]:
    """A licence of SPDX by its id, another by its name."""
    return [{"license": {"name": name}}] if name == PUBLIC_DOMAIN or name.startswith("LicenseRef-") else [{"license": {"id": name}}]


def reference(package: dict) -> str:
    return f"pkg:cargo/{quote(package['name'])}@{quote(package['version'], safe='.-_~')}"


def bundled(package: dict) -> Iterator[dict]:
    """The C code in a package."""
    if package["name"] not in BUNDLED:
        return
    name, pattern, says, licence_name = BUNDLED[package["name"]]
    files = sorted(Path(package["manifest_path"]).parent.glob(pattern))
    if not files:
        raise SystemExit(f"{package['name']} has no {pattern} any more: correct BUNDLED in deploy/sbom.py")
    found = re.search(says, files[-1].read_text(errors="replace"))
    if not found:
        raise SystemExit(f"{files[-1].name} of {package['name']} does not say its version any more: correct BUNDLED in deploy/sbom.py")
    # mimalloc writes 2.3.2 as 20302
    version = re.sub(r"^(\d)(\d\d)(\d\d)$", lambda all: f"{all[1]}.{int(all[2])}.{int(all[3])}", found[1])
    yield {"type": "library", "bom-ref": f"{reference(package)}#{name}", "name": name, "version": version, "scope": "required",
           "licenses": licence(licence_name), "purl": f"pkg:generic/{name}@{version}"}


def component(package: dict, scope: str, sums: dict[tuple[str, str], str]) -> dict:
    made = {"type": "library", "bom-ref": reference(package), "name": package["name"], "version": package["version"], "scope": scope,
            "licenses": licences(package), "purl": reference(package)}
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if checksum := sums.get((package["name"], package["version"])):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if brought := list(bundled(package)):
        made["components"] = brought
    return made


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def knowledge() -> Iterator[dict]:
    """What the program carries beside code."""
    for name, release, licence_name, tables in KNOWLEDGE:
        made = {"type": "data", "bom-ref": f"vocabulary:{name}", "name": name, "scope": "required", "licenses": licence(licence_name),
                "data": [{"type": "dataset", "name": table} for table in tables]}
        yield made | ({"version": release} if release else {})
    for file in sorted((ROOT / "vocabularies").glob("*.tsv*")):
        yield {"type": "data", "bom-ref": f"table:{file.name}", "name": file.name, "scope": "required", "data": [{"type": "dataset"}],
               "hashes": [{"alg": "SHA-256", "content": sha256(file)}], "licenses": licence("Apache-2.0") if file.suffix == ".tsv" else []}
    folder = ROOT / "models/clinical-ner"
    manifest = json.loads((folder / "manifest.json").read_text())
    name, group, licence_name = ENCODER
    encoder = {"type": "machine-learning-model", "bom-ref": f"model:{name}", "group": group, "name": name, "licenses": licence(licence_name)}
    files = [{"type": "file", "bom-ref": f"model-file:{file}", "name": file, "hashes": [{"alg": "SHA-256", "content": checksum}]}
             for file, checksum in sorted(manifest["sha256"].items())]
    yield {"type": "machine-learning-model", "bom-ref": f"model:{manifest['name']}", "name": manifest["name"], "version": manifest["version"],
           "scope": "required", "licenses": licence("Apache-2.0"), "pedigree": {"ancestors": [encoder]}, "components": files,
           "modelCard": {"modelParameters": {"task": "token classification", "architectureFamily": "BERT"}},
           "externalReferences": [{"type": "model-card", "url": "models/clinical-ner/MODEL_CARD.md"}]}


def bill(target: str = TARGET, features: list[str] | None = None) -> dict:
    """The bill of materials."""
    resolved, sums = metadata(target, features or []), checksums()
    packages = {package["id"]: package for package in resolved["packages"]}
    name_of = {id: (package["name"], package["version"]) for id, package in packages.items()}
    linked, all_of_it = listed("normal,no-proc-macro", target, features or []), listed("normal,build", target, features or [])
    parts = sorted((id for id, name in name_of.items() if name in all_of_it), key=lambda id: name_of[id])
    program = next(packages[id] for id in parts if packages[id]["name"] == PROGRAM)
    carried = list(knowledge())
    components = [component(packages[id], "required" if name_of[id] in linked else "excluded", sums) for id in parts if packages[id] is not program]
    nodes = {node["id"]: node for node in resolved["resolve"]["nodes"]}
    dependencies = [
        {"ref": reference(packages[id]), "dependsOn": sorted({reference(packages[one["pkg"]]) for one in nodes[id]["deps"] if name_of[one["pkg"]] in all_of_it and any(kind["kind"] != "dev" for kind in one["dep_kinds"])})}
        for id in parts
    ]
    own = next(one for one in dependencies if one["ref"] == reference(program))
    own["dependsOn"] += [one["bom-ref"] for one in carried]
    main = component(program, "required", sums) | {"type": "application"}
    made = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": {"component": main, "licenses": licence("Apache-2.0"),
                         "tools": {"components": [{"type": "application", "name": "deploy/sbom.py", "version": program["version"]}]},
                         "properties": [{"name": "abstractor:target", "value": target}]
                         + [{"name": "abstractor:feature", "value": feature} for feature in features or []]},
            "components": components + carried, "dependencies": dependencies}
    # of the content, so that the same sources have the same number
    made["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True))}"
    return made


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--target", default=TARGET, help="the platform that is built for")
    arguments.add_argument("--feature", action="append", default=[], help="a feature that is built in, such as cuda")
    chosen = arguments.parse_args()
    json.dump(bill(chosen.target, chosen.feature), sys.stdout, indent=2, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
