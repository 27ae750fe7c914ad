"""What is new in a file that an agent is writing.

Formats that are written line by line (RESUMABLE) are read on from where they were left. All others, and what is
compressed, are read anew as a whole when they have changed, the larger the more seldom. A file that was truncated,
replaced or written anew in place is read from its beginning; whether it still tells the same run is for `rows` to see.

The last steps of a log are never certain: a result may come late, a message may grow. A reader holds them back until
they are settled, or its file ends. To show them all the same, the process forks: in the copy the file ends here, the
reader gives what it has, and the copy is gone. So every reader can be asked for its unsettled steps, and none has to
know of it. What the copy costs depends on the memory in use: 1 to 5 ms.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from sessions.errors import UserError
from sessions.following.lines import GrowingSource, is_pause
from sessions.following.rewinds import Rewinds
from sessions.jsontext import BadJson
from sessions.readers import choose, read, sniff
from sessions.readers.base import Reader
from sessions.run import Header, Problem, Record
from sessions.streams import compression_of

#: Readers that take line after line and answer one that is no JSON with a Problem, so that they can be stopped there.
RESUMABLE = frozenset(("claude-code", "codex"))
#: Reading a whole file anew may take this share of the time.
SHARE = 0.1
#: How often sub-agents' files are looked for, in seconds.
SUBAGENTS_S = 0.2
#: The most that asking for unsettled steps may take.
PEEK_S = 20
#: A document that looks half written, or a file of which no reader is sure yet, is given so long, in seconds.
PATIENCE_S = 1.0
#: How sure a reader has to be of a file to read it without further ado.
SURE = 0.5
_END_BYTES = 64
_CLAUDE = "claude-code"


class Growing:
    """One file. `look` often, and where that says so, take `settled` to its end, then `pending`.

    anew: `settled` begins with the first step again. stamp: size and mtime_ns of the file as it was looked at.
    """

    def __init__(self, path: Path, format: str | None = None) -> None:
        self.path, self._asked = path, format
        self.anew = False
        self.stamp = (0, 0)
        self._reader: Reader | None = None
        self._sure = False
        self._source: GrowingSource | None = None
        self._records: Iterator[Record] | None = None
        self._marks = (b"", b"")
        self._seen_stamp: tuple[int, int, int] | None = None
        self._rewinds = Rewinds()
        self._agents = _AgentFiles(path)
        self._next_reading = 0.0
        self._drained = False

    @property
    def format(self) -> str | None:
        """The format's name; None while nothing is there to tell it from."""
        return self._reader.name if self._reader else None

    def close(self) -> None:
        self._records = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def restart(self) -> None:
        """Read from the beginning next, and at once."""
        self.close()
        self._seen_stamp, self._next_reading = None, 0.0

    # -- is there something new? ----------------------------------------------------------------------------------

    def moved(self) -> bool:
        """Whether the file has changed since `look` said so last; what has is not looked at."""
        with suppress(OSError):
            status = os.stat(self.path)
            return (status.st_ino, status.st_size, status.st_mtime_ns) != self._seen_stamp
        return False

    def look(self, *, now: bool = False) -> bool:
        """Whether `settled` and `pending` have something new. Cheap. Raises UserError for what is in no known format.

        A file that is gone may be about to be replaced: nothing is new then. now: whoever writes it is held, so there
        is nothing to wait for.
        """
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        moved = stamp != self._seen_stamp or self._agents.changed(self.format)
        if not (moved or self._agents.rewritten or self._rewinds.met):
            return False
        if not self._sure and not self._recognised(status, now):
            return False
        anew = self._source is None or self._must_begin_anew(status)
        if anew and not now and (time.monotonic() < self._next_reading or self._half_written(status)):
            return False
        self._seen_stamp, self.stamp = stamp, stamp[1:]
        return True

    def _recognised(self, status: os.stat_result, now: bool) -> bool:
        """Whether the format is known by now. The beginning of a file may look like something else than the whole."""
        guesses = [] if self._asked else sniff(self.path)
        self._sure = bool(self._asked) or (bool(guesses) and guesses[0].confidence >= SURE)
        if not status.st_size or (not self._sure and not now and _age_s(status) < PATIENCE_S):
            return False
        reader = choose(self.path, self._asked)
        if self._reader is not None and reader is not self._reader:
            self.restart()
        self._reader = reader
        return True

    def _resumable(self) -> bool:
        """Whether the file can be read on from where it was left. Not a compressed one: its lines have no places."""
        if self.format not in RESUMABLE:
            return False
        with suppress(OSError):
            return compression_of(self.path) is None
        return True

    def _half_written(self, status: os.stat_result) -> bool:
        """Whether somebody is just writing a whole document anew: it does not end as one yet."""
        if self._resumable() or _age_s(status) > PATIENCE_S:
            return False
        try:
            with open(self.path, "rb") as file:
                file.seek(max(0, status.st_size - _END_BYTES))
                end = file.read().rstrip()
        except OSError:
            return True
        return self.format != "text" and not end.endswith((b"}", b"]"))

    def _must_begin_anew(self, status: os.stat_result) -> bool:
        source = self._source
        assert source is not None
        return (
            not self._resumable()
            or (status.st_dev, status.st_ino) != source.identity
            or status.st_size < source.offset
            or source.marks() != self._marks
            or self._rewinds.met
            or self._agents.rewritten
        )

    # -- what is new ------------------------------------------------------------------------------------------------

    def settled(self) -> Iterator[Record]:
        """The records that are certain and were not given yet; to be taken to the end."""
        if self._source is not None and not self._drained and self._moved_away():
            self._drained, self._seen_stamp = True, None  # first what was still written before it was replaced
            self.anew = False
            return self._go_on()
        self.anew = self._source is None or self._must_begin_anew(os.stat(self.path))
        if not self.anew:
            return self._go_on()
        self._drained = False
        return self._begin()

    def _moved_away(self) -> bool:
        source = self._source
        assert source is not None
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return self._resumable() and (status.st_dev, status.st_ino) != source.identity

    def _begin(self) -> Iterator[Record]:
        """All records from the first one on."""
        began = time.monotonic()
        self.close()
        assert self._reader is not None
        self._agents.begin()
        if self._resumable():
            self._rewinds = Rewinds(os.stat(self.path).st_size)
            watch = self._rewinds.see if self.format == _CLAUDE else lambda line, offset: None
            self._source = GrowingSource(self.path, watch)
            self._records = self._guarded(self._reader, self._source)
            yield from self._go_on()
        else:
            self._source = GrowingSource(self.path)
            yield from read(self.path, self.format)
        self._next_reading = time.monotonic() + (time.monotonic() - began) / SHARE

    def _go_on(self) -> Iterator[Record]:
        """The records up to the end of what is there."""
        if self._records is not None and self._source is not None:
            for record in self._records:
                if isinstance(record, Problem) and is_pause(record):
                    break
                if isinstance(record, Header):
                    self._agents.known(record.files)
                self._agents.placed(record)
                yield record
        if self._source is not None:
            self._marks = self._source.marks()

    def _guarded(self, reader: Reader, source: GrowingSource) -> Iterator[Record]:
        """The reader's records; a reader that fails ends with a Problem (as in `sessions.readers.read`)."""
        try:
            yield from reader.read(source)
        except (BadJson, RecursionError, OSError) as error:
            yield source.problem(f"cannot be read on: {error}"[:200])
        except UserError:
            raise
        except Exception as error:  # a reader met what it did not foresee: keep what it has read
            yield source.problem(f"the reader {reader.name} stopped here: {type(error).__name__}: {error}"[:200])

    def pending(self) -> list[Record]:
        """The records that would come if the file ended here: unsettled steps, and what is known of the run by now."""
        if self._records is None or self._source is None or not hasattr(os, "fork"):
            return []
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            _give_rest(self._records, self._source, write_end)
        os.close(write_end)
        with open(read_end, "rb") as pipe:
            data = pipe.read()
        os.waitpid(child, 0)
        with suppress(pickle.UnpicklingError, EOFError, ValueError):
            rest: list[Record] = pickle.loads(data)  # noqa: S301 - written by our own copy
            return rest
        return []


