"""AutoGen (agentchat 0.4 and later): dumped messages, task results, saved states, and console logs (Magentic-One).

Seen: autogen-agentchat of November 2026 (gen), console logs of Magentic-One (MAST, Who&When). The older AutoGen 0.2 and
AG2 are read by `ag2` and `text`.

- messages and events as JSON, one a line (a dump of `run_stream`, which may end with the task result) or in a list
- `TaskResult`: `{messages, stop_reason}`
- saved states: a team's (`TeamState`), of which the group chat's thread is the run, or one agent's, of which its model
  context is. A state holds no tokens and, for contexts, no times.
- console logs: turns under `---------- TextMessage (worker) ----------` or `---------- Orchestrator (thought)
  ----------`; calls and results are read out of what Python prints for them
- Magentic-One's log of events: `{timestamp, source, message, type: "OrchestrationEvent"}`, one a line
How messages become steps is told in `autogen_messages`. Agents keep their names; those called proxy or user are users,
those called executor or terminal the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.autogen_console import console_steps
from sessions.readers.autogen_messages import Messages, is_message, kind_of
from sessions.readers.base import Head, Source
from sessions.readers.chat_roles import message_parts
from sessions.readers.leftovers import facts_and_reference, is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.records import is_jsonl
from sessions.readers.salvage import open_document
from sessions.readers.shared import string, title_of
from sessions.run import Facts, Header, Problem, Raw, Record, Step
from sessions.streams import open_stream

_TYPED = re.compile(rb"^-{10} \w+(?:Message|Event) \([^()\n]{1,80}\) -{10}\s*$", re.MULTILINE)
_MAGENTIC = re.compile(rb"^-{10} (?:MagenticOne)?Orchestrator(?: \([^()\n]{1,80}\))? -{10}\s*$", re.MULTILINE)
_ENOUGH = 2
_LOOK_AHEAD = 50
_TURN_LOGS = "OrchestrationEvent"


class AutogenReader:
    """Reads messages, states and console logs. See the module's docstring."""

    name = "autogen"
    title = "AutoGen agentchat, Magentic-One"
    versions = "0.4-0.7"
    gaps = (
        "Of a team's saved state, the group chat's thread is the run; the agents' own contexts are facts. Nested "
        "teams are not taken apart. AutoGen's structured log of model calls (`autogen_core.events`) is not read."
    )

    def sniff(self, head: Head) -> float:
        values = head.lines
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0][:20]
        if values:
            if _are_messages(values):
                return 0.95
            return _document_likeness(values[0]) if len(values) == 1 and isinstance(values[0], dict) else 0.0
        if head.outline:
            return _outline_likeness(head.outline)
        if len(_TYPED.findall(head.data)) >= _ENOUGH:
            return 0.9
        return 0.7 if len(_MAGENTIC.findall(head.data)) >= _ENOUGH else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        with open_stream(source.path) as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        if start[:1] not in (b"{", b"["):
            yield from console_steps(source, self.name)
        elif is_jsonl(source):
            yield from _run(source, Header(self.name), _lines(source))
        else:
            yield from _document(source)


def _is_turn_log(value: Any) -> bool:
    return kind_of(value) == _TURN_LOGS and "message" in value and "source" in value


def _document_likeness(value: dict[str, Any]) -> float:
    if _are_messages(sequence(value.get("messages"))[:20]):
        return 0.95
    return 0.9 if _is_state(value) else 0.0


def _are_messages(values: list[Any]) -> bool:
    """Whether most of the records are messages: there are events that nobody here knows."""
    return 2 * sum(is_message(value) or _is_turn_log(value) for value in values) > len(values)


def _outline_likeness(outline: dict[str, Any]) -> float:
    """A document over several lines."""
    for prefix in ("item", "messages.item"):
        known = is_message({"type": outline.get(f"{prefix}.type"), "source": outline.get(f"{prefix}.source")})
        if known and (f"{prefix}.models_usage" in outline or f"{prefix}.content" in outline):
            return 0.95
    return (
        0.9
        if outline.get("type") in _STATES and {"agent_states", "llm_context", "message_thread"} & outline.keys()
        else 0.0
    )


