"""The walk over a workspace: every path with its state, and which files have to be read.

Folders are walked through descriptors, so a folder that becomes a symlink meanwhile is never followed. Paths that
cannot be covered become LEFT_OUT entries with a reason; paths that vanish meanwhile are simply not there.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sessions.workspace import entries as e
from sessions.workspace.entries import Entry, StatKey
from sessions.workspace.policy import MAX_DEPTH, Policy, too_much
from sessions.workspace.statcache import Known, is_racy, steady_before
from sessions.workspace.tree import WorkspaceTree

_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | os.O_CLOEXEC
_SPECIAL = {stat.S_IFIFO: e.FIFO, stat.S_IFSOCK: e.SOCKET}


@dataclass(slots=True)
class Scan:
    """What a walk found. entries: all that needs no reading. to_read: files to be read, with the status seen.
    keys: the stat keys of all files, read or not. reused: how many files the cache spared. covered_bytes: of all files
    that are not left out."""

    entries: dict[str, Entry] = field(default_factory=dict)
    to_read: dict[str, os.stat_result] = field(default_factory=dict)
    keys: dict[str, StatKey] = field(default_factory=dict)
    reused: int = 0
    covered_bytes: int = 0


def scan(tree: WorkspaceTree, known: Known, policy: Policy, now_ns: int) -> Scan:
    """Walk the workspace. known: of the stat cache. now_ns: the clock at the beginning.

    Raises UserError if the workspace has more files or bytes than the policy allows; OSError if it cannot be read at
    all.
    """
    walk = _Walk(known, policy, now_ns, os.fstat(tree.fd).st_dev)
    walk.found.entries[""] = e.folder_entry(os.fstat(tree.fd))
    with os.scandir(tree.fd) as items:  # the root must be readable; of folders below that is no error
        walk.folder(items, tree.fd, "", 1)
    if policy.total_cap is not None:
        _leave_out_largest(walk.found, policy.total_cap)
    return walk.found


class _Walk:
    def __init__(self, known: Known, policy: Policy, now_ns: int, device: int) -> None:
        self.found = Scan()
        self.known = known
        self.policy = policy
        self.excluded: Callable[[str, str], bool] | None = policy.matcher()
        self.now_ns = now_ns
        self.steady_ns = steady_before(now_ns)
        self.device = device

    def folder(self, items: Iterable[os.DirEntry[str]], descriptor: int, prefix: str, depth: int) -> None:
        """All that is in a folder, then the folders in it. prefix: its path with a `/`, "" for the workspace."""
        known, excluded, cap = self.known.get, self.excluded, self.policy.file_cap
        entries, keys, steady = self.found.entries, self.found.keys, self.steady_ns
        below: list[tuple[str, str, os.stat_result]] = []
        reused = size = 0
        for item in items:
            name = item.name
            path = prefix + name
            try:
                status = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone again
            except OSError:  # a folder that may be listed, but not entered
                entries[path] = Entry(e.LEFT_OUT, 0, 0, 0, 0, 0, e.UNREADABLE, b"")
                continue
            mode = status.st_mode
            if excluded is not None and excluded(path, name):
                entries[path] = e.left_out(status, e.EXCLUDED)
            elif stat.S_ISREG(mode):
                before = known(path)
                ctime = status.st_ctime_ns
                if (
                    before is not None
                    and before[0] == (mode, status.st_size, status.st_mtime_ns, ctime, status.st_ino)
                    and (ctime < steady or not is_racy(ctime, self.now_ns))
                    and status.st_size <= cap
                ):
                    keys[path], entries[path] = before
                    reused += 1
                    size += status.st_size
                else:
                    self._to_read(path, status)
            elif stat.S_ISDIR(mode):
                below.append((name, path, status))
            else:
                self._other(path, name, status, descriptor)
        self.found.reused += reused
        self.found.covered_bytes += size
        self._check_limits()
        for name, path, status in sorted(below):
            self._below(name, path, status, descriptor, depth)

    def _to_read(self, path: str, status: os.stat_result) -> None:
        # No look at st_dev: a file of an overlay may show that of a layer, while folders always show the overlay's.
        if status.st_size > self.policy.file_cap:
            self.found.entries[path] = e.left_out(status, e.OVER_CAP)
        else:
            self.found.to_read[path] = status
            self.found.keys[path] = StatKey.of(status)
            self.found.covered_bytes += status.st_size

    def _other(self, path: str, name: str, status: os.stat_result, descriptor: int) -> None:
        if stat.S_ISLNK(status.st_mode):
            try:
                self.found.entries[path] = e.link_entry(status, os.readlink(name, dir_fd=descriptor))
            except OSError:
                pass  # gone again, or something else now: the next snapshot will see it
        else:
            self.found.entries[path] = e.left_out(status, _SPECIAL.get(stat.S_IFMT(status.st_mode), e.DEVICE))

    def _below(self, name: str, path: str, status: os.stat_result, descriptor: int, depth: int) -> None:
        if status.st_dev != self.device:
            self.found.entries[path] = e.left_out(status, e.OTHER_SYSTEM)
            return
        if depth >= MAX_DEPTH:
            self.found.entries[path] = e.left_out(status, e.TOO_DEEP)
            return
        try:
            inner = os.open(name, _FLAGS, dir_fd=descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError:
            self.found.entries[path] = e.left_out(status, e.UNREADABLE)
            return
        try:
            self.found.entries[path] = e.folder_entry(os.fstat(inner))
            with os.scandir(inner) as items:
                self.folder(items, inner, path + "/", depth + 1)
        except OSError:
            self._forget(path + "/")
            self.found.entries[path] = e.left_out(status, e.UNREADABLE)
        finally:
            os.close(inner)

    def _forget(self, prefix: str) -> None:
        """Half a folder is worse than none: what is not in a snapshot counts as deleted."""
        for found in (self.found.entries, self.found.to_read, self.found.keys):
            for path in [path for path in found if path.startswith(prefix)]:
                del found[path]

    def _check_limits(self) -> None:
        """Stop early: a home folder or a disk that was named by mistake must not be walked to its end."""
        files = len(self.found.entries) + len(self.found.to_read)
        if files > self.policy.max_files:
            raise too_much("files and folders", files, self.policy.max_files, self._largest(lambda _: 1))
        if self.found.covered_bytes > self.policy.max_bytes:
            size = self.found.covered_bytes
            raise too_much("bytes", size, self.policy.max_bytes, self._largest(lambda key: key.size))

    def _largest(self, weight: Callable[[StatKey], int]) -> list[tuple[str, int]]:
        sums: Counter[str] = Counter()
        for path, key in self.found.keys.items():
            sums["/".join(path.split("/")[:-1][:2])] += weight(key)
        return sums.most_common(3)


def _leave_out_largest(found: Scan, cap: int) -> None:
    """Leave out the largest files until the rest is no more than `cap` bytes. By size and name, so the same each
    time."""
    by_size = sorted(found.keys, key=lambda path: (-found.keys[path].size, path))
    for path in by_size:
        if found.covered_bytes <= cap:
            return
        key = found.keys.pop(path)
        found.covered_bytes -= key.size
        status = found.to_read.pop(path, None)
        if status is not None:
            found.entries[path] = e.left_out(status, e.OVER_TOTAL)
        else:
            found.entries[path] = found.entries[path]._replace(kind=e.LEFT_OUT, flags=e.OVER_TOTAL, content=b"")
            found.reused -= 1
