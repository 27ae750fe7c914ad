"""Modes that occur together in one run, more or less often than chance would have it."""

from __future__ import annotations

from labels.insights.figures import FEW, Pair, Profile
from review_tui.insights.drawing import PageRow
from review_tui.insights.words import View, blank, heading, wrapped
from review_tui.sanitize import short
from review_tui.words import counted

#: Pairs in the list, the most telling ones.
MOST = 20
#: Cells of a column of the matrix, the most and the least.
_CELLS = (6, 5, 4)


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    found: list[PageRow] = [
        (None, [(" Modes that occur together", "strong"), ("  in how many runs, and more or less than by chance",
                                                           "faint")]),
    ]  # fmt: skip
    enough = [pair for pair in profile.pairs if pair.n >= FEW]
    if len(profile.modes) < 2:
        return found + wrapped("This codebook has one mode only.", view.width, "text")
    if not enough:
        return found + wrapped(f"Fewer than {FEW} runs are judged for any two modes: too few.", view.width, "text")
    return found + _matrix(view, profile) + _list(view, profile, [pair for pair in enough if pair.both > 1])


def _names(pair: Pair) -> frozenset[str]:
    return frozenset((pair.first, pair.second))


def _matrix(view: View, profile: Profile) -> list[PageRow]:
    """Counts of runs with both, below the diagonal; on it, runs with the mode."""
    label = 22 if view.width < 110 else 40
    room = view.width - label - 2
    cell = next((size for size in _CELLS if size * len(profile.modes) <= room), _CELLS[-1])
    modes = list(profile.modes)[: room // cell]
    pairs = {_names(pair): pair for pair in profile.pairs}
    head = "".join(f"{short(row.code or row.slug, cell - 1):>{cell - 1}} " for row in modes)
    found: list[PageRow] = [(None, [(" " * (label + 2), "text"), (head, "faint")])]
    for place, row in enumerate(modes):
        pieces = [(f" {short(row.label, label):<{label}} ", "text")]
        for other in modes[:place]:
            pieces.append(_cell(pairs.get(frozenset((row.slug, other.slug))), cell))
        count = row.runs.count
        pieces.append((f"{'' if count is None else count:>{cell - 1}} ", "strong"))
        found.append((f"mode:{row.slug}", pieces))
    told = (
        "▲ more often than chance, ▽ less (Fisher's test at 5 %, after Holm over all pairs); · never together; last in"
        " a row: runs with the mode."
    )
    if left := len(profile.modes) - len(modes):
        more = counted(left, "more mode")
        found += wrapped(
            f"No room for {more}: a wider window shows {'it' if left == 1 else 'them'}.", view.width, "warn"
        )
    return [*found, *wrapped(told, view.width)]


def _cell(pair: Pair | None, width: int) -> tuple[str, str]:
    if pair is None or pair.n < FEW:
        return f"{'–':>{width - 1}} ", "faint"
    text = f"{pair.both:,}" if pair.both else "·"
    if pair.holds_up:
        more = pair.both > pair.expected
        return f"{text:>{width - 1}}{'▲' if more else '▽'}", "error" if more else "good"
    return f"{text:>{width - 1}} ", "text" if pair.both else "faint"


def _list(view: View, profile: Profile, pairs: list[Pair]) -> list[PageRow]:
    if not pairs:
        return []
    pairs = sorted(pairs, key=lambda pair: (_adjusted(pair), -abs(pair.phi or 0)))[:MOST]
    name = max(16, min(44, (view.width - 42) // 2))
    right = f"{'both':>5} {'by chance':>10} {'phi':>6} {'p adj':>6}  n"
    found: list[PageRow] = [
        blank(), heading("THE MOST TELLING PAIRS"), (None, [(f" {'':<{2 * name + 3}}", "text"), (right, "faint")])
    ]  # fmt: skip
    for pair in pairs:
        names = f"{short(profile.name(pair.first), name):<{name}} + {short(profile.name(pair.second), name):<{name}}"
        phi, p = "–" if pair.phi is None else f"{pair.phi:+.2f}", _adjusted(pair)
        adjusted = "<.001" if p < 0.001 else f"{p:.3f}"
        numbers = f"{pair.both:>5,} {pair.expected:>10.1f} {phi:>6} {adjusted:>6}"
        found.append((f"mode:{pair.first}", [(f" {names}", "text"), (numbers, "text"), (f"  {pair.n:,}", "faint")]))
    return found


def _adjusted(pair: Pair) -> float:
    return 1.0 if pair.adjusted is None else pair.adjusted
