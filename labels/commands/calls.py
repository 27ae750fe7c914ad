"""The calls of a script: its simple commands with everything expanded that the script itself says.

Keeps track, in the order of the text, of variables, of the current folder, of aliases and of what is piped into what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from labels.commands import paths, syntax
from labels.commands.call import Call, Printed, Redirect, program_and_args
from labels.commands.printed import printed, reads
from labels.commands.script import Script, Simple
from labels.commands.unwrap import SHELLS
from labels.commands.words import Value, expand, joined, split_simple

_MAX_KNOWN = 200
_MAX_ARGS = 2_000
_DECLARES = frozenset({"export", "declare", "local", "readonly", "typeset", "setenv"})
_READS = frozenset({"read", "mapfile", "readarray"})
_SOURCES = frozenset({"source", "."})
#: A variable that is read from a place nobody knows before.
_READ = "$(read)"


@dataclass(slots=True)
class Place:
    """Where a script is run. known: variables. aliases: name -> words. cwd: the folder, None where it is not known.
    depth: of scripts within scripts."""

    known: dict[str, Value] = field(default_factory=lambda: {"IFS": " "})
    aliases: dict[str, list[str]] = field(default_factory=dict)
    cwd: str | None = None
    depth: int = 0

    def inside(self, call: Call, *, elsewhere: bool) -> Place:
        """The place of a script that a call runs."""
        return Place(dict(call.known), self.aliases, None if elsewhere else call.cwd, self.depth + 1)


def calls(script: Script, text: str, place: Place) -> list[Call]:
    """The calls of a script in the order of its text. Changes `place` as the script does."""
    reader = _Reader(text, place)
    found = [call for simple in script.simples if (call := reader.call(simple))]
    for call in found:
        call.script = found
    return found


class _Reader:
    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self._folders: dict[int, str | None] = {}
        self._visited: list[str | None] = []

    def call(self, simple: Simple) -> Call | None:
        """The call of a simple command; None where there is nothing to judge in it."""
        known = self.place.known
        if simple.kind == "define":
            return None
        if simple.kind == "for":
            self._loop(simple)
            return None
        cwd = self._folders.setdefault(simple.scope, self.place.cwd)
        targets = [Redirect(operator, joined(raw, known)) for operator, raw in simple.redirects]
        pairs = [(name, joined(raw, known)) for name, raw in simple.assigns]
        words = self._words(simple)
        if not words:
            if simple.kind == "assign":
                self._set(pairs)
            name = "export" if pairs else "group" if simple.kind == "group" else ""
            args = [f"{name}={value}" for name, value in pairs]
            return Call(name, args, simple.start, simple.end, targets, known=known, cwd=cwd)
        name, args = program_and_args(words)
        inside: dict[str, Value] = {**known, **dict(pairs)} if pairs else known
        call = Call(name, args, simple.start, simple.end, targets, reads(simple, known, self.text), inside, cwd)
        if name in SHELLS or name in _SOURCES:
            self._process_substitution(simple, call)
        self._remember(call, simple)
        return call

    # -- words --

    def _words(self, simple: Simple) -> list[str]:
        known = self.place.known
        fields = [found for word in simple.words[:_MAX_ARGS] for found in expand(word, known)]
        if not fields:
            return fields
        if alias := self.place.aliases.get(fields[0]):
            fields = [*alias, *fields[1:]]
        if fields[0].startswith("$(") and fields[0].endswith(")"):
            return self._made_up(fields)
        return fields

    def _made_up(self, fields: list[str]) -> list[str]:
        """`$(echo rm) -rf /`, `$(base64 -d <<< ...)`: the command that a substitution prints."""
        inner = fields[0][2:-1]
        made = self._printed(inner)
        if made.how == "text":
            return [*made.text.split(), *fields[1:]] if len(fields) > 1 else ["eval", made.text]
        return ["eval-decoded"] if made.how == "decoded" else fields

    def _printed(self, script: str) -> Printed:
        simples = [simple for simple in syntax.read(script).simples if simple.scope == 0]
        return printed(simples[-1:], self.place.known, script) if simples else Printed("unknown")

    def _process_substitution(self, simple: Simple, call: Call) -> None:
        """`bash <(echo ...)`: the shell reads its script from what the inner command prints."""
        raw = next((word for word in simple.words[1:] if word.startswith("<(")), "")
        if raw:
            call.reads = self._printed(raw[2:].removesuffix(")"))
            call.args = []

    # -- what a script changes for what comes after --

    def _loop(self, simple: Simple) -> None:
        """`for d in a b`: the variable takes each of the values."""
        known = self.place.known
        values = tuple(value for _, raw in simple.assigns for value in expand(raw, known))
        if simple.assigns and len(known) < _MAX_KNOWN:
            known[simple.assigns[0][0]] = values

    def _set(self, pairs: list[tuple[str, str]]) -> None:
        known = self.place.known
        for name, value in pairs:
            if len(known) < _MAX_KNOWN or name in known:
                known[name] = value

    def _remember(self, call: Call, simple: Simple) -> None:
        name, args = call.name, call.args
        if name in ("cd", "pushd", "chdir", "set-location"):
            self._enter(next((arg for arg in args if not arg.startswith("-")), "~"), simple.scope)
        elif name == "popd":
            self._folders[simple.scope] = self._visited.pop() if self._visited else None
        elif name in _DECLARES:
            self._set([(left, right) for left, equals, right in (arg.partition("=") for arg in args) if equals])
        elif name in _READS:
            self._read(call)
        elif name == "alias":
            for arg in args:
                left, equals, right = arg.partition("=")
                if equals and len(self.place.aliases) < _MAX_KNOWN:
                    self.place.aliases[left] = [word for raw in split_simple(right) for word in expand(raw, {})]
        elif name == "unset":
            for arg in args:
                self.place.known.pop(arg, None)

    def _enter(self, folder: str, scope: int) -> None:
        before = self._folders.get(scope)
        self._visited.append(before)
        if folder == "-":
            self._folders[scope] = None
        else:
            self._folders[scope] = paths.resolved(folder, before)
        if not scope:
            self.place.cwd = self._folders[scope]

    def _read(self, call: Call) -> None:
        """`... | while read x`: what is printed, if that is known."""
        value: Value = _READ
        if call.reads and call.reads.how == "text":
            value = tuple(call.reads.text.split("\n")[:50])
        elif call.reads and call.reads.how == "paths":
            value = call.reads.paths
        for arg in call.args:
            if not arg.startswith("-") and len(self.place.known) < _MAX_KNOWN:
                self.place.known[arg] = value


def assignments(found: list[Call]) -> Iterator[tuple[str, str]]:
    """Every `NAME=value` that calls set, for the rules about the shell's own variables."""
    for call in found:
        if call.name == "export":
            yield from ((left, right) for left, equals, right in (arg.partition("=") for arg in call.args) if equals)
