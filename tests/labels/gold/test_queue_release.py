"""Gold that is limited to what one queue gave out."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gold_desk import LOOP, MAST, NONE, POLICY, Desk

from labels import queues
from labels.codebook import Codebook
from labels.gold import export as exporting
from labels.gold.hiding import Review
from labels.gold.hits import hits
from labels.gold.people import People
from labels.gold.piece import Options
from labels.gold.queued import Queued
from labels.gold.release import Made, release
from labels.gold.rule import Rule
from labels.gold.status import status
from labels.gold.verify import verify
from labels.maintenance import remember_codebook
from labels.merging import merge
from labels.model import Evidence, SetNone
from labels.suggestions import Suggestion, save
from sessions.catalog import RunInfo
from sessions.errors import UserError


def queue(desk: Desk, *runs: RunInfo, name: str = "q", **settings: Any) -> str:
    return queues.create(desk.store, name, runs, policy=POLICY, seed="s", **settings).id


def make(desk: Desk, key: str, name: str = "rel", review: Review | None = None) -> Made:
    return release(desk.store, desk.folder / name, Options("demo", queue=key), review or Review())


def rows(made: Made, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made.path / name).read_text().splitlines()]


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_only_what_the_queue_gave_out_counts(three: Desk):
    one = three.run(1)
    key = queue(three, one, order="random", size=2)
    given = {row[0] for row in three.store.query("SELECT chunk FROM queue_item")}
    made = make(three, key)
    assert {row["unit"]["id"] for row in rows(made, "votes.jsonl")} == given
    assert {row["unit"]["id"] for row in rows(made, "gold.jsonl")} == given
    assert {row["unit"]["id"] for row in rows(made, "queue.jsonl")} == given
    assert made.content["counts"]["runs"] == 1
    assert made.content["queue"] | {"id": ""} == {
        "id": "", "scope": "chunks", "chunks": POLICY, "reviewers": 1, "order": "random", "blind_share": 0.15,
        "repeat_share": 0.0, "items": 2, "kinds": {"all": {"items": 2, "weight": 3.0}},
    }  # fmt: skip
    assert "Limited to one queue" in (made.path / "README.md").read_text()
    assert verify(made.path).wrong == []
    counted = status(three.store, Rule(), People(named=True), queued=Queued(three.store, key)).tables
    assert (counted.votes, counted.units) == (len(rows(made, "votes.jsonl")), 2)


def test_whole_runs(three: Desk):
    two = three.run(2)
    made = make(three, queue(three, two, scope="runs"))
    assert [row["unit"]["id"] for row in rows(made, "votes.jsonl")] == ["run"]
    assert verify(made.path).wrong == []


def test_what_is_decided_elsewhere_changes_none_of_its_data(three: Desk):
    key = queue(three, three.run(1))
    first = make(three, key)
    three.say("cat", three.run(2), 2, NONE)
    second = make(three, key, "again")
    assert first.content["digest"] == second.content["digest"]
    assert first.content["event_log"] != second.content["event_log"]
    three.say("dan", three.run(1), 2, NONE)
    assert make(three, key, "later").content["digest"] != first.content["digest"]


def test_nothing_decided_in_it(three: Desk):
    key = queue(three, three.run(9))
    with pytest.raises(UserError, match="no vote in this queue"):
        make(three, key)


def test_of_merges_in_both_orders_it_is_byte_by_byte_the_same(new_desk: Callable[[str], Desk]):
    here, there = new_desk("here"), new_desk("there")
    key = queue(here, here.run(1), here.run(2))
    queue(there, there.run(3))
    for desk, who in ((here, "ann"), (there, "bob")):
        for number in (1, 2, 3):
            run = desk.run(number)
            desk.say(who, run, 1, desk.label(run, LOOP, 1, id=f"{who}{number}"))
    copies = []
    for desk in (here, there):
        copies.append(desk.folder / "copy.db")
        desk.store.raw_connection().execute("VACUUM INTO ?", [str(copies[-1])])
    merge(here.store, copies[1])
    merge(there.store, copies[0])
    assert {item.name for item in queues.queues(here.store)} != {item.name for item in queues.queues(there.store)}
    made = make(here, key)
    assert contents(made.path) == contents(make(there, key).path)
    assert len(rows(made, "votes.jsonl")) == 4
    assert verify(made.path).wrong == []


def test_kinds_and_weights_are_kept(desk: Desk):
    one = desk.run(1)
    step = desk.ref(one, 3)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
    save(desk.store, one, [Suggestion(
        mode=LOOP, codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=0.7, detector="repetition",
        version="3",
    )])  # fmt: skip
    key = queue(desk, one, order="priority", size=2)
    desk.say("ann", one, 2, desk.label(one, LOOP, 3))
    made = make(desk, key)
    weights = sorted((row["kind"], row["weight"], row["known"]) for row in rows(made, "queue.jsonl"))
    assert weights == [("suspected", 1.0, False), ("unsuspected", 2.0, False)]
    assert made.content["queue"]["kinds"] == {
        "suspected": {"items": 1, "weight": 1.0}, "unsuspected": {"items": 1, "weight": 2.0},
    }  # fmt: skip
    assert "weigh each chunk" in (made.path / "README.md").read_text()
    path = exporting.export(made.path, "csv", desk.folder / "csv").path
    with (path / "queue.csv").open(newline="") as file:
        assert sorted((row["kind"], row["weight"]) for row in csv.DictReader(file)) == [
            ("suspected", "1.0"), ("unsuspected", "2.0"),
        ]  # fmt: skip


def test_in_a_run_in_which_something_is_hidden_places_still_fit(desk: Desk):
    run = desk.run(1, ["mail jo.doe@example.org", "then wait", "and see", "the end"])
    key = queue(desk, run)
    desk.say("ann", run, 1, desk.label(run, LOOP, 2))
    made = make(desk, key, review=Review(accept=True))
    assert len(rows(made, "queue.jsonl")) == 2
    assert verify(made.path).wrong == []
    assert [item.value for item in hits(desk.store, Review(), Queued(desk.store, key))] == ["jo.doe@example.org"]
    other = queue(desk, desk.run(2), name="other")
    assert hits(desk.store, Review(), Queued(desk.store, other)) == []


def test_the_codebook_that_counts_is_that_of_its_own_votes(three: Desk):
    newer = Codebook.from_json(json.dumps({**json.loads(MAST.canonical_json()), "version": "9"}))
    remember_codebook(three.store, newer)
    run = three.run(5)
    key = queue(three, run)
    three.say("ann", run, 1, SetNone(codebook=newer.ref))
    assert make(three, key).content["codebooks"] == {"mast": newer.hash}


def test_a_run_that_was_joined_with_another_is_in_its_queue_still(three: Desk):
    run = three.run(1)
    key = queue(three, run)
    with three.store.write() as tx:
        tx.execute("INSERT INTO run_alias VALUES ('gone', ?)", [run.id])
        tx.execute("UPDATE queue_item SET run = 'gone'")
    assert make(three, key).content["counts"]["votes"] == 9


def test_a_vote_from_elsewhere_is_found(three: Desk):
    made = make(three, queue(three, three.run(1), order="random", size=2))
    left = rows(made, "queue.jsonl")
    file = made.path / "queue.jsonl"
    file.chmod(0o600)
    file.write_text(json.dumps(left[0]) + "\n")
    assert any("did not give out" in text for text in verify(made.path).wrong)
