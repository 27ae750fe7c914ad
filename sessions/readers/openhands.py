"""OpenHands, both generations: conversation folders, event folders, saved trajectories, and benchmarks' `output.jsonl`.

Seen: V1 as openhands-sdk of November 2026 persists it (gen), V0 as its file store, `save_trajectory_path` and its
benchmarks wrote it (2024-2025, from the source). Growth: a file per event.

- V1: `<conversation>/base_state.json` is the run's file; its events are `events/event-NNNNN-<uuid>.json` beside it
- V0: `<session>/events/N.json`; the first of them is the run's file. So it is with V1 events whose state is missing
- V0: one JSON list of events, also under `trajectory` or `history`
- benchmarks: JSONL, a run a line: `{instance_id, instruction, history, test_result, metadata ...}`
The folder of events is claimed by the run, so that no event is a run of its own when a folder is searched.

How events become steps is told in `openhands_events`. Times have no zone: they are the machine's local ones. Tokens are
per response where the source has them; V0's costs are totals, of which the growth is the step's. A delegate's events
(V0) are one level deeper. Events that the conversation went back behind (V1) are on the branch "abandoned". What a
benchmark knows (`test_result`, `instance`, `report`, `error`) goes to `Header.reference`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Head, Source
from sessions.readers.leftovers import facts_and_reference, is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.openhands_events import EventLog, V0Events
from sessions.readers.openhands_v1 import KINDS, V1Events, usage_of
from sessions.readers.records import is_jsonl
from sessions.readers.salvage import open_document
from sessions.readers.shared import string, title_of
from sessions.run import Header, Problem, Raw, Record, Step

_EVENTS = "events"
#: Folders beside the events that hold nothing but copies and long outputs of them.
_BESIDE = ("event_cache", "observations")
_V1_NAME = re.compile(r"event-(\d{1,9})-[0-9a-fA-F-]{1,64}\.json")
_V0_NAME = re.compile(r"(\d{1,9})\.json")
_SOURCES = ("agent", "user", "environment")
#: An event met in its folder is no run; this is for those who name it.
_ONE_EVENT = 0.1
#: Conversations with more events are read without looking for what was abandoned.
_MAX_FORK_EVENTS = 20_000
_LOOK_AHEAD = 50
_ROW_KEYS = frozenset(("instance_id", "instruction", "history", "metadata", "trajectory"))
_ROW_REFERENCE = frozenset(("test_result", "instance", "report", "error", "metrics_report", "resolved"))


class OpenHandsReader:
    """Reads conversations. See the module's docstring."""

    name = "openhands"
    title = "OpenHands conversation"
    versions = "V0, V1"
    gaps = (
        "A conversation is opened by its `base_state.json` or its first event; any other event alone is a run "
        "only if you name it. Conversations of sub-agents in V1 are runs of their own. Long outputs that the "
        "program moved to `observations/` are not fetched."
    )

    def sniff(self, head: Head) -> float:
        outline = head.outline
        if "execution_status" in outline and {"agent.kind", "agent.llm.model"} & outline.keys() and "stats" in outline:
            return 0.95
        if _is_row(head.first):
            return 0.95
        for prefix in ("item.", "history.item.", "trajectory.item."):
            if _event_likeness(outline, prefix):
                return 0.96  # SWE-agent's `trajectory` also has actions and observations, but no source and time
        sure = _event_likeness(outline, "")
        if not sure:
            return 0.0
        if len(head.lines) > 1:
            return sure if 2 * sum(map(_is_event, head.lines)) > len(head.lines) else 0.0
        return sure if _is_first(head.path) else _ONE_EVENT

    def read(self, source: Source) -> Iterator[Record]:
        if is_jsonl(source):
            yield from _rows(source)
            return
        document = open_document(source, "history")
        root = document.root
        if "execution_status" in root and "agent" in root:
            yield from _folder(source, source.path.parent / _EVENTS, root)
        elif not document.found and _is_event(root):
            yield from _folder(source, source.path.parent, None)
        else:
            items = document.items if document.found else iter(sequence(root.get("trajectory")))
            yield from _run(source, root, items, 0)
        if document.problem is not None:
            yield source.problem(document.problem)


