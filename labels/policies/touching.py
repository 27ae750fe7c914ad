"""What the calls of a chunk touch, as far as a policy asks: tools, commands, paths, and every name that could be one of
a production system.

Reading is generous where it holds and narrow where it approves: a word anywhere in a call counts as naming a target,
but a command counts as covered only if it stands there plainly, with nothing in it that cannot be read off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import isabs, join, normpath
from typing import Any

from labels.commands import judge_call
from labels.commands.verdict import Verdict
from sessions.bodies import StoredStep
from sessions.effects import changes_world
from sessions.run import Part

#: Of a call's text, so much is searched for names; a longer one counts as unreadable.
MOST_TEXT = 100_000
_PATH_KEYS = frozenset(
    "path file_path filepath filename file paths files directory dir folder target target_file notebook_path "
    "source destination src dst old_path new_path cwd workdir working_directory".split()
)
_COMMAND_KEYS = ("command", "cmd", "commands", "script", "code", "keystrokes", "input")
_SHELLS = frozenset(
    "bash shell sh zsh exec exec_command execute_bash run_command terminal local_shell run_shell command bash_command "
    "execute_command shell_command run_shell_command run_in_terminal run_terminal_cmd execute_shell".split()
)
_WORD = re.compile(r"[\w.@%+~/:=*{}$-]{2,400}")
_JOINTS = re.compile(r"[=@:/,]+")
_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Touch:
    """One call. step: its index, None for a proposed one. tool: the last piece of its name, lower case. commands: what
    a shell would run, one each, None where that cannot be read off. paths: that it names, absolute where the folder is
    known. words: everything in it that could be a name. changes: whether it changes anything, as far as can be told."""

    step: int | None
    tool: str
    text: str
    commands: tuple[str, ...] | None
    paths: tuple[str, ...]
    words: frozenset[str]
    changes: bool
    verdict: Verdict

    def names(self, globs: Iterable[str]) -> str | None:
        """The first word that one of these globs fits."""
        return next((word for glob in globs for word in sorted(self.words) if fnmatchcase(word, glob)), None)

    def lies_in(self, globs: Iterable[str]) -> str | None:
        """The first path that one of these globs fits."""
        return next((path for glob in globs for path in self.paths if path_fits(path, glob)), None)


def path_fits(path: str, glob: str) -> bool:
    """Whether a glob fits a path or a folder above it. `*` goes across slashes; a relative glob fits anywhere."""
    wanted = glob.rstrip("/")
    pieces = path.split("/")
    above = ("/".join(pieces[:count]) for count in range(len(pieces), 0, -1))
    return any(
        fnmatchcase(one, wanted) or (not isabs(wanted) and fnmatchcase(one, f"*/{wanted}")) for one in above if one
    )


def touches(steps: Iterable[StoredStep], proposed: Iterable[Part], workspace: str | None) -> list[Touch]:
    """Every call of these steps, then the proposed ones."""
    made = [
        touch_of(part, stored.index, workspace)
        for stored in steps
        for part in stored.step.parts
        if part.kind == "tool_call"
    ]
    return [*made, *(touch_of(part, None, workspace) for part in proposed)]


def touch_of(part: Part, step: int | None, workspace: str | None) -> Touch:
    """One call."""
    tool = (part.name or "").rsplit(".", 1)[-1].rsplit("__", 1)[-1].lower()
    text = part.text[: MOST_TEXT + 1]
    verdict = judge_call(part.name, part.arguments, text)
    commands: tuple[str, ...] | None = ()
    paths = [*_argument_paths(part.arguments), *_PATCHED.findall(text)]
    if tool in _SHELLS or not tool:
        commands, more = _commands(_command_text(part.arguments, text))
        paths += more
    if len(part.text) > MOST_TEXT:
        commands = None
    return Touch(
        step=step,
        tool=tool,
        text=text[:2_000],
        commands=commands,
        paths=tuple(dict.fromkeys(_absolute(path, workspace) for path in paths)),
        words=frozenset(_words(text)),
        changes=changes_world(part.name, part.arguments, text) or verdict.deny or commands is None,
        verdict=verdict,
    )


def _command_text(arguments: Any, text: str) -> str:
    if isinstance(arguments, Mapping):
        for key in _COMMAND_KEYS:
            value = arguments.get(key)
            if isinstance(value, str):
                return value
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                # `bash -lc SCRIPT` as a list is what the script says; anything else is one command.
                return value[2] if len(value) == 3 and value[1] in ("-c", "-lc") else " ".join(value)
    return text


def _commands(script: str) -> tuple[tuple[str, ...] | None, list[str]]:
    """The commands of a script, and the paths among their words. None for a script that cannot be read off: one that
    runs another script, or an interpreter's code, or has parts that only running it would show."""
    from labels.commands import syntax, unwrap
    from labels.commands.calls import Place, calls
    from labels.commands.interpreters import language

    found: list[str] = []
    paths: list[str] = []
    plain = len(script) <= MOST_TEXT
    read = syntax.read(script[:MOST_TEXT])
    for call in calls(read, script[:MOST_TEXT], Place()):
        found.append(" ".join([call.name, *call.args]))
        paths += [word for word in call.args if _path_like(word)]
        paths += [redirect.target for redirect in call.redirects if _path_like(redirect.target)]
        opaque = unwrap.is_wrapper(call.name) or call.name in ("source", ".", "eval") or bool(language(call.name))
        plain = plain and not opaque and not any("$(" in word or "`" in word for word in call.args)
        plain = plain and not any(redirect.overwrites or ">" in redirect.operator for redirect in call.redirects)
    return (tuple(found) if plain and not read.unread else None), paths


def _path_like(word: str) -> bool:
    return ("/" in word or word.startswith(("~", ".")) or "." in word[1:-1]) and "://" not in word and len(word) < 4096


def _argument_paths(arguments: Any) -> Iterator[str]:
    if not isinstance(arguments, Mapping):
        return
    for key, value in arguments.items():
        if key in _PATH_KEYS:
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _absolute(path: str, workspace: str | None) -> str:
    whole = path if isabs(path) or workspace is None else join(workspace, path)
    return normpath(whole)


def _words(text: str) -> Iterator[str]:
    """Every word, and every piece of it: of `postgres://app@db.prod:5432/billing` the host and the database too."""
    for word in _WORD.findall(text):
        yield word.strip(".:")
        yield from (piece for piece in _JOINTS.split(word) if piece)
