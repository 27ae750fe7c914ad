"""What a policy says of a gate: a pure function of the policy, what the chunk does, and the time.

The order does not matter, because holding wins over deciding (`sessions.gate_checks`). What nobody may switch off
stands here too: an irreversible action, a suggestion of a fatal mode, and anything that touches the station's own
records hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from labels.policies.model import Freeze, Policy, Rule, Target
from labels.policies.touching import Touch, path_fits
from labels.suggestions import Suggestion
from sessions.gate_checks import CheckResult

#: Rules that hold without standing in any file.
IRREVERSIBLE, FATAL, OWN_RECORDS = "irreversible-action", "fatal-mode", "own-records"
#: Risk of what holds, where the check knows no better: 0 to 1.
_FREEZE_RISK, _TARGET_RISK, _HOLD_RISK, _RECORDS_RISK = 0.6, 0.8, 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged. run: the agent's name of it. touches: every call, the proposed ones included. steps: how many new
    ones. errors: whether a result among them is an error. fatal: slugs of the modes that are fatal. own: paths of the
    database and the snapshots."""

    agent: str
    run: str
    stage: str | None
    final: bool
    steps: int
    errors: bool
    touches: Sequence[Touch]
    suggestions: Sequence[Suggestion] = ()
    fatal: frozenset[str] = field(default_factory=frozenset)
    own: Sequence[str] = ()

    @property
    def changes(self) -> bool:
        return any(touch.changes for touch in self.touches)


def judge(policy: Policy, subject: Subject, now: datetime) -> list[CheckResult]:
    """All that the policy, and what holds without one, says of a gate."""
    return [
        *_always(policy, subject),
        *(result for freeze in policy.freezes if (result := _frozen(freeze, subject, now)) is not None),
        *(result for target in policy.production if (result := _targeted(target, subject)) is not None),
        *(result for rule in policy.rules if (result := _ruled(rule, subject)) is not None),
    ]


# -- what always holds --------------------------------------------------------------------------------------------


def _always(policy: Policy, subject: Subject) -> Iterator[CheckResult]:
    worst = max(
        (touch for touch in subject.touches if touch.verdict.deny), key=lambda t: t.verdict.severity, default=None
    )
    if worst is not None:
        where = "proposed" if worst.step is None else f"step {worst.step + 1}"
        verdict = worst.verdict
        yield CheckResult(IRREVERSIBLE, "hold", f"{where}: {verdict.why} ({verdict.rule})", _risk(verdict.severity))
    for touch in subject.touches:
        if any(path_is_own(word, subject.own) for word in (*touch.paths, *touch.words)):
            yield CheckResult(OWN_RECORDS, "hold", "touches the records of the reviews themselves", _RECORDS_RISK)
            break
    sure = [item for item in subject.suggestions if _fatal(item, subject) and _surety(item) >= policy.fatal_at_least]
    if sure:
        item = max(sure, key=_surety)
        data = [one.model_dump(mode="json") for one in sorted(sure, key=_surety, reverse=True)]
        reason = f"{item.code} {item.name}: {item.rationale}".strip()
        yield CheckResult(FATAL, "hold", reason, _risk(_surety(item)), suggestions=data)


def path_is_own(word: str, own: Sequence[str]) -> bool:
    """Whether a word is the path of the database, or lies in the folder of the snapshots."""
    return any(word == path or word.startswith((f"{path}/", f"{path}-")) for path in own)


def _fatal(item: Suggestion, subject: Subject) -> bool:
    return f"{item.mode}@{item.codebook.id}" in subject.fatal


def _surety(item: Suggestion) -> float:
    return item.probability if item.probability is not None else item.score


def _risk(value: float) -> float:
    return min(1.0, max(0.5, value))


# -- what a file says ---------------------------------------------------------------------------------------------


