"""The check of stages at every gate (entry point `review_tui.gate_checks`): where the run stands, what is missing.

It says nothing of runs without stages. What is missing holds the gate, one reason each, under the rule
`stage:NAME:REQUIREMENT`; a person may approve all the same, with words (`sessions.live.conditions`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from labels.stages import words
from labels.stages.evidence import file_there, made, shown_by
from labels.stages.inforce import Declared, StagesError, stages_for
from labels.stages.model import Requirement, Stage
from labels.stages.standing import FACTS, RULES, Standing, had_stages, has_stages, standing
from sessions.errors import UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.live.conditions import APPROVAL

#: The rule that holds where the stages cannot be known.
UNUSABLE = "stage:unusable"
_RISK, _UNUSABLE_RISK = 0.55, 0.7
#: Steps before a gate among which a call may stand whose result came after it.
_CALLS_BEFORE = 3


class Missing(NamedTuple):
    """What keeps a run from going on. what: the last part of the rule's id. unless: whose approval would meet it."""

    what: str
    reason: str
    unless: str | None = None


class Move(NamedTuple):
    """What a gate asks: from a stage to a stage, both known. leaves: the stages whose requirements are due. missing:
    what is wrong with the move itself."""

    start: int
    end: int
    leaves: tuple[int, ...]
    missing: tuple[Missing, ...]


def check(context: CheckContext) -> list[CheckResult]:
    """What the stages say of a gate."""
    return judge(context, time.time())


def judge(context: CheckContext, now: float) -> list[CheckResult]:
    """The same at a given time, in seconds since 1970."""
    store, run = context.store, context.run
    try:
        declared = stages_for(context.name, context.agent, context.workspace)
        if declared is not None:
            has_stages(store, run)
            return list(_results(context, declared, standing(store, run), now))
        reason = "this run has stages, and nothing says which any more"
    except StagesError as error:
        return [_unusable(standing(store, run), f"nobody knows the stages of this run: {error}")]
    except UserError as error:  # of the policy, which its own check holds for
        reason = f"nobody knows the stages of this run: {error}"
    return [_unusable(standing(store, run), reason)] if had_stages(store, run) else []


def _unusable(before: Standing, reason: str) -> CheckResult:
    """Where the stages cannot be known a person decides, with words: a run is not rid of them by that."""
    facts: dict[str, Any] = {APPROVAL: {"only": [], "unmet": [{"reason": reason, "unless": None}]}}
    if before.at is not None:
        facts[FACTS] = {
            "at": before.at, "to": before.at, "met": before.met, "met_to": {}, "since": before.since, "since_to": None,
            "opened": before.before, "stages": "", "missing": [reason],
        }  # fmt: skip
    return CheckResult(UNUSABLE, "hold", reason, _UNUSABLE_RISK, facts=facts)


def _results(context: CheckContext, declared: Declared, before: Standing, now: float) -> Iterator[CheckResult]:
    stages = declared.stages.stages
    move = move_of(declared, before.at, context.stage, final=context.final)
    here, there = stages[move.start], stages[move.end]
    met = _met(context, here, before.met)
    asked = move.start != move.end and not any(stored.step.stage == there.name for stored in context.steps)
    since_to = now if asked else before.before
    met_to = _met(context, there, {}) if move.start != move.end else {}
    missing = list(move.missing)
    for place in move.leaves:
        known, since = (met, before.since) if place == move.start else (met_to, since_to)
        missing += _missing(stages[place], known, context.workspace, since)
    facts = {
        FACTS: {"at": here.name, "to": there.name, "met": met, "met_to": met_to, "since": before.since,
                "since_to": since_to, "opened": now, "stages": declared.tag,
                "missing": [item.reason for item in missing]},
        "brief": words.brief(declared.stages, move.start, move.end, _open(context, here, met, before.since),
                             _open(context, there, met_to, since_to) if move.start != move.end else None,
                             final=context.final),
        APPROVAL: {"only": list(here.approvers),
                   "unmet": [{"reason": item.reason, "unless": item.unless} for item in missing]},
    }  # fmt: skip
    needs = max([stages[place].approvals for place in move.leaves], default=1)
    yield CheckResult(f"{RULES}{here.name}", "pass", words.state(declared.stages, move), needs=needs, facts=facts)
    for item in missing:
        yield CheckResult(f"{RULES}{here.name}:{item.what}", "hold", item.reason, _RISK)
    if here.approvers:
        reason = f"only {words.names(here.approvers)} may approve in stage {here.name}"
        yield CheckResult(f"{RULES}{here.name}:approvers", "hold", reason, 0.0)


# -- moves --------------------------------------------------------------------------------------------------------


def move_of(declared: Declared, at: str | None, to: str | None, *, final: bool) -> Move:
    """What a gate asks that names the stage `to`. at: where the run stands, None at its first gate."""
    stages = declared.stages
    start = stages.place(at)
    if start is None:
        missing = [] if at is None else [Missing("unknown", f"the run was in stage {at}, which there is no more")]
        start = 0
    else:
        missing = []
    end = stages.place(to)
    if end is None:
        what = "unnamed" if to is None else "unknown"
        known = words.names(stage.name for stage in stages.stages)
        reason = "no stage is named" if to is None else f"there is no stage {to!r}"
        return Move(start, start, (start,) if final else (), (*missing, Missing(what, f"{reason}; known: {known}")))
    if end > start + 1:
        skipped = words.names(stage.name for stage in stages.stages[start + 1 : end])
        reason = f"from stage {stages.stages[start].name} to {stages.stages[end].name} it skips {skipped}"
        missing.append(Missing("order", reason))
    last = len(stages.stages) - 1
    if final and end < last:
        missing.append(Missing("order", f"the run ends in stage {to}, before {stages.stages[last].name}"))
    leaves = ((start,) if end > start else ()) + ((end,) if final else ())
    return Move(start, end, tuple(dict.fromkeys(leaves)), tuple(missing))


# -- requirements -------------------------------------------------------------------------------------------------


def _met(context: CheckContext, stage: Stage, known: dict[str, str]) -> dict[str, str]:
    """What of a stage is met by now, and where: what was, and what the new steps add."""
    found = dict(known)
    wanted = [item for item in stage.shows if item.id not in found and (item.command or item.tool)]
    if wanted and context.steps:
        earlier = context.earlier(max(0, context.first - _CALLS_BEFORE))
        calls = made([*earlier, *context.steps], stage.name)
        for item in wanted:
            if (where := shown_by(item, calls, context.first)) is not None:
                found[item.id] = where
    return found


def _missing(stage: Stage, met: dict[str, str], workspace: str | None, since: float | None) -> Iterator[Missing]:
    """What a stage does not show that it must, before it may be left."""
    for item in stage.shows:
        if (why := _why_not(item, met, workspace, since)) is not None:
            detail = f": {why}" if why else ""
            yield Missing(item.id, f"stage {stage.name} does not show that {item.words}{detail}", item.approver)


def _why_not(item: Requirement, met: dict[str, str], workspace: str | None, since: float | None) -> str | None:
    """Why a requirement is not met, "" where there is no more to say; None if it is."""
    if item.file is not None:
        return file_there(item, workspace, since)
    if item.approver is not None:
        return None if f"approver {item.approver}" in met else ""
    return None if item.id in met else ""


def _open(context: CheckContext, stage: Stage, met: dict[str, str], since: float | None) -> list[str]:
    """What a stage has yet to show, in words for the agent."""
    return [item.words for item in stage.shows if _why_not(item, met, context.workspace, since) is not None]
