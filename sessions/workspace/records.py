"""What the store says of its snapshots and restores, and how they are found."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sessions.errors import UserError
from sessions.store import Row, Transaction
from sessions.workspace import manifest
from sessions.workspace.database import SnapshotDatabase
from sessions.workspace.entries import Tree
from sessions.workspace.policy import Policy

#: Kinds of snapshots: asked for; taken before a restore; what a restore left behind.
TAKEN, BEFORE, AFTER = "taken", "before-restore", "after-restore"
#: States of a restore. `left`: it was planned, and ended before it touched anything.
PLANNED, APPLYING, DONE, LEFT = "planned", "applying", "done", "left"
_KEPT_MANIFESTS = 4


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A snapshot. files, bytes: covered by it. not_covered: reason -> number of paths (a folder counts as one).
    torn: files that went on changing while they were read. others: paths that somebody else changed since the run's
    snapshot before. open_databases: SQLite files in use then, with the signs. took_ms: how long it took."""

    no: int
    id: str
    workspace: Path
    workspace_no: int
    run: str
    key: str
    kind: str
    at: str
    manifest: int
    policy: Policy
    files: int = 0
    bytes: int = 0
    folders: int = 0
    links: int = 0
    not_covered: Mapping[str, int] = field(default_factory=dict)
    not_covered_bytes: int = 0
    torn: int = 0
    xattrs: int = 0
    read: int = 0
    new_bytes: int = 0
    took_ms: float = 0.0
    open_databases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RestoreInfo:
    """A restore. state: `planned`, `applying`, `done` or `left`. counts: action -> how many paths. kept: conflicts that
    stayed as they were. beside: written beside a conflict. failed: path -> why it could not be restored; the rest was.
    notes: what was done differently from asked. problem: why it could not be finished yet, "" if it was."""

    no: int
    id: str
    workspace: Path
    workspace_no: int
    run: str
    target: str
    before: str
    after: str | None
    state: str
    at: str
    undoes: str | None = None
    undone_by: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    kept: Sequence[str] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    took_ms: float = 0.0
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was done."""
        return self.state == DONE and not self.failed


class Keeping(NamedTuple):
    """How entries are kept: as the manifest `same` that is there already, or as `data`, a difference if `base` is
    given."""

    same: int | None
    base: int | None
    data: bytes


#: What of a snapshot is kept as facts: everything that is not a column.
_FACTS = ("files", "bytes", "folders", "links", "not_covered", "not_covered_bytes", "torn", "xattrs", "read",
          "new_bytes", "took_ms", "open_databases")  # fmt: skip
_RESULT = ("counts", "bytes", "kept", "beside", "failed", "notes", "took_ms")

_SNAPSHOTS = (
    "SELECT s.no, s.id, w.path, w.no, s.run, s.key, s.kind, s.at, s.manifest, s.policy, s.facts, s.others "
    "FROM snapshot s JOIN workspace w ON w.no = s.workspace"
)
_RESTORES = (
    "SELECT r.no, r.id, w.path, w.no, r.run, t.id, b.id, a.id, r.state, r.at, r.undoes, r.undone_by, r.result "
    "FROM restore r JOIN workspace w ON w.no = r.workspace LEFT JOIN snapshot t ON t.no = r.target "
    "LEFT JOIN snapshot b ON b.no = r.before LEFT JOIN snapshot a ON a.no = r.after"
)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id() -> str:
    return os.urandom(16).hex()


def joined(paths: frozenset[str]) -> bytes:
    """Paths as bytes that keep every name; the workspace itself, "", is not among them."""
    return os.fsencode("\0".join(sorted(paths - {""})))


def split(data: bytes) -> frozenset[str]:
    return frozenset(os.fsdecode(bytes(data)).split("\0")) - {""}


class Records:
    """Snapshots, restores and lists of files in a store's database."""

    def __init__(self, database: SnapshotDatabase) -> None:
        self.database = database
        self._manifests: dict[int, Tree] = {}

    # -- workspaces and runs ------------------------------------------------------------------------------------------

    def workspace(self, path: Path) -> int:
        """The number of a workspace, which it gets when it is first seen."""
        key = os.fsencode(path)
        row = self.database.one("SELECT no FROM workspace WHERE path = ?", [key])
        if row is None:
            with self.database.write() as tx:
                tx.execute("INSERT INTO workspace (path) VALUES (?) ON CONFLICT (path) DO NOTHING", [key])
            row = self.database.one("SELECT no FROM workspace WHERE path = ?", [key])
        assert row is not None
        return int(row[0])

    def pin(self, run: str, pinned: bool) -> None:
        """Say whether a run is unfinished. Raises UserError for a run without snapshots."""
        with self.database.write() as tx:
            if not tx.execute("UPDATE run SET pinned = ? WHERE id = ? RETURNING id", [int(pinned), run]):
                raise UserError(f"no snapshot belongs to a run {run!r}.", "`review-tui workspace list` shows the runs.")

    def pinned(self) -> frozenset[str]:
        return frozenset(row[0] for row in self.database.query("SELECT id FROM run WHERE pinned = 1"))

    # -- snapshots
    # ------------------------------------------------------------------------------------------------------

    def snapshots(self, workspace: Path | None = None, run: str | None = None) -> list[SnapshotInfo]:
        """All snapshots, or those of a workspace or run, oldest first."""
        where, values = [], []
        if workspace is not None:
            where.append("w.path = ?")
            values.append(os.fsencode(workspace))
        if run is not None:
            where.append("s.run = ?")
            values.append(run)  # type: ignore[arg-type]
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        return [_snapshot(row) for row in self.database.query(f"{_SNAPSHOTS}{condition} ORDER BY s.no", values)]

    def snapshot(self, text: str) -> SnapshotInfo:
        """A snapshot by its id, or by a beginning of it that no other has. Raises UserError."""
        row = _only(self.database, _SNAPSHOTS, "s", text, "snapshot")
        return _snapshot(row)

    def latest(self, run: str, workspace: int, key: str | None = None) -> SnapshotInfo | None:
        """The newest snapshot of a run in a workspace that shows the run's own work (or a restore's)."""
        sql = f"{_SNAPSHOTS} WHERE s.run = ? AND s.workspace = ? AND s.kind <> ?"
        values: list[Any] = [run, workspace, BEFORE]
        if key is not None:
            sql, values = f"{sql} AND s.key = ?", [*values, key]
        row = self.database.one(f"{sql} ORDER BY s.no DESC LIMIT 1", values)
        return _snapshot(row) if row else None

    def since(self, info: SnapshotInfo, runs: Sequence[str]) -> list[SnapshotInfo]:
        """Later snapshots of the same workspace that show the work of the same run, or of `runs`, oldest first."""
        known = sorted({info.run, *runs})
        marks = ",".join("?" * len(known))
        sql = f"{_SNAPSHOTS} WHERE s.workspace = ? AND s.no > ? AND s.kind <> ? AND s.run IN ({marks}) ORDER BY s.no"
        return [_snapshot(row) for row in self.database.query(sql, [info.workspace_no, info.no, BEFORE, *known])]

    def add_snapshot(self, tx: Transaction, info: SnapshotInfo) -> SnapshotInfo:
        """Write a snapshot's row; its number is filled in."""
        facts = {name: getattr(info, name) for name in _FACTS}
        values = [
            info.id, info.workspace_no, info.run, info.key, info.kind, info.manifest, info.at, _json(facts),
            _json(info.policy.as_dict()), joined(info.others),
        ]  # fmt: skip
        row = tx.execute(
            "INSERT INTO snapshot (id, workspace, run, key, kind, manifest, at, facts, policy, others) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING no",
            values,
        )
        return replace(info, no=row[0][0])

    # -- lists of files
    # ---------------------------------------------------------------------------------------------------

    def entries(self, no: int) -> Tree:
        """The entries of a manifest; not to be changed. Raises UserError if it is damaged."""
        if no not in self._manifests:
            row = self.database.one("SELECT base, data FROM manifest WHERE no = ?", [no])
            if row is None:
                raise UserError("the list of files of that snapshot is gone.", "It was removed; take another one.")
            found = manifest.decode(bytes(row[1]))
            if row[0] is not None:
                found = manifest.patched(self.entries(row[0]), found)
            while len(self._manifests) >= _KEPT_MANIFESTS:
                del self._manifests[next(iter(self._manifests))]
            self._manifests[no] = found
        return self._manifests[no]

    def forget(self) -> None:
        """Drop what was read: lists of files were removed."""
        self._manifests.clear()

    def keeping(self, entries: Tree, like: int | None) -> Keeping:
        """How to keep these entries. like: an earlier manifest that may be similar."""
        if like is None:
            return Keeping(None, None, manifest.encode(entries))
        if entries == self.entries(like):
            return Keeping(like, None, b"")
        row = self.database.one("SELECT base FROM manifest WHERE no = ?", [like])
        base = like if row is None or row[0] is None else int(row[0])
        changes = manifest.difference(self.entries(base), entries)
        if len(changes) > len(entries) * manifest.WORTH_WHOLE:
            return Keeping(None, None, manifest.encode(entries))
        return Keeping(None, base, manifest.encode(changes))

    def add_manifest(self, tx: Transaction, keeping: Keeping) -> int:
        if keeping.same is not None:
            return keeping.same
        sql = "INSERT INTO manifest (base, data) VALUES (?, ?) RETURNING no"
        return int(tx.execute(sql, [keeping.base, keeping.data])[0][0])

    # -- restores
    # -----------------------------------------------------------------------------------------------------------

    def restores(self, workspace: Path | None = None) -> list[RestoreInfo]:
        """All restores, oldest first."""
        values = [] if workspace is None else [os.fsencode(workspace)]
        condition = "" if workspace is None else " WHERE w.path = ?"
        return [_restore(row) for row in self.database.query(f"{_RESTORES}{condition} ORDER BY r.no", values)]

    def restore(self, text: str) -> RestoreInfo:
        """A restore by its id, or by a beginning of it that no other has. Raises UserError."""
        return _restore(_only(self.database, _RESTORES, "r", text, "restore"))

    def unfinished(self, workspace: int | None = None) -> list[RestoreInfo]:
        """Restores that are planned or being applied, by somebody or by nobody any more."""
        sql, values = f"{_RESTORES} WHERE r.state IN (?, ?)", [PLANNED, APPLYING]
        if workspace is not None:
            sql, values = f"{sql} AND r.workspace = ?", [*values, workspace]  # type: ignore[list-item]
        return [_restore(row) for row in self.database.query(f"{sql} ORDER BY r.no", values)]

    def add_restore(self, tx: Transaction, info: RestoreInfo, target: int, before: int, journal: bytes) -> None:
        tx.execute(
            "INSERT INTO restore (id, workspace, run, target, before, undoes, state, at, journal, result) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                info.id,
                info.workspace_no,
                info.run,
                target,
                before,
                info.undoes,
                info.state,
                info.at,
                journal,
                _result(info),
            ],
        )

    def update_restore(self, tx: Transaction, info: RestoreInfo, after: int | None = None) -> None:
        tx.execute(
            "UPDATE restore SET state = ?, result = ?, after = ? WHERE id = ?",
            [info.state, _result(info), after, info.id],
        )
        if info.undoes is not None and info.state == DONE:
            tx.execute("UPDATE restore SET undone_by = ? WHERE id = ?", [info.id, info.undoes])

    def journal(self, restore: RestoreInfo) -> bytes:
        row = self.database.one("SELECT journal FROM restore WHERE no = ?", [restore.no])
        assert row is not None
        return bytes(row[0])


