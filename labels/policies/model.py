"""What a policy file says, as checked models. docs/policies.md shows a complete one.

Two kinds of things stand in it. What **holds** a gate: a freeze, production targets, rules with `action = "hold"`. And
what may **decide** without a person: rules that approve, reject or stop. Holding always wins, and what no rule covers
waits for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from labels.toml_file import FaultError, Kind
from sessions.jsontext import canonical


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable characters")
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
#: Texts and patterns are one line each; a pattern is a shell glob (`*`, `?`, `[abc]`), case counts.
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True), AfterValidator(_one_line)]
Globs = Annotated[tuple[Line, ...], Field(max_length=500)]
#: A policy is read again in the time that a gate has for its checks, so it may not be a book.
MOST_BYTES = 128 * 1024
#: How surely a fatal mode must be suspected to hold may be raised to this, and so never switched off.
FATAL_AT_MOST = 0.95
#: What is replaced in a command that is started when a gate opens.
PLACEHOLDERS = ("id", "run", "gate", "agent", "risk", "reason")
_PLACEHOLDER = re.compile(r"\{([a-z_]{1,30})\}")
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

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Freeze:
        if self.since and self.until and self.since >= self.until:
            raise FaultError(("until",), "the freeze ends before it begins")
        return self

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


class Staged(_Frozen):
    """Which runs go through which stages (`labels.stages`): the first one that fits a run counts. file: of the stages,
    from the policy's own folder. runs, agents: globs."""

    file: Line
    runs: Globs = ()
    agents: Globs = ()


class Rule(_Frozen):
    """When a rule applies, everything it says must hold.

    Of the run and the gate: agents, runs, stages (globs), final, max_steps, errors (whether a step has an error),
    changes (whether anything may be changed).
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
        for field, fault in self._faults():
            raise FaultError((field,), fault)
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        if self.needs > 1 and self.action != "hold":
            yield "needs", f'a rule that says {self.action} asks nobody; use action = "hold" with needs'
        if self.at_least and not self.modes:
            yield "at_least", 'at_least belongs to modes; name some, or modes = ["*"]'
        if self.message and self.action not in ("reject", "stop"):
            yield "message", "only with reject and stop is the agent told something"
        if self.action == "approve":
            yield from self._faults_of_approving()
        elif self.action != "hold" and not self.limits_anything:
            yield "action", f"would {self.action} at every gate; say when"

    def _faults_of_approving(self) -> Iterator[tuple[str, str]]:
        if self.modes:
            yield "modes", "a rule cannot approve because a failure mode is suspected"
        if self.verdict == "deny":
            yield "verdict", "what the command check denies always waits for a person"
        if not (self.tools or self.commands or self.changes is False):
            yield "action", "would approve whatever an agent does; say tools, commands or changes = false"

    @property
    def limits_anything(self) -> bool:
        """Whether there is a gate that the rule does not apply to."""
        kept = ("id", "action", "reason", "message", "needs", "at_least")
        return bool(self.model_dump(exclude_defaults=True, exclude=set(kept)))


class Policy(_Frozen):
    """A whole file. fatal_at_least: suggestions of fatal modes hold from this score (or probability) on. audit_share:
    of what policy approved, to be looked at by a person afterwards. harmless: globs of commands and tools that change
    nothing, besides those that are known not to. on_open: a command (a list, no shell) that is started when a gate
    opens that waits for a person; {run}, {gate} and the like (PLACEHOLDERS) in its arguments are replaced."""

    fatal_at_least: Annotated[float, Field(ge=0, le=FATAL_AT_MOST)] = 0.5
    audit_share: Share = 0.05
    harmless: Globs = ()
    on_open: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    stages: Annotated[tuple[Staged, ...], Field(max_length=100)] = ()
    freezes: Annotated[tuple[Freeze, ...], Field(alias="freeze", max_length=50)] = ()
    production: Annotated[tuple[Target, ...], Field(max_length=200)] = ()
    rules: Annotated[tuple[Rule, ...], Field(alias="rule", max_length=500)] = ()

    @property
    def hash(self) -> str:
        """sha256 of what it says: comments, blank lines and the order of fields do not count. 64 hex digits."""
        return sha256(b"policy/1\n" + canonical(self.model_dump(mode="json", exclude_defaults=True))).hexdigest()

    @property
    def most_needed(self) -> int:
        """How many people the strictest of its rules asks for."""
        asking: list[Freeze | Target | Rule] = [*self.freezes, *self.production, *self.rules]
        return max((item.needs for item in asking), default=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Policy:
        for fault in self._faults():
            raise fault
        return self

    def _faults(self) -> Iterator[FaultError]:
        if self.on_open and _PLACEHOLDER.search(self.on_open[0]):
            yield FaultError(("on_open",), "the program is named as it is, without placeholders")
        for name in _PLACEHOLDER.findall(" ".join(self.on_open)):
            if name not in PLACEHOLDERS:
                yield FaultError(("on_open",), f"{{{name}}} is no placeholder; known: {', '.join(PLACEHOLDERS)}")
        seen: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.id in seen:
                yield FaultError(("rule", index, "id"), f"{rule.id!r} is used twice; each rule needs its own id")
            seen.add(rule.id)


POLICY = Kind(
    name="policy",
    model=Policy,
    guide="docs/policies.md shows a complete policy.",
    tables={"freeze": Freeze, "production": Target, "rule": Rule, "stages": Staged},
    most=MOST_BYTES,
)
