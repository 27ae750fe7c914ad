"""Damaged and wrong files: no reader of this family may raise, lose its Header, or take for ever."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.identity import content_id
from sessions.readers import collect, load, read, sniff
from sessions.readers.base import Head

FORMATS = ("who-and-when", "mast", "ag2", "text")
SECONDS = 20.0
ODD: list[Any] = [None, True, -1, 1e308, 10**30, "", "\ud800", "\x00", [], {}, [[]], {"": {}}, [None], "NaN", ["a", 1]]
STRAY = [b"\x00", b"\xff\xfe", b"NaN", b"{", b"]", b'"', b"\n", b"\\u", b"\xed\xa0\x80", b"[" * 50, b"1" * 400]


def small_rows(path: Path) -> Any:
    """A real file's JSON with long lists cut, so that hundreds of mutations are quick."""
    value = json.loads(path.read_text())
    if isinstance(value, list):
        return sorted(value, key=lambda row: len(str(row)))[:4]
    value["history"] = value["history"][:6]
    return value


def seeds(real_data: Path) -> list[bytes]:
    paths = [
        real_data / "whowhen/Hand-Crafted/11.json",
        next(iter(sorted((real_data / "whowhen/Algorithm-Generated").glob("*.json")))),
        real_data / "mast/MAD_human_labelled_dataset.json",
        real_data / "mast/ag2_labelled/records.json",
        real_data / "mast/ag2_labelled/gold_labels.json",
    ]
    human = {"instance_id": "x", "trajectory": [{"content": ["a"], "role": "user", "name": "b"}], "note": {"text": []}}
    full = {
        "mas_name": "ChatDev",
        "trace_id": 1,
        "trace": {"key": 1, "trajectory": "x\ny"},
        "mast_annotation": {"1.1": 0},
    }
    found = [json.dumps(small_rows(path)).encode() for path in paths[:-1]] + [paths[-1].read_bytes()]
    found += [json.dumps(human).encode(), json.dumps([full]).encode(), json.dumps(full).encode() + b"\n" + b"{}"]
    rows = json.loads(paths[2].read_text())
    found += [row["trace"][:8000].encode() for row in rows if not row["trace"].startswith("{")]
    found += [("---------- user ----------\nThought: x\nAction: f[1]\nObservation: y\nUSER: hi\n" * 3).encode()]
    return found


def mutate_value(value: Any, chance: random.Random) -> Any:
    """Somewhere in the value a key is dropped, doubled or renamed, or a value is swapped for an odd one."""
    if chance.random() < 0.03:
        return chance.choice(ODD)
    if isinstance(value, dict):
        items = [(key, mutate_value(item, chance)) for key, item in value.items() if chance.random() > 0.05]
        return dict(items)
    if isinstance(value, list):
        items = [mutate_value(item, chance) for item in value if chance.random() > 0.05]
        return items + items[:1] if chance.random() < 0.1 else items
    if isinstance(value, str) and value.startswith("{") and chance.random() < 0.5:
        try:
            return json.dumps(mutate_value(json.loads(value), chance))
        except ValueError:
            return value
    return value


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    how = chance.randrange(4)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + chance.choice(STRAY) + data[at:]
    if how == 2:
        return data[:at] + data[at + chance.randrange(1, 200) :]
    return data[:at] + bytes(chance.randrange(256) for _ in range(20)) + data[at:]


def mutated(data: bytes, chance: random.Random) -> bytes:
    try:
        value = json.loads(data)
    except ValueError:
        return mutate_bytes(data, chance)
    if chance.random() < 0.3:
        return mutate_bytes(data, chance)
    text = json.dumps(mutate_value(value, chance), indent=chance.choice([None, 1]))
    return text.encode() if chance.random() < 0.8 else mutate_bytes(text.encode(), chance)


