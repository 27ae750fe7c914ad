"""What a prohibition is about: quoted names and paths, and nouns that stand for a kind of thing; and whether a call is
about the same.
"""

from __future__ import annotations

import re

from labels.detectors.calls import Call

MOST_THINGS = 12
QUOTED = re.compile(r"[`\"'\u201c]([^`\"'\u201d\n]{1,80})[`\"'\u201d]")
PATH = re.compile(r"(?<![\w/.])(?:[\w.@~*-]*/[\w./*-]*\w/?|\.?[\w*-]+\.(?!\d)[a-z]\w{0,7})(?![\w/])")
#: Words after a verb that name nothing in particular: "do not change any of the existing files".
_GENERAL = frozenset(
    "to in on of any anything the our your this all existing other my more new a an files file code codebase source "
    "repository repo project changes change data system things thing whatsoever at yet now messages message emails "
    "email e mail mails packages package dependencies libraries rows records tables services".split()
)
TEST_PATH = re.compile(r"(?:^|/)tests?(?:/|$)|(?:^|/)test_|_test\.|\.test\.|\.spec\.|(?:^|/)conftest\.py|tests?\.py$")
#: Nouns that stand for a kind of thing: what must occur in a call's paths or command for it to be about that thing.
_THINGS: dict[str, re.Pattern[str]] = {
    "test": TEST_PATH,
    "production": re.compile(r"(?<![a-z])prod(?:uction)?(?![a-z])"),
    "prod": re.compile(r"(?<![a-z])prod(?:uction)?(?![a-z])"),
    "database": re.compile(r"\b(?:psql|mysql|sqlite3?|mongosh?|\w+\.db|\w+\.sqlite3?|database|db)\b"),
    "main": re.compile(r"\bmain\b"),
    "master": re.compile(r"\bmaster\b"),
    "configuration": re.compile(r"\.(?:toml|cfg|ini|ya?ml|conf|env)\b|\bconfig"),
    "config": re.compile(r"\.(?:toml|cfg|ini|ya?ml|conf|env)\b|\bconfig"),
    "lock": re.compile(r"lock\b"),
    "log": re.compile(r"\.log\b|(?:^|/)logs?/"),
    "logs": re.compile(r"\.log\b|(?:^|/)logs?/"),
    "documentation": re.compile(r"(?:^|/)docs?/|\.(?:md|rst)\b"),
}
_LIST = re.compile(r"[,/()&]|\band\b|\bor\b|\betc\b")
#: Words beside such a noun that narrow nothing down.
_AROUND = frozenset(
    "folder folders directory branch suite cases server cluster environment env is are that this note remember also "
    "currently directly again please still now today as live etc".split()
)


def things_in(phrase: str) -> tuple[tuple[str, ...], ...]:
    """What a phrase is about: quoted names and paths as they stand, and nouns that stand for a kind of thing.

    The nouns count only where no other word narrows them down: "the git config" is not any configuration.
    """
    named: list[tuple[str, ...]]
    named = [(word.strip(),) for word in (*QUOTED.findall(phrase), *PATH.findall(phrase)) if len(word.strip()) > 1]
    for piece in _LIST.split(PATH.sub(" ", QUOTED.sub(" ", phrase))):
        words = re.findall(r"[^\W_]+", piece)
        kinds = tuple(dict.fromkeys(kind for word in words if (kind := _kind(word))))
        if kinds and all(_kind(word) or word in _GENERAL or word in _AROUND for word in words):
            named.append(kinds)
    return tuple(dict.fromkeys(named))[:MOST_THINGS]


def _kind(word: str) -> str:
    """The kind of thing that a noun stands for, or "" for none."""
    return word if word in _THINGS else word[:-1] if word[:-1] in _THINGS else ""


def is_general(phrase: str) -> bool:
    """Whether a phrase names nothing in particular."""
    return all(word in _GENERAL for word in re.findall(r"[^\W_]+", phrase))


def is_about(call: Call, thing: tuple[str, ...]) -> bool:
    """Whether a call names all of a thing: "the production database" is two kinds."""
    return all(_names(call, kind) for kind in thing)


def _names(call: Call, kind: str) -> bool:
    pattern = _THINGS.get(kind)
    if pattern is None:
        return kind.strip("*").rstrip("/") in call.target
    if pattern is TEST_PATH:
        # "Do not change the tests" leaves a new file free, and a command may be about anything: the paths decide.
        return any(TEST_PATH.search(path.lower()) for path in call.outputs)
    return pattern.search(call.target) is not None
