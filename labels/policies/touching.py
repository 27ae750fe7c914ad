"""What the calls of a chunk touch, as far as a policy asks: tools, commands, paths, names of systems, and whether any
of it may change something.

Reading is generous where it holds and narrow where it approves: a name anywhere in a call counts as naming a target,
but a command counts as covered only if it stands there plainly, with nothing in it that cannot be read off.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from posixpath import isabs, join
from typing import Any
from urllib.parse import unquote

from labels.commands import judge_call
from labels.commands.toolcalls import texts_of
from labels.commands.verdict import ALLOWED, Verdict
from labels.policies import globs, paths
from labels.policies.looking import command_looks, sql_looks, tool_looks
from labels.policies.paths import Named
from labels.policies.scripts import Command, Shell, read, read_words
from sessions.bodies import StoredStep
from sessions.effects import changes_world
from sessions.run import Part

#: A call with a longer text counts as unread, and so do those that come after so much in one chunk: a policy has few
#: milliseconds, whatever an agent puts there.
MOST_TEXT, MOST_TOGETHER = 100_000, 200_000
#: Paths of one call, and calls of one chunk, that are looked at.
MOST_PATHS, MOST_CALLS = 400, 2_000
_SHOWN = 2_000
#: Programs for which a folder stands for all that lies in it.
_SWEEPS = frozenset(
    "rm rmdir mv cp chmod chown chgrp find shred rsync scp tar zip git ln dd srm trash umount mount setfacl "
    "chattr".split()
)
_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.{1,2000})$|^\*\*\* Move to: (.{1,2000})$", re.MULTILINE)
_BLOCK = re.compile(r"```[ \t]*(bash|sh|shell|zsh|console|terminal|sql|python|py|mswea_bash_command)[^\n`]{0,80}\n")
_MOST_BLOCKS = 100


@dataclass(frozen=True, slots=True)
class Touch:
    """One call. step: its index, None for a proposed one. tool: its whole name, small; tools: all the forms of it.
    commands: all that a shell would run. opaque: why what it does cannot be read off, "" if it can. unread: there is
    too much of it to be looked at. paths: that it names. texts: to search for names, in lower case; executed: those of
    them that run. looks: it certainly changes nothing, as far as that goes without its commands. changes: it certainly
    changes something. verdict: of the command check."""

    step: int | None
    tool: str
    tools: tuple[str, ...]
    text: str
    scripted: bool
    commands: tuple[Command, ...]
    opaque: str
    unread: bool
    paths: tuple[Named, ...]
    texts: tuple[str, ...]
    executed: tuple[str, ...]
    looks: bool
    changes: bool
    verdict: Verdict

    def names(self, wanted: Iterable[str], *, dotted: bool = False) -> str | None:
        """The first name in it that one of these globs fits. dotted: a piece between dots is one, too."""
        return globs.named(wanted, self.texts, dotted=dotted)

    def lies_in(self, wanted: Iterable[str]) -> str | None:
        """The first path of it that one of these globs is about."""
        wanted = tuple(wanted)
        return next((found for path in self.paths if (found := paths.lies_in(path, wanted))), None)

    def executes(self, wanted: Iterable[str]) -> str | None:
        """The first of these paths that stands in what it executes, as it is written there (in program code, say)."""
        return globs.named(wanted, self.executed)

    def may_change(self, harmless: tuple[str, ...]) -> bool:
        """Whether it may change anything. harmless: globs of commands and tools that do not, besides those known."""
        if self.verdict.deny or self.unread or self.opaque:
            return True
        if self.scripted:
            return not (self.looks and all(_only_looks(command, harmless) for command in self.commands))
        return not (self.looks or globs.any_fits(harmless, self.tool))


def _only_looks(command: Command, harmless: tuple[str, ...]) -> bool:
    return command_looks(command.name, command.args) or globs.any_fits(harmless, command.text)


def touches(steps: Iterable[StoredStep], proposed: Iterable[Part], workspace: str | None) -> tuple[list[Touch], bool]:
    """Every call of these steps, then the proposed ones, and whether that is all there was to look at. Where no step
    has typed calls, the code blocks that its agents wrote: some are run from there."""
    steps, proposed = list(steps), list(proposed)
    made = [
        (part, stored.index) for stored in steps for part in stored.step.parts if part.kind == "tool_call"
    ]  # fmt: skip
    if not made and not proposed:
        made = [(part, stored.index) for stored in steps if stored.step.role == "agent" for part in _blocks(stored)]
    calls = [*made, *((part, None) for part in proposed)]
    complete = len(calls) <= MOST_CALLS and not any(
        part.kind == "raw" for stored in steps for part in stored.step.parts
    )
    found, room = [], MOST_TOGETHER
    for part, step in calls[:MOST_CALLS]:
        room -= len(part.text)
        found.append(touch_of(part, step, workspace) if room >= 0 else unread(part, step))
    return found, complete


def _blocks(stored: StoredStep) -> Iterator[Part]:
    for part in stored.step.parts:
        if part.kind == "text" and "```" in part.text:
            for found in islice(_BLOCK.finditer(part.text[:MOST_TEXT]), _MOST_BLOCKS):
                end = part.text.find("```", found.end())
                code = part.text[found.end() : end if end >= 0 else len(part.text)]
                tool = {"sql": "sql", "python": "python", "py": "python"}.get(found[1], "bash")
                yield Part("tool_call", code, name=tool, arguments=code)


def touch_of(part: Part, step: int | None, workspace: str | None) -> Touch:
    """One call."""
    name, text = part.name or "", part.text
    if len(text) > MOST_TEXT:
        return unread(part, step)
    kind, items, folder = texts_of(name, part.arguments, text)
    base, home = _folder(folder, workspace), os.path.expanduser("~")
    shells = [
        read_words(item.words, base, home) if item.words else read(item.text, base, home)
        for item in items
        if item.kind == "shell"
    ]
    code = any(item.kind not in ("shell", "sql") for item in items)
    sql = [item.text for item in items if item.kind == "sql"]
    commands = tuple(command for shell in shells for command in shell.commands)
    named, all_named = _paths(part.arguments, text, base, commands)
    executed = _lower([*(item.text for item in items), *(command.text for command in commands)])
    verdict = judge_call(name, part.arguments, text)
    return Touch(
        step=step,
        tool=name.lower()[:200],
        tools=_forms(name, kind),
        text=" ".join(text[:_SHOWN].split()),
        scripted=bool(shells),
        commands=commands,
        opaque=_opaque(shells, code),
        unread=not all_named or any(shell.unread for shell in shells) or any(map(_is_long, commands)),
        paths=named,
        texts=_lower([text, name, *executed]),
        executed=executed,
        looks=all(map(sql_looks, sql)) if items else _tool_looks(name, part.arguments),
        changes=verdict.deny or changes_world(part.name, part.arguments, text),
        verdict=verdict,
    )


def unread(part: Part, step: int | None) -> Touch:
    """A call that is not looked at, for there is too much of it: whatever may be in it, it waits for a person."""
    name = part.name or ""
    return Touch(
        step=step, tool=name.lower()[:200], tools=_forms(name, ""), text=" ".join(part.text[:_SHOWN].split()),
        scripted=False, commands=(), opaque="it is too long", unread=True, paths=(), texts=(), executed=(), looks=False,
        changes=False, verdict=ALLOWED,
    )  # fmt: skip


def _forms(name: str, kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name[:200], name.lower()[:200], name[-200:].rsplit("__", 1)[-1].lower(), kind)))


def _is_long(command: Command) -> bool:
    return len(command.text) > globs.LONGEST_COMMAND


def _folder(named: str | None, workspace: str | None) -> str | None:
    """Where a call is run: the folder that it names, from the workspace."""
    if named is None:
        return workspace
    named = os.path.expanduser(named)
    return named if isabs(named) or workspace is None else join(workspace, named)


def _opaque(shells: list[Shell], code: bool) -> str:
    if code:
        return "it is program code"
    return next((shell.opaque for shell in shells if shell.opaque), "")


def _tool_looks(name: str, arguments: Any) -> bool:
    if isinstance(arguments, dict) and "edit" in name.lower() and arguments.get("command") == "view":
        return True  # the editors of SWE-agent and Anthropic
    return tool_looks(name.rsplit("__", 1)[-1].rsplit(".", 1)[-1])


def _lower(found: Iterable[str]) -> tuple[str, ...]:
    """Texts to search for names: in lower case, with `%41` as what it stands for, none that is a part of another."""
    kept: list[str] = []
    for text in found:
        small = unquote(text).lower() if "%" in text else text.lower()
        if small and not any(small in other for other in kept):
            kept.append(small)
    return tuple(kept)


# -- paths --------------------------------------------------------------------------------------------------------


def _paths(
    arguments: Any, text: str, base: str | None, commands: tuple[Command, ...]
) -> tuple[tuple[Named, ...], bool]:
    """The paths of a call, and whether that is all of them."""
    given, complete = paths.in_arguments(arguments)
    given += [found[0] or found[1] for found in _PATCHED.findall(text[:100_000])] if "*** " in text else []
    candidates = [(path, base, True) for path in given]
    candidates += [(word, command.cwd, command.name in _SWEEPS) for command in commands for word in words_of(command)]
    candidates = list(dict.fromkeys(candidates))
    complete = complete and len(candidates) <= MOST_PATHS and not any(paths.too_long(path) for path, _, _ in candidates)
    found = (_resolved(*item) for item in candidates[:MOST_PATHS])
    return tuple(dict.fromkeys(item for item in found if item is not None)), complete


def _resolved(path: str, folder: str | None, sweeps: bool) -> Named | None:
    return paths.resolve(path, folder, sweeps=sweeps)


def words_of(command: Command) -> Iterator[str]:
    """The words of a command that may be paths: every argument, the values of options, and redirections."""
    for arg in command.args:
        yield from path_words(arg)
    yield from command.redirects


@lru_cache(maxsize=4_096)
def path_words(arg: str) -> tuple[str, ...]:
    """What of an argument may be a path: all of it, and what stands behind a name (`--to=x`, `-I/x`, `of=x`)."""
    if not arg.startswith("-"):
        name, equals, value = arg.partition("=")
        return (arg, value) if equals and value and "/" not in name else (arg,)
    if "=" in arg:
        return (arg.partition("=")[2],)
    return (arg[2:],) if "/" in arg else ()
