"""Two groups of runs side by side: two systems, two models, two versions of an agent, two ranges of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labels.codebook import Codebooks
from labels.insights.figures import FEW, Comparison, Difference, Figure
from labels.insights.intervals import difference, fisher, holm, mean_difference
from labels.insights.profiles import is_wanted, table_of
from labels.insights.reading.cache import load
from labels.insights.reading.material import Material, gather
from labels.insights.scope import ATTRIBUTES, Scope, Span
from labels.insights.shares import NO_FAILED, NO_OUTCOME, Table, failure_rate, mode_share, per_failed
from sessions.errors import UsageError, UserError
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: What two groups may differ by, beside the attributes of runs. time: when runs began. decided: when decisions were
#: made. reviewer: whose labels.
TIMES = ("time", "decided")
BY = (*(name for name in ATTRIBUTES if name != "outcome"), *TIMES, "reviewer")
ALPHA = 0.05
NO_RUNS = "no run of this group was judged for it"


def parse(text: str, known: Iterable[str] = ()) -> tuple[str, str, str]:
    """`NAME=A,B` as (name, A, B). known: values that may have commas in them.

    Raises UsageError for what is none, or for a group compared with itself.
    """
    by, equals, values = text.partition("=")
    by = by.strip()
    if not equals or by not in BY:
        raise UsageError(f"--compare {text!r:.80} is not NAME=A,B.", f"NAME is one of {', '.join(BY)}.")
    commas = [place for place, letter in enumerate(values) if letter == ","]
    there = {value.casefold() for value in known}
    splits = [(values[:place].strip(), values[place + 1 :].strip()) for place in commas]
    good = [pair for pair in splits if {pair[0].casefold(), pair[1].casefold()} <= there] or splits
    if len(good) != 1:
        raise UsageError(f"--compare {text!r:.80} does not name two groups.", "Write two values with one comma.")
    first, second = good[0]
    if first.casefold() == second.casefold():
        raise UsageError(f"--compare {text!r:.80} compares a group with itself.", "Name two groups.")
    return by, first, second


def scopes(scope: Scope, by: str, first: str, second: str) -> tuple[Scope, Scope]:
    """The scope of each group. Raises UsageError for a range of time that is none, or where the scope itself is limited
    by what the groups are to differ by."""
    limited = {"time": scope.started, "decided": scope.decided, "reviewer": scope.only or scope.without}
    if limited.get(by, scope.where.get(by)):
        raise UsageError(f"the runs are limited by {by} and to be compared by {by}.", "Leave one of the two out.")
    if by == "time":
        return replace(scope, started=Span.parse(first)), replace(scope, started=Span.parse(second))
    if by == "decided":
        return replace(scope, decided=Span.parse(first)), replace(scope, decided=Span.parse(second))
    if by == "reviewer":
        return replace(scope, only=frozenset([first])), replace(scope, only=frozenset([second]))
    return scope.narrowed(by, first), scope.narrowed(by, second)


def compare(
    store: Store,
    codebooks: Codebooks,
    scope: Scope,
    by: str,
    first: str,
    second: str,
    codebook: str = "",
    hidden: frozenset[str] = frozenset(),
) -> Comparison:
    """codebook: id of the one to compare by; "" for the one in use with most judged runs in both groups. hidden: runs
    whose votes do not count.

    Raises UserError where a group has no judged run.
    """
    kept = load(store).without(hidden)
    one, two = (gather(store, codebooks, item, kept) for item in scopes(scope, by, first, second))
    for name, side in ((first, one), (second, two)):
        if not _judged(side):
            known = "" if by in TIMES else _known(store, by)
            raise UserError(f"no judged run has {by} {name!r:.60}.", known or "Review some of them first.")
    if one.columns.outside != two.columns.outside:
        raise UserError(
            "one group was judged by people here, the other by outside annotators only.", "Count both with --outside."
        )
    book = codebook or _shared(one, two, {book.id for book in codebooks})
    if not all(book in side.books for side in (one, two)):
        raise UserError("the two groups were not judged by the same codebook.", "Judge both by one.")
    left, right = (table_of(side, book)[0] for side in (one, two))
    names = (first or "(not said)", second or "(not said)")
    rows = _rows(left, right)
    failure = _failure(left, right)
    means = (per_failed(left), per_failed(right), mean_difference(_counts(left), _counts(right), NO_FAILED))
    runs = (len(left.rows), len(right.rows))
    return Comparison(
        by, names, book, runs, rows, failure, means, sentence(names, runs, rows, failure), _notes(left, right, rows)
    )


def _judged(side: Material) -> dict[str, int]:
    """Codebook -> runs that were judged by it, of those that figures are wanted by."""
    counts = {book: len(table_of(side, book)[0].rows) for book in side.books if is_wanted(book, side.scope)}
    return {book: count for book, count in counts.items() if count}


def _shared(one: Material, two: Material, used: set[str]) -> str:
    """The codebook by which most runs of the group with fewer are judged; of equals, most runs of both. One that is in
    use comes before those of corpora, if enough runs are judged by it."""
    mine, theirs = _judged(one), _judged(two)
    counts = {book: (count, theirs[book]) for book, count in mine.items() if book in theirs}

    def weight(book: str) -> tuple[bool, int, int]:
        least = min(counts[book])
        return book in used and least >= FEW, least, sum(counts[book])

    return max(counts, key=weight, default="")


def _known(store: Store, by: str) -> str:
    """Some values that runs have."""
    from labels.insights.reading.runs import run_rows

    if by == "reviewer":
        return "`review-tui agree --by reviewer` lists reviewers."
    values = sorted({str(getattr(row, by)) for row in run_rows(store).values()} - {""})
    return f"Runs have: {', '.join(values[:8])}{' ...' if len(values) > 8 else ''}." if values else ""


def _counts(table: Table) -> Array:
    found: Array = table.counts[table.failed == 1].astype(float)
    return found


def _rows(left: Table, right: Table) -> tuple[Difference, ...]:
    """Modes that either group was judged for, those that differ most first."""
    slugs = list(dict.fromkeys([*left.slugs, *right.slugs]))
    found = [_row(left, right, slug) for slug in slugs]
    tested = [place for place, row in enumerate(found) if row.p is not None]
    for place, adjusted in zip(tested, holm([found[place].p or 0.0 for place in tested]), strict=True):
        found[place] = replace(found[place], adjusted=adjusted, differs=adjusted < ALPHA)
    return tuple(sorted(found, key=lambda row: (-abs(row.difference.value or 0.0), row.what)))


def _row(left: Table, right: Table, slug: str) -> Difference:
    one, two = (
        mode_share(side, side.slugs.index(slug)) if slug in side.slugs else Figure(None, why=NO_RUNS, count=0)
        for side in (left, right)
    )
    book = left.book or right.book
    mode = book.by_slug.get(slug) if book else None
    return _difference(slug, mode.label if mode else slug, one, two, NO_RUNS)


def _failure(left: Table, right: Table) -> Difference:
    found = _difference(
        "failure-rate", "failure rate", failure_rate(left.failed), failure_rate(right.failed), NO_OUTCOME
    )
    return replace(found, adjusted=found.p, differs=found.p is not None and found.p < ALPHA)


def _difference(what: str, name: str, one: Figure, two: Figure, why: str) -> Difference:
    """second - first. Where fewer than FEW runs of a group tell, nothing is tested, and so nothing differs."""
    counts = (two.count or 0, two.n, one.count or 0, one.n)
    p = fisher(*counts) if min(one.n, two.n) >= FEW else None
    return Difference(what, name, one, two, difference(*counts, why), p, None, False)


# -- words ------------------------------------------------------------------------------------------------------------


def sentence(names: tuple[str, str], runs: tuple[int, int], rows: Sequence[Difference], failure: Difference) -> str:
    """What it comes to, in one or two sentences."""
    first, second = names
    if min(runs) < FEW:
        return f"Too few runs to tell: {runs[0]:,} of {first} and {runs[1]:,} of {second}; {FEW} of each are the least."
    said = []
    if failure.differs and failure.difference.value is not None:
        word = "more" if failure.difference.value > 0 else "less"
        said.append(f"{second} fails {word} often than {first}: {_shares(failure)}.")
    elif failure.difference.value is not None:
        said.append(f"{second} and {first} fail about equally often as far as one can tell: {_shares(failure)}.")
    differing = [row for row in rows if row.differs]
    if differing:
        parts = [
            f"{'more' if (row.difference.value or 0) > 0 else 'less'} {row.name} ({_shares(row)})" for row in differing
        ]
        said.append(f"{second} has {'; '.join(parts)}.")
    tested = sum(row.p is not None for row in rows)
    if not differing:
        said.append(f"No failure mode differs between {first} and {second} by more than chance would give.")
    elif tested > len(differing):
        rest = tested - len(differing)
        others = "other mode differs" if rest == 1 else f"other {rest} modes differ"
        said.append(f"The {others} by no more than chance would give.")
    return " ".join(said)


def _shares(row: Difference) -> str:
    found = f"{_percent(row.second.value)} against {_percent(row.first.value)} of runs"
    low, high = row.difference.low, row.difference.high
    if low is None or high is None:
        return found
    return f"{found}, difference {low * 100:+.0f} to {high * 100:+.0f} points"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.0f} %"


def _notes(left: Table, right: Table, rows: Sequence[Difference]) -> tuple[str, ...]:
    tested = sum(row.p is not None for row in rows)
    about = (
        f"differences are called so where Fisher's exact test stays below {ALPHA} after Holm's correction for"
        f" {tested} {'mode' if tested == 1 else 'modes'}; intervals are of each difference by itself (Newcombe)."
    )
    notes = [about]
    tasks = {row.id for row in left.rows} & {row.id for row in right.rows}
    if tasks:
        notes.append(
            f"{len(tasks):,} runs are in both groups: the two are not independent, and the test is too strict."
        )
    return tuple(notes)
