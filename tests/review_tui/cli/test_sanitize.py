import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from review_tui.sanitize import BIDI_MARK, HIDDEN_MARK, clean, clean_block, json_escape, short

ANY = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\x00\x1b\t\n\r\x7f\x9b\u202e\u2066\u200b\ufeff\udc80")
)
BIDI = {*"\u061c\u200e\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def is_safe(text: str, allowed: str = "") -> bool:
    return all(
        char in allowed or (unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") and char not in BIDI)
        for char in text
    )


@given(ANY)
def test_a_cleaned_line_is_safe_as_long_and_cleaned_for_good(text: str) -> None:
    cleaned = clean(text)
    assert is_safe(cleaned)
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned


@given(ANY)
def test_a_cleaned_block_keeps_its_lines(text: str) -> None:
    cleaned = clean_block(text)
    assert is_safe(cleaned, "\n\t")
    assert len(cleaned) == len(text)
    assert clean_block(cleaned) == cleaned
    assert cleaned.count("\n") == text.count("\n")


@given(ANY)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    for before, after in zip(text, clean(text), strict=True):
        if before.isprintable() and not 0xE0100 <= ord(before) <= 0xE01EF:
            assert before == after


def test_what_is_shown_for_what() -> None:
    assert clean("a\x1b[31mb") == "a\u241b[31mb"
    assert clean("a\tb\nc\x00\x7f") == "a b\u240ac\u2400\u2421"
    assert clean("\x9b\udc80\ufffe") == "\ufffd\ufffd\ufffd"
    assert clean("a\u202eb\u200f") == f"a{BIDI_MARK}b{BIDI_MARK}"
    assert clean("a\u200bb\u00ad\ufeff\U000e0041") == f"a{HIDDEN_MARK}b{HIDDEN_MARK * 3}"
    assert clean("\u2028") == "\u2424"


def test_writing_systems_and_emoji_are_left_alone() -> None:
    for text in ("Grüße, 漢字, नमस्ते", "می\u200cخواهم", "👩\u200d🔬 ❤\ufe0f", "non\u00a0breaking"):
        assert clean(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_json_has_the_same_value(text: str) -> None:
    document = json.dumps([text], ensure_ascii=False)
    assert json.loads(json_escape(document)) == [text]
    assert is_safe(json_escape(document))


def test_short_is_one_line_of_the_given_length() -> None:
    assert short("  a \n b\x1b ", 20) == "a b\u241b"
    assert short("abcdef", 4) == "abc\u2026"
    assert len(short("x " * 100_000, 50)) == 50
