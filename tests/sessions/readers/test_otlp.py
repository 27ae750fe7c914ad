"""The OpenTelemetry reader against traces of real libraries, and against small ones for each convention and quirk."""

import base64
import json
from collections import Counter

import pytest
from otlp_files import START, TRACE, agent, answers, asks, chat, export, pairs, span, span_id, text, tool, value, write

from sessions import readers
from sessions.readers import otlp
from sessions.readers.base import Head
from sessions.readers.otlp import OtlpReader
from sessions.run import Run, Step

PYDANTIC = ["otel/pydantic_ai_v2.otlp.json", "otel/pydantic_ai_v5.otlp.json"]
LANGGRAPH = "openinference_gen/openinference_langgraph.otlp.json"


def runs_of(path) -> list[Run]:
    runs, problems = readers.collect(readers.read(path, "otlp"))
    assert problems == []
    return runs


def one(path) -> Run:
    (run,) = runs_of(path)
    return run


def shape(run):
    return [(step.actor, step.depth, [part.kind for part in step.parts]) for step in run.steps]


def said(run):
    return [[part.text for part in step.parts] for step in run.steps]


def results(run):
    found = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
    return [(part.name, part.call_id, part.text, part.is_error, part.error_inferred) for part in found]


def spans_in(document):
    """All spans with their attributes as a flat dict of strings, by our own unwrapping."""
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for item in scope["spans"]:
                yield item, {pair["key"]: next(iter(pair["value"].values())) for pair in item["attributes"]}


# -- real libraries -------------------------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("name", PYDANTIC)
def test_pydantic_ai_runs_are_told_as_their_own_history_tells_them(real_data, name):
    path = real_data / name
    assert readers.sniff(path)[0].format == "otlp"
    spans = list(spans_in(json.loads(path.read_text())))
    # The agent's span holds the whole history; count messages, calls and answers in that, by role.
    (history,) = [
        json.loads(found["pydantic_ai.all_messages"]) for _, found in spans if "pydantic_ai.all_messages" in found
    ]
    parts = [(message["role"], part) for message in history for part in message["parts"]]
    run = one(path)
    assert [step.role for step in run.steps if step.role != "agent"] == ["system", "user"]
    assert sum(step.role == "agent" for step in run.steps) == sum(message["role"] == "assistant" for message in history)
    told = Counter(part.kind for step in run.steps for part in step.parts)
    kinds = Counter(part["type"] for _, part in parts)
    assert told == {
        "text": kinds["text"],
        "reasoning": kinds["thinking"],
        "tool_call": kinds["tool_call"],
        "tool_result": kinds["tool_call_response"],
    }
    calls = [part["id"] for _, part in parts if part["type"] == "tool_call"]
    assert [part.call_id for step in run.steps for part in step.parts if part.kind == "tool_call"] == calls
    assert [(call, outcome) for _, call, outcome, *_ in results(run)] == [
        (part["id"], part["result"]) for _, part in parts if part["type"] == "tool_call_response"
    ]
    # Errors as the spans state them, tokens of the models' spans alone.
    failed = {
        found["gen_ai.tool.call.id"] for item, found in spans if item["status"].get("code") == "STATUS_CODE_ERROR"
    }
    assert {call for _, call, _, error, inferred in results(run) if error and not inferred} == failed
    chats = [found for _, found in spans if found["gen_ai.operation.name"] == "chat"]
    assert sum(step.tokens_in or 0 for step in run.steps) == sum(
        int(found["gen_ai.usage.input_tokens"]) for found in chats
    )
    assert sum(step.tokens_out or 0 for step in run.steps) == sum(
        int(found["gen_ai.usage.output_tokens"]) for found in chats
    )
    assert run.header.system == "weather_agent"
    assert run.header.native_id == spans[0][0]["traceId"]
    assert run.header.task == "Weather in Paris?"
    # Every span's record is kept with some step.
    kept = [json.loads(raw) for step in run.steps for raw in step.raw]
    assert {raw["spanId"] for raw in kept if "spanId" in raw} == {item["spanId"] for item, _ in spans}


