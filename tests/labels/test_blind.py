"""Queues and the veil: which chunks are decided before suggestions are seen, by whom, and until when."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import put, quick
from hypothesis import given
from hypothesis import strategies as st

from labels.blind import Veil
from labels.ledger import Ledger, chunk_target
from labels.model import Act, Op, SetNote, SetVerdict
from labels.queues import DEFAULT_BLIND_SHARE, Rule, create, queues, rule_for
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Chunks, Policy, chunk_ref, chunks_of
from sessions.errors import UsageError, UserError
from sessions.store import Store

POLICY = "every:2"
APPROVE = SetVerdict(verdict="approve")


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


@pytest.fixture
def run(store: Store, tmp_path: Path) -> RunInfo:
    return put(store, tmp_path / "run.jsonl", [f"step {number}" for number in range(10)])


@pytest.fixture
def other(store: Store, tmp_path: Path) -> RunInfo:
    return put(store, tmp_path / "other.jsonl", [f"another {number}" for number in range(10)])


def chunks(store: Store, run: RunInfo) -> Chunks:
    return chunks_of(store, run, Policy.parse(POLICY))


def veil(store: Store, run: RunInfo, reviewer: str = "ann") -> Veil:
    return Veil(store, run, chunks(store, run), rule_for(store, run, reviewer))


def veiled(store: Store, run: RunInfo, reviewer: str = "ann") -> list[bool]:
    found = veil(store, run, reviewer)
    return [found.veiled(number) for number in range(len(found.chunks))]


def decide(store: Store, run: RunInfo, chunk: int, *ops: Op, reviewer: str = "ann") -> Ledger:
    target = chunk_target(chunk_ref(store, run, chunks(store, run), chunk), POLICY)
    ledger = Ledger(store, reviewer)
    ledger.record(run, Act(target=target, ops=ops, blind_suggestions=True, blind_votes=True))
    return ledger


def suggested(first: int, last: int, *quoted: int) -> Any:
    return SimpleNamespace(first=first, last=last, evidence=tuple(SimpleNamespace(index=index) for index in quoted))


# -- the draw -----------------------------------------------------------------------------------------------------


def rule(share: float, *, queue: str = "q", reviewer: str = "ann", run: str = "r") -> Rule:
    return Rule(queue, "name", POLICY, share, reviewer, run)


@pytest.mark.parametrize("share", [0.05, DEFAULT_BLIND_SHARE, 0.5, 0.9])
def test_the_share_that_is_drawn_is_the_share_that_was_asked_for(share: float) -> None:
    """20,000 chunks: five standard deviations are 1.8 points at the widest."""
    drawn = sum(rule(share).draws(f"chunk {number}") for number in range(20_000)) / 20_000
    assert abs(drawn - share) < 5 * (share * (1 - share) / 20_000) ** 0.5


@quick(60)
@given(st.text(max_size=30))
def test_none_and_all_are_exactly_that(chunk: str) -> None:
    assert not rule(0.0).draws(chunk)
    assert rule(1.0).draws(chunk)


@quick(200)
@given(st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_hides_what_a_smaller_one_hides(chunk: str, one: float, two: float) -> None:
    small, large = sorted((one, two))
    assert rule(large).draws(chunk) or not rule(small).draws(chunk)


@pytest.mark.parametrize("field", ["queue", "reviewer", "run"])
def test_each_queue_reviewer_and_run_draws_its_own(field: str) -> None:
    """Independent draws of one half agree on about half of the chunks."""
    one = [rule(0.5).draws(f"c{number}") for number in range(4000)]
    two = [rule(0.5, **{field: "else"}).draws(f"c{number}") for number in range(4000)]
    assert one == [rule(0.5).draws(f"c{number}") for number in range(4000)], "the same draw every time"
    agree = sum(first == second for first, second in zip(one, two, strict=True)) / 4000
    assert abs(agree - 0.5) < 0.05


def test_the_draw_does_not_depend_on_what_was_found_or_decided(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=0.5)
    before = veiled(store, run, "bob")
    decide(store, run, 0, APPROVE, reviewer="ann")
    assert veiled(store, run, "bob") == before


# -- the veil -----------------------------------------------------------------------------------------------------


def test_a_run_in_no_queue_hides_nothing(store: Store, run: RunInfo) -> None:
    assert rule_for(store, run, "ann") == Rule("", "", None, 0.0, "ann", run.content_id or "")
    assert veiled(store, run) == [False] * 5
    assert not veil(store, run).hides(suggested(0, 9))


def test_a_verdict_lifts_the_veil_of_its_chunk_for_its_reviewer(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    assert veiled(store, run) == [True] * 5
    decide(store, run, 2, APPROVE)
    assert veiled(store, run) == [True, True, False, True, True]
    assert veiled(store, run, "bob") == [True] * 5


def test_undoing_the_verdict_does_not_make_anybody_forget(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    ledger = decide(store, run, 1, APPROVE)
    assert ledger.undo(run) is not None
    assert veiled(store, run)[1] is False
    decide(store, run, 3, APPROVE, SetNote(text="x"))
    decide(store, run, 3, SetVerdict(verdict=None))
    assert veiled(store, run) == [True, False, True, False, True]


def test_a_note_alone_lifts_nothing_not_even_one_that_looks_like_a_verdict(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    decide(store, run, 0, SetNote(text='{"op":"verdict","verdict":"approve"}'))
    assert veiled(store, run)[0] is True


def test_abstaining_is_a_verdict(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    decide(store, run, 0, SetVerdict(verdict="abstain"))
    assert veiled(store, run)[0] is False


@pytest.mark.parametrize(
    ("item", "hidden"),
    [
        (suggested(0, 1, 0, 1), False),
        (suggested(2, 3, 2), True),
        (suggested(0, 3, 0), True),
        (suggested(0, 1, 0, 9), True),
        (suggested(1, 1), False),
    ],
)
def test_a_suggestion_is_hidden_where_it_begins_ends_or_quotes_under_the_veil(
    store: Store, run: RunInfo, item: Any, hidden: bool
) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    decide(store, run, 0, APPROVE)
    assert veil(store, run).hides(item) is hidden


def test_about_the_share_of_a_runs_chunks_is_veiled(store: Store, tmp_path: Path) -> None:
    long = put(store, tmp_path / "long.jsonl", [f"step {number}" for number in range(1200)])
    create(store, "q", [long], policy=POLICY, blind_share=0.25)
    found = veiled(store, long)
    assert len(found) == 600
    assert 90 <= sum(found) <= 210
    assert veiled(store, long) == found, "the same on every screen"
    assert veiled(store, long, "bob") != found


def test_a_chunk_number_out_of_range_is_not_veiled(store: Store, run: RunInfo) -> None:
    create(store, "q", [run], policy=POLICY, blind_share=1)
    assert [veil(store, run).veiled(number) for number in (-1, 5, 10**9)] == [False] * 3


# -- queues -------------------------------------------------------------------------------------------------------


def test_a_queue_states_its_policy_and_share_for_everybody(store: Store, run: RunInfo, other: RunInfo) -> None:
    made = create(store, "night shift", [run, other], policy="every:3", blind_share=0.2)
    (found,) = queues(store)
    assert found == made
    assert (found.name, found.policy, found.blind_share, found.runs) == ("night shift", "every:3", 0.2, 2)
    for reviewer in ("ann", "bob"):
        told = rule_for(store, other, reviewer)
        assert (told.queue, told.name, told.policy, told.share) == (made.id, "night shift", "every:3", 0.2)


def test_the_share_is_the_default_where_none_is_named(store: Store, run: RunInfo) -> None:
    assert create(store, "q", [run]).blind_share == DEFAULT_BLIND_SHARE


def test_a_run_is_in_one_queue_at_most(store: Store, run: RunInfo, other: RunInfo) -> None:
    create(store, "first", [run])
    with pytest.raises(UserError, match="in the queue 'first' already"):
        create(store, "second", [other, run])
    assert [item.name for item in queues(store)] == ["first"], "nothing of the second was made"
    assert rule_for(store, other, "ann").queue == ""


def test_a_run_named_twice_is_in_it_once(store: Store, run: RunInfo, other: RunInfo) -> None:
    assert create(store, "q", [run, other, run]).runs == 2
    assert queues(store)[0].runs == 2


def test_a_run_that_was_joined_with_another_stays_in_its_queue(store: Store, run: RunInfo) -> None:
    made = create(store, "first", [run])
    with store.write() as tx:
        tx.execute("INSERT INTO run_alias VALUES (?, ?)", ["elsewhere", run.id])
        tx.execute("UPDATE queue_run SET run = ? WHERE run = ?", ["elsewhere", run.id])
    assert "elsewhere" in catalog.ids_of(store, run.id)
    assert rule_for(store, run, "ann").queue == made.id
    with pytest.raises(UserError, match="in the queue 'first' already"):
        create(store, "second", [run])


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("", {}, "queue's name"),
        ("  ", {}, "queue's name"),
        ("x" * 81, {}, "queue's name"),
        ("a\x1b[31mb", {}, "queue's name"),
        ("a\nb", {}, "queue's name"),
        ("q", {"blind_share": -0.1}, "from 0 to 1"),
        ("q", {"blind_share": 1.1}, "from 0 to 1"),
        ("q", {"blind_share": float("nan")}, "from 0 to 1"),
        ("q", {"policy": "every:0"}, "every needs a number"),
        ("q", {"policy": "sometimes"}, "policy"),
        ("q", {"runs": []}, "needs runs"),
    ],
)
def test_what_cannot_be_a_queue_is_refused(store: Store, run: RunInfo, name: str, more: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        create(store, name, more.pop("runs", [run]), **more)
    assert queues(store) == []


def test_two_queues_of_one_name_are_refused(store: Store, run: RunInfo, other: RunInfo) -> None:
    create(store, "q", [run])
    with pytest.raises(UserError, match="there is a queue 'q' already"):
        create(store, "q", [other])


def test_the_policy_is_kept_in_its_plain_form(store: Store, run: RunInfo) -> None:
    assert create(store, "q", [run], policy=" every:05 ").policy == str(Policy.parse("every:5"))
