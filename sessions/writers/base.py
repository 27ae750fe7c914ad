"""A run in the store, as writers see it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.run import Header
from sessions.store import Store

#: Steps whose records are looked up at once.
_BATCH = 100


class Recorded:
    """A run to be written.

    with_raw: whether the source's own records go along. with_reference: whether what the source knows of the answer
    does. without_raw: steps so far whose raw records are gone, because the source went before they were archived.
    """

    def __init__(self, store: Store, run: RunInfo, *, with_raw: bool = True, with_reference: bool = True) -> None:
        if run.state == "importing":
            raise UserError(f"the run {run.id[:8]} is still being read.", "Wait until its import has ended.")
        self.run, self.with_raw = run, with_raw
        self.without_raw = 0
        self._store = store
        reference = catalog.reference(store, run) if with_reference else None
        self.header = Header(
            run.format,
            run.title,
            run.task,
            run.system,
            run.model,
            run.native_id,
            run.started_at,
            reference=reference,
            facts=run.facts,
        )

    def steps(self) -> Iterator[StoredStep]:
        """All steps in order."""
        yield from catalog.steps(self._store, self.run.no)

    def step(self, index: int) -> StoredStep:
        return catalog.step(self._store, self.run.no, index)

    def steps_with_raw(self) -> Iterator[tuple[StoredStep, list[bytes]]]:
        """All steps in order, each with the source's own records; [] where they are gone."""
        steps = self.steps()
        while batch := list(islice(steps, _BATCH)):
            for stored, records in zip(batch, catalog.raws(self._store, self.run, batch), strict=True):
                self.without_raw += records is None
                yield stored, records or []