@pytest.mark.real_data
def test_langgraph_with_openinference(real_data):
    path = real_data / LANGGRAPH
    spans = list(spans_in(json.loads(path.read_text())))
    run = one(path)
    models = [(item, found) for item, found in spans if found["openinference.span.kind"] == "LLM"]
    tools = [(item, found) for item, found in spans if found["openinference.span.kind"] == "TOOL"]
    assert shape(run) == [
        ("user", 0, ["text"]),
        *[("agent", 0, kinds) for kinds in (["text", "tool_call", "tool_result"], ["tool_call", "tool_result"])],
    ]
    assert len(run.steps) == 1 + len(models)
    assert [step.native_id for step in run.steps[1:]] == [item["spanId"] for item, _ in models]
    assert len(results(run)) == len(tools)
    assert [row[:2] for row in results(run)] == [("weather", "call_1"), ("weather", "call_2")]
    assert results(run)[0][2:] == ("rainy", False, False)
    # The second tool's span names no call and has no output: found by its name, told by its exception.
    assert results(run)[1][2].startswith("ValueError: unknown city\n\nTraceback")
    assert results(run)[1][3:] == (True, False)
    assert (run.steps[1].tokens_in, run.steps[1].tokens_out) == (10, 5)
    kept = [json.loads(raw) for step in run.steps for raw in step.raw]
    assert Counter(raw["spanId"] for raw in kept if "spanId" in raw) == Counter(item["spanId"] for item, _ in spans)


# -- shapes of files --------------------------------------------------------------------------------------------------

DIALOGUE = [
    chat(2, 1, 1, [text("user", "Hi")], [text("assistant", "Hello")]),
    agent(1, 0, None, "helper"),
]


def test_one_run_in_every_wrapping(tmp_path, monkeypatch):
    run = one(write(tmp_path / "one.json", DIALOGUE))
    assert said(run) == [["Hi"], ["Hello"]]
    assert run.header.system == "shop"
    assert run.header.started_at == "2023-11-14T22:13:20.000000Z"
    assert run.steps[1].at == "2023-11-14T22:13:21.000000Z"
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps(export([item])) + "\n" for item in DIALOGUE))
    pretty = tmp_path / "pretty.json"
    pretty.write_text(json.dumps(export(DIALOGUE), indent=2))
    many = tmp_path / "list.json"
    many.write_text(json.dumps([export([item]) for item in DIALOGUE]))
    for path in (lines, pretty, many):
        assert readers.sniff(path)[0].format == "otlp"
        assert one(path) == run
    monkeypatch.setattr("sessions.readers.otlp.WHOLE_DOCUMENT_BYTES", 100)
    monkeypatch.setattr("sessions.readers.records.SHELF_MEMORY", 10)
    assert one(pretty) == run
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps(export(DIALOGUE))[:-300])
    (half,), problems = readers.collect(readers.read(cut))
    assert said(half) == [["Hi"], ["Hello"]]
    assert [problem.reason.startswith("not valid JSON") for problem in problems] == [True]
    monkeypatch.undo()
    (again,), problems = readers.collect(readers.read(cut))
    assert (again.steps, len(problems)) == (half.steps, 1)


