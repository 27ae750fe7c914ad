"""Large files in the station: read from while they come, left in the middle, folders listed as they are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pty_tool import terminal

from labels import views
from sessions import catalog, discover
from sessions.store import Store

STEPS = 120_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 MB: a second or two of reading, whatever the machine."""
    path = tmp_path_factory.mktemp("large") / "run.jsonl"
    with open(path, "w") as file:
        for number in range(STEPS):
            role = "user" if number % 20 == 0 else "assistant"
            file.write(json.dumps({"role": role, "content": f"turn {number} " + "word " * 55}) + "\n")
    return path


@pytest.mark.pty
@pytest.mark.parametrize("keys", [["\x03"], ["\x11"], ["q", "q"]])
def test_quitting_in_the_middle_of_reading(db: Path, large: Path, keys: list[str]) -> None:
    with terminal("--db", db, large) as term:
        term.until("turn 0 word")
        term.send("a")
        term.until("Chunk 1 approved")
        for key in keys[:-1]:
            term.send(key)
            term.until("Enter open")
        term.send(keys[-1])
        assert term.wait() == 0
        assert term.restored(), term.left_on()
        assert b"Traceback" not in term.raw
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
        assert not run.complete, "it was quick enough to read all: make the file larger"
        assert 0 < run.steps < STEPS
        assert [item.verdict for item in views.decisions(store, run, "ann")] == ["approve"]


def test_a_folder_is_looked_through_as_it_is_read(tmp_path: Path, monkeypatch) -> None:
    """The first run of ten thousand files can be imported before the second file is opened."""
    for number in range(50):
        (tmp_path / f"{number:02d}.jsonl").write_text(json.dumps({"role": "user", "content": f"task {number}"}) + "\n")
    looked, sniff = [], discover.sniff
    monkeypatch.setattr(discover, "sniff", lambda path: looked.append(path) or sniff(path))
    search = iter(discover.find([tmp_path]))
    assert next(search).path.name == "00.jsonl"
    assert len(looked) == 1
    assert next(search).path.name == "01.jsonl"
    assert len(looked) == 2
    assert len(list(search)) == 48
