"""A word of a shell command as the shell would hand it on: quotes removed, what is known expanded, the rest as written.

Only what the same command says is known: variables it sets, `$(echo x)` and its like. `$UNKNOWN` stays `$UNKNOWN`, so
that a rule sees that it cannot know. Source of the rules: the "Word Expansions" of the POSIX shell and the Bash manual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise

#: What a variable is known to hold; a tuple where it takes several values in turn (`for d in a b`).
Value = str | tuple[str, ...]

MAX_FIELDS = 64
#: What one word becomes is cut here: a few assignments can double a text again and again.
MAX_LENGTH = 50_000
_MAX_BRACES = 1_000
_PLAIN = re.compile(r"[^\\'\"$`{}]+")
_SPECIAL = re.compile(r"[\\'\"$`{]")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?!$-]")
_PARAMETER = re.compile(r"([!#]?)([A-Za-z_]\w*|[0-9@*#?!$-])((?:\[[^\]]*\])?)(.*)", re.DOTALL)
_ANSI = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_SAYS = re.compile(r"(?:echo(?:\s+-[neE]+)?|printf(?:\s+--)?(?:\s+['\"]?%s(?:\\n)?['\"]?)?)\s+(.*)", re.DOTALL)
_WHERE = re.compile(r"(?:which|command\s+-v|type\s+-[pP]|realpath|readlink\s+-f)\s+(\S+)")
_BLANK = re.compile(r"[ \t\n]+")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_DEPTH = 8


@dataclass(slots=True)
class _Fields:
    """Fields under construction: the open one, and whether anything (even an empty quote) was put into it."""

    done: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    begun: bool = False
    room: int = MAX_LENGTH

    def add(self, text: str) -> None:
        self.open.append(text if len(text) <= self.room else text[: max(0, self.room)])
        self.room -= len(text)
        self.begun = True

    def split(self, text: str) -> None:
        """Unquoted text from an expansion: blanks end the field, but what could not be expanded stays whole."""
        if "$(" in text:
            self.add(text)
            return
        pieces = _BLANK.split(text, MAX_FIELDS)
        for place, piece in enumerate(pieces):
            if place:
                self.close()
            if piece:
                self.add(piece)

    def close(self) -> None:
        if self.begun:
            self.done.append("".join(self.open))
        self.open = []
        self.begun = False


def expand(raw: str, known: Mapping[str, Value], depth: int = 0) -> list[str]:
    """The fields that a word of the source becomes: one mostly, none or several after expansion.

    raw: the word as written. known: variables set so far.
    """
    if not _SPECIAL.search(raw):
        return [raw]
    found = []
    for alternative in _braces(raw) if "{" in raw and len(raw) < _MAX_BRACES else [raw]:
        turns = _turns(alternative, known)
        for turn in turns:
            fields = _Fields()
            _read(alternative, turn, fields, depth)
            fields.close()
            found.extend(fields.done)
            if len(found) >= MAX_FIELDS:
                return found[:MAX_FIELDS]
    return found


def joined(raw: str, known: Mapping[str, Value]) -> str:
    """A word as one string, for assignments and here-strings, where the shell splits nothing."""
    return " ".join(expand(raw, known))


def _turns(raw: str, known: Mapping[str, Value]) -> list[Mapping[str, Value]]:
    """One set of variables for each value of a loop's variable in the word."""
    if "$" in raw:
        for name, value in known.items():
            if isinstance(value, tuple) and name in raw:
                return [{**known, name: item} for item in value[:MAX_FIELDS]] or [known]
    return [known]


def _read(raw: str, known: Mapping[str, Value], out: _Fields, depth: int) -> None:
    at, size = 0, len(raw)
    while at < size and out.room > 0:
        if plain := _PLAIN.match(raw, at):
            out.add(plain[0])
            at = plain.end()
            continue
        char = raw[at]
        if char == "\\":
            if raw[at + 1 : at + 2] != "\n":
                out.add(raw[at + 1 : at + 2])
            at += 2
        elif char == "'":
            end = raw.find("'", at + 1)
            end = size if end < 0 else end
            out.add(raw[at + 1 : end])
            at = end + 1
        elif char == '"':
            at = _double(raw, at + 1, known, out, depth)
        elif char in "$`":
            at = _dollar(raw, at, known, out, depth, quoted=False)
        else:
            out.add(char)
            at += 1


def _double(raw: str, at: int, known: Mapping[str, Value], out: _Fields, depth: int) -> int:
    """Inside double quotes, up to and over the closing one."""
    out.begun = True
    size = len(raw)
    while at < size and out.room > 0:
        char = raw[at]
        if char == '"':
            return at + 1
        if char == "\\":
            after = raw[at + 1 : at + 2]
            if after != "\n":
                out.add(after if after in '$`"\\' else "\\" + after)
            at += 2
        elif char in "$`":
            at = _dollar(raw, at, known, out, depth, quoted=True)
        else:
            stop = _DOUBLE_PLAIN.match(raw, at)
            end = stop.end() if stop else at + 1
            out.add(raw[at:end])
            at = end
    return at


_DOUBLE_PLAIN = re.compile(r'[^"\\$`]+')


