"""Writes a run as ATIF 1.7, the trajectory format of Harbor, so that Harbor's own models accept it.

A step is a step: reasoning, texts (joined by newlines), calls and the results of its calls. ATIF knows the sources
system, user and agent: other actors are `agent` if they call, reason or have a model, else `system`, and named in
`extra`. Sub-agents' steps become `subagent_trajectories`, referred to by the result of the call that began them; those
whose call is not known stay in line. What ATIF has no place for goes to `extra`, under the key `review-tui`
(`sessions/readers/atif_kept.py` says what and puts it back), so that the file read here is the same run again, by
content id too. With these exceptions: the source's own records are left out (the canonical format has them), and where
a sub-agent's steps stood between its caller's later ones, they follow the step of the call.

Nothing is invented: a version that nobody knows is "unknown", and tokens are only written where they are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import deeper_than, dumps
from sessions.readers.atif_kept import KEY
from sessions.readers.canonical import SCHEMA
from sessions.run import DEFAULT_ACTOR, Part, PartKind, Step
from sessions.writers.base import Recorded

VERSION = "ATIF-v1.7"
#: Deeper values are written as JSON text: the document wraps them in a few levels more.
_BARE_DEPTH = 150
#: Sub-agents nested deeper than this stay in line, so that no document becomes too deep to be read.
_MAX_NESTING = 8
#: How a reader of ATIF puts the parts of a step.
_ORDER: tuple[PartKind, ...] = ("reasoning", "text", "tool_call", "tool_result", "raw")


@dataclass(eq=False)
class _Trajectory:
    """The main run or a sub-agent's. level: how deep it is nested. steps: indices. subs: by the step that began them,
    with the call. totals: tokens in, tokens out, cost."""

    name: str = ""
    level: int = 0
    steps: list[int] = field(default_factory=list)
    subs: dict[int, list[tuple[str, _Trajectory]]] = field(default_factory=dict)
    actors: Counter[str] = field(default_factory=Counter)
    totals: dict[str, float] = field(default_factory=dict)

    def note(self, step: Step) -> None:
        if step.role == "agent":
            self.actors[step.actor] += 1
        for name, value in (
            ("total_prompt_tokens", step.tokens_in),
            ("total_completion_tokens", step.tokens_out),
            ("total_cost_usd", step.cost),
        ):
            if value is not None:
                self.totals[name] = self.totals.get(name, 0) + value

    @property
    def agent(self) -> str:
        """The actor whose steps need no name in `extra`."""
        if not self.level:
            return DEFAULT_ACTOR["agent"]
        return self.actors.most_common(1)[0][0] if self.actors else "sub-agent"


def write(run: Recorded) -> Iterator[str]:
    """The document in pieces. Raises UserError for a run without steps, which ATIF does not have."""
    main, written_as = _tree(run)
    if not main.steps:
        raise UserError("the run has no steps, and ATIF wants at least one.", "The canonical format takes it.")
    yield from _document(run, main, written_as)
    yield "\n"


def _tree(run: Recorded) -> tuple[_Trajectory, dict[int, _Trajectory]]:
    """The main trajectory with the sub-agents' ones in it, and for each step the one it stands in."""
    main = _Trajectory()
    callers: dict[str, tuple[int, int]] = {}
    of_step: dict[int, _Trajectory] = {}
    begun: dict[tuple[int, str], _Trajectory] = {}
    for stored in run.steps():
        step, index = stored.step, stored.index
        place = main
        caller = callers.get(step.parent_call) if step.depth and step.parent_call is not None else None
        if caller is not None and caller[1] == step.depth - 1 and of_step[caller[0]].level < _MAX_NESTING:
            outer = of_step[caller[0]]
            key = (caller[0], str(step.parent_call))
            if key not in begun:
                begun[key] = _Trajectory(f"sub-{len(begun) + 1}", outer.level + 1)
                outer.subs.setdefault(caller[0], []).append((key[1], begun[key]))
            place = begun[key]
        place.steps.append(index)
        place.note(step)
        of_step[index] = place
        for part in step.parts:
            if part.kind == "tool_call" and part.call_id is not None:
                callers[part.call_id] = (index, step.depth)
    return main, of_step


