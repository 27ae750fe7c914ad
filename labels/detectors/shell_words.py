"""A shell command cut into its simple commands, for detectors that ask what was run and not how it could hurt.

A light reading, linear in the command's length: quotes, separators, redirections, here-documents, the wrappers before
a program (`sudo`, `env`, `timeout 60` ...) and `bash -c`. What it does not understand becomes an ordinary word. The
detector of irreversible actions has a real parser; asking "was that a test run?" forty times a run does not need one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

#: Characters of a command that are looked at, and the most simple commands taken from it.
LONGEST, MOST = 20_000, 200
#: Branches begin with characters that no other branch takes, and repeats are possessive: nothing is tried twice.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]++|\\\n|(?<![^\s;|&(])\#[^\n]*+)
      |(?P<here><<-?[ \t]*+(?P<mark>['"]?)(?P<tag>[A-Za-z_]\w*+)(?P=mark))
      |(?P<copied>\d*+[<>]&[\d-]*+)
      |(?P<apart>\|\||&&|;;|[;|\n()]|&(?!>))
      |(?P<output>(?:[12]|&)?>{1,2}\|?(?!&))
      |(?P<word>(?:[^\s;|&()<>'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*+")++)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*+)"|\\(.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\([\\"$`\n])')
#: Words that stand before the program that really runs; those of the second group take a value first.
_VALUED = {"sudo": "-u -g -h", "doas": "-u", "xargs": "-n -I -P -L -d -s", "env": "-u", "nice": "-n",
           "timeout": "-s -k"}  # fmt: skip
_WRAPPERS = frozenset(
    "sudo doas env time nohup command exec builtin nice ionice stdbuf xargs then do else elif if while until ! { "
    "unbuffer poetry-run".split()
)
_WITH_VALUE = frozenset(("timeout", "chronic", "flock", "retry"))
_SHELLS = frozenset(("bash", "sh", "zsh", "dash", "ksh"))
#: Programs that start another one as `uv run pytest` does.
_RUNNERS = {"uv": "run", "poetry": "run", "pipenv": "run", "pdm": "run", "hatch": "run", "rye": "run", "npx": "",
            "bunx": "", "xvfb-run": "", "coverage": "run", "bundle": "exec", "pnpx": ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command. program: its name without folders. words: what follows, without quotes. start, end: where
    it stands in the command. here: the text of its here-documents. outputs: files that its output is written to;
    appended: those of them that it is added to."""

    program: str
    words: tuple[str, ...]
    start: int
    end: int
    here: str = ""
    outputs: tuple[str, ...] = ()
    appended: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words that are no options."""
        return tuple(word for word in self.words if not word.startswith("-"))


def simple_commands(command: str) -> list[Simple]:
    """The simple commands of a shell command, in order; those inside `bash -c '...'` instead of the shell."""
    found: list[Simple] = []
    for item in _cut(command[:LONGEST]):
        inner = _inner(item)
        if inner is None:
            found.append(item)
        else:
            found += [replace(one, start=item.start, end=item.end) for one in _cut(inner)]
        if len(found) >= MOST:
            break
    return found[:MOST]


def _inner(item: Simple) -> str | None:
    """The command in `bash -c COMMAND`."""
    if item.program not in _SHELLS:
        return None
    for place, word in enumerate(item.words[:-1]):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return item.words[place + 1]
    return None


class _Draft:
    """A simple command while its words are read."""

    __slots__ = ("appended", "end", "here", "outputs", "start", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.outputs: list[str] = []
        self.appended: list[str] = []
        self.here: list[str] = []
        self.start = self.end = -1

    def add(self, word: str, start: int, end: int) -> None:
        if self.start < 0:
            self.start = start
        self.end = end
        self.words.append(word)

    def done(self) -> Simple | None:
        words = _unwrapped(self.words)
        if not words and not self.outputs:
            return None
        program = words[0].rsplit("/", 1)[-1] if words else ""
        start = max(self.start, 0)
        here = "\n".join(self.here)
        written = tuple(self.outputs), tuple(self.appended)
        return Simple(program, tuple(words[1:]), start, max(self.end, start), here, *written)


def _cut(command: str) -> Iterator[Simple]:
    draft, position, to_output = _Draft(), 0, ""
    waiting: list[tuple[str, _Draft]] = []  # commands whose here-documents begin after the line
    held: list[_Draft] = []
    while position < len(command):
        token = _TOKEN.match(command, position)
        assert token is not None  # the last branch takes any character
        kind, position = token.lastgroup, token.end()
        if kind == "word":
            word = _plain(token["word"])
            if to_output:
                draft.outputs.append(word)
                draft.appended += [word] if ">>" in to_output else []
            else:
                draft.add(word, token.start(), token.end())
            to_output = ""
        elif kind == "output":
            to_output = token["output"]
        elif token["tag"]:
            waiting.append((token["tag"], draft))
        elif kind == "apart":
            held.append(draft)
            draft, to_output = _Draft(), ""
            if token["apart"] == "\n" and waiting:
                position = _take_documents(command, position, waiting)
            if not waiting:
                yield from _finished(held)
                held = []
    yield from _finished([*held, draft])


def _finished(drafts: list[_Draft]) -> list[Simple]:
    return [simple for draft in drafts if (simple := draft.done()) is not None]


def _take_documents(command: str, position: int, waiting: list[tuple[str, _Draft]]) -> int:
    """Hand the here-documents that begin at `position` to their commands. Where the last one ends."""
    for tag, draft in waiting:
        end = position
        while end < len(command):
            line_end = command.find("\n", end)
            line_end = len(command) if line_end < 0 else line_end
            if command[end:line_end].strip() == tag:
                break
            end = line_end + 1
        draft.here.append(command[position : min(end, len(command))])
        after = command.find("\n", end)
        position = len(command) if after < 0 else after + 1
        draft.end = max(draft.end, min(position, len(command)))
    waiting.clear()
    return position


def _plain(word: str) -> str:
    """A word without its quotes."""
    if "'" not in word and '"' not in word and "\\" not in word:
        return word
    return _QUOTED.sub(_unquote, word)


def _unquote(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1]
    if found[2] is not None:
        return _ESCAPED.sub(r"\1", found[2])
    return found[3]


def _unwrapped(words: list[str]) -> list[str]:
    """The words from the program on that really runs."""
    place = 0
    while place < len(words):
        word = words[place]
        name = word.rsplit("/", 1)[-1]
        if _ASSIGNMENT.match(word) or name in _WRAPPERS:
            place = _options(words, place)
        elif name in _WITH_VALUE:
            place = _options(words, place) + 1
        elif name in _RUNNERS and _RUNNERS[name] in ("", *words[place + 1 : place + 2]):
            place = _options(words, place + 1 if _RUNNERS[name] else place)
        else:
            break
    return words[place:]


def _options(words: list[str], place: int) -> int:
    """The first place after a wrapper that holds none of its options."""
    valued = _VALUED.get(words[place].rsplit("/", 1)[-1], "").split()
    place += 1
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in valued else 1
    return place