def _dollar(raw: str, at: int, known: Mapping[str, Value], out: _Fields, depth: int, *, quoted: bool) -> int:
    """An expansion that begins at `at`; where it ends."""
    put = out.add if quoted else out.split
    if raw[at] == "`":
        end = _closing_backtick(raw, at + 1)
        put(substituted(raw[at + 1 : end].replace("\\`", "`"), known, depth))
        return end + 1
    after = raw[at + 1 : at + 2]
    if after == "(":
        end = closing(raw, at + 2)
        inner = raw[at + 2 : end]
        put(f"$({inner})" if inner.startswith("(") else substituted(inner, known, depth))
        return end + 1
    if after == "{":
        end = closing(raw, at + 2, "{", "}")
        put(_parameter(raw[at + 2 : end], known, depth))
        return end + 1
    if after == "'" and not quoted:
        end = _closing_quote(raw, at + 2)
        out.add(_ANSI.sub(_ansi, raw[at + 2 : end]))
        return end + 1
    if after == '"' and not quoted:
        return _double(raw, at + 2, known, out, depth)
    if name := _NAME.match(raw, at + 1):
        put(_variable(name[0], known))
        return name.end()
    out.add("$")
    return at + 1


def _variable(name: str, known: Mapping[str, Value]) -> str:
    value = known.get(name)
    if value is None:
        return f"${name}"
    return value if isinstance(value, str) else " ".join(value)


def _parameter(inner: str, known: Mapping[str, Value], depth: int) -> str:
    """`${...}`: the value; the default where the variable is not known; as `$name` where neither can be told."""
    found = _PARAMETER.fullmatch(inner)
    if not found:
        return f"${{{inner}}}"
    sign, name, _index, rest = found.groups()
    if sign:
        return f"${{{inner}}}"
    if not rest:
        return _variable(name, known)
    default = rest[rest[0] == ":" :]
    if default[:1] in "-=" and default and name not in known and depth < _DEPTH:
        return " ".join(expand(default[1:], known, depth + 1))
    if default[:1] in "-=?" and default:
        return _variable(name, known)
    if default[:1] == "+":
        return " ".join(expand(default[1:], known, depth + 1)) if name in known and depth < _DEPTH else ""
    return f"${name}"


def substituted(inner: str, known: Mapping[str, Value], depth: int = 0) -> str:
    """What `$(inner)` prints, where that can be read off; else `$(inner)`."""
    inner = inner.strip()
    if depth < _DEPTH and not any(char in inner for char in "|;&<>\n"):
        if says := _SAYS.fullmatch(inner):
            return " ".join(text for word in split_simple(says[1]) for text in expand(word, known, depth + 1))
        if where := _WHERE.fullmatch(inner):
            return " ".join(expand(where[1], known, depth + 1))
    return f"$({inner})"


def split_simple(text: str) -> list[str]:
    """Words of a text without operators, still quoted."""
    return [found[0] for found in _SIMPLE_WORD.finditer(text)]


_SIMPLE_WORD = re.compile(r"(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|['\"])+", re.DOTALL)


def _ansi(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 else ""
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _ANSI_LETTERS.get(code, code)


def _closing_quote(raw: str, at: int) -> int:
    """The quote that ends `$'...'`."""
    while at < len(raw) and raw[at] != "'":
        at += 2 if raw[at] == "\\" else 1
    return min(at, len(raw))


def _closing_backtick(raw: str, at: int) -> int:
    while at < len(raw) and raw[at] != "`":
        at += 2 if raw[at] == "\\" else 1
    return min(at, len(raw))


_BRACKETS = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|[(){}]", re.DOTALL)


def closing(raw: str, at: int, opens: str = "(", closes: str = ")") -> int:
    """Where the bracket opened just before `at` is closed; the end of the text if it never is."""
    depth = 1
    for found in _BRACKETS.finditer(raw, at):
        if found[0] == opens:
            depth += 1
        elif found[0] == closes:
            depth -= 1
            if not depth:
                return found.start()
    return len(raw)


def _braces(raw: str) -> list[str]:
    """`a{b,c}d` -> `abd`, `acd`; outside quotes only, at most MAX_FIELDS results."""
    todo, done = [raw], list[str]()
    while todo and len(done) + len(todo) < MAX_FIELDS:
        word = todo.pop(0)
        if parts := _first_brace(word):
            before, choices, after = parts
            todo[:0] = [before + choice + after for choice in choices]
        else:
            done.append(word)
    return done + todo


_BRACE_TOKEN = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|\$\{|[{},]", re.DOTALL)


def _first_brace(word: str) -> tuple[str, list[str], str] | None:
    """The first group with a comma or a range at its top level: what is before, the choices, what is after."""
    stack: list[tuple[int, list[int], bool]] = []
    best: tuple[int, int, list[int]] | None = None
    for found in _BRACE_TOKEN.finditer(word):
        mark, at = found[0], found.start()
        if mark in ("{", "${"):
            stack.append((at, [], mark == "${"))
        elif mark == "," and stack:
            stack[-1][1].append(at)
        elif mark == "}" and stack:
            begin, commas, parameter = stack.pop()
            if not parameter and (commas or _RANGE.fullmatch(word, begin + 1, at)):
                best = (begin, at, commas)
            if not stack and best:
                break
    if not best:
        return None
    begin, end, commas = best
    edges = [begin, *commas, end]
    choices = [word[left + 1 : right] for left, right in pairwise(edges)]
    if not commas:
        first, last = (int(number[:9]) for number in word[begin + 1 : end].split(".."))
        choices = [str(number) for number in islice(range(first, last + 1), MAX_FIELDS)]
    return word[:begin], choices, word[end + 1 :]