def _document(run: Recorded, place: _Trajectory, of_step: dict[int, _Trajectory]) -> Iterator[str]:
    head = _root(run) if not place.level else _sub_root(place)
    yield dumps(head)[:-1] + ',"steps":['
    copied = {str(value) for value in _list(run.header.facts.get("copied_context_steps"))}
    stored = run.steps() if not place.level else map(run.step, place.steps)
    number = 0
    for item in stored:
        if of_step[item.index] is not place:
            continue
        number += 1
        step = _Step(item.step, number, place, place.subs.get(item.index, [])).document()
        if item.step.native_id in copied and copied:
            step["is_copied_context"] = True
        yield (",\n" if number > 1 else "\n") + dumps(step)
    yield '\n],"final_metrics":' + dumps({**place.totals, "total_steps": number})
    subs = [sub for started in place.subs.values() for _, sub in started]
    for first, sub in enumerate(subs):
        yield "," if first else ',"subagent_trajectories":['
        yield from _document(run, sub, of_step)
    yield "]}" if subs else "}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _root(run: Recorded) -> dict[str, Any]:
    header = run.header
    root: dict[str, Any] = {"schema_version": VERSION}
    if header.native_id is not None:
        root["session_id"] = header.native_id
    name, version = _system(header.system)
    root["agent"] = {"name": name, "version": version, **({"model_name": header.model} if header.model else {})}
    kept: dict[str, Any] = {"schema": SCHEMA, "format": header.format}
    for key in ("title", "task", "system", "model", "native_id", "started_at"):
        if getattr(header, key):
            kept[key] = getattr(header, key)
    if header.facts:
        kept["facts"] = _shallow(header.facts)
    root["extra"] = {KEY: kept}
    if header.reference is not None:
        root["extra"]["reference"] = _shallow(header.reference)
    return root


def _sub_root(place: _Trajectory) -> dict[str, Any]:
    agent = {"name": place.agent, "version": "unknown"}
    return {"schema_version": VERSION, "trajectory_id": place.name, "agent": agent}


def _system(system: str | None) -> tuple[str, str]:
    """Name and version of `claude-code 2.0.76`."""
    name, _, version = (system or "").rpartition(" ")
    if name and any(letter.isdigit() for letter in version):
        return name, version
    return system or "unknown", "unknown"


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    """Values nested so deep that the document could not be read again become JSON text."""
    return {key: dumps(item) if deeper_than(_BARE_DEPTH, item) else item for key, item in value.items()}


