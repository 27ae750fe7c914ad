"""Making a plan: to go back to a snapshot, or to take a restore back."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from sessions.errors import UserError
from sessions.workspace import entries as e
from sessions.workspace import journal as journals
from sessions.workspace.base import Base
from sessions.workspace.differences import compare
from sessions.workspace.entries import Tree, ancestors
from sessions.workspace.plan import Plan
from sessions.workspace.records import DONE, SnapshotInfo
from sessions.workspace.sqlite_files import open_databases
from sessions.workspace.taking import adding, remember, survey
from sessions.workspace.tree import WorkspaceTree


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where to go back to. last: what the run left behind. foreign: paths that others changed between both. only: the
    paths that may be touched, None for all."""

    snapshot: SnapshotInfo
    last: SnapshotInfo
    foreign: Set[str]
    only: Set[str] | None = None
    undoes: str | None = None


def plan_restore(base: Base, workspace: Path, snapshot: str, runs: Sequence[str]) -> Plan:
    """See `Snapshots.plan`."""
    target = base.records.snapshot(snapshot)
    root = base.checked(workspace)
    if target.workspace != root:
        raise UserError(
            f"snapshot {target.id[:8]} is of {target.workspace}, not of {root}.", "Name a snapshot of this workspace."
        )
    later = base.records.since(target, runs)
    foreign = frozenset[str]().union(*(info.others for info in later))
    return _plan(base, root, _Goal(target, later[-1] if later else target, foreign))


def plan_undo(base: Base, restore: str) -> Plan:
    """See `Snapshots.plan_undo`."""
    info = base.records.restore(restore)
    if info.state != DONE or info.after is None:
        raise UserError(
            f"restore {info.id[:8]} is not finished.",
            "`review-tui workspace resume` finishes it; then it can be undone.",
        )
    if info.undone_by is not None:
        raise UserError(f"restore {info.id[:8]} was undone already, by {info.undone_by[:8]}.", "Undo that one instead.")
    touched = journals.decode(base.records.journal(info)).paths()
    only = touched | {above for path in touched for above in ancestors(path)}
    before, after = base.records.snapshot(info.before), base.records.snapshot(info.after)
    root = base.checked(info.workspace)
    return _plan(base, root, _Goal(before, after, frozenset(), only, info.id))


def _plan(base: Base, root: Path, goal: _Goal) -> Plan:
    no = goal.snapshot.workspace_no
    with base.looking(no):
        with WorkspaceTree(root) as tree, adding(base) as writer:
            seen = survey(base, tree, no, goal.snapshot.policy, writer)
            writer.publish()
            if writer.added:
                with base.database.write() as tx:
                    writer.record(tx)
        remember(base, no, seen)
        target = base.records.entries(goal.snapshot.manifest)
        last = base.records.entries(goal.last.manifest)
        changes, alone = compare(target, seen.entries, last, goal.foreign, goal.only)
        _check_kept(base, [change.target.content for change in changes if change.size and change.target is not None])
    return Plan(
        root, no, goal.last.run, goal.snapshot, tuple(changes), alone, _databases(root, seen.entries, target),
        seen.entries, seen.keys, goal.snapshot.policy, seen.generation, goal.undoes, goal.last.manifest,
    )  # fmt: skip


def _databases(root: Path, current: Tree, target: Tree) -> dict[str, list[str]]:
    """SQLite files in use that the restore would touch."""
    found = open_databases(root, current)
    return {path: signs for path, signs in found.items() if not e.same(current.get(path), target.get(path))}


def _check_kept(base: Base, contents: list[bytes]) -> None:
    missing = set(contents) - base.objects.places(contents).keys()
    if missing:
        raise UserError(
            f"{len(missing)} contents of that snapshot are not in the store any more.",
            "`review-tui workspace verify` lists what is damaged; other snapshots may be whole.",
        )
