"""What a command prints into the next one, as far as its text says: echoed words, here-documents, decoded literals."""

from __future__ import annotations

import binascii
import re
from base64 import b32decode, b64decode
from collections.abc import Mapping, Sequence

from labels.commands.call import Call, Printed, base_name
from labels.commands.items import find_paths
from labels.commands.script import Simple
from labels.commands.words import Value, expand, joined

_PASSES_ON = frozenset(
    "cat tee sort uniq head tail tac nl pv buffer sponge stdbuf unbuffer dos2unix iconv fold grep egrep rg cut".split()
)
_KEEPS_LINES = frozenset("cat tee sort uniq pv buffer sponge dos2unix iconv".split())
_DOWNLOADS = frozenset("curl wget http https xh aria2c fetch lynx".split())
_UNREADABLE = frozenset(
    "gunzip zcat gzip bzcat xzcat zstdcat lz4 openssl gpg rev tr uudecode xxd base64 base32 basenc".split()
)
_PREFIXES = frozenset("sudo doas command builtin nohup time env".split())
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|0?[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "e": "\x1b", '"': '"', "'": "'"}
_GLOB = re.compile(r"[*?\[]")
_VARIABLE = re.compile(r"\\([$`\\])|\$\{?([A-Za-z_]\w*)\}?")
_SOURCE_LENGTH = 400
_MAX_STAGES = 20


def printed(
    commands: Sequence[Simple], known: Mapping[str, Value], text: str, seen: dict[int, Printed], depth: int = 0
) -> Printed:
    """What the commands of one stage print together. text: the script they stand in. seen: stages by id, as known."""
    parts = [_one(command, known, text, seen, depth) for command in commands[:50]]
    source = " ; ".join(part.source for part in parts)[:_SOURCE_LENGTH]
    hows = {part.how for part in parts}
    if hows == {"text"}:
        return Printed("text", "\n".join(part.text for part in parts), source=source)
    if hows == {"paths"}:
        return Printed("paths", paths=tuple(path for part in parts for path in part.paths), source=source)
    for how in ("decoded", "remote"):
        if how in hows:
            return Printed(how, source=source)
    texts = [part.text for part in parts if part.how == "text"]
    return Printed("text", "\n".join(texts), source=source) if texts else Printed("unknown", source=source)


def reads(
    simple: Simple, known: Mapping[str, Value], text: str, seen: dict[int, Printed], depth: int = 0
) -> Printed | None:
    """What a command is given on its standard input; None if nothing in the text says."""
    if simple.herestring is not None:
        return Printed("text", joined(simple.herestring, known), source=simple.herestring[:_SOURCE_LENGTH])
    if simple.heredoc is not None:
        return Printed("text", simple.heredoc if simple.heredoc_quoted else _filled(simple.heredoc, known))
    before = simple.stage.before if simple.stage else None
    if before is None or depth >= _MAX_STAGES:
        return None
    if id(before) not in seen:
        seen[id(before)] = printed(before.commands, known, text, seen, depth + 1)
    return seen[id(before)]


def _filled(text: str, known: Mapping[str, Value]) -> str:
    """A here-document with the variables that are known."""

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        is_set = known.get(found[2])
        return found[0] if is_set is None else is_set if isinstance(is_set, str) else " ".join(is_set)

    return _VARIABLE.sub(value, text) if "$" in text or "\\" in text else text


def _one(simple: Simple, known: Mapping[str, Value], text: str, seen: dict[int, Printed], depth: int) -> Printed:
    given = reads(simple, known, text, seen, depth)
    own = text[simple.start : min(simple.end, simple.start + _SOURCE_LENGTH)]
    source = f"{given.source} | {own}" if given and given.source else own
    words = [field for word in simple.words[:200] for field in expand(word, known)]
    while words and base_name(words[0]) in _PREFIXES:
        words = words[1:]
    if not words:
        return given._replace(source=source) if given else Printed("unknown", source=source)
    name, args = base_name(words[0]), words[1:]
    if (said := _says(name, args)) is not None:
        return Printed("text", said, source=source)
    if paths := _lists(name, args):
        return Printed("paths", paths=paths, source=source)
    if name in _DOWNLOADS:
        return Printed("remote", source=source)
    if name in _UNREADABLE:
        return _decoded(name, args, given, source)
    if given and name in _PASSES_ON:
        from_file = name != "tee" and any(not arg.startswith("-") for arg in args)
        if given.how in ("paths", "decoded", "remote") or (name in _KEEPS_LINES and not from_file):
            return given._replace(source=source)
    return Printed("unknown", source=source)


