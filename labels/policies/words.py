"""A policy in words, for `review-tui policy show`: what holds, what decides, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from labels.policies.model import Freeze, Policy, Rule, Target

ALWAYS = (
    "irreversible actions, as the command check knows them",
    "whatever touches the station's own records: database, snapshots, policy, stages",
    "what is too long to be read",
)


def always(policy: Policy) -> list[str]:
    """What holds whatever the file says."""
    return [*ALWAYS, f"a suggestion of a fatal failure mode, from {policy.fatal_at_least:g} on"]


def holds(policy: Policy, now: datetime) -> list[str]:
    """Freezes and production targets."""
    return [*(_freeze(item, now) for item in policy.freezes), *(_target(item) for item in policy.production)]


def rules(policy: Policy) -> list[str]:
    """The rules in their order."""
    return [_rule(item) for item in policy.rules]


def rest(policy: Policy) -> list[str]:
    """What else stands in it."""
    lines = [f"of what policy approves, {policy.audit_share:.0%} is looked at by a person afterwards"]
    if policy.harmless:
        lines.append(f"counts as changing nothing: {_listed(policy.harmless)}")
    if policy.on_open:
        lines.append(f"starts when a gate waits: {' '.join(policy.on_open)}")
    for item in policy.stages:
        who = [*_limits("agent", item.agents), *_limits("run", item.runs)] or ["every run"]
        lines.append(f"{', '.join(who)} goes through the stages in {item.file}")
    return lines


def _freeze(freeze: Freeze, now: datetime) -> str:
    time = f"{_moment('since', freeze.since)}{_moment('until', freeze.until)}"
    state = "holds now" if freeze.lasts(now) else "does not hold now"
    return f"freeze ({freeze.reason}){time}: whatever may change something waits{_people(freeze.needs)} [{state}]"


def _moment(word: str, moment: datetime | None) -> str:
    return f", {word} {moment.isoformat(sep=' ', timespec='minutes')}" if moment else ""


def _target(target: Target) -> str:
    kinds = [
        *_limits("host", target.hosts), *_limits("database", target.databases), *_limits("context", target.contexts),
        *_limits("path", target.paths),
    ]  # fmt: skip
    return f"production {target.name}: whatever names {' or '.join(kinds)} waits{_people(target.needs)}"


def _rule(rule: Rule) -> str:
    deed = {"approve": "approves", "hold": "holds", "reject": "rejects", "stop": "stops"}[rule.action]
    when = list(_conditions(rule))
    which = "every call" if rule.action == "approve" else "one call"
    calls = list(_calls(rule))
    text = f"{rule.id}: {deed}" + (f" where {', '.join(when)}" if when else "")
    text += f"{', and' if when else ' where'} {which} is {' and '.join(calls)}" if calls else ""
    text += _people(rule.needs)
    return text + (f" ({rule.reason})" if rule.reason else "")


def _conditions(rule: Rule) -> Iterator[str]:
    yield from _limits("agent", rule.agents)
    yield from _limits("run", rule.runs)
    yield from _limits("stage", rule.stages)
    if rule.final is not None:
        yield "it is the last gate" if rule.final else "it is not the last gate"
    if rule.max_steps is not None:
        yield f"there are at most {rule.max_steps} steps"
    if rule.errors is not None:
        yield "a step has an error" if rule.errors else "no step has an error"
    if rule.changes is not None:
        yield "something may be changed" if rule.changes else "nothing is changed"
    if rule.modes:
        yield f"{_listed(rule.modes)} is suspected" + (f" from {rule.at_least:g} on" if rule.at_least else "")


def _calls(rule: Rule) -> Iterator[str]:
    if rule.tools:
        yield f"of {_listed(rule.tools)}"
    if rule.commands:
        yield f"`{'` or `'.join(rule.commands)}`"
    if rule.paths:
        yield f"in {_listed(rule.paths)}"
    if rule.verdict:
        yield "denied by the command check" if rule.verdict == "deny" else "allowed by the command check"


def _limits(word: str, globs: Sequence[str]) -> Iterator[str]:
    if globs:
        yield f"{word} {_listed(globs)}"


def _listed(items: Sequence[str]) -> str:
    return " or ".join(items)


def _people(needs: int) -> str:
    return f"; {needs} people must approve" if needs > 1 else ""
