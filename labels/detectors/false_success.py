"""Success is claimed against the last check, or with no check at all (MAST 3.3 and 3.2).

Rule of this project, from the modes' definitions. "A failing or inconclusive check is reported as passed" is incorrect
verification: the last test run before the claim fails (or, for a closing claim that all works, the last program that
was run). A claim that tests pass, or a test runner's output in the agent's own words, in a run in which nothing was
ever run is a missing check: the codebook has that under 3.2 ("a check is claimed that never ran"). And "a test bent to
fit the output": a test run fails, the only files that change are tests that passed before, an assertion in them is
changed or skipped, and the next run passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.bent_tests import BentTests
from labels.detectors.calls import Ran, calls_of
from labels.detectors.claims import claims_in, owns_up, ran_in
from labels.detectors.outcomes import RUNNER_OUTPUT, Check, checks_of
from labels.detectors.prohibition import is_instruction
from labels.detectors.words import Passage, passages
from sessions.bodies import StoredStep

WRONG = "incorrect-verification@mast"
MISSING = "no-or-incomplete-verification@mast"
MOST_IN_RUN = 6
_TEST = re.compile(r"\b(?:tests?|suite|specs?)\b")
_RAN = re.compile(r"\b(?:re-?)?(?:ran|run|executed|running)\b")


class FalseSuccessDetector:
    """See the module's docstring."""

    id = "false-success"
    version = "1"
    title = "Success claimed against a check or without one"
    source = "Own rule after MAST 3.3 and 3.2 (arXiv 2503.13657), on test runs and exit codes"
    modes: tuple[str, ...] = (WRONG, MISSING)
    needs: frozenset[Need] = frozenset()
    default = False
    params: Mapping[str, Any] = {}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.ran = Ran(run.format)
        self.test: Check | None = None
        self.check: Check | None = None
        self.last: tuple[int, list[Passage]] | None = None
        self.task = (run.task or "").strip()[:2_000]
        self.tests = BentTests()
        self.told: set[str] = set()
        self.found = 0

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if stored.step.stage == "demonstration":
                continue
            if stored.step.role == "agent":
                for finding in self._said(stored):
                    if self.found < MOST_IN_RUN:
                        self.found += 1
                        yield finding
            self._did(stored)
            yield from self._bent(stored)

    def _bent(self, stored: StoredStep) -> Iterator[Finding]:
        if is_instruction(stored, self.task):
            self.tests.hear(stored)
        evidence = self.tests.feed(stored)
        if evidence and "bent" not in self.told:
            self.told.add("bent")
            why = "A failing test passes now because an assertion in it was changed; nothing else was."
            yield Finding(WRONG, evidence[1].index, stored.index, evidence, 0.5, why)

    def _did(self, stored: StoredStep) -> None:
        self.ran.feed(stored)
        for check in checks_of(stored):
            if check.verdict is not None or not check.is_test:
                self.check = check
            if check.is_test:
                # A test run whose outcome nobody can tell says nothing, and neither does the one before it then.
                self.test = check if check.verdict is not None else None
                self.told.discard("against")

    def _said(self, stored: StoredStep) -> Iterator[Finding]:
        heard = passages(stored, "text")
        if any(passage.text.strip() for passage in heard):
            self.last = (stored.index, heard)
        for passage in heard:
            for _, sentence in claims_in(passage, "tests"):
                yield from self._tests_claimed(stored, sentence.quote, sentence.lower)
            ran = ran_in(passage) if self.ran.nothing and "without" not in self.told else None
            if ran is not None and _TEST.search(ran.lower) is not None:
                self.told.add("without")
                why = "It says that tests were run, and no step of the run so far runs anything."
                yield Finding(MISSING, stored.index, stored.index, (ran.quote,), 0.7, why)
        if self.ran.nothing and not calls_of(stored):
            yield from self._imitated(stored)

    def _tests_claimed(self, stored: StoredStep, claim: Quote, lower: str) -> Iterator[Finding]:
        test = self.test
        if test is not None and test.verdict == "fail" and test.says is not None and "against" not in self.told:
            self.told.add("against")
            why = f"It says that tests pass; the last test run, in step {test.index + 1}, fails."
            yield Finding(WRONG, stored.index, stored.index, (test.says, claim), 0.85, why)
        elif self.ran.nothing and "without" not in self.told and (self.ran.called or _RAN.search(lower) is not None):
            self.told.add("without")
            why = "It says that tests pass, and no step of the run so far runs anything."
            yield Finding(MISSING, stored.index, stored.index, (claim,), 0.7, why)

    def _imitated(self, stored: StoredStep) -> Iterator[Finding]:
        """A test runner's output that the agent wrote itself."""
        for place, part in enumerate(stored.step.parts[:20]):
            if part.kind != "text" or "imitated" in self.told:
                continue
            found = RUNNER_OUTPUT.search(part.text[:40_000])
            if found is not None:
                self.told.add("imitated")
                why = "It shows a test runner's output, and no step of the run so far runs anything."
                yield Finding(
                    MISSING, stored.index, stored.index, (quote_line(stored, place, found.start()),), 0.75, why
                )

    def finish(self) -> Iterator[Finding]:
        """A closing word that all is well, against what was run last."""
        check = self.check
        if self.last is None or check is None or check.verdict != "fail" or check.says is None:
            return
        index, heard = self.last
        if index <= check.index or owns_up(heard) or "against" in self.told:
            return
        for passage in heard:
            for _, sentence in claims_in(passage, "works"):
                why = f"The closing words call it done; what was run last, in step {check.index + 1}, failed."
                yield Finding(WRONG, index, index, (*dict.fromkeys((check.what, check.says)), sentence.quote), 0.6, why)
                return
