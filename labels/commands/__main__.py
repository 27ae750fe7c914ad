"""The rules as a Markdown table, from the rules themselves: the one between the marks of docs/commands.md.

`python -m labels.commands` prints it; `python -m labels.commands docs/commands.md` puts it in its place on the page.
"""

from __future__ import annotations

from collections.abc import Iterator

from labels.commands import registry
from labels.commands.rules.base import Rule
from sessions import docpage


def tables() -> str:
    """For each family its description and one row a rule: id, what is lost, severity, and the verdict's family."""
    return "\n".join(_families()) + "\n"


def _families() -> Iterator[str]:
    shown: set[str] = set()
    for name, about, rules in registry.families():
        own = [rule for rule in rules if rule.id not in shown]
        shown.update(rule.id for rule in own)
        yield from (f"### {name}", "", docpage.first_paragraph(about), "")
        yield from ("| rule | what it says | severity | family |", "|---|---|---|---|")
        yield from map(_row, sorted(own, key=lambda rule: rule.id))
        yield ""


def _row(rule: Rule) -> str:
    why = rule.why.replace("|", "\\|")
    return f"| `{rule.id}` | {why} | {rule.severity:g} | {rule.family} |"


def renewed(page: str) -> str:
    """The page with the tables as they are now. Raises ValueError where the marks are missing."""
    return docpage.renewed(page, "`python -m labels.commands docs/commands.md`", tables())


if __name__ == "__main__":
    docpage.main(renewed, tables)
