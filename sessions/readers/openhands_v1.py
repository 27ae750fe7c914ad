"""Events of OpenHands' second generation (V1, the software-agent SDK): `kind` says what each is."""

from __future__ import annotations

from typing import Any

from sessions.readers.chat_messages import message_step
from sessions.readers.leftovers import amount, count, mapping, sequence, text_or_none
from sessions.readers.openhands_events import EventLog
from sessions.readers.shared import call_part, content_text, result_part, string
from sessions.run import Part, Raw

#: Book-keeping that nobody said or did. It is kept with the step beside it.
_SILENT = frozenset(
    (
        *("ConversationStateUpdateEvent", "CondensationRequest", "TokenEvent", "LLMCompletionLogEvent"),
        *("StreamingDeltaEvent", "HookExecutionEvent"),
    )
)
KINDS = frozenset(
    (
        *("SystemPromptEvent", "MessageEvent", "ActionEvent", "ObservationEvent", "AgentErrorEvent"),
        *("UserRejectObservation", "Condensation", "CondensationSummaryEvent", "ConversationErrorEvent", "PauseEvent"),
        *_SILENT,
    )
)


class V1Events:
    """usage: tokens of responses by their ids, as `base_state.json` keeps them. abandoned: ids of events that are on
    no way to the conversation's last one."""

    def __init__(self, log: EventLog, usage: dict[str, tuple[int | None, int | None]], abandoned: set[str]) -> None:
        self._log = log
        self._usage = dict(usage)
        self._abandoned = abandoned

    def take(self, event: dict[str, Any], raw: Raw) -> None:
        log = self._log
        log.branch = "abandoned" if string(event.get("id")) in self._abandoned else None
        match string(event.get("kind")):
            case "SystemPromptEvent":
                log.say("system", _texts(event.get("system_prompt"), event.get("dynamic_context")), event, raw)
            case "MessageEvent":
                self._message(event, raw)
            case "ActionEvent":
                self._action(event, raw)
            case "ObservationEvent" | "UserRejectObservation" | "AgentErrorEvent":
                log.result(_result(event), event, raw)
            case "Condensation" | "CondensationSummaryEvent":
                text = (
                    string(event.get("summary"))
                    or f"[condensed: {len(sequence(event.get('forgotten_event_ids')))} events]"
                )
                log.say("system", [Part("text", text)], event, raw)
            case "ConversationErrorEvent":
                text = ": ".join(filter(None, (string(event.get("code")), string(event.get("detail")))))
                log.say("environment", [Part("text", text or "error", is_error=True)], event, raw)
            case "PauseEvent":
                log.say("user", [Part("text", "[paused]")], event, raw)
            case kind if kind in _SILENT:
                log.keep(raw)
            case kind:
                log.unknown(event, raw, kind or "event")

    def _message(self, event: dict[str, Any], raw: Raw) -> None:
        message = mapping(event.get("llm_message"))
        parts = [*_thinking(message), *message_step(message, string(message.get("role")) or "user").parts]
        parts += _texts(*sequence(event.get("extended_content")))
        if event.get("source") == "agent":
            turn = self._log.act(parts, text_or_none(event.get("llm_response_id")), event, raw)
            self._count(turn.step, event)
        elif event.get("source") == "environment":
            self._log.say("environment", parts, event, raw)
        else:
            self._log.say("user", parts, event, raw, text_or_none(event.get("sender")))

    def _action(self, event: dict[str, Any], raw: Raw) -> None:
        response = text_or_none(event.get("llm_response_id"))
        parts = _thinking(event)
        text = content_text(event.get("thought"))
        if text:
            parts.append(Part("text", text))
        call = mapping(event.get("tool_call"))
        arguments = call.get("arguments")
        if arguments is None:
            arguments = {key: value for key, value in mapping(event.get("action")).items() if key != "kind"}
        name = text_or_none(event.get("tool_name")) or string(call.get("name"))
        parts.append(
            call_part(name, arguments, text_or_none(event.get("tool_call_id")) or text_or_none(call.get("id")))
        )
        turn = self._log.act(parts, response, event, raw)
        self._count(turn.step, event)

    def _count(self, step: Any, event: dict[str, Any]) -> None:
        found = self._usage.pop(string(event.get("llm_response_id")), None)
        if found is not None:
            step.tokens_in, step.tokens_out = found


def _thinking(event: dict[str, Any]) -> list[Part]:
    """Reasoning, which providers give in one of two ways."""
    text = content_text(event.get("reasoning_content"))
    if text:
        return [] if "role" in event else [Part("reasoning", text)]  # a message's is read with it
    blocks = [mapping(block) for block in sequence(event.get("thinking_blocks"))]
    return [Part("reasoning", string(block.get("thinking"))) for block in blocks if block.get("thinking")]


def _result(event: dict[str, Any]) -> Part:
    """What came of a call. An error is stated by its kind, by `is_error`, or by the exit code."""
    call_id = text_or_none(event.get("tool_call_id"))
    name = text_or_none(event.get("tool_name"))
    if event.get("kind") == "AgentErrorEvent":
        return result_part(string(event.get("error")), name=name, call_id=call_id, is_error=True)
    if event.get("kind") == "UserRejectObservation":
        return result_part(string(event.get("rejection_reason")), name=name, call_id=call_id, is_error=True)
    observation = mapping(event.get("observation"))
    text = content_text(observation.get("content")) if "content" in observation else string(observation or None)
    code = observation.get("exit_code")
    stated = observation.get("is_error")
    failed = stated if isinstance(stated, bool) else None
    if isinstance(code, int) and not isinstance(code, bool) and code != -1:  # -1: it is still running
        failed = bool(failed) or code != 0
    return result_part(text, name=name, call_id=call_id, is_error=failed)


def _texts(*blocks: Any) -> list[Part]:
    text = "\n".join(filter(None, (content_text([block]) for block in blocks if block)))
    return [Part("text", text)] if text else []


def usage_of(state: dict[str, Any]) -> tuple[dict[str, tuple[int | None, int | None]], float | None]:
    """Tokens by response id, and the cost of all, out of `base_state.json`."""
    tokens: dict[str, tuple[int | None, int | None]] = {}
    total: float | None = None
    for metrics in mapping(mapping(state.get("stats")).get("usage_to_metrics")).values():
        cost = amount(mapping(metrics).get("accumulated_cost"))
        total = (total or 0.0) + cost if cost is not None else total
        for usage in sequence(mapping(metrics).get("token_usages")):
            fields = mapping(usage)
            if isinstance(fields.get("response_id"), str):
                tokens[fields["response_id"]] = (
                    count(fields.get("prompt_tokens")),
                    count(fields.get("completion_tokens")),
                )
    return tokens, total
