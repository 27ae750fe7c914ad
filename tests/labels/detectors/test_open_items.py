"""Ends with work open."""

import pytest
from hint_runs import bash, call, check_hostile, codex, do, edit, found, mini, numbers, quotes, say, user

from sessions.run import Part, Step

MODE = "premature-termination"


def claude_code(state):
    items = [{"content": "write it", "status": "completed"}, {"content": "migrate the users", "status": state}]
    return call("TodoWrite", {"todos": items})


def codex_plan(state):
    items = [{"step": "write it", "status": "completed"}, {"step": "migrate the users", "status": state}]
    return call("update_plan", {"plan": items})


def openhands(state):
    items = [{"title": "write it", "status": "done"}, {"title": "migrate the users", "status": state}]
    return call("task_tracker", {"command": "plan", "task_list": items})


LISTS = [claude_code, codex_plan, openhands]


@pytest.mark.parametrize("todo", LISTS)
class TestLists:
    def test_an_item_that_was_never_begun(self, todo):
        steps = [user("Do it all."), do("", todo("pending")), do("", edit("a.py")), say("All done. It is in a.py.")]
        (suggestion,) = found("open-items", *steps)
        assert suggestion.mode == MODE
        assert numbers([suggestion]) == [(2, 4)]
        assert "migrate the users" in quotes(suggestion)

    def test_a_list_that_is_done_or_under_way(self, todo):
        for state in ("completed", "in_progress", "cancelled"):
            assert found("open-items", user("Go."), do("", todo(state)), say("All done.")) == []

    def test_the_last_state_counts(self, todo):
        steps = [user("Go."), do("", todo("pending")), do("", todo("completed")), say("All done.")]
        assert found("open-items", *steps) == []

    @pytest.mark.parametrize(
        "said",
        [
            "The users are not migrated yet.",
            "Done. Remaining: the users.",
            "I could not migrate the users.",
            "Shall I migrate the users now?",
        ],
    )
    def test_it_owns_up(self, todo, said):
        assert found("open-items", user("Go."), do("", todo("pending")), say(said)) == []

    def test_a_user_who_goes_on_settles_it(self, todo):
        steps = [user("Go."), do("", todo("pending")), say("All done."), user("Thanks. What is 6 x 7?"), say("42.")]
        assert found("open-items", *steps) == []

    def test_a_run_that_breaks_off(self, todo):
        assert found("open-items", user("Go."), do("", todo("pending")), do("On it.", bash("ls"))) == []


@pytest.mark.parametrize("shell", [bash, codex, mini])
def test_a_failing_last_test(shell):
    fails = do("", shell("python -m pytest", "FAILED test_a\n1 failed, 2 passed in 0.1s", True))
    (suggestion,) = found("open-items", user("Fix."), fails, say("I changed the comparison. Done."))
    assert "1 failed" in quotes(suggestion)
    passes = do("", shell("python -m pytest", "3 passed in 0.1s"))
    assert found("open-items", user("Fix."), fails, passes, say("I changed the comparison. Done.")) == []
    assert found("open-items", user("Fix."), fails, say("One test still fails.")) == []
    # A claim against the test is the matter of another detector.
    assert found("open-items", user("Fix."), fails, say("All tests pass.")) == []


TASK = """Please do three things:
1. Create `report.csv` with the totals.
2. Update docs/guide.md.
3. Be nice.
"""


def test_parts_of_the_task_that_nobody_touched():
    wrote = do("", bash("python make.py > report.csv"))
    (suggestion,) = found("open-items", user(TASK), wrote, say("Here you go."))
    assert "Update docs/guide.md." in quotes(suggestion)
    assert "report.csv" not in quotes(suggestion)
    assert found("open-items", user(TASK), wrote, do("", edit("docs/guide.md")), say("Here you go.")) == []
    assert found("open-items", user(TASK), wrote, say("Here you go. guide.md needs nothing.")) == []


def test_a_list_that_asks_for_nothing():
    told = "Traceback:\n- File a.py, line 1\n- parser.py raised\n1. see notes.txt\nPlease explain."
    assert found("open-items", user(told), do("", bash("ls")), say("It is a typing error.")) == []


def test_a_sub_agents_list_is_its_own():
    step = Step("helper", "agent", LISTS[0]("pending"), depth=1)
    assert found("open-items", user("Go."), step, say("All done.")) == []
    assert found(
        "open-items", user("Go."), Step("agent", "agent", [Part("text", "x"), *LISTS[0]("pending")]), say("All done.")
    )


def test_hostile_text():
    check_hostile("open-items")
