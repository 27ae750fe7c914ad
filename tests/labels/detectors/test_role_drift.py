"""Another agent's work or words."""

import pytest
from hint_runs import bash, call, check_hostile, do, edit, found, numbers, quotes, say, system, user

MODE = "disobey-role-specification"
TASK = "Planner breaks the task down, Coder implements it, Tester verifies it."

GHOSTS = [
    "### Coder's Implementation\n```python\ndef f(): ...\n```",
    "## Coder\n```python\ndef f(): ...\n```",
    "**Coder:**\n```python\ndef f(): ...\n```",
    "**Coder (Pass 1):** Here is the function.\n```python\ndef f(): ...\n```",
    "## Coder: Implementation\n\nCode below.\n\n```python\n# it must not fail\n```",
    "Plan first.\n\n**Tester:** All cases verified, 5 of 5 PASS.",
    "## Tester \u2014 Verification Report\n1. Empty list: passed\n2. Long list: passed",
    "**Tester (continuing):**\nI ran the rest: all pass.",
    "Coder: Here's the fix.\n```\nx\n```",
]


@pytest.mark.parametrize("text", GHOSTS, ids=[text[:25] for text in GHOSTS])
def test_an_agent_that_writes_anothers_part(text):
    (suggestion,) = found("role-drift", say(TASK, "Planner"), say(text, "Planner"), task=TASK)
    assert suggestion.mode == MODE
    assert numbers([suggestion]) == [(2, 2)]
    assert len(suggestion.evidence) == 2


@pytest.mark.parametrize("text", GHOSTS, ids=[text[:25] for text in GHOSTS])
def test_its_own_part(text):
    own = "Coder" if "Coder" in text else "Tester"
    assert found("role-drift", say(TASK, "Planner"), say(text, own), task=TASK) == []


HAND_OUTS = [
    "**Coder:** Please implement `f`.\n```python\ndef f(): ...\n```",
    "## Coder\nYou should write the function below:\n```python\ndef f(): ...\n```",
    "### Tester checklist\n- empty list\n- pass the long list",
    "**Tester's verification plan:**\n1. all pass?",
    "1. Coder: implement the function\n2. Tester: verify that it passes",
    "Tester, please verify this: all cases must pass.",
    "**Coder** delivered it, **Tester** confirmed it.",
    "## Planner \u2192 Coder (instructions)\n```python\ndef f(): ...\n```",
    "Coder \u2014 the spec is ready for you.\n```\nspec\n```",
]


@pytest.mark.parametrize("text", HAND_OUTS, ids=[text[:25] for text in HAND_OUTS])
def test_handing_out_work_is_a_planners_own(text):
    assert found("role-drift", say(TASK, "Planner"), say(text, "Planner"), task=TASK) == []


def test_a_name_that_turns_out_to_be_a_participants():
    ghost = say("**Coder:**\n```python\nx\n```", "Lead")
    (suggestion,) = found("role-drift", user("Go."), ghost, say("Here.", "Coder"))
    assert suggestion.first.index == 1
    assert found("role-drift", user("Go."), ghost, say("Here.", "Writer")) == []
    assert found("role-drift", user("Go."), say("**Example:**\n```python\nx\n```", "Lead"), say("Here.", "Coder")) == []


def test_a_single_agent_plays_no_roles():
    assert found("role-drift", user(TASK), say(GHOSTS[0])) == []


RULE = "You are the reviewer. You never edit files; send findings back to the coder."


@pytest.mark.parametrize("told", [system(RULE, "Reviewer"), system(RULE)], ids=["by actor", "by words"])
def test_a_call_that_the_role_forbids(told):
    steps = [told, user("Fix 412."), say("Patch is ready.", "Coder")]
    (suggestion,) = found("role-drift", *steps, do("I added it myself.", edit("http/parse.py"), actor="Reviewer"))
    assert "never edit files" in quotes(suggestion)
    assert "http/parse.py" in quotes(suggestion)
    assert found("role-drift", *steps, do("Mine.", edit("http/parse.py"), actor="Coder")) == []
    assert found("role-drift", *steps, do("Look.", bash("git diff"), actor="Reviewer")) == []


def test_a_tool_outside_the_roles_list():
    told = system("You are the researcher. Your only tools are `web_search` and `read_page`.")
    steps = [told, user("Find it."), say("Go on.", "Lead")]
    (suggestion,) = found("role-drift", *steps, do("", call("run_shell", "ls"), actor="Researcher"))
    assert "not among its tools" in suggestion.rationale
    assert found("role-drift", *steps, do("", call("web_search", "x"), actor="Researcher")) == []
    assert found("role-drift", *steps, do("", call("run_shell", "ls"), actor="Lead")) == []


def test_hostile_text():
    check_hostile("role-drift")
