"""A reviewer's figures as lines of words: the same on the command line and on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap

from labels.health.decided import HARDLY, IDLE_S, READ, TREND_N, TREND_SPAN, WEEKS
from labels.health.estimates import FEW, Estimate
from labels.health.report import Drift, Health
from labels.health.taking import CHARACTERS_A_SECOND, Detector
from review_tui.curve import bars
from review_tui.sanitize import clean, short
from review_tui.transcript.folding import cells

#: A line as pieces of (text, look).
Line = list[tuple[str, str]]
#: Width of the column of names, and of the bar of a share.
NAME, BAR = 26, 20


def said(found: Health, width: int = 100) -> Iterator[Line]:
    """All of it. width: cells there are; a narrow screen does without the bars of shares, and what does not fit in a
    line goes on in the next."""
    for line in _said(found, width):
        yield from _fitted(line, width)


def _fitted(line: Line, width: int) -> Iterator[Line]:
    """A line of so many cells, and more of them for what is left: no figure is cut off."""
    if sum(cells(text) for text, _ in line) <= width:
        yield line
        return
    indent = NAME + 3 if width >= 60 else 4
    kept: Line = []
    used = 0
    for text, look in line:
        if used + cells(text) <= width:
            kept, used = [*kept, (text, look)], used + cells(text)
            continue
        if kept and used > indent:
            if any(said.strip() for said, _ in kept):
                yield kept
            kept, used = [(" " * indent, "text")], indent
        room = max(16, width - max(used, indent if kept else 0))
        for place, part in enumerate(wrap(text.strip(" ,:"), room)):
            if place:
                yield kept
                kept, used = [(" " * (indent if used else 2), "text")], indent
            kept, used = [*kept, (part, look)], max(used, indent) + cells(part)
    yield kept


def _said(found: Health, width: int) -> Iterator[Line]:
    bar = BAR if width >= 90 else 0
    yield _heading(found)
    if not found.chunks:
        yield [("  Nothing decided yet.", "text")]
        yield [("  Open a run (Enter in the inbox) and give a verdict (a, r, s).", "text")]
        return
    yield from _notices(found, width)
    yield from _pace(found)
    yield from _reading(found, bar)
    yield from _taking(found, bar)
    yield from _drift(found, width)
    yield from _retest(found, bar)


def _heading(found: Health) -> Line:
    if found.first is None or found.last is None:
        return [(short(found.reviewer, 40), "strong")]
    chunks = f"{found.chunks:,} {'chunk' if found.chunks == 1 else 'chunks'}"
    runs = f"{found.runs:,} {'run' if found.runs == 1 else 'runs'}"
    first, last = f"{found.first:%Y-%m-%d}", f"{found.last:%Y-%m-%d}"
    when = first if first == last else f"{first} to {last}"
    return [(short(found.reviewer, 40), "strong"), (f"  {chunks} decided on in {runs}, {when}", "faint")]


def _notices(found: Health, width: int) -> Iterator[Line]:
    yield []
    if not found.notices:
        yield [("✓ ", "good"), ("nothing stands out.", "text")]
    for text in found.notices:
        for place, line in enumerate(wrap(clean(text), max(20, width - 4))):
            yield [("  " if place else "! ", "warn"), (line, "text")]


def _title(text: str) -> Iterator[Line]:
    yield []
    yield [(text, "accent")]


def _row(name: str, *pieces: tuple[str, str]) -> Line:
    return [(f"  {name:<{NAME}} ", "text"), *pieces]


# -- sections ---------------------------------------------------------------------------------------------------------


def _pace(found: Health) -> Iterator[Line]:
    pace = found.pace
    yield from _title("Time per chunk")
    if pace.median.value is None:
        yield _row("median", ("no times known: the station takes them, the command line does not", "faint"))
        return
    yield _row("median", (duration(pace.median.value), "strong"), (_interval(pace.median, duration), "faint"))
    yield _row("half of them", (f"{duration(pace.quarter)} to {duration(pace.three_quarters)}", "strong"))
    weeks = bars([week.median for week in pace.weeks])
    last = next((week.median for week in reversed(pace.weeks) if week.median is not None), None)
    counts = ", ".join(str(week.n) for week in pace.weeks)
    yield _row(f"by week, {WEEKS} back", (weeks, "accent"), (f"  the last {duration(last)}", "faint"))
    yield _row("", (f"n = {counts}", "faint"))
    trend = pace.trend
    if trend.value is None:
        why = "too short a time to tell" if pace.span < TREND_SPAN.days else "too few to tell"
        need = f"{TREND_N} timed chunks over {TREND_SPAN.days} days or more"
        yield _row("trend", (why, "text"), (f": it takes {need}", "faint"))
    else:
        steady = (trend.low or 0) <= 0 <= (trend.high or 0)
        word = "not clear" if steady else "longer" if trend.value > 0 else "shorter"
        yield _row(
            "trend",
            (f"{_signed(trend.value)} a week", "strong"),
            (f", {word}", "text"),
            (_interval(trend, _signed), "faint"),
        )
    left = f"left out: {pace.idle:,} at {duration(IDLE_S)} or more, {pace.untimed:,} without a time"
    yield _row("", (left, "faint"))


def _reading(found: Health, bar: int) -> Iterator[Line]:
    reading = found.reading
    yield from _title("On your screen before the verdict")
    if reading.median.value is None:
        yield _row("share of the text", ("not known yet: recorded from the next decision in the station on", "faint"))
        return
    yield _share("share of the text, median", reading.median, bar)
    yield _share(f"chunks seen to {percent(READ)}", reading.read, bar)
    yield _share(f"chunks seen below {percent(HARDLY)}", reading.hardly, bar)
    if reading.unknown:
        yield _row("", (f"{reading.unknown:,} without this figure; folded text counts as not seen", "faint"))


def _taking(found: Health, bar: int) -> Iterator[Line]:
    taking = found.taking
    yield from _title("Suggestions")
    for item in taking.detectors:
        yield from _detector(item, bar)
    fast = taking.fast
    if fast.n:
        yield _share("accepts too fast to read", fast, bar, "error" if taking.alarm else "text")
        yield _row("", (f"above {CHARACTERS_A_SECOND:.0f} characters of its text a second", "faint"))


def _detector(item: Detector, bar: int) -> Iterator[Line]:
    name = item.name or "all detectors"
    if not item.shown.n and not item.blind.n:
        yield _row(name, ("none answered, and none on chunks that you decided blind", "faint"))
        return
    yield [(f"  {short(name, 60)}", "strong")]
    yield _share("  accepted when shown", item.shown, bar)
    yield _share("  said by yourself, blind", item.blind, bar)
    if item.gap.value is not None:
        persuaded = not item.gap.few and (item.gap.low or 0) > 0
        look = "warn" if persuaded else "text"
        yield _row("  difference", (_signed(item.gap.value), look), (_interval(item.gap, _signed), "faint"))


def _drift(found: Health, width: int) -> Iterator[Line]:
    yield from _title(f"The last seven days against the {WEEKS} weeks before")
    for item in found.drift:
        yield _drift_line(item, width)


def _drift_line(item: Drift, width: int) -> Line:
    timed = item.name == "time per chunk"
    form = duration if timed else percent
    if item.now.value is None or item.before.value is None:
        side = "in these days" if item.now.value is None else "before"
        return _row(item.name, (f"nothing {side} to compare with", "faint"))
    sides = f"{form(item.before.value)} → {form(item.now.value)}"
    numbers = f"  n = {item.before.n:,}, {item.now.n:,}"
    change: Sequence[tuple[str, str]] = ()
    if item.change.value is not None:
        text = f"  × {item.change.value:.2f}" if timed else f"  {_signed(item.change.value)}"
        ends = _ends(item.change, _times if timed else _signed) if width >= 100 else ""
        change = ((text, "warn" if item.moved else "text"), (ends, "faint"))
    few = [(f"  too few (under {FEW})", "faint")] if item.change.few else []
    return _row(item.name, (sides, "strong"), *change, (numbers, "faint"), *few)


def _retest(found: Health, bar: int) -> Iterator[Line]:
    retest = found.retest
    yield from _title("The same chunk a second time")
    if not retest.chunks:
        yield _row("", ("none yet: a queue with --repeats gives chunks twice", "faint"))
        return
    yield _share("the same verdict", retest.verdicts, bar)
    yield _share("the same on each mode", retest.modes, bar)
    kappa = "undefined" if retest.kappa is None else f"{retest.kappa:.2f}"
    chunks = f"{retest.chunks:,} {'chunk' if retest.chunks == 1 else 'chunks'}"
    yield _row("kappa, over modes", (kappa, "strong"), (f"  n = {chunks}", "faint"))


# -- figures ----------------------------------------------------------------------------------------------------------


def _share(name: str, item: Estimate, bar: int, look: str = "strong") -> Line:
    if item.value is None:
        return _row(name, ("none yet", "faint"))
    full = round(item.value * bar)
    drawn = [("█" * full, "accent"), ("░" * (bar - full), "faint"), ("  ", "text")] if bar else []
    return _row(name, *drawn, (f"{percent(item.value):>4}", look), (_interval(item, percent), "faint"))


def _interval(item: Estimate, form: Callable[[float], str]) -> str:
    """` (12 % to 40 %, n = 30)`; of too few, that they are."""
    if item.few:
        return f"  (n = {item.n}: too few to say)"
    return f"{_ends(item, form)}, n = {item.n:,}" if item.low is not None else f"  n = {item.n:,}"


def _ends(item: Estimate, form: Callable[[float], str]) -> str:
    if item.low is None or item.high is None:
        return ""
    return f"  95%: {form(item.low)} to {form(item.high)}"


def percent(value: float) -> str:
    return f"{value * 100:.0f}%"


def _times(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value * 100:+.0f}%"


def duration(seconds: float | None) -> str:
    """`42 s`, `3 min 05 s`."""
    if seconds is None:
        return "-"
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
