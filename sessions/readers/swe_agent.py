"""SWE-agent `.traj` files: one JSON document with `trajectory`, `history` and `info`.

Versions read: 0.x (`state` is a JSON string, agent "primary") and 1.x (function calling, `query` or `messages` in
each entry, several `attempts`); demonstrations that hold only `history`. Growth: the file is rewritten in place
after each step, so it may be met half-written.

The run is the history's prologue (instructions, demonstrations, task: everything before the agent's first own turn),
then one step per trajectory entry: thought, action, observation. `history` tells the same turns again as the model
saw them; its messages are joined to the entries they match, in the step's source records, because only they know a
function call's tool and arguments. Those that match no entry become raw parts of the step before. Without tool calls
an action is a call of the tool `bash` with the action as its `command`, as function-calling runs call it.

The entry's `response` is shown (as a raw part) only where it says more than thought and action. Exit status,
submission, configuration and other attempts are facts. A submission is the agent's own answer, not the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import message_step
from sessions.readers.leftovers import facts_and_reference, is_trivial, leftover_parts, mapping, sequence, text_or_none
from sessions.readers.salvage import open_document
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string, title_of
from sessions.run import Header, Part, Record, Step

TOOL = "bash"
DEMONSTRATION = "demonstration"
#: How far ahead in the history an entry is looked for, so that a strange file costs no quadratic time.
_NEARBY = 20
_ENTRY_KNOWN = frozenset(
    (
        *("action", "observation", "response", "thought", "state", "execution_time", "query", "messages"),
        *("tool_calls", "tool_call_ids", "thinking_blocks", "reasoning"),
    )
)
_MESSAGE_KNOWN = frozenset(
    (
        *("role", "content", "agent", "message_type", "thought", "action", "tool_calls", "tool_call_ids", "is_demo"),
        *("thinking_blocks", "reasoning", "cache_control", "tags"),
    )
)
#: What wraps an action in a response (fences, tags): says nothing by itself.
_WRAPPING = re.compile(r"</?command>|DISCUSSION|COMMAND|```\w*|[`\s]")
_ISSUE = re.compile(r"^ISSUE:\s*\n", re.MULTILINE)


class SweAgentReader:
    name = "swe-agent"
    title = "SWE-agent trajectory"
    versions = "0.x-1.x"
    gaps = "Of several attempts, the one in the file's main `trajectory` is the run; the others are facts."

    def sniff(self, head: Head) -> float:
        outline = head.outline
        entry = {key for key in ("action", "observation", "thought", "response") if f"trajectory.item.{key}" in outline}
        if len(entry) >= 2:
            return 0.95
        if "mistake_agent" in outline or "history.item.role" not in outline:
            return 0.0
        if "history.item.message_type" in outline or "trajectory" in outline:
            return 0.9
        return 0.8 if "history.item.agent" in outline else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        document = open_document(source, "trajectory")
        root = document.root
        history = sequence(root.get("history"))
        if document.is_list or not (document.found or root):
            yield source.problem(document.problem or "the document has neither `trajectory` nor `history`")
            return
        yield _header(root, history)
        ahead = list(islice(document.items, 1))
        if ahead:
            start = _prologue_length(history)
            yield from map(_message_step, history[:start])
            yield from _entries(chain(ahead, document.items), _turns(history[start:]))
        else:
            yield from _history_steps(history)
        if document.problem:
            yield source.problem(document.problem)


def _header(root: dict[str, Any], history: list[Any]) -> Header:
    info = mapping(root.get("info"))
    facts, reference = facts_and_reference(info, ())
    other, other_reference = facts_and_reference(root, ("info", "trajectory", "history"))
    read = (info, history)
    odd: dict[str, Any] = {
        key: root[key] for key in ("info", "history", "trajectory") if key in root and root[key] not in read
    }
    config = _parsed(root.get("replay_config"))
    task = next((content_text(item["content"]) for item in history if _is_task(item)), None)
    version = text_or_none(info.get("swe_agent_version"))
    return Header(
        "swe-agent",
        title_of(_ISSUE.split(task, 1)[-1] if task else None),
        task,
        system=f"SWE-agent {version}" if version else "SWE-agent",
        model=text_or_none(mapping(mapping(mapping(config).get("agent")).get("model")).get("name")),
        reference={**(reference or {}), **(other_reference or {})} or None,
        facts={**facts, **other, **odd},
    )


def _parsed(value: Any) -> Any:
    """A value that may be JSON inside a string."""
    try:
        return loads(value) if isinstance(value, str) else value
    except BadJson:
        return None


def _is_task(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "user" and not item.get("is_demo") and "content" in item


def _is_turn(item: Any) -> bool:
    """Whether a message of the history is the agent's own: no instruction, no demonstration."""
    return isinstance(item, dict) and item.get("role") == "assistant" and not item.get("is_demo")


def _prologue_length(history: list[Any]) -> int:
    return next((place for place, item in enumerate(history) if _is_turn(item)), len(history))


def _message_step(message: Any) -> Step:
    """A step of one message of the history, without its answers."""
    raw = dump_bytes(message)
    if not isinstance(message, dict):
        return Step("environment", "environment", [raw_part("history", message)], raw=[raw])
    role = string(message.get("role"))
    plain = {key: message[key] for key in ("content", "reasoning", "thinking_blocks") if key in message}
    if _is_turn(message) or (role == "assistant" and "action" in message):
        step = message_step({}, "assistant")
        step.parts += _said_parts(message, [message])
    else:
        step = message_step(plain, role)
    step.stage = DEMONSTRATION if message.get("is_demo") else None
    step.parts += leftover_parts(message, _MESSAGE_KNOWN)
    step.raw.append(raw)
    return step


