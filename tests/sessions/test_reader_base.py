import os
from pathlib import Path

import pytest
from helpers import JSON_VALUES, quick
from hypothesis import assume, given
from hypothesis import strategies as st

from sessions.errors import UserError
from sessions.jsontext import BadJson, dump_bytes
from sessions.readers import base
from sessions.readers.base import HEAD_BYTES, Head, Source
from sessions.run import Problem
from sessions.streams import compression_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def head(file: Path, data: bytes) -> Head:
    file.write_bytes(data)
    return Head.of(file)


def look_at(found: Head) -> None:
    """Every view of a head."""
    for view in (found.whole, found.is_binary, found.text, found.lines, found.first, found.outline):
        assert view is not None


# -- Head ---------------------------------------------------------------------------------------------------------


def test_an_empty_file(file: Path) -> None:
    empty = head(file, b"")
    assert (empty.whole, empty.is_binary, empty.text) == (True, False, "")
    assert (empty.lines, empty.first, empty.outline) == ([], {}, {})


def test_a_bom_is_no_part_of_the_first_line(file: Path) -> None:
    assert head(file, b'\xef\xbb\xbf{"a": 1}\n{"b": 2}\n').lines == [{"a": 1}, {"b": 2}]


def test_utf_8_cut_off_in_the_middle_of_a_letter(file: Path) -> None:
    assert head(file, "aé".encode()[:-1]).text == "a\N{REPLACEMENT CHARACTER}"


def test_one_huge_line_is_no_line(file: Path) -> None:
    huge = head(file, b'{"a": "' + b"x" * HEAD_BYTES + b'"}\n{"b": 1}\n')
    assert not huge.whole
    assert len(huge.data) == HEAD_BYTES
    assert huge.size > HEAD_BYTES
    assert (huge.lines, huge.first) == ([], {})


def test_a_last_line_cut_off_by_the_head_is_left_out(file: Path) -> None:
    line = dump_bytes({"a": "x" * 100_000}) + b"\n"
    assert len(head(file, line * 4).lines) == 2


def test_damaged_lines_are_skipped_after_a_good_first_one(file: Path) -> None:
    assert head(file, b'{"a": 1}\n{broken\n\n[2]\n').lines == [{"a": 1}, [2]]
    assert head(file, b'{broken\n{"a": 1}\n').lines == []
    assert head(file, b'[1]\n{"a": 1}\n').first == {"a": 1}
    assert len(head(file, b"1\n" * 100).lines) == 20


def test_the_outline_of_a_document(file: Path) -> None:
    outline = head(file, b'{"schema_version": "v1", "steps": [{"id": 1, "deep": [[{"x": 2}]]}, {"id": 9}]}').outline
    assert (outline[""], outline["schema_version"]) == ("map", "v1")
    assert (outline["steps"], outline["steps.item"], outline["steps.item.id"]) == (None, None, 1)
    assert head(file, b"[1, 2]").outline == {"": "array", "item": 1}
    assert head(file, b'{"a": 1, "b": ').outline == {"": "map", "a": 1}
    assert head(file, b"nonsense").outline == {}


@pytest.mark.parametrize(("data", "binary"), [(b"a\0b", True), (b"\xff\xfea\0", False), (b"plain", False)])
def test_binary_files_are_told(file: Path, data: bytes, binary: bool) -> None:
    assert head(file, data).is_binary is binary


@quick(200)
@given(
    st.binary(max_size=80)
    | JSON_VALUES.map(dump_bytes)
    | st.text(alphabet='[{"a":1,\n}]\\u', max_size=30).map(str.encode)
)
def test_a_head_never_raises_for_content(tmp_path_factory, data: bytes) -> None:
    look_at(Head(Path("x"), data, len(data)))
    look_at(Head(Path("x"), data, len(data) + 1))


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None], ids=["folder", "missing"])
def test_what_cannot_be_opened_is_a_user_error(file: Path, make) -> None:
    make(file)
    with pytest.raises(UserError, match="cannot read"):
        Head.of(file)
    with pytest.raises(UserError):
        Source(file)


def test_a_pipe_is_no_source(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(UserError, match="not a regular file"):
        Source(file)


# -- Source -------------------------------------------------------------------------------------------------------


@quick(200)
@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_lines_and_the_bytes_at_their_places(
    tmp_path_factory, rows: list[bytes], end: bytes, bom: bool, last_end: bool
) -> None:
    file = tmp_path_factory.mktemp("lines") / "file"
    data = (b"\xef\xbb\xbf" if bom else b"") + end.join(rows) + (end if last_end else b"")
    file.write_bytes(data)
    assume(compression_of(file) is None)
    expected = [(n, row.rstrip(b"\r")) for n, row in enumerate(data.split(b"\n"), 1)]
    if expected[0][1].startswith(b"\xef\xbb\xbf"):
        expected[0] = (1, expected[0][1][3:])
    found = list(Source(file).lines())
    assert [(n, row) for n, _, row in found if row.strip()] == [(n, row) for n, row in expected if row.strip()]
    assert all(data[offset : offset + len(row)] == row for _, offset, row in found)


@quick(150)
@given(st.lists(JSON_VALUES | st.just(b"{broken"), max_size=6), st.booleans())
def test_json_lines_and_the_bytes_at_their_spans(tmp_path_factory, values: list, bom: bool) -> None:
    file = tmp_path_factory.mktemp("lines") / "file"
    rows = [value if isinstance(value, bytes) else dump_bytes(value) for value in values]
    data = (b"\xef\xbb\xbf" if bom and rows else b"") + b"\n\n".join(rows)
    file.write_bytes(data)
    found = list(Source(file).json_lines(file=2))
    assert len(found) == len(values)
    for number, (item, value, row) in enumerate(zip(found, values, rows, strict=True)):
        if isinstance(value, bytes):
            assert isinstance(item, Problem)
            assert (item.path, item.line) == (str(file), 2 * number + 1)
        else:
            line, span, parsed = item
            assert (line, parsed, span.file) == (2 * number + 1, value, 2)
            assert data[span.offset : span.offset + span.length] == row


def test_a_line_that_is_too_long_is_reported_and_the_rest_is_read(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(base, "LONG_LINE_BYTES", 20)
    monkeypatch.setattr(base, "MAX_LINE_BYTES", 50)
    file.write_bytes(b'"before"\n"' + b"x" * 120 + b'"\n"after"\n')
    source = Source(file)
    found = list(source.json_lines())
    assert [item[2] for item in found if not isinstance(item, Problem)] == ["before", "after"]
    assert any(isinstance(item, Problem) for item in found)
    assert [(note.line, note.reason) for note in source.take_notes()] == [(2, "a line of 0 MB is too long to be read")]


def test_a_document_that_cannot_be_held_is_refused(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(base, "LARGEST_DOCUMENT_BYTES", 8)
    file.write_text("[1, 2, 3, 4, 5]")
    with pytest.raises(BadJson, match="too large"):
        Source(file).document()
