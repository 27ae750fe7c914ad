"""Everything that can be said of some detectors on some labels, in one object; and the same as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labels.codebook import Codebooks
from labels.detectors.base import Detector
from labels.scoring import corpora, decided, localisation, predict
from labels.scoring.acceptance import Acceptance, acceptance
from labels.scoring.alerts import Alerts
from labels.scoring.calibration import load_kept
from labels.scoring.localisation import Located, StepScore
from labels.scoring.predict import Looked, Troubles
from labels.scoring.score import Evidence, Score, Scorer
from labels.scoring.truth import TRUSTS, Account, Case
from sessions.store import Store

Told = Callable[[int], None]


@dataclass(slots=True)
class Report:
    """account: what counted as truth. labelled: (trust, mode) -> (judged units, of those present). runs: how many were
    looked at. answers, calibration: of the database; empty for corpora. located: the runs whose decisive step is known.
    """

    account: Account
    troubles: Troubles
    runs: int = 0
    scores: list[Score] = field(default_factory=list)
    alerts: list[Alerts] = field(default_factory=list)
    steps: list[StepScore] = field(default_factory=list)
    labelled: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    answers: list[Acceptance] = field(default_factory=list)
    calibration: list[dict[str, Any]] = field(default_factory=list)
    located: list[Located] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The report's content as JSON values."""
        left_out = [{"reason": reason, "count": count} for reason, count in sorted(self.account.left_out.items())]
        return {
            "labels": {"used": self.account.used, "left_out": left_out, "doubts": self.account.doubts},
            "runs": self.runs,
            "labelled": [
                {"trust": trust, "mode": mode, "judged": judged, "present": present}
                for (trust, mode), (judged, present) in self.labelled.items()
            ],
            "scores": [score_json(item) for item in self.scores],
            "alerts": [alerts_json(item) for item in self.alerts],
            "steps": [step_json(item) for item in self.steps],
            "acceptance": [acceptance_json(item) for item in self.answers],
            "calibration": [{key: item[key] for key in item if key != "curve"} for item in self.calibration],
            "switched_off": [
                {"detector": detector, "reason": reason, "runs": number}
                for detector, reasons in sorted(self.troubles.off.items())
                for reason, number in sorted(reasons.items())
            ],
        }


def on_corpora(
    paths: Sequence[Path],
    detectors: Sequence[Detector],
    codebooks: Codebooks,
    modes: Sequence[str] = (),
    told: Told = lambda done: None,
) -> Report:
    """Scores on labelled corpora. modes: only these (`slug@codebook`). Raises UserError where there are no labels."""
    account = Account()
    return _report(corpora.cases(paths, codebooks, account), account, detectors, codebooks, modes, told)


def on_database(
    store: Store,
    detectors: Sequence[Detector],
    codebooks: Codebooks,
    modes: Sequence[str] = (),
    told: Told = lambda done: None,
    others: Sequence[str] | None = None,
) -> Report:
    """Scores on what was decided blind in a database; and, apart from them, how suggestions were answered.

    others: of what else has suggestions there, such as a judge, only these; None for all. They are scored on the modes
    that they have suggested at least once, because nothing says which others they were asked about.
    """
    account = Account()
    cases = decided.cases(store, codebooks, account, detectors)
    report = _report(cases, account, detectors, codebooks, modes, told, others)
    wanted = {detector.id for detector in detectors} | set(others or decided.lookers(store))
    report.answers = [
        item
        for _, item in sorted(acceptance(store).items())
        if item.detector in wanted and (not modes or item.mode in modes)
    ]
    report.calibration = [
        entry
        for entry in load_kept(store).get("entries", [])
        if entry["detector"] in wanted and (not modes or entry["mode"] in modes)
    ]
    return report


