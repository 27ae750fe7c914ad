"""Files that are no runs, databases that cannot be used, disks that are full: one clear line, and it goes on."""

import gzip
import json
import os
import threading
import time
import zipfile
from pathlib import Path

import pytest
from pty_tool import terminal
from station import CHECKOUT, SAMPLES, NoImport, Station, fill, station
from textual.widgets import Input

from labels import events, views
from review_tui.app import ReviewApp
from sessions import catalog
from sessions import store as store_module
from sessions.store import Store

LINE = {"type": "user", "message": {"role": "user", "content": "hello"}, "uuid": "u", "sessionId": "s"}
SECRET = "no-such-content"


def empty(path: Path) -> None:
    path.write_bytes(b"")


def blank(path: Path) -> None:
    path.write_text("\n \n\t\n")


def image(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(50_000))


def truncated(path: Path) -> None:
    path.write_bytes(CHECKOUT.read_bytes()[:9000])


def half_line(path: Path) -> None:
    path.write_bytes((SAMPLES / "replit-freeze.jsonl").read_bytes()[:15_000])


def deep(path: Path) -> None:
    path.write_text('{"messages": [{"role": "user", "content": ' + "[" * 10_000 + "]" * 10_000 + "}]}")


def deep_lines(path: Path) -> None:
    path.write_text(json.dumps(LINE) + "\n" + '{"a":' * 10_000 + "1" + "}" * 10_000 + "\n" + json.dumps(LINE) + "\n")


def latin(path: Path) -> None:
    path.write_bytes('{"messages": [{"role": "user", "content": "caf\u00e9 \u00fc"}]}'.encode("latin-1"))


def utf16(path: Path) -> None:
    path.write_bytes('{"messages": [{"role": "user", "content": "hello"}]}'.encode("utf-16"))


def wrong_shapes(path: Path) -> None:
    values = [
        1,
        None,
        "x",
        [],
        {},
        {"type": "user", "message": 5},
        {"type": ["user"]},
        {"type": "user", "message": {"content": {}}},
        {"type": "assistant", "message": {"content": [{"type": "tool_use", "input": 7, "name": {}}]}},
    ]
    path.write_text("".join(json.dumps(value) + "\n" for value in [LINE, *values, LINE]))


def wrong_messages(path: Path) -> None:
    path.write_text(
        json.dumps({"messages": [1, None, {"role": 5}, {"role": "user", "content": 7}, [], {"role": "tool"}]})
    )


