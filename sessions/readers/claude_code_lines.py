"""The lines of one Claude Code file (a session's or a sub-agent's), put together to turns.

`Lines.turns` streams: it holds the window of `sessions.readers.pairing`, a 64-bit hash of every uuid seen
(resumed sessions repeat lines) and the last few thousand sub-agent lines' parents, nothing else that grows.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import Source
from sessions.readers.claude_code_conversation import Conversation
from sessions.readers.claude_code_files import is_prompt
from sessions.readers.claude_code_parts import say, set_usage, tool_result, user_part
from sessions.readers.pairing import Turn, Window
from sessions.readers.seen import Seen
from sessions.readers.shared import call_part, content_text, raw_part, string
from sessions.run import DEFAULT_ACTOR, Part, Problem, Role, Span, Step

#: Remembered for lines that come late: parents of sub-agents' lines, ids of messages already given on.
_MEMORY = 8192
_AGENT_ID = re.compile(r"agentId: ([\w-]+)")
_FROM_MACHINE = ("<local-command-std", "<bash-std", "<task-notification>")
_COMMAND = ("<command-", "<bash-input>", "<local-command-", "Caveat:")
_CLEAR = "<command-name>/clear</command-name>"


@dataclass(slots=True)
class Lane:
    """One agent's line of work: the main agent's, or a sub-agent's. asker: who its prompts come from."""

    actor: str = DEFAULT_ACTOR["agent"]
    depth: int = 0
    parent_call: str | None = None
    branch: str | None = None
    asker: str = DEFAULT_ACTOR["user"]


