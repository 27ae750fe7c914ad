"""Failed against successful runs, mode by mode: which modes are fatal here, and which does one recover from."""

from __future__ import annotations

from labels.insights.figures import ModeRow, Profile
from review_tui.insights.drawing import Mark, PageRow, span
from review_tui.insights.words import View, blank, heading, mode_name, of, percent, wrapped
from review_tui.sanitize import short

FAILED, SUCCEEDED = "●", "○"
_GLYPH = {"fatal": "▲", "recoverable": "▽", "unclear": "?"}
_LOOK = {"fatal": "error", "recoverable": "good"}
#: Cells of both shares, of their difference with its interval, and of the classes.
_SHARES, _DIFFERENCE, _CLASS = 11, 16, 14


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    runs = f"{profile.failed:,} failed, {profile.succeeded:,} successful runs"
    head: list[PageRow] = [
        (None, [(" Failed against successful runs ", "strong"), (f"({runs})", "faint")]),
        (None, [(f" {FAILED}", "error"), (" share of failed runs with the mode  ", "faint"), (SUCCEEDED, "good"),
                (" of successful ones", "faint")]),
    ]  # fmt: skip
    if not profile.failed or not profile.succeeded:
        return head + _one_sided(view, profile)
    top = _top(profile)
    found = [*head, _titles(view.width, top)]
    modes = list(profile.modes)
    if view.order == "size":
        modes.sort(key=lambda row: -(row.lift.shrunk.value or 0))
    found += [_mode(row, top, view.width) for row in modes]
    return found + _foot(view, profile)


def _one_sided(view: View, profile: Profile) -> list[PageRow]:
    has, lacks = ("failed", "successful") if profile.failed else ("successful", "failed")
    if not profile.failed and not profile.succeeded:
        said = "No judged run has a known outcome, so failed and successful runs cannot be compared."
    else:
        said = f"All judged runs with a known outcome are {has}: the comparison needs {lacks} ones, too."
    how = (
        "Outcomes come from a run's own reference data (a reward, a grader's verdict) or from your verdict on the whole"
        " run (W in the review screen). Import or review runs of the other kind."
    )
    found = [blank(), *wrapped(said, view.width, "text"), *wrapped(how, view.width), blank()]
    published = [row for row in profile.modes if row.lift.published]
    if published:
        found.append(heading("WHAT THE CODEBOOK SAYS BEFORE ANY DATA"))
        for row in published:
            glyph = _GLYPH.get(row.lift.published, "?")
            look = _LOOK.get(row.lift.published, "faint")
            found.append(
                (f"mode:{row.slug}", [(f" {mode_name(row, 40)} ", "text"), (f"{glyph} {row.lift.published}", look)])
            )
    return found


def _top(profile: Profile) -> float:
    """The right end of the tracks: a round share that holds all marks."""
    shares = [figure.value or 0 for row in profile.modes for figure in (row.failed, row.succeeded)]
    return next((top for top in (0.1, 0.2, 0.3, 0.5) if max(shares, default=0) <= top), 1.0)


def _titles(width: int, top: float) -> PageRow:
    label, track = _layout(width)
    scale = f"0%{f'{top:.0%}':>{track - 2}}"
    return None, [
        (f" {'':<{label}} {scale} ", "faint"), (f"{FAILED:>5} {SUCCEEDED:>4} ", "faint"),
        (f"{'with it, points':>{_DIFFERENCE}} ", "faint"), ("here", "faint"), None,
        ("codebook " if width >= 110 else "", "faint"),
    ]  # fmt: skip


def _layout(width: int) -> tuple[int, int]:
    """Cells of a mode's name and of its track."""
    label = 26 if width < 110 else 38
    right = _SHARES + _DIFFERENCE + _CLASS + (_CLASS if width >= 110 else 0)
    return label, max(6, width - label - right - 3)


def _mode(row: ModeRow, top: float, width: int) -> PageRow:
    label, track = _layout(width)
    marks = []
    for figure, letter, look in ((row.succeeded, SUCCEEDED, "good"), (row.failed, FAILED, "error")):
        if figure.value is not None and not figure.too_few:
            marks.append(Mark(figure.value, letter, look))
    if len(marks) == 2 and int(marks[0].value / top * track) == int(marks[1].value / top * track):
        marks = [Mark(marks[0].value, "◉", "strong")]
    lift, words = row.lift, row.lift.difference
    if lift.with_mode.too_few or lift.without.too_few or words.value is None:
        difference = f"{of(lift.with_mode)} failed" if lift.with_mode.n else "–"
    else:
        ends = f" ({_points(words.low)}..{_points(words.high)})" if words.low is not None else ""
        difference = f"{_points(words.value)}{ends}"
    here = short(lift.here, _CLASS - 2)
    pieces = [
        (f" {mode_name(row, label)} ", "text"), *span(marks, track, top),
        (f"{percent(row.failed.value):>5} {percent(row.succeeded.value):>4} ", "text"),
        (f"{difference:>{_DIFFERENCE}} ", "text"),
        (f"{_GLYPH.get(lift.here, ' ')} {here}", _LOOK.get(lift.here, "faint")),
    ]  # fmt: skip
    if width >= 110:
        pieces += [None, (f"{_GLYPH.get(lift.published, ' ')} {lift.published} ", "faint")]  # type: ignore[list-item]
    return f"mode:{row.slug}", pieces


def _points(value: float | None) -> str:
    """A difference of shares in percentage points."""
    return "" if value is None else f"{value * 100:+.0f}"


def _foot(view: View, profile: Profile) -> list[PageRow]:
    found = [blank()]
    fatal = [row.label for row in profile.modes if row.lift.here == "fatal"]
    mild = [row.label for row in profile.modes if row.lift.here == "recoverable"]
    for names, what in ((fatal, "Fatal here"), (mild, "Recoverable here")):
        if names:
            found += wrapped(f"{what}: {short('; '.join(names), 600)}.", view.width, "text")
    found += wrapped(
        "“With it” is by how many points more runs with the mode fail than runs without it, with its 95 % interval"
        " (Newcombe). A mode is fatal here if it makes that ten points or more with a probability of 95 %, recoverable"
        " if with that probability it does not, with the codebook's class as a light prior; else unclear. Below five"
        " runs with the mode, or five without it, only counts are shown.",
        view.width,
    )
    apart = [
        row.label for row in profile.modes
        if row.lift.here in _LOOK and row.lift.published in _LOOK and row.lift.here != row.lift.published
    ]  # fmt: skip
    if apart:
        found += wrapped(f"Otherwise than the codebook has it: {short('; '.join(apart), 400)}.", view.width, "warn")
    return found
