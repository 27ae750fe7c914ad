"""OTLP JSON made by hand, as collectors write it, for the tests of its reader."""

import json
from pathlib import Path

START = 1_700_000_000_000_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"


def value(item):
    """A plain value wrapped as OTLP wraps it."""
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [value(inner) for inner in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": pairs(item)}}
    return {"stringValue": item}


def pairs(attributes):
    return [{"key": key, "value": value(item)} for key, item in attributes.items()]


def span_id(number):
    return f"{number:016x}"


def span(number, at, parent=None, name="span", *, trace=TRACE, status=None, events=(), **attributes):
    """A span. at: its start in seconds. Attribute names are written with __ for a dot."""
    made = {
        "traceId": trace,
        "spanId": span_id(number),
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(START + int(at * 1e9)),
        "endTimeUnixNano": str(START + int(at * 1e9) + 1000),
        "attributes": pairs({key.replace("__", "."): item for key, item in attributes.items()}),
        "status": {} if status is None else status,
    }
    if parent is not None:
        made["parentSpanId"] = span_id(parent)
    if events:
        made["events"] = [{"name": name, "attributes": pairs(fields)} for name, fields in events]
    return made


def export(spans, service="shop", scope="lib"):
    resource = {"attributes": pairs({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": scope}, "spans": spans}]}]}


def write(path: Path, spans, **more) -> Path:
    path.write_text(json.dumps(export(spans, **more)))
    return path


def text(role, *texts):
    return {"role": role, "parts": [{"type": "text", "content": item} for item in texts]}


def asks(name, arguments, id):
    call = {"type": "tool_call", "id": id, "name": name, "arguments": arguments}
    return {"role": "assistant", "parts": [call]}


def answers(id, result):
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": id, "response": result}]}


def chat(number, at, parent, inputs, outputs, *, status=None, trace=TRACE, **more):
    """A model's span by the semantic conventions, messages as JSON texts."""
    attributes = {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "m-1",
        "gen_ai__input__messages": json.dumps(inputs),
        "gen_ai__output__messages": json.dumps(outputs),
        **more,
    }
    return span(number, at, parent, "chat m-1", status=status, trace=trace, **attributes)


def agent(number, at, parent, name, **more):
    return span(
        number,
        at,
        parent,
        f"invoke_agent {name}",
        gen_ai__operation__name="invoke_agent",
        gen_ai__agent__name=name,
        **more,
    )


def tool(number, at, parent, name, id=None, result=None, **more):
    attributes = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": name, **more}
    if id is not None:
        attributes["gen_ai__tool__call__id"] = id
    if result is not None:
        attributes["gen_ai__tool__call__result"] = result
    return span(number, at, parent, f"execute_tool {name}", **attributes)
