"""The Inspect reader: real logs counted with zipfile and json alone, and events made by hand.

What needs inspect_ai (extra `inspect`) is skipped where that is not installed; events are read without it.
"""

import importlib.util
import json
import sys
import zipfile
from collections import Counter
from datetime import datetime

import pytest

from sessions import readers
from sessions.readers.base import Head
from sessions.readers.inspect_events import Reading, content_of, said_of, sample_of
from sessions.readers.inspect_logs import InspectReader, _buffered
from sessions.readers.spans import Trace

EVAL = "inspect/2025-09-23T08-09-58-04-00_security-guide_LuxZJVwvymC3S3SyoJczxB.eval"
JSON = "inspect/2026-11-22T16-49-00-00-00_t_Ph3QDEYkLhtYe8FmtBxbeZ.json"
needs_inspect = pytest.mark.skipif(
    importlib.util.find_spec("inspect_ai") is None, reason="needs inspect_ai (extra `inspect`)"
)


def told(steps):
    return [(step.actor, step.depth, [(part.kind, part.text) for part in step.parts]) for step in steps]


def raw_samples(path):
    """The samples as the file has them, in the order in which it lists them."""
    if path.suffix == ".json":
        return json.loads(path.read_text())["samples"]
    with zipfile.ZipFile(path) as archive:
        order = json.loads(archive.read("summaries.json"))
        return [json.loads(archive.read(f"samples/{row['id']}_epoch_{row['epoch']}.json")) for row in order]


def own_events(sample):
    """The events outside of scorers, by following spans with our own hands."""
    parents, scorers = {}, set()
    for event in sample["events"]:
        if event["event"] == "span_begin":
            parents[event["id"]] = event.get("parent_id")
            if event["type"] in ("scorers", "scorer"):
                scorers.add(event["id"])

    def scored(span):
        while span is not None:
            if span in scorers:
                return True
            span = parents.get(span)
        return False

    return [event for event in sample["events"] if not scored(event.get("span_id"))]


def moment(text):
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


# -- real logs --------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("name", [EVAL, JSON])
def test_logs_are_known_by_their_content(real_data, tmp_path, name):
    data = (real_data / name).read_bytes()
    path = tmp_path / "anything"
    path.write_bytes(data)
    assert [(guess.format, guess.confidence) for guess in readers.sniff(path)] == [("inspect", 0.95)]


@needs_inspect
@pytest.mark.real_data
@pytest.mark.parametrize("name", [EVAL, JSON])
def test_every_sample_is_a_run(real_data, name):
    path = real_data / name
    samples = raw_samples(path)
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert [run.header.item for run in runs] == list(range(len(samples)))
    for run, sample in zip(runs, samples, strict=True):
        events = own_events(sample)
        models = [event for event in events if event["event"] == "model"]
        tools = [event for event in events if event["event"] == "tool"]
        agent = [step for step in run.steps if step.role == "agent"]
        assert len(agent) == len(models)
        assert [moment(step.at) for step in agent] == [moment(event["timestamp"]) for event in models]
        assert [(step.tokens_in, step.tokens_out) for step in agent] == [
            (event["output"]["usage"]["input_tokens"], event["output"]["usage"]["output_tokens"]) for event in models
        ]
        results = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
        assert [(part.name, part.call_id) for part in results] == [(event["function"], event["id"]) for event in tools]
        assert [part.is_error for part in results] == [bool(event.get("error")) for event in tools]
        assert not any(part.error_inferred for part in results)
        roles = Counter(message["role"] for message in sample["messages"])
        assert Counter(step.role for step in run.steps if step.role in ("user", "system")) == {
            role: roles[role] for role in ("user", "system")
        }
        assert run.header.reference["target"] == sample["target"]
        assert set(run.header.reference["scores"]) == set(sample["scores"])
        assert not any(b'"target"' in raw or b'"score"' in raw for step in run.steps for raw in step.raw)


