"""Which session files a command writes: found in the usual folders of Claude Code and Codex, or named by the user.

A file counts if it was made, or has grown, since the command was started, and says that it is of the folder in which
the command works. A command may write several, one after the other (a script that calls `claude -p` twice). Sub-agents'
files are read with their session.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, loads

#: How often the folders are searched, in seconds.
SEARCH_S = 0.25
_HEAD_BYTES, _HEAD_LINES = 1 << 18, 20
#: Clocks of file systems are coarser than ours, in seconds.
_SLACK_S = 1.0
_ODD = re.compile(r"[^a-zA-Z0-9]")


class SessionFiles:
    """The session files of one command. Call `search` now and then."""

    def __init__(self, folders: Iterable[Path], pinned: Path | None, env: Mapping[str, str]) -> None:
        """folders: where the command may work. pinned: the only file to follow. Make it before the command starts."""
        self._places = list(dict.fromkeys(os.path.realpath(folder) for folder in folders))
        self._pinned = pinned
        home = Path(env.get("HOME") or os.path.expanduser("~"))
        self._claude = Path(env.get("CLAUDE_CONFIG_DIR") or home / ".claude") / "projects"
        self._codex = Path(env.get("CODEX_HOME") or home / ".codex") / "sessions"
        self._since = time.time() - _SLACK_S
        self._next = 0.0
        #: path -> size when the command was started: what stands before is of an earlier time.
        self.found: dict[Path, int] = {}
        self._before = dict(self._candidates(0.0))

    def folders(self) -> list[Path]:
        """Where a change may mean a new file or a longer one."""
        if self._pinned is not None:
            return [self._pinned.absolute().parent]
        return [*self._claude_folders(), *self._codex_folders()]

    def search(self, *, at_once: bool = False) -> bool:
        """Look for files that have come; True if there are any. at_once: although it was done just now."""
        now = time.monotonic()
        if now < self._next and not at_once:
            return False
        self._next = now + SEARCH_S
        count = len(self.found)
        for path, size in self._candidates(self._since):
            if path not in self.found and size > self._before.get(path, 0) and self._is_ours(path):
                self.found[path] = self._before.get(path, 0)
        return len(self.found) > count

    def _candidates(self, since: float) -> Iterator[tuple[Path, int]]:
        """Session files that were written to since then, with their sizes."""
        if self._pinned is not None:
            with suppress(OSError):
                yield self._pinned, os.stat(self._pinned).st_size
            return
        for folder in (*self._claude_folders(), *self._codex_folders()):
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat()
                    named = entry.name.endswith(".jsonl") and not entry.name.startswith("agent-")
                    if named and status.st_mtime >= since:
                        yield Path(entry.path), status.st_size

    def _claude_folders(self) -> list[Path]:
        """Claude Code's folders of these places, and those that were made since."""
        named = {self._claude} | {self._claude / _ODD.sub("-", place) for place in self._places}
        with suppress(OSError):
            for entry in os.scandir(self._claude):
                if entry.is_dir() and entry.stat().st_mtime >= self._since:
                    named.add(Path(entry.path))
        return sorted(named)

    def _codex_folders(self) -> list[Path]:
        """Codex sorts by day; the day may change while it runs."""
        days = {time.localtime(self._since - 86_400), time.localtime(self._since), time.localtime()}
        return sorted({self._codex / time.strftime("%Y/%m/%d", day) for day in days})

    def _is_ours(self, path: Path) -> bool:
        """Whether the file says that it is of one of our places, or of a folder in one."""
        if self._pinned is not None:
            return True
        for folder in _folders_in(path):
            try:
                real = os.path.realpath(folder)
            except ValueError:  # no path at all
                continue
            if any(real == place or real.startswith(place.rstrip("/") + "/") for place in self._places):
                return True
        return False


def _folders_in(path: Path) -> Iterator[str]:
    """The working folders that the first lines of a session name."""
    try:
        with open(path, "rb") as file:
            lines = file.read(_HEAD_BYTES).split(b"\n")[:_HEAD_LINES]
    except OSError:
        return
    for line in lines:
        try:
            record: Any = loads(line)
        except BadJson:
            continue
        if not isinstance(record, dict):
            continue
        payload = record.get("payload")
        for holder in (record, payload if isinstance(payload, dict) else {}):
            if isinstance(holder.get("cwd"), str):
                yield holder["cwd"]
