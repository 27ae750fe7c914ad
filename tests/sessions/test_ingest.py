import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from helpers import (
    FORMAT,
    LinesReader,
    Workers,
    in_processes,
    line_of,
    load,
    load_report,
    put,
    quick,
    steps,
    texts,
    write_run,
)
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog, ingest
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.ingest import Cancelled, Watch, import_file
from sessions.run import Flag, Header, Part, Problem, Step
from sessions.store import Store

TABLES = ("run", "step", "body", "raw", "words", "reference", "source", "problem", "run_alias", "meta")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


@pytest.fixture
def store(db: Path):
    with Store.open(db) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run of a few steps is several batches."""
    monkeypatch.setattr(ingest, "FIRST_BATCH", 4)
    monkeypatch.setattr(ingest, "BATCH_STEPS", 10)


def rows(store: Store) -> dict[str, int]:
    return {table: store.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def numbered(count: int) -> list[str]:
    return [f"step {number}" for number in range(count)]


def decide(store: Store, run: str) -> None:
    """Stands for any decision: rows of the event log are all that the import looks at."""
    with store.write() as tx:
        tx.execute("INSERT INTO event VALUES ('o', 1, 'decide', 'r', 'u', 't', ?, NULL, 'c', '{}', 'p', 'h')", [run])


# -- one run --------------------------------------------------------------------------------------------------------


@quick(40)
@given(st.lists(steps(), min_size=1, max_size=25))
def test_a_run_comes_out_of_the_store_as_it_was_read(tmp_path_factory, run: list[Step]) -> None:
    folder = tmp_path_factory.mktemp("run")
    with Store.open(folder / "r.db") as store:
        info = put(store, folder / "run.jsonl", run)
        stored = list(catalog.steps(store, info.no))
        assert [replace_raw(one.step) for one in stored] == run
        assert info.content_id == content_id(run)
        assert (info.steps, info.chars) == (len(run), sum(len("\n".join(p.text for p in s.parts)) for s in run))
        assert info.actors == list(dict.fromkeys(one.actor for one in run))
        assert [one.index for one in stored] == list(range(len(run)))
        assert len({one.id for one in stored}) == len(run)


def replace_raw(step: Step) -> Step:
    step.raw = []
    return step


def test_a_run_of_many_batches(store: Store, file: Path) -> None:
    run = put(store, file, numbered(1234))
    assert (run.state, run.steps, run.title) == ("complete", 1234, "run")
    assert texts(store, run) == numbered(1234)


def test_the_index_row_says_what_is_in_a_step(store: Store, file: Path) -> None:
    call = Part("tool_call", "rm x", name="bash", arguments={"command": "rm x"})
    run = put(
        store,
        file,
        [
            Step("a", "agent", [Part("text", "t")]),
            Step("a", "agent", [Part("reasoning", "t"), call]),
            Step("a", "agent", [call, Part("tool_result", "no", is_error=True)]),
            Step("a", "agent", [Part("raw", "{}", name="odd")], branch="b1"),
        ],
    )
    assert [Flag(row.flags) for row in catalog.index_rows(store, run.no)] == [
        Flag(0),
        Flag.REASONING | Flag.TOOL | Flag.EFFECT | Flag.UNANSWERED,
        Flag.TOOL | Flag.EFFECT | Flag.ERROR,
        Flag.RAW | Flag.ABANDONED,
    ]
    assert run.errors == 1


def test_a_run_without_steps(store: Store, file: Path) -> None:
    file.write_text('{"run": {"title": "empty"}}\n')
    (imported,) = load(store, file)
    assert (imported.steps, imported.outcome) == (0, "new")
    assert catalog.find_run(store, "empty").complete
    assert load(store, file)[0].outcome == "known"


def test_a_file_of_which_nothing_can_be_read_leaves_its_problems_only(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "atif.json"
    path.write_text('{"schema_version": "ATIF-v1.7",\n "steps": [\n')
    report = import_file(store, path, "claude-code")
    assert report.runs == []
    assert report.problem_count >= 1
    assert catalog.runs(store) == []
    assert store.query("SELECT name FROM meta WHERE name LIKE 'importing %'") == []


def test_an_empty_file_is_told(store: Store, file: Path) -> None:
    file.touch()
    with pytest.raises(UserError, match="is empty"):
        import_file(store, file)
    with pytest.raises(UserError):
        import_file(store, file.with_name("missing"))


def test_a_step_of_a_megabyte(store: Store, file: Path) -> None:
    giant = "x\N{GRINNING FACE}" * 500_000
    run = put(store, file, ["before", giant, "after"])
    assert texts(store, run) == ["before", giant, "after"]
    assert run.chars == 1_000_000 + 11


def test_half_an_emoji_is_shown_as_damage(store: Store, file: Path) -> None:
    file.write_text(
        '{"run": {"title": "t \\ud83d", "task": "\\udc00"}}\n'
        '{"actor": "a \\ud83d", "stage": "\\ud83d", "parts": [{"kind": "text", "text": "half \\ud83d"}]}\n'
    )
    (imported,) = load(store, file)
    assert imported.steps == 1
    run = catalog.find_run(store, imported.run)
    step = catalog.step(store, run.no, 0).step
    assert (run.title, run.task) == ("t \ufffd", "\ufffd")
    assert (step.actor, step.stage, step.parts[0].text) == ("a \ufffd", "\ufffd", "half \ufffd")


def test_half_an_emoji_that_a_reader_lets_through(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name need not be UTF-8 either, and readers make titles of it."""

    def read(self: object, source: object) -> list:
        lone = "\ud83d"
        call = Part("tool_call", lone, name=lone, call_id=lone, arguments={lone: lone})
        return [
            Header(FORMAT, title=lone, task=lone, model=lone, facts={lone: lone}, files=[lone]),
            Step(lone, "agent", [Part("text", lone), call], native_id=lone, stage=lone),
            Problem(lone, 1, lone),
        ]

    monkeypatch.setattr(LinesReader, "read", read)
    file.write_text("x")
    report = load_report(store, file)
    step = catalog.step(store, catalog.find_run(store, report.runs[0].run).no, 0).step
    assert (step.actor, step.parts[0].text, step.parts[1].arguments) == ("\ufffd", "\ufffd", {"\ufffd": "\ufffd"})
    assert report.problems == [Problem("\ufffd", 1, "\ufffd")]


