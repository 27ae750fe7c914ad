"""What review buys for each system: its steps' success by its own reviews, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from labels.planning.choice import Choice, choose
from labels.planning.estimate import Estimate
from labels.planning.model import MOST_STEPS, Outcome, Plan, with_review, without_review
from labels.planning.reviews import SystemReviews
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """runs: in the store, complete ones. plan: its steps are the median of theirs, its success the estimate's. alone,
    reviewed: what becomes of a task of that length without review and with one after every `plan.chunk` steps."""

    system: str
    runs: int
    estimate: Estimate
    plan: Plan
    alone: Outcome
    reviewed: Outcome
    choice: Choice


def by_system(
    store: Store,
    systems: Sequence[str],
    reviewer: str,
    assumed: Plan | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[SystemPlan]:
    """For those of the systems ("" for runs that name none) that somebody has reviewed. assumed: all but steps and
    success; the usual plan if None. progress: told before each system how many are done, of how many; what it raises
    ends the calculation."""
    runs: dict[str, list[RunInfo]] = {name: [] for name in systems}
    for run in catalog.runs(store):
        if run.complete and run.steps and (run.system or "") in runs:
            runs[run.system or ""].append(run)
    found = []
    for done, (system, own) in enumerate(runs.items()):
        if progress is not None:
            progress(done, len(runs))
        if own and (estimate := SystemReviews(store, own[-1], reviewer).read()).chunks:
            found.append(_plan(system, own, estimate, assumed or Plan()))
    return found


def _plan(system: str, runs: list[RunInfo], estimate: Estimate, assumed: Plan) -> SystemPlan:
    steps = min(MOST_STEPS, round(median(run.steps for run in runs)))
    plan = replace(assumed, steps=steps, success=estimate.success)
    return SystemPlan(system, len(runs), estimate, plan, without_review(plan), with_review(plan), choose(plan))