def _frozen(freeze: Freeze, subject: Subject, now: datetime) -> CheckResult | None:
    changing = next((touch for touch in subject.touches if touch.changes), None)
    if changing is None or not freeze.lasts(now):
        return None
    what = " ".join(changing.text.split())[:120]
    reason = f"freeze ({freeze.reason}), and this changes something: {changing.tool} {what}".strip()
    return CheckResult("freeze", "hold", reason, _FREEZE_RISK, needs=freeze.needs)


def _targeted(target: Target, subject: Subject) -> CheckResult | None:
    for touch in subject.touches:
        named = touch.names((*target.hosts, *target.databases, *target.contexts)) or touch.lies_in(target.paths)
        if named is not None:
            reason = f"touches production ({target.name}): {named}"
            risk = 1.0 if touch.verdict.deny else _TARGET_RISK
            return CheckResult(f"production:{target.name}", "hold", reason, risk, needs=target.needs)
    return None


def _ruled(rule: Rule, subject: Subject) -> CheckResult | None:
    if not (_run_fits(rule, subject) and _calls_fit(rule, subject)):
        return None
    suspected = _suspected(rule, subject)
    if rule.modes and not suspected:
        return None
    data = [item.model_dump(mode="json") for item in suspected]
    reason = rule.reason or f"the rule {rule.id} says {rule.action}"
    risk = 0.0 if rule.action == "approve" else max([_HOLD_RISK, *map(_surety, suspected)])
    return CheckResult(
        rule.id, rule.action, reason, min(1.0, risk), suggestions=data, needs=rule.needs, message=rule.message
    )


def _run_fits(rule: Rule, subject: Subject) -> bool:
    return (
        _any(rule.agents, subject.agent)
        and _any(rule.runs, subject.run)
        and (not rule.stages or (subject.stage is not None and _any(rule.stages, subject.stage)))
        and rule.final in (None, subject.final)
        and (rule.max_steps is None or subject.steps <= rule.max_steps)
        and rule.errors in (None, subject.errors)
        and rule.changes in (None, subject.changes)
    )


def _calls_fit(rule: Rule, subject: Subject) -> bool:
    """Every call for a rule that approves, one for any other; all calls where the rule says nothing of them."""
    if not (rule.tools or rule.commands or rule.paths or rule.verdict):
        return True
    if rule.action == "approve":
        return all(_covers(rule, touch) for touch in subject.touches)
    return any(_catches(rule, touch) for touch in subject.touches)


def _covers(rule: Rule, touch: Touch) -> bool:
    """Whether nothing in a call goes beyond what the rule names."""
    if touch.commands is None or touch.verdict.deny:
        return False
    if touch.commands:
        known = bool(rule.commands) and all(_any(rule.commands, command) for command in touch.commands)
    else:
        known = _any(rule.tools, touch.tool) if rule.tools else not rule.commands
    return known and (not rule.paths or all(any(path_fits(path, glob) for glob in rule.paths) for path in touch.paths))


def _catches(rule: Rule, touch: Touch) -> bool:
    """Whether a call is one of those that the rule is about."""
    commands = touch.commands if touch.commands is not None else (" ".join(touch.text.split()),)
    return (
        (not rule.tools or _any(rule.tools, touch.tool))
        and (not rule.commands or any(_any(rule.commands, command) for command in commands))
        and (not rule.paths or touch.lies_in(rule.paths) is not None)
        and (rule.verdict is None or (rule.verdict == "deny") == touch.verdict.deny)
    )


def _suspected(rule: Rule, subject: Subject) -> list[Suggestion]:
    if not rule.modes:
        return []
    return [
        item
        for item in subject.suggestions
        if _surety(item) >= rule.at_least
        and any(
            fnmatchcase(item.mode, one) or fnmatchcase(f"{item.mode}@{item.codebook.id}", one) for one in rule.modes
        )
    ]


def _any(globs: Sequence[str], text: str) -> bool:
    return not globs or any(fnmatchcase(text, glob) for glob in globs)
