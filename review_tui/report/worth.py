"""The section on what review buys: the arithmetic of stages, with the success of a step as reviews have shown it."""

from __future__ import annotations

from collections.abc import Sequence

from labels.planning.choice import choose
from labels.planning.estimate import Estimate
from labels.planning.model import Plan, success_per_chunk, with_review, without_review
from labels.planning.systems import SystemPlan
from review_tui.report import charts
from review_tui.report.parts import figure, table
from review_tui.report.words import percent, safe
from review_tui.words import counted


def worth(systems: Sequence[SystemPlan]) -> str:
    """systems: those that were reviewed; without any, the usual example is calculated and called that."""
    if not systems:
        plan = Plan()
        said = (
            f"No chunk of these systems has been reviewed by steps yet, so this is an example: at "
            f"{percent(plan.success)} a step, {plan.steps} steps succeed in {percent(without_review(plan).right)} "
            f"of the runs, and a chunk of {plan.chunk} in {percent(success_per_chunk(plan))}."
        )
        return f"<p>{said}</p>{_curve(plan, 'the example')}"
    first = max(systems, key=lambda item: item.estimate.chunks)
    return f"{_assumed(first.plan)}{_table(systems)}{_curve(first.plan, first.system or 'runs that name no system')}"


def _assumed(plan: Plan) -> str:
    return (
        f"<p>The success of a step is estimated from the chunks that were reviewed. A review after every {plan.chunk} "
        f"steps is assumed to see {percent(plan.catch)} of the errors, and a chunk to be done again at most "
        f"{plan.retries} times.</p>"
    )


def _table(systems: Sequence[SystemPlan]) -> str:
    head = ["system", "success of a step", "steps of a run", "right without review", "right with review", "best chunk"]
    rows = (
        [
            safe(item.system) or "(not said)",
            _success(item.estimate),
            f"{item.plan.steps:,}",
            percent(item.alone.right),
            percent(item.reviewed.right),
            f"{item.choice.cheapest.chunk:,} steps",
        ]
        for item in systems
    )
    return table(head, rows, 2)


def _success(item: Estimate) -> str:
    interval = f"{item.low * 100:.1f}\u2013{item.high * 100:.1f}"
    return f"{item.success * 100:.1f} % ({interval}), {counted(item.chunks, 'chunk')}"


def _curve(plan: Plan, whose: str) -> str:
    found = choose(plan)
    points = [(float(point.chunk), point.outcome.right) for point in found.curve]
    here = with_review(plan).right
    noted = [(float(min(plan.chunk, plan.steps)), here, f"every {plan.chunk}: {percent(here)}")]
    if points[-1][0] > plan.chunk:
        noted.append((points[-1][0], points[-1][1], f"once, at the end: {percent(points[-1][1])}"))
    caption = (
        f"How often {plan.steps:,} steps end right, by how many steps are reviewed at a time ({safe(whose)}). Without "
        f"any review: {percent(without_review(plan).right)}. Cheapest for each right result: every "
        f"{found.cheapest.chunk:,} steps, where a review costs as much as a step."
    )
    return figure(charts.curve(points, "Right results by size of chunk", "steps to a chunk", noted), caption)
