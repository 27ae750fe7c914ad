import os
import resource
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import Workers, become_nobody, in_processes
from hypothesis import given
from hypothesis import strategies as st

from sessions import store as store_module
from sessions.errors import UserError
from sessions.store import SCHEMA_VERSION, Store, Transaction, default_path, sqlite3


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach (pytest's own are root's alone)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def add(store: Store, name: str) -> None:
    with store.write() as tx:
        tx.execute("INSERT INTO meta VALUES (?, '')", [name])


def names(store: Store) -> set[str]:
    return {row[0] for row in store.query("SELECT name FROM meta")} - {"origin", "created"}


def refused(path: Path) -> str:
    """What opening this database says: one line."""
    with pytest.raises(UserError) as caught:
        Store.open(path)
    return one_line(caught.value)


def one_line(error: UserError) -> str:
    assert "\n" not in str(error)
    assert error.message.endswith(".")
    assert error.hint
    return str(error)


# -- reading --------------------------------------------------------------------------------------------------------


def test_a_snapshot_stays_as_it_was_while_others_write(db: Path) -> None:
    with Store.open(db) as mine, Store.open(db) as theirs:
        add(theirs, "before")
        with mine.snapshot():
            assert names(mine) == {"before"}
            add(theirs, "after")
            assert names(mine) == {"before"}
        assert names(mine) == {"before", "after"}
        with pytest.raises(ValueError, match="inside"), mine.snapshot():
            raise ValueError("inside")
        add(mine, "mine")
        assert "mine" in names(theirs)


# -- the file -----------------------------------------------------------------------------------------------------


def test_the_files_are_their_owners_alone(db: Path) -> None:
    before = os.umask(0)
    try:
        with Store.open(db) as store:
            add(store, "x")
            modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in db.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"r.db": 0o600, "r.db-wal": 0o600, "r.db-shm": 0o600}


def test_folders_are_made_as_needed_for_their_owner_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / "a" / "b" / "r.db").close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "50%.db", "a#b.db", "ü.db", os.fsdecode(b"\xff.db")])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / name) as store:
        add(store, "x")
    assert (tmp_path / name).stat().st_size
    with Store.open(tmp_path / name) as store:
        assert names(store) == {"x"}


def test_the_default_path_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVIEW_TUI_DB", str(tmp_path / "named.db"))
    assert default_path() == tmp_path / "named.db"
    monkeypatch.delenv("REVIEW_TUI_DB")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "review-tui" / "review.db"


def test_settings_that_durability_rests_on(db: Path) -> None:
    with Store.open(db) as store:
        assert store.one("PRAGMA journal_mode") == ("wal",)
        assert store.one("PRAGMA synchronous") == (2,)
        assert store.one("PRAGMA user_version") == (SCHEMA_VERSION,)
        with store.write("NORMAL") as tx:
            assert tx.execute("PRAGMA synchronous") == [(1,)]
        with store.write() as tx:
            assert tx.execute("PRAGMA synchronous") == [(2,)]


def write_and_raise(store: Store, second: Callable[[Transaction], object]) -> None:
    """A transaction whose second statement goes wrong."""
    with store.write() as tx:
        tx.execute("INSERT INTO meta VALUES ('x', '')")
        second(tx)


def fill_up(store: Store) -> int:
    """Write until it fails, in one line; how often it did not."""
    for number in range(100):
        try:
            add(store, f"{number}:" + "x" * 50_000)
        except UserError as error:
            one_line(error)
            return number
    raise AssertionError("the limit was never reached")


# -- transactions -------------------------------------------------------------------------------------------------


def test_a_block_that_raises_writes_nothing(db: Path) -> None:
    with Store.open(db) as store:
        with pytest.raises(ZeroDivisionError):
            write_and_raise(store, lambda tx: 1 / 0)
        assert names(store) == set()
        add(store, "y")
        assert names(store) == {"y"}


