import json
from dataclasses import replace

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from sessions.identity import Identity, chunk_id, content_id
from sessions.run import Part, Span, Step


def step(*parts: Part, actor: str = "agent") -> Step:
    return Step(actor, "agent", list(parts))


def call(name: str, arguments: object) -> Part:
    return Part("tool_call", "shown", name=name, arguments=arguments)


def ids(*steps: Step) -> list[str]:
    identity = Identity()
    return [identity.step_id(one) for one in steps]


def test_equal_steps_of_a_loop_stay_apart() -> None:
    loop = [step(Part("text", "try again")) for _ in range(50)]
    assert len(set(ids(*loop))) == 50
    assert ids(*loop) == ids(*loop)
    assert all(len(one) == 24 for one in ids(*loop))


def test_a_step_keeps_its_id_whatever_other_steps_come_before() -> None:
    wanted = step(Part("text", "wanted"))
    assert ids(wanted)[0] == ids(step(Part("text", "other")), wanted)[1]


@pytest.mark.parametrize(
    "change",
    [
        {"native_id": "x"},
        {"at": "2026-01-01T00:00:00Z"},
        {"model": "m"},
        {"depth": 3},
        {"role": "user"},
        {"branch": "b"},
        {"stage": "s"},
        {"tokens_in": 5, "tokens_out": 6, "cost": 0.1},
        {"parent_call": "c"},
        {"raw": [Span(1, 2), b"{}"]},
    ],
)
def test_where_a_step_came_from_does_not_change_its_id(change: dict) -> None:
    before = step(Part("text", "a"), call("bash", {"command": "ls"}))
    assert ids(replace(before, **change)) == ids(before)


def test_call_ids_errors_raw_parts_and_argument_order_do_not_change_an_id() -> None:
    before = step(Part("text", "a"), call("f", {"a": 1, "b": {"c": 2, "d": 3}}), Part("tool_result", "r"))
    after = step(
        Part("raw", "unknown record", name="event"),
        Part("text", "a"),
        Part("tool_call", "told otherwise", name="f", call_id="id-1", arguments={"b": {"d": 3, "c": 2}, "a": 1}),
        Part("tool_result", "r", name="f", call_id="id-1", is_error=True, error_inferred=True),
    )
    assert ids(before) == ids(after)


def test_actor_kind_text_tool_and_arguments_each_change_an_id() -> None:
    different = [
        step(Part("text", "a")),
        step(Part("text", "a"), actor="planner"),
        step(Part("reasoning", "a")),
        step(Part("text", "b")),
        step(Part("tool_result", "a")),
        step(call("f", {})),
        step(call("g", {})),
        step(call("f", {"a": 1})),
        step(call("f", {"a": "1"})),
        step(call("f", {"a": True})),
        step(call("f", "a")),
        step(call("f", ["a"])),
        step(),
        step(Part("text", "")),
        step(Part("text", ""), Part("text", "")),
    ]
    assert len({ids(one)[0] for one in different}) == len(different)


def test_no_arguments_and_empty_arguments_are_one() -> None:
    assert ids(step(call("f", None))) == ids(step(call("f", {})))


def test_the_content_id_depends_on_the_order_of_steps() -> None:
    a, b = step(Part("text", "a")), step(Part("text", "b"))
    assert content_id([a, b]) != content_id([b, a])
    assert len(content_id([])) == 64


# Few short texts that look like the separators of the canonical form: equal runs turn up, and so would collisions.
WORDS = ["", "a", "b", "ab", "1:a", "text 1:a", "tool_call 0:2:{}", "é", "\ud800", "\0"]
PIECES = st.sampled_from(WORDS)


@st.composite
def small_runs(draw: st.DrawFn) -> list[list[Step]]:
    """Runs made of two or three texts only, so that many are nearly the same."""
    words = draw(st.lists(PIECES, min_size=2, max_size=3, unique=True))
    run = st.lists(small_steps(st.sampled_from(words)), max_size=2)
    return draw(st.lists(run, min_size=2, max_size=12))


@st.composite
def small_steps(draw: st.DrawFn, words: st.SearchStrategy[str]) -> Step:
    parts = []
    for kind in draw(st.lists(st.sampled_from(["text", "reasoning", "tool_call", "tool_result"]), max_size=2)):
        part = Part(kind, draw(words))
        if kind == "tool_call":
            part.name = draw(words)
            part.arguments = draw(st.dictionaries(st.just("k"), words.filter(str.isascii), max_size=1))
        parts.append(part)
    return Step(draw(words), "agent", parts)


def canonical_form(run: list[Step]) -> str:
    """The definition in words of `sessions.identity`, as plain data."""
    return json.dumps(
        [
            [one.actor]
            + [
                [part.kind, part.name, json.dumps(part.arguments, sort_keys=True)]
                if part.kind == "tool_call"
                else [part.kind, part.text]
                for part in one.parts
            ]
            for one in run
        ]
    )


@quick(400)
@given(small_runs())
def test_content_ids_are_equal_exactly_where_the_contents_are(runs: list[list[Step]]) -> None:
    forms = {canonical_form(run) for run in runs}
    assert len({content_id(run) for run in runs}) == len(forms)
    assert len({(canonical_form(run), content_id(run)) for run in runs}) == len(forms)


@pytest.mark.parametrize("between", ["", " ", "\n", "\0", "text ", "text 1:", "text\n", "1:"])
def test_two_parts_are_not_one_part_with_something_between(between: str) -> None:
    assert ids(step(Part("text", "a"), Part("text", "b"))) != ids(step(Part("text", f"a{between}b")))


@quick(200)
@given(PIECES, PIECES, PIECES, PIECES)
def test_text_cannot_move_between_parts_unnoticed(a: str, b: str, c: str, d: str) -> None:
    two = step(Part("text", a), Part("text", b))
    other = step(Part("text", c), Part("text", d))
    assert (ids(two) == ids(other)) == ((a, b) == (c, d))


def test_chunk_ids_depend_on_both_ends() -> None:
    assert chunk_id("a", "b") == chunk_id("a", "b")
    assert len({chunk_id("a", "b"), chunk_id("b", "a"), chunk_id("a", "a"), chunk_id("a", "bb")}) == 4
    assert len(chunk_id("a", "b")) == 24
