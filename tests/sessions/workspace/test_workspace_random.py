"""Random trees, random changes by an agent and by others, random choices: what was promised holds for all of them."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from workspaces import IN_MEMORY, Picture, differences, picture

from sessions.workspace import entries as e
from sessions.workspace.plan import CHOICES, Choice
from sessions.workspace.snapshots import Snapshots

# Few names, so that changes meet; some that no program expects.
NAMES = st.sampled_from([b"a", b"b", b"c", b"\xff\xfe", b"new\nline", "ü 漢".encode(), b"-rf", b"~", b"x" * 255])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"text\n", b"crlf\r\n" * 50, bytes(20_000), b"SQLite format 3\0" + bytes(84)]),
)
# What nobody but root can read is not covered for others; other tests see to that.
FILE_MODES = st.sampled_from([0o644, 0o600, 0o755, 0o444, 0o666, 0o000 if os.geteuid() == 0 else 0o400])
FOLDER_MODES = st.sampled_from([0o755, 0o700, 0o750, 0o1777, 0o2755])
TIMES = st.integers(1, 2**62) | st.sampled_from([0, 10**18, 1_700_000_000_000_000_001])
ACTS = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENTS, FILE_MODES),
    st.tuples(st.just("edit"), PATHS, CONTENTS),
    st.tuples(st.just("mkdir"), PATHS, FOLDER_MODES),
    st.tuples(st.just("link"), PATHS, st.sampled_from([b"a", b"../..", b"/etc/passwd", b"no\xffwhere"])),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("chmod"), PATHS, FILE_MODES),
    st.tuples(st.just("touch"), PATHS, TIMES),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("hard link"), PATHS, PATHS),
    st.tuples(st.just("fifo"), PATHS),
)


def do(root: bytes, act: tuple) -> None:
    """One change; what is not possible just does not happen."""
    name, path, *more = act
    try:
        _ACTS[name](os.path.join(root, path), *(os.path.join(root, item) for item in more if name in _TWO_PATHS), *more)
    except OSError:
        pass


def _write(place: bytes, content: bytes, mode: int) -> None:
    remove(place)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as file:
        file.write(content)
    os.chmod(place, mode)


def _edit(place: bytes, more: bytes) -> None:
    if stat.S_ISREG(os.lstat(place).st_mode):
        with open(place, "ab") as file:
            file.write(more)


def _mkdir(place: bytes, mode: int) -> None:
    os.makedirs(place)
    os.chmod(place, mode)


def _link(place: bytes, target: bytes) -> None:
    remove(place)
    os.symlink(target, place)


def _chmod(place: bytes, mode: int) -> None:
    if not os.path.islink(place):
        os.chmod(place, mode | (stat.S_IRWXU if os.path.isdir(place) else 0))


def _hard_link(place: bytes, other: bytes, *_: object) -> None:
    if stat.S_ISREG(os.lstat(place).st_mode):
        os.link(place, other)


def remove(place: bytes) -> None:
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place, ignore_errors=True)
    elif os.path.lexists(place):
        os.unlink(place)


_TWO_PATHS = ("rename", "hard link")
_ACTS = {
    "write": _write,
    "edit": _edit,
    "mkdir": _mkdir,
    "link": _link,
    "remove": remove,
    "chmod": _chmod,
    "touch": lambda place, ns: os.utime(place, ns=(ns, ns), follow_symlinks=False),
    "rename": lambda place, other, *_: os.rename(place, other),
    "hard link": _hard_link,
    "fifo": os.mkfifo,
}


@contextmanager
def workspace(acts: list[tuple]) -> Iterator[tuple[Path, Snapshots]]:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name, Snapshots(Path(name) / "store") as store:
        folder = Path(name) / "workspace"
        folder.mkdir()
        change(folder, acts)
        yield folder, store


def change(folder: Path, acts: list[tuple]) -> None:
    for act in acts:
        do(os.fsencode(folder), act)


def without(picture: Picture, kind: str) -> Picture:
    return {path: state for path, state in picture.items() if state[0] != kind}


NO_FIFOS = st.lists(ACTS.filter(lambda act: act[0] != "fifo"), max_size=12)


@given(acts=NO_FIFOS, changes=NO_FIFOS)
@quick(100)
def test_restore_is_exact_and_undo_too(acts: list[tuple], changes: list[tuple]) -> None:
    with workspace(acts) as (folder, store):
        before = picture(folder)
        snapshot = store.take(folder, "run", "1")
        change(folder, changes)
        store.take(folder, "run", "2")
        mutated = picture(folder)
        restore = store.apply(store.plan(folder, snapshot.id))
        assert restore.complete
        assert differences(before, picture(folder)) == {}
        undone = store.undo(restore.id)
        assert differences(mutated, picture(folder)) == {}
        store.undo(undone.id)
        assert differences(before, picture(folder)) == {}
        assert store.verify() == []


@given(
    acts=st.lists(ACTS, max_size=10),
    agents=st.lists(ACTS, max_size=8),
    others=st.lists(ACTS, max_size=8),
    data=st.data(),
)
@quick(100)
def test_what_is_kept_is_kept_and_undo_is_exact(
    acts: list[tuple], agents: list[tuple], others: list[tuple], data: st.DataObject
) -> None:
    """With changes by others, things that no snapshot covers, and any choices."""
    with workspace(acts) as (folder, store):
        snapshot = store.take(folder, "run", "1")
        change(folder, agents)
        last = store.take(folder, "run", "2")
        after_agent = picture(folder)
        change(folder, others)
        before = picture(folder)
        plan = store.plan(folder, snapshot.id)
        assert picture(folder) == before, "a plan touches nothing"
        choices: dict[str, Choice] = {
            item.path: data.draw(st.sampled_from(CHOICES)) for item in plan.changes if data.draw(st.booleans())
        }
        conflicts = data.draw(st.sampled_from(CHOICES))
        outcome = plan.resolved(choices, conflicts)
        restore = store.apply(plan, choices, conflicts=conflicts, expect=outcome.fingerprint)
        assert restore.complete
        now = picture(folder)
        for path in outcome.kept:
            assert now.get(os.fsencode(path), ("",))[:3] == before.get(os.fsencode(path), ("",))[:3]
        for path, state in before.items():
            if state[0] == "special":
                assert now[path] == state
            if conflicts == "keep" and os.fsdecode(path) not in choices and is_work(state, after_agent.get(path)):
                assert now[path][:3] == state[:3], "others' work is not touched unasked"
                assert state[0] != "file" or now[path] == state
        assert_known(folder, store, restore.after, last.policy)
        assert store.undo(restore.id).complete
        assert differences(before, picture(folder)) == {}


def is_work(state: tuple, before: tuple | None) -> bool:
    """Whether a path was changed, other than a folder's time."""
    return state != before and (state[0] != "folder" or before is None or state[:3] != before[:3])


