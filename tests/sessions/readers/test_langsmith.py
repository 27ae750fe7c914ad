"""The LangSmith reader against a trace of LangGraph, and against small ones for each quirk."""

import importlib.util
import json
from collections import Counter

import pytest

from sessions import readers
from sessions.readers.langsmith import LangSmithReader
from sessions.run import Run

REAL = "langsmith/runs.jsonl"
HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None


def runs_of(path) -> list[Run]:
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert {run.header.format for run in runs} == {"langsmith"}
    return runs


def one(path) -> Run:
    (run,) = runs_of(path)
    return run


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def told(run):
    return [(step.actor, step.depth, [part.text for part in step.parts]) for step in run.steps]


def row(id, at, parent=None, kind="chain", name="step", *, trace="t", **more):
    stamp = f"20260101T0000{at:02}000000Z"
    order = f"20260101T000000000000Z{trace}" if parent is None and id == trace else None
    return {
        "id": id,
        "trace_id": trace,
        "parent_run_id": parent,
        "dotted_order": order or f"20260101T000000000000Z{trace}.{stamp}{id}",
        "name": name,
        "run_type": kind,
        "start_time": f"2026-01-01T00:00:{at:02}.000000",
        "inputs": {},
        "outputs": {},
        "error": None,
        "extra": {},
        **more,
    }


def message(kind, content, **more):
    path = ["langchain", "schema", "messages", kind]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": {"content": content, **more}}


def generations(*messages):
    return {"generations": [[{"text": "", "message": item} for item in messages]], "llm_output": None}


@pytest.mark.real_data
def test_a_real_trace(real_data):
    path = real_data / REAL
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [guess.format for guess in readers.sniff(path)] == ["langsmith"]
    run = one(path)
    models = [item for item in rows if item["run_type"] == "llm"]
    tools = [item for item in rows if item["run_type"] == "tool"]
    assert [step.native_id for step in run.steps if step.role == "agent"] == [item["id"] for item in models]
    assert [step.at for step in run.steps if step.role == "agent"] == [item["start_time"] for item in models]
    assert [part.text for part in run.steps[0].parts] == [rows[0]["inputs"]["messages"][0]["content"]]
    assert run.steps[0].role == "user"
    results = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
    assert [part.call_id for part in results] == [item["extra"]["tool_call_id"] for item in tools]
    assert [part.is_error for part in results] == [item["error"] is not None for item in tools]
    assert [part.text for part in results] == [item["error"] or item["outputs"]["output"]["content"] for item in tools]
    said = [item["outputs"]["generations"][0][0]["message"]["kwargs"] for item in models]
    calls = [(call["id"], call["name"], call["args"]) for item in said for call in item["tool_calls"]]
    assert [
        (part.call_id, part.name, part.arguments)
        for step in run.steps
        for part in step.parts
        if part.kind == "tool_call"
    ] == calls
    assert [(step.tokens_in, step.tokens_out) for step in run.steps if step.role == "agent"] == [
        (item.get("usage_metadata", {}).get("input_tokens"), item.get("usage_metadata", {}).get("output_tokens"))
        for item in said
    ]
    # All 17 records are kept with some step; the plumbing is not shown.
    kept = Counter(json.loads(raw).get("id") for step in run.steps for raw in step.raw)
    assert all(kept[item["id"]] == 1 for item in rows)
    assert run.header.native_id == rows[0]["trace_id"]
    assert run.header.facts["project"] == "default"


def conversation():
    history = [message("SystemMessage", "Be brief."), message("HumanMessage", "Weather?")]
    calls = [{"name": "w", "args": {"city": "Paris"}, "id": "c1", "type": "tool_call"}]
    asked = message("AIMessage", "", tool_calls=calls, usage_metadata={"input_tokens": 4, "output_tokens": 2})
    answered = message("ToolMessage", "rain", tool_call_id="c1", name="w", status="error")
    return [
        row("t", 0, None, name="LangGraph", tags=["x"], feedback_stats={"good": {"n": 1}}, reference_outputs={"a": 1}),
        row(
            "m1", 1, "t", "llm", "ChatModel", inputs={"messages": [history]}, outputs=generations(asked),
            extra={"metadata": {"langgraph_node": "agent", "ls_model_name": "m"}}, total_cost="0.25",
        ),
        row("p", 1, "t", "prompt", inputs={"x": 1}),
        row("w1", 2, "t", "tool", "w", inputs={"input": '{"city": "Paris"}'}, outputs={"output": answered}),
        row(
            "m2", 3, "t", "llm", "ChatModel", inputs={"messages": [[*history, asked, answered]]},
            outputs=generations(message("AIMessage", "Rain."), message("AIMessage", "Sun.")),
            extra={"metadata": {"langgraph_node": "agent"}},
        ),
    ]  # fmt: skip


