from pathlib import Path

import pytest
from helpers import FORMAT, LinesReader, in_processes, line_of, load, put, quick, steps, texts, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import archive, catalog
from sessions.archive import finish_run, unfinished
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.ingest import Watch
from sessions.run import Header, Part, Span, Step
from sessions.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH_STEPS", 10)


def finish(store: Store, run: RunInfo) -> RunInfo:
    finish_run(store, run, pause_s=0)
    return catalog.find_run(store, run.id)


def raws(store: Store, run: RunInfo) -> list[list[bytes]]:
    return [catalog.raw(store, run, index) for index in range(run.steps)]


def progress(store: Store, run: RunInfo) -> tuple[int, int]:
    now = catalog.find_run(store, run.id)
    return now.indexed, now.archived


def numbered(count: int) -> list[str]:
    return [f"step {number}" for number in range(count)]


@quick(40)
@given(st.lists(steps(), min_size=1, max_size=25))
def test_nothing_is_lost_by_archiving(tmp_path_factory, run: list[Step]) -> None:
    folder = tmp_path_factory.mktemp("archive")
    with Store.open(folder / "r.db") as store:
        info = put(store, folder / "run.jsonl", run)
        lines = [[line_of(step).encode()] for step in run]
        before = list(catalog.steps(store, info.no))
        assert raws(store, info) == lines
        finish(store, info)
        assert list(catalog.steps(store, info.no)) == before
        (folder / "run.jsonl").unlink()
        assert raws(store, info) == lines
        assert unfinished(store) == []


