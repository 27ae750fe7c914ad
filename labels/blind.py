"""The veil: which suggestions a reviewer may not see yet, because the chunk is one to be decided blind.

A suggestion is hidden while it touches a chunk that was drawn (`labels.queues.Rule`) and on which this reviewer has
never given a verdict. A verdict lifts the veil for good: taking it back does not make anybody forget. Where a queue is
decided run by run, the whole run is drawn or not. Screens and commands ask the same veil.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from labels.queues import Rule
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Chunks
from sessions.identity import chunk_id
from sessions.store import Store

#: The chunk id of decisions on the whole run (`labels.model.WHOLE_RUN`, which pydantic comes with).
_RUN = "run"


class _Placed(Protocol):
    """An evidence passage or anything else that lies in a step. index: the step's."""

    @property
    def index(self) -> int: ...


class _Suggested(Protocol):
    """What the veil must know of a suggestion (`labels.views.SuggestionView`)."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def evidence(self) -> tuple[_Placed, ...]: ...


class Veil:
    """What is hidden from one reviewer of one run, cut in these chunks."""

    def __init__(self, store: Store, run: RunInfo, chunks: Chunks, rule: Rule, *, again: Collection[str] = ()) -> None:
        """again: ids of chunks that are read a second time now, and as blind as the first time."""
        self.store, self.run, self.chunks, self.rule = store, run, chunks, rule
        self._lifted = set[str]()
        if rule.share > 0:
            self._lifted = self._decided()
            if again:
                self._lifted -= set(again) - self._decided(" AND payload LIKE '%\"repeat\":1%'")
        self._drawn: dict[int, bool] = {}

    def _decided(self, more: str = "") -> set[str]:
        """Ids of the chunks on which this reviewer has ever given a verdict."""
        ids = catalog.ids_of(self.store, self.run.id)
        marks = ", ".join("?" * len(ids))
        rows = self.store.query(
            f"SELECT DISTINCT chunk FROM event WHERE run IN ({marks}) AND reviewer = ? AND kind = 'decide'"
            f' AND payload LIKE \'%"op":"verdict"%\'{more}',
            [*ids, self.rule.reviewer],
        )
        return {str(row[0]) for row in rows}

    @property
    def over_all(self) -> bool:
        """Whether all suggestions on the run are hidden until there is a verdict on it as a whole."""
        rule = self.rule
        return rule.scope == "runs" and rule.share > 0 and rule.draws(_RUN) and _RUN not in self._lifted

    def veiled(self, chunk: int) -> bool:
        """Whether suggestions on this chunk (from 0) are hidden now."""
        if self.rule.share <= 0 or not 0 <= chunk < len(self.chunks):
            return False
        if self.rule.scope == "runs":
            return self.over_all
        if chunk not in self._drawn:
            key = self._id(chunk)
            self._drawn[chunk] = self.rule.draws(key) and key not in self._lifted
        return self._drawn[chunk]

    def _id(self, chunk: int) -> str:
        first, last = self.chunks.bounds(chunk)
        ends = (catalog.step_id(self.store, self.run.no, index) or "" for index in (first, last))
        return chunk_id(*ends)

    def hides(self, item: _Suggested) -> bool:
        """Whether a suggestion is hidden: any chunk in which it begins, ends or quotes is veiled."""
        if self.rule.share <= 0:
            return False
        if self.rule.scope == "runs":
            return self.over_all
        steps = {item.first, item.last, *(place.index for place in item.evidence)}
        return any(self.veiled(chunk) for chunk in {self.chunks.of_step(index) for index in steps})