TOLD = [
    ("system", 0, ["Be brief."]),
    ("user", 0, ["Weather?"]),
    ("agent", 0, ["Paris", "rain"]),
    ("agent", 0, ["Rain."]),
    ("agent", 0, ["Sun."]),
]


def test_models_and_tools_are_steps(tmp_path):
    run = one(write(tmp_path / "t.jsonl", conversation()))
    assert told(run) == TOLD
    step = run.steps[2]
    assert (step.model, step.tokens_in, step.tokens_out, step.cost) == ("m", 4, 2, 0.25)
    assert step.at == "2026-01-01T00:00:01.000000Z"  # UTC, as its dotted_order says
    assert [(part.call_id, part.is_error, part.error_inferred) for part in step.parts] == [
        ("c1", None, False),
        ("c1", True, False),
    ]
    assert run.steps[4].branch == "choice 1"
    assert run.header.reference == {"feedback_stats": {"good": {"n": 1}}, "reference_outputs": {"a": 1}}
    assert not any(b"feedback" in raw or b"reference" in raw for step in run.steps for raw in step.raw)
    assert run.header.facts["tags"] == ["x"]


def test_wrappings_and_orders(tmp_path):
    rows = conversation()
    assert told(one(write(tmp_path / "t.jsonl", rows[::-1]))) == TOLD
    path = tmp_path / "t.json"
    for document in (rows, {"runs": rows}):
        path.write_text(json.dumps(document, indent=1))
        assert readers.sniff(path)[0].format == "langsmith"
        assert told(one(path)) == TOLD
    # Begun and ended apart; parents and traces known from dotted_order alone.
    ways = {item["id"]: item["dotted_order"] for item in rows}
    begun = [{**item, "outputs": None, "error": None, "trace_id": None, "parent_run_id": None} for item in rows]
    ended = [
        {"id": item["id"], "dotted_order": ways[item["id"]], "outputs": item["outputs"], "inputs": None}
        for item in rows
    ]
    run = one(write(tmp_path / "t.jsonl", [*begun, *ended]))
    assert told(run) == TOLD
    kept = [json.loads(raw) for step in run.steps for raw in step.raw]
    assert len([item for item in kept if "dotted_order" in item]) == 2 * len(rows)


def test_several_traces_and_damage(tmp_path):
    other = [row("u", 0, trace="u", inputs={"question": "Why?"}, outputs={"output": "So."})]
    path = write(tmp_path / "t.jsonl", [conversation()[0], *other, *conversation()[1:], 7])
    path.write_text(path.read_text() + '{"id": "cut')
    runs, problems = readers.collect(readers.read(path))
    assert [run.header.native_id for run in runs] == ["t", "u"]
    assert told(runs[0]) == TOLD
    # A trace of chains alone is told by its outermost one.
    assert told(runs[1]) == [("user", 0, ["Why?"]), ("agent", 0, ["So."])]
    assert [problem.reason[:10] for problem in problems] == ["no run: '7", "not valid "]


def test_a_prompt_that_is_only_a_text_takes_its_messages_from_around(tmp_path):
    state = {
        "messages": [
            {"type": "human", "content": "Hi"},
            {"type": "ai", "content": "Yo"},
            {"type": "human", "content": "More"},
        ]
    }
    answer = {"generations": [[{"text": "Ok", "type": "Generation"}]]}
    rows = [
        row("t", 0, name="app"),
        row("n", 1, "t", inputs=state),
        row(
            "m",
            2,
            "n",
            "llm",
            "LLM",
            inputs={"prompts": ["System: Be kind.\nHuman: Hi\nAI: Yo\nHuman: More"]},
            outputs=answer,
        ),
        row("o", 3, "t", "llm", "LLM", inputs={"prompts": ["Alone"]}, outputs=answer),
    ]
    assert told(one(write(tmp_path / "t.jsonl", rows))) == [
        ("system", 0, ["Be kind."]),
        ("user", 0, ["Hi"]),
        ("agent", 0, ["Yo"]),
        ("user", 0, ["More"]),
        ("agent", 0, ["Ok"]),
        ("user", 0, ["Alone"]),
        ("agent", 0, ["Ok"]),
    ]


def test_openai_s_own_requests(tmp_path):
    chat = {"messages": [{"role": "user", "content": "Hi"}], "model": "gpt"}
    choices = {"choices": [{"message": {"role": "assistant", "content": "Yo"}}], "usage": {"prompt_tokens": 3}}
    items = [{"role": "user", "content": "And?"}, {"type": "reasoning", "summary": [{"text": "hm"}]}]
    rows = [
        row("t", 0, None, "llm", "ChatOpenAI", inputs=chat, outputs=choices),
        row(
            "u",
            1,
            None,
            "llm",
            "Responses",
            trace="u",
            inputs={"input": items, "instructions": "Go"},
            outputs={"output": "No."},
        ),
    ]
    first, second = runs_of(write(tmp_path / "t.jsonl", rows))
    assert told(first) == [("user", 0, ["Hi"]), ("agent", 0, ["Yo"])]
    assert (first.steps[1].model, first.steps[1].tokens_in) == ("gpt", 3)
    assert told(second) == [("system", 0, ["Go"]), ("user", 0, ["And?"]), ("agent", 0, ["hm"]), ("agent", 0, ["No."])]


