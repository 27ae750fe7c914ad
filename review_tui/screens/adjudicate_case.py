"""One case: the transcript beside every vote on it, and the keys that settle what is open.

What is settled is on disk at once, mode by mode, with the time it took and whether names were known. Then comes the
next open mode, or the next case. Settling is in `case_settle`, looking and moving in `case_look`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from review_tui.actions import CASE, Action
from review_tui.sanitize import short
from review_tui.screens.case_look import LookActions
from review_tui.screens.case_parts import Opened, kept, open_case
from review_tui.screens.case_settle import SettleActions
from review_tui.transcript.document import Document
from review_tui.transcript.marks import Marks, Passage
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import Pieces, RowList
from review_tui.widgets.transcript import Transcript
from review_tui.widgets.votes import CaseView, Draft, case_rows, mode_key, where_text
from sessions.errors import UserError

if TYPE_CHECKING:
    from review_tui.screens.adjudicate import AdjudicateScreen

#: From these widths on the votes stand beside the transcript, and have more room.
WIDE, ROOMY = 100, 160
ELSEWHERE_S = 1.0
#: Actions whose keys belong to the votes while they have the focus.
PANEL_KEYS = frozenset({"down", "up", "page_down", "page_up", "home", "end", "fold"})
#: Steps of one label that are marked in the margin.
MOST_MARKED = 10_000


class CaseScreen(SettleActions, LookActions):
    """Settling one case after another."""

    ACTIONS: ClassVar[list[Action]] = CASE
    DEFAULT_CSS = """
    CaseScreen #body { height: 1fr; }
    CaseScreen #votes { width: 48; border-left: solid $panel; background: $background; }
    CaseScreen.-roomy #votes { width: 72; }
    CaseScreen.-narrow #body { layout: vertical; }
    CaseScreen.-narrow #votes { width: 1fr; height: 50%; border-left: none; border-top: solid $panel; }
    CaseScreen.-no-votes #votes { display: none; }
    """

    def __init__(self, cases: AdjudicateScreen, opened: Opened) -> None:
        super().__init__()
        self.cases, self.docket, self.opened = cases, cases.docket, opened
        self.transcript = Transcript(id="transcript")
        self.votes = RowList(id="votes")
        self.mode: str | None = None
        self.current: str | None = None
        self.drafts: dict[str, Draft] = {}
        self.extra: dict[str, str] = {}
        #: Keys of the cases on which names were seen.
        self.known: set[str] = set()
        self._since = time.monotonic()
        self._version = -1
        self._refreshing = False
        self._pending: asyncio.Future[Any] | None = None

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        with Horizontal(id="body"):
            yield self.transcript
            yield self.votes
        yield Bar(1, id="footer")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in PANEL_KEYS and self.votes.has_focus:
            return False
        return super().check_action(action, parameters)

    def on_mount(self) -> None:
        self._version = self.station.store.data_version()
        self.transcript.focus()
        self.ready = True
        self.show_keys()
        self.show_case(self.opened)
        self.set_interval(ELSEWHERE_S, self._look_elsewhere)

    def on_unmount(self) -> None:
        self.ready = False

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")
        self.set_class(self.size.width >= ROOMY, "-roomy")
        self.call_after_refresh(self.show_votes)

    # -- showing ------------------------------------------------------------------------------------------------------

    @property
    def view(self) -> CaseView:
        """The case as it is to be shown now."""
        case, docket = self.opened.case, self.docket
        mine = {docket.same.get(docket.reviewer, docket.reviewer), docket.reviewer}
        also = {name for name, one in docket.same.items() if one in mine}
        return CaseView(
            case, docket.names(case, named=self.cases.named), frozenset(mine | also), self.cases.named, self.drafts,
            self.extra, docket.counts, self.opened.guidelines, self.title_of,
        )  # fmt: skip

    def show_case(self, opened: Opened, *, mode: str | None = None) -> None:
        """Turn to a case, from its beginning."""
        self.opened = opened
        self.drafts, self.extra = kept(self.station, opened.key)
        self.mode = mode or self.first_open()
        self.current = self.mode
        self._since = time.monotonic()
        run, target = opened.case.run, opened.case.target
        self.transcript.show(Document(self.station.store, run, opened.chunks))
        if run.steps:
            self.transcript.go_to(min(target["first"]["index"], run.steps - 1), at_top=True)
        self.show_votes()

    def show_votes(self) -> None:
        if not self.ready:
            return
        if self.cases.named:
            self.known.add(self.key)
        width = max(24, self.votes.size.width or 48)
        self.votes.show(case_rows(self.view, width, self.mode, self.current), select=self.current)
        self.transcript.set_marks(self._marks())
        self._show_head()

    def _marks(self) -> Marks:
        """The labels of the current mode, and the one under the cursor, with their evidence. One that covers the whole
        of a run says no place, and is not marked."""
        marks, target = Marks(current=self.opened.chunk), self.opened.case.target
        for key, label in self.labels():
            if not self.concerns(label) and key != self.current:
                continue
            first, last = label["first"]["index"], label["last"]["index"]
            if target["scope"] != "run" or (first, last) != (0, target["last"]["index"]) or first == last:
                marks.labelled.update(range(first, min(last, first + MOST_MARKED) + 1))
            for item in label["evidence"]:
                passage = Passage(item["part"], item["start"], item["end"], "label")
                marks.evidence.setdefault(item["step"]["index"], []).append(passage)
        return marks

    def _show_head(self) -> None:
        case, view = self.opened.case, self.view
        places = self.cases.places
        here = places.get(self.key)
        place = "settled" if here is None else f"case {here + 1:,} of {len(places):,}"
        target = case.target
        unit = {"scope": target["scope"], "first": {"step_index": target["first"]["index"]},
                "last": {"step_index": target["last"]["index"]}}  # fmt: skip
        numbers = next((item.numbers for item in case.disputes), (target["number"],))
        where = where_text(unit, numbers, narrow=self.size.width < 70)
        right = f"{where}   {place}"
        before = "adjudicate / " if self.size.width >= WIDE else ""
        room = max(8, self.size.width - len(before) - len(right) - 6)
        first: Pieces = [
            (before, "faint"), (short(case.run.title or case.run.id[:8], room), "strong"), None,
            (where, "accent"), (f"   {place}", "good" if here is None else "text"),
        ]  # fmt: skip
        book, _, slug = (self.mode or "").removeprefix("mode:").partition("/")
        second: list[tuple[str, str] | None] = []
        if self.cases.named:
            second.append(("NAMES SHOWN, recorded as not blind", "warn"))
        elif self.key in self.known:
            second.append(("names were shown, recorded as not blind", "warn"))
        else:
            second.append(("names hidden", "faint"))
        if any(vote.reviewer in view.mine for vote in case.votes):
            second.append((" · YOU VOTED HERE YOURSELF", "warn"))
        elif self.opened.queue:
            second.append((f" · still yours to decide in queue {short(self.opened.queue, 20)}", "warn"))
        left = len(case.disputes)
        tail = f"{left} open here" if left else "nothing open here"
        if slug:  # its name has what the figures leave
            room = self.size.width - sum(len(piece[0]) for piece in second if piece) - len(tail) - 8
            second[:0] = [("? ", "warn"), (short(self.title_of(book, slug), max(8, min(60, room))), "strong")]
            second.insert(2, ("   ", "faint"))
        second += [None, (tail, "text" if left else "good")]
        self.query_one("#head", Bar).show(first, second)

    # -- others -------------------------------------------------------------------------------------------------------

    def _look_elsewhere(self) -> None:
        """Others vote and settle meanwhile: what is shown is what stands. Nobody is held up by looking."""
        version = self.station.store.data_version()
        if self.is_current and self._pending is None and not self._refreshing and version != self._version:
            self._version, self._refreshing = version, True
            self.run_worker(self.look_again(), exit_on_error=False, group="elsewhere")

    async def look_again(self) -> None:
        """Read what others wrote, and show it if it is about this case."""
        try:
            changed = await asyncio.to_thread(self.docket.refresh)
            found = await asyncio.to_thread(open_case, self.docket, self.key) if changed else None
        except UserError as error:
            self.mention(str(error), "error")
            return
        finally:
            self._refreshing = False
        if not self.ready or self._pending is not None or found is None or found.key != self.key:
            return
        before, self.opened = self.opened, found
        if before.said == found.said:
            self._show_head()
            return
        self._keep_mode()
        self.show_votes()
        self.say("The votes or rulings here have changed: look again.", "warn")

    def _keep_mode(self) -> None:
        """Point at something that is still there."""
        keys = {mode_key(item.codebook, item.mode) for item in self.opened.case.disputes} | set(self.extra)
        settled = {mode_key(row["codebook"]["id"], row["mode"]) for row in self.opened.case.rulings}
        if self.mode not in keys | settled:
            self.mode = self.first_open()
        self.current = self.mode

    # -- leaving ------------------------------------------------------------------------------------------------------

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of a case")
