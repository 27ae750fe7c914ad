"""Windows over a screen: a key that is faster than the window ends nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from station import CHECKOUT, station
from textual.binding import Binding

from review_tui.screens.choice import Choice
from review_tui.screens.code_prompt import CodePrompt
from review_tui.screens.modal import Modal
from review_tui.screens.prompt import Prompt
from review_tui.screens.reader import Reader
from review_tui.screens.reason import ReasonScreen
from review_tui.screens.saturation import SaturationScreen
from review_tui.screens.several import Several

WINDOWS = {
    "choice": lambda: Choice("Which?", [("a", [("a", "text")])]),
    "code": lambda: CodePrompt("Code", [], [], lambda _: []),
    "prompt": lambda: Prompt("Words"),
    "reader": lambda: Reader("About", [("text", "text")]),
    "reason": lambda: ReasonScreen("2.6 is present"),
    "several": lambda: Several("Which?", ["a", "b"], []),
}


def actions(window: Modal) -> list[str]:
    return [binding.action for binding in type(window).BINDINGS if isinstance(binding, Binding)]


@pytest.mark.parametrize("name", WINDOWS)
async def test_a_key_that_comes_before_the_window_stands_is_dropped(db: Path, name: str) -> None:
    async with station(db, CHECKOUT) as here:
        window = WINDOWS[name]()
        pushed = here.app.push_screen(window)
        assert not window.is_mounted
        for action in actions(window):
            assert not window.check_action(action.partition("(")[0], ())
        await pushed
        await here.until(lambda: window.is_mounted)
        assert all(window.check_action(action.partition("(")[0], ()) for action in actions(window))


def test_every_window_is_tried_or_needs_more_than_words() -> None:
    tried = {type(make()) for make in WINDOWS.values()} | {SaturationScreen}
    ours = {kind for kind in Modal.__subclasses__() if kind.__module__.startswith("review_tui")}
    assert {kind.__name__ for kind in ours - tried} <= {"RollbackScreen", "CallEditor"}