def _snapshot(row: Row) -> SnapshotInfo:
    no, name, path, workspace, run, key, kind, at, manifest_no, policy, facts, others = row
    return SnapshotInfo(
        no, name, Path(os.fsdecode(bytes(path))), workspace, run, key, kind, at, manifest_no,
        Policy.from_dict(json.loads(policy)), **json.loads(facts), others=split(others),
    )  # fmt: skip


def _restore(row: Row) -> RestoreInfo:
    no, name, path, workspace, run, target, before, after, state, at, undoes, undone_by, result = row
    return RestoreInfo(
        no, name, Path(os.fsdecode(bytes(path))), workspace, run, target or "", before or "", after, state, at, undoes,
        undone_by, **json.loads(result),
    )  # fmt: skip


def _result(info: RestoreInfo) -> str:
    return _json({name: getattr(info, name) for name in _RESULT})


def _json(value: Any) -> str:
    """ASCII, so that names with bytes that are no UTF-8 come through as they are."""
    return json.dumps(value, separators=(",", ":"), default=dict)


def _only(database: SnapshotDatabase, sql: str, table: str, text: str, what: str) -> Row:
    found = database.query(f"{sql} WHERE {table}.id = ? ORDER BY {table}.no", [text])
    if not found and len(text) >= 4 and text.isalnum():
        found = database.query(f"{sql} WHERE {table}.id LIKE ? ORDER BY {table}.no LIMIT 2", [f"{text}%"])
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{text!r} begins more than one {what}.", "Give more of its id.")
    raise UserError(f"there is no {what} {text!r}.", "`review-tui workspace list` shows them.")
