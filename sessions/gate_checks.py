"""Checks at a gate: what looks at a chunk before a person does, and may decide for them by rule.

A check is a function `check(context) -> list[CheckResult]` under the entry point group `review_tui.gate_checks`
(name -> "module:function"). Every check is asked whenever a gate is opened, in the process that opens it (so with no
station open too), with the context below. The rules:

- A check has 50 ms of processor time, or 250 ms on the clock where it did not get the processor. Loading its module
  happens once per process and is not counted, but ends after LOADING_S.
- One that fails, is too slow, cannot be loaded or answers nonsense **holds** the gate: a person must decide. It is
  never skipped. What it said is kept with the gate as action `hold` of the rule `check-failed`.
- The results of all checks are put together: `hold` beats everything; then `stop`, then `reject`, then `approve`. An
  empty list, or `pass`, is no opinion. Without an `approve` (or `reject`, `stop`) of some rule a person decides.
- A decision made so is recorded as `how = policy` with the rule's id, in the ledger too, and is never a vote. It is not
  made where two people are asked for (`needs`), nor while the run is held (`review-tui gate stop`). A person may
  overrule it until the agent has it.
- risk (0 to 1) orders the inbox; a gate has the highest of its results. The reason of the riskiest result is shown.
- facts are JSON that is kept with the gate: what a check wants to find again at the next gate or when a person decides
  (`sessions.live.gates.checks_of`). Two keys mean something here: `approval` (`sessions.live.conditions`) and `brief`,
  {"approve": lines, "otherwise": lines} for the agent (`sessions.brief`).
- suggestions are JSON that only the labels side reads (`labels.operating.keep_suggestions`: each is a dumped
  `labels.suggestions.Suggestion`). The first one of the riskiest result is shown in the inbox.

The context is read-only. `context.steps` are the new steps with their ids; earlier ones come from `context.earlier`.
A check runs in a thread of its own and must not keep the context: the store's connection of that thread is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from sessions.bodies import StoredStep
from sessions.run import Part
from sessions.store import Store

ENTRY_POINTS = "review_tui.gate_checks"
#: Processor time and time on the clock that one check may take, and the time to load it, in seconds.
LIMIT_S, WALL_LIMIT_S, LOADING_S = 0.050, 0.250, 10.0
Action: TypeAlias = Literal["approve", "reject", "stop", "hold", "pass"]
ACTIONS: tuple[Action, ...] = ("approve", "reject", "stop", "hold", "pass")


class CheckResult(NamedTuple):
    """What one rule says of a gate.

    rule: its id, recorded with a decision made by it. reason: one line for people. risk: 0 (harmless) to 1.
    suggestions: JSON values. needs: how many people must approve (the most of all results counts). message: to the
    agent, with `reject` and `stop`. facts: a JSON object, None for none.
    """

    rule: str
    action: Action
    reason: str = ""
    risk: float = 0.0
    suggestions: Sequence[Any] = ()
    needs: int = 1
    message: str = ""
    facts: Mapping[str, Any] | None = None


class CheckContext(NamedTuple):
    """What a check may look at.

    run: the run's id, None at the first gate of a run. no: its number in the store, None likewise. name: the agent's
    name of the run; gate: of the gate. workspace: a path, or None. rules: the constraints that the agent was given.
    first: index of the first new step. steps: the new steps. proposed: tool calls about to be made. stage, final: as
    the agent says. segment: how often the run was rolled back.
    """

    store: Store
    run: str | None
    no: int | None
    name: str
    gate: str
    agent: str
    task: str
    rules: tuple[str, ...]
    workspace: str | None
    first: int
    steps: list[StoredStep]
    proposed: list[Part]
    stage: str | None
    final: bool
    segment: int

    def earlier(self, first: int = 0) -> Iterator[StoredStep]:
        """The steps before this gate's, from an index on. Those that a rollback undid carry `Flag.ABANDONED`."""
        from sessions import catalog  # costs more than a gate without need of it does

        if self.no is not None and self.first > first:
            yield from catalog.steps(self.store, self.no, first, self.first - 1)
