"""Messages that stand twice in a Codex rollout: as an item of the conversation, and as an event for the screen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sessions.readers.pairing import Turn, Window

#: A message stands twice in the log, at most this many messages apart.
_MOST = 32


@dataclass(slots=True)
class _Echo:
    kind: str
    text: str
    turn: Turn
    event: bool


class Echoes:
    """The messages whose other record may still come."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._expected: deque[_Echo] = deque()
        self._waiting = {True: 0, False: 0}  # how many there are of events, and of items

    def turn_of(self, kind: str, text: str, event: bool) -> Turn | None:
        """The turn that has this message already, from the other kind of record. Each message echoes once.

        Where that turn is given on already, the last one: the record goes there.
        """
        if not self._waiting[not event]:
            return None
        for index, echo in enumerate(self._expected):
            if echo.event is not event and echo.kind == kind and echo.text == text:
                del self._expected[index]
                self._waiting[not event] -= 1
                turns = self._window.turns
                return echo.turn if echo.turn in turns else turns[-1] if turns else None
        return None

    def expect(self, kind: str, text: str, turn: Turn, event: bool) -> None:
        """Note a message that came in one kind of record."""
        if len(self._expected) == _MOST:
            self._waiting[self._expected.popleft().event] -= 1
        self._expected.append(_Echo(kind, text, turn, event))
        self._waiting[event] += 1
