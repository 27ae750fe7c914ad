"""The chat reader: every wrapping, both dialects, named agents, and the real lists of AgentRx."""

import json
import time

import pytest

from sessions import readers
from sessions.identity import content_id
from sessions.readers.chat_roles import actor_and_role, message_parts
from sessions.run import Span

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None, "annotations": []},
    {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    {"role": "assistant", "content": "Rain."},
]


def read(path, value, *, lines=False, format=None):
    if isinstance(value, bytes):
        path.write_bytes(value)
    elif lines:
        path.write_text("".join(json.dumps(item) + "\n" for item in value))
    else:
        path.write_text(json.dumps(value, indent=1))
    return readers.collect(readers.read(path, format))


def shape(run):
    return [(step.actor, step.role, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


CHAT_SHAPE = [
    ("system", "system", [("text", "Be brief.")]),
    ("user", "user", [("text", "Weather?")]),
    ("agent", "agent", [("tool_call", "Paris"), ("tool_result", "rain")]),
    ("agent", "agent", [("text", "Rain.")]),
]


def magentic_files(real_data):
    return sorted((real_data / "agentrx" / "magentic").glob("*.json"))


@pytest.mark.real_data
def test_every_message_of_the_real_lists_is_a_step(real_data):
    files = magentic_files(real_data)
    assert len(files) == 27
    for path in files:
        source = json.loads(path.read_text())
        assert readers.sniff(path)[0].format == "openai-chat"
        (run,), problems = readers.collect(readers.read(path))
        assert problems == []
        assert [json.loads(raw) for step in run.steps for raw in step.raw] == source
        assert len(run.steps) == len(source)
        # Counted on the source alone: the name is what stands before the parenthesis, "human" is the user.
        actors = [item["role"].split(" (")[0].replace("human", "user") for item in source]
        assert [step.actor for step in run.steps] == actors
        texts = [item["content"] for item in source]
        assert ["".join(part.text for part in step.parts) for step in run.steps] == texts
        for step, item in zip(run.steps, source, strict=True):
            for part in step.parts:
                assert part.kind == ("reasoning" if item["role"].endswith("(thought)") else "text")
                assert f"({part.name})" in item["role"] or part.name is None
        task = next(item["content"] for item in source if item["role"] == "human")
        assert run.header.task == task


@pytest.mark.real_data
def test_the_same_runs_in_who_and_when_have_the_same_content(real_data):
    """The AgentRx lists are Who&When's Hand-Crafted runs in another wrapping."""
    wrapped = {}
    for path in sorted((real_data / "whowhen" / "Hand-Crafted").glob("*.json")):
        (run,), _ = readers.collect(readers.read(path, "who-and-when"))
        messages = json.loads(path.read_text())["history"]
        key = json.dumps([[item["role"], item["content"]] for item in messages])
        wrapped[key] = content_id(run.steps)
    same = 0
    for path in magentic_files(real_data):
        (run,), _ = readers.collect(readers.read(path))
        key = json.dumps([[item["role"], item["content"]] for item in json.loads(path.read_text())])
        if key in wrapped:
            same += 1
            assert content_id(run.steps) == wrapped[key], path.name
    assert same >= 5


@pytest.mark.parametrize(
    ("role", "name", "expected"),
    [
        ("system", None, ("system", "system", None)),
        ("developer", "x", ("system", "system", None)),
        ("user", None, ("user", "user", None)),
        ("user", "Ann", ("Ann", "user", None)),
        ("human", None, ("user", "user", None)),
        ("assistant", None, ("agent", "agent", None)),
        ("assistant", "Coder", ("Coder", "agent", None)),
        (" WebSurfer ", None, ("WebSurfer", "agent", None)),
        ("Orchestrator (thought)", None, ("Orchestrator", "agent", "thought")),
        ("Orchestrator (-> WebSurfer)", None, ("Orchestrator", "agent", "-> WebSurfer")),
        ("a (b) c", None, ("a (b) c", "agent", None)),
        ("(b)", None, ("(b)", "agent", None)),
        ("tool", "ls", ("ls", "environment", None)),
        ("", None, ("agent", "agent", None)),
    ],
)
def test_roles(role, name, expected):
    assert actor_and_role(role, name) == expected


@pytest.mark.parametrize(
    ("roles", "system"),
    [
        (["user", "Orchestrator (thought)", "WebSurfer"], "Magentic-One"),
        (["human", "Orchestrator (-> WebSurfer)", "WebSurfer"], "Magentic-One"),
        (["user", "Orchestrator", "assistant"], None),
        (["user", "assistant"], None),
    ],
)
def test_the_system_is_said_where_its_roles_tell_it(tmp_path, roles, system):
    (run,), _ = read(tmp_path / "run.json", [{"role": role, "content": f"I am {role}."} for role in roles])
    assert run.header.format == "openai-chat"
    assert run.header.system == system


def test_a_role_of_many_parentheses_costs_no_time():
    start = time.perf_counter()
    actor_and_role("a (" * 20000)
    actor_and_role("a " * 20000 + "(x")
    assert time.perf_counter() - start < 1


def test_a_thought_is_reasoning_and_other_remarks_are_texts():
    assert [(p.kind, p.name) for p in message_parts("O (thought)", None, "x")[2]] == [("reasoning", "thought")]
    assert [(p.kind, p.name) for p in message_parts("O (-> W)", None, "x")[2]] == [("text", "-> W")]
    assert message_parts("user", None, "")[2] == []


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (CHAT, False),
        ({"messages": CHAT}, False),
        ([{"messages": CHAT}], True),
        ([CHAT], True),
        (CHAT, True),
        ({"request": {"messages": CHAT[:-1]}, "response": {"choices": [{"message": CHAT[-1]}]}}, False),
        ([{"request": {"messages": CHAT[:-1]}, "response": {"choices": [{"message": CHAT[-1]}]}}], True),
        ([{"messages": CHAT}], False),
    ],
    ids=["list", "object", "jsonl of objects", "jsonl of lists", "jsonl of messages", "request", "requests", "objects"],
)
def test_every_wrapping_is_the_same_run(tmp_path, value, lines):
    (run,), problems = read(tmp_path / "c.json", value, lines=lines)
    assert problems == []
    assert shape(run) == CHAT_SHAPE
    assert run.header.title == "Weather?"
    assert run.header.task == "Weather?"
    assert [part.call_id for part in run.steps[2].parts] == ["c1", "c1"]
    assert run.steps[2].parts[1].name == "weather"
    assert readers.sniff(tmp_path / "c.json")[0].format == "openai-chat"


