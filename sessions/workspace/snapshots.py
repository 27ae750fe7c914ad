"""The way in: take snapshots of a workspace, see what going back would do, do it, take it back."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from sessions.workspace.base import Base
from sessions.workspace.database import default_folder
from sessions.workspace.policy import DEFAULT_POLICY, Policy
from sessions.workspace.records import SnapshotInfo
from sessions.workspace.taking import take


class Snapshots:
    """An open snapshot store; a context manager. Every method raises UserError for what a user can do something
    about."""

    def __init__(self, folder: Path | None = None, *, own: tuple[Path, ...] = ()) -> None:
        self._base = Base.open(folder or default_folder(), own)

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def take(
        self, workspace: Path, run: str, key: str, policy: Policy = DEFAULT_POLICY, *, by_others: bool = False
    ) -> SnapshotInfo:
        return take(self._base, workspace, run, key, policy, by_others=by_others)
