"""How a rule is written down: what it is about, and the uses of a program that it forbids.

Most programs are tables: `row(RULE, "pattern of words", ...)`, first match wins, a row without a rule allows. A pattern
is one piece per positional argument, `|` between choices, `*` for anything, `delete-*` for a beginning; `.. delete`
may begin at any argument. What a table cannot say is a function of the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from labels.commands.call import Call
from labels.commands.options import Line, parse
from labels.commands.verdict import Family

#: Options by which nearly every program only shows what it would do, or explains itself.
DRY = tuple(
    "--dry-run --dryrun --dry_run --dryRun -dry-run --help --what-if -whatif -WhatIf --noop --pretend "
    "--simulate".split()
)
_ASKS = (["--version"], ["-V"], ["version"], ["-h"])
_TOKEN = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """id: stable, `family.name`. why: a plain sentence about what is lost. severity: 0 to 1."""

    id: str
    why: str
    severity: float = 0.9
    family: Family = "irreversible"


class Finding(NamedTuple):
    """A rule that a call breaks. detail: what exactly, for the sentence's end; may be empty."""

    rule: Rule
    detail: str = ""


Check = Callable[[Call, Line], Finding | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One use of a program. rule: None allows. any, all, unless: options it needs or must not have."""

    rule: Rule | None
    words: tuple[tuple[str, ...], ...]
    anywhere: bool
    any: tuple[str, ...]
    all: tuple[str, ...]
    unless: tuple[str, ...]
    when: Check | None

    def matches(self, call: Call, line: Line) -> bool:
        if self.any and not line.has(*self.any):
            return False
        if not all(line.has(name) for name in self.all) or (self.unless and line.has(*self.unless)):
            return False
        if not self._words_match(line.words):
            return False
        return self.when is None or self.when(call, line) is not None

    def _words_match(self, given: list[str]) -> bool:
        size = len(self.words)
        if not size:
            return True
        last = len(given) - size if self.anywhere else 0
        return any(
            len(given) >= at + size and all(map(_fits, self.words, given[at : at + size])) for at in range(last + 1)
        )


def _fits(choices: tuple[str, ...], word: str) -> bool:
    return any(
        choice == "*" or choice == word or (choice[-1] == "*" and word.startswith(choice[:-1])) for choice in choices
    )


def row(
    rule: Rule | None, words: str = "", *, any: str = "", all: str = "", unless: str = "", when: Check | None = None
) -> Row:
    """A row of a table. when: a further condition; it holds where the function gives anything back."""
    pieces = words.split()
    anywhere = pieces[:1] == [".."]
    pattern = tuple(tuple(piece.split("|")) for piece in pieces[anywhere:])
    return Row(rule, pattern, anywhere, tuple(any.split()), tuple(all.split()), tuple(unless.split()), when)


class Tool:
    """What is known of a program, or of several that are used alike.

    names: the programs, blanks between. valued: options that take the next argument. gate: words of which a call that
    breaks a check must hold one; `*` if it needs none. dry: options that make every use harmless.
    """

    def __init__(
        self,
        names: str,
        *rows: Row,
        valued: str = "",
        check: Check | None = None,
        gate: str = "",
        dry: Iterable[str] = DRY,
        long_dash: bool = False,
        abbreviates: bool = False,
        fold: bool = False,
    ) -> None:
        self.names = tuple(names.split())
        self.rows = rows
        self.check = check
        self.dry = tuple(dry)
        self._valued = frozenset(valued.split())
        self._style = {"long_dash": long_dash, "abbreviates": abbreviates, "fold": fold}
        self.gate = _gate(rows, gate)

    def judge(self, call: Call) -> Finding | None:
        line = parse(call.args, self._valued, **self._style)
        if self.dry and (line.has(*self.dry) or line.words[:1] == ["help"] or (self.dry == DRY and call.args in _ASKS)):
            return None
        if self.check and (found := self.check(call, line)):
            return found
        for item in self.rows:
            if item.matches(call, line):
                detail = found.detail if item.when and (found := item.when(call, line)) else ""
                return Finding(item.rule, detail) if item.rule else None
        return None

    def rules(self) -> list[Rule]:
        return [item.rule for item in self.rows if item.rule]


def _gate(rows: Iterable[Row], more: str) -> frozenset[str] | None:
    """Words of which a denied call must hold at least one; None if that cannot be said.

    A row is known by the last of its words. A row without words is known by its long options, or by `more`.
    """
    if more == "*":
        return None
    words = set(more.split())
    for item in rows:
        if not item.rule or (not item.words and more):
            continue
        sources = list(item.words[-1]) if item.words else list(item.any or item.all[:1])
        for source in sources:
            tokens = _TOKEN.findall(source.lower())
            if source[-1:] == "*" and source[-2:-1].isalnum():
                return None  # a beginning: the words of the text are longer
            if not tokens or (not item.words and len(source) < 3):
                return None
            words.add(tokens[0])
        if not sources:
            return None
    return frozenset(words)
