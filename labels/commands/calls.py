"""The calls of a script: its simple commands with everything expanded that the script itself says.

Keeps track, in the order of the text, of variables, of the current folder, of aliases and of what is piped into what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labels.commands import paths, syntax
from labels.commands.call import Call, Printed, Redirect, program_and_args
from labels.commands.printed import printed, reads
from labels.commands.script import Script, Simple
from labels.commands.unwrap import SHELLS
from labels.commands.words import Value, expand, joined, split_simple

_MAX_KNOWN = 200
_MAX_ARGS = 2_000
_MAX_MADE_UP = 2_000
_MAX_VALUE = 4_000
#: What all words of a script may become together; words beyond it stay as they are written.
_MAX_EXPANDED = 300_000
_DECLARES = frozenset({"export", "declare", "local", "readonly", "typeset", "setenv"})
_CMDLET = re.compile(
    r"(?:[a-z]+-[a-z]+|del|erase|rd|ri|move|copy|format|cmd|powershell|pwsh|reg|robocopy)(?:\.exe)?", re.IGNORECASE
)
_READS = frozenset({"read", "mapfile", "readarray"})
_WRITERS = frozenset({"cat", "echo", "printf", "tee"})
_SOURCES = frozenset({"source", "."})
#: A variable that is read from a place nobody knows before.
_READ = "$(read)"


@dataclass(slots=True)
class Place:
    """Where a script is run. known: variables. aliases: name -> words. cwd: the folder, None where it is not known.
    depth: of scripts within scripts.
    given: what comes in from a pipe or a here-document."""

    known: dict[str, Value] = field(default_factory=lambda: {"IFS": " "})
    aliases: dict[str, list[str]] = field(default_factory=dict)
    cwd: str | None = None
    depth: int = 0
    given: Printed | None = None

    def inside(self, call: Call, script: str, *, elsewhere: bool) -> Place:
        """The place of a script that a call runs."""
        given = call.reads if call.reads and call.reads.text != script else None
        return Place(dict(call.known), self.aliases, None if elsewhere else call.cwd, self.depth + 1, given)


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
        self._printed_by: dict[int, Printed] = {}
        self._room = _MAX_EXPANDED
        self._written: dict[str, Printed] = {}  # files that the script itself has written

    def call(self, simple: Simple) -> Call | None:
        """The call of a simple command; None where there is nothing to judge in it."""
        if simple.kind == "define":
            return None
        if simple.kind == "for":
            self._loop(simple)
            return None
        known = self.place.known
        cwd = self._folders.setdefault(simple.scope, self.place.cwd)
        targets = [Redirect(operator, joined(raw, known)) for operator, raw in simple.redirects]
        pairs = [(name, joined(raw, known)) for name, raw in simple.assigns]
        call = Call("", [], simple.start, simple.end, targets, known=known, cwd=cwd, assigned=pairs)
        if words := self._words(simple):
            self._program(call, words, simple)
        elif simple.kind == "group":
            call.name = "group"
        else:
            self._set(pairs)
        return call

    def _program(self, call: Call, words: list[str], simple: Simple) -> None:
        """Everything about a call but its redirects."""
        call.name, call.args = program_and_args(words)
        if call.assigned:
            call.known = {**call.known, **dict(call.assigned)}
        call.reads = reads(simple, self.place.known, self.text, self._printed_by)
        if call.reads is None and not (simple.stage and simple.stage.before):
            call.reads = self.place.given
        if call.name in SHELLS or call.name in _SOURCES:
            self._process_substitution(simple, call)
        if self._written:
            self._read_written(words[0], call)
        self._remember(call, simple)
        self._note_written(call, simple)

    # -- files that the script writes and then uses --

    def _note_written(self, call: Call, simple: Simple) -> None:
        """`cat > x.sh <<EOF`, `echo ... > x.sql`, `... | tee x.sh`."""
        if call.name not in _WRITERS or len(self._written) > _MAX_KNOWN:
            return
        targets = [item.target for item in call.redirects if ">" in item.operator and "2" not in item.operator]
        if call.name == "tee":
            targets += [arg for arg in call.args if not arg.startswith("-")]
        if targets:
            content = printed([simple], self.place.known, self.text, {})
            if content.how == "text":
                self._written.update((_plain(target), content) for target in targets)

    def _read_written(self, program: str, call: Call) -> None:
        """Running `./x.sh`, `bash x.sh`, `psql -f x.sql`, `mysql < x.sql`: the call reads what was written."""
        if content := self._written.get(_plain(program)):
            call.name, call.args, call.reads = _runner(content.text), [], content
            return
        if call.reads is not None or "-n" in call.args:
            return
        used = [item.target for item in call.redirects if item.operator == "<"]
        used += [arg.rpartition("=")[2] for arg in call.args]
        if call.name == "make":
            used.append("Makefile")
        found = next((arg for arg in used if _plain(arg) in self._written), None)
        if found is not None and call.name not in _WRITERS:
            call.reads = self._written[_plain(found)]
            call.args = [arg for arg in call.args if arg != found]

    # -- words --

    def _words(self, simple: Simple) -> list[str]:
        known = self.place.known
        fields: list[str] = []
        words = simple.words[:_MAX_ARGS]
        if words and _CMDLET.fullmatch(words[0]):  # there a backslash is part of a path
            words = [word.replace("\\", "/") for word in words]
        for word in words:
            found = expand(word, known) if self._room > 0 else [word]
            self._room -= sum(map(len, found))
            fields += found
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
        if len(inner) > _MAX_MADE_UP:
            return fields
        made = self._printed(inner)
        if made.how == "text":
            return [*made.text.split(), *fields[1:]] if len(fields) > 1 else ["eval", made.text]
        return ["eval-decoded"] if made.how == "decoded" else fields

    def _printed(self, script: str) -> Printed:
        simples = [simple for simple in syntax.read(script).simples if simple.scope == 0]
        return printed(simples[-1:], self.place.known, script, {}) if simples else Printed("unknown")

    def _process_substitution(self, simple: Simple, call: Call) -> None:
        """`bash <(echo ...)`: the shell reads its script from what the inner command prints."""
        given = [*simple.words[1:], *(raw for operator, raw in simple.redirects if operator == "<")]
        raw = next((word for word in given if word.startswith("<(")), "")
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
                known[name] = value[:_MAX_VALUE]

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


def _plain(path: str) -> str:
    return path.removeprefix("./")


def _runner(text: str) -> str:
    """What runs a script file, as its first line says."""
    first = text.split("\n", 1)[0]
    if first.startswith("#!"):
        for name in ("python", "node", "perl", "ruby", "php"):
            if name in first:
                return name
    return "sh"
