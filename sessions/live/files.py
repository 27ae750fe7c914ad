"""The workspace at gates: a snapshot at every gate that opens, and back to one when a rollback reaches the agent.

`workspace_hooks()` gives what `sessions.gate` calls. What a reviewer chose in the plan (keep, take or both for paths
that somebody else changed) is put beside the snapshots by `save_choices`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.errors import UserError
from sessions.jsontext import dump_bytes, loads
from sessions.live.hooks import Hooks, Opening, Rollback, Snapshot

if TYPE_CHECKING:
    from sessions.workspace.plan import Choice, Plan
    from sessions.workspace.records import RestoreInfo, SnapshotInfo
    from sessions.workspace.snapshots import Snapshots

#: The key of the snapshot that shows the workspace as it was before the run's first step.
BEGINNING = "start"
#: Ends the key of a snapshot taken when an agent goes on from a gate.
RESUMED = "resumed"
_CHOICES = "choices"
#: The kind of a snapshot that was asked for (`sessions.workspace.records.TAKEN`, which is not needed to open a gate).
_TAKEN = "taken"


def workspace_hooks(database: Path | None = None, folder: Path | None = None) -> Hooks:
    """Hooks that take snapshots and restore them. database: the review database, which must not lie in a workspace.
    folder: of the snapshot store, the user's own if None."""
    own = [database] if database is not None else []

    def snapshot(opening: Opening) -> Snapshot:
        if opening.workspace is None:
            return Snapshot(None)
        with open_snapshots(folder, own) as store:
            return as_snapshot(store.take(Path(opening.workspace), opening.run, opening.key))

    def restore(rollback: Rollback) -> str:
        if rollback.workspace is None:
            return ""
        with open_snapshots(folder, own) as store:
            return _restore(store, rollback)

    def resume(opening: Opening) -> None:
        if opening.workspace is not None:
            with open_snapshots(folder, own) as store:
                store.take(Path(opening.workspace), opening.run, f"{opening.key} {RESUMED}", by_others=True)

    def end(opening: Opening) -> None:
        if opening.workspace is not None:
            with open_snapshots(folder, own) as store:
                store.unpin(opening.run)

    return Hooks(snapshot, restore, resume, end)


def take_beginning(database: Path, workspace: Path, run: str, folder: Path | None = None) -> SnapshotInfo:
    """The workspace before a run's first step, so that it can be rolled back to its beginning. run: the run's id."""
    with open_snapshots(folder, [database]) as store:
        return store.take(workspace, run, BEGINNING)


def open_snapshots(folder: Path | None, own: list[Path]) -> Snapshots:
    from sessions.workspace.snapshots import Snapshots

    return Snapshots(folder, own=own)


def as_snapshot(info: SnapshotInfo) -> Snapshot:
    """What a gate keeps of a snapshot: its id, and what a reviewer must know of it."""
    facts = {
        "files": info.files,
        "bytes": info.bytes,
        "not_covered": sum(info.not_covered.values()),
        "not_covered_by_reason": dict(info.not_covered),
        "torn": info.torn,
        "open_databases": {path: list(signs) for path, signs in info.open_databases.items()},
        "took_ms": round(info.took_ms, 1),
    }
    return Snapshot(info.id, facts)


def beginning_of(store: Snapshots, run: str) -> SnapshotInfo | None:
    """The snapshot that a rollback to a run's beginning goes to: the one taken before the first step, else the earliest
    there is, which is the first gate's. None if there is none."""
    taken = [info for info in store.records.snapshots(run=run) if info.kind == _TAKEN]
    return next((info for info in taken if info.key == BEGINNING), taken[0] if taken else None)


def _restore(store: Snapshots, rollback: Rollback) -> str:
    """to_gate without a snapshot: nobody knows how the files were there, and they stay as they are."""
    first = beginning_of(store, rollback.run) if rollback.to_gate is None else None
    target = first.id if first else rollback.snapshot
    if target is None:
        return ""
    assert rollback.workspace is not None
    for unfinished in store.resume_interrupted():  # of this rollback, if its agent was killed while it was restored
        if unfinished.problem:
            raise UserError(f"an earlier restore of {unfinished.workspace} is not finished: {unfinished.problem}.")
    plan = store.plan(Path(rollback.workspace), target)
    changing = {change.path for change in plan.changes}
    chosen = load_choices(store.folder, rollback.gate)
    done = store.apply(plan, {path: choice for path, choice in chosen.items() if path in changing})
    if first is not None and first.key != BEGINNING:
        return f"{told(plan, done)}\n{_earliest(first.key)}"
    return told(plan, done)


def _earliest(key: str) -> str:
    return (
        f"That snapshot is the earliest there is, taken at gate {key!r}: what was done to the files before that gate is"
        " still there."
    )


def told(plan: Plan, done: RestoreInfo) -> str:
    """What was done to the files, in words for the agent and the record."""
    made = ", ".join(f"{count:,} {action}" for action, count in sorted(done.counts.items())) or "nothing had to change"
    lines = [f"Files: the workspace {done.workspace} was taken back to snapshot {done.target[:8]} ({made})."]
    if done.kept:
        lines.append(f"Kept as they are, because somebody else changed them: {_some(list(done.kept))}.")
    if done.failed:
        lines.append(f"Could not be restored: {_some([f'{path} ({why})' for path, why in done.failed.items()])}.")
    if plan.alone:
        lines.append(f"Not covered by the snapshot and left alone: {_some(list(plan.alone))}.")
    if plan.open_databases:
        lines.append(f"Databases that are open elsewhere: {_some(list(plan.open_databases))}. Close and reopen them.")
    lines.append(f"`review-tui workspace undo {done.id[:8]}` takes this back.")
    return "\n".join(lines)


def _some(items: list[str], most: int = 8) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most:,} more" if len(items) > most else "")


# -- what a reviewer agreed to ------------------------------------------------------------------------------------


def save_choices(folder: Path, gate: str, choices: Mapping[str, Choice]) -> None:
    """Keep what a reviewer chose for the rollback at a gate (by its id) until the agent comes for it.

    folder: of the snapshot store. choices: path -> keep, take or both."""
    place = folder / _CHOICES
    place.mkdir(mode=0o700, exist_ok=True)
    temporary = place / f".{gate}.{os.getpid()}"
    temporary.write_bytes(dump_bytes(dict(choices)))
    temporary.chmod(0o600)
    temporary.replace(place / f"{gate}.json")


def load_choices(folder: Path, gate: str) -> dict[str, Choice]:
    """What a reviewer chose for the rollback at a gate; nothing if they chose nothing."""
    try:
        return dict(loads((folder / _CHOICES / f"{gate}.json").read_bytes()))
    except (OSError, ValueError):
        return {}
