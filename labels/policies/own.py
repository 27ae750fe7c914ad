"""The station's own records, which an agent under review must leave alone: the database with all that SQLite puts
beside it, the snapshots, the policy and the stages, the folders they lie in, and the commands that decide.

This notices; it does not wall off. Who runs as the same user of the operating system can write to all of it without
asking (docs/policies.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import NamedTuple

from labels.policies import globs, paths
from labels.policies.scripts import Command
from labels.policies.touching import Touch
from sessions.workspace.database import default_folder

_BESIDE = ("-wal", "-shm", "-journal")
_VARIABLE = re.compile(r"\breview_tui_(?:db|policy|stages|snapshots|reviewer|gated_run|codebooks)\b")
#: The program's modules that write decisions, as code would import them, and the program run as a module.
_MODULES = re.compile(
    r"\b(?:labels\.(?:operating|ledger|events|policies)|sessions\.(?:live|store|gate_checks|workspace)|review_tui\.cli)\b"
    r"|-m\s+review_tui\b"
)
#: What an agent may ask of the program: to open a gate, and to look.
_LOOKS = frozenset("runs show search history doctor plan command-check formats --version --help -h".split())
_LOOKS_AT_GATES = frozenset({"open", "list", "show", "--help", "-h"})
_VALUED = frozenset({"--db", "--reviewer", "--format", "--codebook"})


class Own(NamedTuple):
    """files: the database and what belongs to it, policy and stages; folders: with all that is in them. Both as globs.
    names: of the database's files, which a command in an unknown folder may say alone. tails: of the folders, as code
    writes them that puts the home folder before them."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()


NOTHING = Own()


@lru_cache(maxsize=64)
def own_records(database: Path, files: tuple[Path, ...] = (), snapshots: Path | None = None) -> Own:
    """What there is to be left alone. files: policy and stages. snapshots: their folder, the user's own if None."""
    from platformdirs import user_config_path, user_data_path, user_state_path

    whole = [database, *(database.with_name(f"{database.name}{end}") for end in _BESIDE), *files]
    name = "review-tui"
    folders = [
        snapshots or default_folder(),
        user_config_path(name, appauthor=False),
        user_data_path(name, appauthor=False),
        user_state_path(name, appauthor=False),
    ]
    names = tuple(f"{escape(database.name.lower())}{end}" for end in ("", *_BESIDE))
    home = Path.home()
    tails = tuple(str(path.relative_to(home)).lower() for path in folders if path.is_relative_to(home))
    return Own(_spellings(whole), _spellings(folders), names, tails)


def _spellings(found: Iterable[Path]) -> tuple[str, ...]:
    """Each path as written and where it leads."""
    resolved = (paths.resolve(str(path.absolute()), None) for path in found)
    return tuple(dict.fromkeys(escape(path) for named in resolved if named is not None for path in named.both))


def touched(touch: Touch, own: Own) -> str | None:
    """What of the station's own records a call touches, in words; None if nothing."""
    for named in touch.paths:
        if found := paths.lies_in(named, own.folders) or paths.lies_in(named, own.files):
            return found
    executed = touch.executed
    if found := globs.named(own.names, executed) or globs.named((*own.files, *own.folders), executed):
        return found
    for text in executed:
        if found_there := _VARIABLE.search(text) or _MODULES.search(text):
            return found_there[0]
        if tail := next((tail for tail in own.tails if tail in text), None):
            return tail
    return next((command.text[:80] for command in touch.commands if _decides(command)), None)


def _decides(command: Command) -> bool:
    """Whether a command of the program does more than an agent may."""
    if command.name not in ("review-tui", "review_tui"):
        return False
    words, skip = [], False
    for arg in command.args:
        if not skip and (not arg.startswith("-") or arg in _LOOKS):
            words.append(arg)
        skip = arg in _VALUED
    if words[:1] == ["gate"]:
        return len(words) < 2 or words[1] not in _LOOKS_AT_GATES
    return not words or words[0] not in _LOOKS
