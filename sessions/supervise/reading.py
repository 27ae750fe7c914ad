"""Reading the command's session files in a process of its own: what an agent writes there may be anything, and whoever
reads it must not be the one who holds the agent.

`SessionReader` is the supervisor's end. A request is a line of JSON: the file's path, and whether nothing may be left
for later. The answer is a `View`.
"""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from sessions.errors import UserError
from sessions.supervise.feed import View

_LENGTH = struct.Struct("!Q")


class SessionReader:
    """The reading process; started with the first question if not before, and again if it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, so that the first question need not wait for it."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sessions.supervise.reading"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def read(self, path: Path, *, now: bool = False) -> View | None:
        """What is new in a file since it was asked for last; None if nothing is. now: nothing is left for later,
        because whoever writes it is held. Raises UserError if it cannot be read: then it cannot be reviewed."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([str(path), now]).encode() + b"\n")
            self._process.stdin.flush()
            answer = _receive(self._process.stdout)
        except (OSError, EOFError):
            self.close()
            raise UserError(f"the process that reads {path} has died.", "The run is held; look at the file.") from None
        if isinstance(answer, str):
            raise UserError(f"{path} cannot be followed: {answer}")
        return answer

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.kill()
        process.wait()


def _receive(pipe: IO[bytes]) -> View | str | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    answer: View | str | None = pickle.loads(data)  # noqa: S301 - written by our own process
    return answer


# -- the other process ----------------------------------------------------------------------------------------------


class _Files:
    """The files that are read, each from where it was left."""

    def __init__(self) -> None:
        from sessions.following.growing import Growing
        from sessions.readers import load

        load("claude-code")  # ready before it is asked for
        self._new = Growing
        self._files: dict[str, Growing] = {}
        self._headers: dict[str, tuple[str | None, str | None]] = {}
        self._problems: dict[str, int] = {}

    def read(self, name: str, now: bool) -> View | None:
        growing = self._files.setdefault(name, self._new(Path(name)))
        if not growing.look(now=now):
            return None
        from sessions.run import Facts, Header, Problem, Step

        settled: list[Step] = []
        pending: list[Step] = []
        records, anew = growing.settled(), growing.anew
        task, session = (None, None) if anew else self._headers.get(name, (None, None))
        problems = 0 if anew else self._problems.get(name, 0)
        for steps, source in ((settled, records), (pending, None)):
            for record in source if source is not None else growing.pending():
                if isinstance(record, Step):
                    steps.append(record)
                elif isinstance(record, Problem):
                    problems += 1
                elif isinstance(record, Header):
                    task, session = task or record.task, record.native_id or session
                elif isinstance(record, Facts):
                    task = task or record.values.get("task")
                    session = record.values.get("native_id") or session
        self._headers[name], self._problems[name] = (task, session), problems
        return View(anew, settled, pending, task, session, problems)


def main() -> int:
    files = _Files()
    for line in sys.stdin.buffer:
        answer: View | str | None
        try:
            answer = files.read(*json.loads(line))
        except UserError as error:
            answer = str(error)
        except OSError as error:
            answer = str(error.strerror)
        data = pickle.dumps(answer, protocol=5)
        sys.stdout.buffer.write(_LENGTH.pack(len(data)) + data)
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
