"""A restore before it happens: what would be written, deleted and kept, and what a person may choose.

`Plan` says what differs. `Plan.resolved` turns choices into steps whose order and result are settled, without touching
anything: that is what a dry run shows and what a restore then does. Where a choice cannot hold (a file that is kept
needs its folder), the workspace's state wins over the snapshot's, and a note says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeAlias

from sessions.errors import UsageError
from sessions.workspace import entries as e
from sessions.workspace.differences import Change
from sessions.workspace.entries import Entry, StatKey, Tree, ancestors, parent, path_text, without_set_id
from sessions.workspace.policy import Policy
from sessions.workspace.records import SnapshotInfo

#: What to do with a path: leave it as it is, restore it, or leave it and write the snapshot's version beside it.
Choice: TypeAlias = Literal["keep", "take", "both"]
CHOICES: tuple[Choice, ...] = ("keep", "take", "both")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Resolved:
    """Choices made into a result. final: path -> its state afterwards (None: not there), for every path that changes.
    folder_times: folders of which the mtime is set, too. kept: changes not made. beside: path -> where the snapshot's
    version goes. after: the whole workspace afterwards. fingerprint: of all that is going to be done."""

    final: Mapping[str, Entry | None]
    folder_times: Mapping[str, int]
    kept: tuple[str, ...]
    beside: Mapping[str, str]
    notes: tuple[str, ...]
    counts: Mapping[str, int]
    bytes: int
    after: Tree
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What going back to a snapshot would do. changes: by path. alone: path -> why it is not touched though it differs.
    torn: files of the snapshot that went on changing while they were read. current: the workspace now; keys: of its
    files. generation: of the store. undoes: the restore that is taken back, if any."""

    workspace: Path
    workspace_no: int
    run: str
    snapshot: SnapshotInfo
    changes: tuple[Change, ...]
    alone: Mapping[str, str]
    open_databases: Mapping[str, list[str]]
    current: Tree = field(repr=False)
    keys: Mapping[str, StatKey] = field(repr=False)
    policy: Policy
    generation: str
    undoes: str | None = None
    base: int | None = None

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """Changes to what somebody else changed since; folders' times are none."""
        return tuple(change for change in self.changes if change.conflict)

    @property
    def counts(self) -> dict[str, int]:
        """Action -> how many paths, conflicts among them; times of folders are not counted."""
        return dict(Counter(change.action for change in self.changes if not change.implied))

    def resolved(self, choices: Mapping[str, Choice] | None = None, conflicts: Choice = "keep") -> Resolved:
        """What these choices lead to. choices: by path. conflicts: for conflicts without a choice of their own.

        Raises UsageError for a choice on a path that is not going to change.
        """
        return _Resolver(self, choices or {}, conflicts).result()


