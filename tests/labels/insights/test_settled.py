"""What is so of a run, against gold's own settling of the same votes, and by hand."""

import random
from collections import Counter

import numpy as np
import pytest
from insight_desk import BOOKS, LOOP, MAST, NONE, RESET, SAFETY, WRONG, Desk

from labels.adjudication import Adjudication, Adjudicator, Ruling, Span
from labels.codebook import Codebook
from labels.gold.books import books_of
from labels.gold.people import People
from labels.gold.rule import Rule
from labels.gold.settle import summary
from labels.gold.status import settled
from labels.insights import Scope
from labels.insights.reading.material import Material, gather
from labels.maintenance import remember_codebook
from labels.model import SetJudged, SetNone
from sessions.catalog import RunInfo


def material(desk: Desk, **scope: object) -> Material:
    return gather(desk.store, BOOKS, Scope(**scope))  # type: ignore[arg-type]


def by_run(found: Material) -> dict[str, dict[tuple[str, str], int]]:
    """run -> mode -> 1, 0, or -1 (unknown)"""
    return {
        run: dict(zip(found.values.modes, found.values.run[place].tolist(), strict=True))
        for place, run in enumerate(found.columns.runs)
    }


def as_gold_has_it(desk: Desk, rule: Rule) -> dict[str, dict[tuple[str, str], int]]:
    found = {}
    for item in settled(desk.store, books_of(desk.store), rule, People(named=True), Counter()):
        by_book = summary(item.gold, item.run.steps)
        found[item.run.id] = {
            (book, slug): -1 if value is None else value
            for book, values in by_book.items()
            for slug, value in values.items()
        }
    return found


def adjudicate(desk: Desk, run: RunInfo, chunk: int | None, mode: str, outcome: str, step: int = 0) -> None:
    steps = (Span(first=desk.ref(run, step), last=desk.ref(run, step)),) if step else ()
    ruling = Ruling(mode=mode, codebook=MAST.ref, outcome=outcome, reason="error", steps=steps)
    target = desk.target(run, chunk)
    Adjudicator(desk.store, "judge").settle(run, Adjudication(target=target, rulings=(ruling,), blind=True))


def say_anything(desk: Desk, run: RunInfo, chance: random.Random) -> None:
    """What several people might say of a run: of chunks, of the whole, sure or not, of a part of the codebook."""
    for who in ("ann", "bob", "cat"):
        for number in (1, 2, 3, None):
            if chance.random() < 0.4:
                continue
            book = MAST if chance.random() < 0.85 else SAFETY
            steps = range(1, 7) if number is None else range(number * 2 - 1, number * 2 + 1)
            modes = chance.sample([mode.slug for mode in book.modes[:5]], chance.choice([0, 0, 1, 1, 2]))
            ops = [desk.label(run, mode, chance.choice(list(steps)), sure=chance.random() < 0.8) for mode in modes] or [
                SetNone(codebook=book.ref)
            ]
            if chance.random() < 0.2:
                ops.append(SetJudged(codebook=book.ref, modes=(book.modes[0].slug, *modes)))
            how = "policy" if chance.random() < 0.05 else "person"
            desk.say(who, run, number, *ops, verdict=chance.choice(["approve", "stop", None]), how=how)


@pytest.mark.parametrize("rule", [Rule(), Rule("unanimous"), Rule("majority", 2), Rule("adjudicated")])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_votes_settle_as_they_do_for_gold(desk: Desk, rule: Rule, seed: int):
    chance = random.Random(seed)
    runs = [desk.run() for _ in range(6)]
    for run in runs:
        say_anything(desk, run, chance)
    for run in runs[:3]:
        for mode in MAST.modes[:2]:
            adjudicate(
                desk, run, chance.choice([1, 2, 3]), mode.slug, chance.choice(["present", "absent", "undecided"])
            )
    expected, found = as_gold_has_it(desk, rule), by_run(material(desk, rule=rule))
    assert len(expected) > 3
    for run, values in expected.items():
        mine = {mode: found[run][mode] for mode in values if mode in found[run]}
        assert mine == {mode: values[mode] for mode in mine}
        assert {mode for mode in values if mode not in mine} <= {mode for mode in values if values[mode] < 0}
    seen = {value for values in expected.values() for value in values.values()}
    assert seen == {-1, 0, 1} or rule != Rule()  # under the plain rule all three come up


