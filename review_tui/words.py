"""Numbers, steps and durations in words, the same on every screen, on the command line and in reports."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 step`, `1,200 steps`. many: where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def steps_text(first: int, last: int) -> str:
    """Steps for people. first, last: indices."""
    return f"step {first + 1:,}" if first == last else f"steps {first + 1:,}–{last + 1:,}"


def duration(seconds: float | None) -> str:
    """`45 s`, `12.5 min`, `3.5 h`, `2.1 days`; a dash where it is not known."""
    if seconds is None:
        return "–"
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:.0f} s"
