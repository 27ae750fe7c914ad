"""What the workspace commands share: the store, sizes, and snapshots and restores as text and JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, settings
from sessions.errors import UsageError

if TYPE_CHECKING:
    from sessions.workspace.records import RestoreInfo, SnapshotInfo
    from sessions.workspace.snapshots import Snapshots

F = TypeVar("F", bound=Callable[..., Any])

#: Paths that are listed as text; a JSON document has all of them.
MOST_LINES = 40
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class Size(click.ParamType[int]):
    """Bytes, with a unit if one likes: 500, 100MB, 1.5G (powers of ten)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no size; write 500, 100MB or 1.5G", param, ctx)
        return int(float(match[1]) * _UNITS[match[2].lower()])


SIZE = Size()


def store_option(command: F) -> F:
    text = "Where snapshots are kept. Default: $REVIEW_TUI_SNAPSHOTS, or the user's state folder."
    return click.option("--store", type=PATH, metavar="FOLDER", help=text)(command)


def opened(ctx: click.Context, store: Path | None, **more: Any) -> Snapshots:
    """The snapshot store, closed when the command ends. The review database must not lie in a workspace either."""
    from sessions.workspace.snapshots import Snapshots

    snapshots = Snapshots(store, own=[settings(ctx).db_path()], **more)
    ctx.find_root().call_on_close(snapshots.close)
    return snapshots


def size_text(size: int) -> str:
    """`12 bytes`, `3.4 kB`, `1.2 GB`."""
    if size < 1000:
        return output.count(size, "byte")
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.3g} {unit}"
    return f"{value / 1000:.3g} TB"


def counts_text(counts: Mapping[str, int]) -> str:
    """`rewrite 2, delete 1`, or `nothing`."""
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "nothing"


def paths_lines(items: Iterable[str], total: int) -> None:
    """Some paths, one a line, and how many more there are."""
    for number, item in enumerate(items):
        if number == MOST_LINES:
            output.line(f"  ... and {total - MOST_LINES:,} more; --json has them all.")
            return
        output.line(f"  {item}")


def text_of(path: str) -> str:
    """A path of a workspace as text; the workspace itself is `.`."""
    from sessions.workspace.entries import path_text

    return path_text(path) or "."


def chosen_path(text: str) -> str:
    """A path of a workspace that a person gave: as it is printed, or as it is. Raises UsageError."""
    cleaned = "/".join(part for part in text.split("/") if part not in ("", "."))
    if text.startswith("/") or ".." in cleaned.split("/"):
        raise UsageError(f"{text} does not lie in the workspace.", "Give the path as the plan lists it.")
    return cleaned


# -- snapshots ------------------------------------------------------------------------------------------------------


def snapshot_json(info: SnapshotInfo) -> dict[str, Any]:
    return {
        "id": info.id, "workspace": text_of(str(info.workspace)), "run": info.run or None, "key": info.key or None,
        "kind": info.kind, "at": info.at, "files": info.files, "folders": info.folders, "links": info.links,
        "bytes": info.bytes, "not_covered": dict(info.not_covered), "not_covered_bytes": info.not_covered_bytes,
        "torn": info.torn, "with_extended_attributes": info.xattrs, "files_read": info.read,
        "new_bytes": info.new_bytes, "took_ms": round(info.took_ms, 1),
        "open_databases": databases_json(info.open_databases),
    }  # fmt: skip


def databases_json(databases: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"path": text_of(path), "signs": list(signs)} for path, signs in databases.items()]


def snapshot_lines(info: SnapshotInfo) -> None:
    """A snapshot for people: first what it covers, then what it does not."""
    whose = f" of run {info.run}" if info.run else ""
    output.line(f"snapshot {info.id[:12]}{whose}  {info.at}  {info.workspace}")
    covered = f"{output.count(info.files, 'file')} ({size_text(info.bytes)})"
    output.line(f"covered: {covered}, {output.count(info.folders, 'folder')}, {output.count(info.links, 'link')}")
    if info.not_covered:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(info.not_covered.items()))
        total = output.count(sum(info.not_covered.values()), "path")
        output.line(
            f"NOT covered, and not touched by a restore: {total} ({size_text(info.not_covered_bytes)}): {reasons}"
        )
    if info.torn:
        output.line(f"changed while being read: {output.count(info.torn, 'file')}")
    if info.xattrs:
        output.line(f"extended attributes are not kept: {output.count(info.xattrs, 'file')} with some")
    databases_lines(info.open_databases)


def databases_lines(databases: Mapping[str, Any]) -> None:
    for path, signs in databases.items():
        output.line(f"SQLite file in use: {text_of(path)} ({'; '.join(signs)})")


# -- restores -------------------------------------------------------------------------------------------------------


def restore_json(info: RestoreInfo) -> dict[str, Any]:
    return {
        "id": info.id, "workspace": text_of(str(info.workspace)), "run": info.run or None, "snapshot": info.target,
        "before": info.before, "after": info.after, "state": info.state, "at": info.at, "undoes": info.undoes,
        "undone_by": info.undone_by, "counts": dict(info.counts), "bytes": info.bytes,
        "kept": [text_of(path) for path in info.kept],
        "beside": [{"path": text_of(path), "written": text_of(name)} for path, name in info.beside.items()],
        "failed": [{"path": text_of(path), "reason": reason} for path, reason in info.failed.items()],
        "notes": list(info.notes), "took_ms": round(info.took_ms, 1), "problem": info.problem or None,
    }  # fmt: skip


def restore_lines(info: RestoreInfo) -> None:
    """A restore for people: what was done, and what was not."""
    output.line(
        f"restore {info.id[:12]} of {info.workspace}: {counts_text(info.counts)} ({size_text(info.bytes)} written)"
    )
    for path, name in info.beside.items():
        output.line(f"the snapshot's version of {text_of(path)} is in {text_of(name)}")
    if info.kept:
        output.line(f"kept as they are: {output.count(len(info.kept), 'path')}")
        paths_lines(map(text_of, info.kept), len(info.kept))
    for text in info.notes[:MOST_LINES]:
        output.line(f"note: {text}")
    for path, reason in info.failed.items():
        output.note(f"review-tui: not restored: {text_of(path)}: {reason}")
    if info.problem:
        output.note(f"review-tui: {info.problem}")
