"""One writer per format: a recording in, the text of a file out, in the shape that the real tool writes.

Token counts are the length of the text divided by four; no model was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sample_traces.make.framework import Call, Recording, Turn

COMPLETE = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def _line(value: Any, *, ascii_only: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")) + "\n"


def _document(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _tokens(*texts: str) -> int:
    return sum(map(len, texts)) // 4


def _arguments(call: Call) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)


def _spoken(turn: Turn) -> int:
    return _tokens(turn.text, turn.reasoning, *map(_arguments, turn.calls)) + 12


def _heard(turn: Turn) -> int:
    return _tokens(*(call.result.output for call in turn.calls))


class _Meter:
    """Counts the prompt as it grows from turn to turn."""

    def __init__(self) -> None:
        self.context = 0
        self.prompt = 0
        self.completion = 0

    def turn(self, turn: Turn) -> tuple[int, int]:
        """(prompt, completion) tokens of this turn; a turn that is no agent's only lengthens the prompt."""
        if turn.role != "agent":
            self.context = _tokens(turn.text) + (0 if turn.role == "compaction" else self.context)
            return 0, 0
        prompt, completion = self.context, _spoken(turn)
        self.context += completion + _heard(turn)
        self.prompt += prompt
        self.completion += completion
        return prompt, completion


def claude_code(recording: Recording, *, ascii_only: bool = False) -> str:
    """A Claude Code session: one line per content block, results as user lines, each line naming its parent."""
    lines: list[str] = []
    parent: str | None = None
    session = recording.id("session")
    meter = _Meter()

    def add(kind: str, at: datetime, message: dict[str, Any], **more: Any) -> str:
        nonlocal parent
        key = recording.id("line", len(lines))
        envelope = {
            "parentUuid": parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": recording.folder,
            "sessionId": session,
            "version": "2.1.0",
            "gitBranch": "main",
            "type": kind,
            "message": message,
            **more,
            "uuid": key,
            "timestamp": _time(at),
        }
        lines.append(_line(envelope, ascii_only=ascii_only))
        parent = key
        return key

    for number, turn in enumerate(recording.turns):
        prompt, completion = meter.turn(turn)
        if turn.role != "agent":
            add("user", turn.at, {"role": "user", "content": turn.text})
            continue
        blocks: list[dict[str, Any]] = []
        if turn.reasoning:
            signature = recording.token("signature", number, length=40)
            blocks.append({"type": "thinking", "thinking": turn.reasoning, "signature": signature})
        if turn.text:
            blocks.append({"type": "text", "text": turn.text})
        for call in turn.calls:
            blocks.append({"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": call.arguments})
        message: dict[str, Any] = {
            "id": f"msg_{recording.token('message', number)}",
            "type": "message",
            "role": "assistant",
            "model": recording.model,
            "stop_reason": "tool_use" if turn.calls else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": prompt, "output_tokens": completion},
        }
        request = f"req_{recording.token('request', number)}"
        for block in blocks:
            asked = add("assistant", turn.at, {**message, "content": [block]}, requestId=request)
        for call in turn.calls:
            output, failed = call.result.output, call.result.code != 0
            shell_failed = failed and isinstance(call.arguments, dict) and "command" in call.arguments
            content = f"Exit code {call.result.code}\n{output}" if shell_failed else output
            result = {"type": "tool_result", "tool_use_id": f"toolu_{call.id}", "content": content, "is_error": failed}
            message = {"role": "user", "content": [result]}
            add("user", call.at, message, sourceToolAssistantUUID=asked)
    return "".join(lines)


