"""Known before a compaction, unknown after it: in the shapes in which the readers give compactions."""

import pytest
from hint_runs import bash, check_hostile, codex, do, found, numbers, quotes, read, say, system, think, user

from sessions.run import Part, Step

MODE = "loss-of-conversation-history"
QUESTION = "Amounts are stored as integer cents. Should the export say 12950 or 129.50?"
ANSWER = user("Integer cents, always, never a decimal point.")

COMPACTIONS = [
    ([system("Conversation compacted"), system("Summary of previous conversation: export under way.")], "claude-code"),
    ([system("Another language model started to solve this problem and produced a summary: export.")], "codex"),
    ([system("Context compacted")], "codex"),
    ([system("Here is a summary of what is done: the export is under way.")], "codex"),
    ([system("Here is a summary of what is done: the export is under way.")], "it-bench"),
    ([system("Another language model started to solve this problem and produced a summary: export.")], "it-bench"),
    (
        [
            Step(
                "system",
                "system",
                [
                    Part("text", "Performed context summarization and handoff to continue task."),
                    Part("raw", '{"context_management":{"type":"compaction"}}', name="extra"),
                ],
            )
        ],
        "atif",
    ),
    ([user("This session is being continued from a previous conversation that ran out of context.")], "openai-chat"),
]


@pytest.mark.parametrize(
    ("compaction", "format"), COMPACTIONS, ids=[row[1] + str(n) for n, row in enumerate(COMPACTIONS)]
)
class TestAfterACompaction:
    def test_a_question_is_asked_again(self, compaction, format):
        again = say("Should the export say 12950 or 129.50?")
        (suggestion,) = found("lost-history", user("Export."), say(QUESTION), ANSWER, *compaction, again, format=format)
        assert suggestion.mode == MODE
        assert suggestion.first.index == 3 + len(compaction)
        assert "Integer cents, always" in quotes(suggestion)

    def test_an_answer_is_said_to_be_unknown(self, compaction, format):
        lost = think("Nothing in my notes says how amounts should look. People expect 129.50, the export has 12950.")
        (suggestion,) = found("lost-history", user("Export."), say(QUESTION), ANSWER, *compaction, lost, format=format)
        assert "Nothing in my notes" in quotes(suggestion)

    def test_things_are_read_again_at_once(self, compaction, format):
        steps = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
        again = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
        (suggestion,) = found("lost-history", user("Go."), *steps, *compaction, *again, format=format)
        assert numbers([suggestion]) == [(4 + len(compaction), 5 + len(compaction))]
        assert quotes(suggestion).count("a.py") == 2

    def test_a_prohibition_is_forgotten(self, compaction, format):
        steps = [user("Fix it. Do not touch the tests."), say("Right."), *compaction]
        (suggestion,) = found("lost-history", *steps, do("", codex("sed -i s/a/b/ tests/test_a.py")), format=format)
        assert "Do not touch the tests." in quotes(suggestion)
        assert "tests/test_a.py" in quotes(suggestion)


COMPACTION = [system("Conversation compacted")]


def test_without_a_compaction_nothing_is_lost():
    again = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
    assert found("lost-history", user("Go."), *again, say(QUESTION), ANSWER, *again, say(QUESTION)) == []


def test_one_look_again_is_no_loss():
    steps = [user("Go."), do("", bash("cat a.py", "A")), *COMPACTION, do("", bash("cat a.py", "A"))]
    assert found("lost-history", *steps) == []


def test_looks_at_what_has_changed_are_no_loss():
    before = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
    after = [do("", bash("cat a.py", "A2")), do("", read("b.py", "B2"))]
    assert found("lost-history", user("Go."), *before, *COMPACTION, *after) == []


def test_tests_that_run_again_are_no_loss():
    run = [do("", bash("pytest -q", "2 passed")), do("", bash("git status", "clean"))]
    assert found("lost-history", user("Go."), *run, *COMPACTION, *run) == []


def test_looks_much_later_are_no_loss():
    reads = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
    between = [do("", bash(f"python step{n}.py")) for n in range(4)]
    assert found("lost-history", user("Go."), *reads, *COMPACTION, *between, *reads) == []


def test_a_question_that_nobody_answered_may_be_asked_again():
    steps = [user("Export."), say(QUESTION), do("", bash("ls")), *COMPACTION, say(QUESTION)]
    assert found("lost-history", *steps) == []


def test_a_prohibition_that_the_summary_keeps_is_left_to_another_detector():
    summary = system("Conversation compacted. Summary: fix it; do not touch the tests.")
    steps = [user("Fix it. Do not touch the tests."), say("Right."), summary]
    assert found("lost-history", *steps, do("", codex("sed -i s/a/b/ tests/test_a.py"))) == []


def test_an_agent_that_speaks_of_a_summary_has_not_been_compacted():
    steps = [do("", bash("cat a.py", "A")), do("", read("b.py", "B"))]
    assert found("lost-history", user("Go."), *steps, say("Conversation summarized: all done."), *steps) == []


def test_a_long_run_is_remembered_in_bounded_room():
    from labels import detectors
    from labels.detecting import numbered
    from labels.detectors.base import RunMeta
    from sessions.run import Header, Run

    watch = detectors.load("lost-history").start(RunMeta())
    steps = numbered(Run(Header("x"), [do(f"Is {n} right or wrong?", bash(f"cat {n}.py", "x")) for n in range(3_000)]))
    for step in steps:
        list(watch.feed([step]))
        list(watch.feed([numbered(Run(Header("x"), [user("yes")]))[0]]))
    assert len(watch.reads) <= 2_000
    assert len(watch.asked) <= 201


def test_hostile_text():
    check_hostile("lost-history")
