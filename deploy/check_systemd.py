"""Checks the units of deploy/systemd."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from program import Program
from shared import USER, said, seconds_to_stop, tool

EXPOSURE = 15  # tenths: what `systemd-analyze security` may call a unit at most; it counts to 100


def check_systemd(root: Path, program: Program) -> Iterator[str]:
    """`systemd-analyze verify` and `security` in a root of their own; what runs, as whom and with what."""
    folder = root / "deploy/systemd"
    with tempfile.TemporaryDirectory() as name:
        system = Path(name)
        (system / "usr/local/bin").mkdir(parents=True)
        # verify asks whether it can be run
        shutil.copy2("/bin/true", system / "usr/local/bin/abstractor")
        (system / "lib/systemd/system").mkdir(parents=True)
        for file in Path("/lib/systemd/system").iterdir():
            if file.suffix in (".target", ".slice") and file.exists():
                shutil.copy2(file, system / "lib/systemd/system")
        shutil.copytree(folder, system / "etc/systemd/system")
        for unit in sorted(folder.glob("*.service")):
            analyze = [tool("systemd-analyze"), f"--root={system}", "--no-pager"]
            # unknown settings are told without a failure
            yield from (f"{unit.name}: {line}" for line in said([*analyze, "verify", "--man=no", unit.name]))
            security = [*analyze, "security", "--offline=yes", f"--threshold={EXPOSURE}", unit.name]
            yield from (f"{unit.name}: {line.strip()}" for line in said(security) if "✗" in line or "exposure" in line or "failed" in line)
    users = (folder / "abstractor.sysusers.conf").read_text()
    if not re.search(rf"^u abstractor {USER} ", users, re.MULTILINE):
        yield f"abstractor.sysusers.conf does not make the user {USER}"
    for unit in sorted(folder.glob("*.service")):
        yield from (f"{unit.name}: {problem}" for problem in check_unit(program, unit))


def check_unit(program: Program, unit: Path) -> Iterator[str]:
    """One unit with its drop-ins."""
    texts = [unit.read_text()] + [file.read_text() for file in sorted(unit.parent.glob(f"{unit.name}.d/*.conf"))]
    settings: dict[str, list[str]] = {}
    for line in "\n".join(texts).splitlines():
        if re.match(r"[A-Z]\w+=", line):
            name, _, text = line.partition("=")
            settings.setdefault(name, []).append(text)
    start, *words = shlex.split(settings["ExecStart"][0])
    if start != "/usr/local/bin/abstractor":
        yield f"it starts {start}"
    environment = dict(pair.split("=", 1) for pair in settings["Environment"])
    # of the file that EnvironmentFile names, one line for all machines
    yield from program.problems(words, {*environment, "ABSTRACTOR_DATABASE"})
    longest = seconds_to_stop(unit.parent / "abstractor.toml", words)
    if int(settings.get("TimeoutStopSec", ["0"])[0]) <= longest:
        yield f"TimeoutStopSec must be more than {longest}, which a stop may take"
    credentials = {text.split(":")[0] for text in settings.get("LoadCredential", [])}
    for variable, path in environment.items():
        if variable.endswith("_FILE") and path.removeprefix("%d/") not in credentials:
            yield f"{variable}={path} is no credential"
    wanted = {"User": "abstractor", "Restart": "on-failure", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "PrivateTmp": "yes"}
    wanted["IPAddressDeny"] = "any"
    yield from (f"{name} is not {text}" for name, text in wanted.items() if settings.get(name) != [text])
    yield from (f"there is no {name}" for name in ("MemoryMax", "LimitNOFILE", "SystemCallFilter", "CacheDirectory") if name not in settings)
