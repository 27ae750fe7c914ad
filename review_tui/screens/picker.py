"""Choosing a failure mode: by its code, by letters of its name, or by reading about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from labels.codebook import Codebook, Codebooks, Mode
from review_tui.sanitize import clean
from review_tui.screens.reader import TextRows
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, RowList
from sessions.errors import UserError
from sessions.store import Store

if TYPE_CHECKING:
    from review_tui.app import ReviewApp

Choice = tuple[Codebook, Mode]
#: The narrowest screen on which the list has a width of its own.
WIDE = 100
#: How long what adjudicators noted is good for, and how long after opening it is read, in seconds.
GUIDELINES_S, SETTLE_S = 30.0, 0.25


class ModePicker(Screen[Choice | None]):
    """Gives the chosen mode, or None. Typing digits picks as soon as one code fits whole; letters search.

    It fills the screen, is kept mounted between labels, and takes the keys itself: a window over the transcript, a new
    one for each label, and an input field each cost a frame or more of every key of a chord.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, priority=True),
        Binding("enter", "choose", "Choose", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "read(1)", "Read on", show=False, priority=True),
        Binding("pageup", "read(-1)", "Read back", show=False, priority=True),
        Binding("backspace", "rub_out", "Rub out", show=False, priority=True),
        Binding("ctrl+u", "rub_out(True)", "Rub out all", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    ModePicker #query { background: $surface; }
    ModePicker #modes { width: 40; }
    ModePicker #help { width: 1fr; padding: 0 1; border-left: solid $panel; }
    ModePicker.-narrow #modes { width: 40%; }
    """

    def __init__(self, codebooks: Codebooks, heading: str = "", *, instant: bool = True) -> None:
        """heading: what is being labelled. instant: whether a whole code chooses without Enter."""
        super().__init__()
        self.codebooks, self.heading, self.instant = codebooks, heading, instant
        self.typed = ""
        self.found: list[Choice] = []
        #: (codebook, mode) -> what adjudicators have noted on it.
        self.guidelines: dict[tuple[str, str], list[str]] = {}
        self._read_at = -GUIDELINES_S

    def compose(self) -> ComposeResult:
        yield Bar(1, id="head")
        yield Bar(1, id="query")
        with Horizontal():
            yield RowList(id="modes")
            yield RowList(id="help")
        yield Bar(1, id="footer")

    def on_mount(self) -> None:
        if not self.query(Bar):  # the station ended while this was being mounted
            return
        self._begin()
        if not self.is_current:  # mounted before it is needed: laid out, too, or the first key would wait for that
            self.set_class(self.app.size.width < WIDE, "-narrow")
            self._refresh_layout(self.app.size)

    def begin(self, heading: str) -> None:
        """Ask anew, before the screen is shown again: what changes after that costs a second frame."""
        self.heading = heading
        if self.is_mounted:
            self._begin()

    def _begin(self) -> None:
        keys = "Esc leaves · digits: code · letters: search · ↑↓ · Enter chooses · PgDn reads"
        self.query_one("#head", Bar).show([(clean(self.heading), "accent")])
        self.query_one("#footer", Bar).show([(keys, "faint")])
        self._look_for("")
        if time.monotonic() - self._read_at > GUIDELINES_S:
            self._read_at = time.monotonic()
            self.set_timer(SETTLE_S, lambda: self.run_worker(self._read_guidelines(), exit_on_error=False))

    async def _read_guidelines(self) -> None:
        """What adjudicators have noted, when the reviewer has come to rest: no key of a chord waits for it."""
        found = await asyncio.to_thread(_guidelines, cast("ReviewApp", self.app).store, self.codebooks)
        if found != self.guidelines and self.is_mounted:
            self.guidelines = found
            self._show_help()

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")
        self.call_after_refresh(self._show_help)

    # -- typing -------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if not self.is_current:  # typed right behind a code: it is meant for the screen that is there now
            event.stop()
            self.app.post_message(events.Key(event.key, event.character))
        elif event.character is not None and event.is_printable:
            event.stop()
            self._typed(event.character)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._typed(" ".join(event.text.split()))

    def _typed(self, text: str) -> None:
        query = self.typed + text
        if self.instant and (choice := self._by_code(query)):
            self.dismiss(choice)
        else:
            self._look_for(query)

    def action_rub_out(self, everything: bool = False) -> None:
        self._look_for("" if everything else self.typed[:-1])

    def _by_code(self, typed: str) -> Choice | None:
        """The one mode whose code's digits were typed: `2 6`, `26` and `2.6` all mean 2.6."""
        digits = [letter for letter in typed if letter.isalnum()]
        if len(digits) < 2 or not digits[0].isdigit():
            return None
        fits = [
            (book, mode)
            for book in self.codebooks
            for mode in book.modes
            if [letter for letter in mode.code if letter.isalnum()] == digits
        ]
        return fits[0] if len(fits) == 1 else None

    # -- showing ------------------------------------------------------------------------------------------------

    def _look_for(self, query: str) -> None:
        self.typed = query
        hint = ("2 6  or  mismatch", "faint") if not query else (clean(query), "strong")
        self.query_one("#query", Bar).show([("› ", "key"), ("▏" if not query else "", "key"), hint, ("▏", "key")])
        self.found = self.codebooks.search(query)
        several = len({book.id for book, _ in self.found}) > 1
        rows = []
        for number, (book, mode) in enumerate(self.found):
            tail = f" {clean(book.id)}" if several else ""
            rows.append(
                (str(number), [(f" {clean(mode.code):<4}", "accent"), (clean(mode.name), "text"), (tail, "faint")])
            )
        nothing = [(None, [(" no mode is called that", "faint")])]
        self.query_one("#modes", RowList).show(FixedRows(rows or nothing), select="0")
        self._show_help()

    def _highlighted(self) -> Choice | None:
        key = self.query_one("#modes", RowList).selected
        return self.found[int(key)] if key is not None and self.found else None

    def _show_help(self) -> None:
        choice = self._highlighted()
        pane = self.query_one("#help", RowList)
        if pane.size.width:
            notes = self.guidelines.get((choice[0].id, choice[1].slug), ()) if choice else ()
            rows = TextRows(mode_help(*choice, notes) if choice else [], cursor=False)
            rows.fold(pane.size.width)
            pane.top = 0
            pane.show(rows)

    @on(RowList.Highlighted, "#modes")
    def _look_up(self, event: RowList.Highlighted) -> None:
        event.stop()
        self._show_help()

    # -- choosing -----------------------------------------------------------------------------------------------

    @on(RowList.Chosen, "#modes")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(self.found[int(event.key)])

    def action_choose(self) -> None:
        if choice := self._highlighted():
            self.dismiss(choice)

    def action_move(self, step: int) -> None:
        self.query_one("#modes", RowList).move(step)

    def action_read(self, step: int) -> None:
        pane = self.query_one("#help", RowList)
        pane.scroll_by(step * max(1, pane.size.height - 2))

    def action_cancel(self) -> None:
        self.dismiss(None)


def _guidelines(store: Store, codebooks: Codebooks) -> dict[tuple[str, str], list[str]]:
    from labels.adjudication import notes

    found: dict[tuple[str, str], list[str]] = {}
    with suppress(UserError):  # a database that cannot be read now is said elsewhere
        for book in codebooks:
            for note in notes(store, book.id):
                found.setdefault((book.id, note["mode"]), []).append(note["text"])
    return found


def mode_help(book: Codebook, mode: Mode, guidelines: Sequence[str] = ()) -> list[tuple[str, str]]:
    """All that a codebook says of a mode, for reading beside a label: (text, look) blocks. guidelines: what
    adjudicators have noted on it."""
    category = book.category(mode.category)
    where = f"{mode.slug} · {category.name if category else mode.category} · {book.title} {book.version}"
    blocks = [(mode.label, "strong"), (where, "faint"), ("", "text"), (mode.definition, "text")]
    if guidelines:
        blocks += [("", "text"), ("Guidelines, from adjudications", "accent")]
        blocks += [(f"§ {text}", "text") for text in guidelines]
    if mode.when:
        blocks += [("", "text"), ("Applies when", "accent"), *((f"• {item}", "text") for item in mode.when)]
    if mode.when_not:
        blocks += [("", "text"), ("Does not apply when", "accent")]
        blocks += [(f"• {item.text}{f' → {item.instead}' if item.instead else ''}", "text") for item in mode.when_not]
    for title, example in (("An example", mode.example), ("A near miss", mode.near_miss)):
        if example is not None:
            blocks += [("", "text"), (title, "accent"), (example.text, "text"), (f"→ {example.why}", "faint")]
    blocks += [("", "text"), ("Severity (prior)", "accent"), (f"{mode.severity.level}. {mode.severity.note}", "text")]
    if mode.aliases:
        blocks += [("", "text"), ("Also called", "accent"), ("; ".join(mode.aliases), "faint")]
    return blocks
