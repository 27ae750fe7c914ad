"""What a snapshot leaves out, and what is too much for one.

Everything is covered unless something here says otherwise, ignored files and caches too. What is left out is recorded
with its reason, and a restore neither deletes nor writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import translate
from typing import Any

from sessions.errors import UsageError, UserError

MB = 1_000_000
#: Folders that their tools make anew when they are gone. Left out only where `skip_caches` says so.
CACHE_FOLDERS = ("__pycache__", ".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox",
                 "node_modules", ".gradle", ".parcel-cache", ".turbo")  # fmt: skip
#: Folders in each other; a deeper one is left out. Each level holds a file descriptor while it is walked.
MAX_DEPTH = 200
_MOST_PATTERNS = 1000


@dataclass(frozen=True, slots=True)
class Policy:
    """exclude: patterns of paths; one without `/` is matched with names at any depth, `*` crosses `/`. skip_caches:
    leave CACHE_FOLDERS out. file_cap: bytes; larger files are left out. total_cap: bytes; the largest files are left
    out until the rest fits, None for no such cap. max_files, max_bytes: a workspace with more is refused.
    """

    exclude: tuple[str, ...] = ()
    skip_caches: bool = False
    file_cap: int = 100 * MB
    total_cap: int | None = None
    max_files: int = 500_000
    max_bytes: int = 20_000 * MB

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Policy:
        known = {name: value[name] for name in cls.__slots__ if name in value}
        return replace(cls(**known), exclude=tuple(value.get("exclude", ())))

    def matcher(self) -> Callable[[str, str], bool] | None:
        """A function of a path and its name that tells whether it is excluded; None if nothing is. Raises
        UsageError."""
        patterns = (*self.exclude, *(CACHE_FOLDERS if self.skip_caches else ()))
        if not patterns:
            return None
        if len(patterns) > _MOST_PATTERNS:
            raise UsageError(f"{len(patterns)} patterns are too many.", f"Exclude with {_MOST_PATTERNS} at most.")
        cleaned = [pattern.removeprefix("./").strip("/") for pattern in patterns]
        if not all(cleaned):
            raise UsageError("an empty pattern excludes nothing.", "Name a path, or a name that may stand anywhere.")
        names = _one_of([pattern for pattern in cleaned if "/" not in pattern])
        paths = _one_of([pattern for pattern in cleaned if "/" in pattern])
        return lambda path, name: bool((names and names(name)) or (paths and paths(path)))


#: Everything but very large files.
DEFAULT_POLICY = Policy()


def _one_of(patterns: list[str]) -> Callable[[str], re.Match[str] | None] | None:
    return re.compile("|".join(map(translate, patterns))).match if patterns else None


def too_much(what: str, found: int, most: int, largest: list[tuple[str, int]]) -> UserError:
    """The error for a workspace over a hard limit. largest: folders (or files) with their share, largest first."""
    places = ", ".join(f"{path or '.'} ({size:,})" for path, size in largest)
    return UserError(
        f"the workspace has more than {most:,} {what} (at least {found:,}): no snapshot was taken.",
        f"Exclude what need not come back, or raise the limit. Most are in: {places}.",
    )
