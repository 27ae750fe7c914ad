"""Driving the station in tests: open it headless on a database, press keys, and read the screen and the database.

The database is always read through a store of its own, so that what is checked is what is committed.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip
from textual.worker import WorkerCancelled

import sample_traces
from labels import views
from labels.codebook import load_all
from labels.codebook_ref import CodebookRef
from labels.events import Event, of_runs
from labels.ledger import Ledger
from labels.model import Evidence, StepRef
from labels.suggestions import Suggestion
from labels.suggestions import save as save_suggestions
from labels.views import DecisionView
from review_tui.app import ReviewApp
from review_tui.screens.inbox import InboxScreen
from review_tui.screens.review import ReviewScreen
from review_tui.widgets.bar import Bar
from sessions import catalog, ingest
from sessions.catalog import RunInfo
from sessions.ingest import import_file
from sessions.run import Header, Part, Step
from sessions.store import Store

SAMPLES = sample_traces.path()
CHECKOUT = SAMPLES / "checkout-outage.json"
FREEZE = SAMPLES / "replit-freeze.jsonl"
HOSTILE = SAMPLES / "wide-and-hostile.jsonl"
SMALL, MIDDLE, LARGE = (80, 24), (120, 36), (200, 60)
PATIENCE_S = 10.0
#: A key goes down to the focused widget and up again through its screen to the application, then acts.
TURNS = 8
REPLACED = {"space": " ", "enter": "\r", "tab": "\t", "slash": "/", "colon": ":"}


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Let the application work until the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain: {what or condition}"
        await pilot.pause(0.01)


class Station:
    """An open station. Reads as what a reviewer does and sees."""

    def __init__(self, app: ReviewApp, pilot: Pilot[Any], db: Path) -> None:
        self.app, self.pilot, self.db = app, pilot, db

    # -- hands --------------------------------------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before has been worked on. (`Pilot.press` waits 60 ms a key for an idle
        processor; a key needs no more than some turns of the widgets' queues.)"""
        for key in keys:
            self.app._driver.send_message(_key_event(key))
            for _ in range(TURNS):
                await self.pilot._wait_for_screen()
        await self.pilot.pause(0)

    async def type(self, text: str, *, enter: bool = True) -> None:
        """Put a text into the prompt that is open, as a paste would, and press Enter."""
        from textual.widgets import Input

        self.app.screen.query_one(Input).value = text
        await self.pilot.pause()
        if enter:
            await self.pilot.press("enter")

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        await until(self.pilot, condition, what)

    async def to_step(self, number: int) -> None:
        """Put the cursor on a step's first row, with the keys a reviewer would use."""
        await self.press("colon", *str(number), "enter")
        assert self.cursor[0] == number - 1

    # -- eyes ---------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        return screen_lines(self.app)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def screen(self) -> str:
        """The class of the screen on top."""
        return type(self.app.screen).__name__

    @property
    def reviewing(self) -> bool:
        """Whether a run is open and on the screen."""
        screen = self.app.screen
        return isinstance(screen, ReviewScreen) and hasattr(screen, "desk") and bool(self.head.strip())

    def bar(self, name: str) -> str:
        """What is written in the head or the footer of the station's screen (under any prompt)."""
        screen = next(item for item in reversed(self.app.screen_stack) if item.query(f"#{name}"))
        return " ".join(
            "".join(piece[0] for piece in line if piece is not None) for line in screen.query_one(f"#{name}", Bar).lines
        )

    @property
    def footer(self) -> str:
        return self.bar("footer")

    @property
    def head(self) -> str:
        return self.bar("head")

    @property
    def side(self) -> str:
        rows = self.review.side.source
        return "\n".join("".join(piece[0] for piece in rows.pieces(n, 40) if piece) for n in range(len(rows)))

    @property
    def review(self) -> ReviewScreen:
        return next(item for item in reversed(self.app.screen_stack) if isinstance(item, ReviewScreen))

    @property
    def inbox(self) -> InboxScreen:
        return next(item for item in reversed(self.app.screen_stack) if isinstance(item, InboxScreen))

    @property
    def cursor(self) -> tuple[int, int]:
        return tuple(self.review.transcript.cursor)

    @property
    def chunk(self) -> int:
        """The current chunk, from 1."""
        return self.review.desk.chunk + 1

    # -- the database -------------------------------------------------------------------------------------------

    @property
    def run(self) -> RunInfo:
        return self.review.desk.run

    def decisions(self, run: RunInfo | None = None) -> list[DecisionView]:
        with Store.open(self.db) as store:
            return views.decisions(store, run or self.run, self.app.reviewer)

    def decision(self, chunk: int | str) -> DecisionView:
        """What is decided on a chunk (by its number) or on the run ("run")."""
        scope, number = ("run", 0) if chunk == "run" else ("chunk", chunk)
        (found,) = [item for item in self.decisions() if item.scope == scope and item.number == number]
        return found

    def events(self) -> list[Event]:
        with Store.open(self.db) as store:
            return of_runs(store, catalog.ids_of(store, self.run.id), self.app.reviewer)


def _key_event(key: str) -> events.Key:
    name = key if key.isalnum() or len(key) > 1 else _character_to_key(key)
    return events.Key(name, REPLACED.get(name, key if len(key) == 1 else None))


class NoImport:
    """Stands for an import that has nothing to read."""

    busy = False

    def follow(self, **_callbacks: Any) -> None:
        return

    def stop(self) -> None:
        return


