"""`review-tui plan`: what a review of every few steps buys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError, UserError

if TYPE_CHECKING:
    from labels.planning.systems import SystemPlan

UNLIMITED = "unlimited"


class Rate(click.ParamType[float]):
    """A probability: 0.95 or 95%. Whether it lies between 0 and 1 is the plan's to say."""

    name = "probability"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            return float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            self.fail(f"{text!r} is not a number such as 0.95 or 95%.", param, ctx)


class Retries(click.ParamType["int | None"]):
    """A whole number, or `unlimited` (None)."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value == UNLIMITED:
            return None
        try:
            return int(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a whole number nor {UNLIMITED!r}.", param, ctx)


@click.command("plan")
@click.option("--steps", type=int, metavar="N", help="Steps of the task.")
@click.option("--success", type=Rate(), metavar="P", help="Chance that a step comes out right.")
@click.option(
    "--system",
    type=WORDS,
    metavar="NAME",
    help="Take both from this system's runs: the median of their steps, and what reviews of them say of a step.",
)
@click.option("--chunk", type=int, default=5, show_default=True, metavar="N", help="Steps between reviews.")
@click.option(
    "--catch",
    type=Rate(),
    default="0.9",
    show_default=True,
    metavar="P",
    help="Chance that the reviewer sees the error in a wrong chunk.",
)
@click.option(
    "--late-catch",
    type=Rate(),
    default="0",
    show_default=True,
    metavar="P",
    help="Chance, at each later review, that an error missed before is still seen.",
)
@click.option(
    "--false-alarm",
    type=Rate(),
    default="0",
    show_default=True,
    metavar="P",
    help="Chance that a right chunk is sent back.",
)
@click.option(
    "--retries",
    type=Retries(),
    default="2",
    show_default=True,
    metavar="N",
    help="How often a chunk may be done again, or `unlimited`.",
)
@click.option("--step-cost", type=float, default=1, show_default=True, metavar="X", help="Cost of doing a step.")
@click.option("--review-cost", type=float, default=1, show_default=True, metavar="X", help="Cost of a review.")
@click.option(
    "--read-cost",
    type=float,
    default=0,
    show_default=True,
    metavar="X",
    help="Cost of each step read in a review, besides.",
)
@click.option(
    "--wrong-cost",
    type=float,
    default=0,
    show_default=True,
    metavar="X",
    help="Damage of a task that ends wrong and unnoticed.",
)
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    steps: int | None,
    success: float | None,
    system: str | None,
    chunk: int,
    catch: float,
    late_catch: float,
    false_alarm: float,
    retries: int | None,
    step_cost: float,
    review_cost: float,
    read_cost: float,
    wrong_cost: float,
    as_json: bool,
) -> None:
    """Calculate what a review after every few steps buys: how often a task ends right, at what cost, and which
    distance between reviews is the best one. Costs are in any one unit, such as minutes."""
    from labels.planning.model import Costs, Plan
    from review_tui.cli import plan_report

    learned = _learned(ctx, system) if system is not None else None
    if learned is not None:
        steps = learned.plan.steps if steps is None else steps
        success = learned.plan.success if success is None else success
    if steps is None or success is None:
        lacking = " and ".join(name for name, value in (("--steps", steps), ("--success", success)) if value is None)
        raise UsageError(f"{lacking}: not given.", "Give both, or --system to take them from its reviewed runs.")
    plan = Plan(
        steps,
        success,
        chunk,
        catch,
        late_catch,
        false_alarm,
        retries,
        Costs(step_cost, review_cost, read_cost, wrong_cost),
    )
    report = plan_report.made(plan, learned)
    if as_json:
        output.emit("plan", plan_report.document(report))
    else:
        plan_report.show(report)


def _learned(ctx: click.Context, name: str) -> SystemPlan:
    """What reviews say of a system. Raises UserError where there is none, or nobody has reviewed a chunk of it."""
    from labels.planning.systems import by_system
    from sessions import catalog

    given = settings(ctx)
    store = given.store(ctx)
    systems = {run.system or "" for run in catalog.runs(store)}
    fits = [item for item in systems if item == name] or [
        item for item in systems if item.casefold() == name.casefold()
    ]
    if not fits:
        known = ", ".join(sorted(filter(None, systems))[:8]) or "no run says what made it"
        raise UserError(f"there is no run of a system {name!r:.60}.", f"Known: {known}.")
    found = by_system(store, fits[:1], given.reviewer_name())
    if not found:
        raise UserError(f"no reviewed chunk of {fits[0]!r:.60} counts yet.", "Decide on some, or give --success.")
    return found[0]
