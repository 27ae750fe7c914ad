"""`review-tui plan`: what a review of every few steps buys."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import json_option

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
@click.option("--steps", type=int, required=True, metavar="N", help="Steps of the task.")
@click.option("--success", type=Rate(), required=True, metavar="P", help="Chance that a step comes out right.")
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
@click.option("--step-cost", type=float, default=1.0, show_default=True, metavar="X", help="Cost of doing a step.")
@click.option("--review-cost", type=float, default=1.0, show_default=True, metavar="X", help="Cost of a review.")
@click.option(
    "--read-cost",
    type=float,
    default=0.0,
    show_default=True,
    metavar="X",
    help="Cost of each step read in a review, besides.",
)
@click.option(
    "--wrong-cost",
    type=float,
    default=0.0,
    show_default=True,
    metavar="X",
    help="Damage of a task that ends wrong and unnoticed.",
)
@json_option
def command(
    steps: int,
    success: float,
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

    plan = Plan(
        steps, success, chunk, catch, late_catch, false_alarm, retries,
        Costs(step_cost, review_cost, read_cost, wrong_cost),
    )  # fmt: skip
    report = plan_report.made(plan)
    if as_json:
        output.emit("plan", plan_report.document(report))
    else:
        plan_report.show(report)
