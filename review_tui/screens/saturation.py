"""Whether new runs still bring new codes: the curve, and what it comes to in words."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from labels.coding.saturation import AHEAD, FEW, Saturation
from review_tui.curve import plot
from review_tui.screens.modal import Modal
from review_tui.widgets.rows import FixedRows, Pieces, RowList


class SaturationScreen(Modal[None]):
    """Shows a curve until Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,c,enter", "dismiss", "Close", show=False)]
    DEFAULT_CSS = """
    SaturationScreen { align: center middle; background: $background 60%; }
    SaturationScreen > Vertical { width: 96%; max-width: 140; height: 92%; max-height: 40; background: $panel;
        border: round $primary; border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    SaturationScreen RowList { background: $panel; }
    """

    def __init__(self, found: Saturation) -> None:
        super().__init__()
        self.found = found

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Do new runs still bring new codes?"
            box.border_subtitle = "Esc closes"
            yield RowList(id="curve")

    def on_mount(self) -> None:
        self.query_one(RowList).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        rows = self.query_one(RowList)
        width, height = rows.size.width, rows.size.height
        if not width:
            return
        words = self._words(width - 1)
        band = list(zip(self.found.points, self.found.low, self.found.high, strict=True))
        drawn = plot(self.found.observed, self.found.mean, band, width - 1, height - len(words) - 1)
        lines: list[Pieces] = [*drawn, *([[]] if drawn else []), *words]
        rows.show(FixedRows([(None, line) for line in lines]))

    def _words(self, width: int) -> list[Pieces]:
        found = self.found
        lines = [(text, "strong") for text in wrap(found.sentence, width)]
        if found.few:
            text = f"Give codes to notes of {FEW} runs or more: a on a note."
            return [[piece] for piece in [*lines, (text, "faint")]]
        low, high = found.total_low or 0, found.total_high or 0
        more = (
            f"In all at least {found.total or 0:.1f} codes, 95 % {low:.1f} to {high:.1f} (Chao2: {found.once} in one"
            f" run only, {found.twice} in two). In {AHEAD} further runs about {found.ahead or 0:.1f} new ones."
            f" n = {len(found.runs)} runs."
        )
        return [[piece] for piece in [*lines, *((text, "faint") for text in wrap(more, width))]]
