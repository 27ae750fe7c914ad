"""Reading a TOML file that people wrote into checked models: every fault ends in one plain line with file, place and
remedy. Codebooks, policies and stages are read with it."""

from __future__ import annotations

import difflib
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sessions.errors import UserError

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 2 * 1024 * 1024
_SLUG_RULE = "small letters, digits and single hyphens, a letter first (like task-derailment)"
#: tomllib's time grows with the square of a dotted key's length: nobody needs thirty levels, an attacker does.
_DEEP_KEY = re.compile(r"(?m)(?:^|[{,])[\s\[]*(?:[\w\"'-]++\s*+\.\s*+){30}")
_AT_LINE = re.compile(r"^(.*?)\s*\(at (?:line (\d+), column \d+|end of document)\)$", re.DOTALL)
_TYPE_WORDS = {
    "string_type": 'must be text in quotes ("...")',
    "tuple_type": "must be a list ([...])",
    "list_type": "must be a list ([...])",
    "model_type": "must be a table ([...] or {...})",
    "model_attributes_type": "must be a table ([...] or {...})",
    "dict_type": "must be a table ([...] or {...})",
}


class FaultError(ValueError):
    """Two places of a file do not fit together: raised by validators. `loc` says where, in the keys of the model whose
    validator it is."""

    def __init__(self, loc: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.loc = loc


@dataclass(frozen=True)
class Kind(Generic[M]):
    """A kind of file. name: "codebook". model: of the whole. tables: the model of each table, by its name in the file,
    so that a misspelt field can be put right. guide: one line, where to read what such a file looks like. naming: the
    rule for values that break a pattern, by field. most: bytes that such a file may have."""

    name: str
    model: type[M]
    guide: str
    tables: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    naming: Mapping[str, str] = field(default_factory=dict)
    most: int = MAX_BYTES

    def read(self, path: Path) -> M:
        """What is in the file, checked. Raises UserError for whatever is wrong with it: its first fault, and how many
        more there are."""
        found, faults = self._look(path)
        if found is not None:
            return found
        rest = f" ({len(faults) - 1} more after it)" if len(faults) > 1 else ""
        raise UserError(f"{faults[0]}{rest}.", self.guide)

    def faults(self, path: Path) -> list[str]:
        """Everything that is wrong with what the file says, one line each, without the last full stop.

        Raises UserError where it cannot be read at all, or is no TOML."""
        return self._look(path)[1]

    def _look(self, path: Path) -> tuple[M | None, list[str]]:
        text = _read_text(path, self.name, self.most)
        document = _parse(path, text, self.guide)
        try:
            return self.model.model_validate(document), []
        except ValidationError as error:
            return None, [self._explain(path, text, document, fault) for fault in _in_order(error)]
        except RecursionError:
            raise UserError(f"{shown(path)}: tables are nested too deeply.", self.guide) from None

    def _explain(self, path: Path, text: str, document: dict[str, Any], fault: ErrorDetails) -> str:
        """A fault as one line."""
        loc: tuple[str | int, ...] = tuple(fault["loc"])
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, FaultError):
            loc = (*loc, *cause.loc)
        words = self._words(fault["type"], fault["msg"], loc, cause)
        line = line_of(text, loc)
        place = f", line {line}" if line else ""
        where = _where(document, loc) + (": " if isinstance(cause, FaultError) else " ")
        return f"{shown(path)}{place}: {where.lstrip(': ')}{words}"

    def _words(self, kind: str, message: str, loc: tuple[str | int, ...], cause: object) -> str:
        name = str(loc[-1]) if loc else ""
        if cause is not None:
            return shown(str(cause), 200)
        if kind == "missing":
            return "is missing"
        if kind == "extra_forbidden":
            near = difflib.get_close_matches(name, self._fields_at(loc), 1)
            return f"is no field of a {self.name}{f'; did you mean `{near[0]}`?' if near else ''}"
        if kind == "string_pattern_mismatch":
            return f"must be {self.naming.get(name, _SLUG_RULE)}"
        if kind in _TYPE_WORDS:
            return _TYPE_WORDS[kind]
        return shown(message.removeprefix("Input ").removeprefix("Value "), 160)

    def _fields_at(self, loc: tuple[str | int, ...]) -> list[str]:
        names = [part for part in loc[:-1] if isinstance(part, str)]
        model = self.tables.get(names[-1], self.model) if names else self.model
        return [info.alias or name for name, info in model.model_fields.items()]


