"""Taking an act on codes back. With a promotion goes what it brought back to queues, where nobody has worked on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from labels.coding.coder import Coder, codes_of
from labels.events import Event
from labels.queue_again import OWN_PREFIX
from sessions import catalog
from sessions.store import Store

#: Tables with rows of a queue -> the column that names it.
_TABLES = {"queue_lease": "queue", "queue_item": "queue", "queue_run": "queue", "queue_codebook": "queue",
           "queue": "id"}  # fmt: skip


@dataclass(slots=True)
class Step:
    """An act that was taken back, or done again. name: of the code it was about. gone: names of queues that went with
    it; stay: of those in which somebody has worked since, or is working."""

    event: Event
    name: str
    gone: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)

    @property
    def op(self) -> str:
        return str(self.event.data["said"]["op"])


def undo(coder: Coder) -> Step | None:
    """Take this person's last act back; None if nothing is left."""
    before = codes_of(coder.store)
    event = coder.undo()
    if event is None:
        return None
    said = event.data["said"]
    found = Step(event, _name(said, {code.id: code.name for code in before.codes.values()}))
    if said["op"] == "promote":
        _take_back(coder.store, f"{said['mode']}@{said['codebook']['id']} is new: ", found)
    return found


def redo(coder: Coder) -> Step | None:
    """Do what was last taken back again; None if there is nothing."""
    event = coder.redo()
    if event is None:
        return None
    names = {code.id: code.name for code in codes_of(coder.store).codes.values()}
    return Step(event, _name(event.data["said"], names))


def _name(said: dict[str, object], names: dict[str, str]) -> str:
    """What the code that an act was about is called; for a merge, the one that the others became part of."""
    key = said["into"] if said["op"] == "merge" else said["code"]
    return names.get(str(key)) or str(said.get("name") or key)


def _take_back(store: Store, reason: str, found: Step) -> None:
    """Take the marks with this beginning of a reason away, and the queues that were made for them."""
    marks = [row for row in store.query("SELECT run, chunk, at, reason FROM queue_again") if row[3].startswith(reason)]
    mine = {(str(run), str(chunk)): _worked(store, str(run), str(chunk), at) for run, chunk, at, _ in marks}
    items: dict[tuple[str, str], list[tuple[str, str]]] = {}
    sql = (
        "SELECT q.id, q.name, i.run, i.chunk FROM queue_item i JOIN queue q ON q.id = i.queue"
        " JOIN queue_again g ON g.run = i.run AND g.chunk = i.chunk"
    )
    for queue, name, run, chunk in store.query(sql):
        if (run, chunk) in mine:
            items.setdefault((str(queue), str(name)), []).append((str(run), str(chunk)))
    with store.write() as tx:
        for (queue, name), places in items.items():
            number = tx.execute("SELECT count(*) FROM queue_item WHERE queue = ?", [queue])[0][0]
            made_for_it = name.startswith(OWN_PREFIX) and number == len(places)
            leased = tx.execute("SELECT 1 FROM queue_lease WHERE queue = ? AND until_wall > ?", [queue, time.time()])
            if made_for_it and (leased or any(mine[place] for place in places)):
                found.stay.append(name)
                continue
            for place in places:
                if not mine[place]:
                    tx.execute("DELETE FROM queue_again WHERE run = ? AND chunk = ?", place)
            if made_for_it:
                found.gone.append(name)
                for table, column in _TABLES.items():
                    tx.execute(f"DELETE FROM {table} WHERE {column} = ?", [queue])


def _worked(store: Store, run: str, chunk: str, since: str) -> bool:
    """Whether anybody has said anything of a chunk since."""
    ids = catalog.ids_of(store, run)
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT 1 FROM event WHERE run IN ({marks}) AND chunk = ? AND at >= ? LIMIT 1"
    return store.one(sql, [*ids, chunk, since]) is not None
