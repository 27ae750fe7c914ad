"""Which messages of an AG-UI thread are known already: a history repeats what was streamed, perhaps with other ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessions.readers.chat_roles import actor_and_role
from sessions.readers.leftovers import mapping, sequence, snake, text_or_none
from sessions.readers.shared import content_text, string


def event_type(event: Any) -> str | None:
    kind = event.get("type") if isinstance(event, dict) else None
    return kind.upper() if isinstance(kind, str) else None


def value_of(event: dict[str, Any], key: str) -> Any:
    """A field by its name in camel case or in snake case."""
    if key in event:
        return event[key]
    return event.get(snake(key))


def role_of(message: dict[str, Any]) -> str:
    """The role of a message's step, by which it is compared; a thought and an activity are their own."""
    role = string(message.get("role"))
    return role if role in ("reasoning", "activity") else actor_and_role(role)[1]


class Known:
    """The messages, calls and results of a thread so far, by id and by what they say."""

    def __init__(self) -> None:
        self.messages: set[str] = set()
        self.calls: set[str | None] = set()
        self.results: set[str | None] = set()
        self._said: Counter[tuple[str, str]] = Counter()

    def say(self, role: str, text: str) -> None:
        self._said[(role, text)] += 1

    def new_in(self, messages: Any) -> Iterator[tuple[dict[str, Any], str, str]]:
        """(message, role, text) for those of a history that are new.

        New is what is not known by its id nor, as often as the history says it, by its words.
        """
        met: Counter[tuple[str, str]] = Counter()
        for message in sequence(messages):
            if not isinstance(message, dict):
                continue
            said = (role_of(message), content_text(message.get("content")))
            met[said] += 1
            if not self._has(message, words_known=met[said] <= self._said[said]):
                yield message, *said

    def _has(self, message: dict[str, Any], *, words_known: bool) -> bool:
        call = text_or_none(value_of(message, "toolCallId"))
        if call is not None:
            return call in self.results
        calls = [text_or_none(mapping(item).get("id")) for item in sequence(value_of(message, "toolCalls"))]
        if calls:
            return all(name in self.calls for name in calls)
        return text_or_none(message.get("id")) in self.messages or words_known
