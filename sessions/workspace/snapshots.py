"""The way in: take snapshots of a workspace, see what going back would do, do it, take it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from sessions.errors import UserError
from sessions.workspace import collect, planning, restoring, taking
from sessions.workspace.base import Base
from sessions.workspace.collect import Collection
from sessions.workspace.database import default_folder
from sessions.workspace.entries import LEFT_OUT, REASONS
from sessions.workspace.plan import Choice, Plan
from sessions.workspace.policy import DEFAULT_POLICY, Policy
from sessions.workspace.records import Records, RestoreInfo, SnapshotInfo


class Snapshots:
    """An open snapshot store; a context manager. For one thread. Every method raises UserError for what a user can do
    something about: a refused or vanished workspace, a full disk, a restore in progress, no permission."""

    def __init__(
        self, folder: Path | None = None, *, own: Sequence[Path] = (), budget: int = collect.DEFAULT_BUDGET
    ) -> None:
        """Open a store, made if need be. folder: $REVIEW_TUI_SNAPSHOTS or the user's state folder if None. own: paths
        that may not lie in a workspace (the review database), besides the store. budget: bytes that the store may take
        before it collects garbage."""
        self.budget = budget
        self._base = Base.open(folder or default_folder(), tuple(own))

    @property
    def folder(self) -> Path:
        return self._base.folder

    @property
    def records(self) -> Records:
        """What snapshots and restores there are."""
        return self._base.records

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # -- snapshots --------------------------------------------------------------------------------------------------

    def take(
        self, workspace: Path, run: str, key: str, policy: Policy = DEFAULT_POLICY, *, by_others: bool = False
    ) -> SnapshotInfo:
        """Take a snapshot. run: whose work the workspace shows; it is pinned from now on ("" for none). key: of the
        gate; asking again with the same key while nothing changed gives the same snapshot. by_others: what changed
        since the run's last snapshot was not the run's doing (taken when an agent goes on after a gate, so that a
        person's edits meanwhile are told from the agent's)."""
        info = taking.take(self._base, workspace, run, key, policy, by_others=by_others)
        self._tidy()
        return info

    def not_covered(self, snapshot: str) -> list[tuple[str, str, int]]:
        """What a snapshot does not cover: (path, reason, bytes), by path. A folder's bytes are not counted."""
        info = self._base.records.snapshot(snapshot)
        tree = self._base.records.entries(info.manifest)
        rows = ((path, REASONS[entry.flags], entry.size) for path, entry in tree.items() if entry.kind == LEFT_OUT)
        return sorted(rows)

    def pin(self, run: str) -> None:
        """The run is not finished: its snapshots are never collected. (Taking one says so, too.)"""
        self._base.records.pin(run, True)

    def unpin(self, run: str) -> None:
        """The run is finished: its snapshots may be collected when the store outgrows its budget."""
        self._base.records.pin(run, False)
        self._tidy()

    # -- room -------------------------------------------------------------------------------------------------------

    def size(self) -> int:
        """Bytes that all contents take."""
        return collect.store_bytes(self._base)

    def collect(
        self, budget: int | None = None, *, protected: Iterable[str] = (), really: bool = True, wait_s: float = 5.0
    ) -> Collection:
        """Make the store fit its budget: remove the oldest snapshots of finished runs, and what nothing needs any more.

        budget: bytes, that of the store if None. protected: ids of further snapshots that must stay. really: False only
        says what would be removed. Raises UserError if others go on using the store for `wait_s` seconds.
        """
        chosen = self.budget if budget is None else budget
        return collect.collect(self._base, chosen, protected, really=really, wait_s=wait_s)

    def _tidy(self) -> None:
        """Collect if that is needed and could help; nobody is made to wait for others."""
        if self.size() > self.budget and collect.removable(self._base):
            with suppress(UserError):
                self.collect(wait_s=0)

    def verify(self) -> list[str]:
        """What is damaged in the store, one line each; [] if every snapshot could be restored. Reads everything."""
        with self._closing_packs():
            return collect.verify(self._base)

    # -- restores ---------------------------------------------------------------------------------------------------

    def plan(self, workspace: Path, snapshot: str, *, runs: Sequence[str] = ()) -> Plan:
        """What going back to a snapshot would do; nothing in the workspace is touched. snapshot: its id, or a beginning
        of it. runs: further runs that continued the snapshot's run in this workspace; what they did is undone as
        well."""
        return planning.plan_restore(self._base, workspace, snapshot, runs)

    def plan_undo(self, restore: str) -> Plan:
        """What taking a restore back would do: paths that it changed become as they were before it."""
        return planning.plan_undo(self._base, restore)

    def apply(
        self,
        plan: Plan,
        choices: Mapping[str, Choice] | None = None,
        *,
        conflicts: Choice = "keep",
        expect: str | None = None,
    ) -> RestoreInfo:
        """Carry a plan out. choices: path -> what to do with it. conflicts: what to do with conflicts that have no
        choice. expect: the fingerprint of the `Resolved` that somebody agreed to; with any other outcome nothing is
        done.

        What is there before is a snapshot of its own, so `undo` brings it back. A path that could not be restored is in
        the answer's `failed`; the rest was. Raises UserError before anything is touched, or, where the disk is full,
        half-way: then `resume_interrupted` goes on.
        """
        with self._closing_packs():
            return restoring.apply(self._base, plan, choices or {}, conflicts, expect)

    def undo(
        self, restore: str, choices: Mapping[str, Choice] | None = None, *, conflicts: Choice = "keep"
    ) -> RestoreInfo:
        """Take a restore back; that is a restore, too, and can be undone."""
        return self.apply(self.plan_undo(restore), choices, conflicts=conflicts)

    def resume_interrupted(self) -> list[RestoreInfo]:
        """Finish restores whose programs died. Those that cannot be finished now have a `problem`."""
        with self._closing_packs():
            return restoring.resume(self._base)

    @contextmanager
    def _closing_packs(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._base.objects.close()
