"""Items of OpenAI's Responses interface as steps: for files of items, responses, and sessions of the Agents SDK.

What the agent thinks, says and calls up to the results is one step; the next item after a result, or a message of
somebody else, begins another. Results find their call by `call_id`, up to 64 steps later; then, or without a call, they
are a step of the environment. Tools that run at OpenAI's (search, code, MCP) carry their result in the call's item.

A handoff of the Agents SDK is a call `transfer_to_NAME` whose result names the next agent: `{"assistant": "Billing"}`.
From there on that is the actor; the first one is "agent".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.chat_roles import actor_and_role
from sessions.readers.codex_items import call_of, ended, message_parts, output_part, reasoning_texts
from sessions.readers.leftovers import count, mapping, sequence, text_or_none
from sessions.readers.pairing import Turn, Window
from sessions.readers.shared import media_text, raw_part, string
from sessions.readers.told import Said
from sessions.run import DEFAULT_ACTOR, Part, Raw, Role, Step

#: Items that say nothing of their own: references to others, lists of tools.
_SILENT = frozenset(("item_reference", "mcp_list_tools"))
_OUTPUT = "_output"
#: Calls whose result is in the same item.
_HOSTED = frozenset(
    (
        *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"),
        *("tool_search_call", "web_search_preview_call"),
    )
)
ITEM_TYPES = frozenset(
    (
        *(
            "message",
            "reasoning",
            "function_call",
            "custom_tool_call",
            "computer_call",
            "local_shell_call",
            "shell_call",
        ),
        *("apply_patch_call", "compaction", "mcp_approval_request", "mcp_approval_response", *_SILENT, *_HOSTED),
        *(
            f"{kind}{_OUTPUT}"
            for kind in (
                *("function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call"),
                "apply_patch_call",
            )
        ),
    )
)


def is_item(value: Any) -> bool:
    """Whether a record is an item: one of a known type, or a message without a type (as requests have them)."""
    if not isinstance(value, dict):
        return False
    if "type" in value:
        kind = value["type"]
        return isinstance(kind, str) and kind in ITEM_TYPES and (kind != "message" or "role" in value)
    return isinstance(value.get("role"), str) and "content" in value and value.keys().isdisjoint(_CHAT_KEYS)


#: Of messages in the older interface, which are no items.
_CHAT_KEYS = frozenset(("tool_calls", "tool_call_id", "function_call", "name", "uuid", "parts"))


def is_telling(value: Any) -> bool:
    """Whether an item is one by a mark that chat messages do not have."""
    kind = string(value.get("type"))
    if kind == "message":
        return any(
            mapping(block).get("type") in ("input_text", "output_text") for block in sequence(value.get("content"))
        )
    return kind in ITEM_TYPES and (kind != "reasoning" or "summary" in value)


class Items:
    """Takes a run's items one by one; steps come out when nothing can be added to them any more."""

    def __init__(self) -> None:
        self._window = Window()
        self._turn: Turn | None = None
        self._answered = False
        self._actor = DEFAULT_ACTOR["agent"]

    def take(self, item: Any, raw: Raw, at: str | None = None) -> None:
        """The next item. at: when it was made, if the file says."""
        kind = string(item.get("type", "message" if "role" in item else None)) if isinstance(item, dict) else ""
        if kind == "message" and isinstance(item.get("role"), str):
            self._message(item, raw, at)
        elif kind == "reasoning":
            self._add(self._reasoning(item), item, raw, at)
        elif kind.endswith(_OUTPUT) and kind in ITEM_TYPES:
            self._output(item, raw, at)
        elif kind.endswith("_call") and kind in ITEM_TYPES:
            self._call(kind, item, raw, at)
        elif kind in _SILENT:
            self._window.attach(raw)
        else:
            self._window.attach(raw, raw_part(kind or "item", item))

    def usage(self, response: Mapping[str, Any]) -> None:
        """What a response says of the step that its items made last."""
        if self._turn is None or not response.get("output"):
            return
        step, usage = self._turn.step, mapping(response.get("usage"))
        step.model = text_or_none(response.get("model"))
        step.tokens_in, step.tokens_out = count(usage.get("input_tokens")), count(usage.get("output_tokens"))

    def failure(self, error: Any, at: str | None) -> None:
        """A response that failed, as a step of the environment."""
        part = Part("text", string(mapping(error).get("message", error)), is_error=True)
        turn = self._open(DEFAULT_ACTOR["environment"], "environment", {}, dump_bytes({"error": error}), at)
        turn.step.parts.append(part)
        self._turn = None

    def ready(self) -> Iterator[Step]:
        """The steps that are finished."""
        for turn in self._window.ready():
            yield turn.step

    def rest(self) -> Iterator[Step]:
        """All others, at the end of the run."""
        self._turn = None
        for turn in self._window.rest():
            yield turn.step

    def _message(self, item: dict[str, Any], raw: Raw, at: str | None) -> None:
        parts = _message_parts(item.get("content"))
        actor, role, _ = actor_and_role(item["role"])
        if role == "agent":
            self._add(parts, item, raw, at)
        else:
            self._open(actor, role, item, raw, at).step.parts += parts
            self._turn = None

    def _reasoning(self, item: dict[str, Any]) -> list[Part]:
        texts = reasoning_texts(item)
        if not texts and item.get("encrypted_content"):
            texts = ["[encrypted reasoning]"]
        return [Part("reasoning", text) for text in texts]

    def _open(self, actor: str, role: Role, item: dict[str, Any], raw: Raw, at: str | None) -> Turn:
        turn = Turn(Step(actor, role, at=at, native_id=text_or_none(item.get("id")), raw=[raw]))
        self._window.add(turn)
        return turn

    def _add(self, parts: list[Part], item: dict[str, Any], raw: Raw, at: str | None) -> Turn:
        """Something of the agent: it belongs to its step, until results came."""
        if self._turn is None or self._answered or self._turn is not self._window.turns[-1]:
            self._turn = self._open(self._actor, "agent", item, raw, at)
            self._answered = False
        elif self._turn.step.raw[-1] is not raw:
            self._turn.step.raw.append(raw)
        self._turn.step.parts += parts
        return self._turn

    def _call(self, kind: str, item: dict[str, Any], raw: Raw, at: str | None) -> None:
        call = call_of(kind, {key: value for key, value in item.items() if key != "outputs"})
        turn = self._add([call], item, raw, at)
        if kind not in _HOSTED:
            self._window.expect(turn, call)
            return
        result = _hosted_result(kind, item)
        if result is not None:
            result.name, result.call_id = call.name, call.call_id
            turn.results.append(result)

    def _output(self, item: dict[str, Any], raw: Raw, at: str | None) -> None:
        result = _result(item)
        turn = self._window.answer(result.call_id, result, raw)
        if turn is None:
            self._open(DEFAULT_ACTOR["environment"], "environment", item, raw, at).step.parts.append(result)
            self._turn = None
            return
        self._answered = self._answered or turn is self._turn
        if result.name is not None and result.name.startswith("transfer_to_"):
            self._actor = _next_agent(result.text) or self._actor


