"""Agreement in the station: the figures of `agree`, explained, sorted, filtered, cancelled, followed to disputes."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from station import LARGE, MIDDLE, SMALL, Station, station, suggest
from voters import HOSTILE, LOOP, POLICY, RESET, SKIP, Voters, disputed

from labels import agreement as agreement_package
from labels import queues
from labels.agreement import Agreement, Options, agreement
from labels.codebook import load_all
from labels.importing import import_labels
from labels.model import Shown
from labels.scoring.metrics import Estimate
from review_tui import actions
from review_tui import agreement_words as words
from review_tui.screens import agreement as agreement_module
from review_tui.screens.adjudicate import AdjudicateScreen
from review_tui.screens.agreement import AgreementScreen
from review_tui.transcript.folding import cells
from review_tui.widgets.agreement_tables import PARTS, tables
from review_tui.widgets.grid import Column, Grid, Section, bar_of, interval_of, number_cell, text_cell
from sessions import catalog
from sessions.store import Store


@pytest.fixture
def two(db: Path) -> Path:
    disputed(db)
    return db


async def at_agreement(here: Station) -> AgreementScreen:
    await here.press("G")
    await here.until(lambda: here.screen == "AgreementScreen" and here.app.screen.ready, "the screen")
    await here.until(lambda: not here.app.screen.doing, "the figures")
    await here.pilot.pause()
    found: AgreementScreen = here.app.screen
    return found


def computed(db: Path, **options: Any) -> Agreement:
    with Store.open(db) as store:
        return agreement(store, load_all([]), Options(**options))


def words_of(screen: AgreementScreen) -> str:
    """What the pane says of the row under the cursor."""
    source = screen.query_one("#words").source
    return " ".join("".join(piece[0] for piece in source.pieces(row, 60) if piece) for row in range(len(source)))


def keys_of(screen: AgreementScreen) -> list[str]:
    source = screen.table.source
    return [key for row in range(len(source)) if (key := source.key(row)) is not None]


# -- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (40, 10)])
async def test_modes_stand_with_the_figures_that_the_command_prints(two: Path, size):
    found = computed(two)
    (loop,) = [item for item in found.modes if item.mode == LOOP]
    async with station(two, size=size, reviewer="dora") as here:
        screen = await at_agreement(here)
        assert f"{found.votes} votes on {found.units} units" in here.text or size == (40, 10)
        screen.table.select(f"mode:mast/{LOOP}")
        await here.pilot.pause()
        row = next(line for line in here.lines if line.startswith(" 1.3 "))
        if size != (40, 10):
            assert f"{loop.raw.value:.2f}" in row
            assert f"{loop.alpha.value:.2f}" in row
            assert f"{loop.ac1.value:.2f}" in row
            assert "●" in row or "◂" in row
            assert f"alpha {loop.alpha.value:.2f}" in words_of(screen)
            assert "Two who judged the same unit say the same" in words_of(screen)
        if size == LARGE:
            for value in (loop.pabak.value, loop.cohen.value, loop.fleiss.value):
                assert f"{value:.2f}" in row


async def test_every_part_and_every_row_of_it_is_drawn_and_explained(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        for number, part in enumerate(PARTS, 1):
            await here.press(str(number))
            assert PARTS[screen.part] == part
            for key in keys_of(screen):
                screen.table.select(key)
                await here.pilot.pause(0)
                assert words_of(screen).strip(), key
        await here.press("tab")
        assert screen.part == 0
        await here.press("shift+tab")
        assert screen.part == len(PARTS) - 1
        assert here.app._exception is None


async def test_what_is_undefined_says_why_on_the_row_and_what_to_do(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        assert "nobody saw it" in here.text
        screen.table.select(f"mode:mast/{RESET}")
        await here.until(lambda: "not defined" in words_of(screen))
        assert "nobody used it" in words_of(screen)
        assert "Judge chunks on which it may occur" in words_of(screen)
        await here.press("e")
        assert here.screen == "Reader"
        assert "Nothing is wrong" in here.text


async def test_one_reviewer_only_is_told_that_it_takes_two(db: Path):
    voters = Voters(db)
    voters.say("ann", voters.run(), 1, LOOP)
    async with station(db, reviewer="dora") as here:
        screen = await at_agreement(here)
        assert "one reviewer" in here.text
        assert "agreement needs two" in words_of(screen)
        assert "--reviewers 2" in words_of(screen)
        await here.press("3")
        assert "nothing to compare with" in words_of(screen)
        await here.press("4")
        assert "No unit was judged by two or more" in here.text
        await here.press("2")
        assert "No two reviewers" in here.text
        await here.press("5")
        assert "shown a suggestion" in here.text


async def test_an_empty_database_says_what_is_missing_and_no_key_hurts(db: Path):
    async with station(db, reviewer="dora") as here:
        await at_agreement(here)
        assert "There is no vote that counts yet" in here.text
        assert "--reviewers 2" in here.text
        for action in actions.AGREEMENT:
            for key in action.keys:
                if action.id not in ("back", "help"):
                    await here.press(key)
                    while here.screen not in ("AgreementScreen", "InboxScreen"):
                        await here.press("escape")
        assert here.app._exception is None
        assert here.screen == "AgreementScreen"


async def test_votes_that_do_not_count_are_said_to_be_left_out(db: Path):
    voters = Voters(db)
    voters.say("ann", voters.run(), 1, LOOP, blind_votes=False)
    async with station(db, reviewer="dora") as here:
        screen = await at_agreement(here)
        assert "left out: 1 decisions made when others' votes could be seen" in here.text
        await here.press("v")
        await here.until(lambda: screen.found and screen.found.votes == 1, "the vote")
        await here.until(lambda: "all votes" in here.text)


async def test_a_rare_mode_is_not_taken_for_disagreement(db: Path):
    """3 + 3 votes of 200 on 100 units of two: alpha .32, AC1 .98. The words say to read them together."""
    rare = Estimate(0.3249, 0.0, 0.7), Estimate(0.97939)
    with Store.open(db):
        pass
    from labels.agreement.modes import Figures

    item = Figures(
        "1.3 Step repetition", "mast", LOOP, 200, 200, 6, 400, 2, raw=Estimate(0.98), cohen=Estimate(0.3232),
        fleiss=Estimate(0.32), alpha=rare[0], ac1=rare[1], pabak=Estimate(0.96), prevalence=Estimate(0.015),
    )  # fmt: skip
    text = " ".join(text for text, _ in words.mode_words(item))
    assert "The mode is rare (2% of votes)" in text
    assert "AC1 (0.98)" in text
    assert "It is wide" in text


async def test_pairs_reviewers_and_the_others(two: Path):
    found = computed(two)
    async with station(two, size=LARGE, reviewer="dora") as here:
        screen = await at_agreement(here)
        await here.press("3")
        for item in found.reviewers:
            assert item.name in here.text
        assert "annika and bobby" in here.text
        (annika,) = [item for item in found.reviewers if item.name == "annika"]
        assert f"{annika.agreed:.0%}" in words_of(screen)


async def test_a_second_reading_stands_beside_the_first(two: Path):
    voters = Voters(two)
    with Store.open(two) as store:
        runs = catalog.runs(store)
        queues.create(store, "twice", runs, policy=POLICY, repeat_share=0.5)
    voters.say("annika", runs[0], 2, repeat=1)
    async with station(two, reviewer="dora") as here:
        await at_agreement(here)
        await here.press("3")
        await here.until(lambda: "AGAINST THEMSELVES" in here.text)


async def test_how_far_labels_move_once_a_suggestion_is_shown(db: Path):
    voters = Voters(db)
    run = voters.run()
    (item,) = suggest(db, run, [(LOOP, 1, 1, "Task")])
    shown = (Shown(id=item.id, detector="testing", version="1"),)
    voters.say("ann", run, 1)
    voters.say("ann", run, 1, LOOP, blind_suggestions=False, shown=shown)
    voters.say("bob", run, 1, LOOP, blind_suggestions=False, shown=shown)
    async with station(db, size=LARGE, reviewer="dora") as here:
        screen = await at_agreement(here)
        await here.press("5")
        assert "+100%" in here.text
        assert f"ann · {LOOP}" in here.text
        assert "a shift of +100%" in words_of(screen)
        screen.table.select("who:1")
        await here.until(lambda: "they labelled 1 of 1" in words_of(screen))
        assert "No suggestion appeared on a chunk decided blind" in words_of(screen)


# -- sorting and filters ----------------------------------------------------------------------------------------------


async def test_sorting_by_a_column_and_turning_it_round(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        natural = keys_of(screen)
        alphas = {f"mode:mast/{item.mode}": item.alpha.value for item in computed(two).modes}
        while "Sorted: alpha. S" not in here.footer:
            await here.press("s")
        assert "alpha▴" in here.lines[2]
        order = [alphas[key] for key in keys_of(screen) if key.startswith("mode:")]
        known = [value for value in order if value is not None]
        assert known == sorted(known)
        assert order[len(known) :] == [None] * (len(order) - len(known))
        await here.press("S")
        order = [alphas[key] for key in keys_of(screen) if key.startswith("mode:")]
        assert order[: len(known)] == sorted(known, reverse=True)
        assert order[len(known) :] == [None] * (len(order) - len(known))
        while "as they are" not in here.footer:
            await here.press("s")
        await here.press("S")
        assert keys_of(screen) == natural


async def test_blind_only_leaves_out_what_was_decided_in_view_of_suggestions(two: Path):
    voters = Voters(two)
    voters.say("eve", voters.run("run9"), 1, LOOP, blind_suggestions=False)
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        before = screen.found.votes
        await here.press("b")
        await here.until(lambda: screen.found.votes == before - 1 and "blind" in here.bar("head"))
        await here.press("b")
        await here.until(lambda: screen.found.votes == before)


async def test_whose_votes_count_is_ticked(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        await here.press("f")
        assert here.screen == "Several"
        await here.press("space", "enter")  # without annika
        await here.until(lambda: not screen.doing and len(screen.found.reviewers) == 2)
        assert screen.options.only == {"bobby", "xavier"}
        await here.until(lambda: "2 of 3 people" in here.text)
        assert {item.name for item in computed(two, only=frozenset({"bobby", "xavier"})).reviewers} == {
            item.name for item in screen.found.reviewers
        }
        await here.press("f", "a", "enter")
        await here.until(lambda: not screen.doing and len(screen.found.reviewers) == 3)
        await here.press("f", "escape")
        assert screen.options.only == frozenset()


async def test_a_reviewer_who_was_renamed_is_joined_under_one_name(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP)
    voters.say("Ann", run, 2, LOOP)
    voters.say("bob", run, 1, LOOP)
    async with station(db, reviewer="dora") as here:
        screen = await at_agreement(here)
        await here.press("I")
        assert "look like one name" in " ".join(here.text.split())
        await here.press("escape", "equals_sign")
        await here.type("ann=Ann")
        await here.until(lambda: not screen.doing and len(screen.found.reviewers) == 2)
        await here.until(lambda: "Ann" in here.bar("head"))
        await here.press("equals_sign")
        await here.type("nonsense")
        assert "does not say who is the same" in here.footer


async def test_a_name_that_nobody_has_is_refused(two: Path):
    async with station(two) as here:
        screen = await at_agreement(here)
        await here.press("equals_sign")
        await here.type("annika=nobody")
        await here.until(lambda: "no reviewer here is called 'nobody'" in here.footer)
        assert not screen.options.same


async def test_the_chunks_of_one_queue(two: Path):
    with Store.open(two) as store:
        run = catalog.runs(store)[0]
        queues.create(store, "[b]first[/b]", [run], policy=POLICY)
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        every = screen.found.units
        await here.press("Q", "down", "enter")
        await here.until(lambda: not screen.doing and screen.found.units == every // 2, "half of them")
        assert "queue [b]first[/b]" in here.text
        await here.press("Q", "enter")
        await here.until(lambda: not screen.doing and screen.found.units == every)


async def test_one_codebook_at_a_time(db: Path):
    from labels.codebook import Codebook

    own = Codebook.model_validate(
        {"id": "own", "version": "1", "title": "Own", "mode": [{"slug": "odd", "name": "Odd", "definition": "It is."}]}
    )
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP)
    voters.say("bob", run, 1)
    voters.say("cat", run, 2, "odd", book=own)
    async with station(db, size=LARGE, reviewer="dora") as here:
        screen = await at_agreement(here)
        assert keys_of(screen)[0].startswith("mode:mast/")  # what can be said comes before what cannot
        assert "mode:own/odd" in keys_of(screen)
        await here.press("c")
        assert not any("own" in key for key in keys_of(screen))
        await here.press("c")
        assert [key for key in keys_of(screen) if key.startswith("mode:")] == ["mode:own/odd"]
        await here.press("c")
        assert len(keys_of(screen)) > 15


# -- following --------------------------------------------------------------------------------------------------------


async def test_enter_on_a_decisive_step_goes_to_root_causes_that_differ(db: Path):
    voters = disputed(db)
    run = voters.run("other")
    voters.say("ann", run, None, (LOOP, 2), root=True)
    voters.say("bob", run, None, (LOOP, 5), root=True)
    async with station(db, reviewer="dora") as here:
        await at_agreement(here)
        await here.press("2")
        assert "DECISIVE STEP · REVIEWERS" in here.text
        await here.press("enter")
        await here.until(lambda: here.screen == "AdjudicateScreen" and here.app.screen.loaded)
        cases: AdjudicateScreen = here.app.screen
        assert [item.run.id for item in cases.shown] == [run.id]
        await here.press("f", "enter")
        assert len(cases.shown) == 3
        await here.press("f", "down", "enter")
        assert [item.run.id for item in cases.shown] == [run.id]


async def test_enter_on_a_mode_goes_to_what_is_open_on_it(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        screen.table.select(f"mode:mast/{SKIP}")
        await here.press("enter")
        await here.until(lambda: here.screen == "AdjudicateScreen" and here.app.screen.loaded)
        assert here.app.screen.wanted == ("mast", SKIP)
        assert len(here.app.screen.shown) == 2
        await here.press("q")
        assert here.app.screen is screen
        await here.press("end", "enter")  # verdicts are not adjudicated: they are explained
        assert here.screen == "Reader"


# -- computing --------------------------------------------------------------------------------------------------------


async def test_leaving_the_screen_stops_what_is_computed(two: Path, monkeypatch):
    began, ended = threading.Event(), threading.Event()

    def endless(_store: Any, _books: Any, _options: Any, watch: Any) -> Any:
        began.set()
        try:
            while True:
                watch("reading votes")
                threading.Event().wait(0.005)
        finally:
            ended.set()

    monkeypatch.setattr(agreement_package, "agreement", endless)
    async with station(two, reviewer="dora") as here:
        await here.press("G")
        await here.until(began.is_set)
        await here.until(lambda: "computing agreement" in here.text and "reading votes" in here.text, "progress")
        await here.press("2", "s", "S", "e", "enter", "c", "I", "down", "tab", "1")
        assert here.screen == "AgreementScreen"
        await here.press("q")
        assert here.screen == "InboxScreen"
        await here.until(ended.is_set, "its end")


async def test_asking_for_something_else_stops_what_is_computed(two: Path, monkeypatch):
    stopped: list[Options] = []
    real = agreement

    def slow(store: Any, books: Any, options: Options, watch: Any) -> Agreement:
        if not options.blind:
            try:
                while True:
                    watch("modes")
                    threading.Event().wait(0.005)
            finally:
                stopped.append(options)
        return real(store, books, options, watch)

    monkeypatch.setattr(agreement_package, "agreement", slow)
    async with station(two, reviewer="dora") as here:
        await here.press("G")
        screen: AgreementScreen = here.app.screen
        await here.until(lambda: screen.ready)
        await here.press("b")
        await here.until(lambda: screen.found is not None, "the blind figures")
        assert screen.options.blind
        await here.until(lambda: len(stopped) == 1)


async def test_new_votes_are_taken_in_by_themselves_or_announced(two: Path, monkeypatch):
    monkeypatch.setattr(agreement_module, "ELSEWHERE_S", 0.02)
    voters = Voters(two)
    run = voters.run("run9")
    async with station(two, reviewer="dora") as here:
        screen = await at_agreement(here)
        before = screen.found.votes
        await asyncio.to_thread(voters.say, "eve", run, 1, LOOP)
        await here.until(lambda: screen.found.votes == before + 1, "the vote")
        await here.until(lambda: not screen.doing)
        screen._took = 1e9
        await asyncio.to_thread(voters.say, "eve", run, 2, LOOP)
        await here.until(lambda: "new votes: R computes again" in here.text)
        await here.press("R")
        await here.until(lambda: not screen.doing and screen.found.votes == before + 2)


async def test_a_codebook_that_cannot_be_read_is_said(two: Path, monkeypatch):
    from sessions.errors import UserError

    def broken(*_args: Any) -> Any:
        raise UserError("[/b] the codebook is broken.", "Mend it.")

    monkeypatch.setattr(agreement_package, "agreement", broken)
    async with station(two, reviewer="dora") as here:
        await at_agreement(here)
        assert "[/b] the codebook is broken." in here.text


# -- trouble --------------------------------------------------------------------------------------------------------


async def test_hostile_names_are_shown_and_never_obeyed(db: Path):
    voters = Voters(db)
    run = voters.run(first=HOSTILE)
    voters.say("[/b] [red] eve \u05d0", run, 1, LOOP, note=HOSTILE)
    voters.say("[bold]", run, 1, LOOP)
    async with station(db, size=LARGE, reviewer="[/x] dora") as here:
        await at_agreement(here)
        for number in "12345":
            await here.press(number, "s", "e")
            if here.screen == "Reader":
                await here.press("escape")
            assert here.screen == "AgreementScreen"
        await here.press("3")
        assert "[/b] [red] eve" in here.text
        await here.press("f")
        assert "[bold]" in here.text
        await here.press("escape", "equals_sign")
        await here.type("[/b] [red] eve \u05d0=\x1b[31mx")
        assert not any(ord(char) < 32 for char in "".join(here.lines))
        assert here.app._exception is None


def test_every_action_has_its_method():
    for action in actions.AGREEMENT:
        assert callable(getattr(AgreementScreen, f"action_{action.id}", None)), action.id
        assert action.help.endswith("."), action.id


@pytest.mark.real_data
async def test_two_corpora_on_the_same_runs(db: Path, real_data: Path):
    """The eight runs that Who&When and AgentRx both label: 3 steps the same, 6 agents, 5 among the labels."""
    with Store.open(db) as store:
        import_labels(store, [real_data / "whowhen", real_data / "agentrx"], load_all([]))
    async with station(db, reviewer="dora") as here:
        screen = await at_agreement(here)
        await here.press("2")
        assert "agentrx and who-and-when" in here.text
        said = words_of(screen)
        assert "the decisive step of 8 runs: the same one in 3, at most 1 apart in 3, 2 in 3, 5 in 3." in said
        assert "Of 8 for which both name an agent, it is the same one in 6." in said
        assert "In 5, some label of the one covers the step of the other." in said
        await here.press("enter")
        await here.until(lambda: here.screen == "AdjudicateScreen" and here.app.screen.loaded, "the five that differ")
        assert len(here.app.screen.shown) == 5
        assert "only root causes" in here.text


# -- tables, by themselves --------------------------------------------------------------------------------------------


def drawn(pieces: Any) -> str:
    return "".join(piece[0] for piece in pieces if piece)


SHARES = st.none() | st.floats(-2, 2, allow_nan=False)


@quick(200)
@given(SHARES, SHARES, SHARES, st.integers(1, 60))
def test_an_interval_is_as_wide_as_its_room(value, low, high, room):
    low, high = sorted((low, high)) if low is not None and high is not None else (None, None)
    assert len(drawn(interval_of(value, low, high, room, (0.667, 0.8), "good"))) == room


def test_an_interval_is_drawn_to_scale():
    assert drawn(interval_of(0.5, 0.25, 1.0, 21, (), "good")) == "·····├────●─────────┤"
    assert drawn(interval_of(0.2, -0.5, 0.6, 21, (), "good")) == "◂───●───────┤········"
    assert drawn(interval_of(None, None, None, 5, (), "good")) == "·····"
    assert drawn(interval_of(1.0, None, None, 5, (0.5,), "good")) == "··┊·●"
    assert drawn(interval_of(-0.2, None, None, 5, (), "good")) == "◂····"


@quick(100)
@given(st.none() | st.floats(-1, 2, allow_nan=False), st.integers(0, 40))
def test_a_bar_fits_its_room(share, room):
    assert len(drawn(bar_of(share, room))) == (0 if share is None else room)


def section(*values: float | None) -> Section:
    columns = (
        Column("name", 0, text_cell(lambda item: item[0]), lambda item: item[0], right=False),
        Column("value", 8, number_cell(lambda item: item[1]), lambda item: item[1]),
        Column("seldom", 8, number_cell(lambda item: item[1]), lambda item: item[1], from_width=100),
    )
    return Section("", columns, [(f"k{n}", (f"row {n}", value)) for n, value in enumerate(values)], lambda item: [])


@pytest.mark.parametrize("width", [40, 80, 99, 100, 200])
def test_rows_of_a_table_are_as_wide_as_the_table(width):
    grid = Grid([section(0.5, None, 12.0)])
    assert {cells(drawn(grid.pieces(row, width))) for row in range(len(grid))} == {width}
    assert ("–" in drawn(grid.pieces(1, width))) is True


def test_what_has_no_value_comes_last_whichever_way_it_is_sorted():
    one = section(2.0, None, 1.0, 3.0)
    assert one.sort_next(80) == "name"
    assert one.sort_next(80) == "value"
    assert [key for key, _ in one.ordered()] == ["k2", "k0", "k3", "k1"]
    one.turned = True
    assert [key for key, _ in one.ordered()] == ["k3", "k0", "k2", "k1"]
    assert one.sort_next(80) == "as they are"
    assert [key for key, _ in one.ordered()] == ["k3", "k2", "k1", "k0"]


def test_all_tables_of_all_parts_have_rows_of_equal_width(two: Path):
    found = computed(two)
    for part in PARTS:
        for width in (38, 80, 118, 143, 200):
            grid = Grid(tables(found, part))
            wide = {cells(drawn(grid.pieces(row, width))) for row in range(len(grid)) if grid.key(row) is not None}
            assert wide <= {width} or width == 38, (part, width)