def test_arguments_nested_too_deeply_spoil_one_line_only(store: Store, file: Path) -> None:
    lines = [line_of("a")]
    for depth in (150, 300, 900, 100_000):
        deep = "[" * depth + "]" * depth
        lines.append(f'{{"parts": [{{"kind": "tool_call", "text": "", "name": "f", "arguments": {{"a": {deep}}}}}]}}')
    file.write_text("\n".join([*lines, line_of("z")]))
    report = load_report(store, file)
    assert [problem.line for problem in report.problems] == [3, 4, 5]
    run = catalog.find_run(store, report.runs[0].run)
    assert [len(stored.step.parts) for stored in catalog.steps(store, run.no)] == [1, 1, 1]


def test_problems_are_kept_and_the_rest_still_opens(store: Store, file: Path) -> None:
    file.write_text(f'{line_of("a")}\n{{"broken\n{line_of("b")}\nnonsense\n')
    report = load_report(store, file)
    run = catalog.find_run(store, report.runs[0].run)
    assert texts(store, run) == ["a", "b"]
    assert [(problem.path, problem.line) for problem in report.problems] == [(str(file), 2), (str(file), 4)]
    assert catalog.problems(store, run) == report.problems
    assert run.problems == report.problem_count == 2
    again = load_report(store, file)
    assert (again.problems, again.problem_count, again.runs[0].outcome) == (report.problems, 2, "known")


