"""The insights screen: every page at every size, filters, the way down to a label, and what is missing."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers import put
from insight_desk import LOOP, Desk
from station import LARGE, MIDDLE, SMALL, Station, station

from labels import queues
from labels.codebook import load_all
from labels.insights.reading import cache
from labels.ledger import Ledger, chunk_target, run_target
from labels.model import Act, Label, Op, SetLabel, SetNone, SetVerdict, StepRef
from review_tui.insights.names import NAMES_OF_PAGES
from review_tui.screens.insights import InsightsScreen
from review_tui.screens.insights_on_demand import Stopped
from review_tui.transcript.folding import cells
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store

MAST = load_all().get("mast")
HOSTILE = "evil \x1b]0;owned\x07 \x9b31m [red]\u202egnp\u200b\nsecond line"
FORBIDDEN = "\x1b\x07\x9b\u202e\u200b\n"
POLICY = "every:5"


def judge(store: Store, run: RunInfo, chunk: int | None, *modes: str, verdict: str = "", who: str = "ann") -> None:
    """Decide on a chunk (None: the whole run): these modes at its second step, or none of them."""
    if chunk is None:
        target = run_target(store, run)
    else:
        cut = chunks_of(store, run, Policy.parse(POLICY))
        target = chunk_target(chunk_ref(store, run, cut, chunk), POLICY)
    index = min(target.first.index + 1, target.last.index)
    step = StepRef(id=catalog.step_id(store, run.no, index) or "", index=index)
    ops: list[Op] = []
    for place, mode in enumerate(modes):
        cause = f"{chunk}-{place - 1}" if place else None
        found = Label(
            id=f"{chunk}-{place}", mode=mode, code="", name=mode, codebook=MAST.ref, first=step, last=step,
            caused_by=cause,
        )  # fmt: skip
        ops.append(SetLabel(label=found))
    if not modes and chunk is not None:
        ops.append(SetNone(codebook=MAST.ref))
    ops.append(SetVerdict.model_validate({"verdict": verdict or ("stop" if modes else "approve")}))
    Ledger(store, who).record(run, Act(target=target, ops=tuple(ops), blind_suggestions=True, blind_votes=True))


def make(db: Path, folder: Path, runs: int, system: str = "alpha") -> list[RunInfo]:
    """Runs of ten steps of which every second one failed, all judged."""
    folder.mkdir(exist_ok=True)
    made = []
    with Store.open(db) as store:
        for number in range(runs):
            run = put(store, folder / f"{number}.jsonl", [f"{system} {number} step {step}" for step in range(10)])
            with store.write() as tx:
                tx.execute(
                    "UPDATE run SET system = ?, title = ?, started_at = ? WHERE id = ?",
                    [system, f"{system} run {number}", f"2026-11-{number % 28 + 1:02d}T10:00:00+00:00", run.id],
                )
            fresh = catalog.run_by_id(store, run.id)
            assert fresh is not None
            failed = number % 2 == 0
            judge(store, fresh, 0, *(["step-repetition", "task-derailment"] if failed else []))
            judge(store, fresh, 1, *(["incorrect-verification"] if number % 3 == 0 else []))
            judge(store, fresh, None, verdict="stop" if failed else "approve")
            made.append(fresh)
    return made


@pytest.fixture
def judged_db(db: Path, tmp_path: Path) -> Path:
    """Twelve runs of one system, and six of one with a hostile name."""
    make(db, tmp_path / "alpha", 12)
    make(db, tmp_path / "evil", 6, HOSTILE)
    return db


async def open_insights(here: Station) -> InsightsScreen:
    await here.press("V")
    await here.until(lambda: isinstance(here.app.screen, InsightsScreen))
    screen = here.app.screen
    assert isinstance(screen, InsightsScreen)
    await settled(here, screen)
    return screen


async def settled(here: Station, screen: InsightsScreen) -> None:
    await here.until(lambda: screen.found is not None and not screen.doing, "the figures")
    await here.pilot.pause()


def rows(screen: InsightsScreen) -> list[str]:
    """All rows of the page, also those that are not on the screen."""
    source, width = screen.body.source, screen.body.size.width
    return ["".join(piece[0] for piece in source.pieces(n, width) if piece) for n in range(len(source))]


# -- pages -----------------------------------------------------------------------------------------------------------

#: Of each page, what must be on it.
SAYS = {
    "modes": "share of runs with the mode", "outcome": "Failed against successful runs", "groups": "[system]",
    "where": "Where the first failure of a run begins", "pairs": "Modes that occur together", "chains": "Cascades",
    "lost": "Spent after the first failure began", "saved": "Prevented by review",
    "plan": "What a review every few steps buys", "compare": "Two groups of runs side by side",
}  # fmt: skip


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 15), (40, 10)])
async def test_every_page_fits_and_is_harmless(judged_db: Path, size: tuple[int, int]) -> None:
    async with station(judged_db, size=size) as here:
        screen = await open_insights(here)
        for number, name in enumerate(NAMES_OF_PAGES, 1):
            await here.press(str(number % 10))
            await settled(here, screen)
            found = rows(screen)
            assert SAYS[name] in "\n".join(found)
            assert not any(letter in FORBIDDEN for row in found for letter in row)
            if size[0] >= 80:
                assert [row for row in found if cells(row) > size[0]] == []
            assert all(cells(line) <= size[0] for line in here.lines)
            for key in ("down", "pagedown", "end", "home", "up"):
                await here.press(key)


async def test_figures_are_shown_with_interval_and_count(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        assert "18 runs judged, 9 failed, 9 successful" in here.head
        (row,) = [row for row in rows(screen) if "Step repetition" in row]
        assert "50%" in row and "9/18" in row and "29–71" in row and "█" in row  # noqa: PT018
        await here.press("2")
        assert any("●" in row and "○" in row and "Task derailment" in row for row in rows(screen))
        await here.press("4")
        assert any("by step 2" in row for row in rows(screen))
        await here.press("5")
        (row,) = [row for row in rows(screen) if "+ 2.3 Task derailment" in row]
        assert "+1.00" in row
        await here.press("6")
        assert any("└▶ 2.3 Task derailment" in row for row in rows(screen))
        assert any("9× in 9 runs" in row for row in rows(screen))


async def test_keys_go_through_pages_measures_and_groupings(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("tab")
        assert screen.page == 1
        await here.press("shift+tab", "left")
        assert screen.page == len(NAMES_OF_PAGES) - 1
        await here.press("p")  # from another page, first to the one that has measures
        assert (screen.page, screen.column) == (0, 0)
        seen = set()
        for _ in range(12):
            seen.add(rows(screen)[0].split("  ")[0])
            await here.press("p")
        assert len(seen) == 4
        await here.press("3", "g", "g")
        assert "[benchmark]" in "\n".join(rows(screen))
        await here.press("1", "r")
        order = [row for row in rows(screen) if "/" in row and row[1:2].isdigit()]
        assert "Step repetition" in order[0] or "Task derailment" in order[0]


async def test_the_page_scrolls_to_both_ends(judged_db: Path) -> None:
    async with station(judged_db, size=(80, 12)) as here:
        screen = await open_insights(here)
        last = rows(screen)[-1].strip()
        await here.press("end")
        assert last in here.text
        await here.press("home")
        assert "share of runs with the mode" in here.text
        for _ in range(40):
            await here.press("down")
        assert last in here.text
        for _ in range(40):
            await here.press("up")
        assert "share of runs with the mode" in here.text
        assert screen.body.cursor == screen.body._next(-1, 1)


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE])
async def test_every_measure_fits(judged_db: Path, size: tuple[int, int]) -> None:
    async with station(judged_db, size=size) as here:
        screen = await open_insights(here)
        marked = 0
        for _ in range(14):
            assert [row for row in rows(screen) if cells(row) > size[0]] == []
            marked += any("◆" in row for row in rows(screen))
            await here.press("p")
        assert marked >= 10  # published columns were among them


async def test_a_resize_draws_anew(judged_db: Path) -> None:
    async with station(judged_db, size=LARGE) as here:
        screen = await open_insights(here)
        for width, height in (SMALL, (30, 8), MIDDLE, (120, 4)):
            await here.pilot.resize_terminal(width, height)
            await here.until(lambda width=width: screen.body.size.width == width)
            await here.pilot.pause()
            assert all(cells(line) <= width for line in here.lines)


async def test_what_the_figures_rest_on_can_be_read(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        await open_insights(here)
        await here.press("I")
        assert "What these figures rest on" in here.text
        assert "votes settled by majority" in here.text
        await here.press("escape")
        assert here.screen == "InsightsScreen"


# -- filters ---------------------------------------------------------------------------------------------------------


async def test_filters_narrow_and_are_taken_off(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("s")
        assert "alpha" in here.text
        assert not any(letter in FORBIDDEN for line in here.lines for letter in line)
        await here.press("down", "enter")
        await settled(here, screen)
        assert "system alpha" in here.head and "12 runs judged" in here.head  # noqa: PT018
        await here.press("o")
        await here.until(lambda: "failure" in here.text)
        await here.press("down", "enter")
        await settled(here, screen)
        assert "6 runs judged" in here.head
        await here.press("s", "enter")  # any system
        await settled(here, screen)
        assert "9 runs judged" in here.head
        await here.press("x")
        await settled(here, screen)
        assert "18 runs judged" in here.head


async def test_a_group_is_a_filter(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("3", "down", "enter")
        await settled(here, screen)
        assert "6 runs judged" in here.head
        assert not any(letter in FORBIDDEN for line in here.lines for letter in line)


async def test_time(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("t")
        await here.type("2026-11-01..2026-11-03")
        await settled(here, screen)
        assert "6 runs judged" in here.head
        await here.press("t")
        await here.type("yesterday")
        await here.until(lambda: "no date" in here.footer or "no range" in here.footer)
        await here.press("t")
        await here.type("1999")
        await here.until(lambda: "no date" in here.footer)
        await here.press("t")
        await here.type("1999-01")
        await settled(here, screen)
        assert "No run is in this scope" in "\n".join(rows(screen))
        await here.press("t")
        await here.type("")
        await settled(here, screen)
        assert "18 runs judged" in here.head


async def test_what_runs_do_not_say_is_no_filter(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        await open_insights(here)
        await here.press("m")
        await here.until(lambda: "No judged run says what its model is" in here.text, "the window")
        await here.press("escape")
        await here.until(lambda: here.screen == "InsightsScreen", "the figures")
        assert "No judged run says" not in here.text


async def test_keys_that_compute_say_what_they_did(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        for key, said in (
            ("x", "No filter is on"), ("R", "Computed again"), ("h", "still to judge count, too"),
            ("h", "do not count"),
        ):  # fmt: skip
            await here.press(key)
            await here.until(lambda said=said: said in here.footer, said)
        await settled(here, screen)
        screen.narrow("system", "alpha")
        await here.press("x")
        await here.until(lambda: "no filter is on any more" in here.footer, "the answer")


async def test_what_was_said_goes_with_the_next_key(judged_db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review_tui.screens.base.GLANCE_S", 0.0)
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("x")
        await here.until(lambda: "No filter is on" in here.footer, "the answer")
        await here.press("2")
        await here.until(lambda: "? keys" in here.footer, "the keys")
        await settled(here, screen)


async def test_another_codebook(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("c", "enter")
        assert screen.book == "mast"


# -- down to a label and back ----------------------------------------------------------------------------------------


async def test_from_a_bar_to_the_transcript_and_back(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        while "step-repetition" not in (screen.body.selected or ""):
            await here.press("down")
        await here.press("enter")
        await here.until(lambda: here.screen == "LabelledScreen" and "9 places" in here.head)
        assert "step 2" in here.text
        assert not any(letter in FORBIDDEN for line in here.lines for letter in line)
        await here.press("down", "enter")
        await here.until(lambda: here.reviewing)
        assert here.cursor[0] == 1
        assert "Step repetition / " in here.head
        await here.press("q")
        assert here.screen == "LabelledScreen"
        await here.press("q")
        assert here.screen == "InsightsScreen"
        await here.press("q")
        assert here.screen == "InboxScreen"


async def test_figures_follow_what_is_decided_on_the_way(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        while "task-derailment" not in (screen.body.selected or ""):
            await here.press("down")
        assert not any("8/18" in row for row in rows(screen))
        await here.press("enter")
        await here.until(lambda: here.screen == "LabelledScreen" and "9 places" in here.head)
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("d")  # removes the label that the cursor is at
        await here.until(lambda: len(here.decision(1).labels) == 1)
        await here.press("q", "q")
        assert here.screen == "InsightsScreen"
        await here.until(lambda: any("8/18" in row for row in rows(screen)), "the figures of now")
        assert "task-derailment" in (screen.body.selected or "")


async def test_hidden_labels_are_only_counted(db: Path, tmp_path: Path) -> None:
    runs = make(db, tmp_path / "runs", 6)
    with Store.open(db) as store:
        queues.create(store, "q", runs, policy=POLICY)
    async with station(db, size=MIDDLE, reviewer="bob") as here:
        screen = await open_insights(here)
        while "step-repetition" not in (screen.body.selected or ""):
            await here.press("down")
        await here.press("enter")
        await here.until(lambda: here.screen == "LabelledScreen" and "3 labels of others are hidden" in here.text)
        assert "ann" not in here.text


async def test_runs_that_one_is_still_to_judge_are_left_out(db: Path, tmp_path: Path) -> None:
    runs = make(db, tmp_path / "runs", 6)
    with Store.open(db) as store:
        queues.create(store, "q", runs, policy=POLICY)
        judge(store, runs[0], 0, "premature-termination", who="bob")
    async with station(db, size=MIDDLE, reviewer="bob") as here:
        screen = await open_insights(here)
        assert "6 runs hidden: I" in here.head
        assert "Nobody has judged" in "\n".join(rows(screen))
        await here.press("I")
        assert "6 runs of queues in which you have not decided on everything yet" in " ".join(here.text.split())
        await here.press("escape", "h")
        await settled(here, screen)
        assert "6 runs judged" in here.head


# -- what is missing -------------------------------------------------------------------------------------------------


async def test_an_empty_database_says_how_to_get_figures(db: Path) -> None:
    async with station(db, size=SMALL) as here:
        screen = await open_insights(here)
        for number in range(1, 8):
            await here.press(str(number))
            assert "There are no runs yet." in "\n".join(rows(screen))
            assert "review-tui import" in "\n".join(rows(screen))
        for key in "89pgnrcsmobtxI":
            await here.press(key, "escape") if key in "tI" else await here.press(key)
        if here.screen == "InboxScreen":
            return
        await settled(here, screen)


async def test_runs_without_a_judgement(checkout_db: Path) -> None:
    async with station(checkout_db, size=SMALL) as here:
        screen = await open_insights(here)
        assert "Nobody has judged a failure mode yet." in "\n".join(rows(screen))
        await here.press("9")
        await settled(here, screen)
        assert "review-tui plan" in "\n".join(rows(screen))


async def test_one_run_is_too_few_for_plots(db: Path, tmp_path: Path) -> None:
    make(db, tmp_path / "one", 1)
    async with station(db, size=SMALL) as here:
        screen = await open_insights(here)
        for number in range(1, 8):
            await here.press(str(number))
            found = "\n".join(rows(screen))
            assert "one run is judged: below 5" in found
            drawn = [row for row in rows(screen) if ("█" in row or "▓" in row) and "at least" not in row]
            assert number == 6 or drawn == []


async def test_one_kind_of_outcome_is_said(db: Path, tmp_path: Path) -> None:
    make(db, tmp_path / "some", 6)
    async with station(db, size=SMALL) as here:
        screen = await open_insights(here)
        await here.press("o", "down", "enter")
        await settled(here, screen)
        await here.press("2")
        assert "the comparison needs successful ones, too." in " ".join(" ".join(rows(screen)).split())


# -- computing -------------------------------------------------------------------------------------------------------


async def test_the_screen_is_there_before_the_figures_and_leaving_stops_them(
    judged_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    stopped: list[bool] = []
    real = cache.load

    def slow(store: Store, progress: Any) -> Any:
        progress(1, 7)
        began.set()
        go_on.wait(10)
        try:
            progress(2, 7)
            return real(store, progress)
        except Stopped:
            stopped.append(True)
            raise
        finally:
            ended.set()

    monkeypatch.setattr(cache, "load", slow)
    async with station(judged_db, size=SMALL) as here:
        await here.press("V")
        await here.until(began.is_set)
        await here.until(lambda: "reading decisions of 1/7 runs" in here.text)
        for key in ("2", "tab", "p", "g", "n", "r", "enter", "down", "s", "t", "c", "I", "9"):
            await here.press(key)  # nothing of it can be done yet, and nothing breaks
        assert here.screen == "InsightsScreen"
        await here.press("q")
        assert here.screen == "InboxScreen"
        go_on.set()
        await asyncio.to_thread(ended.wait, 10)
        assert stopped == [True]


async def test_figures_are_computed_again_from_what_is_said_now(judged_db: Path) -> None:
    async with station(judged_db, size=MIDDLE) as here:
        screen = await open_insights(here)
        with Store.open(judged_db) as store:
            run = put(store, judged_db.parent / "new.jsonl", [f"new step {step}" for step in range(10)])
            judge(store, run, 0, "premature-termination")
        await here.press("R")
        await settled(here, screen)
        assert "19 runs judged" in here.head


# -- two groups side by side -----------------------------------------------------------------------------------------


@pytest.fixture
def two_systems(db: Path, tmp_path: Path) -> Path:
    """Twelve runs of one system, of which half failed with a loop, and ten of another without any failure."""
    make(db, tmp_path / "alpha", 12)
    with Store.open(db) as store:
        for number in range(10):
            run = put(store, tmp_path / f"beta{number}.jsonl", [f"beta {number} step {step}" for step in range(10)])
            with store.write() as tx:
                tx.execute("UPDATE run SET system = 'beta', started_at = '2026-10-05T00:00:00Z' WHERE id = ?", [run.id])
            fresh = catalog.run_by_id(store, run.id)
            assert fresh is not None
            judge(store, fresh, 0)
            judge(store, fresh, 1)
            judge(store, fresh, None, verdict="approve")
    return db


async def test_the_two_largest_groups_are_compared_at_once(two_systems: Path) -> None:
    async with station(two_systems, size=MIDDLE) as here:
        screen = await open_insights(here)
        await here.press("0")
        await here.until(lambda: screen.compared is not None and not screen.doing, "the comparison")
        text = "\n".join(rows(screen))
        assert "system: A = alpha, B = beta" in text
        assert "beta fails less often than alpha: 0 % against 50 % of runs" in text
        (row,) = [row for row in rows(screen) if "Step repetition" in row and "│" in row]
        assert "50%" in row and "0%" in row and "-50 (-75..-13)" in row  # noqa: PT018
        assert row.index("├") < row.index("●") < row.index("┤") < row.index("│")  # all of it is below zero
        assert any("failure rate" in row and "◆" in row for row in rows(screen))
        assert not any("Step repetition" in row and "◆" in row for row in rows(screen))  # after Holm it may be chance
        await here.press("w")
        await here.until(lambda: screen.compared is not None and not screen.doing, "the other way round")
        assert "alpha fails more often than beta" in "\n".join(rows(screen))
        await here.press("enter")
        await here.until(lambda: here.app.screen is not screen, "the places of the mode")


async def test_two_groups_are_chosen(two_systems: Path) -> None:
    async with station(two_systems, size=SMALL) as here:
        screen = await open_insights(here)
        await here.press("v", "down", "enter")  # behind the systems: ranges of time
        assert screen.page == 0
        await here.press(*"soon", "enter")
        assert "First group (no range of time)" in here.text
        await here.press(*["backspace"] * 4, *"2026-10", "enter")
        await here.press(*"2026-11", "enter")
        await here.until(lambda: screen.compared is not None and not screen.doing, "the comparison")
        text = " ".join(" ".join(rows(screen)).split())
        assert "time: A = 2026-10, B = 2026-11" in text
        assert "2026-11 fails more often than 2026-10" in text
        await here.press("v", "escape")
        assert screen.pair == ("time", "2026-10", "2026-11")
        await here.press("v", "enter", "enter", "enter")
        await here.until(lambda: screen.pair != ("time", "2026-10", "2026-11") and not screen.doing, "systems")
        assert screen.pair == ("system", "alpha", "beta")
        await here.press("o", "down", "down", "enter")  # runs that failed: compared anew
        await here.until(lambda: isinstance(screen.compared, str) and not screen.doing, "what cannot be compared")
        assert "no judged run has system" in " ".join(rows(screen))


async def test_without_two_groups_the_page_says_what_to_do(db: Path, tmp_path: Path) -> None:
    make(db, tmp_path / "alpha", 6)
    async with station(db, size=SMALL) as here:
        screen = await open_insights(here)
        await here.press("0", "w")
        assert "Press v and choose" in " ".join(" ".join(rows(screen)).split())
        assert screen.comparing() is None


async def test_plans_of_many_systems_end_when_the_screen_is_left(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labels.planning import systems

    for name in ("alpha", "beta", "gamma"):
        make(db, tmp_path / name, 2, name)
    begun: list[str] = []
    go_on = threading.Event()
    real = systems._plan

    def slow(system: str, *rest: Any) -> Any:
        begun.append(system)
        assert go_on.wait(20)
        return real(system, *rest)

    monkeypatch.setattr(systems, "_plan", slow)
    async with station(db, size=SMALL) as here:
        screen = await open_insights(here)
        await here.press("9")
        await here.until(lambda: len(begun) == 1, "the first plan")
        await here.until(lambda: "calculating plans of 0/3 systems" in here.head, "how far it is")
        await here.press("q")
        await here.until(lambda: here.app.screen is not screen, "the inbox")
        go_on.set()
        await here.pilot.pause(0.3)
        assert len(begun) == 1


async def test_one_of_something_is_no_more_than_one(tmp_path: Path) -> None:
    db = tmp_path / "one.db"
    with Store.open(db) as store:
        desk = Desk(store, tmp_path)
        desk.judged(desk.run(), LOOP)
    async with station(db, size=MIDDLE) as here:
        await open_insights(here)
        assert "1 run judged" in here.head
        await here.press("c")
        await here.until(lambda: "Modes of which codebook" in here.text, "the codebooks")
        assert "1 run judged" in here.text
        await here.press("escape", "I")
        await here.until(lambda: "1 vote and 1 label by ann." in here.text, "the counts")
