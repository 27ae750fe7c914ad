"""What is computed only when its page of the insights is looked at: plans of systems, and two groups side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from review_tui.insights.names import COMPARE_PAGE, PLAN_PAGE
from review_tui.sanitize import short
from review_tui.screens.choice import Choice
from review_tui.screens.insights_pages import InsightsPages
from review_tui.screens.prompt import Prompt
from review_tui.widgets.rows import Pieces
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.insights.figures import Comparison, Profile
    from labels.insights.reading.material import Material
    from labels.planning.systems import SystemPlan

#: Systems that a plan is calculated for, those with most judged runs.
MOST_SYSTEMS = 40
#: What groups can be compared by, and what that is called where its name does not say.
WORDS = {"time": "time (when runs began)", "decided": "time (when decisions were made)", "reviewer": "reviewer"}
SPAN_HINT = "2026-10, 2026-11-01..2026-11-15, ..2026-10"
T = TypeVar("T")


class Stopped(Exception):
    """The reviewer left, or wants something else computed."""


class InsightsOnDemand(InsightsPages):
    """plans: None until they are calculated. pair: what is compared by, and the two groups, once chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.material: Material | None = None
        self.plans: list[SystemPlan] | None = None
        self.pair: tuple[str, str, str] | None = None
        self.compared: Comparison | str | None = None
        self.doing, self.all_votes = "", False
        self.stop = threading.Event()

    @property
    def profile(self) -> Profile | None:
        """By the codebook that is shown."""
        raise NotImplementedError

    def forget(self) -> None:
        """The scope is another one: what was computed for the one before is over, and what is under way stops."""
        self.stop.set()
        self.stop = threading.Event()
        self.plans = self.compared = None

    def prepare(self) -> None:
        """Begin what the present page needs and has not got."""
        if self.found is None or self.doing:
            return
        if self.page == PLAN_PAGE and self.plans is None:
            self._begin("calculating plans", self._plan(self.stop))
        elif self.page == COMPARE_PAGE and self.compared is None and (pair := self.comparing()) is not None:
            self._begin("comparing", self._compare(self.stop, pair))

    def _begin(self, words: str, work: object) -> None:
        self.doing = words
        self.run_worker(work, exit_on_error=False, group="on demand", exclusive=True)  # type: ignore[arg-type]

    async def _threaded(self, stop: threading.Event, work: Callable[[], T]) -> T | str | None:
        """What a thread makes of it; a sentence where it cannot; None where nobody waits for it any more."""
        found: T | str
        try:
            found = await asyncio.to_thread(work)
        except Stopped:
            return None
        except UserError as error:
            found = str(error)
        if stop.is_set() or not self.ready:
            return None
        self.doing = ""
        return found

    # -- plans --------------------------------------------------------------------------------------------------

    async def _plan(self, stop: threading.Event) -> None:
        from labels.planning.systems import by_system

        systems, store, reviewer = self._scope_systems()[:MOST_SYSTEMS], self.station.store, self.station.reviewer

        def progress(done: int, many: int) -> None:
            if stop.is_set():
                raise Stopped
            self.doing = f"calculating plans of {done:,}/{many:,} systems"

        found = await self._threaded(stop, lambda: by_system(store, systems, reviewer, progress=progress))
        if found is not None:
            self.plans = [] if isinstance(found, str) else found
            if isinstance(found, str):
                self.say(found, "error")
            self.show_page()

    def _scope_systems(self) -> list[str]:
        """Of the runs that the filters leave, the most frequent first."""
        counts: dict[str, int] = {}
        for profile in self.found.profiles if self.found else ():
            for item in profile.groups:
                if item.by == "system":
                    counts[item.value] = max(counts.get(item.value, 0), item.runs)
        return sorted(counts, key=lambda name: (-counts[name], name))

    # -- two groups ---------------------------------------------------------------------------------------------

    def comparing(self) -> tuple[str, str, str] | None:
        """What was chosen, else the two largest groups of the first attribute that has two of them with enough runs."""
        from labels.insights.figures import FEW, GROUPED_BY

        if self.pair is not None or self.profile is None:
            return self.pair
        for by in GROUPED_BY:
            groups = [item for item in self.profile.groups if item.by == by and item.value and item.runs >= FEW]
            if by != "outcome" and len(groups) >= 2:
                first, second = sorted(groups, key=lambda item: (-item.runs, item.value))[:2]
                return by, first.value, second.value
        return None

    async def _compare(self, stop: threading.Event, pair: tuple[str, str, str]) -> None:
        from dataclasses import replace

        from labels.insights.compare import compare
        from labels.labelled import unfinished

        by = pair[0]
        scope = replace(self.scope, where={name: values for name, values in self.scope.where.items() if name != by})
        scope = replace(scope, started=None) if by == "time" else scope
        store, books, reviewer = self.station.store, self.station.codebooks(), self.station.reviewer
        book, all_votes = self.book, self.all_votes

        def work() -> Comparison:
            hidden = frozenset() if all_votes else unfinished(store, reviewer)
            return compare(store, books, scope, *pair, book, hidden)

        found = await self._threaded(stop, work)
        if found is not None:
            self.compared = found if pair == self.comparing() else None  # others may have been chosen meanwhile
            self.show_page()

    def _turn_to_comparison(self, pair: tuple[str, str, str]) -> None:
        self.pair, self.compared = pair, None
        self._turn_to(COMPARE_PAGE)

    def action_swap(self) -> None:
        if self.found is not None and (pair := self.comparing()) is not None:
            by, first, second = pair
            self._turn_to_comparison((by, second, first))

    def action_compare(self) -> None:
        """Ask for what to compare by, and for the two groups."""
        if self.found is not None and not self.doing:
            self.run_worker(self._ask(), exit_on_error=False, group="asking", exclusive=True)

    async def _ask(self) -> None:
        from labels.insights.compare import BY, TIMES

        choices = {by: self._groups(by) for by in BY if by not in TIMES}
        rows: list[tuple[str, Pieces]] = [
            (by, [(f" {WORDS.get(by, by)}", "text"), None, (self._how_many(choices.get(by)), "faint")])
            for by in BY if by in TIMES or len(choices[by]) > 1
        ]  # fmt: skip
        by = await self.app.push_screen_wait(Choice("Compare by", rows))
        if by is None:
            return
        found: list[str] = []
        for words in ("First group", "Second group"):
            value = await (self._ask_span(words) if by in TIMES else self._ask_group(words, choices[by], found))
            if value is None:
                return
            found.append(value)
        self._turn_to_comparison((by, found[0], found[1]))

    @staticmethod
    def _how_many(values: dict[str, int] | None) -> str:
        return "any two ranges " if values is None else f"{len(values):,} "

    def _groups(self, by: str) -> dict[str, int]:
        """The values of an attribute with the runs of each, the most frequent first; not counted for reviewers."""
        if by == "reviewer":
            return dict.fromkeys(self.found.sources.reviewers if self.found else (), 0)
        counts: dict[str, int] = dict(self.known_values(by))
        if not counts:
            for row in self.material.rows if self.material else ():
                counts[getattr(row, by)] = counts.get(getattr(row, by), 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    async def _ask_group(self, words: str, values: dict[str, int], taken: list[str]) -> str | None:
        left = [value for value in values if value not in taken]
        rows: list[tuple[str, Pieces]] = [
            (str(place), [(f" {short(value, 60) or '(not said)'}", "text"), None,
                          (f"{values[value]:,} {'run' if values[value] == 1 else 'runs'} " if values[value] else "",
                           "faint")])
            for place, value in enumerate(left)
        ]  # fmt: skip
        key = await self.app.push_screen_wait(Choice(words, rows))
        return None if key is None else left[int(key)]

    async def _ask_span(self, words: str) -> str | None:
        """A range of time; what is none is said and asked for again."""
        from labels.insights import Span

        ask, text, hint = words, "", SPAN_HINT
        while True:
            answer = await self.app.push_screen_wait(Prompt(ask, text, hint))
            if answer is None:
                return None
            try:
                return Span.parse(answer).text
            except UserError as error:
                # In the window itself: the footer is under it, and where it is narrow it has no hint.
                ask, text, hint = f"{words} (no range of time)", answer, short(str(error), 60)
