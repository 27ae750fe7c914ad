"""Damaged and hostile files for the readers of traces and frameworks' dumps: none raises, none takes long, and what
they give is well formed. The ways of damaging are those of test_mutations."""

import json
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from autogen_files import CONSOLE, STREAM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otlp_files import export
from test_mutations import BYTES, DEEP, change, check, places
from test_mutations import read_all as read_both
from test_otlp import family

from sessions import readers
from sessions.errors import UserError
from sessions.readers import BUILT_IN, load
from sessions.readers.base import Head
from sessions.readers.inspect_events import Reading, content_of, sample_of
from sessions.readers.spans import Trace

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
FILES = [
    ("otlp", "otel/pydantic_ai_v2.otlp.json"),
    ("otlp", "openinference_gen/openinference_langgraph.otlp.json"),
    ("openai-responses", "openai/responses_items.jsonl"),
    ("openai-agents", "openai/agents_sdk_trace.jsonl"),
    ("langsmith", "langsmith/runs.jsonl"),
    ("autogen", "autogen/messages.jsonl"),
    ("autogen", "autogen/task_result.json"),
    ("autogen", "autogen/team_state.json"),
]
CONVERSATION = DATA / "openhands_v1/conversations/56632213fdb343fa82c9e81c050e74cd"
SESSION = DATA / "openai/session.db"
INSPECT = DATA / "inspect/2026-11-22T16-49-00-00-00_t_Ph3QDEYkLhtYe8FmtBxbeZ.json"
FORMATS = ["otlp", "openai-responses", "openai-agents", "langsmith", "openhands", "autogen"]
WORDS = """resourceSpans scopeSpans spans traceId spanId parentSpanId attributes key value stringValue events name
 startTimeUnixNano status code context trace_id span_id gen_ai.input.messages gen_ai.output.messages
 gen_ai.operation.name parts type role content id run_type llm tool dotted_order parent_run_id inputs outputs
 generations messages kwargs data object trace trace.span span_data output input function response items call_id
 function_call reasoning summary usage kind ActionEvent ObservationEvent MessageEvent action observation args source
 timestamp history instance_id agent_states message_thread llm_context TextMessage ToolCallRequestEvent models_usage
 chat execute_tool agent user""".split()
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.integers()
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=30,
)
quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(path: Path, format: str) -> None:
    """As test_mutations does, and every reader looks at the file (`sniff` catches what they raise)."""
    head = Head.of(path)
    for name in BUILT_IN:
        assert 0.0 <= load(name).sniff(head) <= 1.0
    read_both(path, format)