def test_a_trace_is_given_as_soon_as_all_of_it_is_there(tmp_path, monkeypatch):
    """Its spans are counted before, so that its steps need not wait for the other traces of the file."""
    others = [{**item, "traceId": f"{number:032x}"} for number in range(1, 50) for item in DIALOGUE]
    linked = {**DIALOGUE[0], "traceId": "f" * 32, "links": [{"traceId": f"{1:032x}", "spanId": "1" * 16}]}
    path = write(tmp_path / "traces.json", [*DIALOGUE, *others, linked])
    monkeypatch.setattr("sessions.readers.otlp.WHOLE_DOCUMENT_BYTES", 100)
    whole = readers.collect(readers.read(path))
    taken, records = [], otlp._records

    def watched(source):
        for record in records(source):
            taken.append(record)
            yield record

    monkeypatch.setattr(otlp, "_records", watched)
    stream = readers.read(path)
    next(record for record in stream if isinstance(record, Step))
    assert len(taken) <= len(DIALOGUE) + 2
    stream = readers.read(path)
    runs, problems = readers.collect(stream)
    assert (runs, problems) == whole
    assert [run.header.item for run in runs] == list(range(51))
    assert [run.header.native_id for run in runs[:2]] == [TRACE, f"{1:032x}"]
    monkeypatch.setattr(otlp, "_mentions", lambda source: Counter())  # as for a compressed file
    assert readers.collect(readers.read(path)) == whole


def test_ids_in_base64_are_those_in_hex(tmp_path):
    def in_base64(item):
        short = {"traceId": item["traceId"], "spanId": item["spanId"], "parentSpanId": item.get("parentSpanId")}
        return {
            **item,
            **{key: base64.b64encode(bytes.fromhex(hexed)).decode() for key, hexed in short.items() if hexed},
        }

    run = one(write(tmp_path / "t.json", [in_base64(item) for item in DIALOGUE]))
    assert run.header.native_id == TRACE
    assert run.steps[1].native_id == span_id(2)
    assert run.steps[1].actor == "agent"


def test_interleaved_traces_are_runs_in_the_order_of_their_beginning(tmp_path):
    other = "f" * 32
    rows = [
        [chat(2, 1, 1, [text("user", "A")], [text("assistant", "a")])],
        [chat(3, 0.5, None, [text("user", "B")], [text("assistant", "b")], trace=other)],
        [chat(4, 2, 1, [text("user", "A"), text("assistant", "a"), text("user", "C")], [text("assistant", "c")])],
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(export(row)) + "\n" for row in rows) + "{damaged\n")
    runs, problems = readers.collect(readers.read(path))
    assert [said(run) for run in runs] == [[["A"], ["a"], ["C"], ["c"]], [["B"], ["b"]]]
    assert [run.header.item for run in runs] == [0, 1]
    assert [problem.line for problem in problems] == [4]


def test_spans_as_sdks_and_phoenix_write_them(tmp_path):
    attributes = {"openinference": {"span": {"kind": "LLM"}}, "llm.model_name": "m", "llm.token_count.prompt": 3}
    attributes["llm.input_messages"] = [{"message": {"role": "user", "content": "Hi"}}]
    attributes["llm"] = {"output_messages": [{"message.role": "assistant", "message": {"content": "Hello"}}]}
    row = {
        "name": "ask",
        "context": {"trace_id": "0x" + TRACE, "span_id": "0x" + span_id(1)},
        "parent_id": None,
        "start_time": "2026-01-01T00:00:00+00:00",
        "status_code": "OK",
        "attributes": attributes,
    }
    path = tmp_path / "t.jsonl"
    path.write_text(
        json.dumps(row) + "\n" + json.dumps({**row, "context": {"trace_id": "b" * 32, "span_id": "c" * 16}})
    )
    assert OtlpReader().sniff(Head.of(path)) == 0.9
    runs = runs_of(path)
    assert [said(run) for run in runs] == [[["Hi"], ["Hello"]]] * 2
    assert runs[0].header.native_id == TRACE
    assert (runs[0].steps[1].at, runs[0].steps[1].model, runs[0].steps[1].tokens_in) == (row["start_time"], "m", 3)


# -- conventions ------------------------------------------------------------------------------------------------------


