"""Damaged and hostile logs, exports and folders: none of these readers raises or takes long; steps are well formed.

The seeds are small files of our own in each format's shape, made by the formats' own tests.
"""

import json
import random
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import test_acp
import test_ag_ui
import test_docent
import test_gemini
import test_it_bench
import test_langfuse
import test_tau2
import test_trail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_mutations import BYTES, DEEP, change, check_header, check_step, places

from sessions import readers
from sessions.errors import UserError
from sessions.identity import content_id

SECONDS = 5.0
CANONICAL = [
    {"schema": "review-tui/run/1", "type": "run", "format": "x", "title": "t", "facts": {"a": 1}},
    {"type": "step", "step_index": 0, "actor": "agent", "role": "agent", "depth": 1, "tokens_in": 3, "parts": [
        {"kind": "text", "text": "hi"}, {"kind": "tool_call", "name": "f", "call_id": "c", "arguments": {"a": [1]}},
        {"kind": "tool_result", "text": "no", "is_error": True, "error_inferred": True}]},
    {"type": "raw", "records": ["{}", {"base64": "AAE="}]},
    {"type": "piece", "more": True, "text": '{"type":"step","actor":"user",'},
    {"type": "piece", "more": False, "text": '"role":"user","parts":[]}'},
    {"type": "facts", "values": {"model": "m", "facts": {"b": 2}}},
    {"type": "reference", "reference": {"answer": 1}},
    {"type": "end", "steps": 2, "content_id": "0"},
]  # fmt: skip


def gemini() -> list[Any]:
    say, ran = test_gemini.say, test_gemini.ran
    return [
        test_gemini.META, say("u1", [{"text": "go"}, {"inlineData": {"mimeType": "image/png", "data": "x"}}]),
        say("g1", "", "gemini", toolCalls=[ran("c1", "out", agentId="h")], thoughts=[{"subject": "S"}]),
        say("g2", [{"functionCall": {"id": "f1", "name": "f", "args": {}}}], "gemini", toolCalls=[ran("c2", "x")]),
        say("g1", "x", "gemini", toolCalls=[ran("c1", "no", "error")]), {"$rewindTo": "g1"}, say("e", "boom", "error"),
        {"$set": {"messages": [say("x1", "go"), say("x2", "new", "gemini")], "summary": "s"}},
        say("r", [{"functionResponse": {"id": "c1", "name": "sh", "response": {"output": "o"}}}]),
    ]  # fmt: skip


def acp() -> list[Any]:
    chunk, call, done, ask, answer = test_acp.chunk, test_acp.call, test_acp.done, test_acp.ask, test_acp.answer
    inside = {"_meta": {"x": {"parentToolUseId": "a"}}}
    return [
        ask(1, "initialize", protocolVersion=1),
        ask(2, "session/prompt", sessionId="s1", prompt=[{"type": "text", "text": "go"}]),
        chunk("user_message", "go"), chunk("agent_thought", "hm"), chunk("agent_message", "I"),
        call("a", rawInput={"prompt": "p"}), chunk("agent_message", "inner", **inside), done("a", "failed", "no"),
        ask(3, "fs/read_text_file", sessionId="s1", path="x"),
        answer(3, {"content": "y"}), test_acp.update("plan", entries=[{"content": "c", "status": "completed"}]),
        chunk("agent_message", "other", "s2"), answer(2, {"stopReason": "end_turn"}),
    ]  # fmt: skip


