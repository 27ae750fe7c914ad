"""A run's steps as plain text, for tools that know nothing of parts and tool calls."""

from __future__ import annotations

from collections.abc import Iterable

from sessions.run import Part, Step


def step_text(step: Step) -> str:
    """What a step says and does, part by part."""
    return "\n".join(text for part in step.parts if (text := _part_text(part)))


def _part_text(part: Part) -> str:
    if part.kind == "tool_call":
        return f"[call {part.name or 'tool'}] {part.text}".rstrip()
    if part.kind == "tool_result":
        mark = "error" if part.is_error else "result"
        return f"[{mark}{f' of {part.name}' if part.name else ''}] {part.text}".rstrip()
    if part.kind == "reasoning":
        return f"[thinks] {part.text}"
    return part.text


def steps_text(steps: Iterable[tuple[int, Step]]) -> str:
    """Steps with their numbers. steps: (index from 0, step)."""
    return "\n\n".join(f"Step {index + 1}, {step.actor}:\n{step_text(step)}" for index, step in steps)