def test_messages_as_values_rather_than_texts_and_instructions_apart(tmp_path):
    item = span(
        1,
        0,
        name="chat",
        gen_ai__operation__name="chat",
        gen_ai__system_instructions=[{"type": "text", "content": "Be brief."}],
        gen_ai__input__messages=[text("user", "Hi")],
        gen_ai__output__messages=[
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "Yo"}]},
            text("assistant", "Other"),
        ],
    )
    run = one(write(tmp_path / "t.json", [item]))
    assert [(step.role, step.branch) for step in run.steps] == [
        ("system", None),
        ("user", None),
        ("agent", None),
        ("agent", "choice 1"),
    ]
    assert said(run) == [["Be brief."], ["Hi"], ["hm", "Yo"], ["Other"]]
    assert [part.kind for part in run.steps[2].parts] == ["reasoning", "text"]


EVENTS = [
    ("gen_ai.system.message", {"content": "Be brief."}),
    ("gen_ai.user.message", {"content": "Weather?"}),
    (
        "gen_ai.assistant.message",
        {"tool_calls": json.dumps([{"id": "c1", "function": {"name": "w", "arguments": "{}"}}])},
    ),
    ("gen_ai.tool.message", {"id": "c1", "content": "rain"}),
]
CHOICE = {"index": 0, "message": json.dumps({"role": "assistant", "content": "Rain."})}
TOLD_BY_EVENTS = [["Be brief."], ["Weather?"], ["", "rain"], ["Rain."]]


def test_older_span_events(tmp_path):
    events = [*EVENTS, ("gen_ai.choice", CHOICE), ("gen_ai.choice", {"index": 1, "message": "Sun."}), ("odd", {"a": 1})]
    run = one(write(tmp_path / "t.json", [span(1, 0, gen_ai__request__model="m", events=events)]))
    assert said(run) == [*TOLD_BY_EVENTS[:-1], ["Rain.", '{"a":1}'], ["Sun."]]
    assert results(run) == [("w", "c1", "rain", None, False)]
    assert run.steps[-1].branch == "choice 1"
    assert run.steps[3].parts[1].name == "odd"


def test_events_in_an_attribute_and_in_log_records(tmp_path):
    listed = [{"event.name": name, **fields} for name, fields in EVENTS]
    listed += [{"event.name": "gen_ai.choice", **CHOICE}]
    attribute = span(1, 0, gen_ai__request__model="m", gen_ai__operation__name="chat", events=[])
    attribute["attributes"] += pairs({"events": json.dumps(listed)})
    assert said(one(write(tmp_path / "a.json", [attribute]))) == TOLD_BY_EVENTS

    records = [
        {
            "timeUnixNano": str(START),
            "traceId": TRACE,
            "spanId": span_id(1),
            "eventName": name,
            "body": value(fields),
        }
        for name, fields in [*EVENTS, ("gen_ai.choice", {**CHOICE, "message": json.loads(CHOICE["message"])})]
    ]
    logs = {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "lib"}, "logRecords": records}]}]}
    bare = export([span(1, 0, gen_ai__request__model="m", gen_ai__operation__name="chat")])
    path = tmp_path / "l.jsonl"
    for order in ([bare, logs], [logs, bare], [logs, logs | {"resourceLogs": []}]):
        path.write_text("".join(json.dumps(row) + "\n" for row in order))
        assert said(one(path)) == TOLD_BY_EVENTS


def test_details_in_one_event(tmp_path):
    details = {
        "gen_ai.input.messages": json.dumps([text("user", "Hi")]),
        "gen_ai.output.messages": json.dumps([text("assistant", "Yo")]),
    }
    item = span(1, 0, gen_ai__operation__name="chat", events=[("gen_ai.client.inference.operation.details", details)])
    assert said(one(write(tmp_path / "t.json", [item]))) == [["Hi"], ["Yo"]]


