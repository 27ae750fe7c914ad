"""The brief: word for word what must not be lost, and no more than fits."""

import pytest
from gate_tools import open_, passed, request, taken, vote

from sessions import brief
from sessions.live import opening
from sessions.run import Part, Step
from sessions.store import Store

TASK = "Make checkout work again.\nDo NOT touch the payments database; it is frozen until Monday."


def section(text: str, title: str) -> str:
    """The body of a section; "" if there is none."""
    for piece in text.split("## ")[1:]:
        head, _, body = piece.partition("\n")
        if head == title:
            return body.strip()
    return ""


def answered(store: Store, gate: str, text: str | None, verdict: str = "approve", **more: object) -> str:
    fields = {name: more.pop(name) for name in ("steps", "proposed", "stage", "rules") if name in more}
    opened = open_(store, gate, text, task=TASK, **fields)
    if verdict == "rollback":
        more.setdefault("to_gate", "")
    vote(store, opened, verdict, **more)
    answer = taken(store, opened)
    assert answer is not None
    return answer.brief


def test_task_and_rules_stand_word_for_word_every_time(store: Store) -> None:
    rules = ["Never delete a table.", "Ask before you restart anything."]
    for number, verdict in enumerate(["approve", "reject", "rollback", "approve"]):
        text = answered(store, f"g{number}", str(number), verdict, rules=rules)
        assert section(text, "TASK, word for word") == TASK
        assert section(text, "RULES, word for word") == "\n".join(rules)


def test_what_users_said_stands_word_for_word_unless_it_was_undone(store: Store) -> None:
    said = [
        Step("system", "system", [Part("text", "You are careful.")]),
        Step("user", "user", [Part("text", TASK)]),
        Step("bot", "agent", [Part("text", "I begin.")]),
    ]
    first = answered(store, "a", None, steps=said)
    assert section(first, "SAID DURING THE RUN, word for word") == "[step 1] You are careful."
    more = [Step("user", "user", [Part("text", "Hurry up!")])]
    second = answered(store, "b", None, steps=more)
    assert "[step 4] Hurry up!" in second
    third = answered(store, "c", "x", "rollback", to_gate=store.query("SELECT id FROM gate WHERE gate_key = 'a'")[0][0])
    assert section(third, "SAID DURING THE RUN, word for word") == "[step 1] You are careful."
    assert "Hurry up!" not in answered(store, "d", "y")


def test_what_is_settled_and_what_is_open(store: Store) -> None:
    answered(store, "a", "1", stage="triage", message="Good find.")
    rejected = answered(store, "b", "2", "reject", message="Not on a Friday.", proposed=[{"name": "deploy"}])
    assert "Do not make the calls that you proposed" in section(rejected, "DECISION")
    assert section(rejected, "THE REVIEWER'S WORDS") == "Not on a Friday."
    assert section(rejected, "OPEN") == "- b: find another way to what you proposed, or ask"
    open_(store, "waits", "3", task=TASK)
    text = answered(store, "c", "4", "reject", message="Still no.")
    assert section(text, "SETTLED") == "- a (step 1, stage triage), approved by ann: Good find."
    assert "- b was rejected by ann: Not on a Friday." in section(text, "OPEN")
    assert "- waits waits for a decision" in section(text, "OPEN")
    text = answered(store, "d", "5")
    assert "Not on a Friday" not in section(text, "OPEN")
    assert section(text, "SETTLED").splitlines()[-1] == "- d (step 5), approved by ann"


def test_a_rollback_says_what_was_undone_and_later_briefs_what_was_given_up(store: Store) -> None:
    first = passed(store, "a", "1", task=TASK)
    answered(store, "b", "2")
    text = answered(
        store, "c", "3", "rollback", to_gate=first.id, message="You guessed.", findings=["2.6 guess, step 3"]
    )
    undone = section(text, "UNDONE")
    assert undone.startswith("Steps 2 to 3 are undone. The run stands where it stood at gate 'a', after step 1.")
    assert brief.NOT_RESTORED in undone
    assert "are not undone" in undone
    assert section(text, "SETTLED") == "- a (step 1), approved by ann"
    assert section(text, "WHAT THE REVIEWER FOUND IN THIS CHUNK") == "- 2.6 guess, step 3"
    later = answered(store, "d", "4")
    assert section(later, "GIVEN UP BEFORE: do not try it again") == (
        "- c (step 3), rolled back by ann: You guessed.; 2.6 guess, step 3"
    )
    assert "- b " not in section(later, "SETTLED")
    assert section(later, "UNDONE") == ""


def test_an_edit_is_pointed_out(store: Store) -> None:
    gate = open_(store, proposed=[{"name": "rm"}])
    vote(store, gate, edited=[{"name": "ls"}])
    answer = taken(store, gate)
    assert answer is not None
    assert "make them as they stand in `edited`" in answer.brief


def test_long_texts_are_cut_and_say_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = opening.open_gate(store, request(task="x" * 30_000), checks={})
    vote(store, gate, message="y" * 50_000)
    answer = taken(store, gate)
    assert answer is not None
    assert len(answer.brief) < 40_000
    assert "[10,000 more characters are left out here]" in answer.brief
    monkeypatch.setattr(brief, "MOST_SETTLED", 3)
    for number in range(5):
        text = answered(store, f"h{number}", str(number))
    assert section(text, "SETTLED").splitlines()[0] == "- 2 earlier gates, approved"
