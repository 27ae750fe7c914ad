"""Deleting, overwriting and emptying files and folders.

Sources: the manual pages of rm, find, shred, truncate, dd, mv, cp, rsync, sed, chmod, chown, and PowerShell's
Remove-Item. What the target is decides (`labels.commands.paths`): temporary files and caches may go, named ordinary
files are an agent's daily work, trees and data are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from labels.commands import paths
from labels.commands.call import Call
from labels.commands.items import find_paths
from labels.commands.options import Line
from labels.commands.paths import HARMLESS, Kind, kind
from labels.commands.rules.base import Finding, Rule, Tool, row

DELETE_TREE = Rule(
    "files.delete-tree", "deletes a folder with everything in it; there is no bin to take it from.", 0.85
)
DELETE_ROOT = Rule(
    "files.delete-root", "deletes a folder of the system, a home folder, a mounted volume, or everything.", 1.0
)
DELETE_EVERYTHING = Rule("files.delete-everything", "deletes everything in a folder.", 0.9)
DELETE_HISTORY = Rule(
    "git.delete-repository", "deletes a repository's history with every commit that is not pushed.", 1.0
)
DELETE_DATA = Rule("files.delete-data", "deletes a database, backup or state file.", 0.95)
DELETE_SECRET = Rule("secrets.delete", "deletes keys or credentials that cannot be made again.", 0.9)
DELETE_SYSTEM = Rule("files.delete-system", "deletes part of the system or of an installed service.", 0.85)
DELETE_UNKNOWN = Rule("files.delete-unknown", "deletes files that are only known when it runs.", 0.7)
DELETE_LOG = Rule("logs.delete", "deletes a log that others rely on.", 0.9, "log-tampering")
DELETE_TYPED = Rule("logs.shell-history", "deletes or stops the record of what was typed.", 0.9, "log-tampering")
SHRED = Rule("files.shred", "overwrites a file so that nothing can recover it.", 1.0)
TO_NULL = Rule("files.move-to-null", "moving to /dev/null destroys what is moved.", 0.95)
MOVE_SYSTEM = Rule("files.move-system", "moves the system, a home folder or a service's data away.", 0.85)
MIRROR = Rule("files.mirror-deletes", "mirrors a folder and deletes whatever the source does not have.", 0.85)
RIGHTS = Rule(
    "files.rights-of-system", "changes owners or rights of a system folder; the old ones are stored nowhere.", 0.9
)
TRASH = Rule("files.empty-trash", "empties the bin: what is in it cannot be taken back any more.", 0.8)
OVERWRITE_DEVICE = Rule("disks.overwrite", "writes over a disk: everything on it is lost.", 1.0)

_BY_KIND = {
    Kind.ROOT: DELETE_ROOT,
    Kind.DEVICE: DELETE_ROOT,
    Kind.VCS: DELETE_HISTORY,
    Kind.LOG: DELETE_LOG,
    Kind.HISTORY: DELETE_TYPED,
    Kind.SECRET: DELETE_SECRET,
    Kind.DATA: DELETE_DATA,
    Kind.SYSTEM: DELETE_SYSTEM,
    Kind.EVERYTHING: DELETE_EVERYTHING,
}
_REMAKES = frozenset(
    "make cmake ninja meson npm yarn pnpm bun cargo go gradle gradlew mvn mvnw tsc webpack vite rollup sphinx-build "
    "mkdocs hugo jekyll python python3 docker bazel mkdir cp tar unzip git poetry uv hatch flit swift dotnet "
    "zig".split()
)


def deletes(call: Call, targets: Iterable[str], *, recursive: bool) -> Finding | None:
    """What is lost by deleting the targets; the worst of it. recursive: folders with their content."""
    worst: Finding | None = None
    listed = list(targets)
    for target in listed:
        found = _lost(call, target, listed, recursive)
        if found and (worst is None or found.rule.severity > worst.rule.severity):
            worst = found
    return worst


def _lost(call: Call, target: str, listed: list[str], recursive: bool) -> Finding | None:
    what = kind(target, call.cwd)
    if what in HARMLESS or (what in (Kind.ORDINARY, Kind.EVERYTHING) and paths.is_junk(target)):
        return None
    if what is Kind.UNKNOWN:
        certain = recursive or target.startswith(("$(", "`"))
        return Finding(DELETE_UNKNOWN, target) if certain else None
    if not recursive:
        rule = _BY_KIND.get(what)
        return Finding(rule, target) if rule else None
    if _is_output(call, target, listed):
        return None
    return Finding(_BY_KIND.get(what, DELETE_TREE), target)


def _is_output(call: Call, target: str, listed: list[str]) -> bool:
    """`build` and its like, where the rest of the command shows that it is made again or is one of several outputs."""
    if not paths.output_name(target) or target.startswith(("/", "~")):
        return False
    if any(kind(other, call.cwd) is Kind.CACHE for other in listed):
        return True
    return any(later.name in _REMAKES for later in call.after())


def _rm(call: Call, line: Line) -> Finding | None:
    recursive = line.has("-r", "-R", "--recursive")
    if line.has("--no-preserve-root"):
        return Finding(DELETE_ROOT)
    if not line.words:
        return Finding(DELETE_UNKNOWN) if recursive and line.has("-f", "--force") else None
    if lost := deletes(call, line.words, recursive=recursive):
        return lost
    return _many(call, line.words) if call.via in ("find", "xargs", "fd") and not recursive else None


_DISPOSABLE = re.compile(r".*\.(?:log|bak|out|cache|old|err|rlib|map|min\.js|snap|dSYM)(?:\.\w+|\*)?", re.IGNORECASE)


def _find(call: Call, _line: Line) -> Finding | None:
    """`find -delete`: files by exact names are named files; by a pattern nobody knows how many, unless it is litter."""
    if "-delete" not in call.args or "-empty" in call.args:
        return None
    found = find_paths(call, call.args.index("-delete"))
    if lost := deletes(call, found, recursive=all(path.endswith("/*") for path in found)):
        return lost
    return _many(call, found)


def _many(call: Call, targets: Iterable[str]) -> Finding | None:
    """Files found by a pattern, at any depth: nobody knows how many, unless the pattern is one of litter."""
    many = [path for path in targets if "*" in path and not paths.is_junk(path) and not _DISPOSABLE.fullmatch(path)]
    return next((Finding(DELETE_UNKNOWN, path) for path in many if kind(path, call.cwd) not in HARMLESS), None)


def _shred(call: Call, line: Line) -> Finding | None:
    devices = [word for word in line.words if kind(word) is Kind.DEVICE]
    if devices:
        return Finding(OVERWRITE_DEVICE, devices[0])
    lost = [word for word in line.words if kind(word, call.cwd) not in HARMLESS]
    if not lost:
        return None
    found = deletes(call, lost, recursive=False)
    return found if found and found.rule.family == "log-tampering" else Finding(SHRED, lost[0])


def _mv(call: Call, line: Line) -> Finding | None:
    target = line.value("-t", "--target-directory") or (line.words[-1] if len(line.words) > 1 else "")
    sources = line.words if line.has("-t", "--target-directory") else line.words[:-1]
    if target.rstrip("/") == "/dev/null":
        return Finding(TO_NULL, sources[0] if sources else "")
    for source in sources:
        what = kind(source, call.cwd)
        if what is Kind.ROOT or (
            what is Kind.SYSTEM and re.match(r"/(?:var/lib|bin|sbin|boot|lib\w*|usr/(?:s?bin|lib))/", source)
        ):
            return Finding(MOVE_SYSTEM, source)
        if what in (Kind.LOG, Kind.HISTORY) and kind(target) is Kind.SCRATCH:
            return Finding(DELETE_LOG if what is Kind.LOG else DELETE_TYPED, source)
    return Finding(OVERWRITE_DEVICE, target) if kind(target) is Kind.DEVICE else None


def _rsync(call: Call, line: Line) -> Finding | None:
    if line.has("-n") or not any(flag.startswith("--del") or flag == "--remove-source-files" for flag in line.flags):
        return None
    target = line.words[-1] if line.words else ""
    return None if kind(target, call.cwd) in HARMLESS else Finding(MIRROR, target)


def _robocopy(call: Call, _line: Line) -> Finding | None:
    given = {arg.lower() for arg in call.args}
    return Finding(MIRROR) if given & {"/mir", "/purge"} and "/l" not in given else None


_OWN = re.compile(
    r"(?:/srv|/opt|/mnt|/media|/data|/var/www|/usr/local|/home/[^/]+|/Users/[^/]+|/root|~|\$HOME)(?:/\*?)?"
)


#: Where rights and owners were set by packages.
_BASE = re.compile(r"/(?:etc|bin|sbin|lib\w*|boot|usr/s?bin|usr/lib\w*)(?:/|$)")


def _rights(call: Call, line: Line) -> Finding | None:
    if not line.has("-R", "--recursive"):
        return None
    targets = line.words if call.name == "setfacl" or line.has("--reference") else line.words[1:]
    if len(line.words) == 1 and re.match(r"-[rwxXst]+$", call.args[0]):  # `chmod -w -R /`
        targets = line.words
    for target in targets:
        what = kind(target, call.cwd)
        if (what is Kind.ROOT and not _OWN.fullmatch(target)) or (what is Kind.SYSTEM and _BASE.match(target)):
            return Finding(RIGHTS, target)
    return None


def _remove_item(call: Call, _line: Line) -> Finding | None:
    """PowerShell and cmd: Remove-Item, del, erase, rd."""
    args = [arg.lower() for arg in call.args]
    recursive = any(arg in ("/s", "-r") or (len(arg) > 3 and "-recurse".startswith(arg)) for arg in args)
    targets = [arg for arg in call.args if not arg.startswith("-") and not re.fullmatch(r"/[a-zA-Z]", arg)]
    if not targets and call.reads:
        return Finding(DELETE_UNKNOWN, call.reads.source)
    return deletes(call, targets, recursive=recursive)


def _rmdir(call: Call, line: Line) -> Finding | None:
    """On Windows `/s` deletes the content too; elsewhere rmdir deletes only empty folders."""
    return _remove_item(call, line) if any(arg.lower() == "/s" for arg in call.args) else None


TOOLS = (
    Tool("rm srm", check=_rm, gate="*", abbreviates=True),  # srm overwrites first: what is lost is the same
    Tool("unlink trash-rm", check=lambda call, line: deletes(call, line.words, recursive=False), gate="*"),
    Tool("rmdir rd", check=_rmdir, gate="s"),
    Tool("rimraf del-cli deltree", check=lambda call, line: deletes(call, line.words, recursive=True), gate="*"),
    Tool(
        "remove-item ri del erase",
        check=_remove_item,
        gate="*",
        dry=("-whatif",),
        long_dash=True,
        fold=True,
    ),
    Tool("find gfind", check=_find, gate="delete"),
    Tool("shred wipe scrub sdelete", check=_shred, gate="*"),
    Tool("mv move", check=_mv, gate="*", valued="-t --target-directory -S --suffix"),
    Tool(
        "rsync",
        check=_rsync,
        gate="delete del remove delete_after",
        valued="-e --rsh --exclude --include --filter -f --files-from",
    ),
    Tool("robocopy", check=_robocopy, gate="mir purge"),
    Tool("chmod chown chgrp setfacl", check=_rights, gate="*", valued="-m -x --modify", abbreviates=True),
    Tool("trash-empty", row(TRASH), gate="*"),
    Tool("gio trash", row(TRASH, any="--empty"), gate="empty"),
)
RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