def test_openllmetry_numbers_its_messages(tmp_path):
    attributes = {
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.10.role": "user",
        "gen_ai.prompt.10.content": json.dumps([{"type": "text", "text": "And now?"}]),
        "gen_ai.prompt.2.role": "user",
        "gen_ai.prompt.2.content": "Hi",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "w",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Paris"}',
        "gen_ai.completion.1.content": "B",
        "gen_ai.usage.prompt_tokens": 7,
        "gen_ai.usage.completion_tokens": 2,
    }
    run = one(
        write(tmp_path / "t.json", [span(1, 0, **{key.replace(".", "__"): item for key, item in attributes.items()})])
    )
    assert said(run) == [["Be brief."], ["Hi"], ["And now?"], ["Paris"], ["B"]]
    step = run.steps[3]
    assert (step.parts[0].name, step.parts[0].call_id, step.parts[0].arguments) == ("w", "c1", {"city": "Paris"})
    assert (step.tokens_in, step.tokens_out, run.steps[4].branch) == (7, 2, "choice 1")


def test_vercel_ai_sdk(tmp_path):
    user = {"role": "user", "content": [{"type": "text", "text": "Weather?"}]}
    call = {"type": "tool-call", "toolCallId": "c1", "toolName": "w", "input": {"city": "Paris"}}
    result = {"type": "tool-result", "toolCallId": "c1", "toolName": "w", "output": {"type": "text", "value": "rain"}}
    history = [user, {"role": "assistant", "content": [call]}, {"role": "tool", "content": [result]}]
    first = {"ai__response__toolCalls": json.dumps([{**call, "input": json.dumps(call["input"])}])}
    ran = {"ai__toolCall__name": "w", "ai__toolCall__id": "c1", "ai__toolCall__result": '"rain"'}
    spans = [
        span(
            2, 1, 1, ai__operationId="ai.generateText.doGenerate", ai__prompt__messages=json.dumps([user]),
            **first, ai__usage__promptTokens=5,
        ),
        span(3, 2, 1, ai__operationId="ai.toolCall", **ran),
        span(
            4, 3, 1, ai__operationId="ai.generateText.doGenerate", ai__prompt__messages=json.dumps(history),
            ai__response__text="Rain.", ai__response__reasoning="Wet.", ai__model__id="m",
        ),
        span(1, 0, ai__operationId="ai.generateText", ai__prompt='{"prompt": "Weather?"}', ai__response__text="Rain."),
    ]  # fmt: skip
    run = one(write(tmp_path / "t.json", spans))
    assert said(run) == [["Weather?"], ["Paris", '"rain"'], ["Wet.", "Rain."]]
    assert results(run) == [("w", "c1", '"rain"', None, False)]
    assert (run.steps[1].tokens_in, run.steps[2].model) == (5, "m")


def test_an_outer_span_with_texts_alone_is_told(tmp_path):
    spans = [
        span(2, 1, 1, name="step", openinference__span__kind="CHAIN", input__value="inner", output__value="x"),
        span(
            1,
            0,
            name="run",
            openinference__span__kind="CHAIN",
            input__value="Hi",
            output__value='{"messages": [["ai", "Yo"]]}',
        ),
    ]
    assert said(one(write(tmp_path / "t.json", spans))) == [["Hi"], ["Yo"]]


def test_images_are_placeholders_and_unknown_parts_stay_raw(tmp_path):
    message = {
        "role": "user",
        "parts": [{"type": "blob", "modality": "image", "content": "AAAA"}, {"type": "hologram"}],
    }
    run = one(write(tmp_path / "t.json", [chat(1, 0, None, [message], [text("assistant", "Nice")])]))
    image, odd = run.steps[0].parts
    assert (image.kind, image.text.startswith("[image: ")) == ("text", True)
    assert (odd.kind, odd.name) == ("raw", "hologram")


# -- trees, tools, errors ---------------------------------------------------------------------------------------------


