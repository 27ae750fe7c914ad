"""By system, model, benchmark, domain or outcome: how often runs fail, by how many modes, and by which."""

from __future__ import annotations

from labels.insights.figures import GROUPED_BY, Group, Profile
from review_tui.insights.drawing import LEGEND, PageRow, bar, shade
from review_tui.insights.words import View, blank, heading, interval, mean_text, mode_name, of, percent, too_few
from review_tui.sanitize import short

#: Cells of a group's column in the table of modes.
_COLUMN = 9
#: Groups that are listed; the largest ones come first.
MOST = 40


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    groups = sorted((item for item in profile.groups if item.by == view.by), key=lambda item: (-item.runs, item.value))
    names = "  ".join(f"[{name}]" if name == view.by else name for name in GROUPED_BY)
    found: list[PageRow] = [
        (None, [(f" By {view.by}", "strong"), (f"  {names}", "faint"), None, ("g next ", "faint")]),
        (None, [(" share of runs that failed: ", "faint"), *LEGEND]),
    ]
    if view.by == "outcome":
        found[1] = (None, [(" runs of each outcome, and the modes in them", "faint")])
    found += [_group(item, view.width) for item in groups[:MOST]]
    if len(groups) > MOST:
        found.append((None, [(f" … and {len(groups) - MOST:,} more", "faint")]))
    if not any(item.value for item in groups):
        found.append((None, [(f" No judged run says what its {view.by} is.", "warn")]))
    return found + _table(view, profile, groups)


def _name(item: Group) -> str:
    return short(item.value, 60) or "(not said)"


def _group(item: Group, width: int) -> PageRow:
    label = 22 if width < 110 else 36
    right = 38 if width < 110 else 62
    failed, modes = item.failed, item.per_run if item.by == "outcome" else item.per_failed
    if failed.value is None:
        told = "outcomes unknown"
    elif failed.too_few:
        told = too_few(failed)
    else:
        told = f"{percent(failed.value)} {interval(failed)} {of(failed)}"
    each = mean_text(modes) if width >= 110 else "–" if modes.value is None or modes.too_few else f"{modes.value:.1f}"
    each = f"{short(each, 26)} modes" if modes.value is not None else ""
    return f"group:{item.by}:{item.value}", [
        (f" {short(_name(item), label):<{label}}", "text"), (f"{item.runs:>6,} runs ", "faint"),
        *bar(failed, max(6, width - label - right - 13), 1.0), None, (f" {told}  {each} ", "text"),
    ]  # fmt: skip


def _table(view: View, profile: Profile, groups: list[Group]) -> list[PageRow]:
    """Shares of runs with each mode, a column for each of the largest groups."""
    label = 30 if view.width < 110 else 40
    room = (view.width - label - 2) // _COLUMN
    shown = [item for item in groups if item.runs and item.modes][:room]
    if not shown:
        return []
    found = [
        blank(), heading("SHARE OF RUNS WITH THE MODE"),
        (None, [(" " * (label + 2), "text"), *[(f"{short(_name(item), _COLUMN - 1):>{_COLUMN}}", "faint") for item in
                                               shown]]),
        (None, [(f" {'runs':<{label + 1}}", "faint"), *[(f"{item.runs:>{_COLUMN},}", "faint") for item in shown]]),
    ]  # fmt: skip
    top = max((figure.value or 0 for item in shown for figure in item.modes.values() if not figure.too_few), default=0)
    for row in profile.modes:
        pieces = [(f" {mode_name(row, label)} ", "text")]
        for item in shown:
            figure = item.modes.get(row.slug)
            if figure is None or figure.value is None:
                pieces.append((f"{'–':>{_COLUMN}}", "faint"))
            elif figure.too_few:
                pieces.append((f"{of(figure):>{_COLUMN}}", "faint"))
            else:
                letter = shade(figure.value, top)
                pieces.append((f"{letter * 2:>{_COLUMN - 5}}{percent(figure.value):>5}", "text"))
        found.append((f"mode:{row.slug}", pieces))
    found.append((None, [(" Of fewer than five runs the counts are shown instead of shares.", "faint")]))
    return found
