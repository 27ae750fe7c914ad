"""Large documents: the list streams, what stands around it is known before, and memory does not grow with the file."""

import json
import subprocess
import sys

import pytest

from sessions.readers import base, salvage
from sessions.readers.base import Source
from sessions.readers.salvage import members_at_end, open_document


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "WHOLE_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(salvage, "WHOLE_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(salvage, "_TAIL_BYTES", 400)


ITEMS = [{"role": "user", "content": f'no. {n} \\"]}}, "model": [', "x": [1, {"y": []}]} for n in range(100)]
BEHIND = {"tools": [{"name": 'a"]'}], "usage": {"in": 3, "list": [[], {}]}, "end": "]}\\"}


@pytest.mark.parametrize("indent", [None, 2])
def test_what_stands_behind_the_list_is_known_before_it(small: None, tmp_path, indent) -> None:
    path = tmp_path / "document.json"
    path.write_text(json.dumps({"model": "m", "messages": ITEMS, **BEHIND}, indent=indent))
    assert members_at_end(Source(path)) == BEHIND
    document = open_document(Source(path), "messages")
    assert (document.found, document.is_list, document.root) == (True, False, {"model": "m", **BEHIND})
    assert list(document.items) == ITEMS
    assert document.problem is None


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (json.dumps({"messages": ITEMS}), {}),
        (json.dumps({"messages": ITEMS}) + " \n", {}),
        (json.dumps({"messages": ITEMS, "big": {"a": ["x"] * 1000}}), None),
        (json.dumps({"messages": ITEMS})[:-1], None),
        (json.dumps({"messages": ITEMS, "info": {"a": 1}})[:-3], None),
        (json.dumps({"messages": ITEMS, "x": "q" * 1000}), None),
        (json.dumps(ITEMS), None),
        ('{"a": 1}', None),
        ("", None),
    ],
)
def test_the_end_of_a_file_is_read_only_where_it_is_clear(small: None, tmp_path, text, members) -> None:
    path = tmp_path / "document.json"
    path.write_text(text)
    assert members_at_end(Source(path)) == members


def test_members_too_large_for_the_end_are_found_by_going_through(small: None, tmp_path) -> None:
    path = tmp_path / "document.json"
    behind = {"big": {"a": ["x"] * 1000}, "model": "m"}
    path.write_text(json.dumps({"messages": ITEMS, **behind}))
    document = open_document(Source(path), "messages")
    assert document.root == behind
    assert list(document.items) == ITEMS


def test_values_of_all_kinds_stream(small: None, tmp_path) -> None:
    path = tmp_path / "document.json"
    items = [1, "two", None, [], {}, [[], {}, [1, {"a": [None]}]], {"a": {"b": [1, 2.5]}, "c": True}] * 5
    path.write_text(json.dumps(items))
    document = open_document(Source(path), "messages")
    assert document.is_list
    assert list(document.items) == items


def test_a_document_that_is_cut_off_gives_its_last_value_as_far_as_it_goes(small: None, tmp_path) -> None:
    path = tmp_path / "document.json"
    whole = json.dumps({"a": 1, "messages": ITEMS})
    path.write_text(whole[: whole.rindex('"y"')])
    document = open_document(Source(path), "messages")
    assert list(document.items) == [*ITEMS[:-1], {**ITEMS[-1], "x": [1, {}]}]
    assert document.root == {"a": 1}
    assert document.problem is not None


def test_the_first_line_of_a_file_of_one_line_is_not_read_to_its_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(base, "LONG_LINE_BYTES", 1000)
    path = tmp_path / "document.json"
    path.write_text("\n" + json.dumps(["x" * 5000]))
    (line,) = Source(path).first_lines(3)
    assert len(line) == 1000
    path.write_text("\n" + json.dumps(["x" * 5000]) + "\n\n{}\n[]\n")
    assert [line[:2] for line in Source(path).first_lines(3)] == [b'["', b"{}", b"[]"]


PEAK = r"""
import re, sys
from pathlib import Path
from sessions.readers import read
found = sum(type(record).__name__ == "Step" for record in read(Path(sys.argv[1])))
most = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
print(found, int(most) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("shape", ["messages", "steps", "line"])
def test_fifty_megabytes_are_read_in_little_memory(tmp_path, shape) -> None:
    """In a process of its own, because what is measured is the most it ever had."""
    path, text = tmp_path / "run.json", "word " * 2000
    with open(path, "w") as file:
        if shape == "messages":
            items = ({"role": ("user", "assistant")[n % 2], "content": f"{n} {text}"} for n in range(5000))
            file.write('{"model": "m", "messages": [' + ",".join(map(json.dumps, items)) + '], "tools": []}')
        elif shape == "steps":
            steps = ({"step_id": n, "source": "agent", "message": f"{n} {text}"} for n in range(1, 5001))
            head = {"schema_version": "ATIF-v1.6", "session_id": "s", "agent": {"name": "a", "version": "1"}}
            file.write(json.dumps(head)[:-1] + ', "steps": [' + ",".join(map(json.dumps, steps)) + "]}")
        else:
            long = {"role": "assistant", "content": text * 5000}
            for item in ({"role": "user", "content": "go"}, long, {"role": "user", "content": "on"}):
                file.write(json.dumps(item) + "\n")
    assert path.stat().st_size > 49_000_000
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    steps, megabytes = map(int, done.stdout.split())
    assert steps == (3 if shape == "line" else 5000)
    assert megabytes < 110
