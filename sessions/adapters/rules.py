"""Rules that adapters share: when a chunk is complete, which calls are asked for first, what an edit changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sessions.adapters.trail import Call
from sessions.effects import changes_world
from sessions.errors import UsageError
from sessions.run import Step

if TYPE_CHECKING:
    from sessions.live.gates import LiveRun
    from sessions.store import Store

#: Which calls are asked for before they run: those that the station's checks would not let pass, all, none, or those
#: that a function (name, arguments) says.
Before: TypeAlias = Literal["risky", "all", "none"] | Callable[[str, Any], bool]
#: Chunk policies that tell when a chunk is complete while the agent works.
POLICIES = "every:N, tokens:N, effects, marker:REGEX"
#: Whether a chunk is complete, from what was counted in it and its steps.
ChunkRule: TypeAlias = Callable[[int, list[Step]], bool]
#: As `sessions.chunks` has them, without its imports.
_CHARS_PER_TOKEN, _MARKER_CHARS = 4, 200_000


def chunk_rule(text: str) -> ChunkRule:
    """The rule of a chunk policy. Raises UsageError for one that is unknown, or cannot be told while an agent works."""
    kind, _, rest = text.strip().partition(":")
    if kind in ("every", "tokens") and rest.isdecimal() and len(rest) <= 7 and 1 <= int(rest) <= 1_000_000:
        size = int(rest)
        return (lambda count, _: count >= size) if kind == "every" else (lambda _, steps: _tokens(steps) >= size)
    if text.strip() == "effects":
        return lambda _, steps: any(_has_effect(step) for step in steps)
    if kind == "marker" and rest:
        try:
            pattern = re.compile(rest, re.MULTILINE)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"{rest!r} is no regular expression: {error}.") from None
        return lambda _, steps: any(pattern.search(_text(step)[:_MARKER_CHARS]) for step in steps)
    raise UsageError(f"{text!r} is no chunk policy of a live agent.", f"Known: {POLICIES}.")


def _has_effect(step: Step) -> bool:
    return any(part.kind == "tool_call" and changes_world(part.name, part.arguments, part.text) for part in step.parts)


def _text(step: Step) -> str:
    return "\n".join(part.text for part in step.parts)


def _tokens(steps: Sequence[Step]) -> int:
    return sum(len(part.text) for step in steps for part in step.parts) // _CHARS_PER_TOKEN


def checks_object(
    store: Store, live: LiveRun | None, name: str, agent: str, task: str, rules: Sequence[str],
    workspace: Path | str | None, calls: Sequence[Call],
) -> bool:  # fmt: skip
    """Whether an installed check would hold, reject or stop at these calls, or fails (`sessions.gate_checks`). Without
    any check installed, whether a call changes the world. live: the run, None before its first gate; name: its name."""
    from sessions.gate_checks import CheckContext
    from sessions.live import checking

    parts = [call.part for call in calls]
    if not checking.points():
        return any(changes_world(part.name, part.arguments, part.text) for part in parts)
    row = store.query("SELECT no, steps FROM run WHERE id = ?", [live.run])[0] if live is not None else (None, 0)
    context = CheckContext(
        store=store, run=live.run if live else None, no=row[0], name=name, gate="", agent=agent, task=task,
        rules=tuple(rules), workspace=str(Path(workspace).absolute()) if workspace is not None else None,
        first=row[1], steps=[], proposed=parts, stage=None, final=False, segment=live.segment if live else 0,
    )  # fmt: skip
    return any(result.action in ("hold", "reject", "stop") for _, result in checking.ask(context).results)


def paired(proposed: Sequence[Call], edited: Sequence[Call]) -> tuple[list[Call | None], list[Call]]:
    """What an edit makes of each proposed call (None: it is not to be made), and calls that it adds.

    An edited call belongs to the proposed one with its id. Where none has an id, they go by their order.
    """
    found: list[Call | None] = [None] * len(proposed)
    places = {call.id: place for place, call in enumerate(proposed) if call.id is not None}
    added: list[Call] = []
    for order, call in enumerate(edited):
        by_order = order if order < len(proposed) and all(item.id is None for item in edited) else None
        place = places.get(call.id, by_order) if call.id is not None else by_order
        if place is None or found[place] is not None:
            added.append(call)
        else:
            found[place] = call._replace(id=proposed[place].id)
    return found, added
