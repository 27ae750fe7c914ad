"""A command's arguments, told apart into words and options, as the program itself would read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

_OFF = frozenset({"false", "0", "no", "none", "off", "$false"})
_SHORTEST_ABBREVIATION = 4  # `--fo`: shorter ones are ambiguous in every program that has them
_LONGEST_CLUSTER = 40


class Line:
    """Arguments of one call.

    words: positional arguments in order. flags: option name (with its dashes) -> its last value, None without one.
    pairs: every option with a value, in order, for options that may be repeated.
    """

    __slots__ = ("abbreviates", "flags", "pairs", "words")

    def __init__(self, abbreviates: bool = False) -> None:
        self.words: list[str] = []
        self.flags: dict[str, str | None] = {}
        self.pairs: list[tuple[str, str]] = []
        self.abbreviates = abbreviates

    def has(self, *names: str) -> bool:
        """Whether one of the options is given and not switched off (`--force=false`)."""
        return any(self._given(name) for name in names)

    def _given(self, name: str) -> bool:
        if name in self.flags:
            value = self.flags[name]
            return value is None or value.lower() not in _OFF
        if not self.abbreviates or not name.startswith("--"):
            return False
        return any(len(flag) >= _SHORTEST_ABBREVIATION and name.startswith(flag) for flag in self.flags)

    def value(self, *names: str) -> str | None:
        """The value of the first of the options that has one."""
        return next((value for name in names if (value := self.flags.get(name)) is not None), None)

    def values(self, *names: str) -> list[str]:
        """All values of the options, in order."""
        return [value for name, value in self.pairs if name in names]

    def put(self, name: str, value: str | None) -> None:
        self.flags[name] = value
        if value is not None:
            self.pairs.append((name, value))


def parse(
    args: Sequence[str],
    valued: Collection[str] = frozenset(),
    *,
    long_dash: bool = False,
    abbreviates: bool = False,
    fold: bool = False,
) -> Line:
    """Read arguments.

    valued: options that take the next argument. long_dash: `-name` is one option, not a cluster (terraform, find,
    PowerShell). abbreviates: long options may be cut (GNU programs, git). fold: options ignore case (PowerShell).
    """
    line = Line(abbreviates)
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            line.words.extend(rest)
        elif arg.startswith("--") or (long_dash and len(arg) > 1 and arg[0] == "-"):
            _long(line, arg.lower() if fold else arg, valued, rest)
        elif arg[:1] == "-" and len(arg) > 1:
            _cluster(line, arg, valued, rest)
        else:
            line.words.append(arg)
    return line


def _long(line: Line, arg: str, valued: Collection[str], rest: Iterator[str]) -> None:
    name, equals, value = arg.partition("=")
    if not equals and name[1:2] != "-" and ":" in name:  # PowerShell's `-Force:$false`
        name, equals, value = name.partition(":")
    if equals:
        line.put(name, value)
    else:
        line.put(name, next(rest, None) if name in valued else None)


def _cluster(line: Line, arg: str, valued: Collection[str], rest: Iterator[str]) -> None:
    """`-rf`: each letter is an option; one that takes a value takes what is left, or the next argument."""
    for place in range(1, min(len(arg), _LONGEST_CLUSTER)):
        name = "-" + arg[place]
        if name in valued:
            line.put(name, arg[place + 1 :].removeprefix("=") or next(rest, None))
            return
        if arg[place] == "=":
            return
        line.put(name, None)
