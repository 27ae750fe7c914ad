"""Programs that run another one for each item they find or are given: find, fd, xargs, parallel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from labels.commands.call import Call
from labels.commands.options import parse
from labels.commands.wrappers import Inner

#: Stands for what a command is given by another one.
MORE = "$(more)"
_BLANKS = re.compile(r"[ \t\n]+")
_MAX_FIND = 200
_LEADING = frozenset({"-H", "-L", "-P"})
_NAMES = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-regex"})


def items(call: Call) -> list[str]:
    """What a call reads from a pipe, as arguments: words of a text, globs of a listing, else `MORE`."""
    reads = call.reads
    if reads and reads.how == "text":
        return _BLANKS.split(reads.text.strip())[:64]
    if reads and reads.how == "paths":
        return list(reads.paths)
    return [f"$({reads.source})" if reads and reads.source else MORE]


_XARGS_VALUED = frozenset(
    "-I -n -P -L -d -E -s -a --max-args --max-procs --max-lines --delimiter --arg-file --max-chars --eof".split()
)


def xargs(call: Call) -> Iterator[Inner]:
    args, place, mark = call.args, 0, ""
    while place < len(args) and args[place].startswith("-") and args[place] != "--":
        arg = args[place]
        if arg.startswith("-I"):
            mark = arg[2:] or (args[place + 1] if place + 1 < len(args) else "")
        elif arg.startswith(("-i", "--replace")):
            mark = arg.partition("=")[2] or arg[2:] if arg.startswith("-i") else arg.partition("=")[2] or "{}"
            mark = mark or "{}"
        place += 2 if arg in _XARGS_VALUED else 1
    words = [arg for arg in args[place:] if arg != "--" or place]
    if not words:
        return
    yield Inner(tuple(filled(words, mark, items(call))), via="xargs")


def filled(words: Sequence[str], mark: str, given: Sequence[str]) -> Iterator[str]:
    """The items in place of the mark, or at the end if there is none."""
    if not mark:
        yield from words
        yield from given
        return
    for word in words:
        if mark in word:
            yield from (word.replace(mark, item) for item in given)
        else:
            yield word


def parallel(call: Call) -> Iterator[Inner]:
    """GNU parallel: `parallel rm -rf {} ::: a b`."""
    args = call.args
    place = 0
    valued = (
        "-j",
        "-P",
        "-n",
        "-N",
        "-L",
        "-a",
        "--jobs",
        "--delay",
        "--timeout",
        "--joblog",
        "--colsep",
        "-S",
        "--sshlogin",
    )
    while place < len(args) and args[place].startswith("-"):
        place += 2 if args[place] in valued else 1
    rest = args[place:]
    ends = [at for at, word in enumerate(rest) if word in (":::", ":::+", "::::")]
    words = rest[: ends[0]] if ends else rest
    given = [word for word in rest[ends[0] :] if not word.startswith(":::")] if ends else items(call)
    if not words:
        yield from (Inner(script=word, via="parallel") for word in given[:64])
        return
    text = " ".join(words)
    mark = "{}" if "{}" in text else ""
    yield Inner(script=" ".join(filled(text.split(" "), mark, given)), via="parallel")


def find_paths(call: Call, action: int | None = None) -> tuple[str, ...]:
    """What `find` finds, as globs: each starting folder with each `-name` pattern, `/*` where there is none.

    action: the place of an argument that does something with it: only the tests before it count, back to an `-o`.
    """
    args = call.args[:_MAX_FIND]
    first = next((at for at, arg in enumerate(args) if arg[:1] in ("-", "(", "!") and arg not in _LEADING), len(args))
    roots = [arg.rstrip("/") or "/" for arg in args[:first] if arg not in _LEADING] or ["."]
    end = action if action is not None else len(args)
    last_or = max(
        (at for at in range(first, end) if args[at] in ("-o", "-or") and _ends_a_branch(args, at)), default=first
    )
    names = [
        args[at + 1]
        for at in range(last_or, min(end, len(args) - 1))
        if args[at] in _NAMES and args[at - 1] not in ("!", "-not")
    ]
    if not names:
        return tuple(f"{root.rstrip('/')}/*" for root in roots[:64])
    found = [f"{root.rstrip('/')}/{name.lstrip('*/') if '/' in name else name}" for root in roots for name in names]
    return tuple(found[:64])


def _ends_a_branch(args: list[str], at: int) -> bool:
    """Whether an `-o` parts what is done (`-prune -o ...`, `-print -o ...`), not only names (`-name a -o -name b`)."""
    return args[at - 1] in ("-prune", "-print", "-print0", ";", "+", "-delete")


def find(call: Call) -> Iterator[Inner]:
    args = call.args[:_MAX_FIND]
    for place, arg in enumerate(args):
        if arg in ("-exec", "-execdir", "-ok", "-okdir"):
            paths = find_paths(call, place)
            words = []
            for word in args[place + 1 :]:
                if word in (";", "+"):
                    break
                words.append(word)
            if words:
                yield Inner(tuple(filled(words, "{}", paths)), via="find")


def fd(call: Call) -> Iterator[Inner]:
    """`fd PATTERN -x rm`, `fd -e pyc -x rm`."""
    for place, arg in enumerate(call.args):
        if arg in ("-x", "-X", "--exec", "--exec-batch"):
            line = parse(call.args[:place], frozenset({"-e", "--extension", "-t", "--type", "-d", "-E", "--exclude"}))
            extension = line.value("-e", "--extension")
            name = line.words[0] if line.words else "*"
            found = f"./*.{extension}" if extension else f"./{name}" if "." in name or name == "*" else "./*"
            words = call.args[place + 1 :]
            yield Inner(tuple(filled(words, "{}" if "{}" in words else "", [found])), via="fd")
            return
