"""Pages of the documentation with parts that are made from the code, between two marks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path

END = "<!-- end of what is made -->"


def renewed(page: str, made_by: str, part: str) -> str:
    """The page with this part as it is now. made_by: what stands in the part's first mark. part: ends in a newline.
    Raises ValueError where a mark is missing."""
    mark = f"<!-- made by {made_by} -->"
    before, begin, rest = page.partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page needs the marks {mark} and {END}")
    return f"{before}{mark}\n{part}{END}{after}"


def main(renew: Callable[[str], str], part: Callable[[], str]) -> None:
    """Print the part; with the name of a page as argument, renew that page."""
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(renew(page.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(part())


def first_paragraph(docstring: str) -> str:
    """Its first paragraph on one line."""
    return " ".join(cleandoc(docstring).split("\n\n")[0].split())
