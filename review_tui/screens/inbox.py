"""The inbox: every run in the store with what has been decided of it, to filter, sort and open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from review_tui.actions import INBOX, Action
from review_tui.gates import AGE_S, GateView
from review_tui.inbox_reading import Entry, InboxReader, Listing
from review_tui.sanitize import clean, short
from review_tui.screens.doors import Doors
from review_tui.screens.inbox_rows import InboxRows
from review_tui.screens.prompt import Prompt
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from review_tui.words import counted
from sessions import catalog
from sessions.store import Store

if TYPE_CHECKING:
    from labels.queue_progress import Overview

STATES = ("all", "to do", "started", "done")
SORTS = ("added", "title", "progress", "steps", "errors", "labels", "suggestions")
REFRESH_S = 0.5
#: While files are imported, the list is renewed at most a hundredth of the time: with ten thousand runs in it, a key
#: would wait for it now and then.
LOOK_SHARE, MOST_WAIT_S = 100.0, 5.0
#: The first frame has the processor for itself so long, in seconds.
SETTLE_S = 0.15
#: How many times longer than counting the queues took, they are not counted again.
QUEUES_SHARE = 10.0


class InboxScreen(Doors):
    """Lists the runs; newer ones appear while they are read."""

    ACTIONS: ClassVar[list[Action]] = INBOX
    DEFAULT_CSS = """
    InboxScreen #runs { padding: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.shown: list[Entry] = []
        self.gates: list[GateView] = []
        self.audit: list[GateView] = []
        self._known_gates: set[str] | None = None
        self.words = ""
        self.wanted_state = 0
        self.sort = 0
        self.turned = False
        self.queues: list[Overview] = []
        self.total = 0
        self._done = 0
        self._reader: InboxReader
        self._wanted: str | None = None
        self._version = (-1, -1)
        self._queues_version = -1
        self._queues_due = 0.0
        self._due = 0.0

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        yield RowList(id="runs")
        yield Bar(1, id="footer")

    @property
    def runs(self) -> RowList:
        return self.query_one("#runs", RowList)

    async def on_mount(self) -> None:
        self._reader = InboxReader(self.station.store, self.station.reviewer)
        self.ready = True
        self.show_keys()
        self.runs.focus()
        await self._list(self._reader.first)
        self.set_timer(SETTLE_S, self._read_rest_behind)
        self.set_interval(REFRESH_S, self._look)
        self.set_interval(AGE_S, self._tick)

    def _read_rest_behind(self) -> None:
        self.run_worker(self._read_rest(), exit_on_error=False)

    async def _read_rest(self) -> None:
        """Behind the first frame: the other runs, and the queues."""
        await self.reload()
        await self._look_at_queues()

    async def on_screen_resume(self) -> None:
        if self.is_mounted and self.entries:
            self._queues_due = 0.0
            self._read_rest_behind()

    def on_resize(self) -> None:
        self._show_head()

    async def _look(self) -> None:
        """Reload when somebody (an import, another reviewer) has written to the store."""
        if not self.is_current or (self.station.importing and time.monotonic() < self._due):
            return
        version = (self.station.store.data_version(), self.station.importing)
        if version != self._version:
            self._version = version
            await self.reload()
        if version[0] != self._queues_version:
            self.run_worker(self._look_at_queues(), exit_on_error=False)

    def _tick(self) -> None:
        """How long agents have been waiting: only the rows that say something else now are drawn."""
        if self.is_current and (self.gates or self.audit):
            self.runs.renew()

    async def reload(self) -> None:
        """Read the list again, off the UI thread."""
        await self._list(self._reader.all)

    async def _list(self, read: Callable[[], Listing]) -> None:
        found = await self.work(read)
        if found is None or not self.is_attached:
            return
        if found.entries is not self.entries:
            self.entries, self._done = found.entries, sum(1 for entry in found.entries if entry.state == "done")
        self.gates, self.audit, self.total = found.gates, found.audit, found.total
        self._tell_of_gates()
        began = time.monotonic()
        self.show_rows()
        now = time.monotonic()
        self._due = now + min(MOST_WAIT_S, LOOK_SHARE * (now - began))

    async def _look_at_queues(self) -> None:
        """Count how far the queues have come: never more than a tenth of the time, for it may be much to count."""
        began = time.monotonic()
        if began < self._queues_due:
            return
        self._queues_due = began + 3600
        self._queues_version = self.station.store.data_version()
        found = await self.work(_queues_with_work, self.station.store, self.station.reviewer)
        now = time.monotonic()
        self._queues_due = now + max(REFRESH_S, QUEUES_SHARE * (now - began))
        if found is not None and found != self.queues and self.is_attached:
            self.queues = found
            self.show_rows()

    def _tell_of_gates(self) -> None:
        """A gate that was not there a moment ago rings."""
        known, self._known_gates = self._known_gates, {view.gate.id for view in self.gates}
        seen = self.station.seen_gates
        if known is not None and (new := [view for view in self.gates if view.gate.id not in known | seen]):
            self.station.ring(new[0])

    def point_at(self, run_id: str) -> None:
        """Put the cursor on a run as soon as it is listed."""
        self._wanted = run_id
        if self.ready:
            self.show_rows()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_rows(self) -> None:
        self.shown = shown = [entry for entry in self.entries if self._fits(entry)]
        shown.sort(key=_sort_key(SORTS[self.sort]))
        if self.turned:
            shown.reverse()
        wanted, here = self._wanted, {entry.run.id for entry in shown}
        select = wanted if wanted in here else None
        self._wanted = None if select else wanted
        nothing = FixedRows([(None, [(f" {self._nothing()}", "faint")])])
        some = shown or self.gates or self.audit or self.queues
        rows = InboxRows(shown, self.gates, self.audit, self.queues)
        self.runs.show(rows if some else nothing, select=select)
        self._show_head(len(shown))

    def _nothing(self) -> str:
        if self.entries:
            return "No run fits the filter: / changes it, f shows other states."
        if self.station.importing:
            return "Reading ..."
        return "The inbox is empty. Quit (q) and give runs: review-tui PATH... (files, or folders of them)."

    def _fits(self, entry: Entry) -> bool:
        wanted = STATES[self.wanted_state]
        if wanted not in ("all", entry.state):
            return False
        if not self.words:
            return True
        run = entry.run
        text = f"{run.title} {run.system or ''} {run.format} {run.path or ''} {run.model or ''} {run.id}".lower()
        return all(word in text for word in self.words.lower().split())

    def _show_head(self, shown: int | None = None) -> None:
        if not self.is_mounted:
            return
        done = f", {self._done:,} done" if len(self.entries) >= self.total else ", counting …"
        count = len(self.entries) if shown is None else shown
        first: Pieces = [
            ("review station", "accent"),
            (f"   {counted(max(self.total, len(self.entries)), 'run')}{done}", "text"),
            (f"   {len(self.gates):,} waiting" if self.gates else "", "warn"),
            None,
            (f"reviewer {short(self.station.reviewer, 24)}", "faint"),
            ("   reading …" if self.station.importing else "", "warn"),
        ]
        parts: list[tuple[str, str] | None] = [(f"{count:,} shown", "text")]
        if self.words:
            parts.append((f" · filter {short(self.words, 30)!r}", "warn"))
        if self.wanted_state:
            parts.append((f" · only {STATES[self.wanted_state]}", "warn"))
        parts.append((f" · by {SORTS[self.sort]}{' ↑' if self.turned else ''}", "faint"))
        parts += [None, (self.station.last_problem, "error")]
        self.query_one("#head", Bar).show(first, parts)

    # -- keys ---------------------------------------------------------------------------------------------------

    async def _open(self, run_id: str) -> None:
        kind, colon, name = run_id.partition(":")
        if colon and kind == "gate":
            await self._open_gate(name)
            return
        if colon and kind == "queue":
            await self._open_queue(name)
            return
        run = await self.work(catalog.run_by_id, self.station.store, run_id)
        if run is not None:
            await self.station.open_run(run)

    async def _open_gate(self, gate_id: str) -> None:
        view = next((view for view in [*self.gates, *self.audit] if view.gate.id == gate_id), None)
        if view is not None:
            await self.station.open_gate(view.gate)

    async def _open_queue(self, queue_id: str) -> None:
        from review_tui.screens.queues import open_next

        chosen = next((item for item in self.queues if item.queue.id == queue_id), None)
        if chosen is not None:
            await open_next(self, chosen)

    @on(RowList.Chosen, "#runs")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self._open(event.key)

    async def action_open(self) -> None:
        if self.runs.selected is not None:
            await self._open(self.runs.selected)

    # The rows' own keys are taken here, so that an Enter typed right behind one acts on the row it went to.

    def action_down(self) -> None:
        self.runs.move(1)

    def action_up(self) -> None:
        self.runs.move(-1)

    def action_page_down(self) -> None:
        self.runs.move(1, max(1, self.runs.size.height - 1))

    def action_page_up(self) -> None:
        self.runs.move(-1, max(1, self.runs.size.height - 1))

    def action_home(self) -> None:
        self.runs.to_end(-1)

    def action_end(self) -> None:
        self.runs.to_end(1)

    async def action_next_todo(self) -> None:
        todo = [entry for entry in self.shown if entry.state != "done" and entry.run.steps]
        if todo:
            await self._open(todo[0].run.id)
        else:
            self.say("Nothing left to do here.", "good")

    async def action_next_gate(self) -> None:
        if self.gates:
            await self.station.open_gate(self.gates[0].gate)
        else:
            self.say("No gate waits.", "good")

    async def action_filter(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self.words = text.strip()
                self.show_rows()

        await self.station.push_screen(Prompt("Filter", self.words, "words of title, system, format, path"), typed)

    def action_state(self) -> None:
        self.wanted_state = (self.wanted_state + 1) % len(STATES)
        self.show_rows()

    def action_sort(self) -> None:
        self.sort = (self.sort + 1) % len(SORTS)
        self.show_rows()

    def action_reverse(self) -> None:
        self.turned = not self.turned
        self.show_rows()

    async def action_search_all(self) -> None:
        await self.station.open_search()

    async def action_codebook(self) -> None:
        await self.station.open_codebook()

    async def action_problems(self) -> None:
        entry = next((entry for entry in self.entries if entry.run.id == self.runs.selected), None)
        if entry is not None:
            await self.station.show_about(entry.run)

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of the inbox")

    async def action_quit(self) -> None:
        await asyncio.sleep(0)
        self.station.exit()


def _queues_with_work(store: Store, reviewer: str) -> list[Overview]:
    """The queues that have something left for this reviewer."""
    from labels.queues import queues

    if not queues(store):
        return []
    from labels.queue_progress import overview  # more than a first frame needs

    return [item for item in overview(store, reviewer) if item.left]


def _sort_key(name: str) -> Callable[[Entry], Any]:
    keys: dict[str, Callable[[Entry], Any]] = {
        "added": lambda entry: entry.run.no,
        "title": lambda entry: clean(entry.run.title).lower(),
        "progress": lambda entry: (entry.share, entry.run.no),
        "steps": lambda entry: -entry.run.steps,
        "errors": lambda entry: -entry.run.errors,
        "labels": lambda entry: -entry.labels,
        "suggestions": lambda entry: -entry.suggestions,
    }
    return keys[name]