@needs_inspect
@pytest.mark.real_data
def test_what_the_real_log_says(real_data):
    runs, _ = readers.collect(readers.read(real_data / JSON))
    first = runs[0]
    assert first.header.title == "t / s1: What is 1+2?"
    assert (first.header.facts["task"], first.header.facts["sample"], first.header.facts["status"]) == (
        "t",
        "s1",
        "success",
    )
    kinds = [[part.kind for part in step.parts] for step in first.steps if step.role == "agent"]
    assert kinds[0] == ["reasoning", "text", "tool_call", "tool_result"]
    failed = [part for step in first.steps for part in step.parts if part.is_error]
    assert [part.text.split("\n")[0] for part in failed] == ["Found 1 validation errors parsing tool input arguments:"]


@needs_inspect
@pytest.mark.real_data
def test_damaged_logs_keep_what_can_be_read(real_data, tmp_path):
    path = tmp_path / "x.eval"
    whole = (real_data / EVAL).read_bytes()
    with zipfile.ZipFile(real_data / EVAL) as archive, zipfile.ZipFile(path, "w") as copy:
        for member in archive.infolist():
            data = archive.read(member)
            copy.writestr(member, data[:500] if member.filename == "samples/2_epoch_1.json" else data)
    runs, problems = readers.collect(readers.read(path))
    assert len(runs) == 15
    assert [problem.reason.startswith("sample 2, epoch 1: ") for problem in problems] == [True]
    for cut in (whole[:5000], whole[:-100], b"PK\x03\x04 header.json"):
        path.write_bytes(cut)
        runs, problems = readers.collect(readers.read(path, "inspect"))
        assert problems[0].reason.startswith("inspect_ai cannot read it")


@needs_inspect
@pytest.mark.real_data
def test_a_sample_that_unpacks_without_end_is_left_out(real_data, tmp_path, monkeypatch):
    monkeypatch.setattr("sessions.readers.inspect_logs.MAX_SAMPLE_BYTES", 33_000)
    runs, problems = readers.collect(readers.read(real_data / EVAL))
    sizes = [
        member.file_size for member in zipfile.ZipFile(real_data / EVAL).infolist() if "samples/" in member.filename
    ]
    assert len(problems) == sum(size > 33_000 for size in sizes) > 0
    assert len(runs) == sum(size <= 33_000 for size in sizes)
    assert "it would unpack to" in problems[0].reason


@needs_inspect
def test_running_samples_come_from_inspect_s_buffer(tmp_path, monkeypatch):
    from inspect_ai.event import InfoEvent, ModelEvent
    from inspect_ai.log import EvalSampleSummary
    from inspect_ai.log._recorders.buffer.database import SampleBufferDatabase
    from inspect_ai.log._recorders.types import SampleEvent
    from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput

    from sessions.readers.inspect_logs import _run, _running

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = str(tmp_path / "log.eval")
    assert list(_running(path)) == []
    buffer = SampleBufferDatabase(path, create=True)
    buffer.start_sample(EvalSampleSummary(id="s", epoch=1, input="Go", target="T"))
    model = ModelEvent(
        model="m", input=[ChatMessageUser(content="Go " + "far " * 100)], tools=[], tool_choice="auto",
        config=GenerateConfig(), output=ModelOutput.from_content("m", "Gone"),
    )  # fmt: skip
    buffer.log_events([SampleEvent(id="s", epoch=1, event=event) for event in (model, InfoEvent(data="note"))])
    ((about, sample),) = list(_running(path))
    buffer.close()
    header, *steps = _run({"task": "t", "status": "started"}, (about, sample), 3)
    assert told(steps) == [
        ("user", 0, [("text", "Go " + "far " * 100)]),
        ("agent", 0, [("text", "Gone")]),
        ("environment", 0, [("text", "note")]),
    ]
    assert (header.facts["running"], header.item, header.reference) == (True, 3, {"target": "T"})


