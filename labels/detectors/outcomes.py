"""What a check's output says: whether a test run passed or failed, in the words of the common runners.

From the runners' own summaries (pytest, unittest, go test, cargo, jest, vitest, mocha, rspec, phpunit, maven, gradle,
dotnet, TAP). The end of the output is looked at first, because that is where the summary stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labels.detectors.base import Quote, quote_line
from labels.detectors.calls import Call, calls_of, executions_of
from sessions.bodies import StoredStep

Verdict: TypeAlias = Literal["pass", "fail"]

FROM_START, FROM_END = 2_000, 6_000
_FAILED = re.compile(
    r"\b[1-9]\d{0,5} (?:failed|failing|failures?|errors?)\b(?! warnings)"
    r"|\b(?:failures|errors|failed)[=:] ?[1-9]"
    r"|^FAILED\b|^FAIL[:\t ]|^--- FAIL|^not ok \d|^E {3}\w*(?:Error|Exception)|^={3,} (?:FAILURES|ERRORS) ={3,}"
    r"|test result: FAILED|BUILD FAIL(?:URE|ED)|Tests? failed|npm ERR!|^make(?:\[\d+\])?: \*\*\* "
    r"|Test Suites: [1-9]\d* failed",
    re.MULTILINE,
)
_PASSED = re.compile(
    r"\b[1-9]\d{0,5} (?:passed|passing|tests? passed|examples?, 0 failures)\b|^OK\b(?: \(|$)|^ok {2}\t?\S|^PASS\b"
    r"|test result: ok|BUILD SUCCESS|Tests run: [1-9]\d*, Failures: 0, Errors: 0|\ball tests passed\b|^1\.\.[1-9]",
    re.MULTILINE | re.IGNORECASE,
)
#: What test runners print and people do not write.
RUNNER_OUTPUT = re.compile(
    r"^=+ (?:test session starts|\d+ passed[^\n]{0,40}) ?=+$|^collected \d+ items?$|^\.{3,}[ \t]+\[100%\]$"
    r"|\b\d+ passed in \d+\.\d+s\b|^Ran \d+ tests? in \d+\.\d+s$|^Tests: +\d+ passed, \d+ total$"
    r"|^test result: ok\. \d+ passed|^ok {2}\t?[\w./-]+\t\d+\.\d+s$",
    re.MULTILINE,
)
#: Lines of a table in which a check reports item by item.
_GOOD_LINE = re.compile(r"^.{1,200}?[\s:](?:ok|pass(?:ed)?|\u2713|\u2705)\s*$", re.IGNORECASE)
_BAD_LINE = re.compile(
    r"^.{1,200}?[\s:](?:fail(?:ed|ure)?|missing|short|mismatch(?:ed)?|broken|down|not ok|incomplete|\u2717|\u274c)\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Check:
    """A test run or another check of a run: its call, and what its result says. what: of the call, one line. says: the
    line of the result that tells, None without a verdict."""

    index: int
    is_test: bool
    verdict: Verdict | None
    what: Quote
    says: Quote | None


def verdict_of(text: str) -> tuple[Verdict, int] | None:
    """What a test runner's output says, and the place of the words that say so."""
    for start, piece in ((max(0, len(text) - FROM_END), text[-FROM_END:]), (0, text[:FROM_START])):
        failed = list(_FAILED.finditer(piece))[-1:]
        if failed:
            return "fail", start + failed[0].start()
        passed = list(_PASSED.finditer(piece))[-1:]
        if passed:
            return "pass", start + passed[0].start()
    return None


def bad_line(text: str) -> int | None:
    """Where a table that calls some of its items ok calls another one not: the place of that line."""
    if "ok" not in text and "OK" not in text and "pass" not in text:
        return None
    place, good, bad = 0, False, None
    for line in text[-FROM_END:].split("\n")[:400]:
        if len(line) <= 220:
            good = good or _GOOD_LINE.match(line) is not None
            if bad is None and _BAD_LINE.match(line) is not None:
                bad = place
        place += len(line) + 1
    return max(0, len(text) - FROM_END) + bad if good and bad is not None else None


def checks_of(stored: StoredStep) -> list[Check]:
    """The test runs and other runs of a step that have a result, in order."""
    found = []
    for call in calls_of(stored):
        if call.acts & {"test", "check", "run"} and call.result is not None:
            found.append(_check(stored, call, call.result))
    if not found:
        for place, failed in executions_of(stored):
            says = quote_line(stored, place)
            found.append(Check(stored.index, False, "fail" if failed else "pass", says, says))
    return found


def _check(stored: StoredStep, call: Call, result: int) -> Check:
    part = stored.step.parts[result]
    what = call.quote(stored)
    is_test = "test" in call.acts
    told = verdict_of(part.text) if is_test else None
    if told is not None:
        return Check(stored.index, is_test, told[0], what, quote_line(stored, result, told[1]))
    bad = bad_line(part.text)
    if bad is not None:
        return Check(stored.index, is_test, "fail", what, quote_line(stored, result, bad))
    # A server that is stopped by `timeout` ends with an error code and has failed at nothing.
    if part.is_error and part.text.strip() and (is_test or "timeout " not in call.command):
        return Check(stored.index, is_test, "fail", what, _last_line(stored, result))
    return Check(stored.index, is_test, None, what, None)


def _last_line(stored: StoredStep, part: int) -> Quote:
    """The last line that says something: where an error's message stands."""
    text = stored.step.parts[part].text
    end = len(text.rstrip())
    return quote_line(stored, part, max(0, text.rfind("\n", 0, end) + 1))
