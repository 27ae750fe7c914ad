"""The docket: all that waits for an adjudicator, as cases to be gone through, settled and taken back.

It is what an adjudication screen holds. Going through a million votes takes seconds, so that is done once; after a
ruling, and after other programs' events, only the runs they are about are settled again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labels import adjudication
from labels.codebook import Codebook, Codebooks, Mode
from labels.disputes import Alphas, Case, Dispute, case_at, letters, of_run, order, unordered, with_alpha
from labels.events import REDO, UNDO
from labels.gold.books import Books, books_of
from labels.gold.people import People, look_alikes
from labels.gold.queued import Queued
from labels.gold.rule import Rule
from labels.gold.settle import Row
from labels.gold.status import settled_run
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

#: Where going through everything took no longer than this, it is done again whenever anything changed, in seconds.
QUICK_S = 0.5
#: More runs than this that others have written to are not settled one by one.
MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Item:
    """A chunk or run with open modes, those first on which people agree least beyond chance."""

    run: RunInfo
    unit: Row
    numbers: tuple[int, ...]
    modes: tuple[Dispute, ...]

    @property
    def key(self) -> str:
        return f"{self.run.id} {self.unit['id']}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an adjudicator wants to settle. steps: (first, last), numbers from 1; None for those of the votes."""

    codebook: str
    mode: str
    outcome: str
    reason: str
    note: str = ""
    guideline: str = ""
    steps: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What was taken back or done again. rulings: as they stand in the event."""

    run: RunInfo
    chunk: str
    rulings: tuple[Row, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple(str(ruling["mode"]) for ruling in self.rulings)

    @property
    def names(self) -> tuple[str, ...]:
        """Code and name of each mode, as it was called then."""
        return tuple(f"{item['code']} {item['name'] or item['mode']}".strip() for item in self.rulings)

    @property
    def key(self) -> str:
        return f"{self.run.id} {self.chunk}"


@dataclass(slots=True)
class Docket:
    """Cases by one rule, for one adjudicator. Change `rule`, `same` and `queue`, then `load`.

    queue: id of the one whose chunks count, "" for all. items: in the order in which to take them. runs: that people
    voted on. standing: rulings that stand; mine: those of this adjudicator. alike: names that may be one person's.
    took: seconds that loading took. fewer: modes that only the least number of votes keeps from being open.
    """

    store: Store
    reviewer: str
    loaded: Codebooks | None = None
    rule: Rule = field(default_factory=Rule)
    same: Mapping[str, str] = field(default_factory=dict)
    queue: str = ""
    items: list[Item] = field(default_factory=list)
    runs: int = 0
    standing: int = 0
    mine: int = 0
    alike: list[tuple[str, ...]] = field(default_factory=list)
    took: float = 0.0
    fewer: int = 0
    _books: Books = field(default_factory=lambda: Books({}, {}))
    _queued: Queued | None = None
    _alphas: Alphas = field(default_factory=dict)
    _open: dict[str, list[Dispute]] = field(default_factory=dict)
    _seen: tuple[Any, ...] = ()

    @property
    def people(self) -> People:
        return People(same=self.same, named=True)

    @property
    def modes(self) -> Counter[tuple[str, str]]:
        """(codebook, mode) -> in how many cases it is open."""
        return Counter((mode.codebook, mode.mode) for item in self.items for mode in item.modes)

    def item(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)

    # -- reading ------------------------------------------------------------------------------------------------

    def load(self, watch: Callable[[int], None] = lambda _runs: None) -> None:
        """Go through all votes. watch: called with the number of runs gone through; what it raises ends it, and all
        is as it was."""
        began, seen = time.monotonic(), self._state()
        queued = Queued(self.store, self.queue) if self.queue else None
        self.runs = len(queued.runs) if queued else _count(self.store, "SELECT count(DISTINCT run) FROM decision")
        books = books_of(self.store, self.loaded, queued)
        found, alphas = unordered(self.store, books, self.rule, self.people, watch, queued)
        fewer = 0
        if self.rule.min_votes > 1:
            every, _ = unordered(self.store, books, replace(self.rule, min_votes=1), self.people, watch, queued)
            fewer = max(0, len(every) - len(found))
        alike = look_alikes(self.store, self.same)
        by_run: dict[str, list[Dispute]] = {}
        for one in found:
            by_run.setdefault(one.run.id, []).append(with_alpha(one, alphas))
        self._books, self._queued, self._alphas = books, queued, alphas
        self._open, self._seen, self.alike, self.fewer = by_run, seen, alike, fewer
        self.took = time.monotonic() - began
        self._arrange()

    def refresh(self, watch: Callable[[int], None] = lambda _runs: None) -> bool:
        """Take in what was written since. False if that is nothing of interest."""
        seen, before = self._state(), self._seen
        if seen == before:
            return False
        touched = self._touched(dict(before[0]), dict(seen[0])) if before and before[1:] == seen[1:] else None
        if touched is None or self.took < QUICK_S:
            self.load(watch)
        else:
            self._renew(touched)
            self._seen = seen
        return True

    def _state(self) -> tuple[Any, ...]:
        """What shows that anything was said since: the ends of all chains; the codebooks that were kept."""
        heads = self.store.query("SELECT origin, seq FROM chain ORDER BY origin")
        return tuple(tuple(row) for row in heads), _count(self.store, "SELECT count(*) FROM codebook")

    def _touched(self, before: dict[str, int], now: dict[str, int]) -> set[str] | None:
        """Ids of the runs that events since are about; None where they are better all read again."""
        if before.keys() != now.keys():
            return None
        found: set[str] = set()
        for origin in now:
            sql = f"SELECT DISTINCT run FROM event WHERE origin = ? AND seq > ? LIMIT {MOST_RUNS + 1}"
            found |= {str(row[0]) for row in self.store.query(sql, [origin, before[origin]])}
        return found if len(found) <= MOST_RUNS else None

    def _renew(self, runs: Iterable[str]) -> None:
        """Settle some runs again."""
        adjudication.bring_up_to_date(self.store)
        for name in runs:
            run = catalog.run_by_id(self.store, name)
            if run is None or not (run.complete and run.content_id):
                continue
            if self._queued is not None and run.id not in self._queued.runs:
                continue
            item = settled_run(self.store, run, self._books, self.rule, self.people, Counter(), queued=self._queued)
            found = of_run(self.store, item, self._books) if item else []
            self._open[run.id] = [with_alpha(one, self._alphas) for one in found]
        self._arrange()

    def _arrange(self) -> None:
        cases: dict[tuple[str, str], list[Dispute]] = {}
        by_run = sorted(filter(None, list(self._open.values())), key=lambda found: str(found[0].run.content_id))
        for one in sorted((one for found in by_run for one in found), key=order):
            cases.setdefault((one.run.id, one.unit["id"]), []).append(one)
        self.items = [Item(found[0].run, found[0].unit, found[0].numbers, tuple(found)) for found in cases.values()]
        sql = "SELECT count(*), coalesce(sum(CASE WHEN adjudicator = ? THEN 1 ELSE 0 END), 0) FROM adjudication"
        self.standing, self.mine = (int(number) for number in self.store.query(sql, [self.reviewer])[0])

    def case(self, key: str) -> Case | None:
        """All there is on one case; None if no vote of it is left. It need not be open."""
        name, _, chunk = key.partition(" ")
        run = catalog.run_by_id(self.store, name)
        found = case_at(self.store, run, chunk, self.rule, self.people, self._books) if run else None
        if found is not None:
            found.disputes = sorted((with_alpha(one, self._alphas) for one in found.disputes), key=order)
        return found

    def book(self, name: str) -> Codebook | None:
        """The state of a codebook that counts, or the one in use where nobody has judged by it."""
        in_use = next((book for book in self.loaded or () if book.id == name), None)
        return self._books.main.get(name) or in_use

    def books(self) -> Codebooks:
        """All codebooks by which something can be settled."""
        mine = self._books.main
        return Codebooks((*mine.values(), *(book for book in self.loaded or () if book.id not in mine)))

    def names(self, case: Case, *, named: bool) -> dict[str, str]:
        """What each person on a case is called: a letter, or their name. Two names of one person have one."""
        drawn = {vote.reviewer: vote.reviewer for vote in case.votes} if named else letters(case)
        found: dict[str, str] = {}
        for name in sorted(drawn):
            found[name] = found.setdefault(self.same.get(name, name), drawn[name])
        return found

    def mode(self, codebook: str, slug: str) -> tuple[Codebook, Mode] | None:
        """A mode with its codebook; None where the codebook, as it is loaded now, does not have it."""
        book = self.book(codebook)
        mode = book.by_slug.get(slug) if book else None
        return (book, mode) if book and mode else None

    def counts(self, ref: Mapping[str, Any], slug: str) -> bool:
        """Whether a label of this mode made with this state of its codebook counts: not where it was worded
        otherwise then."""
        comparable = self._books.comparable(ref["id"], ref["sha256"])
        return comparable is None or slug in comparable

    # -- settling -----------------------------------------------------------------------------------------------

    def settle(self, case: Case, wish: Wish, *, blind: bool, seconds: float | None) -> None:
        """Say what holds of one mode of a case. It is on disk when this returns.

        Raises UserError where somebody has settled the mode since the case was read, or for steps that there are not.
        """
        from pydantic import ValidationError

        from labels.adjudication import Adjudication, Adjudicator, Ruling
        from labels.disputes import span
        from labels.maintenance import remember_codebook
        from labels.model import Target

        found = self.mode(wish.codebook, wish.mode)
        if found is None:
            raise UserError(f"there is no mode {wish.mode!r:.80} in {wish.codebook!r:.80} any more.")
        book, mode = found
        self._nobody_else(case, wish)
        spans = (span(self.store, case.run, *wish.steps),) if wish.steps else ()
        try:
            ruling = Ruling.model_validate({
                "mode": mode.slug, "code": mode.code, "name": mode.name, "codebook": book.ref, "outcome": wish.outcome,
                "reason": wish.reason, "note": wish.note, "guideline": wish.guideline, "steps": spans,
            })  # fmt: skip
        except ValidationError as error:
            why = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise UserError(f"this cannot be settled so: {why}.") from None
        said = Adjudication(
            target=Target.model_validate(case.target), rulings=(ruling,), blind=blind, seconds=seconds,
            votes=tuple(vote.events[-1].id for vote in case.votes if vote.events), tool="review-tui station",
        )  # fmt: skip
        remember_codebook(self.store, book)
        Adjudicator(self.store, self.reviewer).settle(case.run, said)
        self._after(case.run)

    def _nobody_else(self, case: Case, wish: Wish) -> None:
        """Raises UserError if a ruling on the mode stands that was not there when the case was read."""
        shown = {row["event_id"] for row in case.rulings}
        adjudication.bring_up_to_date(self.store)
        for event, said, ruling in adjudication.rulings_of(self.store, case.run):
            here = said.target.id == case.target["id"] and (ruling.codebook.id, ruling.mode) == (
                wish.codebook, wish.mode,
            )  # fmt: skip
            if here and event.id not in shown:
                raise UserError("somebody has settled this meanwhile.", "Look again; nothing was written.")

    def undo(self) -> Turn | None:
        """Take this adjudicator's last ruling back, on whatever run; None if there is nothing left."""
        return self._turn(UNDO)

    def redo(self) -> Turn | None:
        """Do what was last taken back again; None if there is nothing."""
        return self._turn(REDO)

    def _turn(self, kind: str) -> Turn | None:
        person = adjudication.Adjudicator(self.store, self.reviewer)
        event = person.last(kind)
        if event is None:
            return None
        run = catalog.run_by_id(self.store, event.run)
        if run is None:
            raise UserError("the run of your last ruling is no longer in this database.")
        if (person.undo(run) if kind == UNDO else person.redo(run)) is None:
            return None
        self._after(run)
        return Turn(run, event.chunk, tuple(event.data["rulings"]))

    def _after(self, run: RunInfo) -> None:
        """This program has written an event on a run. What others have written is left for `refresh`."""
        before, now = dict(self._seen[0]) if self._seen else {}, self._state()
        self._renew([run.id])
        own = str(self.store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0])
        heads = dict(now[0])
        if before.get(own, 0) + 1 == heads.get(own):
            self._seen = (tuple(sorted({**before, own: heads[own]}.items())), now[1])


def _count(store: Store, sql: str) -> int:
    return int(store.query(sql)[0][0])