def _says(name: str, args: list[str]) -> str | None:
    """The text of a command that prints its own arguments."""
    if name == "echo":
        return _echo(args)
    if name == "printf":
        return _printf(args)
    return (" ".join(args) or "y") if name == "yes" else None


def _lists(name: str, args: list[str]) -> tuple[str, ...]:
    """What a command that lists files lists, as globs."""
    if name in ("find", "gfind"):
        return find_paths(Call(name, args))
    if name not in ("ls", "dir"):
        return ()
    listed = [arg if _GLOB.search(arg) else f"{arg.rstrip('/')}/*" for arg in args if not arg.startswith("-")]
    return tuple(listed[:64]) or ("./*",)


def _echo(args: list[str]) -> str:
    escapes = False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        escapes = escapes or "e" in args[0]
        args = args[1:]
    text = " ".join(args)
    return unescaped(text) if escapes else text


def _printf(args: list[str]) -> str:
    if args[:1] == ["--"]:
        args = args[1:]
    if not args:
        return ""
    pattern, values = unescaped(args[0]), list(args[1:])
    if not values:
        return pattern.replace("%%", "%")
    lines: list[str] = []
    while values and len(lines) < 50:
        before = len(values)
        lines.append(re.sub(r"%[-\d.]*[sbqdiu]", lambda _: values.pop(0) if values else "", pattern))
        if len(values) == before:
            break
    return "".join(lines).replace("%%", "%")


def unescaped(text: str) -> str:
    """`\\n`, `\\x41`, `\\101` as printf and `echo -e` print them."""

    def char(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        return _LETTERS.get(code, found[0])

    return _ESCAPE.sub(char, text) if "\\" in text else text


def _decoded(name: str, args: list[str], given: Printed | None, source: str) -> Printed:
    """base64 -d and its like: what a literal decodes to; else something that nobody can read."""
    decodes = name in ("uudecode", "rev", "tr") or any(
        re.fullmatch(r"-(?:[a-zA-Z]*[dDr][a-zA-Z]*|-decode|-decrypt|-reverse)", arg) for arg in args
    )
    if name in ("gunzip", "zcat", "bzcat", "xzcat", "zstdcat"):
        decodes = given is not None or name == "gunzip"
    if not decodes:
        return Printed("unknown", source=source)
    if given and given.how == "text":
        if name in ("base64", "base32", "basenc") or (name == "openssl" and ("base64" in args or "-base64" in args)):
            found = _from_base(given.text, 32 if name == "base32" else 64)
            return Printed("decoded" if found is None else "text", found or "", source=source)
        if name == "xxd" and "".join(given.text.split()).isalnum():
            found = _from_hex(given.text)
            return Printed("decoded" if found is None else "text", found or "", source=source)
        if name == "rev":
            return Printed("text", "\n".join(line[::-1] for line in given.text.split("\n")), source=source)
    return Printed("decoded", source=source)


def _from_base(text: str, base: int) -> str | None:
    cleaned = "".join(text.split())
    padded = cleaned + "=" * (-len(cleaned) % (4 if base == 64 else 8))
    try:
        decoded = b64decode(padded) if base == 64 else b32decode(padded)
    except (binascii.Error, ValueError):
        return None
    return decoded.decode("utf-8", "replace")


def _from_hex(text: str) -> str | None:
    try:
        return bytes.fromhex(text).decode("utf-8", "replace")
    except ValueError:
        return None
