"""At a gate that waits, what is about to be done is the first thing that a reviewer sees, on a small screen too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from station import LARGE, MIDDLE, SMALL, Station, station

from review_tui.widgets.gate_panel import CALL_LINES, call_lines
from sessions.gate import Gate

FORCE = "git push --force origin main"
#: A script of many lines, the last of which is the one to see.
SCRIPT = "\n".join([*(f"echo preparing part {number} of the migration" for number in range(1, 30)), "rm -rf /srv/data"])


def open_gate(db: Path, command: str, steps: str = "make test", **more: Any) -> None:
    with Gate(agent="helper", task="Repair the build.", run="nightly-1", db=db) as gate:
        for number in range(1, 3):
            gate.add("helper", text=f"Attempt {number}.", calls=[("bash", {"command": steps})])
        proposed = [{"name": "bash", "arguments": {"command": command, **more}}]
        gate.open("g2", wait=False, proposed=proposed)


async def at_gate(here: Station) -> None:
    await here.until(lambda: "AGENTS THAT WAIT" in here.text, "the gate in the inbox")
    await here.press("w")
    await here.until(lambda: here.reviewing and "GATE" in here.text, "the gate in the panel")


@pytest.mark.parametrize("size", [(60, 14), SMALL, (80, 50), MIDDLE, LARGE])
@pytest.mark.parametrize("steps", ["make test", "rm -rf /var/lib/postgresql"])
async def test_the_proposed_call_is_on_the_screen(db: Path, size: tuple[int, int], steps: str):
    """With a suggestion beside it, too: the second kind of step is an alarm of the detectors."""
    open_gate(db, FORCE, steps)
    async with station(db, size=size) as here:
        await at_gate(here)
        if steps != "make test":
            await here.until(lambda: "S.1" in here.side, "the suggestion")
        await here.until(lambda: "wants to run ▸ bash" in here.text, "what is proposed")
        assert FORCE in here.text
        assert "GATE · g2" in here.text
        assert "waits" in here.text


async def test_a_long_call_is_read_to_its_end_with_tab_and_arrows(db: Path):
    open_gate(db, SCRIPT)
    async with station(db, size=SMALL) as here:
        await at_gate(here)
        more = f"{30 - CALL_LINES} more lines: Tab ↓ shows them"
        await here.until(lambda: more in here.side, "how many lines there are")
        assert "rm -rf /srv/data" not in here.text
        await here.press("tab")
        assert "preparing part 1 " in here.text
        await here.press(*["down"] * 31)
        assert "rm -rf /srv/data" in here.text
        await here.press("tab")
        await here.until(lambda: "preparing part 1 " in here.text, "the beginning again")
        assert "GATE · g2" in here.text


async def test_a_wide_line_is_folded_and_not_cut(db: Path):
    command = f"psql -c '{' '.join(f'DROP TABLE table{number};' for number in range(8))}'"
    open_gate(db, command)
    async with station(db, size=MIDDLE) as here:
        await at_gate(here)
        await here.press("tab")
        assert "table7" in here.side


def test_a_giant_call_is_laid_out_in_part_and_says_so():
    lines, cut = call_lines({"command": "x" * 3_000_000}, 30)
    assert cut
    assert len(lines) < 2_000
    assert call_lines(None, 30) == ([], False)
    assert call_lines({"a": 1, "b": "\x1b[2J"}, 30) == (["a: 1", "b: ␛[2J"], False)


async def test_enter_on_a_line_of_the_gate_changes_nothing(db: Path):
    open_gate(db, FORCE)
    async with station(db, size=SMALL) as here:
        await at_gate(here)
        await here.press("tab", "down", "enter", "down")
        assert here.review.side.has_focus
        assert FORCE in here.text


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE])
async def test_a_toast_covers_neither_the_gate_nor_the_foot_of_a_window(db: Path, size: tuple[int, int]):
    open_gate(db, FORCE)
    async with station(db, size=size, toasts=True) as here:
        await at_gate(here)
        here.app.notify(
            "a file could not be read, for a reason that takes a few words to tell", markup=False, timeout=60
        )
        await here.until(lambda: "a file could not" in here.text, "the toast")
        for needed in ("GATE · g2", "waits", "wants to run ▸ bash", FORCE, "? keys"):
            assert needed in here.text
        await here.press("r", "enter")
        await here.until(lambda: "Enter goes on" in here.text, "the window")
        assert "Esc cancels" in here.text
