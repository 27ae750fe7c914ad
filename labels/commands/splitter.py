"""A shell text as simple commands without a grammar: for what tree-sitter-bash cannot read, or not in time.

One pass over quotes, operators, redirects, here-documents and substitutions. An unterminated quote counts as a letter,
so that what follows it is still looked at. Reads at most `MAX_READ` characters outside here-documents.
"""

from __future__ import annotations

import re

from labels.commands.script import MAX_SIMPLES, Script, Simple, Stage, assignment
from labels.commands.words import closing

MAX_READ = 32_000
_MAX_NESTING = 8
_BLANKS = re.compile(r"(?:[ \t]|\\\n)*")
_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"&&|\|\||;;&?|;&|\|&|[;|()\n]|&(?!>)")
_REDIRECT = re.compile(r"(\d{1,3}|\{\w+\})?(<<<|<<-?|<>|>>|>\||>&|<&|&>>|&>|<(?!\()|>(?!\())")
_PLAIN = re.compile(r"(?:[^\\'\"$`<>\s;&|()]|\$(?![('{\"]))+")
_IN_DOUBLE = re.compile(r'[^"\\$`]+|\\.|\$(?![({])|\\', re.DOTALL)
_FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?)(['\"]?)([\w.-]+)\3[^\n]*\n")
#: Words after which a command begins anew.
_OPENERS = frozenset("if then else elif do while until ! { } done fi esac coproc".split())
_CLOSERS = frozenset({"}", "done", "fi", "esac"})


def read(text: str, plain: str) -> Script:
    """The simple commands of a shell text. plain: `script.shadow(text)`. Never raises."""
    limit = len(plain)
    if limit > MAX_READ:
        limit = _readable(plain)
    splitter = _Splitter(text, plain)
    stopped = splitter.read(0, limit, 0)
    return Script(splitter.simples, text[stopped:] if stopped < len(text) else splitter.skipped)


def _readable(plain: str) -> int:
    """How far to read: `MAX_READ` characters, where bodies of here-documents do not count."""
    budget, at = MAX_READ, 0
    while budget > 0:
        found = _HEREDOC.search(plain, at, at + budget)
        if not found:
            return min(at + budget, len(plain))
        end = _heredoc_end(plain, found.end(), found[4])
        budget -= found.end() - at
        at = end
    return min(at, len(plain))


def _heredoc_end(plain: str, at: int, delimiter: str) -> int:
    """Where the line with the delimiter begins; the end of the text if there is none."""
    if plain.startswith(delimiter + "\n", at):
        return at
    place = at - 1
    while (place := plain.find("\n", place)) >= 0:
        line_end = plain.find("\n", place + 1)
        if plain[place + 1 : line_end if line_end >= 0 else len(plain)].strip() == delimiter:
            return place + 1
        place += 1
    return len(plain)


class _Splitter:
    def __init__(self, text: str, plain: str) -> None:
        self.text = text
        self.plain = plain
        self.simples: list[Simple] = []
        self.skipped = ""  # the first thing that was nested too deeply
        self._scopes = 0

    def read(self, at: int, end: int, nesting: int) -> int:
        """Read text[at:end] as a script of its own; where it stopped."""
        return _Reader(self, at, end, nesting).run()

    def inside(self, at: int, end: int, nesting: int) -> None:
        """Read a substitution, unless it is nested too deeply."""
        if nesting < _MAX_NESTING and len(self.simples) < MAX_SIMPLES:
            self.read(at, end, nesting + 1)
        elif not self.skipped:
            self.skipped = self.text[at:end]

    def new_scope(self) -> int:
        self._scopes += 1
        return self._scopes


class _Reader:
    """One script or substitution."""

    def __init__(self, splitter: _Splitter, at: int, end: int, nesting: int) -> None:
        self.all = splitter
        self.plain = splitter.plain
        self.at, self.end, self.nesting = at, end, nesting
        self.scope = splitter.new_scope() if nesting else 0
        self.stage = Stage()
        self.groups: list[tuple[Stage, int]] = []
        self.now: Simple | None = None
        self.closed = False  # a compound command has just ended: redirects belong to it
        self.pending: list[tuple[Simple, str, bool]] = []

    def run(self) -> int:
        while True:
            self._blanks()
            if comment := _COMMENT.match(self.plain, self.at, self.end):
                self.at = comment.end()
            if self.at >= self.end or len(self.all.simples) > MAX_SIMPLES:
                return self.at
            if found := _REDIRECT.match(self.plain, self.at, self.end):
                self._redirect(found)
            elif found := _OPERATOR.match(self.plain, self.at, self.end):
                self.at = found.end()
                self._operator(found[0])
            else:
                start = self.at
                self._word_end()
                self.at = max(self.at, start + 1)
                self._word(start)

    def _blanks(self) -> None:
        if found := _BLANKS.match(self.plain, self.at, self.end):
            self.at = found.end()

    # -- words --

    def _word_end(self) -> None:
        """Go over one word, reading the substitutions in it."""
        plain, end = self.plain, self.end
        while self.at < end:
            if found := _PLAIN.match(plain, self.at, end):
                self.at = found.end()
                continue
            char = plain[self.at]
            if char == "\\":
                self.at += 2
            elif char == "'":
                close = plain.find("'", self.at + 1, end)
                self.at = self.at + 1 if close < 0 else close + 1
            elif char == '"':
                self._double()
            elif char == "`":
                self._nested(self.at + 1, _backtick(plain, self.at + 1, end))
            elif char == "$":
                self._dollar()
            elif char in "<>" and plain[self.at + 1 : self.at + 2] == "(":
                self._nested(self.at + 2, closing(plain[:end], self.at + 2))
            elif char == "(" and plain[self.at - 1] in "=!?*+@" and self.at > 0:  # an array, an extended glob
                self.at = closing(plain[:end], self.at + 1) + 1
            else:
                break
        self.at = min(self.at, end)

    def _double(self) -> None:
        """Over a double-quoted string; over the quote alone if it is never closed."""
        start = self.at
        at = start + 1
        inner: list[tuple[int, int]] = []
        while at < self.end and self.plain[at] != '"':
            if found := _IN_DOUBLE.match(self.plain, at, self.end):
                at = found.end()
            elif self.plain[at] == "`":
                stop = _backtick(self.plain, at + 1, self.end)
                inner.append((at + 1, stop))
                at = stop + 1
            else:
                parens = self.plain[at + 1] == "("
                stop = closing(self.plain[: self.end], at + 2, *("()" if parens else "{}"))
                if parens:
                    inner.append((at + 2, stop))
                at = stop + 1
        for left, right in inner:
            self.all.inside(left, right, self.nesting)
        self.at = at + 1 if at < self.end else max(start + 1, inner[-1][1] if inner else 0)

    def _dollar(self) -> None:
        after = self.plain[self.at + 1 : self.at + 2]
        if after == "(":
            self._nested(self.at + 2, closing(self.plain[: self.end], self.at + 2))
        elif after == "{":
            self.at = closing(self.plain[: self.end], self.at + 2, "{", "}") + 1
        elif after == "'":
            self.at += 2
            while self.at < self.end and self.plain[self.at] != "'":
                self.at += 2 if self.plain[self.at] == "\\" else 1
            self.at += 1
        else:
            self.at += 1

    def _nested(self, start: int, stop: int) -> None:
        self.all.inside(start, stop, self.nesting)
        self.at = stop + 1

    def _word(self, start: int) -> None:
        raw = self.all.text[start : self.at]
        if self.now is None:
            if raw in _OPENERS:
                self._keyword(raw)
                return
            if raw in ("for", "select"):
                self._loop()
                return
            if raw == "function":
                self._blanks()
                start = self.at
                self._word_end()
                self._begin(start, "define").words.append(self.all.text[start : self.at])
                self.now = None
                return
            if found := _FUNCTION.match(self.plain, self.at, self.end):
                self.at = found.end()
                self._begin(start, "define").words.append(raw)
                self.now = None
                return
        simple = self.now or self._begin(start)
        pair = assignment(raw) if not simple.words else None
        if pair:
            simple.assigns.append(pair)
        else:
            simple.words.append(raw)
        simple.end = self.at
        simple.kind = "command" if simple.words else "assign"

    def _begin(self, start: int, kind: str = "command") -> Simple:
        self.now = Simple(start, self.at, kind, stage=self.stage, scope=self.scope)
        self.stage.commands.append(self.now)
        self.all.simples.append(self.now)
        self.closed = False
        return self.now

    def _keyword(self, word: str) -> None:
        if word == "{":
            self._open(self.scope)
        elif word == "}":
            self._close()
        self.closed = word in _CLOSERS

    def _loop(self) -> None:
        """`for NAME in WORDS`."""
        found = _LOOP.match(self.plain, self.at, self.end)
        if not found:
            return
        start, name = self.at, self.plain[found.start(1) : found.end(1)]
        self.at = found.end()
        simple = Simple(start, start, "for", scope=self.scope)
        self.all.simples.append(simple)
        while self.at < self.end:
            self._blanks()
            if _OPERATOR.match(self.plain, self.at, self.end) or self.at >= self.end:
                return
            word = self.at
            self._word_end()
            self.at = max(self.at, word + 1)
            simple.assigns.append((name, self.all.text[word : self.at]))

    # -- operators --

    def _operator(self, operator: str) -> None:
        self.now = None
        if operator == "(":
            self._open(self.all.new_scope())
        elif operator == ")":
            self._close()
            self.closed = True
        elif operator in ("|", "|&"):
            self._pipe()
        else:
            group = self.groups[-1][0] if self.groups else None
            self.stage = Stage(group.before, group.commands) if group else Stage()
            self.closed = False
            if operator == "\n" and self.pending:
                self._bodies()

    def _pipe(self) -> None:
        """What comes next reads what was last, which the group around it then does not print."""
        outer = self.groups[-1][0].commands if self.groups else None
        if self.stage.commands is outer and outer:
            self.stage = Stage(self.stage.before, [outer.pop()])
        self.stage = Stage(self.stage, outer if outer is not None else [])

    def _open(self, scope: int) -> None:
        self.groups.append((self.stage, self.scope))
        self.stage = Stage(self.stage.before, self.stage.commands)
        self.scope = scope

    def _close(self) -> None:
        if self.groups:
            self.stage, self.scope = self.groups.pop()

    # -- redirects --

    def _redirect(self, found: re.Match[str]) -> None:
        start, operator = self.at, found[2]
        self.at = found.end()
        self._blanks()
        word = self.at
        self._word_end()
        raw = self.all.text[word : self.at]
        simple = self.now
        if simple is None:
            closed = self.closed
            simple = self._begin(start, "group" if closed else "command")
        simple.end = self.at
        if operator == "<<<":
            simple.herestring = raw
        elif operator in ("<<", "<<-"):
            delimiter = raw.replace("\\", "").replace("'", "").replace('"', "")
            self.pending.append((simple, delimiter, delimiter != raw))
        else:
            simple.redirects.append(((found[1] or "") + operator, raw))

    def _bodies(self) -> None:
        for simple, delimiter, quoted in self.pending:
            stop = _heredoc_end(self.plain[: self.end], self.at, delimiter)
            simple.heredoc = self.all.text[self.at : stop]
            simple.heredoc_quoted = quoted
            simple.end = max(simple.end, stop)
            if not quoted and ("$(" in simple.heredoc or "`" in simple.heredoc):
                self._substitutions(self.at, stop)
            line_end = self.plain.find("\n", stop, self.end)
            self.at = self.end if line_end < 0 else line_end + 1
        self.pending = []

    def _substitutions(self, at: int, stop: int) -> None:
        """Commands in a here-document that is expanded."""
        for found in _SUBSTITUTION.finditer(self.plain, at, min(stop, at + MAX_READ)):
            if found.start() >= at:
                backtick = found[0] == "`"
                at = _backtick(self.plain, found.end(), stop) if backtick else closing(self.plain[:stop], found.end())
                self.all.inside(found.end(), at, self.nesting)
                at += 1


_LOOP = re.compile(r"[ \t]+([A-Za-z_]\w*)[ \t\n]+in\b")
_SUBSTITUTION = re.compile(r"\\.|\$\((?!\()|`")


def _backtick(plain: str, at: int, end: int) -> int:
    while at < end and plain[at] != "`":
        at += 2 if plain[at] == "\\" else 1
    return min(at, end)
