"""What a policy says of a gate: a pure function of the policy, what the chunk does, and the time.

The order does not matter, because holding wins over deciding (`sessions.gate_checks`). What nobody may switch off
stands here too: an irreversible action, a suggestion of a fatal mode, whatever touches the station's own records, and
what is too much to be read hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from labels.policies import own, paths
from labels.policies.globs import any_fits, glob
from labels.policies.model import Freeze, Policy, Rule, Target
from labels.policies.own import NOTHING, Own
from labels.policies.scripts import Command
from labels.policies.touching import Touch, path_words
from labels.suggestions import Suggestion
from sessions.gate_checks import CheckResult

#: Rules that hold without standing in any file.
IRREVERSIBLE, FATAL, OWN_RECORDS, UNREAD = "irreversible-action", "fatal-mode", "own-records", "unread"
#: Risk of what holds, where the check knows no better: 0 to 1.
_FREEZE_RISK, _TARGET_RISK, _HOLD_RISK, _UNREAD_RISK, _RECORDS_RISK = 0.6, 0.8, 0.5, 0.7, 1.0
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged. run: the agent's name of it. steps: how many new ones. errors: whether a result among them is an
    error. touches: every call, the proposed ones included; complete: whether that is all there is to judge.
    fatal: `slug@codebook` of the modes that are fatal. own: the station's records."""

    agent: str
    run: str
    stage: str | None
    final: bool
    steps: int
    errors: bool
    touches: Sequence[Touch]
    workspace: str | None = None
    complete: bool = True
    suggestions: Sequence[Suggestion] = ()
    fatal: frozenset[str] = field(default_factory=frozenset)
    own: Own = NOTHING

    def may_change(self, policy: Policy) -> bool:
        return any(touch.may_change(policy.harmless) for touch in self.touches)


# -- what always holds --------------------------------------------------------------------------------------------


def always(policy: Policy, subject: Subject) -> Iterator[CheckResult]:
    """What holds whatever a file says. Of the policy it takes the strictest need, for what nobody can read."""
    worst = max(
        (touch for touch in subject.touches if touch.verdict.deny), key=lambda t: t.verdict.severity, default=None
    )
    if worst is not None:
        verdict = worst.verdict
        reason = f"{_where(worst)}: {verdict.why} ({verdict.rule})"
        yield CheckResult(IRREVERSIBLE, "hold", reason, _risk(verdict.severity))
    for touch in subject.touches:
        if found := own.touched(touch, subject.own):
            reason = f"{_where(touch)}: touches the records of the reviews themselves: {found[:_SHOWN]}"
            yield CheckResult(OWN_RECORDS, "hold", reason, _RECORDS_RISK)
            break
    unread = next((touch for touch in subject.touches if touch.unread), None)
    if unread is not None or not subject.complete:
        what = f"{_where(unread)}: {unread.tool} has" if unread else "this gate shows"
        reason = f"{what} more than a policy reads, so whatever it may name needs a person"
        yield CheckResult(UNREAD, "hold", reason, _UNREAD_RISK, needs=policy.most_needed)


def fatal(policy: Policy, subject: Subject) -> Iterator[CheckResult]:
    """What holds because a fatal mode is suspected, as surely as the policy asks."""
    sure = [item for item in subject.suggestions if _is_fatal(item, subject) and surety(item) >= policy.fatal_at_least]
    if sure:
        sure.sort(key=surety, reverse=True)
        reason = f"{sure[0].code} {sure[0].name}: {sure[0].rationale}".strip()
        yield CheckResult(FATAL, "hold", reason, _risk(surety(sure[0])), suggestions=_data(sure))


def _is_fatal(item: Suggestion, subject: Subject) -> bool:
    return f"{item.mode}@{item.codebook.id}" in subject.fatal


def surety(item: Suggestion) -> float:
    """Its calibrated probability, else the detector's own score."""
    return item.probability if item.probability is not None else item.score


def _risk(value: float) -> float:
    return min(1.0, max(0.5, value))


def _where(touch: Touch) -> str:
    return "proposed" if touch.step is None else f"step {touch.step + 1}"


def _data(items: Sequence[Suggestion]) -> list[object]:
    return [item.model_dump(mode="json") for item in items]


# -- what a file says ---------------------------------------------------------------------------------------------


def said(policy: Policy, subject: Subject, now: datetime) -> Iterator[CheckResult]:
    """What the policy's freezes, targets and those rules say that do not ask for a suspicion. now: with a time zone."""
    for freeze in policy.freezes:
        if (result := _frozen(freeze, policy, subject, now)) is not None:
            yield result
    for target in policy.production:
        if (result := _targeted(target, subject)) is not None:
            yield result
    for rule in policy.rules:
        if not rule.modes and (result := _ruled(rule, policy, subject)) is not None:
            yield result


def suspected(policy: Policy, subject: Subject) -> Iterator[CheckResult]:
    """What the rules say that ask for a suspicion. (They never approve, so it matters to nobody who asks them when.)"""
    for rule in policy.rules:
        if rule.modes and (result := _ruled(rule, policy, subject)) is not None:
            yield result


def _frozen(freeze: Freeze, policy: Policy, subject: Subject, now: datetime) -> CheckResult | None:
    changing = next((touch for touch in subject.touches if touch.may_change(policy.harmless)), None)
    if changing is None or not freeze.lasts(now):
        return None
    changes = "changes" if changing.changes else "may change"
    reason = f"freeze ({freeze.reason}); {_where(changing)} {changes} something: {_shown(changing)}"
    return CheckResult("freeze", "hold", reason, _FREEZE_RISK, needs=freeze.needs)


