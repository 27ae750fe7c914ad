"""Globs: as `fnmatch` has them, on names anywhere in a text and on paths, in bounded time."""

import string
import time
from fnmatch import fnmatchcase

from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.policies.globs import LONGEST_COMMAND, any_fits, could_fit, glob, is_above, named, path_fits

WORDS = st.text(alphabet="ab.-_/=: x", max_size=40)
GLOBS = st.text(alphabet="ab.-*?[]!x/", min_size=1, max_size=12)
NAME = st.text(alphabet=string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)


@quick(300)
@given(GLOBS, WORDS)
def test_globs_are_those_of_fnmatch(one: str, text: str) -> None:
    assert any_fits([one], text) == fnmatchcase(text, one)


@quick(300)
@given(GLOBS, WORDS)
def test_the_longest_piece_is_in_whatever_fits(one: str, text: str) -> None:
    if fnmatchcase(text, one):
        assert glob(one).part in text
    assert not glob(one).literal or fnmatchcase(one, one)


@quick(300)
@given(NAME, st.sampled_from([" ", "'", '"', "(", "\n", "=", ":", "@", "//", ",", ";"]), st.text(max_size=20))
def test_a_name_is_found_wherever_it_stands_alone(name: str, edge: str, around: str) -> None:
    text = f"{around.lower()}{edge}{name}{edge}{around.lower()}"
    assert named([name], [text]) == name
    assert named([name.upper()], [text]) == name, "case does not count"
    assert named([f"{name[0]}*"], [text]) is not None


@quick(300)
@given(NAME, st.sampled_from("abc019_-"))
def test_a_piece_of_a_longer_name_is_not_it(name: str, letter: str) -> None:
    assert named([name], [f" x{letter}{name} "]) is None or name.startswith(("-", "_")) or letter == "-"
    assert named([name], [f" {name}{letter} "]) is None or named([name], [f" {name} "]) is not None
    assert named([f"{name}.x"], [f" {name}.x.y "]) is None
    assert named([f"{name}.x"], [f" {name}.x. "]) == f"{name}.x"


def test_names_with_dots() -> None:
    assert named(["shop"], ["select * from shop.orders"]) is None
    assert named(["shop"], ["select * from shop.orders"], dotted=True) == "shop"
    assert named(["sho?"], ["select * from main.shop.orders"], dotted=True) == "shop"
    assert named(["shop"], ["shopping.shops"], dotted=True) is None


def test_a_glob_of_wildcards_alone_fits_anything_but_nothing() -> None:
    assert named(["*"], ["x y"]) == "x"
    assert named(["*"], ["", "  "]) is None


def test_who_puts_a_name_there_too_often_is_taken_to_mean_it() -> None:
    assert named(["*b.prod"], [" ".join(f"x{n}b.prodx" for n in range(50))]) is None
    assert named(["*b.prod"], [" ".join(f"x{n}b.prodx" for n in range(500))]) == "b.prod"


def test_paths() -> None:
    assert path_fits("/srv/shop/a/b", "/srv/shop")
    assert path_fits("/srv/shop/a/b", "/srv/*/a")
    assert path_fits("/w/src/a.py", "src/*")
    assert path_fits("/w/x/src/a.py", "src")
    assert not path_fits("/srv/shopping/a", "/srv/shop")
    assert not path_fits("/w/asrc/a.py", "src/*")
    assert not path_fits("a" * 3_000, "*")
    assert is_above("/srv", "/srv/shop/*")
    assert is_above("/", "/srv/shop")
    assert not is_above("/sr", "/srv/shop")
    assert could_fit("/srv/s*/x", "/srv/shop/*")
    assert could_fit("/srv/s*", "/srv/shop/a/b")
    assert not could_fit("/srv/t*/x", "/srv/shop/*")


def test_long_texts_fit_nothing() -> None:
    assert any_fits(["a*"], "a" * LONGEST_COMMAND)
    assert not any_fits(["a*"], "a" * (LONGEST_COMMAND + 1))


def test_no_text_takes_long() -> None:
    patterns = [
        "*a*a*a*a*a*a*a*b",
        "a*a*a*a*a*a*a*a*a*b",
        "*" * 200 + "b",
        "[a-z]*[a-z]*[a-z]*[a-z]*!",
        "*?*?*?*?*?*?x",
    ]
    texts = ["a" * 20_000, "a/" * 10_000, "a b " * 5_000, "a." * 10_000]
    begun = time.thread_time()
    for text in texts:
        any_fits(patterns, text)
        named(patterns, [text])
        for pattern in patterns:
            path_fits(text[:2_000], pattern)
            could_fit(f"/{text[:1_900]}*", f"/{pattern}")
    assert time.thread_time() - begun < 3, "none of them goes back over what it has matched"
