"""Choosing one of a few things in a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from review_tui.sanitize import clean
from review_tui.screens.modal import Modal
from review_tui.widgets.rows import FixedRows, Pieces, RowList


class Choice(Modal[str | None]):
    """Gives the key of the chosen row, None if the reviewer changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel", show=False)]
    DEFAULT_CSS = """
    Choice { align: center middle; background: $background 60%; }
    Choice > Vertical { width: 90%; max-width: 90; height: auto; max-height: 80%; background: $panel;
        border: round $primary; border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    Choice RowList { background: $panel; height: auto; min-height: 1; max-height: 24; }
    """

    def __init__(self, title: str, rows: Sequence[tuple[str, Pieces]]) -> None:
        """rows: key and pieces each. Texts must be clean."""
        super().__init__()
        self.heading, self.rows = title, list(rows)

    @staticmethod
    def room(width: int) -> int:
        """Cells that a row has on a screen so wide."""
        return min(90, width * 9 // 10) - 4

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(clean(self.heading))  # a string would be read as markup
            box.border_subtitle = "↑ ↓ Enter · Esc cancels"
            yield RowList(id="choices")

    def on_mount(self) -> None:
        rows = self.query_one(RowList)
        rows.styles.height = min(24, max(1, len(self.rows)))
        rows.show(FixedRows(self.rows), select=self.rows[0][0] if self.rows else None)
        rows.focus()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(event.key)

    def action_cancel(self) -> None:
        self.dismiss(None)
