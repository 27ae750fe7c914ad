"""The pages of the insights screen, in the order of their number keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from labels.insights.figures import FEW
from review_tui.insights import cascades, comparison, groups, lost, onset, outcome, profile, saved, together, worth
from review_tui.insights.drawing import PageRow
from review_tui.insights.words import View, blank, wrapped
from review_tui.sanitize import clean
from review_tui.words import counted


@dataclass(frozen=True)
class Page:
    """rows: what it shows. needs_labels: without any, what is missing is said instead."""

    rows: Callable[[View], list[PageRow]]
    needs_labels: bool = True


#: In the order of `review_tui.insights.names.NAMES_OF_PAGES`.
PAGES = (
    Page(profile.rows),
    Page(outcome.rows),
    Page(groups.rows),
    Page(onset.rows),
    Page(together.rows),
    Page(cascades.rows),
    Page(lost.rows),
    Page(saved.rows, needs_labels=False),
    Page(worth.rows, needs_labels=False),
    Page(comparison.rows),
)
#: Between a row's key and its number, where several rows lead to the same.
AGAIN = "\n"


def page_rows(page: Page, view: View) -> list[PageRow]:
    """A page's rows; where there is nothing to count, what is missing and how to get it. What should be known before
    the figures are read comes first."""
    if page.needs_labels and view.profile is None:
        return nothing(view)
    found = page.rows(view)
    few = view.profile.judged if view.profile else 0
    if page.needs_labels and few < FEW:
        runs = "one run is" if few == 1 else f"{few} runs are"
        found = [*wrapped(f"! {runs} judged: below {FEW}, shares are not drawn.", view.width, "warn"), *found]
    return _told_apart(found)


def _told_apart(rows: list[PageRow]) -> list[PageRow]:
    """Rows of one mode that stand at several places are chosen one by one: the second and later keys get a number."""
    seen: Counter[str] = Counter()
    found: list[PageRow] = []
    for key, pieces in rows:
        if key is not None:
            seen[key] += 1
            if seen[key] > 1:
                key = f"{key}{AGAIN}{seen[key]}"
        found.append((key, pieces))
    return found


def nothing(view: View) -> list[PageRow]:
    """Why there is nothing to show."""
    rows: list[PageRow] = [blank()]
    for item in view.insights.missing:
        rows += wrapped(f"{_sentence(item.what)}.", view.width, "text")
        rows += [*wrapped(clean(item.how), view.width), blank()]
    if not view.insights.missing:
        rows += wrapped("No failure mode was judged in these runs. x takes the filters off.", view.width, "text")
    return rows


def _sentence(text: str) -> str:
    line = clean(text)
    return line[:1].upper() + line[1:]


def about(view: View) -> list[tuple[str, str]]:
    """What the figures rest on, as (text, look) blocks for a reader."""
    found, runs, sources = view.insights, view.insights.runs, view.insights.sources
    counts = (
        f"{counted(runs.scope, 'run')}, {runs.judged:,} judged; of these {runs.failed:,} failed,"
        f" {runs.succeeded:,} succeeded, {runs.unknown:,} of unknown outcome ({runs.by_reference:,} known"
        f" by reference data, {runs.by_verdict:,} by a verdict on the whole run)."
    )
    people = ", ".join(sources.reviewers) or "nobody"
    blocks = [
        (f"Scope: {found.words}.", "strong"),
        (counts, "text"),
        (f"{counted(sources.votes, 'vote')} and {counted(sources.labels, 'label')} by {people}.", "text"),
    ]
    if view.profile is not None:
        blocks.append((f"Codebook: {view.profile.title} {view.profile.version}.", "text"))
    for item in found.missing:
        blocks += [("", "text"), (f"{_sentence(item.what)}.", "warn"), (item.how, "faint")]
    for note in found.notes:
        blocks += [("", "text"), (_sentence(note), "text")]
    intervals = (
        "Intervals are at 95 %: Wilson's for shares, Newcombe's for differences, a bootstrap over runs for means, order"
        " statistics for medians."
    )
    return [*blocks, ("", "text"), (intervals, "faint")]