def survives(path: Path) -> None:
    """All four readers read the file to its end, whatever is in it; what they give can be identified and sniffed."""
    head = Head.of(path)
    for name in FORMATS:
        assert 0.0 <= load(name).sniff(head) <= 1.0
        started = time.process_time()
        runs, problems = collect(read(path, name))
        for run in runs:
            assert len(content_id(run.steps)) == 64
            assert isinstance(run.header.title, str)
            assert all(isinstance(part.text, str) for step in run.steps for part in step.parts)
            assert all(isinstance(step.actor, str) for step in run.steps)
        assert runs or problems or name != "text"
        assert time.process_time() - started < SECONDS
    sniff(path)


@pytest.mark.real_data
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_mutated_real_files(real_data: Path, tmp_path: Path, all_seeds: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "mutated"
    path.write_bytes(mutated(chance.choice(all_seeds), chance))
    survives(path)


@pytest.fixture(scope="module")
def all_seeds(real_data: Path) -> list[bytes]:
    return seeds(real_data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2000))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(data)
    survives(path)


WORDS = [
    "Thought: ",
    "Action: ",
    "Observation: ",
    "----- a -----",
    "USER: ",
    "Step 1",
    "a (to b):",
    "\n",
    " ",
    "x" * 500,
]
WORDS += [
    "[2025-99-99 99:99:99 INFO] A: **b on : c, turn 1**",
    "HyperAgent_x - INFO - A->B: ",
    "content:",
    "[1,",
    "\r\n",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=20), max_size=60))
def test_any_log(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "log"
    text = "".join(words)
    path.write_text(text, errors="replace", newline="")
    survives(path)


DEEP: dict[str, Callable[[int], str]] = {
    "lists": lambda depth: "[" * depth + "]" * depth,
    "open lists": lambda depth: "[" * depth,
    "objects": lambda depth: '{"history":' * depth + "1" + "}" * depth,
    "in a message": lambda depth: (
        '{"question":"q","mistake_step":"1","history":[{"role":"human","content":"hi"},{"role":"a","content":'
        + "[" * depth
        + "]" * depth
        + "}]}"
    ),
    "in a trace": lambda depth: json.dumps(
        [{"mas_name": "AG2", "trace_id": 1, "trace": '{"trajectory":' + "[" * depth + "]" * depth + "}"}]
    ),
    "in python dicts": lambda depth: json.dumps(
        [{"mas_name": "AG2", "trace_id": 1, "trace": "{'content': " + "[" * depth + "]" * depth + "}"}]
    ),
    "in jsonl": lambda depth: (
        '{"mas_name":"AG2","trace_id":1,"trace":"a"}\n{"trace":' + "[" * depth + "]" * depth + "}"
    ),
}


@pytest.mark.parametrize("depth", [150, 300, 900, 10_000])
@pytest.mark.parametrize("shape", DEEP)
def test_deep_nesting(tmp_path: Path, shape: str, depth: int) -> None:
    path = tmp_path / "deep"
    path.write_text(DEEP[shape](depth))
    survives(path)


SLOW = {
    "quotes": '{"history": ["' + '\\"' * 300_000,
    "dict starts": json.dumps([{"mas_name": "AG2", "trace_id": 1, "trace": "{'content':" * 60_000}]),
    "spaces": " " * 400_000 + "x",
    "dashes": ("-" * 400_000 + "\n") * 3,
    "stars": ("*" * 399 + "\n") * 2000,
    "words": "a " * 400_000,
    "step words": ("=# *-" * 80 + "\n") * 3000,
    "task prompts": "[2025-17-01 11:36:43 INFO] **task_prompt**: x\n" * 20_000,
    "action inputs": "Action: x\n" + "Action Input:\n" * 50_000 + "Thought: y\n",
    "names": "      content:\n" * 20_000 + "      name: x\n" * 20_000,
    "brackets": "Thought: a\nAction: " + "f(" * 200_000 + "\nObservation: b\n",
    "blank lines": "USER: a\n" + "\n" * 500_000 + "ASSISTANT: b\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_nothing_takes_for_ever(tmp_path: Path, name: str) -> None:
    path = tmp_path / "slow"
    path.write_text(SLOW[name])
    survives(path)
