"""Step repetition: loops are found once, progress and waiting are no loops, and the work is bounded."""

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

TEST = "python -m pytest -q tests/test_backoff.py"
FAILED = "1 failed in 0.31s: assert 32.0 == 30.0"
REPORT = (
    "The parser reads the header first, then every row of the table, and keeps the rows whose date lies in the range. "
    "Rows without a date are written to a file of their own, so that somebody can look at them by hand tomorrow."
)


def repetition(*steps: Step, **more: int) -> list[tuple[int, int]]:
    return places(look("repetition", *steps, **more))


# -- loops --------------------------------------------------------------------------------------------------------


def test_three_equal_calls_in_a_row() -> None:
    (found,) = look("repetition", *[call(TEST, FAILED)] * 3)
    assert (found.mode, found.codebook.id) == ("step-repetition", "mast")
    assert (found.first.index, found.last.index) == (0, 2)
    assert [(item.step.index, item.quote) for item in found.evidence] == [(0, TEST), (1, TEST), (2, TEST)]
    assert "The call bash 3 times in a row with the same result" in found.rationale


def test_two_are_none_yet() -> None:
    assert repetition(call(TEST, FAILED), call(TEST, FAILED)) == []


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_a_cycle_gone_through_three_times(length: int) -> None:
    round_ = [call(f"cat part_{number}.txt", f"text {number}") for number in range(length)]
    (found,) = look("repetition", *round_ * 3)
    assert (found.first.index, found.last.index) == (0, 2 * length)
    assert f"in a cycle of {length} actions" in found.rationale
    assert found.score == pytest.approx(0.6)


def test_a_cycle_with_a_change_that_changes_nothing() -> None:
    """The edit is made anew each time and fails in the same way: no progress, though it is a change."""
    edit = call({"path": "a.py", "old": "x", "new": "y"}, "error: no match for old text", tool="edit", error=True)
    assert repetition(*[edit, call(TEST, FAILED)] * 3) == [(1, 5)]


def test_done_again_and_again_with_other_looks_between() -> None:
    steps = [call("cat setup.py", "name = 'x'")]
    for number in range(12):
        steps.append(call(f"cat file_{number}.py", f"text of {number}"))
        if number in (5, 11):
            steps.append(call("cat setup.py", "name = 'x'"))
    (found,) = look("repetition", *steps)
    assert (found.first.index, found.last.index) == (0, len(steps) - 1)
    assert "again and again" in found.rationale
    assert found.score < 0.5, "that is a weaker sign than a tight loop"


def test_equal_means_equal_in_what_is_done() -> None:
    """Another description, spacing or duration makes no other call."""
    steps = [
        call({"command": "make  check", "description": f"attempt {number}"}, f"FAIL in 0.{number}3s at 12:0{number}:11")
        for number in range(3)
    ]
    assert repetition(*steps) == [(0, 2)]


def test_nearly_the_same_script_with_the_same_error() -> None:
    script = (
        "python - <<'EOF'\nimport csv\nrows = list(csv.DictReader(open('in.csv')))\nprint(len(rows), {})\n"
        + "\n".join(f"print('total of column {name}', sum(float(row['{name}']) for row in rows))" for name in "abcdefg")
    )
    error = "Traceback (most recent call last):\n  File '<stdin>', line 2\nFileNotFoundError: in.csv"
    steps = [call(script.replace("{}", str(number)), error, error=True) for number in range(3)]
    (found,) = look("repetition", *steps)
    assert "early the call" in found.rationale
    assert found.score < 0.6


def test_a_call_without_arguments_is_quoted_by_its_result() -> None:
    (found,) = look("repetition", *[call({}, "Page 3 of 3: end of document", tool="next_page")] * 3)
    assert [item.quote for item in found.evidence] == ["Page 3 of 3: end of document"] * 3


def test_a_remark_that_comes_again_is_quoted_too() -> None:
    steps = [call(TEST, FAILED, text="The change may not have been picked up.") for _ in range(3)]
    (found,) = look("repetition", *steps)
    assert [item.quote for item in found.evidence] == ["The change may not have been picked up.", TEST] * 3


def test_calls_whose_results_nobody_tells() -> None:
    assert repetition(*[call("ls -la build", None)] * 3) == [(0, 2)]


