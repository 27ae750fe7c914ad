"""What is done for a run after it is imported, in the background and resumable: word index, then archive.

The archive makes the store stand on its own: raw records are copied out of the source files (which get cleaned up) and
texts are compressed. Small transactions with pauses between them keep the reviewer's own writes fast: a paced bulk
writer leaves a decision at 6 ms, an unpaced one lets it wait for 300.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sessions import bodies, catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.keys import base_key
from sessions.run import Span
from sessions.store import Store

BATCH_CHARS = 1_000_000
BATCH_STEPS = 400
PAUSE_S = 0.01


def finish_run(
    store: Store, run: RunInfo, cancelled: Callable[[], bool] = lambda: False, pause_s: float = PAUSE_S
) -> None:
    """Index and archive one complete run, from where an earlier call stopped. Cheap if there is nothing to do.

    cancelled: asked between batches. pause_s: seconds to rest between batches, 0 where nobody is waiting; at most as
    long as the batch took, or ten thousand runs of a few steps would be rested after for minutes.
    """
    now = catalog.run_by_id(store, run.id)
    if now is None or not now.complete:
        return
    run = now
    for first, last in _batches(store, run, run.indexed):
        if cancelled():
            return
        began = time.monotonic()
        _index(store, run, first, last)
        time.sleep(min(pause_s, time.monotonic() - began))
    for first, last in _batches(store, run, run.archived):
        if cancelled():
            return
        began = time.monotonic()
        _archive(store, run, first, last)
        time.sleep(min(pause_s, time.monotonic() - began))


def unfinished(store: Store) -> list[RunInfo]:
    """Complete runs whose index or archive is not done."""
    return [run for run in catalog.runs(store) if run.complete and min(run.indexed, run.archived) < run.steps]


def _batches(store: Store, run: RunInfo, start: int) -> list[tuple[int, int]]:
    """(first, last) indices of batches that hold at most BATCH_STEPS steps or about BATCH_CHARS characters."""
    found: list[tuple[int, int]] = []
    chars, first = 0, start
    base = base_key(run.no)
    for k, size in store.each("SELECT k, chars FROM step WHERE k BETWEEN ? AND ? ORDER BY k", _range(run, start)):
        index = k - base
        chars += size
        if chars >= BATCH_CHARS or index - first + 1 >= BATCH_STEPS:
            found.append((first, index))
            chars, first = 0, index + 1
    if first < run.steps:
        found.append((first, run.steps - 1))
    return found


def _range(run: RunInfo, start: int) -> tuple[int, int]:
    return base_key(run.no) + start, base_key(run.no) + run.steps - 1


def _index(store: Store, run: RunInfo, first: int, last: int) -> None:
    base = base_key(run.no)
    with store.write("NORMAL") as tx:
        done = tx.execute("SELECT indexed FROM run WHERE no = ?", [run.no])
        if not done or done[0][0] != first:  # deleted meanwhile, or another process is at it
            return
        rows = tx.execute("SELECT k, codec, text FROM body WHERE k BETWEEN ? AND ?", [base + first, base + last])
        tx.many("INSERT INTO words (rowid, text) VALUES (?, ?)", [(k, bodies.text_of(c, t)) for k, c, t in rows])
        tx.execute("UPDATE run SET indexed = ? WHERE no = ?", [last + 1, run.no])


def _archive(store: Store, run: RunInfo, first: int, last: int) -> None:
    base = base_key(run.no)
    packed, raws = [], []
    readable = True
    for stored in catalog.steps(store, run.no, first, last):
        text = "\n".join([part.text for part in stored.step.parts])
        packed.append((bodies.compress(text.encode("utf-8", "surrogatepass")), base + stored.index))
        spans = [raw for raw in stored.step.raw if isinstance(raw, Span)]
        if spans and readable:
            try:
                raws.append((base + stored.index, bodies.pack_records(catalog.read_spans(store, run, spans))))
            except UserError:  # changed or gone, perhaps just now: the texts are archived without it
                readable = False
    with store.write("NORMAL") as tx:
        done = tx.execute("SELECT archived FROM run WHERE no = ?", [run.no])
        if not done or done[0][0] != first:
            return
        tx.many(f"UPDATE body SET codec = {bodies.ZLIB}, text = ? WHERE k = ? AND codec = {bodies.PLAIN}", packed)
        kept = {row[0] for row in tx.execute("SELECT k FROM raw WHERE k BETWEEN ? AND ?", [base + first, base + last])}
        tx.many("INSERT INTO raw VALUES (?, ?)", [row for row in raws if row[0] not in kept])
        tx.execute("UPDATE run SET archived = ? WHERE no = ?", [last + 1, run.no])