def test_countless_problems_are_counted(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_PROBLEMS", 3)
    file.write_text(line_of("a") + "\n" + "broken\n" * 10)
    report = load_report(store, file)
    assert (len(report.problems), report.problem_count) == (3, 10)
    assert catalog.find_run(store, report.runs[0].run).problems == 10


def test_several_runs_in_one_file(store: Store, file: Path) -> None:
    file.write_text('{"run": {"title": "one"}}\n"a"\n{"run": {"title": "two", "reference": {"gold": 1}}}\n"b"\n"c"\n')
    assert [(one.title, one.steps) for one in load(store, file)] == [("one", 1), ("two", 2)]
    second = catalog.find_run(store, f"{file}#2")
    assert second.title == "two"
    assert catalog.reference(store, second) == {"gold": 1}
    assert catalog.reference(store, catalog.find_run(store, "one")) is None
    assert [one.outcome for one in load(store, file)] == ["known", "known"]
    with pytest.raises(UserError, match="could be 2 runs"):
        catalog.find_run(store, str(file))


# -- the same again ---------------------------------------------------------------------------------------------------


def test_importing_twice_doubles_nothing(store: Store, file: Path) -> None:
    first = load(store, write_run(file, numbered(30)))
    before = rows(store)
    again = load(store, file)
    assert [one.outcome for one in first + again] == ["new", "known"]
    assert again[0].run == first[0].run
    assert rows(store) == before


def test_a_copied_file_is_linked(store: Store, file: Path) -> None:
    run = put(store, file, numbered(30))
    before = rows(store)
    copy = Path(shutil.copy(file, file.with_name("copy.jsonl")))
    (linked,) = load(store, copy)
    assert (linked.outcome, linked.run) == ("linked", run.id)
    assert rows(store) == {**before, "source": 2, "run_alias": 1}
    assert catalog.find_run(store, str(copy)) == catalog.find_run(store, str(file)) == run
    assert load(store, copy)[0].outcome == "known"


def test_a_grown_file_is_the_same_run(store: Store, file: Path) -> None:
    run = put(store, file, numbered(7))
    decide(store, run.id)
    write_run(file, numbered(23))
    (grown,) = load(store, file)
    assert (grown.outcome, grown.run, grown.steps) == ("updated", run.id, 23)
    now = catalog.find_run(store, run.id)
    assert texts(store, now) == numbered(23)
    assert [one.id for one in catalog.runs(store)] == [run.id]
    assert rows(store)["step"] == rows(store)["body"] == 23
    assert store.query("SELECT run FROM event") == [(run.id,)]
    ids = [row.id for row in catalog.index_rows(store, now.no)]
    assert catalog.indices_of(store, now.no, {ids[3], ids[20], "unknown"}) == {ids[3]: 3, ids[20]: 20}


def test_the_last_step_of_a_growing_file_may_have_been_unfinished(store: Store, file: Path) -> None:
    run = put(store, file, ["a", "b", "half a sen"])
    write_run(file, ["a", "b", "half a sentence", "d"])
    assert load(store, file)[0].run == run.id


def test_a_run_that_had_no_steps_yet_grows_like_any_other(store: Store, file: Path) -> None:
    file.write_text('{"run": {"title": "begun"}}\n')
    (begun,) = load(store, file)
    file.write_text('{"run": {"title": "begun"}}\n"a"\n')
    (grown,) = load(store, file)
    assert (grown.outcome, grown.run) == ("updated", begun.run)
    assert len(catalog.runs(store)) == 1


def test_a_replaced_file_is_a_new_run_and_the_old_one_stays(store: Store, file: Path) -> None:
    old = put(store, file, numbered(5))
    write_run(file, ["something else", *numbered(8)])
    (new,) = load(store, file)
    assert (new.outcome, len(catalog.runs(store))) == ("new", 2)
    assert new.run != old.id
    assert texts(store, catalog.find_run(store, old.id)) == numbered(5)
    assert catalog.find_run(store, str(file)).id == new.run


def test_a_shortened_file_is_a_new_run(store: Store, file: Path) -> None:
    old = put(store, file, numbered(9))
    write_run(file, numbered(5))
    (new,) = load(store, file)
    assert (new.outcome, new.run != old.id) == ("new", True)
    assert texts(store, catalog.find_run(store, old.id)) == numbered(9)


def test_raw_records_of_a_replaced_file_are_not_taken_from_the_new_one(store: Store, file: Path) -> None:
    old = put(store, file, numbered(5))
    write_run(file, ["something else", *numbered(8)])
    load(store, file)
    with pytest.raises(UserError, match="has changed"):
        catalog.raw(store, catalog.find_run(store, old.id), 0)


def test_a_file_written_anew_with_the_same_content_keeps_its_run_and_finds_its_raw_records(
    store: Store, file: Path
) -> None:
    run = put(store, file, numbered(5))
    lines = [f'{{"at": "2026-01-01", "parts": [{{"kind": "text", "text": "step {n}"}}]}}' for n in range(5)]
    file.write_text("\n".join(lines))
    (again,) = load(store, file)
    assert again.run == run.id
    assert len(catalog.runs(store)) == 1
    now = catalog.find_run(store, run.id)
    assert [catalog.raw(store, now, index) for index in range(5)] == [[line.encode()] for line in lines]


CHAT = [
    {"role": "system", "content": "You are careful."},
    {"role": "user", "content": "What is in the file?"},
    {
        "role": "assistant",
        "content": "I will look.",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "cat", "arguments": '{"path": "a.txt"}'}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "hello"},
    {"role": "assistant", "content": "It says hello."},
]
ATIF = {
    "schema_version": "ATIF-v1.5",
    "session_id": "s1",
    "agent": {"name": "someone", "version": "1.0"},
    "steps": [
        {"step_id": 1, "source": "system", "message": "You are careful."},
        {"step_id": 2, "source": "user", "message": "What is in the file?"},
        {
            "step_id": 3,
            "timestamp": "2026-01-01T00:00:00Z",
            "source": "agent",
            "message": "I will look.",
            "tool_calls": [{"tool_call_id": "x9", "function_name": "cat", "arguments": {"path": "a.txt"}}],
            "observation": {"results": [{"source_call_id": "x9", "content": "hello"}]},
        },
        {"step_id": 4, "source": "agent", "message": "It says hello."},
    ],
}


