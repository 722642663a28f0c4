"""What the checks of deploy/check.py share: reading YAML, running validators, the version, user and times that all files agree on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

USER = 10001
FINISHES = 20  # seconds that answers and jobs under way have when a process was told to stop (src/cli/http.rs, src/cli/running.rs)


class Unique(yaml.SafeLoader):
    """YAML in which a name stands once: the second would win without a word."""


def _mapping(loader: Unique, node: yaml.MappingNode) -> dict:
    names = [key.value for key, _ in node.value]
    for name in names:
        if name != "<<" and names.count(name) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"{name} stands twice", node.start_mark)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


Unique.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def documents(file: Path) -> list[dict]:
    """The documents of a YAML file."""
    return [document for document in yaml.load_all(file.read_text(), Unique) if document is not None]


def version(root: Path) -> str:
    """The version that everything here deploys."""
    return tomllib.loads((root / "Cargo.toml").read_text())["package"]["version"]


def tool(name: str) -> str:
    """A program of the packages, else of the system; a check that cannot run has failed."""
    found = Path(sys.executable).parent / name
    if found.exists():
        return str(found)
    if on_path := shutil.which(name):
        return on_path
    raise SystemExit(f"{name} is not installed: pip install --requirement deploy/requirements.txt, or Debian's packages")


def said(command: list, **options) -> list[str]:
    """The lines that a validator printed, when it failed or was not silent on standard error."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    lines = (done.stdout + done.stderr if done.returncode else done.stderr).splitlines()
    failed = [f"{command[0]} failed with {done.returncode}"] if done.returncode and not lines else []
    return [line for line in lines if line.strip()] + failed


def port_of(address: str) -> int:
    """The port of an address to listen on, or of a URL."""
    return int(address.rsplit(":", 1)[1].split("/")[0])


def seconds_to_stop(file: Path, words: list[str]) -> int:
    """How long a process may take to stop: it lingers, then finishes what is under way."""
    configuration = tomllib.loads(file.read_text())
    return configuration["stop"]["linger_seconds"] + FINISHES