def _event_likeness(outline: dict[str, Any], prefix: str) -> float:
    """How much the first record under a prefix looks like an event."""
    if f"{prefix}timestamp" not in outline or outline.get(f"{prefix}source") not in _SOURCES:
        return 0.0
    if outline.get(f"{prefix}kind") in KINDS:
        return 0.9
    told = {f"{prefix}action", f"{prefix}observation"} & outline.keys()
    return 0.9 if told and {f"{prefix}args", f"{prefix}extras", f"{prefix}content"} & outline.keys() else 0.0


def _is_event(value: Any) -> bool:
    if not isinstance(value, dict) or "timestamp" not in value:
        return False
    return string(value.get("kind")) in KINDS or isinstance(value.get("action", value.get("observation")), str)


def _is_row(value: dict[str, Any]) -> bool:
    """A benchmark's row."""
    history = value.get("history")
    if not isinstance(history, list) or "instance_id" not in value:
        return False
    first = history[0] if history else None
    first = first[0] if isinstance(first, list) and first else first
    return _is_event(first) or (not history and "test_result" in value)


def _number_of(name: str) -> int | None:
    """The place of an event file in its folder, by its name; None if it is none."""
    found = _V1_NAME.fullmatch(name) or _V0_NAME.fullmatch(name)
    return int(found[1]) if found else None


def _is_first(path: Path) -> bool:
    """Whether no event file in the folder comes before this one. Named otherwise, it is a run of one event."""
    number = _number_of(path.name)
    if number is None or path.parent.name == "event_cache":
        return False
    if number == 0:
        return True
    try:
        with os.scandir(path.parent) as entries:
            return not any((other := _number_of(entry.name)) is not None and other < number for entry in entries)
    except OSError:
        return False


# -- folders ----------------------------------------------------------------------------------------------------------


def _folder(source: Source, folder: Path, state: dict[str, Any] | None) -> Iterator[Record]:
    """A conversation whose events are files. state: V1's `base_state.json`."""
    paths = _event_files(folder)
    usage, cost = usage_of(state or {})
    header = _state_header(state, cost)
    claimed = [folder, *(folder.parent / name for name in _BESIDE)]
    header.files = [str(path.absolute()) for path in claimed if paths and path.is_dir()]
    abandoned = _abandoned(paths, state)
    yield from _steps(header, folder.parent.name, _read_events(paths), usage, abandoned)
    if not paths:
        yield source.problem(f"there are no events in {folder}")


def _event_files(folder: Path) -> list[Path]:
    """The event files of a folder in their order. Links are not followed."""
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                number = _number_of(entry.name)
                if number is not None and entry.is_file(follow_symlinks=False):
                    found.append((number, entry.name))
    except OSError:
        return []
    return [folder / name for _, name in sorted(found)]


def _read_events(paths: list[Path]) -> Iterator[tuple[Any, Raw] | Problem]:
    for path in paths:
        try:
            if path.stat().st_size > WHOLE_DOCUMENT_BYTES:
                yield Problem(str(path), None, "too large for one event")
                continue
            raw = path.read_bytes()
            event = loads(raw)
        except BadJson as error:
            yield Problem(str(path), None, str(error))
            continue
        except OSError as error:
            yield Problem(str(path), None, f"cannot be read: {error.strerror}")
            continue
        yield event, raw


def _state_header(state: dict[str, Any] | None, cost: float | None) -> Header:
    if state is None:
        return Header("openhands", system="openhands")
    agent = mapping(state.get("agent"))
    facts = {
        "execution_status": state.get("execution_status"),
        "working_dir": mapping(state.get("workspace")).get("working_dir"),
        "max_iterations": state.get("max_iterations"),
        "confirmation_policy": mapping(state.get("confirmation_policy")).get("kind"),
        "tools": [name for tool in sequence(agent.get("tools")) if (name := text_or_none(mapping(tool).get("name")))],
        "tags": state.get("tags"),
        "cost": cost,
    }
    return Header(
        "openhands",
        text_or_none(state.get("title")) or "",
        system="openhands",
        model=text_or_none(mapping(agent.get("llm")).get("model")),
        native_id=text_or_none(state.get("id")),
        facts={key: value for key, value in facts.items() if not is_trivial(value)},
    )