def bomb_gz(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"a": "' + b"0" * 50_000_000, 9))


def bomb_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jsonl", b"0" * 50_000_000)


def nul(path: Path) -> None:
    path.write_bytes(b"\0" * 100_000)


def one_long_line(path: Path) -> None:
    path.write_text("x" * 3_000_000)


BAD = [
    empty,
    blank,
    image,
    noise,
    truncated,
    half_line,
    deep,
    deep_lines,
    latin,
    utf16,
    wrong_shapes,
    wrong_messages,
    bomb_gz,
    bomb_zip,
    nul,
    one_long_line,
]


@pytest.mark.parametrize("name", ["bad.json", "bad.jsonl"])
@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
async def test_a_bad_file_does_not_end_the_station(db, tmp_path, make, name):
    """It opens with what can be read, or a line says what is wrong; the inbox works either way."""
    file = tmp_path / name
    make(file)
    async with station(db, file) as here:
        await here.until(lambda: here.reviewing or here.app.last_problem or here.app._notifications, "a run or a word")
        if here.app.last_problem:
            assert "Traceback" not in here.app.last_problem
            assert "\n" not in here.app.last_problem
            assert name in here.app.last_problem
        if here.reviewing:
            for key in ("G", "g", "Z", "i", "escape", "I", "escape", "a", "u"):
                await here.press(key)
            await here.press("q")
            await here.until(lambda: here.screen == "InboxScreen")
        for key in ("down", "s", "S", "f", "f", "f", "f"):
            await here.press(key)
        assert here.app._exception is None


async def test_bad_files_among_good_ones(db, tmp_path):
    for make in BAD:
        make(tmp_path / f"{make.__name__}.jsonl")
    (tmp_path / "zz-good.json").write_bytes(CHECKOUT.read_bytes())
    async with station(db, tmp_path) as here:
        await here.until(lambda: "Incident 4127" in here.text, "the good one")


async def test_a_folder_without_runs(db, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.md").write_text("# nothing\n")
    async with station(db, tmp_path / "none") as here:
        await here.until(lambda: "The inbox is empty" in here.text, "that there is nothing")


async def test_a_file_that_goes_away_while_it_is_read(db, tmp_path):
    file = tmp_path / "gone.json"
    file.write_bytes(CHECKOUT.read_bytes())
    with Store.open(db) as store:
        app = ReviewApp(store, "ann", [file])
        file.unlink()
        async with app.run_test() as pilot:
            here = Station(app, pilot, db)
            await here.until(lambda: app.last_problem, "a word")
            assert "gone.json" in app.last_problem


async def test_a_step_of_60_000_lines_is_no_trouble(db, tmp_path):
    """Only a sanity bound; the benchmarks measure."""
    file = tmp_path / "giant.json"
    lines = "\n".join(f"line {number} " + "word " * (number % 30) for number in range(60_000))
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": lines},
        {"role": "user", "content": "ok"},
    ]
    file.write_text(json.dumps({"messages": messages}))
    fill(db, file)
    async with station(db, file) as here:
        for key in ("J", "j", "space", "G", "k", "b", "K", "g", "z", "Z", "J", "ctrl+d"):
            begun = time.monotonic()
            await here.press(key)
            assert time.monotonic() - begun < 1.0, key
        await here.press("slash")
        await here.type("line 59999")
        await here.until(lambda: "line 59999" in "\n".join(here.lines[2:-1]), "the last line")
        await here.press("escape", "v", "l", "2", "6")
        assert here.decision(1).labels[0].evidence[0].quote.startswith("line 59999")


# -- databases ----------------------------------------------------------------------------------------------------


async def test_a_database_that_can_only_be_read(checkout_db):
    """Everything can be looked at; deciding says why it does not work."""
    with Store(checkout_db, read_only=True) as store:
        app = ReviewApp(store, "ann", [CHECKOUT], importer=NoImport())
        async with app.run_test(size=(120, 36)) as pilot:
            here = Station(app, pilot, checkout_db)
            await here.until(lambda: here.reviewing)
            await here.press("a")
            await here.until(lambda: "cannot be written to" in here.footer)
            assert here.chunk == 1
            for keys in (["l", "2", "6"], ["0"], ["u"], ["t", "x", "enter"], ["s"]):
                await here.press(*keys)
                assert here.screen == "ReviewScreen", keys
                assert "cannot be written to" in here.footer or "Nothing to undo" in here.footer, keys
            await here.press("slash")
            await here.type("currency")
            await here.until(lambda: "steps" in here.footer)
            await here.press("escape", "q")
            await here.until(lambda: here.screen == "InboxScreen")
            assert "0/5" in here.text
    with Store.open(checkout_db) as store:
        assert store.query("SELECT count(*) FROM event") == [(0,)]


@pytest.fixture
def lock(checkout_db):
    """Holds the database's write lock until it is told to let go."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        # The station's own SQLite: two libraries in one process do not see each other's locks.
        connection = store_module.sqlite3.connect(checkout_db, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        let_go.wait(30)
        connection.execute("ROLLBACK")
        connection.close()

    threads = []

    def start() -> threading.Event:
        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        threads.append(thread)
        assert held.wait(10)
        return let_go

    yield start
    let_go.set()
    for thread in threads:
        thread.join(10)


async def test_a_locked_database_is_waited_for(checkout_db, lock):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s")
        let_go = lock()
        here.app._driver.send_message(_key("a"))
        await _see(here, "waiting for the database")
        assert [item.verdict for item in here.decisions()] == ["stop"]
        let_go.set()
        await here.until(lambda: "Chunk 1 approved" in here.footer)
        assert [item.verdict for item in here.decisions()] == ["approve"]


async def test_a_database_that_stays_locked_is_told_of(checkout_db, lock, monkeypatch):
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_MS", 300)
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s")
        let_go = lock()
        await here.press("a")
        await here.until(lambda: "has been locked" in here.footer, "the message")
        assert here.chunk == 1
        assert "0/5" not in here.head
        assert [item.verdict for item in here.decisions()] == ["stop"]
        let_go.set()
        await here.press("a")
        await here.until(lambda: "Chunk 1 approved" in here.footer)
        with Store.open(checkout_db) as store:
            assert events.verify(store) == []


@pytest.mark.parametrize("key", ["question_mark", "j"])
async def test_reading_goes_on_while_a_decision_waits(checkout_db, lock, key):
    """A lock of half a minute must not freeze the screen."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s")
        let_go = lock()
        here.app._driver.send_message(_key("a"))
        await _see(here, "waiting for the database")
        before = here.cursor, here.screen
        here.app._driver.send_message(_key(key))
        end = time.monotonic() + 3
        try:
            while (here.cursor, here.screen) == before:
                assert time.monotonic() < end, "no key does anything while the database is waited for"
                await here.pilot.app.animator.wait_for_idle()
                await _sleep()
        finally:
            let_go.set()
            await here.until(lambda: here.decision(1).verdict == "approve")


async def test_quitting_while_a_decision_waits(checkout_db, lock):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s")
        let_go = lock()
        here.app._driver.send_message(_key("a"))
        await _see(here, "waiting for the database")
        here.app._driver.send_message(_key("ctrl+q"))
        let_go.set()
        await _see(here, "", lambda: here.app._exit)
    with Store.open(checkout_db) as store:
        (run,) = catalog.runs(store)
        assert [item.verdict for item in views.decisions(store, run, "ann")] == ["approve"]


