"""Gates for an agent's loop: stop, be looked at, and go on only when a person (or a policy of theirs) has said so.

    from sessions.gate import Gate

    with Gate(agent="fixer", task="Repair the build.", workspace=".") as gate:
        for number, step in enumerate(agent_steps(), start=1):
            gate.add("fixer", text=step.thought, calls=[("bash", {"command": step.command})])
            if number % 5 == 0:
                answer = gate.open()            # waits; true only if approved
                if answer.verdict == "rollback":
                    go_back_to(answer.to_gate)  # and hand answer.brief to the agent
                elif answer.verdict == "stop":
                    break
        gate.open(final=True)

`open_gate(...)` is the same in one call, with the fields of `review-tui gate open` (docs/live.md), and both have an
`_async` form. Nothing is ever approved because nobody answered: a wait that ends (`timeout_s`) gives a `Pending`, which
is false, and the gate stays open. Whoever asks for the same gate again gets the same gate, or its answer.

This module starts in milliseconds: no Textual, no pydantic, nothing for screens. Steps can be given as objects of
`sessions.run` too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sessions.errors import UsageError, UserError
from sessions.live.answer import Answer, Pending
from sessions.live.hooks import NO_HOOKS, Hooks, Opening, Rollback, Snapshot
from sessions.run import Part, Step, arguments_text

if TYPE_CHECKING:
    from types import TracebackType

    from sessions.live.gates import GateInfo
    from sessions.live.request import GateRequest

__all__ = [
    "Answer", "Gate", "Hooks", "Opening", "Pending", "Rollback", "Snapshot", "Step", "UsageError", "UserError",
    "open_gate", "open_gate_async",
]  # fmt: skip

T = TypeVar("T")


def open_gate(
    request: Mapping[str, Any] | None = None,
    *,
    db: Path | str | None = None,
    wait: bool = True,
    hooks: Hooks = NO_HOOKS,
    **fields: Any,
) -> Answer | Pending:
    """Open a gate and wait for the decision. Fields as in `review-tui gate open`, as one object or by name.

    db: the database, else the user's own. wait: False looks once. A field `timeout_s` limits the wait.
    Raises UsageError for a request that cannot be understood or contradicts an earlier one, UserError if the run is
    over, the database cannot be used, or the gate is void.
    """
    from sessions.live.asking import ask, open_database, parse  # only who opens a gate pays for it

    asked = parse({**(request or {}), **fields})
    with open_database(Path(db) if db is not None else None) as store:
        return ask(store, asked, wait=wait, hooks=hooks)


async def open_gate_async(
    request: Mapping[str, Any] | None = None,
    *,
    db: Path | str | None = None,
    wait: bool = True,
    hooks: Hooks = NO_HOOKS,
    **fields: Any,
) -> Answer | Pending:
    """As `open_gate`, without blocking the event loop. Cancelling it leaves the gate open."""
    from sessions.live.asking import ask, open_database, parse

    asked = parse({**(request or {}), **fields})
    stop = threading.Event()

    def call() -> Answer | Pending:
        with open_database(Path(db) if db is not None else None) as store:
            return ask(store, asked, wait=wait, hooks=hooks, stopped=stop.is_set)

    return await _in_thread(call, stop)


class Gate:
    """The gates of one run: collects its steps, names its gates, and remembers how often it was rolled back.

    A context manager. To be used by one thread, or one task, at a time.
    """

    def __init__(
        self,
        *,
        agent: str,
        task: str,
        run: str | None = None,
        workspace: Path | str | None = None,
        rules: Sequence[str] = (),
        can: Sequence[str] | None = None,
        timeout_s: float | None = None,
        db: Path | str | None = None,
        hooks: Hooks = NO_HOOKS,
    ) -> None:
        """run: a name of its own, unique in the database; made up if None. rules: constraints, word for word. can: what
        this agent can do (`hold`, `edit`, `files`, `state`). timeout_s: seconds that `open` waits, None for ever."""
        from sessions.live.asking import earlier_gates, open_database

        self.run = run or os.urandom(16).hex()
        self._steps: list[Step] = []
        self._asked: dict[str, Any] | None = None
        self._fields: dict[str, Any] = {
            "run": self.run, "agent": agent, "task": task, "rules": list(rules), "timeout_s": timeout_s,
            "workspace": os.path.abspath(workspace) if workspace is not None else None,
        }  # fmt: skip
        if can is not None:
            self._fields["can"] = list(can)
        self._hooks = hooks
        self._store = open_database(Path(db) if db is not None else None)
        earlier = earlier_gates(self._store, self.run)
        self._number = len(earlier)
        self._before = earlier[-1] if earlier else None
        #: How often the run was rolled back; None until the first answer of an agent that takes up an earlier run.
        self.segment: int | None = None if earlier else 0

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. The run stays as it is: it ends with a gate that is `final`, or when somebody ends it."""
        self._store.close()

    @property
    def steps(self) -> int:
        """How many steps were added since the last gate."""
        return len(self._steps)

    def add(
        self,
        step: Step | str,
        *,
        text: str | None = None,
        reasoning: str | None = None,
        calls: Sequence[tuple[str, Any]] = (),
        results: Sequence[tuple[str, str]] = (),
        role: str | None = None,
        at: str | None = None,
    ) -> None:
        """Add a step: a `Step`, or an actor's name with what it thought, said, called and got.

        calls: (tool, arguments). results: (tool, text), in the order of the calls.
        """
        from sessions.live.asking import step_from

        if isinstance(step, Step):
            self._steps.append(step)
            return
        parts = [Part("reasoning", reasoning)] if reasoning else []
        parts += [Part("text", text)] if text else []
        parts += [Part("tool_call", arguments_text(given), name=name, arguments=given) for name, given in calls]
        parts += [Part("tool_result", got, name=name) for name, got in results]
        made: dict[str, Any] = {"actor": step, "role": role, "at": at, "parts": parts}
        self._steps.append(step_from({name: value for name, value in made.items() if value is not None}, "a step"))

    def open(
        self,
        gate: str | None = None,
        *,
        proposed: Sequence[Any] = (),
        stage: str | None = None,
        final: bool = False,
        wait: bool = True,
        timeout_s: float | None = None,
    ) -> Answer | Pending:
        """Open the next gate with the steps added since the last one, and wait.

        After a `Pending`, calling `open` again asks for the same gate. gate: its name; made up if None. proposed: tool
        calls about to be made, {"name", "arguments"} each. Raises as `open_gate`.
        """
        from sessions.live.asking import ask

        asked = self._next(gate, proposed, stage, final, timeout_s)
        return self._took(ask(self._store, asked, wait=wait, hooks=self._hooks))

    async def open_async(
        self,
        gate: str | None = None,
        *,
        proposed: Sequence[Any] = (),
        stage: str | None = None,
        final: bool = False,
        wait: bool = True,
        timeout_s: float | None = None,
    ) -> Answer | Pending:
        """As `open`, without blocking the event loop. Cancelling it leaves the gate open; `open_async` asks again."""
        from sessions.live.asking import ask

        asked = self._next(gate, proposed, stage, final, timeout_s)
        stop = threading.Event()

        def call() -> Answer | Pending:
            try:
                return ask(self._store, asked, wait=wait, hooks=self._hooks, stopped=stop.is_set)
            finally:
                self._store.close_thread()

        return self._took(await _in_thread(call, stop))

    def _next(
        self, gate: str | None, proposed: Sequence[Any], stage: str | None, final: bool, timeout_s: float | None
    ) -> GateRequest:
        """The request for the next gate; the one before again, while that has no answer and nothing was added."""
        from sessions.live.asking import parse

        if self._asked is not None and self._steps:
            raise UsageError(f"gate {self._asked['gate']!r} has no answer yet.", "Ask for it again before going on.")
        if self._asked is None:
            fields = {
                **self._fields, "segment": self.segment, "steps": self._steps, "proposed": list(proposed),
                "stage": stage, "final": final,
            }  # fmt: skip
            self._asked = {**fields, "gate": gate or self._name(fields)}
            self._steps = []
        if timeout_s is not None:
            self._asked["timeout_s"] = timeout_s
        return parse(self._asked)

    def _name(self, fields: dict[str, Any]) -> str:
        """The next number. An agent that was killed at a gate and begins anew gets that gate's number again."""
        from sessions.live.asking import parse

        before: GateInfo | None = self._before
        self._before = None
        if before is not None and parse({**fields, "gate": before.key}).sha256 == before.payload_sha256:
            return before.key
        self._number += 1
        return str(self._number)

    def _took(self, answer: Answer | Pending) -> Answer | Pending:
        if isinstance(answer, Answer):
            self._asked = None
            self.segment = answer.segment
        return answer


async def _in_thread(call: Callable[[], T], stop: threading.Event) -> T:
    """Run a call in a thread of its own: the loop's own pool has few, and a gate may wait for hours.

    If the caller is cancelled, `stop` is set and the thread ends by itself within a quarter of a second.
    """
    import asyncio  # not needed by loops that do not use it

    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            result, error = call(), None
        except BaseException as problem:
            result, error = None, problem
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result, error)

    threading.Thread(target=work, daemon=True, name="gate").start()
    try:
        return await done
    finally:
        stop.set()
