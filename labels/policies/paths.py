"""Paths that calls name: resolved as the system would, so that `..`, `~` and links do not hide where they lead."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from posixpath import isabs, join, normpath
from typing import Any, NamedTuple

from labels.policies.globs import LONGEST_PATH, MOST_PIECES, could_fit, has_wildcards, is_above, path_fits

#: So many values of nested arguments are looked at, so deep.
_MOST_VALUES, _DEEPEST = 2_000, 12
_KEYS = frozenset(
    "path file_path filepath filename file paths files directory dir folder target target_file notebook_path source "
    "destination src dst old_path new_path cwd workdir working_directory absolute_path relative_path uri url root "
    "db_path database_path output output_path input input_path file_name dir_path from to".split()
)


class Named(NamedTuple):
    """A path that a call names. spelled: as it is written, absolute where the folder is known. real: where links lead.
    sweeps: what is done there goes for all that lies below it too."""

    spelled: str
    real: str
    sweeps: bool = False

    @property
    def both(self) -> tuple[str, ...]:
        return (self.spelled,) if self.spelled == self.real else (self.spelled, self.real)


def resolve(path: str, folder: str | None, *, sweeps: bool = False) -> Named | None:
    """A path, from the folder that it is relative to; None for what is no path or too long to be one."""
    path = path.removeprefix("file://")
    if not path or "\n" in path or "\0" in path:
        return None
    if path.startswith("~"):
        path = os.path.expanduser(path)
    whole = path if isabs(path) or folder is None else join(folder, path)
    if len(whole) > LONGEST_PATH or whole.count("/") > MOST_PIECES:
        return None
    spelled = normpath(whole)
    return Named(spelled, _real(whole) if isabs(whole) else spelled, sweeps)


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return normpath(path)


def too_long(path: str) -> bool:
    """Whether a path is one that nobody can compare: it may lead anywhere."""
    return "\n" not in path and (len(path) > LONGEST_PATH or path.count("/") > MOST_PIECES)


# -- where policies point -----------------------------------------------------------------------------------------


def lies_in(named: Named, globs: Iterable[str]) -> str | None:
    """The path, if one of these globs is about it, generously: it lies there, or in a folder that fits; it sweeps away
    a folder above; or it has wildcards of its own and could be one."""
    return next((path for glob in globs for path in named.both if _is_about(glob, path, named.sweeps)), None)


def _is_about(glob: str, path: str, sweeps: bool) -> bool:
    for wanted in (glob, _folder_of(glob)):
        if wanted and path_fits(path, wanted):
            return True
    return (sweeps and is_above(path, glob)) or (has_wildcards(path) and could_fit(path, glob))


def _folder_of(glob: str) -> str:
    """`/srv/prod/*` is about /srv/prod too."""
    stripped = glob.rstrip("*").rstrip("/")
    return stripped if glob.endswith(("/*", "/**")) else ""


def stays_in(named: Named, globs: Iterable[str], workspace: str | None) -> bool:
    """Whether a path certainly lies in what these globs name, narrowly: as written and where its links lead. Relative
    globs are below the workspace here, and one with wildcards of its own is nowhere for certain."""
    if not isabs(named.spelled) or has_wildcards(named.spelled):
        return False
    return any(_holds(named, glob, workspace) for glob in globs)


def _holds(named: Named, glob: str, workspace: str | None) -> bool:
    if not isabs(glob):
        if workspace is None:
            return False
        glob = join(workspace, glob)
    folder, _, _ = glob.partition("*")[0].partition("?")[0].partition("[")[0].rpartition("/")
    real = _real(folder or "/").rstrip("/") + glob[len(folder) :]
    return path_fits(named.spelled, glob) and path_fits(named.real, real)


# -- paths among arguments ----------------------------------------------------------------------------------------


def in_arguments(arguments: Any) -> tuple[list[str], bool]:
    """Paths among the arguments of a tool, however deep: what is called one, and what looks like one from outside. Also
    whether that was all."""
    found: list[str] = []
    todo: list[tuple[str, Any, int]] = [("", arguments, 0)]
    seen = 0
    while todo and seen < _MOST_VALUES:
        key, value, depth = todo.pop()
        seen += 1
        if isinstance(value, str):
            if key in _KEYS or _from_outside(value):
                found.append(value)
        elif depth < _DEEPEST:
            todo.extend((*item, depth + 1) for item in _inside(key, value))
        elif isinstance(value, (dict, list)):
            return found, False
    return found, not todo


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name).lower(), item) for name, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((key, item) for item in value)


def _from_outside(value: str) -> bool:
    return len(value) <= LONGEST_PATH and value.startswith(("/", "~", "../", "file://")) and "\n" not in value
