"""By system, model, benchmark, domain or outcome: how often runs fail, by how many modes, and by which."""

from __future__ import annotations

from labels.insights.figures import GROUPED_BY, Figure, Group, Profile
from review_tui.insights.drawing import LEGEND, PageRow, bar, shade
from review_tui.insights.words import View, blank, heading, interval, mean_text, mode_name, of, percent, too_few
from review_tui.sanitize import short

#: Cells of a group's column in the table of modes: at least, and at most where there is room for the names.
_COLUMN, _WIDE_COLUMN = 9, 18
#: From this width on what is at the right end stands beside the rest: nobody follows a row over an empty half screen.
_BROAD = 140
#: Groups that are listed; the largest ones come first.
MOST = 40
NOTHING = Figure(None)


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    groups = sorted((item for item in profile.groups if item.by == view.by), key=lambda item: (-item.runs, item.value))
    names = "  ".join(f"[{name}]" if name == view.by else name for name in GROUPED_BY)
    what = "how often runs failed" if view.by != "outcome" else "modes in a run"
    legend: list[tuple[str, str] | None] = [(f" {what}: ", "faint"), *LEGEND[:5], (" at most", "faint"), None]
    if view.width >= _BROAD:  # over the column, which does not stand at the right end then
        label, room, column = _layout(view.width)
        used = sum(len(piece[0]) for piece in legend if piece is not None)
        legend[-1:] = [(" " * max(1, label + 8 + room + 25 + column - used - len("modes in each")), "text")]
    found: list[PageRow] = [
        (None, [(" By ", "strong"), (names, "faint"), None, ("g next ", "faint")]),
        (None, [*legend, ("modes in each ", "faint")]),
    ]
    found += [_group(item, profile.groups.index(item), view.width) for item in groups[:MOST]]
    if len(groups) > MOST:
        found.append((None, [(f" … and {len(groups) - MOST:,} more", "faint")]))
    if not any(item.value for item in groups):
        found.append((None, [(f" No judged run says what its {view.by} is.", "warn")]))
    return found + _table(view, profile, groups)


def _name(item: Group) -> str:
    return short(item.value, 60) or "(not said)"


def _group(item: Group, place: int, width: int) -> PageRow:
    """Name, runs, share that failed, and modes in a failed run (of the groups by outcome: in any run)."""
    label, room, column = _layout(width)
    each = item.per_run if item.by == "outcome" else item.per_failed
    if width >= 110:
        modes = short(mean_text(each), 22) if each.value is not None else ""
    else:
        modes = f"{each.value:.1f}" if each.value is not None and not each.too_few else ""
    pieces: list[tuple[str, str] | None] = [
        (f" {short(_name(item), label):<{label}}", "text"), (f"{item.runs:>6,} ", "faint"),
        *bar(item.failed if item.by != "outcome" else NOTHING, room, 1.0), (f" {_failed(item):<24}", "text"),
    ]  # fmt: skip
    if width < _BROAD:
        pieces.append(None)
    return f"group:{place}", [*pieces, (f"{modes:>{column}} ", "text")]


def _layout(width: int) -> tuple[int, int, int]:
    """Cells of a group's name, of its bar, and of its modes."""
    label, column = (20, 5) if width < 110 else (36, 22)
    return label, max(6, min(60, width - label - 8 - 25 - column - 4)), column


def _failed(item: Group) -> str:
    if item.by == "outcome":
        return ""
    if item.failed.value is None:
        return "outcomes unknown"
    if item.failed.too_few:
        return too_few(item.failed)
    return f"{percent(item.failed.value):>4} {interval(item.failed):>6} {of(item.failed)}"


def _table(view: View, profile: Profile, groups: list[Group]) -> list[PageRow]:
    """Shares of runs with each mode, a column for each of the largest groups."""
    label = 30 if view.width < 110 else 40
    shown = [item for item in groups if item.runs and item.modes][: (view.width - label - 2) // _COLUMN]
    if not shown:
        return []
    column = min(_WIDE_COLUMN, (view.width - label - 2) // len(shown))
    found = [
        blank(), heading("SHARE OF RUNS WITH THE MODE"),
        (None, [(" " * (label + 2), "text"), *[(f"{short(_name(item), column - 1):>{column}}", "faint") for item in
                                               shown]]),
        (None, [(f" {'runs':<{label + 1}}", "faint"), *[(f"{item.runs:>{column},}", "faint") for item in shown]]),
    ]  # fmt: skip
    top = max((figure.value or 0 for item in shown for figure in item.modes.values() if not figure.too_few), default=0)
    for row in profile.modes:
        pieces = [(f" {mode_name(row, label)} ", "text")]
        for item in shown:
            figure = item.modes.get(row.slug)
            if figure is None or figure.value is None:
                pieces.append((f"{'–':>{column}}", "faint"))
            elif figure.too_few:
                pieces.append((f"{of(figure):>{column}}", "faint"))
            else:
                letter = shade(figure.value, top)
                pieces.append((f"{letter * 2:>{column - 5}}{percent(figure.value):>5}", "text"))
        found.append((f"mode:{row.slug}", pieces))
    found.append((None, [(" Of fewer than five runs the counts are shown instead of shares.", "faint")]))
    return found
