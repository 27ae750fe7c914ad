"""Words and calls that do not fit together."""

import pytest
from hint_runs import bash, call, check_hostile, codex, do, edit, found, mini, numbers, patch, read, say, user

from sessions.run import Part, Step

MODE = "reasoning-action-mismatch"

# -- reported and never done


@pytest.mark.parametrize(
    "claim",
    [
        "I ran the tests and they are fine.",
        "I've executed the script.",
        "I tested it with all inputs.",
        "**Tester:** Re-ran the full suite against the patched code.",
    ],
)
def test_a_run_that_never_was(claim):
    (suggestion,) = found("said-not-done", user("Write it."), do("", edit("a.py")), say(claim))
    assert suggestion.mode == MODE
    assert numbers([suggestion]) == [(3, 3)]


@pytest.mark.parametrize("shell", [bash, codex, mini])
def test_a_run_that_was(shell):
    steps = [user("Write it."), do("", shell("python -m pytest", "2 passed")), say("I ran the tests.")]
    assert found("said-not-done", *steps) == []


@pytest.mark.parametrize(
    "said",
    [
        "I traced the code by hand; I ran the tests mentally.",
        "Please run the tests.",
        "Should I have run the tests?",
        "I will run the tests.",
        "If I ran the tests, they would pass.",
    ],
)
def test_what_is_no_such_claim(said):
    assert found("said-not-done", user("Write it."), do("", edit("a.py")), say(said)) == []


def test_code_that_ran_without_a_call():
    terminal = Step("Computer_terminal", "environment", [Part("tool_result", "exitcode: 0 (execution succeeded)")])
    assert (
        found(
            "said-not-done", user("Go."), say("```python\nx\n```", "Coder"), terminal, say("I ran the code.", "Coder")
        )
        == []
    )


def test_a_log_proves_nothing_by_silence():
    assert found("said-not-done", user("Go."), say("I ran the tests."), format="mast") == []


def test_a_tool_that_nobody_knows_may_have_run_it():
    assert found("said-not-done", user("Go."), do("", call("launch", {"what": "tests"})), say("I ran the tests.")) == []


def test_a_change_that_never_was():
    looked = do("", call("get_reservation", {"id": "X1"}, "{...}"))
    (suggestion,) = found("said-not-done", user("Cancel X1."), looked, say("I have cancelled your reservation."))
    assert "no call" in suggestion.rationale
    failed = do("", call("cancel_reservation", {"id": "X1"}, "Error: not allowed", True))
    assert found("said-not-done", user("Cancel X1."), failed, say("I have cancelled your reservation."))
    done = do("", call("cancel_reservation", {"id": "X1"}, "ok"))
    assert found("said-not-done", user("Cancel X1."), done, say("I have cancelled your reservation.")) == []
    assert (
        found("said-not-done", user("Cancel X1."), say("I have cancelled your reservation.")) == []
    )  # no tools at all
    for said in ("I've added a summary below.", "I have updated my plan.", "I have created an overview of it."):
        assert found("said-not-done", user("Explain X1."), looked, say(said)) == []
    (wrote,) = found("said-not-done", user("Go."), do("", read("a.py")), say("I've created report.csv for you."))
    assert "report.csv" in wrote.evidence[0].quote


# -- announced and not done


MISMATCHES = [
    ("I'll open `parser.py` now.", read("/srv/src/lexer.py")),
    ("Let me look at src/parser.py.", codex("sed -n 1,80p src/lexer.py")),
    ("Now let me edit config.toml.", edit("/srv/settings.toml")),
    ("I'm going to update README.md.", patch("Update", "CHANGELOG.md")),
    ("Let me read the notes in notes.txt first.", mini("cat todo.txt")),
    ("Running `pytest` now.", bash("ls -la")),
]


@pytest.mark.parametrize(("said", "done"), MISMATCHES, ids=[row[0][:25] for row in MISMATCHES])
def test_another_thing_than_announced(said, done):
    (suggestion,) = found("said-not-done", user("Go."), do(said, done), do("", bash("true")))
    assert suggestion.mode == MODE
    assert numbers([suggestion]) == [(2, 2)]
    assert len(suggestion.evidence) == 2
    (at_the_end,) = found("said-not-done", user("Go."), do(said, done))
    assert at_the_end.evidence == suggestion.evidence


@pytest.mark.parametrize(("said", "done"), MISMATCHES, ids=[row[0][:25] for row in MISMATCHES])
def test_the_next_step_makes_it_good(said, done):
    better = do("Oops.", bash("pytest parser.py config.toml README.md notes.txt"))
    assert found("said-not-done", user("Go."), do(said, done), better) == []


FITTING = [
    ("I'll open parser.py.", read("/srv/src/parser.py")),
    ("I'll check whether parser.py still parses.", bash("python -m pytest tests/test_lexer.py")),
    ("If lexer.py fails, I'd open parser.py.", read("lexer.py")),
    ("I'll look at parser.py and lexer.py.", read("lexer.py")),
    ("Let me find where parser.py is used.", bash("grep -rn parse src")),
    ("Let me read the module.", read("lexer.py")),
    ("Running `pytest`.", bash("cd /x && python -m pytest")),
    ("I'll run `make deploy` later.", bash("ls")),
]


@pytest.mark.parametrize(("said", "done"), FITTING, ids=[row[0][:25] for row in FITTING])
def test_words_that_fit(said, done):
    assert found("said-not-done", user("Go."), do(said, done), do("", bash("true"))) == []


PODS = """NAME                   READY   STATUS
cart-6f7c9-9c7fx       1/1     Running
currency-5c8fd-df8cx   1/1     Running
payment-66b9f-f9b6x    1/1     Running"""


@pytest.mark.parametrize("shell", [bash, mini])
def test_another_entry_of_the_same_list(shell):
    steps = [
        user("Why?"),
        do("", shell("kubectl get pods", PODS)),
        do("I'll read the currency service's log.", shell("kubectl logs deploy/payment")),
    ]
    (suggestion,) = found("said-not-done", *steps)
    assert "currency" in suggestion.rationale
    fits = do("I'll read the currency service's log.", shell("kubectl logs deploy/currency"))
    assert found("said-not-done", *steps[:2], fits) == []
    both = do("I'll check currency and payment.", shell("kubectl logs deploy/payment"))
    assert found("said-not-done", *steps[:2], both) == []


def test_the_very_thing_it_leaves_alone():
    said = "Replica 2 lags. I will restart it and leave the primary alone."
    (suggestion,) = found("said-not-done", user("Fix."), do(said, bash("systemctl restart postgresql@primary")))
    assert "primary" in suggestion.rationale
    assert found("said-not-done", user("Fix."), do(said, bash("systemctl restart postgresql@replica-2"))) == []
    assert found("said-not-done", user("Fix."), do(said, bash("systemctl status postgresql@primary"))) == []
    within = "I can do that without changing the parser much."
    assert found("said-not-done", user("Fix."), do(within, edit("src/parser.py"))) == []
    kept = "I won't touch models.py here."
    assert found("said-not-done", user("Fix."), do(kept, edit("src/models.py")))
    assert found("said-not-done", user("Fix."), do(kept, edit("src/views.py", "models.py", "x"))) == []


def test_demonstrations_are_not_judged():
    shown = do("I'll open parser.py.", read("lexer.py"))
    shown.stage = "demonstration"
    assert found("said-not-done", shown, user("Go.")) == []


def test_hostile_text():
    check_hostile("said-not-done")
