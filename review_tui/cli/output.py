"""What commands print: one JSON document, or plain lines. Untrusted text passes the sanitiser here, always."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from review_tui.sanitize import clean, clean_block, json_escape
from review_tui.words import counted

#: `1 step`, `1,234 steps`.
count = counted


def emit(name: str, content: dict[str, Any]) -> None:
    """The command's one JSON document. name: of the schema, as in `review-tui/<name>/1`."""
    _write(as_json({"schema": schema(name), **content}) + "\n")


def schema(name: str) -> str:
    return f"review-tui/{name}/1"


def as_json(value: Any) -> str:
    from sessions.jsontext import dumps

    return json_escape(dumps(value))


def emit_streamed(name: str, head: dict[str, Any], key: str, items: Iterable[Any]) -> None:
    """The same for a document with a list that is too long to be held: `key` comes last, item by item."""
    _write(as_json({"schema": schema(name), **head})[:-1] + f",{as_json(key)}:[")
    for number, item in enumerate(items):
        _write(f"{',' if number else ''}\n{as_json(item)}")
    _write("\n]}\n")


def _write(json: str) -> None:
    """JSON is UTF-8 whatever the locale says."""
    click.echo(json.encode(), nl=False)


def line(text: str = "") -> None:
    """One line on standard output."""
    click.echo(clean(text))


def note(text: str) -> None:
    """One line for people, on standard error."""
    click.echo(clean(text), err=True)


def block(text: str, indent: str = "  ") -> None:
    """Text of others, indented: no line of it can be taken for one of ours."""
    click.echo("\n".join(indent + row for row in clean_block(text).split("\n")))


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Aligned columns; the last one is as long as it likes. right: columns of numbers."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(*cleaned, strict=True)]
    for row in cleaned:
        click.echo("  ".join(_padded(row, widths, right)).rstrip())


def _padded(row: list[str], widths: list[int], right: frozenset[int]) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (width - cell_width(cell))
        yield blanks + cell if place in right else cell + blanks


def cell_width(text: str) -> int:
    """Columns on a terminal, well enough for a list: wide letters of East Asia take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def steps_text(first: int, last: int) -> str:
    """Steps by their numbers. first, last: indices."""
    return f"step {first + 1}" if first == last else f"steps {first + 1}-{last + 1}"


def numbered(value: Any) -> Any:
    """JSON for others: every reference to a step carries its number (from 1) beside its index (from 0)."""
    if isinstance(value, dict):
        if value.keys() == {"id", "index"}:
            return {"step": value["id"], "step_number": value["index"] + 1, "step_index": value["index"]}
        return {key: numbered(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [numbered(item) for item in value]
    return value