def test_results_in_steps_of_their_own() -> None:
    ask = Step("agent", "agent", [Part("tool_call", "pytest", name="run", call_id="k", arguments="pytest")])
    tell = Step("environment", "environment", [Part("tool_result", FAILED, call_id="k")])
    changed = [Step("environment", "environment", [Part("tool_result", f"{n} failed", call_id="k")]) for n in range(5)]
    assert repetition(*[ask, tell] * 3) == [(0, 4)]
    assert repetition(*[step for result in changed for step in (ask, result)]) == []


@pytest.mark.parametrize("batch", [1, 2, 5, 20])
def test_what_is_found_does_not_depend_on_how_it_is_fed(batch: int) -> None:
    steps = [*[call(TEST, FAILED)] * 7, user("Please look at the limit."), *[call("cat a", "b")] * 3]
    assert repetition(*steps, batch=batch) == [(0, 2), (0, 5), (8, 10)]


def test_a_loop_that_goes_on_is_told_when_it_has_doubled() -> None:
    assert repetition(*[call(TEST, FAILED)] * 100) == [(0, 2), (0, 5), (0, 11), (0, 23), (0, 47), (0, 95)]


def test_a_cycle_is_one_loop_and_not_one_for_each_of_its_calls() -> None:
    round_ = [call(f"cat part_{number}.txt", "text") for number in range(3)]
    assert repetition(*round_ * 6) == [(0, 6), (0, 15)]


def test_evidence_is_the_first_the_middle_and_the_last_time() -> None:
    found = look("repetition", *[call(TEST, FAILED)] * 50)[-1]
    steps = [item.step.index for item in found.evidence]
    assert steps[0] == found.first.index
    assert steps[-1] == found.last.index
    assert found.first.index + 5 < steps[1] < found.last.index - 5


def test_two_agents_loop_each_for_themselves() -> None:
    steps = []
    for _ in range(3):
        steps += [call("ls a", "x", actor="one"), call("ls b", "y", actor="two")]
    assert repetition(*steps) == [(0, 4), (1, 5)]


# -- no loops -----------------------------------------------------------------------------------------------------


def test_a_changed_result_is_progress() -> None:
    assert repetition(*[call("wc -l out.csv", f"{number} out.csv") for number in range(8)]) == []


def test_another_error_is_progress() -> None:
    errors = ["NameError: a", "TypeError: b", "KeyError: c", "IndexError: d", "AssertionError: e", "OSError: f"]
    assert repetition(*[call(TEST, error, error=True) for error in errors]) == []


def test_another_file_or_argument_is_progress() -> None:
    assert repetition(*[call(f"cat src/module_{number}.py", "import os") for number in range(10)]) == []
    assert repetition(*[call({"path": f"p{number}", "line": 3}, "ok, done", tool="view") for number in range(9)]) == []


def test_tests_after_each_edit_are_no_loop() -> None:
    steps = []
    for number in range(6):
        steps.append(call({"path": "a.py", "old": f"v{number}", "new": f"v{number + 1}"}, "edited", tool="edit"))
        steps.append(call(TEST, FAILED))
    assert repetition(*steps) == []


def test_long_edits_that_look_alike_are_different_changes() -> None:
    body = "\n".join(f"def function_{number}(value): return value * {number}" for number in range(40))
    steps = [
        call(
            {"path": "a.py", "text": f"{body}\nLIMIT = {number}"}, "The file a.py has been updated.", tool="write_file"
        )
        for number in range(6)
    ]
    assert repetition(*steps) == []


def test_a_new_word_of_a_person_is_a_reason_to_look_again() -> None:
    steps = []
    for number in range(5):
        steps += [user(f"And what about order {number}?"), call({"id": "A7"}, "A7: open", tool="get_order")]
    assert repetition(*steps) == []


@pytest.mark.parametrize(
    "wait",
    ["sleep 30", "kubectl wait --for=condition=ready pod/x", "kubectl rollout status deploy/cart", "watch -n 5 ls",
     "sleep 20 && kubectl get pods", "tail -f build.log", "gh run watch 12"],
)  # fmt: skip
def test_waiting_is_no_loop(wait: str) -> None:
    assert repetition(*[call(wait, "not yet")] * 20) == []


def test_many_equal_reads_with_waits_between_are_polling() -> None:
    assert repetition(*[call("kubectl get pods -n shop", "cart 0/1 Pending"), call("sleep 15", "")] * 20) == []
    assert repetition(*[call({}, "running", tool="get_job_status"), call({"s": 9}, "", tool="wait")] * 20) == []


