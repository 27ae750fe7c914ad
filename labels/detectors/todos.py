"""The to-do lists that agents keep, read from the calls that write them.

Claude Code: `TodoWrite` with `todos[{content, status}]`, newer ones `TaskCreate` and `TaskUpdate`. Codex:
`update_plan` with `plan[{step, status}]`, and the `todo_list` items of `codex exec --json` with `items[{text,
completed}]`. Gemini CLI: `write_todos`. OpenHands: `task_tracker` with `task_list[{title, status}]`. Others that have
the same shape are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labels.detectors.base import Quote, quote_line
from labels.detectors.calls import Call, calls_of
from labels.detectors.words import keep
from sessions.bodies import StoredStep

MOST_ITEMS = 200
_LISTS = ("todos", "plan", "items", "task_list", "tasks", "todo_list", "todoList")
_TEXTS = ("content", "step", "text", "title", "subject", "description", "task", "name")
_OPEN = frozenset("pending todo not_started open not-started queued".split())
_UNDER_WAY = frozenset("in_progress in-progress inprogress doing started active".split())
_TASK_NUMBER = re.compile(r"#(\d{1,6})\b")


@dataclass(frozen=True, slots=True)
class Item:
    """text: what is to be done. state: "open", "under way" or "done" (done holds cancelled ones too)."""

    text: str
    state: str


@dataclass(slots=True)
class TodoList:
    """A run's list as it stands after the calls fed so far. at: the step of the last change. quotes: where an item's
    text stands, by its text."""

    items: dict[str, Item] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    at: int = -1

    def feed(self, stored: StoredStep) -> bool:
        """Take in what a step does to the list; whether it did anything."""
        changed = False
        for call in calls_of(stored):
            if "todo" in call.acts:
                changed = self._take(stored, call) or changed
        return changed

    def left(self, state: str = "open") -> list[Item]:
        return [item for item in self.items.values() if item.state == state]

    def _take(self, stored: StoredStep, call: Call) -> bool:
        arguments = stored.step.parts[call.part].arguments
        if not isinstance(arguments, Mapping):
            return False
        if call.tool in ("taskcreate", "taskupdate"):
            return self._take_task(stored, call, arguments)
        rows = next((arguments[key] for key in _LISTS if isinstance(arguments.get(key), list)), None)
        if rows is None:
            return False
        self.items = {}
        for row in rows[:MOST_ITEMS]:
            if isinstance(row, Mapping) and (text := _text(row)):
                self._put(stored, call, text, Item(text, _state(row)))
        self.at = stored.index
        return True

    def _take_task(self, stored: StoredStep, call: Call, arguments: Mapping[str, Any]) -> bool:
        """One task of Claude Code's task tools: they are numbered in the order of their making, or by the result."""
        if call.tool == "taskcreate":
            text = _text(arguments)
            key = str(len(self.items) + 1)
            if call.result is not None:
                told = _TASK_NUMBER.search(stored.step.parts[call.result].text[:300])
                key = told[1] if told is not None else key
            if text:
                self._put(stored, call, key, Item(text, "open"))
        else:
            key = str(arguments.get("taskId", arguments.get("task_id", ""))).removeprefix("#")
            known = self.items.get(key)
            if known is None or not isinstance(arguments.get("status"), str):
                return False
            self.items[key] = Item(known.text, _state(arguments))
        self.at = stored.index
        return True

    def _put(self, stored: StoredStep, call: Call, key: str, item: Item) -> None:
        keep(self.items, key, item, MOST_ITEMS)
        place = stored.step.parts[call.part].text.find(item.text[:200])
        if place >= 0:
            keep(self.quotes, item.text, _quote(stored, call.part, place, item.text), 2 * MOST_ITEMS)


def _quote(stored: StoredStep, part: int, place: int, text: str) -> Quote:
    """An item's own words; one line of them where they have several."""
    end = place + min(len(text), 300)
    found = stored.step.parts[part].text[place:end]
    if found != text[:300] or "\n" in found or not found.strip():
        return quote_line(stored, part, place)
    return Quote(stored.index, part, place, end, found)


def _text(row: Mapping[str, Any]) -> str:
    found = next((row[key] for key in _TEXTS if isinstance(row.get(key), str) and row[key].strip()), "")
    return str(found)[:500]


def _state(row: Mapping[str, Any]) -> str:
    for key in ("completed", "done", "checked"):
        if isinstance(row.get(key), bool):
            return "done" if row[key] else "open"
    status = row.get("status", row.get("state"))
    word = status.strip().lower().replace(" ", "_") if isinstance(status, str) else ""
    if word in _OPEN:
        return "open"
    return "under way" if word in _UNDER_WAY else "done"
