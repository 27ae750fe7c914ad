"""Chunk policies for a run that is not over: whether the steps since the last gate make a chunk.

The policies are those of `sessions.chunks`. One that closes behind a step (`every`, `tokens`, `effects`, `marker`) is
due as soon as that step is there; one that begins with a step (`turn`, `handoff`, `declared`) when the next one is.
"""

from __future__ import annotations

from collections.abc import Sequence

from sessions.catalog import StepIndex
from sessions.chunks import Policy, cut
from sessions.errors import UsageError
from sessions.run import Step
from sessions.writing import flags_of


def policy_for_gates(text: str) -> Policy:
    """The policy, if gates can be opened by it. Raises UsageError."""
    policy = Policy.parse(text)
    if policy.kind == "gates":
        raise UsageError("the policy `gates` tells how a run was gated: gates cannot be opened by it.", "Try every:5.")
    return policy


def is_due(policy: Policy, steps: Sequence[Step]) -> bool:
    """Whether these steps, the first being the first of its chunk, close a chunk."""
    if not steps:
        return False
    rows = [_row(place, step) for place, step in enumerate(steps)]
    last = rows[-1]
    # One step more, that is like the last in all that opens a chunk: it opens one only if the last has closed one.
    rows.append(StepIndex(len(rows), "", last.actor, "agent", 0, last.depth, 0, last.stage))
    return len(cut(policy, rows, lambda index: "\n".join(part.text for part in steps[index].parts))) > 1


def _row(place: int, step: Step) -> StepIndex:
    chars = sum(len(part.text) for part in step.parts) + max(0, len(step.parts) - 1)
    return StepIndex(place, "", step.actor, step.role, flags_of(step), step.depth, chars, step.stage)
