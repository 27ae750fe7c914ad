"""Detectors at work on runs in memory: faults cost a detector its run and nothing else, and quotes must be true."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from labels import detecting
from labels.codebook import load_all
from labels.detecting import MOST_FINDINGS, MOST_QUOTES, Watching, detect_in_memory, meta_of, numbered
from labels.detectors import Finding, Quote, RunMeta
from sessions.bodies import StoredStep
from sessions.run import Header, Part, Run, Step

BOOKS = load_all()
MODE = "step-repetition@mast"
Feed = Callable[[Sequence[StoredStep]], Iterable[Any]]


def run_of(*texts: str) -> Run:
    return Run(Header("test", task="a task"), [Step("agent", "agent", [Part("text", text)]) for text in texts])


def detector(feed: Feed = lambda _steps: (), finish: Callable[[], Iterable[Any]] = tuple, **more: Any) -> Any:
    """A detector that does what these functions do."""
    watch = SimpleNamespace(feed=feed, finish=finish)
    fields = {"id": "test", "version": "1", "default": True, "params": {}, "start": lambda _run: watch}
    return SimpleNamespace(**{**fields, **more})


def finding(step: int = 0, text: str = "hello", start: int = 0, **more: Any) -> Finding:
    quote = Quote(step, 0, start, start + len(text), text)
    fields = {"mode": MODE, "first": step, "last": step, "evidence": (quote,), "score": 0.5, "rationale": "Because."}
    return Finding(**{**fields, **more})


def once(*findings: Any) -> Feed:
    """Gives these the first time it is asked."""
    left = [findings]
    return lambda _steps: left.pop() if left else ()


def outcome(run: Run, *detectors: Any) -> tuple[list[Any], Watching]:
    watching = Watching(meta_of(run), detectors, BOOKS)
    found = watching.feed(numbered(run))
    return found + watching.finish(), watching


# -- what comes out -----------------------------------------------------------------------------------------------


def test_a_finding_becomes_a_suggestion_with_everything_about_it() -> None:
    run = run_of("well, hello there", "bye")
    (found,), watching = outcome(run, detector(once(finding(text="hello", start=6))))
    ids = [stored.id for stored in numbered(run)]
    assert (found.mode, found.code, found.codebook.id) == ("step-repetition", "1.3", "mast")
    assert (found.first.id, found.first.index, found.last.id) == (ids[0], 0, ids[0])
    (evidence,) = found.evidence
    assert (evidence.step.id, evidence.part, evidence.start, evidence.end, evidence.quote) == (
        ids[0],
        0,
        6,
        11,
        "hello",
    )
    assert (found.detector, found.version, found.score, found.rationale) == ("test", "1", 0.5, "Because.")
    assert found.probability is None
    assert (watching.progress[0].found, watching.progress[0].dropped, watching.progress[0].off) == (1, 0, None)


def test_detectors_are_told_of_the_run_but_not_of_the_answer() -> None:
    told: list[RunMeta] = []

    def start(run: RunMeta) -> Any:
        told.append(run)
        return SimpleNamespace(feed=lambda _steps: (), finish=tuple)

    run = run_of("x")
    run.header.reference = {"answer": 42}
    run.header.system = "a system"
    outcome(run, detector(start=start))
    assert told == [RunMeta(task="a task", system="a system", model=None, format="test")]


def test_steps_come_in_order_each_once_in_batches_and_finish_is_last() -> None:
    seen: list[Any] = []

    def feed(steps: Sequence[StoredStep]) -> Iterable[Finding]:
        seen.append([stored.index for stored in steps])
        return ()

    def finish() -> Iterable[Finding]:
        seen.append("end")
        return [finding(6)]

    run = run_of(*["hello"] * 7)
    (found,) = detect_in_memory(run, [detector(feed, finish)], BOOKS, batch=3)
    assert seen == [[0, 1, 2], [3, 4, 5], [6], "end"]
    assert found.first.index == 6


@pytest.mark.parametrize(("given", "kept"), [(7.0, 1.0), (-3.0, 0.0), (0.25, 0.25), (1, 1.0)])
def test_scores_stay_between_nothing_and_one(given: float, kept: float) -> None:
    (found,), _ = outcome(run_of("hello"), detector(once(finding(score=given))))
    assert found.score == kept


# -- what does not come out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        finding(text="hallo"),
        finding(text="ello", start=0),
        finding(text="hello", start=1),
        finding(text="hello", start=-1),
        finding(text="hello there", start=0),
        finding(step=5),
        finding(step=-1),
        finding(evidence=(Quote(0, 3, 0, 5, "hello"),)),
        finding(evidence=(Quote(0, 0, 0, 9, "hello"),)),
        finding(evidence=(Quote(0, 0, 0, 0, ""),)),
        finding(evidence=()),
        finding(first=0, last=9),
        finding(first=1, last=0),
        finding(mode="no-such-mode@mast"),
        finding(mode="step-repetition@nowhere"),
        finding(mode=""),
        finding(score=None),
        finding(rationale=None),
        finding(evidence=None),
        "no finding at all",
        None,
    ],
    ids=range(21),
)
def test_what_quotes_what_is_not_there_or_names_no_mode_or_step_is_dropped(bad: Any) -> None:
    good = finding(step=1, text="there")
    found, watching = outcome(run_of("hello", "there"), detector(once(bad, good)))
    assert [item.first.index for item in found] == [1], "the good one behind it stays"
    assert (watching.progress[0].dropped, watching.progress[0].off) == (1, None)


def test_blank_quotes_are_no_evidence() -> None:
    found, _ = outcome(run_of("a   b"), detector(once(finding(text="   ", start=1))))
    assert found == []


def test_of_several_quotes_the_true_ones_stay() -> None:
    quotes = (Quote(0, 0, 0, 1, "y"), *(Quote(0, 0, n, n + 1, "x") for n in range(30)))
    (found,), _ = outcome(run_of("x" * 30), detector(once(finding(evidence=quotes))))
    assert len(found.evidence) == MOST_QUOTES
    assert {item.quote for item in found.evidence} == {"x"}


def test_a_quote_may_be_long_but_not_a_document() -> None:
    text = "word " * 1000
    found, _ = outcome(run_of(text), detector(once(finding(text=text[:1500]), finding(text=text[:2500]))))
    assert [len(item.evidence[0].quote) for item in found] == [1500]


def test_a_lone_surrogate_cannot_be_kept_and_stops_nothing() -> None:
    found, watching = outcome(run_of("a\ud800b"), detector(once(finding(text="a\ud800b"))))
    assert found == []
    assert watching.progress[0].off is None


def test_who_finds_everything_is_cut_short() -> None:
    many = [finding(text="h", start=n) for n in range(MOST_FINDINGS + 20)]
    found, watching = outcome(run_of("h" * 1000), detector(once(*many)))
    assert len(found) == MOST_FINDINGS
    assert watching.progress[0].dropped == 20


# -- faults -------------------------------------------------------------------------------------------------------


def boom(*_args: Any) -> Any:
    raise ValueError("boom\nin two lines")


def late_boom(_steps: Any) -> Iterable[Finding]:
    yield finding()
    raise KeyError("half way")


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        (detector(boom), "ValueError: boom"),
        (detector(finish=boom), "ValueError: boom"),
        (detector(start=boom), "ValueError: boom"),
        (detector(late_boom), "KeyError: 'half way'"),
        (detector(lambda _steps: None), "TypeError"),
    ],
)
def test_one_that_raises_is_switched_off_and_the_others_go_on(faulty: Any, words: str) -> None:
    good = detector(finish=lambda: [finding(1, "there")], id="good")
    found, watching = outcome(run_of("hello", "there"), faulty, good)
    assert [item.detector for item in found] == ["good"]
    first, second = watching.progress
    assert words in (first.off or "")
    assert len(first.off or "") <= 200
    assert second.off is None


def test_what_was_found_before_the_fault_stays() -> None:
    calls = []

    def feed(steps: Sequence[StoredStep]) -> Iterable[Finding]:
        calls.append(len(steps))
        if len(calls) > 1:
            raise RuntimeError
        return [finding()]

    watching = Watching(RunMeta(), [detector(feed)], BOOKS)
    steps = numbered(run_of("hello", "x", "y"))
    found = [*watching.feed(steps[:1]), *watching.feed(steps[1:2]), *watching.feed(steps[2:]), *watching.finish()]
    assert [item.first.index for item in found] == [0]
    assert len(calls) == 2, "it is not asked again"


def sleep(_steps: Any) -> Iterable[Finding]:
    time.sleep(30)
    return ()


def stubborn(_steps: Any) -> Iterable[Finding]:
    try:
        time.sleep(30)
    except Exception:
        time.sleep(30)
    return ()


def catastrophic(_steps: Any) -> Iterable[Finding]:
    re.match(r"(a+)+$", "a" * 64 + "b")
    return ()


@pytest.mark.parametrize("slow", [sleep, stubborn, catastrophic])
def test_one_that_hangs_is_interrupted(slow: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detecting, "LONGEST_CALL_S", 0.1)
    begun = time.monotonic()
    found, watching = outcome(run_of("hello"), detector(slow), detector(once(finding()), id="good"))
    assert time.monotonic() - begun < 5
    assert "took longer than 0.1 s" in (watching.progress[0].off or "")
    assert [item.detector for item in found] == ["good"]


def test_the_alarm_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detecting, "LONGEST_CALL_S", 0.05)
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        outcome(run_of("hello"), detector(sleep))
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0, "somebody else's alarm goes on"
        assert rung == []
        deadline = time.monotonic() + 5
        while not rung and time.monotonic() < deadline:
            time.sleep(0.02)
        assert rung == [signal.SIGALRM]
        outcome(run_of("hello"), detector())
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_outside_the_main_thread_a_slow_one_is_switched_off_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detecting, "HEAD_START_S", 0.0)
    monkeypatch.setattr(detecting, "PER_STEP_S", 0.0)
    results: list[Watching] = []

    def slow(_steps: Any) -> Iterable[Finding]:
        time.sleep(0.05)
        return [finding()]

    thread = threading.Thread(target=lambda: results.append(outcome(run_of("hello"), detector(slow))[1]))
    thread.start()
    thread.join()
    (watching,) = results
    assert "too slow" in (watching.progress[0].off or "")
    assert watching.progress[0].found == 1, "what it found in time is true all the same"


def test_long_runs_allow_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching(RunMeta(), [], BOOKS)
    small = watching._allowance()
    watching.feed(numbered(run_of(*["x" * 1000] * 50)))
    assert watching._allowance() == pytest.approx(small + 50 * detecting.PER_STEP_S + 0.05 * detecting.PER_MILLION_S)
    monkeypatch.setattr(detecting, "HEAD_START_S", -10.0)
    assert watching._allowance() < 0
