"""Makes the README's pictures, taken from the real station: a live gate of the demo, the review of a sample run, and,
where a folder with MAST's human labels is named, what these say of failure modes.

    python docs/images/make.py [FOLDER]

The keys of the second are those of the README's tour. Pictures are cleaned to show anywhere: no font is fetched.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from labels import operating
from labels.codebook import load_all
from labels.importing import import_labels
from labels.operating import Said
from review_tui.app import ReviewApp
from review_tui.screens.insights import InsightsScreen
from review_tui.screens.review import ReviewScreen
from sample_traces import path as samples
from sessions.demo.scratch import Scratch, end, next_gate
from sessions.ingest import import_file
from sessions.store import Store

HERE = Path(__file__).parent
SIZE = (120, 36)
#: The tour from where the run is open: approve, two labels with their causes, roll back, undo and redo.
KEYS = [
    "a", "J", "J", *5 * ["j"], "v", "j", "l", "2", "6", "c", "J", "l", "3", "3", "c", "c", "K", "r", "enter", "u", "U",
]  # fmt: skip
#: At which gate of the demo the picture is taken.
GATE = 3
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)
_FONTS = "ui-monospace, SFMono-Regular, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"


async def review(run: Path) -> str:
    """The review screen after KEYS, as SVG."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "review.db") as store:
        import_file(store, run)
        app = ReviewApp(store, "ann", [run], detect=False)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(0.5)
            assert isinstance(app.screen, ReviewScreen)
            for key in KEYS:
                await pilot.press(key)
                await pilot.pause(0.15)
            # What stands below: an answer to the last key. The keys say more to somebody who has not begun.
            app.screen.show_keys()
            await pilot.pause(0.2)
            return app.export_screenshot(title="review-tui", simplify=True)


async def gate() -> str:
    """The demo's agent at its third gate, as SVG."""
    scratch = Scratch.make()
    os.environ["REVIEW_TUI_SNAPSHOTS"] = str(scratch.snapshots)
    agent = scratch.start_agent()
    try:
        with Store.open(scratch.db) as store:
            found = next_gate(store, scratch, agent)
            for _ in range(GATE - 1):
                assert found is not None
                operating.decide(store, "ann", found, Said("approve"))
                found = next_gate(store, scratch, agent, found.no)
            app = ReviewApp(store, "ann", [], detect=False, gate=found)
            async with app.run_test(size=SIZE) as pilot:
                await pilot.pause(2.0)
                assert isinstance(app.screen, ReviewScreen)
                return app.export_screenshot(title="review-tui", simplify=True)
    finally:
        end(agent)
        scratch.remove()


async def insights(folder: Path) -> str:
    """The insights screen on the labels that are published in a folder, as SVG."""
    with tempfile.TemporaryDirectory() as place, Store.open(Path(place) / "review.db") as store:
        import_labels(store, [folder], load_all())
        app = ReviewApp(store, "ann", [], detect=False)
        async with app.run_test(size=(120, 32)) as pilot:
            await pilot.pause(0.5)
            await pilot.press("V")
            await pilot.pause(3.0)
            assert isinstance(app.screen, InsightsScreen)
            return app.export_screenshot(title="review-tui", simplify=True)


def cleaned(svg: str) -> str:
    """Without fonts from elsewhere, which no page that embeds a picture loads."""
    svg = _FONT_FACE.sub("\n", svg)
    svg = re.sub(r"font-family: Fira Code, monospace", f"font-family: {_FONTS}", svg)
    svg = re.sub(r"\s*font-variant-east-asian: full-width;", "", svg)
    svg = re.sub(r"terminal-\d+-", "t-", svg)
    return re.sub(r"[ \t]+\n", "\n", svg)


if __name__ == "__main__":
    (HERE / "review.svg").write_text(cleaned(asyncio.run(review(samples() / "checkout-outage.json"))), "utf-8")
    (HERE / "gate.svg").write_text(cleaned(asyncio.run(gate())), "utf-8")
    if len(sys.argv) > 1:
        (HERE / "insights.svg").write_text(cleaned(asyncio.run(insights(Path(sys.argv[1])))), "utf-8")
