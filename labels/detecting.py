"""Detectors at work: feeding them a run, holding them to their time, and checking what they quote.

`Watching` is for any run, fed as it comes (a gate, a file that grows, a run in memory); `labels.detection` runs it
over the store and keeps what it finds.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from labels.codebook import Codebooks
from labels.detectors.base import Detector, Finding, Quote, RunMeta, Watch
from labels.model import Evidence, StepRef
from labels.suggestions import Suggestion
from sessions.bodies import StoredStep
from sessions.errors import UsageError
from sessions.identity import Identity
from sessions.run import Run

#: A detector may take this long for one call, and this long for each step and each million characters on average (an
#: order above what the built-in ones need), or it is switched off for the run. Seconds.
LONGEST_CALL_S = 2.0
PER_STEP_S, PER_MILLION_S, HEAD_START_S = 0.010, 3.0, 1.0
#: Evidence is a telling passage, not a document; a claim needs one and a reader looks at a handful.
LONGEST_QUOTE, MOST_QUOTES = 2_000, 8
#: A detector that fires more often than this in one run tells nobody anything.
MOST_FINDINGS = 500


class TooSlow(BaseException):
    """A detector was interrupted. No Exception: a detector that catches those must not go on."""


@dataclass(slots=True)
class Progress:
    """How a detector fares on a run. off: why it was switched off, or None. found: suggestions so far."""

    detector: Detector
    watch: Watch | None
    off: str | None = None
    found: int = 0
    dropped: int = 0
    seconds: float = 0.0


class Watching:
    """Some detectors on one run. Feed it the steps in order (from any one on), then `finish`."""

    def __init__(self, meta: RunMeta, detectors: Iterable[Detector], codebooks: Codebooks) -> None:
        self.codebooks = codebooks
        self.steps = self.chars = 0
        self._ids: dict[int, str] = {}
        self.progress = [self._start(detector, meta) for detector in detectors]

    @staticmethod
    def _start(detector: Detector, meta: RunMeta) -> Progress:
        try:
            return Progress(detector, detector.start(meta))
        except Exception as error:
            return Progress(detector, None, off=f"{type(error).__name__}: {error}"[:200])

    def feed(self, steps: Sequence[StoredStep]) -> list[Suggestion]:
        """The next steps of the run; what is suspected by now."""
        self.steps += len(steps)
        self.chars += sum(len(part.text) for stored in steps for part in stored.step.parts)
        self._ids.update((stored.index, stored.id) for stored in steps)
        recent = {stored.index: stored for stored in steps}
        return [item for state in self.progress for item in self._ask(state, recent, steps)]

    def finish(self) -> list[Suggestion]:
        """The run is over; what can only be said now."""
        return [item for state in self.progress for item in self._ask(state, {}, None)]

    def _ask(
        self, state: Progress, recent: dict[int, StoredStep], steps: Sequence[StoredStep] | None
    ) -> Iterator[Suggestion]:
        """Let one detector look; a fault of its own costs it the rest of the run and the reviewer nothing."""
        if state.off is not None or state.watch is None:
            return
        begun = time.perf_counter()
        findings: list[Finding] = []
        try:
            with _deadline(LONGEST_CALL_S):
                findings = list(state.watch.finish() if steps is None else state.watch.feed(steps))
        except TooSlow:
            state.off = f"took longer than {LONGEST_CALL_S:g} s for one look"
        except Exception as error:
            state.off = f"{type(error).__name__}: {error}"[:200]
        state.seconds += time.perf_counter() - begun
        if state.off is None and state.seconds > self._allowance():
            state.off = f"too slow: {state.seconds:.1f} s for {self.steps:,} steps"
        for finding in findings:
            suggestion = self._checked(state.detector, finding, recent)
            if suggestion is None or state.found >= MOST_FINDINGS:
                state.dropped += 1
            else:
                state.found += 1
                yield suggestion

    def _allowance(self) -> float:
        return HEAD_START_S + PER_STEP_S * self.steps + PER_MILLION_S * self.chars / 1e6

    def _checked(self, detector: Detector, finding: Finding, recent: dict[int, StoredStep]) -> Suggestion | None:
        """The finding as a suggestion; None if it names no known mode or step, quotes what is not there, or is no
        finding at all (a plug-in may give back anything)."""
        try:
            return self._suggestion(detector, finding, recent)
        except Exception:
            return None

    def _suggestion(self, detector: Detector, finding: Finding, recent: dict[int, StoredStep]) -> Suggestion | None:
        try:
            book, mode = self.codebooks.resolve(finding.mode)
        except UsageError:
            return None
        quotes = [quote for quote in finding.evidence if self._verbatim(quote, recent)][:MOST_QUOTES]
        if not quotes or finding.first > finding.last or not {finding.first, finding.last} <= self._ids.keys():
            return None
        return Suggestion(
            mode=mode.slug,
            code=mode.code,
            name=mode.name,
            codebook=book.ref,
            first=self._ref(finding.first),
            last=self._ref(finding.last),
            evidence=tuple(self._evidence(quote) for quote in quotes),
            score=min(1.0, max(0.0, float(finding.score))),
            detector=detector.id,
            version=detector.version,
            rationale=finding.rationale[:1000],
        )

    def _verbatim(self, quote: Quote, recent: dict[int, StoredStep]) -> bool:
        """Whether the quote is what stands there, as far as the step is at hand; its shape in any case. Steps of
        earlier calls are checked where the suggestion is kept."""
        if not (quote.index in self._ids and 0 < len(quote.text) <= LONGEST_QUOTE and quote.text.strip()):
            return False
        if quote.start < 0 or quote.end - quote.start != len(quote.text):
            return False
        stored = recent.get(quote.index)
        return stored is None or stands_there(stored, quote.part, quote.start, quote.text)

    def _ref(self, index: int) -> StepRef:
        return StepRef(id=self._ids[index], index=index)

    def _evidence(self, quote: Quote) -> Evidence:
        return Evidence(
            step=self._ref(quote.index), part=quote.part, start=quote.start, end=quote.end, quote=quote.text
        )


def stands_there(stored: StoredStep, part: int, start: int, text: str) -> bool:
    """Whether a part of a step has this text at this place."""
    parts = stored.step.parts
    return 0 <= part < len(parts) and parts[part].text.startswith(text, start)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, where that is possible: in the main thread, on a system with timers. What goes on
    all the same is interrupted again every second. An alarm that somebody else has set rings when it is due, or right
    afterwards."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    armed = True

    def ring(_number: int, _frame: Any) -> None:
        if armed:
            raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    begun = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - begun)), interval)


# -- runs in memory -----------------------------------------------------------------------------------------------


def meta_of(run: Run) -> RunMeta:
    """What detectors are told of a run in memory."""
    head = run.header
    return RunMeta(task=head.task, system=head.system, model=head.model, format=head.format)


def numbered(run: Run) -> list[StoredStep]:
    """The steps of a run in memory with the ids that the store would give them."""
    from sessions.writing import flags_of

    identity = Identity()
    return [StoredStep(index, identity.step_id(step), flags_of(step), step) for index, step in enumerate(run.steps)]


def detect_in_memory(
    run: Run, detectors: Iterable[Detector], codebooks: Codebooks, *, batch: int = 5
) -> list[Suggestion]:
    """Everything the detectors say of a run that is in memory, fed in chunks of `batch` steps."""
    watching = Watching(meta_of(run), detectors, codebooks)
    steps = numbered(run)
    found: list[Suggestion] = []
    for start in range(0, len(steps), batch):
        found += watching.feed(steps[start : start + batch])
    return found + watching.finish()
