"""Carrying a plan out from the command line; shared by `restore` and `undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.workspace.common import restore_json, restore_lines
from review_tui.cli.workspace.planned import Choices, plan_json, plan_lines, resolved

if TYPE_CHECKING:
    from sessions.workspace.plan import Plan
    from sessions.workspace.snapshots import Snapshots


def carry_out(
    snapshots: Snapshots,
    plan: Plan,
    chosen: Choices,
    *,
    expect: str | None,
    yes: bool,
    as_json: bool,
    what: str,
) -> int:
    """Show a plan, or do it with `yes`; the exit code. what: `restore` or `undo`."""
    choices, outcome = resolved(plan, chosen)
    if not yes:
        if as_json:
            _emit(what, {"done": False, "plan": plan_json(plan, outcome), "restore": None})
        else:
            plan_lines(plan, outcome)
        output.note("review-tui: nothing was changed. --yes does it.")
        return FAILED
    info = snapshots.apply(plan, choices, conflicts=chosen.conflicts, expect=expect)
    if as_json:
        _emit(what, {"done": True, "plan": plan_json(plan, outcome), "restore": restore_json(info)})
    else:
        restore_lines(info)
        output.line(f"`review-tui workspace undo {info.id[:12]}` takes it back.")
    return DONE if info.complete else FAILED


def _emit(what: str, content: dict[str, object]) -> None:
    if what == "restore":
        output.emit("workspace-restore", content)
    else:
        output.emit("workspace-undo", content)
