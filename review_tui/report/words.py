"""Figures and names as text for HTML. Everything that comes from a run or a codebook is made harmless here."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from labels.insights.figures import FEW, Figure
from review_tui import words
from review_tui.sanitize import short


def safe(text: str, limit: int = 300) -> str:
    """Text of strangers for HTML: no tags, no hidden or direction-turning letters, at most `limit` code points."""
    return escape(short(text, limit), quote=True)


def sentence(text: str) -> str:
    """Plain words as a sentence of the page."""
    said = safe(text, 600)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '?', '!')) else '.'}"


def percent(value: float | None) -> str:
    """`43 %`; small shares keep a digit, so that they do not look like none."""
    if value is None:
        return "-"
    share = value * 100
    return f"{share:.1f} %" if 0 < abs(share) < 9.95 and round(share, 1) != round(share) else f"{share:.0f} %"


def share(figure: Figure) -> str:
    """`43 % (31-56 %), 12 of 28`, as HTML."""
    if figure.value is None:
        return _undefined(figure)
    return f"{percent(figure.value)}{_interval(figure, percent)}, {counted(figure)}"


def number(figure: Figure, unit: str = "", digits: int = 1) -> str:
    """`4.7 (4.2-5.1), n 44`, as HTML. unit: behind the value."""
    if figure.value is None:
        return _undefined(figure)

    def text(value: float | None) -> str:
        return "-" if value is None else f"{value:,.{digits}f}"

    return f"{text(figure.value)}{unit}{_interval(figure, text)}, {counted(figure)}"


def around(figure: Figure, *, shares: bool = True) -> str:
    """A figure's interval and what it rests on, for under the figure itself: `31\u201356 %, 12 of 28`."""

    def text(value: float | None) -> str:
        return percent(value) if shares else f"{value:,.1f}"

    interval = _interval(figure, text).strip(" ()")
    return f"{interval}, {counted(figure)}" if interval else counted(figure)


def counted(figure: Figure) -> str:
    """What a figure rests on."""
    few = ", too few to say" if figure.too_few else ""
    return f"{figure.count:,} of {figure.n:,}{few}" if figure.count is not None else f"n {figure.n:,}{few}"


def few(figure: Figure) -> str:
    """What stands in the place of a bar."""
    return f"too few runs ({figure.n} of {FEW})"


def _undefined(figure: Figure) -> str:
    """A dash that says why when it is pointed at."""
    return f'<span title="{safe(figure.why)}">\u2013</span>'


def _interval(figure: Figure, text: Callable[[float | None], str]) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f" ({text(figure.low).removesuffix(' %')}\u2013{text(figure.high)})"


def runs(count: int) -> str:
    return words.counted(count, "run")
