"""Agreement on where: on the steps of a mode that several reviewers found in one unit, and on the decisive step.

Decisive step of a reviewer on a run: the first step of the label marked as the root cause (the earliest of several); of
one who marked none, the first step of the earliest label, where the whole run was judged at once. It is compared
whatever codebook the label belongs to, so that two corpora that labelled the same runs by different schemes can be held
against each other. The agent is the one who is blamed, or else who acts in the step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from labels.agreement.votes import ROOT, SURE, Votes
from labels.model import WHOLE_RUN
from sessions import catalog
from sessions.store import Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array

WITHIN = (1, 2, 5)
NOWHERE = "labels that name no step (they cover a whole run), from agreement on steps"


@dataclass(slots=True)
class StepFigures:
    """Pairs of reviewers' answers. exact: the same step; within: at most so many steps apart -> how many. iou: mean of
    steps in both over steps in either (None for single steps). agents: pairs of which both name an agent; agent: of
    those, the same one. hit: pairs in which any label of the one covers the step of the other."""

    name: str
    pairs: int = 0
    exact: int = 0
    within: Counter[int] = field(default_factory=Counter)
    iou: float | None = None
    agents: int = 0
    agent: int = 0
    hit: int = 0
    codebook: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Decisive:
    """One reviewer's decisive step. step: index. named: whether they marked it. labels: (first, last) of all theirs."""

    step: int
    named: bool
    agent: str | None
    labels: tuple[tuple[int, int], ...]


# -- modes ----------------------------------------------------------------------------------------------------------


def placed(store: Store, votes: Votes) -> Array:
    """Which labels say where: not those that cover a run as a whole, as labels do whose source names no step."""
    import numpy as np

    steps = {str(row[0]): int(row[1]) for row in store.query("SELECT id, steps FROM run")}
    last = np.array([steps.get(run, 0) - 1 if chunk == WHOLE_RUN else -1 for run, chunk in votes.units] or [-1])
    end = last[votes.unit[votes.label_vote]]
    found: Array = ~((end > 0) & (votes.label_first == 0) & (votes.label_last == end))
    return found


def by_mode(votes: Votes, where: Array) -> list[StepFigures]:
    """For each mode, over units in which two reviewers found it: how far apart their steps are. Several labels of a
    mode in one unit count from the first to the last step. where: from `placed`."""
    import numpy as np

    found: list[StepFigures] = []
    sure = (votes.label_flags & SURE != 0) & where
    for place, (book, slug) in enumerate(votes.modes):
        mine = np.flatnonzero((votes.label_mode == place) & sure)
        if not len(mine):
            continue
        mine = mine[np.argsort(votes.label_vote[mine], kind="stable")]
        vote, starts = np.unique(votes.label_vote[mine], return_index=True)
        first = np.minimum.reduceat(votes.label_first[mine], starts)
        last = np.maximum.reduceat(votes.label_last[mine], starts)
        figures = StepFigures(votes.names.get((book, slug), slug), codebook=book, mode=slug)
        _pair_up(votes.unit[vote], first, last, figures)
        if figures.pairs:
            found.append(figures)
    return found


def _pair_up(unit: Array, first: Array, last: Array, figures: StepFigures) -> None:
    import numpy as np

    order = np.argsort(unit, kind="stable")
    _, starts, counts = np.unique(unit[order], return_index=True, return_counts=True)
    overlap = 0.0
    for size in np.unique(counts[counts > 1]):
        rows = order[starts[counts == size][:, None] + np.arange(size)]
        for one, two in combinations(range(int(size)), 2):
            a, b = rows[:, one], rows[:, two]
            apart = np.abs(first[a] - first[b])
            figures.pairs += len(a)
            figures.exact += int((apart == 0).sum())
            for most in WITHIN:
                figures.within[most] += int((apart <= most).sum())
            both = np.maximum(np.minimum(last[a], last[b]) - np.maximum(first[a], first[b]) + 1, 0)
            either = last[a] - first[a] + last[b] - first[b] + 2 - both
            overlap += float((both / either).sum())
    figures.iou = overlap / figures.pairs if figures.pairs else None


# -- the decisive step ----------------------------------------------------------------------------------------------


