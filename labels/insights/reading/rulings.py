"""What adjudicators settled, on the units of the runs in a scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from labels import adjudication
from labels.gold.standing import standing
from labels.insights.reading.counted import Columns
from labels.insights.scope import Scope
from sessions import catalog
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: What a ruling makes of a mode.
_VALUES = {"present": 1, "absent": 0}


@dataclass(slots=True)
class Ruling:
    """unit: number. mode: (codebook, slug). value: 1, 0, or -1 where nothing is settled. step: the first one named."""

    unit: int
    mode: tuple[str, str]
    value: int
    step: int | None


@dataclass(slots=True)
class Ruled:
    """runs: places of the runs in which a ruling counts."""

    rulings: list[Ruling] = field(default_factory=list)
    runs: set[int] = field(default_factory=set)

    def apply(self, value: Array, unit_run: Array, modes: Mapping[tuple[str, str], int]) -> list[tuple[int, int, int]]:
        """Set what is settled in (units, modes); (run, mode, step) of those present whose place is named."""
        placed = []
        for ruling in self.rulings:
            mode = modes.get(ruling.mode)
            if mode is None:
                continue
            value[ruling.unit, mode] = ruling.value
            run = int(unit_run[ruling.unit])
            self.runs.add(run)
            if ruling.value == 1 and ruling.step is not None:
                placed.append((run, mode, ruling.step))
        return placed


def ruled(store: Store, found: Columns, scope: Scope) -> Ruled:
    """The rulings that stand. Where the scope asks for some people's labels or some time's, a ruling is not among
    them, unless it is by one of those people."""
    adjudication.bring_up_to_date(store)
    if scope.decided is not None:
        return Ruled()
    sql = (
        "SELECT run, chunk, codebook, mode, adjudicator, outcome, origin, seq, data FROM adjudication"
        " ORDER BY origin, seq"
    )
    owner = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
    places = {run: place for place, run in enumerate(found.runs)}
    by_mode: dict[tuple[str, str, str, str], list[tuple[Any, ...]]] = {}
    for run, chunk, book, slug, who, *rest in store.each(sql):
        mine = owner.get(run, run)
        if mine in places and scope.asks_for(who):
            by_mode.setdefault((mine, chunk, book, slug), []).append(tuple(rest))
    units = found.kept.units(sorted({key[0] for key in by_mode}))
    number = {
        (run, chunk): int(found.unit_base[places[run]]) + place
        for run, chunks in units.items()
        for place, chunk in enumerate(chunks)
    }
    result = Ruled()
    for (run, chunk, book, slug), rows in by_mode.items():
        outcome, origin, seq, data = _standing(store, run, chunk, book, slug, rows)
        if (run, chunk) not in number:
            number[run, chunk] = _unit_of(store, found, places[run], origin, seq)
        steps = orjson.loads(data)["steps"] if outcome == "present" else []
        step = min((span["first"]["index"] for span in steps), default=None)
        result.rulings.append(Ruling(number[run, chunk], (book, slug), _VALUES.get(outcome, -1), step))
    return result


def _unit_of(store: Store, found: Columns, run: int, origin: str, seq: int) -> int:
    """A unit on which nobody's decision stands any more, as the ruling names it."""
    rows = store.query("SELECT payload FROM event WHERE origin = ? AND seq = ?", [origin, seq])
    target = orjson.loads(rows[0][0])["target"]
    return found.units.add(run, target["first"]["index"], target["last"]["index"], target["scope"] == "run")


def _standing(
    store: Store, run: str, chunk: str, book: str, slug: str, rows: list[tuple[Any, ...]]
) -> tuple[str, str, int, str]:
    """(outcome, origin, sequence, ruling as JSON) of the last ruling of those that knew of each other; no outcome where
    several that did not know of each other differ. rows: the same of each, in the order of the log."""
    outcome, origin, seq, data = rows[-1]
    if all(row[1] == origin for row in rows):  # a later one of the same database knew of the earlier ones
        return str(outcome), str(origin), int(seq), str(data)
    info = catalog.run_by_id(store, run)
    told = [
        {
            "codebook": {"id": ruling.codebook.id}, "mode": ruling.mode, "outcome": ruling.outcome,
            "event_id": event.id, "after": said.after, "data": ruling.model_dump_json(),
        }
        for event, said, ruling in (adjudication.rulings_of(store, info) if info else ())
        if said.target.id == chunk and (ruling.codebook.id, ruling.mode) == (book, slug)
    ]  # fmt: skip
    last = standing(told).get((book, slug))
    return (str(last["outcome"]) if last else "", str(origin), int(seq), str(last["data"]) if last else "")


__all__ = ["Ruled", "Ruling", "ruled"]
