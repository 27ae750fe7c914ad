"""What was seen is known, and nothing else, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.readers import seen
from sessions.readers.seen import Seen


def test_many_are_told_apart() -> None:
    known, texts = Seen(), [f"uuid-{number}" for number in range(20_000)]
    assert all(known.add(text) for text in texts)
    assert not any(known.add(text) for text in texts)
    assert len(known) == len(texts)
    assert all(text in known for text in texts)
    assert not any(f"other-{number}" in known for number in range(20_000))


@given(st.lists(st.text(max_size=2), max_size=200))
def test_it_is_a_set(texts: list[str]) -> None:
    smallest, seen._SMALLEST = seen._SMALLEST, 2
    try:
        known, others = Seen(), set()
        for text in texts:
            assert known.add(text) == (text not in others)
            others.add(text)
            assert text in known
        assert len(known) == len(others)
    finally:
        seen._SMALLEST = smallest


def test_it_takes_a_few_bytes_a_text() -> None:
    known = Seen()
    for number in range(100_000):
        known.add(str(number))
    assert known._table.itemsize * len(known._table) <= 24 * 100_000
