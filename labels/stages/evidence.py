"""What a stage shows: commands that ran and passed, tools that were called, files that are there.

A command counts only if its own success is what the result tells: it stands plainly in the script, alone or last or
before nothing but `&&` (in `pytest | tail` and `pytest; true` the result is another program's), and the result is no
error, by its flag, by an exit code in it, or in the words of the common test runners.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labels.commands.toolcalls import texts_of
from labels.detectors.outcomes import verdict_of
from labels.policies.globs import any_fits, glob
from labels.policies.paths import resolve
from labels.policies.scripts import CHANGES_MEANING, Command, Shell, read, read_words
from labels.stages.model import Requirement
from sessions.bodies import StoredStep
from sessions.run import Flag, Part

#: Files that are looked at for one glob, and how long, in seconds of processor time.
MOST_FILES, MOST_FILES_S = 5_000, 0.008
#: Characters of a call that are looked at.
_LONGEST = 20_000
_COMMENT = re.compile(r"#[^\n]*")
_ONLY_AND = re.compile(r"\s*&&\s*")
_EXIT = re.compile(
    r"\b(?:exit(?:ed)?|return)[ _]?(?:with )?(?:code|status)?[\"']?\s*[:=]?\s*(?:-[1-9]|[1-9])\d{0,4}\b", re.IGNORECASE
)
_HEAD, _TAIL = 200, 300


class Made(NamedTuple):
    """A call of a stage with its result, None while there is none. call_at, result_at: indices of their steps."""

    call: Part
    call_at: int
    result: Part | None
    result_at: int


def made(steps: Sequence[StoredStep], stage: str) -> list[Made]:
    """The calls of the steps that belong to a stage, with their results: by call id, and in their order without one."""
    found: list[Made] = []
    by_id: dict[str, int] = {}
    in_order: deque[int] = deque()
    for stored in steps:
        if stored.step.stage != stage or stored.flags & Flag.ABANDONED:
            continue
        for part in stored.step.parts:
            if part.kind == "tool_call":
                if part.call_id is None:
                    in_order.append(len(found))
                else:
                    by_id.setdefault(part.call_id, len(found))
                found.append(Made(part, stored.index, None, -1))
            elif part.kind == "tool_result":
                place = by_id.pop(part.call_id, None) if part.call_id is not None else _next(in_order)
                if place is not None:
                    found[place] = found[place]._replace(result=part, result_at=stored.index)
    return found


def _next(waiting: deque[int]) -> int | None:
    return waiting.popleft() if waiting else None


def shown_by(wanted: Requirement, calls: Sequence[Made], first: int) -> str | None:
    """Where a requirement was met by these calls: `step 12`, None if nowhere. first: index of the first new step; calls
    before it count if their result is new."""
    for item in calls:
        if max(item.call_at, item.result_at) < first:
            continue
        if wanted.tool is not None and _is_tool(wanted.tool, item.call):
            return f"step {item.call_at + 1}"
        if wanted.command is not None and _passed(wanted.command, item):
            return f"step {item.call_at + 1}"
    return None


def _is_tool(wanted: str, call: Part) -> bool:
    name = (call.name or "")[:200]
    return any_fits([wanted], name) or any_fits([wanted.lower()], name.lower().rsplit("__", 1)[-1])


# -- commands -----------------------------------------------------------------------------------------------------


def _passed(wanted: str, item: Made) -> bool:
    if item.result is None or not _is_good(item.result):
        return False
    return any(_ran(wanted, shell) for shell in _shells(item.call))


def _shells(call: Part) -> Iterator[Shell]:
    if len(call.text) > _LONGEST:
        return
    _, items, _ = texts_of(call.name, call.arguments, call.text)
    for item in items:
        if item.kind == "shell":
            yield read_words(item.words, None) if item.words else read(item.text, None)


def _ran(wanted: str, shell: Shell) -> bool:
    """Whether the result of a script tells how a command went that the glob fits."""
    if shell.hidden:
        return False
    outer = [command for command in shell.commands if not command.inner]
    return any(
        any_fits([wanted], text)
        for place, command in enumerate(outer)
        if _decides(shell.text, outer, place)
        for text in (command.text, _as_written(shell.text, command))
    )


def _as_written(script: str, command: Command) -> str:
    """A command with its program as it is written: `./check.sh --all`."""
    program = script[command.start : command.end].split(None, 1)[0]
    return f"{program}{command.text[len(command.name) :]}"


def _decides(script: str, commands: Sequence[Command], place: int) -> bool:
    """Whether a script fails if this command of it does, and the command is what it seems."""
    if any(command.name in CHANGES_MEANING for command in commands[:place]):
        return False
    before = script[commands[place - 1].end if place else 0 : commands[place].start]
    if "!" in before or "|" in before:
        return False
    for left, right in zip(commands[place:], commands[place + 1 :], strict=False):
        if not _ONLY_AND.fullmatch(script[left.end : right.start]):
            return False
    return not _COMMENT.sub("", script[commands[-1].end :]).strip(" \t\n)")


def _is_good(result: Part) -> bool:
    if result.is_error:
        return False
    told = verdict_of(result.text)
    if told is not None and told[0] == "fail":
        return False
    return not (_EXIT.search(result.text[:_HEAD]) or _EXIT.search(result.text[-_TAIL:]))


# -- files --------------------------------------------------------------------------------------------------------


def file_there(wanted: Requirement, workspace: str | None, since: float | None) -> str | None:
    """Why a file that is wanted is not there; None if it is. since: when the stage was entered, for `changed`."""
    if workspace is None:
        return "the agent names no workspace"
    assert wanted.file is not None, "asked of a file"
    root = resolve(workspace, None)
    if root is None:
        return "the workspace has no usable path"
    begun, seen, found = time.thread_time(), 0, False
    for path in _candidates(Path(root.real), wanted.file):
        seen += 1
        if seen > MOST_FILES or time.thread_time() - begun > MOST_FILES_S:
            return "there are too many files to look through: name it more exactly"
        if path is None:
            continue
        found = True
        if _counts(path, Path(root.real), since if wanted.changed else None):
            return None
    return "it was not changed in this stage" if wanted.changed and found else "it is not there"


def _candidates(root: Path, wanted: str) -> Iterator[Path | None]:
    """Everything below the workspace, None for what the glob does not fit. Links to folders are not followed."""
    one = glob(wanted)
    if one.literal:
        if os.path.lexists(root / wanted):
            yield root / wanted
        return
    todo = [root]
    while todo:
        folder = todo.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                todo.append(path)
            yield path if one.fits(path.relative_to(root).as_posix()) else None


def _counts(path: Path, root: Path, since: float | None) -> bool:
    """Whether it is a file in the workspace, changed since then."""
    try:
        status = path.lstat()
        inside = path.resolve().is_relative_to(root)
    except (OSError, ValueError, RuntimeError):
        return False
    return inside and (status.st_mode & 0o170000) == 0o100000 and (since is None or status.st_mtime >= since)
