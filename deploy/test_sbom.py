"""Tests of sbom.py: it keeps to the schema of CycloneDX, and has what cargo itself says is linked."""

import json
import re
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import sbom


class BillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bill = sbom.bill()
        cls.components = cls.bill["components"]

    def packages(self, scope: str) -> set[tuple[str, str]]:
        return {(one["name"], one["version"]) for one in self.components if one.get("purl", "").startswith("pkg:cargo/") and one["scope"] == scope}

    def test_it_keeps_to_the_schema(self):
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(self.bill))
        self.assertIsNone(error, str(error)[:2000])
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(self.bill | {"components": [{"name": "x"}]}))
        self.assertIsNotNone(wrong, "the validator takes anything")

    def test_it_has_every_package_that_is_linked(self):
        """Held against what `cargo metadata` says: a package that is linked brings all that its manifest cannot do without."""
        resolved = sbom.metadata(sbom.TARGET, [])
        packages = {package["id"]: package for package in resolved["packages"]}
        name_of = {id: (package["name"], package["version"]) for id, package in packages.items()}
        macros = {id for id, package in packages.items() if any("proc-macro" in target["kind"] for target in package["targets"])}
        required = self.packages("required") | {name_of[id] for id in packages if packages[id]["name"] == "abstractor"}
        self.assertGreater(len(required), 200)
        followed = 0
        for node in resolved["resolve"]["nodes"]:
            if name_of[node["id"]] not in required or node["id"] in macros:
                continue
            plain = {one["name"] for one in packages[node["id"]]["dependencies"] if one["kind"] is None and not one["optional"] and not one["target"]}
            for one in node["deps"]:
                if one["pkg"] not in macros and packages[one["pkg"]]["name"] in plain and any(kind["kind"] is None for kind in one["dep_kinds"]):
                    self.assertIn(name_of[one["pkg"]], required, f"of {packages[node['id']]['name']}")
                    followed += 1
        self.assertGreater(followed, 400)

    def test_it_is_what_the_lock_file_has(self):
        locked = sbom.checksums()
        for name, version in self.packages("required") | self.packages("excluded"):
            self.assertTrue((name, version) in locked or name == "abstractor-encoder", f"{name} {version}")

    def test_what_only_builds_is_told_apart(self):
        building = {name for name, _ in self.packages("excluded")}
        self.assertIn("cc", building)
        self.assertIn("serde_derive", building)
        self.assertNotIn("bolero", {one["name"] for one in self.components}, "what only tests is no part")

    def test_every_package_has_licence_checksum_and_purl(self):
        own = {"abstractor-encoder"}
        for one in self.components:
            if not one.get("purl", "").startswith("pkg:cargo/"):
                continue
            with self.subTest(one["name"]):
                self.assertTrue(one["licenses"][0])
                self.assertEqual(one["purl"], f"pkg:cargo/{one['name']}@{one['version'].replace('+', '%2B')}")
                self.assertTrue(one["name"] in own or re.fullmatch(r"[0-9a-f]{64}", one["hashes"][0]["content"]))

    def test_the_c_code_and_the_knowledge_are_named(self):
        inner = {part["name"]: part for one in self.components for part in one.get("components", [])}
        self.assertRegex(inner["sqlite"]["version"], r"^3\.\d+\.\d+$")
        self.assertRegex(inner["mimalloc"]["version"], r"^\d+\.\d+\.\d+$")
        notice = (sbom.ROOT / "NOTICE").read_text()
        vocabularies = notice.split("Vocabularies (", 1)[1].split("\nModel\n", 1)[0]
        for name, *_ in sbom.KNOWLEDGE:
            self.assertIn(name, " ".join(vocabularies.split()), "NOTICE does not name it")
        bullets = re.split(r"\n- ", vocabularies)[1:]
        for bullet in bullets:
            words = " ".join(bullet.split())
            self.assertTrue(any(name in words for name, *_ in sbom.KNOWLEDGE), f"not in the bill: {words[:80]}")
        tables = {f"{table}.tsv" for _, _, _, tables in sbom.KNOWLEDGE for table in tables}
        there = {file.name.removesuffix(".gz") for file in (sbom.ROOT / "vocabularies").glob("*.tsv*")}
        self.assertLessEqual(tables, there)
        model = next(one for one in self.components if one["type"] == "machine-learning-model")
        self.assertEqual(model["pedigree"]["ancestors"][0]["name"], "all-MiniLM-L6-v2")
        for file in model["components"]:
            self.assertEqual(file["hashes"][0]["content"], sbom.sha256(sbom.ROOT / "models/clinical-ner" / file["name"]))

    def test_the_same_sources_give_the_same_bytes(self):
        self.assertEqual(json.dumps(sbom.bill()), json.dumps(self.bill))


if __name__ == "__main__":
    unittest.main()
