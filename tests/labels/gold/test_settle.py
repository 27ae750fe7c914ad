"""The settling rule, on votes in a real database."""

from collections import Counter

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk

from labels.codebook import Codebook
from labels.gold.books import books_of
from labels.gold.people import People
from labels.gold.rule import Rule
from labels.gold.settle import Row, summary
from labels.gold.status import settled, status
from labels.model import RemoveLabel, SetJudged, SetLabel, SetNone, SetVerdict
from sessions.errors import UsageError

NAMED = People(named=True)
ABSTAIN = SetVerdict(verdict="abstain")


def gold(desk: Desk, rule: str = "majority", least: int = 1, people: People = NAMED) -> dict[tuple[str, str], Row]:
    """(start of the run's id, place of the unit) -> gold row."""
    found = {}
    for item in settled(desk.store, books_of(desk.store), Rule.of(rule, least), people, Counter()):
        for row in item.gold:
            unit = row["unit"]
            place = "run" if unit["scope"] == "run" else f"{unit['first']['step_number']}-{unit['last']['step_number']}"
            found[item.run.id, place] = row
    return found


def detail(row: Row, mode: str) -> Row:
    return next(item for item in row["details"] if item["mode"] == mode)


def test_a_majority_settles_and_a_draw_does_not(three: Desk):
    found = gold(three)
    one = next(run for run, place in found if place == "3-4")
    assert found[one, "1-2"]["labels"] == dict.fromkeys(MAST.by_slug, False)
    assert found[one, "3-4"]["labels"][LOOP] is True
    assert detail(found[one, "3-4"], LOOP) | {"steps": 0, "evidence": 0} == {
        "mode": LOOP, "value": True, "how": "majority", "present": 2, "absent": 1, "root_cause": 1,
        "steps": 0, "evidence": 0,
    }  # fmt: skip
    spans = [(s["first"]["step_number"], s["last"]["step_number"]) for s in detail(found[one, "3-4"], LOOP)["steps"]]
    assert spans == [(3, 3), (3, 4)]
    assert found[one, "5-6"]["labels"][SKIP] is None
    assert detail(found[one, "5-6"], SKIP)["how"] == "disputed"
    # ann approved chunk 3 without labels and without none: that is no vote on any mode
    assert found[one, "5-6"]["people"] == 2


def test_unanimous_and_least_votes(three: Desk):
    found = gold(three, "unanimous", 3)
    one = next(run for run, place in found if place == "3-4")
    assert found[one, "1-2"]["labels"][LOOP] is False
    assert found[one, "3-4"]["labels"][LOOP] is None
    assert found[one, "3-4"]["labels"][SKIP] is False
    assert found[one, "5-6"]["labels"][LOOP] is None
    assert found[one, "5-6"]["absent_by"] == "too few votes"


def test_adjudicated_only_settles_nothing_by_votes(three: Desk):
    for row in gold(three, "adjudicated").values():
        assert set(row["labels"].values()) == {None}


def test_i_think_so_is_neither_yes_nor_no(three: Desk):
    row = next(
        row
        for (_, place), row in gold(three).items()
        if row["unit"]["first"]["step_number"] == 1 and row["people"] == 1 and place == "1-2"
    )
    assert row["labels"][LOOP] is None
    assert row["labels"][SKIP] is False
    assert detail(row, LOOP)["how"] == "not judged"


def test_not_asked_is_not_absent(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, NONE, SetJudged(codebook=MAST.ref, modes=(LOOP,)))
    desk.say("bob", run, 2)
    desk.say("cat", run, 3, NONE, verdict=ABSTAIN)
    found = gold(desk)
    labels = found[run.id, "1-2"]["labels"]
    assert labels[LOOP] is False
    assert all(value is None for mode, value in labels.items() if mode != LOOP)
    assert set(found) == {(run.id, "1-2")}


def test_a_policy_has_no_vote_and_an_unfinished_decision_neither(desk: Desk):
    run = desk.run()
    desk.say("policy:x", run, 1, NONE, how="policy")
    desk.say("ann", run, 2, NONE, verdict=SetVerdict(verdict=None))
    left = status(desk.store, Rule(), NAMED).left_out
    assert left == {"decisions made by a policy": 1, "decisions without a verdict (not finished)": 1}
    assert gold(desk) == {}


def test_an_imported_vote_needs_no_verdict(desk: Desk):
    run = desk.run()
    desk.say("mast annotator 1", run, None, NONE, verdict=SetVerdict(verdict=None), how="import")
    assert gold(desk)[run.id, "run"]["labels"][LOOP] is False


def test_a_mode_labelled_in_a_chunk_is_not_absent_from_the_run(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 2, desk.label(run, LOOP, 3))
    desk.say("ann", run, None, NONE)
    found = gold(desk)
    assert found[run.id, "run"]["labels"][LOOP] is None
    assert found[run.id, "run"]["labels"][SKIP] is False
    rows = list(found.values())
    assert summary(rows, run.steps)["mast"][LOOP] == 1


