"""All figures of a scope, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from labels.codebook import Codebooks
from labels.insights import course, published, shares
from labels.insights.cascades import cascades
from labels.insights.figures import Figure, Insights, PreventedRow, Profile, PublishedColumn, RunCounts, Sources
from labels.insights.intervals import mean, share
from labels.insights.pairs import pairs
from labels.insights.prevented import prevented
from labels.insights.reading import packed as at
from labels.insights.reading.cache import load
from labels.insights.reading.material import OUTCOME_BOOK, Material, gather, reviewers
from labels.insights.reading.runs import RunRow, times
from labels.insights.reading.settled import ABSENT, PRESENT
from labels.insights.remarks import missing, notes
from labels.insights.scope import Scope
from labels.insights.shares import Table
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

NO_RECALL = "no run carries a recall (IT-Bench's judge gives one)"


def build(
    store: Store,
    codebooks: Codebooks,
    scope: Scope,
    progress: Callable[[int, int], None] | None = None,
    hidden: frozenset[str] = frozenset(),
) -> Insights:
    """See `labels.insights.build`."""
    return figures_of(gather(store, codebooks, scope, load(store, progress).without(hidden)))


def figures_of(material: Material) -> Insights:
    """The figures of what was gathered."""
    import numpy as np

    values, scope = material.values, material.scope
    books = [name for name in material.books if is_wanted(name, scope)]
    judged = np.zeros(len(material.rows), dtype=bool)
    for name in books:
        judged |= (values.run[:, material.modes_of(name)] >= ABSENT).any(axis=1)
    spared = prevented(material)
    profiles = [profile for name in books if (profile := _profile(material, name, spared.get(name, {}))) is not None]
    profiles.sort(key=lambda item: (-item.judged, -item.failures, item.codebook))
    rows = [row for row, here in zip(material.rows, judged.tolist(), strict=True) if here]
    counts = _run_counts(material, judged)
    recalls = np.array([row.recall for row in rows if row.recall is not None], dtype=float)
    sources = _sources(material, judged, books)
    every = spared.get("", {}).get("", PreventedRow("", 0, 0, 0, 0, 0, 0, None, None))
    result = Insights(
        scope.words, sources, counts, shares.failure_rate(material.failed[judged]), mean(recalls, NO_RECALL),
        tuple(profiles), every, (), (),
    )  # fmt: skip
    return _told(result, material, rows)


def is_wanted(name: str, scope: Scope) -> bool:
    """Whether there are to be figures by a codebook: by those asked for, else by all that say what went wrong."""
    return name in scope.codebooks if scope.codebooks else name != OUTCOME_BOOK


def _told(result: Insights, material: Material, judged: list[RunRow]) -> Insights:
    return replace(result, missing=missing(result, material, judged), notes=notes(result, material))


def _run_counts(material: Material, judged: Array) -> RunCounts:
    import numpy as np

    failed = material.failed[judged]
    rows = [material.rows[place] for place in np.flatnonzero(judged).tolist()]
    by_verdict = sum(row.by_verdict for row in rows)
    known = int((failed >= 0).sum())
    return RunCounts(
        len(material.runs), len(rows), int((failed == 1).sum()), int((failed == 0).sum()), len(rows) - known,
        known - by_verdict, by_verdict,
    )  # fmt: skip


def _sources(material: Material, judged: Array, books: list[str]) -> Sources:
    values, scope, columns = material.values, material.scope, material.columns
    people, ruled = values.people[judged], values.adjudicated[judged]
    modes = [place for name in books for place in material.modes_of(name)]
    suggestions = material.store.one("SELECT count(*) FROM suggestion WHERE replaced = 0")
    left_out = sorted((reason, count) for reason, count in columns.left_out.items() if count)
    return Sources(
        scope.rule.name, scope.rule.min_votes, columns.outside, reviewers(columns), len(columns.votes),
        int(_in(values.label_mode, modes).sum()), int((people == 1).sum()), int((people > 1).sum()), int(ruled.sum()),
        int(values.outside[judged].sum()), _partly(material, books), values.unsettled,
        int(suggestions[0]) if suggestions else 0, tuple(left_out),
        int((columns.votes[:, at.BITS] & at.REPEATED > 0).sum()),
    )  # fmt: skip


def _in(mode: Array, modes: list[int]) -> Array:
    import numpy as np

    found: Array = np.isin(mode, modes)
    return found


def _partly(material: Material, books: list[str]) -> int:
    """Runs that some codebook judges in part only."""
    import numpy as np

    found = np.zeros(len(material.rows), dtype=bool)
    for name in books:
        mine = material.modes_of(name)
        said = (material.values.run[:, mine] >= ABSENT).any(axis=1)
        found |= said & ~material.values.full[:, mine].all(axis=1)
    return int(found.sum())


def table_of(material: Material, book: str) -> tuple[Table, Array]:
    """The runs judged by a codebook, and their places among all."""
    import numpy as np

    mine = material.modes_of(book)
    value, full = material.values.run[:, mine], material.values.full[:, mine]
    judged = (value >= ABSENT).any(axis=1)
    if material.scope.complete:
        judged &= full.all(axis=1)
    where = np.flatnonzero(judged)
    slugs = [material.values.modes[place][1] for place in mine]
    rows = [material.rows[place] for place in where.tolist()]
    table = Table(book, material.books[book], slugs, value[judged], full[judged], material.failed[judged], rows)
    return table, where


def _profile(material: Material, book: str, spared: dict[str, PreventedRow]) -> Profile | None:
    import numpy as np

    table, where = table_of(material, book)
    if not len(where):
        return None
    modes = shares.mode_rows(table)
    counts = table.counts
    first = material.values.first[where][:, material.modes_of(book)]
    steps = material.steps[where]
    begins = course.first_steps(table.value, first)
    placed = np.flatnonzero(begins >= 0)
    failing = [table.rows[place] for place in placed.tolist()]
    known = times(material.store, failing)
    wanted = np.zeros(len(material.rows), dtype=bool)
    wanted[where] = True
    about = table.book
    complete = int((table.value >= ABSENT).all(axis=1).sum())
    return Profile(
        book, about.version if about else "", about.title if about else book, len(where),
        int((table.failed == 1).sum()), int((table.failed == 0).sum()), complete, int(counts.sum()),
        shares.failure_rate(table.failed),
        shares.per_failed(table), shares.per_run(table), _clean(table), modes, shares.category_rows(table, modes),
        shares.groups(table), pairs(table), cascades(material.values, wanted, book),
        course.onset(table.value, first, steps, table.slugs),
        course.lost(
            begins[placed], course.sent_back(material.store, failing, begins[placed]), steps[placed],
            [known[row.id] for row in failing],
        ),
        tuple(sorted(spared.values(), key=lambda row: (-row.rollbacks_live - row.rollbacks_recorded, row.mode))),
        _columns(book),
    )  # fmt: skip


def _clean(table: Table) -> Figure:
    """Share of the runs in which every mode is known that have none."""
    known = (table.value >= ABSENT).all(axis=1) | (table.value == PRESENT).any(axis=1)
    return share(int((known & (table.counts == 0)).sum()), int(known.sum()))


def _columns(book: str) -> tuple[PublishedColumn, ...]:
    return tuple(column for column, _ in published.columns()) if book == published.CODEBOOK else ()
