"""What fails, how, and for whom: pages of plots over all that was judged, narrowed by filters, down to each label.

Figures are computed in a thread while the screen is already there. Leaving it, or asking for something else, ends that.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from review_tui.actions import INSIGHTS, Action
from review_tui.insights.names import NAMES_OF_PAGES, SHORT_NAMES
from review_tui.sanitize import clean, short
from review_tui.screens.insights_on_demand import InsightsOnDemand, Stopped
from review_tui.screens.reader import Reader
from review_tui.widgets.bar import Bar
from review_tui.widgets.page import PageList
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from review_tui.words import counted
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.insights.figures import Insights, Profile
    from labels.insights.reading.material import Material
    from review_tui.insights.words import View

#: How often progress is shown, in seconds.
PROGRESS_S = 0.2
#: From this width on the names of all pages fit beside their numbers, in short, or as they are.
NAMES, WHOLE_NAMES = 80, 90


class InsightsScreen(InsightsOnDemand):
    """Pages of figures about the runs of a scope."""

    ACTIONS: ClassVar[list[Action]] = INSIGHTS

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        #: Runs whose votes are left out because the reviewer is to judge them without knowing of others' votes.
        self.hidden = 0
        #: What had been said when the figures were computed.
        self._said: object = None

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        yield PageList(id="page")
        yield Bar(1, id="footer")

    def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.body.focus()
        self.body.show(FixedRows([(None, [("", "text")]), (None, [(" reading what was judged …", "faint")])]))
        self.call_after_refresh(self.begin)
        self.set_interval(PROGRESS_S, self._show_head)

    def on_unmount(self) -> None:
        self.ready = False
        self.stop.set()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_page)

    async def on_screen_resume(self) -> None:
        """Back from a run in which something may have been decided: the figures follow."""
        if self.found is None or self.doing:
            return
        from labels.labelled import said_so_far

        with contextlib.suppress(UserError):
            now = await asyncio.to_thread(said_so_far, self.station.store)
            if now != self._said and self.ready and not self.doing:
                self.begin()

    # -- computing ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Compute the figures of the scope. What was under way is told to stop."""
        self.forget()
        self.doing, self.trouble = "computing", ""
        self._show_head()
        self.run_worker(self._compute(self.stop), exit_on_error=False, group="insights", exclusive=True)

    async def _compute(self, stop: threading.Event) -> None:
        try:
            material, found, hidden = await asyncio.to_thread(self._figures, stop)
        except Stopped:
            return
        except UserError as error:
            self.doing, self.trouble = "", str(error)
        else:
            if stop.is_set() or not self.ready:
                return
            self.doing, self.material, self.found, self.hidden = "", material, found, hidden
            self.learn_values(found)
        if self.ready:
            self.show_page()

    def _figures(self, stop: threading.Event) -> tuple[Material, Insights, int]:
        """In a thread; with what it takes to draw, so that the screen does not stand still for the import."""
        import review_tui.insights.pages  # noqa: F401
        from labels.insights.profiles import figures_of
        from labels.insights.reading import cache
        from labels.insights.reading.material import gather
        from labels.labelled import said_so_far, unfinished

        def progress(done: int, many: int) -> None:
            self.doing = f"reading decisions of {done:,}/{many:,} runs"
            if stop.is_set():
                raise Stopped

        store = self.station.store
        self._said = said_so_far(store)
        hidden = frozenset() if self.all_votes else unfinished(store, self.station.reviewer)
        votes = cache.load(store, progress).without(hidden)
        material = gather(store, self.station.codebooks(), self.scope, votes)
        if stop.is_set():
            raise Stopped
        return material, figures_of(material), len(hidden)

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
            self.found, self.profile, size.width, size.height, self.column, by, self.order, self.plans, self.plan,
            self.comparing(), self.compared,
        )  # fmt: skip

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

        self.prepare()
        self.body.show(FixedRows(page_rows(PAGES[self.page], self.view())))

    def _show_head(self) -> None:
        if not self.ready:
            return
        width = self.size.width
        first: list[tuple[str, str] | None] = [("insights  ", "accent")]
        if self.found is not None:
            words = f"{self.found.words}: " if self.found.words != "all runs" else ""
            told = self._told(self.found, width)
            first.append((short(words, max(10, width - len(told) - 28)), "warn"))
            first.append((f" {told}" if words else told, "strong"))
        first += [None, self._state()]
        self.query_one("#head", Bar).show(first, self._tabs(width))

    def _told(self, found: Insights, width: int) -> str:
        """Of the runs that the pages are about: those judged by the codebook that is shown."""
        judged, failed, succeeded = found.runs.judged, found.runs.failed, found.runs.succeeded
        by = ""
        if (profile := self.profile) is not None:
            by = f" by {short(profile.codebook, 20)}" if profile.judged != judged and width >= 60 else ""
            judged, failed, succeeded = profile.judged, profile.failed, profile.succeeded
        told = f"{counted(judged, 'run')} judged{by}, {failed:,} failed, {succeeded:,} successful"
        unknown = judged - failed - succeeded
        return told + (f", {unknown:,} unknown" if unknown and width >= 100 else "")

    def _state(self) -> tuple[str, str]:
        """What is being done, or what there is to be known."""
        if self.doing or self.found is None:
            return f"{self.doing} …" if self.doing else "", "warn"
        if self.hidden:
            return f"{counted(self.hidden, 'run')} hidden: I", "warn"
        remarks = len(self.found.missing) + len(self.found.notes)
        return f"{counted(remarks, 'remark')}: I" if remarks else "", "faint"

    def _tabs(self, width: int) -> Pieces:
        pieces: list[tuple[str, str] | None] = []
        for place, name in enumerate(NAMES_OF_PAGES):
            here, number = place == self.page, (place + 1) % 10
            brief = name if width >= WHOLE_NAMES else SHORT_NAMES.get(name, name)
            text = f"{number} {brief}" if here or width >= NAMES else f"{number}"
            pieces.append((f" {text}" if not here else f" {text} ", "current" if here else "faint"))
        profile = self.profile
        book = short(f"{profile.codebook} {profile.version}", 24) if profile and width >= 110 else ""
        return [*pieces, None, (book, "faint")]

    # -- keys ---------------------------------------------------------------------------------------------------

    def action_again(self) -> None:
        self.begin()
        self.say("Computed again, from the labels as they are now.")

    async def action_counted(self) -> None:
        if self.found is not None:
            from review_tui.insights.pages import about

            blocks = about(self.view())
            if self.hidden:
                blocks += [("", "text"), (f"Left out: {self._hidden_words()}.", "warn")]
            await self.station.push_screen(Reader("What these figures rest on", blocks))

    def action_all_votes(self) -> None:
        """With or without the runs that one is still to judge blind."""
        self.all_votes = not self.all_votes
        self.begin()
        self.say(
            "Votes on runs that you are still to judge count, too."
            if self.all_votes
            else "Votes on runs that you are still to judge do not count."
        )

    def _hidden_words(self) -> str:
        return (
            f"{counted(self.hidden, 'run')} of queues in which you have not decided on everything yet: figures"
            " would tell you how others voted (h counts them all the same)"
        )

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
            self.narrow(group.by, group.value)
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