class Lines:
    """Reads one file. `conversations` grows by one with every /clear."""

    def __init__(
        self,
        source: Source,
        *,
        path: Path | None = None,
        file: int = 0,
        lane: Lane | None = None,
        alone: bool = False,
        branches: dict[str, str] | None = None,
        count_rewinds: bool = False,
    ) -> None:
        self.conversations = [Conversation(0)]
        self._source = source
        self._path = path or source.path
        self._file = file
        self._main = lane or Lane()
        self._alone = alone
        self._branches = branches or {}
        self._prompted: set[str] | None = set() if count_rewinds else None
        self._window = Window()
        self._seen = Seen()
        self._lanes: dict[str, Lane] = {}
        self._side: OrderedDict[str, Lane] = OrderedDict()
        self._given: OrderedDict[str, None] = OrderedDict()
        self._cleared = False
        self._handlers = {
            "assistant": self._assistant,
            "user": self._user,
            "system": self._system,
            "attachment": self._attachment,
        }

    def turns(self) -> Iterator[Turn | Problem]:
        """The file's turns in order. A line that is no JSON object is a Problem; nothing else is lost."""
        window, file, where = self._window, self._file, str(self._path)
        queue = window.turns
        for number, offset, line in self._source.lines(self._path):
            try:
                record = loads(line)
                if type(record) is not dict:
                    raise BadJson("not a JSON object")
                self._take(record, Span(offset, len(line), file), line)
            except BadJson as error:
                yield Problem(where, number, str(error))
            except RecursionError:
                yield Problem(where, number, "nested too deeply")
            if len(queue) > 1:
                yield from window.ready()
        yield from window.rest()

    def _take(self, record: dict[str, Any], span: Span, line: bytes) -> None:
        uuid = record.get("uuid")
        if type(uuid) is str and not self._seen.add(uuid):
            self.conversations[-1].count("duplicate_lines")
            self._window.attach(span)
            return
        conversation = self.conversations[-1]
        if conversation.session is None:
            conversation.note_envelope(record)
        lane = self._main
        if (record.get("isSidechain") is True and not self._alone) or record.get("parent_tool_use_id"):
            lane = self._side_lane(record)
        kind = record.get("type")
        handler = self._handlers.get(kind) if type(kind) is str else None
        if handler is None or not handler(record, lane, span):
            self._keep(record, span, line)

    # Lines of the conversation. Each handler says whether it understood the line.

    def _assistant(self, record: dict[str, Any], lane: Lane, span: Span) -> bool:
        message = record.get("message")
        content = message.get("content") if type(message) is dict else None
        if type(content) is str:
            content = [{"type": "text", "text": content}]
        if type(content) is not list or not content:
            return False
        assert type(message) is dict
        message_id = message.get("id")
        if type(message_id) is not str:
            message_id = None
        turn = self._window.messages.get(message_id) if message_id is not None else None
        again = turn is not None
        if turn is None:
            turn = self._agent_turn(record, message, message_id, lane, span)
        else:
            turn.step.raw.append(span)
        if message_id is None or message_id not in self._given:
            set_usage(turn.step, message.get("usage"), record.get("costUSD"))
        for block in content:
            self._agent_block(turn, block, again, span)
        if record.get("isApiErrorMessage") is True:
            for part in turn.step.parts:
                part.is_error = True
        return True

    def _agent_turn(
        self, record: dict[str, Any], message: dict[str, Any], message_id: str | None, lane: Lane, span: Span
    ) -> Turn:
        """A new turn for an API message. What the program itself wrote in the agent's name is the environment's."""
        model = message.get("model")
        if model == "<synthetic>" or record.get("isApiErrorMessage") is True:
            return self._open(record, lane, "environment", DEFAULT_ACTOR["environment"], span, message_id)
        turn = self._open(record, lane, "agent", lane.actor, span, message_id)
        conversation = self.conversations[-1]
        conversation.answered = True
        if type(model) is str:
            turn.step.model = model
            if conversation.model is None and lane.depth == self._main.depth:
                conversation.model = model
        return turn

    def _agent_block(self, turn: Turn, block: Any, again: bool, span: Span) -> None:
        if type(block) is not dict:
            turn.raws.append(raw_part("block", block))
            return
        kind = block.get("type")
        if kind == "text" and type(block.get("text")) is str:
            say(turn, "text", block["text"], again)
        elif kind == "thinking" and type(block.get("thinking")) is str:
            say(turn, "reasoning", block["thinking"] or "[thinking not recorded]", again)
        elif kind == "redacted_thinking":
            turn.step.parts.append(Part("reasoning", "[redacted thinking]"))
        elif type(kind) is str and kind.endswith("tool_use"):
            self._call(turn, block, again)
        elif type(block.get("tool_use_id")) is str:
            part = tool_result(block, None)
            if self._window.answer(part.call_id, part, span) is None:
                turn.results.append(part)
        else:
            turn.raws.append(raw_part(string(kind), block))

    def _call(self, turn: Turn, block: dict[str, Any], again: bool) -> None:
        call_id = block.get("id")
        call = call_part(string(block.get("name")), block.get("input"), call_id if type(call_id) is str else None)
        if again and call.call_id is not None:
            for index, part in enumerate(turn.step.parts):
                if part.call_id == call.call_id:
                    if part.arguments != call.arguments and call.arguments:  # a later, fuller snapshot of the call
                        part.text, part.arguments = call.text, call.arguments
                        turn.step.parts[index] = part
                    return
        turn.step.parts.append(call)
        self._window.expect(turn, call)

    def _user(self, record: dict[str, Any], lane: Lane, span: Span) -> bool:
        message = record.get("message")
        content = message.get("content") if type(message) is dict else message
        if type(content) is str:
            self._prompt(record, lane, span, [Part("text", content)])
            return True
        if type(content) is not list or not content:
            return False
        said: list[Part] = []
        lost: list[Part] = []
        extra = record.get("toolUseResult")
        for block in content:
            if type(block) is dict and block.get("type") == "tool_result":
                part = tool_result(block, extra)
                turn = self._window.answer(part.call_id, part, span)
                if turn is None:
                    lost.append(part)
                _note_started(turn, part, extra)
            else:
                said.append(user_part(block))
        if lost:
            turn = self._open(record, lane, "environment", DEFAULT_ACTOR["environment"], span)
            turn.step.parts += lost
            for part in lost:
                _note_started(turn, part, extra)
        if said:
            self._prompt(record, lane, span, said)
        return True

    def _prompt(self, record: dict[str, Any], lane: Lane, span: Span, parts: list[Part]) -> None:
        text = parts[0].text
        role: Role = "user"
        if record.get("isMeta") is True or record.get("isCompactSummary") is True or text.startswith("<system-rem"):
            role = "system"
        elif text.startswith(_FROM_MACHINE):
            role = "environment"
        turn = self._open(record, lane, role, lane.asker if role == "user" else DEFAULT_ACTOR[role], span)
        turn.step.parts = parts
        if role != "user" or lane is not self._main:
            return
        conversation = self.conversations[-1]
        if conversation.task is None and not text.startswith(_COMMAND):
            conversation.task = text
        self._note_clear(text)
        self._note_rewind(record)

    def _system(self, record: dict[str, Any], lane: Lane, span: Span) -> bool:
        conversation = self.conversations[-1]
        if record.get("subtype") == "compact_boundary":
            conversation.count("compactions")
        if record.get("subtype") == "init" and type(record.get("model")) is str:
            conversation.model = conversation.model or record["model"]
        content = record.get("content")
        if type(content) is not str or not content:
            return False
        turn = self._open(record, lane, "system", DEFAULT_ACTOR["system"], span)
        turn.step.parts.append(Part("text", content))
        self._note_clear(content)
        return True

    def _attachment(self, record: dict[str, Any], lane: Lane, span: Span) -> bool:
        """What the person typed while the agent was working is an attachment, not a user line."""
        attachment = record.get("attachment")
        if type(attachment) is not dict or attachment.get("type") != "queued_command":
            return False
        prompt = attachment.get("prompt")
        if type(prompt) is list and prompt:
            self._prompt(record, lane, span, [user_part(block) for block in prompt])
        elif type(prompt) is str:
            self._prompt(record, lane, span, [Part("text", prompt)])
        else:
            return False
        return True

    def _keep(self, record: dict[str, Any], span: Span, line: bytes) -> None:
        """A line that is no turn stays a raw part of the step beside it; what it says of the run is noted."""
        kind = string(record.get("type")) or "record"
        conversation = self.conversations[-1]
        subtype = record.get("subtype")
        if kind in ("summary", "ai-title", "custom-title"):
            conversation.note_title(kind, record, self._seen)
        elif kind == "result":
            conversation.note_result(record)
        elif kind == "progress":
            self._note_progress(record)
        name = f"{kind}/{subtype}" if type(subtype) is str else kind
        self._window.attach(span, Part("raw", line.decode("utf-8", "replace"), name=name))

    # Turns, lanes, branches

    def _open(
        self, record: dict[str, Any], lane: Lane, role: Role, actor: str, span: Span, message_id: str | None = None
    ) -> Turn:
        if self._cleared and lane is self._main:
            self._cleared = False
            self.conversations.append(Conversation(len(self.conversations)))
            self.conversations[-1].note_envelope(record)
        conversation = self.conversations[-1]
        at, uuid = record.get("timestamp"), record.get("uuid")
        branch = lane.branch
        if self._branches and branch is None and type(uuid) is str:
            branch = self._branches.get(uuid)
        step = Step(actor, role, [], at if type(at) is str else None, uuid if type(uuid) is str else None)
        step.depth, step.parent_call, step.branch = lane.depth, lane.parent_call, branch
        step.raw.append(span)
        if conversation.started_at is None:
            conversation.started_at = step.at
        if branch is not None and branch not in conversation.left:
            conversation.left.add(branch)
            conversation.count("rewinds")
        turn = Turn(step, conversation.item, message_id)
        self._window.add(turn)
        return turn

    def given(self, turn: Turn) -> None:
        """The turn has been given on: a later line of its message must not count the tokens again."""
        if turn.message is not None:
            self._given[turn.message] = None
            if len(self._given) > _MEMORY:
                self._given.popitem(last=False)

    def _side_lane(self, record: dict[str, Any]) -> Lane:
        """The lane of a sub-agent whose lines stand among the session's own."""
        caller, agent, parent = record.get("parent_tool_use_id"), record.get("agentId"), record.get("parentUuid")
        lane: Lane | None = None
        key = caller if type(caller) is str else agent if type(agent) is str else None
        if key is not None:
            lane = self._lanes.get(key)
        elif type(parent) is str:
            lane = self._side.get(parent) or next(reversed(self._side.values()), None)
        if lane is None:
            lane = self._new_lane(record, caller if type(caller) is str else None, agent)
            if key is not None:
                self._lanes[key] = lane
        uuid = record.get("uuid")
        if type(uuid) is str and key is None:
            self._side[uuid] = lane
            if len(self._side) > _MEMORY:
                self._side.popitem(last=False)
        return lane

    def _new_lane(self, record: dict[str, Any], caller: str | None, agent: Any) -> Lane:
        found = self._window.calls.get(caller) if caller is not None else self._spawning_call(record)
        if found is None:
            return Lane(agent if type(agent) is str and agent else "sub-agent", 1, caller)
        turn, call = found
        return lane_of(call, turn.step, agent if type(agent) is str else None)

    def _spawning_call(self, record: dict[str, Any]) -> tuple[Turn, Part] | None:
        """The unanswered call whose prompt the sub-agent's first line repeats, or the only one there is."""
        message = record.get("message")
        text = content_text(message.get("content")) if type(message) is dict else None
        spawning = []
        for turn, call in self._window.calls.values():
            if type(call.arguments) is dict and "prompt" in call.arguments:
                if call.arguments["prompt"] == text:
                    return turn, call
                spawning.append((turn, call))
        return spawning[0] if len(spawning) == 1 else None

    # What lines say of the run

    def _note_clear(self, text: str) -> None:
        """/clear ends a conversation, unless nothing has been said yet: newer versions begin their files with it."""
        if _CLEAR in text[:200] and self.conversations[-1].answered:
            self._cleared = True

    def _note_rewind(self, record: dict[str, Any]) -> None:
        parent = record.get("parentUuid")
        if self._prompted is None or type(parent) is not str or not is_prompt(record):
            return
        if parent in self._prompted:
            self.conversations[-1].count("rewinds_unmarked")
        self._prompted.add(parent)

    def _note_progress(self, record: dict[str, Any]) -> None:
        data, caller = record.get("data"), record.get("parentToolUseID")
        if type(data) is dict and type(data.get("agentId")) is str and type(caller) is str:
            waiting = self._window.calls.get(caller)
            if waiting is not None and (data["agentId"], caller) not in waiting[0].started:
                waiting[0].started.append((data["agentId"], caller))


def lane_of(call: Part, step: Step, agent: str | None, kind: str | None = None) -> Lane:
    """The lane of the sub-agent that `call` in `step` started: named by its type, else its id."""
    if kind is None and type(call.arguments) is dict:
        given = call.arguments.get("subagent_type")
        kind = given if type(given) is str else None
    actor = kind or agent or "sub-agent"
    return Lane(actor, step.depth + 1, call.call_id, step.branch, asker=step.actor)


def _note_started(turn: Turn | None, part: Part, extra: Any) -> None:
    """Remember which sub-agent a call's result names."""
    if turn is None:
        return
    if type(extra) is dict and type(extra.get("agentId")) is str:
        turn.started.append((extra["agentId"], part.call_id))
    elif part.name in ("Task", "Agent"):
        found = _AGENT_ID.search(part.text)
        if found:
            turn.started.append((found.group(1), part.call_id))
