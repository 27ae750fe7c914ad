"""The built-in formats as a Markdown table, from the readers themselves: the one between the marks of docs/formats.md.

`python -m sessions.readers` prints it; `python -m sessions.readers docs/formats.md` puts it in its place on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from sessions import docpage
from sessions.readers import BUILT_IN, load


def table() -> str:
    """One row a reader, in the order in which they are asked: name, title, versions, what the files are."""
    return "\n".join(["| `--format` | what | versions | files |", "|---|---|---|---|", *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, target in BUILT_IN.items():
        reader = load(name)
        about = import_module(target.partition(":")[0]).__doc__ or ""
        cells = [f"`{reader.name}`", reader.title, reader.versions, docpage.first_paragraph(about)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def renewed(page: str) -> str:
    """The page with the table as it is now. Raises ValueError where the marks are missing."""
    return docpage.renewed(page, "`python -m sessions.readers docs/formats.md`", table())


if __name__ == "__main__":
    docpage.main(renewed, table)
