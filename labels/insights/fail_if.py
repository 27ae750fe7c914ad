"""Thresholds for pipelines: `incorrect-verification > 10%`.

    [lower|upper] WHAT >|>=|<|<= NUMBER[%]

WHAT is a failure mode (slug, code, name, `slug@codebook`), `category:ID` (or `category:ID@codebook`), `failure-rate`,
`any-failure` (share of judged runs with any mode), `modes-per-run` or `modes-per-failed-run`. A mode's figure is its
share of the runs judged for it.
Without `lower` or `upper` the figure itself is compared; with, the bound of its 95 % interval: `upper X > 10%` fails
unless the runs show that X is below 10 %, `lower X > 10%` fails only where they show that it is above.

What is undefined fails: a pipeline must not pass because nothing was reviewed.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from labels.codebook import Codebooks
from labels.codebook_model import fold
from labels.insights.figures import Figure, Insights
from labels.insights.intervals import share
from sessions.errors import UsageError

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SHAPE = re.compile(r"\s*(?:(lower|upper)\s+)?([^<>=]{1,200}?)\s*(>=|<=|>|<)\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%)?\s*")
HELP = 'Write it like "incorrect-verification > 10%" or "upper failure-rate > 25%".'
_CATEGORY = "category:"
#: Categories that an error names.
MOST_NAMED = 20
#: Figures that are no shares.
_MEANS = ("modes-per-run", "modes-per-failed-run")


@dataclass(frozen=True, slots=True)
class Threshold:
    """text: as given. bound: "", "lower" or "upper". what: a figure's name, or slug@codebook, or category:ID."""

    text: str
    bound: str
    what: str
    sign: str
    limit: float
    percent: bool


@dataclass(frozen=True, slots=True)
class Check:
    """failed: the condition holds, or cannot be told (`figure.value` is None then). value: what was compared. says: one
    line."""

    threshold: Threshold
    figure: Figure
    value: float | None
    failed: bool
    says: str


def parse(text: str, codebooks: Codebooks) -> Threshold:
    """Raises UsageError for an expression that is none, or a mode that is not there."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise UsageError(f"--fail-if {text!r:.80} is no condition.", HELP)
    bound, what, sign, number, percent = found.groups()
    limit = float(number) / 100 if percent else float(number)
    name = what.strip()
    if name in _MEANS:
        if percent:
            raise UsageError(f"--fail-if {text!r:.80}: {name} is a number, not a share.", "Leave the % out.")
    elif limit > 1:
        raise UsageError(f"--fail-if {text!r:.80}: a share is at most 1.", f"Did you mean {number}%?")
    if name.startswith(_CATEGORY):
        name = f"{_CATEGORY}{_category(name.removeprefix(_CATEGORY).strip(), codebooks)}"
    elif name not in (*_MEANS, "failure-rate", "any-failure"):
        book, mode = codebooks.resolve(name)
        name = f"{mode.slug}@{book.id}"
    return Threshold(text.strip(), bound or "", name, sign, limit, name not in _MEANS)


def _category(text: str, codebooks: Codebooks) -> str:
    """`id@codebook` of the category that is meant by its id or name, in whichever codebook it is. Raises UsageError."""
    wanted, _, book_id = (part.strip() for part in text.partition("@"))
    books = [codebooks.get(book_id)] if book_id else list(codebooks)
    every = [(book, item) for book in books for item in book.categories]
    found = [f"{item.id}@{book.id}" for book, item in every if fold(wanted) in (fold(item.id), fold(item.name))]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"--fail-if: {text!r:.40} names {len(found)} categories.", f"Say which: {_some(found)}.")
    there = _some([f"{item.id}@{book.id}" for book, item in every])
    raise UsageError(f"--fail-if: there is no category {text!r:.40}.", f"Categories: {there or 'none'}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


def check(threshold: Threshold, found: Insights) -> Check:
    """Hold the figures against it."""
    figure = _figure(threshold.what, found)
    value = {"": figure.value, "lower": figure.low, "upper": figure.high}[threshold.bound]
    if value is None:
        why = figure.why or f"it has no interval with {figure.n} runs"
        return Check(threshold, figure, None, True, f"{threshold.text}: cannot be told ({why})")
    failed = _OPERATORS[threshold.sign](value, threshold.limit)
    return Check(threshold, figure, value, failed, f"{threshold.text}: {_words(threshold, figure)}")


def _words(threshold: Threshold, figure: Figure) -> str:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value * 100:.1f} %" if threshold.percent else f"{value:.2f}"

    interval = "" if figure.low is None else f" (95 %: {number(figure.low)} to {number(figure.high)})"
    few = ", too few to say much" if figure.too_few else ""
    return f"it is {number(figure.value)}{interval} in {figure.n:,} run{'' if figure.n == 1 else 's'}{few}"


def _figure(what: str, found: Insights) -> Figure:
    if what == "failure-rate":
        return found.failed
    main = found.profile()
    if main is None:
        return Figure(None, why="no run was judged")
    if what == "any-failure":
        clean = main.clean
        return share(clean.n - (clean.count or 0), clean.n)
    if what == "modes-per-run":
        return main.per_run
    if what == "modes-per-failed-run":
        return main.per_failed
    slug, _, book = what.removeprefix(_CATEGORY).rpartition("@")
    profile = next((item for item in found.profiles if item.codebook == book), None)
    if what.startswith(_CATEGORY):
        row = next((row for row in profile.categories if row.id == slug), None) if profile else None
        return row.runs if row else Figure(None, why=f"no run was judged by the codebook {book}")
    mode = profile.mode(slug) if profile else None
    return mode.runs if mode else Figure(None, why=f"no run was judged by the codebook {book}")
