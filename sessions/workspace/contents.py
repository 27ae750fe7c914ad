"""Reading many files into the store, with a few threads: hashing and compressing run beside each other."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import Queue, SimpleQueue

from sessions.workspace import entries as e
from sessions.workspace.entries import Entry, StatKey, left_out
from sessions.workspace.objects import Objects, PackWriter, packed
from sessions.workspace.reading import Reader, Vanished

#: Less than this is read without threads, which take their time to start.
_FEW_BYTES = 3_000_000
_MOST_THREADS = 4
_BATCH_FILES, _BATCH_BYTES = 64, 2_000_000
_WAITING = 8


@dataclass(slots=True)
class Read:
    """A file that was read: its state, and its content as it is to be kept, None if the store has it. key: None for a
    path that is not covered."""

    path: str
    entry: Entry
    key: StatKey | None
    kept: tuple[int, bytes] | None = None
    large: bool = False


def read_all(
    reader: Reader, objects: Objects, writer: PackWriter, files: Mapping[str, os.stat_result]
) -> Iterator[tuple[str, Entry, StatKey | None]]:
    """Read these files into the writer; their states, those of unreadable ones as left out. Vanished ones are skipped.

    Raises OSError where the store cannot be written.
    """
    large = []
    for item in _reads(reader, objects, writer, files):
        if item.large:
            large.append(item)
            continue
        if item.kept is not None:
            writer.add(item.entry.content, item.entry.size, *item.kept)
        yield item.path, item.entry, item.key
    for item in large:
        yield item.path, _keep_large(reader, objects, writer, item, files[item.path]), item.key


def _keep_large(reader: Reader, objects: Objects, writer: PackWriter, item: Read, seen: os.stat_result) -> Entry:
    """A large file is read twice: once for its hash, and again only if the store does not have it."""
    entry = item.entry
    if entry.content in writer.added or objects.has(entry.content):
        return entry
    try:
        content, size = writer.add_pieces(reader.pieces(item.path, seen))
    except Vanished:
        return left_out(seen, e.UNREADABLE)
    if content != entry.content:
        return entry._replace(content=content, size=size, flags=entry.flags | e.TORN)
    return entry


def _reads(reader: Reader, objects: Objects, writer: PackWriter, files: Mapping[str, os.stat_result]) -> Iterator[Read]:
    work = _Work(reader, objects, writer)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    if threads < 2 or sum(status.st_size for status in files.values()) < _FEW_BYTES:
        for path, status in files.items():
            if (item := work.read(path, status)) is not None:
                yield item
    else:
        yield from _Crew(work, threads).run(_batches(files))


def _batches(files: Mapping[str, os.stat_result]) -> Iterator[list[tuple[str, os.stat_result]]]:
    batch: list[tuple[str, os.stat_result]] = []
    size = 0
    for path, status in files.items():
        batch.append((path, status))
        size += status.st_size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(slots=True)
class _Work:
    reader: Reader
    objects: Objects
    writer: PackWriter

    def read(self, path: str, seen: os.stat_result) -> Read | None:
        """One file; None if it vanished."""
        try:
            content = self.reader.read(path, seen)
        except Vanished:
            return None
        except OSError:
            return Read(path, left_out(seen, e.UNREADABLE), None)
        if content.data is None:
            return Read(path, content.entry, content.key, large=True)
        known = content.entry.content in self.writer.added or self.objects.has(content.entry.content)
        return Read(path, content.entry, content.key, None if known else packed(content.data))


class _Crew:
    """Threads that take batches and give results, in any order, never far ahead of who uses them."""

    def __init__(self, work: _Work, threads: int) -> None:
        self._work = work
        self._threads = [threading.Thread(target=self._labour, daemon=True) for _ in range(threads)]
        self._todo: SimpleQueue[list[tuple[str, os.stat_result]] | None] = SimpleQueue()
        self._results: Queue[list[Read] | BaseException] = Queue(_WAITING)
        self._stop = threading.Event()

    def run(self, batches: Iterable[list[tuple[str, os.stat_result]]]) -> Iterator[Read]:
        left = 0
        for batch in batches:
            self._todo.put(batch)
            left += 1
        for thread in self._threads:
            self._todo.put(None)
            thread.start()
        try:
            while left:
                result = self._results.get()
                left -= 1
                if isinstance(result, BaseException):
                    raise result
                yield from result
        finally:
            self._end()

    def _labour(self) -> None:
        try:
            while (batch := self._todo.get()) is not None and not self._stop.is_set():
                try:
                    found: list[Read] | BaseException = [
                        item for path, seen in batch if (item := self._work.read(path, seen)) is not None
                    ]
                except BaseException as error:
                    found = error
                self._results.put(found)
        finally:
            self._work.objects.database.close_thread()

    def _end(self) -> None:
        """No thread may outlive the reading: it would use descriptors that are closed by then."""
        self._stop.set()
        while any(thread.is_alive() for thread in self._threads):
            while not self._results.empty():
                self._results.get_nowait()
            for thread in self._threads:
                thread.join(0.01)
