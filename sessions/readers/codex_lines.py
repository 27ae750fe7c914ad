"""The lines of a Codex rollout, or of `codex exec --json`, put together to turns. It streams (see `pairing`)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import Source
from sessions.readers.codex_echoes import Echoes
from sessions.readers.codex_inherited import Inherited
from sessions.readers.codex_items import (
    INJECTED,
    call_of,
    ended,
    message_parts,
    output_part,
    reasoning_texts,
    snake,
    tool_item,
)
from sessions.readers.leftovers import MOST
from sessions.readers.pairing import Turn, Window
from sessions.readers.shared import string, title_of
from sessions.run import DEFAULT_ACTOR, Header, Part, Problem, Role, Span, Step

_CALLS = 1024
_META = ("cwd", "originator", "source", "model_provider", "git", "parent_thread_id", "forked_from_id", "agent_role")


class Rollout:
    """Reads one file; `header` fills up as it goes."""

    def __init__(self, source: Source, header: Header) -> None:
        self.header = header
        self._source = source
        self._window = Window()
        self._turn: Turn | None = None  # the agent's, while it may take more items
        self._model: str | None = None
        self._echoes = Echoes(self._window)
        self._called: OrderedDict[str, None] = OrderedDict()
        self._inherited: Inherited | None = None  # while there may be records of the parent's
        self._totals: dict[str, int] = {}
        self._turns_since_count = 0
        self._handlers: dict[str, Callable[[dict[str, Any], Any, Span], bool]] = {
            "response_item": self._item,
            "event_msg": self._event,
            "session_meta": self._meta,
            "turn_context": self._context,
            "compacted": self._compacted,
        }

    def turns(self) -> Iterator[Turn | Problem]:
        """The turns in order. A line that is no JSON object is a Problem; nothing else is lost."""
        source, window = self._source, self._window
        queue = window.turns
        for number, offset, line in source.lines():
            try:
                record = loads(line)
                if type(record) is not dict:
                    raise BadJson("not a JSON object")
                self._take(record, Span(offset, len(line)), line)
            except BadJson as error:
                yield source.problem(str(error), number)
            except RecursionError:
                yield source.problem("nested too deeply", number)
            if len(queue) > 1:
                yield from window.ready()
        self._end_inherited()
        yield from window.rest()

    def _take(self, record: dict[str, Any], span: Span, line: bytes) -> None:
        if self._inherited is not None and self._is_inherited(record, span):
            return
        kind, payload = record.get("type"), record.get("payload")
        understood = False
        if type(payload) is dict:
            handler = self._handlers.get(kind) if type(kind) is str else None
            understood = handler is not None and handler(record, payload, span)
        elif payload is None:
            understood = self._bare(record, span)
        if not understood:
            subtype = payload.get("type") if type(payload) is dict else None
            name = string(kind) or string(record.get("record_type")) or "record"
            name = f"{name}/{subtype}" if type(subtype) is str else name
            self._window.attach(span, Part("raw", line.decode("utf-8", "replace"), name=name))

    # Records about the run

    def _meta(self, record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        """The session's first record. A second one belongs to the parent a sub-agent was forked from."""
        header = self.header
        if header.native_id is not None:
            return False
        header.native_id = string(payload.get("id")) or string(payload.get("session_id")) or None
        version, at = payload.get("cli_version"), payload.get("timestamp") or record.get("timestamp")
        header.system = f"codex {version}" if type(version) is str and version else "codex"
        header.started_at = at if type(at) is str else None
        for key in _META:
            if payload.get(key) is not None:
                header.facts[key] = payload[key]
        self._window.attach(span)
        self._inherited = Inherited.of(payload, self._source.path, header.facts)
        return True

    def _is_inherited(self, record: dict[str, Any], span: Span) -> bool:
        inherited = self._inherited
        assert inherited is not None
        if not inherited.has(record, span):
            self._end_inherited()
            return False
        if inherited.turn is None:
            inherited.turn = self._open({}, "system", span)
        return True

    def _end_inherited(self) -> None:
        if self._inherited is not None:
            self._inherited.close(self.header.facts)
            self._inherited = None

    def _context(self, _record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        model = payload.get("model")
        if type(model) is str:
            self._model = model
            self.header.model = self.header.model or model
        for key in ("approval_policy", "sandbox_policy", "cwd"):
            if payload.get(key) is not None:
                self.header.facts.setdefault(key, payload[key])
        self._window.attach(span)
        return True

    def _compacted(self, record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        """The history was replaced by a summary; what replaced it stays in the record."""
        text = payload.get("message")
        self._count("compactions")
        self._say_as(
            "system", record, [Part("text", text if type(text) is str and text else "Context compacted")], span
        )
        return True

    def _bare(self, record: dict[str, Any], span: Span) -> bool:
        """Lines without a payload: the oldest logs (items themselves), and `codex exec --json`."""
        kind = record.get("type")
        if type(kind) is not str:
            return "id" in record and "timestamp" in record and self._meta(record, record, span)
        if kind == "thread.started":
            self.header.native_id = string(record.get("thread_id")) or self.header.native_id
        elif kind in ("item.started", "item.updated", "item.completed"):
            item = record.get("item")
            return type(item) is dict and self._finished_item(record, item, span, done=kind == "item.completed")
        elif kind == "turn.completed" and type(record.get("usage")) is dict:
            self.header.facts["usage"] = record["usage"]
        elif kind in ("turn.failed", "error"):
            return self._error(record, record.get("error") or record.get("message"), span)
        elif kind != "turn.started":
            return self._item(record, record, span)
        self._window.attach(span)
        return True

    # Items: what the model read and wrote

    def _item(self, record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        kind = payload.get("type")
        if type(kind) is not str:
            return False
        if kind == "message":
            return self._message(record, payload, span)
        if kind == "reasoning":
            return self._reasoning(record, reasoning_texts(payload), span, event=False)
        if kind.endswith("_call"):
            self._call(record, call_of(kind, payload), span, answered=kind == "web_search_call")
            return True
        if kind.endswith("_output"):
            self._output(record, output_part(payload), span)
            return True
        return False

    def _message(self, record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        role = payload.get("role")
        parts, text = message_parts(payload.get("content"))
        if not parts or role not in ("user", "assistant", "developer", "system"):
            return False
        if role == "assistant":
            self._agent_says(record, "text", parts, text, span, event=False)
        elif role == "user" and not text.lstrip().startswith(INJECTED):
            self._user_says(record, parts, text, span, event=False)
        else:
            self._say_as("system", record, parts, span)
        return True

    def _reasoning(self, record: dict[str, Any], texts: list[str], span: Span, *, event: bool) -> bool:
        """One part for each piece of summary. Encrypted reasoning alone is no part: it begins its step."""
        for text in texts:
            self._agent_says(record, "reasoning", [Part("reasoning", text)], text, span, event=event)
        if not texts:
            self._agent_turn(record, span)
        return True

    def _call(
        self, record: dict[str, Any], call: Part, span: Span, *, answered: bool = False, inside: bool = False
    ) -> Turn:
        turn = self._agent_turn(record, span, inside=inside)
        turn.step.parts.append(call)
        if call.call_id is not None:
            self._called[call.call_id] = None
            if len(self._called) > _CALLS:
                self._called.popitem(last=False)
            if not answered:
                self._window.expect(turn, call)
        return turn

    def _output(self, record: dict[str, Any], part: Part, span: Span) -> None:
        turn = self._window.answer(part.call_id, part, span)
        if turn is None:
            self._say_as("environment", record, [part], span)
        elif part.call_id in turn.spare:
            _state_error(part, turn.spare[part.call_id])

    # Events: what the interface showed. They repeat the items, except where a version logs nothing else.

    def _event(self, record: dict[str, Any], payload: dict[str, Any], span: Span) -> bool:
        kind = payload.get("type")
        if kind in ("user_message", "agent_message"):
            text = payload.get("message")
            return type(text) is str and self._event_message(record, kind, text, span)
        if kind in ("agent_reasoning", "agent_reasoning_raw_content"):
            text = payload.get("text")
            return type(text) is str and self._reasoning(record, [text], span, event=True)
        if kind == "token_count":
            self._tokens(payload.get("info"), span)
        elif kind == "turn_aborted":
            self._count("turns_aborted")
            reason = string(payload.get("reason"))
            self._say_as(
                "system", record, [Part("text", f"Turn aborted: {reason}" if reason else "Turn aborted")], span
            )
        elif kind in ("error", "stream_error"):
            return self._error(record, payload.get("message"), span)
        elif kind == "item_completed" and type(payload.get("item")) is dict:
            return self._finished_item(record, payload["item"], span, done=True)
        elif type(kind) is str and kind.endswith("_end") and payload.get("call_id") in self._known(payload):
            self._end_event(payload, span)
        elif kind in ("task_started", "turn_started", "task_complete", "turn_complete"):
            self._window.attach(span)
        else:
            return False
        return True

    def _known(self, payload: dict[str, Any]) -> tuple[str, ...]:
        call_id = payload.get("call_id")
        return (call_id,) if type(call_id) is str and call_id in self._called else ()

    def _event_message(self, record: dict[str, Any], kind: str, text: str, span: Span) -> bool:
        parts = [Part("text", text)]
        if kind == "agent_message":
            self._agent_says(record, "text", parts, text, span, event=True)
        else:
            self._user_says(record, parts, text, span, event=True)
        return True

    def _end_event(self, payload: dict[str, Any], span: Span) -> None:
        """A tool's end as the interface saw it: states the exit code, and stands in for an output never logged."""
        call_id = payload["call_id"]
        part = ended(payload)
        found = self._window.calls.get(call_id)
        if found is not None:
            turn = found[0]
            turn.step.raw.append(span)
            if part is not None:
                part.call_id = call_id
                turn.spare[call_id] = part
            return
        for turn in reversed(self._window.turns):
            for result in turn.results:
                if result.call_id == call_id and part is not None:
                    _state_error(result, part)
        self._window.attach(span)

    def _finished_item(self, record: dict[str, Any], item: dict[str, Any], span: Span, *, done: bool) -> bool:
        """An item that carries call and result together, or a message."""
        kind = item.get("type") or item.get("item_type")
        if type(kind) is not str:
            return False
        kind = snake(kind)
        if kind in ("user_message", "agent_message", "assistant_message", "reasoning"):
            return self._finished_message(record, kind, item, span) if done else False
        if kind == "error":
            return self._error(record, item.get("message"), span)
        if kind in ("todo_list", "plan") or "id" not in item:
            return False
        call, result = tool_item(kind, item)
        if call.call_id is not None and call.call_id in self._called:
            waiting = self._window.calls.get(call.call_id)
            if done and result is not None and waiting is not None and "payload" not in record:
                self._output(record, result, span)
            else:  # a rollout has the call as an item of its own, whose output comes
                self._end_event({**item, "call_id": call.call_id}, span)
            return True
        turn = self._call(record, call, span, answered=result is not None, inside="payload" in record)
        if result is not None:
            turn.results.append(result)
        return True

    def _finished_message(self, record: dict[str, Any], kind: str, item: dict[str, Any], span: Span) -> bool:
        event = "payload" in record
        if kind == "reasoning":
            return self._reasoning(record, reasoning_texts(item), span, event=event)
        content = item.get("content")
        parts, text = message_parts(content if content is not None else item.get("text"))
        if not parts:
            return False
        if kind == "user_message":
            self._user_says(record, parts, text, span, event=event)
        else:
            self._agent_says(record, "text", parts, text, span, event=event)
        return True

    def _error(self, record: dict[str, Any], message: Any, span: Span) -> bool:
        text = string(message.get("message")) if type(message) is dict else string(message)
        if not text:
            return False
        self._say_as("environment", record, [Part("text", text, is_error=True)], span)
        return True

    def _tokens(self, info: Any, span: Span) -> None:
        """Totals are cumulative. The last call's share is a step's only if the totals grew by just that much and one
        step of the agent began since the count before."""
        window = self._window
        window.attach(span)
        totals = info.get("total_token_usage") if type(info) is dict else None
        if type(totals) is not dict:
            return
        counted = {key: value for key, value in totals.items() if type(value) is int and 0 <= value <= MOST}
        last = info.get("last_token_usage")
        turn = self._turn if self._turn is not None and self._turn in window.turns else None
        if type(last) is dict and turn is not None and self._turns_since_count == 1:
            keys = ("input_tokens", "output_tokens")
            grown = [counted.get(key, 0) - self._totals.get(key, 0) for key in keys]
            if grown == [last.get(key) for key in keys] and grown[1] > 0:
                turn.step.tokens_in, turn.step.tokens_out = grown
        if counted != self._totals:
            self._turns_since_count = 0
        self._totals = counted
        self.header.facts["tokens"] = counted

    # Turns

    def _agent_turn(self, record: dict[str, Any], span: Span, *, inside: bool = False) -> Turn:
        """The agent's present turn, or a new one where an output or somebody else's words came between.

        inside: the item is part of a call that still runs (a program that runs commands), whatever ended before it.
        """
        turn = self._turn
        if turn is not None and (not turn.results or (inside and turn.waiting > 0)):
            if turn.step.raw[-1] is not span:
                turn.step.raw.append(span)
            return turn
        turn = self._open(record, "agent", span)
        turn.step.model = self._model
        self._turn = turn
        self._turns_since_count += 1
        return turn

    def _agent_says(
        self, record: dict[str, Any], kind: str, parts: list[Part], text: str, span: Span, *, event: bool
    ) -> None:
        text = text.strip()
        turn = self._echoes.turn_of(kind, text, event)
        if turn is not None:
            if turn.step.raw[-1] is not span:
                turn.step.raw.append(span)
            return
        turn = self._agent_turn(record, span)
        turn.step.parts += parts
        self._echoes.expect(kind, text, turn, event)

    def _user_says(self, record: dict[str, Any], parts: list[Part], text: str, span: Span, *, event: bool) -> None:
        turn = self._echoes.turn_of("user", text.strip(), event)
        if turn is not None:
            turn.step.raw.append(span)
            return
        turn = self._say_as("user", record, parts, span)
        self._echoes.expect("user", text.strip(), turn, event)
        if self.header.task is None and text.strip():
            self.header.task = text
            self.header.title = title_of(text) or self.header.title

    def _say_as(self, role: Role, record: dict[str, Any], parts: list[Part], span: Span) -> Turn:
        turn = self._open(record, role, span)
        turn.step.parts = parts
        self._turn = None
        return turn

    def _open(self, record: dict[str, Any], role: Role, span: Span) -> Turn:
        at, payload = record.get("timestamp"), record.get("payload")
        native = payload.get("id") if type(payload) is dict else None
        step = Step(DEFAULT_ACTOR[role], role, [], at if type(at) is str else None)
        if type(native) is str:
            step.native_id = native
        step.raw.append(span)
        turn = Turn(step)
        self._window.add(turn)
        return turn

    def _count(self, what: str) -> None:
        self.header.facts[what] = self.header.facts.get(what, 0) + 1


def _state_error(result: Part, end: Part) -> None:
    """What the tool's end event states goes over what the output's text lets one guess."""
    if end.is_error is not None and not end.error_inferred:
        result.is_error, result.error_inferred = end.is_error, False