def test_lines_are_runs_and_raw_is_where_they_stand(tmp_path):
    path = tmp_path / "c.jsonl"
    runs, problems = read(path, [{"messages": CHAT, "id": f"r{n}", "reward": n} for n in range(3)], lines=True)
    assert [(run.header.item, run.header.native_id, run.header.reference) for run in runs] == [
        (n, f"r{n}", {"reward": n}) for n in range(3)
    ]
    assert problems == []
    (run,), _ = read(path, CHAT, lines=True)
    data = path.read_bytes()
    spans = [raw for step in run.steps for raw in step.raw]
    assert all(isinstance(raw, Span) for raw in spans)
    assert [json.loads(data[raw.offset : raw.offset + raw.length]) for raw in spans] == CHAT


def test_a_damaged_line_is_reported_and_the_rest_opens(tmp_path):
    lines = [json.dumps(item).encode() for item in CHAT]
    (run,), problems = read(tmp_path / "c.jsonl", b"\n".join([*lines[:2], b'{"role": "assi', *lines[2:]]))
    assert shape(run) == CHAT_SHAPE
    assert [problem.line for problem in problems] == [3]
    (run,), problems = read(tmp_path / "c.jsonl", b"\n".join([b'{"role": "assi', *lines]))
    assert shape(run) == CHAT_SHAPE
    assert [problem.line for problem in problems] == [1]


def test_a_half_written_document_keeps_what_was_written(tmp_path):
    data = json.dumps(CHAT, indent=1).encode()
    (run,), problems = read(tmp_path / "c.json", data[: data.index(b"Rain.")])
    assert shape(run) == [*CHAT_SHAPE[:-1], ("agent", "agent", [])]
    assert len(problems) == 1


def test_anthropic_messages(tmp_path):
    value = {
        "model": "claude-x",
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Ask.", "signature": "s"},
                    {"type": "text", "text": "One"},
                    {"type": "text", "text": "Two"},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Paris"}},
                    {"type": "tool_use", "id": "t2", "name": "time", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t2", "content": "noon", "is_error": False},
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [{"type": "text", "text": "no"}],
                        "is_error": 1,
                    },
                    {"type": "text", "text": "Go on"},
                ],
            },
        ],
    }
    (run,), problems = read(tmp_path / "c.json", value)
    assert problems == []
    assert run.header.model == "claude-x"
    assert shape(run) == [
        ("system", "system", [("text", "Be brief.")]),
        ("user", "user", [("text", "Weather?")]),
        (
            "agent",
            "agent",
            [
                ("reasoning", "Ask."),
                ("text", "One\nTwo"),
                ("tool_call", "Paris"),
                ("tool_call", ""),
                ("tool_result", "noon"),
                ("tool_result", "no"),
            ],
        ),
        ("user", "user", [("text", "Go on")]),
    ]
    results = [part for part in run.steps[2].parts if part.kind == "tool_result"]
    assert [(part.name, part.call_id, part.is_error) for part in results] == [
        ("time", "t2", False),
        ("weather", "t1", None),
    ]
    assert len(run.steps[2].raw) == 2


