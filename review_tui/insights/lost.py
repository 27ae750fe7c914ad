"""What runs went on to spend after their first failure began: steps, tokens and time."""

from __future__ import annotations

from collections.abc import Callable

from labels.insights.figures import Figure, Lost
from review_tui.insights.drawing import LEGEND, PageRow, bar
from review_tui.insights.words import View, blank, interval, percent, too_few, wrapped
from review_tui.sanitize import short
from review_tui.words import counted, duration


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    lost = profile.lost
    found: list[PageRow] = [
        (None, [(" Spent after the first failure began", "strong"), (f"  {counted(lost.runs, 'run')}", "faint")]),
        (None, [(" median share of the whole run: ", "faint"), *LEGEND]),
    ]
    if not lost.runs:
        return found + wrapped(
            "No run has a failure with a place, so nothing can be said of what came after it. Label chunks or steps,"
            " not whole runs.", view.width, "text",
        )  # fmt: skip
    found += [
        _part("steps", lost.steps, lost.steps_share, view.width, _count),
        _part("tokens", lost.tokens, lost.tokens_share, view.width, _count),
        _part("time", lost.seconds, lost.seconds_share, view.width, duration),
    ]
    return found + _totals(view, lost)


def _part(name: str, amount: Figure, share: Figure, width: int, words: Callable[[float], str]) -> PageRow:
    if share.value is None:
        return None, [(f" {name:<8}", "text"), (f"{short(share.why or 'not known', width - 12)}", "faint")]
    if share.too_few:
        return None, [(f" {name:<8}", "text"), (too_few(share), "faint")]
    right = f"{percent(share.value):>5} {interval(share):>7}  n {share.n:,}"
    typical = f"median {words(amount.value)}" if amount.value is not None else ""
    room = max(8, min(80, width - 9 - 24 - 18))
    return None, [(f" {name:<8}", "text"), *bar(share, room, 1.0), (right, "text"), (f"  {typical}", "faint")]


def _totals(view: View, lost: Lost) -> list[PageRow]:
    said = []
    if lost.seconds.n:
        said.append(f"{duration(lost.seconds_total)} in {counted(lost.seconds.n, 'run')}")
    if lost.tokens.n:
        said.append(f"{lost.tokens_total:,} tokens in {counted(lost.tokens.n, 'run')}")
    found = [blank(), *wrapped(f"All together: {', '.join(said)}.", view.width, "text")] if said else []
    missing = []
    if lost.untimed:
        missing.append(f"{counted(lost.untimed, 'run')} without times of steps")
    if lost.uncounted:
        missing.append(f"{counted(lost.uncounted, 'run')} without token counts")
    return found + (wrapped(f"Left out: {'; '.join(missing)}.", view.width) if missing else [])


def _count(value: float) -> str:
    return f"{value:,.0f}"
