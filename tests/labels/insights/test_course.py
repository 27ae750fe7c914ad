"""What happens in the course of runs: cascades, where failures begin, what was lost, what was prevented."""

from typing import Any

import pytest
from insight_desk import LOOP, MAST, MISMATCH, NONE, RESET, WRONG, Desk

from labels.insights.figures import Cascades, Figure, Link, Start
from labels.model import Label, SetLabel, StepRef
from labels.operating import Said, decide
from sessions import catalog
from sessions.live import opening, taking
from sessions.live.hooks import NO_HOOKS
from sessions.live.request import parse
from sessions.store import Store

# -- cascades -------------------------------------------------------------------------------------------------------


def cascade(desk: Desk, who: str, run: Any, *chain: tuple[str, int], prefix: str = "") -> None:
    """Labels of which each follows from the one before."""
    ops = []
    for place, (mode, step) in enumerate(chain):
        cause = f"{prefix}{place - 1}" if place else None
        ops.append(desk.label(run, mode, step, id=f"{prefix}{place}", caused_by=cause, root_cause=not place))
    desk.say(who, run, None, *ops)


def test_cascades_by_hand(desk: Desk):
    one, two, three = (desk.run(steps=10) for _ in range(3))
    cascade(desk, "ann", one, (MISMATCH, 1), (LOOP, 4), (WRONG, 10))
    cascade(desk, "ann", two, (MISMATCH, 2), (LOOP, 4))
    desk.say("ann", three, None, desk.label(three, RESET, 3, root_cause=True))
    found = desk.profile().cascades
    assert found.runs == 2
    assert found.links == (
        Link(MISMATCH, LOOP, 2, 2, 2.5, 2.25, 2.75),
        Link(LOOP, WRONG, 1, 1, 6.0, 6.0, 6.0),
    )
    assert found.starts == (
        Start(MISMATCH, 2, 0, 1.5),
        Start(RESET, 1, 0, 0.0),
        Start(LOOP, 0, 2, 0.0),
        Start(WRONG, 0, 1, 0.0),
    )
    assert found.loose == 0


def test_two_people_who_say_the_same_are_one_link(desk: Desk):
    run = desk.run(steps=10)
    for who in ("ann", "bob"):
        cascade(desk, who, run, (MISMATCH, 1), (LOOP, 4), prefix=who)
    (link,) = desk.profile().cascades.links
    assert (link.links, link.runs, link.steps_median) == (1, 1, 3.0)


def test_a_cause_in_another_chunk_or_gone(desk: Desk):
    run = desk.run(steps=6)
    desk.say("ann", run, 1, desk.label(run, MISMATCH, 1, id="root"))
    desk.say("ann", run, 3, desk.label(run, LOOP, 5, caused_by="root"), desk.label(run, WRONG, 6, caused_by="nowhere"))
    found = desk.profile().cascades
    assert [(link.cause, link.effect, link.steps_median) for link in found.links] == [(MISMATCH, LOOP, 4.0)]
    assert found.loose == 1


def test_a_cause_of_another_codebook_is_named_with_it(desk: Desk):
    run = desk.run()
    desk.say("ann", run, None, desk.label(run, "fabricated-data", 1, id="a"), desk.label(run, WRONG, 2, caused_by="a"))
    (link,) = desk.profile().cascades.links
    assert link.cause == "fabricated-data@safety"


def test_causes_that_go_round_in_a_circle_end(desk: Desk):
    run = desk.run()
    first, second = desk.label(run, LOOP, 1, id="a", caused_by="b"), desk.label(run, WRONG, 2, id="b", caused_by="a")
    desk.say("ann", run, None, first, second)
    found = desk.profile().cascades
    assert len(found.links) == 2
    assert [start.starts for start in found.starts] == [0, 0]


def test_labels_that_do_not_count_have_no_cascade(desk: Desk):
    run = desk.run()
    cascade(desk, "ann", run, (MISMATCH, 1), (LOOP, 4))
    for who in ("bob", "cat"):
        desk.say(who, run, None, NONE)
    assert desk.profile().cascades == Cascades(0, (), (), 0)


# -- where failures begin, and what was lost ----------------------------------------------------------------------


def test_where_failures_begin(desk: Desk):
    for at in (1, 1, 3, 11):
        desk.judged(desk.run(steps=11), LOOP, at=at)
    both = desk.run(steps=11)
    desk.say("ann", both, None, desk.label(both, LOOP, 11), desk.label(both, WRONG, 6))
    whole, single, clean = desk.run(steps=11), desk.run(steps=1), desk.run()
    desk.say("ann", whole, None, desk.label(whole, LOOP, 1, 11))
    desk.judged(single, LOOP)
    desk.judged(clean)
    found = desk.profile().onset
    assert (found.runs, found.unplaced, found.short) == (6, 1, 1)
    assert found.bins == (2, 0, 1, 0, 0, 1, 0, 0, 0, 1)
    assert (found.first_step.value, found.first_step.n) == (1.0, 6)  # of 0 0 0 2 5 10
    assert found.position == Figure(0.2, None, None, 5)  # of 0, 0, .2, .5, 1: too few for an interval
    assert found.by_mode[LOOP] == (6, 1.0, pytest.approx(0.1))
    assert found.by_mode[WRONG] == (1, 5.0, 0.5)


