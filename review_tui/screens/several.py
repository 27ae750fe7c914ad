"""Choosing several of a list in a window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from review_tui.sanitize import clean, short
from review_tui.screens.modal import Modal
from review_tui.widgets.rows import FixedRows, RowList


class Several(Modal[frozenset[str] | None]):
    """Gives the names that are ticked, None if the reviewer changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", show=False, priority=True),
        Binding("space", "tick", "Tick", show=False, priority=True),
        Binding("a", "every", "All or none", show=False, priority=True),
        Binding("enter", "done", "Done", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Several { align: center middle; background: $background 60%; }
    Several > Vertical { width: 90%; max-width: 70; height: auto; max-height: 80%; background: $panel;
        border: round $primary; border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    Several RowList { background: $panel; height: auto; min-height: 1; max-height: 24; }
    """

    def __init__(self, title: str, names: Iterable[str], ticked: Iterable[str]) -> None:
        super().__init__()
        self.heading, self.names, self.ticked = title, list(names), set(ticked)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(clean(self.heading))
            box.border_subtitle = "Space ticks · a all or none · Enter done · Esc cancels"
            yield RowList(id="several")

    def on_mount(self) -> None:
        self.rows.styles.height = min(24, max(1, len(self.names)))
        self._show()
        self.set_focus(self.rows)

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def _show(self) -> None:
        made = [
            (str(place), [("✓ " if name in self.ticked else "· ", "good"), (short(name, 60), "text")])
            for place, name in enumerate(self.names)
        ]
        self.rows.show(FixedRows(made))

    def action_tick(self) -> None:
        if self.rows.selected is not None:
            self.ticked ^= {self.names[int(self.rows.selected)]}
            self._show()

    def action_every(self) -> None:
        self.ticked = set() if self.ticked.issuperset(self.names) else set(self.names)
        self._show()

    @on(RowList.Chosen)
    def _clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_tick()

    def action_done(self) -> None:
        self.dismiss(frozenset(self.ticked))

    def action_cancel(self) -> None:
        self.dismiss(None)