def _age_s(status: os.stat_result) -> float:
    return time.time() - status.st_mtime


def _give_rest(records: Iterator[Record], source: GrowingSource, pipe: int) -> None:
    """In the copy: the file ends here. Never returns; nothing of the original's is closed or cleaned up."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(PEEK_S)
        source.ended = True
        data = pickle.dumps([record for record in records if not isinstance(record, Problem)], protocol=5)
        view = memoryview(data)
        while view:
            view = view[os.write(pipe, view) :]
    finally:
        os._exit(0)


class _AgentFiles:
    """The files of a Claude Code session's sub-agents: they grow beside it.

    rewritten: the reader has to begin anew, because a file came that it does not know of, or one grew whose steps it
    has given on already.
    """

    def __init__(self, session: Path) -> None:
        self._session = session
        self._sizes: dict[str, int] = {}
        self._known: list[str] = []
        self._placed: set[str] = set()
        self._next_look = 0.0
        self.rewritten = False

    def begin(self) -> None:
        self.rewritten = False
        self._known, self._placed = [], set()
        self._sizes = self._found()

    def known(self, files: list[str]) -> None:
        """The files that the reader has found, in the order by which spans name them."""
        self._known = files

    def placed(self, record: Record) -> None:
        """Remember whose steps were given on."""
        for raw in getattr(record, "raw", ()):
            file = getattr(raw, "file", 0)
            if file and file <= len(self._known):
                self._placed.add(self._known[file - 1])

    def changed(self, format: str | None) -> bool:
        """Whether any has come or grown since it was asked last."""
        now = time.monotonic()
        if format != _CLAUDE or now < self._next_look or self._session.name.startswith("agent-"):
            return False
        self._next_look = now + SUBAGENTS_S
        found = self._found()
        grown = {name for name, size in found.items() if self._sizes.get(name) != size}
        if not grown:
            return False
        self._sizes = found
        self.rewritten = self.rewritten or bool(grown - set(self._known)) or bool(grown & self._placed)
        return True

    def _found(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        folder = self._session.with_suffix("")
        try:
            beside = [entry.path for entry in os.scandir(self._session.parent) if _is_agents(entry.name)]
        except OSError:
            beside = []
        inside = (os.path.join(top, name) for top, _, names in os.walk(folder / "subagents") for name in names)
        for name in chain(beside, (name for name in inside if _is_agents(os.path.basename(name)))):
            with suppress(OSError):
                sizes[os.path.abspath(name)] = os.stat(name).st_size
        return sizes


def _is_agents(name: str) -> bool:
    return name.startswith("agent-") and name.endswith(".jsonl")
