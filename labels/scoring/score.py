"""The scores of detectors on labelled runs, mode by mode, beside the baselines that need no detector at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labels.scoring import metrics
from labels.scoring.alerts import Alerts, alerts_of
from labels.scoring.metrics import Estimate, Rows
from labels.scoring.predict import Looked
from labels.scoring.truth import TRUSTS, Claim, RunTruth, Span, Trust, Verdict, clusters

if TYPE_CHECKING:
    from labels.scoring.metrics import Array

#: What a detector has to beat, in the order in which it is said: F1 of saying yes to everything; average precision of
#: chance, of the run's length, and of each system's own rate of the mode.
ALWAYS, CHANCE, LENGTH, PRIOR = "always yes", "chance", "run length", "system prior"
BASELINES = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what was found and is there: does a quote lie in a step (or passage) that people marked. n: findings with
    marked steps. hit: share of them. iou: mean overlap of the steps claimed with the nearest marked ones, 0 to 1."""

    n: int
    hit: Estimate
    iou: Estimate


@dataclass(frozen=True, slots=True)
class WithoutSystem:
    """The lowest F1 that is left when one system's runs are taken away, and which system that is."""

    f1: float | None
    system: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Bare counts on one corpus. right: of `fired`, where the mode is."""

    corpus: str
    units: int
    positives: int
    fired: int
    right: int


@dataclass(frozen=True, slots=True)
class Score:
    """How a detector does on one mode. units: judged runs or chunks. fired: on how many it did. clusters: independent
    groups of them. behind: baselines that it does not beat. ahead: share of bootstrap draws in which its F1 is above
    that of saying always yes."""

    detector: str
    version: str
    mode: str
    trust: Trust
    corpora: tuple[str, ...]
    units: int
    runs: int
    clusters: int
    positives: int
    fired: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    average_precision: Estimate
    prevalence: float | None
    always_yes_f1: float | None
    length_ap: float | None
    prior_ap: float | None
    behind: tuple[str, ...] = ()
    ahead: float | None = None
    without_system: WithoutSystem = field(default_factory=lambda: WithoutSystem(None))
    evidence: Evidence | None = None
    by_corpus: tuple[Tally, ...] = ()

    @property
    def beats(self) -> bool | None:
        """Whether it beats every baseline; None where nothing can be said because the mode is present nowhere."""
        return None if self.f1.value is None else not self.behind


@dataclass(frozen=True, slots=True)
class _Unit:
    """A judged mode of a run or chunk, with the claims of one detector on it."""

    truth: RunTruth
    verdict: Verdict
    claims: tuple[Claim, ...]
    cluster: int

    @property
    def score(self) -> float | None:
        return max((claim.score for claim in self.claims), default=None)


class Scorer:
    """Scores on some labelled runs, of which detectors have already had their look."""

    def __init__(self, looked: Iterable[Looked]) -> None:
        self.pairs: list[tuple[RunTruth, Looked]] = [(truth, item) for item in looked for truth in item.truths]
        numbers = clusters([truth for truth, _ in self.pairs])
        self._cluster = {id(truth): number for (truth, _), number in zip(self.pairs, numbers, strict=True)}

    def scores(self, detector: str, mode: str) -> Iterator[Score]:
        """The detector's score on a mode, one for each degree of trust in the labels of which there are any."""
        for trust in TRUSTS:
            units = list(self._units(detector, mode, trust))
            if units:
                yield _score(detector, self._version(detector), mode, trust, units)

    def alerts(self, detector: str) -> Iterator[Alerts]:
        """What the detector says on good runs, one for each degree of trust."""
        for trust in TRUSTS:
            found = [(truth, item) for truth, item in self.pairs if truth.trust == trust and detector in item.versions]
            if trust == "doubtful":  # whether such a run is a good one is just what is doubted
                continue
            if any(truth.clean is not None for truth, _ in found):
                groups = [self._cluster[id(truth)] for truth, _ in found]
                yield alerts_of(detector, self._version(detector), trust, found, groups)

    def _version(self, detector: str) -> str:
        return next((item.versions[detector] for _, item in self.pairs if detector in item.versions), "")

    def _units(self, detector: str, mode: str, trust: Trust) -> Iterator[_Unit]:
        for truth, item in self.pairs:
            if truth.trust != trust or detector not in item.versions:
                continue
            claims = [claim for claim in item.claims if (claim.detector, claim.mode) == (detector, mode)]
            for judged in truth.judged:
                if (said := judged.modes.get(mode)) is not None:
                    here = tuple(claim for claim in claims if claim.touches(judged.span))
                    yield _Unit(truth, said, here, self._cluster[id(truth)])


# -- one detector and mode ----------------------------------------------------------------------------------------


