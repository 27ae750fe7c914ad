"""The rules as a Markdown table, from the rules themselves: the one between the marks of docs/commands.md.

`python -m labels.commands` prints it; `python -m labels.commands docs/commands.md` puts it in its place on the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

from labels.commands import registry
from labels.commands.rules.base import Rule

BEGIN = "<!-- made by `python -m labels.commands docs/commands.md` -->"
END = "<!-- end of what is made -->"


def tables() -> str:
    """For each family its description and one row a rule: id, what is lost, severity, and the verdict's family."""
    return "\n".join(_families()) + "\n"


def _families() -> Iterator[str]:
    shown: set[str] = set()
    for name, about, rules in registry.families():
        own = [rule for rule in rules if rule.id not in shown]
        shown.update(rule.id for rule in own)
        yield from (f"### {name}", "", " ".join(cleandoc(about).split("\n\n")[0].split()), "")
        yield from ("| rule | what it says | severity | family |", "|---|---|---|---|")
        yield from map(_row, sorted(own, key=lambda rule: rule.id))
        yield ""


def _row(rule: Rule) -> str:
    why = rule.why.replace("|", "\\|")
    return f"| `{rule.id}` | {why} | {rule.severity:g} | {rule.family} |"


def renewed(page: str) -> str:
    """The page with the tables as they are now. Raises ValueError where the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.write_text(renewed(target.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(tables())