def _abandoned(paths: list[Path], state: dict[str, Any] | None) -> set[str]:
    """Ids of events that are on no way from the last one back to the first: the conversation went back behind them."""
    leaf = text_or_none((state or {}).get("leaf_event_id"))
    if leaf is None or len(paths) > _MAX_FORK_EVENTS:
        return set()
    parents: dict[str, str | None] = {}
    for path in paths:
        try:
            if path.stat().st_size <= WHOLE_DOCUMENT_BYTES:
                event = mapping(loads(path.read_bytes()))
                parents[string(event.get("id"))] = text_or_none(event.get("parent_id"))
        except (BadJson, OSError):
            continue
    way: set[str] = set()
    at: str | None = leaf
    while at is not None and at in parents and at not in way:
        way.add(at)
        at = parents[at]
    roots = [name for name, parent in parents.items() if parent is None]
    if at is not None or len(roots) != 1:
        return set()  # where more than the first have no parent, an older version says nothing of ways
    order = list(parents)
    return set(order[: order.index(leaf)]) - way  # what comes behind the last one is newer than the state


# -- documents --------------------------------------------------------------------------------------------------------


def _rows(source: Source) -> Iterator[Record]:
    """JSONL: a run a line, or an event a line."""
    number, loose = 0, False
    for entry in source.json_lines():
        if isinstance(entry, Problem):
            yield entry
            continue
        _, _, value = entry
        if isinstance(value, dict) and isinstance(value.get("history"), list):
            yield from _run(source, value, iter(value["history"]), number)
            number += 1
        elif not loose:
            loose = True
            yield from _run(source, {}, _lines(source), number)
            number += 1


def _lines(source: Source) -> Iterator[Any]:
    """The events that stand on lines."""
    for entry in source.json_lines():
        if not isinstance(entry, Problem) and not (isinstance(entry[2], dict) and "history" in entry[2]):
            yield entry[2]


def _run(source: Source, root: dict[str, Any], events: Iterator[Any], number: int) -> Iterator[Record]:
    facts, reference = facts_and_reference(root, _ROW_KEYS | _ROW_REFERENCE)
    judged = {key: root[key] for key in _ROW_REFERENCE if key in root and not is_trivial(root[key])}
    metadata = mapping(root.get("metadata"))
    facts |= {
        key: metadata[key] for key in ("agent_class", "dataset", "data_split", "max_iterations") if key in metadata
    }
    task = text_or_none(root.get("instruction"))
    instance = text_or_none(root.get("instance_id"))
    header = Header(
        "openhands",
        title_of(instance) or title_of(task),
        task,
        system="openhands",
        model=text_or_none(mapping(metadata.get("llm_config")).get("model")),
        native_id=instance,
        item=number,
        reference={**(reference or {}), **judged} or None,
        facts=facts,
    )
    told = ((event, dump_bytes(event)) for event in _single(events))
    yield from _steps(header, source.path.stem, told, {}, set())


def _single(events: Iterable[Any]) -> Iterator[Any]:
    """Events one by one; older histories hold pairs of action and observation."""
    for event in events:
        if isinstance(event, list) and len(event) <= 4:
            yield from event
        else:
            yield event


def _steps(
    header: Header,
    name: str,
    events: Iterator[tuple[Any, Raw] | Problem],
    usage: dict[str, tuple[int | None, int | None]],
    abandoned: set[str],
) -> Iterator[Record]:
    """A run: its header, when its first events are read, and its steps. name: for a run without title and task."""
    records = _told(events, usage, abandoned)
    ahead = list(islice(records, _LOOK_AHEAD))
    for step in ahead:
        if not isinstance(step, Step):
            continue
        header.started_at = header.started_at or iso_time(step.at)
        header.model = header.model or step.model
        if step.role == "user" and header.task is None and step.parts:
            header.task = "\n".join(part.text for part in step.parts if part.kind == "text") or None
    header.title = header.title or title_of(header.task) or name
    yield header
    yield from ahead
    yield from records


def _told(
    events: Iterator[tuple[Any, Raw] | Problem],
    usage: dict[str, tuple[int | None, int | None]],
    abandoned: set[str],
) -> Iterator[Record]:
    log = EventLog()
    first, second = V0Events(log), V1Events(log, usage, abandoned)
    for entry in events:
        if isinstance(entry, Problem):
            yield entry
            continue
        event, raw = entry
        if not isinstance(event, dict):
            log.unknown(event, raw, "event")
        elif "kind" in event:
            second.take(event, raw)
        else:
            first.take(event, raw)
        yield from log.ready()
    yield from log.rest()
