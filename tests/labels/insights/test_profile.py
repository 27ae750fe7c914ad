"""Failure profiles, on examples counted by hand."""

import pytest
from insight_desk import LOOP, MISMATCH, NONE, RESET, SAFETY, WRONG, Desk

from labels.insights.figures import Figure, Group, Profile
from labels.intervals import wilson
from labels.ledger import Ledger
from labels.model import SetJudged, SetNone


@pytest.fixture
def eight(desk: Desk) -> Desk:
    """Eight judged runs of two systems, and one that nobody judged.

    A: failed with loop; failed with loop and wrong; succeeded with loop; succeeded clean.
    B: failed with wrong and mismatch; failed with wrong; succeeded clean; outcome unknown, with reset.
    """
    for system, reward, modes in (
        ("A", 0.0, (LOOP,)), ("A", 0.0, (LOOP, WRONG)), ("A", 1.0, (LOOP,)), ("A", 1.0, ()),
        ("B", 0.0, (WRONG, MISMATCH)), ("B", 0.5, (WRONG,)), ("B", 1.0, ()), ("B", None, (RESET,)),
    ):  # fmt: skip
        reference = None if reward is None else {"reward": reward}
        run = desk.run(system=system, model="m", reference=reference, facts={"benchmark": "X"})
        desk.judged(run, *modes)
    desk.run(system="A", reference={"reward": 0.0})
    return desk


def counted(figure: Figure) -> tuple[int | None, int]:
    return figure.count, figure.n


def group(profile: Profile, by: str, value: str) -> Group:
    return next(item for item in profile.groups if (item.by, item.value) == (by, value))


def test_shares_of_runs_of_failures_and_by_outcome(eight: Desk):
    found = eight.insights()
    assert (found.runs.scope, found.runs.judged) == (9, 8)
    assert (found.runs.failed, found.runs.succeeded, found.runs.unknown) == (4, 3, 1)
    assert counted(found.failed) == (4, 7)
    profile = eight.profile()
    assert (profile.judged, profile.failures, profile.complete) == (8, 8, 8)
    rows = {row.slug: row for row in profile.modes}
    assert len(rows) == 14
    expected = {  # runs, failures, failed, succeeded
        LOOP: ((3, 8), (3, 8), (2, 4), (1, 3)),
        WRONG: ((3, 8), (3, 8), (3, 4), (0, 3)),
        MISMATCH: ((1, 8), (1, 8), (1, 4), (0, 3)),
        RESET: ((1, 8), (1, 8), (0, 4), (0, 3)),
    }
    for slug, figures in expected.items():
        row = rows[slug]
        assert tuple(map(counted, (row.runs, row.failures, row.failed, row.succeeded))) == figures
    assert (rows[LOOP].runs.low, rows[LOOP].runs.high) == pytest.approx(wilson(3, 8))
    assert rows[LOOP].runs.too_few is False
    assert rows[LOOP].failed.too_few is True
    assert all(row.runs.count == 0 for slug, row in rows.items() if slug not in expected)
    assert counted(profile.clean) == (2, 8)


def test_modes_per_run(eight: Desk):
    profile = eight.profile()
    assert profile.per_failed.value == pytest.approx((1 + 2 + 2 + 1) / 4)
    assert profile.per_failed.n == 4
    assert profile.per_run.value == 1.0
    assert profile.per_run.n == 8


def test_categories_count_a_run_once_and_its_failures_all(eight: Desk):
    rows = {row.id: row for row in eight.profile().categories}
    assert counted(rows["1"].runs) == (3, 8)
    assert counted(rows["2"].runs) == (2, 8)  # mismatch, and reset
    assert counted(rows["3"].runs) == (3, 8)
    assert [rows[key].failures.count for key in "123"] == [3, 2, 3]
    assert sum(row.failures.value or 0 for row in rows.values()) == pytest.approx(1)


def test_groups(eight: Desk):
    profile = eight.profile()
    a, b = group(profile, "system", "A"), group(profile, "system", "B")
    assert (a.runs, counted(a.failed), a.per_failed.value, a.per_run.value) == (4, (2, 4), 1.5, 1.0)
    assert (b.runs, counted(b.failed), b.per_failed.value, b.per_run.value) == (4, (2, 3), 1.5, 1.0)
    assert counted(a.modes[LOOP]) == (3, 4)
    assert counted(b.modes[WRONG]) == (2, 4)
    assert counted(group(profile, "outcome", "unknown").modes[RESET]) == (1, 1)
    assert group(profile, "benchmark", "X").runs == 8
    assert [item.value for item in profile.groups if item.by == "domain"] == [""]


