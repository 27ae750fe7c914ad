"""What needs an adjudicator, and everything they need to see of it.

Routed by the settling rule: a mode of a chunk or run that the votes leave open, and that nobody has settled. First come
the modes on which people agree least beyond chance (Krippendorff's alpha), where the codebook is likely to be at fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeAlias

from labels import adjudication
from labels.codebook import Codebooks
from labels.gold.books import Books, books_of
from labels.gold.people import People
from labels.gold.queued import Queued
from labels.gold.roots import APART, apart
from labels.gold.rule import Rule
from labels.gold.said import Vote, said_of
from labels.gold.settle import Row
from labels.gold.status import SettledRun, settled, settled_run
from labels.gold.tables import Tables
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

#: Why a mode needs an adjudicator, as the settling says it.
_OPEN = ("disputed", "adjudications differ")
#: (codebook, mode) -> Krippendorff's alpha over all runs, None where it is not defined.
Alphas: TypeAlias = Mapping[tuple[str, str], float | None]


@dataclass(frozen=True, slots=True)
class Dispute:
    """One mode of one chunk or run. unit: as in a release. numbers: that the chunk had for those who voted. how: why it
    is open. present, absent, unsure: who says so. alpha: of the mode over all runs, None where it is not defined."""

    run: RunInfo
    unit: Row
    numbers: tuple[int, ...]
    codebook: str
    mode: str
    code: str
    name: str
    how: str
    present: tuple[str, ...]
    absent: tuple[str, ...]
    unsure: tuple[str, ...]
    alpha: float | None


@dataclass(slots=True)
class Case:
    """All that there is on one chunk or run. target: as votes name it. votes: decisions as they are kept. rulings: that
    stand. disputes: what is open."""

    run: RunInfo
    target: dict[str, Any]
    votes: list[Vote] = field(default_factory=list)
    rulings: list[Row] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)


def disputes(
    store: Store, rule: Rule, people: People, loaded: Codebooks | None = None, queued: Queued | None = None
) -> list[Dispute]:
    """Everything that is open by this rule, in the order in which to take it. queued: only of that queue."""
    books = books_of(store, loaded, queued)
    found, alphas = unordered(store, books, rule, people, queued=queued)
    return sorted((with_alpha(item, alphas) for item in found), key=order)


def unordered(
    store: Store,
    books: Books,
    rule: Rule,
    people: People,
    watch: Callable[[int], None] = lambda _runs: None,
    queued: Queued | None = None,
) -> tuple[list[Dispute], Alphas]:
    """Everything that is open, run by run, still without its alpha; and the alphas. watch: called with the number of
    runs gone through; what it raises ends it."""
    tables = Tables(books)
    found: list[Dispute] = []
    for number, item in enumerate(settled(store, books, rule, people, Counter(), tables, queued), 1):
        found += of_run(store, item, books)
        watch(number)
    return found, {(row["codebook"], row["mode"]): row["alpha"] for row in tables.agreement()}


def with_alpha(item: Dispute, alphas: Alphas) -> Dispute:
    return replace(item, alpha=alphas.get((item.codebook, item.mode)))


def order(item: Dispute) -> tuple[bool, float, str, str]:
    """By which to sort: what people agree on least beyond chance comes first, what cannot be said last."""
    return item.alpha is None, item.alpha or 0.0, item.codebook, item.mode


def of_run(store: Store, item: SettledRun, books: Books) -> list[Dispute]:
    """What is open on one run, without alpha."""
    open_rows = [(row, detail) for row in item.gold for detail in row["details"] if _is_open(detail)]
    found = list(_roots_apart(item, books))
    if not open_rows:
        return found
    numbers = _numbers(store, item.run)
    for row, detail in open_rows:
        book, unit = row["codebook"]["id"], row["unit"]
        mode = books.main[book].by_slug[detail["mode"]]
        present, absent, unsure = _sides(item.rows.votes, unit["id"], book, mode.slug)
        found.append(
            Dispute(
                item.run, unit, numbers.get(unit["id"], ()), book, mode.slug, mode.code, mode.name, detail["how"],
                present, absent, unsure, None,
            )
        )  # fmt: skip
    return found


def _roots_apart(item: SettledRun, books: Books) -> Iterator[Dispute]:
    """Where the root cause of the run as a whole is put at different steps. Whoever names one says "present"."""
    units = {row["unit"]["id"]: row["unit"] for row in item.gold if row["unit"]["scope"] == "run"}
    for unit in units.values():
        differ = apart(unit, item.rows.labels, item.rulings, books)
        if differ is not None:
            book, slug, people = differ
            mode = books.main[book].by_slug[slug]
            yield Dispute(
                item.run, unit, (0,), book, mode.slug, mode.code, mode.name, APART, tuple(people), (), (), None
            )


def _is_open(detail: Row) -> bool:
    """Disputed; or, where only adjudicators settle, claimed by anybody."""
    return detail["how"] in _OPEN or (detail["how"] == "not adjudicated" and detail["present"] > 0)


def _numbers(store: Store, run: RunInfo) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for vote in said_of(store, run, Counter(), with_events=False).votes:
        found.setdefault(vote.decision["target"]["id"], set()).add(vote.decision["target"]["number"])
    return {key: tuple(sorted(numbers)) for key, numbers in found.items()}


def _sides(
    votes: Iterable[Row], unit: str, book: str, mode: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Who says that a mode is present, that it is absent, that it may be."""
    present: set[str] = set()
    absent: set[str] = set()
    unsure: set[str] = set()
    for vote in votes:
        if vote["unit"]["id"] == unit:
            for said in vote["codebooks"]:
                if said["id"] != book:
                    continue
                if mode in said["present"]:
                    present.add(vote["annotator"])
                elif mode in said["unsure"]:
                    unsure.add(vote["annotator"])
                elif said["judged"] is None or mode in said["judged"]:
                    absent.add(vote["annotator"])
    return tuple(sorted(present)), tuple(sorted(absent)), tuple(sorted(unsure))


