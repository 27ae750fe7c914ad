"""Traces, trees of spans, as steps: for every format that has them (OpenTelemetry, LangSmith, the Agents SDK).

A reader makes a `Node` of each span, which stays in memory, and fetches its `Content` when its turn comes: spans lie in
files in the order in which they ended, children before parents, and their texts may be large.

How spans become steps:
- Depth first, siblings by their start, so that a sub-agent's steps stand together, behind the step that called it.
- A span of a model is a step of its agent: what it said and called. Before it come, as steps of their own, the messages
  of its input that were not told before (`told`). A span inside another one of a model is its echo.
- A span of a tool is the result of its call: found by id, else by the tool's name, else it is a step with call and
  result. A result in a later history answers a call that no span answered.
- Agents are actors. Where all models of the outermost level have one agent or none, that is "agent". Depth counts the
  tools and agents around a model; `parent_call` is the nearest tool's call.
- All other spans are plumbing: their records go to the `raw` of the step before them, what is unknown in them to its
  raw parts. Only where a trace has neither models nor tools, the outermost spans with texts are told as models.
- A failed span of a model is followed by a step of the environment that says why. Other spans' failures are told only
  where nothing inside them failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.chat_roles import actor_and_role
from sessions.readers.pairing import Turn, Window
from sessions.readers.span_tree import (
    Node,
    agent_of,
    choose_models,
    hide,
    in_order,
    outer,
    owner_of,
    parent_call,
    set_depths,
    sort_key,
)
from sessions.readers.told import Memory, Said
from sessions.run import DEFAULT_ACTOR, Part, Step

_LOOK_AHEAD = 50


@dataclass(slots=True)
class Content:
    """What a span tells, read when it is needed.

    inputs, outputs: a model's messages. call, result: a tool's. note: a text for a step of the environment. error: why
    the span failed. raw: its records.
    """

    raw: list[bytes]
    at: str | None = None
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    inputs: list[Said] = field(default_factory=list)
    outputs: list[Said] = field(default_factory=list)
    call: Part | None = None
    result: Part | None = None
    note: str | None = None
    error: str | None = None
    extra: list[Part] = field(default_factory=list)


def begun(steps: Iterator[Step]) -> tuple[list[Step], str | None]:
    """The first steps, and the task that one of them states: a header comes before them."""
    ahead = list(islice(steps, _LOOK_AHEAD))
    for step in ahead:
        if step.role == "user":
            return ahead, "\n".join(part.text for part in step.parts if part.kind == "text")
    return ahead, None


class Trace:
    """One trace; iterate `steps` once."""

    def __init__(self, nodes: Iterable[Node], fetch: Callable[[Node], Content]) -> None:
        self._fetch = fetch
        self._nodes = in_order(list(nodes))
        self._memory = Memory()
        self._window = Window()
        self._by_call: dict[str, list[Node]] = {}
        self._anonymous: list[tuple[Turn, Part]] = []
        self._answered: set[str] = set()
        self._silent: dict[str, Turn] = {}
        self._callers: dict[str, str] = {}
        self._main_actor: str | None = DEFAULT_ACTOR["agent"]
        self.agents: list[str] = []
        self._prepare()

    @property
    def start(self) -> Any:
        """The earliest start of a span; None where there is none."""
        return min((node.start for node in self._nodes if node.start), default=None, key=sort_key)

    def steps(self) -> Iterator[Step]:
        """The steps in the order to be read."""
        for node in self._nodes:
            self._tell(node)
            for turn in self._window.ready():
                yield turn.step
        for turn in self._window.rest():
            yield turn.step

    def _prepare(self) -> None:
        """Which spans speak, how deep they are, who their agents are, and the tools by their calls."""
        hide(self._nodes)
        choose_models(self._nodes)
        set_depths(self._nodes)
        for node in self._nodes:
            if node.kind == "tool" and node.call_id is not None:
                self._by_call.setdefault(node.call_id, []).append(node)
        said = [node for node in self._nodes if node.kind == "model"]
        self.agents = [name for name in dict.fromkeys(agent_of(node) for node in said) if name]
        if len({agent_of(node) for node in said if not node.depth}) > 1:
            self._main_actor = None

    def _actor(self, node: Node) -> str:
        name = agent_of(node)
        if node.depth == 0 and self._main_actor is not None:
            return self._main_actor
        return name or DEFAULT_ACTOR["agent"]

    def _tell(self, node: Node) -> None:
        if node.used or node.kind == "hidden":
            return
        node.used = True
        content = self._fetch(node)
        if node.kind == "model":
            self._model(node, content)
        elif node.kind == "tool":
            self._tool(node, content)
        elif node.kind == "note" and content.note:
            self._add(Step(DEFAULT_ACTOR["environment"], "environment", [Part("text", content.note)]), node, content)
        else:
            for raw, part in zip_longest(content.raw, content.extra):
                self._window.attach(content.raw[-1] if raw is None else raw, part)
            if content.error and not any(child.failed for child in node.below):
                self._failure(node, content, [dump_bytes({"error": content.error})])

    def _add(self, step: Step, node: Node, content: Content | None = None) -> Turn:
        """A new step of a span, where the span stands."""
        step.depth, step.parent_call = node.depth, parent_call(node)
        if content is not None:
            step.at, step.native_id = content.at, node.id
            step.raw += content.raw
            step.parts += content.extra
        turn = Turn(step)
        self._window.add(turn)
        return turn

    def _failure(self, node: Node, content: Content, raw: list[bytes]) -> None:
        step = Step(DEFAULT_ACTOR["environment"], "environment", [Part("text", content.error or "", is_error=True)])
        turn = self._add(step, node)
        step.at, step.native_id = content.at, node.id
        turn.step.raw += raw

    # -- models -----------------------------------------------------------------------------------------------------

    def _model(self, node: Node, content: Content) -> None:
        owner = owner_of(node)
        lane = (owner.parent, owner.name) if owner is not None else None
        fresh, thread = self._memory.new(content.inputs, lane, owner and owner.id, nested=node.depth > 0)
        for message in fresh:
            self._message(message, node)
        chosen = [message for message in content.outputs if not message.choice]
        self._memory.answer(thread, chosen)
        step = Step(self._actor(node), "agent", [part for message in chosen for part in message.parts])
        step.model = content.model
        step.tokens_in, step.tokens_out, step.cost = content.tokens_in, content.tokens_out, content.cost
        if step.parts:
            self._expect(self._add(step, node, content), node)
        elif not content.error:
            self._unrecorded(step, node, content)
        for message in content.outputs:
            if message.choice:
                other = self._add(Step(self._actor(node), "agent", message.parts), node)
                other.step.branch = f"choice {message.choice}"
                other.step.raw.append(dump_bytes(message.source))
        if content.error:
            self._failure(node, content, [dump_bytes({"error": content.error})] if step.raw else content.raw)

    def _unrecorded(self, step: Step, node: Node, content: Content) -> None:
        """An answer of which only the fact is known. The span's id tells two such traces apart."""
        step.parts.append(Part("text", f"[{node.name or 'model'}: content not recorded, {node.id}]"))
        turn = self._add(step, node, content)
        self._silent[node.id] = turn
        if node.parent is not None:
            self._silent[node.parent] = turn

    def _message(self, message: Said, node: Node) -> None:
        """A message of a model's input that no span told."""
        results = [part for part in message.parts if part.kind == "tool_result"]
        others = [part for part in message.parts if part.kind != "tool_result"]
        raw = dump_bytes(message.source)
        for part in results:
            self._answer(part, raw, node)
        if not others:
            return
        actor, role, _ = actor_and_role(message.role, message.name)
        if role == "user" and node.depth:
            actor = self._asker(node)
        elif role == "agent" and actor == DEFAULT_ACTOR["agent"]:
            actor = self._actor(node)
        turn = self._add(Step(actor, role, others), node)
        turn.step.raw.append(raw)
        self._expect(turn, node)

    def _asker(self, node: Node) -> str:
        """Who gave a sub-agent its task: whoever made the call, else the agent around it."""
        caller = self._callers.get(parent_call(node) or "")
        if caller is not None:
            return caller
        owner = owner_of(node)
        asker = next((around for around in outer(owner or node) if around.kind == "agent"), None)
        if asker is None or (asker.depth == 0 and self._main_actor is not None):
            return self._main_actor or DEFAULT_ACTOR["agent"]
        return asker.name or DEFAULT_ACTOR["agent"]

    # -- tools ------------------------------------------------------------------------------------------------------

    def _expect(self, turn: Turn, node: Node) -> None:
        """The calls of a step get the results that spans tell; others may come with a later history."""
        for call in [part for part in turn.step.parts if part.kind == "tool_call"]:
            if call.call_id is None:
                self._anonymous.append((turn, call))
                continue
            self._callers[call.call_id] = turn.step.actor
            self._answered.discard(call.call_id)
            self._window.expect(turn, call)
            for tool in self._by_call.get(call.call_id, ()):
                if not tool.used and sort_key(tool.start) >= sort_key(node.start):
                    tool.used = True
                    self._result(self._fetch(tool), turn, call)
                    break
        del self._anonymous[:-256]

    def _result(self, content: Content, turn: Turn, call: Part) -> None:
        """A span's result for a call of an earlier step."""
        result = content.result or Part("tool_result", "", is_error=None)
        result.call_id, result.name = call.call_id, call.name
        turn.raws += content.extra
        if content.result is None and call.call_id is not None:
            turn.spare[call.call_id] = result  # it ran, but its result was not recorded: a later history may tell it
            turn.step.raw += content.raw
        elif call.call_id is not None and self._window.answer(call.call_id, result, content.raw[0]) is not None:
            turn.step.raw += content.raw[1:]
            self._answered.add(call.call_id)
        else:
            turn.results.append(result)
            turn.step.raw += content.raw

    def _answer(self, part: Part, raw: bytes, node: Node) -> None:
        """A result out of a history."""
        if part.call_id is not None and part.call_id in self._answered:
            return
        if part.call_id is not None and self._window.answer(part.call_id, part, raw) is not None:
            self._answered.add(part.call_id)
            return
        if part.call_id is None:
            for place, (turn, call) in enumerate(self._anonymous):
                if turn in self._window.turns and part.name in (None, call.name):
                    del self._anonymous[place]
                    part.name = call.name
                    turn.results.append(part)
                    turn.step.raw.append(raw)
                    return
        step = Step(DEFAULT_ACTOR["environment"], "environment", [part])
        self._add(step, node).step.raw.append(raw)

    def _tool(self, node: Node, content: Content) -> None:
        """A tool's span that no call named by its id."""
        found = self._call_by_name(node, content)
        if found is not None:
            turn, call = found
            self._result(content, turn, call)
            return
        parts = [part for part in (content.call, content.result) if part is not None]
        silent = self._silent.get(node.parent or "")
        if silent is not None and silent in self._window.turns and parts:
            silent.step.parts += parts + content.extra
            silent.step.raw += content.raw
        elif parts:
            self._add(Step(self._actor(node), "agent", parts), node, content)

    def _call_by_name(self, node: Node, content: Content) -> tuple[Turn, Part] | None:
        """The call that waits for a tool of this name: one with the same arguments, else the first."""
        waiting = [pair for pair in self._window.calls.values() if pair[0].spare.get(pair[1].call_id or "") is None]
        waiting += [pair for pair in self._anonymous if pair[0] in self._window.turns]
        if node.call_id is not None:
            waiting = [pair for pair in waiting if pair[1].call_id is None]
        same = [pair for pair in waiting if pair[1].name == node.name and pair[0].step.depth == node.depth]
        asked = content.call
        chosen = next((pair for pair in same if asked and pair[1].arguments == asked.arguments), None)
        chosen = chosen or next(iter(same), None)
        if chosen is not None and chosen in self._anonymous:
            self._anonymous.remove(chosen)
        return chosen
