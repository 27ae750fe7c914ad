"""Two names of one person, and names that nobody has."""

import pytest
from insight_desk import LOOP, NONE, WRONG, Desk

from labels.insights.compare import scopes
from labels.insights.figures import ModeRow
from labels.insights.scope import Scope


def loop(desk: Desk, **scope: object) -> ModeRow:
    found = desk.profile(**scope).mode(LOOP)
    assert found is not None
    return found


@pytest.fixture
def twice(desk: Desk) -> Desk:
    """A run on which Ann says under two names that there is a loop, and Bob and Cid that there is none."""
    run = desk.run()
    for who in ("ann", "ann.smith"):
        desk.say(who, run, None, desk.label(run, LOOP, 1))
    for who in ("bob", "cid", "dee"):
        desk.say(who, run, None, NONE)
    return desk


def test_a_person_has_one_vote_under_whatever_names(twice: Desk):
    def people(**scope: object) -> tuple[int, int]:
        sources = twice.insights(**scope).sources
        return len(sources.reviewers), sources.votes

    assert people() == (5, 5)
    same = {"ann": "ann", "ann.smith": "ann", "cid": "bob", "dee": "bob", "bob": "bob"}
    assert people(same=same) == (2, 2)
    assert loop(twice).runs.count == 0
    assert loop(twice, same=same).runs.value is None  # one against one is not settled
    found = twice.insights(same=same)
    assert found.sources.reviewers == ("ann", "bob")
    assert ("second decisions of one person under another name (--same)", 3) in found.sources.left_out


def test_the_vote_under_the_first_name_counts(desk: Desk):
    run = desk.run()
    desk.say("zoe", run, 1, desk.label(run, LOOP, 1))
    desk.say("abe", run, 1, desk.label(run, WRONG, 1))
    found = desk.profile(same={"zoe": "moe", "abe": "moe"})  # the name it counts as has no vote of its own
    assert [row.slug for row in found.modes if row.runs.count] == [WRONG]
    assert desk.insights(same={"zoe": "moe", "abe": "moe"}).sources.reviewers == ("moe",)


def test_a_vote_that_does_not_count_is_in_nobodys_way(desk: Desk):
    run = desk.run()
    desk.say("abe", run, None, verdict="abstain")
    desk.say("zoe", run, None, desk.label(run, LOOP, 1))
    assert loop(desk, same={"zoe": "abe", "abe": "abe"}).runs.count == 1


def test_people_are_chosen_by_any_of_their_names(twice: Desk):
    same = {"ann": "ann", "ann.smith": "ann"}
    for name in ("ann", "ann.smith"):
        assert twice.insights(same=same, only=frozenset([name])).sources.reviewers == ("ann",)
        assert twice.insights(same=same, without=frozenset([name])).sources.reviewers == ("bob", "cid", "dee")
    one, two = scopes(Scope(same=same), "reviewer", "ann.smith", "bob")
    assert one.asks_for("ann")
    assert not two.asks_for("ann")


def test_an_outsider_who_counts_as_somebody_here_is_none(desk: Desk):
    run = desk.run()
    desk.judged(run, LOOP, who="xyz")
    with desk.store.write() as tx:
        for table in ("event", "decision", "judgement", "label"):
            tx.execute(f"UPDATE {table} SET reviewer = 'outside:ann' WHERE run = ?", [run.id])
        tx.execute("UPDATE decision SET data = replace(data, '\"xyz\"', '\"outside:ann\"') WHERE run = ?", [run.id])
    desk.judged(desk.run(), WRONG, who="ann")
    assert loop(desk).runs.n == 1
    assert loop(desk, same={"outside:ann": "ann", "ann": "ann"}).runs.n == 2


def test_names_that_look_alike_and_names_of_nobody_are_said(desk: Desk):
    run = desk.run()
    for who in ("Ann", "ann"):
        desk.say(who, run, None, NONE)
    assert any("'Ann' and 'ann' look like one name" in note for note in desk.insights().notes)
    assert not any("look like" in note for note in desk.insights(same={"Ann": "Ann", "ann": "Ann"}).notes)
    assert "no reviewer here is called 'bo'." in desk.insights(only=frozenset(["bo"])).notes
