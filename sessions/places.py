"""Where a reviewer was in a run, so that coming back means coming back to the same line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.jsontext import dumps
from sessions.store import Store


@dataclass(frozen=True)
class ReadingPlace:
    """A line of a run. policy: the chunk policy in use. step: step id, index: where it stood; part, position: the
    character at the cursor (part -1: the step's own row), which holds at any width. seen: the farthest step index read.
    """

    policy: str
    step: str
    index: int
    part: int = -1
    position: int = 0
    seen: int = 0


def save(store: Store, reviewer: str, run: RunInfo, place: ReadingPlace) -> None:
    """Remember a reviewer's place in a run."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with store.write("NORMAL") as tx:
        tx.execute("DELETE FROM reading WHERE reviewer = ? AND run = ?", [reviewer, run.id])
        tx.execute(
            "INSERT INTO reading VALUES (?, ?, ?, ?, ?)", [reviewer, run.id, place.policy, dumps(asdict(place)), now]
        )


def load(store: Store, reviewer: str, run: RunInfo) -> ReadingPlace | None:
    """The place saved last, with the index its step has now; None if there is none."""
    row = store.one("SELECT place FROM reading WHERE reviewer = ? AND run = ?", [reviewer, run.id])
    if row is None:
        return None
    place = ReadingPlace(**orjson.loads(row[0]))
    if catalog.step_id(store, run.no, place.index) == place.step:
        return place
    index = catalog.indices_of(store, run.no, {place.step}).get(place.step)
    if index is None:
        index, part = min(place.index, max(0, run.steps - 1)), -1
        return ReadingPlace(place.policy, place.step, index, part, 0, place.seen)
    return ReadingPlace(place.policy, place.step, index, place.part, place.position, place.seen)


def last_read(store: Store, reviewer: str) -> dict[str, tuple[str, str]]:
    """Run id -> (policy, UTC time) of the runs a reviewer has opened."""
    rows = store.query("SELECT run, policy, at FROM reading WHERE reviewer = ?", [reviewer])
    return {row[0]: (row[1], row[2]) for row in rows}
