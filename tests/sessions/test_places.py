"""Coming back to the same line: after the run was read anew, has grown, or has changed."""

import pytest
from helpers import put, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog, places
from sessions.places import ReadingPlace
from sessions.store import Store

STEPS = [f"step {number}" for number in range(12)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


@pytest.fixture
def run(store, tmp_path):
    return put(store, tmp_path / "run.lines", STEPS)


def place_at(store, run, index, **more) -> ReadingPlace:
    return ReadingPlace("every:5", catalog.step_id(store, run.no, index), index, **more)


def test_nothing_was_read_yet(store, run):
    assert places.load(store, "ann", run) is None
    assert places.last_read(store, "ann") == {}


def test_a_place_is_kept_for_its_reader(store, run):
    place = place_at(store, run, 7, part=0, position=3, seen=9)
    places.save(store, "ann", run, place)
    assert places.load(store, "ann", run) == place
    assert places.load(store, "bob", run) is None


def test_only_the_last_place_is_kept(store, run):
    for index in (3, 8, 5):
        places.save(store, "ann", run, place_at(store, run, index))
    assert places.load(store, "ann", run).index == 5
    ((policy, at),) = places.last_read(store, "ann").values()
    assert policy == "every:5"
    assert at.endswith("+00:00")


def test_a_place_moves_with_its_step(store, run, tmp_path):
    places.save(store, "ann", run, place_at(store, run, 7, part=0, position=2, seen=7))
    grown = put(store, tmp_path / "run.lines", [*STEPS, "more"])
    assert grown.id == run.id
    assert places.load(store, "ann", grown).index == 7


def test_a_place_whose_step_stands_elsewhere(store, run):
    """The index is a hint; the step counts."""
    place = place_at(store, run, 7, part=0, position=2, seen=9)
    places.save(store, "ann", run, ReadingPlace("every:5", place.step, 2, 0, 2, 9))
    assert places.load(store, "ann", run) == place


def test_a_place_whose_step_is_gone(store, run):
    places.save(store, "ann", run, ReadingPlace("handoff", "no such step", 99, 3, 17, 5))
    found = places.load(store, "ann", run)
    assert (found.policy, found.index, found.part, found.position) == ("handoff", 11, -1, 0)


def test_a_place_of_a_run_that_lost_all_steps(store, run):
    import dataclasses

    places.save(store, "ann", run, ReadingPlace("every:5", "gone", 4))
    empty = dataclasses.replace(run, steps=0)
    assert places.load(store, "ann", empty).index == 0


@quick(50)
@given(st.integers(0, 11), st.integers(-1, 50), st.integers(0, 10**9), st.integers(0, 11), st.text(max_size=10))
def test_any_place_comes_back_as_it_was(store, run, index, part, position, seen, policy):
    policy = policy.encode("utf-8", "ignore").decode()
    place = ReadingPlace(policy, catalog.step_id(store, run.no, index), index, part, position, seen)
    places.save(store, "ann", run, place)
    assert places.load(store, "ann", run) == place
