"""Editing the calls that an agent proposes at a gate, as JSON, before they are approved."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from review_tui.sanitize import clean, short
from review_tui.screens.modal import Modal
from sessions.errors import UserError
from sessions.jsontext import BadJson, loads
from sessions.live.gates import GateInfo
from sessions.live.request import proposed_call


class CallEditor(Modal[list[Any] | None]):
    """Gives the calls as they may run, None if the reviewer changed their mind. What cannot run is not let out.

    The text is JSON with everything outside ASCII escaped: nothing in it can lead the terminal or the eye astray.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, priority=True),
        Binding("ctrl+s", "keep", "Keep", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    CallEditor { align: center middle; background: $background 60%; }
    CallEditor > Vertical { width: 96%; max-width: 120; height: 80%; background: $panel; border: round $primary;
        border-title-color: $text-primary; border-subtitle-color: $text-muted; padding: 0 1; }
    CallEditor TextArea { height: 1fr; border: none; background: $panel; }
    CallEditor Static { height: auto; color: $text-error; }
    """

    def __init__(self, gate: GateInfo) -> None:
        super().__init__()
        self.gate = gate

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(clean(f"Calls proposed at {short(self.gate.key, 40)}"))
            box.border_subtitle = "Ctrl+S approves them so · Esc cancels"
            yield TextArea(json.dumps(self.gate.proposed, indent=2), id="calls", show_line_numbers=False)
            yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_keep(self) -> None:
        try:
            self.dismiss(self._calls())
        except UserError as error:
            self.query_one("#wrong", Static).update(clean(str(error)))

    def _calls(self) -> list[Any]:
        """What is written, checked. Raises UserError."""
        try:
            calls = loads(self.query_one(TextArea).text)
        except BadJson as error:
            raise UserError(f"this is no JSON: {error}.", "Correct it, or Esc.") from None
        if not isinstance(calls, list) or not calls:
            raise UserError("this is no list of calls.", "Reject the proposal (X) if none may run.")
        for place, call in enumerate(calls, start=1):
            proposed_call(call, f"call {place}")
        return calls
