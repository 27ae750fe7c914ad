"""Where in a run failures begin: a histogram by tenths, and each mode's own place."""

from __future__ import annotations

from labels.insights.figures import FEW, Profile
from review_tui.insights.drawing import Mark, PageRow, columns, span
from review_tui.insights.words import View, blank, heading, mode_name, wrapped
from review_tui.words import counted

BINS = 10


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    onset = profile.onset
    found: list[PageRow] = [
        (None, [(" Where the first failure of a run begins", "strong"), (f"  {counted(onset.runs, 'run')}", "faint")]),
    ]
    if onset.runs < FEW:
        said = "one run has" if onset.runs == 1 else f"{onset.runs:,} runs have"
        found += wrapped(
            f"{said} a failure with a place: too few ({FEW} are needed) to say where they begin. Label chunks or steps,"
            " not whole runs.",
            view.width, "text",
        )  # fmt: skip
    else:
        found += _histogram(view, profile)
    return found + _modes(view, profile) + _left_out(view, profile)


def _histogram(view: View, profile: Profile) -> list[PageRow]:
    onset = profile.onset
    width = max(5, min(14, (view.width - 8) // BINS))
    height = max(4, min(12, view.height - 14))
    counts = "".join(f"{count:^{width - 1}} " if count else " " * width for count in onset.bins)
    found: list[PageRow] = [(None, [("   ", "text"), (counts, "text")])]
    for pieces in columns(onset.bins, height, width):
        found.append((None, [("   ", "text"), *pieces]))
    found.append((None, [("  └", "faint"), ("─" * (width * BINS), "faint")]))
    labels = "".join(f"{place * 10}%".ljust(width) for place in range(BINS)) + "100%"
    found.append((None, [("   ", "text"), (labels, "faint")]))
    step, position = onset.first_step, onset.position
    told = []
    if step.value is not None:
        ends = f" ({step.low + 1:.0f}–{step.high + 1:.0f})" if step.low is not None and step.high is not None else ""
        told.append(f"Half of the failures have begun by step {step.value + 1:.0f}{ends}")
    if position.value is not None:
        ends = (
            f" ({position.low:.0%}–{position.high:.0%})"
            if position.low is not None and position.high is not None
            else ""
        )
        told.append(f"that is {position.value:.0%} of the run{ends}")
    return [*found, blank(), *wrapped(f"{', '.join(told)}; n {onset.runs:,}.", view.width, "text")]


def _modes(view: View, profile: Profile) -> list[PageRow]:
    known = profile.onset.by_mode
    if not known:
        return []
    label = 30 if view.width < 110 else 40
    track = max(10, min(60, view.width - label - 30))
    found = [blank(), heading("MEDIAN PLACE OF EACH MODE'S FIRST OCCURRENCE")]
    modes = [row for row in profile.modes if row.slug in known]
    if view.order == "size":
        modes.sort(key=lambda row: known[row.slug][2])
    for row in modes:
        runs, step, place = known[row.slug]
        marks = [Mark(place, "●", "bar")] if runs >= FEW else []
        told = f"{place:>4.0%}  step {step + 1:<5.0f}" if runs >= FEW else f"too few of {FEW} "
        found.append(
            (f"mode:{row.slug}", [(f" {mode_name(row, label)} ", "text"), ("├", "faint"), *span(marks, track, 1.0),
                                  ("┤", "faint"), (f" {told:<16} n {runs:,}", "text")])
        )  # fmt: skip
    return found


def _left_out(view: View, profile: Profile) -> list[PageRow]:
    onset, said = profile.onset, []
    if onset.unplaced:
        said.append(
            f"{counted(onset.unplaced, 'run')} with failures that are labelled on the whole run, without a step"
        )
    if onset.short:
        said.append(f"{counted(onset.short, 'run')} of one step")
    return [blank(), *wrapped(f"Left out: {'; '.join(said)}.", view.width)] if said else []
