"""Judges a shell script: reads it, follows every wrapper, pipe and inline script in it, asks the rules of each call.

The work is bounded: so many calls, so deep, so many characters. What is left unread counts as harmless unless the
cheap look of `gate` finds a word in it by which a destructive command could begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from labels.commands import code, gate, interpreters, registry, sql, syntax, unwrap
from labels.commands.call import Call, Redirect, program_and_args
from labels.commands.calls import Place, calls
from labels.commands.code import Hit
from labels.commands.rules import opaque
from labels.commands.rules.base import Finding, Rule
from labels.commands.rules.contents import redirects
from labels.commands.rules.logs import stops_history
from labels.commands.rules.secrets import over_network
from labels.commands.rules.system import FORK_BOMB
from labels.commands.wrappers import Inner

_MAX_DEPTH = 10
_MAX_CALLS = 2_000
_MAX_TEXT = 300_000


class Found(NamedTuple):
    """A rule that is broken, and where in the text that was judged: code points, end exclusive."""

    finding: Finding
    start: int
    end: int


class _Hit(NamedTuple):
    """A rule that a call breaks. passage: the text within the call that does it, empty for the call as a whole."""

    finding: Finding
    passage: str = ""


class Engine:
    """For one judgement: it counts what it has done."""

    def __init__(self) -> None:
        self._calls = _MAX_CALLS
        self._text = _MAX_TEXT

    def command(self, text: str, cwd: str | None = None) -> Found | None:
        """The most severe of what a script does; the first of equals."""
        return _worst(self._script(text, Place(cwd=cwd)))

    def code(self, text: str, language: str, cwd: str | None = None) -> Found | None:
        """The same for program code."""
        return _worst(self._code(text, language, Call("", [], cwd=cwd), Place(cwd=cwd)))

    def words(self, words: Sequence[str], cwd: str | None = None) -> Found | None:
        """The same for a command that is words already (an argv list). Places are in the words joined by blanks."""
        text = " ".join(words)
        call = Call("", [], 0, len(text), cwd=cwd)
        return _worst(_located(hit, call, text) for hit in self._words(tuple(words), call, Place(cwd=cwd)))

    # -- scripts --

    def _script(self, text: str, place: Place) -> Iterator[Found]:
        """What a script does that is forbidden, in order."""
        self._text -= len(text) if place.depth else 0
        if place.depth > _MAX_DEPTH or self._text < 0:
            yield from _unread(text, 0, opaque.TOO_DEEP)
            return
        if "()" in text and gate.FORK_BOMB.search(text):
            yield Found(Finding(FORK_BOMB), 0, len(text))
        script = syntax.read(text)
        for call in calls(script, text, place):
            self._calls -= 1
            if self._calls < 0:
                yield from _unread(text, call.start, opaque.TOO_LONG)
                return
            for hit in self._call(call, place):
                yield _located(hit, call, text)
        if script.unread:
            yield from _unread(text, len(text) - len(script.unread), opaque.TOO_LONG)

    def _inner(self, text: str, call: Call, place: Place, *, elsewhere: bool = False) -> Iterator[_Hit]:
        """A script within a call."""
        for found in self._script(text, place.inside(call, text, elsewhere=elsewhere)):
            yield _Hit(found.finding, text[found.start : found.end])

    # -- calls --

    def _call(self, call: Call, place: Place) -> Iterator[_Hit]:
        """What one call does, and everything it runs."""
        if call.redirects and (finding := redirects(call) or over_network(call)):
            yield _Hit(finding)
        if call.assigned and (finding := stops_history(call.assigned)):
            yield _Hit(finding)
        if finding := registry.judge(call):
            yield _Hit(finding)
        yield from self._interpreter(call, place)
        if unwrap.is_wrapper(call.name):
            for inner in unwrap.inners(call):
                hits = self._unwrapped(inner, call, place)
                yield from (hit for hit in hits if not inner.sandbox or _reaches_out(hit.finding))

    def _unwrapped(self, inner: Inner, call: Call, place: Place) -> Iterator[_Hit]:
        if inner.script is not None:
            return self._inner(inner.script, call, place, elsewhere=inner.elsewhere)
        return self._words(inner.words, call, place, via=inner.via, elsewhere=inner.elsewhere)

    def _words(
        self, words: tuple[str, ...], outer: Call, place: Place, *, via: str = "", elsewhere: bool = False
    ) -> Iterator[_Hit]:
        """A call that another one makes."""
        self._calls -= 1
        if not words:
            return
        if self._calls < 0 or place.depth > _MAX_DEPTH:
            if gate.may_matter(" ".join(words)):
                yield _Hit(Finding(opaque.TOO_DEEP))
            return
        name, args = program_and_args(list(words))
        cwd = None if elsewhere else outer.cwd
        call = Call(name, args, outer.start, outer.end, [], outer.reads, outer.known, cwd, outer.script, via)
        inside = Place(place.known, place.aliases, cwd, place.depth + 1)
        yield from self._call(call, inside)

    def _interpreter(self, call: Call, place: Place) -> Iterator[_Hit]:
        """Code that a call gives to an interpreter, and scripts that nobody can read before."""
        language = interpreters.language(call.name)
        runs = language or call.name in unwrap.SHELLS or call.name in ("source", ".")
        if call.name == "eval-decoded" or (runs and call.reads and call.reads.how == "decoded"):
            yield _Hit(Finding(opaque.DECODED))
        if not language or place.depth > _MAX_DEPTH:
            return
        for text in interpreters.inline_code(call):
            self._text -= len(text)
            if self._text < 0:
                return
            for found in self._code(text, language, call, place.inside(call, text, elsewhere=False)):
                yield _Hit(found.finding, text[found.start : found.end])

    def _code(self, text: str, language: str, outer: Call, place: Place) -> Iterator[Found]:
        for hit in code.look(text, language):
            for finding in self._code_hit(hit, outer, place):
                yield Found(finding, hit.start, hit.end)
        if len(text) > code.MAX_CODE:
            yield from _unread(text, code.MAX_CODE, opaque.TOO_LONG)

    def _code_hit(self, hit: Hit, outer: Call, place: Place) -> Iterator[Finding]:
        if hit.finding:
            yield hit.finding
        elif hit.words:
            yield from (inner.finding for inner in self._words(hit.words, outer, place))
        elif hit.script is not None:
            yield from (inner.finding for inner in self._inner(hit.script, outer, place))
        elif hit.sql is not None:
            if found := sql.worst(hit.sql):
                yield found.finding
        elif hit.writes is not None:
            writes = Call("", [], redirects=[Redirect(">", hit.writes)], cwd=place.cwd)
            if lost := redirects(writes):
                yield lost


#: Families of rules about the machine itself, which is thrown away in a sandbox.
_LOCAL = ("files.", "disks.", "system.", "logs.", "git.", "packages.purge", "packages.remove")


def _reaches_out(finding: Finding) -> bool:
    """Whether a finding is about something outside the machine that the command runs on."""
    return not finding.rule.id.startswith(_LOCAL) or finding.rule.id in ("git.push-force", "git.push-delete")


def _unread(text: str, start: int, rule: Rule) -> Iterator[Found]:
    """What is denied because it could not be read."""
    if gate.may_matter(text[start:]):
        yield Found(Finding(rule), start, len(text))


def _located(hit: _Hit, call: Call, text: str) -> Found:
    """A hit with its place in the script: its passage where the call quotes it, else the whole call."""
    at = text.find(hit.passage, call.start, call.end) if len(hit.passage) > 1 else -1
    return Found(hit.finding, at, at + len(hit.passage)) if at >= 0 else Found(hit.finding, call.start, call.end)


def _worst(found: Iterable[Found]) -> Found | None:
    return max(found, key=lambda item: item.finding.rule.severity, default=None)
