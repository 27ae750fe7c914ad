"""The step ranker: which step of a run to look at first, learnt from where reviewers of the same system marked the root
cause. Here is what it does with a run (a dot product per step); learning and proving it is in `training`.

It is kept in the database, one for each system, and is shown only for systems where it has beaten the priors on runs
that it had not seen (`training.Proof`). It learns where a system fails, not why, so it is never used for another one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from labels import views
from labels.scoring.claims import of_view
from labels.scoring.features import FEATURES, ActorRates, StepFacts, facts_of, suspicion, vectors
from labels.scoring.truth import Claim
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

SETTING = "ranker"
#: Raised when what a model reads changes: one that was learnt before is then not used.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression on standardised features. mean, scale, weights: one for each of `FEATURES`. actors, base:
    `ActorRates`."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    actors: dict[str, float]
    base: float

    def order(self, facts: Sequence[StepFacts], claims: Sequence[Claim]) -> list[tuple[int, float]]:
        """(step index, share of the suspicion) of every step, most suspect first; the shares add up to 1."""
        if not facts:
            return []
        rates = ActorRates(self.base, self.actors)
        rows = vectors(facts, suspicion(claims, len(facts)), rates)
        columns = list(zip(self.mean, self.scale, self.weights, strict=True))
        logits = [
            sum((value - mean) / scale * weight for value, (mean, scale, weight) in zip(row, columns, strict=True))
            for row in rows
        ]
        top = max(logits)
        shares = [math.exp(logit - top) for logit in logits]
        total = sum(shares)
        return sorted(((index, share / total) for index, share in enumerate(shares)), key=lambda at: (-at[1], at[0]))

    def json(self) -> dict[str, Any]:
        return {"version": VERSION, "features": list(FEATURES), **asdict(self)}

    @classmethod
    def of(cls, value: dict[str, Any]) -> Model | None:
        """The model that `json` wrote; None for one of another version of the features."""
        if value.get("version") != VERSION or value.get("features") != list(FEATURES):
            return None
        mean, scale, weights = (tuple(map(float, value[name])) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, dict(value["actors"]), float(value["base"]))


def ranking(store: Store, run: RunInfo) -> list[tuple[int, float]] | None:
    """The steps of a run, most suspect first, as (index, share of the suspicion); None where no ranker is shown for
    its system. Reads the whole run: not for the screen's own thread."""
    if not run.complete or not run.steps:
        return None
    model = shown_model(store, run.system or run.format)
    if model is None:
        return None
    claims = [of_view(item) for item in views.suggestions(store, run)]
    return model.order(facts_of(catalog.steps(store, run.no)), claims)


def shown_model(store: Store, system: str) -> Model | None:
    """The model of a system, if it has earned its place."""
    entry = kept(store).get("systems", {}).get(system)
    return Model.of(entry["model"]) if entry and entry.get("shown") and entry.get("model") else None


def kept(store: Store) -> dict[str, Any]:
    """What `training.train` kept: `{"at", "systems": {system: {"shown", "why", "runs", "proof", "model"}}}`; {} before
    it ever ran."""
    row = store.one("SELECT value FROM meta WHERE name = ?", [SETTING])
    value: dict[str, Any] = orjson.loads(row[0]) if row else {}
    return value


def keep(store: Store, value: dict[str, Any]) -> None:
    """Replace what is kept."""
    with store.write() as tx:
        tx.execute("DELETE FROM meta WHERE name = ?", [SETTING])
        tx.execute("INSERT INTO meta VALUES (?, ?)", [SETTING, orjson.dumps(value).decode()])
