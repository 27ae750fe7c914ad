"""A followed run in the store: rows are written only where the file has changed.

A run that is followed is `importing`, so nobody takes it for whole. When its file has been quiet for a while it is
complete, for as long as that lasts, as if it had been imported. Its steps keep their places while the file only grows;
where a file is read anew, what it says is compared with what is stored, and only from the first difference on is it
written. Settled steps that differ mean another run (`Diverged`).
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import ChainMap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.identity import Identity
from sessions.ingest import BATCH_CHARS, BATCH_STEPS, FIRST_BATCH, MAX_PROBLEMS
from sessions.jsontext import dumps, mend
from sessions.keys import base_key
from sessions.live.process import process
from sessions.run import Header, Problem, Step
from sessions.store import Row, Store, Transaction
from sessions.writing import Batch, StepRows, remove_rows

_COMPARED = 1000
_TABLES = (("words", "rowid"), ("step", "k"), ("body", "k"), ("raw", "k"))


class Diverged(Exception):
    """The file tells another run than the one that is stored."""


class Gone(Exception):
    """The run's rows are not there any more: it was deleted, or another program has read the file meanwhile."""


class _Layer(set[bytes]):
    """A set that has another one's members too, and adds none to it."""

    def __init__(self, below: set[bytes]) -> None:
        super().__init__()
        self._below = below

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._below


class Branching(Identity):
    """Names the steps of a run, and for the unsettled ones behind them branches off: what is named there is forgotten
    with the branch."""

    def branch(self) -> Branching:
        copy = Branching()
        copy._once = _Layer(self._once)
        copy._again = ChainMap({}, self._again)  # type: ignore[assignment]
        copy._run = self._run.copy()
        return copy


