"""What a review buys for a system: its steps' success as reviewed here, and the curve over the distance of reviews."""

from __future__ import annotations

import math
from collections.abc import Callable

from labels.planning.systems import SystemPlan
from review_tui.insights.drawing import Canvas, PageRow
from review_tui.insights.words import View, blank, percent, wrapped
from review_tui.sanitize import short
from review_tui.words import counted


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
    chosen = view.plan % len(view.plans)
    return found + _systems(view, view.plans, chosen) + _chosen(view, view.plans[chosen])


def _systems(view: View, plans: list[SystemPlan], chosen: int) -> list[PageRow]:
    """As many as leave room for the curve, the chosen one among them."""
    room = len(plans) if len(plans) <= 4 else max(4, min(len(plans), view.height - 26))
    start = max(0, min(chosen - room // 2, len(plans) - room))
    found = [
        _system(item, start + place, start + place == chosen, view.width)
        for place, item in enumerate(plans[start : start + room])
    ]
    if room < len(plans):
        found.append((None, [(f"   … {len(plans) - room:,} more", "faint")]))
    return found


def _system(item: SystemPlan, place: int, chosen: bool, width: int) -> PageRow:
    label = 22 if width < 110 else 40
    known = item.estimate
    step = f"step {percent(known.success)} ({known.low * 100:.0f}–{known.high * 100:.0f})"
    rests = counted(known.chunks, "chunk") + (", yours" if known.own else "")
    odds = f"alone {percent(item.alone.right)}, reviewed {percent(item.reviewed.right)}"
    name = short(item.system, label) or "(not said)"
    pieces: list[tuple[str, str] | None] = [
        ("▶ " if chosen else "  ", "accent"), (f"{name:<{label}}", "strong" if chosen else "text"),
        (f" {step:<20}", "text"), (f"{rests:<22}" if width >= 90 else "", "faint"),
    ]  # fmt: skip
    if width < 110:
        pieces.append(None)
    return f"plan:{place}", [*pieces, (f"{odds} ", "text")]


def _chosen(view: View, item: SystemPlan) -> list[PageRow]:
    known, plan = item.estimate, item.plan
    low, high = known.low**plan.steps, known.high**plan.steps
    said = (
        f"{short(item.system, 60) or 'These runs'}: half of its {counted(item.runs, 'run')} have"
        f" {counted(plan.steps, 'step')} or more."
        f" If a step is right in {percent(known.success)} ({known.low:.0%}–{known.high:.0%},"
        f" {counted(known.chunks, 'reviewed chunk')} of {counted(known.runs, 'run')}),"
        f" {percent(item.alone.right)} ({percent(low)}–{percent(high)}) come out right"
        f" alone, and {percent(item.reviewed.right)} with a review every {plan.chunk} steps by somebody who sees"
        f" {plan.catch:.0%} of errors."
    )
    found = [blank(), *wrapped(said, view.width, "text")]
    cheapest, surest = item.choice.cheapest, item.choice.surest
    if math.isinf(cheapest.outcome.cost_per_right):
        return found + wrapped("At this success of a step no distance between reviews helps.", view.width, "warn")
    found += _curves(view, item)
    told = (
        f"Surest: every {_steps(surest.chunk)}, {percent(surest.outcome.right)} end right. Cheapest: every"
        f" {_steps(cheapest.chunk)}, {cheapest.outcome.cost_per_right:,.0f} for each right result, if a step and a"
        f" review cost 1 each. Yours: every {_steps(plan.chunk)}. `review-tui plan` takes your own costs."
    )
    return [*found, *wrapped(told, view.width)]


def _steps(count: int) -> str:
    return "step" if count == 1 else f"{count:,} steps"


def _curves(view: View, item: SystemPlan) -> list[PageRow]:
    """How often a task ends right, and what each right result costs, over the size of a chunk: braille dots, with
    letters at the sizes that matter."""
    points = item.choice.curve
    right = [point.outcome.right for point in points]
    low = math.floor(min(right) * 10) / 10
    costs = [point.outcome.cost_per_right for point in points]
    top = min(max(costs), 4 * min(costs))  # sizes that cost many times the cheapest would press the rest flat
    return [
        *_plot(view, item, "TASKS THAT END RIGHT, BY STEPS BETWEEN REVIEWS", right, (low, 1.0), lambda y: f"{y:.0%}"),
        *_plot(view, item, "COST OF EACH RIGHT RESULT", costs, (0.8 * min(costs), top),
               lambda y: f"{y:,.0f}"),
    ]  # fmt: skip


def _plot(
    view: View, item: SystemPlan, title: str, values: list[float], ends: tuple[float, float],
    words: Callable[[float], str],
) -> list[PageRow]:  # fmt: skip
    points, (low, high) = item.choice.curve, ends
    width, height = max(20, min(110, view.width - 14)), max(5, min(12, (view.height - 12) // 2))
    canvas = Canvas(width, height)
    most = max(point.chunk for point in points)
    dots = {
        point.chunk: (_across(point.chunk, most), (value - low) / (high - low) if high > low else 1.0)
        for point, value in zip(points, values, strict=True)
    }
    canvas.line([dot for dot in dots.values() if dot[1] <= 1.0])
    yours = min(item.plan.chunk, item.plan.steps)
    for chunk, letter in ((item.choice.surest.chunk, "s"), (item.choice.cheapest.chunk, "c"), (yours, "y")):
        if chunk in dots:
            canvas.letter(*dots[chunk], letter, "mark")
    legend = [("s", "mark"), (" surest  ", "faint"), ("c", "mark"), (" cheapest  ", "faint"), ("y", "mark"),
              (" yours ", "faint")]  # fmt: skip
    found: list[PageRow] = [blank(), (None, [(f" {title}", "heading"), None, *legend])]
    for number, pieces in enumerate(canvas.rows()):
        at = {0: high, height // 2: (low + high) / 2, height - 1: low}.get(number)
        found.append((None, [(f"{'' if at is None else words(at):>6} ", "faint"), ("│" if at is None else "┤", "faint"),
                             *pieces]))  # fmt: skip
    found.append((None, [("       └", "faint"), ("─" * width, "faint")]))
    return [*found, (None, [("        ", "faint"), (_axis(most, width), "faint")])]


def _across(chunk: int, most: int) -> float:
    """Long tasks have a scale by ratio: the small sizes are where the curve bends."""
    if most <= 1:
        return 0.0
    return math.log(chunk) / math.log(most) if most > 30 else (chunk - 1) / (most - 1)


def _axis(most: int, width: int) -> str:
    cells = [" "] * (width + 6)
    for chunk in (most, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000):
        if chunk > most:
            break
        at = round(_across(chunk, most) * (width - 1))
        text = str(chunk)
        if all(cell == " " for cell in cells[max(0, at - 1) : at + len(text) + 1]):
            cells[at : at + len(text)] = text
    return "".join(cells)
