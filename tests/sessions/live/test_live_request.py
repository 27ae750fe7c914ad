"""What an agent may ask, and what its hash covers."""

import json
from pathlib import Path
from typing import Any

import pytest
from gate_tools import request
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions.errors import UsageError
from sessions.live.request import parse, part_json
from sessions.run import Part, Step, arguments_text

GOOD: dict[str, Any] = {"run": "r", "gate": "g", "agent": "a", "task": "t"}


def test_the_fields_of_the_design_are_understood() -> None:
    asked = parse(
        {
            **GOOD,
            "workspace": "/w",
            "proposed": [{"name": "bash", "arguments": {"command": "ls"}}],
            "steps": [
                {"actor": "user", "parts": [{"kind": "text", "text": "go"}], "at": "2026-01-01T00:00:00Z"},
                {
                    "actor": "planner",
                    "parts": [
                        {"kind": "reasoning", "text": "hm"},
                        {"kind": "tool_call", "name": "bash", "arguments": {"command": "ls"}, "call_id": "1"},
                        {"kind": "tool_result", "text": "x", "call_id": "1", "is_error": True},
                    ],
                },
            ],
            "stage": "triage",
            "final": True,
            "timeout_s": 1.5,
        }
    )
    user, planner = asked.steps
    assert (user.role, planner.role) == ("user", "agent")
    assert planner.parts[1].text == arguments_text({"command": "ls"})
    assert planner.parts[2].is_error is True
    assert (asked.stage, asked.final, asked.timeout_s, asked.workspace) == ("triage", True, 1.5, "/w")
    assert asked.proposed[0].kind == "tool_call"


@pytest.mark.parametrize(
    "bad",
    [
        None, [], "text", 7, {}, {**GOOD, "gate": None}, {**GOOD, "gate": ""}, {**GOOD, "gate": "a\nb"},
        {**GOOD, "run": " "}, {**GOOD, "run": "x" * 201}, {**GOOD, "task": 1}, {**GOOD, "finall": True},
        {**GOOD, "final": "yes"},
        {**GOOD, "final": 1}, {**GOOD, "timeout_s": -1}, {**GOOD, "timeout_s": float("nan")},
        {**GOOD, "timeout_s": True},
        {**GOOD, "timeout_s": "5"}, {**GOOD, "steps": {}}, {**GOOD, "steps": ["x"]}, {**GOOD, "steps": [{"parts": []}]},
        {**GOOD, "steps": [{"actor": "a", "parts": [{"kind": "nonsense"}]}]},
        {**GOOD, "steps": [{"actor": "a", "role": "boss", "parts": []}]},
        {**GOOD, "steps": [{"actor": "a", "parts": [{"kind": "text", "text": "x", "arguments": {}}]}]},
        {**GOOD, "steps": [{"actor": "a", "parts": [{"kind": "text", "text": 5}]}]},
        {**GOOD, "proposed": [{"kind": "text", "text": "x"}]}, {**GOOD, "proposed": "ls"}, {**GOOD, "can": ["fly"]},
        {**GOOD, "segment": -1}, {**GOOD, "segment": 1.0}, {**GOOD, "pid": 0}, {**GOOD, "rules": [1]},
        {**GOOD, "steps": [{"actor": "a", "parts": []}] * 10_001},
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_in_one_line(bad: Any) -> None:
    with pytest.raises(UsageError) as caught:
        parse(bad)
    assert "\n" not in str(caught.value)


def test_arguments_without_end_are_refused() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(UsageError, match="nested too deeply"):
        parse({**GOOD, "proposed": [{"name": "t", "arguments": deep}]})


@quick(150)
@given(
    st.dictionaries(st.sampled_from([*GOOD, "steps", "proposed", "final", "timeout_s", "rules", "can"]), JSON_VALUES)
)
def test_any_json_is_a_request_or_a_usage_error(value: dict[str, Any]) -> None:
    try:
        asked = parse({**GOOD, **value})
    except UsageError:
        return
    assert len(asked.sha256) == 64


def test_the_hash_covers_what_is_shown_and_nothing_else() -> None:
    base = request().sha256
    assert request(timeout_s=5, can=["hold"], segment=0, pid=1).sha256 == base
    step = {
        "actor": "planner",
        "role": "agent",
        "parts": [{"kind": "text", "text": "one"}],
        "at": "2026-01-01T00:00:00Z",
    }
    assert request(steps=[step]).sha256 == base
    for changed in (
        request("g2"), request(text="two"), request(task="Break it."), request(workspace="/w"), request(stage="s"),
        request(final=True), request(rules=["no"]), request(proposed=[{"name": "ls"}]), request(agent="other"),
        request(run="r2"), request(steps=[{**step, "actor": "x"}]),
    ):  # fmt: skip
        assert changed.sha256 != base


def test_steps_may_be_objects_and_halves_of_letters_are_mended() -> None:
    made = Step("planner", "agent", [Part("text", "half \ud83d")])
    first = parse({**GOOD, "steps": [made]})
    assert made.parts[0].text == "half �"
    assert parse({**GOOD, "steps": [made]}).sha256 == first.sha256
    assert parse(
        {**GOOD, "steps": [{"actor": "planner", "parts": [{"kind": "text", "text": "half \ud83d"}]}]}
    ).sha256 == (first.sha256)


def test_a_part_is_given_back_as_it_came() -> None:
    call = {"kind": "tool_call", "name": "bash", "arguments": {"command": "ls"}, "call_id": "7"}
    (part,) = parse({**GOOD, "proposed": [call]}).proposed
    assert part_json(part) == call


def test_the_example_of_the_page_is_a_request() -> None:
    page = (Path(__file__).parents[3] / "docs" / "live.md").read_text("utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    asked = parse(json.loads(example))
    assert (asked.run, asked.gate, len(asked.steps), asked.proposed[0].name) == ("nightly-7", "chunk-3", 1, "bash")
