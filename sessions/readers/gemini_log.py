"""The log that Gemini CLI writes, folded: which messages there are, in which order, and which of them were left.

It is no list of messages. A message's id comes again whenever its calls, results or tokens change: it keeps its first
place and its last content. `{"$rewindTo": id}` drops that message and all later ones. `{"$set": {"messages": [...]}}`
replaces what the model is given: at the start of a session, when a history is compressed (all messages get new ids
then), when a turn is aborted. What was said stays said, so such a list drops nothing here; it adds what is new in it.

Messages wait for later versions of themselves until HELD others have come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sessions.readers.gemini_steps import AGENT_TYPES, plain_text, response_part, responses
from sessions.readers.leftovers import mapping, sequence
from sessions.readers.shared import raw_part
from sessions.run import Part, Raw

HELD = 64
#: A message that gathers more records kept raw than this gets no more of them as parts.
MAX_RAWS = 1000
_MAX_CALLS = 4096


@dataclass(slots=True, eq=False)
class Message:
    """A message that is still open. record: its last version. injected: the program put it into the model's history.

    results: by call, from messages of their own. raws: records beside it that are no messages.
    """

    record: dict[str, Any]
    raw: list[Raw] = field(default_factory=list)
    injected: bool = False
    branch: str | None = None
    own_line: bool = True
    results: dict[str, Part] = field(default_factory=dict)
    raws: list[Part] = field(default_factory=list)


class Names:
    """Which message an id means, for a whole file: compressing a history gives all that is left of it new ids."""

    def __init__(self) -> None:
        #: Every name in use, and what its message says.
        self._known: dict[str, int] = {}
        self._by_sense: dict[int, dict[str, None]] = {}
        self._alias: dict[str, str] = {}
        #: What the model is given, in order.
        self._context: dict[str, None] = {}

    def line(self, record: dict[str, Any]) -> tuple[str, bool]:
        """A message on a line of its own: its name, and whether it is known already."""
        name = self._alias.get(record["id"], record["id"])
        known = name in self._known
        if not known:
            self._add(name, record)
        self._context[name] = None
        return name, known

    def _add(self, name: str, record: dict[str, Any]) -> None:
        sense = _sense(record)
        self._known[name] = sense
        self._by_sense.setdefault(sense, {})[name] = None

    def sync(self, messages: list[Any]) -> Iterator[tuple[str, dict[str, Any], bool, bool]]:
        """The messages of a history: (name, record, whether it is new, whether the program put it there)."""
        records = [record for record in messages if is_message(record)]
        self._find_copies(records)
        names = [self._alias.get(record["id"], record["id"]) for record in records]
        given = set(names)
        dropped = any(name not in given for name in self._context)
        self._context = dict.fromkeys(names)
        for name, record in zip(names, records, strict=True):
            new = name not in self._known
            if new:
                self._add(name, record)
            yield name, record, new, new and dropped

    def _find_copies(self, records: list[dict[str, Any]]) -> None:
        """Messages with new ids that say what known ones say, which are not in the list themselves, are those."""
        given = {self._alias.get(record["id"], record["id"]) for record in records}
        unused: dict[int, Iterator[str]] = {}
        for record in records:
            if self._alias.get(record["id"], record["id"]) in self._known:
                continue
            sense = _sense(record)
            names = unused.setdefault(sense, iter(self._by_sense.get(sense, ())))
            same = next((name for name in names if name not in given), None)
            if same is not None:
                self._alias[record["id"]] = same

    def rewind(self, message: str) -> list[str]:
        """The messages that a rewind drops. An id that the model's history does not have drops nothing."""
        target = self._alias.get(message, message)
        left: list[str] = []
        while target in self._context:
            name, _ = self._context.popitem()
            del self._by_sense[self._known.pop(name)][name]
            left.append(name)
        return left


def is_message(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("id"), str) and "type" in record


def _sense(record: dict[str, Any]) -> int:
    """What a message says, whatever its id: who speaks, its text, its calls."""
    calls = [*_called(record), *(answer.get("id") for answer in responses(record.get("content")))]
    known = tuple(call for call in calls if isinstance(call, str))
    return hash((record.get("type") in AGENT_TYPES, plain_text(record.get("content")).strip(), known))


def _called(record: dict[str, Any]) -> list[str]:
    """The ids of a message's calls, which stand in a list of their own or in its content."""
    found = [mapping(call).get("id") for call in sequence(record.get("toolCalls"))]
    found += [mapping(mapping(part).get("functionCall")).get("id") for part in sequence(record.get("content"))]
    return list(dict.fromkeys(call for call in found if isinstance(call, str)))


