"""Source code of any language, as far as it must be read to find calls: strings, comments, arguments, simple values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PREFIX = r"(?P<prefix>\b[rbfuRBFU]{1,2})?"
_COMMENT = r"(?P<comment>#(?!\{)[^\n]*|(?<![:\w])//[^\n]*|/\*.*?\*/)"
_LONG = r"(?P<long>'''|\"\"\"|`)(?P<text>(?:\\.|(?!(?P=long))[^\\])*?)(?P=long)"
_SHORT = r"(?P<short>['\"])(?P<line>(?:\\.|(?!(?P=short))[^\\])*)(?P=short)"
#: Python's plain strings end with their line, so that a stray apostrophe does no harm; other languages' need not.
_SHORT_LINE = _SHORT.replace(r"[^\\])*", r"[^\\\n])*")
_IN_PYTHON = re.compile(f"{_PREFIX}(?:{_LONG}|{_SHORT_LINE})|{_COMMENT}", re.DOTALL)
_IN_OTHERS = re.compile(f"{_PREFIX}(?:{_LONG}|{_SHORT})|{_COMMENT}", re.DOTALL)
_LITERAL = re.compile(f"{_PREFIX}(?:{_LONG}|{_SHORT})", re.DOTALL)
_HASH_IS_CODE = frozenset({"node", "mongo"})
_SLASHES_ARE_CODE = frozenset({"python", "ruby", "perl", "awk"})
_ASSIGN = re.compile(
    r"(?:^|[;\n(]|\b(?:let|const|var|my|our))[ \t]*\$?([A-Za-z_]\w*)[ \t]*(?::[ \t]*\w+[ \t]*)?=(?![=>])[ \t]*([^;\n]*)"
)
_LOOP = re.compile(r"\bfor\s+\(?(?:const |let |var |my )?\$?(\w+)\s+(?:in|of)\s+([^:\n{]+)")
_GLOB = re.compile(r"(?:Dir\.)?(?:glob\.)?i?glob\b\s*[(\[]?\s*([\"'][^\"']*[\"'])|Dir\[\s*([\"'][^\"']*[\"'])")
_METHOD_GLOB = re.compile(r"(?:(\w*Path\([^()]*\))|\w+)\.r?glob\(\s*[\"']([^\"']*)[\"']")
_LISTING = re.compile(
    r"\.iterdir\(|(?:os\.(?:listdir|scandir|walk)|fs\.readdirSync|readdirSync|Dir\.(?:entries|children)|scandir)\b"
)
_TEMP = re.compile(
    r"(?:\w+\.)?(?:mkdtemp|gettempdir|TemporaryDirectory|NamedTemporaryFile|mktemp|mktmpdir|tmpdir|mkstemp)"
)
_JOIN = re.compile(
    r"(?:os\.path\.join|path\.(?:join|resolve)|posixpath\.join|File\.join|(?:pathlib\.)?(?:Pure)?Path|str|String|text|"
    r"os\.path\.(?:abspath|expanduser|normpath|realpath))?\s*\((.*)\)(?:\.\w+\(\))?",
    re.DOTALL,
)
_STRUCTURE = re.compile(r"[()\[\]{},;\n]")
_PLACEHOLDER = re.compile(r"[$#]?\{(\w*)[^{}]*\}")
_PARTS = re.compile(r"(?:'[^']*'|\"[^\"]*\"|`[^`]*`|\([^()]*\)|[^,'\"`()]|['\"`()])+")
_ESCAPES = {"n": "\n", "t": "\t", "\n": "", "\\": "\\", "'": "'", '"': '"', "`": "`"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MAX_ARGUMENTS = 8_000
_MAX_PARTS = 16
_MAX_DEPTH = 6


@dataclass(slots=True)
class Code:
    """text: the code. bare: the same with strings and comments blanked, so that only code is left to search.
    strings: where a literal begins -> where it ends, and its value. assigned: a variable -> its first expression."""

    text: str
    bare: str
    strings: dict[int, tuple[int, str]] = field(default_factory=dict)
    assigned: dict[str, str] = field(default_factory=dict)
    lookups: int = 1_000  # expressions that may still be looked into


def scan(text: str, language: str) -> Code:
    """Tell strings and comments from code. language: `python`, `node`, `perl` ...; empty where it is not known."""
    strings: dict[int, tuple[int, str]] = {}
    pieces: list[str] = []
    at = 0
    for found in (_IN_PYTHON if language == "python" else _IN_OTHERS).finditer(text):
        start, end = found.span()
        quote = found["long"] or found["short"]
        if quote is None:
            if _is_comment(found["comment"], language):
                pieces += [text[at:start], " " * (end - start)]
                at = end
            continue
        inside = found.start("long" if found["long"] else "short") + len(quote)
        strings[inside - len(quote)] = (end, _content(found))
        pieces += [text[at:inside], " " * (end - inside - len(quote)), quote]
        at = end
    pieces.append(text[at:])
    code = Code(text, "".join(pieces), strings)
    for item in _ASSIGN.finditer(code.bare):
        code.assigned.setdefault(item[1], text[item.start(2) : item.end(2)].strip())
    for item in _LOOP.finditer(code.bare):
        code.assigned.setdefault(item[1], text[item.start(2) : item.end(2)].strip())
    return code


def _is_comment(mark: str, language: str) -> bool:
    return language not in (_HASH_IS_CODE if mark[0] == "#" else _SLASHES_ARE_CODE)


def _content(found: re.Match[str]) -> str:
    """What a literal holds."""
    body: str = found["text"] if found["long"] else found["line"]
    if "\\" not in body or "r" in (found["prefix"] or "").lower():
        return body
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), body)


def arguments(code: Code, at: int) -> tuple[list[str], int]:
    """The arguments of a call whose first one begins at `at`, as source text; where the last one ends."""
    depth, start = 0, at
    found: list[str] = []
    place = limit = min(len(code.bare), at + _MAX_ARGUMENTS)
    for mark in _STRUCTURE.finditer(code.bare, at, limit):
        char = mark[0]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                place = mark.start()
                break
        elif char == "," and not depth:
            found.append(code.text[start : mark.start()].strip())
            start = mark.end()
        elif char in ";\n" and not depth and code.text[start : mark.start()].strip():
            place = mark.start()
            break
    if last := code.text[start:place].strip():
        found.append(last)
    return found, place


def value(code: Code, source: str, depth: int = 0) -> str:
    """What an expression is worth, as a shell word: a literal, what a variable was set to, else `$source`."""
    source = source.strip()
    if found := _LITERAL.fullmatch(source):
        body = _content(found)
        return _PLACEHOLDER.sub(lambda hole: f"${hole[1]}", body) if "{" in body else body
    code.lookups -= 1
    if depth > _MAX_DEPTH or code.lookups < 0:
        return "$unknown"
    name = source.removeprefix("$")
    if name.isidentifier() and name in code.assigned:
        return value(code, code.assigned[name], depth + 1)
    if (known := _of_files(code, source, depth)) is not None:
        return known
    for operator, glue in ((" + ", ""), (" / ", "/"), (" . ", "")):
        if operator in source:
            return glue.join(value(code, part, depth + 1) for part in source.split(operator)[:_MAX_PARTS])
    return "$" + (re.sub(r"\W+", "_", source[:40]).strip("_") or "unknown")


def _of_files(code: Code, source: str, depth: int) -> str | None:
    """Expressions that make paths: temporary folders, globs, listings, joined pieces."""
    if _TEMP.match(source):
        return "$(mktemp -d)"
    if found := _GLOB.match(source):
        return str(found[1] or found[2]).strip("\"'")
    if _LISTING.search(source):
        return "*"
    if found := _METHOD_GLOB.search(source):
        return f"{value(code, found[1], depth + 1)}/{found[2]}" if found[1] else str(found[2])
    if joined := _JOIN.fullmatch(source):
        parts = [value(code, part, depth + 1) for part in split(joined[1])]
        return "/".join([*(part.rstrip("/") for part in parts[:-1]), *parts[-1:]])
    return None


def split(source: str) -> list[str]:
    """The parts between top-level commas."""
    return [part[0] for part in _PARTS.finditer(source) if part[0].strip()][:_MAX_PARTS]
