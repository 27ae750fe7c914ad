"""Agreement as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labels.agreement import Agreement
    from labels.agreement.modes import Figures
    from labels.agreement.steps import StepFigures

_ESTIMATES = ("raw", "cohen", "fleiss", "alpha", "ac1", "pabak", "prevalence")


def document(found: Agreement) -> dict[str, Any]:
    """Everything that was computed."""
    from labels.agreement.anchoring import overall

    return {
        "votes": found.votes, "units": found.units, "runs": found.runs,
        "modes": [_figures(item) for item in found.modes],
        "overall": [_figures(item) for item in found.codebooks],
        "verdicts": _figures(found.verdicts) if found.verdicts else None,
        "steps": {
            "by_mode": [_steps(item) for item in found.steps],
            "decisive": [_steps(item) for item in found.decisive],
            "decisive_counted": dict(sorted(found.decisive_counted.items())),
        },
        "reviewers": [
            {
                "reviewer": item.name, "votes": item.votes, "compared": item.compared, "agreed": _r(item.agreed),
                "kappa": _r(item.kappa), "precision": _r(item.precision), "recall": _r(item.recall),
                "sensitivity": _r(item.sensitivity), "specificity": _r(item.specificity),
            }
            for item in found.reviewers
        ],
        "pairs": [
            {
                "reviewers": [item.first, item.second], "judgements": item.judgements, "agreed": _r(item.agreed),
                "kappa": _r(item.kappa),
            }
            for item in found.pairs
        ],
        "consensus": [
            {
                "codebook": item.codebook, "mode": item.mode, "units": item.units, "majority": item.majority,
                "ties": item.ties, "dawid_skene": item.dawid_skene, "dawid_skene_prevalence": _r(item.share),
                "differ": item.differ,
            }
            for item in found.consensus
        ],
        "repeats": [
            {
                "reviewer": item.name, "chunks": item.chunks, "verdicts": item.verdicts,
                "verdicts_same": item.verdicts_same, "judgements": item.modes, "judgements_same": item.modes_same,
                "kappa": _r(item.kappa),
            }
            for item in found.repeats
        ],
        "anchoring": [
            {
                "reviewer": item.reviewer, "codebook": item.codebook or None, "mode": item.mode or None,
                "blind_first": item.blind, "labelled_before": item.before, "labelled_after": item.after,
                "taken_up": item.taken_up, "dropped": item.dropped, "shift": _r(item.shift),
                "shown_from_the_start": item.shown, "labelled_at_sight": item.labelled, "pull": _r(item.pull),
            }
            for item in [*overall(found.anchoring), *found.anchoring]
        ],
        "weighted": found.weighted,
        "left_out": [{"reason": reason, "count": count} for reason, count in sorted(found.left_out.items())],
        "notes": found.notes,
    }  # fmt: skip


def _figures(item: Figures) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": item.name, "codebook": item.codebook or None, "mode": item.mode or None, "units": item.units,
        "units_by_two": item.paired, "reviewers": item.raters, "yes": item.yes, "judgements": item.judgements,
        **{name: getattr(item, name).json() for name in _ESTIMATES},
    }  # fmt: skip
    if item.mode == "verdict":
        del data["prevalence"]
    if item.set_alpha is not None:
        data["set_alpha"] = item.set_alpha.json()
        data["modes_pooled"] = item.pooled_modes
    if item.weighted_prevalence is not None:
        data["weighted_prevalence"] = _r(item.weighted_prevalence)
    return data


def _steps(item: StepFigures) -> dict[str, Any]:
    return {
        "name": item.name, "codebook": item.codebook or None, "mode": item.mode or None, "pairs": item.pairs,
        "exact": item.exact, "within": {str(most): item.within[most] for most in (1, 2, 5)}, "span_iou": _r(item.iou),
        "agents": item.agents, "same_agent": item.agent, "step_among_labels": item.hit if item.iou is None else None,
    }  # fmt: skip


def _r(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
