"""The run ends with work open: to-do items, a failing last test, parts of the task never touched (MAST 3.1).

Rule of this project, from the mode's definition: it "declares itself finished, or simply ends, while part of the goal
is open". Open items are those that were never begun in the agent's own list; a last item under way is a list that was
not ticked off, which says little. A message that owns up to what is left is no premature end, and neither is a run that
breaks off without a last word. The untouched part of a task is an entry of its numbered or bulleted list that names a
file or an identifier which no later step mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta
from labels.detectors.calls import calls_of
from labels.detectors.claims import claims_in, closing, owns_up
from labels.detectors.outcomes import Check, checks_of
from labels.detectors.prohibition import is_instruction
from labels.detectors.todos import TodoList
from labels.detectors.words import Passage, passages, small
from sessions.bodies import StoredStep

MODE = "premature-termination@mast"
MOST_GOALS = 30
_ENTRY = re.compile(r"^[ \t]*(?:[-*\u2022]|\d{1,2}[.)]|\[ ?\])[ \t]+(?P<text>[^\n]{8,300})$", re.MULTILINE)
_TO_DO = re.compile(
    r"^\W{0,4}(?:please )?(?:create|write|add|implement|update|fix|send|load|move|migrate|delete|remove|rename|"
    r"produce|generate|document|export|import|convert|copy|build|deploy|register|switch|replace|extend|port|save|store)\b"
)
_NAME = re.compile(r"`([^`\n]{2,60})`|(?<![\w/.])((?:[\w.-]+/)*[\w-]+\.[a-z]\w{0,5})(?![\w(])")


class OpenItemsDetector:
    """See the module's docstring."""

    id = "open-items"
    version = "1"
    title = "Ends with work open"
    source = "Own rule after MAST 3.1 (arXiv 2503.13657), on to-do lists, test runs and the task's own list"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset(("tools",))
    default = False
    params: Mapping[str, Any] = {}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.task = (run.task or "").strip()[:2_000]
        self.todos = TodoList()
        self.last_test: Check | None = None
        self.goals: dict[tuple[str, ...], Quote] = {}
        self.last: tuple[int, list[Passage]] | None = None
        self.said_last = self.claimed = False

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if is_instruction(stored, self.task):
                self._hear(stored)
            elif stored.step.depth == 0:
                self._act(stored)
        return ()

    def _hear(self, stored: StoredStep) -> None:
        if stored.step.role == "user" and self.last is not None:
            # The user goes on with something else, or repeats what is missing: what was open before is settled.
            self.goals.clear()
            self.last_test = None
            self.todos.items.clear()
        for passage in passages(stored, "text") if stored.step.role != "system" else ():
            for key, quote in _goals(passage):
                if len(self.goals) < MOST_GOALS:
                    self.goals[key] = quote

    def _act(self, stored: StoredStep) -> None:
        self.todos.feed(stored)
        self.last_test = next((check for check in reversed(checks_of(stored)) if check.is_test), self.last_test)
        if self.goals:
            shown = "\n".join(small(part.text[:20_000]) for part in stored.step.parts if part.kind != "raw")
            self.goals = {key: quote for key, quote in self.goals.items() if not any(name in shown for name in key)}
        if stored.step.role != "agent":
            return
        heard = passages(stored, "text")
        if any(passage.text.strip() for passage in heard):
            self.last = (stored.index, heard)
        # The last word is a message without a call, or with nothing but the call that ends the run.
        calls = calls_of(stored)
        self.said_last = bool(heard) and all("finish" in call.acts or "todo" in call.acts for call in calls)
        self.claimed = any(True for passage in heard for _ in claims_in(passage, "tests"))

    def finish(self) -> Iterator[Finding]:
        if self.last is None or not self.said_last:
            return
        index, heard = self.last
        if owns_up(heard) or any(passage.text.rstrip().endswith("?") for passage in heard):
            return
        ending = closing(heard)
        left = self.todos.left("open")
        quotes = [self.todos.quotes[item.text] for item in left if item.text in self.todos.quotes]
        if quotes:
            why = f"{len(left)} of {len(self.todos.items)} items of the agent's own list were never begun."
            yield Finding(MODE, max(quote.index for quote in quotes), index, (*quotes[:5], *ending), 0.6, why)
        test = self.last_test
        if test is not None and test.verdict == "fail" and test.says is not None and not self.claimed:
            why = "The last test run fails, and the closing message says nothing of it."
            yield Finding(MODE, test.index, index, (test.what, test.says, *ending), 0.6, why)
        if self.goals:
            why = f"{len(self.goals)} entries of the task's list are mentioned nowhere after it."
            entries = tuple(self.goals.values())[:4]
            yield Finding(MODE, index, index, (*entries, *ending), 0.5, why)


def _goals(passage: Passage) -> Iterator[tuple[tuple[str, ...], Quote]]:
    """Entries of a list in a task that ask for something by name: the names, and the entry."""
    for found in _ENTRY.finditer(passage.text):
        entry = small(found["text"])
        if _TO_DO.match(entry) is None:
            continue
        names = tuple(small((match[1] or match[2]).rsplit("/", 1)[-1].strip()) for match in _NAME.finditer(entry))
        names = tuple(name for name in names if len(name) > 2)
        if names:
            start = passage.offset + found.start("text")
            text = found["text"].rstrip()
            yield names, Quote(passage.index, passage.part, start, start + len(text), text)
