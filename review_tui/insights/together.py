"""Modes that occur together in one run, more or less often than chance would have it."""

from __future__ import annotations

import math
from functools import lru_cache

from labels.insights.figures import FEW, Pair, Profile
from labels.insights.intervals import fisher, holm
from review_tui.insights.drawing import PageRow
from review_tui.insights.words import View, blank, heading, wrapped
from review_tui.sanitize import short

#: A pair is marked where this is unlikelier than chance, after Holm's correction over all pairs.
LEVEL = 0.05
#: Pairs in the list, the most telling ones.
MOST = 20
#: Up to so many runs the test is Fisher's exact one; beyond, the chi-square test, which is then as good.
_EXACT = 400
_CELL = 4


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
    ps = dict(zip(map(_names, enough), holm([chance(pair) for pair in enough]), strict=True))
    return found + _matrix(view, profile, ps) + _list(view, profile, [pair for pair in enough if pair.both > 1], ps)


def _names(pair: Pair) -> frozenset[str]:
    return frozenset((pair.first, pair.second))


@lru_cache(maxsize=4096)
def chance(pair: Pair) -> float:
    """How likely a table as uneven as this one is if the modes have nothing to do with each other."""
    one, two, n = pair.first_runs, pair.second_runs, pair.n
    if n > _EXACT:
        return 1.0 if pair.phi is None else math.erfc(math.sqrt(n * pair.phi**2 / 2))
    return fisher(pair.both, one, two - pair.both, n - one) if one < n else 1.0


def _matrix(view: View, profile: Profile, ps: dict[frozenset[str], float]) -> list[PageRow]:
    """Counts of runs with both, below the diagonal; on it, runs with the mode."""
    cell = _CELL if view.width < 120 else 6
    label = 22 if view.width < 110 else 40
    modes = list(profile.modes)[: (view.width - label - 2) // cell]
    pairs = {_names(pair): pair for pair in profile.pairs}
    head = "".join(f"{short(row.code or row.slug, cell - 1):>{cell - 1}} " for row in modes)
    found: list[PageRow] = [(None, [(" " * (label + 2), "text"), (head, "faint")])]
    for place, row in enumerate(modes):
        pieces = [(f" {short(row.label, label):<{label}} ", "text")]
        for other in modes[:place]:
            key = frozenset((row.slug, other.slug))
            pieces.append(_cell(pairs.get(key), cell, ps.get(key, 1.0) < LEVEL))
        count = row.runs.count
        pieces.append((f"{'' if count is None else count:>{cell - 1}} ", "strong"))
        found.append((f"mode:{row.slug}", pieces))
    told = (
        "▲ more often than chance, ▽ less (Fisher's test at 5 %, after Holm over all pairs); · never together; last in"
        " a row: runs with the mode."
    )
    return [*found, *wrapped(told, view.width)]


def _cell(pair: Pair | None, width: int, telling: bool) -> tuple[str, str]:
    if pair is None or pair.n < FEW:
        return f"{'–':>{width - 1}} ", "faint"
    text = f"{pair.both:,}" if pair.both else "·"
    if telling:
        more = pair.both > pair.expected
        return f"{text:>{width - 1}}{'▲' if more else '▽'}", "error" if more else "good"
    return f"{text:>{width - 1}} ", "text" if pair.both else "faint"


def _list(view: View, profile: Profile, pairs: list[Pair], ps: dict[frozenset[str], float]) -> list[PageRow]:
    if not pairs:
        return []
    pairs = sorted(pairs, key=lambda pair: (ps[_names(pair)], -abs(pair.phi or 0)))[:MOST]
    name = max(16, min(44, (view.width - 42) // 2))
    right = f"{'both':>5} {'by chance':>10} {'phi':>6} {'p adj':>6}  n"
    found: list[PageRow] = [
        blank(), heading("THE MOST TELLING PAIRS"), (None, [(f" {'':<{2 * name + 3}}", "text"), (right, "faint")])
    ]  # fmt: skip
    for pair in pairs:
        names = f"{short(profile.name(pair.first), name):<{name}} + {short(profile.name(pair.second), name):<{name}}"
        phi, p = "–" if pair.phi is None else f"{pair.phi:+.2f}", ps[_names(pair)]
        adjusted = "<.001" if p < 0.001 else f"{p:.3f}"
        numbers = f"{pair.both:>5,} {pair.expected:>10.1f} {phi:>6} {adjusted:>6}"
        found.append((f"mode:{pair.first}", [(f" {names}", "text"), (numbers, "text"), (f"  {pair.n:,}", "faint")]))
    return found