def test_nodes_are_actors_and_graphs_in_tools_are_deeper(tmp_path):
    def model(id, at, parent, node, asked, said, **more):
        extra = {"metadata": {"langgraph_node": node}}
        return row(
            id, at, parent, "llm", "M", extra=extra, inputs={"messages": [[message("HumanMessage", asked)]]},
            outputs=generations(message("AIMessage", said, **more)),
        )  # fmt: skip

    call = {"name": "research", "args": {"q": "x"}, "id": "c1"}
    rows = [
        row("t", 0, name="LangGraph"),
        model("m1", 1, "t", "planner", "Go", "Plan", tool_calls=[call]),
        row(
            "w",
            2,
            "t",
            "tool",
            "research",
            inputs={"q": "x"},
            extra={"tool_call_id": "c1"},
            outputs={"output": "found"},
        ),
        row("g", 3, "w", name="LangGraph", extra={"metadata": {"langgraph_node": "inner"}}),
        model("m2", 4, "g", "searcher", "Find x", "Found"),
        model("m3", 5, "t", "writer", "Write", "Written"),
    ]
    run = one(write(tmp_path / "t.jsonl", rows))
    assert told(run) == [
        ("user", 0, ["Go"]),
        ("planner", 0, ["Plan", "x", "found"]),
        ("planner", 1, ["Find x"]),
        ("searcher", 1, ["Found"]),
        ("user", 0, ["Write"]),
        ("writer", 0, ["Written"]),
    ]
    assert [step.parent_call for step in run.steps] == [None, None, "c1", "c1", None, None]


def test_retrievers_and_failures(tmp_path):
    rows = [
        row("t", 0, error="Boom", name="app"),
        row(
            "r",
            1,
            "t",
            "retriever",
            "docs",
            inputs={"query": "x"},
            outputs={"documents": [{"page_content": "A"}, {"page_content": "B"}]},
        ),
        row("m", 2, "t", "llm", "M", inputs={"messages": [[message("HumanMessage", "Hi")]]}, error="RateLimit"),
    ]
    run = one(write(tmp_path / "t.jsonl", rows))
    assert told(run) == [("agent", 0, ["x", "A\n\nB"]), ("user", 0, ["Hi"]), ("environment", 0, ["RateLimit"])]
    assert run.steps[2].parts[0].is_error is True


def parquet_rows():
    return [
        {
            **{key: item[key] for key in ("id", "trace_id", "name", "run_type", "error", "start_time")},
            "parent_run_ids": [item["parent_run_id"]] if item["parent_run_id"] else [],
            "inputs": json.dumps(item["inputs"]),
            "outputs": json.dumps(item["outputs"]),
            "extra": json.dumps(item["extra"]),
            "feedback_stats": json.dumps(item.get("feedback_stats")),
        }
        for item in conversation()
    ]


@pytest.mark.skipif(not HAS_PYARROW, reason="needs pyarrow (extra `parquet`)")
def test_parquet(tmp_path):
    from pyarrow import Table, parquet

    path = tmp_path / "runs.parquet"
    parquet.write_table(Table.from_pylist(parquet_rows()), path)
    assert [guess.format for guess in readers.sniff(path)] == ["langsmith"]
    run = one(path)
    assert told(run) == TOLD
    assert run.header.reference == {"feedback_stats": {"good": {"n": 1}}}
    path.write_bytes(path.read_bytes()[:-40])
    _, problems = readers.collect(readers.read(path, "langsmith"))
    assert problems[0].reason.startswith("cannot be read as Parquet: ")


def test_parquet_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1\0\0 run_type trace_id")
    assert [guess.format for guess in readers.sniff(path)] == ["langsmith"]
    _, problems = readers.collect(readers.read(path))
    assert [problem.reason for problem in problems] == [
        "Parquet files need the package pyarrow: pip install 'review-tui[parquet]'"
    ]
    path.write_bytes(b"PAR1\0\0 something else")
    assert readers.sniff(path) == []


def test_only_runs_are_taken_for_runs(tmp_path):
    path = write(tmp_path / "t.jsonl", [{"run_type": "llm", "id": 1}])
    from sessions.readers.base import Head

    assert LangSmithReader().sniff(Head.of(path)) == 0.3
    assert LangSmithReader().sniff(Head.of(write(path, [{"run_type": "bench", "dotted_order": "x"}]))) == 0.0
