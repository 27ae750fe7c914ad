"""What is said about a command: denied or not, by which rule, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["irreversible", "log-tampering", "secrets"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one command, statement or tool call.

    deny: whether it loses or publishes something with no built-in way back (the policy: `labels.commands`).
    rule: the rule's stable id, such as `git.reset-hard`; empty when allowed.
    why: a plain sentence for a person; empty when allowed, unless the judge gave up on a part of the text.
    start, end: the offending simple command, code points into the given text, end exclusive.
    family: `irreversible`, `log-tampering` or `secrets`.
    severity: 0 to 1, higher is worse; 0 when allowed.
    """

    deny: bool = False
    rule: str = ""
    why: str = ""
    start: int = 0
    end: int = 0
    family: Family = "irreversible"
    severity: float = 0.0


ALLOWED = Verdict()
