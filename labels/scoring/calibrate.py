"""Learning from blind decisions how often a detector is right at a given score.

A suggestion counts where somebody judged its mode, blind, in steps that it touches: as right if they marked the mode in
steps that overlap it. Each detector and mode is on its own, drawn towards the detector as a whole while it has few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from labels.codebook import Codebooks
from labels.detectors.base import Detector
from labels.scoring import decided, metrics, predict
from labels.scoring.calibration import ISOTONIC_FROM, LEAST_DECISIONS, SETTING, Blend, Calibration, Isotonic, Platt
from labels.scoring.predict import Looked, Troubles
from labels.scoring.truth import Account, Claim, RunTruth, clusters
from sessions.store import Store

#: A mode's own curve weighs n / (n + this) against the detector's.
SHRINKAGE = 20.0
FOLDS = 10
#: Suggestions rewritten in one transaction, so that a reviewer's decision never waits long.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """A suggestion of which it is known whether it is right."""

    detector: str
    version: str
    mode: str
    score: float
    right: bool
    cluster: int


def samples(looked: Iterable[Looked]) -> list[Sample]:
    """Every claim that touches steps on which its mode was judged."""
    items = [(truth, item) for item in looked for truth in item.truths]
    numbers = clusters([truth for truth, _ in items])
    found: list[Sample] = []
    for (truth, item), cluster in zip(items, numbers, strict=True):
        for claim in item.claims:
            if claim.detector in item.versions and (right := is_right(claim, truth)) is not None:
                found.append(Sample(claim.detector, claim.version, claim.mode, claim.score, right, cluster))
    return found


def is_right(claim: Claim, truth: RunTruth) -> bool | None:
    """Whether the mode was marked where the claim says; None if nobody judged it there. Where the mode was marked
    without steps, anywhere counts."""
    said = [unit.modes[claim.mode] for unit in truth.judged if claim.mode in unit.modes and claim.touches(unit.span)]
    if not said:
        return None
    return any(
        verdict.present and (not verdict.spans or any(claim.touches(span) for span in verdict.spans))
        for verdict in said
    )


def calibrate(
    store: Store, codebooks: Codebooks, detectors: Sequence[Detector], account: Account, troubles: Troubles
) -> dict[str, Any]:
    """Learn all curves anew, keep them, and give the suggestions that stand in the database their probability. What
    was kept, as `calibration.load_kept` gives it. Raises UserError where the database cannot be written."""
    looked = predict.look(decided.cases(store, codebooks, account, detectors), detectors, codebooks, troubles)
    value = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "entries": entries(samples(looked))}
    with store.write() as tx:
        tx.execute("DELETE FROM meta WHERE name = ?", [SETTING])
        tx.execute("INSERT INTO meta VALUES (?, ?)", [SETTING, orjson.dumps(value).decode()])
    apply(store, Calibration(value))
    return value


def entries(known: Sequence[Sample]) -> list[dict[str, Any]]:
    """An entry for each detector, version and mode of which anything is known; with a curve where it is enough."""
    found: list[dict[str, Any]] = []
    for detector, version in sorted({(item.detector, item.version) for item in known}):
        pooled = [item for item in known if (item.detector, item.version) == (detector, version)]
        for mode in sorted({item.mode for item in pooled}):
            own = [item for item in pooled if item.mode == mode]
            entry: dict[str, Any] = {
                "detector": detector, "version": version, "mode": mode, "decisions": len(own),
                "right": sum(item.right for item in own), "curve": None, "reliability": None,
            }  # fmt: skip
            if len(own) >= LEAST_DECISIONS:
                entry["curve"] = blend(own, pooled).json()
                if (found_to_be := held_out(own, pooled)) is not None:
                    entry["reliability"] = asdict(found_to_be)
            found.append(entry)
    return found


def blend(own: Sequence[Sample], pooled: Sequence[Sample]) -> Blend:
    """The curve of a mode. pooled: all samples of the detector, this mode's among them."""
    return Blend(_fit(own), _fit(pooled), len(own) / (len(own) + SHRINKAGE))


def _fit(known: Sequence[Sample]) -> Platt | Isotonic:
    kind: Callable[[Sequence[float], Sequence[bool]], Platt | Isotonic]
    kind = Platt.fit if len(known) < ISOTONIC_FROM else Isotonic.fit
    return kind([item.score for item in known], [item.right for item in known])


def held_out(own: Sequence[Sample], pooled: Sequence[Sample]) -> metrics.Reliability | None:
    """How reliable the probabilities are on runs that the curve was not learnt from. None for a single run."""
    numbers = list(dict.fromkeys(item.cluster for item in own))
    probabilities: list[float] = []
    right: list[bool] = []
    for fold in range(min(FOLDS, len(numbers))):
        out = set(numbers[fold::FOLDS])
        rest = [item for item in own if item.cluster not in out]
        if rest:
            curve = blend(rest, [item for item in pooled if item.cluster not in out])
            mine = [item for item in own if item.cluster in out]
            probabilities += [curve(item.score) for item in mine]
            right += [item.right for item in mine]
    return metrics.reliability(probabilities, right)


def apply(store: Store, calibration: Calibration) -> int:
    """Give every suggestion in the database the probability that it has now; how many changed."""
    changed: list[tuple[str, str, str, str]] = []
    for run, key, text in store.query("SELECT run, id, data FROM suggestion"):
        data = orjson.loads(text)
        mode = f"{data['mode']}@{data['codebook']['id']}"
        probability = calibration.probability(data["detector"], data["version"], mode, data["score"])
        if probability != data["probability"]:
            changed.append((orjson.dumps({**data, "probability": probability}).decode(), str(run), str(key), text))
    for start in range(0, len(changed), _AT_ONCE):
        with store.write("NORMAL") as tx:
            tx.many(
                "UPDATE suggestion SET data = ? WHERE run = ? AND id = ? AND data = ?",
                changed[start : start + _AT_ONCE],
            )
    return len(changed)