def _in_order(error: ValidationError) -> list[ErrorDetails]:
    """The faults, the telling ones first: a misspelt field is why another one is missing, and a list whose entries
    failed counts as too short as well."""
    faults = error.errors(include_url=False, include_input=False)
    faults = [fault for fault in faults if fault["type"] != "too_short"] or faults
    return sorted(faults, key=lambda fault: fault["type"] != "extra_forbidden")


def _read_text(path: Path, name: str, most: int) -> str:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(f"{shown(path)} is a folder, not a {name}.", "Name a .toml file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{shown(path)} is no regular file.", "Name a .toml file.")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a possible path"
        raise UserError(f"cannot read the {name} {shown(path)}: {why}.", "Check the path.") from None
    if len(data) > most:
        limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
        raise UserError(f"{shown(path)} is larger than {limit}: no {name} is.", "Check that it is the right file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{shown(path)}, line {line}: not UTF-8 text.", "Save the file as UTF-8.") from None


def _parse(path: Path, text: str, guide: str) -> dict[str, Any]:
    deep = _DEEP_KEY.search(text)
    if deep:
        line = text.count("\n", 0, deep.end()) + 1
        raise UserError(f"{shown(path)}, line {line}: a key of more than 30 parts.", guide)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UserError(f"{shown(path)}: lists or tables are nested too deeply.", guide) from None
    except ValueError as error:  # TOMLDecodeError, or what a huge number raises
        found = _AT_LINE.match(str(error))
        reason = shown(found[1] if found else "a value that cannot be read", 120)
        place = f", line {found[2]}" if found and found[2] else ", at its end" if found else ""
        raise UserError(f"{shown(path)}{place}: not valid TOML: {reason}.", "Correct that line.") from None


def _where(document: dict[str, Any], loc: tuple[str | int, ...]) -> str:
    """The place in words: "mode 'task-derailment', `near_miss.why`"."""
    index = loc[1] if len(loc) > 1 else None
    if not isinstance(index, int):
        field = ".".join(map(str, loc))
        return f"`{shown(field, 60)}`" if field else ""
    table, inner = loc[0], loc[2:]
    entry = document.get(str(table))
    item = entry[index] if isinstance(entry, list) and index < len(entry) else None
    name = item.get("slug") or item.get("id") or item.get("from") if isinstance(item, dict) else None
    which = f"'{shown(name, 60)}'" if isinstance(name, str) else f"number {index + 1}"
    steps = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in inner]
    field = "".join(steps).lstrip(".")
    return f"{table} {which}{f', `{shown(field, 60)}`' if field else ''}"


def line_of(text: str, loc: tuple[str | int, ...]) -> int | None:
    """The line of a field, as far as the way the file is written lets it be found; None rather than a wrong one."""
    if not loc:
        return None
    lines = list(_outside_strings(text))
    if len(loc) == 1 or not isinstance(loc[1], int):
        return _find(lines, str(loc[0]), str(loc[0]))
    table = str(loc[0])
    header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
    starts = [place for place, (_, line) in enumerate(lines) if header.match(line)]
    if loc[1] >= len(starts):
        return None
    start = starts[loc[1]]
    end = starts[loc[1] + 1] if loc[1] + 1 < len(starts) else len(lines)
    best = lines[start][0]
    for part in loc[2:]:
        found = _find(lines[start:end], str(part), f"{table}.{part}") if isinstance(part, str) else None
        if found is None:
            break
        best = found
        start = next(place for place, (number, _) in enumerate(lines) if number == found)
    return best


def _find(lines: list[tuple[int, str]], key: str, table: str) -> int | None:
    wanted = re.compile(rf"\s*(?:\[+\s*{re.escape(table)}\s*\]+|\"?{re.escape(key)}\"?\s*[=.])")
    return next((number for number, line in lines if wanted.match(line)), None)


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """Lines (from 1) that do not begin inside a multi-line string."""
    closing = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not closing:
            yield number, line
        for mark in re.findall(r'"""|\'\'\'', line):
            closing = "" if mark == closing else closing or mark


def shown(value: object, limit: int = 300) -> str:
    """Text of others inside a message: one line, nothing that a terminal would obey."""
    text = "".join(char if char.isprintable() else "\ufffd" for char in str(value)[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."
