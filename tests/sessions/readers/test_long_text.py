"""Texts that are too long to be held lose their middle; everything else passes as it is."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import readers
from sessions.readers import base, long_text, salvage
from sessions.readers.base import Source
from sessions.readers.long_text import Shortener

TEXTS = {
    "plain": "worker 42 done\n",
    "escapes": 'x"\\ \n',
    "only backslashes": "\\",
    "only quotes": '"',
    "wide": "é漢🎉",
    "one letter": "a",
    "numbers": "1234567890",
}


def shorten(data: bytes, piece: int = long_text.PIECE) -> tuple[bytes, Shortener]:
    shortener = Shortener()
    short = [shortener.feed(data[place : place + piece]) for place in range(0, len(data), piece)]
    return b"".join([*short, shortener.finish()]), shortener


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_text, "LONGEST_TEXT", 4000)
    monkeypatch.setattr(long_text, "PIECE", 100)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_keeps_its_beginning_and_its_end(small: None, name: str, ascii_only: bool) -> None:
    text = TEXTS[name] * (60_000 // len(TEXTS[name]))
    value = {"a": [1, 'q"', text, text], "\\": {"b": text}, "z": "end"}
    short, shortener = shorten(json.dumps(value, ensure_ascii=ascii_only).encode(), 100)
    found = json.loads(short)
    assert (found["a"][:2], found["z"], shortener.texts) == ([1, 'q"'], "end", 3)
    for cut in (*found["a"][2:], found["\\"]["b"]):
        begin, mark, rest = cut.partition("\n[... ")
        end = rest.partition(" bytes of this text are left out here ...]\n")[2]
        assert mark
        assert len(json.dumps(cut, ensure_ascii=ascii_only).encode()) < 5000
        assert text.startswith(begin)
        assert text.endswith(end)
        assert len(begin) > len(end) > 0


def test_what_is_left_out_is_counted(small: None) -> None:
    data = json.dumps(["x" * 50_000]).encode()
    short, shortener = shorten(data, 100)
    mark = f"\\n[... {shortener.left_out:,} bytes of this text are left out here ...]\\n".encode()
    assert mark in short
    assert len(data) == len(short) - len(mark) + shortener.left_out


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text('a"\\\n 1,é:'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('a"\\'), inner),
    max_leaves=30,
)


@settings(deadline=None, max_examples=200)
@given(value=VALUES, piece=st.integers(1, 50))
def test_short_texts_pass_as_they_are(value: object, piece: int) -> None:
    data = json.dumps(value).encode()
    assert shorten(data, piece)[0] == data


def test_long_lists_of_numbers_and_spaces_are_no_text(small: None) -> None:
    for value in ([1.5] * 20_000, [True, None] * 5000, [[]] * 10_000, {"a": [0] * 20_000, "b": ["x"]}):
        for indent in (None, 4):
            data = json.dumps(value, indent=indent).encode()
            assert shorten(data, 100)[0] == data


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 1 << 32), size=st.integers(1, 8000), piece=st.integers(7, 300))
def test_json_stays_json_wherever_it_is_cut(seed: int, size: int, piece: int) -> None:
    pick = random.Random(seed)
    texts = ["".join(pick.choices('abc "\\\n\té漢🎉\ud7ff,:[]{}0', k=pick.randrange(size))) for _ in range(4)]
    data = json.dumps(texts, ensure_ascii=pick.random() < 0.5).encode()
    longest, long_text.LONGEST_TEXT = long_text.LONGEST_TEXT, 500
    try:
        short, _ = shorten(data, piece)
    finally:
        long_text.LONGEST_TEXT = longest
    found = json.loads(short)
    assert len(found) == 4
    for cut, text in zip(found, texts, strict=True):
        begin, mark, rest = cut.partition("\n[... ")
        assert text.startswith(begin) if mark else cut == text
        assert text.endswith(rest.partition("...]\n")[2])


def test_a_run_with_a_line_that_is_too_long_is_read_as_a_whole(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(long_text, "LONGEST_TEXT", 300_000)
    monkeypatch.setattr(base, "LONG_LINE_BYTES", 500_000)
    log = "the same line again\n" * 100_000
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "ls", "tool_calls": [_call("c1")]},
        {"role": "tool", "tool_call_id": "c1", "content": f"first\n{log}error: last"},
        {"role": "assistant", "content": "done"},
    ]
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    (run,), (problem,) = readers.collect(readers.read(path))
    result = next(part for step in run.steps for part in step.parts if part.kind == "tool_result")
    assert [part.text for part in run.steps[-1].parts] == ["done"]
    assert result.text.startswith("first\n")
    assert result.text.endswith("error: last")
    assert len(result.text) < 450_000
    assert (problem.line, problem.reason) == (3, "a line of 2 MB: 2 MB of its texts are left out")
    # Its place is that of its beginning, and the lines behind it have theirs.
    places = [raw for step in run.steps for raw in step.raw]
    data = path.read_bytes()
    last = places[-1]
    assert json.loads(data[last.offset : last.offset + last.length]) == messages[3]


def test_a_document_with_a_text_that_is_too_long(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(long_text, "LONGEST_TEXT", 300_000)
    monkeypatch.setattr(base, "LONG_LINE_BYTES", 100_000)
    monkeypatch.setattr(base, "WHOLE_DOCUMENT_BYTES", 100_000)
    monkeypatch.setattr(salvage, "WHOLE_DOCUMENT_BYTES", 100_000)
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "y" * 3_000_000}]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"messages": messages, "model": "m"}))
    (run,), (problem,) = readers.collect(readers.read(path, "openai-chat"))
    assert run.header.model == "m"
    assert [step.actor for step in run.steps] == ["user", "agent"]
    assert len(run.steps[1].parts[0].text) < 450_000
    assert problem.reason == "a text that is too long: 3 MB of it are left out"


def test_a_record_of_very_many_long_texts_is_held_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(long_text, "ENOUGH", 100_000)
    monkeypatch.setattr(long_text, "SHORT_TEXT", 1000)
    monkeypatch.setattr(long_text, "PIECE", 500)
    monkeypatch.setattr(base, "PIECE", 500)
    monkeypatch.setattr(base, "LONG_LINE_BYTES", 50_000)
    path = tmp_path / "lines"
    path.write_text(json.dumps(["z" * 20_000] * 100) + "\n" + '"after"\n')
    source = Source(path)
    first, second = (entry[2] for entry in source.json_lines())
    assert second == "after"
    assert [len(text) == 20_000 for text in first[:4]] == [True] * 4
    assert all(len(text) < 3000 for text in first[10:])
    assert len(source.take_notes()) == 1


def _call(call_id: str) -> dict:
    return {"id": call_id, "type": "function", "function": {"name": "bash", "arguments": "{}"}}
