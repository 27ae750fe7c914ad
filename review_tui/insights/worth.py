"""What a review buys for a system: its steps' success as reviewed here, and the curve over the distance of reviews."""

from __future__ import annotations

import math

from labels.planning.choice import Point
from labels.planning.systems import SystemPlan
from review_tui.insights.drawing import Canvas, PageRow
from review_tui.insights.words import View, blank, heading, percent, wrapped
from review_tui.sanitize import short


def rows(view: View) -> list[PageRow]:
    found: list[PageRow] = [
        (None, [(" What a review every few steps buys", "strong"), None, ("n next system ", "faint")])
    ]
    if view.plans is None:
        return [*found, (None, [(" calculating …", "faint")])]
    if not view.plans:
        return found + wrapped(
            "No system has a reviewed chunk that you may know of yet. Decide on some chunks (a approves, r rolls back):"
            " the success of a step is learned from them. `review-tui plan --steps 20 --success 0.95` calculates with"
            " figures of your own.", view.width, "text",
        )  # fmt: skip
    chosen = view.plans[view.plan % len(view.plans)]
    found += [_system(item, item is chosen, view.width) for item in view.plans]
    return found + _chosen(view, chosen)


def _system(item: SystemPlan, chosen: bool, width: int) -> PageRow:
    label = 22 if width < 110 else 40
    known = item.estimate
    step = f"step {percent(known.success)} ({known.low * 100:.0f}–{known.high * 100:.0f})"
    rests = f"{known.chunks:,} chunks" + (", yours" if known.own else "")
    odds = f"alone {percent(item.alone.right)}, reviewed {percent(item.reviewed.right)}"
    name = short(item.system, label) or "(not said)"
    return f"plan:{item.system}", [
        ("▶ " if chosen else "  ", "accent"), (f"{name:<{label}}", "strong" if chosen else "text"),
        (f" {step:<20}", "text"), (f"{rests:<18}" if width >= 90 else "", "faint"), None, (f"{odds} ", "text"),
    ]  # fmt: skip


def _chosen(view: View, item: SystemPlan) -> list[PageRow]:
    known, plan = item.estimate, item.plan
    low, high = known.low**plan.steps, known.high**plan.steps
    said = (
        f"{short(item.system, 60) or 'These runs'}: half of its {item.runs:,} runs have {plan.steps:,} steps or more."
        f" If a step is right in {percent(known.success)} ({known.low:.0%}–{known.high:.0%}, {known.chunks:,} reviewed"
        f" chunks of {known.runs:,} runs), {percent(item.alone.right)} ({percent(low)}–{percent(high)}) come out right"
        f" alone, and {percent(item.reviewed.right)} with a review every {plan.chunk} steps by somebody who sees"
        f" {plan.catch:.0%} of errors."
    )
    found = [blank(), *wrapped(said, view.width, "text")]
    cheapest, surest = item.choice.cheapest, item.choice.surest
    if math.isinf(cheapest.outcome.cost_per_right):
        return found + wrapped("At this success of a step no distance between reviews helps.", view.width, "warn")
    found += _curve(view, item)
    told = (
        f"c cheapest: every {cheapest.chunk:,} steps (cost {cheapest.outcome.cost_per_right:,.0f} for each right"
        f" result, if a step and a review cost 1); s surest: every {surest.chunk:,} ({percent(surest.outcome.right)});"
        f" y yours: every {plan.chunk:,}."
    )
    return [*found, *wrapped(told, view.width)]


def _curve(view: View, item: SystemPlan) -> list[PageRow]:
    """How often a task ends right, over the size of a chunk: braille dots, with letters at the sizes that matter."""
    points = item.choice.curve
    width, height = max(20, min(110, view.width - 14)), max(5, min(14, view.height - 13 - len(view.plans or ())))
    canvas = Canvas(width, height)
    most = max(point.chunk for point in points)

    def place(point: Point) -> tuple[float, float]:
        return _across(point.chunk, most), point.outcome.right

    canvas.line([place(point) for point in points])
    yours = min(item.plan.chunk, item.plan.steps)
    marks = [(item.choice.surest.chunk, "s"), (yours, "y"), (item.choice.cheapest.chunk, "c")]
    for chunk, letter in marks:
        point = next((point for point in points if point.chunk == chunk), None)
        if point is not None:
            canvas.letter(*place(point), letter, "mark")
    found = [blank(), heading("TASKS THAT END RIGHT, BY STEPS BETWEEN REVIEWS")]
    drawn = canvas.rows()
    for number, pieces in enumerate(drawn):
        share = {0: "100%", height // 2: "50%", height - 1: "0%"}.get(number, "")
        found.append((None, [(f"{share:>6} ", "faint"), ("┤" if share else "│", "faint"), *pieces]))
    found.append((None, [("       └", "faint"), ("─" * width, "faint")]))
    return [*found, (None, [("        ", "faint"), (_axis(most, width), "faint")])]


def _across(chunk: int, most: int) -> float:
    """Long tasks have a scale by ratio: the small sizes are where the curve bends."""
    if most <= 1:
        return 0.0
    return math.log(chunk) / math.log(most) if most > 30 else (chunk - 1) / (most - 1)


def _axis(most: int, width: int) -> str:
    cells = [" "] * (width + 6)
    for chunk in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000):
        if chunk > most:
            break
        at = round(_across(chunk, most) * (width - 1))
        text = str(chunk)
        if all(cell == " " for cell in cells[max(0, at - 1) : at + len(text) + 1]):
            cells[at : at + len(text)] = text
    return "".join(cells)
