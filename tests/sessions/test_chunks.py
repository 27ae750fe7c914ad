from itertools import pairwise
from pathlib import Path

import pytest
from helpers import put, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog
from sessions.catalog import StepIndex
from sessions.chunks import MARKER_CHARS, POLICY_HELP, Chunks, Policy, chunk_ref, chunks_of, cut
from sessions.errors import UsageError
from sessions.identity import chunk_id
from sessions.run import Flag, Part, Step
from sessions.store import Store

POLICIES = [
    "every:1",
    "every:5",
    "handoff",
    "turn",
    "tokens:1",
    "tokens:20",
    "effects",
    "marker:^DONE$",
    "declared",
    "gates",
]


@st.composite
def index_rows(draw: st.DrawFn) -> list[StepIndex]:
    row = st.tuples(
        st.sampled_from(["planner", "executor"]),
        st.sampled_from(["user", "agent"]),
        st.sampled_from([0, int(Flag.EFFECT), int(Flag.TOOL)]),
        st.integers(0, 120) | st.sampled_from([0, 4, 8, 20, 40]),
        st.sampled_from([None, "plan", "act"]),
    )
    return [
        StepIndex(index, f"id{index}", actor, role, flags, 0, chars, stage)
        for index, (actor, role, flags, chars, stage) in enumerate(draw(st.lists(row, max_size=40)))
    ]


def text_of(row: StepIndex) -> str:
    return "first line\nDONE\n" if row.chars % 3 == 0 else "DONE for now"


def cut_rows(policy: str, rows: list[StepIndex]) -> Chunks:
    return Chunks(cut(Policy.parse(policy), rows, lambda index: text_of(rows[index])), len(rows))


@pytest.mark.parametrize("policy", POLICIES)
@quick(80)
@given(rows=index_rows())
def test_chunks_hold_every_step_once_and_in_order(policy: str, rows: list[StepIndex]) -> None:
    chunks = cut_rows(policy, rows)
    held = []
    for number in range(len(chunks)):
        first, last = chunks.bounds(number)
        assert first <= last
        assert [chunks.of_step(index) for index in range(first, last + 1)] == [number] * (last - first + 1)
        held += range(first, last + 1)
    assert held == list(range(len(rows)))


@pytest.mark.parametrize("policy", POLICIES)
@quick(60)
@given(rows=index_rows(), data=st.data())
def test_a_growing_run_changes_only_its_last_chunk(policy: str, rows: list[StepIndex], data: st.DataObject) -> None:
    before = cut_rows(policy, rows[: data.draw(st.integers(0, len(rows)))])
    after = cut_rows(policy, rows)
    assert list(after.starts[: len(before)]) == list(before.starts)
    for number in range(len(before) - 1):
        assert after.bounds(number) == before.bounds(number)


@quick(60)
@given(rows=index_rows())
def test_each_policy_closes_where_it_says(rows: list[StepIndex]) -> None:
    pairs = list(pairwise(rows))
    first = [0] if rows else []

    def after(closes: list[bool]) -> list[int]:
        return first + [index for index, closed in enumerate(closes, 1) if closed]

    assert list(cut_rows("every:3", rows).starts) == list(range(0, len(rows), 3))
    assert list(cut_rows("handoff", rows).starts) == after([a.actor != b.actor for a, b in pairs])
    assert list(cut_rows("turn", rows).starts) == after([b.role == "user" for _, b in pairs])
    assert list(cut_rows("effects", rows).starts) == after([bool(a.flags & Flag.EFFECT) for a, _ in pairs])
    assert list(cut_rows("declared", rows).starts) == after([a.stage != b.stage for a, b in pairs])
    assert list(cut_rows("marker:^DONE$", rows).starts) == after([a.chars % 3 == 0 for a, _ in pairs])


@quick(60)
@given(rows=index_rows(), size=st.integers(1, 60) | st.sampled_from([1, 2, 5]))
def test_a_token_chunk_closes_as_soon_as_it_is_full(rows: list[StepIndex], size: int) -> None:
    chunks = cut_rows(f"tokens:{size}", rows)
    for number in range(len(chunks)):
        first, last = chunks.bounds(number)
        counts = [row.chars for row in rows[first : last + 1]]
        assert sum(counts[:-1]) < size * 4
        assert sum(counts) >= size * 4 or number == len(chunks) - 1


def test_a_run_without_steps_has_no_chunks() -> None:
    assert all(len(cut_rows(policy, [])) == 0 for policy in POLICIES)


@pytest.mark.parametrize("text", [*POLICIES, "marker:a:b|c\\d", "marker:é{2}", "every:1000000"])
def test_a_policy_is_the_same_after_being_written_and_read(text: str) -> None:
    assert str(Policy.parse(text)) == text
    assert Policy.parse(str(Policy.parse(text))) == Policy.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "every", "every:", "every:0", "every:-1", "every:1.5", "every:x", "every:1000001", "every:²",
        "every:" + "9" * 5000, "tokens", "tokens:0", "handoff:", "handoff:1", "turn:2", "effects:x", "declared:",
        "marker", "marker:", "marker:(", "marker:[", "marker:a{99999999999}", "marker:*", "nonsense", "every:5:5",
        ":5", "EVERY:5", "marker:" + "(" * 5000,
    ],
)  # fmt: skip
def test_a_bad_policy_is_a_usage_error_of_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Policy.parse(text)
    assert "\n" not in str(caught.value)


@quick(200)
@given(st.text(max_size=20) | st.text(max_size=20).map("marker:{}".format) | st.text(max_size=5).map("every:{}".format))
def test_any_text_is_a_policy_or_a_usage_error(text: str) -> None:
    try:
        policy = Policy.parse(text)
    except UsageError:
        return
    assert Policy.parse(str(policy)) == policy


def test_every_policy_has_its_line_of_help() -> None:
    assert {name.partition(":")[0] for name in POLICY_HELP} == {policy.partition(":")[0] for policy in POLICIES}


def test_chunks_of_a_stored_run(tmp_path: Path) -> None:
    steps = [
        Step("a" if n % 4 else "user", "agent" if n % 4 else "user", [Part("text", f"step {n}")]) for n in range(10)
    ]
    steps[6].parts.append(Part("tool_result", "END"))
    with Store.open(tmp_path / "r.db") as store:
        run = put(store, tmp_path / "r.jsonl", steps)
        assert list(chunks_of(store, run, Policy.parse("turn")).starts) == [0, 4, 8]
        assert list(chunks_of(store, run, Policy.parse("marker:^END$")).starts) == [0, 7]
        chunks = chunks_of(store, run, Policy.parse("every:4"))
        ids = [row.id for row in catalog.index_rows(store, run.no)]
        last = chunk_ref(store, run, chunks, 2)
    assert (last.number, last.first, last.last) == (3, 8, 9)
    assert (last.first_step, last.last_step, last.id) == (ids[8], ids[9], chunk_id(ids[8], ids[9]))


def test_a_marker_looks_at_the_beginning_of_a_huge_step_only() -> None:
    rows = [StepIndex(n, "", "a", "agent", 0, 0, 0, None) for n in range(2)]
    for length, starts in ((MARKER_CHARS - 3, [0, 1]), (MARKER_CHARS, [0])):
        assert cut(Policy.parse("marker:END"), rows, lambda _, length=length: "x" * length + "END") == starts
