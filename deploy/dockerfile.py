"""Reads the Dockerfile: its instructions, what it copies, what .dockerignore lets through, and its builder stage as a script."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Instruction:
    """One instruction, without comments and line ends, and the name of its stage."""

    stage: str
    word: str
    rest: str

    def list(self) -> list[str]:
        """The words of an instruction in JSON; its words as a shell reads them otherwise."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


def read(root: Path) -> list[Instruction]:
    """The instructions of the Dockerfile; a stage without a name is called by its number."""
    lines = [line for line in (root / "Dockerfile").read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage, stages = "", 0
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            stage = rest.split()[-1] if " as " in rest.lower() else str(stages)
            stages += 1
        found.append(Instruction(stage, word.upper(), rest.strip()))
    return found


def copies(instructions: list[Instruction], stage: str | None = None) -> list[tuple[str, str]]:
    """Source and target of everything that is copied from the folder, into one stage or all."""
    found = []
    for instruction in instructions:
        if instruction.word not in ("COPY", "ADD") or stage not in (None, instruction.stage):
            continue
        words = instruction.list()
        if any(word.startswith("--from") for word in words):
            continue
        *sources, target = [word for word in words if not word.startswith("--")]
        found += [(source, target) for source in sources]
    return found


def variables(instructions: list[Instruction], stage: str, word: str = "ENV") -> dict[str, str]:
    """What ENV or LABEL set in a stage."""
    pairs = [pair for instruction in instructions if (instruction.stage, instruction.word) == (stage, word) for pair in instruction.list()]
    return dict(pair.split("=", 1) for pair in pairs)


class Ignored:
    """.dockerignore: the last line that fits a path or a folder above it decides."""

    def __init__(self, root: Path):
        lines = [line.strip() for line in (root / ".dockerignore").read_text().splitlines()]
        self.rules = [(line.startswith("!"), self._pattern(line.lstrip("!").strip("/"))) for line in lines if line and line[0] != "#"]

    @staticmethod
    def _pattern(glob: str) -> re.Pattern:
        parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        text = "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob) if part)
        return re.compile(text + r"(?:/.*)?")

    def sends(self, path: str) -> bool:
        """Whether this file reaches the build."""
        sent = True
        for is_exception, pattern in self.rules:
            if pattern.fullmatch(path):
                sent = is_exception
        return sent


def lay_out(root: Path, folder: Path, pairs: list[tuple[str, str]], put) -> None:
    """Puts what is copied where it would be; `put` makes one file or folder. Files end with / where the target is a folder, as in Docker."""
    for source, target in pairs:
        for path in sorted(root.glob(source)):
            to = folder / target
            to = to / path.name if target.endswith("/") and path.is_file() else to
            to.parent.mkdir(parents=True, exist_ok=True)
            put(path, to)


def copied(path: Path, to: Path) -> None:
    """A copy of a file, or of what is in a folder."""
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(path, to)


def build(root: Path, folder: Path, stage: str = "builder") -> Path:
    """Runs the stage as a script in an empty folder, which stands for its WORKDIR; the program that it made."""
    instructions = read(root)
    lay_out(root, folder, copies(instructions, stage), copied)
    environment = {**os.environ, **variables(instructions, stage)}
    # the folder's own, as in the image
    environment.pop("CARGO_TARGET_DIR", None)
    for instruction in instructions:
        if (instruction.stage, instruction.word) == (stage, "RUN"):
            subprocess.run(["sh", "-e", "-c", instruction.rest], cwd=folder, env=environment, check=True)
    workdir = next(instruction.rest for instruction in instructions if (instruction.stage, instruction.word) == (stage, "WORKDIR"))
    for instruction in instructions:
        if instruction.word == "COPY" and f"--from={stage}" in instruction.rest and workdir + "/" in instruction.rest:
            made = folder / instruction.list()[1].removeprefix(workdir + "/")
            if not made.is_file():
                raise RuntimeError(f"the builder did not make {made}")
            return made
    raise RuntimeError(f"nothing is copied out of {workdir}")
