"""Which cases are listed: by what rule, of which mode or queue, and who counts as one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labels.gold.rule import RULES, Rule
from review_tui.sanitize import clean, short
from review_tui.screens.base import StationScreen
from review_tui.screens.choice import Choice
from review_tui.screens.prompt import Prompt
from review_tui.screens.queue_choice import choose_queue
from review_tui.screens.same_people import same_people
from review_tui.widgets.cases import ROOTS, fits
from review_tui.widgets.rows import Pieces
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.docket import Docket

RULE_WORDS = {
    "majority": "more than half decide; a draw is open",
    "unanimous": "all must say the same",
    "adjudicated": "votes settle nothing: whatever anybody claims is open",
}
SAME_HINT = "NAME=NAME, several with ;   empty: nobody"


class CaseFilters(StationScreen):
    """The keys that change what the list holds. wanted: the one mode whose cases are shown, or `ROOTS`; None for all.
    named: whether names are shown."""

    docket: Docket
    wanted: tuple[str, str] | None
    named: bool
    queue_name: str

    def begin(self) -> None:
        """Go through all votes anew."""
        raise NotImplementedError

    def show_rows(self) -> None:
        raise NotImplementedError

    async def action_mode(self) -> None:
        counts = self.docket.modes
        rows: list[tuple[str, Pieces]] = [
            ("", [(" all modes", "strong"), None, (f"{len(self.docket.items):,} ", "faint")])
        ]
        if roots := sum(any(fits(one, ROOTS) for one in item.modes) for item in self.docket.items):
            rows.append(("roots", [(" root causes at different steps", "text"), None, (f"{roots:,} ", "faint")]))
        found = {f"{book}/{slug}": (book, slug) for book, slug in counts}
        for key, (book, slug) in found.items():
            mode = self.docket.mode(book, slug)
            name = short(mode[1].label if mode else slug, 50)
            rows.append((key, [(f" {name}", "text"), None, (f"{counts[book, slug]:,} ", "faint")]))

        def chosen(key: str | None) -> None:
            if key is not None:
                self.wanted = ROOTS if key == "roots" else found.get(key)
                self.show_rows()

        await self.station.push_screen(Choice("Only cases in which this mode is open", rows), chosen)

    async def action_rule(self) -> None:
        rows: list[tuple[str, Pieces]] = [
            (
                name,
                [
                    (f" {'●' if name == self.docket.rule.name else ' '} {name:<13}", "strong"),
                    (RULE_WORDS[name], "faint"),
                ],
            )
            for name in RULES
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.docket.rule = Rule.of(name, self.docket.rule.min_votes)
                self.begin()

        await self.station.push_screen(Choice("What settles a mode", rows), chosen)

    async def action_least(self) -> None:
        def typed(text: str | None) -> None:
            if text is None:
                return
            try:
                least = int(text) if text.strip().isdecimal() else 0
                self.docket.rule = Rule.of(self.docket.rule.name, least)
            except UserError as error:
                self.say(str(error), "error")
                return
            self.begin()

        least = str(self.docket.rule.min_votes)
        await self.station.push_screen(Prompt("Least number of votes", least, "1 to 1000", select=True), typed)

    async def action_queue(self) -> None:
        def chosen(queue: str, name: str) -> None:
            self.docket.queue, self.queue_name = queue, name
            self.begin()

        await choose_queue(self, chosen)

    async def action_same(self) -> None:
        async def typed(text: str | None) -> None:
            if text is None:
                return
            if (same := await same_people(self, text)) is not None:
                self.docket.same = same
                self.begin()

        now = "; ".join(f"{one}={two}" for one, two in self.docket.same.items() if one != two)
        if not now and self.docket.alike and self.named:
            now = "=".join(self.docket.alike[0][:2])
        await self.station.push_screen(Prompt("One person", clean(now), SAME_HINT, select=True), typed)