def test_a_response_tells_model_tokens_and_its_other_choices(tmp_path):
    choices = [{"index": n, "message": {"role": "assistant", "content": f"answer {n}"}} for n in range(3)]
    response = {"id": "r", "model": "m", "created": 1700000000, "choices": choices}
    response["usage"] = {"prompt_tokens": 7, "completion_tokens": 3}
    (run,), _ = read(tmp_path / "c.json", {"request": {"messages": CHAT[:2], "top_p": 1}, "response": response})
    first, *others = run.steps[2:]
    assert (first.model, first.tokens_in, first.tokens_out, first.branch) == ("m", 7, 3, None)
    assert first.at == "2023-11-14T22:13:20Z"
    assert [(step.branch, step.parts[0].text) for step in others] == [
        ("choice 1", "answer 1"),
        ("choice 2", "answer 2"),
    ]
    assert run.header.facts == {"request": {"top_p": 1}}


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_by_any_name_is_read_once(tmp_path, key):
    value = [{"role": "assistant", "content": "x", key: "why", "reasoning_details": None}]
    (run,), _ = read(tmp_path / "c.json", value)
    assert shape(run) == [("agent", "agent", [("reasoning", "why"), ("text", "x")])]
    value[0] |= {"reasoning": "why", "reasoning_content": "why"}
    (run,), _ = read(tmp_path / "c.json", value)
    assert shape(run) == [("agent", "agent", [("reasoning", "why"), ("text", "x")])]


def test_older_functions_and_odd_calls(tmp_path):
    value = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "not json"}},
        {"role": "function", "name": "f", "content": "Traceback (most recent call last):\n x"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "p", "type": "custom", "custom": {"name": "patch", "input": "diff"}},
                "odd",
                {"x": 1},
            ],
            "refusal": "I will not.",
            "logprobs": {"tokens": [1]},
            "audio": None,
        },
    ]
    (run,), _ = read(tmp_path / "c.json", value)
    first, second = run.steps
    assert [(part.kind, part.name, part.text) for part in first.parts[:1]] == [("tool_call", "f", "not json")]
    assert (first.parts[1].is_error, first.parts[1].error_inferred) == (True, True)
    assert [(part.kind, part.name) for part in second.parts] == [
        ("tool_call", "patch"),
        ("raw", "tool_calls"),
        ("raw", "tool_calls"),
        ("text", "refusal"),
        ("raw", "logprobs"),
    ]


def test_results_without_a_call_before_them(tmp_path):
    value = [
        {"role": "tool", "tool_call_id": "gone", "content": "late"},
        {"role": "tool", "tool_call_id": "gone2", "content": "later"},
        {"role": "user", "content": "Hm"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "user", "content": "Wait"},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    (run,), _ = read(tmp_path / "c.json", value)
    assert [(step.actor, [part.kind for part in step.parts]) for step in run.steps] == [
        ("environment", ["tool_result", "tool_result"]),
        ("user", ["text"]),
        ("agent", ["tool_call"]),
        ("user", ["text"]),
        ("environment", ["tool_result"]),
    ]
    assert (run.steps[-1].parts[0].call_id, run.steps[-1].parts[0].name) == ("c1", "weather")


def test_what_is_no_message_stays_beside_the_step_before(tmp_path):
    value = [{"role": "user", "content": "x"}, {"type": "function_call", "name": "f"}, 7]
    (run,), problems = read(tmp_path / "c.jsonl", value, lines=True, format="openai-chat")
    assert [(part.kind, part.name) for part in run.steps[0].parts] == [
        ("text", None),
        ("raw", "function_call"),
        ("raw", "unknown"),
    ]
    assert len(run.steps[0].raw) == 3
    assert problems == []


@pytest.mark.real_data
@pytest.mark.parametrize(
    "pattern",
    [
        "openai/*.jsonl",
        "langsmith/*",
        "otel/*",
        "openinference_gen/*",
        "gemini/*",
        "openhands_v1/**/*.json",
        "autogen/*",
        "acp/*",
        "agui/*",
        "inspect/*",
        "codex/**/*.jsonl",
        "claude_code/*.jsonl",
        "mast/*.json",
        "mast/ag2_labelled/*.json",
        "agentrx/*.json",
        "destructive_commands/**/*.toml",
    ],
)
def test_other_formats_are_left_alone(real_data, pattern):
    ours = {"atif", "openai-chat", "tau-bench", "swe-agent", "mini-swe-agent"}
    files = [path for path in real_data.glob(pattern) if path.is_file()]
    assert files
    for path in files:
        wanted = {guess.format: guess.confidence for guess in readers.sniff(path) if guess.format in ours}
        assert all(confidence < 0.3 for confidence in wanted.values()), (path, wanted)