def test_without_the_package_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    path = tmp_path / "x.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", "{}")
    assert [guess.format for guess in readers.sniff(path)] == ["inspect"]
    _, problems = readers.collect(readers.read(path))
    assert [problem.reason for problem in problems] == [
        "Inspect logs need the package inspect_ai: pip install 'review-tui[inspect]'"
    ]


def test_other_archives_are_none(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "x" * 100)
    assert readers.sniff(path) == []
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("samples/1_epoch_1.json", "{" + " " * 100_000 + "}")
        archive.writestr("summaries.json", "[]")
        archive.writestr("header.json", "{}")
    assert InspectReader().sniff(Head.of(path)) == 0.95


# -- events -----------------------------------------------------------------------------------------------------------


def read(*events):
    """The steps that events make; a model's input stands in its event, as in older logs."""
    sample = sample_of((event, event.get("input") or ()) for event in events)
    reading = Reading()
    trace = Trace(sample.nodes, lambda node: content_of(node, sample.events[node.id], sample.inputs[node.id], reading))
    return list(trace.steps())


def event(kind, at, span=None, **more):
    return {"event": kind, "uuid": f"{kind}{at}", "timestamp": f"2026-01-01T00:00:{at:02}Z", "span_id": span, **more}


def begin(name, at, kind, parent=None):
    return event("span_begin", at, name, id=name, type=kind, name=name.split("-")[0], parent_id=parent)


def model(at, span, inputs, text, calls=(), **more):
    message = {"role": "assistant", "content": text, "tool_calls": list(calls)}
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 10}
    return event(
        "model", at, span, model="m", input=inputs, output={"choices": [{"message": message}], "usage": usage, **more}
    )


def call(id, name, **arguments):
    return {"id": id, "function": name, "arguments": arguments}


USER = {"role": "user", "content": "Go"}


def test_agents_in_tools_are_one_level_deeper():
    dig = {"role": "user", "content": "Dig"}
    steps = read(
        begin("solvers", 0, "solvers"),
        begin("lead", 1, "agent", "solvers"),
        model(2, "lead", [USER], "I ask.", [call("c1", "worker", input="Dig")]),
        begin("worker-tool", 4, "tool", "lead"),
        begin("worker-agent", 5, "agent", "worker-tool"),
        model(6, "worker-agent", [dig], "Dug."),
        event("tool", 3, "lead", id="c1", function="worker", arguments={"input": "Dig"}, result="Dug."),
        begin("scorers", 8, "scorers"),
        model(9, "scorers", [{"role": "user", "content": "Is it right?"}], "SECRET"),
    )
    assert told(steps) == [
        ("user", 0, [("text", "Go")]),
        ("agent", 0, [("text", "I ask."), ("tool_call", "Dig"), ("tool_result", "Dug.")]),
        ("agent", 1, [("text", "Dig")]),
        ("worker", 1, [("text", "Dug.")]),
    ]
    assert [step.parent_call for step in steps] == [None, None, "c1", "c1"]
    assert (steps[1].tokens_in, steps[1].tokens_out) == (8, 2)
    assert not any(b"SECRET" in raw for step in steps for raw in step.raw)


def test_older_logs_begin_and_end_steps():
    steps = read(
        event("step", 0, action="begin", type="solver", name="generate"),
        model(1, None, [USER], "Hi"),
        event("step", 2, action="end", type="solver", name="generate"),
        event("step", 3, action="begin", type="scorer", name="match"),
        model(4, None, [{"role": "user", "content": "Judge"}], "SECRET"),
        event("score", 5, score={"value": "C"}),
        event("step", 6, action="end", type="scorer", name="match"),
        event("step", 7, action="end", type="odd", name="more"),
    )
    assert told(steps) == [("user", 0, [("text", "Go")]), ("agent", 0, [("text", "Hi")])]