def _key(key: str):
    from textual import events as textual_events

    return textual_events.Key(key, key if len(key) == 1 else None)


async def _sleep() -> None:
    import asyncio

    await asyncio.sleep(0.01)


async def _see(here: Station, text: str, condition=None) -> None:
    """Wait without `pilot.pause`, which waits for the very key that is held up."""
    end = time.monotonic() + 10
    while not (condition() if condition else text in here.footer):
        assert time.monotonic() < end, text
        await _sleep()


def test_inputs_are_single_lines():
    """What is pasted into a prompt with line breaks is one line, so a note cannot break the screen."""
    assert not hasattr(Input, "multiline")


# -- the whole program --------------------------------------------------------------------------------------------


def one_line(term) -> str:
    """The program's only words, where it does not start."""
    assert term.wait() == 1
    text = term.raw.decode()
    assert b"\x1b" not in term.raw
    assert len(text.strip().splitlines()) == 1, text
    assert text.startswith("review-tui: ")
    return text


@pytest.mark.pty
def test_a_damaged_database(checkout_db):
    data = bytearray(checkout_db.read_bytes())
    data[100:4096] = os.urandom(3996)
    checkout_db.write_bytes(data)
    Path(f"{checkout_db}-wal").unlink(missing_ok=True)
    with terminal("--db", checkout_db, CHECKOUT, size=(300, 30)) as term:
        assert "damaged" in one_line(term)


@pytest.mark.pty
def test_a_file_that_is_no_database(tmp_path):
    with terminal("--db", CHECKOUT, size=(300, 30)) as term:
        assert "not a review-tui database" in one_line(term)
    assert CHECKOUT.read_bytes().startswith(b"{")


@pytest.mark.pty
def test_a_folder_as_a_database(tmp_path):
    with terminal("--db", tmp_path, size=(300, 30)) as term:
        assert "is a folder" in one_line(term)


@pytest.mark.pty
def test_a_database_of_a_newer_version(checkout_db):
    with Store.open(checkout_db) as store:
        store.raw_connection().execute("PRAGMA user_version = 99")
    with terminal("--db", checkout_db, CHECKOUT, size=(300, 30)) as term:
        assert "newer review-tui" in one_line(term)


@pytest.mark.pty
def test_a_path_that_does_not_exist(db):
    with terminal("--db", db, "/no/such/run.json", size=(300, 30)) as term:
        assert "there is no file" in one_line(term)


@pytest.mark.pty
@pytest.mark.parametrize("make", [empty, image, deep, truncated], ids=lambda make: make.__name__)
def test_the_program_on_a_bad_file(db, tmp_path, make):
    file = tmp_path / "bad.json"
    make(file)
    with terminal("--db", db, file, size=(140, 30)) as term:
        term.until({truncated: "Incident", deep: "[[[["}.get(make, "bad.json"))
        term.send(b"\x11")
        assert term.wait() == 0
        assert term.restored()
        assert b"Traceback" not in term.raw


@pytest.mark.pty
def test_a_disk_that_is_full(checkout_db):
    """Nothing that was said to be kept is lost, what could not be kept is said, and it goes on when there is room."""
    with Store.open(checkout_db) as store:
        store.raw_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = 0
    with terminal("--db", checkout_db, CHECKOUT, size=(140, 30), limit_kb=40) as term:
        term.until("decided")
        for _ in range(40):
            before = term.raw
            term.send("s")
            term.settle(0.1)
            if "should stop here" in term.lines[-1] and term.raw != before:
                kept += 1
            if "full" in term.lines[-1] or "cannot be" in term.lines[-1] or "database" in term.lines[-1]:
                break
            term.send("A")
            term.settle(0.1)
            if "Every chunk" in term.text or "abstained" in term.lines[-1]:
                kept += 1
            if any(word in term.lines[-1] for word in ("full", "cannot be", "database")):
                break
        else:
            pytest.fail(f"the disk was never full:\n{term.text}")
        assert "saved" in term.lines[-1] or "again" in term.lines[-1] or "cannot" in term.lines[-1]
        term.send("j")
        term.settle(0.1)
        term.send(b"\x11")
        assert term.wait() == 0
        assert term.restored(), term.left_on()
        assert b"Traceback" not in term.raw
    with Store.open(checkout_db) as store:
        assert store.query("SELECT count(*) FROM event")[0][0] >= kept
        assert events.verify(store) == []


async def test_a_short_wait_is_not_explained(checkout_db):
    async with station(checkout_db) as here:
        said: list[str] = []
        screen = here.app.screen
        screen.say = lambda text, look="text": said.append(text)
        await screen.work(time.sleep, 0.6)
        assert said == []
        await screen.work(time.sleep, 1.3)
        assert said == ["waiting for the database ..."]