def _score(detector: str, version: str, mode: str, trust: Trust, units: Sequence[_Unit]) -> Score:
    systems = list(dict.fromkeys(unit.truth.system for unit in units))
    rows = Rows.of(
        [unit.verdict.present for unit in units],
        [unit.score for unit in units],
        [unit.truth.steps for unit in units],
        [unit.cluster for unit in units],
        [systems.index(unit.truth.system) for unit in units],
    )
    f1 = _estimate(lambda weights: metrics.f1(rows, weights), rows, metrics.NO_POSITIVE)
    ranked = _ranked(rows, rows.score)
    prevalence = float(rows.present.mean())
    always = _value(metrics.f1_always(rows, rows.once))
    length, prior = (_value(_ranked(rows, score)(rows.once)) for score in (rows.steps, rows.prior))
    precise = _estimate(ranked, rows, metrics.NO_POSITIVE)
    baselines = [
        (ALWAYS, f1.value, always), (CHANCE, precise.value, prevalence),
        (LENGTH, precise.value, length), (PRIOR, precise.value, prior),
    ]  # fmt: skip
    return Score(
        detector=detector,
        version=version,
        mode=mode,
        trust=trust,
        corpora=tuple(dict.fromkeys(unit.truth.corpus for unit in units)),
        units=len(units),
        runs=len({(unit.truth.corpus, unit.truth.run) for unit in units}),
        clusters=int(rows.cluster.max()) + 1,
        positives=int(rows.present.sum()),
        fired=int(rows.fired.sum()),
        precision=_estimate(lambda weights: metrics.precision(rows, weights), rows, metrics.NEVER_FIRED, rows.fired),
        recall=_estimate(lambda weights: metrics.recall(rows, weights), rows, metrics.NO_POSITIVE, rows.present),
        f1=f1,
        average_precision=precise,
        prevalence=prevalence,
        always_yes_f1=always,
        length_ap=length,
        prior_ap=prior,
        behind=tuple(name for name, own, other in baselines if own is not None and other is not None and own <= other),
        ahead=metrics.share_ahead(
            lambda weights: metrics.f1(rows, weights) - metrics.f1_always(rows, weights), rows.cluster
        ),
        without_system=_without_system(rows, systems),
        evidence=_evidence(units, rows),
        by_corpus=tuple(_tally(corpus, units) for corpus in dict.fromkeys(unit.truth.corpus for unit in units)),
    )


def _tally(corpus: str, units: Sequence[_Unit]) -> Tally:
    mine = [unit for unit in units if unit.truth.corpus == corpus]
    fired = [unit for unit in mine if unit.claims]
    return Tally(
        corpus, len(mine), sum(unit.verdict.present for unit in mine), len(fired),
        sum(unit.verdict.present for unit in fired),
    )  # fmt: skip


def _estimate(figure: Callable[[Array], Array], rows: Rows, why: str, among: Array | None = None) -> Estimate:
    return metrics.estimate(figure, rows.cluster, why, among=among)


def _ranked(rows: Rows, score: Array) -> Callable[[Array], Array]:
    return lambda weights: metrics.average_precision(rows.present, score, weights)


def _value(figure: Array) -> float | None:
    value = float(figure[0])
    return None if value != value else value


def _without_system(rows: Rows, systems: Sequence[str]) -> WithoutSystem:
    """A rule that works in one system only shows here: it falls when that system is taken away."""
    if len(systems) < 2:
        return WithoutSystem(None, why="the labels are of one system")
    lowest: WithoutSystem | None = None
    for number, name in enumerate(systems):
        rest = rows.only(rows.system != number)
        value = _value(metrics.f1(rest, rest.once))
        if value is not None and (lowest is None or lowest.f1 is None or value < lowest.f1):
            lowest = WithoutSystem(value, name)
    return lowest or WithoutSystem(None, why=metrics.NO_POSITIVE)


# -- evidence -----------------------------------------------------------------------------------------------------


def _evidence(units: Sequence[_Unit], rows: Rows) -> Evidence | None:
    import numpy as np

    hits = np.full(len(units), np.nan)
    overlaps = np.full(len(units), np.nan)
    for place, unit in enumerate(units):
        if unit.verdict.present and unit.verdict.spans and unit.claims:
            hits[place] = any(_hits(claim, unit.verdict) for claim in unit.claims)
            overlaps[place] = max(claim.span.iou(span) for claim in unit.claims for span in unit.verdict.spans)
    known = int((~np.isnan(hits)).sum())
    if not known:
        return None
    none = "nothing found has marked steps"
    return Evidence(
        known,
        metrics.estimate(metrics.mean(hits), rows.cluster, none, among=~np.isnan(hits)),
        metrics.estimate(metrics.mean(overlaps), rows.cluster, none),
    )


def _hits(claim: Claim, verdict: Verdict) -> bool:
    """Whether a quote lies in marked steps. Claiming many steps helps nobody: only what is quoted counts."""
    return any(span.overlaps(Span(place.step, place.step)) for place in claim.passages for span in verdict.spans)