def _turns(history: list[Any]) -> list[list[Any]]:
    """The history after the prologue: each of the agent's messages with what follows it."""
    turns: list[list[Any]] = []
    for item in history:
        if _is_turn(item) or not turns:
            turns.append([])
        turns[-1].append(item)
    return turns


def _entries(entries: Iterator[Any], turns: list[list[Any]]) -> Iterator[Step]:
    """A step per trajectory entry. It is given out when the next one's place in the history is known."""
    place = 0
    step: Step | None = None
    for entry in entries:
        found = _find(entry, turns, place)
        if step is not None:
            _keep_unmatched(step, turns[place : place if found is None else found])
            yield step
        step = _entry_step(entry, [] if found is None else turns[found])
        place = place if found is None else found + 1
    if step is not None:
        _keep_unmatched(step, turns[place:])
        yield step


def _find(entry: Any, turns: list[list[Any]], start: int) -> int | None:
    """The next turn of the history that is this entry: the same action and thought, or the very next one if that
    has one of them (demonstrations were edited by hand, not always in both places)."""
    if not isinstance(entry, dict):
        return None
    told = [_matches(entry, turn) for turn in turns[start : start + _NEARBY]]
    if 2 in told:
        return start + told.index(2)
    return start if told and told[0] else None


def _matches(entry: dict[str, Any], turn: list[Any]) -> int:
    """How many of action and thought a turn of the history shares with an entry."""
    said = mapping(turn[0])
    return sum(bool(key in entry and entry[key] == said.get(key)) for key in ("action", "thought"))


def _keep_unmatched(step: Step, turns: list[list[Any]]) -> None:
    for message in chain.from_iterable(turns):
        step.parts.append(raw_part("history", message))
        step.raw.append(dump_bytes(message))


def _entry_step(entry: Any, told: list[Any]) -> Step:
    """told: the history's messages of this turn."""
    step = Step("agent", "agent", raw=[dump_bytes(entry), *map(dump_bytes, told)])
    if not isinstance(entry, dict):
        step.parts.append(raw_part("trajectory", entry))
        return step
    step.parts += _said_parts(entry, told)
    calls = [part for part in step.parts if part.kind == "tool_call"]
    observation = content_text(entry.get("observation"))
    if calls or observation:
        call = calls[0] if calls else Part("tool_call", "")
        step.parts.append(result_part(observation, name=call.name, call_id=call.call_id))
    if _says_more(entry, step.parts):
        step.parts.append(raw_part("response", entry["response"]))
    step.parts += leftover_parts(entry, _ENTRY_KNOWN)
    return step


def _said_parts(entry: dict[str, Any], told: list[Any]) -> list[Part]:
    """Reasoning, thought and call of a trajectory entry, or of a message of the history."""
    message = mapping(told[0]) if told else {}
    thought = content_text(entry.get("thought"))
    if not thought and not entry.get("action"):
        thought = content_text(entry.get("content", entry.get("response")))
    blocks = entry.get("thinking_blocks") or message.get("thinking_blocks")
    calls = entry.get("tool_calls") or message.get("tool_calls")
    said: dict[str, Any] = {"role": "assistant", "content": thought}
    if isinstance(calls, list):
        said["tool_calls"] = calls
    if reasoning := _thinking(blocks) or content_text(entry.get("reasoning") or message.get("reasoning")):
        said["reasoning"] = reasoning
    parts = message_step(said, "assistant").parts
    action = entry.get("action")
    if not any(part.kind == "tool_call" for part in parts) and not is_trivial(action):
        parts.append(call_part(TOOL, {"command": string(action)}))
    return parts


def _thinking(blocks: Any) -> str:
    return "\n".join(string(block.get("thinking")) for block in sequence(blocks) if isinstance(block, dict))


def _says_more(entry: dict[str, Any], parts: list[Part]) -> bool:
    """Whether the response holds words that are neither thought nor action."""
    response = entry.get("response")
    if not isinstance(response, str):
        return not is_trivial(response)
    rest = response
    for said in (*(part.text for part in parts if part.kind == "text"), string(entry.get("action"))):
        if said.strip():
            rest = rest.replace(said.strip(), "", 1)
    return bool(_WRAPPING.sub("", rest))


def _history_steps(history: list[Any]) -> Iterator[Step]:
    """The steps of a file without `trajectory`: the agent's messages, each with the observations after it."""
    turn: Step | None = None
    for message in history:
        if turn is not None and _is_observation(message, turn):
            turn.parts.append(_observation(message, turn))
            turn.parts += leftover_parts(message, _MESSAGE_KNOWN)
            turn.raw.append(dump_bytes(message))
            continue
        if turn is not None:
            yield turn
        turn = _message_step(message)
    if turn is not None:
        yield turn


def _is_observation(message: Any, turn: Step) -> bool:
    """A tool's message, or the user's message after an action that has no result yet."""
    if not isinstance(message, dict) or turn.role != "agent":
        return False
    kinds = [part.kind for part in turn.parts]
    return message.get("role") == "tool" or (
        message.get("role") == "user" and "tool_call" in kinds and "tool_result" not in kinds
    )


def _observation(message: dict[str, Any], turn: Step) -> Part:
    ids = sequence(message.get("tool_call_ids"))
    call_id = text_or_none(ids[0]) if ids else None
    calls = [part for part in turn.parts if part.kind == "tool_call"]
    call = next(
        (part for part in calls if call_id is not None and part.call_id == call_id), calls[0] if calls else None
    )
    return result_part(content_text(message.get("content")), name=call.name if call else None, call_id=call_id)