def family(order=lambda spans: spans):
    """An agent that calls a tool, in which another agent works, and one that is called twice with the same words."""
    asked = [text("system", "You lead."), text("user", "Go")]
    called = asks("delegate", {"to": "worker"}, "c1")
    inner = [text("system", "You work."), text("user", "Dig")]
    return order(
        [
            chat(2, 1, 1, asked, [called]),
            chat(5, 3, 4, inner, [asks("dig", {}, "c1")]),
            tool(6, 4, 4, "dig", "c1", "dust"),
            chat(7, 5, 4, [*inner, asks("dig", {}, "c1"), answers("c1", "dust")], [text("assistant", "Dug.")]),
            agent(4, 2.5, 3, "worker"),
            tool(3, 2, 1, "delegate", "c1", "Dug."),
            chat(8, 6, 1, [*asked, called, answers("c1", "Dug.")], [asks("delegate", {}, "c2")]),
            chat(11, 7.2, 10, inner, [text("assistant", "Again.")]),
            agent(10, 7.1, 9, "worker"),
            tool(9, 7, 1, "delegate", "c2", "Again."),
            agent(1, 0, None, "lead"),
        ]
    )


FAMILY = [
    ("system", 0, None, ["You lead."]),
    ("user", 0, None, ["Go"]),
    ("agent", 0, None, ["worker", "Dug."]),
    ("system", 1, "c1", ["You work."]),
    ("agent", 1, "c1", ["Dig"]),
    ("worker", 1, "c1", ["", "dust"]),
    ("worker", 1, "c1", ["Dug."]),
    ("agent", 0, None, ["", "Again."]),
    ("system", 1, "c2", ["You work."]),
    ("agent", 1, "c2", ["Dig"]),
    ("worker", 1, "c2", ["Again."]),
]


@pytest.mark.parametrize("order", [list, lambda spans: spans[::-1]], ids=["as exported", "reversed"])
def test_sub_agents_stand_behind_their_call_whatever_the_order_of_the_file(tmp_path, order):
    run = one(write(tmp_path / "t.json", family(order)))
    assert [
        (step.actor, step.depth, step.parent_call, [part.text for part in step.parts]) for step in run.steps
    ] == FAMILY
    assert [step.role for step in run.steps if step.actor == "agent"] == ["agent", "user", "agent", "user"]
    assert run.header.facts["agents"] == ["lead", "worker"]


def test_agents_of_one_level_keep_their_names(tmp_path):
    spans = [
        chat(3, 1, 2, [text("user", "Go")], [text("assistant", "A here")]),
        chat(
            5,
            3,
            4,
            [text("system", "You are B"), text("user", "Go"), text("assistant", "A here")],
            [text("assistant", "B")],
        ),
        agent(2, 0.5, 1, "A"),
        agent(4, 2.5, 1, "B"),
        span(1, 0, name="workflow", gen_ai__operation__name="invoke_workflow"),
    ]
    run = one(write(tmp_path / "t.json", spans))
    # B takes A's history over: only its own instructions are new.
    assert [(step.actor, step.depth) for step in run.steps] == [("user", 0), ("A", 0), ("system", 0), ("B", 0)]


def test_a_result_that_only_the_history_tells_and_one_that_never_comes(tmp_path):
    first = {"role": "assistant", "parts": [*asks("a", {}, "c1")["parts"], *asks("b", {}, "c2")["parts"]]}
    spans = [
        chat(2, 1, None, [text("user", "Go")], [first], trace=TRACE),
        chat(3, 2, None, [text("user", "Go"), first, answers("c1", "Error: no")], [text("assistant", "Hm")]),
    ]
    run = one(write(tmp_path / "t.json", spans))
    assert shape(run)[1] == ("agent", 0, ["tool_call", "tool_call", "tool_result"])
    assert results(run) == [("a", "c1", "Error: no", True, True)]


def test_tools_without_calls_are_steps_and_fill_an_answer_that_was_not_recorded(tmp_path):
    spans = [
        span(2, 1, 1, "chat m", gen_ai__operation__name="chat", gen_ai__usage__input_tokens=9),
        tool(3, 2, 1, "ls", None, "a b", gen_ai__tool__call__arguments='{"path": "/"}'),
        agent(1, 0, None, "x"),
        tool(4, 3, None, "alone", "c9", "done", status={"code": 1}),
    ]
    run = one(write(tmp_path / "t.json", spans))
    assert said(run) == [[f"[chat m: content not recorded, {span_id(2)}]", "/", "a b"], ["", "done"]]
    assert run.steps[0].tokens_in == 9
    assert results(run)[1] == ("alone", "c9", "done", False, False)


