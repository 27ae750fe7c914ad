"""Reading a text in a window: raw records, facts of a run, keys. Drawn by lines, so size does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from review_tui.sanitize import clean_block
from review_tui.screens.modal import Modal
from review_tui.transcript.folding import fold, shown
from review_tui.widgets.rows import Pieces, RowList


class TextRows:
    """Lines of (text, look), folded to the width when drawn first."""

    def __init__(self, blocks: Sequence[tuple[str, str]], *, cursor: bool = True) -> None:
        """cursor: whether a cursor moves through the lines; without, they only scroll."""
        self.cursor = cursor
        self.blocks = [(clean_block(text), look) for text, look in blocks]
        self.width = 0
        self.rows: list[tuple[int, int, int]] = []

    def fold(self, width: int) -> None:
        if width == self.width:
            return
        self.width = width
        self.rows = []
        for number, (text, _) in enumerate(self.blocks):
            starts = fold(text, width)
            self.rows += [(number, start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str | None:
        return str(index) if self.cursor else None

    def pieces(self, index: int, _width: int) -> Pieces:
        number, start, end = self.rows[index]
        text, look = self.blocks[number]
        return [(shown(text[start:end].rstrip("\n")), look)]


class Reader(Modal[None]):
    """Shows a text until Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i,question_mark,I", "dismiss", "Close", show=False),
        Binding("space", "page", "Page down", show=False),
    ]
    DEFAULT_CSS = """
    Reader { align: center middle; background: $background 60%; }
    Reader > Vertical { width: 96%; max-width: 140; height: 92%; background: $panel; border: round $primary;
        border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    Reader RowList { background: $panel; }
    """

    def __init__(self, title: str, blocks: Sequence[tuple[str, str]]) -> None:
        """blocks: (text, look) pieces, each beginning on a line of its own. Texts are cleaned here."""
        super().__init__()
        self.heading = title
        self.rows = TextRows(blocks)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(clean_block(self.heading))  # a string would be read as markup
            box.border_subtitle = "↑ ↓ Space · Esc closes"
            yield RowList(id="text")

    def on_mount(self) -> None:
        self.query_one(RowList).focus()
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        rows = self.query_one(RowList)
        if rows.size.width:
            self.rows.fold(rows.size.width)
            rows.show(self.rows)

    def action_page(self) -> None:
        rows = self.query_one(RowList)
        rows.move(1, max(1, rows.size.height - 1))