class _Resolver:
    def __init__(self, plan: Plan, choices: Mapping[str, Choice], conflicts: Choice) -> None:
        self.plan = plan
        self.changes = {change.path: change for change in plan.changes}
        if unknown := sorted(choices.keys() - self.changes.keys()):
            raise UsageError(
                f"the plan does not change {path_text(unknown[0])}.", "Choose among the paths that it lists."
            )
        if wrong := sorted({*choices.values(), conflicts} - set(CHOICES)):
            raise UsageError(f"{wrong[0]!r} is no choice.", f"Choose {', '.join(CHOICES)}.")
        self.choices = choices
        self.conflicts = conflicts
        self.final: dict[str, Entry | None] = {}
        self.beside: dict[str, str] = {}
        self.notes: list[str] = []

    def result(self) -> Resolved:
        for change in self.changes.values():
            if not change.implied:
                self._choose(change)
        self._keep_folders()
        self._need_folders()
        for path in sorted(self.beside):
            self._check_beside(path)
        times = self._folder_times()
        final = {path: entry for path, entry in self.final.items() if entry != self.plan.current.get(path)}
        kept = tuple(path for path, change in self.changes.items() if not change.implied and path not in final)
        self._note_facts(final)
        after = self._after(final, times)
        counts = Counter(self.changes[path].action for path in final if path in self.changes)
        size = sum(entry.size for path, entry in final.items() if entry and self._writes(path, entry))
        beside = {path: name for path, name in self.beside.items() if name}
        return Resolved(
            final, times, kept, beside, tuple(self.notes), dict(counts), size, after, self._fingerprint(final, times)
        )

    # -- choosing ---------------------------------------------------------------------------------------------------

    def _choose(self, change: Change) -> None:
        choice = self.choices.get(change.path, self.conflicts if change.conflict else "take")
        self.final[change.path] = change.current
        if choice == "take":
            self.final[change.path] = without_set_id(change.target) if change.target else None
        elif choice == "both" and change.target is not None and change.target.kind in (e.FILE, e.LINK):
            self._put_beside(change.path, change.target)

    def _put_beside(self, path: str, target: Entry) -> None:
        name = self._free_name(path)
        self.beside[path] = name
        self.final[name] = without_set_id(target)

    def _free_name(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        for number in range(1, 1_000_000):
            end = f".snapshot-{self.plan.snapshot.id[:8]}" + (f"-{number}" if number > 1 else "")
            tried = prefix + _cut(name, _LONGEST_NAME - len(end)) + end
            if tried not in self.plan.current and tried not in self.changes and tried not in self.final:
                return tried
        raise UsageError(f"there is no free name beside {path_text(path)}.", "Choose keep or take for it.")

    def _there(self, path: str) -> Entry | None:
        """A path's state afterwards, as far as it is settled."""
        return self.final[path] if path in self.final else self.plan.current.get(path)

    def _keep_folders(self) -> None:
        """A folder that goes away stays if anything in it stays: what is kept, not covered, or was there unseen."""
        current = self.plan.current
        going: set[str] = {
            path
            for path, entry in self.final.items()
            if (was := current.get(path)) is not None
            and was.kind == e.FOLDER
            and (entry is None or entry.kind != e.FOLDER)
        }
        if not going:
            return
        inside = [path for path in current.keys() | self.final.keys() if path and parent(path) in going]
        for path in sorted(inside, key=lambda path: -path.count("/")):
            above = parent(path)
            if above in going and self._there(path) is not None and path in current:
                going.discard(above)
                self.final[above] = current[above]
                self.notes.append(f"the folder {path_text(above)} stays, because {path_text(path)} in it does")

    def _need_folders(self) -> None:
        """What comes back needs its folders: those that are gone come back too; where something else stands in the
        way and is kept, it cannot come back."""
        for path in sorted(self.final, key=lambda path: path.count("/")):
            entry = self.final[path]
            if entry is None or entry == self.plan.current.get(path) or not path:
                continue
            for above in reversed(ancestors(path)):
                there = self._there(above)
                wanted = self.changes[above].target if above in self.changes else None
                if there is None and wanted is not None and wanted.kind == e.FOLDER:
                    self.final[above] = without_set_id(wanted)
                elif there is None or there.kind != e.FOLDER:
                    self.final[path] = self.plan.current.get(path)
                    self.notes.append(
                        f"{path_text(path)} does not come back, because {path_text(above)} stays as it is"
                    )
                    break

    def _check_beside(self, path: str) -> None:
        if self._there(self.beside[path]) is None:
            self.beside[path] = ""

    # -- what follows -------------------------------------------------------------------------------------------------

    def _folder_times(self) -> dict[str, int]:
        """Writing in a folder changes its time. It becomes the snapshot's where all in it became the snapshot's, and
        stays what it is where something was kept."""
        target_times = {path: change.target.mtime_ns for path, change in self.changes.items() if change.target}
        current = self.plan.current
        moved = {path for path, entry in self.final.items() if entry != current.get(path)}
        mixed = {parent(path) for path in self.changes if path and path not in moved and not self.changes[path].implied}
        mixed |= {parent(name) for name in self.beside.values() if name}
        mixed |= {parent(path) for path in self.plan.alone if path}
        touched = {parent(path) for path in moved if path} | {p for p, c in self.changes.items() if c.implied}
        touched |= {path for path in moved if (entry := self.final[path]) is not None and entry.kind == e.FOLDER}
        times = {}
        for path in touched:
            there = self._there(path)
            if there is None or there.kind != e.FOLDER:
                continue
            was = current.get(path)
            if path in mixed and was is not None and was.kind == e.FOLDER:
                times[path] = was.mtime_ns
            else:
                times[path] = target_times.get(path, there.mtime_ns)
        return times

    def _after(self, final: Mapping[str, Entry | None], times: Mapping[str, int]) -> Tree:
        after = dict(self.plan.current)
        for path, entry in final.items():
            if entry is None:
                after.pop(path, None)
            else:
                after[path] = entry
        for path, mtime_ns in times.items():
            after[path] = after[path]._replace(mtime_ns=mtime_ns)
        return after

    def _writes(self, path: str, entry: Entry) -> bool:
        was = self.plan.current.get(path)
        return entry.kind == e.FILE and (was is None or not e.same_content(entry, was))

    def _note_facts(self, final: Mapping[str, Entry | None]) -> None:
        """What will not be quite as it was."""
        for path, entry in final.items():
            if entry is None:
                continue
            target = self.changes[path].target if path in self.changes else None
            if target is not None and target.mode != entry.mode:
                self.notes.append(f"{path_text(path)} comes back without its setuid or setgid bit")
            if self._writes(path, entry):
                for flag, words in _FACTS.items():
                    if entry.flags & flag:
                        self.notes.append(f"{path_text(path)} {words}")

    def _fingerprint(self, final: Mapping[str, Entry | None], times: Mapping[str, int]) -> str:
        state = blake2b(digest_size=16)
        for path in sorted(final):
            state.update(repr((path, self.plan.current.get(path), final[path])).encode("utf-8", "surrogatepass"))
        state.update(repr(sorted(times)).encode("utf-8", "surrogatepass"))
        return state.hexdigest()


_FACTS = {
    e.HARD_LINKED: "was a hard link and comes back as a file of its own",
    e.XATTRS: "comes back without its extended attributes",
    e.TORN: "was being written when the snapshot was taken: its content may be a mixture",
}


def _cut(name: str, most: int) -> str:
    """A name of at most so many bytes, cut between characters."""
    while len(name.encode("utf-8", "surrogateescape")) > most:
        name = name[:-1]
    return name
