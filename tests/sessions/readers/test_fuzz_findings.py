"""What fuzzing has found, each with the smallest file that showed it."""

import json
import sqlite3
import time
import tracemalloc
from pathlib import Path

import pytest

from benchmarks.fuzz.holds import check
from sessions import catalog, readers
from sessions.ingest import import_file
from sessions.jsontext import dump_bytes
from sessions.store import Store


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def claude(usage: object, cost: object = None) -> dict:
    message = {"id": "m", "role": "assistant", "content": [{"type": "text", "text": "hi"}], "usage": usage}
    return {"type": "assistant", "uuid": "u", "parentUuid": None, "sessionId": "s", "message": message, "costUSD": cost}


@pytest.mark.parametrize("count", [-1, 2**63, 10**400, -(10**30)])
def test_counts_that_count_nothing(count: int, tmp_path: Path) -> None:
    """The store's integers have 64 bits: an import of such a file failed."""
    usage = {"input_tokens": count, "output_tokens": count, "cache_read_input_tokens": 7}
    path = lines(tmp_path / "s.jsonl", claude(usage, count))
    (run,), _ = check(path, "claude-code")
    assert (run.steps[0].tokens_in, run.steps[0].tokens_out) == (7, None)
    totals = {"total_token_usage": usage, "last_token_usage": usage}
    path2 = lines(
        tmp_path / "r.jsonl",
        {"timestamp": "t", "type": "session_meta", "payload": {"id": "x"}},
        {"timestamp": "t", "type": "event_msg", "payload": {"type": "agent_message", "message": "hi"}},
        {"timestamp": "t", "type": "event_msg", "payload": {"type": "token_count", "info": totals}},
    )
    check(path2, "codex")
    with Store.open(tmp_path / "r.db") as store:
        for file, name in ((path, "claude-code"), (path2, "codex")):
            assert import_file(store, file, name).runs[0].steps == 1


@pytest.mark.parametrize("name", ["e" * 50_000, "a\nb" * 9000])
def test_names_that_are_no_titles(name: str, tmp_path: Path) -> None:
    trace = {"object": "trace", "id": name, "workflow_name": name}
    span = {"object": "trace.span", "id": "s", "trace_id": name, "started_at": None, "span_data": {"type": "agent"}}
    (run,), _ = check(lines(tmp_path / "t.jsonl", trace, span), "openai-agents")
    assert len(run.header.title) < 200
    assert run.header.native_id == name


def database(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE agent_sessions (session_id TEXT, created_at TEXT, updated_at TEXT)")
        connection.execute(
            "CREATE TABLE agent_messages (id INTEGER, session_id TEXT, message_data TEXT, created_at TEXT)"
        )
    connection.close()
    data = path.read_bytes()
    for old, new in changes:
        assert old in data
        assert len(old) == len(new)
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "change",
    [
        (b"agent_messages (id", b"agent_mess\xa0\xff\n([\n( "),
        (b"session_id TEXT, message_data", b"session_i\xa0 TEXT, message_dat\xe9"),
        (b"(session_id TEXT", b"(session_id\n'\xff\xa0 "),
        (b"CREATE TABLE agent_messages", b"CREATE\n\xffBLE agent_mess[EY\xe9 "),
    ],
)
def test_a_schema_that_is_no_sql_and_no_text(change: tuple[bytes, bytes], tmp_path: Path) -> None:
    """sqlite3 quotes it in its errors, line breaks and all, or cannot decode it."""
    _, problems = check(database(tmp_path / "s.db", change), "openai-agents")
    assert problems
    assert "\n" not in problems[0].reason


def test_a_history_that_is_no_list_has_its_record(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"question": "q", "history": "gone", "mistake_step": "1", "mistake_agent": "a"}))
    (run,), (problem,) = check(path, "who-and-when")
    assert run.steps[0].raw == [b'"gone"']
    assert "no list of messages" in problem.reason


def test_thousands_of_empty_traces_look_for_annotations_once(tmp_path: Path) -> None:
    """It listed the folders around the file again for each."""
    path = tmp_path / "t.jsonl"
    path.write_text("{}\n" * 20_000)
    for number in range(200):
        (tmp_path / f"annotations{number}").mkdir()
    began = time.process_time()
    check(path, "trail")
    assert time.process_time() - began < 8


def test_small_records_take_little_memory() -> None:
    """orjson gives out 4 kB at least: 300,000 records of two bytes, kept by one step, took more than a gigabyte."""
    tracemalloc.start()
    kept = [dump_bytes({}) for _ in range(10_000)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 10_000
    assert size < 2_000_000


@pytest.mark.parametrize("data", [b"(\xb5/\xfd", b"\x1f\x8b\x08", b"\x1f\x8b\x08" + bytes(40)])
@pytest.mark.parametrize("format", ["claude-code", "codex", "otlp", "text"])
def test_what_only_begins_like_a_compressed_file(data: bytes, format: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    runs, problems = readers.collect(readers.read(path, format))
    assert problems
    assert not any(run.steps for run in runs)


@pytest.mark.parametrize("digits", ["9" * 400, "-" + "9" * 400, "9" * 6000, "1e999", "-1e999"])
def test_a_number_without_measure_among_the_facts(digits: str, tmp_path: Path) -> None:
    """The run was stored, and then no list of runs could be read any more."""
    path = tmp_path / "a.json"
    messages = '[{"role": "user", "content": "Go."}, {"role": "assistant", "content": "Done."}]'
    path.write_text(f'{{"messages": {messages}, "odd": {digits}, "more": {{"n": {digits}}}}}')
    with Store.open(tmp_path / "r.db") as store:
        report = import_file(store, path, "openai-chat")
        assert report.problems == []
        (run,) = catalog.runs(store)
        assert run.steps == 2
        assert "odd" in run.facts or "e" in digits
