"""Splits by task: all runs of one task are in one split, so that nothing leaks from one to another.

Which one is drawn by a salted hash of the task. The same salt gives a task the same split in every release.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sessions.errors import UsageError

DEFAULT = (("train", 0.8), ("validation", 0.1), ("test", 0.1))


@dataclass(frozen=True, slots=True)
class Splits:
    """shares: name -> share, which add up to 1, in the order given."""

    salt: str
    shares: tuple[tuple[str, float], ...] = DEFAULT

    @classmethod
    def parse(cls, salt: str, given: Iterable[str]) -> Splits:
        """`train=0.8` each; shares are brought to a sum of 1. Raises UsageError."""
        shares: dict[str, float] = {}
        for text in given:
            for piece in text.split(","):
                name, _, number = piece.strip().partition("=")
                try:
                    share = float(number)
                except ValueError:
                    share = math.nan
                if not (name.isidentifier() and name.isascii() and math.isfinite(share) and share >= 0):
                    raise UsageError(f"{piece!r:.60} is no split.", "Write --split train=0.8,validation=0.1,test=0.1.")
                if name in shares:
                    raise UsageError(f"the split {name!r:.60} is given twice.")
                shares[name] = share
        total = sum(shares.values())
        if shares and total <= 0:
            raise UsageError("the splits have no share at all.", "Write --split train=0.8,validation=0.1,test=0.1.")
        return cls(salt, tuple((name, share / total) for name, share in shares.items()) or DEFAULT)

    def task_id(self, task: str) -> str:
        """A task's id. task: its text as it is released."""
        words = " ".join(task.split())
        return sha256(f"task/1 {self.salt}\n{words}".encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def of(self, task_id: str) -> str:
        """The split that a task is in."""
        draw = int.from_bytes(sha256(f"split/1 {self.salt}\n{task_id}".encode()).digest()[:8], "big") / 2**64
        reached = 0.0
        for name, share in self.shares:
            reached += share
            if draw < reached:
                return name
        return max(self.shares, key=lambda item: item[1])[0]

    def as_json(self) -> dict[str, Any]:
        return {"by": "task", "salt": self.salt, "shares": [list(item) for item in self.shares]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Splits:
        return cls(value["salt"], tuple((name, share) for name, share in value["shares"]))