def case_of(
    store: Store,
    run: RunInfo,
    rule: Rule,
    people: People,
    *,
    number: int | None = None,
    policy: str | None = None,
    loaded: Codebooks | None = None,
) -> Case:
    """The case of a chunk, by the number under which people voted on it, or of the whole run (None).

    Raises UserError if nobody voted on it, or if several chunks had that number (then the policy says which).
    """
    votes = said_of(store, run, Counter()).votes
    mine = [vote for vote in votes if _is_meant(vote.decision["target"], number, policy)]
    chosen = {vote.decision["target"]["id"]: vote.decision["target"] for vote in mine}
    what = f"chunk {number}" if number is not None else "the whole run"
    if not chosen:
        raise UserError(f"nobody has decided on {what} of this run.", "`review-tui adjudicate list` says what is open.")
    if len(chosen) > 1:
        policies = ", ".join(sorted({target["policy"] for target in chosen.values()}))
        raise UserError(f"several chunks were {what} for those who decided.", f"Say which: --chunks with {policies}.")
    (target,) = chosen.values()
    return _case(store, run, target, votes, rule, people, books_of(store, loaded))


def case_at(store: Store, run: RunInfo, chunk: str, rule: Rule, people: People, books: Books) -> Case | None:
    """The case of a chunk by its id (or `WHOLE_RUN`); None if nobody's vote on it stands any more."""
    votes = said_of(store, run, Counter()).votes
    target = next((vote.decision["target"] for vote in votes if vote.decision["target"]["id"] == chunk), None)
    return None if target is None else _case(store, run, target, votes, rule, people, books)


def _case(
    store: Store, run: RunInfo, target: dict[str, Any], votes: list[Vote], rule: Rule, people: People, books: Books
) -> Case:
    case = Case(run, target, [vote for vote in votes if vote.decision["target"]["id"] == target["id"]])
    adjudication.bring_up_to_date(store)
    item = settled_run(store, run, books, rule, people, Counter())
    if item is not None:
        case.rulings = [row for row in item.rulings if row["unit"]["id"] == target["id"]]
        case.disputes = [row for row in of_run(store, item, books) if row.unit["id"] == target["id"]]
    return case


def _is_meant(target: dict[str, Any], number: int | None, policy: str | None) -> bool:
    if number is None:
        return bool(target["scope"] == "run")
    return bool(target["scope"] == "chunk" and target["number"] == number and policy in (None, target["policy"]))


def letters(case: Case) -> dict[str, str]:
    """Reviewer -> a letter, in an order that tells nothing of the names."""
    names = {vote.reviewer for vote in case.votes}
    key = f"{case.run.content_id} {case.target['id']}"
    drawn = sorted(names, key=lambda name: sha256(f"{key}\n{name}".encode("utf-8", "surrogatepass")).digest())
    return {name: _letter(place) for place, name in enumerate(drawn)}


def _letter(place: int) -> str:
    """A, B ... Z, AA, AB ..."""
    return (_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def span(store: Store, run: RunInfo, first: int, last: int) -> adjudication.Span:
    """Steps first..last (numbers from 1) as an adjudication names them. Raises UserError if there are no such steps."""
    from labels.model import StepRef

    ends = []
    for step in (first, last):
        key = catalog.step_id(store, run.no, step - 1) if step > 0 else None
        if key is None:
            raise UserError(f"there is no step {step} in this run.", f"It has {run.steps:,} steps.")
        ends.append(StepRef(id=key, index=step - 1))
    if first > last:
        raise UserError(f"steps {first}-{last} run backwards.", f"Write {last}-{first}.")
    return adjudication.Span(first=ends[0], last=ends[1])