class _Step:
    """One step on its way to ATIF."""

    def __init__(self, step: Step, number: int, place: _Trajectory, subs: list[tuple[str, _Trajectory]]) -> None:
        self.step, self.number, self.place, self.subs = step, number, place, subs
        self.kept: dict[str, Any] = {}
        self.by_kind: dict[str, list[Part]] = {
            kind: [] for kind in ("reasoning", "text", "tool_call", "tool_result", "raw")
        }
        for part in step.parts:
            self.by_kind[part.kind].append(part)

    def document(self) -> dict[str, Any]:
        step = self.step
        source = self._source()
        item: dict[str, Any] = {"step_id": self.number}
        if step.at is not None and _is_iso(step.at):
            item["timestamp"] = step.at
        elif step.at is not None:
            self.kept["at"] = step.at
        item["source"] = source
        if source == "agent" and step.model is not None:
            item["model_name"] = step.model
        item["message"] = _joined(self.by_kind["text"])
        if self.by_kind["reasoning"]:
            item["reasoning_content"] = _joined(self.by_kind["reasoning"])
        calls = [self._call(part, place) for place, part in enumerate(self.by_kind["tool_call"], 1)]
        if calls:
            item["tool_calls"] = calls
        if results := self._results():
            item["observation"] = {"results": results}
        metrics = {"prompt_tokens": step.tokens_in, "completion_tokens": step.tokens_out, "cost_usd": step.cost}
        if metrics := {name: value for name, value in metrics.items() if value is not None}:
            item["metrics"] = metrics
        self._keep(source)
        if self.kept:
            item["extra"] = {KEY: self.kept}
        return item

    def _source(self) -> str:
        """ATIF gives reasoning, calls, models and metrics to agents only."""
        step = self.step
        acts = self.by_kind["reasoning"] or self.by_kind["tool_call"]
        told = (step.model, step.tokens_in, step.tokens_out, step.cost)
        if step.role == "agent" or acts or any(value is not None for value in told):
            return "agent"
        return "user" if step.role == "user" else "system"

    def _call(self, part: Part, place: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        arguments = part.arguments if part.arguments is not None else {}
        if deeper_than(_BARE_DEPTH, arguments):
            arguments = dumps(arguments)
        if not isinstance(arguments, dict):
            arguments, kept["bare"] = {"input": arguments}, True
        if part.call_id is None:
            kept["no_id"] = True
        call_id = part.call_id if part.call_id is not None else f"call-{self.number}-{place}"
        call: dict[str, Any] = {"tool_call_id": call_id, "function_name": part.name or "", "arguments": arguments}
        return {**call, "extra": {KEY: kept}} if kept else call

    def _results(self) -> list[dict[str, Any]]:
        calls = [part for part in self.by_kind["tool_call"] if part.call_id is not None]
        names: dict[str | None, str | None] = {part.call_id: part.name for part in calls}
        results = [self._result(part, names) for part in self.by_kind["tool_result"]]
        for call, sub in self.subs:
            found = next((item for item in results if item.get("source_call_id") == call), None)
            if found is None:
                found = {"source_call_id": call}
                results.append(found)
            found.setdefault("subagent_trajectory_ref", []).append({"trajectory_id": sub.name})
        return results

    def _result(self, part: Part, names: dict[str | None, str | None]) -> dict[str, Any]:
        """ATIF has no error flag; `extra.is_error` is what other converters write too."""
        kept: dict[str, Any] = {}
        result: dict[str, Any] = {}
        if part.call_id in names:
            result["source_call_id"] = part.call_id
        elif part.call_id is not None:
            kept["call_id"] = part.call_id
        if part.name is not None and part.name != names.get(part.call_id):
            kept["name"] = part.name
        result["content"] = part.text
        extra: dict[str, Any] = {KEY: kept} if kept else {}
        if part.is_error is not None:
            extra["is_error"] = part.is_error
            if part.error_inferred:
                extra["error_inferred"] = True
        return {**result, "extra": extra} if extra else result

    def _keep(self, source: str) -> None:
        """Note what reading the rest would not give back."""
        step, kept = self.step, self.kept
        actor = self.place.agent if source == "agent" else source
        values: dict[str, Any] = {
            "actor": step.actor if step.actor != actor else None,
            "role": step.role if step.role != source else None,
            "native_id": step.native_id if step.native_id != str(self.number) else None,
            "branch": step.branch,
            "stage": step.stage,
        }
        if step.depth != self.place.level:
            values |= {"depth": step.depth, "parent_call": step.parent_call}
        elif not self.place.level:
            values["parent_call"] = step.parent_call
        kept |= {name: value for name, value in values.items() if value is not None}
        if self.by_kind["raw"]:
            kept["raw"] = [[part.name, part.text] for part in self.by_kind["raw"]]
        if not self._in_order():
            kept["parts"] = [_entry(part) for part in step.parts]

    def _in_order(self) -> bool:
        """Whether the parts stand as a reader of ATIF puts them: reasoning, one text, calls, results, raw ones."""
        parts = self.step.parts
        order = [part for kind in self.by_kind for part in self.by_kind[kind]]
        said = self.by_kind["reasoning"] + self.by_kind["text"]
        alone = len(self.by_kind["reasoning"]) <= 1 and len(self.by_kind["text"]) <= 1
        plain = all(part.text and part.name is None for part in said)
        return alone and plain and all(one is other for one, other in zip(parts, order, strict=True))


def _entry(part: Part) -> list[Any]:
    if part.kind not in ("text", "reasoning"):
        return [part.kind]
    return [part.kind, len(part.text)] if part.name is None else [part.kind, len(part.text), part.name]


def _joined(parts: list[Part]) -> str:
    return "\n".join([part.text for part in parts])


def _is_iso(time: str) -> bool:
    """Whether Harbor's models take it for a time."""
    try:
        datetime.fromisoformat(time.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