def test_lift_counts_runs_whose_outcome_is_known(eight: Desk):
    rows = {row.slug: row.lift for row in eight.profile().modes}
    wrong = rows[WRONG]
    assert (counted(wrong.with_mode), counted(wrong.without)) == ((3, 3), (1, 4))
    assert wrong.difference.value == pytest.approx(0.75)
    assert wrong.here == "too few runs"
    assert (counted(rows[LOOP].with_mode), counted(rows[LOOP].without)) == ((2, 3), (2, 4))
    assert rows[RESET].difference.value is None  # its one run has no known outcome


def test_pairs_beside_chance(eight: Desk):
    profile = eight.profile()
    pair = next(item for item in profile.pairs if (item.first, item.second) == (MISMATCH, WRONG))
    assert (pair.n, pair.first_runs, pair.second_runs, pair.both) == (8, 1, 3, 1)
    assert pair.expected == pytest.approx(3 / 8)
    assert pair.lift == pytest.approx(8 / 3)
    # phi = (n11 n - n1 n2) / sqrt(n1 n0 m1 m0)
    assert pair.phi == pytest.approx((1 * 8 - 1 * 3) / (1 * 7 * 3 * 5) ** 0.5)
    assert len(profile.pairs) == 6  # of the four modes that occur
    assert profile.pairs[0] == pair


def test_a_mode_that_was_not_asked_about_is_no_denominator(desk: Desk):
    for _ in range(3):
        run = desk.run()
        desk.say("ann", run, None, NONE, SetJudged(codebook=NONE.codebook, modes=(LOOP, WRONG)))
    run = desk.run()
    desk.say("ann", run, None, desk.label(run, RESET, 2))
    profile = desk.profile()
    rows = {row.slug: row for row in profile.modes}
    assert counted(rows[LOOP].runs) == (0, 4)
    assert counted(rows[RESET].runs) == (1, 1)
    assert counted(rows[MISMATCH].runs) == (0, 1)
    assert rows[MISMATCH].failures.value == 0.0
    assert (profile.judged, profile.complete) == (4, 1)
    assert counted(profile.clean) == (0, 1)  # of the others nobody knows
    assert counted({row.id: row for row in profile.categories}["2"].runs) == (1, 1)


def test_runs_judged_in_part_are_told_and_can_be_left_out(desk: Desk):
    part, full = desk.run(), desk.run()
    desk.say("ann", part, 1, desk.label(part, LOOP, 1))
    desk.say("ann", full, None, NONE)
    found = desk.insights()
    assert found.sources.runs_partly == 1
    assert any("in part only" in note for note in found.notes)
    profile = desk.profile()
    row = profile.mode(LOOP)
    assert row is not None
    assert (counted(row.runs), row.present_partly) == ((1, 2), 1)
    Ledger(desk.store, "ann").undo(full)
    other = desk.profile().mode(RESET)
    assert other is not None
    assert (other.runs.value, other.failures.value) == (None, None)  # nobody looked for it
    Ledger(desk.store, "ann").redo(full)
    only = desk.profile(complete=True).mode(LOOP)
    assert only is not None
    assert (counted(only.runs), only.present_partly) == ((0, 1), 0)


def test_codebooks_have_profiles_of_their_own(desk: Desk):
    run, other = desk.run(), desk.run()
    desk.judged(run, LOOP)
    desk.say("ann", other, None, NONE, desk.label(other, "fabricated-data", 3))
    found = desk.insights()
    assert [(item.codebook, item.judged, item.failures) for item in found.profiles] == [
        ("mast", 2, 1),
        ("safety", 1, 1),
    ]
    assert [item.codebook for item in desk.insights(codebooks=frozenset(["safety"])).profiles] == ["safety"]
    assert found.profiles[1].published == ()
    assert SAFETY.id == "safety"


