"""Carrying a plan out, and finishing what was interrupted.

planned -> applying -> done. Before the first step, everything that can be checked is: that the workspace is as it was
planned on, that every content is in the store and whole, that there is room. From `applying` on, a restore is only ever
finished, never dropped: whoever comes next after a kill -9 or a power cut does the steps that are not done yet.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import replace

from sessions.errors import UserError
from sessions.workspace import entries as e
from sessions.workspace import journal as journals
from sessions.workspace.base import Base, no_room
from sessions.workspace.entries import StatKey, Tree, path_text
from sessions.workspace.journal import Journal, Step
from sessions.workspace.locks import Busy
from sessions.workspace.objects import Place
from sessions.workspace.plan import Choice, Plan, Resolved
from sessions.workspace.records import (
    AFTER,
    APPLYING,
    BEFORE,
    DONE,
    LEFT,
    PLANNED,
    RestoreInfo,
    SnapshotInfo,
    new_id,
    now,
)
from sessions.workspace.steps import Stopped, Worker
from sessions.workspace.taking import adding, describe, survey
from sessions.workspace.tree import WorkspaceTree

#: Room that a restore leaves on the disk, in bytes: for the database, and for others.
_SPARE = 10_000_000


def apply(base: Base, plan: Plan, choices: Mapping[str, Choice], conflicts: Choice, expect: str | None) -> RestoreInfo:
    """See `Snapshots.apply`."""
    begun = time.perf_counter()
    resolved = plan.resolved(choices, conflicts)
    if expect is not None and expect != resolved.fingerprint:
        raise UserError("the restore would not do what was agreed on: the workspace changed since.", "Plan again.")
    base.checked(plan.workspace)
    with base.locks.using(), base.locks.restoring(plan.workspace_no):
        if unfinished := base.records.unfinished(plan.workspace_no):
            raise Busy(
                f"restore {unfinished[0].id[:8]} of this workspace was interrupted.",
                "`review-tui workspace resume` finishes it.",
            )
        if plan.generation != base.generation():
            raise UserError("the snapshot store was tidied since the plan was made.", "Plan again.")
        journal = journals.written(resolved, plan.current, plan.keys)
        with WorkspaceTree(plan.workspace) as tree:
            _check_unchanged(tree, journal)
            places = _checked_contents(base, journal)
            _check_room(tree, journal)
            info = _begin(base, plan, resolved, journal)
            return _carry_out(base, tree, info, journal, places, begun)


def resume(base: Base) -> list[RestoreInfo]:
    """See `Snapshots.resume_interrupted`."""
    found = []
    for info in base.records.unfinished():
        try:
            with base.locks.using(), base.locks.restoring(info.workspace_no):
                found.append(_resume(base, base.records.restore(info.id)))
        except Busy:
            continue  # somebody is at it
        except UserError as error:
            found.append(replace(info, problem=str(error)))
    return found


def _resume(base: Base, info: RestoreInfo) -> RestoreInfo:
    if info.state == PLANNED:  # it never began
        info = replace(info, state=LEFT)
        with base.database.write() as tx:
            base.records.update_restore(tx, info)
        return info
    if info.state != APPLYING:
        return info  # finished by somebody else just now
    begun = time.perf_counter()
    journal = journals.decode(base.records.journal(info))
    root = base.checked(info.workspace)
    places = _checked_contents(base, journal)
    with WorkspaceTree(root) as tree:
        return _carry_out(base, tree, info, journal, places, begun)


# -- before the first step ------------------------------------------------------------------------------------------


def _check_unchanged(tree: WorkspaceTree, journal: Journal) -> None:
    """Every path that is going to change must be as it was planned on."""
    changed = [step.path for step in journal.steps if not _is_as_planned(tree, step)]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(
            f"the workspace changed since the plan was made: {path_text(changed[0])}{more}.",
            "Nothing was done; plan again.",
        )


def _is_as_planned(tree: WorkspaceTree, step: Step) -> bool:
    try:
        there = tree.lstat_or_none(step.path)
        if there is None or step.before is None:
            return there is None and step.before is None
        if step.before.kind == e.FILE:
            return StatKey.of(there) == step.key
        if step.before.kind == e.FOLDER:
            return stat.S_ISDIR(there.st_mode)
        return stat.S_ISLNK(there.st_mode) and os.fsencode(tree.readlink(step.path)) == step.before.content
    except OSError:
        return False


def _checked_contents(base: Base, journal: Journal) -> dict[bytes, Place]:
    """Where the contents are, each of them read once from end to end. Raises UserError if one is gone or damaged."""
    contents = journal.contents()
    places = base.objects.places(contents)
    for content in sorted(contents, key=lambda content: _in_order(places.get(content))):
        if content not in places:
            raise UserError("a content of that snapshot is not in the store any more.", "Nothing was done.")
        for _ in base.objects.read(content, places[content]):
            pass
    return places


def _in_order(place: Place | None) -> tuple[str, int]:
    return (place.pack, place.start) if place else ("", 0)


def _check_room(tree: WorkspaceTree, journal: Journal) -> None:
    wanted = _most_room(journal)
    system = os.fstatvfs(tree.fd)
    free = system.f_bavail * system.f_frsize
    if wanted > 0 and wanted + _SPARE > free:
        raise UserError(
            f"the restore needs {wanted:,} bytes, and the disk that holds {tree.root} has only {free:,} left.",
            "Nothing was done; free some space and try again.",
        )


def _most_room(journal: Journal) -> int:
    """Bytes that the steps need at most at any moment: each file is there twice until it takes its place."""
    most = used = 0
    for step in journal.steps:
        if step.kind == journals.WRITE and step.target is not None:
            used += step.target.size
            most = max(most, used)
        if step.kind in (journals.WRITE, journals.UNLINK) and step.before is not None:
            used -= step.before.size
    return most


def _begin(base: Base, plan: Plan, resolved: Resolved, journal: Journal) -> RestoreInfo:
    """Write the snapshot of what is there now, and the journal, before anything is touched."""
    keeping = base.records.keeping(plan.current, plan.base)
    name = new_id()
    before = SnapshotInfo(0, new_id(), plan.workspace, plan.workspace_no, plan.run, name, BEFORE, now(), 0, plan.policy)
    info = RestoreInfo(
        0, name, plan.workspace, plan.workspace_no, plan.run, plan.snapshot.id, before.id, None, PLANNED, now(),
        undoes=plan.undoes, counts=resolved.counts, bytes=resolved.bytes, kept=resolved.kept, beside=resolved.beside,
        notes=resolved.notes,
    )  # fmt: skip
    with base.database.write() as tx:
        before = replace(describe(plan.current, before), manifest=base.records.add_manifest(tx, keeping))
        before = base.records.add_snapshot(tx, before)
        base.records.add_restore(tx, info, plan.snapshot.no, before.no, journals.encode(journal))
    return info


# -- the steps, and after the last one ------------------------------------------------------------------------------


def _carry_out(
    base: Base, tree: WorkspaceTree, info: RestoreInfo, journal: Journal, places: dict[bytes, Place], begun: float
) -> RestoreInfo:
    if info.state == PLANNED:
        info = replace(info, state=APPLYING)
        with base.database.write() as tx:
            base.records.update_restore(tx, info)
    worker = Worker(tree, base.objects, places, info.id[:12])
    try:
        worker.run(journal)
    except Stopped as stopped:
        rest = f"restore {info.id[:8]} is half done and goes on with `review-tui workspace resume`"
        raise no_room(stopped.error, f"files in {tree.root}", rest) from None
    took_ms = (time.perf_counter() - begun) * 1000
    info = replace(info, state=DONE, failed=worker.failed, took_ms=took_ms)
    return _record(base, tree, info, journal)


def _record(base: Base, tree: WorkspaceTree, info: RestoreInfo, journal: Journal) -> RestoreInfo:
    """Say that the restore is done, with a snapshot of what it left behind: the run's last state from now on."""
    before = base.records.snapshot(info.before)
    with adding(base) as writer:
        if info.failed:
            after = survey(base, tree, info.workspace_no, before.policy, writer).entries
        else:
            after = _afterwards(base.records.entries(before.manifest), journal)
        keeping = base.records.keeping(after, before.manifest)
        snapshot = replace(
            describe(after, before), id=new_id(), key=info.id, kind=AFTER, at=now(), read=0, new_bytes=0, took_ms=0.0,
            others=frozenset(info.kept) | frozenset(info.failed),
        )  # fmt: skip
        writer.publish()
        with base.database.write() as tx:
            writer.record(tx)
            snapshot = base.records.add_snapshot(tx, replace(snapshot, manifest=base.records.add_manifest(tx, keeping)))
            info = replace(info, after=snapshot.id)
            base.records.update_restore(tx, info, snapshot.no)
    return info


def _afterwards(before: Tree, journal: Journal) -> Tree:
    """The workspace after all steps."""
    after = dict(before)
    for step in journal.steps:
        if step.target is None:
            after.pop(step.path, None)
        else:
            after[step.path] = step.target
    after.update(journal.folders)
    return after
