"""The inbox: every run in the store with what has been decided of it, to filter, sort and open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from labels.glance import Counts, counts_of
from review_tui import gates
from review_tui.actions import INBOX, Action
from review_tui.gates import GateView, age_text
from review_tui.sanitize import clean, short
from review_tui.screens.doors import Doors
from review_tui.screens.prompt import Prompt
from review_tui.transcript.folding import cells
from review_tui.widgets.bar import Bar
from review_tui.widgets.gate_panel import ALARM
from review_tui.widgets.paint import VERDICT_GLYPH
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import DEFAULT_POLICY, Policy, chunks_of
from sessions.places import last_read

STATES = ("all", "to do", "started", "done")
SORTS = ("added", "title", "progress", "steps", "errors", "labels", "suggestions")
REFRESH_S = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the inbox. chunks: how many the run has under this reviewer's policy; decided: those with a verdict;
    suggestions: by detectors. whole: the verdict on the run as a whole."""

    run: RunInfo
    chunks: int
    decided: int
    labels: int
    suggestions: int
    whole: str | None

    @property
    def state(self) -> str:
        if not self.decided and not self.labels and self.whole is None:
            return "to do"
        return "done" if self.decided >= self.chunks else "started"

    @property
    def share(self) -> float:
        return self.decided / self.chunks if self.chunks else 0.0


class InboxRows:
    """The inbox's rows, drawn as they are seen: gates that wait, if any, then the runs.

    Keys are run ids, and `gate:ID`.
    """

    def __init__(self, entries: list[Entry], waiting: Sequence[GateView] = (), audit: Sequence[GateView] = ()) -> None:
        """waiting: gates at which an agent waits. audit: gates that a policy approved, to be looked at."""
        self.entries = entries
        self._top: list[GateView | str] = []
        for title, views in ((" AGENTS THAT WAIT FOR YOU", waiting), (" APPROVED BY POLICY: LOOK AT THESE", audit)):
            self._top += [title, *views] if views else []
        if self._top:
            self._top.append(" RUNS")

    def __len__(self) -> int:
        return len(self._top) + len(self.entries)

    def key(self, index: int) -> str | None:
        if index >= len(self._top):
            return self.entries[index - len(self._top)].run.id
        row = self._top[index]
        return None if isinstance(row, str) else f"gate:{row.gate.id}"

    def pieces(self, index: int, width: int) -> Pieces:
        if index >= len(self._top):
            return self._run(self.entries[index - len(self._top)], width)
        row = self._top[index]
        return [(row, "heading")] if isinstance(row, str) else gate_pieces(row, width)

    def _run(self, entry: Entry, width: int) -> Pieces:
        run = entry.run
        glyph, look = {"done": ("✓", "good"), "started": ("◐", "warn"), "to do": ("·", "faint")}[entry.state]
        tail = _tail(entry, width)
        room = width - sum(cells(text) for text, _ in tail) - 5
        title = short(run.title or run.path or run.id, room)
        return [(f" {glyph} ", look), (title, "strong"), None, *tail]


def gate_pieces(view: GateView, width: int) -> Pieces:
    """A waiting gate on one line: risk, agent, run, gate, why, age, and who is at it."""
    gate = view.gate
    glyph, look = ("▲", "error") if gate.risk >= ALARM else ("◆", "warn") if gate.risk > 0 else ("·", "text")
    holder = f"  {short(view.holder.who, 12)} is at it" if view.holder and width >= 100 else ""
    agent = f"{short(gate.agent, 18)}  " if width >= 70 else ""
    held = "‖ " if view.held is not None else ""
    dead = "  agent gone" if view.agent == "dead" else ""
    tail = f"{dead}{holder}  {age_text(view.age_s):>6} "
    room = width - 4 - len(agent) - len(tail) - len(held)
    name = short(f"{view.name} / {gate.key}", max(8, min(40, room)))
    why = short(f"  {gate.reason}", max(0, room - len(name))) if gate.reason else ""
    return [
        (f" {glyph} ", look),
        (held, "error"),
        (name, "strong"),
        (why, look if gate.risk >= ALARM else "text"),
        None,
        (agent, "faint"),
        (tail, "faint"),
    ]


