"""Which reviews the estimate of a system rests on, and whose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labels import queues
from labels.codebook import load_all
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import Act, Evidence, Label, Op, SetLabel, SetNone, SetVerdict, StepRef
from labels.planning.estimate import Tally, estimate
from labels.planning.reviews import SystemReviews
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store
from tests.helpers import put

MAST = load_all().get("mast")
APPROVE = SetVerdict(verdict="approve")


class Desk:
    """Runs of ten steps of one system, decided on in chunks of five."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.made = store, folder, 0

    def run(self, system: str | None = "alpha") -> RunInfo:
        self.made += 1
        texts = [f"run {self.made} step {number}" for number in range(10)]
        run = put(self.store, self.folder / f"{self.made}.jsonl", texts)
        with self.store.write() as tx:
            tx.execute("UPDATE run SET system = ? WHERE id = ?", [system, run.id])
        found = catalog.run_by_id(self.store, run.id)
        assert found is not None
        return found

    def ref(self, run: RunInfo, index: int) -> StepRef:
        return StepRef(id=catalog.step_id(self.store, run.no, index) or "", index=index)

    def label(self, run: RunInfo, first: int, last: int, **more: Any) -> SetLabel:
        ends = self.ref(run, first), self.ref(run, last)
        return SetLabel(
            label=Label(id="x", mode="step-repetition", codebook=MAST.ref, first=ends[0], last=ends[1], **more)
        )

    def decide(self, run: RunInfo, chunk: int | None, *ops: Op, who: str = "ann", size: int = 5, **more: Any) -> None:
        policy = f"every:{size}"
        if chunk is None:
            target = run_target(self.store, run)
        else:
            cut = chunks_of(self.store, run, Policy.parse(policy))
            target = chunk_target(chunk_ref(self.store, run, cut, chunk), policy)
        act = Act(target=target, ops=ops, blind_suggestions=True, blind_votes=True, **more)
        Ledger(self.store, who).record(run, act)

    def tally(self, run: RunInfo, who: str = "ann") -> tuple[int, int]:
        """(chunks, failed) of the estimate."""
        found = SystemReviews(self.store, run, who).read()
        return found.chunks, found.failed


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


def test_nothing_reviewed_is_the_prior(desk: Desk) -> None:
    assert SystemReviews(desk.store, desk.run(), "ann").read() == estimate(Tally())


def test_only_runs_of_the_same_system_count(desk: Desk) -> None:
    mine, same, other = desk.run(), desk.run(), desk.run("beta")
    for run in (mine, same, other):
        desk.decide(run, 0, APPROVE)
    found = SystemReviews(desk.store, mine, "ann").read()
    assert (found.chunks, found.runs) == (2, 2)
    assert found == estimate(Tally(right=10, chunks=2, runs=2))


def test_runs_without_a_system_go_with_each_other(desk: Desk) -> None:
    first, second = desk.run(None), desk.run(None)
    desk.decide(first, 0, APPROVE)
    desk.decide(desk.run(), 0, APPROVE)
    assert desk.tally(second) == (1, 0)


def test_verdicts_and_labels_that_mean_failure(desk: Desk) -> None:
    ends: list[tuple[Op, ...]] = [
        (SetVerdict(verdict="stop"),), (SetVerdict(verdict="reject"),),
    ]  # fmt: skip
    for ops in ends:
        desk.decide(desk.run(), 0, *ops)
    run = desk.run()
    desk.decide(run, 1, SetVerdict(verdict="rollback", to=desk.ref(run, 6)))
    desk.decide(run := desk.run(), 0, APPROVE, desk.label(run, 2, 3))
    assert desk.tally(run) == (4, 4)
    found = SystemReviews(desk.store, run, "ann").read()
    # Two chunks of five failed somewhere; one fails at its second step (a rollback to it), one at its third (a label).
    expected = Tally(right=1 + 2, wrong=2, chunks=4, failed=4, runs=4)
    expected.somewhere[5] = 2
    assert found == estimate(expected)


def test_a_label_on_the_whole_chunk_says_where_only_with_a_quotation(desk: Desk) -> None:
    run = desk.run()
    desk.decide(run, 0, desk.label(run, 0, 4))
    vague = Tally(chunks=1, failed=1, runs=1)
    vague.somewhere[5] = 1
    assert SystemReviews(desk.store, run, "ann").read() == estimate(vague)
    quote = Evidence(step=desk.ref(run, 0), part=0, start=0, end=3, quote="run")
    desk.decide(run, 0, desk.label(run, 0, 4, evidence=(quote,)))
    assert SystemReviews(desk.store, run, "ann").read() == estimate(Tally(wrong=1, chunks=1, failed=1, runs=1))


