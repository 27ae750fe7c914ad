"""Conversation reset: the beginning comes again after other work, and neither a reason nor a short cycle is one."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from small_runs import call, look, places, read_runs, run_of, say, user, world

from labels.codebook import load_all
from labels.detecting import detect_in_memory, numbered
from labels.detectors import RunMeta, load
from sample_traces import path as samples
from sessions.run import Part, Step

OPENING = (
    "The issue says that the separability matrix of nested models comes out wrong. First I look for the function that "
    "computes it, then I write a script that shows the fault."
)
WORK = [
    "The function stands in separable.py and calls a helper for each operator in the model.",
    "The helper treats a nested model as if it were a single column of ones.",
    "A script shows the fault: the lower right block is full of ones.",
    "With the helper changed the block is diagonal, as it should be.",
]


def reset(*steps: Step, **more: int) -> list[tuple[int, int]]:
    return places(look("reset", *steps, **more))


def at_work(actor: str = "planner") -> list[Step]:
    return [step for text in WORK for step in (say(text, actor), say("Noted, go on.", "other"))]


# -- the opening again --------------------------------------------------------------------------------------------


def test_an_actor_says_again_what_it_began_with() -> None:
    (found,) = look("reset", say(OPENING, "planner"), *at_work(), say(OPENING, "planner"))
    assert (found.mode, found.codebook.id) == ("conversation-reset", "mast")
    assert (found.first.index, found.last.index) == (9, 9)
    assert [item.step.index for item in found.evidence] == [0, 9]
    assert "planner says again what it began with, after 4 other messages" in found.rationale


def test_a_few_changed_words_do_not_hide_it() -> None:
    again = OPENING.replace("that computes it", "which computes it")
    assert reset(say(OPENING, "planner"), *at_work(), say(again, "planner")) == [(9, 9)]


def test_every_restart_is_one_finding_whoever_takes_part_in_it() -> None:
    other = "I open the file that holds the function and read the definition together with its examples and tests."
    again = [say(OPENING, "planner"), say(other, "navigator")]
    steps = [*again, *at_work(), *at_work("navigator")]
    assert reset(*steps, *again, *at_work(), *at_work("navigator"), *again) == [(18, 18), (36, 36)]


def test_a_short_cycle_from_the_beginning_on_is_no_reset() -> None:
    round_ = [say(OPENING, "planner"), say(WORK[0], "planner"), say(WORK[1], "planner")]
    assert reset(*round_ * 6) == []


def test_another_task_in_the_same_words_is_no_reset() -> None:
    ask = "Please look up the shipping rates for mailing a parcel from Hartford in Connecticut to Colombia using {}."
    first, later = say(ask.format("FedEx"), "planner"), say(ask.format("DHL"), "planner")
    assert reset(first, *at_work(), later) == []
    assert reset(first, *at_work(), first) == [(9, 9)]


def test_a_new_word_of_a_person_is_a_reason() -> None:
    assert (
        reset(say(OPENING, "planner"), *at_work(), user("Once more for my colleague?"), say(OPENING, "planner")) == []
    )


def test_a_word_that_was_said_before_is_none() -> None:
    proxy = user("Continue. Please keep solving the problem.")
    steps = [say(OPENING), *[step for text in WORK for step in (proxy, say(text))], proxy, say(OPENING)]
    assert reset(*steps) == [(10, 10)]


def test_a_stated_reason_is_one() -> None:
    assert reset(say(OPENING, "planner"), *at_work(), say(f"I start over from scratch. {OPENING}", "planner")) == []


def test_the_first_calls_once_more_in_their_order() -> None:
    opening = [call("ls", "a b"), call("cat README", "read me"), call("git log -3", "one two three")]
    work = [call(f"cat module_{number}.py", f"code {number}") for number in range(7)]
    (found,) = look("reset", *opening, *work, *opening)
    assert (found.first.index, found.last.index) == (10, 12)
    assert [item.quote for item in found.evidence] == ["ls", "ls", "git log -3"]


@pytest.mark.parametrize("change", ["result", "order", "reason", "few"])
def test_the_first_calls_with_other_results_order_or_reason_are_no_reset(change: str) -> None:
    opening = [call("ls", "a b"), call("cat README", "read me"), call("git log -3", "one two three")]
    work = [call(f"cat module_{number}.py", f"code {number}") for number in range(7)]
    again = {
        "result": [*opening[:2], call("git log -3", "four one two")],
        "order": [opening[0], opening[2], opening[1]],
        "reason": [user("Thanks. Now for the other bug: start with the same files."), *opening],
        "few": opening,
    }[change]
    assert reset(*opening, *(work[:3] if change == "few" else work), *again) == []


# -- introductions, counters, logs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Hello! I am the research agent. My task is to find six sources on the topic. I will begin with a search.",
        "Hi, I'm your coding assistant. How can I help you today?",
        "My name is Planner agent and my role is to split the work. Let's get started!",
    ],
)
def test_an_introduction_after_long_work(text: str) -> None:
    (found,) = look("reset", say(text, "planner"), *at_work(), say(f"{text} ", "planner"))
    assert found.first.index == 9
    other = [say(OPENING, "planner"), *at_work(), say(text, "planner")]
    (found,) = look("reset", *other)
    assert "introduces itself after 5 messages" in found.rationale
    assert reset(say(text, "planner"), *at_work()) == []


def test_who_is_greeted_may_greet() -> None:
    steps = [say(OPENING), *at_work("agent"), user("Hi, it is Monday again."), say("Hello! How can I help you today?")]
    assert reset(*steps) == []


@pytest.mark.parametrize(
    "text",
    [
        "As the lead engineer I agree with the plan and my task is done.",
        "I am sure that the agent of the cache is at fault here, not the assistant.",
        "This is the helper that turns a nested model into a column of ones.",
        "Let's start with the tests that failed last.",
    ],
)
def test_words_that_only_sound_like_an_introduction(text: str) -> None:
    assert reset(say(OPENING, "planner"), *at_work(), say(text, "planner")) == []


def test_a_counter_is_back_at_one() -> None:
    steps = [say(f"Step {number}: sources {number} and {number + 10} are summarised now.") for number in range(1, 7)]
    (found,) = look("reset", *steps, say("Step 1: I begin to look for sources."))
    assert (found.first.index, [item.step.index for item in found.evidence]) == (6, [5, 6])
    assert "back at step 1, after it had come to 6" in found.rationale


def test_lists_other_phases_and_small_counts_are_no_counter() -> None:
    count = [say(f"Round {number} of the review: nothing new was found here.") for number in range(1, 6)]
    plan = say("Step 1: read the file.\nStep 2: write the test.\nStep 3: run it.")
    assert reset(*[say(f"Step {number} is done: {WORK[0]}") for number in range(1, 6)], plan) == []
    assert reset(*count, say("Phase 2 begins with what the first one left open."), count[0]) == []
    assert reset(*count[:3], count[0]) == []
    assert reset(*count, user("Now the second document, please."), count[0]) == []
    assert reset(*[say(f"Steps {number}-{number + 3} are done, four are left.") for number in (1, 5, 9, 1)]) == []


def test_the_log_begins_again() -> None:
    line = "HyperAgent - INFO - Initialized HyperAgent instance"
    start = Step("log", "environment", [Part("raw", f"{line}\nHyperAgent - INFO - Initialized tools", name="log")])
    (found,) = look("reset", start, *at_work(), start, *at_work())
    assert (found.first.index, found.score) == (9, 0.7)
    assert [item.quote for item in found.evidence] == [line, line]


def test_a_line_that_stands_in_every_step_of_a_log_is_no_beginning() -> None:
    line = "[INFO] flask app.py did not start for online log"
    steps = [Step("log", "environment", [Part("raw", line, name="log")])]
    for number in range(20):
        steps.append(Step("agent", "agent", [Part("text", f"{number} rows are done."), Part("raw", line, name="log")]))
    assert reset(*steps) == []


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_what_is_found_does_not_depend_on_how_it_is_fed(batch: int) -> None:
    opening = [call("ls", "a b"), call("cat README", "read me"), call("git log -3", "one two three")]
    work = [call(f"cat module_{number}.py", f"code {number}") for number in range(7)]
    steps = [*opening, *work, *opening, say(OPENING, "planner"), *at_work(), say(OPENING, "planner")]
    assert reset(*steps, batch=batch) == [(10, 12), (22, 22)]


# -- hostile ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200_000,
        "step 1 " * 150_000,
        "Hello " + "I am the " * 100_000,
        "\n" * 1_000_000,
        "\x00\x1b[2J" * 200_000,
    ],
)
def test_a_megabyte_is_looked_at_in_no_time(text: str) -> None:
    watch = load("reset").start(RunMeta())
    steps = [say(text), *at_work("agent"), say(text), world(text), user(text), call(text, text)]
    for stored in numbered(run_of(*steps)):
        begun = time.thread_time()
        list(watch.feed([stored]))
        assert time.thread_time() - begun < 0.2


def test_a_long_run_of_many_actors_keeps_little() -> None:
    watch = load("reset").start(RunMeta())
    chance = random.Random(2)
    steps = [
        say(" ".join(str(chance.random()) for _ in range(30)), f"actor {chance.randrange(5000)}") for _ in range(4000)
    ]
    list(watch.feed(numbered(run_of(*steps))))
    assert len(watch._actors) <= 100


# -- real runs ----------------------------------------------------------------------------------------------------


def test_on_the_sample_runs() -> None:
    for file in sorted(samples().glob("*.*")):
        if file.suffix in (".json", ".jsonl", ".txt") and not file.name.startswith("reference"):
            for run in read_runs(file):
                assert detect_in_memory(run, [load("reset")], load_all()) == [], file.name


@pytest.mark.real_data
def test_restarts_of_hyperagent_are_found_and_other_systems_left_alone(real_data: Path) -> None:
    runs = read_runs(real_data / "mast" / "MAD_human_labelled_dataset.json")
    found = {
        run.header.native_id: (run.header.system, len(detect_in_memory(run, [load("reset")], load_all())))
        for run in runs
    }
    assert {system for system, count in found.values() if count} == {"HyperAgent"}
