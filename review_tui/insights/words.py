"""Figures in few letters: every one with its interval and with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from labels.insights.figures import FEW, Comparison, Figure, Insights, ModeRow, Profile
from labels.planning.systems import SystemPlan
from review_tui.insights.drawing import PageRow
from review_tui.sanitize import short


@dataclass(frozen=True)
class View:
    """What a page is drawn from. width: cells of a row. column: the published figures beside ours, by place. by: the
    attribute of the groups. order: `code` or `size`. plans: None until they are calculated. comparing: attribute and
    two values; compared: None until it is calculated, a sentence where it cannot be."""

    insights: Insights
    profile: Profile | None
    width: int
    height: int
    column: int = 0
    by: str = "system"
    order: str = "code"
    plans: list[SystemPlan] | None = None
    plan: int = 0
    comparing: tuple[str, str, str] | None = None
    compared: Comparison | str | None = None


def percent(value: float | None) -> str:
    """`40%`; nearly never is not never."""
    if value is None:
        return "–"
    text = f"{value:.0%}"
    if (text, value == 0) == ("0%", False):
        return "<1%"
    return ">99%" if text == "100%" and value < 1 else text


def interval(figure: Figure, *, share: bool = True, digits: int = 1) -> str:
    """`32–49` (percent) or `1.2–3.4`."""
    if figure.low is None or figure.high is None:
        return ""
    if share:
        return f"{figure.low * 100:.0f}–{figure.high * 100:.0f}"
    return f"{figure.low:.{digits}f}–{figure.high:.{digits}f}"


def of(figure: Figure) -> str:
    """`20/50`, or `n 50` of a mean."""
    return f"{figure.count:,}/{figure.n:,}" if figure.count is not None else f"n {figure.n:,}"


def share_text(figure: Figure) -> str:
    """`40% (32–49), 20/50`, or why there is none."""
    if figure.value is None:
        return figure.why or "nothing to count"
    if figure.too_few:
        return too_few(figure)
    return f"{percent(figure.value)} ({interval(figure)}), {of(figure)}"


def mean_text(figure: Figure, digits: int = 1) -> str:
    """`4.7 (4.1–5.3), n 62`, or why there is none."""
    if figure.value is None:
        return figure.why or "nothing to count"
    if figure.too_few:
        return too_few(figure)
    ends = interval(figure, share=False, digits=digits)
    return f"{figure.value:.{digits}f}{f' ({ends})' if ends else ''}, n {figure.n:,}"


def too_few(figure: Figure) -> str:
    return f"too few ({figure.n} of {FEW})"


def mode_name(row: ModeRow, width: int) -> str:
    """Code and name, cut to a column."""
    return f"{short(f'{row.code:<4}{row.name}' if row.code else row.name, width):<{width}}"


def heading(text: str) -> PageRow:
    return None, [(f" {text}", "heading")]


def blank() -> PageRow:
    return None, [("", "text")]


def line(text: str, look: str = "text") -> PageRow:
    return None, [(f" {text}", look)]


def wrapped(text: str, width: int, look: str = "faint", indent: str = " ") -> list[PageRow]:
    """A sentence over as many rows as it takes. Text must be clean."""
    rows, current = [], indent
    for word in text.split():
        if len(current) + len(word) + 1 > width and current.strip():
            rows.append(current)
            current = indent
        current += word if current == indent else f" {word}"
    return [(None, [(row, look)]) for row in [*rows, current]]
