"""docs/detectors.md: its tables are those of the shipped figures, and the detector that it shows works."""

import re
from pathlib import Path

import pytest
from labelled import BOOKS

from labels import detectors, figures
from labels.detecting import detect_in_memory
from labels.scoring import page
from sessions.run import Header, Part, Run, Step

PAGE = Path(__file__).resolve().parents[3] / "docs" / "detectors.md"


def test_the_tables_are_current() -> None:
    text = PAGE.read_text("utf-8")
    assert page.renewed(text) == text, "python -m labels.scoring.figures"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the marks"):
        page.renewed("# Detectors\n")


def test_every_mode_of_both_codebooks_is_in_the_table() -> None:
    table = page.table("modes")
    for name in ("mast", "safety"):
        for mode in BOOKS.get(name).modes:
            assert f"| {mode.slug} |" in table
    assert all(f"`{name}`" in table for name in detectors.BUILT_IN)


def test_every_figure_on_the_page_is_as_it_was_measured() -> None:
    rows = [line for line in page.table("figures").splitlines() if line.startswith("| `")]
    assert len(rows) == len(figures.figures().figures)
    for row, item in zip(rows, figures.figures().figures.values(), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[2:5] == [str(item.judged), str(item.positives), str(item.fired)]
        assert (cells[5] == "-") == (item.precision is None)


def test_the_detector_of_the_page_works() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict = {}
    exec(code, names)
    detector = names["ApologyDetector"]()
    steps = [Step("agent", "agent", [Part("text", text)]) for text in ("Working.", "Sorry, I should not have done it.")]
    (found,) = detect_in_memory(Run(Header("made up"), steps), [detector], BOOKS)
    assert (found.first.index, found.evidence[0].quote) == (1, "I should not have")
