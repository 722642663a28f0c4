#!/usr/bin/env python3
"""Checks everything to deploy: each file by a validator that we did not write, and all of them against each other and the program.

usage: target/deploy/bin/python deploy/check.py [--build]

The packages of requirements.txt are beside this Python; hadolint and cargo, and systemd-analyze of Debian's systemd, must be there.
ABSTRACTOR_PROGRAM names the program whose options count, else target/debug/abstractor. --build runs the builder stage of the Dockerfile as
a script in an empty folder, which takes as long as a release build, and the program that comes of it.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dockerfile
from check_compose import check_compose
from check_dockerfile import check_dockerfile
from check_kubernetes import check_kubernetes
from check_systemd import check_systemd
from program import VARIABLE, Program
from shared import version

ROOT = Path(__file__).resolve().parent.parent
PARTS = ["kubernetes", "compose", "systemd"]  # the other folders have checks of their own
VARIABLES_OF_CHECK = {"ABSTRACTOR_PROGRAM"}


def check_words(root: Path, program: Program) -> Iterator[str]:
    """Variables, versions, metrics and commands in every file, comments and prose included."""
    known = program.all_variables() | VARIABLES_OF_CHECK
    # the table that the program and the rules of Prometheus are held to
    metrics = {line.split("\t")[0] for line in (root / "deploy/monitoring/metrics.tsv").read_text().splitlines()}
    files = [root / "Dockerfile", root / "deploy/README.md"]
    files += [file for part in PARTS for file in sorted((root / "deploy" / part).rglob("*")) if file.is_file() and "secrets" not in file.parts]
    for file in files:
        text, name = file.read_text(), file.relative_to(root)
        yield from (f"{name}: no command reads {variable}" for variable in sorted(set(VARIABLE.findall(text)) - known))
        yield from (f"{name}: abstractor:{tag} is not {version(root)}" for tag in re.findall(r"\babstractor:(\d[\w.]*\d)", text) if tag != version(root))
        for metric in set(re.findall(r"\babstractor_\w+_(?:seconds|total|bytes|waiting|running)\b", text)):
            if metric not in metrics:
                yield f"{name}: {metric} is no metric of the program"
    yield from check_commands(root, program)


def check_commands(root: Path, program: Program) -> Iterator[str]:
    """The command lines of README.md."""
    text = (root / "deploy/README.md").read_text()
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for place, word in enumerate(words):
                is_program = re.fullmatch(r"(\S*/)?abstractor(:[\d.]+)?", word)
                starts = place == 0 or words[place - 1] in ("--", "sudo") or ":" in word or "/" in word
                following = words[place + 1 :]
                if is_program and following and (following[0] in program.commands() or (starts and re.fullmatch(r"[a-z]+", following[0]))):
                    end = next((at for at, other in enumerate(following) if other in ("|", ">", "&&", ";")), len(following))
                    yield from (f"deploy/README.md: {problem}" for problem in program.problems(following[:end]))


def check_configuration(root: Path, program: Program) -> Iterator[str]:
    """The program takes every abstractor.toml: it stops at the key that it does not get, which it asks for after the configuration."""
    for file in sorted((root / "deploy").rglob("abstractor.toml")):
        with tempfile.TemporaryDirectory() as folder:
            done = program.run(["serve", "--config", str(file)], cwd=folder)
        if done.returncode == 0 or "no site key is configured" not in done.stderr:
            yield f"{file.relative_to(root)}: {done.stderr.strip()}"


CHECKS = {
    "Dockerfile": check_dockerfile,
    "Kubernetes": check_kubernetes,
    "Compose": check_compose,
    "systemd": check_systemd,
    "configuration": check_configuration,
    "words": check_words,
}


def the_program() -> Program:
    """The program whose options count."""
    path = Path(os.environ.get("ABSTRACTOR_PROGRAM", ROOT / "target/debug/abstractor")).resolve()
    if not path.is_file():
        raise SystemExit(f"{path} is not there: build it, or set ABSTRACTOR_PROGRAM")
    return Program(path)


def build() -> Iterator[str]:
    """The builder stage as a script, and what it made."""
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        made = dockerfile.build(ROOT, Path(folder))
        told = subprocess.run([made, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"built {told}, {made.stat().st_size:,} bytes")
        if told != f"abstractor {version(ROOT)}":
            yield f"the builder made {told}"


def main() -> int:
    """Runs every check and prints what was found."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", action="store_true", help="run the builder stage of the Dockerfile too")
    program = the_program()
    checks = {name: check(ROOT, program) for name, check in CHECKS.items()}
    if arguments.parse_args().build:
        checks["build"] = build()
    found = 0
    for name, problems in checks.items():
        for problem in problems:
            found += 1
            print(f"{name}: {problem}")
    print(f"{found} problems" if found else f"everything to deploy is sound ({', '.join(checks)})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
