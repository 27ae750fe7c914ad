"""What a shell script is made of here: simple commands in the order of the text, and what is piped into what.

`syntax` makes these with tree-sitter-bash, `splitter` without it where the text is no bash or too much of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: A script beyond this many simple commands is not read to its end.
MAX_SIMPLES = 1_000


@dataclass(slots=True, eq=False)
class Stage:
    """One stage of a pipeline: its commands, and the stage before it."""

    before: Stage | None = None
    commands: list[Simple] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Simple:
    """A simple command as written.

    words: the command's words, still quoted. assigns: `NAME=raw` before it. redirects: operator and raw target.
    heredoc: its body; heredoc_quoted: nothing in it is expanded. herestring: raw. start, end: code points.
    kind: `command`; `assign` (only assignments), `for` (assigns one variable several values), `define` (a function:
    words are its name), `group` (only redirects, of a compound command). scope: which subshell it stands in.
    """

    start: int
    end: int
    kind: str = "command"
    words: list[str] = field(default_factory=list)
    assigns: list[tuple[str, str]] = field(default_factory=list)
    redirects: list[tuple[str, str]] = field(default_factory=list)
    heredoc: str | None = None
    heredoc_quoted: bool = False
    herestring: str | None = None
    stage: Stage | None = None
    scope: int = 0

    @property
    def given(self) -> bool:
        """Whether the text itself says what it reads: a here-document or here-string."""
        return self.heredoc is not None or self.herestring is not None


@dataclass(slots=True)
class Script:
    """simples: in order. unread: the rest of the text that was not looked at, empty mostly."""

    simples: list[Simple]
    unread: str = ""


#: Control characters are letters to a shell, but for these.
_CONTROLS = bytes(code if code in b"\t\n" or code >= 32 else 32 if code in b"\r\0" else ord("x") for code in range(256))


def shadow(text: str) -> str:
    """The text with one ASCII letter for every character that means nothing to a shell: same length, one byte each.

    So places in it are places in the text, whatever the parser counts.
    """
    if text.isascii() and "\r" not in text and "\0" not in text:
        return text
    return text.encode("ascii", "replace").translate(_CONTROLS).decode("ascii")


_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=(.*)", re.DOTALL)


def assignment(word: str) -> tuple[str, str] | None:
    """`NAME=raw` taken apart; None for any other word."""
    found = _ASSIGNMENT.fullmatch(word)
    return (found[1], found[2]) if found else None
