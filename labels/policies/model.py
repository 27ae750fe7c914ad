"""What a policy file says, as checked models. docs/policies.md shows a complete one.

Two kinds of things stand in it. What **holds** a gate: a freeze, production targets, rules with `action = "hold"`. And
what may **decide** without a person: rules that approve, reject or stop. Holding always wins, and what no rule covers
waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from labels.toml_file import FaultError, Kind

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
#: Texts and patterns are one line each; a pattern is a shell glob (`*`, `?`, `[abc]`), case counts.
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Globs = Annotated[tuple[Line, ...], Field(max_length=500)]
#: How many people may be asked for at one gate.
People = Annotated[int, Field(ge=1, le=5)]
Share = Annotated[float, Field(ge=0, le=1)]


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, as in 2026-12-01T08:00:00Z")
    return moment


Moment = Annotated[datetime, AfterValidator(_with_zone)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Freeze(_Frozen):
    """A declared freeze: while it lasts, whatever changes anything waits for a person. since, until: None for open."""

    reason: Line
    since: Moment | None = None
    until: Moment | None = None
    needs: People = 1

    def lasts(self, now: datetime) -> bool:
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


class Target(_Frozen):
    """Something in production: whatever names it waits for a person, even to look at it.

    hosts, databases, contexts (of Kubernetes, cloud profiles and projects, workspaces), paths: globs. needs: how many
    people must approve.
    """

    name: Line
    hosts: Globs = ()
    databases: Globs = ()
    contexts: Globs = ()
    paths: Globs = ()
    needs: People = 1

    @model_validator(mode="after")
    def _names_something(self) -> Target:
        if not (self.hosts or self.databases or self.contexts or self.paths):
            raise FaultError(("hosts",), "a production target names no host, database, context or path")
        return self


class Rule(_Frozen):
    """When a rule applies, everything it says must hold.

    Of the run and the gate: agents, runs, stages (globs), final, max_steps, errors (whether a step has an error),
    changes (whether anything is changed).
    Of the calls: tools, commands (each command of a line by itself), paths (globs), verdict (of the command check).
    Of the suggestions: modes (`slug@codebook` or slug, `*` for any), at_least (score, or probability where calibrated).

    A rule that approves needs **every** call to fit; one that holds, rejects or stops needs **one** to.
    """

    id: Slug
    action: Literal["approve", "hold", "reject", "stop"]
    reason: Line | None = None
    message: Annotated[str, Field(max_length=2000)] = ""
    needs: People = 1
    agents: Globs = ()
    runs: Globs = ()
    stages: Globs = ()
    final: bool | None = None
    max_steps: Annotated[int, Field(ge=0)] | None = None
    errors: bool | None = None
    changes: bool | None = None
    tools: Globs = ()
    commands: Globs = ()
    paths: Globs = ()
    verdict: Literal["allow", "deny"] | None = None
    modes: Globs = ()
    at_least: Share = 0.0

    @model_validator(mode="after")
    def _makes_sense(self) -> Rule:
        if self.action == "approve" and self.needs > 1:
            raise FaultError(("needs",), 'a rule that approves asks nobody; use action = "hold" with needs')
        if self.action == "approve" and self.modes:
            raise FaultError(("modes",), "a rule cannot approve because a failure mode is suspected")
        if self.at_least and not self.modes:
            raise FaultError(("at_least",), 'at_least belongs to modes; name some, or modes = ["*"]')
        if self.action == "approve" and not self.limits_calls:
            raise FaultError(
                ("action",), "would approve whatever an agent does; say tools, commands, paths or changes = false"
            )
        return self

    @property
    def limits_calls(self) -> bool:
        """Whether the rule says anything of what is done."""
        return bool(self.tools or self.commands or self.paths) or self.changes is False


class Policy(_Frozen):
    """A whole file. fatal_at_least: suggestions of fatal modes hold from this score (or probability) on. audit_share:
    of what policy approved, to be looked at by a person afterwards. on_open: a command (a list, no shell) that is
    started when a gate opens; {run}, {gate}, {agent}, {risk} and {reason} in it are replaced."""

    fatal_at_least: Share = 0.5
    audit_share: Share = 0.05
    on_open: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    freezes: Annotated[tuple[Freeze, ...], Field(alias="freeze", max_length=50)] = ()
    production: Annotated[tuple[Target, ...], Field(max_length=200)] = ()
    rules: Annotated[tuple[Rule, ...], Field(alias="rule", max_length=500)] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Policy:
        for fault in self._faults():
            raise fault
        return self

    def _faults(self) -> Iterator[FaultError]:
        seen: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.id in seen:
                yield FaultError(("rule", index, "id"), f"{rule.id!r} is used twice; each rule needs its own id")
            seen.add(rule.id)


POLICY = Kind(
    name="policy",
    model=Policy,
    guide="docs/policies.md shows a complete policy.",
    tables={"freeze": Freeze, "production": Target, "rule": Rule},
)
