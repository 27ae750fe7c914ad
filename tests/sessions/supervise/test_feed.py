"""Which steps have yet to be shown: each part of each step once, and nothing never."""

import random
from pathlib import Path

from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from sessions.run import Part, Span, Step
from sessions.supervise.feed import Feed, View

FILE = Path("/s.jsonl")


def call(number: int, *, answered: bool = True, id: str | None = None) -> Step:
    parts = [Part("tool_call", f"echo {number}", name="bash", call_id=f"c{number}", arguments={"n": number})]
    if answered:
        parts.append(Part("tool_result", f"out {number}", name="bash", call_id=f"c{number}"))
    return Step("agent", "agent", parts, native_id=id or f"u{number}", raw=[Span(number * 10, 5)])


def words(number: int) -> Step:
    return Step(
        "agent", "agent", [Part("text", f"I think {number}.")], native_id=f"u{number}", raw=[Span(number * 10, 5)]
    )


def view(settled=(), pending=(), anew=False) -> View:
    return View(anew, list(settled), list(pending), "Mend it.", "s", 0)


def texts(steps) -> list[list[str]]:
    return [[part.text for part in step.parts] for step in steps]


def test_steps_are_shown_once():
    feed = Feed()
    feed.take(FILE, 0, view([call(1)], [call(2)], anew=True))
    assert texts(feed.steps()) == [["echo 1", "out 1"], ["echo 2", "out 2"]]
    assert all(step.raw == [] for step in feed.steps())
    feed.shown()
    assert feed.steps() == []
    feed.take(FILE, 0, view([call(2)], [call(3)]))
    assert texts(feed.steps()) == [["echo 3", "out 3"]]
    assert feed.task == "Mend it."


def test_a_step_in_which_something_goes_on_waits_and_its_call_is_flying():
    feed = Feed()
    feed.take(FILE, 0, view([call(1)], [call(2, answered=False)], anew=True))
    assert texts(feed.steps()) == [["echo 1", "out 1"]]
    assert [(part.name, part.arguments) for part in feed.flying()] == [("bash", {"n": 2})]
    feed.shown()
    feed.take(FILE, 0, view([], [call(2)]))
    assert texts(feed.steps()) == [["echo 2", "out 2"]]
    assert feed.flying() == []


def test_words_alone_may_go_on_to_a_call():
    feed = Feed()
    feed.take(FILE, 0, view([call(1)], [words(2)], anew=True))
    assert len(feed.complete()) == 1
    assert len(feed.steps()) == 1
    assert len(feed.steps(everything=True)) == 2  # the command has ended: it does not go on
    feed.shown(everything=True)
    assert feed.steps(everything=True) == []


def test_what_a_step_gains_after_it_was_shown_is_shown_as_well():
    feed = Feed()
    waiting, inner = call(1, answered=False), call(2)
    feed.take(FILE, 0, view([], [waiting, inner], anew=True))  # a sub-agent works while the call that began it waits
    assert texts(feed.steps()) == [["echo 1"], ["echo 2", "out 2"]]
    assert [step.native_id for step in feed.complete()] == ["u2"]
    feed.shown()
    feed.take(FILE, 0, view([call(1), call(2)], [call(3)]))
    assert texts(feed.steps()) == [["out 1"], ["echo 3", "out 3"]]


def test_a_file_read_anew_shows_nothing_twice():
    feed = Feed()
    feed.take(FILE, 0, view([call(1), call(1, id="u1")], [call(2)], anew=True))
    assert len(feed.steps()) == 3  # of one name are several: each is shown
    feed.shown()
    feed.take(FILE, 0, view([call(1), call(1, id="u1"), call(5), call(2)], [call(3)], anew=True))
    assert [step.native_id for step in feed.steps()] == ["u5", "u3"]


def test_what_stood_in_the_file_before_needs_no_gate():
    feed = Feed()
    inner = call(3, id="sub")
    inner.raw = [Span(5, 5, file=1)]
    feed.take(FILE, 35, view([call(1), call(3), inner, call(4)], [call(5)], anew=True))
    assert [step.native_id for step in feed.steps()] == ["u4", "u5"]
    assert feed.earlier == 3


def test_two_sessions_are_shown_one_after_the_other():
    feed = Feed()
    feed.take(FILE, 0, view([call(1)], [], anew=True))
    feed.take(Path("/t.jsonl"), 0, view([call(1)], [], anew=True))
    assert len(feed.steps()) == 2


@quick(60)
@given(seed=st.integers(0, 2**32))
def test_whenever_gates_are_opened_every_part_is_shown_exactly_once(seed):
    chance = random.Random(seed)
    feed, shown = Feed(), []
    total = chance.randrange(1, 12)
    done, first = 0, True
    while done < total or chance.random() < 0.3:
        settled = [call(number) for number in range(done, min(total, done + chance.randrange(3)))]
        if chance.random() < 0.2:
            first = True
        begin = [call(number) for number in range(done)] if first else []
        done += len(settled)
        pending = [call(n, answered=chance.random() < 0.5) for n in range(done, min(total, done + chance.randrange(3)))]
        feed.take(FILE, 0, view([*begin, *settled], pending, anew=first))
        first = False
        if chance.random() < 0.5:
            shown += feed.steps()
            feed.shown()
    feed.take(FILE, 0, view([call(number) for number in range(total)], [], anew=True))
    shown += feed.steps(everything=True)
    parts = [part.text for step in shown for part in step.parts]
    assert sorted(parts) == sorted(part.text for number in range(total) for part in call(number).parts)