def _shown(touch: Touch) -> str:
    return f"{touch.tool} {touch.text[:_SHOWN]}".strip()


def _targeted(target: Target, subject: Subject) -> CheckResult | None:
    for touch in subject.touches:
        found = (
            touch.names((*target.hosts, *target.contexts))
            or touch.names(target.databases, dotted=True)
            or touch.lies_in(target.paths)
            or touch.executes(target.paths)
        )
        if found is not None:
            reason = f"{_where(touch)}: touches production ({target.name}): {found[:_SHOWN]}"
            risk = 1.0 if touch.verdict.deny else _TARGET_RISK
            return CheckResult(f"production:{target.name}", "hold", reason, risk, needs=target.needs)
    return None


def _ruled(rule: Rule, policy: Policy, subject: Subject) -> CheckResult | None:
    if not (_run_fits(rule, policy, subject) and _calls_fit(rule, policy, subject)):
        return None
    found = _found(rule, subject)
    if rule.modes and not found:
        return None
    reason = rule.reason or f"the rule {rule.id} says {rule.action}"
    risk = 0.0 if rule.action == "approve" else max([_HOLD_RISK, *map(surety, found)])
    return CheckResult(
        rule.id, rule.action, reason, min(1.0, risk), suggestions=_data(found), needs=rule.needs,
        message=rule.message,
    )  # fmt: skip


def _run_fits(rule: Rule, policy: Policy, subject: Subject) -> bool:
    return (
        _any(rule.agents, subject.agent)
        and _any(rule.runs, subject.run)
        and (not rule.stages or (subject.stage is not None and any_fits(rule.stages, subject.stage)))
        and rule.final in (None, subject.final)
        and (rule.max_steps is None or subject.steps <= rule.max_steps)
        and rule.errors in (None, subject.errors)
        and (rule.changes is None or rule.changes == subject.may_change(policy))
    )


def _calls_fit(rule: Rule, policy: Policy, subject: Subject) -> bool:
    """Every call for a rule that approves, one for any other; all calls where the rule says nothing of them."""
    if rule.action == "approve":
        return subject.complete and all(_covers(rule, policy, touch, subject.workspace) for touch in subject.touches)
    if not (rule.tools or rule.commands or rule.paths or rule.verdict):
        return True
    return any(_catches(rule, touch) for touch in subject.touches)


def _found(rule: Rule, subject: Subject) -> list[Suggestion]:
    return [
        item
        for item in subject.suggestions
        if surety(item) >= rule.at_least
        and (any_fits(rule.modes, item.mode) or any_fits(rule.modes, f"{item.mode}@{item.codebook.id}"))
    ]


def _any(globs: Sequence[str], text: str) -> bool:
    return not globs or any_fits(globs, text)


# -- narrow: what a rule that approves covers ---------------------------------------------------------------------


def _covers(rule: Rule, policy: Policy, touch: Touch, workspace: str | None) -> bool:
    """Whether nothing in a call goes beyond what the rule names. A call for a shell is covered by its commands, never
    by the tool's name alone; any other by its tool; and where the rule names neither, by changing nothing."""
    if touch.verdict.deny or touch.opaque or touch.unread:
        return False
    if rule.tools and not any_fits([one.lower() for one in rule.tools], touch.tool):
        return False
    if touch.scripted:
        if not rule.commands:
            return rule.changes is False and not rule.paths and not touch.may_change(policy.harmless)
        return all(_command_is_covered(rule, command, workspace) for command in touch.commands)
    if not rule.tools and (rule.commands or rule.changes is not False):
        return False
    return not rule.paths or (
        bool(touch.paths) and all(paths.stays_in(path, rule.paths, workspace) for path in touch.paths)
    )


def _command_is_covered(rule: Rule, command: Command, workspace: str | None) -> bool:
    for one in rule.commands:
        if len(command.text) <= _LONGEST_COVERED and glob(one).fits(command.text):
            fixed = _fixed_words(one)
            if not rule.paths or _stays(command, fixed, rule.paths, workspace):
                return True
    return False


#: A command that is approved by a rule is one that a person could have read.
_LONGEST_COVERED = 4_000


def _fixed_words(one: str) -> int:
    """How many words of a command a glob says letter by letter, its first ones."""
    words = one.split()
    return next((place for place, word in enumerate(words) if not glob(word).literal), len(words))


def _stays(command: Command, fixed: int, wanted: Sequence[str], workspace: str | None) -> bool:
    """Whether every word of a command behind the fixed ones is a path that stays in what the rule names."""
    words = [word for arg in command.args[max(0, fixed - 1) :] for word in path_words(arg)[-1:]]
    found = [paths.resolve(word, command.cwd) for word in (*words, *command.redirects)]
    return all(path is not None and paths.stays_in(path, wanted, workspace) for path in found)


# -- generous: what any other rule catches ------------------------------------------------------------------------


def _catches(rule: Rule, touch: Touch) -> bool:
    """Whether a call is one of those that the rule is about."""
    return (
        (not rule.tools or any(any_fits(rule.tools, form) for form in touch.tools))
        and (not rule.commands or _any_command(rule, touch))
        and (not rule.paths or touch.lies_in(rule.paths) is not None or touch.executes(rule.paths) is not None)
        and (rule.verdict is None or (rule.verdict == "deny") == touch.verdict.deny)
    )


def _any_command(rule: Rule, touch: Touch) -> bool:
    """One of its commands; where they cannot be read off, one of its lines might be."""
    texts = [command.text for command in touch.commands]
    if touch.opaque:
        texts += [touch.text]
    return any(any_fits(rule.commands, text) for text in texts)
