"""A window over a screen."""

from __future__ import annotations

from textual.screen import ModalScreen, ScreenResultType


class Modal(ModalScreen[ScreenResultType]):
    """Its keys work from the moment it stands. One that is pressed in the milliseconds before finds no list or field to
    work on, and was meant for what was there before: it is dropped. (Text for a field in focus is not an action: it
    waits, and arrives.)"""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_mounted and super().check_action(action, parameters)