def _message_parts(content: Any) -> list[Part]:
    parts: list[Part] = []
    for block in content if isinstance(content, list) else [content]:
        if isinstance(block, dict) and isinstance(block.get("refusal"), str):
            parts.append(Part("text", block["refusal"], name="refusal"))
        elif isinstance(block, dict) and block.get("type") in ("reasoning_text", "summary_text"):
            parts.append(Part("reasoning", string(block.get("text"))))
        elif block:
            parts += message_parts([block])[0]
    return parts


def _hosted_result(kind: str, item: dict[str, Any]) -> Part | None:
    """The result of a tool that ran at the provider's; None while it runs or where it is not told."""
    if kind == "image_generation_call":
        return Part("tool_result", media_text("image", {"result": item["result"]})) if item.get("result") else None
    if kind == "code_interpreter_call":
        outputs = [mapping(output) for output in sequence(item.get("outputs"))]
        texts = [string(output.get("logs")) or media_text("image", output) for output in outputs]
        return Part("tool_result", "\n".join(texts)) if texts else None
    result = ended(item)
    return result if result is not None and (result.text or result.is_error) else None


def _result(item: dict[str, Any]) -> Part:
    """A call's output. Outputs of shells state their exit codes."""
    output = item.get("output")
    shells = [mapping(entry) for entry in output] if isinstance(output, list) else []
    codes = [mapping(entry.get("outcome")).get("exit_code") for entry in shells]
    if shells and all("outcome" in entry for entry in shells):
        text = "\n".join(f"{string(entry.get('stdout'))}{string(entry.get('stderr'))}" for entry in shells)
        failed = any(code != 0 for code in codes)
        return Part("tool_result", text, call_id=text_or_none(item.get("call_id")), is_error=failed)
    if isinstance(output, dict) and isinstance(output.get("type"), str) and "screenshot" in output["type"]:
        text = media_text("image", output)
        return Part("tool_result", text, call_id=text_or_none(item.get("call_id")))
    part = output_part(item)
    if item.get("status") == "failed":
        part.is_error, part.error_inferred = True, False
    return part


def _next_agent(text: str) -> str | None:
    if len(text) > 1000:
        return None
    try:
        return text_or_none(mapping(loads(text)).get("assistant"))
    except BadJson:
        return None


def said_of_item(item: dict[str, Any]) -> Said:
    """An item as a message of a history, for traces that carry items in a model's input."""
    kind = string(item.get("type") or "message")
    if kind == "message":
        return Said(string(item.get("role")) or "assistant", _message_parts(item.get("content")), source=item)
    if kind == "reasoning":
        return Said("assistant", [Part("reasoning", text) for text in reasoning_texts(item)], source=item)
    if kind.endswith(_OUTPUT):
        return Said("tool", [_result(item)], source=item)
    if kind.endswith("_call"):
        return Said("assistant", [call_of(kind, item)], source=item)
    return Said("assistant", [raw_part(kind, item)], source=item)
