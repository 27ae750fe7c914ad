"""A budget of disk space: the oldest snapshots of finished runs go first, and then the contents that nothing needs any
more.

Never removed: snapshots of unfinished (pinned) runs, those that the caller protects, those of unfinished restores, and
what undoing the last restore of a workspace needs. Packs are emptied by copying what is still needed into new ones, and
only once those are on the disk and known are the old ones deleted, so a crash at any moment costs space, never
contents.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sessions.errors import UserError
from sessions.workspace import entries as e
from sessions.workspace.base import Base, no_room
from sessions.workspace.objects import PackWriter, Place
from sessions.workspace.records import DONE, RestoreInfo, SnapshotInfo

#: What a store may take unless another budget is named, in bytes.
DEFAULT_BUDGET = 10_000_000_000
#: After collecting, this share of the budget is used at most: or each snapshot would collect again.
_AIM = 0.8
#: A pack is copied if at least this share of it is not needed.
_WASTE = 0.3
#: Packs of less than this are joined where there are many of them.
_SMALL, _MANY_SMALL = 4_000_000, 32


@dataclass(frozen=True, slots=True)
class Collection:
    """What collecting does. removed: snapshots, oldest first. freed: bytes. size: bytes of the store afterwards
    (before, if it was only asked). done: whether it happened."""

    removed: tuple[SnapshotInfo, ...]
    freed: int
    size: int
    budget: int
    done: bool

    @property
    def over_budget(self) -> bool:
        """Whether the store is too large although all that may go is gone."""
        return self.size - (0 if self.done else self.freed) > self.budget


def store_bytes(base: Base) -> int:
    """What the contents in the store take, in bytes."""
    row = base.database.one("SELECT coalesce(sum(bytes), 0) FROM pack")
    return int(row[0]) if row else 0


def collect(base: Base, budget: int, protected: Iterable[str], *, really: bool, wait_s: float) -> Collection:
    """See `Snapshots.collect`."""
    if not really:
        with base.locks.using():
            return _planned(base, budget, set(protected))
    with base.locks.alone(wait_s):
        planned = _planned(base, budget, set(protected))
        try:
            freed = _remove(base, [info.no for info in planned.removed])
        except OSError as error:
            raise no_room(error, f"the snapshots in {base.folder}", "not all room was freed") from None
        return Collection(planned.removed, freed, store_bytes(base), budget, done=True)


# -- what may go ----------------------------------------------------------------------------------------------------


def _planned(base: Base, budget: int, protected: set[str]) -> Collection:
    snapshots = base.records.snapshots()
    kept = protected_snapshots(base, snapshots) | protected
    needs: Counter[bytes] = Counter()
    contents = _Contents(base)
    for info in snapshots:
        needs.update(contents.of(info.manifest))
    sizes: dict[bytes, int] = {bytes(row[0]): row[1] for row in base.database.query("SELECT hash, stored FROM object")}
    size = store_bytes(base)
    wasted = size - sum(sizes[content] for content in needs if content in sizes)
    removed, freed = [], wasted
    for info in snapshots:
        if size - freed <= budget * _AIM or size <= budget:
            break
        if info.id in kept:
            continue
        removed.append(info)
        mine = contents.of(info.manifest)
        needs.subtract(mine)
        freed += sum(sizes.get(content, 0) for content in mine if needs[content] == 0)
    return Collection(tuple(removed), freed if removed or wasted else 0, size, budget, done=False)


def protected_snapshots(base: Base, snapshots: Iterable[SnapshotInfo]) -> set[str]:
    """Ids of snapshots that must stay, whoever asks."""
    pinned = base.records.pinned()
    kept = {info.id for info in snapshots if info.run in pinned}
    last: dict[int, RestoreInfo] = {}
    for restore in base.records.restores():
        if restore.state == DONE:
            last[restore.workspace_no] = restore
    for restore in (*last.values(), *base.records.unfinished()):
        kept |= {restore.before, restore.target, restore.after or ""}
    return kept - {""}


def removable(base: Base) -> bool:
    """Whether there is any snapshot that may go."""
    snapshots = base.records.snapshots()
    return len(protected_snapshots(base, snapshots)) < len(snapshots)


class _Contents:
    """The contents that a manifest needs; each is worked out once."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._known: dict[int, frozenset[bytes]] = {}

    def of(self, manifest: int) -> frozenset[bytes]:
        if manifest not in self._known:
            entries = self._base.records.entries(manifest)
            self._known[manifest] = frozenset(entry.content for entry in entries.values() if entry.kind == e.FILE)
        return self._known[manifest]


