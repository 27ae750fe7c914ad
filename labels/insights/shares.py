"""Shares by mode, category and group, by one codebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.codebook import Codebook
from labels.insights import published
from labels.insights.figures import GROUPED_BY, CategoryRow, Figure, Group, ModeRow
from labels.insights.intervals import NO_RUNS, clustered_share, mean, share
from labels.insights.lift import lift
from labels.insights.reading.settled import ABSENT, PRESENT

if TYPE_CHECKING:
    from labels.insights.intervals import Array
    from labels.insights.reading.runs import RunRow

#: Values of an attribute that are shown; those with fewest runs are left out.
MOST_GROUPS = 30

NO_FAILED = "no judged run is known to have failed"
NO_GOOD = "no judged run is known to have succeeded"
NO_OUTCOME = "no judged run has a known outcome"
NO_FAILURE = "no failure mode was found"


@dataclass(slots=True)
class Table:
    """The judged runs of one codebook. value: (runs, modes). failed: 1, 0 or -1 (unknown). full: (runs, modes), whether
    every step was judged."""

    codebook: str
    book: Codebook | None
    slugs: list[str]
    value: Array
    full: Array
    failed: Array
    rows: list[RunRow]

    def only(self, mask: Array) -> Table:
        """The runs that a mask chooses."""
        import numpy as np

        rows = [self.rows[place] for place in np.flatnonzero(mask).tolist()]
        return Table(self.codebook, self.book, self.slugs, self.value[mask], self.full[mask], self.failed[mask], rows)

    @property
    def counts(self) -> Array:
        """Modes in each run."""
        found: Array = (self.value == PRESENT).sum(axis=1)
        return found


def mode_share(table: Table, mode: int) -> Figure:
    """Share of the runs judged for a mode in which it is. mode: its place."""
    column = table.value[:, mode]
    return share(int((column == PRESENT).sum()), int((column >= ABSENT).sum()))


def mode_rows(table: Table) -> tuple[ModeRow, ...]:
    """Every mode, in the order of the codebook."""
    counts = table.counts
    failed, good = table.only(table.failed == 1), table.only(table.failed == 0)
    return tuple(_mode(table, failed, good, counts, place) for place in range(len(table.slugs)))


def _mode(table: Table, failed: Table, good: Table, counts: Array, place: int) -> ModeRow:
    slug = table.slugs[place]
    mode = table.book.by_slug.get(slug) if table.book else None
    column, full = table.value[:, place], table.full[:, place]
    known = (column >= ABSENT) & (table.failed >= 0)
    there, bad = known & (column == PRESENT), table.failed == 1
    level = mode.severity.level if mode else "unclear"
    return ModeRow(
        slug, mode.code if mode else "", mode.name if mode else slug, mode.category if mode else "",
        mode_share(table, place),
        _of_failures(column, counts), _among(failed, place, NO_FAILED), _among(good, place, NO_GOOD),
        lift(
            int((there & bad).sum()), int(there.sum()), int((known & ~there & bad).sum()),
            int((known & ~there).sum()), level,
        ),
        int(((column == PRESENT) & ~full).sum()), _published(table.codebook, slug),
    )  # fmt: skip


def _of_failures(column: Array, counts: Array) -> Figure:
    if not (column >= ABSENT).any():
        return Figure(None, why=NO_RUNS, count=0)  # nobody looked for it: none found is not none there
    return clustered_share((column == PRESENT).astype(float), counts.astype(float), NO_FAILURE)


def _among(table: Table, place: int, why: str) -> Figure:
    return mode_share(table, place) if table.rows else Figure(None, why=why, count=0)


def _published(codebook: str, slug: str) -> dict[str, float]:
    if codebook != published.CODEBOOK:
        return {}
    return {column.key: values[slug] for column, values in published.columns() if slug in values}


def category_rows(table: Table, modes: Sequence[ModeRow]) -> tuple[CategoryRow, ...]:
    """A category is known to be absent from a run where all of its modes are."""
    import numpy as np

    found = []
    names = {item.id: item.name for item in table.book.categories} if table.book else {}
    for key in dict.fromkeys(row.category for row in modes):
        mine = [place for place, row in enumerate(modes) if row.category == key]
        values = table.value[:, mine]
        there = np.any(values == PRESENT, axis=1)
        known = there | np.all(values >= ABSENT, axis=1)
        part = (values == PRESENT).sum(axis=1).astype(float)
        found.append(
            CategoryRow(
                key, names.get(key, "without a category"), share(int(there.sum()), int(known.sum())),
                clustered_share(part, table.counts.astype(float), NO_FAILURE),
            )
        )  # fmt: skip
    return tuple(found)


def failure_rate(failed: Array) -> Figure:
    """Share of the runs with a known outcome that failed."""
    return share(int((failed == 1).sum()), int((failed >= 0).sum()), NO_OUTCOME)


def per_failed(table: Table) -> Figure:
    """Modes per failed run."""
    return mean(table.counts[table.failed == 1], NO_FAILED)


def per_run(table: Table) -> Figure:
    """Modes per judged run."""
    return mean(table.counts, "no run was judged")


def groups(table: Table) -> tuple[Group, ...]:
    """By every attribute in `GROUPED_BY`, those with most runs first."""
    import numpy as np

    found = []
    for by in GROUPED_BY:
        values = [str(getattr(row, by)) for row in table.rows]
        places = {value: place for place, (value, _) in enumerate(Counter(values).most_common(MOST_GROUPS))}
        of = np.array([places.get(value, -1) for value in values], dtype=np.int64)
        found += [_group(table.only(of == place), by, value) for value, place in places.items()]
    return tuple(found)


def _group(table: Table, by: str, value: str) -> Group:
    return Group(
        by, value, len(table.rows), failure_rate(table.failed), per_failed(table), per_run(table),
        {slug: mode_share(table, place) for place, slug in enumerate(table.slugs)},
    )  # fmt: skip
