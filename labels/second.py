"""Chunks that a queue has given a reviewer a second time: what they said the first time is kept from them, and what
they say now is told apart from it, for as long as they have it."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from labels import views
from labels.views import DecisionView
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store


def chunks_again(store: Store, ids: Sequence[str], reviewer: str) -> set[str]:
    """Ids of the chunks of a run (given by all its ids) that this reviewer has for a second reading now."""
    rows = store.query(
        "SELECT i.chunk FROM queue_lease l JOIN queue_item i ON i.queue = l.queue AND i.place = l.place"
        f" WHERE l.reviewer = ? AND l.repeat_no = 1 AND i.run IN ({', '.join('?' * len(ids))})",
        [reviewer, *ids],
    )
    return {str(row[0]) for row in rows}


def decisions(store: Store, run: RunInfo, reviewer: str) -> tuple[list[DecisionView], frozenset[str]]:
    """What this reviewer says of a run, as `labels.views.decisions`; of the chunks that they read a second time now,
    only what they have said this time. With the ids of those."""
    said = views.decisions(store, run, reviewer)
    ids = catalog.ids_of(store, run.id)
    again = chunks_again(store, ids, reviewer)
    if not again:
        return said, frozenset()
    second = [found for chunk in sorted(again) if (found := _second(store, ids, reviewer, chunk)) is not None]
    said = [*(item for item in said if item.chunk not in again), *second]
    return sorted(said, key=lambda item: (item.first, item.chunk)), frozenset(again)


def _second(store: Store, ids: Sequence[str], reviewer: str, chunk: str) -> DecisionView | None:
    from labels import events, fold  # pydantic, which a run without second readings does without

    found = fold.decision(events.of_runs(store, ids, reviewer, chunk), ids[0], repeat=1)
    return None if found is None else views.decision_view(orjson.loads(found.model_dump_json()))