def test_failures_are_told_once(tmp_path):
    boom = [("exception", {"exception.type": "Oops", "exception.message": "no route"})]
    failed = {"code": 2, "message": "Oops"}
    spans = [
        chat(2, 1, 1, [text("user", "Go")], [], status=failed),
        span(1, 0, name="run", status=failed, events=boom),
        span(3, 2, name="other", status={"code": "STATUS_CODE_ERROR"}, error__type="timeout"),
    ]
    spans[0]["events"] = [{"name": name, "attributes": pairs(fields)} for name, fields in boom]
    run = one(write(tmp_path / "t.json", spans))
    assert [(step.actor, [(part.text, part.is_error) for part in step.parts]) for step in run.steps] == [
        ("user", [("Go", None)]),
        ("environment", [("Oops: no route", True)]),
        ("environment", [("timeout", True)]),
    ]


def test_two_libraries_that_trace_one_request_tell_it_once(tmp_path):
    inner = chat(3, 1.1, 2, [text("user", "Go")], [text("assistant", "Went")], gen_ai__usage__input_tokens=5)
    outer = chat(2, 1, 1, [text("user", "Go")], [text("assistant", "Went")], gen_ai__usage__input_tokens=5)
    run = one(write(tmp_path / "t.json", [inner, outer, agent(1, 0, None, "x")]))
    assert said(run) == [["Go"], ["Went"]]
    assert sum(step.tokens_in or 0 for step in run.steps) == 5


def test_what_judges_a_run_is_no_part_of_it(tmp_path):
    score = {"gen_ai.evaluation.name": "ok", "gen_ai.evaluation.score.value": 0.5}
    spans = [
        chat(2, 1, 1, [text("user", "Go")], [text("assistant", "Went")]),
        chat(4, 3, 3, [text("user", "Judge: SECRET")], [text("assistant", "SECRET bad")]),
        span(3, 2, 1, "judge", openinference__span__kind="EVALUATOR", output__value="SECRET bad"),
        span(1, 0, None, "case", expected_output="SECRET", events=[("gen_ai.evaluation.result", score)]),
    ]
    run = one(write(tmp_path / "t.json", spans))
    assert said(run) == [["Go"], ["Went"]]
    assert not any(b"SECRET" in raw or b"evaluation" in raw for step in run.steps for raw in step.raw)
    assert run.header.reference is not None
    assert run.header.reference["expected_output"] == "SECRET"
    assert [row.get("evaluator") for row in run.header.reference["evaluations"]] == ["judge", None]


def test_loops_among_parents_and_spans_of_nobody(tmp_path):
    spans = [
        chat(1, 1, 2, [text("user", "A")], [text("assistant", "a")]),
        chat(2, 2, 1, [text("user", "B")], [text("assistant", "b")]),
        chat(3, 3, 3, [text("user", "C")], [text("assistant", "c")]),
        chat(4, 4, 99, [text("user", "D")], [text("assistant", "d")]),
    ]
    spans += [chat(5, 5, None, [], []), {**chat(6, 6, None, [], []), "spanId": None, "startTimeUnixNano": "x"}]
    run = one(write(tmp_path / "t.json", spans))
    silent = "[chat m-1: content not recorded, {}]"
    order = ["C", "c", "D", "d", silent.format(span_id(5)), silent.format("#6"), "A", "a"]  # B is inside A: its echo
    assert [texts[0] for texts in said(run)] == order


def test_a_file_without_spans_says_so(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"resourceSpans": []}')
    assert readers.collect(readers.read(path))[1][0].reason == "there is no span in it"
