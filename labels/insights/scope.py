"""Which runs and whose labels the figures are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from labels.gold.rule import Rule
from labels.insights.figures import FAILURE, SUCCESS, UNKNOWN
from sessions.errors import UsageError

#: Attributes of a run that a scope may name, and a comparison may compare.
ATTRIBUTES = ("system", "model", "benchmark", "domain", "outcome", "state", "format")
#: Whether outside annotators' votes count: always, never, or (auto) where nobody of one's own has judged anything.
Outside: TypeAlias = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Span:
    """Times from (inclusive) and to (exclusive), None where open. text: as it was given."""

    start: datetime | None
    end: datetime | None
    text: str

    @classmethod
    def parse(cls, text: str) -> Span:
        """`FROM..TO`, either may be left out: dates (`2026`, `2026-11`, `2026-11-30`: TO is included) or times
        (`2026-11-30T12:00`, UTC unless they say otherwise). A single date is that day, month or year.

        Raises UsageError for anything else.
        """
        first, dots, last = text.strip().partition("..")
        if not dots:
            last = first
        if not first and not last:
            raise UsageError(f"{text!r:.60} is no range of time.", "Write FROM..TO, as in 2026-11-01..2026-11-30.")
        start = _moment(first)[0] if first else None
        end = _moment(last)[1] if last else None
        if start and end and start >= end:
            raise UsageError(f"{text!r:.60} ends before it begins.", "Write the earlier time first.")
        return cls(start, end, text.strip())

    def minutes(self) -> tuple[int, int]:
        """From and to (exclusive) in minutes since 1970; a decision without a time is in no range but the open one."""
        low = 0 if self.start is None else int(self.start.timestamp() // 60)
        high = 2**31 - 1 if self.end is None else -int(-self.end.timestamp() // 60)
        return low, high

    def holds(self, at: str | None) -> bool:
        """Whether a time as a source states it is in the range. What is no time is not."""
        if at is None:
            return False
        try:
            moment = _utc(datetime.fromisoformat(at))
        except ValueError:
            return False
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


def _moment(text: str) -> tuple[datetime, datetime]:
    """A time, and the end of what it names: of a day, a month or a year, or itself."""
    text = text.strip()
    try:
        if len(text) == 4:
            start = datetime.strptime(text, "%Y").replace(tzinfo=UTC)
            return start, start.replace(year=start.year + 1)
        if len(text) == 7:
            start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
            return start, (start + timedelta(days=32)).replace(day=1)
        start = _utc(datetime.fromisoformat(text))
        return start, start + timedelta(days=1) if len(text) <= 10 else start
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r:.60} is no date or time.", "Write it as 2026-11-30 or 2026-11-30T12:00.") from None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figures are about. Every filter left empty lets everything through.

    where: attribute -> the values that count ("" for runs that do not say; case does not matter). codebooks: ids.
    only, without: reviewers. same: a reviewer's name -> the one under which that person counts. queue: id of the queue
    whose chunks count; queue_name: for words. started: by when runs began; decided: by when decisions were made.
    complete: only runs in which every mode of the codebook is known. rule: how votes are settled.
    """

    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    codebooks: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)
    queue: str = ""
    queue_name: str = ""
    started: Span | None = None
    decided: Span | None = None
    outside: Outside = "auto"
    complete: bool = False
    rule: Rule = field(default_factory=Rule)

    def narrowed(self, by: str, value: str) -> Scope:
        """This scope with one attribute set to one value."""
        return replace(self, where={**self.where, by: frozenset([value])})

    def person(self, name: str) -> str:
        """The name under which a reviewer counts."""
        return self.same.get(name, name)

    def asks_for(self, name: str) -> bool:
        """Whether a reviewer's labels are wanted, under whichever of their names they were asked for."""
        person = self.person(name)
        wanted = not self.only or person in map(self.person, self.only)
        return wanted and person not in map(self.person, self.without)

    @property
    def words(self) -> str:
        """In one line."""
        parts = [f"{name} {_either(values)}" for name, values in self.where.items()]
        parts += [f"queue {self.queue_name or self.queue}"] if self.queue else []
        parts += [f"runs started {self.started.text}"] if self.started else []
        parts += [f"decisions of {self.decided.text}"] if self.decided else []
        parts += [f"labels by {_either(self.only)}"] if self.only else []
        parts += [f"labels not by {_either(self.without)}"] if self.without else []
        parts += [f"codebook {_either(self.codebooks)}"] if self.codebooks else []
        parts += ["only runs judged in full"] if self.complete else []
        return ", ".join(parts) or "all runs"


def where(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """(attribute, value) pairs as `Scope.where` has them. Raises UsageError for an unknown attribute or outcome."""
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        if name not in ATTRIBUTES:
            raise UsageError(f"runs have no attribute {name!r:.40}.", f"Attributes: {', '.join(ATTRIBUTES)}.")
        if name == "outcome" and value.casefold() not in (SUCCESS, FAILURE, UNKNOWN):
            raise UsageError(f"there is no outcome {value!r:.40}.", f"Outcomes: {SUCCESS}, {FAILURE}, {UNKNOWN}.")
        found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def _either(values: Iterable[str]) -> str:
    return " or ".join(value or "(not said)" for value in sorted(values))


__all__ = ["ATTRIBUTES", "Outside", "Scope", "Span", "where"]