def test_a_wait_tool_of_any_spelling() -> None:
    for tool in ("wait", "wait_for_text", "mcp__browser__wait_for", "sleep", "waitForElement"):
        assert repetition(*[call({"seconds": 5}, "done waiting", tool=tool)] * 10) == [], tool


@pytest.mark.parametrize(
    "ask",
    ["kubectl get pods", "docker ps", "systemctl status nginx", "curl -s http://localhost:8080/health", "squeue -u me"],
)
def test_a_state_that_moves_by_itself_may_be_asked_for_a_few_times(ask: str) -> None:
    pending = [call(ask, "starting")] * 5
    assert repetition(*pending, call(ask, "ready")) == []
    assert repetition(*pending, call(ask, "starting")) == [(0, 5)], "the sixth equal answer is no news any more"


def test_a_retry_after_an_error_that_passes_is_no_loop() -> None:
    timeout = call("npm ci", "npm ERR! network request to registry timed out", error=True)
    assert repetition(*[timeout] * 4, call("npm ci", "added 212 packages")) == []
    assert repetition(*[timeout] * 5) == [(0, 4)]


def test_saying_that_a_piece_of_work_is_done_is_no_action() -> None:
    steps = []
    for number in range(4):
        steps += [
            call({"text": f"chapter {number}"}, "saved", tool="write"),
            call({"status": "ok"}, "", tool="terminate"),
        ]
    assert repetition(*steps) == []


def test_steps_that_were_rewound_are_not_counted_with_those_that_stayed() -> None:
    gone = [call(TEST, FAILED) for _ in range(2)]
    for step in gone:
        step.branch = "abandoned"
    assert repetition(*gone, call(TEST, FAILED)) == []


def test_courtesies_are_no_work() -> None:
    assert repetition(*[say("Thank you. Please continue."), say("TERMINATE", "other")] * 10) == []


# -- runs without typed calls -------------------------------------------------------------------------------------


def test_a_long_report_given_twice() -> None:
    steps = [say(REPORT), say("I see, and what does the second reader do with it then?", "boss"), say(REPORT)]
    (found,) = look("repetition", *steps)
    assert (found.first.index, found.last.index) == (0, 2)
    assert "The same text twice" in found.rationale
    assert all(item.quote in REPORT for item in found.evidence)


def test_two_lines_of_a_log_that_follow_each_other_may_be_one() -> None:
    assert repetition(say(REPORT), say(REPORT)) == []


def test_a_report_that_was_revised_after_a_comment_is_no_repetition() -> None:
    revised = REPORT.replace("by hand", "with care")
    assert repetition(say(REPORT), say("Who looks at those rows, and with which tool?", "boss"), say(revised)) == []
    assert repetition(say(REPORT), say("Fine.", "boss"), say(revised)) == [(0, 2)]


def test_a_request_made_again_in_other_words() -> None:
    steps = [
        say("Please search Yahoo Finance for the year in which the Apple stock first went above $50.", "boss"),
        say("I clicked on a page about the history of the company.", "surfer"),
        say("Search on Yahoo Finance for the first year in which the Apple stock went above $50, please.", "boss"),
        say("I scrolled down and saw a table with many rows of prices.", "surfer"),
        say("Now please search in Yahoo Finance: in which year the Apple stock first went above $50?", "boss"),
    ]
    (found,) = look("repetition", *steps)
    assert (found.first.index, found.last.index) == (0, 4)
    assert "early the same text 3 times" in found.rationale


def test_requests_about_other_things_are_no_repetition() -> None:
    cities = ["Lisbon", "Porto", "Faro", "Braga", "Evora", "Aveiro"]
    ask = "Please look up the shipping rates for a parcel of two kilograms from Berlin to {}, and note the price."
    steps = [step for city in cities for step in (say(ask.format(city), "boss"), say(f"It is {len(city)} euros.", "b"))]
    assert repetition(*steps) == []


def test_the_same_request_while_the_world_moves_is_no_loop() -> None:
    steps = []
    for song in ("Red River", "Old Ways", "Night Train", "Sunday", "Blue"):
        steps += [say("The current song is not by her. Skip to the next song in the queue.", "boss")]
        steps += [world(f"Now playing: {song} by somebody else, 3 minutes")]
    assert repetition(*steps) == []


def test_the_same_code_with_other_thoughts_around_it() -> None:
    code = '```python\nresult = open_file(path="src/a.py", start=1, end=80)\n```'
    thoughts = ["I should look at the file first.", "Let me see how it begins.", "What does this module do?"]
    (found,) = look("repetition", *[say(f"Thought: {thought}\nAction:\n{code}") for thought in thoughts])
    assert "The same code 3 times" in found.rationale
    assert any("open_file" in item.quote for item in found.evidence)


