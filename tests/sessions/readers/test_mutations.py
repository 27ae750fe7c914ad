"""Damaged and hostile documents: no reader raises, none takes long, and what they give is well formed."""

import json
import random
import time
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions import readers
from sessions.errors import UserError
from sessions.identity import content_id
from sessions.run import PART_KINDS, ROLES, Header, Span

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
DOCUMENTS = [
    ("atif", "atif/openhands_hello-world.trajectory.json"),
    ("atif", "atif/terminus_2_hello-world-context-summarization-linear-history.trajectory.json"),
    ("openai-chat", "agentrx/magentic/2aa5dd83fbcd0dce9a3dd4592106e5b5edf738008d932e357d477bba80e59ccf.json"),
    ("openai-chat", "taubench/gpt-4o-airline-part.json"),
    ("tau-bench", "taubench/gpt-4o-airline-part.json"),
    ("swe-agent", "sweagent/trajectories/demonstrations/function_calling_simple.traj"),
    ("swe-agent", "sweagent/trajectories/demonstrations/ctf/misc/networking_1.traj"),
    ("mini-swe-agent", "miniswe/gen/run.traj.json"),
    ("mini-swe-agent", "miniswe/tests/test_data/local.traj.json"),
]
DEEP = "\u0001deep\u0001"
ODD = [None, True, 0, -1.5, 1e300, 2**70, "", "x", "\ud800", [], {}, [[]], [None], {"role": 1}, {"": {"": []}}, DEEP]
BYTES = [b"\0", b"\xff\xfe", b"NaN", b"}", b"]", b"{", b'"', b"\n", b"\n\n{}\n", b"\\u0000", b"\\ud83d", b","]


def places(value, path=()):
    """The paths of all values in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def change(value, path, random_source):
    """One change at a path: drop it, put something odd there, rename its key, or double its list."""
    if not path:
        return deepcopy(random_source.choice(ODD))
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    act = random_source.randrange(4)
    if act == 0:
        del holder[path[-1]]
    elif act == 1 and isinstance(holder, dict):
        holder[random_source.choice(["role", "content", "extra", "zz", ""])] = holder.pop(path[-1])
    elif act == 2 and isinstance(holder, list):
        holder.insert(0, deepcopy(random_source.choice(ODD)))
    else:
        holder[path[-1]] = deepcopy(random_source.choice(ODD))
    return value


def small(relative):
    """A real document, cut down so that one change hits something that matters."""
    value = json.loads((DATA / relative).read_text())
    if isinstance(value, dict):
        return {key: item[:8] if isinstance(item, list) else item for key, item in value.items()}
    return [{**item, "traj": item["traj"][:9]} for item in value[:2]] if "traj" in value[0] else value[:8]


def damaged(relative, seed) -> bytes:
    random_source = random.Random(seed)
    value = small(relative)
    for _ in range(random_source.randrange(4)):
        value = change(value, random_source.choice(list(places(value))), random_source)
    text = json.dumps(value, indent=random_source.choice([None, 1]))
    data = text.replace(json.dumps(DEEP), "[" * 10_000 + "]" * 10_000).encode()
    for _ in range(random_source.randrange(3)):
        place = random_source.randrange(len(data) + 1)
        if random_source.random() < 0.5:
            data = data[:place]
        else:
            data = data[:place] + random_source.choice(BYTES) + data[place:]
    return data


def check(records):
    runs, problems = readers.collect(records)
    for problem in problems:
        assert isinstance(problem.reason, str)
        assert len(problem.reason) < 300
    for place, run in enumerate(runs):
        check_header(run.header)
        assert place <= run.header.item
        for step in run.steps:
            check_step(step)
        content_id(run.steps)
    return runs, problems


def check_header(header: Header):
    for value in (header.task, header.system, header.model, header.native_id, header.started_at):
        assert value is None or isinstance(value, str)
    assert isinstance(header.title, str)
    assert isinstance(header.facts, dict)
    assert header.reference is None or header.reference


def check_step(step):
    assert isinstance(step.actor, str)
    assert step.actor
    assert step.role in ROLES
    for value in (step.at, step.native_id, step.model, step.parent_call, step.stage):
        assert value is None or isinstance(value, str)
    for value in (step.tokens_in, step.tokens_out):
        assert value is None or type(value) is int
    assert step.cost is None or isinstance(step.cost, float)
    assert step.raw
    assert all(isinstance(raw, (bytes, Span)) for raw in step.raw)
    for part in step.parts:
        assert part.kind in PART_KINDS
        assert isinstance(part.text, str)
        assert part.name is None or isinstance(part.name, str)
        assert part.call_id is None or isinstance(part.call_id, str)
        assert part.is_error in (None, True, False)


def read_all(path, format):
    """With the reader that the file was for, and with the one that it looks like now, if any."""
    start = time.process_time()
    check(readers.read(path, format))
    try:
        check(readers.read(path))
    except UserError:  # nobody's format any more: said to the user, which is right
        assert all(guess.format == "text" for guess in readers.sniff(path))  # of which it has doubts
    assert time.process_time() - start < 15


@pytest.mark.real_data
@pytest.mark.parametrize(("format", "relative"), DOCUMENTS, ids=[f"{a}-{n}" for n, (a, _) in enumerate(DOCUMENTS)])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_damaged_documents(format, relative, tmp_path, seed):
    path = tmp_path / "damaged.json"
    path.write_bytes(damaged(relative, seed))
    read_all(path, format)


WORDS = """role content messages tool_calls function name steps source message observation results metrics traj info
 task trajectory history action thought state extra actions output response request choices usage timestamp agent
 subagent_trajectories subagent_trajectory_ref thinking_blocks id type text tool_call_ids""".split()
FORMATS = sorted({name for name, _ in DOCUMENTS})
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES)
def test_any_json_with_our_words(format, tmp_path, value):
    path = tmp_path / "any.json"
    path.write_text(json.dumps(value))
    read_all(path, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("depth", [100, 240, 300, 600, 900, 960, 1010, 10_000, 200_000])
@pytest.mark.parametrize("where", ["top", "item", "arguments", "content"])
def test_deep_nesting(format, depth, where, tmp_path):
    deep = "[" * depth + "]" * depth
    key = {"atif": "steps", "tau-bench": "traj", "swe-agent": "trajectory"}.get(format, "messages")
    call = f'{{"function": {{"name": "f", "arguments": {deep}}}, "function_name": "f", "arguments": {deep}}}'
    item = {
        "top": deep,
        "item": f'{{"{key}": [{{"role": "user", "zz": {deep}}}, {{"role": "user"}}]}}',
        "arguments": f'{{"{key}": [{{"role": "assistant", "tool_calls": [{call}]}}], "extra": {deep}}}',
        "content": f'{{"{key}": [{{"role": "assistant", "content": {deep}, "message": {deep}, "thought": {deep}}}]}}',
    }[where]
    path = tmp_path / "deep.json"
    path.write_text(item)
    read_all(path, format)


def test_a_long_run_of_turns_that_match_nothing_is_no_quadratic_work(tmp_path):
    history = [{"role": "assistant", "action": f"h{n}", "content": ""} for n in range(20_000)]
    entries = [{"action": f"t{n}", "thought": "x"} for n in range(20_000)]
    path = tmp_path / "t.traj"
    path.write_text(json.dumps({"history": history, "trajectory": entries}))
    read_all(path, "swe-agent")
