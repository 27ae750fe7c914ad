"""Why people differed: one key, at the bottom of the screen, while the votes stay readable."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from review_tui.sanitize import short
from review_tui.screens.modal import Modal
from review_tui.widgets.rows import FixedRows, Pieces, RowList

#: Key, reason code, what it is called, what it means.
REASONS = (
    ("a", "ambiguous", "ambiguous", "the run allows both readings"),
    ("g", "guideline-gap", "guideline gap", "the codebook does not say; you can say it right here"),
    ("e", "error", "error", "somebody made a mistake"),
    ("o", "other", "other", "in your own words"),
)


class ReasonScreen(Modal[str | None]):
    """Gives a reason code, or None if the adjudicator changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Back", show=False, priority=True),
        *(Binding(key, f"reason('{code}')", name, show=False, priority=True) for key, code, name, _ in REASONS),
    ]
    DEFAULT_CSS = """
    ReasonScreen { background: transparent; align: left bottom; }
    ReasonScreen > Vertical { height: 6; background: $panel; border: round $primary; padding: 0 1;
        border-title-color: $text-primary; border-subtitle-color: $text-muted; }
    ReasonScreen RowList { background: $panel; }
    """

    def __init__(self, ruling: str) -> None:
        """ruling: what is being settled, such as `2.6 Reasoning-action mismatch is present`."""
        super().__init__()
        self.ruling = ruling

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(short(f"{self.ruling}. Why did they differ?", 100))
            box.border_subtitle = "a g e o, or ↑ ↓ Enter · Esc back"
            yield RowList(id="reasons")

    def on_mount(self) -> None:
        rows: list[tuple[str, Pieces]] = [
            (code, [(f" {key}  ", "accent"), (f"{name:<15}", "strong"), (what, "faint")])
            for key, code, name, what in REASONS
        ]
        found = self.query_one(RowList)
        found.show(FixedRows(rows), select=REASONS[0][1])
        self.set_focus(found)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(event.key)

    def action_reason(self, code: str) -> None:
        self.dismiss(code)

    def action_cancel(self) -> None:
        self.dismiss(None)
