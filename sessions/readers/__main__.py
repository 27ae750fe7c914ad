"""The built-in formats as a Markdown table and their known gaps as a list, from the readers themselves: what stands
between the marks of docs/formats.md.

`python -m sessions.readers` prints both; `python -m sessions.readers docs/formats.md` puts them in their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from textwrap import fill

from sessions import docpage
from sessions.readers import BUILT_IN, load

_MADE_BY = "`python -m sessions.readers docs/formats.md`"


def table() -> str:
    """One row a reader, in the order in which they are asked: name, title, versions, what the files are."""
    return "\n".join(["| `--format` | what | versions | files |", "|---|---|---|---|", *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, target in BUILT_IN.items():
        reader = load(name)
        about = import_module(target.partition(":")[0]).__doc__ or ""
        cells = [f"`{reader.name}`", reader.title, reader.versions, docpage.first_paragraph(about)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def gaps() -> str:
    """One item a reader that knows of something it does not read, or reads otherwise than one would think."""
    told = ((name, getattr(load(name), "gaps", "")) for name in BUILT_IN)
    return "".join(f"{_item(f'`{name}`: {text}')}\n" for name, text in told if text)


def _item(text: str) -> str:
    return fill(text, 118, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def renewed(page: str) -> str:
    """The page with both as they are now. Raises ValueError where the marks are missing."""
    page = docpage.renewed(page, _MADE_BY, table())
    return docpage.renewed(page, f"{_MADE_BY}, from each reader's `gaps`", gaps())


if __name__ == "__main__":
    docpage.main(renewed, lambda: f"{table()}\n{gaps()}")
