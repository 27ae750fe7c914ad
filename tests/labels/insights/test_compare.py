"""Two groups side by side, and thresholds for pipelines."""

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from insight_desk import BOOKS, LOOP, NONE, SAFETY, WRONG, Desk

from labels.codebook import Codebooks
from labels.insights import Scope, Span, fail_if
from labels.insights.compare import compare, parse
from labels.insights.figures import Comparison
from labels.insights.intervals import fisher, newcombe
from sessions.errors import UsageError, UserError


def compared(desk: Desk, text: str, **scope: object) -> Comparison:
    return compare(desk.store, BOOKS, Scope(**scope), *parse(text))  # type: ignore[arg-type]


@pytest.fixture
def two(desk: Desk) -> Desk:
    """Ten runs of each of two systems: 1 and 9 with a loop, 3 and 4 with wrong verification; 2 and 8 failed."""
    for system, loops, wrongs, failures, month in (("old", 1, 3, 2, "01"), ("new", 9, 4, 8, "02")):
        for place in range(10):
            run = desk.run(
                system=system, reference={"reward": 0.0 if place < failures else 1.0},
                started_at=f"2026-{month}-{place + 1:02d}T10:00:00Z",
            )  # fmt: skip
            desk.judged(run, *([LOOP] * (place < loops) + [WRONG] * (place >= 10 - wrongs)))
    return desk


def test_a_comparison_by_hand(two: Desk):
    found = compared(two, "system=old,new")
    assert (found.names, found.runs, found.codebook) == (("old", "new"), (10, 10), "mast")
    first, second = found.rows[0], next(row for row in found.rows if row.what == WRONG)
    assert (first.what, first.first.count, first.second.count) == (LOOP, 1, 9)
    assert first.difference.value == pytest.approx(0.8)
    assert (first.difference.low, first.difference.high) == pytest.approx(newcombe(9, 10, 1, 10))
    assert first.p == pytest.approx(fisher(9, 10, 1, 10))
    assert first.adjusted == pytest.approx(first.p * 14)
    assert first.differs
    assert second.difference.value == pytest.approx(0.1)
    assert not second.differs
    assert found.failure.difference.value == pytest.approx(0.6)
    assert found.failure.differs
    one, other, change = found.per_failed
    # Failed runs of old: places 0 and 1, with the one loop; of new: 0 to 7, all with a loop, 6 and 7 with wrong, too.
    assert (one.value, other.value, change.value) == (0.5, 1.25, 0.75)
    assert found.sentence == (
        "new fails more often than old: 80 % against 20 % of runs, difference +16 to +80 points."
        " new has more 1.3 Step repetition (90 % against 10 % of runs, difference +37 to +92 points)."
        " The other 13 modes differ by no more than chance would give."
    )


def test_the_other_way_round_the_signs_turn(two: Desk):
    one, other = compared(two, "system=old,new"), compared(two, "system=NEW,OLD")
    values = {row.what: row.difference.value for row in one.rows}
    assert {row.what: -(row.difference.value or 0.0) for row in other.rows} == pytest.approx(values)
    assert other.sentence.startswith("OLD fails less often than NEW")


def test_ranges_of_time(two: Desk):
    by_run = compared(two, "time=2026-01,2026-02")
    assert [row.difference.value for row in by_run.rows] == [
        row.difference.value for row in compared(two, "system=old,new").rows
    ]
    assert by_run.names == ("2026-01", "2026-02")
    with pytest.raises(UserError, match="no judged run"):
        compared(two, "time=2025-01,2026-02")
    with pytest.raises(UserError, match="no judged run"):
        compared(two, "decided=2020,2021")


def test_too_few_and_alike(desk: Desk):
    for system, count in (("a", 6), ("b", 6), ("c", 2)):
        for place in range(count):
            desk.judged(desk.run(system=system, reference={"reward": place % 2}), *([LOOP] if place < 3 else []))
    assert compared(desk, "system=a,c").sentence == "Too few runs to tell: 6 of a and 2 of c; 5 of each are the least."
    assert compared(desk, "system=a,b").sentence == (
        "b and a fail about equally often as far as one can tell: 50 % against 50 % of runs, difference -44 to +44"
        " points. No failure mode differs between a and b by more than chance would give."
    )


def test_nothing_is_claimed_of_fewer_than_five_a_side(desk: Desk):
    """27 without and 3 with are unlikely by chance, and still too few."""
    for system, count in (("many", 27), ("few", 3), ("five", 5)):
        for _ in range(count):
            run = desk.run(system=system, reference={"reward": float(system == "many")})
            desk.judged(run, *([] if system == "many" else [LOOP]))
    found = compared(desk, "system=many,few")
    assert found.sentence.startswith("Too few runs to tell")
    assert [row for row in (found.failure, *found.rows) if row.differs or row.p is not None] == []
    assert compared(desk, "system=many,five").rows[0].differs


def test_what_is_no_comparison_is_said(two: Desk):
    for text in ("system", "system=a", "system=a,A", "colour=a,b", "system=a,b,c", "outcome=success,failure"):
        with pytest.raises(UsageError):
            parse(text)
    assert parse("system=x, y,z", ["x, y", "z"]) == ("system", "x, y", "z")
    with pytest.raises(UserError, match="no judged run has system 'nobody'") as error:
        compared(two, "system=old,nobody")
    assert "Runs have: new, old." in str(error.value)


