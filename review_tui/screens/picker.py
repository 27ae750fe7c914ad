"""Choosing a failure mode: by its code, by letters of its name, or by reading about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from labels.codebook import Codebook, Codebooks, Mode
from review_tui.sanitize import clean
from review_tui.screens.reader import TextRows
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, RowList

Choice = tuple[Codebook, Mode]


class ModePicker(Screen[Choice | None]):
    """Gives the chosen mode, or None. Typing digits picks as soon as one code fits whole; letters search.

    It fills the screen: a window over the transcript would have to be drawn with it, twice for every key of a chord.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "help(1)", "Read on", show=False, priority=True),
        Binding("pageup", "help(-1)", "Read back", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    ModePicker Input { border: none; height: 1; padding: 0 1; background: $surface; }
    ModePicker Input:focus { border: none; }
    ModePicker #modes { width: 40; }
    ModePicker #help { width: 1fr; padding: 0 1; border-left: solid $panel; }
    ModePicker.-narrow #modes { width: 40%; }
    """

    def __init__(self, codebooks: Codebooks, title: str, *, instant: bool = True) -> None:
        """title: what is being labelled. instant: whether a whole code chooses without Enter."""
        super().__init__()
        self.codebooks, self.heading, self.instant = codebooks, title, instant
        self.found: list[Choice] = []

    def compose(self) -> ComposeResult:
        yield Bar(1, id="head")
        yield Input(placeholder="2 6  or  mismatch")
        with Horizontal():
            yield RowList(id="modes")
            yield RowList(id="help")
        yield Bar(1, id="footer")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))
        self.query_one("#head", Bar).show([(clean(self.heading), "accent")])
        keys = "digits: code · letters: search · ↑ ↓ · Enter chooses · PgDn reads on · Esc"
        self.query_one("#footer", Bar).show([(keys, "faint")])
        self._search("")

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "-narrow")
        self.call_after_refresh(self._show_help)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)
        if self.instant and (choice := self._by_code(event.value)):
            self.dismiss(choice)

    def _by_code(self, typed: str) -> Choice | None:
        """The one mode whose code's digits were typed: `2 6`, `26` and `2.6` all mean 2.6."""
        digits = [letter for letter in typed if letter.isalnum()]
        if len(digits) < 2 or not typed.strip()[0].isdigit():
            return None
        fits = [
            (book, mode)
            for book in self.codebooks
            for mode in book.modes
            if [letter for letter in mode.code if letter.isalnum()] == digits
        ]
        return fits[0] if len(fits) == 1 else None

    def _search(self, query: str) -> None:
        self.found = self.codebooks.search(query)
        modes = self.query_one("#modes", RowList)
        several = len({book.id for book, _ in self.found}) > 1
        rows = []
        for number, (book, mode) in enumerate(self.found):
            tail = f" {clean(book.id)}" if several else ""
            rows.append(
                (str(number), [(f" {clean(mode.code):<4}", "accent"), (clean(mode.name), "text"), (tail, "faint")])
            )
        modes.show(FixedRows(rows or [(None, [(" no mode is called that", "faint")])]), select="0")
        self._show_help()

    @on(RowList.Highlighted, "#modes")
    def _look_up(self, event: RowList.Highlighted) -> None:
        event.stop()
        self._show_help()

    @on(RowList.Chosen, "#modes")
    def _choose(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(self.found[int(event.key)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if choice := self._highlighted():
            self.dismiss(choice)

    def _highlighted(self) -> Choice | None:
        key = self.query_one("#modes", RowList).selected
        return self.found[int(key)] if key is not None and self.found else None

    def _show_help(self) -> None:
        choice = self._highlighted()
        pane = self.query_one("#help", RowList)
        if pane.size.width:
            rows = TextRows(mode_help(*choice) if choice else [], cursor=False)
            rows.fold(pane.size.width)
            pane.top = 0
            pane.show(rows)

    def action_move(self, step: int) -> None:
        self.query_one("#modes", RowList).move(step)

    def action_help(self, step: int) -> None:
        pane = self.query_one("#help", RowList)
        pane.scroll_by(step * max(1, pane.size.height - 2))

    def action_cancel(self) -> None:
        self.dismiss(None)


def mode_help(book: Codebook, mode: Mode) -> list[tuple[str, str]]:
    """All that a codebook says of a mode, for reading beside a label: (text, look) blocks."""
    category = book.category(mode.category)
    where = f"{mode.slug} · {category.name if category else mode.category} · {book.title} {book.version}"
    blocks = [(mode.label, "strong"), (where, "faint"), ("", "text"), (mode.definition, "text")]
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
