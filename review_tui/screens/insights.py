"""What fails, how, and for whom: pages of plots over all that was judged, narrowed by filters, down to each label.

Figures are computed in a thread while the screen is already there. Leaving it, or asking for something else, ends that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from review_tui.actions import INSIGHTS, Action
from review_tui.insights.names import GROUPS_PAGE, MODES_PAGE, NAMES_OF_PAGES, PLAN_PAGE
from review_tui.sanitize import clean, short
from review_tui.screens.base import StationScreen
from review_tui.screens.choice import Choice
from review_tui.screens.prompt import Prompt
from review_tui.screens.reader import Reader
from review_tui.widgets.bar import Bar
from review_tui.widgets.page import PageList
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.insights import Scope
    from labels.insights.figures import Insights, Profile
    from labels.insights.material import Material
    from labels.planning.systems import SystemPlan
    from review_tui.insights.words import View

#: How often progress is shown, in seconds.
PROGRESS_S = 0.2
#: Values that can be chosen of one attribute, the most frequent ones.
MOST_VALUES = 200
#: From this width on the names of all pages fit beside their numbers.
NAMES = 78


class Stopped(Exception):
    """The reviewer left, or wants something else computed."""


class InsightsScreen(StationScreen):
    """Pages of figures about the runs of a scope."""

    ACTIONS: ClassVar[list[Action]] = INSIGHTS

    def __init__(self) -> None:
        super().__init__()
        self.material: Material | None = None
        self.found: Insights | None = None
        self.plans: list[SystemPlan] | None = None
        self.book = ""
        self.page = 0
        self.column, self.group, self.plan = 0, 0, 0
        self.order = "code"
        self.doing, self.trouble = "", ""
        self.scope: Scope
        self._stop = threading.Event()
        #: attribute -> value -> runs, as seen before any filter; what a filter can be set to.
        self._values: dict[str, dict[str, int]] = {}

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        yield PageList(id="page")
        yield Bar(1, id="footer")

    @property
    def body(self) -> PageList:
        return self.query_one("#page", PageList)

    def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.body.focus()
        self.body.show(FixedRows([(None, [("", "text")]), (None, [(" reading what was judged …", "faint")])]))
        self.call_after_refresh(self._first)
        self.set_interval(PROGRESS_S, self._show_head)

    def _first(self) -> None:
        """After the first frame: what the figures need is imported now."""
        from labels.insights import Scope

        self.scope = Scope()
        self.begin()

    def on_unmount(self) -> None:
        self.ready = False
        self._stop.set()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_page)

    # -- computing ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Compute the figures of the scope. What was under way is told to stop."""
        self._stop.set()
        self._stop = threading.Event()
        self.doing, self.trouble, self.plans = "computing", "", None
        self._show_head()
        self.run_worker(self._compute(self._stop), exit_on_error=False, group="insights", exclusive=True)

    async def _compute(self, stop: threading.Event) -> None:
        try:
            material, found = await asyncio.to_thread(self._figures, stop, self.scope)
        except Stopped:
            return
        except UserError as error:
            self.doing, self.trouble = "", str(error)
        else:
            if stop.is_set() or not self.ready:
                return
            self.doing, self.material, self.found = "", material, found
            self._learn_values(found)
        if self.ready:
            self.show_page()

    def _figures(self, stop: threading.Event, scope: Scope) -> tuple[Material, Insights]:
        """In a thread."""
        from labels.insights.material import gather
        from labels.insights.whole import figures

        def progress(done: int, many: int) -> None:
            self.doing = f"reading decisions of {done:,}/{many:,} runs"
            if stop.is_set():
                raise Stopped

        material = gather(self.station.store, self.station.codebooks(), scope, progress=progress)
        if stop.is_set():
            raise Stopped
        return material, figures(material)

    def _learn_values(self, found: Insights) -> None:
        """Remember what there is to filter by: a filtered result shows only what is left."""
        for profile in found.profiles:
            for item in profile.groups:
                values = self._values.setdefault(item.by, {})
                values[item.value] = max(values.get(item.value, 0), item.runs)

    def _begin_plans(self) -> None:
        if self.plans is None and self.found is not None and not self.doing:
            self.doing = "calculating plans"
            self.run_worker(self._plan(self._stop), exit_on_error=False, group="plans", exclusive=True)

    async def _plan(self, stop: threading.Event) -> None:
        from labels.planning.systems import by_system

        systems = list(self._scope_systems())
        try:
            found = await asyncio.to_thread(by_system, self.station.store, systems, self.station.reviewer)
        except UserError as error:
            found, self.trouble = [], str(error)
        if stop.is_set() or not self.ready:
            return
        self.doing, self.plans = "", found
        self.show_page()

    def _scope_systems(self) -> list[str]:
        """Of the runs that the filters leave, the most frequent first."""
        counts: dict[str, int] = {}
        for profile in self.found.profiles if self.found else ():
            for item in profile.groups:
                if item.by == "system":
                    counts[item.value] = max(counts.get(item.value, 0), item.runs)
        return sorted(counts, key=lambda name: (-counts[name], name))

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile | None:
        """By the chosen codebook; without a choice, of those in use the one with most judged runs."""
        if self.found is None:
            return None
        if self.book:
            return self.found.profile(self.book)
        used = {book.id for book in self.station.codebooks()}
        return next((item for item in self.found.profiles if item.codebook in used), self.found.profile())

    def view(self) -> View:
        from labels.insights.figures import GROUPED_BY
        from review_tui.insights.words import View

        assert self.found is not None
        size = self.body.size
        by = GROUPED_BY[self.group % len(GROUPED_BY)]
        return View(
            self.found, self.profile, size.width, size.height, self.column, by, self.order, self.plans, self.plan
        )

    def show_page(self) -> None:
        """Draw the present page anew."""
        if not self.ready or not self.body.size.width:
            return
        self._show_head()
        if self.trouble:
            self.body.show(FixedRows([(None, [("", "text")]), (None, [(f" {clean(self.trouble)}", "error")])]))
            return
        if self.found is None:
            return
        from review_tui.insights.pages import PAGES, page_rows

        if self.page == PLAN_PAGE:
            self._begin_plans()
        self.body.show(FixedRows(page_rows(PAGES[self.page], self.view())))

    def _show_head(self) -> None:
        if not self.ready:
            return
        width = self.size.width
        first: list[tuple[str, str] | None] = [("insights  ", "accent")]
        if self.found is not None:
            runs = self.found.runs
            words = f"{self.found.words}: " if self.found.words != "all runs" else ""
            told = f"{runs.judged:,} runs judged, {runs.failed:,} failed, {runs.succeeded:,} successful"
            if runs.unknown and width >= 100:
                told += f", {runs.unknown:,} unknown"
            first.append((short(words, max(10, width - len(told) - 28)), "warn"))
            first.append((f" {told}" if words else told, "strong"))
        remarks = len(self.found.missing) + len(self.found.notes) if self.found is not None else 0
        right = (f"{self.doing} …", "warn") if self.doing else (f"{remarks} remarks: I" if remarks else "", "faint")
        first += [None, right]
        self.query_one("#head", Bar).show(first, self._tabs(width))

    def _tabs(self, width: int) -> Pieces:
        pieces: list[tuple[str, str] | None] = []
        for place, name in enumerate(NAMES_OF_PAGES):
            here = place == self.page
            text = f"{place + 1} {name}" if here or width >= NAMES else f"{place + 1}"
            pieces.append((f" {text}" if not here else f" {text} ", "current" if here else "faint"))
        profile = self.profile
        book = short(f"{profile.codebook} {profile.version}", 24) if profile and width >= 110 else ""
        return [*pieces, None, (book, "faint")]

    # -- pages --------------------------------------------------------------------------------------------------

    def _turn_to(self, page: int) -> None:
        self.page = page % len(NAMES_OF_PAGES)
        self.body.to_top()
        self.show_page()

    def action_next_page(self) -> None:
        self._turn_to(self.page + 1)

    def action_previous_page(self) -> None:
        self._turn_to(self.page - 1)

    def action_page_1(self) -> None:
        self._turn_to(0)

    def action_page_2(self) -> None:
        self._turn_to(1)

    def action_page_3(self) -> None:
        self._turn_to(2)

    def action_page_4(self) -> None:
        self._turn_to(3)

    def action_page_5(self) -> None:
        self._turn_to(4)

    def action_page_6(self) -> None:
        self._turn_to(5)

    def action_page_7(self) -> None:
        self._turn_to(6)

    def action_page_8(self) -> None:
        self._turn_to(7)

    def action_page_9(self) -> None:
        self._turn_to(8)

    def action_measure(self) -> None:
        """The next measure, with the published figures that go with it."""
        self._step("column", MODES_PAGE)

    def action_grouping(self) -> None:
        self._step("group", GROUPS_PAGE)

    def action_next_system(self) -> None:
        self._step("plan", PLAN_PAGE)

    def _step(self, what: str, page: int) -> None:
        """The next of something on its page; from another page, to that page first."""
        if self.page != page:
            self._turn_to(page)
        else:
            setattr(self, what, getattr(self, what) + 1)
            self.show_page()

    def action_order(self) -> None:
        self.order = "size" if self.order == "code" else "code"
        self.show_page()
        self.say(f"Modes in the order of {'their figures' if self.order == 'size' else 'the codebook'}.")

    def action_again(self) -> None:
        self.begin()

    async def action_counted(self) -> None:
        if self.found is not None:
            from review_tui.insights.pages import about

            await self.station.push_screen(Reader("What these figures rest on", about(self.view())))

    # -- filters ------------------------------------------------------------------------------------------------

    async def action_system(self) -> None:
        await self._filter_by("system")

    async def action_model(self) -> None:
        await self._filter_by("model")

    async def action_outcome(self) -> None:
        await self._filter_by("outcome")

    async def action_benchmark(self) -> None:
        await self._filter_by("benchmark")

    async def _filter_by(self, by: str) -> None:
        """Ask for one value of an attribute, or for any."""
        values = sorted(self._values.get(by, {}).items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
        if not values or (len(values) == 1 and not values[0][0]):
            self.say(f"No judged run says what its {by} is.", "warn")
            return
        rows: list[tuple[str, Pieces]] = [("any", [(" any", "strong")])]
        for place, (value, runs) in enumerate(values):
            name = short(value, 60) or "(not said)"
            rows.append(
                (str(place), [(f" {name}", "text"), None, (f"{runs:,} {'run' if runs == 1 else 'runs'} ", "faint")])
            )

        def chosen(key: str | None) -> None:
            if key is not None:
                self._narrow(by, None if key == "any" else values[int(key)][0])

        await self.station.push_screen(Choice(f"Only runs of one {by}", rows), chosen)

    def _narrow(self, by: str, value: str | None) -> None:
        where = {name: values for name, values in self.scope.where.items() if name != by}
        if value is not None:
            where[by] = frozenset([value])
        self._rescope(lambda: replace(self.scope, where=where))

    def _rescope(self, make: Callable[[], Scope]) -> None:
        """Look at other runs; what cannot be is said."""
        try:
            self.scope = make()
        except UserError as error:
            self.say(str(error), "error")
            return
        self.begin()

    async def action_codebook(self) -> None:
        """Choose the codebook whose modes are shown."""
        if self.found is None:
            return
        rows: list[tuple[str, Pieces]] = [
            (item.codebook, [(f" {short(item.title, 50)}", "text"), None, (f"{item.judged:,} runs judged ", "faint")])
            for item in self.found.profiles
        ]
        if not rows:
            self.say("No codebook was judged by yet.", "warn")
            return

        def chosen(key: str | None) -> None:
            if key is not None:
                self.book, self.column = key, 0
                self.show_page()

        await self.station.push_screen(Choice("Modes of which codebook", rows), chosen)

    async def action_time(self) -> None:
        """Ask for a range of time in which the runs began."""
        now = self.scope.started.text if self.scope.started else ""

        def typed(text: str | None) -> None:
            if text is not None:
                self._rescope(lambda: self._started(text.strip()))

        hint = "2026-11-01..2026-11-30, 2026-11, 2026-11-30..   empty: any time"
        await self.station.push_screen(Prompt("Runs that began", now, hint), typed)

    def _started(self, text: str) -> Scope:
        from labels.insights import Span

        return replace(self.scope, started=Span.parse(text) if text else None)

    def action_unfilter(self) -> None:
        """All runs again."""
        from labels.insights import Scope

        self.scope = Scope()
        self.begin()

    # -- following a row ----------------------------------------------------------------------------------------

    async def action_open(self) -> None:
        if (key := self.body.selected) is not None:
            await self._open(key)

    @on(RowList.Chosen, "#page")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self._open(event.key)

    async def _open(self, key: str) -> None:
        """What is behind a row: the places of a mode, the runs of a group, the plan of a system."""
        kind, _, value = key.partition("\n")[0].partition(":")
        if kind == "mode":
            await self._open_mode(value)
        elif kind == "group" and self.profile is not None:
            group = self.profile.groups[int(value)]
            self._narrow(group.by, group.value)
        elif kind == "plan" and self.plans:
            self.plan = int(value)
            self.show_page()

    async def _open_mode(self, slug: str) -> None:
        from review_tui.screens.labelled import LabelledScreen

        profile, row = self.profile, self.profile.mode(slug) if self.profile else None
        if self.material is not None and profile is not None and row is not None:
            await self.station.push_screen(LabelledScreen(self.material, profile.codebook, slug, row.label))

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of the insights")

    def action_back(self) -> Any:
        return self.station.pop_screen()
