"""One session of an Agent Client Protocol log on its way to steps: what each message adds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import dumps
from sessions.readers.acp_content import OVER, Call, block_text, parent_of, plan_text
from sessions.readers.base import Source
from sessions.readers.event_turns import Lane, Turns, note_raw
from sessions.readers.leftovers import iso_time, mapping, sequence, text_or_none
from sessions.readers.shared import call_part, raw_part, result_part, string, title_of
from sessions.run import Facts, Header, Part, Problem, Raw, Record

Entry = tuple[Raw, Any]
_CHUNKS = {"user_message_chunk": "user", "agent_message_chunk": "text", "agent_thought_chunk": "reasoning"}
#: Updates that only tell how the session stands: facts of the run, the last one counts.
_STATES = {
    "available_commands_update": "availableCommands",
    "current_mode_update": "currentModeId",
    "config_option_update": "configOptions",
    "usage_update": None,
    "session_info_update": None,
}
#: Requests that the editor makes; all others with an id are the agent's.
EDITORS = (
    *("initialize", "authenticate", "session/new", "session/load", "session/resume", "session/fork", "session/list"),
    *("session/prompt", "session/set_mode", "session/set_model", "session/set_config_option"),
)
_MAX_PENDING = 1000
_WRAPPERS = ("message", "payload", "data", "msg", "rpc", "json", "content")
_TIMES = ("timestamp", "time", "at", "ts")


class Session:
    """One session of a log on its way to steps."""

    def __init__(self, item: int, name: str | None = None) -> None:
        self.item, self.name = item, name
        self._turns = Turns()
        self._lanes: dict[str, Lane] = {}
        self._calls: dict[str, Call] = {}
        self._requests: dict[str, str] = {}
        self._prompts: dict[str, str] = {}
        self._chunk: tuple[str, str | None, Lane] | None = None
        self._asked: str | None = None
        self._facts: dict[str, Any] = {}
        self._values: dict[str, Any] = {"title": "", "task": None, "system": None, "started_at": None}

    def read(self, source: Source, entries: Iterator[Entry | Problem]) -> Iterator[Record]:
        header: Header | None = None
        for entry in entries:
            if isinstance(entry, Problem):
                yield entry
                continue
            self._take(*entry)
            for step in self._turns.finished():
                if header is None:
                    yield (header := self._header(source))
                yield step
        self._end_chunk()
        for call in self._calls.values():
            self._answer(call)
        rest = list(self._turns.rest())
        if header is None:
            yield self._header(source)
        yield from rest
        yield self._learnt(source)

    def _header(self, source: Source) -> Header:
        return Header("acp", item=self.item, native_id=self.name, **self._told(source))

    def _learnt(self, source: Source) -> Facts:
        return Facts(self._told(source))

    def _told(self, source: Source) -> dict[str, Any]:
        title = self._values["title"] or title_of(self._values["task"]) or source.path.stem
        return {**self._values, "title": title, "facts": dict(self._facts)}

    # -- messages -----------------------------------------------------------------------------------------------------

    def _take(self, raw: Raw, value: Any) -> None:
        message, at = unwrapped(value)
        if message is None:
            self._turns.attach(raw, raw_part("unknown", value))
            return
        self._values["started_at"] = self._values["started_at"] or at
        params = message.get("params")
        update = message.get("update", message) if "method" not in message else mapping(params).get("update")
        if isinstance(update, dict) and isinstance(update.get("sessionUpdate"), str):
            self._update(update, raw, at)
        elif isinstance(message.get("method"), str):
            self._request(message, message["method"], mapping(params), raw, at)
        elif "id" in message and ("result" in message or "error" in message):
            self._response(message, raw)
        else:
            self._turns.attach(raw, raw_part("unknown", value))

    def _request(self, message: dict[str, Any], method: str, params: dict[str, Any], raw: Raw, at: str | None) -> None:
        key = dumps(message.get("id"))
        if method == "session/prompt":
            self._end_chunk()
            self._prompts[key] = method
            text = "\n".join(block_text(block) for block in sequence(params.get("prompt")))
            turn = self._turns.begin(self._turns.main, "user", raw, at)
            turn.step.parts.append(Part("text", text))
            self._note_task(text)
            self._asked = text
        elif method in EDITORS:
            self._prompts[key] = method
            self._note_request(params)
            self._turns.attach(raw)
        elif "id" in message:
            self._end_chunk()
            turn = self._turns.agent(self._turns.main, raw, at, "call")
            call = call_part(method, {name: params[name] for name in params if name != "sessionId"}, f"rpc {key}")
            turn.step.parts.append(call)
            self._turns.window.expect(turn, call)
            self._requests[key] = method
        elif method == "session/cancel":
            self._end_chunk()
            turn = self._turns.begin(self._turns.main, "user", raw, at)
            turn.step.parts.append(raw_part(method, params))
        else:
            self._turns.attach(raw, raw_part(method, params))
        for pending in (self._requests, self._prompts):
            if len(pending) > _MAX_PENDING:
                del pending[next(iter(pending))]

    def _note_request(self, params: dict[str, Any]) -> None:
        for name in ("cwd", "modeId", "modelId"):
            if text_or_none(params.get(name)):
                self._facts[name] = params[name]

    def _response(self, message: dict[str, Any], raw: Raw) -> None:
        """Both sides count their requests from 0, so an id may mean two of them; the prompt's says why it ended."""
        key, result, error = dumps(message.get("id")), message.get("result"), message.get("error")
        ended = "stopReason" in mapping(result)
        if key in self._requests and not (ended and key in self._prompts):
            del self._requests[key]
            text = string(mapping(error).get("message") if error is not None else result)
            self._turns.window.answer(f"rpc {key}", result_part(text, is_error=error is not None), raw)
            return
        method = self._prompts.pop(key, None)
        told = mapping(result)
        if agent := mapping(told.get("agentInfo")):
            names = [text_or_none(agent.get(name)) for name in ("name", "version")]
            self._values["system"] = " ".join(filter(None, names)) or None
        for name in ("stopReason", "usage", "protocolVersion"):
            if told.get(name) is not None:
                self._facts[name] = told[name]
        if method is None and not ended and not agent:
            self._turns.attach(raw, raw_part("response", message.get("result", error)))
        elif error is not None:
            self._end_chunk()
            turn = self._turns.begin(self._turns.main, "environment", raw)
            text = string(mapping(error).get("message")) or string(error)
            turn.step.parts.append(Part("text", text, is_error=True))
        else:
            self._turns.attach(raw)

    # -- updates ------------------------------------------------------------------------------------------------------

    def _update(self, update: dict[str, Any], raw: Raw, at: str | None) -> None:
        kind = str(update["sessionUpdate"])
        if kind in _CHUNKS:
            self._chunk_of(kind, update, raw, at)
            return
        self._end_chunk()
        if kind in ("tool_call", "tool_call_update"):
            self._tool_call(update, raw, at)
        elif kind == "plan":
            turn = self._turns.agent(self._turns.main, raw, at, "say")
            turn.step.parts.append(Part("text", plan_text(update.get("entries")), name="plan"))
        elif kind in _STATES:
            self._state(kind, update)
            self._turns.attach(raw)
        else:
            self._turns.attach(raw, raw_part(kind, update))

    def _state(self, kind: str, update: dict[str, Any]) -> None:
        if kind == "session_info_update":
            self._values["title"] = title_of(text_or_none(update.get("title"))) or self._values["title"]
        elif kind == "usage_update":
            self._facts["usage_update"] = {key: update[key] for key in ("used", "size", "cost") if key in update}
        elif update.get(str(_STATES[kind])) is not None:
            self._facts[str(_STATES[kind])] = update[str(_STATES[kind])]

    def _lane(self, update: dict[str, Any]) -> Lane:
        parent = parent_of(update)
        if parent is None:
            return self._turns.main
        lane = self._lanes.get(parent)
        if lane is None:
            call = self._calls.get(parent)
            outer = call.turn.step if call is not None else None
            depth = (outer.depth if outer is not None else 0) + 1
            asker = outer.actor if outer is not None else self._turns.main.actor
            name = mapping(call.part.arguments).get("subagent_type") if call is not None else None
            lane = Lane(text_or_none(name) or "sub-agent", depth, parent, asker)
            if len(self._lanes) >= _MAX_PENDING:
                self._turns.close(self._lanes.pop(next(iter(self._lanes))))
            self._lanes[parent] = lane
        return lane

    def _chunk_of(self, kind: str, update: dict[str, Any], raw: Raw, at: str | None) -> None:
        lane, message = self._lane(update), text_or_none(update.get("messageId"))
        text = block_text(update.get("content"))
        if self._chunk == (kind, message, lane) and self._turns.piece("chunk", text, raw):
            return
        self._end_chunk()
        part = Part("reasoning" if kind == "agent_thought_chunk" else "text", "")
        if _CHUNKS[kind] != "user":
            turn = self._turns.agent(lane, raw, at, "say")
        elif self._asked is not None and lane.current is not None and lane.current.step.role == "user":
            turn = lane.current  # it may repeat the prompt that was just sent
        else:
            turn = self._turns.begin(lane, "user", raw, at)
        turn.step.native_id = turn.step.native_id or message
        if self._asked is None or turn.step.role != "user":
            self._asked = None
            turn.step.parts.append(part)
        self._turns.stream("chunk", turn, part)
        self._turns.piece("chunk", text, raw)
        self._chunk = (kind, message, lane)

    def _end_chunk(self) -> None:
        """A text is whole. The user's that only repeats the prompt that was just sent is no second step."""
        stream, self._chunk = self._turns.streaming("chunk"), None
        if stream is None:
            return
        self._turns.end("chunk")
        if stream.turn.step.role != "user":
            return
        if self._asked is not None and stream.part.text != self._asked:
            turn = self._turns.begin(self._turns.main, "user", stream.turn.step.raw[-1])
            turn.step.parts.append(stream.part)
        self._asked = None
        self._note_task(stream.part.text)

    def _note_task(self, text: str) -> None:
        if self._values["task"] is None and text.strip():
            self._values["task"] = text

    def _tool_call(self, update: dict[str, Any], raw: Raw, at: str | None) -> None:
        name = text_or_none(update.get("toolCallId"))
        call = self._calls.get(name or "")
        if call is None or name is None:
            lane = self._lane(update)
            turn = self._turns.agent(lane, raw, at, "call")
            part = Part("tool_call", "", call_id=name)
            turn.step.parts.append(part)
            call = Call(turn, part)
            self._turns.window.expect(turn, part)
            if name is not None:
                self._calls[name] = call
                if len(self._calls) > _MAX_PENDING:
                    self._answer(self._calls.pop(next(iter(self._calls))))
        else:
            note_raw(call.turn, raw)
        call.update(update)
        if call.seen.get("status") in OVER or name is None:
            self._answer(call)
            self._calls.pop(name or "", None)

    def _answer(self, call: Call) -> None:
        """Give a call its result, if it is over or has shown any."""
        shown = call.seen.get("content") or call.seen.get("rawOutput") is not None
        if not shown and call.seen.get("status") not in OVER:
            return
        result, raw = call.result(), call.turn.step.raw[-1]
        if call.part.call_id is None and call.turn is self._turns.main.current:
            call.turn.results.append(result)
        elif self._turns.window.answer(call.part.call_id, result, raw) is None:
            result.name = call.part.name
            self._turns.begin(self._turns.main, "environment", raw).step.parts.append(result)


def unwrapped(line: Any) -> tuple[dict[str, Any] | None, str | None]:
    """The message on a line and when it came; None if there is none."""
    if not isinstance(line, dict):
        return None, None
    at = next((iso_time(line[key]) for key in _TIMES if key in line), None)
    if _is_message(line):
        return line, at
    for key in _WRAPPERS:
        inner = line.get(key)
        if isinstance(inner, dict) and _is_message(inner):
            return inner, at
    return None, None


def _is_message(value: dict[str, Any]) -> bool:
    if isinstance(value.get("sessionUpdate"), str) or "sessionUpdate" in mapping(value.get("update")):
        return True
    return value.get("jsonrpc") == "2.0" or isinstance(value.get("method"), str)