def test_what_says_neither_right_nor_wrong_does_not_count(desk: Desk) -> None:
    run = desk.run()
    desk.decide(run, 0, SetVerdict(verdict="abstain"))
    desk.decide(run, 1, desk.label(run, 6, 6, sure=False))
    assert desk.tally(run) == (0, 0)
    desk.decide(desk.run(), 0, SetNone(codebook=MAST.ref))
    assert desk.tally(run) == (1, 0)


def test_decisions_of_policies_and_of_corpora_are_no_reviews(desk: Desk) -> None:
    run = desk.run()
    desk.decide(run, 0, APPROVE, who="corpus", how="import")
    desk.decide(run, 0, APPROVE, who="policy:fast", how="policy")
    assert desk.tally(run, "corpus") == desk.tally(run, "policy:fast") == (0, 0)
    assert desk.tally(desk.run()) == (0, 0)


def test_the_way_the_run_was_cut_most_often_is_the_one_that_counts(desk: Desk) -> None:
    run = desk.run()
    for chunk in range(5):
        desk.decide(run, chunk, APPROVE, size=2)
    desk.decide(run, 0, SetVerdict(verdict="stop"), size=10)
    desk.decide(run, None, SetVerdict(verdict="stop"))
    assert desk.tally(run) == (5, 0)


def test_a_decision_on_the_whole_run_counts_where_there_is_no_other(desk: Desk) -> None:
    run = desk.run()
    desk.decide(run, None, SetVerdict(verdict="rollback", to=desk.ref(run, 6)))
    found = SystemReviews(desk.store, run, "ann").read()
    assert found == estimate(Tally(right=6, wrong=1, chunks=1, failed=1, runs=1))


# -- whose -----------------------------------------------------------------------------------------------------------


def test_others_decisions_on_other_runs_count_where_nothing_is_hidden(desk: Desk) -> None:
    run, other = desk.run(), desk.run()
    desk.decide(other, 0, APPROVE, who="bob")
    desk.decide(other, 1, APPROVE, who="bob")
    desk.decide(other, 0, SetVerdict(verdict="stop"), who="cid")
    found = SystemReviews(desk.store, run, "ann").read()
    assert (found.chunks, found.failed, found.own) == (2, 0, False)  # of several people's, the one's who decided most
    desk.decide(other, 0, SetVerdict(verdict="stop"), who="ann")
    assert desk.tally(run) == (1, 1)  # or one's own


def test_others_decisions_on_this_run_never_count(desk: Desk) -> None:
    run = desk.run()
    desk.decide(run, 0, SetVerdict(verdict="stop"), who="bob")
    assert desk.tally(run) == (0, 0)


def test_in_a_queue_only_ones_own_count(desk: Desk) -> None:
    run, other, free = desk.run(), desk.run(), desk.run()
    queues.create(desk.store, "q", [run, other], policy="every:5")
    desk.decide(other, 0, SetVerdict(verdict="stop"), who="bob")
    desk.decide(free, 0, SetVerdict(verdict="stop"), who="bob")
    found = SystemReviews(desk.store, run, "ann").read()
    assert (found.chunks, found.own) == (0, True)
    desk.decide(other, 0, APPROVE, who="ann")
    assert desk.tally(run) == (1, 0)


def test_a_run_in_no_queue_tells_nothing_of_those_that_are(desk: Desk) -> None:
    run, queued = desk.run(), desk.run()
    queues.create(desk.store, "q", [queued], policy="every:5")
    desk.decide(queued, 0, SetVerdict(verdict="stop"), who="bob")
    assert desk.tally(run) == (0, 0)


def test_after_a_decision_only_the_run_at_hand_is_read_again(desk: Desk) -> None:
    run, other = desk.run(), desk.run()
    desk.decide(other, 0, APPROVE)
    reviews = SystemReviews(desk.store, run, "ann")
    assert reviews.read().chunks == 1
    desk.decide(run, 0, APPROVE)
    assert reviews.read_again().chunks == 2
    assert reviews.read_again() == reviews.read()


def test_the_latest_runs_are_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [desk.run() for _ in range(4)]
    for run in runs:
        desk.decide(run, 0, APPROVE)
        desk.decide(run, 1, APPROVE)
    monkeypatch.setattr("labels.planning.reviews.MOST_DECISIONS", 3)
    found = SystemReviews(desk.store, runs[0], "ann").read()
    assert (found.chunks, found.runs) == (4, 2)