def test_what_happens_beside_the_conversation():
    steps = read(
        event("sample_init", 0, sample={"target": "SECRET"}, state={}),
        model(1, None, [USER], "Run", [call("c1", "bash", cmd="rm")]),
        event("approval", 2, call=call("c1", "bash"), decision="reject", approver="human", explanation="no"),
        event(
            "tool",
            3,
            id="c1",
            function="bash",
            arguments={"cmd": "rm"},
            result="",
            error={"type": "approval", "message": "rejected"},
        ),
        event("state", 4, changes=[{"op": "add", "value": "SECRET"}]),
        event("sample_limit", 5, type="token", message="Token limit exceeded"),
        event("interrupt", 6, source="user"),
        event("logger", 7, message={"level": "info"}),
        event("hologram", 8, x=1),
        event("error", 9, error={"message": "boom", "traceback": "Traceback ..."}),
        event("model", 10, None, model="m", input=[USER], output={"choices": []}, error="429"),
    )
    assert told(steps) == [
        ("user", 0, [("text", "Go")]),
        ("agent", 0, [("text", "Run"), ("tool_call", "rm"), ("tool_result", "rejected")]),
        ("environment", 0, [("text", "bash: reject by human: no")]),
        ("environment", 0, [("text", "limit reached: Token limit exceeded")]),
        (
            "environment",
            0,
            [
                ("text", 'interrupt: {"source":"user"}'),
                ("raw", json.dumps({**event("hologram", 8, x=1)}, separators=(",", ":"))),
            ],
        ),
        ("environment", 0, [("text", "boom\n\nTraceback ...")]),
        ("environment", 0, [("text", "429")]),
    ]
    assert [part.is_error for part in steps[1].parts] == [None, None, True]
    assert not any(b"SECRET" in raw for step in steps for raw in step.raw)


def test_messages():
    content = [
        {"type": "reasoning", "reasoning": "aGVsbG8=", "redacted": True},
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "See"},
        {"type": "image", "image": "data:image/png;base64,AAAA"},
        {"type": "tool_use", "id": "t", "name": "search", "arguments": '{"q": "x"}', "result": "found"},
    ]
    said = said_of({"role": "assistant", "content": content, "tool_calls": [{**call("c", "f"), "parse_error": "bad"}]})
    image = said.parts[2].text.removeprefix("See\n")
    assert image.startswith("[image: ")
    assert [(part.kind, part.text) for part in said.parts] == [
        ("reasoning", "[encrypted reasoning]"),
        ("reasoning", "Hm."),
        ("text", f"See\n{image}"),
        ("tool_call", "x"),
        ("tool_result", "found"),
        ("tool_call", "bad"),
    ]
    error = {"role": "tool", "content": "", "tool_call_id": "c", "function": "f", "error": {"message": "no"}}
    (part,) = said_of(error).parts
    assert (part.text, part.name, part.call_id, part.is_error) == ("no", "f", "c", True)
    (part,) = said_of({"role": "tool", "content": "Error: as text", "tool_call_id": "c"}).parts
    assert (part.is_error, part.error_inferred) == (False, False)


class Row:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def test_the_buffer_s_pools_and_attachments_are_put_together():
    pool = [
        {"role": "user", "content": "attachment://a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    events = [
        Row(event_id="1", event=model(1, None, [], "unfinished")),
        Row(event_id="1", event={**model(1, None, [], "attachment://a"), "input_refs": [[0, 1], [2, 3], ["x"], [5]]}),
    ]
    data = Row(
        attachments=[Row(hash="a", content="long")],
        message_pool=[*(Row(data=json.dumps(item)) for item in pool), Row(data="{broken")],
        events=events,
    )
    ((found, messages),) = list(_buffered(data))
    assert found["output"]["choices"][0]["message"]["content"] == "long"
    assert [message["content"] for message in messages] == ["long", "c"]
