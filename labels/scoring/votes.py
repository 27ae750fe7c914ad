"""What reviewers said of chunks before they knew what detectors suggest, from the event log.

Only acts made blind are folded: a blind chunk counts as it was decided before its suggestions were revealed, whatever
was changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from labels import events, fold
from labels.events import DECIDE, Event
from labels.model import Act, Decision
from labels.scoring.truth import Account
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

AFTER = "decisions made after seeing suggestions"
TAKEN_BACK = "blind decisions that were taken back when suggestions may have been seen"
UNFINISHED = "blind decisions without a verdict (not finished)"
ABSTAINED = "blind abstentions"
UNJUDGED = 'blind verdicts without labels or "none" (the modes were not judged)'
POLICY = "decisions made by a policy"
OUTSIDE = "votes that came with a corpus (scored from the corpus itself)"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one reviewer said of one chunk while blind."""

    reviewer: str
    decision: Decision


@dataclass(slots=True)
class _Talk:
    """All events of one reviewer on one chunk, in order."""

    run: RunInfo
    reviewer: str
    chunk: str
    events: list[Event] = field(default_factory=list)


def by_run(votes: Iterable[Vote]) -> dict[str, list[Vote]]:
    """Votes by the run they are on."""
    found: dict[str, list[Vote]] = {}
    for vote in votes:
        found.setdefault(vote.decision.run, []).append(vote)
    return found


def blind_votes(store: Store, account: Account) -> Iterator[Vote]:
    """Every reviewer's finished blind decisions, each with at least one mode judged."""
    veiled = _veiled_runs(store)
    seen: set[tuple[str, str, str]] = set()
    for talk in _talks(store):
        decision = said_blind(talk.events, talk.run.id, account, veiled=talk.run.id in veiled)
        if decision is None:
            continue
        if decision.verdict is None:
            account.left_out[UNFINISHED] += 1
        elif decision.verdict == "abstain":
            account.left_out[ABSTAINED] += 1
        elif not decision.labels and not decision.none:
            account.left_out[UNJUDGED] += 1
        elif (key := (talk.run.id, talk.reviewer, talk.chunk)) not in seen:  # one vote, in however many databases
            seen.add(key)
            yield Vote(talk.reviewer, decision)


def current_votes(store: Store) -> Iterator[Vote]:
    """Every reviewer's finished decisions as they are now, whatever was seen before: good to learn from, not to score
    by."""
    owner = _owners(store)
    for run, data in store.each("SELECT run, data FROM decision ORDER BY run, reviewer, chunk"):
        decision = Decision.model_validate_json(data)
        if decision.how == "person" and decision.verdict not in (None, "abstain"):
            yield Vote(decision.reviewer, decision.model_copy(update={"run": owner.get(run, run)}))


def said_blind(talk: Sequence[Event], run: str, account: Account, *, veiled: bool) -> Decision | None:
    """What one reviewer's events on one chunk said before suggestions were seen; None if nothing was, or if that
    cannot be known.

    veiled: the run is in a queue that hides suggestions until the first verdict. Then what was undone later was undone
    with suggestions in view, and what had been said holds. Otherwise they were there from the moment a detector looked,
    which an undo does not tell: such a decision is left out.
    """
    blind: list[Event] = []
    rest: list[Event] = []
    looked = False
    for event in talk:
        if event.kind != DECIDE:
            rest.append(event)
            continue
        act = Act.model_validate_json(event.payload)
        if act.how != "person":
            account.left_out[POLICY if act.how == "policy" else OUTSIDE] += 1
        elif not act.blind_suggestions:
            looked = True
        elif not looked:
            blind += [*rest, event]
            rest = []
    if not blind:
        if looked:
            account.left_out[AFTER] += 1
        return None
    said = fold.decision(blind, run)
    if not veiled or said is None or said.verdict is None:
        after = fold.decision([*blind, *rest], run)
        if (said and _judgement(said)) != (after and _judgement(after)):
            account.left_out[TAKEN_BACK] += 1
            return None
    return said


def _judgement(decision: Decision) -> tuple[object, ...]:
    return decision.labels, frozenset(decision.none)


def _talks(store: Store) -> list[_Talk]:
    """Events by run, reviewer, chunk and database of origin, whose order among each other is unknown."""
    runs = {run.id: run for run in catalog.runs(store)}
    owner = _owners(store)
    found: dict[tuple[str, ...], _Talk] = {}
    for event in events.everything(store):
        run = runs.get(owner.get(event.run, event.run))
        if run is not None:
            key = (run.id, event.reviewer, event.chunk, event.origin)
            found.setdefault(key, _Talk(run, event.reviewer, event.chunk)).events.append(event)
    return list(found.values())


def _owners(store: Store) -> dict[str, str]:
    """The run that each joined one has become."""
    return {str(alias): str(run) for alias, run in store.query("SELECT alias, run FROM run_alias")}


def _veiled_runs(store: Store) -> set[str]:
    rows = store.query("SELECT r.run FROM queue_run r JOIN queue q ON q.id = r.queue WHERE q.blind_share > 0")
    owner = _owners(store)
    return {owner.get(str(row[0]), str(row[0])) for row in rows}