_STATES = frozenset(
    (
        *("TeamState", "AssistantAgentState", "ChatAgentContainerState", "SocietyOfMindAgentState"),
        *("RoundRobinManagerState", "SelectorManagerState", "SwarmManagerState", "MagenticOneOrchestratorState"),
        "GraphManagerState",
    )
)


def _is_state(value: dict[str, Any]) -> bool:
    return string(value.get("type")) in _STATES


# -- JSONL ----------------------------------------------------------------------------------------------------------


def _lines(source: Source) -> Iterator[tuple[Any, Raw] | Facts | Problem]:
    """The messages on lines. The task result at the end of a stream holds them once more."""
    told = 0
    for entry in source.json_lines():
        if isinstance(entry, Problem):
            yield entry
            continue
        _, place, value = entry
        if isinstance(value, dict) and "type" not in value and isinstance(value.get("messages"), list):
            facts, reference = facts_and_reference(value, ("messages",))
            yield Facts({"facts": facts} | ({"reference": reference} if reference else {}))
            for message in [] if told else value["messages"]:
                yield message, place
            continue
        told += 1
        yield value, place


# -- documents ------------------------------------------------------------------------------------------------------


def _document(source: Source) -> Iterator[Record]:
    document = open_document(source, "messages")
    header = Header(AutogenReader.name)
    items = document.items
    if not document.found and _is_state(document.root):
        items, header.facts = _of_state(document.root)
    elif document.root:
        header.facts, header.reference = facts_and_reference(document.root, ("messages", "type", "version"))
        header.native_id = text_or_none(document.root.get("id"))
    yield from _run(source, header, ((item, dump_bytes(item)) for item in items))
    if document.problem is not None:
        yield source.problem(document.problem)


def _of_state(state: dict[str, Any]) -> tuple[Iterator[Any], dict[str, Any]]:
    """The messages of a saved state, and everything else in it: the group chat's thread, else the longest context."""
    holders = [state, *map(mapping, mapping(state.get("agent_states")).values())]
    holders += [mapping(holder.get("agent_state")) for holder in holders]
    threads = [sequence(holder.get("message_thread")) for holder in holders]
    contexts = [sequence(mapping(holder.get("llm_context")).get("messages")) for holder in holders]
    chosen = max(threads, key=len) or max(contexts, key=len)
    told = ("type", "version", "message_thread", "llm_context")
    facts = {"state": state.get("type"), **{key: value for key, value in state.items() if key not in told}}
    agents = mapping(state.get("agent_states")).items()
    facts["agent_states"] = {
        name: {key: value for key, value in mapping(agent).items() if key != "message_thread"} for name, agent in agents
    }
    return iter(chosen), {key: value for key, value in facts.items() if not is_trivial(value)}


# -- the run ----------------------------------------------------------------------------------------------------------


def _run(source: Source, header: Header, entries: Iterator[tuple[Any, Raw] | Facts | Problem]) -> Iterator[Record]:
    records = _told(entries)
    ahead = list(islice(records, _LOOK_AHEAD))
    steps = [record for record in ahead if isinstance(record, Step)]
    header.task = next((_text(step) for step in steps if step.role == "user" and step.parts), None)
    header.title = title_of(header.task) or source.path.stem
    header.started_at = next((step.at for step in steps if step.at), None)
    header.system = "Magentic-One" if any("Orchestrator" in step.actor for step in steps) else "AutoGen"
    yield header
    yield from ahead
    yield from records


def _told(entries: Iterator[tuple[Any, Raw] | Facts | Problem]) -> Iterator[Record]:
    messages = Messages()
    for entry in entries:
        if isinstance(entry, (Facts, Problem)):
            yield entry
            continue
        message, raw = entry
        if _is_turn_log(message):
            messages.add(_logged(message, raw))
        else:
            messages.take(message, raw)
        yield from messages.ready()
    yield from messages.rest()


def _logged(message: dict[str, Any], raw: Raw) -> Step:
    """A line of Magentic-One's own log."""
    actor, role, parts = message_parts(string(message["source"]), None, string(message["message"]))
    return Step(actor, role, parts, at=iso_time(message.get("timestamp")), raw=[raw])


def _text(step: Step) -> str:
    return "\n".join(part.text for part in step.parts if part.kind == "text")
