"""All rules, by program. Built on first use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from labels.commands.call import Call
from labels.commands.rules.base import Finding, Rule, Tool

#: The families in the order in which they are asked and documented.
FAMILIES = (
    "files",
    "contents",
    "disks",
    "git",
    "kubernetes",
    "infrastructure",
    "clouds",
    "containers",
    "packages",
    "databases",
    "migrations",
    "sql",
    "http",
    "queues",
    "system",
    "logs",
    "secrets",
    "code",
    "tools",
    "opaque",
)


@cache
def tools() -> Mapping[str, list[Tool]]:
    """Program -> what is known of it, in the order of the families."""
    found: dict[str, list[Tool]] = {}
    for family in FAMILIES:
        for tool in getattr(import_module(f"labels.commands.rules.{family}"), "TOOLS", ()):
            for name in tool.names:
                found.setdefault(name, []).append(tool)
    return found


_ENDING = re.compile(r"(?:(?<=^mkfs)\.\w+|[.-]\d+(?:\.\d+)*)$")


def lookup(name: str) -> list[Tool]:
    """What is known of a program; `mkfs.ext4`, `python3.11` and `psql-16` are looked for without their endings too."""
    known = tools()
    return known.get(name) or known.get(_ENDING.sub("", name)) or []


def judge(call: Call) -> Finding | None:
    """The most severe rule that a call breaks."""
    worst: Finding | None = None
    for tool in lookup(call.name):
        found = tool.judge(call)
        if found and (worst is None or found.rule.severity > worst.rule.severity):
            worst = found
    return worst


def families() -> Iterator[tuple[str, str, list[Rule]]]:
    """Name, the family's description, and its rules."""
    for family in FAMILIES:
        module = import_module(f"labels.commands.rules.{family}")
        yield family, module.__doc__ or "", list(module.RULES)
