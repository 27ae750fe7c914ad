"""A window over the last steps of a session log, in which late lines still find the step they belong to.

Session logs (Claude Code, Codex) write a call and its result as separate lines, with others between. Steps are
given on in file order, so a step whose calls are unanswered holds back those behind it, but never more than
WINDOW_STEPS of them: a run that was killed, or a tool that takes hours, must not stop the stream. One step is
always kept, because the next line may belong to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sessions.run import Part, Raw, Step

WINDOW_STEPS = 64
#: A step that gathers more records kept raw than this is followed by a step for the rest: memory stays bounded.
MAX_RAW_PARTS = 1000


@dataclass(slots=True, eq=False)
class Turn:
    """A step that is still being put together.

    run: which of the file's runs it belongs to. message: the API message it tells (lines of one message merge).
    waiting: number of unanswered calls. results, raws: parts that go behind the others when the turn is closed.
    spare: results by call id for calls whose own result never comes. started: sub-agents (id, call id) it began.
    """

    step: Step
    run: int = 0
    message: str | None = None
    waiting: int = 0
    results: list[Part] = field(default_factory=list)
    raws: list[Part] = field(default_factory=list)
    spare: dict[str, Part] = field(default_factory=dict)
    started: list[tuple[str, str | None]] = field(default_factory=list)


class Window:
    """The turns not yet given on, their unanswered calls by id, and what waits for a first turn."""

    def __init__(self) -> None:
        self.turns: deque[Turn] = deque()
        self.calls: dict[str, tuple[Turn, Part]] = {}
        self.messages: dict[str, Turn] = {}
        self._early_spans: list[Raw] = []
        self._early_raws: list[Part] = []

    def add(self, turn: Turn) -> None:
        """A new last turn. It takes over what came before any turn was there."""
        if self._early_spans:
            turn.step.raw[:0] = self._early_spans
            turn.raws[:0] = self._early_raws
            self._early_spans, self._early_raws = [], []
        self.turns.append(turn)
        if turn.message is not None:
            self.messages[turn.message] = turn

    def expect(self, turn: Turn, call: Part) -> None:
        """A call of `turn` that a later line will answer. A call id used again belongs to its newest call."""
        if call.call_id is None:
            return
        before = self.calls.get(call.call_id)
        if before is not None:
            before[0].waiting -= 1
        self.calls[call.call_id] = (turn, call)
        turn.waiting += 1

    def answer(self, call_id: str | None, part: Part, span: Raw) -> Turn | None:
        """Put a result to its call and name it; None if no call waits for it."""
        found = self.calls.pop(call_id, None) if call_id is not None else None
        if found is None:
            return None
        turn, call = found
        part.name = call.name
        turn.waiting -= 1
        turn.results.append(part)
        raw = turn.step.raw
        if raw[-1] is not span:
            raw.append(span)
        return turn

    def attach(self, span: Raw, part: Part | None = None) -> Turn | None:
        """A record without a step of its own goes to the last turn, or to the first one that comes."""
        if not self.turns and len(self._early_raws) >= MAX_RAW_PARTS:
            self.add(Turn(Step("environment", "environment")))
        if not self.turns:
            self._early_spans.append(span)
            if part is not None:
                self._early_raws.append(part)
            return None
        turn = self.turns[-1]
        if part is not None:
            if len(turn.raws) >= MAX_RAW_PARTS:
                step = turn.step
                turn = Turn(Step("environment", "environment", depth=step.depth, branch=step.branch), turn.run)
                self.add(turn)
            turn.raws.append(part)
        turn.step.raw.append(span)
        return turn

    def ready(self) -> Iterator[Turn]:
        """The turns that nothing can be added to any more, in order."""
        turns = self.turns
        while len(turns) > 1 and (turns[0].waiting <= 0 or len(turns) > WINDOW_STEPS):
            yield self._close(turns.popleft())

    def rest(self) -> Iterator[Turn]:
        """The end of the file: everything left. Records that never met a turn make one of their own."""
        if not self.turns and self._early_raws:
            self.add(Turn(Step("environment", "environment")))
        while self.turns:
            yield self._close(self.turns.popleft())

    def _close(self, turn: Turn) -> Turn:
        """The parts in their lasting order: what the actor said and called, results in the calls' order, raw ones."""
        if turn.message is not None:
            self.messages.pop(turn.message, None)
        parts = turn.step.parts
        if turn.waiting > 0:
            self._give_up(turn)
        if len(turn.results) > 1:
            place = {part.call_id: index for index, part in enumerate(parts) if part.kind == "tool_call"}
            turn.results.sort(key=lambda part: place.get(part.call_id, len(parts)))
        parts += turn.results
        parts += turn.raws
        return turn

    def _give_up(self, turn: Turn) -> None:
        """Forget the turn's unanswered calls; where another record told the result, take that."""
        for part in turn.step.parts:
            if part.kind != "tool_call" or part.call_id is None:
                continue
            waiting = self.calls.get(part.call_id)
            if waiting is None or waiting[1] is not part:
                continue
            del self.calls[part.call_id]
            spare = turn.spare.get(part.call_id)
            if spare is not None:
                spare.name = part.name
                turn.results.append(spare)
