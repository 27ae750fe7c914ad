"""Places of a mode: those that the figures rest on, and none that a queue still hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from labels import insights, queues
from labels.codebook import load_all
from labels.insights.reading.material import Material, gather
from labels.labelled import places, unfinished
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import Act, Label, SetLabel, SetVerdict, StepRef
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store
from tests.helpers import put

BOOKS = load_all()
MAST = BOOKS.get("mast")
MODE = "step-repetition"


class Desk:
    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.runs = [
            put(store, folder / f"{name}.jsonl", [f"run {name} step {number}" for number in range(10)])
            for name in ("a", "b")
        ]

    def label(
        self, run: RunInfo, first: int, last: int, who: str = "ann", *, whole: bool = False, mode: str = MODE,
        sure: bool = True,
    ) -> None:  # fmt: skip
        """Label steps first..last, in the chunk of five that they are in or on the whole run."""
        if whole:
            target = run_target(self.store, run)
        else:
            cut = chunks_of(self.store, run, Policy.parse("every:5"))
            target = chunk_target(chunk_ref(self.store, run, cut, first // 5), "every:5")
        ends = [StepRef(id=catalog.step_id(self.store, run.no, index) or "", index=index) for index in (first, last)]
        label = Label(id=f"{first}{mode}", mode=mode, codebook=MAST.ref, first=ends[0], last=ends[1], sure=sure)
        act = Act(
            target=target, ops=(SetLabel(label=label), SetVerdict(verdict="stop")), blind_suggestions=True,
            blind_votes=True,
        )  # fmt: skip
        Ledger(self.store, who).record(run, act)

    def material(self, **scope: object) -> Material:
        return gather(self.store, BOOKS, insights.Scope(**scope))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


def found(desk: Desk, reviewer: str = "ann", **scope: object) -> list[tuple[str, int, int, tuple[str, ...]]]:
    listed = places(desk.material(**scope), "mast", MODE, reviewer)
    return [(item.run.id, item.first, item.last, item.reviewers) for item in listed.places]


def test_newest_run_first_then_by_step(desk: Desk) -> None:
    old, new = desk.runs
    desk.label(old, 7, 8)
    desk.label(old, 2, 2)
    desk.label(new, 1, 1)
    desk.label(new, 6, 6, mode="task-derailment")
    assert found(desk) == [(new.id, 1, 1, ("ann",)), (old.id, 2, 2, ("ann",)), (old.id, 7, 8, ("ann",))]


def test_people_who_labelled_the_same_steps_are_one_place(desk: Desk) -> None:
    run = desk.runs[0]
    desk.label(run, 2, 2, sure=False)
    desk.label(run, 2, 2, who="bob")
    desk.label(run, 3, 3, who="bob")
    assert found(desk) == [(run.id, 2, 2, ("ann", "bob")), (run.id, 3, 3, ("bob",))]
    assert places(desk.material(), "mast", MODE, "ann").places[0].sure


def test_a_label_on_the_whole_run_says_no_place(desk: Desk) -> None:
    desk.label(desk.runs[0], 0, 9, whole=True)
    (item,) = places(desk.material(), "mast", MODE, "ann").places
    assert not item.placed


def test_only_runs_and_people_of_the_scope(desk: Desk) -> None:
    desk.label(desk.runs[0], 2, 2)
    desk.label(desk.runs[1], 2, 2, who="bob")
    assert len(found(desk)) == 2
    assert found(desk, only=frozenset({"bob"})) == [(desk.runs[1].id, 2, 2, ("bob",))]


def test_what_a_queue_hides_is_counted_and_not_shown(desk: Desk) -> None:
    run = desk.runs[0]
    queues.create(desk.store, "q", [run], policy="every:5")
    desk.label(run, 2, 2, who="bob")
    desk.label(run, 7, 7, who="bob")
    listed = places(desk.material(), "mast", MODE, "ann")
    assert (listed.places, listed.hidden) == ((), 2)
    desk.label(run, 4, 4, who="ann")  # decides on the first chunk only
    listed = places(desk.material(), "mast", MODE, "ann")
    assert [item.first for item in listed.places] == [2, 4]
    assert listed.hidden == 1


def test_a_mode_that_nobody_labelled_has_no_place(desk: Desk) -> None:
    desk.label(desk.runs[0], 2, 2)
    for codebook, mode in (("mast", "premature-termination"), ("mast", "no-such"), ("none", MODE)):
        assert places(desk.material(), codebook, mode, "ann").places == ()


def test_runs_that_one_is_still_to_judge_are_unfinished(desk: Desk) -> None:
    first, second = desk.runs
    queues.create(desk.store, "q", [first, second], policy="every:5")
    desk.label(first, 2, 2, who="bob")
    assert unfinished(desk.store, "ann") == frozenset()  # has decided on nothing: no reviewer of the queue
    assert unfinished(desk.store, "bob") == frozenset()  # nobody else has decided on anything
    desk.label(second, 2, 2, who="ann")
    assert unfinished(desk.store, "ann") == {first.id}  # the second one is unfinished, too, but only hers so far
    assert unfinished(desk.store, "bob") == {second.id}
    desk.label(first, 2, 2, who="ann")
    assert unfinished(desk.store, "ann") == {first.id}
    desk.label(first, 7, 7, who="ann")
    assert unfinished(desk.store, "ann") == frozenset()
    assert unfinished(desk.store, "cid") == frozenset()


def test_of_many_places_the_newest_are_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labels.labelled.MOST", 3)
    for run in desk.runs:
        for index in (1, 2, 6):
            desk.label(run, index, index)
    listed = places(desk.material(), "mast", MODE, "ann")
    assert [item.run.id for item in listed.places] == [desk.runs[1].id] * 3
    assert listed.more == 3
