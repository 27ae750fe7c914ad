"""Learning the step ranker, and proving it: it is shown only where it beats the priors on runs it has not seen.

Needs scikit-learn (the extra `train`); using what was learnt does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labels import views
from labels.scoring import decided, localisation, metrics, ranker, votes
from labels.scoring.claims import of_view
from labels.scoring.features import FEATURES, ActorCounts, facts_of, suspicion, vectors
from labels.scoring.localisation import PRIORS, Located, StepScore
from labels.scoring.predict import Looked
from labels.scoring.ranker import Model
from labels.scoring.truth import Account, RunTruth
from sessions import catalog
from sessions.errors import UserError
from sessions.store import Store

#: With fewer runs than this nothing is learnt; with fewer proven on, nothing is shown.
LEAST_RUNS, LEAST_PROVEN = 5, 10
#: It must be ahead of each prior in this share of the bootstrap draws: with ten runs, luck alone is often ahead.
LEAST_AHEAD = 0.9
#: Strength of the ridge (scikit-learn's C): a run gives one positive, so there are hardly more of them than features.
RIDGE_C = 0.1
#: Runs are left out one by one up to this many, and in this many groups beyond.
MOST_FOLDS = 40
_NOW, _BLIND = "said now", "said blind"


@dataclass(frozen=True, slots=True)
class Proof:
    """How the ranker does on held-out runs. priors: how each prior does on the same ones. ahead: prior -> share of the
    bootstrap draws in which the ranker's mean reciprocal rank is higher."""

    ranker: StepScore
    priors: tuple[StepScore, ...]
    ahead: dict[str, float]

    @property
    def verdict(self) -> str:
        """Why it is not shown; "" where it is."""
        if self.ranker.runs < LEAST_PROVEN:
            return f"it was tried on {self.ranker.runs} runs only; {LEAST_PROVEN} are needed"
        top = self.ranker.top_3.value or 0.0
        for prior in self.priors:
            if top <= (prior.top_3.value or 0.0):
                return f"the {prior.method} finds the step as often ({_percent(prior)} in the top 3, it {top:.0%})"
            if self.ahead[prior.method] < LEAST_AHEAD:
                return f"it is ahead of the {prior.method}, but no more than luck may be"
        return ""

    def json(self) -> dict[str, Any]:
        def figures(item: StepScore) -> dict[str, Any]:
            return {"exact": item.exact.json(), "top_3": item.top_3.json(), "mrr": item.mrr.json()}

        priors = {prior.method: figures(prior) | {"ahead": round(self.ahead[prior.method], 3)} for prior in self.priors}
        return {"runs": self.ranker.runs, "ranker": figures(self.ranker), "priors": priors}


def _percent(item: StepScore) -> str:
    return f"{item.top_3.value or 0.0:.0%}"


# -- learning -----------------------------------------------------------------------------------------------------


def fit(runs: Sequence[Located]) -> Model:
    """A model from runs with known decisive steps. Raises UserError without scikit-learn."""
    try:
        import numpy as np
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise UserError(
            "learning needs scikit-learn, which is not installed.", "pip install 'review-tui[train]'"
        ) from None
    counts = ActorCounts()
    for run in runs:
        counts.add(run.facts, run.decisive)
    rates = counts.rates()
    rows: list[list[float]] = []
    labels: list[int] = []
    weights: list[float] = []
    for run in runs:
        # A run's own decisive step must not tell how suspect its actor is: the rates it is shown come from the others.
        counts.add(run.facts, run.decisive, -1)
        rows += vectors(run.facts, suspicion(run.claims, len(run.facts)), counts.rates())
        counts.add(run.facts, run.decisive)
        labels += [int(index == run.decisive) for index in range(len(run.facts))]
        weights += [1.0 if index == run.decisive else 1 / len(run.facts) for index in range(len(run.facts))]
    table = np.asarray(rows, dtype=float)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=RIDGE_C, max_iter=1_000)
    model.fit((table - mean) / scale, np.asarray(labels), sample_weight=np.asarray(weights))
    assert len(FEATURES) == table.shape[1]
    return Model(
        tuple(map(float, mean)), tuple(map(float, scale)), tuple(map(float, model.coef_[0])),
        dict(rates.rates), rates.base,
    )  # fmt: skip


# -- proving ------------------------------------------------------------------------------------------------------