class Faucet:
    """An import of one run whose steps come when the test lets them, in a thread instead of a process."""

    busy = True

    def __init__(self, db: Path, file: Path, total: int) -> None:
        file.write_text(CHECKOUT.read_text())
        self.db, self.file, self.total = db, file, total
        self._gates = threading.Semaphore(0)
        self._stopped = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def let(self, steps: int) -> None:
        for _ in range(steps):
            self._gates.release()

    def _read(self, _path: Path, _format: str | None = None) -> Iterator[Any]:
        yield Header("faucet", title="A run that grows")
        for number in range(self.total):
            while not self._gates.acquire(timeout=0.02):
                if self._stopped.is_set():
                    raise ingest.Cancelled
            yield Step("agent", "agent", [Part("text", f"This is word{number + 1}.")])

    def follow(self, *, started: Callable[..., None], finished: Callable[..., None], **_failed: Any) -> None:
        self._idle.clear()
        try:
            self._follow(started, finished)
        finally:
            self._idle.set()

    def join(self) -> None:
        """Wait until nothing of it runs any more: its patches must be gone before another one sets its own."""
        assert self._idle.wait(10)

    def _follow(self, started: Callable[..., None], finished: Callable[..., None]) -> None:
        with (
            patch.multiple(ingest, read=self._read, FIRST_BATCH=7, BATCH_STEPS=5),
            Store.open(self.db) as store,
            suppress(ingest.Cancelled),
        ):
            report = import_file(store, self.file, None, ingest.Watch(started=started))
            self.busy = False
            finished(report.path, [run.run for run in report.runs], None)

    def stop(self) -> None:
        self.busy = False
        self._stopped.set()


@asynccontextmanager
async def station(
    db: Path,
    *paths: Path,
    size: tuple[int, int] = MIDDLE,
    reviewer: str = "ann",
    ready: bool = True,
    toasts: bool = False,
    **options: Any,
) -> AsyncIterator[Station]:
    """The station on a database, open until the block ends. ready: wait until everything has been read.
    toasts: whether they are shown."""
    with Store.open(db) as store:
        if "importer" not in options and all(path.is_file() and catalog.known_runs(store, path) for path in paths):
            options["importer"] = NoImport()
        options.setdefault("detect", False)  # its suggestions come when they come
        app = ReviewApp(store, reviewer, paths, **options)
        async with app.run_test(size=size, notifications=toasts) as pilot:
            here = Station(app, pilot, db)
            if ready:
                await here.until(lambda: app._codebooks is not None, "the codebooks")
                await here.until(lambda: app._importer is not None and not app.importing, "the end of reading")
                await pilot.pause()
            try:
                yield here
            finally:
                app._importer and app._importer.stop()
        with suppress(WorkerCancelled):  # what was still under way when the station ended was told to stop
            await app.workers.wait_for_complete()
        if isinstance(app._importer, Faucet):
            app._importer.join()


def screen_lines(app: ReviewApp) -> list[str]:
    """The whole screen as text, with whatever lies over it."""
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    return ["".join(segment.text for segment in Strip.join(row)) for row in update.strips]


# -- databases ----------------------------------------------------------------------------------------------------


def fill(db: Path, *paths: Path) -> list[RunInfo]:
    """Import files into a database; the runs."""
    with Store.open(db) as store:
        reports = [import_file(store, path) for path in paths]
        found = [catalog.run_by_id(store, run.run) for report in reports for run in report.runs]
    return [run for run in found if run is not None]


def copy_db(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        if Path(f"{source}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", f"{target}{suffix}")
    return target


@contextmanager
def ledger_of(db: Path, reviewer: str = "ann") -> Iterator[Ledger]:
    with Store.open(db) as store:
        yield Ledger(store, reviewer)


def suggest(db: Path, run: RunInfo, claims: Iterable[tuple[str, int, int, str]], **more: Any) -> list[Suggestion]:
    """Put suggestions into a database. claims: (mode, first step, last step, a quote of the first one), from 1."""
    book = load_all([])
    (mast,) = [item for item in book if item.id == "mast"]
    version = CodebookRef(id=mast.ref.id, version=mast.ref.version, sha256=mast.ref.sha256)
    made = []
    with Store.open(db) as store:
        for slug, first, last, quote in claims:
            (mode,) = [item for item in mast.modes if item.slug == slug]
            ends = []
            for number in (first, last):
                step_id = catalog.step_id(store, run.no, number - 1)
                assert step_id is not None
                ends.append(StepRef(id=step_id, index=number - 1))
            made.append(
                Suggestion(
                    mode=slug, code=mode.code, name=mode.name, codebook=version, first=ends[0], last=ends[1],
                    evidence=(quote_evidence(store, run, first, quote),),
                    **{"score": 0.81, "detector": "testing", "version": "1", "rationale": "It looks like it.", **more},
                )
            )  # fmt: skip
        save_suggestions(store, run, made)
    return made


def quote_evidence(store: Store, run: RunInfo, number: int, quote: str) -> Evidence:
    """The first place of a quote in step `number` (from 1)."""
    stored = catalog.step(store, run.no, number - 1)
    for part, content in enumerate(stored.step.parts):
        start = content.text.find(quote)
        if start >= 0:
            ref = StepRef(id=stored.id, index=number - 1)
            return Evidence(step=ref, part=part, start=start, end=start + len(quote), quote=quote)
    raise AssertionError(f"step {number} does not say {quote!r}")
