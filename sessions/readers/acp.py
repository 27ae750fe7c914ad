"""Agent Client Protocol logs (Zed and others): the JSON-RPC messages between an editor and an agent, one a line.

Protocol version 1 (package 0.12). The protocol says nothing of files, so any capture is read: both directions or only
the agent's; bare `session/update`s, their `params` or `update`; messages in a wrapper with a time. Lines are appended.

- Chunks of one message are one text (`event_turns.py` says what is one step). Thoughts are reasoning.
- A call is told by `tool_call` and any number of `tool_call_update`s; the last word on its content, input and status
  counts. Status "failed" is an error. Its name is what the agent's own `_meta` calls it, else its kind, else its title.
- Requests of the agent to the editor (files, terminals, permissions) are calls too, answered by their responses.
- Plans are texts named "plan"; modes, commands and usage (of the whole session: there is none per step) are facts.
- Sessions in one log are runs of their own. A call's `_meta` that names a parent call makes a sub-agent's step of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from sessions.jsontext import loads
from sessions.readers.acp_session import EDITORS, Entry, Session, unwrapped
from sessions.readers.base import Head, Source
from sessions.readers.leftovers import mapping, text_or_none
from sessions.run import Problem, Record, Span
from sessions.streams import read_places

#: More sessions than this in one log are not told apart.
_MAX_SESSIONS = 1000
_BATCH = 2000


class AcpReader:
    """See the module's docstring."""

    name = "acp"
    title = "Agent Client Protocol log"
    versions = "1"
    gaps = (
        "What a terminal printed is only shown where the agent repeats it. Sessions beyond the thousandth in one "
        "log are not told apart."
    )

    def sniff(self, head: Head) -> float:
        return max((_likeness(line) for line in head.lines), default=0.0)

    def read(self, source: Source) -> Iterator[Record]:
        others: dict[str, array[int]] = {}
        session = Session(0)
        yield from session.read(source, _first_session(source, session, others))
        for number, (name, places) in enumerate(others.items(), 1):
            session = Session(number, name)
            yield from session.read(source, _again(source, places))


def _likeness(line: Any) -> float:
    message, _ = unwrapped(line)
    if message is None:
        return 0.0
    if message.get("method") == "session/update":
        return 0.97
    if "sessionUpdate" in mapping(message.get("update")) and "method" not in message:
        return 0.95
    if isinstance(message.get("sessionUpdate"), str):
        return 0.9
    if message.get("jsonrpc") == "2.0" and message.get("method") in EDITORS:
        known = "protocolVersion" in mapping(message.get("params")) or "sessionId" in mapping(message.get("params"))
        return 0.9 if known and message["method"] != "initialize" else 0.5 if known else 0.3
    return 0.0


def _session_of(message: dict[str, Any]) -> str | None:
    params = mapping(message.get("params")) or message
    return text_or_none(params.get("sessionId")) or text_or_none(mapping(message.get("result")).get("sessionId"))


def _first_session(source: Source, session: Session, others: dict[str, array[int]]) -> Iterator[Entry | Problem]:
    """The lines of the log's first session; those of others are only noted."""
    last: str | None = None
    for entry in source.json_lines():
        if isinstance(entry, Problem):
            yield entry
            continue
        _, span, value = entry
        message, _ = unwrapped(value)
        name = _session_of(message) if message is not None else last
        if message is not None and name is None:
            name = last  # a response: to whoever was talking
        last = name
        if session.name is None:
            session.name = name
        if name in (None, session.name) or (name not in others and len(others) >= _MAX_SESSIONS):
            yield span, value
        else:
            others.setdefault(str(name), array("Q")).extend((span.offset, span.length))


def _again(source: Source, places: array[int]) -> Iterator[Entry | Problem]:
    """Lines read a second time, given by offset and length in turn. They were whole the first time."""
    for start in range(0, len(places), 2 * _BATCH):
        some = places[start : start + 2 * _BATCH]
        batch = list(zip(some[::2], some[1::2], strict=True))
        for (offset, length), data in zip(batch, read_places(source.path, batch), strict=True):
            yield Span(offset, length), loads(data)