def assert_known(folder: Path, store: Snapshots, after: str | None, policy: object) -> None:
    """The state that a restore wrote down is the state that it left."""
    assert after is not None
    written = store.records.entries(store.records.snapshot(after).manifest)
    seen = store.records.entries(store.take(folder, "look", "now").manifest)
    assert written.keys() == seen.keys()
    for path, entry in seen.items():
        assert e.same(entry, written[path]), (path, entry, written[path])


@given(acts=st.lists(ACTS, max_size=12), changes=st.lists(st.lists(ACTS, max_size=4), min_size=2, max_size=6))
@quick(40)
def test_every_snapshot_of_a_series_can_be_gone_back_to(acts: list[tuple], changes: list[list[tuple]]) -> None:
    """Lists of files are kept as differences, and contents once: any order of going back must be exact."""
    with workspace([act for act in acts if act[0] != "fifo"]) as (folder, store):
        known = []
        for number, some in enumerate(changes):
            known.append((store.take(folder, "run", str(number)), picture(folder)))
            change(folder, [act for act in some if act[0] != "fifo"])
        store.take(folder, "run", "end")
        for snapshot, then in [*known[::2], *known[::-1]]:
            assert store.apply(store.plan(folder, snapshot.id), conflicts="take").complete
            assert differences(then, picture(folder)) == {}