def prove(learn_from: Sequence[Located], try_on: Sequence[Located]) -> Proof | None:
    """Try it on each run of `try_on`, learnt from the runs of `learn_from` that share nothing with it. None where
    nothing is left to learn from."""
    orders: list[list[int]] = []
    for held_out in _folds(try_on):
        rest = [run for run in learn_from if run.cluster not in {held.cluster for held in held_out}]
        if len(rest) < LEAST_RUNS:
            return None
        model = fit(rest)
        orders += [[index for index, _ in model.order(run.facts, run.claims)] for run in held_out]
    tried = [run for fold in _folds(try_on) for run in fold]
    priors = {
        name: [prior([other for other in learn_from if other.cluster != run.cluster], run.facts) for run in tried]
        for name, prior in PRIORS.items()
    }
    return Proof(
        localisation.score("step ranker", tried, orders),
        tuple(localisation.score(name, tried, order) for name, order in priors.items()),
        {name: _ahead(tried, orders, order) for name, order in priors.items()},
    )


def _folds(runs: Sequence[Located]) -> list[list[Located]]:
    """Groups to hold out together: by cluster, put together where there are many."""
    groups: dict[int, list[Located]] = {}
    for place, cluster in enumerate(dict.fromkeys(run.cluster for run in runs)):
        groups.setdefault(place % MOST_FOLDS, []).extend(run for run in runs if run.cluster == cluster)
    return list(groups.values())


def _ahead(runs: Sequence[Located], mine: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> float:
    import numpy as np

    def reciprocal(order: Sequence[int], run: Located) -> float:
        place = localisation.rank(order, run.decisive)
        return 1 / place if place else 0.0

    gain = np.array(
        [reciprocal(a, run) - reciprocal(b, run) for a, b, run in zip(mine, other, runs, strict=True)], dtype=float
    )
    cluster = np.unique([run.cluster for run in runs], return_inverse=True)[1]
    return metrics.share_ahead(metrics.mean(gain), cluster) or 0.0


# -- from the database --------------------------------------------------------------------------------------------


def gold(store: Store) -> tuple[list[Located], list[Located]]:
    """The runs of which reviewers said where they went wrong: as they say now, and as they said blind.

    What was said after seeing suggestions is good enough to learn from; proven is only on what was said blind.
    """
    now, blind = votes.by_run(votes.current_votes(store)), votes.by_run(votes.blind_votes(store, Account()))
    found: list[Looked] = []
    for key in now.keys() | blind.keys():
        run = catalog.run_by_id(store, key)
        if run is None or not run.complete:
            continue
        known = {
            name: decided.decisive_of(store, run, said.get(key, [])) for name, said in ((_NOW, now), (_BLIND, blind))
        }
        truths = [
            RunTruth(name, "sound", run.id, decided.system_of(run), run.steps, decisive=step, ties=decided.ties_of(run))
            for name, step in known.items()
            if step is not None
        ]
        if truths:
            claims = [of_view(item) for item in views.suggestions(store, run)]
            found.append(Looked(tuple(truths), claims, {}, facts_of(catalog.steps(store, run.no))))
    runs = localisation.located(sorted(found, key=lambda item: item.truths[0].run))
    return [run for run in runs if run.corpus == _NOW], [run for run in runs if run.corpus == _BLIND]


def train(store: Store) -> dict[str, Any]:
    """Learn a ranker for each system with enough reviewed runs, prove it, and keep both. What was kept, as
    `ranker.kept` gives it. Raises UserError without scikit-learn or where the database cannot be written."""
    now, blind = gold(store)
    systems = {
        system: _system([run for run in now if run.system == system], [run for run in blind if run.system == system])
        for system in sorted({run.system for run in now})
    }
    value = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "systems": systems}
    ranker.keep(store, value)
    return value


def _system(now: Sequence[Located], blind: Sequence[Located]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "shown": False,
        "why": "",
        "runs": len(now),
        "blind": len(blind),
        "proof": None,
        "model": None,
    }
    if len(now) <= LEAST_RUNS:
        return entry | {"why": f"{len(now)} of its runs have a known step; {LEAST_RUNS + 1} are needed to learn from"}
    if not blind:
        return entry | {"why": "no step was marked blind, so there is nothing to prove it on"}
    proof = prove(now, blind)
    if proof is None:
        return entry | {"why": "its runs are of too few different tasks"}
    return entry | {
        "shown": not proof.verdict, "why": proof.verdict, "proof": proof.json(), "model": fit(now).json(),
    }  # fmt: skip
