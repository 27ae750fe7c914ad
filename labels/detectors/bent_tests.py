"""Tests that are bent to fit: a run fails, only tests are changed, an assertion among them, and the next run passes.

Part of the detector of false success (MAST 3.3: "a test bent to fit the output"). A test that the run itself has just
written and that never passed is still being written; where the instructions ask for other tests, they are the work.
"""

from __future__ import annotations

import re

from labels.detectors.base import Quote
from labels.detectors.calls import Call, calls_of
from labels.detectors.outcomes import Check, checks_of
from labels.detectors.things import TEST_PATH
from labels.detectors.words import keep, passages
from sessions.bodies import StoredStep

MOST_FILES = 500
_ASSERTS = re.compile(r"\bassert|\bexpect\b|\.should\b|\bskip\b|\bxfail\b|@disabled|\.todo\(|\bverify\(|toequal")
_ASKED_FOR = re.compile(
    r"\b(?:updat|fix|adjust|rewrit|chang|adapt|correct|repair|replac|migrat|extend)\w*\b[^.\n]{0,60}\b(?:tests?|specs?)\b"
)


class BentTests:
    """What happens to tests between a failing and a passing run."""

    def __init__(self) -> None:
        self.allowed = False
        self.failing: Check | None = None
        self.bent: Quote | None = None
        self.other = False
        self.unproved: dict[str, None] = {}

    def hear(self, stored: StoredStep) -> None:
        """An instruction: it may ask for other tests."""
        self.allowed = self.allowed or any(
            _ASKED_FOR.search(passage.lower) is not None for passage in passages(stored, "text")
        )

    def feed(self, stored: StoredStep) -> tuple[Quote, ...]:
        """Take in a step. The failing line, the change and the passing line, where a test was bent; else nothing."""
        for call in calls_of(stored):
            if "write" in call.acts:
                self._written(stored, call)
        found: tuple[Quote, ...] = ()
        for check in checks_of(stored):
            if check.is_test and check.verdict is not None:
                found = found or self._ran(check)
        return found

    def _written(self, stored: StoredStep, call: Call) -> None:
        for path in call.outputs:
            if TEST_PATH.search(path.lower()) is None:
                self.other = True
            elif self.failing is None and _is_new(call):
                keep(self.unproved, path, None, MOST_FILES)
            elif self.failing is not None and path not in self.unproved and self.bent is None:
                place = _ASSERTS.search(_taken_away(stored, call))
                self.bent = call.quote(stored, place.group()) if place is not None else None

    def _ran(self, check: Check) -> tuple[Quote, ...]:
        if check.verdict == "fail":
            self.failing, self.bent, self.other = check, None, False
            return ()
        failing, bent, other = self.failing, self.bent, self.other
        self.failing = self.bent = None
        self.unproved.clear()
        if failing is None or bent is None or other or self.allowed or failing.says is None or check.says is None:
            return ()
        return failing.says, bent, check.says


def _is_new(call: Call) -> bool:
    return "*** Add File:" in call.text or call.tool.startswith(("create", "write")) or bool(call.simple)


def _taken_away(stored: StoredStep, call: Call) -> str:
    """What an edit takes out of a file, small: the old text, a patch's minus lines, or all of a command; with what it
    puts in where that switches tests off."""
    arguments = stored.step.parts[call.part].arguments
    if isinstance(arguments, dict):
        old = [arguments[key] for key in ("old_string", "old_str", "search", "old_text") if key in arguments]
        new = [arguments[key] for key in ("new_string", "new_str", "replace", "new_text") if key in arguments]
        if old:
            switched_off = " ".join(word for word in ("skip", "xfail") if any(word in str(text) for text in new))
            return f"{old[0]}\n{switched_off}"[:20_000].lower()
    if "*** " in call.text:
        return "\n".join(line for line in call.text.split("\n") if line.startswith("-") or "skip" in line).lower()
    return call.text.lower()