def _codex_calls(turn: Turn) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """All calls of a turn, then all that came back. A call whose argument is a text is a custom tool's."""
    custom = {call.id: isinstance(call.arguments, str) for call in turn.calls}
    for call in turn.calls:
        kind, field = ("custom_tool_call", "input") if custom[call.id] else ("function_call", "arguments")
        yield turn.at, {"type": kind, "name": call.name, field: _arguments(call), "call_id": f"call_{call.id}"}
    for call in turn.calls:
        output = call.result.output
        if not custom[call.id]:
            output = f"Wall time: 0.1 seconds\nProcess exited with code {call.result.code}\nOutput:\n{output}"
        kind = "custom_tool_call_output" if custom[call.id] else "function_call_output"
        yield call.at, {"type": kind, "call_id": f"call_{call.id}", "output": output}


def codex(recording: Recording) -> str:
    """A Codex rollout: what was said stands in it twice, as an event and as an item of the conversation."""
    lines: list[str] = []
    meter = _Meter()

    def add(at: datetime, kind: str, payload: dict[str, Any]) -> None:
        lines.append(_line({"timestamp": _time(at), "type": kind, "payload": payload}))

    def say(at: datetime, role: str, text: str) -> None:
        kind = "input_text" if role == "user" else "output_text"
        content = [{"type": kind, "text": text}]
        event = "user_message" if role == "user" else "agent_message"
        add(at, "response_item", {"type": "message", "role": role, "content": content})
        add(at, "event_msg", {"type": event, "message": text})

    start = recording.turns[0].at
    meta = {"id": recording.id("session"), "timestamp": _time(start), "cwd": recording.folder}
    meta |= {"originator": "codex_cli_rs", "cli_version": "0.0.0-scripted", "source": "cli", "model_provider": "none"}
    add(start, "session_meta", {**meta, "git": {"branch": "main"}})
    context = {"cwd": recording.folder, "approval_policy": "never", "sandbox_policy": {"type": "workspace-write"}}
    add(start, "turn_context", {**context, "model": recording.model, "summary": "auto"})
    for turn in recording.turns:
        prompt, completion = meter.turn(turn)
        if turn.role == "compaction":
            add(turn.at, "compacted", {"message": turn.text})
            continue
        if turn.role != "agent":
            say(turn.at, "user", turn.text)
            continue
        if turn.reasoning:
            summary = [{"type": "summary_text", "text": turn.reasoning}]
            add(turn.at, "response_item", {"type": "reasoning", "summary": summary, "encrypted_content": None})
        if turn.text:
            say(turn.at, "assistant", turn.text)
        for at, payload in _codex_calls(turn):
            add(at, "response_item", payload)
        at = turn.calls[-1].at if turn.calls else turn.at
        last = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion}
        total = {"input_tokens": meter.prompt, "output_tokens": meter.completion}
        total["total_tokens"] = meter.prompt + meter.completion
        usage = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 24000}
        add(at, "event_msg", {"type": "token_count", "info": usage})
    return "".join(lines)


def atif(recording: Recording, agent: str, notes: str) -> str:
    """A trajectory in ATIF 1.7."""
    steps: list[dict[str, Any]] = []
    meter = _Meter()
    for number, turn in enumerate(recording.turns, 1):
        prompt, completion = meter.turn(turn)
        step: dict[str, Any] = {"step_id": number, "timestamp": _time(turn.at), "source": turn.role}
        if turn.role == "agent":
            step["model_name"] = recording.model
        step["message"] = turn.text
        if turn.reasoning:
            step["reasoning_content"] = turn.reasoning
        if turn.calls:
            step["tool_calls"] = [
                {"tool_call_id": f"call_{call.id}", "function_name": call.name, "arguments": call.arguments}
                for call in turn.calls
            ]
            step["observation"] = {
                "results": [{"source_call_id": f"call_{call.id}", "content": call.result.output} for call in turn.calls]
            }
        if turn.role == "agent":
            step["metrics"] = {"prompt_tokens": prompt, "completion_tokens": completion}
            step["llm_call_count"] = 1
        steps.append(step)
    final = {"total_prompt_tokens": meter.prompt, "total_completion_tokens": meter.completion}
    root: dict[str, Any] = {
        "schema_version": "ATIF-v1.7",
        "session_id": recording.id("session"),
        "trajectory_id": recording.id(),
    }
    root["agent"] = {"name": agent, "version": "1.0", "model_name": recording.model}
    return _document({**root, "steps": steps, "notes": notes, "final_metrics": {**final, "total_steps": len(steps)}})