def test_one_run_in_two_formats_is_one_run(store: Store, tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text(json.dumps({"messages": CHAT}))
    (tmp_path / "atif.json").write_text(json.dumps(ATIF))
    (chat,) = import_file(store, tmp_path / "chat.json", "openai-chat").runs
    (atif,) = import_file(store, tmp_path / "atif.json", "atif").runs
    assert (atif.outcome, atif.run) == ("linked", chat.run)
    assert len(catalog.runs(store)) == 1


# -- interrupted ------------------------------------------------------------------------------------------------------


def cancel_after(steps: int) -> Watch:
    seen = [0]
    return Watch(progress=lambda run, count: seen.__setitem__(0, count), cancelled=lambda: seen[0] >= steps)


def test_a_cancelled_import_starts_over(store: Store, file: Path) -> None:
    write_run(file, numbered(100))
    with pytest.raises(Cancelled):
        load(store, file, cancel_after(30))
    (half,) = catalog.runs(store)
    assert (half.state, half.content_id, 30 <= half.steps < 100) == ("importing", None, True)
    assert texts(store, half) == numbered(half.steps)
    (imported,) = load(store, file)
    assert (imported.outcome, imported.steps) == ("new", 100)
    assert [run.id for run in catalog.runs(store)] == [imported.run]
    assert rows(store)["step"] == rows(store)["body"] == 100


def test_a_killed_import_starts_over(db: Path, file: Path) -> None:
    write_run(file, numbered(100))
    Store.open(db).close()

    def die_half_way() -> None:
        with Store.open(db) as store:
            watch = Watch(progress=lambda run, count: os.kill(os.getpid(), signal.SIGKILL) if count > 30 else None)
            load(store, file, watch)

    assert Workers([die_half_way]).wait() == [-signal.SIGKILL]
    with Store.open(db) as store:
        assert [run.state for run in catalog.runs(store)] == ["importing"]
        load(store, file)
        assert [(run.state, run.steps) for run in catalog.runs(store)] == [("complete", 100)]
        assert rows(store)["step"] == rows(store)["body"] == 100
        assert store.query("SELECT name FROM meta WHERE name LIKE 'importing%'") == []


def test_what_was_decided_before_an_interruption_is_kept(store: Store, file: Path) -> None:
    write_run(file, numbered(100))
    started = []
    watch = cancel_after(30)
    watch.started = started.append
    with pytest.raises(Cancelled):
        load(store, file, watch)
    decide(store, started[0])
    (imported,) = load(store, file)
    assert catalog.run_by_id(store, started[0]) == catalog.find_run(store, imported.run)
    assert set(catalog.ids_of(store, imported.run)) == set(catalog.ids_of(store, started[0])) >= {started[0]}
    assert [run.id for run in catalog.runs(store)] == [imported.run]


def test_a_run_can_be_read_while_it_is_imported(store: Store, file: Path, db: Path) -> None:
    write_run(file, numbered(100))
    looks: list[tuple[int, list[str], bytes]] = []

    def look(run_id: str, count: int = 0) -> None:
        with Store.open(db) as other:
            run = catalog.run_by_id(other, run_id)
            assert run is not None
            looks.append((run.steps, texts(other, run), catalog.raw(other, run, 0)[0]))

    load(store, file, Watch(started=look, progress=look))
    assert looks[0] == (4, numbered(4), b'"step 0"')
    assert all(seen == numbered(steps) for steps, seen, _ in looks)
    assert [steps for steps, _, _ in looks] == sorted(steps for steps, _, _ in looks)


def test_a_file_imported_by_several_processes_at_once_is_one_run(db: Path, file: Path) -> None:
    write_run(file, numbered(300))

    def work() -> None:
        with Store.open(db) as store:
            (imported,) = load(store, file)
            run = catalog.run_by_id(store, imported.run)
            assert run is not None
            assert texts(store, run) == numbered(300)

    in_processes(*[work] * 4)
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
        assert (run.state, run.steps) == ("complete", 300)
        assert texts(store, run) == numbered(300)
        assert rows(store)["step"] == rows(store)["body"] == 300
        assert store.query("SELECT name FROM meta WHERE name LIKE 'importing%'") == []


def test_a_file_opened_again_while_it_is_being_imported(store: Store, file: Path, db: Path) -> None:
    """The second import neither removes the first one's run under its feet nor doubles it."""
    write_run(file, numbered(100))
    second: list[str] = []

    def open_again(run: str, count: int) -> None:
        if not second:
            with Store.open(db) as other:
                second.append(load(other, file)[0].run)
                assert catalog.run_by_id(other, run) is not None

    (first,) = load(store, file, Watch(progress=open_again))
    assert (first.outcome, [first.run]) == ("linked", second)
    assert [run.id for run in catalog.runs(store)] == second


def test_an_import_that_fails_leaves_no_connection_of_its_thread(store: Store, file: Path) -> None:
    write_run(file, numbered(50))
    before = len(store._all)
    for _ in range(3):
        with pytest.raises(Cancelled):
            load(store, file, cancel_after(10))
    load(store, file)
    assert len(store._all) == before


# -- finding runs -------------------------------------------------------------------------------------------------


def test_a_run_is_found_by_what_a_person_would_type(store: Store, tmp_path: Path) -> None:
    one = put(store, tmp_path / "one.jsonl", ["a"])
    two = put(store, tmp_path / "two.jsonl", ["b"])
    assert [run.id for run in catalog.runs(store)] == [two.id, one.id]
    assert one.content_id
    for text in (one.id, one.id[:12], one.content_id, one.content_id[:12], "one", str(tmp_path / "one.jsonl")):
        assert catalog.find_run(store, text) == one
    for text in ("", "zzzz", one.id[:3], "%", "one.jsonl#9", str(tmp_path / "one.jsonl#2")):
        with pytest.raises(UserError, match="there is no run"):
            catalog.find_run(store, text)
    with pytest.raises(LookupError):
        catalog.step(store, one.no, 1)
    assert catalog.step_id(store, one.no, 1) is None
