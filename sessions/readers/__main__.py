"""The built-in formats as a Markdown table, from the readers themselves: the one between the marks of docs/formats.md.

`python -m sessions.readers` prints it; `python -m sessions.readers docs/formats.md` puts it in its place on the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

from sessions.readers import BUILT_IN, load

BEGIN = "<!-- made by `python -m sessions.readers docs/formats.md` -->"
END = "<!-- end of what is made -->"


def table() -> str:
    """One row a reader, in the order in which they are asked: name, title, versions, what the files are."""
    return "\n".join(["| `--format` | what | versions | files |", "|---|---|---|---|", *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, target in BUILT_IN.items():
        reader = load(name)
        about = import_module(target.partition(":")[0]).__doc__ or ""
        cells = [f"`{reader.name}`", reader.title, reader.versions, first_paragraph(about)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def first_paragraph(docstring: str) -> str:
    """Its first paragraph on one line."""
    return " ".join(cleandoc(docstring).split("\n\n")[0].split())


def renewed(page: str) -> str:
    """The page with the table as it is now. Raises ValueError where the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(table())
