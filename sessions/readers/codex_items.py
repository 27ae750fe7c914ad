"""What Codex's items hold, as parts: messages, reasoning, calls, outputs, and the finished items of newer logs."""

from __future__ import annotations

import re
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.shared import block_text, call_part, content_text, raw_part, result_part, string
from sessions.run import Part

#: How messages begin that the program, not the person, put into the user's mouth.
INJECTED = (
    "<environment_context>",
    "<user_instructions>",
    "<INSTRUCTIONS>",
    "# AGENTS.md instructions",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<skill>",
    "<skills_instructions>",
    "<turn_aborted>",
    "<subagent_notification>",
)
_EXIT_CODE = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d+)\s*$", re.MULTILINE)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Fields of an item that are not its arguments.
_NOT_ARGUMENTS = frozenset(
    "type item_type id call_id status result results output aggregated_output stdout stderr formatted_output error "
    "exit_code duration name completed_at_ms started_at_ms internal_chat_message_metadata_passthrough".split()
)


def message_parts(content: Any) -> tuple[list[Part], str]:
    """A message's parts, and its plain text (without media) to recognise it by."""
    if type(content) is str:
        return [Part("text", content)], content
    if type(content) is not list:
        return [], ""
    parts: list[Part] = []
    texts: list[str] = []
    for block in content:
        text = block.get("text") if type(block) is dict else block
        if type(text) is str:
            texts.append(text)
            parts.append(Part("text", text))
        elif type(block) is dict:
            shown = block_text(block)
            parts.append(Part("text", shown) if shown.startswith("[") else raw_part(string(block.get("type")), block))
        else:
            parts.append(raw_part("block", block))
    return parts, "\n".join(texts)


def reasoning_texts(payload: dict[str, Any]) -> list[str]:
    """The readable pieces of a reasoning item: its summary, and its text where the model gives it."""
    texts: list[str] = []
    for key in ("summary", "content", "summary_text", "raw_content", "text"):
        pieces = payload.get(key)
        for piece in pieces if type(pieces) is list else [pieces]:
            text = piece.get("text") if type(piece) is dict else piece
            if type(text) is str and text:
                texts.append(text)
    return texts


def call_of(kind: str, payload: dict[str, Any]) -> Part:
    """A call item of any kind: arguments are where the kind keeps them, or whatever else the item holds."""
    name = payload.get("name")
    if type(name) is not str or not name:
        name = kind.removesuffix("_call")
    for key in ("arguments", "input", "action"):
        if payload.get(key) is not None:
            arguments = payload[key]
            break
    else:
        arguments = {key: value for key, value in payload.items() if key not in _NOT_ARGUMENTS}
    call_id = payload.get("call_id")
    return call_part(name, arguments, call_id if type(call_id) is str else None)


def output_part(payload: dict[str, Any]) -> Part:
    """A call's output. Codex states no error flag here: an exit code in the text or its metadata tells, inferred."""
    call_id = payload.get("call_id")
    call_id = call_id if type(call_id) is str else None
    text, code = _output(payload)
    head = text[:400]
    if code is None and ("Exit code:" in head or "Process exited" in head):
        found = _EXIT_CODE.search(head)
        code = int(found.group(1)) if found is not None and len(found.group(1)) < 12 else None
    if code is not None:
        return Part("tool_result", text, call_id=call_id, is_error=code != 0, error_inferred=True)
    return result_part(text, call_id=call_id)


def _output(payload: dict[str, Any]) -> tuple[str, int | None]:
    """Text and, where its metadata has one, exit code: `{"output": ..., "metadata": {"exit_code": 1}}`, as JSON text
    or as an object; a list of blocks; plain text."""
    output = payload.get("output")
    if output is None:
        output = payload.get("tools")
    if type(output) is str and output.startswith('{"output":'):
        try:
            parsed = loads(output)
        except BadJson:
            return output, None
        if type(parsed) is dict and set(parsed) <= {"output", "metadata"}:
            return content_text(parsed.get("output")), _code(parsed.get("metadata"))
        return output, None
    if type(output) is dict and ("content" in output or "output" in output):
        failed = {True: 0, False: 1}.get(output["success"]) if type(output.get("success")) is bool else None
        return content_text(output.get("content", output.get("output"))), _code(output.get("metadata")) or failed
    return content_text(output), None


def _code(metadata: Any) -> int | None:
    code = metadata.get("exit_code") if type(metadata) is dict else None
    return code if type(code) is int else None


def snake(kind: str) -> str:
    """`CommandExecution` and `command_execution` are one kind of item."""
    return _CAPITAL.sub("_", kind).lower()


def tool_item(kind: str, item: dict[str, Any]) -> tuple[Part, Part | None]:
    """A finished or running tool item (`codex exec --json`, `item_completed`): the call, and its result if it ended."""
    item_id = item.get("id")
    arguments = {key: value for key, value in item.items() if key not in _NOT_ARGUMENTS}
    name = item.get("tool") if kind == "mcp_tool_call" else item.get("name")
    call = call_part(name if type(name) is str and name else kind, arguments, item_id if type(item_id) is str else None)
    result = ended(item)
    if result is not None:
        result.name, result.call_id = call.name, call.call_id
    return call, result


def ended(item: dict[str, Any]) -> Part | None:
    """The result in an item or `*_end` event; None while it runs. Exit code, status and `error` are stated errors."""
    status, code, error = item.get("status"), item.get("exit_code"), item.get("error")
    if status in ("in_progress", "inProgress", "running"):
        return None
    text = ""
    for key in ("aggregated_output", "result", "results", "output", "stdout"):
        if item.get(key):
            text = _readable(item[key])
            break
    if type(item.get("stderr")) is str and item["stderr"] and not item.get("aggregated_output"):
        text += item["stderr"]
    if error:
        text = text or (string(error.get("message")) if type(error) is dict else string(error))
    if type(code) is int:
        return Part("tool_result", text, is_error=code != 0)
    if error or status in ("failed", "declined", "error"):
        return Part("tool_result", text or string(status), is_error=True)
    if type(item.get("success")) is bool:
        return Part("tool_result", text, is_error=not item["success"])
    return Part("tool_result", text, is_error=False if status in ("completed", "success") else None)


def _readable(value: Any) -> str:
    content = value.get("content") if type(value) is dict else None
    return content_text(content if content is not None else value)
