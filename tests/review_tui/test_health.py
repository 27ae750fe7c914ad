"""One's own reviewing on the screen and on the command line, and the characters that curves are drawn with."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from station import LARGE, MIDDLE, SMALL, fill, station
from test_codes import note

from labels.health.decided import Pace, Reading, Week
from labels.health.estimates import Estimate
from labels.health.report import Drift, Health, Retest
from labels.health.taking import Detector, Taking
from labels.ledger import Ledger, chunk_target
from labels.model import Act, SetAnswer, SetLabel, SetVerdict
from review_tui.cli.group import cli
from review_tui.curve import bars, plot
from review_tui.health_words import duration, said
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.store import Store


def decide(db: Path, chunk: int, *ops: Any, who: str = "ann", **more: Any) -> None:
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
        ref = chunk_ref(store, run, chunks_of(store, run, Policy.parse("every:1")), chunk)
        act = Act(
            target=chunk_target(ref, "every:1"), ops=(SetVerdict(verdict="approve"), *ops),
            **{"blind_suggestions": False, "blind_votes": True, **more},
        )  # fmt: skip
        Ledger(store, who).record(run, act)


@pytest.fixture
def reviewed_db(checkout_db: Path) -> Path:
    for chunk in range(12):
        decide(checkout_db, chunk, seconds=20.0 + chunk, read=0.3 if chunk else 1.0)
    decide(checkout_db, 12, who="bob", seconds=400.0)
    return checkout_db


def health(db: Path, *words: str) -> Any:
    result = CliRunner().invoke(cli, ["--db", str(db), "health", *words], env={"REVIEW_TUI_REVIEWER": "ann"})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in words else result.stdout


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (30, 10)])
async def test_the_screen_shows_ones_own_figures(reviewed_db: Path, size: tuple[int, int]):
    async with station(reviewed_db, size=size) as here:
        await here.press("H")
        await here.until(lambda: "12 chunks decided on" in here.text or size[0] < 40)
        assert "bob" not in here.text
        if size[0] >= 80:
            assert "median                     26 s" in here.text
            assert "less than half of the text had been on the screen" in " ".join(here.text.split())
        for key in ("j", "k", "space", "b", "end", "home", "R", "question_mark", "escape"):
            await here.press(key)
        assert here.screen == "HealthScreen"
        await here.press("q")
        assert here.screen == "InboxScreen"


async def test_without_a_decision_it_says_how_to_make_one(checkout_db: Path):
    async with station(checkout_db) as here:
        await here.press("H")
        await here.until(lambda: "Nothing decided yet" in here.text)


async def test_a_hostile_reviewer_and_detector_do_nothing(checkout_db: Path, checkout_run: RunInfo):
    from labels.codebook import load_all
    from labels.model import Evidence, Label, StepRef
    from labels.suggestions import Suggestion, save

    book = load_all().get("mast")
    with Store.open(checkout_db) as store:
        text = catalog.step(store, checkout_run.no, 0).step.parts[0].text[:5]
        ref = StepRef(id=catalog.step_id(store, checkout_run.no, 0) or "", index=0)
        quote = Evidence(step=ref, part=0, start=0, end=len(text), quote=text)
        made = Suggestion(
            mode=book.modes[0].slug, codebook=book.ref, first=ref, last=ref, evidence=(quote,), score=1,
            detector="[red]det\x1b[31m\u202e", version="1",
        )  # fmt: skip
        save(store, checkout_run, [made])
    label = Label(id="x", mode=made.mode, codebook=book.ref, first=ref, last=ref)
    decide(checkout_db, 0, SetAnswer(suggestion=made.id, answer="accept", seconds=1.0), SetLabel(label=label))
    async with station(checkout_db) as here:
        await here.press("H")
        await here.until(lambda: "[red]det" in here.text)
        assert not any(char in here.text for char in "\x1b\u202e")
    assert not any(char in health(checkout_db) for char in "\x1b\u202e")


def test_the_command_line_shows_ones_own_and_others_on_request(reviewed_db: Path):
    mine = health(reviewed_db)
    assert "12 chunks decided on" in mine
    assert "bob" not in mine
    assert "bob  1 chunk decided on" in health(reviewed_db, "--reviewer", "bob")
    document = health(reviewed_db, "--all", "--json")
    assert document["schema"] == "review-tui/health/1"
    assert [item["reviewer"] for item in document["reviewers"]] == ["ann", "bob"]
    ann, bob = document["reviewers"]
    assert ann["time_per_chunk"]["seconds"]["value"] == 25.5
    assert (ann["time_per_chunk"]["seconds"]["n"], ann["time_per_chunk"]["seconds"]["too_few"]) == (12, False)
    assert (bob["time_per_chunk"]["seconds"]["n"], bob["time_per_chunk"]["seconds"]["too_few"]) == (1, True)
    assert ann["read"]["chunks_hardly_read"]["value"] == pytest.approx(11 / 12, abs=1e-4)
    assert "too few to say" in health(reviewed_db, "--reviewer", "bob")


def test_somebody_who_decided_on_nothing_is_told_who_has(reviewed_db: Path):
    words = health(reviewed_db, "--reviewer", "nix")
    assert words == "nobody called nix has decided on anything here. Who has: ann, bob.\n"


def test_decisions_of_one_minute_have_no_trend(reviewed_db: Path):
    words = health(reviewed_db)
    assert "too short a time to tell" in words
    assert "a week" not in words


@pytest.mark.parametrize("width", [48, 60, 78, 100, 200])
def test_no_figure_is_cut_off_however_narrow_it_is(width: int):
    large = Estimate(9999.0, 123456, 1, 2999.0, 12345.0)
    full, few = Estimate(1.0, 123456, 3, 0.9999, 1.0), Estimate(0.5, 2, 1, 0.1, 0.9)
    now = datetime.now(UTC)
    for share, time in ((full, large), (few, few)):
        pace = Pace(time, 3599.0, 899.0, 12345, 12345, [Week(now, 700.0, 12345)] * 8, large, 60.0)
        detector = Detector("a detector with a long name", share, share, share)
        drift = [Drift("chunks with labels", share, share, share, True), Drift("time per chunk", *[time] * 3, True)]
        reading, taking = Reading(share, share, share, 12345), Taking([detector], share, 12345)
        found = Health(
            "a long name", 12345, 1234, now, now, pace, reading, taking, drift, Retest(12345, share, share, -0.99)
        )
        lines = ["".join(text for text, _ in line) for line in said(found, width)]
        assert max(map(len, lines)) <= width
        number = f"n = {share.n:,}"
        assert sum(line.count(number) for line in lines) >= 7


def test_nobody_yet(db: Path):
    fill(db)
    assert health(db, "--all", "--json") == {"schema": "review-tui/health/1", "reviewers": []}
    assert "Nothing decided yet" in health(db)


def test_notes_alone_are_no_reviewing(checkout_db: Path):
    note(checkout_db, "x", 0, who="cat")
    assert "cat" in health(checkout_db, "--all")


# -- characters -------------------------------------------------------------------------------------------------------


def drawn(rows: Any) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def test_a_curve_rises_from_the_left_bottom_to_the_right_top():
    lines = drawn(plot([1, 2, 3, 4], [1, 2, 3, 4], [], 30, 9))
    assert lines[0].startswith(" 4 ┤")
    assert lines[-3].startswith(" 0 └")
    assert lines[-2].split() == ["1", "4", "runs"]
    marks = [line.rstrip()[-1] for line in lines[:6]]
    assert marks[0] not in " │┤"
    first = [line[4] for line in lines[:6]]
    assert first[0] == " "
    assert first[-2] != " "


def test_a_value_holds_until_the_next_thing():
    lines = drawn(plot([1, 4], [1, 4], [], 30, 9))
    assert lines[0] == " 4 ┤" + " " * 25 + "⢸"  # the step is where the second run stands, at the right
    assert lines[4] == "   │" + "⠒" * 25 + "⠚"


def test_there_is_no_curve_without_room_or_values():
    assert plot([1, 2], [1, 2], [], 8, 9) == []
    assert plot([1, 2], [1, 2], [], 40, 4) == []
    assert plot([], [], [], 40, 20) == []


@quick(60)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.integers(13, 120), st.integers(6, 40))
def test_every_row_fits_its_width(news: list[int], width: int, height: int):
    total, observed = 0, []
    for fresh in news:
        total += fresh
        observed.append(total)
    band = [(n + 1, value / 2, value) for n, value in enumerate(observed)]
    rows = drawn(plot(observed, observed, band, width, height))
    assert len(rows) in (0, height)
    assert all(len(row) <= width for row in rows[:-1])


def test_bars_and_durations():
    assert bars([None, 0, 5, 10]) == "·▁▅█"
    assert bars([]) == ""
    assert [duration(value) for value in (None, 0.4, 42.3, 99.6, 120, 3725)] == [
        "-", "0.4 s", "42 s", "1 min 40 s", "2 min", "62 min 05 s",
    ]  # fmt: skip
