"""Workspaces that are refused, each with the reason: what a restore there could destroy is not an agent's work."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from sessions.errors import UserError
from sessions.filesystem import file_system, is_kernel, is_remote

#: Folders of the system. What lies deeper in them may be a workspace (/var/www/site), they themselves never.
_SYSTEM = frozenset(
    f"/{name}" for name in "bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr "
    "usr/local usr/bin usr/lib var var/lib var/tmp Applications Library System Users Volumes private".split()
)  # fmt: skip
_NAME_ONE = "Name the folder that the agent works in."


def checked(path: Path, own: Iterable[Path]) -> Path:
    """The workspace's real path (links resolved), if it may be one.

    own: the snapshot store, the database: what must not lie in a workspace, nor a workspace in it.
    Raises UserError: not there, not a folder, no permission, $HOME or above it, a folder of the system, a network file
    system, shared with other users.
    """
    real = Path(os.path.realpath(path))
    try:
        status = os.stat(real)
    except FileNotFoundError:
        raise UserError(f"there is no folder {path}.", "It was moved or deleted, or the path is wrong.") from None
    except OSError as error:
        raise UserError(f"cannot look at {path}: {error.strerror}.", _NAME_ONE) from None
    if not stat.S_ISDIR(status.st_mode):
        raise UserError(f"{path} is not a folder.", _NAME_ONE)
    _refuse_place(path, real, status)
    _refuse_own(path, real, own)
    _refuse_file_system(path, real)
    if not os.access(real, os.R_OK | os.X_OK):
        raise UserError(f"no permission to read {path}.", "Run as the user whose folder it is.")
    return real


def _refuse_place(path: Path, real: Path, status: os.stat_result) -> None:
    homes = {Path(os.path.realpath(home)) for home in _homes()}
    if real in homes:
        raise UserError(f"{path} is your home folder: it is never a workspace.", _NAME_ONE)
    if real.parent == real:
        raise UserError(f"{path} is the whole system: it is never a workspace.", _NAME_ONE)
    if any(real in home.parents for home in homes):
        raise UserError(f"{path} holds your home folder: it is never a workspace.", _NAME_ONE)
    if str(real) in _SYSTEM:
        raise UserError(f"{path} belongs to the system: it is never a workspace.", _NAME_ONE)
    if status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH:
        raise UserError(f"{path} is shared by all users of this machine (sticky): it is never a workspace.", _NAME_ONE)


def _homes() -> set[str]:
    found = {os.path.expanduser("~")}
    try:
        import pwd

        found.add(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):  # Windows; a user without an entry (containers)
        pass
    return {home for home in found if home not in ("", "/", "~")}


def _refuse_own(path: Path, real: Path, own: Iterable[Path]) -> None:
    for item in own:
        place = Path(os.path.realpath(item))
        if place == real or real in place.parents:
            raise UserError(
                f"{path} holds {item}: going back would undo the record itself.",
                "Keep the database and the snapshots outside the workspace (--db, --store).",
            )
        if place in real.parents:
            raise UserError(f"{path} lies in the snapshot store: it is never a workspace.", _NAME_ONE)


def _refuse_file_system(path: Path, real: Path) -> None:
    kind = file_system(real)
    if is_remote(kind):
        raise UserError(
            f"{path} is on a network file system ({kind}): other machines may write there unseen.",
            "Work on a local copy, or run review-tui on the machine that has the files.",
        )
    if is_kernel(kind):
        raise UserError(f"{path} shows the kernel ({kind}), not files.", _NAME_ONE)
