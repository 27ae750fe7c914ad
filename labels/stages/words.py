"""Stages in words: for reviewers, and for the brief that the agent gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from labels.stages.model import Stages

if TYPE_CHECKING:
    from labels.stages.check import Move


def names(found: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    items = list(found)
    return " or ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def state(stages: Stages, move: Move) -> str:
    """Where the run is and what it asks: `stage build (2 of 3)`, `from stage build to test`."""
    here, there = stages.stages[move.start], stages.stages[move.end]
    if move.start == move.end:
        return f"stage {here.name} ({move.start + 1} of {len(stages.stages)})"
    return f"from stage {here.name} to {there.name}" + (", back" if move.end < move.start else "")


def brief(
    stages: Stages, start: int, end: int, left: Sequence[str], left_there: Sequence[str] | None, *, final: bool
) -> dict[str, list[str]]:
    """The lines of the brief, as the decision goes. left: what the stage at `start` has yet to show; left_there: the
    one at `end`, None where that is the same."""
    beginning = [item.words for item in stages.stages[0].shows]
    after = _lines(stages, end, left if left_there is None else left_there)
    return {
        "approve": [] if final else after,
        "otherwise": _lines(stages, start, left),
        "beginning": _lines(stages, 0, beginning),
    }


def _lines(stages: Stages, place: int, left: Sequence[str]) -> list[str]:
    stage = stages.stages[place]
    lines = [f"The run is in stage {stage.name} ({place + 1} of {len(stages.stages)}). {stage.about}".strip()]
    last = place == len(stages.stages) - 1
    goal = "the run may end" if last else f"stage {stages.stages[place + 1].name}"
    if left:
        lines.append(f"Before {goal} it must still show:")
        lines += [f"- {item}" for item in left]
    else:
        lines.append(f"It has shown what it must before {goal}.")
    lines.append(
        "Name the stage at every gate." + ("" if last else " Ask for the next one at a gate, before its steps.")
    )
    return lines
