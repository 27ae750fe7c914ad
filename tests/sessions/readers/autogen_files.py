"""AutoGen's messages and console output, made by hand, for the tests of its reader."""


def message(kind, source, content, **more):
    return {"type": kind, "source": source, "content": content, "created_at": "2026-01-01T00:00:00Z", **more}


def call(id, name="f", arguments="{}"):
    return {"id": id, "name": name, "arguments": arguments}


def result(id, text, **more):
    return {"content": text, "name": "f", "call_id": id, **more}


def usage(given, made):
    return {"prompt_tokens": given, "completion_tokens": made}


STREAM = [
    message("TextMessage", "user_proxy", "Go"),
    message("SelectSpeakerEvent", "manager", ["coder"]),
    message("ThoughtEvent", "coder", "Hm."),
    message("ToolCallRequestEvent", "coder", [call("a"), call("b", "g", '{"x": 1}')], models_usage=usage(5, 1)),
    message("ToolCallExecutionEvent", "coder", [result("b", "two", is_error=False), result("a", "Error: no")]),
    message("ModelClientStreamingChunkEvent", "coder", "Both "),
    message("TextMessage", "coder", "Both ran.", models_usage=usage(7, 2)),
    message("ToolCallRequestEvent", "coder", [call("c")]),
    message("ToolCallExecutionEvent", "coder", [result("c", "x")]),
    message("ToolCallSummaryMessage", "coder", "f said x", tool_calls=[], results=[]),
    message("HandoffMessage", "coder", "Yours.", target="executor", context=[]),
    message("CodeGenerationEvent", "writer", "```sh\nls\n```", code_blocks=[{"code": "ls"}], retry_attempt=0),
    {"type": "CodeExecutionEvent", "source": "writer", "result": {"exit_code": 1, "output": "no ls"}},
    message("MultiModalMessage", "writer", ["See", {"data": "AAAA"}]),
    message("StructuredMessage[Plan]", "writer", {"steps": [1]}),
    message("ToolCallExecutionEvent", "executor", [result("z", "lost")]),
    message("HologramEvent", "coder", "?"),
    message("UserInputRequestedEvent", "user_proxy", "", request_id="r"),
    message("StopMessage", "writer", "TERMINATE", mood="glad"),
]

CONSOLE = """---------- TextMessage (user) ----------
Weather in Atlantis?
---------- ThoughtEvent (worker) ----------
checking
---------- ToolCallRequestEvent (worker) ----------
[FunctionCall(id='c1', arguments='{"city":"Atlantis"}', name='weather')]
[Prompt tokens: 10, Completion tokens: 5]
---------- ToolCallExecutionEvent (worker) ----------
[FunctionExecutionResult(content='unknown "city"\\n', name='weather', call_id='c1', is_error=True)]
---------- TextMessage (critic) ----------
ok

then
[Prompt tokens: 25, Completion tokens: 3]
---------- ToolCallRequestEvent (worker) ----------
[FunctionCall(id=evil(), arguments=
---------- Summary ----------
Number of messages: 5
Finish reason: Maximum number of messages 5 reached
Total prompt tokens: 35
"""