def told(*minutes: float | None, tokens: tuple[int | None, ...] = ()) -> list[dict[str, Any]]:
    made = []
    for place, minute in enumerate(minutes):
        at = None if minute is None else f"2026-11-30T10:{int(minute):02d}:{round(minute % 1 * 60):02d}Z"
        made.append({"at": at, "tokens_out": tokens[place] if tokens else None})
    return made


def test_time_and_tokens_after_the_first_failure(desk: Desk):
    timed = desk.run(steps=5, told=told(0, 1, None, 4, 9.5, tokens=(10, 20, 30, None, 40)))
    desk.judged(timed, LOOP, at=3)  # its step has no time: that of the step before counts
    bare = desk.run(steps=5)
    desk.judged(bare, LOOP, at=5)
    clean = desk.run(steps=2, told=told(0, 5))
    desk.judged(clean)
    found = desk.profile().lost
    assert (found.runs, found.untimed, found.uncounted) == (2, 1, 1)
    assert found.steps.value == 1.0  # of 2 and 0
    assert found.steps_share.value == pytest.approx(0.2)  # of 2/5 and 0
    assert (found.seconds.value, found.seconds_total) == (8.5 * 60, 8.5 * 60)
    assert found.seconds_share.value == pytest.approx(8.5 / 9.5)
    assert (found.tokens.value, found.tokens_total) == (40.0, 40)
    assert found.tokens_share.value == pytest.approx(0.4)


def test_without_times_it_is_said_how_to_get_them(desk: Desk):
    for _ in range(5):
        desk.judged(desk.run(), LOOP)
    found = desk.insights()
    main = found.profile()
    assert main is not None
    assert (main.lost.seconds.value, main.lost.untimed) == (None, 5)
    assert "no times" in main.lost.seconds.why
    assert any("no times and no token counts" in item.what for item in found.missing)


# -- what was prevented -------------------------------------------------------------------------------------------


def test_rollbacks_on_recorded_runs(desk: Desk):
    one = desk.run(steps=10, told=told(*range(10), tokens=(1,) * 10))
    desk.say("ann", one, 2, desk.label(one, LOOP, 3), verdict="rollback", back=3)
    desk.say("bob", one, 4, desk.label(one, WRONG, 7), verdict="rollback", back=7)
    two = desk.run(steps=4)
    desk.say("ann", two, 1, NONE)
    found = desk.insights()
    row = found.prevented
    assert (row.rollbacks_recorded, row.unneeded) == (1, 6)  # steps 5 to 10: the earlier rollback spares them all
    assert (row.saved_tokens, row.saved_seconds) == (6, 360.0)
    assert (row.rollbacks_live, row.undone, row.denied, row.stopped) == (0, 0, 0, 0)
    assert [(item.mode, item.rollbacks_recorded, item.unneeded) for item in desk.profile().prevented] == [(LOOP, 1, 6)]


def open_(store: Store, key: str, *texts: str, **more: Any) -> Any:
    steps = [{"actor": "bot", "parts": [{"kind": "text", "text": text}]} for text in texts]
    fields = {"run": "r", "gate": key, "agent": "bot", "task": "Mend it.", "steps": steps, **more}
    return opening.open_gate(store, parse(fields), checks={})


def test_gates_that_sent_an_agent_back(desk: Desk):
    store = desk.store
    first = open_(store, "a", "one", "two")
    decide(store, "ann", first, Said("approve"))
    taking.take(store, first.id, first.payload_sha256, NO_HOOKS)
    gate = open_(store, "b", "three", "four", "five")
    run = catalog.find_run(store, "r")
    step = StepRef(id=str(catalog.step_id(store, run.no, 3)), index=3)
    info = MAST.by_slug[LOOP]
    label = Label(id="l", mode=LOOP, code=info.code, name=info.name, codebook=MAST.ref, first=step, last=step)
    decide(store, "ann", gate, Said("rollback", to="a", ops=(SetLabel(label=label),)))
    waiting = desk.insights().prevented
    assert (waiting.rollbacks_live, waiting.undone) == (0, 0)  # the agent has not been sent back yet
    taking.take(store, gate.id, gate.payload_sha256, NO_HOOKS)
    again = open_(store, "c", "three again")
    decide(store, "ann", again, Said("reject", message="Not so."))
    found = desk.insights()
    row = found.prevented
    assert (row.rollbacks_live, row.undone, row.denied, row.rollbacks_recorded) == (1, 3, 1, 0)
    lost = desk.profile().lost  # step 4 failed, and step 5 was spent before the agent was sent back; step 6 is not lost
    assert (lost.runs, lost.steps.value) == (1, 1.0)
    (mine,) = desk.profile().prevented
    assert (mine.mode, mine.rollbacks_live, mine.undone, mine.denied) == (LOOP, 1, 3, 0)
    assert desk.insights(where={"state": frozenset(["complete"])}).prevented.rollbacks_live == 0


def test_rollbacks_of_a_live_run_from_elsewhere_are_nothing_that_should_have_been(desk: Desk):
    run = desk.run(steps=10)
    desk.say("ann", run, 1, verdict="rollback", back=1)
    assert desk.insights().prevented.rollbacks_recorded == 1
    with desk.store.write() as tx:
        tx.execute("UPDATE run SET format = 'live' WHERE id = ?", [run.id])
    assert desk.insights().prevented.rollbacks_recorded == 0
