"""Inspect AI (written against 0.3.285): an approver. Calls can be edited; files go back, the sample's state cannot.

    from sessions.adapters.inspect_ai import review_gate, last_gate

    eval(task, approval=[ApprovalPolicy(review_gate(agent="solver", chunks="every:5"), "*")])

Each execution of a sample is a run of its own, called `SAMPLE/EPOCH/ID`. `every:N` counts tool calls: a gate opens
before the next one when a chunk is complete, and before calls that are asked for first. A rejection tells the model
why; words with an approval have no way to it and wait for the next rejection. An edit may change arguments, not the
function. On `stop`, on a rollback (the files of `workspace` went back by then, and the brief is on standard error) and
when the gate itself fails, the sample ends.

Approvers do not hear of a sample's end. Put the solver `last_gate()` behind yours to have the rest of the steps
reviewed before scoring; without it they are not recorded. Tools that run in parallel are asked for one by one while
others run: give them `parallel=False` where snapshots must be exact.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
from inspect_ai.approval import Approval, Approver, approver
from inspect_ai.hooks import Hooks, SampleEnd, hooks
from inspect_ai.model import ChatMessageUser
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.solver._task_state import sample_state  # the only way to know the sample in an approver
from inspect_ai.tool import ToolCall, ToolCallView

from sessions.adapters.base import Answer, Call, Review, Stopped, Unanswered, calls_of, paired
from sessions.errors import UserError
from sessions.readers.shared import content_text

_UNCHANGEABLE = "The call was not made: it cannot be changed as the reviewer asks."
#: The samples that are being worked on, by the id of their execution.
_samples: dict[str, _Sample] = {}


class GateFailed(RuntimeError):
    """The gate could not be opened or answered. Of a kind that Inspect does not take for a tool's error."""


class _Sample:
    """One execution of a sample: its review, and what of its conversation is on the trail."""

    def __init__(self, review: Review, task: str) -> None:
        review.start(["edit"], task)
        self.review = review
        self.lock = anyio.Lock()
        self.unsaid: list[str] = []
        self._noted: set[str] = set()
        self._refused: set[str] = set()

    def note(self, messages: Sequence[Any]) -> None:
        """Put the messages that are new on the trail. Calls were put there when they were approved."""
        trail = self.review.trail
        for message in messages:
            if message.id is None or message.id in self._noted:
                continue
            self._noted.add(message.id)
            if message.role == "assistant":
                blocks = message.content if isinstance(message.content, list) else []
                thoughts = [block.reasoning for block in blocks if block.type == "reasoning"]
                trail.reply(self.review.agent, message.text, "\n".join(filter(None, thoughts)), model=message.model)
            elif message.role == "tool":
                if message.tool_call_id not in self._refused:
                    text = message.error.message if message.error else message.text
                    trail.result(
                        text, call_id=message.tool_call_id, name=message.function, is_error=message.error is not None
                    )
            else:
                trail.say(message.role, message.text)

    async def decide(self, call: ToolCall, history: Sequence[Any]) -> Approval:
        """What becomes of a call. Raises what a gate does."""
        self.note(history)
        review, proposed = self.review, Call(call.function, call.arguments, call.id)
        made, answer = call, None
        if review.due() or review.asks_for([proposed]):
            answer = await review.gate_async(proposed=[proposed])
            if answer.verdict == "rollback":
                review.restart(answer, "a sample of Inspect cannot go back")
            if answer.verdict == "reject":
                return self._refuse(call, answer, [])
            if answer.edited is not None:
                (edited,), _ = paired([proposed], calls_of(answer.edited))
                if edited is None or edited.name != call.function or not isinstance(edited.arguments, dict):
                    return self._refuse(call, answer, [_UNCHANGEABLE])
                made = replace(call, arguments=edited.arguments)
            self.unsaid += [words] if (words := review.words(answer)) else []
        review.counted()
        review.trail.call(review.agent, [Call(made.function, made.arguments, made.id)])
        if made is call:
            return Approval(decision="approve", explanation=answer.message if answer else None, metadata=_by(answer))
        return Approval(decision="modify", modified=made, explanation="edited by the reviewer", metadata=_by(answer))

    def _refuse(self, call: ToolCall, answer: Answer, more: list[str]) -> Approval:
        self._refused.add(call.id)
        words = "\n\n".join([*more, *self.unsaid, str(self.review.words(answer))])
        self.unsaid = []
        self.review.tell(words)
        return Approval(decision="reject", explanation=words, metadata=_by(answer))


def _by(answer: Answer | None) -> dict[str, Any] | None:
    """Who decided: for Inspect's own log."""
    return {"by": answer.by, "how": answer.how, "gate": answer.gate, "run": answer.run} if answer else None


@approver(name="review_gate")  # type: ignore[untyped-decorator]  # of a package without types here
def review_gate(
    agent: str = "inspect",
    run: str = "",
    workspace: str | None = None,
    rules: Sequence[str] = (),
    chunks: str = "every:5",
    before: Any = "risky",
    timeout_s: float | None = None,
    db: str | None = None,
    snapshots: str | None = None,
) -> Approver:
    """Have tool calls reviewed. run: what the names of runs begin with. The rest as for `Review`."""

    def begin(state: TaskState) -> _Sample:
        name = "/".join(filter(None, [run, str(state.sample_id), str(state.epoch), state.uuid[:8]]))
        review = Review(
            agent=agent, run=name, workspace=workspace, rules=rules, chunks=chunks, before=before, timeout_s=timeout_s,
            db=db, snapshots=snapshots,
        )  # fmt: skip
        return _Sample(review, state.input_text)

    async def approve(message: str, call: ToolCall, view: ToolCallView, history: list[Any]) -> Approval:  # noqa: ARG001
        state = sample_state()
        if state is None:
            return Approval(decision="reject", explanation="There is no sample here whose run could be reviewed.")
        try:
            if state.uuid not in _samples:
                _samples[state.uuid] = begin(state)
            sample = _samples[state.uuid]
            async with sample.lock:
                return await sample.decide(call, history)
        except Stopped as stopped:
            return Approval(decision="terminate", explanation=str(stopped), metadata=_by(stopped.answer))
        except (Unanswered, UserError, OSError) as error:
            raise GateFailed(str(error)) from error

    return approve


@solver  # type: ignore[untyped-decorator]
def last_gate() -> Solver:
    """A solver that ends a reviewed sample: the last gate. Rejected, the model goes on with the reviewer's words and
    the tools that it has. Nothing for a sample in which no call was asked for."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        sample = _samples.get(state.uuid)
        while sample is not None:
            sample.note(state.messages)
            try:
                async with sample.lock:
                    answer = await sample.review.gate_async(final=True)
                if answer.verdict == "rollback":
                    sample.review.restart(answer, "a sample of Inspect cannot go back")
            except Stopped:
                state.completed = True
                return state
            if answer.verdict != "reject":
                break
            words = str(sample.review.words(answer))
            sample.review.tell(words)
            told = ChatMessageUser(content=content_text(words))
            sample._noted.add(str(told.id))
            state.messages.append(told)
            state = await generate(state)
        return state

    return solve


@hooks(name="review_gate", description="Closes the reviews of samples that have ended.")
class _Closing(Hooks):  # type: ignore[misc]
    async def on_sample_end(self, data: SampleEnd) -> None:
        sample = _samples.pop(data.sample_id, None)
        if sample is not None:
            sample.review.end()
            sample.review.close()