def test_what_limits_the_runs_is_not_what_they_are_compared_by(two: Desk):
    for text, scope in (
        ("system=old,new", {"where": {"system": frozenset(["old"])}}),
        ("time=2026-01,2026-02", {"started": Span.parse("2026")}),
        ("reviewer=ann,bob", {"only": frozenset(["ann"])}),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="to be compared by"):
            compared(two, text, **scope)


def test_a_codebook_in_use_comes_before_one_of_a_corpus(desk: Desk):
    books = Codebooks((SAFETY,))
    for place in range(12):
        run = desk.run(system="a" if place % 2 else "b")
        desk.judged(run, LOOP)
        if place < 10:
            desk.say("ann", run, None, desk.label(run, "irreversible-action", 1))
    assert compare(desk.store, BOOKS, Scope(), "system", "a", "b").codebook == "mast"
    assert compare(desk.store, books, Scope(), "system", "a", "b").codebook == "safety"


def test_groups_that_were_judged_by_different_people_are_not_compared(desk: Desk):
    for system, who in (("a", "ann"), ("b", "outside:x")):
        run = desk.run(system=system)
        desk.judged(run, LOOP)
        with desk.store.write() as tx:
            for table in ("event", "decision", "judgement", "label"):
                tx.execute(f"UPDATE {table} SET reviewer = ? WHERE run = ?", [who, run.id])
            tx.execute("UPDATE decision SET data = replace(data, '\"ann\"', ?) WHERE run = ?", [f'"{who}"', run.id])
    with pytest.raises(UserError, match="outside annotators only") as error:
        compared(desk, "system=a,b")
    assert "--outside" in str(error.value)
    assert compared(desk, "system=a,b", outside="yes").runs == (1, 1)
    with pytest.raises(UserError, match="no judged run has system 'b'"):
        compared(desk, "system=a,b", outside="no")


def test_reviewers_can_be_compared(desk: Desk):
    for _ in range(5):
        run = desk.run()
        desk.say("ann", run, None, desk.label(run, LOOP, 1))
        desk.say("bob", run, None, NONE)
    found = compared(desk, "reviewer=ann,bob")
    assert found.rows[0].difference.value == -1.0
    assert any("in both groups" in note for note in found.notes)


# -- thresholds ---------------------------------------------------------------------------------------------------


def fails(desk: Desk, text: str) -> bool:
    return fail_if.check(fail_if.parse(text, BOOKS), desk.insights()).failed


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("step-repetition > 50%", False), ("step-repetition >= 50%", True), ("1.3 > 0.4", True),
        ("Step repetition < 60 %", True), ("step-repetition@mast <= 49%", False), ("1.3@mast>10%", True),
        ("upper step-repetition > 60%", True), ("lower step-repetition > 40%", False), ("failure-rate > 49%", True),
        ("any-failure >= 70%", True), ("any-failure > 70%", False), ("modes-per-run > 0.8", True),
        ("modes-per-failed-run > 1", True), ("category:3 > 30%", True), ("category:2 > 0%", False),
    ],
)  # fmt: skip
def test_conditions(two: Desk, text: str, failed: bool):
    # 10 of 20 with a loop, 7 with wrong verification, 14 with either; 10 failed, with 11 modes.
    assert fails(two, text) is failed


def test_what_cannot_be_told_fails(desk: Desk):
    check = fail_if.check(fail_if.parse("incorrect-verification > 10%", BOOKS), desk.insights())
    assert check.failed
    assert check.value is None
    assert "cannot be told" in check.says
    desk.judged(desk.run(), WRONG)
    for text in ("failure-rate < 100%", "upper modes-per-run > 5", "category:S > 1%", "fabricated-data > 1%"):
        assert fails(desk, text)
    check = fail_if.check(fail_if.parse("incorrect-verification > 10%", BOOKS), desk.insights())
    assert "in 1 run, too few to say much" in check.says


@pytest.mark.parametrize(
    "text",
    ["", "x", "> 10%", "category:9 > 1%", "category:3@nothing > 1%", "category: > 1%",
     "loop-the-loop > 10%", "step-repetition > 10", "step-repetition = 1%", "1.3 > ten%",
     "modes-per-run > 10%", "step-repetition > 10% or 1.1 > 3%", "1.3 > 1e9", "middle 1.3 > 1%"],
)  # fmt: skip
def test_what_is_no_condition_is_said(text: str):
    with pytest.raises(UsageError):
        fail_if.parse(text, BOOKS)


def test_a_category_is_found_in_any_codebook(desk: Desk):
    desk.judged(desk.run(), WRONG)
    for _ in range(3):
        run = desk.run()
        desk.say("ann", run, None, desk.label(run, "irreversible-action", 1))
    assert desk.insights().profiles[0].codebook == "safety"
    for text in ("category:3 > 30%", "category:3@mast > 30%", "category:Task verification > 30%"):
        check = fail_if.check(fail_if.parse(text, BOOKS), desk.insights())
        assert check.value == 1.0, text
    assert fail_if.check(fail_if.parse("category:s > 30%", BOOKS), desk.insights()).value == 1.0
    with pytest.raises(UsageError, match="there is no category '9'") as error:
        fail_if.parse("category:9 > 1%", BOOKS)
    assert "1@mast, 2@mast, 3@mast" in error.value.hint


@given(st.text(max_size=60))
@quick(200)
def test_any_text_is_a_condition_or_a_usage_error(text: str):
    try:
        fail_if.parse(text, BOOKS)
    except UsageError:
        return


def test_a_long_text_takes_no_time():
    with pytest.raises(UsageError):
        fail_if.parse("a " * 50_000 + ">", BOOKS)
