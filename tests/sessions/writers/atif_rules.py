"""ATIF 1.7 as rules of our own, after Harbor's RFC 0001: which keys there are, of which types, and what hangs together.

`violations` lists what Harbor's models would refuse. They refuse any key that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

TEXT, NUMBER, WHOLE, FLAG, OBJECT, LIST = str, (int, float), int, bool, dict, list
ROOT = {
    "schema_version": TEXT, "session_id": TEXT, "trajectory_id": TEXT, "agent": OBJECT, "steps": LIST, "notes": TEXT,
    "final_metrics": OBJECT, "continued_trajectory_ref": TEXT, "subagent_trajectories": LIST, "extra": OBJECT,
}  # fmt: skip
AGENT = {"name": TEXT, "version": TEXT, "model_name": TEXT, "tool_definitions": LIST, "extra": OBJECT}
STEP = {
    "step_id": WHOLE, "timestamp": TEXT, "source": TEXT, "model_name": TEXT, "reasoning_effort": (str, int, float),
    "message": (str, list), "reasoning_content": TEXT, "tool_calls": LIST, "observation": OBJECT, "metrics": OBJECT,
    "is_copied_context": FLAG, "llm_call_count": WHOLE, "extra": OBJECT,
}  # fmt: skip
CALL = {"tool_call_id": TEXT, "function_name": TEXT, "arguments": OBJECT, "extra": OBJECT}
RESULT = {"source_call_id": TEXT, "content": (str, list), "subagent_trajectory_ref": LIST, "extra": OBJECT}
REFERENCE = {"trajectory_id": TEXT, "session_id": TEXT, "trajectory_path": TEXT, "extra": OBJECT}
METRICS = {
    "prompt_tokens": WHOLE, "completion_tokens": WHOLE, "cached_tokens": WHOLE, "cost_usd": NUMBER, "extra": OBJECT,
    "prompt_token_ids": LIST, "completion_token_ids": LIST, "logprobs": LIST,
}  # fmt: skip
TOTALS = {
    "total_prompt_tokens": WHOLE, "total_completion_tokens": WHOLE, "total_cached_tokens": WHOLE,
    "total_cost_usd": NUMBER, "total_steps": WHOLE, "extra": OBJECT,
}  # fmt: skip
AGENT_ONLY = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")


def violations(document: Any) -> list[str]:
    return list(_trajectory(document, "run"))


def _keys(value: Any, known: dict[str, Any], needed: str, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: no object"
        return
    for key in needed.split():
        if value.get(key) is None:
            yield f"{where}: no {key}"
    for key, item in value.items():
        kind = known.get(key)
        if kind is None:
            yield f"{where}: unknown key {key}"
        elif item is not None and (not isinstance(item, kind) or (isinstance(item, bool) and kind is not FLAG)):
            yield f"{where}.{key}: {type(item).__name__}"


def _trajectory(value: dict, where: str) -> Iterator[str]:
    yield from _keys(value, ROOT, "schema_version agent steps", where)
    if value["schema_version"] != "ATIF-v1.7":
        yield f"{where}: version {value['schema_version']}"
    yield from _keys(value["agent"], AGENT, "name version", f"{where}.agent")
    yield from _keys(value.get("final_metrics", {}), TOTALS, "", f"{where}.final_metrics")
    if not value["steps"]:
        yield f"{where}: no steps"
    for number, step in enumerate(value["steps"], 1):
        yield from _step(step, number, f"{where} step {number}")
    subs = value.get("subagent_trajectories") or []
    names = [sub.get("trajectory_id") for sub in subs]
    if None in names or len(set(names)) < len(names):
        yield f"{where}: sub-agents' ids {names}"
    wanted = {reference["trajectory_id"] for reference in _references(value["steps"])}
    if wanted != set(names):
        yield f"{where}: references {sorted(wanted)} to {names}"
    for sub in subs:
        yield from _trajectory(sub, f"{where} {sub.get('trajectory_id')}")


def _references(steps: list) -> Iterator[dict]:
    for step in steps:
        for result in step.get("observation", {}).get("results", []):
            yield from result.get("subagent_trajectory_ref") or []


def _step(step: dict, number: int, where: str) -> Iterator[str]:
    yield from _keys(step, STEP, "step_id source message", where)
    if step["step_id"] != number:
        yield f"{where}: id {step['step_id']}"
    if step["source"] not in ("system", "user", "agent"):
        yield f"{where}: source {step['source']}"
    elif step["source"] != "agent":
        yield from (f"{where}: {key} is the agent's" for key in AGENT_ONLY if step.get(key) is not None)
    if not _is_time(step.get("timestamp")):
        yield f"{where}: time {step['timestamp']}"
    yield from _keys(step.get("metrics") or {}, METRICS, "", f"{where}.metrics")
    calls = step.get("tool_calls") or []
    for call in calls:
        yield from _keys(call, CALL, "tool_call_id function_name arguments", f"{where} call")
    if "observation" not in step:
        return
    yield from _keys(step["observation"], {"results": LIST}, "results", f"{where}.observation")
    ids = {call["tool_call_id"] for call in calls}
    for result in step["observation"]["results"]:
        yield from _keys(result, RESULT, "", f"{where} result")
        if result.get("source_call_id") is not None and result["source_call_id"] not in ids:
            yield f"{where}: a result of {result['source_call_id']}, which is no call of the step"
        for reference in result.get("subagent_trajectory_ref") or []:
            yield from _keys(reference, REFERENCE, "trajectory_id", f"{where} reference")


def _is_time(value: str | None) -> bool:
    try:
        return value is None or bool(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except ValueError:
        return False
