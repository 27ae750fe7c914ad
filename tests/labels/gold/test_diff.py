"""What a diff between two releases says."""

from pathlib import Path

import pytest
from gold_desk import LOOP, NONE, SKIP, Desk

from labels.gold.diff import as_json, compare
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.reading import Release
from labels.gold.release import release
from labels.gold.rule import Rule
from labels.gold.splits import Splits
from sessions.errors import UserError


def made(desk: Desk, name: str, **more: object) -> Release:
    path: Path = desk.folder / name
    release(desk.store, path, Options("demo", **more), Review())  # type: ignore[arg-type]
    return Release(path)


def test_the_same_release_has_no_difference(three: Desk):
    assert compare(made(three, "a"), made(three, "b")).same


def test_new_runs_votes_and_labels(three: Desk):
    old = made(three, "a")
    run = next(run for run in (three.run(1), three.run(2)) if run.title)
    three.say("dora", run, 3, three.label(run, SKIP, 6, id="d"))
    three.say("ann", run, 3, three.label(run, SKIP, 5, id="x"))
    new_run = three.run(9)
    three.say("ann", new_run, 1, NONE)
    new = made(three, "b")
    found = compare(old, new)
    assert found.runs_new == [new_run.content_id]
    assert (found.runs_gone, found.votes_new, found.votes_gone) == ([], 2, 1)
    assert found.kinds == {"not settled -> present": 1}
    (changed,) = as_json(found)["changed"]
    assert (changed["mode"], changed["old"], changed["new"]) == (SKIP, "not settled", "present")
    back = compare(new, old)
    assert back.runs_gone == [new_run.content_id]
    assert back.kinds == {"present -> not settled": 1}


def test_another_rule_and_other_splits(three: Desk):
    old = made(three, "a", splits=Splits.parse("s", ["train=1"]))
    new = made(three, "b", rule=Rule("unanimous"), splits=Splits.parse("s", ["test=1"]), version="2")
    found = compare(old, new)
    assert [what for what, _, _ in found.settings] == ["version", "settling", "split"]
    assert {(was, now) for _, was, now in found.moved} == {("train", "test")}
    assert found.kinds == {"present -> not settled": 1}
    assert found.changed[0].mode == LOOP


def test_a_unit_that_is_only_in_one(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, NONE)
    old = made(desk, "a")
    desk.say("ann", run, 2, NONE)
    assert compare(old, made(desk, "b")).kinds == {"not there -> absent": 14}


def test_no_release(tmp_path: Path, three: Desk):
    with pytest.raises(UserError, match="is no release"):
        compare(made(three, "a"), Release(tmp_path))