def ag_ui() -> list[Any]:
    sub = {"type": "SUBAGENT_STARTED", "subagentRunId": "s1", "name": "h", "parentToolCallId": "c1"}
    snapshot = [
        {"id": "u", "role": "user", "content": "go"},
        {"id": "t", "role": "tool", "toolCallId": "c9", "content": "x"},
    ]
    return [
        test_ag_ui.START, *test_ag_ui.say("m1", "a", "b"), *test_ag_ui.call("c1", '{"q":', "1}", parentMessageId="m1"),
        sub,
        *test_ag_ui.say("n1", "inner", subagentRunId="s1"), test_ag_ui.result("c1", [{"type": "text", "text": "r"}]),
        {"type": "STEP_STARTED", "stepName": "s"}, {"type": "MESSAGES_SNAPSHOT", "messages": snapshot},
        {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m2", "delta": "x"}, {"type": "RUN_ERROR", "message": "boom"},
    ]  # fmt: skip


#: format -> the records of a file, and whether each stands on a line.
SEEDS: dict[str, tuple[Callable[[], Any], bool]] = {
    "canonical": (lambda: [dict(line) for line in CANONICAL], True),
    "gemini": (gemini, True),
    "acp": (acp, True),
    "ag-ui": (ag_ui, True),
    "tau2": (lambda: test_tau2.results(test_tau2.simulation()), False),
    "docent": (lambda: [test_docent.agent_run()], False),
    "langfuse": (lambda: [test_langfuse.trace()], False),
    "trail": (lambda: {**test_trail.trace(), **test_trail.LABELS}, False),
}


def check(path: Path, format: str) -> None:
    """With the reader that the file was for, and with the one that it looks like now, if any."""
    began = time.process_time()
    for name in (format, None):
        try:
            runs, problems = readers.collect(readers.read(path, name))
        except UserError:  # nobody's format any more: said to the user, which is right
            assert name is None
            assert all(guess.format == "text" for guess in readers.sniff(path))  # of which it has doubts
            continue
        assert not any("stopped here" in problem.reason for problem in problems), problems
        assert all(len(problem.reason) < 300 for problem in problems)
        for run in runs:
            check_header(run.header)
            for step in run.steps:
                if format == "canonical":
                    step.raw = step.raw or [b""]  # a file of ours may say that there are no records any more
                check_step(step)
            content_id(run.steps)
    assert time.process_time() - began < SECONDS


def damaged(value: Any, lines: bool, chance: random.Random) -> bytes:
    value = deepcopy(value)
    for _ in range(chance.randrange(4)):
        value = change(value, chance.choice(list(places(value))), chance)
    rows = value if lines and isinstance(value, list) else [value]
    text = "\n".join(json.dumps(row) for row in rows) if lines else json.dumps(value, indent=chance.choice([None, 1]))
    data = text.replace(json.dumps(DEEP), "[" * 10_000 + "]" * 10_000).encode()
    for _ in range(chance.randrange(3)):
        place = chance.randrange(len(data) + 1)
        data = data[:place] if chance.random() < 0.5 else data[:place] + chance.choice(BYTES) + data[place:]
    return data


@pytest.mark.parametrize("format", SEEDS)
def test_the_seeds_are_of_their_format(format: str, tmp_path: Path) -> None:
    make, lines = SEEDS[format]
    path = tmp_path / "whole"
    path.write_bytes(b"\n".join(json.dumps(row).encode() for row in make()) if lines else json.dumps(make()).encode())
    assert readers.sniff(path)[0].format == format
    check(path, format)
    runs, _ = readers.collect(readers.read(path))
    assert sum(len(run.steps) for run in runs) >= 2


@pytest.mark.parametrize("format", SEEDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_damaged_files(format: str, tmp_path: Path, seed: int) -> None:
    make, lines = SEEDS[format]
    path = tmp_path / "damaged"
    path.write_bytes(damaged(make(), lines, random.Random(seed)))
    check(path, format)


@pytest.mark.parametrize("format", SEEDS)
@pytest.mark.parametrize("depth", [100, 190, 199, 240, 1000, 100_000])
def test_deep_values(format: str, depth: int, tmp_path: Path) -> None:
    """Somewhere in a record stands something deep: everything else is read."""
    make, lines = SEEDS[format]
    deep = "[" * depth + "]" * depth
    value = make()
    chance = random.Random(depth)
    for _ in range(4):
        changed = json.loads(json.dumps(value))
        way = chance.choice([place for place in places(changed) if len(place) > 1])
        holder = changed
        for key in way[:-1]:
            holder = holder[key]
        holder[way[-1]] = DEEP
        text = "\n".join(map(json.dumps, changed)) if lines else json.dumps(changed)
        path = tmp_path / "deep"
        path.write_text(text.replace(json.dumps(DEEP), deep))
        check(path, format)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_damaged_folders(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """IT-Bench: what lies around the session is as odd as the session itself."""
    chance = random.Random(seed)
    files = {
        name: damaged(json.loads(json.dumps(content)), False, chance).decode("utf-8", "replace")
        for name, content in (("agent_output.json", test_it_bench.ANSWER), ("judge_output.json", test_it_bench.JUDGE))
    }
    folder = tmp_path_factory.mktemp("run")
    path = test_it_bench.folder(folder, "sre/Scenario-1/1", files)
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.5 else data)
    check(path, "it-bench")