def test_two_names_of_one_person_are_one_vote(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, desk.label(run, LOOP, 1))
    desk.say("Ann Smith", run, 1, desk.label(run, LOOP, 2, id="other"))
    desk.say("bob", run, 1, NONE)
    assert gold(desk)[run.id, "1-2"]["labels"][LOOP] is True
    one = People(same={"ann": "Ann Smith", "Ann Smith": "Ann Smith"}, named=True)
    row = gold(desk, people=one)[run.id, "1-2"]
    assert row["labels"][LOOP] is None
    assert (detail(row, LOOP)["present"], detail(row, LOOP)["absent"]) == (1, 1)


def test_a_person_of_two_minds_has_no_vote(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, desk.label(run, LOOP, 1))
    desk.say("ann2", run, 1, NONE)
    left: Counter[str] = Counter()
    people = People(same={"ann": "ann", "ann2": "ann"}, named=True)
    (item,) = settled(desk.store, books_of(desk.store), Rule(), people, left)
    assert item.gold[0]["labels"][LOOP] is None
    assert item.gold[0]["labels"][SKIP] is False
    assert left["modes on which one person, under two names, said two things"] == 1


def changed(slug: str) -> Codebook:
    """MAST with another definition of one mode."""
    modes = tuple(
        mode.model_copy(update={"definition": "Something else altogether."}) if mode.slug == slug else mode
        for mode in MAST.modes
    )
    return Codebook.model_validate(MAST.model_copy(update={"version": "1.1", "modes": modes}).model_dump(by_alias=True))


def test_votes_by_another_wording_count_for_what_means_the_same(desk: Desk):
    from labels.maintenance import remember_codebook

    other = changed(LOOP)
    remember_codebook(desk.store, other)
    run = desk.run()
    for who in ("ann", "bob"):
        desk.say(who, run, 1, NONE)
    desk.say("cat", run, 1, SetNone(codebook=other.ref))
    books = books_of(desk.store)
    assert books.main["mast"].hash == MAST.hash
    left: Counter[str] = Counter()
    (item,) = settled(desk.store, books, Rule("majority", 3), NAMED, left)
    assert item.gold[0]["labels"][LOOP] is None  # two votes by this wording, one by another
    assert item.gold[0]["labels"][SKIP] is False
    assert left["judgements of modes by another wording of the codebook"] == 1


def test_whole_run_at_a_glance(three: Desk):
    by_run: dict[str, list[Row]] = {}
    for (run, _), row in gold(three).items():
        by_run.setdefault(run, []).append(row)
    one = next(rows for rows in by_run.values() if len(rows) == 3)
    two = next(rows for rows in by_run.values() if len(rows) == 2)
    first, second = summary(one, 6)["mast"], summary(two, 6)["mast"]
    assert (first[LOOP], first[SKIP], first["task-derailment"]) == (1, None, 0)
    assert second[SKIP] == 0  # by the whole run
    assert summary(one, 7)["mast"]["task-derailment"] is None  # a step that nobody judged


def test_taking_a_label_away_takes_it_out_of_gold(desk: Desk):
    run = desk.run()
    made = desk.label(run, LOOP, 1)
    desk.say("ann", run, 1, made)
    assert gold(desk)[run.id, "1-2"]["labels"][LOOP] is True
    desk.say("ann", run, 1, RemoveLabel(id=made.label.id), NONE)
    assert gold(desk)[run.id, "1-2"]["labels"][LOOP] is False


def test_status_counts_how_modes_stand(three: Desk):
    found = status(three.store, Rule(), NAMED)
    assert found.tables.modes["mast"][LOOP] == Counter({"absent": 3, "present": 1, "not judged": 1})
    assert found.tables.modes["mast"][SKIP] == Counter({"absent": 4, "disputed": 1})
    loop = next(row for row in found.tables.agreement() if row["mode"] == LOOP)
    # 3 units, 8 judgements, 2 present; one unit of 3 apart by 2: alpha = 1 - 7 * 2 / (2 * 2 * 6)
    assert (loop["units"], loop["judgements"], loop["raw"]) == (3, 8, 0.75)
    assert loop["alpha"] == pytest.approx(1 - 14 / 24, abs=1e-6)
    never = next(row for row in found.tables.agreement() if row["mode"] == "task-derailment")
    assert never["alpha"] is None


def test_agreement_is_of_votes_that_did_not_know_each_other(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, NONE)
    desk.say("bob", run, 1, NONE, blind_votes=False)
    assert status(desk.store, Rule(), NAMED).tables.agreement() == []


@pytest.mark.parametrize(("name", "least"), [("most", 1), ("majority", 0), ("majority", 1001)])
def test_rules_that_are_none(name: str, least: int):
    with pytest.raises(UsageError):
        Rule.of(name, least)


def test_the_label_ops_are_what_this_file_thinks(desk: Desk):
    assert isinstance(desk.label(desk.run(), LOOP, 1), SetLabel)