class FollowedRun:
    """One run on its way into the store. Add settled steps in order, then `show` with the unsettled ones.

    id: of the run. session: the source's own name of the stored run that the file may go on with. count: steps stored,
    unsettled ones included. settled: steps that are certain. changed_from: index of the first step that the last `show`
    has changed; `count` if none.
    """

    def __init__(self, store: Store, header: Header, path: str, known: RunInfo | None = None, sure: int = 0) -> None:
        """known: the stored run that the file may go on with; sure: how many of its steps must be the same then."""
        self.store, self.header, self.path = store, header, path
        self.id = known.id if known else uuid.uuid4().hex
        self.session = known.native_id if known else None
        self.no = known.no if known else self._insert()
        self.base = base_key(self.no)
        self.identity = Branching()
        self.settled = self.changed_from = 0
        self.count = known.steps if known else 0
        self._complete = known is not None and known.complete
        self._noted = known is None  # as being read by this process
        self._sure = sure
        self._rows = StepRows(self.no, self.identity)
        #: Steps before this index are settled and stored; `_tail` tells what is stored from there on.
        self._kept = 0
        self._tail: list[Row] = []
        #: While the file is read anew: what is stored, ahead of the step that is compared next.
        self._comparing = known is not None
        self._stored: list[Row] = []
        self._fixes: list[Row] = []
        self._chars = 0
        self._limit = FIRST_BATCH

    def _insert(self) -> int:
        with self.store.write("NORMAL") as tx:
            tx.execute("INSERT INTO meta VALUES (?, ?)", [f"importing {self.id}", _me()])
            found = tx.execute(
                "INSERT INTO run (id, state, format, title, added_at, path, item, files, facts, actors, steps, chars,"
                " errors, problems, indexed, archived) VALUES (?, 'importing', ?, ?, ?, ?, ?, '[]', '{}', '[]', 0, 0,"
                " 0, 0, 0, 0) RETURNING no",
                [self.id, self.header.format, mend(self.header.title), _now(), self.path, self.header.item],
            )
        return int(found[0][0])

    @property
    def complete(self) -> bool:
        """Whether the run is stored as one that is whole."""
        return self._complete

    # -- steps ------------------------------------------------------------------------------------------------------

    def add(self, step: Step) -> bool:
        """A settled step; True if a batch was written. Raises Diverged, Gone."""
        self._chars += self._rows.add(step)
        if self._comparing:
            self._compare()
        self.settled += 1
        if self._comparing or (len(self._rows.batch.steps) < self._limit and self._chars <= BATCH_CHARS):
            return False
        return self.show(())

    def show(self, pending: Sequence[Step]) -> bool:
        """Write what has come, with the unsettled steps behind it instead of those before. False if nothing differs.

        Raises Gone."""
        branch = StepRows(
            self.no, self.identity.branch(), count=self._rows.count, chars=self._rows.chars, errors=self._rows.errors,
            actors=self._rows.actors,
        )  # fmt: skip
        for step in pending:
            branch.add(step)
        if self._comparing:
            if branch.count < self.count:  # just being written anew, or cut off
                self._refuse_others(pending)
                return False
            self._tail = [row[1:] for row in self._read(self._kept)]
        batch, self._limit, self._chars = self._rows.take(), BATCH_STEPS, 0
        rows = [*_paired(batch), *_paired(branch.batch)]
        signs = [_sign(*row) for row in rows]
        same = next((place for place, pair in enumerate(zip(self._tail, signs, strict=False)) if pair[0] != pair[1]),
                    min(len(self._tail), len(signs)))  # fmt: skip
        self.changed_from = self._kept + same
        moved = same < len(rows) or branch.count != self.count
        if moved or self._fixes:
            self._write(self.changed_from, rows[same:], [*batch.raws, *branch.batch.raws], branch)
        self._comparing = False
        self._tail = signs[self.settled - self._kept :]
        self._kept, self.count = self.settled, branch.count
        return moved

    def _compare(self) -> None:
        """Drop a step's row if it is stored just so. The first that is not ends the comparing, or means another run."""
        if self.settled >= self.count:
            self._comparing = False
            return
        if not self._stored:
            self._stored = self._read(self.settled)
            if not self._stored:
                raise Gone
        step, body = self._rows.batch.steps[-1], self._rows.batch.bodies[-1]
        _, *stored = self._stored.pop(0)
        if stored[0] != step[1]:
            if self.settled < self._sure:
                raise Diverged
            self._comparing = False
            return
        if tuple(stored) != _sign(step, body):
            self._fixes.append((*_sign(step, body)[1:], step[0]))
        self._rows.take()
        self._kept, self._chars = self.settled + 1, 0

    def _refuse_others(self, pending: Sequence[Step]) -> None:
        """Unsettled steps at the end of a file that is shorter than what is stored: each must be on its way to the
        stored one. Raises Diverged."""
        for index, step in enumerate(pending, self.settled):
            if index < self._sure and not _on_its_way(step, catalog.step(self.store, self.no, index).step):
                raise Diverged

    def _read(self, first: int) -> list[Row]:
        """What is stored of the steps from an index on: the key, and what `_sign` gives."""
        sql = (
            "SELECT s.k, s.id, s.flags, s.role, s.depth, s.stage, b.parts FROM step s JOIN body b ON b.k = s.k"
            " WHERE s.k BETWEEN ? AND ? ORDER BY s.k"
        )
        low = self.base + first
        found = self.store.query(sql, [low, min(low + _COMPARED, self.base + self.count) - 1])
        return [(*row[:-1], bytes(row[-1])) for row in found]

    # -- rows -------------------------------------------------------------------------------------------------------

    def _write(self, first: int, new: Sequence[tuple[Row, Row]], raws: Iterable[Row], made: StepRows) -> None:
        low = self.base + first
        with self.store.write("NORMAL", eager=True) as tx:
            self._check(tx)
            for table, key in _TABLES if self.count > first else ():
                tx.execute(f"DELETE FROM {table} WHERE {key} BETWEEN ? AND ?", [low, self.base + self.count])
            for flags, role, depth, stage, parts, k in self._fixes:
                tx.execute(
                    "UPDATE step SET flags = ?, role = ?, depth = ?, stage = ? WHERE k = ?",
                    [flags, role, depth, stage, k],
                )
                tx.execute("UPDATE body SET parts = ? WHERE k = ?", [parts, k])
            self._fixes = []
            Batch([step for step, _ in new], [body for _, body in new], [row for row in raws if row[0] >= low]).insert(
                tx
            )
            self._set_row(tx, made, first)

    def _check(self, tx: Transaction) -> None:
        """The run is still ours to write, and no longer complete."""
        if tx.execute("SELECT id FROM run WHERE no = ?", [self.no]) != [(self.id,)]:
            raise Gone
        if not self._noted:
            tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {self.id}"])
            tx.execute("INSERT INTO meta VALUES (?, ?)", [f"importing {self.id}", _me()])
            self._noted = True
        self._complete = False

    def _set_row(self, tx: Transaction, made: StepRows, first: int) -> None:
        header = self.header
        texts = mend([header.title, header.task, header.system, header.model, header.native_id, header.started_at])
        tx.execute(
            "UPDATE run SET state = 'importing', content_id = NULL, title = ?, task = ?, system = ?, model = ?,"
            " native_id = ?, started_at = ?, files = ?, facts = ?, actors = ?, steps = ?, chars = ?, errors = ?,"
            " indexed = CASE WHEN indexed > ? THEN ? ELSE indexed END,"
            " archived = CASE WHEN archived > ? THEN ? ELSE archived END WHERE no = ?",
            [
                *texts, dumps(header.files), dumps(header.facts), dumps(list(made.actors)), made.count, made.chars,
                made.errors, first, first, first, first, self.no,
            ],
        )  # fmt: skip

    # -- rest -------------------------------------------------------------------------------------------------------

    def rest(self, pending: Sequence[Step], stamp: tuple[int, int], problems: Sequence[Problem]) -> str:
        """The file is quiet: the run is complete as it is. Its id now: one that is stored from elsewhere with the same
        content takes it over.

        pending: the unsettled steps that were shown last. stamp: size and mtime_ns of the file.
        """
        branch = self.identity.branch()
        for step in pending:
            branch.step_id(step)
        less = self._comparing  # the file holds less than what is stored: it is not what the run came from any more
        content = self._stored_content() if less else branch.content_id()
        with self.store.write("NORMAL") as tx:
            if tx.execute("SELECT id FROM run WHERE no = ?", [self.no]) != [(self.id,)]:
                raise Gone
            self._join(tx, content)
            if self.header.reference is not None:
                tx.execute("DELETE FROM reference WHERE run = ?", [self.no])
                tx.execute("INSERT INTO reference VALUES (?, ?)", [self.no, dumps(self.header.reference)])
            tx.execute("UPDATE run SET state = 'complete', content_id = ? WHERE no = ?", [content, self.no])
            tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {self.id}"])
            self._complete, self._noted = True, False
            if less:
                return self.id
            place = [self.path, self.header.item]
            # A copy elsewhere that has not grown holds another run now: it is read anew when somebody opens it.
            tx.execute("DELETE FROM source WHERE (path = ? AND item = ?) OR run = ?", [*place, self.id])
            tx.execute("INSERT INTO source VALUES (?, ?, ?, ?, ?, ?)", [*place, self.id, *stamp, self.header.format])
            _keep_problems(tx, self.path, self.no, problems)
        return self.id

    def _stored_content(self) -> str:
        identity = Identity()
        for stored in catalog.steps(self.store, self.no):
            identity.step_id(stored.step)
        return identity.content_id()

    def _join(self, tx: Transaction, content: str) -> None:
        """If the same content is here as another run, go on with that one."""
        same = tx.execute(
            "SELECT no, id FROM run WHERE content_id = ? AND state = 'complete' AND no <> ? ORDER BY no LIMIT 1",
            [content, self.no],
        )
        if not same or not self.count:
            return
        remove_rows(tx, self.no)
        tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {self.id}"])
        tx.execute("UPDATE run_alias SET run = ? WHERE run = ?", [same[0][1], self.id])
        tx.execute("INSERT INTO run_alias VALUES (?, ?)", [self.id, same[0][1]])
        self.no, self.id = same[0]
        self.base = base_key(self.no)
        self._rows.base = self.base
        self._tail = []  # rows of the other number: the next `show` writes them again

    def replace(self, other: FollowedRun) -> None:
        """The file was read anew under a number of its own, and is still the run `other`: take over its id."""
        with self.store.write("NORMAL") as tx:
            if tx.execute("SELECT id FROM run WHERE no = ?", [other.no]) != [(other.id,)]:
                return
            remove_rows(tx, other.no)
            tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {other.id}"])
            tx.execute("UPDATE meta SET name = ? WHERE name = ?", [f"importing {other.id}", f"importing {self.id}"])
            tx.execute("UPDATE run SET id = ? WHERE no = ?", [other.id, self.no])
            tx.execute("INSERT INTO run_alias VALUES (?, ?)", [self.id, other.id])
        self.id = other.id

    def abandon(self) -> None:
        """The following ends here without `rest`: whoever comes next may import the file."""
        with self.store.write("NORMAL") as tx:
            tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {self.id}"])


