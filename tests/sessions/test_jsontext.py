import json

import pytest
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from sessions.jsontext import MAX_DEPTH, BadJson, canonical, dump_bytes, dumps, loads, mend


def parse(data: bytes | str) -> object:
    """The value, or the reason why there is none. Any other exception is the test's failure."""
    try:
        value = loads(data)
    except BadJson as error:
        return refused(error)
    dump_bytes(value), canonical(value)
    return value


def refused(error: BadJson) -> type[BadJson]:
    assert "\n" not in str(error)
    assert len(str(error)) < 200
    return BadJson


@quick(500)
@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_badjson(data: bytes) -> None:
    parse(data)


@quick(500)
@given(st.text(alphabet='[]{},:"\\u0dD8eE+-.1234567890 nulltrfsaNI\n\ud800\x00', max_size=40))
def test_anything_that_looks_like_json_gives_a_value_or_badjson(text: str) -> None:
    parse(text)
    parse(text.encode("utf-8", "surrogatepass"))


@quick(200)
@given(JSON_VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert loads(dumps(value)) == value
    assert loads(canonical(value)) == value


@quick(100)
@given(JSON_VALUES, st.data())
def test_a_document_cut_off_anywhere_raises_nothing_else(value: object, data: st.DataObject) -> None:
    document = dump_bytes({"a": [value]})
    cut = document[: data.draw(st.integers(0, len(document) - 1))]
    assert parse(cut) is BadJson


@pytest.mark.parametrize("spelling", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_becomes_null(spelling: str) -> None:
    assert loads(f'{{"a": [{spelling}, 1]}}') == {"a": [None, 1]}


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (r'["half \ud83d of it"]', ["half \N{REPLACEMENT CHARACTER} of it"]),
        (r'{"\udc00": 1}', {"\N{REPLACEMENT CHARACTER}": 1}),
        (r'["\ud83d\ude00", "\udc00"]', ["\N{GRINNING FACE}", "\N{REPLACEMENT CHARACTER}"]),
        ('["raw \ud83d"]', ["raw \N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_lone_surrogates_are_replaced(document: str, value: object) -> None:
    assert loads(document) == value


def test_huge_numbers() -> None:
    assert loads("1" * 30) == pytest.approx(int("1" * 30))
    # What no double holds stays text: written as a number, it could not be read again.
    for digits in ("9" * 309, "9" * 400, "-" + "9" * 400, "9" * 10_000):
        value = loads(f'{{"a": {digits}}}')
        assert value == {"a": digits}
        assert loads(dumps(value)) == value
    assert parse("1e999") is BadJson or parse("1e999") in (None, float("inf"))
    assert loads("[18446744073709551615]") == [2**64 - 1]
    assert json.loads(dumps([10**40, float("nan")]))[0] == 10**40


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_ten_thousand_levels_are_refused(opening: str, closed: bool) -> None:
    closing = "".join({"[": "]", "{": "}"}.get(letter, "") for letter in reversed(opening))
    assert parse(opening * 10_000 + "1" + (closing * 10_000 if closed else "")) is BadJson


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 500, 990, 1020, 1030])
def test_what_is_read_can_be_written_again(depth: int) -> None:
    """Also inside a few levels more, and from deep in a program's stack."""
    value = parse("[" * depth + "]" * depth)
    assert (value is BadJson) == (depth > MAX_DEPTH)
    if value is not BadJson:
        dump_bytes({"a": {"b": value}}), canonical([value])


def test_brackets_in_strings_are_no_depth() -> None:
    assert loads(json.dumps("[{" * 500)) == "[{" * 500
    assert loads(json.dumps([[1]] * 1000)) == [[1]] * 1000


def test_canonical_has_one_spelling_for_one_value() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": [10**30]}}) == canonical({"a": {"c": [10**30], "d": 2}, "b": 1})
    assert canonical({"b": 1, "a": 2}) == b'{"a":2,"b":1}'


def test_mend_leaves_whole_text_alone() -> None:
    value = {"a": ["\x00\x1b\u202e\N{GRINNING FACE}", 1, None]}
    assert mend(value) == value
    assert mend({"\ud800": ["\udfff"]}) == {"\ufffd": ["\ufffd"]}
