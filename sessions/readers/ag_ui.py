"""AG-UI event logs: the events that an agent's backend sends to its front end, one JSON object or SSE line each.

Protocol 1.0 (package 1.0.0) and the older thinking events; names in camel case or snake case. Lines are appended.

- Deltas and chunks of one message are one text (`event_turns.py` says what is one step); its calls belong to it.
- Runs of one thread follow each other in one run; another thread is another. A run that begins with its whole history
  (`input`, MESSAGES_SNAPSHOT) adds only what was not there yet.
- STEP_STARTED names the stage of what follows. RUN_ERROR is an error of the environment's. Results say nothing of
  errors, except in snapshots.
- Sub-agents' events (`subagentRunId`) are steps of their own, behind the call that SUBAGENT_STARTED names.
- Usage is of a whole run, so it is a fact. State, activities and custom events are kept raw; RAW events, which repeat
  the others in a provider's words, stay in the source record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.ag_ui_history import event_type, value_of
from sessions.readers.ag_ui_thread import KNOWN, RUN, Thread
from sessions.readers.base import Head, Source
from sessions.run import Problem, Raw, Record, Span


class AgUiReader:
    """See the module's docstring."""

    name = "ag-ui"
    title = "AG-UI event log"
    versions = "1.0"
    gaps = "Threads that were logged at the same time are not told apart: only the beginning of a run names its thread."

    def sniff(self, head: Head) -> float:
        lines = head.lines or [
            value for line in head.data.split(b"\n")[:40] if (value := _event_of(line.rstrip(b"\r"))) is not None
        ]
        return max((_likeness(line) for line in lines), default=0.0)

    def read(self, source: Source) -> Iterator[Record]:
        thread = Thread(source, 0)
        for entry in _events(source):
            if isinstance(entry, Problem):
                yield from thread.problem(entry)
                continue
            raw, event = entry
            name = value_of(event, "threadId") if isinstance(event, dict) else None
            if event_type(event) == "RUN_STARTED" and name is not None and thread.name not in (None, name):
                yield from thread.close()
                thread = Thread(source, thread.item + 1)
            yield from thread.take(raw, event)
        yield from thread.close()


def _likeness(event: Any) -> float:
    kind = event_type(event)
    if kind not in KNOWN:
        return 0.0
    assert isinstance(event, dict)
    if kind in RUN:
        return 0.97 if value_of(event, "threadId") and value_of(event, "runId") else 0.3
    marked = value_of(event, "messageId") is not None or value_of(event, "toolCallId") is not None
    return 0.95 if marked else 0.3


def _event_of(line: bytes) -> Any:
    """The event on a line, perhaps behind SSE's `data:`; None if there is none."""
    try:
        return loads(line.removeprefix(b"data:").strip())
    except BadJson:
        return None


def _events(source: Source) -> Iterator[tuple[Raw, Any] | Problem]:
    for number, offset, line in source.lines():
        if line.startswith((b"event:", b"id:", b"retry:", b":")):
            continue  # of SSE, which tell nothing of the event
        try:
            yield Span(offset, len(line)), loads(line.removeprefix(b"data:").strip())
        except BadJson as error:
            yield source.problem(str(error), number)
