"""One line asked for at the bottom of the screen: a search, a step, a note, a policy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from review_tui.screens.modal import Modal


class Prompt(Modal[str | None]):
    """Gives the line that was typed, or None if the reviewer changed their mind. What is behind stays readable."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]
    DEFAULT_CSS = """
    Prompt { background: transparent; align: left bottom; }
    Prompt Horizontal { height: 2; background: $panel; border-top: solid $primary; }
    Prompt Horizontal:light { border-top: solid $primary; }
    Prompt #ask { width: auto; padding: 0 1; color: $text-primary; text-style: bold; }
    Prompt Input { border: none; height: 1; width: 1fr; padding: 0; background: $panel; }
    Prompt Input:focus { border: none; }
    Prompt #hint { width: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, ask: str, value: str = "", hint: str = "", *, select: bool = False) -> None:
        """select: what is typed replaces `value` instead of adding to it."""
        super().__init__()
        self.ask, self.value, self.hint, self.select = ask, value, hint, select

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(self.ask, id="ask", markup=False)
            yield Input(self.value, select_on_focus=self.select)
            yield Static(self.hint, id="hint", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))  # at once: what is typed right behind the key that asked belongs here
        if not self.select:
            self.query_one(Input).cursor_position = len(self.value)
        self.query_one("#hint").display = self.size.width >= 70

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss(None)
