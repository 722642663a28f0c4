"""What the command line of the program takes, by its own help: commands, options and variables of the environment."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path

VARIABLE = re.compile(r"\bABSTRACTOR_[A-Z_]+\b")


class Program:
    """A built `abstractor`; what its help said is kept."""

    def __init__(self, path: Path):
        self.path = path
        self.help = lru_cache(maxsize=None)(self._help)

    def run(self, arguments: list[str], **options) -> subprocess.CompletedProcess:
        """Runs it without a variable of the caller's."""
        return subprocess.run([self.path, *arguments], env={}, capture_output=True, text=True, timeout=20, **options)

    def _help(self, command: tuple[str, ...]) -> str:
        done = self.run([*command, "--help"])
        if done.returncode != 0:
            raise RuntimeError(f"{self.path} {' '.join(command)} --help failed: {done.stderr.strip()}")
        return done.stdout

    def commands(self, command: tuple[str, ...] = ()) -> set[str]:
        """The commands below this one."""
        below = re.search(r"^Commands:\n((?:  .*\n|\n)+)", self.help(command), re.MULTILINE)
        return set(re.findall(r"^  ([a-z][a-z-]*)", below.group(1), re.MULTILINE)) - {"help"} if below else set()

    def options(self, command: tuple[str, ...]) -> set[str]:
        """The options of a command, with their dashes."""
        return set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z0-9-]*)", self.help(command), re.MULTILINE))

    def variables(self, command: tuple[str, ...]) -> set[str]:
        """The variables that a command reads."""
        return set(re.findall(r"\[env: (ABSTRACTOR_[A-Z_]+)", self.help(command)))

    def all_variables(self, command: tuple[str, ...] = ()) -> set[str]:
        """The variables that any command reads."""
        below = (self.all_variables((*command, name)) for name in sorted(self.commands(command)))
        return self.variables(command).union(*below)

    def problems(self, words: list[str], variables: set[str] = frozenset()) -> list[str]:
        """What is wrong with a command line, the program's name left out, and with the variables that are set for it."""
        command: tuple[str, ...] = ()
        found, is_value = [], False
        for word in words:
            if is_value:
                is_value = False
            elif word.startswith("--") and word != "--":
                option = word.split("=")[0]
                if option not in self.options(command):
                    found.append(f"`{' '.join(('abstractor', *command))}` does not take {option}")
                is_value = "=" not in word and re.search(rf"{option}(?: \[|=| )<", self.help(command)) is not None
            elif word in self.commands(command):
                command = (*command, word)
        if not command or self.commands(command):
            return [f"`{' '.join(['abstractor', *words])}` is no command of the program"]
        read = self.variables(command).union(*(self.variables(command[:end]) for end in range(len(command))))
        ours = {variable for variable in variables if VARIABLE.fullmatch(variable)}
        return found + [f"`{' '.join(('abstractor', *command))}` does not read {variable}" for variable in sorted(ours - read)]
