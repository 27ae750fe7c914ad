"""mini-swe-agent trajectories: an object `{info, messages, trajectory_format}` (v1, v2), or a bare list (v0).

Versions read: v0 (no mark but its texts), `mini-swe-agent-1`, `mini-swe-agent-1.1` (v2, both with commands in the
text and with tool calls). Growth: the file is rewritten in place after each step, so it may be met half-written.

A step is the assistant's message, its command as a call of the tool `bash`, and what the command gave back. The
message's text keeps the code block, as written. Where the commands are not listed (`extra.actions`), the one code
block of the text is the command, by the agent's own rule that there must be exactly one. Other words from the user's
side after the task are the scaffold's (format errors, limits) and are steps of the environment; a person who
interrupts is marked by v2 and is a user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import KNOWN_KEYS, message_step
from sessions.readers.leftovers import (
    amount,
    count,
    facts_and_reference,
    is_trivial,
    iso_time,
    leftover_parts,
    mapping,
    sequence,
    text_or_none,
)
from sessions.readers.salvage import open_document
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string, title_of
from sessions.run import DEFAULT_ACTOR, Header, Part, Record, Step

TOOL = "bash"
_LOOK_AHEAD = 50
_BLOCK = re.compile(r"```(?:bash|mswea_bash_command)\s*\n(.*?)\n?```", re.DOTALL)
_RETURN_CODE = re.compile(r"(?:\s*<exception>.*?</exception>)?\s*<returncode>\s*(-?\d{1,9})\s*</returncode>", re.DOTALL)
#: What only this agent's prompts and observations say; a v0 file has no other mark.
_MARKS = (b"```mswea_bash_command", b"COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT", b"MICRO_SWE_AGENT_FINAL_OUTPUT")
_INFO_MARKS = ("info.mini_version", "info.model_stats.api_calls", "info.model_stats.instance_cost", "info.exit_status")
_EXTRA_KNOWN = frozenset(
    (
        *("actions", "cost", "timestamp", "response", "raw_output", "returncode", "exception_info"),
        *("exit_status", "submission", "model_response", "interrupt_type"),
    )
)
_MESSAGE_KNOWN = frozenset((*KNOWN_KEYS, "extra", "output", "call_id", "provider_specific_fields"))


class MiniSweAgentReader:
    name = "mini-swe-agent"
    title = "mini-SWE-agent trajectory"
    versions = "v0-v2 (trajectory_format 1, 1.1)"
    gaps = "A list without `trajectory_format` is told from other chats by the program's own texts only."

    def sniff(self, head: Head) -> float:
        outline = head.outline
        if string(outline.get("trajectory_format")).startswith("mini-swe-agent"):
            return 0.98
        if "messages.item.role" in outline and any(mark in outline for mark in _INFO_MARKS):
            return 0.9
        if outline.get("") != "array" or "item.role" not in outline:
            return 0.0
        marks = (b"<returncode>" in head.data, any(mark in head.data for mark in _MARKS))
        return (0.0, 0.7, 0.9)[sum(marks)]

    def read(self, source: Source) -> Iterator[Record]:
        document = open_document(source, "messages")
        ahead = list(islice(document.items, _LOOK_AHEAD))
        if document.found or document.root:
            yield _header(document.root, ahead)
            yield from _steps(chain(ahead, document.items))
        if document.problem:
            yield source.problem(document.problem)
        elif not document.found:
            yield source.problem("the document has no list `messages`")


def _header(root: dict[str, Any], messages: list[Any]) -> Header:
    info = mapping(root.get("info"))
    config = mapping(info.get("config"))
    task = next((content_text(item["content"]) for item in messages if _says(item, "user")), None)
    facts, reference = facts_and_reference(info, ())
    other_facts, other_reference = facts_and_reference(root, ("info", "messages"))
    odd: dict[str, Any] = {key: root[key] for key in ("messages", "info") if key in root and root[key] is not info}
    version = text_or_none(info.get("mini_version"))
    return Header(
        "mini-swe-agent",
        title_of(task),
        task,
        system=f"mini-swe-agent {version}" if version else "mini-swe-agent",
        model=text_or_none(mapping(config.get("model")).get("model_name")),
        native_id=text_or_none(root.get("instance_id")),
        started_at=next(filter(None, (_time(item) for item in messages if isinstance(item, dict))), None),
        reference={**(reference or {}), **(other_reference or {})} or None,
        facts={**facts, **other_facts, **odd},
    )


def _says(item: Any, role: str) -> bool:
    return isinstance(item, dict) and item.get("role") == role and bool(item.get("content"))


def _extra(message: dict[str, Any]) -> dict[str, Any]:
    return mapping(message.get("extra"))


def _time(message: dict[str, Any]) -> str | None:
    return iso_time(_extra(message).get("timestamp", message.get("timestamp")))


def _steps(messages: Iterator[Any]) -> Iterator[Step]:
    turn: Step | None = None
    before = ""
    for message in messages:
        step = _step(message, turn, before)
        if step is not turn and turn is not None:
            yield turn
        turn = step
        before = string(message.get("role")) if isinstance(message, dict) else ""
    if turn is not None:
        yield turn


def _step(message: Any, turn: Step | None, before: str) -> Step:
    """The step that a message makes, or `turn`, the step before it, if the message belongs to that."""
    raw = dump_bytes(message)
    if not isinstance(message, dict):
        step = turn or Step(DEFAULT_ACTOR["environment"], "environment")
        step.parts.append(raw_part("unknown", message))
    elif turn is not None and turn.role == "agent" and _answers(message, turn):
        step = turn
        step.parts += _answer_parts(message, turn)
    elif message.get("role") == "assistant" or "output" in message:
        step = _assistant_step(message)
    else:
        step = _other_step(message, scaffold=before not in ("", "system", "developer"))
    step.raw.append(raw)
    return step


def _answers(message: dict[str, Any], turn: Step) -> bool:
    """Whether a message is what the commands of the turn gave back."""
    role = message.get("role")
    if role == "tool" or message.get("type") == "function_call_output":
        return True
    if role != "user" or "interrupt_type" in _extra(message):
        return False
    return "returncode" in _extra(message) or _open_call(turn) is not None


def _open_call(turn: Step) -> Part | None:
    """The first call of the turn that has no result yet: observations come in the order of the commands."""
    answers = sum(part.kind == "tool_result" for part in turn.parts)
    calls = [part for part in turn.parts if part.kind == "tool_call"]
    return calls[answers] if answers < len(calls) else None


def _answer_parts(message: dict[str, Any], turn: Step) -> list[Part]:
    call = _open_call(turn)
    call_id = text_or_none(message.get("tool_call_id") or message.get("call_id")) or (call.call_id if call else None)
    text = content_text(message.get("content", message.get("output")))
    part = result_part(text, name=TOOL, call_id=call_id, is_error=_is_error(message, text))
    return [part, *_leftovers(message)]


def _is_error(message: dict[str, Any], text: str) -> bool | None:
    """Stated by the return code: a field since v2, a tag in the text before."""
    code = _extra(message).get("returncode")
    if isinstance(code, int):
        return code != 0 or bool(_extra(message).get("exception_info"))
    tag = _RETURN_CODE.match(text)
    return int(tag[1]) != 0 if tag else None


def _leftovers(message: dict[str, Any]) -> list[Part]:
    extra = message.get("extra")
    if isinstance(extra, dict):
        return leftover_parts(message, _MESSAGE_KNOWN) + leftover_parts(extra, _EXTRA_KNOWN)
    parts = leftover_parts(message, _MESSAGE_KNOWN)
    return parts if is_trivial(extra) else [*parts, raw_part("extra", extra)]


def _assistant_step(message: dict[str, Any]) -> Step:
    plain = {key: value for key, value in message.items() if key in KNOWN_KEYS}
    step = message_step(plain, "assistant")
    step.parts += _responses_parts(message.get("output"))
    if not any(part.kind == "tool_call" for part in step.parts):
        step.parts += [call_part(TOOL, {"command": command}) for command in _commands(message)]
    step.parts += _leftovers(message)
    response = mapping(_extra(message).get("response"))
    usage = mapping(response.get("usage") or message.get("usage"))
    step.at = _time(message)
    step.model = step.model or text_or_none(response.get("model"))
    step.cost = amount(_extra(message).get("cost"))
    step.tokens_in = count(usage.get("prompt_tokens", usage.get("input_tokens")))
    step.tokens_out = count(usage.get("completion_tokens", usage.get("output_tokens")))
    return step


def _responses_parts(output: Any) -> list[Part]:
    """Items of OpenAI's Responses interface, which v2 stores as they came: texts, reasoning, calls."""
    parts: list[Part] = []
    for item in sequence(output):
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "function_call":
            parts.append(call_part(string(item.get("name")), item.get("arguments"), text_or_none(item.get("call_id"))))
        elif kind == "message":
            parts.append(Part("text", content_text(item.get("content"))))
        elif kind == "reasoning" and not is_trivial(item.get("summary")):
            parts.append(Part("reasoning", content_text(item["summary"])))
        elif kind != "reasoning":
            parts.append(raw_part(string(kind) or "output", item))
    return parts