def test_line_ends_a_bom_and_blank_lines_are_no_part_of_a_record(store: Store, file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf"one"\r\n\r\n\n  "two" \n"three"')
    (imported,) = load(store, file)
    run = catalog.find_run(store, imported.run)
    for _ in range(2):
        assert raws(store, run) == [[b'"one"'], [b'  "two" '], [b'"three"']]
        run = finish(store, run)


def test_records_of_many_lines_and_of_bytes_stay_whole(store: Store, file: Path, monkeypatch) -> None:
    file.write_bytes(b"USER: hello\nand more\nAGENT: yes\n")

    def read(self: object, source: object) -> list:
        return [
            Header(FORMAT),
            Step("user", "user", [Part("text", "hello")], raw=[Span(0, 20), Span(21, 10)]),
            Step("agent", "agent", [Part("text", "yes")], raw=[b'{\n "pretty": 1\n}', b"", b"\n"]),
            Step("agent", "agent", [Part("text", "nothing known")]),
        ]

    monkeypatch.setattr(LinesReader, "read", read)
    (imported,) = load(store, file)
    run = catalog.find_run(store, imported.run)
    for _ in range(2):
        assert raws(store, run) == [
            [b"USER: hello\nand more", b"AGENT: yes"],
            [b'{\n "pretty": 1\n}', b"", b"\n"],
            [],
        ]
        run = finish(store, run)


def test_a_changed_source_is_refused_before_and_not_needed_after(store: Store, file: Path) -> None:
    run = put(store, file, numbered(3))
    whole = file.read_bytes()
    file.write_text("something else entirely")
    with pytest.raises(UserError, match="has changed"):
        catalog.raw(store, run, 0)
    file.unlink()
    with pytest.raises(UserError, match="is gone"):
        catalog.raw(store, run, 0)
    assert texts(store, run) == numbered(3)

    other = put(store, file, numbered(4))
    finish(store, other)
    file.write_text("changed after")
    assert raws(store, other) == [[line] for line in file_lines(numbered(4))]
    assert whole.splitlines() == file_lines(numbered(3))


def file_lines(steps: list[str]) -> list[bytes]:
    return [line_of(step).encode() for step in steps]


def test_texts_are_archived_also_where_the_source_is_gone(store: Store, file: Path) -> None:
    run = put(store, file, numbered(25))
    file.unlink()
    assert progress(store, finish(store, run)) == (25, 25)
    assert texts(store, run) == numbered(25)
    with pytest.raises(UserError, match="is gone"):
        catalog.raw(store, run, 3)


def test_a_source_that_changes_meanwhile_ends_nothing(store: Store, file: Path, monkeypatch) -> None:
    run = put(store, file, numbered(25))
    calls = []

    def change() -> bool:
        calls.append(1)
        if len(calls) == 5:  # three batches of the index, one of the archive
            file.write_text("changed")
        return False

    finish_run(store, run, change, pause_s=0)
    assert progress(store, run) == (25, 25)
    assert catalog.raw(store, run, 3) == [b'"step 3"']
    with pytest.raises(UserError, match="has changed"):
        catalog.raw(store, run, 12)


@pytest.mark.parametrize("stop_after", range(7))
def test_it_goes_on_where_it_was_stopped(store: Store, file: Path, stop_after: int, monkeypatch) -> None:
    """With the row of the run as it was at first: whoever calls may hold an old one."""
    run = put(store, file, numbered(25))
    left = [stop_after]

    def cancelled() -> bool:
        left[0] -= 1
        return left[0] < 0

    finish_run(store, run, cancelled, pause_s=0)
    indexed, archived = progress(store, run)
    assert (indexed, archived) == (min(25, 10 * stop_after), max(0, min(25, 10 * (stop_after - 3))))
    assert [one.id for one in unfinished(store)] == ([run.id] if stop_after < 6 else [])
    monkeypatch.setattr(archive, "BATCH_STEPS", 7)
    finish_run(store, run, pause_s=0)
    assert progress(store, run) == (25, 25)
    assert texts(store, run) == numbered(25)
    assert raws(store, run) == [[line] for line in file_lines(numbered(25))]
    assert len(store.query("SELECT rowid FROM words WHERE words MATCH 'step'")) == 25


def test_doing_it_again_changes_nothing(store: Store, file: Path) -> None:
    run = finish(store, put(store, file, numbered(25)))
    before = store.query("SELECT k, codec, parts, text FROM body") + store.query("SELECT k, data FROM raw")
    finish(store, run)
    assert store.query("SELECT k, codec, parts, text FROM body") + store.query("SELECT k, data FROM raw") == before


def test_a_huge_step_is_a_batch_of_its_own(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH_CHARS", 1000)
    steps = ["a", "b" * 5000, "c" * 5000, "d"]
    run = put(store, file, steps)
    batches: list[int] = []
    finish_run(store, run, lambda: bool(batches.append(1)), pause_s=0)
    assert len(batches) == 2 * 3
    assert texts(store, run) == steps


def test_compression_makes_it_smaller(store: Store, file: Path) -> None:
    run = put(store, file, ["all work and no play " * 1000] * 30)
    size = "SELECT sum(length(text)) FROM body"
    before = store.query(size)[0][0]
    finish(store, run)
    assert store.query(size)[0][0] < before / 10


def test_two_processes_at_once(tmp_path: Path, file: Path) -> None:
    db = tmp_path / "r.db"
    with Store.open(db) as store:
        run = put(store, file, numbered(300))

    def work() -> None:
        with Store.open(db) as store:
            for one in unfinished(store):
                finish_run(store, one, pause_s=0)

    in_processes(work, work, work)
    with Store.open(db) as store:
        finish_run(store, run, pause_s=0)
        assert progress(store, run) == (300, 300)
        assert texts(store, run) == numbered(300)
        assert raws(store, run) == [[line] for line in file_lines(numbered(300))]
        assert len(store.query("SELECT rowid FROM words WHERE words MATCH 'step'")) == 300


@pytest.mark.parametrize("turn", range(6))
def test_work_that_another_process_did_meanwhile_is_not_done_again(store: Store, file: Path, turn: int) -> None:
    run = put(store, file, numbered(25))
    seen: list[tuple[int, int]] = []

    def overtaken() -> bool:
        if len(seen) == turn:
            with Store.open(store.path) as other:
                finish_run(other, run, pause_s=0)
        seen.append(progress(store, run))
        return False

    finish_run(store, run, overtaken, pause_s=0)
    assert [*seen, progress(store, run)] == sorted([*seen, (25, 25)])
    assert len(store.query("SELECT rowid FROM words WHERE words MATCH 'step'")) == 25
    assert raws(store, run) == [[line] for line in file_lines(numbered(25))]


def test_a_run_that_grew_meanwhile_is_left_to_the_next_time(store: Store, file: Path) -> None:
    old = put(store, file, numbered(25))

    def grow() -> bool:
        if len(catalog.runs(store)) == 1 and catalog.find_run(store, old.id).steps == 25:
            load(store, write_run(file, numbered(35)))
        return False

    finish_run(store, old, grow, pause_s=0)
    run = catalog.find_run(store, old.id)
    assert texts(store, run) == numbered(35)
    assert [one.id for one in unfinished(store)] == [run.id]
    finish_run(store, run, pause_s=0)
    assert progress(store, run) == (35, 35)
    assert texts(store, run) == numbered(35)
    assert len(store.query("SELECT rowid FROM words WHERE words MATCH 'step'")) == 35


def test_a_run_being_imported_is_not_touched(store: Store, file: Path) -> None:
    write_run(file, numbered(100))

    def look(run_id: str) -> None:
        run = catalog.run_by_id(store, run_id)
        assert run is not None
        finish_run(store, run, pause_s=0)
        assert progress(store, run) == (0, 0)

    load(store, file, Watch(started=look))
