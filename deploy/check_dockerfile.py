"""Checks the Dockerfile and .dockerignore."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import dockerfile
from program import Program
from shared import USER, port_of, said, tool, version


def check_dockerfile(root: Path, program: Program) -> Iterator[str]:
    """hadolint; pinned stages; the user; what runs; what is copied is there, reaches the build, and is all that cargo reads."""
    yield from said([tool("hadolint"), "Dockerfile"], cwd=root)
    instructions = dockerfile.read(root)
    last = instructions[-1].stage
    for instruction in instructions:
        image = instruction.rest.split()[0]
        if instruction.word == "FROM" and not re.search(r":\d+\.\d+(\.\d+)?-|@sha256:", image):
            yield f"{image} is not pinned to a release"
        if instruction.word == "FROM" and image.startswith("rust:"):
            wanted = tomllib.loads((root / "Cargo.toml").read_text())["package"]["rust-version"]
            if not image.startswith(f"rust:{wanted}."):
                yield f"{image} is not the Rust {wanted} of Cargo.toml"
    ends = {instruction.word: instruction for instruction in instructions if instruction.stage == last}
    if missing := {"ENTRYPOINT", "CMD", "ENV", "EXPOSE", "HEALTHCHECK"} - set(ends):
        yield f"the last stage has no {', '.join(sorted(missing))}"
        return
    if ends.get("USER") is None or ends["USER"].rest != f"{USER}:{USER}":
        yield f"the last stage does not run as {USER}:{USER}"
    environment = dockerfile.variables(instructions, last)
    if ends["ENTRYPOINT"].list() != ["abstractor"]:
        yield "the entry point is not the program"
    yield from program.problems(ends["CMD"].list(), set(environment))
    words = dockerfile.Instruction(last, "CMD", ends["HEALTHCHECK"].rest.split(" CMD ", 1)[1]).list()
    # without an address it asks where ABSTRACTOR_LISTEN says
    if words != ["abstractor", "health"]:
        yield f"HEALTHCHECK runs {words}"
    yield from program.problems(words[1:], {"ABSTRACTOR_LISTEN"})
    if int(ends["EXPOSE"].rest) != port_of(environment["ABSTRACTOR_LISTEN"]):
        yield "EXPOSE and ABSTRACTOR_LISTEN name different ports"
    if dockerfile.variables(instructions, last, "LABEL").get("org.opencontainers.image.version") != version(root):
        yield f"the label of the version is not {version(root)}"
    yield from check_sources(root, instructions)


def check_sources(root: Path, instructions: list[dockerfile.Instruction]) -> Iterator[str]:
    """What the Dockerfile copies, laid out as in the builder by links."""
    ignored = dockerfile.Ignored(root)
    for source, _ in dockerfile.copies(instructions):
        paths = sorted(root.glob(source))
        if not paths:
            yield f"COPY {source}: there is no such file"
        for path in paths:
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
            for file in files:
                if not ignored.sends(file.relative_to(root).as_posix()):
                    yield f"COPY {source}: .dockerignore leaves out {file.relative_to(root)}"
                    break
    for secret in ("deploy/compose/secrets/site.key", "data/abstractor.db", "target/debug/abstractor", ".git/config"):
        if ignored.sends(secret):
            yield f".dockerignore sends {secret} to the build"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dockerfile.lay_out(root, folder, dockerfile.copies(instructions, "builder"), lambda path, to: to.symlink_to(path))
        manifest = folder / "Cargo.toml"
        if manifest.exists():
            metadata = ["cargo", "metadata", "--offline", "--locked", "--no-deps", "--format-version=1", "--manifest-path", manifest]
            yield from said(metadata, cwd=folder)
        else:
            yield "the builder has no Cargo.toml"
        for folders in re.findall(r"dirs = \[(.*)\]", (root / "askama.toml").read_text()):
            for templates in re.findall(r'"(.*?)"', folders):
                if not (folder / "askama.toml").exists() or not (folder / templates).is_dir():
                    yield f"the builder does not have askama.toml and {templates}"
        yield from check_includes(folder)


def check_includes(folder: Path) -> Iterator[str]:
    """What the sources include while they are compiled, tests left out."""
    for part in ("src", "encoder/src"):
        sources = {file: file.read_text() for file in sorted((folder / part).rglob("*.rs"))}
        tests = {
            path or name + ".rs"
            for text in sources.values()
            for path, name in re.findall(r'#\[cfg\(test\)\]\s*(?:#\[path = "([^"]+)"\]\s*)?(?:pub(?:\([^)]*\))? )?mod (\w+);', text)
        }
        for file, text in sources.items():
            if file.name in tests or "tests" in file.relative_to(folder).parts:
                continue
            compiled = text.split("#[cfg(test)]\nmod ")[0]
            for included in re.findall(r'include_(?:str|bytes)!\((?:concat!\()?"([^"]+)"', compiled):
                # by its text: a link would lead out of the folder
                if not Path(os.path.normpath(file.parent / included)).exists():
                    yield f"{file.relative_to(folder)} includes {included}, which is not copied"
