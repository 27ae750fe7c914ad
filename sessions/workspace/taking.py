"""Taking a snapshot: look, read what is new, put it on the disk, and only then say that there is one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sessions.errors import UserError
from sessions.store import Transaction
from sessions.workspace import entries as e
from sessions.workspace.base import Base, no_room
from sessions.workspace.contents import read_all
from sessions.workspace.entries import REASONS, StatKey, Tree, only_time_of_folder, same
from sessions.workspace.objects import PackWriter
from sessions.workspace.policy import Policy
from sessions.workspace.reading import Reader
from sessions.workspace.records import TAKEN, SnapshotInfo, new_id, now
from sessions.workspace.scan import Scan, scan
from sessions.workspace.sqlite_files import open_databases
from sessions.workspace.statcache import Known, is_racy
from sessions.workspace.tree import WorkspaceTree

#: So much is read again rather than noted in the stat cache, which is written as a whole.
_FEW_FILES, _FEW_BYTES = 64, 4_000_000


@dataclass(slots=True)
class Survey:
    """A workspace as it was just seen. at_ns: the clock at the beginning. keys: of its files. read: how many of them
    had to be read. stale: whether the stat cache has to be written anew. generation: of the store. new_bytes: added to
    it."""

    at_ns: int
    entries: Tree
    keys: dict[str, StatKey]
    read: int
    stale: bool
    generation: str
    new_bytes: int


def take(
    base: Base, workspace: Path, run: str, key: str, policy: Policy, *, kind: str = TAKEN, by_others: bool = False
) -> SnapshotInfo:
    """See `Snapshots.take`."""
    begun = time.perf_counter()
    root = base.checked(workspace)
    no = base.records.workspace(root)
    with base.looking(no):
        last = base.records.latest(run, no)
        with WorkspaceTree(root) as tree, adding(base) as writer:
            seen = survey(base, tree, no, policy, writer)
            keeping = base.records.keeping(seen.entries, last.manifest if last else None)
            if last and (last.key, last.policy) == (key, policy) and keeping.same is not None and not by_others:
                if run and run not in base.records.pinned():
                    base.records.pin(run, True)
                return last  # asked again, and nothing happened since
            others = changes(base.records.entries(last.manifest), seen.entries) if by_others and last else frozenset()
            info = SnapshotInfo(
                0, new_id(), root, no, run, key, kind, now(), 0, policy, read=seen.read, new_bytes=seen.new_bytes,
                open_databases=open_databases(root, seen.entries), others=others,
            )  # fmt: skip
            info = describe(seen.entries, replace(info, took_ms=(time.perf_counter() - begun) * 1000))
            writer.publish()
            with base.database.write() as tx:
                writer.record(tx)
                keep_run(tx, run, pinned=True)
                info = base.records.add_snapshot(tx, replace(info, manifest=base.records.add_manifest(tx, keeping)))
        remember(base, no, seen)
    return replace(info, took_ms=(time.perf_counter() - begun) * 1000)


def survey(base: Base, tree: WorkspaceTree, workspace_no: int, policy: Policy, writer: PackWriter) -> Survey:
    """Look at every path and read what is new into the writer. Raises UserError; OSError where the store is full."""
    generation = base.generation()
    known, written_in = base.cache.load(workspace_no)
    if written_in != generation:
        there = base.objects.places(entry.content for _, entry in known.values())
        known = {path: item for path, item in known.items() if item[1].content in there}
    at_ns = time.time_ns()
    try:
        found = scan(tree, known, policy, at_ns)
    except OSError as error:
        raise UserError(f"cannot read {tree.root}: {error.strerror}.", "No snapshot was taken.") from None
    for path, entry, key in read_all(Reader(tree), base.objects, writer, found.to_read):
        found.entries[path] = entry
        if key is not None:
            found.keys[path] = key
    if tree.is_gone():  # what is left of a deleted folder is empty, and must never be taken for its content
        raise UserError(f"{tree.root} was moved or deleted meanwhile.", "No snapshot was taken.")
    stale = written_in != generation or found.reused < len(known) - _FEW_FILES or _worth_noting(found)
    new_bytes = sum(place.stored for place in writer.added.values())
    return Survey(at_ns, found.entries, found.keys, len(found.to_read), stale, generation, new_bytes)


def _worth_noting(found: Scan) -> bool:
    """Whether reading these files again would take longer than writing the cache does."""
    sizes = [status.st_size for status in found.to_read.values()]
    return len(sizes) > _FEW_FILES or sum(sizes) > _FEW_BYTES


def remember(base: Base, workspace_no: int, seen: Survey) -> None:
    """Note what was read, once the store is sure to have it. Not being able to costs time only."""
    if not seen.stale:
        return
    fresh: Known = {}
    for path, key in seen.keys.items():
        entry = seen.entries.get(path)
        if entry and entry.kind == e.FILE and not entry.flags & e.TORN and not is_racy(key.ctime_ns, seen.at_ns):
            fresh[path] = (key, entry)
    with suppress(OSError):
        base.cache.save(workspace_no, fresh, seen.generation)


@contextmanager
def adding(base: Base) -> Iterator[PackWriter]:
    """A writer for new contents, which are removed again unless they were published and the block ended well. A full
    disk becomes a UserError."""
    writer = base.objects.writer()
    try:
        yield writer
    except BaseException as error:
        writer.discard(base.objects.known_packs)
        if isinstance(error, OSError):
            raise no_room(error, f"the snapshots in {base.folder}", "no snapshot was taken") from None
        raise
    if not writer.published:
        writer.discard(base.objects.known_packs)


def keep_run(tx: Transaction, run: str, *, pinned: bool) -> None:
    """Note a run. pinned: it is not finished, also if it was before."""
    if run and pinned:
        tx.execute("INSERT INTO run VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET pinned = 1", [run])


def describe(entries: Tree, info: SnapshotInfo) -> SnapshotInfo:
    """Fill in what can be counted."""
    rows = entries.values()
    kinds = Counter(row[0] for row in rows)
    sizes = [row[2] for row in rows if row[0] == e.FILE]
    flagged = [row for row in rows if row[6]]
    flags = Counter(flag for row in flagged if row.kind == e.FILE for flag in (e.TORN, e.XATTRS) if row.flags & flag)
    out = [row for row in flagged if row.kind == e.LEFT_OUT]
    return replace(
        info, files=kinds[e.FILE], bytes=sum(sizes), folders=kinds[e.FOLDER], links=kinds[e.LINK],
        not_covered=dict(Counter(REASONS[row.flags] for row in out)), not_covered_bytes=sum(row.size for row in out),
        torn=flags[e.TORN], xattrs=flags[e.XATTRS],
    )  # fmt: skip


def changes(before: Tree, after: Tree) -> frozenset[str]:
    """Paths whose state differs, other than folders of which only the time does."""
    found = set()
    for path in before.keys() | after.keys():
        one, two = before.get(path), after.get(path)
        if one is not two and not same(one, two) and not only_time_of_folder(one, two):
            found.add(path)
    return frozenset(found)
