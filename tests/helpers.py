"""What several tests need: small runs, a reader for them, strategies that make up steps, and other processes."""

from __future__ import annotations

import gc
import json
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sessions import catalog, readers
from sessions.catalog import RunInfo
from sessions.ingest import Imported, ImportReport, Watch, import_file
from sessions.readers.base import Head, Source
from sessions.run import PART_KINDS, ROLES, Header, Part, Problem, Record, Span, Step, arguments_text
from sessions.store import Store

FORMAT = "test-lines"


def quick(examples: int, **more: Any) -> settings:
    """Settings for a property that is checked on so many examples."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks, database=None, **more)


# -- runs in files ------------------------------------------------------------------------------------------------


class LinesReader:
    """JSONL in the shape of our own model: a line is a step (or only its text), or `{"run": {...}}` begins a run."""

    name = FORMAT
    title = "Lines for tests"
    versions = "1"

    def sniff(self, head: Head) -> float:
        return 0.0

    def read(self, source: Source) -> Iterator[Record]:
        opened = 0
        for item in source.json_lines():
            if isinstance(item, Problem):
                yield item
                continue
            _, span, value = item
            if isinstance(value, dict) and "run" in value:
                yield Header(FORMAT, item=opened, **value["run"])
                opened += 1
                continue
            if not opened:
                yield Header(FORMAT, title=source.path.stem)
                opened = 1
            yield as_step(value, span)


def as_step(value: Any, span: Span) -> Step:
    """A line of the test format as a step."""
    if isinstance(value, str):
        return Step("agent", "agent", [Part("text", value)], raw=[span])
    fields = {**value, "parts": [Part(**part) for part in value.get("parts", [])]}
    return Step(**{"actor": "agent", "role": "agent", "raw": [span], **fields})


def line_of(step: Step | str) -> str:
    """A step as a line of the test format."""
    if isinstance(step, str):
        return json.dumps(step)
    value: dict[str, Any] = {name: getattr(step, name) for name in Step.__slots__ if name != "raw"}
    value["parts"] = [{name: getattr(part, name) for name in Part.__slots__} for part in step.parts]
    return json.dumps(value)


def write_run(path: Path, steps: Iterable[Step | str]) -> Path:
    """A file of the test format with one run."""
    path.write_text("".join(line_of(step) + "\n" for step in steps))
    return path


def load_report(store: Store, path: Path, watch: Watch | None = None) -> ImportReport:
    """Import a file of the test format."""
    with patch.dict(readers.BUILT_IN, {FORMAT: "helpers:LinesReader"}):
        return import_file(store, path, FORMAT, watch)


def load(store: Store, path: Path, watch: Watch | None = None) -> list[Imported]:
    """Import a file of the test format; its runs."""
    return load_report(store, path, watch).runs


def put(store: Store, path: Path, steps: Iterable[Step | str]) -> RunInfo:
    """Write a run to a file, import it, and give back its row."""
    (imported,) = load(store, write_run(path, steps))
    run = catalog.run_by_id(store, imported.run)
    assert run is not None
    return run


def texts(store: Store, run: RunInfo) -> list[str]:
    """The text of the first part of every step."""
    return [stored.step.parts[0].text for stored in catalog.steps(store, run.no)]


# -- made-up steps ------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=30)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def parts(draw: st.DrawFn, text: st.SearchStrategy[str] | None = None) -> Part:
    """Any part that a reader could make."""
    text = TEXTS if text is None else text
    kind = draw(st.sampled_from(PART_KINDS))
    part = Part(kind, draw(text), name=draw(st.none() | text), call_id=draw(st.none() | text))
    if kind == "tool_call":
        part.arguments = draw(st.dictionaries(text, JSON_VALUES, max_size=3) | text)
        part.text = arguments_text(part.arguments)
    if kind == "tool_result":
        part.is_error = draw(st.sampled_from([None, True, False]))
        part.error_inferred = bool(part.is_error and draw(st.booleans()))
    return part


@st.composite
def steps(draw: st.DrawFn, text: st.SearchStrategy[str] | None = None) -> Step:
    """Any step that a reader could make."""
    text = TEXTS if text is None else text
    name = st.none() | text
    return Step(
        actor=draw(text),
        role=draw(st.sampled_from(ROLES)),
        parts=draw(st.lists(parts(text), max_size=4)),
        at=draw(name),
        native_id=draw(name),
        model=draw(name),
        depth=draw(st.integers(0, 5)),
        parent_call=draw(name),
        branch=draw(name),
        stage=draw(name),
        tokens_in=draw(st.none() | st.integers(0, 2**53)),
        tokens_out=draw(st.none() | st.integers(0, 2**53)),
        cost=draw(st.none() | st.floats(0, 1e6)),
    )


# -- other processes ----------------------------------------------------------------------------------------------


class Workers:
    """Child processes that begin at the same moment. Children are forked, so no database may be open here then:
    SQLite's own notes on its locks must not be inherited."""

    def __init__(self, jobs: Sequence[Callable[[], object]]) -> None:
        if open_databases():
            gc.collect()  # what nothing refers to any more is not held
        assert not (held := open_databases()), f"close the store before forking: {held}"
        gate, self._gate = os.pipe()
        self.pids = [self._start(job, gate) for job in jobs]
        os.close(gate)
        os.close(self._gate)

    def _start(self, job: Callable[[], object], gate: int) -> int:
        if pid := os.fork():
            return pid
        code = 1
        try:
            signal.alarm(60)
            os.close(self._gate)
            os.read(gate, 1)
            job()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def kill(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)

    def wait(self) -> list[int]:
        """Exit codes, or minus the signal that ended a child."""
        return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self.pids]


def in_processes(*jobs: Callable[[], object]) -> None:
    """Run all jobs at once, each in a process of its own; every one must succeed."""
    assert Workers(jobs).wait() == [0] * len(jobs)


def open_databases() -> list[str]:
    """Databases that this process holds open."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            name = os.readlink(entry)
        except OSError:
            continue
        if name.endswith((".db", ".db-wal", ".db-shm")):
            found.append(name)
    return found


def become_nobody() -> None:
    """In a child: give up root's rights, for which no file is read-only."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
