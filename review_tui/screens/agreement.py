"""How far reviewers agree: what `review-tui agree` prints, to be read, sorted, filtered and followed to disputes.

It is computed in a thread. Leaving the screen, or asking for something else, ends that.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from review_tui.actions import AGREEMENT, Action
from review_tui.sanitize import clean, short
from review_tui.screens.agreement_filters import AgreementFilters
from review_tui.screens.reader import Reader
from review_tui.widgets.agreement_tables import PARTS, codebooks, tables
from review_tui.widgets.bar import Bar
from review_tui.widgets.cases import ROOTS
from review_tui.widgets.fitting import lines
from review_tui.widgets.grid import Grid, Section, titles
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from review_tui.words import counted
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.agreement import Agreement, Options

#: How often other programs' votes are looked for, and progress is shown, in seconds.
ELSEWHERE_S, PROGRESS_S = 1.0, 0.2
#: Computed again by itself when there are new votes, if it took no longer than this, in seconds.
QUICK_S = 1.0
#: From this width on, what a row means stands beside the table.
ROOMY = 150
#: Below this height there is no room for that: e shows it.
SHORT = 16
EMPTY = {
    "modes": ("Nobody has judged a mode yet.", "Label modes (l) or say that there is none (0) while reviewing."),
    "steps": ("No two reviewers found the same mode in one unit.", "Nor is there a run with two decisive steps."),
    "reviewers": ("There is no vote yet.", "Give verdicts while reviewing, or import votes."),
    "two ways": ("No unit was judged by two or more.", "A queue with --reviewers 2 gives the same chunks to two."),
    "anchoring": (
        "No reviewer was shown a suggestion yet.",
        "A queue with --blind-share measures what that does.",
    ),
}


class Stopped(Exception):
    """The reviewer left, or wants something else computed."""


class AgreementScreen(AgreementFilters):
    """Tables of figures; the one under the cursor is explained."""

    ACTIONS: ClassVar[list[Action]] = AGREEMENT
    DEFAULT_CSS = """
    AgreementScreen #body { height: 1fr; layout: vertical; }
    AgreementScreen #list { height: 1fr; width: 1fr; }
    AgreementScreen #columns { background: $background; padding: 0; }
    AgreementScreen #words { height: 8; border-top: solid $panel; background: $background; padding: 0 1; }
    AgreementScreen.-short #words { display: none; }
    AgreementScreen.-roomy #body { layout: horizontal; }
    AgreementScreen.-roomy #words { width: 56; height: 1fr; border-top: none; border-left: solid $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Agreement | None = None
        self.options: Options
        self.part = 0
        self.book = ""
        self.people: set[str] = set()
        self.queue_name = ""
        self.doing = ""
        self.trouble = ""
        self.stale = False
        self._took = 0.0
        self._stop = threading.Event()
        self._version = -1
        self._heads: Any = None
        self._grid = Grid([])
        self._sorts: dict[tuple[str, str], tuple[int, bool]] = {}

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        with Container(id="body"):
            with Vertical(id="list"):
                yield Bar(1, id="columns")
                yield RowList(id="table")
            yield RowList(id="words")
        yield Bar(1, id="footer")

    @property
    def table(self) -> RowList:
        return self.query_one("#table", RowList)

    def on_mount(self) -> None:
        self.show_keys()
        self.table.focus()
        self.query_one("#words", RowList).can_focus = False
        self.query_one("#head", Bar).show([("agreement  ", "accent"), ("opening …", "faint")])
        self.run_worker(self._open(), exit_on_error=False)

    async def _open(self) -> None:
        """What it takes is imported in a thread: the screen is drawn before."""
        self.options = await asyncio.to_thread(_no_options)
        if not self.is_mounted:
            return
        self.ready = True
        self.begin()
        self.set_interval(ELSEWHERE_S, self._look_elsewhere)
        self.set_interval(PROGRESS_S, self._show_head)

    def on_unmount(self) -> None:
        self.ready = False
        self._stop.set()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= ROOMY, "-roomy")
        self.set_class(self.size.height < SHORT and self.size.width < ROOMY, "-short")
        self.call_after_refresh(self.show_table)

    # -- computing ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Compute by the present options, in a thread. What was under way is told to stop."""
        self._stop.set()
        self._stop = threading.Event()
        self.doing, self.stale, self.trouble = "beginning", False, ""
        self.show_table()
        self.run_worker(self._compute(self._stop, self.options), exit_on_error=False, group="agree", exclusive=True)

    async def _compute(self, stop: threading.Event, options: Options) -> None:
        try:
            found = await asyncio.to_thread(self._agree, stop, options)
        except Stopped:
            return
        except UserError as error:
            found, self.trouble = None, str(error)
        if stop.is_set() or not self.ready:
            return
        self.doing = ""
        self.found = found
        if found is not None:
            self.people |= {item.name for item in found.reviewers}
            if self.book not in codebooks(found):
                self.book = ""
        self.show_table()

    def _agree(self, stop: threading.Event, options: Options) -> Agreement:
        """In a thread."""
        from labels.agreement import agreement

        def watch(what: str) -> None:
            self.doing = what
            if stop.is_set():
                raise Stopped

        began = time.monotonic()
        self._heads = self._ends()
        found = agreement(self.station.store, self.station.codebooks(), options, watch)
        self._took = time.monotonic() - began
        return found

    def _ends(self) -> Any:
        """The ends of the event logs: other ones when anybody has said anything. In a thread."""
        from labels.events import heads

        return heads(self.station.store)

    def _look_elsewhere(self) -> None:
        """New votes are taken in by themselves where that is quick, else announced."""
        version = self.station.store.data_version()
        if self.is_current and not (self.doing or self.stale) and version != self._version:
            self._version = version
            self.run_worker(self._take_in(), exit_on_error=False, group="elsewhere")

    async def _take_in(self) -> None:
        if await asyncio.to_thread(self._ends) == self._heads or self.doing or not self.ready:
            return
        if self._took <= QUICK_S:
            self.begin()
        else:
            self.stale = True
            self._show_head()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_table(self) -> None:
        if not self.ready or not self.table.size.width:
            return
        sections = tables(self.found, PARTS[self.part], self.book) if self.found else []
        for section in sections:
            section.sorted_by, section.turned = self._sorts.get((PARTS[self.part], section.heading), (-1, False))
        self._grid = Grid(sections)
        if len(self._grid):
            self.table.show(self._grid)
        else:
            self.table.show(FixedRows([(None, [(f" {text}", look)]) for text, look in self._nothing()]))
        self._show_head()
        self._show_row()

    def _nothing(self) -> list[tuple[str, str]]:
        if self.trouble:
            return [("", "text"), (clean(self.trouble), "error")]
        if self.found is None:
            return [("", "text"), ("computing agreement …", "faint")]
        if not self.found.votes:
            lines = [("", "text"), ("There is no vote that counts yet.", "text")]
            lines += [
                (f"left out: {count:,} {reason}", "warn") for reason, count in sorted(self.found.left_out.items())
            ]
            if self.options.only or self.options.blind or self.options.queue:
                return [*lines, ("The filters leave nothing: b, f, Q and = change them.", "warn")]
            return [
                *lines,
                ("Agreement needs two people who judged the same chunks: review-tui queue create NAME RUN...", "faint"),
                ("--reviewers 2, or review-tui merge OTHER.db, or review-tui import-labels PATH.", "faint"),
            ]
        first, second = EMPTY[PARTS[self.part]]
        return [("", "text"), (first, "text"), (second, "faint")]

    def _show_head(self) -> None:
        if not self.ready:
            return
        found = self.found
        first: list[tuple[str, str] | None] = [("agreement  ", "accent")]
        if found is not None:
            units = f"{counted(found.votes, 'vote')} on {counted(found.units, 'unit')} of {counted(found.runs, 'run')}"
            first.append((f"{units}, {counted(len(found.reviewers), 'reviewer')}", "strong"))
        state = f"{self.doing} …" if self.doing else "new votes: R computes again" if self.stale else ""
        first += [None, (state, "warn")]
        if found is not None and not state and (found.notes or found.left_out):
            first.append((f"{counted(len(found.notes) + len(found.left_out), 'remark')}: I", "faint"))
        second: list[tuple[str, str] | None] = []
        for place, name in enumerate(PARTS):
            second.append((f" {place + 1} {name} ", "current" if place == self.part else "faint"))
        second += [None, (short(self._filters(), max(12, self.size.width - 62)), "warn")]
        self.query_one("#head", Bar).show(first, second)

    def _filters(self) -> str:
        options = self.options
        words = [self.book] if self.book else []
        words += ["blind"] if options.blind else []
        words += ["all votes"] if options.seen else []
        words += [f"queue {self.queue_name}"] if options.queue else []
        words += [f"{len(options.only)} of {len(self.people)} people"] if options.only else []
        words += ["; ".join(f"{one}={two}" for one, two in options.same.items() if one != two)] if options.same else []
        return " · ".join(words)

    def _here(self) -> tuple[Section, Any] | None:
        """The section and the record under the cursor."""
        return self._grid.at(self.table.selected)

    def _show_row(self) -> None:
        """The columns of the section that the cursor is in, and its row in plain words."""
        here = self._here()
        self.query_one("#columns", Bar).show(titles(here[0], self.table.size.width) if here else [])
        pane = self.query_one("#words", RowList)
        width = max(20, pane.size.width)
        rows: list[tuple[str | None, Pieces]] = []
        for text, look in here[0].explain(here[1]) if here else []:
            rows += [(None, [(line, look)]) for line in lines(text, width, 100)]
        if here and len(rows) > pane.size.height > 0:
            rows = [*rows[: pane.size.height - 1], (None, [("… e shows all of it", "faint")])]
        pane.show(FixedRows(rows))

    @on(RowList.Highlighted, "#table")
    def _highlighted(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.moved_on()
        self._show_row()

    # -- keys: tables -------------------------------------------------------------------------------------------

    def go_part(self, part: int) -> None:
        self.part = part % len(PARTS)
        self.table.top, self.table.cursor = 0, -1
        self.show_table()

    def action_next_part(self) -> None:
        self.go_part(self.part + 1)

    def action_previous_part(self) -> None:
        self.go_part(self.part - 1)

    def action_part_1(self) -> None:
        self.go_part(0)

    def action_part_2(self) -> None:
        self.go_part(1)

    def action_part_3(self) -> None:
        self.go_part(2)

    def action_part_4(self) -> None:
        self.go_part(3)

    def action_part_5(self) -> None:
        self.go_part(4)

    def action_sort(self) -> None:
        if (here := self._here()) is not None:
            section = here[0]
            name = section.sort_next(self.table.size.width)
            self._sorts[PARTS[self.part], section.heading] = (section.sorted_by, section.turned)
            self.show_table()
            self.say(f"Sorted: {' '.join(name.split())}. S turns it round.")

    def action_reverse(self) -> None:
        if (here := self._here()) is not None:
            section = here[0]
            self._sorts[PARTS[self.part], section.heading] = (section.sorted_by, not section.turned)
            self.show_table()

    @on(RowList.Chosen, "#table")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self.action_open()

    async def action_open(self) -> None:
        """From a mode to what is open on it, from a decisive step to root causes that differ; else to what it means."""
        here = self._here()
        kind, _, rest = (self.table.selected or "").partition(":")
        book, _, mode = rest.partition("/")
        if here is None:
            return
        if kind == "mode" or (kind == "all" and book):
            await self._adjudicate((book, mode) if mode else None)
        elif kind in ("corpora", "people"):
            await self._adjudicate(ROOTS)
        else:
            await self.action_explain()

    async def _adjudicate(self, mode: tuple[str, str] | None) -> None:
        from review_tui.screens.adjudicate import AdjudicateScreen

        await self.station.push_screen(AdjudicateScreen(mode))

    async def action_explain(self) -> None:
        if (here := self._here()) is not None:
            await self.station.push_screen(Reader("In plain words", here[0].explain(here[1])))

    # -- keys: what counts --------------------------------------------------------------------------------------

    async def action_counted(self) -> None:
        if self.found is None:
            return
        found = self.found
        blocks = [("Left out", "accent")]
        blocks += [(f"{count:,} {reason}", "text") for reason, count in sorted(found.left_out.items())]
        blocks += [] if found.left_out else [("nothing", "text")]
        blocks += [("", "text"), ("To know", "accent"), *((text, "text") for text in found.notes)]
        counted = sorted(found.decisive_counted.items())
        blocks += [(f"decisive steps: {count:,} of {text}", "text") for text, count in counted]
        blocks.append(("Only decisions made without seeing others' votes count, unless v says otherwise.", "faint"))
        blocks.append(("docs/agreement.md explains every figure.", "faint"))
        await self.station.push_screen(Reader("What was counted", blocks))

    def action_again(self) -> None:
        self.begin()

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of agreement")

    async def action_back(self) -> None:
        self._stop.set()
        await self.station.pop_screen()


def _no_options() -> Options:
    from labels.agreement import Options

    return Options()
