"""Files of the sizes that people complain about, made like those of `benchmarks.corpus`, and deleted after use."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from benchmarks.corpus import SHAPES, Line, Texts

#: So many characters of text in a step of a document.
PER_STEP = 1000.0
#: Calls of the model in one trace: each tells its history again, as instrumentations do.
CALLS_PER_TRACE = 40


def jsonl(path: Path, shape: str, megabytes: float) -> Path:
    """A run with a record a line, of one of the shapes of `corpus`: a step for each thousand bytes."""
    return _lines(path, SHAPES[shape](Texts(11), int(megabytes * 1000), PER_STEP))


def chat_document(path: Path, megabytes: float) -> Path:
    """`{"model": ..., "messages": [...], "tools": [...]}` on one line, as `json.dump` writes it."""
    messages = SHAPES["openai-chat"](Texts(12), int(megabytes * 1000), PER_STEP)
    return _document(path, {"model": "gpt-5", "id": "run-1"}, "messages", messages, {"tools": [{"name": "bash"}]})


def atif_document(path: Path, megabytes: float) -> Path:
    """An ATIF trajectory, indented as harbor writes it."""
    agent = {"name": "terminus-2", "version": "2.0.0", "model_name": "openai/gpt-5"}
    before = {"schema_version": "ATIF-v1.7", "session_id": "s-1", "agent": agent}
    totals = {"final_metrics": {"total_prompt_tokens": 100, "total_completion_tokens": 10, "total_cost_usd": 1.0}}
    return _document(path, before, "steps", _atif_steps(int(megabytes * 1000)), totals, indent=True)


def otlp_document(path: Path, megabytes: float) -> Path:
    """Traces of an agent in one OTLP document, the way the collector's file exporter batches them."""
    traces = (trace for number in itertools.count() for trace in [_trace(Texts(13 + number), number)])
    size, entries = 0.0, []
    for spans in traces:
        scope = {"scope": {"name": "openinference.instrumentation.openai", "version": "0.1.40"}, "spans": spans}
        resource = {"attributes": [_attribute("service.name", "shop")]}
        entries.append(orjson.dumps({"resource": resource, "scopeSpans": [scope]}))
        size += len(entries[-1]) / 1e6
        if size >= megabytes:
            break
    path.write_bytes(b'{"resourceSpans":[' + b",".join(entries) + b"]}")
    return path


def long_line(path: Path, megabytes: float, *, at: int = 100) -> Path:
    """A rollout of Codex with 400 steps, in which the output of one tool call is one line of so many megabytes."""
    lines = list(SHAPES["codex"](Texts(14), 400, PER_STEP))
    row = "2026-11-22T18:14:07 worker[00042] GET /api/v1/orders/000294 status=200 ms=007\n"
    place = next(n for n, line in enumerate(lines[at:], at) if line["payload"]["type"] == "function_call_output")
    lines[place]["payload"]["output"] = row * int(megabytes * 1e6 / (len(row) + 1))
    return _lines(path, lines)


def small_files(folder: Path, count: int) -> Path:
    """A folder of small sessions, a hundred in each of its folders."""
    texts = Texts(15)
    for number in range(count):
        below = folder / f"{number // 100:03d}"
        if number % 100 == 0:
            below.mkdir(parents=True)
        _lines(below / f"{number:05d}.jsonl", SHAPES["claude-code"](texts, 4, PER_STEP))
    return folder


def _lines(path: Path, lines: Iterable[Line]) -> Path:
    with open(path, "wb", buffering=1 << 20) as file:
        for line in lines:
            file.write(orjson.dumps(line) + b"\n")
    return path


def _document(
    path: Path, before: Line, member: str, items: Iterable[Line], after: Line, *, indent: bool = False
) -> Path:
    """An object with one long list in it, written as it is made."""
    option = orjson.OPT_INDENT_2 if indent else 0
    between, end = (b",\n", b"\n") if indent else (b", ", b"")
    with open(path, "wb", buffering=1 << 20) as file:
        file.write(orjson.dumps(before, option=option)[:-1].rstrip() + between)
        file.write(b'"%s": [' % member.encode() + end)
        for number, item in enumerate(items):
            file.write((between if number else b"") + orjson.dumps(item, option=option))
        file.write(end + b"]" + between + orjson.dumps(after, option=option)[1:].lstrip())
    return path


def _atif_steps(count: int) -> Iterator[Line]:
    texts = Texts(16)
    for number in range(1, count + 1):
        at = f"2026-11-22T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000000+00:00"
        step: Line = {"step_id": number, "timestamp": at, "source": "user" if number % 40 == 1 else "agent"}
        step["message"] = texts.piece(PER_STEP * 0.12)
        if step["source"] == "agent":
            call = {"keystrokes": "ls -la src/\n", "duration": 0.1}
            step["model_name"] = "gpt-5"
            step["tool_calls"] = [
                {"tool_call_id": f"call_{number}", "function_name": "bash_command", "arguments": call}
            ]
            result = {"source_call_id": f"call_{number}", "content": texts.piece(PER_STEP * 0.2, code=True)}
            step["observation"] = {"results": [result]}
            step["metrics"] = {"prompt_tokens": number, "completion_tokens": 120, "cost_usd": 0.002}
        yield step


def _attribute(key: str, value: str | int) -> Line:
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def _trace(texts: Texts, number: int) -> list[Line]:
    """One run of an agent: a span for each call of the model, with the whole history before it, and one around all."""
    trace, spans = f"{number + 1:032x}", []
    history: list[tuple[str, str]] = [("user", texts.piece(400))]
    begin = 1_795_366_185_000_000_000 + number * 10**12

    def span(place: int, name: str, attributes: list[Line], start: int, parent: str | None) -> Line:
        made: Line = {"traceId": trace, "spanId": f"{number * 100 + place + 1:016x}", "name": name, "kind": 1}
        if parent is not None:
            made["parentSpanId"] = parent
        times = {"startTimeUnixNano": str(begin + start), "endTimeUnixNano": str(begin + start + 5 * 10**8)}
        return {**made, **times, "attributes": attributes, "status": {}}

    root = f"{number * 100 + 1:016x}"
    for call in range(1, CALLS_PER_TRACE + 1):
        said = texts.piece(300)
        attributes = [_attribute("openinference.span.kind", "LLM"), _attribute("llm.model_name", "gpt-5")]
        for place, (role, text) in enumerate(history):
            attributes.append(_attribute(f"llm.input_messages.{place}.message.role", role))
            attributes.append(_attribute(f"llm.input_messages.{place}.message.content", text))
        attributes.append(_attribute("llm.output_messages.0.message.role", "assistant"))
        attributes.append(_attribute("llm.output_messages.0.message.content", said))
        attributes.append(_attribute("llm.token_count.prompt", 100 * call))
        spans.append(span(call, "ChatCompletion", attributes, call * 10**9, root))
        history += [("assistant", said), ("user", texts.piece(400, code=True))]
    around = [_attribute("openinference.span.kind", "AGENT"), _attribute("input.value", history[0][1])]
    spans.append(span(0, "agent", around, 0, None))
    return spans
