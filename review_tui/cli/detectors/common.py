"""What `score`, `calibrate` and `train` say alike."""

from __future__ import annotations

import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from labels import detectors
from review_tui.cli import output

if TYPE_CHECKING:
    from labels.detectors.base import Detector
    from labels.scoring.truth import Account


#: Columns of what is printed.
WIDTH = 98


def wanted(ids: Sequence[str]) -> list[Detector]:
    """These detectors; without any, all that can be loaded. Raises UserError for a named one that cannot be."""
    if ids:
        return [detectors.load(name) for name in dict.fromkeys(ids)]
    found, problems = detectors.load_all()
    for problem in problems:
        output.note(f"review-tui: left out: {problem}")
    return found


def say_account(account: Account) -> None:
    """Which labels count, and which do not."""
    for text in account.used:
        _say("counted", text)
    for reason, number in sorted(account.left_out.items()):
        _say("left out", f"{number:,} {reason}")
    for text in account.doubts:
        _say("doubtful", text)


def say_off(off: dict[str, Counter[str]]) -> None:
    """Detectors that failed on some runs, where they do not count."""
    for detector, reasons in sorted(off.items()):
        for reason, number in sorted(reasons.items()):
            _say("left out", f"{detector} on {output.count(number, 'run')}, where it was switched off: {reason}")


def _say(what: str, text: str) -> None:
    for line in textwrap.wrap(text, WIDTH, initial_indent=f"{what:10}", subsequent_indent=" " * 10):
        output.line(line)


def progress(what: str) -> Callable[[int], None]:
    """A line on standard error now and then, for people at a terminal."""
    if not sys.stderr.isatty():
        return lambda done: None
    last = time.monotonic()

    def told(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > 2:
            last = time.monotonic()
            output.note(f"{done:,} {what} so far")

    return told
