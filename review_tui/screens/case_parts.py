"""What the pieces of the case screen share: a case read for the screen, and what the screen has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from labels import adjudication, queues
from labels.disputes import Case
from labels.docket import Docket
from labels.gold.roots import APART
from review_tui.screens.base import StationScreen
from review_tui.widgets.cases import fits
from review_tui.widgets.rows import RowList
from review_tui.widgets.transcript import Transcript
from review_tui.widgets.votes import CaseView, Draft, mode_key
from sessions.chunks import Chunks, Policy, chunks_of
from sessions.errors import UserError
from sessions.store import Store

if TYPE_CHECKING:
    from labels.codebook import Codebook, Mode
    from review_tui.screens.adjudicate import AdjudicateScreen


@dataclass(slots=True)
class Opened:
    """A case with all that its screen needs, read in a thread. chunk: which of chunks it is about. guidelines: mode key
    -> notes of earlier adjudications. queue: name of a queue in which this reviewer has yet to decide on the chunk."""

    case: Case
    chunks: Chunks
    chunk: int
    guidelines: dict[str, list[str]] = field(default_factory=dict)
    queue: str = ""

    @property
    def key(self) -> str:
        return f"{self.case.run.id} {self.case.target['id']}"

    @property
    def said(self) -> tuple[Any, ...]:
        """What makes it another case when it changes."""
        decisions = [vote.decision for vote in self.case.votes]
        return decisions, [row["event_id"] for row in self.case.rulings], self.case.disputes


def open_case(docket: Docket, key: str) -> Opened | None:
    """Read a case; None if no vote of it is left."""
    case = docket.case(key)
    if case is None:
        return None
    chunks, chunk = cut_around(docket.store, case)
    found = Opened(case, chunks, chunk)
    for item in case.disputes:
        found.guidelines[mode_key(item.codebook, item.mode)] = guidelines(docket.store, item.codebook, item.mode)
    if queues.hidden(docket.store, case.run, docket.reviewer)("", case.target["id"]):
        found.queue = queues.rule_for(docket.store, case.run, docket.reviewer).name
    return found


def guidelines(store: Store, codebook: str, mode: str) -> list[str]:
    return [note["text"] for note in adjudication.notes(store, codebook, mode)]


def cut_around(store: Store, case: Case) -> tuple[Chunks, int]:
    """The run cut so that the case is one chunk: as the voters had it, where their policy still cuts it so."""
    run, target = case.run, case.target
    first, last = target["first"]["index"], target["last"]["index"]
    if target["scope"] == "run" or last >= run.steps:
        return Chunks([0], run.steps), 0
    try:
        chunks = chunks_of(store, run, Policy.parse(target["policy"]))
    except UserError:
        chunks = Chunks([], 0)
    place = chunks.of_step(first)
    if len(chunks) and chunks.bounds(place) == (first, last):
        return chunks, place
    starts = sorted({0, first, *([last + 1] if last + 1 < run.steps else [])})
    return Chunks(starts, run.steps), starts.index(first)


#: What was written on modes and not settled yet, and modes that are to be settled though not open: of each station,
#: case by case. It stays as long as the station runs.
Kept: TypeAlias = "dict[str, tuple[dict[str, Draft], dict[str, str]]]"
_KEPT: WeakKeyDictionary[Any, Kept] = WeakKeyDictionary()


def kept(station: Any, key: str) -> tuple[dict[str, Draft], dict[str, str]]:
    """Drafts and extra modes of a case: to be changed in place."""
    return _KEPT.setdefault(station, {}).setdefault(key, ({}, {}))


class CaseParts(StationScreen):
    """What every piece of the screen may use. cases: the list that the case is of. mode: key of the mode that would be
    settled now; current: key of the row under the cursor. known: keys of the cases on which names were seen."""

    cases: AdjudicateScreen
    docket: Docket
    opened: Opened
    transcript: Transcript
    votes: RowList
    mode: str | None
    current: str | None
    drafts: dict[str, Draft]
    extra: dict[str, str]
    known: set[str]
    _since: float
    _pending: asyncio.Future[Any] | None

    @property
    def key(self) -> str:
        return self.opened.key

    @property
    def view(self) -> CaseView:
        raise NotImplementedError

    def show_votes(self) -> None:
        raise NotImplementedError

    def show_case(self, opened: Opened, *, mode: str | None = None) -> None:
        raise NotImplementedError

    def title_of(self, codebook: str, slug: str) -> str:
        """What a mode is called."""
        found = self.docket.mode(codebook, slug)
        return found[1].label if found else slug

    def labels(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and content of every label of every vote."""
        for number, vote in enumerate(self.view.votes):
            for place, label in enumerate(vote.decision["labels"]):
                yield f"label:{number}/{place}", label

    def concerns(self, label: Mapping[str, Any]) -> bool:
        """Whether a label is about the mode in question; where people put the root cause at different steps, whether
        it is one of these, by whatever codebook."""
        how = {mode_key(item.codebook, item.mode): item.how for item in self.opened.case.disputes}
        if how.get(self.mode or "") == APART:
            return bool(label["root_cause"])
        return self.mode in (None, mode_key(label["codebook"]["id"], label["mode"]))

    def first_open(self) -> str | None:
        """The mode to begin with: the one that the list is filtered by, or the least agreed."""
        disputes, wanted = self.opened.case.disputes, self.cases.wanted
        first = next((item for item in disputes if fits(item, wanted)), next(iter(disputes), None))
        return mode_key(first.codebook, first.mode) if first else None

    def chosen_mode(self) -> tuple[str, tuple[Codebook, Mode]] | None:
        """The mode to be settled, with its key; or a word on why there is none."""
        if self._pending is not None and not self._pending.done():
            self.say("The last ruling still waits for the database.", "warn")
            return None
        if self.mode is None:
            self.say("Nothing is open here: l settles another mode, ] goes to the next case.")
            return None
        book, _, slug = self.mode.removeprefix("mode:").partition("/")
        found = self.docket.mode(book, slug)
        if found is None:
            self.say("This mode is not in the codebook as it counts now.", "error")
            return None
        return self.mode, found

    async def turn_to(self, key: str, mode: str | None = None) -> bool:
        """Show another case. False if there is none any more."""
        found = await self.work(open_case, self.docket, key)
        if found is None:
            self.say("The votes on that case are gone meanwhile.", "warn")
            return False
        self.show_case(found, mode=mode)
        self.cases.cases.select(key)
        return True

    async def action_back(self) -> None:
        unsettled = any(draft.note or draft.guideline or draft.steps for draft in self.drafts.values())
        self.cases.cases.select(self.key)
        await self.station.pop_screen()
        if unsettled:
            self.cases.say("What you wrote there is kept with the case until it is settled, or the station ends.")
