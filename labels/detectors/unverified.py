"""Nothing looks at the result after the last change (MAST 3.2, no or incomplete verification).

Rule of this project, from the mode's definition: "after a change to the world nobody looks whether it took effect". The
last change is the last call that wrote code, configuration or data, or changed a service or a record. Anything that
runs, tests, builds or reads afterwards counts as a look, and so does a tool that answers a change with the new state.
Documents, notes and the agent's own lists need no check; commits and hand-ins are no changes. A message that owns up to
the missing check is honest and no failure of this kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta
from labels.detectors.calls import Call, calls_of, executions_of
from labels.detectors.claims import closing, owns_up
from labels.detectors.deeds import deeds_of
from labels.detectors.words import Passage, passages, small
from sessions.bodies import StoredStep

MODE = "no-or-incomplete-verification@mast"
#: A tool's answer to a change that is at least so long shows the state, so that nobody needs to ask for it.
SHOWS_STATE = 200
_NO_CHECK_NEEDED = re.compile(
    r"\.(?:md|rst|txt|adoc|pdf|log|gitignore|png|svg)$|(?:^|/)(?:readme|license|changelog|notes?|todo|memory|plan)[^/]*$"
    r"|^(?:/tmp/|/dev/)", re.IGNORECASE
)  # fmt: skip
_LOOKS = frozenset(("read", "run", "test", "check", "search"))
_CAN_RUN = frozenset(("run", "test", "check"))


class UnverifiedDetector:
    """See the module's docstring."""

    id = "unverified"
    version = "1"
    title = "No look at the result after the last change"
    source = "Own rule after MAST 3.2 (arXiv 2503.13657), on typed tool calls"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset(("tools",))
    default = False
    params: Mapping[str, Any] = {"shows_state": SHOWS_STATE}

    def start(self, run: RunMeta) -> _Watch:  # noqa: ARG002
        return _Watch()


class _Watch:
    def __init__(self) -> None:
        self.change: tuple[Quote, str] | None = None
        self.could_run = False
        self.handed: tuple[int, list[Passage]] | None = None

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if stored.step.stage == "demonstration":
                continue
            if executions_of(stored):
                self.change = self.handed = None
            calls = calls_of(stored)
            for call in calls:
                self._take(stored, call)
            if stored.step.role == "agent":
                self._hand_over(stored, calls)
        return ()

    def _hand_over(self, stored: StoredStep, calls: tuple[Call, ...]) -> None:
        """The first words after a change with which the agent stops: there it gives the result away."""
        heard = passages(stored, "text")
        stops = all("finish" in call.acts or "todo" in call.acts for call in calls)
        if self.change is not None and self.handed is None and stops and any(one.text.strip() for one in heard):
            self.handed = (stored.index, heard)

    def _take(self, stored: StoredStep, call: Call) -> None:
        """A change, or a look that makes up for the changes before it."""
        self.could_run = self.could_run or bool(call.acts & _CAN_RUN)
        changed = _changed(call)
        if changed and call.failed is not True and not self._shows_state(stored, call):
            self.change, self.handed = (call.quote(stored), changed), None
        elif call.acts & _LOOKS or (not call.acts and not call.changes and not call.simple):
            self.change = self.handed = None

    @staticmethod
    def _shows_state(stored: StoredStep, call: Call) -> bool:
        """Whether the change is looked at in the same call: a later command of it, or the new state in its answer."""
        if call.simple:
            places = [place for place, one in enumerate(call.simple) if one.outputs or one.program in ("sed", "tee")]
            later = call.simple[max(places, default=-1) + 1 :] if places else ()
            if call.acts & _CAN_RUN or any(one.program not in ("cd", "echo", "git", "true", "") for one in later):
                return True
        if call.result is None or "write" in call.acts:
            return False
        return len(stored.step.parts[call.result].text) >= SHOWS_STATE

    def finish(self) -> Iterator[Finding]:
        if self.change is None or self.handed is None:
            return
        index, heard = self.handed
        if owns_up(heard):
            return
        quote, what = self.change
        why = f"Nothing runs, tests or reads {what} after this last change."
        yield Finding(MODE, quote.index, index, (quote, *closing(heard)), 0.5 if self.could_run else 0.35, why)


def _changed(call: Call) -> str:
    """What a call changed that wants a check; "" for nothing."""
    if call.acts & {"todo", "think", "ask", "finish"}:
        return ""
    if "write" in call.acts:
        paths = [path for path in call.outputs if not _NO_CHECK_NEEDED.search(path)]
        return (paths[0].rsplit("/", 1)[-1][:80] or "it") if paths else ""
    deeds = deeds_of(call) - {"commit", "push", "install", "network", "send"}
    if call.simple:
        # Deleting and starting things is followed by a look where it matters; files and services are what counts.
        return "the service" if deeds & {"deploy", "restart", "migrate"} else ""
    return small(call.name)[:60] if call.changes and deeds & {"edit", "create", "deploy", "restart"} else ""
