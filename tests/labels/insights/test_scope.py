"""Scopes, outcomes from reference data, and times of steps."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import put, quick, steps
from hypothesis import given
from hypothesis import strategies as st
from insight_desk import LOOP, NONE, Desk

from labels.insights import Span, where
from labels.insights.reading.outcome import run_facts
from sessions import catalog
from sessions.errors import UsageError
from sessions.run import Step
from sessions.store import Store
from sessions.timeline import timeline


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11", moment(2026, 11, 1), moment(2026, 12, 1)),
        ("2026-11-30", moment(2026, 11, 30), moment(2026, 12, 1)),
        ("2026-12..2027-01", moment(2026, 12, 1), moment(2027, 2, 1)),
        ("2026", moment(2026, 1, 1), moment(2027, 1, 1)),
        ("2026-11-30T12:00..", moment(2026, 11, 30, 12), None),
        ("..2026-11-30T12:00+02:00", None, moment(2026, 11, 30, 10)),
    ],
)
def test_ranges_of_time(text: str, start: datetime | None, end: datetime | None):
    span = Span.parse(text)
    assert (span.start, span.end) == (start, end)


@pytest.mark.parametrize(
    "text", ["", "..", "yesterday", "2026-13", "2026-02..2026-01", "2026-01-01T10:00..2026-01-01T09:00"]
)
def test_what_is_no_range_is_said(text: str):
    with pytest.raises(UsageError):
        Span.parse(text)


@given(st.text(max_size=30))
@quick(200)
def test_any_text_is_a_range_or_a_usage_error(text: str):
    try:
        span = Span.parse(text)
    except UsageError:
        return
    assert span.start or span.end
    span.minutes()


def test_runs_without_a_time_are_in_no_range():
    span = Span.parse("2026-11..")
    assert span.holds("2026-11-01T00:00:00Z")
    assert span.holds("2026-11-01")
    assert not span.holds("2026-10-31T23:59:59Z")
    assert not span.holds(None)
    assert not span.holds("soon")


def test_attributes_and_words(desk: Desk):
    with pytest.raises(UsageError):
        where([("colour", "red")])
    with pytest.raises(UsageError):
        where([("outcome", "so-so")])
    found = where([("system", "A"), ("system", "B"), ("domain", "")])
    assert found == {"system": frozenset("AB"), "domain": frozenset([""])}
    assert desk.insights(where=found).words == "system A or B, domain (not said)"
    assert desk.insights().words == "all runs"


def test_a_scope_by_time_of_decisions_and_of_runs(desk: Desk):
    early = desk.run(started_at="2026-01-05T00:00:00Z")
    late = desk.run(started_at="2026-02-05T00:00:00Z")
    for run in (early, late):
        desk.say("ann", run, None, NONE)
    assert desk.insights(started=Span.parse("2026-01")).runs.judged == 1
    assert desk.insights(decided=Span.parse("2020..")).runs.judged == 2
    assert desk.insights(decided=Span.parse("..2020")).runs.judged == 0


def test_the_chunks_of_a_queue(desk: Desk):
    one, two = desk.run(), desk.run()
    for run in (one, two):
        desk.say("ann", run, 1, desk.label(run, LOOP, 1))
        desk.say("ann", run, 2, NONE)
    chunk = desk.target(one, 2).id
    with desk.store.write() as tx:
        tx.execute("INSERT INTO queue_item VALUES ('q', 0, ?, ?, 2, 2, 3, '', 1.0, 0)", [one.id, chunk])
    found = desk.insights(queue="q")
    assert (found.runs.judged, found.sources.votes) == (0, 1)  # one chunk of three leaves the run unknown
    assert desk.insights().runs.judged == 2


# -- outcomes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "outcome"),
    [
        (None, "unknown"), ({}, "unknown"), ({"ground_truth": "42"}, "unknown"),
        ({"reward": 1.0}, "success"), ({"reward": 0.99}, "failure"), ({"reward": 0}, "failure"),
        ({"reward": 0.0, "reward_info": {"reward": 0.0, "info": {"r_actions": 1.0}}}, "failure"),
        ({"is_correct": False}, "failure"), ({"is_corrected": False, "mistake_step": "4"}, "failure"),
        ({"is_correct": "true"}, "success"), ({"solved": True, "root_cause_recall": 1.0}, "success"),
        ({"resolved": False, "reward": 1.0}, "failure"), ({"report": {"resolved": True}}, "success"),
        ({"test_result": {"report": {"resolved": False}}}, "failure"),
        ({"scores": {"match": {"value": "C"}}}, "success"), ({"scores": {"match": {"value": "I"}}}, "failure"),
        ({"scores": {"a": {"value": 1}, "b": {"value": 0}}}, "unknown"), ({"score": 0.4}, "failure"),
        ({"verifier_result": {"rewards": {"reward": 1.0}}}, "success"), ({"success": None}, "unknown"),
        ({"reward": "high"}, "unknown"), ({"solved": [1]}, "unknown"),
        ({"reward": {"reward": {"reward": {}}}}, "unknown"),
    ],
)  # fmt: skip
def test_outcomes_from_reference_data(reference: dict[str, Any] | None, outcome: str):
    assert run_facts({}, reference).outcome == outcome


def test_what_else_a_run_is_told_apart_by():
    found = run_facts({"benchmark_name": "GAIA", "domain": "retail"}, {"root_cause_recall": 0.25, "solved": False})
    assert (found.benchmark, found.domain, found.recall, found.outcome) == ("GAIA", "retail", 0.25, "failure")
    assert run_facts({"benchmark": 7}, {"root_cause_recall": True}).recall is None


KEYS = st.sampled_from(["reward", "scores", "report", "solved", "value", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(VALUES)
@quick(150)
def test_any_reference_has_an_outcome(value: Any):
    found = run_facts({"benchmark": value}, {"reward": value, "report": value, "scores": value})
    assert found.outcome in ("success", "failure", "unknown")


# -- times --------------------------------------------------------------------------------------------------------


def test_times_and_tokens_of_steps(desk: Desk):
    told = [
        {"at": "2026-11-30T10:00:00Z", "tokens_in": 5},
        {"tokens_out": 2},
        {"at": "2026-11-30T12:00:30+02:00", "tokens_in": 1, "tokens_out": 1},
        {"at": "2026-11-30T09:00:00Z"},
        {"at": "no time"},
    ]
    run = desk.run(steps=5, told=told)
    found = np.frombuffer(timeline(desk.store, run.no), dtype=np.int32).reshape(-1, 2).tolist()
    assert found == [[0, 5], [-1, 2], [30, 2], [30, -1], [-1, -1]]  # a clock that goes back stands still
    assert timeline(desk.store, desk.run().no) == b""


TEXT = st.text(max_size=8) | st.sampled_from(['"at":"2026-01-01"', '"p":[', '"tokens_in":5', "\\"])


@given(st.lists(steps(TEXT), max_size=5))
@quick(150)
def test_times_of_any_steps(made: list[Step]):
    """Against the steps as they are read back whole."""
    for place, step in enumerate(made):
        if place % 2:
            step.at = f"2026-11-30T10:00:{place:02d}Z"
        if step.parts and step.parts[0].kind == "tool_call":
            step.parts[0].arguments = {"at": "2020-01-01", "p": [1], "tokens_out": 9, '"p":[': ['"at":"2021-01-01"']}
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name) / "r.db") as store:
        if not made:
            return
        run = put(store, Path(name) / "run.jsonl", made)
        found = np.frombuffer(timeline(store, run.no), dtype=np.int32).reshape(-1, 2)
        stored = [item.step for item in catalog.steps(store, run.no)]
        moments = [as_moment(step.at) for step in stored]
        tokens = [(step.tokens_in, step.tokens_out) for step in stored]
        if not any(moment is not None for moment in moments) and all(pair == (None, None) for pair in tokens):
            assert not len(found)
            return
        assert [seconds >= 0 for seconds in found[:, 0].tolist()] == [moment is not None for moment in moments]
        expected = [-1 if pair == (None, None) else min(2**31 - 1, sum(n or 0 for n in pair)) for pair in tokens]
        assert found[:, 1].tolist() == expected


def as_moment(at: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(at) if at else None
    except ValueError:
        return None
