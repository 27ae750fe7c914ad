"""From a file to the store: reads a file's runs as a stream and writes them batch by batch.

The first batch is small and committed at once, so that a reader's first chunk is on the screen while the rest is
still coming. A run is `importing` until its last step is in; one that was interrupted starts over next time. What
reads the file can be another process (`sessions.ahead`); a thread made an import a fifth slower, because both wait
for Python's lock at every row.

Two programs may import one file at once: each writes a run of its own, and the one that ends second finds that its
content is there and joins the other. Who is importing is noted in `meta`, so that only what was interrupted is removed.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sessions import catalog
from sessions.errors import UserError
from sessions.identity import Identity
from sessions.jsontext import dumps, loads, mend
from sessions.keys import base_key, path_text
from sessions.readers import read
from sessions.run import Facts, Header, Problem, Record, Step, apply_facts
from sessions.store import Store, Transaction
from sessions.writing import Batch, StepRows, remove_rows

FIRST_BATCH = 40
BATCH_STEPS = 500
BATCH_CHARS = 2_000_000
#: Problems kept per file; a file with more is garbage, and the count still tells.
MAX_PROBLEMS = 1000

_STEP_IDS = "SELECT id FROM step WHERE k BETWEEN ? AND ? ORDER BY k"

Outcome = Literal["new", "known", "updated", "linked"]


@dataclass
class Imported:
    """One run of an imported file. outcome: `new`; `known` (this very file was here before); `updated` (the file
    has grown since); `linked` (the same content is here already, from another file or format)."""

    run: str
    format: str
    title: str
    steps: int
    outcome: Outcome


@dataclass
class ImportReport:
    """What came of one file. problem_count may exceed len(problems), which stops at MAX_PROBLEMS."""

    path: str
    runs: list[Imported] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0


@dataclass
class Watch:
    """How an import reports while it runs, and how it is stopped. Called in the importing thread.

    started(run id): a run's first steps can be read. progress(run id, steps so far): after each batch.
    cancelled(): asked after each batch; True ends the import, leaving what was read to be imported again.
    """

    started: Callable[[str], None] = lambda run: None
    progress: Callable[[str, int], None] = lambda run, steps: None
    cancelled: Callable[[], bool] = lambda: False


class Cancelled(Exception):
    """The import was stopped on request."""


def import_file(
    store: Store,
    path: Path,
    format: str | None = None,
    watch: Watch | None = None,
    records: Iterable[Record] | None = None,
) -> ImportReport:
    """Read all runs of a file into the store. A file that has not changed since is not read again.

    records: what the file holds, where something else reads it (`sessions.ahead`).
    Raises UserError if the file cannot be opened or is in no known format; whatever is wrong inside it is in the
    report's problems. Raises Cancelled when `watch.cancelled` says so.
    """
    watch = watch or Watch()
    report = ImportReport(path_text(path))
    if known := catalog.known_runs(store, path, format):
        report.runs = [Imported(run.id, run.format, run.title, run.steps, "known") for run in known]
        report.problems = _stored_problems(store, report.path)
        report.problem_count = len(report.problems)
        return report
    status = path.stat() if path.exists() else None
    stamp = (status.st_size, status.st_mtime_ns) if status else (0, 0)
    importer = _FileImport(store, report, watch, stamp)
    try:
        for record in read(path, format) if records is None else records:
            importer.take(record)
        importer.finish()
    except BaseException:
        importer.abandon()
        raise
    return report


def _stored_problems(store: Store, name: str) -> list[Problem]:
    rows = store.query("SELECT path, line, reason FROM problem WHERE path = ?", [name])
    return [Problem(*row) for row in rows]


class _FileImport:
    """The runs of one file on their way into the store."""

    def __init__(
        self,
        store: Store,
        report: ImportReport,
        watch: Watch,
        stamp: tuple[int, int],
    ) -> None:
        self.store, self.report, self.watch, self.stamp = store, report, watch, stamp
        self.run: RunWriter | None = None
        self.last_item = -1

    def take(self, record: Record) -> None:
        if isinstance(record, Step):
            assert self.run is not None, "a reader must yield a Header first"
            self.run.add(record)
        elif isinstance(record, Header):
            self._close_run()
            self.last_item = max(self.last_item, record.item)
            self.run = RunWriter(self.store, record, self.report.path, self.watch)
        elif isinstance(record, Facts):
            assert self.run is not None, "a reader must yield a Header first"
            apply_facts(self.run.header, record)
        else:
            self.report.problem_count += 1
            if len(self.report.problems) < MAX_PROBLEMS:
                self.report.problems.append(Problem(mend(record.path), record.line, mend(record.reason)))

    def abandon(self) -> None:
        """The import ends early: whoever comes next may remove what is there of the run."""
        if self.run is not None:
            self.run.abandon()

    def finish(self) -> None:
        if self.run is not None and not self.run.count and not self.report.runs and self.report.problem_count:
            self.run.discard()  # nothing could be read of it: its problems are all that there is to say
            self.run = None
        self._close_run()
        with self.store.write("NORMAL") as tx:
            tx.execute("DELETE FROM problem WHERE path = ?", [self.report.path])
            tx.execute("DELETE FROM source WHERE path = ? AND item > ?", [self.report.path, self.last_item])
            tx.many(
                "INSERT INTO problem VALUES (?, ?, ?)",
                [(self.report.path, problem.line, problem.reason) for problem in self.report.problems],
            )
            for imported in self.report.runs:
                tx.execute("UPDATE run SET problems = ? WHERE id = ?", [self.report.problem_count, imported.run])

    def _close_run(self) -> None:
        if self.run is not None:
            self.report.runs.append(self.run.close(self.stamp))
            self.run = None


class RunWriter:
    """Writes one run: add its steps in order, then close."""

    def __init__(self, store: Store, header: Header, path: str, watch: Watch) -> None:
        self.store, self.header, self.path, self.watch = store, header, path, watch
        self.id = uuid.uuid4().hex
        self._pending_chars = 0
        self._limit = FIRST_BATCH
        with store.write("NORMAL") as tx:
            self.no = self._open(tx)
        self.base = base_key(self.no)
        self.identity = Identity()
        self._rows = StepRows(self.no, self.identity)

    def _interrupted(self, tx: Transaction) -> list[tuple[int, str, int]]:
        """(no, id, steps) of the runs that imports of the same file have left unfinished and nobody works on."""
        rows = tx.execute(
            "SELECT r.no, r.id, r.steps, m.value FROM run r LEFT JOIN meta m ON m.name = 'importing ' || r.id"
            " WHERE r.path = ? AND r.item = ? AND r.state = 'importing' AND r.id <> ?",
            [self.path, self.header.item, self.id],
        )
        return [(no, run, steps) for no, run, steps, importer in rows if not _is_running(importer)]

    def _open(self, tx: Transaction) -> int:
        """Insert the run's row, and remove what an interrupted import of the same file left behind."""
        for no, run, _ in self._interrupted(tx):
            if not tx.execute("SELECT 1 FROM event WHERE run = ? LIMIT 1", [run]):
                remove_rows(tx, no)
                _forget_importer(tx, run)
        tx.execute("INSERT INTO meta VALUES (?, ?)", [f"importing {self.id}", _me()])
        rows = tx.execute(
            "INSERT INTO run (id, state, format, title, added_at, path, item, files, facts, actors, steps, chars,"
            " errors, problems, indexed, archived) VALUES (?, 'importing', ?, ?, ?, ?, ?, '[]', '{}', '[]', 0, 0, 0,"
            " 0, 0, 0) RETURNING no",
            [self.id, self.header.format, mend(self.header.title), _now(), self.path, self.header.item],
        )
        return int(rows[0][0])

    def abandon(self) -> None:
        """Note that this import goes no further. Its rows stay readable until the file is imported again."""
        try:
            with self.store.write("NORMAL") as tx:
                _forget_importer(tx, self.id)
        except UserError:  # most likely what ended the import: then the note stays until this process ends
            return

    def discard(self) -> None:
        """Leave nothing of the run."""
        with self.store.write("NORMAL") as tx:
            remove_rows(tx, self.no)
            _forget_importer(tx, self.id)

    @property
    def count(self) -> int:
        return self._rows.count

    def add(self, step: Step) -> None:
        self._pending_chars += self._rows.add(step)
        if len(self._rows.batch.steps) >= self._limit or self._pending_chars > BATCH_CHARS:
            self.flush()

    def flush(self) -> None:
        """Commit what has come so far."""
        first = self._limit == FIRST_BATCH
        self._commit(self._rows.take(), self._row())
        self._pending_chars = 0
        self._limit = BATCH_STEPS
        if first:
            self.watch.started(self.id)
        self.watch.progress(self.id, self.count)
        if self.watch.cancelled():
            raise Cancelled

    def _commit(self, batch: Batch, row: list[Any]) -> None:
        with self.store.write("NORMAL") as tx:
            batch.insert(tx)
            tx.execute(
                "UPDATE run SET title = ?, task = ?, system = ?, model = ?, native_id = ?, started_at = ?, files = ?,"
                " facts = ?, actors = ?, steps = ?, chars = ?, errors = ? WHERE no = ?",
                row,
            )

    def _row(self) -> list[Any]:
        header, rows = self.header, self._rows
        return [
            *mend([header.title, header.task, header.system, header.model, header.native_id, header.started_at]),
            dumps(header.files), dumps(header.facts), dumps(list(rows.actors)), rows.count, rows.chars, rows.errors,
            self.no,
        ]  # fmt: skip

    def close(self, stamp: tuple[int, int]) -> Imported:
        """The run is whole: give it its content id, and join it with what is known of it already.

        stamp: size and mtime_ns of the file, by which it is recognised next time.
        """
        self.flush()
        content = self.identity.content_id()
        with self.store.write("NORMAL") as tx:
            final, outcome = self._settle(tx, content, stamp)
            self._take_over(tx, final)
            _forget_importer(tx, self.id)
            tx.execute("DELETE FROM source WHERE path = ? AND item = ?", [self.path, self.header.item])
            tx.execute(
                "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?)",
                [self.path, self.header.item, final, *stamp, self.header.format],
            )
        return Imported(final, self.header.format, self.header.title, self.count, outcome)

    def _take_over(self, tx: Transaction, final: str) -> None:
        """What was decided while an interrupted import of this file could be read is said of this run now."""
        whole = base_key(tx.execute("SELECT no FROM run WHERE id = ?", [final])[0][0])
        for no, run, steps in self._interrupted(tx):
            begun = base_key(no)
            ids = tx.execute(_STEP_IDS, [begun, begun + steps - 1])
            if ids == tx.execute(_STEP_IDS, [whole, whole + steps - 1]):
                remove_rows(tx, no)
                _forget_importer(tx, run)
                tx.execute("INSERT INTO run_alias VALUES (?, ?)", [run, final])

    def _settle(self, tx: Transaction, content: str, stamp: tuple[int, int]) -> tuple[str, Outcome]:
        if self.count:
            same = tx.execute(
                "SELECT id FROM run WHERE content_id = ? AND state = 'complete' ORDER BY no LIMIT 1", [content]
            )
            if same and not self._rewritten(tx, same[0][0], stamp):
                self._add_reference(tx, same[0][0])
                remove_rows(tx, self.no)
                tx.execute("INSERT INTO run_alias VALUES (?, ?)", [self.id, same[0][0]])
                return str(same[0][0]), "linked"
        if self.header.reference is not None:
            tx.execute("INSERT INTO reference VALUES (?, ?)", [self.no, dumps(self.header.reference)])
        tx.execute("UPDATE run SET content_id = ?, state = 'complete' WHERE no = ?", [content, self.no])
        before = self._grown_from(tx)
        if before is None:
            return self._come_back(tx, content), "new"
        remove_rows(tx, before[0])
        tx.execute("UPDATE run SET id = ? WHERE no = ?", [before[1], self.no])
        # A copy that has not grown holds another run now: it is read anew when somebody opens it.
        tx.execute(
            "DELETE FROM source WHERE run = ? AND NOT (path = ? AND item = ?)", [before[1], self.path, self.header.item]
        )
        tx.execute("INSERT INTO run_alias VALUES (?, ?)", [self.id, before[1]])
        return before[1], "updated"

    def _come_back(self, tx: Transaction, content: str) -> str:
        """The run's id. One that was deleted and is imported again gets its old id back, and with it its decisions."""
        rows = tx.execute(
            "SELECT run FROM event WHERE content_id = ? AND run NOT IN (SELECT id FROM run)"
            " AND run NOT IN (SELECT alias FROM run_alias) ORDER BY origin, seq LIMIT 1",
            [content],
        )
        if not rows or not self.count:
            return self.id
        tx.execute("UPDATE run SET id = ? WHERE no = ?", [rows[0][0], self.no])
        tx.execute("INSERT INTO run_alias VALUES (?, ?)", [self.id, rows[0][0]])
        return str(rows[0][0])

    def _rewritten(self, tx: Transaction, run: str, stamp: tuple[int, int]) -> bool:
        """Whether that run came from this very file, written anew since: its records may lie elsewhere in it now."""
        rows = tx.execute(
            "SELECT s.size, s.mtime_ns FROM source s JOIN run r ON r.id = s.run AND r.path = s.path AND r.item = s.item"
            " WHERE s.path = ? AND s.item = ? AND s.run = ?",
            [self.path, self.header.item, run],
        )
        return bool(rows) and rows[0] != stamp

    def _add_reference(self, tx: Transaction, run: str) -> None:
        """What this source knows of the answer and the run's first source did not say."""
        if self.header.reference is None:
            return
        no = tx.execute("SELECT no FROM run WHERE id = ?", [run])[0][0]
        kept = tx.execute("SELECT data FROM reference WHERE run = ?", [no])
        merged = {**self.header.reference, **(loads(kept[0][0]) if kept else {})}
        tx.execute("DELETE FROM reference WHERE run = ?", [no])
        tx.execute("INSERT INTO reference VALUES (?, ?)", [no, dumps(merged)])

    def _grown_from(self, tx: Transaction) -> tuple[int, str] | None:
        """The run that this file held before, if this one only adds to it (its last step may have been unfinished)."""
        rows = tx.execute(
            "SELECT r.no, r.id, r.steps FROM source s JOIN run r ON r.id = s.run WHERE s.path = ? AND s.item = ?",
            [self.path, self.header.item],
        )
        if not rows or rows[0][2] > self.count:
            return None
        old_no, old_id, old_steps = rows[0]
        sure = old_steps - 1 if old_steps > 1 else old_steps
        before = tx.execute(_STEP_IDS, [base_key(old_no), base_key(old_no) + sure - 1])
        return (old_no, str(old_id)) if before == tx.execute(_STEP_IDS, [self.base, self.base + sure - 1]) else None


def _me() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def _is_running(importer: str | None) -> bool:
    """Whether the process that noted itself as a run's importer is still there. One on another machine cannot be
    seen, and is taken to be gone: WAL databases are not shared between machines."""
    host, _, pid = (importer or "").rpartition(" ")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _forget_importer(tx: Transaction, run: str) -> None:
    tx.execute("DELETE FROM meta WHERE name = ?", [f"importing {run}"])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
