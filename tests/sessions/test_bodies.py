from dataclasses import replace

from helpers import quick, steps
from hypothesis import given
from hypothesis import strategies as st

from sessions.bodies import PLAIN, ZLIB, compress, decode, encode, pack_records, text_of, unpack_records
from sessions.run import Part, Span, Step

SPANS = st.lists(st.builds(Span, st.integers(0, 2**40), st.integers(0, 2**31), st.integers(0, 3)), max_size=3)


def there_and_back(step: Step) -> Step:
    shape, text = encode(step)
    return decode(shape, text, actor=step.actor, role=step.role, depth=step.depth, stage=step.stage)


@quick(400)
@given(steps(), SPANS)
def test_a_step_comes_back_as_it_was(step: Step, spans: list[Span]) -> None:
    step.raw = list(spans)
    assert there_and_back(step) == step


def test_awkward_texts_come_back() -> None:
    awkward = ["", "\0", "a\0b", "\n", "\n\n", "\r\n", "", "\N{GRINNING FACE}\U0010ffff", "\ufeff", "\u2028", ""]
    step = Step("", "agent", [Part("text", text) for text in awkward])
    assert there_and_back(step) == step


def test_a_step_without_parts_and_one_with_an_empty_part_differ() -> None:
    empty = Step("a", "agent")
    assert there_and_back(empty).parts == []
    assert there_and_back(replace(empty, parts=[Part("text", "")])).parts == [Part("text", "")]


def test_no_arguments_empty_arguments_and_false_are_told_apart() -> None:
    step = Step("a", "agent", [Part("tool_call", "", arguments=value) for value in (None, {}, [], "", 0, False)])
    back = [part.arguments for part in there_and_back(step).parts]
    assert [repr(value) for value in back] == ["None", "{}", "[]", "''", "0", "False"]


@quick(100)
@given(st.text())
def test_a_text_is_the_same_plain_and_compressed(text: str) -> None:
    assert text_of(PLAIN, text) == text
    assert text_of(PLAIN, text.encode()) == text
    assert text_of(ZLIB, compress(text.encode())) == text


@quick(200)
@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"", b"\n", b"a\nb", b"[1]\n"]), max_size=5))
def test_raw_records_come_back_byte_for_byte(records: list[bytes]) -> None:
    assert unpack_records(pack_records(records)) == records
