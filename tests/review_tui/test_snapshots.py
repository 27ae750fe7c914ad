"""The screens as text, at three sizes, dark, light and without colour. `make snapshots` accepts them as they are now.

A snapshot holds the lines of each screen, and under them what is marked: bold (B), italic (I), underlined (U),
reversed (R), on another ground (G). No colours: they are the theme's business.
"""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from station import Station, station, suggest
from textual.strip import Strip
from textual.widgets import Input

from review_tui import odds

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ["80x24", "120x36", "200x60"]
MODES = ["dark", "light", "no-colour"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
async def test_screens_look_as_they_did(samples_db, size, mode, monkeypatch, request):
    found = await screens(samples_db, size, mode, monkeypatch)
    file = FOLDER / f"{size}-{mode}.txt"
    if request.config.getoption("--update-snapshots"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(found)
    assert file.exists(), "make snapshots"
    assert found == file.read_text(), f"{file.name} looks different; if that is meant: make snapshots"


@pytest.mark.parametrize("size", SIZES)
def test_colour_is_never_the_only_sign(size):
    """Dark, light and colourless screens have the same text."""
    texts = [
        [line for line in (FOLDER / f"{size}-{mode}.txt").read_text().split("\n") if not line.startswith("~")]
        for mode in MODES
    ]
    assert texts[0] == texts[1] == texts[2]


async def screens(db: Path, size: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """All screens of a session, one below the other."""
    if mode == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(Input.cursor_blink, "_default", False)
    for name in ("FIRST_S", "AGAIN_S"):  # what is learned from decisions comes when it comes
        monkeypatch.setattr(odds, name, 3600)
    width, height = map(int, size.split("x"))
    parts: list[str] = []

    def take(name: str) -> None:
        parts.append(f"=== {name}\n{picture(here)}")

    async with station(db, size=(width, height)) as here:
        here.app.theme = "textual-light" if mode == "light" else "textual-dark"
        await here.pilot.pause()
        take("inbox")
        while "Incident" not in next(
            entry.run.title for entry in here.inbox.entries if entry.run.id == here.inbox.runs.selected
        ):
            await here.press("down")
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        suggest(db, here.run, [("reasoning-action-mismatch", 8, 8, "I'll read the currency service's log")])
        await here.press("g")
        await here.pilot.pause()
        take("review")
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("a", "s", "right_square_bracket", "A", "left_square_bracket", "left_square_bracket")
        await here.press("left_square_bracket", "J", "v", "j", "l", "3", "3", "colon", "8", "enter")
        await here.press("y", "tab", "tab")
        await here.until(lambda: len(here.review.desk.labels()) == 2)
        await here.until(lambda: here.review.transcript.has_focus)
        await here.press("colon", "6", "enter")
        here.review.show_keys()
        await here.pilot.pause()
        take("review with label, evidence and verdicts")
        await here.press("l", *"mismatch")
        take("picker")
        await here.press("escape", "question_mark")
        take("help")
        await here.press("escape", "colon", "8", "enter", "i")
        take("raw record")
        await here.press("escape", "r")
        take("prompt")
        await here.press("escape", "ctrl+f")
        await here.type("currency", enter=False)
        await here.until(lambda: "steps · Enter opens" in here.footer)
        await here.pilot.pause()
        take("search all runs")
    return "\n".join(parts)


def picture(here: Station) -> str:
    update: Any = here.app.screen._compositor.render_update(full=True, screen_stack=here.app._background_screens)
    rows = [list(Strip.join(row)) for row in update.strips]
    grounds = Counter(
        str(segment.style.bgcolor) for row in rows for segment in row if segment.style for _ in segment.text
    )
    usual = grounds.most_common(1)[0][0]
    lines = ["".join(segment.text for segment in row).rstrip() for row in rows]
    if not here.app.no_color:
        for number, row in enumerate(rows, 1):
            for look, group in groupby(row, lambda segment: _look(segment.style, usual)):
                text = "".join(segment.text for segment in group)
                if look and (text.strip() or "R" in look):
                    lines.append(f"~ {number:>2} {look:<2} {text.strip()}")
    return "\n".join(lines) + "\n"


def _look(style: Any, usual: str) -> str:
    if style is None:
        return ""
    flags = (("B", style.bold), ("I", style.italic), ("U", style.underline), ("R", style.reverse))
    ground = "G" if style.bgcolor is not None and str(style.bgcolor) != usual else ""
    return "".join(letter for letter, on in flags if on) + ground