def test_a_statement_that_fails_leaves_the_store_usable(db: Path) -> None:
    with Store.open(db) as store:
        with pytest.raises(UserError) as caught:
            write_and_raise(store, lambda tx: tx.execute("INSERT INTO meta VALUES ('x', '')"))
        assert "UNIQUE" in one_line(caught.value)
        add(store, "x")
        assert names(store) == {"x"}


def test_threads_lose_nothing(db: Path) -> None:
    with Store.open(db) as store:
        failures = []

        def work(number: int) -> None:
            try:
                for turn in range(25):
                    add(store, f"{number}/{turn}")
                store.close_thread()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert names(store) == {f"{number}/{turn}" for number in range(8) for turn in range(25)}


def test_six_processes_lose_nothing_and_never_overwrite_each_other(db: Path) -> None:
    with Store.open(db) as store, store.write() as tx:
        tx.execute("INSERT INTO meta VALUES ('count', '0')")

    def count_up() -> None:
        with Store.open(db) as store:
            for _ in range(40):
                with store.write() as tx:
                    ((value,),) = tx.execute("SELECT value FROM meta WHERE name = 'count'")
                    tx.execute("UPDATE meta SET value = ? WHERE name = 'count'", [str(int(value) + 1)])

    in_processes(*[count_up] * 6)
    with Store.open(db) as store:
        assert store.one("SELECT value FROM meta WHERE name = 'count'") == ("240",)
        assert store.one("PRAGMA integrity_check") == ("ok",)


@pytest.mark.parametrize("round", range(3))
def test_many_processes_may_be_the_first(db: Path, round: int) -> None:
    def start() -> None:
        with Store.open(db) as store:
            add(store, str(os.getpid()))

    in_processes(*[start] * 8)
    with Store.open(db) as store:
        assert len(names(store)) == 8
        assert store.one("SELECT count(*) FROM meta WHERE name = 'origin'") == (1,)


def test_a_change_by_another_is_noticed(db: Path) -> None:
    with Store.open(db) as one, Store.open(db) as other:
        before = one.data_version()
        assert one.data_version() == before
        add(other, "x")
        assert one.data_version() != before


def test_each_gives_rows_one_by_one_and_close_ends_it(db: Path) -> None:
    store = Store.open(db)
    add(store, "x")
    rows = store.each("SELECT name FROM meta")
    next(rows)
    store.close()
    with pytest.raises(UserError):
        list(rows)
    with pytest.raises(UserError, match="closed"):
        store.query("SELECT 1")


# -- what can be wrong --------------------------------------------------------------------------------------------


def test_a_newer_version_is_refused_and_left_alone(db: Path) -> None:
    Store.open(db).close()
    connection = sqlite3.connect(db)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    before = db.read_bytes()
    assert "newer review-tui" in refused(db)
    assert db.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(db: Path) -> None:
    connection = sqlite3.connect(db)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    assert "another program" in refused(db)
    connection = sqlite3.connect(db)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    connection.close()


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to look at", b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_file_that_is_no_database_is_refused(db: Path, content: bytes) -> None:
    db.write_bytes(content)
    assert "damaged or not a review-tui database" in refused(db)
    assert db.read_bytes() == content


def test_a_damaged_database_is_told_in_one_line(db: Path) -> None:
    with Store.open(db) as store, store.write() as tx:
        tx.many("INSERT INTO meta VALUES (?, ?)", [(str(number), "x" * 500) for number in range(500)])
    data = bytearray(db.read_bytes())
    data[4096:] = b"\x55" * (len(data) - 4096)
    db.write_bytes(data)
    with pytest.raises(UserError) as caught, Store.open(db) as store:
        store.query("SELECT * FROM meta")
    assert "damaged" in one_line(caught.value)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot create" in refused(tmp_path / "file" / "r.db")


