"""What an agent asks at a gate: the JSON object of `gate open` checked, and the hash that a decision is bound to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, cast

from sessions.errors import UsageError
from sessions.jsontext import canonical, is_whole, mend, too_deep
from sessions.run import PART_KINDS, ROLES, Part, PartKind, Role, Step, arguments_text
from sessions.writing import mend_step

#: Names of runs, gates, agents and stages are short and printable; texts are as long as they are.
MAX_NAME, MAX_STEPS, MAX_PARTS = 200, 10_000, 10_000
#: What an adapter can do at a gate: hold the agent, run edited calls, take files back, take the agent's state back.
ABILITIES = ("hold", "edit", "files", "state")
_TOP = {
    "run", "gate", "agent", "task", "workspace", "proposed", "steps", "stage", "final", "timeout_s",
    "rules", "can", "segment", "pid",
}  # fmt: skip
_STEP = {
    "actor", "role", "parts", "at", "native_id", "model", "depth", "parent_call", "stage", "tokens_in", "tokens_out",
    "cost",
}  # fmt: skip
_PART = {"kind", "text", "name", "arguments", "call_id", "is_error"}


class GateRequest(NamedTuple):
    """A gate as the agent asks for it.

    run, gate: the agent's own names of the run and, unique in it, of the gate. steps: since the last gate. proposed:
    tool calls about to be made. rules: constraints, word for word. final: the run ends here. timeout_s: seconds to
    wait, None for ever. can: what the adapter can do (ABILITIES). segment: how often the run was rolled back, as far as
    the agent knows; None if it does not say. pid: the agent's process, where it is not the one that asks. sha256: of
    what is shown to the reviewer, to which the decision is bound.
    """

    run: str
    gate: str
    agent: str
    task: str
    workspace: str | None = None
    proposed: Sequence[Part] = ()
    steps: Sequence[Step] = ()
    stage: str | None = None
    final: bool = False
    timeout_s: float | None = None
    rules: Sequence[str] = ()
    can: tuple[str, ...] = ("hold", "edit")
    segment: int | None = None
    pid: int | None = None
    sha256: str = ""


def _sha256(asked: GateRequest) -> str:
    """Hash of what is shown to the reviewer: all but times, counts, and how the agent waits."""
    shown = {
        "run": asked.run,
        "gate": asked.gate,
        "agent": asked.agent,
        "task": asked.task,
        "rules": asked.rules,
        "workspace": asked.workspace,
        "proposed": [part_json(part) for part in asked.proposed],
        "steps": [[step.actor, step.role, [part_json(part) for part in step.parts]] for step in asked.steps],
        "stage": asked.stage,
        "final": asked.final,
    }
    return sha256(b"gate/1\n" + canonical(shown)).hexdigest()


def part_json(part: Part) -> dict[str, Any]:
    """A part in the shape of `gate open`; what is not set is left out."""
    shown: dict[str, Any] = {"kind": part.kind}
    if part.kind == "tool_call":
        shown["arguments"] = part.arguments if part.arguments is not None else {}
    else:
        shown["text"] = part.text
    for name in ("name", "call_id", "is_error"):
        if getattr(part, name) is not None:
            shown[name] = getattr(part, name)
    return shown


def parse(value: Any) -> GateRequest:
    """The request in a JSON object (steps and proposed calls may be `Step` and `Part` objects too).

    Raises UsageError for what is missing, unknown or of the wrong kind: a gate that was misunderstood guards nothing.
    """
    fields = _object(value, "a gate", _TOP)
    steps, proposed = _list(fields, "steps", MAX_STEPS), _list(fields, "proposed", MAX_PARTS)
    asked = GateRequest(
        run=_name(fields, "run"),
        gate=_name(fields, "gate"),
        agent=_name(fields, "agent"),
        task=_text(fields, "task"),
        workspace=_text(fields, "workspace") if fields.get("workspace") is not None else None,
        proposed=[proposed_call(item, f"proposed[{place}]") for place, item in enumerate(proposed)],
        steps=[step_from(item, f"steps[{place}]") for place, item in enumerate(steps)],
        stage=_name(fields, "stage") if fields.get("stage") is not None else None,
        final=_flag(fields, "final"),
        timeout_s=_seconds(fields, "timeout_s"),
        rules=_rules(fields),
        can=_abilities(fields),
        segment=_number(fields, "segment", 0),
        pid=_number(fields, "pid", 1),
    )
    return asked._replace(sha256=_sha256(asked))


def proposed_call(value: Any, where: str) -> Part:
    """A call about to be made: a `tool_call` part, whose kind need not be said."""
    if isinstance(value, Mapping) and "kind" not in value:
        value = {"kind": "tool_call", **value}
    part = _part(value, where)
    if part.kind != "tool_call":
        raise UsageError(f"{where}: a proposed action is a tool_call, not {part.kind}.")
    return part


def step_from(value: Any, where: str) -> Step:
    """A step of a request: a JSON object, or a `Step`. Raises UsageError."""
    if isinstance(value, Step):
        return _whole(value)
    fields = _object(value, where, _STEP)
    actor = _text(fields, "actor", where)
    role = fields.get("role")
    if role is None:
        role = actor if actor in ROLES else "agent"
    if role not in ROLES:
        raise UsageError(f"{where}: {_short(role)} is no role.", f"Known: {', '.join(ROLES)}.")
    step = Step(actor, cast(Role, role))
    step.parts = [
        _part(item, f"{where}.parts[{place}]") for place, item in enumerate(_list(fields, "parts", MAX_PARTS, where))
    ]
    for name in ("at", "native_id", "model", "parent_call", "stage"):
        if fields.get(name) is not None:
            setattr(step, name, _text(fields, name, where))
    for name in ("depth", "tokens_in", "tokens_out"):
        number = _number(fields, name, 0, where)
        if number is not None:
            setattr(step, name, number)
    step.cost = _seconds(fields, "cost", where)
    return _whole(step)


def _whole(step: Step) -> Step:
    """The step as it can be stored, so that its hash is the same when it is asked again."""
    if not is_whole(step.actor) or not all(is_whole(part.text) for part in step.parts):
        mend_step(step)
    return step


def _part(value: Any, where: str) -> Part:
    if isinstance(value, Part):
        return value
    fields = _object(value, where, _PART)
    kind = fields.get("kind")
    if kind not in PART_KINDS:
        raise UsageError(f"{where}: {_short(kind)} is no kind of part.", f"Known: {', '.join(PART_KINDS)}.")
    part = Part(cast(PartKind, kind), _text(fields, "text", where) if fields.get("text") is not None else "")
    for name in ("name", "call_id"):
        if fields.get(name) is not None:
            setattr(part, name, _text(fields, name, where))
    if fields.get("is_error") is not None:
        part.is_error = _flag(fields, "is_error", where)
    if kind == "tool_call":
        part.arguments = _arguments(fields, part.text, where)
        part.text = arguments_text(part.arguments)
    elif "arguments" in fields:
        raise UsageError(f"{where}: only a tool_call has arguments.")
    return part


def _arguments(fields: Mapping[str, Any], text: str, where: str) -> Any:
    value = fields.get("arguments")
    if value is None:
        return text or {}
    if too_deep(value):
        raise UsageError(f"{where}: the arguments are nested too deeply.")
    return mend(value)


# -- fields -------------------------------------------------------------------------------------------------------


def _object(value: Any, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where} is a JSON object, not {_kind(value)}.")
    if unknown := sorted(str(name) for name in value if name not in known):
        raise UsageError(f"{where}: unknown field {_short(unknown[0])}.", f"Known: {', '.join(sorted(known))}.")
    return value


def _text(fields: Mapping[str, Any], name: str, where: str = "a gate") -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise UsageError(f"{where}: {name!r} is a text, not {_kind(value)}.")
    return value if is_whole(value) else str(mend(value))


def _name(fields: Mapping[str, Any], name: str) -> str:
    text = _text(fields, name)
    if not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        raise UsageError(f"a gate: {name!r} has 1 to {MAX_NAME} printable characters.")
    return text


def _list(fields: Mapping[str, Any], name: str, most: int, where: str = "a gate") -> list[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise UsageError(f"{where}: {name!r} is a list, not {_kind(value)}.")
    if len(value) > most:
        raise UsageError(
            f"{where}: {name!r} has {len(value):,} items; {most:,} are the most.", "Open gates more often."
        )
    return list(value)


def _flag(fields: Mapping[str, Any], name: str, where: str = "a gate") -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"{where}: {name!r} is true or false, not {_kind(value)}.")
    return bool(value)


def _seconds(fields: Mapping[str, Any], name: str, where: str = "a gate") -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise UsageError(f"{where}: {name!r} is a number from 0 up, not {_short(value)}.")
    return float(value)


def _number(fields: Mapping[str, Any], name: str, least: int, where: str = "a gate") -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**53:
        raise UsageError(f"{where}: {name!r} is a whole number from {least} up, not {_short(value)}.")
    return value


def _rules(fields: Mapping[str, Any]) -> list[str]:
    value = fields.get("rules")
    given = [value] if isinstance(value, str) else _list(fields, "rules", 1000)
    return [_text({"rules": item}, "rules") for item in given]


def _abilities(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if fields.get("can") is None:
        return ("hold", "edit")
    given = _list(fields, "can", len(ABILITIES))
    if unknown := [item for item in given if item not in ABILITIES]:
        raise UsageError(f"a gate: {_short(unknown[0])} is no ability.", f"Known: {', '.join(ABILITIES)}.")
    return tuple(name for name in ABILITIES if name in given)


_KINDS: tuple[tuple[Any, str], ...] = (
    (type(None), "missing"), (bool, "true or false"), ((int, float), "a number"), (str, "a text"),
    ((list, tuple), "a list"), (Mapping, "an object"),
)  # fmt: skip


def _kind(value: Any) -> str:
    return next((name for kinds, name in _KINDS if isinstance(value, kinds)), type(value).__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