def _tail(entry: Entry, width: int) -> list[tuple[str, str]]:
    """The columns right of the title; fewer on a narrow screen."""
    run = entry.run
    pieces: list[tuple[str, str]] = []
    if width >= 140:
        pieces.append((f"{short(run.system or '', 22):<23}", "text"))
        pieces.append((f"{short(run.format, 14):<15}", "faint"))
    elif width >= 70:
        pieces.append((f"{short(run.system or run.format, 17):<18}", "faint"))
    steps = f"{run.steps:>7,} steps" if run.complete else f"{run.steps:>7,} …    "
    pieces.append((steps, "text" if run.complete else "warn"))
    if width >= 84:
        pieces.append((f"{run.errors:>4}! " if run.errors else "      ", "error"))
    pieces.append((f" run {VERDICT_GLYPH[entry.whole]}" if entry.whole else "", f"verdict-{entry.whole or 'approve'}"))
    if width >= 60:
        pieces.append((f"{entry.suggestions:>3}◇ " if entry.suggestions else "     ", "suggestion"))
    pieces.append((f"{entry.labels:>3}◆ " if entry.labels else "     ", "label"))
    bar = "━" * round(8 * min(1.0, entry.share))
    pieces.append((f" {bar:<8}" if width >= 100 else "", "good"))
    pieces.append((f" {f'{entry.decided:,}/{entry.chunks:,}':>9} ", "text"))
    return pieces


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
        self._wanted: str | None = None
        self._version = (-1, -1)
        self._chunk_counts: dict[tuple[str, int, str], int] = {}

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        yield RowList(id="runs")
        yield Bar(1, id="footer")

    @property
    def runs(self) -> RowList:
        return self.query_one("#runs", RowList)

    async def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.runs.focus()
        await self.reload()
        self.set_interval(REFRESH_S, self._look)

    async def on_screen_resume(self) -> None:
        if self.is_mounted:
            await self.reload()

    def on_resize(self) -> None:
        self._show_head()

    async def _look(self) -> None:
        """Reload when somebody (an import, another reviewer) has written to the store."""
        if not self.is_current:
            return
        version = (self.station.store.data_version(), self.station.importing)
        if version != self._version:
            self._version = version
            await self.reload()

    async def reload(self) -> None:
        """Read the list again, off the UI thread."""
        found = await self.work(self._read)
        if found is not None:
            self.entries, self.gates, self.audit = found
            self._tell_of_gates()
            self.show_rows()

    def _tell_of_gates(self) -> None:
        """A gate that was not there a moment ago rings."""
        known, self._known_gates = self._known_gates, {view.gate.id for view in self.gates}
        if known is not None and (new := [view for view in self.gates if view.gate.id not in known]):
            self.station.ring(new[0])

    def _read(self) -> tuple[list[Entry], list[GateView], list[GateView]]:
        store, reviewer = self.station.store, self.station.reviewer
        policies = last_read(store, reviewer)
        counts = counts_of(store, reviewer)
        entries = []
        for run in catalog.runs(store):
            policy = policies.get(run.id, (DEFAULT_POLICY, ""))[0]
            said = counts.get(run.id, Counts())
            decided = said.decided.get(policy, 0)
            chunks = self._chunks(run, policy)
            entries.append(Entry(run, chunks, decided, said.labels, said.suggestions, said.whole))
        return entries, gates.waiting(store), gates.for_audit(store)

    def _chunks(self, run: RunInfo, policy: str) -> int:
        """How many chunks a run has; counted once for each length and policy."""
        key = (run.id, run.steps, policy)
        if key not in self._chunk_counts:
            self._chunk_counts[key] = len(chunks_of(self.station.store, run, Policy.parse(policy)))
        return self._chunk_counts[key]

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
        some = shown or self.gates or self.audit
        self.runs.show(InboxRows(shown, self.gates, self.audit) if some else nothing, select=select)
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
        run = entry.run
        text = f"{run.title} {run.system or ''} {run.format} {run.path or ''} {run.model or ''} {run.id}".lower()
        return all(word in text for word in self.words.lower().split())

    def _show_head(self, shown: int | None = None) -> None:
        if not self.is_mounted:
            return
        done = sum(1 for entry in self.entries if entry.state == "done")
        count = len(self.entries) if shown is None else shown
        first: Pieces = [
            ("review station", "accent"),
            (f"   {len(self.entries):,} runs, {done:,} done", "text"),
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
        if run_id.startswith("gate:"):
            await self._open_gate(run_id.partition(":")[2])
            return
        run = await self.work(catalog.run_by_id, self.station.store, run_id)
        if run is not None:
            await self.station.open_run(run)

    async def _open_gate(self, gate_id: str) -> None:
        view = next((view for view in [*self.gates, *self.audit] if view.gate.id == gate_id), None)
        if view is not None:
            await self.station.open_gate(view.gate)

    @on(RowList.Chosen, "#runs")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self._open(event.key)

    async def action_open(self) -> None:
        if self.runs.selected is not None:
            await self._open(self.runs.selected)

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
