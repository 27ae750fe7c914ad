"""Choosing a failure mode: by its code, by letters of its name, or by reading about it."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from labels.codebook import Codebook, Codebooks, Mode
from review_tui.sanitize import clean, clean_block
from review_tui.widgets.rows import FixedRows, RowList

Choice = tuple[Codebook, Mode]


class ModePicker(ModalScreen[Choice | None]):
    """Gives the chosen mode, or None. Typing digits picks as soon as one code fits whole; letters search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "help(1)", "Read on", show=False, priority=True),
        Binding("pageup", "help(-1)", "Read back", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    ModePicker { align: center middle; background: $background 60%; }
    ModePicker > Vertical { width: 94%; max-width: 120; height: 90%; max-height: 40; background: $panel;
        border: round $primary; border-title-color: $text-primary; border-subtitle-color: $text-muted; }
    ModePicker Input { border: none; height: 1; padding: 0 1; background: $surface; }
    ModePicker Input:focus { border: none; }
    ModePicker RowList { width: 38%; background: $panel; }
    ModePicker VerticalScroll { width: 1fr; padding: 0 2 0 1; scrollbar-size-vertical: 1; border-left: solid $surface; }
    ModePicker #help { width: 1fr; height: auto; }
    """

    def __init__(self, codebooks: Codebooks, title: str, *, instant: bool = True) -> None:
        """title: what is being labelled. instant: whether a whole code chooses without Enter."""
        super().__init__()
        self.codebooks, self.heading, self.instant = codebooks, title, instant
        self.found: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = clean(self.heading)
            box.border_subtitle = "digits: code · letters: search · Enter chooses · PgDn reads on · Esc"
            yield Input(placeholder="2 6  or  mismatch")
            with Horizontal():
                yield RowList(id="modes")
                with VerticalScroll(can_focus=False):
                    yield Static(id="help", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))
        self._search("")

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

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        event.stop()
        self._show_help()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
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
        text = mode_help(*choice, self.app.theme_variables) if choice else Text("")
        self.query_one("#help", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_move(self, step: int) -> None:
        self.query_one("#modes", RowList).move(step)

    def action_help(self, step: int) -> None:
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=step * max(1, scroll.size.height - 2), animate=False)

    def action_cancel(self) -> None:
        self.dismiss(None)


def mode_help(book: Codebook, mode: Mode, colours: dict[str, str]) -> Text:
    """All that a codebook says of a mode, for reading beside a label. colours: the theme's variables."""
    strong = Style(bold=True)
    faint = Style(dim=True)
    head = Style(bold=True, color=_colour(colours.get("text-primary")))
    text = Text()

    def add(part: str, style: Style | str = "") -> None:
        text.append(clean_block(part), style)

    category = book.category(mode.category)
    add(f"{mode.code} {mode.name}\n", strong)
    add(f"{mode.slug} · {category.name if category else mode.category} · {book.title} {book.version}\n\n", faint)
    add(f"{mode.definition}\n")
    if mode.when:
        add("\nApplies when\n", head)
        for item in mode.when:
            add(f"  • {item}\n")
    if mode.when_not:
        add("\nDoes not apply when\n", head)
        for not_item in mode.when_not:
            add(f"  • {not_item.text}{f' → {not_item.instead}' if not_item.instead else ''}\n")
    for title, example in (("An example", mode.example), ("A near miss", mode.near_miss)):
        if example is not None:
            add(f"\n{title}\n", head)
            add("".join(f"  {line}\n" for line in example.text.split("\n")))
            add(f"  → {example.why}\n", faint)
    add("\nSeverity (prior)\n", head)
    add(f"  {mode.severity.level}. {mode.severity.note}\n")
    if mode.aliases:
        add("\nAlso called\n", head)
        add(f"  {'; '.join(mode.aliases)}\n", faint)
    return text


def _colour(value: str | None) -> str | None:
    """A theme's colour if Rich can use it (some are written as `auto 87%`)."""
    return value if value and value.startswith("#") and len(value) == 7 else None
