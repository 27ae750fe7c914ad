"""Figures as people read them on a line."""

from __future__ import annotations

from labels.insights.figures import Figure


def percent(figure: Figure) -> str:
    """`45 %`; a dash where it is undefined."""
    return "-" if figure.value is None else f"{figure.value * 100:.0f} %"


def count_of(figure: Figure) -> str:
    """`9/20`: of how many runs (or failures) it is so."""
    return f"{figure.count or 0:,}/{figure.n:,}"


def with_interval(figure: Figure) -> str:
    """`45 % (9/20; 95 %: 26-66)`; why not, where it is undefined."""
    if figure.value is None:
        return f"- ({figure.why})"
    of = count_of(figure) if figure.count is not None else f"n {figure.n:,}"
    interval = f"; 95 %: {between(figure)}" if between(figure) else ""
    return f"{percent(figure)} ({of}{interval}{', too few' if figure.too_few else ''})"


def between(figure: Figure) -> str:
    """`26-66`, in percent; "" where there is no interval."""
    return "" if figure.low is None or figure.high is None else f"{figure.low * 100:.0f}-{figure.high * 100:.0f}"


def points(value: float | None) -> str:
    """`+12`, `0`, `-7` percentage points."""
    if value is None:
        return "-"
    rounded = round(value * 100)
    return f"{rounded:+d}" if rounded else "0"


def points_between(figure: Figure) -> str:
    """`-3 to +12`."""
    return "" if figure.low is None else f"{points(figure.low)} to {points(figure.high)}"


def p_value(value: float | None) -> str:
    """`0.031`, `<0.001`; a dash where there was nothing to test."""
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def number(figure: Figure, *, bare: bool = False) -> str:
    """`2.6 (95 %: 2.2 to 3.1, n 44)`. bare: only the figure."""
    if figure.value is None:
        return "-" if bare else f"- ({figure.why})"
    if bare:
        return f"{figure.value:.1f}"
    interval = "" if figure.low is None or figure.high is None else f"95 %: {figure.low:.2f} to {figure.high:.2f}, "
    return f"{figure.value:.2f} ({interval}n {figure.n:,}{', too few' if figure.too_few else ''})"