def test_a_locked_database(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(db) as holder:
        monkeypatch.setattr(store_module, "BUSY_TIMEOUT_MS", 30)
        with holder.write(), Store.open(db) as other, pytest.raises(UserError) as caught:
            add(other, "x")
        assert "locked by another program" in one_line(caught.value)
        assert names(holder) == set()


def test_a_full_disk_is_told_and_survived(db: Path) -> None:
    with Store.open(db) as store:
        connection = store.raw_connection()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(UserError) as caught:
            add(store, "x" * 100_000)
        assert "is full" in one_line(caught.value)
        add(store, "small")
        connection.execute("PRAGMA max_page_count=100000")
        add(store, "y" * 100_000)
        assert {len(name) for name in names(store)} == {5, 100_000}


def test_a_file_system_that_takes_no_more(db: Path) -> None:
    """With a limit on file sizes: writes fail in the middle of a transaction, as they do on a full disk."""
    Store.open(db).close()

    def fill() -> None:
        with Store.open(db) as store:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
            kept = fill_up(store)
            assert 0 < kept < 10
            assert len(names(store)) == kept
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            add(store, "after")

    in_processes(fill)
    with Store.open(db) as store:
        assert "after" in names(store)
        assert store.one("PRAGMA integrity_check") == ("ok",)


def test_a_file_that_may_only_be_read(open_folder: Path) -> None:
    db = open_folder / "r.db"
    with Store.open(db) as store:
        add(store, "x")
    db.chmod(0o444)
    open_folder.chmod(0o555)

    def look() -> None:
        become_nobody()
        with Store.open(db) as store:
            assert store.read_only
            assert names(store) == {"x"}
            with pytest.raises(UserError) as caught:
                add(store, "y")
            assert "cannot be written to" in one_line(caught.value)

    in_processes(look)
    open_folder.chmod(0o755)


def test_a_folder_that_may_only_be_read(open_folder: Path) -> None:
    open_folder.chmod(0o555)

    def look() -> None:
        become_nobody()
        assert "cannot create the database" in refused(open_folder / "r.db")
        assert "cannot create the database" in refused(open_folder / "deeper" / "r.db")

    in_processes(look)
    open_folder.chmod(0o755)


def test_a_file_that_may_not_be_read(open_folder: Path) -> None:
    db = open_folder / "r.db"
    Store.open(db).close()
    db.chmod(0o000)

    def look() -> None:
        become_nobody()
        assert "Permission denied" in refused(db)

    in_processes(look)


def test_a_reader_without_rights_sees_what_another_is_writing(db: Path) -> None:
    """What is committed lies in the WAL for a while: a reader who may not write must look there too."""
    with Store.open(db) as writer:
        add(writer, "fresh")
        with Store(db, read_only=True) as reader:
            assert names(reader) == {"fresh"}
            add(writer, "fresher")
            assert names(reader) == {"fresh", "fresher"}


def test_a_process_killed_while_it_writes_leaves_nothing_behind(db: Path) -> None:
    Store.open(db).close()
    ready, told = os.pipe()

    def write() -> None:
        with Store.open(db) as store, store.write() as tx:
            tx.execute("INSERT INTO meta VALUES ('torn', '')")
            os.write(told, b".")
            signal.pause()

    workers = Workers([write])
    os.read(ready, 1)
    workers.kill()
    workers.wait()
    os.close(ready), os.close(told)
    with Store.open(db) as store:
        assert names(store) == set()
        add(store, "after")


def test_an_error_leaves_no_file_open(db: Path) -> None:
    db.write_bytes(b"not a database, whatever its name says" * 9)
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        refused(db)
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1


@given(st.sampled_from([sqlite3.OperationalError, sqlite3.DatabaseError]), st.text())
def test_whatever_sqlite_says_is_told_in_one_line(kind: type[Exception], text: str) -> None:
    error = store_module.explain(kind(" ".join(text.split())), Path("x.db"))
    assert "\n" not in str(error)


def test_the_wal_may_wait_and_is_copied_back_on_request(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        store.copy_back_after(100_000)
        store.copy_back()
        for number in range(30):
            with store.write("NORMAL") as tx:
                tx.execute("INSERT INTO meta VALUES (?, ?)", [f"n{number}", "x" * 100_000])
        before = (tmp_path / "r.db").stat().st_size
        store.copy_back()
        assert (tmp_path / "r.db").stat().st_size > before + 2_000_000
        assert store.one("SELECT count(*) FROM meta WHERE name LIKE 'n%'") == (30,)
