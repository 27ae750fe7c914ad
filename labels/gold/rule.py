"""The rule by which votes become gold. It is written into every release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sessions.errors import UsageError

#: majority: more than half. unanimous: all of them. adjudicated: only what an adjudicator has settled.
RuleName: TypeAlias = Literal["majority", "unanimous", "adjudicated"]
RULES: tuple[RuleName, ...] = get_args(RuleName)


@dataclass(frozen=True, slots=True)
class Rule:
    """name: of the rule. min_votes: fewer people than this who judged a mode settle nothing. What an adjudicator has
    settled holds under every rule, whatever the votes."""

    name: RuleName = "majority"
    min_votes: int = 1

    @classmethod
    def of(cls, name: str = "majority", min_votes: int = 1) -> Rule:
        """Raises UsageError for an unknown rule or fewer than one vote."""
        known = next((rule for rule in RULES if rule == name), None)
        if known is None:
            raise UsageError(f"there is no rule {name!r:.60}.", f"Rules: {', '.join(RULES)}.")
        if not 1 <= min_votes <= 1000:
            raise UsageError("the least number of votes is a number from 1 to 1000.")
        return cls(known, min_votes)

    def decide(self, present: int, absent: int) -> tuple[bool | None, str]:
        """(gold, how): True present, False absent, None not settled; how says by what, or why not."""
        votes = present + absent
        if not votes:
            return None, "not judged"
        if votes < self.min_votes:
            return None, "too few votes"
        if self.name == "adjudicated":
            return None, "not adjudicated"
        if not present or not absent:
            return bool(present), "unanimous"
        if self.name == "unanimous" or present == absent:
            return None, "disputed"
        return present > absent, "majority"

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.name, "min_votes": self.min_votes}