def known_run(store: Store, path: str, item: int) -> RunInfo | None:
    """The stored run that a file held when it was last read, or that a follower left behind when it was killed.

    Raises UserError if somebody follows or reads the file now.
    """
    row = store.one("SELECT run FROM source WHERE path = ? AND item = ?", [path, item])
    run = catalog.run_by_id(store, row[0]) if row else None
    if run is not None and run.complete and (run.path, run.item) == (path, item):
        return run
    begun = store.query(
        "SELECT r.id, m.value FROM run r LEFT JOIN meta m ON m.name = 'importing ' || r.id"
        " WHERE r.path = ? AND r.item = ? AND r.state = 'importing' ORDER BY r.no DESC",
        [path, item],
    )
    for _, importer in begun:
        if importer is not None and _is_running(importer):
            raise UserError(
                f"{path} is being read by another program (process {importer.rpartition(' ')[2]}).",
                "Close that station, or wait until it has read the file.",
            )
    return catalog.run_by_id(store, begun[0][0]) if begun else None


def _is_running(importer: str) -> bool:
    host, _, pid = importer.rpartition(" ")
    if host != socket.gethostname() or not pid.isdecimal() or int(pid) == os.getpid():
        return False
    return process(int(pid)) is not None


def _sign(step: Row, body: Row) -> Row:
    """What tells that a stored step is still this one: id, flags, role, depth, stage, and where its parts lie."""
    return step[1], step[4], step[3], step[5], step[7], body[2]


def _on_its_way(step: Step, whole: Step) -> bool:
    """Whether a step that is not finished may become the other one."""
    if step.actor != whole.actor or len(step.parts) > len(whole.parts):
        return False
    pairs = list(zip(step.parts, whole.parts, strict=False))
    last = len(pairs) - 1
    return all(
        mine.kind == other.kind and (other.text.startswith(mine.text) if place == last else mine.text == other.text)
        for place, (mine, other) in enumerate(pairs)
    )


def _paired(batch: Batch) -> list[tuple[Row, Row]]:
    return list(zip(batch.steps, batch.bodies, strict=True))


def _keep_problems(tx: Transaction, path: str, no: int, problems: Sequence[Problem]) -> None:
    tx.execute("DELETE FROM problem WHERE path = ?", [path])
    kept = [(path, problem.line, mend(problem.reason)) for problem in problems[:MAX_PROBLEMS]]
    tx.many("INSERT INTO problem VALUES (?, ?, ?)", kept)
    tx.execute("UPDATE run SET problems = ? WHERE no = ?", [len(problems), no])


def _me() -> str:
    """How importers note themselves (`sessions.ingest`)."""
    return f"{socket.gethostname()} {os.getpid()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
