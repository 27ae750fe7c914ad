"""Detection on stored runs: which detectors are on, running them, and keeping what they find.

A detector looks at a run once: what it found stands in `suggestion`, that it looked in `detection`, with its version,
its parameters and the content it saw. Another version, other parameters or a run that has grown is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256

from labels import detectors, suggestions
from labels.codebook import Codebooks
from labels.detecting import Progress, Watching, stands_there
from labels.detectors.base import Detector, RunMeta
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.jsontext import canonical, dumps, loads
from sessions.store import Store

#: Steps handed to the detectors at a time, and how often what was found so far is written, in seconds.
BATCH_STEPS, WRITE_EVERY_S = 20, 1.0
_SETTING = "detectors"


# -- which are on -------------------------------------------------------------------------------------------------


def switches(store: Store) -> dict[str, bool]:
    """What the users of this database have switched on or off: detector id -> on."""
    row = store.one("SELECT value FROM meta WHERE name = ?", [_SETTING])
    value = loads(row[0]) if row else {}
    return {str(key): bool(item) for key, item in value.items()}


def switch(store: Store, id: str, on: bool) -> None:
    """Switch a detector on or off for this database. Raises UserError for an unknown one."""
    detectors.load(id)
    with store.write() as tx:
        rows = tx.execute("SELECT value FROM meta WHERE name = ?", [_SETTING])
        value = {**(loads(rows[0][0]) if rows else {}), id: on}
        tx.execute("DELETE FROM meta WHERE name = ?", [_SETTING])
        tx.execute("INSERT INTO meta VALUES (?, ?)", [_SETTING, dumps(value)])


def enabled(store: Store) -> list[Detector]:
    """The detectors that are on: by default or by a switch. One that cannot be loaded is left out."""
    said = switches(store)
    found, _ = detectors.load_all()
    return [item for item in found if said.get(item.id, item.default)]


# -- what was looked at -------------------------------------------------------------------------------------------


def params_hash(detector: Detector) -> str:
    """12 hex digits over a detector's parameters."""
    return sha256(canonical(dict(detector.params))).hexdigest()[:12]


def stale(store: Store, run: RunInfo, wanted: Iterable[Detector]) -> list[Detector]:
    """Those of the detectors that have not looked at this run as it is and as they are."""
    rows = store.query(
        "SELECT detector, version, params FROM detection WHERE run = ? AND content_id = ?", [run.id, run.content_id]
    )
    done = {tuple(row) for row in rows}
    return [item for item in wanted if (item.id, item.version, params_hash(item)) not in done]


def detect(
    store: Store,
    run: RunInfo,
    wanted: Iterable[Detector],
    codebooks: Codebooks,
    *,
    again: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Progress]:
    """Let detectors look at a complete run and keep what they find. Those that looked already are not asked.

    again: ask them all the same. Returns how each that was asked fared; [] as well where `cancelled` stopped it, and
    then nothing says that they looked. Raises UserError where the database cannot be written.
    """
    if not run.complete:
        raise UserError("this run was not read to its end.", "Import it again first.")
    asked = list(wanted) if again else stale(store, run, wanted)
    if not asked:
        return []
    keeper = _Keeper(store, run)
    watching = Watching(RunMeta(run.task, run.system, run.model, run.format), asked, codebooks)
    batch: list[StoredStep] = []
    for stored in catalog.steps(store, run.no):
        batch.append(stored)
        if len(batch) == BATCH_STEPS:
            keeper.take(watching.feed(batch), batch)
            batch = []
            if cancelled():
                return []
    keeper.take(watching.feed(batch), batch)
    keeper.take(watching.finish(), [])
    keeper.close(watching.progress)
    return watching.progress


class _Keeper:
    """Writes what is found, a second's worth at a time, so that the first of a long run can be read early."""

    def __init__(self, store: Store, run: RunInfo) -> None:
        self.store, self.run = store, run
        self._waiting: list[Suggestion] = []
        self._kept: dict[str, set[str]] = {}
        self._written = time.monotonic()

    def take(self, found: list[Suggestion], batch: list[StoredStep]) -> None:
        known = {stored.index: stored for stored in batch}
        self._waiting += [item for item in found if self._verbatim(item, known)]
        if self._waiting and time.monotonic() - self._written > WRITE_EVERY_S:
            self._write()

    def _verbatim(self, item: Suggestion, known: dict[int, StoredStep]) -> bool:
        """Quotes from steps of this batch were checked when they were made; the others are read again."""
        for evidence in item.evidence:
            index = evidence.step.index
            if index not in known:
                stored = catalog.step(self.store, self.run.no, index)
                if not stands_there(stored, evidence.part, evidence.start, evidence.quote):
                    return False
        return True

    def _write(self) -> None:
        with self.store.write("NORMAL") as tx:
            suggestions.write(tx, self.run, self._waiting)
        for item in self._waiting:
            self._kept.setdefault(item.detector, set()).add(item.id)
        self._waiting = []
        self._written = time.monotonic()

    def close(self, progress: list[Progress]) -> None:
        """Write the rest, and that they looked."""
        self._write()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self.store.write("NORMAL") as tx:
            for state in progress:
                name = state.detector.id
                kept = self._kept.get(name, set())
                if state.off is None:
                    suggestions.replace(tx, self.run, name, kept)
                tx.execute("DELETE FROM detection WHERE run = ? AND detector = ?", [self.run.id, name])
                tx.execute(
                    "INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [self.run.id, name, state.detector.version, params_hash(state.detector), self.run.content_id or "",
                     "done" if state.off is None else "off", state.off or "", len(kept), round(state.seconds, 4), now],
                )  # fmt: skip