def test_a_form_that_every_text_carries_is_no_likeness() -> None:
    form = "You are part of a company of agents. " * 20
    steps = [world(form)]
    for number, topic in enumerate(["the colour of the logo", "a plan for tests", "which licence to take", "costs"]):
        steps += [say(f"{form}\nToday we speak of {topic} and {number} other things that have come up.", "chief")]
        steps += [say(f"{form}\nI think that {topic} should be decided by whoever pays for it.", "officer")]
    assert repetition(*steps) == []


# -- hostile ------------------------------------------------------------------------------------------------------


def timed(*steps: Step, per_chunk_ms: float = 200) -> None:
    """Feed them in chunks of five. Generous: the machine of a test is shared."""
    watch = load("repetition").start(RunMeta())
    stored = numbered(run_of(*steps))
    worst = 0.0
    for start in range(0, len(stored), 5):
        begun = time.thread_time()
        list(watch.feed(stored[start : start + 5]))
        worst = max(worst, time.thread_time() - begun)
    assert worst * 1000 < per_chunk_ms


@pytest.mark.parametrize(
    "text", ["word " * 200_000, "x" * 1_000_000, "\n" * 1_000_000, "```" * 300_000, "a\n```\n" * 150_000]
)
def test_a_megabyte_is_looked_at_in_no_time(text: str) -> None:
    timed(*[say(text)] * 5, *[call({"command": text}, text)] * 5, *[world(text), user(text)] * 3)


def test_ten_thousand_equal_steps() -> None:
    steps = [call(TEST, FAILED)] * 10_000
    timed(*steps[:2000])
    assert len(look("repetition", *steps, batch=100)) == 12


def test_near_duplicates_made_to_be_compared_are_compared_in_bounded_time() -> None:
    chance = random.Random(5)
    words = [f"w{number}" for number in range(3000)]
    base = [chance.choice(words) for _ in range(1400)]
    steps = [world(" ".join(base[:700]))]
    for number in range(120):
        text = list(base)
        for _ in range(60):
            text[chance.randrange(len(text))] = f"n{number}{chance.random()}"
        steps.append(say(" ".join(text), actor=f"a{number % 3}"))
    timed(*steps)


def test_a_step_of_thousands_of_calls_and_binary_text() -> None:
    parts = [Part("tool_call", f"ls {n}", name="bash", call_id=str(n), arguments=f"ls {n}") for n in range(4000)]
    parts += [Part("tool_result", "x", call_id=str(n)) for n in range(4000)]
    binary = "".join(chr(number % 256) for number in range(5000)) + "\ud800\u202e\x00"
    timed(Step("agent", "agent", parts), say(binary), call(binary, binary), say(binary), per_chunk_ms=400)


def test_memory_does_not_grow_with_the_run() -> None:
    import tracemalloc

    watch = load("repetition").start(RunMeta())
    chance = random.Random(1)
    steps = [
        call(f"cat {chance.random()}", "x" * 500)
        if number % 2
        else say(" ".join(str(chance.random()) for _ in range(60)))
        for number in range(400)
    ]
    stored = numbered(run_of(*steps))
    list(watch.feed(stored))
    tracemalloc.start()
    sizes = []
    for shift in range(1, 4):
        for item in stored:
            item.index += 400
            item.step.parts[0].text += str(shift)
        list(watch.feed(stored))
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[0] + 500_000


# -- the sample runs ----------------------------------------------------------------------------------------------


def sample(name: str) -> list[tuple[int, int]]:
    (run,) = read_runs(samples() / name)
    return places(detect_in_memory(run, [load("repetition")], load_all()))


def test_on_the_sample_runs() -> None:
    assert sample("polling-loop.jsonl") == [(4, 6), (4, 9)]
    for quiet in ("good-run.traj.json", "checkout-outage.json", "replit-freeze.jsonl", "nightly-etl.txt"):
        assert sample(quiet) == []


@pytest.mark.real_data
def test_good_runs_of_tau_bench_are_left_alone(real_data: Path) -> None:
    runs = [
        run
        for run in read_runs(real_data / "taubench" / "gpt-4o-airline-part.json")
        if (run.header.reference or {}).get("reward") == 1.0
    ]
    assert len(runs) > 20
    assert [detect_in_memory(run, [load("repetition")], load_all()) for run in runs] == [[]] * len(runs)
