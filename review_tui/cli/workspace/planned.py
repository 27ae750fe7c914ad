"""Plans on the command line: choices among conflicts, and a plan as text and JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from review_tui.cli import output
from review_tui.cli.workspace.common import (
    chosen_path,
    counts_text,
    databases_json,
    databases_lines,
    paths_lines,
    size_text,
    text_of,
)

if TYPE_CHECKING:
    from sessions.workspace.differences import Change
    from sessions.workspace.plan import Choice, Plan, Resolved

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choices:
    """What to do with conflicts: the rule, and the paths for which something else was said, as they were written."""

    conflicts: Choice
    by_path: dict[Choice, tuple[str, ...]]


def choice_options(command: F) -> F:
    """--conflicts, --take, --keep and --both, given to the command as `choices`."""

    @wraps(command)
    def with_choices(
        *args: Any,
        conflicts: Choice,
        keep: tuple[str, ...],
        take: tuple[str, ...],
        both: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        chosen = Choices(conflicts, {"keep": keep, "take": take, "both": both})
        return command(*args, choices=chosen, **kwargs)

    paths = {"both": "Keep PATH, and write the snapshot's version beside it.", "keep": "Keep PATH as it is now.",
             "take": "Restore PATH, whoever changed it."}  # fmt: skip
    for name, text in paths.items():
        click.option(f"--{name}", multiple=True, metavar="PATH", help=f"{text} Repeatable.")(with_choices)
    text = "What to do with what somebody else changed since the run's last snapshot."
    click.option(
        "--conflicts", type=click.Choice(["keep", "take", "both"]), default="keep", show_default=True, help=text
    )(with_choices)
    return cast("F", with_choices)


def resolved(plan: Plan, chosen: Choices) -> tuple[dict[str, Choice], Resolved]:
    """The choices by path, and what they lead to. Raises UsageError for a path that cannot be one."""
    known = {text_of(change.path): change.path for change in plan.changes}
    choices: dict[str, Choice] = {}
    for choice, paths in chosen.by_path.items():
        for text in paths:
            path = chosen_path(text)
            choices[known.get(path or ".", path)] = choice
    return choices, plan.resolved(choices, chosen.conflicts)


def plan_json(plan: Plan, outcome: Resolved) -> dict[str, Any]:
    return {
        "workspace": text_of(str(plan.workspace)), "snapshot": plan.snapshot.id, "run": plan.run or None,
        "undoes": plan.undoes,
        "changes": [_change_json(change, outcome) for change in plan.changes if not change.implied],
        "counts": plan.counts, "conflicts": len(plan.conflicts),
        "not_touched": [{"path": text_of(path), "reason": reason} for path, reason in plan.alone.items()],
        "open_databases": databases_json(plan.open_databases),
        "outcome": {
            "counts": dict(outcome.counts), "bytes": outcome.bytes, "kept": [text_of(path) for path in outcome.kept],
            "beside": [{"path": text_of(path), "written": text_of(name)} for path, name in outcome.beside.items()],
            "notes": list(outcome.notes), "fingerprint": outcome.fingerprint,
        },
    }  # fmt: skip


def _change_json(change: Change, outcome: Resolved) -> dict[str, Any]:
    return {
        "path": text_of(change.path), "action": change.action, "conflict": change.conflict, "bytes": change.size,
        "happens": change.path in outcome.final,
    }  # fmt: skip


def plan_lines(plan: Plan, outcome: Resolved) -> None:
    """A plan for people: the sum, then path by path, then what it leaves alone."""
    output.line(f"back to snapshot {plan.snapshot.id[:12]} of {plan.snapshot.at} in {plan.workspace}:")
    output.line(f"{counts_text(outcome.counts)} ({size_text(outcome.bytes)} to write)")
    listed = [change for change in plan.changes if not change.implied]
    paths_lines((_change_line(change, outcome) for change in listed), len(listed))
    if plan.conflicts:
        conflicts = output.count(len(plan.conflicts), "path")
        output.line(
            f"{conflicts} changed by somebody else since the run's last snapshot (marked !): --conflicts, --take,"
        )
        output.line("  --keep and --both choose what to do with them.")
    if plan.alone:
        output.line(f"not touched: {output.count(len(plan.alone), 'path')} that differ")
        paths_lines((f"{text_of(path)}: {reason}" for path, reason in plan.alone.items()), len(plan.alone))
    databases_lines(plan.open_databases)
    for text in outcome.notes:
        output.line(f"note: {text}")


def _change_line(change: Change, outcome: Resolved) -> str:
    mark = "!" if change.conflict else " "
    if change.path in outcome.final:
        return f"{mark} {change.action:8}  {text_of(change.path)}"
    beside = outcome.beside.get(change.path)
    more = f"; the snapshot's version goes to {text_of(beside)}" if beside else ""
    return f"{mark} {'keep':8}  {text_of(change.path)} (not: {change.action}{more})"
