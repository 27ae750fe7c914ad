"""What detectors say where there is nothing to find, and whether they say more where a run failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.scoring import metrics
from labels.scoring.metrics import Estimate
from labels.scoring.predict import Looked
from labels.scoring.truth import Claim, Judged, RunTruth, Trust

if TYPE_CHECKING:
    from labels.scoring.metrics import Array

NOT_COMPARABLE = "no corpus has good and failed runs"


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a detector costs on runs where there is nothing to find, and whether it fires more where there is. good,
    failed: runs. per_good: claims a good run. on_good, on_failed: share of runs with any. auroc: of the number of
    claims for failure; length_auroc: of the run's length. Failed runs are those of corpora that have good ones too."""

    detector: str
    version: str
    trust: Trust
    corpora: tuple[str, ...]
    good: int
    failed: int
    per_good: Estimate
    on_good: Estimate
    on_failed: Estimate
    auroc: Estimate
    length_auroc: Estimate


def alerts_of(
    detector: str, version: str, trust: Trust, found: Sequence[tuple[RunTruth, Looked]], clusters: Sequence[int]
) -> Alerts:
    """What a detector says on these runs. clusters: of each of them."""
    import numpy as np

    known = [pair for pair in found if pair[0].clean is not None]
    counts = np.array([_number(item.claims, detector, truth.judged) for truth, item in known], dtype=float)
    clean = np.array([bool(truth.clean) for truth, _ in known])
    outcome = np.array([truth.good is not None for truth, _ in known])
    comparable = outcome & np.isin([truth.corpus for truth, _ in known], _with_both(known))
    failed = comparable & ~clean
    kept = [cluster for (truth, _), cluster in zip(found, clusters, strict=True) if truth.clean is not None]
    group = np.unique(kept, return_inverse=True)[1]
    steps = np.array([truth.steps for truth, _ in known], dtype=float)

    def over(values: Array, chosen: Array, why: str, share: bool = True) -> Estimate:
        figure = metrics.mean(np.where(chosen, values, np.nan))
        return metrics.estimate(figure, group, why, among=chosen if share else None)

    def separates(score: Array) -> Estimate:
        label = failed[comparable].astype(float)
        cluster = np.unique(group[comparable], return_inverse=True)[1]
        return metrics.estimate(
            lambda weights: metrics.auroc(label, score[comparable], weights), cluster, NOT_COMPARABLE
        )

    return Alerts(
        detector, version, trust, tuple(dict.fromkeys(truth.corpus for truth, _ in known)),
        int(clean.sum()), int(failed.sum()),
        over(counts, clean, "no run is known to be good", share=False),
        over((counts > 0).astype(float), clean, "no run is known to be good"),
        over((counts > 0).astype(float), failed, NOT_COMPARABLE),
        separates(counts), separates(steps),
    )  # fmt: skip


def _with_both(known: Sequence[tuple[RunTruth, Looked]]) -> list[str]:
    """Corpora that have good runs and failed ones: runs of others must not stand against each other."""
    outcomes = {(truth.corpus, truth.good) for truth, _ in known}
    return sorted(corpus for corpus, good in outcomes if good and (corpus, False) in outcomes)


def _number(claims: Iterable[Claim], detector: str, judged: Sequence[Judged]) -> int:
    """How many claims the detector makes: on the judged parts where only parts were judged."""
    mine = (claim for claim in claims if claim.detector == detector)
    return sum(1 for claim in mine if not judged or any(claim.touches(unit.span) for unit in judged))
