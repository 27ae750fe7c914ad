"""Holds: every run, or one, waits for a person at its next gate until the hold is released.

While a run is held, no policy decides for people at its gates, and an agent does not get what a policy had decided
before. A person's decision passes: it is what the run is held for. Holds are kept after they are released.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessions.live.clock import stamp
from sessions.live.gates import Source, rows
from sessions.store import Store

#: The scope of a hold on every run, those included that are not there yet.
ALL = "*"
_HOLD = "SELECT no, scope, reviewer, os_user, reason, at, released_by, released_at FROM hold"


class Hold(NamedTuple):
    """scope: a run's id, or ALL. released_by, released_at: None while it holds."""

    no: int
    scope: str
    reviewer: str
    os_user: str
    reason: str
    at: str
    released_by: str | None
    released_at: str | None


def hold(store: Store, scope: str, reviewer: str, os_user: str, reason: str = "") -> Hold:
    """Hold a run (by its id) or ALL; what holds it already stays as it is."""
    with store.write(eager=True) as tx:
        if standing := _standing(tx, [scope]):
            return standing[0]
        tx.execute(
            "INSERT INTO hold (scope, reviewer, os_user, reason, at) VALUES (?, ?, ?, ?, ?)",
            [scope, reviewer, os_user, reason, stamp()],
        )
        return _standing(tx, [scope])[0]


def release(store: Store, scope: str, reviewer: str) -> list[Hold]:
    """Release the hold on a run, or with ALL every hold there is; what was released."""
    with store.write(eager=True) as tx:
        held = active(tx) if scope == ALL else _standing(tx, [scope])
        for item in held:
            tx.execute("UPDATE hold SET released_by = ?, released_at = ? WHERE no = ?", [reviewer, stamp(), item.no])
    return held


def active(source: Source) -> list[Hold]:
    """Every hold that stands, oldest first."""
    return [Hold(*row) for row in rows(source, f"{_HOLD} WHERE released_at IS NULL ORDER BY no", [])]


def holding(source: Source, run: str) -> Hold | None:
    """What holds a run; None if nothing does."""
    found = _standing(source, [ALL, run])
    return found[0] if found else None


def _standing(source: Source, scopes: list[Any]) -> list[Hold]:
    marks = ", ".join("?" * len(scopes))
    sql = f"{_HOLD} WHERE released_at IS NULL AND scope IN ({marks}) ORDER BY no"
    return [Hold(*row) for row in rows(source, sql, scopes)]
