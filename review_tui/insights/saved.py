"""What review has prevented: chunks sent back, actions denied, runs stopped, and the steps that this saved."""

from __future__ import annotations

from labels.insights.figures import PreventedRow
from review_tui.insights.drawing import PageRow
from review_tui.insights.words import View, blank, wrapped
from review_tui.sanitize import short
from review_tui.words import counted, duration


def rows(view: View) -> list[PageRow]:
    every = view.insights.prevented
    found: list[PageRow] = [
        (None, [(" Prevented by review", "strong"), ("  gates of live runs, and rollbacks on recorded ones", "faint")])
    ]
    if not _acts(every):
        return found + wrapped(
            "Nothing yet: no live run was sent back, denied or stopped at a gate, and no recorded run has a rollback.",
            view.width, "text",
        )  # fmt: skip
    told = []
    if every.rollbacks_live:
        told.append(f"sent back at {counted(every.rollbacks_live, 'gate')}, {counted(every.undone, 'step')} undone")
    if every.denied:
        told.append(f"{counted(every.denied, 'proposed action')} denied")
    if every.stopped:
        told.append(f"{counted(every.stopped, 'run')} stopped")
    if told:
        found += wrapped(f"Live: {'; '.join(told)}.", view.width, "text")
    if every.rollbacks_recorded:
        runs, saved = counted(every.rollbacks_recorded, "run"), [counted(every.unneeded, "step")]
        saved += [f"{every.saved_tokens:,} tokens"] if every.saved_tokens is not None else []
        saved += [duration(every.saved_seconds)] if every.saved_seconds is not None else []
        found += wrapped(
            f"Recorded: in {runs} a reviewer would have gone back; {', '.join(saved)}"
            " came after the chunk at which they said so, and would not have been spent.",
            view.width, "text",
        )  # fmt: skip
    profile = view.profile
    by_mode = [row for row in profile.prevented if row.mode and _acts(row)] if profile else []
    if profile and by_mode:
        label = 32 if view.width < 110 else 44
        found += [
            blank(),
            (None, [(f" {'BY MODE':<{label + 1}}", "heading"),
                    (f"{'sent back':>10}{'denied':>8}{'stopped':>9}{'recorded':>10}{'steps':>8}", "faint")]),
        ]  # fmt: skip
        for row in by_mode:
            steps = row.undone + row.unneeded
            counts = (
                f"{row.rollbacks_live:>10,}{row.denied:>8,}{row.stopped:>9,}{row.rollbacks_recorded:>10,}{steps:>8,}"
            )
            found.append(
                (f"mode:{row.mode}", [(f" {short(profile.name(row.mode), label):<{label + 1}}", "text"),
                                      (counts, "text")])
            )  # fmt: skip
    return found


def _acts(row: PreventedRow) -> int:
    return row.rollbacks_live + row.denied + row.stopped + row.rollbacks_recorded
