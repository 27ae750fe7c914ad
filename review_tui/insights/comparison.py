"""Two groups of runs side by side: what differs, by how much, and how sure that is."""

from __future__ import annotations

from labels.insights.figures import Comparison, Difference, Figure
from review_tui.insights.drawing import PageRow, joined
from review_tui.insights.words import View, blank, mean_text, of, percent, wrapped
from review_tui.sanitize import clean, short

#: Cells of a group's share, of the difference with its interval, and of the adjusted p.
_SHARE, _DIFFERENCE, _P = 8, 16, 7
_REACHES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


def rows(view: View) -> list[PageRow]:
    head: PageRow = (None, [(" Two groups of runs side by side", "strong"), None, ("v which two  w swap ", "faint")])
    if view.comparing is None:
        return [head, *wrapped(
            "No two groups have enough judged runs to be compared by themselves. Press v and choose: two systems,"
            " models, benchmarks, reviewers, or two ranges of time.", view.width, "text",
        )]  # fmt: skip
    by, first, second = view.comparing
    names = f" {by}: A = {_name(first, view)}, B = {_name(second, view)}"
    found = [head, *wrapped(names, view.width, "accent")]
    if view.compared is None:
        return [*found, (None, [(" comparing …", "faint")])]
    if isinstance(view.compared, str):
        return found + wrapped(clean(view.compared), view.width, "warn")
    return found + _table(view, view.compared)


def _name(text: str, view: View) -> str:
    return short(text, max(10, view.width // 2 - 12)) or "(not said)"


def _table(view: View, found: Comparison) -> list[PageRow]:
    every = [found.failure, *found.rows]
    shown = [row for row in every if row.difference.value is not None]
    reach = _reach(shown)
    modes = list(found.rows)
    if view.order == "code" and view.profile is not None and view.profile.codebook == found.codebook:
        places = {row.slug: place for place, row in enumerate(view.profile.modes)}
        modes.sort(key=lambda row: places.get(row.what, len(places)))
    result = [*wrapped(clean(found.sentence), view.width, "strong"), blank(), _titles(view.width, found, reach)]
    result += [_row(row, view.width, reach) for row in (found.failure, *modes)]
    one, two, change = found.per_failed
    means = f"Modes in a failed run: A {mean_text(one)}; B {mean_text(two)}."
    if one.value is None and two.value is None:
        means = f"Modes in a failed run: {one.why}."
    if change.value is not None and not (one.too_few or two.too_few):
        ends = (
            f" ({change.low:+.1f} to {change.high:+.1f})" if change.low is not None and change.high is not None else ""
        )
        means += f" Difference {change.value:+.1f}{ends}."
    result += [blank(), *wrapped(means, view.width, "text")]
    result += wrapped(
        "B less A in points: ● with its 95 % interval ├─┤. ◆ marks what differs by more than chance gives after Holm's"
        f" correction. By the codebook {short(found.codebook, 40)}.", view.width,
    )  # fmt: skip
    for note in found.notes:
        result += wrapped(clean(note[:1].upper() + note[1:]), view.width)
    return result


def _reach(shown: list[Difference]) -> float:
    """Half the width of the tracks: a round difference that holds all intervals."""
    ends = [abs(end) for row in shown for end in (row.difference.low, row.difference.high) if end is not None]
    return next((reach for reach in _REACHES if max(ends, default=0.0) <= reach), 1.0)


def _layout(width: int) -> tuple[int, int]:
    """Cells of a mode's name and of its track, which has a middle."""
    label = 14 if width < 70 else 24 if width < 110 else 38
    right = 2 * _SHARE + (_DIFFERENCE if width >= 70 else 0) + (_P if width >= 70 else 0)
    track = max(9, min(81, width - label - right - 5))
    return label, track - (track + 1) % 2


def _titles(width: int, found: Comparison, reach: float) -> PageRow:
    label, track = _layout(width)
    low, high = f"{-reach * 100:+.0f}", f"{reach * 100:+.0f}"
    scale = f"{low}{'0':^{track - len(low) - len(high)}}{high}" if track >= 13 else f"{'0':^{track}}"
    sizes = [f"{letter} {count:,}" for letter, count in zip("AB", found.runs, strict=True)]
    pieces = [
        (f" {'':<{label}}", "faint"),
        *[(f"{size:>{_SHARE}}", "faint") for size in sizes],
        (f"  {scale} ", "faint"),
    ]
    if width >= 70:
        pieces.append((f"{'B less A':>{_DIFFERENCE}}{'p adj':>{_P}}", "faint"))
    return None, [*pieces]


def _row(row: Difference, width: int, reach: float) -> PageRow:
    label, track = _layout(width)
    change = row.difference
    few = change.value is not None and (row.first.too_few or row.second.too_few)
    pieces = [
        (f" {short(row.name, label):<{label}}", "text"), (f"{_share(row.first):>{_SHARE}}", "text"),
        (f"{_share(row.second):>{_SHARE}}", "text"), ("  ", "text"),
        *_track(Figure(None) if few else change, track, reach, row.differs), (" ", "text"),
    ]  # fmt: skip
    if width >= 70:
        pieces += [(f"{'too few' if few else _points(change):>{_DIFFERENCE}}", "faint" if few else "text"),
                   (f"{_p(row.adjusted):>{_P}}", "strong" if row.differs else "faint")]  # fmt: skip
    return f"mode:{row.what}" if row.what != "failure-rate" else None, [*pieces]


def _share(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    return of(figure) if figure.too_few else percent(figure.value)


def _points(change: Figure) -> str:
    if change.value is None or change.low is None or change.high is None:
        return "–"
    value, low, high = (f"{round(end * 100):+d}" for end in (change.value, change.low, change.high))
    return f"{value} ({low}..{high})"


def _p(value: float | None) -> str:
    return "–" if value is None else "<.001" if value < 0.001 else f"{value:.3f}"


def _track(change: Figure, width: int, reach: float, differs: bool) -> list[tuple[str, str]]:
    """The interval of a difference around zero, which is in the middle."""
    middle = width // 2

    def place(value: float) -> int:
        return max(0, min(width - 1, round(middle + value / reach * middle)))

    cells = [("·", "faint")] * width
    cells[middle] = "│", "faint"
    if change.value is not None and change.low is not None and change.high is not None:
        look = ("error" if change.value > 0 else "good") if differs else "text"
        low, high = place(change.low), place(change.high)
        # What is all on one side of zero is drawn so, however coarse the cells are.
        low = max(low, middle + 1) if change.low > 0 else low
        high = min(high, middle - 1) if change.high < 0 else high
        for at in range(low, high + 1):
            cells[at] = ("┼" if at == middle else "─"), look
        if high > low:
            cells[low], cells[high] = ("├", look), ("┤", look)
        cells[min(max(place(change.value), low), high)] = "◆" if differs else "●", look
    return joined(cells)
