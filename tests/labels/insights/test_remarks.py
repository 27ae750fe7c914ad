"""What is said beside the figures: of all judged runs, whatever codebook they were judged by."""

from insight_desk import LOOP, NONE, WRONG, Desk

from labels.insights.figures import Insights


def whats(found: Insights) -> str:
    return "\n".join(item.what for item in found.missing)


def test_names_that_are_not_known_are_counted_over_all_codebooks(desk: Desk):
    for _ in range(6):
        desk.judged(desk.run(system="crew", model="m"), LOOP)
    unnamed = desk.run()
    desk.say("ann", unnamed, None, desk.label(unnamed, "irreversible-action", 1))
    assert "the system of 1 and the model of 1 of 7 judged runs is not known" in whats(desk.insights())


def test_times_are_missed_only_where_no_profile_has_any(desk: Desk):
    told = [{"at": f"2026-11-30T10:00:0{place}Z", "tokens_in": 1} for place in range(6)]
    for _ in range(6):
        desk.judged(desk.run(), LOOP)
    assert "no times and no token counts" in whats(desk.insights())
    timed = desk.run(told=told)
    desk.say("ann", timed, None, desk.label(timed, "irreversible-action", 1))
    assert "no times" not in whats(desk.insights())


def test_one_of_a_thing_is_one(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, NONE)
    desk.say("bob", run, 1, desk.label(run, LOOP, 1))
    desk.say("ann", run, 2, desk.label(run, WRONG, 3))
    notes = "\n".join(desk.insights().notes)
    assert "1 run was judged in part only" in notes
    assert "counted as not judged: 1 judgement." in notes
    assert "1 runs" not in notes
