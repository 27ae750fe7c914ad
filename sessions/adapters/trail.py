"""What an agent did since its last gate, as steps: an adapter reports what it sees, in the framework's order.

A step is a model's reply with the calls that it made and what came of them. Calls are reported when they are about to
run, so that what was only proposed, refused or edited never looks like something that was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sessions.jsontext import dump_bytes, loads
from sessions.readers.shared import call_part, parse_arguments, result_part
from sessions.run import Part, Role, Step

#: The actor of what a gate told the agent. Not a user's words, which every brief repeats.
REVIEW = "review"


class Call(NamedTuple):
    """A tool call. arguments: JSON values, or the text that a model gave where it is none. id: the framework's."""

    name: str
    arguments: Any
    id: str | None = None

    @property
    def part(self) -> Part:
        return call_part(self.name, plain(self.arguments), self.id)


def plain(value: Any) -> Any:
    """Any value as JSON values: what JSON has no form for becomes text."""
    return value if isinstance(value, str) or value is None else loads(dump_bytes(value))


def calls_of(edited: Sequence[Any]) -> list[Call]:
    """The calls of `Answer.edited`."""
    return [Call(item.get("name") or "", item.get("arguments") or {}, item.get("call_id")) for item in edited]


class Trail:
    """Steps that no gate has shown yet."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._calls: dict[str, tuple[Step, str]] = {}

    def __len__(self) -> int:
        return sum(bool(step.parts) for step in self._steps)

    @property
    def steps(self) -> list[Step]:
        return [step for step in self._steps if step.parts]

    def say(self, role: Role, text: str, *, actor: str | None = None) -> None:
        """Instructions, a task, a person's words, or what the framework itself puts in."""
        if text:
            self._steps.append(Step(actor or role, role, [Part("text", text)], at=_now()))

    def reply(
        self,
        actor: str,
        text: str = "",
        reasoning: str = "",
        *,
        model: str | None = None,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cost: float | None = None,
        depth: int = 0,
    ) -> None:
        """A model's reply, without its calls."""
        parts = [Part("reasoning", reasoning)] if reasoning else []
        parts += [Part("text", text)] if text else []
        self._steps.append(
            Step(
                actor, "agent", parts, at=_now(), model=model, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost,
                depth=depth,
            )
        )  # fmt: skip

    def call(self, actor: str, calls: Iterable[Call]) -> None:
        """Calls about to run. They belong to the actor's reply, if no gate has shown that."""
        for call in calls:
            step = self._turn_of(actor)
            step.parts.append(call.part)
            if call.id is not None:
                self._calls[call.id] = (step, call.name)

    def result(
        self, text: str, *, call_id: str | None = None, name: str | None = None, is_error: bool | None = None
    ) -> None:
        """What a call gave back. It goes to the step of the call; without one, it is a step of the environment's."""
        found = self._calls.pop(call_id, None) if call_id is not None else None
        step, name = found if found else (self._latest(), name)
        step.parts.append(result_part(text, name=name, call_id=call_id, is_error=is_error))

    def take(self) -> list[Step]:
        """The steps, which are not kept. A later result of a call among them makes a step of its own."""
        steps = self.steps
        self.clear()
        return steps

    def clear(self) -> None:
        """Forget what a rollback undoes."""
        self._steps, self._calls = [], {}

    def _turn_of(self, actor: str) -> Step:
        last = self._steps[-1] if self._steps else None
        if last is None or last.role != "agent" or last.actor != actor or _answered(last):
            last = Step(actor, "agent", at=_now())
            self._steps.append(last)
        return last

    def _latest(self) -> Step:
        """The step that waits for a result, where the framework has no ids for calls."""
        if self._steps and any(part.kind == "tool_call" for part in self._steps[-1].parts):
            return self._steps[-1]
        step = Step("environment", "environment", at=_now())
        self._steps.append(step)
        return step


def _answered(step: Step) -> bool:
    return any(part.kind == "tool_result" for part in step.parts)


def arguments_of(text: Any) -> Any:
    """The arguments that a model wrote as JSON text; any other text as it is."""
    return parse_arguments(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