def values_of(path: Path):
    """A file's JSON: of JSONL, the list of its lines."""
    text = path.read_text()
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def unfolded(value):
    """The value with JSON inside of texts taken out, so that it is changed too."""
    if isinstance(value, dict):
        return {key: unfolded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unfolded(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return {"\0text": unfolded(json.loads(value))}
        except ValueError:
            return value
    return value


def folded(value):
    if isinstance(value, dict):
        if set(value) == {"\0text"}:
            return json.dumps(folded(value["\0text"]))
        return {key: folded(item) for key, item in value.items()}
    return [folded(item) for item in value] if isinstance(value, list) else value


def changed(value, chance: random.Random):
    value = unfolded(value)
    for _ in range(chance.randrange(5)):
        value = change(value, chance.choice(list(places(value))), chance)
    return folded(value)


def damaged_bytes(data: bytes, chance: random.Random, most: int = 3) -> bytes:
    for _ in range(chance.randrange(most)):
        at = chance.randrange(len(data) + 1)
        data = data[:at] if chance.random() < 0.3 else data[:at] + chance.choice(BYTES) + data[at:]
    return data


def written(value, *, lines: bool, chance: random.Random) -> bytes:
    rows = value if lines and isinstance(value, list) else [value]
    indent = None if lines else chance.choice([None, 1])
    text = "\n".join(json.dumps(row, indent=indent) for row in rows)
    return text.replace(json.dumps(DEEP), "[" * 10_000 + "]" * 10_000).encode()


@pytest.mark.real_data
@pytest.mark.parametrize(("format", "relative"), FILES, ids=[f"{a}-{n}" for n, (a, _) in enumerate(FILES)])
@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_files(format, relative, tmp_path, seed):
    chance = random.Random(seed)
    value = changed(values_of(DATA / relative), chance)
    path = tmp_path / "damaged"
    data = written(value, lines=relative.endswith("l") and chance.random() < 0.8, chance=chance)
    path.write_bytes(damaged_bytes(data, chance))
    read_all(path, format)


@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_trees_of_spans(tmp_path, seed):
    """Parents, ids and starts are changed, so that the tree is another one."""
    chance = random.Random(seed)
    spans = family()
    for _ in range(chance.randrange(8)):
        item, other = chance.choice(spans), chance.choice(spans)
        field = chance.choice(["parentSpanId", "spanId", "startTimeUnixNano", "traceId", "attributes"])
        item[field] = chance.choice([other.get(field), item.get("spanId"), None, 0, "x", []])
    path = tmp_path / "t.jsonl"
    path.write_bytes(written([export([item]) for item in spans], lines=True, chance=chance))
    read_all(path, "otlp")


@pytest.mark.real_data
@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_conversation_folders(tmp_path, seed):
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "conversation"
    shutil.copytree(CONVERSATION, folder, ignore=shutil.ignore_patterns("event-00000*"))
    for path in chance.sample(sorted(folder.rglob("*.json")), chance.randrange(4)):
        path.chmod(0o600)
        data = written(changed(json.loads(path.read_text()), chance), lines=False, chance=chance)
        path.write_bytes(damaged_bytes(data, chance, 2))
    read_all(folder / "base_state.json", "openhands")
    read_all(next(iter(sorted((folder / "events").glob("event-*.json")))), "openhands")


@pytest.mark.real_data
@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_databases(tmp_path, seed):
    chance = random.Random(seed)
    data = bytearray(SESSION.read_bytes())
    for _ in range(chance.randrange(1, 40)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    path = tmp_path / "s.db"
    path.write_bytes(data)
    read_all(path, "openai-agents")


@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_streams_and_console_logs(tmp_path, seed):
    chance = random.Random(seed)
    path = tmp_path / "t"
    path.write_bytes(damaged_bytes(written(changed(STREAM, chance), lines=True, chance=chance), chance))
    read_all(path, "autogen")
    path.write_bytes(damaged_bytes(CONSOLE.encode(), chance, 6))
    read_all(path, "autogen")


@pytest.mark.real_data
@quick
@given(seed=st.integers(0, 2**32))
def test_damaged_events_of_inspect(seed):
    chance = random.Random(seed)
    sample = json.loads(INSPECT.read_text())["samples"][0]
    pool = sample["events_data"]["messages"]
    events = changed([*sample["events"], {"event": "model", "input": pool, "output": sample["output"]}], chance)
    events = [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    made = sample_of((event, event["input"] if isinstance(event.get("input"), list) else pool) for event in events)
    reading = Reading()
    trace = Trace(made.nodes, lambda node: content_of(node, made.events[node.id], made.inputs[node.id], reading))
    for step in trace.steps():
        assert isinstance(step.actor, str)
        assert all(isinstance(part.text, str) for part in step.parts)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES, lines=st.booleans())
def test_any_json_with_our_words(format, tmp_path, value, lines):
    path = tmp_path / "any.json"
    path.write_bytes(written(value, lines=lines, chance=random.Random(0)))
    read_all(path, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("depth", [100, 190, 199, 240, 300, 900, 1010, 10_000, 200_000])
def test_deep_nesting(format, depth, tmp_path):
    deep = "[" * depth + "]" * depth
    values = "{" + '"a":{' * depth + "}" * depth + "}"
    call = f'{{"type":"function_call","call_id":"c","name":"f","arguments":{deep},"content":{deep}}}'
    text = json.dumps(deep)
    rows = [
        f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"a","spanId":"b","attributes":{deep}}}]}}]}}]}}',
        f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"spanId":"b","attributes":[{{"key":"input.value","value":{{"stringValue":{text}}}}},{{"key":"k","value":{values}}}]}}]}}]}}]}}',
        call,
        f'{{"object":"trace.span","id":"s","span_data":{{"type":"generation","input":{deep},"output":[{call}]}}}}',
        f'{{"run_type":"llm","id":"r","dotted_order":"x","inputs":{{"messages":{deep}}},"outputs":{values}}}',
        f'{{"kind":"ActionEvent","timestamp":"x","source":"agent","thought":{deep},"tool_call":{values}}}',
        f'{{"action":"run","source":"agent","timestamp":"x","args":{values}}}',
        f'{{"type":"TextMessage","source":"a","content":{deep}}}',
        f'{{"type":"TeamState","agent_states":{values}}}',
    ]
    path = tmp_path / "deep"
    for text in ("\n".join(rows), f"[{','.join(rows)}]", *rows):
        path.write_text(text)
        read_all(path, format)


def test_long_chains_and_wide_families_are_no_quadratic_work(tmp_path):
    """A chain of 20,000 spans, 20,000 brothers, and a history told again by 300 requests."""
    chain = [{"traceId": "a", "spanId": f"{n}", "parentSpanId": f"{n - 1}", "name": "x"} for n in range(20_000)]
    wide = [{"traceId": "b", "spanId": f"w{n}", "parentSpanId": "root", "attributes": []} for n in range(20_000)]
    message = {"role": "user", "parts": [{"type": "text", "content": "go on"}]}
    told = [
        {
            "traceId": "c",
            "spanId": f"m{n}",
            "startTimeUnixNano": str(10**18 + n),
            "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.input.messages", "value": {"stringValue": json.dumps([message] * n)}},
            ],
        }
        for n in range(300)
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(export([item])) + "\n" for item in [*chain, *wide, *told]))
    start = time.process_time()
    runs, problems = check(readers.read(path, "otlp"))
    assert time.process_time() - start < 60
    assert problems == []
    # Each request has one message more than the one before.
    assert sum(step.role == "user" for step in runs[2].steps) == 299


def test_binary_rubbish_is_refused(tmp_path):
    path = tmp_path / "x"
    for data in (b"PK\x03\x04" + bytes(50), b"SQLite format 3\0" + bytes(200), b"PAR1" + bytes(50), bytes(9)):
        path.write_bytes(data)
        assert readers.sniff(path) == []
        with pytest.raises(UserError):
            list(readers.read(path))
        for name in (*FORMATS, "inspect"):
            check(readers.read(path, name))