def abandoned(records: Iterable[Any]) -> dict[str, str]:
    """Names of messages that a rewind left -> the branch they are on ("rewind 1"), from all of a file's records."""
    names, found, rewinds = Names(), {}, 0
    for record in records:
        if not isinstance(record, dict):
            continue
        if is_message(record):
            names.line(record)
        elif isinstance(record.get("$rewindTo"), str):
            left = names.rewind(record["$rewindTo"])
            rewinds += bool(left)
            found.update(dict.fromkeys(left, f"rewind {rewinds}"))
        else:
            for _ in names.sync(history(record) or []):
                pass
    return found


def history(record: dict[str, Any]) -> list[Any] | None:
    """The messages that a record sets as the model's history; None if it sets none."""
    patch = record["$set"] if isinstance(record.get("$set"), dict) else record
    messages = patch.get("messages")
    return messages if isinstance(messages, list) else None


class Log:
    """The open messages. Feed it records, take what is finished.

    branches: of `abandoned`; without it (a file too large to be looked through first), rewinds mark what is open.
    """

    def __init__(self, branches: dict[str, str] | None) -> None:
        self._names = Names()
        self._open: OrderedDict[str, Message] = OrderedDict()
        self._calls: dict[str, str] = {}
        self._branches = branches
        self._early: list[Raw] = []
        self.rewinds = 0
        self.unmarked = 0
        self._count = 0

    def message(self, record: dict[str, Any], raw: Raw) -> None:
        name, known = self._names.line(record)
        message = self._open.get(name) if known else None
        if message is not None:
            message.record, message.own_line = record, True
            message.raw.append(raw)
            self._expect(name, record)
        elif known:  # it is not open any more: what is new in it stands where it came
            self.attach(raw, raw_part("update", record))
        elif not self._answers(record, raw):
            self._add(name, Message(record, [raw]))

    def sync(self, messages: list[Any], raw: Raw) -> None:
        """A history of the model's. Messages that were only ever told in such a one change with it."""
        used = False
        for name, record, new, injected in self._names.sync(messages):
            if new:
                used = True
                if not self._answers(record, raw):
                    self._add(name, Message(record, [raw], injected, own_line=False))
            elif name in self._open and not self._open[name].own_line and self._open[name].record != record:
                self._open[name].record = record
                self._expect(name, record)
        if not used:
            self.attach(raw)

    def rewind(self, message: str, raw: Raw) -> None:
        left = self._names.rewind(message)
        if left and self._branches is None:
            self.rewinds += 1
            self.unmarked += not all(name in self._open for name in left)
            for name in left:
                if name in self._open:
                    self._open[name].branch = f"rewind {self.rewinds}"
        self.attach(raw)

    def attach(self, raw: Raw, part: Part | None = None) -> None:
        """A record that is no message goes beside the last one, or the first that comes."""
        if not self._open and part is None and len(self._early) < MAX_RAWS:
            self._early.append(raw)
            return
        if not self._open:
            self._add("", Message({}, []))
        message = next(reversed(self._open.values()))
        message.raw.append(raw)
        if part is not None and len(message.raws) < MAX_RAWS:
            message.raws.append(part)

    def finished(self) -> Iterator[Message]:
        """The messages that have waited long enough, in order."""
        while len(self._open) > HELD:
            yield self._open.popitem(last=False)[1]

    def rest(self) -> Iterator[Message]:
        if self._early and not self._open:
            self._add("", Message({}, []))
        while self._open:
            yield self._open.popitem(last=False)[1]

    def _add(self, name: str, message: Message) -> None:
        message.raw[:0] = self._early
        self._early = []
        message.branch = (self._branches or {}).get(name)
        if not name or name in self._open:  # an id used again after a rewind
            self._count += 1
            name = f"{name}\0{self._count}"
        self._open[name] = message
        self._expect(name, message.record)

    def _expect(self, name: str, record: dict[str, Any]) -> None:
        """Remember the calls: their results may be messages of their own."""
        self._calls.update(dict.fromkeys(_called(record), name))
        while len(self._calls) > _MAX_CALLS:
            del self._calls[next(iter(self._calls))]

    def _answers(self, record: dict[str, Any], raw: Raw) -> bool:
        """Put a message that is nothing but results to the calls they answer; False if one of these is not open."""
        found = responses(record.get("content"))
        names = [self._calls.get(answer["id"]) if isinstance(answer.get("id"), str) else None for answer in found]
        messages = [self._open.get(name) if name is not None else None for name in names]
        if not found or None in messages:
            return False
        for answer, message in zip(found, messages, strict=True):
            assert message is not None
            message.results.setdefault(answer["id"], response_part(answer))
            if message.raw[-1] is not raw:
                message.raw.append(raw)
        return True