def verify(base: Base) -> list[str]:
    """What is damaged: lists of files, contents that are gone or are not what their hashes say."""
    wrong = []
    with base.locks.using():
        contents = _Contents(base)
        needed: set[bytes] = set()
        for info in base.records.snapshots():
            try:
                needed |= contents.of(info.manifest)
            except UserError as error:
                wrong.append(f"snapshot {info.id[:8]}: {error.message}")
        places = base.objects.places(needed)
        wrong += [f"the content {content.hex()[:12]} is gone." for content in sorted(needed - places.keys())]
        for content, place in sorted(places.items(), key=lambda item: (item[1].pack, item[1].start)):
            try:
                for _ in base.objects.read(content, place):
                    pass
            except UserError as error:
                wrong.append(error.message)
    return wrong


# -- removing -------------------------------------------------------------------------------------------------------


def _remove(base: Base, snapshots: list[int]) -> int:
    """Remove these snapshots and all that nothing needs then; bytes freed."""
    before = store_bytes(base)
    needed = _needed(base, set(snapshots))
    base.objects.close()
    with base.database.write() as tx:
        tx.many("DELETE FROM snapshot WHERE no = ?", ([no] for no in snapshots))
        tx.execute("DELETE FROM restore WHERE state IN ('done', 'left') AND before NOT IN (SELECT no FROM snapshot)")
        tx.execute("DELETE FROM run WHERE pinned = 0 AND id NOT IN (SELECT run FROM snapshot)")
        tx.execute(
            "DELETE FROM manifest WHERE no NOT IN (SELECT manifest FROM snapshot) AND no NOT IN "
            "(SELECT m.base FROM manifest m JOIN snapshot s ON s.manifest = m.no WHERE m.base IS NOT NULL)"
        )
        known = [bytes(row[0]) for row in tx.execute("SELECT hash FROM object")]
        unneeded = [[content] for content in known if content not in needed]
        if unneeded:
            tx.many("DELETE FROM object WHERE hash = ?", unneeded)
            tx.execute("UPDATE meta SET value = ? WHERE name = 'generation'", [os.urandom(16).hex()])
        tx.execute("DELETE FROM pack WHERE no NOT IN (SELECT pack FROM object)")
    base.records.forget()
    _remove_litter(base)
    _join_packs(base)
    return max(0, before - store_bytes(base))


def _needed(base: Base, without: set[int]) -> set[bytes]:
    contents = _Contents(base)
    rows = base.database.query("SELECT no, manifest FROM snapshot")
    return set().union(*(contents.of(manifest) for manifest in {row[1] for row in rows if row[0] not in without}))


def _join_packs(base: Base) -> None:
    """Copy what is needed out of packs that are largely waste, or that are small and many."""
    rows = base.database.query(
        "SELECT p.no, p.name, p.bytes, sum(o.stored) FROM pack p JOIN object o ON o.pack = p.no "
        "GROUP BY p.no, p.name, p.bytes ORDER BY p.no"
    )
    small = {no for no, _, size, _ in rows if size < _SMALL}
    if len(small) < _MANY_SMALL:
        small = set()
    old = [(no, name) for no, name, size, live in rows if no in small or size - live > size * _WASTE]
    if not old:
        return
    writer = base.objects.writer()
    try:
        for no, name in old:
            _copy(base, writer, no, name)
        writer.publish()
        with base.database.write() as tx:
            writer.move(tx)
            tx.many("DELETE FROM pack WHERE no = ?", ([no] for no, _ in old))
    except BaseException:
        writer.discard(base.objects.known_packs)
        raise
    base.objects.close()
    _remove_litter(base)


def _copy(base: Base, writer: PackWriter, no: int, name: str) -> None:
    """All contents of a pack, as they are kept."""
    rows = base.database.query(
        "SELECT hash, start, stored, size, codec FROM object WHERE pack = ? ORDER BY start", [no]
    )
    for content, start, stored, size, codec in rows:
        place = Place(name, start, stored, size, codec)
        writer.add_stored(bytes(content), place, base.objects.stored(place))


def _remove_litter(base: Base) -> None:
    """Files of packs that the database does not know: emptied ones, and what a crash left. Nobody is writing now."""
    known = {f"{row[0]}.pack" for row in base.database.query("SELECT name FROM pack")}
    for folder, keep in ((base.objects.folder, known), (base.folder / "cache", None)):
        for name in os.listdir(folder):
            if name.endswith(".partial") or (keep is not None and name not in keep):
                (folder / name).unlink(missing_ok=True)
