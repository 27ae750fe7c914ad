"""What of a gold set comes from one queue, where it is limited to that: the chunks (or whole runs) that count, and how
they were drawn.

A queue by priority holds more suspected chunks than there are, so that shares of its labels are not those of the runs.
Each item keeps its kind and its weight (how many of its kind it stands for), with which they can be put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.store import Store

#: The kind of all items of a queue that knows no kinds.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Item:
    """A chunk (or whole run) of a queue. first, last: indices of its steps. kind, weight: as it was drawn. known:
    whether it was mixed in as one whose answer is known."""

    first: int
    last: int
    kind: str
    weight: float
    known: bool

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "weight": self.weight, "known": self.known}


class Queued:
    """The items of a queue, by run and chunk."""

    def __init__(self, store: Store, queue: str) -> None:
        """queue: its id."""
        self.id = queue
        self._facts = store.query(
            "SELECT scope, policy, reviewers, ordering, blind_share, repeat_share FROM queue WHERE id = ?", [queue]
        )[0]
        owner: dict[str, str] = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
        self._items: dict[str, dict[str, Item]] = {}
        sql = "SELECT run, chunk, first_index, last_index, stratum, weight, gold FROM queue_item WHERE queue = ?"
        for run, chunk, first, last, kind, weight, known in store.query(f"{sql} ORDER BY place", [queue]):
            items = self._items.setdefault(str(owner.get(run, run)), {})
            items[chunk] = Item(first, last, kind or ALL, weight, bool(known))

    @property
    def runs(self) -> set[str]:
        """Ids of the runs with items."""
        return set(self._items)

    def of(self, run: str) -> Mapping[str, Item]:
        """Chunk id -> item, of a run."""
        return self._items.get(run, {})

    def as_json(self) -> dict[str, Any]:
        """What a release says of it: nothing by which its name here, or anything else of this database, is known."""
        kinds: dict[str, dict[str, float]] = {}
        for items in self._items.values():
            for item in items.values():
                kind = kinds.setdefault(item.kind, {"items": 0, "weight": 0.0})
                kind["items"] += 1
                kind["weight"] += item.weight
        for kind in kinds.values():
            kind["weight"] = round(kind["weight"], 6)
        scope, policy, reviewers, order, blind, repeats = self._facts
        return {
            "id": self.id, "scope": scope, "chunks": policy, "reviewers": reviewers, "order": order,
            "blind_share": blind, "repeat_share": repeats, "items": sum(map(len, self._items.values())),
            "kinds": dict(sorted(kinds.items())),
        }  # fmt: skip