def openai_chat(recording: Recording) -> str:
    """One line of chat messages: results are messages of the role "tool"."""
    messages: list[dict[str, Any]] = []
    for turn in recording.turns:
        if turn.role != "agent":
            messages.append({"role": turn.role, "content": turn.text})
            continue
        message: dict[str, Any] = {"role": "assistant", "content": turn.text}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{call.id}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": _arguments(call)},
                }
                for call in turn.calls
            ]
        messages.append(message)
        for call in turn.calls:
            messages.append({"role": "tool", "tool_call_id": f"call_{call.id}", "content": call.result.output})
    return _line({"messages": messages})


def mini_swe(recording: Recording) -> str:
    """A mini-swe-agent 2 trajectory of a model that answers in text, with one command a turn."""
    messages: list[dict[str, Any]] = []
    calls = 0
    submission = ""
    for turn in recording.turns:
        if turn.role != "agent":
            messages.append({"role": turn.role, "content": turn.text})
            continue
        calls += 1
        (call,) = turn.calls
        assert isinstance(call.arguments, dict)
        actions = [{"command": call.arguments["command"]}]
        extra = {"actions": actions, "cost": 0.0, "timestamp": turn.at.timestamp()}
        messages.append({"role": "assistant", "content": turn.text, "extra": extra})
        if call.result.output.startswith(COMPLETE):
            submission = call.result.output.removeprefix(COMPLETE).lstrip("\n") + "\n"
            final = {"exit_status": "Submitted", "submission": submission}
            messages.append({"role": "exit", "content": submission, "extra": final})
            break
        output = call.result.output + "\n" if call.result.output else ""
        extra = {"raw_output": output, "returncode": call.result.code}
        extra |= {"timestamp": call.at.timestamp(), "exception_info": ""}
        content = f"<returncode>{call.result.code}</returncode>\n<output>\n{output}</output>"
        messages.append({"role": "user", "content": content, "extra": extra})
    config = {
        "agent": {"step_limit": 30, "cost_limit": 3.0},
        "agent_type": "minisweagent.agents.default.DefaultAgent",
        "model": {"model_name": recording.model},
        "environment": {"cwd": recording.folder, "env": {}, "timeout": 30},
        "environment_type": "minisweagent.environments.local.LocalEnvironment",
    }
    stats = {"instance_cost": 0.0, "api_calls": calls}
    info = {"model_stats": stats, "config": config, "mini_version": "2.4.6"}
    info |= {"exit_status": "Submitted", "submission": submission}
    return _document({"info": info, "messages": messages, "trajectory_format": "mini-swe-agent-1.1"})


def who_and_when(recording: Recording, **facts: Any) -> str:
    """A Who&When file of the hand-made kind: each row's role is the actor. facts: question, mistake_step and so on."""
    history = [{"content": turn.text, "role": turn.actor} for turn in recording.turns]
    return _document({**facts, "history": history})


def react(recording: Recording) -> str:
    """A plain text log in the manner of ReAct: Thought, Action, Action Input, Observation."""
    parts: list[str] = []
    for turn in recording.turns:
        if turn.role != "agent":
            parts.append(f"{'System' if turn.role == 'system' else 'Question'}: {turn.text}\n")
            continue
        lines = [f"Thought: {turn.reasoning}"] if turn.reasoning else []
        for call in turn.calls:
            assert isinstance(call.arguments, dict)
            lines.append(f"Action: {call.name}")
            lines += [f"Action Input: {value}" for value in call.arguments.values()]
            lines.append(f"Observation: {call.result.output}")
        if turn.text:
            lines.append(f"Final Answer: {turn.text}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
