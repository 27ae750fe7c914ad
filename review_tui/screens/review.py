"""The review screen: a run's transcript, what is said of it beside it, and the keys to say it.

Here is what is shown and where the reviewer is; deciding is in `review_decide`, searching and jumping in `review_find`,
what changes meanwhile in `review_news`.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, wait
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from labels.views import DecisionView
from review_tui.actions import REVIEW, Action
from review_tui.desk import GATES_POLICY, Desk
from review_tui.odds import Odds
from review_tui.sanitize import short
from review_tui.screens.reading_keys import ReadingKeys
from review_tui.screens.review_find import FindActions
from review_tui.screens.review_news import NewsActions
from review_tui.transcript.document import Document
from review_tui.transcript.layout import Row
from review_tui.transcript.marks import Marks, Passage
from review_tui.transcript.scroller import Place
from review_tui.widgets.bar import Bar
from review_tui.widgets.gate_panel import ALARM
from review_tui.widgets.gate_panel import KEY as GATE_KEY
from review_tui.widgets.paint import VERDICT_GLYPH
from review_tui.widgets.rows import Pieces, RowList
from review_tui.widgets.side import Silence, side_rows, suggestion_look
from review_tui.widgets.transcript import Transcript
from review_tui.words import counted, steps_text
from sessions import places
from sessions.catalog import RunInfo
from sessions.chunks import DEFAULT_POLICY
from sessions.errors import UserError
from sessions.live.gates import OPEN
from sessions.places import ReadingPlace

#: From these widths on the side panel stands beside the transcript instead of below it, and is wider.
WIDE, ROOMY = 100, 160
#: From this width on the head has room for counts.
TALLY = 60
#: Below this height there is no room for it under the transcript: Tab shows the one or the other.
SHORT = 16
SIDE_WIDTH = 40
#: How often the reviewer's place is kept, in seconds.
PLACE_S = 2.0
#: How long leaving a run waits for the place to be kept, in seconds.
GOODBYE_S = 0.5
#: Actions whose keys belong to the side panel while it has the focus.
PANEL_KEYS = frozenset({"down", "up", "page_down", "page_up", "home", "end", "fold"})


class ReviewScreen(NewsActions, FindActions, ReadingKeys):
    """Review of one run. Reads through the desk and the document; writes through the desk, in threads."""

    ACTIONS: ClassVar[list[Action]] = REVIEW
    DEFAULT_CSS = """
    ReviewScreen { layout: vertical; }
    ReviewScreen #body { height: 1fr; }
    ReviewScreen #side { width: 40; border-left: solid $panel; background: $background; }
    ReviewScreen.-roomy #side { width: 60; }
    ReviewScreen.-narrow #body { layout: vertical; }
    ReviewScreen.-narrow #side { width: 1fr; height: 6; border-left: none; border-top: solid $panel; }
    ReviewScreen.-narrow.-gate #side { height: 50%; }
    ReviewScreen.-short #side { display: none; }
    ReviewScreen.-short.-gate #side { display: block; }
    ReviewScreen.-no-side #side { display: none; }
    ReviewScreen.-short.-panel #side { display: block; height: 1fr; border-top: none; }
    ReviewScreen.-short.-panel #transcript { display: none; }
    """

    def __init__(self, run: RunInfo, *, place: Place | None = None, find: str = "") -> None:
        """place: where to open (else where this reviewer left off). find: a search to begin with."""
        super().__init__()
        self.opened, self.first_place, self.first_search = run, place, find
        self.desk: Desk
        self.transcript = Transcript(self._follow, id="transcript")
        self.side = RowList(id="side")
        self.odds = Odds()
        self._farthest = 0
        self._saved: ReadingPlace | None = None

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        with Horizontal(id="body"):
            yield self.transcript
            yield self.side
        yield Bar(1, id="footer")

    @property
    def decided_nothing(self) -> bool:
        return not self.ready or not self.desk.decisions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are not ours while a jump waits for its letter, or while they move in the side panel."""
        if self.jumping or (action in PANEL_KEYS and self.side.has_focus):
            return False
        return super().check_action(action, parameters)

    # -- opening ------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.begin()
        self.transcript.focus()
        self.ready = True
        self.show_keys()
        self.refresh_all()
        self.set_interval(PLACE_S, self.keep_place)
        self.listen()
        if self.first_search:
            self.call_after_refresh(self.begin_search, self.first_search)

    def begin(self) -> None:
        """Put the run on the desk, and show it where it is to be read."""
        store, reviewer = self.station.store, self.station.reviewer
        left = places.load(store, reviewer, self.opened)
        default = GATES_POLICY if self.opened.state == "live" else DEFAULT_POLICY
        self.desk = Desk(store, self.opened, reviewer, left.policy if left else default)
        self.document = Document(store, self.desk.run, self.desk.chunks)
        self.transcript.show(self.document)
        self.desk.seen = self.transcript.seen
        if left is not None:
            self._farthest = left.seen
        if self.first_place is None and left is not None and self.desk.run.steps:
            self.return_to(left)
        elif self.first_place is not None:
            self.transcript.go_to(self.first_place.step)

    def return_to(self, left: ReadingPlace) -> None:
        """Go to where the reviewer left off."""
        parts = self.document.step(left.index).step.parts
        known = left.part if 0 <= left.part < len(parts) else None
        self.transcript.go_to(left.index, known, left.position)

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")
        self.set_class(self.size.width >= ROOMY, "-roomy")
        self.set_class(self.size.height < SHORT and self.size.width < WIDE, "-short")
        self.call_after_refresh(self.refresh_all)

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Show what is now said: marks, side panel, head."""
        if not self.ready:
            return
        self.transcript.set_marks(self._marks())
        self.refresh_side()
        self.show_head()
        self.odds.follow(self, self.desk.run, self.desk.decisions, self.show_head)

    def _marks(self) -> Marks:
        marks = Marks(current=self.desk.chunk, search=self.transcript.marks.search)
        for chunk, decision in self.desk.decided().items():
            if decision.verdict:
                marks.verdicts[chunk] = decision.verdict
        for label in self.desk.labels():
            marks.labelled.update(range(label.first, min(label.last, label.first + 10_000) + 1))
            for item in label.evidence:
                passage = Passage(item.part, item.start, item.end, "label")
                marks.evidence.setdefault(item.index, []).append(passage)
        answered = {key for decision in self.desk.decisions for key in decision.answers}
        for suggestion in self.desk.suggestions:
            if suggestion.id in answered:
                continue
            steps = range(suggestion.first, min(suggestion.last, suggestion.first + 10_000) + 1)
            marks.suggested.update(steps)
            if suggestion_look(suggestion)[1] == "error":
                marks.alarming.update(steps)
            for item in suggestion.evidence:
                passage = Passage(item.part, item.start, item.end, "suggestion")
                marks.evidence.setdefault(item.index, []).insert(0, passage)
        return marks

    def refresh_side(self) -> None:
        decision = self.desk.decision
        self.choose_current(decision)
        labels = list(decision.labels) if decision else []
        title = "whole run" if self.desk.whole_run else f"chunk {self.desk.chunk + 1:,}"
        rows = side_rows(
            decision,
            labels,
            self.desk.open_suggestions(),
            width=max(20, self.side.size.width or SIDE_WIDTH),
            title=title,
            current=self.current,
            answers=self.desk.answers(),
            gate=self.gate_view(),
            silence=self._silence(),
            whole=None if self.desk.whole_run else self.desk.whole_decision,
            in_panel=self.side.has_focus,
        )
        self.set_class(self.open_gate is not None, "-gate")
        self.side.show(rows, select=self.current, at_top=self.gate_first())

    def _silence(self) -> Silence:
        live = self.desk.run.state == "live"
        looking = not live and self.station.detecting(self.desk.run.id)
        return Silence(self.desk.looks, looking, self.desk.blind, at_gate=live)

    def show_head(self) -> None:
        run, desk = self.desk.run, self.desk
        first, last = desk.bounds
        count = len(desk.chunks)
        system = f" / {short(run.system or run.format, 20)}" if self.size.width >= WIDE else ""
        answers = desk.answers()
        waiting = sum(1 for item in desk.suggestions if item.id not in answers)
        right: list[tuple[str, str]] = [
            (self._scope_text(first, last, count), "accent"),
            (self.tally(), "text"),
            (f"{waiting:,}◇  " if waiting and self.size.width >= TALLY else "", "suggestion"),
            self._progress(),
        ]
        source, look = self.came_from()
        room = self.size.width - 2 - len(source) - len(system) - sum(len(text) for text, _ in right) - 2
        title = (short(run.title or "(no title)", max(4, room)), "strong")
        where: Pieces = [(source, look), title, (system, "faint"), None, *right]
        for head in self.query("#head").results(Bar):  # none while the screen is being taken away
            head.show(where, [*self._strip(), None, self.note()])

    def came_from(self) -> tuple[str, str]:
        """What stands before the title: where one goes back to."""
        return "inbox / " if self.size.width >= TALLY else "", "faint"

    def tally(self) -> str:
        """How much of the run is decided."""
        decided = sum(1 for item in self.desk.decided().values() if item.verdict)
        return f"  {decided:,}/{len(self.desk.chunks):,} decided  " if self.size.width >= TALLY else "  "

    def _progress(self) -> tuple[str, str]:
        """Whether the run is all here."""
        if self.desk.run.complete:
            return "saved", "good"
        if self.desk.run.state == "live":
            return (
                ("‖ agent waits", "warn") if any(gate.state == OPEN for gate in self.desk.gates) else ("live", "good")
            )
        return f"reading … {self.desk.run.steps:,}", "warn"

    def _scope_text(self, first: int, last: int, count: int) -> str:
        if self.desk.whole_run:
            return f"WHOLE RUN  {counted(last + 1, 'step')}"
        return f"chunk {self.desk.chunk + 1:,}/{count:,}  {steps_text(first, last)}"

    def _strip(self) -> list[tuple[str, str] | None]:
        """The chunks around the current one, each with its verdict: ✓ ✓ [3] · ·"""
        room = self._strip_room()
        count, current = len(self.desk.chunks), self.desk.chunk
        start = max(0, min(current - room // 2, count - room))
        verdicts = {chunk: item.verdict for chunk, item in self.desk.decided().items() if item.verdict}
        pieces: list[tuple[str, str] | None] = [("… " if start else "", "faint")]
        for chunk in range(start, min(count, start + room)):
            verdict = verdicts.get(chunk)
            glyph = VERDICT_GLYPH[verdict] if verdict else "·"
            if chunk == current:
                pieces.append((f"[{chunk + 1}{glyph if verdict else ''}]", "current"))
                pieces.append((" ", "text"))
            else:
                pieces.append((f"{glyph} ", f"verdict-{verdict}" if verdict else "faint"))
        pieces.append(("…" if start + room < count else "", "faint"))
        return pieces

    def _strip_room(self) -> int:
        """How many chunks it has room for."""
        return max(3, (self.size.width - 46) // 3)

    def note(self) -> tuple[str, str]:
        """At a gate why it waits, in case the panel has no room for it; otherwise the odds."""
        gate = self.open_gate
        if gate is None or not gate.reason:
            return self._odds(), "faint"
        return short(gate.reason, max(10, self.size.width // 2)), "error" if gate.risk >= ALARM else "warn"

    def _odds(self) -> str:
        """What the steps still to come would do alone, and what a reviewed chunk does: the reason to be here."""
        first, last = self.desk.bounds
        to_go = self.desk.run.steps - first
        if not self.desk.run.steps or self.size.width < WIDE or self.desk.whole_run:
            return f"{self.desk.policy}"
        strip = 2 * min(len(self.desk.chunks), self._strip_room()) + 12
        return self.odds.line(to_go, last - first + 1, self.size.width - strip)

    # -- following the cursor -----------------------------------------------------------------------------------

    def _follow(self, step: int) -> None:
        """The cursor is in another step: turn to its chunk."""
        self._farthest = max(self._farthest, step)
        self.moved_on()
        chunk = self.desk.chunks.of_step(step)
        if chunk != self.desk.chunk:
            self.desk.enter(chunk)
            self.transcript.marks.current = chunk
            self.current = None
            self.refresh_side()
            self.show_head()

    def go_chunk(self, chunk: int) -> None:
        """Turn to a chunk and show its beginning."""
        if 0 <= chunk < len(self.desk.chunks):
            self.transcript.go(Place(self.desk.chunks.starts[chunk], 0), at_top=True)

    def reading_place(self) -> ReadingPlace | None:
        """Where the reviewer is, in a way that holds at any width."""
        if not self.desk.run.steps:
            return None
        index, row = self.transcript.cursor.step, self.transcript.row
        on_text: Row = row
        step = self.document.step(index)
        return ReadingPlace(
            str(self.desk.policy),
            step.id,
            index,
            on_text.part,
            on_text.start if on_text.part >= 0 else 0,
            self._farthest,
        )

    def keep_place(self) -> Future[None] | None:
        """Write the place behind whatever the desk is doing."""
        place = self.reading_place() if self.ready else None
        if place is None or place == self._saved or self.station.store.read_only:
            return None
        return self._hands.submit(self._save, place)

    def leave(self) -> None:
        """Keep the place, and wait a moment for it; a locked database does not hold the reviewer here."""
        if saving := self.keep_place():
            wait([saving], timeout=GOODBYE_S)

    def _save(self, place: ReadingPlace) -> None:
        with contextlib.suppress(UserError):  # a place that cannot be kept now is tried again with the next one
            places.save(self.station.store, self.station.reviewer, self.desk.run, place)
            self._saved = place

    def on_unmount(self) -> None:
        """Whatever way the screen goes, the place is kept, and nothing goes on behind its back."""
        self.leave()
        self.ready = False
        self.stop_search()
        self._hands.shutdown(wait=False)

    # -- keys of reading ----------------------------------------------------------------------------------------

    def action_half_down(self) -> None:
        self.transcript.page(0.5)

    def action_half_up(self) -> None:
        self.transcript.page(-0.5)

    def action_home(self) -> None:
        self.transcript.go(Place(0, 0), at_top=True)

    def action_next_step(self) -> None:
        self.transcript.go_to(min(self.transcript.cursor.step + 1, max(0, self.desk.run.steps - 1)))

    def action_previous_step(self) -> None:
        cursor = self.transcript.cursor
        top = self.document.place_of(cursor.step)
        index = cursor.step if cursor.row > top.row else max(0, cursor.step - 1)
        self.transcript.go_to(index)

    def action_next_chunk(self) -> None:
        self.go_chunk(self.desk.chunk + 1)

    def action_previous_chunk(self) -> None:
        self.go_chunk(self.desk.chunk - 1)

    async def action_next_undecided(self) -> None:
        chunk = self.desk.next_undecided()
        if chunk is None:
            self.say("Every chunk has a verdict.", "good")
        else:
            self.go_chunk(chunk)
            self.say(f"Chunk {chunk + 1:,} is the next undecided.")

    def action_fold(self) -> None:
        if not self.transcript.toggle_fold():
            self.action_fold_step()

    def action_fold_step(self) -> None:
        self.document.toggle_step(self.transcript.cursor.step)
        self.transcript.changed()

    def action_fold_all(self) -> None:
        self.say(self.document.toggle_all())
        self.transcript.changed()

    def action_panel(self) -> None:
        target = self.transcript if self.side.has_focus else self.side
        if target is self.side:
            self.remove_class("-no-side")
        self.set_class(target is self.side, "-panel")
        target.focus()

    def action_wide(self) -> None:
        self.toggle_class("-no-side")
        self.transcript.focus()

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of the review")

    def action_let_go(self) -> None:
        """Esc lets go of one thing after another, and never leaves the run."""
        if self.transcript.selection is not None:
            self.transcript.clear_selection()
        elif not self.clear_search() and self.side.has_focus:
            self.action_panel()
        self.show_keys()

    async def action_back(self) -> None:
        await self.station.back_to_inbox()

    @on(RowList.Highlighted, "#side")
    def _current_by_hand(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.current = event.key
        self.refresh_side()

    @on(RowList.Chosen, "#side")
    def _jump_to_evidence(self, event: RowList.Chosen) -> None:
        event.stop()
        self.current = event.key
        if not event.key.startswith(GATE_KEY):
            self.show_current()

    def choose_current(self, decision: DecisionView | None) -> None:
        """Keep the current item if it is still there, else take the last label or the first open suggestion."""
        keys = [f"label:{label.id}" for label in decision.labels] if decision else []
        answers = self.desk.answers()
        waiting = [f"suggestion:{item.id}" for item in self.desk.open_suggestions() if item.id not in answers]
        every = {*keys, *(f"suggestion:{item.id}" for item in self.desk.open_suggestions())}
        if self.current not in every and not (self.current or "").startswith(GATE_KEY):
            self.current = waiting[0] if waiting else keys[-1] if keys else None
