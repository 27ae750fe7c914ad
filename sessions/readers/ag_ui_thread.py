"""One thread of an AG-UI log on its way to steps: what each event adds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.readers.ag_ui_history import Known, event_type, value_of
from sessions.readers.base import Source
from sessions.readers.chat_roles import actor_and_role
from sessions.readers.event_turns import Lane, Turns, note_raw, text_of
from sessions.readers.leftovers import is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.pairing import Turn
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string, title_of
from sessions.run import Facts, Header, Part, PartKind, Problem, Raw, Record, Step

_TEXT = ("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TEXT_MESSAGE_CHUNK")
_THOUGHT = (
    *("REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_END", "REASONING_MESSAGE_CHUNK"),
    *("THINKING_TEXT_MESSAGE_START", "THINKING_TEXT_MESSAGE_CONTENT", "THINKING_TEXT_MESSAGE_END"),
)
_CALL = ("TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_CHUNK", "TOOL_CALL_RESULT")
RUN = ("RUN_STARTED", "RUN_FINISHED", "RUN_ERROR", "STEP_STARTED", "STEP_FINISHED")
_SILENT = ("REASONING_START", "REASONING_END", "THINKING_START", "THINKING_END", "RAW", "REASONING_ENCRYPTED_VALUE")
KNOWN = frozenset((*_TEXT, *_THOUGHT, *_CALL, *RUN, *_SILENT, "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "STATE_DELTA"))
_MAX_LANES = 1000


class Thread:
    """One thread on its way to steps."""

    def __init__(self, source: Source, item: int) -> None:
        self.item = item
        self.name: str | None = None
        self._source = source
        self._turns = Turns()
        self._lanes: dict[str, Lane] = {}
        self._chunks: dict[str, str] = {}
        self._calls: dict[str, Turn] = {}
        self._known = Known()
        self._stages: list[str] = []
        self._given = False
        self._task: str | None = None
        self._started_at: str | None = None
        self._facts: dict[str, Any] = {}

    def problem(self, problem: Problem) -> Iterator[Record]:
        yield problem

    def take(self, raw: Raw, event: Any) -> Iterator[Record]:
        """Take an event in; gives the steps that are finished by it."""
        kind = event_type(event)
        if kind is None:
            self._turns.attach(raw, raw_part("unknown", event))
        else:
            at = iso_time(event.get("timestamp"))
            self._started_at = self._started_at or at
            self._event(kind, event, raw, at)
        for step in self._turns.finished():
            yield from self._give(step)

    def _give(self, step: Step) -> Iterator[Record]:
        if not self._given:
            self._given = True
            yield Header("ag-ui", item=self.item, **self._told())
        yield step

    def close(self) -> Iterator[Record]:
        for step in list(self._turns.rest()):
            yield from self._give(step)
        if self._given:
            yield Facts(self._told())
        elif self.item == 0 or self.name is not None:
            yield Header("ag-ui", item=self.item, **self._told())

    def _told(self) -> dict[str, Any]:
        return {
            "title": title_of(self._task) or self.name or self._source.path.stem,
            "task": self._task,
            "native_id": self.name,
            "started_at": self._started_at,
            "facts": dict(self._facts),
        }

    # -- events -------------------------------------------------------------------------------------------------------

    def _event(self, kind: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        if kind in _TEXT or kind in _THOUGHT:
            self._text(kind, event, raw, at)
        elif kind in _CALL:
            self._call(kind, event, raw, at)
        elif kind in RUN:
            self._run(kind, event, raw, at)
        elif kind == "MESSAGES_SNAPSHOT":
            self._history(event.get("messages"), raw)
        elif kind.startswith("SUBAGENT_"):
            self._subagent(kind, event, raw, at)
        elif kind in _SILENT:
            self._turns.attach(raw)
        else:
            self._turns.attach(raw, raw_part(kind, event))

    def _lane(self, event: dict[str, Any]) -> Lane:
        name = value_of(event, "subagentRunId")
        if not isinstance(name, str):
            return self._turns.main
        return self._lanes.get(name) or self._new_lane(name, {})

    def _new_lane(self, name: str, event: dict[str, Any]) -> Lane:
        outer = self._lanes.get(string(value_of(event, "parentSubagentRunId")), self._turns.main)
        call = text_or_none(value_of(event, "parentToolCallId"))
        lane = Lane(text_or_none(event.get("name")) or "sub-agent", outer.depth + 1, call, outer.actor)
        if len(self._lanes) >= _MAX_LANES:
            self._turns.close(self._lanes.pop(next(iter(self._lanes))))
        self._lanes[name] = lane
        return lane

    def _staged(self, turn: Turn) -> Turn:
        if self._stages and turn.step.stage is None:
            turn.step.stage = self._stages[-1]
        return turn

    def _text(self, kind: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        lane, thought = self._lane(event), kind in _THOUGHT
        message = text_or_none(value_of(event, "messageId"))
        if kind.endswith("_CHUNK"):
            message = message or self._chunks.get(f"{lane.depth} {lane.actor} {thought}")
            self._chunks[f"{lane.depth} {lane.actor} {thought}"] = message or ""
        key = f"{'thought' if thought else 'text'} {message}"
        if kind.endswith("_END"):
            stream = self._turns.streaming(key)
            if stream is None or not self._turns.end(key, raw):
                self._turns.attach(raw)
            elif not thought:
                self._note_said(stream.turn.step.role, stream.part.text)
            return
        delta = text_of(event.get("delta"))
        if not kind.endswith("_START") and self._turns.piece(key, delta, raw):
            return
        self._begin_text(key, message, lane, event, raw, at, "reasoning" if thought else "text")
        if delta:
            self._turns.piece(key, delta, raw)

    def _begin_text(
        self, key: str, message: str | None, lane: Lane, event: dict[str, Any], raw: Raw, at: str | None, kind: PartKind
    ) -> None:
        role = text_or_none(event.get("role")) or "assistant"
        if kind == "reasoning" or role == "assistant":
            if lane.current is not None and lane.current.message not in (None, message):
                self._turns.close(lane)
            turn = self._turns.agent(lane, raw, at, "say")
            if kind == "text" and (name := text_or_none(event.get("name"))):
                turn.step.actor = name
        else:
            actor, step_role, _ = actor_and_role(role, text_or_none(event.get("name")))
            own = step_role != "user" or not lane.depth
            turn = self._turns.begin(lane, step_role, raw, at, actor if own else None)
        part = Part(kind, "")
        turn.step.parts.append(part)
        if kind == "text" and message is not None:
            self._name_turn(turn, message)
        self._turns.stream(key, self._staged(turn), part)

    def _name_turn(self, turn: Turn, message: str) -> None:
        """The message that a turn tells, so that its calls find it."""
        if turn.message is None:
            turn.message = turn.step.native_id = message
            self._turns.window.messages[message] = turn
        self._known.messages.add(message)

    def _call(self, kind: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        call = text_or_none(value_of(event, "toolCallId"))
        key = f"call {call}"
        if kind == "TOOL_CALL_RESULT":
            self._result(call, event, content_text(event.get("content")), raw)
        elif kind == "TOOL_CALL_END":
            if not self._turns.end(key, raw):
                self._turns.attach(raw)
        elif kind == "TOOL_CALL_ARGS" or (call is None and kind == "TOOL_CALL_CHUNK"):
            key = key if call is not None else self._chunks.get("call", "")
            if not self._turns.piece(key, text_of(event.get("delta")), raw):
                self._turns.attach(raw, raw_part(kind, event))
        elif not (kind == "TOOL_CALL_CHUNK" and self._turns.piece(key, text_of(event.get("delta")), raw)):
            self._begin_call(call, key, event, raw, at)

    def _begin_call(self, call: str | None, key: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        lane, parent = self._lane(event), text_or_none(value_of(event, "parentMessageId"))
        turn = self._turns.window.messages.get(parent or "")
        if turn is None:
            turn = self._staged(self._turns.agent(lane, raw, at, "call"))
            if parent is not None and parent not in self._known.messages and turn.message is None:
                self._name_turn(turn, parent)
        else:
            note_raw(turn, raw)
        part = Part("tool_call", "", name=string(value_of(event, "toolCallName")), call_id=call, arguments={})
        turn.step.parts.append(part)
        self._turns.window.expect(turn, part)
        self._turns.stream(key, turn, part)
        if call is not None:
            self._known.calls.add(call)
        if delta := text_of(event.get("delta")):
            self._turns.piece(key, delta, raw)
        self._chunks["call"] = key

    def _result(self, call: str | None, event: dict[str, Any], text: str, raw: Raw, error: bool | None = None) -> None:
        """A call's result. One that was told before (a history repeats it) is not told again."""
        self._turns.end(f"call {call}")
        message = text_or_none(value_of(event, "messageId")) or text_or_none(event.get("id"))
        if message is not None:
            self._known.messages.add(message)
        self._known.results.add(call)
        part = result_part(text, call_id=call, is_error=error)
        if self._turns.window.answer(call, part, raw) is None:
            turn = self._turns.begin(self._lane(event), "environment", raw, iso_time(event.get("timestamp")))
            turn.step.parts.append(part)

    def _run(self, kind: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        if kind == "STEP_STARTED":
            self._stages.append(string(value_of(event, "stepName")))
            del self._stages[:-100]
            self._turns.close(self._turns.main)
        elif kind == "STEP_FINISHED":
            self._stages[-1:] = []
            self._turns.close(self._turns.main)
        elif kind == "RUN_ERROR":
            turn = self._turns.begin(self._turns.main, "environment", raw, at)
            turn.step.parts.append(Part("text", string(event.get("message")), is_error=True))
            self._facts |= {"error": event["code"]} if text_or_none(event.get("code")) else {}
        elif kind == "RUN_STARTED":
            self.name = self.name or text_or_none(value_of(event, "threadId"))
            self._facts.setdefault("runs", []).append(value_of(event, "runId"))
            self._turns.attach(raw)
            self._input(mapping(event.get("input")), raw)
        else:
            self._finished(event, raw)
        if not is_trivial(event.get("usage")):
            self._facts.setdefault("usage", []).append(event["usage"])
        if kind.startswith("STEP"):
            self._turns.attach(raw)

    def _input(self, given: dict[str, Any], raw: Raw) -> None:
        """What a run was started with: tools are a fact, messages are steps as far as they are new."""
        if not is_trivial(given.get("tools")):
            self._facts["tools"] = given["tools"]
        if "messages" in given:
            self._history(given["messages"], raw)

    def _finished(self, event: dict[str, Any], raw: Raw) -> None:
        outcome = mapping(event.get("outcome"))
        if outcome.get("type") not in (None, "success"):
            self._turns.attach(raw, raw_part("outcome", outcome))
        elif not is_trivial(event.get("result")):
            self._turns.attach(raw, raw_part("result", event["result"]))
        else:
            self._turns.attach(raw)

    def _subagent(self, kind: str, event: dict[str, Any], raw: Raw, at: str | None) -> None:
        name = string(value_of(event, "subagentRunId"))
        if kind == "SUBAGENT_STARTED":
            self._new_lane(name, event)
        lane = self._lane(event)
        if kind == "SUBAGENT_ERROR":
            turn = self._turns.begin(lane, "environment", raw, at)
            turn.step.parts.append(Part("text", string(event.get("message")), is_error=True))
        elif kind == "SUBAGENT_STARTED" and text_or_none(event.get("description")):
            turn = self._turns.begin(lane, "user", raw, at)
            turn.step.parts.append(Part("text", string(event["description"])))
        else:
            self._turns.attach(raw, raw_part(kind, event) if not is_trivial(event.get("result")) else None)
        if kind != "SUBAGENT_STARTED":
            self._turns.close(lane)

    # -- whole histories ----------------------------------------------------------------------------------------------

    def _note_said(self, role: str, text: str) -> None:
        self._known.say(role, text)
        if self._task is None and role == "user" and text.strip():
            self._task = text

    def _history(self, messages: Any, raw: Raw) -> None:
        new = list(self._known.new_in(messages))
        for message in new:
            self._message(*message, raw)
        if not new:
            self._turns.attach(raw)

    def _message(self, message: dict[str, Any], role: str, text: str, raw: Raw) -> None:
        """A message that only a history tells."""
        name = text_or_none(message.get("id"))
        lane = self._lane(message)
        if role == "environment" and value_of(message, "toolCallId") is not None:
            error = text_or_none(message.get("error"))
            call = text_or_none(value_of(message, "toolCallId"))
            self._result(call, message, text or error or "", raw, bool(error) or None)
            return
        if message.get("role") == "activity":
            self._turns.attach(raw, raw_part("activity", message))
            return
        turn = self._turns.begin(lane, "agent" if role == "reasoning" else actor_and_role(role)[1], raw)
        self._staged(turn)
        if name is not None:
            self._name_turn(turn, name)
        if text:
            turn.step.parts.append(Part("reasoning" if role == "reasoning" else "text", text))
        for item in sequence(value_of(message, "toolCalls")):
            function = mapping(mapping(item).get("function"))
            part = call_part(
                string(function.get("name")), function.get("arguments"), text_or_none(mapping(item).get("id"))
            )
            turn.step.parts.append(part)
            self._turns.window.expect(turn, part)
            self._known.calls.add(part.call_id)
        self._note_said(turn.step.role if role != "reasoning" else role, text)
