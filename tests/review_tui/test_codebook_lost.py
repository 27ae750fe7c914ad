"""A codebook file that goes away while the station runs: what was read of it stays in use, and the reviewer is told."""

from pathlib import Path

import pytest
from station import Station, station

from labels.codebook import BUILT_IN, Codebooks, load_all
from sessions.errors import UserError
from sessions.store import Store


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    found = tmp_path / "mine.toml"
    found.write_text((BUILT_IN / "safety.toml").read_text().replace('id = "safety"', 'id = "mine"', 1))
    return found


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "review.db"
    Store.open(path).close()
    return path


def told_in(here: Station) -> list[str]:
    return [item.message for item in here.app._notifications]


def test_a_file_that_is_gone_counts_as_it_was(mine: Path) -> None:
    before = load_all([mine])
    mine.unlink()
    with pytest.raises(UserError):
        load_all([mine])
    found = load_all([mine], before=before)
    assert found.get("mine") == before.get("mine")
    assert [problem.hint for problem in found.problems] == ["It stays as it was before."]
    without = load_all([mine], before=Codebooks(()))
    assert [book.id for book in without] == [book.id for book in load_all()]
    assert [problem.hint for problem in without.problems] == ["It is left out."]


async def test_the_station_goes_on_with_what_it_has_read(db: Path, mine: Path) -> None:
    async with station(db, codebook_paths=[mine]) as here:
        mine.unlink()
        here.app.codebooks_changed(mine)
        await here.press("V")
        await here.until(lambda: "There are no runs yet" in here.text, "the figures")
        assert here.app.codebooks().get("mine").id == "mine"
        await here.until(lambda: any("It stays as it was" in told for told in told_in(here)), "the remark")


async def test_a_file_that_was_never_there_keeps_nothing_from_working(db: Path, tmp_path: Path) -> None:
    async with station(db, codebook_paths=[tmp_path / "gone.toml"]) as here:
        await here.press("V")
        await here.until(lambda: "`review-tui import PATH` reads them" in here.text, "what to do")
        assert "demo" not in here.text
