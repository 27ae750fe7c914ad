"""Whose votes count for the figures of agreement, and on what: as the options of `review-tui agree`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from review_tui.sanitize import clean
from review_tui.screens.base import StationScreen
from review_tui.screens.prompt import Prompt
from review_tui.screens.queue_choice import choose_queue
from review_tui.screens.same_people import same_people
from review_tui.widgets.agreement_tables import codebooks

if TYPE_CHECKING:
    from labels.agreement import Agreement, Options


class AgreementFilters(StationScreen):
    """The keys that change what is counted. people: all who could be chosen. book: the codebook whose modes are shown,
    "" for all."""

    found: Agreement | None
    options: Options
    people: set[str]
    book: str
    queue_name: str

    def begin(self) -> None:
        """Compute by the present options."""
        raise NotImplementedError

    def show_table(self) -> None:
        raise NotImplementedError

    def _ask_for(self, **changes: Any) -> None:
        self.options = replace(self.options, **changes)
        self.begin()

    def action_codebook(self) -> None:
        books = ["", *(codebooks(self.found) if self.found else [])]
        at = books.index(self.book) if self.book in books else 0
        self.book = books[(at + 1) % len(books)]
        self.show_table()

    def action_blind(self) -> None:
        self._ask_for(blind=not self.options.blind)

    def action_seen(self) -> None:
        self._ask_for(seen=not self.options.seen)

    async def action_reviewers(self) -> None:
        from review_tui.screens.several import Several

        def chosen(names: frozenset[str] | None) -> None:
            if names is not None:
                self._ask_for(only=frozenset() if names >= self.people or not names else names)

        if not self.people:
            self.say("There is nobody to choose from yet.")
            return
        ticked = self.options.only or self.people
        await self.station.push_screen(Several("Whose votes count", sorted(self.people), ticked), chosen)

    async def action_queue(self) -> None:
        def chosen(queue: str, name: str) -> None:
            self.queue_name = name
            self._ask_for(queue=queue)

        await choose_queue(self, chosen)

    async def action_same(self) -> None:
        async def typed(text: str | None) -> None:
            if text is None:
                return
            if (same := await same_people(self, text)) is None:
                return
            self.people = set()
            self._ask_for(same=same, only=frozenset())

        now = "; ".join(f"{one}={two}" for one, two in self.options.same.items() if one != two)
        hint = "NAME=NAME, several with ;   empty: nobody"
        await self.station.push_screen(Prompt("One person", clean(now), hint, select=True), typed)
