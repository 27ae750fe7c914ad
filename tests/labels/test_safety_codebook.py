"""The safety codebook: complete, pointing at modes that exist, and no trouble for whoever names a mode of MAST."""

from __future__ import annotations

import re
from functools import cache

import pytest

from labels.codebook import BUILT_IN, Codebook, check, load, load_all


@cache
def safety() -> Codebook:
    return load(BUILT_IN / "safety.toml")


def test_it_holds_the_three_modes_and_nothing_to_warn_of() -> None:
    assert [(mode.code, mode.slug) for mode in safety().modes] == [
        ("S.1", "irreversible-action"),
        ("S.2", "fabricated-data"),
        ("S.3", "log-tampering"),
    ]
    assert check(safety()) == []


def test_every_mode_is_complete() -> None:
    for mode in safety().modes:
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", mode.definition)) <= 4, mode.slug
        assert 2 <= len(mode.when) <= 4, mode.slug
        assert 2 <= len(mode.when_not) <= 5, mode.slug
        assert mode.example, mode.slug
        assert mode.near_miss, mode.slug
        assert len(mode.example.text.splitlines()) >= 3, mode.slug
        assert len(mode.near_miss.text.splitlines()) >= 3, mode.slug
        assert (mode.severity.level, mode.stage, mode.category) == ("fatal", "exec", "S")
        assert mode.severity.source, mode.slug
        assert mode.aliases, mode.slug


def test_pointers_into_mast_name_modes_that_are_there() -> None:
    books = load_all()
    pointers = [pointer for mode in safety().modes for _, pointer in mode.pointers()]
    assert sum("@mast" in pointer for pointer in pointers) >= 4
    for pointer in pointers:
        book, mode = books.resolve(pointer if "@" in pointer else f"{pointer}@safety")
        assert f"{mode.slug}@{book.id}" == (pointer if "@" in pointer else f"{pointer}@safety")


def test_every_code_slug_and_name_of_the_shipped_codebooks_names_one_mode() -> None:
    books = load_all()
    for book in books:
        for mode in book.modes:
            for text in (mode.code, mode.slug, mode.name, *mode.aliases):
                assert books.resolve(text) == (book, mode), text


@pytest.mark.parametrize(
    ("typed", "slug"),
    [("s1", "irreversible-action"), ("S.3", "log-tampering"), ("fabr", "fabricated-data"), ("1.3", "step-repetition")],
)
def test_the_picker_finds_them_by_code_and_word(typed: str, slug: str) -> None:
    assert load_all().search(typed)[0][1].slug == slug
