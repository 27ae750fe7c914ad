"""What a run has made itself: folders, clones, tables, namespaces. Deleting those again loses nobody's work.

Names are taken from the commands that make them; whether a command succeeded is not asked, because what could not be
made cannot be lost either. A name that the run has destroyed before is never its own again: what comes back under it
is a replacement.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator

from labels.detectors.patterns import Pattern

#: Names that are remembered, and characters of a command that are looked at.
MOST_NAMES, LOOK_AT = 500, 4_000
_HINTS = ("mkdir", "clone", "create", "CREATE", "venv", "git init", "worktree add")
_WORDS = r"((?:[ \t]+[^\s;&|<>()\"']{1,200}){1,20})"
_MAKERS = Pattern(
    rf"\b(?:mkdir|git[ \t]+init|git[ \t]+worktree[ \t]+add|python[\d.]*[ \t]+-m[ \t]+venv|virtualenv|createdb){_WORDS}"
    rf"|\b(?:kubectl|oc)[ \t]+create[ \t]+(?:ns|namespace){_WORDS}|\b(?:docker|podman)[ \t]+volume[ \t]+create{_WORDS}"
)
_CLONES = Pattern(rf"\bgit[ \t]+clone{_WORDS}")
_MAKES = Pattern(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+|unlogged\s+)?(?:table|database|schema|view)\s+"
    r"(?:if\s+not\s+exists\s+)?[\"`\[]?([\w.$-]{1,120})",
    re.IGNORECASE,
)
_REMOVES = Pattern(
    r"\s*(?:sudo\s+)?(?:rm|rmdir|dropdb|(?:kubectl|oc)[ \t]+delete[ \t]+(?:ns|namespace)"
    rf"|(?:docker|podman)[ \t]+volume[ \t]+rm|git[ \t]+worktree[ \t]+remove){_WORDS}\s*$"
)
_DROPS = Pattern(
    r"\bdrop\s+(?:table|database|schema|view)\s+(?:if\s+exists\s+)?([\w.$\"`-]{1,120}(?:\s*,\s*[\w.$\"`-]{1,120}){0,20})",
    re.IGNORECASE,
)
_OTHER_HARM = Pattern(r"\b(?:delete|truncate|alter|update|rm|grant)\b", re.IGNORECASE)


class Made:
    """The names of what one run has made so far."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()
        self._lost: OrderedDict[str, None] = OrderedDict()

    def note(self, command: str) -> None:
        """A command that is run; what it makes is remembered."""
        text = command[:LOOK_AT]
        if any(hint in text for hint in _HINTS):
            for name in _made_by(text):
                if name not in self._lost:
                    _keep(self._names, name)

    def is_own(self, words: str) -> bool:
        """Whether all that a destructive command works on was made by the run; False where that cannot be told."""
        targets = _targets(words[:LOOK_AT])
        return bool(targets) and all(self._has(name) for name in targets)

    def _has(self, name: str) -> bool:
        """Whether it was made, or lies in a folder that was."""
        parts = name.split("/")
        return any("/".join(parts[:count]) in self._names for count in range(1, len(parts) + 1))

    def lose(self, words: str) -> None:
        """What a destructive command names is gone, whoever had made it."""
        for name in _targets(words[:LOOK_AT]):
            self._names.pop(name, None)
            _keep(self._lost, name)


def _made_by(text: str) -> Iterator[str]:
    for found in _MAKERS.finditer(text):
        yield from _plain_words(next(filter(None, found.groups())))
    for found in _CLONES.finditer(text):
        url, *folder = _plain_words(found[1])[:2] or [""]
        yield folder[0] if folder else url.rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
    for found in _MAKES.finditer(text):
        yield _plain(found[1])


def _targets(words: str) -> list[str]:
    """What a command removes; nothing where it does other harm too, or hides its targets in variables and globs."""
    dropped = [name for found in _DROPS.finditer(words) for name in found[1].split(",")]
    if dropped:
        return [] if _OTHER_HARM.search(_DROPS.sub("", words)) else [_plain(name) for name in dropped]
    found = _REMOVES.match(words)
    if found is None:
        return []
    names = _plain_words(found[1])
    return [] if any(char in name for name in names for char in "$*?{`~") or ".." in words else names


def _plain_words(text: str) -> list[str]:
    """Words that are no options, as they are compared. A number behind an option (`--depth 1`) is its value."""
    return [_plain(word) for word in text.split() if not word.startswith("-") and not word.isdigit()]


def _plain(name: str) -> str:
    return name.strip().strip('"`[]').removeprefix("./").rstrip("/").lower()


def _keep(names: OrderedDict[str, None], name: str) -> None:
    if name:
        names[name] = None
        if len(names) > MOST_NAMES:
            names.popitem(last=False)