def decisive(store: Store, votes: Votes, where: Array) -> tuple[list[StepFigures], Counter[str]]:
    """Agreement on the decisive step for each pair of reviewers who both have one on a run, all pairs together first;
    and how many runs each reviewer has one on, by how it is known."""
    steps = _decisive_steps(store, votes, where)
    counted: Counter[str] = Counter()
    together = StepFigures("all pairs")
    pairs: dict[tuple[str, str], StepFigures] = {}
    for said in steps.values():
        for who, one in said.items():
            counted[f"{who}: {'marked as root cause' if one.named else 'first label of the run'}"] += 1
        for first, second in combinations(sorted(said), 2):
            figures = pairs.setdefault((first, second), StepFigures(f"{first} and {second}"))
            for item in (figures, together):
                _compare(said[first], said[second], item)
    found = [pairs[key] for key in sorted(pairs)]
    return ([together, *found] if len(found) > 1 else found), counted


def _compare(one: Decisive, two: Decisive, figures: StepFigures) -> None:
    apart = abs(one.step - two.step)
    figures.pairs += 1
    figures.exact += apart == 0
    for most in WITHIN:
        figures.within[most] += apart <= most
    figures.hit += _covers(one, two.step) or _covers(two, one.step)
    if one.agent and two.agent:
        figures.agents += 1
        figures.agent += one.agent == two.agent


def _covers(said: Decisive, step: int) -> bool:
    return any(first <= step <= last for first, last in said.labels)


def _decisive_steps(store: Store, votes: Votes, where: Array) -> dict[str, dict[str, Decisive]]:
    """Run -> reviewer -> decisive step, of runs on which at least two have one."""
    import numpy as np

    labels: dict[tuple[int, int], list[int]] = {}
    if not len(votes.label_vote):
        return {}
    cluster = votes.cluster[votes.unit[votes.label_vote]]
    rater = votes.rater[votes.label_vote]
    sure = (votes.label_flags & SURE != 0) & where
    whole = np.array([chunk == WHOLE_RUN for _, chunk in votes.units])
    telling = sure & ((votes.label_flags & ROOT != 0) | whole[votes.unit[votes.label_vote]])
    of = cluster * len(votes.raters) + rater
    for place in np.flatnonzero(sure & np.isin(of, of[telling])).tolist():
        labels.setdefault((int(cluster[place]), int(rater[place])), []).append(place)
    found: dict[int, dict[int, Decisive]] = {}
    for (run, who), places in labels.items():
        if (said := _decisive_of(votes, places)) is not None:
            found.setdefault(run, {})[who] = said
    return {
        votes.runs[run]: dict(_with_agents(store, votes, run, said)) for run, said in found.items() if len(said) > 1
    }


def _decisive_of(votes: Votes, places: list[int]) -> Decisive | None:
    roots = [place for place in places if votes.label_flags[place] & ROOT]
    whole = [place for place in places if votes.units[votes.unit[votes.label_vote[place]]][1] == WHOLE_RUN]
    chosen = roots or whole
    if not chosen:
        return None
    best = min(chosen, key=lambda place: (int(votes.label_first[place]), place))
    spans = tuple((int(votes.label_first[place]), int(votes.label_last[place])) for place in places)
    return Decisive(int(votes.label_first[best]), bool(roots), votes.label_agent[best], spans)


def _with_agents(store: Store, votes: Votes, run: int, said: dict[int, Decisive]) -> Iterator[tuple[str, Decisive]]:
    info = catalog.run_by_id(store, votes.runs[run])
    for who, one in said.items():
        agent = one.agent
        if agent is None and info is not None and 0 <= one.step < info.steps:
            row = next(iter(catalog.index_rows(store, info.no, one.step)), None)
            agent = row.actor if row else None
        yield votes.raters[who], Decisive(one.step, one.named, plain_agent(agent), one.labels)


def plain_agent(name: str | None) -> str | None:
    """An agent's name without what its spelling varies in: "Orchestrator (-> WebSurfer)" is Orchestrator, and
    "Websurfer" is "WebSurfer"."""
    if name is None:
        return None
    plain = "".join(char for char in name.partition("(")[0].casefold() if char.isalnum())
    return plain or "".join(char for char in name.casefold() if char.isalnum()) or None