def test_filters_choose_runs(eight: Desk):
    def judged(**where: str) -> int:
        return eight.insights(where={name: frozenset([value]) for name, value in where.items()}).runs.judged

    assert (judged(system="a"), judged(system="B"), judged(system="C")) == (4, 4, 0)
    assert (judged(outcome="failure"), judged(outcome="success"), judged(outcome="unknown")) == (4, 3, 1)
    assert judged(outcome="failure", system="B") == 2
    assert (judged(benchmark="x"), judged(domain=""), judged(state="live")) == (8, 8, 0)
    assert eight.insights(where={"system": frozenset(["C"])}).missing[0].what.startswith("no run is in this scope")


def test_a_verdict_on_the_whole_run_is_its_outcome_where_nothing_else_tells_it(desk: Desk):
    good, bad, both, told = (desk.run(reference=ref) for ref in (None, None, None, {"solved": True}))
    desk.say("ann", good, None, NONE)
    desk.say("ann", bad, None, desk.label(bad, LOOP, 1), verdict="stop")
    desk.say("ann", both, None, NONE)
    desk.say("bob", both, None, NONE, verdict="reject")
    desk.say("ann", told, None, NONE, verdict="reject")
    found = desk.insights()
    assert (found.runs.failed, found.runs.succeeded, found.runs.unknown) == (1, 2, 1)
    assert (found.runs.by_reference, found.runs.by_verdict) == (1, 2)
    assert desk.insights(where={"outcome": frozenset(["failure"])}).runs.judged == 1


def test_mean_recall(desk: Desk):
    for recall in (0.0, 0.5, 1.0):
        run = desk.run(reference={"root_cause_recall": recall, "solved": recall >= 1})
        desk.judged(run)
    desk.judged(desk.run())
    found = desk.insights()
    assert (found.recall.value, found.recall.n) == (0.5, 3)
    assert (found.runs.failed, found.runs.succeeded) == (2, 1)


def test_outsiders_count_where_asked_or_where_nobody_else_has_judged(desk: Desk):
    run, mine = desk.run(), desk.run()
    desk.judged(run, LOOP, who="corpus")  # a name without the prefix is one of us
    with desk.store.write() as tx:
        for table in ("event", "decision", "judgement", "label"):
            tx.execute(f"UPDATE {table} SET reviewer = 'outside:corpus' WHERE reviewer = 'corpus'")
        tx.execute("UPDATE decision SET data = replace(data, '\"corpus\"', '\"outside:corpus\"')")
    found = desk.insights()
    assert (found.runs.judged, found.sources.outside, found.sources.runs_outside) == (1, True, 1)
    assert desk.insights(outside="no").runs.judged == 0
    assert "--outside" in desk.insights(outside="no").missing[0].how
    desk.say("ann", mine, None, SetNone(codebook=NONE.codebook))
    found = desk.insights()
    assert (found.runs.judged, found.sources.outside) == (1, False)
    assert found.sources.left_out == (("votes of outside annotators (--outside counts them)", 1),)
    assert desk.insights(outside="yes").runs.judged == 2


def test_suggestions_and_policies_are_no_labels(desk: Desk):
    run = desk.run()
    desk.say("rule", run, 1, desk.label(run, LOOP, 1), how="policy", verdict="approve")
    found = desk.insights()
    assert found.runs.judged == 0
    assert found.sources.left_out == (("decisions made by a policy", 1),)


def test_nothing_yet_says_what_to_do(desk: Desk):
    assert "no runs yet" in desk.insights().missing[0].what
    desk.run()
    found = desk.insights()
    assert "nobody has judged" in found.missing[0].what
    assert found.profiles == ()
    assert found.failed.why


def test_one_run_and_all_of_one_mode(desk: Desk):
    run = desk.run(reference={"success": False})
    desk.judged(run, LOOP)
    found = desk.insights()
    assert found.missing[0].what == "one run is judged: below 5, figures say little"
    assert any("every judged run with a known outcome failed" in item.what for item in found.missing)
    profile = desk.profile()
    row = profile.mode(LOOP)
    assert row is not None
    assert (row.runs.value, row.runs.too_few, row.failures.value) == (1.0, True, 1.0)
    assert row.lift.here == "too few runs"
    assert profile.pairs == ()
    assert profile.per_failed == Figure(1.0, n=1)
