"""The inbox's rows: gates that wait, queues with work, and runs with what has been decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from review_tui.gates import GateView, age_text
from review_tui.inbox_reading import Entry
from review_tui.sanitize import short
from review_tui.screens.queue_rows import queue_row
from review_tui.transcript.folding import cells
from review_tui.widgets.gate_panel import ALARM
from review_tui.widgets.paint import VERDICT_GLYPH
from review_tui.widgets.rows import Pieces

if TYPE_CHECKING:
    from labels.queue_progress import Overview


class InboxRows:
    """The inbox's rows, drawn as they are seen: gates that wait and queues, if any, then the runs.

    Keys are run ids, `gate:ID` and `queue:ID`.
    """

    def __init__(
        self,
        entries: list[Entry],
        waiting: Sequence[GateView] = (),
        audit: Sequence[GateView] = (),
        queues: Sequence[Overview] = (),
    ) -> None:
        """waiting: gates at which an agent waits. audit: gates that a policy approved, to be looked at."""
        self.entries = entries
        self._top: list[GateView | Overview | str] = []
        for title, views in ((" AGENTS THAT WAIT FOR YOU", waiting), (" APPROVED BY POLICY: LOOK AT THESE", audit)):
            self._top += [title, *views] if views else []
        self._top += [" QUEUES", *queues] if queues else []
        if self._top:
            self._top.append(" RUNS")

    def __len__(self) -> int:
        return len(self._top) + len(self.entries)

    def key(self, index: int) -> str | None:
        if index >= len(self._top):
            return self.entries[index - len(self._top)].run.id
        row = self._top[index]
        if isinstance(row, str):
            return None
        return f"gate:{row.gate.id}" if isinstance(row, GateView) else f"queue:{row.queue.id}"

    def pieces(self, index: int, width: int) -> Pieces:
        if index >= len(self._top):
            return self._run(self.entries[index - len(self._top)], width)
        row = self._top[index]
        if isinstance(row, str):
            return [(row, "heading")]
        return gate_pieces(row, width) if isinstance(row, GateView) else queue_row(row, width)

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
    why = f"  {short(gate.reason, room - cells(name) - 2)}" if gate.reason and room - cells(name) > 2 else ""
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
