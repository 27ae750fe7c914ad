"""Which runs the insights are about: filters by system, model, outcome, benchmark and time, and the codebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from review_tui.sanitize import short
from review_tui.screens.base import StationScreen
from review_tui.screens.choice import Choice
from review_tui.screens.prompt import Prompt
from review_tui.widgets.rows import Pieces
from review_tui.words import counted
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.insights import Scope
    from labels.insights.figures import Insights

#: Values that can be chosen of one attribute, the most frequent ones.
MOST_VALUES = 200


class InsightsFilters(StationScreen):
    """The actions that change the scope. `begin` computes the figures of another one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Insights | None = None
        #: The codebook that was chosen, "" for none; the measure that is shown, by place.
        self.book, self.column = "", 0
        #: None for all runs; made when the figures are first there, because it takes imports that the frame does not.
        self._scope: Scope | None = None
        #: attribute -> value -> runs, as seen before any filter: what a filter can be set to.
        self._values: dict[str, dict[str, int]] = {}

    def on_key(self) -> None:
        """Every key moves on from what was said before it, not only the list's."""
        self.moved_on()

    def begin(self) -> None:
        """Compute the figures of the scope."""

    def show_page(self) -> None:
        """Draw the present page anew."""

    @property
    def scope(self) -> Scope:
        from labels.insights import Scope

        return self._scope or Scope()

    def learn_values(self, found: Insights) -> None:
        """Remember what there is to filter by: a filtered result shows only what is left."""
        for profile in found.profiles:
            for item in profile.groups:
                values = self._values.setdefault(item.by, {})
                values[item.value] = max(values.get(item.value, 0), item.runs)

    def known_values(self, by: str) -> dict[str, int]:
        """The values of an attribute that filters know, with the runs of each."""
        return self._values.get(by, {})

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
        if self.found is None:
            return
        values = sorted(self._values.get(by, {}).items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
        rows: list[tuple[str, Pieces]] = [("any", [(" any", "strong")])]
        title = f"Only runs of one {by}"
        if not values or (len(values) == 1 and not values[0][0]):
            # The window opens all the same: the Esc that is meant for it must not leave the screen.
            title, values = f"No judged run says what its {by} is", []
        for place, (value, runs) in enumerate(values):
            name = short(value, 60) or "(not said)"
            rows.append((str(place), [(f" {name}", "text"), None, (f"{counted(runs, 'run')} ", "faint")]))

        def chosen(key: str | None) -> None:
            if key is not None:
                self.narrow(by, None if key == "any" else values[int(key)][0])

        await self.station.push_screen(Choice(title, rows), chosen)

    def narrow(self, by: str, value: str | None) -> None:
        """Only runs with one value of an attribute; None for any."""
        where = {name: values for name, values in self.scope.where.items() if name != by}
        if value is not None:
            where[by] = frozenset([value])
        self._rescope(lambda: replace(self.scope, where=where))

    def _rescope(self, make: Callable[[], Scope]) -> None:
        """Look at other runs; what cannot be is said."""
        try:
            self._scope = make()
        except UserError as error:
            self.say(str(error), "error")
            return
        self.begin()

    async def action_codebook(self) -> None:
        """Choose the codebook whose modes are shown."""
        if self.found is None:
            return
        rows: list[tuple[str, Pieces]] = [
            (
                item.codebook,
                [(f" {short(item.title, 50)}", "text"), None, (f"{counted(item.judged, 'run')} judged ", "faint")],
            )
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
        if self.found is None:
            return
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
        if self.scope.where or self.scope.started:
            self._scope = None
            self.begin()
            self.say("All runs: no filter is on any more.")
        else:
            self.say("No filter is on: these are all runs.")
