"""When the steps since the last gate make a chunk."""

import pytest

from sessions.chunks import Policy, cut
from sessions.errors import UsageError
from sessions.pacing import _row, is_due, policy_for_gates
from sessions.run import Part, Step


def says(text: str, role: str = "agent", actor: str | None = None, stage: str | None = None) -> Step:
    return Step(actor or role, role, [Part("text", text)], stage=stage)


def writes(command: str) -> Step:
    return Step("agent", "agent", [Part("tool_call", command, name="bash", arguments={"command": command})])


@pytest.mark.parametrize(
    ("policy", "steps", "due"),
    [
        ("every:3", [says("a")] * 2, False),
        ("every:3", [says("a")] * 3, True),
        ("every:3", [says("a")] * 7, True),
        ("effects", [writes("ls"), says("b")], False),
        ("effects", [says("a"), writes("rm x")], True),
        ("tokens:10", [says("x" * 39)], False),
        ("tokens:10", [says("x" * 40)], True),
        ("marker:^DONE", [says("not DONE")], False),
        ("marker:^DONE", [says("a"), says("so\nDONE now")], True),
        ("turn", [says("do it", "user"), says("yes")], False),
        ("turn", [says("do it", "user"), says("yes"), says("and this", "user")], True),
        ("handoff", [says("a", actor="planner"), says("b", actor="planner")], False),
        ("handoff", [says("a", actor="planner"), says("b", actor="doer")], True),
        ("declared", [says("a", stage="one"), says("b", stage="one")], False),
        ("declared", [says("a", stage="one"), says("b", stage="two")], True),
    ],
)
def test_a_policy_says_when_a_chunk_is_complete(policy, steps, due):
    assert is_due(policy_for_gates(policy), steps) is due
    assert not is_due(policy_for_gates(policy), [])


@pytest.mark.parametrize("policy", ["every:2", "effects", "tokens:5", "marker:x", "turn", "handoff"])
def test_where_it_is_due_the_recorded_run_is_cut_too(policy):
    """Opening gates as soon as it is due cuts a run as `sessions.chunks` cuts it afterwards."""
    parsed = Policy.parse(policy)
    run = [
        says("x", "user"),
        writes("rm a"),
        says("y", actor="b"),
        says("x" * 30),
        writes("ls"),
        says("go", "user"),
    ] * 4
    rows = [_row(place, step) for place, step in enumerate(run)]
    starts = cut(parsed, rows, lambda index: "\n".join(part.text for part in run[index].parts))
    closing = policy in ("every:2", "effects", "tokens:5", "marker:x")
    since, gates = 0, []
    for place in range(len(run)):
        if is_due(parsed, run[since : place + 1]):
            since = place + 1 if closing else place
            gates.append(since)
    assert [start for start in [0, *gates] if start < len(run)] == starts


def test_gates_cannot_be_opened_by_how_they_were_opened():
    with pytest.raises(UsageError):
        policy_for_gates("gates")
    with pytest.raises(UsageError):
        policy_for_gates("every:0")
