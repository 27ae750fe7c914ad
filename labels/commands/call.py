"""A command as a rule sees it: the program's name, its arguments with quotes removed, and where it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from labels.commands.words import Value

_SUFFIX = re.compile(r"\.(?:exe|cmd|bat|com|ps1)$")
#: Names under which some programs are commonly called.
SHORT_NAMES = {
    "k": "kubectl",
    "tf": "terraform",
    "tg": "terragrunt",
    "g": "git",
    "pwsh": "powershell",
    "podman-compose": "docker-compose",
    **{f"g{name}": name for name in ("find", "rm", "sed", "dd", "truncate", "shred", "xargs")},
}


#: Options of docker that take a value, before its subcommand.
_GLOBAL = frozenset({"--context", "-c", "-H", "--host", "--config", "-l", "--log-level"})


class Redirect(NamedTuple):
    """operator: such as `>`, `2>>`, `&>`. target: the path, or what is written where it is not known."""

    operator: str
    target: str

    @property
    def overwrites(self) -> bool:
        return ">" in self.operator and ">>" not in self.operator and "<" not in self.operator


class Printed(NamedTuple):
    """What goes into a command's standard input.

    text: if it can be read off. paths: what a listing lists, as globs (`find`). how: `text`, `paths`, `decoded` (made
    from something unreadable), `remote` (downloaded), `unknown`. source: the commands that print it, for the reader.
    """

    how: str
    text: str = ""
    paths: tuple[str, ...] = ()
    source: str = ""


@dataclass(slots=True)
class Call:
    """name: the program's base name in lower case. args: as the program gets them. start, end: code points.
    reads: what is piped into it, None where nothing is. cwd: the folder, as far as it is known.
    script: all calls of the same script in order, this one among them. via: the program that runs it, or empty.
    assigned: variables that are set for it, or for all that follows if there is no program.
    """

    name: str
    args: list[str]
    start: int = 0
    end: int = 0
    redirects: list[Redirect] = field(default_factory=list)
    reads: Printed | None = None
    known: Mapping[str, Value] = field(default_factory=dict)
    cwd: str | None = None
    script: list[Call] = field(default_factory=list)
    via: str = ""
    assigned: list[tuple[str, str]] = field(default_factory=list)

    def after(self) -> list[Call]:
        """The calls that come later in the same script."""
        return [call for call in self.script if call.start >= self.end]

    def env(self, name: str) -> str:
        """A variable that the command itself sets, or an empty text."""
        value = self.known.get(name, "")
        return value if isinstance(value, str) else " ".join(value)


def base_name(program: str) -> str:
    """`/usr/bin/RM` -> `rm`, `kubectl.exe` -> `kubectl`."""
    name = program.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()
    return _SUFFIX.sub("", name)


def program_and_args(words: list[str]) -> tuple[str, list[str]]:
    """The program's name and its arguments, short names written out."""
    name = base_name(words[0])
    name = SHORT_NAMES.get(name, name)
    if name in ("docker", "podman", "nerdctl") and "compose" in words[1:6]:
        place = words.index("compose", 1)
        if all(word.startswith("-") or before in _GLOBAL for before, word in pairwise(words[:place])):
            return "docker-compose", words[place + 1 :]
    return name, words[1:]