def _report(
    cases: Iterable[Case],
    account: Account,
    detectors: Sequence[Detector],
    codebooks: Codebooks,
    modes: Sequence[str],
    told: Told,
    others: Sequence[str] | None = None,
) -> Report:
    report = Report(account, Troubles())
    looked = predict.look(cases, detectors, codebooks, report.troubles, told)
    report.runs = len(looked)
    report.labelled = _labelled(looked, modes)
    scorer = Scorer(looked)
    names = [detector.id for detector in detectors]
    for name, mode in _pairs(looked, detectors):
        if (not modes or mode in modes) and (others is None or name in names or name in others):
            report.scores += scorer.scores(name, mode)
    for name in names:
        report.alerts += scorer.alerts(name)
    report.located = localisation.located(looked)
    if not modes:
        report.steps = localisation.scores(report.located, names)
    return report


def _pairs(looked: Sequence[Looked], detectors: Sequence[Detector]) -> Iterator[tuple[str, str]]:
    """Each detector with each of its modes; and what others, a judge say, have claimed in the database."""
    declared = [(detector.id, mode) for detector in detectors for mode in detector.modes]
    claimed = sorted({(claim.detector, claim.mode) for item in looked for claim in item.claims})
    yield from dict.fromkeys([*declared, *claimed])


def _labelled(looked: Sequence[Looked], modes: Sequence[str]) -> dict[tuple[str, str], tuple[int, int]]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for trust in TRUSTS:
        for truth in (truth for item in looked for truth in item.truths if truth.trust == trust):
            for unit in truth.judged:
                for mode, said in unit.modes.items():
                    if not modes or mode in modes:
                        judged, present = found.get((trust, mode), (0, 0))
                        found[trust, mode] = (judged + 1, present + said.present)
    return found


# -- as JSON ------------------------------------------------------------------------------------------------------


def rounded(value: float | None) -> float | None:
    """Four places: more than any of these figures is worth."""
    return None if value is None else round(value, 4)


def score_json(item: Score) -> dict[str, Any]:
    return {
        "detector": item.detector, "version": item.version, "mode": item.mode, "trust": item.trust,
        "corpora": list(item.corpora), "judged": item.units, "runs": item.runs, "clusters": item.clusters,
        "positives": item.positives, "fired": item.fired, "precision": item.precision.json(),
        "recall": item.recall.json(), "f1": item.f1.json(), "average_precision": item.average_precision.json(),
        "baselines": {
            "always_yes_f1": rounded(item.always_yes_f1), "prevalence": rounded(item.prevalence),
            "run_length_ap": rounded(item.length_ap), "system_prior_ap": rounded(item.prior_ap),
        },
        "beats": item.beats, "behind": list(item.behind), "ahead": rounded(item.ahead),
        "without_one_system": {
            "f1": rounded(item.without_system.f1), "system": item.without_system.system,
            "why": item.without_system.why,
        },
        "evidence": None if item.evidence is None else _evidence_json(item.evidence),
        "by_corpus": [
            {"corpus": at.corpus, "judged": at.units, "positives": at.positives, "fired": at.fired, "right": at.right}
            for at in item.by_corpus
        ],
    }  # fmt: skip


def _evidence_json(item: Evidence) -> dict[str, Any]:
    return {"n": item.n, "hit_rate": item.hit.json(), "iou": item.iou.json()}


def alerts_json(item: Alerts) -> dict[str, Any]:
    return {
        "detector": item.detector, "version": item.version, "trust": item.trust, "corpora": list(item.corpora),
        "good_runs": item.good, "failed_runs": item.failed, "per_good_run": item.per_good.json(),
        "fires_on_good": item.on_good.json(), "fires_on_failed": item.on_failed.json(),
        "auroc": item.auroc.json(), "run_length_auroc": item.length_auroc.json(),
    }  # fmt: skip


def step_json(item: StepScore) -> dict[str, Any]:
    return {
        "method": item.method, "corpus": item.corpus, "system": item.system, "trust": item.trust, "runs": item.runs,
        "named": item.named, "exact": item.exact.json(), "within_1": item.within_1.json(),
        "within_3": item.within_3.json(), "top_3": item.top_3.json(), "mrr": item.mrr.json(),
    }  # fmt: skip


def acceptance_json(item: Acceptance) -> dict[str, Any]:
    return {
        "detector": item.detector, "mode": item.mode, "accepted": item.accepted, "rejected": item.rejected,
        "relabelled": item.relabelled, "unanswered": item.unanswered, "median_seconds": item.median_seconds,
    }  # fmt: skip