def _commands(message: dict[str, Any]) -> list[str]:
    actions = _extra(message).get("actions")
    if isinstance(actions, list):
        return [string(item.get("command", item) if isinstance(item, dict) else item) for item in actions]
    blocks: list[str] = _BLOCK.findall(content_text(message.get("content")))
    return [blocks[0].strip()] if len(blocks) == 1 else []


def _other_step(message: dict[str, Any], *, scaffold: bool) -> Step:
    """Instructions, the task, a person's words, what the scaffold says, and `exit` at the end."""
    role = string(message.get("role"))
    interrupt = string(_extra(message).get("interrupt_type"))
    speaks = role == "user" and (not scaffold or interrupt.startswith("User"))
    if role in ("system", "developer") or speaks:
        step = message_step({key: value for key, value in message.items() if key in KNOWN_KEYS}, role)
    else:
        text = content_text(message.get("content"))
        parts = [Part("text", text, name=interrupt or role or None)] if text else []
        step = Step(DEFAULT_ACTOR["environment"], "environment", parts)
    if role == "exit" or "exit_status" in _extra(message):
        status = {key: _extra(message)[key] for key in ("exit_status", "submission") if _extra(message).get(key)}
        step.parts += [raw_part("exit", status)] if status else []
    step.parts += _leftovers(message)
    step.at = _time(message)
    return step
