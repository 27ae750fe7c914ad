"""Searching all runs: hits appear while they are found, Enter opens the run at the place."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from review_tui.sanitize import clean, short
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import Pieces, RowList
from review_tui.words import counted
from sessions import catalog, search
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.search import Hit
from sessions.store import Store

if TYPE_CHECKING:
    from review_tui.app import ReviewApp

MOST_HITS = 2000
DEBOUNCE_S = 0.15


@dataclass(frozen=True)
class Found:
    """A hit with what is shown of it."""

    run: RunInfo
    index: int
    actor: str
    before: str
    match: str
    after: str


class HitRows:
    """Two rows a hit: where it is, and the line it is in."""

    def __init__(self, hits: list[Found]) -> None:
        self.hits = hits

    def __len__(self) -> int:
        return 2 * len(self.hits)

    def key(self, index: int) -> str:
        return str(index // 2)

    def pieces(self, index: int, width: int) -> Pieces:
        hit = self.hits[index // 2]
        if index % 2 == 0:
            title = short(hit.run.title or hit.run.id, max(10, width - 40))
            return [(f" {title}", "strong"), (f" · step {hit.index + 1:,} · {short(hit.actor, 16)}", "faint")]
        room = max(10, width - 6 - len(hit.match))
        before = clean(hit.before)[-room // 2 :]
        return [
            (f"   {before}", "text"),
            (clean(hit.match), "accent"),
            (clean(hit.after)[: max(0, room - len(before))], "text"),
        ]


class SearchScreen(Screen[tuple[RunInfo, int, str] | None]):
    """Gives (run, step index, query) of the chosen hit, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "move(10)", "Down", show=False, priority=True),
        Binding("pageup", "move(-10)", "Up", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    SearchScreen Input { border: none; height: 1; padding: 0 1; background: $surface; }
    SearchScreen Input:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.hits: list[Found] = []
        self._stop = threading.Event()
        self._runs: dict[int, RunInfo] = {}

    def compose(self) -> ComposeResult:
        yield Bar(1, id="head")
        yield Input(placeholder="a word, part of a word, a call id: anything that is in a run")
        yield RowList(id="hits")
        yield Bar(1, id="footer")

    def on_unmount(self) -> None:
        self._stop.set()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.query_one("#head", Bar).show([("search all runs", "accent")])
        self.query_one("#footer", Bar).show([("type to search · ↑ ↓ choose · Enter opens · Esc back", "faint")])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop.set()
        self._stop = threading.Event()
        self.hits = []
        self.query_one("#hits", RowList).show(HitRows(self.hits))
        if len(event.value.strip()) >= 2:
            self._search(event.value, self._stop)

    @work(thread=True, group="search-all", exit_on_error=False)
    def _search(self, query: str, stop: threading.Event) -> None:
        """Wait a moment for further letters, then look."""
        if stop.wait(DEBOUNCE_S):
            return
        store = self._store()
        try:
            self._runs = {run.no: run for run in catalog.runs(store)}
            for batch in search.search(store, query):
                found = [self._found(hit, query) for hit in batch[: MOST_HITS - len(self.hits)]]
                if stop.is_set():
                    return
                self.app.call_from_thread(self._add, [item for item in found if item], stop)
                if len(self.hits) >= MOST_HITS:
                    break
            self.app.call_from_thread(self._finished, stop, query)
        except UserError as error:
            self.app.call_from_thread(self._say, str(error), "error")
        finally:
            store.close_thread()

    def _store(self) -> Store:
        return cast("ReviewApp", self.app).store

    def _found(self, hit: Hit, query: str) -> Found | None:
        run = self._runs.get(hit.run)
        if run is None:
            return None
        step = catalog.step(self._store(), hit.run, hit.index).step
        texts = [part.text for part in step.parts]
        places = search.places(texts, query, limit=1)
        if not places:
            return Found(
                run, hit.index, step.actor, f"(in its {'raw record' if hit.where == 'raw' else 'names'})", "", ""
            )
        before, match, after = search.context(texts[places[0].part], places[0].start, places[0].end)
        return Found(run, hit.index, step.actor, before, match, after)

    def _add(self, found: list[Found], stop: threading.Event) -> None:
        if stop.is_set() or not found:
            return
        self.hits.extend(found)
        self.query_one("#hits", RowList).show(HitRows(self.hits))
        self._say(f"{counted(len(self.hits), 'step')} so far ...")

    def _finished(self, stop: threading.Event, query: str) -> None:
        if stop.is_set():
            return
        if not self.hits:
            self._say(f"{short(query, 40)!r} is in no run.", "warn")
        else:
            more = " (the first ones; narrow the search)" if len(self.hits) >= MOST_HITS else ""
            self._say(f"{counted(len(self.hits), 'step')}{more} · Enter opens")

    def _say(self, text: str, look: str = "text") -> None:
        self.query_one("#footer", Bar).show([(clean(text), look)])

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(self.query_one("#hits", RowList).selected)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self._choose(event.key)

    def _choose(self, key: str | None) -> None:
        if key is not None and self.hits:
            hit = self.hits[int(key)]
            self._stop.set()
            self.dismiss((hit.run, hit.index, self.query_one(Input).value))

    def action_move(self, step: int) -> None:
        self.query_one("#hits", RowList).move(1 if step > 0 else -1, abs(step))

    def action_leave(self) -> None:
        self._stop.set()
        self.dismiss(None)
