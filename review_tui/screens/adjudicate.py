"""Adjudication: the cases that the votes leave open, least agreed first. Enter opens one beside its transcript."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from review_tui.actions import ADJUDICATE, Action
from review_tui.sanitize import short
from review_tui.screens.adjudicate_filters import CaseFilters
from review_tui.screens.reader import Reader
from review_tui.widgets.bar import Bar
from review_tui.widgets.cases import ROOTS, CaseRows, detail_rows, fits, header
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from sessions.errors import UserError
from sessions.store import Store

if TYPE_CHECKING:
    from labels.docket import Docket, Item
    from review_tui.screens.case_parts import Opened

#: How often other programs' votes and rulings are looked for, in seconds; how often progress is shown.
ELSEWHERE_S, PROGRESS_S = 1.0, 0.2
#: From this width on the details stand beside the list.
ROOMY = 150
#: Below this height there is no room for them.
SHORT = 16


class Stopped(Exception):
    """The adjudicator left, or wants it by another rule."""


class AdjudicateScreen(CaseFilters):
    """The list of cases. mode: (codebook, slug) to begin with, or `ROOTS`."""

    ACTIONS: ClassVar[list[Action]] = ADJUDICATE
    DEFAULT_CSS = """
    AdjudicateScreen #body { height: 1fr; layout: vertical; }
    AdjudicateScreen #list { height: 1fr; width: 1fr; }
    AdjudicateScreen #columns { background: $background; padding: 0; }
    AdjudicateScreen #details { height: 7; border-top: solid $panel; background: $background; }
    AdjudicateScreen.-short #details { display: none; }
    AdjudicateScreen.-roomy #body { layout: horizontal; }
    AdjudicateScreen.-roomy #details { width: 64; height: 1fr; border-top: none; border-left: solid $panel; }
    """

    def __init__(self, mode: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.wanted = mode
        self.named = False
        self.queue_name = ""
        self.docket: Docket
        self.looking = False
        self.loaded = False
        self._stop = threading.Event()
        self._version = -1
        self._refreshing = False
        self._done = 0
        self._fits: tuple[list[Item], tuple[str, str] | None, list[Item], dict[str, int]] | None = None

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        with Container(id="body"):
            with Vertical(id="list"):
                yield Bar(1, id="columns")
                yield RowList(id="cases")
            yield RowList(id="details")
        yield Bar(1, id="footer")

    @property
    def cases(self) -> RowList:
        return self.query_one("#cases", RowList)

    @property
    def shown(self) -> list[Item]:
        """The cases that fit the filter."""
        return self._fitting()[0]

    @property
    def places(self) -> dict[str, int]:
        """Key of a case -> its place in the list, from 0."""
        return self._fitting()[1]

    def _fitting(self) -> tuple[list[Item], dict[str, int]]:
        """Worked out once for each state of the docket: there may be a hundred thousand cases."""
        items, wanted = self.docket.items, self.wanted
        if self._fits is None or self._fits[0] is not items or self._fits[1] != wanted:
            found = [item for item in items if any(fits(one, wanted) for one in item.modes)]
            self._fits = (items, wanted, found, {item.key: place for place, item in enumerate(found)})
        return self._fits[2], self._fits[3]

    def on_mount(self) -> None:
        self.show_keys()
        self.cases.focus()
        self.query_one("#details", RowList).can_focus = False
        self.query_one("#head", Bar).show([("adjudicate   ", "accent"), ("opening …", "faint")])
        self.run_worker(self._begin_docket(), exit_on_error=False)

    async def _begin_docket(self) -> None:
        """What the docket needs is imported in a thread: the screen is drawn before."""
        self.docket = await asyncio.to_thread(_new_docket, self.station.store, self.station.reviewer)
        if not self.is_mounted:
            return
        self.ready = True
        self.begin()
        self.set_interval(ELSEWHERE_S, self._look_elsewhere)
        self.set_interval(PROGRESS_S, self._show_progress)

    def on_unmount(self) -> None:
        self.ready = False
        self._stop.set()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= ROOMY, "-roomy")
        self.set_class(self.size.height < SHORT and self.size.width < ROOMY, "-short")
        self.call_after_refresh(self.show_rows)

    def on_screen_resume(self) -> None:
        if self.ready:
            self.show_rows()

    # -- reading ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Go through all votes, in a thread. What was under way is told to stop."""
        self._stop.set()
        self._stop = threading.Event()
        self._done, self.looking = 0, True
        self.show_rows()
        self.run_worker(self._read(self._stop, everything=True), exit_on_error=False, group="docket", exclusive=True)

    async def _read(self, stop: threading.Event, *, everything: bool) -> None:
        try:
            changed = await asyncio.to_thread(self._go_through, stop, everything=everything)
        except Stopped:
            return
        except UserError as error:
            changed = False
            if self.ready:
                self.say(str(error), "error")
        finally:
            self._refreshing = self._refreshing and everything
        if stop.is_set() or not self.ready:
            return
        if everything:
            self.looking = False
            self.loaded = self.loaded or changed
        if changed or everything:
            self.show_rows()

    def _go_through(self, stop: threading.Event, *, everything: bool) -> bool:
        """In a thread: read everything, or what has changed. Whether there is anything new."""

        def watch(done: int) -> None:
            self._done = done
            if stop.is_set():
                raise Stopped

        if self.docket.loaded is None:
            self.docket.loaded = self.station.codebooks()
        if not everything:
            return self.docket.refresh(watch)
        self.docket.load(watch)
        return True

    def _look_elsewhere(self) -> None:
        """Others vote and settle too: take in what they wrote, without holding anybody up."""
        version = self.station.store.data_version()
        if self.is_current and self.loaded and not (self.looking or self._refreshing) and version != self._version:
            self._version, self._refreshing = version, True
            self.run_worker(self._read(self._stop, everything=False), exit_on_error=False, group="elsewhere")

    def _show_progress(self) -> None:
        if self.looking and self.is_current:
            self.show_rows()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_rows(self) -> None:
        if not self.ready or not self.cases.size.width:
            return
        shown = self.shown
        if shown:
            self.cases.show(CaseRows(shown, list(self.places), self.wanted))
        else:
            self.cases.show(FixedRows([(None, [(f" {line}", look)]) for line, look in self._nothing()]))
        self.query_one("#columns", Bar).show(header(self.cases.size.width) if shown else [])
        self._show_head(len(shown))
        self._show_details()

    def _nothing(self) -> list[tuple[str, str]]:
        if self.looking and not self.loaded:
            of = f" of {self.docket.runs:,}" if self.docket.runs else ""
            return [("", "text"), (f"looking for disagreements … {self._done:,}{of} runs", "faint")]
        if not self.docket.runs:
            return [
                ("", "text"),
                ("Nobody has decided on anything yet.", "text"),
                ("Review a run (Enter in the inbox), or bring votes in:", "faint"),
                ("  review-tui import-labels PATH    that came with a corpus", "faint"),
                ("  review-tui merge OTHER.db        of a colleague", "faint"),
            ]
        if self.wanted is not None and self.docket.items:
            return [("", "text"), ("Nothing is open on this mode: f shows others.", "good")]
        least, fewer = self.docket.rule.min_votes, self.docket.fewer
        if fewer:
            have = "1 mode is open" if fewer == 1 else f"{fewer:,} modes are open"
            return [
                ("", "text"),
                (f"Nothing with {least} votes or more is open.", "good"),
                (f"{have} with fewer votes: M asks for less.", "warn"),
            ]
        hint = "r chooses another rule." if self.docket.rule.name != "adjudicated" else ""
        return [("", "text"), (f"Nothing is open by this rule. {hint}", "good")]

    def _show_head(self, count: int) -> None:
        docket = self.docket
        modes = sum(len(item.modes) for item in self.shown)
        many = f"{count:,} {'case' if count == 1 else 'cases'}, {modes:,} {'mode' if modes == 1 else 'modes'} open"
        first: Pieces = [
            ("adjudicate   ", "accent"),
            (many if self.loaded else "", "strong"),
            (f" · {docket.standing:,} settled, {docket.mine:,} by you" if docket.standing else "", "faint"),
            ("   looking …" if self.looking and self.loaded else "", "warn"),
            None,
            (f"reviewer {short(self.station.reviewer, 24)}", "faint"),
        ]
        rule = docket.rule
        least = f", {rule.min_votes} votes or more" if rule.min_votes > 1 else ""
        least += f" ({docket.fewer:,} modes hidden by that: M)" if docket.fewer and count else ""
        second: list[tuple[str, str] | None] = [(f"{rule.name}{least}", "text")]
        if self.wanted == ROOTS:
            second.append((" · only root causes", "warn"))
        elif self.wanted is not None:
            found = docket.mode(*self.wanted)
            second.append((f" · only {short(found[1].label if found else self.wanted[1], 30)}", "warn"))
        if docket.queue:
            second.append((f" · queue {short(self.queue_name, 24)}", "warn"))
        if docket.same:
            names = "; ".join(f"{one}={two}" for one, two in docket.same.items() if one != two)
            second.append((f" · {short(names, 30)}", "warn"))
        second.append((" · NAMES SHOWN" if self.named else " · names hidden", "warn" if self.named else "faint"))
        second += [None, (self._alike(), "warn")]
        self.query_one("#head", Bar).show(first, second)

    def _alike(self) -> str:
        if not self.docket.alike or self.named is False:
            return "some names look alike: w shows them, = joins them" if self.docket.alike else ""
        return short(f"{' and '.join(self.docket.alike[0])} may be one person: = joins them", 70)

    def _show_details(self) -> None:
        pane = self.query_one("#details", RowList)
        place = self.places.get(self.cases.selected or "")
        item = self.shown[place] if place is not None else None
        pane.show(FixedRows(detail_rows(item, max(20, pane.size.width), pane.size.height) if item else []))

    @on(RowList.Highlighted, "#cases")
    def _highlighted(self, event: RowList.Highlighted) -> None:
        event.stop()
        self.moved_on()
        self._show_details()

    # -- keys ---------------------------------------------------------------------------------------------------

    @on(RowList.Chosen, "#cases")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self.open_case(event.key)

    async def action_open(self) -> None:
        if self.cases.selected is not None:
            await self.open_case(self.cases.selected)

    async def open_case(self, key: str) -> None:
        found = await self.work(_read_case, self.docket, key)
        if found is None:
            self.say("The votes on this case are gone meanwhile: R looks again.", "warn")
        else:
            from review_tui.screens.adjudicate_case import CaseScreen

            await self.station.push_screen(CaseScreen(self, found))

    def action_who(self) -> None:
        """Letters or names in the cases that are opened from now on."""
        self.named = not self.named
        self.show_rows()
        said = "Names are shown: what you settle is recorded as not blind." if self.named else "Reviewers are letters."
        self.say(said, "warn" if self.named else "text")

    async def action_undo(self) -> None:
        await self._turn("undo")

    async def action_redo(self) -> None:
        await self._turn("redo")

    async def _turn(self, kind: str) -> None:
        turn = await self.work(self.docket.undo if kind == "undo" else self.docket.redo)
        if turn is None:
            self.mention(f"Nothing of yours is left to {kind}.")
            return
        self.show_rows()
        self.cases.select(turn.key)
        word = "Open again" if kind == "undo" else "Settled again"
        self.say(
            f"{word}: {short(', '.join(turn.names), 60)} in {short(turn.run.title or turn.run.id[:8], 40)}.", "good"
        )

    async def action_notes(self) -> None:
        found = await self.work(self._notes)
        if found is not None:
            await self.station.push_screen(Reader("Guideline notes", found))

    def _notes(self) -> list[tuple[str, str]]:
        from labels.adjudication import notes

        blocks: list[tuple[str, str]] = []
        for book in self.docket.books():
            for note in notes(self.station.store, book.id):
                mode = book.by_slug.get(note["mode"])
                blocks += [("", "text")] if blocks else []
                blocks.append((f"{mode.label if mode else note['mode']} · {book.id}", "accent"))
                blocks.append((f"{note['outcome']}, {note['at'][:10]}, by {note['by']}", "faint"))
                blocks.append((note["text"], "text"))
        return blocks or [("There is none yet. T in a case writes one: it stays with the mode.", "text")]

    async def action_agreement(self) -> None:
        from review_tui.screens.agreement import AgreementScreen

        await self.station.push_screen(AgreementScreen())

    def action_again(self) -> None:
        self.begin()

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of adjudication")

    async def action_back(self) -> None:
        self._stop.set()
        await self.station.pop_screen()


def _read_case(docket: Docket, key: str) -> Opened | None:
    """In a thread: a case; and its screen is imported on the way."""
    import review_tui.screens.adjudicate_case  # noqa: F401
    from review_tui.screens.case_parts import open_case

    return open_case(docket, key)


def _new_docket(store: Store, reviewer: str) -> Docket:
    from labels.docket import Docket

    return Docket(store, reviewer)