def test_a_ruling_outweighs_votes_and_tells_where(desk: Desk):
    run = desk.run()
    for number in (1, 2, 3):
        desk.say("ann", run, number, NONE)
    adjudicate(desk, run, 2, LOOP, "present", step=4)
    found = material(desk)
    mode = found.values.modes.index(("mast", LOOP))
    assert found.values.run[0, mode] == 1
    assert found.values.first[0, mode] == 3
    assert bool(found.values.adjudicated[0])
    # Whoever asks for one person's labels gets those.
    assert by_run(material(desk, only=frozenset(["ann"])))[run.id]["mast", LOOP] == 0


def test_not_judged_is_not_absent(desk: Desk):
    run = desk.run()
    desk.say("ann", run, 1, desk.label(run, LOOP, 2))
    desk.say("ann", run, 2)  # approved, without a word on modes
    found = material(desk)
    values = by_run(found)[run.id]
    assert values["mast", LOOP] == 1
    assert values["mast", RESET] == -1
    assert not found.values.full.any()
    desk.say("ann", run, 2, NONE)
    assert by_run(material(desk))[run.id]["mast", RESET] == -1  # chunk 3 is missing
    desk.say("ann", run, 3, NONE)
    found = material(desk)
    assert by_run(found)[run.id]["mast", RESET] == 0
    assert found.values.full.all()


def test_chunks_of_two_policies_cover_a_run_together(desk: Desk):
    run = desk.run(steps=6)
    desk.say("ann", run, 1, NONE, policy="every:4")
    assert by_run(material(desk))[run.id]["mast", RESET] == -1
    desk.say("bob", run, 3, NONE, policy="every:2")
    assert by_run(material(desk))[run.id]["mast", RESET] == 0


def test_a_codebook_that_changed_counts_for_what_stayed_the_same(desk: Desk):
    text = MAST.model_dump(mode="json", by_alias=True)
    text["mode"][2]["definition"] = "Something quite different."  # step repetition
    text["version"] = "0.9"
    old = Codebook.model_validate(text)
    remember_codebook(desk.store, old)
    run = desk.run()
    desk.say("ann", run, None, SetNone(codebook=old.ref))
    values = by_run(material(desk))[run.id]
    assert values["mast", LOOP] == -1
    assert values["mast", WRONG] == 0
    assert any("changed while it was used" in note for note in desk.insights().notes)


def test_filters_choose_votes(desk: Desk):
    run = desk.run()
    desk.say("ann", run, None, desk.label(run, LOOP, 3))
    desk.say("bob", run, None, NONE)
    assert by_run(material(desk))[run.id]["mast", LOOP] == -1  # a draw
    assert material(desk).values.unsettled == 1
    assert by_run(material(desk, only=frozenset(["ann"])))[run.id]["mast", LOOP] == 1
    assert by_run(material(desk, without=frozenset(["ann"])))[run.id]["mast", LOOP] == 0
    left = desk.insights(only=frozenset(["ann"])).sources
    assert (left.reviewers, left.runs_one, left.runs_more) == (("ann",), 1, 0)


def test_the_first_step_is_that_of_labels_that_count(desk: Desk):
    run = desk.run(steps=8)
    desk.say("ann", run, None, desk.label(run, LOOP, 5), desk.label(run, RESET, 1, 8))
    desk.say("bob", run, None, desk.label(run, LOOP, 3, sure=False), desk.label(run, LOOP, 6, id="b"))
    found = material(desk)
    first = dict(zip(found.values.modes, found.values.first[0].tolist(), strict=True))
    assert first["mast", LOOP] == 4  # bob is not sure of step 3
    assert first["mast", RESET] == -1  # a label on the whole run has no place
    assert np.isin(found.values.run, (-1, 0, 1)).all()
