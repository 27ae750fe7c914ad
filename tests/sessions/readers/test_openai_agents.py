"""The Agents SDK's traces and session files, real ones and small ones."""

import json
import shutil
import sqlite3

import pytest

from sessions import readers
from sessions.run import Run

TRACE = "openai/agents_sdk_trace.jsonl"
SESSION = "openai/session.db"


def runs_of(path, problems_expected=0) -> list[Run]:
    runs, problems = readers.collect(readers.read(path, "openai-agents"))
    assert len(problems) == problems_expected
    return runs


def span(id, at, parent, error=None, **data):
    return {
        "object": "trace.span",
        "id": id,
        "trace_id": "trace_1",
        "parent_id": parent,
        "started_at": f"2026-01-01T00:00:{at:02}+00:00",
        "ended_at": "2026-01-01T00:01:00+00:00",
        "span_data": data,
        "error": error,
    }


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def told(run):
    return [(step.actor, step.depth, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


@pytest.mark.real_data
def test_a_real_trace(real_data):
    path = real_data / TRACE
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [guess.format for guess in readers.sniff(path)] == ["openai-agents"]
    (run,) = runs_of(path)
    turns = [row for row in rows if row.get("span_data", {}).get("name") == "turn"]
    functions = [row for row in rows if row.get("span_data", {}).get("type") == "function"]
    assert [step.native_id for step in run.steps] == [row["id"] for row in turns]
    assert [step.at for step in run.steps] == [row["started_at"] for row in turns]
    # Tokens: the turns' alone, not the task's sum over them.
    (task,) = [row for row in rows if row.get("span_data", {}).get("name") == "task"]
    assert sum(step.tokens_in or 0 for step in run.steps) == task["span_data"]["data"]["usage"]["input_tokens"]
    results = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
    assert [(part.text, part.is_error, part.error_inferred) for part in results] == [
        (row["span_data"]["output"], row["error"] is not None, False) for row in functions
    ]
    kept = [json.loads(raw)["id"] for step in run.steps for raw in step.raw]
    assert sorted(kept) == sorted(row["id"] for row in rows if row["object"] == "trace.span")
    assert (run.header.system, run.header.native_id) == ("weather", rows[0]["id"])


@pytest.mark.real_data
def test_a_real_session_is_the_run_of_its_items(real_data, tmp_path):
    path = real_data / SESSION
    assert [guess.format for guess in readers.sniff(path)] == ["openai-agents"]
    (run,) = runs_of(path)
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as database:
        data = [row[0] for row in database.execute("SELECT message_data FROM agent_messages ORDER BY id")]
    database.close()
    items = tmp_path / "items.jsonl"
    items.write_text("\n".join(data))
    (same,), _ = readers.collect(readers.read(items))
    assert [step.parts for step in run.steps] == [step.parts for step in same.steps]
    assert [raw.decode() for step in run.steps for raw in step.raw] == data
    assert run.header.started_at == "2026-11-22T16:51:01Z"
    assert run.header.native_id == "sess1"


def session_file(path, journal="DELETE"):
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute("CREATE TABLE agent_sessions (session_id TEXT, created_at TEXT)")
    database.execute(
        "CREATE TABLE agent_messages (id INTEGER PRIMARY KEY, session_id TEXT, message_data TEXT, created_at TEXT)"
    )
    for number, session in enumerate(("b", "a")):
        database.execute("INSERT INTO agent_sessions VALUES (?, ?)", [session, f"2026-01-0{number + 1} 10:00:00"])
        rows = [{"role": "user", "content": f"Hi {session}"}, {"role": "assistant", "content": "Yo"}]
        for row in rows:
            database.execute(
                "INSERT INTO agent_messages VALUES (NULL, ?, ?, '2026-01-02 10:00:00')", [session, json.dumps(row)]
            )
    database.execute("INSERT INTO agent_messages VALUES (NULL, 'a', '{damaged', 'soon')")
    database.commit()
    return database


def test_each_session_is_a_run_and_a_damaged_message_a_problem(tmp_path):
    path = tmp_path / "s.db"
    session_file(path).close()
    before = path.read_bytes()
    runs = runs_of(path, 1)
    assert [(run.header.native_id, run.header.title, run.header.item) for run in runs] == [
        ("b", "Hi b", 0),
        ("a", "Hi a", 1),
    ]
    assert runs[0].steps[0].at == "2026-01-02T10:00:00Z"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_in_the_log_of_a_program_at_work_is_seen(tmp_path):
    path = tmp_path / "s.db"
    database = session_file(path, "WAL")
    files = {file: file.read_bytes() for file in tmp_path.glob("s.db*")}
    assert len(files[tmp_path / "s.db-wal"]) > 0
    assert len(runs_of(path, 1)) == 2
    assert {file: file.read_bytes() for file in tmp_path.glob("s.db*")} == files
    database.close()


def test_databases_that_are_no_sessions(tmp_path):
    path = tmp_path / "s.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE agent_sessions (session_id TEXT, created_at TEXT)")
    forever = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    forever += " SELECT x AS id, '' AS session_id, '' AS message_data FROM n"
    database.execute(f"CREATE VIEW agent_messages AS {forever}")
    database.commit()
    database.close()
    _, problems = readers.collect(readers.read(path, "openai-agents"))
    assert [problem.reason for problem in problems] == [
        "the database has no table agent_messages with id, message_data, session_id"
    ]
    path.write_bytes(path.read_bytes()[:900])
    _, problems = readers.collect(readers.read(path, "openai-agents"))
    assert "the database cannot be read" in problems[0].reason


def test_a_damaged_session_file_keeps_what_can_be_read(tmp_path, real_data):
    data = bytearray((real_data / SESSION).read_bytes())
    for place in range(5000, len(data), 997):
        data[place] ^= 0xFF
    path = tmp_path / "s.db"
    path.write_bytes(data)
    runs, problems = readers.collect(readers.read(path, "openai-agents"))
    assert runs or problems


def test_generations_tools_handoffs_and_guardrails(tmp_path):
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    calls = [{"id": "c1", "type": "function", "function": {"name": "w", "arguments": '{"city": "Paris"}'}}]
    answer = {"role": "assistant", "content": None, "tool_calls": calls}
    history = [*asked, answer, {"role": "tool", "tool_call_id": "c1", "content": "rain"}]
    usage = {"input_tokens": 7, "output_tokens": 3}
    rows = [
        span("s3", 3, "s2", type="generation", input=asked, output=[answer], model="m", usage=usage),
        span("s4", 4, "s2", type="function", name="w", input='{"city": "Paris"}', output="rain"),
        span("s5", 5, "s2", type="handoff", from_agent="A", to_agent="B"),
        span("s2", 2, "s1", type="agent", name="A"),
        span(
            "s7",
            7,
            "s6",
            type="generation",
            input=history,
            output=[{"role": "assistant", "content": "Rain."}],
            usage=usage,
        ),
        span("s8", 8, "s6", type="guardrail", name="polite", triggered=True),
        span("s6", 6, "s1", type="agent", name="B"),
        span("s1", 1, None, type="custom", name="task", data={"sdk_span_type": "task", "usage": usage}),
        {
            "object": "trace",
            "id": "trace_1",
            "workflow_name": "Weather",
            "metadata": {"expected_output": "Rain", "k": 1},
        },
    ]
    rain = ("tool_result", "rain")
    expected = [
        ("system", 0, [("text", "Be brief.")]),
        ("user", 0, [("text", "Weather?")]),
        ("A", 0, [("tool_call", "Paris"), rain]),
        ("environment", 0, [("text", "handoff from A to B")]),
        ("system", 0, [("text", "Be brief.")]),  # the instructions of B
        ("B", 0, [("text", "Rain.")]),
        ("environment", 0, [("text", "guardrail polite: triggered")]),
    ]
    (run,) = runs_of(write(tmp_path / "t.jsonl", *rows))
    assert told(run) == expected
    assert sum(step.tokens_in or 0 for step in run.steps) == 14
    assert (run.header.system, run.header.reference, run.header.facts["metadata"]) == (
        "Weather", {"expected_output": "Rain"}, {"k": 1},
    )  # fmt: skip
    for document in (rows, {"data": rows}):
        path = tmp_path / "t.json"
        path.write_text(json.dumps(document, indent=1))
        assert [guess.format for guess in readers.sniff(path)] == ["openai-agents"]
        assert told(runs_of(path)[0]) == expected


def test_responses_without_content_still_have_their_tools(tmp_path):
    rows = [
        span("s2", 2, "s1", type="response", response_id="resp_1", usage={"input_tokens": 5, "output_tokens": 1}),
        span(
            "s3",
            3,
            "s1",
            {"message": "bad", "data": {"error": "why"}},
            type="function",
            name="f",
            input="{}",
            output=None,
        ),
        span("s1", 1, None, type="agent", name="A"),
    ]
    (run,) = runs_of(write(tmp_path / "t.jsonl", *rows))
    assert told(run) == [
        ("agent", 0, [("text", "[response: content not recorded, s2]"), ("tool_call", ""), ("tool_result", "bad\nwhy")])
    ]
    assert run.steps[0].parts[-1].is_error


def test_records_that_are_neither_are_problems(tmp_path):
    path = write(tmp_path / "t.jsonl", span("s1", 1, None, type="agent", name="A"), {"x": 1}, [3])
    _, problems = readers.collect(readers.read(path, "openai-agents"))
    assert [problem.reason for problem in problems] == [
        "neither a trace nor a span: '{\"x\":1}'",
        "neither a trace nor a span: '[3]'",
    ]


def test_a_compressed_database_is_refused_in_words(tmp_path):
    import gzip

    session_file(tmp_path / "s.db").close()
    with open(tmp_path / "s.db", "rb") as file, gzip.open(tmp_path / "s.db.gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    _, problems = readers.collect(readers.read(tmp_path / "s.db.gz"))
    assert [problem.reason for problem in problems] == ["a database that is compressed cannot be read: unpack it first"]
