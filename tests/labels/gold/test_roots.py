"""Root causes at different steps are for adjudicators, too."""

from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, NONE, SKIP, Desk

from labels.adjudication import Adjudication, Adjudicator
from labels.codebook import Codebook, load_all
from labels.disputes import Dispute, disputes, span
from labels.gold.people import People, same_of
from labels.gold.roots import APART
from labels.gold.rule import Rule
from labels.importing import import_labels
from labels.maintenance import remember_codebook
from labels.model import Label, SetLabel
from sessions.catalog import RunInfo
from sessions.store import Store

NAMED = People(named=True)
WHERE = Codebook.model_validate(
    {"id": "zz", "version": "1", "title": "Where", "mode": [{"slug": "lost", "name": "Lost", "definition": "Here."}]}
)


def open_on(store: Store, people: People = NAMED) -> list[Dispute]:
    return [item for item in disputes(store, Rule(), people) if item.how == APART]


def root(desk: Desk, run: RunInfo, mode: str, step: int, **more: Any) -> SetLabel:
    return desk.label(run, mode, step, root_cause=True, **more)


def test_two_steps_are_open_and_one_is_not(desk: Desk):
    run = desk.run()
    desk.say("ann", run, None, root(desk, run, LOOP, 3), desk.label(run, SKIP, 6))
    assert open_on(desk.store) == []
    desk.say("bob", run, None, root(desk, run, LOOP, 3))
    assert open_on(desk.store) == []
    desk.say("cat", run, None, root(desk, run, SKIP, 5), desk.label(run, LOOP, 3))
    (item,) = open_on(desk.store)
    assert (item.codebook, item.present, item.absent) == ("mast", ("ann", "bob", "cat"), ())
    assert item.unit["scope"] == "run"
    assert open_on(desk.store, People(same=same_of(["ann=cat", "bob=cat"]), named=True)) == []


def test_what_is_not_sure_or_of_a_chunk_does_not_count(desk: Desk):
    run = desk.run()
    desk.say("ann", run, None, root(desk, run, LOOP, 3))
    desk.say("bob", run, None, root(desk, run, LOOP, 5, sure=False))
    desk.say("cat", run, 3, root(desk, run, LOOP, 5, id="c"))
    desk.say("dan", run, None, NONE)
    assert open_on(desk.store) == []


def test_a_ruling_on_the_mode_settles_it_and_the_codebook_that_asks_least_is_named(desk: Desk):
    run = desk.run()
    remember_codebook(desk.store, WHERE)
    desk.say("ann", run, None, root(desk, run, LOOP, 3))
    ref = desk.ref(run, 5)
    lost = Label(id="b", mode="lost", codebook=WHERE.ref, first=ref, last=ref, root_cause=True)
    desk.say("bob", run, None, SetLabel(label=lost))
    (item,) = open_on(desk.store)
    assert (item.codebook, item.mode) == ("zz", "lost")
    ruling = {"mode": "lost", "codebook": WHERE.ref, "outcome": "present", "reason": "error",
              "steps": [span(desk.store, run, 3, 3)]}  # fmt: skip
    said = Adjudication.model_validate({"target": desk.target(run, None), "rulings": [ruling], "blind": True})
    dora = Adjudicator(desk.store, "dora")
    dora.settle(run, said)
    assert open_on(desk.store) == []
    dora.undo(run)
    assert len(open_on(desk.store)) == 1


@pytest.mark.real_data
def test_two_corpora_that_labelled_the_same_runs_enter_adjudication(tmp_path: Path, real_data: Path):
    """8 runs are in both; by the files themselves (steps from 0 in the one, from 1 in the other) 5 differ."""
    with Store.open(tmp_path / "r.db") as store:
        import_labels(store, [real_data / "whowhen", real_data / "agentrx"], load_all())
        found = open_on(store)
        assert len(found) == 5
        assert {(item.codebook, item.mode) for item in found} == {("attribution", "decisive-error")}
        assert {item.present for item in found} == {("outside:agentrx", "outside:who-and-when")}
